//! Owns reading an argument vector: words and options into a command, the first problem from left to right.
//! Must not know more of an option than the table says, and never repeats what it could not read: a mistyped word
//! may be a secret. The only file that names lexopt, whose own messages hold values and are dropped.

use super::table::{self, Command, Does, Id, Opt, Shape, Takes};
use super::{Misuse, completions, help, suggest};
use crate::command::{
    Change, Create, DEFAULT_TIMEOUT, Delete, Format, Globals, IfExists, Input, Inputs, Invocation,
    KeySource, List, Request, Scope, Source, Target, Update, Verb,
};
use crate::env::Environment;
use crate::error::Error;
use crate::secret::{FieldId, Kind, NameFault, SecretBytes, SecretName};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Duration;

pub fn parse(args: Vec<OsString>, env: &Environment) -> Result<Invocation, Misuse> {
    if args.is_empty() {
        return Ok(Invocation::Print(help::short(table::root())));
    }
    let tokens = cut(args);
    let format = wanted(&tokens, env);
    walk(tokens)
        .and_then(|end| match end {
            End::Text(text) => Ok(Invocation::Print(text)),
            End::Line(line) => build(*line, env),
        })
        .map_err(|error| Misuse { error, format })
}

/// One piece of the line.
enum Token {
    Option(&'static Opt, Option<SecretBytes>),
    /// `-h`, which asks for less than `--help`.
    ShortHelp,
    /// An operand, and whether `--` came before it: then it is no command word.
    Operand(OsString, bool),
    Fault(Fault),
}

/// A piece that could not be read.
enum Fault {
    /// What was typed, without dashes and value.
    Long(String),
    /// `None` when other letters follow it: then it may be a value.
    Short(Option<char>),
    /// A flag with a value attached.
    Unwanted(&'static Opt),
    /// No value follows; with `true` because the next word starts with a dash.
    Lacking(&'static Opt, bool),
}

/// Cuts the line into pieces. Needs no command, because an option takes the same everywhere.
fn cut(mut args: Vec<OsString>) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(args.len());
    let mut attached = detach(&mut args);
    let mut parser = lexopt::Parser::from_args(args);
    let mut literal = false;
    // What lexopt complains about when it finds a value attached to a flag.
    let mut last = None;
    loop {
        literal = literal
            || parser
                .try_raw_args()
                .is_some_and(|raw| raw.peek().is_some_and(|next| next == "--"));
        let token = match parser.next() {
            Ok(None) => return tokens,
            Ok(Some(lexopt::Arg::Value(word))) => Token::Operand(word, literal),
            Ok(Some(lexopt::Arg::Long(long))) => {
                let option = table::by_long(long).ok_or_else(|| Fault::Long(long.to_owned()));
                let value = parser.optional_value().and_then(|_| attached.pop_front());
                match option {
                    Ok(option) => value_of(option, value, &mut parser),
                    Err(fault) => Token::Fault(fault),
                }
            }
            Ok(Some(lexopt::Arg::Short(short))) => {
                last = table::by_short(short);
                match last {
                    _ if short == 'h' => Token::ShortHelp,
                    // What is attached to a flag is the next letter of a cluster, or lexopt's complaint.
                    Some(flag) if matches!(flag.takes, Takes::Nothing) => Token::Option(flag, None),
                    Some(option) => {
                        let value = parser.optional_value().map(bytes);
                        value_of(option, value, &mut parser)
                    }
                    None => {
                        let is_alone = parser.optional_value().is_none();
                        Token::Fault(Fault::Short(is_alone.then_some(short)))
                    }
                }
            }
            Err(_) => {
                drop(tokens.pop());
                tokens.extend(last.take().map(|flag| Token::Fault(Fault::Unwanted(flag))));
                continue;
            }
        };
        tokens.push(token);
    }
}

/// Takes the values of `--name=value` off their words, in order: lexopt would copy them, and wipe none of the copies.
fn detach(args: &mut [OsString]) -> VecDeque<SecretBytes> {
    let options = args.iter_mut().take_while(|word| *word != "--");
    let attached = options.filter_map(|word| {
        let text = word.as_encoded_bytes();
        let length = text.iter().position(|byte| *byte == b'=')? + 1;
        let (name, value) = text.split_at_checked(length)?;
        if !name.starts_with(b"--") {
            return None;
        }
        let value = SecretBytes::new(value.to_vec());
        let name = OsString::from_vec(name.to_vec());
        drop(bytes(std::mem::replace(word, name)));
        Some(value)
    });
    attached.collect()
}

/// An option just read, with the value attached to it or the one in the next word.
fn value_of(
    option: &'static Opt,
    attached: Option<SecretBytes>,
    parser: &mut lexopt::Parser,
) -> Token {
    match (&option.takes, attached) {
        (Takes::Nothing, Some(_)) => Token::Fault(Fault::Unwanted(option)),
        (Takes::Value(..), None) => {
            let Some(mut rest) = parser.try_raw_args() else {
                return Token::Fault(Fault::Lacking(option, false));
            };
            match rest.next_if(|next| next == "-" || !next.as_encoded_bytes().starts_with(b"-")) {
                Some(value) => Token::Option(option, Some(bytes(value))),
                None => Token::Fault(Fault::Lacking(option, rest.peek().is_some())),
            }
        }
        (_, attached) => Token::Option(option, attached),
    }
}

/// The format for an error: the option, wherever it stands, then the variable.
fn wanted(tokens: &[Token], env: &Environment) -> Format {
    let flag = tokens.iter().find_map(|token| match token {
        Token::Option(option, Some(value)) if option.id == Id::OutputFormat => {
            str::from_utf8(value.expose()).ok().and_then(format)
        }
        _ => None,
    });
    flag.or_else(|| env.filled(FORMAT_VARIABLE)?.to_str().and_then(format))
        .unwrap_or(Format::Pretty)
}

/// Nobody writes nothing on purpose.
const UNSET: &str = "is a variable in the script unset?";

const FORMAT_VARIABLE: &str = "WARP_OUTPUT_FORMAT";
const KEY_VARIABLE: &str = "WARP_API_KEY";
const KEY_FILE_VARIABLE: &str = "WARP_API_KEY_FILE";
const ROOT_VARIABLE: &str = "WARP_SERVER_ROOT_URL";

fn format(word: &str) -> Option<Format> {
    match word {
        "pretty" => Some(Format::Pretty),
        "text" => Some(Format::Text),
        "json" => Some(Format::Json),
        "ndjson" => Some(Format::Ndjson),
        _ => None,
    }
}

/// How reading a line ends.
enum End {
    Text(String),
    Line(Box<Line>),
}

/// A line whose every piece is known.
struct Line {
    command: &'static Command,
    /// Where the words after `help` start.
    base: &'static Command,
    operands: Vec<OsString>,
    seen: Vec<&'static Opt>,
    draft: Draft,
}

/// Walks the pieces in order, down the tree of commands.
fn walk(tokens: Vec<Token>) -> Result<End, Error> {
    // Only the long version looks at the whole line: `--version --debug` in either order, `-VV`.
    let debug = tokens.iter().any(|token| is(token, Id::Debug));
    let versions = tokens.iter().filter(|token| is(token, Id::Version)).count();
    let mut line = Line {
        command: table::root(),
        base: table::root(),
        operands: Vec::new(),
        seen: Vec::new(),
        draft: Draft::default(),
    };
    for token in tokens {
        match token {
            Token::ShortHelp => return Ok(End::Text(help::short(line.command))),
            Token::Option(option, _) if option.id == Id::Help => {
                return Ok(End::Text(help::long(line.command)));
            }
            Token::Option(option, _) if option.id == Id::Version => {
                return Ok(End::Text(help::version(debug || versions > 1)));
            }
            Token::Option(option, value) => line.option(option, value)?,
            Token::Operand(word, literal) => line.operand(word, literal)?,
            Token::Fault(fault) => return Err(line.fault(fault)),
        }
    }
    Ok(End::Line(Box::new(line)))
}

fn is(token: &Token, id: Id) -> bool {
    matches!(token, Token::Option(option, _) if option.id == id)
}

impl Line {
    fn option(&mut self, option: &'static Opt, value: Option<SecretBytes>) -> Result<(), Error> {
        if !self.command.leads_to(option) {
            return Err(self.foreign(option));
        }
        if self.seen.iter().any(|seen| seen.id == option.id) {
            return Err(self.usage(format!("'--{}' is given twice", option.long)));
        }
        if let Some(other) = self
            .seen
            .iter()
            .find(|seen| option.excludes.contains(&seen.id))
        {
            return Err(self.usage(format!(
                "'--{}' can't be used with '--{}'",
                other.long, option.long
            )));
        }
        self.seen.push(option);
        let is_empty = value.as_ref().is_some_and(|value| value.is_empty());
        let value = value.map(|mut value| OsString::from_vec(std::mem::take(value.expose_mut())));
        self.draft.take(option, value).map_err(|message| {
            if is_empty {
                Error::usage(message).hint(UNSET)
            } else {
                self.usage(message)
            }
        })
    }

    fn operand(&mut self, word: OsString, literal: bool) -> Result<(), Error> {
        if !literal && self.operands.is_empty() {
            let text = word.to_str().unwrap_or_default();
            if let Some(child) = self.command.child(text) {
                return self.enter(child);
            }
            let is_group = self.command.children().next().is_some();
            if is_group && text == table::HELP_WORD {
                self.base = self.command;
                let help = table::root().child(text).unwrap_or(self.command);
                return self.enter(help);
            }
        }
        match self.command.operand {
            None if self.command.does == Does::Group => Err(no_such_command(self.command, &word)),
            Some(operand) if operand.many || self.operands.is_empty() => {
                self.operands.push(word);
                Ok(())
            }
            _ => Err(self.excess()),
        }
    }

    /// Goes one word further; options that came before it must lead somewhere still.
    fn enter(&mut self, child: &'static Command) -> Result<(), Error> {
        self.command = child;
        match self.seen.iter().find(|seen| !child.leads_to(seen)) {
            Some(option) => Err(self.foreign(option)),
            None => Ok(()),
        }
    }

    fn usage(&self, message: impl Into<String>) -> Error {
        Error::usage(message).hint(self.see())
    }

    fn see(&self) -> String {
        see(self.command)
    }

    fn foreign(&self, option: &Opt) -> Error {
        self.usage(format!(
            "'--{}' is not an option of '{}'",
            option.long,
            self.command.path()
        ))
    }

    /// One operand too many.
    fn excess(&self) -> Error {
        let number = match self.command.operand {
            Some(_) => "one operand only",
            None => "no operand",
        };
        let message = format!("'{}' takes {number}", self.command.path());
        let first = self.operands.first().and_then(|word| word.to_str());
        let meant = suggest::closest(
            first.unwrap_or_default(),
            self.command.children().flat_map(Command::spellings),
        );
        let hint = match (meant, self.command.does) {
            (Some(word), _) => format!("did you mean '{} {word}'?", self.command.path()),
            _ if self.draft.scope == Some(Scope::Team) => {
                "a UID is attached: '--team=UID'".to_owned()
            }
            (None, Does::Create(_) | Does::Update) => {
                "a value is no operand: give it on standard input, with '-f FILE' or at the prompt"
                    .to_owned()
            }
            _ => self.see(),
        };
        Error::usage(message).hint(hint)
    }

    fn fault(&self, fault: Fault) -> Error {
        match fault {
            Fault::Long(name) => self.unknown(&name),
            Fault::Short(Some(short)) if short.is_ascii_alphanumeric() => {
                self.usage(format!("unknown option '-{short}'"))
            }
            Fault::Short(_) => self.usage("unknown option"),
            Fault::Unwanted(flag) if flag.id == Id::AskValue => Error::usage("'--value' takes no value").hint(
                    "give the value on standard input or at the prompt, or name its file with '-f FILE'",
                ),
            Fault::Unwanted(flag) => self.usage(format!("'--{}' takes no value", flag.long)),
            Fault::Lacking(option, dash) => {
                let message = format!("'--{}' needs a value", option.long);
                if !dash {
                    return self.usage(message);
                }
                Error::usage(message).hint(format!(
                    "a value that starts with '-' is attached, as in '--{}=-x'",
                    option.long
                ))
            }
        }
    }

    fn unknown(&self, name: &str) -> Error {
        let known = table::OPTIONS
            .iter()
            .filter(|option| self.command.leads_to(option));
        let meant = suggest::closest(name, known.map(|option| option.long));
        // `--api-keywk-…` is a key that lacks its `=`: only what can't hold one is repeated.
        let is_plain = name.len() <= 32
            && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
            && !table::OPTIONS
                .iter()
                .any(|option| option.takes != Takes::Nothing && name.starts_with(option.long));
        let message = if is_plain {
            format!("unknown option '--{name}'")
        } else {
            "unknown option".to_owned()
        };
        match meant {
            Some(long) => Error::usage(message).hint(format!("did you mean '--{long}'?")),
            None => self.usage(message),
        }
    }
}

fn see(command: &Command) -> String {
    format!("see '{} --help'", command.path())
}

/// A word that names no command; it is not repeated.
fn no_such_command(group: &'static Command, word: &OsString) -> Error {
    let below = table::COMMANDS.iter().filter(|command| {
        command.words.len() > group.words.len() && command.words.starts_with(group.words)
    });
    let message = format!("'{}' has no such command", group.path());
    let typed = word.to_str().unwrap_or_default();
    let meant =
        suggest::closest(typed, below.clone().flat_map(Command::spellings)).and_then(|word| {
            below
                .clone()
                .find(|c| c.spellings().any(|name| name == word))
        });
    let hint = match meant {
        Some(command) => format!("did you mean '{}'?", command.path()),
        None => choose(group),
    };
    Error::usage(message).hint(hint)
}

/// What can follow a command.
fn choose(group: &'static Command) -> String {
    if group.children().next().is_none() {
        return see(group);
    }
    let mut hint = String::from("one of ");
    for (index, child) in group.children().enumerate() {
        if index > 0 {
            hint.push_str(", ");
        }
        hint.push_str(child.word());
    }
    hint.push_str("; ");
    hint.push_str(&see(group));
    hint
}

/// What the options say, each read as soon as it is met.
#[derive(Default)]
struct Draft {
    key: Option<KeySource>,
    format: Option<Format>,
    server_root_url: Option<String>,
    ca_file: Option<PathBuf>,
    timeout: Option<Duration>,
    no_input: bool,
    debug: bool,
    scope: Option<Scope>,
    kind: Option<Kind>,
    fields: Vec<(FieldId, Source)>,
    /// The option that reads standard input.
    stdin: Option<&'static str>,
    from_env: bool,
    ask: bool,
    trim_newline: bool,
    description: Option<String>,
    if_exists: Option<IfExists>,
    dry_run: bool,
    force: bool,
    ignore_missing: bool,
}

impl Draft {
    /// # Errors
    /// What is wrong with the value, without the value.
    fn take(&mut self, option: &'static Opt, value: Option<OsString>) -> Result<(), String> {
        let value = match (value, option.takes) {
            (Some(value), Takes::Value(..) | Takes::Optional(_)) => value,
            _ => {
                self.flag(option.id);
                return Ok(());
            }
        };
        if value.is_empty() {
            return match option.id {
                Id::Description => self.text(option, value),
                // Nothing is a way to say "none" where the field is optional.
                Id::Field(FieldId::BaseUrl | FieldId::SessionToken) => Ok(()),
                // An empty key is a configuration mistake, refused with the other keys that are none.
                Id::ApiKey => self.input(option, value),
                _ => Err(format!("the value of '--{}' is empty", option.long)),
            };
        }
        match option.takes {
            Takes::Value(_, Shape::Choice(choices)) => self.choice(option, &value, choices),
            _ => match option.id {
                Id::Description | Id::Team | Id::ServerRootUrl | Id::Timeout => {
                    self.text(option, value)
                }
                _ => self.input(option, value),
            },
        }
    }

    fn flag(&mut self, id: Id) {
        match id {
            Id::AskValue => self.ask = true,
            Id::FromEnv => self.from_env = true,
            Id::TrimNewline => self.trim_newline = true,
            Id::Team => self.scope = Some(Scope::Team),
            Id::Personal => self.scope = Some(Scope::Personal),
            Id::DryRun => self.dry_run = true,
            Id::Force => self.force = true,
            Id::IgnoreMissing => self.ignore_missing = true,
            Id::NoInput => self.no_input = true,
            Id::Debug => self.debug = true,
            // These take a value, or ended the walk.
            Id::Field(_) | Id::FieldFile(_) | Id::Type | Id::Description | Id::IfExists => {}
            Id::ApiKey | Id::ApiKeyFile | Id::OutputFormat | Id::ServerRootUrl | Id::CaFile => {}
            Id::Timeout | Id::Help | Id::Version => {}
        }
    }

    fn choice(
        &mut self,
        option: &Opt,
        value: &OsString,
        choices: &[&'static str],
    ) -> Result<(), String> {
        let word = value.to_str().unwrap_or_default();
        match (option.id, word) {
            (Id::Type, "raw-value") => self.kind = Some(Kind::RawValue),
            (Id::Type, "anthropic-api-key") => self.kind = Some(Kind::AnthropicApiKey),
            (Id::IfExists, "fail") => self.if_exists = Some(IfExists::Fail),
            (Id::IfExists, "skip") => self.if_exists = Some(IfExists::Skip),
            (Id::IfExists, "update") => self.if_exists = Some(IfExists::Update),
            (Id::OutputFormat, word) if format(word).is_some() => self.format = format(word),
            _ => {
                return Err(format!(
                    "the value of '--{}' is not one of {}",
                    option.long,
                    choices.join(", ")
                ));
            }
        }
        Ok(())
    }

    fn text(&mut self, option: &Opt, value: OsString) -> Result<(), String> {
        let text = value
            .into_string()
            .map_err(|_| format!("the value of '--{}' is not UTF-8", option.long))?;
        match option.id {
            Id::Description => self.description = Some(text),
            Id::Team => self.scope = Some(Scope::TeamUid(text)),
            Id::Timeout => {
                self.timeout = Some(seconds(&text).ok_or(
                    "the value of '--timeout' is not a number of seconds above 0 and up to 86400",
                )?);
            }
            _ => self.server_root_url = Some(text),
        }
        Ok(())
    }

    /// Files, and what is kept as bytes.
    fn input(&mut self, option: &'static Opt, value: OsString) -> Result<(), String> {
        let is_stdin = value == "-";
        if is_stdin
            && matches!(option.id, Id::FieldFile(_) | Id::ApiKeyFile)
            && let Some(first) = self.stdin.replace(option.long)
        {
            return Err(both_read_stdin(
                &format!("--{first}"),
                &format!("--{}", option.long),
            ));
        }
        match option.id {
            Id::Field(field) => self.fields.push((field, Source::Argument(bytes(value)))),
            Id::FieldFile(field) => self.fields.push((field, Source::File(file(value)))),
            Id::ApiKey => {
                self.key = Some(KeySource::Text {
                    origin: "--api-key",
                    key: bytes(value),
                });
            }
            Id::ApiKeyFile => {
                self.key = Some(KeySource::File {
                    origin: "--api-key-file",
                    path: file(value),
                });
            }
            _ => self.ca_file = Some(PathBuf::from(value)),
        }
        Ok(())
    }
}

fn both_read_stdin(first: &str, second: &str) -> String {
    format!("'{first}' and '{second}' can't both read standard input")
}

fn bytes(value: OsString) -> SecretBytes {
    SecretBytes::new(value.into_vec())
}

fn file(value: OsString) -> Input {
    if value == "-" {
        Input::Stdin
    } else {
        Input::Path(PathBuf::from(value))
    }
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

/// The checks that need the whole line, and the command.
fn build(mut line: Line, env: &Environment) -> Result<Invocation, Error> {
    let command = line.command;
    if let Some(option) = line.seen.iter().find(|seen| !command.accepts(seen)) {
        return Err(line.foreign(option));
    }
    let verb = match command.does {
        Does::Group => return Err(needs_command(command)),
        Does::Help => return topic(&line).map(|text| Invocation::Print(help::long(text))),
        Does::Completions => return shell(&line).map(Invocation::Print),
        Does::List => Verb::List(List {
            scope: line.draft.scope.take().unwrap_or(Scope::Unsaid),
        }),
        Does::Delete => Verb::Delete(Delete {
            target: target(&mut line)?,
            force: line.draft.force,
            ignore_missing: line.draft.ignore_missing,
            dry_run: line.draft.dry_run,
        }),
        Does::Create(kind) => Verb::Create(create(&mut line, kind)?),
        Does::Update => Verb::Update(update(&mut line)?),
    };
    let globals = globals(&mut line, env)?;
    key_shares_stdin(&line, &globals, &verb)?;
    Ok(Invocation::Run(Box::new(Request { globals, verb })))
}

fn needs_command(group: &'static Command) -> Error {
    let mut hint = choose(group);
    if group.words.len() > 2 {
        hint.push_str("; a raw secret of that name: 'oz secret create -- ");
        hint.push_str(group.word());
        hint.push('\'');
    }
    Error::usage(format!("'{}' needs a command", group.path())).hint(hint)
}

fn topic(line: &Line) -> Result<&'static Command, Error> {
    let mut command = line.base;
    for word in &line.operands {
        command = word
            .to_str()
            .and_then(|word| command.child(word))
            .ok_or_else(|| no_such_command(command, word))?;
    }
    Ok(command)
}

fn shell(line: &Line) -> Result<String, Error> {
    let Some(word) = line.operands.first() else {
        return Err(Error::usage("a SHELL is required").hint(shells()));
    };
    completions::script(word.to_str().unwrap_or_default())
        .ok_or_else(|| Error::usage("the SHELL is not one known here").hint(shells()))
}

fn shells() -> String {
    format!("one of {}", table::SHELLS.join(", "))
}

fn target(line: &mut Line) -> Result<Target, Error> {
    let Some(word) = line.operands.first() else {
        let path = line.command.path();
        return Err(
            Error::usage("a NAME is required").hint(format!("'{path} NAME'; see '{path} --help'"))
        );
    };
    let name = match word.to_str().map(SecretName::parse) {
        Some(Ok(name)) => name,
        Some(Err(fault)) => return Err(bad_name(fault)),
        None => {
            return Err(Error::invalid_data("the name of a secret must be UTF-8")
                .hint("use letters, digits and underscores"));
        }
    };
    Ok(Target {
        name,
        scope: line.draft.scope.take().unwrap_or(Scope::Unsaid),
    })
}

fn bad_name(fault: NameFault) -> Error {
    let (message, hint) = match fault {
        NameFault::Empty => ("the name of a secret can't be empty", UNSET),
        NameFault::Equals => (
            "the name of a secret can't hold '='",
            "a value does not follow the name: give it on standard input, with '-f FILE' or at the prompt",
        ),
        NameFault::Nul => (
            "the name of a secret can't hold a NUL",
            "use letters, digits and underscores",
        ),
        NameFault::Control => (
            "the name of a secret can't hold a line break or another control character",
            "use letters, digits and underscores",
        ),
        NameFault::TooLong => (
            "the name of a secret is longer than an environment variable can be",
            "use a shorter name",
        ),
    };
    Error::invalid_data(message).hint(hint)
}

fn inputs(draft: &mut Draft, ask: bool) -> Inputs {
    Inputs {
        given: std::mem::take(&mut draft.fields),
        from_env: draft.from_env,
        trim_newline: draft.trim_newline,
        ask,
    }
}

fn create(line: &mut Line, kind: Kind) -> Result<Create, Error> {
    Ok(Create {
        target: target(line)?,
        kind: line.draft.kind.unwrap_or(kind),
        inputs: inputs(&mut line.draft, true),
        description: line.draft.description.take(),
        if_exists: line.draft.if_exists.unwrap_or(IfExists::Fail),
        dry_run: line.draft.dry_run,
    })
}

fn update(line: &mut Line) -> Result<Update, Error> {
    let target = target(line)?;
    one_kind(line)?;
    let draft = &mut line.draft;
    let description = draft.description.take();
    let has_value = draft.ask || draft.from_env || !draft.fields.is_empty();
    let change = match (has_value, description) {
        (true, description) => Change::Value {
            inputs: inputs(draft, draft.ask),
            description,
        },
        (false, Some(description)) => Change::Description(description),
        (false, None) => {
            return Err(Error::usage("there is nothing to change").hint(
                "give '--value', '-f FILE', the fields of the secret's type, or '--description TEXT'",
            ));
        }
    };
    Ok(Update {
        target,
        change,
        dry_run: draft.dry_run,
    })
}

/// Refuses fields that no type of secret has together.
fn one_kind(line: &Line) -> Result<(), Error> {
    let has = |kind: &Kind, id: Id| {
        kind.fields().iter().any(|field| match id {
            Id::AskValue => field.id == FieldId::Value,
            Id::Field(own) | Id::FieldFile(own) => field.id == own,
            Id::FromEnv => !field.id.environment().is_empty(),
            _ => true,
        })
    };
    for (index, later) in line.seen.iter().enumerate() {
        for earlier in line.seen.iter().take(index) {
            let fits = |kind: &Kind| has(kind, earlier.id) && has(kind, later.id);
            if !Kind::ALL.iter().any(fits) {
                return Err(line.usage(format!(
                    "no type of secret has both '--{}' and '--{}'",
                    earlier.long, later.long
                )));
            }
        }
    }
    Ok(())
}

fn globals(line: &mut Line, env: &Environment) -> Result<Globals, Error> {
    let format = match (line.draft.format, env.filled(FORMAT_VARIABLE)) {
        (Some(format), _) => format,
        (None, None) => Format::Pretty,
        (None, Some(word)) => word.to_str().and_then(self::format).ok_or_else(|| {
            line.usage(format!(
                "the value of {FORMAT_VARIABLE} is not one of {}",
                table::FORMATS.join(", ")
            ))
        })?,
    };
    let flag = line.draft.server_root_url.take();
    let server_root_url = match (flag, env.filled(ROOT_VARIABLE)) {
        (Some(url), _) => Some(url),
        (None, None) => None,
        (None, Some(url)) => Some(
            url.into_string()
                .map_err(|_| line.usage(format!("the value of {ROOT_VARIABLE} is not UTF-8")))?,
        ),
    };
    let draft = &mut line.draft;
    Ok(Globals {
        api_key: draft.key.take().unwrap_or_else(|| key_from(env)),
        format,
        server_root_url,
        ca_file: draft.ca_file.take(),
        timeout: draft.timeout.unwrap_or(DEFAULT_TIMEOUT),
        no_input: draft.no_input,
        debug: draft.debug,
    })
}

fn key_from(env: &Environment) -> KeySource {
    if let Some(key) = env.filled(KEY_VARIABLE) {
        return KeySource::Text {
            origin: KEY_VARIABLE,
            key: bytes(key),
        };
    }
    match env.filled(KEY_FILE_VARIABLE) {
        Some(path) => KeySource::File {
            origin: KEY_FILE_VARIABLE,
            path: file(path),
        },
        None => KeySource::Absent,
    }
}

/// Refuses an API key and a value that would both be read from standard input, by an option or for lack of one.
fn key_shares_stdin(line: &Line, globals: &Globals, verb: &Verb) -> Result<(), Error> {
    let KeySource::File {
        origin,
        path: Input::Stdin,
    } = &globals.api_key
    else {
        return Ok(());
    };
    let (inputs, wants_value) = match verb {
        Verb::Create(create) => (
            &create.inputs,
            create.kind.fields().iter().any(|f| f.id == FieldId::Value),
        ),
        Verb::Update(Update {
            change: Change::Value { inputs, .. },
            ..
        }) => (inputs, inputs.ask),
        Verb::Update(_) | Verb::Delete(_) | Verb::List(_) => return Ok(()),
    };
    if let Some(option) = line.draft.stdin.filter(|long| *long != "api-key-file") {
        return Err(line.usage(both_read_stdin(origin, &format!("--{option}"))));
    }
    let is_given = inputs
        .given
        .iter()
        .any(|(field, _)| *field == FieldId::Value);
    if wants_value && !is_given {
        return Err(Error::usage(format!(
            "'{origin}' and the value can't both be read from standard input"
        ))
        .hint("name the file of one of them: '-f FILE' for the value"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a line is read as, in one line of text; `~` in a word stands for a byte that is not UTF-8.
    fn read(line: &[&str], variables: &[(&'static str, &'static str)]) -> String {
        let args = line
            .iter()
            .map(|word| {
                let bytes = word.bytes().map(|b| if b == b'~' { 0xff } else { b });
                OsString::from_vec(bytes.collect())
            })
            .collect();
        let variables = variables.to_vec();
        let env = Environment::new(move |name| {
            let (_, value) = variables.iter().find(|(variable, _)| *variable == name)?;
            Some(OsString::from(value))
        });
        match parse(args, &env) {
            Ok(Invocation::Print(text)) => format!("print {}", text.lines().next().unwrap()),
            Ok(Invocation::Run(request)) => {
                let mut text = verb(&request.verb);
                global(&mut text, &request.globals);
                text
            }
            Err(misuse) => {
                let error = &misuse.error;
                assert!(error.causes.is_empty());
                let format = match misuse.format {
                    Format::Pretty => String::new(),
                    format => format!(" ({format:?})"),
                };
                format!(
                    "{}{format}: {} / {}",
                    error.code(),
                    error.message,
                    error.hint.as_deref().unwrap()
                )
            }
        }
    }

    fn verb(verb: &Verb) -> String {
        match verb {
            Verb::Create(c) => {
                let mut text = format!("create {} {:?}", aim(&c.target), c.kind);
                given(&mut text, &c.inputs);
                text.extend(c.description.iter().map(|d| format!(" d={d:?}")));
                if c.if_exists != IfExists::Fail {
                    text += &format!(" {:?}", c.if_exists);
                }
                text + if c.dry_run { " dry" } else { "" }
            }
            Verb::Update(u) => {
                let mut text = format!("update {}", aim(&u.target));
                match &u.change {
                    Change::Description(description) => text += &format!(" only d={description:?}"),
                    Change::Value {
                        inputs,
                        description,
                    } => {
                        given(&mut text, inputs);
                        text.extend(description.iter().map(|d| format!(" d={d:?}")));
                    }
                }
                text + if u.dry_run { " dry" } else { "" }
            }
            Verb::Delete(d) => format!(
                "delete {}{}{}{}",
                aim(&d.target),
                if d.force { " force" } else { "" },
                if d.ignore_missing { " ignore" } else { "" },
                if d.dry_run { " dry" } else { "" },
            ),
            Verb::List(list) => format!("list {:?}", list.scope),
        }
    }

    fn aim(target: &Target) -> String {
        match &target.scope {
            Scope::Unsaid => target.name.as_str().to_owned(),
            scope => format!("{} {scope:?}", target.name.as_str()),
        }
    }

    fn given(text: &mut String, inputs: &Inputs) {
        for (field, source) in &inputs.given {
            *text += &match source {
                Source::Argument(bytes) => {
                    format!(" {field:?}={}", String::from_utf8_lossy(bytes.expose()))
                }
                Source::File(Input::Stdin) => format!(" {field:?}<-"),
                Source::File(Input::Path(path)) => format!(" {field:?}<{}", path.display()),
            };
        }
        for (on, word) in [
            (inputs.from_env, " env"),
            (inputs.trim_newline, " trim"),
            (inputs.ask, " ask"),
        ] {
            *text += if on { word } else { "" };
        }
    }

    fn global(text: &mut String, globals: &Globals) {
        match &globals.api_key {
            KeySource::Absent => {}
            KeySource::Text { origin, key } => {
                *text += &format!(" {origin}={}", String::from_utf8_lossy(key.expose()));
            }
            KeySource::File { origin, path } => *text += &format!(" {origin}<{path:?}"),
        }
        if globals.format != Format::Pretty {
            *text += &format!(" {:?}", globals.format);
        }
        text.extend(globals.server_root_url.iter().map(|url| format!(" {url}")));
        text.extend(
            globals
                .ca_file
                .iter()
                .map(|ca| format!(" ca={}", ca.display())),
        );
        if globals.timeout != Duration::from_secs(60) {
            *text += &format!(" {:?}", globals.timeout);
        }
        *text += if globals.no_input { " no-input" } else { "" };
        *text += if globals.debug { " debug" } else { "" };
    }

    fn hold(cases: &[(&[&str], &str)]) {
        for (line, expected) in cases {
            assert_eq!(read(line, &[]), *expected, "{line:?}");
        }
    }

    #[test]
    fn the_documented_forms() {
        hold(&[
            (&["secret", "create", "N"], "create N RawValue ask"),
            (
                &["secret", "create", "N", "-t", "raw-value"],
                "create N RawValue ask",
            ),
            (
                &["secret", "create", "N", "-tanthropic-api-key"],
                "create N AnthropicApiKey ask",
            ),
            (
                &["secret", "create", "-f", "v", "N"],
                "create N RawValue Value<v ask",
            ),
            (
                &["secret", "create", "-fv", "N"],
                "create N RawValue Value<v ask",
            ),
            (
                &["secret", "create", "-f=v", "N"],
                "create N RawValue Value<v ask",
            ),
            (
                &["secret", "create", "-f-", "N"],
                "create N RawValue Value<- ask",
            ),
            (
                &["secret", "create", "--value-file=-", "N"],
                "create N RawValue Value<- ask",
            ),
            (
                &["secret", "create", "--value-file", "-", "N"],
                "create N RawValue Value<- ask",
            ),
            (
                &["secret", "create", "N", "-d", "", "--trim-newline"],
                "create N RawValue trim ask d=\"\"",
            ),
            (
                &["secret", "create", "N", "--description=-x"],
                "create N RawValue ask d=\"-x\"",
            ),
            (
                &["secret", "create", "N", "--team"],
                "create N Team RawValue ask",
            ),
            (
                &["secret", "create", "--team", "N"],
                "create N Team RawValue ask",
            ),
            (
                &["secret", "create", "--team=U", "N"],
                "create N TeamUid(\"U\") RawValue ask",
            ),
            (
                &["secret", "create", "--personal", "N"],
                "create N Personal RawValue ask",
            ),
            (
                &["secret", "create", "N", "--if-exists", "skip", "--dry-run"],
                "create N RawValue ask Skip dry",
            ),
            (
                &["secret", "create", "N", "--if-exists=update"],
                "create N RawValue ask Update",
            ),
            (
                &["secret", "create", "anthropic", "api-key", "N"],
                "create N AnthropicApiKey ask",
            ),
            (
                &["secret", "create", "claude", "api-key", "N", "-f", "~"],
                "create N AnthropicApiKey Value<\u{fffd} ask",
            ),
            (
                &[
                    "secret",
                    "create",
                    "claude",
                    "bedrock-api-key",
                    "N",
                    "--bedrock-api-key",
                    "k",
                    "--region",
                    "r",
                ],
                "create N AnthropicBedrockApiKey BedrockApiKey=k Region=r ask",
            ),
            (
                &[
                    "secret",
                    "create",
                    "anthropic",
                    "bedrock-access-key",
                    "--access-key-id-file=i",
                    "--secret-access-key-file",
                    "-",
                    "--session-token=",
                    "--from-env",
                    "N",
                ],
                "create N AnthropicBedrockAccessKey AccessKeyId<i SecretAccessKey<- env ask",
            ),
            (
                &[
                    "secret",
                    "create",
                    "codex",
                    "api-key",
                    "N",
                    "--base-url",
                    "",
                ],
                "create N OpenaiApiKey ask",
            ),
            (
                &["secret", "create", "openai", "api-key", "N", "--base-url=u"],
                "create N OpenaiApiKey BaseUrl=u ask",
            ),
            (
                &[
                    "secret",
                    "create",
                    "docker-registry",
                    "N",
                    "--host",
                    "h",
                    "--username=u",
                    "--password-file",
                    "p",
                ],
                "create N DockerRegistry Host=h Username=u Password<p ask",
            ),
            (&["secret", "update", "N", "--value"], "update N ask"),
            (
                &["secret", "update", "N", "-f", "v", "-d", "t"],
                "update N Value<v d=\"t\"",
            ),
            (&["secret", "update", "N", "-d", ""], "update N only d=\"\""),
            (
                &["secret", "update", "N", "--from-env", "--team"],
                "update N Team env",
            ),
            (
                &["secret", "update", "N", "--value", "--base-url=u"],
                "update N BaseUrl=u ask",
            ),
            (&["secret", "delete", "N"], "delete N"),
            (
                &[
                    "secret",
                    "delete",
                    "--force",
                    "--ignore-missing",
                    "--dry-run",
                    "N",
                ],
                "delete N force ignore dry",
            ),
            (&["secret", "list"], "list Unsaid"),
            (&["secret", "list", "--team=U"], "list TeamUid(\"U\")"),
        ]);
    }

    #[test]
    fn options_stand_anywhere() {
        hold(&[
            (&["--debug", "secret", "list"], "list Unsaid debug"),
            (
                &["--team", "secret", "--no-input", "list"],
                "list Team no-input",
            ),
            (
                &["secret", "--team", "create", "anthropic", "api-key", "N"],
                "create N Team AnthropicApiKey ask",
            ),
            (
                &["secret", "create", "--team", "anthropic", "api-key", "N"],
                "create N Team AnthropicApiKey ask",
            ),
            (
                &["secret", "create", "anthropic", "-d", "t", "api-key", "N"],
                "create N AnthropicApiKey ask d=\"t\"",
            ),
            (
                &[
                    "--region=r",
                    "secret",
                    "create",
                    "anthropic",
                    "bedrock-api-key",
                    "N",
                ],
                "create N AnthropicBedrockApiKey Region=r ask",
            ),
            (
                &["--force", "secret", "list"],
                "2: '--force' is not an option of 'oz secret list' / see 'oz secret list --help'",
            ),
            (
                &[
                    "secret",
                    "create",
                    "--type=raw-value",
                    "codex",
                    "api-key",
                    "N",
                ],
                "2: '--type' is not an option of 'oz secret create codex' / see 'oz secret create codex --help'",
            ),
            (
                &["secret", "create", "--region=r", "N"],
                "2: '--region' is not an option of 'oz secret create' / see 'oz secret create --help'",
            ),
            (
                &["--force", "completions", "bash"],
                "2: '--force' is not an option of 'oz completions' / see 'oz completions --help'",
            ),
        ]);
    }

    #[test]
    fn words_after_two_dashes_are_operands() {
        hold(&[
            (
                &["secret", "create", "--", "anthropic"],
                "create anthropic RawValue ask",
            ),
            (
                &["secret", "create", "--team", "--", "help"],
                "create help Team RawValue ask",
            ),
            (&["secret", "delete", "--", "--force"], "delete --force"),
            (&["secret", "delete", "--", "--"], "delete --"),
            (&["secret", "delete", "-"], "delete -"),
            (&["secret", "delete", "N", "--"], "delete N"),
            (
                &["--", "secret"],
                "2: 'oz' has no such command / did you mean 'oz secret'?",
            ),
            (
                &["secret", "create", "-f", "--", "N"],
                "2: '--value-file' needs a value / a value that starts with '-' is attached, as in '--value-file=-x'",
            ),
        ]);
    }

    #[test]
    fn help_and_version_win_over_what_follows() {
        hold(&[
            (&[], "print Managed secrets from the command line"),
            (
                &["-h", "--bogus"],
                "print Managed secrets from the command line",
            ),
            (
                &["--bogus", "-h"],
                "2: unknown option '--bogus' / see 'oz --help'",
            ),
            (
                &["secret", "--help", "create"],
                "print Create, update, delete and list secrets",
            ),
            (&["secret", "create", "N", "-h"], "print Create a secret"),
            (
                &["secret", "create", "claude", "--help"],
                "print Create a secret for the Claude harness",
            ),
            (&["help"], "print Managed secrets from the command line"),
            (
                &["help", "secret", "create", "anthropic", "bedrock-api-key"],
                "print Create a secret from an Amazon Bedrock API key",
            ),
            (&["secret", "help", "create"], "print Create a secret"),
            (
                &["secret", "create", "help", "claude"],
                "print Create a secret for the Claude harness",
            ),
            (&["secret", "create", "help"], "print Create a secret"),
            (
                &["secret", "create", "docker-registry", "help"],
                "create help DockerRegistry ask",
            ),
            (&["help", "help"], "print Show the long help of a command"),
            (
                &["help", "secret", "crate"],
                "2: 'oz secret' has no such command / did you mean 'oz secret create'?",
            ),
            (
                &["help", "secret", "list", "x"],
                "2: 'oz secret list' has no such command / see 'oz secret list --help'",
            ),
            (&["-V"], concat!("print oz ", env!("CARGO_PKG_VERSION"))),
            (
                &["secret", "list", "--version"],
                concat!("print oz ", env!("CARGO_PKG_VERSION")),
            ),
            (
                &["--help=x"],
                "2: '--help' takes no value / see 'oz --help'",
            ),
            (&["-h=x"], "2: '--help' takes no value / see 'oz --help'"),
        ]);
        for line in [&["-VV"][..], &["-V", "--debug"], &["--debug", "--version"]] {
            let args = line.iter().map(OsString::from).collect();
            let Ok(Invocation::Print(text)) = parse(args, &Environment::new(|_| None)) else {
                panic!("{line:?}");
            };
            assert_eq!(text, help::version(true), "{line:?}");
        }
    }

    #[test]
    fn what_is_missing() {
        hold(&[
            (
                &["--debug"],
                "2: 'oz' needs a command / one of secret, completions, help; see 'oz --help'",
            ),
            (
                &["secret"],
                "2: 'oz secret' needs a command / one of create, update, delete, list; see 'oz secret --help'",
            ),
            (
                &["secret", "create", "claude"],
                "2: 'oz secret create anthropic' needs a command / one of api-key, bedrock-api-key, bedrock-access-key; see 'oz secret create anthropic --help'; a raw secret of that name: 'oz secret create -- anthropic'",
            ),
            (
                &["secret", "create"],
                "2: a NAME is required / 'oz secret create NAME'; see 'oz secret create --help'",
            ),
            (
                &["secret", "update", "--value"],
                "2: a NAME is required / 'oz secret update NAME'; see 'oz secret update --help'",
            ),
            (
                &["secret", "update", "N"],
                "2: there is nothing to change / give '--value', '-f FILE', the fields of the secret's type, or '--description TEXT'",
            ),
            (
                &["secret", "update", "N", "--dry-run", "--base-url="],
                "2: there is nothing to change / give '--value', '-f FILE', the fields of the secret's type, or '--description TEXT'",
            ),
            (
                &["completions"],
                "2: a SHELL is required / one of bash, zsh, fish, powershell, elvish",
            ),
            (
                &["completions", "M4RK3R"],
                "2: the SHELL is not one known here / one of bash, zsh, fish, powershell, elvish",
            ),
            (
                &["secret", "delete", "N", "--team="],
                "2: the value of '--team' is empty / is a variable in the script unset?",
            ),
            (
                &["secret", "create", "N", "-f"],
                "2: '--value-file' needs a value / see 'oz secret create --help'",
            ),
            (
                &["secret", "create", "N", "-f", ""],
                "2: the value of '--value-file' is empty / is a variable in the script unset?",
            ),
            (
                &["secret", "create", "N", "-f="],
                "2: the value of '--value-file' is empty / is a variable in the script unset?",
            ),
            (
                &["secret", "create", "N", "-d", "-M4RK3R"],
                "2: '--description' needs a value / a value that starts with '-' is attached, as in '--description=-x'",
            ),
            (
                &["secret", "update", "N", "--region="],
                "2: the value of '--region' is empty / is a variable in the script unset?",
            ),
        ]);
    }

    #[test]
    fn what_is_unknown_or_too_much() {
        hold(&[
            (
                &["secret", "delete", "N", "--forse"],
                "2: unknown option '--forse' / did you mean '--force'?",
            ),
            (
                &["secret", "delete", "N", "--forc"],
                "2: unknown option '--forc' / did you mean '--force'?",
            ),
            (
                &["secret", "list", "--forse"],
                "2: unknown option '--forse' / see 'oz secret list --help'",
            ),
            (
                &["secret", "list", "--api-keywk-m4rk3r"],
                "2: unknown option / see 'oz secret list --help'",
            ),
            (
                &["secret", "list", "--api-keyabc=M4RK3R"],
                "2: unknown option / did you mean '--api-key'?",
            ),
            (
                &["secret", "list", "--M4RK3R"],
                "2: unknown option / see 'oz secret list --help'",
            ),
            (
                &["secret", "list", "--~"],
                "2: unknown option / see 'oz secret list --help'",
            ),
            (
                &["secret", "list", "----team"],
                "2: unknown option '----team' / did you mean '--team'?",
            ),
            (
                &["secret", "list", "-x"],
                "2: unknown option '-x' / see 'oz secret list --help'",
            ),
            (
                &["secret", "list", "-xM4RK3R"],
                "2: unknown option / see 'oz secret list --help'",
            ),
            (
                &["secret", "list", "-~"],
                "2: unknown option / see 'oz secret list --help'",
            ),
            (
                &["secret", "crate", "N"],
                "2: 'oz secret' has no such command / did you mean 'oz secret create'?",
            ),
            (
                &["create", "N"],
                "2: 'oz' has no such command / did you mean 'oz secret create'?",
            ),
            (
                &["M4RK3R"],
                "2: 'oz' has no such command / one of secret, completions, help; see 'oz --help'",
            ),
            (
                &["secret", ""],
                "2: 'oz secret' has no such command / one of create, update, delete, list; see 'oz secret --help'",
            ),
            (
                &["secret", "create", "anthropc", "api-key", "N"],
                "2: 'oz secret create' takes one operand only / did you mean 'oz secret create anthropic'?",
            ),
            (
                &["secret", "create", "N", "M4RK3R"],
                "2: 'oz secret create' takes one operand only / a value is no operand: give it on standard input, with '-f FILE' or at the prompt",
            ),
            (
                &["secret", "update", "N", "--value", "M4RK3R"],
                "2: 'oz secret update' takes one operand only / a value is no operand: give it on standard input, with '-f FILE' or at the prompt",
            ),
            (
                &["secret", "delete", "N", "M"],
                "2: 'oz secret delete' takes one operand only / see 'oz secret delete --help'",
            ),
            (
                &["secret", "list", "M4RK3R"],
                "2: 'oz secret list' takes no operand / see 'oz secret list --help'",
            ),
            (
                &["secret", "list", "--team", "M4RK3R"],
                "2: 'oz secret list' takes no operand / a UID is attached: '--team=UID'",
            ),
            (
                &["secret", "delete", "--team", "U", "N"],
                "2: 'oz secret delete' takes one operand only / a UID is attached: '--team=UID'",
            ),
            (
                &["secret", "update", "N", "--value=M4RK3R"],
                "2: '--value' takes no value / give the value on standard input or at the prompt, or name its file with '-f FILE'",
            ),
            (
                &["secret", "delete", "N", "--force=yes"],
                "2: '--force' takes no value / see 'oz secret delete --help'",
            ),
        ]);
    }

    #[test]
    fn what_does_not_go_together() {
        hold(&[
            (
                &["secret", "list", "--team", "--personal"],
                "2: '--team' can't be used with '--personal' / see 'oz secret list --help'",
            ),
            (
                &["secret", "list", "--personal", "--team=U"],
                "2: '--personal' can't be used with '--team' / see 'oz secret list --help'",
            ),
            (
                &["secret", "list", "--team", "--team=U"],
                "2: '--team' is given twice / see 'oz secret list --help'",
            ),
            (
                &["--debug", "secret", "--debug", "list"],
                "2: '--debug' is given twice / see 'oz secret --help'",
            ),
            (
                &["secret", "create", "N", "-d", "a", "--description=a"],
                "2: '--description' is given twice / see 'oz secret create --help'",
            ),
            (
                &["secret", "update", "N", "--value", "-fv"],
                "2: '--value' can't be used with '--value-file' / see 'oz secret update --help'",
            ),
            (
                &["secret", "list", "--api-key=k", "--api-key-file=f"],
                "2: '--api-key' can't be used with '--api-key-file' / see 'oz secret list --help'",
            ),
            (
                &["secret", "update", "N", "--region=r", "--host=h"],
                "2: no type of secret has both '--region' and '--host' / see 'oz secret update --help'",
            ),
            (
                &["secret", "update", "N", "--value", "--from-env"],
                "2: no type of secret has both '--value' and '--from-env' / see 'oz secret update --help'",
            ),
            (
                &[
                    "secret",
                    "create",
                    "claude",
                    "bedrock-access-key",
                    "N",
                    "--secret-access-key-file=-",
                    "--session-token-file=-",
                ],
                "2: '--secret-access-key-file' and '--session-token-file' can't both read standard input / see 'oz secret create anthropic bedrock-access-key --help'",
            ),
            (
                &["--api-key-file=-", "secret", "create", "N", "-f-"],
                "2: '--api-key-file' and '--value-file' can't both read standard input / see 'oz secret create --help'",
            ),
            (
                &["--api-key-file=-", "secret", "create", "N"],
                "2: '--api-key-file' and the value can't both be read from standard input / name the file of one of them: '-f FILE' for the value",
            ),
            (
                &["--api-key-file=-", "secret", "update", "N", "--value"],
                "2: '--api-key-file' and the value can't both be read from standard input / name the file of one of them: '-f FILE' for the value",
            ),
            (
                &["--api-key-file=-", "secret", "create", "N", "-f", "v"],
                "create N RawValue Value<v ask --api-key-file<Stdin",
            ),
            (
                &["--api-key-file=-", "secret", "update", "N", "-d", "t"],
                "update N only d=\"t\" --api-key-file<Stdin",
            ),
        ]);
        let env: &[(&str, &str)] = &[("WARP_API_KEY_FILE", "-")];
        assert_eq!(
            read(&["secret", "create", "N", "-f-"], env),
            "2: 'WARP_API_KEY_FILE' and '--value-file' can't both read standard input / see 'oz secret create --help'"
        );
        assert_eq!(
            read(
                &[
                    "secret",
                    "create",
                    "docker-registry",
                    "N",
                    "--password-file=-"
                ],
                env
            ),
            "2: 'WARP_API_KEY_FILE' and '--password-file' can't both read standard input / see 'oz secret create docker-registry --help'"
        );
    }

    #[test]
    fn names_are_judged_and_not_repeated() {
        hold(&[
            (
                &["secret", "delete", ""],
                "65: the name of a secret can't be empty / is a variable in the script unset?",
            ),
            (
                &["secret", "create", "A=M4RK3R"],
                "65: the name of a secret can't hold '=' / a value does not follow the name: give it on standard input, with '-f FILE' or at the prompt",
            ),
            (
                &["secret", "create", "A\n"],
                "65: the name of a secret can't hold a line break or another control character / use letters, digits and underscores",
            ),
            (
                &["secret", "create", "A\0"],
                "65: the name of a secret can't hold a NUL / use letters, digits and underscores",
            ),
            (
                &["secret", "create", "~"],
                "65: the name of a secret must be UTF-8 / use letters, digits and underscores",
            ),
            (
                &["secret", "create", "a b \u{e9}"],
                "create a b \u{e9} RawValue ask",
            ),
        ]);
    }

    #[test]
    fn values_are_judged_and_not_repeated() {
        hold(&[
            (
                &["secret", "create", "N", "-t", "M4RK3R"],
                "2: the value of '--type' is not one of raw-value, anthropic-api-key / see 'oz secret create --help'",
            ),
            (
                &["secret", "create", "N", "--if-exists=Skip"],
                "2: the value of '--if-exists' is not one of fail, skip, update / see 'oz secret create --help'",
            ),
            (
                &["secret", "list", "--output-format", "JSON"],
                "2: the value of '--output-format' is not one of pretty, text, json, ndjson / see 'oz secret list --help'",
            ),
            (
                &["secret", "list", "--output-format", "json"],
                "list Unsaid Json",
            ),
            (
                &["secret", "create", "N", "-d", "~"],
                "2: the value of '--description' is not UTF-8 / see 'oz secret create --help'",
            ),
            (
                &["secret", "list", "--team=~"],
                "2: the value of '--team' is not UTF-8 / see 'oz secret list --help'",
            ),
            (
                &["secret", "list", "--ca-file=c", "--server-root-url", "u"],
                "list Unsaid u ca=c",
            ),
            (&["secret", "list", "--timeout", "0.5"], "list Unsaid 500ms"),
            (&["secret", "list", "--api-key="], "list Unsaid --api-key="),
            (
                &["secret", "list", "--api-key-file="],
                "2: the value of '--api-key-file' is empty / is a variable in the script unset?",
            ),
        ]);
    }

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

    #[test]
    fn variables_stand_in_for_options() {
        for (line, variables, expected) in [
            (
                &["secret", "list"][..],
                &[("WARP_API_KEY", "k"), ("WARP_API_KEY_FILE", "f")][..],
                "list Unsaid WARP_API_KEY=k",
            ),
            (
                &["secret", "list"],
                &[("WARP_API_KEY", ""), ("WARP_API_KEY_FILE", "f")],
                "list Unsaid WARP_API_KEY_FILE<Path(\"f\")",
            ),
            (
                &["secret", "list"],
                &[("WARP_API_KEY_FILE", "")],
                "list Unsaid",
            ),
            (
                &["secret", "list", "--api-key-file=f"],
                &[("WARP_API_KEY", "k")],
                "list Unsaid --api-key-file<Path(\"f\")",
            ),
            (
                &["secret", "list"],
                &[
                    ("WARP_OUTPUT_FORMAT", "ndjson"),
                    ("WARP_SERVER_ROOT_URL", "u"),
                ],
                "list Unsaid Ndjson u",
            ),
            (
                &[
                    "secret",
                    "list",
                    "--output-format=text",
                    "--server-root-url=w",
                ],
                &[
                    ("WARP_OUTPUT_FORMAT", "M4RK3R"),
                    ("WARP_SERVER_ROOT_URL", "u"),
                ],
                "list Unsaid Text w",
            ),
            (
                &["secret", "list"],
                &[("WARP_OUTPUT_FORMAT", ""), ("WARP_SERVER_ROOT_URL", "")],
                "list Unsaid",
            ),
            (
                &["secret", "list"],
                &[("WARP_OUTPUT_FORMAT", "M4RK3R")],
                "2: the value of WARP_OUTPUT_FORMAT is not one of pretty, text, json, ndjson / see 'oz secret list --help'",
            ),
            (
                &["secret"],
                &[("WARP_OUTPUT_FORMAT", "json")],
                "2 (Json): 'oz secret' needs a command / one of create, update, delete, list; see 'oz secret --help'",
            ),
            (
                &["secret", "--output-format", "ndjson"],
                &[("WARP_OUTPUT_FORMAT", "json")],
                "2 (Ndjson): 'oz secret' needs a command / one of create, update, delete, list; see 'oz secret --help'",
            ),
            (
                &["--bogus", "--output-format=json"],
                &[],
                "2 (Json): unknown option '--bogus' / see 'oz --help'",
            ),
            (
                &["-V"],
                &[("WARP_OUTPUT_FORMAT", "M4RK3R")],
                concat!("print oz ", env!("CARGO_PKG_VERSION")),
            ),
        ] {
            assert_eq!(read(line, variables), expected, "{line:?} {variables:?}");
        }
    }
}
