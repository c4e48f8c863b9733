//! `import`: the requests it sends, what it says of each secret, and how it ends.

use crate::server::{
    Account, Behaviour, CLOCK_BASE, End, Point, Record, Scope, Server, When, rfc3339,
};
use crate::support::pty::Session;
use crate::support::{MARKER_SECRET, Run, binary, oz};
use serde_json::{Value, json};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::NamedTempFile;

const THREE: &str = "A=1\nB='two words'\nexport C=\"3\"\n";

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn import<'a>(file: &Path, more: &[&str], server: &'a Server) -> Run<'a> {
    oz(&["secret", "import"])
        .arg(file)
        .args(more)
        .server(server)
}

fn stored(server: &Server, name: &str) -> Option<String> {
    let payload: Value = serde_json::from_str(&server.opened(Scope::Personal, name)?).unwrap();
    Some(payload["value"].as_str().unwrap().to_owned())
}

fn operations(creates: usize) -> Vec<&'static str> {
    let mut operations = vec!["Lookup"];
    operations.extend(vec!["CreateManagedSecret"; creates]);
    operations
}

#[test]
fn stores_every_secret_in_the_order_of_the_file_on_one_connection() {
    let server = Server::start();
    import(file(THREE).path(), &[], &server)
        .stdout("Secret 'A' created\nSecret 'B' created\nSecret 'C' created\n")
        .stderr("3 created\n")
        .run();
    assert_eq!(server.ops(), operations(3));
    assert_eq!(stored(&server, "A").as_deref(), Some("1"));
    assert_eq!(stored(&server, "B").as_deref(), Some("two words"));
    assert_eq!(stored(&server, "C").as_deref(), Some("3"));
    if std::env::var("OZ_TRANSPORT").as_deref() != Ok("minreq") {
        assert_eq!((server.connections(), server.handshakes()), (1, 1));
    }
}

#[test]
fn reads_standard_input_and_json() {
    let server = Server::start();
    oz(&["secret", "import", "-"])
        .server(&server)
        .stdin("A=1\n")
        .stdout("Secret 'A' created\n")
        .stderr("1 created\n")
        .run();
    oz(&["secret", "import", "--format=json", "-"])
        .server(&server)
        .stdin(r#"{"B":"line\n\u00fc","a b":"x"}"#)
        .stdout("Secret 'B' created\nSecret 'a b' created\n")
        .stderr("note: 'a b' is not a name a shell can use for a variable\n2 created\n")
        .run();
    assert_eq!(stored(&server, "B").as_deref(), Some("line\nü"));
}

#[test]
fn a_value_that_a_failed_command_wrote_gets_a_note() {
    let server = Server::start();
    import(file("A=null\nB=x\n").path(), &[], &server)
        .stdout("Secret 'A' created\nSecret 'B' created\n")
        .stderr("note: 'A': the value is what `jq` prints for a field that is missing\n2 created\n")
        .run();
}

#[test]
fn what_is_wrong_with_the_line_is_said_before_any_request() {
    let server = Server::start();
    oz(&["secret", "import"])
        .server(&server)
        .code(2)
        .stderr("error: a FILE is required\nhint: see `oz secret import --help`\n")
        .run();
    oz(&["secret", "import", "a", "b"])
        .server(&server)
        .code(2)
        .stderr(
            "error: `oz secret import` takes one operand only\n\
             hint: see `oz secret import --help`\n",
        )
        .run();
    oz(&["secret", "import", "a", "--format", "yaml"])
        .server(&server)
        .code(2)
        .stderr(
            "error: the value of '--format' is not one of env, json\n\
             hint: see `oz secret import --help`\n",
        )
        .run();
    oz(&["secret", "import", "-", "--api-key-file", "-"])
        .server(&server)
        .env_remove("WARP_API_KEY")
        .stdin("A=1\n")
        .code(2)
        .stderr(
            "error: 'FILE' and '--api-key-file' can't both read standard input\n\
             hint: see `oz secret import --help`\n",
        )
        .run();
    assert_eq!(server.connections(), 0);
}

#[test]
fn taken_names_are_listed_together_and_nothing_is_sent() {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "A");
    server.seed_raw(Scope::Personal, "C");
    import(file(THREE).path(), &[], &server)
        .code(5)
        .stderr(
            "error: 2 names are taken, so nothing was imported\n  \
             caused by: there is already a personal secret 'A'\n  \
             caused by: there is already a personal secret 'C'\n\
             hint: --if-exists skip leaves them as they are, --if-exists update replaces their values\n",
        )
        .run();
    assert_eq!(server.ops(), operations(0));
    let many: String = (0..30).map(|number| format!("N{number}=x\n")).collect();
    for number in 0..30 {
        server.seed_raw(Scope::Personal, &format!("N{number}"));
    }
    let output = import(file(&many).path(), &[], &server)
        .code(5)
        .any_stderr()
        .run();
    assert!(output.stderr().contains("30 names are taken"));
    assert!(
        output
            .stderr()
            .contains("'N19'\n  caused by: and 10 more\n")
    );
}

#[test]
fn a_secret_of_another_type_is_not_replaced() {
    let server = Server::start();
    server.seed_kind(Scope::Personal, "B", "OPENAI_API_KEY");
    import(file(THREE).path(), &["--if-exists=update"], &server)
        .code(5)
        .stderr(
            "error: 1 name is taken, so nothing was imported\n  \
             caused by: there is already a personal secret 'B', of type OpenAI API Key and not Raw Value\n\
             hint: a secret keeps its type: delete it first, or use --if-exists skip\n",
        )
        .run();
    assert_eq!(server.ops(), operations(0));
}

#[test]
fn existing_secrets_are_skipped_or_updated() {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "B");
    import(file(THREE).path(), &["--if-exists=skip"], &server)
        .stdout("Secret 'A' created\nSecret 'B' already exists, unchanged\nSecret 'C' created\n")
        .stderr("2 created, 1 unchanged\n")
        .run();
    assert_eq!(server.ops(), operations(2));
    assert_eq!(stored(&server, "B"), None);
    import(file(THREE).path(), &["--if-exists=update"], &server)
        .stdout("Secret 'A' updated\nSecret 'B' updated\nSecret 'C' updated\n")
        .stderr("3 updated\n")
        .run();
    assert_eq!(stored(&server, "B").as_deref(), Some("two words"));
}

#[test]
fn a_dry_run_changes_nothing() {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "B");
    import(
        file(THREE).path(),
        &["--dry-run", "--if-exists=update"],
        &server,
    )
    .stdout(
        "Secret 'A' would be created (personal, Raw Value, 1 byte)\n\
             Secret 'B' would be updated (personal, Raw Value, 9 bytes)\n\
             Secret 'C' would be created (personal, Raw Value, 1 byte)\n",
    )
    .stderr("2 would be created, 1 would be updated\n")
    .run();
    assert_eq!(server.ops(), operations(0));
}

#[test]
fn the_scope_is_that_of_the_flag() {
    let server = Server::builder()
        .account(Account::on_teams(&[("team-1", "Core")]))
        .start();
    import(file("A=1\n").path(), &["--team"], &server)
        .stdout("Secret 'A' created\n")
        .stderr("1 created\n")
        .run();
    assert!(server.opened(Scope::Team("team-1"), "A").is_some());
    import(file("A=1\n").path(), &[], &server)
        .stdout("Secret 'A' created\n")
        .stderr("note: the secrets are personal; --team is for secrets of your team\n1 created\n")
        .run();
}

#[test]
fn programs_get_one_document_or_a_line_for_each_secret() {
    let item = |name: &str, action: &str, applied: bool| {
        json!({
            "name": name, "scope": "Personal", "team": null, "type": "RAW_VALUE",
            "action": action, "applied": applied, "notes": [],
        })
    };
    let server = Server::start();
    server.seed_raw(Scope::Personal, "B");
    let args = ["--if-exists=skip", "--output-format=json"];
    let output = import(file(THREE).path(), &args, &server)
        .any_stdout()
        .run();
    let document: Value = serde_json::from_str(output.stdout()).unwrap();
    let counts = json!({
        "created": 2, "updated": 0, "deleted": 0, "unchanged": 1, "absent": 0, "declined": 0,
        "would_create": 0, "would_update": 0, "would_delete": 0, "failed": 0, "unknown": 0,
        "not_sent": 0,
    });
    let results = json!([
        item("A", "created", true),
        item("B", "unchanged", false),
        item("C", "created", true),
    ]);
    assert_eq!(document, json!({"results": results, "counts": counts}));
    assert_eq!(output.stdout().lines().count(), 1);
    let args = ["--if-exists=update", "--output-format=ndjson"];
    let output = import(file(THREE).path(), &args, &server)
        .any_stdout()
        .run();
    let lines: Vec<Value> = output
        .stdout()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let expected = ["A", "B", "C"].map(|name| item(name, "updated", true));
    assert_eq!(lines, expected);
}

#[test]
fn a_refusal_of_one_secret_does_not_stop_the_others() {
    let server = Server::start();
    server.next_times(1, When::Mutation, Behaviour::Delay(Duration::ZERO));
    server.next(
        When::Mutation,
        Behaviour::UserFacingError("that name is reserved"),
    );
    import(file(THREE).path(), &[], &server)
        .code(1)
        .stdout("Secret 'A' created\nSecret 'C' created\n")
        .stderr(
            "error: 'B': that name is reserved\n\
             2 created, 1 failed\n",
        )
        .run();
    assert_eq!(server.ops(), {
        let mut operations = operations(2);
        operations.extend(["Lookup", "CreateManagedSecret"]);
        operations
    });
    server.next(
        When::Mutation,
        Behaviour::UserFacingError("that name is reserved"),
    );
    let args = ["--if-exists=update", "--output-format=ndjson"];
    let output = import(file("A=2\n").path(), &args, &server)
        .code(1)
        .any_stdout()
        .run();
    let line: Value = serde_json::from_str(output.stdout()).unwrap();
    assert_eq!(
        line,
        json!({
            "name": "A", "scope": "Personal", "team": null, "action": "failed", "applied": false,
            "error": {
                "code": 1, "kind": "refused", "message": "that name is reserved",
                "hint": null, "causes": [],
            },
        })
    );
}

#[test]
fn it_stops_where_the_others_would_fail_too() {
    let server = Server::start();
    server.next(When::Mutation, Behaviour::Delay(Duration::ZERO));
    server.next(When::Mutation, Behaviour::status(401, "{}"));
    let output = import(file(THREE).path(), &[], &server)
        .code(4)
        .stdout("Secret 'A' created\n")
        .any_stderr()
        .run();
    assert!(output.stderr().starts_with("error: 'B': "), "{output:?}");
    assert!(
        output
            .stderr()
            .ends_with("\n1 created, 1 failed, 1 not sent\n"),
        "{}",
        output.stderr()
    );
    assert_eq!(server.ops(), operations(2));
}

#[test]
fn a_lost_answer_is_settled_and_the_others_follow() {
    let server = Server::start();
    server.next(
        When::Mutation,
        Behaviour::Vanish(Point::Applied, End::Orderly),
    );
    import(file(THREE).path(), &[], &server)
        .stdout("Secret 'A' created\nSecret 'B' created\nSecret 'C' created\n")
        .stderr(
            "note: the service's answer was lost; asked again, the secret was created\n\
             3 created\n",
        )
        .run();
    assert!(stored(&server, "C").is_some());
}

#[test]
fn an_unknown_outcome_stops_it() {
    let server = Server::start();
    server.next(When::Mutation, Behaviour::Delay(Duration::ZERO));
    server.next(When::Mutation, Behaviour::Vanish(Point::Body, End::Orderly));
    let args = ["--timeout=1", "--output-format=json"];
    let output = import(file(THREE).path(), &args, &server)
        .code(75)
        .any_stdout()
        .run();
    let document: Value = serde_json::from_str(output.stdout()).unwrap();
    assert_eq!(document["results"][1]["action"], "unknown");
    assert_eq!(document["results"][1]["applied"], "unknown");
    assert_eq!(document["results"][1]["error"]["code"], 75);
    let counts = &document["counts"];
    assert_eq!(
        [&counts["created"], &counts["unknown"], &counts["not_sent"]],
        [1, 1, 1]
    );
    assert_eq!(document["results"].as_array().unwrap().len(), 2);
}

#[test]
fn a_name_that_another_client_took_meanwhile_ends_as_the_flag_says() {
    let taken = || {
        Behaviour::meanwhile(|store| {
            let time = rfc3339(CLOCK_BASE + 60);
            store.seed(Record {
                owner: crate::server::Owner::User(crate::server::DEFAULT_ACTOR.to_owned()),
                name: "A".to_owned(),
                kind: "RAW_VALUE".to_owned(),
                description: None,
                created: time.clone(),
                updated: time,
                opened: None,
            });
        })
    };
    for (flag, code, stdout, stderr) in [
        (
            "fail",
            5,
            "Secret 'B' created\n",
            "error: 'A': a secret with this name already exists\n\
             hint: use `oz secret update`, or create with --if-exists update\n\
             1 created, 1 failed\n",
        ),
        (
            "skip",
            0,
            "Secret 'A' already exists, unchanged\nSecret 'B' created\n",
            "1 created, 1 unchanged\n",
        ),
        (
            "update",
            0,
            "Secret 'A' updated\nSecret 'B' created\n",
            "1 created, 1 updated\n",
        ),
    ] {
        let server = Server::start();
        server.next(When::Mutation, taken());
        import(file("A=1\nB=2\n").path(), &["--if-exists", flag], &server)
            .code(code)
            .stdout(stdout)
            .stderr(stderr)
            .run();
    }
}

/// Interrupts an import while its second secret is sent; the status, stdout and stderr.
fn interrupted(signal: i32, format: &str) -> (Server, Option<i32>, String, String) {
    let server = Server::start();
    server.next(When::Mutation, Behaviour::Delay(Duration::ZERO));
    server.next(
        When::Mutation,
        Behaviour::Vanish(Point::Applied, End::Silent),
    );
    let file = file(THREE);
    let child = Command::new(binary())
        .args(["secret", "import", "--output-format", format])
        .arg(file.path())
        .env_clear()
        .envs(server.env())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while server.secret(Scope::Personal, "B").is_none() {
        assert!(began.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(5));
    }
    let kill = format!("kill -{signal} {}", child.id());
    let sent = Command::new("/bin/sh").args(["-c", &kill]).status();
    assert!(sent.unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert!(began.elapsed() < Duration::from_secs(10));
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        server,
        output.status.signal(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn an_interruption_leaves_a_true_report() {
    for (signal, word) in [(2, "cancelled"), (15, "terminated"), (1, "terminated")] {
        let (_server, ended_by, stdout, stderr) = interrupted(signal, "text");
        assert_eq!(ended_by, Some(signal));
        assert_eq!(stdout, "Secret 'A' created\n");
        assert_eq!(
            stderr,
            format!(
                "error: 'B': {word} while it was sent; the outcome is unknown\n\
                 hint: `oz secret list` shows what is stored\n\
                 1 created, 1 unknown, 1 not sent\n"
            )
        );
    }
    let (server, _, stdout, stderr) = interrupted(2, "json");
    let document: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(stderr, "");
    assert_eq!(document["results"][0]["action"], "created");
    assert_eq!(document["results"][1]["applied"], "unknown");
    assert_eq!(document["results"][1]["error"]["code"], 130);
    assert_eq!(document["counts"]["not_sent"], 1);
    // What is left is finished by another run.
    let output = import(file(THREE).path(), &["--if-exists=skip"], &server)
        .stdout(
            "Secret 'A' already exists, unchanged\nSecret 'B' already exists, unchanged\n\
             Secret 'C' created\n",
        )
        .stderr("1 created, 2 unchanged\n")
        .run();
    drop(output);
}

#[test]
fn progress_is_shown_on_a_terminal() {
    let server = Server::start();
    let file = file(THREE);
    let path = file.path().to_str().unwrap();
    let mut variables = server.env();
    variables.push(("TERM".to_owned(), "xterm".to_owned()));
    let mut session = Session::start(&["secret", "import", path], &variables);
    assert_eq!(session.end(), 0);
    assert_eq!(
        session.transcript(),
        "\r\x1b[K0/3\r\r\x1b[KSecret 'A' created\r\n1/3\r\r\x1b[KSecret 'B' created\r\n2/3\r\
         \r\x1b[KSecret 'C' created\r\n3/3\r\r\x1b[K3 created\r\n"
    );
    variables.push(("TERM".to_owned(), "dumb".to_owned()));
    let arguments = ["secret", "import", path, "--if-exists=skip"];
    let mut session = Session::start(&arguments, &variables);
    assert_eq!(session.end(), 0);
    assert!(!session.transcript().contains('\x1b'));
}

#[test]
fn values_appear_nowhere() {
    let server = Server::start();
    let text = format!("A={MARKER_SECRET}\nB='{MARKER_SECRET}'\n");
    import(file(&text).path(), &["--debug"], &server)
        .any_stdout()
        .any_stderr()
        .run();
    assert_eq!(stored(&server, "A").as_deref(), Some(MARKER_SECRET));
    let text =
        format!("A={MARKER_SECRET}#\n{MARKER_SECRET}\n{MARKER_SECRET}=\nB=$({MARKER_SECRET}\n");
    import(file(&text).path(), &[], &server)
        .code(65)
        .any_stderr()
        .run();
    let text = format!(r#"{{"A":{{"{MARKER_SECRET}":1}},"B":"{MARKER_SECRET}"#);
    import(file(&text).path(), &["--format=json"], &server)
        .code(65)
        .any_stderr()
        .run();
}
