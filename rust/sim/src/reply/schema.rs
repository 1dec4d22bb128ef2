//! The smallest instance of a JSON schema, for structured output and tool arguments.

use serde_json::{Map, Value, json};

const MAX_DEPTH: usize = 32;

/// Returns an instance of `schema`. It has the required properties only, and every value is fixed
/// by its type.
pub(crate) fn instance(schema: &Value) -> Value {
    fill(schema, schema, 0)
}

fn fill(root: &Value, schema: &Value, depth: usize) -> Value {
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    let next = |schema: &Value| fill(root, schema, depth + 1);
    let first = |word: &str| schema.get(word).and_then(|list| list.get(0));
    let number = |word: &str| schema.get(word).and_then(Value::as_u64);
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        let pointer = target.strip_prefix('#');
        let target = pointer.and_then(|pointer| root.pointer(pointer));
        return target.map_or(Value::Null, next);
    }
    if let Some(value) = schema.get("const").or_else(|| first("enum")) {
        return value.clone();
    }
    if let Some(option) = first("anyOf").or_else(|| first("oneOf")) {
        return next(option);
    }
    if let Some(Value::Array(parts)) = schema.get("allOf") {
        return all_of(parts.iter().map(next));
    }
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
        Some(kind) => kind.as_str(),
        None => schema.get("properties").map(|_| "object"),
    };
    match kind {
        Some("object") => object(schema, next),
        Some("array") => {
            let item = schema.get("items").map_or(Value::Null, next);
            let least = number("minItems").unwrap_or(0).min(64);
            (0..least).map(|_| item.clone()).collect()
        }
        Some("string") => {
            let mut text = example(schema.get("format").and_then(Value::as_str)).to_owned();
            let least = number("minLength").unwrap_or(0).min(4096);
            while (text.len() as u64) < least {
                text.push('x');
            }
            let most = number("maxLength").and_then(|most| usize::try_from(most).ok());
            text.truncate(most.unwrap_or(usize::MAX));
            Value::String(text)
        }
        Some("integer") => least_number(schema).map_or(json!(1), |least| {
            let above = f64::from(schema.get("exclusiveMinimum").is_some());
            whole(least.ceil() + above)
        }),
        Some("number") => least_number(schema).map_or(json!(0.5), |least| json!(least + 0.5)),
        Some("boolean") => json!(true),
        _ => Value::Null,
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "the number is a schema's, and one that does not fit is of no use in a test"
)]
fn whole(number: f64) -> Value {
    json!(number as i64)
}

fn least_number(schema: &Value) -> Option<f64> {
    let least = schema.get("minimum");
    least
        .or_else(|| schema.get("exclusiveMinimum"))
        .and_then(Value::as_f64)
}

fn object(schema: &Value, next: impl Fn(&Value) -> Value) -> Value {
    let mut filled = Map::new();
    let required = schema.get("required").and_then(Value::as_array);
    for name in required.into_iter().flatten().filter_map(Value::as_str) {
        let property = schema.get("properties").and_then(|all| all.get(name));
        filled.insert(name.to_owned(), property.map_or(Value::Null, &next));
    }
    Value::Object(filled)
}

fn all_of(parts: impl Iterator<Item = Value>) -> Value {
    parts.fold(Value::Null, |all, part| match (all, part) {
        (Value::Object(mut all), Value::Object(part)) => {
            all.extend(part);
            Value::Object(all)
        }
        (Value::Null, part) => part,
        (all, _) => all,
    })
}

fn example(format: Option<&str>) -> &'static str {
    match format {
        Some("date") => "2024-01-02",
        Some("date-time") => "2024-01-02T03:04:05Z",
        Some("time") => "03:04:05Z",
        Some("duration") => "P1D",
        Some("email") => "a@example.com",
        Some("uri" | "url") => "https://example.com/",
        Some("uuid") => "00000000-0000-4000-8000-000000000000",
        Some("ipv4") => "192.0.2.1",
        Some("ipv6") => "2001:db8::1",
        _ => "text",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::instance;

    #[test]
    fn required_properties_are_filled_by_type() {
        let schema = json!({
            "type": "object",
            "required": ["name", "age", "kind", "tags", "inner", "maybe"],
            "properties": {
                "name": {"type": "string"},
                "age": {"type": "integer", "minimum": 18},
                "kind": {"enum": ["a", "b"]},
                "tags": {"type": "array", "items": {"type": "number"}, "minItems": 2},
                "inner": {"$ref": "#/$defs/Inner"},
                "maybe": {"anyOf": [{"type": "null"}, {"type": "string"}]},
                "left_out": {"type": "string"},
            },
            "$defs": {"Inner": {"type": "object", "required": ["ok"],
                                "properties": {"ok": {"type": "boolean"}}}},
        });
        assert_eq!(
            instance(&schema),
            json!({"name": "text", "age": 18, "kind": "a", "tags": [0.5, 0.5],
                   "inner": {"ok": true}, "maybe": null})
        );
    }

    #[test]
    fn a_schema_that_holds_itself_ends() {
        let schema = json!({"type": "object", "required": ["next"],
                            "properties": {"next": {"$ref": "#"}}});
        assert!(instance(&schema).is_object());
    }
}
