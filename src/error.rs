//! Owns failure: one enum whose variant is the exit code, and whose words say what happened and what to do.
//! Must not know where it is printed, nor ever hold a value, a key, or any part of them.
//!
//! Words: one line, lower case, no full stop. The message names the option, variable, file, byte offset or host; a
//! cause is the system's or the server's own word for it, made safe to print; the hint is something the user can do.

use crate::outcome::Applied;
use crate::text;

/// Why a run ended without doing what was asked. Each variant is one exit code of the table in the README.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// 1: the server refused, or anything that fits nowhere else.
    Refused(Words),
    /// 1: it was done, but the result could not be written to standard output.
    Output(Words, Applied),
    /// 2: the command line is wrong, or input is needed and there is no terminal.
    Usage(Words),
    /// 3: no such secret.
    NotFound(Words),
    /// 4: no credentials, or they were not accepted.
    Credentials(Words),
    /// 5: the name is taken.
    Exists(Words),
    /// 65: a value or name refused here, before anything was sent.
    Data(Words),
    /// 66: a file could not be read.
    Unreadable(Words),
    /// 69: the server could not be reached or is not trusted; nothing was changed.
    Unavailable(Words),
    /// 75: the server is busy or too slow; nothing was changed.
    Later(Words),
    /// 75: a write was sent and no answer came, and asking again did not tell either.
    Unknown(Words),
    /// 78: key, URL, CA file or proxy.
    Config(Words),
    /// 130: a prompt was cancelled.
    Cancelled,
    /// 128 and the number of the signal that came at a prompt: 143 for SIGTERM.
    Terminated(u8),
}

/// The three things an error says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    pub message: String,
    pub causes: Vec<String>,
    pub hint: Option<String>,
}

impl Words {
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            causes: Vec::new(),
            hint: None,
        }
    }

    /// Adds what lies behind the message. Text from the system, the network or the server is made safe to print.
    #[must_use]
    pub fn cause(mut self, cause: &str) -> Self {
        self.causes.push(text::safe(cause).into_owned());
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl Error {
    /// The exit status, a number from the README's table.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::Refused(_) | Self::Output(..) => 1,
            Self::Usage(_) => 2,
            Self::NotFound(_) => 3,
            Self::Credentials(_) => 4,
            Self::Exists(_) => 5,
            Self::Data(_) => 65,
            Self::Unreadable(_) => 66,
            Self::Unavailable(_) => 69,
            Self::Later(_) | Self::Unknown(_) => 75,
            Self::Config(_) => 78,
            Self::Cancelled => 130,
            Self::Terminated(signal) => 128_u8.saturating_add(*signal),
        }
    }

    /// The stable word for the code in JSON.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Output(..) => "output",
            Self::Usage(_) => "usage",
            Self::NotFound(_) => "not_found",
            Self::Credentials(_) => "credentials",
            Self::Exists(_) => "exists",
            Self::Data(_) => "data",
            Self::Unreadable(_) => "unreadable",
            Self::Unavailable(_) => "unavailable",
            Self::Later(_) => "try_later",
            Self::Unknown(_) => "outcome_unknown",
            Self::Config(_) => "configuration",
            Self::Cancelled => "cancelled",
            Self::Terminated(_) => "terminated",
        }
    }

    #[must_use]
    pub fn words(&self) -> Option<&Words> {
        match self {
            Self::Refused(words)
            | Self::Output(words, _)
            | Self::Usage(words)
            | Self::NotFound(words)
            | Self::Credentials(words)
            | Self::Exists(words)
            | Self::Data(words)
            | Self::Unreadable(words)
            | Self::Unavailable(words)
            | Self::Later(words)
            | Self::Unknown(words)
            | Self::Config(words) => Some(words),
            Self::Cancelled | Self::Terminated(_) => None,
        }
    }

    /// Adds a cause to whatever words it has.
    #[must_use]
    pub fn because(mut self, cause: &str) -> Self {
        if let Self::Refused(words)
        | Self::Output(words, _)
        | Self::Usage(words)
        | Self::NotFound(words)
        | Self::Credentials(words)
        | Self::Exists(words)
        | Self::Data(words)
        | Self::Unreadable(words)
        | Self::Unavailable(words)
        | Self::Later(words)
        | Self::Unknown(words)
        | Self::Config(words) = &mut self
        {
            words.causes.push(text::safe(cause).into_owned());
        }
        self
    }

    #[must_use]
    pub fn message(&self) -> &str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Terminated(_) => "terminated",
            _ => self.words().map_or("", |words| words.message.as_str()),
        }
    }

    /// Whether the write that was asked for took place.
    #[must_use]
    pub fn applied(&self) -> Applied {
        match self {
            Self::Unknown(_) => Applied::Unknown,
            Self::Output(_, applied) => *applied,
            _ => Applied::No,
        }
    }
}
