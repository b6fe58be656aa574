//! Examples of a rule: calls written down with what the rule must say of them `[P2]`.
//!
//! An example holds values for fields, and a field that it leaves out is missing, as in a call.

use std::borrow::Cow;

use serde_json::{Map, Value};
use thymos_core::trace::Ruling;

use crate::bundle::{Rule, ruling};
use crate::doc::{Complaint, Node, Step, locate};
use crate::fault::BundleFault;
use crate::field::{Field, Type, Val, words};
use crate::when::{Source, known_field, scalar};

#[derive(Debug, Clone)]
pub(crate) struct Example {
    number: usize,
    with: Map<String, Value>,
    says: Option<Ruling>,
    path: Vec<Step>,
}

/// What became of one example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleRun {
    /// The rule's id.
    pub rule: String,
    /// Which example of the rule, from 1.
    pub number: usize,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// What it expects: `permit`, `ask`, `forbid` or `nothing`.
    pub expected: String,
    /// What the rule says.
    pub found: String,
}

impl ExampleRun {
    /// Whether the rule says what is expected.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.expected == self.found
    }
}

impl Example {
    pub(crate) fn parse(node: &Node<'_>, number: usize) -> Result<Self, Complaint> {
        node.only(&["with", "says"])?;
        let with = node.need("with")?;
        for name in with.object()?.keys() {
            let Some(value) = with.get(name) else {
                continue;
            };
            let field = known_field(&value, name)?;
            if sample(&field, value.value).is_none() {
                return Err(value.wrong(&format!("a value of `{name}`")));
            }
        }
        let says = node.need("says")?;
        Ok(Self {
            number,
            with: with.object()?.clone(),
            says: match says.value.as_str() {
                Some("nothing") => None,
                _ => Some(ruling(&says).map_err(|_| says.wrong("permit, ask, forbid or nothing"))?),
            },
            path: node.path.clone(),
        })
    }
}

/// An example's values, read like a call's.
struct Sample<'m>(&'m Map<String, Value>);

impl Source for Sample<'_> {
    fn read<'s>(&'s self, field: &Field) -> Option<Val<'s>> {
        sample(field, self.0.get(field.name().as_ref())?)
    }
}

fn sample<'v>(field: &Field, value: &'v Value) -> Option<Val<'v>> {
    let kind = field.kind();
    match kind {
        Type::Json => Some(Val::Json(value)),
        Type::Bool => value.as_bool().map(Val::Bool),
        Type::Int => value.as_i64().map(Val::Int),
        Type::Text | Type::Mode | Type::Author => {
            value.as_str().map(|text| Val::Text(Cow::Borrowed(text)))
        }
        Type::List => {
            let items: Option<Vec<_>> = value
                .as_array()?
                .iter()
                .map(|item| item.as_str().map(Cow::Borrowed))
                .collect();
            items.map(|items| Val::List(items.into()))
        }
        Type::Effect | Type::Risk | Type::Rung => {
            let rank = scalar(kind, &Node::root(value))?.as_i64()?;
            let word = words(kind)
                .into_iter()
                .find(|w| Some(*w) == value.as_str())?;
            Some(Val::Rank(rank, word))
        }
    }
}

impl Example {
    /// Asks the rule; `text` is what was read, for the position.
    pub(crate) fn run(&self, rule: &Rule, text: &str) -> ExampleRun {
        let (line, column) = locate(text, &self.path);
        ExampleRun {
            rule: rule.id().to_owned(),
            number: self.number,
            line,
            column,
            expected: told(&Ok(self.says)),
            found: told(&rule.says(&Sample(&self.with))),
        }
    }

    /// The complaint when the rule says something else.
    pub(crate) fn check(&self, rule: &Rule) -> Result<(), Complaint> {
        let found = rule.says(&Sample(&self.with));
        if found == Ok(self.says) {
            return Ok(());
        }
        Err(Complaint {
            path: self.path.clone(),
            fault: BundleFault::Example {
                number: self.number,
                expected: told(&Ok(self.says)),
                found: told(&found),
            },
            hint: Some("correct the rule, or the example, whichever is wrong".to_owned()),
        })
    }
}

pub(crate) fn told(says: &Result<Option<Ruling>, String>) -> String {
    match says {
        Ok(Some(Ruling::Permit)) => "permit".to_owned(),
        Ok(Some(Ruling::Ask)) => "ask".to_owned(),
        Ok(Some(Ruling::Forbid)) => "forbid".to_owned(),
        Ok(None) => "nothing".to_owned(),
        Err(error) => format!("forbid, since {error}"),
    }
}
