//! What the caller writes: texts, media, calls and results, as dicts and as parts.

use serde_json::json;

use super::{assistant, body, items, refused, user, whole};
use crate::error::ErrorKind;

#[test]
fn a_prompt_is_the_input_and_a_system_prompt_the_instructions() {
    let request = json!({"model": "gpt-4.1", "input": "hi", "system": "be brief", "stream": true});
    assert_eq!(
        body(&request),
        json!({"model": "gpt-4.1", "instructions": "be brief", "input": "hi", "store": false, "stream": true})
    );
}

#[test]
fn system_text_among_the_messages_stays_in_its_place() {
    let messages = json!([
        {"role": "user", "content": "a"},
        {"role": "developer", "content": "from now on in French"},
        {"role": "system", "parts": [{"type": "text", "text": "b"}, {"type": "text", "text": "c"}]},
    ]);
    let request = json!({"model": "m", "input": messages, "system": "be brief"});
    let body = body(&request);
    assert_eq!(body["instructions"], "be brief");
    assert_eq!(
        body["input"],
        json!([
            {"role": "user", "content": "a"},
            {"role": "developer", "content": "from now on in French"},
            {"role": "system", "content": [{"type": "input_text", "text": "b"}, {"type": "input_text", "text": "c"}]},
        ])
    );
}

#[test]
fn text_in_both_forms_becomes_the_same_items() {
    let ours = json!([
        {"role": "user", "parts": [{"type": "text", "text": "a"}]},
        {"role": "assistant", "parts": [{"type": "text", "text": "b"}, {"type": "text", "text": "c"}]},
        {"role": "user", "parts": [{"type": "text", "text": "d"}, {"type": "text", "text": "e"}]},
    ]);
    let dicts = json!([
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [{"type": "text", "text": "b"}, {"type": "text", "text": "c"}]},
        {"role": "user", "content": [{"type": "text", "text": "d"}, "e"]},
    ]);
    let expected = json!([
        {"role": "user", "content": "a"},
        {"type": "message", "role": "assistant", "content": [
            {"type": "output_text", "text": "b"}, {"type": "output_text", "text": "c"}]},
        {"role": "user", "content": [{"type": "input_text", "text": "d"}, {"type": "input_text", "text": "e"}]},
    ]);
    assert_eq!(whole(&ours), expected);
    assert_eq!(whole(&dicts), expected);
}

#[test]
fn an_assistants_string_becomes_a_block_which_all_servers_read() {
    let expected = json!([{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "b"}]}]);
    assert_eq!(
        whole(&json!([{"role": "assistant", "content": "b"}])),
        expected
    );
    // The phase is that of the message.
    let message = json!([{"role": "assistant", "content": "b", "phase": "final_answer"}]);
    assert_eq!(whole(&message)[0]["phase"], "final_answer");
}

#[test]
fn items_of_responses_pass_as_they_are() {
    let list = json!([
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"}]},
        {"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "x_new", "x": 1}]},
        {"role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": ""},
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "x"}]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "e"},
        {"type": "reasoning", "encrypted_content": "e", "summary": []},
        {"type": "item_reference", "id": "msg_1"},
        {"type": "additional_tools", "role": "developer", "tools": []},
        {"type": "compaction_trigger"},
        {"type": "message", "role": "assistant", "phase": null, "content": "easy"},
    ]);
    assert_eq!(whole(&list), list);
}

#[test]
fn a_result_answers_the_call_of_a_custom_tool_in_its_form() {
    let list = json!([
        {"type": "custom_tool_call", "call_id": "c0", "name": "g", "input": "i"},
        {"role": "tool", "tool_call_id": "c0", "content": "r"},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "c1", "type": "custom", "custom": {"name": "g", "input": "SELECT"}}]},
        {"role": "tool", "parts": [{"type": "tool_result", "tool_call_id": "c1", "content": "1"}]},
    ]);
    assert_eq!(
        whole(&list),
        json!([
            {"type": "custom_tool_call", "call_id": "c0", "name": "g", "input": "i"},
            {"type": "custom_tool_call_output", "call_id": "c0", "output": "r"},
            {"type": "custom_tool_call", "call_id": "c1", "name": "g", "input": "SELECT"},
            {"type": "custom_tool_call_output", "call_id": "c1", "output": "1"},
        ])
    );
}

#[test]
fn calls_and_results_in_both_forms_become_items() {
    let ours = json!([
        {"role": "assistant", "parts": [
            {"type": "text", "text": "wait"},
            {"type": "tool_call", "id": "c1", "name": "f", "arguments": "{\"a\":1}"},
            {"type": "tool_call", "id": "c2", "name": "g", "arguments": ""}]},
        {"role": "tool", "parts": [{"type": "tool_result", "tool_call_id": "c1", "content": "1", "error": false, "name": "f"}]},
        {"role": "user", "parts": [
            {"type": "text", "text": "go on"},
            {"type": "tool_result", "tool_call_id": "c2", "content": "2", "error": false}]},
    ]);
    let dicts = json!([
        {"role": "assistant", "content": "wait", "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}},
            {"id": "c2", "type": "function", "function": {"name": "g", "arguments": ""}}]},
        {"role": "tool", "tool_call_id": "c1", "name": "f", "content": "1"},
        {"role": "tool", "tool_call_id": "c2", "content": "2"},
        {"role": "user", "content": "go on"},
    ]);
    let expected = json!([
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "wait"}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{\"a\":1}"},
        {"type": "function_call", "call_id": "c2", "name": "g", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "1"},
        {"type": "function_call_output", "call_id": "c2", "output": "2"},
        {"role": "user", "content": "go on"},
    ]);
    assert_eq!(whole(&ours), expected);
    assert_eq!(whole(&dicts), expected);
}

#[test]
fn calls_without_ids_and_their_results_find_each_other() {
    let messages = json!([
        {"role": "assistant", "parts": [
            {"type": "tool_call", "name": "f", "arguments": "{}"}, {"type": "tool_call", "name": "g", "arguments": "{}"}]},
        {"role": "tool", "parts": [
            {"type": "tool_result", "name": "f", "content": "1"}, {"type": "tool_result", "name": "g", "content": "2"}]},
        {"role": "assistant", "content": "", "function_call": {"name": "h", "arguments": "{}"}},
        {"role": "function", "name": "h", "content": "3"},
    ]);
    let items = whole(&messages);
    let ids: Vec<_> = items
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["call_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids[..2], ids[2..4]);
    assert_eq!(ids[4], ids[5]);
    assert!(ids[0] != ids[1] && ids[1] != ids[4] && ids[0] != ids[4]);
}

#[test]
fn images_and_documents_are_sent_by_url_data_and_file_id() {
    let parts = json!([
        {"type": "text", "text": "look"},
        {"type": "image", "url": "https://x/a.png"},
        {"type": "image", "data": "AAAA", "media_type": "image/jpeg", "detail": "low"},
        {"type": "image", "file_id": "file_1"},
        {"type": "file", "file_id": "file_2"},
        {"type": "file", "url": "https://x/a.pdf"},
        {"type": "file", "data": "AAAA", "media_type": "application/pdf", "filename": "a.pdf"},
        {"type": "file", "data": "AAAA", "media_type": "text/plain"},
    ]);
    assert_eq!(
        whole(&user(&parts))[0]["content"],
        json!([
            {"type": "input_text", "text": "look"},
            {"type": "input_image", "image_url": "https://x/a.png", "detail": "auto"},
            {"type": "input_image", "image_url": "data:image/jpeg;base64,AAAA", "detail": "low"},
            {"type": "input_image", "file_id": "file_1", "detail": "auto"},
            {"type": "input_file", "file_id": "file_2"},
            {"type": "input_file", "file_url": "https://x/a.pdf"},
            {"type": "input_file", "file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"},
            {"type": "input_file", "file_data": "data:text/plain;base64,AAAA", "filename": "document.txt"},
        ])
    );
    let dict = json!([{"role": "user", "content": [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "https://x/a.png", "detail": "high"}},
        {"type": "image_url", "image_url": "https://x/b.png"},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}},
        {"type": "file", "file": {"file_id": "file_2"}},
    ]}]);
    assert_eq!(
        whole(&dict)[0]["content"],
        json!([
            {"type": "input_text", "text": "look"},
            {"type": "input_image", "image_url": "https://x/a.png", "detail": "high"},
            {"type": "input_image", "image_url": "https://x/b.png", "detail": "auto"},
            {"type": "input_file", "file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"},
            {"type": "input_file", "file_id": "file_2"},
        ])
    );
}

#[test]
fn the_result_of_a_tool_holds_texts_images_and_documents() {
    let result = |content: serde_json::Value, error: bool| {
        let part =
            json!({"type": "tool_result", "tool_call_id": "c", "content": content, "error": error});
        whole(&json!([{"role": "tool", "parts": [part]}]))[0]["output"].clone()
    };
    assert_eq!(result(json!("a"), false), "a");
    assert_eq!(result(json!([{"type": "text", "text": "a"}]), false), "a");
    let list = json!([{"type": "text", "text": "a"}, {"type": "image", "url": "https://x/a.png"},
        {"type": "file", "file_id": "file_1"}]);
    let blocks = json!([{"type": "input_text", "text": "a"},
        {"type": "input_image", "image_url": "https://x/a.png", "detail": "auto"},
        {"type": "input_file", "file_id": "file_1"}]);
    assert_eq!(result(list.clone(), false), blocks);
    // There is no field for a failure, so the model reads of it.
    assert_eq!(result(json!("no such city"), true), "Error: no such city");
    assert_eq!(
        result(json!("Error: no such city"), true),
        "Error: no such city"
    );
    let failed = result(list, true);
    assert_eq!(failed[0], json!({"type": "input_text", "text": "Error:"}));
    assert_eq!(failed.as_array().unwrap().len(), 4);
    // A dict has the blocks of Chat Completions.
    let dict = json!([{"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]);
    let blocks = json!([{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]);
    assert_eq!(whole(&dict)[0]["output"], blocks);
}

#[test]
fn audio_is_refused_by_name() {
    let audio = user(&json!([{"type": "audio", "data": "AAAA", "format": "wav"}]));
    let (kind, text) = refused(&json!({"model": "m", "input": audio}));
    assert_eq!(kind, ErrorKind::Validation);
    assert_eq!(
        text,
        "messages[0].parts[0]: responses takes no audio; api=\"chat\" does, if the model does"
    );
    let dict = json!([{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "A", "format": "wav"}}]}]);
    let (_, text) = refused(&json!({"model": "m", "input": dict}));
    assert!(
        text.starts_with("messages[0].content[0]: responses takes no audio"),
        "{text}"
    );
}

#[test]
fn what_only_chat_has_is_left_out_and_listed() {
    let messages = json!([
        {"role": "user", "name": "ann", "content": "hi"},
        {"role": "assistant", "content": "b", "reasoning_content": "hm", "audio": {"id": "a"}, "reasoning": "", "annotations": [], "x": 1},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "c", "type": "function", "index": 0, "function": {"name": "f", "arguments": {"a": 1}},
             "extra_content": {"google": {}}}]},
    ]);
    let (items, dropped) = items(&messages);
    assert_eq!(
        items,
        json!([
            {"role": "user", "content": "hi"},
            {"type": "message", "role": "assistant", "x": 1, "content": [{"type": "output_text", "text": "b"}]},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{\"a\":1}"},
        ])
    );
    assert_eq!(
        dropped,
        [
            "messages[0].name",
            "messages[1].audio",
            "messages[1].reasoning_content",
            "messages[2].tool_calls[0].extra",
        ]
    );
}

#[test]
fn entries_that_are_no_messages_are_refused() {
    for (input, wanted) in [
        (
            json!([]),
            "messages: the list is empty; give at least one message",
        ),
        (json!(""), "prompt: it is empty; give some text"),
        (json!(["a"]), "messages[0]: it is a string; write "),
        (
            json!([{"type": "text", "text": "a"}]),
            "messages[0]: it is a part of a message; write ",
        ),
        (
            json!([{"type": "input_text", "text": "a"}]),
            "messages[0]: it is a part of a message; write ",
        ),
        (
            json!([{"type": "reasoning", "text": "a"}]),
            "messages[0]: it is a part of a message; write ",
        ),
        (
            json!([{"content": "a"}]),
            "messages[0].role: it is missing, or it is not a string",
        ),
        (
            json!([{"role": "tool", "parts": [{"type": "text", "text": "a"}]}]),
            "messages[0]: a tool message holds results; ",
        ),
        (
            json!([{"role": "user", "parts": [{"type": "pie"}]}]),
            "messages[0].parts[0].type: there is no part of type pie",
        ),
        (
            json!([{"role": "user", "parts": [{"type": "image"}]}]),
            "messages[0].parts[0]: it needs url, or data in base64",
        ),
        (
            json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "/tmp/a.png"}}]}]),
            "messages[0].content[0].image_url.url: it names a file on this machine",
        ),
    ] {
        let (_, text) = refused(&json!({"model": "m", "input": input}));
        assert!(text.starts_with(wanted), "{text}");
    }
}

#[test]
fn a_marked_prefix_gets_a_breakpoint_where_the_model_takes_one() {
    let parts = json!([
        {"type": "text", "text": "a", "cache": true},
        {"type": "image", "file_id": "f", "cache": "1h"},
        {"type": "text", "text": "b", "cache": false},
    ]);
    let content = whole(&user(&parts))[0]["content"].clone();
    assert_eq!(
        content,
        json!([
            {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}},
            {"type": "input_image", "file_id": "f", "detail": "auto",
             "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}},
            {"type": "input_text", "text": "b"},
        ])
    );
    let older = body(&json!({"model": "gpt-5.4", "input": user(&parts)}));
    assert_eq!(
        older["input"][0]["content"][0],
        json!({"type": "input_text", "text": "a"})
    );
    let wrong = user(&json!([{"type": "text", "text": "a", "cache": 1}]));
    let (_, text) = refused(&json!({"model": "m", "input": wrong}));
    assert_eq!(
        text,
        "messages[0].parts[0].cache: it must be true, false or \"1h\""
    );
    // The answer of the model has none.
    let said = whole(&assistant(
        &json!([{"type": "text", "text": "a", "cache": true}]),
    ));
    assert_eq!(
        said[0]["content"][0],
        json!({"type": "output_text", "text": "a"})
    );
}
