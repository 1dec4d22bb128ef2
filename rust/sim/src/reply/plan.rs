//! From a request and the script to an answer that is ready to be sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use super::FALLBACK;
use super::api::{Api, Checks, Scripted, api_of};
use super::events::{Events, is_event_stream};
use super::json::text_of;
use crate::http::Request;
use crate::script::{ActiveScript, Chunking, ErrorReply, Fault, Prepared};

const HTML: &str = "<!DOCTYPE html>\n<html><head><title>Gateway</title></head>\
                    <body><h1>Not what you asked for</h1></body></html>\n";

/// A body that is ready to be sent.
#[derive(Debug)]
pub(crate) enum Body {
    /// All bytes at once. `tokens` is the length of a model's reply, which decides how long it
    /// takes. A body that is not a model's reply has none.
    Whole { bytes: Bytes, tokens: Option<u64> },
    /// Events that are made while they are sent.
    Events(Box<dyn Events>),
}

/// An answer that is ready to be sent.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The API whose format it has.
    pub(crate) api: &'static dyn Api,
    /// The id of the request.
    pub(crate) request_id: String,
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Body,
    /// Where a whole body is cut.
    pub(crate) chunking: Chunking,
    /// Its pacing, its framing and its fault.
    pub(crate) prepared: Arc<Prepared>,
}

impl Plan {
    fn new(api: &'static dyn Api, prepared: &Arc<Prepared>, status: u16, bytes: Bytes) -> Self {
        Self {
            api,
            request_id: String::new(),
            status,
            content_type: "application/json",
            headers: BTreeMap::new(),
            body: Body::Whole {
                bytes,
                tokens: None,
            },
            chunking: Chunking::Whole,
            prepared: Arc::clone(prepared),
        }
    }

    fn with_id(self, request_id: String) -> Self {
        Self { request_id, ..self }
    }

    /// An error that comes neither from a script nor from an API.
    pub(crate) fn refusal(error: &ErrorReply) -> Self {
        let id = request_id(0);
        Self::error(FALLBACK, &Arc::default(), error, &id).with_id(id)
    }

    fn error(
        api: &'static dyn Api,
        prepared: &Arc<Prepared>,
        error: &ErrorReply,
        request_id: &str,
    ) -> Self {
        let body = match &error.body {
            Some(body) => text_of(body),
            None => api.error_body(error, request_id).to_string(),
        };
        Self {
            headers: error.headers.clone(),
            ..Self::new(api, prepared, error.status(), body.into())
        }
    }
}

/// The id of a request, by its number.
fn request_id(number: u64) -> String {
    format!("req_sim_{number}")
}

/// Decides the answer to the request of this number. `json` is its body, null if that is not JSON.
/// `decided` is a behaviour that replaces the script's.
pub(crate) fn plan(
    script: &ActiveScript,
    request: &Request,
    number: u64,
    json: &Value,
    decided: Option<Arc<Prepared>>,
) -> Plan {
    let api = api_of(request);
    let id = request_id(number);
    planned(api, script, request, &id, json, decided)
        .unwrap_or_else(|error| Plan::error(api, &Arc::default(), &error, &id))
        .with_id(id)
}

fn planned(
    api: &'static dyn Api,
    script: &ActiveScript,
    request: &Request,
    id: &str,
    json: &Value,
    decided: Option<Arc<Prepared>>,
) -> Result<Plan, Box<ErrorReply>> {
    let key = api.key(request);
    let checks = Checks::of(request, decided.is_some());
    let prepared = match (decided, &script.require_key) {
        (Some(prepared), _) => prepared,
        (None, Some(required)) if key != Some(required) => {
            return Err(api.wrong_key(key.is_none()));
        }
        (None, _) => script.choose(request, &api.asked(request, json)),
    };
    if let Some(plan) = scripted(api, &prepared, id) {
        return Ok(plan);
    }
    let scripted = Scripted {
        prepared: &prepared,
        checks,
        models: script.models.as_deref(),
        stored: &script.stored,
    };
    let body = api.answer(request, json, &scripted)?;
    let mut plan = Plan::new(api, &prepared, 200, Bytes::new());
    if !matches!(body, Body::Whole { tokens: None, .. }) {
        plan.status = prepared.reply.status.unwrap_or(200);
        plan.headers.clone_from(&prepared.reply.headers);
    }
    if let Body::Events(events) = &body {
        plan.content_type = events.content_type();
    }
    plan.body = body;
    Ok(plan)
}

/// The answer that a behaviour gives to any request, if it does.
fn scripted(api: &'static dyn Api, prepared: &Arc<Prepared>, id: &str) -> Option<Plan> {
    let behaviour = &prepared.behaviour;
    let whole = |status, bytes| Plan::new(api, prepared, status, bytes);
    match &behaviour.fault {
        Some(Fault::Redirect { status, location }) => {
            return Some(Plan {
                headers: BTreeMap::from([("location".to_owned(), location.clone())]),
                ..whole(*status, Bytes::new())
            });
        }
        Some(Fault::Html { status }) => {
            return Some(Plan {
                content_type: "text/html; charset=utf-8",
                ..whole(*status, HTML.into())
            });
        }
        _ => {}
    }
    if let Some(error) = &behaviour.error {
        return Some(Plan::error(api, prepared, error, id));
    }
    let (replay, bytes) = behaviour.replay.as_ref().zip(prepared.replay.as_ref())?;
    let mut plan = whole(replay.status.unwrap_or(200), bytes.clone());
    if is_event_stream(bytes) {
        plan.content_type = "text/event-stream";
    }
    plan.headers.clone_from(&replay.headers);
    plan.chunking.clone_from(&replay.chunking);
    Some(plan)
}
