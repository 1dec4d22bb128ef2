//! Schemas in the closed subset of the API.

use serde_json::{Value, json};

use super::super::schema::closed;

const PATH: &str = "params.response_format.json_schema.schema";

fn written(schema: &Value) -> Value {
    serde_json::from_str(&closed(&schema.to_string(), PATH).unwrap()).unwrap()
}

fn refused(schema: &Value) -> String {
    let error = closed(&schema.to_string(), PATH).unwrap_err();
    let end = ", or give output_mode=\"prompt\"";
    let message = error.message();
    assert!(
        message.starts_with(PATH) && message.ends_with(end),
        "{message}"
    );
    message[PATH.len()..message.len() - end.len()].to_owned()
}

#[test]
fn objects_are_closed_and_what_is_required_stays_as_written() {
    let schema = json!({"type": "object", "title": "A", "description": "d", "additionalProperties": true, "required": ["a"], "properties": {
        "a": {"type": "object", "properties": {"x": {"type": ["string", "null"]}}},
        "b": {"type": "array", "items": {"properties": {}}}}});
    let inner = json!({"type": "object", "properties": {"x": {"type": ["string", "null"]}}, "additionalProperties": false});
    let item = json!({"type": "object", "properties": {}, "additionalProperties": false});
    assert_eq!(
        written(&schema),
        json!({"type": "object", "title": "A", "description": "d", "additionalProperties": false, "required": ["a"],
               "properties": {"a": inner, "b": {"type": "array", "items": item}}})
    );
}

#[test]
fn the_order_of_properties_stays() {
    let schema = r#"{"type":"object","properties":{"z":{"type":"null"},"a":{"type":"null"}}}"#;
    assert_eq!(
        closed(schema, PATH).unwrap(),
        r#"{"type":"object","properties":{"z":{"type":"null"},"a":{"type":"null"}},"additionalProperties":false}"#
    );
}

#[test]
fn one_of_becomes_any_of_and_all_of_and_definitions_stay() {
    let number = json!({"type": "number"});
    for (key, kept) in [("anyOf", "anyOf"), ("oneOf", "anyOf"), ("allOf", "allOf")] {
        assert_eq!(written(&json!({key: [number]})), json!({kept: [number]}));
    }
    let schema = json!({"type": "object", "anyOf": [{"properties": {}}]});
    let closed = json!({"type": "object", "properties": {}, "additionalProperties": false});
    assert_eq!(
        written(&schema),
        json!({"type": "object", "anyOf": [closed]})
    );
    let schema = json!({"$defs": {"A": {"properties": {}}, "B": {"$ref": "#/$defs/A"}}, "$ref": "#/$defs/B"});
    assert_eq!(
        written(&schema),
        json!({"$defs": {"A": {"type": "object", "properties": {}, "additionalProperties": false}, "B": {"$ref": "#/$defs/A"}},
               "$ref": "#/$defs/B"})
    );
}

#[test]
fn known_formats_and_small_minima_stay_and_all_else_is_described() {
    for (schema, expected) in [
        (
            json!({"type": "string", "format": "date"}),
            json!({"type": "string", "format": "date"}),
        ),
        (
            json!({"type": "string", "format": "color"}),
            json!({"type": "string", "description": "{format: color}"}),
        ),
        (
            json!({"type": "string", "pattern": "^a$", "minLength": 1, "description": "d"}),
            json!({"type": "string", "description": "d\n\n{minLength: 1, pattern: ^a$}"}),
        ),
        (
            json!({"type": "integer", "minimum": 1, "maximum": 10, "default": null}),
            json!({"type": "integer", "description": "{default: null, maximum: 10, minimum: 1}"}),
        ),
        (
            json!({"type": "array", "items": {"type": "null"}, "minItems": 1}),
            json!({"type": "array", "items": {"type": "null"}, "minItems": 1}),
        ),
        (
            json!({"type": "array", "items": {"type": "null"}, "minItems": 2}),
            json!({"type": "array", "items": {"type": "null"}, "description": "{minItems: 2}"}),
        ),
        (
            json!({"type": "string", "enum": ["a"]}),
            json!({"type": "string", "enum": ["a"]}),
        ),
        (
            json!({"enum": ["a", 1, null]}),
            json!({"enum": ["a", 1, null]}),
        ),
        (
            json!({"const": "a", "$comment": "x"}),
            json!({"enum": ["a"]}),
        ),
    ] {
        assert_eq!(written(&schema), expected);
    }
}

#[test]
fn what_cannot_be_expressed_is_refused_with_its_path() {
    for (schema, why) in [
        (
            json!({}),
            ": it allows any value, which messages cannot express; give it a type",
        ),
        (
            json!({"type": "object", "properties": {"a": true}}),
            ".properties.a: it is not an object, which messages cannot express; give it a type",
        ),
        (
            json!({"type": "array", "items": {"type": "object", "additionalProperties": {"type": "integer"}}}),
            ".items.additionalProperties: it allows any key, which messages cannot express; name the keys in properties",
        ),
        (
            json!({"anyOf": [{"type": "null"}, {"type": "object", "additionalProperties": true}]}),
            ".anyOf[1].additionalProperties: it allows any key, which messages cannot express; name the keys in properties",
        ),
        (
            json!({"type": "object", "patternProperties": {"^a": {}}}),
            ".patternProperties: it allows many keys, which messages cannot express; name the keys in properties",
        ),
        (
            json!({"$ref": "other.json"}),
            ".$ref: it refers to another document, which messages cannot express; write the schema out",
        ),
        (
            json!({"type": "object", "properties": {"a": {"$ref": "#"}}}),
            ".properties.a.$ref: the schema contains itself, which messages cannot express; write out as many levels as there may be",
        ),
        (
            json!({"$defs": {"A": {"type": "array", "items": {"$ref": "#/$defs/B"}}, "B": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/A"}]}},
                   "$ref": "#/$defs/A"}),
            ".$defs.B.anyOf[1].$ref: the schema contains itself, which messages cannot express; write out as many levels as there may be",
        ),
    ] {
        assert_eq!(refused(&schema), why);
    }
    let mut deep = json!({"type": "null"});
    for _ in 0..100 {
        deep = json!({"type": "array", "items": deep});
    }
    assert!(refused(&deep).contains("it is nested too deeply"));
}

#[test]
fn a_definition_that_many_refer_to_is_no_circle() {
    let both = json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"$ref": "#/$defs/B"}}});
    let schema = json!({"$defs": {"A": {"type": "null"}, "B": both.clone(), "C": both}, "$ref": "#/$defs/C"});
    assert!(refused(&schema).contains(".$defs.B.properties.b.$ref: the schema contains itself"));
    let schema = json!({"$defs": {"A": {"type": "null"}, "B": {"anyOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/A"}]},
                                  "C": {"anyOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}]}}, "$ref": "#/$defs/C"});
    written(&schema);
}
