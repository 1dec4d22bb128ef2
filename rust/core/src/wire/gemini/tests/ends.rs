//! Why a candidate ended, and when a stream is complete.

use serde_json::{Value, json};

use super::{decoded, event, last, parts, read, whole};
use crate::error::ErrorKind;
use crate::message::{ChunkKind, FinishReason};

/// The reason that a reply with this word has, or that of the partial reply of its error.
fn reason(word: &Value, content: &Value) -> (Option<FinishReason>, Option<String>, bool) {
    let body = json!({"candidates": [{"content": {"parts": content}, "finishReason": word}]});
    let (reply, failed) = match decoded(&body) {
        Ok(reply) => (reply, false),
        Err(error) => ((**error.partial().unwrap()).clone(), true),
    };
    let choice = &reply.choices[0];
    (
        choice.finish_reason,
        choice.provider_finish_reason.clone(),
        failed,
    )
}

#[test]
fn each_word_and_number_has_its_reason() {
    use FinishReason as R;
    for (words, expected) in [
        (vec!["STOP", "1"], R::Stop),
        (vec!["MAX_TOKENS", "CONTINUATION", "2"], R::Length),
        (
            vec![
                "SAFETY",
                "RECITATION",
                "BLOCKLIST",
                "PROHIBITED_CONTENT",
                "SPII",
                "MODEL_ARMOR",
                "IMAGE_SAFETY",
                "IMAGE_PROHIBITED_CONTENT",
                "IMAGE_RECITATION",
                "3",
                "4",
                "7",
                "8",
                "9",
                "11",
            ],
            R::ContentFilter,
        ),
        (
            vec![
                "MALFORMED_FUNCTION_CALL",
                "UNEXPECTED_TOOL_CALL",
                "TOO_MANY_TOOL_CALLS",
                "MISSING_THOUGHT_SIGNATURE",
                "MALFORMED_RESPONSE",
                "10",
                "12",
                "13",
            ],
            R::Error,
        ),
        (
            vec![
                "LANGUAGE",
                "OTHER",
                "ESCALATION",
                "PUP_LIMITED_DISABLED",
                "NO_IMAGE",
                "IMAGE_OTHER",
                "NEW_WORD",
                "5",
                "6",
                "99",
            ],
            R::Other,
        ),
    ] {
        for word in words {
            let value = word
                .parse::<u64>()
                .map_or(json!(word), |number| json!(number));
            let text = json!([{"text": "a"}]);
            let found = reason(&value, &text);
            assert_eq!(
                found,
                (Some(expected), Some(word.to_owned()), expected == R::Error),
                "{word}"
            );
            let call = json!([{"functionCall": {"name": "f"}}]);
            let called = match expected {
                R::Stop | R::Other => R::ToolCalls,
                other => other,
            };
            assert_eq!(reason(&value, &call).0, Some(called), "{word} with a call");
        }
    }
    for none in [
        json!(null),
        json!(""),
        json!(0),
        json!("FINISH_REASON_UNSPECIFIED"),
        json!({}),
    ] {
        assert_eq!(
            reason(&none, &json!([{"text": "a"}])),
            (None, None, false),
            "{none}"
        );
    }
}

#[test]
fn a_call_that_the_provider_calls_malformed_is_an_error_with_its_explanation() {
    let body = json!({"candidates": [{
        "content": {"parts": [{"functionCall": {"name": "f", "args": {}}}]}, "finishReason": "UNEXPECTED_TOOL_CALL",
        "finishMessage": "Unexpected tool call:\nf", "safetyRatings": [{"probability": "LOW"}], "avgLogprobs": -1.5,
    }]});
    let error = decoded(&body).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    assert_eq!(
        error.message(),
        "the provider failed in the middle of the reply (finish_reason: UNEXPECTED_TOOL_CALL): Unexpected tool call: f"
    );
    let choice = &error.partial().unwrap().choices[0];
    assert_eq!(choice.finish_reason, Some(FinishReason::Error));
    let details: Value = serde_json::from_str(choice.stop_details.as_ref().unwrap().get()).unwrap();
    assert_eq!(
        details,
        json!({"finishMessage": "Unexpected tool call:\nf", "safetyRatings": [{"probability": "LOW"}]})
    );
    // In a stream, it is the first thing that came: another attempt repeats nothing.
    let mut only = last("MALFORMED_FUNCTION_CALL");
    only["candidates"][0]["finishMessage"] = json!("bad");
    let alone = read(&[only.clone()]);
    assert!(
        alone
            .error
            .unwrap()
            .message()
            .ends_with("(finish_reason: MALFORMED_FUNCTION_CALL): bad")
    );
    let later = read(&[event(&json!([{"text": "a"}])), only]);
    assert!(later.error.is_none());
    assert_eq!(later.failure.unwrap().kind(), ErrorKind::Server);
    assert_eq!(parts(&later.reply), json!([{"text": "a"}]));
}

#[test]
fn a_reply_that_a_filter_stopped_says_why() {
    let ratings =
        json!([{"category": "HARM_CATEGORY_HATE_SPEECH", "probability": "HIGH", "blocked": true}]);
    let mut end = json!({"candidates": [{"content": {}, "finishReason": "SAFETY", "safetyRatings": ratings}]});
    let reply = decoded(&end).unwrap();
    let choice = &reply.choices[0];
    assert_eq!(choice.finish_reason, Some(FinishReason::ContentFilter));
    let details: Value = serde_json::from_str(choice.stop_details.as_ref().unwrap().get()).unwrap();
    assert_eq!(details, json!({"safetyRatings": ratings}));
    assert_eq!(parts(&reply), json!([]));
    // Without the filter they are only there.
    end["candidates"][0]["finishReason"] = json!("STOP");
    let reply = decoded(&end).unwrap();
    assert_eq!(
        parts(&reply),
        json!([{"opaque": ratings, "field": "safetyRatings"}])
    );
    assert!(reply.choices[0].stop_details.is_none());
}

#[test]
fn a_blocked_prompt_is_a_reply_without_candidates() {
    let feedback =
        json!({"blockReason": "MODEL_ARMOR", "blockReasonMessage": "The prompt violated filters."});
    let body = json!({
        "promptFeedback": feedback, "usageMetadata": {"trafficType": "ON_DEMAND"}, "modelVersion": "m", "responseId": "r",
    });
    for reply in [
        decoded(&body).unwrap(),
        decoded(&json!([body])).unwrap(),
        read(std::slice::from_ref(&body)).reply,
    ] {
        let choice = &reply.choices[0];
        assert_eq!(choice.finish_reason, Some(FinishReason::ContentFilter));
        assert_eq!(
            choice.provider_finish_reason.as_deref(),
            Some("MODEL_ARMOR")
        );
        let details: Value =
            serde_json::from_str(choice.stop_details.as_ref().unwrap().get()).unwrap();
        assert_eq!(details, feedback);
        assert_eq!(reply.id.as_deref(), Some("r"));
    }
    // The feedback is in the first event only; nothing has to follow.
    let stream = read(&[
        body.clone(),
        json!({"usageMetadata": {"promptTokenCount": 4}}),
    ]);
    assert_eq!(stream.parts(), json!([]));
    for reason in [
        json!("SAFETY"),
        json!("OTHER"),
        json!("JAILBREAK"),
        json!("NEW_WORD"),
        json!(1),
    ] {
        let reply = decoded(&json!({"promptFeedback": {"blockReason": reason}})).unwrap();
        assert_eq!(
            reply.choices[0].finish_reason,
            Some(FinishReason::ContentFilter),
            "{reason}"
        );
    }
    // It may say something about a prompt that it took.
    let taken = json!({"promptFeedback": {"safetyRatings": [{"probability": "LOW"}]}});
    let events = [taken.clone(), event(&json!([{"text": "a"}])), last("STOP")];
    let kept = json!({"opaque": taken["promptFeedback"], "field": "promptFeedback"});
    assert_eq!(read(&events).parts(), json!([{"text": "a"}, kept]));
    assert!(read(&events[..1]).missing.is_some());
}

#[test]
fn a_continuation_is_a_cut_reply_with_its_token() {
    let reply = decoded(&json!({"candidates": [{
        "content": {"parts": [{"text": "a"}]}, "finishReason": "CONTINUATION", "continuationToken": "ct",
    }]}))
    .unwrap();
    assert_eq!(reply.choices[0].finish_reason, Some(FinishReason::Length));
    assert_eq!(
        parts(&reply),
        json!([{"text": "a"}, {"opaque": "ct", "field": "continuationToken"}])
    );
}

#[test]
fn a_stream_is_complete_when_a_finish_reason_has_come() {
    let text = event(&json!([{"text": "a"}]));
    let cut = read(std::slice::from_ref(&text));
    assert_eq!(
        cut.missing.unwrap(),
        "no finishReason arrived for candidate 0"
    );
    assert_eq!(parts(&cut.reply), json!([{"text": "a"}]));
    assert_eq!(read(&[]).missing.unwrap(), "it ended before any candidate");
    assert_eq!(read(&[text, last("STOP")]).missing, None);
    // A whole reply is complete as it is.
    let body = json!({"candidates": [{"content": {"parts": [{"text": "a"}]}}]});
    assert_eq!(decoded(&body).unwrap().choices[0].finish_reason, None);
}

#[test]
fn stop_may_come_before_the_last_event_and_a_later_word_replaces_it() {
    let mut early = event(&json!([{"text": "a"}]));
    early["candidates"][0]["finishReason"] = json!("STOP");
    let rest = event(&json!([{"text": "b"}]));
    assert_eq!(
        read(&[early.clone(), rest.clone()]).parts(),
        json!([{"text": "ab"}])
    );
    let reason = |events: &[Value]| {
        let choice = &read(events).reply.choices[0];
        (
            choice.finish_reason.unwrap(),
            choice.provider_finish_reason.clone().unwrap(),
        )
    };
    let stopped = (FinishReason::ContentFilter, "SAFETY".to_owned());
    assert_eq!(reason(&[early.clone(), rest, last("SAFETY")]), stopped);
    assert_eq!(reason(&[last("SAFETY"), early]), stopped);
}

#[test]
fn stop_with_function_calls_means_that_tools_were_called() {
    let call = json!([{"functionCall": {"name": "f", "args": {}}}]);
    assert_eq!(
        whole(&call).unwrap().choices[0].finish_reason,
        Some(FinishReason::ToolCalls)
    );
    // The call may come after the word. The last chunk with a reason has that of the reply.
    for end in [vec![], vec![last("STOP")]] {
        let events = [vec![last("STOP"), event(&call)], end].concat();
        let said = read(&events)
            .chunks
            .into_iter()
            .rev()
            .find_map(|chunk| match chunk {
                ChunkKind::Delta(delta) => delta.finish_reason,
                ChunkKind::Text(_) => None,
            });
        assert_eq!(said, Some(FinishReason::ToolCalls));
    }
    let reply = read(&[last("STOP"), event(&call)]).reply;
    assert_eq!(
        reply.choices[0].finish_reason,
        Some(FinishReason::ToolCalls)
    );
}
