//! Replies of the maximum length, in the shapes that are the most expensive to read or print: each run ends in time, and
//! takes memory in proportion to the reply.

use crate::server::{Behaviour, Scope, Server, When};
use crate::support::tools::{have, is_emulated};
use crate::support::{Run, oz};
use std::fmt::Write;
use std::time::Duration;

/// The longest body that is read.
const MAX_BODY: usize = 32 * 1024 * 1024;

/// The most values that a document may have.
const MAX_VALUES: usize = 2_000_000;

/// A run that ends later than this is not linear in the reply: the slowest takes a few seconds.
const DEADLINE: Duration = Duration::from_secs(30);

const MALFORMED: &str = "error: the service's answer is malformed: ";

fn json(body: impl Into<Vec<u8>>) -> Behaviour {
    Behaviour::Reply {
        status: 200,
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.into(),
    }
}

/// `head`, `item` over and over up to the longest body or so many of them, and `tail`. `item` gets its number.
fn repeated(head: &str, count: usize, item: impl Fn(&mut String, usize), tail: &str) -> Vec<u8> {
    let mut body = head.to_owned();
    for number in 0..count {
        let length = body.len();
        if number > 0 {
            body.push(',');
        }
        item(&mut body, number);
        if body.len() + tail.len() > MAX_BODY {
            body.truncate(length);
            break;
        }
    }
    (body + tail).into_bytes()
}

/// Runs under GNU time, without its standard output, and checks the peak of its resident memory: three times the
/// reply, and four MiB for the program itself.
fn run_within(run: Run<'_>, reply: usize) {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("peak");
    run.started_by(["/usr/bin/time", "--quiet", "-f", "%M", "-o"])
        .started_by([log.as_os_str()])
        .started_by(["/bin/sh", "-c", "exec \"$@\" >/dev/null", "sh"])
        .deadline(DEADLINE)
        .run();
    let peak: usize = std::fs::read_to_string(log)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    let limit = reply / 1024 * 3 + 4096;
    assert!(
        peak <= limit,
        "{peak} KiB for a reply of {reply} bytes, {limit} are allowed"
    );
}

#[test]
fn replies_that_are_refused_take_little_memory() {
    if is_emulated() || !have("time") {
        return;
    }
    let missing = "data.user is missing";
    let most = MAX_VALUES - 2;
    let long = "a".repeat(MAX_BODY - 11);
    for (name, body, what) in [
        (
            "numbers",
            repeated("{\"a\":[", most, |b, _| b.push('0'), "]}"),
            missing,
        ),
        (
            "long numbers",
            repeated(
                "{\"a\":[",
                most,
                |b, n| write!(b, "{n:1>15}").unwrap(),
                "]}",
            ),
            missing,
        ),
        (
            "one number more",
            repeated("{\"a\":[", most + 1, |b, _| b.push('0'), "]}"),
            "more than 2000000 values",
        ),
        (
            "escaped strings",
            repeated("{\"a\":[", most, |b, _| b.push_str("\"\\n\""), "]}"),
            missing,
        ),
        (
            "surrogates",
            repeated(
                "{\"a\":[",
                most,
                |b, _| b.push_str("\"\\ud83d\\ude00\""),
                "]}",
            ),
            missing,
        ),
        (
            "keys",
            repeated("{", most, |b, n| write!(b, "\"{n}\":0").unwrap(), "}"),
            missing,
        ),
        (
            "escaped keys",
            repeated("{", most, |b, n| write!(b, "\"\\n{n}\":0").unwrap(), "}"),
            missing,
        ),
        (
            "keys that differ late",
            repeated("{", most, |b, n| write!(b, "\"{n:0>200}\":0").unwrap(), "}"),
            missing,
        ),
        (
            "keys in reverse",
            repeated(
                "{",
                most,
                |b, n| write!(b, "\"{}\":0", MAX_VALUES - n).unwrap(),
                "}",
            ),
            missing,
        ),
        (
            "objects",
            repeated("{\"a\":[", most / 2, |b, _| b.push_str("{\"\":0}"), "]}"),
            missing,
        ),
        (
            "nesting",
            repeated(
                "{\"a\":[",
                most / 60,
                |b, _| write!(b, "{}{}", "[".repeat(60), "]".repeat(60)).unwrap(),
                "]}",
            ),
            missing,
        ),
        (
            "one string",
            format!("{{\"a\":\"{long}\"}}").into_bytes(),
            missing,
        ),
        (
            "one escaped string",
            format!("{{\"a\":\"{}\"}}", "\\n".repeat(MAX_BODY / 2 - 8)).into_bytes(),
            missing,
        ),
        (
            "one escape in a string",
            format!("{{\"a\":\"\\n{}\"}}", "a".repeat(MAX_BODY - 16)).into_bytes(),
            missing,
        ),
        (
            "white space",
            vec![b' '; MAX_BODY],
            "not JSON at line 1, column 33554433",
        ),
    ] {
        println!("{name}");
        let length = body.len();
        let server = Server::start();
        server.always(When::Any, json(body));
        let run = oz(&["secret", "list"])
            .server(&server)
            .code(1)
            .stderr(format!("{MALFORMED}{what}\n"));
        run_within(run, length);
    }
}

/// Out of memory, the program would be killed, and the outcome of a write would be lost.
#[test]
fn a_costly_answer_to_a_write_is_survived_with_little_memory() {
    if is_emulated() {
        return;
    }
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    let keys = |body: &mut String, number| write!(body, "\"\\n{number}\":0").unwrap();
    server.next(When::Mutation, json(repeated("{", 1_900_000, keys, "}")));
    oz(&["secret", "delete", "N", "--force"])
        .server(&server)
        .started_by(["/bin/sh", "-c", "ulimit -v 98304; exec \"$@\"", "sh"])
        .args(["--timeout", "10"])
        .code(75)
        .stderr(
            "error: outcome unknown: the write was sent, and whether the secret was deleted could not be learned\n  \
             caused by: the service's answer is malformed: data.deleteManagedSecret is missing\n  \
             caused by: asked again, the list does not show the change\n\
             hint: `oz secret list` shows whether the secret was deleted, once the service is done\n",
        )
        .run();
}

/// The account that comes with every list.
const USER: &str = r#"{"__typename":"UserOutput","user":{"profile":{"uid":"u"},"workspaces":[]}}"#;

fn list(rows: impl AsRef<str>) -> String {
    format!(
        r#"{{"data":{{"user":{USER},"managedSecrets":{{"__typename":"ManagedSecretsOutput","managedSecrets":[{}]}}}}}}"#,
        rows.as_ref()
    )
}

/// One row of a list; its texts are in JSON's spelling.
fn row(name: &str, description: &str, owner: &str) -> String {
    format!(
        r#"{{"name":"{name}","description":"{description}","owner":{{"type":"{owner}","uid":"u"}},"type":"t","createdAt":"2001-01-01T00:00:00Z","updatedAt":"2001-01-01T00:00:00Z"}}"#
    )
}

#[test]
fn lists_take_little_memory() {
    if is_emulated() || !have("time") {
        return;
    }
    let head = list("");
    let (head, tail) = head.split_at(head.len() - 4);
    let many = |row: String| {
        repeated(
            head,
            MAX_VALUES / 9 - 2,
            |body, _| body.push_str(&row),
            tail,
        )
    };
    let one = |text: &str, times: usize| list(row("n", &text.repeat(times), "User")).into_bytes();
    for (name, body) in [
        ("short rows", many(row("n", "d", "Team"))),
        ("unknown owners", many(row("n", "", "o"))),
        (
            "rows of the usual length",
            many(row("SOME_NAME", &"text ".repeat(30), "User")),
        ),
        (
            "rows that wrap",
            many(row(&"é".repeat(100), &"\u{65e5}".repeat(100), "User")),
        ),
        ("one long description", one("word ", MAX_BODY / 5 - 100)),
        ("one invisible description", one("\u{7f}", MAX_BODY - 400)),
        (
            "one escaped description",
            one("\\u0000", MAX_BODY / 6 - 200),
        ),
        (
            "one combining description",
            one("\u{301}", MAX_BODY / 2 - 300),
        ),
    ] {
        let length = body.len();
        assert!(length <= MAX_BODY && length > MAX_BODY / 2, "{name}");
        let server = Server::start();
        server.always(When::Any, json(body));
        for format in ["pretty", "text", "json", "ndjson"] {
            println!("{name} {format}");
            run_within(
                oz(&["secret", "list", "--output-format", format]).server(&server),
                length,
            );
        }
    }
}

/// A search that starts anew at each letter takes the product of both lengths.
#[test]
fn a_key_of_one_letter_is_looked_for_in_linear_time() {
    if is_emulated() {
        return;
    }
    let almost = "a".repeat(4095) + "b";
    let description = almost.repeat(MAX_BODY / almost.len() - 1);
    let server = Server::start();
    server.always(When::Any, json(list(row("n", &description, "User"))));
    let expected = format!(
        r#"{{"name":"n","scope":"Personal","type":"t","created":"2001-01-01T00:00:00Z","updated":"2001-01-01T00:00:00Z","description":"{description}","team":null,"team_name":null}}"#
    );
    oz(&["secret", "list", "--output-format=ndjson"])
        .server(&server)
        .env("WARP_API_KEY", "a".repeat(4096))
        .stdout(expected + "\n")
        .deadline(DEADLINE)
        .run();
}

#[test]
fn long_messages_take_little_memory() {
    if is_emulated() || !have("time") {
        return;
    }
    let shown = "\\u{7f}".repeat(400);
    let shown = &shown[..400];
    for (name, status, body, stderr) in [
        (
            "one message",
            200,
            format!(
                r#"{{"errors":[{{"message":"{}"}}]}}"#,
                "\u{7f}".repeat(MAX_BODY - 100)
            ),
            format!("error: the service reports an error\n  caused by: {shown}…\n"),
        ),
        (
            "blank messages",
            200,
            format!(
                r#"{{"errors":[{}{{"message":"last"}}]}}"#,
                "{\"message\":\" \"},".repeat(900_000)
            ),
            "error: the service reports an error\n  caused by: last\n".to_owned(),
        ),
        (
            "an error body",
            400,
            format!(r#"{{"error":"{}"}}"#, "\u{7f}".repeat(MAX_BODY - 100)),
            format!("error: the service refused the request (HTTP 400)\n  caused by: {shown}…\n"),
        ),
        (
            "an unknown answer",
            200,
            format!(
                r#"{{"data":{{"user":{{"__typename":"{}"}}}}}}"#,
                "\u{7f}".repeat(MAX_BODY - 100)
            ),
            format!(
                "error: the service answered user with {shown}…, which this version of oz does not know\n"
            ),
        ),
    ] {
        println!("{name}");
        let length = body.len();
        let server = Server::start();
        server.always(
            When::Any,
            Behaviour::Reply {
                status,
                headers: vec![("content-type", "application/json".to_owned())],
                body: body.into_bytes(),
            },
        );
        run_within(
            oz(&["secret", "list"])
                .server(&server)
                .code(1)
                .stderr(stderr),
            length,
        );
    }
}
