//! The filter language of the ledger: `kind:commit tool:fs_* -effect:read text:word`.
//!
//! A space means and, a comma means or, a leading `-` means not. Pure: it judges told events and
//! nothing else, so it cannot see what an event does not tell (a body's raw fields).

use std::fmt;

use thymos_core::Timestamp;
use thymos_core::entry::EntryHeader;
use thymos_protocol::Event;

mod parse;
mod pattern;
mod term;
mod time;

use term::Term;

/// Characters of a filter. A longer one is refused.
pub const FILTER_CHARS_MAX: usize = 4096;

/// Every field and what it looks at, for help and completion.
pub const FIELDS: &[(&str, &str)] = &[
    (
        "kind",
        "the kind of entry: commit, rejection, pending_approval",
    ),
    ("tool", "the tool's name"),
    (
        "effect",
        "pure, read, write, external or irreversible; `>=write` compares",
    ),
    (
        "verdict",
        "staged, held, approved, denied, rejected, committed, failed, settled, superseded",
    ),
    ("by", "who: model, operator, human, timer, or a name"),
    ("run", "the start of a trajectory's id; `*` is every run"),
    ("path", "a file that changed or stands in the call"),
    ("rule", "the rule or clause that spoke"),
    ("writ", "the start of a writ's id"),
    ("since", "a date, a time or an age: 2026-11-22, 2h"),
    ("until", "a date, a time or an age"),
    ("seq", "a number or a range: 4100..4200, >4100"),
    ("cost", "US dollars, or time: >0.10, <=250ms, 1s..5s"),
    (
        "text",
        "words anywhere in the event; a bare word means the same",
    ),
    ("re", "a regular expression over the same text"),
];

/// A parsed filter. The empty one lets everything through.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// All of them must hold.
    clauses: Vec<Clause>,
}

/// Several terms joined by commas, perhaps negated.
#[derive(Debug, Clone)]
struct Clause {
    negated: bool,
    any: Vec<Term>,
}

/// What is wrong with a filter, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterError {
    /// The offending character's column, from 1.
    pub column: usize,
    /// What is wrong.
    pub fault: FilterFault,
    /// What to write instead, if there is a guess.
    pub hint: Option<String>,
}

/// Kinds of fault in a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterFault {
    /// No field of that name.
    UnknownField(String),
    /// The field takes other words.
    UnknownWord {
        /// The field.
        field: &'static str,
        /// What was written.
        word: String,
    },
    /// Nothing stands where a value must.
    NoValue,
    /// A quote is never closed.
    OpenQuote,
    /// Not a number or a range of numbers.
    NotANumber(String),
    /// Not an amount of money or time.
    NotACost(String),
    /// Not a date, a time or an age.
    NotATime(String),
    /// Not the start of an id.
    NotAnId(String),
    /// Not a regular expression; why.
    NotAPattern(String),
    /// Longer than [`FILTER_CHARS_MAX`].
    TooLong,
}

impl fmt::Display for FilterFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownField(name) => write!(f, "unknown field `{name}`"),
            Self::UnknownWord { field, word } => write!(f, "`{field}` knows no `{word}`"),
            Self::NoValue => f.write_str("a value is missing"),
            Self::OpenQuote => f.write_str("a quote is not closed"),
            Self::NotANumber(text) => write!(f, "`{text}` is neither a number nor a range"),
            Self::NotACost(text) => write!(f, "`{text}` is neither money nor a time span"),
            Self::NotATime(text) => write!(f, "`{text}` is neither a date nor an age"),
            Self::NotAnId(text) => write!(f, "`{text}` is not the start of an id"),
            Self::NotAPattern(why) => write!(f, "not a regular expression: {why}"),
            Self::TooLong => write!(f, "longer than {FILTER_CHARS_MAX} characters"),
        }
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "filter column {}: {}", self.column, self.fault)
    }
}

impl std::error::Error for FilterError {}

impl Filter {
    /// Reads a filter. `now` gives ages such as `2h` their meaning.
    ///
    /// # Errors
    /// [`FilterError`] with the column and, where there is a guess, a hint.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, FilterError> {
        let clauses = parse::clauses(text, now)?;
        Ok(Self { clauses })
    }

    /// Whether the event passes.
    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        self.clauses.iter().all(|clause| {
            let any = clause.any.iter().any(|term| term.holds(event));
            any != clause.negated
        })
    }

    /// Whether an entry with this header may pass: `false` says that it does not, whatever its body is.
    /// Most of a long record is passed over by it without being read.
    #[must_use]
    pub fn may_let_through(&self, header: &EntryHeader) -> bool {
        self.clauses.iter().all(|clause| {
            let mut any = Some(false);
            for term in &clause.any {
                any = match (any, term.holds_for_header(header)) {
                    (Some(true), _) | (_, Some(true)) => Some(true),
                    (Some(false), Some(false)) => Some(false),
                    _ => None,
                };
            }
            any.is_none_or(|any| any != clause.negated)
        })
    }

    /// Whether it says of which runs entries are to be.
    #[must_use]
    pub fn names_runs(&self) -> bool {
        let mut terms = self.clauses.iter().flat_map(|clause| &clause.any);
        terms.any(|term| matches!(term, Term::Run(_)))
    }

    /// Whether everything passes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.clauses.is_empty()
    }
}

#[cfg(test)]
mod tests;
