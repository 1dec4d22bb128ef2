//! Which requests are `OpenAI`'s, and how one becomes an answer.

use serde_json::{Value, json};

use super::question::{Kind, Question};
use super::stream::{END, EventStream};
use super::tools::check_reasoning;
use super::whole::whole;
use crate::hash::derived_id;
use crate::http::Request;
use crate::reply::api::{Api, ErrorPlace, Scripted, path};
use crate::reply::choice::{CREATED, Counts, Finish, Said, say};
use crate::reply::plan::Body;
use crate::script::ErrorReply;

/// `system_fingerprint` of every reply.
pub(super) const FINGERPRINT: &str = "fp_tokenwire_sim";

/// The data of an error event without a scripted body.
const SERVER_ERROR: &str = "{\"error\":{\"message\":\"The server had an error while processing \
                            your request.\",\"type\":\"server_error\",\"param\":null,\
                            \"code\":null}}";

/// Served under any path prefix, to simulate the servers that copied this API, too.
#[derive(Debug)]
pub(crate) struct OpenAi;

enum Endpoint {
    Reply(Kind),
    Models,
}

impl Endpoint {
    fn of(request: &Request) -> Option<Self> {
        match (request.method.as_str(), path(request)) {
            ("POST", path) if path.ends_with("/chat/completions") => Some(Self::Reply(Kind::Chat)),
            ("POST", path) if path.ends_with("/completions") => {
                Some(Self::Reply(Kind::Completions))
            }
            ("GET", path) if path.ends_with("/models") => Some(Self::Models),
            _ => None,
        }
    }
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
    ) -> Result<Body, Box<ErrorReply>> {
        match Endpoint::of(request) {
            Some(Endpoint::Reply(kind)) => reply(kind, json, scripted),
            Some(Endpoint::Models) => Ok(Body::Whole {
                bytes: model_list(scripted).to_string().into(),
                tokens: None,
            }),
            None => {
                let message = format!("Invalid URL ({} {})", request.method, path(request));
                Err(refusal(404, &message, None, None))
            }
        }
    }

    fn wrong_key(&self, is_missing: bool) -> Box<ErrorReply> {
        if is_missing {
            refusal(401, "You didn't provide an API key.", None, None)
        } else {
            let code = Some("invalid_api_key");
            refusal(401, "Incorrect API key provided.", None, code)
        }
    }

    fn error_body(&self, error: &ErrorReply, _request_id: &str) -> Value {
        let kind = error.kind.as_deref().unwrap_or(match error.status() {
            401 => "authentication_error",
            403 => "permission_error",
            429 => "rate_limit_error",
            400..=499 => "invalid_request_error",
            _ => "server_error",
        });
        let message = error.message.as_deref();
        let message = message.unwrap_or("The simulator's script asks for this error.");
        json!({"error": {"message": message, "type": kind, "param": error.param,
                         "code": error.code}})
    }

    fn error_event(&self, named: bool, body: Option<&Value>, _place: ErrorPlace<'_>) -> Vec<u8> {
        let body = body.map_or_else(|| SERVER_ERROR.to_owned(), ToString::to_string);
        let name = if named { "event: error\n" } else { "" };
        format!("{name}data: {body}\n\n").into_bytes()
    }

    fn end_event(&self) -> &'static [u8] {
        END
    }
}

/// Refuses a body that is not a JSON object.
pub(super) fn check_body(json: &Value) -> Result<(), Box<ErrorReply>> {
    let message = match json {
        Value::Object(_) => return Ok(()),
        Value::Null => "We could not parse the JSON body of your request.",
        _ => "The body of the request is not a JSON object.",
    };
    Err(refusal(400, message, None, None))
}

fn reply(kind: Kind, json: &Value, scripted: &Scripted<'_>) -> Result<Body, Box<ErrorReply>> {
    check_body(json)?;
    let question = Question::read(kind, json)?;
    let model = question.ask.model;
    if kind == Kind::Chat && scripted.checks.are_own {
        check_reasoning(model, json)?;
    }
    if !scripted.has_model(model) {
        let message =
            format!("The model `{model}` does not exist or you do not have access to it.");
        return Err(refusal(404, &message, None, Some("model_not_found")));
    }
    let said = say(&question.ask, scripted.prepared);
    Ok(match question.stream {
        Some(options) => {
            let stream = EventStream::new(&question, options, said, scripted.prepared);
            Body::Events(Box::new(stream))
        }
        None => Body::Whole {
            bytes: whole(&question, &said, &scripted.prepared.reply).into(),
            tokens: Some(said.tokens()),
        },
    })
}

fn model_list(scripted: &Scripted<'_>) -> Value {
    let model =
        |id| json!({"id": id, "object": "model", "created": CREATED, "owned_by": "tokenwire-sim"});
    let models: Vec<Value> = scripted.listed_models().into_iter().map(model).collect();
    json!({"object": "list", "data": models})
}

/// The id of a reply.
pub(super) fn reply_id(kind: Kind, said: &Said) -> String {
    let prefix = match kind {
        Kind::Chat => "chatcmpl-",
        Kind::Completions => "cmpl-",
    };
    derived_id(prefix, said.seed, 29)
}

/// `finish_reason`. Before there were tools, `legacy`, it was named after functions.
pub(super) fn finish_reason(finish: &Finish, legacy: bool) -> &str {
    match finish {
        Finish::Calls if legacy => "function_call",
        Finish::Stop => "stop",
        Finish::Length => "length",
        Finish::Calls => "tool_calls",
        Finish::Scripted(reason) => reason,
    }
}

/// `usage` of a reply whose script sets none.
pub(super) fn usage(counts: Counts) -> Value {
    json!({
        "prompt_tokens": counts.prompt,
        "completion_tokens": counts.completion,
        "total_tokens": counts.prompt + counts.completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": counts.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}

/// An error of type `invalid_request_error`.
pub(super) fn refusal(
    status: u16,
    message: &str,
    param: Option<&str>,
    code: Option<&str>,
) -> Box<ErrorReply> {
    Box::new(ErrorReply {
        kind: Some("invalid_request_error".to_owned()),
        param: param.map(str::to_owned),
        code: code.map(str::to_owned),
        ..ErrorReply::new(status, message)
    })
}

/// A 400 that names the parameter.
pub(super) fn bad_request(param: &str, message: &str) -> Box<ErrorReply> {
    refusal(400, message, Some(param), None)
}
