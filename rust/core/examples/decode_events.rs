//! Decodes events of one kind, to count the instructions that each event costs:
//! `decode_events text 1000`.

use std::io::Write;

use tokenwire_core::error::Error;
use tokenwire_core::sse::{EventParser, Item};
use tokenwire_core::wire::{Chat, Dialect};

/// The JSON before and after the delta, as `OpenAI` sends it.
const HEAD: &str = r#"{"id":"chatcmpl-CQ3kVd0nS8mYtG7hJ2bXw4LfE9aRz","object":"chat.completion.chunk","created":1760355081,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_51db84afab","choices":[{"index":0,"delta":"#;
const TAIL: &str = r#","logprobs":null,"finish_reason":null}],"usage":null"#;

fn event(kind: &str, number: usize) -> String {
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

fn decode(kind: &str, count: usize) -> Result<usize, Error> {
    let mut parser = EventParser::new(64 << 20);
    let mut decoder = Chat.stream(1);
    let mut out = Vec::with_capacity(8);
    let mut read = 0;
    // The bytes are made once, so that making them does not count for each event.
    let wire: String = (0..100).map(|number| event(kind, number)).collect();
    for _ in 0..count.div_ceil(100) {
        for block in wire.as_bytes().chunks(4096) {
            parser.push(block, |item| {
                if let Item::Event { name, data } = item {
                    decoder.event(name, data, &mut out)?;
                    read += out.len();
                    out.clear();
                }
                Ok::<(), Error>(())
            })?;
        }
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
