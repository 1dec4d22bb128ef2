//! What it costs to cut a byte stream into events. Figures are per event of 328 bytes.

// A benchmark stops at the first thing that goes wrong.
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tokenwire_core::sse::EventParser;

/// A text chunk of `OpenAI` as it comes, 322 bytes of JSON.
const CHUNK: &str = r#"{"id":"chatcmpl-CQ3kVd0nS8mYtG7hJ2bXw4LfE9aRz","object":"chat.completion.chunk","created":1760355081,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_51db84afab","choices":[{"index":0,"delta":{"content":" molecules"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"8k"}"#;

const EVENTS: usize = 1000;

fn split(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("sse");
    group.throughput(Throughput::Elements(EVENTS as u64));
    for (name, wire, size) in [
        ("lf/8KiB", format!("data: {CHUNK}\n\n"), 8192),
        ("crlf/8KiB", format!("data: {CHUNK}\r\n\r\n"), 8192),
        ("lf/event", format!("data: {CHUNK}\n\n"), CHUNK.len() + 8),
        ("lf/100B", format!("data: {CHUNK}\n\n"), 100),
        ("lf/1B", format!("data: {CHUNK}\n\n"), 1),
    ] {
        let wire = wire.repeat(EVENTS);
        group.bench_function(name, |bench| {
            bench.iter(|| {
                let mut parser = EventParser::new(64 << 20);
                let mut count = 0;
                for chunk in wire.as_bytes().chunks(size) {
                    parser
                        .push(chunk, |item| {
                            black_box(item);
                            count += 1;
                            Ok(())
                        })
                        .unwrap();
                }
                assert_eq!(count, EVENTS);
            });
        });
    }
}

criterion_group!(benches, split);
criterion_main!(benches);
