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
        let (scheme, rest) = split_scheme(text).ok_or("has no scheme")?;
        let scheme = match scheme {
            s if s.eq_ignore_ascii_case("https") => Scheme::Https,
            s if s.eq_ignore_ascii_case("http") => Scheme::Http,
            _ => return Err("has a scheme other than https"),
        };
        if rest.as_bytes().contains(&b'#') {
            return Err("has a fragment");
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (place, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if place.as_bytes().contains(&b'@') {
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

    /// Whether what is sent there can't be read on the way: TLS, or a host that is this machine.
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
        if url.rest.as_bytes().contains(&b'?') {
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

/// What stands before and behind the first `://`.
pub fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    Some((scheme, rest.strip_prefix("//")?))
}

/// The host and port that an absolute or network-path reference names (RFC 3986 section 4.2), without user name and
/// password. `None` when it names none, as a path does.
pub fn reference_host(reference: &str) -> Option<&str> {
    let (scheme, rest) = reference.split_once('/')?;
    let rest = rest.strip_prefix('/')?;
    if !scheme.is_empty() {
        let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
        if !scheme.strip_suffix(':')?.bytes().all(is_allowed) {
            return None;
        }
    }
    let place = rest.split(['/', '?', '#', '\\']).next()?;
    let host = place.rsplit('@').next()?;
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests;
