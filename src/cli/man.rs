//! The manual pages, oz(1) and one for each command, made from the tables. A test compares them with the files that are
//! shipped; the binary carries none of this.

use super::help;
use super::options::{OPTIONS, Opt};
use super::table::{self, Action, COMMANDS, EXITS, Subcommand};

/// Stands for the date in the shipped files, and is replaced when they are packaged or installed.
const DATE: &str = "@DATE@";

/// The name of each file, and the page as roff with the `man` macros (groff_man(7)).
pub fn pages() -> Vec<(String, String)> {
    let mut pages = vec![("oz.1".to_owned(), overview())];
    for command in COMMANDS.iter().filter(|command| has_page(command)) {
        pages.push((name(command) + ".1", page(command)));
    }
    pages
}

/// Commands that do something have one. The types of secrets are sections of oz-secret-create(1).
fn has_page(command: &Subcommand) -> bool {
    let parent = command.words.split_last().map_or(&[][..], |(_, rest)| rest);
    !matches!(command.action, Action::Group | Action::Help) && !parent.contains(&"create")
}

/// The name of a page, as `man` takes it.
fn name(command: &Subcommand) -> String {
    command.path().replace(' ', "-")
}

/// A command, and those below it.
fn with_below(command: &Subcommand) -> impl Iterator<Item = &'static Subcommand> {
    COMMANDS
        .iter()
        .filter(|below| below.words.starts_with(command.words))
}

fn overview() -> String {
    let root = table::root();
    let mut page = opening("oz", root.about);
    page.push_str(".SH SYNOPSIS\n");
    synopsis(&mut page, root);
    page.push_str(".SH DESCRIPTION\n");
    text(&mut page, root.long_help);
    page.push_str(".SH COMMANDS\n");
    for command in COMMANDS.iter().filter(|command| has_page(command)) {
        item(&mut page, &command.path());
        text(&mut page, &[command.about, "."].concat());
        page.push_str("See\n.BR ");
        reference(&mut page, &name(command), ".");
    }
    page.push_str(".SH OPTIONS\nEvery command takes these.\n");
    for option in OPTIONS.iter().filter(|option| option.is_global()) {
        explain(&mut page, option);
    }
    page.push_str(".SH EXIT STATUS\n");
    for (code, about) in EXITS {
        item(&mut page, &code.to_string());
        text(&mut page, about);
    }
    page.push_str(".SH ENVIRONMENT\n");
    for (variable, about) in help::variables() {
        item(&mut page, &variable);
        text(&mut page, &about);
    }
    page.push_str(".SH EXAMPLES\n");
    examples(&mut page, std::iter::once(root));
    see_also(&mut page, root);
    page
}

fn page(command: &Subcommand) -> String {
    let mut page = opening(&name(command), command.about);
    page.push_str(".SH SYNOPSIS\n");
    synopsis(&mut page, command);
    page.push_str(".SH DESCRIPTION\n");
    let has_sections = with_below(command).count() > 1;
    describe(&mut page, command, None, has_sections);
    for below in with_below(command).skip(1) {
        page.push_str(".SS ");
        text(&mut page, &below.path());
        describe(&mut page, below, Some(below.about), true);
    }
    page.push_str(".SH OPTIONS\nThe options that every command takes are in\n.BR ");
    reference(&mut page, "oz", ".");
    for option in OPTIONS
        .iter()
        .filter(|option| !option.is_global() && option.is_accepted_below(command))
    {
        explain(&mut page, option);
    }
    page.push_str(".SH EXIT STATUS\n0 when it is done, another when it is not: see\n.BR ");
    reference(&mut page, "oz", ".");
    page.push_str(".SH EXAMPLES\n");
    examples(&mut page, with_below(command));
    see_also(&mut page, command);
    page
}

fn opening(name: &str, about: &str) -> String {
    let mut page = String::with_capacity(16 * 1024);
    page.push_str(".TH ");
    page.push_str(&name.to_uppercase());
    page.push_str(&[" 1 ", DATE, " \"oz ", env!("CARGO_PKG_VERSION")].concat());
    page.push_str("\" \"User Commands\"\n.nh\n.ad l\n.SH NAME\n");
    text(&mut page, &[name, " - ", about].concat());
    page
}

/// The forms of a command and of those below it.
fn synopsis(page: &mut String, command: &Subcommand) {
    page.push_str(".nf\n");
    for below in with_below(command).filter(|below| below.action != Action::Group) {
        for usage in help::usages(below) {
            if !usage.ends_with(" COMMAND") {
                text(page, &usage);
            }
        }
    }
    page.push_str(".fi\n");
}

/// What the long help says of a command; with `options` also which are its own.
fn describe(page: &mut String, command: &Subcommand, first: Option<&str>, options: bool) {
    let mut paragraphs: Vec<String> = first
        .map(|first| [first, "."].concat())
        .into_iter()
        .collect();
    if let Some(alias) = command.alias {
        paragraphs.push(["Also spelled '", alias, "'."].concat());
    }
    let long = command.long_help.split("\n\n").map(str::to_owned);
    paragraphs.extend(long.filter(|paragraph| !paragraph.is_empty()));
    let own = OPTIONS
        .iter()
        .filter(|option| option.is_accepted_by(command) && !option.is_global());
    let own: Vec<&str> = own.map(|option| option.long).collect();
    if options && !own.is_empty() {
        paragraphs.push(["Options: ", &own.join(", "), "."].concat());
    }
    if paragraphs.is_empty() {
        paragraphs.push([command.about, "."].concat());
    }
    for (index, paragraph) in paragraphs.iter().enumerate() {
        if index > 0 {
            page.push_str(".PP\n");
        }
        text(page, paragraph);
    }
}

fn see_also(page: &mut String, from: &Subcommand) {
    page.push_str(".SH SEE ALSO\n");
    let others = std::iter::once(table::root()).chain(COMMANDS.iter().filter(|c| has_page(c)));
    let others: Vec<&Subcommand> = others.filter(|other| other.words != from.words).collect();
    for (index, other) in others.iter().enumerate() {
        page.push_str(".BR ");
        let is_last = index + 1 == others.len();
        reference(page, &name(other), if is_last { "" } else { "," });
    }
}

/// Another page, after `.BR `: `oz\-whoami (1),`.
fn reference(page: &mut String, name: &str, after: &str) {
    text(page, &[name, " (1)", after].concat());
}

fn examples(page: &mut String, commands: impl Iterator<Item = &'static Subcommand>) {
    let mut shown: Vec<&str> = Vec::new();
    for (what, line) in commands.flat_map(|command| command.examples) {
        // A command may show an example of one below it.
        if shown.contains(line) {
            continue;
        }
        page.push_str(if shown.is_empty() {
            ".nf\n"
        } else {
            ".PP\n.nf\n"
        });
        shown.push(line);
        text(page, &["# ", what].concat());
        text(page, line);
        page.push_str(".fi\n");
    }
}

fn explain(page: &mut String, option: &Opt) {
    item(page, help::spelling(option).trim_start());
    text(page, &[&option.about(), "."].concat());
    for line in option.explanation().lines() {
        // An entry of a list.
        if line.starts_with("--") {
            page.push_str(".br\n");
        }
        text(page, line);
    }
}

/// The head of an entry in a list.
fn item(page: &mut String, head: &str) {
    page.push_str(".TP\n.B ");
    text(page, head);
}

/// Text as roff shows it unchanged: hyphens that can be pasted, straight quotes, no line that reads as a request.
fn text(page: &mut String, text: &str) {
    for line in text.lines() {
        if line.starts_with(['.', '\'']) {
            page.push_str("\\&");
        }
        for character in line.chars() {
            match character {
                '\\' => page.push_str("\\e"),
                '-' => page.push_str("\\-"),
                '\'' => page.push_str("\\(aq"),
                '`' => page.push_str("\\(ga"),
                '^' => page.push_str("\\(ha"),
                '~' => page.push_str("\\(ti"),
                _ => page.push(character),
            }
        }
        page.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_shown_as_it_is() {
        let mut out = String::new();
        text(&mut out, ".a 'b' -c\\\n'd");
        assert_eq!(out, "\\&.a \\(aqb\\(aq \\-c\\e\n\\&\\(aqd\n");
    }

    fn all() -> String {
        pages().into_iter().map(|(_, page)| page).collect()
    }

    #[test]
    fn the_pages_have_every_command_and_option() {
        let all = all();
        for command in COMMANDS.iter().filter(|c| c.action != Action::Help) {
            let path = command.path().replace('-', "\\-");
            assert!(all.contains(&path), "{path}");
        }
        for option in &OPTIONS {
            let head = option.long.replace('-', "\\-");
            assert!(all.contains(&head), "{head}");
        }
    }
}
