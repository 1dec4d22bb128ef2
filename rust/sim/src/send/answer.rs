//! One answer from its plan to its end.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::head::{End, write_head};
use super::repeat::{Repeating, with_repeated};
use super::sender::{Sender, Stop};
use crate::hash::draw;
use crate::http::reason;
use crate::log::Record;
use crate::reply::{Body, Due, Events, Plan, is_event_stream};
use crate::script::{Chunking, Fault, Framing, Position};

/// Sends the answer to a request that arrived at `arrived`. Returns whether the connection can
/// take another request, or why it ended and the record for the log.
pub(crate) async fn answer(
    mut sender: Sender<'_>,
    plan: Plan,
    arrived: Instant,
    client_closes: bool,
) -> Result<bool, (Stop, Record)> {
    let result = send(&mut sender, plan, arrived, client_closes).await;
    result.map_err(|stop| (stop, sender.cut_short(stop)))
}

async fn send(
    sender: &mut Sender<'_>,
    mut plan: Plan,
    arrived: Instant,
    client_closes: bool,
) -> Result<bool, Stop> {
    let prepared = Arc::clone(&plan.prepared);
    let (behaviour, pacing) = (&prepared.behaviour, &prepared.pacing);
    let fault = behaviour.fault.as_ref();
    if behaviour.framing == Framing::Length {
        collect_events(&mut plan);
    }
    let repeated = fault.map_or(0..0, Fault::repeated);
    if let Body::Whole { bytes, .. } = &mut plan.body
        && !repeated.is_empty()
    {
        *bytes = with_repeated(bytes, event_ends(bytes), &repeated);
    }
    if let Some(fault) = fault {
        match fault.position() {
            Some(at) => sender.fault = Some((position_in(&plan.body, at), fault.clone())),
            None => sender.log_fault(fault),
        }
    }
    let head_at = arrived + Duration::from_millis(pacing.head_delay_ms);
    let first_token = head_at + Duration::from_millis(pacing.first_token_ms);
    let per_token = Duration::from_micros(pacing.per_token_us);
    let begins = match plan.body {
        // A whole reply is sent when its last token is due.
        Body::Whole {
            tokens: Some(tokens @ 1..),
            ..
        } => token_time(first_token, per_token, tokens - 1),
        _ => head_at,
    };
    sender.pause_until(begins).await?;
    sender.reach(Position::BeforeHead).await?;
    let end = End::of(&plan);
    let closes = behaviour.close_after || client_closes || end == End::Close;
    if behaviour.framing != Framing::Raw {
        send_head(sender, &plan, end, closes, fault).await?;
    }
    sender.is_chunked = end == End::Chunked;
    sender.bytes_per_write = pacing.bytes_per_write;
    sender.delay = Duration::from_micros(pacing.delay_between_writes_us);
    let body = async {
        sender.reach(Position::AfterHead).await?;
        match &mut plan.body {
            _ if end == End::Nothing => {}
            Body::Whole { bytes, .. } => send_whole(sender, bytes, &plan.chunking).await?,
            Body::Events(stream) => {
                let mut stream = Repeating::new(stream.as_mut(), repeated);
                let per_write = pacing.tokens_per_write.max(1);
                send_events(sender, &mut stream, per_write, first_token, per_token).await?;
            }
        }
        // A position beyond the end is the end.
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
    Ok(!closes)
}

/// Makes all events at once, so that the length of the body is known.
fn collect_events(plan: &mut Plan) {
    if let Body::Events(stream) = &mut plan.body {
        let mut bytes = Vec::new();
        while stream.write_next(&mut bytes) {}
        plan.chunking = Chunking::Events;
        plan.body = Body::Whole {
            bytes: bytes.into(),
            tokens: None,
        };
    }
}

/// A whole body has no events to count while it is sent, so their ends are looked up.
fn position_in(body: &Body, at: Position) -> Position {
    let (Position::Events(events), Body::Whole { bytes, .. }) = (at, body) else {
        return at;
    };
    let Some(last) = events.checked_sub(1) else {
        return Position::AfterHead;
    };
    event_ends(bytes)
        .nth(usize::try_from(last).unwrap_or(usize::MAX))
        .map_or(Position::End, |end| Position::Bytes(end as u64))
}

/// When a token is due; the first is 0.
fn token_time(first_token: Instant, per_token: Duration, token: u64) -> Instant {
    let token = u32::try_from(token).unwrap_or(u32::MAX);
    first_token + per_token.saturating_mul(token)
}

async fn send_head(
    sender: &mut Sender<'_>,
    plan: &Plan,
    end: End,
    closes: bool,
    fault: Option<&Fault>,
) -> Result<(), Stop> {
    if let Some(Fault::Interim { status, count }) = fault {
        for _ in 0..*count {
            let _ = write!(sender.out, "HTTP/1.1 {status} {}\r\n\r\n", reason(*status));
        }
    }
    write_head(&mut sender.out, plan, end, closes);
    if let Some(Fault::SlowHead { bytes, interval_ms }) = fault {
        let head = std::mem::take(&mut sender.out);
        let mut next = Instant::now();
        for piece in head.chunks((*bytes).max(1)) {
            sender.wire.send(piece).await?;
            next += Duration::from_millis(*interval_ms);
            sender.wire.pause_until(next).await?;
        }
    }
    Ok(())
}

async fn send_whole(
    sender: &mut Sender<'_>,
    bytes: &[u8],
    chunking: &Chunking,
) -> Result<(), Stop> {
    let cuts: Vec<usize> = match chunking {
        Chunking::Whole => Vec::new(),
        Chunking::Events => event_ends(bytes).collect(),
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
    let mut ends = event_ends(bytes).peekable();
    let mut from = 0;
    for cut in cuts.into_iter().chain([bytes.len()]) {
        let Some(piece) = bytes.get(from..cut).filter(|piece| !piece.is_empty()) else {
            continue;
        };
        let mut events = 0;
        while ends.next_if(|end| *end <= cut).is_some() {
            events += 1;
        }
        sender.payload(piece, events).await?;
        from = cut;
    }
    Ok(())
}

/// The offset after the blank line of each event of an event stream.
fn event_ends(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let mut line_start = 0;
    let mut has_lines = false;
    let lines = if is_event_stream(bytes) { bytes } else { b"" };
    memchr::memchr_iter(b'\n', lines).filter_map(move |at| {
        let line = lines.get(line_start..at).unwrap_or_default();
        line_start = at + 1;
        let is_blank = line.is_empty() || line == b"\r";
        let is_end = is_blank && has_lines;
        has_lines = !is_blank;
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
            let before = at.saturating_sub(sender.queued_events);
            if before == 0 {
                sender.reach(Position::Events(at)).await?;
                continue;
            }
            room = room.min(before);
        }
        if let Due::Step(step) = due
            && is_paced
        {
            let at = token_time(first_token, per_token, step);
            sender.pause_until(at).await?;
        }
        payload.clear();
        let mut events = 0;
        while events < room && stream.write_next(&mut payload) {
            events += 1;
            // The events that are due with the head do not wait for the first token.
            if due == Due::Head && is_paced && stream.next_due() != Some(Due::Head) {
                break;
            }
        }
        sender.payload(&payload, events).await?;
    }
    Ok(())
}
