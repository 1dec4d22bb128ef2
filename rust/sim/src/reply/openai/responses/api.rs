//! Which requests are those of Responses, and how one becomes an answer.

use bytes::Bytes;
use serde_json::{Value, json};

use super::items::Items;
use super::object::{Ended, Object, response_id, usage};
use super::question::Question;
use super::stream::EventStream;
use crate::http::Request;
use crate::reply::api::{Api, ErrorPlace, Scripted, path};
use crate::reply::choice::say;
use crate::reply::openai::OpenAi;
use crate::reply::openai::api::{check_body, refusal};
use crate::reply::plan::Body;
use crate::script::ErrorReply;

/// The event after an error, which ends a stream.
const FAILED: &[u8] = b"event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":\
    {\"id\":\"resp_sim\",\"object\":\"response\",\"status\":\"failed\",\"error\":{\"code\":\
    \"server_error\",\"message\":\"The server had an error while processing your request.\"},\
    \"incomplete_details\":null,\"output\":[],\"usage\":null}}\n\n";

/// Served under any path prefix. Its errors are those of the other APIs of `OpenAI`.
#[derive(Debug)]
pub(crate) struct Responses;

impl Api for Responses {
    fn claims(&self, request: &Request) -> bool {
        match request.method.as_str() {
            "POST" => path(request).ends_with("/responses"),
            "GET" => asked_again(request).is_some(),
            _ => false,
        }
    }

    fn key_headers(&self) -> &'static [&'static str] {
        OpenAi.key_headers()
    }

    fn answer(
        &self,
        request: &Request,
        json: &Value,
        scripted: &Scripted<'_>,
    ) -> Result<Body, Box<ErrorReply>> {
        if let Some(id) = asked_again(request) {
            return stored(id, scripted);
        }
        check_body(json)?;
        let question = Question::read(json, scripted.checks)?;
        let model = question.ask.model;
        if !scripted.has_model(model) {
            let message = format!("The requested model '{model}' does not exist.");
            return Err(refusal(
                400,
                &message,
                Some("model"),
                Some("model_not_found"),
            ));
        }
        let reply = &scripted.prepared.reply;
        let mut said = say(&question.ask, scripted.prepared);
        let mut object = Object::new(&question, &said, reply, json);
        // A response is a single choice.
        let Some(choice) = said.choices.pop() else {
            return Err(Box::new(ErrorReply::new(500, "There is no choice.")));
        };
        let finish = choice.finish.clone();
        let is_cut = Ended::of(&finish).is_cut();
        let items = Items::new(&question, &said, choice, reply, is_cut);
        if let Some(options) = question.stream {
            let stream =
                EventStream::new(&question, options, &said, object, items, scripted.prepared);
            return Ok(Body::Events(Box::new(stream)));
        }
        let queued = question.is_background.then(|| object.json());
        object.end(&finish, items.list(), usage(&said));
        let done = Bytes::from(object.json());
        if question.is_stored {
            scripted.stored.keep(&response_id(&said), &done);
        }
        // What is queued does not wait for its tokens.
        let tokens = if queued.is_some() {
            0
        } else {
            items.choice.content.len
        };
        Ok(Body::Whole {
            bytes: queued.map_or(done, Bytes::from),
            tokens: Some(tokens),
        })
    }

    fn wrong_key(&self, is_missing: bool) -> Box<ErrorReply> {
        OpenAi.wrong_key(is_missing)
    }

    fn error_body(&self, error: &ErrorReply, request_id: &str) -> Value {
        OpenAi.error_body(error, request_id)
    }

    fn error_event(&self, named: bool, body: Option<&Value>, _place: ErrorPlace<'_>) -> Vec<u8> {
        let message = "The server had an error while processing your request.";
        let error = json!({"type": "server_error", "code": "server_error", "message": message,
                           "param": null});
        let body = body.map_or_else(
            || format!("{{\"type\":\"error\",\"error\":{error}}}"),
            ToString::to_string,
        );
        let name = if named { "event: error\n" } else { "" };
        format!("{name}data: {body}\n\n").into_bytes()
    }

    fn end_event(&self) -> &'static [u8] {
        FAILED
    }
}

/// The id of the response that a GET asks for.
fn asked_again(request: &Request) -> Option<&str> {
    let (before, id) = path(request).rsplit_once('/')?;
    (request.method == "GET" && before.ends_with("/responses")).then_some(id)
}

fn stored(id: &str, scripted: &Scripted<'_>) -> Result<Body, Box<ErrorReply>> {
    let message = format!("Response with id '{id}' not found.");
    let bytes = scripted.stored.find(id);
    Ok(Body::Whole {
        bytes: bytes.ok_or_else(|| refusal(404, &message, None, None))?,
        tokens: Some(0),
    })
}
