//! The response object: what the terminal event, the first events and whole replies have.

use std::borrow::Cow;

use super::event::word;
use crate::json::{Error, Kind, Reader, as_count};
use crate::message::{FinishReason, ReplyHead, Usage};
use crate::wire::openai::usage;

type Result<T> = std::result::Result<T, Error>;

/// A response as it was sent.
#[derive(Debug, Default)]
pub(super) struct Response<'a> {
    id: Option<Cow<'a, str>>,
    model: Option<Cow<'a, str>>,
    created: Option<i64>,
    pub(super) status: Option<Cow<'a, str>>,
    /// What went wrong, as JSON text.
    pub(super) error: Option<&'a str>,
    /// Why it is incomplete, as JSON text.
    pub(super) details: Option<&'a str>,
    reason: Option<Cow<'a, str>>,
    pub(super) usage: Option<Box<Usage>>,
    /// Its items, as JSON text.
    pub(super) output: Option<&'a str>,
}

impl<'a> Response<'a> {
    /// Reads a response.
    pub(super) fn read(raw: &'a str) -> Result<Self> {
        let mut response = Self::default();
        Reader::over(raw).object_or_skip(|reader, key| {
            match key {
                "id" => response.id = word(reader)?,
                "model" => response.model = word(reader)?,
                "created_at" | "created" if reader.peek()? == Kind::Number => {
                    response.created = as_count(reader.number()?)
                        .filter(|&created| created > 0)
                        .and_then(|created| i64::try_from(created).ok());
                }
                "status" => response.status = word(reader)?,
                "error" => response.error = reader.raw_or_null()?,
                "incomplete_details" => {
                    response.details = reader.raw_or_null()?;
                    if let Some(details) = response.details {
                        Reader::over(details).object_or_skip(|reader, key| {
                            if key == "reason" {
                                response.reason = word(reader)?;
                                return Ok(());
                            }
                            reader.skip()
                        })?;
                    }
                }
                "usage" => response.usage = usage::of_responses(reader.raw()?)?,
                "output" => response.output = reader.raw_or_null()?,
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(response)
    }

    /// Notes the facts that belong to no choice. The first event that has one sets it, but the status changes.
    pub(super) fn note(&self, head: &mut ReplyHead) {
        let note = |known: &mut Option<String>, text: &Option<Cow<'_, str>>| {
            if known.is_none() {
                *known = text.as_deref().map(str::to_owned);
            }
        };
        note(&mut head.id, &self.id);
        note(&mut head.model, &self.model);
        head.created = head.created.or(self.created);
        if let Some(status) = &self.status {
            head.status = Some(status.clone().into_owned());
        }
    }

    /// Whether the provider is done with it, and nothing stopped it.
    pub(super) fn is_complete(&self) -> bool {
        matches!(
            self.status.as_deref(),
            None | Some("completed" | "complete")
        )
    }

    /// Why the reply ended, and the provider's word for it; `None` if it has not ended. `is_cut` says whether a call in
    /// it was cut.
    pub(super) fn finish(&self, is_cut: bool) -> Option<(FinishReason, String)> {
        let status = self.status.as_deref().unwrap_or("completed");
        let reason = match status {
            "completed" | "complete" => FinishReason::Stop,
            "queued" | "in_progress" => return None,
            "failed" => FinishReason::Error,
            "cancelled" | "canceled" => FinishReason::Abort,
            "incomplete" => match self.reason.as_deref() {
                Some("max_output_tokens" | "max_tokens") => FinishReason::Length,
                Some("content_filter") => FinishReason::ContentFilter,
                // A reader must not take the call for a complete one.
                _ if is_cut => FinishReason::Length,
                _ => FinishReason::Other,
            },
            _ => FinishReason::Other,
        };
        let word = match self.reason.as_deref() {
            Some(reason) if status == "incomplete" => reason,
            _ => status,
        };
        Some((reason, word.to_owned()))
    }
}
