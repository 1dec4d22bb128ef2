//! One answer from its plan to its end.

use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::head::{End, write_head};
use super::sender::{Ids, Sender, Stop};
use crate::http::{Wire, reason};
use crate::log::Kind;
use crate::reply::{Body, Due, Events, Plan, draw};
use crate::script::{Chunking, Fault, Framing, Position};
use crate::state::State;

/// Sends the answer; `Ok(true)` when the connection can take another request.
pub(crate) async fn answer(
    wire: &mut Wire,
    state: &State,
    ids: Ids,
    plan: Plan,
    arrived: Instant,
    client_closes: bool,
) -> Result<bool, Stop> {
    let mut sender = Sender::new(wire, state, ids, &plan);
    let result = send(&mut sender, plan, ids, arrived, client_closes).await;
    match result {
        Ok(keeps) => Ok(keeps),
        Err(stop) => {
            let (kind, what) = match stop {
                Stop::Gone(gone) => (Kind::ClientClosed, Some(gone.name())),
                Stop::Reset => (Kind::Reset, None),
                Stop::Close | Stop::EndBody => (Kind::Closed, None),
            };
            if matches!(stop, Stop::Gone(_)) {
                let counters = &state.counters;
                counters.closed_by_client.fetch_add(1, Ordering::Relaxed);
                counters.cancelled.fetch_add(1, Ordering::Relaxed);
            }
            let mut entry = sender.last_entry(kind);
            entry.what = what;
            state.log.write(entry);
            Err(stop)
        }
    }
}

async fn send(
    sender: &mut Sender<'_>,
    plan: Plan,
    ids: Ids,
    arrived: Instant,
    client_closes: bool,
) -> Result<bool, Stop> {
    let prepared = std::sync::Arc::clone(&plan.prepared);
    let (behaviour, pacing) = (&prepared.behaviour, &prepared.pacing);
    let fault = behaviour.fault.as_ref();
    let mut plan = plan;
    if matches!(plan.framing, Framing::Length)
        && let Body::Events(stream) = &mut plan.body
    {
        let mut bytes = Vec::new();
        while stream.write_next(&mut bytes) {}
        let chunking = Chunking::Events;
        plan.body = Body::Whole {
            bytes: bytes.into(),
            chunking,
            tokens: 0,
        };
    }
    if let Some(fault) = fault
        && let Some(mut at) = fault.position()
    {
        if let (Position::Events(events), Body::Whole { bytes, .. }) = (at, &plan.body) {
            at = match events {
                0 => Position::AfterHead,
                _ => event_ends(bytes)
                    .nth(usize::try_from(events - 1).unwrap_or(usize::MAX))
                    .map_or(Position::End, |end| Position::Bytes(end as u64)),
            };
        }
        sender.arm(at, fault);
    } else if let Some(fault) = fault {
        sender.note_fault(fault);
    }
    let head_at = arrived + Duration::from_millis(pacing.head_delay_ms);
    let first_token = head_at + Duration::from_millis(pacing.first_token_ms);
    let per_token = Duration::from_micros(pacing.per_token_us);
    if let Body::Whole { tokens, .. } = &plan.body {
        let steps = u32::try_from(tokens.saturating_sub(1)).unwrap_or(u32::MAX);
        let wait = per_token.saturating_mul(steps);
        // A whole reply comes when its last token is there; a replay or an error has none.
        let has_tokens = *tokens > 0;
        sender
            .pause_until(if has_tokens {
                first_token + wait
            } else {
                head_at
            })
            .await?;
    } else {
        sender.pause_until(head_at).await?;
    }
    sender.reach(Position::BeforeHead).await?;
    let end = body_end(&plan, fault);
    let closes = behaviour.close_after || client_closes || end == End::Close;
    if plan.framing != Framing::Raw {
        send_head(sender, &plan, ids, end, closes, fault).await?;
    }
    sender.frame(end == End::Chunked);
    let delay = Duration::from_micros(pacing.delay_between_writes_us);
    sender.portion(pacing.bytes_per_write, delay);
    let body = async {
        sender.reach(Position::AfterHead).await?;
        match &mut plan.body {
            _ if end == End::Nothing => {}
            Body::Whole {
                bytes, chunking, ..
            } => send_whole(sender, bytes, chunking).await?,
            Body::Events(stream) => {
                let per_write = pacing.tokens_per_write.max(1);
                send_events(sender, stream.as_mut(), per_write, first_token, per_token).await?;
            }
        }
        // A place beyond the end is the end.
        match sender.fault_at() {
            Some(at) => sender.reach(at).await,
            None => Ok(()),
        }
    };
    match body.await {
        Ok(()) | Err(Stop::EndBody) => {}
        Err(stop) => return Err(stop),
    }
    let trailing = match fault {
        Some(Fault::TrailingBytes { text }) => text.as_bytes(),
        _ => b"",
    };
    sender.finish(trailing).await?;
    Ok(!closes && plan.framing != Framing::Raw)
}

fn body_end(plan: &Plan, fault: Option<&Fault>) -> End {
    if matches!(plan.status, 204 | 304) {
        return End::Nothing;
    }
    let needs_chunks = matches!(
        fault,
        Some(
            Fault::NoTerminator {}
                | Fault::BadChunkSize { .. }
                | Fault::Endless { .. }
                | Fault::ErrorEvent { .. }
                | Fault::Comments { .. }
                | Fault::Garbage { raw: false, .. }
        )
    );
    match (plan.framing, &plan.body) {
        (Framing::Close | Framing::Raw, _) => End::Close,
        (Framing::Auto, _) if needs_chunks => End::Chunked,
        (Framing::Auto | Framing::Length, Body::Whole { bytes, .. }) => {
            let missing = match fault {
                Some(Fault::ShortLength { missing }) => *missing,
                _ => 0,
            };
            End::Length(bytes.len() + missing)
        }
        _ => End::Chunked,
    }
}

async fn send_head(
    sender: &mut Sender<'_>,
    plan: &Plan,
    ids: Ids,
    end: End,
    closes: bool,
    fault: Option<&Fault>,
) -> Result<(), Stop> {
    if let Some(Fault::Interim { status, count }) = fault {
        let mut interim = Vec::new();
        let _ = write!(interim, "HTTP/1.1 {status} {}\r\n\r\n", reason(*status));
        for _ in 0..*count {
            sender.queue_raw(&interim);
        }
    }
    let mut head = Vec::with_capacity(256);
    write_head(&mut head, plan, ids.request, end, closes);
    sender.queue_raw(&head);
    if let Some(Fault::SlowHead { bytes, interval_ms }) = fault {
        let slow = sender.take_queue();
        let mut next = Instant::now();
        for piece in slow.chunks((*bytes).max(1)) {
            sender.wire.send(piece).await?;
            next += Duration::from_millis(*interval_ms);
            sender.wire.pause_until(next).await?;
        }
    }
    Ok(())
}

async fn send_whole(
    sender: &mut Sender<'_>,
    bytes: &Bytes,
    chunking: &Chunking,
) -> Result<(), Stop> {
    let mut ends: Vec<usize> = event_ends(bytes).collect();
    let cuts: Vec<usize> = match chunking {
        Chunking::Whole => Vec::new(),
        Chunking::Events => ends.clone(),
        Chunking::Bytes(size) => (0..bytes.len()).step_by((*size).max(1)).collect(),
        Chunking::Random(seed) => {
            let (mut state, mut at, mut cuts) = (*seed, 0, Vec::new());
            while at < bytes.len() {
                at += 1 + usize::try_from(draw(&mut state) % 64).unwrap_or(0);
                cuts.push(at);
            }
            cuts
        }
        Chunking::Cuts(cuts) => cuts.clone(),
    };
    ends.reverse();
    let mut from = 0;
    for cut in cuts.into_iter().chain([bytes.len()]) {
        let Some(piece) = bytes.get(from..cut).filter(|piece| !piece.is_empty()) else {
            continue;
        };
        let mut events = 0;
        while ends.last().is_some_and(|end| *end <= cut) {
            ends.pop();
            events += 1;
        }
        sender.payload(piece, events).await?;
        from = cut;
    }
    Ok(())
}

/// Offsets behind the blank line of each event of an event stream.
fn event_ends(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let is_stream = [&b"data:"[..], b"event:", b":", b"id:"]
        .iter()
        .any(|s| bytes.starts_with(s));
    let mut line_start = 0;
    let mut has_lines = false;
    let lines = if is_stream { bytes } else { b"" };
    memchr::memchr_iter(b'\n', lines).filter_map(move |at| {
        let line = lines.get(line_start..at).unwrap_or_default();
        line_start = at + 1;
        let is_end = (line.is_empty() || line == b"\r") && has_lines;
        has_lines = !(line.is_empty() || line == b"\r");
        is_end.then_some(at + 1)
    })
}

async fn send_events(
    sender: &mut Sender<'_>,
    stream: &mut dyn Events,
    per_write: u64,
    first_token: Instant,
    per_token: Duration,
) -> Result<(), Stop> {
    let mut payload = Vec::with_capacity(512);
    let is_paced = !per_token.is_zero() || first_token > Instant::now();
    while let Some(due) = stream.next_due() {
        let mut room = per_write;
        if let Some(Position::Events(at)) = sender.fault_at() {
            let before = at.saturating_sub(sender.queued_events());
            if before == 0 {
                sender.reach(Position::Events(at)).await?;
                continue;
            }
            room = room.min(before);
        }
        if let Due::Step(step) = due
            && is_paced
        {
            let step = u32::try_from(step).unwrap_or(u32::MAX);
            sender
                .pause_until(first_token + per_token.saturating_mul(step))
                .await?;
        }
        payload.clear();
        let mut events = 0;
        while events < room && stream.write_next(&mut payload) {
            events += 1;
            // The events of the head do not wait for the first token.
            if due == Due::Head && is_paced && stream.next_due() != Some(Due::Head) {
                break;
            }
        }
        sender.payload(&payload, events).await?;
    }
    Ok(())
}
