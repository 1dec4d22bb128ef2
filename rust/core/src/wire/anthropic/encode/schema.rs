//! JSON schemas in the form that Messages takes: objects are closed, and what it has no keyword for is said in the
//! description.
//!
//! Sources: `lib/_parse/_transform.py` of Anthropic's Python SDK, and the page on structured outputs at
//! platform.claude.com, which names what cannot be expressed: other keys than the named ones, and schemas that contain
//! themselves.

use std::collections::{BTreeMap, HashSet};

use crate::error::Error;
use crate::json::write_string;
use crate::wire::body::{Fields, field, fields, invalid, items, object};
use crate::wire::messages::plain;

/// The formats of a string that it knows.
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

/// Keywords that say nothing about a value.
const ABOUT_THE_SCHEMA: [&str; 3] = ["$schema", "$id", "$comment"];

/// No schema that a model can follow is nested deeper.
const DEEPEST: usize = 64;

/// The schema `raw`, which the caller wrote at `path`.
///
/// Fails with `Validation` and the path of what cannot be expressed.
pub(super) fn closed(raw: &str, path: &str) -> Result<String, Error> {
    let mut definitions = Definitions::default();
    let written = definitions.closed(raw, path, 0)?;
    definitions.check_ends()?;
    Ok(written)
}

/// What the definitions of a schema refer to.
#[derive(Default)]
struct Definitions {
    /// The one that is being written.
    inside: String,
    /// The references in each of them, and their paths.
    refers: BTreeMap<String, Vec<(String, String)>>,
}

impl Definitions {
    fn closed(&mut self, raw: &str, path: &str, depth: usize) -> Result<String, Error> {
        if depth > DEEPEST {
            return Err(cannot(path, "it is nested too deeply", "make it flatter"));
        }
        if !raw.starts_with('{') {
            return Err(cannot(path, "it is not an object", "give it a type"));
        }
        let mut known = fields(raw, path)?;
        let mut out = Vec::with_capacity(raw.len() + 32);
        for key in ["$defs", "definitions"] {
            if let Some(all) = take(&mut known, key) {
                let all = self.each(all, &format!("{path}.{key}"), depth, true)?;
                field(&mut out, key, &all);
            }
        }
        if let Some(target) = take(&mut known, "$ref") {
            self.refer(target, path)?;
            field(&mut out, "$ref", target);
            return Ok(braced(out));
        }
        let kind = kind_of(&mut known, path)?;
        if let Some(kind) = kind {
            field(&mut out, "type", kind);
        }
        if let Some(values) = take(&mut known, "enum") {
            field(&mut out, "enum", values);
        } else if let Some(value) = take(&mut known, "const") {
            field(&mut out, "enum", &format!("[{value}]"));
        }
        let mut has_choices = false;
        for (key, written) in [("anyOf", "anyOf"), ("oneOf", "anyOf"), ("allOf", "allOf")] {
            if let Some(choices) = take(&mut known, key) {
                let choices = self.choices(choices, &format!("{path}.{key}"), depth)?;
                field(&mut out, written, &choices);
                has_choices = true;
                break;
            }
        }
        // Each choice is closed. To close what is around them, too, would allow no key.
        let has_keys = known.iter().any(|(key, _)| key == "properties");
        let is = |name: &str| kind.is_some_and(|kind| kind.contains(&format!("\"{name}\"")));
        if is("object") && (has_keys || !has_choices) {
            self.object(&mut known, (path, depth), &mut out)?;
        }
        if is("array") {
            if let Some(item) = take(&mut known, "items") {
                let item = self.closed(item, &format!("{path}.items"), depth + 1)?;
                field(&mut out, "items", &item);
            }
            let few = |raw: &str| matches!(raw, "0" | "1");
            keep(&mut known, "minItems", few, &mut out);
        }
        if is("string") {
            let is_format = |raw: &str| FORMATS.contains(&&*plain(raw));
            keep(&mut known, "format", is_format, &mut out);
        }
        describe(&mut known, &mut out);
        Ok(braced(out))
    }

    fn object(
        &mut self,
        known: &mut Fields<'_>,
        (path, depth): (&str, usize),
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let properties = take(known, "properties").unwrap_or("{}");
        let properties = self.each(properties, &format!("{path}.properties"), depth, false)?;
        let others = take(known, "additionalProperties").unwrap_or("false");
        let is_named = properties != "{}";
        let is_any = matches!(others, "true" | "{}");
        if others != "false" && !(is_any && is_named) {
            let place = format!("{path}.additionalProperties");
            return Err(cannot(
                &place,
                "it allows any key",
                "name the keys in properties",
            ));
        }
        if take(known, "patternProperties").is_some() {
            let place = format!("{path}.patternProperties");
            return Err(cannot(
                &place,
                "it allows many keys",
                "name the keys in properties",
            ));
        }
        field(out, "properties", &properties);
        field(out, "additionalProperties", "false");
        if let Some(required) = take(known, "required") {
            field(out, "required", required);
        }
        Ok(())
    }

    /// The schemas of an object of schemas.
    fn each(
        &mut self,
        raw: &str,
        path: &str,
        depth: usize,
        is_definition: bool,
    ) -> Result<String, Error> {
        let mut all = Vec::new();
        for (name, raw) in fields(raw, path)? {
            let outer = is_definition.then(|| {
                let place = format!("#{}", path_in_schema(path, &name));
                std::mem::replace(&mut self.inside, place)
            });
            let written = self.closed(raw, &format!("{path}.{name}"), depth + 1)?;
            if let Some(outer) = outer {
                self.inside = outer;
            }
            all.push((name, written));
        }
        let all = all.iter().map(|(name, written)| (&**name, &**written));
        Ok(object(all))
    }

    fn choices(&mut self, raw: &str, path: &str, depth: usize) -> Result<String, Error> {
        let mut all = Vec::new();
        for (at, raw) in items(raw, path)?.into_iter().enumerate() {
            all.push(self.closed(raw, &format!("{path}[{at}]"), depth + 1)?);
        }
        Ok(format!("[{}]", all.join(",")))
    }

    fn refer(&mut self, target: &str, path: &str) -> Result<(), Error> {
        let target = plain(target);
        let place = format!("{path}.$ref");
        if target == "#" {
            return Err(recursive(&place));
        }
        if !target.starts_with('#') {
            return Err(cannot(
                &place,
                "it refers to another document",
                "write the schema out",
            ));
        }
        let all = self.refers.entry(self.inside.clone()).or_default();
        all.push((target.into_owned(), place));
        Ok(())
    }

    /// Refuses a definition that refers to itself, also by way of others.
    fn check_ends(&self) -> Result<(), Error> {
        let mut done: HashSet<&str> = HashSet::new();
        for start in self.refers.keys() {
            // The definitions on the way from `start`, each with the number of its references that were followed.
            let mut way: Vec<(&str, usize)> = vec![(start, 0)];
            while let Some((inside, followed)) = way.last_mut() {
                let all = self.refers.get(*inside).map_or(&[][..], Vec::as_slice);
                let Some((target, place)) = all.get(*followed).filter(|_| !done.contains(inside))
                else {
                    done.insert(inside);
                    way.pop();
                    continue;
                };
                *followed += 1;
                if way.iter().any(|(name, _)| name == target) {
                    return Err(recursive(place));
                }
                way.push((target, 0));
            }
        }
        Ok(())
    }
}

/// The path of a definition as a reference has it: `/$defs/A` for the one at `….$defs`.
fn path_in_schema(path: &str, name: &str) -> String {
    let list = path.rsplit('.').next().unwrap_or_default();
    format!("/{list}/{name}")
}

/// The type. Where it is not said, it may be plain from what else is.
fn kind_of<'a>(known: &mut Fields<'a>, path: &str) -> Result<Option<&'a str>, Error> {
    if let Some(kind) = take(known, "type") {
        return Ok(Some(kind));
    }
    let has = |key: &str| known.iter().any(|(name, _)| name == key);
    if ["enum", "const", "anyOf", "oneOf", "allOf"]
        .into_iter()
        .any(has)
    {
        return Ok(None);
    }
    if has("properties") {
        return Ok(Some("\"object\""));
    }
    if has("items") {
        return Ok(Some("\"array\""));
    }
    Err(cannot(path, "it allows any value", "give it a type"))
}

/// Says in the description what is left.
fn describe(known: &mut Fields<'_>, out: &mut Vec<u8>) {
    let mut description = take(known, "description").map(|raw| plain(raw).into_owned());
    let title = take(known, "title");
    known.retain(|(key, _)| !ABOUT_THE_SCHEMA.contains(&&**key));
    if !known.is_empty() {
        let said = known.iter().map(|(key, raw)| {
            let value = if raw.starts_with('"') {
                plain(raw)
            } else {
                (*raw).into()
            };
            format!("{key}: {value}")
        });
        let said = said.collect::<Vec<_>>().join(", ");
        description = Some(match description {
            Some(before) => format!("{before}\n\n{{{said}}}"),
            None => format!("{{{said}}}"),
        });
    }
    if let Some(description) = description {
        let mut text = Vec::new();
        write_string(&mut text, &description);
        field(out, "description", &String::from_utf8_lossy(&text));
    }
    if let Some(title) = title {
        field(out, "title", title);
    }
}

/// Writes a keyword whose value `fits`. Another one stays, to be described.
fn keep(known: &mut Fields<'_>, key: &str, fits: impl Fn(&str) -> bool, out: &mut Vec<u8>) {
    let at = known
        .iter()
        .position(|(name, raw)| name == key && fits(raw));
    if let Some((_, raw)) = at.map(|at| known.remove(at)) {
        field(out, key, raw);
    }
}

/// Takes a keyword that is not null.
fn take<'a>(known: &mut Fields<'a>, key: &str) -> Option<&'a str> {
    let at = known.iter().position(|(name, _)| name == key)?;
    Some(known.remove(at).1).filter(|raw| *raw != "null")
}

/// An object of these fields, each of which begins with a comma.
fn braced(mut fields: Vec<u8>) -> String {
    match fields.first_mut() {
        Some(comma) => *comma = b'{',
        None => fields.push(b'{'),
    }
    fields.push(b'}');
    String::from_utf8_lossy(&fields).into_owned()
}

fn recursive(path: &str) -> Error {
    cannot(
        path,
        "the schema contains itself",
        "write out as many levels as there may be",
    )
}

fn cannot(path: &str, why: &str, fix: &str) -> Error {
    invalid(format!(
        "{path}: {why}, which messages cannot express; {fix}, or give output_mode=\"prompt\""
    ))
}
