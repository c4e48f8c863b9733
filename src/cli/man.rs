//! Owns the manual page.
