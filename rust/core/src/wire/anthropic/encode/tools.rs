//! Tools, and the choice between them. A tool in another form than that of Chat Completions is sent as it is.

use std::borrow::Cow;

use super::super::NAME;
use super::call::LONGEST_NAME;
use super::content::{Blocks, is_name};
use super::schema::closed;
use crate::error::Error;
use crate::wire::body::{Fields, fields, invalid, items, object};
use crate::wire::messages::plain;
use crate::wire::other_tools::refuse_of_gemini;

/// The mark of a tool that ends a cached prefix.
const CACHE: &str = "cache";

/// The choice between the tools.
#[derive(Default)]
pub(super) struct Choice<'a> {
    /// What it is, besides whether calls may be parallel.
    pub(super) known: Vec<(&'a str, Cow<'a, str>)>,
    /// The tools that may be called, by their names; all of them without it.
    allowed: Option<Vec<String>>,
}

impl<'a> Choice<'a> {
    /// Reads `tool_choice`.
    pub(super) fn read(raw: &'a str) -> Result<Self, Error> {
        let path = "params.tool_choice";
        if !raw.starts_with('{') {
            return Self::word(&plain(raw), path);
        }
        let given = fields(raw, path)?;
        let get = |key: &str| given.iter().find(|(name, _)| name == key).map(|it| it.1);
        match get("type").map(plain).as_deref() {
            Some("function") => {
                let inside = get("function").unwrap_or(raw);
                let name = named(inside, &format!("{path}.function"))?;
                Ok(Self::of(vec![
                    ("type", "\"tool\"".into()),
                    ("name", name.into()),
                ]))
            }
            Some("allowed_tools") => Self::allowed(get("allowed_tools").unwrap_or(raw), path),
            Some("custom") => Err(invalid(format!(
                "{path}: {NAME} has no tools with a grammar; choose a function"
            ))),
            _ => Ok(Self::of(vec![("", raw.into())])),
        }
    }

    fn of(known: Vec<(&'a str, Cow<'a, str>)>) -> Self {
        Self {
            known,
            allowed: None,
        }
    }

    fn word(word: &str, path: &str) -> Result<Self, Error> {
        let kind = match word {
            "auto" => "\"auto\"",
            "none" => "\"none\"",
            "required" | "any" => "\"any\"",
            other => {
                return Err(invalid(format!(
                    "{path}: it must be \"auto\", \"none\", \"required\" or a tool, not {other:?}"
                )));
            }
        };
        Ok(Self::of(vec![("type", kind.into())]))
    }

    /// Some of the tools. The others are not sent.
    fn allowed(raw: &str, path: &str) -> Result<Self, Error> {
        let place = format!("{path}.allowed_tools");
        let known = fields(raw, &place)?;
        let get = |key: &str| known.iter().find(|(name, _)| name == key).map(|it| it.1);
        let mode = get("mode").map_or("auto".into(), plain);
        let mut choice = Self::word(&mode, &format!("{place}.mode"))?;
        let mut allowed = Vec::new();
        let list = format!("{place}.tools");
        for (at, tool) in items(get("tools").unwrap_or("[]"), &list)?
            .into_iter()
            .enumerate()
        {
            allowed.push(key_of(&fields(tool, format!("{list}[{at}]"))?));
        }
        choice.allowed = Some(allowed);
        Ok(choice)
    }

    /// Whether a tool has to be called.
    pub(super) fn is_forced(&self) -> bool {
        self.known.iter().any(|(key, raw)| {
            let kind = match *key {
                "type" => Some(plain(raw)),
                "" => kind_of(raw),
                _ => None,
            };
            matches!(kind.as_deref(), Some("any" | "tool"))
        })
    }

    /// Whether no tool may be called.
    fn is_none(&self) -> bool {
        self.known.iter().any(|(_, raw)| raw == "\"none\"")
            || self
                .known
                .iter()
                .any(|(key, raw)| key.is_empty() && kind_of(raw).as_deref() == Some("none"))
    }

    /// Its JSON. `parallel` says whether calls may be parallel.
    pub(super) fn written(&self, parallel: Option<&str>) -> Result<String, Error> {
        let disabled = match parallel.filter(|_| !self.is_none()) {
            Some("false") => Some("true"),
            Some(_) => Some("false"),
            None => None,
        };
        let mut all: Vec<(Cow<'_, str>, &str)> = Vec::new();
        for (key, raw) in &self.known {
            if key.is_empty() {
                all.extend(fields(raw, "params.tool_choice")?);
            } else {
                all.push(((*key).into(), raw));
            }
        }
        if let Some(disabled) = disabled {
            all.retain(|(key, _)| key != DISABLE_PARALLEL);
            all.push((DISABLE_PARALLEL.into(), disabled));
        }
        Ok(written(&all))
    }
}

const DISABLE_PARALLEL: &str = "disable_parallel_tool_use";

fn kind_of(raw: &str) -> Option<Cow<'_, str>> {
    let known = fields(raw, "params.tool_choice").ok()?;
    let kind = known.iter().find(|(key, _)| key == "type")?.1;
    Some(plain(kind))
}

fn named<'a>(raw: &'a str, path: &str) -> Result<&'a str, Error> {
    let known = fields(raw, path)?;
    let name = known.iter().find(|(key, _)| key == "name");
    name.map(|(_, raw)| *raw)
        .ok_or_else(|| invalid(format!("{path}.name: it is missing")))
}

/// What a tool is known by: its name, or else its type.
fn key_of(tool: &Fields<'_>) -> String {
    let get = |fields: &Fields<'_>, key: &str| {
        let found = fields.iter().find(|(name, _)| name == key);
        found.map(|(_, raw)| plain(raw).into_owned())
    };
    let inside = tool.iter().find(|(key, _)| key == "function");
    let inside = inside.and_then(|(_, raw)| fields(raw, "").ok());
    inside
        .and_then(|inside| get(&inside, "name"))
        .or_else(|| get(tool, "name"))
        .or_else(|| get(tool, "type"))
        .unwrap_or_default()
}

/// The tools as JSON.
pub(super) fn write(
    tools: &str,
    choice: &Choice<'_>,
    blocks: &mut Blocks<'_>,
) -> Result<String, Error> {
    let mut all = Vec::new();
    for (at, raw) in items(tools, "params.tools")?.into_iter().enumerate() {
        let path = format!("params.tools[{at}]");
        let tool = fields(raw, &path)?;
        let is_allowed = |allowed: &Vec<String>| allowed.contains(&key_of(&tool));
        if choice.allowed.as_ref().is_none_or(is_allowed) {
            all.push(tool_json(&path, tool, blocks)?);
        }
    }
    Ok(format!("[{}]", all.join(",")))
}

fn tool_json(path: &str, mut tool: Fields<'_>, blocks: &mut Blocks<'_>) -> Result<String, Error> {
    refuse_of_gemini(path, &tool, NAME)?;
    let mut take = |key: &str| {
        let at = tool.iter().position(|(name, _)| name == key)?;
        Some(tool.remove(at).1).filter(|raw| *raw != "null")
    };
    let cache = take(CACHE);
    let kind = take("type");
    let own = match kind.map(plain).as_deref() {
        Some("function") => take("function"),
        Some("custom") if !tool.iter().any(|(key, _)| key == "input_schema") => {
            return Err(invalid(format!(
                "{path}: {NAME} has no tools with a grammar; give a function"
            )));
        }
        // The form of this API.
        _ => {
            if let Some(kind) = kind {
                tool.insert(0, ("type".into(), kind));
            }
            return marked(&tool, cache, path, blocks);
        }
    };
    let place = match own {
        Some(_) => format!("{path}.function"),
        None => path.to_owned(),
    };
    let mut known = own
        .map(|raw| fields(raw, &place))
        .transpose()?
        .unwrap_or_default();
    known.append(&mut tool);
    let mut take = |key: &str| {
        let at = known.iter().position(|(name, _)| name == key)?;
        Some(known.remove(at).1).filter(|raw| *raw != "null")
    };
    let name = take("name").ok_or_else(|| invalid(format!("{place}.name: it is missing")))?;
    if blocks.model.is_some() && !is_name(&plain(name)) {
        return Err(invalid(format!(
            "{place}.name: it must have 1 to {LONGEST_NAME} letters, digits, _ and -"
        )));
    }
    let description = take("description");
    let strict = take("strict");
    let schema = schema(take("parameters"), strict == Some("true"), &place)?;
    let mut written: Fields<'_> = vec![("name".into(), name)];
    written.extend(description.map(|raw| ("description".into(), raw)));
    written.push(("input_schema".into(), &schema));
    written.extend(strict.map(|raw| ("strict".into(), raw)));
    written.extend(known.into_iter().filter(|(_, raw)| *raw != "null"));
    marked(&written, cache, path, blocks)
}

/// The schema of a tool's input, which must be of an object: 400 "Input should be 'object'".
fn schema(raw: Option<&str>, is_strict: bool, path: &str) -> Result<String, Error> {
    let place = format!("{path}.parameters");
    let Some(raw) = raw else {
        return Ok(r#"{"type":"object","properties":{}}"#.to_owned());
    };
    let mut known = fields(raw, &place)?;
    match known.iter().find(|(key, _)| key == "type") {
        Some((_, "\"object\"")) => {}
        Some((_, other)) => {
            return Err(invalid(format!(
                "{place}.type: {NAME} takes only an object, and not {other}; put the value into a property"
            )));
        }
        None => {
            let has = |key: &&str| known.iter().any(|(name, _)| name == key);
            if let Some(key) = ["anyOf", "oneOf", "allOf", "$ref", "enum"]
                .iter()
                .find(|key| has(key))
            {
                return Err(invalid(format!(
                    "{place}.{key}: {NAME} takes only an object; put the value into a property"
                )));
            }
            known.insert(0, ("type".into(), "\"object\""));
        }
    }
    let schema = written(&known);
    if is_strict {
        return closed(&schema, &place);
    }
    Ok(schema)
}

/// A tool with its mark of a cached prefix.
fn marked(
    tool: &Fields<'_>,
    cache: Option<&str>,
    path: &str,
    blocks: &mut Blocks<'_>,
) -> Result<String, Error> {
    let mut json = written(tool);
    let given = tool.iter().find(|(key, _)| key == "cache_control");
    if given.is_some_and(|(_, raw)| *raw != "null") {
        blocks.marks.note(|| format!("{path}.cache_control"));
        return Ok(json);
    }
    let mark = blocks.marks.mark(cache, || path.to_owned(), blocks.name)?;
    json.pop();
    json.push_str(mark);
    json.push('}');
    Ok(json)
}

fn written(fields: &Fields<'_>) -> String {
    object(fields.iter().map(|(key, raw)| (&**key, *raw)))
}
