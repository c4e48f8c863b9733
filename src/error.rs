//! Why a run ended without doing what was asked.
//!
//! A message is one line in lower case without a full stop, and names the option, variable, file, byte offset or host.
//! A cause is what the system or the server says, made safe to print. A hint is something that the user can do. None of
//! them holds a value, a key, or a part of one.

use crate::text;
use std::io;
use std::ops::{Deref, DerefMut};

/// A failure of a run. It is one pointer, because most functions return it in a `Result`, and moves of a larger type
/// take 10 kB of code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Box<Details>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    pub kind: ErrorKind,
    pub message: String,
    pub causes: Vec<String>,
    pub hint: Option<String>,
}

/// The kind of a failure, from which the exit code and the word in JSON follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The server refused, or the error has no kind of its own.
    Refused,
    /// The result could not be written to standard output; whether the write had taken place.
    Output(Applied),
    /// The command line is wrong, or input is needed and there is no terminal.
    Usage,
    /// No such secret.
    NotFound,
    /// No credentials, or they were not accepted.
    Credentials,
    /// The name is taken.
    Exists,
    /// A value or name was refused here, before anything was sent.
    InvalidData,
    /// A file could not be read.
    Unreadable,
    /// The server could not be reached or is not trusted; nothing was changed.
    Unavailable,
    /// The server is busy or too slow; nothing was changed.
    TryAgain,
    /// A write was sent, and whether it took place could not be learned.
    OutcomeUnknown,
    /// Key, URL, CA file or proxy.
    Config,
    /// A prompt was cancelled.
    Cancelled,
    /// This signal arrived while the terminal was in raw mode or without echo.
    Terminated(u8),
}

impl ErrorKind {
    /// The exit status, a number of the README's table.
    pub fn code(self) -> u8 {
        self.code_and_word().0
    }

    /// The stable word in JSON.
    pub fn word(self) -> &'static str {
        self.code_and_word().1
    }

    fn code_and_word(self) -> (u8, &'static str) {
        match self {
            Self::Refused => (1, "refused"),
            Self::Output(_) => (1, "output"),
            Self::Usage => (2, "usage"),
            Self::NotFound => (3, "not_found"),
            Self::Credentials => (4, "credentials"),
            Self::Exists => (5, "exists"),
            Self::InvalidData => (65, "data"),
            Self::Unreadable => (66, "unreadable"),
            Self::Unavailable => (69, "unavailable"),
            Self::TryAgain => (75, "try_later"),
            Self::OutcomeUnknown => (75, "outcome_unknown"),
            Self::Config => (78, "configuration"),
            Self::Cancelled => (130, "cancelled"),
            Self::Terminated(signal) => (128_u8.saturating_add(signal), "terminated"),
        }
    }

    /// Whether the write that was asked for took place.
    pub fn applied(self) -> Applied {
        match self {
            Self::OutcomeUnknown => Applied::Unknown,
            Self::Output(applied) => applied,
            _ => Applied::No,
        }
    }
}

/// Whether a write reached the server's state; JSON spells it `true`, `false` or `"unknown"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    Yes,
    No,
    Unknown,
}

/// One constructor a kind.
impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Details {
            kind,
            message: message.into(),
            causes: Vec::new(),
            hint: None,
        }))
    }

    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Refused, message)
    }

    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    pub fn credentials(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Credentials, message)
    }

    pub fn exists(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Exists, message)
    }

    pub fn invalid_data(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidData, message)
    }

    pub fn unreadable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unreadable, message)
    }

    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unavailable, message)
    }

    pub fn try_again(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::TryAgain, message)
    }

    pub fn outcome_unknown(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::OutcomeUnknown, message)
    }

    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    pub fn cancelled() -> Self {
        Self::new(ErrorKind::Cancelled, "cancelled")
    }

    pub fn terminated(signal: u8) -> Self {
        Self::new(ErrorKind::Terminated(signal), "terminated")
    }

    /// Adds a cause: text from the system, the network or the server, which is made safe to print.
    pub fn cause(mut self, cause: &str) -> Self {
        self.0.causes.push(text::safe(cause).into_owned());
        self
    }

    /// Adds what the system says of a call that failed as a cause.
    pub fn system_cause(self, error: &io::Error) -> Self {
        self.cause(&describe(error))
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// See [`ErrorKind::code`].
    pub fn code(&self) -> u8 {
        self.kind.code()
    }
}

impl Deref for Error {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

impl DerefMut for Error {
    fn deref_mut(&mut self) -> &mut Details {
        &mut self.0
    }
}

/// The system's message for an error, without its number.
pub fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once('(') {
        Some((text, number)) if number.starts_with("os error ") => text.trim_end().to_owned(),
        _ => text,
    }
}
