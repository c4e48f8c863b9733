//! The bodies of the fuzz targets. They are modules of the crate, because what they call is private.

#![allow(missing_docs)]

pub mod address;
pub mod argv;
pub mod http;
pub mod import;
pub mod json;
pub mod keyset;
pub mod line;
pub mod reply;
pub mod text;
pub mod time;
pub mod value;

#[cfg(test)]
mod tests;
