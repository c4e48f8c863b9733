//! Edits one line as it is typed: bytes of a terminal in raw mode in, an answer out. A pause in the typing is one more
//! input, so that it needs no clock.

use crate::secret::SecretBytes;

/// What the last byte did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing to show: a key without meaning, or a character that is not whole yet.
    Quiet,
    /// A character came whole at the end of the line.
    Typed,
    /// The end of the line went away.
    Erased,
    /// Enter.
    Done,
    /// Ctrl-C, Ctrl-\, Esc, or Ctrl-D on an empty line.
    Cancelled,
}

/// Where in a sequence of control bytes (ECMA-48 section 5.4) the next byte stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Ground,
    /// After ESC: the Esc key if nothing follows at once, else the start of a sequence.
    Escape,
    /// After `ESC [`.
    ControlStart,
    /// Inside the parameters of a control sequence.
    Control,
    /// One byte that belongs to a function key: `ESC O x`, or `ESC [ [ x` of the Linux console.
    Last,
    /// After Alt and the first byte of a character: the character's other bytes go the same way.
    Alt,
}

/// A line editor of the keys that a shell's own prompt knows: backspace, Ctrl-U, Ctrl-W.
pub struct LineEditor {
    text: SecretBytes,
    limit: usize,
    /// Whether a tab is part of the answer: in a secret it may be, in a visible field it is a slip.
    tabs: bool,
    state: State,
}

pub const CTRL_C: u8 = 0x03;
const CTRL_D: u8 = 0x04;
const BACKSPACE: u8 = 0x08;
const TAB: u8 = b'\t';
const LINE_FEED: u8 = b'\n';
const RETURN: u8 = b'\r';
const CTRL_U: u8 = 0x15;
const CTRL_W: u8 = 0x17;
const ESCAPE: u8 = 0x1b;
const CTRL_BACKSLASH: u8 = 0x1c;
const DELETE: u8 = 0x7f;

impl LineEditor {
    /// An empty line that keeps `limit` bytes and one more, which tells that it is too long; what follows is
    /// swallowed.
    pub fn new(limit: usize, tabs: bool) -> Self {
        Self {
            // All at once: a buffer that grew would leave copies behind.
            text: SecretBytes::with_capacity(limit.saturating_add(1)),
            limit,
            tabs,
            state: State::Ground,
        }
    }

    /// Whether [`LineEditor::pause`] would mean something: the time between a key's bytes is short, a person's is not.
    pub fn awaits_rest(&self) -> bool {
        self.state == State::Escape
    }

    /// No byte followed at once.
    pub fn pause(&mut self) -> Step {
        if self.state == State::Escape {
            return Step::Cancelled;
        }
        Step::Quiet
    }

    /// One byte of the terminal.
    pub fn feed(&mut self, byte: u8) -> Step {
        // Whatever a sequence was about to say, these two stop the program.
        if matches!(byte, CTRL_C | CTRL_BACKSLASH) {
            return Step::Cancelled;
        }
        match self.state {
            State::Ground => self.ground(byte),
            State::Escape => self.after_escape(byte),
            State::ControlStart if byte == b'[' => self.turn(State::Last),
            State::ControlStart | State::Control => match byte {
                0x20..=0x3f => self.turn(State::Control),
                0x40..=0x7e => self.turn(State::Ground),
                _ => self.again(byte),
            },
            State::Last if byte >= 0x20 => self.turn(State::Ground),
            State::Alt if is_continuation(byte) => Step::Quiet,
            State::Last | State::Alt => self.again(byte),
        }
    }

    /// The bytes typed so far, at most one more than the limit.
    pub fn text(&self) -> &[u8] {
        self.text.expose()
    }

    /// The character at the end of the line, if it is whole.
    pub fn last(&self) -> Option<&str> {
        let text = self.text.expose();
        let start = last_start(text);
        let last = std::str::from_utf8(text.get(start..)?).ok()?;
        (!last.is_empty()).then_some(last)
    }

    pub fn into_text(self) -> SecretBytes {
        self.text
    }

    fn turn(&mut self, state: State) -> Step {
        self.state = state;
        Step::Quiet
    }

    /// The sequence broke off: the byte counts as typed.
    fn again(&mut self, byte: u8) -> Step {
        self.state = State::Ground;
        self.ground(byte)
    }

    fn after_escape(&mut self, byte: u8) -> Step {
        match byte {
            b'[' => self.turn(State::ControlStart),
            b'O' => self.turn(State::Last),
            0x20..=0x7f => self.turn(State::Ground),
            0x80.. => self.turn(State::Alt),
            // Esc, then another control key: no key sends that in one go.
            _ => Step::Cancelled,
        }
    }

    fn ground(&mut self, byte: u8) -> Step {
        match byte {
            LINE_FEED | RETURN => Step::Done,
            CTRL_D if self.text.is_empty() => Step::Cancelled,
            BACKSPACE | DELETE => self.cut(last_start(self.text.expose())),
            CTRL_U => self.cut(0),
            CTRL_W => self.cut(word_start(self.text.expose())),
            ESCAPE => self.turn(State::Escape),
            TAB if self.tabs => self.push(byte),
            0x00..=0x1f => Step::Quiet,
            _ => self.push(byte),
        }
    }

    fn push(&mut self, byte: u8) -> Step {
        if self.text.len() > self.limit {
            return Step::Quiet;
        }
        self.text.expose_mut().push(byte);
        match self.last() {
            Some(_) => Step::Typed,
            None => Step::Quiet,
        }
    }

    fn cut(&mut self, length: usize) -> Step {
        if self.text.is_empty() {
            return Step::Quiet;
        }
        // What is cut stays in the buffer, which is wiped as a whole.
        self.text.expose_mut().truncate(length);
        Step::Erased
    }
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// Where the last character starts (RFC 3629 section 3): bytes that form none count as one each.
fn last_start(text: &[u8]) -> usize {
    let end = text.len();
    for length in 1..=4.min(end) {
        let start = end - length;
        if text.get(start).is_some_and(|byte| !is_continuation(*byte)) {
            return start;
        }
    }
    end.saturating_sub(1)
}

/// Where the last word starts, its trailing blanks included.
fn word_start(text: &[u8]) -> usize {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let word_end = text
        .iter()
        .rposition(|byte| !is_blank(byte))
        .map_or(0, |last| last + 1);
    text.iter()
        .take(word_end)
        .rposition(is_blank)
        .map_or(0, |blank| blank + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Types `bytes` and answers with the last step and the text.
    fn typed(bytes: &[u8]) -> (Step, Vec<u8>) {
        let mut line = LineEditor::new(64, true);
        let mut step = Step::Quiet;
        for byte in bytes {
            step = line.feed(*byte);
        }
        (step, line.into_text().expose().to_vec())
    }

    #[test]
    fn keys() {
        let table: &[(&[u8], Step, &[u8])] = &[
            (b"", Step::Quiet, b""),
            (b"a", Step::Typed, b"a"),
            (b"a b", Step::Typed, b"a b"),
            (b"ab\r", Step::Done, b"ab"),
            (b"ab\n", Step::Done, b"ab"),
            (b"\r", Step::Done, b""),
            (b"ab\x03", Step::Cancelled, b"ab"),
            (b"\x03", Step::Cancelled, b""),
            (b"ab\x1c", Step::Cancelled, b"ab"),
            (b"\x04", Step::Cancelled, b""),
            (b"a\x04", Step::Quiet, b"a"),
            (b"a\x7f\x04", Step::Cancelled, b""),
            (b"ab\x7f", Step::Erased, b"a"),
            (b"ab\x08", Step::Erased, b"a"),
            (b"\x7f", Step::Quiet, b""),
            (b"ab\x15", Step::Erased, b""),
            (b"ab\x15c", Step::Typed, b"c"),
            (b"\x15", Step::Quiet, b""),
            (b"one two\x17", Step::Erased, b"one "),
            (b"one two \t \x17", Step::Erased, b"one "),
            (b"one\ttwo\x17", Step::Erased, b"one\t"),
            (b"  \x17", Step::Erased, b""),
            (b"one\x17", Step::Erased, b""),
            (b"a\tb", Step::Typed, b"a\tb"),
            (b"a\0\x01\x1a\x16b", Step::Typed, b"ab"),
            ("aé".as_bytes(), Step::Typed, "aé".as_bytes()),
            (b"a\xc3", Step::Quiet, b"a\xc3"),
            ("aé\x7f".as_bytes(), Step::Erased, b"a"),
            ("a🔑\x7f".as_bytes(), Step::Erased, b"a"),
            ("a日\x7f\x7f".as_bytes(), Step::Erased, b""),
            (b"a\xf0\x9f\x7f", Step::Erased, b"a"),
            (b"a\x80\x7f", Step::Erased, b""),
            (
                b"\x80\x80\x80\x80\x80\x7f",
                Step::Erased,
                b"\x80\x80\x80\x80",
            ),
        ];
        for (bytes, step, text) in table {
            assert_eq!(typed(bytes), (*step, text.to_vec()), "{bytes:?}");
        }
    }

    #[test]
    fn sequences_of_function_keys_are_not_typed() {
        let table: &[&[u8]] = &[
            b"\x1b[A",
            b"\x1b[3~",
            b"\x1b[1;5C",
            b"\x1b[[A",
            b"\x1bOP",
            b"\x1bx",
            b"\x1b\x7f",
            "\x1bé".as_bytes(),
            "\x1b🔑".as_bytes(),
            b"\x1b[200~",
            b"\x1b[<0;1;2M",
        ];
        for sequence in table {
            let mut bytes = b"a".to_vec();
            bytes.extend_from_slice(sequence);
            bytes.push(b'b');
            assert_eq!(typed(&bytes), (Step::Typed, b"ab".to_vec()), "{sequence:?}");
        }
    }

    #[test]
    fn a_broken_sequence_swallows_no_key() {
        assert_eq!(typed(b"a\x1b[1\r"), (Step::Done, b"a".to_vec()));
        assert_eq!(typed(b"a\x1bO\r"), (Step::Done, b"a".to_vec()));
        assert_eq!(typed(b"a\x1b[\x15"), (Step::Erased, b"".to_vec()));
        assert_eq!(typed(b"a\x1b[\x03"), (Step::Cancelled, b"a".to_vec()));
        assert_eq!(typed(b"a\x1b\xc3\r"), (Step::Done, b"a".to_vec()));
        assert_eq!(typed(b"a\x1b[1\xc3\xa9"), (Step::Typed, "aé".into()));
    }

    #[test]
    fn escape_alone_cancels_after_a_pause() {
        let mut line = LineEditor::new(8, true);
        assert_eq!(line.feed(b'a'), Step::Typed);
        assert!(!line.awaits_rest());
        assert_eq!(line.pause(), Step::Quiet);
        assert_eq!(line.feed(ESCAPE), Step::Quiet);
        assert!(line.awaits_rest());
        assert_eq!(line.pause(), Step::Cancelled);

        let mut line = LineEditor::new(8, true);
        for byte in b"\x1b[" {
            line.feed(*byte);
        }
        assert!(!line.awaits_rest());
        assert_eq!(line.pause(), Step::Quiet);
        assert_eq!(typed(b"\x1b\x1b").0, Step::Cancelled);
        assert_eq!(typed(b"\x1b\r").0, Step::Cancelled);
    }

    #[test]
    fn one_byte_past_the_limit_is_kept_and_the_rest_swallowed() {
        let mut line = LineEditor::new(3, true);
        let capacity = line.text.expose_mut().capacity();
        assert!(capacity >= 4);
        for byte in b"abcd" {
            assert_eq!(line.feed(*byte), Step::Typed);
        }
        for byte in b"efgh" {
            assert_eq!(line.feed(*byte), Step::Quiet);
        }
        assert_eq!(line.text(), b"abcd");
        assert_eq!(line.text.expose_mut().capacity(), capacity);
        assert_eq!(line.feed(DELETE), Step::Erased);
        assert_eq!(line.feed(b'x'), Step::Typed);
        assert_eq!(line.text(), b"abcx");
        assert_eq!(line.feed(CTRL_U), Step::Erased);
        assert_eq!(line.feed(b'y'), Step::Typed);
        assert_eq!(line.text(), b"y");
    }

    #[test]
    fn tabs_in_visible_fields_are_ignored() {
        let mut line = LineEditor::new(8, false);
        assert_eq!(line.feed(b'a'), Step::Typed);
        assert_eq!(line.feed(TAB), Step::Quiet);
        assert_eq!(line.text(), b"a");
    }

    #[test]
    fn the_last_character_is_shown_whole() {
        let mut line = LineEditor::new(8, false);
        assert_eq!(line.last(), None);
        for (byte, last) in [
            (b'a', Some("a")),
            (0xc3, None),
            (0xa9, Some("é")),
            (0x80, None),
            (b'b', Some("b")),
        ] {
            line.feed(byte);
            assert_eq!(line.last(), last, "{byte:x}");
        }
    }

    /// Every sequence of up to four bytes of a telling alphabet: no panic, and the text is never longer than allowed.
    #[test]
    fn no_short_sequence_breaks_it() {
        let alphabet: &[u8] = b"\x00\x03\x04\x08\t\n\x15\x17\x1b [OA~\x7f\x80\xc3\xf0\xff";
        let mut words: Vec<Vec<u8>> = vec![Vec::new()];
        for _ in 0..4 {
            words = words
                .iter()
                .flat_map(|word| {
                    alphabet.iter().map(move |byte| {
                        let mut longer = word.clone();
                        longer.push(*byte);
                        longer
                    })
                })
                .collect();
            for word in &words {
                let mut line = LineEditor::new(2, true);
                for byte in word {
                    line.feed(*byte);
                    assert!(line.text().len() <= 3);
                }
                line.pause();
            }
        }
    }
}
