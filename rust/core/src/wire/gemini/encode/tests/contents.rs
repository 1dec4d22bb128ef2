//! Contents, system text and the address.

use serde_json::{Value, json};

use super::{assistant, body, contents, encoded, refused, sent, user, whole};
use crate::error::ErrorKind;

const MODEL: &str = "gemini-2.5-flash";

#[test]
fn contents_have_the_roles_user_and_model() {
    let messages = json!([
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "parts": [{"type": "text", "text": "c"}, {"type": "text", "text": "d"}]},
        {"role": "model", "content": "e"},
    ]);
    assert_eq!(
        whole(&messages),
        json!([
            {"role": "user", "parts": [{"text": "a"}]},
            {"role": "model", "parts": [{"text": "b"}]},
            {"role": "user", "parts": [{"text": "c"}, {"text": "d"}]},
            {"role": "model", "parts": [{"text": "e"}]},
        ])
    );
    assert_eq!(
        body(&json!({"model": MODEL, "input": "hi"})),
        json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]})
    );
}

#[test]
fn another_role_is_refused_by_name() {
    let request = json!({"model": MODEL, "input": [{"role": "critic", "content": "a"}]});
    let (kind, text) = refused(&request);
    assert_eq!(kind, ErrorKind::Validation);
    assert_eq!(
        text,
        "messages[0].role: gemini has no role critic; give system, user, assistant or tool"
    );
}

#[test]
fn messages_of_one_assistant_are_one_content_and_those_of_a_user_stay_apart() {
    let messages = json!([
        {"role": "user", "content": "a"}, {"role": "user", "content": "b"},
        {"role": "assistant", "content": "c"}, {"role": "assistant", "content": "d"},
    ]);
    assert_eq!(
        whole(&messages),
        json!([
            {"role": "user", "parts": [{"text": "a"}]}, {"role": "user", "parts": [{"text": "b"}]},
            {"role": "model", "parts": [{"text": "c"}, {"text": "d"}]},
        ])
    );
}

#[test]
fn the_system_prompt_is_the_system_instruction() {
    let instruction = json!({"parts": [{"text": "be brief"}]});
    let request = json!({"model": MODEL, "input": "hi", "system": "be brief"});
    assert_eq!(body(&request)["systemInstruction"], instruction);
    for role in ["system", "developer"] {
        let messages =
            json!([{"role": role, "content": "be brief"}, {"role": "user", "content": "hi"}]);
        let body = body(&json!({"model": MODEL, "input": messages}));
        assert_eq!(
            body,
            json!({"systemInstruction": instruction, "contents": [{"role": "user", "parts": [{"text": "hi"}]}]})
        );
    }
    let two = json!([{"role": "system", "content": "a"}, {"role": "developer", "content": "b"}, {"role": "user", "content": "c"}]);
    assert_eq!(
        body(&json!({"model": MODEL, "input": two}))["systemInstruction"],
        json!({"parts": [{"text": "a"}, {"text": "b"}]})
    );
}

#[test]
fn system_text_in_the_middle_stays_in_its_place_as_a_users_text() {
    let messages = json!([
        {"role": "system", "content": "a"}, {"role": "user", "content": "b"},
        {"role": "assistant", "content": "c"}, {"role": "system", "content": "d"},
    ]);
    let body = body(&json!({"model": MODEL, "input": messages}));
    assert_eq!(body["systemInstruction"], json!({"parts": [{"text": "a"}]}));
    assert_eq!(
        body["contents"],
        json!([
            {"role": "user", "parts": [{"text": "b"}]}, {"role": "model", "parts": [{"text": "c"}]},
            {"role": "user", "parts": [{"text": "d"}]},
        ])
    );
}

#[test]
fn system_text_alone_or_twice_or_with_an_image_is_refused() {
    let system = json!({"role": "system", "content": "a"});
    let image =
        json!({"role": "system", "parts": [{"type": "image", "url": "https://x.org/a.png"}]});
    for (request, start) in [
        (
            json!({"model": MODEL, "input": [system]}),
            "messages: there is only system text",
        ),
        (
            json!({"model": MODEL, "input": [system], "system": "b"}),
            "messages[0]: there is a system message here and in system=",
        ),
        (
            json!({"model": MODEL, "input": [image]}),
            "messages[0].parts[0]: gemini takes only text from the system",
        ),
    ] {
        let (_, text) = refused(&request);
        assert!(text.starts_with(start), "{text}");
    }
}

#[test]
fn contents_in_the_form_of_gemini_stay_as_they_are() {
    let given = json!([
        {"role": "user", "parts": [{"text": "a", "x": null}, {"inlineData": {"mimeType": "image/png", "data": "QQ=="}}]},
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "s"}]},
        {"parts": [{"text": "b"}]},
    ]);
    assert_eq!(whole(&given), given);
    // So does such a part in the content of a dict.
    let video = json!({"fileData": {"fileUri": "https://youtu.be/x"}, "videoMetadata": {"fps": 5}});
    let messages = json!([{"role": "user", "content": [video, {"type": "text", "text": "what?"}]}]);
    assert_eq!(
        whole(&messages),
        json!([{"role": "user", "parts": [video, {"text": "what?"}]}])
    );
    let other = json!([{"role": "user", "content": [{"type": "input_image", "image_url": "https://x.org/a.png"}]}]);
    let (_, text) = refused(&json!({"model": MODEL, "input": other}));
    assert_eq!(
        text,
        "messages[0].content[0].type: gemini has no part of type input_image"
    );
}

#[test]
fn what_a_content_has_no_place_for_is_listed() {
    let messages = json!([
        {"role": "user", "name": "ann", "content": "a", "x": 1, "y": null},
        {"role": "assistant", "content": "b", "annotations": [], "audio": {"id": "x"}},
    ]);
    let (_, dropped) = contents(MODEL, &messages);
    assert_eq!(
        dropped,
        ["messages[0].name", "messages[0].x", "messages[1].audio"]
    );
}

#[test]
fn a_mark_of_a_cached_prefix_writes_nothing() {
    let marked = user(
        &json!([{"type": "text", "text": "a", "cache": true}, {"type": "text", "text": "b", "cache": "1h"}]),
    );
    assert_eq!(
        whole(&marked),
        json!([{"role": "user", "parts": [{"text": "a"}, {"text": "b"}]}])
    );
    let (_, text) = refused(
        &json!({"model": MODEL, "input": user(&json!([{"type": "text", "text": "a", "cache": "2h"}]))}),
    );
    assert!(text.starts_with("messages[0].parts[0].cache: "), "{text}");
}

#[test]
fn an_empty_text_of_another_provider_is_left_out() {
    let empty = assistant(&json!([{"type": "text", "text": "", "provider": "openai"}]));
    let messages =
        json!([{"role": "user", "content": "a"}, empty[0], {"role": "user", "content": "b"}]);
    assert_eq!(
        whole(&messages),
        json!([{"role": "user", "parts": [{"text": "a"}]}, {"role": "user", "parts": [{"text": "b"}]}])
    );
    // One of Gemini's own has the signature.
    let signed = assistant(&json!([sent(
        json!({"type": "text", "text": "", "thoughtSignature": "s"})
    )]));
    assert_eq!(
        whole(&signed),
        json!([{"role": "model", "parts": [{"text": "", "thoughtSignature": "s"}]}])
    );
}

#[test]
fn a_body_of_the_callers_replaces_contents() {
    let contents = json!([{"role": "user", "parts": [{"text": "mine"}]}]);
    let request = json!({"model": MODEL, "input": [{"role": "system", "content": "a"}],
        "extra_body": {"contents": contents, "system_instruction": {"parts": [{"text": "b"}]}}});
    assert_eq!(
        body(&request),
        json!({"contents": contents, "systemInstruction": {"parts": [{"text": "b"}]}})
    );
}

#[test]
fn the_path_names_the_model() {
    let path = |model: &str, stream: bool| {
        let request = json!({"model": model, "input": "hi", "stream": stream});
        encoded("google", &request).unwrap().1.target().into_owned()
    };
    for (model, expected) in [
        ("gemini-2.5-flash", "/models/gemini-2.5-flash"),
        ("models/gemini-2.5-flash", "/models/gemini-2.5-flash"),
        ("tunedModels/mine-1", "/tunedModels/mine-1"),
        ("publishers/google/models/m", "/publishers/google/models/m"),
        ("a b?c#d&é", "/models/a%20b%3Fc%23d%26%C3%A9"),
        ("m:generateContent", "/models/m%3AgenerateContent"),
        ("a/b", "/models/a/b"),
    ] {
        assert_eq!(path(model, false), format!("{expected}:generateContent"));
        assert_eq!(
            path(model, true),
            format!("{expected}:streamGenerateContent?alt=sse")
        );
    }
    for model in ["../m", "a//b", "models/.", ""] {
        let (kind, text) = refused(&json!({"model": model, "input": "hi"}));
        assert_eq!(kind, ErrorKind::Validation);
        assert!(text.starts_with("model: "), "{text}");
    }
}

#[test]
fn the_body_has_no_model_and_a_stream_no_other_body() {
    let request = |stream: bool| json!({"model": MODEL, "input": "hi", "stream": stream, "stream_usage": stream});
    assert_eq!(body(&request(true)), body(&request(false)));
    assert_eq!(body(&request(true)).get("model"), None::<&Value>);
}

#[test]
fn own_parts_in_a_message_with_one_of_our_roles_are_sent_with_one_of_geminis() {
    let request = json!({"model": MODEL, "input": [
        {"role": "system", "parts": [{"text": "be brief"}]},
        {"role": "developer", "parts": [{"text": "and kind"}]},
        {"role": "user", "parts": [{"text": "a"}]},
        {"role": "assistant", "parts": [{"text": "b"}]},
        {"role": "system", "parts": [{"text": "c"}]},
    ]});
    assert_eq!(
        body(&request),
        json!({
            "systemInstruction": {"parts": [{"text": "be brief"}, {"text": "and kind"}]},
            "contents": [
                {"role": "user", "parts": [{"text": "a"}]},
                {"role": "model", "parts": [{"text": "b"}]},
                {"role": "user", "parts": [{"text": "c"}]},
            ],
        })
    );
}

#[test]
fn calls_and_results_are_in_the_messages_of_those_who_make_them() {
    for (role, part, why) in [
        (
            "user",
            json!({"type": "tool_call", "id": "c", "name": "f", "arguments": "{}"}),
            "only a message of the assistant has calls",
        ),
        (
            "assistant",
            json!({"type": "tool_result", "tool_call_id": "c", "name": "f", "content": "1"}),
            "only a message of the user or of a tool has results",
        ),
    ] {
        let messages = json!([{"role": role, "parts": [part]}]);
        let request = json!({"model": "gemini-2.5-flash", "input": messages});
        assert_eq!(refused(&request).1, format!("messages[0].parts[0]: {why}"));
    }
}
