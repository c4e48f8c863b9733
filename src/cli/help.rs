//! Owns the help and the version: texts made from the table alone.
//! Must not know the environment: help shows no value of a variable.

use super::table::{self, Command, Does, Opt, Takes};

/// `-h`: what there is, a line each.
#[must_use]
pub fn short(command: &Command) -> String {
    let mut page = Page::default();
    page.opening(command);
    if command.does == Does::Group && !command.more.is_empty() {
        page.line(&["\n", command.more]);
    }
    page.lists(command, false);
    page.line(&["\nMore, with examples: ", &command.path(), " --help"]);
    page.0
}

/// `--help`: with explanations, examples, variables and exit codes.
#[must_use]
pub fn long(command: &Command) -> String {
    let mut page = Page::default();
    page.opening(command);
    if !command.more.is_empty() {
        page.line(&["\n", command.more]);
    }
    page.lists(command, true);
    page.examples(command);
    if !matches!(command.does, Does::Help | Does::Completions) {
        page.variables();
        page.exits();
    }
    page.0
}

/// `-V`, and with `build` all that tells one build from another.
#[must_use]
pub fn version(build: bool) -> String {
    let mut page = Page::default();
    page.line(&["oz ", env!("CARGO_PKG_VERSION")]);
    if build {
        page.line(&["commit: ", option_env!("OZ_COMMIT").unwrap_or("unknown")]);
        page.line(&["target: ", option_env!("OZ_TARGET").unwrap_or("unknown")]);
        page.line(&["roots: ", option_env!("OZ_ROOTS").unwrap_or("unknown")]);
    }
    page.0
}

/// The forms a command can be written in.
#[must_use]
pub fn usages(command: &Command) -> Vec<String> {
    let path = command.path();
    let mut usages = Vec::with_capacity(2);
    if let Some(operand) = command.operand {
        let (open, close) = if operand.many {
            ("[", "]...")
        } else {
            ("", "")
        };
        usages.push([&path, " [OPTIONS] ", open, operand.name, close].concat());
    } else if command.does != Does::Group {
        usages.push([&path, " [OPTIONS]"].concat());
    }
    if command.children().next().is_some() {
        usages.push([&path, " COMMAND"].concat());
    }
    usages
}

/// An option as its line in help begins: `-f, --value-file FILE`.
#[must_use]
pub fn spelling(option: &Opt) -> String {
    let mut text = match option.short {
        Some(short) => String::from_iter(['-', short, ',', ' ']),
        None => "    ".to_owned(),
    };
    text.push_str("--");
    text.push_str(option.long);
    match option.takes {
        Takes::Nothing => {}
        Takes::Value(name, _) => text.extend([" ", name]),
        Takes::Optional(name) => text.extend(["[=", name, "]"]),
    }
    text
}

/// The warning an option deserves whose value others can see, with the way around it.
#[must_use]
pub fn exposure(option: &Opt) -> Option<String> {
    let other = option.excludes.first().copied().and_then(table::by_id);
    let other = other.filter(|_| option.secret)?;
    Some(format!(
        "Other processes of this machine can read it there; --{} is safer.",
        other.long
    ))
}

/// A text under construction.
#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, parts: &[&str]) {
        self.0.extend(parts.iter().copied());
        self.0.push('\n');
    }

    /// Two columns, the second starting `width` after the first.
    fn row(&mut self, left: &str, width: usize, right: &str) {
        let gap = width.saturating_sub(left.len());
        self.0.push_str("  ");
        self.0.push_str(left);
        self.0.extend(std::iter::repeat_n(' ', gap + 2));
        self.line(&[right]);
    }

    fn opening(&mut self, command: &Command) {
        self.line(&[command.about, "\n"]);
        let mut lead = "Usage: ";
        for usage in usages(command) {
            self.line(&[lead, &usage]);
            lead = "       ";
        }
    }

    fn lists(&mut self, command: &Command, explain: bool) {
        // The program's own page goes one step further down, to what can be done.
        let is_root = command.words.is_empty();
        let children: Vec<(String, &str)> = table::COMMANDS
            .iter()
            .filter(|below| below.words.starts_with(command.words))
            .filter_map(|below| match below.words.len() - command.words.len() {
                1 if !is_root || below.does != Does::Group => Some((name(below), below.about)),
                2 if is_root => Some((below.words.join(" "), below.about)),
                _ => None,
            })
            .collect();
        if !children.is_empty() {
            self.line(&["\nCommands:"]);
            let width = children
                .iter()
                .map(|(name, _)| name.len())
                .max()
                .unwrap_or(0);
            for (name, about) in &children {
                self.row(name, width, about);
            }
        }
        if let Some(operand) = command.operand {
            self.line(&["\nArguments:"]);
            self.row(operand.name, operand.name.len(), operand.help);
        }
        let options = || table::OPTIONS.iter().filter(|o| command.accepts(o));
        let width = options().map(|o| spelling(o).len()).max().unwrap_or(0);
        for (title, global) in [("\nOptions:", false), ("\nGlobal options:", true)] {
            let mut title = Some(title);
            for option in options().filter(|option| option.global == global) {
                if let Some(title) = title.take() {
                    self.line(&[title]);
                }
                self.row(&spelling(option), width, option.help);
                if explain {
                    self.explain(option);
                }
            }
        }
    }

    fn explain(&mut self, option: &Opt) {
        let exposure = exposure(option);
        for line in option.more.lines().chain(exposure.as_deref()) {
            self.line(&["          ", line]);
        }
    }

    fn examples(&mut self, command: &Command) {
        self.line(&["\nExamples:"]);
        for (index, (what, line)) in command.examples.iter().enumerate() {
            let lead = if index == 0 { "  # " } else { "\n  # " };
            self.line(&[lead, what, "\n  ", line]);
        }
    }

    fn variables(&mut self) {
        let own = table::OPTIONS.iter().filter_map(|option| {
            let text = format!("stands in for --{}", option.long);
            option.variable.map(|variable| (variable, text))
        });
        let others = table::VARIABLES
            .iter()
            .map(|(variable, text)| (*variable, (*text).to_owned()));
        let rows: Vec<(&str, String)> = own.chain(others).collect();
        let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        self.line(&["\nEnvironment:"]);
        for (name, text) in &rows {
            self.row(name, width, text);
        }
    }

    fn exits(&mut self) {
        self.line(&["\nExit codes:"]);
        for (code, text) in table::EXITS {
            self.row(&code.to_string(), 3, text);
        }
    }
}

/// The word of a command with its second spelling.
fn name(command: &Command) -> String {
    match command.alias {
        Some(alias) => [command.word(), ", ", alias].concat(),
        None => command.word().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_fits_a_terminal_and_ends_in_one_newline() {
        for command in table::COMMANDS {
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
