//! A root URL that is taken is one to others as well, and names the same host; a proxy is one, or is refused without a
//! word of it; and NO_PROXY means what its items mean.

use crate::env::Environment;
use crate::net::proxy::{choose, is_excepted};
use crate::url::{Host, Root, Scheme, authority, reference_host};
use std::ffi::OsString;

pub fn run(data: &[u8]) {
    run_with(data, &|_, _| {});
}

/// Three lines: a root URL, a proxy, exceptions. `accepted` gets each root URL that was accepted, and what was read of it
/// as `SCHEME://HOST:PORT`.
pub fn run_with(data: &[u8], accepted: &dyn Fn(&str, &str)) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut lines = text.splitn(3, '\n');
    let (url, proxy, exceptions) = (
        lines.next().unwrap_or_default(),
        lines.next().unwrap_or_default(),
        lines.next().unwrap_or_default(),
    );
    let _ = reference_host(url);
    let root = match Root::parse(url) {
        Ok(root) => {
            check(&root);
            let host = root.host.bracketed();
            accepted(url, &format!("{}://{host}:{}", scheme(&root), root.port));
            root
        }
        Err(error) => {
            plain(&error.message);
            Root::parse("https://a.example").unwrap()
        }
    };
    except(&root, exceptions);
    let (proxy, exceptions) = (OsString::from(proxy), OsString::from(exceptions));
    let env = Environment::new(move |name| match name {
        "https_proxy" => Some(proxy.clone()),
        "no_proxy" => Some(exceptions.clone()),
        _ => None,
    });
    match choose(&root, &env) {
        Ok(None) => {}
        Ok(Some(proxy)) => {
            let (host, port) = authority(&proxy.authority()).expect("an authority");
            assert_eq!((host, port), (proxy.host, Some(proxy.port)));
            if let Some(credentials) = proxy.credentials {
                let text = String::from_utf8(credentials.expose().to_vec()).unwrap();
                let plain = crate::base64::decode(&text).unwrap();
                assert!(plain.contains(&b':') && !plain.iter().any(u8::is_ascii_control));
            }
        }
        Err(error) => plain(&error.message),
    }
}

/// What messages are made of.
fn plain(message: &str) {
    assert!(
        message
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b" _-:/,".contains(&byte)),
        "{message}"
    );
    assert!(message.len() < 120, "{message}");
}

fn check(root: &Root) {
    assert!(root.scheme == Scheme::Https || root.host.is_loopback());
    assert!(
        root.prefix.is_empty() || (root.prefix.starts_with('/') && !root.prefix.ends_with('/'))
    );
    let written = format!("{}://{}{}", scheme(root), root.host_header(), root.prefix);
    assert_eq!(Root::parse(&written).as_ref(), Ok(root), "{written}");
}

fn scheme(root: &Root) -> &'static str {
    match root.scheme {
        Scheme::Https => "https",
        Scheme::Http => "http",
    }
}

fn except(root: &Root, list: &str) {
    let named = is_excepted(&root.host, root.port, list);
    assert_eq!(
        is_excepted(&root.host, root.port, &format!("{list},other.example")),
        named || other(&root.host)
    );
    assert!(is_excepted(&root.host, root.port, &format!("{list} *")));
    assert!(is_excepted(
        &root.host,
        root.port,
        &format!("{list},{}", root.host.bracketed())
    ));
    let item = format!("{list},{}:{}", root.host.bracketed(), root.port);
    assert!(is_excepted(&root.host, root.port, &item));
}

fn other(host: &Host) -> bool {
    matches!(host, Host::Name(name) if name == "other.example" || name.ends_with(".other.example"))
}
