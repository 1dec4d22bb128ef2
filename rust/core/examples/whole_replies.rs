//! Makes one call after another, to count the instructions that each call costs:
//! `whole_replies http://127.0.0.1:8000/v1 1000`.

use std::io::Write;

use tokenwire_core::call::complete;
use tokenwire_core::client::{CallOptions, Client};
use tokenwire_core::config::{ClientConfig, Family, Secret};
use tokenwire_core::http::{Hub, Transport};
use tokenwire_core::wire::providers;

const ASKED: &[u8] =
    br#"{"model":"m","input":"Say something about the weather.","params":{"max_tokens":16}}"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let base_url = arguments.next().ok_or("give the base URL")?;
    let count: usize = arguments.next().map_or(Ok(1000), |text| text.parse())?;
    let hub = Hub::new();
    let client = Client::new(
        &hub,
        providers::find("openai")?,
        ClientConfig {
            base_url: Some(base_url),
            api_key: Some(Secret::new("sk-bench".to_owned())),
            trust_env: false,
            ..ClientConfig::new("m".to_owned(), Family::Chat)
        },
        None,
    )?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()?;
    let transport = Transport::new(hub);
    let mut read = 0;
    for _ in 0..count {
        let call = client.prepare(ASKED, CallOptions::default())?;
        let done = runtime.block_on(complete(&transport, call))?;
        read += done.raw.len();
    }
    writeln!(std::io::stdout(), "{read} bytes")?;
    Ok(())
}
