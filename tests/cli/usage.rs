//! Usage errors: exact message, exit code, nothing on stdout, no connection.

use crate::support::run::{MARKER_SECRET, oz};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// A command line, and its error and hint.
type Case<'a> = (&'a [&'a str], &'a str, &'a str);

#[track_caller]
fn refused(cases: &[Case<'_>], code: i32) {
    for (line, message, hint) in cases {
        let stderr = format!("error: {message}\nhint: {hint}\n");
        oz(line).code(code).stderr(&stderr).run();
    }
}

#[test]
fn rejects_missing_words() {
    refused(
        &[
            (
                &["--debug"],
                "`oz` needs a command",
                "one of secret, whoami, completions, help; see `oz --help`",
            ),
            (
                &["secret"],
                "`oz secret` needs a command",
                "one of create, update, delete, list, import; see `oz secret --help`",
            ),
            (
                &["secret", "create", "anthropic"],
                "`oz secret create anthropic` needs a command",
                "one of api-key, bedrock-api-key, bedrock-access-key, as in \
                 `oz secret create anthropic api-key NAME`; a raw secret of that name: `oz secret create -- anthropic`",
            ),
            (
                &["secret", "create", "openai"],
                "`oz secret create openai` needs a command",
                "`oz secret create openai api-key NAME`; \
                 a raw secret of that name: `oz secret create -- openai`",
            ),
            (
                &["secret", "create", "claude", "--team"],
                "`oz secret create claude` needs a command",
                "one of api-key, bedrock-api-key, bedrock-access-key, as in \
                 `oz secret create claude api-key NAME`; a raw secret of that name: \
                 `oz secret create -- claude`",
            ),
            (
                &["secret", "create", "openai", "api-key"],
                "a NAME is required",
                "`oz secret create openai api-key NAME`; see `oz secret create openai api-key --help`",
            ),
            (
                &["secret", "create"],
                "a NAME is required",
                "`oz secret create NAME`; see `oz secret create --help`",
            ),
            (
                &["secret", "create", "docker-registry", "--host", "ghcr.io"],
                "a NAME is required",
                "`oz secret create docker-registry NAME`; see `oz secret create docker-registry --help`",
            ),
            (
                &["secret", "update", "NAME"],
                "there is nothing to change",
                "give --value, -f FILE, the fields of the secret's type, or --description TEXT",
            ),
            (
                &["secret", "update", "NAME", "--team"],
                "there is nothing to change",
                "give --value, -f FILE, the fields of the secret's type, or --description TEXT",
            ),
            (
                &["completions"],
                "a SHELL is required",
                "one of bash, zsh, fish, powershell, elvish",
            ),
        ],
        2,
    );
}

#[test]
fn rejects_unknown_words() {
    refused(
        &[
            (
                &["secret", "crate", "NAME"],
                "`oz secret` has no such command",
                "did you mean `oz secret create`?",
            ),
            (
                &["list"],
                "`oz` has no such command",
                "did you mean `oz secret list`?",
            ),
            (
                &[MARKER_SECRET],
                "`oz` has no such command",
                "one of secret, whoami, completions, help; see `oz --help`",
            ),
            (
                &["secret", "create", "anthropc", "api-key", "NAME"],
                "`oz secret create` takes one operand only",
                "did you mean `oz secret create anthropic`?",
            ),
            (
                &["secret", "create", "NAME", MARKER_SECRET],
                "`oz secret create` takes one operand only",
                "give the value on standard input, with -f FILE or at the prompt: \
                 `printf %s \"$VALUE\" | oz secret create NAME`",
            ),
            (
                &["secret", "update", "NAME", MARKER_SECRET],
                "`oz secret update` takes one operand only",
                "give the value on standard input, with -f FILE or at the prompt: \
                 `printf %s \"$VALUE\" | oz secret update NAME --value`",
            ),
            (
                &["secret", "create", "API_KEY", MARKER_SECRET],
                "`oz secret create` takes one operand only",
                "give the value on standard input, with -f FILE or at the prompt: \
                 `printf %s \"$VALUE\" | oz secret create NAME`",
            ),
            (
                &["secret", "create", "bedrock-api-key", "NAME"],
                "`oz secret create` takes one operand only",
                "did you mean `oz secret create anthropic bedrock-api-key`?",
            ),
            (
                &["secret", "create", "openai", "NAME"],
                "`oz secret create openai` has no such command",
                "`oz secret create openai api-key NAME`",
            ),
            (
                &["secret", "create", "openai", "apikey"],
                "`oz secret create openai` has no such command",
                "did you mean `oz secret create openai api-key`?",
            ),
            (
                &["secret", "create", "opnai", "api-key", "NAME"],
                "`oz secret create` takes one operand only",
                "did you mean `oz secret create openai`?",
            ),
            (
                &["secret", "LIST"],
                "`oz secret` has no such command",
                "did you mean `oz secret list`?",
            ),
            (
                &["secret", "list", "NAME"],
                "`oz secret list` takes no operand",
                "see `oz secret list --help`",
            ),
            (
                &["secret", "list", "--team", "UID"],
                "`oz secret list` takes no operand",
                "a UID is attached: --team=UID",
            ),
            (
                &["completions", "tcsh"],
                "the SHELL is not one known here",
                "one of bash, zsh, fish, powershell, elvish",
            ),
            (
                &["help", "secret", "make"],
                "`oz secret` has no such command",
                "one of create, update, delete, list, import; see `oz secret --help`",
            ),
        ],
        2,
    );
}

#[test]
fn rejects_unknown_options() {
    let attached = format!("--api-key{MARKER_SECRET}");
    let cluster = format!("-x{MARKER_SECRET}");
    refused(
        &[
            (
                &["secret", "delete", "NAME", "--forse"],
                "unknown option '--forse'",
                "did you mean --force?",
            ),
            (
                &["secret", "list", "--jq", ".[]"],
                "unknown option '--jq'",
                "see `oz secret list --help`",
            ),
            (
                &["secret", "list", &attached],
                "unknown option",
                "see `oz secret list --help`",
            ),
            (
                &["secret", "list", "-x"],
                "unknown option '-x'",
                "see `oz secret list --help`",
            ),
            (
                &["secret", "list", &cluster],
                "unknown option",
                "see `oz secret list --help`",
            ),
            (
                &["secret", "list", "--force"],
                "'--force' is not an option of `oz secret list`",
                "see `oz secret list --help`",
            ),
            (
                &["--region", "us-east-1", "secret", "create", "NAME"],
                "'--region' is not an option of `oz secret create`",
                "see `oz secret create --help`",
            ),
        ],
        2,
    );
}

#[test]
fn rejects_missing_or_invalid_option_values() {
    let attached = format!("--value={MARKER_SECRET}");
    let dashed = format!("-{MARKER_SECRET}");
    refused(
        &[
            (
                &["secret", "create", "NAME", "-f"],
                "'--value-file' needs a value",
                "see `oz secret create --help`",
            ),
            (
                &["secret", "create", "NAME", "-f", ""],
                "the value of '--value-file' is empty",
                "is a variable in the script unset?",
            ),
            (
                &["secret", "create", "NAME", "-d", &dashed],
                "'--description' needs a value",
                "a value that starts with '-' is attached, as in --description=-x",
            ),
            (
                &["secret", "list", "--team="],
                "the value of '--team' is empty",
                "is a variable in the script unset?",
            ),
            (
                &["secret", "update", "NAME", &attached],
                "'--value' takes no value",
                "give the value on standard input, with -f FILE or at the prompt: \
                 `printf %s \"$VALUE\" | oz secret update NAME --value`",
            ),
            (
                &["secret", "delete", "NAME", "--force=yes"],
                "'--force' takes no value",
                "see `oz secret delete --help`",
            ),
            (
                &["secret", "create", "NAME", "--type", MARKER_SECRET],
                "the value of '--type' is not one of raw-value, anthropic-api-key",
                "see `oz secret create --help`",
            ),
            (
                &["secret", "list", "--output-format=yaml"],
                "the value of '--output-format' is not one of pretty, text, json, ndjson",
                "see `oz secret list --help`",
            ),
            (
                &["secret", "list", "--timeout", "soon"],
                "the value of '--timeout' is not a number of seconds above 0 and up to 86400",
                "see `oz secret list --help`",
            ),
        ],
        2,
    );
}

#[test]
fn rejects_conflicting_options() {
    refused(
        &[
            (
                &["secret", "list", "--team", "--personal"],
                "'--team' can't be used with '--personal'",
                "see `oz secret list --help`",
            ),
            (
                &["secret", "delete", "NAME", "--force", "--force"],
                "'--force' is given twice",
                "see `oz secret delete --help`",
            ),
            (
                &["secret", "update", "NAME", "--value", "-f", "file"],
                "'--value' can't be used with '--value-file'",
                "see `oz secret update --help`",
            ),
            (
                &[
                    "secret",
                    "create",
                    "docker-registry",
                    "N",
                    "--password",
                    MARKER_SECRET,
                    "--password-file",
                    "f",
                ],
                "'--password' can't be used with '--password-file'",
                "see `oz secret create docker-registry --help`",
            ),
            (
                &["secret", "update", "NAME", "--region", "r", "--host", "h"],
                "no type of secret has both '--region' and '--host'",
                "see `oz secret update --help`",
            ),
            (
                &["--api-key-file", "-", "secret", "create", "NAME", "-f", "-"],
                "'--api-key-file' and '--value-file' can't both read standard input",
                "see `oz secret create --help`",
            ),
            (
                &["--api-key-file", "-", "secret", "create", "NAME"],
                "'--api-key-file' and the value can't both be read from standard input",
                "name the file of one of them: -f FILE for the value",
            ),
        ],
        2,
    );
}

#[test]
fn rejects_invalid_names() {
    let assignment = format!("NAME={MARKER_SECRET}");
    refused(
        &[
            (
                &["secret", "create", ""],
                "the name of a secret can't be empty",
                "is a variable in the script unset?",
            ),
            (
                &["secret", "create", &assignment],
                "the name of a secret can't hold '='",
                "a value does not follow the name: give it on standard input, with -f FILE or at the prompt",
            ),
            (
                &["secret", "delete", "NAME\n"],
                "the name of a secret can't hold a line break or another control character",
                "use letters, digits and underscores",
            ),
        ],
        65,
    );
    oz(&[
        OsStr::new("secret"),
        OsStr::new("delete"),
        OsStr::from_bytes(b"\xff"),
    ])
    .code(65)
    .stderr(
        "error: the name of a secret must be UTF-8\nhint: use letters, digits and underscores\n",
    )
    .run();
}

#[test]
fn rejects_invalid_variables() {
    oz(&["secret", "list"])
        .env("WARP_OUTPUT_FORMAT", MARKER_SECRET)
        .code(2)
        .stderr(
            "error: the value of WARP_OUTPUT_FORMAT is not one of pretty, text, json, ndjson\n\
             hint: see `oz secret list --help`\n",
        )
        .run();
    for value in [
        MARKER_SECRET,
        "Team",
        "team ",
        "team=",
        "personal,team",
        "default",
    ] {
        oz(&["secret", "list"])
            .env("WARP_SECRET_SCOPE", value)
            .code(2)
            .stderr(
                "error: the value of WARP_SECRET_SCOPE is not one of personal, team, team=UID\n\
                 hint: see `oz secret list --help`\n",
            )
            .run();
    }
    oz(&["secret", "list"])
        .env("WARP_SERVER_ROOT_URL", OsStr::from_bytes(b"https://\xff"))
        .code(2)
        .stderr(
            "error: the value of WARP_SERVER_ROOT_URL is not UTF-8\n\
             hint: see `oz secret list --help`\n",
        )
        .run();
}
