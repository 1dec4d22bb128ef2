//! The command line: `tokenwire-sim --port 0 --script FILE`.

use std::io::{ErrorKind, Read, Write};

use crate::script::Script;
use crate::server::{Config, Sim};

const USAGE: &str = "usage: tokenwire-sim [--port N] [--host ADDRESS] [--allow-remote] \
                     [--script FILE] [--log-capacity N] [--tokens N] [--per-token-us N] \
                     [--first-token-ms N] [--tokens-per-write N]\n\
                     Prints `listening URL` and serves until its standard input ends.\n";

/// Runs the command with its arguments (without the program's name) and returns its exit code.
///
/// Blocks until standard input ends or a signal interrupts reading it; installs no signal handler.
#[must_use]
pub fn cli_main(arguments: &[String]) -> i32 {
    let config = match parse(arguments) {
        Ok(Some(config)) => config,
        Ok(None) => return say(&mut std::io::stdout(), USAGE, 0),
        Err(message) => return say(&mut std::io::stderr(), &format!("{message}\n{USAGE}"), 2),
    };
    let sim = match Sim::start(config) {
        Ok(sim) => sim,
        Err(error) => {
            return say(
                &mut std::io::stderr(),
                &format!("cannot start: {error}\n"),
                1,
            );
        }
    };
    let code = say(
        &mut std::io::stdout(),
        &format!("listening {}\n", sim.base_url()),
        0,
    );
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
    code
}

/// Writes a text and returns `code`, or 1 when nobody reads it.
fn say(to: &mut dyn Write, text: &str, code: i32) -> i32 {
    match to.write_all(text.as_bytes()).and_then(|()| to.flush()) {
        Ok(()) => code,
        Err(_) => 1,
    }
}

/// `None` when help was asked for.
fn parse(arguments: &[String]) -> Result<Option<Config>, String> {
    let mut config = Config::default();
    let mut pacing = crate::script::Pacing::default();
    let mut is_paced = false;
    let mut rest = arguments.iter();
    while let Some(name) = rest.next() {
        match name.as_str() {
            "--help" | "-h" => return Ok(None),
            "--allow-remote" => {
                config.allow_remote = true;
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
    Ok(Some(config))
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    value
        .parse()
        .map_err(|_| format!("{name}: {value} is not valid"))
}
