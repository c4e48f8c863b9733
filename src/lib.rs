//! The map of `oz`.

#![forbid(unsafe_code)]

pub mod api;
pub mod base64;
pub mod cli;
pub mod command;
pub mod env;
pub mod error;
pub mod json;
pub mod net;
pub mod outcome;
pub mod output;
pub mod seal;
pub mod secret;
pub mod text;
pub mod time;
pub mod trace;
pub mod value;
pub mod verb;
