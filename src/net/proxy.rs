//! The choice of a proxy from the environment.
//!
//! The rules are those of curl. `https_proxy`, `HTTPS_PROXY`, `all_proxy` and `ALL_PROXY` are asked in this order, and
//! an empty one counts as absent. `http_proxy` is for `http://` servers, and those are on this machine here: they are
//! connected to directly, because a proxy would see the API key in the clear. For `https://` servers on this machine a
//! proxy is used unless `NO_PROXY` names them, as curl does.
//!
//! A proxy is `[http://][user:password@]host[:port][/]`, port 1080 when none is given. Other kinds are refused, rather
//! than ignored: whoever set one wants no direct connection. Messages name the variable and never repeat its value.

use super::url::{Host, Root, Scheme, authority};
use crate::base64;
use crate::env::Environment;
use crate::error::Error;
use crate::secret::SecretBytes;
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
    /// `host:port`, for messages.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host.bracketed(), self.port)
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
    let rest = match value.split_once("://") {
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
    let credentials = match login {
        Some(login) => {
            Some(basic(login).ok_or_else(|| fault("holds a malformed user name or password"))?)
        }
        None => None,
    };
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
    let Some(at) = name.len().checked_sub(item.len()) else {
        return false;
    };
    // Both are compared as bytes: what is not ASCII in the list cannot be a name here.
    let Some((above, tail)) = name.as_bytes().split_at_checked(at) else {
        return false;
    };
    tail.eq_ignore_ascii_case(item.as_bytes()) && matches!(above, [] | [.., b'.'])
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
    digits.is_none_or(|digits| super::url::port_number(digits) == Some(port))
}

/// An address with or without brackets.
fn bare_address(text: &str) -> Option<IpAddr> {
    match text.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']')?.parse().ok().map(IpAddr::V6),
        None => text.parse().ok(),
    }
}

fn in_network(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(b)) if bits <= 32 => {
            (a.to_bits() ^ b.to_bits())
                .checked_shr(32 - bits)
                .unwrap_or(0)
                == 0
        }
        (IpAddr::V6(a), IpAddr::V6(b)) if bits <= 128 => {
            (a.to_bits() ^ b.to_bits())
                .checked_shr(128 - bits)
                .unwrap_or(0)
                == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    fn environment(pairs: &'static [(&'static str, &'static str)]) -> Environment {
        Environment::new(|name| {
            pairs
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn a_network_has_no_more_bits_than_an_address() {
        let [four, six] = ["127.0.0.1", "::1"].map(|text| text.parse().unwrap());
        for (address, bits, is_in) in [
            (four, 32, true),
            (four, 33, false),
            (six, 128, true),
            (six, 129, false),
            (six, u32::MAX, false),
        ] {
            assert_eq!(
                in_network(address, address, bits),
                is_in,
                "{address}/{bits}"
            );
        }
        assert!(!in_network(four, six, 0));
    }

    fn chosen(
        root: &str,
        pairs: &'static [(&'static str, &'static str)],
    ) -> Result<Option<String>, Error> {
        let proxy = choose(&Root::parse(root).unwrap(), &environment(pairs))?;
        Ok(proxy.map(|proxy| format!("{} {}", proxy.variable, proxy.authority())))
    }

    fn decoded(proxy: &Proxy) -> Option<Vec<u8>> {
        let text = proxy.credentials.as_ref()?.expose();
        base64::decode(str::from_utf8(text).unwrap())
    }

    #[test]
    fn variables_in_their_order() {
        type Case = (
            &'static [(&'static str, &'static str)],
            Option<&'static str>,
        );
        let cases: [Case; 9] = [
            (&[], None),
            (
                &[("https_proxy", "a:1"), ("HTTPS_PROXY", "b:2")],
                Some("https_proxy a:1"),
            ),
            (
                &[("HTTPS_PROXY", "b:2"), ("all_proxy", "c:3")],
                Some("HTTPS_PROXY b:2"),
            ),
            (
                &[("https_proxy", ""), ("HTTPS_PROXY", "b:2")],
                Some("HTTPS_PROXY b:2"),
            ),
            (
                &[("all_proxy", "c:3"), ("ALL_PROXY", "d:4")],
                Some("all_proxy c:3"),
            ),
            (&[("ALL_PROXY", "d:4")], Some("ALL_PROXY d:4")),
            (&[("http_proxy", "e:5"), ("HTTP_PROXY", "f:6")], None),
            (&[("ALL_PROXY", "d:4"), ("NO_PROXY", "warp.dev")], None),
            (
                &[
                    ("ALL_PROXY", "d:4"),
                    ("no_proxy", "other"),
                    ("NO_PROXY", "warp.dev"),
                ],
                Some("ALL_PROXY d:4"),
            ),
        ];
        for (pairs, expected) in cases {
            assert_eq!(
                chosen("https://app.warp.dev", pairs).unwrap().as_deref(),
                expected,
                "{pairs:?}"
            );
        }
    }

    #[test]
    fn plain_servers_are_never_behind_a_proxy() {
        let all = &[
            ("http_proxy", "a:1"),
            ("https_proxy", "b:2"),
            ("ALL_PROXY", "socks5://c:3"),
        ];
        assert_eq!(chosen("http://localhost:8080", all).unwrap(), None);
        assert_eq!(
            chosen("https://localhost:8080", all).unwrap().as_deref(),
            Some("https_proxy b:2")
        );
    }

    #[test]
    fn proxies() {
        for (value, place, login) in [
            ("proxy", "proxy:1080", None),
            ("proxy:3128", "proxy:3128", None),
            ("http://Proxy.Example:3128/", "proxy.example:3128", None),
            ("HTTP://10.0.0.1", "10.0.0.1:1080", None),
            ("http://[::1]:8080", "[::1]:8080", None),
            ("http://u:p@h:1", "h:1", Some("u:p")),
            ("u:p@h:1", "h:1", Some("u:p")),
            ("http://u@h:1", "h:1", Some("u:")),
            (
                "http://us%40er:p%3a%25%c3%a9@h:1",
                "h:1",
                Some("us@er:p:%é"),
            ),
            ("http://u:p@ss/w:rd@h:1", "h:1", Some("u:p@ss/w:rd")),
        ] {
            let proxy = parse("ALL_PROXY", value).unwrap_or_else(|_| panic!("{value}"));
            assert_eq!(proxy.authority(), place, "{value}");
            assert_eq!(
                decoded(&proxy).as_deref(),
                login.map(str::as_bytes),
                "{value}"
            );
        }
    }

    #[test]
    fn what_is_no_proxy_is_named_but_not_repeated() {
        for (value, message) in [
            (
                "socks5://hunter2:1",
                "https_proxy names a kind of proxy that is not supported: only http:// is",
            ),
            (
                "https://u:hunter2@h",
                "https_proxy names a kind of proxy that is not supported: only http:// is",
            ),
            (
                "http://u:hunter2@",
                "https_proxy does not name a proxy host and port",
            ),
            (
                "http://hunter2:x",
                "https_proxy does not name a proxy host and port",
            ),
            (
                "http://h:1/hunter2",
                "https_proxy does not name a proxy host and port",
            ),
            (
                "hunter 2",
                "https_proxy does not name a proxy host and port",
            ),
            (
                "http://u%3a:hunter2@h",
                "https_proxy holds a malformed user name or password",
            ),
            (
                "http://u:hunter2%0d%0a@h",
                "https_proxy holds a malformed user name or password",
            ),
            (
                "http://u:hunter2%4@h",
                "https_proxy holds a malformed user name or password",
            ),
            (
                "http://u:hunter2%zz@h",
                "https_proxy holds a malformed user name or password",
            ),
        ] {
            let error = parse("https_proxy", value)
                .err()
                .unwrap_or_else(|| panic!("{value}"));
            assert_eq!(error.message, message, "{value}");
            assert_eq!(error.code(), 78);
            assert!(!format!("{error:?}").contains("hunter"), "{value}");
        }
    }

    #[test]
    fn a_variable_that_is_no_text_is_refused() {
        let env = Environment::new(|name| {
            (name == "HTTPS_PROXY").then(|| OsString::from_vec(vec![b'h', 0xff]))
        });
        let error = choose(&Root::parse("https://h").unwrap(), &env)
            .err()
            .unwrap();
        assert_eq!(
            (error.code(), error.message.as_str()),
            (78, "HTTPS_PROXY is not UTF-8")
        );
    }

    #[test]
    fn exceptions() {
        for (host, list, excepted) in [
            ("app.warp.dev", "", false),
            ("app.warp.dev", "*", true),
            ("app.warp.dev", "other, *", true),
            ("app.warp.dev", "app.warp.dev", true),
            ("app.warp.dev", "APP.Warp.Dev.", true),
            ("app.warp.dev", "warp.dev", true),
            ("app.warp.dev", ".warp.dev", true),
            ("app.warp.dev", "a,b\tdev", true),
            ("app.warp.dev", "arp.dev", false),
            ("app.warp.dev", "x.app.warp.dev", false),
            ("app.warp.dev", "*.warp.dev", false),
            ("app.warp.dev", ".", false),
            ("app.warp.dev", "warp.dev:443", true),
            ("app.warp.dev", "warp.dev:8443", false),
            ("app.warp.dev", "warp.dev:", false),
            ("app.warp.dev", "ü", false),
            ("app.warp.dev", ",, ,", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "0.0.1", false),
            ("127.0.0.1", "127.0.0.1:443", true),
            ("127.0.0.1", "127.0.0.1:80", false),
            ("127.0.0.1", "127.0.0.0/8", true),
            ("127.0.0.1", "127.0.0.1/32", true),
            ("127.0.0.1", "127.0.0.0/32", false),
            ("127.0.0.1", "1.2.3.4/0", true),
            ("127.0.0.1", "127.0.0.0/33", false),
            ("127.0.0.1", "127.0.0.0/", false),
            ("127.0.0.1", "127.0.0.0/+8", false),
            ("127.0.0.1", "::/0", false),
            ("127.0.0.1", "localhost", false),
            ("[::1]", "::1", true),
            ("[::1]", "[::1]", true),
            ("[::1]", "[::1]:443", true),
            ("[::1]", "[::1]:80", false),
            ("[::1]", "::/127", true),
            ("[::1]", "[::2]/127", false),
            ("[2001:db8::1]", "2001:db8::/32", true),
            ("[2001:db8::1]", "2001:db9::/32", false),
            ("[2001:db8::1]", "::/0", true),
            ("[2001:db8::1]", "0.0.0.0/0", false),
        ] {
            let host = Host::parse(host).unwrap();
            assert_eq!(is_excepted(&host, 443, list), excepted, "{host:?} {list}");
        }
    }
}
