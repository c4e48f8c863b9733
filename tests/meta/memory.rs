//! Checks that values and the API key are wiped from memory by the time the program prints its first message. Only the
//! arguments and environment that the kernel put there are exempt.

use crate::leak::FORMS;
use crate::server::{Behaviour, End, Point, Scope, Server, Tls, When};
use crate::support::memory::{FullPipe, Memory, waits_to_write};
use crate::support::pty::Session;
use crate::support::{MARKER_KEY, MARKER_SECRET, Run, oz, port, tools, write};

/// A run that was stopped at its first message.
struct Stopped {
    memory: Memory,
    code: i32,
    output: String,
}

impl Stopped {
    /// `None` where this test may not read memory; it is recorded as skipped.
    fn run(run: Run<'_>) -> Option<Self> {
        if tools::is_emulated() {
            return None;
        }
        let (memory, code, output) = run.memory()?;
        Some(Self {
            memory,
            code,
            output,
        })
    }

    /// The program at a terminal, to which these answers are given.
    fn session(server: &Server, words: &[&str], answers: &[(&str, &str)]) -> Option<Self> {
        if tools::is_emulated() {
            return None;
        }
        let pipe = FullPipe::new();
        let mut session = Session::redirected(words, &server.env(), pipe.end(), pipe.end());
        for (question, answer) in answers {
            session.expect(question);
            session.send(answer);
        }
        if !waits_to_write(session.id()) {
            return None;
        }
        let memory = Memory::of(session.id());
        let output = String::from_utf8(pipe.drain()).unwrap();
        Some(Self {
            memory,
            code: session.end(),
            output,
        })
    }

    /// Checks the exit code and the output, and that no marker is left in memory. The search has to find the output
    /// there, to show that it works.
    #[track_caller]
    fn assert_wiped(&self, code: i32, message: &str) {
        let output = &self.output;
        assert!(output.contains(message), "{message:?} is not in {output}");
        assert_eq!(self.code, code, "{output}");
        let line = output.lines().next().unwrap();
        assert!(
            !self.memory.find(line.as_bytes()).is_empty(),
            "the search itself: {line}"
        );
        for (what, marker) in [("value", MARKER_SECRET), ("key", MARKER_KEY)] {
            let found = self.memory.find_remains(marker);
            assert!(found.is_empty(), "the {what} is at {found:?}: {output}");
        }
    }
}

#[test]
fn a_value_of_every_form_is_wiped() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let file = write(&dir, "value", MARKER_SECRET);
    for (row, form) in FORMS.iter().enumerate() {
        let name = format!("N{row}");
        let run = |words: &[&str]| {
            let run = oz(&[words, &[name.as_str()]].concat());
            run.args(form.options(&file))
                .server(&server)
                .envs(form.env.iter().copied())
                .stdin(form.stdin)
        };
        let create = [&["secret", "create"], form.words].concat();
        let created = format!("Secret '{name}' created");
        let updated = format!("Secret '{name}' updated");
        let dry = run(&create).arg("--dry-run");
        for (run, code, message) in [
            (dry, 0, "would be created"),
            (run(&create), 0, &created),
            (run(&create), 5, "there is already a personal secret"),
            (run(&create).arg("--if-exists=update"), 0, updated.as_str()),
            (run(&["secret", "update"]), 0, &updated),
        ] {
            let Some(stopped) = Stopped::run(run) else {
                return;
            };
            stopped.assert_wiped(code, message);
        }
        let opened = server.opened(Scope::Personal, &name).unwrap();
        assert!(opened.contains(MARKER_SECRET), "{opened}");
    }
}

/// A buffer that grows leaves its old content behind.
#[test]
fn a_large_value_is_wiped() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    server.seed_raw(Scope::Personal, "N");
    let create = ["secret", "create", "N", "--if-exists=update"];
    for (times, code, message) in [
        (30, 0, "Secret 'N' updated"),
        (300, 0, "Secret 'N' updated"),
        (7_000, 0, "Secret 'N' updated"),
        (8_000, 65, "is longer than"),
    ] {
        let value = MARKER_SECRET.repeat(times);
        let file = write(&dir, "value", &value);
        for run in [oz(&create).arg("-f").arg(file), oz(&create).stdin(&value)] {
            let Some(stopped) = Stopped::run(run.server(&server)) else {
                return;
            };
            stopped.assert_wiped(code, message);
        }
    }
}

#[test]
fn the_key_from_every_source_is_wiped() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let file = write(&dir, "key", MARKER_KEY).display().to_string();
    let bare = &MARKER_KEY[3..];
    let equals = format!("--api-key={MARKER_KEY}");
    let (file, equals) = (file.as_str(), equals.as_str());
    for (words, variable, stdin) in [
        (&[][..], ("WARP_API_KEY", MARKER_KEY), ""),
        (&[], ("WARP_API_KEY", bare), ""),
        (&[], ("WARP_API_KEY_FILE", file), ""),
        (&[equals], ("WARP_API_KEY", ""), ""),
        (&["--api-key", MARKER_KEY], ("WARP_API_KEY", ""), ""),
        (&["--api-key-file", file], ("WARP_API_KEY", ""), ""),
        (&["--api-key-file=-"], ("WARP_API_KEY", ""), MARKER_KEY),
        // The option goes before the variable.
        (&["--api-key-file", file], ("WARP_API_KEY", MARKER_KEY), ""),
    ] {
        let run = oz(&["secret", "list", "--output-format=json"])
            .args(words)
            .server(&server)
            .env_remove("WARP_API_KEY")
            .env(variable.0, variable.1)
            .stdin(stdin);
        let Some(stopped) = Stopped::run(run) else {
            return;
        };
        stopped.assert_wiped(0, "[]");
    }
}

#[test]
fn the_key_is_wiped_with_and_without_tls() {
    for tls in [Tls::Off, Tls::Only12, Tls::Only13] {
        let server = Server::builder().tls(tls).start();
        let run = oz(&["secret", "create", "N"]).server(&server);
        let Some(stopped) = Stopped::run(run.stdin(MARKER_SECRET.repeat(30))) else {
            return;
        };
        stopped.assert_wiped(0, "Secret 'N' created");
    }
}

/// It is in the arguments of the process and nowhere else. It is long, because the memory of a short one would soon be
/// overwritten.
#[test]
fn an_argument_is_not_copied() {
    let server = Server::start();
    let value = MARKER_SECRET.repeat(50);
    let key = MARKER_KEY.repeat(50);
    let [password, attached_key] =
        [("password", &value), ("api-key", &key)].map(|(name, text)| format!("--{name}={text}"));
    let docker = ["secret", "create", "docker-registry", "N", "--host=h"];
    let user = "--username=u";
    for (run, code, message) in [
        (oz(&docker).args([user, &password]), 0, "created"),
        (oz(&docker).args([user, "--password", &value]), 5, "already"),
        (oz(&docker).arg(&password), 2, "missing --username"),
        (oz(&docker).args([&password, "--bogus"]), 2, "'--bogus'"),
        (oz(&docker).args(["--bogus", &password]), 2, "'--bogus'"),
        (oz(&docker).args([&password, &password]), 2, "twice"),
        (oz(&docker).args([&password, "--help"]), 0, "Usage"),
        (oz(&["secret", "list", &attached_key]), 4, "(HTTP 401)"),
        (oz(&["secret", "list", "--api-key", &key]), 4, "(HTTP 401)"),
        (oz(&["secret", "list", &attached_key, "x"]), 2, "no operand"),
        (oz(&["--version", &attached_key]), 0, "oz "),
    ] {
        let Some(stopped) = Stopped::run(run.server(&server)) else {
            return;
        };
        stopped.assert_wiped(code, message);
        let words = &stopped.memory.initial;
        let is_left_out = |marker: &str| {
            words
                .windows(marker.len())
                .any(|part| part == marker.as_bytes())
        };
        assert!(is_left_out(MARKER_SECRET) || is_left_out(MARKER_KEY));
    }
}

#[test]
fn the_password_of_a_proxy_is_wiped() {
    let server = Server::start();
    let closed = port::closed();
    let value = MARKER_SECRET.repeat(50);
    let proxy = format!("http://user:{value}@{}", closed.address());
    let malformed = format!("http://user:{value}%@localhost");
    let socks = format!("socks5://user:{value}@localhost");
    for (proxy, code, message) in [
        (proxy, 69, "(https_proxy) could not be reached"),
        (malformed, 78, "https_proxy holds a malformed user name"),
        (socks, 78, "https_proxy names a kind of proxy"),
    ] {
        let run = oz(&["secret", "list"]).server(&server);
        let Some(stopped) = Stopped::run(run.env("https_proxy", proxy)) else {
            return;
        };
        stopped.assert_wiped(code, message);
    }
}

#[test]
fn both_are_wiped_when_the_server_fails() {
    for (behaviour, code, message) in [
        (Behaviour::UserFacingError("no luck"), 1, "no luck"),
        (Behaviour::UnknownMember, 75, "outcome unknown"),
        (Behaviour::status(401, r#"{"error":"no"}"#), 4, "(HTTP 401)"),
        (Behaviour::status(503, "{}"), 75, "HTTP 503"),
        (Behaviour::Vanish(Point::Body, End::Reset), 75, "closed"),
        (
            Behaviour::Vanish(Point::Applied, End::Silent),
            75,
            "no answer",
        ),
    ] {
        let server = Server::start();
        server.seed_raw(Scope::Personal, "N");
        server.always(When::Mutation, behaviour);
        let run = oz(&["secret", "update", "N", "--value", "--timeout=2"]).server(&server);
        let Some(stopped) = Stopped::run(run.stdin(MARKER_SECRET.repeat(30))) else {
            return;
        };
        stopped.assert_wiped(code, message);
    }
}

#[test]
fn both_are_wiped_when_nothing_is_sent() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        let text = text.replace('V', MARKER_SECRET).replace('K', MARKER_KEY);
        write(&dir, name, text).display().to_string()
    };
    let nul = path("nul", "V\0");
    let latin = dir.path().join("latin");
    std::fs::write(&latin, [MARKER_SECRET.as_bytes(), b"\xff"].concat()).unwrap();
    let latin = latin.display().to_string();
    let spaced = path("spaced", "V V");
    let bad_key = path("bad-key", "K K");
    let raw = ["secret", "create", "N", "-f"];
    let anthropic = ["secret", "create", "anthropic", "api-key", "N", "-f"];
    let list = ["secret", "list"];
    for (run, code, message) in [
        (oz(&raw).arg(&nul), 65, "holds a NUL byte"),
        (oz(&raw).arg(&latin), 65, "is not UTF-8"),
        (oz(&anthropic).arg(&spaced), 65, "holds a space"),
        (
            oz(&list).args(["--api-key-file", &bad_key]),
            78,
            "holds a space",
        ),
        (
            oz(&list).args(["--api-key", &format!("{MARKER_KEY} ")]),
            78,
            "holds a space",
        ),
    ] {
        let Some(stopped) = Stopped::run(run.server(&server)) else {
            return;
        };
        stopped.assert_wiped(code, message);
    }
}

#[test]
fn an_answer_at_the_prompt_is_wiped() {
    let m = MARKER_SECRET.repeat(30);
    let server = Server::start();
    let typed = format!("{m}\r");
    let corrected = format!("{m}{m}\x15{m}x\x7f\r");
    let spaced = format!("{m} {m}\r");
    let cancelled = format!("{m}\x03");
    let raw = ["secret", "create", "A", "--if-exists=update"];
    let key = ["secret", "create", "anthropic", "api-key", "B"];
    for (words, answers, code, message) in [
        (
            &raw[..],
            &[("Secret value:", typed.as_str())][..],
            0,
            "Secret 'A' created",
        ),
        (
            &raw,
            &[("Secret value:", &corrected)],
            0,
            "Secret 'A' updated",
        ),
        (
            &["secret", "create", "claude", "bedrock-access-key", "E"],
            &[
                ("AWS Access Key ID:", "AKIA\r"),
                ("AWS Secret Access Key:", &typed),
                ("AWS Session Token", &typed),
                ("AWS Region:", "us-east-1\r"),
            ],
            0,
            "Secret 'E' created",
        ),
        (&raw, &[("Secret value:", &cancelled)], 130, "cancelled"),
        (
            &key,
            &[
                ("Secret value:", &spaced),
                ("holds a space", ""),
                ("Secret value:", &spaced),
                ("holds a space", ""),
                ("Secret value:", &spaced),
            ],
            65,
            "holds a space",
        ),
    ] {
        let Some(stopped) = Stopped::session(&server, words, answers) else {
            return;
        };
        stopped.assert_wiped(code, message);
    }
}
