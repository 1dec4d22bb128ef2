//! A dialect that differs from `OpenAI`'s wherever a dialect may.
//!
//! A request goes to `/poems/{model}:{whole|grow}`, and a stream is an array, or events. An element is
//! `{"verse": 0, "text": "…"}`: a piece of the part with this number, which its first piece begins, even an empty one.
//! `{"word": "finis"}` ends the poem, and what follows it may still count its letters.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tokenwire_core::config::Family;
use tokenwire_core::error::{Error, ErrorKind as K};
use tokenwire_core::framing::Framing;
use tokenwire_core::message::{
    ChunkKind, Delta, Extra, FinishReason, Fold, RawJson, Reply, ReplyHead, Usage,
};
use tokenwire_core::request::Request;
use tokenwire_core::wire::{Completions, Dialect, Encoded, Param, Provider, Step, StreamDecoder};

#[derive(Debug)]
pub(crate) struct Verses;

impl Dialect for Verses {
    fn name(&self) -> &'static str {
        "verses"
    }

    fn family(&self) -> Family {
        Family::Chat
    }

    fn paths(&self) -> &'static [&'static str] {
        &[":whole", ":grow"]
    }

    fn version(&self) -> Option<&'static str> {
        Some("/v1beta")
    }

    fn framings(&self) -> &'static [Framing] {
        &[Framing::Array, Framing::Events]
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("x-verses", "7")]
    }

    fn parameters(&self) -> &'static [Param] {
        Completions.parameters()
    }

    fn encode(&self, request: &Request<'_>, provider: &Provider) -> Result<Encoded, Error> {
        let operation = if request.stream { "grow" } else { "whole" };
        let model = utf8_percent_encode(&request.model, NON_ALPHANUMERIC);
        let body = json!({"ask": request.input});
        let mut encoded = Encoded::post(
            format!("/poems/{model}:{operation}"),
            body.to_string().into_bytes(),
        );
        encoded.query = vec![("shape".into(), "a&b ü".to_owned())];
        encoded.headers = vec![("x-poet".into(), provider.name.to_string())];
        encoded.dropped = vec!["rhyme".to_owned()];
        Ok(encoded)
    }

    fn models(&self) -> Encoded {
        let mut encoded = Encoded::get("/poets");
        encoded.query = vec![("page".into(), "1".to_owned())];
        encoded
    }

    fn decode_reply(&self, body: &[u8], asked: usize) -> Result<Reply, Error> {
        let mut decoder = Verse::default();
        let mut fold = Fold::default();
        let mut out = Vec::new();
        decoder.event(b"", body, &mut out)?;
        for chunk in &out {
            fold.apply(chunk);
        }
        assert_eq!(asked, 1);
        fold.set_head(decoder.head());
        fold.conclude();
        Ok(fold.into_reply())
    }

    fn stream(&self, _: usize) -> Box<dyn StreamDecoder> {
        Box::<Verse>::default()
    }

    fn decode_error(&self, status: u16, body: &[u8]) -> Error {
        let body = String::from_utf8_lossy(body);
        Error::new(K::Api, format!("{status} in verse: {body}"))
    }
}

/// Reads one poem.
#[derive(Default)]
struct Verse {
    head: ReplyHead,
    has_word: bool,
}

impl StreamDecoder for Verse {
    fn event(&mut self, name: &[u8], data: &[u8], out: &mut Vec<ChunkKind>) -> Result<Step, Error> {
        assert!(name.is_empty());
        let said: Value = serde_json::from_slice(data)
            .map_err(|error| Error::new(K::Decode, format!("no verse: {error}")))?;
        if let Some(error) = said["error"].as_str() {
            return Err(Error::new(K::RateLimit, error.to_owned()));
        }
        self.head.model = said["poet"]
            .as_str()
            .map(str::to_owned)
            .or(self.head.model.take());
        let mut extra = Extra::default();
        if said["verse"].is_u64() {
            // Neighbours without keys of their own would be joined at the end of the reply.
            extra.push("stanza", &RawJson::read("{}").unwrap());
        }
        let mut delta = Box::new(Delta {
            extra,
            part: said["verse"]
                .as_u64()
                .map(|number| u32::try_from(number).unwrap()),
            text: said["text"].as_str().unwrap_or_default().into(),
            ..Delta::default()
        });
        if let Some(word) = said["word"].as_str() {
            self.has_word = true;
            delta.finish_reason = Some(FinishReason::Stop);
            delta.provider_finish_reason = Some(word.to_owned());
        }
        if let Some(letters) = said["letters"].as_u64() {
            let usage = Usage {
                completion_tokens: Some(letters),
                ..Usage::default()
            };
            delta.usage = Some(Box::new(usage));
        }
        out.push(ChunkKind::Delta(delta));
        // More may follow the last word: the end of the body ends the poem.
        Ok(Step::Continue)
    }

    fn stray_field(&mut self, _: &[u8], _: &[u8]) -> Result<(), Error> {
        Ok(())
    }

    fn missing(&self) -> Option<String> {
        (!self.has_word).then(|| "no last word arrived".to_owned())
    }

    fn failure(&self) -> Option<&Error> {
        None
    }

    fn head(&self) -> &ReplyHead {
        &self.head
    }
}
