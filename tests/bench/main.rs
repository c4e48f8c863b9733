//! The benchmark: compares `oz` with other programs in one run, over TLS on loopback.
//!
//! ```text
//! bench all BINARY [MINREQ-BINARY]   the table, the scale, and every budget
//! bench budgets BINARY               only what is the same in every run, against its ceiling
//! bench distant BINARY [MINREQ-BINARY]   called by `all` within a network that delays: one line a peer
//! ```
//!
//! # Where the instructions of a list go
//!
//! By callgrind, one secret, TLS 1.3 with P-256 certificates and AES-256; 4.0 million in all, and 5.2 on a server with
//! X25519MLKEM768:
//!
//! | million | what |
//! | --- | --- |
//! | 1.5 | two ECDSA P-256 signatures: the certificate's, and the handshake's |
//! | 0.8 | X25519: a key pair and the shared secret |
//! | 0.8 | ML-KEM: a key pair, nearly half of it Keccak |
//! | 1.2 | ML-KEM: the shared secret, where the server takes it |
//! | 0.3 | SHA-384: transcript, HKDF, HMAC (SHA-256, and 0.05 less, with AES-128 suites) |
//! | 0.2 | the rest of rustls and webpki, AES-GCM, the CA file |
//! | 0.3 | everything else: start, options, HTTP, JSON, the table |
//!
//! One more secret costs 25,000: TLS, checking and decoding the reply, looking for the API key in its longer strings,
//! picking the fields, and the table, which takes two passes, the first for the widths. At the peak it takes twice the
//! reply in memory. With a table of tokens it took three times the reply, with a table of strings for every row nine times.
//!
//! # Where the bytes go
//!
//! Of 1.3 million, by symbol: ring 345 thousand (152 of them a table of multiples for P-256), our own code 227, rustls
//! 185, the standard library's core, alloc and std 161, musl 60, webpki 42, tinyjson 40 with the parsing and printing of
//! floating point that it brings, ML-KEM 12. The rest has no symbol: the built-in roots and texts 175, vtables and tables
//! that are relocated 43.
//! What the link flags and the options of the compiler save stands beside each in `.cargo/config.toml`.
//!
//! "PQ" is a server that takes X25519MLKEM768 only, where a program without it shows nothing.
//!
//! Programs that are not installed are listed as missing. Exits 1 when a figure is above its budget.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::too_many_lines,
    clippy::unreachable,
    clippy::unwrap_used
)]

mod github;
mod imports;
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
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

/// Runs for a median. One takes milliseconds, so that the whole table takes a minute or two.
const RUNS: usize = 101;

/// The round trip to the distant server.
const ROUND_TRIP: Duration = Duration::from_millis(50);

/// Runs for the median over a distance, each of which takes four round trips and more.
const DISTANT_RUNS: usize = 7;

/// A create may wait this long for a dead address before it tries the next (RFC 8305 section 8 recommends 250 ms), and
/// take as much again.
const MAX_DEAD_CREATE: Duration = Duration::from_millis(500);

/// A create may take four round trips (TCP, TLS 1.3, lookup, mutation) and this much of our own.
const MAX_DISTANT_CREATE: Duration = Duration::from_millis(4 * 50 + 30);

/// The most the stripped static binary may have, in bytes.
const MAX_SIZE: u64 = 1_320_000;

/// How many secrets a list has. What one more costs must not grow with their number.
const SCALE: [usize; 4] = [1, 100, 10_000, 100_000];

/// The formats whose scale is shown.
const FORMATS: [&str; 2] = ["pretty", "json"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["all", binary, rest @ ..] => all(PathBuf::from(binary), rest.first().map(PathBuf::from)),
        ["budgets", binary] => budgets(PathBuf::from(binary)),
        ["distant", binary, rest @ ..] => {
            distant(PathBuf::from(binary), rest.first().map(PathBuf::from))
        }
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
    let stage = Stage::new(false);
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
    let [post_quantum_list, post_quantum_create] = &ours.post_quantum;
    let mut found = vec![
        budget("size", "bytes", measure::size(&ours.program), MAX_SIZE),
        budget("create", "KiB resident", memory(&ours.create), 2_048),
    ];
    for (what, job, ceiling) in [
        ("--version", &ours.version, 60_000),
        ("list", &ours.list, 4_050_000),
        ("create", &ours.create, 5_050_000),
        ("list, PQ", post_quantum_list, 5_300_000),
        ("create, PQ", post_quantum_create, 6_300_000),
    ] {
        found.push(budget(what, "instructions", instructions(job), ceiling));
    }
    let (reply, peak) = long_list(stage);
    found.push(budget(
        "100,000",
        "KiB resident",
        peak,
        3 * reply.unwrap_or(0) / 1024 + 4096,
    ));
    let (_, _, import) = imports::import(stage, &ours.program, 30);
    for (what, traffic, requests) in [
        ("list", list, 1),
        ("create", create, 2),
        ("import", import, 31),
    ] {
        let part = |unit, measured, ceiling| budget(what, unit, measured, ceiling);
        found.push(part("requests", traffic.map(|t| t.requests), requests));
        found.push(part("connections", traffic.map(|t| t.connections), 1));
        found.push(part("handshakes", traffic.map(|t| t.handshakes), 1));
    }
    found
}

/// A list of 100,000 secrets: the bytes of the reply, and the peak in KiB.
fn long_list(stage: &Stage) -> (Option<u64>, Option<u64>) {
    let server = server_with(100_000);
    let job = stage.list_on(&server, "pretty");
    (measure::reply_length(&job), measure::memory(&job))
}

fn server_with(secrets: usize) -> Server {
    let server = Server::start();
    for number in 0..secrets {
        server.seed_raw(Scope::Personal, &format!("SECRET_{number}"));
    }
    server
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
    let delayed = in_slow_network(&binary, minreq.as_deref());
    println!(
        "50 ms away: {}",
        match &delayed {
            Some(_) => "netem in a network namespace",
            None => "a relay (no netem in a network namespace here)",
        }
    );
    let stage = Stage::new(false);
    let ours = stage.ours("oz", binary);
    if let Some(job) = ours.create.as_ref().filter(|job| !job.run()) {
        eprintln!("the binary does not work: {}", job.explain());
        return ExitCode::FAILURE;
    }
    // Before the timed runs: each of them leaves a secret that the next lookup has to read.
    let mut found = fixed_budgets(&stage, &ours);
    let peers = stage.peers(ours, minreq);
    for (name, why) in stage.missing() {
        println!("missing: {name} ({why})");
    }
    let columns: Vec<Column> = peers
        .iter()
        .map(|peer| Column::measure(&stage, peer, delayed.as_deref()))
        .collect();
    print_table(&columns);
    print_scale(&stage);
    imports::print(&stage, &columns[0].program);
    found.extend(time_budgets(&columns));
    let (_, distant, _) = imports::import(&stage, &columns[0].program, 30);
    found.push(Budget {
        what: "import of 30",
        unit: "µs, 50 ms away",
        measured: far(&Some(distant))
            .map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX)),
        ceiling: 1_800_000,
    });
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
    let dead = columns.first().and_then(|column| column.dead);
    vec![
        Budget {
            what: "create",
            unit: "‰ CPU of curl",
            measured: share,
            ceiling: 222,
        },
        Budget {
            what: "create",
            unit: "µs, 50 ms away",
            measured: distant.map(micros),
            ceiling: micros(MAX_DISTANT_CREATE),
        },
        Budget {
            what: "create",
            unit: "µs, dead address",
            measured: dead.map(micros),
            ceiling: micros(MAX_DEAD_CREATE),
        },
    ]
}

/// Everything about one peer.
struct Column {
    name: &'static str,
    program: PathBuf,
    size: Option<u64>,
    /// Of `--version`, and of a list and a create on either kind of server.
    instructions: [Option<u64>; 5],
    memory: [Option<u64>; 2],
    list: Option<Times>,
    create: Option<Times>,
    post_quantum: [Option<Times>; 2],
    traffic: Option<peers::Traffic>,
    calls: Option<u64>,
    distant: Option<Duration>,
    dead: Option<Duration>,
}

/// The wall time of what takes long because it waits.
fn far(job: &Option<Job>) -> Option<Duration> {
    let times = measure::times(job.as_ref()?, DISTANT_RUNS)?;
    Some(times.wall)
}

/// Measures within a network that is slow by itself, for [`in_slow_network`].
fn distant(binary: PathBuf, minreq: Option<PathBuf>) -> ExitCode {
    let stage = Stage::new(true);
    let ours = stage.ours("oz", binary);
    if !ours.create.as_ref().is_some_and(Job::run) {
        return ExitCode::FAILURE;
    }
    for peer in stage.peers(ours, minreq) {
        if let Some(time) = far(&peer.distant) {
            println!("{}\t{}", peer.name, time.as_micros());
        }
    }
    ExitCode::SUCCESS
}

/// Measures the distance in a network namespace whose loopback delays; `None` where namespaces are not allowed.
fn in_slow_network(binary: &Path, minreq: Option<&Path>) -> Option<Vec<(String, Duration)>> {
    let half = ROUND_TRIP.as_millis() / 2;
    let setup = format!(
        "ip link set lo up && tc qdisc add dev lo root netem delay {half}ms && exec \"$@\""
    );
    let output = Command::new("unshare")
        .args(["-rn", "sh", "-c", &setup, "sh"])
        .arg(std::env::current_exe().ok()?)
        .arg("distant")
        .arg(binary)
        .args(minreq)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output.status.success().then_some(())?;
    let lines = String::from_utf8(output.stdout).ok()?;
    lines
        .lines()
        .map(|line| {
            let (name, micros) = line.split_once('\t')?;
            Some((name.to_owned(), Duration::from_micros(micros.parse().ok()?)))
        })
        .collect()
}

impl Column {
    fn measure(stage: &Stage, peer: &Peer, delayed: Option<&[(String, Duration)]>) -> Self {
        let count = |job: &Option<Job>| job.as_ref().and_then(measure::instructions);
        let memory = |job: &Option<Job>| job.as_ref().and_then(measure::memory);
        let timed = |job: &Option<Job>| job.as_ref().and_then(|job| measure::times(job, RUNS));
        let [list, create] = &peer.post_quantum;
        let jobs = [&peer.version, &peer.list, &peer.create, list, create];
        let distant = match delayed {
            Some(found) => found.iter().find(|one| one.0 == peer.name).map(|one| one.1),
            None => far(&peer.distant),
        };
        Self {
            name: peer.name,
            program: peer.program.clone(),
            size: measure::size(&peer.program),
            instructions: jobs.map(count),
            memory: [memory(&peer.list), memory(&peer.create)],
            list: timed(&peer.list),
            create: timed(&peer.create),
            post_quantum: [timed(list), timed(create)],
            traffic: peer
                .create
                .as_ref()
                .and_then(|job| stage.traffic_of(peer, job)),
            calls: peer.create.as_ref().and_then(measure::system_calls),
            distant,
            dead: far(&peer.dead),
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
    let names = ["--version", "list", "create", "list, PQ", "create, PQ"];
    for (index, name) in names.into_iter().enumerate() {
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
        ("list, PQ", |c: &Column| c.post_quantum[0]),
        ("create, PQ", |c: &Column| c.post_quantum[1]),
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
    row(columns, "wall ms, dead address", |c| {
        timed(c.dead, ours.dead)
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

/// Lists of growing length: what one more secret costs, and the memory beside the length of the reply.
fn print_scale(stage: &Stage) {
    println!(
        "\n{:>10} {:<8} {:>16} {:>12} {:>12} {:>12}",
        "secrets", "format", "instructions", "one more", "reply KiB", "peak KiB"
    );
    let text = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |v| v.to_string());
    let mut first = [None; FORMATS.len()];
    for count in SCALE {
        let server = server_with(count);
        for (format, first) in FORMATS.into_iter().zip(&mut first) {
            let job = stage.list_on(&server, format);
            let found = measure::instructions(&job);
            let base = *first.get_or_insert(found.unwrap_or(0));
            let more = u64::try_from(count - 1).unwrap_or(0);
            let each = found.and_then(|found| found.saturating_sub(base).checked_div(more));
            println!(
                "{count:>10} {format:<8} {:>16} {:>12} {:>12} {:>12}",
                text(found),
                text(each),
                text(measure::reply_length(&job).map(|bytes| bytes / 1024)),
                text(measure::memory(&job))
            );
        }
    }
}
