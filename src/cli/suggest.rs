//! Answers a word that is not in the tables: with what another tool's word is called here, or with the word it was
//! probably meant to be. What was typed is never handed back.

use crate::secret::KINDS;
use crate::text;

/// Commands that people know from other tools, and what they are told.
const COMMANDS: &[(&[&str], &str)] = &[
    (
        &["rm", "remove", "del", "unset"],
        "use `oz secret delete NAME`",
    ),
    (&["ls"], "use `oz secret list`"),
    (
        &["set", "put", "add", "new"],
        "use `oz secret create NAME`; with --if-exists update it replaces a value",
    ),
    (
        &["edit", "change", "rotate"],
        "use `oz secret update NAME --value`",
    ),
    (
        &["get", "show", "read", "view"],
        "values can't be read back; `oz secret list` shows what there is",
    ),
];

/// The same for options, without their dashes.
const OPTIONS: &[(&[&str], &str)] = &[
    (
        &["name"],
        "NAME is a word of its own, as in `oz secret create NAME`",
    ),
    (
        &["json", "o", "output", "format"],
        "use --output-format json",
    ),
    (
        &["yes", "y"],
        "`oz secret delete NAME --force` deletes without asking",
    ),
    (
        &["file", "from-file"],
        "use -f FILE for a value, and `oz secret import FILE` for a file of many",
    ),
    (&["env-file"], "use `oz secret import FILE`"),
    (
        &["overwrite", "upsert"],
        "use `oz secret create NAME --if-exists update`",
    ),
];

/// Options for a value, as other tools spell them.
const VALUE: &[&str] = &["value", "body", "b", "from-literal"];

fn answer(table: &[(&[&str], &'static str)], typed: &str) -> Option<&'static str> {
    let row = table.iter().find(|(words, _)| words.contains(&typed))?;
    Some(row.1)
}

/// What a command of another tool is called here.
pub fn command(typed: &str) -> Option<&'static str> {
    answer(COMMANDS, typed)
}

/// What an option of another tool is called here.
pub fn option(typed: &str) -> Option<&'static str> {
    answer(OPTIONS, typed)
}

/// Whether other tools take a value with that option.
pub fn is_value(typed: &str) -> bool {
    VALUE.contains(&typed)
}

/// The words of the command that creates a secret of a type, where the type was given as the value of an option.
pub fn command_of_type(typed: &str) -> Option<&'static [&'static str]> {
    let typed = typed.replace('_', "-");
    let is = |word: &str| typed.eq_ignore_ascii_case(&word.replace('_', "-"));
    let kind = KINDS.iter().find(|kind| {
        let own = kind.words.last().copied().unwrap_or_default();
        !kind.is_raw() && (is(kind.wire) || is(own))
    });
    kind.map(|kind| kind.words)
}

/// The command or option closest to `typed`, or the first that begins with it.
pub fn closest<'a>(typed: &str, candidates: &[&'a str]) -> Option<&'a str> {
    text::closest(typed, candidates).or_else(|| {
        let is_beginning = |word: &&&str| typed.len() >= 3 && word.starts_with(typed);
        candidates.iter().find(is_beginning).copied()
    })
}
