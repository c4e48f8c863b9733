use super::*;
use crate::env::Environment;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

fn kind(wire: &str) -> &'static Kind {
    Kind::from_wire(wire).unwrap()
}

fn field(flag: &str) -> &'static Field {
    FIELDS.iter().find(|field| field.flag == flag).unwrap()
}

/// Answers in order; after the last one everything is cancelled.
#[derive(Default)]
struct Script {
    answers: Vec<&'static str>,
    asked: Vec<&'static str>,
    said: Vec<String>,
    prepared: usize,
    released: usize,
    surplus: bool,
}

impl Terminal for Script {
    fn permit(&mut self, _: bool) {}

    fn available(&self) -> bool {
        true
    }

    fn ask(&mut self, field: &Field) -> Result<SecretBytes, Error> {
        self.asked.push(field.prompt);
        if self.answers.is_empty() {
            return Err(Error::cancelled());
        }
        Ok(SecretBytes::new(self.answers.remove(0).into()))
    }

    fn announce(&mut self, _: &str) -> Result<(), Error> {
        Ok(())
    }

    fn say(&mut self, line: &str) {
        self.said.push(line.to_owned());
    }

    fn prepare(&mut self) {
        self.prepared += 1;
    }

    fn release(&mut self) -> bool {
        self.released += 1;
        self.surplus
    }

    fn confirm(&mut self, _: &str, _: &str) -> Result<bool, Error> {
        Err(Error::cancelled())
    }
}

/// One run's surroundings, in short.
struct Case {
    given: Vec<(&'static Field, Source)>,
    from_env: bool,
    trim_newline: bool,
    ask: bool,
    stdin: &'static [u8],
    terminal: bool,
    env: &'static [(&'static str, &'static str)],
    name: String,
}

fn case() -> Case {
    Case {
        given: Vec::new(),
        from_env: false,
        trim_newline: false,
        ask: true,
        stdin: b"",
        terminal: false,
        env: &[],
        name: "NAME".to_owned(),
    }
}

fn argument(id: &'static Field, text: &str) -> (&'static Field, Source) {
    (id, Source::Argument(SecretBytes::new(text.into())))
}

impl Case {
    fn draft(self, kind: Option<&'static Kind>) -> Result<Unvalidated, Error> {
        let Self { env, mut stdin, .. } = self;
        let env = Environment::new(move |name| {
            let found = env.iter().find(|(key, _)| *key == name)?;
            Some(OsString::from(found.1))
        });
        let sources = FieldSources {
            given: self.given,
            from_env: self.from_env,
            trim_newline: self.trim_newline,
            ask: self.ask,
        };
        let mut io = Io {
            stdin: &mut stdin,
            stdin_is_terminal: self.terminal,
            env: &env,
            timeout: Duration::ZERO,
        };
        read(sources, kind, &mut io)
    }

    fn fitted(self, kind: &'static Kind) -> Result<Incomplete, Error> {
        let interactive = self.terminal;
        let name = SecretName::parse(&self.name).unwrap();
        self.draft(Some(kind))?.fit(kind, &name, interactive)
    }

    /// As an update does it: the kind is learned after reading.
    fn updated(self, kind: &'static Kind) -> Result<Incomplete, Error> {
        let interactive = self.terminal;
        let name = SecretName::parse(&self.name).unwrap();
        self.draft(None)?.fit(kind, &name, interactive)
    }
}

/// The payload, or the code and the message.
fn done(fitted: Result<Incomplete, Error>, terminal: &mut Script) -> String {
    let fields = fitted.and_then(|fitted| fitted.complete("", terminal));
    match fields {
        Ok(fields) => String::from_utf8(fields.payload().expose().to_vec()).unwrap(),
        Err(error) => format!("{}: {}", error.code(), error.message),
    }
}

fn hint(fitted: Result<Incomplete, Error>) -> String {
    let error = fitted.err().unwrap();
    error.hint.clone().unwrap()
}

/// What only tests ask of a fitted draft.
impl Incomplete {
    /// The length of all values together in bytes, unless a required one is still to be asked for.
    fn known_length(&self) -> Option<usize> {
        if self.missing().any(|field| field.required) {
            return None;
        }
        let values = self.slots.iter().filter_map(|(_, slot)| slot.as_ref());
        Some(values.map(SecretBytes::len).sum())
    }

    fn has(&self, flag: &str) -> bool {
        self.slots
            .iter()
            .any(|(field, slot)| field.flag == flag && slot.is_some())
    }
}

#[test]
fn a_raw_value_arrives_byte_for_byte() {
    for (stdin, trim_newline, expected, notes) in [
        (&b"v"[..], false, r#"{"value":"v"}"#, 0),
        (b"v\n", false, r#"{"value":"v\n"}"#, 1),
        (b"v\r\n", false, r#"{"value":"v\r\n"}"#, 1),
        (b"\n", false, r#"{"value":"\n"}"#, 1),
        (b"a\nb\n", false, r#"{"value":"a\nb\n"}"#, 0),
        (b"a\nb", false, r#"{"value":"a\nb"}"#, 0),
        (b" v ", false, r#"{"value":" v "}"#, 0),
        (b"v\n", true, r#"{"value":"v"}"#, 0),
        (b"v\n\n", true, r#"{"value":"v\n"}"#, 0),
        (b"a\nb\n", true, r#"{"value":"a\nb"}"#, 0),
        (b"v", true, r#"{"value":"v"}"#, 0),
    ] {
        for update in [false, true] {
            let case = Case {
                stdin,
                trim_newline,
                ..case()
            };
            let fitted = match update {
                false => case.fitted(kind("RAW_VALUE")),
                true => case.updated(kind("RAW_VALUE")),
            };
            let fitted = fitted.unwrap_or_else(|error| panic!("{error:?}"));
            assert_eq!(fitted.notes.len(), notes, "{stdin:?}");
            assert!(fitted.has("--value") && !fitted.has("--region"));
            let length = fitted.known_length();
            assert!(length == Some(stdin.len()) || trim_newline);
            assert_eq!(done(Ok(fitted), &mut Script::default()), expected);
        }
    }
}

#[test]
fn a_newline_alone_is_refused_where_it_is_dropped() {
    for (stdin, trim_newline, kind) in [
        (&b""[..], false, kind("RAW_VALUE")),
        (b"\n", true, kind("RAW_VALUE")),
        (b"\r\n", true, kind("RAW_VALUE")),
        (b"", false, kind("ANTHROPIC_API_KEY")),
        (b"\n", false, kind("ANTHROPIC_API_KEY")),
    ] {
        let case = Case {
            stdin,
            trim_newline,
            ..case()
        };
        let what = if stdin.is_empty() {
            "empty"
        } else {
            "only a newline"
        };
        assert_eq!(
            done(case.fitted(kind), &mut Script::default()),
            format!("65: standard input is {what}")
        );
    }
}

#[test]
fn typed_tokens_lose_one_newline_and_are_checked() {
    for (stdin, trim_newline, expected) in [
        (&b"k\n"[..], false, r#"{"api_key":"k"}"#),
        (b"k\r\n", false, r#"{"api_key":"k"}"#),
        (b"k\n", true, r#"{"api_key":"k"}"#),
        (
            b"k\n\n",
            true,
            "65: standard input holds a line break at byte offset 1",
        ),
        (
            b"k\n\n",
            false,
            "65: standard input holds a line break at byte offset 1",
        ),
        (
            b"K=v",
            false,
            "65: standard input is an assignment, not a key",
        ),
    ] {
        let case = Case {
            stdin,
            trim_newline,
            ..case()
        };
        let fitted = case.fitted(kind("OPENAI_API_KEY"));
        assert_eq!(done(fitted, &mut Script::default()), expected);
    }
}

#[test]
fn a_value_fits_its_variable() {
    // NAME=value and NUL; for a typed one ANTHROPIC_API_KEY=value and NUL.
    for (name, kind, longest) in [
        ("N", kind("RAW_VALUE"), 131_069),
        ("NAME", kind("RAW_VALUE"), 131_066),
        ("N", kind("ANTHROPIC_API_KEY"), 131_053),
    ] {
        for (length, fits) in [(longest, true), (longest + 1, false)] {
            let value: &'static [u8] = Vec::leak(vec![b'a'; length]);
            let case = Case {
                stdin: value,
                name: name.to_owned(),
                ..case()
            };
            let expected = format!("standard input is longer than {longest} bytes");
            match case.fitted(kind) {
                Ok(fitted) => assert!(fits && fitted.known_length() == Some(length)),
                Err(error) => assert!(
                    !fits && error.code() == 65 && error.message == expected,
                    "{error:?}"
                ),
            }
        }
    }
    // One byte more than any name allows is found while reading; a newline that will go does not count.
    let longest: &'static [u8] = Vec::leak([vec![b'a'; 131_069], b"\r\n".to_vec()].concat());
    let case = Case {
        stdin: longest,
        trim_newline: true,
        name: "N".to_owned(),
        ..case()
    };
    assert!(case.fitted(kind("RAW_VALUE")).is_ok());
}

#[test]
fn fields_come_from_anywhere() {
    let given = || {
        vec![
            argument(field("--region"), "eu-west-1"),
            (
                field("--secret-access-key"),
                Source::File(FileOrStdin::Stdin),
            ),
        ]
    };
    let env: &[_] = &[
        ("AWS_ACCESS_KEY_ID", "AKIA"),
        ("AWS_SECRET_ACCESS_KEY", "ignored"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_BEARER_TOKEN_BEDROCK", "of another type\0"),
    ];
    let expected =
        r#"{"aws_access_key_id":"AKIA","aws_secret_access_key":"s3","aws_region":"eu-west-1"}"#;
    for update in [false, true] {
        let case = Case {
            given: given(),
            from_env: true,
            stdin: b"s3\n",
            env,
            ..case()
        };
        let fitted = match update {
            false => case.fitted(kind("ANTHROPIC_BEDROCK_ACCESS_KEY")),
            true => case.updated(kind("ANTHROPIC_BEDROCK_ACCESS_KEY")),
        };
        assert_eq!(done(fitted, &mut Script::default()), expected);
    }
    let bad = Case {
        from_env: true,
        env: &[
            ("AWS_BEARER_TOKEN_BEDROCK", "k"),
            ("AWS_DEFAULT_REGION", "the moon"),
        ],
        ..case()
    };
    assert_eq!(
        done(
            bad.fitted(kind("ANTHROPIC_BEDROCK_API_KEY")),
            &mut Script::default()
        ),
        "65: the variable AWS_DEFAULT_REGION holds a space at byte offset 3"
    );
}

#[test]
fn standard_input_is_read_only_for_a_value_that_is_asked_for() {
    let kinds = [
        kind("ANTHROPIC_BEDROCK_API_KEY"),
        kind("ANTHROPIC_BEDROCK_ACCESS_KEY"),
        kind("DOCKER_REGISTRY"),
    ];
    for kind in kinds {
        let case = Case {
            stdin: b"\0 not looked at",
            ..case()
        };
        let message = done(case.fitted(kind), &mut Script::default());
        assert!(message.starts_with("2: missing --"), "{message}");
    }
    let unasked = Case {
        given: vec![argument(field("--base-url"), "https://h")],
        ask: false,
        stdin: b"\0 not looked at",
        ..case()
    };
    let message = done(
        unasked.updated(kind("OPENAI_API_KEY")),
        &mut Script::default(),
    );
    assert_eq!(message, "2: missing --value-file");
}

#[test]
fn what_is_missing_is_named_at_once() {
    let table: [(&'static Kind, &str, &str); 3] = [
        (
            kind("ANTHROPIC_BEDROCK_ACCESS_KEY"),
            "2: missing --access-key-id, --secret-access-key and --region",
            "values can also be read from a file with --access-key-id-file and --secret-access-key-file; taken from the environment with --from-env; typed at a terminal, without --no-input",
        ),
        (
            kind("ANTHROPIC_BEDROCK_API_KEY"),
            "2: missing --bedrock-api-key and --region",
            "values can also be read from a file with --bedrock-api-key-file; taken from the environment with --from-env; typed at a terminal, without --no-input",
        ),
        (
            kind("DOCKER_REGISTRY"),
            "2: missing --host, --username and --password",
            "values can also be read from a file with --password-file; typed at a terminal, without --no-input",
        ),
    ];
    for (kind, message, advice) in table {
        assert_eq!(done(case().fitted(kind), &mut Script::default()), message);
        assert_eq!(hint(case().fitted(kind)), advice);
    }
    // A terminal that may not be used.
    let name = SecretName::parse("N").unwrap();
    let on_terminal = Case {
        terminal: true,
        ..case()
    };
    let draft = on_terminal
        .draft(Some(kind("RAW_VALUE")))
        .unwrap_or_else(|_| panic!());
    let refused = draft.fit(kind("RAW_VALUE"), &name, false);
    assert_eq!(
        done(refused, &mut Script::default()),
        "2: missing --value-file"
    );
}

#[test]
fn a_dash_on_a_terminal_means_to_be_asked() {
    let with_token = || Case {
        given: vec![
            argument(field("--access-key-id"), "AKIA"),
            argument(field("--secret-access-key"), "s"),
            argument(field("--region"), "us-east-1"),
            (field("--session-token"), Source::File(FileOrStdin::Stdin)),
        ],
        from_env: true,
        env: &[("AWS_SESSION_TOKEN", "of the environment")],
        terminal: true,
        ..case()
    };
    let mut script = Script {
        answers: vec!["typed"],
        ..Script::default()
    };
    let access_key = kind("ANTHROPIC_BEDROCK_ACCESS_KEY");
    assert_eq!(
        done(with_token().fitted(access_key), &mut script),
        r#"{"aws_access_key_id":"AKIA","aws_secret_access_key":"s","aws_session_token":"typed","aws_region":"us-east-1"}"#
    );
    // Where nobody may be asked it is missing, optional as it is.
    let name = SecretName::parse("N").unwrap();
    let draft = with_token().draft(None).unwrap_or_else(|_| panic!());
    let refused = draft.fit(access_key, &name, false);
    assert_eq!(
        done(refused, &mut Script::default()),
        "2: missing --session-token"
    );
    let foreign = Case {
        given: vec![(field("--session-token"), Source::File(FileOrStdin::Stdin))],
        terminal: true,
        ..case()
    };
    let message = done(
        foreign.updated(kind("DOCKER_REGISTRY")),
        &mut Script::default(),
    );
    assert!(message.ends_with("which does not take --session-token"));
}

#[test]
fn fields_of_another_type_are_refused_by_name_of_the_stored_one() {
    let region = || vec![argument(field("--region"), "us-east-1")];
    let case_with = |given, stdin, from_env, ask| Case {
        given,
        stdin,
        from_env,
        ask,
        ..case()
    };
    for (fitted, message, advice) in [
        (
            case_with(region(), b"", false, false).updated(kind("RAW_VALUE")),
            "2: 'NAME' is of type Raw Value, which does not take --region",
            "that type takes --value or -f FILE",
        ),
        (
            case_with(Vec::new(), b"v", false, true).updated(kind("ANTHROPIC_BEDROCK_API_KEY")),
            "2: 'NAME' is of type Anthropic Bedrock API Key, which does not take a single value",
            "that type takes --bedrock-api-key and --region",
        ),
        (
            case_with(Vec::new(), b"", true, false).updated(kind("DOCKER_REGISTRY")),
            "2: 'NAME' is of type Docker Registry, which does not take --from-env",
            "that type takes --host, --username and --password",
        ),
    ] {
        let error = fitted.err().unwrap();
        assert_eq!(format!("{}: {}", error.code(), error.message), message);
        assert_eq!(error.hint.as_deref(), Some(advice));
    }
}

#[test]
fn sources_are_judged_before_standard_input_is_waited_for() {
    struct Untouched;
    impl std::io::Read for Untouched {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            panic!("standard input was read");
        }
    }
    let env = Environment::new(|_| None);
    for (source, code) in [
        (argument(field("--base-url"), ""), 65),
        (
            (
                field("--password"),
                Source::File(FileOrStdin::Path(PathBuf::from("/nonexistent"))),
            ),
            66,
        ),
    ] {
        let sources = FieldSources {
            given: vec![
                (
                    field("--secret-access-key"),
                    Source::File(FileOrStdin::Stdin),
                ),
                source,
            ],
            from_env: false,
            trim_newline: false,
            ask: true,
        };
        let mut io = Io {
            stdin: &mut Untouched,
            stdin_is_terminal: false,
            env: &env,
            timeout: Duration::ZERO,
        };
        assert_eq!(
            read(sources, None, &mut io).err().map(|e| e.code()),
            Some(code)
        );
    }
}

fn ask(kind: &'static Kind, answers: &[&'static str]) -> (String, Script) {
    let mut script = Script {
        answers: answers.to_vec(),
        ..Script::default()
    };
    let case = Case {
        terminal: true,
        stdin: b"\0 not looked at",
        ..case()
    };
    let text = done(case.fitted(kind), &mut script);
    (text, script)
}

#[test]
fn questions_come_in_order_and_optional_ones_can_be_skipped() {
    for (kind, answers, expected, asked) in [
        (kind("RAW_VALUE"), &[" v "][..], r#"{"value":" v "}"#, 1),
        (
            kind("ANTHROPIC_BEDROCK_ACCESS_KEY"),
            &[" AKIA ", "s", "", "us-east-1\t"],
            r#"{"aws_access_key_id":"AKIA","aws_secret_access_key":"s","aws_region":"us-east-1"}"#,
            4,
        ),
        (
            kind("OPENAI_API_KEY"),
            &["k", "https://h"],
            r#"{"api_key":"k","base_url":"https://h"}"#,
            2,
        ),
        (
            kind("OPENAI_API_KEY"),
            &["k", "  "],
            r#"{"api_key":"k"}"#,
            2,
        ),
        (
            kind("DOCKER_REGISTRY"),
            &["h", ""],
            "130: nothing was typed; nothing was stored",
            2,
        ),
        (kind("DOCKER_REGISTRY"), &["h"], "130: cancelled", 2),
        (
            kind("RAW_VALUE"),
            &[""],
            "130: nothing was typed; nothing was stored",
            1,
        ),
    ] {
        let (text, script) = ask(kind, answers);
        assert_eq!(text, expected);
        let prompts: Vec<&str> = kind.fields.iter().map(|field| field.prompt).collect();
        assert_eq!(script.asked, prompts[..asked]);
        assert_eq!(script.released, 1);
    }
}

#[test]
fn a_wrong_answer_is_asked_for_again_three_times_in_all() {
    let (text, script) = ask(kind("ANTHROPIC_API_KEY"), &["a b", "K=v", "key"]);
    assert_eq!(text, r#"{"api_key":"key"}"#);
    assert_eq!(
        script.said,
        [
            "the answer holds a space at byte offset 1: give it alone, without blanks",
            "the answer is an assignment, not a key: give only what stands after the equals sign"
        ]
    );
    let (text, script) = ask(
        kind("ANTHROPIC_API_KEY"),
        &["a b", "K=v", "\u{1f511}", "key"],
    );
    assert_eq!(
        text,
        "65: the answer holds a character that is not ASCII at byte offset 0"
    );
    assert_eq!((script.said.len(), script.released), (2, 1));
}

#[test]
fn what_was_given_is_not_asked_for() {
    let mut script = Script {
        answers: vec!["s"],
        surplus: true,
        ..Script::default()
    };
    let case = Case {
        given: vec![
            argument(field("--host"), "ghcr.io"),
            argument(field("--username"), "me"),
            // Standard input is the terminal: asked for, not read with echo on.
            (field("--password"), Source::File(FileOrStdin::Stdin)),
        ],
        terminal: true,
        ..case()
    };
    let fitted = case
        .fitted(kind("DOCKER_REGISTRY"))
        .unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!(fitted.known_length(), None);
    fitted.prepare(&mut script);
    assert_eq!(script.prepared, 1);
    let fields = fitted
        .complete("", &mut script)
        .unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!(script.asked, ["Password:"]);
    assert_eq!(fields.length(), 10);
    assert_eq!(fields.notes.len(), 1);
    assert!(fields.has("--password") && !fields.has("--value"));

    let mut untouched = Script::default();
    let complete = Case {
        stdin: b"v",
        ..self::case()
    };
    let fitted = complete.fitted(kind("RAW_VALUE"));
    fitted.as_ref().ok().unwrap().prepare(&mut untouched);
    assert_eq!(untouched.prepared, 0);
    assert_eq!(done(fitted, &mut untouched), r#"{"value":"v"}"#);
    assert_eq!((untouched.asked.len(), untouched.released), (0, 1));
}
