//! Authority modes as writs `[W8]`: what each preset grants, and how two writs differ in words.
//!
//! Makes bodies only; a session signs and records them.

use thymos_core::Timestamp;
use thymos_core::budget::{Budget, Dimension};
use thymos_core::caveat::{Caveat, Condition};
use thymos_core::effect::{EffectClass, Effects};
use thymos_core::isolation::Rung;
use thymos_core::verdict::SmallestGrant;
use thymos_core::writ::{Delegation, Examples, Grant, Mode, Party, Window, Writ};

/// What a mode's writ grants besides tools: how much, and for how long. From config.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModeTerms {
    /// The budget; `None` in a dimension is unlimited.
    pub budget: Budget,
    /// How long it holds, milliseconds.
    pub window_ms: u64,
}

impl ModeTerms {
    /// What holds unless config says otherwise: a forgotten session ends by itself.
    #[must_use]
    pub const fn standard() -> Self {
        Self {
            budget: Budget {
                tokens: Some(2_000_000),
                tool_calls: Some(500),
                wall_clock_ms: Some(4 * 60 * 60 * 1000),
                usd_millicents: Some(500_000),
            },
            window_ms: 24 * 60 * 60 * 1000,
        }
    }
}

/// Writs that may be issued below a mode's writ, one below the other: skills and delegated runs.
const DEPTH_MAX: u32 = 8;

/// What a mode's writ is made from.
#[derive(Debug, Clone)]
pub struct ModeRequest {
    /// Which preset. `Custom` has none of its own and reads as `Plan`.
    pub mode: Mode,
    /// The operator.
    pub issuer: Party,
    /// The session.
    pub subject: Party,
    /// Of which tenant.
    pub tenant: String,
    /// Random bytes.
    pub nonce: [u8; 16],
    /// From when.
    pub now: Timestamp,
    /// How much, and for how long.
    pub terms: ModeTerms,
}

/// The writ of a mode, unsigned.
#[must_use]
pub fn mode_writ(request: ModeRequest) -> Writ {
    let mode = request.mode;
    Writ {
        v: 1,
        nonce: Writ::nonce(request.nonce),
        name: mode.word().to_owned(),
        issuer: request.issuer,
        subject: request.subject,
        parent: None,
        tenant: request.tenant,
        grants: grants(mode),
        effects: Effects::Ceiling(ceiling(mode)),
        isolation_min: Rung::L1,
        budget: request.terms.budget,
        window: Window {
            not_before: request.now,
            expires_at: Some(request.now.plus_ms(request.terms.window_ms)),
        },
        delegation: Delegation {
            max_depth: DEPTH_MAX,
            may_subdivide: true,
        },
        examples: Examples::default(),
        preset: None,
        pre_answer: None,
    }
}

/// The most dangerous class of a mode.
#[must_use]
pub const fn ceiling(mode: Mode) -> EffectClass {
    match mode {
        Mode::Plan | Mode::Custom => EffectClass::Read,
        Mode::Edit | Mode::Auto => EffectClass::External,
    }
}

fn grants(mode: Mode) -> Vec<Grant> {
    let plain = |tool: &str| Grant {
        tool: tool.into(),
        caveats: Vec::new(),
    };
    let inside = |tool: &str| Grant {
        tool: tool.into(),
        caveats: vec![Caveat {
            arg: "path".into(),
            must: Condition::Under(".".into()),
        }],
    };
    let mut grants = vec![
        inside("fs_read"),
        plain("list_files"),
        plain("grep"),
        plain("glob"),
        plain("kv_get"),
        plain("kv_list"),
        plain("memory_recall"),
        plain("memory_list"),
        plain("shell"),
        plain("delegate"),
    ];
    match mode {
        Mode::Plan | Mode::Custom => {}
        Mode::Edit | Mode::Auto => {
            grants.extend([
                inside("fs_write"),
                inside("fs_patch"),
                plain("kv_set"),
                plain("kv_delete"),
                plain("test_run"),
                // [D3] The operator's own; the model is never offered it.
                plain("restore"),
            ]);
            // What is remembered steers later sessions, so only the widest mode may write it.
            if mode == Mode::Auto {
                grants.push(plain("memory_write"));
                grants.push(plain("memory_forget"));
            }
        }
    }
    grants
}

/// The difference of two writs, one line a change; empty when they allow the same.
#[must_use]
pub fn difference(from: Option<&Writ>, to: &Writ) -> Vec<String> {
    let Some(from) = from else {
        return describe(to);
    };
    let mut lines = Vec::new();
    if from.effects != to.effects {
        lines.push(format!("~ effects {} -> {}", from.effects, to.effects));
    }
    if from.preset != to.preset {
        lines.push(format!("~ rules of {} -> {}", rules(from), rules(to)));
    }
    for grant in to
        .grants
        .iter()
        .filter(|grant| !from.grants.contains(grant))
    {
        lines.push(format!("+ {}", grant_words(grant)));
    }
    for grant in from
        .grants
        .iter()
        .filter(|grant| !to.grants.contains(grant))
    {
        lines.push(format!("- {}", grant_words(grant)));
    }
    if from.isolation_min != to.isolation_min {
        lines.push(format!(
            "~ weakest cage {} -> {}",
            from.isolation_min, to.isolation_min
        ));
    }
    for dimension in Dimension::ALL {
        let (old, new) = (from.budget.limit(dimension), to.budget.limit(dimension));
        if old != new {
            lines.push(format!("~ {dimension} {} -> {}", amount(old), amount(new)));
        }
    }
    if from.window.expires_at != to.window.expires_at {
        lines.push(format!("~ ends {}", end(to)));
    }
    lines
}

fn describe(writ: &Writ) -> Vec<String> {
    let mut lines = vec![format!("+ effects {}", writ.effects)];
    lines.extend(
        writ.grants
            .iter()
            .map(|grant| format!("+ {}", grant_words(grant))),
    );
    lines.push(format!("+ ends {}", end(writ)));
    lines
}

/// Whose rules hold for calls under it: of a mode's own writ, its own.
fn rules(writ: &Writ) -> &str {
    writ.preset.map_or("its own mode", Mode::word)
}

fn end(writ: &Writ) -> String {
    writ.window
        .expires_at
        .map_or_else(|| "never".into(), |at| at.to_string())
}

fn amount(limit: Option<u64>) -> String {
    limit.map_or_else(|| "unlimited".into(), |limit| limit.to_string())
}

/// A grant in words: `fs_write with path under .`.
#[must_use]
pub fn grant_words(grant: &Grant) -> String {
    if grant.caveats.is_empty() {
        return grant.tool.clone();
    }
    let caveats: Vec<String> = grant.caveats.iter().map(caveat_words).collect();
    format!("{} with {}", grant.tool, caveats.join(" and "))
}

/// The smallest grant in words `[C16]`.
#[must_use]
pub fn suggestion(grant: &SmallestGrant) -> String {
    match grant {
        SmallestGrant::Writ { grant, effects } => {
            format!(
                "a writ granting {} with effects {effects}",
                grant_words(grant)
            )
        }
        SmallestGrant::Budget { dimension, amount } => {
            let known = Dimension::ALL.into_iter();
            let known = known.map(|known| (known.to_string(), known.unit()));
            let mut known = known.filter(|(name, _)| name == dimension);
            let unit = known.next().map_or(dimension.as_str(), |(_, unit)| unit);
            format!("{amount} more {unit}")
        }
        SmallestGrant::Rule { forbidden_by } if forbidden_by.starts_with("closed/") => {
            "mending the policy file that is refused".to_owned()
        }
        SmallestGrant::Rule { forbidden_by } => format!("a change of the rule `{forbidden_by}`"),
        SmallestGrant::Change { hint } => hint.clone(),
    }
}

fn caveat_words(caveat: &Caveat) -> String {
    let arg = &caveat.arg;
    match &caveat.must {
        Condition::Under(root) if root == "." => format!("{arg} inside the workspace"),
        Condition::Under(root) => format!("{arg} under `{root}`"),
        Condition::HostIn(hosts) => format!("{arg} on {}", hosts.join(", ")),
        Condition::CidrIn(blocks) => format!("{arg} within {}", blocks.join(", ")),
        Condition::MethodIn(methods) => format!("method {}", methods.join(", ")),
        Condition::Argv(slots) => {
            let words: Vec<&str> = slots
                .iter()
                .map(|slot| match slot {
                    thymos_core::caveat::ArgvSlot::Is(word) => word.as_str(),
                    thymos_core::caveat::ArgvSlot::Any => "<any>",
                    thymos_core::caveat::ArgvSlot::End => "<end>",
                })
                .collect();
            format!("{arg} starting `{}`", words.join(" "))
        }
        Condition::Equals(value) => format!("{arg} equal to {value}"),
        Condition::OneOf(values) => {
            let words: Vec<String> = values.iter().map(ToString::to_string).collect();
            format!("{arg} one of {}", words.join(", "))
        }
        Condition::IntLe(most) => format!("{arg} at most {most}"),
        Condition::IntGe(least) => format!("{arg} at least {least}"),
        Condition::LenLe(most) => format!("{arg} of length at most {most}"),
        Condition::Glob(pattern) => format!("{arg} matching `{pattern}`"),
    }
}
