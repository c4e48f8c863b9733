//! Values, names, keys, files and addresses that are rejected before anything is sent: exact message, exit code, and no
//! connection. Each contains a marker, which must not be printed.

use crate::process::{as_nobody, is_root};
use crate::server::{Scope, Server};
use crate::support::tools::is_emulated;
use crate::support::{MARKER_KEY, MARKER_SECRET, code, oz, write};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{TryRecvError, channel};
use std::time::{Duration, Instant};

const NO_EMPTY: &str = "an empty value is never stored";
const PIPE_FAILED: &str = "an empty value is never stored; did the command before the pipe fail?";
const ENCODE: &str = "store binary data as text, for example encoded with base64";
const TOO_LONG: &str = "a run receives secrets as environment variables, and Linux allows 131072 bytes for one, its name included";
const KEY_LOOKS: &str = "an API key is one word of printable ASCII that starts with wk-";
const KEY_HOW: &str = "set WARP_API_KEY, or name a file that holds the key with --api-key-file";
const KEY_FILE: &str = "name a file that holds the key with --api-key-file or WARP_API_KEY_FILE";
const KEY_EXPANDED: &str = "give it where a shell or the CI system puts in the value";
const ROOT_LOOKS: &str =
    "it looks like https://HOST[:PORT][/PREFIX], from --server-root-url or WARP_SERVER_ROOT_URL";

/// A command line that is rejected before any connection, with text and with JSON output.
struct Line {
    args: Vec<OsString>,
    env: Vec<(&'static str, OsString)>,
    stdin: Option<Vec<u8>>,
}

fn line<A: AsRef<OsStr>>(args: &[A]) -> Line {
    Line {
        args: args.iter().map(|arg| arg.as_ref().to_owned()).collect(),
        env: Vec::new(),
        stdin: Some(Vec::new()),
    }
}

impl Line {
    fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    fn env(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.env.push((name, value.into()));
        self
    }

    fn stdin(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.stdin = Some(bytes.as_ref().to_vec());
        self
    }

    fn stdin_closed(mut self) -> Self {
        self.stdin = None;
        self
    }

    #[track_caller]
    fn refused(&self, server: &Server, code: i32, message: &str, hint: &str) {
        self.refused_because(server, code, message, None, Some(hint));
    }

    #[track_caller]
    fn refused_because(
        &self,
        server: &Server,
        code: i32,
        message: &str,
        cause: Option<&str>,
        hint: Option<&str>,
    ) {
        let run = || {
            let run = oz(&self.args)
                .server(server)
                .envs(self.env.clone())
                .code(code);
            match &self.stdin {
                Some(bytes) => run.stdin(bytes),
                None => run.stdin_closed(),
            }
        };
        let mut text = format!("error: {message}\n");
        if let Some(cause) = cause {
            text.push_str(&format!("  caused by: {cause}\n"));
        }
        if let Some(hint) = hint {
            text.push_str(&format!("hint: {hint}\n"));
        }
        run().stderr(text).run();
        let expected = serde_json::json!({"error": {
            "code": code, "message": message, "hint": hint,
            "causes": Vec::from_iter(cause), "applied": false,
        }});
        let output = run().env("WARP_OUTPUT_FORMAT", "json").any_stderr().run();
        let mut document: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
        assert!(
            document["error"]
                .as_object_mut()
                .unwrap()
                .remove("kind")
                .unwrap()
                .is_string()
        );
        assert_eq!(document, expected);
        assert_eq!(server.connections(), 0, "a connection was made");
    }
}

const CREATE: [&str; 3] = ["secret", "create", "N"];
const CREATE_KEY: [&str; 5] = ["secret", "create", "anthropic", "api-key", "N"];

/// The marker within bytes that are no valid value.
fn spoiled(before: &[u8], after: &[u8]) -> Vec<u8> {
    [before, MARKER_SECRET.as_bytes(), after].concat()
}

#[test]
fn rejects_values_a_secret_cannot_hold() {
    let server = Server::start();
    let stdin = "standard input";
    let marked = MARKER_SECRET.len();
    for (bytes, what, hint) in [
        (vec![], "is empty".to_owned(), PIPE_FAILED),
        (
            spoiled(b"", b"\xff"),
            format!("is not UTF-8 at byte offset {marked}"),
            ENCODE,
        ),
        (
            spoiled(b"\xc3", b""),
            "is not UTF-8 at byte offset 0".to_owned(),
            ENCODE,
        ),
        (
            spoiled(b"a", b"\xc3"),
            format!("is not UTF-8 at byte offset {}", marked + 1),
            ENCODE,
        ),
        (
            spoiled(b"", b"\xed\xa0\x80"),
            format!("is not UTF-8 at byte offset {marked}"),
            ENCODE,
        ),
        (
            spoiled(b"", b"\0"),
            format!("holds a NUL byte at byte offset {marked}"),
            ENCODE,
        ),
        (
            spoiled(b"\0", b""),
            "holds a NUL byte at byte offset 0".to_owned(),
            ENCODE,
        ),
    ] {
        for verb in [
            &CREATE[..],
            &CREATE_KEY,
            &["secret", "update", "N", "--value"],
        ] {
            line(verb)
                .stdin(&bytes)
                .refused(&server, 65, &format!("{stdin} {what}"), hint);
            line(verb).stdin(&bytes).arg("--dry-run").refused(
                &server,
                65,
                &format!("{stdin} {what}"),
                hint,
            );
        }
        let dir = tempfile::tempdir().unwrap();
        let file = write(&dir, "value", &bytes);
        let hint = if hint == PIPE_FAILED { NO_EMPTY } else { hint };
        line(&["secret", "create", "N", "-f"]).arg(&file).refused(
            &server,
            65,
            &format!("the file '{}' of --value-file {what}", file.display()),
            hint,
        );
    }
    line(&CREATE)
        .stdin_closed()
        .refused(&server, 65, "standard input is empty", PIPE_FAILED);
    for newline in ["\n", "\r\n"] {
        line(&CREATE_KEY).stdin(newline).refused(
            &server,
            65,
            "standard input is only a newline",
            PIPE_FAILED,
        );
        line(&["secret", "create", "openai", "api-key", "N"])
            .stdin(newline)
            .refused(&server, 65, "standard input is only a newline", PIPE_FAILED);
        line(&CREATE).arg("--trim-newline").stdin(newline).refused(
            &server,
            65,
            "standard input is only a newline",
            PIPE_FAILED,
        );
    }
}

/// The marker, repeated to a length.
fn long(length: usize) -> String {
    MARKER_SECRET.chars().cycle().take(length).collect()
}

/// The size of a value is what a run can receive: `NAME=value` and NUL in 131072 bytes, by the secret's name or by the
/// variable of its type.
#[test]
fn values_at_the_limit_and_one_past_it() {
    let server = Server::start();
    let bedrock = ["--region=us-east-1"];
    let rows: [(&[&str], &[&str], &str, usize); 8] = [
        (&["N"], &[], "--value-file", "N".len()),
        (&["LONGER_NAME"], &[], "--value-file", "LONGER_NAME".len()),
        (
            &["anthropic", "api-key", "LONGER_NAME"],
            &[],
            "--value-file",
            "ANTHROPIC_API_KEY".len(),
        ),
        (
            &["openai", "api-key", "N"],
            &[],
            "--value-file",
            "OPENAI_API_KEY".len(),
        ),
        (
            &["claude", "bedrock-api-key", "N"],
            &bedrock,
            "--bedrock-api-key-file",
            "AWS_BEARER_TOKEN_BEDROCK".len(),
        ),
        (
            &["claude", "bedrock-access-key", "N"],
            &["--region=us-east-1", "--secret-access-key=k"],
            "--access-key-id-file",
            "AWS_ACCESS_KEY_ID".len(),
        ),
        (
            &["claude", "bedrock-access-key", "N"],
            &["--region=us-east-1", "--access-key-id=k"],
            "--secret-access-key-file",
            "AWS_SECRET_ACCESS_KEY".len(),
        ),
        (
            &["claude", "bedrock-access-key", "N"],
            &[
                "--region=us-east-1",
                "--access-key-id=k",
                "--secret-access-key=k",
            ],
            "--session-token-file",
            "AWS_SESSION_TOKEN".len(),
        ),
    ];
    for (words, rest, flag, name_length) in rows {
        let limit = 131_072 - name_length - 2;
        let args = [&["secret", "create"], words, rest, &[flag, "-"]].concat();
        let subject = match flag {
            "--value-file" => "standard input".to_owned(),
            flag => format!("standard input, read for {flag},"),
        };
        let message = format!("{subject} is longer than {limit} bytes");
        for past in [limit + 1, limit + 2, limit + 100_000] {
            // What does not fit even the shortest name is refused before the newline of a key is looked at.
            let limit = if past > 131_071 { 131_069 } else { limit };
            let message = if past > 131_071 {
                format!("{subject} is longer than {limit} bytes")
            } else {
                message.clone()
            };
            line(&args)
                .stdin(long(past))
                .refused(&server, 65, &message, TOO_LONG);
        }
        let prefix = match words[0] {
            "anthropic" => "sk-ant-",
            "openai" => "sk-",
            _ => "",
        };
        let fit = [prefix, &long(limit - prefix.len())].concat();
        let fits = [
            fit.clone(),
            if words.len() > 1 {
                format!("{fit}\n")
            } else {
                fit
            },
        ];
        for value in fits {
            oz(&args)
                .arg("--dry-run")
                .server(&Server::start())
                .stdin(value)
                .any_stdout()
                .run();
        }
    }
}

/// Checks the limit against this kernel.
#[test]
fn the_value_limit_is_the_limit_of_the_kernel() {
    let starts = |length: usize| {
        Command::new("/bin/true")
            .env_clear()
            .env("N", "x".repeat(length))
            .status()
            .map(|status| status.success())
    };
    assert!(starts(131_069).unwrap());
    assert_eq!(
        starts(131_070).unwrap_err().kind(),
        std::io::ErrorKind::ArgumentListTooLong
    );
}

/// A field that holds a key, and the ways to give it.
struct Slot {
    form: &'static [&'static str],
    others: &'static [&'static str],
    flag: Option<&'static str>,
    file: &'static str,
    variable: Option<&'static str>,
}

const SLOTS: [Slot; 6] = [
    Slot {
        form: &["anthropic", "api-key"],
        others: &[],
        flag: None,
        file: "--value-file",
        variable: None,
    },
    Slot {
        form: &["codex", "api-key"],
        others: &[],
        flag: None,
        file: "--value-file",
        variable: None,
    },
    Slot {
        form: &["anthropic", "bedrock-api-key"],
        others: &["--region=us-east-1"],
        flag: Some("--bedrock-api-key"),
        file: "--bedrock-api-key-file",
        variable: Some("AWS_BEARER_TOKEN_BEDROCK"),
    },
    Slot {
        form: &["anthropic", "bedrock-access-key"],
        others: &["--region=us-east-1", "--secret-access-key=k"],
        flag: Some("--access-key-id"),
        file: "--access-key-id-file",
        variable: Some("AWS_ACCESS_KEY_ID"),
    },
    Slot {
        form: &["anthropic", "bedrock-access-key"],
        others: &["--region=us-east-1", "--access-key-id=k"],
        flag: Some("--secret-access-key"),
        file: "--secret-access-key-file",
        variable: Some("AWS_SECRET_ACCESS_KEY"),
    },
    Slot {
        form: &["anthropic", "bedrock-access-key"],
        others: &[
            "--region=us-east-1",
            "--access-key-id=k",
            "--secret-access-key=k",
        ],
        flag: Some("--session-token"),
        file: "--session-token-file",
        variable: Some("AWS_SESSION_TOKEN"),
    },
];

/// Texts that are no key, with the message and hint for each.
fn no_keys() -> Vec<(String, String, &'static str)> {
    let m = MARKER_SECRET;
    let end = m.len();
    let alone = "give it alone, without blanks";
    let one_line = "give it alone, on one line";
    let again = "copy it again from where it was issued";
    let owned = |text: &str| text.to_owned();
    vec![
        (
            format!("-----BEGIN PRIVATE KEY-----\n{m}\n-----END PRIVATE KEY-----\n"),
            owned("is a PEM block, not a key"),
            "a certificate or a private key is stored as a raw value",
        ),
        (
            format!("API_KEY={m}"),
            owned("is an assignment, not a key"),
            "give only what stands after the equals sign",
        ),
        (
            format!("export API_KEY={m}\nOTHER=1"),
            owned("is an assignment, not a key"),
            "give only what stands after the equals sign",
        ),
        (
            format!("\"{m}\""),
            owned("is in quotes"),
            "give the key without quotes",
        ),
        (
            format!("'{m}'"),
            owned("is in quotes"),
            "give the key without quotes",
        ),
        (
            format!("`{m}`"),
            owned("is in quotes"),
            "give the key without quotes",
        ),
        (
            format!("Bearer {m}"),
            owned("starts with the word Bearer"),
            "give the key alone, without the header's first word",
        ),
        (
            format!("bearer\t{m}"),
            owned("starts with the word Bearer"),
            "give the key alone, without the header's first word",
        ),
        (
            format!("{m} {m}"),
            format!("holds a space at byte offset {end}"),
            alone,
        ),
        (
            format!(" {m}"),
            owned("holds a space at byte offset 0"),
            alone,
        ),
        (
            format!("{m}\n{m}"),
            format!("holds a line break at byte offset {end}"),
            one_line,
        ),
        (
            format!("{m}\n\n"),
            format!("holds a line break at byte offset {end}"),
            one_line,
        ),
        (
            format!("{m}\r"),
            format!("holds a line break at byte offset {end}"),
            one_line,
        ),
        (
            format!("{m}\t"),
            format!("holds a control character at byte offset {end}"),
            "give it as plain text",
        ),
        (
            format!("\u{1b}[31m{m}"),
            owned("holds a control character at byte offset 0"),
            "give it as plain text",
        ),
        (
            format!("{m}\u{a0}"),
            format!("holds a character that is not ASCII at byte offset {end}"),
            again,
        ),
        (
            format!("\u{feff}{m}"),
            owned("holds a character that is not ASCII at byte offset 0"),
            again,
        ),
        (
            format!("“{m}”"),
            owned("holds a character that is not ASCII at byte offset 0"),
            again,
        ),
    ]
}

#[test]
fn rejects_text_that_is_no_key() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    for slot in &SLOTS {
        for (text, what, hint) in no_keys() {
            let args = || {
                line(&["secret", "create"])
                    .args(slot.form)
                    .arg("N")
                    .args(slot.others)
            };
            if let Some(flag) = slot.flag {
                args().arg(format!("{flag}={text}")).refused(
                    &server,
                    65,
                    &format!("{flag} {what}"),
                    hint,
                );
            }
            if let Some(variable) = slot.variable {
                let message = format!("the variable {variable} {what}");
                args()
                    .arg("--from-env")
                    .env(variable, &text)
                    .refused(&server, 65, &message, hint);
            }
            let file = write(&dir, "key", &text);
            let message = format!("the file '{}' of {} {what}", file.display(), slot.file);
            args()
                .arg(slot.file)
                .arg(&file)
                .refused(&server, 65, &message, hint);
            let message = match slot.flag {
                None => format!("standard input {what}"),
                Some(_) => format!("standard input, read for {}, {what}", slot.file),
            };
            args()
                .arg(slot.file)
                .arg("-")
                .stdin(&text)
                .refused(&server, 65, &message, hint);
        }
    }
}

impl Line {
    fn args(self, args: &[&str]) -> Self {
        args.iter().fold(self, Self::arg)
    }
}

#[test]
fn rejects_malformed_fields() {
    let server = Server::start();
    let m = MARKER_SECRET;
    let end = m.len();
    let region = "a region is written like us-east-1";
    let host = "give the host alone, such as ghcr.io or localhost:5000";
    let url = "a base URL is written like https://us.api.openai.com/v1";
    let alone = "give it alone, without blanks";
    let bedrock = ["anthropic", "bedrock-api-key", "N", "--bedrock-api-key=k"];
    let docker = [
        "docker-registry",
        "N",
        "--username=u",
        "--password=p",
        "--host=h",
    ];
    let openai = ["openai", "api-key", "N"];
    let rows: &[(&[&str], &str, String, String, &str)] = &[
        (
            &bedrock,
            "--region",
            m.to_owned(),
            "is not an AWS region".into(),
            region,
        ),
        (
            &bedrock,
            "--region",
            format!("us-east-1{m}"),
            "is not an AWS region".into(),
            region,
        ),
        (
            &bedrock,
            "--region",
            "US-EAST-1".into(),
            "is not an AWS region".into(),
            region,
        ),
        (
            &bedrock,
            "--region",
            format!("{m} "),
            format!("holds a space at byte offset {end}"),
            alone,
        ),
        (
            &docker[..4],
            "--host",
            format!("https://{m}"),
            "has a scheme".into(),
            host,
        ),
        (
            &docker[..4],
            "--host",
            format!("{m}/owner"),
            "has a path".into(),
            host,
        ),
        (
            &docker[..4],
            "--host",
            format!("user:{m}@ghcr.io"),
            "has a user name".into(),
            host,
        ),
        (
            &docker[..4],
            "--host",
            format!("{m}:99999"),
            "is not a host".into(),
            host,
        ),
        (
            &docker[..4],
            "--host",
            format!("{m} x"),
            format!("holds a space at byte offset {end}"),
            alone,
        ),
        (
            &["docker-registry", "N", "--host=h", "--password=p"],
            "--username",
            format!("{m} x"),
            format!("holds a space at byte offset {end}"),
            alone,
        ),
        (
            &openai,
            "--base-url",
            format!("http://{m}/v1"),
            "is http:// to another machine: the key would travel in the clear".into(),
            "use https://; http:// is allowed to localhost, 127.0.0.0/8 and [::1] only",
        ),
        (
            &openai,
            "--base-url",
            m.to_owned(),
            "has no scheme".into(),
            url,
        ),
        (
            &openai,
            "--base-url",
            format!("https://user:{m}@host/v1"),
            "has a user name or password".into(),
            url,
        ),
        (
            &openai,
            "--base-url",
            format!("https://host/{m}#x"),
            "has a fragment".into(),
            url,
        ),
        (
            &openai,
            "--base-url",
            format!("https://{m}:x/"),
            "has a malformed host or port".into(),
            url,
        ),
        (
            &openai,
            "--base-url",
            format!("https://host/{{{m}}}"),
            "has a path with characters that must be percent-encoded".into(),
            url,
        ),
    ];
    for (form, flag, text, what, hint) in rows {
        // A valid key on standard input where the form has one, so that there is one error only.
        line(&["secret", "create"])
            .args(form)
            .arg(format!("{flag}={text}"))
            .stdin("sk-1")
            .refused(&server, 65, &format!("{flag} {what}"), hint);
    }
}

/// As from a script with an unset variable.
#[test]
fn rejects_empty_option_values() {
    let server = Server::start();
    let unset = "is a variable in the script unset?";
    for (form, flags) in [
        (
            &["N"][..],
            &[
                "--value-file",
                "--type",
                "--if-exists",
                "--api-key-file",
                "--ca-file",
            ][..],
        ),
        (
            &["anthropic", "bedrock-api-key", "N"],
            &["--bedrock-api-key", "--bedrock-api-key-file", "--region"],
        ),
        (
            &["anthropic", "bedrock-access-key", "N"],
            &[
                "--access-key-id",
                "--secret-access-key",
                "--session-token-file",
                "--region",
            ],
        ),
        (
            &["docker-registry", "N"],
            &["--host", "--username", "--password", "--password-file"],
        ),
        (
            &["N"],
            &[
                "--server-root-url",
                "--timeout",
                "--output-format",
                "--team",
            ],
        ),
    ] {
        for flag in flags {
            line(&["secret", "create"])
                .args(form)
                .arg(format!("{flag}="))
                .stdin(MARKER_SECRET)
                .refused(
                    &server,
                    2,
                    &format!("the value of '{flag}' is empty"),
                    unset,
                );
        }
    }
    // An empty variable counts as unset: CI systems set those that they do not have.
    line(&[
        "secret",
        "create",
        "anthropic",
        "bedrock-api-key",
        "N",
        "--from-env",
    ])
    .env("AWS_BEARER_TOKEN_BEDROCK", "")
    .env("AWS_REGION", "")
    .refused(
        &server,
        2,
        "missing --bedrock-api-key and --region; \
             AWS_BEARER_TOKEN_BEDROCK, AWS_REGION and AWS_DEFAULT_REGION are not set, or empty",
        "values can also be read from a file with --bedrock-api-key-file; \
             typed at a terminal, without --no-input",
    );
    line(&[
        "secret",
        "create",
        "anthropic",
        "bedrock-api-key",
        "N",
        "--from-env",
    ])
    .env("AWS_DEFAULT_REGION", "us-east-1")
    .refused(
        &server,
        2,
        "missing --bedrock-api-key; AWS_BEARER_TOKEN_BEDROCK is not set, or empty",
        "values can also be read from a file with --bedrock-api-key-file; \
             typed at a terminal, without --no-input",
    );
}

#[test]
fn reports_all_missing_fields_together() {
    let server = Server::start();
    let asked = "typed at a terminal, without --no-input";
    let env = "taken from the environment with --from-env";
    for (args, stdin, missing, hint) in [
        (
            &["anthropic", "bedrock-api-key", "N"][..],
            MARKER_SECRET,
            "--bedrock-api-key and --region",
            format!("read from a file with --bedrock-api-key-file; {env}; {asked}"),
        ),
        (
            &["anthropic", "bedrock-access-key", "N", "--region=us-east-1"],
            "",
            "--access-key-id and --secret-access-key",
            format!(
                "read from a file with --access-key-id-file and --secret-access-key-file; {env}; {asked}"
            ),
        ),
        (
            &[
                "anthropic",
                "bedrock-access-key",
                "N",
                "--access-key-id=k",
                "--secret-access-key-file=-",
            ],
            MARKER_SECRET,
            "--region",
            format!("{env}; {asked}"),
        ),
        (
            &["docker-registry", "N"],
            "",
            "--host, --username and --password",
            format!("read from a file with --password-file; {asked}"),
        ),
        (
            &["docker-registry", "N", "--password-file=-"],
            MARKER_SECRET,
            "--host and --username",
            asked.to_owned(),
        ),
        (
            &[
                "docker-registry",
                "N",
                "--host=h",
                "--password=p",
                "--no-input",
            ],
            "",
            "--username",
            asked.to_owned(),
        ),
    ] {
        line(&["secret", "create"]).args(args).stdin(stdin).refused(
            &server,
            2,
            &format!("missing {missing}"),
            &format!("values can also be {hint}"),
        );
    }
    line(&["secret", "delete", "N"]).refused(
        &server,
        2,
        "deleting asks for confirmation, and there is no terminal to ask on",
        "use --force to delete without being asked",
    );
    line(&["secret", "delete", "N", "--no-input", "--ignore-missing"])
        .stdin_closed()
        .refused(
            &server,
            2,
            "deleting asks for confirmation, and there is no terminal to ask on",
            "use --force to delete without being asked",
        );
}

#[test]
fn standard_input_is_read_once() {
    let server = Server::start();
    let create_help = |form: &str| format!("see `oz secret create {form} --help`");
    for (args, first, second, hint) in [
        (
            &[
                "secret",
                "create",
                "anthropic",
                "bedrock-access-key",
                "N",
                "--access-key-id-file=-",
                "--session-token-file=-",
            ][..],
            "--access-key-id-file",
            "--session-token-file",
            create_help("anthropic bedrock-access-key"),
        ),
        (
            &[
                "secret",
                "create",
                "docker-registry",
                "N",
                "--password-file=-",
                "--api-key-file=-",
            ],
            "--password-file",
            "--api-key-file",
            create_help("docker-registry"),
        ),
    ] {
        line(args).stdin(MARKER_SECRET).refused(
            &server,
            2,
            &format!("'{first}' and '{second}' can't both read standard input"),
            &hint,
        );
    }
    let key_file = |args: &[&str]| {
        let mut line = line(args).stdin(MARKER_KEY).env("WARP_API_KEY_FILE", "-");
        line.env.push(("WARP_API_KEY", OsString::new()));
        line
    };
    key_file(&["secret", "update", "N", "--value"]).refused(
        &server,
        2,
        "'WARP_API_KEY_FILE' and the value can't both be read from standard input",
        "name the file of one of them: -f FILE for the value",
    );
    key_file(&[
        "secret",
        "create",
        "docker-registry",
        "N",
        "--password-file=-",
    ])
    .refused(
        &server,
        2,
        "'WARP_API_KEY_FILE' and '--password-file' can't both read standard input",
        "see `oz secret create docker-registry --help`",
    );
}

#[test]
fn rejects_unreadable_files() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing");
    let file = write(&dir, "file", MARKER_SECRET);
    let below_a_file = file.join("x");
    let odd = dir.path().join(OsStr::from_bytes(b"\x1b[31m\xff"));
    let dangling = dir.path().join("dangling");
    std::os::unix::fs::symlink("nowhere", &dangling).unwrap();
    let looped = dir.path().join("looped");
    std::os::unix::fs::symlink("looped", &looped).unwrap();
    let absent = "No such file or directory";
    let at = |path: &PathBuf| path.display().to_string();
    let flags: [(&[&str], &str); 4] = [
        (&["secret", "create", "N"], "--value-file"),
        (&["secret", "update", "N"], "--value-file"),
        (
            &[
                "secret",
                "create",
                "docker-registry",
                "N",
                "--host=h",
                "--username=u",
            ],
            "--password-file",
        ),
        (&["secret", "list"], "--api-key-file"),
    ];
    for (args, flag) in flags {
        for (path, shown, cause) in [
            (&missing, at(&missing), absent),
            (
                &dir.path().to_owned(),
                at(&dir.path().to_owned()),
                "Is a directory",
            ),
            (&below_a_file, at(&below_a_file), "Not a directory"),
            (&dangling, at(&dangling), absent),
            (&looped, at(&looped), "Symbolic link loop"),
            (
                &odd,
                format!("{}/\\u{{1b}}[31m\u{fffd}", dir.path().display()),
                absent,
            ),
        ] {
            let message = format!("cannot read the file '{shown}' of {flag}");
            line(args).arg(flag).arg(path).refused_because(
                &server,
                66,
                &message,
                Some(cause),
                None,
            );
        }
    }
}

#[test]
fn rejects_a_file_of_another_user() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let file = write(&dir, "file", MARKER_SECRET);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut command = if is_root() {
        as_nobody(&directory)
    } else {
        Command::new(crate::support::binary())
    };
    let output = command
        .args(["secret", "create", "N", "-f"])
        .arg(&file)
        .env_clear()
        .envs(server.env())
        .current_dir("/")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let expected = format!(
        "error: cannot read the file '{}' of --value-file\n  caused by: Permission denied\n",
        file.display()
    );
    assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
    assert_eq!(
        (code(output.status), output.stdout.as_slice()),
        (66, &b""[..])
    );
    assert_eq!(server.connections(), 0);
}

/// The time within which an endless source has to be rejected, on a busy machine.
const QUICK: Duration = Duration::from_secs(5);

#[test]
fn endless_sources_are_read_up_to_the_limit() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let sparse = dir.path().join("sparse");
    fs::File::create(&sparse).unwrap().set_len(1 << 40).unwrap();
    let growing = write(&dir, "growing", long(200_000));
    let mut file = fs::OpenOptions::new().append(true).open(&growing).unwrap();
    // The file grows as long as this lives, even if the test panics.
    let (growth, ended) = channel::<()>();
    let writer = std::thread::spawn(move || {
        while ended.try_recv() == Err(TryRecvError::Empty) {
            file.write_all(long(100_000).as_bytes()).unwrap();
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    let began = Instant::now();
    for path in [PathBuf::from("/dev/zero"), sparse, growing] {
        let message = format!(
            "the file '{}' of --value-file is longer than 131069 bytes",
            path.display()
        );
        line(&["secret", "create", "N", "-f"])
            .arg(&path)
            .refused(&server, 65, &message, TOO_LONG);
    }
    let path = "/dev/null";
    let message = format!("the file '{path}' of --value-file is empty");
    line(&["secret", "create", "N", "-f", path]).refused(&server, 65, &message, NO_EMPTY);
    // An emulator takes a second to start.
    assert!(
        is_emulated() || began.elapsed() < QUICK,
        "{:?}",
        began.elapsed()
    );
    drop(growth);
    writer.join().unwrap();
}

#[test]
fn a_fifo_is_read_to_its_end_or_to_the_limit() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let fifo = mkfifo(&dir);
    let writing = |times: usize, text: String| {
        let fifo = fifo.clone();
        std::thread::spawn(move || {
            let mut pipe = fs::OpenOptions::new().write(true).open(fifo).unwrap();
            for _ in 0..times {
                // The reader may have read enough.
                if pipe.write_all(text.as_bytes()).is_err() {
                    return false;
                }
            }
            true
        })
    };
    let endless = writing(usize::MAX, long(10_000));
    let began = Instant::now();
    oz(&["secret", "create", "N", "-f"])
        .arg(&fifo)
        .server(&server)
        .code(65)
        .stderr(format!(
            "error: the file '{}' of --value-file is longer than 131069 bytes\nhint: {TOO_LONG}\n",
            fifo.display()
        ))
        .run();
    assert!(!endless.join().unwrap(), "the writer gets EPIPE");
    assert!(began.elapsed() < QUICK, "{:?}", began.elapsed());
    assert_eq!(server.connections(), 0);

    let short = writing(3, MARKER_SECRET.to_owned());
    oz(&["secret", "create", "N", "-f"])
        .arg(&fifo)
        .server(&server)
        .stdout("Secret 'N' created\n")
        .run();
    assert!(short.join().unwrap());
    let expected = format!(r#"{{"value":"{}"}}"#, MARKER_SECRET.repeat(3));
    assert_eq!(server.opened(Scope::Personal, "N"), Some(expected));
}

fn mkfifo(dir: &tempfile::TempDir) -> PathBuf {
    let fifo = dir.path().join("fifo");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    fifo
}

/// The ways to name a file: the words, or the variable, and the message without its cause.
fn files_by_every_option(path: &str) -> Vec<(Vec<&str>, Option<&'static str>, String)> {
    let named = |flag: &str| format!("cannot read the file '{path}' of {flag}");
    let docker = ["secret", "create", "docker-registry", "N", "--host=h"];
    let access = ["secret", "create", "claude", "bedrock-access-key", "N"];
    let mut ways = vec![
        (
            vec!["secret", "create", "N", "-f", path],
            None,
            named("--value-file"),
        ),
        (
            [&docker[..], &["--username=u", "--password-file", path]].concat(),
            None,
            named("--password-file"),
        ),
        (
            vec!["secret", "list", "--api-key-file", path],
            None,
            named("--api-key-file"),
        ),
        (
            vec!["secret", "list"],
            Some("WARP_API_KEY_FILE"),
            named("WARP_API_KEY_FILE"),
        ),
        (
            vec!["secret", "list", "--ca-file", path],
            None,
            named("--ca-file"),
        ),
        (
            vec!["secret", "list"],
            Some("SSL_CERT_FILE"),
            named("SSL_CERT_FILE"),
        ),
    ];
    for flag in [
        "--access-key-id-file",
        "--secret-access-key-file",
        "--session-token-file",
    ] {
        ways.push((
            [&access[..], &["--region=us-east-1", flag, path]].concat(),
            None,
            named(flag),
        ));
    }
    ways
}

#[test]
fn a_pipe_without_a_writer_is_bounded_by_the_timeout() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let fifo = mkfifo(&dir);
    let path = fifo.to_str().unwrap();
    for (words, variable, message) in files_by_every_option(path) {
        let mut run = oz(&words).server(&server).args(["--timeout", "0.3"]);
        if let Some(name) = variable {
            run = run.env_remove("WARP_API_KEY").env(name, path);
            if name == "SSL_CERT_FILE" {
                run = run.env("WARP_API_KEY", MARKER_KEY);
            }
        }
        let output = run
            .code(66)
            .stderr(format!(
                "error: {message}\n  caused by: nothing was written to it within 0.3 s\n"
            ))
            .run();
        assert!(output.took < QUICK, "{:?}", output.took);
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn an_endless_pipe_is_bounded_by_the_timeout() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let fifo = mkfifo(&dir);
    // Opened for both, so that neither end waits for the other.
    let mut both = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(&fifo)
        .unwrap();
    both.write_all(MARKER_SECRET.as_bytes()).unwrap();
    oz(&["secret", "create", "N", "--timeout=0.3", "-f"])
        .arg(&fifo)
        .server(&server)
        .code(66)
        .stderr(format!(
            "error: cannot read the file '{}' of --value-file\n  caused by: it did not end within 0.3 s\n",
            fifo.display()
        ))
        .run();
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_slow_writer_is_waited_for() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let fifo = mkfifo(&dir);
    let writer = {
        let fifo = fifo.clone();
        std::thread::spawn(move || {
            let pause = || std::thread::sleep(Duration::from_millis(200));
            pause();
            let mut pipe = fs::OpenOptions::new().write(true).open(fifo).unwrap();
            for part in MARKER_SECRET.split_inclusive('-') {
                pause();
                pipe.write_all(part.as_bytes()).unwrap();
            }
            pause();
        })
    };
    oz(&["secret", "create", "N", "-f"])
        .arg(&fifo)
        .server(&server)
        .stdout("Secret 'N' created\n")
        .run();
    writer.join().unwrap();
    let expected = format!(r#"{{"value":"{MARKER_SECRET}"}}"#);
    assert_eq!(server.opened(Scope::Personal, "N"), Some(expected.clone()));

    // Process substitution, as bash spells it: a pipe, named through /dev/fd.
    let ca = server.ca_path().display();
    for (name, script) in [
        (
            "A",
            "exec \"$@\" -f <(sleep 0.3; printf %s \"$SLOWLY\")".to_owned(),
        ),
        (
            "B",
            format!(
                "unset SSL_CERT_FILE; exec \"$@\" -f <(printf %s \"$SLOWLY\") --ca-file <(sleep 0.3; cat {ca})"
            ),
        ),
    ] {
        if !crate::support::tools::have("bash") {
            return;
        }
        oz(&["secret", "create", name])
            .started_by(["bash", "-c", &script, "bash"])
            .server(&server)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("SLOWLY", MARKER_SECRET)
            .stdout(format!("Secret '{name}' created\n"))
            .run();
        assert_eq!(server.opened(Scope::Personal, name), Some(expected.clone()));
    }
}

#[test]
fn rejects_sockets_and_directories() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    for (path, cause) in [
        (dir.path(), "Is a directory"),
        (&socket, "No such device or address"),
    ] {
        let message = format!("cannot read the file '{}' of --value-file", path.display());
        line(&CREATE)
            .arg("-f")
            .arg(path)
            .refused_because(&server, 66, &message, Some(cause), None);
    }
    // Another name for standard input: a pipe.
    for path in ["/dev/stdin", "/dev/fd/0"] {
        let value = format!("{MARKER_SECRET}{path}");
        oz(&["secret", "create", path, "-f", path])
            .server(&server)
            .stdin(&value)
            .stdout(format!("Secret '{path}' created\n"))
            .any_stderr()
            .run();
        assert_eq!(
            server.opened(Scope::Personal, path),
            Some(format!(r#"{{"value":"{value}"}}"#))
        );
    }
}

#[test]
fn rejects_malformed_api_keys() {
    let server = Server::start();
    let m = MARKER_KEY;
    let end = m.len();
    let dir = tempfile::tempdir().unwrap();
    let long_key = m.repeat(4097 / end + 1);
    for (key, code, what, hint) in [
        (String::new(), 4, "is empty".to_owned(), KEY_HOW),
        (
            format!("{m}\n{m}"),
            78,
            format!("holds a line break at byte offset {end}"),
            KEY_LOOKS,
        ),
        (
            format!("{m}\r\n{m}"),
            78,
            format!("holds a line break at byte offset {end}"),
            KEY_LOOKS,
        ),
        (
            format!("{m} "),
            78,
            format!("holds a space at byte offset {end}"),
            KEY_LOOKS,
        ),
        (
            format!(" {m}"),
            78,
            "holds a space at byte offset 0".to_owned(),
            KEY_LOOKS,
        ),
        (
            format!("{m}\t"),
            78,
            format!("holds a control character at byte offset {end}"),
            KEY_LOOKS,
        ),
        (
            format!("{m}é"),
            78,
            format!("holds a character that is not ASCII at byte offset {end}"),
            KEY_LOOKS,
        ),
        (
            format!("Bearer {m}"),
            78,
            "starts with the word Bearer".to_owned(),
            "give the key alone, without the header's first word",
        ),
        (
            format!("\"{m}\""),
            78,
            "is in quotes".to_owned(),
            "give the key without quotes",
        ),
        (
            format!("WARP_API_KEY={m}"),
            78,
            "is an assignment, not a key".to_owned(),
            "give only what stands after the equals sign",
        ),
        (
            long_key,
            78,
            "is longer than 4096 bytes".to_owned(),
            KEY_LOOKS,
        ),
        (
            format!("sk-ant-{m}"),
            78,
            "starts with sk-, as keys of other services do".to_owned(),
            KEY_LOOKS,
        ),
        (
            format!("/run/secrets/{m}"),
            78,
            "is a path, not a key".to_owned(),
            KEY_FILE,
        ),
        (
            format!("~/{m}"),
            78,
            "is a path, not a key".to_owned(),
            KEY_FILE,
        ),
        (
            format!("../{m}"),
            78,
            "is a path, not a key".to_owned(),
            KEY_FILE,
        ),
        (
            format!("$WARP_API_KEY_{m}"),
            78,
            "is the name of a variable, not its value".to_owned(),
            KEY_EXPANDED,
        ),
        (
            format!("${{{{ secrets.{m} }}}}"),
            78,
            "is the name of a variable, not its value".to_owned(),
            KEY_EXPANDED,
        ),
        (
            "********".to_owned(),
            78,
            "is masked: it is asterisks only".to_owned(),
            KEY_LOOKS,
        ),
        (
            "wk-***".to_owned(),
            78,
            "is masked: it is asterisks only".to_owned(),
            KEY_LOOKS,
        ),
        (
            format!("<{m}>"),
            78,
            "is a placeholder, not a key".to_owned(),
            KEY_LOOKS,
        ),
        (
            format!("[your {m}]"),
            78,
            "is a placeholder, not a key".to_owned(),
            KEY_LOOKS,
        ),
    ] {
        let file = write(&dir, "key", &key);
        if !key.is_empty() {
            line(&["secret", "list"]).env("WARP_API_KEY", &key).refused(
                &server,
                code,
                &format!("WARP_API_KEY {what}"),
                hint,
            );
        }
        line(&["secret", "list"])
            .arg(format!("--api-key={key}"))
            .refused(&server, code, &format!("--api-key {what}"), hint);
        for args in [
            &["secret", "list"][..],
            &["secret", "create", "N", "-f", "/dev/null"],
        ] {
            line(args).arg("--api-key-file").arg(&file).refused(
                &server,
                code,
                &format!("the file '{}' of --api-key-file {what}", file.display()),
                hint,
            );
        }
        line(&["secret", "list"])
            .env("WARP_API_KEY", "")
            .env("WARP_API_KEY_FILE", &file)
            .refused(
                &server,
                code,
                &format!("the file '{}' of WARP_API_KEY_FILE {what}", file.display()),
                hint,
            );
        line(&["secret", "list", "--api-key-file=-"])
            .stdin(&key)
            .refused(
                &server,
                code,
                &format!("standard input of --api-key-file {what}"),
                hint,
            );
    }
    line(&["secret", "list"])
        .env("WARP_API_KEY", OsString::from_vec(spoiled(b"\xff", b"")))
        .refused(
            &server,
            78,
            "WARP_API_KEY holds a character that is not ASCII at byte offset 0",
            KEY_LOOKS,
        );
    // One newline at the end is the end of a line, two are not.
    let file = write(&dir, "lines", format!("{m}\n\n"));
    line(&["secret", "list", "--api-key-file"])
        .arg(&file)
        .refused(
            &server,
            78,
            &format!(
                "the file '{}' of --api-key-file holds a line break at byte offset {end}",
                file.display()
            ),
            KEY_LOOKS,
        );
    for end in ["", "\n", "\r\n"] {
        let file = write(&dir, "good", format!("{m}{end}"));
        oz(&["secret", "list", "--output-format=json"])
            .server(&Server::start())
            .env("WARP_API_KEY", format!("{m}{end}"))
            .stdout("[]\n")
            .run();
        oz(&["secret", "list", "--output-format=json"])
            .arg(format!("--api-key={m}{end}"))
            .server(&Server::start())
            .env_remove("WARP_API_KEY")
            .stdout("[]\n")
            .run();
        oz(&["secret", "list", "--output-format=json", "--api-key-file"])
            .arg(&file)
            .server(&Server::start())
            .env_remove("WARP_API_KEY")
            .stdout("[]\n")
            .run();
    }
}

#[test]
fn rejects_a_missing_api_key() {
    let server = Server::start();
    for args in [
        &["secret", "list"][..],
        &["secret", "delete", "N", "--force"],
        &CREATE,
    ] {
        oz(args)
            .server(&server)
            .env_remove("WARP_API_KEY")
            .stdin(MARKER_SECRET)
            .code(4)
            .stderr(format!("error: no API key\nhint: {KEY_HOW}\n"))
            .run();
        for variable in ["WARP_API_KEY", "WARP_API_KEY_FILE"] {
            oz(args)
                .server(&server)
                .env_remove("WARP_API_KEY")
                .env(variable, "")
                .stdin(MARKER_SECRET)
                .code(4)
                .stderr(format!(
                    "error: no API key: the variable {variable} is set to nothing\n\
                     hint: in CI: does this job have access to the secret?\n"
                ))
                .run();
        }
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn rejects_names_a_variable_cannot_have() {
    let server = Server::start();
    let letters = "use letters, digits and underscores";
    let control = "the name of a secret can't hold a line break or another control character";
    let marked = |after: &[u8]| OsString::from_vec(spoiled(b"", after));
    for (name, message, hint) in [
        (
            OsString::new(),
            "the name of a secret can't be empty",
            "is a variable in the script unset?",
        ),
        (
            marked(b"=x"),
            "the name of a secret can't hold '='",
            "a value does not follow the name: give it on standard input, with -f FILE or at the prompt",
        ),
        (marked(b"\n"), control, letters),
        (marked(b"\x1b[31m"), control, letters),
        (marked(b"\x7f"), control, letters),
        (marked("\u{85}".as_bytes()), control, letters),
        (
            marked(b"\xff"),
            "the name of a secret must be UTF-8",
            letters,
        ),
        // The longest name leaves room for `=` and one byte of value; the kernel takes no longer argument either.
        (
            OsString::from(long(131_070)),
            "the name of a secret is longer than an environment variable can be",
            "use a shorter name",
        ),
    ] {
        for args in [
            &["secret", "create"][..],
            &["secret", "create", "docker-registry"],
            &["secret", "update", "--value"],
            &["secret", "update", "-d", "x"],
            &["secret", "delete", "--force"],
            &["secret", "delete", "--dry-run", "--"],
        ] {
            line(args).arg(&name).refused(&server, 65, message, hint);
        }
    }
}

#[test]
fn rejects_malformed_timeouts() {
    let server = Server::start();
    for text in [
        "0",
        "0.0",
        "0.0000000001",
        "86401",
        "86400.1",
        "1e3",
        "1s",
        " 5",
        "+5",
        "-5",
        "5.",
        ".5",
        "1,5",
        "inf",
        "0x10",
        "99999999999999999999999",
        "٣",
        MARKER_SECRET,
    ] {
        line(&["secret", "list"])
            .arg(format!("--timeout={text}"))
            .refused(
                &server,
                2,
                "the value of '--timeout' is not a number of seconds above 0 and up to 86400",
                "see `oz secret list --help`",
            );
    }
    for text in ["86400", "0.5", "05", "1.25"] {
        oz(&["secret", "list", "--output-format=json", "--timeout", text])
            .server(&server)
            .stdout("[]\n")
            .run();
    }
}

#[test]
fn rejects_server_addresses() {
    let server = Server::start();
    let m = MARKER_SECRET;
    for (text, what) in [
        (m.to_owned(), "has no scheme"),
        (format!("{m}:443"), "has no scheme"),
        (format!("ftp://{m}"), "has a scheme other than https"),
        (
            format!("https://user:{m}@localhost"),
            "has a user name or password",
        ),
        (format!("https://localhost/?token={m}"), "has a query"),
        (format!("https://localhost/#{m}"), "has a fragment"),
        (format!("https:///{m}"), "has no host"),
        (format!("https://{m}:port"), "has a malformed host or port"),
        (format!("https://{m}:0"), "has a malformed host or port"),
        (format!("https://[{m}]"), "has a malformed host or port"),
        (
            format!("https://localhost/{m}/../x"),
            "has a path with dot segments",
        ),
        (
            format!("https://localhost/{m}\"x"),
            "has a path with characters that must be percent-encoded",
        ),
        (
            format!("https://localhost/{m} x"),
            "holds a space or a control character",
        ),
        (
            format!("https://localhost/{m}\r\nX: y"),
            "holds a space or a control character",
        ),
        (
            format!("https://localhost/{}", long(5000)),
            "is longer than 4096 bytes",
        ),
    ] {
        let message = format!("the server root URL {what}");
        line(&["secret", "list"])
            .env("WARP_SERVER_ROOT_URL", &text)
            .refused(&server, 78, &message, ROOT_LOOKS);
        line(&CREATE)
            .arg("--server-root-url")
            .arg(&text)
            .stdin(m)
            .refused(&server, 78, &message, ROOT_LOOKS);
    }
    for text in [
        format!("http://{m}.example"),
        "http://10.0.0.1".to_owned(),
        "http://[::2]/".to_owned(),
    ] {
        line(&["secret", "list", "--server-root-url"]).arg(text).refused(
            &server,
            78,
            "the server root URL is http:// to another machine: the API key would travel in the clear",
            "use https://; http:// is allowed to localhost, 127.0.0.0/8 and [::1] only",
        );
    }
    line(&["secret", "list", "--server-root-url"])
        .arg(format!("https://{m}é.example"))
        .refused(
            &server,
            78,
            "the server root URL holds characters beyond ASCII",
            "write an internationalised host name in its xn-- form",
        );
}
