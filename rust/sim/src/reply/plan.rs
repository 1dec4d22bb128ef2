//! From a request and the script to an answer that is ready to be sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use super::FALLBACK;
use super::api::{Answer, Api, Scripted, api_of};
use super::events::Events;
use crate::http::Request;
use crate::script::{Chunking, ErrorReply, Fault, Framing, Reply};
use crate::state::{Active, Prepared};

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
    Events(Box<dyn Events>),
}

/// An answer that is ready to be sent.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The API in whose shape it is.
    pub(crate) api: &'static dyn Api,
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Body,
    pub(crate) framing: Framing,
    /// Its pacing and its fault.
    pub(crate) prepared: Arc<Prepared>,
}

impl Plan {
    fn whole(
        api: &'static dyn Api,
        prepared: Arc<Prepared>,
        status: u16,
        bytes: impl Into<Bytes>,
    ) -> Self {
        Self {
            api,
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

    /// An error outside any script and any API.
    pub(crate) fn refusal(error: &ErrorReply) -> Self {
        Self::error(FALLBACK, Arc::default(), error)
    }

    fn error(api: &'static dyn Api, prepared: Arc<Prepared>, error: &ErrorReply) -> Self {
        let bytes = api.error_body(error);
        let mut plan = Self::whole(api, prepared, error.status, bytes);
        plan.headers.clone_from(&error.headers);
        plan
    }
}

/// Decides the answer to a request. `json` is its body, null when that is not JSON.
pub(crate) fn plan(active: &Active, request: &Request, json: &Value) -> Plan {
    let api = api_of(request);
    if let Some(key) = &active.script.require_key {
        let given = api.key(request);
        if given != Some(key) {
            return Plan::error(api, Arc::default(), &api.wrong_key(given.is_none()));
        }
    }
    let (prepared, by_rule) = active.choose(request, &api.asked(request, json));
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
    let api = api_of(request);
    let behaviour = &prepared.behaviour;
    match &behaviour.fault {
        Some(Fault::Redirect { status, location }) => {
            let mut plan = Plan::whole(api, Arc::clone(prepared), *status, "");
            plan.headers.insert("location".to_owned(), location.clone());
            return plan;
        }
        Some(Fault::Html { status }) => {
            let mut plan = Plan::whole(api, Arc::clone(prepared), *status, HTML);
            plan.content_type = "text/html; charset=utf-8";
            return plan;
        }
        _ => {}
    }
    if let Some(error) = &behaviour.error {
        return Plan::error(api, Arc::clone(prepared), error);
    }
    if let (Some(replay), Some(bytes)) = (&behaviour.replay, &prepared.replay) {
        let mut plan = Plan::whole(api, Arc::clone(prepared), replay.status, bytes.clone());
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
    generated(api, active, request, json, prepared, by_rule)
        .unwrap_or_else(|error| Plan::error(api, Arc::default(), &error))
}

fn generated(
    api: &'static dyn Api,
    active: &Active,
    request: &Request,
    json: &Value,
    prepared: &Arc<Prepared>,
    by_rule: bool,
) -> Result<Plan, Box<ErrorReply>> {
    let default_reply = Reply::default();
    let reply = prepared.behaviour.reply.as_ref().unwrap_or(&default_reply);
    let scripted = Scripted {
        prepared,
        reply,
        models: active.script.models.as_deref(),
        by_rule,
    };
    let answer = api.answer(request, json, &scripted)?;
    let mut plan = Plan::whole(api, Arc::clone(prepared), 200, Bytes::new());
    if !matches!(answer, Answer::Page(_)) {
        plan.status = reply.status;
        plan.headers.clone_from(&reply.headers);
    }
    let whole = |bytes: Vec<u8>, tokens| Body::Whole {
        bytes: bytes.into(),
        chunking: Chunking::Whole,
        tokens,
    };
    plan.body = match answer {
        Answer::Page(bytes) => whole(bytes, 0),
        Answer::Whole { bytes, tokens } => whole(bytes, tokens),
        Answer::Events(events) => {
            plan.content_type = "text/event-stream; charset=utf-8";
            Body::Events(events)
        }
    };
    Ok(plan)
}

const HTML: &str = "<!DOCTYPE html>\n<html><head><title>Gateway</title></head>\
                    <body><h1>Not what you asked for</h1></body></html>\n";
