//! The manual page, oz(1), made from the tables. Nothing in the binary calls it, so that it weighs nothing there.

use super::help;
use super::options::{OPTIONS, Opt};
use super::table::{self, Action, EXITS, Subcommand};

/// The page as roff with the `man` macros (groff_man(7)).
pub fn page() -> String {
    let mut page = String::with_capacity(16 * 1024);
    let root = table::root();
    page.push_str(".TH OZ 1 \"\" \"oz ");
    page.push_str(env!("CARGO_PKG_VERSION"));
    page.push_str("\" \"User Commands\"\n.nh\n.ad l\n.SH NAME\noz \\- ");
    text(&mut page, root.about);
    page.push_str(".SH SYNOPSIS\n");
    for command in table::COMMANDS.iter().filter(|c| c.action != Action::Group) {
        for usage in help::usages(command)
            .iter()
            .filter(|u| !u.ends_with("COMMAND"))
        {
            page.push_str(".nf\n");
            text(&mut page, usage);
            page.push_str(".fi\n");
        }
    }
    page.push_str(".SH DESCRIPTION\n");
    text(&mut page, root.long_help);
    page.push_str(".SH COMMANDS\n");
    for command in table::COMMANDS.iter().skip(1) {
        describe(&mut page, command);
    }
    page.push_str(".SH OPTIONS\n");
    for option in &OPTIONS {
        explain(&mut page, option);
    }
    page.push_str(".SH EXAMPLES\n");
    examples(&mut page, root);
    page.push_str(".SH ENVIRONMENT\n");
    for (variable, about) in help::variables() {
        item(&mut page, &variable);
        text(&mut page, &about);
    }
    page.push_str(".SH EXIT STATUS\n");
    for (code, about) in EXITS {
        item(&mut page, &code.to_string());
        text(&mut page, about);
    }
    page
}

fn describe(page: &mut String, command: &Subcommand) {
    page.push_str(".SS ");
    text(page, &command.path());
    text(page, &[command.about, "."].concat());
    if let Some(alias) = command.alias {
        page.push_str(".PP\n");
        text(page, &["Also spelled '", alias, "'."].concat());
    }
    for paragraph in command
        .long_help
        .split("\n\n")
        .filter(|text| !text.is_empty())
    {
        page.push_str(".PP\n");
        text(page, paragraph);
    }
    let own = OPTIONS
        .iter()
        .filter(|option| option.is_accepted_by(command) && !option.is_global());
    let own: Vec<&str> = own.map(|option| option.long).collect();
    if !own.is_empty() {
        page.push_str(".PP\n");
        text(page, &["Options: ", &own.join(", "), "."].concat());
    }
    examples(page, command);
}

fn examples(page: &mut String, command: &Subcommand) {
    for (what, line) in command.examples {
        page.push_str(".PP\n.RS 4\n.nf\n");
        text(page, &["# ", what].concat());
        text(page, line);
        page.push_str(".fi\n.RE\n");
    }
}

fn explain(page: &mut String, option: &Opt) {
    item(page, help::spelling(option).trim_start());
    text(page, &[&option.about(), "."].concat());
    text(page, &option.explanation());
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

    #[test]
    fn the_page_has_every_command_and_option() {
        let page = page();
        for command in table::COMMANDS.iter().skip(1) {
            let head = format!(".SS {}\n", command.path().replace('-', "\\-"));
            assert!(page.contains(&head), "{head}");
        }
        for option in &OPTIONS {
            let head = option.long.replace('-', "\\-");
            assert!(page.contains(&head), "{head}");
        }
    }

    /// The formatter itself has nothing to say against it. Machines without man-db cannot ask it.
    #[test]
    fn man_formats_it_without_a_warning() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("oz.1");
        std::fs::write(&path, page()).unwrap();
        let formatted = std::process::Command::new("man")
            .args(["--warnings", "--local-file"])
            .arg(&path)
            .env_clear()
            .envs([
                ("PATH", "/usr/bin:/bin"),
                ("MANWIDTH", "100"),
                ("LC_ALL", "C"),
            ])
            .output();
        let Ok(output) = formatted else { return };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        for command in &table::COMMANDS {
            for (_, example) in command.examples {
                for line in example.lines() {
                    assert!(text.contains(line.trim_start()), "{line}");
                }
            }
        }
    }
}
