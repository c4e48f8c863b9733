//! The benchmark: ours beside what people would use instead, in one run, over TLS on loopback.
//!
//! ```text
//! bench all BINARY [MINREQ-BINARY]   the table, the scale, and every budget
//! bench budgets BINARY               only what does not depend on the machine's mood, against its ceiling
//! ```
//!
//! A peer or a tool that is not here is named as missing, never guessed. Exits 1 when a figure is past its ceiling.

mod github;
mod measure;
mod peers;
mod relay;
#[path = "../server/mod.rs"]
mod server;
#[path = "../support/mod.rs"]
mod support;

use measure::{Job, Times};
use peers::{Peer, Stage};
use server::{Scope, Server};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Runs for a median. One takes milliseconds, so that the whole table takes a minute or two.
const RUNS: usize = 101;

/// Of the far server.
const ROUND_TRIP: Duration = Duration::from_millis(50);

/// Runs for the median over a distance, each of which takes four round trips and more.
const DISTANT_RUNS: usize = 7;

/// A create may take four round trips (TCP, TLS 1.3, lookup, mutation) and this much of our own.
const MAX_DISTANT_CREATE: Duration = Duration::from_millis(4 * 50 + 30);

/// What one more secret in a list may cost, in instructions: it must not grow with their number.
const SCALE: [usize; 4] = [1, 100, 10_000, 100_000];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["all", binary, rest @ ..] => all(PathBuf::from(binary), rest.first().map(PathBuf::from)),
        ["budgets", binary] => budgets(PathBuf::from(binary)),
        _ => {
            eprintln!("usage: bench all BINARY [MINREQ-BINARY] | bench budgets BINARY");
            ExitCode::from(2)
        }
    }
}

/// One budget: what was measured, or nothing, and the most it may be.
struct Budget {
    what: &'static str,
    unit: &'static str,
    measured: Option<u64>,
    ceiling: u64,
}

fn budgets(binary: PathBuf) -> ExitCode {
    let stage = Stage::new();
    let ours = stage.ours("oz", binary);
    verdict(&fixed_budgets(&stage, &ours))
}

/// The budgets that come out the same on every run.
fn fixed_budgets(stage: &Stage, ours: &Peer) -> Vec<Budget> {
    let instructions = |job: &Option<Job>| job.as_ref().and_then(measure::instructions);
    let memory = |job: &Option<Job>| job.as_ref().and_then(measure::memory);
    let budget = |what, unit, measured, ceiling| Budget {
        what,
        unit,
        measured,
        ceiling,
    };
    let list = ours.list.as_ref().and_then(|job| stage.traffic(job));
    let create = ours.create.as_ref().and_then(|job| stage.traffic(job));
    let mut found = vec![
        budget("size", "bytes", measure::size(&ours.program), 1_500_000),
        budget(
            "--version",
            "instructions",
            instructions(&ours.version),
            60_000,
        ),
        budget("list", "instructions", instructions(&ours.list), 3_600_000),
        budget(
            "create",
            "instructions",
            instructions(&ours.create),
            4_600_000,
        ),
        budget("create", "KiB resident", memory(&ours.create), 2_560),
    ];
    for (what, traffic, requests) in [("list", list, 1), ("create", create, 2)] {
        let part = |unit, measured, ceiling| budget(what, unit, measured, ceiling);
        found.push(part("requests", traffic.map(|t| t.requests), requests));
        found.push(part("connections", traffic.map(|t| t.connections), 1));
        found.push(part("handshakes", traffic.map(|t| t.handshakes), 1));
    }
    found
}

/// Prints the budgets, and fails on one that is broken, or unmeasured where nothing may be skipped.
fn verdict(budgets: &[Budget]) -> ExitCode {
    let strict = std::env::var_os("OZ_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    let mut broken = false;
    println!(
        "\n{:<12} {:<16} {:>12} {:>12}",
        "budget", "", "measured", "ceiling"
    );
    for one in budgets {
        let (text, word) = match one.measured {
            None if strict => ("missing".to_owned(), "NOT MEASURED"),
            None => ("missing".to_owned(), ""),
            Some(value) if value > one.ceiling => (value.to_string(), "BROKEN"),
            Some(value) => (value.to_string(), "ok"),
        };
        broken |= ["BROKEN", "NOT MEASURED"].contains(&word);
        println!(
            "{:<12} {:<16} {text:>12} {:>12} {word}",
            one.what, one.unit, one.ceiling
        );
    }
    ExitCode::from(u8::from(broken))
}

fn all(binary: PathBuf, minreq: Option<PathBuf>) -> ExitCode {
    let stage = Stage::new();
    let ours = stage.ours("oz", binary);
    if let Some(job) = ours.create.as_ref().filter(|job| !job.run()) {
        eprintln!("the binary does not work: {}", job.explain());
        return ExitCode::FAILURE;
    }
    let peers = stage.peers(ours, minreq);
    for (name, why) in stage.missing() {
        println!("missing: {name} ({why})");
    }
    let columns: Vec<Column> = peers
        .iter()
        .map(|peer| Column::measure(&stage, peer))
        .collect();
    print_table(&columns);
    print_scale(&stage);
    let mut found = fixed_budgets(&stage, &peers[0]);
    found.extend(time_budgets(&columns));
    verdict(&found)
}

/// The budgets that need a quiet machine.
fn time_budgets(columns: &[Column]) -> Vec<Budget> {
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let cpu = |name: &str| {
        let column = columns.iter().find(|column| column.name == name)?;
        Some(micros(column.create?.cpu))
    };
    let ours = cpu("oz");
    let share = ours
        .zip(cpu("curl"))
        .map(|(ours, curl)| ours * 1000 / curl.max(1));
    let distant = columns.first().and_then(|column| column.distant);
    vec![
        Budget {
            what: "create",
            unit: "‰ CPU of curl",
            measured: share,
            ceiling: 250,
        },
        Budget {
            what: "create",
            unit: "µs, 50 ms away",
            measured: distant.map(micros),
            ceiling: micros(MAX_DISTANT_CREATE),
        },
    ]
}

/// Everything about one peer.
struct Column {
    name: &'static str,
    size: Option<u64>,
    instructions: [Option<u64>; 3],
    memory: [Option<u64>; 2],
    list: Option<Times>,
    create: Option<Times>,
    traffic: Option<peers::Traffic>,
    calls: Option<u64>,
    distant: Option<Duration>,
}

impl Column {
    fn measure(stage: &Stage, peer: &Peer) -> Self {
        let count = |job: &Option<Job>| job.as_ref().and_then(measure::instructions);
        let memory = |job: &Option<Job>| job.as_ref().and_then(measure::memory);
        let timed = |job: &Option<Job>| job.as_ref().and_then(|job| measure::times(job, RUNS));
        let distant = peer.distant.as_ref();
        let distant = distant.and_then(|job| measure::times(job, DISTANT_RUNS));
        Self {
            name: peer.name,
            size: measure::size(&peer.program),
            instructions: [count(&peer.version), count(&peer.list), count(&peer.create)],
            memory: [memory(&peer.list), memory(&peer.create)],
            list: timed(&peer.list),
            create: timed(&peer.create),
            traffic: peer
                .create
                .as_ref()
                .and_then(|job| stage.traffic_of(peer, job)),
            calls: peer.create.as_ref().and_then(measure::system_calls),
            distant: distant.map(|times| times.wall),
        }
    }
}

/// A row of the table: its name, and a figure for each column.
fn row(columns: &[Column], name: &str, figure: impl Fn(&Column) -> Option<String>) {
    print!("{name:<24}");
    for column in columns {
        print!(" {:>16}", figure(column).unwrap_or_else(|| "-".to_owned()));
    }
    println!();
}

fn print_table(columns: &[Column]) {
    println!();
    row(columns, "", |column| Some(column.name.to_owned()));
    let text = |value: Option<u64>| value.map(|value| value.to_string());
    row(columns, "size, bytes", |c| text(c.size));
    for (index, name) in ["--version", "list", "create"].into_iter().enumerate() {
        row(columns, &format!("instructions, {name}"), |c| {
            text(c.instructions[index])
        });
    }
    for (index, name) in ["list", "create"].into_iter().enumerate() {
        row(columns, &format!("peak KiB, {name}"), |c| {
            text(c.memory[index])
        });
    }
    let ours = &columns[0];
    let timed = |time: Option<Duration>, base: Option<Duration>| {
        let (time, base) = (time?.as_secs_f64(), base?.as_secs_f64());
        Some(format!("{:.2} ({:.1}x)", time * 1000.0, time / base))
    };
    for (name, of) in [
        (
            "list",
            (|c: &Column| c.list) as fn(&Column) -> Option<Times>,
        ),
        ("create", |c: &Column| c.create),
    ] {
        row(columns, &format!("CPU ms, {name}"), |c| {
            timed(of(c).map(|t| t.cpu), of(ours).map(|t| t.cpu))
        });
        row(columns, &format!("wall ms, {name}"), |c| {
            timed(of(c).map(|t| t.wall), of(ours).map(|t| t.wall))
        });
    }
    row(columns, "wall ms, create, 50 ms", |c| {
        timed(c.distant, ours.distant)
    });
    row(columns, "system calls, create", |c| text(c.calls));
    row(columns, "requests, create", |c| {
        text(c.traffic.map(|t| t.requests))
    });
    row(columns, "connections, create", |c| {
        text(c.traffic.map(|t| t.connections))
    });
    row(columns, "handshakes, create", |c| {
        text(c.traffic.map(|t| t.handshakes))
    });
}

/// Lists of growing length: what one more secret costs, and the memory.
fn print_scale(stage: &Stage) {
    println!(
        "\n{:>10} {:>16} {:>16} {:>12}",
        "secrets", "instructions", "a secret", "peak KiB"
    );
    let mut first = None;
    for count in SCALE {
        let server = Server::start();
        for number in 0..count {
            server.seed_raw(Scope::Personal, &format!("SECRET_{number}"));
        }
        let job = stage.list_on(&server);
        let found = measure::instructions(&job);
        let base = *first.get_or_insert(found.unwrap_or(0));
        let more =
            found.map(|found| found.saturating_sub(base) / u64::try_from(count).unwrap_or(1));
        let text = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |v| v.to_string());
        let memory = measure::memory(&job);
        println!(
            "{count:>10} {:>16} {:>16} {:>12}",
            text(found),
            text(more),
            text(memory)
        );
    }
}
