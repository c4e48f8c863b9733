//! Replies of the service: malformed ones, errors, unknown members, and text that must be escaped.

use crate::server::{Behaviour, End, Scope, Server, When, years_ago};
use crate::support::oz;
use crate::support::tools::is_emulated;
use serde_json::{Value, json};

/// `list` against one behaviour.
#[track_caller]
fn list(behaviour: Behaviour, code: i32, stderr: &str) {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    server.always(When::Any, behaviour);
    // The timeout shortens the waits between attempts.
    oz(&["secret", "list"])
        .server(&server)
        .code(code)
        .stderr(stderr)
        .run();
}

fn page(status: u16, body: &str) -> Behaviour {
    Behaviour::Reply {
        status,
        headers: vec![("content-type", "text/html; charset=utf-8".to_owned())],
        body: body.as_bytes().to_vec(),
    }
}

const NOT_THE_SERVICE: &str = "hint: a login page of the network, a proxy's block page or a wrong --server-root-url does this\n";
const CHECK_KEY: &str =
    "hint: check that the key in WARP_API_KEY is whole, not expired and not deleted\n";

#[test]
fn rejects_replies_that_are_no_json() {
    for (status, body) in [
        (200, "<html>Log in"),
        (200, "plain words"),
        (403, "<h1>Blocked"),
        (404, ""),
        (511, "x"),
    ] {
        let (code, stderr) = if status == 511 {
            (
                75,
                "error: the service failed (HTTP 511)\nhint: try again later\n".to_owned(),
            )
        } else {
            let message = format!(
                "the answer is a web page (HTTP {status}), so it is not the service that answered"
            );
            (69, format!("error: {message}\n{NOT_THE_SERVICE}"))
        };
        list(page(status, body), code, &stderr);
    }
}

#[test]
fn a_redirect_is_not_followed_and_its_host_named() {
    let server = Server::start();
    server.next(
        When::Any,
        Behaviour::Reply {
            status: 302,
            headers: vec![(
                "location",
                "https://portal.example:8443/login?u=x".to_owned(),
            )],
            body: Vec::new(),
        },
    );
    oz(&["secret", "list"])
        .server(&server)
        .code(69)
        .stderr(
            "error: the server redirects to portal.example:8443 (HTTP 302), and redirects are not followed\n\
             hint: a network that asks for a login does this; otherwise check --server-root-url and \
             WARP_SERVER_ROOT_URL\n",
        )
        .run();
    assert_eq!(server.ops().len(), 1);
}

#[test]
fn reports_a_rejected_key() {
    for (behaviour, words) in [
        (
            Behaviour::status(401, r#"{"error":"ID token has expired at: 1"}"#),
            "error: the service did not accept the API key (HTTP 401)\n  caused by: ID token has expired at: 1\n",
        ),
        (
            Behaviour::status(401, ""),
            "error: the service did not accept the API key (HTTP 401)\n",
        ),
        (
            Behaviour::status(403, "{}"),
            "error: the API key is not allowed to do this (HTTP 403)\n",
        ),
        (
            Behaviour::Errors(vec!["User not in context: Not found"]),
            "error: the service did not accept the API key\n  caused by: User not in context: Not found\n",
        ),
        (
            Behaviour::UserFacingError("Your API key is invalid or has expired."),
            "error: Your API key is invalid or has expired.\n",
        ),
    ] {
        list(behaviour, 4, &format!("{words}{CHECK_KEY}"));
    }
    let server = Server::start();
    oz(&["secret", "list"])
        .server(&server)
        .env("WARP_API_KEY", "wk-another")
        .code(4)
        .any_stderr()
        .run();
}

fn edit(edit: impl Fn(&mut Value) + Send + Sync + 'static) -> Behaviour {
    Behaviour::edit(edit)
}

fn set(pointer: &'static str, value: Value) -> Behaviour {
    edit(move |reply| *reply.pointer_mut(pointer).expect(pointer) = value.clone())
}

fn raw(body: impl AsRef<[u8]>) -> Behaviour {
    Behaviour::Reply {
        status: 200,
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.as_ref().to_vec(),
    }
}

#[test]
fn rejects_malformed_answers() {
    const FIRST: &str = "/data/managedSecrets/managedSecrets/0";
    let field = |name: &str| format!("{name} is missing or of the wrong type");
    for (behaviour, what) in [
        (raw(""), "not JSON at line 1, column 1".to_owned()),
        (raw("[]"), "it is no JSON object".to_owned()),
        (raw("null"), "it is no JSON object".to_owned()),
        (raw("{}"), "data.user is missing".to_owned()),
        (raw(r#"{"data":null}"#), "data.user is missing".to_owned()),
        (
            raw(r#"{"data":{},"errors":[]}"#),
            "data.user is missing".to_owned(),
        ),
        (
            set("/data/managedSecrets", json!(null)),
            "data.managedSecrets is missing".to_owned(),
        ),
        (
            raw(r#"{"data":{"data":1,"data":2}}"#),
            "an object has the same key twice".to_owned(),
        ),
        (
            raw("[".repeat(100_000)),
            "nested deeper than 64 levels".to_owned(),
        ),
        (
            raw(b"{\"data\":\"\xff\"}"),
            "not UTF-8 at byte 9".to_owned(),
        ),
        (
            raw(r#"{"data":01}"#),
            "not JSON at line 1, column 10".to_owned(),
        ),
        (
            set("/data/managedSecrets", json!({})),
            "managedSecrets.__typename is missing".to_owned(),
        ),
        (
            set("/data/managedSecrets/managedSecrets", json!(null)),
            field("managedSecrets"),
        ),
        (set(FIRST, json!(7)), field("managedSecrets.name")),
        (
            edit(|reply| {
                reply.pointer_mut(FIRST).unwrap()["name"] = json!(1);
            }),
            field("managedSecrets.name"),
        ),
        (
            edit(|reply| {
                reply.pointer_mut(FIRST).unwrap()["owner"]["type"] = json!(null);
            }),
            field("owner.type"),
        ),
        (
            edit(|reply| {
                reply.pointer_mut(FIRST).unwrap()["createdAt"] = json!("then");
            }),
            "managedSecrets.createdAt is no RFC 3339 time".to_owned(),
        ),
    ] {
        list(
            behaviour,
            1,
            &format!("error: the service's answer is malformed: {what}\n"),
        );
    }
}

#[test]
fn rejects_a_lone_surrogate() {
    let server = Server::start();
    server.next(When::Any, raw(r#"{"data":"\ud800"}"#));
    let output = oz(&["secret", "list"])
        .server(&server)
        .code(1)
        .any_stderr()
        .run();
    assert!(
        output
            .stderr()
            .starts_with("error: the service's answer is malformed: not JSON at line 1, column ")
    );
}

#[test]
fn errors_and_unknown_members() {
    list(
        Behaviour::Errors(vec!["a", "b"]),
        1,
        "error: the service reports an error\n  caused by: a; b\n",
    );
    list(
        Behaviour::UnknownMember,
        1,
        "error: the service answered user with SomethingNew, which this version of oz does not know\n",
    );
}

#[test]
fn data_beside_errors_is_used() {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    server.next(When::Any, Behaviour::ErrorsBesideData(vec!["partial"]));
    let output = oz(&["secret", "list", "--output-format", "ndjson"])
        .server(&server)
        .any_stdout()
        .stderr(
            "note: the service reported errors with the list, which may lack secrets: partial\n",
        )
        .run();
    assert!(output.stdout().starts_with(r#"{"name":"N","#));
}

#[test]
fn unknown_enum_values_are_shown_as_they_are() {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    server.next(
        When::Any,
        edit(|reply| {
            let secret = reply
                .pointer_mut("/data/managedSecrets/managedSecrets/0")
                .unwrap();
            secret["type"] = json!("QUANTUM_KEY");
            secret["owner"]["type"] = json!("Organization");
            secret["colour"] = json!({"extra": [1, 2]});
            secret["createdAt"] = json!(years_ago(25));
            secret["updatedAt"] = json!(years_ago(25));
        }),
    );
    oz(&["secret", "list", "--output-format", "text"])
        .server(&server)
        .stdout(
            "Name  Scope         Type         Created       Updated       Description\n\
             N     Organization  QUANTUM_KEY  25 years ago  25 years ago\n",
        )
        .run();
}

#[test]
fn text_from_the_server_never_reaches_the_terminal_raw() {
    let evil = "a\u{1b}]0;x\u{7}\u{9b}2J\u{202e}\r\n\tz";
    let server = Server::start();
    server.seed(
        Scope::Personal,
        evil,
        "RAW_VALUE",
        Some(evil),
        "2001-01-01T00:00:00Z",
        "2001-01-01T00:00:00Z",
    );
    server.always(
        When::Any,
        edit(|reply| {
            let secret = reply
                .pointer_mut("/data/managedSecrets/managedSecrets/0")
                .unwrap();
            secret["type"] = json!("EVIL\u{1b}TYPE");
            secret["owner"]["type"] = json!("EVIL\u{1b}\u{9b}\u{202e}OWNER");
        }),
    );
    for format in ["pretty", "text", "json", "ndjson"] {
        let output = oz(&["secret", "list", "--output-format", format])
            .server(&server)
            .any_stdout()
            .run();
        let text = output.stdout();
        let bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.chars().any(bad), "{text:?}");
    }
}

/// One of each kind: format controls, fillers, variation selectors, tags, and glyphs that are blank.
const INVISIBLE: &str = "\u{ad}\u{34f}\u{115f}\u{17b4}\u{180e}\u{200d}\u{2028}\u{2064}\u{2800}\u{3164}\u{fe0f}\u{ffa0}\u{13430}\u{16fe4}\u{1d173}\u{e0041}\u{e0100}";

#[test]
fn characters_that_cannot_be_seen_are_escaped_in_every_format() {
    let server = Server::start();
    let time = years_ago(25);
    // What can be seen stays, with the marks that combine with it.
    let visible = "e\u{301}\u{5d0}\u{5b8}\u{915}\u{93f}";
    let name = format!("{INVISIBLE}{visible}");
    server.seed(
        Scope::Personal,
        &name,
        "RAW_VALUE",
        Some(&name),
        &time,
        &time,
    );
    let name = r"\u{ad}\u{34f}\u{115f}\u{17b4}\u{180e}\u{200d}\u{2028}\u{2064}\u{2800}\u{3164}\u{fe0f}\u{ffa0}\u{13430}\u{16fe4}\u{1d173}\u{e0041}\u{e0100}";
    let json = r"\u00ad\u034f\u115f\u17b4\u180e\u200d\u2028\u2064\u2800\u3164\ufe0f\uffa0\ud80d\udc30\ud81b\udfe4\ud834\udd73\udb40\udc41\udb40\udd00";
    let age = "25 years ago";
    for (format, expected) in [
        (
            "text",
            format!(
                "Name{:gap$}Scope     Type       Created       Updated       Description\n\
                 {name}{visible}  Personal  Raw Value  {age}  {age}  {name}{visible}\n",
                "",
                gap = name.len() + 4 + 2 - 4,
            ),
        ),
        (
            "ndjson",
            format!(
                r#"{{"name":"{json}{visible}","scope":"Personal","type":"RAW_VALUE","created":"{time}","updated":"{time}","description":"{json}{visible}","team":null,"team_name":null}}"#
            ) + "\n",
        ),
    ] {
        oz(&["secret", "list", "--output-format", format])
            .server(&server)
            .stdout(expected)
            .run();
    }
}

#[test]
fn rejects_a_reply_past_the_limit() {
    // Megabytes take an emulator longer than the runner waits.
    if is_emulated() {
        return;
    }
    // One byte more than the 32 MiB that are read of a body.
    let server = Server::start();
    server.always(When::Any, raw(vec![b' '; 32 * 1024 * 1024 + 1]));
    let output = oz(&["secret", "list"])
        .server(&server)
        .code(69)
        .any_stderr()
        .run();
    assert_eq!(
        output.stderr(),
        "error: the reply of localhost is not usable\n  caused by: its body is longer than 32 MiB\n\
         hint: this may not be the service: check --server-root-url and the proxy variables\n"
    );
    // A body within the limit is read, and rejected for its content.
    let server = Server::start();
    server.next(When::Any, raw(vec![b' '; 32 * 1024 * 1024]));
    let output = oz(&["secret", "list"])
        .server(&server)
        .code(1)
        .any_stderr()
        .run();
    assert!(
        output
            .stderr()
            .starts_with("error: the service's answer is malformed: "),
        "{}",
        output.stderr()
    );
}

#[test]
fn rejects_a_connection_closed_without_a_reply() {
    let server = Server::start();
    server.always(When::Any, Behaviour::Raw(Vec::new(), End::Orderly));
    let output = oz(&["secret", "list"])
        .server(&server)
        .code(69)
        .any_stderr()
        .run();
    assert!(
        output.stderr().starts_with("error: "),
        "{}",
        output.stderr()
    );
}
