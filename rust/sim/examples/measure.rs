//! What the simulator costs: `cargo run --release -p tokenwire-sim --example measure`.
//!
//! One blocking thread reads bursts and requests, and one tokio thread reads paced streams. With two
//! CPUs, the simulator therefore has one to itself. CPU time is that of the simulator's thread.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tokenwire_sim::script::Pacing;
use tokenwire_sim::{Config, Kind, Script, Sim};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn main() {
    let mut out = std::io::stdout();
    for per_write in [1, 8, 64] {
        writeln!(out, "{}", burst(per_write)).unwrap();
    }
    for connections in [1, 16] {
        writeln!(out, "{}", requests(connections)).unwrap();
    }
    for (streams, period_us) in [(200, 10_000), (1_000, 20_000), (5_000, 200_000)] {
        writeln!(out, "{}", paced(streams, period_us)).unwrap();
    }
}

fn start(pacing: Pacing) -> Sim {
    let mut script = Script::default();
    script.default.pacing = Some(pacing);
    Sim::start(Config {
        script,
        log_capacity: 0,
        ..Config::default()
    })
    .unwrap()
}

fn request(stream: bool) -> Vec<u8> {
    let body = format!(
        "{{\"model\":\"chat\",\"stream\":{stream},\
         \"messages\":[{{\"role\":\"user\",\"content\":\"hi there\"}}]}}"
    );
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer x\r\n\
         content-type: application/json\r\naccept: */*\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// CPU seconds of the simulator's thread, found by its name.
fn sim_cpu() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let mut ticks = 0.0;
    for task in tasks.flatten() {
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        if stat.contains("(tokenwire-sim)") {
            let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
            ticks += fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
        }
    }
    ticks / 100.0
}

fn burst(per_write: u64) -> String {
    let tokens = 2_000_000;
    let sim = start(Pacing {
        tokens: Some(tokens),
        tokens_per_write: per_write,
        ..Pacing::default()
    });
    let mut stream = TcpStream::connect(("127.0.0.1", sim.port())).unwrap();
    let began = Instant::now();
    stream.write_all(&request(true)).unwrap();
    let mut buffer = vec![0; 1 << 18];
    let mut bytes = 0;
    loop {
        let count = stream.read(&mut buffer).unwrap();
        bytes += count;
        if count == 0 || buffer[..count].ends_with(b"\r\n0\r\n\r\n") {
            break;
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    let events = sim.count(Kind::EventsSent) as f64;
    format!(
        "burst, {per_write} events a write: {:.0} events/s, {:.0} MB/s, {:.2} us CPU an event",
        events / seconds,
        bytes as f64 / seconds / 1e6,
        sim_cpu() / events * 1e6
    )
}

fn requests(connections: usize) -> String {
    let sim = start(Pacing {
        tokens: Some(16),
        ..Pacing::default()
    });
    let mut streams: Vec<TcpStream> = (0..connections)
        .map(|_| {
            let stream = TcpStream::connect(("127.0.0.1", sim.port())).unwrap();
            stream.set_nodelay(true).unwrap();
            stream
        })
        .collect();
    let request = request(false);
    let mut buffer = vec![0; 1 << 16];
    let rounds = 100_000 / connections;
    let began = Instant::now();
    for _ in 0..rounds {
        for stream in &mut streams {
            stream.write_all(&request).unwrap();
        }
        for stream in &mut streams {
            let count = stream.read(&mut buffer).unwrap();
            assert!(buffer[..count].ends_with(b"\"fp_tokenwire_sim\"}"));
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    let total = (rounds * connections) as f64;
    format!(
        "whole replies, {connections} connections: {:.0} requests/s, {:.1} us CPU a request",
        total / seconds,
        sim_cpu() / total * 1e6
    )
}

/// Reads streams of 5 seconds. Each stream's least late token sets its schedule, so lateness includes
/// the scheduling of both sides, but not the rush of the first requests.
fn paced(streams: usize, period_us: u64) -> String {
    let tokens = 5_000_000 / period_us;
    let pacing = Pacing {
        tokens: Some(tokens),
        per_token_us: period_us,
        first_token_ms: 1_000,
        ..Pacing::default()
    };
    let sim = start(pacing);
    let port = sim.port();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut lateness = runtime.block_on(async {
        let readers: Vec<_> = (0..streams)
            .map(|_| tokio::spawn(read_paced(port, period_us)))
            .collect();
        let mut all = Vec::new();
        for reader in readers {
            all.extend(reader.await.unwrap());
        }
        all
    });
    lateness.sort_unstable();
    let at = |share: f64| {
        let place = (lateness.len() - 1) as f64 * share;
        lateness[place as usize].as_secs_f64() * 1e3
    };
    format!(
        "paced, {streams} streams x {}/s: {} tokens, late p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms, \
         {:.1} us CPU a token",
        1_000_000 / period_us,
        lateness.len(),
        at(0.5),
        at(0.99),
        at(1.0),
        sim_cpu() / lateness.len() as f64 * 1e6
    )
}

async fn read_paced(port: u16, period_us: u64) -> Vec<Duration> {
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port))
        .await
        .unwrap();
    let began = Instant::now();
    stream.write_all(&request(true)).await.unwrap();
    let mut buffer = vec![0; 1 << 14];
    let mut lateness = Vec::new();
    loop {
        let count = stream.read(&mut buffer).await.unwrap();
        let now = began.elapsed();
        let text = &buffer[..count];
        let tokens = memchr::memmem::find_iter(text, b"\"delta\":{\"content\":\"").count();
        for _ in 0..tokens {
            let due = Duration::from_micros(period_us * lateness.len() as u64);
            lateness.push(now.saturating_sub(due));
        }
        if count == 0 || text.ends_with(b"\r\n0\r\n\r\n") {
            let least = lateness.iter().min().copied().unwrap_or_default();
            return lateness
                .iter()
                .map(|late| late.saturating_sub(least))
                .collect();
        }
    }
}
