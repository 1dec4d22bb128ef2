//! Images, documents, audio and video.

use serde_json::{Value, json};

use super::{contents, encoded, refused, user, whole};

fn written(part: &Value) -> Value {
    whole(&user(&json!([part])))[0]["parts"][0].take()
}

#[test]
fn media_come_by_data_by_address_or_by_the_id_of_a_file() {
    let data = |kind: &str| json!({"inlineData": {"mimeType": kind, "data": "QQ=="}});
    let file = |kind: &str, uri: &str| json!({"fileData": {"mimeType": kind, "fileUri": uri}});
    let files = "https://generativelanguage.googleapis.com/v1beta/files/x1";
    for (part, expected) in [
        (
            json!({"type": "image", "data": "QQ==", "media_type": "image/webp"}),
            data("image/webp"),
        ),
        (json!({"type": "image", "data": "QQ=="}), data("image/png")),
        (
            json!({"type": "file", "data": "QQ=="}),
            data("application/pdf"),
        ),
        (
            json!({"type": "file", "data": "QQ==", "media_type": "text/plain"}),
            data("text/plain"),
        ),
        (
            json!({"type": "audio", "data": "QQ==", "format": "mp3"}),
            data("audio/mp3"),
        ),
        (
            json!({"type": "audio", "data": "QQ==", "format": "audio/x-wav"}),
            data("audio/x-wav"),
        ),
        (json!({"type": "video", "data": "QQ=="}), data("video/mp4")),
        (
            json!({"type": "image", "url": "data:image/gif;base64,QQ=="}),
            data("image/gif"),
        ),
        (
            json!({"type": "image", "url": "DATA:image/gif;charset=x;BASE64,QQ=="}),
            data("image/gif"),
        ),
        (
            json!({"type": "file", "url": "data:;base64,QQ=="}),
            data("text/plain"),
        ),
        (
            json!({"type": "image", "url": "https://x.org/a.JPG?size=1#top"}),
            file("image/jpeg", "https://x.org/a.JPG?size=1#top"),
        ),
        (
            json!({"type": "image", "url": "https://x.org/a", "media_type": "image/png"}),
            file("image/png", "https://x.org/a"),
        ),
        (
            json!({"type": "image", "url": "https://x.org/a"}),
            json!({"fileData": {"fileUri": "https://x.org/a"}}),
        ),
        (
            json!({"type": "file", "url": "gs://bucket/a.pdf"}),
            file("application/pdf", "gs://bucket/a.pdf"),
        ),
        (
            json!({"type": "video", "url": "https://youtu.be/abc"}),
            json!({"fileData": {"fileUri": "https://youtu.be/abc"}}),
        ),
        (
            json!({"type": "image", "file_id": "files/x1", "media_type": "image/png"}),
            file("image/png", files),
        ),
        (
            json!({"type": "image", "file_id": "x1", "media_type": "image/png"}),
            file("image/png", files),
        ),
        (
            json!({"type": "file", "file_id": files, "media_type": "application/pdf"}),
            file("application/pdf", files),
        ),
    ] {
        assert_eq!(written(&part), expected, "{part}");
    }
}

#[test]
fn the_blocks_of_chat_are_read_too() {
    let content = json!([
        {"type": "image_url", "image_url": {"url": "https://x.org/a.png"}},
        {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "wav"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,QQ=="}},
    ]);
    assert_eq!(
        whole(&json!([{"role": "user", "content": content}]))[0]["parts"],
        json!([
            {"fileData": {"mimeType": "image/png", "fileUri": "https://x.org/a.png"}},
            {"inlineData": {"mimeType": "audio/wav", "data": "QQ=="}},
            {"inlineData": {"mimeType": "application/pdf", "data": "QQ=="}},
        ])
    );
}

#[test]
fn media_without_content_or_in_another_form_are_refused() {
    for (part, expected) in [
        (
            json!({"type": "image"}),
            "messages[0].parts[0]: it needs url, file_id, or data in base64",
        ),
        (
            json!({"type": "file", "url": "data:text/plain,hello"}),
            "messages[0].parts[0].url: its data: URL is not in base64",
        ),
        (
            json!({"type": "image", "url": "/etc/passwd"}),
            "messages[0].parts[0].url: it names a file on this machine",
        ),
        (
            json!({"type": "hologram"}),
            "messages[0].parts[0].type: there is no part of type hologram here",
        ),
    ] {
        let (_, text) =
            refused(&json!({"model": "gemini-2.5-flash", "input": user(&json!([part]))}));
        assert!(text.starts_with(expected), "{text}");
    }
}

#[test]
fn an_address_is_refused_where_only_data_is_taken() {
    let with = |url: &str| json!({"model": "gemini-2.0-flash", "input": user(&json!([{"type": "image", "url": url}]))});
    let (_, text) = refused(&with("https://x.org/a.png"));
    assert_eq!(
        text,
        "messages[0].parts[0].url: gemini-2.0-flash takes no address from elsewhere; give data= or path=, \
         or the id of an uploaded file"
    );
    for url in [
        "https://youtu.be/x",
        "https://generativelanguage.googleapis.com/v1beta/files/x",
        "data:image/png;base64,QQ==",
    ] {
        assert!(encoded("google", &with(url)).is_ok(), "{url}");
    }
}

#[test]
fn a_detail_is_the_resolution_where_the_model_takes_one_for_each_image() {
    for (detail, level) in [
        ("low", "LOW"),
        ("medium", "MEDIUM"),
        ("high", "HIGH"),
        ("ultra_high", "ULTRA_HIGH"),
    ] {
        let parts = user(&json!([{"type": "image", "data": "QQ==", "detail": detail}]));
        let (sent, dropped) = contents("gemini-3-flash-preview", &parts);
        assert_eq!(
            sent[0]["parts"][0]["mediaResolution"],
            json!({"level": format!("MEDIA_RESOLUTION_{level}")})
        );
        assert_eq!(dropped, [""; 0]);
        let (sent, dropped) = contents("gemini-2.5-flash", &parts);
        assert_eq!(sent[0]["parts"][0].get("mediaResolution"), None);
        assert_eq!(dropped, ["messages[0].parts[0].detail"]);
    }
    let auto = user(&json!([{"type": "image", "data": "QQ==", "detail": "auto"}]));
    assert_eq!(contents("gemini-2.5-flash", &auto).1, [""; 0]);
}

#[test]
fn the_name_of_a_file_has_no_place_and_other_keys_do() {
    let part =
        json!({"type": "file", "data": "QQ==", "filename": "a.pdf", "videoMetadata": {"fps": 1}});
    let (sent, dropped) = contents("gemini-2.5-flash", &user(&json!([part])));
    assert_eq!(
        sent[0]["parts"],
        json!([{"inlineData": {"mimeType": "application/pdf", "data": "QQ=="}, "videoMetadata": {"fps": 1}}])
    );
    assert_eq!(dropped, ["messages[0].parts[0].filename"]);
}

#[test]
fn a_large_image_is_written_once() {
    let data = "QUJD".repeat(250_000);
    let request = json!({"model": "gemini-2.5-flash", "input": user(&json!([{"type": "image", "data": data}]))});
    let (body, encoded) = encoded("google", &request).unwrap();
    assert_eq!(body["contents"][0]["parts"][0]["inlineData"]["data"], data);
    assert!(encoded.body.len() < data.len() + 200);
}
