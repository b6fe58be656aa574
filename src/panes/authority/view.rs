//! The authority screen on cells: rows at one side, what is told of one at the other.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use thymos_core::Timestamp;
use thymos_protocol::{ChangedVerdict, WritRow};

use crate::app::{App, Pane};
use crate::theme::{Role, Theme};
use crate::ui::chrome::Glyphs;
use crate::ui::layout::Pair;
use crate::ui::row::{self, Row, RowStyle};
use crate::ui::safe_text::SafeText;
use crate::ui::vlist::{Items, Viewport};
use crate::ui::{chrome, scroll};

use super::state::{Authority, AuthorityTab, PolicyItem};
use super::told;

/// Lays out what is in view. Once before each frame.
pub(crate) fn prepare(app: &mut App, areas: Pair) {
    let focused = app.focus.pane() == Pane::Writs;
    let visible = app.overlays.is_empty();
    let view = Viewport {
        width: usize::from(areas.first.width.saturating_sub(3)),
        height: usize::from(areas.first.height.saturating_sub(2)),
        epoch: app.theme.epoch(),
    };
    let App {
        authority,
        theme,
        now,
        glyphs,
        ..
    } = app;
    let mut list = std::mem::take(&mut authority.list);
    let rows = Rows {
        authority,
        now: now.wall,
        focused,
        glyphs: *glyphs,
        theme,
    };
    list.layout(&rows, view);
    authority.list = list;
    let lines = told::details(authority, now.wall);
    authority.details.rewrite(lines);
    let inner = chrome::inside(areas.second);
    authority.details.prepare(inner, theme, visible);
}

/// Draws the rows laid out last.
pub(crate) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let focused = app.focus.pane() == Pane::Writs;
    let hints = hints(&app.authority);
    let pane = chrome::Pane {
        title: &SafeText::line(&title(&app.authority)),
        hints: if focused { &hints } else { &[] },
        focused,
        glyphs: app.glyphs,
    };
    let inner = chrome::pane(&pane, area, buffer, &app.theme);
    if app.authority.is_empty() {
        let line = SafeText::line(&nothing(&app.authority)).to_line(&app.theme, Role::Muted);
        chrome::put_lines(&[line], inner, buffer);
        return;
    }
    scroll::list(&app.authority.list, inner, buffer, &app.theme, app.glyphs);
}

/// Draws what is told of the chosen row.
pub(crate) fn draw_details(app: &App, area: Rect, buffer: &mut Buffer) {
    let focused = app.focus.pane() == Pane::Writ;
    let hints = [("y".to_owned(), "copy"), ("Esc".to_owned(), "back")];
    let title = match app.authority.tab {
        AuthorityTab::Writs => "writ".to_owned(),
        AuthorityTab::Policy => "policy".to_owned(),
        AuthorityTab::Simulation => found(&app.authority),
    };
    let pane = chrome::Pane {
        title: &SafeText::line(&title),
        hints: if focused { &hints } else { &[] },
        focused,
        glyphs: app.glyphs,
    };
    let inner = chrome::pane(&pane, area, buffer, &app.theme);
    app.authority.details.draw(inner, buffer, app);
}

/// `strict 1: 2 of 40 would change, 2 uncertain`.
fn found(authority: &Authority) -> String {
    let Some(found) = authority.simulation() else {
        return "simulation".to_owned();
    };
    let count = found.changes.len();
    let uncertain = match found.uncertain {
        0 => String::new(),
        count => format!(", {count} uncertain"),
    };
    format!(
        "{}: {count} of {} would change{uncertain}",
        found.candidate, found.decisions
    )
}

fn hints(authority: &Authority) -> Vec<(String, &'static str)> {
    let rows: &[(&str, &'static str)] = match authority.tab {
        AuthorityTab::Writs => &[
            ("t", "tab"),
            ("x", "revoke.."),
            ("m", "modes.."),
            ("w", "use a file.."),
            ("Enter", "read"),
        ],
        AuthorityTab::Policy => &[
            ("t", "tab"),
            ("R", "reload"),
            ("s", "simulate.."),
            ("Enter", "read"),
        ],
        AuthorityTab::Simulation => &[
            ("Enter", "go to the entry"),
            ("t", "tab"),
            ("s", "simulate.."),
        ],
    };
    rows.iter()
        .map(|(key, words)| ((*key).to_owned(), *words))
        .collect()
}

fn title(authority: &Authority) -> String {
    let writs = authority.writs().map_or(0, <[WritRow]>::len);
    let set = authority
        .policies()
        .map_or_else(|| "..".to_owned(), |policies| policies.set.short());
    let refused = match authority.policies().map_or(0, |it| it.refused.len()) {
        0 => String::new(),
        count => format!(" {count} REFUSED"),
    };
    // The hash only where the rules are: there is little room in a narrow title.
    let policy = match authority.tab {
        AuthorityTab::Policy => format!("policy {set}{refused}"),
        AuthorityTab::Writs | AuthorityTab::Simulation => format!("policy{refused}"),
    };
    let tab = |tab: AuthorityTab, text: String| {
        if authority.tab == tab {
            format!("[{text}]")
        } else {
            text
        }
    };
    let mut title = format!(
        "{} {}",
        tab(AuthorityTab::Writs, format!("writs {writs}")),
        tab(AuthorityTab::Policy, policy),
    );
    if let Some(found) = authority.simulation() {
        let text = format!("simulated {}", found.changes.len());
        title.push(' ');
        title.push_str(&tab(AuthorityTab::Simulation, text));
    } else if authority.simulating().is_some() {
        title.push(' ');
        title.push_str(&tab(AuthorityTab::Simulation, "deciding ..".to_owned()));
    }
    title
}

fn nothing(authority: &Authority) -> String {
    match authority.tab {
        AuthorityTab::Writs if authority.writs().is_some() => "no writ here".to_owned(),
        AuthorityTab::Writs | AuthorityTab::Policy => "asking ..".to_owned(),
        AuthorityTab::Simulation => match (authority.simulation(), authority.simulating()) {
            (Some(found), _) => {
                format!("{} decisions looked at: none would change", found.decisions)
            }
            (None, Some(path)) => format!("deciding history again under {path} .."),
            (None, None) => "nothing simulated yet: s asks for a bundle or a writ".to_owned(),
        },
    }
}

struct Rows<'a> {
    authority: &'a Authority,
    now: Timestamp,
    focused: bool,
    glyphs: Glyphs,
    theme: &'a Theme,
}

impl Items for Rows<'_> {
    fn len(&self) -> usize {
        self.authority.len()
    }

    /// Minutes left change by themselves; everything else with the version.
    fn version(&self, at: usize) -> u64 {
        let chosen = u64::from(self.authority.place() == at);
        let minute = self.now.as_ms() / 60_000;
        (self.authority.version << 40) ^ (minute << 2) ^ (chosen << 1) ^ u64::from(self.focused)
    }

    fn estimate(&self, _: usize, _: usize) -> u64 {
        1
    }

    fn lines(&self, at: usize, width: usize) -> Vec<Line<'static>> {
        let authority = self.authority;
        let found = match authority.tab {
            AuthorityTab::Writs => authority
                .writs()
                .and_then(|rows| rows.get(at))
                .map(|row| self.writ(row)),
            AuthorityTab::Policy => authority.policy_items().get(at).map(policy),
            AuthorityTab::Simulation => authority
                .simulation()
                .and_then(|found| found.changes.get(at))
                .map(change),
        };
        let Some((row, text, tail)) = found else {
            return Vec::new();
        };
        let style = RowStyle {
            text,
            tail,
            chosen: authority.place() == at,
            focused: self.focused,
        };
        vec![row::line(&row, style, width, self.theme)]
    }
}

impl Rows<'_> {
    fn writ(&self, row: &WritRow) -> (Row, Role, Role) {
        let depth = usize::try_from(row.depth).unwrap_or(0).min(16);
        let branch = match self.glyphs {
            Glyphs::Box => "└ ",
            Glyphs::Ascii => "`- ",
        };
        let lead = match depth {
            0 => String::new(),
            depth => format!("{}{branch}", "  ".repeat(depth - 1)),
        };
        let left = match row.expires_at {
            Some(end) if end > self.now => format!(", {} left", told::left(self.now, end)),
            Some(_) | None => String::new(),
        };
        let remarks = if row.remarks.is_empty() { "" } else { "! " };
        let told = Row {
            lead,
            text: SafeText::line(&format!("{remarks}{} {}", row.name, row.id.short())),
            more: SafeText::line(&format!("{}{left}", row.effects)),
            tail: SafeText::line(row.state.word()),
        };
        let role = if row.remarks.is_empty() {
            Role::Text
        } else {
            Role::Warn
        };
        (told, role, told::state_role(row.state))
    }
}

fn policy(item: &PolicyItem<'_>) -> (Row, Role, Role) {
    let row = |text: &str, more: String, tail: String| Row {
        lead: String::new(),
        text: SafeText::line(text),
        more: SafeText::line(&more),
        tail: SafeText::line(&tail),
    };
    match item {
        PolicyItem::Set(policies) => {
            let switches = format!("{} switches", policies.switches.len());
            (
                row("the set", switches, policies.set.short()),
                Role::Strong,
                Role::Accent,
            )
        }
        PolicyItem::Bundle(bundle) => {
            let signed = bundle.signed_by.as_ref();
            let by = signed.map_or_else(|| "built in".to_owned(), |name| format!("by {name}"));
            let rules = format!("{} rules, {by}", bundle.rules.len());
            (
                row(&bundle.name, rules, bundle.version.clone()),
                Role::Text,
                Role::Muted,
            )
        }
        PolicyItem::Refused(file) => (
            row(file, String::new(), "NOT LOADED".to_owned()),
            Role::Warn,
            Role::Danger,
        ),
    }
}

fn change(found: &ChangedVerdict) -> (Row, Role, Role) {
    let row = Row {
        lead: format!("{:>6} ", found.seq),
        text: SafeText::exact(&found.line),
        more: SafeText::default(),
        tail: SafeText::line(&format!("{} -> {}", found.was, found.would_be)),
    };
    (row, Role::Text, Role::Strong)
}
