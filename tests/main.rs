//! The black-box tests: one binary, so that they link once. They drive the real program; the few that compare what
//! is written twice (README, table of options) read the library for the other half.

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

// The command line: usage errors, help, completions in real shells, prompts, and values, names, keys, files and addresses
// that are refused before anything is sent.
#[path = "cli/bad_input.rs"]
mod bad_input;
#[path = "cli/completions.rs"]
mod completions;
#[path = "cli/help.rs"]
mod help;
#[path = "cli/prompts.rs"]
mod prompts;
#[path = "cli/usage.rs"]
mod usage;

// The verbs, and what was done on the server when a write is answered badly or not at all. `core` holds what both HTTP
// clients have in common.
#[path = "verbs/core.rs"]
mod core;
#[path = "verbs/create.rs"]
mod create;
#[path = "verbs/delete.rs"]
mod delete;
#[path = "verbs/list.rs"]
mod list;
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

// Servers, proxies and names, most of them hostile, and the limits of the published HTTP client.
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
#[path = "network/proxy.rs"]
mod proxy;
#[path = "network/tls.rs"]
mod tls;
#[path = "network/webservers.rs"]
mod webservers;

// The program as a process, as a file and as a tree of sources; what it gives away and leaves in memory; what the README
// promises; and the local server itself.
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
#[path = "meta/server_self.rs"]
mod server_self;
#[path = "meta/structure.rs"]
mod structure;
#[path = "meta/supply_chain.rs"]
mod supply_chain;
