//! Masks what a server repeats of what it was sent.

use std::borrow::Cow;
use std::sync::Arc;

use crate::error::{ApiFailure, Error};
use crate::http::Head;
use crate::message::Reply;
use crate::redact::{self, Mask};

/// How many characters of a message are shown.
const SHOWN_CHARS: usize = 2_048;

/// An error with secrets masked, and with its message on one short line.
pub(super) fn masked(error: Error, mask: &Mask) -> Error {
    let clean = |text: Option<String>| text.map(|text| mask.text(&text).into_owned());
    let mut head = Head {
        request_id: clean(error.request_id().map(str::to_owned)),
        headers: error.headers().cloned().unwrap_or_default(),
        ..Head::default()
    };
    head.mask(mask);
    let headers = error.headers().map(|_| head.headers);
    let message = redact::one_line(&mask.text(error.message()), SHOWN_CHARS);
    let api = error.api().cloned();
    let partial = error.partial().map(|partial| {
        let mut partial = Arc::clone(partial);
        // It may be long, and others may hold it too, so it is copied only if there is something to mask.
        if repeats(&partial, mask) {
            mask_each(Arc::make_mut(&mut partial), mask);
        }
        partial
    });
    let error = error
        .with_message(message)
        .with_request_id(head.request_id)
        .with_headers(headers)
        .with_partial(partial);
    match api {
        None => error,
        Some(api) => error.with_api(ApiFailure {
            message: clean(api.message),
            error_type: clean(api.error_type),
            code: clean(api.code),
            param: clean(api.param),
            // A body inside of a stream or a reply was shortened to as much.
            body: mask.bytes(api.body, true),
            ..api
        }),
    }
}

/// Masks secrets in the facts of a reply. Its content stays as it came.
pub(super) fn mask_facts(reply: &mut Reply, mask: &Mask) {
    if repeats(reply, mask) {
        mask_each(reply, mask);
    }
}

fn mask_each(reply: &mut Reply, mask: &Mask) {
    for fact in [&mut reply.id, &mut reply.model, &mut reply.request_id] {
        mask.field(fact);
    }
    for choice in &mut reply.choices {
        mask.field(&mut choice.provider_finish_reason);
    }
}

/// Whether a fact of a reply holds a secret. All are searched at once, because hardly any reply has one.
fn repeats(reply: &Reply, mask: &Mask) -> bool {
    let reasons = reply.choices.iter().map(|it| &it.provider_finish_reason);
    let facts = [&reply.id, &reply.model, &reply.request_id];
    let (mut lines, mut longest) = (String::with_capacity(256), 0);
    for fact in facts.into_iter().chain(reasons).flatten() {
        lines.push_str(fact);
        lines.push('\n');
        longest = longest.max(fact.len());
    }
    matches!(mask.lines(&lines, longest), Cow::Owned(_))
}
