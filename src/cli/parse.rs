//! Reads an argument vector: words and options into a command, reporting the first problem from left to right. What could
//! not be read is never repeated: a mistyped word may be a secret.

use super::options::{Apply, Arity, OPTIONS, Opt, Options};
use super::table::{self, Action, Subcommand};
use super::tokens::{Token, TokenError, by_long, tokenize};
use super::{UsageError, completions, help, suggest};
use crate::env::Environment;
use crate::error::Error;
use crate::request::{
    Change, Create, Delete, FieldSources, FileOrStdin, Format, Globals, Import, KeySource,
    ParseResult, Request, Scope, Target, Update, Verb,
};
use crate::secret::{EMPTY_VALUE_HINT, KINDS, SecretBytes, SecretName};
use crate::text::has_duplicates;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// Reads the arguments, without the program's own name.
///
/// # Errors
/// The first problem from left to right, then what the whole line lacks.
pub fn parse(args: Vec<OsString>, env: &Environment) -> Result<ParseResult, UsageError> {
    if args.is_empty() {
        return Ok(ParseResult::Print(help::short(table::root())));
    }
    let tokens = tokenize(args);
    let given = tokens.iter().find_map(|token| match token {
        Ok(Token::Option(option, Some(word))) if option.long == "--output-format" => {
            format(option, OsString::from_vec(word.expose().to_vec()))
        }
        _ => None,
    });
    let format = || {
        let variable = || {
            let option = by_long("output-format")?;
            format(option, env.filled(option.variable?)?)
        };
        given.or_else(variable).unwrap_or(Format::Pretty)
    };
    resolve(tokens, env, &format).map_err(|error| UsageError {
        error,
        format: format(),
    })
}

/// The format that a word names, if it does.
fn format(option: &Opt, word: OsString) -> Option<Format> {
    let mut options = Options::default();
    options.set(option, Some(word), option.long).ok()?;
    Some(options.globals.format)
}

/// A line whose every piece is known.
struct CommandLine {
    command: &'static Subcommand,
    /// The command as it was typed, which may be by its second spelling.
    path: String,
    /// Where the words after `help` start.
    help_root: &'static Subcommand,
    operands: Vec<OsString>,
    seen: Vec<&'static Opt>,
    options: Options,
}

/// Walks the pieces in order, down the tree of commands.
fn resolve(
    tokens: Vec<Result<Token, TokenError>>,
    env: &Environment,
    format: &dyn Fn() -> Format,
) -> Result<ParseResult, Error> {
    // Only the version looks at the whole line: `--version --debug` in either order, `-VV`, `-V --output-format json`.
    let count = |long| {
        let given = tokens
            .iter()
            .filter(|token| matches!(token, Ok(Token::Option(option, _)) if option.long == long));
        given.count()
    };
    let is_long_version = count("--debug") > 0 || count("--version") > 1;
    let mut line = CommandLine {
        command: table::root(),
        path: table::root().path(),
        help_root: table::root(),
        operands: Vec::new(),
        seen: Vec::new(),
        options: Options::default(),
    };
    for token in tokens {
        match token.map_err(|error| line.token_error(error))? {
            Token::ShortHelp => return Ok(ParseResult::Print(help::short(line.command))),
            Token::Option(option, value) => match option.apply {
                Apply::Help => return Ok(ParseResult::Print(help::long(line.command))),
                Apply::Version if format().is_machine() => {
                    return Ok(ParseResult::Print(help::version_json()));
                }
                Apply::Version => return Ok(ParseResult::Print(help::version(is_long_version))),
                _ => line.option(option, value)?,
            },
            Token::Operand(word, literal) => line.operand(word, literal)?,
        }
    }
    build(line, env)
}

impl CommandLine {
    fn option(&mut self, option: &'static Opt, value: Option<SecretBytes>) -> Result<(), Error> {
        if !option.is_accepted_below(self.command) {
            return Err(self.unsupported(option));
        }
        if self.seen.iter().any(|seen| seen.long == option.long) {
            return Err(self.usage(format!("'{}' is given twice", option.long)));
        }
        if let Some(other) = self.seen.iter().find(|seen| seen.conflicts(option)) {
            return Err(self.usage(format!(
                "'{}' can't be used with '{}'",
                other.long, option.long
            )));
        }
        self.seen.push(option);
        let is_empty = value.as_ref().is_some_and(|value| value.is_empty());
        let typed = value.as_ref().map_or(&[][..], |value| value.expose());
        let of_type = (option.long == "--type")
            .then(|| suggest::command_of_type(str::from_utf8(typed).unwrap_or_default()))
            .flatten();
        let value = value.map(|mut value| OsString::from_vec(std::mem::take(value.expose_mut())));
        self.options
            .set(option, value, option.long)
            .map_err(|message| {
                if is_empty {
                    Error::usage(message).hint(EMPTY_VALUE_HINT)
                } else if let Some(words) = of_type {
                    let hint = ["use `oz ", &words.join(" "), " NAME`"];
                    Error::usage(message).hint(hint.concat())
                } else {
                    self.usage(message)
                }
            })
    }

    fn operand(&mut self, word: OsString, literal: bool) -> Result<(), Error> {
        if !literal && self.operands.is_empty() {
            let text = word.to_str().unwrap_or_default();
            if let Some(child) = self.command.child(text) {
                self.path.push_str(&[" ", text].concat());
                return self.enter(child);
            }
            let is_group = self.command.children().next().is_some();
            if is_group && text == table::HELP_WORD {
                self.help_root = self.command;
                let help = table::root().child(text).unwrap_or(self.command);
                self.path = help.path();
                return self.enter(help);
            }
        }
        match self.command.operand {
            None if self.command.action == Action::Group => {
                Err(no_such_command(self.command, &self.path, &word))
            }
            Some(operand) if operand.many || self.operands.is_empty() => {
                self.operands.push(word);
                Ok(())
            }
            _ => Err(self.excess()),
        }
    }

    /// Goes one word further; options that came before it must lead somewhere still.
    fn enter(&mut self, child: &'static Subcommand) -> Result<(), Error> {
        self.command = child;
        match self.seen.iter().find(|seen| !seen.is_accepted_below(child)) {
            Some(option) => Err(self.unsupported(option)),
            None => Ok(()),
        }
    }

    fn usage(&self, message: impl Into<String>) -> Error {
        Error::usage(message).hint(help_hint(&self.path))
    }

    fn unsupported(&self, option: &Opt) -> Error {
        let message = ["'", option.long, "' is not an option of `", &self.path, "`"].concat();
        let hint = match (option.long, self.command.action) {
            // As in `rm -f`.
            ("--value-file", Action::Delete) => suggest::option("yes"),
            _ => None,
        };
        self.answered(message, option.name(), hint)
    }

    /// An error about an option, with the answer for people who know it from another tool.
    fn answered(&self, message: String, name: &str, hint: Option<&str>) -> Error {
        let takes_value = match self.command.action {
            Action::Create(kind) => kind.has_value(),
            action => matches!(action, Action::Group | Action::Update),
        };
        match suggest::option(name).or(hint) {
            Some(hint) => Error::usage(message).hint(hint),
            None if takes_value && suggest::is_value(name) => {
                Error::usage(message).hint(self.value_hint())
            }
            None => self.usage(message),
        }
    }

    /// How a value is given, with a line that can be pasted into a shell.
    fn value_hint(&self) -> String {
        let (path, value) = match self.command.action {
            Action::Create(_) => (self.path.as_str(), ""),
            Action::Update => (self.path.as_str(), " --value"),
            _ => ("oz secret create", ""),
        };
        let ways = "give the value on standard input, with -f FILE or at the prompt: \
                    `printf %s \"$VALUE\" | ";
        [ways, path, " NAME", value, "`"].concat()
    }

    /// One operand too many.
    fn excess(&self) -> Error {
        let number = match self.command.operand {
            Some(_) => "one operand only",
            None => "no operand",
        };
        let message = format!("`{}` takes {number}", self.path);
        // One in upper case is the name of a secret.
        let first = self.operands.first().and_then(|word| word.to_str());
        let first = first.filter(|word| !word.bytes().any(|byte| byte.is_ascii_uppercase()));
        let meant = meant(self.command, &self.path, first.unwrap_or_default());
        let hint = match (meant, self.command.action) {
            (Some(meant), _) => meant,
            _ if self.options.scope == Scope::Team => "a UID is attached: --team=UID".to_owned(),
            (None, Action::Create(_) | Action::Update) => self.value_hint(),
            _ => help_hint(&self.path),
        };
        Error::usage(message).hint(hint)
    }

    fn token_error(&self, error: TokenError) -> Error {
        match error {
            TokenError::Long(name) => self.unknown(&name),
            TokenError::Short(short, is_alone) => {
                let message = if is_alone && short.is_ascii_alphanumeric() {
                    format!("unknown option '-{short}'")
                } else {
                    "unknown option".to_owned()
                };
                self.answered(message, short.encode_utf8(&mut [0; 4]), None)
            }
            TokenError::UnexpectedValue(option) | TokenError::MissingValue(option, _)
                if !option.is_accepted_below(self.command) =>
            {
                self.unsupported(option)
            }
            TokenError::UnexpectedValue(flag) if matches!(flag.apply, Apply::Ask) => {
                Error::usage("'--value' takes no value").hint(self.value_hint())
            }
            TokenError::UnexpectedValue(flag) => {
                self.usage(format!("'{}' takes no value", flag.long))
            }
            TokenError::MissingValue(option, dash) => {
                let message = format!("'{}' needs a value", option.long);
                if !dash {
                    return self.usage(message);
                }
                Error::usage(message).hint(format!(
                    "a value that starts with '-' is attached, as in {}=-x",
                    option.long
                ))
            }
        }
    }

    fn unknown(&self, name: &str) -> Error {
        let mut known = Vec::new();
        for option in OPTIONS.iter() {
            if option.is_accepted_below(self.command) {
                known.push(option.name());
            }
        }
        let meant = suggest::closest(name.trim_start_matches('-'), &known);
        // `--api-keywk-…` is a key that lacks its `=`: only what can't hold one is repeated.
        let is_plain = name.len() <= 32
            && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
            && !OPTIONS
                .iter()
                .any(|option| option.arity() != Arity::Nothing && name.starts_with(option.name()));
        let message = if is_plain {
            format!("unknown option '--{name}'")
        } else {
            "unknown option".to_owned()
        };
        let hint = meant.map(|long| format!("did you mean --{long}?"));
        self.answered(message, name, hint.as_deref())
    }
}

fn help_hint(path: &str) -> String {
    ["see `", path, " --help`"].concat()
}

/// The command below a group, typed as `path`, that a word was probably meant to be.
fn meant(group: &Subcommand, path: &str, typed: &str) -> Option<String> {
    let mut words = Vec::new();
    let mut commands = Vec::new();
    for command in &table::COMMANDS {
        if command.words.len() > group.words.len() && command.words.starts_with(group.words) {
            for word in command.spellings() {
                words.push(word);
                commands.push(command);
            }
        }
    }
    let word = suggest::closest(typed, &words)?;
    let command = commands.get(words.iter().position(|one| *one == word)?)?;
    let mut hint = ["did you mean `", path].concat();
    let (_, between) = command.words.split_last()?;
    for word in between.iter().skip(group.words.len()).chain([&word]) {
        hint.push_str(&[" ", word].concat());
    }
    hint.push_str("`?");
    Some(hint)
}

/// A word that names no command; it is not repeated.
fn no_such_command(group: &Subcommand, path: &str, word: &OsString) -> Error {
    let typed = word.to_str().unwrap_or_default();
    // Below `create`, a word may be the name of a secret.
    let answer = suggest::command(typed).filter(|_| group.words.len() < 2);
    let hint = match answer {
        Some(answer) => answer.to_owned(),
        None => meant(group, path, typed).unwrap_or_else(|| choose(group, path)),
    };
    Error::usage(format!("`{path}` has no such command")).hint(hint)
}

/// What can follow a command.
fn choose(group: &Subcommand, path: &str) -> String {
    let words: Vec<&str> = group.children().map(Subcommand::word).collect();
    match words[..] {
        [] => help_hint(path),
        [first, ..] if creates_below(group) => {
            let line = ["`", path, " ", first, " NAME`"].concat();
            match words.len() {
                1 => line,
                _ => ["one of ", &words.join(", "), ", as in ", &line].concat(),
            }
        }
        _ => ["one of ", &words.join(", "), "; ", &help_hint(path)].concat(),
    }
}

/// Whether it is a group of `create`: its word may have been meant as the name of a secret.
fn creates_below(group: &Subcommand) -> bool {
    group.words.len() > 2
}

/// The checks that need the whole line, and the command.
fn build(mut line: CommandLine, env: &Environment) -> Result<ParseResult, Error> {
    let command = line.command;
    let is_group = command.action == Action::Group;
    let unsupported = |seen: &&&Opt| !is_group && !seen.is_accepted_by(command);
    if let Some(option) = line.seen.iter().find(unsupported) {
        return Err(line.unsupported(option));
    }
    // What is wrong with a variable comes after what the line itself lacks.
    let variables = add_variables(&mut line, env);
    let verb = match command.action {
        Action::Group => return Err(needs_command(command, &line.path)),
        Action::Help => return topic(&line).map(|text| ParseResult::Print(help::long(text))),
        Action::Completions => return shell(&line).map(ParseResult::Print),
        Action::List => {
            line.options.list.scope = line.options.scope;
            Verb::List(line.options.list)
        }
        Action::Import => import(&mut line).map(Verb::Import)?,
        Action::WhoAmI => Verb::WhoAmI,
        Action::Delete => Verb::Delete(Delete {
            names: names(&line)?,
            scope: line.options.scope,
            force: line.options.force,
            ignore_missing: line.options.ignore_missing,
            dry_run: line.options.dry_run,
        }),
        Action::Create(kind) => Verb::Create(Create {
            target: target(&mut line)?,
            kind: line.options.kind.unwrap_or(kind),
            sources: FieldSources {
                ask: true,
                ..line.options.sources
            },
            description: line.options.description,
            if_exists: line.options.if_exists,
            dry_run: line.options.dry_run,
        }),
        Action::Update => {
            let target = target(&mut line)?;
            one_kind(&line)?;
            Verb::Update(Update {
                target,
                change: change(line.options.sources, line.options.description)?,
                dry_run: line.options.dry_run,
            })
        }
    };
    variables?;
    let globals = line.options.globals;
    key_shares_stdin(&globals, &verb)?;
    Ok(ParseResult::Run(Box::new(Request { globals, verb })))
}

fn needs_command(group: &Subcommand, path: &str) -> Error {
    let mut hint = choose(group, path);
    if creates_below(group)
        && let Some((create, word)) = path.rsplit_once(' ')
    {
        let raw = ["; a raw secret of that name: `", create, " -- ", word, "`"];
        hint.push_str(&raw.concat());
    }
    Error::usage(format!("`{path}` needs a command")).hint(hint)
}

fn topic(line: &CommandLine) -> Result<&'static Subcommand, Error> {
    let mut command = line.help_root;
    for word in &line.operands {
        command = word
            .to_str()
            .and_then(|word| command.child(word))
            .ok_or_else(|| no_such_command(command, &command.path(), word))?;
    }
    Ok(command)
}

fn shell(line: &CommandLine) -> Result<String, Error> {
    let Some(word) = line.operands.first() else {
        return Err(Error::usage("a SHELL is required").hint(shells()));
    };
    completions::script(word.to_str().unwrap_or_default())
        .ok_or_else(|| Error::usage("the SHELL is not one known here").hint(shells()))
}

fn shells() -> String {
    format!("one of {}", table::SHELLS.join(", "))
}

fn target(line: &mut CommandLine) -> Result<Target, Error> {
    let Some(word) = line.operands.first() else {
        return Err(needs_name(line));
    };
    let name = name(word)?;
    let scope = std::mem::take(&mut line.options.scope);
    Ok(Target { name, scope })
}

fn names(line: &CommandLine) -> Result<Vec<SecretName>, Error> {
    let mut names = Vec::with_capacity(line.operands.len());
    for word in &line.operands {
        names.push(name(word)?);
    }
    if has_duplicates(names.iter().map(|name| name.as_str().as_bytes()).collect()) {
        return Err(line.usage("a NAME is given twice"));
    }
    match names.is_empty() {
        true => Err(needs_name(line)),
        false => Ok(names),
    }
}

fn needs_name(line: &CommandLine) -> Error {
    let hint = ["`", &line.path, " NAME`; ", &help_hint(&line.path)];
    Error::usage("a NAME is required").hint(hint.concat())
}

fn name(word: &OsString) -> Result<SecretName, Error> {
    let not_text = || {
        Error::invalid_data("the name of a secret must be UTF-8")
            .hint("use letters, digits and underscores")
    };
    word.to_str()
        .ok_or_else(not_text)
        .and_then(SecretName::parse)
}

fn import(line: &mut CommandLine) -> Result<Import, Error> {
    let Some(word) = line.operands.pop() else {
        return Err(line.usage("a FILE is required"));
    };
    let file = line.options.file(word, "FILE");
    Ok(Import {
        file: file.map_err(|message| line.usage(message))?,
        format: line.options.format,
        scope: std::mem::take(&mut line.options.scope),
        if_exists: line.options.if_exists,
        skip_empty: line.options.skip_empty,
        dry_run: line.options.dry_run,
    })
}

fn change(sources: FieldSources, description: Option<String>) -> Result<Change, Error> {
    let has_value = sources.ask || sources.from_env || !sources.given.is_empty();
    match (has_value, description) {
        (true, description) => Ok(Change::Value {
            sources,
            description,
        }),
        (false, Some(description)) => Ok(Change::Description(description)),
        (false, None) => Err(Error::usage("there is nothing to change")
            .hint("give --value, -f FILE, the fields of the secret's type, or --description TEXT")),
    }
}

/// Refuses fields that no type of secret has together.
fn one_kind(line: &CommandLine) -> Result<(), Error> {
    for (index, later) in line.seen.iter().enumerate() {
        for earlier in line.seen.iter().take(index) {
            if !KINDS.iter().any(|k| earlier.fits(k) && later.fits(k)) {
                return Err(line.usage(format!(
                    "no type of secret has both '{}' and '{}'",
                    earlier.long, later.long
                )));
            }
        }
    }
    Ok(())
}

/// Adds the variables that stand in for options that were not given.
fn add_variables(line: &mut CommandLine, env: &Environment) -> Result<(), Error> {
    for option in &OPTIONS {
        let settled = |seen: &&Opt| seen.long == option.long || seen.conflicts(option);
        if let Some(variable) = option.variable
            && !line.seen.iter().any(settled)
            && let Some(value) = env.filled(variable)
        {
            let set = line.options.set(option, Some(value), variable);
            set.map_err(|message| line.usage(message))?;
            line.seen.push(option);
        }
    }
    add_scope(line, env)
}

/// Adds the scope of `WARP_SECRET_SCOPE` where the command takes one and the line has none.
fn add_scope(line: &mut CommandLine, env: &Environment) -> Result<(), Error> {
    let takes_scope = by_long("team").is_some_and(|team| team.is_accepted_by(line.command));
    if takes_scope
        && line.options.scope == Scope::Default
        && let Some(value) = env.filled("WARP_SECRET_SCOPE")
    {
        let wrong = "the value of WARP_SECRET_SCOPE is not one of personal, team, team=UID";
        let scope = value.to_str().and_then(scope);
        line.options.scope = scope.ok_or_else(|| line.usage(wrong))?;
    }
    Ok(())
}

fn scope(word: &str) -> Option<Scope> {
    match word {
        "personal" => Some(Scope::Personal),
        "team" => Some(Scope::Team),
        _ => match word.strip_prefix("team=") {
            None | Some("") => None,
            Some(uid) => Some(Scope::TeamUid(uid.to_owned())),
        },
    }
}

/// Refuses an API key that is read from standard input where the value is too, for lack of an option.
fn key_shares_stdin(globals: &Globals, verb: &Verb) -> Result<(), Error> {
    let KeySource::File {
        origin,
        path: FileOrStdin::Stdin,
    } = &globals.api_key
    else {
        return Ok(());
    };
    let (sources, has_value) = match verb {
        Verb::Create(create) => (&create.sources, create.kind.has_value()),
        Verb::Update(Update {
            change: Change::Value { sources, .. },
            ..
        }) => (sources, true),
        _ => return Ok(()),
    };
    let is_given = sources.given.iter().any(|(field, _)| field.is_value());
    if sources.ask && has_value && !is_given {
        return Err(Error::usage(format!(
            "'{origin}' and the value can't both be read from standard input"
        ))
        .hint("name the file of one of them: -f FILE for the value"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
