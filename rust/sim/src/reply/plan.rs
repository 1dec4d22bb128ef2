//! From a request and the script to an answer that is ready to be sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::choice::say;
use super::openai::ask::{Api, Ask};
use super::openai::error::{bad_request, error_body, model_not_found, unknown_path, wrong_key};
use super::openai::stream::EventStream;
use super::openai::whole::whole;
use crate::http::Request;
use crate::script::{Chunking, ErrorReply, Fault, Framing, Reply};
use crate::state::{Active, Prepared};

/// `created` of every reply, in seconds since 1970: fixed, so that replies are reproducible.
pub(crate) const CREATED: u64 = 1_700_000_000;
/// `system_fingerprint` of every reply.
pub(crate) const FINGERPRINT: &str = "fp_tokenwire_sim";

/// The model name that does not exist.
const MISSING_MODEL: &str = "missing-model";
const JSON: &str = "application/json";

/// A body that is ready to be sent.
#[derive(Debug)]
pub(crate) enum Body {
    /// Bytes, and where to cut them; `tokens` is what they are worth in time.
    Whole {
        bytes: Bytes,
        chunking: Chunking,
        tokens: u64,
    },
    /// Events that are made while they are sent.
    Events(Box<EventStream>),
}

/// An answer that is ready to be sent.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Body,
    pub(crate) framing: Framing,
    /// Its pacing and its fault.
    pub(crate) prepared: Arc<Prepared>,
}

impl Plan {
    fn whole(prepared: Arc<Prepared>, status: u16, bytes: impl Into<Bytes>) -> Self {
        Self {
            status,
            content_type: JSON,
            headers: BTreeMap::new(),
            body: Body::Whole {
                bytes: bytes.into(),
                chunking: Chunking::Whole,
                tokens: 0,
            },
            framing: prepared.behaviour.framing,
            prepared,
        }
    }

    /// An error outside any script.
    pub(crate) fn refusal(error: &ErrorReply) -> Self {
        Self::error(Arc::default(), error)
    }

    fn error(prepared: Arc<Prepared>, error: &ErrorReply) -> Self {
        let bytes = error_body(error);
        let mut plan = Self::whole(prepared, error.status, bytes);
        plan.headers.clone_from(&error.headers);
        plan
    }
}

/// Decides the answer to a request. `json` is its body, null when that is no JSON.
pub(crate) fn plan(active: &Active, request: &Request, json: &Value) -> Plan {
    if let Some(key) = &active.script.require_key {
        let given = request
            .header("authorization")
            .or_else(|| request.header("api-key"));
        if given.map(|value| value.strip_prefix("Bearer ").unwrap_or(value)) != Some(key) {
            return Plan::refusal(&wrong_key(given.is_none()));
        }
    }
    let (prepared, by_rule) = active.choose(request, json);
    plan_for(active, request, json, &prepared, by_rule)
}

/// The answer of a behaviour to a request; `by_rule` where it was chosen for that request.
pub(crate) fn plan_for(
    active: &Active,
    request: &Request,
    json: &Value,
    prepared: &Arc<Prepared>,
    by_rule: bool,
) -> Plan {
    let behaviour = &prepared.behaviour;
    match &behaviour.fault {
        Some(Fault::Redirect { status, location }) => {
            let mut plan = Plan::whole(Arc::clone(prepared), *status, "");
            plan.headers.insert("location".to_owned(), location.clone());
            return plan;
        }
        Some(Fault::Html { status }) => {
            let mut plan = Plan::whole(Arc::clone(prepared), *status, HTML);
            plan.content_type = "text/html; charset=utf-8";
            return plan;
        }
        _ => {}
    }
    if let Some(error) = &behaviour.error {
        return Plan::error(Arc::clone(prepared), error);
    }
    if let (Some(replay), Some(bytes)) = (&behaviour.replay, &prepared.replay) {
        let mut plan = Plan::whole(Arc::clone(prepared), replay.status, bytes.clone());
        plan.headers.clone_from(&replay.headers);
        if [&b"data:"[..], b"event:", b":"]
            .iter()
            .any(|start| bytes.starts_with(start))
        {
            plan.content_type = "text/event-stream";
        }
        let chunking = replay.chunking.clone();
        plan.body = Body::Whole {
            bytes: bytes.clone(),
            chunking,
            tokens: 0,
        };
        return plan;
    }
    generated(active, request, json, prepared, by_rule)
        .unwrap_or_else(|error| Plan::refusal(&error))
}

fn generated(
    active: &Active,
    request: &Request,
    json: &Value,
    prepared: &Arc<Prepared>,
    by_rule: bool,
) -> Result<Plan, Box<ErrorReply>> {
    let models = active.script.models.as_deref();
    let path = request.path().trim_end_matches('/');
    let api = match (request.method(), path) {
        ("POST", path) if path.ends_with("/chat/completions") => Api::Chat,
        ("POST", path) if path.ends_with("/completions") => Api::Completions,
        ("GET", path) if path.ends_with("/models") => {
            return Ok(Plan::whole(Arc::clone(prepared), 200, model_list(models)));
        }
        (method, path) => return Err(unknown_path(method, path)),
    };
    if json.is_null() {
        return Err(bad_request(
            "",
            "We could not parse the JSON body of your request.",
        ));
    }
    let ask = Ask::read(api, json)?;
    let is_known = models.is_none_or(|models| models.iter().any(|model| model == ask.model));
    if !is_known || (ask.model == MISSING_MODEL && !by_rule) {
        return Err(model_not_found(ask.model));
    }
    let default_reply = Reply::default();
    let reply = prepared.behaviour.reply.as_ref().unwrap_or(&default_reply);
    let said = say(&ask, prepared);
    let tokens = said
        .choices
        .iter()
        .map(|choice| choice.content.len())
        .max()
        .unwrap_or(0);
    let mut plan = Plan::whole(Arc::clone(prepared), reply.status, Bytes::new());
    plan.headers.clone_from(&reply.headers);
    if let Some(options) = ask.stream {
        plan.content_type = "text/event-stream; charset=utf-8";
        let stream = EventStream::new(
            &ask,
            options,
            said,
            reply,
            prepared.behaviour.fault.as_ref(),
        );
        plan.body = Body::Events(Box::new(stream));
    } else {
        let bytes = Bytes::from(whole(&ask, &said, reply));
        plan.body = Body::Whole {
            bytes,
            chunking: Chunking::Whole,
            tokens,
        };
    }
    Ok(plan)
}

fn model_list(models: Option<&[String]>) -> Vec<u8> {
    let embedded: [String; 3] = ["chat", "completion", "sim-tools"].map(str::to_owned);
    let model = |id: &String| json!({"id": id, "object": "model", "created": CREATED, "owned_by": "tokenwire-sim"});
    let data: Vec<Value> = models.unwrap_or(&embedded).iter().map(model).collect();
    json!({"object": "list", "data": data})
        .to_string()
        .into_bytes()
}

const HTML: &str = "<!DOCTYPE html>\n<html><head><title>Gateway</title></head>\
                    <body><h1>Not what you asked for</h1></body></html>\n";
