//! What the build with minreq refuses, as `src/net/minreq.rs` lists it.

use crate::proxy::TinyProxy;
use crate::server::{Behaviour, End, Scope, Server, Tls, When};
use crate::support::{oz, port};
use std::io::{Read, Write};
use std::process::Command;
use std::thread;
use std::time::Duration;

/// Runs a list that fails with this code and exactly this, `{host}` standing for the server's host and port.
#[track_caller]
fn fails(server: &Server, change: &[(&str, &str)], args: &[&str], code: i32, stderr: &str) {
    let host = format!("localhost:{}", server.address().port());
    oz(&["secret", "list"])
        .args(args)
        .server(server)
        .envs(change.iter().copied())
        .code(code)
        .stderr(stderr.replace("{host}", &host))
        .run();
}

/// `make test` runs all others, and `make test TRANSPORT=minreq` these.
#[test]
fn no_other_test_is_ignored() {
    let tests = std::env::current_exe().unwrap();
    let output = Command::new(tests).args(["--list", "--ignored"]).output();
    let listed = String::from_utf8(output.unwrap().stdout).unwrap();
    let mut ignored = listed.lines().filter(|line| line.ends_with(": test"));
    assert!(ignored.clone().count() > 0, "{listed}");
    assert!(ignored.all(|name| name.starts_with("minreq::")), "{listed}");
}

#[test]
#[ignore = "needs the build with minreq"]
fn rejects_unsupported_settings_before_connecting() {
    let server = Server::start();
    let ca_file = server.ca_path().display().to_string();
    let v6 = server.root_at("[::1]");
    let plain = Server::builder().tls(Tls::Off).start();
    /// The server, variables, arguments, the error and its hint.
    type Case<'a> = (
        &'a Server,
        &'a [(&'a str, &'a str)],
        &'a [&'a str],
        &'a str,
        &'a str,
    );
    let cases: [Case<'_>; 7] = [
        (
            &server,
            &[],
            &["--ca-file", &ca_file],
            "--ca-file",
            "name the file in SSL_CERT_FILE, which replaces the system's bundle",
        ),
        (
            &server,
            &[("WARP_SERVER_ROOT_URL", &v6)],
            &[],
            "a server root URL with an IPv6 address",
            "use a name or an IPv4 address",
        ),
        (
            &server,
            &[("HTTPS_PROXY", "http://[::1]:3128")],
            &[],
            "HTTPS_PROXY: a proxy with an IPv6 address",
            "use a name or an IPv4 address",
        ),
        (
            &server,
            &[("HTTPS_PROXY", "http://u:%ff@127.0.0.1:9")],
            &[],
            "HTTPS_PROXY: a password that is not UTF-8",
            "use another password",
        ),
        (
            &server,
            &[("https_proxy", "127.0.0.1:9"), ("NO_PROXY", "localhost")],
            &[],
            "a direct connection while https_proxy is set",
            "unset https_proxy",
        ),
        (
            &plain,
            &[("http_proxy", "127.0.0.1:9")],
            &[],
            "a direct connection while http_proxy is set",
            "unset http_proxy",
        ),
        (
            &plain,
            &[("all_proxy", "127.0.0.1:9")],
            &[],
            "a direct connection while all_proxy is set",
            "unset all_proxy",
        ),
    ];
    for (server, change, args, what, hint) in cases {
        let stderr = format!(
            "error: {what} is not supported by this build, which uses minreq\n\
             hint: {hint}, or use the default build\n"
        );
        fails(server, change, args, 78, &stderr);
        assert_eq!(server.connections(), 0, "{what}");
    }
}

#[test]
#[ignore = "needs the build with minreq"]
fn rejects_replies_that_minreq_accepts() {
    const UNUSABLE: &str = "error: the reply of localhost is not usable\n";
    const ELSEWHERE: &str =
        "hint: this may not be the service: check --server-root-url and the proxy variables\n";
    let cases: [(&str, &str); 8] = [
        (
            "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            "it is an interim reply, and minreq cannot read on",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}}",
            "it has more than one length",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}",
            "it has more than one length",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n{}",
            "a header line is malformed",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            "it has both Content-Length and Transfer-Encoding",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            "its Transfer-Encoding is not chunked",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
            "it is compressed, which was not asked for",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}",
            "non-usize content length",
        ),
    ];
    for (reply, cause) in cases {
        let server = Server::start();
        server.always(When::Any, Behaviour::Raw(reply.into(), End::Orderly));
        let stderr = format!("{UNUSABLE}  caused by: {cause}\n{ELSEWHERE}");
        fails(&server, &[], &[], 69, &stderr);
        assert_eq!(server.ops().len(), 1, "{reply}");
    }
}

#[test]
#[ignore = "needs the build with minreq"]
fn rejects_a_truncated_answer() {
    for reply in [
        // No status line, a malformed one, and a body shorter than its length.
        "",
        "garbage\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}",
    ] {
        let server = Server::start();
        server.always(When::Any, Behaviour::Raw(reply.into(), End::Orderly));
        fails(
            &server,
            &[],
            &[],
            69,
            "error: the connection to localhost was cut before its answer was complete\n",
        );
        // A lookup may be repeated.
        assert_eq!(server.ops().len(), 3, "{reply}");
    }
}

#[test]
#[ignore = "needs the build with minreq"]
fn rejects_a_truncated_chunked_body() {
    let server = Server::start();
    let reply = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{\"data\":";
    server.always(When::Any, Behaviour::Raw(reply.into(), End::Orderly));
    let output = oz(&["secret", "list"])
        .server(&server)
        .any_code()
        .any_stderr()
        .run();
    assert!(
        output.stderr().starts_with("error: "),
        "{}",
        output.stderr()
    );
}

#[test]
#[ignore = "needs the build with minreq"]
fn an_endless_body_is_read_up_to_the_limit() {
    let (listener, held) = port::listener(0);
    let root = format!("http://localhost:{}", held.port());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(&[b' '; 65536]).is_ok() {}
    });
    oz(&["secret", "list"])
        .env("WARP_API_KEY", "wk-a")
        .env("WARP_SERVER_ROOT_URL", root)
        .code(69)
        .stderr(
            "error: the reply of localhost is not usable\n  caused by: its body is longer than 32 MiB\n\
             hint: this may not be the service: check --server-root-url and the proxy variables\n",
        )
        .run();
}

#[test]
#[ignore = "needs the build with minreq"]
fn the_budget_is_kept_to_the_fraction() {
    let server = Server::start();
    server.always(When::Any, Behaviour::Delay(Duration::from_secs(5)));
    let output = oz(&["secret", "list", "--timeout", "0.4"])
        .server(&server)
        .env("MINREQ_TIMEOUT", "30")
        .code(75)
        .stderr(
            "error: no answer from localhost within 0.4 s\n\
             hint: try again later, or allow more time with --timeout\n",
        )
        .run();
    assert!(output.took < Duration::from_secs(3), "{:?}", output.took);
}

#[test]
#[ignore = "needs the build with minreq"]
fn rejects_a_team_that_is_no_header_value() {
    let server = Server::builder()
        .account(crate::server::Account::on_teams(&[(
            "a\r\nX-Evil: 1",
            "Core",
        )]))
        .start();
    oz(&["secret", "create", "N", "--team"])
        .server(&server)
        .stdin("x")
        .code(2)
        .stderr("error: the team's UID holds characters that no UID has\n")
        .run();
    assert!(server.secret(Scope::Team("a\r\nX-Evil: 1"), "N").is_none());
    assert_eq!(server.ops(), ["Lookup"]);
}

/// The upper-case variable, which minreq itself does not read, with credentials.
#[test]
#[ignore = "needs the build with minreq"]
fn a_proxy_of_our_choice_is_used() {
    let Some(proxy) = TinyProxy::start("BasicAuth user pass\n") else {
        return;
    };
    let port = proxy.held.port();
    let server = Server::start();
    let run = |login: &str| {
        oz(&["secret", "create", "N", "--if-exists", "update"])
            .server(&server)
            .env("HTTPS_PROXY", format!("http://{login}127.0.0.1:{port}"))
            .stdin("x")
    };
    run("user:p%61ss@").stdout("Secret 'N' created\n").run();
    let place = format!("the proxy 127.0.0.1:{port} (HTTPS_PROXY)");
    run("user:wrong@")
        .code(69)
        .stderr(format!(
            "error: {place} did not accept the credentials\n\
             hint: put them into HTTPS_PROXY: http://USER:PASSWORD@HOST:PORT\n"
        ))
        .run();
    assert_eq!(server.ops(), ["Lookup", "CreateManagedSecret"]);
}
