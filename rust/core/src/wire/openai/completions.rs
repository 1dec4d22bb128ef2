//! Text completions, as `OpenAI` and vLLM serve them.

use super::body::Body;
use super::{chat, errors, params};
use crate::config::Family;
use crate::error::{Error, ErrorKind};
use crate::json::{Kind, Reader};
use crate::message::Reply;
use crate::request::Request;
use crate::wire::decoder::StreamDecoder;
use crate::wire::dialect::{Dialect, Encoded, Provider};
use crate::wire::invalid::{about_the_request, invalid};
use crate::wire::params::Param;

/// `POST {base}/completions`. Replies are read by the decoder of chat: they differ in one key.
#[derive(Debug, Clone, Copy)]
pub struct Completions;

impl Dialect for Completions {
    fn name(&self) -> &'static str {
        "completions"
    }

    fn title(&self) -> &'static str {
        "text completions"
    }

    fn family(&self) -> Family {
        Family::Completion
    }

    fn operation(&self) -> &'static str {
        "text_completion"
    }

    fn path(&self) -> &'static str {
        "/completions"
    }

    fn parameters(&self) -> &'static [Param] {
        params::COMPLETIONS.table
    }

    fn encode(&self, request: &Request<'_>, provider: &Provider) -> Result<Encoded, Error> {
        encode(request, provider).map_err(about_the_request)
    }

    fn decode_reply(&self, body: &[u8]) -> Result<Reply, Error> {
        chat::decode_reply(body)
    }

    fn stream(&self) -> Box<dyn StreamDecoder> {
        Box::<chat::ChatStream>::default()
    }

    fn decode_error(&self, status: u16, body: &[u8]) -> Error {
        errors::decode(Some(status), body)
    }
}

fn encode(request: &Request<'_>, provider: &Provider) -> Result<Encoded, Error> {
    if request.system.is_some() {
        return Err(Error::new(
            ErrorKind::Config,
            "system: text completions have no system prompt; put it into the prompt or use ChatClient",
        ));
    }
    check_prompt(request.input.get())?;
    let mut body = Body::new(request, provider)?;
    body.text("model", &request.model);
    body.raw("prompt", request.input.get());
    body.params(&Completions, &params::COMPLETIONS)?;
    Ok(Encoded {
        path: Completions.path().to_owned(),
        body: body.finish(),
        dropped: Vec::new(),
    })
}

/// A string, strings, token ids, or lists of them; none of them empty.
fn check_prompt(raw: &str) -> Result<(), Error> {
    let mut reader = Reader::over(raw);
    let empty =
        || invalid("prompt: it is empty; give some text, or at least one token id".to_owned());
    match reader.peek()? {
        Kind::String if reader.string()?.is_empty() => Err(empty()),
        Kind::String => Ok(()),
        Kind::Array => {
            let mut items = Vec::new();
            let mut bad = None;
            reader.array(|reader| {
                let kind = reader.peek()?;
                let fits = match kind {
                    Kind::Number => is_token(reader.number()?),
                    Kind::Array => {
                        let mut tokens = 0;
                        let mut fits = true;
                        reader.array(|reader| {
                            tokens += 1;
                            if reader.peek()? == Kind::Number {
                                fits &= is_token(reader.number()?);
                                return Ok(());
                            }
                            fits = false;
                            reader.skip()
                        })?;
                        fits && tokens > 0
                    }
                    kind => {
                        reader.skip()?;
                        kind == Kind::String
                    }
                };
                if (!fits || items.first().is_some_and(|first| *first != kind)) && bad.is_none() {
                    bad = Some((items.len(), kind));
                }
                items.push(kind);
                Ok(())
            })?;
            match bad {
                None if items.is_empty() => Err(empty()),
                None => Ok(()),
                Some((_, Kind::Object)) => Err(invalid(
                    "prompt: a list of messages goes to ChatClient; a completion takes text or token ids"
                        .to_owned(),
                )),
                Some((at, _)) => Err(invalid(format!(
                    "prompt[{at}]: a prompt list holds only strings, only token ids (whole numbers from 0), or \
                     only non-empty lists of token ids"
                ))),
            }
        }
        _ => Err(invalid(
            "prompt: it must be a string, a list of strings, of token ids or of lists of token ids"
                .to_owned(),
        )),
    }
}

fn is_token(number: &str) -> bool {
    number.bytes().all(|byte| byte.is_ascii_digit())
}
