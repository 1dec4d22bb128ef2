//! Every recorded exchange of chat and text completions, read by the dialects and by a plain reader in this test.

// The whole file is a test, including its helper functions.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]
#![allow(missing_docs, unreachable_pub)]

mod recorded;

use std::collections::BTreeMap;

use recorded::{Expected, ExpectedChoice, Row};
use tokenwire_core::error::{Error, ErrorKind};
use tokenwire_core::message::{ChunkKind, FinishReason, Fold, Reply, StreamEvent, StreamEvents};
use tokenwire_core::sse::{End, EventParser, Item};
use tokenwire_core::wire::{Dialect, Step, StreamDecoder, dialect};

const CAP: usize = 64 << 20;

fn dialect_of(row: &Row) -> &'static dyn Dialect {
    let api = if row.api == "completions" {
        "completions"
    } else {
        "chat"
    };
    dialect(api).unwrap()
}

/// How a stream was read.
struct Streamed {
    reply: Reply,
    chunks: Vec<ChunkKind>,
    done: bool,
    finished: bool,
    end: End,
}

fn stream(dialect: &dyn Dialect, chunks: impl Iterator<Item = Vec<u8>>) -> Result<Streamed, Error> {
    let mut decoder = dialect.stream(1);
    let mut parser = EventParser::new(CAP);
    let mut out = Vec::new();
    let mut done = false;
    for chunk in chunks {
        parser.push(&chunk, |item| {
            take(item, &mut *decoder, &mut out, &mut done)
        })?;
    }
    let end = parser.finish(|item| take(item, &mut *decoder, &mut out, &mut done))?;
    let mut fold = Fold::default();
    fold.set_head(decoder.head());
    for chunk in &out {
        fold.apply(chunk);
    }
    fold.settle();
    let reply = fold.into_reply();
    let finished = decoder.missing().is_none();
    Ok(Streamed {
        reply,
        chunks: out,
        done,
        finished,
        end,
    })
}

fn take(
    item: Item<'_>,
    decoder: &mut dyn StreamDecoder,
    out: &mut Vec<ChunkKind>,
    done: &mut bool,
) -> Result<(), Error> {
    match item {
        Item::Event { name, data } => *done |= decoder.event(name, data, out)? == Step::Done,
        Item::Stray { name, value } => decoder.stray_field(name, value)?,
        Item::Comment(_) => {}
    }
    Ok(())
}

fn seen(reply: &Reply) -> Expected {
    let choices = reply.choices.iter().map(|choice| {
        let calls = choice.tool_calls();
        let known = ExpectedChoice {
            text: choice.text().into_owned(),
            reasoning: choice.reasoning().into_owned(),
            refusal: choice.refusal().unwrap_or_default().into_owned(),
            calls: calls
                .map(|call| {
                    (
                        call.id.clone().unwrap_or_default(),
                        call.name.clone(),
                        call.arguments.clone(),
                    )
                })
                .collect(),
            finish: choice.provider_finish_reason.clone(),
            ..ExpectedChoice::default()
        };
        (u64::from(choice.index), known)
    });
    let usage = reply.usage.clone().unwrap_or_default();
    Expected {
        id: reply.id.clone().unwrap_or_default(),
        model: reply.model.clone().unwrap_or_default(),
        choices: choices.collect(),
        usage: [
            usage.prompt_tokens,
            usage.completion_tokens,
            usage.total_tokens,
        ],
        cached: usage.cached_tokens,
        reasoning_tokens: usage.reasoning_tokens,
        error: None,
    }
}

/// Compares what was read with what was expected, including the message of an error.
fn compare(read: Result<Expected, Error>, expected: &Expected) -> Result<(), String> {
    let read = read.map(|seen| without_made_up_ids(seen, expected));
    match (read, &expected.error) {
        (Ok(seen), None) if seen.agrees(expected) => Ok(()),
        (Ok(seen), None) => Err(format!("read {seen:#?}\nexpected {expected:#?}")),
        (Ok(_), Some(error)) => Err(format!("the error was missed: {error}")),
        (Err(error), Some(message)) => {
            let said = error
                .api()
                .and_then(|api| api.message.clone())
                .unwrap_or_default();
            if said == *message {
                Ok(())
            } else {
                Err(format!("says {said:?}, not {message:?}"))
            }
        }
        (Err(error), None) => Err(format!("{error:?}")),
    }
}

/// The same without the ids of calls that came without one.
fn without_made_up_ids(mut seen: Expected, expected: &Expected) -> Expected {
    for (index, choice) in &mut seen.choices {
        let sent = expected.choices.get(index);
        for (call, sent) in choice
            .calls
            .iter_mut()
            .zip(sent.iter().flat_map(|sent| &sent.calls))
        {
            if sent.0.is_empty() {
                assert_eq!(call.0.len(), 9, "made up");
                call.0.clear();
            }
        }
    }
    seen
}

/// Adds up the typed events; they must agree with the reply.
fn events_agree(streamed: &Streamed) -> Result<(), String> {
    let mut events = Vec::new();
    let mut typed = StreamEvents::default();
    for chunk in &streamed.chunks {
        typed.push(chunk, &mut events);
    }
    typed.finish(&mut events);
    let mut text: BTreeMap<u32, String> = BTreeMap::new();
    let mut calls: BTreeMap<(u32, u32), (String, String)> = BTreeMap::new();
    for event in events {
        match event {
            StreamEvent::TextDelta { index, text: piece } => {
                text.entry(index).or_default().push_str(&piece);
            }
            StreamEvent::ToolCallDone {
                index,
                call_index,
                call,
            } => {
                let before = calls.insert((index, call_index), (call.name, call.arguments));
                if before.is_some() {
                    return Err(format!("call {call_index} was done twice"));
                }
            }
            _ => {}
        }
    }
    for choice in &streamed.reply.choices {
        let said = text.remove(&choice.index).unwrap_or_default();
        if said != choice.text() {
            return Err(format!("events say {said:?}"));
        }
        for (at, call) in choice.tool_calls().enumerate() {
            let done = calls.remove(&(choice.index, u32::try_from(at).unwrap()));
            // A call that the token limit cut off has begun, but never becomes complete.
            let is_cut = choice.finish_reason == Some(FinishReason::Length)
                && serde_json::from_str::<serde_json::Value>(&call.arguments).is_err();
            let whole = (!is_cut).then(|| (call.name.clone(), call.arguments.clone()));
            if done != whole {
                return Err(format!("events say {done:?} of call {at}"));
            }
        }
    }
    Ok(())
}

/// Reads a stream in three kinds of chunks.
fn check_stream(row: &Row) -> Result<(), String> {
    let expected = recorded::stream(row);
    let wire = row.body.as_bytes();
    let whole = stream(dialect_of(row), std::iter::once(wire.to_vec()));
    let mut seed = wire.len() as u64 | 1;
    let mut random = Vec::new();
    let mut rest = wire;
    while !rest.is_empty() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let length = usize::try_from(seed >> 33).unwrap() % 900 + 1;
        let (head, tail) = rest.split_at(length.min(rest.len()));
        random.push(head.to_vec());
        rest = tail;
    }
    let others = [
        stream(dialect_of(row), wire.chunks(7).map(<[u8]>::to_vec)),
        stream(dialect_of(row), random.into_iter()),
    ];
    for other in others {
        match (&whole, &other) {
            (Ok(whole), Ok(other)) if whole.chunks == other.chunks => {}
            (Err(whole), Err(other)) if whole.message() == other.message() => {}
            _ => return Err("another chunking reads otherwise".to_owned()),
        }
    }
    if let Ok(streamed) = &whole {
        if !streamed.done && !streamed.finished || streamed.end == End::Cut {
            return Err(format!(
                "not complete: {:?}, open {}",
                streamed.end, !streamed.finished
            ));
        }
        events_agree(streamed)?;
    }
    compare(whole.map(|streamed| seen(&streamed.reply)), &expected)
}

/// Cuts a stream near its middle, before any finish: once after an event, once inside the next one.
fn check_cut(row: &Row) -> Result<bool, String> {
    let Some(border) = recorded::middle(&row.body) else {
        return Ok(false);
    };
    for cut in [border, border + 9] {
        let head = row.body.as_bytes()[..cut.min(row.body.len())].to_vec();
        match stream(dialect_of(row), std::iter::once(head)) {
            Ok(read) if read.done || read.finished => {
                return Err(format!("cut at {cut}, but complete"));
            }
            _ => {}
        }
    }
    Ok(true)
}

fn check_reply(row: &Row) -> Result<(), String> {
    let dialect = dialect_of(row);
    if row.status >= 400 {
        let error = dialect.decode_error(row.status, row.body.as_bytes());
        let kinds: &[ErrorKind] = match row.status {
            401 | 403 => &[ErrorKind::Authentication],
            404 => &[ErrorKind::ModelNotFound, ErrorKind::Api],
            429 => &[ErrorKind::RateLimit, ErrorKind::QuotaExceeded],
            500.. => &[ErrorKind::Server],
            _ => &[
                ErrorKind::Api,
                ErrorKind::ContextLength,
                ErrorKind::ContentFilter,
                ErrorKind::ModelNotFound,
            ],
        };
        if !kinds.contains(&error.kind()) {
            return Err(format!("{:?} for {}", error.kind(), error.message()));
        }
        let expected = recorded::error_message(&row.body);
        let said = error.api().and_then(|api| api.message.clone());
        return if said == expected {
            Ok(())
        } else {
            Err(format!("says {said:?}, not {expected:?}"))
        };
    }
    let read = dialect.decode_reply(row.body.as_bytes(), 1);
    compare(read.map(|reply| seen(&reply)), &recorded::reply(row))
}

/// Rows that cannot pass, with the reason.
const LISTED: &[(&str, &str)] = &[
    (
        "test_anthropic_instrumentation_async_completions",
        "Anthropic's /v1/complete, another API",
    ),
    (
        "test_anthropic_instrumentation_completions",
        "Anthropic's /v1/complete, another API",
    ),
    (
        "test_anthropic_completion_legacy.yaml",
        "Anthropic's /v1/complete, another API",
    ),
    (
        "beeai/cassettes/test_instrumentor/test_agent.yaml#1",
        "the body was not recorded",
    ),
    (
        "beeai/cassettes/test_instrumentor/test_instrumentor.yaml#1",
        "the body was not recorded",
    ),
    (
        "beeai/cassettes/test_instrumentor/test_llm_with_tools.yaml#1",
        "the body was not recorded",
    ),
    (
        "portkey/tests/cassettes/test_chat_completion.yaml#0",
        "the body was not recorded",
    ),
    (
        "opencode_go/minimax",
        "answers in the form of Anthropic's Messages API",
    ),
];

#[test]
fn every_recording_is_read_as_expected() {
    let rows = recorded::rows();
    let (mut passed, mut cut, mut listed) = (0, 0, 0);
    let mut failed = Vec::new();
    for row in &rows {
        let result = if row.is_sse {
            check_stream(row)
        } else {
            check_reply(row)
        };
        let known = LISTED
            .iter()
            .find(|(source, _)| row.source.contains(source));
        match (result, known) {
            (Ok(()), None) => passed += 1,
            (Err(_), Some((_, why))) => {
                println!("{}: {why}", row.source);
                listed += 1;
            }
            (Ok(()), Some(_)) => failed.push(format!("{}: listed, but it passes", row.source)),
            (Err(why), None) => failed.push(format!("{}: {why}", row.source)),
        }
        if row.is_sse {
            match check_cut(row) {
                Ok(was_cut) => cut += usize::from(was_cut),
                Err(why) => failed.push(format!("{}: {why}", row.source)),
            }
        }
    }
    println!(
        "{} rows: {passed} passed, {listed} listed; {cut} streams cut",
        rows.len()
    );
    let shown = failed
        .iter()
        .take(40)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    assert!(failed.is_empty(), "{} failed:\n{shown}", failed.len());
}
