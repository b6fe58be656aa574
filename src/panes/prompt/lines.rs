//! Lines that were entered before, each found again where the same is asked for.

use std::mem::{Discriminant, discriminant};

use super::Purpose;

/// Lines that are kept; the oldest are dropped.
const LINES_MAX: usize = 200;

/// What was entered, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Lines(Vec<(Discriminant<Purpose>, String)>);

impl Lines {
    /// Keeps a line. One that proves that somebody looked is never offered again.
    pub fn keep(&mut self, purpose: &Purpose, text: &str) {
        let of = discriminant(purpose);
        if text.trim().is_empty() || matches!(purpose, Purpose::TypeBack { .. }) {
            return;
        }
        self.0.retain(|(kind, line)| *kind != of || line != text);
        self.0.push((of, text.to_owned()));
        if self.0.len() > LINES_MAX {
            self.0.remove(0);
        }
    }

    /// What was entered for the same, newest first.
    pub fn of(&self, purpose: &Purpose) -> impl Iterator<Item = &str> {
        let of = discriminant(purpose);
        let own = self.0.iter().rev().filter(move |(kind, _)| *kind == of);
        own.map(|(_, line)| line.as_str())
    }
}
