//! Conditions: three-valued logic over typed fields `[P2]`. Decides whether a rule applies, not what
//! it then rules.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use crate::doc::{Complaint, Node, Step, nearest};
use crate::fault::BundleFault;
use crate::field::{Field, Lists, Type, Val, rank, words};
use crate::input::{Form, PolicyInput};
use crate::matching::{host_matches, under};

/// A condition tree.
#[derive(Clone)]
pub(crate) enum When {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Leaf(Leaf),
}

#[derive(Clone)]
pub(crate) struct Leaf {
    field: Field,
    /// The field as it is written; shared, so that a missing value is told without a copy.
    name: Arc<str>,
    op: Op,
    want: Value,
    /// Whether one item of a list is enough.
    any: bool,
    /// Where the operand stands.
    at: Vec<Step>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Eq,
    Ne,
    Gt,
    Gte,
    Lt,
    Lte,
    In,
    Contains,
    StartsWith,
    Under,
    HostIn,
}

pub(crate) const OPS: [(&str, Op); 11] = [
    ("eq", Op::Eq),
    ("ne", Op::Ne),
    ("gt", Op::Gt),
    ("gte", Op::Gte),
    ("lt", Op::Lt),
    ("lte", Op::Lte),
    ("in", Op::In),
    ("contains", Op::Contains),
    ("starts_with", Op::StartsWith),
    ("under", Op::Under),
    ("host_in", Op::HostIn),
];

/// What a condition came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Truth {
    True,
    False,
    /// It turns on a value that this call does not have: the field's name.
    Missing(Arc<str>),
    /// It could not be evaluated: one sentence.
    Error(String),
}

/// Where a condition reads its values.
pub(crate) trait Source {
    fn read<'s>(&'s self, field: &Field) -> Option<Val<'s>>;
}

/// A call, in one of its two forms.
pub(crate) struct Call<'i, 'a> {
    pub(crate) input: &'i PolicyInput<'a>,
    pub(crate) form: Form,
    pub(crate) lists: &'i Lists<'a>,
}

impl Source for Call<'_, '_> {
    fn read<'s>(&'s self, field: &Field) -> Option<Val<'s>> {
        field.read_once(self.input, self.form, self.lists)
    }
}

impl When {
    pub(crate) fn parse(node: &Node<'_>) -> Result<Self, Complaint> {
        if let Some(all) = node.get("all") {
            node.only(&["all"])?;
            return Self::parse_list(&all).map(Self::All);
        }
        if let Some(any) = node.get("any") {
            node.only(&["any"])?;
            return Self::parse_list(&any).map(Self::Any);
        }
        if let Some(not) = node.get("not") {
            node.only(&["not"])?;
            return Ok(Self::Not(Box::new(Self::parse(&not)?)));
        }
        Leaf::parse(node).map(Self::Leaf)
    }

    fn parse_list(node: &Node<'_>) -> Result<Vec<Self>, Complaint> {
        node.list()?.iter().map(Self::parse).collect()
    }

    /// Kleene logic: a missing value matters only where the answer turns on it.
    pub(crate) fn eval(&self, source: &dyn Source) -> Truth {
        match self {
            Self::All(parts) => fold(parts, source, &Truth::False, Truth::True),
            Self::Any(parts) => fold(parts, source, &Truth::True, Truth::False),
            Self::Not(part) => match part.eval(source) {
                Truth::True => Truth::False,
                Truth::False => Truth::True,
                open @ (Truth::Missing(_) | Truth::Error(_)) => open,
            },
            Self::Leaf(leaf) => leaf.eval(source),
        }
    }

    /// Calls `visit` for every field, in order of writing.
    pub(crate) fn fields(&self, visit: &mut dyn FnMut(&Field)) {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                for part in parts {
                    part.fields(visit);
                }
            }
            Self::Not(part) => part.fields(visit),
            Self::Leaf(leaf) => visit(&leaf.field),
        }
    }
}

impl When {
    /// Complains about a tool that is not among these.
    pub(crate) fn check_tools(&self, known: &[&str]) -> Result<(), Complaint> {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().try_for_each(|part| part.check_tools(known))
            }
            Self::Not(part) => part.check_tools(known),
            Self::Leaf(leaf) => leaf.check_tools(known),
        }
    }
}

/// The decisive truth ends it, and so does an error before it; a missing value waits for either.
fn fold(parts: &[When], source: &dyn Source, decisive: &Truth, otherwise: Truth) -> Truth {
    let mut result = otherwise;
    for part in parts {
        let truth = part.eval(source);
        if truth == *decisive || matches!(truth, Truth::Error(_)) {
            return truth;
        }
        if matches!(truth, Truth::Missing(_)) {
            result = truth;
        }
    }
    result
}

impl Leaf {
    fn parse(node: &Node<'_>) -> Result<Self, Complaint> {
        node.only(&["field", "op", "value", "of"])?;
        let name = node.need("field")?;
        let field = known_field(&name, name.text()?)?;
        let word = node.need("op")?;
        let op = OPS
            .iter()
            .find(|(known, _)| Some(*known) == word.value.as_str())
            .map(|(_, op)| *op)
            .ok_or_else(|| Complaint {
                hint: nearest(
                    word.value.as_str().unwrap_or(""),
                    OPS.iter().map(|(name, _)| *name),
                )
                .or_else(|| {
                    Some(format!(
                        "operators are {}",
                        OPS.map(|(name, _)| name).join(" ")
                    ))
                }),
                ..word.blame(BundleFault::UnknownOperator(
                    word.value.as_str().unwrap_or("").to_owned(),
                ))
            })?;
        let operand = node.need("value")?;
        let want = typed(&field, op, &operand)?;
        let any = quantifier(&field, op, node)?;
        let name = field.name().into();
        Ok(Self {
            field,
            name,
            op,
            want,
            any,
            at: operand.path,
        })
    }

    fn check_tools(&self, known: &[&str]) -> Result<(), Complaint> {
        if self.field.name() != "intent.tool" {
            return Ok(());
        }
        let one = std::slice::from_ref(&self.want);
        let wanted = self.want.as_array().map_or(one, Vec::as_slice);
        let starts = self.op == Op::StartsWith;
        let fits = |name: &str| {
            known
                .iter()
                .any(|tool| *tool == name || starts && tool.starts_with(name))
        };
        let compared = matches!(self.op, Op::Eq | Op::Ne | Op::In | Op::StartsWith);
        let mut names = wanted.iter().filter_map(Value::as_str);
        match names.find(|name| compared && !fits(name)) {
            None => Ok(()),
            Some(name) => Err(Complaint {
                path: self.at.clone(),
                fault: BundleFault::UnknownTool(name.to_owned()),
                hint: nearest(name, known.iter().copied())
                    .or_else(|| Some(format!("tools are {}", known.join(" ")))),
            }),
        }
    }

    fn eval(&self, source: &dyn Source) -> Truth {
        let Some(value) = source.read(&self.field) else {
            return Truth::Missing(Arc::clone(&self.name));
        };
        match holds(self, &value) {
            Some(true) => Truth::True,
            Some(false) => Truth::False,
            None => Truth::Error(format!(
                "`{}` holds a value that `{}` cannot compare",
                self.field.name(),
                op_word(self.op)
            )),
        }
    }
}

/// The field of this name, or a complaint at `node` with the nearest one.
pub(crate) fn known_field(node: &Node<'_>, name: &str) -> Result<Field, Complaint> {
    Field::parse(name).ok_or_else(|| Complaint {
        hint: nearest(name, Field::names()).or_else(|| {
            Some("paths begin with intent, args, resolved, writ, budget, world or session".into())
        }),
        ..node.blame(BundleFault::UnknownField(name.to_owned()))
    })
}

/// Checks the operand against operator and field, and turns ordered words into their ranks.
fn typed(field: &Field, op: Op, node: &Node<'_>) -> Result<Value, Complaint> {
    let kind = field.kind();
    let fits = |what: &str| Complaint {
        hint: Some(format!(
            "`{}` with `{}` takes {what}",
            field.name(),
            op_word(op)
        )),
        ..node.wrong(what)
    };
    match op {
        Op::Under => return text_field(kind, node).ok_or_else(|| fits("a folder as text")),
        Op::HostIn => {
            let texts = node.list()?.iter().all(|item| item.value.is_string());
            return (texts && matches!(kind, Type::Text | Type::List | Type::Json))
                .then(|| node.value.clone())
                .ok_or_else(|| fits("a list of hosts"));
        }
        Op::In => {
            let items: Result<Vec<Value>, Complaint> = node
                .list()?
                .iter()
                .map(|item| scalar(kind, item).ok_or_else(|| fits(takes(kind))))
                .collect();
            return items.map(Value::Array);
        }
        Op::Contains => {
            let fine = matches!(kind, Type::Text | Type::List) && node.value.is_string()
                || kind == Type::Json;
            return fine.then(|| node.value.clone()).ok_or_else(|| fits("text"));
        }
        Op::StartsWith => {
            let fine = match kind {
                Type::Text => node.value.is_string(),
                Type::List => node
                    .value
                    .as_array()
                    .is_some_and(|a| a.iter().all(Value::is_string)),
                Type::Json => node.value.is_string() || node.value.is_array(),
                Type::Int
                | Type::Bool
                | Type::Effect
                | Type::Risk
                | Type::Rung
                | Type::Mode
                | Type::Author => false,
            };
            return fine
                .then(|| node.value.clone())
                .ok_or_else(|| fits("its beginning"));
        }
        Op::Gt | Op::Gte | Op::Lt | Op::Lte => {
            if !matches!(
                kind,
                Type::Int | Type::Effect | Type::Risk | Type::Rung | Type::Json
            ) {
                return Err(fits("no order at all; use `eq`, `ne` or `in`"));
            }
        }
        Op::Eq | Op::Ne => {
            if kind == Type::List {
                return node
                    .value
                    .is_array()
                    .then(|| node.value.clone())
                    .ok_or_else(|| fits("a list of text"));
            }
        }
    }
    scalar(kind, node).ok_or_else(|| fits(takes(kind)))
}

fn text_field(kind: Type, node: &Node<'_>) -> Option<Value> {
    (matches!(kind, Type::Text | Type::List | Type::Json) && node.value.is_string())
        .then(|| node.value.clone())
}

/// One operand of this type, ranked if the type is ordered.
pub(crate) fn scalar(kind: Type, node: &Node<'_>) -> Option<Value> {
    match kind {
        Type::Effect | Type::Risk | Type::Rung => rank(kind, node.value.as_str()?).map(Value::from),
        Type::Mode | Type::Author => words(kind)
            .contains(&node.value.as_str()?)
            .then(|| node.value.clone()),
        Type::Text | Type::List => node.value.is_string().then(|| node.value.clone()),
        Type::Int => node.value.is_i64().then(|| node.value.clone()),
        Type::Bool => node.value.is_boolean().then(|| node.value.clone()),
        Type::Json => Some(node.value.clone()),
    }
}

pub(crate) fn takes(kind: Type) -> &'static str {
    match kind {
        Type::Text | Type::List => "text",
        Type::Int => "a whole number",
        Type::Bool => "true or false",
        Type::Effect => "pure, read, write, external or irreversible",
        Type::Risk => "low, medium, high or critical",
        Type::Rung => "L0, L1, L2, L3 or L4",
        Type::Mode => "plan, edit, auto or custom",
        Type::Author => "model or operator",
        Type::Json => "any value",
    }
}

fn op_word(op: Op) -> &'static str {
    OPS.iter()
        .find(|(_, known)| *known == op)
        .map_or("", |(word, _)| word)
}

/// Whether `of` says that one item of a list is enough; without it every item has to fit.
fn quantifier(field: &Field, op: Op, node: &Node<'_>) -> Result<bool, Complaint> {
    let Some(of) = node.get("of") else {
        return Ok(false);
    };
    let lists = matches!(field.kind(), Type::List | Type::Json);
    if !lists || !matches!(op, Op::In | Op::Under | Op::HostIn) {
        return Err(Complaint {
            hint: Some("`of` goes with a list and `in`, `under` or `host_in`".to_owned()),
            ..of.wrong("no `of` here")
        });
    }
    match of.text()? {
        "any" => Ok(true),
        "every" => Ok(false),
        _ => Err(of.wrong("any or every")),
    }
}

/// Whether the operator holds; none when it cannot compare these two.
fn holds(leaf: &Leaf, value: &Val<'_>) -> Option<bool> {
    let (want, any) = (&leaf.want, leaf.any);
    match leaf.op {
        Op::Eq => Some(equal(value, want)),
        Op::Ne => Some(!equal(value, want)),
        Op::Gt => order(value, want).map(|o| o.is_gt()),
        Op::Gte => order(value, want).map(|o| o.is_ge()),
        Op::Lt => order(value, want).map(|o| o.is_lt()),
        Op::Lte => order(value, want).map(|o| o.is_le()),
        Op::In => {
            let wanted = want.as_array()?;
            Some(match value {
                Val::List(items) => {
                    let known =
                        |item: &Cow<'_, str>| wanted.iter().any(|w| w.as_str() == Some(item));
                    if any {
                        items.iter().any(known)
                    } else {
                        !items.is_empty() && items.iter().all(known)
                    }
                }
                Val::Text(_) | Val::Int(_) | Val::Bool(_) | Val::Rank(..) | Val::Json(_) => {
                    wanted.iter().any(|w| equal(value, w))
                }
            })
        }
        Op::Contains => contains(value, want),
        Op::StartsWith => starts_with(value, want),
        Op::Under => {
            let root = want.as_str()?;
            items_fit(value, any, |path| under(path, root))
        }
        Op::HostIn => {
            let hosts = want.as_array()?;
            items_fit(value, any, |host| {
                hosts
                    .iter()
                    .filter_map(Value::as_str)
                    .any(|pattern| host_matches(host, pattern))
            })
        }
    }
}

fn equal(value: &Val<'_>, want: &Value) -> bool {
    match value {
        Val::Text(text) => want.as_str() == Some(text),
        Val::Int(number) | Val::Rank(number, _) => want.as_i64() == Some(*number),
        Val::Bool(flag) => want.as_bool() == Some(*flag),
        Val::List(items) => want.as_array().is_some_and(|wanted| {
            wanted.len() == items.len()
                && wanted
                    .iter()
                    .zip(items.iter())
                    .all(|(w, item)| w.as_str() == Some(item))
        }),
        Val::Json(found) => *found == want,
    }
}

fn order(value: &Val<'_>, want: &Value) -> Option<std::cmp::Ordering> {
    match value {
        Val::Int(number) | Val::Rank(number, _) => Some(number.cmp(&want.as_i64()?)),
        Val::Json(found) => match (found.as_i64(), want.as_i64()) {
            (Some(found), Some(want)) => Some(found.cmp(&want)),
            _ => found.as_f64()?.partial_cmp(&want.as_f64()?),
        },
        Val::Text(_) | Val::Bool(_) | Val::List(_) => None,
    }
}

fn contains(value: &Val<'_>, want: &Value) -> Option<bool> {
    match value {
        Val::Text(text) => Some(text.contains(want.as_str()?)),
        Val::List(items) => {
            let want = want.as_str()?;
            Some(items.iter().any(|item| item == want))
        }
        Val::Json(Value::String(text)) => Some(text.contains(want.as_str()?)),
        Val::Json(Value::Array(items)) => Some(items.contains(want)),
        Val::Int(_) | Val::Bool(_) | Val::Rank(..) | Val::Json(_) => None,
    }
}

fn starts_with(value: &Val<'_>, want: &Value) -> Option<bool> {
    match value {
        Val::Text(text) => Some(text.starts_with(want.as_str()?)),
        Val::List(items) => {
            let wanted = want.as_array()?;
            let mut items = items.iter();
            Some(
                wanted
                    .iter()
                    .all(|w| items.next().map(Cow::as_ref) == w.as_str()),
            )
        }
        Val::Json(Value::String(text)) => Some(text.starts_with(want.as_str()?)),
        Val::Json(Value::Array(items)) => Some(items.starts_with(want.as_array()?)),
        Val::Int(_) | Val::Bool(_) | Val::Rank(..) | Val::Json(_) => None,
    }
}

/// Whether `test` holds of one item, or of all of at least one.
fn fits<'v>(
    any: bool,
    mut items: impl Iterator<Item = &'v str>,
    test: impl Fn(&str) -> bool,
) -> bool {
    if any {
        return items.any(test);
    }
    items.next().is_some_and(&test) && items.all(test)
}

/// Whether `test` holds of the text, or of the list's items; an empty list satisfies nothing.
fn items_fit(value: &Val<'_>, any: bool, test: impl Fn(&str) -> bool) -> Option<bool> {
    match value {
        Val::Text(text) => Some(test(text)),
        Val::List(items) => Some(fits(any, items.iter().map(Cow::as_ref), test)),
        Val::Json(Value::String(text)) => Some(test(text)),
        Val::Json(Value::Array(items)) => {
            let texts = items.iter().map(Value::as_str);
            let all_texts = texts.clone().all(|text| text.is_some());
            all_texts.then(|| fits(any, texts.flatten(), test))
        }
        Val::Int(_) | Val::Bool(_) | Val::Rank(..) | Val::Json(_) => None,
    }
}
