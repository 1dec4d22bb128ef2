//! What each provider gets back of the reasoning in its replies, by its model.

use serde_json::{Value, json};

use crate::request::Request;
use crate::wire::{Needed, Provider, ReasoningBack, dialect, providers};

/// The body of a request with this message, and what was left out of it.
fn body_by(provider: &Provider, model: &str, message: &Value) -> (String, Vec<String>) {
    let text = json!({"model": model, "input": [message]}).to_string();
    let request: Request<'_> = serde_json::from_str(&text).unwrap();
    let chat = dialect("chat").unwrap();
    let encoded = chat.encode(&request, provider).unwrap();
    (String::from_utf8(encoded.body).unwrap(), encoded.dropped)
}

/// The message as it is sent, and what was left out of it.
fn sent_by(provider: &Provider, model: &str, message: &Value) -> (Value, Vec<String>) {
    let (body, dropped) = body_by(provider, model, message);
    let body: Value = serde_json::from_str(&body).unwrap();
    (body["messages"][0].clone(), dropped)
}

fn sent(provider: &str, model: &str, message: &Value) -> (Value, Vec<String>) {
    sent_by(&providers::find(provider).unwrap(), model, message)
}

/// A reply with reasoning in `field`, as `provider` sent it.
fn reply(provider: &str, field: &str, calls_tools: bool) -> Value {
    let mut parts = vec![
        json!({"type": "reasoning", "text": "hm", "field": field, "provider": provider}),
        json!({"type": "text", "text": "a"}),
    ];
    if calls_tools {
        parts.push(json!({"type": "tool_call", "id": "c", "name": "f", "arguments": "{}"}));
    }
    json!({"role": "assistant", "parts": parts})
}

/// A reply that another provider sent, so that nothing of its reasoning goes back.
fn foreign(calls_tools: bool) -> Value {
    reply("openrouter", "reasoning", calls_tools)
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn a_reply_goes_back_to_its_provider_with_the_reasoning_that_this_takes() {
    let field = Some;
    for (provider, model, came_in, goes_in) in [
        ("openai", "gpt-5", "reasoning_content", None),
        ("azure", "my-deployment", "reasoning_content", None),
        ("perplexity", "sonar-reasoning", "reasoning_content", None),
        ("writer", "palmyra", "reasoning_content", None),
        // In one field, whatever it came in, and only for models that reason.
        (
            "groq",
            "openai/gpt-oss-120b",
            "reasoning",
            field("reasoning"),
        ),
        (
            "groq",
            "qwen/qwen3-32b",
            "reasoning_content",
            field("reasoning"),
        ),
        ("groq", "llama-3.3-70b-versatile", "reasoning", None),
        ("groq", "moonshotai/kimi-k2-instruct", "reasoning", None),
        ("cerebras", "zai-glm-4.7", "reasoning", field("reasoning")),
        (
            "cerebras",
            "qwen-3-235b-a22b-thinking-2507",
            "reasoning",
            field("reasoning"),
        ),
        (
            "cerebras",
            "qwen-3-235b-a22b-instruct-2507",
            "reasoning",
            None,
        ),
        ("cerebras", "llama3.1-8b", "reasoning", None),
        (
            "deepseek",
            "deepseek-v4-pro",
            "reasoning_content",
            field("reasoning_content"),
        ),
        ("deepseek", "alias", "reasoning", field("reasoning_content")),
        (
            "moonshot",
            "kimi-k2.5",
            "reasoning_content",
            field("reasoning_content"),
        ),
        (
            "zai",
            "glm-5",
            "reasoning_content",
            field("reasoning_content"),
        ),
        (
            "fireworks",
            "accounts/fireworks/models/x",
            "reasoning_content",
            field("reasoning_content"),
        ),
        // As it came.
        (
            "xai",
            "grok-4",
            "reasoning_content",
            field("reasoning_content"),
        ),
        (
            "alibaba",
            "qwen3-max",
            "reasoning_content",
            field("reasoning_content"),
        ),
        ("openrouter", "x/y", "reasoning", field("reasoning")),
        ("together", "x", "reasoning", field("reasoning")),
        (
            "huggingface",
            "x",
            "reasoning_content",
            field("reasoning_content"),
        ),
        ("vllm", "x", "reasoning", field("reasoning")),
        (
            "sglang",
            "x",
            "reasoning_content",
            field("reasoning_content"),
        ),
        ("ollama", "x", "reasoning", field("reasoning")),
        (
            "llamacpp",
            "x",
            "reasoning_content",
            field("reasoning_content"),
        ),
        ("lmstudio", "x", "reasoning", field("reasoning")),
        (
            "openai-compatible",
            "x",
            "reasoning_text",
            field("reasoning_text"),
        ),
        // A gateway at the address of OpenAI, with a model that needs it.
        (
            "openai",
            "deepseek-v4-pro",
            "reasoning_content",
            field("reasoning_content"),
        ),
        (
            "openai",
            "moonshotai/Kimi-K2.5",
            "reasoning",
            field("reasoning"),
        ),
        (
            "azure",
            "DeepSeek-V4",
            "reasoning_content",
            field("reasoning_content"),
        ),
    ] {
        for calls_tools in [false, true] {
            let (message, dropped) = sent(provider, model, &reply(provider, came_in, calls_tools));
            let mut expected = json!({"role": "assistant", "content": "a"});
            if let Some(name) = goes_in {
                expected[name] = json!("hm");
            }
            if calls_tools {
                expected["tool_calls"] = message["tool_calls"].clone();
            }
            assert_eq!(message, expected, "{provider} {model}");
            let left_out: &[&str] = if goes_in.is_some() {
                &[]
            } else {
                &["messages[0].parts[0]"]
            };
            assert_eq!(dropped, left_out, "{provider} {model}");
        }
    }
}

#[test]
fn a_message_without_reasoning_has_an_empty_text_where_the_provider_needs_one() {
    for (provider, model, plain, with_calls) in [
        ("deepseek", "deepseek-v4-pro", true, true),
        ("moonshot", "kimi-k2.5", false, true),
        (
            "fireworks",
            "accounts/fireworks/models/deepseek-v4",
            true,
            true,
        ),
        (
            "fireworks",
            "accounts/fireworks/models/kimi-k2",
            false,
            true,
        ),
        ("fireworks", "accounts/fireworks/models/x", false, false),
        ("zai", "glm-5", false, false),
        ("groq", "openai/gpt-oss-120b", false, false),
        ("openrouter", "deepseek/deepseek-v4", false, false),
        ("openai-compatible", "deepseek-v4", false, false),
    ] {
        for (calls_tools, needed) in [(false, plain), (true, with_calls)] {
            // The same for a reply of another provider, and for a message of the caller.
            let mut given = json!({"role": "assistant", "content": "a"});
            if calls_tools {
                given["tool_calls"] = json!([{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]);
            }
            let foreign = match provider {
                "openrouter" => reply("zai", "reasoning_content", calls_tools),
                _ => foreign(calls_tools),
            };
            for message in [foreign, given] {
                let (message, _) = sent(provider, model, &message);
                let expected = needed.then(|| json!(""));
                assert_eq!(
                    message.get("reasoning_content"),
                    expected.as_ref(),
                    "{provider} {message}"
                );
                assert_eq!(message.get("reasoning"), None);
            }
        }
    }
    // The model goes on with this message, and would take the empty text for its thought.
    let begun = json!({"role": "assistant", "content": "a", "prefix": true});
    assert_eq!(sent("deepseek", "deepseek-v4-pro", &begun), (begun, vec![]));
    let begun =
        json!({"role": "assistant", "prefix": true, "parts": [{"type": "text", "text": "a"}]});
    let (message, _) = sent("deepseek", "deepseek-v4-pro", &begun);
    assert_eq!(message.get("reasoning_content"), None);
    // Only the messages of the model have reasoning.
    let user = json!({"role": "user", "content": "a"});
    assert_eq!(sent("deepseek", "deepseek-v4-pro", &user), (user, vec![]));
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn reasoning_in_a_message_of_the_caller_has_the_name_that_the_provider_takes() {
    let both =
        json!({"role": "assistant", "reasoning": "hm", "content": "a", "reasoning_content": "hm"});
    let with = |name: &str| json!({"role": "assistant", "content": "a", name: "hm"});
    let without = json!({"role": "assistant", "content": "a"});
    for (provider, model, given, expected, dropped) in [
        (
            "groq",
            "openai/gpt-oss-120b",
            with("reasoning_content"),
            with("reasoning"),
            None,
        ),
        (
            "groq",
            "openai/gpt-oss-120b",
            with("reasoning"),
            with("reasoning"),
            None,
        ),
        (
            "groq",
            "openai/gpt-oss-120b",
            both.clone(),
            with("reasoning"),
            None,
        ),
        (
            "groq",
            "llama-3.3-70b-versatile",
            with("reasoning"),
            without.clone(),
            Some("reasoning"),
        ),
        (
            "cerebras",
            "llama3.1-8b",
            with("reasoning_content"),
            without.clone(),
            Some("reasoning_content"),
        ),
        (
            "cerebras",
            "gpt-oss-120b",
            with("reasoning_text"),
            with("reasoning"),
            None,
        ),
        (
            "deepseek",
            "deepseek-v4-pro",
            with("reasoning"),
            with("reasoning_content"),
            None,
        ),
        (
            "moonshot",
            "kimi-k2.5",
            with("reasoning"),
            with("reasoning_content"),
            None,
        ),
        (
            "mistral",
            "magistral",
            with("reasoning_content"),
            without.clone(),
            Some("reasoning_content"),
        ),
        (
            "openai",
            "gpt-5",
            with("reasoning_content"),
            without.clone(),
            Some("reasoning_content"),
        ),
        (
            "openai",
            "deepseek-v4-pro",
            with("reasoning_content"),
            with("reasoning_content"),
            None,
        ),
        (
            "openrouter",
            "x/y",
            with("reasoning_content"),
            with("reasoning_content"),
            None,
        ),
        ("openai-compatible", "x", both.clone(), both.clone(), None),
        (
            "vllm",
            "x",
            with("reasoning_content"),
            with("reasoning_content"),
            None,
        ),
    ] {
        let (message, left_out) = sent(provider, model, &given);
        assert_eq!(message, expected, "{provider} {given}");
        let dropped: Vec<String> = dropped
            .map(|key| format!("messages[0].{key}"))
            .into_iter()
            .collect();
        assert_eq!(left_out, dropped, "{provider} {given}");
    }
    // Empty values are left out without a word, and texts that differ are not.
    let dumped = json!({"role": "assistant", "content": "a", "reasoning": "b", "reasoning_content": null, "reasoning_details": [{"text": "b"}]});
    let (message, left_out) = sent("groq", "openai/gpt-oss-120b", &dumped);
    assert_eq!(
        message,
        json!({"role": "assistant", "content": "a", "reasoning": "b"})
    );
    assert_eq!(left_out, ["messages[0].reasoning_details"]);
    // The same where it is beside parts.
    let beside = json!({"role": "assistant", "parts": [{"type": "text", "text": "a"}], "reasoning_content": "hm", "x": 1});
    let (message, left_out) = sent("groq", "openai/gpt-oss-120b", &beside);
    assert_eq!(
        message,
        json!({"role": "assistant", "content": "a", "reasoning": "hm", "x": 1})
    );
    assert!(left_out.is_empty());
    let (message, left_out) = sent("openai", "gpt-5", &beside);
    assert_eq!(
        message,
        json!({"role": "assistant", "content": "a", "x": 1})
    );
    assert_eq!(left_out, ["messages[0].reasoning_content"]);
    let (message, _) = sent("vllm", "x", &beside);
    assert_eq!(
        message,
        json!({"role": "assistant", "content": "a", "reasoning_content": "hm", "x": 1})
    );
    // A user may have a field of this name.
    let user = json!({"role": "user", "content": "a", "reasoning": "x"});
    assert_eq!(
        sent("groq", "llama-3.3-70b-versatile", &user),
        (user, vec![])
    );
}

#[test]
fn a_model_that_is_not_known_to_reason_gets_its_own_reasoning() {
    for (provider, asked, is_sent) in [
        ("groq", "new", true),
        ("groq", "newer", false),
        ("cerebras", "new", true),
    ] {
        let parts = json!([{"type": "reasoning", "text": "hm", "field": "reasoning", "provider": provider, "model": "new"}]);
        let (message, dropped) = sent(
            provider,
            asked,
            &json!({"role": "assistant", "parts": parts}),
        );
        assert_eq!(
            message.get("reasoning"),
            is_sent.then(|| json!("hm")).as_ref(),
            "{asked}"
        );
        assert_eq!(dropped.is_empty(), is_sent, "{asked}");
        assert_eq!(message.get("model"), None);
    }
}

#[test]
fn a_row_of_the_caller_says_what_goes_back() {
    let row = |word: &str| Provider {
        name: "acme".into(),
        reasoning_back: ReasoningBack::named(word.to_owned()),
        ..(*providers::find("openai-compatible").unwrap()).clone()
    };
    for (word, goes_in) in [
        ("never", None),
        ("as_sent", Some("reasoning_content")),
        ("blocks", None),
        ("thoughts", Some("thoughts")),
    ] {
        let row = row(word);
        assert_eq!(row.reasoning_back.word(), word);
        let (message, _) = sent_by(&row, "x", &reply("acme", "reasoning_content", false));
        let mut expected = json!({"role": "assistant", "content": "a"});
        if let Some(name) = goes_in {
            expected[name] = json!("hm");
        }
        assert_eq!(message, expected, "{word}");
    }
    let given = json!({"role": "assistant", "content": "a", "reasoning": "hm"});
    let (message, _) = sent_by(&row("thoughts"), "x", &given);
    assert_eq!(
        message,
        json!({"role": "assistant", "content": "a", "thoughts": "hm"})
    );
    // Its own field is there once.
    let given = json!({"role": "assistant", "thoughts": "hm", "content": "a", "reasoning": null});
    let body = body_by(&row("thoughts"), "x", &given).0;
    assert_eq!(body.matches("thoughts").count(), 1, "{body}");
    let field = ReasoningBack::named("thoughts".to_owned());
    assert!(matches!(
        field,
        ReasoningBack::Field {
            needed: Needed::No,
            ..
        }
    ));
}

#[test]
fn thinking_blocks_in_a_message_of_the_caller_become_the_field_that_the_provider_takes() {
    let mistral = json!({"type": "thinking", "thinking": [{"type": "text", "text": "h"}, {"type": "reference"}, {"type": "text", "text": "m"}], "closed": true});
    let anthropic = json!({"type": "thinking", "thinking": "hm", "signature": "s"});
    let redacted = json!({"type": "redacted_thinking", "data": "x"});
    let text = json!({"type": "text", "text": "a"});
    let own = json!({"type": "text", "text": "a", "cache_control": {}});
    let calls =
        json!([{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]);
    let given = |content: Value| json!({"role": "assistant", "content": content});
    for (provider, content, expected, field, dropped) in [
        (
            "deepseek",
            json!([mistral, text]),
            json!("a"),
            Some("reasoning_content"),
            vec![],
        ),
        (
            "fireworks",
            json!([anthropic, own]),
            json!([own]),
            Some("reasoning_content"),
            vec![],
        ),
        (
            "deepseek",
            json!([redacted, mistral, text, text]),
            json!([text, text]),
            Some("reasoning_content"),
            vec![],
        ),
        (
            "openai",
            json!([mistral, text]),
            json!("a"),
            None,
            vec!["messages[0].content[0]"],
        ),
        (
            "openai",
            json!([text, mistral, redacted]),
            json!("a"),
            None,
            vec!["messages[0].content[1]", "messages[0].content[2]"],
        ),
        (
            "openai",
            json!([mistral]),
            json!(""),
            None,
            vec!["messages[0].content[0]"],
        ),
        // These take them.
        (
            "mistral",
            json!([mistral, text]),
            json!([mistral, text]),
            None,
            vec![],
        ),
        (
            "vllm",
            json!([mistral, text]),
            json!([mistral, text]),
            None,
            vec![],
        ),
        // The word is in a text.
        (
            "openai",
            json!([{"type": "text", "text": "\"thinking\""}]),
            json!([{"type": "text", "text": "\"thinking\""}]),
            None,
            vec![],
        ),
    ] {
        let (message, lost) = sent(provider, "m", &given(content.clone()));
        let mut wanted = given(expected);
        if let Some(field) = field {
            wanted[field] = json!("hm");
        }
        assert_eq!(message, wanted, "{provider} {content}");
        assert_eq!(lost, dropped, "{provider} {content}");
    }
    let mut calling = given(json!([mistral]));
    calling["tool_calls"] = calls.clone();
    let (message, _) = sent("moonshot", "kimi-k2.5", &calling);
    assert_eq!(
        message,
        json!({"role": "assistant", "content": null, "tool_calls": calls, "reasoning_content": "hm"})
    );
    // Both spellings of the same text: the field is sent, and the blocks are named as lost.
    let mut both = given(json!([mistral, text]));
    both["reasoning_content"] = json!("field");
    let (message, lost) = sent("deepseek", "m", &both);
    assert_eq!(
        (&message["reasoning_content"], lost),
        (&json!("field"), vec!["messages[0].content[0]".to_owned()])
    );
    let user = json!({"role": "user", "content": [anthropic, text]});
    assert_eq!(sent("openai", "m", &user), (user, vec![]));
}
