//! The response object: what it repeats of the request, and what becomes of it.

use serde_json::{Map, Value, json};

use super::question::Question;
use crate::hash::derived_id;
use crate::reply::choice::{CREATED, Counts, Finish, Said};
use crate::script::Reply;

/// The fields in their order, with their JSON if neither the request nor the reply says otherwise.
const FIELDS: [(&str, &str); 35] = [
    ("id", "null"),
    ("object", "\"response\""),
    ("created_at", "null"),
    ("status", "null"),
    ("background", "false"),
    ("completed_at", "null"),
    ("error", "null"),
    ("frequency_penalty", "0.0"),
    ("incomplete_details", "null"),
    ("instructions", "null"),
    ("max_output_tokens", "null"),
    ("max_tool_calls", "null"),
    ("model", "null"),
    ("moderation", "null"),
    ("output", "[]"),
    ("parallel_tool_calls", "true"),
    ("presence_penalty", "0.0"),
    ("previous_response_id", "null"),
    ("prompt_cache_key", "null"),
    ("prompt_cache_retention", "null"),
    ("reasoning", "{\"effort\":null,\"summary\":null}"),
    ("safety_identifier", "null"),
    ("service_tier", "\"auto\""),
    ("store", "true"),
    ("temperature", "1.0"),
    (
        "text",
        "{\"format\":{\"type\":\"text\"},\"verbosity\":\"medium\"}",
    ),
    ("tool_choice", "\"auto\""),
    ("tool_usage", "{\"web_search\":{\"num_requests\":0}}"),
    ("tools", "[]"),
    ("top_logprobs", "0"),
    ("top_p", "1.0"),
    ("truncation", "\"disabled\""),
    ("usage", "null"),
    ("user", "null"),
    ("metadata", "{}"),
];

/// The fields that the response repeats from the request.
const REPEATED: [&str; 19] = [
    "background",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "model",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "store",
    "temperature",
    "tool_choice",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
    "metadata",
];

/// A response, field by field.
#[derive(Debug, Clone)]
pub(super) struct Object {
    fields: Vec<(String, String)>,
    /// What the script adds; it wins over all else.
    extra: Map<String, Value>,
}

impl Object {
    /// The response to a request, before anything is said.
    pub(super) fn new(question: &Question<'_>, said: &Said, reply: &Reply, json: &Value) -> Self {
        let field = |(name, text): (&str, &str)| (name.to_owned(), text.to_owned());
        let mut object = Self {
            fields: FIELDS.map(field).into(),
            extra: reply.extra.clone(),
        };
        let asked = |name: &str| json.get(name).filter(|value| !value.is_null());
        for name in REPEATED {
            if let Some(value) = asked(name) {
                object.set(name, value.to_string());
            }
        }
        object.merge("reasoning", asked("reasoning"));
        object.merge("text", asked("text"));
        let tools = question.tools.iter().map(strict);
        object.set("tools", tools.collect::<Value>().to_string());
        let id = Value::from(response_id(said));
        object.set("id", id.to_string());
        object.set("created_at", CREATED.to_string());
        let status = if question.is_background {
            "queued"
        } else {
            "in_progress"
        };
        object.status(status);
        object
    }

    fn set(&mut self, name: &str, value: String) {
        match self.fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => self.fields.push((name.to_owned(), value)),
        }
    }

    /// Adds the keys of an object of the request to the defaults.
    fn merge(&mut self, name: &str, asked: Option<&Value>) {
        let known = self.fields.iter_mut().find(|(known, _)| known == name);
        if let (Some(Value::Object(asked)), Some((_, known))) = (asked, known)
            && let Ok(Value::Object(mut fields)) = serde_json::from_str(known)
        {
            fields.extend(asked.clone());
            *known = Value::Object(fields).to_string();
        }
    }

    pub(super) fn status(&mut self, status: &str) {
        self.set("status", Value::from(status).to_string());
    }

    /// Ends the response. Returns the last word of the event that says so.
    pub(super) fn end(&mut self, finish: &Finish, output: String, usage: Option<Value>) -> Ended {
        let ended = Ended::of(finish);
        self.status(&ended.status);
        self.set("output", output);
        self.set("service_tier", "\"default\"".to_owned());
        if let Some(usage) = usage {
            self.set("usage", usage.to_string());
        }
        if ended.status == "completed" {
            self.set("completed_at", CREATED.to_string());
        }
        if let Some(reason) = &ended.reason {
            let details = json!({ "reason": reason });
            self.set("incomplete_details", details.to_string());
        }
        if ended.status == "failed" {
            let message = "The server had an error while processing your request.";
            let error = json!({"code": "server_error", "message": message});
            self.set("error", error.to_string());
        }
        ended
    }

    /// The JSON of the response.
    pub(super) fn json(&self) -> String {
        let mut parts = Vec::new();
        for (name, value) in &self.fields {
            match self.extra.get(name) {
                Some(value) => parts.push(format!("\"{name}\":{value}")),
                None => parts.push(format!("\"{name}\":{value}")),
            }
        }
        let is_new = |name: &&String| !self.fields.iter().any(|(known, _)| known == *name);
        for name in self.extra.keys().filter(is_new) {
            if let Some(value) = self.extra.get(name) {
                parts.push(format!("{}:{value}", Value::from(name.as_str())));
            }
        }
        format!("{{{}}}", parts.join(","))
    }
}

/// How a response ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: String,
    /// Why it is incomplete.
    reason: Option<String>,
}

impl Ended {
    /// `finish_reason` of a script is a word of chat, a status, or the reason of an incomplete
    /// response.
    pub(super) fn of(finish: &Finish) -> Self {
        let (status, reason) = match finish {
            Finish::Stop | Finish::Calls => ("completed", None),
            Finish::Length => ("incomplete", Some("max_output_tokens")),
            Finish::Scripted(word) => match word.as_str() {
                "stop" | "tool_calls" | "function_call" | "refusal" | "completed" => {
                    ("completed", None)
                }
                "failed" | "cancelled" | "queued" | "in_progress" => (word.as_str(), None),
                "length" => ("incomplete", Some("max_output_tokens")),
                "incomplete" => ("incomplete", None),
                reason => ("incomplete", Some(reason)),
            },
        };
        Self {
            status: status.to_owned(),
            reason: reason.map(str::to_owned),
        }
    }

    /// Whether the last item was cut.
    pub(super) fn is_cut(&self) -> bool {
        self.status == "incomplete"
    }

    /// The name of the event that ends the stream.
    pub(super) fn event(&self) -> &'static str {
        match self.status.as_str() {
            "failed" | "cancelled" => "response.failed",
            "incomplete" => "response.incomplete",
            _ => "response.completed",
        }
    }
}

/// The id of a response.
pub(super) fn response_id(said: &Said) -> String {
    derived_id("resp_", said.seed, 48)
}

/// A tool with `strict`, which the response always has.
fn strict(tool: &Value) -> Value {
    let mut tool = tool.clone();
    if tool.get("type") == Some(&Value::from("function"))
        && let Value::Object(fields) = &mut tool
    {
        fields.entry("strict").or_insert(Value::Bool(true));
    }
    tool
}

/// `usage` of a reply. A script's may have the names of chat.
pub(super) fn usage(said: &Said) -> Option<Value> {
    let Value::Object(usage) = said.usage(counted)? else {
        return None;
    };
    let renamed = usage.into_iter().map(|(name, value)| {
        let name = match name.as_str() {
            "prompt_tokens" => "input_tokens",
            "prompt_tokens_details" => "input_tokens_details",
            "completion_tokens" => "output_tokens",
            "completion_tokens_details" => "output_tokens_details",
            _ => return (name, value),
        };
        (name.to_owned(), value)
    });
    Some(Value::Object(renamed.collect()))
}

fn counted(counts: Counts) -> Value {
    json!({
        "input_tokens": counts.prompt,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": counts.completion,
        "output_tokens_details": {"reasoning_tokens": counts.reasoning},
        "total_tokens": counts.prompt + counts.completion,
    })
}
