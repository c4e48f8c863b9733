//! HTTP proxies: their variables, tunnels, credentials and failures.

use crate::server::{Scope, Server};
use crate::support::peer::{Connection, Peer};
use crate::support::port::{self, Held};
use crate::support::{MARKER_SECRET, Run, oz, tools};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::ffi::OsString;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::ffi::OsStringExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// The password is a marker that every run looks for in the output.
const PASSWORD: &str = MARKER_SECRET;

/// What a `list` of nothing prints.
const NOTHING: &str = "Name  Scope  Type  Created  Updated  Description\n";

fn list(server: &Server) -> Run<'_> {
    oz(&["secret", "list", "--output-format", "text"]).server(server)
}

fn login() -> String {
    STANDARD.encode(format!("user:{PASSWORD}"))
}

/// `tinyproxy` on a port of its own.
pub struct TinyProxy {
    child: Child,
    pub held: Held,
    _dir: TempDir,
}

impl TinyProxy {
    /// With these lines in its configuration; `None` where there is no `tinyproxy`.
    pub fn start(lines: &str) -> Option<Self> {
        if !tools::have("tinyproxy") {
            return None;
        }
        let held = port::free();
        let port = held.port();
        let dir = TempDir::new().expect("a directory");
        let text = format!(
            "Port {port}\nListen 127.0.0.1\nTimeout 10\nAllow 127.0.0.1\nLogLevel Error\n{lines}"
        );
        let config = crate::support::write(&dir, "tinyproxy.conf", text);
        let child = Command::new("tinyproxy")
            .arg("-d")
            .arg("-c")
            .arg(config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("tinyproxy runs");
        held.wait_for_listener();
        Some(Self {
            child,
            held,
            _dir: dir,
        })
    }
}

impl Drop for TinyProxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A create, a list and a delete.
#[track_caller]
fn creates_lists_and_deletes(server: &Server, variable: &str, proxy: &str) {
    let through = |run: Run<'static>| run.envs(server.env()).env(variable, proxy);
    through(oz(&["secret", "create", "N"]))
        .stdin("value")
        .stdout("Secret 'N' created\n")
        .run();
    let listed = through(oz(&["secret", "list", "--output-format", "ndjson"]))
        .any_stdout()
        .run();
    assert!(
        listed.stdout().starts_with(r#"{"name":"N","#),
        "{}",
        listed.stdout()
    );
    through(oz(&["secret", "delete", "N", "--force"]))
        .stdout("Secret 'N' deleted\n")
        .run();
    assert!(server.secret(Scope::Personal, "N").is_none());
    // One connection a run: the tunnel is kept as any other.
    assert_eq!(
        (
            server.connections(),
            server.handshakes(),
            server.ops().len()
        ),
        (3, 3, 5)
    );
}

#[test]
fn tinyproxy_carries_every_verb() {
    let Some(proxy) = TinyProxy::start("") else {
        return;
    };
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        let server = Server::start();
        creates_lists_and_deletes(
            &server,
            variable,
            &format!("http://127.0.0.1:{}", proxy.held.port()),
        );
    }
    creates_lists_and_deletes(
        &Server::start(),
        "https_proxy",
        &format!("localhost:{}", proxy.held.port()),
    );
}

#[test]
fn tinyproxy_with_credentials() {
    let Some(proxy) = TinyProxy::start(&format!("BasicAuth user {PASSWORD}\n")) else {
        return;
    };
    let place = format!("127.0.0.1:{}", proxy.held.port());
    creates_lists_and_deletes(
        &Server::start(),
        "HTTPS_PROXY",
        &format!("http://user:{PASSWORD}@{place}/"),
    );
    let server = Server::start();
    for (login, stderr) in [
        (
            "",
            format!(
                "error: the proxy {place} (HTTPS_PROXY) demands credentials: status 407\n\
                 hint: put them into HTTPS_PROXY: http://USER:PASSWORD@HOST:PORT\n"
            ),
        ),
        (
            "user:wrong-hunter2@",
            format!(
                "error: the proxy {place} (HTTPS_PROXY) did not accept the credentials: status 401\n\
                 hint: check the user name and password in HTTPS_PROXY\n"
            ),
        ),
    ] {
        list(&server)
            .env("HTTPS_PROXY", format!("http://{login}{place}"))
            .code(69)
            .stderr(stderr)
            .run();
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn tinyproxy_refuses_the_port() {
    let Some(proxy) = TinyProxy::start("ConnectPort 443\n") else {
        return;
    };
    let server = Server::start();
    list(&server)
        .env("HTTPS_PROXY", format!("127.0.0.1:{}", proxy.held.port()))
        .code(69)
        .stderr(format!(
            "error: the proxy 127.0.0.1:{} (HTTPS_PROXY) did not connect to localhost:{}: status 403\n\
             hint: ask for access there, or name hosts that need no proxy in NO_PROXY\n",
            proxy.held.port(),
            server.address().port()
        ))
        .run();
    assert_eq!(server.connections(), 0);
}

/// A scripted proxy, the runs through it, and the texts that it must not receive.
struct Trial {
    server: Server,
    proxy: Peer,
}

impl Trial {
    /// `answer` gets the connection after the head of CONNECT, and the server's address.
    fn new(answer: impl Fn(&mut Connection, SocketAddr) + Send + Sync + 'static) -> Self {
        let server = Server::start();
        let target = server.address();
        let proxy = Peer::start(move |connection| {
            if connection.head().is_some() {
                answer(connection, target);
            }
        });
        Self { server, proxy }
    }

    fn saying(answer: &'static [u8]) -> Self {
        Self::new(move |connection, _| connection.send(answer))
    }

    fn list(&self) -> Run<'_> {
        list(&self.server).env(
            "HTTPS_PROXY",
            format!("http://user:{PASSWORD}@{}", self.proxy.address()),
        )
    }

    fn place(&self) -> String {
        format!("the proxy {} (HTTPS_PROXY)", self.proxy.address())
    }

    /// A `list` that the proxy does not carry, with and without `--debug`.
    #[track_caller]
    fn refused(&self, connections: usize, stderr: impl AsRef<str>) {
        self.list().code(69).stderr(stderr).run();
        assert_eq!(self.proxy.connections(), connections);
        self.list().arg("--debug").code(69).any_stderr().run();
        self.look();
        assert_eq!(self.server.connections(), 0);
    }

    /// Checks that the proxy received the target and the login, and nothing else.
    #[track_caller]
    fn look(&self) {
        let received = self.proxy.received_text();
        let target = format!("localhost:{}", self.server.address().port());
        let request = format!(
            "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nUser-Agent: oz/{}\r\nProxy-Authorization: Basic {}\r\n\r\n",
            env!("CARGO_PKG_VERSION"),
            login()
        );
        assert!(received.starts_with(&request), "{received}");
        for never in [self.server.api_key(), "Bearer", "graphql", "secret"] {
            assert!(!received.contains(never), "the proxy received {never}");
        }
    }

    #[track_caller]
    fn carried(&self) {
        self.list().stdout(NOTHING).run();
        assert_eq!(self.proxy.connections(), 1);
        let debug = self
            .list()
            .arg("--debug")
            .stdout(NOTHING)
            .any_stderr()
            .run();
        assert!(!debug.stderr().contains(&login()), "{}", debug.stderr());
        self.look();
    }
}

#[test]
fn answers_that_open_a_tunnel() {
    for answer in [
        &b"HTTP/1.1 200 Connection established\r\n\r\n"[..],
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 200\r\n\r\n",
        b"HTTP/1.1 299 Why not\r\nVia: 1.1 x\r\n folded\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        // A length in such an answer is ignored (RFC 9110 section 9.3.6).
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: none\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n",
    ] {
        Trial::new(move |connection, target| {
            connection.send(answer);
            connection.tunnel(target);
        })
        .carried();
    }
}

#[test]
fn an_answer_in_pieces() {
    Trial::new(|connection, target| {
        connection.drip(
            b"HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n",
            Duration::from_millis(2),
        );
        connection.tunnel(target);
    })
    .carried();
}

#[test]
fn a_proxy_that_closes_early() {
    for answer in [
        &b""[..],
        b"HTTP/1.1 2",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nX: y\r\n",
    ] {
        let trial = Trial::saying(answer);
        let stderr = format!(
            "error: {} closed the connection without an answer\n",
            trial.place()
        );
        trial.refused(3, stderr);
    }
    // It closes after its answer, or in the handshake.
    let trial = Trial::saying(b"HTTP/1.1 200 OK\r\n\r\n");
    trial.refused(
        3,
        "error: localhost closed the connection during the TLS handshake\n\
         hint: if this goes on, something between may not let TLS through: check the proxy variables\n",
    );
}

#[test]
fn a_proxy_that_demands_or_doubts_credentials() {
    for answer in [
        &b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n"[..],
        b"HTTP/1.1 407 x\r\nContent-Length: 6\r\n\r\n<html>",
        b"HTTP/1.0 407 x\r\n\r\n<html>",
        b"HTTP/1.1 407 x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ] {
        let trial = Trial::saying(answer);
        let stderr = format!(
            "error: {} did not accept the credentials: status 407\n\
             hint: check the user name and password in HTTPS_PROXY\n",
            trial.place()
        );
        trial.refused(1, stderr);
        let proxy = trial.proxy.address();
        list(&trial.server)
            .env("ALL_PROXY", proxy.to_string())
            .code(69)
            .stderr(format!(
                "error: the proxy {proxy} (ALL_PROXY) demands credentials: status 407\n\
                 hint: put them into ALL_PROXY: http://USER:PASSWORD@HOST:PORT\n"
            ))
            .run();
    }
}

#[test]
fn a_proxy_that_does_not_connect() {
    for (answer, status, connections) in [
        (
            &b"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nno no"[..],
            403,
            1,
        ),
        (
            b"HTTP/1.1 302 Found\r\nLocation: https://portal.example\r\n\r\n",
            302,
            1,
        ),
        (b"HTTP/1.1 400 Bad\r\n\r\n", 400, 1),
        (b"HTTP/1.1 500 Oops\r\n\r\n", 500, 1),
        // The server may be back for the next attempt.
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n<html>", 502, 3),
        (b"HTTP/1.1 503 x\r\n\r\n", 503, 3),
        (b"HTTP/1.1 504 x\r\n\r\n", 504, 3),
    ] {
        let trial = Trial::saying(answer);
        let stderr = format!(
            "error: {} did not connect to localhost:{}: status {status}\n\
             hint: ask for access there, or name hosts that need no proxy in NO_PROXY\n",
            trial.place(),
            trial.server.address().port()
        );
        trial.refused(connections, stderr);
    }
}

#[test]
fn rejects_malformed_proxy_replies() {
    for (answer, reason) in [
        (&b"SSH-2.0-x\r\n"[..], "it does not begin as an HTTP reply"),
        (b"HTTP/2 200\r\n\r\n", "it is HTTP/2, which was not offered"),
        (b"HTTP/1.1 200 OK\n\n", "a line of it ends without CR LF"),
        (
            b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            "a header line is malformed",
        ),
        // Bytes before the client's first message are not from the server.
        (
            b"HTTP/1.1 200 OK\r\n\r\n\x16\x03\x03",
            "more bytes came than it promised",
        ),
        (
            b"HTTP/1.1 101 Switching\r\n\r\n",
            "it switches protocols, which was not asked for",
        ),
    ] {
        let trial = Trial::saying(answer);
        let stderr = format!(
            "error: the reply of {} is not usable\n  caused by: {reason}\n",
            trial.place()
        );
        trial.refused(1, stderr);
    }
    let trial = Trial::new(|connection, _| connection.send(&vec![b'H'; 1 << 20]));
    trial.list().code(69).any_stderr().run();
    let trial = Trial::new(|connection, _| {
        connection.send(b"HTTP/1.1 200 OK\r\n");
        for _ in 0..1000 {
            connection
                .send(b"X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n");
        }
    });
    let reason = "it has more than 100 header lines";
    let stderr = format!(
        "error: the reply of {} is not usable\n  caused by: {reason}\n",
        trial.place()
    );
    trial.list().code(69).stderr(stderr).run();
}

#[test]
fn the_proxy_refuses_connections() {
    let server = Server::start();
    let closed = port::closed();
    let place = closed.address().to_string();
    list(&server)
        .env("HTTPS_PROXY", &place)
        .code(69)
        .stderr(format!(
            "error: the proxy {place} (HTTPS_PROXY) could not be reached\n  caused by: Connection refused\n\
             hint: check --server-root-url, the proxy variables and the network\n"
        ))
        .run();
}

/// A proxy that refuses: a run through it fails with 69.
fn trap() -> Peer {
    Peer::start(|connection| {
        connection.head();
        connection.send(b"HTTP/1.1 403 no\r\n\r\n");
    })
}

#[track_caller]
fn goes(run: Run<'_>, direct: bool, what: &str) {
    let output = run.any_code().any_stdout().any_stderr().run();
    let actual = crate::support::code(output.status);
    assert_eq!(
        actual,
        if direct { 0 } else { 69 },
        "{what}: {}",
        output.stderr()
    );
    assert_eq!(output.stdout(), if direct { NOTHING } else { "" }, "{what}");
}

#[test]
fn no_proxy_lists_hosts_to_connect_to_directly() {
    let server = Server::start();
    let trap = trap();
    let port = server.address().port();
    let six = six(&server);
    let of = |host: &str| match host {
        "[::1]" => format!("https://[::1]:{}", six.address().port()),
        _ => server.root_at(host),
    };
    for (host, exceptions, direct) in [
        ("localhost", "", false),
        ("localhost", "*", true),
        ("localhost", "other, *", true),
        ("localhost", "localhost", true),
        ("localhost", "LocalHost", true),
        ("localhost", ".localhost", true),
        ("localhost", "a.example,localhost", true),
        ("localhost", "a.example localhost", true),
        ("localhost", "host", false),
        ("localhost", "ocalhost", false),
        ("localhost", "x.localhost", false),
        ("localhost", "*.localhost", false),
        ("localhost", "localhost:PORT", true),
        ("localhost", ".localhost:PORT", true),
        ("localhost", "localhost:1", false),
        ("localhost", "localhost:PORT0", false),
        ("localhost", "127.0.0.1", false),
        ("127.0.0.1", "127.0.0.1", true),
        ("127.0.0.1", "127.0.0.1:PORT", true),
        ("127.0.0.1", "127.0.0.1:1", false),
        ("127.0.0.1", "127.0.0.2", false),
        ("127.0.0.1", ".0.0.1", false),
        ("127.0.0.1", "localhost", false),
        ("127.0.0.1", "127.0.0.0/8", true),
        ("127.0.0.1", "127.0.0.1/32", true),
        ("127.0.0.1", "127.0.0.0/32", false),
        ("127.0.0.1", "127.0.0.0/31", true),
        ("127.0.0.1", "127.0.0.2/31", false),
        ("127.0.0.1", "10.0.0.0/8", false),
        ("127.0.0.1", "0.0.0.0/0", true),
        ("127.0.0.1", "127.0.0.0/33", false),
        ("127.0.0.1", "127.0.0.0/x", false),
        ("127.0.0.1", "127.0.0.0/+8", false),
        ("127.0.0.1", "127.0.0.0/-8", false),
        ("127.0.0.1", "127.0.0.0/8.", false),
        ("[::1]", "::1", true),
        ("[::1]", "[::1]", true),
        ("[::1]", "[::1]:SIX", true),
        ("[::1]", "[::1]:1", false),
        ("[::1]", "0:0:0:0:0:0:0:1", true),
        ("[::1]", "::2", false),
        ("[::1]", "::/64", true),
        ("[::1]", "::/127", true),
        ("[::1]", "::2/127", false),
        ("[::1]", "::/+64", false),
        ("[::1]", "fe80::/10", false),
        ("[::1]", "127.0.0.0/8", false),
    ] {
        let exceptions = exceptions
            .replace("PORT", &port.to_string())
            .replace("SIX", &six.address().port().to_string());
        for variable in ["NO_PROXY", "no_proxy"] {
            let run = list(&server)
                .env("WARP_SERVER_ROOT_URL", of(host))
                .env("HTTPS_PROXY", trap.address().to_string())
                .env(variable, &exceptions);
            goes(run, direct, &format!("{host} {variable}={exceptions}"));
        }
    }
}

/// The server on the other loopback address.
fn six(server: &Server) -> Peer {
    let target = server.address();
    let listener = TcpListener::bind("[::1]:0").expect("IPv6 on the loopback interface");
    Peer::serve(listener, move |connection| connection.tunnel(target))
}

#[test]
fn the_variables_have_an_order() {
    let server = Server::start();
    let trap = trap();
    let bad = trap.address().to_string();
    let target = server.address();
    let good = Peer::start(move |connection| {
        connection.head();
        connection.send(b"HTTP/1.1 200 OK\r\n\r\n");
        connection.tunnel(target);
    });
    let good = good.address().to_string();
    for (variables, works) in [
        (&[("https_proxy", &good), ("HTTPS_PROXY", &bad)][..], true),
        (&[("https_proxy", &bad), ("HTTPS_PROXY", &good)], false),
        (&[("HTTPS_PROXY", &good), ("all_proxy", &bad)], true),
        (&[("HTTPS_PROXY", &good), ("ALL_PROXY", &bad)], true),
        (&[("all_proxy", &good), ("ALL_PROXY", &bad)], true),
        (&[("all_proxy", &bad), ("ALL_PROXY", &good)], false),
        // They are for http:// servers.
        (&[("http_proxy", &bad), ("HTTP_PROXY", &bad)], true),
        (
            &[
                ("HTTPS_PROXY", &bad),
                ("no_proxy", &"other".to_owned()),
                ("NO_PROXY", &"*".to_owned()),
            ],
            false,
        ),
        (
            &[
                ("HTTPS_PROXY", &bad),
                ("no_proxy", &String::new()),
                ("NO_PROXY", &"*".to_owned()),
            ],
            true,
        ),
        (
            &[("https_proxy", &String::new()), ("HTTPS_PROXY", &good)],
            true,
        ),
    ] {
        goes(
            list(&server).envs(variables.iter().copied()),
            works,
            &format!("{variables:?}"),
        );
    }
}

#[test]
fn a_plain_server_is_never_behind_a_proxy() {
    let server = Server::builder().tls(crate::server::Tls::Off).start();
    let trap = trap();
    let bad = trap.address().to_string();
    let variables =
        ["http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"].map(|name| (name, bad.clone()));
    goes(list(&server).envs(variables), true, "plain");
    assert_eq!(trap.connections(), 0);
}

#[test]
fn a_proxy_and_a_server_on_ipv6() {
    let server = Server::start();
    let six = six(&server);
    let target = server.address();
    let listener = TcpListener::bind("[::1]:0").expect("IPv6 on the loopback interface");
    let proxy = Peer::serve(listener, move |connection| {
        connection.head();
        connection.send(b"HTTP/1.1 200 OK\r\n\r\n");
        connection.tunnel(target);
    });
    list(&server)
        .env(
            "WARP_SERVER_ROOT_URL",
            format!("https://[::1]:{}", six.address().port()),
        )
        .env(
            "HTTPS_PROXY",
            format!("http://[::1]:{}", proxy.address().port()),
        )
        .stdout(NOTHING)
        .run();
    let authority = format!("[::1]:{}", six.address().port());
    let received = proxy.received_text();
    let start = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
    assert!(received.starts_with(&start), "{received}");
    assert_eq!(six.connections(), 0);
}

#[test]
fn rejects_other_kinds_of_proxy_without_repeating_the_password() {
    let server = Server::start();
    const LOOKS: &str = "hint: a proxy looks like http://[USER:PASSWORD@]HOST:PORT; NO_PROXY names the hosts that need none\n";
    const KIND: &str = "names a kind of proxy that is not supported: only http:// is";
    const PLACE: &str = "does not name a proxy host and port";
    for (value, what) in [
        (format!("socks5://user:{PASSWORD}@127.0.0.1:1"), KIND),
        (format!("socks5h://{PASSWORD}:1"), KIND),
        (format!("socks4://{PASSWORD}:1"), KIND),
        (format!("https://user:{PASSWORD}@127.0.0.1:1"), KIND),
        (format!("{PASSWORD}://x"), KIND),
        (format!("http://user:{PASSWORD}@"), PLACE),
        (format!("http://user:{PASSWORD}@127.0.0.1:99999"), PLACE),
        (format!("http://127.0.0.1:{PASSWORD}"), PLACE),
        (format!("http://127.0.0.1/{PASSWORD}"), PLACE),
        (
            format!("http://user:{PASSWORD}%zz@127.0.0.1:1"),
            "holds a malformed user name or password",
        ),
        (
            format!("http://user:{PASSWORD}%0d%0aX:y@127.0.0.1:1"),
            "holds a malformed user name or password",
        ),
    ] {
        for variable in ["HTTPS_PROXY", "all_proxy"] {
            list(&server)
                .env(variable, &value)
                .code(78)
                .stderr(format!("error: {variable} {what}\n{LOOKS}"))
                .run();
        }
        // It does not affect hosts that do not use it.
        goes(
            list(&server)
                .env("HTTPS_PROXY", &value)
                .env("NO_PROXY", "localhost"),
            true,
            "excepted",
        );
    }
    let odd = OsString::from_vec([b"http://", PASSWORD.as_bytes(), b"\xff:1"].concat());
    list(&server)
        .env("HTTPS_PROXY", odd)
        .code(78)
        .stderr("error: HTTPS_PROXY is not UTF-8\n")
        .run();
}
