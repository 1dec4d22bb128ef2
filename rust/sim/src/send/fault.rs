//! What a fault inside an answer does when its position is reached.

use std::time::Duration;

use tokio::time::Instant;

use super::sender::{Sender, Stop};
use crate::hash::draw;
use crate::reply::ErrorPlace;
use crate::script::Fault;

/// Does what the fault says. An error ends the answer or its body.
pub(super) async fn strike(sender: &mut Sender<'_>, fault: &Fault) -> Result<(), Stop> {
    match fault {
        Fault::Reset { .. } => Err(Stop::Reset),
        Fault::Close { .. } | Fault::NoTerminator {} | Fault::ShortLength { .. } => {
            Err(Stop::Close)
        }
        Fault::NoHead {} => sender.pause(None).await,
        Fault::Stall { for_ms, .. } => sender.pause(for_ms.map(Duration::from_millis)).await,
        Fault::BadChunkSize { .. } => {
            sender.out.extend_from_slice(b"zz\r\n");
            sender.flush().await?;
            Err(Stop::Close)
        }
        Fault::ErrorEvent {
            named, body, done, ..
        } => {
            let place = ErrorPlace {
                request_id: &sender.request_id,
                is_first: sender.queued_events == 0,
            };
            let event = sender.api.error_event(*named, body.as_ref(), place);
            sender.plain_payload(&event, 1).await?;
            let end = sender.api.end_event();
            if *done && !end.is_empty() {
                sender.plain_payload(end, 1).await?;
            }
            Err(Stop::EndBody)
        }
        Fault::Garbage {
            bytes, seed, raw, ..
        } => {
            let mut state = *seed;
            let noise: Vec<u8> = std::iter::repeat_with(|| draw(&mut state).to_le_bytes())
                .flatten()
                .take(*bytes)
                .collect();
            if *raw {
                sender.out.extend_from_slice(&noise);
                return Ok(());
            }
            sender.plain_payload(&noise, 0).await
        }
        Fault::Endless { text, bytes, .. } => endless(sender, text.as_deref(), *bytes).await,
        Fault::Comments {
            interval_ms,
            count,
            text,
            ..
        } => {
            let text = text.as_deref().unwrap_or(": keep-alive\n\n");
            let mut next = Instant::now();
            let mut left = *count;
            while left != Some(0) {
                sender.plain_payload(text.as_bytes(), 0).await?;
                next += Duration::from_millis((*interval_ms).max(1));
                sender.pause_until(next).await?;
                left = left.map(|left| left - 1);
            }
            Ok(())
        }
        // The others have no position in an answer.
        _ => Ok(()),
    }
}

async fn endless(
    sender: &mut Sender<'_>,
    text: Option<&str>,
    bytes: Option<u64>,
) -> Result<(), Stop> {
    let unit = text.filter(|text| !text.is_empty()).unwrap_or("x");
    let block = unit.repeat((16 * 1024_usize).div_ceil(unit.len()));
    let mut left = bytes.unwrap_or(u64::MAX);
    while left > 0 {
        let size = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        sender
            .plain_payload(block.as_bytes().get(..size).unwrap_or_default(), 0)
            .await?;
        if bytes.is_some() {
            left -= size as u64;
        }
    }
    Ok(())
}
