//! The rules in force, and the one question they answer `[P1]` `[P3]` `[P4]`.
//!
//! Asks every rule and takes the strictest answer. It does not know what happens with the answer.

use std::fmt::Write as _;

use serde_json::json;
use thymos_core::Timestamp;
use thymos_core::canonical;
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::id::PolicySetId;
use thymos_core::trace::{Clause, Ruling, TraceLine};
use thymos_core::verdict::{Ask, Ceremony};

use crate::bundle::{AskTerms, Bundle, Decision, IfMissing, Rule};
use crate::field::Lists;
use crate::input::{Form, PolicyInput};
use crate::own;
use crate::when::{Call, Truth};

/// The redactor of a record that names none: those before the version was told `[P3]`.
pub const REDACTOR_UNNAMED: &str = "thymos-redactor 1";

/// Milliseconds during which verdict keys are ignored after a card gains focus, by default `[A8]`.
pub const ARMING_MS: u64 = 400;

/// The switches beside the rules; part of the set's identity `[P3]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switches {
    /// Risk at or above this suspends `[C15]`.
    pub risk_threshold: Risk,
    /// Whether irreversible calls need an explicit permit `[C14]`.
    pub compensation_gate: bool,
    /// The redactor in use.
    pub redactor: String,
}

impl Switches {
    /// High risk suspends, irreversible calls need a permit; no redactor is named. Whoever redacts
    /// names the version of its detectors with [`Self::redacted_by`].
    #[must_use]
    pub fn standard() -> Self {
        Self {
            risk_threshold: Risk::High,
            compensation_gate: true,
            redactor: REDACTOR_UNNAMED.to_owned(),
        }
    }

    /// The same under these detectors `[P3]`.
    #[must_use]
    pub fn redacted_by(self, redactor: String) -> Self {
        Self { redactor, ..self }
    }

    /// The name of the redactor, where it is one that a record has to name.
    #[must_use]
    pub fn named_redactor(&self) -> Option<&str> {
        (self.redactor != REDACTOR_UNNAMED).then_some(self.redactor.as_str())
    }

    /// Every combination that a record can have been made under, with this redactor. The record keeps
    /// the other switches only inside a set's id; they are few, so that the right ones are found by
    /// trying.
    pub fn every(redactor: Option<&str>) -> impl Iterator<Item = Self> {
        let redactor = redactor.unwrap_or(REDACTOR_UNNAMED).to_owned();
        let risks = [Risk::High, Risk::Low, Risk::Medium, Risk::Critical];
        let gates = [true, false];
        let pairs = risks
            .into_iter()
            .flat_map(move |risk| gates.map(|gate| (risk, gate)));
        pairs.map(move |(risk_threshold, compensation_gate)| Self {
            risk_threshold,
            compensation_gate,
            redactor: redactor.clone(),
        })
    }

    /// The switches in words, for people.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let gate = if self.compensation_gate { "on" } else { "off" };
        vec![
            format!("risk threshold {}", self.risk_threshold),
            format!("compensation gate {gate}"),
            format!("redactor {}", self.redactor),
        ]
    }
}

/// The rules in force.
#[derive(Debug, Clone)]
pub struct PolicySet {
    bundles: Vec<Bundle>,
    switches: Switches,
    /// Whether bundles hold whatever their windows say.
    timeless: bool,
    id: PolicySetId,
}

/// What all rules together said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyAnswer {
    /// The strictest ruling.
    pub ruling: Ruling,
    /// Everyone who asks.
    pub asks: Vec<Ask>,
    /// How an approval must be given; meaningful when someone asks.
    pub ceremony: Ceremony,
    /// One line for every rule that spoke, or one for the default.
    pub lines: Vec<TraceLine>,
    /// Whether some rule permits it by name and none is against it `[C14]`.
    pub explicitly_permitted: bool,
}

impl PolicySet {
    /// The built-in bundle with the standard switches.
    #[must_use]
    pub fn builtin() -> Self {
        Self::new(vec![own::builtin()], Switches::standard())
    }

    /// These bundles with these switches. Their order does not matter: they are kept by name. Several
    /// bundles of one name are allowed; a set without any forbids everything that needs a ruling.
    #[must_use]
    pub fn new(mut bundles: Vec<Bundle>, switches: Switches) -> Self {
        bundles.sort_by(|a, b| {
            let by_name = a.name().cmp(b.name());
            by_name.then_with(|| a.canonical().as_bytes().cmp(b.canonical().as_bytes()))
        });
        let id = identify(&bundles, &switches);
        Self {
            bundles,
            switches,
            timeless: false,
            id,
        }
    }

    /// The same set with every bundle in force at any moment: for asking of the past what its rules
    /// would have said `[P5]`. No verdict is made under such a set.
    #[must_use]
    pub fn timeless(mut self) -> Self {
        self.timeless = true;
        self
    }

    /// The hash of every rule's bytes and of the switches `[P3]`.
    #[must_use]
    pub fn id(&self) -> PolicySetId {
        self.id
    }

    /// The bundles.
    #[must_use]
    pub fn bundles(&self) -> &[Bundle] {
        &self.bundles
    }

    /// The switches.
    #[must_use]
    pub fn switches(&self) -> &Switches {
        &self.switches
    }

    /// Asks every rule about one call.
    #[must_use]
    pub fn evaluate(&self, input: &PolicyInput<'_>) -> PolicyAnswer {
        let mut round = Round::new(input);
        let mut default = None;
        for bundle in &self.bundles {
            let window = bundle.window().filter(|_| !self.timeless);
            let now = input.facts.now;
            if window.is_some_and(|window| now < window.not_before) {
                continue;
            }
            default = default.max(Some(bundle.default_ruling()));
            if let Some(end) = window.and_then(|window| window.expires_at)
                && now >= end
            {
                round.ended(bundle, end);
                continue;
            }
            for rule in bundle.rules() {
                round.ask(rule);
            }
        }
        round.finish(default.unwrap_or(Ruling::Forbid))
    }
}

// [P3] The bytes of every rule and every switch, nothing abbreviated.
fn identify(bundles: &[Bundle], switches: &Switches) -> PolicySetId {
    let head = json!({
        "v": 1,
        "bundles": bundles.len(),
        "risk_threshold": switches.risk_threshold,
        "compensation_gate": switches.compensation_gate,
        "redactor": switches.redactor,
    });
    let mut bytes = canonical::value_to_bytes(&head)
        .map(canonical::CanonicalBytes::into_vec)
        .unwrap_or_default();
    for bundle in bundles {
        let rules = bundle.canonical().as_bytes();
        bytes.extend_from_slice(&(rules.len() as u64).to_be_bytes());
        bytes.extend_from_slice(rules);
    }
    PolicySetId::of(&bytes)
}

/// One evaluation in progress.
struct Round<'i, 'a> {
    input: &'i PolicyInput<'a>,
    lists: Lists<'a>,
    lines: Vec<TraceLine>,
    asks: Vec<Ask>,
    ceremony: Option<Ceremony>,
    ruling: Option<Ruling>,
    permits: bool,
    witnessed: bool,
}

impl<'i, 'a> Round<'i, 'a> {
    fn new(input: &'i PolicyInput<'a>) -> Self {
        Self {
            input,
            lists: Lists::default(),
            lines: Vec::new(),
            asks: Vec::new(),
            ceremony: None,
            ruling: None,
            permits: false,
            witnessed: false,
        }
    }

    fn ask(&mut self, rule: &Rule) {
        let live = Call {
            input: self.input,
            form: Form::Live,
            lists: &self.lists,
        };
        let witnessed = self.reads_redacted(rule);
        self.witnessed |= witnessed;
        match (rule.when.eval(&live), rule.if_missing) {
            (Truth::True, _) | (Truth::Missing(_), IfMissing::Applies) => {
                self.speak(rule, witnessed);
            }
            (Truth::False, _) | (Truth::Missing(_), IfMissing::Skip) => {
                if witnessed {
                    let said = "does not apply; it read a redacted value".to_owned();
                    self.line(rule, Ruling::Permit, said, true);
                }
            }
            (Truth::Missing(field), IfMissing::Forbid) => {
                self.count(Ruling::Forbid);
                self.line(
                    rule,
                    Ruling::Forbid,
                    format!("`{field}` is missing"),
                    witnessed,
                );
            }
            // [P1] What cannot be evaluated is forbidden.
            (Truth::Error(error), _) => {
                self.count(Ruling::Forbid);
                self.line(rule, Ruling::Forbid, error, witnessed);
            }
        }
    }

    // [P3] Rules that ended are not as if they had never been: what they forbade would be allowed.
    fn ended(&mut self, bundle: &Bundle, end: Timestamp) {
        self.count(Ruling::Forbid);
        let name = bundle.name();
        self.lines.push(TraceLine {
            clause: Clause::C13,
            rule: Some(format!("{name}/window")),
            ruling: Ruling::Forbid,
            said: format!(
                "bundle `{name}` ended {end}; nothing is allowed until it is signed anew or unloaded"
            ),
            witnessed: false,
        });
    }

    fn speak(&mut self, rule: &Rule, witnessed: bool) {
        let ruling = rule.decision.ruling();
        self.count(ruling);
        let said = self.sentence(rule);
        match &rule.decision {
            Decision::Permit => self.permits = true,
            Decision::Forbid => {}
            Decision::Ask(terms) => {
                self.tighten(terms);
                self.asks.push(Ask {
                    clause: Clause::C13,
                    rule: Some(rule.name.clone()),
                    reason: reason(rule),
                    channel: terms.channel.clone(),
                    quorum: terms.quorum,
                    approvers: terms.approvers.clone(),
                    expires_after_ms: terms.expires_after_ms,
                });
            }
        }
        self.line(rule, ruling, said, witnessed);
    }

    fn finish(mut self, default: Ruling) -> PolicyAnswer {
        if self.ruling.is_none() {
            let said = format!("no rule speaks of it; the default is {}", word(default));
            if default == Ruling::Ask {
                self.asks.push(default_ask());
            }
            self.lines.push(TraceLine {
                clause: Clause::C13,
                rule: None,
                ruling: default,
                said,
                witnessed: self.witnessed,
            });
        }
        let ruling = self.ruling.unwrap_or(default);
        PolicyAnswer {
            ruling,
            asks: self.asks,
            ceremony: self.ceremony.unwrap_or_else(|| base(self.input.effect)),
            lines: self.lines,
            explicitly_permitted: self.permits && ruling == Ruling::Permit,
        }
    }

    fn count(&mut self, ruling: Ruling) {
        self.ruling = self.ruling.max(Some(ruling));
    }

    fn line(&mut self, rule: &Rule, ruling: Ruling, said: String, witnessed: bool) {
        self.lines.push(TraceLine {
            clause: Clause::C13,
            rule: Some(rule.name.clone()),
            ruling,
            said,
            witnessed,
        });
    }

    /// The reason and the values it read, in their recorded form `[P4]`.
    fn sentence(&self, rule: &Rule) -> String {
        let mut said = reason(rule);
        let mut open = " (";
        rule.when.fields(&mut |field| {
            let value = match field.read(self.input, Form::Recorded) {
                Some(value) => value.show(),
                None => "missing".to_owned(),
            };
            let name = field.name();
            // Writing to a String cannot fail.
            if write!(said, "{open}`{name}` {value}").is_ok() {
                open = ", ";
            }
        });
        if open == ", " {
            said.push(')');
        }
        said
    }

    // [R4] A rule that read a value whose record is redacted is witnessed, whatever it said.
    fn reads_redacted(&self, rule: &Rule) -> bool {
        if !self.input.has_live() {
            return false;
        }
        let mut differs = false;
        rule.when.fields(&mut |field| {
            differs |= field.read(self.input, Form::Live) != field.read(self.input, Form::Recorded);
        });
        differs
    }

    // [A8] Rules may tighten the ceremony; they relax it only for calls that change nothing.
    fn tighten(&mut self, terms: &AskTerms) {
        let Some(wanted) = terms.ceremony else { return };
        let milder = self
            .input
            .effect
            .is_some_and(|class| class <= EffectClass::Read);
        let floor = match self.ceremony {
            Some(so_far) => so_far,
            None if milder => wanted,
            None => base(self.input.effect),
        };
        self.ceremony = Some(strictest(floor, wanted));
    }
}

/// The ceremony before any rule spoke.
fn base(effect: Option<EffectClass>) -> Ceremony {
    let reads = effect.is_some_and(|class| class <= EffectClass::Read);
    let reversible = effect.is_some_and(|class| class <= EffectClass::Write);
    Ceremony {
        arming_ms: ARMING_MS,
        view_gate: !reads,
        type_back: false,
        batch: reversible,
    }
}

fn strictest(a: Ceremony, b: Ceremony) -> Ceremony {
    Ceremony {
        arming_ms: a.arming_ms.max(b.arming_ms),
        view_gate: a.view_gate || b.view_gate,
        type_back: a.type_back || b.type_back,
        batch: a.batch && b.batch,
    }
}

fn reason(rule: &Rule) -> String {
    if rule.reason.is_empty() {
        format!("rule `{}` {}s it", rule.name, word(rule.decision.ruling()))
    } else {
        rule.reason.clone()
    }
}

fn default_ask() -> Ask {
    let terms = AskTerms::plain();
    Ask {
        clause: Clause::C13,
        rule: None,
        reason: "no policy rule speaks of it".to_owned(),
        channel: terms.channel,
        quorum: terms.quorum,
        approvers: terms.approvers,
        expires_after_ms: terms.expires_after_ms,
    }
}

const fn word(ruling: Ruling) -> &'static str {
    match ruling {
        Ruling::Permit => "permit",
        Ruling::Ask => "ask",
        Ruling::Forbid => "forbid",
    }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
