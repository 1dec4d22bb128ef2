//! Which requests are Google's, and how one becomes an answer.

use serde_json::{Value, json};

use super::fields::get;
use super::parts::Candidate;
use super::question::Question;
use super::refusal::{error_body, invalid, refusal};
use super::response::Response;
use super::stream::{EventStream, Form};
use crate::http::Request;
use crate::reply::api::{Api, ErrorPlace, Scripted, path};
use crate::reply::choice::say;
use crate::reply::plan::Body;
use crate::script::{Asked, ErrorReply};

/// Served under any path prefix, as on Vertex. Streams are SSE.
#[derive(Debug)]
pub(crate) struct Gemini;

/// The streams without `alt=sse`, which are a JSON array.
#[derive(Debug)]
pub(crate) struct GeminiArray;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Endpoint<'r> {
    Reply { model: &'r str, streams: bool },
    Count { model: &'r str },
    Models,
}

impl<'r> Endpoint<'r> {
    fn of(request: &'r Request) -> Option<Self> {
        let path = path(request);
        if request.method == "GET" {
            // Other APIs have a list at the same path.
            let is_google = request.header("x-goog-api-key").is_some()
                || request.parameter("key").is_some()
                || path.contains("/v1beta");
            return (is_google && path.ends_with("/models")).then_some(Self::Models);
        }
        let (model, verb) = path.rsplit_once('/')?.1.rsplit_once(':')?;
        match (request.method.as_str(), verb) {
            ("POST", "generateContent") => Some(Self::Reply {
                model,
                streams: false,
            }),
            ("POST", "streamGenerateContent") => Some(Self::Reply {
                model,
                streams: true,
            }),
            ("POST", "countTokens") => Some(Self::Count { model }),
            _ => None,
        }
    }
}

fn is_array(request: &Request) -> bool {
    let endpoint = Endpoint::of(request);
    matches!(endpoint, Some(Endpoint::Reply { streams: true, .. }))
        && request.parameter("alt") != Some("sse")
}

impl Api for Gemini {
    fn claims(&self, request: &Request) -> bool {
        Endpoint::of(request).is_some() && !is_array(request)
    }

    fn key_headers(&self) -> &'static [&'static str] {
        &["x-goog-api-key", "authorization"]
    }

    fn key<'r>(&self, request: &'r Request) -> Option<&'r str> {
        let mut names = self.key_headers().iter();
        let value = names.find_map(|name| request.header(name));
        let value = value.or_else(|| request.parameter("key"))?;
        Some(value.strip_prefix("Bearer ").unwrap_or(value))
    }

    fn asked<'r>(&self, request: &'r Request, _json: &'r Value) -> Asked<'r> {
        let (model, stream) = match Endpoint::of(request) {
            Some(Endpoint::Reply { model, streams }) => (Some(model), streams),
            Some(Endpoint::Count { model }) => (Some(model), false),
            _ => (None, false),
        };
        Asked { model, stream }
    }

    fn answer(
        &self,
        request: &Request,
        json: &Value,
        scripted: &Scripted<'_>,
    ) -> Result<Body, Box<ErrorReply>> {
        answer(request, json, scripted, Form::Sse)
    }

    fn wrong_key(&self, is_missing: bool) -> Box<ErrorReply> {
        if is_missing {
            return refusal(
                403,
                "Method doesn't allow unregistered callers (callers without established identity). \
                 Please use API Key or other form of API consumer identity to call this API.",
            );
        }
        let message = "API key not valid. Please pass a valid API key.";
        Box::new(ErrorReply {
            code: Some("API_KEY_INVALID".to_owned()),
            ..ErrorReply::new(400, message)
        })
    }

    fn error_body(&self, error: &ErrorReply, _request_id: &str) -> Value {
        error_body(error)
    }

    fn error_event(&self, _named: bool, body: Option<&Value>, place: ErrorPlace<'_>) -> Vec<u8> {
        error_event(body, place, Form::Sse)
    }

    fn end_event(&self) -> &'static [u8] {
        Form::Sse.end()
    }

    fn request_id_header(&self) -> Option<&'static str> {
        None
    }
}

impl Api for GeminiArray {
    fn claims(&self, request: &Request) -> bool {
        is_array(request)
    }

    fn key_headers(&self) -> &'static [&'static str] {
        Gemini.key_headers()
    }

    fn key<'r>(&self, request: &'r Request) -> Option<&'r str> {
        Gemini.key(request)
    }

    fn asked<'r>(&self, request: &'r Request, json: &'r Value) -> Asked<'r> {
        Gemini.asked(request, json)
    }

    fn answer(
        &self,
        request: &Request,
        json: &Value,
        scripted: &Scripted<'_>,
    ) -> Result<Body, Box<ErrorReply>> {
        answer(request, json, scripted, Form::Array)
    }

    fn wrong_key(&self, is_missing: bool) -> Box<ErrorReply> {
        Gemini.wrong_key(is_missing)
    }

    /// An array of one error.
    fn error_body(&self, error: &ErrorReply, _request_id: &str) -> Value {
        json!([error_body(error)])
    }

    fn error_event(&self, _named: bool, body: Option<&Value>, place: ErrorPlace<'_>) -> Vec<u8> {
        error_event(body, place, Form::Array)
    }

    fn end_event(&self) -> &'static [u8] {
        Form::Array.end()
    }

    fn request_id_header(&self) -> Option<&'static str> {
        None
    }
}

fn error_event(body: Option<&Value>, place: ErrorPlace<'_>, form: Form) -> Vec<u8> {
    let error = || error_body(&ErrorReply::new(500, "An internal error has occurred."));
    let body = body.cloned().unwrap_or_else(error).to_string();
    [form.before(place.is_first), body.as_bytes(), form.after()].concat()
}

fn answer(
    request: &Request,
    json: &Value,
    scripted: &Scripted<'_>,
    form: Form,
) -> Result<Body, Box<ErrorReply>> {
    let Some(endpoint) = Endpoint::of(request) else {
        return Err(refusal(404, "Requested entity was not found."));
    };
    let (model, is_count) = match endpoint {
        Endpoint::Models => {
            return Ok(Body::Whole {
                bytes: model_list(request, scripted).to_string().into(),
                tokens: None,
            });
        }
        Endpoint::Reply { model, .. } => (model, false),
        Endpoint::Count { model } => (model, true),
    };
    if !json.is_object() {
        return Err(invalid("Invalid JSON payload received. Unexpected token."));
    }
    if !scripted.has_model(model) {
        return Err(refusal(
            404,
            format!(
                "models/{model} is not found for API version v1beta, or is not supported for \
                 generateContent. Call ModelService.ListModels to see the list of available models \
                 and their supported methods."
            ),
        ));
    }
    let json = get(json, "generateContentRequest")
        .filter(|_| is_count)
        .unwrap_or(json);
    let question = Question::read(json, model, scripted.checks)?;
    if is_count {
        let prompts = question.ask.prompts.iter();
        let count: u64 = prompts.map(|prompt| prompt.tokens).sum();
        return Ok(Body::Whole {
            bytes: json!({ "totalTokens": count }).to_string().into(),
            tokens: None,
        });
    }
    let script = &scripted.prepared.reply;
    let mut said = say(&question.ask, scripted.prepared);
    let tokens = said.tokens();
    let choices = std::mem::take(&mut said.choices).into_iter();
    let candidates: Vec<Candidate> = choices
        .map(|choice| Candidate::new(choice, script, question.model, said.seed))
        .collect();
    let response = Response::new(model, &said, script);
    if matches!(endpoint, Endpoint::Reply { streams: true, .. }) {
        let stream = EventStream::new(form, response, candidates, scripted.prepared);
        return Ok(Body::Events(Box::new(stream)));
    }
    Ok(Body::Whole {
        bytes: response.whole(&candidates).into(),
        tokens: Some(tokens),
    })
}

/// A page of the list of models: `pageSize` of them, from the one that `pageToken` names.
fn model_list(request: &Request, scripted: &Scripted<'_>) -> Value {
    let size = request
        .parameter("pageSize")
        .and_then(|text| text.parse().ok());
    let size = size.unwrap_or(50).clamp(1, 1000);
    let ids = scripted.listed_models();
    let token = request
        .parameter("pageToken")
        .filter(|token| !token.is_empty());
    let start = token.map_or(0, |token| {
        let place = ids.iter().position(|id| *id == token);
        place.unwrap_or(ids.len())
    });
    let model = |id: &&str| {
        json!({"name": format!("models/{id}"), "version": "001", "displayName": id,
               "inputTokenLimit": 1_048_576, "outputTokenLimit": 65_536,
               "supportedGenerationMethods": ["generateContent", "countTokens"]})
    };
    let page = ids.iter().skip(start).take(size).map(model);
    let mut list = json!({ "models": page.collect::<Vec<_>>() });
    if let (Some(next), Value::Object(fields)) = (ids.get(start + size), &mut list) {
        fields.insert("nextPageToken".to_owned(), Value::from(*next));
    }
    list
}
