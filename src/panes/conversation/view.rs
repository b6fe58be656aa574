//! The story on cells: only what is in view is laid out, only rows are drawn.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use thymos_core::body::Role as Voice;

use crate::app::session::{Item, Said, Session, Standing};
use crate::app::{App, Pane};
use crate::theme::{Role, Theme};
use crate::ui::safe_text::SafeText;
use crate::ui::vlist::{Items, Viewport};
use crate::ui::wrap::wrap_hanging;
use crate::ui::{markdown, scroll};

use super::group::GroupView;
use super::state::Conversation;

/// Columns before the words: the speaker.
const SPEAKER_COLUMNS: usize = 7;

/// Prose is never wider than this.
const MEASURE_COLUMNS: usize = 100;

/// Lays out what is in view. Once before each frame.
pub(crate) fn prepare(app: &mut App, area: Rect) {
    let App {
        conversation,
        session,
        theme,
        ..
    } = app;
    conversation.hear(session);
    let width = usize::from(area.width.saturating_sub(1)).min(MEASURE_COLUMNS);
    let streaming = streaming_lines(conversation, session, width, theme);
    let height = usize::from(list_height(area, conversation));
    // Taken out while it asks about the rest of the pane.
    let mut list = std::mem::take(&mut conversation.list);
    let rows = Rows {
        session,
        conversation,
        theme,
        streaming,
    };
    list.layout(
        &rows,
        Viewport {
            width,
            height,
            epoch: theme.epoch(),
        },
    );
    conversation.list = list;
    conversation.seen();
}

/// Draws the rows laid out last.
pub(crate) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let conversation = &app.conversation;
    let height = list_height(area, conversation);
    let rows = Rect { height, ..area };
    conversation.list.draw(
        Rect {
            width: area.width.saturating_sub(1),
            ..rows
        },
        buffer,
    );
    if app.focus.pane() == Pane::Transcript {
        mark_selected(app, rows, buffer);
    }
    scroll::bar(
        conversation.list.extent(),
        rows,
        buffer,
        &app.theme,
        app.glyphs,
    );
    if height < area.height {
        let line = away(app);
        buffer.set_line(area.x, area.bottom() - 1, &line, area.width);
    }
}

/// One row less while the reader is away from the end, for the line that says so.
fn list_height(area: Rect, conversation: &Conversation) -> u16 {
    let away = !conversation.is_following() && area.height > 2;
    area.height - u16::from(away)
}

fn away(app: &App) -> Line<'static> {
    let above = app.conversation.list.extent().above;
    let older = match app.session.older() {
        0 => String::new(),
        older => format!(" and {older} older entries"),
    };
    let mut spans = vec![Span::styled(
        format!("  -- {above} rows above{older} --"),
        app.theme.style(Role::Muted),
    )];
    let text = match app.conversation.unseen() {
        0 => " G to follow --".to_owned(),
        unseen => format!(" {unseen} new, G to follow --"),
    };
    let role = if app.conversation.unseen() > 0 {
        Role::Warn
    } else {
        Role::Muted
    };
    spans.push(Span::styled(text, app.theme.style(role)));
    Line::from(spans)
}

fn mark_selected(app: &App, area: Rect, buffer: &mut Buffer) {
    let Some(selected) = app.conversation.selected(&app.session).map(Item::seq) else {
        return;
    };
    let Some(place) = app.session.story().place(selected) else {
        return;
    };
    let style = app.theme.style(Role::Selection);
    for (row, y) in app.conversation.list.rows().zip(area.y..area.bottom()) {
        if row.item == place {
            buffer.set_style(
                Rect {
                    x: area.x,
                    y,
                    width: area.width.saturating_sub(1),
                    height: 1,
                },
                style,
            );
        }
    }
}

/// What the list is asked for, item by item; the turn being thought comes last.
struct Rows<'a> {
    session: &'a Session,
    conversation: &'a Conversation,
    theme: &'a Theme,
    streaming: Vec<Line<'static>>,
}

impl Items for Rows<'_> {
    fn len(&self) -> usize {
        self.session.story().items().len() + usize::from(!self.streaming.is_empty())
    }

    fn version(&self, at: usize) -> u64 {
        let Some(item) = self.session.story().items().get(at) else {
            return self.conversation.streaming_version;
        };
        let open = u64::from(self.conversation.is_open(self.session, item));
        // Only a running call's lines follow what is live; all others stay as they are.
        let live = match item {
            Item::Group(group) if group.standing() == Standing::Running => {
                self.session.live().map_or(0, |live| live.version)
            }
            Item::Group(_) | Item::Said(_) | Item::Notice(_) => 0,
        };
        live << 16 | (item.version() as u64) << 1 | open
    }

    fn estimate(&self, at: usize, width: usize) -> u64 {
        match self.session.story().items().get(at) {
            Some(Item::Said(said)) => (said.text.len() / width.max(1)) as u64 + 2,
            Some(Item::Group(_) | Item::Notice(_)) => 1,
            None => self.streaming.len() as u64,
        }
    }

    fn lines(&self, at: usize, width: usize) -> Vec<Line<'static>> {
        let Some(item) = self.session.story().items().get(at) else {
            return self.streaming.clone();
        };
        let open = self.conversation.is_open(self.session, item);
        let theme = self.theme;
        match item {
            Item::Said(said) => said_lines(said, open, width, theme),
            Item::Group(group) => GroupView {
                session: self.session,
                group,
                open,
                width,
                theme,
            }
            .lines(),
            Item::Notice(notice) => {
                let role = if notice.warn { Role::Warn } else { Role::Muted };
                let fold = match (notice.more.is_empty(), open) {
                    (true, _) => "  -- ",
                    (false, true) => "▾ -- ",
                    (false, false) => "▸ -- ",
                };
                let mut lines = wrapped(&notice.line, role, width, theme, fold);
                for more in notice.more.iter().filter(|_| open) {
                    lines.extend(wrapped(more, Role::Muted, width, theme, "     "));
                }
                lines
            }
        }
    }
}

fn wrapped(text: &str, role: Role, width: usize, theme: &Theme, first: &str) -> Vec<Line<'static>> {
    let first = [Span::styled(first.to_owned(), theme.style(role))];
    wrap_hanging(
        &SafeText::line(text).to_line(theme, role),
        width,
        &first,
        &[Span::raw("     ")],
    )
}

fn said_lines(said: &Said, open: bool, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let body = width.saturating_sub(SPEAKER_COLUMNS);
    let (who, role) = match said.role {
        Voice::Operator => ("  you  ", Role::User),
        Voice::Steer => ("  you> ", Role::User),
        Voice::Model => ("  ai   ", Role::Model),
        Voice::Summary => ("  sum  ", Role::Muted),
        Voice::System => ("  --   ", Role::Muted),
        Voice::Parent => ("  task ", Role::User),
    };
    let mut lines = thinking(&said.reasoning, open, body, theme);
    match said.role {
        Voice::Model => lines.extend(markdown::render(&said.text, body, theme)),
        Voice::Operator | Voice::Steer | Voice::System | Voice::Summary | Voice::Parent => {
            for line in SafeText::lines(&said.text) {
                lines.extend(wrap_hanging(&line.to_line(theme, role), body, &[], &[]));
            }
        }
    }
    with_speaker(lines, who, role, theme)
}

/// Visible reasoning: one line unless it is opened.
fn thinking(reasoning: &str, open: bool, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    if reasoning.trim().is_empty() {
        return Vec::new();
    }
    let count = reasoning.lines().count();
    let unit = if count == 1 { "line" } else { "lines" };
    let fold = if open { "▾" } else { "▸" };
    let head = Line::styled(
        format!("{fold} thought, {count} {unit}"),
        theme.style(Role::Muted),
    );
    let mut lines = vec![head];
    for line in SafeText::lines(reasoning).into_iter().filter(|_| open) {
        lines.extend(wrap_hanging(
            &line.to_line(theme, Role::Muted),
            width,
            &[],
            &[],
        ));
    }
    lines
}

/// The speaker before the first line, blanks before the others, one blank line above.
fn with_speaker(
    lines: Vec<Line<'static>>,
    who: &'static str,
    role: Role,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mut rows = vec![Line::default()];
    for (at, line) in lines.into_iter().enumerate() {
        let lead = if at == 0 {
            Span::styled(who, theme.style(role))
        } else {
            Span::raw(" ".repeat(SPEAKER_COLUMNS))
        };
        let mut spans = vec![lead];
        spans.extend(
            line.spans
                .into_iter()
                .map(|span| span.patch_style(line.style)),
        );
        rows.push(Line::from(spans));
    }
    rows
}

fn streaming_lines(
    conversation: &mut Conversation,
    session: &Session,
    width: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let Some(live) = session.live() else {
        return Vec::new();
    };
    let body = width.saturating_sub(SPEAKER_COLUMNS);
    let mut lines = Vec::new();
    if let Some(notice) = &live.notice {
        lines.push(SafeText::line(notice).to_line(theme, Role::Warn));
    }
    lines.extend(thinking(&live.reasoning, false, body, theme));
    if !live.text.is_empty() {
        lines.extend(conversation.streaming.lines(body, theme));
    }
    for call in &live.calls {
        let mut line = vec![Span::styled("I ", theme.style(Role::Accent))];
        line.extend(SafeText::line(call).spans(theme, Role::Muted));
        line.push(Span::styled(" ..", theme.style(Role::Muted)));
        lines.push(Line::from(line));
    }
    if lines.is_empty() {
        lines
    } else {
        with_speaker(lines, "  ai   ", Role::Model, theme)
    }
}
