use serde_json::{Value, json};

use crate::error::{Error, ErrorKind};
use crate::request::Request;
use crate::wire::{Encoded, dialect, providers};

fn encoded(api: &str, provider: &str, request: &Value) -> Result<(Value, Encoded), Error> {
    let text = request.to_string();
    let request: Request<'_> = serde_json::from_str(&text).unwrap();
    let provider = providers::find(provider).unwrap();
    let encoded = dialect(api).unwrap().encode(&request, &provider)?;
    let body = serde_json::from_slice(&encoded.body).unwrap();
    Ok((body, encoded))
}

fn chat(provider: &str, request: &Value) -> Value {
    encoded("chat", provider, request).unwrap().0
}

fn refused(api: &str, request: &Value) -> (ErrorKind, String) {
    let error = encoded(api, "openai", request).unwrap_err();
    (error.kind(), error.message().to_owned())
}

#[test]
fn nothing_is_sent_that_was_not_set() {
    let (body, encoded) = encoded(
        "chat",
        "openai",
        &json!({"model": "m", "input": "hi", "params": {"stop": null}}),
    )
    .unwrap();
    assert_eq!(
        body,
        json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]})
    );
    assert_eq!(encoded.path, "/chat/completions");
}

#[test]
fn messages_pass_as_they_are_with_the_system_prompt_first() {
    let message = r#"{"role": "user","content":[{"type":"x_new","x":1e400}], "x":1}"#;
    let text = format!(r#"{{"model":"m","system":"s\u00e9","input":[{message}]}}"#);
    let request: Request<'_> = serde_json::from_str(&text).unwrap();
    let provider = providers::find("vllm").unwrap();
    let encoded = dialect("chat")
        .unwrap()
        .encode(&request, &provider)
        .unwrap();
    let expected = format!(
        r#"{{"model":"m","messages":[{{"role":"system","content":"s\u00e9"}},{message}]}}"#
    );
    assert_eq!(String::from_utf8(encoded.body).unwrap(), expected);
}

#[test]
fn parameters_take_the_names_of_the_provider() {
    let params =
        json!({"max_tokens": 5, "seed": 7, "logprobs": 3, "temperature": 0, "stop": ["a"]});
    let request = json!({"model": "m", "input": "hi", "stream": true, "params": params});
    let openai = chat("openai", &request);
    assert_eq!(openai["max_completion_tokens"], 5);
    assert_eq!(openai["seed"], 7);
    assert_eq!(
        (&openai["logprobs"], &openai["top_logprobs"]),
        (&json!(true), &json!(3))
    );
    assert_eq!(openai["stream_options"], json!({"include_usage": true}));
    let mistral = chat("mistral", &request);
    assert_eq!(
        (&mistral["max_tokens"], &mistral["random_seed"]),
        (&json!(5), &json!(7))
    );
    assert_eq!(
        (&mistral["stream"], mistral.get("stream_options")),
        (&json!(true), None)
    );
}

#[test]
fn a_parameter_is_sent_by_the_name_that_it_was_written_with() {
    for provider in [
        "openai",
        "azure",
        "mistral",
        "groq",
        "vllm",
        "openai-compatible",
    ] {
        for api in ["chat", "completions"] {
            let params = json!({"max_completion_tokens": 5, "random_seed": 7});
            let request = json!({"model": "m", "input": "hi", "params": params});
            let (body, _) = encoded(api, provider, &request).unwrap();
            assert_eq!(
                (&body["max_completion_tokens"], &body["random_seed"]),
                (&json!(5), &json!(7)),
                "{provider} {api}"
            );
            assert_eq!((body.get("max_tokens"), body.get("seed")), (None, None));
        }
    }
    let params = json!({"logprobs": true, "top_logprobs": 2});
    let body = chat(
        "openai",
        &json!({"model": "m", "input": "hi", "params": params}),
    );
    assert_eq!(
        (&body["logprobs"], &body["top_logprobs"]),
        (&json!(true), &json!(2))
    );
}

#[test]
fn stream_usage_can_be_left_out() {
    let request = json!({"model": "m", "input": "hi", "stream": true, "stream_usage": false});
    assert_eq!(chat("openai", &request).get("stream_options"), None);
}

#[test]
fn keys_of_extra_body_win() {
    let extra = json!({"messages": [], "top_p": 1, "min_p": 0.1, "model": "other"});
    let request =
        json!({"model": "m", "input": "hi", "params": {"top_p": 0.5, "n": 2}, "extra_body": extra});
    let expected = json!({"messages": [], "top_p": 1, "min_p": 0.1, "model": "other", "n": 2});
    assert_eq!(chat("vllm", &request), expected);
}

#[test]
fn wrong_parameters_are_refused_with_their_path() {
    for (params, kind, part) in [
        (
            json!({"temperature": "hot"}),
            ErrorKind::Validation,
            "params.temperature: it must be a number",
        ),
        (
            json!({"max_tokens": 1.5}),
            ErrorKind::Validation,
            "params.max_tokens",
        ),
        (
            json!({"max_tokens": true}),
            ErrorKind::Validation,
            "params.max_tokens",
        ),
        (json!({"max_tokens": 0}), ErrorKind::Validation, "from 1"),
        (json!({"n": -1}), ErrorKind::Validation, "params.n"),
        (
            json!({"stop": [1]}),
            ErrorKind::Validation,
            "a string or a list of strings",
        ),
        (
            json!({"tools": [1]}),
            ErrorKind::Validation,
            "a list of objects",
        ),
        (
            json!({"logprobs": -1}),
            ErrorKind::Validation,
            "params.logprobs",
        ),
        (
            json!({"temprature": 1}),
            ErrorKind::Config,
            "did you mean temperature?",
        ),
        (
            json!({"max_token": 1}),
            ErrorKind::Config,
            "did you mean max_tokens?",
        ),
        (
            json!({"logprobs": 2, "top_logprobs": 1}),
            ErrorKind::Config,
            "the same parameter",
        ),
        (
            json!({"seed": 2, "random_seed": 1}),
            ErrorKind::Config,
            "the same parameter",
        ),
        (
            json!({"echo": true}),
            ErrorKind::Config,
            "CompletionClient takes it",
        ),
        (json!({"zzz": 1}), ErrorKind::Config, "extra_body"),
        (
            json!({"stream": true}),
            ErrorKind::Config,
            "run(…, stream=True)",
        ),
        (
            json!({"max_tokens": 1, "max_completion_tokens": 1}),
            ErrorKind::Config,
            "the same parameter",
        ),
    ] {
        let (found, message) = refused(
            "chat",
            &json!({"model": "m", "input": "hi", "params": params}),
        );
        assert_eq!(found, kind, "{params}: {message}");
        assert!(message.contains(part), "{params}: {message}");
    }
}

#[test]
fn prompts_of_the_other_client_are_refused_by_name() {
    for (api, input, part) in [
        ("chat", json!(""), "empty"),
        ("chat", json!([]), "at least one message"),
        ("chat", json!([1, 2]), "CompletionClient"),
        ("chat", json!([[1]]), "CompletionClient"),
        ("chat", json!(["a"]), "CompletionClient"),
        ("chat", json!([null]), "messages[0]: it must be an object"),
        ("chat", json!({"role": "user"}), "a list of messages"),
        ("chat", json!([{"content": "hi"}]), "messages[0].role"),
        (
            "completions",
            json!([{"role": "user", "content": "hi"}]),
            "ChatClient",
        ),
        ("completions", json!([]), "empty"),
        ("completions", json!(""), "empty"),
        ("completions", json!([1, "a"]), "prompt[1]"),
        ("completions", json!([1, -1]), "prompt[1]"),
        ("completions", json!([[1], []]), "prompt[1]"),
        ("completions", json!([[1], [2, "a"]]), "prompt[1]"),
        ("completions", json!(7), "prompt"),
    ] {
        let (kind, message) = refused(api, &json!({"model": "m", "input": input}));
        assert_eq!(kind, ErrorKind::Validation, "{input}");
        assert!(message.contains(part), "{input}: {message}");
    }
}

#[test]
fn a_system_prompt_is_in_one_place() {
    for role in ["system", "developer"] {
        let request =
            json!({"model": "m", "system": "s", "input": [{"role": role, "content": "t"}]});
        assert_eq!(refused("chat", &request).0, ErrorKind::Config);
    }
    let request = json!({"model": "m", "system": "s", "input": "hi"});
    assert_eq!(refused("completions", &request).0, ErrorKind::Config);
}

#[test]
fn any_number_of_choices_may_be_asked_for() {
    let request = json!({"model": "m", "input": ["a", "b"], "extra_body": {"n": u64::MAX}});
    let (_, encoded) = encoded("completions", "openai", &request).unwrap();
    assert_eq!(encoded.choices, usize::MAX);
}

#[test]
fn completions_take_every_form_of_prompt() {
    for prompt in [
        json!("a"),
        json!(["a", "b"]),
        json!([1, 2]),
        json!([[1], [2, 3]]),
    ] {
        let params =
            json!({"max_tokens": 1, "logprobs": true, "echo": true, "best_of": 2, "suffix": "s"});
        let request = json!({"model": "m", "input": prompt, "params": params});
        let (body, encoded) = encoded("completions", "openai", &request).unwrap();
        let expected = json!({"model": "m", "prompt": prompt, "max_tokens": 1, "logprobs": 1, "echo": true,
            "best_of": 2, "suffix": "s"});
        assert_eq!((body, &*encoded.path), (expected, "/completions"));
    }
    let request = json!({"model": "m", "input": "a", "params": {"logprobs": 0}});
    assert_eq!(
        encoded("completions", "vllm", &request).unwrap().0["logprobs"],
        0
    );
    let request = json!({"model": "m", "input": "a", "params": {"max_tokens": -1}});
    assert!(
        refused("completions", &request)
            .1
            .contains("a whole number from 0")
    );
    let request = json!({"model": "m", "input": "a", "params": {"logprobs": false}});
    assert_eq!(
        encoded("completions", "vllm", &request)
            .unwrap()
            .0
            .get("logprobs"),
        None
    );
}

#[test]
fn parts_of_a_user_become_content_blocks() {
    let parts = json!([
        {"type": "text", "text": "a\"\n"},
        {"type": "image", "url": "https://x/y.png", "detail": "low"},
        {"type": "image", "data": "AAAA", "media_type": "image/jpeg"},
        {"type": "audio", "data": "BBBB", "format": "wav"},
        {"type": "file", "file_id": "f-1"},
        {"type": "file", "data": "CCCC", "filename": "a.pdf"},
    ]);
    let request = json!({"model": "m", "input": [{"role": "user", "name": "ann", "parts": parts}]});
    let content = json!([
        {"type": "text", "text": "a\"\n"},
        {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,AAAA"}},
        {"type": "input_audio", "input_audio": {"data": "BBBB", "format": "wav"}},
        {"type": "file", "file": {"file_id": "f-1"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,CCCC", "filename": "a.pdf"}},
    ]);
    let expected = json!([{"role": "user", "name": "ann", "content": content}]);
    assert_eq!(chat("openai", &request)["messages"], expected);
}

#[test]
fn a_path_where_a_url_belongs_is_refused() {
    let refused = |message: Value| {
        let request = json!({"model": "m", "input": [{"role": "user", "content": "a"}, message]});
        let error = encoded("chat", "openai", &request).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        let (place, _) = error.message().split_once(": ").unwrap();
        place.strip_prefix("messages[1].").unwrap().to_owned()
    };
    for path in [
        "/local/cat.png",
        "file:///etc/passwd",
        "C:\\cat.png",
        "~/cat.png",
    ] {
        for (block, place) in [
            (
                json!({"type": "image_url", "image_url": {"detail": "low", "url": path}}),
                "image_url.url",
            ),
            (json!({"type": "image_url", "image_url": path}), "image_url"),
            (
                json!({"type": "video_url", "video_url": {"url": path}}),
                "video_url.url",
            ),
            (
                json!({"type": "document_url", "document_url": path}),
                "document_url",
            ),
            (
                json!({"type": "file", "file": {"filename": "a", "file_data": path}}),
                "file.file_data",
            ),
        ] {
            let message =
                json!({"role": "user", "content": [{"type": "text", "text": "a"}, block]});
            assert_eq!(refused(message), format!("content[1].{place}"));
        }
        let part = json!({"role": "user", "parts": [{"type": "image", "url": path}]});
        assert_eq!(refused(part), "parts[0].url");
    }
}

#[test]
fn the_dump_of_a_part_is_refused_in_a_message_that_is_sent_as_it_is() {
    for part in [
        json!({"type": "image", "url": null, "data": "AAAA", "media_type": "image/png"}),
        json!({"type": "tool_call", "id": "1", "name": "f", "arguments": "{}"}),
        json!({"type": "tool_result", "call_id": "1", "content": "x"}),
        json!({"type": "reasoning", "text": "x", "signature": null}),
        json!({"type": "opaque", "provider": "p", "field": "f", "value": 1}),
    ] {
        let message = json!({"role": "user", "content": [{"type": "text", "text": "a"}, part]});
        let request = json!({"model": "m", "input": [message]});
        let error = encoded("chat", "openai", &request).unwrap_err();
        let start = "messages[0].content[1]: it is a part of an LlmMessage; give a tokenwire";
        assert!(error.message().starts_with(start), "{error}");
    }
}

#[test]
fn what_only_looks_like_an_address_is_sent_as_it_is() {
    let message = json!({"role": "user", "content": [
        "a", null, {"type": "text", "text": "see /etc/passwd _url\""}, {"x_url": 4}, {"image_url": {"url": null}},
        {"image_url": {"url": "https://x/../a.png"}}, {"image_url": "gs://bucket/a.png"}, {"file": {"file_id": "/f"}},
        {"image_url": {"url": format!("/9j/{}", "AAAA".repeat(90))}},
        {"type": "image", "source": {"media_type": "image/png", "data": "AAAA"}}, {"type": "text", "arguments": 1},
        {"type": "image", "data": "AAAA", "mimeType": "image/png"}, {"type": "tool_result", "tool_use_id": "1"},
    ]});
    let request = json!({"model": "m", "input": [message.clone()]});
    assert_eq!(chat("openai", &request)["messages"], json!([message]));
}

#[test]
fn unknown_keys_are_sent_with_their_part_and_message() {
    let cached = json!({"type": "ephemeral"});
    let request = json!({"model": "m", "input": [{"role": "user", "prefix": true, "parts": [
        {"type": "text", "text": "a", "cache_control": cached},
        {"type": "image", "url": "https://x/y.png", "cache_control": cached},
    ]}]});
    let expected = json!([{"role": "user", "prefix": true, "content": [
        {"type": "text", "text": "a", "cache_control": cached},
        {"type": "image_url", "image_url": {"url": "https://x/y.png"}, "cache_control": cached},
    ]}]);
    assert_eq!(chat("openrouter", &request)["messages"], expected);
}

#[test]
fn a_tool_loop_becomes_an_assistant_and_tool_messages() {
    let input = json!([
        {"role": "assistant", "parts": [
            {"type": "tool_call", "id": "c1", "name": "f", "arguments": "{\"a\":1}"},
            {"type": "tool_call", "id": null, "name": "g", "arguments": ""},
        ]},
        {"role": "tool", "parts": [
            {"type": "tool_result", "tool_call_id": "c1", "content": "one"},
            {"type": "tool_result", "tool_call_id": null, "name": "g", "content": [{"type": "text", "text": "two"}]},
            {"type": "tool_result", "tool_call_id": "c3", "content": null},
        ]},
    ]);
    let calls = json!([
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}},
        {"type": "function", "function": {"name": "g", "arguments": "{}"}},
    ]);
    let expected = json!([
        {"role": "assistant", "content": null, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "c1", "content": "one"},
        {"role": "tool", "name": "g", "content": "two"},
        {"role": "tool", "tool_call_id": "c3", "content": ""},
    ]);
    assert_eq!(
        chat("openai", &json!({"model": "m", "input": input}))["messages"],
        expected
    );
}

fn assistant(parts: &Value) -> Value {
    json!({"model": "m", "input": [{"role": "assistant", "parts": parts}]})
}

#[test]
fn reasoning_goes_back_only_to_its_provider_and_if_that_takes_it() {
    let parts = json!([
        {"type": "reasoning", "text": "hm", "field": "reasoning", "provider": "openrouter"},
        {"type": "opaque", "field": "reasoning_details", "json": [{"text": "hm"}], "provider": "openrouter"},
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b"},
        {"type": "refusal", "text": "no"},
        {"type": "opaque", "field": "annotations", "json": [1], "provider": "openrouter"},
        {"type": "opaque", "field": "audio", "json": {"id": "au", "data": "x"}, "provider": "openrouter"},
    ]);
    let (body, encoded) = encoded("chat", "openrouter", &assistant(&parts)).unwrap();
    let expected = json!([{"role": "assistant", "content": "ab", "refusal": "no", "reasoning": "hm",
        "reasoning_details": [{"text": "hm"}], "audio": {"id": "au"}}]);
    assert_eq!((&body["messages"], &*encoded.dropped), (&expected, &[][..]));

    let (body, elsewhere) = super::encode::encoded("chat", "groq", &assistant(&parts)).unwrap();
    assert_eq!(
        body["messages"],
        json!([{"role": "assistant", "content": "ab", "refusal": "no"}])
    );
    let paths = [0, 1, 5, 6].map(|at| format!("messages[0].parts[{at}]"));
    assert_eq!(elsewhere.dropped, paths);
}

#[test]
fn reasoning_that_changes_between_two_fields_goes_back_in_each_field_once() {
    let reasoning = |text: &str, field: &str| json!({"type": "reasoning", "text": text, "field": field, "provider": "openrouter"});
    let parts = json!([
        reasoning("a", "reasoning"),
        reasoning("b", "reasoning_content"),
        reasoning("c", "reasoning"),
        reasoning("d", "reasoning_content"),
    ]);
    let (_, encoded) = encoded("chat", "openrouter", &assistant(&parts)).unwrap();
    let body = String::from_utf8(encoded.body).unwrap();
    let message = r#"{"role":"assistant","content":"","reasoning":"ac","reasoning_content":"bd"}"#;
    assert!(body.contains(message), "{body}");
}

#[test]
fn what_is_left_out_is_named_in_the_order_of_the_parts() {
    let thought =
        json!({"type": "reasoning", "text": "hm", "field": "reasoning_content", "provider": "zai"});
    let foreign = json!({"type": "opaque", "field": "x", "json": 1, "provider": "openrouter"});
    let parts = json!([thought, foreign, thought]);
    let (_, plain) = encoded("chat", "deepseek", &assistant(&parts)).unwrap();
    let paths = [0, 1, 2].map(|at| format!("messages[0].parts[{at}]"));
    assert_eq!(plain.dropped, paths);
    // A message of a tool has no place for reasoning.
    let result =
        json!([{"type": "tool_result", "content": [thought, {"type": "text", "text": "a"}]}]);
    let (_, within) = encoded("chat", "deepseek", &assistant(&result)).unwrap();
    assert_eq!(within.dropped, ["messages[0].parts[0].content[0]"]);
}

#[test]
fn nothing_is_left_out_of_messages_that_extra_body_replaces() {
    let mut request = assistant(&json!([{"type": "reasoning", "text": "hm"}]));
    request["extra_body"] = json!({"messages": [{"role": "user", "content": "a"}]});
    let (_, encoded) = encoded("chat", "openai", &request).unwrap();
    assert!(encoded.dropped.is_empty());
}

#[test]
fn mistral_gets_its_blocks_back_in_order() {
    let parts = json!([
        {"type": "reasoning", "text": "hm", "field": "thinking", "signature": "s", "provider": "mistral"},
        {"type": "opaque", "field": "content", "json": {"type": "reference", "reference_ids": [1]}, "provider": "mistral"},
        {"type": "text", "text": "a"},
    ]);
    let content = json!([
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}], "signature": "s"},
        {"type": "reference", "reference_ids": [1]},
        {"type": "text", "text": "a"},
    ]);
    let expected = json!([{"role": "assistant", "content": content}]);
    assert_eq!(chat("mistral", &assistant(&parts))["messages"], expected);
}

#[test]
fn wrong_parts_are_refused_with_their_path() {
    for (parts, part) in [
        (json!([{"type": "text"}]), "messages[0].parts[0].text"),
        (json!([{"text": "x"}]), "messages[0].parts[0].type"),
        (json!([{"type": "video"}]), "no part of type video"),
        (
            json!([{"type": "opaque", "field": "x"}]),
            "messages[0].parts[0].json: it is missing",
        ),
        (
            json!([{"type": "tool_result", "content": {}}]),
            "messages[0].parts[0].content: it must be a string or a list",
        ),
        (
            json!([{"type": "tool_result", "content": [{"type": "video"}]}]),
            "messages[0].parts[0].content[0].type",
        ),
        (json!([{"type": "image"}]), "needs url, or data"),
        (json!("x"), "messages[0].parts: it must be a list"),
        (json!([1]), "messages[0].parts[0]"),
    ] {
        let (kind, message) = refused("chat", &assistant(&parts));
        assert_eq!(kind, ErrorKind::Validation, "{parts}");
        assert!(message.contains(part), "{parts}: {message}");
    }
}

#[test]
fn the_last_of_two_keys_counts() {
    let text = r#"{"model":"m","input":[{"role":"user","parts":[{"type":"text","text":"a","text":"b"}]}]}"#;
    let request: Request<'_> = serde_json::from_str(text).unwrap();
    let provider = providers::find("openai").unwrap();
    let encoded = dialect("chat")
        .unwrap()
        .encode(&request, &provider)
        .unwrap();
    let body: Value = serde_json::from_slice(&encoded.body).unwrap();
    assert_eq!(body["messages"][0]["content"], "b");
}
