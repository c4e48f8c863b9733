//! The lines of `--debug`. They hold lengths, names and hosts, never a value or a key.

use std::fmt::Arguments;

/// Where debug lines go, if anywhere. Cheap to copy and to ask when off.
#[derive(Clone, Copy)]
pub struct Trace(Option<fn(&Arguments<'_>)>);

impl Trace {
    /// Drops every line.
    pub const OFF: Self = Self(None);

    /// Passes every line to `sink`.
    pub fn to(sink: fn(&Arguments<'_>)) -> Self {
        Self(Some(sink))
    }

    /// One line without its end, in lower case, as errors are.
    pub fn line(self, line: Arguments<'_>) {
        if let Some(sink) = self.0 {
            sink(&line);
        }
    }
}
