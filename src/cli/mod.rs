//! Owns the command line: arguments and variables in, an [`Invocation`] or a [`Misuse`] out.
//! Must not know the system, the network or what the verbs do: nothing is opened, asked or printed here.

pub mod completions;
pub mod help;
pub mod man;
mod parse;
mod suggest;
pub mod table;

use crate::command::{Format, Invocation};
use crate::env::Environment;
use crate::error::Error;
use std::ffi::OsString;

/// A line that asks for nothing this program does.
pub struct Misuse {
    /// [`Error::Usage`], or [`Error::Data`] for a name that is refused.
    pub error: Error,
    /// What the user asked for anywhere on the line or in the environment, so that a program that asked for JSON
    /// gets its error as JSON.
    pub format: Format,
}

/// Reads the arguments, without the program's own name.
///
/// # Errors
/// The first problem from left to right, then what the whole line lacks.
pub fn parse(args: Vec<OsString>, env: &Environment) -> Result<Invocation, Misuse> {
    parse::parse(args, env)
}
