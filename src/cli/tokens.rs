//! Cuts an argument vector into options and operands. lexopt's own messages hold values and are dropped.

use super::options::{Arity, OPTIONS, Opt, bytes};
use crate::secret::SecretBytes;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// One piece of the line.
pub(super) enum Token {
    Option(&'static Opt, Option<SecretBytes>),
    /// `-h`, which asks for less than `--help`.
    ShortHelp,
    /// An operand, and whether `--` came before it: then it is no command word.
    Operand(OsString, bool),
}

/// A piece that could not be read.
pub(super) enum TokenError {
    /// What was typed, without dashes and value.
    Long(String),
    /// With `false` when other letters follow it: then it may be a value.
    Short(char, bool),
    /// A flag with a value attached.
    UnexpectedValue(&'static Opt),
    /// No value follows; with `true` because the next word starts with a dash.
    MissingValue(&'static Opt, bool),
}

/// Cuts the line into pieces. Needs no command, because an option takes the same everywhere.
pub(super) fn tokenize(mut args: Vec<OsString>) -> Vec<Result<Token, TokenError>> {
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
            Ok(Some(lexopt::Arg::Value(word))) => Ok(Token::Operand(word, literal)),
            Ok(Some(lexopt::Arg::Long(long))) => {
                let option = by_long(long).ok_or_else(|| TokenError::Long(long.to_owned()));
                let value = parser.optional_value().and_then(|_| attached.pop_front());
                option.and_then(|option| value_of(option, value, &mut parser))
            }
            Ok(Some(lexopt::Arg::Short(short))) => {
                last = by_short(short);
                match last {
                    _ if short == 'h' => Ok(Token::ShortHelp),
                    // What is attached to a flag is the next letter of a cluster, or lexopt's complaint.
                    Some(flag) if flag.arity() == Arity::Nothing => Ok(Token::Option(flag, None)),
                    Some(option) => {
                        let value = parser.optional_value().map(bytes);
                        value_of(option, value, &mut parser)
                    }
                    None => {
                        let is_alone = parser.optional_value().is_none();
                        Err(TokenError::Short(short, is_alone))
                    }
                }
            }
            Err(_) => {
                drop(tokens.pop());
                tokens.extend(
                    last.take()
                        .map(|flag| Err(TokenError::UnexpectedValue(flag))),
                );
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

pub(super) fn by_long(long: &str) -> Option<&'static Opt> {
    // The lengths tell most of them apart.
    let is = |option: &&Opt| option.long.len() == long.len() + 2 && option.name() == long;
    OPTIONS.iter().find(is)
}

fn by_short(short: char) -> Option<&'static Opt> {
    OPTIONS.iter().find(|option| option.short == Some(short))
}

/// An option just read, with the value attached to it or the one in the next word.
fn value_of(
    option: &'static Opt,
    attached: Option<SecretBytes>,
    parser: &mut lexopt::Parser,
) -> Result<Token, TokenError> {
    match (option.arity(), attached) {
        (Arity::Nothing, Some(_)) => Err(TokenError::UnexpectedValue(option)),
        (Arity::Required, None) => {
            let Some(mut rest) = parser.try_raw_args() else {
                return Err(TokenError::MissingValue(option, false));
            };
            match rest.next_if(|next| next == "-" || !next.as_encoded_bytes().starts_with(b"-")) {
                Some(value) => Ok(Token::Option(option, Some(bytes(value)))),
                None => Err(TokenError::MissingValue(option, rest.peek().is_some())),
            }
        }
        (_, attached) => Ok(Token::Option(option, attached)),
    }
}
