//! Addresses as people write them: hosts, authorities, URLs, and the server's root (RFC 3986).

use crate::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where requests go when neither `--server-root-url` nor `WARP_SERVER_ROOT_URL` says otherwise.
pub const DEFAULT_ROOT: &str = "https://app.warp.dev";

/// The longest URL accepted, in bytes. Servers refuse request targets far below it (RFC 9110 section 4.1
/// recommends to support 8000), and what is longer was not meant as a URL.
pub const MAX_URL: usize = 4096;

/// A host, checked and in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A DNS name without its final dot, at most 253 bytes.
    Name(String),
    Ip(IpAddr),
}

impl Host {
    /// Reads a host: a name, an IPv4 address as four decimal numbers, or an IPv6 address in brackets.
    /// `None` when it is none of these. A name whose last label is a number is refused, because resolvers read such
    /// names as addresses in ways that differ (`127.1`, `0x7f.1`).
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(inner) = text.strip_prefix('[') {
            let address: Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
            return Some(Self::Ip(IpAddr::V6(address)));
        }
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Some(Self::Ip(IpAddr::V4(address)));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.is_empty() || name.len() > 253 || !name.split('.').all(is_label) {
            return None;
        }
        let last = name.rsplit('.').next().unwrap_or(name);
        if last.starts_with(|c: char| c.is_ascii_digit())
            && (last.bytes().all(|b| b.is_ascii_digit())
                || last.to_ascii_lowercase().starts_with("0x"))
        {
            return None;
        }
        Some(Self::Name(name.to_ascii_lowercase()))
    }

    /// Whether a packet to it cannot leave this machine. `localhost` counts, because it is never looked up.
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Name(name) => name == "localhost",
            Self::Ip(address) => address.is_loopback(),
        }
    }

    /// As it stands in an authority: IPv6 in brackets.
    pub fn bracketed(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Ip(IpAddr::V4(address)) => address.to_string(),
            Self::Ip(IpAddr::V6(address)) => format!("[{address}]"),
        }
    }
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= 63
        && label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Splits `host[:port]`. The port is `None` when absent or empty (RFC 3986 section 3.2.3), and the whole is `None`
/// when the host or port is malformed; port 0 can't be connected to.
pub fn authority(text: &str) -> Option<(Host, Option<u16>)> {
    let end = match text.strip_prefix('[') {
        Some(inner) => inner.find(']')?.checked_add(2)?,
        None => text.find(':').unwrap_or(text.len()),
    };
    let (host, rest) = text.split_at_checked(end)?;
    let host = Host::parse(host)?;
    if rest.is_empty() {
        return Some((host, None));
    }
    match rest.strip_prefix(':')? {
        "" => Some((host, None)),
        port => Some((host, Some(port_number(port)?))),
    }
}

/// A port from 1 to 65535 in at most five digits.
pub fn port_number(text: &str) -> Option<u16> {
    if text.len() > 5 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|port| *port != 0)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
}

impl Scheme {
    pub fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// An `http` or `https` URL without a user name, a password or a fragment, and without anything that has to be
/// percent-encoded.
pub struct Url<'a> {
    pub scheme: Scheme,
    pub host: Host,
    pub port: Option<u16>,
    /// What follows host and port: a path, a query, both or nothing.
    pub rest: &'a str,
}

impl<'a> Url<'a> {
    /// # Errors
    /// What is wrong, to be read after a name for the URL. Nothing of the text is repeated, because a URL can hold a
    /// password.
    pub fn parse(text: &'a str) -> Result<Self, &'static str> {
        if text.len() > MAX_URL {
            return Err("is longer than 4096 bytes");
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("holds a space or a control character");
        }
        let (scheme, rest) = text.split_once("://").ok_or("has no scheme")?;
        let scheme = match scheme {
            s if s.eq_ignore_ascii_case("https") => Scheme::Https,
            s if s.eq_ignore_ascii_case("http") => Scheme::Http,
            _ => return Err("has a scheme other than https"),
        };
        if rest.contains('#') {
            return Err("has a fragment");
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (place, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if place.contains('@') {
            return Err("has a user name or password");
        }
        if place.is_empty() {
            return Err("has no host");
        }
        let (host, port) = authority(place).ok_or("has a malformed host or port")?;
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%/?".contains(&b);
        if !rest.bytes().all(allowed) {
            return Err("has a path with characters that must be percent-encoded");
        }
        Ok(Self {
            scheme,
            host,
            port,
            rest,
        })
    }

    /// Whether nobody on the way can read what is sent there: TLS, or a host that is this machine.
    pub fn is_private(&self) -> bool {
        self.scheme == Scheme::Https || self.host.is_loopback()
    }
}

/// The root URL of the service, from which every request target is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    pub scheme: Scheme,
    pub host: Host,
    pub port: u16,
    /// Empty, or a path that starts with `/` and does not end with one.
    pub prefix: String,
}

impl Root {
    /// Reads `https://host[:port][/prefix]`, or the same with `http://` when the host is this machine.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] that says what is wrong. Nothing of the text is repeated, because a URL can hold a password.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if !text.is_ascii() {
            return Err(
                Error::config("the server root URL holds characters beyond ASCII")
                    .hint("write an internationalised host name in its xn-- form"),
            );
        }
        let url = Url::parse(text).map_err(fault)?;
        if url.rest.contains('?') {
            return Err(fault("has a query"));
        }
        if !url.is_private() {
            return Err(Error::config(
                    "the server root URL is http:// to another machine: the API key would travel in the clear",
                )
                .hint("use https://; http:// is allowed to localhost, 127.0.0.0/8 and [::1] only"));
        }
        Ok(Self {
            scheme: url.scheme,
            host: url.host,
            port: url.port.unwrap_or(url.scheme.port()),
            prefix: prefix(url.rest)?,
        })
    }

    /// The value of `Host`: the port only where it is not the scheme's own.
    pub fn host_header(&self) -> String {
        let host = self.host.bracketed();
        if self.port == self.scheme.port() {
            host
        } else {
            format!("{host}:{}", self.port)
        }
    }
}

fn prefix(path: &str) -> Result<String, Error> {
    let path = path.trim_end_matches('/');
    if path
        .split('/')
        .any(|segment| segment == "." || segment == "..")
    {
        return Err(fault("has a path with dot segments"));
    }
    Ok(path.to_owned())
}

fn fault(what: &str) -> Error {
    Error::config(format!("the server root URL {what}"))
            .hint("it looks like https://HOST[:PORT][/PREFIX], from --server-root-url or WARP_SERVER_ROOT_URL")
}

/// The host and port that an absolute or network-path reference names (RFC 3986 section 4.2), without user name and
/// password. `None` when it names none, as a path does.
pub fn reference_host(reference: &str) -> Option<&str> {
    let rest = match reference.find("//") {
        Some(0) => reference.get(2..)?,
        Some(at) => {
            let (scheme, rest) = reference.split_at_checked(at)?;
            let scheme = scheme.strip_suffix(':')?;
            if !scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
            {
                return None;
            }
            rest.get(2..)?
        }
        None => return None,
    };
    let place = rest.split(['/', '?', '#', '\\']).next()?;
    let host = place.rsplit('@').next()?;
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Host {
        Host::Name(text.to_owned())
    }

    fn ip(text: &str) -> Host {
        Host::Ip(text.parse().unwrap())
    }

    fn root(text: &str) -> Root {
        Root::parse(text).unwrap_or_else(|error| panic!("{text}: {}", error.message))
    }

    #[test]
    fn hosts() {
        let long_label = "a".repeat(63);
        let long_name = [long_label.as_str(); 4].join(".");
        for (text, host) in [
            ("app.warp.dev", name("app.warp.dev")),
            ("App.Warp.DEV.", name("app.warp.dev")),
            ("localhost", name("localhost")),
            ("a_b-c.1x", name("a_b-c.1x")),
            (long_label.as_str(), name(&long_label)),
            (long_name.get(..253).unwrap(), name(&long_name[..253])),
            ("127.0.0.1", ip("127.0.0.1")),
            ("[::1]", ip("::1")),
            ("[2001:DB8::1]", ip("2001:db8::1")),
        ] {
            assert_eq!(Host::parse(text), Some(host), "{text}");
        }
        let over_label = "a".repeat(64);
        for text in [
            "",
            ".",
            "a..b",
            ".a",
            "-a",
            "a-",
            "a b",
            "a/b",
            "a:b",
            "a@b",
            "127.1",
            "1",
            "127.0.0.256",
            "0x7f.1",
            "a.0x7f",
            "::1",
            "[::1",
            "::1]",
            "[]",
            "[127.0.0.1]",
            "[fe80::1%eth0]",
            "ü",
            "a%62",
            over_label.as_str(),
            &long_name[..254],
        ] {
            assert_eq!(Host::parse(text), None, "{text}");
        }
    }

    #[test]
    fn loopback_is_what_stays_here() {
        for (text, loopback) in [
            ("localhost", true),
            ("LOCALHOST.", true),
            ("127.0.0.1", true),
            ("127.255.255.254", true),
            ("[::1]", true),
            ("128.0.0.1", false),
            ("[::]", false),
            ("0.0.0.0", false),
            ("[::ffff:127.0.0.1]", false),
            ("a.localhost", false),
            ("localhost.example", false),
            ("127.0.0.1.example", false),
        ] {
            assert_eq!(Host::parse(text).unwrap().is_loopback(), loopback, "{text}");
        }
    }

    #[test]
    fn authorities() {
        for (text, expected) in [
            ("h", Some((name("h"), None))),
            ("h:", Some((name("h"), None))),
            ("h:1", Some((name("h"), Some(1)))),
            ("h:65535", Some((name("h"), Some(65535)))),
            ("[::1]:8443", Some((ip("::1"), Some(8443)))),
            ("[::1]", Some((ip("::1"), None))),
            ("h:0", None),
            ("h:65536", None),
            ("h:000080", None),
            ("h:+80", None),
            ("h:8a", None),
            ("h:1:2", None),
            ("[::1]8", None),
            ("[::1", None),
            (":80", None),
            ("", None),
        ] {
            assert_eq!(authority(text), expected, "{text}");
        }
    }

    #[test]
    fn roots() {
        for (text, scheme, host, port, prefix, header) in [
            (
                "https://app.warp.dev",
                Scheme::Https,
                name("app.warp.dev"),
                443,
                "",
                "app.warp.dev",
            ),
            (
                "HTTPS://App.warp.dev/",
                Scheme::Https,
                name("app.warp.dev"),
                443,
                "",
                "app.warp.dev",
            ),
            ("https://h:443/", Scheme::Https, name("h"), 443, "", "h"),
            (
                "https://h:8443/a/b//",
                Scheme::Https,
                name("h"),
                8443,
                "/a/b",
                "h:8443",
            ),
            (
                "https://h/a%20b",
                Scheme::Https,
                name("h"),
                443,
                "/a%20b",
                "h",
            ),
            (
                "https://[::1]:8443",
                Scheme::Https,
                ip("::1"),
                8443,
                "",
                "[::1]:8443",
            ),
            (
                "https://10.0.0.1",
                Scheme::Https,
                ip("10.0.0.1"),
                443,
                "",
                "10.0.0.1",
            ),
            (
                "http://127.0.0.1:8080",
                Scheme::Http,
                ip("127.0.0.1"),
                8080,
                "",
                "127.0.0.1:8080",
            ),
            (
                "http://localhost",
                Scheme::Http,
                name("localhost"),
                80,
                "",
                "localhost",
            ),
            ("http://[::1]/x", Scheme::Http, ip("::1"), 80, "/x", "[::1]"),
        ] {
            let parsed = root(text);
            assert_eq!(
                (parsed.scheme, &parsed.host, parsed.port),
                (scheme, &host, port),
                "{text}"
            );
            assert_eq!(parsed.prefix, prefix, "{text}");
            assert_eq!(parsed.host_header(), header, "{text}");
        }
        assert_eq!(root(DEFAULT_ROOT).host, name("app.warp.dev"));
    }

    #[test]
    fn what_is_no_root_is_refused_without_repeating_it() {
        for (text, message) in [
            ("", "has no scheme"),
            ("app.warp.dev", "has no scheme"),
            ("ftp://h", "has a scheme other than https"),
            ("file:///etc", "has a scheme other than https"),
            ("https://", "has no host"),
            ("https:///a", "has no host"),
            ("https://h:x", "has a malformed host or port"),
            ("https://h:", ""),
            ("https://ho\tst", "holds a space or a control character"),
            ("https://h/a b", "holds a space or a control character"),
            ("https://user:hunter2@h", "has a user name or password"),
            ("https://h?q=hunter2", "has a query"),
            ("https://h/#hunter2", "has a fragment"),
            ("https://h/a/../b", "has a path with dot segments"),
            (
                "https://h/{hunter2}",
                "has a path with characters that must be percent-encoded",
            ),
            ("https://bücher.example", "holds characters beyond ASCII"),
            (
                "http://app.warp.dev",
                "is http:// to another machine: the API key would travel in the clear",
            ),
            (
                "http://127.0.0.1.example",
                "is http:// to another machine: the API key would travel in the clear",
            ),
        ] {
            match Root::parse(text) {
                Ok(_) => assert_eq!(message, "", "{text}"),
                Err(error) => {
                    assert_eq!(
                        error.message,
                        format!("the server root URL {message}"),
                        "{text}"
                    );
                    assert_eq!(error.code(), 78);
                    assert!(!format!("{error:?}").contains("hunter2"), "{text}");
                }
            }
        }
    }

    #[test]
    fn the_length_of_a_root_is_bounded() {
        let longest = format!("https://h/{}", "a".repeat(4086));
        assert_eq!(longest.len(), 4096);
        assert!(Root::parse(&longest).is_ok());
        let error = Root::parse(&format!("{longest}a")).unwrap_err();
        assert_eq!(
            error.message,
            "the server root URL is longer than 4096 bytes"
        );
    }

    #[test]
    fn hosts_of_references() {
        for (reference, host) in [
            ("https://login.example/sso?x=//y", Some("login.example")),
            ("HTTP://h:8080", Some("h:8080")),
            ("//h/a", Some("h")),
            ("https://user:pass@h/", Some("h")),
            ("https://h\\@evil/", Some("h")),
            ("/path", None),
            ("/path//x", None),
            ("path", None),
            ("", None),
            ("https://", None),
            ("https:///a", None),
        ] {
            assert_eq!(reference_host(reference), host, "{reference}");
        }
    }
}
