//! What it costs to read one event of a stream: split, JSON, chunk. Figures are per event.

// A benchmark stops at the first thing that goes wrong.
#![allow(clippy::unwrap_used, missing_docs)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tokenwire_core::json::Reader;
use tokenwire_core::sse::{EventParser, Item};
use tokenwire_core::wire::{Chat, Dialect};

/// A text chunk of `OpenAI` as it comes, 322 bytes of JSON.
const TEXT: &str = r#"{"id":"chatcmpl-CQ3kVd0nS8mYtG7hJ2bXw4LfE9aRz","object":"chat.completion.chunk","created":1760355081,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_51db84afab","choices":[{"index":0,"delta":{"content":" molecules"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"8k"}"#;

/// A fragment of a tool call.
const TOOL: &str = r#"{"id":"chatcmpl-CQ3kVd0nS8mYtG7hJ2bXw4LfE9aRz","object":"chat.completion.chunk","created":1760355081,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_51db84afab","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"ci"}}]},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"8kQ4tZ"}"#;

/// Reasoning as `OpenRouter` sends it.
const REASONING: &str = r#"{"id":"gen-1760355081-CQ3kVd0nS8mYtG7hJ2bX","provider":"DeepInfra","model":"deepseek/deepseek-r1","object":"chat.completion.chunk","created":1760355081,"choices":[{"index":0,"delta":{"role":"assistant","content":"","reasoning":" think","reasoning_details":[{"type":"reasoning.text","text":" think","format":"unknown","index":0}]},"finish_reason":null,"native_finish_reason":null,"logprobs":null}]}"#;

const EVENTS: usize = 1000;

fn decode(bench: &mut Criterion) {
    assert_eq!(TEXT.len(), 322);
    let mut group = bench.benchmark_group("decode");
    group.throughput(Throughput::Elements(EVENTS as u64));
    for (name, json) in [("text", TEXT), ("tool", TOOL), ("reasoning", REASONING)] {
        let wire = format!("data: {json}\n\n").repeat(EVENTS);
        group.bench_function(name, |bench| {
            let mut out = Vec::with_capacity(EVENTS);
            bench.iter(|| {
                let mut parser = EventParser::new(64 << 20);
                let mut decoder = Chat.stream(1);
                out.clear();
                for chunk in wire.as_bytes().chunks(8192) {
                    parser
                        .push(chunk, |item| {
                            if let Item::Event { name, data } = item {
                                decoder.event(name, data, &mut out)?;
                            }
                            Ok(())
                        })
                        .unwrap();
                }
                assert_eq!(out.len(), EVENTS);
            });
        });
    }
    group.bench_function("walk", |bench| {
        bench.iter(|| {
            for _ in 0..EVENTS {
                let mut reader = Reader::new(std::hint::black_box(TEXT).as_bytes()).unwrap();
                reader.skip().unwrap();
                reader.end().unwrap();
            }
        });
    });
}

criterion_group!(benches, decode);
criterion_main!(benches);
