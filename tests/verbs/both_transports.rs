//! Tests that `oz` has to pass with either HTTP client: the server cannot be reached, cannot be trusted, or refuses.

use crate::server::{Behaviour, Server, Tls, When};
use crate::support::pki::Certificate;
use crate::support::{MARKER_KEY, namespaces, oz, port, write};

/// Runs a list that fails with this exit code, and an error that contains these words.
#[track_caller]
fn fails(server: &Server, change: &[(&str, &str)], code: i32, word: &str) {
    let output = oz(&["secret", "list", "--timeout", "5"])
        .server(server)
        .envs(change.iter().copied())
        .code(code)
        .any_stderr()
        .run();
    let message = output.stderr();
    assert!(
        message.starts_with("error: ") && message.contains(word),
        "{message}"
    );
}

#[test]
fn a_port_that_refuses_connections() {
    let server = Server::start();
    let closed = port::closed();
    let port = closed.port();
    let root = format!("https://localhost:{port}");
    fails(
        &server,
        &[("WARP_SERVER_ROOT_URL", &root)],
        69,
        "could not be reached",
    );
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_name_that_does_not_exist() {
    let directory = tempfile::tempdir().unwrap();
    let run = oz(&["secret", "list", "--timeout", "5"])
        .env("WARP_API_KEY", MARKER_KEY)
        .env("WARP_SERVER_ROOT_URL", "https://unknown.example")
        .code(69)
        .any_stderr();
    let Some(run) = namespaces::network_with_dns(run, &directory, "--local=/example/") else {
        return;
    };
    let output = run.run();
    let message = output.stderr();
    assert!(message.starts_with("error: unknown.example "), "{message}");
}

#[test]
fn rejects_an_untrusted_authority() {
    let (server, other) = (Server::start(), Server::start());
    let trusted = other.ca_path().display().to_string();
    fails(&server, &[("SSL_CERT_FILE", &trusted)], 69, "certificate");
    assert_eq!(server.ops(), [""; 0]);
}

#[test]
fn rejects_a_certificate_for_another_name() {
    let server = Server::builder()
        .certificate(Certificate::WrongName)
        .start();
    fails(&server, &[], 69, "elsewhere.example");
    assert_eq!((server.connections(), server.ops().len()), (1, 0));
}

#[test]
fn rejects_unreadable_authorities() {
    let server = Server::start();
    fails(
        &server,
        &[("SSL_CERT_FILE", "/nonexistent/ca.pem")],
        66,
        "cannot read the file '/nonexistent/ca.pem' of SSL_CERT_FILE",
    );
    let dir = tempfile::tempdir().unwrap();
    let empty = write(&dir, "ca.pem", "").display().to_string();
    fails(&server, &[("SSL_CERT_FILE", &empty)], 78, "");
    assert_eq!(server.connections(), 0);
}

#[test]
fn error_statuses() {
    for (status, code, requests) in [
        (400, 1, 1),
        (401, 4, 1),
        (403, 4, 1),
        (429, 75, 3),
        (500, 75, 3),
    ] {
        let server = Server::start();
        server.always(When::Any, Behaviour::status(status, ""));
        fails(&server, &[], code, "");
        assert_eq!(server.ops().len(), requests, "{status}");
    }
}

#[test]
fn a_redirect_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let (server, other) = (Server::start(), Server::start());
        server.always(
            When::Any,
            Behaviour::Reply {
                status,
                headers: vec![("location", format!("{}/graphql/v2", other.root()))],
                body: Vec::new(),
            },
        );
        fails(&server, &[], 69, "localhost");
        assert_eq!(other.connections(), 0, "{status}");
    }
}

#[test]
fn plain_http_to_this_machine() {
    let server = Server::builder().tls(Tls::Off).start();
    oz(&["secret", "create", "N"])
        .server(&server)
        .stdin("x")
        .stdout("Secret 'N' created\n")
        .run();
    assert_eq!(server.ops(), ["Lookup", "CreateManagedSecret"]);
}
