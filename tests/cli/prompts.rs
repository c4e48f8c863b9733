//! Prompts on a pseudo-terminal: questions, keys, signals, and a terminal that is closed.

use crate::server::{Account, Behaviour, End, Point, Scope, Server, When};
use crate::support::oz;
use crate::support::pty::Session;
use crate::support::tools::is_emulated;
use nix::sys::signal::Signal;
use std::fs::{self, File};
use std::time::{Duration, Instant};

const CREATE: [&str; 4] = ["secret", "create", "N", "--personal"];

/// What the screen shows after a hidden answer.
const ANSWERED: &str = "Value for new personal secret 'N'\r\n\
                        ? Secret value: \r\x1b[J> Secret value: ********\r\n";
const CANCELLED: &str = "Value for new personal secret 'N'\r\n\
                         ? Secret value: \r\x1b[J? Secret value: <canceled>\r\n";

/// [`ANSWERED`] for an update.
fn answered_again() -> String {
    ANSWERED.replace("Value for new", "New value for")
}

fn stored(server: &Server) -> Option<String> {
    server.opened(Scope::Personal, "N")
}

fn create(server: &Server) -> Session {
    let mut session = Session::start(&CREATE, &server.env());
    session.expect("? Secret value: ");
    assert!(!session.echoes());
    session
}

#[test]
fn a_hidden_answer_is_edited_as_in_a_shell() {
    let long = "x".repeat(9000);
    let long_stored = format!(r#"{{"value":"{long}"}}"#);
    for (keys, expected) in [
        ("hunter2\r", r#"{"value":"hunter2"}"#),
        ("hunter2\n", r#"{"value":"hunter2"}"#),
        (" a b \r", r#"{"value":" a b "}"#),
        ("aé🔑日\x7f\r", r#"{"value":"aé🔑"}"#),
        ("abc\x08\x7f\r", r#"{"value":"a"}"#),
        ("wrong\x15right\r", r#"{"value":"right"}"#),
        ("one two \x17three\r", r#"{"value":"one three"}"#),
        ("a\x1b[A\x1b[3~\x1bOPb\x04c\r", r#"{"value":"abc"}"#),
        ("a\tb\r", r#"{"value":"a\tb"}"#),
        ("pasted\r\n", r#"{"value":"pasted"}"#),
        (&format!("{long}\r"), &long_stored),
    ] {
        let server = Server::start();
        let mut session = create(&server);
        session.send(keys);
        assert_eq!(session.end(), 0, "{:?}", session.transcript());
        assert_eq!(
            session.transcript(),
            format!("{ANSWERED}Secret 'N' created\r\n")
        );
        assert_eq!(stored(&server).as_deref(), Some(expected));
        assert!(session.is_canonical());
    }
}

#[test]
fn a_paste_of_several_lines_is_refused_at_a_hidden_question() {
    let pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQ+two\n-----END PRIVATE KEY-----\n";
    let long = format!("one\n{}", "two\n".repeat(20_000));
    for keys in [
        "one\rtwo\rthree\r",
        "one\r\ntwo",
        "one\n\ntwo\n",
        pem,
        &long,
    ] {
        let server = Server::start();
        let mut session = create(&server);
        session.send(keys);
        assert_eq!(session.end(), 65);
        assert_eq!(
            session.transcript(),
            format!(
                "{CANCELLED}error: more than one line was pasted, and nothing was stored\r\n\
                 hint: a value of several lines is given with -f FILE, or -f - for standard input\r\n"
            )
        );
        assert!(session.is_canonical());
        assert_eq!(server.ops(), ["Lookup"]);
    }
    let server = Server::start();
    let words = [
        "secret",
        "create",
        "docker-registry",
        "N",
        "--host=h",
        "--username=u",
    ];
    let mut session = Session::start(&words, &server.env());
    session.expect("? Password: ");
    session.send("{\n  \"type\": \"service_account\"\n}\n");
    assert_eq!(session.end(), 65);
    let hint = "--password-file FILE, or --password-file - for standard input\r\n";
    assert!(session.transcript().ends_with(hint));
}

/// Runs the program in a shell that afterwards prints the input left at the terminal.
fn in_a_shell(words: &[&str], server: &Server) -> Session {
    let script =
        "\"$@\"; code=$?; stty -icanon -echo min 0 time 1; echo \"<$(head -c 99)>\"; exit $code";
    let mut env = server.env();
    env.push(("PATH".to_owned(), std::env::var("PATH").unwrap()));
    Session::started_by(&["/bin/sh", "-c", script, "sh"], words, &env)
}

#[test]
fn the_rest_of_a_paste_does_not_reach_the_shell() {
    for (keys, code) in [
        ("one\nrm -r x\n", 65),
        ("one\x03\nrm -r x\n", 130),
        ("one\x1b\x1b\nrm -r x\n", 130),
        ("one\n\x03rm -r x\n", 130),
    ] {
        let server = Server::start();
        let mut session = in_a_shell(&CREATE, &server);
        session.expect("? Secret value: ");
        session.send(keys);
        assert_eq!(session.end(), code);
        let transcript = session.transcript();
        assert!(transcript.ends_with("<>\r\n"), "{transcript}");
        assert_eq!(stored(&server), None);
    }
}

/// Waits until the server has read a request of this name.
fn wait_for_request(server: &Server, name: &str) {
    let began = Instant::now();
    while server.ops().last().is_none_or(|op| op != name) {
        assert!(began.elapsed() < Duration::from_secs(10), "no {name} came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Long enough to type something, and short enough to wait for.
const TYPING: Duration = Duration::from_millis(700);

#[test]
fn input_typed_before_a_question_is_discarded_and_not_echoed() {
    for keys in ["y\r", "yes\n", "\r", "y", "\x04"] {
        let server = Server::start();
        server.seed_raw(Scope::Personal, "N");
        server.next(When::Op("Lookup"), Behaviour::Delay(TYPING));
        let words = ["secret", "delete", "N", "--personal"];
        let mut session = Session::start(&words, &server.env());
        wait_for_request(&server, "Lookup");
        assert!(!session.echoes());
        session.send(keys);
        let question =
            "\r\n[This action cannot be undone]\x1b[A\r? Delete personal secret 'N'? (y/N) ";
        session.expect(question);
        assert_eq!(session.transcript(), question, "{keys:?}");
        session.send("n\r");
        assert_eq!(session.end(), 0);
        assert!(session.transcript().ends_with("Deletion cancelled\r\n"));
        assert!(session.is_canonical());
        assert!(server.secret(Scope::Personal, "N").is_some());
    }
    for update in [false, true] {
        let server = Server::start();
        server.next(When::Op("Lookup"), Behaviour::Delay(TYPING));
        let words = if update {
            server.seed_raw(Scope::Personal, "N");
            vec!["secret", "update", "N", "--value", "--personal"]
        } else {
            CREATE.to_vec()
        };
        let mut session = Session::start(&words, &server.env());
        wait_for_request(&server, "Lookup");
        assert!(!session.echoes());
        session.send("too early\r");
        session.expect("? Secret value: ");
        session.send("in time\r");
        assert_eq!(session.end(), 0, "{:?}", session.transcript());
        let answered = if update {
            answered_again()
        } else {
            ANSWERED.to_owned()
        };
        assert!(session.transcript().starts_with(&answered));
        assert_eq!(stored(&server).as_deref(), Some(r#"{"value":"in time"}"#));
    }
}

#[test]
fn each_question_wants_an_answer_of_its_own() {
    let server = Server::start();
    let words = ["secret", "create", "docker-registry", "N", "--personal"];
    let mut session = Session::start(&words, &server.env());
    session.expect("? Registry host: ");
    session.send("ghcr.io\nme\nhush\n");
    session.expect("? Username: ");
    session.send("you\r\n");
    session.expect("? Password: ");
    session.send("p4ss\r\n");
    assert_eq!(session.end(), 0, "{:?}", session.transcript());
    let transcript = session.transcript();
    let note = "note: more was typed than was asked for, and thrown away\r\n";
    assert!(transcript.contains(note), "{transcript}");
    assert!(!transcript.contains("hush"), "{transcript}");
    assert_eq!(
        stored(&server).as_deref(),
        Some(r#"{"registry_host":"ghcr.io","username":"you","password":"p4ss"}"#)
    );
}

#[test]
fn the_terminal_is_as_it_was_when_the_lookup_fails() {
    let server = Server::start();
    for words in [
        &CREATE[..],
        &["secret", "update", "N", "--value"],
        &["secret", "delete", "N"],
    ] {
        server.next(When::Op("Lookup"), Behaviour::status(400, "{}"));
        let mut session = Session::start(words, &server.env());
        assert_ne!(session.end(), 0);
        assert!(session.is_canonical());
        assert!(!session.transcript().contains("? "), "{words:?}");
    }
    // A name that is taken, and one that is not there.
    server.seed_raw(Scope::Personal, "N");
    for (words, code) in [(&CREATE[..], 5), (&["secret", "delete", "M"], 3)] {
        let mut session = Session::start(words, &server.env());
        assert_eq!(session.end(), code);
        assert!(session.is_canonical());
    }
}

#[test]
fn input_typed_where_nothing_is_asked_reaches_the_shell() {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "v").unwrap();
    server.next(When::Op("Lookup"), Behaviour::Delay(TYPING));
    let words = [
        "secret",
        "update",
        "N",
        "-f",
        file.to_str().unwrap(),
        "--personal",
    ];
    let mut session = in_a_shell(&words, &server);
    wait_for_request(&server, "Lookup");
    session.send("ls");
    assert_eq!(session.end(), 0);
    assert_eq!(session.transcript(), "Secret 'N' updated\r\n<ls>\r\n");
}

#[test]
fn a_job_in_the_background_that_asks_nothing_leaves_the_terminal_alone() {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "v").unwrap();
    server.next(When::Op("Lookup"), Behaviour::Delay(TYPING));
    let file = file.to_str().unwrap();
    let words = ["secret", "update", "N", "-f", file, "--personal"];
    let script = "set -m; \"$@\" & wait $!; echo \"exit $?\"";
    let starter = ["/bin/sh", "-c", script, "sh"];
    let mut session = Session::started_by(&starter, &words, &server.env());
    wait_for_request(&server, "Lookup");
    assert!(session.echoes());
    session.expect("Secret 'N' updated\r\nexit 0\r\n");
    assert_eq!(session.end(), 0);
}

/// The signals that end a process by default (signal(7)).
const FATAL: [i32; 20] = [
    1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 14, 15, 16, 24, 26, 27, 29, 30, 31,
];
const REAL_TIME: std::ops::RangeInclusive<i32> = 35..=64;

fn fatal() -> Vec<i32> {
    if is_emulated() {
        // An emulator handles some signals itself, and prints a message for those that dump core.
        return vec![1, 2, 15];
    }
    FATAL.into_iter().chain(REAL_TIME).collect()
}

#[test]
fn a_signal_ends_the_wait_for_the_lookup_and_restores_the_terminal() {
    let end = |signal: i32| {
        let server = Server::start();
        let silent = Behaviour::Vanish(Point::Body, End::Silent);
        server.always(When::Any, silent);
        let mut session = Session::start(&CREATE, &server.env());
        wait_for_request(&server, "Lookup");
        assert!(!session.echoes());
        match signal {
            0 => session.send("\x03"),
            number => session.signal_number(number),
        }
        let code = session.end();
        assert!(session.is_canonical(), "{signal}");
        assert_eq!(session.transcript(), "", "{signal}");
        code
    };
    // Ctrl-C.
    assert_eq!(end(0), 130);
    for signal in fatal() {
        assert_eq!(end(signal), 128 + signal);
    }
}

#[test]
fn a_stop_while_the_lookup_is_waited_for_does_not_show_what_is_typed() {
    let server = Server::start();
    server.next(When::Op("Lookup"), Behaviour::Delay(TYPING));
    let mut session = Session::start(&CREATE, &server.env());
    wait_for_request(&server, "Lookup");
    // Ctrl-Z, which is ignored, and SIGSTOP, which cannot be.
    session.send("\x1a");
    session.signal(Signal::SIGSTOP);
    session.make_canonical();
    session.signal(Signal::SIGCONT);
    let began = Instant::now();
    while session.echoes() {
        assert!(began.elapsed() < TYPING, "it still echoes");
        std::thread::sleep(Duration::from_millis(1));
    }
    session.send("early");
    session.expect("? Secret value: ");
    session.send("v\r");
    assert_eq!(session.end(), 0);
    assert!(!session.transcript().contains("early"));
    assert_eq!(stored(&server).as_deref(), Some(r#"{"value":"v"}"#));
}

/// The signals that a process blocks.
fn blocked(session: &Session) -> String {
    let status = fs::read_to_string(format!("/proc/{}/status", session.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("SigBlk:"));
    line.unwrap().trim().to_owned()
}

#[test]
fn after_a_question_signals_are_as_they_were() {
    if is_emulated() {
        return;
    }
    let server = Server::start();
    server.always(When::Mutation, Behaviour::Vanish(Point::Body, End::Silent));
    let mut session = create(&server);
    assert_ne!(blocked(&session), "0000000001000000");
    session.send("v\r");
    wait_for_request(&server, "CreateManagedSecret");
    assert!(session.is_canonical());
    // SIGXFSZ, which is an error of a write.
    assert_eq!(blocked(&session), "0000000001000000");
    session.send("\x03");
    assert_eq!(session.end(), 130);
}

#[test]
fn cancelling_sends_nothing_and_restores_the_terminal() {
    for keys in ["\x03", "abc\x03", "\x04", "\x1b", "abc\x1b", "\x1c"] {
        let server = Server::start();
        let mut session = create(&server);
        session.send(keys);
        assert_eq!(session.end(), 130, "{keys:?}");
        assert!(session.transcript().starts_with(CANCELLED), "{keys:?}");
        assert!(session.is_canonical(), "{keys:?}");
        assert_eq!(stored(&server), None);
    }
}

#[test]
fn an_empty_answer_to_a_required_question_cancels() {
    let server = Server::start();
    let mut session = create(&server);
    session.send("\r");
    assert_eq!(session.end(), 130);
    assert_eq!(
        session.transcript(),
        format!("{ANSWERED}error: nothing was typed; nothing was stored\r\n")
    );
    assert_eq!(server.ops(), ["Lookup"]);
    assert_eq!(stored(&server), None);
}

#[test]
fn signals_end_the_question_and_restore_the_terminal() {
    let server = Server::start();
    for signal in fatal() {
        let mut session = create(&server);
        session.send("abc");
        session.signal_number(signal);
        assert_eq!(session.end(), 128 + signal, "{signal}");
        let word = match signal {
            2 => "cancelled",
            _ => "terminated",
        };
        assert_eq!(
            session.transcript(),
            format!("{CANCELLED}error: {word}\r\n"),
            "{signal}"
        );
        assert!(session.is_canonical(), "{signal}");
        assert_eq!(stored(&server), None);
    }
}

#[test]
fn a_signal_that_does_not_end_a_process_does_not_end_a_question() {
    let server = Server::start();
    let mut session = create(&server);
    session.send("a");
    // SIGPIPE, SIGCHLD, SIGTSTP, SIGURG, SIGXFSZ, SIGWINCH.
    for signal in [13, 17, 20, 23, 25, 28] {
        session.signal_number(signal);
    }
    session.send("b\r");
    assert_eq!(session.end(), 0);
    assert_eq!(stored(&server).as_deref(), Some(r#"{"value":"ab"}"#));
}

#[test]
fn a_stop_does_not_show_what_is_typed() {
    let server = Server::start();
    let mut session = create(&server);
    session.send("a");
    session.signal(Signal::SIGTSTP);
    session.send("b");
    session.signal(Signal::SIGSTOP);
    session.make_canonical();
    session.signal(Signal::SIGCONT);
    session.expect("? Secret value: ");
    assert!(!session.echoes());
    session.send("c\r");
    assert_eq!(session.end(), 0);
    assert_eq!(stored(&server).as_deref(), Some(r#"{"value":"abc"}"#));
}

#[test]
fn a_vanished_terminal_ends_the_program() {
    let server = Server::start();
    let session = create(&server);
    assert_eq!(session.hang_up(), 129);
    assert_eq!(stored(&server), None);
}

#[test]
fn the_first_question_follows_what_it_is_for() {
    for (words, line) in [
        (
            &["create", "A", "--personal"][..],
            "Value for new personal secret 'A'",
        ),
        (
            &["create", "A\u{202e}B", "--team"],
            "Value for new team secret 'A\\u{202e}B'",
        ),
        (
            &["create", "claude", "api-key", "A", "--team"],
            "Value for new team secret 'A' (Anthropic API Key)",
        ),
        (
            &["create", "N", "--if-exists=update", "--personal"],
            "New value for personal secret 'N'",
        ),
        (
            &["update", "N", "--value", "--team"],
            "New value for team secret 'N' (OpenAI API Key)",
        ),
    ] {
        let account = Account::on_teams(&[("t1", "Core")]);
        let server = Server::builder().account(account).start();
        server.seed_raw(Scope::Personal, "N");
        server.seed_kind(Scope::Team("t1"), "N", "OPENAI_API_KEY");
        let words = [&["secret"], words].concat();
        let mut session = Session::start(&words, &server.env());
        session.expect("? Secret value: ");
        let asked = format!("{line}\r\n? Secret value: ");
        assert_eq!(session.transcript(), asked, "{words:?}");
        session.send("\x03");
        assert_eq!(session.end(), 130);
    }
    // An update needs all fields again.
    let server = Server::start();
    server.seed_kind(Scope::Personal, "N", "DOCKER_REGISTRY");
    let words = ["secret", "update", "N", "--host=h"];
    let mut session = Session::start(&words, &server.env());
    session.expect(
        "New value for personal secret 'N' (Docker Registry)\r\n\
         Stored fields can't be read back, so all are needed\r\n? Username: ",
    );
    session.send("\x03");
    assert_eq!(session.end(), 130);
    // Once for all questions.
    let server = Server::start();
    let words = ["secret", "create", "docker-registry", "N", "--host=h"];
    let mut session = Session::start(&words, &server.env());
    let title = "Value for new personal secret 'N' (Docker Registry)\r\n";
    session.expect(&format!("{title}? Username: "));
    session.send("u\r");
    session.expect("? Password: ");
    session.send("\r");
    assert_eq!(session.end(), 130);
    assert_eq!(
        session.transcript(),
        format!(
            "{title}? Username: u\r\x1b[J> Username: u\r\n\
             ? Password: \r\x1b[J> Password: ********\r\n\
             error: nothing was typed; nothing was stored\r\n"
        )
    );
    assert_eq!(stored(&server), None);
}

/// A form: its words, its type, its questions with an answer each, and what the server opens.
struct Form {
    words: &'static [&'static str],
    kind: &'static str,
    questions: &'static [(&'static str, &'static str)],
    expected: &'static str,
}

const KEY: &str = "Secret value:";
const BASE_URL: &str = "OpenAI base URL (optional, press Enter to skip):";

const FORMS: [Form; 7] = [
    Form {
        words: &[],
        kind: "RAW_VALUE",
        questions: &[(KEY, "any value\"")],
        expected: r#"{"value":"any value\""}"#,
    },
    Form {
        words: &["anthropic", "api-key"],
        kind: "ANTHROPIC_API_KEY",
        questions: &[(KEY, "sk-ant-1")],
        expected: r#"{"api_key":"sk-ant-1"}"#,
    },
    Form {
        words: &["anthropic", "bedrock-api-key"],
        kind: "ANTHROPIC_BEDROCK_API_KEY",
        questions: &[
            ("Bedrock API key:", "b3dr0ck"),
            ("AWS Region:", " us-east-1 "),
        ],
        expected: r#"{"aws_bearer_token_bedrock":"b3dr0ck","aws_region":"us-east-1"}"#,
    },
    Form {
        words: &["claude", "bedrock-access-key"],
        kind: "ANTHROPIC_BEDROCK_ACCESS_KEY",
        questions: &[
            ("AWS Access Key ID:", "AKIA"),
            ("AWS Secret Access Key:", "s/+"),
            ("AWS Session Token (optional, press Enter to skip):", ""),
            ("AWS Region:", "us-east-1"),
        ],
        expected: r#"{"aws_access_key_id":"AKIA","aws_secret_access_key":"s/+","aws_region":"us-east-1"}"#,
    },
    Form {
        words: &["codex", "api-key"],
        kind: "OPENAI_API_KEY",
        questions: &[(KEY, "sk-1"), (BASE_URL, "https://us.api.openai.com/v1")],
        expected: r#"{"api_key":"sk-1","base_url":"https://us.api.openai.com/v1"}"#,
    },
    Form {
        words: &["openai", "api-key"],
        kind: "OPENAI_API_KEY",
        questions: &[(KEY, "sk-2"), (BASE_URL, "")],
        expected: r#"{"api_key":"sk-2"}"#,
    },
    Form {
        words: &["docker-registry"],
        kind: "DOCKER_REGISTRY",
        questions: &[
            ("Registry host:", "ghcr.io"),
            ("Username:", "me"),
            ("Password:", "p4ss"),
        ],
        expected: r#"{"registry_host":"ghcr.io","username":"me","password":"p4ss"}"#,
    },
];

#[test]
fn every_form_asks_in_the_documented_order_create_and_update_personal_and_team() {
    for form in &FORMS {
        for update in [false, true] {
            for (flag, scope) in [
                ("--personal", Scope::Personal),
                ("--team", Scope::Team("t1")),
            ] {
                let account = Account::on_teams(&[("t1", "Core")]);
                let server = Server::builder().account(account).start();
                let mut words = vec!["secret", if update { "update" } else { "create" }];
                if update {
                    server.seed_kind(scope, "N", form.kind);
                    words.extend(["N", "--value"]);
                } else {
                    words.extend(form.words);
                    words.push("N");
                }
                words.push(flag);
                ask_all(form, &words, &server);
                assert_eq!(
                    server.opened(scope, "N").as_deref(),
                    Some(form.expected),
                    "{words:?}"
                );
            }
        }
    }
}

/// Answers every question of a form, and checks that no hidden answer is shown.
fn ask_all(form: &Form, words: &[&str], server: &Server) {
    let mut session = Session::start(words, &server.env());
    for (question, answer) in form.questions {
        session.expect(&format!("? {question} "));
        assert!(!session.echoes());
        session.send(format!("{answer}\r"));
        session.expect(&format!("> {question}"));
    }
    assert_eq!(session.end(), 0, "{:?}", session.transcript());
    assert!(session.is_canonical());
    for hidden in [
        "any value",
        "sk-ant-1",
        "b3dr0ck",
        "s/+",
        "sk-1",
        "sk-2",
        "p4ss",
    ] {
        assert!(!session.transcript().contains(hidden), "{hidden}");
    }
}

#[test]
fn standard_input_that_is_a_terminal_is_asked_and_not_read() {
    let server = Server::start();
    let words = ["secret", "create", "N", "--personal", "-f", "-"];
    let mut session = Session::start(&words, &server.env());
    session.expect("? Secret value: ");
    assert!(!session.echoes());
    session.send("v\r");
    assert_eq!(session.end(), 0);
    assert_eq!(stored(&server).as_deref(), Some(r#"{"value":"v"}"#));
}

#[test]
fn no_file_is_a_terminal() {
    let server = Server::start();
    for path in ["/dev/tty", "/dev/stdin"] {
        let words = ["secret", "create", "N", "-f", path];
        let mut session = Session::start(&words, &server.env());
        assert_eq!(session.end(), 66);
        assert_eq!(
            session.transcript(),
            format!(
                "error: cannot read the file '{path}' of --value-file\r\n  caused by: it is a terminal, which would show what is typed\r\n"
            )
        );
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_note_says_once_that_standard_input_is_still_read() {
    // An emulator takes a second to start.
    if is_emulated() {
        return;
    }
    let server = Server::start();
    let note = "note: still reading standard input\r\n";
    for (feed, words, told) in [
        ("sleep 2.6; printf v", &["--output-format=text"][..], true),
        (
            "for i in 1 2 3 4 5 6 7 8; do printf v; sleep 0.4; done",
            &[],
            true,
        ),
        ("sleep 1; printf v", &[], false),
        ("sleep 2.6; printf v", &["--output-format=json"], false),
    ] {
        let script = format!("{{ {feed}; }} | \"$@\"");
        let arguments = ["secret", "create", "N", "--personal", "--if-exists=update"];
        let arguments = [&arguments[..], words].concat();
        let starter = ["/bin/sh", "-c", &script, "sh"];
        let mut session = Session::started_by(&starter, &arguments, &server.env());
        assert_eq!(session.end(), 0);
        let transcript = session.transcript();
        assert_eq!(transcript.starts_with(note), told, "{feed}: {transcript}");
        assert_eq!(transcript.matches("still").count(), usize::from(told));
    }
    // The API key comes from standard input as well.
    let script = format!("{{ sleep 2.3; echo {}; }} | \"$@\"", server.api_key());
    let starter = ["/bin/sh", "-c", &script, "sh"];
    let words = ["secret", "list", "--api-key-file=-", "--output-format=text"];
    let mut session = Session::started_by(&starter, &words, &server.env());
    assert_eq!(session.end(), 0);
    assert!(session.transcript().starts_with(note));
    // No note where stderr is not a terminal.
    oz(&["secret", "create", "M"])
        .server(&server)
        .started_by(["/bin/sh", "-c", "{ sleep 2.3; printf v; } | \"$@\"", "sh"])
        .stdout("Secret 'M' created\n")
        .run();
}

#[test]
fn a_visible_answer_is_drawn_without_control_characters() {
    let server = Server::start();
    let words = [
        "secret",
        "create",
        "docker-registry",
        "N",
        "--personal",
        "--username",
        "u",
        "--password",
        "p",
    ];
    let mut session = Session::start(&words, &server.env());
    session.expect("? Registry host: ");
    session.send("é\u{202e}\x15ghcr.iox\x7f\r");
    assert_eq!(session.end(), 0);
    assert_eq!(
        session.transcript(),
        "Value for new personal secret 'N' (Docker Registry)\r\n? Registry host: é\\u{202e}\r\x1b[K? Registry host: ghcr.iox\r\x1b[K? Registry host: ghcr.io\r\x1b[J> Registry host: ghcr.io\r\nSecret 'N' created\r\n"
    );
}

#[test]
fn a_wrong_answer_is_asked_for_again_and_never_shown() {
    let server = Server::start();
    let words = [
        "secret",
        "create",
        "anthropic",
        "api-key",
        "N",
        "--personal",
    ];
    let mut session = Session::start(&words, &server.env());
    for reason in ["holds a space", "is an assignment"] {
        session.expect("? Secret value: ");
        session.send(if reason.contains("space") {
            "hush hush\r"
        } else {
            "HUSH=hush\r"
        });
        session.expect(&format!("# the answer {reason}"));
    }
    session.expect("? Secret value: ");
    session.send("'hush'\r");
    assert_eq!(session.end(), 65);
    assert!(!session.transcript().to_lowercase().contains("hush"));
    assert_eq!(stored(&server), None);
}

#[test]
fn an_update_asks_with_value() {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    let words = ["secret", "update", "N", "--value", "--personal"];
    let mut session = Session::start(&words, &server.env());
    session.expect("? Secret value: ");
    session.send("new\r");
    assert_eq!(session.end(), 0);
    assert_eq!(
        session.transcript(),
        format!("{}Secret 'N' updated\r\n", answered_again())
    );
    assert_eq!(stored(&server).as_deref(), Some(r#"{"value":"new"}"#));
}

#[test]
fn nothing_is_asked_for_a_name_that_is_taken() {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    let mut session = Session::start(&CREATE, &server.env());
    assert_eq!(session.end(), 5);
    assert!(!session.transcript().contains("? "));
}

#[test]
fn with_both_outputs_redirected_questions_go_to_the_terminal() {
    let server = Server::start();
    let directory = tempfile::tempdir().unwrap();
    let [out, err] = ["out", "err"].map(|name| directory.path().join(name));
    let mut session = Session::redirected(
        &CREATE,
        &server.env(),
        File::create(&out).unwrap(),
        File::create(&err).unwrap(),
    );
    session.expect("? Secret value: ");
    assert!(!session.echoes());
    session.send("v\r");
    assert_eq!(session.end(), 0);
    assert_eq!(session.transcript(), ANSWERED);
    assert_eq!(fs::read_to_string(&out).unwrap(), "Secret 'N' created\n");
    assert_eq!(fs::read_to_string(&err).unwrap(), "");
    assert_eq!(stored(&server).as_deref(), Some(r#"{"value":"v"}"#));
}

#[test]
fn without_input_nothing_is_asked_or_sent() {
    let server = Server::start();
    let words = [
        "secret",
        "create",
        "anthropic",
        "bedrock-access-key",
        "N",
        "--no-input",
    ];
    let mut session = Session::start(&words, &server.env());
    assert_eq!(session.end(), 2);
    assert!(
        session
            .transcript()
            .contains("missing --access-key-id, --secret-access-key and --region")
    );
    assert_eq!(server.connections(), 0);
}

#[test]
fn deleting_asks_and_takes_only_yes_for_a_yes() {
    let gone = "Secret 'N' deleted\r\n";
    for (keys, code, last, deleted) in [
        ("y\r", 0, gone, true),
        ("YES\r", 0, gone, true),
        ("n\r", 0, "Deletion cancelled\r\n", false),
        ("No\r", 0, "Deletion cancelled\r\n", false),
        ("\r", 0, "Deletion cancelled\r\n", false),
        ("yess\r", 0, gone, true),
        ("y\rn\r", 0, gone, true),
        ("\x03", 130, "", false),
        ("\x04", 130, "", false),
        ("\x1b", 130, "", false),
    ] {
        let server = Server::start();
        server.seed_raw(Scope::Personal, "N");
        let words = ["secret", "delete", "N", "--personal"];
        let mut session = Session::start(&words, &server.env());
        session.expect("[This action cannot be undone]");
        session.expect("? Delete personal secret 'N'? (y/N) ");
        session.send(keys);
        let corrected = "# Invalid answer, try typing 'y' for yes or 'n' for no\r\n";
        if ["yess\r", "y\rn\r"].contains(&keys) {
            session.expect(corrected);
            session.expect("? Delete personal secret 'N'? (y/N) ");
            session.send("y\r");
        }
        assert_eq!(session.end(), code, "{keys:?}");
        assert!(
            session.transcript().ends_with(last),
            "{:?}",
            session.transcript()
        );
        assert!(session.is_canonical());
        assert_eq!(
            server.secret(Scope::Personal, "N").is_none(),
            deleted,
            "{keys:?}"
        );
    }
}

#[test]
fn flags_variables_and_questions_mix() {
    let server = Server::start();
    let words = [
        "secret",
        "create",
        "anthropic",
        "bedrock-access-key",
        "N",
        "--region=eu-west-1",
        "--from-env",
    ];
    let mut env = server.env();
    env.push(("AWS_ACCESS_KEY_ID".to_owned(), "AKIA".to_owned()));
    env.push(("AWS_SESSION_TOKEN".to_owned(), "t0ken".to_owned()));
    let mut session = Session::start(&words, &env);
    session.expect("? AWS Secret Access Key: ");
    session.send("s3cret\r");
    assert_eq!(session.end(), 0, "{:?}", session.transcript());
    assert_eq!(
        stored(&server).as_deref(),
        Some(
            r#"{"aws_access_key_id":"AKIA","aws_secret_access_key":"s3cret","aws_session_token":"t0ken","aws_region":"eu-west-1"}"#
        )
    );
}

#[test]
fn time_at_a_question_does_not_count_as_network_time() {
    let server = Server::start();
    let words = ["secret", "create", "N", "--timeout", "1"];
    let mut session = Session::start(&words, &server.env());
    session.expect("? Secret value: ");
    std::thread::sleep(Duration::from_millis(1300));
    session.send("v\r");
    assert_eq!(session.end(), 0, "{:?}", session.transcript());
}

#[test]
fn a_connection_closed_during_a_question_is_opened_again() {
    for end in [End::Orderly, End::Truncated, End::Reset] {
        let server = Server::start();
        server.next(When::Op("Lookup"), Behaviour::CloseAfterReply(end));
        let mut session = create(&server);
        std::thread::sleep(Duration::from_millis(200));
        session.send("v\r");
        assert_eq!(session.end(), 0, "{end:?}: {:?}", session.transcript());
        assert_eq!(server.ops(), ["Lookup", "CreateManagedSecret"]);
        assert_eq!(server.connections(), 2);
    }
}

#[test]
fn one_confirmation_lists_the_secrets_to_delete() {
    for (keys, last, deleted) in [
        (
            "y\r",
            "Secret 'A' deleted\r\nSecret 'B' deleted\r\n2 deleted\r\n",
            true,
        ),
        ("\r", "No\r\nDeletion cancelled\r\n", false),
    ] {
        let server = Server::start();
        server.seed_raw(Scope::Personal, "A");
        server.seed_raw(Scope::Personal, "B");
        let words = ["secret", "delete", "A", "B", "C", "--ignore-missing"];
        let last = if deleted {
            last.replace(
                "2 deleted",
                "Secret 'C' does not exist, nothing deleted\r\n2 deleted, 1 not found",
            )
        } else {
            last.to_owned()
        };
        let mut session = Session::start(&words, &server.env());
        session.expect("[This action cannot be undone]");
        session.expect("? Delete these 2 personal secrets? (y/N) ");
        assert!(session.transcript().starts_with("  A\r\n  B\r\n"));
        session.send(keys);
        assert_eq!(session.end(), 0);
        assert!(
            session.transcript().ends_with(&last),
            "{:?}",
            session.transcript()
        );
        assert!(session.is_canonical());
        assert_eq!(server.secret(Scope::Personal, "A").is_none(), deleted);
    }
}
