//! The types of secret this client can build, one entry a type. Options, help, completions, the manual page, prompts and
//! payloads are made from it.

use super::{MAX_VARIABLE, SecretName};
use std::fmt;

/// A type of secret (schema: `ManagedSecretType`).
pub struct Kind {
    /// The words of its `create` command, after the program's name.
    pub words: &'static [&'static str],
    /// The group that its command is in, where it is not directly below `create`.
    pub group: Option<&'static Group>,
    /// The GraphQL spelling; in lower case, the one in the sealing context.
    pub wire: &'static str,
    /// The spelling for people.
    pub label: &'static str,
    /// The texts of its `create` command, as in the command table.
    pub about: &'static str,
    pub long_help: &'static str,
    pub examples: &'static [(&'static str, &'static str)],
    /// In the order of the payload and of the prompts.
    pub fields: &'static [Field],
}

/// A word between `create` and the commands of several types.
pub struct Group {
    pub words: &'static [&'static str],
    /// A second spelling of the last word.
    pub alias: &'static str,
    pub about: &'static str,
    pub examples: &'static [(&'static str, &'static str)],
}

/// One field of a type. Fields of several types that have the same flag are equal: one field to the command line.
#[derive(Clone, Copy)]
pub struct Field {
    /// The option that carries it, with its dashes.
    pub flag: &'static str,
    /// What stands for its value in help; empty for [`VALUE`].
    pub placeholder: &'static str,
    pub help: &'static str,
    pub long_help: &'static str,
    /// The option that names a file to read it from.
    pub file: Option<FileFlag>,
    /// Where `--from-env` looks; the first that is not empty wins.
    pub variables: &'static [&'static str],
    /// Its key in the plaintext JSON.
    pub key: &'static str,
    pub syntax: Syntax,
    pub required: bool,
    /// Typed without echo.
    pub hidden: bool,
    /// The official client's words, colon included.
    pub prompt: &'static str,
    /// A second line under the prompt, without which the question is hard to answer.
    pub prompt_help: Option<&'static str>,
    pub limit: Limit,
    /// What a key of this provider starts with; empty where that is not known.
    pub prefix: &'static str,
}

/// An option that names the file of a field.
#[derive(Clone, Copy)]
pub struct FileFlag {
    /// With its dashes.
    pub flag: &'static str,
    pub short: Option<char>,
    pub help: &'static str,
    pub long_help: &'static str,
}

/// What a field may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// Any UTF-8 text without NUL, byte for byte.
    Raw,
    /// As [`Syntax::Raw`], but for one final newline.
    Text,
    /// A key: one word of printable ASCII, and none of the things people paste into a key's place by mistake.
    Key,
    /// One word of printable ASCII.
    Word,
    /// An AWS region such as `us-east-1`.
    Region,
    /// An `https://` URL, or `http://` to this machine.
    BaseUrl,
    /// A host, with an optional port, without scheme or path.
    Host,
}

/// What bounds the length of a field: the environment variable that a run receives it in, if it does.
#[derive(Clone, Copy)]
pub enum Limit {
    /// The variable has the secret's own name.
    SecretName,
    Variable(&'static str),
    /// No variable is known; in bytes.
    Bytes(usize),
}

/// The longest value in bytes: what is left of a variable for a name of one byte, `=` and NUL.
pub const MAX_VALUE: usize = MAX_VARIABLE - 3;

impl Limit {
    /// The most bytes whatever the secret is called, for reading a field whose type is not known yet.
    pub fn of_any(self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::SecretName | Self::Variable(_) => MAX_VALUE,
        }
    }

    /// The most bytes in a secret of this name.
    pub fn of(self, name: &SecretName) -> usize {
        let variable = match self {
            Self::SecretName => name.as_str(),
            Self::Variable(variable) => variable,
            Self::Bytes(bytes) => return bytes,
        };
        MAX_VARIABLE.saturating_sub(variable.len() + 2)
    }
}

impl Field {
    /// Whether it is the single value of its type: read from standard input without an option that says so.
    pub const fn is_value(&self) -> bool {
        self.placeholder.is_empty()
    }
}

impl Kind {
    /// The type of that GraphQL spelling.
    pub fn from_wire(wire: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.wire == wire)
    }

    /// Its field of that flag.
    pub fn field(&self, flag: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.flag == flag)
    }

    /// Whether it has a single value.
    pub fn has_value(&self) -> bool {
        self.fields.iter().any(Field::is_value)
    }

    /// Whether `--from-env` finds any of its fields.
    pub fn has_variables(&self) -> bool {
        self.fields.iter().any(|field| !field.variables.is_empty())
    }

    /// Whether a run receives it under the secret's own name, byte for byte.
    pub fn is_raw(&self) -> bool {
        self.fields.iter().any(|field| field.syntax == Syntax::Raw)
    }
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        self.flag == other.flag
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.wire == other.wire
    }
}

impl Eq for Kind {}

impl fmt::Debug for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.wire)
    }
}

/// What most fields have in common.
const FIELD: Field = Field {
    flag: "",
    placeholder: "",
    help: "",
    long_help: "",
    file: None,
    variables: &[],
    key: "",
    syntax: Syntax::Key,
    required: true,
    hidden: false,
    prompt: "",
    prompt_help: None,
    limit: Limit::Bytes(MAX_VALUE),
    prefix: "",
};

const fn file(flag: &'static str, help: &'static str) -> FileFlag {
    FileFlag {
        flag,
        short: None,
        help,
        long_help: "",
    }
}

/// The single value of a raw secret, or the key of an `api-key` command. It is never given on the command line itself:
/// `--value` asks for it.
pub const VALUE: Field = Field {
    flag: "--value",
    file: Some(FileFlag {
        short: Some('f'),
        ..file(
            "--value-file",
            "Read the value from FILE; '-' is standard input",
        )
    }),
    key: "value",
    syntax: Syntax::Raw,
    hidden: true,
    prompt: "Secret value:",
    limit: Limit::SecretName,
    ..FIELD
};

const REGION: Field = Field {
    flag: "--region",
    placeholder: "REGION",
    help: "The AWS region, such as us-east-1",
    variables: &["AWS_REGION", "AWS_DEFAULT_REGION"],
    key: "aws_region",
    syntax: Syntax::Region,
    prompt: "AWS Region:",
    limit: Limit::Variable("AWS_REGION"),
    ..FIELD
};

static ANTHROPIC: Group = Group {
    words: &["secret", "create", "anthropic"],
    alias: "claude",
    about: "Create a secret for the Claude harness",
    examples: &[(
        "an API key of Anthropic's own",
        "printf 'sk-ant-example' | oz secret create anthropic api-key CLAUDE_KEY",
    )],
};

static CODEX: Group = Group {
    words: &["secret", "create", "codex"],
    alias: "openai",
    about: "Create a secret for the Codex harness",
    examples: &[(
        "an OpenAI API key",
        "printf 'sk-example' | oz secret create codex api-key CODEX_KEY",
    )],
};

/// The type of secrets without fields: the first row.
#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
pub static RAW: &Kind = &KINDS[0];

/// In the order of the commands. The types of a group stand together.
pub static KINDS: &[Kind] = &[
    Kind {
        words: &["secret", "create"],
        group: None,
        wire: "RAW_VALUE",
        label: "Raw Value",
        fields: &[VALUE],
        about: "Create a secret",
        long_help: "\
The value is read from the file after -f, or from standard input; at a terminal you are asked
for it, and it is not shown. A raw value is stored byte for byte: 'echo' adds a newline,
'printf' does not.

Keys for agent harnesses have forms of their own, which check what they are given and set the
right type: 'anthropic' (or 'claude'), 'codex' (or 'openai') and 'docker-registry'. A raw secret
with such a name is created with 'oz secret create -- anthropic'.",
        examples: &[
            (
                "a value from standard input",
                "printf 's3cr3t' | oz secret create DB_PASSWORD",
            ),
            (
                "a file, without its final newline",
                "oz secret create BUILD_HOST -f /etc/hostname --trim-newline",
            ),
            (
                "for the whole team, with a description",
                "printf 's3cr3t' | oz secret create CI_TOKEN --team -d 'Token of the CI system'",
            ),
            (
                "in a script that may run twice",
                "printf 's3cr3t' | oz secret create DB_PASSWORD --if-exists update",
            ),
            (
                "an Anthropic API key",
                "printf 'sk-ant-example' | oz secret create anthropic api-key CLAUDE_KEY",
            ),
            (
                "a Bedrock API key, which is asked for",
                "oz secret create anthropic bedrock-api-key BEDROCK --region us-east-1",
            ),
            (
                "AWS access keys from the AWS variables",
                "oz secret create anthropic bedrock-access-key BEDROCK_AWS --from-env",
            ),
            (
                "an OpenAI API key",
                "printf 'sk-example' | oz secret create codex api-key CODEX_KEY",
            ),
            (
                "a login for a container registry, whose password is asked for",
                "oz secret create docker-registry GHCR --host ghcr.io --username octocat",
            ),
        ],
    },
    Kind {
        words: &["secret", "create", "anthropic", "api-key"],
        group: Some(&ANTHROPIC),
        wire: "ANTHROPIC_API_KEY",
        label: "Anthropic API Key",
        fields: &[Field {
            key: "api_key",
            syntax: Syntax::Key,
            limit: Limit::Variable("ANTHROPIC_API_KEY"),
            prefix: "sk-ant-",
            ..VALUE
        }],
        about: "Create a secret from an Anthropic API key",
        long_help: "\
The key is read from the file after -f, or from standard input; at a terminal you are asked for
it, and it is not shown. One final newline is dropped.",
        examples: &[
            (
                "from standard input",
                "printf 'sk-ant-example' | oz secret create anthropic api-key CLAUDE_KEY",
            ),
            (
                "typed at the prompt, for the team",
                "oz secret create anthropic api-key CLAUDE_KEY --team",
            ),
        ],
    },
    Kind {
        words: &["secret", "create", "anthropic", "bedrock-api-key"],
        group: Some(&ANTHROPIC),
        wire: "ANTHROPIC_BEDROCK_API_KEY",
        label: "Anthropic Bedrock API Key",
        fields: &[
            Field {
                flag: "--bedrock-api-key",
                placeholder: "KEY",
                help: "The Bedrock API key",
                file: Some(file(
                    "--bedrock-api-key-file",
                    "Read the Bedrock API key from FILE or '-'",
                )),
                variables: &["AWS_BEARER_TOKEN_BEDROCK"],
                key: "aws_bearer_token_bedrock",
                hidden: true,
                prompt: "Bedrock API key:",
                limit: Limit::Variable("AWS_BEARER_TOKEN_BEDROCK"),
                ..FIELD
            },
            REGION,
        ],
        about: "Create a secret from an Amazon Bedrock API key",
        long_help: "At a terminal you are asked for the fields that are not given.",
        examples: &[
            (
                "the key typed at the prompt",
                "oz secret create anthropic bedrock-api-key BEDROCK --region us-east-1",
            ),
            (
                "the key from standard input",
                "printf 'ABSKexample' | oz secret create anthropic bedrock-api-key BEDROCK \\\n      \
                 --bedrock-api-key-file - --region us-east-1",
            ),
        ],
    },
    Kind {
        words: &["secret", "create", "anthropic", "bedrock-access-key"],
        group: Some(&ANTHROPIC),
        wire: "ANTHROPIC_BEDROCK_ACCESS_KEY",
        label: "Anthropic Bedrock Access Key",
        fields: &[
            Field {
                flag: "--access-key-id",
                placeholder: "ID",
                help: "The AWS access key ID",
                file: Some(file(
                    "--access-key-id-file",
                    "Read the AWS access key ID from FILE or '-'",
                )),
                variables: &["AWS_ACCESS_KEY_ID"],
                key: "aws_access_key_id",
                prompt: "AWS Access Key ID:",
                limit: Limit::Variable("AWS_ACCESS_KEY_ID"),
                ..FIELD
            },
            Field {
                flag: "--secret-access-key",
                placeholder: "KEY",
                help: "The AWS secret access key",
                file: Some(file(
                    "--secret-access-key-file",
                    "Read the AWS secret access key from FILE or '-'",
                )),
                variables: &["AWS_SECRET_ACCESS_KEY"],
                key: "aws_secret_access_key",
                hidden: true,
                prompt: "AWS Secret Access Key:",
                limit: Limit::Variable("AWS_SECRET_ACCESS_KEY"),
                ..FIELD
            },
            Field {
                flag: "--session-token",
                placeholder: "TOKEN",
                help: "The AWS session token; optional",
                file: Some(file(
                    "--session-token-file",
                    "Read the AWS session token from FILE or '-'",
                )),
                variables: &["AWS_SESSION_TOKEN"],
                key: "aws_session_token",
                required: false,
                hidden: true,
                prompt: "AWS Session Token (optional, press Enter to skip):",
                limit: Limit::Variable("AWS_SESSION_TOKEN"),
                ..FIELD
            },
            REGION,
        ],
        about: "Create a secret from AWS access keys, for Amazon Bedrock",
        long_help: "\
At a terminal you are asked for the fields that are not given; the session token may be left
empty, and without a terminal it may be left out.",
        examples: &[
            (
                "everything from the AWS variables",
                "oz secret create anthropic bedrock-access-key BEDROCK_AWS --from-env",
            ),
            (
                "the secret key from standard input",
                "printf 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' |\n      \
                 oz secret create anthropic bedrock-access-key BEDROCK_AWS --region us-east-1 \\\n      \
                 --access-key-id AKIAIOSFODNN7EXAMPLE --secret-access-key-file -",
            ),
        ],
    },
    Kind {
        words: &["secret", "create", "codex", "api-key"],
        group: Some(&CODEX),
        wire: "OPENAI_API_KEY",
        label: "OpenAI API Key",
        fields: &[
            Field {
                key: "api_key",
                syntax: Syntax::Key,
                limit: Limit::Variable("OPENAI_API_KEY"),
                prefix: "sk-",
                ..VALUE
            },
            Field {
                flag: "--base-url",
                placeholder: "URL",
                help: "The https URL of an OpenAI endpoint; optional",
                long_help: "\
It may be http:// to this machine.
On an update, a base URL that is not given again is dropped.",
                key: "base_url",
                syntax: Syntax::BaseUrl,
                required: false,
                prompt: "OpenAI base URL (optional, press Enter to skip):",
                prompt_help: Some("e.g. https://us.api.openai.com/v1 for a regional endpoint"),
                ..FIELD
            },
        ],
        about: "Create a secret from an OpenAI API key",
        long_help: "\
The key is read from the file after -f, or from standard input; at a terminal you are asked for
it, and it is not shown, and for the base URL. One final newline is dropped.",
        examples: &[
            (
                "from standard input",
                "printf 'sk-example' | oz secret create codex api-key CODEX_KEY",
            ),
            (
                "with a regional endpoint",
                "printf 'sk-example' | oz secret create codex api-key CODEX_KEY \\\n      \
                 --base-url https://us.api.openai.com/v1",
            ),
        ],
    },
    Kind {
        words: &["secret", "create", "docker-registry"],
        group: None,
        wire: "DOCKER_REGISTRY",
        label: "Docker Registry",
        fields: &[
            Field {
                flag: "--host",
                placeholder: "HOST",
                help: "The registry's host, such as ghcr.io",
                long_help: "With a port if it needs one, without scheme and path.",
                key: "registry_host",
                syntax: Syntax::Host,
                prompt: "Registry host:",
                ..FIELD
            },
            Field {
                flag: "--username",
                placeholder: "USER",
                help: "The user name at the registry",
                key: "username",
                syntax: Syntax::Word,
                prompt: "Username:",
                ..FIELD
            },
            Field {
                flag: "--password",
                placeholder: "PASS",
                help: "The password or token at the registry",
                file: Some(FileFlag {
                    long_help: "\
It may have many lines, as a JSON key file has. One final newline is dropped.",
                    ..file("--password-file", "Read the password from FILE or '-'")
                }),
                key: "password",
                syntax: Syntax::Text,
                hidden: true,
                prompt: "Password:",
                // Never exported as a variable; the largest in use, the key file of a service account, is below 3 KiB.
                limit: Limit::Bytes(1024 * 1024),
                ..FIELD
            },
        ],
        about: "Create a secret from the login of a container registry",
        long_help: "At a terminal you are asked for the fields that are not given.",
        examples: &[
            (
                "the password typed at the prompt",
                "oz secret create docker-registry GHCR --host ghcr.io --username octocat",
            ),
            (
                "the password from standard input",
                "printf 's3cr3t' | oz secret create docker-registry GHCR \\\n      \
                 --host ghcr.io --username octocat --password-file -",
            ),
            (
                "the key file of a Google service account",
                "oz secret create docker-registry GAR --host us-docker.pkg.dev \\\n      \
                 --username _json_key --password-file key.json",
            ),
        ],
    },
    #[cfg(test)]
    tests::SEVENTH,
];

/// Every field once, where the last of the types that have it puts it.
pub static FIELDS: [&Field; FIELD_ROWS.length] = FIELD_ROWS.to_array();

const FIELD_ROWS: Rows<&Field> = {
    let mut rows = Rows::new(&VALUE);
    let mut kinds = KINDS;
    while let [kind, later @ ..] = kinds {
        let mut fields = kind.fields;
        while let [field, rest @ ..] = fields {
            if !have(later, field) {
                rows.push(field);
            }
            fields = rest;
        }
        kinds = later;
    }
    rows
};

const fn have(mut kinds: &[Kind], field: &Field) -> bool {
    while let [kind, later @ ..] = kinds {
        let mut fields = kind.fields;
        while let [one, rest @ ..] = fields {
            if same(one.flag, field.flag) {
                return true;
            }
            fields = rest;
        }
        kinds = later;
    }
    false
}

/// Whether two words are equal, for what is computed when the program is compiled.
pub const fn same(one: &str, two: &str) -> bool {
    let (mut one, mut two) = (one.as_bytes(), two.as_bytes());
    while let ([a, one_rest @ ..], [b, two_rest @ ..]) = (one, two)
        && *a == *b
    {
        (one, two) = (one_rest, two_rest);
    }
    one.is_empty() && two.is_empty()
}

/// A table that is made when the program is compiled, and so costs a run nothing.
pub struct Rows<T> {
    rows: [T; 64],
    pub length: usize,
}

#[allow(
    clippy::indexing_slicing,
    reason = "runs in the compiler, which refuses an index out of bounds"
)]
impl<T: Copy> Rows<T> {
    /// No rows yet; `blank` stands in the places of those to come.
    pub const fn new(blank: T) -> Self {
        Self {
            rows: [blank; 64],
            length: 0,
        }
    }

    pub const fn push(&mut self, row: T) {
        self.rows[self.length] = row;
        self.length += 1;
    }

    pub const fn extend(&mut self, mut rows: &[T]) {
        while let [row, rest @ ..] = rows {
            self.push(*row);
            rows = rest;
        }
    }

    /// The rows; `N` is [`Rows::length`].
    pub const fn to_array<const N: usize>(&self) -> [T; N] {
        match self.rows.first_chunk() {
            Some(rows) => *rows,
            None => [self.rows[0]; N],
        }
    }
}

#[cfg(test)]
mod tests;
