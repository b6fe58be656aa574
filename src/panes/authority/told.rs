//! Writs, rules and changed verdicts as lines to read.

use thymos_core::Timestamp;
use thymos_core::budget::Dimension;
use thymos_protocol::{BudgetBar, ChangedVerdict, Policies, PolicyRow, WritRow, WritState};

use crate::panes::reader::Said;
use crate::theme::Role;
use crate::ui::share::{amount, bar};

use super::state::{Authority, AuthorityTab, PolicyItem};

/// Columns of the labels.
const LABEL: usize = 11;

/// Columns within a budget's bar.
const BAR: usize = 12;

/// What is told of the chosen row.
pub(crate) fn details(authority: &Authority, now: Timestamp) -> Vec<Said> {
    match authority.tab {
        AuthorityTab::Writs => authority.writ().map(|row| writ(row, now)),
        AuthorityTab::Policy => {
            authority
                .policy_items()
                .get(authority.place())
                .map(|item| match item {
                    PolicyItem::Set(policies) => set(policies),
                    PolicyItem::Bundle(row) => bundle(row),
                    PolicyItem::Refused(file) => refused(file),
                })
        }
        AuthorityTab::Simulation => authority.change().map(change),
    }
    .unwrap_or_default()
}

/// The role of a writ's state word.
pub(crate) fn state_role(state: WritState) -> Role {
    match state {
        WritState::InForce => Role::Ok,
        WritState::Standing => Role::Info,
        WritState::Issued => Role::Text,
        WritState::Expired => Role::Muted,
        WritState::Revoked => Role::Danger,
    }
}

/// When it ends: `until 2026-11-22 18:00:00, 3 h left`.
pub(crate) fn window(row: &WritRow, now: Timestamp) -> String {
    let from = if row.not_before > now {
        format!("from {}, ", moment(row.not_before))
    } else {
        String::new()
    };
    match row.expires_at {
        None => format!("{from}until revoked"),
        Some(end) if end <= now => format!("{from}ended {}", moment(end)),
        Some(end) => {
            format!("{from}until {}, {} left", moment(end), left(now, end))
        }
    }
}

/// `3 d`, `4 h`, `42 min`, `under 1 min`: changes once a minute at most.
pub(crate) fn left(now: Timestamp, end: Timestamp) -> String {
    match end.since(now) / 60_000 {
        0 => "under 1 min".to_owned(),
        minutes @ 1..120 => format!("{minutes} min"),
        minutes @ 120..2_880 => format!("{} h", minutes / 60),
        minutes => format!("{} d", minutes / 1_440),
    }
}

/// `2026-11-22 18:00:00 UTC`.
pub(crate) fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    let whole = text.split('.').next().unwrap_or(&text);
    format!("{} UTC", whole.replace('T', " "))
}

fn fact(head: &str, text: impl Into<String>) -> Said {
    Said::labelled(format!("{head:<LABEL$}"), Role::Text, text)
}

fn writ(row: &WritRow, now: Timestamp) -> Vec<Said> {
    let tenant = match row.tenant.as_str() {
        "" => "local",
        tenant => tenant,
    };
    let under = row
        .parent
        .map_or_else(|| "nothing: a root".to_owned(), |parent| parent.short());
    let mut lines = vec![
        fact("writ", row.name.clone()),
        Said::labelled(
            format!("{:<LABEL$}", "state"),
            state_role(row.state),
            row.state.word(),
        ),
    ];
    for remark in &row.remarks {
        lines.push(Said::labelled(
            format!("{:<LABEL$}", "NOTE"),
            Role::Warn,
            remark.clone(),
        ));
    }
    lines.extend([
        fact("effects", row.effects.clone()),
        fact("cage", row.isolation_min.clone()),
        fact("window", window(row, now)),
    ]);
    lines.extend(Dimension::ALL.iter().map(|at| budget(row, *at)));
    lines.push(Said::words(Role::Heading, "grants"));
    if row.grants.is_empty() {
        lines.push(Said::words(Role::Muted, "  none: it allows nothing"));
    }
    let grants = row.grants.iter();
    lines.extend(grants.map(|grant| Said::labelled("  - ", Role::Text, grant.clone())));
    lines.push(Said::words(Role::Heading, "revoking it would stop"));
    lines.extend(stops(row));
    lines.extend([
        Said::words(Role::Heading, "where it comes from"),
        fact("issuer", row.issuer.clone()),
        fact("subject", row.subject.clone()),
        fact("tenant", tenant),
        fact("under", under),
        fact("issued in", format!("t-{}", row.trajectory.short())),
        fact("below it", levels(row.max_depth)),
        fact("id", row.id.to_string()),
    ]);
    lines
}

/// What revoking a writ would stop.
pub(crate) fn stops(row: &WritRow) -> Vec<Said> {
    if row.stops.is_empty() {
        return vec![Said::words(Role::Muted, "  nothing that is open now")];
    }
    let stops = row.stops.iter();
    stops
        .map(|line| Said::labelled("  - ", Role::Text, line.clone()))
        .collect()
}

fn levels(depth: u32) -> String {
    match depth {
        0 => "nothing may be issued".to_owned(),
        1 => "1 level may be issued".to_owned(),
        depth => format!("{depth} levels may be issued"),
    }
}

fn budget(row: &WritRow, dimension: Dimension) -> Said {
    let none = BudgetBar {
        dimension,
        spent: 0,
        limit: None,
    };
    let found = row.budget.iter().find(|bar| bar.dimension == dimension);
    let BudgetBar { spent, limit, .. } = found.unwrap_or(&none);
    let pending = row.pending.amount(dimension);
    let held = if pending > 0 {
        format!(", {} held", amount(dimension, pending))
    } else {
        String::new()
    };
    let used = amount(dimension, *spent);
    let (text, role) = match limit {
        Some(limit) => {
            let drawn = bar(*spent, pending, *limit, BAR);
            let percent = crate::ui::gauge::percent(*spent, *limit);
            let role = match crate::ui::gauge::role(percent) {
                Role::Ok => Role::Text,
                worse => worse,
            };
            let limit = amount(dimension, *limit);
            (format!("{drawn} {used} of {limit}{held}"), role)
        }
        None => (format!("{used} spent, no limit{held}"), Role::Text),
    };
    Said {
        exact: true,
        ..Said::labelled(format!("{:<LABEL$}", dimension.to_string()), role, text)
    }
}

fn set(policies: &Policies) -> Vec<Said> {
    let mut lines = vec![
        fact("set", policies.set.to_string()),
        fact("bundles", policies.bundles.len().to_string()),
        Said::words(Role::Heading, "switches"),
    ];
    let switches = policies.switches.iter();
    lines.extend(switches.map(|text| Said::labelled("  - ", Role::Text, text.clone())));
    if !policies.refused.is_empty() {
        lines.push(Said::words(
            Role::Danger,
            "files that were not loaded; the set before them stays in force",
        ));
        let files = policies.refused.iter();
        lines.extend(files.map(|text| Said::labelled("  - ", Role::Warn, text.clone())));
    }
    lines
}

fn bundle(row: &PolicyRow) -> Vec<Said> {
    let signed = row.signed_by.clone();
    let mut lines = vec![
        fact("bundle", row.name.clone()),
        fact("version", row.version.clone()),
        fact("signed by", signed.unwrap_or_else(|| "built in".to_owned())),
        fact("default", row.default.clone()),
    ];
    if let Some(end) = row.until {
        lines.push(fact("until", format!("{end}, then nothing is allowed")));
    }
    lines.push(Said::words(Role::Heading, "rules, in order"));
    let rules = row.rules.iter();
    lines.extend(rules.map(|rule| Said::labelled("  - ", Role::Text, rule.clone())));
    lines
}

fn refused(file: &str) -> Vec<Said> {
    vec![
        Said::words(Role::Danger, "not loaded"),
        Said::words(Role::Warn, file),
        Said::words(
            Role::Text,
            "The set before it stays in force. R looks at the folder again.",
        ),
    ]
}

fn change(row: &ChangedVerdict) -> Vec<Said> {
    vec![
        fact("call", row.line.clone()),
        fact("tool", row.tool.clone()),
        fact("was", row.was.clone()),
        Said::labelled(
            format!("{:<LABEL$}", "would be"),
            Role::Strong,
            row.would_be.clone(),
        ),
        fact("because", row.because.clone()),
        fact(
            "entry",
            format!("seq {} of t-{}", row.seq, row.trajectory.short()),
        ),
        Said::words(Role::Muted, "Enter in the list goes to that entry."),
    ]
}
