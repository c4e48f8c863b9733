use super::*;
use crate::env::Environment;
use crate::error::ErrorKind;
use std::path::PathBuf;
use std::time::{Duration, Instant};

fn import(
    text: &[u8],
    format: ImportFormat,
    skip_empty: bool,
    stdin_is_terminal: bool,
) -> Result<ImportFile, Error> {
    let env = Environment::new(|_| None);
    let mut stdin = text;
    let mut io = Io {
        stdin: &mut stdin,
        stdin_is_terminal,
        env: &env,
        timeout: Duration::ZERO,
    };
    read_import(&FileOrStdin::Stdin, format, skip_empty, &mut io)
}

fn env(text: &str) -> Result<ImportFile, Error> {
    import(text.as_bytes(), ImportFormat::Env, false, false)
}

fn json(text: &str) -> Result<ImportFile, Error> {
    import(text.as_bytes(), ImportFormat::Json, false, false)
}

/// `NAME=value` of each entry.
fn shown(import: &ImportFile) -> Vec<String> {
    let shown = |entry: &Entry| {
        let value = str::from_utf8(entry.value.expose()).unwrap();
        [entry.name.as_str(), "=", value].concat()
    };
    import.entries.iter().map(shown).collect()
}

fn accepted(result: Result<ImportFile, Error>) -> Vec<String> {
    match result {
        Ok(import) => shown(&import),
        Err(error) => panic!("{error:?}"),
    }
}

fn refusal(result: Result<ImportFile, Error>) -> Error {
    let error = result.err().expect("a refusal");
    assert_eq!(error.kind, ErrorKind::InvalidData);
    error
}

/// The problems, without the name of standard input.
fn problems(result: Result<ImportFile, Error>) -> Vec<String> {
    let causes = refusal(result).causes.clone().into_iter();
    causes
        .map(|cause| match cause.strip_prefix("standard input:") {
            Some(rest) => rest.to_owned(),
            None => cause,
        })
        .collect()
}

#[test]
fn names_and_values_come_in_file_order() {
    let text = concat!(
        "\u{feff}# a comment: it's \"open\n",
        "\n",
        "Z=1\r\n",
        "\t \n",
        " export  _a1='two\n",
        "# lines'\r\n",
        "\texport=name\n",
        "exportB=\" # \"\n",
        "C=!%&()*+,-./:=?@[]^_{|}~日",
    );
    assert_eq!(
        accepted(env(text)),
        [
            "Z=1",
            "_a1=two\n# lines",
            "export=name",
            "exportB= # ",
            "C=!%&()*+,-./:=?@[]^_{|}~日",
        ]
    );
    let text = r#" {"b c":"\u00e9\n\ud83d\ude00","A":" x ","a-b":"\"\\" } "#;
    assert_eq!(accepted(json(text)), ["b c=é\n😀", "A= x ", "a-b=\"\\"]);
    assert_eq!(accepted(json("\u{feff}{\"A\":\"b\"}")), ["A=b"]);
}

const SINGLE: &str = "put the value in single quotes";
const DOUBLE: &str = "put the value in double quotes";
const NEITHER: &str = "no quotes fit this value: create it with 'oz secret create NAME -f FILE', or import it from JSON";
const NAME: &str = "a name has only ASCII letters, digits and underscores, and starts with no digit; rename it, or import it from JSON";
const LINE: &str = "a line without '='; write NAME=VALUE, put a value of several lines in single quotes, and start a comment with '#'";
const AFTER: &str = "text after the closing quote; write one NAME=VALUE a line, or if the quote belongs to the value, ";
const OPEN: &str = "a quote that is not closed; close it, or if it belongs to the value, ";

#[test]
fn each_problem_has_a_place_a_reason_and_a_remedy() {
    let unquoted = |what: &str, remedy: &str| format!("{what} in a value without quotes; {remedy}");
    for (text, expected) in [
        ("A=b#c", &["1:4: ".to_owned() + &unquoted("'#'", SINGLE)][..]),
        ("A=ü$c", &["1:4: ".to_owned() + &unquoted("'$'", SINGLE)]),
        ("A=b c", &["1:4: ".to_owned() + &unquoted("a blank", SINGLE)]),
        ("A=b\tc", &["1:4: ".to_owned() + &unquoted("a blank", SINGLE)]),
        ("A=b\\", &["1:4: ".to_owned() + &unquoted("'\\'", NEITHER)]),
        ("A=b\\c", &["1:4: ".to_owned() + &unquoted("'\\'", SINGLE)]),
        ("A=`b`", &["1:3: ".to_owned() + &unquoted("'`'", SINGLE)]),
        ("A=b;c", &["1:4: ".to_owned() + &unquoted("';'", SINGLE)]),
        ("A=b>c", &["1:4: ".to_owned() + &unquoted("'>'", SINGLE)]),
        ("A=~", &["1:3: ".to_owned() + &unquoted("'~'", SINGLE)]),
        ("A=b:~", &["1:5: ".to_owned() + &unquoted("'~'", SINGLE)]),
        ("A=b&&c", &["1:5: ".to_owned() + &unquoted("'&&'", SINGLE)]),
        ("A=b||c", &["1:5: ".to_owned() + &unquoted("'||'", SINGLE)]),
        ("export A={b,c}", &["1:10: ".to_owned() + &unquoted("'{'", SINGLE)]),
        ("A=it's", &["1:5: ".to_owned() + &unquoted("a single quote", DOUBLE)]),
        ("A=b\"c", &["1:4: ".to_owned() + &unquoted("a double quote", SINGLE)]),
        ("A=it's $5", &["1:5: ".to_owned() + &unquoted("a single quote", NEITHER)]),
        ("A=$5 # it's", &["1:3: ".to_owned() + &unquoted("'$'", SINGLE)]),
        ("A=b\u{a0}", &["1:4: ".to_owned() + &unquoted("a special character", SINGLE)]),
        ("A=b\x1b", &["1:4: ".to_owned() + &unquoted("a special character", SINGLE)]),
        ("A=b \n", &["1:4: a blank at the end; remove it, or put the value in quotes if it belongs to it".to_owned()]),
        ("A=b # c", &["1:4: a comment after a value; put it on a line of its own".to_owned()]),
        ("A='b' # c", &["1:6: a comment after a value; put it on a line of its own".to_owned()]),
        ("A='b' ", &["1:6: a blank after the closing quote; remove it".to_owned()]),
        ("A='b'c", &[["1:6: ", AFTER, DOUBLE].concat()]),
        ("A=\"b\"c", &[["1:6: ", AFTER, SINGLE].concat()]),
        ("A='b'\"c\"", &[["1:6: ", AFTER, NEITHER].concat()]),
        ("A= b", &["1:3: a blank after '='; remove it, or put the value in quotes if it belongs to it".to_owned()]),
        ("A= 'b\nc'\n=", &[
            "1:3: a blank after '='; remove it, or put the value in quotes if it belongs to it".to_owned(),
            "3:1: no name before '='; write NAME=VALUE".to_owned(),
        ]),
        ("A =b", &["1:2: a blank before '='; write NAME=VALUE without blanks".to_owned()]),
        ("A-B='c\nd'\nE", &[["1:2: ", NAME].concat(), ["3:1: ", LINE].concat()]),
        ("1A=b", &[["1:1: ", NAME].concat()]),
        ("Ä=b", &[["1:1: ", NAME].concat()]),
        ("export\tA=b", &["1:7: a blank before '='; write NAME=VALUE without blanks".to_owned()]),
        ("export A\n", &[["1:8: ", LINE].concat()]),
        ("A='b\n\nB=c", &[["1:3: ", OPEN, DOUBLE].concat()]),
        ("\nA=\"b\n", &[["2:3: ", OPEN, SINGLE].concat()]),
        ("A=\"$b\nc\" d\nE", &["1:4: '$' in double quotes; put the value in single quotes".to_owned(), ["3:1: ", LINE].concat()]),
        ("A=\"it's `b`\"", &[["1:9: '`' in double quotes; ", NEITHER].concat()]),
        ("A=\"b\\\"c\\\\\"\nE", &[
            "1:5: a backslash in double quotes; put the value in single quotes, where each escape is written as what it stands for".to_owned(),
            ["2:1: ", LINE].concat(),
        ]),
        ("A=\"it's\\n\"", &[["1:8: a backslash in double quotes; ", NEITHER].concat()]),
        (r"A='b\'", &[["1:5: a backslash before the closing quote; ", NEITHER].concat()]),
        ("A='b\r\nc'\r\nE", &[
            "1:5: a line end with a carriage return inside quotes; save the file with LF line ends".to_owned(),
            ["3:1: ", LINE].concat(),
        ]),
        ("A='b\rc'", &["1:5: a carriage return that ends no line; end lines with LF or CRLF".to_owned()]),
        ("A='b'\r", &["1:6: a carriage return that ends no line; end lines with LF or CRLF".to_owned()]),
        ("A=b\r", &["1:4: a carriage return that ends no line; end lines with LF or CRLF".to_owned()]),
        ("# b\rA=b\r\n", &["1:4: a carriage return that ends no line; end lines with LF or CRLF".to_owned()]),
        ("A=b\0", &[["1:4: ", NUL_TEXT].concat()]),
        ("A='\0", &[["1:3: ", OPEN, NEITHER].concat()]),
        ("A='\0'", &[["1:4: ", NUL_TEXT].concat()]),
        ("#\0", &[["1:2: ", NUL_TEXT].concat()]),
        ("A=", &["1:1: an empty value; fill it in, or leave it out with --skip-empty".to_owned()]),
        ("\n export A=''", &["2:9: an empty value; fill it in, or leave it out with --skip-empty".to_owned()]),
        ("A=1\n\nA=\n  A=$", &[
            "3:1: the name of line 1 again; keep one of them".to_owned(),
            "4:3: the name of line 1 again; keep one of them".to_owned(),
        ]),
    ] {
        assert_eq!(problems(env(text)), expected, "{text:?}");
    }
}

const NUL_TEXT: &str = "a NUL, which no environment variable can hold; store binary data as text, for example encoded with base64";

#[test]
fn each_problem_of_json_has_its_path() {
    for (text, expected) in [
        (
            r#"{"A":{"B":"c"},"D":[],"E":1,"F":true,"G":null,"H":"","I J":false}"#,
            &[
                " .A: an object; write it as a string",
                " .D: an array; write it as a string",
                " .E: a number; write it as a string",
                " .F: a boolean; write it as a string",
                " .G: null; write it as a string",
                " .H: an empty value; fill it in, or leave it out with --skip-empty",
                " .[\"I J\"]: a boolean; write it as a string",
            ][..],
        ),
        (
            r#"{"A":"b","\u0041":"c","A":1}"#,
            &[
                " .A: a name twice; keep one of them",
                " .A: a name twice; keep one of them",
            ],
        ),
        (
            r#"{"":"a","B=":"c","D\u001b":"e","\u202e":1,"F":"\u0000"}"#,
            &[
                " .[\"\"]: the name of a secret can't be empty; rename it",
                " .[\"B=\"]: the name of a secret can't hold '='; rename it",
                " .[\"D\\u{1b}\"]: the name of a secret can't hold a line break or another control character; rename it",
                " .[\"\\u{202e}\"]: a number; write it as a string",
                " .F: a NUL; store binary data as text, for example encoded with base64",
            ],
        ),
        ("[]", &[r#" an array; write an object, {"NAME": "value"}"#]),
        ("{\n\"A\":\"b\",}", &["2:9: not JSON from about here on"]),
    ] {
        assert_eq!(problems(json(text)), expected, "{text}");
    }
    let deep = format!("{{\"A\":{}", "[".repeat(100));
    assert_eq!(problems(json(&deep)), [" nested deeper than 64 levels"]);
}

#[test]
fn problems_are_counted_and_the_first_twenty_described() {
    let error = refusal(env("A\n"));
    assert_eq!(
        error.message,
        "standard input has a problem, so nothing was imported"
    );
    assert_eq!((error.causes.len(), error.hint.clone()), (1, None));
    for (count, shown) in [(20, 20), (21, 21), (100_000, 21)] {
        let error = refusal(env(
            &"B=$\nA\n".repeat(count / 2 + 1)[..3 * count + count % 2]
        ));
        let expected = format!("standard input has {count} problems, so nothing was imported");
        assert_eq!(error.message, expected);
        assert_eq!(error.causes.len(), shown);
        if count > 20 {
            assert_eq!(error.causes[20], format!("and {} more", count - 20));
        }
    }
}

#[test]
fn empty_values_can_be_skipped() {
    let text = "A=\nB=1\nC=''\nA=2";
    let refused = refusal(import(text.as_bytes(), ImportFormat::Env, true, false));
    assert_eq!(
        refused.causes,
        ["standard input:4:1: the name of line 1 again; keep one of them"]
    );
    for (text, format) in [
        ("A=\nB=1\nC=''\n", ImportFormat::Env),
        (r#"{"A":"","B":"1","C":""}"#, ImportFormat::Json),
    ] {
        let import = import(text.as_bytes(), format, true, false).ok().unwrap();
        assert_eq!(shown(&import), ["B=1"]);
        let empty: Vec<_> = import.empty.iter().map(SecretName::as_str).collect();
        assert_eq!(empty, ["A", "C"]);
    }
}

#[test]
fn files_of_another_format_or_without_secrets_are_refused() {
    let hint = |error: Error| error.hint.clone().unwrap_or_default();
    let error = refusal(env(" {\"A\": \"b\"}"));
    assert_eq!(hint(error), "a JSON file is imported with --format json");
    let error = refusal(json("A=b"));
    assert_eq!(
        hint(error),
        "lines of NAME=VALUE are imported without --format json"
    );
    for result in [env(""), env("# A=b\n\n"), json("{}")] {
        let error = refusal(result);
        assert_eq!(error.message, "standard input holds no secrets");
        assert!(error.causes.is_empty());
    }
    let error = refusal(import(
        b"\xef\xbb\xbfA=\xc3\xa4\xff",
        ImportFormat::Env,
        false,
        false,
    ));
    assert_eq!(
        error.message,
        "standard input is not UTF-8 at byte offset 7"
    );
    let Err(error) = import(b"A=b", ImportFormat::Env, false, true) else {
        panic!("read from a terminal");
    };
    assert_eq!(
        error,
        Error::unreadable("cannot read standard input")
            .cause("it is a terminal, which would show what is typed")
    );
}

fn from_file(path: &str) -> Result<ImportFile, Error> {
    let env = Environment::new(|_| None);
    let mut io = Io {
        stdin: &mut &b""[..],
        stdin_is_terminal: false,
        env: &env,
        timeout: Duration::ZERO,
    };
    let file = FileOrStdin::Path(PathBuf::from(path));
    read_import(&file, ImportFormat::Env, false, &mut io)
}

#[test]
fn a_file_is_named() {
    let Err(error) = from_file("/nonexistent/\x07") else {
        panic!("read what is not there");
    };
    assert_eq!(
        error,
        Error::unreadable("cannot read the file '/nonexistent/\\u{7}'")
            .cause("No such file or directory")
    );
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(".env");
    std::fs::write(&path, "A=b\nB=c d\n").unwrap();
    let path = path.to_str().unwrap();
    let error = refusal(from_file(path));
    assert_eq!(
        error.message,
        format!("'{path}' has a problem, so nothing was imported")
    );
    assert_eq!(
        error.causes,
        [format!(
            "{path}:2:4: a blank in a value without quotes; {SINGLE}"
        )]
    );
}

#[test]
fn limits() {
    let many = |count: usize| -> String { (0..count).map(|n| format!("N{n}=v\n")).collect() };
    assert_eq!(accepted(env(&many(1000))).len(), 1000);
    assert_eq!(
        problems(env(&(many(1001) + "$\n"))),
        ["1001:1: more than 1000 secrets; split the file"]
    );
    let members: Vec<_> = (0..1002).map(|n| format!("\"N{n}\":\"v\"")).collect();
    assert_eq!(
        problems(json(&format!("{{{}}}", members.join(",")))),
        [" .N1000: more than 1000 secrets; split the file"]
    );

    // `NAME=value` and a NUL take 131,072 bytes at most.
    let long = format!("AB={}", "x".repeat(131_068));
    assert_eq!(accepted(env(&long)).len(), 1);
    assert_eq!(
        problems(env(&(long + "x"))),
        [
            "1:1: longer than 131068 bytes; a run receives secrets as environment variables, and Linux allows 131072 bytes for one, its name included"
        ]
    );
    let name = "A".repeat(131_070);
    assert_eq!(
        problems(env(&(name + "=x"))),
        ["1:1: the name of a secret is longer than an environment variable can be; rename it"]
    );

    let comment = |length: usize| format!("A=b\n#{}", "x".repeat(length - 5));
    assert_eq!(accepted(env(&comment(8_388_608))), ["A=b"]);
    let error = refusal(env(&comment(8_388_609)));
    assert_eq!(error.message, "standard input is longer than 8388608 bytes");
}

#[test]
fn a_value_has_room_for_itself_alone() {
    for result in [
        env("A=bcd\nB='ef gh'"),
        json(r#"{"A":"b\u0063d","B":"ef gh"}"#),
    ] {
        for mut entry in result.ok().unwrap().entries {
            let length = entry.value.len();
            assert_eq!(entry.value.expose_mut().capacity(), length);
        }
    }
}

#[test]
fn the_longest_files_take_linear_time() {
    let long = |piece: &str| piece.repeat(MAX_FILE / 32 / piece.len());
    let started = Instant::now();
    for piece in [
        "\n", "A\n", "A=$\n", "=", "'", "A='", "A=\"\\\"", "A='b'\n", "{", " ", "\\", "{,",
        "export ",
    ] {
        let _ = env(&long(piece));
        let _ = env(&["export A=", &long(piece)].concat());
        let _ = env(&["A=\"", &long(piece)].concat());
    }
    for piece in [
        "\"A\":\"b\",",
        "\"\\u0041\":1,",
        "\"A\":\"\\n\\n\\n\\n\\n\\n\",",
        "[",
        "\\n",
        "\\ud83d\\ude00",
    ] {
        let _ = json(&["{", &long(piece)].concat());
        let _ = json(&["{\"A\":\"", &long(piece)].concat());
    }
    // Without optimisation, on a busy machine. Quadratic time would be hours.
    assert!(started.elapsed() < Duration::from_secs(60));
}
