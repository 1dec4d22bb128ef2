//! Tests of requests in the form of Responses.

mod input;
mod parameters;
mod sent_back;
mod statements;

use serde_json::{Value, json};

use crate::error::{Error, ErrorKind};
use crate::request::Request;
use crate::wire::{Encoded, dialect, providers};

fn encoded(provider: &str, request: &Value) -> Result<(Value, Encoded), Error> {
    let text = request.to_string();
    let request: Request<'_> = serde_json::from_str(&text).unwrap();
    let provider = providers::find(provider).unwrap();
    let encoded = dialect("responses").unwrap().encode(&request, &provider)?;
    let body = serde_json::from_slice(&encoded.body).unwrap();
    Ok((body, encoded))
}

/// The body of a request to `OpenAI`.
fn body(request: &Value) -> Value {
    encoded("openai", request).unwrap().0
}

/// The items that messages become, and what is dropped of them.
fn items(messages: &Value) -> (Value, Vec<String>) {
    let request = json!({"model": "gpt-5.6", "input": messages});
    let (mut body, encoded) = encoded("openai", &request).unwrap();
    (body["input"].take(), encoded.dropped)
}

/// The items that messages become, if nothing is dropped.
fn whole(messages: &Value) -> Value {
    let (items, dropped) = items(messages);
    assert_eq!(dropped, [""; 0]);
    items
}

fn refused(request: &Value) -> (ErrorKind, String) {
    let error = encoded("openai", request).unwrap_err();
    (error.kind(), error.message().to_owned())
}

fn user(parts: &Value) -> Value {
    json!([{"role": "user", "parts": parts}])
}

fn assistant(parts: &Value) -> Value {
    json!([{"role": "assistant", "parts": parts}])
}

/// The part as it is noted when it came by this API.
fn sent(mut part: Value) -> Value {
    part["provider"] = json!("openai");
    part["api"] = json!("responses");
    part
}
