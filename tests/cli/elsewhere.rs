//! What people type who know other tools: each is a usage error that shows the line to type instead.

use crate::support::run::{MARKER_SECRET, oz};

#[track_caller]
fn answered(line: &[&str], message: &str, hint: &str) {
    let stderr = format!("error: {message}\nhint: {hint}\n");
    oz(line).code(2).stderr(&stderr).run();
}

#[test]
fn commands_of_other_tools() {
    let create = "use `oz secret create NAME`; with --if-exists update it replaces a value";
    let read = "values can't be read back; `oz secret list` shows what there is";
    let delete = "use `oz secret delete NAME`";
    let update = "use `oz secret update NAME --value`";
    for (word, hint) in [
        ("rm", delete),
        ("remove", delete),
        ("del", delete),
        ("unset", delete),
        ("ls", "use `oz secret list`"),
        ("set", create),
        ("put", create),
        ("add", create),
        ("new", create),
        ("edit", update),
        ("change", update),
        ("rotate", update),
        ("get", read),
        ("show", read),
        ("read", read),
        ("view", read),
    ] {
        answered(&[word], "`oz` has no such command", hint);
        let message = "`oz secret` has no such command";
        answered(&["secret", word, "NAME", MARKER_SECRET], message, hint);
        answered(&["help", "secret", word], message, hint);
    }
    // Below `create` it is the name of a secret, as any other word.
    answered(
        &["secret", "create", "openai", "set"],
        "`oz secret create openai` has no such command",
        "`oz secret create openai api-key NAME`",
    );
}

#[test]
fn options_of_other_tools() {
    let json = "use --output-format json";
    let name = "NAME is a word of its own, as in `oz secret create NAME`";
    let yes = "`oz secret delete NAME --force` deletes without asking";
    let file = "use -f FILE for a value, and `oz secret import FILE` for a file of many";
    let import = "use `oz secret import FILE`";
    let update = "use `oz secret create NAME --if-exists update`";
    let create: &[&str] = &["secret", "create", "N"];
    let delete: &[&str] = &["secret", "delete", "N"];
    let list: &[&str] = &["secret", "list"];
    let attached = format!("--name={MARKER_SECRET}");
    let file_attached = format!("--file={MARKER_SECRET}");
    for (before, words, message, hint) in [
        (
            &create[..2],
            &["--name", MARKER_SECRET][..],
            "unknown option '--name'",
            name,
        ),
        (&delete[..2], &[&attached], "unknown option '--name'", name),
        (list, &["--json"], "unknown option '--json'", json),
        (list, &["--json=name"], "unknown option '--json'", json),
        (
            &[],
            &["--json", "secret", "list"],
            "unknown option '--json'",
            json,
        ),
        (list, &["-o", "json"], "unknown option '-o'", json),
        (list, &["-ojson"], "unknown option", json),
        (list, &["-o=json"], "unknown option", json),
        (
            list,
            &["--output", "json"],
            "unknown option '--output'",
            json,
        ),
        (list, &["--output=json"], "unknown option '--output'", json),
        (delete, &["--yes"], "unknown option '--yes'", yes),
        (delete, &["-y"], "unknown option '-y'", yes),
        (
            delete,
            &["-f"],
            "'--value-file' is not an option of `oz secret delete`",
            yes,
        ),
        (
            &delete[..2],
            &["-f", "N"],
            "'--value-file' is not an option of `oz secret delete`",
            yes,
        ),
        (
            create,
            &["--file", MARKER_SECRET],
            "unknown option '--file'",
            file,
        ),
        (create, &[&file_attached], "unknown option '--file'", file),
        (
            &[],
            &["secret", "--from-file", "f"],
            "unknown option '--from-file'",
            file,
        ),
        (
            &["secret"],
            &["--env-file", ".env"],
            "unknown option '--env-file'",
            import,
        ),
        (
            create,
            &["--env-file=.env"],
            "unknown option '--env-file'",
            import,
        ),
        (
            create,
            &["--overwrite"],
            "unknown option '--overwrite'",
            update,
        ),
        (create, &["--upsert"], "unknown option '--upsert'", update),
    ] {
        answered(&[before, words].concat(), message, hint);
    }
}

#[test]
fn a_value_on_the_command_line() {
    let attached = format!("--value={MARKER_SECRET}");
    let short = format!("-b{MARKER_SECRET}");
    let unsupported = |path: &str| format!("'--value' is not an option of `{path}`");
    let how = |line: &str| {
        format!(
            "give the value on standard input, with -f FILE or at the prompt: \
             `printf %s \"$VALUE\" | {line}`"
        )
    };
    for words in [&["--value", MARKER_SECRET][..], &[&attached]] {
        let line = [&["secret", "create", "N"], words].concat();
        let path = "oz secret create";
        answered(&line, &unsupported(path), &how("oz secret create NAME"));
        let line = [&["secret", "create", "claude", "api-key", "N"], words].concat();
        let path = "oz secret create claude api-key";
        answered(&line, &unsupported(path), &how(&format!("{path} NAME")));
    }
    answered(
        &["secret", "update", "N", &attached],
        "'--value' takes no value",
        &how("oz secret update NAME --value"),
    );
    answered(
        &["secret", "create", "N", "--body", MARKER_SECRET],
        "unknown option '--body'",
        &how("oz secret create NAME"),
    );
    answered(
        &["secret", "create", "N", &short],
        "unknown option",
        &how("oz secret create NAME"),
    );
    answered(
        &["secret", "update", "N", "-b", MARKER_SECRET],
        "unknown option '-b'",
        &how("oz secret update NAME --value"),
    );
    // Where no value is taken, nothing is said of one.
    answered(
        &["secret", "list", "--value"],
        "'--value' is not an option of `oz secret list`",
        "see `oz secret list --help`",
    );
    answered(
        &["secret", "create", "docker-registry", "N", "--value"],
        "'--value' is not an option of `oz secret create docker-registry`",
        "see `oz secret create docker-registry --help`",
    );
}

#[test]
fn types_that_are_commands() {
    let message = "the value of '--type' is not one of raw-value, anthropic-api-key";
    for (word, command) in [
        ("bedrock-api-key", "anthropic bedrock-api-key"),
        ("anthropic-bedrock-api-key", "anthropic bedrock-api-key"),
        (
            "ANTHROPIC_BEDROCK_ACCESS_KEY",
            "anthropic bedrock-access-key",
        ),
        ("bedrock-access-key", "anthropic bedrock-access-key"),
        ("openai-api-key", "codex api-key"),
        ("docker-registry", "docker-registry"),
        ("docker_registry", "docker-registry"),
    ] {
        let hint = format!("use `oz secret create {command} NAME`");
        answered(&["secret", "create", "N", "--type", word], message, &hint);
        answered(
            &["secret", "create", &format!("-t{word}"), "N"],
            message,
            &hint,
        );
    }
}
