//! Numbers and strings that fit a JSON schema.

use serde_json::{Value, json};

use super::pattern;

/// The number that a word of the schema has; 0 without it.
pub(super) fn count(schema: &Value, word: &str) -> u64 {
    schema.get(word).and_then(Value::as_u64).unwrap_or(0)
}

/// A string that fits the schema. `variant` makes strings of one array differ.
pub(super) fn text(schema: &Value, variant: u32) -> String {
    if let Some(text) = schema.get("pattern").and_then(Value::as_str) {
        return pattern::example(text).unwrap_or_else(|| "text".to_owned());
    }
    if schema.get("contentMediaType") == Some(&Value::from("application/json")) {
        return "{}".to_owned();
    }
    let format = schema.get("format").and_then(Value::as_str);
    let mut text = example(format).to_owned();
    if variant > 0 {
        text.push_str(&variant.to_string());
    }
    let least = count(schema, "minLength").min(4096) as usize;
    let missing = least.saturating_sub(text.len());
    text.extend(std::iter::repeat_n('x', missing));
    let most = schema.get("maxLength").and_then(Value::as_u64);
    if let Some(most) = most.and_then(|most| usize::try_from(most).ok())
        && most < text.len()
    {
        // The end has what makes it differ.
        text.drain(..text.len() - most);
        if variant == 0 {
            text = example(None)
                .chars()
                .chain(std::iter::repeat('x'))
                .take(most)
                .collect();
        }
    }
    text
}

fn example(format: Option<&str>) -> &'static str {
    match format {
        Some("date") => "2024-01-02",
        Some("date-time") => "2024-01-02T03:04:05Z",
        Some("time") => "03:04:05Z",
        Some("duration") => "P1D",
        Some("email") => "a@example.com",
        Some("uri" | "url") => "https://example.com/",
        Some("uuid" | "uuid4") => "00000000-0000-4000-8000-000000000000",
        Some("ipv4") => "192.0.2.1",
        Some("ipv6") => "2001:db8::1",
        _ => "text",
    }
}

/// A number within the bounds: `usual`, or the one next to a bound. `step` is what it is a multiple
/// of, unless the schema says that itself.
pub(super) fn number(schema: &Value, usual: f64, step: Option<f64>, variant: u32) -> Value {
    let bound = |word: &str| schema.get(word).and_then(Value::as_f64);
    // In older schemas the word for an exclusive bound is a flag.
    let is_open = |word: &str| schema.get(word) == Some(&Value::Bool(true));
    let step = bound("multipleOf")
        .filter(|step| *step > 0.0)
        .map_or(step, |of| {
            // A whole number that is a multiple of a fraction.
            Some(if step.is_some() && of.fract() != 0.0 {
                (of * 1000.0).ceil()
            } else {
                of
            })
        });
    let (low, high) = (bound("minimum"), bound("maximum"));
    let (above, below) = (bound("exclusiveMinimum"), bound("exclusiveMaximum"));
    let fits = |number: f64| {
        low.is_none_or(|low| number >= low && !(is_open("exclusiveMinimum") && number <= low))
            && high.is_none_or(|high| {
                number <= high && !(is_open("exclusiveMaximum") && number >= high)
            })
            && above.is_none_or(|above| number > above)
            && below.is_none_or(|below| number < below)
            && step.is_none_or(|step| (number / step).fract() == 0.0)
    };
    let (from, to) = (low.or(above), high.or(below));
    let grid = step.unwrap_or(0.5);
    let mut candidates = vec![usual];
    if let (Some(from), Some(to)) = (from, to)
        && step.is_none()
    {
        candidates.push(f64::midpoint(from, to));
    }
    if let Some(from) = from {
        let first = (from / grid).ceil() * grid;
        candidates.extend([first, first + grid, from]);
    }
    if let Some(to) = to {
        let last = (to / grid).floor() * grid;
        candidates.extend([last, last - grid, to]);
    }
    candidates.extend([grid, 0.0]);
    let found = candidates.into_iter().find(|number| fits(*number));
    let number = found.unwrap_or(usual);
    let other = number + grid * f64::from(variant);
    let number = if fits(other) { other } else { number };
    if step.is_some_and(|step| step.fract() == 0.0) {
        whole(number)
    } else {
        json!(number)
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "the number is a schema's, and one that does not fit is of no use in a test"
)]
fn whole(number: f64) -> Value {
    json!(number as i64)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::number;

    fn number_of(schema: &Value) -> Value {
        let is_whole = schema["type"] == "integer";
        number(
            schema,
            if is_whole { 1.0 } else { 0.5 },
            is_whole.then_some(1.0),
            0,
        )
    }

    #[test]
    fn numbers_are_within_their_bounds() {
        for (schema, expected) in [
            (json!({"type": "integer", "maximum": 0}), json!(0)),
            (json!({"type": "integer", "maximum": -3}), json!(-3)),
            (
                json!({"type": "integer", "exclusiveMaximum": -3}),
                json!(-4),
            ),
            (json!({"type": "integer", "exclusiveMinimum": 4}), json!(5)),
            (
                json!({"type": "integer", "exclusiveMinimum": 4.5}),
                json!(5),
            ),
            (
                json!({"type": "integer", "minimum": 5, "exclusiveMinimum": true}),
                json!(6),
            ),
            (
                json!({"type": "integer", "minimum": 11, "multipleOf": 5}),
                json!(15),
            ),
            (json!({"type": "integer", "multipleOf": 7}), json!(7)),
            (
                json!({"type": "number", "maximum": 0.25, "minimum": 0.125}),
                json!(0.1875),
            ),
            (
                json!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.5}),
                json!(0.25),
            ),
            (json!({"type": "number", "minimum": 2}), json!(2.0)),
            (json!({"type": "number", "multipleOf": 0.25}), json!(0.5)),
        ] {
            assert_eq!(number_of(&schema), expected, "{schema}");
        }
    }
}
