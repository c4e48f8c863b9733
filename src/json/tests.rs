use super::*;

fn parse(text: &mut [u8]) -> Result<Node<'_>, ParseError> {
    super::parse(text, &|_| {})
}

fn refusal(text: &[u8]) -> Option<ParseError> {
    parse(&mut text.to_vec()).err()
}

fn at(line: usize, column: usize) -> Option<ParseError> {
    Some(ParseError::Syntax { line, column })
}

#[test]
fn reads_every_type() {
    let mut text =
        br#" {"t":"a\u00e9\ud83d\ude00\n/","n":null,"b":true,"f":false,"l":[1,"x",[]],"o":{}} "#
            .to_vec();
    let root = parse(&mut text).ok().unwrap();
    assert!(root.is_object());
    assert_eq!(root.get("t").unwrap().text(), Some("aé😀\n/"));
    assert!(root.get("n").unwrap().is_null());
    let items = root.get("l").unwrap().items().unwrap();
    let texts: Vec<_> = items.map(Node::text).collect();
    assert_eq!(texts, [None, Some("x"), None]);
    assert!(root.get("o").unwrap().is_object());
    assert!(root.get("absent").is_none());
    let text = root.get("t").unwrap();
    assert!(text.get("t").is_none() && text.items().is_none());
    assert!(!text.is_null() && !text.is_object() && root.text().is_none());
}

#[test]
fn refuses_what_is_not_json() {
    for (text, expected) in [
        (&b""[..], at(1, 1)),
        (b" \n ", at(2, 2)),
        (b"{} x", at(1, 4)),
        (b"\xef\xbb\xbf{}", at(1, 1)),
        (b"[1,]", at(1, 4)),
        (b"{\"a\":1,}", at(1, 8)),
        (b"{\"a\" 1}", at(1, 6)),
        (b"{[1]:1}", at(1, 2)),
        (b"{\n  1:1}", at(2, 3)),
        (b"{\"\xc3\xa4\":1,[]:1}", at(1, 8)),
        (b"[", at(1, 2)),
        (b"{\"a\":1]", at(1, 7)),
        (b"[1}", at(1, 3)),
        (b"fals", at(1, 1)),
        (b"]", at(1, 1)),
        (b"\"a", at(1, 3)),
        (b"\"\n\"", at(1, 2)),
        (b"\"\\x\"", at(1, 3)),
        (b"\"\\\xc3\xa4\"", at(1, 3)),
        (b"\"\\u00 41\"", at(1, 6)),
        (b"\"\\u12", at(1, 6)),
        (b"\"\\ud800\"", at(1, 3)),
        (b"\"\\ud800x\"", at(1, 3)),
        (b"\"\\ud800\\n\"", at(1, 3)),
        (b"\"\\ud800\\u0041\"", at(1, 3)),
        (b"\"a\\udc00\\ud800\"", at(1, 4)),
        (b"01", at(1, 2)),
        (b"1.", at(1, 3)),
        (b"+1", at(1, 1)),
        (b"tru", at(1, 1)),
        (b"[1,\n\"\xc3\xa4\\x\"]", at(2, 4)),
        // Escapes count as they are spelled, long after they were decoded.
        (b"[\"\\n\\u00e4\\ud83d\\ude00\", x]", at(1, 26)),
        (b"[\"\\n\",\n\"\\n\", x]", at(2, 7)),
        (
            b"[\"\\nab\\ncdefgh\\n\\u12345\", \"\\n\\nab\\x\"]",
            at(1, 35),
        ),
        (b"'a'", at(1, 1)),
        (b"\"a\xff\"", Some(ParseError::NotUtf8 { offset: 2 })),
        (b"[-1e999]", None),
        (b"12345678901234567890", None),
    ] {
        assert_eq!(
            refusal(text),
            expected,
            "{:?}",
            String::from_utf8_lossy(text)
        );
    }
}

#[test]
fn what_strings_hold_is_no_structure() {
    let mut text =
        br#"{"a\"]}" : ["\",{[\u0022", {"," : [] , "b":{}}, "\u0000\\"],"b":"}"}"#.to_vec();
    let root = parse(&mut text).ok().unwrap();
    let keys: Vec<_> = root.members().unwrap().map(|(key, _)| key).collect();
    assert_eq!(keys, ["a\"]}", "b"]);
    assert_eq!(root.get("b").unwrap().text(), Some("}"));
    let items: Vec<_> = root.get("a\"]}").unwrap().items().unwrap().collect();
    let texts: Vec<_> = items.iter().map(|item| item.text()).collect();
    assert_eq!(texts, [Some("\",{[\""), None, Some("\0\\")]);
    assert_eq!(items[1].members().unwrap().count(), 2);
    assert_eq!(items[1].get("b").unwrap().members().unwrap().count(), 0);
}

#[test]
fn values_are_redacted_once_decoded_and_keys_are_left() {
    let stars = |text: &mut [u8]| {
        if text.starts_with(b"k") {
            text.fill(b'*');
        }
    };
    let mut text = br#"{"key":["\u006b1","1k","k"],"k":0}"#.to_vec();
    let root = super::parse(&mut text, &stars).ok().unwrap();
    let items = root.get("key").unwrap().items().unwrap();
    let texts: Vec<_> = items.map(Node::text).collect();
    assert_eq!(texts, [Some("**"), Some("1k"), Some("*")]);
}

#[test]
fn refuses_a_key_twice_at_any_depth() {
    for text in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"[{"x":{"b":[],"b":[]}}]"#,
    ] {
        assert_eq!(
            refusal(text.as_bytes()),
            Some(ParseError::Duplicate),
            "{text}"
        );
    }
    let wide = |last: usize| {
        let members: Vec<_> = (0..100).map(|n| format!(r#""{n}":[]"#)).collect();
        format!(r#"{{{},"{last}":1}}"#, members.join(","))
    };
    assert_eq!(refusal(wide(7).as_bytes()), Some(ParseError::Duplicate));
    assert_eq!(refusal(wide(100).as_bytes()), None);
    for text in [r#"[{"a":1},{"a":1}]"#, r#"{"a":":","b:":"{"}"#] {
        assert_eq!(refusal(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn a_caller_can_see_duplicates() {
    let mut text = br#"{"a":"1","b":{"c":0,"c":1},"\u0061":"2"}"#.to_vec();
    let root = parse_with_duplicates(&mut text).ok().unwrap();
    let members: Vec<_> = root
        .members()
        .unwrap()
        .map(|(key, value)| (key, value.text()))
        .collect();
    assert_eq!(members, [("a", Some("1")), ("b", None), ("a", Some("2"))]);
}

#[test]
fn many_escapes_take_linear_time() {
    let spellings = ["\\n", "\\u00e9", "\\ud83d\\ude00", "x\\\""];
    for (spelling, decoded) in spellings.into_iter().zip(["\n", "é", "😀", "x\""]) {
        let mut text = format!("\"{}\"", spelling.repeat(100_000)).into_bytes();
        let root = parse(&mut text).ok().unwrap();
        assert_eq!(root.text(), Some(decoded.repeat(100_000).as_str()));
    }
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert_eq!(refusal(nested(64).as_bytes()), None);
    assert_eq!(refusal(nested(65).as_bytes()), Some(ParseError::TooDeep));
    assert_eq!(
        refusal(nested(100_000).as_bytes()),
        Some(ParseError::TooDeep)
    );
    let objects = "{\"a\":".repeat(100_000);
    assert_eq!(refusal(objects.as_bytes()), Some(ParseError::TooDeep));
    let mixed = "{\"a\":[".repeat(32) + &"]}".repeat(32);
    assert_eq!(refusal(mixed.as_bytes()), None);
    let wide = format!("[{}{{}}]", "[[{\"a\":1}]],".repeat(1000));
    assert_eq!(refusal(wide.as_bytes()), None);
}

#[test]
fn the_number_of_values_is_bounded() {
    // The array itself is one of them.
    let list = |items: usize| format!("[{}1]", "1,".repeat(items - 1));
    assert_eq!(refusal(list(1_999_999).as_bytes()), None);
    assert_eq!(
        refusal(list(2_000_000).as_bytes()),
        Some(ParseError::TooMany)
    );
}

#[test]
fn the_size_is_bounded() {
    let mut text = vec![b' '; 67_108_864];
    text[0] = b'1';
    assert_eq!(refusal(&text), None);
    text.push(b' ');
    assert_eq!(refusal(&text), Some(ParseError::TooLarge));
}

#[test]
fn refusals_have_words() {
    for (refusal, words) in [
        (ParseError::TooLarge, "longer than 67108864 bytes"),
        (ParseError::TooDeep, "nested deeper than 64 levels"),
        (ParseError::TooMany, "more than 2000000 values"),
        (ParseError::Duplicate, "an object has the same key twice"),
        (ParseError::NotUtf8 { offset: 7 }, "not UTF-8 at byte 7"),
        (
            ParseError::Syntax { line: 2, column: 3 },
            "not JSON at line 2, column 3",
        ),
    ] {
        assert_eq!(refusal.to_string(), words);
    }
}

#[test]
fn agrees_with_another_parser() {
    for text in [
        "0",
        "-0",
        "-",
        "- 1",
        "1 2",
        "1e5",
        "1E+5",
        "1e",
        ".5",
        "-.5",
        "1.5e-3",
        "00",
        "-01",
        "[]",
        "[ ]",
        "[1 2]",
        "[,]",
        "{}",
        "{ }",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1 \"b\":2}",
        "{\"a\"::1}",
        "nul",
        "nulll",
        "null",
        "True",
        "\"\\/\"",
        "\"\\'\"",
        "\"\t\"",
        "\"\u{7f}\"",
        "\"\\u00e9\"",
        "\"\\u00E9\"",
        "\"\\uD83D\\uDE00\"",
        "\"\\uD83Dx\"",
        "\u{c}1",
        "\u{a0}1",
        "1\u{0}",
        "[[]",
        "[]]",
        "{]",
        "[}",
        "\"a\"\"b\"",
        "{\"a\":1}}",
        "}{",
        "[\"\\",
        "[1}",
        "{\"a\":[}]",
        ",",
        ":",
        "NaN",
        "1_0",
        "0x1",
    ] {
        let theirs = serde_json::from_str::<serde_json::Value>(text).is_ok();
        assert_eq!(refusal(text.as_bytes()).is_none(), theirs, "{text:?}");
    }
}

#[test]
fn a_long_list_is_read() {
    let row = r#"{"name":"A_SECRET_NAME","description":"what it is for, in a sentence or two","owner":{"type":"User","uid":"abcdefghijklmnop"},"type":"RAW_VALUE","createdAt":"2026-01-02T03:04:05.123456Z","updatedAt":"2026-01-02T03:04:05.123456Z","pad":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}"#;
    let mut text = format!("[{}{row}]", format!("{row},").repeat(99_999)).into_bytes();
    let root = parse(&mut text).ok().unwrap();
    assert_eq!(root.items().unwrap().count(), 100_000);
}

fn written(text: &str) -> String {
    let mut out = Vec::new();
    Writer::new(&mut out).string(text);
    String::from_utf8(out).unwrap()
}

#[test]
fn strings_are_escaped_as_another_writer_does() {
    let mut texts: Vec<String> = (0..=0x2100_u32)
        .filter_map(char::from_u32)
        .flat_map(|c| [format!("{c}"), format!("a{c}b{c}{c}\"")])
        .collect();
    texts.extend(["", "\\\\", "😀\u{10ffff}", "a/b", "\n\n\n", "plain"].map(str::to_owned));
    for text in texts {
        let expected = serde_json::to_string(&text).unwrap();
        assert_eq!(written(&text), expected);
        assert_eq!(escaped_len(text.as_bytes()) + 2, expected.len(), "{text:?}");
        let mut expected = expected.into_bytes();
        let root = parse(&mut expected).ok().unwrap();
        assert_eq!(root.text(), Some(text.as_str()));
    }
}

#[test]
fn printable_strings_hide_nothing_and_move_nothing() {
    for (text, expected) in [
        ("plain ü 🔑", "\"plain ü 🔑\""),
        ("\u{9b}2J\u{1b}[m\n\"ü", r#""\u009b2J\u001b[m\n\"ü""#),
        ("\u{7f}\u{202e}\u{feff}", r#""\u007f\u202e\ufeff""#),
        ("\u{e0041}x", r#""\udb40\udc41x""#),
    ] {
        let mut out = Vec::new();
        Writer::new(&mut out).printable(text);
        assert_eq!(String::from_utf8_lossy(&out), expected);
        assert_eq!(parse(&mut out).ok().unwrap().text(), Some(text));
    }
}

#[test]
fn documents_are_compact_and_ordered() {
    let mut out = b"before".to_vec();
    Writer::new(&mut out).object(|w| {
        w.key("z").string("1");
        w.key("a").object(|_| {});
        w.key("n").array(|w| {
            w.null();
            w.boolean(true);
            w.boolean(false);
            w.array(|_| {});
            w.number(u64::MAX);
            w.object(|w| w.key("k").string_bytes("é".as_bytes()));
            w.number(0);
        });
        w.key("end").literal("{a}");
    });
    let expected = r#"before{"z":"1","a":{},"n":[null,true,false,[],18446744073709551615,{"k":"é"},0],"end":"{a}"}"#;
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}
