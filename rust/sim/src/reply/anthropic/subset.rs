//! The schemas that Anthropic takes for typed answers and strict tools: closed objects, and few of
//! the words that limit values. What it does not take, its client moves into the description
//! (`anthropic/lib/_parse/_transform.py`).

use serde_json::Value;

use super::refusal::wrong;
use crate::reply::body::Checked;

/// The words that limit values, and the type that the real error names with them.
const LIMITS: [(&str, &str); 15] = [
    ("minimum", "number"),
    ("maximum", "number"),
    ("exclusiveMinimum", "number"),
    ("exclusiveMaximum", "number"),
    ("multipleOf", "number"),
    ("minLength", "string"),
    ("maxLength", "string"),
    ("maxItems", "array"),
    ("uniqueItems", "array"),
    ("contains", "array"),
    ("prefixItems", "array"),
    ("minProperties", "object"),
    ("maxProperties", "object"),
    ("patternProperties", "object"),
    ("propertyNames", "object"),
];

/// The words that combine schemas in a way that is not taken.
const COMBINING: [&str; 7] = [
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependentSchemas",
    "unevaluatedProperties",
];

const FORMATS: [&str; 10] = [
    "date-time",
    "time",
    "date",
    "duration",
    "email",
    "hostname",
    "uri",
    "ipv4",
    "ipv6",
    "uuid",
];

/// Refuses a schema that is not in the subset. `place` is its place in the request.
pub(super) fn check(place: &str, schema: &Value) -> Checked<()> {
    let mut left = vec![schema];
    while let Some(schema) = left.pop() {
        let Some(fields) = schema.as_object() else {
            continue;
        };
        check_words(place, schema)?;
        for name in ["properties", "$defs", "definitions"] {
            if let Some(inner) = fields.get(name).and_then(Value::as_object) {
                left.extend(inner.values());
            }
        }
        left.extend(fields.get("items"));
        for name in ["anyOf", "allOf"] {
            let variants = fields.get(name).and_then(Value::as_array);
            left.extend(variants.into_iter().flatten());
        }
    }
    Ok(())
}

fn check_words(place: &str, schema: &Value) -> Checked<()> {
    let has = |name: &str| schema.get(name).is_some();
    let kind = schema.get("type").and_then(Value::as_str);
    let is_object = kind == Some("object") || kind.is_none() && has("properties");
    if is_object && schema.get("additionalProperties") != Some(&Value::Bool(false)) {
        let rule = "For 'object' type, 'additionalProperties' must be explicitly set to false";
        return Err(wrong(place, rule));
    }
    for (name, of) in LIMITS {
        if has(name) {
            let kind = kind.unwrap_or(of);
            let rule = format!("For '{kind}' type, property '{name}' is not supported");
            return Err(wrong(place, &rule));
        }
    }
    if let Some(name) = COMBINING.iter().find(|name| has(name)) {
        return Err(wrong(
            place,
            &format!("Schema type '{name}' is not supported"),
        ));
    }
    if !matches!(
        schema.get("minItems").map(Value::as_u64),
        None | Some(Some(0 | 1))
    ) {
        let rule = "For 'array' type, 'minItems' values other than 0 or 1 are not supported";
        return Err(wrong(place, rule));
    }
    let format = schema.get("format").and_then(Value::as_str);
    if let Some(format) = format.filter(|format| !FORMATS.contains(format)) {
        let rule = format!("For 'string' type, format '{format}' is not supported");
        return Err(wrong(place, &rule));
    }
    let is_known = ["type", "anyOf", "allOf", "$ref", "enum", "const"];
    if !is_known.iter().any(|name| has(name)) && !is_object {
        return Err(wrong(place, "Schema must have a type"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::check;

    fn refused(schema: &Value) -> Option<String> {
        check("s", schema).err().and_then(|error| error.message)
    }

    #[test]
    fn closed_schemas_are_taken_and_limits_are_not() {
        let taken = json!({
            "type": "object", "additionalProperties": false, "required": ["a"],
            "properties": {
                "minimum": {"type": "integer", "description": "{minimum: 1}"},
                "a": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/a"}},
                "b": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
            },
            "$defs": {"a": {"enum": ["x", "y"]}},
        });
        assert_eq!(refused(&taken), None);
        for (name, value) in [
            ("minimum", json!(1)),
            ("maxLength", json!(1)),
            ("minItems", json!(2)),
            ("oneOf", json!([])),
            ("not", json!({})),
            ("format", json!("text")),
            ("additionalProperties", json!(true)),
        ] {
            for place in [
                "/properties/a/items",
                "/$defs/a",
                "/properties/b/anyOf/0",
                "",
            ] {
                let mut schema = taken.clone();
                schema.pointer_mut(place).unwrap()["type"] = "object".into();
                schema.pointer_mut(place).unwrap()["additionalProperties"] = false.into();
                assert_eq!(refused(&schema), None, "{place}");
                schema.pointer_mut(place).unwrap()[name] = value.clone();
                assert!(
                    refused(&schema).unwrap().starts_with("s: "),
                    "{name} {place}"
                );
            }
        }
    }
}
