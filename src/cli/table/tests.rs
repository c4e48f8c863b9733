use super::*;
use crate::cli::options::OPTIONS;
use crate::error::Applied;
use crate::error::ErrorKind;

#[test]
fn names_are_unique_and_plain() {
    for (index, option) in OPTIONS.iter().enumerate() {
        let rest = OPTIONS.iter().skip(index + 1);
        assert!(
            !option.name().is_empty()
                && option
                    .name()
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b == b'-'),
            "{}",
            option.long
        );
        for other in rest {
            assert_ne!(option.long, other.long);
            assert!(option.short.is_none() || option.short != other.short);
        }
    }
    for (index, command) in COMMANDS.iter().enumerate() {
        for other in COMMANDS.iter().skip(index + 1) {
            assert_ne!(command.words, other.words);
        }
    }
}

#[test]
fn every_option_has_a_command_and_every_command_its_parent() {
    for option in &OPTIONS {
        let users = COMMANDS
            .iter()
            .filter(|command| option.is_accepted_by(command));
        assert_eq!(users.count() == COMMANDS.len(), option.is_global());
        assert!(option.is_accepted_below(root()), "{}", option.long);
    }
    for command in &COMMANDS {
        if let Some((_, parent)) = command.words.split_last() {
            let parent = COMMANDS.iter().find(|c| c.words == parent).unwrap();
            assert!(parent.child(command.word()).is_some());
            if let Some(alias) = command.alias {
                assert!(std::ptr::eq(parent.child(alias).unwrap(), command));
            }
        }
    }
    assert_eq!(root().words.len(), 0);
}

#[test]
fn texts_fit_a_terminal() {
    let texts = OPTIONS.iter().flat_map(|o| [o.about(), o.explanation()]);
    let commands = COMMANDS.iter().flat_map(|c| {
        [c.about, c.long_help]
            .into_iter()
            .chain(c.examples.iter().flat_map(|(what, line)| [*what, *line]))
            .map(str::to_owned)
    });
    for text in texts.chain(commands) {
        assert!(text.is_ascii(), "{text}");
        assert!(text.lines().all(|line| line.len() <= 96), "{text}");
    }
    for option in &OPTIONS {
        let about = option.about();
        assert!(!about.is_empty() && !about.contains('\n') && !about.ends_with('.'));
    }
    for command in &COMMANDS {
        assert!(!command.about.is_empty() && !command.about.ends_with('.'));
        assert!(!command.examples.is_empty(), "{}", command.path());
    }
}

#[test]
fn every_error_has_its_exit_code_in_the_table() {
    for kind in [
        ErrorKind::Refused,
        ErrorKind::Output(Applied::No),
        ErrorKind::Usage,
        ErrorKind::NotFound,
        ErrorKind::Credentials,
        ErrorKind::Exists,
        ErrorKind::InvalidData,
        ErrorKind::Unreadable,
        ErrorKind::Unavailable,
        ErrorKind::TryAgain,
        ErrorKind::OutcomeUnknown,
        ErrorKind::Config,
        ErrorKind::Cancelled,
        ErrorKind::Terminated(15),
    ] {
        assert!(EXITS.iter().any(|(code, _)| *code == kind.code()));
    }
    assert!(EXITS.is_sorted_by(|a, b| a.0 < b.0));
}
