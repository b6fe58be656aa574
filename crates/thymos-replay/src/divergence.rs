//! A record that contradicts itself, located. Wording only.

use std::fmt;

/// What the fold of an entry found wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Divergence {
    /// Which check, such as `delta precondition`.
    pub check: &'static str,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
}

impl Divergence {
    pub(crate) fn new(
        check: &'static str,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self {
            check,
            expected: expected.into(),
            found: found.into(),
        }
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: expected {}, found {}",
            self.check, self.expected, self.found
        )
    }
}

impl std::error::Error for Divergence {}
