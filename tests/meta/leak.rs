//! Searches for leaks. Markers stand in for secrets, in every verb, type, format and failure. They must not appear on
//! either stream, in files, in the arguments of the process, or in the bytes of any system call that writes.

use crate::server::{Behaviour, End, Point, Scope, Server, Tls, When};
use crate::support::pki::Certificate;
use crate::support::pty::Session;
use crate::support::{
    self, MARKER_KEY, MARKER_SECRET, Output, Run, binary, feed_until_request, oz, port, tools,
    write,
};
use base64::Engine;
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const FORMATS: [&str; 4] = ["pretty", "text", "json", "ndjson"];

/// The source of a secret value, and the options for it.
pub(crate) struct Form {
    pub(crate) words: &'static [&'static str],
    /// The scalars `@` and `%` stand for a file that holds the marker, and for the marker.
    options: &'static [&'static str],
    pub(crate) stdin: &'static str,
    pub(crate) env: &'static [(&'static str, &'static str)],
}

pub(crate) const AWS: [(&str, &str); 4] = [
    ("AWS_ACCESS_KEY_ID", MARKER_SECRET),
    ("AWS_SECRET_ACCESS_KEY", MARKER_SECRET),
    ("AWS_SESSION_TOKEN", MARKER_SECRET),
    ("AWS_REGION", "us-east-1"),
];

const fn form(
    words: &'static [&'static str],
    options: &'static [&'static str],
    stdin: &'static str,
) -> Form {
    Form {
        words,
        options,
        stdin,
        env: &[],
    }
}

pub(crate) const FORMS: &[Form] = &[
    form(&[], &["--value-file=-"], MARKER_SECRET),
    form(&[], &["--value-file=@"], ""),
    form(
        &["anthropic", "api-key"],
        &["--value-file=-"],
        MARKER_SECRET,
    ),
    form(
        &["openai", "api-key"],
        &["--value-file=@", "--base-url=https://a.example/v1"],
        "",
    ),
    form(
        &["claude", "bedrock-api-key"],
        &["--bedrock-api-key=%", "--region=us-east-1"],
        "",
    ),
    form(
        &["claude", "bedrock-api-key"],
        &["--bedrock-api-key-file=@", "--region=us-east-1"],
        "",
    ),
    Form {
        words: &["claude", "bedrock-access-key"],
        options: &["--from-env"],
        stdin: "",
        env: &AWS,
    },
    form(
        &["claude", "bedrock-access-key"],
        &[
            "--access-key-id=%",
            "--secret-access-key-file=-",
            "--session-token-file=@",
            "--region=us-east-1",
        ],
        MARKER_SECRET,
    ),
    form(
        &["docker-registry"],
        &["--host=ghcr.io", "--username=u", "--password=%"],
        "",
    ),
    form(
        &["docker-registry"],
        &["--host=ghcr.io", "--username=u", "--password-file=-"],
        MARKER_SECRET,
    ),
];

impl Form {
    pub(crate) fn options(&self, file: &Path) -> Vec<String> {
        let file = file.display().to_string();
        let fill = |option: &&str| option.replace('@', &file).replace('%', MARKER_SECRET);
        self.options.iter().map(fill).collect()
    }
}

/// Three empty directories that a program might write to.
struct Places {
    dir: tempfile::TempDir,
}

impl Places {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["cwd", "home", "tmp"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        Self { dir }
    }

    fn of<'a>(&self, run: Run<'a>) -> Run<'a> {
        let at = |name: &str| self.dir.path().join(name);
        run.cwd(at("cwd"))
            .env("HOME", at("home"))
            .env("XDG_CONFIG_HOME", at("home"))
            .env("XDG_CACHE_HOME", at("home"))
            .env("XDG_STATE_HOME", at("home"))
            .env("TMPDIR", at("tmp"))
    }

    /// Not even an empty file.
    #[track_caller]
    fn assert_untouched(&self) {
        for name in ["cwd", "home", "tmp"] {
            let found: Vec<_> = fs::read_dir(self.dir.path().join(name)).unwrap().collect();
            assert!(found.is_empty(), "left in {name}: {found:?}");
        }
    }
}

#[test]
fn no_form_or_format_leaks() {
    let server = Server::start();
    let places = Places::new();
    let files = tempfile::tempdir().unwrap();
    let file = write(&files, "value", MARKER_SECRET);
    let mut ran = 0;
    for format in FORMATS {
        for debug in [&[][..], &["--debug"]] {
            for (row, form) in FORMS.iter().enumerate() {
                let name = format!("N{row}_{format}_{}", debug.len());
                let options = form.options(&file);
                let run = |words: &[&str], options: &[String]| {
                    places
                        .of(oz(words))
                        .args(options)
                        .args(debug)
                        .args(["--output-format", format])
                        .server(&server)
                        .envs(form.env.iter().copied())
                        .stdin(form.stdin)
                        .any_stdout()
                        .any_stderr()
                        .run();
                };
                let create = [&["secret", "create"], form.words, &[name.as_str()]].concat();
                run(&[&create[..], &["--dry-run"]].concat(), &options);
                run(&create, &options);
                run(&["secret", "update", &name, "-d", "text"], &options);
                assert!(
                    server
                        .opened(Scope::Personal, &name)
                        .unwrap()
                        .contains(MARKER_SECRET),
                    "the marker was in it at all"
                );
                if row == 0 {
                    run(&["secret", "list"], &[]);
                }
                run(&["secret", "delete", &name, "--force"], &[]);
                ran += 1;
            }
        }
    }
    places.assert_untouched();
    assert_eq!(ran, 80);
}

/// Runs each verb with markers and a short timeout. Returns the outputs.
fn fail_every_verb(server: &Server, extra: &[(&str, &str)]) -> Vec<Output> {
    let places = Places::new();
    let files = tempfile::tempdir().unwrap();
    let file = write(&files, "value", MARKER_SECRET);
    let file = file.display().to_string();
    let runs = [
        (&["secret", "create", "N"][..], MARKER_SECRET),
        (
            &[
                "secret",
                "create",
                "docker-registry",
                "D",
                "--host=h",
                "--username=u",
                "--password-file",
                &file,
            ],
            "",
        ),
        (&["secret", "update", "OLD", "-f", &file], ""),
        (&["secret", "delete", "OLD", "--force"], ""),
        (&["secret", "list"], ""),
    ];
    let mut outputs = Vec::new();
    for ((args, stdin), format) in runs.into_iter().zip(["pretty", "json"].into_iter().cycle()) {
        outputs.push(
            places
                .of(oz(args))
                .env("WARP_OUTPUT_FORMAT", format)
                .args(["--debug", "--timeout=0.4"])
                .server(server)
                .envs(extra.iter().copied())
                .stdin(stdin)
                .any_code()
                .any_stdout()
                .any_stderr()
                .run(),
        );
    }
    places.assert_untouched();
    outputs
}

#[test]
fn lost_connections_do_not_leak() {
    for point in [
        Point::Accepted,
        Point::Handshaken,
        Point::Head,
        Point::Body,
        Point::Applied,
    ] {
        for end in [End::Orderly, End::Truncated, End::Reset] {
            let server = Server::start();
            server.seed_raw(Scope::Personal, "OLD");
            server.always(When::Any, Behaviour::Vanish(point, end));
            fail_every_verb(&server, &[]);
        }
    }
}

#[test]
fn lost_answers_to_writes_do_not_leak() {
    for behaviour in [
        Behaviour::Vanish(Point::Body, End::Silent),
        Behaviour::Vanish(Point::Applied, End::Reset),
        Behaviour::Cut(20, End::Orderly),
        Behaviour::Drip(Duration::from_millis(20)),
        Behaviour::status(503, "{}"),
        Behaviour::UserFacingError("no"),
        Behaviour::UnknownMember,
    ] {
        let server = Server::start();
        server.seed_raw(Scope::Personal, "OLD");
        server.always(When::Mutation, behaviour);
        fail_every_verb(&server, &[]);
    }
}

#[test]
fn refusals_and_garbage_do_not_leak() {
    let page = |kind: &str, body: &str| Behaviour::Reply {
        status: 200,
        headers: vec![("content-type", kind.to_owned())],
        body: body.as_bytes().to_vec(),
    };
    let mut behaviours = vec![
        Behaviour::RefuseHandshake,
        Behaviour::GarbageHandshake(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        Behaviour::Errors(vec!["User not in context", "another"]),
        Behaviour::ErrorsBesideData(vec!["partial"]),
        Behaviour::UserFacingError("no"),
        Behaviour::UnknownMember,
        Behaviour::Raw(b"not HTTP at all\r\n\r\n".to_vec(), End::Orderly),
        Behaviour::Raw(
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".to_vec(),
            End::Orderly,
        ),
        page("text/html", "<html>log in</html>"),
        page("application/json", "{"),
        page("application/json", ""),
    ];
    for status in [302, 400, 401, 403, 404, 407, 408, 413, 429, 500, 502, 503] {
        behaviours.push(Behaviour::status(
            status,
            r#"{"error":"said by the server"}"#,
        ));
    }
    for behaviour in behaviours {
        let server = Server::start();
        server.seed_raw(Scope::Personal, "OLD");
        server.always(When::Any, behaviour);
        fail_every_verb(&server, &[]);
    }
}

/// Error pages quote requests, and the log of a CI job must not contain the key.
#[test]
fn a_service_that_quotes_the_key_is_not_repeated() {
    let stars = "*".repeat(MARKER_KEY.len());
    for (status, body, message, code) in [
        (
            401,
            format!(r#"{{"error":"Incorrect API key: {MARKER_KEY}."}}"#),
            "the service did not accept the API key (HTTP 401)",
            4,
        ),
        (
            200,
            format!(
                r#"{{"data":null,"errors":[{{"message":"Incorrect API key: {MARKER_KEY}."}}]}}"#
            ),
            "the service did not accept the API key",
            4,
        ),
    ] {
        let server = Server::start();
        server.always(When::Any, Behaviour::status(status, &body));
        oz(&["secret", "list", "--debug"])
            .server(&server)
            .code(code)
            .any_stderr()
            .run();
        oz(&["secret", "list"])
            .server(&server)
            .code(code)
            .stderr(format!(
                "error: {message}\n  caused by: Incorrect API key: {stars}.\n\
                 hint: check that the key in WARP_API_KEY is whole, not expired and not deleted\n"
            ))
            .run();
    }
}

/// The key as JSON may spell it: any character may be an escape, and gateways write `/`, `<` and `&` as one.
#[test]
fn a_key_in_the_escapes_of_json_is_not_repeated() {
    let key = "wk-1.a/b<c>&d";
    for spelling in [
        key.to_owned(),
        key.replace('/', "\\/"),
        key.replace('.', "\\u002e").replace('<', "\\u003c"),
        key.chars()
            .map(|c| format!("\\u{:04X}", u32::from(c)))
            .collect(),
        key.to_uppercase(),
        key[3..].to_owned(),
    ] {
        let stars = "*".repeat(if spelling.starts_with('1') { 10 } else { 13 });
        let server = Server::start();
        server.always(
            When::Any,
            Behaviour::status(
                401,
                &format!(r#"{{"error":"no such key: {spelling}, sorry"}}"#),
            ),
        );
        let output = oz(&["secret", "list"])
            .server(&server)
            .env("WARP_API_KEY", key)
            .code(4)
            .any_stderr()
            .run();
        let expected = format!("  caused by: no such key: {stars}, sorry\n");
        assert!(
            output.stderr().contains(&expected),
            "{spelling}: {}",
            output.stderr()
        );
    }
}

#[test]
fn a_list_that_quotes_the_key_is_read_and_shown_without_it() {
    let server = Server::start();
    // A number with the digits of the key stays one.
    server.always(
        When::Any,
        Behaviour::status(
            200,
            r#"{"data":{"user":{"__typename":"UserOutput","user":{"profile":{"uid":"u"},"workspaces":[]}},
                "managedSecrets":{"__typename":"ManagedSecretsOutput","managedSecrets":[
                {"name":"wk-0123456789","description":"\u0030123456789\n","number":10123456789,
                 "owner":{"type":"Team","uid":"0123456789"},"type":"WK-0123456789",
                 "createdAt":"2001-01-01T00:00:00Z","updatedAt":"2001-01-01T00:00:00Z"}]}}}"#,
        ),
    );
    oz(&["secret", "list", "--output-format", "ndjson"])
        .server(&server)
        .env("WARP_API_KEY", "wk-0123456789")
        .stdout(concat!(
            r#"{"name":"*************","scope":"Team","type":"*************","created":"2001-01-01T00:00:00Z","#,
            r#""updated":"2001-01-01T00:00:00Z","description":"**********\n","team":"**********","team_name":null}"#,
            "\n"
        ))
        .run();
}

#[test]
fn a_key_in_the_host_of_a_redirect_is_not_repeated() {
    let key = "wk-1.Secret-Key";
    for (location, place) in [
        ("https://wk-1.Secret-Key/login", Some("***************")),
        ("//WK-1.SECRET-KEY:8443", Some("***************:8443")),
        (
            "https://x.1.secret-key.example",
            Some("x.************.example"),
        ),
        (
            "https://xn--wk-1.secret-key-9za.example",
            Some("xn--***************-9za.example"),
        ),
        ("https://wk-1%2eSecret-Key.example", None),
        ("https://%77k-1.secret-key", None),
        ("https://\u{ff57}k-1.secret-key", None),
        (
            "https://portal.example:8443/login",
            Some("portal.example:8443"),
        ),
        ("https://Portal.Example./", Some("portal.example")),
        ("https://[2001:DB8::1]:1/", Some("[2001:db8::1]:1")),
    ] {
        let to = place.map_or(String::new(), |place| format!(" to {place}"));
        let server = Server::start();
        server.always(
            When::Any,
            Behaviour::Reply {
                status: 302,
                headers: vec![("location", location.to_owned())],
                body: Vec::new(),
            },
        );
        oz(&["secret", "list"])
            .server(&server)
            .env("WARP_API_KEY", key)
            .code(69)
            .stderr(format!(
                "error: the server redirects{to} (HTTP 302), and redirects are not followed\n\
                 hint: a network that asks for a login does this; otherwise check --server-root-url and \
                 WARP_SERVER_ROOT_URL\n"
            ))
            .run();
    }
}

#[test]
fn untrusted_servers_do_not_leak() {
    for certificate in [
        Certificate::Expired,
        Certificate::NotYetValid,
        Certificate::WrongName,
        Certificate::OtherAuthority,
        Certificate::SelfSigned,
        Certificate::ForClients,
    ] {
        let server = Server::builder().certificate(certificate).start();
        fail_every_verb(&server, &[]);
        assert!(server.requests().is_empty());
    }
}

#[test]
fn proxies_and_bad_configuration_do_not_leak() {
    let server = Server::start();
    let closed = port::closed();
    let closed_address = closed.address();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = |address: std::net::SocketAddr| format!("http://user:{MARKER_SECRET}@{address}");
    let dir = tempfile::tempdir().unwrap();
    let empty = write(&dir, "empty.pem", "").display().to_string();
    let key = format!("-----BEGIN PRIVATE KEY-----\n{MARKER_SECRET}\n-----END PRIVATE KEY-----\n");
    let key = write(&dir, "key.pem", key).display().to_string();
    let missing = dir.path().join("missing").display().to_string();
    let elsewhere = format!("https://{closed_address}/{MARKER_SECRET}");
    let secret = MARKER_SECRET;
    for (variable, value, code, message) in [
        (
            "https_proxy",
            at(closed_address),
            69,
            "(https_proxy) could not be reached",
        ),
        (
            "https_proxy",
            at(silent.local_addr().unwrap()),
            69,
            "(https_proxy) within 0.4",
        ),
        (
            "https_proxy",
            format!("socks5://user:{secret}@localhost"),
            78,
            "https_proxy names a kind of proxy",
        ),
        (
            "https_proxy",
            format!("http://user:{secret}%@localhost"),
            78,
            "https_proxy holds a malformed user name or password",
        ),
        (
            "https_proxy",
            format!("{secret}:port"),
            78,
            "https_proxy does not name a proxy host",
        ),
        (
            "SSL_CERT_FILE",
            empty,
            78,
            "empty.pem' of SSL_CERT_FILE is empty",
        ),
        (
            "SSL_CERT_FILE",
            key,
            78,
            "key.pem' of SSL_CERT_FILE holds a private key",
        ),
        ("SSL_CERT_FILE", missing, 66, "missing' of SSL_CERT_FILE"),
        (
            "WARP_SERVER_ROOT_URL",
            elsewhere,
            69,
            "could not be reached",
        ),
        (
            "WARP_SERVER_ROOT_URL",
            format!("https://user:{secret}@localhost"),
            78,
            "user name",
        ),
        (
            "WARP_API_KEY",
            format!("{MARKER_KEY}\n{MARKER_KEY}"),
            78,
            "WARP_API_KEY holds",
        ),
        (
            "WARP_API_KEY",
            format!("{MARKER_KEY}-of-another"),
            4,
            "the service did not accept the API key",
        ),
        (
            "WARP_OUTPUT_FORMAT",
            secret.to_owned(),
            2,
            "WARP_OUTPUT_FORMAT",
        ),
        (
            "WARP_SECRET_SCOPE",
            format!("team:{secret}"),
            2,
            "WARP_SECRET_SCOPE",
        ),
    ] {
        for output in fail_every_verb(&server, &[(variable, &value)]) {
            let stderr = output.stderr();
            assert!(stderr.contains(message), "{message:?} is not in {stderr}");
            assert_eq!(support::code(output.status), code, "{stderr}");
        }
    }
    // That every proxy was asked, and the password given to it.
    silent.set_nonblocking(true).unwrap();
    let login = base64::engine::general_purpose::STANDARD.encode(format!("user:{secret}"));
    let mut asked = 0;
    while let Ok((mut connection, _)) = silent.accept() {
        let mut request = String::new();
        connection.read_to_string(&mut request).unwrap();
        assert!(request.contains(&login), "{request}");
        asked += 1;
    }
    assert_eq!(asked, 5);
}

/// Waits until a hanging run has sent its first request.
fn hanging(server: &Server, args: &[&str], stdin: &str, env: &[(&str, &str)]) -> Child {
    let mut child = Command::new(binary())
        .args(args)
        .env_clear()
        .envs(server.env())
        .envs(env.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    feed_until_request(&mut child, stdin, server);
    child
}

#[test]
fn the_command_line_and_open_files_do_not_leak() {
    let dir = tempfile::tempdir().unwrap();
    let value = write(&dir, "value", MARKER_SECRET).display().to_string();
    let key = write(&dir, "key", MARKER_KEY).display().to_string();
    for (args, stdin, env) in [
        (&["secret", "create", "N"][..], MARKER_SECRET, &[][..]),
        (
            &[
                "secret",
                "create",
                "N",
                "-f",
                &value,
                "--api-key-file",
                &key,
            ],
            "",
            &[],
        ),
        (
            &[
                "secret",
                "create",
                "claude",
                "bedrock-access-key",
                "N",
                "--from-env",
            ],
            "",
            &AWS,
        ),
    ] {
        let server = Server::start();
        server.always(When::Any, Behaviour::Vanish(Point::Body, End::Silent));
        let mut child = hanging(&server, args, stdin, env);
        let proc = format!("/proc/{}", child.id());
        let words = fs::read(format!("{proc}/cmdline")).unwrap();
        assert!(contains(&words, b"secret"), "the search itself");
        for marker in [MARKER_SECRET, MARKER_KEY] {
            assert!(!contains(&words, marker.as_bytes()));
        }
        let open = open_files(child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        let Some(open) = open else {
            return;
        };
        let is_socket = |target: &PathBuf| target.to_string_lossy().starts_with("socket:");
        assert!(open.iter().any(is_socket), "the search itself: {open:?}");
        // What was read is closed: neither the value's file nor the key's stays open.
        for target in open {
            assert!(!target.starts_with(dir.path()), "{}", target.display());
        }
    }
}

/// What the descriptors of a process lead to. `None` where this test may not see that of a process which forbids it, as
/// the program does; the test is recorded as skipped.
fn open_files(process: u32) -> Option<Vec<PathBuf>> {
    let entries = match fs::read_dir(format!("/proc/{process}/fd")) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            tools::skip_without("CAP_SYS_PTRACE");
            return None;
        }
        entries => entries.unwrap(),
    };
    let target = |entry: io::Result<fs::DirEntry>| fs::read_link(entry.unwrap().path()).unwrap();
    Some(entries.map(target).collect())
}

/// The start of each question, and the answer to it.
type Answers<'a> = &'a [(&'a str, &'a str)];

#[test]
fn answers_at_a_terminal_do_not_leak() {
    const M: &str = MARKER_SECRET;
    let forms: [(&[&str], Answers<'_>); 6] = [
        (&["A"], &[("Secret value:", M)]),
        (&["anthropic", "api-key", "B"], &[("Secret value:", M)]),
        (
            &["openai", "api-key", "C"],
            &[("Secret value:", M), ("OpenAI base URL", "")],
        ),
        (
            &["claude", "bedrock-api-key", "D"],
            &[("Bedrock API key:", M), ("AWS Region:", "us-east-1")],
        ),
        (
            &["claude", "bedrock-access-key", "E"],
            &[
                ("AWS Access Key ID:", "AKIA"),
                ("AWS Secret Access Key:", M),
                ("AWS Session Token", M),
                ("AWS Region:", "us-east-1"),
            ],
        ),
        (
            &["docker-registry", "F"],
            &[
                ("Registry host:", "ghcr.io"),
                ("Username:", "u"),
                ("Password:", M),
            ],
        ),
    ];
    let server = Server::start();
    for (words, answers) in forms {
        let args = [&["secret", "create", "--debug"], words].concat();
        let mut session = Session::start(&args, &server.env());
        for (question, answer) in answers {
            session.expect(question);
            session.send(format!("{answer}\r"));
        }
        ends(session, 0);
        let name = words.last().unwrap();
        assert!(server.opened(Scope::Personal, name).unwrap().contains(M));
    }
    // Given up in the middle of it, and wrong as often as it may be.
    let first = |args: &[&str], typed: &str| {
        let mut session = Session::start(args, &server.env());
        session.expect("Secret value:");
        session.send(typed);
        session
    };
    for end in ["\x03", "\x1c", "\x1b", "\x15\x04"] {
        ends(first(&["secret", "create", "G"], &format!("{M}{end}")), 130);
    }
    let wrong = format!("{M} {M}\r");
    let mut session = first(&["secret", "create", "claude", "api-key", "G"], &wrong);
    for _ in 1..3 {
        session.expect("# the answer holds a space");
        session.expect("? Secret value:");
        session.send(&wrong);
    }
    ends(session, 65);
}

#[track_caller]
fn ends(mut session: Session, code: i32) {
    let end = session.end();
    let shown = session.transcript();
    assert_eq!(end, code, "{shown}");
    assert!(shown.contains("? "), "the search itself");
    assert!(
        !shown.contains(MARKER_SECRET) && !shown.contains(MARKER_KEY),
        "{shown}"
    );
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|part| part == needle)
}

/// The system calls that pass bytes to the kernel or name a file.
const WRITING: &str = "trace=%network,write,writev,pwrite64,pwritev,pwritev2,sendfile,splice,vmsplice,memfd_create,\
                       openat,?open,?creat,?mkdir,mkdirat,?symlink,symlinkat,?link,linkat,?rename,?renameat,renameat2";

/// The trace of these calls, with every byte as `\x..`.
fn traced(server: &Server, args: &[&str], stdin: &str) -> Option<String> {
    oz(args)
        .server(server)
        .stdin(stdin)
        .any_stdout()
        .any_stderr()
        .trace(&format!("-xx -s 999999 -e {WRITING}"))
}

fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect()
}

/// A marker as it is, and as it looks inside base64 at each of the three places it can start at.
fn disguises(marker: &str) -> Vec<String> {
    let mut all = vec![escaped(marker.as_bytes())];
    for skipped in 0..3 {
        let shifted = [&vec![0; skipped][..], marker.as_bytes()].concat();
        let text = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&shifted);
        // The first characters hold bits of what comes before, the last of what follows.
        all.push(escaped(
            &text.as_bytes()[(skipped * 8).div_ceil(6)..text.len() - 2],
        ));
    }
    all
}

/// Words, standard input, and a part of what is printed.
const LINES: [(&[&str], &str, &str); 5] = [
    (
        &["secret", "create", "N", "--debug"],
        MARKER_SECRET,
        "Secret 'N' created",
    ),
    (
        &[
            "secret",
            "create",
            "docker-registry",
            "D",
            "--host=h",
            "--username=u",
            "--password-file=-",
        ],
        MARKER_SECRET,
        "Secret 'D' created",
    ),
    (
        &["secret", "update", "N", "--value", "--output-format=json"],
        MARKER_SECRET,
        "\"updated\"",
    ),
    (
        &["secret", "list", "--output-format=ndjson"],
        "",
        "\"RAW_VALUE\"",
    ),
    (
        &["secret", "delete", "N", "--force"],
        "",
        "Secret 'N' deleted",
    ),
];

#[test]
fn no_system_call_carries_a_value_or_key_in_the_clear() {
    let server = Server::start();
    for (args, stdin, printed) in LINES {
        let Some(trace) = traced(&server, args, stdin) else {
            return;
        };
        assert!(
            trace.contains(&escaped(printed.as_bytes())),
            "the search itself: {args:?}"
        );
        for marker in [MARKER_SECRET, MARKER_KEY] {
            for form in disguises(marker) {
                assert!(!trace.contains(&form), "{args:?}");
            }
        }
    }
}

/// Without TLS, which is for this machine alone, the key is in each request once, and a value nowhere still.
#[test]
fn without_tls_the_key_is_in_the_requests_alone() {
    let server = Server::builder().tls(Tls::Off).start();
    for (args, stdin, _) in LINES {
        let Some(trace) = traced(&server, args, stdin) else {
            return;
        };
        for form in disguises(MARKER_SECRET) {
            assert!(!trace.contains(&form), "{args:?}");
        }
        let key = escaped(MARKER_KEY.as_bytes());
        let holding: Vec<&str> = trace.lines().filter(|line| line.contains(&key)).collect();
        assert_eq!(
            holding.len(),
            if args[1] == "list" { 1 } else { 2 },
            "{args:?}"
        );
        for line in holding {
            assert!(
                line.contains(&escaped(b"Authorization: Bearer ")),
                "{args:?}"
            );
        }
    }
}

/// A name may come from an untrusted list: it must not reorder a line or hide a part of it.
#[test]
fn an_odd_name_is_escaped_wherever_it_is_repeated() {
    let name = "a\u{202e}b\u{200b}\u{2066}'";
    let shown = r"a\u{202e}b\u{200b}\u{2066}'";
    let note = format!("note: '{shown}' is not a name a shell can use for a variable\n");
    let server = Server::start();
    for (words, code, stdout, stderr) in [
        (
            &["create", "--dry-run"][..],
            0,
            format!("Secret '{shown}' would be created (personal, Raw Value, 1 byte)\n"),
            note.clone(),
        ),
        (&["create"], 0, format!("Secret '{shown}' created\n"), note),
        (
            &["create", "--if-exists=skip"],
            0,
            format!("Secret '{shown}' already exists, unchanged\n"),
            String::new(),
        ),
        (
            &["create"],
            5,
            String::new(),
            format!(
                "error: there is already a personal secret '{shown}'\n\
                 hint: use `oz secret update`, or create with --if-exists update or --if-exists skip\n"
            ),
        ),
        (
            &["update", "--value", "--dry-run"],
            0,
            format!("Secret '{shown}' would be updated (personal, Raw Value, 1 byte)\n"),
            String::new(),
        ),
        (
            &["update", "--description=d"],
            0,
            format!("Secret '{shown}' updated\n"),
            String::new(),
        ),
        (
            &["delete", "--dry-run"],
            0,
            format!("Secret '{shown}' would be deleted (personal, Raw Value)\n"),
            String::new(),
        ),
        (
            &["delete", "--force"],
            0,
            format!("Secret '{shown}' deleted\n"),
            String::new(),
        ),
        (
            &["delete", "--force", "--ignore-missing"],
            0,
            format!("Secret '{shown}' does not exist, nothing deleted\n"),
            String::new(),
        ),
        (
            &["delete", "--force"],
            3,
            String::new(),
            format!(
                "error: there is no personal secret '{shown}'\n\
                 hint: `oz secret list` shows the names there are\n"
            ),
        ),
    ] {
        oz(&[&["secret"], words, &[name]].concat())
            .server(&server)
            .stdin("v")
            .code(code)
            .stdout(stdout)
            .stderr(stderr)
            .run();
    }
}
