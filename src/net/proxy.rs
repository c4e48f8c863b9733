//! The choice of a proxy from the environment.
//!
//! The rules are those of curl. `https_proxy`, `HTTPS_PROXY`, `all_proxy` and `ALL_PROXY` are asked in this order, and
//! an empty one counts as absent. `http_proxy` is for `http://` servers, and those are on this machine here: they are
//! connected to directly, because a proxy would see the API key in the clear. For `https://` servers on this machine a
//! proxy is used unless `NO_PROXY` names them, as curl does.
//!
//! A proxy is `[http://][user:password@]host[:port][/]`, port 1080 when none is given. Other kinds are refused, rather
//! than ignored, because a direct connection is not what was asked for. Messages name the variable and never repeat its value.

use crate::base64;
use crate::env::Environment;
use crate::error::Error;
use crate::secret::SecretBytes;
use crate::url::{Host, Root, Scheme, authority, split_scheme};
use std::net::IpAddr;
use std::os::unix::ffi::OsStringExt;

/// What curl takes when a proxy is named without a port.
const DEFAULT_PORT: u16 = 1080;

/// In the order in which they are asked.
const VARIABLES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

const EXCEPTIONS: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// An HTTP proxy that is asked for tunnels.
pub struct Proxy {
    pub host: Host,
    pub port: u16,
    /// What follows `Basic` in `Proxy-Authorization` (RFC 7617).
    pub credentials: Option<SecretBytes>,
    /// The variable that named it.
    pub variable: &'static str,
}

impl Proxy {
    /// `host:port`.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host.bracketed(), self.port)
    }

    /// Where it is and what named it, for messages.
    pub fn describe(&self) -> String {
        format!("the proxy {} ({})", self.authority(), self.variable)
    }
}

/// The proxy for a server, if the environment names one.
///
/// # Errors
/// [`ErrorKind::Config`] when the variable that counts is not understood.
pub fn choose(root: &Root, env: &Environment) -> Result<Option<Proxy>, Error> {
    if root.scheme == Scheme::Http {
        return Ok(None);
    }
    let Some((variable, value)) = first(&VARIABLES, env) else {
        return Ok(None);
    };
    let value = text(variable, &value)?;
    if let Some((variable, list)) = first(&EXCEPTIONS, env)
        && is_excepted(&root.host, root.port, text(variable, &list)?)
    {
        return Ok(None);
    }
    parse(variable, value).map(Some)
}

/// The first that is set, which may hold a password.
fn first(variables: &[&'static str], env: &Environment) -> Option<(&'static str, SecretBytes)> {
    variables.iter().find_map(|variable| {
        let value = env.filled(variable)?;
        Some((*variable, SecretBytes::new(value.into_vec())))
    })
}

fn text<'a>(variable: &str, value: &'a SecretBytes) -> Result<&'a str, Error> {
    str::from_utf8(value.expose()).map_err(|_| Error::config(format!("{variable} is not UTF-8")))
}

fn parse(variable: &'static str, value: &str) -> Result<Proxy, Error> {
    let fault = |what: &str| {
        Error::config(format!("{variable} {what}"))
                .hint("a proxy looks like http://[USER:PASSWORD@]HOST:PORT; NO_PROXY names the hosts that need none")
    };
    let rest = match split_scheme(value) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
        Some(_) => {
            return Err(fault(
                "names a kind of proxy that is not supported: only http:// is",
            ));
        }
        None => value,
    };
    // A password may hold any of these unescaped, as with curl: the last @ divides.
    let (login, rest) = match rest.rsplit_once('@') {
        Some((login, rest)) => (Some(login), rest),
        None => (None, rest),
    };
    let host_and_port = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) =
        authority(host_and_port).ok_or_else(|| fault("does not name a proxy host and port"))?;
    let credentials = login
        .map(|login| basic(login).ok_or_else(|| fault("holds a malformed user name or password")))
        .transpose()?;
    Ok(Proxy {
        host,
        port: port.unwrap_or(DEFAULT_PORT),
        credentials,
        variable,
    })
}

/// `user:password`, percent-decoded, in Base64 (RFC 7617 section 2). A user name holds no colon, and neither holds a
/// control character.
fn basic(login: &str) -> Option<SecretBytes> {
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let mut plain = SecretBytes::with_capacity(login.len().saturating_add(1));
    let buffer = plain.expose_mut();
    percent_decode(user, buffer)?;
    if buffer.contains(&b':') {
        return None;
    }
    buffer.push(b':');
    percent_decode(password, buffer)?;
    if plain.expose().iter().any(u8::is_ascii_control) {
        return None;
    }
    Some(SecretBytes::new(
        base64::encode(plain.expose()).into_bytes(),
    ))
}

fn percent_decode(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let high = char::from(bytes.next()?).to_digit(16)?;
        let low = char::from(bytes.next()?).to_digit(16)?;
        out.push(u8::try_from(high * 16 + low).ok()?);
    }
    Some(())
}

/// Whether `NO_PROXY` names the server. Its items are divided by commas or blanks: `*` for everything; a name, which
/// stands for itself and all names below it, with or without a leading dot; an address; a network, `10.0.0.0/8`; and
/// each of these but the last with `:port`, which curl does not have and many configurations do.
pub fn is_excepted(host: &Host, port: u16, list: &str) -> bool {
    list.split([',', ' ', '\t'])
        .any(|item| matches_item(host, port, item))
}

fn matches_item(host: &Host, port: u16, item: &str) -> bool {
    if item.is_empty() {
        return false;
    }
    if item == "*" {
        return true;
    }
    match host {
        Host::Name(name) => matches_name(name, port, item),
        Host::Ip(address) => matches_address(*address, port, item),
    }
}

fn matches_name(name: &str, port: u16, item: &str) -> bool {
    let (item, item_port) = match item.rsplit_once(':') {
        Some((item, digits)) => (item, Some(digits)),
        None => (item, None),
    };
    if !is_port(port, item_port) {
        return false;
    }
    let item = item.strip_prefix('.').unwrap_or(item);
    let item = item.strip_suffix('.').unwrap_or(item);
    if item.is_empty() {
        return false;
    }
    // Both are compared as bytes: what is not ASCII in the list cannot be a name here.
    let at = name.len().checked_sub(item.len());
    at.and_then(|at| name.as_bytes().split_at_checked(at))
        .is_some_and(|(above, tail)| {
            tail.eq_ignore_ascii_case(item.as_bytes()) && matches!(above, [] | [.., b'.'])
        })
}

fn matches_address(address: IpAddr, port: u16, item: &str) -> bool {
    if let Some((network, bits)) = item.split_once('/') {
        // `parse` takes a sign too.
        let is_number = bits.bytes().all(|byte| byte.is_ascii_digit());
        return match (bare_address(network), bits.parse()) {
            (Some(network), Ok(bits)) if is_number => in_network(address, network, bits),
            _ => false,
        };
    }
    if let Some(other) = bare_address(item) {
        return other == address;
    }
    match item.rsplit_once(':') {
        Some((item, digits)) => bare_address(item) == Some(address) && is_port(port, Some(digits)),
        None => false,
    }
}

fn is_port(port: u16, digits: Option<&str>) -> bool {
    digits.is_none_or(|digits| crate::url::port_number(digits) == Some(port))
}

/// An address with or without brackets.
fn bare_address(text: &str) -> Option<IpAddr> {
    match text.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']')?.parse().ok().map(IpAddr::V6),
        None => text.parse().ok(),
    }
}

fn in_network(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    let (difference, width) = match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits() ^ b.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits(), 128),
        _ => return false,
    };
    let host_bits = u32::checked_sub(width, bits);
    host_bits.is_some_and(|bits| difference.checked_shr(bits).unwrap_or(0) == 0)
}

#[cfg(test)]
mod tests;
