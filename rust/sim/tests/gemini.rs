//! Gemini: what is sent as SSE and as an array, what is refused, and what must come back.

mod client;

use client::{Answer, Client, Ending, sim};
use serde_json::{Value, json};
use tokenwire_sim::Sim;

const SSE: &str = "streamGenerateContent?alt=sse";
const ARRAY: &str = "streamGenerateContent";

#[allow(clippy::unwrap_used, clippy::needless_pass_by_value)]
fn asked(sim: &Sim, model: &str, verb: &str, more: Value) -> Answer {
    let mut body = json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]});
    let fields = body.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    fields.retain(|_, value| !value.is_null());
    let path = format!("/v1beta/models/{model}:{verb}");
    Client::new(sim).post(&path, &body).unwrap()
}

fn whole(sim: &Sim, more: Value) -> Value {
    asked(sim, "words", "generateContent", more).json()
}

/// The parts of all events, and the last event. A piece of text joins the text before it unless it
/// has a signature.
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
fn joined(events: &[Value]) -> (Vec<Value>, Value) {
    let mut parts: Vec<Value> = Vec::new();
    for part in events
        .iter()
        .filter_map(|event| event["candidates"][0]["content"]["parts"].as_array())
        .flatten()
    {
        let same = parts.last_mut().filter(|last| {
            last["text"].is_string()
                && part["text"].is_string()
                && last["thought"] == part["thought"]
                && last["thoughtSignature"].is_null()
        });
        match same {
            Some(last) => {
                let text = last["text"].as_str().unwrap().to_owned();
                last["text"] = (text + part["text"].as_str().unwrap()).into();
                if !part["thoughtSignature"].is_null() {
                    last["thoughtSignature"] = part["thoughtSignature"].clone();
                }
            }
            None => parts.push(part.clone()),
        }
    }
    parts.retain(|part| part["text"] != "" || !part["thoughtSignature"].is_null());
    (parts, events.last().unwrap().clone())
}

#[allow(clippy::unwrap_used)]
fn elements(answer: &Answer) -> Vec<Value> {
    answer.json().as_array().unwrap().clone()
}

#[test]
fn the_two_forms_of_a_stream_and_the_whole_reply_say_the_same() {
    let sim = sim(json!({"default": {"reply": {
        "reasoning": "I think.", "text": "It is blue.",
        "tool_calls": [{"name": "weather", "arguments": {"city": "Paris"}},
                       {"name": "time", "arguments": {}}]}}}));
    let reply = whole(&sim, json!({}));
    let sse = asked(&sim, "words", SSE, json!({}));
    let array = asked(&sim, "words", ARRAY, json!({}));
    assert_eq!(sse.header("content-type"), Some("text/event-stream"));
    assert!(
        array
            .header("content-type")
            .unwrap()
            .starts_with("application/json")
    );
    assert!(sse.text().ends_with("}\r\n\r\n") && !sse.text().contains("[DONE]"));
    assert_eq!(sse.header("x-request-id"), None);
    let events = sse.chunks_json();
    assert_eq!(events, elements(&array));
    let (parts, last) = joined(&events);
    assert_eq!(
        Value::from(parts),
        reply["candidates"][0]["content"]["parts"]
    );
    for name in ["usageMetadata", "modelVersion", "responseId"] {
        assert_eq!(last[name], reply[name]);
    }
    assert_eq!(last["candidates"][0]["finishReason"], "STOP");
    let parts = &reply["candidates"][0]["content"]["parts"];
    assert_eq!(parts[0], json!({"text": "I think.", "thought": true}));
    assert_eq!(parts[1], json!({"text": "It is blue."}));
    assert_eq!(parts[2]["functionCall"]["args"], json!({"city": "Paris"}));
    assert!(parts[2]["thoughtSignature"].is_string());
    // Only the first of parallel calls is signed.
    assert!(parts[3]["thoughtSignature"].is_null());
    assert!(reply["usageMetadata"]["thoughtsTokenCount"].is_u64());
}

#[test]
fn a_text_is_signed_and_ends_with_a_reason() {
    let ended = |script: Value, more: Value| {
        let sim = sim(json!({"default": {"reply": script}}));
        let reply = whole(&sim, more.clone());
        let (parts, last) = joined(&asked(&sim, "words", SSE, more).chunks_json());
        let candidate = &reply["candidates"][0];
        assert_eq!(
            last["candidates"][0]["finishReason"],
            candidate["finishReason"]
        );
        if let Some(text) = candidate["content"]["parts"][0]["text"].as_str() {
            assert_eq!(parts[0]["text"], text);
            assert!(parts[0]["thoughtSignature"].is_string());
        }
        (candidate["finishReason"].clone(), reply)
    };
    let text = json!({"text": "one two three"});
    assert_eq!(ended(text.clone(), json!({})).0, "STOP");
    let config = json!({"generationConfig": {"maxOutputTokens": 2}});
    assert_eq!(ended(text.clone(), config).0, "MAX_TOKENS");
    let config = json!({"generation_config": {"stop_sequences": ["thr"]}});
    let (reason, cut) = ended(text, config);
    assert_eq!(reason, "STOP");
    assert_eq!(
        cut["candidates"][0]["content"]["parts"][0]["text"],
        "one two "
    );
    for (word, reason) in [
        ("length", "MAX_TOKENS"),
        ("content_filter", "SAFETY"),
        ("SPII", "SPII"),
    ] {
        let script = json!({"text": "a", "finish_reason": word});
        assert_eq!(ended(script, json!({})).0, reason);
    }
    let empty = ended(json!({"text": ""}), json!({})).1;
    assert_eq!(empty["candidates"][0]["content"], json!({"role": "model"}));
    let blocked = ended(json!({"refusal": "I will not."}), json!({})).1;
    assert!(blocked["candidates"].is_null());
    assert_eq!(
        blocked["promptFeedback"]["blockReasonMessage"],
        "I will not."
    );
}

#[test]
fn usage_schemas_candidates_and_models_are_respected() {
    let of_chat = json!({"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14,
        "prompt_tokens_details": {"cached_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 1}});
    let scripted = sim(json!({"default": {"reply": {"text": "a", "usage": of_chat}}}));
    let usage = whole(&scripted, json!({}))["usageMetadata"].clone();
    let expected = json!({"promptTokenCount": 10, "candidatesTokenCount": 3,
        "thoughtsTokenCount": 1, "cachedContentTokenCount": 3, "totalTokenCount": 14});
    assert_eq!(usage, expected);
    let none = sim(json!({"default": {"reply": {"text": "a", "usage": {}}}}));
    assert!(whole(&none, json!({}))["usageMetadata"].is_null());

    let sim = sim(json!({"models": ["words", "b", "c"], "require_key": "k"}));
    let text = |config: Value| {
        let free = client::sim(json!({}));
        let reply = whole(&free, json!({ "generationConfig": config }));
        let texts = reply["candidates"].as_array().unwrap().iter();
        let texts = texts.map(|one| one["content"]["parts"][0]["text"].as_str().unwrap());
        texts.map(str::to_owned).collect::<Vec<_>>()
    };
    let schema =
        json!({"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}});
    let openapi =
        json!({"type": "OBJECT", "required": ["n"], "properties": {"n": {"type": "INTEGER"}}});
    for (name, schema) in [("responseJsonSchema", schema), ("response_schema", openapi)] {
        let said = text(json!({"responseMimeType": "application/json", name: schema}));
        assert!(serde_json::from_str::<Value>(&said[0]).unwrap()["n"].is_i64());
    }
    assert_eq!(text(json!({"candidateCount": 3})).len(), 3);
    let shown = json!({"thinkingConfig": {"includeThoughts": true, "thinkingLevel": "low"}});
    assert!(text(shown)[0].contains("no opinion"));

    let mut client = Client::new(&sim);
    let mut get = |path: &str, headers: &str| {
        client.write(&format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n"
        ));
        client.read().unwrap()
    };
    let page = get("/v1beta/models?pageSize=2&key=k", "").json();
    assert_eq!(page["models"][0]["name"], "models/words");
    assert_eq!(page["nextPageToken"], "c");
    let page = get("/v1beta/models?pageToken=c", "x-goog-api-key: k\r\n").json();
    assert_eq!(
        (
            page["models"].as_array().unwrap().len(),
            &page["nextPageToken"]
        ),
        (1, &Value::Null)
    );
    let refused = get("/v1beta/models", "x-goog-api-key: other\r\n");
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.json()["error"]["details"][0]["reason"],
        "API_KEY_INVALID"
    );
    assert_eq!(
        get("/v1beta/models", "").json()["error"]["status"],
        "PERMISSION_DENIED"
    );
    let free = client::sim(json!({}));
    let counted = asked(&free, "words", "countTokens", json!({})).json();
    assert_eq!(counted, json!({"totalTokens": 1}));
}

#[test]
fn errors_and_faults_have_the_form_of_the_stream() {
    let error = json!({"status": 503, "message": "Busy."});
    let refused = sim(json!({"default": {"error": error}}));
    let body = json!({"error": {"code": 503, "message": "Busy.", "status": "UNAVAILABLE"}});
    assert_eq!(asked(&refused, "words", SSE, json!({})).json(), body);
    assert_eq!(
        asked(&refused, "words", ARRAY, json!({})).json(),
        json!([body])
    );

    let with = |fault: Value, verb: &str| {
        let script = json!({"default": {"reply": {"text": "one two three"}, "fault": fault}});
        asked(&sim(script), "words", verb, json!({}))
    };
    let said = |events: &[Value]| {
        let texts = events
            .iter()
            .filter_map(|event| event["candidates"][0]["content"]["parts"][0]["text"].as_str());
        texts.collect::<String>()
    };
    let cut = with(json!({"kind": "reset", "at": {"events": 3}}), SSE);
    assert_eq!(said(&cut.chunks_json()), "one two");
    let cut = with(json!({"kind": "close", "at": {"events": 3}}), ARRAY);
    assert_eq!(cut.ending, Ending::Cut);
    assert!(cut.text().starts_with("[{") && cut.text().contains("two"));
    for events in [0, 2] {
        let fault = json!({"kind": "error_event", "at": {"events": events}, "done": true});
        let sse = with(fault.clone(), SSE).chunks_json();
        let array = elements(&with(fault, ARRAY));
        assert_eq!(sse, array);
        assert_eq!(sse.len(), events + 1);
        assert_eq!(sse.last().unwrap()["error"]["status"], "INTERNAL");
    }
    let short = with(json!({"kind": "drop_done", "before_finish": true}), SSE).chunks_json();
    assert_eq!(said(&short), "one two three");
    assert!(short.last().unwrap()["candidates"][0]["finishReason"].is_null());
    let open = with(json!({"kind": "drop_done"}), ARRAY).text();
    assert!(!open.ends_with(']') && open.contains("finishReason"));
    let late = with(json!({"kind": "after_done", "events": 2}), SSE).chunks_json();
    assert_eq!(said(&late), "one two three late late");
}

#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
fn refused(sim: &Sim, model: &str, more: Value) -> String {
    let answer = asked(sim, model, "generateContent", more);
    let error = answer.json();
    assert_eq!(answer.status, 400, "{error}");
    assert_eq!(error["error"]["status"], "INVALID_ARGUMENT");
    error["error"]["message"].as_str().unwrap().to_owned()
}

/// Each request to the model is refused with a message that begins like this.
fn are_refused(cases: Vec<(&str, Value, &str)>) {
    let sim = sim(json!({}));
    for (model, more, expected) in cases {
        let message = refused(&sim, model, more);
        assert!(message.starts_with(expected), "{message}\nnot {expected}");
    }
}

#[test]
fn a_content_that_is_wrong_is_refused_in_the_words_of_the_api() {
    let part = |part: Value| json!({"contents": [{"role": "user", "parts": [part]}]});
    are_refused(vec![
        (
            "words",
            json!({"contents": null}),
            "* GenerateContentRequest.contents: contents is not",
        ),
        (
            "words",
            json!({"messages": []}),
            "Invalid JSON payload received. Unknown name \"messages\": Cannot",
        ),
        (
            "words",
            json!({"contents": [{"role": "assistant", "parts": [{"text": "a"}]}]}),
            "Please use a valid role: user, model.",
        ),
        (
            "words",
            json!({"contents": [{"role": "user", "parts": []}]}),
            "* GenerateContentRequest.contents[0].parts",
        ),
        (
            "words",
            part(json!({"type": "text", "text": "a"})),
            "Invalid JSON payload received. Unknown name \"type\" at 'contents[0].parts[0]'",
        ),
        (
            "words",
            part(json!({"thought": true})),
            "* GenerateContentRequest.contents[0].parts[0].data: required oneof",
        ),
        (
            "words",
            part(json!({"text": "a", "inlineData": {}})),
            "Invalid value at 'contents[0].parts[0]' (oneof)",
        ),
        (
            "words",
            part(json!({"functionResponse": {"name": "f", "response": "a"}})),
            "Invalid value at 'contents[0].parts[0].function_response.response'",
        ),
        (
            "words",
            part(json!({"functionResponse": {"name": "f", "response": {}}})),
            "Please ensure that function response turn comes immediately",
        ),
    ]);
}

#[test]
fn a_setting_or_a_tool_that_is_wrong_is_refused_in_the_words_of_the_api() {
    let config = |config: Value| json!({ "generationConfig": config });
    let declared = json!({"tools": [{"functionDeclarations": [{"name": "f"}]}]});
    are_refused(vec![
        (
            "words",
            config(json!({"max_tokens": 1})),
            "Invalid JSON payload received. Unknown name \"max_tokens\" at 'generation_config'",
        ),
        (
            "words",
            config(json!({"temperature": 3})),
            "* GenerateContentRequest.generation_config.temperature",
        ),
        (
            "words",
            config(json!({"candidateCount": 9})),
            "Unable to submit request because it has a candidateCount value of 9",
        ),
        (
            "words",
            config(json!({"thinkingConfig": {"thinkingBudget": 1, "thinkingLevel": "low"}})),
            "You can only set only one of",
        ),
        (
            "gemini-2.5-flash",
            config(json!({"thinkingConfig": {"thinkingLevel": "low"}})),
            "Thinking level is not supported for this model.",
        ),
        (
            "words",
            config(json!({"responseJsonSchema": {}})),
            "* GenerateContentRequest.generation_config.response_mime_type",
        ),
        (
            "words",
            json!({"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}),
            "Function calling config is set without",
        ),
        (
            "words",
            json!({"tools": [{"functionDeclarations": [{"name": "a b"}]}]}),
            "* GenerateContentRequest.tools[0].function_declarations[0].name: Invalid function name.",
        ),
        (
            "words",
            json!({"tools": declared["tools"], "toolConfig": {"functionCallingConfig": {
            "mode": "ANY", "allowedFunctionNames": ["g"]}}}),
            "Allowed function name g is not among",
        ),
    ]);
    let absent = client::sim(json!({"models": ["m"]}));
    let answer = asked(&absent, "words", "generateContent", json!({}));
    let status = answer.json()["error"]["status"].clone();
    assert_eq!((answer.status, status), (404, json!("NOT_FOUND")));
}

#[test]
fn signatures_come_back_as_they_were() {
    let sim = sim(json!({}));
    let schema =
        json!({"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}});
    let tools = json!([{"functionDeclarations": [
        {"name": "weather", "parametersJsonSchema": schema}, {"name": "time"}]}]);
    let user = json!({"role": "user", "parts": [{"text": "hi"}]});
    let first = asked(
        &sim,
        "sim-tools",
        "generateContent",
        json!({ "tools": tools }),
    )
    .json();
    let content = first["candidates"][0]["content"].clone();
    let result = |name: &str| json!({"functionResponse": {"name": name, "response": {"output": "It rains."}}});
    let results = json!({"role": "user", "parts": [result("weather"), result("time")]});
    let more = json!({"tools": tools, "contents": [user, content, results]});
    let reply = asked(&sim, "sim-tools", "generateContent", more.clone()).json();
    let text = reply["candidates"][0]["content"]["parts"][0]["text"]
        .as_str()
        .unwrap();
    assert!(
        text.starts_with("The tool weather returned: It rains. The tool time returned: It rains.")
    );

    let place = "/contents/1/parts/0/thoughtSignature";
    let with = |signature: Value| {
        let mut more = more.clone();
        *more.pointer_mut(place).unwrap() = signature;
        more
    };
    assert_eq!(
        refused(&sim, "sim-tools", with(json!("EtcCabc"))),
        "Corrupted thought signature."
    );
    let missing = refused(&sim, "sim-tools", with(Value::Null));
    assert!(
        missing.starts_with("Function call is missing a thought_signature"),
        "{missing}"
    );
    assert!(
        missing.contains("`default_api:weather` , position 1."),
        "{missing}"
    );
    // A family that does not sign, and what the documentation gives for calls of other models.
    for (model, signature) in [
        ("gemini-2.5-flash", Value::Null),
        ("sim-tools", json!("skip_thought_signature_validator")),
        (
            "sim-tools",
            json!("c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="),
        ),
    ] {
        let answer = asked(&sim, model, "generateContent", with(signature));
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    // Earlier turns need none.
    let mut later = with(Value::Null);
    let contents = later["contents"].as_array_mut().unwrap();
    contents.push(json!({"role": "model", "parts": [{"text": "It rains."}]}));
    contents.push(user.clone());
    assert_eq!(
        asked(&sim, "sim-tools", "generateContent", later).status,
        200
    );
    // A signature belongs to its call.
    let mut moved = more.clone();
    moved["contents"][1]["parts"][0]["functionCall"]["args"] = json!({"city": "other"});
    assert_eq!(
        refused(&sim, "sim-tools", moved),
        "Corrupted thought signature."
    );
    let mut fewer = more.clone();
    fewer["contents"][2]["parts"].as_array_mut().unwrap().pop();
    let message = refused(&sim, "sim-tools", fewer);
    assert!(message.starts_with("Please ensure that the number of function response parts"));
}
