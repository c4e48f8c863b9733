//! Every type of secret, every way to give its fields without a terminal, create and update, personal and team. What
//! the server opened is compared byte for byte.

use crate::server::{Account, Scope, Server};
use crate::support::oz;
use crate::support::write;

/// One field of a form: the option that carries it, the one that names its file, its variable, and a value.
struct Field {
    flag: Option<&'static str>,
    file: Option<&'static str>,
    variable: Option<&'static str>,
    value: &'static str,
}

/// A form of `create`, and the payload that its fields make.
struct Form {
    words: &'static [&'static str],
    /// The name in the schema.
    kind: &'static str,
    fields: &'static [Field],
    payload: &'static str,
    /// The note that an update prints as well.
    update_note: &'static str,
}

const fn value(value: &'static str) -> Field {
    Field {
        flag: None,
        file: Some("--value-file"),
        variable: None,
        value,
    }
}

const fn plain(flag: &'static str, value: &'static str) -> Field {
    Field {
        flag: Some(flag),
        file: None,
        variable: None,
        value,
    }
}

const fn secret(
    flag: &'static str,
    file: &'static str,
    variable: Option<&'static str>,
    value: &'static str,
) -> Field {
    Field {
        flag: Some(flag),
        file: Some(file),
        variable,
        value,
    }
}

const REGION: Field = Field {
    flag: Some("--region"),
    file: None,
    variable: Some("AWS_REGION"),
    value: "eu-central-1",
};
const KEY_ID: Field = secret(
    "--access-key-id",
    "--access-key-id-file",
    Some("AWS_ACCESS_KEY_ID"),
    "AKIAIOSFODNN7EXAMPLE",
);
const ACCESS_KEY: Field = secret(
    "--secret-access-key",
    "--secret-access-key-file",
    Some("AWS_SECRET_ACCESS_KEY"),
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
);
const BASE_URL_GONE: &str = "note: a stored base URL is replaced by none; --base-url keeps one\n";

const FORMS: &[Form] = &[
    Form {
        words: &[],
        kind: "RAW_VALUE",
        fields: &[value("raw \"value\" é\nsecond")],
        payload: r#"{"value":"raw \"value\" é\nsecond"}"#,
        update_note: "",
    },
    Form {
        words: &["--type=anthropic-api-key"],
        kind: "ANTHROPIC_API_KEY",
        fields: &[value("sk-ant-1")],
        payload: r#"{"api_key":"sk-ant-1"}"#,
        update_note: "",
    },
    Form {
        words: &["anthropic", "api-key"],
        kind: "ANTHROPIC_API_KEY",
        fields: &[value("sk-ant-2")],
        payload: r#"{"api_key":"sk-ant-2"}"#,
        update_note: "",
    },
    Form {
        words: &["claude", "bedrock-api-key"],
        kind: "ANTHROPIC_BEDROCK_API_KEY",
        fields: &[
            secret(
                "--bedrock-api-key",
                "--bedrock-api-key-file",
                Some("AWS_BEARER_TOKEN_BEDROCK"),
                "bedrock-api-key-AbC==",
            ),
            REGION,
        ],
        payload: r#"{"aws_bearer_token_bedrock":"bedrock-api-key-AbC==","aws_region":"eu-central-1"}"#,
        update_note: "",
    },
    Form {
        words: &["anthropic", "bedrock-access-key"],
        kind: "ANTHROPIC_BEDROCK_ACCESS_KEY",
        fields: &[
            KEY_ID,
            ACCESS_KEY,
            secret(
                "--session-token",
                "--session-token-file",
                Some("AWS_SESSION_TOKEN"),
                "FwoGZXIvYXdzE/+=",
            ),
            REGION,
        ],
        payload: r#"{"aws_access_key_id":"AKIAIOSFODNN7EXAMPLE","aws_secret_access_key":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY","aws_session_token":"FwoGZXIvYXdzE/+=","aws_region":"eu-central-1"}"#,
        update_note: "",
    },
    Form {
        words: &["claude", "bedrock-access-key"],
        kind: "ANTHROPIC_BEDROCK_ACCESS_KEY",
        fields: &[KEY_ID, ACCESS_KEY, REGION],
        payload: r#"{"aws_access_key_id":"AKIAIOSFODNN7EXAMPLE","aws_secret_access_key":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY","aws_region":"eu-central-1"}"#,
        update_note: "",
    },
    Form {
        words: &["codex", "api-key"],
        kind: "OPENAI_API_KEY",
        fields: &[value("sk-proj-1")],
        payload: r#"{"api_key":"sk-proj-1"}"#,
        update_note: BASE_URL_GONE,
    },
    Form {
        words: &["openai", "api-key"],
        kind: "OPENAI_API_KEY",
        fields: &[
            value("sk-proj-2"),
            plain("--base-url", "https://us.api.openai.com/v1"),
        ],
        payload: r#"{"api_key":"sk-proj-2","base_url":"https://us.api.openai.com/v1"}"#,
        update_note: "",
    },
    Form {
        words: &["docker-registry"],
        kind: "DOCKER_REGISTRY",
        fields: &[
            plain("--host", "ghcr.io"),
            plain("--username", "bot"),
            secret("--password", "--password-file", None, "p4ss/+=word"),
        ],
        payload: r#"{"registry_host":"ghcr.io","username":"bot","password":"p4ss/+=word"}"#,
        update_note: "",
    },
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Flags,
    Files,
    Stdin,
    Environment,
    /// Secret fields from files, one from standard input, the rest from options and variables.
    Mixed,
}

/// Options, standard input and variables that give the fields of a form one way; `None` where it has no such way.
struct Given {
    args: Vec<String>,
    stdin: &'static str,
    env: Vec<(&'static str, &'static str)>,
}

fn given(form: &Form, way: Way, dir: &tempfile::TempDir, update: bool) -> Option<Given> {
    let mut given = Given {
        args: Vec::new(),
        stdin: "",
        env: Vec::new(),
    };
    for (index, field) in form.fields.iter().enumerate() {
        let by_flag = field.flag.map(|flag| format!("{flag}={}", field.value));
        let by_file = field.file.map(|flag| {
            let path = write(dir, &format!("field-{index}"), field.value);
            format!("{flag}={}", path.display())
        });
        let first_file = form.fields.iter().position(|field| field.file.is_some());
        let by_stdin = field.file.filter(|_| first_file == Some(index));
        match way {
            // The official client takes a single value from a file or standard input only.
            Way::Flags => given.args.push(by_flag.or(by_file)?),
            Way::Files => given.args.push(by_file.or(by_flag)?),
            Way::Environment => given.env.push((field.variable?, field.value)),
            Way::Stdin => match by_stdin {
                Some("--value-file") => {
                    given.stdin = field.value;
                    given.args.extend(update.then(|| "--value".to_owned()));
                }
                Some(flag) => {
                    given.stdin = field.value;
                    given.args.push(format!("{flag}=-"));
                }
                None => given.args.push(by_flag.or(by_file)?),
            },
            Way::Mixed => match (by_stdin, field.variable) {
                (Some(flag), _) => {
                    given.stdin = field.value;
                    given.args.push(format!("{flag}=-"));
                }
                (None, Some(variable)) => given.env.push((variable, field.value)),
                (None, None) => given.args.push(by_file.or(by_flag)?),
            },
        }
    }
    if !given.env.is_empty() {
        given.args.push("--from-env".to_owned());
    }
    Some(given)
}

#[test]
fn every_form_every_way_create_and_update_personal_and_team() {
    let server = Server::builder()
        .account(Account::on_teams(&[("team-1", "Core")]))
        .start();
    let mut ran = 0;
    for (row, form) in FORMS.iter().enumerate() {
        for way in [
            Way::Flags,
            Way::Files,
            Way::Stdin,
            Way::Environment,
            Way::Mixed,
        ] {
            for (flag, scope) in [
                ("--personal", Scope::Personal),
                ("--team", Scope::Team("team-1")),
            ] {
                let dir = tempfile::tempdir().unwrap();
                let name = format!("N{row}_{way:?}");
                let Some(create) = given(form, way, &dir, false) else {
                    continue;
                };
                let label = form.words.join(" ");
                oz(&["secret", "create"])
                    .args(form.words)
                    .args([name.as_str(), flag])
                    .args(&create.args)
                    .server(&server)
                    .envs(create.env)
                    .stdin(create.stdin)
                    .stdout(format!("Secret '{name}' created\n"))
                    .run();
                assert_eq!(
                    server.opened(scope, &name).as_deref(),
                    Some(form.payload),
                    "create {label} {way:?}"
                );

                // The same secret with other content, so that what is opened next was surely put there by `update`.
                server.forget_value(scope, &name);
                let update = given(form, way, &dir, true).unwrap();
                oz(&["secret", "update", &name, flag])
                    .args(&update.args)
                    .server(&server)
                    .envs(update.env)
                    .stdin(update.stdin)
                    .stdout(format!("Secret '{name}' updated\n"))
                    .stderr(form.update_note)
                    .run();
                assert_eq!(
                    server.opened(scope, &name).as_deref(),
                    Some(form.payload),
                    "update {label} {way:?}"
                );
                assert_eq!(server.secret(scope, &name).unwrap().kind, form.kind);
                ran += 1;
            }
        }
    }
    // 9 forms; flags, files and stdin for each, the environment for three of them, a mixture for each; two scopes.
    assert_eq!(ran, 2 * (9 * 4 + 3));
}

#[test]
fn an_optional_field_given_as_nothing_is_absent() {
    let server = Server::start();
    oz(&[
        "secret",
        "create",
        "openai",
        "api-key",
        "N",
        "--base-url",
        "",
    ])
    .server(&server)
    .stdin("sk-1")
    .stdout("Secret 'N' created\n")
    .run();
    assert_eq!(
        server.opened(Scope::Personal, "N").as_deref(),
        Some(r#"{"api_key":"sk-1"}"#)
    );
}

#[test]
fn a_field_of_another_type_is_a_usage_error_that_names_the_stored_type() {
    let server = Server::start();
    server.seed_kind(Scope::Personal, "N", "ANTHROPIC_API_KEY");
    oz(&[
        "secret",
        "update",
        "N",
        "--region",
        "eu-central-1",
        "--bedrock-api-key",
        "k",
    ])
    .server(&server)
    .code(2)
    .stderr(
        "error: 'N' is of type Anthropic API Key, which does not take --region\n\
             hint: that type takes --value or -f FILE\n",
    )
    .run();
    assert_eq!(server.ops(), ["Lookup"]);
}

/// Google's registries take a whole key file for a password.
const KEY_FILE: &str = "{\n  \"type\": \"service_account\",\n  \"private_key\": \"-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----\\n\",\n  \"client_email\": \"é@example.iam\"\n}";

#[test]
fn a_registry_password_may_have_many_lines() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let payload = format!(
        r#"{{"registry_host":"us-docker.pkg.dev","username":"_json_key","password":{}}}"#,
        serde_json::to_string(KEY_FILE).unwrap()
    );
    let docker = ["--host=us-docker.pkg.dev", "--username=_json_key"];
    for (number, end) in ["", "\n", "\r\n"].into_iter().enumerate() {
        let content = format!("{KEY_FILE}{end}");
        let file = write(&dir, "key.json", &content);
        let file = format!("--password-file={}", file.display());
        let name = format!("N{number}");
        oz(&["secret", "create", "docker-registry", &name])
            .args(docker)
            .arg(&file)
            .server(&server)
            .stdout(format!("Secret '{name}' created\n"))
            .run();
        assert_eq!(
            server.opened(Scope::Personal, &name).as_deref(),
            Some(payload.as_str())
        );
        server.forget_value(Scope::Personal, &name);
        oz(&["secret", "update", &name, "--password-file=-"])
            .args(docker)
            .server(&server)
            .stdin(content)
            .stdout(format!("Secret '{name}' updated\n"))
            .run();
        assert_eq!(
            server.opened(Scope::Personal, &name).as_deref(),
            Some(payload.as_str())
        );
    }
    oz(&["secret", "create", "docker-registry", "ARGUMENT"])
        .args(docker)
        .arg(format!("--password={KEY_FILE}"))
        .server(&server)
        .stdout("Secret 'ARGUMENT' created\n")
        .run();
    assert_eq!(
        server.opened(Scope::Personal, "ARGUMENT").as_deref(),
        Some(payload.as_str())
    );
}

#[test]
fn a_registry_password_may_be_longer_than_a_variable() {
    let server = Server::start();
    let create = [
        "secret",
        "create",
        "docker-registry",
        "N",
        "--host=h",
        "--username=u",
        "--password-file=-",
    ];
    let longest = "p".repeat(1024 * 1024);
    for bytes in [longest.clone(), format!("{longest}\r\n")] {
        oz(&create)
            .arg("--if-exists=update")
            .server(&server)
            .stdin(bytes)
            .any_stdout()
            .run();
        let opened = server.opened(Scope::Personal, "N").unwrap();
        assert_eq!(
            opened,
            format!(r#"{{"registry_host":"h","username":"u","password":"{longest}"}}"#)
        );
    }
    for (bytes, what, hint) in [
        (
            format!("{longest}p"),
            "is longer than 1048576 bytes",
            "is this the right file?",
        ),
        (
            longest.repeat(3),
            "is longer than 1048576 bytes",
            "is this the right file?",
        ),
        (
            String::new(),
            "is empty",
            "an empty value is never stored; did the command before the pipe fail?",
        ),
        (
            "\n".to_owned(),
            "is only a newline",
            "an empty value is never stored; did the command before the pipe fail?",
        ),
        (
            "a\0b".to_owned(),
            "holds a NUL byte at byte offset 1",
            "store binary data as text, for example encoded with base64",
        ),
    ] {
        oz(&create)
            .server(&server)
            .stdin(bytes)
            .code(65)
            .stderr(format!(
                "error: standard input, read for --password-file, {what}\nhint: {hint}\n"
            ))
            .run();
    }
}

#[test]
fn regions_hosts_and_addresses_that_there_are() {
    let server = Server::start();
    let bedrock = ["anthropic", "bedrock-api-key", "N", "--bedrock-api-key=k"];
    let docker = ["docker-registry", "N", "--username=u", "--password=p"];
    let openai = ["openai", "api-key", "N"];
    let rows: [(&[&str], &str, &[&str]); 3] = [
        (
            &bedrock,
            "--region",
            &[
                "us-east-1",
                "us-west-2-lax-1",
                "us-gov-west-1",
                "cn-north-1",
                "us-isob-east-1",
                "eusc-de-east-1",
                "global",
            ],
        ),
        (
            &docker,
            "--host",
            &[
                "ghcr.io",
                "registry_1.local:5000",
                "us-docker.pkg.dev",
                "localhost:5000",
                "10.0.0.1:65535",
                "[::1]:5000",
                "REGISTRY.example",
                "123.dkr.ecr.us-east-1.amazonaws.com",
            ],
        ),
        (
            &openai,
            "--base-url",
            &[
                "https://us.api.openai.com/v1",
                "http://localhost:4000/v1",
                "http://127.0.0.1:4000/v1",
                "http://[::1]/v1",
                "https://gate_way.internal:8443/openai/?api-version=2026-01-01",
                "HTTPS://host",
            ],
        ),
    ];
    for (words, flag, values) in rows {
        for value in values {
            oz(&["secret", "create"])
                .args(words)
                .arg(format!("{flag}={value}"))
                .arg("--if-exists=update")
                .server(&server)
                .stdin("sk-1")
                .any_stdout()
                .run();
            let opened = server.opened(Scope::Personal, "N").unwrap();
            assert!(opened.contains(&format!(":\"{value}\"")), "{opened}");
        }
        oz(&["secret", "delete", "N", "--force"])
            .server(&server)
            .any_stdout()
            .run();
    }
}
