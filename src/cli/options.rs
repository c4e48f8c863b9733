//! The options: a row says how one is spelled and explained, which commands accept it, how its value is read and where it
//! goes. The options of the fields of secrets are made from the table of types.

use super::table::Action;
use crate::request::{
    FieldSources, FileOrStdin, Format, Globals, IfExists, KeySource, List, Scope, Source,
};
use crate::secret::{FIELDS, Field, FileFlag, KINDS, Kind, SecretBytes, VALUE};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Duration;

/// An option; its long name identifies it.
#[derive(Clone, Copy)]
pub struct Opt {
    /// With its dashes.
    pub long: &'static str,
    pub short: Option<char>,
    /// What stands for its value in help.
    pub placeholder: &'static str,
    /// One line, for the short help; where there are choices, what comes before them.
    pub help: &'static str,
    /// What the long help adds, wrapped by hand; may be empty.
    pub long_help: &'static str,
    /// The variable that stands in when the option is absent.
    pub variable: Option<&'static str>,
    /// The commands that accept it; `None` is every one. A `create` accepts the fields of its type only.
    pub on: Option<fn(Action) -> bool>,
    /// Whether an empty value is one.
    pub allow_empty: bool,
    pub apply: Apply,
}

/// How the value of an option is read, and where it goes. What is given `origin` keeps it for messages: the option with
/// its dashes, or the variable.
#[derive(Clone, Copy)]
pub enum Apply {
    Help,
    Version,
    Flag(Setter),
    /// Given only when attached with `=`.
    OptionalText(fn(&mut Options, Option<String>)),
    /// The error says what is wrong, to be read after "the value of …".
    Text(fn(&mut Options, String) -> Result<(), &'static str>),
    /// The first is the default.
    Choice(&'static [(&'static str, Setter)]),
    /// The word of a type of secret.
    Type,
    /// One of [`FORMATS`].
    Format,
    Bytes(fn(&mut Options, origin: &'static str, SecretBytes)),
    Path(fn(&mut Options, PathBuf)),
    File(fn(&mut Options, origin: &'static str, FileOrStdin)),
    Field(&'static Field),
    FieldFile(&'static Field),
    FromEnv,
}

type Setter = fn(&mut Options);

/// What follows an option. The same everywhere, so that a line can be cut into tokens before its command is known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    Nothing,
    /// A value only when attached with `=`.
    Optional,
    /// A value, attached or as the next word.
    Required,
}

impl Opt {
    /// Without the dashes.
    pub fn name(&self) -> &'static str {
        self.long.get(2..).unwrap_or_default()
    }

    pub fn arity(&self) -> Arity {
        use Apply::{Bytes, Choice, FieldFile, File, Format, Path, Text, Type};
        match self.apply {
            Apply::Help | Apply::Version | Apply::Flag(_) | Apply::FromEnv => Arity::Nothing,
            Apply::Field(field) if field.is_value() => Arity::Nothing,
            Apply::OptionalText(_) => Arity::Optional,
            Text(_) | Choice(_) | Type | Format | Bytes(_) | Path(_) | File(_) => Arity::Required,
            Apply::Field(_) | FieldFile(_) => Arity::Required,
        }
    }

    /// The words its value is one of, the default first; empty for other options.
    pub fn choices(&self) -> Vec<&'static str> {
        let choice = |index| match self.apply {
            Apply::Choice(choices) => choices.get(index).map(|(word, _)| *word),
            Apply::Format => FORMATS.get(index).map(|(word, _)| *word),
            Apply::Type => KINDS.iter().filter_map(|kind| kind.type_word).nth(index),
            _ => None,
        };
        (0..).map_while(choice).collect()
    }

    /// Its line in help.
    pub fn about(&self) -> String {
        let mut about = self.help.to_owned();
        let choices = self.choices();
        for (index, word) in choices.iter().enumerate() {
            let (before, after) = match choices.len() - index {
                _ if index == 0 => ("", " (the default)"),
                1 => (" or ", ""),
                _ => (", ", ""),
            };
            about.push_str(before);
            about.push_str(word);
            about.push_str(after);
        }
        about
    }

    /// What the long help adds, a line at a time.
    pub fn explanation(&self) -> String {
        let mut text = self.long_help.to_owned();
        if let Apply::FromEnv = self.apply {
            for field in FIELDS.iter().filter(|field| !field.variables.is_empty()) {
                let variables = field.variables.join(", then ");
                text.push_str(&[field.flag, ": ", &variables, "\n"].concat());
            }
        }
        let safer = match self.apply {
            Apply::Field(field) if !field.is_value() => field.file.map(|file| file.flag),
            Apply::Bytes(_) => {
                let pair = EXCLUSIVE.iter().find(|pair| pair.0 == self.long);
                pair.map(|pair| pair.1)
            }
            _ => None,
        };
        if let Some(safer) = safer {
            let newline = if text.is_empty() { "" } else { "\n" };
            let warning = "Other processes of this machine can read it there; ";
            text.push_str(&[newline, warning, safer, " is safer."].concat());
        }
        text
    }

    /// Whether it asks for a value, and takes none.
    pub fn asks(&self) -> bool {
        matches!(self.apply, Apply::Field(field) if field.is_value())
    }

    pub fn is_global(&self) -> bool {
        self.on.is_none()
    }

    /// Whether a secret of this type can be given with it.
    pub fn fits(&self, kind: &Kind) -> bool {
        match self.apply {
            Apply::Field(field) | Apply::FieldFile(field) => kind.fields.contains(field),
            Apply::FromEnv => kind.has_variables(),
            _ => true,
        }
    }

    /// Whether it can't be on a line with another.
    pub fn conflicts(&self, other: &Self) -> bool {
        match (self.apply, other.apply) {
            (Apply::Field(one), Apply::FieldFile(two))
            | (Apply::FieldFile(one), Apply::Field(two)) => one == two,
            _ => EXCLUSIVE
                .iter()
                .any(|pair| *pair == (self.long, other.long) || *pair == (other.long, self.long)),
        }
    }
}

/// What the options say, each read as soon as it is met.
#[derive(Default)]
pub struct Options {
    pub globals: Globals,
    pub scope: Scope,
    pub kind: Option<&'static Kind>,
    pub sources: FieldSources,
    /// The option or variable that reads standard input.
    pub stdin: Option<&'static str>,
    pub description: Option<String>,
    pub if_exists: IfExists,
    pub dry_run: bool,
    pub force: bool,
    pub ignore_missing: bool,
    pub list: List,
}

impl Options {
    /// Reads one option, or the variable `origin` that stands in for it.
    ///
    /// # Errors
    /// What is wrong with the value, without the value.
    pub fn set(
        &mut self,
        option: &Opt,
        value: Option<OsString>,
        origin: &'static str,
    ) -> Result<(), String> {
        let quote = if origin.starts_with('-') { "'" } else { "" };
        let wrong = |what: &str| format!("the value of {quote}{origin}{quote} {what}");
        let text = |value: OsString| value.into_string().map_err(|_| wrong("is not UTF-8"));
        let not_one = || wrong(&format!("is not one of {}", option.choices().join(", ")));
        let is_given = value.is_some();
        let value = value.unwrap_or_default();
        if is_given && value.is_empty() && !option.allow_empty {
            return match option.apply {
                // Nothing is a way to say "none" where the field is optional.
                Apply::Field(field) if !field.required => Ok(()),
                _ => Err(wrong("is empty")),
            };
        }
        match option.apply {
            // These ended the line.
            Apply::Help | Apply::Version => {}
            Apply::Flag(set) => set(self),
            Apply::FromEnv => self.sources.from_env = true,
            Apply::OptionalText(set) if is_given => set(self, Some(text(value)?)),
            Apply::OptionalText(set) => set(self, None),
            Apply::Text(set) => set(self, text(value)?).map_err(wrong)?,
            Apply::Choice(choices) => {
                let chosen = choices.iter().find(|(word, _)| value == *word);
                chosen.ok_or_else(not_one)?.1(self);
            }
            Apply::Type => {
                let mut kinds = KINDS.iter();
                let chosen = kinds.find(|kind| kind.type_word.is_some_and(|word| value == word));
                self.kind = Some(chosen.ok_or_else(not_one)?);
            }
            Apply::Format => self.globals.format = format(&value).ok_or_else(not_one)?,
            Apply::Bytes(set) => set(self, origin, bytes(value)),
            Apply::Path(set) => set(self, PathBuf::from(value)),
            Apply::File(set) => {
                let file = self.file(value, origin)?;
                set(self, origin, file);
            }
            Apply::Field(field) if field.is_value() => self.sources.ask = true,
            Apply::Field(field) => self.give(field, Source::Argument(bytes(value))),
            Apply::FieldFile(field) => {
                let file = self.file(value, origin)?;
                self.give(field, Source::File(file));
            }
        }
        Ok(())
    }

    fn set_key(&mut self, key: KeySource) {
        self.globals.api_key = key;
    }

    fn give(&mut self, field: &'static Field, source: Source) {
        self.sources.given.push((field, source));
    }

    /// A file that is read, perhaps standard input, which can be read for one thing only.
    fn file(&mut self, value: OsString, origin: &'static str) -> Result<FileOrStdin, String> {
        if value != "-" {
            return Ok(FileOrStdin::Path(PathBuf::from(value)));
        }
        // A variable was there before the line.
        let (first, second) = match self.stdin.replace(origin) {
            None => return Ok(FileOrStdin::Stdin),
            Some(first) if origin.starts_with('-') => (first, origin),
            Some(first) => (origin, first),
        };
        Err(format!(
            "'{first}' and '{second}' can't both read standard input"
        ))
    }
}

pub fn bytes(value: OsString) -> SecretBytes {
    SecretBytes::new(value.into_vec())
}

/// Pairs that can't be on the same line, beside a field and its file.
const EXCLUSIVE: &[(&str, &str)] = &[("--api-key", "--api-key-file"), ("--team", "--personal")];

/// The default first.
const FORMATS: &[(&str, Format)] = &[
    ("pretty", Format::Pretty),
    ("text", Format::Text),
    ("json", Format::Json),
    ("ndjson", Format::Ndjson),
];

pub fn format(word: &OsStr) -> Option<Format> {
    let chosen = FORMATS.iter().find(|(name, _)| word == *name);
    chosen.map(|(_, format)| *format)
}

/// A day: longer is a mistyped number.
const MAX_TIMEOUT: Duration = Duration::from_secs(86_400);

/// A decimal number above 0 and up to [`MAX_TIMEOUT`]. Digits past the ninth place are below a nanosecond.
fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let mut nanoseconds = 0u32;
    let mut unit = 100_000_000u32;
    for digit in fraction.bytes().take(9) {
        nanoseconds += u32::from(digit - b'0') * unit;
        unit /= 10;
    }
    let total = Duration::new(whole.parse().ok()?, nanoseconds);
    (!total.is_zero() && total <= MAX_TIMEOUT).then_some(total)
}

const OPTION: Opt = Opt {
    long: "",
    short: None,
    placeholder: "",
    help: "",
    long_help: "",
    variable: None,
    on: None,
    allow_empty: false,
    apply: Apply::Help,
};

const CREATE_OR_UPDATE: Option<fn(Action) -> bool> =
    Some(|action| matches!(action, Action::Create(_) | Action::Update));

const DELETE: Option<fn(Action) -> bool> = Some(|action| action == Action::Delete);

/// The commands about one secret.
const ON_A_SECRET: Option<fn(Action) -> bool> =
    Some(|action| matches!(action, Action::Create(_) | Action::Update | Action::Delete));

/// Those, and `list`.
const ON_SECRETS: Option<fn(Action) -> bool> =
    Some(|action| !matches!(action, Action::Group | Action::Completions | Action::Help));

const fn of_field(field: &'static Field) -> Opt {
    Opt {
        long: field.flag,
        placeholder: field.placeholder,
        help: field.help,
        long_help: field.long_help,
        on: CREATE_OR_UPDATE,
        apply: Apply::Field(field),
        ..OPTION
    }
}

const fn of_file(field: &'static Field, file: FileFlag) -> Opt {
    Opt {
        long: file.flag,
        short: file.short,
        placeholder: "FILE",
        help: file.help,
        long_help: file.long_help,
        on: CREATE_OR_UPDATE,
        apply: Apply::FieldFile(field),
        ..OPTION
    }
}

const TYPE: Opt = Opt {
    long: "--type",
    short: Some('t'),
    placeholder: "TYPE",
    long_help: "\
A raw value is any text; anthropic-api-key is what 'create anthropic api-key' sets.",
    on: Some(|action| matches!(action, Action::Create(kind) if kind.is_raw())),
    apply: Apply::Type,
    ..OPTION
};

const TRIM_NEWLINE: Opt = Opt {
    long: "--trim-newline",
    help: "Drop one final newline from the value",
    long_help: "\
Exactly one LF or CRLF. Keys and fields of typed secrets always lose theirs.",
    on: Some(|action| match action {
        Action::Create(kind) => kind.is_raw(),
        action => action == Action::Update,
    }),
    apply: Apply::Flag(|options| options.sources.trim_newline = true),
    ..OPTION
};

/// Those after the options of fields.
const OTHERS: &[Opt] = &[
    Opt {
        long: "--from-env",
        help: "Take fields that are not given from the AWS variables",
        on: CREATE_OR_UPDATE,
        apply: Apply::FromEnv,
        ..OPTION
    },
    Opt {
        long: "--description",
        short: Some('d'),
        placeholder: "TEXT",
        help: "A description; everyone who sees the secret can read it",
        on: CREATE_OR_UPDATE,
        allow_empty: true,
        apply: Apply::Text(|options, text| {
            options.description = Some(text);
            Ok(())
        }),
        ..OPTION
    },
    Opt {
        long: "--team",
        placeholder: "UID",
        help: "In your team's scope; with several teams, --team=UID",
        on: ON_SECRETS,
        apply: Apply::OptionalText(|options, uid| {
            options.scope = uid.map_or(Scope::Team, Scope::TeamUid);
        }),
        ..OPTION
    },
    Opt {
        long: "--personal",
        help: "In your personal scope",
        on: ON_SECRETS,
        apply: Apply::Flag(|options| options.scope = Scope::Personal),
        ..OPTION
    },
    Opt {
        long: "--if-exists",
        placeholder: "ACTION",
        help: "When the name is taken: ",
        long_help: "\
'fail' ends with exit code 5; 'skip' leaves the secret as it is and ends with 0;
'update' replaces the value of a secret of the same type.",
        on: Some(|action| matches!(action, Action::Create(_))),
        apply: Apply::Choice(&[
            ("fail", |options| options.if_exists = IfExists::Fail),
            ("skip", |options| options.if_exists = IfExists::Skip),
            ("update", |options| options.if_exists = IfExists::Update),
        ]),
        ..OPTION
    },
    Opt {
        long: "--force",
        help: "Delete without asking",
        on: DELETE,
        apply: Apply::Flag(|options| options.force = true),
        ..OPTION
    },
    Opt {
        long: "--ignore-missing",
        help: "Succeed when there is no such secret",
        on: DELETE,
        apply: Apply::Flag(|options| options.ignore_missing = true),
        ..OPTION
    },
    Opt {
        long: "--dry-run",
        help: "Check everything and change nothing",
        long_help: "\
Says what would be done, with the length of the value and never the value.",
        on: ON_A_SECRET,
        apply: Apply::Flag(|options| options.dry_run = true),
        ..OPTION
    },
    Opt {
        long: "--api-key",
        placeholder: "KEY",
        help: "The API key; better given in WARP_API_KEY",
        variable: Some("WARP_API_KEY"),
        // A configuration mistake, refused with the other keys that are none.
        allow_empty: true,
        apply: Apply::Bytes(|options, origin, key| {
            options.set_key(KeySource::Text { origin, key });
        }),
        ..OPTION
    },
    Opt {
        long: "--api-key-file",
        placeholder: "FILE",
        help: "Read the API key from FILE or '-'",
        variable: Some("WARP_API_KEY_FILE"),
        apply: Apply::File(|options, origin, path| {
            options.set_key(KeySource::File { origin, path });
        }),
        ..OPTION
    },
    Opt {
        long: "--output-format",
        placeholder: "FORMAT",
        long_help: "\
With json and ndjson, errors are one JSON document on standard error.",
        variable: Some("WARP_OUTPUT_FORMAT"),
        apply: Apply::Format,
        ..OPTION
    },
    Opt {
        long: "--server-root-url",
        placeholder: "URL",
        help: "The server; https://app.warp.dev by default",
        variable: Some("WARP_SERVER_ROOT_URL"),
        apply: Apply::Text(|options, url| {
            options.globals.server_root_url = Some(url);
            Ok(())
        }),
        ..OPTION
    },
    Opt {
        long: "--ca-file",
        placeholder: "FILE",
        help: "Trust the certificates in FILE as well (PEM)",
        apply: Apply::Path(|options, path| options.globals.ca_file = Some(path)),
        ..OPTION
    },
    Opt {
        long: "--timeout",
        placeholder: "SECONDS",
        help: "Give up after that long; 60 by default",
        long_help: "\
Bounds the whole run, retries included, prompts not. A fraction is fine; at most 86400.",
        apply: Apply::Text(|options, text| {
            options.globals.timeout =
                seconds(&text).ok_or("is not a number of seconds above 0 and up to 86400")?;
            Ok(())
        }),
        ..OPTION
    },
    Opt {
        long: "--no-input",
        help: "Never ask, even at a terminal",
        apply: Apply::Flag(|options| options.globals.no_input = true),
        ..OPTION
    },
    Opt {
        long: "--debug",
        help: "Say on standard error what is done, without secrets",
        apply: Apply::Flag(|options| options.globals.debug = true),
        ..OPTION
    },
    Opt {
        long: "--help",
        short: Some('h'),
        help: "Show help: -h for short, --help with examples",
        apply: Apply::Help,
        ..OPTION
    },
    Opt {
        long: "--version",
        short: Some('V'),
        help: "Show the version; with --debug, or -VV, the build",
        apply: Apply::Version,
        ..OPTION
    },
];

/// In the order of the help.
pub static OPTIONS: [Opt; FOUND.1] = match FOUND.0.first_chunk() {
    Some(options) => *options,
    None => [OPTION; FOUND.1],
};

#[allow(
    clippy::indexing_slicing,
    reason = "runs in the compiler, which refuses an index out of bounds"
)]
const FOUND: ([Opt; 64], usize) = {
    let mut options = [OPTION; 64];
    options[0] = TYPE;
    let mut count = add_field(&mut options, 1, &VALUE);
    options[count] = TRIM_NEWLINE;
    count += 1;
    let mut index = 0;
    while index < FIELDS.len() {
        if !FIELDS[index].is_value() {
            count = add_field(&mut options, count, FIELDS[index]);
        }
        index += 1;
    }
    index = 0;
    while index < OTHERS.len() {
        options[count] = OTHERS[index];
        count += 1;
        index += 1;
    }
    (options, count)
};

#[allow(
    clippy::indexing_slicing,
    reason = "runs in the compiler, which refuses an index out of bounds"
)]
const fn add_field(options: &mut [Opt; 64], count: usize, field: &'static Field) -> usize {
    options[count] = of_field(field);
    match field.file {
        None => count + 1,
        Some(file) => {
            options[count + 1] = of_file(field, file);
            count + 2
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_decimal() {
        for text in [
            "",
            "0",
            "0.0",
            "-1",
            "+1",
            "1e3",
            "inf",
            ".",
            "1.",
            ".5",
            "1.2.3",
            "86400.1",
            "99999999999999999999",
            "1 ",
            "0x1",
        ] {
            assert_eq!(seconds(text), None, "{text:?}");
        }
        for (text, nanoseconds) in [
            ("1", 1_000_000_000),
            ("0.5", 500_000_000),
            ("0.000000001", 1),
            ("2.0000000009", 2_000_000_000),
            ("86400", 86_400_000_000_000),
        ] {
            assert_eq!(
                seconds(text).map(|d| d.as_nanos()),
                Some(nanoseconds),
                "{text}"
            );
        }
    }
}
