//! The schema of an answer.

use serde_json::{Value, json};

use super::{body, refused};

const MODEL: &str = "gemini-2.5-flash";

fn format(schema: &Value) -> Value {
    json!({"type": "json_schema", "json_schema": {"name": "a", "strict": true, "schema": schema}})
}

fn written(schema: &Value) -> Value {
    let request =
        json!({"model": MODEL, "input": "hi", "params": {"response_format": format(schema)}});
    let mut config = body(&request)["generationConfig"].take();
    assert_eq!(config["responseMimeType"], "application/json");
    assert_eq!(config.as_object().unwrap().len(), 2);
    config["responseJsonSchema"].take()
}

fn why(schema: &Value) -> String {
    refused(&json!({"model": MODEL, "input": "hi", "params": {"response_format": format(schema)}}))
        .1
}

#[test]
fn a_schema_is_json_schema_with_the_mime_type() {
    let schema = json!({
        "type": "object", "title": "T", "description": "d", "additionalProperties": false,
        "properties": {
            "s": {"type": "string", "format": "date-time", "enum": ["a"], "pattern": "x", "minLength": 1},
            "n": {"type": ["integer", "null"], "minimum": 1, "maximum": 2},
            "l": {"type": "array", "items": {"$ref": "#/$defs/D"}, "minItems": 1, "maxItems": 2},
            "t": {"type": "array", "prefixItems": [{"type": "string"}]},
            "u": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/D"}]},
            "not": {"oneOf": [{"type": "string"}, {"type": "null"}]},
        },
        "propertyOrdering": ["s", "n"], "required": ["s"], "$defs": {"D": {"type": "object"}},
    });
    assert_eq!(written(&schema), schema);
    // A schema beside the type is one, too.
    let flat = json!({"type": "json_schema", "name": "a", "schema": {"type": "object"}});
    let request = json!({"model": MODEL, "input": "hi", "params": {"response_format": flat}});
    assert_eq!(
        body(&request)["generationConfig"]["responseJsonSchema"],
        json!({"type": "object"})
    );
}

#[test]
fn the_order_of_properties_stays() {
    let text = r##"{"model":"m","input":"hi","params":{"response_format":{"type":"json_schema","json_schema":{"schema":
        {"type":"object","properties":{"z":{"const":1},"a":{"$ref":"#/$defs/D"},"m":{}},"$defs":{"D":{}}}}}}}"##;
    let request = serde_json::from_str(text).unwrap();
    let provider = crate::wire::providers::find("google").unwrap();
    let encoded = crate::wire::dialect("gemini")
        .unwrap()
        .encode(&request, &provider)
        .unwrap();
    let sent = String::from_utf8(encoded.body).unwrap();
    assert!(
        sent.contains(r##""properties":{"z":{"enum":[1]},"a":{"$ref":"#/$defs/D"},"m":{}}"##),
        "{sent}"
    );
}

#[test]
fn a_text_is_no_schema_and_another_format_is_refused() {
    let with = |format: &Value| json!({"model": MODEL, "input": "hi", "params": {"response_format": format}});
    assert_eq!(
        body(&with(&json!({"type": "text"}))).get("generationConfig"),
        None
    );
    for (format, expected) in [
        (
            json!({"type": "grammar"}),
            "params.response_format.type: gemini takes text, json_object or json_schema",
        ),
        (json!({}), "params.response_format.type: "),
        (
            json!({"type": "json_schema"}),
            "params.response_format.schema: it is missing",
        ),
        (
            json!({"type": "json_schema", "json_schema": {"name": "a"}}),
            "params.response_format.json_schema.schema: it is missing",
        ),
    ] {
        let (_, text) = refused(&with(&format));
        assert!(text.starts_with(expected), "{text}");
    }
}

#[test]
fn what_says_the_same_in_other_words_is_written_in_those_of_the_api() {
    let schema = json!({
        "type": "object", "$defs": {"D": {"type": "object"}},
        "properties": {
            "kind": {"const": "a", "type": "string"}, "one": {"const": 1}, "no": {"const": null}, "both": {"const": 1, "enum": [1]},
            "ref": {"$ref": "#/$defs/D", "description": "d", "default": null},
            "all": {"allOf": [{"$ref": "#/$defs/D"}], "description": "d"},
            "alone": {"$ref": "#/$defs/D"},
        },
    });
    assert_eq!(
        written(&schema)["properties"],
        json!({
            "kind": {"enum": ["a"], "type": "string"}, "one": {"enum": [1]}, "no": {"const": null}, "both": {"const": 1, "enum": [1]},
            "ref": {"anyOf": [{"$ref": "#/$defs/D"}], "description": "d", "default": null},
            "all": {"anyOf": [{"$ref": "#/$defs/D"}], "description": "d"},
            "alone": {"$ref": "#/$defs/D"},
        })
    );
    // As it was recorded.
    let root = json!({"$ref": "#/$defs/D", "title": "D", "$defs": {"D": {"type": "object"}}});
    assert_eq!(written(&root), root);
}

#[test]
fn a_schema_that_the_api_cannot_express_is_refused_with_its_path() {
    let start = "params.response_format.json_schema.schema";
    let property = |schema: &Value| json!({"type": "object", "properties": {"p": schema}});
    for (schema, place) in [
        (
            property(&json!({"not": {"type": "string"}})),
            "properties.p.not",
        ),
        (property(&json!({"if": {}, "then": {}})), "properties.p.if"),
        (property(&json!({"allOf": [{}, {}]})), "properties.p.allOf"),
        (
            json!({"$defs": {"D": {"patternProperties": {}}}}),
            "$defs.D.patternProperties",
        ),
        (
            json!({"anyOf": [{}, {"items": {"contains": {}}}]}),
            "anyOf[1].items.contains",
        ),
        (
            json!({"additionalProperties": {"propertyNames": {}}}),
            "additionalProperties.propertyNames",
        ),
        (
            property(&json!({"$ref": "https://x.org/a.json"})),
            "properties.p.$ref",
        ),
    ] {
        let text = why(&schema);
        assert!(
            text.starts_with(&format!("{start}.{place}: gemini ")),
            "{text}"
        );
    }
}

#[test]
fn a_cycle_is_taken_only_of_properties_that_may_be_left_out() {
    let node = |next: &Value, required: &Value| {
        json!({"$ref": "#/$defs/Node", "$defs": {"Node": {"type": "object", "required": required,
            "properties": {"value": {"type": "integer"}, "next": next}}}})
    };
    let link = json!({"$ref": "#/$defs/Node"});
    let nullable = json!({"anyOf": [link, {"type": "null"}]});
    let free = node(&nullable, &json!(["value"]));
    assert_eq!(written(&free), free);
    // To leave it out says the same as null.
    assert_eq!(written(&node(&nullable, &json!(["value", "next"]))), free);
    for next in [link.clone(), json!({"type": "array", "items": link})] {
        let text = why(&node(&next, &json!(["value", "next"])));
        let place = "params.response_format.json_schema.schema.$defs.Node.properties.next: it contains itself";
        assert!(text.starts_with(place), "{text}");
    }
    // Through another definition, and through the schema itself.
    let other = json!({"type": "object", "$defs": {"A": {"required": ["b"], "properties": {"b": {"$ref": "#/$defs/B"}}},
        "B": {"required": ["a"], "properties": {"a": {"$ref": "#/$defs/A"}}}}, "properties": {"a": {"$ref": "#/$defs/A"}}, "required": ["a"]});
    assert!(
        why(&other).contains("$defs.A.properties.b: it contains itself"),
        "{}",
        why(&other)
    );
    let root =
        json!({"required": ["a"], "properties": {"a": {"type": "array", "items": {"$ref": "#"}}}});
    assert!(
        why(&root).contains("schema.properties.a: it contains itself"),
        "{}",
        why(&root)
    );
}

#[test]
fn a_deep_schema_and_a_wide_one_are_written() {
    let mut deep = json!({"const": 1});
    for _ in 0..30 {
        deep = json!({"type": "array", "items": deep});
    }
    let sent = written(&deep).to_string();
    assert!(sent.contains("\"enum\":[1]"));
    let wide: serde_json::Map<_, _> = (0..2_000)
        .map(|at| (format!("p{at}"), json!({"const": at})))
        .collect();
    assert_eq!(
        written(&json!({"type": "object", "properties": wide}))["properties"]["p1999"],
        json!({"enum": [1999]})
    );
}

#[test]
fn tools_together_with_a_schema_need_gemini_3() {
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    for format in [
        json!({"type": "json_object"}),
        format(&json!({"type": "object"})),
    ] {
        let mut request = json!({"model": MODEL, "input": "hi", "params": {"tools": tools, "response_format": format}});
        let (_, text) = refused(&request);
        assert!(
            text.starts_with(
                "params.response_format: gemini-2.5-flash takes no JSON answer together with tools"
            ) && text.ends_with("or give output_mode=\"tool\""),
            "{text}"
        );
        request["model"] = json!("gemini-3-flash-preview");
        let sent = body(&request);
        assert!(sent["tools"][0]["functionDeclarations"].is_array());
        assert_eq!(
            sent["generationConfig"]["responseMimeType"],
            "application/json"
        );
    }
}

#[test]
fn the_arguments_of_a_tool_are_json_schema_in_which_a_reference_stands_alone() {
    let schema = json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/D", "description": "d"}, "b": {"not": {}, "const": 1}},
        "$defs": {"D": {"type": "object"}}});
    let tools = json!([{"type": "function", "function": {"name": "f", "parameters": schema}}]);
    let sent = body(&json!({"model": MODEL, "input": "hi", "params": {"tools": tools}}));
    assert_eq!(
        sent["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"]["properties"],
        json!({"a": {"anyOf": [{"$ref": "#/$defs/D"}], "description": "d"}, "b": {"not": {}, "const": 1}})
    );
}
