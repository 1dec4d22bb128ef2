//! Decodes events of one kind, to count the instructions that each event costs:
//! `decode_events text 1000`, `decode_events responses_text 1000`, and so on with `messages_` and
//! `gemini_`.

use std::io::Write;

use tokenwire_core::error::Error;
use tokenwire_core::sse::{EventParser, Item};
use tokenwire_core::wire::{Chat, Dialect, Gemini, Messages, Responses};

/// The JSON before and after the delta, as `OpenAI` sends it.
const HEAD: &str = r#"{"id":"chatcmpl-CQ3kVd0nS8mYtG7hJ2bXw4LfE9aRz","object":"chat.completion.chunk","created":1760355081,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_51db84afab","choices":[{"index":0,"delta":"#;
const TAIL: &str = r#","logprobs":null,"finish_reason":null}],"usage":null"#;

fn chat_event(kind: &str, number: usize) -> String {
    let delta = match kind {
        "tool" => r#"{"tool_calls":[{"index":0,"function":{"arguments":"{\"ci"}}]}"#.to_owned(),
        "reasoning" => r#"{"content":null,"reasoning_content":" think"}"#.to_owned(),
        _ => format!(r#"{{"content":" word{}"}}"#, number % 10),
    };
    // An event in which more than the text changes is read in full.
    let changing = if kind == "changing" {
        format!(r#","x":"{number:07}""#)
    } else {
        String::new()
    };
    format!("data: {HEAD}{delta}{TAIL}{changing},\"obfuscation\":\"8k\"}}\n\n")
}

/// An event of Responses, with as many bytes as one of chat.
fn responses_event(kind: &str, number: usize) -> String {
    let (name, delta) = match kind {
        "tool" => ("function_call_arguments", r#"{\"ci"#.to_owned()),
        "reasoning" => ("reasoning_summary_text", " think".to_owned()),
        _ => ("output_text", format!(" word{}", number % 10)),
    };
    let block = match kind {
        "tool" => "",
        "reasoning" => r#""summary_index":0,"#,
        _ => r#""content_index":0,"#,
    };
    let logprobs = match kind {
        "tool" | "reasoning" => "",
        _ => r#""logprobs":[],"#,
    };
    // As long as the event of chat.
    let changing = if kind == "changing" {
        format!(r#","x":"{number:07}{}""#, "-".repeat(32))
    } else {
        String::new()
    };
    // The number changes, and what hides the length of the token.
    let padding = "8kJtR2mQwZ".get(..number % 7 + 1).unwrap_or_default();
    format!(
        "data: {{\"type\":\"response.{name}.delta\",{block}\"delta\":\"{delta}\",\"item_id\":\"msg_020b171792fe1e11016a3c118dd8b88197859d60931f13838c\",{logprobs}\"obfuscation\":\"{padding}\",\"output_index\":1,\"sequence_number\":{}{changing}}}\n\n",
        FIRST + number
    )
}

/// An event of Messages as Anthropic sends it, with spaces before its last brace: as many bytes as one of chat.
fn messages_event(kind: &str, number: usize) -> String {
    let delta = match kind {
        "tool" => r#""type":"input_json_delta","partial_json":"{\"ci""#.to_owned(),
        "reasoning" => r#""type":"thinking_delta","thinking":" think""#.to_owned(),
        _ => format!(r#""type":"text_delta","text":" word{}""#, number % 10),
    };
    let index = match kind {
        "tool" => 2,
        "reasoning" => 0,
        _ => 1,
    };
    let changing = if kind == "changing" {
        format!(r#","x":"{number:07}{}""#, "-".repeat(200))
    } else {
        String::new()
    };
    let spaces = " ".repeat(number % 14);
    format!(
        "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":{index},\"delta\":{{{delta}}}{changing}{spaces}}}\n\n"
    )
}

/// An event of Gemini, with as many bytes as one of chat. Its counts change in each event.
fn gemini_event(kind: &str, number: usize) -> String {
    let part = match kind {
        "tool" => r#"{"functionCall": {"partialArgs": [{"jsonPath": "$.city","stringValue": "Bos","willContinue": true}],"willContinue": true}}"#.to_owned(),
        "reasoning" => r#"{"text": " think","thought": true}"#.to_owned(),
        _ => format!(r#"{{"text": " word{}"}}"#, number % 10),
    };
    let details = match kind {
        "tool" => "",
        _ => r#","promptTokensDetails": [{"modality": "TEXT","tokenCount": 12}]"#,
    };
    let changing = if kind == "changing" {
        format!(r#""x": "{number:07}","#)
    } else {
        String::new()
    };
    format!(
        "data: {{\"candidates\": [{{\"content\": {{\"parts\": [{part}],\"role\": \"model\"}},\"index\": 0}}],{changing}\"usageMetadata\": {{\"promptTokenCount\": 12,\"candidatesTokenCount\": {},\"totalTokenCount\": {}{details}}},\"modelVersion\": \"gemini-3.1-flash-preview\",\"responseId\": \"_vr4aYiWEJnYodAPkujX0QM\"}}\r\n\r\n",
        1_000 + number,
        1_012 + number,
    )
}

/// The number of the first event. Those that follow have as many digits.
const FIRST: usize = 1_000_000;
/// How many events are written once and read again and again.
const EVENTS: usize = 100;

/// Gives each event the number that it has in the next round.
fn renumber(wire: &mut [u8], numbers: &[usize]) {
    for &at in numbers {
        // Of seven digits, the fifth counts the hundreds.
        for digit in wire.get_mut(at..at + 5).into_iter().flatten().rev() {
            if *digit < b'9' {
                *digit += 1;
                break;
            }
            *digit = b'0';
        }
    }
}

fn decode(kind: &str, count: usize) -> Result<usize, Error> {
    let mut parser = EventParser::new(64 << 20);
    let (dialect, event): (&dyn Dialect, fn(&str, usize) -> String) = match kind.split_once('_') {
        Some(("responses", _)) => (&Responses, responses_event),
        Some(("messages", _)) => (&Messages, messages_event),
        Some(("gemini", _)) => (&Gemini, gemini_event),
        _ => (&Chat, chat_event),
    };
    let kind = kind.split_once('_').map_or(kind, |(_, kind)| kind);
    let mut decoder = dialect.stream(1);
    let mut out = Vec::with_capacity(8);
    let mut read = 0;
    // The bytes are made once, so that making them does not count for each event.
    let events = (0..EVENTS).map(|number| event(kind, number));
    let mut wire = events.collect::<String>().into_bytes();
    if dialect.name() == "gemini" && kind == "tool" {
        let begin = "data: {\"candidates\": [{\"content\": {\"parts\": [{\"functionCall\": {\"name\": \"f\",\"willContinue\": true}}]}}]}\r\n\r\n";
        parser.push(begin.as_bytes(), |item| match item {
            Item::Event { name, data } => decoder.event(name, data, &mut out).map(|_| ()),
            _ => Ok(()),
        })?;
        out.clear();
    }
    let key = b"\"sequence_number\":";
    let numbers = wire.windows(key.len()).enumerate();
    let numbers = numbers.filter(|(_, bytes)| bytes == key);
    let numbers: Vec<_> = numbers.map(|(at, _)| at + key.len()).collect();
    for _ in 0..count.div_ceil(EVENTS) {
        for block in wire.chunks(4096) {
            parser.push(block, |item| {
                if let Item::Event { name, data } = item {
                    decoder.event(name, data, &mut out)?;
                    read += out.len();
                    out.clear();
                }
                Ok::<(), Error>(())
            })?;
        }
        renumber(&mut wire, &numbers);
    }
    Ok(read)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let kind = arguments.next().unwrap_or_else(|| "text".to_owned());
    let count = arguments.next().map_or(Ok(1000), |text| text.parse())?;
    let read = decode(&kind, count)?;
    writeln!(std::io::stdout(), "{read} chunks")?;
    Ok(())
}
