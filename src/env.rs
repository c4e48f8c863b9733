//! The environment as an argument, so that nothing below `main` reads the process's own.

use std::ffi::OsString;

type Lookup = dyn Fn(&str) -> Option<OsString>;

/// A way to look up one variable.
pub struct Environment(Box<Lookup>);

impl Environment {
    /// `lookup` returns the value of the variable with a given name.
    pub fn new(lookup: impl Fn(&str) -> Option<OsString> + 'static) -> Self {
        Self(Box::new(lookup))
    }

    /// A variable as it is, empty or not UTF-8 included.
    pub fn raw(&self, name: &str) -> Option<OsString> {
        (self.0)(name)
    }

    /// A variable that is set to something: CI systems export an empty text for a secret they do not have.
    pub fn filled(&self, name: &str) -> Option<OsString> {
        self.raw(name).filter(|value| !value.is_empty())
    }
}
