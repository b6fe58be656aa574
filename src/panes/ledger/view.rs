//! The ledger on cells: the entries, or the world as of one of them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use thymos_protocol::{Event, FoundEnd};

use crate::app::{App, Pane};
use crate::panes::queue::words;
use crate::panes::reader::Said;
use crate::panes::reader::view::lines as reader_lines;
use crate::theme::{Role, Theme};
use crate::ui::badge::Badge;
use crate::ui::safe_text::SafeText;
use crate::ui::vlist::{Items, Viewport};
use crate::ui::{chrome, scroll};

use super::row::{Told, told};
use super::sheet::Sheet;
use super::state::{Ledger, Verification};
use super::world::World;

/// Columns of each field, besides what takes the rest.
const SEQ: usize = 7;
const RUN: usize = 8;
const KIND: usize = 9;
/// Where there is room, every kind is told whole.
const KIND_WHOLE: usize = 17;
const EFFECT: usize = 9;
const VERDICT: usize = 9;
const BY: usize = 16;
const COST: usize = 8;
const TIME: usize = 8;

/// Lays out what is in view; wakes the app when some of it is not loaded.
pub(crate) fn prepare(app: &mut App, area: Rect) {
    let view = Viewport {
        width: usize::from(area.width.saturating_sub(3)),
        height: usize::from(area.height.saturating_sub(3)),
        epoch: app.theme.epoch(),
    };
    let App { ledger, theme, .. } = app;
    if let Some(sheet) = &mut ledger.sheet {
        let mut list = std::mem::take(&mut sheet.list);
        let view = Viewport {
            height: view.height + 1,
            ..view
        };
        list.layout(&SheetRows { sheet, theme }, view);
        sheet.list = list;
        return;
    }
    if let Some(world) = &mut ledger.world {
        let mut list = std::mem::take(&mut world.list);
        list.layout(&WorldRows { world, theme }, view);
        world.list = list;
        return;
    }
    let mut list = std::mem::take(&mut ledger.list);
    list.layout(&Rows { ledger, theme }, view);
    ledger.list = list;
    if ledger.is_waiting() && !ledger.is_asking() && view.height > 0 {
        app.wake_at(app.now.mono);
    }
}

/// Draws the rows laid out last.
pub(crate) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let focused = app.focus.pane() == Pane::Ledger;
    let ledger = &app.ledger;
    let hints = hints(ledger);
    let pane = chrome::Pane {
        title: &SafeText::line(&title(app)),
        hints: if focused { &hints } else { &[] },
        focused,
        glyphs: app.glyphs,
    };
    let inner = chrome::pane(&pane, area, buffer, &app.theme);
    if inner.height == 0 {
        return;
    }
    let width = usize::from(inner.width.saturating_sub(1));
    let (head, list) = match (&ledger.sheet, &ledger.world) {
        (Some(sheet), _) => {
            let text = Rect {
                width: inner.width.saturating_sub(1),
                ..inner
            };
            sheet.list.draw(text, buffer);
            mark(app, text, buffer);
            scroll::bar(sheet.list.extent(), inner, buffer, &app.theme, app.glyphs);
            return;
        }
        (None, Some(world)) => (world_head(width), &world.list),
        (None, None) => (head(width, ledger.is_of_log()), &ledger.list),
    };
    let head = Line::styled(head, app.theme.style(Role::Muted));
    buffer.set_line(inner.x, inner.y, &head, inner.width);
    let body = Rect {
        y: inner.y + 1,
        height: inner.height - 1,
        ..inner
    };
    let text = Rect {
        width: body.width.saturating_sub(1),
        ..body
    };
    list.draw(text, buffer);
    mark(app, text, buffer);
    scroll::bar(list.extent(), body, buffer, &app.theme, app.glyphs);
}

fn hints(ledger: &Ledger) -> Vec<(String, &'static str)> {
    if let Some(sheet) = &ledger.sheet {
        return [
            ("Enter", sheet.opens),
            ("P", "provenance"),
            ("y", "copy"),
            ("Esc", "back"),
        ]
        .map(|(key, words)| (key.to_owned(), words))
        .to_vec();
    }
    let rows: &[(&str, &'static str)] = if ledger.world.is_some() {
        &[
            ("Enter", "read the file"),
            ("P", "provenance"),
            (".", "back to the head"),
            ("Esc", "back"),
        ]
    } else if ledger.is_of_log() {
        &[
            ("Enter", "inspect"),
            ("o", "its run"),
            ("f", "filter"),
            ("/", "search"),
            ("V", "verify"),
            ("Esc", "this run"),
        ]
    } else {
        &[
            ("Enter", "inspect"),
            ("f", "filter"),
            ("/", "search"),
            ("P", "provenance"),
            ("r", "world here"),
            ("V", "verify"),
            (".", "follow"),
        ]
    };
    rows.iter()
        .map(|(key, words)| ((*key).to_owned(), *words))
        .collect()
}

fn title(app: &App) -> String {
    let ledger = &app.ledger;
    let seeking = ledger.seeking.map_or_else(String::new, |seeking| {
        format!(" - looking back {} %, Esc stops", seeking.percent())
    });
    if let Some(sheet) = &ledger.sheet {
        return format!("{}{seeking}", sheet.title);
    }
    if let Some(world) = &ledger.world {
        let rows = world.view.rows.len();
        let digest = world.view.digest.get(..8).unwrap_or(&world.view.digest);
        return format!(
            "AT SEQ {} - {rows} resources of this run - world {digest}..{seeking}",
            world.view.seq
        );
    }
    let mut title = format!("ledger{seeking}{}", filter_title(ledger));
    if let Verification::Running(_) = ledger.verification {
        title.push_str(" - verifying ..");
    }
    if let Some(hits) = &ledger.search {
        title.push_str(&format!(" - / {} {} hits", hits.text, hits.len()));
        if let Some(searching) = ledger.searching {
            title.push_str(&format!(" at {} %, Esc stops", searching.percent()));
        }
    }
    if !ledger.is_following() {
        title.push_str(" - . follows");
    }
    title
}

/// How many entries there are; or what the filter let through, and of how many: what it has not looked at
/// is never told as if it had.
fn filter_title(ledger: &Ledger) -> String {
    let Some(filtered) = &ledger.filtered else {
        let all = match ledger.trajectory() {
            Some(_) => format!(" - {} entries", ledger.len()),
            None => " - opening ..".to_owned(),
        };
        return match &ledger.filtering {
            Some(text) => format!("{all} - filter {text} .., Esc stops"),
            None => all,
        };
    };
    let found = format!(" - filter {} - {}", filtered.text, filtered.len());
    match (filtered.end, ledger.finding) {
        (None, Some(finding)) => {
            format!("{found} in {} of {}, Esc stops", finding.done, finding.of)
        }
        (Some(FoundEnd::Whole), _) if filtered.of_log => {
            format!("{found} in all {} of the log", filtered.looked_at)
        }
        (Some(FoundEnd::Whole), _) => {
            format!("{found} up to seq {}", filtered.looked_at.saturating_sub(1))
        }
        (Some(FoundEnd::Cancelled) | None, _) => {
            format!("{found} in the first {}, stopped", filtered.looked_at)
        }
    }
}

/// Marks the chosen row, over what it is made of.
fn mark(app: &App, area: Rect, buffer: &mut Buffer) {
    let (list, chosen) = match (&app.ledger.sheet, &app.ledger.world) {
        (Some(sheet), _) => (&sheet.list, sheet.chosen() as u64),
        (None, Some(world)) => (&world.list, world.chosen() as u64),
        (None, None) => (&app.ledger.list, app.ledger.chosen()),
    };
    let focused = app.focus.pane() == Pane::Ledger;
    for (row, y) in list.rows().zip(area.y..area.bottom()) {
        if row.item as u64 != chosen {
            continue;
        }
        // Not by colour alone, and also while the inspector is looked at.
        if row.line == 0 {
            buffer.set_string(area.x, y, "▸", app.theme.style(Role::Focus));
        }
        if focused {
            let place = Rect {
                y,
                height: 1,
                ..area
            };
            buffer.set_style(place, app.theme.style(Role::Selection));
        }
    }
}

/// Which columns fit. `what` takes the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fit {
    run: bool,
    kind: usize,
    verdict: bool,
    effect: bool,
    by: bool,
    cost: bool,
    time: bool,
    what: usize,
}

/// `of_log`: rows of the whole log have their run in them, which takes the room of something else.
fn fit(width: usize, of_log: bool) -> Fit {
    let run = if of_log { RUN + 1 } else { 0 };
    let least = |columns: usize| width >= columns + run;
    let (cost, by, effect, time) = (least(110), least(92), least(68), least(58));
    let verdict = !of_log || least(48);
    let taken = |on: bool, columns: usize| if on { columns + 1 } else { 0 };
    let kind = if width >= 110 { KIND_WHOLE } else { KIND };
    let fixed = 1
        + SEQ
        + run
        + 1
        + kind
        + 1
        + taken(verdict, VERDICT)
        + taken(effect, EFFECT)
        + taken(by, BY)
        + taken(cost, COST)
        + taken(time, TIME);
    Fit {
        run: of_log,
        kind,
        verdict,
        effect,
        by,
        cost,
        time,
        what: width.saturating_sub(fixed),
    }
}

fn head(width: usize, of_log: bool) -> String {
    let fit = fit(width, of_log);
    let place = match fit.run {
        true => format!("{:>SEQ$} {:<RUN$}", "index", "run"),
        false => format!("{:>SEQ$}", "seq"),
    };
    let mut text = format!(
        " {place} {:<kind$} {:<what$} ",
        "kind",
        "what",
        kind = fit.kind,
        what = fit.what
    );
    if fit.effect {
        text.push_str(&format!("{:<EFFECT$} ", "effect"));
    }
    if fit.verdict {
        text.push_str(&format!("{:<VERDICT$}", "verdict"));
    }
    if fit.by {
        text.push_str(&format!(" {:<BY$}", "by"));
    }
    if fit.cost {
        text.push_str(&format!(" {:>COST$}", "cost"));
    }
    if fit.time {
        text.push_str(&format!(" {:<TIME$}", "time"));
    }
    text
}

fn entry(ledger: &Ledger, event: &Event, width: usize, theme: &Theme) -> Line<'static> {
    let fit = fit(width, ledger.is_of_log());
    let Told {
        what,
        effect,
        verdict,
        by,
        cost,
    } = told(event);
    let marked = if ledger.is_marked(event) { "m" } else { " " };
    let place = match fit.run {
        true => format!("{:>SEQ$} {:<RUN$}", event.index, event.trajectory.short()),
        false => format!("{:>SEQ$}", event.seq),
    };
    let mut spans = vec![Span::styled(
        format!("{marked}{place} "),
        theme.style(Role::Muted),
    )];
    let mut put = |text: &str, columns: usize, role: Role| {
        let text = SafeText::line(text).shortened(columns);
        let gap = columns.saturating_sub(text.width()) + 1;
        spans.extend(text.spans(theme, role));
        spans.push(Span::raw(" ".repeat(gap)));
    };
    put(&event.kind, fit.kind, Role::Accent);
    put(&what, fit.what, Role::Text);
    if fit.effect {
        let role = effect.map_or(Role::Text, words::role);
        put(effect.map_or("", |effect| effect.word()), EFFECT, role);
    }
    if fit.verdict {
        let role = verdict.map_or(Role::Text, Badge::role);
        put(verdict.map_or("", Badge::word), VERDICT, role);
    }
    if fit.by {
        put(&by, BY, Role::Text);
    }
    if fit.cost {
        put(&format!("{cost:>COST$}"), COST, Role::Muted);
    }
    if fit.time {
        put(&words::clock(event.at_ms), TIME, Role::Muted);
    }
    Line::from(spans)
}

struct Rows<'a> {
    ledger: &'a Ledger,
    theme: &'a Theme,
}

impl Items for Rows<'_> {
    fn len(&self) -> usize {
        usize::try_from(self.ledger.rows()).unwrap_or(usize::MAX)
    }

    fn version(&self, at: usize) -> u64 {
        let event = self.ledger.event(at as u64);
        let marked = event.is_some_and(|event| self.ledger.is_marked(event));
        // A filter's rows and all rows share places: the entry itself tells them apart.
        event.map_or(0, |event| (event.index + 1) << 1 | u64::from(marked))
    }

    fn estimate(&self, _: usize, _: usize) -> u64 {
        1
    }

    fn lines(&self, at: usize, width: usize) -> Vec<Line<'static>> {
        let line = match self.ledger.event(at as u64) {
            Some(event) => entry(self.ledger, event, width, self.theme),
            None => Line::styled(format!(" {at:>SEQ$} .."), self.theme.style(Role::Muted)),
        };
        vec![line]
    }
}

const VERSION: usize = 7;

fn world_head(width: usize) -> String {
    let resource = width / 2;
    format!(
        " {:<resource$} {:>VERSION$} {:>SEQ$}  value",
        "resource", "version", "set by"
    )
}

struct SheetRows<'a> {
    sheet: &'a Sheet,
    theme: &'a Theme,
}

impl Items for SheetRows<'_> {
    fn len(&self) -> usize {
        self.sheet.rows.len()
    }

    fn version(&self, _: usize) -> u64 {
        0
    }

    fn estimate(&self, _: usize, _: usize) -> u64 {
        1
    }

    fn lines(&self, at: usize, width: usize) -> Vec<Line<'static>> {
        let Some(row) = self.sheet.rows.get(at) else {
            return Vec::new();
        };
        let said = Said {
            head: format!(" {}", row.said.head),
            ..row.said.clone()
        };
        reader_lines(&said, width, self.theme)
    }
}

struct WorldRows<'a> {
    world: &'a World,
    theme: &'a Theme,
}

impl Items for WorldRows<'_> {
    fn len(&self) -> usize {
        self.world.view.rows.len()
    }

    fn version(&self, _: usize) -> u64 {
        0
    }

    fn estimate(&self, _: usize, _: usize) -> u64 {
        1
    }

    fn lines(&self, at: usize, width: usize) -> Vec<Line<'static>> {
        let Some(row) = self.world.view.rows.get(at) else {
            return Vec::new();
        };
        let room = width / 2;
        let name = SafeText::path(&row.resource).shortened(room);
        let gap = room.saturating_sub(name.width());
        let mut spans = vec![Span::raw(" ")];
        spans.extend(name.spans(self.theme, Role::Text));
        let numbers = format!(
            "{} {:>VERSION$} {:>SEQ$}  ",
            " ".repeat(gap),
            row.version,
            row.seq
        );
        spans.push(Span::styled(numbers, self.theme.style(Role::Muted)));
        spans.extend(SafeText::line(&row.value).spans(self.theme, Role::Text));
        vec![Line::from(spans)]
    }
}
