//! Writ files before they count: what a person wrote and cannot have meant. Makes no decision.
//!
//! A chain with such a flaw would not grant too much, since every link must allow a call `[W2]`. It would
//! grant less, or nothing, than who signs it believes; so it is refused before it is signed or used.

use serde_json::Value;
use thymos_core::caveat::{ArgvSlot, Caveat, Condition};
use thymos_core::effect::EffectClass;
use thymos_core::tool::ToolContract;
use thymos_core::writ::{Grant, Mode, SampleCall, Writ, preset_of};
use thymos_policy::matching::glob;

use crate::examples::allows;

/// Characters of the name of a writ or of a party, which people read in lists of one line each.
const NAME_CHARS_MAX: usize = 64;

/// One thing that is wrong with a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Which link, the root being 0.
    pub link: usize,
    /// The field, as a path into the writ.
    pub field: String,
    /// What is wrong, without link and field.
    pub said: String,
    /// A name that nobody knows, with those that are known.
    pub unknown: Option<(String, Vec<String>)>,
}

impl std::fmt::Display for Flaw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "link {} `{}`: {}", self.link, self.field, self.said)
    }
}

/// Everything that is wrong with the links of a chain, root first, given the tools there are.
///
/// Says nothing about signatures and links; those are [`crate::CheckedChain`]'s.
#[must_use]
pub fn flaws(links: &[&Writ], tools: &[&ToolContract]) -> Vec<Flaw> {
    let mut found = Vec::new();
    for (at, writ) in links.iter().enumerate() {
        let mut link = Link {
            at,
            tools,
            found: &mut found,
        };
        link.own(writ);
        if let Some(parent) = at.checked_sub(1).and_then(|above| links.get(above)) {
            link.against(writ, parent);
        }
        link.rules(writ, links.get(..at).unwrap_or_default());
        link.examples(writ, links.get(..at).unwrap_or_default());
    }
    found
}

/// Tools and arguments that grants name and that are not there, as the grants of one link.
#[must_use]
pub fn unknown_names(grants: &[Grant], tools: &[&ToolContract]) -> Vec<Flaw> {
    let mut found = Vec::new();
    let mut link = Link {
        at: 0,
        tools,
        found: &mut found,
    };
    link.names(grants);
    found
}

/// Whether a grant's tool is a glob; without one it is a name, and has to be known.
#[must_use]
pub fn is_pattern(tool: &str) -> bool {
    tool.contains(['*', '?'])
}

struct Link<'a> {
    at: usize,
    tools: &'a [&'a ToolContract],
    found: &'a mut Vec<Flaw>,
}

impl Link<'_> {
    fn tell(&mut self, field: impl Into<String>, said: impl Into<String>) {
        self.found.push(Flaw {
            link: self.at,
            field: field.into(),
            said: said.into(),
            unknown: None,
        });
    }

    fn unknown(&mut self, field: String, said: String, name: &str, known: Vec<String>) {
        self.found.push(Flaw {
            link: self.at,
            field,
            said,
            unknown: Some((name.to_owned(), known)),
        });
    }

    fn own(&mut self, writ: &Writ) {
        for (field, name) in [
            ("name", &writ.name),
            ("issuer.name", &writ.issuer.name),
            ("subject.name", &writ.subject.name),
        ] {
            if name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
                let said = format!("a name has at most {NAME_CHARS_MAX} characters, which print");
                self.tell(field, said);
            }
        }
        let window = &writ.window;
        if window
            .expires_at
            .is_some_and(|end| end <= window.not_before)
        {
            self.tell("window", "it ends before it begins");
        }
        self.names(&writ.grants);
        for (at, grant) in writ.grants.iter().enumerate() {
            for (number, caveat) in grant.caveats.iter().enumerate() {
                if let Some(said) = never_met(&caveat.must) {
                    self.tell(format!("grants[{at}].caveats[{number}].must"), said);
                }
            }
        }
    }

    fn names(&mut self, grants: &[Grant]) {
        for (at, grant) in grants.iter().enumerate() {
            self.named(&format!("grants[{at}].tool"), &grant.tool);
            for (number, caveat) in grant.caveats.iter().enumerate() {
                self.argument(&format!("grants[{at}].caveats[{number}]"), grant, caveat);
            }
        }
    }

    fn named(&mut self, field: &str, tool: &str) {
        if is_pattern(tool) || self.tools.iter().any(|known| known.name == tool) {
            return;
        }
        let known = self.tools.iter().map(|known| known.name.clone()).collect();
        let said = format!("there is no tool `{}`", brief(tool));
        self.unknown(field.to_owned(), said, tool, known);
    }

    /// A condition on an argument that none of the tools has can never be met.
    fn argument(&mut self, field: &str, grant: &Grant, caveat: &Caveat) {
        let meant = || {
            self.tools
                .iter()
                .filter(|tool| glob(&grant.tool, &tool.name))
        };
        if meant().next().is_none() || meant().any(|tool| has(tool, &caveat.arg)) {
            return;
        }
        let mut known: Vec<String> = meant().flat_map(|tool| arguments(tool)).collect();
        known.sort();
        known.dedup();
        let said = format!(
            "`{}` has no argument `{}`",
            brief(&grant.tool),
            brief(&caveat.arg)
        );
        self.unknown(format!("{field}.arg"), said, &caveat.arg, known);
    }

    // [W3] What the chain's own check leaves to the conjunction is told here: a child that names more
    // than its parent has was written by somebody who believes that it counts.
    fn against(&mut self, child: &Writ, parent: &Writ) {
        let wider = EffectClass::ALL
            .into_iter()
            .find(|class| child.effects.allows(*class) && !parent.effects.allows(*class));
        if let Some(class) = wider {
            let said = format!("{class} is more than its parent allows, {}", parent.effects);
            self.tell("effects", said);
        }
        if child.isolation_min < parent.isolation_min {
            let (own, least) = (child.isolation_min, parent.isolation_min);
            let said = format!("{own} is a weaker cage than its parent's {least}");
            self.tell("isolation_min", said);
        }
        for (at, grant) in child.grants.iter().enumerate() {
            let more = self.tools.iter().find(|tool| {
                let covers =
                    |grants: &[Grant]| grants.iter().any(|own| glob(&own.tool, &tool.name));
                glob(&grant.tool, &tool.name) && !covers(&parent.grants)
            });
            if let Some(tool) = more {
                let said = format!("its parent grants no `{}`", tool.name);
                self.tell(format!("grants[{at}].tool"), said);
            }
        }
    }

    // [W8] It would be asked about as the chain above says, whatever it names.
    fn rules(&mut self, writ: &Writ, above: &[&Writ]) {
        if above.is_empty() {
            return;
        }
        // Plan mode is no freer than no mode: it names nothing that could be believed to count.
        let least = preset_of(above.iter().copied());
        let least = if least == Mode::Custom {
            Mode::Plan
        } else {
            least
        };
        if let Some(own) = writ.preset.filter(|own| own.asks_less_than(least)) {
            let said = format!("`{own}` asks about less than the writs above it do");
            self.tell("preset", said);
        }
    }

    fn examples(&mut self, writ: &Writ, above: &[&Writ]) {
        for (at, sample) in writ.examples.allow.iter().enumerate() {
            let field = format!("examples.allow[{at}]");
            self.named(&format!("{field}.tool"), &sample.tool);
            self.kept(&field, sample, writ, above);
        }
        for (at, sample) in writ.examples.deny.iter().enumerate() {
            self.named(&format!("examples.deny[{at}].tool"), &sample.tool);
        }
    }

    fn kept(&mut self, field: &str, sample: &SampleCall, writ: &Writ, above: &[&Writ]) {
        if let Some(by) = above.iter().position(|link| !allows(link, sample)) {
            let said = format!("link {by} does not grant this call of `{}`", sample.tool);
            self.tell(field, said);
        }
        let floor = self.tools.iter().find(|tool| tool.name == sample.tool);
        if let Some(tool) = floor.filter(|tool| !writ.effects.allows(tool.effect_floor)) {
            let (floor, effects) = (tool.effect_floor, &writ.effects);
            let said = format!(
                "`{}` is {floor} at least, and effects are {effects}",
                sample.tool
            );
            self.tell(field, said);
        }
    }
}

fn properties(tool: &ToolContract) -> Option<&serde_json::Map<String, Value>> {
    tool.schema.get("properties").and_then(Value::as_object)
}

/// A tool that does not list its arguments may have any.
fn has(tool: &ToolContract, arg: &str) -> bool {
    properties(tool).is_none_or(|known| known.contains_key(arg))
}

fn arguments(tool: &ToolContract) -> Vec<String> {
    properties(tool).map_or_else(Vec::new, |known| known.keys().cloned().collect())
}

/// Why no argument can meet this, or every one does.
fn never_met(condition: &Condition) -> Option<String> {
    let no = match condition {
        Condition::Under(root) if root.split('/').any(|part| part == "..") => {
            format!(
                "`under` takes a folder without `..`, and `{}` is none",
                brief(root)
            )
        }
        Condition::Under(root) if root.starts_with('/') || root.is_empty() => {
            format!(
                "`under` takes a folder of the workspace, and `{}` is none",
                brief(root)
            )
        }
        Condition::CidrIn(blocks) => match blocks.iter().find(|block| !is_block(block)) {
            Some(block) => format!("`{}` is no block like 10.0.0.0/8", brief(block)),
            None if blocks.is_empty() => "`cidr_in` names no block".to_owned(),
            None => return None,
        },
        Condition::MethodIn(methods) => {
            let small = |method: &&String| method.bytes().any(|byte| byte.is_ascii_lowercase());
            match methods.iter().find(small) {
                Some(method) => format!("`{}` is not in upper case", brief(method)),
                None if methods.is_empty() => "`method_in` names no method".to_owned(),
                None => return None,
            }
        }
        Condition::HostIn(hosts) => match hosts.iter().find(|host| !is_host(host)) {
            Some(host) => format!("`{}` is no host; no scheme, port or path", brief(host)),
            None if hosts.is_empty() => "`host_in` names no host".to_owned(),
            None => return None,
        },
        Condition::Argv(slots) => match slots.iter().position(|slot| *slot == ArgvSlot::End) {
            _ if !matches!(slots.first(), Some(ArgvSlot::Is(_))) => {
                "`argv` has to name the command first".to_owned()
            }
            Some(at) if at + 1 < slots.len() => "`argv` goes on after its end".to_owned(),
            _ => return None,
        },
        Condition::OneOf(values) if values.is_empty() => "`one_of` names no value".to_owned(),
        Condition::Under(_)
        | Condition::Equals(_)
        | Condition::OneOf(_)
        | Condition::IntLe(_)
        | Condition::IntGe(_)
        | Condition::LenLe(_)
        | Condition::Glob(_) => return None,
    };
    Some(no)
}

fn is_block(block: &str) -> bool {
    let Some((base, bits)) = block.split_once('/') else {
        return false;
    };
    let most = match base.parse::<core::net::IpAddr>() {
        Ok(core::net::IpAddr::V4(_)) => 32,
        Ok(core::net::IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    bits.parse::<u8>().is_ok_and(|bits| bits <= most)
}

fn is_host(host: &str) -> bool {
    let name = host.strip_prefix("*.").unwrap_or(host);
    let address = name.parse::<core::net::IpAddr>().is_ok();
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    !name.is_empty() && (address || name.chars().all(letter))
}

fn brief(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests;
