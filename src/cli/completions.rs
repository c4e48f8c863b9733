//! Owns the completion scripts.

/// The script of a shell, by its word in [`super::table::SHELLS`].
#[must_use]
pub fn script(_shell: &str) -> Option<String> {
    None
}
