//! Prints what the binary does not carry: `cargo run --features generate --bin generate -- man > oz.1`.

#![allow(clippy::print_stdout)]

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let text = match words[..] {
        ["man"] => Some(oz::man_page()),
        ["completions", shell] => oz::completion_script(shell),
        _ => None,
    };
    match text {
        Some(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        None => {
            eprintln!("error: say what to print\nhint: 'man' or 'completions SHELL'");
            ExitCode::from(2)
        }
    }
}
