//! Tests of requests in the form of Messages.

mod input;
mod parameters;
mod results;
mod schemas;
mod sent_back;
mod statements;
mod tools;

use serde_json::{Value, json};

use crate::error::{Error, ErrorKind};
use crate::request::Request;
use crate::wire::{Encoded, dialect, providers};

fn encoded(provider: &str, request: &Value) -> Result<(Value, Encoded), Error> {
    let text = request.to_string();
    let request: Request<'_> = serde_json::from_str(&text).unwrap();
    let provider = providers::find(provider).unwrap();
    let encoded = dialect("messages").unwrap().encode(&request, &provider)?;
    let body = serde_json::from_slice(&encoded.body).unwrap();
    Ok((body, encoded))
}

/// The body of a request to Anthropic.
fn body(request: &Value) -> Value {
    encoded("anthropic", request).unwrap().0
}

/// What messages become, and what is dropped of them.
fn written(messages: &Value) -> (Value, Vec<String>) {
    let request = json!({"model": "claude-opus-4-8", "input": messages});
    let (mut body, encoded) = encoded("anthropic", &request).unwrap();
    (body["messages"].take(), encoded.dropped)
}

/// What messages become, if nothing is dropped.
fn whole(messages: &Value) -> Value {
    let (messages, dropped) = written(messages);
    assert_eq!(dropped, [""; 0]);
    messages
}

/// The blocks that the parts of a message of the user become, if nothing is dropped.
fn blocks(parts: &Value) -> Value {
    whole(&user(parts))[0]["content"].take()
}

fn refused(request: &Value) -> (ErrorKind, String) {
    let error = encoded("anthropic", request).unwrap_err();
    (error.kind(), error.message().to_owned())
}

/// Why messages are refused.
fn no_messages(messages: &Value) -> String {
    let (kind, message) = refused(&json!({"model": "claude-opus-4-8", "input": messages}));
    assert!(
        matches!(kind, ErrorKind::Validation | ErrorKind::Config),
        "{kind:?}"
    );
    assert!(!message.contains('\n'), "{message}");
    message
}

/// A request with parameters.
fn asking(model: &str, params: &Value) -> Value {
    json!({"model": model, "input": "hi", "params": params})
}

fn user(parts: &Value) -> Value {
    json!([{"role": "user", "parts": parts}])
}

fn assistant(parts: &Value) -> Value {
    json!([{"role": "user", "content": "hi"}, {"role": "assistant", "parts": parts}])
}

/// The part as it is noted when it came by this API.
fn sent(mut part: Value) -> Value {
    part["provider"] = json!("anthropic");
    part["api"] = json!("messages");
    part
}
