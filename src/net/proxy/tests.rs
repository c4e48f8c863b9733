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
