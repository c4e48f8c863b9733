//! The command line: arguments and variables in, a [`ParseResult`] or a [`UsageError`] out. Nothing is opened, asked or
//! printed here.

pub mod completions;
pub mod help;
pub mod man;
pub mod options;
mod parse;
mod suggest;
pub mod table;
mod tokens;

pub use parse::parse;

use crate::error::Error;
use crate::request::Format;

/// A line that asks for nothing this program does.
pub struct UsageError {
    /// [`ErrorKind::Usage`], or [`ErrorKind::InvalidData`] for a name that is refused.
    pub error: Error,
    /// What the user asked for anywhere on the line or in the environment, so that a program that asked for JSON
    /// gets its error as JSON.
    pub format: Format,
}

#[cfg(test)]
mod tests {
    use super::options::{Arity, OPTIONS, Opt};
    use super::table::{Action, COMMANDS, Subcommand};
    use super::*;
    use crate::env::Environment;
    use crate::request::ParseResult;
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    /// What stands where a user's value would: found in an error, it is a leak.
    const MARKER: &str = "M4rk3r";

    fn read(words: &[&[u8]]) -> Result<ParseResult, UsageError> {
        let args = words.iter().map(|word| OsString::from_vec(word.to_vec()));
        parse(args.collect(), &Environment::new(|_| None))
    }

    /// Reads every line of `length` words after `before`, and returns how many there were.
    fn search(vocabulary: &[&[u8]], before: &[&[u8]], length: usize) -> usize {
        let Some(left) = length.checked_sub(1) else {
            if let Err(usage) = read(before) {
                let error = &usage.error;
                let hint = error.hint.as_deref().unwrap();
                for text in [error.message.as_str(), hint] {
                    assert!(!text.contains(MARKER) && !text.contains('\n'), "{text}");
                    assert!(!text.is_empty() && text.is_ascii(), "{text}");
                }
                assert!(matches!(error.code(), 2 | 65) && error.causes.is_empty());
            }
            return 1;
        };
        let lines = vocabulary.iter().map(|word| {
            let line = [before, &[*word]].concat();
            search(vocabulary, &line, left)
        });
        lines.sum()
    }

    /// Every word of the table, and what people and machines type instead.
    #[test]
    fn no_short_line_panics_or_leaks() {
        let mut vocabulary: Vec<Vec<u8>> = [
            "",
            "-",
            "--",
            "---",
            "-=",
            "=",
            "--=",
            "-t=",
            "N",
            "A=M4rk3r",
            "M4rk3r",
            "-M4rk3r",
            "--M4rk3r",
            "--x=M4rk3r",
            "-f=M4rk3r",
            "--team=M4rk3r",
            "--type=M4rk3r",
            "--value=M4rk3r",
            "-hM4rk3r",
            "-VVM4rk3r",
            "-h=M4rk3r",
            "--api-keyM4rk3r",
            "--timeout=M4rk3r",
            "--api-key-file=-",
            "--password-file=-",
            "-f-",
        ]
        .iter()
        .map(|word| word.as_bytes().to_vec())
        .collect();
        vocabulary.extend([
            b"\xff".to_vec(),
            b"--\xff".to_vec(),
            b"-\xff\xfe".to_vec(),
            b"-d\xff".to_vec(),
            b"N\0".to_vec(),
        ]);
        for command in &COMMANDS {
            vocabulary.extend(
                command
                    .spellings()
                    .iter()
                    .map(|word| word.as_bytes().to_vec()),
            );
        }
        for option in &OPTIONS {
            vocabulary.push(option.long.as_bytes().to_vec());
            vocabulary.extend(option.short.map(|short| format!("-{short}").into_bytes()));
        }
        vocabulary.sort();
        vocabulary.dedup();
        let words: Vec<&[u8]> = vocabulary.iter().map(Vec::as_slice).collect();
        let mut lines = 0;
        for length in 0..=2 {
            lines += search(&words, &[], length);
        }
        // The interesting third words stand behind a verb.
        for verb in ["create", "update", "delete", "list"] {
            lines += search(&words, &[b"secret", verb.as_bytes()], 2);
        }
        let few: &[&[u8]] = &[
            b"",
            b"--",
            b"-f",
            b"--team",
            b"N",
            b"M4rk3r",
            b"-M4rk3r",
            b"--M4rk3r",
            b"\xff",
            b"secret",
            b"create",
            b"claude",
            b"api-key",
            b"help",
        ];
        for length in 3..=4 {
            lines += search(few, &[], length);
            lines += search(few, &[b"secret", b"create"], length - 1);
        }
        assert!(lines > 80_000, "{lines}");
    }

    /// The words that give an option, with a value it takes.
    fn given(option: &Opt) -> Vec<String> {
        let long = option.long.to_owned();
        if option.arity() != Arity::Required {
            return vec![long];
        }
        let value = match option.choices()[..] {
            [first, ..] => first,
            [] if option.long == "--timeout" => "1",
            [] => "x",
        };
        vec![long, value.to_owned()]
    }

    fn line(command: &Subcommand, more: &[String]) -> Result<ParseResult, UsageError> {
        let mut words: Vec<String> = command.words.iter().map(|w| (*w).to_owned()).collect();
        match command.action {
            Action::Completions => words.push("bash".to_owned()),
            Action::Help | Action::Group | Action::List | Action::WhoAmI => {}
            Action::Create(_) | Action::Update | Action::Delete | Action::Import => {
                words.push("N".to_owned());
            }
        }
        words.extend_from_slice(more);
        let args = words.into_iter().map(OsString::from).collect();
        parse(args, &Environment::new(|_| None))
    }

    /// What help and completions list for a command is accepted there, and nothing else.
    #[test]
    fn parser_help_and_completions_agree() {
        let bash = completions::script("bash").unwrap();
        for command in COMMANDS
            .iter()
            .filter(|command| command.action != Action::Group)
        {
            let page = help::short(command);
            for option in &OPTIONS {
                let mut words = given(option);
                if command.action == Action::Update {
                    // Alone, not every option is a change.
                    words.extend(match option.long {
                        "--description" => vec![],
                        _ => vec!["-d".to_owned(), "x".to_owned()],
                    });
                }
                let is_read = match line(command, &words) {
                    Ok(_) => true,
                    Err(usage) => {
                        assert!(
                            usage.error.message.contains("is not an option of"),
                            "{}",
                            usage.error.message
                        );
                        false
                    }
                };
                let spelling = format!("{} ", help::spelling(option).trim_start());
                let is_listed = page
                    .lines()
                    .any(|line| line.trim_start().starts_with(&spelling));
                assert_eq!(is_read, is_listed, "{} {spelling}", command.path());
                let own = format!("\no|{}|{}|", command.path(), option.long);
                let global = format!("\no|any|{}|", option.long);
                assert_eq!(is_read, bash.contains(&own) || bash.contains(&global));
            }
        }
    }

    #[test]
    fn every_example_is_read() {
        for command in &COMMANDS {
            for (_, example) in command.examples {
                let text = example.replace("\\\n", " ");
                let after = text.split("oz ").nth(1).unwrap();
                let words = after.split([')', '|']).next().unwrap();
                let args = words.split_whitespace().map(|word| word.trim_matches('\''));
                // A quoted text with blanks is one word for the shell.
                let args: Vec<OsString> = match words.split_once('\'') {
                    Some((start, rest)) => start
                        .split_whitespace()
                        .chain([rest.trim_end().trim_end_matches('\'')])
                        .map(OsString::from)
                        .collect(),
                    None => args.map(OsString::from).collect(),
                };
                let read = parse(args, &Environment::new(|_| None));
                assert!(
                    read.is_ok(),
                    "{example}: {}",
                    read.err().unwrap().error.message
                );
            }
        }
    }
}
