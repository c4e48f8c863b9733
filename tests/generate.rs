//! Owns printing what the binary does not carry: `cargo run --example generate -- man > oz.1`.
//! Must not know more than which text is asked for.

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("man") => {
            print!("{}", oz::cli::man::page());
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("error: say what to print\nhint: man");
            ExitCode::from(2)
        }
    }
}
