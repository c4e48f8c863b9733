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
