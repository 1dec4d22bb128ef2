//! Masks what a server repeats of what it was sent.

use std::sync::Arc;

use crate::error::{ApiFailure, Error, Headers};
use crate::http::Head;
use crate::message::Reply;
use crate::redact::{self, Mask};

/// How many characters of a message are shown.
const SHOWN_CHARS: usize = 2_048;

/// An error with secrets masked, and with its message on one short line. `clean_headers` are masked already.
pub(super) fn masked(error: Error, clean_headers: Option<&Headers>, mask: &Mask) -> Error {
    let api = error.api().cloned();
    let said = api.iter().flat_map(|api| {
        let texts = [&api.message, &api.error_type, &api.code, &api.param];
        texts.into_iter().filter_map(|text| text.as_deref())
    });
    let texts = [Some(error.message()), error.request_id()];
    let is_clean = !mask.may_be_in(texts.into_iter().flatten().chain(said));
    let clean = |text: Option<String>| match text {
        Some(text) if !is_clean => Some(mask.text(&text).into_owned()),
        text => text,
    };
    let request_id = clean(error.request_id().map(str::to_owned));
    let headers = error.headers().map(|headers| {
        if clean_headers.is_some_and(|clean| Arc::ptr_eq(clean, headers)) {
            return Arc::clone(headers);
        }
        let mut head = Head {
            headers: Arc::clone(headers),
            ..Head::default()
        };
        head.mask(mask);
        head.headers
    });
    let message = clean(Some(error.message().to_owned())).unwrap_or_default();
    let message = redact::one_line(&message, SHOWN_CHARS);
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
        .with_request_id(request_id)
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

/// Whether a fact of a reply may hold a secret.
fn repeats(reply: &Reply, mask: &Mask) -> bool {
    let reasons = reply.choices.iter().map(|it| &it.provider_finish_reason);
    let facts = [&reply.id, &reply.model, &reply.request_id];
    let facts = facts.into_iter().chain(reasons).flatten();
    mask.may_be_in(facts.map(String::as_str))
}
