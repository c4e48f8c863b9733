//! Owns the value of a secret, from its sources to the plaintext that is sealed, in three steps: [`read`] takes what
//! the command line names, [`Draft::fit`] holds it to a kind, [`Fitted::complete`] asks for what is missing.
//! Must not know accounts, the network, or how anything is sealed.
//!
//! The steps are apart because an update learns the kind from the server: what holds for every kind is checked
//! before the network is touched, and everything that can be checked is checked before a person types.

mod key;
mod line;
mod payload;
pub mod process;
mod shape;
mod source;
pub mod terminal;

pub use key::api_key;
pub use payload::Fields;
pub use source::{Io, MAX_VALUE, standard_input};

use crate::command::{Input, Inputs, Source};
use crate::error::{Error, Words};
use crate::secret::{Field, FieldId, Form, Kind, MAX_VARIABLE, SecretBytes, SecretName};
use crate::text;
use source::{Given, Origin, too_long};

/// Asks a person. Two implementations: the process's terminal, and the script of a unit test.
pub trait Terminal {
    /// `--no-input` takes the permission away.
    fn permit(&mut self, permitted: bool);

    /// Whether there is someone to ask.
    fn available(&self) -> bool;

    /// Asks for one field; an empty answer is an answer.
    ///
    /// # Errors
    /// [`Error::Cancelled`], [`Error::Terminated`], or [`Error::Usage`] where there is nowhere to ask.
    fn ask(&mut self, field: &Field) -> Result<SecretBytes, Error>;

    /// Says something between two questions.
    fn say(&mut self, line: &str);

    /// Gives the terminal back after the last [`Terminal::ask`], and tells whether more had been typed than was asked
    /// for. What follows the answer to a hidden question is thrown away: it may be more of the secret.
    ///
    /// # Errors
    /// [`Error::Terminated`].
    fn release(&mut self) -> Result<bool, Error>;

    /// Asks for a yes; anything but that is a no.
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
}

/// Reads every source that is named: arguments first, standard input last, because it may have to be waited for.
///
/// `kind` is known for a create. Where it is not, a value that is asked for and not given is read from standard input
/// unless that is a terminal; [`Draft::fit`] refuses it if the kind turns out to have none.
///
/// # Errors
/// [`Error::Unreadable`] for files and standard input; [`Error::Data`] for what no secret can hold.
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
        let mut one = Given::read(id, source, io.stdin)?;
        settle_newline(&mut one, trim_newline);
        one.check()?;
        given.push(one);
    }
    let takes_value =
        kind.is_none_or(|kind| kind.fields().iter().any(|field| field.id == FieldId::Value));
    if ask && takes_value && !value_named && stdin_for.is_none() {
        stdin_for = Some(FieldId::Value);
    }
    // On a terminal a field is asked for, hidden: read like a file it would be shown as it is typed.
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
            if !given.iter().any(|one| one.id == id) {
                found.extend(Given::from_environment(id, io.env));
            }
        }
    }
    Ok(Draft {
        given,
        found,
        from_env,
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
    /// [`Error::Usage`] for fields that the kind does not have, and for missing ones that nobody can be asked for;
    /// [`Error::Data`] for a value the kind cannot hold.
    pub fn fit(self, kind: Kind, name: &SecretName, interactive: bool) -> Result<Fitted, Error> {
        let Self {
            given,
            found,
            from_env,
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
        for one in given {
            if !kind.fields().iter().any(|field| field.id == one.id) {
                let what = match one.id {
                    FieldId::Value => "a single value",
                    id => id.flag(),
                };
                return Err(foreign(what, kind, name));
            }
            fitted.take(one)?;
        }
        for one in found {
            if kind.fields().iter().any(|field| field.id == one.id) {
                one.check()?;
                fitted.take(one)?;
            }
        }
        let missing: Vec<&Field> = fitted.missing().filter(|field| field.required).collect();
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

    /// Asks for what is missing, in the kind's order, and gives the terminal back.
    ///
    /// # Errors
    /// [`Error::Cancelled`] by the person, or by an empty answer to a required field; [`Error::Terminated`];
    /// [`Error::Data`] for an answer that stayed wrong.
    pub fn complete(mut self, terminal: &mut dyn Terminal) -> Result<Fields, Error> {
        let mut notes = Vec::new();
        if self.interactive && self.missing().next().is_some() {
            let asked = self.ask(terminal);
            // Whatever came of it, the terminal goes back first.
            let released = terminal.release();
            asked?;
            if released? {
                notes.push(
                    "more was typed than was asked for, and thrown away: a value of several lines is given with -f FILE or on standard input"
                        .to_owned(),
                );
            }
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

    /// The length of all values together in bytes, unless a required one is still to be asked for.
    #[must_use]
    pub fn known_length(&self) -> Option<usize> {
        if self.missing().any(|field| field.required) {
            return None;
        }
        let values = self.slots.iter().filter_map(|(_, slot)| slot.as_ref());
        Some(values.map(SecretBytes::len).sum())
    }

    #[must_use]
    pub fn has(&self, id: FieldId) -> bool {
        self.slots
            .iter()
            .any(|(field, slot)| field.id == id && slot.is_some())
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
                Err(Error::Cancelled)
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
                let hint = error.words().and_then(|words| words.hint.as_deref());
                match hint {
                    Some(hint) => terminal.say(&format!("{}: {hint}", error.message())),
                    None => terminal.say(error.message()),
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
    let limit = MAX_VARIABLE.saturating_sub(variable_length.saturating_add(2));
    if value.len() > limit {
        return Err(too_long(origin, limit));
    }
    shape::check(field.form, value.expose()).map_err(|fault| {
        let words = Words::new(format!("{} {}", origin.subject(), fault.what));
        Error::Data(match fault.hint {
            Some(hint) => words.hint(hint),
            None => words,
        })
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
    Error::Usage(
        Words::new(format!(
            "'{}' is of type {}, which does not take {what}",
            text::safe(name.as_str()),
            kind.label()
        ))
        .hint(format!("that type takes {}", joined(&flags))),
    )
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
    Error::Usage(
        Words::new(format!("missing {}", joined(&flags)))
            .hint(format!("values can also be {}", ways.join("; "))),
    )
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
