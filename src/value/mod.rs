//! Owns the value of a secret, from its sources to the plaintext that is sealed, in three steps: [`read`] takes what
//! the command line names, [`Draft::fit`] holds it to a kind, [`Fitted::complete`] asks for what is missing.
//! Must not know accounts, the network, or how anything is sealed.
//!
//! The steps are apart because an update learns the kind from the server: what holds for every kind is checked
//! before the network is touched, and everything that can be checked is checked before a person types.

mod key;
pub mod line;
mod payload;
pub mod process;
mod shape;
mod source;
pub mod terminal;

pub use key::api_key;
pub use payload::Fields;
pub use source::{Io, MAX_VALUE};

use crate::command::{Input, Inputs, Source};
use crate::error::Error;
use crate::secret::{Field, FieldId, Form, Kind, MAX_VARIABLE, SecretBytes, SecretName};
use crate::text;
use source::{Given, MAX_PASSWORD, Origin, too_long};

/// Asks a person. Two implementations: the process's terminal, and the script of a unit test.
pub trait Terminal {
    /// `--no-input` takes the permission away.
    fn permit(&mut self, permitted: bool);

    /// Whether there is someone to ask.
    fn available(&self) -> bool;

    /// Turns echo off until something is asked or [`Terminal::release`], where there is someone to ask: what is typed
    /// meanwhile is not shown, and is no answer. Ctrl-C still ends the program.
    fn prepare(&mut self);

    /// Asks for one field; an empty answer is an answer. What was typed before the question is not.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`], [`ErrorKind::Terminated`], [`ErrorKind::InvalidData`] for several lines at a hidden prompt, or
    /// [`ErrorKind::Usage`] where there is nowhere to ask.
    fn ask(&mut self, field: &Field) -> Result<SecretBytes, Error>;

    /// Says something between two questions.
    fn say(&mut self, line: &str);

    /// Gives the terminal back after the last [`Terminal::ask`], and tells whether more lines came with an answer than
    /// were asked for, which were thrown away.
    fn release(&mut self) -> bool;

    /// Asks for a yes, and gives the terminal back.
    ///
    /// # Errors
    /// As [`Terminal::ask`].
    fn confirm(&mut self, question: &str, help: &str) -> Result<bool, Error>;
}

/// How often one field is asked for: a person mistypes, a script does so for ever.
const ATTEMPTS: u8 = 3;

/// What the sources held, checked as far as every kind of secret agrees.
pub struct Draft {
    given: Vec<Given>,
    /// From `--from-env`; which of them count depends on the kind, so they are not checked yet.
    found: Vec<Given>,
    from_env: bool,
    /// Named to be read from standard input, which is a terminal: to be asked for, optional or not.
    awaited: Option<FieldId>,
}

/// Reads every source that is named: arguments first, standard input last, because it may have to be waited for.
///
/// `kind` is known for a create. Where it is not, a value that is asked for and not given is read from standard input
/// unless that is a terminal; [`Draft::fit`] refuses it if the kind turns out to have none.
///
/// # Errors
/// [`ErrorKind::Unreadable`] for files and standard input; [`ErrorKind::InvalidData`] for what no secret can hold.
pub fn read(inputs: Inputs, kind: Option<Kind>, io: &mut Io<'_>) -> Result<Draft, Error> {
    let Inputs {
        given: named,
        from_env,
        trim_newline,
        ask,
    } = inputs;
    let mut given: Vec<Given> = Vec::with_capacity(named.len());
    let mut stdin_for = None;
    let mut value_named = false;
    for (id, source) in named {
        value_named |= id == FieldId::Value;
        if matches!(source, Source::File(Input::Stdin)) {
            stdin_for = Some(id);
            continue;
        }
        let mut one = Given::read(id, source, io)?;
        settle_newline(&mut one, trim_newline);
        one.check()?;
        given.push(one);
    }
    // On a terminal a field is asked for, hidden: read like a file it would be shown as it is typed.
    let awaited = stdin_for.filter(|_| io.stdin_is_terminal);
    let takes_value =
        kind.is_none_or(|kind| kind.fields().iter().any(|field| field.id == FieldId::Value));
    if ask && takes_value && !value_named && stdin_for.is_none() {
        stdin_for = Some(FieldId::Value);
    }
    if let Some(id) = stdin_for
        && !io.stdin_is_terminal
    {
        let mut one = Given::from_stdin(id, io.stdin)?;
        settle_newline(&mut one, trim_newline);
        one.check()?;
        given.push(one);
    }
    let mut found = Vec::new();
    if from_env {
        for id in ENVIRONMENT_FIELDS {
            if awaited != Some(id) && !given.iter().any(|one| one.id == id) {
                found.extend(Given::from_environment(id, io.env));
            }
        }
    }
    Ok(Draft {
        given,
        found,
        from_env,
        awaited,
    })
}

/// The fields that `--from-env` covers.
const ENVIRONMENT_FIELDS: [FieldId; 5] = [
    FieldId::BedrockApiKey,
    FieldId::AccessKeyId,
    FieldId::SecretAccessKey,
    FieldId::SessionToken,
    FieldId::Region,
];

fn settle_newline(given: &mut Given, trim_newline: bool) {
    if trim_newline && given.id == FieldId::Value {
        given.trim_newline();
    }
}

impl Draft {
    /// Holds what was read to a kind. `interactive` says whether what is missing can be asked for.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for fields that the kind does not have, and for missing ones that nobody can be asked for;
    /// [`ErrorKind::InvalidData`] for a value the kind cannot hold.
    pub fn fit(self, kind: Kind, name: &SecretName, interactive: bool) -> Result<Fitted, Error> {
        let Self {
            given,
            found,
            from_env,
            awaited,
        } = self;
        if from_env && !kind.fields().iter().any(is_from_environment) {
            return Err(foreign("--from-env", kind, name));
        }
        let mut fitted = Fitted {
            slots: kind.fields().iter().map(|field| (field, None)).collect(),
            name: name.clone(),
            interactive,
            notes: Vec::new(),
        };
        let mut named = given.iter().map(|one| one.id).chain(awaited);
        if let Some(id) = named.find(|id| !kind.fields().iter().any(|field| field.id == *id)) {
            let what = match id {
                FieldId::Value => "a single value",
                id => id.flag(),
            };
            return Err(foreign(what, kind, name));
        }
        for one in given {
            fitted.take(one)?;
        }
        for one in found {
            if kind.fields().iter().any(|field| field.id == one.id) {
                one.check()?;
                fitted.take(one)?;
            }
        }
        let missing: Vec<&Field> = fitted
            .missing()
            .filter(|field| field.required || awaited == Some(field.id))
            .collect();
        if !interactive && !missing.is_empty() {
            return Err(not_given(&missing));
        }
        Ok(fitted)
    }
}

/// Everything that was given, held to the kind; what is missing can be asked for.
pub struct Fitted {
    /// One a field, in the kind's order.
    slots: Vec<(&'static Field, Option<SecretBytes>)>,
    name: SecretName,
    interactive: bool,
    notes: Vec<String>,
}

impl Fitted {
    fn take(&mut self, given: Given) -> Result<(), Error> {
        let mut given = given;
        let name_length = self.name.as_str().len();
        for (field, slot) in &mut self.slots {
            if field.id == given.id {
                if field.form != Form::Raw {
                    given.trim_newline();
                } else if is_one_line(&given) {
                    self.notes.push(
                        "the value ends with a newline, which is stored too; --trim-newline drops it"
                            .to_owned(),
                    );
                }
                check(field, &given.origin, &given.bytes, name_length)?;
                *slot = Some(given.bytes);
                return Ok(());
            }
        }
        Ok(())
    }

    fn missing(&self) -> impl Iterator<Item = &'static Field> {
        self.slots
            .iter()
            .filter(|(_, slot)| slot.is_none())
            .map(|(field, _)| *field)
    }

    /// Prepares the terminal where something will be asked: before the network is waited for, so that nothing typed
    /// meanwhile is shown.
    pub fn prepare(&self, terminal: &mut dyn Terminal) {
        if self.interactive && self.missing().next().is_some() {
            terminal.prepare();
        }
    }

    /// Asks for what is missing, in the kind's order, and gives the terminal back.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`] by the person, or by an empty answer to a required field; [`ErrorKind::Terminated`];
    /// [`ErrorKind::InvalidData`] for an answer that stayed wrong.
    pub fn complete(mut self, terminal: &mut dyn Terminal) -> Result<Fields, Error> {
        let asked = if self.interactive {
            self.ask(terminal)
        } else {
            Ok(())
        };
        // Whatever came of it, the terminal goes back first.
        let surplus = terminal.release();
        asked?;
        let mut notes = Vec::new();
        if surplus {
            notes.push("more was typed than was asked for, and thrown away".to_owned());
        }
        let missing: Vec<&Field> = self.missing().filter(|field| field.required).collect();
        if !missing.is_empty() {
            return Err(not_given(&missing));
        }
        Ok(Fields {
            fields: self
                .slots
                .into_iter()
                .filter_map(|(field, slot)| Some((field, slot?)))
                .collect(),
            notes,
        })
    }

    fn ask(&mut self, terminal: &mut dyn Terminal) -> Result<(), Error> {
        let name_length = self.name.as_str().len();
        for (field, slot) in &mut self.slots {
            if slot.is_none() {
                *slot = ask_one(field, name_length, terminal)?;
            }
        }
        Ok(())
    }

    /// What the user should know of what was given: one sentence each, without prefix.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

/// Asks until the answer fits. `None` is an optional field that was skipped.
fn ask_one(
    field: &Field,
    name_length: usize,
    terminal: &mut dyn Terminal,
) -> Result<Option<SecretBytes>, Error> {
    let mut attempt = 1;
    loop {
        let mut answer = terminal.ask(field)?;
        if !field.hidden {
            trim_blanks(answer.expose_mut());
        }
        if answer.is_empty() {
            return if field.required {
                Err(Error::cancelled())
            } else {
                Ok(None)
            };
        }
        let given = Given {
            id: field.id,
            origin: Origin::Prompt,
            bytes: answer,
            trimmed: true,
        };
        let checked = given
            .check()
            .and_then(|()| check(field, &given.origin, &given.bytes, name_length));
        match checked {
            Ok(()) => return Ok(Some(given.bytes)),
            Err(error) if attempt >= ATTEMPTS => return Err(error),
            Err(error) => {
                match &error.hint {
                    Some(hint) => terminal.say(&format!("{}: {hint}", error.message)),
                    None => terminal.say(&error.message),
                }
                attempt += 1;
            }
        }
    }
}

/// What a kind asks of a value that is not empty, and text.
fn check(
    field: &Field,
    origin: &Origin,
    value: &SecretBytes,
    name_length: usize,
) -> Result<(), Error> {
    if value.is_empty() {
        return Err(origin.is_empty());
    }
    // A run receives a raw value in a variable of the secret's own name, a typed one in a variable of the type's.
    let variable_length = match (field.form, field.variable) {
        (Form::Raw, _) => name_length,
        (_, Some(variable)) => variable.len(),
        (_, None) => 1,
    };
    let limit = match field.form {
        Form::Text => MAX_PASSWORD,
        _ => MAX_VARIABLE.saturating_sub(variable_length.saturating_add(2)),
    };
    if value.len() > limit {
        return Err(too_long(origin, limit));
    }
    shape::check(field.form, value.expose()).map_err(|fault| {
        let error = Error::invalid_data(format!("{} {}", origin.subject(), fault.what));
        match fault.hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    })
}

/// Whether it is what `echo` writes: one line, and the newline that its author hardly thought of.
fn is_one_line(given: &Given) -> bool {
    let from_outside = matches!(given.origin, Origin::Stdin(_) | Origin::File { .. });
    let bytes = given.bytes.expose();
    from_outside
        && !given.trimmed
        && bytes.iter().position(|byte| *byte == b'\n') == bytes.len().checked_sub(1)
}

fn trim_blanks(bytes: &mut Vec<u8>) {
    let kept = bytes.trim_ascii_end().len();
    bytes.truncate(kept);
    let blanks = bytes.len() - bytes.trim_ascii_start().len();
    bytes.drain(..blanks);
}

fn is_from_environment(field: &Field) -> bool {
    !field.id.environment().is_empty()
}

/// Something was given that the kind has no place for.
fn foreign(what: &str, kind: Kind, name: &SecretName) -> Error {
    let flags: Vec<&str> = kind.fields().iter().map(|field| option(field.id)).collect();
    Error::usage(format!(
        "'{}' is of type {}, which does not take {what}",
        text::safe(name.as_str()),
        kind.label()
    ))
    .hint(format!("that type takes {}", joined(&flags)))
}

/// Required fields are missing, and nobody can be asked.
fn not_given(missing: &[&Field]) -> Error {
    let flags: Vec<&str> = missing.iter().map(|field| field.id.flag()).collect();
    let mut ways = Vec::new();
    let files: Vec<&str> = missing
        .iter()
        .filter(|field| field.id != FieldId::Value)
        .filter_map(|field| field.id.file_flag())
        .collect();
    if !files.is_empty() {
        ways.push(format!("read from a file with {}", joined(&files)));
    }
    if missing.iter().any(|field| field.id == FieldId::Value) {
        ways.push("piped in, or read from a file with -f FILE".to_owned());
    }
    if missing.iter().any(|field| is_from_environment(field)) {
        ways.push("taken from the environment with --from-env".to_owned());
    }
    ways.push("asked for on a terminal, without --no-input".to_owned());
    let ways: Vec<&str> = ways.iter().map(String::as_str).collect();
    Error::usage(format!("missing {}", joined(&flags)))
        .hint(format!("values can also be {}", ways.join("; ")))
}

/// The option as a person would type it.
fn option(id: FieldId) -> &'static str {
    match id {
        FieldId::Value => "--value or -f FILE",
        id => id.flag(),
    }
}

/// `a`, `a and b`, `a, b and c`.
fn joined(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Environment;
    use std::ffi::OsString;
    use std::path::PathBuf;
    use std::time::Duration;

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
        given: Vec<(FieldId, Source)>,
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

    fn argument(id: FieldId, text: &str) -> (FieldId, Source) {
        (id, Source::Argument(SecretBytes::new(text.into())))
    }

    impl Case {
        fn draft(self, kind: Option<Kind>) -> Result<Draft, Error> {
            let Self { env, mut stdin, .. } = self;
            let env = Environment::new(move |name| {
                let found = env.iter().find(|(key, _)| *key == name)?;
                Some(OsString::from(found.1))
            });
            let inputs = Inputs {
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
            read(inputs, kind, &mut io)
        }

        fn fitted(self, kind: Kind) -> Result<Fitted, Error> {
            let interactive = self.terminal;
            let name = SecretName::parse(&self.name).unwrap();
            self.draft(Some(kind))?.fit(kind, &name, interactive)
        }

        /// As an update does it: the kind is learned after reading.
        fn updated(self, kind: Kind) -> Result<Fitted, Error> {
            let interactive = self.terminal;
            let name = SecretName::parse(&self.name).unwrap();
            self.draft(None)?.fit(kind, &name, interactive)
        }
    }

    /// The payload, or the code and the message.
    fn done(fitted: Result<Fitted, Error>, terminal: &mut Script) -> String {
        let fields = fitted.and_then(|fitted| fitted.complete(terminal));
        match fields {
            Ok(fields) => String::from_utf8(fields.payload().expose().to_vec()).unwrap(),
            Err(error) => format!("{}: {}", error.code(), error.message),
        }
    }

    fn hint(fitted: Result<Fitted, Error>) -> String {
        let error = fitted.err().unwrap();
        error.hint.clone().unwrap()
    }

    /// What only tests ask of a fitted draft.
    impl Fitted {
        /// The length of all values together in bytes, unless a required one is still to be asked for.
        fn known_length(&self) -> Option<usize> {
            if self.missing().any(|field| field.required) {
                return None;
            }
            let values = self.slots.iter().filter_map(|(_, slot)| slot.as_ref());
            Some(values.map(SecretBytes::len).sum())
        }

        fn has(&self, id: FieldId) -> bool {
            self.slots
                .iter()
                .any(|(field, slot)| field.id == id && slot.is_some())
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
                    false => case.fitted(Kind::RawValue),
                    true => case.updated(Kind::RawValue),
                };
                let fitted = fitted.unwrap_or_else(|error| panic!("{error:?}"));
                assert_eq!(fitted.notes().len(), notes, "{stdin:?}");
                assert!(fitted.has(FieldId::Value) && !fitted.has(FieldId::Region));
                let length = fitted.known_length();
                assert!(length == Some(stdin.len()) || trim_newline);
                assert_eq!(done(Ok(fitted), &mut Script::default()), expected);
            }
        }
    }

    #[test]
    fn a_newline_alone_is_empty_where_it_is_dropped() {
        for (stdin, trim_newline, kind) in [
            (&b""[..], false, Kind::RawValue),
            (b"\n", true, Kind::RawValue),
            (b"\r\n", true, Kind::RawValue),
            (b"", false, Kind::AnthropicApiKey),
            (b"\n", false, Kind::AnthropicApiKey),
        ] {
            let case = Case {
                stdin,
                trim_newline,
                ..case()
            };
            assert_eq!(
                done(case.fitted(kind), &mut Script::default()),
                "65: standard input is empty"
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
            let fitted = case.fitted(Kind::OpenaiApiKey);
            assert_eq!(done(fitted, &mut Script::default()), expected);
        }
    }

    #[test]
    fn a_value_fits_its_variable() {
        // NAME=value and NUL; for a typed one ANTHROPIC_API_KEY=value and NUL.
        for (name, kind, longest) in [
            ("N", Kind::RawValue, 131_069),
            ("NAME", Kind::RawValue, 131_066),
            ("N", Kind::AnthropicApiKey, 131_053),
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
        assert!(case.fitted(Kind::RawValue).is_ok());
    }

    #[test]
    fn fields_come_from_anywhere() {
        let given = || {
            vec![
                argument(FieldId::Region, "eu-west-1"),
                (FieldId::SecretAccessKey, Source::File(Input::Stdin)),
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
                false => case.fitted(Kind::AnthropicBedrockAccessKey),
                true => case.updated(Kind::AnthropicBedrockAccessKey),
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
                bad.fitted(Kind::AnthropicBedrockApiKey),
                &mut Script::default()
            ),
            "65: the variable AWS_DEFAULT_REGION holds a space at byte offset 3"
        );
    }

    #[test]
    fn standard_input_is_read_only_for_a_value_that_is_asked_for() {
        let kinds = [
            Kind::AnthropicBedrockApiKey,
            Kind::AnthropicBedrockAccessKey,
            Kind::DockerRegistry,
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
            given: vec![argument(FieldId::BaseUrl, "https://h")],
            ask: false,
            stdin: b"\0 not looked at",
            ..case()
        };
        let message = done(unasked.updated(Kind::OpenaiApiKey), &mut Script::default());
        assert_eq!(message, "2: missing --value-file");
    }

    #[test]
    fn what_is_missing_is_named_at_once() {
        let table: [(Kind, &str, &str); 3] = [
            (
                Kind::AnthropicBedrockAccessKey,
                "2: missing --access-key-id, --secret-access-key and --region",
                "values can also be read from a file with --access-key-id-file and --secret-access-key-file; taken from the environment with --from-env; asked for on a terminal, without --no-input",
            ),
            (
                Kind::AnthropicBedrockApiKey,
                "2: missing --bedrock-api-key and --region",
                "values can also be read from a file with --bedrock-api-key-file; taken from the environment with --from-env; asked for on a terminal, without --no-input",
            ),
            (
                Kind::DockerRegistry,
                "2: missing --host, --username and --password",
                "values can also be read from a file with --password-file; asked for on a terminal, without --no-input",
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
            .draft(Some(Kind::RawValue))
            .unwrap_or_else(|_| panic!());
        let refused = draft.fit(Kind::RawValue, &name, false);
        assert_eq!(
            done(refused, &mut Script::default()),
            "2: missing --value-file"
        );
    }

    #[test]
    fn a_dash_on_a_terminal_means_to_be_asked() {
        let with_token = || Case {
            given: vec![
                argument(FieldId::AccessKeyId, "AKIA"),
                argument(FieldId::SecretAccessKey, "s"),
                argument(FieldId::Region, "us-east-1"),
                (FieldId::SessionToken, Source::File(Input::Stdin)),
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
        let kind = Kind::AnthropicBedrockAccessKey;
        assert_eq!(
            done(with_token().fitted(kind), &mut script),
            r#"{"aws_access_key_id":"AKIA","aws_secret_access_key":"s","aws_session_token":"typed","aws_region":"us-east-1"}"#
        );
        // Where nobody may be asked it is missing, optional as it is.
        let name = SecretName::parse("N").unwrap();
        let draft = with_token().draft(None).unwrap_or_else(|_| panic!());
        let refused = draft.fit(kind, &name, false);
        assert_eq!(
            done(refused, &mut Script::default()),
            "2: missing --session-token"
        );
        let foreign = Case {
            given: vec![(FieldId::SessionToken, Source::File(Input::Stdin))],
            terminal: true,
            ..case()
        };
        let message = done(
            foreign.updated(Kind::DockerRegistry),
            &mut Script::default(),
        );
        assert!(message.ends_with("which does not take --session-token"));
    }

    #[test]
    fn fields_of_another_type_are_refused_by_name_of_the_stored_one() {
        let region = || vec![argument(FieldId::Region, "us-east-1")];
        let case_with = |given, stdin, from_env, ask| Case {
            given,
            stdin,
            from_env,
            ask,
            ..case()
        };
        for (fitted, message, advice) in [
            (
                case_with(region(), b"", false, false).updated(Kind::RawValue),
                "2: 'NAME' is of type Raw Value, which does not take --region",
                "that type takes --value or -f FILE",
            ),
            (
                case_with(Vec::new(), b"v", false, true).updated(Kind::AnthropicBedrockApiKey),
                "2: 'NAME' is of type Anthropic Bedrock API Key, which does not take a single value",
                "that type takes --bedrock-api-key and --region",
            ),
            (
                case_with(Vec::new(), b"", true, false).updated(Kind::DockerRegistry),
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
            (argument(FieldId::BaseUrl, ""), 65),
            (
                (
                    FieldId::Password,
                    Source::File(Input::Path(PathBuf::from("/nonexistent"))),
                ),
                66,
            ),
        ] {
            let inputs = Inputs {
                given: vec![
                    (FieldId::SecretAccessKey, Source::File(Input::Stdin)),
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
                read(inputs, None, &mut io).err().map(|e| e.code()),
                Some(code)
            );
        }
    }

    fn ask(kind: Kind, answers: &[&'static str]) -> (String, Script) {
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
            (Kind::RawValue, &[" v "][..], r#"{"value":" v "}"#, 1),
            (
                Kind::AnthropicBedrockAccessKey,
                &[" AKIA ", "s", "", "us-east-1\t"],
                r#"{"aws_access_key_id":"AKIA","aws_secret_access_key":"s","aws_region":"us-east-1"}"#,
                4,
            ),
            (
                Kind::OpenaiApiKey,
                &["k", "https://h"],
                r#"{"api_key":"k","base_url":"https://h"}"#,
                2,
            ),
            (Kind::OpenaiApiKey, &["k", "  "], r#"{"api_key":"k"}"#, 2),
            (Kind::DockerRegistry, &["h", ""], "130: cancelled", 2),
            (Kind::DockerRegistry, &["h"], "130: cancelled", 2),
            (Kind::RawValue, &[""], "130: cancelled", 1),
        ] {
            let (text, script) = ask(kind, answers);
            assert_eq!(text, expected);
            let prompts: Vec<&str> = kind.fields().iter().map(|field| field.prompt).collect();
            assert_eq!(script.asked, prompts[..asked]);
            assert_eq!(script.released, 1);
        }
    }

    #[test]
    fn a_wrong_answer_is_asked_for_again_three_times_in_all() {
        let (text, script) = ask(Kind::AnthropicApiKey, &["a b", "K=v", "key"]);
        assert_eq!(text, r#"{"api_key":"key"}"#);
        assert_eq!(
            script.said,
            [
                "the answer holds a space at byte offset 1: give it alone, without blanks",
                "the answer is an assignment, not a key: give only what stands after the equals sign"
            ]
        );
        let (text, script) = ask(Kind::AnthropicApiKey, &["a b", "K=v", "\u{1f511}", "key"]);
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
                argument(FieldId::Host, "ghcr.io"),
                argument(FieldId::Username, "me"),
                // Standard input is the terminal: asked for, not read with echo on.
                (FieldId::Password, Source::File(Input::Stdin)),
            ],
            terminal: true,
            ..case()
        };
        let fitted = case
            .fitted(Kind::DockerRegistry)
            .unwrap_or_else(|e| panic!("{e:?}"));
        assert_eq!(fitted.known_length(), None);
        fitted.prepare(&mut script);
        assert_eq!(script.prepared, 1);
        let fields = fitted
            .complete(&mut script)
            .unwrap_or_else(|e| panic!("{e:?}"));
        assert_eq!(script.asked, ["Password:"]);
        assert_eq!(fields.length(), 10);
        assert_eq!(fields.notes().len(), 1);
        assert!(fields.has(FieldId::Password) && !fields.has(FieldId::Value));

        let mut untouched = Script::default();
        let complete = Case {
            stdin: b"v",
            ..self::case()
        };
        let fitted = complete.fitted(Kind::RawValue);
        fitted.as_ref().ok().unwrap().prepare(&mut untouched);
        assert_eq!(untouched.prepared, 0);
        assert_eq!(done(fitted, &mut untouched), r#"{"value":"v"}"#);
        assert_eq!((untouched.asked.len(), untouched.released), (0, 1));
    }
}
