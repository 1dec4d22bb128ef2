//! A loopback simulator of the model APIs, and a fault server.
//!
//! It speaks chat completions, text completions and the list of models under any path prefix,
//! derives every reply from the request alone, and does to it what a [`Script`] says: pace it,
//! cut it, stall it, replace it by a recording. What clients do is kept in a log on which tests
//! wait, so that no test sleeps.
//!
//! ```
//! use tokenwire_sim::{Config, Sim};
//!
//! let sim = Sim::start(Config::default())?;
//! assert!(sim.base_url().starts_with("http://127.0.0.1:"));
//! sim.set_script_json(r#"{"default": {"reply": {"text": "Hello there"}}}"#).unwrap();
//! sim.stop();
//! # Ok::<(), std::io::Error>(())
//! ```

mod answerer;
mod cli;
mod connection;
mod control;
mod http;
mod log;
mod reply;
pub mod script;
mod send;
mod server;
mod state;

pub use self::answerer::Answerer;
pub use self::cli::{Refusal, cli_main, serve};
pub use self::log::{Kind, Record, RequestRecord, secret_hash};
pub use self::reply::{ledger_checksum, ledger_token};
pub use self::script::{Behaviour, Rule, Script, ScriptError};
pub use self::server::{Config, Sim};
pub use self::state::Stats;
