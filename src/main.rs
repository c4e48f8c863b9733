//! Hands the arguments, the environment, the streams, the clock and the terminal to [`oz::run`].

// Elsewhere a panic unwinds, or the system's unwinder is linked.
#[cfg(all(target_env = "musl", panic = "abort"))]
mod unwind;

use oz::{Environment, ProcessTerminal, Timestamp, Trace, World, standard_output, terminal_width};
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

fn main() -> ExitCode {
    let stdin_is_terminal = io::stdin().is_terminal();
    let env = Environment::new(|name| std::env::var_os(name));
    let code = oz::run(World {
        args: std::env::args_os().skip(1).collect(),
        env: &env,
        stdin_is_terminal,
        stdout_width: width(io::stdout().is_terminal(), &env),
        stdout: &mut standard_output(),
        stderr: &mut io::stderr(),
        stderr_is_terminal: io::stderr().is_terminal(),
        terminal: &mut ProcessTerminal::new(stdin_is_terminal),
        now: now(),
        note: |line| {
            let _ = io::stderr().write_all(line);
        },
        debug: Trace::to(|line| {
            // One write a line, so that lines of several processes do not mix.
            let _ = io::stderr().write_all(format!("debug: {line}\n").as_bytes());
        }),
    });
    ExitCode::from(code)
}

fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp {
        seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        nanoseconds: since.subsec_nanos(),
    }
}

/// The width of a terminal that says none, as on a serial line.
const DEFAULT_WIDTH: usize = 80;

/// Columns of standard output if it is a terminal: `COLUMNS`, or else what the terminal says.
fn width(is_terminal: bool, env: &Environment) -> Option<usize> {
    if !is_terminal {
        return None;
    }
    let columns = env
        .filled("COLUMNS")
        .and_then(|columns| columns.to_str()?.parse().ok())
        .filter(|columns| *columns > 0);
    Some(columns.or_else(terminal_width).unwrap_or(DEFAULT_WIDTH))
}
