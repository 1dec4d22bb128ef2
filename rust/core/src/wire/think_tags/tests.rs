use serde_json::json;

use super::*;
use crate::error::Error;
use crate::message::{Fold, RawJson, ReplyHead};
use crate::wire::{Chat, Dialect, Step};

/// Sends chunks as they are.
struct Scripted(Vec<Vec<ChunkKind>>, ReplyHead);

impl StreamDecoder for Scripted {
    fn event(&mut self, _: &[u8], _: &[u8], out: &mut Vec<ChunkKind>) -> Result<Step, Error> {
        out.extend(self.0.remove(0));
        Ok(if self.0.is_empty() {
            Step::Done
        } else {
            Step::Continue
        })
    }

    fn stray_field(&mut self, _: &[u8], _: &[u8]) -> Result<(), Error> {
        Ok(())
    }

    fn missing(&self) -> Option<String> {
        None
    }

    fn failure(&self) -> Option<&Error> {
        None
    }

    fn head(&self) -> &ReplyHead {
        &self.1
    }
}

fn scripted(chunks: Vec<Vec<ChunkKind>>) -> Box<dyn StreamDecoder> {
    stream(Box::new(Scripted(chunks, ReplyHead::default())))
}

/// The parts of choice 0: `text`, `?reasoning`, `!refusal`.
fn shown(reply: &Reply) -> Vec<String> {
    let parts = reply.choices.iter().flat_map(|choice| &choice.parts);
    let shown = parts.map(|part| match part {
        Part::Text { text, extra } if extra.is_empty() => text.clone(),
        Part::Text { text, .. } => {
            let part = serde_json::to_value(part).unwrap();
            format!("{text} {}", part["extra"]["item"])
        }
        Part::Reasoning { text, .. } => format!("?{text}"),
        Part::Refusal { text, .. } => format!("!{text}"),
        Part::ToolCall(call) => call.name.clone(),
        Part::Opaque { json, .. } => json.get().to_owned(),
    });
    shown.collect()
}

fn read(mut decoder: Box<dyn StreamDecoder>, events: &[String]) -> Reply {
    let mut fold = Fold::default();
    let mut out = Vec::new();
    for event in events {
        let step = decoder.event(b"", event.as_bytes(), &mut out).unwrap();
        out.drain(..).for_each(|chunk| fold.apply(&chunk));
        assert!(step == Step::Continue || Some(event) == events.last());
    }
    fold.conclude();
    fold.into_reply()
}

fn of_chat(pieces: &[&str], index: u32) -> Reply {
    let event = |delta, end: Option<&str>| {
        json!({"choices": [{"index": index, "delta": delta, "finish_reason": end}]}).to_string()
    };
    let mut events = vec![event(json!({"role": "assistant", "content": ""}), None)];
    events.extend(
        pieces
            .iter()
            .map(|piece| event(json!({"content": piece}), None)),
    );
    events.push(event(json!({}), Some("stop")));
    events.push("[DONE]".to_owned());
    read(stream(Chat.stream(1)), &events)
}

const CASES: &[(&str, &[&str])] = &[
    ("<think>a</think>\n\nb", &["?a", "b"]),
    ("\n<think>\na\n</think>b</think>", &["?\na\n", "b</think>"]),
    ("<think></think>b", &["b"]),
    ("<think>a", &["?a"]),
    ("<think>a</th", &["?a</th"]),
    ("<thi", &["<thi"]),
    ("b <think>a</think>", &["b <think>a</think>"]),
    ("<analysis>a</analysis>b", &["<analysis>a</analysis>b"]),
    (" b", &[" b"]),
];

#[test]
fn thoughts_in_the_text_of_chat_become_reasoning_at_every_split() {
    for &(text, wanted) in CASES {
        for at in (0..=text.len()).filter(|&at| text.is_char_boundary(at)) {
            for index in [0, 1] {
                let reply = of_chat(&[&text[..at], &text[at..]], index);
                assert_eq!(shown(&reply), wanted, "{text:?} at {at}");
                assert_eq!(reply.choices[0].index, index);
            }
        }
    }
}

#[test]
fn a_whole_reply_has_the_same_parts() {
    for &(text, wanted) in CASES {
        let body = json!({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]});
        let mut reply = Chat.decode_reply(body.to_string().as_bytes(), 1).unwrap();
        in_reply(&mut reply);
        assert_eq!(shown(&reply), wanted, "{text:?}");
    }
}

#[test]
fn an_event_with_all_of_it_keeps_what_else_it_has() {
    let event = json!({"choices": [{"delta": {
        "content": "<think>a</think>b",
        "tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}],
    }, "finish_reason": "tool_calls"}], "usage": {"prompt_tokens": 1, "completion_tokens": 2}});
    let reply = read(
        stream(Chat.stream(1)),
        &[event.to_string(), "[DONE]".to_owned()],
    );
    assert_eq!(shown(&reply), ["?a", "b", "f"]);
    assert!(reply.usage.is_some());
}

fn part(number: u32, change: impl FnOnce(&mut Delta)) -> Vec<ChunkKind> {
    let mut delta = Delta {
        part: Some(number),
        ..Delta::default()
    };
    change(&mut delta);
    vec![ChunkKind::Delta(Box::new(delta))]
}

fn item(delta: &mut Delta, json: &str) {
    delta.extra.push("item", &RawJson::read(json).unwrap());
}

fn numbered(text: &[&str]) -> Reply {
    let mut script = vec![
        part(0, |delta| {
            delta.reasoning = "r".into();
            delta.reasoning_field = Some("summary".into());
        }),
        part(1, |delta| item(delta, "1")),
    ];
    script.extend(text.iter().map(|&text| vec![ChunkKind::Text(text.into())]));
    script.push(part(1, |delta| {
        delta.ends = true;
        item(delta, "2");
    }));
    script.push(part(2, |delta| delta.text = "next".into()));
    script.push(vec![ChunkKind::Text(" one".into())]);
    let events = vec!["-".to_owned(); script.len()];
    read(scripted(script), &events)
}

#[test]
fn numbered_parts_make_room_for_the_thoughts() {
    let text = "<think>a</think>b";
    for at in 0..=text.len() {
        let reply = numbered(&[&text[..at], &text[at..]]);
        assert_eq!(shown(&reply), ["?r", "?a", "b 2", "next one"], "{at}");
    }
    assert_eq!(shown(&numbered(&["b"])), ["?r", "b 2", "next one"]);
    assert_eq!(
        shown(&numbered(&["<think>a"])),
        ["?r", "?a", " 2", "next one"]
    );
    assert_eq!(shown(&numbered(&[])), ["?r", " 2", "next one"]);
}

#[test]
fn a_part_that_comes_at_once_is_parted_too() {
    let script = vec![
        part(0, |delta| {
            delta.ends = true;
            delta.text = "<think>a</think>b".into();
            item(delta, "1");
        }),
        Vec::new(),
    ];
    let reply = read(scripted(script), &["-".to_owned(), "-".to_owned()]);
    assert_eq!(shown(&reply), ["?a", "b 1"]);
}

#[test]
fn what_may_become_a_tag_is_not_lost_where_the_stream_breaks() {
    let mut decoder = stream(Chat.stream(1));
    let mut out = Vec::new();
    let event = json!({"choices": [{"delta": {"content": "<think>a</thi"}}]}).to_string();
    decoder.event(b"", event.as_bytes(), &mut out).unwrap();
    decoder.flush(&mut out);
    let mut fold = Fold::default();
    for chunk in &out {
        fold.apply(chunk);
    }
    assert_eq!(shown(&fold.into_reply()), ["?a</thi"]);
}

#[test]
fn what_the_wrapped_decoder_still_holds_is_read_too_where_a_stream_breaks() {
    let reading = crate::wire::Reading {
        think_tags: true,
        answer_tool: Some("Answer".into()),
    };
    let mut decoder = reading.stream(&Chat, 1);
    let (mut fold, mut out) = (Fold::default(), Vec::new());
    for text in ["<think>h", "m</think>", "a <thi"] {
        let event = json!({"choices": [{"index": 0, "delta": {"content": text}}]}).to_string();
        decoder.event(b"", event.as_bytes(), &mut out).unwrap();
    }
    // The text may be a comment on the answer, so it waits for a call.
    decoder.flush(&mut out);
    out.drain(..).for_each(|chunk| fold.apply(&chunk));
    fold.conclude();
    assert_eq!(shown(&fold.into_reply()), ["?hm", "a <thi"]);
}
