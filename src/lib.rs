//! `oz`: managed secrets from the command line, sealed before they leave the machine.
//!
//! # Layers
//!
//! ```text
//! argv ─▶ cli ─▶ Request ─▶ verb ─▶ (value, seal, api ─▶ net) ─▶ Outcome ─▶ output ─▶ bytes
//! ```
//!
//! A [`request::Request`] is what was asked, an [`outcome::Outcome`] what happened; both are plain data. A module uses
//! only modules of lower layers, which a test checks.
//!
//! | layer | modules | purpose |
//! | --- | --- | --- |
//! | 0 | `secret`, `request`, `outcome`, `error`, `text`, `time`, `base64`, `env`, `trace`, `message` | plain data, without effects |
//! | 1 | `json`, `url`, `file`, `stdio` | documents and addresses; files that options name; standard streams |
//! | 2 | `cli`, `value`, `seal`, `net`, `output` | one stage of a run each; they do not use one another |
//! | 3 | `api` | the service's operations |
//! | 4 | `verb` | what each command does |
//! | 5 | `lib`, `main`, `unwind` | put the parts together |
//!
//! # One command from start to end
//!
//! `printf %s hunter2 | oz secret create DB_PASSWORD --team`
//!
//! 1. `main` collects arguments, environment, streams, clock and terminal in a [`World`].
//! 2. [`cli::parse`] reads the arguments into a [`request::Request`]. Nothing has been opened yet.
//! 3. [`value::process::harden`] forbids core dumps; [`value::api_key`] reads the API key.
//! 4. [`net::open`] checks server address, proxy and CA file; nothing has been sent yet.
//! 5. `verb::create` reads standard input to its end and checks the value.
//! 6. [`api::Api::lookup`] asks for the user, the teams with their public keys, and the secrets there are.
//! 7. [`seal::PublicKey::seal`] seals the payload to the team's key, bound to the user, the name and the type.
//! 8. [`api::Api::create`] sends the mutation on the same connection. If its answer is lost, `verb::reconcile` reads the
//!    list of secrets again to find out whether it took effect.
//! 9. [`output::outcome`] prints the [`outcome::Outcome`], and [`run`] returns the exit status.
//!
//! # Trust boundaries
//!
//! Four kinds of input come from outside; each is bounded and checked in one place: arguments and variables (`cli`,
//! `net::proxy`, `url`), values (`value`), the network (`net::http`, `net::tls`), and what the server says (`json`,
//! `api::reply`, `seal::keyset`). [`text::safe`] and the JSON writer make output safe to print. Secrets are held in
//! [`secret::SecretBytes`] only.

#![forbid(unsafe_code)]
// The map above is for readers of the source.
#![allow(rustdoc::private_intra_doc_links)]
// Tests fail by aborting, and a table of cases may be long.
#![cfg_attr(
    any(test, fuzzing),
    allow(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::too_many_lines,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

mod api;
mod base64;
mod cli;
mod env;
mod error;
mod file;
mod json;
mod message;
mod net;
mod outcome;
mod output;
mod request;
mod seal;
mod secret;
mod stdio;
mod text;
mod time;
mod trace;
mod url;
mod value;
mod verb;

/// Private modules let the compiler report dead code; the fuzz targets reach them through this one.
#[cfg(any(test, fuzzing))]
#[path = "../tests/fuzz/bodies/mod.rs"]
pub mod fuzz;

pub use cli::man::pages as manual_pages;
pub use env::Environment;
pub use outcome::Timestamp;
pub use stdio::{standard_output, terminal_width};
pub use trace::Trace;
pub use value::terminal::ProcessTerminal;

use error::{Applied, Error, ErrorKind};
use message::Notes;
use outcome::Outcome;
use output::{Streams, View};
use request::{DEFAULT_TIMEOUT, Format, ParseResult, Request};
use std::ffi::OsString;
use std::io::{self, Write};
use stdio::StandardInput;
use value::{Io, Terminal};
use verb::Session;

/// Everything that a run may use of the system.
pub struct World<'a> {
    /// The arguments without the name of the program.
    pub args: Vec<OsString>,
    /// The environment variables.
    pub env: &'a Environment,
    /// Whether standard input is a terminal.
    pub stdin_is_terminal: bool,
    /// Standard output, unbuffered.
    pub stdout: &'a mut dyn Write,
    /// Columns of the terminal that stdout is, if it is one and they are known.
    pub stdout_width: Option<usize>,
    /// Standard error, unbuffered.
    pub stderr: &'a mut dyn Write,
    /// Whether standard error is a terminal.
    pub stderr_is_terminal: bool,
    /// Where prompts are shown and answered.
    pub terminal: &'a mut dyn Terminal,
    /// The time of the start.
    pub now: Timestamp,
    /// Where the lines of `--debug` go.
    pub debug: Trace,
    /// Writes a line on standard error, for a person at a terminal who waits.
    pub note: fn(&[u8]),
}

/// Runs one command and returns its exit status.
pub fn run(world: World<'_>) -> u8 {
    let World {
        args,
        env,
        stdin_is_terminal,
        stdout,
        stdout_width,
        stderr,
        stderr_is_terminal,
        terminal,
        now,
        debug,
        note,
    } = world;
    let colour = || message::wants_colour(env, stderr_is_terminal);
    let request = match cli::parse(args, env) {
        Ok(ParseResult::Run(request)) => request,
        Ok(ParseResult::Print(text)) => {
            let written = stdout
                .write_all(text.as_bytes())
                .and_then(|()| stdout.flush());
            let result = printed(written, Applied::No).map(|()| 0);
            return finish(result, Format::Text, &colour, stderr);
        }
        Err(usage) => return finish(Err(usage.error), usage.format, &colour, stderr),
    };
    let format = request.globals.format;
    // For a machine, standard error carries nothing but a document.
    let for_people = !format.is_machine();
    let notes = if stderr_is_terminal && for_people {
        Notes::to(note, colour())
    } else {
        Notes::OFF
    };
    let io = Io {
        stdin: &mut StandardInput::new(notes),
        stdin_is_terminal,
        env,
        timeout: request.globals.timeout.unwrap_or(DEFAULT_TIMEOUT),
    };
    let mut streams = Streams {
        stdout,
        stderr,
        format,
        colour: for_people && colour(),
        shows_progress: notes.are_on() && message::knows_escapes(env),
    };
    let view = View {
        format,
        now,
        width: stdout_width,
        colour: streams.colour,
    };
    let result = execute(request, io, terminal, &mut streams, debug, notes)
        .and_then(|outcome| print(outcome, &view, &mut streams));
    finish(result, format, &colour, streams.stderr)
}

/// Prints what a run did, and returns its exit status.
fn print(outcome: Outcome, view: &View, streams: &mut Streams<'_>) -> Result<u8, Error> {
    if let Outcome::Reported(report) = outcome {
        let code = report.failure.map_or(0, ErrorKind::code);
        return printed(report.written, report.applied).map(|()| code);
    }
    let written = output::outcome(&outcome, view, streams.stdout, streams.stderr);
    printed(written, applied(&outcome)).map(|()| 0)
}

/// Does what was asked.
fn execute(
    request: Box<Request>,
    mut io: Io<'_>,
    terminal: &mut dyn Terminal,
    streams: &mut Streams<'_>,
    debug: Trace,
    notes: Notes,
) -> Result<Outcome, Error> {
    let Request { globals, verb } = *request;
    value::process::harden();
    value::process::end_on_signals_as_pid_1();
    let trace = if globals.debug { debug } else { Trace::OFF };
    terminal.permit(!globals.no_input);
    let key = value::api_key(globals.api_key, &mut io)?;
    let env = io.env;
    let random = random()?;
    let mut transport = net::open(net::Settings {
        root: globals.server_root_url.as_deref(),
        key: &key,
        ca_file: globals.ca_file,
        timeout: io.timeout,
        env,
        trace,
        notes,
    })?;
    let api = api::Api::new(&mut transport, &key, trace);
    verb::run(
        verb,
        &mut Session {
            api,
            io,
            terminal,
            random: &random,
            timeout_is_given: globals.timeout.is_some(),
        },
        streams,
    )
}

/// Checks that the system provides random numbers, before any are needed.
fn random() -> Result<seal::Random, Error> {
    seal::Random::new().map_err(|_| {
        Error::refused("this machine gives no random numbers")
            .cause("getrandom is refused, and /dev/random or /dev/urandom cannot be read")
    })
}

fn applied(outcome: &Outcome) -> Applied {
    match outcome {
        Outcome::Write(write) if write.action.applied() => Applied::Yes,
        _ => Applied::No,
    }
}

/// Turns a failed write to standard output into an error. A closed pipe is none: the reader has all it wanted.
fn printed(written: io::Result<()>, applied: Applied) -> Result<(), Error> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let message = match applied {
                Applied::Yes => {
                    "it was done, but the result could not be written to standard output"
                }
                _ => "the result could not be written to standard output",
            };
            Err(Error::new(ErrorKind::Output(applied), message).system_cause(&error))
        }
        _ => Ok(()),
    }
}

fn finish(
    result: Result<u8, Error>,
    format: Format,
    colour: &dyn Fn() -> bool,
    stderr: &mut dyn Write,
) -> u8 {
    match result {
        Ok(code) => code,
        Err(error) => {
            // If standard error is closed too, the exit status is all that is left.
            let _ = stderr.write_all(&output::failure(&error, format, colour()));
            error.code()
        }
    }
}

#[cfg(test)]
mod tests;
