//! Which definitions of a schema contain themselves.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

/// What each definition of a schema refers to. A definition is known by the reference to it; `#` is the schema itself.
pub(super) struct Cycles(HashMap<String, HashSet<String>>);

impl Cycles {
    /// Reads the references of a schema.
    pub(super) fn of(schema: &str) -> Self {
        let mut all = HashMap::new();
        let Ok(Value::Object(mut schema)) = serde_json::from_str(schema) else {
            return Self(all);
        };
        if let Some(Value::Object(definitions)) = schema.remove("$defs") {
            for (name, definition) in definitions {
                let mut found = HashSet::new();
                references(&definition, &mut found);
                all.insert(format!("#/$defs/{name}"), found);
            }
        }
        let mut found = HashSet::new();
        references(&Value::Object(schema), &mut found);
        all.insert("#".to_owned(), found);
        Self(all)
    }

    /// Whether `schema`, which is a part of the definition `home`, refers to it, if only through others.
    pub(super) fn lead_back(&self, schema: &str, home: &str) -> bool {
        let mut seen = HashSet::new();
        if let Ok(schema) = serde_json::from_str(schema) {
            references(&schema, &mut seen);
        }
        let mut next: Vec<_> = seen.iter().cloned().collect();
        while let Some(name) = next.pop() {
            if name == home {
                return true;
            }
            for other in self.0.get(&name).into_iter().flatten() {
                if seen.insert(other.clone()) {
                    next.push(other.clone());
                }
            }
        }
        false
    }
}

/// Adds what a value refers to. Its nesting was bounded when it was read.
fn references(value: &Value, found: &mut HashSet<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(target)) = fields.get("$ref") {
                found.insert(target.clone());
            }
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}
