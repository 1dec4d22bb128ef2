//! The command line: `tokenwire-sim --port 0 --script FILE`.

use std::io::{ErrorKind, Read, Write};

use crate::script::Script;
use crate::server::{Config, Sim};

const USAGE: &str = "usage: tokenwire-sim [--port N] [--host ADDRESS] [--allow-remote] \
                     [--script FILE] [--log-capacity N] [--tokens N] [--per-token-us N] \
                     [--first-token-ms N] [--tokens-per-write N] [--json]\n\
                     Prints `listening URL`, or with --json the address as JSON, and serves until its standard input ends.\n";

/// Why the command ended without having served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The exit code: 2 for an argument that is wrong, else 1.
    pub code: i32,
    /// One line.
    pub message: String,
}

/// Runs the command with its arguments (without the program's name) and returns its exit code.
#[must_use]
pub fn cli_main(arguments: &[String]) -> i32 {
    match serve(arguments) {
        Ok(()) => 0,
        Err(Refusal { code, message }) => {
            let usage = if code == 2 { USAGE } else { "" };
            print(&mut std::io::stderr(), &format!("{message}\n{usage}"));
            code
        }
    }
}

/// Serves as its arguments say.
///
/// Blocks until standard input ends or a signal interrupts reading it; installs no signal handler.
pub fn serve(arguments: &[String]) -> Result<(), Refusal> {
    let asked = parse(arguments).map_err(|message| Refusal { code: 2, message })?;
    let Some((config, as_json)) = asked else {
        print(&mut std::io::stdout(), USAGE);
        return Ok(());
    };
    let refused = |message| Refusal { code: 1, message };
    let sim = Sim::start(config).map_err(|error| refused(format!("cannot start: {error}")))?;
    let base_url = sim.base_url();
    let line = if as_json {
        serde_json::json!({ "base_url": base_url, "port": sim.port() }).to_string()
    } else {
        format!("listening {base_url}")
    };
    let is_told = print(&mut std::io::stdout(), &format!("{line}\n"));
    let mut input = std::io::stdin();
    let mut buffer = [0_u8; 1024];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(_) => {}
            // A signal: its handler, if there is one, belongs to whoever runs us.
            Err(error) if error.kind() == ErrorKind::Interrupted => break,
            Err(_) => break,
        }
    }
    sim.stop();
    if is_told {
        Ok(())
    } else {
        Err(refused("the address could not be printed".to_owned()))
    }
}

/// Writes a text; false when nobody reads it.
fn print(to: &mut dyn Write, text: &str) -> bool {
    to.write_all(text.as_bytes())
        .and_then(|()| to.flush())
        .is_ok()
}

/// The configuration, and whether the address is printed as JSON; `None` when help was asked for.
fn parse(arguments: &[String]) -> Result<Option<(Config, bool)>, String> {
    let mut config = Config::default();
    let mut pacing = crate::script::Pacing::default();
    let mut is_paced = false;
    let mut as_json = false;
    let mut rest = arguments.iter();
    while let Some(name) = rest.next() {
        match name.as_str() {
            "--help" | "-h" => return Ok(None),
            "--allow-remote" => {
                config.allow_remote = true;
                continue;
            }
            "--json" => {
                as_json = true;
                continue;
            }
            _ => {}
        }
        let value = rest.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--port" => config.port = number(name, value)?,
            "--host" => config.host = number(name, value)?,
            "--log-capacity" => config.log_capacity = number(name, value)?,
            "--script" => {
                let text = std::fs::read_to_string(value).map_err(|e| format!("{value}: {e}"))?;
                config.script = Script::parse(&text).map_err(|e| format!("{value}: {e}"))?;
            }
            "--tokens" => pacing.tokens = Some(number(name, value)?),
            "--per-token-us" => pacing.per_token_us = number(name, value)?,
            "--first-token-ms" => pacing.first_token_ms = number(name, value)?,
            "--tokens-per-write" => pacing.tokens_per_write = number(name, value)?,
            _ => return Err(format!("unknown option {name}")),
        }
        is_paced |= name.contains("token");
    }
    if is_paced {
        config.script.default.pacing = Some(pacing);
    }
    Ok(Some((config, as_json)))
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    value
        .parse()
        .map_err(|_| format!("{name}: {value} is not valid"))
}
