//! Reads one reply, to count the instructions that it costs: `hostile_replies http://127.0.0.1:8000/v1 stream chat`.
//!
//! `whole` and `stream` say what is asked for. The reply is also stored, and written into the next request. Prints
//! `ok`, or the kind of the error.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::Write;
use std::sync::Arc;
use std::task::Poll;

use tokenwire_core::call::complete;
use tokenwire_core::client::{Call, CallOptions, Client};
use tokenwire_core::config::{ClientConfig, Family, RetryPolicy, Secret};
use tokenwire_core::error::Error;
use tokenwire_core::http::{Hub, Transport};
use tokenwire_core::message::{Chunk, Reply, StreamEvents};
use tokenwire_core::stream::{Interest, Parker, Queue, Taken, pump};
use tokenwire_core::wire::providers;

/// It gets all parts of its replies back, reasoning too.
const PROVIDER: &str = "openrouter";

fn client(hub: &Arc<Hub>, base_url: String, api: &str) -> Result<Client, Error> {
    Client::new(
        hub,
        providers::find(PROVIDER)?,
        ClientConfig {
            base_url: Some(base_url),
            api: Some(api.to_owned()),
            api_key: Some(Secret::new("sk-bench".to_owned())),
            trust_env: false,
            retry: RetryPolicy {
                max_retries: 0,
                ..RetryPolicy::default()
            },
            ..ClientConfig::new("m".to_owned(), Family::Chat)
        },
        None,
    )
}

/// Reads a stream as a user does who takes typed events.
async fn read_stream(transport: &Transport, call: Call) -> Result<Reply, Error> {
    let queue = Queue::new(call.buffer_bytes(), call.max_reply_bytes(), call.started());
    let (end, ()) = tokio::join!(drain(&queue), pump(transport, call, queue.clone()));
    let (reply, ..) = queue.snapshot();
    match end {
        Some(error) => Err(error),
        None => Ok(Arc::unwrap_or_clone(reply)),
    }
}

async fn drain(queue: &Queue) -> Option<Error> {
    let mut chunks: VecDeque<Chunk> = VecDeque::new();
    let mut typed = StreamEvents::default();
    let mut events = Vec::new();
    poll_fn(|context| {
        loop {
            match queue.take(&mut chunks) {
                Taken::Items => {
                    for chunk in chunks.drain(..) {
                        typed.push(&chunk.kind, &mut events);
                        events.clear();
                    }
                }
                Taken::End(end) => {
                    typed.finish(&mut events);
                    return Poll::Ready(end);
                }
                Taken::Nothing => {
                    let parker = Parker::Task(context.waker().clone());
                    if queue.park(parker, Interest::Any) {
                        return Poll::Pending;
                    }
                }
            }
        }
    })
    .await
}

/// Writes the request that goes on from a reply. Of some hostile replies no request can be made.
fn send_back(client: &Client, reply: &Reply, api: &str) -> Result<(), serde_json::Error> {
    for choice in reply.choices.iter().take(1) {
        let from = format!(r#"{{"provider":"{PROVIDER}","api":"{api}","#);
        let mut parts = Vec::new();
        for part in &choice.parts {
            parts.push(serde_json::to_string(part)?.replacen('{', &from, 1));
        }
        let message = format!(r#"{{"role":"assistant","parts":[{}]}}"#, parts.join(","));
        let asked = format!(r#"{{"model":"m","input":[{message}],"params":{{}}}}"#);
        let _ = client.prepare(asked.as_bytes(), CallOptions::default());
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let base_url = arguments.next().ok_or("give the base URL")?;
    let streamed = arguments.next().as_deref() == Some("stream");
    let api = arguments.next().unwrap_or_else(|| "chat".to_owned());
    let hub = Hub::new();
    let client = client(&hub, base_url, &api)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()?;
    let transport = Transport::new(hub);
    let asked = format!(r#"{{"model":"m","input":"go","params":{{}},"stream":{streamed}}}"#);
    let call = client.prepare(asked.as_bytes(), CallOptions::default())?;
    let reply = if streamed {
        runtime.block_on(read_stream(&transport, call))
    } else {
        let done = runtime.block_on(complete(&transport, call));
        done.map(|done| done.reply)
    };
    let outcome = match reply {
        Ok(reply) => {
            serde_json::to_vec(&reply)?;
            send_back(&client, &reply, &api)?;
            "ok"
        }
        Err(error) => error.kind().as_str(),
    };
    writeln!(std::io::stdout(), "{outcome}")?;
    Ok(())
}
