use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use serde_json::json;

use super::*;

fn fragment(index: u32, name: Option<&str>, arguments: &str) -> ToolCallDelta {
    ToolCallDelta {
        index,
        id: name.map(|name| format!("id-{name}")),
        name: name.map(str::to_owned),
        arguments: arguments.to_owned(),
        ..ToolCallDelta::default()
    }
}

fn chunk(calls: Vec<ToolCallDelta>, finish_reason: Option<FinishReason>) -> ChunkKind {
    ChunkKind::Delta(Box::new(Delta {
        tool_calls: calls,
        finish_reason,
        ..Delta::default()
    }))
}

/// Names and arguments of the calls that are done after each chunk, and after the end.
fn done(chunks: &[ChunkKind]) -> Vec<Vec<String>> {
    let mut events = StreamEvents::default();
    let mut steps = Vec::new();
    for at in 0..=chunks.len() {
        let mut out = Vec::new();
        match chunks.get(at) {
            Some(chunk) => events.push(chunk, &mut out),
            None => events.finish(&mut out),
        }
        let calls = out.into_iter().filter_map(|event| match event {
            StreamEvent::ToolCallDone { call, .. } => {
                Some(format!("{}{}", call.name, call.arguments))
            }
            _ => None,
        });
        steps.push(calls.collect());
    }
    steps
}

#[test]
fn a_call_is_done_as_soon_as_the_next_one_begins() {
    let chunks = [
        chunk(vec![fragment(0, Some("f"), "{\"a\"")], None),
        chunk(vec![fragment(0, None, ":1}")], None),
        chunk(vec![fragment(1, Some("g"), "")], None),
        chunk(vec![fragment(1, None, "{}")], Some(FinishReason::ToolCalls)),
    ];
    assert_eq!(
        done(&chunks),
        [vec![], vec![], vec!["f{\"a\":1}"], vec!["g{}"], vec![]]
    );
}

#[test]
fn a_call_that_the_token_limit_cut_off_is_never_done() {
    let chunks = [
        chunk(
            vec![
                fragment(0, Some("f"), "{}"),
                fragment(1, Some("g"), "{\"a\""),
            ],
            None,
        ),
        chunk(vec![], Some(FinishReason::Length)),
    ];
    assert_eq!(done(&chunks), [vec!["f{}"], vec![], vec![]]);
}

#[test]
fn calls_whose_headers_come_first_wait_for_their_arguments() {
    let chunks = [
        chunk(
            vec![fragment(0, Some("f"), ""), fragment(1, Some("g"), "")],
            None,
        ),
        chunk(vec![fragment(1, None, "{}"), fragment(0, None, "{}")], None),
    ];
    assert_eq!(done(&chunks), [vec![], vec![], vec!["f{}", "g{}"]]);
}

#[test]
fn events_have_the_order_of_a_message() {
    let mut events = StreamEvents::default();
    let mut out = Vec::new();
    let delta = Delta {
        index: 1,
        text: "t".into(),
        reasoning: "r".to_owned(),
        refusal: Some("n".to_owned()),
        usage: Some(Box::default()),
        ..Delta::default()
    };
    events.push(&ChunkKind::Text("".into()), &mut out);
    events.push(&ChunkKind::Delta(Box::new(delta)), &mut out);
    events.finish(&mut out);
    let text = |text: &str| (1, text.to_owned());
    let [(index, reasoning), (_, said), (_, refused)] = [text("r"), text("t"), text("n")];
    let expected = [
        StreamEvent::ReasoningDelta {
            index,
            text: reasoning,
        },
        StreamEvent::TextDelta { index, text: said },
        StreamEvent::RefusalDelta {
            index,
            text: refused,
        },
        StreamEvent::UsageReported(Usage::default()),
        StreamEvent::End,
    ];
    assert_eq!(out, expected);
}

#[test]
fn settling_twice_changes_nothing() {
    let block = |text: &str| json!([{"type": "t", "index": 0, "text": text}]).to_string();
    let mut fold = Fold::default();
    for text in ["a", "b"] {
        fold.apply(&ChunkKind::Delta(Box::new(Delta {
            reasoning: text.to_owned(),
            reasoning_field: Some("reasoning".into()),
            opaque: vec![("reasoning_details".to_owned(), block(text))],
            ..Delta::default()
        })));
    }
    let mut reply = fold.into_reply();
    assert_eq!(reply.choices[0].reasoning(), "ab");
    reply.settle();
    let once = reply.clone();
    reply.settle();
    assert_eq!(reply, once);
    assert_eq!(reply.choices[0].parts.len(), 2);
    let json = serde_json::to_string(&reply).unwrap();
    assert_eq!(serde_json::from_str::<Reply>(&json).unwrap(), reply);
}

#[test]
fn a_whole_reply_without_a_finish_reason_gets_one_from_its_parts() {
    let said = |text: &str, refusal: Option<&str>, calls| {
        ChunkKind::Delta(Box::new(Delta {
            text: text.into(),
            refusal: refusal.map(str::to_owned),
            tool_calls: calls,
            ..Delta::default()
        }))
    };
    let concluded = |chunk: &ChunkKind| {
        let mut fold = Fold::default();
        fold.apply(chunk);
        fold.settle();
        let mut reply = fold.into_reply();
        // It may still grow, so the reason is unknown.
        assert_eq!(reply.choices[0].finish_reason, None);
        reply.conclude();
        reply.choices[0].finish_reason
    };
    let call = vec![fragment(0, Some("f"), "{}")];
    assert_eq!(concluded(&said("hi", None, Vec::new())), None);
    assert_eq!(
        concluded(&said("", None, call.clone())),
        Some(FinishReason::ToolCalls)
    );
    assert_eq!(
        concluded(&said("", Some("no"), call)),
        Some(FinishReason::Refusal)
    );
}

#[test]
fn usage_alone_makes_no_choice() {
    let mut fold = Fold::default();
    fold.apply(&ChunkKind::Delta(Box::new(Delta {
        usage: Some(Box::default()),
        ..Delta::default()
    })));
    fold.apply(&ChunkKind::Text("".into()));
    let reply = fold.into_reply();
    assert_eq!(
        (reply.choices.len(), reply.usage),
        (0, Some(Usage::default()))
    );
}

#[test]
fn a_late_id_belongs_to_its_call() {
    let mut late = fragment(0, None, "}");
    late.id = Some("c".to_owned());
    let chunks = [
        chunk(vec![fragment(0, None, "{")], None),
        chunk(vec![late], Some(FinishReason::ToolCalls)),
    ];
    let mut fold = Fold::default();
    let mut events = StreamEvents::default();
    let mut out = Vec::new();
    for chunk in &chunks {
        fold.apply(chunk);
        events.push(chunk, &mut out);
    }
    events.finish(&mut out);
    let done = out.into_iter().find_map(|event| match event {
        StreamEvent::ToolCallDone { call, .. } => Some(call),
        _ => None,
    });
    let done = done.unwrap();
    assert_eq!((done.id.as_deref(), &*done.arguments), (Some("c"), "{}"));
    let reply = fold.into_reply();
    assert_eq!(reply.choices[0].tool_calls().next(), Some(&done));
}

#[test]
fn parts_of_different_kinds_differ_and_unknown_ones_are_refused() {
    let text = "a".to_owned();
    let said = Part::Text {
        text: text.clone(),
        extra: Extra::default(),
    };
    let refused = Part::Refusal {
        text,
        extra: Extra::default(),
    };
    assert_ne!(said, refused);
    let choice = Choice {
        parts: vec![said, refused],
        ..Choice::default()
    };
    assert_eq!(choice.refusal().as_deref(), Some("a"));
    let error = serde_json::from_str::<Part>(r#"{"type":"video"}"#).unwrap_err();
    assert!(error.to_string().contains("`video`"), "{error}");
}

#[test]
fn complete_calls_are_released_in_the_order_in_which_they_began() {
    let mut events = StreamEvents::default();
    let mut out = Vec::new();
    let done = |out: &mut Vec<StreamEvent>| -> Vec<u32> {
        let calls = out.drain(..).filter_map(|event| match event {
            StreamEvent::ToolCallDone { call_index, .. } => Some(call_index),
            _ => None,
        });
        calls.collect()
    };
    // Many calls begin, and none is complete.
    for index in 0..100 {
        events.push(
            &chunk(vec![fragment(index, Some("f"), "{")], None),
            &mut out,
        );
    }
    assert_eq!(done(&mut out), [0_u32; 0]);
    for index in [70, 3, 99] {
        events.push(&chunk(vec![fragment(index, None, "}")], None), &mut out);
    }
    assert_eq!(done(&mut out), [0_u32; 0]);
    events.push(&chunk(vec![fragment(100, Some("f"), "{}")], None), &mut out);
    assert_eq!(done(&mut out), [3, 70, 99]);
    events.push(&chunk(vec![fragment(4, None, "}}")], None), &mut out);
    events.push(
        &chunk(vec![fragment(5, None, "}")], Some(FinishReason::Length)),
        &mut out,
    );
    assert_eq!(done(&mut out), [5, 100]);
    events.finish(&mut out);
    assert_eq!(done(&mut out), [0_u32; 0]);
}

#[test]
fn token_probabilities_are_the_same_after_a_round_trip() {
    let token = |token: &str, logprob| TokenLogprob {
        token: token.to_owned(),
        logprob,
        bytes: Some(vec![97, 255]),
        top: vec![TopLogprob {
            token: "\"\u{1f600}".to_owned(),
            logprob: -1.25e-7,
            bytes: None,
        }],
        text_offset: Some(3),
    };
    let tokens = vec![token("a\n", Some(-0.1)), token("", None)];
    let logprobs = Logprobs::from(tokens.clone());
    assert_eq!(logprobs.tokens(), tokens);
    let json = serde_json::to_string(&logprobs).unwrap();
    assert_eq!(serde_json::from_str::<Logprobs>(&json).unwrap(), logprobs);
    assert_ne!(logprobs, Logprobs::default());
}

#[test]
fn pieces_of_a_block_take_no_longer_after_one_with_many_keys() {
    let keys: Vec<_> = (0..20_000).map(|at| format!("\"k{at}\":0")).collect();
    let extra: Extra = serde_json::from_str(&format!("{{{}}}", keys.join(","))).unwrap();
    let piece = |extra: &Extra| {
        ChunkKind::Delta(Box::new(Delta {
            reasoning: "a".to_owned(),
            extra: extra.clone(),
            ..Delta::default()
        }))
    };
    let mut fold = Fold::default();
    fold.apply(&piece(&extra));
    let started = Instant::now();
    let next = piece(&Extra::default());
    (0..10_000).for_each(|_| fold.apply(&next));
    // Reading all keys for each piece takes minutes.
    assert!(started.elapsed() < Duration::from_secs(10));
    let reply = fold.into_reply();
    assert_eq!(reply.choices[0].parts.len(), 1);
    assert_eq!(reply.choices[0].reasoning().len(), 10_001);
}

#[test]
fn json_values_are_equal_in_whatever_form_they_were_written() {
    let hash = |json: &RawJson| {
        let mut hasher = DefaultHasher::new();
        json.hash(&mut hasher);
        hasher.finish()
    };
    let raw = |text: &str| RawJson::read(text).expect("JSON");
    let deep = |blank: &str| format!("{}{blank}{}", "[".repeat(200), "]".repeat(200));
    for (one, other) in [
        (r#"{"a": 1, "b": [null]}"#, r#"{"b":[null],"a":1}"#),
        (r#""\u00e9""#, "\"é\""),
        ("0.1", "1e-1"),
        ("-5.0", "-50e-1"),
        (&deep(""), &deep("")),
    ] {
        assert_eq!(raw(one), raw(other));
        assert_eq!(hash(&raw(one)), hash(&raw(other)));
    }
    for (one, other) in [("1", "2"), ("[]", "{}"), (r#"{"a": 1}"#, r#"{"a": 2}"#)] {
        assert_ne!(raw(one), raw(other));
    }
    // What is too deep to be read as a value is not the same as anything else that is.
    assert_ne!(raw(&deep("")), raw(&deep("[]")));
}

#[test]
fn a_part_of_a_message_is_read_without_its_notes() {
    let json = r#"{"type": "text", "text": "a", "provider": "openai", "api": "responses", "item": {"id": "m"}}"#;
    let part: Part = serde_json::from_str(json).expect("a part");
    let mut extra = Extra::default();
    extra.push("item", &RawJson::read(r#"{"id": "m"}"#).expect("JSON"));
    let text = "a".to_owned();
    assert_eq!(part, Part::Text { text, extra });
}

fn numbered(part: u32, rank: u64, text: &str) -> Delta {
    Delta {
        part: Some(part),
        rank: NonZeroU64::new(rank),
        text: text.into(),
        ..Delta::default()
    }
}

fn folded(deltas: Vec<Delta>) -> Fold {
    let mut fold = Fold::default();
    for delta in deltas {
        fold.apply(&ChunkKind::Delta(Box::new(delta)));
    }
    fold
}

#[test]
fn parts_are_sorted_by_their_ranks_and_those_without_stay_behind_what_was_before() {
    let called = Delta {
        rank: NonZeroU64::new(2),
        tool_calls: vec![fragment(0, Some("f"), "{}")],
        ..Delta::default()
    };
    let unranked = Delta {
        opaque: vec![("output".to_owned(), "1".to_owned())],
        ..Delta::default()
    };
    let mut fold = folded(vec![
        numbered(0, 3, "c"),
        unranked,
        called,
        numbered(1, 1, "a"),
        numbered(0, 3, "c"),
        numbered(1, 0, "a"),
    ]);
    let shown = |reply: &Reply| {
        let parts = reply.choices[0].parts.iter().map(|part| match part {
            Part::Text { text, .. } => text.clone(),
            Part::ToolCall(call) => call.name.clone(),
            Part::Opaque { json, .. } => json.get().to_owned(),
            _ => String::new(),
        });
        parts.collect::<Vec<_>>()
    };
    assert_eq!(shown(&fold.reply()), ["aa", "f", "cc", "1"]);
    // A copy does not change what goes on.
    fold.apply(&ChunkKind::Delta(Box::new(numbered(0, 0, "c"))));
    fold.settle();
    assert_eq!(shown(&fold.reply()), ["aa", "f", "ccc", "1"]);
    fold.apply(&chunk(vec![fragment(0, None, "!")], None));
    let reply = fold.into_reply();
    let call = reply.choices[0].tool_calls().next().expect("a call");
    assert_eq!(call.arguments, "{}!");
}

#[test]
fn an_opaque_block_with_a_number_keeps_its_place_and_is_replaced() {
    let opaque = |json: &str| Delta {
        part: Some(0),
        opaque: vec![("output".to_owned(), json.to_owned())],
        ..Delta::default()
    };
    let fold = folded(vec![opaque("1"), numbered(1, 0, "a"), opaque("2")]);
    let parts = fold.into_reply().choices.remove(0).parts;
    assert!(
        matches!(&parts[..], [Part::Opaque { json, .. }, Part::Text { .. }] if json.get() == "2")
    );
}

#[test]
fn reasoning_with_a_number_may_have_no_text_and_gets_its_field_later() {
    let piece = |field: &'static str| Delta {
        part: Some(0),
        reasoning_field: Some(field.into()),
        ..Delta::default()
    };
    let field = |deltas| match folded(deltas).into_reply().choices[0].parts.first() {
        Some(Part::Reasoning { field, .. }) => field.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(field(vec![piece("")]), None);
    assert_eq!(
        field(vec![piece(""), piece("summary")]).as_deref(),
        Some("summary")
    );
    assert_eq!(
        field(vec![piece("content"), piece("summary")]).as_deref(),
        Some("content")
    );
}

#[test]
fn a_call_whose_end_is_marked_is_done_by_that_mark_alone() {
    let marked = |arguments: &str, ends| {
        let mut fragment = fragment(0, None, arguments);
        fragment.ends = Some(ends);
        fragment
    };
    let open = chunk(vec![marked("{}", false)], None);
    for reason in [FinishReason::Length, FinishReason::Stop] {
        let steps = done(&[open.clone(), chunk(vec![], Some(reason))]);
        assert!(steps.concat().is_empty(), "{reason:?}");
    }
    let steps = done(&[open, chunk(vec![marked("", true)], None)]);
    assert_eq!(steps.iter().map(Vec::len).collect::<Vec<_>>(), [0, 1, 0]);
}
