//! Recognises a provider's own tool that was given to another API.

use super::body::{Fields, invalid};
use super::other_names::plain;
use crate::error::Error;

/// The tools of Gemini: each is a key of a dict that has no type. Source: google-genai, `types.Tool`.
const OF_GEMINI: [&str; 10] = [
    "googleSearch",
    "googleSearchRetrieval",
    "googleMaps",
    "codeExecution",
    "urlContext",
    "fileSearch",
    "computerUse",
    "enterpriseWebSearch",
    "functionDeclarations",
    "mcpServers",
];

/// Types of the tools of Responses. Source: openai-python, `types/responses/tool_param.py`.
const OF_RESPONSES: [&str; 11] = [
    "web_search",
    "web_search_preview",
    "file_search",
    "code_interpreter",
    "image_generation",
    "computer_use_preview",
    "mcp",
    "local_shell",
    "shell",
    "apply_patch",
    "tool_search",
];

/// Refuses a tool of Gemini, at `path` among those that `api` is given.
pub(super) fn refuse_of_gemini(path: &str, tool: &Fields<'_>, api: &str) -> Result<(), Error> {
    let is_known = |key: &str| OF_GEMINI.iter().any(|known| plain(known) == plain(key));
    let keys = tool.iter().map(|(key, _)| &**key);
    let mut keys = keys.filter(|key| *key != "cache");
    let Some(first) = keys.next() else {
        return Ok(());
    };
    if !is_known(first) || !keys.all(is_known) {
        return Ok(());
    }
    Err(invalid(format!(
        "{path}: {first} is a tool of gemini, and {api} has no such tool (extra_body sends a key as it is)"
    )))
}

/// The API that has tools of this type; `None` if it is not known for certain.
pub(super) fn api_of(kind: &str) -> Option<&'static str> {
    // Anthropic's have the date of their version at the end.
    let is_date = |end: &str| end.len() == 8 && end.bytes().all(|byte| byte.is_ascii_digit());
    if kind.rsplit_once('_').is_some_and(|(_, end)| is_date(end)) {
        return Some("messages");
    }
    OF_RESPONSES.contains(&kind).then_some("responses")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::error::ErrorKind;
    use crate::wire::{dialect, providers};

    fn encoded(api: &str, tool: &Value) -> Result<Value, Error> {
        let request =
            json!({"model": "m", "input": "hi", "params": {"tools": [tool], "max_tokens": 5}});
        let text = request.to_string();
        let request = serde_json::from_str(&text).unwrap();
        let provider = providers::find("openrouter").unwrap();
        let encoded = dialect(api).unwrap().encode(&request, &provider)?;
        Ok(serde_json::from_slice(&encoded.body).unwrap())
    }

    #[test]
    fn a_tool_of_gemini_is_refused_by_name_where_it_is_not_known() {
        for api in ["chat", "responses", "messages"] {
            for (tool, name) in [
                (json!({"googleSearch": {}}), "googleSearch"),
                (json!({"google_search": {}, "cache": true}), "google_search"),
                (
                    json!({"urlContext": {}, "codeExecution": {}}),
                    "codeExecution",
                ),
                (
                    json!({"functionDeclarations": [{"name": "f"}]}),
                    "functionDeclarations",
                ),
            ] {
                let error = encoded(api, &tool).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Validation);
                assert_eq!(
                    error.message(),
                    format!(
                        "params.tools[0]: {name} is a tool of gemini, and {api} has no such tool (extra_body sends a key as it is)"
                    )
                );
            }
            // What is not known for certain is sent.
            for tool in [
                json!({"type": "web_search", "googleSearch": {}}),
                json!({"name": "googleSearch", "input_schema": {"type": "object"}}),
                json!({"futureSearch": {}}),
                json!({"type": "function", "function": {"name": "googleSearch"}, "x": 1}),
            ] {
                assert!(encoded(api, &tool).is_ok(), "{api} {tool}");
            }
        }
    }

    #[test]
    fn a_type_of_tool_names_its_api() {
        for (kind, expected) in [
            ("web_search_20260318", Some("messages")),
            ("code_execution_20260521", Some("messages")),
            ("web_search", Some("responses")),
            ("mcp", Some("responses")),
            ("custom", None),
            ("web_search_2026", None),
            ("future", None),
        ] {
            assert_eq!(api_of(kind), expected, "{kind}");
        }
    }
}
