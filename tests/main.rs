//! The black-box tests: one binary, so that they link once. They run the release binary; a few also read the library, to
//! compare the README and the help with its tables.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::too_many_lines,
    clippy::unreachable,
    clippy::unwrap_used
)]

mod server;
mod support;

// The command line: usage errors, help, completions in real shells, prompts, and input that is rejected before anything is
// sent.
#[path = "cli/bad_input.rs"]
mod bad_input;
#[path = "cli/completed_names.rs"]
mod completed_names;
#[path = "cli/completions.rs"]
mod completions;
#[path = "cli/elsewhere.rs"]
mod elsewhere;
#[path = "cli/help.rs"]
mod help;
#[path = "cli/prompts.rs"]
mod prompts;
#[path = "cli/terminal.rs"]
mod terminal;
#[path = "cli/usage.rs"]
mod usage;

// The verbs, and the outcome of a write whose answer is wrong or lost. `both_transports` holds the tests that `oz` has to
// pass with either HTTP client.
#[path = "verbs/both_transports.rs"]
mod both_transports;
#[path = "verbs/create.rs"]
mod create;
#[path = "verbs/delete.rs"]
mod delete;
#[path = "verbs/import.rs"]
mod import;
#[path = "verbs/list.rs"]
mod list;
#[path = "verbs/notes.rs"]
mod notes;
#[path = "verbs/outcome.rs"]
mod outcome;
#[path = "verbs/scope.rs"]
mod scope;
#[path = "verbs/sealing.rs"]
mod sealing;
#[path = "verbs/typed.rs"]
mod typed;
#[path = "verbs/update.rs"]
mod update;
#[path = "verbs/whoami.rs"]
mod whoami;

// Servers, proxies and name resolution, mostly misbehaving, and the limits of the build with minreq.
#[path = "network/deadline.rs"]
mod deadline;
#[path = "network/dns.rs"]
mod dns;
#[path = "network/graphql.rs"]
mod graphql;
#[path = "network/http.rs"]
mod http;
#[path = "network/limits.rs"]
mod limits;
#[path = "network/minreq.rs"]
mod minreq;
#[path = "network/post_quantum.rs"]
mod post_quantum;
#[path = "network/proxy.rs"]
mod proxy;
#[path = "network/tls.rs"]
mod tls;
#[path = "network/webservers.rs"]
mod webservers;

// The process, the binary, the structure of the sources, leaks, memory, the README, the demo, and the local server itself.
#[path = "meta/artefact.rs"]
mod artefact;
#[path = "meta/demo.rs"]
mod demo;
#[path = "meta/leak.rs"]
mod leak;
#[path = "meta/memory.rs"]
mod memory;
#[path = "meta/peers.rs"]
mod peers;
#[path = "meta/process.rs"]
mod process;
#[path = "meta/readme.rs"]
mod readme;
#[path = "meta/release.rs"]
mod release;
#[path = "meta/server_self.rs"]
mod server_self;
#[path = "meta/structure.rs"]
mod structure;
#[path = "meta/supply_chain.rs"]
mod supply_chain;
