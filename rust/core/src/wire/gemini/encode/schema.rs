//! JSON schemas in the form that `responseJsonSchema` and `parametersJsonSchema` have.
//!
//! They take JSON Schema. What says the same in words that the API does not know is written in its own: a `$ref` stands
//! alone, a constant is an `enum` of one, an `allOf` of one is an `anyOf`. Limits of values that it does not know (`pattern`,
//! `minLength`, …) are sent, and it ignores them; the reply is checked against the type anyway. A schema of an answer whose
//! structure it cannot express is refused.
//!
//! Source: google-genai, `types.GenerateContentConfig.response_json_schema`, and 400 "can only contain properties starting
//! with '$' when $ref is present".

use std::borrow::Cow;

use super::schema_cycles::Cycles;
use crate::error::Error;
use crate::wire::body::{Fields, fields, invalid, items, object, value};
use crate::wire::messages::plain;

/// What structure the API does not have words for.
const REFUSED: [&str; 12] = [
    "not",
    "if",
    "then",
    "else",
    "patternProperties",
    "propertyNames",
    "dependentSchemas",
    "dependentRequired",
    "contains",
    "definitions",
    "$dynamicRef",
    "$recursiveRef",
];

/// Without any of these, a schema is written as it is.
const SIGNS: [&str; 15] = [
    "\"$ref\"",
    "\"const\"",
    "\"allOf\"",
    "\"not\"",
    "\"if\"",
    "\"then\"",
    "\"else\"",
    "\"patternProperties\"",
    "\"propertyNames\"",
    "\"dependentSchemas\"",
    "\"dependentRequired\"",
    "\"contains\"",
    "\"definitions\"",
    "\"$dynamicRef\"",
    "\"$recursiveRef\"",
];

/// The schema of an answer, a JSON object. `path` names it in errors.
pub(super) fn of_answer<'a>(schema: &'a str, path: &str) -> Result<Cow<'a, str>, Error> {
    if !SIGNS.iter().any(|sign| schema.contains(sign)) {
        return Ok(Cow::Borrowed(schema));
    }
    let writer = Writer {
        cycles: Some(Cycles::of(schema)),
    };
    writer.schema(schema, path, "#").map(Cow::Owned)
}

/// The schema of a tool's arguments. What the API does not know of it, it ignores.
pub(super) fn of_tool<'a>(schema: &'a str, path: &str) -> Result<Cow<'a, str>, Error> {
    if !schema.contains("\"$ref\"") {
        return Ok(Cow::Borrowed(schema));
    }
    Writer { cycles: None }
        .schema(schema, path, "#")
        .map(Cow::Owned)
}

struct Writer {
    /// Of the schema of an answer.
    cycles: Option<Cycles>,
}

type Written<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

impl Writer {
    /// Writes a schema. `home` is the reference to the definition that it is in. The reader has bounded the nesting.
    fn schema(&self, raw: &str, path: &str, home: &str) -> Result<String, Error> {
        if !raw.starts_with('{') {
            return Ok(raw.to_owned());
        }
        let given = fields(raw, path)?;
        let has = |name: &str| given.iter().any(|(key, _)| key == name);
        let mut out: Written<'_> = Vec::with_capacity(given.len());
        for (key, raw) in &given {
            let place = format!("{path}.{key}");
            let written = match &**key {
                "properties" | "$defs" => {
                    Cow::Owned(self.each(raw, &place, home, key == "$defs")?)
                }
                "items" | "additionalProperties" => Cow::Owned(self.schema(raw, &place, home)?),
                "anyOf" | "oneOf" | "prefixItems" => Cow::Owned(self.list(raw, &place, home)?),
                "$ref" => Cow::Borrowed(*raw),
                _ if self.cycles.is_none() => Cow::Borrowed(*raw),
                "allOf" => {
                    if has("anyOf") || items(raw, &place)?.len() != 1 {
                        return Err(unknown(&place));
                    }
                    out.push(("anyOf".into(), self.list(raw, &place, home)?.into()));
                    continue;
                }
                // The API has an `enum` of strings and numbers.
                "const" if is_text_or_number(raw) && !has("enum") => {
                    out.push(("enum".into(), format!("[{raw}]").into()));
                    continue;
                }
                "required" => Cow::Owned(self.required(raw, &given, path, home)?),
                key if REFUSED.contains(&key) => return Err(unknown(&place)),
                _ => Cow::Borrowed(*raw),
            };
            out.push((key.clone(), written));
        }
        alone(&out, self.cycles.is_some(), path)
    }

    /// Writes an object of schemas.
    fn each(
        &self,
        raw: &str,
        path: &str,
        home: &str,
        are_definitions: bool,
    ) -> Result<String, Error> {
        let mut out: Written<'_> = Vec::new();
        for (name, raw) in fields(raw, path)? {
            let place = format!("{path}.{name}");
            let written = if are_definitions {
                self.schema(raw, &place, &format!("#/$defs/{name}"))?
            } else {
                self.schema(raw, &place, home)?
            };
            out.push((name, written.into()));
        }
        Ok(joined(&out))
    }

    /// Writes a list of schemas.
    fn list(&self, raw: &str, path: &str, home: &str) -> Result<String, Error> {
        let mut out = Vec::new();
        for (at, raw) in items(raw, path)?.into_iter().enumerate() {
            out.push(self.schema(raw, &format!("{path}[{at}]"), home)?);
        }
        Ok(format!("[{}]", out.join(",")))
    }

    /// Writes the names of the required properties. One that leads back to its own definition must not be required; if it
    /// may be null, leaving it out says the same.
    fn required(
        &self,
        raw: &str,
        given: &Fields<'_>,
        path: &str,
        home: &str,
    ) -> Result<String, Error> {
        let properties = value(given, "properties");
        let (Some(properties), Some(cycles)) = (properties, &self.cycles) else {
            return Ok(raw.to_owned());
        };
        let place = format!("{path}.properties");
        let properties = fields(properties, &place)?;
        let mut kept = Vec::new();
        for name in items(raw, &format!("{path}.required"))? {
            let plain = plain(name);
            match value(&properties, &plain) {
                Some(schema) if cycles.lead_back(schema, home) => {
                    if !may_be_null(schema, &place)? {
                        return Err(invalid(format!(
                            "{place}.{plain}: it contains itself, and gemini takes that only of a property that may be left \
                             out; let it be None, too"
                        )));
                    }
                }
                _ => kept.push(name),
            }
        }
        Ok(format!("[{}]", kept.join(",")))
    }
}

/// Writes an object whose `$ref` has nothing beside it but keys with a dollar sign and a title.
fn alone(schema: &Written<'_>, is_answer: bool, path: &str) -> Result<String, Error> {
    let is_free = |key: &str| key.starts_with('$') || key == "title";
    let reference = schema.iter().find(|(key, _)| key == "$ref");
    let Some((_, reference)) = reference else {
        return Ok(joined(schema));
    };
    if is_answer && !plain(reference).starts_with('#') {
        return Err(invalid(format!(
            "{path}.$ref: gemini reads no other document; refer to #/$defs/…"
        )));
    }
    let has_any_of = schema.iter().any(|(key, _)| key == "anyOf");
    if has_any_of || schema.iter().all(|(key, _)| is_free(key)) {
        return Ok(joined(schema));
    }
    let mut out: Written<'_> = Vec::with_capacity(schema.len());
    for (key, raw) in schema {
        if key == "$ref" {
            out.push(("anyOf".into(), format!("[{{\"$ref\":{raw}}}]").into()));
        } else {
            out.push((key.clone(), raw.clone()));
        }
    }
    Ok(joined(&out))
}

fn is_text_or_number(raw: &str) -> bool {
    raw.starts_with(|c: char| c == '"' || c == '-' || c.is_ascii_digit())
}

fn joined(schema: &Written<'_>) -> String {
    object(schema.iter().map(|(key, raw)| (&**key, &**raw)))
}

fn unknown(place: &str) -> Error {
    invalid(format!(
        "{place}: gemini cannot express it; leave it out, and check the answer yourself"
    ))
}

/// Whether null fits the schema.
fn may_be_null(schema: &str, path: &str) -> Result<bool, Error> {
    for (key, raw) in fields(schema, path)? {
        let is_null = match &*key {
            "type" => raw.contains("\"null\""),
            "anyOf" | "oneOf" => {
                let mut any = false;
                for raw in items(raw, path)? {
                    any |= raw.starts_with('{') && may_be_null(raw, path)?;
                }
                any
            }
            _ => false,
        };
        if is_null {
            return Ok(true);
        }
    }
    Ok(false)
}
