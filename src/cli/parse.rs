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
use crate::error::{Error, Words};
use crate::secret::{FieldId, Kind, NameFault, SecretBytes, SecretName};
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
    Option(&'static Opt, Option<OsString>),
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
fn cut(args: Vec<OsString>) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(args.len());
    let mut parser = lexopt::Parser::from_args(args);
    let mut literal = false;
    // What lexopt complains about when it finds a value attached to a flag.
    let mut last = None;
    loop {
        literal = literal
            || parser
                .try_raw_args()
                .is_some_and(|raw| raw.peek().is_some_and(|next| next == "--"));
        let option = match parser.next() {
            Ok(None) => return tokens,
            Ok(Some(lexopt::Arg::Value(word))) => {
                tokens.push(Token::Operand(word, literal));
                continue;
            }
            Ok(Some(lexopt::Arg::Long(long))) => {
                table::by_long(long).ok_or_else(|| Fault::Long(long.to_owned()))
            }
            Ok(Some(lexopt::Arg::Short('h'))) => {
                last = table::by_short('h');
                tokens.push(Token::ShortHelp);
                continue;
            }
            Ok(Some(lexopt::Arg::Short(short))) => {
                table::by_short(short).ok_or(Fault::Short(Some(short)))
            }
            Err(_) => {
                drop(tokens.pop());
                tokens.extend(last.take().map(|flag| Token::Fault(Fault::Unwanted(flag))));
                continue;
            }
        };
        tokens.push(match option {
            Ok(option) => {
                last = Some(option);
                value(option, &mut parser)
            }
            Err(Fault::Short(_)) if parser.optional_value().is_some() => {
                Token::Fault(Fault::Short(None))
            }
            Err(fault) => {
                // A value attached to it goes the same way.
                drop(parser.optional_value());
                Token::Fault(fault)
            }
        });
    }
}

/// Takes what belongs to an option just read.
fn value(option: &'static Opt, parser: &mut lexopt::Parser) -> Token {
    match option.takes {
        // What is attached to a flag is the next letter of a cluster, or lexopt's complaint.
        Takes::Nothing => Token::Option(option, None),
        Takes::Optional(_) => Token::Option(option, parser.optional_value()),
        Takes::Value(..) => {
            if let Some(value) = parser.optional_value() {
                return Token::Option(option, Some(value));
            }
            let Some(mut rest) = parser.try_raw_args() else {
                return Token::Fault(Fault::Lacking(option, false));
            };
            match rest.next_if(|next| next == "-" || !next.as_encoded_bytes().starts_with(b"-")) {
                Some(value) => Token::Option(option, Some(value)),
                None => Token::Fault(Fault::Lacking(option, rest.peek().is_some())),
            }
        }
    }
}

/// The format for an error: the option, wherever it stands, then the variable.
fn wanted(tokens: &[Token], env: &Environment) -> Format {
    let flag = tokens.iter().find_map(|token| match token {
        Token::Option(option, Some(value)) if option.id == Id::OutputFormat => {
            value.to_str().and_then(format)
        }
        _ => None,
    });
    flag.or_else(|| env.filled(FORMAT_VARIABLE)?.to_str().and_then(format))
        .unwrap_or(Format::Pretty)
}

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
    fn option(&mut self, option: &'static Opt, value: Option<OsString>) -> Result<(), Error> {
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
        self.draft
            .take(option, value)
            .map_err(|message| self.usage(message))
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
        let Some(operand) = self.command.operand else {
            return Err(no_such_command(self.command, &word));
        };
        if !operand.many && !self.operands.is_empty() {
            return Err(self.excess());
        }
        self.operands.push(word);
        Ok(())
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
        Error::Usage(Words::new(message).hint(self.see()))
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
        let message = format!("'{}' takes one operand only", self.command.path());
        let first = self.operands.first().and_then(|word| word.to_str());
        let meant = suggest::closest(
            first.unwrap_or_default(),
            self.command.children().flat_map(Command::spellings),
        );
        let hint = match (meant, self.command.does) {
            (Some(word), _) => format!("did you mean '{} {word}'?", self.command.path()),
            (None, Does::Create(_) | Does::Update) => {
                "a value is no operand: give it on standard input, with '-f FILE' or at the prompt"
                    .to_owned()
            }
            _ => self.see(),
        };
        Error::Usage(Words::new(message).hint(hint))
    }

    fn fault(&self, fault: Fault) -> Error {
        match fault {
            Fault::Long(name) => self.unknown(&name),
            Fault::Short(Some(short)) if short.is_ascii_alphanumeric() => {
                self.usage(format!("unknown option '-{short}'"))
            }
            Fault::Short(_) => self.usage("unknown option"),
            Fault::Unwanted(flag) if flag.id == Id::AskValue => Error::Usage(
                Words::new("'--value' takes no value").hint(
                    "give the value on standard input or at the prompt, or name its file with '-f FILE'",
                ),
            ),
            Fault::Unwanted(flag) => self.usage(format!("'--{}' takes no value", flag.long)),
            Fault::Lacking(option, dash) => {
                let message = format!("'--{}' needs a value", option.long);
                if !dash {
                    return self.usage(message);
                }
                Error::Usage(Words::new(message).hint(format!(
                    "a value that starts with '-' is attached, as in '--{}=-x'",
                    option.long
                )))
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
            && (meant.is_some()
                || !table::OPTIONS
                    .iter()
                    .any(|option| option.takes != Takes::Nothing && name.starts_with(option.long)));
        let message = if is_plain {
            format!("unknown option '--{name}'")
        } else {
            "unknown option".to_owned()
        };
        match meant {
            Some(long) => {
                Error::Usage(Words::new(message).hint(format!("did you mean '--{long}'?")))
            }
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
    Error::Usage(Words::new(message).hint(hint))
}

/// What can follow a group.
fn choose(group: &'static Command) -> String {
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
        if is_stdin && matches!(option.id, Id::FieldFile(_) | Id::ApiKeyFile) {
            if let Some(first) = self.stdin.replace(option.long) {
                return Err(both_read_stdin(
                    &format!("--{first}"),
                    &format!("--{}", option.long),
                ));
            }
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
    Ok(Invocation::Run(Request { globals, verb }))
}

fn needs_command(group: &'static Command) -> Error {
    let mut hint = choose(group);
    if group.words.len() > 2 {
        hint.push_str("; a raw secret of that name: 'oz secret create -- ");
        hint.push_str(group.word());
        hint.push('\'');
    }
    Error::Usage(Words::new(format!("'{}' needs a command", group.path())).hint(hint))
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
        return Err(Error::Usage(
            Words::new("a SHELL is required").hint(shells()),
        ));
    };
    completions::script(word.to_str().unwrap_or_default())
        .ok_or_else(|| Error::Usage(Words::new("the SHELL is not one known here").hint(shells())))
}

fn shells() -> String {
    format!("one of {}", table::SHELLS.join(", "))
}

fn target(line: &mut Line) -> Result<Target, Error> {
    let Some(word) = line.operands.first() else {
        let path = line.command.path();
        return Err(Error::Usage(
            Words::new("a NAME is required").hint(format!("'{path} NAME'; see '{path} --help'")),
        ));
    };
    let name = match word.to_str().map(SecretName::parse) {
        Some(Ok(name)) => name,
        Some(Err(fault)) => return Err(bad_name(fault)),
        None => {
            return Err(Error::Data(
                Words::new("the name of a secret must be UTF-8")
                    .hint("use letters, digits and underscores"),
            ));
        }
    };
    Ok(Target {
        name,
        scope: line.draft.scope.take().unwrap_or(Scope::Unsaid),
    })
}

fn bad_name(fault: NameFault) -> Error {
    let (message, hint) = match fault {
        NameFault::Empty => (
            "the name of a secret can't be empty",
            "is a variable in the script unset?",
        ),
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
    Error::Data(Words::new(message).hint(hint))
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
            return Err(Error::Usage(Words::new("there is nothing to change").hint(
                "give '--value', '-f FILE', the fields of the secret's type, or '--description TEXT'",
            )));
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
    let not_utf8 =
        |name: &str| Error::Usage(Words::new(format!("the value of {name} is not UTF-8")));
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
    let draft = &mut line.draft;
    let server_root_url = match (draft.server_root_url.take(), env.filled(ROOT_VARIABLE)) {
        (Some(url), _) => Some(url),
        (None, None) => None,
        (None, Some(url)) => Some(url.into_string().map_err(|_| not_utf8(ROOT_VARIABLE))?),
    };
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
        return Err(Error::Usage(
            Words::new(format!(
                "{origin} and the value can't both be read from standard input"
            ))
            .hint("name the file of one of them: '-f FILE' for the value"),
        ));
    }
    Ok(())
}
