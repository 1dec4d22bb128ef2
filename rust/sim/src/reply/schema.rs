//! A small instance of a JSON schema, for structured output and tool arguments.
//!
//! It knows the words that describe types: `type`, `enum`, `const`, `properties`, `items`, bounds,
//! `$ref` and combinations. It does not know `not`, `if` and the like.

use serde_json::{Map, Value, json};

use super::scalar::{count, number, text};

/// The most values in an instance. Definitions that use each other can ask for billions.
const MAX_VALUES: u32 = 10_000;

/// How deeply schemas may be nested. A chain of definitions can ask for more than a stack holds.
const MAX_DEPTH: usize = 128;

/// The most items and properties that are added to reach a least number.
const MAX_ADDED: u64 = 64;

/// Returns an instance of `schema`. It has the required properties only, and every value is fixed
/// by its schema.
pub(crate) fn instance(schema: &Value) -> Value {
    let mut filler = Filler {
        root: schema,
        open: vec!["#"],
        depth: 0,
        left: MAX_VALUES,
        variant: 0,
    };
    filler.fill(schema).unwrap_or(Value::Null)
}

struct Filler<'a> {
    root: &'a Value,
    /// The references that are being filled. One inside itself would never end.
    open: Vec<&'a str>,
    depth: usize,
    left: u32,
    /// Makes the items of an array differ.
    variant: u32,
}

impl<'a> Filler<'a> {
    /// `None` if there is no instance that ends.
    fn fill(&mut self, schema: &'a Value) -> Option<Value> {
        self.left = self.left.checked_sub(1)?;
        if self.depth == MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let filled = self.fill_here(schema);
        self.depth -= 1;
        filled
    }

    fn fill_here(&mut self, schema: &'a Value) -> Option<Value> {
        if schema == &Value::Bool(false) {
            return None;
        }
        if let Some(value) = schema.get("const") {
            return Some(value.clone());
        }
        if let Some(Value::Array(values)) = schema.get("enum") {
            let at = self.variant as usize % values.len().max(1);
            return values.get(at).cloned();
        }
        // Each of these is an instance of its own, and objects are joined.
        let mut parts = Vec::new();
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            parts.push(self.target(target)?);
        }
        for word in ["anyOf", "oneOf"] {
            if let Some(Value::Array(options)) = schema.get(word) {
                parts.push(options.iter().find_map(|option| self.fill(option))?);
            }
        }
        if let Some(Value::Array(all)) = schema.get("allOf") {
            for part in all {
                parts.push(self.fill(part)?);
            }
        }
        let kind = kind(schema);
        if parts.is_empty() || (kind == Some("object") && parts.iter().all(Value::is_object)) {
            parts.push(self.of_kind(kind, schema)?);
        }
        parts.into_iter().reduce(join)
    }

    fn target(&mut self, target: &'a str) -> Option<Value> {
        if self.open.contains(&target) {
            return None;
        }
        let schema = self.root.pointer(target.strip_prefix('#')?)?;
        self.open.push(target);
        let value = self.fill(schema);
        self.open.pop();
        value
    }

    fn of_kind(&mut self, kind: Option<&str>, schema: &'a Value) -> Option<Value> {
        Some(match kind {
            Some("object") => Value::Object(self.object(schema)?),
            Some("array") => Value::Array(self.array(schema)?),
            Some("integer") => number(schema, 1.0, Some(1.0), self.variant),
            Some("number") => number(schema, 0.5, None, self.variant),
            Some("boolean") => json!(self.variant.is_multiple_of(2)),
            Some("null") => Value::Null,
            _ => Value::String(text(schema, self.variant)),
        })
    }

    fn object(&mut self, schema: &'a Value) -> Option<Map<String, Value>> {
        const ANY: &Value = &Value::Bool(true);
        let properties = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties").unwrap_or(ANY);
        let variant = std::mem::take(&mut self.variant);
        let mut filled = Map::new();
        let required = schema.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            let property = properties.and_then(|all| all.get(name)).unwrap_or(others);
            // The first property makes objects in one array differ.
            self.variant = if filled.is_empty() { variant } else { 0 };
            filled.insert(name.to_owned(), self.fill(property)?);
        }
        self.variant = variant;
        let least = count(schema, "minProperties").min(MAX_ADDED) as usize;
        for (name, property) in properties.into_iter().flatten() {
            if filled.len() < least && !filled.contains_key(name) {
                filled.insert(name.clone(), self.fill(property)?);
            }
        }
        while filled.len() < least {
            filled.insert(format!("key{}", filled.len() + 1), self.fill(others)?);
        }
        Some(filled)
    }

    fn array(&mut self, schema: &'a Value) -> Option<Vec<Value>> {
        const ANY: &Value = &Value::Bool(true);
        let places = schema.get("prefixItems").or_else(|| schema.get("items"));
        let places = places.and_then(Value::as_array);
        let items = match schema.get("items") {
            Some(Value::Array(_)) | None => ANY,
            Some(items) => items,
        };
        let variant = self.variant;
        let mut filled = Vec::new();
        for place in places.into_iter().flatten() {
            filled.push(self.fill(place)?);
        }
        let is_set = schema.get("uniqueItems") == Some(&Value::Bool(true));
        while (filled.len() as u64) < count(schema, "minItems").min(MAX_ADDED) {
            filled.push(self.fill(items)?);
            self.variant += u32::from(is_set);
        }
        self.variant = variant;
        Some(filled)
    }
}

/// The type of the instance: the one that is named, otherwise the one that the other words mean.
fn kind(schema: &Value) -> Option<&str> {
    match schema.get("type") {
        Some(Value::Array(kinds)) => {
            let mut kinds = kinds.iter().filter_map(Value::as_str);
            let first = kinds.next();
            first
                .filter(|kind| *kind != "null")
                .or(kinds.next())
                .or(first)
        }
        Some(kind) => kind.as_str(),
        None => {
            let meant = [
                ("properties", "object"),
                ("required", "object"),
                ("additionalProperties", "object"),
                ("items", "array"),
                ("prefixItems", "array"),
                ("minimum", "number"),
                ("maximum", "number"),
            ];
            let is_there = |(word, _): &&(&str, &'static str)| schema.get(*word).is_some();
            meant.iter().find(is_there).map(|(_, kind)| *kind)
        }
    }
}

/// Joins two objects. Of anything else, the first is kept.
fn join(first: Value, second: Value) -> Value {
    match (first, second) {
        (Value::Object(mut all), Value::Object(more)) => {
            all.extend(more);
            Value::Object(all)
        }
        (first, _) => first,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

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
    fn arrays_and_objects_have_what_their_bounds_need() {
        let word = json!({"type": "string"});
        for (schema, expected) in [
            (
                json!({"type": "array", "items": word, "minItems": 2, "uniqueItems": true}),
                json!(["text", "text1"]),
            ),
            (
                json!({"type": "array", "items": {"enum": [3, 4]}, "minItems": 2, "uniqueItems": true}),
                json!([3, 4]),
            ),
            (
                json!({"type": "array", "prefixItems": [{"type": "integer"}, word], "minItems": 2, "maxItems": 2}),
                json!([1, "text"]),
            ),
            (json!({"type": "array", "minItems": 1}), json!(["text"])),
            (
                json!({"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 1}),
                json!({"key1": 1}),
            ),
            (
                json!({"allOf": [{"required": ["a"], "properties": {"a": word}}], "required": ["b"], "properties": {"b": word}}),
                json!({"a": "text", "b": "text"}),
            ),
            (json!({"type": "string", "minLength": 6}), json!("textxx")),
            (json!({"type": "string", "maxLength": 2}), json!("te")),
            (json!({"type": ["null", "integer"]}), json!(1)),
            (
                json!({"type": "string", "pattern": "^[A-Z]{3}-\\d+$"}),
                json!("AAA-0"),
            ),
            (json!({}), json!("text")),
        ] {
            assert_eq!(instance(&schema), expected, "{schema}");
        }
    }

    #[test]
    fn a_schema_that_holds_itself_ends_where_it_may() {
        let node = json!({"type": "object", "required": ["value", "next", "others"], "properties": {
            "value": {"type": "string"},
            "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
            "others": {"type": "array", "items": {"$ref": "#/$defs/Node"}}}});
        let schema = json!({"$ref": "#/$defs/Node", "$defs": {"Node": node}});
        assert_eq!(
            instance(&schema),
            json!({"value": "text", "next": null, "others": []})
        );
        let endless = json!({"type": "object", "required": ["next"],
                             "properties": {"next": {"$ref": "#"}}});
        assert_eq!(instance(&endless), Value::Null);
    }

    #[test]
    fn definitions_in_a_long_chain_do_not_fill_the_stack() {
        let mut definitions = serde_json::Map::new();
        for level in 0..9_000 {
            let next = json!({"$ref": format!("#/$defs/{}", level + 1)});
            definitions.insert(level.to_string(), next);
        }
        assert_eq!(
            instance(&json!({"$ref": "#/$defs/0", "$defs": definitions})),
            Value::Null
        );
    }

    #[test]
    fn definitions_that_multiply_do_not_take_for_ever() {
        let mut definitions = serde_json::Map::new();
        for level in 0..40 {
            let next = json!({"$ref": format!("#/$defs/{}", level + 1)});
            let both = json!({"required": ["a", "b"], "properties": {"a": next, "b": next}});
            definitions.insert(level.to_string(), both);
        }
        definitions.insert("40".to_owned(), json!({"type": "null"}));
        assert_eq!(
            instance(&json!({"$ref": "#/$defs/0", "$defs": definitions})),
            Value::Null
        );
    }
}
