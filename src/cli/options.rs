//! The options: a row says how one is spelled and explained, which commands accept it, how its value is read and where it
//! goes. The options of the fields of secrets are made from the table of types.

use super::table::{Action, COMMANDS, Subcommand};
use crate::request::{
    FieldSources, FileOrStdin, Format, Globals, IfExists, ImportFormat, KeySource, List, Scope,
    Source,
};
use crate::secret::{FIELDS, Field, Kind, Rows, SecretBytes, VALUE};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Duration;

/// An option; its long name identifies it.
#[derive(Clone, Copy)]
pub struct Opt {
    /// With its dashes.
    pub long: &'static str,
    pub short: Option<char>,
    /// What stands for its value in help; empty where it takes none, and `FILE` where completions offer files.
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

/// How the value of an option is read, and where it goes.
#[derive(Clone, Copy)]
pub enum Apply {
    Help,
    Version,
    Flag(Setter),
    /// Given only when attached with `=`.
    OptionalText(fn(&mut Options, Option<String>)),
    /// The error says what is wrong, to be read after "the value of …".
    Text(fn(&mut Options, String) -> Result<(), &'static str>),
    /// Need not be UTF-8. `origin` is the option with its dashes, or the variable, and kept for messages.
    Raw(fn(&mut Options, OsString, origin: &'static str) -> Result<(), String>),
    /// The first is the default.
    Choice(&'static [(&'static str, Setter)]),
    /// `--value`, which asks for the value.
    Ask,
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
        match self.apply {
            _ if self.placeholder.is_empty() => Arity::Nothing,
            Apply::OptionalText(_) => Arity::Optional,
            _ => Arity::Required,
        }
    }

    /// The words its value is one of, the default first; empty for other options.
    pub fn choices(&self) -> Vec<&'static str> {
        let mut words = Vec::new();
        if let Apply::Choice(choices) = self.apply {
            words.extend(choices.iter().map(|(word, _)| *word));
        }
        words
    }

    /// Its line in help.
    pub fn about(&self) -> String {
        let mut about = self.help.to_owned();
        if let [default, middle @ .., last] = &self.choices()[..] {
            about.push_str(&[default, " (the default)"].concat());
            for word in middle {
                about.push_str(&[", ", word].concat());
            }
            about.push_str(&[" or ", last].concat());
        }
        about
    }

    /// What the long help adds, a line at a time.
    pub fn explanation(&self) -> String {
        let mut text = self.long_help.to_owned();
        match self.apply {
            Apply::FromEnv => {
                for field in FIELDS.iter().filter(|field| !field.variables.is_empty()) {
                    let variables = field.variables.join(", then ");
                    text.push_str(&[field.flag, ": ", &variables, "\n"].concat());
                }
            }
            Apply::Field(Field {
                file: Some(file), ..
            }) => {
                let newline = if text.is_empty() { "" } else { "\n" };
                let warning = "Other processes of this machine can read it there; ";
                text.push_str(&[newline, warning, file.flag, " is safer."].concat());
            }
            _ => {}
        }
        text
    }

    pub fn is_global(&self) -> bool {
        self.on.is_none()
    }

    /// Whether the command itself accepts it.
    pub fn is_accepted_by(&self, command: &Subcommand) -> bool {
        self.on.is_none_or(|on| on(command.action))
            && match command.action {
                Action::Create(kind) => self.fits(kind),
                _ => true,
            }
    }

    /// Whether the command or one below it does.
    pub fn is_accepted_below(&self, command: &Subcommand) -> bool {
        COMMANDS
            .iter()
            .any(|below| below.words.starts_with(command.words) && self.is_accepted_by(below))
    }

    /// Whether a secret of this type can be given with it.
    pub fn fits(&self, kind: &Kind) -> bool {
        match self.apply {
            Apply::Ask => kind.has_value(),
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
    pub format: ImportFormat,
    pub skip_empty: bool,
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
            Apply::Ask => self.sources.ask = true,
            Apply::FromEnv => self.sources.from_env = true,
            Apply::OptionalText(set) => set(self, is_given.then(|| text(value)).transpose()?),
            Apply::Text(set) => set(self, text(value)?).map_err(wrong)?,
            Apply::Raw(set) => set(self, value, origin)?,
            Apply::Choice(choices) => {
                let chosen = choices.iter().find(|(word, _)| value == *word);
                let Some((_, set)) = chosen else {
                    let words = option.choices().join(", ");
                    return Err(wrong(&format!("is not one of {words}")));
                };
                set(self);
            }
            Apply::Field(field) => self.give(field, Source::Argument(bytes(value))),
            Apply::FieldFile(field) => {
                let file = self.file(value, origin)?;
                self.give(field, Source::File(file));
            }
        }
        Ok(())
    }

    fn give(&mut self, field: &'static Field, source: Source) {
        self.sources.given.push((field, source));
    }

    /// A file that is read, perhaps standard input, which can be read for one thing only.
    pub fn file(&mut self, value: OsString, origin: &'static str) -> Result<FileOrStdin, String> {
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
const EXCLUSIVE: &[(&str, &str)] = &[
    ("--api-key", "--api-key-file"),
    ("--team", "--personal"),
    ("--value", "--value-file"),
];

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

/// What a row leaves out. `apply` has no default, so that an option without a handler does not compile.
const fn option(apply: Apply) -> Opt {
    Opt {
        long: "",
        short: None,
        placeholder: "",
        help: "",
        long_help: "",
        variable: None,
        on: None,
        allow_empty: false,
        apply,
    }
}

const CREATE_OR_UPDATE: Option<fn(Action) -> bool> =
    Some(|action| matches!(action, Action::Create(_) | Action::Update));

const IMPORT: Option<fn(Action) -> bool> = Some(|action| action == Action::Import);

const DELETE: Option<fn(Action) -> bool> = Some(|action| action == Action::Delete);

/// The commands that change secrets.
const ON_WRITES: Option<fn(Action) -> bool> = Some(is_write);

/// Those, and `list`.
const ON_SECRETS: Option<fn(Action) -> bool> =
    Some(|action| is_write(action) || action == Action::List);

fn is_write(action: Action) -> bool {
    matches!(
        action,
        Action::Create(_) | Action::Update | Action::Delete | Action::Import
    )
}

const TYPE: Opt = Opt {
    long: "--type",
    short: Some('t'),
    placeholder: "TYPE",
    long_help: "\
A raw value is any text; anthropic-api-key is what 'create anthropic api-key' sets.",
    on: Some(|action| matches!(action, Action::Create(kind) if kind.is_raw())),
    ..option(Apply::Choice(&[
        ("raw-value", |options| {
            options.kind = Kind::from_wire("RAW_VALUE")
        }),
        ("anthropic-api-key", |options| {
            options.kind = Kind::from_wire("ANTHROPIC_API_KEY")
        }),
    ]))
};

const ASK: Opt = Opt {
    long: "--value",
    help: "Ask for a new value, or read it from standard input",
    long_help: "\
Takes no value itself: at a terminal you are asked, otherwise standard input is read.",
    // The value of a new secret is asked for anyway.
    on: Some(|action| action == Action::Update),
    ..option(Apply::Ask)
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
    ..option(Apply::Flag(|options| options.sources.trim_newline = true))
};

/// Those after the options of fields.
const OTHERS: &[Opt] = &[
    Opt {
        long: "--from-env",
        help: "Take fields that are not given from the AWS variables",
        on: CREATE_OR_UPDATE,
        ..option(Apply::FromEnv)
    },
    Opt {
        long: "--description",
        short: Some('d'),
        placeholder: "TEXT",
        help: "A description; everyone who sees the secret can read it",
        on: CREATE_OR_UPDATE,
        allow_empty: true,
        ..option(Apply::Text(|options, text| {
            options.description = Some(text);
            Ok(())
        }))
    },
    Opt {
        long: "--team",
        placeholder: "UID",
        help: "In your team's scope; with several teams, --team=UID",
        on: ON_SECRETS,
        ..option(Apply::OptionalText(|options, uid| {
            options.scope = uid.map_or(Scope::Team, Scope::TeamUid);
        }))
    },
    Opt {
        long: "--personal",
        help: "In your personal scope",
        on: ON_SECRETS,
        ..option(Apply::Flag(|options| options.scope = Scope::Personal))
    },
    Opt {
        long: "--if-exists",
        placeholder: "ACTION",
        help: "When the name is taken: ",
        long_help: "\
'fail' ends with exit code 5; 'skip' leaves the secret as it is and ends with 0;
'update' replaces the value of a secret of the same type.",
        on: Some(|action| matches!(action, Action::Create(_) | Action::Import)),
        ..option(Apply::Choice(&[
            ("fail", |options| options.if_exists = IfExists::Fail),
            ("skip", |options| options.if_exists = IfExists::Skip),
            ("update", |options| options.if_exists = IfExists::Update),
        ]))
    },
    Opt {
        long: "--format",
        placeholder: "FORMAT",
        help: "The format of the file: ",
        on: IMPORT,
        ..option(Apply::Choice(&[
            ("env", |options| options.format = ImportFormat::Env),
            ("json", |options| options.format = ImportFormat::Json),
        ]))
    },
    Opt {
        long: "--skip-empty",
        help: "Skip names whose value is empty",
        on: IMPORT,
        ..option(Apply::Flag(|options| options.skip_empty = true))
    },
    Opt {
        long: "--force",
        help: "Delete without asking",
        on: DELETE,
        ..option(Apply::Flag(|options| options.force = true))
    },
    Opt {
        long: "--ignore-missing",
        help: "Succeed when there is no such secret",
        on: DELETE,
        ..option(Apply::Flag(|options| options.ignore_missing = true))
    },
    Opt {
        long: "--names",
        help: "Only the names, one a line, each once",
        on: Some(|action| action == Action::List),
        ..option(Apply::Flag(|options| options.list.names_only = true))
    },
    Opt {
        long: "--dry-run",
        help: "Check everything and change nothing",
        long_help: "\
Says what would be done, with the length of the value and never the value.",
        on: ON_WRITES,
        ..option(Apply::Flag(|options| options.dry_run = true))
    },
    Opt {
        long: "--api-key",
        placeholder: "KEY",
        help: "The API key; better given in WARP_API_KEY",
        long_help: "Other processes of this machine can read it there; --api-key-file is safer.",
        variable: Some("WARP_API_KEY"),
        // A configuration mistake, refused with the other keys that are none.
        allow_empty: true,
        ..option(Apply::Raw(|options, value, origin| {
            let key = bytes(value);
            options.globals.api_key = KeySource::Text { origin, key };
            Ok(())
        }))
    },
    Opt {
        long: "--api-key-file",
        placeholder: "FILE",
        help: "Read the API key from FILE or '-'",
        variable: Some("WARP_API_KEY_FILE"),
        ..option(Apply::Raw(|options, value, origin| {
            let path = options.file(value, origin)?;
            options.globals.api_key = KeySource::File { origin, path };
            Ok(())
        }))
    },
    Opt {
        long: "--output-format",
        placeholder: "FORMAT",
        long_help: "\
With json and ndjson, errors are one JSON document on standard error.",
        variable: Some("WARP_OUTPUT_FORMAT"),
        ..option(Apply::Choice(&[
            ("pretty", |options| options.globals.format = Format::Pretty),
            ("text", |options| options.globals.format = Format::Text),
            ("json", |options| options.globals.format = Format::Json),
            ("ndjson", |options| options.globals.format = Format::Ndjson),
        ]))
    },
    Opt {
        long: "--server-root-url",
        placeholder: "URL",
        help: "The server; https://app.warp.dev by default",
        variable: Some("WARP_SERVER_ROOT_URL"),
        ..option(Apply::Text(|options, url| {
            options.globals.server_root_url = Some(url);
            Ok(())
        }))
    },
    Opt {
        long: "--ca-file",
        placeholder: "FILE",
        help: "Trust the certificates in FILE as well (PEM)",
        ..option(Apply::Raw(|options, path, _| {
            options.globals.ca_file = Some(path.into());
            Ok(())
        }))
    },
    Opt {
        long: "--timeout",
        placeholder: "SECONDS",
        help: "Give up after that long; 60 by default",
        long_help: "\
Bounds the whole run, retries included, prompts not. A fraction is fine; at most 86400.
By default, an import has 2 more for each secret.",
        ..option(Apply::Text(|options, text| {
            options.globals.timeout = seconds(&text);
            let is_valid = options.globals.timeout.is_some();
            is_valid
                .then_some(())
                .ok_or("is not a number of seconds above 0 and up to 86400")
        }))
    },
    Opt {
        long: "--no-input",
        help: "Never ask, even at a terminal",
        ..option(Apply::Flag(|options| options.globals.no_input = true))
    },
    Opt {
        long: "--debug",
        help: "Say on standard error what is done, without secrets",
        ..option(Apply::Flag(|options| options.globals.debug = true))
    },
    Opt {
        long: "--help",
        short: Some('h'),
        help: "Show help: -h for short, --help with examples",
        ..option(Apply::Help)
    },
    Opt {
        long: "--version",
        short: Some('V'),
        help: "Show the version; with --debug, -VV or as JSON, the build",
        ..option(Apply::Version)
    },
];

/// In the order of the help.
pub static OPTIONS: [Opt; OPTION_ROWS.length] = OPTION_ROWS.to_array();

const OPTION_ROWS: Rows<Opt> = {
    let mut rows = Rows::new(option(Apply::Help));
    rows.extend(&[TYPE, ASK]);
    add_file(&mut rows, &VALUE);
    rows.push(TRIM_NEWLINE);
    let mut fields = FIELDS.as_slice();
    while let [field, rest @ ..] = fields {
        if !field.is_value() {
            rows.push(Opt {
                long: field.flag,
                placeholder: field.placeholder,
                help: field.help,
                long_help: field.long_help,
                on: CREATE_OR_UPDATE,
                ..option(Apply::Field(field))
            });
            add_file(&mut rows, field);
        }
        fields = rest;
    }
    rows.extend(OTHERS);
    rows
};

const fn add_file(rows: &mut Rows<Opt>, field: &'static Field) {
    if let Some(file) = field.file {
        rows.push(Opt {
            long: file.flag,
            short: file.short,
            placeholder: "FILE",
            help: file.help,
            long_help: file.long_help,
            on: CREATE_OR_UPDATE,
            ..option(Apply::FieldFile(field))
        });
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
