//! The end of a reply: what the terminal event repeats, and why the reply ended.

use super::item::{Item, list};
use super::response::Response;
use super::stream::ResponsesStream;
use crate::error::{Error, ErrorKind};
use crate::json::Reader;
use crate::message::{ChunkKind, Delta, FinishReason};
use crate::wire::errors;
use crate::wire::openai::chat::is_failure;
use crate::wire::stray::unexpected;

impl ResponsesStream {
    /// The terminal event, or a whole reply.
    pub(super) fn end(
        &mut self,
        response: &Response<'_>,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        self.done = true;
        response.note(&mut self.head);
        let mut failed = Ok(());
        let output = response.output.unwrap_or("null");
        Reader::over(output).array_or_skip(|reader| {
            if let Some(item) = Item::read(reader.raw()?)?
                && failed.is_ok()
            {
                failed = self.repeated(item, output, out);
            }
            Ok(())
        })?;
        failed?;
        let has_output = response
            .output
            .is_some_and(|output| output.starts_with('['));
        if response.is_complete() && !has_output && !self.parts.any() {
            // An empty list would be an empty answer; without a list, there is no answer.
            let message = "the reply is complete, but it has no output";
            return Err(unexpected(message).retryable(true));
        }
        let is_lost = self.is_lost(response);
        self.leave(response, out);
        let finish = response.finish(self.parts.is_cut);
        let failure = match (&finish, response.error.filter(|error| is_failure(error))) {
            (Some((FinishReason::Error, _)), Some(error)) => Some(errors::in_choice(error)),
            (Some((reason, word)), _) if reason.is_failure() => {
                Some(errors::ended_with(word, None))
            }
            _ => None,
        };
        // There is nothing in it that another attempt would repeat.
        if let Some(failure) = &failure
            && !self.parts.any()
            && response.usage.is_none()
        {
            return Err(failure.clone());
        }
        if finish.is_none() && response.usage.is_some() {
            // Token counts alone do not make a choice.
            out.push(ChunkKind::Delta(Box::default()));
        }
        let (reason, word) = finish.unzip();
        let (refused, called) = (self.parts.refused, self.parts.called());
        out.push(ChunkKind::Delta(Box::new(Delta {
            finish_reason: reason.map(|reason| reason.corrected(refused, called)),
            provider_finish_reason: word,
            stop_details: response.details.map(Into::into),
            usage: response.usage.clone(),
            ..Delta::default()
        })));
        match failure {
            Some(failure) => Err(failure),
            None if is_lost => {
                let message = "the stream is incomplete: a part of it was lost on the way, and its end does not repeat it";
                Err(Error::new(ErrorKind::StreamIncomplete, message).retryable(true))
            }
            None => Ok(()),
        }
    }

    /// An item that the terminal event has.
    fn repeated(
        &mut self,
        item: Item<'_>,
        output: &str,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        let at = self.items.repeated(&item, output, &mut self.parts)?;
        match self.items.list.get_mut(at) {
            Some(known) if known.has_ended => known.repeat(&item, &mut self.parts, out),
            Some(known) => known.end(item, &mut self.parts, out),
            None => Ok(()),
        }
    }

    /// Whether something was lost on the way, and is nowhere repeated.
    fn is_lost(&self, response: &Response<'_>) -> bool {
        // Where no number is missing, a server repeats in other words what it said.
        if self.sequence.counts() && !self.sequence.has_gap {
            return false;
        }
        let is_repeated = response.output.and_then(list).is_some();
        let mut open = self.items.list.iter().filter(|item| !item.has_ended);
        self.parts.differs
            || self.sequence.has_gap
                && !is_repeated
                && (self.sequence.ends_with_gap || open.next().is_some() || self.items.has_hole())
    }

    /// Ends the items that are nowhere in full.
    fn leave(&mut self, response: &Response<'_>, out: &mut Vec<ChunkKind>) {
        let is_complete = response.is_complete();
        for item in &mut self.items.list {
            if !item.has_ended {
                item.leave(is_complete, &mut self.parts, out);
            }
        }
    }
}
