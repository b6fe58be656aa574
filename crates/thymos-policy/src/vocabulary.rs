//! The words that a bundle may use, for documentation and for people: fields and operators `[P2]`.

use crate::field::{Field, Type};
use crate::when::{OPS, Op, takes};

/// A word and what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// As it is written.
    pub name: &'static str,
    /// For a field what it holds, for an operator what it does.
    pub means: &'static str,
}

/// Every field. `args.` and `world.` go on with a name.
#[must_use]
pub fn fields() -> Vec<Word> {
    let open = [
        Word {
            name: "args.<name>",
            means: "any value",
        },
        Word {
            name: "world.<resource>",
            means: "a whole number: its version",
        },
    ];
    let fixed = Field::table().map(|(name, kind)| Word {
        name,
        means: match kind {
            Type::List => "a list of text",
            Type::Text
            | Type::Int
            | Type::Bool
            | Type::Effect
            | Type::Risk
            | Type::Rung
            | Type::Mode
            | Type::Author
            | Type::Json => takes(kind),
        },
    });
    fixed.chain(open).collect()
}

/// Every operator.
#[must_use]
pub fn operators() -> Vec<Word> {
    let word = |(name, op): &(&'static str, Op)| Word {
        name,
        means: means(*op),
    };
    OPS.iter().map(word).collect()
}

const fn means(op: Op) -> &'static str {
    match op {
        Op::Eq => "is exactly the value",
        Op::Ne => "is anything else",
        Op::Gt => "is greater; effect, risk and rung have an order",
        Op::Gte => "is greater or the same",
        Op::Lt => "is less",
        Op::Lte => "is less or the same",
        Op::In => "is one of the values; a list: each of its items is, and there is one (`of`)",
        Op::Contains => "text: holds the value; a list: has it as an item",
        Op::StartsWith => "text begins with the value; a list begins with these items",
        Op::Under => "a path lies in the folder; a list: as with `in`",
        Op::HostIn => "a host is among these or below `*.suffix`; a list: as with `in`",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page and the code name the same words.
    #[test]
    fn p2_the_specification_lists_every_field_and_operator() {
        let page = include_str!("../../../docs/spec/policy.md");
        let rows: Vec<&str> = page
            .lines()
            .filter(|line| line.starts_with("| `"))
            .collect();
        let words = fields().into_iter().chain(operators());
        let expected: Vec<String> = words
            .map(|word| format!("| `{}` | {} |", word.name, word.means))
            .collect();
        assert_eq!(rows, expected, "{}", expected.join("\n"));
    }
}
