//! Which requests are `OpenAI`'s, and how one becomes an answer.

use serde_json::{Value, json};

use super::error::{
    bad_request, error_body, error_event, model_not_found, unknown_path, wrong_key,
};
use super::question::{Kind, Question};
use super::stream::{END, EventStream};
use super::whole::whole;
use crate::http::Request;
use crate::reply::api::{Answer, Api, Scripted};
use crate::reply::choice::{CREATED, Finish, Said, say};
use crate::reply::hash::derived_id;
use crate::script::ErrorReply;

/// `system_fingerprint` of every reply.
pub(super) const FINGERPRINT: &str = "fp_tokenwire_sim";

/// Under any path prefix, so that the servers that copied this API are simulated, too.
#[derive(Debug)]
pub(crate) struct OpenAi;

enum Endpoint {
    Reply(Kind),
    Models,
}

impl Endpoint {
    fn of(request: &Request) -> Option<Self> {
        match (request.method(), path(request)) {
            ("POST", path) if path.ends_with("/chat/completions") => Some(Self::Reply(Kind::Chat)),
            ("POST", path) if path.ends_with("/completions") => {
                Some(Self::Reply(Kind::Completions))
            }
            ("GET", path) if path.ends_with("/models") => Some(Self::Models),
            _ => None,
        }
    }
}

fn path(request: &Request) -> &str {
    request.path().trim_end_matches('/')
}

impl Api for OpenAi {
    fn claims(&self, request: &Request) -> bool {
        Endpoint::of(request).is_some()
    }

    fn key_headers(&self) -> &'static [&'static str] {
        &["authorization", "api-key"]
    }

    fn answer(
        &self,
        request: &Request,
        json: &Value,
        scripted: &Scripted<'_>,
    ) -> Result<Answer, Box<ErrorReply>> {
        match Endpoint::of(request) {
            Some(Endpoint::Reply(kind)) => reply(kind, json, scripted),
            Some(Endpoint::Models) => Ok(Answer::Page(model_list(scripted))),
            None => Err(unknown_path(request.method(), path(request))),
        }
    }

    fn wrong_key(&self, is_missing: bool) -> Box<ErrorReply> {
        wrong_key(is_missing)
    }

    fn error_body(&self, error: &ErrorReply) -> Vec<u8> {
        error_body(error)
    }

    fn error_event(&self, named: bool, body: Option<&Value>) -> Vec<u8> {
        error_event(named, body)
    }

    fn end_event(&self) -> &'static [u8] {
        END
    }
}

fn reply(kind: Kind, json: &Value, scripted: &Scripted<'_>) -> Result<Answer, Box<ErrorReply>> {
    if json.is_null() {
        return Err(bad_request(
            "",
            "We could not parse the JSON body of your request.",
        ));
    }
    let question = Question::read(kind, json)?;
    if !scripted.has_model(question.ask.model) {
        return Err(model_not_found(question.ask.model));
    }
    let said = say(&question.ask, scripted.prepared);
    Ok(match question.stream {
        Some(options) => {
            let stream = EventStream::new(&question, options, said, scripted);
            Answer::Events(Box::new(stream))
        }
        None => Answer::Whole {
            bytes: whole(&question, &said, scripted.reply),
            tokens: said.tokens(),
        },
    })
}

fn model_list(scripted: &Scripted<'_>) -> Vec<u8> {
    let model =
        |id| json!({"id": id, "object": "model", "created": CREATED, "owned_by": "tokenwire-sim"});
    let data: Vec<Value> = scripted.listed_models().into_iter().map(model).collect();
    json!({"object": "list", "data": data})
        .to_string()
        .into_bytes()
}

/// The id of a reply.
pub(super) fn reply_id(kind: Kind, said: &Said) -> String {
    let prefix = match kind {
        Kind::Chat => "chatcmpl-",
        Kind::Completions => "cmpl-",
    };
    derived_id(prefix, said.seed, 29)
}

/// `finish_reason`.
pub(super) fn finish_reason(finish: &Finish) -> &str {
    match finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
        Finish::Calls => "tool_calls",
        Finish::Scripted(word) => word,
    }
}
