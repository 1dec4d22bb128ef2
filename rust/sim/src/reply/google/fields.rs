//! The fields of a request, which are spelled `likeThis` or `like_this`.

use serde_json::Value;

use super::refusal::{invalid, unknown};
use crate::reply::body::{Checked, present};

/// The field in either spelling, unless it is absent or null. `name` is `likeThis`.
pub(super) fn get<'v>(json: &'v Value, name: &str) -> Option<&'v Value> {
    present(json, name).or_else(|| present(json, &snake(name)))
}

/// The name `like_this`.
pub(super) fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

/// Refuses a field that is not one of these. `place` is the place of the object, empty for the whole
/// request.
pub(super) fn check_names(json: &Value, place: &str, known: &[&str]) -> Checked<()> {
    let is_known = |name: &str| {
        known
            .iter()
            .any(|known| *known == name || snake(known) == name)
    };
    let names = json
        .as_object()
        .into_iter()
        .flat_map(|fields| fields.keys());
    let mut others = names.filter(|name| !is_known(name));
    others
        .next()
        .map_or(Ok(()), |name| Err(unknown(name, place)))
}

/// A field of text.
pub(super) fn text<'v>(json: &'v Value, name: &str) -> Option<&'v str> {
    get(json, name).and_then(Value::as_str)
}

/// A list; empty if it is absent. `place` is that of the list.
pub(super) fn list<'v>(json: &'v Value, name: &str, place: &str) -> Checked<&'v [Value]> {
    match get(json, name) {
        None => Ok(&[]),
        Some(Value::Array(values)) => Ok(values),
        // A single value stands for a list of one, as in any JSON of a protocol buffer.
        Some(value @ Value::Object(_)) => Ok(std::slice::from_ref(value)),
        Some(value) => Err(invalid_value(place, "TYPE_MESSAGE", value)),
    }
}

/// A whole number, which may be written as text or as `1.0`.
pub(super) fn whole(json: &Value, name: &str, place: &str) -> Checked<Option<i64>> {
    let Some(value) = get(json, name) else {
        return Ok(None);
    };
    #[allow(clippy::cast_possible_truncation)]
    let of_float = |number: f64| (number.fract() == 0.0).then_some(number as i64);
    let number = match value {
        Value::Number(number) => number
            .as_i64()
            .or_else(|| number.as_f64().and_then(of_float)),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    let wrong = || invalid_value(&format!("{place}.{}", snake(name)), "TYPE_INT32", value);
    number.map(Some).ok_or_else(wrong)
}

/// The 400 for a value of a wrong type.
pub(super) fn invalid_value(
    place: &str,
    kind: &str,
    value: &Value,
) -> Box<crate::script::ErrorReply> {
    invalid(format!("Invalid value at '{place}' ({kind}), {value}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{check_names, get, snake, whole};

    #[test]
    fn a_field_is_found_in_either_spelling() {
        assert_eq!(snake("maxOutputTokens"), "max_output_tokens");
        for json in [
            json!({"topK": 1}),
            json!({"top_k": 1.0}),
            json!({"topK": "1"}),
        ] {
            assert_eq!(whole(&json, "topK", "p").unwrap(), Some(1));
            assert!(check_names(&json, "", &["topK"]).is_ok());
            assert!(check_names(&json, "", &["topP"]).is_err());
        }
        assert_eq!(get(&json!({"topK": null}), "topK"), None);
        assert!(whole(&json!({"topK": 1.5}), "topK", "p").is_err());
    }
}
