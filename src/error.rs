//! The app's one error: what went wrong in a sentence, what to do, and the exit code.
//!
//! Library errors keep their own types; here, at the edge, they become words for a person.

use std::fmt;

/// Whose affair a failure is. Decides exit code and tone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The command line was wrong: exit 2.
    Usage,
    /// Something the person can mend: exit 1.
    User,
    /// The config file: exit 1.
    Config,
    /// The ledger or the kernel: exit 1.
    Kernel,
    /// The record is not what was written: exit 13.
    Integrity,
    /// The gate or a person said no: exit 11.
    Refused,
    /// A budget is spent: exit 12.
    Budget,
    /// A person must decide: exit 10.
    Held,
    /// A person stopped it: exit 130.
    Interrupted,
    /// Our mistake: exit 1.
    Internal,
}

/// A failure as a person reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppError {
    /// Whose affair it is.
    pub kind: ErrorKind,
    /// One sentence, lower case, without a full stop.
    pub message: String,
    /// Things one can do now.
    pub hints: Vec<String>,
}

impl AppError {
    /// A failure without a hint.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hints: Vec::new(),
        }
    }

    /// Adds something one can do now.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// What went wrong, as a full sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        // An id stays as it is typed.
        let word = self.message.split(' ').next().unwrap_or_default();
        if word.len() >= 8 && word.chars().all(|c| c.is_ascii_hexdigit()) {
            return format!("{}.", self.message);
        }
        let mut letters = self.message.chars();
        let first: String = letters
            .next()
            .map(|c| c.to_uppercase().collect())
            .unwrap_or_default();
        format!("{first}{}.", letters.as_str())
    }

    /// The process's exit code (terminal.md 14).
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self.kind {
            ErrorKind::User | ErrorKind::Config | ErrorKind::Kernel | ErrorKind::Internal => 1,
            ErrorKind::Usage => 2,
            ErrorKind::Held => 10,
            ErrorKind::Refused => 11,
            ErrorKind::Budget => 12,
            ErrorKind::Integrity => 13,
            ErrorKind::Interrupted => 130,
        }
    }
}

impl fmt::Display for AppError {
    /// A full sentence, with its hints below.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence())?;
        for hint in &self.hints {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for AppError {}

#[cfg(test)]
mod tests {
    use super::{AppError, ErrorKind};

    #[test]
    fn a_sentence_begins_large_and_an_id_stays_as_it_is_typed() {
        let said = |message: &str| AppError::new(ErrorKind::User, message).sentence();
        assert_eq!(said("no such file"), "No such file.");
        assert_eq!(said("abcdef12 is over"), "abcdef12 is over.");
        assert_eq!(said("dead ends"), "Dead ends.");
    }
}
