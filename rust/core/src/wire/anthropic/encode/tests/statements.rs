//! Statements of the API's documentation and of its error messages that no other test here is about.

use serde_json::{Value, json};

use super::{body, encoded, user, whole};

#[test]
fn an_uploaded_file_needs_the_beta_of_the_files_api() {
    let header = ("anthropic-beta".into(), "files-api-2025-04-14".to_owned());
    let own = json!([{"role": "user", "content": [{"type": "document", "source": {"type": "file", "file_id": "file_1"}}]}]);
    let result = json!([{"role": "user", "content": "hi"},
        {"role": "assistant", "parts": [{"type": "tool_call", "id": "c", "name": "f", "arguments": "{}"}]},
        {"role": "tool", "parts": [{"type": "tool_result", "tool_call_id": "c", "content": [{"type": "image", "file_id": "file_1"}]}]}]);
    for messages in [
        user(&json!([{"type": "image", "file_id": "file_1"}])),
        own,
        result,
    ] {
        let request = json!({"model": "claude-opus-4-8", "input": messages});
        assert_eq!(
            encoded("anthropic", &request).unwrap().1.headers,
            std::slice::from_ref(&header)
        );
    }
    let request = json!({"model": "claude-opus-4-8", "input": user(&json!([{"type": "image", "data": "aGk="}]))});
    assert_eq!(encoded("anthropic", &request).unwrap().1.headers, []);
}

#[test]
fn consecutive_messages_of_one_role_stay_apart_because_the_server_joins_them() {
    let messages = json!([{"role": "user", "content": "a"}, {"role": "user", "content": "b"},
                          {"role": "assistant", "content": "c"}, {"role": "assistant", "content": "d"}]);
    assert_eq!(whole(&messages), messages);
}

#[test]
fn max_tokens_0_only_fills_the_cache() {
    let request = json!({"model": "claude-opus-4-8", "input": "hi", "params": {"max_tokens": 0}});
    assert_eq!(body(&request)["max_tokens"], 0);
}

#[test]
fn cache_control_of_the_request_itself_passes() {
    let request = json!({"model": "claude-opus-4-8", "input": "hi", "extra_body": {"cache_control": {"type": "ephemeral"}}});
    assert_eq!(
        body(&request)["cache_control"],
        json!({"type": "ephemeral"})
    );
}

#[test]
fn a_paused_turn_goes_back_as_it_is() {
    let search = json!({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "a"}});
    let parts = json!([super::sent(
        json!({"type": "opaque", "field": "content", "json": search})
    )]);
    let request = json!({"model": "claude-opus-4-8", "input": super::assistant(&parts)});
    assert_eq!(
        body(&request)["messages"][1],
        json!({"role": "assistant", "content": [search]})
    );
}

#[test]
fn a_compaction_goes_back_verbatim_in_its_place() {
    let block = json!({"type": "compaction", "content": "s", "encrypted_content": "e", "signature": "x", "tool_changes": null});
    let parts = json!([super::sent(json!({"type": "opaque", "field": "content", "json": block})), {"type": "text", "text": "a"}]);
    assert_eq!(
        whole(&super::assistant(&parts))[1]["content"],
        json!([block, {"type": "text", "text": "a"}])
    );
}

#[test]
fn every_key_of_a_message_is_checked_even_if_extra_body_replaces_all() {
    let request = json!({"model": "claude-opus-4-8", "input": [{"role": "user", "name": "A", "content": "hi"}], "extra_body": {"messages": []}});
    let (body, encoded) = encoded("anthropic", &request).unwrap();
    assert_eq!((&body["messages"], encoded.dropped), (&json!([]), vec![]));
    let wrong = json!({"model": "m", "input": [{"role": "user", "content": Value::Null}], "extra_body": {"messages": []}});
    assert_eq!(
        super::refused(&wrong).1,
        "messages[0]: it is empty; give some text"
    );
}

#[test]
fn on_vertex_the_model_is_in_the_path_and_the_version_in_the_body() {
    for (model, stream, path) in [
        (
            "claude-opus-4-5@20251101",
            false,
            "claude-opus-4-5@20251101:rawPredict",
        ),
        ("claude-opus-4-5", true, "claude-opus-4-5:streamRawPredict"),
        ("a/../b?c", false, "a%2F..%2Fb%3Fc:rawPredict"),
    ] {
        let request = json!({"model": model, "input": "hi", "stream": stream});
        let (mut body, encoded) = encoded("vertex", &request).unwrap();
        assert_eq!(encoded.path, format!("/publishers/anthropic/models/{path}"));
        assert_eq!(body["anthropic_version"].take(), "vertex-2023-10-16");
        assert_eq!(body.get("model"), None);
        assert_eq!(body.get("stream"), stream.then_some(&json!(true)));
    }
}
