//! Lines for people on standard error: their prefixes, in colour or not, and notes that are written during a run.

use crate::env::Environment;
use crate::text;
use std::time::Duration;

/// How long nothing happens before a person at a terminal is told what is waited for.
pub const NOTE_AFTER: Duration = Duration::from_secs(2);

/// How a line begins: without and with colour.
#[derive(Clone, Copy)]
pub struct Prefix(&'static str, &'static str);

pub const ERROR: Prefix = Prefix("error: ", "\x1b[1;31merror:\x1b[0m ");
pub const HINT: Prefix = Prefix("hint: ", "\x1b[1;36mhint:\x1b[0m ");
pub const NOTE: Prefix = Prefix("note: ", "\x1b[1;33mnote:\x1b[0m ");
pub const CAUSE: Prefix = Prefix("  caused by: ", "  caused by: ");
/// Of a further line of a hint.
pub const NONE: Prefix = Prefix("", "");

/// Whether prefixes are coloured: on a terminal that can, or where `CLICOLOR_FORCE` asks for it, unless `NO_COLOR` forbids
/// it.
pub fn wants_colour(env: &Environment, is_terminal: bool) -> bool {
    let is_forced = env
        .filled("CLICOLOR_FORCE")
        .is_some_and(|value| value != *"0");
    (is_forced || is_terminal && knows_escapes(env)) && env.filled("NO_COLOR").is_none()
}

/// Whether a terminal of this kind understands escape sequences.
pub fn knows_escapes(env: &Environment) -> bool {
    env.filled("TERM").is_some_and(|kind| kind != *"dumb")
}

/// Appends one line, made safe to print.
pub fn push_line(prefix: Prefix, colour: bool, text: &str, out: &mut Vec<u8>) {
    let prefix = if colour { prefix.1 } else { prefix.0 };
    out.extend_from_slice(prefix.as_bytes());
    out.extend_from_slice(text::safe(text).as_bytes());
    out.push(b'\n');
}

/// Where notes go during a run, if anywhere: what is waited for, and why something is tried again.
#[derive(Clone, Copy)]
pub struct Notes {
    sink: Option<fn(&[u8])>,
    colour: bool,
}

impl Notes {
    /// Drops every note.
    pub const OFF: Self = Self {
        sink: None,
        colour: false,
    };

    /// Passes every line, with its end, to `sink`.
    pub fn to(sink: fn(&[u8]), colour: bool) -> Self {
        Self {
            sink: Some(sink),
            colour,
        }
    }

    pub fn are_on(self) -> bool {
        self.sink.is_some()
    }

    /// Writes one note at once.
    pub fn say(self, note: &str) {
        if let Some(sink) = self.sink {
            let mut line = Vec::new();
            push_line(NOTE, self.colour, note, &mut line);
            sink(&line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    #[test]
    fn colour_is_decided_by_four_facts() {
        for (no, force, term, at_terminal, expected) in [
            ("", "", "xterm", true, true),
            ("", "", "xterm", false, false),
            ("", "", "dumb", true, false),
            ("", "", "", true, false),
            ("1", "", "xterm", true, false),
            ("", "1", "", false, true),
            ("", "1", "dumb", true, true),
            ("", "0", "xterm", false, false),
            ("", "0", "xterm", true, true),
            ("0", "1", "xterm", true, false),
        ] {
            let env = Environment::new(move |name| {
                let value = match name {
                    "NO_COLOR" => no,
                    "CLICOLOR_FORCE" => force,
                    "TERM" => term,
                    _ => return None,
                };
                Some(OsString::from(value))
            });
            let case = (no, force, term, at_terminal);
            assert_eq!(wants_colour(&env, at_terminal), expected, "{case:?}");
        }
    }

    #[test]
    fn only_the_prefix_is_coloured() {
        let mut out = Vec::new();
        push_line(ERROR, true, "a\x1b", &mut out);
        push_line(CAUSE, true, "b", &mut out);
        push_line(NOTE, false, "c", &mut out);
        let text = "\x1b[1;31merror:\x1b[0m a\\u{1b}\n  caused by: b\nnote: c\n";
        assert_eq!(String::from_utf8(out).unwrap(), text);
    }
}
