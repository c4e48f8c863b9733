//! The local server as a program, for a person and for `make demo`.
//!
//! ```text
//! local-server [--port PORT] [--dir DIR]
//! ```
//!
//! Writes `DIR/ca.pem`, prints `READY https://localhost:PORT`, then a line for each request, never a value. Runs until
//! its standard input ends. Its one account is a person on no team, with the key in `LOCAL_SERVER_KEY`, or `wk-demo`.

#[path = "mod.rs"]
mod server;
#[path = "../support/mod.rs"]
mod support;

use server::{Account, Server};
use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

fn main() -> ExitCode {
    match options(std::env::args().skip(1)) {
        Ok(options) => run(options),
        Err(problem) => {
            eprintln!("local-server: {problem}");
            eprintln!("usage: local-server [--port PORT] [--dir DIR]");
            ExitCode::from(2)
        }
    }
}

#[derive(Default)]
struct Options {
    port: u16,
    dir: Option<PathBuf>,
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options::default();
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
        match name.as_str() {
            "--port" => {
                options.port = value()?.parse().map_err(|_| "no port number".to_owned())?;
            }
            "--dir" => options.dir = Some(PathBuf::from(value()?)),
            _ => return Err(format!("unknown option {name}")),
        }
    }
    Ok(options)
}

fn run(options: Options) -> ExitCode {
    let key = std::env::var("LOCAL_SERVER_KEY").unwrap_or_else(|_| "wk-demo".to_owned());
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0));
    let mut builder = Server::builder()
        .account(Account {
            api_key: key,
            ..Account::person()
        })
        // Somebody looks at "created … ago": the clock is this machine's.
        .clock(now)
        .port(options.port)
        .print_log();
    if let Some(dir) = &options.dir {
        builder = builder.dir(dir);
    }
    let server = builder.start();
    println!("READY {}", server.root());
    let mut rest = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut rest);
    // A person may have tried nonsense on purpose.
    let _ = server.violations();
    ExitCode::SUCCESS
}
