//! The command line: `tokenwire-sim --port 0 --script FILE`.

use std::io::{Read, Write};

use crate::script::{Pacing, Script};
use crate::server::Sim;
use crate::simulator::Config;

const USAGE: &str = "usage: tokenwire-sim [--port N] [--host ADDRESS] [--allow-remote] \
                     [--script FILE] [--log-capacity N] [--tokens N] [--per-token-us N] \
                     [--first-token-ms N] [--tokens-per-write N] [--json]\n\
                     Serves POST …/chat/completions, …/completions, …/responses, …/messages and\n\
                     …:generateContent, and GET …/models.\n\
                     Prints `listening URL`, or the address as JSON with --json, and serves until it is stopped.\n";

/// Runs the command with its arguments (without the program's name) and returns its exit code.
#[must_use]
pub fn cli_main(arguments: &[String]) -> i32 {
    match serve(arguments) {
        Ok(()) => 0,
        Err((code, message)) => {
            let usage = if code == 2 { USAGE } else { "" };
            let _ = write!(std::io::stderr(), "{message}\n{usage}");
            code
        }
    }
}

/// Serves as the arguments say.
///
/// Blocks until a signal ends the process or, if standard input is a pipe, until that ends: a
/// program that starts it with a pipe ends it even by dying. Any other input is not read, so that it
/// can run in the background of a shell. Installs no signal handler. An error is the exit code (2
/// for a wrong argument, otherwise 1) and one line.
pub fn serve(arguments: &[String]) -> Result<(), (i32, String)> {
    let parsed = parse(arguments).map_err(|message| (2, message))?;
    let Some((config, as_json)) = parsed else {
        let _ = write!(std::io::stdout(), "{USAGE}");
        return Ok(());
    };
    // Before anything is opened, which might get the number of an input that is closed.
    let has_pipe = is_pipe(&std::io::stdin());
    let sim =
        Sim::start(config).map_err(|error| (1, format!("the simulator cannot start: {error}")))?;
    let base_url = sim.base_url();
    let line = if as_json {
        serde_json::json!({ "base_url": base_url, "port": sim.port() }).to_string()
    } else {
        format!("listening {base_url}")
    };
    // Flushed at the end of the line, also into a pipe or a file.
    if writeln!(std::io::stdout(), "{line}").is_err() {
        return Err((1, "the address could not be printed".to_owned()));
    }
    if has_pipe {
        // An error ends it like the end of the input. It may be a signal; its handler, if there is
        // one, belongs to the program that called us.
        let mut input = std::io::stdin();
        while input.read(&mut [0; 1024]).is_ok_and(|bytes| bytes > 0) {}
        sim.stop();
        return Ok(());
    }
    if !as_json {
        let _ = write!(std::io::stderr(), "{}", hints(&base_url));
    }
    loop {
        std::thread::park();
    }
}

/// How to use the address. A program that holds a pipe knows.
fn hints(base_url: &str) -> String {
    format!(
        "in Python:  ChatClient(\"chat\", base_url=\"{base_url}\")\n\
         elsewhere:  export OPENAI_BASE_URL={base_url} OPENAI_API_KEY=any\n\
         to stop it: Ctrl-C; in the background `kill %1`\n"
    )
}

#[cfg(unix)]
fn is_pipe(input: &std::io::Stdin) -> bool {
    use std::os::fd::AsFd;
    use std::os::unix::fs::FileTypeExt;

    let copy = input.as_fd().try_clone_to_owned();
    let metadata = copy.and_then(|copy| std::fs::File::from(copy).metadata());
    metadata.is_ok_and(|found| found.file_type().is_fifo() || found.file_type().is_socket())
}

#[cfg(not(unix))]
fn is_pipe(input: &std::io::Stdin) -> bool {
    use std::io::IsTerminal;

    !input.is_terminal()
}

/// Returns the configuration, and whether to print the address as JSON; `None` if the arguments
/// ask for help.
fn parse(arguments: &[String]) -> Result<Option<(Config, bool)>, String> {
    let mut config = Config::default();
    let mut pacing = Pacing::default();
    let mut as_json = false;
    let mut rest = arguments.iter();
    while let Some(name) = rest.next() {
        let mut value = || rest.next().ok_or_else(|| format!("{name} needs a value"));
        match name.as_str() {
            "--help" | "-h" => return Ok(None),
            "--allow-remote" => config.allow_remote = true,
            "--json" => as_json = true,
            "--port" => config.port = parsed(name, value()?)?,
            "--host" => config.host = parsed(name, value()?)?,
            "--log-capacity" => config.log_capacity = parsed(name, value()?)?,
            "--script" => {
                let path = value()?;
                let text = std::fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
                config.script = Script::parse(&text).map_err(|e| format!("{path}: {e}"))?;
            }
            "--tokens" => pacing.tokens = Some(parsed(name, value()?)?),
            "--per-token-us" => pacing.per_token_us = parsed(name, value()?)?,
            "--first-token-ms" => pacing.first_token_ms = parsed(name, value()?)?,
            "--tokens-per-write" => pacing.tokens_per_write = parsed(name, value()?)?,
            _ => return Err(format!("unknown option {name}")),
        }
    }
    if pacing != Pacing::default() {
        config.script.default.pacing = Some(pacing);
    }
    Ok(Some((config, as_json)))
}

fn parsed<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    value
        .parse()
        .map_err(|_| format!("{name}: {value:?} is not valid"))
}
