//! Text completions, as `OpenAI` and vLLM serve them.

use super::{chat, params};
use crate::config::Family;
use crate::error::{Error, ErrorKind};
use crate::json::Reader;
use crate::message::Reply;
use crate::request::Request;
use crate::wire::body::{invalid, items};
use crate::wire::dialect::{Dialect, Encoded, StreamDecoder};
use crate::wire::errors;
use crate::wire::params::Param;
use crate::wire::providers::Provider;

const PATH: &str = "/completions";

/// `POST {base}/completions`. The decoder of chat reads its replies, which differ in one key.
#[derive(Debug, Clone, Copy)]
pub struct Completions;

impl Dialect for Completions {
    fn name(&self) -> &'static str {
        "completions"
    }

    fn family(&self) -> Family {
        Family::Completion
    }

    fn paths(&self) -> &'static [&'static str] {
        &[PATH]
    }

    fn parameters(&self) -> &'static [Param] {
        params::COMPLETIONS
    }

    fn encode(&self, request: &Request<'_>, provider: &Provider) -> Result<Encoded, Error> {
        if request.system.is_some() {
            return Err(Error::new(
                ErrorKind::Config,
                "system: text completions have no system prompt; put it into the prompt or use ChatClient",
            ));
        }
        check_prompt(request.input.get())?;
        let mut body = params::start(request)?;
        body.raw("prompt", request.input.get());
        let mut dropped = Vec::new();
        params::write(&mut body, self, (request, provider), &mut dropped)?;
        Ok(Encoded {
            dropped,
            choices: params::choices(request).saturating_mul(prompts(request)),
            ..Encoded::post(PATH, body.finish())
        })
    }

    fn decode_reply(&self, body: &[u8], asked: usize) -> Result<Reply, Error> {
        // Each prompt of a list has its choices, so none may be missing.
        chat::decode_reply(body, asked, asked)
    }

    fn stream(&self, asked: usize) -> Box<dyn StreamDecoder> {
        Box::new(chat::ChatStream::new(asked, asked))
    }

    fn decode_error(&self, status: u16, body: &[u8]) -> Error {
        errors::decode(Some(status), body)
    }
}

/// How many prompts the request has. Each has its own choices.
fn prompts(request: &Request<'_>) -> usize {
    match items(request.input.get(), "prompt") {
        Ok(prompts) if prompts.first().is_some_and(|first| !is_token(first)) => prompts.len(),
        _ => 1,
    }
}

/// Accepts a string, or a list of strings, of token ids or of lists of token ids; none of them empty.
fn check_prompt(raw: &str) -> Result<(), Error> {
    let empty = || invalid("prompt: it is empty; give some text, or at least one token id");
    if raw.starts_with('"') {
        let is_empty = Reader::over(raw).string()?.is_empty();
        return if is_empty { Err(empty()) } else { Ok(()) };
    }
    if !raw.starts_with('[') {
        return Err(invalid(
            "prompt: it must be a string, a list of strings, of token ids or of lists of token ids",
        ));
    }
    let prompts = items(raw, "prompt")?;
    let fits: fn(&str) -> bool = match prompts.first() {
        None => return Err(empty()),
        Some(first) if first.starts_with('"') => |prompt| prompt.starts_with('"'),
        Some(first) if first.starts_with('[') => |prompt| {
            items(prompt, "prompt")
                .is_ok_and(|ids| !ids.is_empty() && ids.into_iter().all(is_token))
        },
        Some(_) => is_token,
    };
    let Some(at) = prompts.iter().position(|prompt| !fits(prompt)) else {
        return Ok(());
    };
    Err(invalid(match prompts.get(at) {
        Some(prompt) if prompt.starts_with('{') => {
            "prompt: a list of messages goes to ChatClient; a completion takes text or token ids"
                .to_owned()
        }
        _ => format!(
            "prompt[{at}]: a prompt list holds only strings, only token ids (whole numbers from 0), or \
             only non-empty lists of token ids"
        ),
    }))
}

fn is_token(raw: &str) -> bool {
    raw.bytes().all(|byte| byte.is_ascii_digit())
}
