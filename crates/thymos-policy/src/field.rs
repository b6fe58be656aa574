//! Typed paths into what a rule may read `[P2]`. Reads; compares nothing.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use serde_json::Value;
use thymos_core::budget::Dimension;
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::intent::Author;
use thymos_core::isolation::Rung;
use thymos_core::resolved::{Access, Resolved, ResolvedExec};
use thymos_core::tool::Compensation;
use thymos_core::writ::{Mode, Writ, preset_of};

use crate::input::{Form, PolicyInput};

/// A path that a condition names.
#[derive(Clone)]
pub(crate) enum Field {
    /// One of the fixed ones.
    Row(&'static Row),
    /// `args.<name>`, deeper with more dots.
    Arg(Vec<String>),
    /// `world.<resource>`: the version of that resource.
    World(String),
}

/// What a path holds, which decides the operators it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Text,
    Int,
    Bool,
    List,
    Effect,
    Risk,
    Rung,
    Mode,
    Author,
    Json,
}

/// A value that was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Val<'a> {
    Text(Cow<'a, str>),
    Int(i64),
    Bool(bool),
    /// Shared, so that many rules can read one list that was made once.
    List(Rc<[Cow<'a, str>]>),
    /// An ordered word and its rank.
    Rank(i64, &'static str),
    Json(&'a Value),
}

/// A fixed path: its name, its type and where it is read.
pub(crate) struct Row {
    name: &'static str,
    kind: Type,
    read: for<'a> fn(&PolicyInput<'a>, Form) -> Option<Val<'a>>,
}

#[rustfmt::skip]
static ROWS: &[Row] = &[
    Row { name: "intent.tool", kind: Type::Text, read: |i, _| Some(text(&i.intent.tool)) },
    Row { name: "intent.author", kind: Type::Author, read: |i, _| Some(text(author_word(i.intent.author))) },
    Row { name: "intent.turn", kind: Type::Int, read: |i, _| Some(int(u64::from(i.intent.turn))) },
    Row { name: "intent.ordinal", kind: Type::Int, read: |i, _| Some(int(u64::from(i.intent.ordinal))) },
    Row { name: "resolved.effect", kind: Type::Effect, read: |i, _| i.effect.map(effect) },
    Row { name: "resolved.risk", kind: Type::Risk, read: |i, _| i.risk.map(risk) },
    Row { name: "resolved.paths", kind: Type::List, read: |i, form| i.resolved(form).map(paths) },
    Row { name: "resolved.reads", kind: Type::List, read: |i, form| i.resolved(form).map(|r| touched(r, |a| a == Access::Read)) },
    Row { name: "resolved.writes", kind: Type::List, read: |i, form| i.resolved(form).map(|r| touched(r, |a| a != Access::Read)) },
    Row { name: "resolved.deletes", kind: Type::List, read: |i, form| i.resolved(form).map(|r| touched(r, |a| a == Access::Delete)) },
    Row { name: "resolved.has_exec", kind: Type::Bool, read: |i, form| i.resolved(form).map(|r| Val::Bool(r.exec.is_some())) },
    Row { name: "resolved.argv", kind: Type::List, read: |i, form| exec(i, form).map(|e| list(&e.argv)) },
    Row { name: "resolved.executable", kind: Type::Text, read: |i, form| exec(i, form).map(|e| text(&e.executable)) },
    Row { name: "resolved.cwd", kind: Type::Text, read: |i, form| exec(i, form).map(|e| text(&e.cwd)) },
    Row { name: "resolved.env", kind: Type::List, read: |i, form| exec(i, form).map(|e| list(e.env.keys())) },
    Row { name: "resolved.stdin_bytes", kind: Type::Int, read: |i, form| exec(i, form).map(|e| int(e.stdin_bytes)) },
    Row { name: "resolved.timeout_ms", kind: Type::Int, read: |i, form| exec(i, form).map(|e| int(e.timeout_ms)) },
    Row { name: "resolved.hosts", kind: Type::List, read: |i, form| i.resolved(form).map(|r| list(r.hosts.iter().map(|h| &h.host))) },
    Row { name: "resolved.methods", kind: Type::List, read: |i, form| i.resolved(form).map(|r| list(r.hosts.iter().map(|h| &h.method))) },
    Row { name: "resolved.resources", kind: Type::List, read: |i, form| i.resolved(form).map(resources) },
    Row { name: "resolved.compensable", kind: Type::Bool, read: |i, form| i.resolved(form).map(compensable) },
    Row { name: "resolved.estimate.tokens", kind: Type::Int, read: |i, form| estimate(i, form, Dimension::Tokens) },
    Row { name: "resolved.estimate.tool_calls", kind: Type::Int, read: |i, form| estimate(i, form, Dimension::ToolCalls) },
    Row { name: "resolved.estimate.wall_clock_ms", kind: Type::Int, read: |i, form| estimate(i, form, Dimension::WallClockMs) },
    Row { name: "resolved.estimate.usd_millicents", kind: Type::Int, read: |i, form| estimate(i, form, Dimension::UsdMillicents) },
    Row { name: "writ.name", kind: Type::Text, read: |i, _| leaf(i).map(|w| text(&w.name)) },
    Row { name: "writ.issuer", kind: Type::Text, read: |i, _| leaf(i).map(|w| text(&w.issuer.name)) },
    Row { name: "writ.subject", kind: Type::Text, read: |i, _| leaf(i).map(|w| text(&w.subject.name)) },
    Row { name: "writ.tenant", kind: Type::Text, read: |i, _| leaf(i).map(|w| text(&w.tenant)) },
    Row { name: "writ.depth", kind: Type::Int, read: |i, _| Some(int(i.links.len() as u64)) },
    Row { name: "writ.ceiling", kind: Type::Effect, read: |i, _| leaf(i).and_then(|w| w.effects.ceiling()).map(effect) },
    Row { name: "budget.left.tokens", kind: Type::Int, read: |i, _| least_left(i, Dimension::Tokens).map(int) },
    Row { name: "budget.left.tool_calls", kind: Type::Int, read: |i, _| least_left(i, Dimension::ToolCalls).map(int) },
    Row { name: "budget.left.wall_clock_ms", kind: Type::Int, read: |i, _| least_left(i, Dimension::WallClockMs).map(int) },
    Row { name: "budget.left.usd_millicents", kind: Type::Int, read: |i, _| least_left(i, Dimension::UsdMillicents).map(int) },
    Row { name: "session.mode", kind: Type::Mode, read: |i, _| Some(text(i.facts.mode.word())) },
    Row { name: "session.preset", kind: Type::Mode, read: |i, _| Some(text(preset(i).word())) },
    Row { name: "session.tenant", kind: Type::Text, read: |i, _| Some(text(&i.facts.tenant)) },
    Row { name: "session.rung", kind: Type::Rung, read: |i, _| Some(rung(i.facts.rung)) },
    Row { name: "session.now_ms", kind: Type::Int, read: |i, _| Some(int(i.facts.now.as_ms())) },
    Row { name: "session.repeats", kind: Type::Int, read: |i, _| Some(int(i.facts.repeats)) },
];

/// Lists of one call that were read already: each is made once, however many rules read it.
#[derive(Default)]
pub(crate) struct Lists<'a>(RefCell<Vec<(&'static str, Form, Option<Val<'a>>)>>);

impl<'a> Lists<'a> {
    fn read(&self, row: &'static Row, input: &PolicyInput<'a>, form: Form) -> Option<Val<'a>> {
        let mut known = self.0.borrow_mut();
        let found = known
            .iter()
            .find(|(name, of, _)| *name == row.name && *of == form);
        if let Some((_, _, value)) = found {
            return value.clone();
        }
        let value = (row.read)(input, form);
        known.push((row.name, form, value.clone()));
        value
    }
}

impl Field {
    /// As [`Self::read`], through lists that were read already.
    pub(crate) fn read_once<'a>(
        &self,
        input: &PolicyInput<'a>,
        form: Form,
        lists: &Lists<'a>,
    ) -> Option<Val<'a>> {
        match self {
            Self::Row(row) if row.kind == Type::List => lists.read(row, input, form),
            Self::Row(_) | Self::Arg(_) | Self::World(_) => self.read(input, form),
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix("args.") {
            let steps: Vec<String> = rest.split('.').map(str::to_owned).collect();
            let whole = steps.iter().all(|step| !step.is_empty());
            return whole.then_some(Self::Arg(steps));
        }
        if let Some(rest) = text.strip_prefix("world.") {
            return (!rest.is_empty()).then(|| Self::World(rest.to_owned()));
        }
        ROWS.iter().find(|row| row.name == text).map(Self::Row)
    }

    /// Every fixed path, for hints.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        ROWS.iter().map(|row| row.name)
    }

    /// Every fixed path and what it holds, in order.
    pub(crate) fn table() -> impl Iterator<Item = (&'static str, Type)> {
        ROWS.iter().map(|row| (row.name, row.kind))
    }

    pub(crate) fn kind(&self) -> Type {
        match self {
            Self::Arg(_) => Type::Json,
            Self::World(_) => Type::Int,
            Self::Row(row) => row.kind,
        }
    }

    /// The path as it is written.
    pub(crate) fn name(&self) -> Cow<'static, str> {
        match self {
            Self::Arg(steps) => Cow::Owned(format!("args.{}", steps.join("."))),
            Self::World(resource) => Cow::Owned(format!("world.{resource}")),
            Self::Row(row) => Cow::Borrowed(row.name),
        }
    }

    /// The value, or none when this call has none.
    pub(crate) fn read<'a>(&self, input: &PolicyInput<'a>, form: Form) -> Option<Val<'a>> {
        match self {
            Self::Arg(steps) => {
                let mut value = input.args(form);
                for step in steps {
                    value = value.get(step)?;
                }
                Some(Val::Json(value))
            }
            Self::World(resource) => {
                let version = (*input.facts.world.get(resource)?)?;
                Some(int(version))
            }
            Self::Row(row) => (row.read)(input, form),
        }
    }
}

impl Val<'_> {
    /// The value for a trace line, at most 80 characters of it.
    pub(crate) fn show(&self) -> String {
        let whole = match self {
            Self::Text(text) => text.to_string(),
            Self::Int(number) => number.to_string(),
            Self::Bool(flag) => flag.to_string(),
            Self::List(items) => items.join(" "),
            Self::Rank(_, word) => (*word).to_owned(),
            Self::Json(Value::String(text)) => text.clone(),
            Self::Json(other) => other.to_string(),
        };
        match whole.char_indices().nth(80) {
            Some((cut, _)) => format!("{}…", whole.get(..cut).unwrap_or_default()),
            None => whole,
        }
    }
}

/// The rank of an ordered word of this type; none for a word that is not one of them.
pub(crate) fn rank(kind: Type, word: &str) -> Option<i64> {
    match kind {
        Type::Effect => EffectClass::ALL
            .into_iter()
            .find(|class| class.word() == word)
            .map(effect_rank),
        Type::Risk => RISKS
            .into_iter()
            .find(|r| risk_word(*r) == word)
            .map(risk_rank),
        Type::Rung => RUNGS
            .into_iter()
            .find(|r| rung_word(*r) == word)
            .map(rung_rank),
        Type::Text
        | Type::Int
        | Type::Bool
        | Type::List
        | Type::Mode
        | Type::Author
        | Type::Json => None,
    }
}

/// The words a closed type may hold; empty when it is open.
pub(crate) fn words(kind: Type) -> Vec<&'static str> {
    match kind {
        Type::Effect => EffectClass::ALL.iter().map(|class| class.word()).collect(),
        Type::Risk => RISKS.into_iter().map(risk_word).collect(),
        Type::Rung => RUNGS.into_iter().map(rung_word).collect(),
        Type::Mode => [Mode::Plan, Mode::Edit, Mode::Auto, Mode::Custom]
            .into_iter()
            .map(Mode::word)
            .collect(),
        Type::Author => vec!["model", "operator"],
        Type::Text | Type::Int | Type::Bool | Type::List | Type::Json => Vec::new(),
    }
}

const RISKS: [Risk; 4] = [Risk::Low, Risk::Medium, Risk::High, Risk::Critical];
const RUNGS: [Rung; 5] = [Rung::L0, Rung::L1, Rung::L2, Rung::L3, Rung::L4];

fn least_left(input: &PolicyInput<'_>, dimension: Dimension) -> Option<u64> {
    let spent = &input.facts.spent;
    input
        .links
        .iter()
        .filter_map(|(id, link)| {
            let spent = spent.get(id).copied().unwrap_or_default();
            link.writ.budget.left(&spent, dimension)
        })
        .min()
}

/// The mode whose rules hold: the session's own, or under a writ file what its chain says `[W8]`.
fn preset(input: &PolicyInput<'_>) -> Mode {
    match input.facts.mode {
        Mode::Custom => preset_of(input.links.iter().map(|(_, link)| &link.writ)),
        mode @ (Mode::Plan | Mode::Edit | Mode::Auto) => mode,
    }
}

fn text(text: &str) -> Val<'_> {
    Val::Text(Cow::Borrowed(text))
}

fn int<'a>(number: u64) -> Val<'a> {
    Val::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn list<'a>(items: impl IntoIterator<Item = &'a String>) -> Val<'a> {
    Val::List(
        items
            .into_iter()
            .map(|item| Cow::Borrowed(item.as_str()))
            .collect(),
    )
}

fn paths(resolved: &Resolved) -> Val<'_> {
    list(resolved.paths.iter().map(|path| &path.path))
}

/// Paths that the call does something of this kind to.
fn touched(resolved: &Resolved, kind: impl Fn(Access) -> bool) -> Val<'_> {
    let of_kind = resolved.paths.iter().filter(|path| kind(path.access));
    list(of_kind.map(|path| &path.path))
}

fn resources(resolved: &Resolved) -> Val<'_> {
    let names = resolved
        .resources
        .iter()
        .map(|r| Cow::Owned(r.resource.text()));
    Val::List(names.collect())
}

fn compensable(resolved: &Resolved) -> Val<'_> {
    Val::Bool(match resolved.compensation {
        Compensation::Unneeded | Compensation::FromRecord => true,
        Compensation::Impossible(_) => false,
    })
}

fn exec<'a>(input: &PolicyInput<'a>, form: Form) -> Option<&'a ResolvedExec> {
    input.resolved(form)?.exec.as_ref()
}

fn estimate<'a>(input: &PolicyInput<'a>, form: Form, dimension: Dimension) -> Option<Val<'a>> {
    Some(int(input.resolved(form)?.estimate.amount(dimension)))
}

fn leaf<'a>(input: &PolicyInput<'a>) -> Option<&'a Writ> {
    input.links.last().map(|(_, link)| &link.writ)
}

fn risk<'a>(risk: Risk) -> Val<'a> {
    Val::Rank(risk_rank(risk), risk_word(risk))
}

fn rung<'a>(rung: Rung) -> Val<'a> {
    Val::Rank(rung_rank(rung), rung_word(rung))
}

fn effect<'a>(class: EffectClass) -> Val<'a> {
    Val::Rank(effect_rank(class), class.word())
}

const fn author_word(author: Author) -> &'static str {
    match author {
        Author::Model => "model",
        Author::Operator => "operator",
    }
}

const fn effect_rank(class: EffectClass) -> i64 {
    match class {
        EffectClass::Pure => 0,
        EffectClass::Read => 1,
        EffectClass::Write => 2,
        EffectClass::External => 3,
        EffectClass::Irreversible => 4,
    }
}

const fn risk_rank(risk: Risk) -> i64 {
    match risk {
        Risk::Low => 0,
        Risk::Medium => 1,
        Risk::High => 2,
        Risk::Critical => 3,
    }
}

const fn risk_word(risk: Risk) -> &'static str {
    match risk {
        Risk::Low => "low",
        Risk::Medium => "medium",
        Risk::High => "high",
        Risk::Critical => "critical",
    }
}

const fn rung_rank(rung: Rung) -> i64 {
    match rung {
        Rung::L0 => 0,
        Rung::L1 => 1,
        Rung::L2 => 2,
        Rung::L3 => 3,
        Rung::L4 => 4,
    }
}

const fn rung_word(rung: Rung) -> &'static str {
    match rung {
        Rung::L0 => "L0",
        Rung::L1 => "L1",
        Rung::L2 => "L2",
        Rung::L3 => "L3",
        Rung::L4 => "L4",
    }
}
