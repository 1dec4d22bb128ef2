//! A loopback simulator of the model APIs, and a fault server.
//!
//! It serves chat completions, text completions, Responses, Messages, Gemini and the lists of models
//! under any path prefix.
//! Every reply is derived from the request alone, and a [`Script`] says what happens to it: it can
//! be paced, cut, stalled or replaced by a recording. A log records what clients do. Tests wait on
//! the log, so that no test sleeps.
//!
//! ```
//! use tokenwire_sim::{Config, Script, Sim};
//!
//! let sim = Sim::start(Config::default())?;
//! assert!(sim.base_url().starts_with("http://127.0.0.1:"));
//! sim.set_script(Script::parse(r#"{"default": {"reply": {"text": "Hello there"}}}"#)?);
//! sim.stop();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! To read the code, start with `server` (the thread that accepts connections) and `connection`
//! (from a request to its answer). A connection reads a request with `http`, lets `script` and
//! `reply` decide the answer, and sends it with `send`. `simulator` is what all connections share,
//! `log` among it. `control` answers `/_sim/`, and `cli` is the command.

mod cli;
mod connection;
mod control;
mod hash;
mod http;
mod log;
mod reply;
pub mod script;
mod send;
mod server;
mod simulator;

pub use self::cli::{cli_main, serve};
pub use self::log::{Kind, Record, RequestRecord, secret_hash};
pub use self::reply::ledger_token;
pub use self::script::{Behaviour, Rule, Script, ScriptError};
pub use self::server::Sim;
pub use self::simulator::{Answerer, Config, Stats};
