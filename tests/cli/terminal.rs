//! What is different at a terminal: tables that fit it, notes while it waits, and colour.

use crate::server::{Behaviour, Scope, Server, When};
use crate::support::pty::Session;
use crate::support::tools::is_emulated;
use crate::support::{MARKER_KEY, namespaces, oz, write};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, SockaddrStorage, bind, getsockname,
    listen, socket,
};
use std::net::{SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;
use unicode_width::UnicodeWidthStr;

/// Longer than it takes until a note is written.
const SLOW: Duration = Duration::from_millis(2600);

const TIME: &str = "2001-02-03T04:05:06Z";

/// A server with one secret, whose row is wider than most terminals.
fn stocked() -> Server {
    let server = Server::start();
    let description = "a description of several words";
    server.seed(
        Scope::Personal,
        "DATABASE_PASSWORD_OF_THE_STAGING_CLUSTER",
        "RAW_VALUE",
        Some(description),
        TIME,
        TIME,
    );
    server
}

fn with(server: &Server, variables: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut all = server.env();
    all.extend(
        variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    all
}

/// What a terminal of this width, 0 for unknown, shows of a list.
fn list(server: &Server, columns: u16, words: &[&str], variables: &[(&str, &str)]) -> Vec<String> {
    let words = [&["secret", "list"], words].concat();
    let mut session = Session::sized(columns, &words, &with(server, variables));
    assert_eq!(session.end(), 0, "{:?}", session.transcript());
    let shown = session.transcript().replace("\r\n", "\n");
    shown.lines().map(str::to_owned).collect()
}

fn widest(lines: &[String]) -> usize {
    lines.iter().map(|line| line.width()).max().unwrap_or(0)
}

#[test]
fn a_table_is_as_wide_as_the_terminal_and_columns_beats_it() {
    let server = stocked();
    for (columns, variable, width) in [
        (80, None, 80),
        (100, None, 100),
        (60, None, 60),
        (37, None, 37),
        (20, None, 37),
        // Neither is known.
        (0, None, 80),
        (0, Some(""), 80),
        (60, Some(""), 60),
        (60, Some("0"), 60),
        (60, Some("-1"), 60),
        (60, Some("x"), 60),
        (60, Some("90"), 90),
        (0, Some("70"), 70),
        // As wide as its content.
        (500, None, 130),
        (60, Some("1000"), 130),
    ] {
        let variables: Vec<_> = variable
            .map(|value| ("COLUMNS", value))
            .into_iter()
            .collect();
        let lines = list(&server, columns, &[], &variables);
        assert!(
            lines.iter().all(|line| line.width() == width),
            "{columns} {variable:?} {lines:#?}"
        );
    }
}

#[test]
fn at_80_columns_a_table_is_exactly_this() {
    let expected = "\
╭──────────────┬──────────┬──────────────┬─────────┬─────────────┬─────────────╮
│ Name         ┆ Scope    ┆ Type         ┆ Created ┆ Updated     ┆ Description │
╞══════════════╪══════════╪══════════════╪═════════╪═════════════╪═════════════╡
│ DATABASE_PAS ┆ Personal ┆ Anthropic    ┆ NN      ┆ NN years    ┆ a           │
│ SWORD_OF_THE ┆          ┆ Bedrock      ┆ years   ┆ ago         ┆ description │
│ _STAGING_CLU ┆          ┆ Access Key   ┆ ago     ┆             ┆ of several  │
│ STER         ┆          ┆              ┆         ┆             ┆ words       │
╰──────────────┴──────────┴──────────────┴─────────┴─────────────┴─────────────╯";
    let server = Server::start();
    server.seed(
        Scope::Personal,
        "DATABASE_PASSWORD_OF_THE_STAGING_CLUSTER",
        "ANTHROPIC_BEDROCK_ACCESS_KEY",
        Some("a description of several words"),
        TIME,
        TIME,
    );
    let lines = list(&server, 80, &[], &[]);
    let years = lines[3].split(" years").next().unwrap();
    let years = &years[years.len() - 2..];
    assert_eq!(lines.join("\n"), expected.replace("NN", years));
}

#[test]
fn aligned_columns_are_cut_at_a_terminal() {
    let server = stocked();
    let lines = list(&server, 80, &["--output-format=text"], &[]);
    let years = lines[1].split(" years").next().unwrap();
    let years = &years[years.len() - 2..];
    assert_eq!(
        lines.join("\n"),
        "\
Name                Scope     Type       Created       Updated       Description
DATABASE_PASSWORD…  Personal  Raw Value  NN years ago  NN years ago  a descript…"
            .replace("NN", years)
    );
}

#[test]
fn no_row_is_wider_than_80_columns_whatever_it_holds() {
    let server = Server::start();
    for (index, text) in [
        "UNBROKEN_".repeat(40),
        "日本語のとても長い名前".repeat(20),
        "🎉👍🏽🇩🇪".repeat(30),
        "e\u{301}\u{302}".repeat(50),
        "word and another one ".repeat(40),
        "لا\u{202e}\u{1b}[2J".repeat(30),
    ]
    .iter()
    .enumerate()
    {
        let name = format!("{index}{text}");
        server.seed(
            Scope::Personal,
            &name,
            "ANTHROPIC_BEDROCK_ACCESS_KEY",
            Some(text),
            TIME,
            TIME,
        );
    }
    for format in ["--output-format=pretty", "--output-format=text"] {
        for columns in [80, 79, 61, 40] {
            let lines = list(&server, columns, &[format], &[]);
            assert!(widest(&lines) <= columns.into(), "{columns}: {lines:#?}");
            assert!(lines.len() > 6);
        }
    }
}

#[test]
fn pipes_and_json_know_no_terminal() {
    let server = stocked();
    for format in ["pretty", "text", "json", "ndjson"] {
        let run = oz(&["secret", "list", "--output-format", format])
            .server(&server)
            .any_stdout();
        let whole = run.clone().run().stdout().to_owned();
        let narrow = run.env("COLUMNS", "20").run().stdout().to_owned();
        assert_eq!(narrow, whole, "{format}");
        assert!(whole.contains("DATABASE_PASSWORD_OF_THE_STAGING_CLUSTER"));
        if ["json", "ndjson"].contains(&format) {
            let flag = format!("--output-format={format}");
            let lines = list(&server, 20, &[&flag], &[("COLUMNS", "30")]);
            assert_eq!(lines.join("\n"), whole.trim_end(), "{format}");
        }
    }
}

/// A session that is to end with this code and show exactly this.
#[track_caller]
fn shows(words: &[&str], variables: &[(String, String)], code: i32, expected: &str) {
    let mut session = Session::start(words, variables);
    assert_eq!(session.end(), code, "{:?}", session.transcript());
    assert_eq!(session.transcript(), expected);
}

/// The environment for a root URL at which no service is.
fn at(root: &str) -> Vec<(String, String)> {
    [("WARP_API_KEY", MARKER_KEY), ("WARP_SERVER_ROOT_URL", root)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

const WAITING: &str = "note: still waiting for the answer of localhost\r\n";
const LIST: [&str; 4] = ["secret", "list", "--timeout=3", "--output-format=text"];
const DELETE: [&str; 5] = ["secret", "delete", "N", "--force", "--personal"];

#[test]
fn a_terminal_is_told_once_that_an_answer_is_waited_for() {
    if is_emulated() {
        return;
    }
    for (lookup, delete, notes) in [
        (SLOW, Duration::ZERO, WAITING),
        (SLOW, SLOW, &WAITING.repeat(2)),
        (2 * SLOW, Duration::ZERO, WAITING),
        (SLOW / 2, SLOW / 2, ""),
    ] {
        let server = Server::start();
        server.seed_raw(Scope::Personal, "N");
        server.next(When::Query, Behaviour::Delay(lookup));
        server.next(When::Mutation, Behaviour::Delay(delete));
        let expected = format!("{notes}Secret 'N' deleted\r\n");
        shows(&DELETE, &server.env(), 0, &expected);
    }
}

#[test]
fn an_answer_in_small_pieces_is_waited_for() {
    if is_emulated() {
        return;
    }
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    server.next(When::Mutation, Behaviour::Drip(Duration::from_millis(20)));
    let expected = format!("{WAITING}Secret 'N' deleted\r\n");
    shows(&DELETE, &server.env(), 0, &expected);
}

#[test]
fn a_question_after_a_note_is_asked_as_ever() {
    if is_emulated() {
        return;
    }
    let server = Server::start();
    server.next(When::Query, Behaviour::Delay(SLOW));
    let mut session = Session::start(&["secret", "create", "N", "--personal"], &server.env());
    session.expect(WAITING);
    assert!(!session.echoes());
    session.expect("Value for new personal secret 'N'\r\n? Secret value: ");
    session.send("v\r");
    assert_eq!(session.end(), 0);
    let stored = server.opened(Scope::Personal, "N");
    assert_eq!(stored.as_deref(), Some(r#"{"value":"v"}"#));
}

/// A listener whose queue is full: attempts to connect are not answered.
fn blackhole() -> (OwnedFd, Vec<TcpStream>, SocketAddr) {
    let handle = socket(
        AddressFamily::Inet,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC,
        None,
    )
    .unwrap();
    bind(handle.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0)).unwrap();
    listen(&handle, Backlog::new(0).unwrap()).unwrap();
    let bound: SockaddrStorage = getsockname(handle.as_raw_fd()).unwrap();
    let place = SocketAddr::from(SocketAddrV4::from(*bound.as_sockaddr_in().unwrap()));
    let fill = (0..4)
        .filter_map(|_| TcpStream::connect_timeout(&place, Duration::from_millis(50)).ok())
        .collect();
    (handle, fill, place)
}

#[test]
fn a_connection_and_a_handshake_are_waited_for() {
    if is_emulated() {
        return;
    }
    let (_handle, _fill, place) = blackhole();
    shows(
        &LIST,
        &at(&format!("http://{place}")),
        69,
        &format!(
            "note: still connecting to {place}\r\n\
             error: no connection to {place} within 3 s\r\n\
             hint: check the network and the proxy variables, or allow more time with --timeout\r\n"
        ),
    );
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = silent.local_addr().unwrap();
    shows(
        &LIST,
        &at(&format!("https://{place}")),
        69,
        "note: still in the TLS handshake with 127.0.0.1\r\n\
         error: no TLS handshake with 127.0.0.1 within 3 s\r\n\
         hint: check the network and the proxy variables, or allow more time with --timeout\r\n",
    );
    let mut variables = at("https://service.example");
    variables.push(("HTTPS_PROXY".to_owned(), format!("http://{place}")));
    let mut session = Session::start(&LIST, &variables);
    assert_eq!(session.end(), 69, "{:?}", session.transcript());
    let note = "note: still waiting for the answer of the proxy ";
    assert!(
        session.transcript().starts_with(note),
        "{:?}",
        session.transcript()
    );
}

#[test]
fn a_name_lookup_is_waited_for() {
    if is_emulated() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let resolver = "nameserver 127.0.0.1\noptions timeout:9 attempts:1\n";
    let resolver = write(&directory, "resolv.conf", resolver);
    let script = format!(
        "ip link set lo up; mount --bind {} /etc/resolv.conf",
        resolver.display()
    );
    let Some(starter) = namespaces::network_starter(&script) else {
        return;
    };
    let starter: Vec<&str> = starter.iter().map(String::as_str).collect();
    let variables = at("https://nowhere.example");
    let mut session = Session::started_by(&starter, &LIST, &variables);
    assert_eq!(session.end(), 69, "{:?}", session.transcript());
    assert_eq!(
        session.transcript(),
        "note: still looking up nowhere.example\r\n\
         error: nowhere.example was not found by DNS within 3 s\r\n\
         hint: check the network and the proxy variables, or allow more time with --timeout\r\n"
    );
}

/// Takes the delay out of `… in 1.2 s`, and checks that it is one of these tenths of a second.
#[track_caller]
fn without_delay(transcript: &str, tenths: std::ops::RangeInclusive<u32>) -> String {
    let (before, rest) = transcript.split_once("ing again in ").expect(transcript);
    let (delay, after) = rest.split_once(" s\r\n").expect(transcript);
    let delay: f64 = delay.parse().expect(transcript);
    assert!(
        tenths
            .clone()
            .any(|one| (f64::from(one) / 10.0 - delay).abs() < 0.001),
        "{transcript}"
    );
    format!("{before}ing again in …\r\n{after}")
}

#[test]
fn each_retry_says_why_and_when() {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    let unavailable = Behaviour::status(503, "{}");
    for (behaviour, tenths, why) in [
        (unavailable, 1..=3, "the service is unavailable (HTTP 503)"),
        (
            Behaviour::Reply {
                status: 429,
                headers: vec![("retry-after", "1".to_owned())],
                body: Vec::new(),
            },
            10..=15,
            "the service asks to slow down (HTTP 429)",
        ),
        (
            Behaviour::Vanish(crate::server::Point::Body, crate::server::End::Orderly),
            1..=3,
            "localhost closed the connection without an answer",
        ),
    ] {
        server.next(When::Query, behaviour);
        let words = ["secret", "update", "N", "--description=d", "--personal"];
        let mut session = Session::start(&words, &server.env());
        assert_eq!(session.end(), 0, "{:?}", session.transcript());
        assert_eq!(
            without_delay(&session.transcript(), tenths),
            format!("note: {why}; trying again in …\r\nSecret 'N' updated\r\n")
        );
    }
}

#[test]
fn an_outcome_that_is_not_known_yet_is_waited_for() {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    let gateway = Behaviour::status(502, "{}");
    let late = Behaviour::Late(Duration::from_millis(3500), Box::new(gateway));
    server.next(When::Mutation, late);
    let mut session = Session::start(&DELETE, &server.env());
    assert_eq!(session.end(), 0, "{:?}", session.transcript());
    assert_eq!(
        without_delay(&session.transcript(), 20..=25),
        "note: the outcome is not known yet; asking again in …\r\n\
         note: the service's answer was lost; asked again, the secret was deleted\r\n\
         Secret 'N' deleted\r\n"
    );
}

#[test]
fn pipes_and_json_hear_nothing_while_it_waits() {
    let slow = || {
        let server = Server::start();
        server.seed_raw(Scope::Personal, "N");
        let gateway = Behaviour::status(503, "{}");
        server.next(When::Query, gateway);
        server.next(When::Query, Behaviour::Delay(SLOW));
        server
    };
    let server = slow();
    oz(&DELETE)
        .server(&server)
        .env("CLICOLOR_FORCE", "1")
        .stdout("Secret 'N' deleted\n")
        .run();
    for format in ["--output-format=json", "--output-format=ndjson"] {
        let server = slow();
        let words = [&DELETE[..], &[format]].concat();
        let mut session = Session::start(&words, &server.env());
        assert_eq!(session.end(), 0);
        let transcript = session.transcript();
        let one_line = transcript.starts_with('{') && transcript.lines().count() == 1;
        assert!(one_line, "{transcript}");
    }
}

const TAKEN: [&str; 5] = ["secret", "create", "N", "--value-file", "/dev/null"];

/// What a usage error looks like, coloured or not.
fn error_and_hint(colour: bool, end: &str) -> String {
    let [error, hint] = if colour {
        ["\x1b[1;31merror:\x1b[0m", "\x1b[1;36mhint:\x1b[0m"]
    } else {
        ["error:", "hint:"]
    };
    format!(
        "{error} the file '/dev/null' of --value-file is empty{end}\
         {hint} an empty value is never stored{end}"
    )
}

#[test]
fn colour_is_for_terminals_and_follows_the_variables() {
    let server = Server::start();
    for (variables, terminal, pipe) in [
        (&[("TERM", "xterm")][..], true, false),
        (&[("TERM", "dumb")], false, false),
        (&[], false, false),
        (&[("TERM", "xterm"), ("NO_COLOR", "1")], false, false),
        (&[("TERM", "xterm"), ("NO_COLOR", "")], true, false),
        (&[("TERM", "xterm"), ("CLICOLOR_FORCE", "1")], true, true),
        (&[("TERM", "xterm"), ("CLICOLOR_FORCE", "0")], true, false),
        (&[("TERM", "xterm"), ("CLICOLOR_FORCE", "")], true, false),
        (&[("TERM", "dumb"), ("CLICOLOR_FORCE", "1")], true, true),
        (&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], false, false),
    ] {
        let all = with(&server, variables);
        shows(&TAKEN, &all, 65, &error_and_hint(terminal, "\r\n"));
        oz(&TAKEN)
            .server(&server)
            .envs(variables.iter().copied())
            .code(65)
            .stderr(error_and_hint(pipe, "\n"))
            .run();
    }
}

#[test]
fn notes_are_coloured_and_nothing_else_is() {
    let server = Server::start();
    let note = "\x1b[1;33mnote:\x1b[0m";
    let colours = [("TERM", "xterm"), ("CLICOLOR_FORCE", "1")];
    let variables = with(&server, &colours);
    let directory = tempfile::tempdir().unwrap();
    let file = write(&directory, "value", "v");
    let file = file.to_str().unwrap();
    let words = ["secret", "create", "a-b", "--personal", "-f", file];
    shows(
        &words,
        &variables,
        0,
        &format!(
            "{note} 'a-b' is not a name a shell can use for a variable\r\nSecret 'a-b' created\r\n"
        ),
    );
    for words in [
        &["secret", "list"][..],
        &["--help"],
        &["secret", "create", "--help"],
    ] {
        let mut session = Session::start(words, &variables);
        assert_eq!(session.end(), 0);
        assert!(!session.transcript().contains('\x1b'), "{words:?}");
    }
    // The cause of an error, and a usage error.
    shows(
        &["secret", "create", "M", "-f", "/nonexistent"],
        &variables,
        66,
        "\x1b[1;31merror:\x1b[0m cannot read the file '/nonexistent' of --value-file\r\n  \
         caused by: No such file or directory\r\n",
    );
    let mut session = Session::start(&["--frobnicate"], &variables);
    assert_eq!(session.end(), 2);
    let error = "\x1b[1;31merror:\x1b[0m ";
    assert!(session.transcript().starts_with(error));
    if is_emulated() {
        return;
    }
    // While it waits.
    let script = "{ sleep 2.3; printf v; } | \"$@\"";
    let starter = ["/bin/sh", "-c", script, "sh"];
    let words = ["secret", "create", "W", "--personal"];
    let mut session = Session::started_by(&starter, &words, &variables);
    assert_eq!(session.end(), 0);
    assert_eq!(
        session.transcript(),
        format!("{note} still reading standard input\r\nSecret 'W' created\r\n")
    );
    server.next(When::Query, Behaviour::Delay(SLOW));
    let words = ["secret", "delete", "W", "--force", "--personal"];
    let expected = WAITING.replace("note:", note);
    shows(
        &words,
        &variables,
        0,
        &format!("{expected}Secret 'W' deleted\r\n"),
    );
}

#[test]
fn json_is_never_coloured() {
    let server = Server::start();
    let words = [&TAKEN[..], &["--output-format=json"]].concat();
    let colours = [("TERM", "xterm"), ("CLICOLOR_FORCE", "1")];
    let plain = oz(&words).server(&server).code(65).any_stderr().run();
    oz(&words)
        .server(&server)
        .envs(colours)
        .code(65)
        .stderr(plain.stderr())
        .run();
    let shown = plain.stderr().replace('\n', "\r\n");
    shows(&words, &with(&server, &colours), 65, &shown);
    // Notes beside a list that came with errors, and a usage error.
    server.always(When::Query, Behaviour::ErrorsBesideData(vec!["oops"]));
    for words in [
        &["secret", "list", "--output-format=json"][..],
        &["secret", "frobnicate", "--output-format=json"],
    ] {
        let output = oz(words)
            .server(&server)
            .envs(colours)
            .any_code()
            .any_stdout()
            .any_stderr()
            .run();
        assert!(!output.stdout().contains('\x1b'));
        assert!(!output.stderr().contains('\x1b') && !output.stderr().is_empty());
    }
}
