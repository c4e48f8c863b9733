//! What is accepted is compared with what 18 programs and libraries read from the same bytes, and with what some of them
//! read from files made at random.

#![allow(clippy::print_stdout)]

use super::super::import::read_import;
use crate::env::Environment;
use crate::error::Error;
use crate::request::{FileOrStdin, ImportFormat};
use crate::value::Io;
use fastrand::Rng;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

// Missing programs are recorded as in the black-box tests.
#[allow(dead_code)]
#[path = "../../../tests/support/tools.rs"]
mod tools;

/// Names and values.
type Pairs = Vec<(String, String)>;

fn read(text: &[u8]) -> Result<Pairs, Error> {
    let env = Environment::new(|_| None);
    let mut stdin = text;
    let mut io = Io {
        stdin: &mut stdin,
        stdin_is_terminal: false,
        env: &env,
        timeout: Duration::ZERO,
    };
    let import = read_import(&FileOrStdin::Stdin, ImportFormat::Env, false, &mut io)?;
    let entries = import.entries.into_iter();
    Ok(entries
        .map(|entry| {
            let value = String::from_utf8(entry.value.expose().to_vec()).unwrap();
            (entry.name.as_str().to_owned(), value)
        })
        .collect())
}

/// Inputs that were given to docker, kubectl, systemd, dash, bash, Ruby's dotenv, npm's dotenv, node, dotenvx,
/// python-dotenv, two versions of godotenv, compose, go-envparse, dotenvy, rust-dotenv, flyctl and infisical. What is
/// accepted is what all of them but docker and kubectl, which keep quotes, read if they do not refuse it. There are four
/// exceptions:
///
/// - `export`: flyctl and infisical make it a part of the name.
/// - `crlf` and `crlf-dquoted`: the shells keep the carriage return.
/// - `bom`: node, flyctl and infisical make it a part of the name.
/// - `hash-line-in-dquotes`: flyctl and infisical, which read values of one line only, skip the second one.
#[test]
fn is_what_others_read() {
    let long = "x".repeat(70_000);
    let long_line = format!("A={long}\n");
    for (id, text, expected) in [
        ("plain", &b"A=b\n"[..], Some(("A", "b"))),
        ("no-final-newline", b"A=b", Some(("A", "b"))),
        ("blank-and-comment-line", b"\n# c\nA=b\n", Some(("A", "b"))),
        ("indented-comment", b"  # c\nA=b\n", Some(("A", "b"))),
        ("semicolon-comment", b"; c\nA=b\n", None),
        ("equals-in-value", b"A=YWJj=c==\n", Some(("A", "YWJj=c=="))),
        (
            "url-chars",
            b"A=https://u:p@h/x?y=1%20,z-_.~+/:@\n",
            Some(("A", "https://u:p@h/x?y=1%20,z-_.~+/:@")),
        ),
        ("shell-metachars", b"A=a;b&c|d<e>f(g)*?\n", None),
        (
            "bang-percent",
            b"A=p!w%r^{}[],\n",
            Some(("A", "p!w%r^{}[],")),
        ),
        ("utf8", b"A=\xc3\xbc\n", Some(("A", "ü"))),
        ("invalid-utf8", b"A=\xff\n", None),
        ("empty", b"A=\n", None),
        ("empty-dquoted", b"A=\"\"\n", None),
        ("bare-name", b"A\n", None),
        ("dquoted", b"A=\"b\"\n", Some(("A", "b"))),
        ("squoted", b"A='b'\n", Some(("A", "b"))),
        ("backtick-quoted", b"A=`b`\n", None),
        ("dquoted-space", b"A=\"b c\"\n", Some(("A", "b c"))),
        ("squoted-space", b"A='b c'\n", Some(("A", "b c"))),
        ("inner-space", b"A=b c\n", None),
        ("space-after-eq", b"A= b\n", None),
        ("tab-after-eq", b"A=\tb\n", None),
        ("trailing-space", b"A=b \n", None),
        ("space-before-eq", b"A =b\n", None),
        ("indented-name", b" A=b\n", Some(("A", "b"))),
        ("export", b"export A=b\n", Some(("A", "b"))),
        ("hash-in-value", b"A=b#c\n", None),
        ("space-hash", b"A=b #c\n", None),
        ("value-starts-hash", b"A=#c\n", None),
        ("hash-in-dquotes", b"A=\"b #c\"\n", Some(("A", "b #c"))),
        ("comment-after-dquotes", b"A=\"b\" #c\n", None),
        ("dollar", b"A=$HOME\n", None),
        ("dollar-brace-unset", b"A=x${NOPE}y\n", None),
        ("dollar-dquoted", b"A=\"$HOME\"\n", None),
        ("dollar-squoted", b"A='$HOME'\n", Some(("A", "$HOME"))),
        ("dollar-digit", b"A=pa$1word\n", None),
        ("dollar-final", b"A=pass$\n", None),
        ("cmd-subst", b"A=$(echo x)\n", None),
        ("bs-n-unquoted", b"A=x\\ny\n", None),
        ("bs-n-dquoted", b"A=\"x\\ny\"\n", None),
        ("bs-n-squoted", b"A='x\\ny'\n", Some(("A", "x\\ny"))),
        ("windows-path", b"A=C:\\dir\n", None),
        ("bs-dquote-in-dquotes", b"A=\"a\\\"b\"\n", None),
        ("bs-bs-dquoted", b"A=\"a\\\\b\"\n", None),
        ("json-unquoted", b"A={\"k\":\"v\"}\n", None),
        (
            "json-squoted",
            b"A='{\"k\":\"v\"}'\n",
            Some(("A", "{\"k\":\"v\"}")),
        ),
        ("stray-squote", b"A=it's\n", None),
        ("quote-in-middle", b"A=b\"c\"d\n", None),
        ("text-after-squote", b"A='a'b\n", None),
        ("unterminated-dquote", b"A=\"b\nB=c\n", None),
        ("lf-in-dquotes", b"A=\"x\ny\"\n", Some(("A", "x\ny"))),
        ("lf-in-squotes", b"A='x\ny'\n", Some(("A", "x\ny"))),
        (
            "blank-line-in-dquotes",
            b"A=\"x\n\ny\"\n",
            Some(("A", "x\n\ny")),
        ),
        (
            "hash-line-in-dquotes",
            b"A=\"x\n# y\"\n",
            Some(("A", "x\n# y")),
        ),
        ("backslash-newline", b"A=x\\\ny\n", None),
        ("crlf", b"A=b\r\n", Some(("A", "b"))),
        ("crlf-dquoted", b"A=\"b\"\r\n", Some(("A", "b"))),
        ("crlf-inside-dquotes", b"A=\"x\r\ny\"\r\n", None),
        ("bom", b"\xef\xbb\xbfA=b\n", Some(("A", "b"))),
        ("duplicate", b"A=1\nA=2\n", None),
        ("name-hyphen", b"A-B=c\n", None),
        ("name-dot", b"A.B=c\n", None),
        ("name-digit-first", b"1A=c\n", None),
        ("name-lower", b"a=c\n", Some(("a", "c"))),
        ("colon", b"A: b\n", None),
        ("junk-line", b"A=b\nfoo bar\n", None),
        ("nul", b"A=a\x00b\n", None),
        ("tilde-first", b"A=~/x\n", None),
        ("tab-inside", b"A=x\ty\n", None),
        ("lone-cr-inside", b"A=x\ry\n", None),
        ("nbsp-last", b"A=x\xc2\xa0\n", None),
        ("nbsp-inside", b"A=x\xc2\xa0y\n", None),
        ("u2028-inside", b"A=x\xe2\x80\xa8y\n", None),
        ("vt-inside", b"A=x\x0by\n", None),
        ("esc-inside", b"A=x\x1by\n", None),
        (
            "pem-dquoted",
            b"A=\"-----BEGIN X-----\nMII/+a=\n-----END X-----\n\"\n",
            Some(("A", "-----BEGIN X-----\nMII/+a=\n-----END X-----\n")),
        ),
        ("triple-dquoted", b"A=\"\"\"x\ny\"\"\"\n", None),
        ("empty-squoted", b"A=''\n", None),
        ("two-words-export", b"export A=b B=c\n", None),
        ("no-name", b"=b\n", None),
        ("long-line-70000", long_line.as_bytes(), Some(("A", &*long))),
    ] {
        let expected = expected.map(|(name, value)| vec![(name.to_owned(), value.to_owned())]);
        assert_eq!(read(text).ok(), expected, "{id}");
    }
}

/// Inputs that some program reads otherwise, although each of their characters is safe.
#[test]
fn combinations_with_another_meaning_are_refused() {
    for (text, value) in [
        // bash expands braces in the argument of a command.
        ("export A={a,b}", None),
        ("export A=x{1..3}", None),
        ("export A={a}", Some("{a}")),
        ("export A=},{", Some("},{")),
        ("A={a,b}", Some("{a,b}")),
        // Shells assign what precedes the operator.
        ("A=a&&b", None),
        ("A=a||b", None),
        ("A=a&b|c&|d", Some("a&b|c&|d")),
        // python-dotenv, godotenv, compose and the dotenv of npm and Ruby read on past the quote.
        (r"A='a\'", None),
        (r"A='a\\'", None),
        // In single quotes python-dotenv alone knows escapes and, unless told otherwise, variables.
        (r"A='a\b\\c${A}'", Some(r"a\b\\c${A}")),
        ("A=a:~", None),
        ("A=a~:/=~", Some("a~:/=~")),
        // Whatever can be seen is text; other white space is trimmed by JavaScript.
        ("A=5€e\u{301}\u{201c}", Some("5€e\u{301}\u{201c}")),
        ("A=a\u{a0}", None),
        ("A=a\u{3000}b", None),
        ("A=\u{feff}", None),
        ("A=\u{2028}", None),
    ] {
        let expected = value.map(|value| vec![("A".to_owned(), value.to_owned())]);
        assert_eq!(read(text.as_bytes()).ok(), expected, "{text}");
    }
}

/// What programs may take for more than the characters themselves.
const PIECES: [&str; 53] = [
    "a", "B", "0", "_", "ü", "日", "€", "e\u{301}", "\u{201c}", "\u{a0}", "\u{feff}", "\u{2028}",
    " ", "\t", "\n", "'", "\"", "`", "\\", "\\\\", "\\n", "$", "$A", "${A}", "#", " #", "~", ":~",
    "{", "}", ",", "..", "{a,b}", "{1..3}", "=", "==", "&", "&&", "|", "||", "(", ")", "[", "]",
    "*", "?", "!", "%", "+", "-", ";", "\n#", "\nA=",
];

/// What may stand before an assignment.
const BEFORE: [&str; 5] = ["", " ", "export ", "# it's \" a comment\n", "\n  # $x `\n"];

/// A value, or what looks like one.
fn draw(rng: &mut Rng) -> String {
    let inner: String = (0..rng.usize(1..6))
        .map(|_| PIECES[rng.usize(..PIECES.len())])
        .collect();
    match rng.u8(..3) {
        0 => inner,
        1 => format!("'{inner}'"),
        _ => format!("\"{inner}\""),
    }
}

/// A file whose assignments, accepted one by one, are these lines and are read as these pairs.
fn accepted(rng: &mut Rng) -> (Vec<String>, Pairs) {
    let (mut lines, mut pairs) = (Vec::new(), Pairs::new());
    while lines.len() < 500 {
        let name = format!("V{}", lines.len());
        let before = BEFORE[rng.usize(..BEFORE.len())];
        let line = format!("{before}{name}={}\n", draw(rng));
        if let Ok(read) = read(line.as_bytes())
            && read.len() == 1
            && read[0].0 == name
        {
            pairs.extend(read);
            lines.push(line);
        }
    }
    assert_eq!(read(lines.concat().as_bytes()).unwrap(), pairs);
    (lines, pairs)
}

/// The same ones each time, and others.
fn files() -> Vec<(Vec<String>, Pairs)> {
    let drawn = std::env::var("OZ_FUZZ_SEED")
        .map_or_else(|_| fastrand::u64(..), |text| text.parse().unwrap());
    let mut files = Vec::new();
    for seed in [1, drawn] {
        println!("OZ_FUZZ_SEED={seed}");
        let mut rng = Rng::with_seed(seed);
        files.extend((0..5).map(|_| accepted(&mut rng)));
    }
    files
}

#[test]
fn dotenvy_reads_the_same() {
    for (lines, pairs) in files() {
        let text = lines.concat();
        let theirs: Result<Pairs, _> = dotenvy::from_read_iter(text.as_bytes()).collect();
        assert_eq!(theirs.unwrap(), pairs);
    }
}

/// What a shell sets that reads the file.
fn sourced(shell: &Path, text: &str) -> Pairs {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let output = Command::new(shell)
        .args(["-c", "set -a; . \"$1\"; exec /usr/bin/env -0", "-"])
        .arg(file.path())
        .env_clear()
        .env("HOME", "/home-of-nobody")
        .env("PATH", "/nonexistent")
        .output()
        .unwrap();
    let mut pairs: Pairs = output
        .stdout
        .split(|byte| *byte == 0)
        .filter_map(|variable| str::from_utf8(variable).unwrap().split_once('='))
        .filter(|(name, _)| name.starts_with('V'))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    pairs.sort();
    pairs
}

/// Whether a shell takes a part of the line for a command; it may then stop, or read the next line as a part of it.
fn has_command(line: &str) -> bool {
    let (_, assignment) = line.split_once('V').unwrap();
    let (_, value) = assignment.split_once('=').unwrap();
    !value.starts_with(['\'', '"']) && value.contains(['&', '|', '(', ')'])
}

#[test]
fn shells_read_the_same_or_nothing() {
    let files = files();
    for shell in ["dash", "bash"] {
        let Some(shell) = tools::find(shell) else {
            continue;
        };
        for (lines, pairs) in &files {
            let (mut text, mut expected) = (String::new(), Pairs::new());
            let mut commands = 0;
            for (line, pair) in lines.iter().zip(pairs) {
                if !has_command(line) {
                    text.push_str(line);
                    expected.push(pair.clone());
                } else if commands < 20 {
                    commands += 1;
                    let theirs = sourced(&shell, line);
                    assert!(theirs.iter().all(|theirs| theirs == pair), "{line}");
                }
            }
            expected.sort();
            assert_eq!(sourced(&shell, &text), expected);
        }
    }
}

#[test]
fn node_reads_the_same() {
    let Some(node) = tools::find("node24") else {
        return;
    };
    for (lines, pairs) in files() {
        let script = r#"
            const { parseEnv } = require("node:util");
            const text = require("node:fs").readFileSync(process.argv[1], "utf8");
            console.log(JSON.stringify(Object.entries(parseEnv(text))));
        "#;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), lines.concat()).unwrap();
        let output = Command::new(&node)
            .args(["-e", script])
            .arg(file.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let mut theirs: Pairs = serde_json::from_slice(&output.stdout).unwrap();
        for (name, _) in &mut theirs {
            // Some versions make blanks or an indented comment before a name a part of it.
            *name = name.rsplit([' ', '\n']).next().unwrap().to_owned();
        }
        // They also find a name in such a comment.
        theirs.retain(|(name, _)| name.starts_with('V'));
        let sorted = |mut pairs: Pairs| {
            pairs.sort();
            pairs
        };
        assert_eq!(sorted(theirs), sorted(pairs));
    }
}
