//! The formats for people: the framed table of `pretty` and the aligned columns of `text`. No other file names
//! unicode-width.

use crate::json::Sink;
use crate::outcome::{SecretInfo, Timestamp};
use crate::output::teams::Teams;
use crate::output::time::push_relative;
use crate::secret::Owner;
use crate::text::safe;
use std::borrow::Cow;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

const COLUMNS: usize = 6;
const HEADERS: [&str; COLUMNS] = ["Name", "Scope", "Type", "Created", "Updated", "Description"];

/// The columns that are narrowed when a table is wider than its terminal, in this order, and to which width: first to
/// one at which most words stay whole, which fits 80 columns, then to one at which no character is too wide.
const SHRINK: [(usize, usize); 12] = [
    (5, 11),
    (0, 12),
    (1, 8),
    (2, 12),
    (3, 7),
    (4, 7),
    (5, LEAST),
    (2, LEAST),
    (3, LEAST),
    (4, LEAST),
    (1, LEAST),
    (0, LEAST),
];
const LEAST: usize = 3;

/// The widest that a field is shown, in display columns: what is longer is cut, because every row is padded to the
/// widest. `json` and `ndjson` have it whole.
const MAX_FIELD: usize = 200;

type Cells<'a> = [Cow<'a, str>; COLUMNS];

/// The cells of one row, safe to print. `times` holds the texts that no row owns.
fn cells<'a>(
    row: &'a SecretInfo,
    teams: &Teams<'a>,
    now: Timestamp,
    times: &'a mut [String; 2],
) -> Cells<'a> {
    for (text, then) in times.iter_mut().zip([row.created, row.updated]) {
        text.clear();
        push_relative(then, now, text);
    }
    let [created, updated] = times;
    [
        field(&row.name),
        scope(&row.owner, teams),
        field(row.stored_type.label()),
        Cow::Borrowed(created),
        Cow::Borrowed(updated),
        field(row.description.as_deref().unwrap_or("")),
    ]
}

/// The word for an owner, and which team it is where there are several.
fn scope<'a>(owner: &'a Owner, teams: &Teams<'a>) -> Cow<'a, str> {
    match teams.label(owner) {
        Some(label) => Cow::Owned(["Team: ", &field(label)].concat()),
        None => field(owner.scope()),
    }
}

/// A text safe to print, and no wider than [`MAX_FIELD`] columns. A character that takes none counts as one, so that
/// marks can't pile up.
fn field(text: &str) -> Cow<'_, str> {
    let mut head = text;
    // No character takes more columns than bytes, and no escape fewer than what it stands for.
    if text.len() > MAX_FIELD
        && let Some((end, _)) = text.char_indices().nth(MAX_FIELD + 1)
    {
        head = text.get(..end).unwrap_or(text);
    }
    let shown = safe(head);
    if shown.len() <= MAX_FIELD {
        return shown;
    }
    match head_within(&shown, MAX_FIELD) {
        Some(head) => Cow::Owned([head, "…"].concat()),
        None => shown,
    }
}

/// What to show of a text that is wider than `limit` columns, with an ellipsis behind it.
fn head_within(text: &str, limit: usize) -> Option<&str> {
    let mut used = 0;
    let mut end = 0;
    for (start, character) in text.char_indices() {
        used += character.width().unwrap_or(0).max(1);
        if used > limit {
            return text.get(..end);
        }
        if used < limit {
            end = start + character.len_utf8();
        }
    }
    None
}

/// Display columns of a text without control characters.
fn width(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.width()
    }
}

/// How wide each column is, the header included.
fn widths(rows: &[&SecretInfo], teams: &Teams<'_>, now: Timestamp) -> [usize; COLUMNS] {
    let mut widths = HEADERS.map(str::len);
    let mut times = Default::default();
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(&cells(row, teams, now, &mut times)) {
            *widest = width(cell).max(*widest);
        }
    }
    widths
}

/// Columns padded to their width and two spaces, without spaces at the end of a line. The header is always there. When
/// a terminal's width is known and a line is wider, cells are cut, so that a secret stays one line.
pub fn text(
    rows: &[&SecretInfo],
    teams: &Teams<'_>,
    now: Timestamp,
    terminal: Option<usize>,
    out: &mut dyn Sink,
) {
    let mut widths = widths(rows, teams, now);
    if let Some(terminal) = terminal {
        shrink(&mut widths, 2 * (COLUMNS - 1), terminal);
    }
    let mut line = Vec::new();
    text_line(&HEADERS.map(Cow::Borrowed), &widths, &mut line);
    out.put(&line);
    let mut times = Default::default();
    for row in rows {
        line.clear();
        text_line(&cells(row, teams, now, &mut times), &widths, &mut line);
        out.put(&line);
    }
}

fn text_line(cells: &Cells<'_>, widths: &[usize; COLUMNS], out: &mut Vec<u8>) {
    let mut gap = 0;
    for (cell, column) in cells.iter().zip(widths) {
        if !cell.is_empty() {
            pad(gap, out);
            gap = 0;
        }
        let mut used = width(cell);
        if used > *column
            && let Some(head) = head_within(cell, *column)
        {
            out.extend_from_slice(head.as_bytes());
            out.extend_from_slice("…".as_bytes());
            used = width(head) + 1;
        } else {
            out.extend_from_slice(cell.as_bytes());
        }
        gap += column.saturating_sub(used) + 2;
    }
    out.push(b'\n');
}

fn pad(count: usize, out: &mut Vec<u8>) {
    out.resize(out.len() + count, b' ');
}

/// Enough for most lines of a table, in bytes: a buffer that grows is copied.
const ROOM: usize = 2048;

/// A framed table with a rule between rows. When a terminal's width is known and the table is wider, cells wrap.
pub fn pretty(
    rows: &[&SecretInfo],
    teams: &Teams<'_>,
    now: Timestamp,
    terminal: Option<usize>,
    out: &mut dyn Sink,
) {
    let mut widths = widths(rows, teams, now);
    if let Some(terminal) = terminal {
        // Beside each cell: a space on both sides and a line; and one more line.
        shrink(&mut widths, 3 * COLUMNS + 1, terminal);
    }
    let mut lines = Vec::with_capacity(ROOM);
    rule(["╭", "─", "┬", "╮"], &widths, &mut lines);
    framed(&HEADERS.map(Cow::Borrowed), &widths, &mut lines);
    rule(["╞", "═", "╪", "╡"], &widths, &mut lines);
    out.put(&lines);
    let mut between = Vec::with_capacity(ROOM);
    rule(["├", "╌", "┼", "┤"], &widths, &mut between);
    let mut times = Default::default();
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            out.put(&between);
        }
        lines.clear();
        framed(&cells(row, teams, now, &mut times), &widths, &mut lines);
        out.put(&lines);
    }
    lines.clear();
    rule(["╰", "─", "┴", "╯"], &widths, &mut lines);
    out.put(&lines);
}

/// Narrows columns until the table fits, or all have their least width. `between` is what a line has beside its cells.
fn shrink(widths: &mut [usize; COLUMNS], between: usize, terminal: usize) {
    let total = widths.iter().sum::<usize>() + between;
    let mut excess = total.saturating_sub(terminal);
    for (column, least) in SHRINK {
        if let Some(width) = widths.get_mut(column) {
            let given = width.saturating_sub(least).min(excess);
            *width -= given;
            excess -= given;
        }
    }
}

/// A horizontal line of the frame: its left end, the line itself, its crossings and its right end.
fn rule([left, line, cross, right]: [&str; 4], widths: &[usize; COLUMNS], out: &mut Vec<u8>) {
    let longest = line.repeat(widths.iter().max().map_or(0, |column| column + 2));
    let mut edge = left;
    for column in widths {
        out.extend_from_slice(edge.as_bytes());
        let run = longest.get(..line.len() * (column + 2));
        out.extend_from_slice(run.unwrap_or_default().as_bytes());
        edge = cross;
    }
    out.extend_from_slice(right.as_bytes());
    out.push(b'\n');
}

/// One row, in as many lines as its longest cell needs.
fn framed(cells: &Cells<'_>, widths: &[usize; COLUMNS], out: &mut Vec<u8>) {
    let mut rests = cells.each_ref().map(AsRef::as_ref);
    loop {
        let mut edge = "│ ";
        for (rest, &column) in rests.iter_mut().zip(widths) {
            let (line, after) = wrap(rest, column);
            *rest = after;
            out.extend_from_slice(edge.as_bytes());
            out.extend_from_slice(line.as_bytes());
            pad(column.saturating_sub(width(line)), out);
            edge = " ┆ ";
        }
        out.extend_from_slice(" │\n".as_bytes());
        if rests.iter().all(|rest: &&str| rest.is_empty()) {
            return;
        }
    }
}

/// Splits off the part that fits a column: at the last space that leaves it fitting, which is dropped, else anywhere
/// between two characters, but not before a mark that combines. At least one character is taken, so that it ends.
fn wrap(text: &str, column: usize) -> (&str, &str) {
    // No character takes more columns than bytes.
    if text.len() <= column {
        return (text, "");
    }
    let mut used = 0;
    let mut space = None;
    for (start, character) in text.char_indices() {
        let width = character.width().unwrap_or(0);
        if character == ' ' && start > 0 {
            space = Some(start);
        }
        used += width;
        if used > column && width > 0 && start > 0 {
            let (end, next) = space.map_or((start, start), |space| (space, space + 1));
            return (
                text.get(..end).unwrap_or(text),
                text.get(next..).unwrap_or(""),
            );
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::{Kind, StoredType};

    const NOW: Timestamp = Timestamp {
        seconds: 1_767_323_045,
        nanoseconds: 0,
    };

    fn row(
        name: &str,
        kind: &'static Kind,
        ages: [i64; 2],
        description: Option<&str>,
    ) -> SecretInfo {
        let [created, updated] = ages.map(|age| Timestamp {
            seconds: NOW.seconds - age,
            nanoseconds: 0,
        });
        SecretInfo {
            name: name.to_owned(),
            description: description.map(str::to_owned),
            owner: Owner::Personal,
            stored_type: StoredType::Known(kind),
            created,
            updated,
        }
    }

    fn shown(rows: &[SecretInfo], terminal: Option<usize>) -> String {
        let rows: Vec<_> = rows.iter().collect();
        let mut out = Vec::new();
        let teams = Teams::new(&[], &rows);
        pretty(&rows, &teams, NOW, terminal, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn aligned(rows: &[SecretInfo], terminal: Option<usize>) -> String {
        let rows: Vec<_> = rows.iter().collect();
        let mut out = Vec::new();
        text(&rows, &Teams::new(&[], &rows), NOW, terminal, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn sample() -> [SecretInfo; 3] {
        let bedrock = Kind::from_wire("ANTHROPIC_BEDROCK_ACCESS_KEY").unwrap();
        [
            row(
                "GITHUB_TOKEN",
                Kind::from_wire("RAW_VALUE").unwrap(),
                [3 * 86_400, 0],
                None,
            ),
            row(
                "MY_KEY",
                bedrock,
                [31 * 86_400, 120],
                Some("for the nightly run"),
            ),
            row(
                "鍵",
                Kind::from_wire("RAW_VALUE").unwrap(),
                [60, 60],
                Some("two\nlines"),
            ),
        ]
    }

    #[test]
    fn a_framed_table() {
        assert_eq!(
            shown(&sample(), None),
            "\
╭──────────────┬──────────┬──────────────────────────────┬─────────────┬───────────┬─────────────────────╮
│ Name         ┆ Scope    ┆ Type                         ┆ Created     ┆ Updated   ┆ Description         │
╞══════════════╪══════════╪══════════════════════════════╪═════════════╪═══════════╪═════════════════════╡
│ GITHUB_TOKEN ┆ Personal ┆ Raw Value                    ┆ 3 days ago  ┆ just now  ┆                     │
├╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤
│ MY_KEY       ┆ Personal ┆ Anthropic Bedrock Access Key ┆ 1 month ago ┆ 2 min ago ┆ for the nightly run │
├╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤
│ 鍵           ┆ Personal ┆ Raw Value                    ┆ 1 min ago   ┆ 1 min ago ┆ two\\nlines          │
╰──────────────┴──────────┴──────────────────────────────┴─────────────┴───────────┴─────────────────────╯
"
        );
    }

    #[test]
    fn an_empty_table_is_its_header() {
        let expected = "\
╭──────┬───────┬──────┬─────────┬─────────┬─────────────╮
│ Name ┆ Scope ┆ Type ┆ Created ┆ Updated ┆ Description │
╞══════╪═══════╪══════╪═════════╪═════════╪═════════════╡
╰──────┴───────┴──────┴─────────┴─────────┴─────────────╯
";
        for terminal in [None, Some(57)] {
            assert_eq!(shown(&[], terminal), expected);
        }
        assert_eq!(
            aligned(&[], Some(48)),
            "Name  Scope  Type  Created  Updated  Description\n"
        );
    }

    #[test]
    fn aligned_columns_end_without_spaces() {
        assert_eq!(
            aligned(&sample(), None),
            "\
Name          Scope     Type                          Created      Updated    Description
GITHUB_TOKEN  Personal  Raw Value                     3 days ago   just now
MY_KEY        Personal  Anthropic Bedrock Access Key  1 month ago  2 min ago  for the nightly run
鍵            Personal  Raw Value                     1 min ago    1 min ago  two\\nlines
"
        );
    }

    #[test]
    fn a_narrow_terminal_wraps() {
        let rows = sample();
        let whole = shown(&rows, None);
        assert_eq!(shown(&rows, Some(106)), whole);
        assert_eq!(
            shown(&rows[1..2], Some(80)),
            "\
╭────────┬──────────┬──────────────────┬─────────────┬───────────┬─────────────╮
│ Name   ┆ Scope    ┆ Type             ┆ Created     ┆ Updated   ┆ Description │
╞════════╪══════════╪══════════════════╪═════════════╪═══════════╪═════════════╡
│ MY_KEY ┆ Personal ┆ Anthropic        ┆ 1 month ago ┆ 2 min ago ┆ for the     │
│        ┆          ┆ Bedrock Access   ┆             ┆           ┆ nightly run │
│        ┆          ┆ Key              ┆             ┆           ┆             │
╰────────┴──────────┴──────────────────┴─────────────┴───────────┴─────────────╯
"
        );
        for terminal in 30..=106 {
            for line in shown(&rows, Some(terminal)).lines() {
                assert_eq!(width(line), terminal.max(37), "{terminal}: {line}");
            }
        }
        assert_eq!(
            shown(&[], Some(40)),
            "\
╭──────┬───────┬─────┬─────┬─────┬─────╮
│ Name ┆ Scope ┆ Typ ┆ Cre ┆ Upd ┆ Des │
│      ┆       ┆ e   ┆ ate ┆ ate ┆ cri │
│      ┆       ┆     ┆ d   ┆ d   ┆ pti │
│      ┆       ┆     ┆     ┆     ┆ on  │
╞══════╪═══════╪═════╪═════╪═════╪═════╡
╰──────┴───────┴─────┴─────┴─────┴─────╯
"
        );
    }

    #[test]
    fn a_narrow_terminal_cuts_aligned_columns() {
        let rows = sample();
        assert_eq!(aligned(&rows, Some(97)), aligned(&rows, None));
        assert_eq!(
            aligned(&rows, Some(72)),
            "\
Name          Scope     Type          Created     Updated    Description
GITHUB_TOKEN  Personal  Raw Value     3 days ago  just now
MY_KEY        Personal  Anthropic B…  1 month a…  2 min ago  for the ni…
鍵            Personal  Raw Value     1 min ago   1 min ago  two\\nlines
"
        );
    }

    /// Whatever a service serves: no line is wider than the terminal, down to the least width.
    #[test]
    fn no_line_is_wider_than_its_terminal() {
        let kind = Kind::from_wire("ANTHROPIC_BEDROCK_ACCESS_KEY").unwrap();
        let texts = [
            "UNBROKEN_".repeat(40),
            "日本語のとても長い名前".repeat(20),
            "👩\u{200d}🚀🎉👍🏽🇩🇪".repeat(30),
            "e\u{301}\u{302}\u{303}".repeat(50),
            "\u{17d8}\u{17d8}\u{fdfd}ﷺ".repeat(20),
            "لا\u{202e}\u{1b}[2J".repeat(30),
            "a b  c ".repeat(40),
            "x".to_owned(),
        ];
        let mut rows = Vec::new();
        for (name, other) in texts.iter().zip(texts.iter().rev()) {
            let mut row = row(name, kind, [400 * 86_400, 59 * 60], Some(other));
            row.owner = Owner::Other(other.clone());
            row.stored_type = StoredType::Other(name.clone());
            rows.push(row);
        }
        for terminal in 1..=300 {
            for line in shown(&rows, Some(terminal)).lines() {
                assert!(width(line) <= terminal.max(37), "{terminal}: {line}");
            }
            for line in aligned(&rows, Some(terminal)).lines() {
                assert!(width(line) <= terminal.max(28), "{terminal}: {line}");
            }
            let lines = aligned(&rows, Some(terminal)).lines().count();
            assert_eq!(lines, rows.len() + 1);
        }
    }

    #[test]
    fn wrapping_is_exact() {
        for (text, column, lines) in [
            ("", 5, &[""][..]),
            ("abc", 3, &["abc"]),
            ("abcd", 3, &["abc", "d"]),
            ("ab cd", 3, &["ab", "cd"]),
            ("abc def", 3, &["abc", "def"]),
            ("a b c d", 3, &["a b", "c d"]),
            ("abcdef gh", 4, &["abcd", "ef", "gh"]),
            ("a  b", 2, &["a ", "b"]),
            (" abc", 2, &[" a", "bc"]),
            ("日本語", 4, &["日本", "語"]),
            ("日本語", 3, &["日", "本", "語"]),
            ("日本", 1, &["日", "本"]),
            ("e\u{301}e\u{301}e", 2, &["e\u{301}e\u{301}", "e"]),
        ] {
            let mut rest = text;
            for (index, &expected) in lines.iter().enumerate() {
                let (line, after) = wrap(rest, column);
                assert_eq!(line, expected, "{text:?} {column} {index}");
                rest = after;
            }
            assert_eq!(rest, "", "{text:?} {column}");
        }
    }

    #[test]
    fn foreign_text_cannot_move_the_cursor() {
        let mut hostile = row(
            "A\u{1b}[2J",
            Kind::from_wire("RAW_VALUE").unwrap(),
            [0, 0],
            Some("\u{202e}\r\n"),
        );
        hostile.stored_type = StoredType::Other("NEW\u{9b}".to_owned());
        for out in [
            shown(std::slice::from_ref(&hostile), Some(80)),
            aligned(std::slice::from_ref(&hostile), Some(80)),
        ] {
            assert!(
                !out.contains(['\u{1b}', '\r', '\u{9b}', '\u{202e}']),
                "{out}"
            );
            assert!(
                out.contains("A\\u{1b}[2J") && out.contains("NEW\\u{9b}"),
                "{out}"
            );
        }
    }
}
