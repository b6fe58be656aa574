//! From parsed markdown to lines.
//!
//! Walks events with a stack of its own, so deep nesting costs no stack; every piece of text
//! goes through safe text. HTML is shown as it is written, never obeyed.

use super::table::Table;
use crate::theme::{Role, Theme};
use crate::ui::safe_text::SafeText;
use crate::ui::wrap::wrap_hanging;
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

/// Quotes and lists nested deeper than this are drawn at this depth.
const DEPTH_MAX: usize = 8;

pub(super) fn render(source: &str, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut page = Page::new(width, theme);
    for event in Parser::new_ext(source, options) {
        page.event(event);
    }
    page.end_block();
    page.lines
}

/// Something that stands before every line within it.
enum Frame {
    Quote,
    /// The number of the next item, if the list is numbered; whether items stand apart.
    List {
        next: Option<u64>,
        loose: bool,
    },
    /// The mark of the item, until its first line is out; then blanks of its width.
    Item {
        mark: String,
        told: bool,
    },
}

struct Page<'t> {
    width: usize,
    theme: &'t Theme,
    lines: Vec<Line<'static>>,
    frames: Vec<Frame>,
    spans: Vec<Span<'static>>,
    styles: Vec<Style>,
    links: Vec<(String, usize)>,
    code: Option<String>,
    table: Option<Table>,
    // A blank line is due before the next block.
    gap: bool,
}

impl<'t> Page<'t> {
    fn new(width: usize, theme: &'t Theme) -> Self {
        Self {
            width,
            theme,
            lines: Vec::new(),
            frames: Vec::new(),
            spans: Vec::new(),
            styles: Vec::new(),
            links: Vec::new(),
            code: None,
            table: None,
            gap: false,
        }
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.code {
                Some(code) => code.push_str(&text),
                None => self.say(&text, None),
            },
            Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.say(&text, Some(Role::Code));
            }
            Event::Html(text) => match &mut self.code {
                Some(code) => code.push_str(&text),
                None => self.say(&text, Some(Role::Muted)),
            },
            Event::InlineHtml(text) => self.say(&text, Some(Role::Muted)),
            Event::FootnoteReference(name) => self.say(&format!("[^{name}]"), Some(Role::Muted)),
            Event::SoftBreak => self.say(" ", None),
            Event::HardBreak => self.break_line(),
            Event::Rule => {
                self.end_block();
                let rule = "─".repeat(self.room().min(40));
                self.spans
                    .push(Span::styled(rule, self.theme.style(Role::Border)));
                self.end_block();
            }
            Event::TaskListMarker(done) => self.say(if done { "[x] " } else { "[ ] " }, None),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph | Tag::DefinitionListTitle | Tag::DefinitionListDefinition => {
                self.end_block();
                if let [.., Frame::List { loose, .. }, Frame::Item { .. }] = &mut *self.frames {
                    *loose = true;
                }
            }
            Tag::Heading { level, .. } => {
                self.end_block();
                let style = self.theme.style(Role::Heading);
                self.styles.push(style);
                let sharp = "#".repeat(depth(level));
                self.spans.push(Span::styled(format!("{sharp} "), style));
            }
            Tag::BlockQuote(_) => {
                self.end_block();
                self.frames.push(Frame::Quote);
            }
            Tag::CodeBlock(_) | Tag::HtmlBlock | Tag::MetadataBlock(_) => {
                self.end_block();
                self.code = Some(String::new());
            }
            Tag::List(next) => {
                self.end_block();
                if let [.., Frame::List { loose, .. }, Frame::Item { .. }] = &*self.frames {
                    self.gap = *loose;
                }
                self.frames.push(Frame::List { next, loose: false });
            }
            Tag::Item => self.start_item(),
            Tag::Table(_) => {
                self.end_block();
                self.table = Some(Table::default());
            }
            Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.rows.push(Vec::new());
                }
            }
            Tag::TableHead => self.styles.push(self.theme.style(Role::Strong)),
            Tag::Emphasis => self.push_modifier(Modifier::ITALIC),
            Tag::Strong => self.push_modifier(Modifier::BOLD),
            Tag::Strikethrough => self.push_modifier(Modifier::CROSSED_OUT),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.links.push((dest_url.to_string(), self.spans.len()));
                self.styles.push(self.theme.style(Role::Link));
            }
            Tag::FootnoteDefinition(name) => {
                self.end_block();
                self.say(&format!("[^{name}]: "), Some(Role::Muted));
            }
            Tag::TableCell | Tag::DefinitionList | Tag::Superscript | Tag::Subscript => {}
        }
    }

    fn start_item(&mut self) {
        self.end_block();
        let mark = match self.frames.last_mut() {
            Some(Frame::List {
                next: Some(number), ..
            }) => {
                let mark = format!("{number}. ");
                *number = number.saturating_add(1);
                mark
            }
            _ => "- ".to_owned(),
        };
        self.frames.push(Frame::Item { mark, told: false });
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph
            | TagEnd::FootnoteDefinition
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition => self.end_block(),
            TagEnd::Heading(_) => {
                self.end_block();
                self.styles.pop();
            }
            TagEnd::BlockQuote(_) => {
                self.end_block();
                self.frames.pop();
            }
            TagEnd::CodeBlock | TagEnd::HtmlBlock | TagEnd::MetadataBlock(_) => self.end_code(),
            TagEnd::List(_) => {
                self.end_block();
                self.frames.pop();
                self.gap = true;
            }
            TagEnd::Item => self.end_item(),
            TagEnd::Table => {
                let table = self.table.take().unwrap_or_default();
                let lines = table.lines(self.room(), self.theme);
                lines.into_iter().for_each(|line| self.emit(line));
                self.gap = true;
            }
            TagEnd::TableHead => {
                self.styles.pop();
            }
            TagEnd::TableCell => self.end_cell(),
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => {
                self.styles.pop();
            }
            TagEnd::Link | TagEnd::Image => self.end_link(),
            TagEnd::TableRow | TagEnd::DefinitionList | TagEnd::Superscript | TagEnd::Subscript => {
            }
        }
    }

    fn end_item(&mut self) {
        let empty = matches!(self.frames.last(), Some(Frame::Item { told: false, .. }));
        if empty && self.spans.is_empty() {
            self.emit(Line::default());
        }
        self.end_block();
        self.frames.pop();
        self.gap = matches!(self.frames.last(), Some(Frame::List { loose: true, .. }));
    }

    fn end_cell(&mut self) {
        let cell = Line::from(std::mem::take(&mut self.spans));
        let Some(table) = &mut self.table else { return };
        match table.rows.last_mut() {
            Some(row) => row.push(cell),
            None => table.head.push(cell),
        }
    }

    /// Shows where a link goes, unless its text already says so.
    fn end_link(&mut self) {
        self.styles.pop();
        let Some((target, from)) = self.links.pop() else {
            return;
        };
        let told: String = self
            .spans
            .iter()
            .skip(from)
            .map(|span| span.content.as_ref())
            .collect();
        let safe = SafeText::exact(&target);
        if told != safe.shown() && !target.is_empty() {
            self.say(" (", Some(Role::Muted));
            self.spans.extend(safe.spans(self.theme, Role::Muted));
            self.say(")", Some(Role::Muted));
        }
    }

    fn end_code(&mut self) {
        let code = self.code.take().unwrap_or_default();
        for line in SafeText::lines(code.strip_suffix('\n').unwrap_or(&code)) {
            let mut spans = vec![Span::raw("  ")];
            spans.extend(line.spans(self.theme, Role::Code));
            self.emit(Line::from(spans));
        }
        self.gap = true;
    }

    fn push_modifier(&mut self, modifier: Modifier) {
        self.styles.push(self.style().add_modifier(modifier));
    }

    fn style(&self) -> Style {
        let base = if self
            .frames
            .iter()
            .any(|frame| matches!(frame, Frame::Quote))
        {
            Role::Quote
        } else {
            Role::Model
        };
        self.styles
            .last()
            .copied()
            .unwrap_or_else(|| self.theme.style(base))
    }

    fn say(&mut self, text: &str, role: Option<Role>) {
        let style = role.map_or_else(|| self.style(), |role| self.theme.style(role));
        for (at, line) in text.trim_end_matches('\n').split('\n').enumerate() {
            if at > 0 {
                self.break_line();
            }
            self.spans
                .extend(SafeText::line(line).spans_styled(self.theme, style));
        }
    }

    /// Ends a block of text; the next one stands apart.
    fn end_block(&mut self) {
        if !self.spans.is_empty() {
            self.break_line();
            self.gap = true;
        }
    }

    fn break_line(&mut self) {
        if self.table.is_some() {
            self.spans.push(Span::raw(" "));
            return;
        }
        let line = Line::from(std::mem::take(&mut self.spans));
        self.emit(line);
    }

    fn emit(&mut self, line: Line<'static>) {
        if std::mem::take(&mut self.gap) && !self.lines.is_empty() {
            let (quotes, _) = self.prefixes(false);
            self.lines.push(Line::from(trim(quotes)));
        }
        let (first, others) = self.prefixes(true);
        self.lines
            .extend(wrap_hanging(&line, self.width, &first, &others));
    }

    /// What stands before the first row and before the others; marks are told once.
    fn prefixes(&mut self, tell: bool) -> (Vec<Span<'static>>, Vec<Span<'static>>) {
        let (mut first, mut others) = (Vec::new(), Vec::new());
        let (quote, accent) = (
            self.theme.style(Role::Quote),
            self.theme.style(Role::Accent),
        );
        let framed = self
            .frames
            .iter_mut()
            .filter(|frame| !matches!(frame, Frame::List { .. }));
        for frame in framed.take(DEPTH_MAX) {
            match frame {
                Frame::Quote => {
                    first.push(Span::styled("| ", quote));
                    others.push(Span::styled("| ", quote));
                }
                Frame::Item { mark, told } => {
                    let blank = " ".repeat(mark.len());
                    if *told || !tell {
                        first.push(Span::raw(blank.clone()));
                    } else {
                        first.push(Span::styled(mark.clone(), accent));
                        *told = true;
                    }
                    others.push(Span::raw(blank));
                }
                Frame::List { .. } => {}
            }
        }
        (first, others)
    }

    fn room(&mut self) -> usize {
        let (prefix, _) = self.prefixes(false);
        let used: usize = prefix.iter().map(|span| span.content.len()).sum();
        self.width.saturating_sub(used).max(1)
    }
}

/// A line of prefixes only, without blanks at its end.
fn trim(mut spans: Vec<Span<'static>>) -> Vec<Span<'static>> {
    while let Some(last) = spans.last_mut() {
        let kept = last.content.trim_end().to_owned();
        if kept.is_empty() {
            spans.pop();
        } else {
            last.content = kept.into();
            break;
        }
    }
    spans
}

fn depth(level: HeadingLevel) -> usize {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}
