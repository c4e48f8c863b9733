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

// What they stand on.
mod server;
mod support;

// The tour that a newcomer sees first.
mod demo;

// The server itself: does it accept what the service accepts, refuse the rest, and misbehave as told?
mod server_self;

// Clients that are not ours: does the server serve them, too?
mod peers;

// The command line: usage errors, help, completions in real shells.
mod completions;
mod help;
mod usage;

// Values, names, keys, files and addresses that are refused before anything is sent.
mod bad_input;

// What none of it gives away, and what is left of it in memory.
mod leak;
mod memory;

// What both HTTP clients have in common, and the fences around the published one.
mod core;
mod minreq;

// The verbs as a user meets them.
mod create;
mod delete;
mod list;
mod prompts;
mod scope;
mod sealing;
mod typed;
mod update;

// Hostile peers.
mod deadline;
mod dns;
mod graphql;
mod http;
mod limits;
mod outcome;
mod proxy;
mod tls;
mod webservers;

// The program as a process, as a file and as a tree of sources; and what the README promises.
mod artefact;
mod process;
mod readme;
mod structure;
mod supply_chain;
