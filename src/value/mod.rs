//! The value of a secret, from its sources to the plaintext that is sealed, in three steps: [`read`] takes what the command
//! line names, [`Unvalidated::fit`] holds it to a type, [`Incomplete::complete`] asks for what is missing.
//!
//! The steps are apart because an update learns the type from the server: what holds for every type is checked before
//! the network is touched, and everything that can be checked is checked before a person types.

mod api_key;
mod dotenv;
pub mod import;
pub mod line_editor;
mod payload;
pub mod process;
mod source;
pub mod terminal;
mod validate;

pub use api_key::api_key;
pub use import::{Entry, read_import};
pub use payload::Fields;
pub use source::Io;

use crate::error::{Error, ErrorKind};
use crate::request::{FieldSources, FileOrStdin, Source};
use crate::secret::{FIELDS, Field, Kind, SecretBytes, SecretName, Syntax, VALUE};
use crate::text;
use source::{Origin, RawField, too_long};

/// Asks a person. Two implementations: the process's terminal, and the script of a unit test.
pub trait Terminal {
    /// `--no-input` takes the permission away.
    fn permit(&mut self, permitted: bool);

    /// Whether there is someone to ask.
    fn available(&self) -> bool;

    /// Turns echo off until something is asked or [`Terminal::release`], where there is someone to ask: what is typed
    /// meanwhile is not shown, and is no answer. Ctrl-C still ends the program.
    fn prepare(&mut self);

    /// Says what the questions are about, before the first of them.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] where there is nowhere to ask.
    fn announce(&mut self, line: &str) -> Result<(), Error>;

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

/// What the sources held, checked as far as every type of secret agrees.
pub struct Unvalidated {
    /// For an update, which replaces all fields of a secret.
    is_update: bool,
    given: Vec<RawField>,
    /// From `--from-env`; which of them count depends on the type, so they are not checked yet.
    found: Vec<RawField>,
    from_env: bool,
    /// Named to be read from standard input, which is a terminal: to be asked for, optional or not.
    prompt_for: Option<&'static Field>,
}

/// Reads every source that is named: arguments first, standard input last, because it may have to be waited for.
///
/// The type is known for a create. Where it is not, a value that is asked for and not given is read from standard input
/// unless that is a terminal; [`Unvalidated::fit`] refuses it if the type turns out to have none.
///
/// # Errors
/// [`ErrorKind::Unreadable`] for files and standard input; [`ErrorKind::InvalidData`] for what no secret can hold.
pub fn read(
    sources: FieldSources,
    kind: Option<&Kind>,
    io: &mut Io<'_>,
) -> Result<Unvalidated, Error> {
    let FieldSources {
        given: named,
        from_env,
        trim_newline,
        ask,
    } = sources;
    let mut given: Vec<RawField> = Vec::with_capacity(named.len());
    let mut stdin_for = None;
    let mut value_named = false;
    for (field, source) in named {
        value_named |= field.is_value();
        match source {
            Source::File(FileOrStdin::Stdin) => stdin_for = Some(field),
            Source::File(FileOrStdin::Path(path)) => {
                given.push(checked(
                    RawField::from_file(field, &path, io)?,
                    trim_newline,
                )?);
            }
            Source::Argument(bytes) => {
                let one = RawField::new(field, Origin::Argument(field.flag), bytes);
                given.push(checked(one, trim_newline)?);
            }
        }
    }
    // On a terminal a field is asked for, hidden: read like a file it would be shown as it is typed.
    let prompt_for = stdin_for.filter(|_| io.stdin_is_terminal);
    let has_value = kind.is_none_or(Kind::has_value);
    if ask && has_value && !value_named && stdin_for.is_none() {
        stdin_for = Some(&VALUE);
    }
    if let Some(field) = stdin_for
        && !io.stdin_is_terminal
    {
        given.push(checked(
            RawField::from_stdin(field, io.stdin)?,
            trim_newline,
        )?);
    }
    let mut found = Vec::new();
    if from_env {
        for field in FIELDS {
            let is_named = given.iter().any(|one| one.field == field);
            if !is_named && prompt_for != Some(field) {
                found.extend(RawField::from_environment(field, io.env));
            }
        }
    }
    Ok(Unvalidated {
        is_update: kind.is_none(),
        given,
        found,
        from_env,
        prompt_for,
    })
}

/// Drops the final newline where that is asked for, and checks what holds for every type.
fn checked(mut one: RawField, trim_newline: bool) -> Result<RawField, Error> {
    if trim_newline && one.field.is_value() {
        one.trim_newline()?;
    }
    one.check()?;
    Ok(one)
}

impl Unvalidated {
    /// Holds what was read to a type. `interactive` says whether what is missing can be asked for.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for fields that the type does not have, and for missing ones that nobody can be asked for;
    /// [`ErrorKind::InvalidData`] for a value the type cannot hold.
    pub fn fit(
        self,
        kind: &Kind,
        name: &SecretName,
        interactive: bool,
    ) -> Result<Incomplete, Error> {
        if self.from_env && !kind.has_variables() {
            return Err(unsupported("--from-env", kind, name));
        }
        let mut named = self
            .given
            .iter()
            .map(|one| one.field)
            .chain(self.prompt_for);
        if let Some(field) = named.find(|field| !kind.fields.contains(field)) {
            let what = match field.is_value() {
                true => "a single value",
                false => field.flag,
            };
            return Err(unsupported(what, kind, name));
        }
        let mut incomplete = Incomplete {
            slots: kind.fields.iter().map(|field| (field, None)).collect(),
            is_update: self.is_update,
            from_env: self.from_env,
            prompt_for: self.prompt_for,
            name: name.clone(),
            interactive,
            notes: Vec::new(),
        };
        for one in self.given {
            incomplete.take(one)?;
        }
        for one in self.found {
            if kind.fields.contains(one.field) {
                one.check()?;
                incomplete.take(one)?;
            }
        }
        let missing: Vec<&Field> = incomplete
            .missing()
            .filter(|field| field.required || self.prompt_for == Some(field))
            .collect();
        if !interactive && !missing.is_empty() {
            return Err(incomplete.not_given(&missing));
        }
        Ok(incomplete)
    }
}

/// Everything that was given, held to the type; what is missing can be asked for.
pub struct Incomplete {
    /// One a field, in the type's order.
    slots: Vec<(&'static Field, Option<SecretBytes>)>,
    is_update: bool,
    from_env: bool,
    prompt_for: Option<&'static Field>,
    name: SecretName,
    interactive: bool,
    /// What the user should know of what was given: one sentence each, without prefix.
    notes: Vec<String>,
}

impl Incomplete {
    fn take(&mut self, mut given: RawField) -> Result<(), Error> {
        let mut slots = self.slots.iter_mut();
        let Some((field, slot)) = slots.find(|(field, _)| *field == given.field) else {
            return Ok(());
        };
        if field.syntax != Syntax::Raw {
            given.trim_newline()?;
        } else if is_one_line(&given) {
            self.notes.push(
                "the value ends with a newline, which is stored too; --trim-newline drops it"
                    .to_owned(),
            );
        }
        check(field, &given.origin, &given.bytes, &self.name)?;
        *slot = Some(given.bytes);
        Ok(())
    }

    fn missing(&self) -> impl Iterator<Item = &'static Field> {
        self.slots
            .iter()
            .filter(|(_, slot)| slot.is_none())
            .map(|(field, _)| *field)
    }

    /// Required fields are missing, and nobody can be asked.
    fn not_given(&self, missing: &[&Field]) -> Error {
        let mut flags: Vec<&str> = Vec::new();
        let mut files: Vec<&str> = Vec::new();
        let mut unset: Vec<&str> = Vec::new();
        for field in missing {
            match field.file {
                Some(file) if field.is_value() => flags.push(file.flag),
                file => {
                    flags.push(field.flag);
                    files.extend(file.map(|file| file.flag));
                }
            }
            if self.prompt_for != Some(field) {
                unset.extend(field.variables);
            }
        }
        let mut message = ["missing ", &joined(flags)].concat();
        let mut ways = String::from("values can also be ");
        if !files.is_empty() {
            ways.push_str(&["read from a file with ", &joined(files), "; "].concat());
        }
        if missing.iter().any(|field| field.is_value()) {
            ways.push_str("piped in, or read from a file with -f FILE; ");
        }
        if self.from_env && !unset.is_empty() {
            let verb = if unset.len() == 1 { " is" } else { " are" };
            message.push_str(&["; ", &joined(unset), verb, " not set, or empty"].concat());
        } else if !unset.is_empty() {
            ways.push_str("taken from the environment with --from-env; ");
        }
        ways.push_str("typed at a terminal, without --no-input");
        if self.is_update && self.slots.len() > 1 {
            ways.insert_str(0, "stored fields can't be read back, so all are needed; ");
        }
        Error::usage(message).hint(ways)
    }

    /// Prepares the terminal where something will be asked: before the network is waited for, so that nothing typed
    /// meanwhile is shown.
    pub fn prepare(&self, terminal: &mut dyn Terminal) {
        if self.interactive && self.missing().next().is_some() {
            terminal.prepare();
        }
    }

    /// Asks for what is missing, in the type's order, under a line that says what it is for, and gives the terminal back.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`] by the person, or by an empty answer to a required field; [`ErrorKind::Terminated`];
    /// [`ErrorKind::InvalidData`] for an answer that stayed wrong.
    pub fn complete(mut self, purpose: &str, terminal: &mut dyn Terminal) -> Result<Fields, Error> {
        let asked = if self.interactive {
            self.ask(purpose, terminal)
        } else {
            Ok(())
        };
        // Whatever came of it, the terminal goes back first.
        let surplus = terminal.release();
        asked?;
        if surplus {
            let note = "more was typed than was asked for, and thrown away";
            self.notes.push(note.to_owned());
        }
        let missing: Vec<&Field> = self.missing().filter(|field| field.required).collect();
        if !missing.is_empty() {
            return Err(self.not_given(&missing));
        }
        let given = self.slots.into_iter();
        let mut fields = Fields {
            fields: given
                .filter_map(|(field, slot)| Some((field, slot?)))
                .collect(),
            notes: self.notes,
        };
        // An endpoint of one's own has keys of its own.
        if !fields.has("--base-url") {
            for (field, value) in &fields.fields {
                if let Some(note) = validate::note(field, value.expose()) {
                    fields.notes.push(note);
                }
            }
        }
        Ok(fields)
    }

    fn ask(&mut self, purpose: &str, terminal: &mut dyn Terminal) -> Result<(), Error> {
        if self.missing().next().is_some() {
            terminal.announce(purpose)?;
            let required = self.slots.iter().filter(|(field, _)| field.required);
            if self.is_update && required.count() > 1 {
                terminal.announce("Stored fields can't be read back, so all are needed")?;
            }
        }
        for (field, slot) in &mut self.slots {
            if slot.is_none() {
                *slot = ask_one(field, &self.name, terminal)?;
            }
        }
        Ok(())
    }
}

/// Asks until the answer fits. `None` is an optional field that was skipped.
fn ask_one(
    field: &'static Field,
    name: &SecretName,
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
                let message = "nothing was typed; nothing was stored";
                Err(Error::new(ErrorKind::Cancelled, message))
            } else {
                Ok(None)
            };
        }
        let given = RawField::new(field, Origin::Prompt, answer);
        let checked = given
            .check()
            .and_then(|()| check(field, &given.origin, &given.bytes, name));
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

/// What a type asks of a value that is not empty, and text.
fn check(
    field: &Field,
    origin: &Origin,
    value: &SecretBytes,
    name: &SecretName,
) -> Result<(), Error> {
    let limit = field.limit.of(name);
    if value.len() > limit {
        return Err(too_long(origin, limit));
    }
    validate::check(field.syntax, value.expose()).map_err(|fault| {
        Error::invalid_data(format!("{} {}", origin.subject(), fault.what)).hint(fault.hint)
    })
}

/// Whether it is what `echo` writes: one line, and the newline that its author hardly thought of.
fn is_one_line(given: &RawField) -> bool {
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

/// Something was given that the type has no place for.
fn unsupported(what: &str, kind: &Kind, name: &SecretName) -> Error {
    let flags = kind.fields.iter().map(|field| match field.is_value() {
        true => "--value or -f FILE",
        false => field.flag,
    });
    let flags = joined(flags.collect());
    Error::usage(format!(
        "'{}' is of type {}, which does not take {what}",
        text::safe(name.as_str()),
        kind.label
    ))
    .hint(format!("that type takes {flags}"))
}

/// `a`, `a and b`, `a, b and c`.
fn joined(words: Vec<&str>) -> String {
    match &words[..] {
        [first @ .., last] if !first.is_empty() => [&first.join(", "), " and ", last].concat(),
        words => words.concat(),
    }
}

#[cfg(test)]
mod tests;
