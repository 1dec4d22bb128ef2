//! Tests of requests in the form of Gemini.

mod calls;
mod contents;
mod media;
mod parameters;
mod schemas;
mod sent_back;
mod tools;

use serde_json::{Value, json};

use crate::error::{Error, ErrorKind};
use crate::request::Request;
use crate::wire::{Encoded, dialect, providers};

fn encoded(provider: &str, request: &Value) -> Result<(Value, Encoded), Error> {
    let text = request.to_string();
    let request: Request<'_> = serde_json::from_str(&text).unwrap();
    let provider = providers::find(provider).unwrap();
    let encoded = dialect("gemini").unwrap().encode(&request, &provider)?;
    let body = serde_json::from_slice(&encoded.body).unwrap();
    Ok((body, encoded))
}

/// The body of a request to Google.
fn body(request: &Value) -> Value {
    encoded("google", request).unwrap().0
}

/// The contents that messages become, and what is dropped of them.
fn contents(model: &str, messages: &Value) -> (Value, Vec<String>) {
    let (mut body, encoded) =
        encoded("google", &json!({"model": model, "input": messages})).unwrap();
    (body["contents"].take(), encoded.dropped)
}

/// The contents that messages become, if nothing is dropped.
fn whole(messages: &Value) -> Value {
    let (contents, dropped) = contents("gemini-2.5-flash", messages);
    assert_eq!(dropped, [""; 0]);
    contents
}

/// Why a request is refused, with the kind of the error.
fn refused(request: &Value) -> (ErrorKind, String) {
    let error = encoded("google", request).unwrap_err();
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
    part["provider"] = json!("google");
    part["api"] = json!("gemini");
    part
}
