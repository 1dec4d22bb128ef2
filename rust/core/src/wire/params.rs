//! Request parameters: what they are called, how their values are checked, and what an error says about an
//! unknown one.

use super::body::{fields, invalid};
use super::dialect::Dialect;
use super::other_names;
use super::providers::{Provider, dialects};
use crate::config::CLIENT_SETTINGS;
use crate::error::{Error, ErrorKind};
use crate::json::{self, Kind, Reader};
use crate::redact::one_line;
use crate::request::Request;

/// A request parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param {
    /// Our name for it.
    pub name: &'static str,
    kind: Type,
}

/// The values that it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Bool,
    Number,
    Integer,
    /// An integer from 1.
    Count,
    /// An integer from 0: with `echo`, a caller may want no new token.
    FromZero,
    /// A flag, or an integer from 0.
    BoolOrCount,
    /// A string or a list of strings.
    Texts,
    Object,
    Objects,
    TextOrObject,
}

/// A parameter of this name and type.
pub(super) const fn param(name: &'static str, kind: Type) -> Param {
    Param { name, kind }
}

impl Param {
    /// Checks the type of a value. The server judges its range.
    fn check(&self, raw: &str) -> Result<(), Error> {
        let (fits, wanted) = self.kind.fits(raw)?;
        if fits {
            return Ok(());
        }
        let (name, shown) = (self.name, one_line(raw, 60));
        Err(invalid(format!(
            "params.{name}: it must be {wanted}, not {shown}"
        )))
    }
}

impl Type {
    /// Whether `raw` is a value of this type, and what messages call such a value.
    fn fits(self, raw: &str) -> Result<(bool, &'static str), json::Error> {
        let kind = Reader::over(raw).peek()?;
        let is_count = is_integer(raw) && !raw.starts_with('-');
        Ok(match self {
            Self::Text => (kind == Kind::String, "a string"),
            Self::Bool => (kind == Kind::Bool, "true or false"),
            Self::Number => (kind == Kind::Number, "a number"),
            Self::Integer => (is_integer(raw), "a whole number"),
            Self::Count => (is_count && !raw.starts_with('0'), "a whole number from 1"),
            Self::FromZero => (is_count, "a whole number from 0"),
            Self::BoolOrCount => (
                kind == Kind::Bool || is_count,
                "true, false or a whole number from 0",
            ),
            Self::Texts => (
                kind == Kind::String || is_list_of(raw, Kind::String)?,
                "a string or a list of strings",
            ),
            Self::Object => (kind == Kind::Object, "an object"),
            Self::Objects => (is_list_of(raw, Kind::Object)?, "a list of objects"),
            Self::TextOrObject => (
                matches!(kind, Kind::String | Kind::Object),
                "a string or an object",
            ),
        })
    }
}

fn is_integer(raw: &str) -> bool {
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_list_of(raw: &str, wanted: Kind) -> Result<bool, json::Error> {
    let mut all = true;
    let list = Reader::over(raw).array_or_skip(|reader| {
        all &= reader.peek()? == wanted;
        reader.skip()
    })?;
    Ok(list && all)
}

/// Names of the parameters that a dialect takes at a provider, in the order of its table.
#[must_use]
pub fn supported(dialect: &dyn Dialect, provider: &Provider) -> Vec<&'static str> {
    let names = dialect.parameters().iter().map(|param| param.name);
    names
        .filter(|name| !provider.lacks.contains(name) && dialect.takes(name, provider))
        .collect()
}

/// The parameters of one request that are set, in the caller's order. Values are JSON text that was checked.
pub(super) struct Set<'a>(Vec<(&'static str, &'a str)>);

impl<'a> Set<'a> {
    /// The value of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(_, raw)| *raw)
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &'a str)> {
        self.0.iter().copied()
    }

    /// Removes those that `keep` refuses.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&'static str, &'a str) -> bool) {
        self.0.retain(|(name, raw)| keep(name, raw));
    }
}

/// Refuses the parameters that the model does not take, or leaves them out and adds them to `dropped`, if the request wants
/// that. `why` says why the model refuses a parameter with a value, and `what` whether it refuses any value.
pub(super) fn refuse(
    set: &mut Set<'_>,
    (request, what): (&Request<'_>, &str),
    dropped: &mut Vec<String>,
    why: impl Fn(&str, &str) -> Option<&'static str>,
) -> Result<(), Error> {
    let mut refused = None;
    set.retain(|name, value| {
        let Some(why) = why(name, value) else {
            return true;
        };
        if request.drop_unsupported {
            dropped.push(name.to_owned());
        } else {
            refused.get_or_insert((name, why));
        }
        false
    });
    let Some((name, why)) = refused else {
        return Ok(());
    };
    Err(invalid(format!(
        "params.{name}: {} does not take {what}, {why}; leave it out, or give drop_unsupported=True",
        request.model.escape_debug()
    )))
}

/// Reads the parameters of a request. Those that the dialect or the provider does not take are left out and added to
/// `dropped`, if the request wants that.
///
/// Fails with `Validation` for a parameter that only another API takes, and for a value of the wrong type; with `Config`
/// for a name that no API has, and for two names of one parameter.
pub(super) fn set<'a>(
    dialect: &dyn Dialect,
    request: &Request<'a>,
    provider: &Provider,
    dropped: &mut Vec<String>,
) -> Result<Set<'a>, Error> {
    let mut set: Vec<(&'static str, &'a str)> = Vec::new();
    let params = request.params.map_or("null", |raw| raw.get());
    for (name, value) in fields(params, "params")? {
        let found = find(dialect, provider, &name);
        // `None` is how Python says that nothing was set.
        if value == "null" {
            found?;
            continue;
        }
        // Every API gives one choice without being asked, and lets a model call tools in parallel.
        let has_tools = || dialect.parameters().iter().any(|it| it.name == "tools");
        let is_usual = match (&*name, value) {
            ("n", "1") => true,
            ("parallel_tool_calls", "true") => has_tools(),
            _ => false,
        };
        if is_usual && found.is_err() {
            continue;
        }
        let lacks = provider.lacks.contains(&&*name) || found.is_err() && is_of_some_api(&name);
        if request.drop_unsupported && lacks {
            dropped.push(name.into_owned());
            continue;
        }
        let param = found?;
        param.check(value)?;
        let thing = meaning(param.name, value);
        let same = |(known, raw): &&(&'static str, &str)| meaning(known, raw) == thing;
        if let Some((other, _)) = set.iter().find(same) {
            let message = format!(
                "params.{name}: {other} is set too; they are the same parameter, so set only one"
            );
            return Err(Error::new(ErrorKind::Config, message));
        }
        set.push((param.name, value));
    }
    Ok(Set(set))
}

/// Our name for what a parameter sets. Where a provider has another name than ours, that may be written as well, and is
/// then sent as it is to every provider.
fn meaning(name: &'static str, value: &str) -> &'static str {
    match name {
        "max_completion_tokens" => "max_tokens",
        "random_seed" => "seed",
        // A number of alternatives, and not the flag.
        "logprobs" if !matches!(value, "true" | "false") => "top_logprobs",
        _ => name,
    }
}

/// Whether some API has a parameter of this name.
fn is_of_some_api(name: &str) -> bool {
    let all = dialects().into_iter();
    all.flat_map(Dialect::parameters)
        .any(|param| param.name == name)
}

/// The parameter of this name.
///
/// Fails with `Validation` if another dialect of the same clients has it, and otherwise with `Config`. The message names
/// the dialect that has it, or a parameter with a similar name.
fn find(dialect: &dyn Dialect, provider: &Provider, name: &str) -> Result<&'static Param, Error> {
    let in_table = |dialect: &dyn Dialect| {
        let mut table = dialect.parameters().iter();
        table.find(|param| param.name == name)
    };
    if let Some(param) = in_table(dialect).filter(|_| dialect.takes(name, provider)) {
        return Ok(param);
    }
    let has =
        |other: &&'static dyn Dialect| other.name() != dialect.name() && in_table(*other).is_some();
    let own = provider.dialects.iter().copied();
    let spoken = own.clone().find(has);
    // At an address of the caller's, any API may be spoken.
    let mut all = own.chain(dialects());
    let twin = all.find(|other| has(other) && other.family() == dialect.family());
    let other = twin.or(spoken);
    if let (None, Some(advice)) = (other, other_names::advice(name)) {
        return Err(Error::new(
            ErrorKind::Config,
            format!("params.{name}: there is no such name here; {advice}"),
        ));
    }
    let is_twin = twin.is_some();
    let hint = match (name, other) {
        ("top_logprobs", _) if !is_twin => {
            "logprobs=k asks for the k most likely tokens".to_owned()
        }
        (_, Some(twin)) if is_twin => {
            let is_own = provider.base_url.is_some() && !provider.dialects.contains(&twin);
            let only = if is_own { "only " } else { "" };
            format!("{only}api=\"{}\" takes it", twin.name())
        }
        (_, Some(other)) => format!("{} takes it", other.family().client()),
        _ => match nearest(name, names_like(dialect)) {
            Some(near) => format!("did you mean {near}?"),
            None => "the provider may know it".to_owned(),
        },
    };
    let why = match name {
        "stream" => "call stream(…), whose response has the reply and its parsed value, or run(…, stream=True) for the text".to_owned(),
        "reask" => "only parse(…) asks again".to_owned(),
        // Another API would be another model, or takes only 1, and extra_body would be refused.
        "n" => format!(
            "{} has no such parameter; make a call for each answer, such as map([prompt] * 2)",
            dialect.name()
        ),
        _ if other.is_none() && CLIENT_SETTINGS.contains(&name) => format!(
            "it is a setting of the client: give {name}= to ChatClient(…), CompletionClient(…) or with_options(…)"
        ),
        _ => format!(
            "{} has no such parameter; {hint} (extra_body sends a key as it is)",
            dialect.name()
        ),
    };
    let kind = if is_twin {
        ErrorKind::Validation
    } else {
        ErrorKind::Config
    };
    Err(Error::new(kind, format!("params.{name}: {why}")))
}

/// The names that a caller may have meant: parameters, and settings of the client.
fn names_like(dialect: &dyn Dialect) -> impl Iterator<Item = &'static str> {
    let parameters = dialect.parameters().iter().map(|param| param.name);
    let settings = CLIENT_SETTINGS.iter().copied();
    parameters.chain(settings).chain(OF_EVERY_CALL)
}

/// What every call takes besides the parameters of its dialect.
const OF_EVERY_CALL: [&str; 10] = [
    "model",
    "timeout",
    "max_retries",
    "headers",
    "extra_headers",
    "extra_query",
    "extra_body",
    "stream_usage",
    "think_tags",
    "drop_unsupported",
];

/// The known name that is most like `name`, if it is similar enough to be what the caller meant. `topP` is `top_p`.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = other_names::plain(name);
    known
        .map(|candidate| (distance(&name, &other_names::plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().div_ceil(3))
        .min()
        .map(|(_, candidate)| candidate)
}

/// The edit distance from `a` to `b`: insertions, deletions and replacements of one byte.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut before = i + 1;
        for (cell, right) in row.iter_mut().skip(1).zip(b.bytes()) {
            let replaced = diagonal + usize::from(left != right);
            diagonal = *cell;
            before = replaced.min(*cell + 1).min(before + 1);
            *cell = before;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}
