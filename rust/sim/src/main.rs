//! The simulator as a command.

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    std::process::exit(tokenwire_sim::cli_main(&arguments));
}
