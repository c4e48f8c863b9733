use super::*;

fn key() -> ApiKey {
    ApiKey::parse(&SecretBytes::new(b"wk-key".to_vec()), "").unwrap()
}

/// What a whole reply gives, the end of the connection included where it is needed.
fn read(bytes: &[u8], clean: bool) -> Result<Message, ReplyError> {
    read_in_pieces(&[bytes], clean)
}

fn read_in_pieces(pieces: &[&[u8]], clean: bool) -> Result<Message, ReplyError> {
    let mut reader = Reader::reply();
    let mut done = false;
    for piece in pieces {
        if !piece.is_empty() {
            done = reader.feed(piece)?;
        }
    }
    if !done {
        reader.end(clean)?;
    }
    Ok(reader.into_message())
}

/// The same, however the bytes are cut: in two at every place, and byte by byte.
fn read_every_way(bytes: &[u8]) -> Result<Message, ReplyError> {
    let whole = read(bytes, true);
    for at in 0..=bytes.len() {
        let (a, b) = bytes.split_at(at);
        assert_eq!(
            read_in_pieces(&[a, b], true),
            whole,
            "cut at {at}: {:?}",
            bytes.escape_ascii().to_string()
        );
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(read_in_pieces(&single, true), whole);
    whole
}

fn body(text: &str) -> Result<(u16, String, bool), ReplyError> {
    let message = read_every_way(text.as_bytes())?;
    Ok((
        message.status,
        String::from_utf8(message.body).unwrap(),
        message.reusable,
    ))
}

#[test]
fn an_end_after_the_reply_is_no_fault() {
    for clean in [true, false] {
        let mut reader = Reader::reply();
        let done = reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
        assert_eq!(done, Ok(true));
        assert_eq!(reader.end(clean), Ok(()));
    }
}

#[test]
fn a_request_is_one_buffer() {
    let key = key();
    let request = |team| {
        let request = Request {
            operation: "List",
            team,
            body: b"{}".to_vec(),
        };
        super::request("h:1", "/p", &key, &request)
    };
    let plain = request(None);
    let start = format!(
        "POST /p/graphql/v2?op=List HTTP/1.1\r\nHost: h:1\r\nUser-Agent: oz/{}\r\nAccept: application/json\r\nAccept-Encoding: identity\r\nAuthorization: Bearer wk-key",
        env!("CARGO_PKG_VERSION")
    );
    let end = "\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    assert_eq!(
        str::from_utf8(plain.expose()).unwrap(),
        format!("{start}{end}")
    );
    let team = request(Some("T"));
    assert_eq!(
        str::from_utf8(team.expose()).unwrap(),
        format!("{start}\r\nX-Warp-Team-Uid: T{end}")
    );
}

#[test]
fn a_tunnel_request_holds_no_key() {
    let agent = AGENT;
    let text = |bytes: SecretBytes| String::from_utf8(bytes.expose().to_vec()).unwrap();
    let start = format!("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nUser-Agent: {agent}\r\n");
    assert_eq!(text(connect("h:443", None)), format!("{start}\r\n"));
    let login = SecretBytes::new(b"dTpw".to_vec());
    assert_eq!(
        text(connect("h:443", Some(&login))),
        format!("{start}Proxy-Authorization: Basic dTpw\r\n\r\n")
    );
}

#[test]
fn header_words() {
    for (text, good) in [
        ("a", true),
        ("A-1_~", true),
        ("", false),
        ("a b", false),
        ("a\r\nb: c", false),
        ("\u{e9}", false),
        ("\x7f", false),
    ] {
        assert_eq!(is_header_word(text), good, "{text:?}");
    }
}

#[test]
fn replies_that_are_accepted() {
    for (text, status, content, reusable) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            200,
            "{}",
            true,
        ),
        (
            "HTTP/1.1 200\r\ncontent-length:2\r\n\r\n{}",
            200,
            "{}",
            true,
        ),
        (
            "HTTP/1.1 200 \r\nContent-Length: \t 2 \t\r\n\r\n{}",
            200,
            "{}",
            true,
        ),
        (
            "HTTP/1.7 404 Not\tFound\r\nContent-Length: 0\r\n\r\n",
            404,
            "",
            true,
        ),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            200,
            "{}",
            false,
        ),
        (
            "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\n{}",
            200,
            "{}",
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\nConnection: foo , Close\r\nContent-Length: 2\r\n\r\n{}",
            200,
            "{}",
            false,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
            200,
            "{}",
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2, 02\r\n\r\n{}",
            200,
            "{}",
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\n\r\nto the end",
            200,
            "to the end",
            false,
        ),
        (
            "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nto the end",
            200,
            "to the end",
            false,
        ),
        ("HTTP/1.1 204 No Content\r\n\r\n", 204, "", true),
        (
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
            304,
            "",
            true,
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            200,
            "{}",
            true,
        ),
        (
            "HTTP/1.1 102 P\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            200,
            "{}",
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\n{\"\r\n00A;x=\"y\r;\t1\"\r\n",
            0,
            "",
            false,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nab\r\n00A ; x=\"\t1\"\r\n0123456789\r\n0;last\r\n\r\n",
            200,
            "ab0123456789",
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n folded\r\nContent-Length: 7\r\n\r\n",
            200,
            "",
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            200,
            "a",
            false,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length:\r\n  2\r\n\r\n{}",
            200,
            "{}",
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\nX: a\r\n\tb\r\n c\r\nContent-Length: 2\r\n\r\n{}",
            200,
            "{}",
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Encoding: Identity\r\nContent-Length: 2\r\n\r\n{}",
            200,
            "{}",
            true,
        ),
        (
            "HTTP/1.1 503 Busy\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nz",
            503,
            "z",
            true,
        ),
        ("HTTP/1.1 999 ?\r\nContent-Length: 0\r\n\r\n", 999, "", true),
    ] {
        if status == 0 {
            // A quoted extension value may not hold a CR.
            assert_eq!(body(text), Err(BARE_LINE_END), "{text:?}");
        } else {
            assert_eq!(
                body(text),
                Ok((status, content.to_owned(), reusable)),
                "{text:?}"
            );
        }
    }
}

#[test]
fn replies_that_are_refused() {
    for (text, fault) in [
        ("", ReplyError::Cut),
        ("{}", NOT_HTTP),
        ("<html>", NOT_HTTP),
        ("\r\nHTTP/1.1 200 OK\r\n\r\n", NOT_HTTP),
        ("http/1.1 200 OK\r\n\r\n", NOT_HTTP),
        ("HTTP/2 200 OK\r\n\r\n", HTTP_2),
        ("\0\0\u{6}\u{4}\0\0\0\0\0", HTTP_2),
        ("\0\0\u{6}\u{5}\0\0\0\0\0", NOT_HTTP),
        ("\0\0\n\u{4}", NOT_HTTP),
        ("\0\0\u{6}", ReplyError::Cut),
        ("HTTP/3.0 200 OK\r\n\r\n", VERSION),
        ("HTTP/1.x 200 OK\r\n\r\n", VERSION),
        ("HTTP/1.1200 OK\r\n\r\n", STATUS_LINE),
        ("HTTP/1.1  200 OK\r\n\r\n", STATUS_LINE),
        ("HTTP/1.1 20 OK\r\n\r\n", STATUS_LINE),
        ("HTTP/1.1 2000 OK\r\n\r\n", STATUS_LINE),
        ("HTTP/1.1 099 OK\r\n\r\n", STATUS_LINE),
        ("HTTP/1.1 200 O\0K\r\n\r\n", STATUS_LINE),
        ("HTTP/1.1 200 OK\n\n", BARE_LINE_END),
        ("HTTP/1.1 200 O\rK\r\n\r\n", BARE_LINE_END),
        (
            "HTTP/1.1 200 OK\r\nA: b\nContent-Length: 0\r\n\r\n",
            BARE_LINE_END,
        ),
        ("HTTP/1.1 200 OK\r\nA: b\r\r\n\r\n", BARE_LINE_END),
        ("HTTP/1.1 200 OK\r\nA: b\0\r\n\r\n", HEADER),
        ("HTTP/1.1 200 OK\r\nA: b\u{7f}\r\n\r\n", HEADER),
        ("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", HEADER),
        ("HTTP/1.1 200 OK\r\n: b\r\n\r\n", HEADER),
        ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", HEADER),
        ("HTTP/1.1 200 OK\r\n A: b\r\n\r\n", HEADER),
        ("HTTP/1.1 200 OK\r\nA: b\r\n\0\r\n\r\n", HEADER),
        ("HTTP/1.1 200 OK\r\n\u{e9}: b\r\n\r\n", HEADER),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2", ReplyError::Cut),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{",
            ReplyError::Cut,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}!",
            MORE_THAN_PROMISED,
        ),
        ("HTTP/1.1 204 No Content\r\n\r\n!", MORE_THAN_PROMISED),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n",
            MORE_THAN_PROMISED,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
            CONFLICTING_LENGTHS,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\n{}",
            CONFLICTING_LENGTHS,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2,\r\n\r\n{}",
            CONTENT_LENGTH,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}",
            CONTENT_LENGTH,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
            CONTENT_LENGTH,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\n{}",
            CONTENT_LENGTH,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2 2\r\n\r\n{}",
            CONTENT_LENGTH,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n{}",
            CONTENT_LENGTH,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n{}",
            CONTENT_LENGTH,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n{}",
            BODY_TOO_LONG,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            LENGTH_AND_ENCODING,
        ),
        (
            "HTTP/1.1 100 C\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
            LENGTH_AND_ENCODING,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            TRANSFER_ENCODING,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            TRANSFER_ENCODING,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
            TRANSFER_ENCODING,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n\r\n",
            TRANSFER_ENCODING,
        ),
        (
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            TRANSFER_ENCODING,
        ),
        (
            "HTTP/1.1 204 OK\r\nTransfer-Encoding: x\r\n\r\n",
            TRANSFER_ENCODING,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
            CONTENT_ENCODING,
        ),
        (
            "HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n",
            SWITCHED_PROTOCOLS,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            ReplyError::Cut,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n",
            ReplyError::Cut,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
            CHUNK,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ng\r\n",
            CHUNK,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n;x\r\n",
            CHUNK,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\n",
            CHUNK,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1 \r\na\r\n",
            CHUNK,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;\0\r\na\r\n",
            CHUNK,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
            CHUNK,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\n",
            BARE_LINE_END,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n",
            BARE_LINE_END,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n",
            CHUNK,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
            BODY_TOO_LONG,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nbad\r\n\r\n",
            HEADER,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n!",
            MORE_THAN_PROMISED,
        ),
    ] {
        assert_eq!(body(text), Err(fault), "{text:?}");
    }
    // What it begins with says more than how long it is, in one piece as in many.
    assert_eq!(body(&"x".repeat(16_384)), Err(NOT_HTTP));
}

#[test]
fn a_line_that_cannot_end_a_chunk_is_refused_at_once() {
    let mut reader = Reader::reply();
    let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na";
    assert_eq!(reader.feed(head), Ok(false));
    assert_eq!(reader.feed(b"xy"), Ok(false));
    assert_eq!(reader.feed(b"z"), Err(CHUNK));
}

#[test]
fn a_cut_is_told_from_an_end() {
    let until_end = b"HTTP/1.1 200 OK\r\n\r\nbytes";
    assert!(read(until_end, true).is_ok());
    assert_eq!(read(until_end, false), Err(ReplyError::Cut));
    let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    for at in 0..whole.len() {
        for clean in [true, false] {
            assert_eq!(
                read(whole.get(..at).unwrap(), clean),
                Err(ReplyError::Cut),
                "{at}"
            );
        }
    }
    assert!(read(whole, false).is_ok());
}

#[test]
fn limits_hold_to_the_byte() {
    let status = |length: usize| {
        format!(
            "HTTP/1.1 200 {}\r\nContent-Length: 0\r\n\r\n",
            "x".repeat(length - 13)
        )
    };
    let lines = |count: usize| {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{}\r\n",
            "a: b\r\n".repeat(count - 1)
        )
    };
    let headers = |bytes: usize| {
        let start = "Content-Length: 0\r\na: ";
        format!(
            "HTTP/1.1 200 OK\r\n{start}{}\r\n\r\n",
            "x".repeat(bytes - start.len() - 4)
        )
    };
    let trailers = |bytes: usize| {
        let start = "Transfer-Encoding: chunked\r\n\r\n";
        let trailer = "x".repeat(bytes - start.len() - 7);
        format!("HTTP/1.1 200 OK\r\n{start}0\r\na: {trailer}\r\n\r\n")
    };
    let interim = |count: usize| {
        format!(
            "{}HTTP/1.1 204 OK\r\n\r\n",
            "HTTP/1.1 100 C\r\n\r\n".repeat(count)
        )
    };
    let chunk = |length: usize| {
        format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0;{}\r\n\r\n",
            "x".repeat(length - 2)
        )
    };
    for (build, limit, fault) in [
        (
            &status as &dyn Fn(usize) -> String,
            8192,
            STATUS_LINE_TOO_LONG,
        ),
        (&lines, 100, TOO_MANY_HEADERS),
        (&headers, 32_768, HEADERS_TOO_LONG),
        (&trailers, 32_768, HEADERS_TOO_LONG),
        (&interim, 8, TOO_MANY_INTERIM),
        (&chunk, 256, CHUNK_LINE_TOO_LONG),
    ] {
        assert!(read(build(limit - 1).as_bytes(), true).is_ok(), "{fault:?}");
        assert!(read(build(limit).as_bytes(), true).is_ok(), "{fault:?}");
        assert_eq!(read(build(limit + 1).as_bytes(), true), Err(fault));
    }
}

#[test]
fn a_line_without_end_is_refused_while_it_comes() {
    let mut reader = Reader::reply();
    assert_eq!(reader.feed(b"HTTP/1.1 200 OK\r\n"), Ok(false));
    let mut fed = 0;
    let fault = loop {
        match reader.feed(&[b'x'; 1000]) {
            Ok(_) => fed += 1000,
            Err(fault) => break fault,
        }
    };
    assert_eq!((fault, fed), (HEADERS_TOO_LONG, 32_000));
}

#[test]
fn bodies_are_bounded_however_they_come() {
    let half = vec![b'x'; 16_777_216];
    let chunk = format!("{:x}\r\n", half.len());
    for (head, piece) in [
        ("HTTP/1.1 200 OK\r\n\r\n", ""),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            chunk.as_str(),
        ),
    ] {
        let mut reader = Reader::reply();
        reader.feed(head.as_bytes()).unwrap();
        for _ in 0..2 {
            reader.feed(piece.as_bytes()).unwrap();
            reader.feed(&half).unwrap();
            if !piece.is_empty() {
                reader.feed(b"\r\n").unwrap();
            }
        }
        let over: &[u8] = if piece.is_empty() { b"x" } else { b"1\r\n" };
        assert_eq!(reader.feed(over), Err(BODY_TOO_LONG));
    }
    for (length, outcome) in [(33_554_432, Ok(false)), (33_554_433, Err(BODY_TOO_LONG))] {
        let mut reader = Reader::reply();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        assert_eq!(reader.feed(head.as_bytes()), outcome);
        // A promise is no reason to take memory.
        assert_eq!(reader.into_message().body.capacity(), 0);
    }
}

#[test]
fn a_tunnel_reply_ends_with_its_head() {
    for (text, outcome) in [
        ("HTTP/1.1 200 Connection established\r\n\r\n", Ok(200)),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            Ok(200),
        ),
        (
            "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 407 P\r\nContent-Length: 5\r\n\r\n",
            Ok(407),
        ),
        ("HTTP/1.1 200 OK\r\n\r\n\u{16}", Err(MORE_THAN_PROMISED)),
    ] {
        for size in 1..text.len() {
            let mut reader = Reader::tunnel();
            let mut result = Ok(false);
            for piece in text.as_bytes().chunks(size) {
                result = result.and_then(|_| reader.feed(piece));
            }
            let result = result.map(|done| {
                if done {
                    reader.into_message().status
                } else {
                    0
                }
            });
            assert_eq!(result, outcome, "{text:?}");
        }
    }
}

#[test]
fn values_that_are_kept() {
    let text = "HTTP/1.1 302 Found\r\ncontent-TYPE: Text/HTML; charset=x\r\nRetry-After: 7\r\nRetry-After: 8\r\nLocation: https://x/\r\nContent-Length: 0\r\n\r\n";
    let message = read_every_way(text.as_bytes()).unwrap();
    assert_eq!(
        message.content_type.as_deref(),
        Some("Text/HTML; charset=x")
    );
    assert_eq!(message.retry_after.as_deref(), Some("7"));
    assert_eq!(message.location.as_deref(), Some("https://x/"));
    for (length, kept) in [(2048, true), (2049, false)] {
        let text = format!(
            "HTTP/1.1 200 OK\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n",
            "x".repeat(length)
        );
        assert_eq!(
            read(text.as_bytes(), true).unwrap().location.is_some(),
            kept
        );
    }
    let interim =
        "HTTP/1.1 103 Hints\r\nLocation: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(read(interim.as_bytes(), true).unwrap().location, None);
    let latin = b"HTTP/1.1 200 OK\r\nLocation: \xe9\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(read(latin, true).unwrap().location, None);
}

#[test]
fn media_types() {
    for (value, kind) in [
        ("application/json", "application/json"),
        ("Text/HTML ; charset=utf-8", "text/html"),
        ("", ""),
        ("a\u{9b}31m", "a\\u{9b}31m"),
    ] {
        assert_eq!(media_type(value), kind);
    }
}

#[test]
fn waits_that_servers_ask_for() {
    // Sun, 06 Nov 1994 08:49:37 GMT
    let then = 784_111_777;
    for (value, now, seconds) in [
        ("0", 0, Some(0)),
        ("120", 0, Some(120)),
        ("18446744073709551615", 0, Some(u64::MAX)),
        ("18446744073709551616", 0, None),
        ("-1", 0, None),
        ("1.5", 0, None),
        ("", 0, None),
        ("soon", 0, None),
        ("Sun, 06 Nov 1994 08:49:37 GMT", then - 30, Some(30)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", then + 30, Some(0)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", then, None),
    ] {
        assert_eq!(
            retry_after(value, now),
            seconds.map(Duration::from_secs),
            "{value}"
        );
    }
}
