//! The local server as a program, to try `oz` against and for `make demo`.
//!
//! ```text
//! local-server [--port PORT] [--dir DIR] [--misbehave gateway|race|lag]
//! ```
//!
//! Writes `DIR/ca.pem`, prints `READY https://localhost:PORT`, then a line for each request, never a value. Runs until
//! its standard input ends, or SIGTERM, SIGINT or SIGHUP. Its one account is a person on no team, with the key in
//! `LOCAL_SERVER_KEY`, or `wk-demo`.
//!
//! | `--misbehave` | what happens to every write |
//! | --- | --- |
//! | `gateway` | it is answered with 504 at once, and carried out a second later |
//! | `race` | another client makes the same request first |
//! | `lag` | the first list after it shows the state before it |

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::too_many_lines,
    clippy::unreachable,
    clippy::unwrap_used
)]

#[path = "mod.rs"]
mod server;
#[path = "../support/mod.rs"]
mod support;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::SignalFd;
use server::{Account, Behaviour, Server, When};
use std::io::Read;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    match options(std::env::args().skip(1)) {
        Ok(options) => run(options),
        Err(problem) => {
            eprintln!("local-server: {problem}");
            eprintln!(
                "usage: local-server [--port PORT] [--dir DIR] [--misbehave gateway|race|lag]"
            );
            ExitCode::from(2)
        }
    }
}

#[derive(Default)]
struct Options {
    port: u16,
    dir: Option<PathBuf>,
    misbehaviour: Option<(When, Behaviour)>,
}

fn misbehaviour(word: &str) -> Option<(When, Behaviour)> {
    match word {
        "gateway" => Some((
            When::Mutation,
            Behaviour::late(
                Duration::from_secs(1),
                Behaviour::status(504, "the upstream did not answer in time"),
            ),
        )),
        "race" => Some((When::Mutation, Behaviour::Raced)),
        "lag" => Some((When::Any, Behaviour::behind())),
        _ => None,
    }
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
            "--misbehave" => {
                let word = value()?;
                let known = misbehaviour(&word).ok_or(format!("no such misbehaviour: {word}"))?;
                options.misbehaviour = Some(known);
            }
            _ => return Err(format!("unknown option {name}")),
        }
    }
    Ok(options)
}

fn run(options: Options) -> ExitCode {
    let key = std::env::var("LOCAL_SERVER_KEY").unwrap_or_else(|_| "wk-demo".to_owned());
    // Before any thread starts, so that every thread leaves them to the descriptor.
    let signals = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]);
    signals.thread_block().expect("a signal mask");
    let signals = SignalFd::new(&signals).expect("a signal descriptor");
    let mut builder = Server::builder()
        .account(Account {
            api_key: key,
            ..Account::person()
        })
        // So that "created … ago" is right.
        .system_clock()
        .port(options.port)
        .print_log();
    if let Some(dir) = &options.dir {
        builder = builder.dir(dir);
    }
    let server = builder.start();
    if let Some((when, behaviour)) = options.misbehaviour {
        server.always(when, behaviour);
    }
    println!("READY {}", server.root());
    wait_for_end(&signals);
    // Requests that the service would not understand are no failure here.
    let _ = server.violations();
    ExitCode::SUCCESS
}

/// Returns when standard input has ended or a signal has come.
fn wait_for_end(signals: &SignalFd) {
    let mut stdin = std::io::stdin();
    loop {
        let mut ready = [
            PollFd::new(stdin.as_fd(), PollFlags::POLLIN),
            PollFd::new(signals.as_fd(), PollFlags::POLLIN),
        ];
        poll(&mut ready, PollTimeout::NONE).expect("something to wait for");
        if ready[1].any() == Some(true) {
            return;
        }
        let mut typed = [0; 256];
        if !matches!(stdin.read(&mut typed), Ok(1..)) {
            return;
        }
    }
}
