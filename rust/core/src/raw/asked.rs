//! What a request of a known API asks for, as far as the check of its stream needs it.

use bytes::Bytes;
use http::Method;
use memchr::memmem;

use crate::wire::{Dialect, providers};

/// What a request asks for, as far as its stream depends on it.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    pub(super) dialect: &'static dyn Dialect,
    pub(super) choices: usize,
    /// Whether it certainly asks for a stream.
    pub(super) is_stream: bool,
    /// Whether the stream must have its end.
    pub(super) must_end: bool,
}

impl Asked {
    /// `None` if method and path, with its query, are not those of a known API.
    pub(super) fn of(
        method: &Method,
        path: &str,
        body: Option<&Bytes>,
        must_end: bool,
    ) -> Option<Self> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let dialect = match *method {
            Method::POST => providers::dialect_at(path)?,
            // A response that is made in the background is read under its id.
            Method::GET => providers::dialect_at(path.rsplit_once('/')?.0)
                .filter(|dialect| dialect.name() == "responses")?,
            _ => return None,
        };
        Some(Self {
            dialect,
            choices: body.map_or(1, |body| choices(body)),
            is_stream: path.ends_with(":streamGenerateContent")
                || query.split('&').any(|pair| pair == "stream=true")
                || body.is_some_and(|body| is_stream(body)),
            must_end,
        })
    }
}

/// How many choices a request asks for.
fn choices(body: &[u8]) -> usize {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Choices {
        n: Option<usize>,
        prompt: Option<serde_json::Value>,
        generation_config: Option<Config>,
    }
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Config {
        candidate_count: Option<usize>,
    }
    const NAMES: [&[u8]; 3] = [b"\"n\"", b"\"prompt\"", b"\"candidateCount\""];
    // Most requests say nothing of it, and this is much faster than to read them.
    if !NAMES.iter().any(|name| memmem::find(body, name).is_some()) {
        return 1;
    }
    let Ok(read) = serde_json::from_slice::<Choices>(body) else {
        return 1;
    };
    let of_gemini = read.generation_config.and_then(|it| it.candidate_count);
    // A list of numbers is one prompt in tokens.
    let prompts = match &read.prompt {
        Some(serde_json::Value::Array(all)) if !all.iter().any(serde_json::Value::is_number) => {
            all.len()
        }
        _ => 1,
    };
    read.n.or(of_gemini).unwrap_or(1).saturating_mul(prompts)
}

/// Whether a request says that it asks for a stream.
fn is_stream(body: &[u8]) -> bool {
    memmem::find_iter(body, b"\"stream\"").any(|at| {
        let rest = body.get(at + b"\"stream\"".len()..).unwrap_or_default();
        let rest = rest.trim_ascii_start().strip_prefix(b":");
        rest.is_some_and(|rest| rest.trim_ascii_start().starts_with(b"true"))
    })
}
