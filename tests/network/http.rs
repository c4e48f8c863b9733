//! HTTP/1.1 from old or hostile servers: what RFC 9112 requires a client to accept is accepted, the rest is rejected, and
//! every limit is exact to the byte.

use crate::server::{Behaviour, End, Scope, Server, Tls, UNSOLICITED, When};
use crate::support::pty::Session;
use crate::support::records::{Front, Records};
use crate::support::{MARKER_KEY, oz};
use std::time::{Duration, Instant};

/// The lines after the reason for which a reply is rejected.
const NOT_USABLE: &str =
    "hint: this may not be the service: check --server-root-url and the proxy variables\n";

/// The documented limits. They are repeated here, so that a change of the program fails a test.
const STATUS_LINE: usize = 8192;
const HEADERS: usize = 32 * 1024;
const HEADER_LINES: usize = 100;
const CHUNK_LINE: usize = 256;
const BODY: usize = 32 * 1024 * 1024;
const INTERIM: usize = 8;

/// What a `list` of the one secret prints.
const LISTED: &str = concat!(
    r#"{"name":"N","scope":"Personal","type":"RAW_VALUE","created":"2026-01-02T03:04:05Z","#,
    r#""updated":"2026-01-02T03:04:05Z","description":null,"team":null,"team_name":null}"#,
    "\n"
);

/// Wraps a body: `{len}` and `{hex}` become its length, `{body}` the body, and every other character one byte.
fn fill(template: &str, body: &[u8]) -> Vec<u8> {
    let latin = |text: &str| -> Vec<u8> {
        text.chars()
            .map(|c| u8::try_from(c).expect("one byte"))
            .collect()
    };
    let numbered = template
        .replace("{len}", &body.len().to_string())
        .replace("{hex}", &format!("{:x}", body.len()));
    match numbered.split_once("{body}") {
        Some((before, after)) => [latin(before), body.to_vec(), latin(after)].concat(),
        None => latin(&numbered),
    }
}

fn framed(template: &str, end: End) -> Behaviour {
    let template = template.to_owned();
    Behaviour::framed(move |body| fill(&template, body), end)
}

/// A server that has a secret and wraps all its answers like this.
fn wrapping(behaviour: Behaviour) -> Server {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    server.always(When::Any, behaviour);
    server
}

/// A `list` works. One request, because the server closes after it, and a second could cross that.
#[track_caller]
fn accepted(template: &str) {
    accepted_as(framed(template, End::Orderly));
}

#[track_caller]
fn accepted_as(behaviour: Behaviour) {
    let server = wrapping(behaviour);
    oz(&["secret", "list", "--output-format", "ndjson"])
        .server(&server)
        .stdout(LISTED)
        .run();
    assert_eq!(server.ops(), ["Lookup"]);
}

#[track_caller]
fn delete(server: &Server) {
    oz(&["secret", "delete", "N", "--force"])
        .server(server)
        .stdout("Secret 'N' deleted\n")
        .run();
}

/// Refused at once for this reason, and not asked for again: the same would come.
#[track_caller]
fn refused(template: &str, reason: &str) {
    refused_as(framed(template, End::Orderly), reason, template);
}

#[track_caller]
fn refused_as(behaviour: Behaviour, reason: &str, what: &str) {
    let server = wrapping(behaviour);
    oz(&["secret", "list"])
        .server(&server)
        .code(69)
        .stderr(format!(
            "error: the reply of localhost is not usable\n  caused by: {reason}\n{NOT_USABLE}"
        ))
        .run();
    let shown: String = what.chars().take(80).collect();
    assert_eq!(server.ops().len(), 1, "{shown}");
}

/// The connection is lost in each of three attempts.
#[track_caller]
fn lost(template: &str, end: End) {
    let server = wrapping(framed(template, end));
    oz(&["secret", "list"])
        .server(&server)
        .code(69)
        .stderr(format!(
            "error: the connection to localhost was cut before its answer was complete\n{}",
            if end == End::Reset {
                "  caused by: Connection reset by peer\n"
            } else {
                ""
            }
        ))
        .run();
    assert_eq!(server.ops().len(), 3, "{template}");
}

/// A head with these fields before the blank line, and a body of the right length.
fn with(fields: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: {{len}}\r\n\r\n{{body}}")
}

/// A chunked body after a head with these fields.
fn chunked(fields: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{fields}Transfer-Encoding: chunked\r\n\r\n{body}")
}

#[test]
fn accepts_status_lines() {
    for start in [
        "HTTP/1.1 200 OK",
        "HTTP/1.1 200 ",
        "HTTP/1.1 200",
        "HTTP/1.1 200 \u{fc}\tall's (well)",
        "HTTP/1.0 200 OK",
        // RFC 9110 section 2.5: a higher minor version is read as the highest that is known.
        "HTTP/1.2 200 OK",
    ] {
        accepted(&format!(
            "{start}\r\nContent-Length: {{len}}\r\n\r\n{{body}}"
        ));
    }
}

#[test]
fn rejects_replies_that_are_not_http() {
    const NO_HTTP: &str = "it does not begin as an HTTP reply";
    for start in [
        "<html>",
        "\r\nHTTP/1.1 200 OK\r\n\r\n",
        "http/1.1 200 OK\r\n\r\n",
        "ICY 200 OK\r\n\r\n",
        " HTTP/1.1 200 OK\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "HTTP 200 OK\r\n\r\n",
    ] {
        refused(start, NO_HTTP);
    }
    const HTTP_2: &str = "it is HTTP/2, which was not offered";
    refused("HTTP/2 200\r\n\r\n", HTTP_2);
    // SETTINGS with one parameter (RFC 9113 section 6.5), and GOAWAY cannot come before it.
    refused("\0\0\u{6}\u{4}\0\0\0\0\0\0\u{3}\0\0\0\u{64}", HTTP_2);
    for start in [
        "HTTP/0.9 200 OK\r\n\r\n",
        "HTTP/3 200\r\n\r\n",
        "HTTP/1.x 200 OK\r\n\r\n",
        "HTTP/11 200\r\n\r\n",
    ] {
        let reason = if start.starts_with("HTTP/11") {
            NO_HTTP
        } else {
            "its HTTP version is not 1.0 or 1.1"
        };
        refused(start, reason);
    }
}

#[test]
fn rejects_malformed_status_lines() {
    for start in [
        "HTTP/1.1 99 x",
        "HTTP/1.1 099 x",
        "HTTP/1.1 20 x",
        "HTTP/1.1 2000",
        "HTTP/1.1 2x0 OK",
        "HTTP/1.1  200 OK",
        "HTTP/1.1\t200 OK",
        "HTTP/1.1 200\tOK",
        "HTTP/1.1",
        "HTTP/1.1 ",
        "HTTP/1.10 200 OK",
        "HTTP/1.1 -20 OK",
        "HTTP/1.1 200 O\0K",
        "HTTP/1.1 200 O\u{1b}[31mK",
        "HTTP/1.1 200 O\u{7f}K",
    ] {
        refused(
            &format!("{start}\r\nContent-Length: 0\r\n\r\n"),
            "its status line is malformed",
        );
    }
}

#[test]
fn rejects_lines_that_do_not_end_with_cr_lf() {
    const BARE: &str = "a line of it ends without CR LF";
    refused("HTTP/1.1 200 OK\nContent-Length: {len}\n\n{body}", BARE);
    refused("HTTP/1.1 200 OK\r\nContent-Length: {len}\n\r\n{body}", BARE);
    refused("HTTP/1.1 200 OK\r\nContent-Length: {len}\r\n\n{body}", BARE);
    refused(
        "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: {len}\r\n\r\n{body}",
        BARE,
    );
    refused(
        "HTTP/1.1 200 OK\r\r\nContent-Length: {len}\r\n\r\n{body}",
        BARE,
    );
    refused(&chunked("", "{hex}\n{body}\r\n0\r\n\r\n"), BARE);
    refused(&chunked("", "{hex}\r\n{body}\r\n0\r\nX: y\n\r\n"), BARE);
}

#[test]
fn accepts_header_fields() {
    for fields in [
        "X:\r\n",
        "x-a:b\r\nX-A: \t b \t \r\n",
        "Server: \u{e9} \"quoted\" (comment)\r\n",
        "!#$%&'*+-.^_`|~09Az: tchar\r\n",
        // A fold is obsolete, and a user agent accepts it (RFC 9112 section 5.2).
        "X: a\r\n b\r\n\tc\r\n",
        "Content-Encoding: identity\r\n",
        "Content-Encoding:\r\n",
        "Set-Cookie: a=b\r\nSet-Cookie: c=d\r\n",
        "Upgrade: h2c\r\nConnection: Upgrade\r\n",
    ] {
        accepted(&with(fields));
    }
}

#[test]
fn rejects_malformed_header_fields() {
    for fields in [
        " X: folded onto nothing\r\n",
        "\tX: y\r\n",
        "no colon\r\n",
        ": no name\r\n",
        "X : blank before the colon\r\n",
        "X Y: z\r\n",
        "X\0: y\r\n",
        "X: a\0b\r\n",
        "X: \u{1b}]0;title\u{7}\r\n",
        "X: a\r\n b\0\r\n",
        "\u{e9}: y\r\n",
        "Content-Length : 5\r\n",
    ] {
        refused(&with(fields), "a header line is malformed");
    }
}

#[test]
fn accepts_content_lengths() {
    for field in [
        "content-length:{len}",
        "CONTENT-LENGTH: \t{len} \t",
        "Content-Length: 000000000000000000000000{len}",
        // The same value again, as a list or a line, counts once (RFC 9112 section 6.3).
        "Content-Length: {len}, {len}",
        "Content-Length: {len},\t0{len}",
        "Content-Length: {len}\r\nContent-Length: {len}",
        "Content-Length:\r\n {len}",
    ] {
        accepted(&format!("HTTP/1.1 200 OK\r\n{field}\r\n\r\n{{body}}"));
    }
}

#[test]
fn rejects_malformed_content_lengths() {
    for value in [
        "",
        "x",
        "-1",
        "+5",
        "5 5",
        "5;5",
        "1e1",
        "0x5",
        "5.0",
        "\"5\"",
        "5,",
        ",5",
        "18446744073709551616",
        "{len}\u{a0}",
    ] {
        let template = format!("HTTP/1.1 200 OK\r\nContent-Length: {value}\r\n\r\n{{body}}");
        refused(&template, "its Content-Length is no number");
    }
    for field in [
        "Content-Length: {len}, 5",
        "Content-Length: 5\r\nContent-Length: {len}",
        "Content-Length: 5, 6",
    ] {
        let template = format!("HTTP/1.1 200 OK\r\n{field}\r\n\r\n{{body}}");
        refused(&template, "it has two different Content-Length values");
    }
    for field in [
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding:\r\n",
    ] {
        refused(
            &with(field),
            "it has both Content-Length and Transfer-Encoding",
        );
    }
}

#[test]
fn accepts_chunked_bodies() {
    for body in [
        "{hex}\r\n{body}\r\n0\r\n\r\n",
        "0000000000000{hex}\r\n{body}\r\n000\r\n\r\n",
        "{hex};a;b=c;d=\"e;f\"\r\n{body}\r\n0;last\r\n\r\n",
        "{hex} ; a = b\r\n{body}\r\n0\t;x\r\n\r\n",
        "{hex}\r\n{body}\r\n0\r\nX: y\r\nDigest: z\r\n folded\r\n\r\n",
        // A trailer never changes the message (RFC 9110 section 6.5.1).
        "{hex}\r\n{body}\r\n0\r\nContent-Length: 1\r\nTransfer-Encoding: gzip\r\nConnection: close\r\n\r\n",
        "{hex}\r\n{body}\r\n0\r\nContent-Length: none\r\n\r\n",
        "1\r\n \r\n1\r\n\n\r\n{hex}\r\n{body}\r\n1\r\n \r\n0\r\n\r\n",
    ] {
        accepted(&chunked("", body));
    }
    let upper = |body: &[u8]| {
        let head = format!(
            "HTTP/1.1 200 OK\r\nTRANSFER-ENCODING:\t ChUnKeD \r\n\r\n{:X}\r\n",
            body.len()
        );
        [head.as_bytes(), body, b"\r\n0\r\n\r\n"].concat()
    };
    accepted_as(Behaviour::framed(upper, End::Orderly));
    let one_by_one = |body: &[u8]| {
        let mut out = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for byte in body {
            out.extend([b"1\r\n".as_slice(), &[*byte], b"\r\n"].concat());
        }
        [out, b"0\r\n\r\n".to_vec()].concat()
    };
    accepted_as(Behaviour::framed(one_by_one, End::Orderly));
}

#[test]
fn rejects_malformed_chunked_bodies() {
    for body in [
        "\r\n",
        "g\r\n",
        "-1\r\n",
        "0x5\r\n",
        "+5\r\n",
        " 5\r\n{body}",
        "5 5\r\n",
        "5,\r\n",
        ";x\r\n",
        "5;\0\r\n",
        "10000000000000000\r\n",
        "{hex}\r\n{body}0\r\n\r\n",
        "1\r\n{body}\r\n0\r\n\r\n",
        "{hex}\r\n{body}\r\n\r\n0\r\n\r\n",
    ] {
        refused(&chunked("", body), "a chunk of its body is malformed");
    }
    refused(
        &chunked("", "{hex}\r\n{body}\r\n0\r\nno colon\r\n\r\n"),
        "a header line is malformed",
    );
    refused(
        &chunked("", "ffffffffffffffff\r\n"),
        "its body is longer than 32 MiB",
    );
    for coding in [
        "gzip",
        "gzip, chunked",
        "chunked, chunked",
        "chunked, identity",
        "",
        "chunked;x",
        "\"chunked\"",
    ] {
        let template = format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: {coding}\r\n\r\n{{hex}}\r\n{{body}}\r\n0\r\n\r\n"
        );
        refused(&template, "its Transfer-Encoding is not chunked");
    }
    let twice = chunked(
        "Transfer-Encoding: chunked\r\n",
        "{hex}\r\n{body}\r\n0\r\n\r\n",
    );
    refused(&twice, "its Transfer-Encoding is not chunked");
    // HTTP/1.0 has no chunks: the framing is faulty (RFC 9112 section 6.1).
    refused(
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{hex}\r\n{body}\r\n0\r\n\r\n",
        "its Transfer-Encoding is not chunked",
    );
}

#[test]
fn rejects_content_codings() {
    for coding in ["gzip", "br", "identity, gzip", "zstd"] {
        refused(
            &with(&format!("Content-Encoding: {coding}\r\n")),
            "it is compressed, which was not asked for",
        );
    }
    // An error that needs only the status does not need the body.
    let server = wrapping(framed(
        "HTTP/1.1 401 No\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\u{1f}\u{8b}\0",
        End::Orderly,
    ));
    oz(&["secret", "list"])
        .server(&server)
        .code(4)
        .stderr(
            "error: the service did not accept the API key (HTTP 401)\n\
             hint: check that the key in WARP_API_KEY is whole, not expired and not deleted\n",
        )
        .run();
}

#[test]
fn interim_replies_are_passed_over() {
    for interim in [
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\nContent-Encoding: br\r\n\r\n",
        "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 199 Whatever\r\nX: y\r\n\r\n",
        // An interim reply has no body, even with a length (RFC 9112 section 6.3).
        "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n",
    ] {
        accepted(&format!("{interim}{}", with("")));
    }
    let continues = "HTTP/1.1 100 Continue\r\n\r\n".repeat(INTERIM);
    accepted(&format!("{continues}{}", with("")));
    refused(
        &format!("{continues}HTTP/1.1 100 Continue\r\n\r\n{}", with("")),
        "more than 8 interim replies came before it",
    );
    refused(
        &format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n{}",
            with("")
        ),
        "it switches protocols, which was not asked for",
    );
    lost("HTTP/1.1 100 Continue\r\n\r\n", End::Orderly);
}

#[test]
fn rejects_a_body_that_differs_from_its_length() {
    for end in [End::Orderly, End::Truncated, End::Reset] {
        lost("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{body}", end);
    }
    lost(&chunked("", "{hex}\r\n{body}\r\n"), End::Orderly);
    lost(&chunked("", "{hex}\r\n{body}\r\n0\r\n"), End::Orderly);
    lost(&chunked("", "fff\r\n{body}"), End::Orderly);
    const MORE: &str = "more bytes came than it promised";
    refused(
        "HTTP/1.1 200 OK\r\nContent-Length: {len}\r\n\r\n{body}!",
        MORE,
    );
    refused("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{body}", MORE);
    refused(
        "HTTP/1.1 200 OK\r\nContent-Length: {len}\r\n\r\n{body}HTTP/1.1 200 OK\r\n\r\n",
        MORE,
    );
    refused(&chunked("", "{hex}\r\n{body}\r\n0\r\n\r\n\r\n"), MORE);
    refused(
        "HTTP/1.1 204 None\r\nContent-Length: {len}\r\n\r\n{body}",
        MORE,
    );
}

#[test]
fn a_body_without_a_length_ends_with_the_connection() {
    for head in [
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n",
    ] {
        accepted(&format!("{head}{{body}}"));
        // TLS distinguishes an end from a truncation (RFC 9112 section 9.8).
        lost(&format!("{head}{{body}}"), End::Truncated);
        lost(&format!("{head}{{body}}"), End::Reset);
    }
}

#[test]
fn a_status_without_a_body() {
    for (status, stderr) in [
        (
            204,
            "error: the service refused the request (HTTP 204)\n".to_owned(),
        ),
        (
            205,
            "error: the service refused the request (HTTP 205)\n".to_owned(),
        ),
    ] {
        let server = wrapping(framed(
            &format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n"),
            End::Orderly,
        ));
        oz(&["secret", "list"])
            .server(&server)
            .code(1)
            .stderr(stderr)
            .run();
    }
    // 304 has no body even where it gives the length of one.
    let server = wrapping(framed(
        "HTTP/1.1 304 x\r\nContent-Length: 500\r\n\r\n",
        End::Orderly,
    ));
    oz(&["secret", "list"])
        .server(&server)
        .code(69)
        .stderr(
            "error: the server redirects (HTTP 304), and redirects are not followed\n\
             hint: a network that asks for a login does this; otherwise check --server-root-url and \
             WARP_SERVER_ROOT_URL\n",
        )
        .run();
}

/// How many connections a write takes: one where the first may be used again.
#[test]
fn a_connection_is_kept_where_that_is_allowed() {
    for (version, fields, connections) in [
        ("1.1", "", 1),
        ("1.1", "Connection: keep-alive\r\n", 1),
        ("1.1", "Connection: close\r\n", 2),
        ("1.1", "connection: Keep-Alive, CLOSE\r\n", 2),
        ("1.1", "Connection: x\r\nConnection: close\r\n", 2),
        ("1.1", "Connection: closed\r\n", 1),
        ("1.0", "", 2),
        ("1.0", "Connection: close\r\n", 2),
        ("1.0", "Connection: Keep-Alive\r\n", 1),
        ("1.0", "Connection: keep-alive, close\r\n", 2),
    ] {
        // A listener by hand keeps the connection open, so that what happens to it is the client's choice.
        let server = Server::builder().tls(Tls::Off).start();
        server.seed_raw(Scope::Personal, "N");
        let relay = relay::rewriting(server.address(), version, fields);
        oz(&["secret", "delete", "N", "--force"])
            .server(&server)
            .env(
                "WARP_SERVER_ROOT_URL",
                format!("http://127.0.0.1:{}", relay.address().port()),
            )
            .stdout("Secret 'N' deleted\n")
            .run();
        assert_eq!(
            relay.connections(),
            connections,
            "HTTP/{version} {fields:?}"
        );
    }
}

/// A relay that rewrites the heads of answers and never closes.
mod relay {
    use crate::support::peer::{Peer, exchange};
    use std::net::{SocketAddr, TcpStream};

    pub fn rewriting(server: SocketAddr, version: &'static str, fields: &'static str) -> Peer {
        Peer::start(move |connection| {
            let mut upstream = TcpStream::connect(server).expect("the server");
            while let Some(request) = connection.request() {
                let (head, body) = exchange(&mut upstream, &request);
                let head = head.replacen("HTTP/1.1", &format!("HTTP/{version}"), 1);
                let head = head.replacen("\r\n", &format!("\r\n{fields}"), 1);
                connection.send(&[head.as_bytes(), &body].concat());
            }
        })
    }
}

#[test]
fn an_answer_in_pieces_is_the_same_answer() {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    server.always(When::Any, Behaviour::Drip(Duration::from_micros(200)));
    delete(&server);
    assert_eq!(server.connections(), 1);
}

#[test]
fn the_status_line_has_a_limit() {
    let line = |length: usize| {
        let start = "HTTP/1.1 200 ";
        let reason = "r".repeat(length - start.len());
        format!("{start}{reason}\r\nContent-Length: {{len}}\r\n\r\n{{body}}")
    };
    accepted(&line(STATUS_LINE - 1));
    accepted(&line(STATUS_LINE));
    refused(
        &line(STATUS_LINE + 1),
        "its status line is longer than 8192 bytes",
    );
    refused(
        &format!("HTTP/1.1 200 {}", "r".repeat(1 << 20)),
        "its status line is longer than 8192 bytes",
    );
}

/// Headers, their ends and the blank line included, of exactly this many bytes, over a chunked body.
fn padded(total: usize, trailers: &str) -> String {
    let fixed = "Transfer-Encoding: chunked\r\n".len() + "X: \r\n".len() + "\r\n".len();
    let pad = "p".repeat(total - fixed - trailers.len());
    chunked(
        &format!("X: {pad}\r\n"),
        &format!("{{hex}}\r\n{{body}}\r\n0\r\n{trailers}"),
    )
}

#[test]
fn the_headers_have_a_limit() {
    const TOO_LONG: &str = "its headers are longer than 32 KiB";
    // The second blank line ends the trailers, and counts as they do.
    for trailers in ["\r\n", "Y: z\r\n\r\n"] {
        accepted(&padded(HEADERS - 1, trailers));
        accepted(&padded(HEADERS, trailers));
        refused(&padded(HEADERS + 1, trailers), TOO_LONG);
    }
    refused(&with(&format!("X: {}\r\n", "p".repeat(1 << 20))), TOO_LONG);
    refused(
        &with(&format!("X: y\r\n{}", " fold\r\n".repeat(1 << 17))),
        TOO_LONG,
    );
    // Each interim reply has its own headers.
    let pad = "p".repeat(HEADERS / 2 + 1);
    accepted(&format!(
        "HTTP/1.1 103 x\r\nX: {pad}\r\n\r\n{}",
        with(&format!("X: {pad}\r\n"))
    ));
}

#[test]
fn the_number_of_header_lines_has_a_limit() {
    let lines = |count: usize, trailers: usize| {
        chunked(
            &"X: y\r\n".repeat(count - 1 - trailers),
            &format!(
                "{{hex}}\r\n{{body}}\r\n0\r\n{}\r\n",
                "Y: z\r\n".repeat(trailers)
            ),
        )
    };
    for trailers in [0, 40] {
        accepted(&lines(HEADER_LINES - 1, trailers));
        accepted(&lines(HEADER_LINES, trailers));
        refused(
            &lines(HEADER_LINES + 1, trailers),
            "it has more than 100 header lines",
        );
    }
}

#[test]
fn a_chunk_line_has_a_limit() {
    let line = |length: usize| {
        let frame = move |body: &[u8]| {
            let size = format!("{:x};", body.len());
            let extension = "e".repeat(length - size.len());
            fill(
                &chunked("", &format!("{size}{extension}\r\n{{body}}\r\n0\r\n\r\n")),
                body,
            )
        };
        Behaviour::framed(frame, End::Orderly)
    };
    const TOO_LONG: &str = "a chunk-size line is longer than 256 bytes";
    accepted_as(line(CHUNK_LINE - 1));
    accepted_as(line(CHUNK_LINE));
    refused_as(line(CHUNK_LINE + 1), TOO_LONG, "one byte more");
    refused(&chunked("", &"0".repeat(1 << 20)), TOO_LONG);
}

/// A valid document, padded to this length with blanks.
fn long(length: usize, body: &[u8]) -> Vec<u8> {
    let mut long = body.to_vec();
    long.resize(length, b' ');
    long
}

#[test]
fn the_body_has_a_limit_however_it_is_framed() {
    type Wrap = fn(&[u8]) -> Vec<u8>;
    let by_length: Wrap = |body| {
        fill(
            "HTTP/1.1 200 OK\r\nContent-Length: {len}\r\n\r\n{body}",
            body,
        )
    };
    let by_end: Wrap = |body| fill("HTTP/1.1 200 OK\r\n\r\n{body}", body);
    let by_chunks: Wrap = |body| {
        let (first, second) = body.split_at(body.len() / 3);
        let mut out = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for chunk in [first, second] {
            out.extend(format!("{:x}\r\n", chunk.len()).as_bytes());
            out.extend(chunk);
            out.extend(b"\r\n");
        }
        out.extend(b"0\r\n\r\n");
        out
    };
    for (what, wrap) in [
        ("length", by_length),
        ("end", by_end),
        ("chunks", by_chunks),
    ] {
        for length in [BODY - 1, BODY] {
            accepted_as(Behaviour::framed(
                move |body| wrap(&long(length, body)),
                End::Orderly,
            ));
        }
        let over = Behaviour::framed(move |body| wrap(&long(BODY + 1, body)), End::Orderly);
        refused_as(over, "its body is longer than 32 MiB", what);
    }
}

/// The reply to a deletion.
const FORGED: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 75\r\n\r\n\
    {\"data\":{\"deleteManagedSecret\":{\"__typename\":\"DeleteManagedSecretOutput\"}}}";

/// A reply of exactly this many bytes, head and body.
fn sized(total: usize, body: &[u8]) -> Vec<u8> {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 00000\r\n\r\n";
    let body = long(total - head.len(), body);
    let head = head.replace("00000", &format!("{:05}", body.len()));
    [head.as_bytes(), &body].concat()
}

/// A server that refuses to delete, with this body after its head.
fn refusing(tls: Tls) -> Server {
    let server = Server::builder().tls(tls).start();
    server.seed_raw(Scope::Personal, "N");
    server.next(When::Mutation, Behaviour::UserFacingError("it is locked"));
    server
}

const REFUSED: &str = "error: it is locked\n";

/// What comes after the reply to the lookup is never the reply to the mutation. One TLS record holds 16,384 bytes, and
/// so does one read.
#[test]
fn bytes_after_a_reply_are_not_the_next_reply() {
    for tls in [Tls::Only12, Tls::Only13, Tls::Off] {
        for total in [16_384, 32_768] {
            for size in [total - 1, total, total + 1] {
                for stray in [FORGED, b"!"] {
                    let server = refusing(tls);
                    let frame = move |body: &[u8]| [&sized(size, body), stray].concat();
                    server.next(When::Query, Behaviour::framed(frame, End::Silent));
                    let run = oz(&["secret", "delete", "N", "--force"]).server(&server);
                    if size == total {
                        run.code(1).stderr(REFUSED).run();
                        assert_eq!(server.connections(), 2, "{tls:?} {size}");
                    } else {
                        // Record and read go over the end of the reply, so its surplus is seen with it.
                        run.code(69)
                            .stderr(format!(
                                "error: the reply of localhost is not usable\n  \
                                 caused by: more bytes came than it promised\n{NOT_USABLE}"
                            ))
                            .run();
                        assert_eq!(server.ops(), ["Lookup"]);
                    }
                    assert!(server.secret(Scope::Personal, "N").is_some());
                }
            }
        }
    }
}

/// The same where the bytes come later, while the program waits for an answer at the terminal.
#[test]
fn bytes_between_two_requests_are_not_the_next_reply() {
    for tls in [Tls::Only12, Tls::Only13, Tls::Off] {
        for stray in [FORGED, b"!"] {
            let server = refusing(tls);
            let frame = |body: &[u8]| sized(16_384, body);
            let behaviour = Behaviour::FramedThen(
                std::sync::Arc::new(frame),
                Duration::from_millis(20),
                stray.to_vec(),
                End::Silent,
            );
            server.next(When::Query, behaviour);
            let mut session = Session::start(&["secret", "delete", "N"], &server.env());
            let began = Instant::now();
            while !server.log().contains(UNSOLICITED) {
                assert!(
                    began.elapsed() < Duration::from_secs(20),
                    "{}",
                    server.log()
                );
                std::thread::sleep(Duration::from_millis(5));
            }
            session.expect("N'?");
            session.send("y\r");
            assert_eq!(session.end(), 1, "{:?}", session.transcript());
            assert!(session.transcript().ends_with("error: it is locked\r\n"));
            assert_eq!(server.connections(), 2, "{tls:?}");
            assert!(server.secret(Scope::Personal, "N").is_some());
        }
    }
}

/// A `delete` through a proxy that sends this on its first connection, in place of the reply to the lookup. Returns how
/// many connections it took.
#[track_caller]
fn deleted(serve: impl Fn(&mut Records, &[u8]) + Send + Sync + 'static) -> usize {
    let server = Server::builder().tls(Tls::Off).start();
    server.seed_raw(Scope::Personal, "N");
    let front = Front::start(server.address(), serve);
    oz(&["secret", "delete", "N", "--force"])
        .env("WARP_API_KEY", MARKER_KEY)
        .env("WARP_SERVER_ROOT_URL", front.root())
        .env("SSL_CERT_FILE", front.ca_path())
        .stdout("Secret 'N' deleted\n")
        .run();
    // Only a second connection leads the mutation to the server.
    let connections = front.connections();
    assert_eq!(
        server.secret(Scope::Personal, "N").is_none(),
        connections == 2
    );
    connections
}

#[test]
fn half_a_record_after_a_reply_is_not_the_next_reply() {
    // One byte, the header alone, some of the content, all but one byte, and some of it after whole records.
    for (after, whole) in [(1, 0), (5, 0), (40, 0), (usize::MAX, 0), (20, 3)] {
        let connections = deleted(move |records, reply| {
            let mut bytes = records.data(reply);
            for _ in 0..whole {
                bytes.extend(records.tickets(1, 200));
            }
            let forged = records.data(FORGED);
            let (now, later) = forged.split_at(after.min(forged.len() - 1));
            records.write(&[&bytes, now].concat());
            if records.wait_for_bytes() {
                records.write(later);
                records.wait_for_bytes();
            }
        });
        assert_eq!(connections, 2, "{after}");
    }
}

/// Tickets are no part of a reply, and many servers send them in separate records. After 16 KiB of them a new connection
/// is cheaper.
#[test]
fn tickets_after_a_reply_leave_the_connection_open() {
    // 272 bytes each. The last ones are cut in two by the size of a read, and the first ones come with the reply.
    for (count, expected) in [(0, 1), (1, 1), (2, 1), (8, 1), (24, 1), (60, 1), (80, 2)] {
        let connections = deleted(move |records, reply| {
            let mut bytes = records.data(reply);
            for _ in 0..count {
                bytes.extend(records.tickets(1, 250));
            }
            records.write(&bytes);
            if records.wait_for_bytes() {
                let forged = records.data(FORGED);
                records.write(&forged);
                records.wait_for_bytes();
            }
        });
        assert_eq!(connections, expected, "{count}");
    }
}
