use super::*;
use crate::request::{FieldSources, IfExists, Source};
use std::os::unix::ffi::OsStringExt;

/// What a line is read as, in one line of text; `~` in a word stands for a byte that is not UTF-8.
fn read(line: &[&str], variables: &[(&'static str, &'static str)]) -> String {
    let args = line
        .iter()
        .map(|word| {
            let bytes = word.bytes().map(|b| if b == b'~' { 0xff } else { b });
            OsString::from_vec(bytes.collect())
        })
        .collect();
    let variables = variables.to_vec();
    let env = Environment::new(move |name| {
        let (_, value) = variables.iter().find(|(variable, _)| *variable == name)?;
        Some(OsString::from(value))
    });
    match parse(args, &env) {
        Ok(ParseResult::Print(text)) => format!("print {}", text.lines().next().unwrap()),
        Ok(ParseResult::Run(request)) => {
            let mut text = verb(&request.verb);
            global(&mut text, &request.globals);
            text
        }
        Err(usage) => {
            let error = &usage.error;
            assert!(error.causes.is_empty());
            let format = match usage.format {
                Format::Pretty => String::new(),
                format => format!(" ({format:?})"),
            };
            format!(
                "{}{format}: {} / {}",
                error.code(),
                error.message,
                error.hint.as_deref().unwrap()
            )
        }
    }
}

fn verb(verb: &Verb) -> String {
    match verb {
        Verb::Create(c) => {
            let mut text = format!(
                "create {} {:?}",
                aim(&c.target.name, &c.target.scope),
                c.kind
            );
            given(&mut text, &c.sources);
            text.extend(c.description.iter().map(|d| format!(" d={d:?}")));
            if c.if_exists != IfExists::Fail {
                text += &format!(" {:?}", c.if_exists);
            }
            text + if c.dry_run { " dry" } else { "" }
        }
        Verb::Update(u) => {
            let mut text = format!("update {}", aim(&u.target.name, &u.target.scope));
            match &u.change {
                Change::Description(description) => text += &format!(" only d={description:?}"),
                Change::Value {
                    sources,
                    description,
                } => {
                    given(&mut text, sources);
                    text.extend(description.iter().map(|d| format!(" d={d:?}")));
                }
            }
            text + if u.dry_run { " dry" } else { "" }
        }
        Verb::Delete(d) => format!(
            "delete {}{}{}{}",
            d.names
                .iter()
                .map(|name| aim(name, &d.scope))
                .collect::<Vec<_>>()
                .join(" "),
            if d.force { " force" } else { "" },
            if d.ignore_missing { " ignore" } else { "" },
            if d.dry_run { " dry" } else { "" },
        ),
        Verb::Import(import) => format!(
            "import {:?} {:?} {:?} {:?}{}{}",
            import.file,
            import.format,
            import.scope,
            import.if_exists,
            if import.skip_empty { " skip-empty" } else { "" },
            if import.dry_run { " dry" } else { "" },
        ),
        Verb::List(list) => format!(
            "list {:?}{}",
            list.scope,
            if list.names_only { " names" } else { "" },
        ),
        Verb::WhoAmI => "whoami".to_owned(),
    }
}

fn aim(name: &SecretName, scope: &Scope) -> String {
    match scope {
        Scope::Default => name.as_str().to_owned(),
        scope => format!("{} {scope:?}", name.as_str()),
    }
}

fn given(text: &mut String, sources: &FieldSources) {
    for (field, source) in &sources.given {
        let flag = field.flag.trim_start_matches('-');
        *text += &match source {
            Source::Argument(bytes) => {
                format!(" {flag}={}", String::from_utf8_lossy(bytes.expose()))
            }
            Source::File(FileOrStdin::Stdin) => format!(" {flag}<-"),
            Source::File(FileOrStdin::Path(path)) => format!(" {flag}<{}", path.display()),
        };
    }
    for (on, word) in [
        (sources.from_env, " env"),
        (sources.trim_newline, " trim"),
        (sources.ask, " ask"),
    ] {
        *text += if on { word } else { "" };
    }
}

fn global(text: &mut String, globals: &Globals) {
    match &globals.api_key {
        KeySource::Absent => {}
        KeySource::Text { origin, key } => {
            *text += &format!(" {origin}={}", String::from_utf8_lossy(key.expose()));
        }
        KeySource::File { origin, path } => *text += &format!(" {origin}<{path:?}"),
    }
    if globals.format != Format::Pretty {
        *text += &format!(" {:?}", globals.format);
    }
    text.extend(globals.server_root_url.iter().map(|url| format!(" {url}")));
    text.extend(
        globals
            .ca_file
            .iter()
            .map(|ca| format!(" ca={}", ca.display())),
    );
    text.extend(globals.timeout.iter().map(|time| format!(" {time:?}")));
    *text += if globals.no_input { " no-input" } else { "" };
    *text += if globals.debug { " debug" } else { "" };
}

fn hold(cases: &[(&[&str], &str)]) {
    for (line, expected) in cases {
        assert_eq!(read(line, &[]), *expected, "{line:?}");
    }
}

#[test]
fn the_documented_forms() {
    hold(&[
        (&["secret", "create", "N"], "create N RAW_VALUE ask"),
        (
            &["secret", "create", "N", "-t", "raw-value"],
            "create N RAW_VALUE ask",
        ),
        (
            &["secret", "create", "N", "-tanthropic-api-key"],
            "create N ANTHROPIC_API_KEY ask",
        ),
        (
            &["secret", "create", "-f", "v", "N"],
            "create N RAW_VALUE value<v ask",
        ),
        (
            &["secret", "create", "-fv", "N"],
            "create N RAW_VALUE value<v ask",
        ),
        (
            &["secret", "create", "-f=v", "N"],
            "create N RAW_VALUE value<v ask",
        ),
        (
            &["secret", "create", "-f-", "N"],
            "create N RAW_VALUE value<- ask",
        ),
        (
            &["secret", "create", "--value-file=-", "N"],
            "create N RAW_VALUE value<- ask",
        ),
        (
            &["secret", "create", "--value-file", "-", "N"],
            "create N RAW_VALUE value<- ask",
        ),
        (
            &["secret", "create", "N", "-d", "", "--trim-newline"],
            "create N RAW_VALUE trim ask d=\"\"",
        ),
        (
            &["secret", "create", "N", "--description=-x"],
            "create N RAW_VALUE ask d=\"-x\"",
        ),
        (
            &["secret", "create", "N", "--team"],
            "create N Team RAW_VALUE ask",
        ),
        (
            &["secret", "create", "--team", "N"],
            "create N Team RAW_VALUE ask",
        ),
        (
            &["secret", "create", "--team=U", "N"],
            "create N TeamUid(\"U\") RAW_VALUE ask",
        ),
        (
            &["secret", "create", "--personal", "N"],
            "create N Personal RAW_VALUE ask",
        ),
        (
            &["secret", "create", "N", "--if-exists", "skip", "--dry-run"],
            "create N RAW_VALUE ask Skip dry",
        ),
        (
            &["secret", "create", "N", "--if-exists=update"],
            "create N RAW_VALUE ask Update",
        ),
        (
            &["secret", "create", "anthropic", "api-key", "N"],
            "create N ANTHROPIC_API_KEY ask",
        ),
        (
            &["secret", "create", "claude", "api-key", "N", "-f", "~"],
            "create N ANTHROPIC_API_KEY value<\u{fffd} ask",
        ),
        (
            &[
                "secret",
                "create",
                "claude",
                "bedrock-api-key",
                "N",
                "--bedrock-api-key",
                "k",
                "--region",
                "r",
            ],
            "create N ANTHROPIC_BEDROCK_API_KEY bedrock-api-key=k region=r ask",
        ),
        (
            &[
                "secret",
                "create",
                "anthropic",
                "bedrock-access-key",
                "--access-key-id-file=i",
                "--secret-access-key-file",
                "-",
                "--session-token=",
                "--from-env",
                "N",
            ],
            "create N ANTHROPIC_BEDROCK_ACCESS_KEY access-key-id<i secret-access-key<- env ask",
        ),
        (
            &[
                "secret",
                "create",
                "codex",
                "api-key",
                "N",
                "--base-url",
                "",
            ],
            "create N OPENAI_API_KEY ask",
        ),
        (
            &["secret", "create", "openai", "api-key", "N", "--base-url=u"],
            "create N OPENAI_API_KEY base-url=u ask",
        ),
        (
            &[
                "secret",
                "create",
                "docker-registry",
                "N",
                "--host",
                "h",
                "--username=u",
                "--password-file",
                "p",
            ],
            "create N DOCKER_REGISTRY host=h username=u password<p ask",
        ),
        (&["secret", "update", "N", "--value"], "update N ask"),
        (
            &["secret", "update", "N", "-f", "v", "-d", "t"],
            "update N value<v d=\"t\"",
        ),
        (&["secret", "update", "N", "-d", ""], "update N only d=\"\""),
        (
            &["secret", "update", "N", "--from-env", "--team"],
            "update N Team env",
        ),
        (
            &["secret", "update", "N", "--value", "--base-url=u"],
            "update N base-url=u ask",
        ),
        (&["secret", "delete", "N"], "delete N"),
        (
            &[
                "secret",
                "delete",
                "--force",
                "--ignore-missing",
                "--dry-run",
                "N",
            ],
            "delete N force ignore dry",
        ),
        (&["secret", "list"], "list Default"),
        (&["secret", "list", "--team=U"], "list TeamUid(\"U\")"),
    ]);
}

#[test]
fn options_stand_anywhere() {
    hold(&[
        (&["--debug", "secret", "list"], "list Default debug"),
        (
            &["--team", "secret", "--no-input", "list"],
            "list Team no-input",
        ),
        (
            &["secret", "--team", "create", "anthropic", "api-key", "N"],
            "create N Team ANTHROPIC_API_KEY ask",
        ),
        (
            &["secret", "create", "--team", "anthropic", "api-key", "N"],
            "create N Team ANTHROPIC_API_KEY ask",
        ),
        (
            &["secret", "create", "anthropic", "-d", "t", "api-key", "N"],
            "create N ANTHROPIC_API_KEY ask d=\"t\"",
        ),
        (
            &[
                "--region=r",
                "secret",
                "create",
                "anthropic",
                "bedrock-api-key",
                "N",
            ],
            "create N ANTHROPIC_BEDROCK_API_KEY region=r ask",
        ),
        (
            &["--force", "secret", "list"],
            "2: '--force' is not an option of `oz secret list` / see `oz secret list --help`",
        ),
        (
            &[
                "secret",
                "create",
                "--type=raw-value",
                "codex",
                "api-key",
                "N",
            ],
            "2: '--type' is not an option of `oz secret create codex` / see `oz secret create codex --help`",
        ),
        (
            &["secret", "create", "--region=r", "N"],
            "2: '--region' is not an option of `oz secret create` / see `oz secret create --help`",
        ),
        (
            &["--force", "completions", "bash"],
            "2: '--force' is not an option of `oz completions` / see `oz completions --help`",
        ),
    ]);
}

#[test]
fn words_after_two_dashes_are_operands() {
    hold(&[
        (
            &["secret", "create", "--", "anthropic"],
            "create anthropic RAW_VALUE ask",
        ),
        (
            &["secret", "create", "--team", "--", "help"],
            "create help Team RAW_VALUE ask",
        ),
        (&["secret", "delete", "--", "--force"], "delete --force"),
        (&["secret", "delete", "--", "--"], "delete --"),
        (&["secret", "delete", "-"], "delete -"),
        (&["secret", "delete", "N", "--"], "delete N"),
        (
            &["--", "secret"],
            "2: `oz` has no such command / did you mean `oz secret`?",
        ),
        (
            &["secret", "create", "-f", "--", "N"],
            "2: '--value-file' needs a value / a value that starts with '-' is attached, as in --value-file=-x",
        ),
    ]);
}

#[test]
fn help_and_version_win_over_what_follows() {
    hold(&[
        (&[], "print Managed secrets from the command line"),
        (
            &["-h", "--bogus"],
            "print Managed secrets from the command line",
        ),
        (
            &["--bogus", "-h"],
            "2: unknown option '--bogus' / see `oz --help`",
        ),
        (
            &["secret", "--help", "create"],
            "print Create, update, delete, list and import secrets",
        ),
        (&["secret", "create", "N", "-h"], "print Create a secret"),
        (
            &["secret", "create", "claude", "--help"],
            "print Create a secret for the Claude harness",
        ),
        (&["help"], "print Managed secrets from the command line"),
        (
            &["help", "secret", "create", "anthropic", "bedrock-api-key"],
            "print Create a secret from an Amazon Bedrock API key",
        ),
        (&["secret", "help", "create"], "print Create a secret"),
        (
            &["secret", "create", "help", "claude"],
            "print Create a secret for the Claude harness",
        ),
        (&["secret", "create", "help"], "print Create a secret"),
        (
            &["secret", "create", "docker-registry", "help"],
            "create help DOCKER_REGISTRY ask",
        ),
        (&["help", "help"], "print Show the long help of a command"),
        (
            &["help", "secret", "crate"],
            "2: `oz secret` has no such command / did you mean `oz secret create`?",
        ),
        (
            &["help", "secret", "list", "x"],
            "2: `oz secret list` has no such command / see `oz secret list --help`",
        ),
        (&["-V"], concat!("print oz ", env!("CARGO_PKG_VERSION"))),
        (
            &["secret", "list", "--version"],
            concat!("print oz ", env!("CARGO_PKG_VERSION")),
        ),
        (
            &["--help=x"],
            "2: '--help' takes no value / see `oz --help`",
        ),
        (&["-h=x"], "2: '--help' takes no value / see `oz --help`"),
    ]);
    for line in [&["-VV"][..], &["-V", "--debug"], &["--debug", "--version"]] {
        let args = line.iter().map(OsString::from).collect();
        let Ok(ParseResult::Print(text)) = parse(args, &Environment::new(|_| None)) else {
            panic!("{line:?}");
        };
        assert_eq!(text, help::version(true), "{line:?}");
    }
}

#[test]
fn what_is_missing() {
    hold(&[
        (
            &["--debug"],
            "2: `oz` needs a command / one of secret, whoami, completions, help; see `oz --help`",
        ),
        (
            &["secret"],
            "2: `oz secret` needs a command / one of create, update, delete, list, import; see `oz secret --help`",
        ),
        (
            &["secret", "create", "claude"],
            "2: `oz secret create claude` needs a command / one of api-key, bedrock-api-key, bedrock-access-key, as in `oz secret create claude api-key NAME`; a raw secret of that name: `oz secret create -- claude`",
        ),
        (
            &["secret", "create"],
            "2: a NAME is required / `oz secret create NAME`; see `oz secret create --help`",
        ),
        (
            &["secret", "update", "--value"],
            "2: a NAME is required / `oz secret update NAME`; see `oz secret update --help`",
        ),
        (
            &["secret", "update", "N"],
            "2: there is nothing to change / give --value, -f FILE, the fields of the secret's type, or --description TEXT",
        ),
        (
            &["secret", "update", "N", "--dry-run", "--base-url="],
            "2: there is nothing to change / give --value, -f FILE, the fields of the secret's type, or --description TEXT",
        ),
        (
            &["completions"],
            "2: a SHELL is required / one of bash, zsh, fish, powershell, elvish",
        ),
        (
            &["completions", "M4RK3R"],
            "2: the SHELL is not one known here / one of bash, zsh, fish, powershell, elvish",
        ),
        (
            &["secret", "delete", "N", "--team="],
            "2: the value of '--team' is empty / is a variable in the script unset?",
        ),
        (
            &["secret", "create", "N", "-f"],
            "2: '--value-file' needs a value / see `oz secret create --help`",
        ),
        (
            &["secret", "create", "N", "-f", ""],
            "2: the value of '--value-file' is empty / is a variable in the script unset?",
        ),
        (
            &["secret", "create", "N", "-f="],
            "2: the value of '--value-file' is empty / is a variable in the script unset?",
        ),
        (
            &["secret", "create", "N", "-d", "-M4RK3R"],
            "2: '--description' needs a value / a value that starts with '-' is attached, as in --description=-x",
        ),
        (
            &["secret", "update", "N", "--region="],
            "2: the value of '--region' is empty / is a variable in the script unset?",
        ),
    ]);
}

#[test]
fn what_is_unknown_or_too_much() {
    hold(&[
        (
            &["secret", "delete", "N", "--forse"],
            "2: unknown option '--forse' / did you mean --force?",
        ),
        (
            &["secret", "delete", "N", "--forc"],
            "2: unknown option '--forc' / did you mean --force?",
        ),
        (
            &["secret", "list", "--forse"],
            "2: unknown option '--forse' / see `oz secret list --help`",
        ),
        (
            &["secret", "list", "--api-keywk-m4rk3r"],
            "2: unknown option / see `oz secret list --help`",
        ),
        (
            &["secret", "list", "--api-keyabc=M4RK3R"],
            "2: unknown option / see `oz secret list --help`",
        ),
        (
            &["secret", "list", "--M4RK3R"],
            "2: unknown option / see `oz secret list --help`",
        ),
        (
            &["secret", "list", "--~"],
            "2: unknown option / see `oz secret list --help`",
        ),
        (
            &["secret", "list", "----team"],
            "2: unknown option '----team' / did you mean --team?",
        ),
        (
            &["secret", "list", "-x"],
            "2: unknown option '-x' / see `oz secret list --help`",
        ),
        (
            &["secret", "list", "-xM4RK3R"],
            "2: unknown option / see `oz secret list --help`",
        ),
        (
            &["secret", "list", "-~"],
            "2: unknown option / see `oz secret list --help`",
        ),
        (
            &["secret", "crate", "N"],
            "2: `oz secret` has no such command / did you mean `oz secret create`?",
        ),
        (
            &["create", "N"],
            "2: `oz` has no such command / did you mean `oz secret create`?",
        ),
        (
            &["M4RK3R"],
            "2: `oz` has no such command / one of secret, whoami, completions, help; see `oz --help`",
        ),
        (
            &["secret", ""],
            "2: `oz secret` has no such command / one of create, update, delete, list, import; see `oz secret --help`",
        ),
        (
            &["secret", "create", "anthropc", "api-key", "N"],
            "2: `oz secret create` takes one operand only / did you mean `oz secret create anthropic`?",
        ),
        (
            &["secret", "create", "N", "M4RK3R"],
            "2: `oz secret create` takes one operand only / give the value on standard input, with -f FILE or at the prompt: `printf %s \"$VALUE\" | oz secret create NAME`",
        ),
        (
            &["secret", "update", "N", "--value", "M4RK3R"],
            "2: `oz secret update` takes one operand only / give the value on standard input, with -f FILE or at the prompt: `printf %s \"$VALUE\" | oz secret update NAME --value`",
        ),
        (&["secret", "delete", "N", "M"], "delete N M"),
        (
            &["secret", "list", "M4RK3R"],
            "2: `oz secret list` takes no operand / see `oz secret list --help`",
        ),
        (
            &["secret", "list", "--team", "M4RK3R"],
            "2: `oz secret list` takes no operand / a UID is attached: --team=UID",
        ),
        (
            &["secret", "delete", "--team", "U", "N"],
            "delete U Team N Team",
        ),
        (
            &["secret", "update", "N", "--value=M4RK3R"],
            "2: '--value' takes no value / give the value on standard input, with -f FILE or at the prompt: `printf %s \"$VALUE\" | oz secret update NAME --value`",
        ),
        (
            &["secret", "delete", "N", "--force=yes"],
            "2: '--force' takes no value / see `oz secret delete --help`",
        ),
    ]);
}

#[test]
fn what_does_not_go_together() {
    hold(&[
        (
            &["secret", "list", "--team", "--personal"],
            "2: '--team' can't be used with '--personal' / see `oz secret list --help`",
        ),
        (
            &["secret", "list", "--personal", "--team=U"],
            "2: '--personal' can't be used with '--team' / see `oz secret list --help`",
        ),
        (
            &["secret", "list", "--team", "--team=U"],
            "2: '--team' is given twice / see `oz secret list --help`",
        ),
        (
            &["--debug", "secret", "--debug", "list"],
            "2: '--debug' is given twice / see `oz secret --help`",
        ),
        (
            &["secret", "create", "N", "-d", "a", "--description=a"],
            "2: '--description' is given twice / see `oz secret create --help`",
        ),
        (
            &["secret", "update", "N", "--value", "-fv"],
            "2: '--value' can't be used with '--value-file' / see `oz secret update --help`",
        ),
        (
            &["secret", "list", "--api-key=k", "--api-key-file=f"],
            "2: '--api-key' can't be used with '--api-key-file' / see `oz secret list --help`",
        ),
        (
            &["secret", "update", "N", "--region=r", "--host=h"],
            "2: no type of secret has both '--region' and '--host' / see `oz secret update --help`",
        ),
        (
            &["secret", "update", "N", "--value", "--from-env"],
            "2: no type of secret has both '--value' and '--from-env' / see `oz secret update --help`",
        ),
        (
            &[
                "secret",
                "create",
                "claude",
                "bedrock-access-key",
                "N",
                "--secret-access-key-file=-",
                "--session-token-file=-",
            ],
            "2: '--secret-access-key-file' and '--session-token-file' can't both read standard input / see `oz secret create claude bedrock-access-key --help`",
        ),
        (
            &["--api-key-file=-", "secret", "create", "N", "-f-"],
            "2: '--api-key-file' and '--value-file' can't both read standard input / see `oz secret create --help`",
        ),
        (
            &["--api-key-file=-", "secret", "create", "N"],
            "2: '--api-key-file' and the value can't both be read from standard input / name the file of one of them: -f FILE for the value",
        ),
        (
            &["--api-key-file=-", "secret", "update", "N", "--value"],
            "2: '--api-key-file' and the value can't both be read from standard input / name the file of one of them: -f FILE for the value",
        ),
        (
            &["--api-key-file=-", "secret", "create", "N", "-f", "v"],
            "create N RAW_VALUE value<v ask --api-key-file<Stdin",
        ),
        (
            &["--api-key-file=-", "secret", "update", "N", "-d", "t"],
            "update N only d=\"t\" --api-key-file<Stdin",
        ),
    ]);
    let env: &[(&str, &str)] = &[("WARP_API_KEY_FILE", "-")];
    assert_eq!(
        read(&["secret", "create", "N", "-f-"], env),
        "2: 'WARP_API_KEY_FILE' and '--value-file' can't both read standard input / see `oz secret create --help`"
    );
    assert_eq!(
        read(
            &[
                "secret",
                "create",
                "docker-registry",
                "N",
                "--password-file=-"
            ],
            env
        ),
        "2: 'WARP_API_KEY_FILE' and '--password-file' can't both read standard input / see `oz secret create docker-registry --help`"
    );
}

#[test]
fn names_are_judged_and_not_repeated() {
    hold(&[
        (
            &["secret", "delete", ""],
            "65: the name of a secret can't be empty / is a variable in the script unset?",
        ),
        (
            &["secret", "create", "A=M4RK3R"],
            "65: the name of a secret can't hold '=' / a value does not follow the name: give it on standard input, with -f FILE or at the prompt",
        ),
        (
            &["secret", "create", "A\n"],
            "65: the name of a secret can't hold a line break or another control character / use letters, digits and underscores",
        ),
        (
            &["secret", "create", "A\0"],
            "65: the name of a secret can't hold a NUL / use letters, digits and underscores",
        ),
        (
            &["secret", "create", "~"],
            "65: the name of a secret must be UTF-8 / use letters, digits and underscores",
        ),
        (
            &["secret", "create", "a b \u{e9}"],
            "create a b \u{e9} RAW_VALUE ask",
        ),
    ]);
}

#[test]
fn values_are_judged_and_not_repeated() {
    hold(&[
        (
            &["secret", "create", "N", "-t", "M4RK3R"],
            "2: the value of '--type' is not one of raw-value, anthropic-api-key / see `oz secret create --help`",
        ),
        (
            &["secret", "create", "N", "--if-exists=Skip"],
            "2: the value of '--if-exists' is not one of fail, skip, update / see `oz secret create --help`",
        ),
        (
            &["secret", "list", "--output-format", "JSON"],
            "2: the value of '--output-format' is not one of pretty, text, json, ndjson / see `oz secret list --help`",
        ),
        (
            &["secret", "list", "--output-format", "json"],
            "list Default Json",
        ),
        (
            &["secret", "create", "N", "-d", "~"],
            "2: the value of '--description' is not UTF-8 / see `oz secret create --help`",
        ),
        (
            &["secret", "list", "--team=~"],
            "2: the value of '--team' is not UTF-8 / see `oz secret list --help`",
        ),
        (
            &["secret", "list", "--ca-file=c", "--server-root-url", "u"],
            "list Default u ca=c",
        ),
        (
            &["secret", "list", "--timeout", "0.5"],
            "list Default 500ms",
        ),
        (&["secret", "list", "--api-key="], "list Default --api-key="),
        (
            &["secret", "list", "--api-key-file="],
            "2: the value of '--api-key-file' is empty / is a variable in the script unset?",
        ),
    ]);
}

#[test]
fn variables_stand_in_for_options() {
    for (line, variables, expected) in [
        (
            &["secret", "list"][..],
            &[("WARP_API_KEY", "k"), ("WARP_API_KEY_FILE", "f")][..],
            "list Default WARP_API_KEY=k",
        ),
        (
            &["secret", "list"],
            &[("WARP_API_KEY", ""), ("WARP_API_KEY_FILE", "f")],
            "list Default WARP_API_KEY_FILE<Path(\"f\")",
        ),
        (
            &["secret", "list"],
            &[("WARP_API_KEY_FILE", "")],
            "list Default",
        ),
        (
            &["secret", "list", "--api-key-file=f"],
            &[("WARP_API_KEY", "k")],
            "list Default --api-key-file<Path(\"f\")",
        ),
        (
            &["secret", "list"],
            &[
                ("WARP_OUTPUT_FORMAT", "ndjson"),
                ("WARP_SERVER_ROOT_URL", "u"),
            ],
            "list Default Ndjson u",
        ),
        (
            &[
                "secret",
                "list",
                "--output-format=text",
                "--server-root-url=w",
            ],
            &[
                ("WARP_OUTPUT_FORMAT", "M4RK3R"),
                ("WARP_SERVER_ROOT_URL", "u"),
            ],
            "list Default Text w",
        ),
        (
            &["secret", "list"],
            &[("WARP_OUTPUT_FORMAT", ""), ("WARP_SERVER_ROOT_URL", "")],
            "list Default",
        ),
        (
            &["secret", "list"],
            &[("WARP_OUTPUT_FORMAT", "M4RK3R")],
            "2: the value of WARP_OUTPUT_FORMAT is not one of pretty, text, json, ndjson / see `oz secret list --help`",
        ),
        (
            &["secret"],
            &[("WARP_OUTPUT_FORMAT", "json")],
            "2 (Json): `oz secret` needs a command / one of create, update, delete, list, import; see `oz secret --help`",
        ),
        (
            &["secret", "--output-format", "ndjson"],
            &[("WARP_OUTPUT_FORMAT", "json")],
            "2 (Ndjson): `oz secret` needs a command / one of create, update, delete, list, import; see `oz secret --help`",
        ),
        (
            &["--bogus", "--output-format=json"],
            &[],
            "2 (Json): unknown option '--bogus' / see `oz --help`",
        ),
        (
            &["secret", "list", "--names"],
            &[("WARP_SECRET_SCOPE", "team=t")],
            "list TeamUid(\"t\") names",
        ),
        (
            &["secret", "create", "N"],
            &[("WARP_SECRET_SCOPE", "personal")],
            "create N Personal RAW_VALUE ask",
        ),
        (
            &["secret", "delete", "N"],
            &[("WARP_SECRET_SCOPE", "team")],
            "delete N Team",
        ),
        (
            &["secret", "list", "--personal"],
            &[("WARP_SECRET_SCOPE", "M4RK3R")],
            "list Personal",
        ),
        (
            &["secret", "list", "--team"],
            &[("WARP_SECRET_SCOPE", "personal")],
            "list Team",
        ),
        (
            &["secret", "list"],
            &[("WARP_SECRET_SCOPE", "")],
            "list Default",
        ),
        (
            &["secret", "list"],
            &[("WARP_SECRET_SCOPE", "team=")],
            "2: the value of WARP_SECRET_SCOPE is not one of personal, team, team=UID / see `oz secret list --help`",
        ),
        (&["whoami"], &[("WARP_SECRET_SCOPE", "M4RK3R")], "whoami"),
        (
            &["-V"],
            &[("WARP_OUTPUT_FORMAT", "M4RK3R")],
            concat!("print oz ", env!("CARGO_PKG_VERSION")),
        ),
    ] {
        assert_eq!(read(line, variables), expected, "{line:?} {variables:?}");
    }
}
