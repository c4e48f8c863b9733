//! The black-box tests: one binary, so that they link once. They drive the real program and know nothing of its
//! library.

// What they stand on.
mod server;
mod support;

// The tour that a newcomer sees first.
mod demo;

// The server itself: does it accept what the service accepts, refuse the rest, and misbehave as told?
mod server_self;

// Clients that are not ours: does the server serve them, too?
mod peers;
