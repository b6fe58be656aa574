//! The program's own bundles: the rules that always stand, and the one that closes the gate. Nobody
//! signs them; their names are taken.

use crate::bundle::Bundle;

const BUILTIN: &str = include_str!("builtin.json");
const CLOSING: &str = include_str!("closed.json");

/// The name of the bundle that forbids everything.
pub const CLOSED: &str = "closed";

/// Names that no bundle of the operator may have.
pub const NAMES: [&str; 2] = ["builtin", CLOSED];

/// The rules that stand whatever the operator adds.
#[must_use]
pub fn builtin() -> Bundle {
    part_of_the_program(BUILTIN)
}

/// Forbids everything: in force while the operator's own rules cannot be known.
#[must_use]
pub fn closed() -> Bundle {
    part_of_the_program(CLOSING)
}

#[expect(
    clippy::expect_used,
    reason = "the file is part of the program, and a test reads it"
)]
fn part_of_the_program(text: &str) -> Bundle {
    Bundle::parse(text.as_bytes()).expect("the program's own bundles are valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_own_bundles_are_valid_and_have_their_names() {
        assert_eq!(NAMES, [builtin().name(), closed().name()]);
    }
}
