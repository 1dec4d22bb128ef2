//! Which requests are Anthropic's, and how one becomes an answer.

use bytes::Bytes;
use serde_json::{Value, json};

use super::content::Content;
use super::message::Message;
use super::question::{Question, streams};
use super::refusal::{error_body, extra, invalid, missing, refusal, wrong};
use super::stream::{END, EventStream};
use crate::http::Request;
use crate::reply::api::{Api, ErrorPlace, Scripted, path};
use crate::reply::body::{Checked, present};
use crate::reply::choice::say;
use crate::reply::plan::Body;
use crate::script::{Asked, ErrorReply};

/// Served under any path prefix, to simulate the servers that copied this API, too.
#[derive(Debug)]
pub(crate) struct Messages;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Endpoint<'r> {
    Reply,
    /// A reply on Vertex, whose path names the model, and says whether it is streamed.
    Vertex {
        model: &'r str,
        streams: bool,
    },
    Count,
    Models,
}

impl<'r> Endpoint<'r> {
    fn of(request: &'r Request) -> Option<Self> {
        let path = path(request);
        match request.method.as_str() {
            "POST" if path.ends_with("/messages") => Some(Self::Reply),
            "POST" if path.ends_with("/messages/count_tokens") => Some(Self::Count),
            "POST" => {
                let (_, last) = path.rsplit_once('/')?;
                match last.rsplit_once(':')? {
                    ("count-tokens", "rawPredict") => Some(Self::Count),
                    (model, "rawPredict") => Some(Self::Vertex {
                        model,
                        streams: false,
                    }),
                    (model, "streamRawPredict") => Some(Self::Vertex {
                        model,
                        streams: true,
                    }),
                    _ => None,
                }
            }
            // Other APIs have a list at the same path.
            "GET" if path.ends_with("/models") && has_version(request) => Some(Self::Models),
            _ => None,
        }
    }

    fn model(self, json: &'r Value) -> Option<&'r str> {
        match self {
            Self::Vertex { model, .. } => Some(model),
            _ => json.get("model").and_then(Value::as_str),
        }
    }
}

fn has_version(request: &Request) -> bool {
    request.header("anthropic-version").is_some()
}

impl Api for Messages {
    fn claims(&self, request: &Request) -> bool {
        Endpoint::of(request).is_some()
    }

    fn key_headers(&self) -> &'static [&'static str] {
        &["x-api-key", "authorization"]
    }

    fn asked<'r>(&self, request: &'r Request, json: &'r Value) -> Asked<'r> {
        let endpoint = Endpoint::of(request);
        let in_path = matches!(endpoint, Some(Endpoint::Vertex { streams: true, .. }));
        Asked {
            model: endpoint.and_then(|endpoint| endpoint.model(json)),
            stream: in_path || streams(json).unwrap_or(false),
        }
    }

    fn answer(
        &self,
        request: &Request,
        json: &Value,
        scripted: &Scripted<'_>,
    ) -> Result<Body, Box<ErrorReply>> {
        let Some(endpoint) = Endpoint::of(request) else {
            return Err(refusal(404, "Not Found"));
        };
        if endpoint == Endpoint::Models {
            return Ok(Body::Whole {
                bytes: model_list(request, scripted).to_string().into(),
                tokens: None,
            });
        }
        match json {
            Value::Object(_) => {}
            Value::Null => return Err(invalid("The request body is not valid JSON.")),
            _ => return Err(wrong("body", "Input should be an object")),
        }
        if scripted.checks.are_own {
            check_version(request, endpoint, json)?;
        }
        let model = endpoint.model(json).filter(|model| !model.is_empty());
        let model = model.ok_or_else(|| missing("model"))?;
        let asked = self.asked(request, json);
        streams(json)?;
        let is_count = endpoint == Endpoint::Count;
        let question = Question::read(json, model, is_count, scripted.checks)?;
        if !scripted.has_model(model) {
            return Err(refusal(404, format!("model: {model}")));
        }
        if is_count {
            let prompts = question.ask.prompts.iter();
            let count: u64 = prompts.map(|prompt| prompt.tokens).sum();
            return Ok(Body::Whole {
                bytes: json!({ "input_tokens": count }).to_string().into(),
                tokens: None,
            });
        }
        reply(&question, asked.stream, scripted)
    }

    fn wrong_key(&self, is_missing: bool) -> Box<ErrorReply> {
        let message = if is_missing {
            "x-api-key header is required"
        } else {
            "invalid x-api-key"
        };
        refusal(401, message)
    }

    fn error_body(&self, error: &ErrorReply, request_id: &str) -> Value {
        error_body(error, request_id)
    }

    fn error_event(&self, named: bool, body: Option<&Value>, place: ErrorPlace<'_>) -> Vec<u8> {
        let error = || {
            let error = ErrorReply::new(500, "Internal server error");
            error_body(&error, place.request_id)
        };
        let body = body.cloned().unwrap_or_else(error);
        let name = if named { "event: error\n" } else { "" };
        format!("{name}data: {body}\n\n").into_bytes()
    }

    fn end_event(&self) -> &'static [u8] {
        END
    }

    fn request_id_header(&self) -> Option<&'static str> {
        Some("request-id")
    }
}

/// The version of the API is in a header. On Vertex it is in the body, and the model in the path.
fn check_version(request: &Request, endpoint: Endpoint<'_>, json: &Value) -> Checked<()> {
    match endpoint {
        Endpoint::Vertex { .. } if present(json, "anthropic_version").is_none() => {
            Err(missing("anthropic_version"))
        }
        Endpoint::Vertex { .. } if present(json, "model").is_some() => Err(extra("model")),
        Endpoint::Reply | Endpoint::Count
            if !has_version(request) && present(json, "anthropic_version").is_none() =>
        {
            Err(wrong("anthropic-version", "header is required"))
        }
        _ => Ok(()),
    }
}

fn reply(
    question: &Question<'_>,
    is_streamed: bool,
    scripted: &Scripted<'_>,
) -> Result<Body, Box<ErrorReply>> {
    let ask = &question.ask;
    let script = &scripted.prepared.reply;
    let mut said = say(ask, scripted.prepared);
    // A message is a single choice.
    let Some(mut choice) = said.choices.pop() else {
        return Err(refusal(500, "There is no choice."));
    };
    let message = Message::new(ask.model, &said, &choice, question.cached, script);
    choice.refusal.clear();
    let content = Content::new(choice, script, said.seed);
    if is_streamed {
        let stream = EventStream::new(content, message, scripted.prepared);
        return Ok(Body::Events(Box::new(stream)));
    }
    Ok(Body::Whole {
        bytes: Bytes::from(message.whole(content.list())),
        tokens: Some(content.choice.content.len),
    })
}

/// A page of the list of models: `limit` of them, after `after_id`.
fn model_list(request: &Request, scripted: &Scripted<'_>) -> Value {
    let limit = request
        .parameter("limit")
        .and_then(|text| text.parse().ok());
    let limit = limit.unwrap_or(20).clamp(1, 1000);
    let ids = scripted.listed_models();
    let after = request.parameter("after_id");
    let start = after.map_or(0, |after| {
        let place = ids.iter().position(|id| *id == after);
        place.map_or(ids.len(), |place| place + 1)
    });
    let page: Vec<&str> = ids.iter().skip(start).take(limit).copied().collect();
    let model = |id: &&str| {
        json!({"type": "model", "id": id, "display_name": id, "created_at": "2023-11-14T22:13:20Z",
               "max_input_tokens": 200_000, "max_tokens": 64_000})
    };
    json!({
        "data": page.iter().map(model).collect::<Vec<_>>(),
        "has_more": start + page.len() < ids.len(),
        "first_id": page.first(),
        "last_id": page.last(),
    })
}
