//! HTTP/1.1 (RFC 9110, RFC 9112) as bytes: heads of requests, and a reader of replies.
//!
//! The reader takes the bytes in whatever pieces they come. It accepts what RFC 9112 obliges a client to accept and
//! refuses the rest: misreading ambiguous framing could misreport whether a write succeeded.
//!
//! - A line ends with CRLF. A lone LF may be accepted (section 2.2) and is not; a lone CR must not.
//! - A folded header line must be accepted by a user agent (section 5.2): the fold becomes one space.
//! - White space before a colon is removed by proxies; from an origin it is malformed (section 5.1).
//! - Equal `Content-Length` values, as lines or as a list, count as one; different ones are an error (section 6.3).
//! - `Transfer-Encoding` is exactly `chunked`, in HTTP/1.1, without `Content-Length` (sections 6.1 and 6.3).
//! - Without either, the body ends with the connection, which then has to end properly (sections 6.3 and 9.8).
//! - Bytes after the body must not be taken for another reply (section 6.3). Nothing else was asked, so what was
//!   promised and what came disagree, and that is an error too.

use super::Request;
use crate::secret::{ApiKey, SecretBytes};
use crate::text;
use crate::time::parse_http_date;
use std::time::Duration;

/// The longest status line, without its end. RFC 9112 section 3 recommends 8000 for request lines; replies carry a
/// reason phrase there and no URL.
pub const MAX_STATUS_LINE: usize = 8192;

/// All header lines of one reply with their ends, trailers included. Servers and proxies commonly send 1 to 4 KiB and
/// stop themselves at 8 to 32 KiB.
pub const MAX_HEADERS: usize = 32 * 1024;

/// Header lines in one reply, trailers included: four times what large sites send.
pub const MAX_HEADER_LINES: usize = 100;

/// The largest body: 100,000 secrets of 300 bytes each.
pub const MAX_BODY: usize = 32 * 1024 * 1024;

/// 1xx replies before the one that counts: one `100 Continue` and a few `102`/`103` are usual.
pub const MAX_INTERIM: u32 = 8;

/// One chunk-size line with its extensions, without its end: 16 hexadecimal digits and a rare extension.
pub const MAX_CHUNK_LINE: usize = 256;

/// The longest `Content-Type`, `Retry-After`, `Location` or `Date` that is kept: these values are looked at later.
const MAX_KEPT: usize = 2048;

/// How every reply begins.
const START: &[u8] = b"HTTP/1.";

pub const AGENT: &str = concat!("oz/", env!("CARGO_PKG_VERSION"));

/// The whole request in one buffer, which is sized before it is filled, so that the key is in one place and wiped
/// with it. `identity` is asked for because no coding is understood (RFC 9110 section 12.5.3).
///
/// `host` is the value of `Host`; `prefix`, the path before `/graphql`, is empty or starts with `/`.
pub fn request(host: &str, prefix: &str, key: &ApiKey, request: &Request<'_>) -> SecretBytes {
    let length = request.body.len().to_string();
    let parts: [&[u8]; 14] = [
        b"POST ",
        prefix.as_bytes(),
        b"/graphql/v2?op=",
        request.operation.as_bytes(),
        b" HTTP/1.1\r\nHost: ",
        host.as_bytes(),
        b"\r\nUser-Agent: ",
        AGENT.as_bytes(),
        b"\r\nAccept: application/json\r\nAccept-Encoding: identity\r\nAuthorization: Bearer ",
        key.expose(),
        if request.team.is_some() {
            b"\r\nX-Warp-Team-Uid: "
        } else {
            b""
        },
        request.team.unwrap_or("").as_bytes(),
        b"\r\nContent-Type: application/json\r\nContent-Length: ",
        length.as_bytes(),
    ];
    concatenate(&parts, &request.body)
}

/// A request for a tunnel (RFC 9110 section 9.3.6). `authority` is `host:port`; `credentials` is what follows
/// `Basic`. The API key has no way in.
pub fn connect(authority: &str, credentials: Option<&SecretBytes>) -> SecretBytes {
    let parts: [&[u8]; 8] = [
        b"CONNECT ",
        authority.as_bytes(),
        b" HTTP/1.1\r\nHost: ",
        authority.as_bytes(),
        b"\r\nUser-Agent: ",
        AGENT.as_bytes(),
        if credentials.is_some() {
            b"\r\nProxy-Authorization: Basic "
        } else {
            b""
        },
        credentials.map_or(b"".as_slice(), SecretBytes::expose),
    ];
    concatenate(&parts, b"")
}

fn concatenate(parts: &[&[u8]], body: &[u8]) -> SecretBytes {
    const END: &[u8] = b"\r\n\r\n";
    let head: usize = parts.iter().map(|part| part.len()).sum();
    let mut out =
        SecretBytes::with_capacity(head.saturating_add(END.len()).saturating_add(body.len()));
    let buffer = out.expose_mut();
    for part in parts {
        buffer.extend_from_slice(part);
    }
    buffer.extend_from_slice(END);
    buffer.extend_from_slice(body);
    out
}

/// Whether a text can be a header value as it stands: visible ASCII, and not empty.
pub fn is_header_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())
}

/// Why a reply is not usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyError {
    /// It breaks a rule; this one, as the end of a sentence.
    Malformed(&'static str),
    /// The connection ended before it was complete.
    Cut,
}

/// Bytes came after its end.
pub const MORE_THAN_PROMISED: ReplyError =
    ReplyError::Malformed("more bytes came than it promised");

const NOT_HTTP: ReplyError = ReplyError::Malformed("it does not begin as an HTTP reply");
const HTTP_2: ReplyError = ReplyError::Malformed("it is HTTP/2, which was not offered");
const VERSION: ReplyError = ReplyError::Malformed("its HTTP version is not 1.0 or 1.1");
const STATUS_LINE: ReplyError = ReplyError::Malformed("its status line is malformed");
const STATUS_LINE_TOO_LONG: ReplyError =
    ReplyError::Malformed("its status line is longer than 8192 bytes");
const BARE_LINE_END: ReplyError = ReplyError::Malformed("a line of it ends without CR LF");
const HEADER: ReplyError = ReplyError::Malformed("a header line is malformed");
const HEADERS_TOO_LONG: ReplyError = ReplyError::Malformed("its headers are longer than 32 KiB");
const TOO_MANY_HEADERS: ReplyError = ReplyError::Malformed("it has more than 100 header lines");
const CONTENT_LENGTH: ReplyError = ReplyError::Malformed("its Content-Length is no number");
const CONFLICTING_LENGTHS: ReplyError =
    ReplyError::Malformed("it has two different Content-Length values");
const LENGTH_AND_ENCODING: ReplyError =
    ReplyError::Malformed("it has both Content-Length and Transfer-Encoding");
const TRANSFER_ENCODING: ReplyError = ReplyError::Malformed("its Transfer-Encoding is not chunked");
const CONTENT_ENCODING: ReplyError =
    ReplyError::Malformed("it is compressed, which was not asked for");
const TOO_MANY_INTERIM: ReplyError =
    ReplyError::Malformed("more than 8 interim replies came before it");
const SWITCHED_PROTOCOLS: ReplyError =
    ReplyError::Malformed("it switches protocols, which was not asked for");
const CHUNK: ReplyError = ReplyError::Malformed("a chunk of its body is malformed");
const CHUNK_LINE_TOO_LONG: ReplyError =
    ReplyError::Malformed("a chunk-size line is longer than 256 bytes");
const BODY_TOO_LONG: ReplyError = ReplyError::Malformed("its body is longer than 32 MiB");

/// What is known of a reply, complete once [`Reader::feed`] or [`Reader::end`] said so.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Message {
    pub status: u16,
    pub body: Vec<u8>,
    pub content_type: Option<String>,
    pub retry_after: Option<String>,
    pub location: Option<String>,
    pub date: Option<String>,
    /// Whether the connection can carry another request.
    pub reusable: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Status,
    Headers,
    /// So many more bytes of the body, or of a chunk of it.
    Body(usize),
    /// A body that ends with the connection.
    UntilEnd,
    ChunkSize,
    ChunkEnd,
    Trailers,
    Done,
}

/// Reads one reply.
#[derive(Default)]
pub struct Reader {
    state: State,
    /// A reply to CONNECT: nothing after its head belongs to it (RFC 9110 section 9.3.6).
    tunnel: bool,
    started: bool,
    line: Vec<u8>,
    /// The header line before this one, which may yet turn out to be folded.
    pending: Vec<u8>,
    header_bytes: usize,
    header_lines: usize,
    interim: u32,
    fields: HeaderFields,
    message: Message,
}

/// The header fields that decide how the rest is read.
#[derive(Default)]
struct HeaderFields {
    http_1_0: bool,
    length: Option<u64>,
    chunked: bool,
    /// A `Transfer-Encoding` of any kind was there.
    encoded: bool,
    /// A `Content-Encoding` other than `identity`.
    compressed: bool,
    close: bool,
    keep_alive: bool,
}

impl Reader {
    /// A reader for the reply to any request but CONNECT.
    pub fn reply() -> Self {
        Self::default()
    }

    /// A reader for the reply to CONNECT.
    pub fn tunnel() -> Self {
        Self {
            tunnel: true,
            ..Self::default()
        }
    }

    /// Whether any byte came.
    pub fn started(&self) -> bool {
        self.started
    }

    /// Whether the status that was read is of the 2xx kind.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.message.status)
    }

    pub fn into_message(self) -> Message {
        self.message
    }

    /// Takes the next bytes of the connection; `true` when the reply is complete.
    ///
    /// # Errors
    /// The first [`ReplyError`]; the reader is of no use afterwards.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<bool, ReplyError> {
        let mut rest = bytes;
        self.started |= !bytes.is_empty();
        while !rest.is_empty() {
            rest = match self.state {
                State::Done => return Err(MORE_THAN_PROMISED),
                State::Body(left) => self.take_body(rest, left),
                State::UntilEnd => {
                    if rest.len() > MAX_BODY.saturating_sub(self.message.body.len()) {
                        return Err(BODY_TOO_LONG);
                    }
                    self.message.body.extend_from_slice(rest);
                    &[]
                }
                _ => self.take_line(rest)?,
            };
        }
        Ok(self.state == State::Done)
    }

    /// The connection ended; `clean` when it was closed properly, and not only cut. Returns `Ok` if the reply was
    /// complete by then.
    ///
    /// # Errors
    /// [`ReplyError::Cut`] when it is not.
    pub fn end(&self, clean: bool) -> Result<(), ReplyError> {
        match self.state {
            State::Done => Ok(()),
            State::UntilEnd if clean => Ok(()),
            _ => Err(ReplyError::Cut),
        }
    }

    fn take_body<'b>(&mut self, bytes: &'b [u8], left: usize) -> &'b [u8] {
        let (taken, rest) = bytes.split_at_checked(left).unwrap_or((bytes, &[]));
        self.message.body.extend_from_slice(taken);
        self.state = match left.saturating_sub(taken.len()) {
            0 if self.fields.chunked => State::ChunkEnd,
            0 => State::Done,
            left => State::Body(left),
        };
        rest
    }

    /// Adds bytes to the current line, and acts on it when it is complete.
    fn take_line<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], ReplyError> {
        let end = bytes.iter().position(|&b| b == b'\n');
        let (taken, rest) = end
            .and_then(|at| bytes.split_at_checked(at.saturating_add(1)))
            .unwrap_or((bytes, &[]));
        if self.state == State::Status {
            self.check_start(taken)?;
        }
        // What is refused for its length is refused before it is kept.
        let length = self.line.len().saturating_add(taken.len());
        self.check_length(length, end.is_some())?;
        self.line.extend_from_slice(taken);
        if end.is_none() {
            return Ok(rest);
        }
        let mut line = std::mem::take(&mut self.line);
        let Some(content) = line.strip_suffix(b"\r\n") else {
            return Err(BARE_LINE_END);
        };
        if content.contains(&b'\r') {
            return Err(BARE_LINE_END);
        }
        match self.state {
            State::Status => self.status_line(content)?,
            State::Headers | State::Trailers => self.header_line(content)?,
            State::ChunkSize => self.chunk_line(content)?,
            // Empty, or its length would have been refused.
            State::ChunkEnd => self.state = State::ChunkSize,
            _ => return Err(CHUNK),
        }
        // The buffer serves the next line.
        line.clear();
        self.line = line;
        Ok(rest)
    }

    /// Refuses a line that is `length` bytes long so far, its end included if it is there.
    fn check_length(&mut self, length: usize, complete: bool) -> Result<(), ReplyError> {
        // A lone CR may be the first half of the end.
        let end = 2;
        match self.state {
            State::Status if length > MAX_STATUS_LINE + end => Err(STATUS_LINE_TOO_LONG),
            State::ChunkSize if length > MAX_CHUNK_LINE + end => Err(CHUNK_LINE_TOO_LONG),
            State::ChunkEnd if length > end => Err(CHUNK),
            State::Headers | State::Trailers => {
                let total = self.header_bytes.saturating_add(length);
                if total > MAX_HEADERS {
                    return Err(HEADERS_TOO_LONG);
                }
                if complete {
                    self.header_bytes = total;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Refuses what is no HTTP/1 reply as soon as that shows, instead of waiting for the end of a line that may
    /// never come. `more` is what comes after what is kept of the line.
    fn check_start(&self, more: &[u8]) -> Result<(), ReplyError> {
        let line = || self.line.iter().chain(more);
        let shared = line().zip(START).take_while(|(a, b)| a == b).count();
        if shared == START.len() || shared == line().count() {
            return Ok(());
        }
        // A SETTINGS frame for stream 0 (RFC 9113 section 6.5), or a status line that says so.
        if shared == 0 && line().next() == Some(&0) {
            match line().nth(3) {
                Some(4) => return Err(HTTP_2),
                // The type of the frame is still to come.
                None if line().all(|&byte| byte != b'\n') => return Ok(()),
                _ => {}
            }
        }
        if shared == 5 && line().nth(5) == Some(&b'2') {
            return Err(HTTP_2);
        }
        Err(if shared == 5 { VERSION } else { NOT_HTTP })
    }

    /// `HTTP/1.x SP 3DIGIT [SP reason]` (RFC 9112 section 4).
    fn status_line(&mut self, line: &[u8]) -> Result<(), ReplyError> {
        let Some([minor, b' ', a, b, c, reason @ ..]) = line.strip_prefix(START) else {
            return Err(STATUS_LINE);
        };
        if !minor.is_ascii_digit() {
            return Err(VERSION);
        }
        if !matches!(reason, [] | [b' ', ..]) || reason.iter().any(|&b| is_control(b)) {
            return Err(STATUS_LINE);
        }
        let status = number(&[*a, *b, *c], 10)
            .and_then(|status| u16::try_from(status).ok())
            .filter(|status| *status >= 100)
            .ok_or(STATUS_LINE)?;
        self.fields = HeaderFields {
            http_1_0: *minor == b'0',
            ..HeaderFields::default()
        };
        self.message = Message {
            status,
            ..Message::default()
        };
        self.header_bytes = 0;
        self.header_lines = 0;
        self.state = State::Headers;
        Ok(())
    }

    fn header_line(&mut self, line: &[u8]) -> Result<(), ReplyError> {
        if let [b' ' | b'\t', ..] = line {
            if self.pending.is_empty() {
                return Err(HEADER);
            }
            self.pending.push(b' ');
            self.pending.extend_from_slice(line.trim_ascii());
            return Ok(());
        }
        let previous = std::mem::take(&mut self.pending);
        if !previous.is_empty() {
            self.header_lines = self.header_lines.saturating_add(1);
            if self.header_lines > MAX_HEADER_LINES {
                return Err(TOO_MANY_HEADERS);
            }
            self.header(&previous)?;
        }
        if !line.is_empty() {
            self.pending = line.to_vec();
            return Ok(());
        }
        self.state = match self.state {
            State::Trailers => State::Done,
            _ => self.after_headers()?,
        };
        Ok(())
    }

    fn header(&mut self, line: &[u8]) -> Result<(), ReplyError> {
        let colon = line.iter().position(|&b| b == b':').ok_or(HEADER)?;
        let (name, rest) = line.split_at_checked(colon).ok_or(HEADER)?;
        let value = rest.get(1..).unwrap_or(&[]).trim_ascii();
        if name.is_empty()
            || !name.iter().all(|&b| is_token(b))
            || value.iter().any(|&b| is_control(b))
        {
            return Err(HEADER);
        }
        if self.state == State::Trailers {
            return Ok(());
        }
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("content-length") {
            // It says nothing in an answer to CONNECT, and is ignored there (RFC 9110 section 9.3.6).
            if !self.tunnel {
                self.content_length(value)?;
            }
        } else if is("transfer-encoding") {
            self.fields.chunked = !self.fields.encoded && value.eq_ignore_ascii_case(b"chunked");
            self.fields.encoded = true;
        } else if is("connection") {
            for word in value.split(|&b| b == b',') {
                self.fields.close |= word.trim_ascii().eq_ignore_ascii_case(b"close");
                self.fields.keep_alive |= word.trim_ascii().eq_ignore_ascii_case(b"keep-alive");
            }
        } else if is("content-encoding") {
            self.fields.compressed |= !value.is_empty() && !value.eq_ignore_ascii_case(b"identity");
        } else if is("content-type") {
            keep(&mut self.message.content_type, value);
        } else if is("retry-after") {
            keep(&mut self.message.retry_after, value);
        } else if is("location") {
            keep(&mut self.message.location, value);
        } else if is("date") {
            keep(&mut self.message.date, value);
        }
        Ok(())
    }

    fn content_length(&mut self, value: &[u8]) -> Result<(), ReplyError> {
        for item in value.split(|&b| b == b',') {
            let length = number(item.trim_ascii(), 10).ok_or(CONTENT_LENGTH)?;
            match self.fields.length {
                Some(known) if known != length => return Err(CONFLICTING_LENGTHS),
                _ => self.fields.length = Some(length),
            }
        }
        Ok(())
    }

    /// What follows the headers (RFC 9112 section 6.3, in its order).
    fn after_headers(&mut self) -> Result<State, ReplyError> {
        let fields = &self.fields;
        let status = self.message.status;
        if self.tunnel && status >= 200 {
            return Ok(State::Done);
        }
        if fields.encoded && fields.length.is_some() {
            return Err(LENGTH_AND_ENCODING);
        }
        if fields.encoded && (fields.http_1_0 || !fields.chunked) {
            return Err(TRANSFER_ENCODING);
        }
        // RFC 9112 section 9.3.
        self.message.reusable = !fields.close && (!fields.http_1_0 || fields.keep_alive);
        match status {
            101 => return Err(SWITCHED_PROTOCOLS),
            ..200 if self.interim == MAX_INTERIM => return Err(TOO_MANY_INTERIM),
            ..200 => {
                self.interim += 1;
                return Ok(State::Status);
            }
            204 | 304 => return Ok(State::Done),
            _ => {}
        }
        // The body of an error is not needed.
        if fields.compressed && (200..300).contains(&status) {
            return Err(CONTENT_ENCODING);
        }
        if fields.chunked {
            return Ok(State::ChunkSize);
        }
        let Some(length) = fields.length else {
            self.message.reusable = false;
            return Ok(State::UntilEnd);
        };
        match usize::try_from(length) {
            Ok(0) => Ok(State::Done),
            Ok(length) if length <= MAX_BODY => Ok(State::Body(length)),
            _ => Err(BODY_TOO_LONG),
        }
    }

    /// `chunk-size [chunk-ext]`; extensions are ignored (RFC 9112 section 7.1.1).
    fn chunk_line(&mut self, line: &[u8]) -> Result<(), ReplyError> {
        let digits = line
            .iter()
            .position(|b| !b.is_ascii_hexdigit())
            .unwrap_or(line.len());
        let (size, extension) = line.split_at_checked(digits).ok_or(CHUNK)?;
        let extension_is_one =
            extension.is_empty() || extension.trim_ascii_start().first() == Some(&b';');
        if !extension_is_one || extension.iter().any(|&b| is_control(b)) {
            return Err(CHUNK);
        }
        let size = number(size, 16).ok_or(CHUNK)?;
        let size = usize::try_from(size).map_err(|_| BODY_TOO_LONG)?;
        if size > MAX_BODY.saturating_sub(self.message.body.len()) {
            return Err(BODY_TOO_LONG);
        }
        self.state = if size == 0 {
            State::Trailers
        } else {
            State::Body(size)
        };
        Ok(())
    }
}

/// Digits only, at least one, and no more than 64 bits hold.
fn number(digits: &[u8], radix: u32) -> Option<u64> {
    // `from_str_radix` takes a sign too.
    if digits.first() == Some(&b'+') {
        return None;
    }
    u64::from_str_radix(str::from_utf8(digits).ok()?, radix).ok()
}

/// Keeps the first of several values, if it is text of a sensible length.
fn keep(slot: &mut Option<String>, value: &[u8]) {
    if slot.is_none()
        && value.len() <= MAX_KEPT
        && let Ok(value) = str::from_utf8(value)
    {
        *slot = Some(value.to_owned());
    }
}

/// `tchar` of RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// What no header value, reason phrase or extension holds; HTAB is not among it.
fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && byte != b'\t'
}

/// The media type of a `Content-Type`, without parameters, in lower case, safe to print.
pub fn media_type(value: &str) -> String {
    let kind = value
        .split(';')
        .next()
        .unwrap_or(value)
        .trim()
        .to_ascii_lowercase();
    text::safe(&kind).into_owned()
}

/// `Retry-After` (RFC 9110 section 10.2.3): seconds, or a date, from which `now`, in seconds since 1970, is taken. A
/// date in the past is no wait at all. `None` for anything else.
pub fn retry_after(value: &str, now: i64) -> Option<Duration> {
    if value.bytes().all(|b| b.is_ascii_digit()) {
        return number(value.as_bytes(), 10).map(Duration::from_secs);
    }
    let seconds = parse_http_date(value)?.saturating_sub(now);
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

#[cfg(test)]
mod tests;
