//! The help and the version: texts made from the tables alone. Help shows no value of a variable.

use super::options::{Arity, OPTIONS, Opt};
use super::table::{self, Action, Subcommand};

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// What the Makefile says about the build.
const COMMIT: Option<&str> = option_env!("OZ_COMMIT");
const TARGET: Option<&str> = option_env!("OZ_TARGET");
const ROOTS: Option<&str> = option_env!("OZ_ROOTS");
const UNKNOWN: &str = "unknown";

/// `-h`: what there is, a line each.
pub fn short(command: &Subcommand) -> String {
    let mut page = Page::default();
    page.opening(command);
    if command.action == Action::Group && !command.long_help.is_empty() {
        page.line(&["\n", command.long_help]);
    }
    page.lists(command, false);
    page.line(&["\nMore, with examples: ", &command.path(), " --help"]);
    page.0
}

/// `--help`: with explanations, examples, variables and exit codes.
pub fn long(command: &Subcommand) -> String {
    let mut page = Page::default();
    page.opening(command);
    if !command.long_help.is_empty() {
        page.line(&["\n", command.long_help]);
    }
    page.lists(command, true);
    page.examples(command);
    if !matches!(command.action, Action::Help | Action::Completions) {
        page.table("Environment", &variables(), 0);
        page.exits();
    }
    page.0
}

/// `-V`, and with `build` all that tells one build from another.
pub fn version(build: bool) -> String {
    let mut page = Page::default();
    page.line(&["oz ", VERSION]);
    if build {
        page.line(&["commit: ", COMMIT.unwrap_or(UNKNOWN)]);
        page.line(&["target: ", TARGET.unwrap_or(UNKNOWN)]);
        page.line(&["roots: ", ROOTS.unwrap_or(UNKNOWN)]);
    }
    page.0
}

/// `-V` for a program: one object on one line. What `make build` has not set is null.
pub fn version_json() -> String {
    let transport = if cfg!(feature = "minreq") {
        "minreq"
    } else {
        "own"
    };
    let members = [
        ("name", Some("oz")),
        ("version", Some(VERSION)),
        ("commit", COMMIT),
        ("target", TARGET),
        ("roots", ROOTS),
        ("transport", Some(transport)),
    ];
    let mut page = Page::default();
    let mut before = "{\"";
    // Nothing in these values needs an escape.
    for (key, value) in members {
        let (quote, value) = value.map_or(("", "null"), |value| ("\"", value));
        for part in [before, key, "\":", quote, value, quote] {
            page.0.push_str(part);
        }
        before = ",\"";
    }
    page.line(&["}"]);
    page.0
}

/// The forms a command can be written in.
pub fn usages(command: &Subcommand) -> Vec<String> {
    let path = command.path();
    let mut usages = Vec::with_capacity(2);
    if let Some(operand) = command.operand {
        let (open, close) = match operand.required {
            true => ("", ""),
            false => ("[", "]"),
        };
        let dots = if operand.many { "..." } else { "" };
        let operand = [open, operand.name, close, dots].concat();
        usages.push([&path, " [OPTIONS] ", &operand].concat());
    } else if command.action != Action::Group {
        usages.push([&path, " [OPTIONS]"].concat());
    }
    if command.children().next().is_some() {
        usages.push([&path, " COMMAND"].concat());
    }
    usages
}

/// An option as its line in help begins: `-f, --value-file FILE`.
pub fn spelling(option: &Opt) -> String {
    let mut text = match option.short {
        Some(short) => String::from_iter(['-', short, ',', ' ']),
        None => "    ".to_owned(),
    };
    text.push_str(option.long);
    match option.arity() {
        Arity::Nothing => {}
        Arity::Required => text.push_str(&[" ", option.placeholder].concat()),
        Arity::Optional => text.push_str(&["[=", option.placeholder, "]"].concat()),
    }
    text
}

/// A text under construction.
#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, parts: &[&str]) {
        for part in parts {
            self.0.push_str(part);
        }
        self.0.push('\n');
    }

    /// Two columns, the first at least `width` wide.
    fn table(&mut self, title: &str, rows: &[(String, String)], width: usize) {
        if rows.is_empty() {
            return;
        }
        self.line(&["\n", title, ":"]);
        let width = rows.iter().fold(width, |most, row| most.max(row.0.len()));
        for (left, right) in rows {
            let gap = " ".repeat(width - left.len());
            self.line(&["  ", left, &gap, "  ", right]);
        }
    }

    fn opening(&mut self, command: &Subcommand) {
        self.line(&[command.about, "\n"]);
        let mut lead = "Usage: ";
        for usage in usages(command) {
            self.line(&[lead, &usage]);
            lead = "       ";
        }
    }

    fn lists(&mut self, command: &Subcommand, explain: bool) {
        // The program's own page goes one step further down, to what can be done.
        let is_root = command.words.is_empty();
        let mut commands = Vec::new();
        for below in &table::COMMANDS {
            let Some(rest) = below.words.strip_prefix(command.words) else {
                continue;
            };
            let name = match rest.len() {
                1 if !is_root || below.action != Action::Group => below.spellings().join(", "),
                2 if is_root => rest.join(" "),
                _ => continue,
            };
            commands.push((name, below.about.to_owned()));
        }
        self.table("Commands", &commands, 0);
        if let Some(operand) = command.operand {
            let row = (operand.name.to_owned(), operand.help.to_owned());
            self.table("Arguments", &[row], 0);
        }
        let mut own = Vec::new();
        let mut global = Vec::new();
        let mut width = 0;
        for option in OPTIONS
            .iter()
            .filter(|option| option.is_accepted_by(command))
        {
            let mut about = option.about();
            for line in option.explanation().lines().filter(|_| explain) {
                about.push_str("\n          ");
                about.push_str(line);
            }
            let spelling = spelling(option);
            width = width.max(spelling.len());
            let rows = if option.is_global() {
                &mut global
            } else {
                &mut own
            };
            rows.push((spelling, about));
        }
        self.table("Options", &own, width);
        self.table("Global options", &global, width);
    }

    fn examples(&mut self, command: &Subcommand) {
        self.line(&["\nExamples:"]);
        for (index, (what, line)) in command.examples.iter().enumerate() {
            let lead = if index == 0 { "  # " } else { "\n  # " };
            self.line(&[lead, what, "\n  ", line]);
        }
    }

    fn exits(&mut self) {
        let mut rows = Vec::new();
        for (code, text) in table::EXITS {
            rows.push((code.to_string(), (*text).to_owned()));
        }
        self.table("Exit codes", &rows, 0);
    }
}

/// Every variable that is read, and what for.
pub fn variables() -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for option in &OPTIONS {
        if let Some(variable) = option.variable {
            let text = ["stands in for ", option.long].concat();
            rows.push((variable.to_owned(), text));
        }
    }
    for (variable, text) in table::VARIABLES {
        rows.push(((*variable).to_owned(), (*text).to_owned()));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_fits_a_terminal_and_ends_in_one_newline() {
        for command in &table::COMMANDS {
            for text in [short(command), long(command)] {
                for line in text.lines() {
                    assert!(line.len() <= 100, "{} {line}", line.len());
                    assert_eq!(line.trim_end(), line);
                }
                assert!(text.ends_with('\n') && !text.ends_with("\n\n"));
                assert!(!text.contains("\n\n\n"));
            }
        }
    }

    #[test]
    fn the_long_version_names_the_build() {
        assert_eq!(
            version(false),
            concat!("oz ", env!("CARGO_PKG_VERSION"), "\n")
        );
        let keys: Vec<String> = version(true)
            .lines()
            .skip(1)
            .map(|line| line.split(": ").next().unwrap().to_owned())
            .collect();
        assert_eq!(keys, ["commit", "target", "roots"]);
    }
}
