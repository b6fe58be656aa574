//! A ratatui backend that writes into memory, and the canvas around it.
//!
//! Answers every question from memory: the terminal is never asked. Sends changed cells only,
//! with the shortest move and the smallest change of style.

use crate::theme::sgr::{Plane, push_color};
use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect, Size};
use ratatui::style::{Color, Modifier};
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};
use std::collections::BTreeSet;
use std::convert::Infallible;
use unicode_width::UnicodeWidthStr;

/// The largest screen drawn; beyond it the rest stays empty.
pub const SIZE_MAX: Size = Size {
    width: 1000,
    height: 500,
};

/// A gap of blanks up to this long is written out; a step over it takes three bytes or more.
const BLANK_GAP_MAX: usize = 3;

/// Fewer changed cells than this are drawn without hiding the cursor.
const HIDE_CURSOR_CELLS: usize = 16;

/// A screen in memory that gives each frame as bytes.
pub struct Canvas {
    terminal: Terminal<ByteBackend>,
}

impl Canvas {
    /// A canvas whose first frame draws everything.
    #[must_use]
    pub fn new(size: Size) -> Self {
        Self {
            terminal: terminal(ByteBackend::new(clamp(size))),
        }
    }

    /// The size drawn.
    #[must_use]
    pub fn size(&self) -> Size {
        self.terminal.backend().size
    }

    /// Takes a new size; the next frame clears and draws everything, in one piece.
    pub fn resize(&mut self, size: Size) {
        let mut backend = ByteBackend::new(clamp(size));
        backend.synchronized = self.terminal.backend().synchronized;
        self.terminal = terminal(backend);
    }

    /// Makes the next frame clear and draw everything, as after a suspend.
    pub fn redraw(&mut self) {
        self.resize(self.size());
    }

    /// Wraps frames in DEC 2026 from now on; only if the terminal said it knows it.
    pub fn synchronize(&mut self, on: bool) {
        self.terminal.backend_mut().synchronized = on;
    }

    /// Draws one frame; empty when nothing changed.
    pub fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> Vec<u8> {
        let Ok(_) = self.terminal.draw(|frame| {
            render(frame);
            mend_halves(frame.buffer_mut());
        });
        self.terminal.backend_mut().take_frame()
    }
}

/// A wide glyph whose second column was written over is gone, as on a real screen; left in
/// the buffer it would hide the later one, and the next difference would miss it.
fn mend_halves(buffer: &mut Buffer) {
    let width = usize::from(buffer.area.width).max(1);
    for row in buffer.content.chunks_mut(width) {
        for at in 0..row.len() {
            let wide = row
                .get(at)
                .is_some_and(|cell| !cell.symbol().is_ascii() && cell.symbol().width() > 1);
            let whole = row.get(at + 1).is_some_and(|next| next.symbol() == " ");
            match row.get_mut(at..at + 2) {
                // What is hidden under its second column is not on the screen, so it must not pass
                // for it in the next difference.
                Some([_, hidden]) if wide && whole => hidden.reset(),
                Some([cell, _]) if wide => {
                    cell.set_symbol(" ");
                }
                None if wide => row.iter_mut().skip(at).for_each(|cell| {
                    cell.set_symbol(" ");
                }),
                _ => {}
            }
        }
    }
}

fn clamp(size: Size) -> Size {
    Size {
        width: size.width.clamp(1, SIZE_MAX.width),
        height: size.height.clamp(1, SIZE_MAX.height),
    }
}

fn terminal(backend: ByteBackend) -> Terminal<ByteBackend> {
    let area = Rect::new(0, 0, backend.size.width, backend.size.height);
    let options = TerminalOptions {
        viewport: Viewport::Fixed(area),
    };
    let Ok(terminal) = Terminal::with_options(backend, options);
    terminal
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct CellStyle {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

const PLAIN: CellStyle = CellStyle {
    fg: Color::Reset,
    bg: Color::Reset,
    modifier: Modifier::empty(),
};

impl CellStyle {
    fn of(cell: &Cell) -> Self {
        Self {
            fg: cell.fg,
            bg: cell.bg,
            modifier: cell.modifier,
        }
    }
}

/// The backend: what has been sent, and what is still to be sent.
#[derive(Debug)]
pub struct ByteBackend {
    out: Vec<u8>,
    size: Size,
    synchronized: bool,
    clear_first: bool,
    // Where the terminal's cursor is; unknown after a glyph whose width may be disputed.
    cursor: Option<Position>,
    style: CellStyle,
    shown: bool,
    wanted: Option<Position>,
    // Which cells show nothing at all, row by row: a short gap of them is cheaper to write
    // than to step over.
    blank: Vec<bool>,
    // Where glyphs of two columns stand, as (row, column) of their first.
    wide: BTreeSet<(u16, u16)>,
}

impl ByteBackend {
    fn new(size: Size) -> Self {
        Self {
            out: Vec::new(),
            size,
            synchronized: false,
            clear_first: true,
            cursor: None,
            style: PLAIN,
            shown: false,
            wanted: None,
            blank: vec![true; usize::from(size.width) * usize::from(size.height)],
            wide: BTreeSet::new(),
        }
    }

    fn take_frame(&mut self) -> Vec<u8> {
        let body = std::mem::take(&mut self.out);
        let start: &[u8] = if std::mem::take(&mut self.clear_first) {
            b"\x1b[?25l\x1b[m\x1b[2J"
        } else {
            b""
        };
        if body.is_empty() && start.is_empty() {
            return body;
        }
        let (open, close): (&[u8], &[u8]) = if self.synchronized {
            (b"\x1b[?2026h", b"\x1b[?2026l")
        } else {
            (b"", b"")
        };
        [open, start, &body, close].concat()
    }

    fn push(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn move_to(&mut self, to: Position) {
        if self.cursor == Some(to) {
            return;
        }
        let absolute = match (to.x, to.y) {
            (0, 0) => "\x1b[H".to_owned(),
            (0, y) => format!("\x1b[{}H", y + 1),
            (x, y) => format!("\x1b[{};{}H", y + 1, x + 1),
        };
        if let Some(gap) = self.blank_gap(to) {
            self.push(&" ".repeat(gap));
            self.cursor = Some(to);
            return;
        }
        let shorter = self.cursor.and_then(|from| relative(from, to));
        match shorter {
            Some(moves) if moves.len() < absolute.len() => self.push(&moves),
            Some(_) | None => self.push(&absolute),
        }
        self.cursor = Some(to);
    }

    /// The columns up to there, if they are few, blank, and would stay so when written.
    fn blank_gap(&self, to: Position) -> Option<usize> {
        let from = self.cursor.filter(|from| from.y == to.y)?;
        let gap = usize::from(to.x.checked_sub(from.x)?);
        let seen = Modifier::REVERSED | Modifier::UNDERLINED | Modifier::CROSSED_OUT;
        let shows = self.style.bg != Color::Reset || self.style.modifier.intersects(seen);
        let start = self.place(from);
        let cells = self.blank.get(start..start + gap)?;
        (gap <= BLANK_GAP_MAX && !shows && cells.iter().all(|blank| *blank)).then_some(gap)
    }

    fn place(&self, at: Position) -> usize {
        usize::from(at.y) * usize::from(self.size.width) + usize::from(at.x)
    }

    fn note_blank(&mut self, at: Position, count: usize, blank: bool) {
        let start = self.place(at);
        let end = self.blank.len().min(start + count);
        if let Some(cells) = self.blank.get_mut(start..end) {
            cells.fill(blank);
        }
    }

    fn set_style(&mut self, to: CellStyle) {
        let from = self.style;
        if from == to {
            return;
        }
        let fresh = change(PLAIN, to, String::from("\x1b["));
        let whole = if to == PLAIN {
            "\x1b[m".to_owned()
        } else {
            fresh.replacen("[", "[0;", 1)
        };
        let lost = from.modifier - to.modifier;
        if lost.is_empty() {
            let delta = change(from, to, String::from("\x1b["));
            let best = if delta.len() < whole.len() {
                delta
            } else {
                whole
            };
            self.push(&best);
        } else {
            self.push(&whole);
        }
        self.style = to;
    }

    /// Blanks what would be left of wide glyphs written over in part: terminals disagree on
    /// the style of the other half.
    fn blank_halves(&mut self, at: Position, width: u16) {
        let end = at.x.saturating_add(width);
        let over: Vec<_> = self
            .wide
            .range((at.y, at.x)..(at.y, end))
            .copied()
            .collect();
        let reach = over
            .iter()
            .map(|(_, x)| x.saturating_add(2))
            .max()
            .unwrap_or(end);
        for place in over {
            self.wide.remove(&place);
        }
        if reach > end {
            self.move_to(at);
            self.set_style(PLAIN);
            self.push(&" ".repeat(usize::from(reach - at.x)));
            self.cursor = None;
        }
    }

    fn put(&mut self, at: Position, cell: &Cell) {
        let symbol = cell.symbol();
        let width = u16::try_from(symbol.width()).unwrap_or(1).max(1);
        self.blank_halves(at, width);
        if width > 1 {
            self.wide.insert((at.y, at.x));
        }
        self.move_to(at);
        self.set_style(CellStyle::of(cell));
        let blank = symbol == " " && CellStyle::of(cell) == PLAIN;
        self.note_blank(at, usize::from(width), blank);
        // The last defence; safe_text should have left nothing of the kind.
        if symbol.chars().any(char::is_control) {
            self.push("?");
        } else {
            self.push(symbol);
        }
        let next = at.x.saturating_add(width);
        let sure = symbol.chars().count() == 1 && !is_disputed(symbol);
        // At the right edge terminals differ on where the cursor waits.
        self.cursor = (sure && next < self.size.width).then_some(Position { x: next, y: at.y });
    }
}

/// Emoji and the like: terminals disagree on their width.
fn is_disputed(symbol: &str) -> bool {
    symbol
        .chars()
        .any(|ch| matches!(u32::from(ch), 0x2600..=0x27BF | 0x1F000.. | 0x2B00..=0x2BFF))
        && !matches!(symbol, "✓" | "✗")
}

/// A move by steps, if one is known to be right.
fn relative(from: Position, to: Position) -> Option<String> {
    if to.y == from.y {
        return Some(match to.x.checked_sub(from.x) {
            _ if to.x == 0 => "\r".to_owned(),
            Some(1) => "\x1b[C".to_owned(),
            Some(right) => format!("\x1b[{right}C"),
            None if from.x - to.x == 1 => "\x08".to_owned(),
            None => format!("\x1b[{}D", from.x - to.x),
        });
    }
    let next_row = to.y == from.y + 1;
    match (next_row, to.x) {
        (true, x) if x == from.x => Some("\n".to_owned()),
        (true, 0) => Some("\r\n".to_owned()),
        _ => None,
    }
}

/// The SGR that goes from one style to another, where no modifier is lost.
fn change(from: CellStyle, to: CellStyle, mut text: String) -> String {
    let part = |text: &mut String| {
        if !text.ends_with('[') {
            text.push(';');
        }
    };
    const CODES: [(Modifier, char); 6] = [
        (Modifier::BOLD, '1'),
        (Modifier::DIM, '2'),
        (Modifier::ITALIC, '3'),
        (Modifier::UNDERLINED, '4'),
        (Modifier::REVERSED, '7'),
        (Modifier::CROSSED_OUT, '9'),
    ];
    for (modifier, code) in CODES {
        if (to.modifier - from.modifier).contains(modifier) {
            part(&mut text);
            text.push(code);
        }
    }
    if to.fg != from.fg {
        part(&mut text);
        push_color(&mut text, to.fg, Plane::Front);
    }
    if to.bg != from.bg {
        part(&mut text);
        push_color(&mut text, to.bg, Plane::Back);
    }
    text.push('m');
    text
}

impl Backend for ByteBackend {
    type Error = Infallible;

    fn draw<'a, I>(&mut self, content: I) -> Result<(), Infallible>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let cells: Vec<_> = content.collect();
        if cells.len() > HIDE_CURSOR_CELLS && self.shown && !self.synchronized {
            self.push("\x1b[?25l");
            self.shown = false;
        }
        let mut at = 0;
        while let Some((x, y, cell)) = cells.get(at) {
            let position = Position { x: *x, y: *y };
            let run = blank_run(cells.get(at..).unwrap_or_default());
            if run > 4 && usize::from(*x) + run == usize::from(self.size.width) {
                self.move_to(position);
                self.set_style(PLAIN);
                self.push("\x1b[K");
                self.note_blank(position, run, true);
                self.wide.retain(|(row, column)| *row != *y || *column < *x);
                at += run;
            } else {
                self.put(position, cell);
                at += 1;
            }
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> Result<(), Infallible> {
        self.wanted = None;
        Ok(())
    }

    fn show_cursor(&mut self) -> Result<(), Infallible> {
        self.wanted.get_or_insert_default();
        Ok(())
    }

    fn get_cursor_position(&mut self) -> Result<Position, Infallible> {
        Ok(self.cursor.unwrap_or_default())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> Result<(), Infallible> {
        if let Some(wanted) = &mut self.wanted {
            *wanted = position.into();
        }
        Ok(())
    }

    fn clear(&mut self) -> Result<(), Infallible> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, _: ClearType) -> Result<(), Infallible> {
        // Only the whole is ever cleared, and only at the head of a frame.
        self.clear_first = true;
        Ok(())
    }

    fn size(&self) -> Result<Size, Infallible> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> Result<WindowSize, Infallible> {
        Ok(WindowSize {
            columns_rows: self.size,
            pixels: Size::default(),
        })
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        self.set_style(PLAIN);
        match self.wanted {
            Some(position) => {
                self.move_to(position);
                if !self.shown {
                    self.push("\x1b[?25h");
                }
                self.shown = true;
            }
            None => {
                if self.shown {
                    self.push("\x1b[?25l");
                }
                self.shown = false;
            }
        }
        Ok(())
    }
}

/// How many cells from the first on are plain blanks of one row, side by side.
fn blank_run(cells: &[(u16, u16, &Cell)]) -> usize {
    let Some((first_x, first_y, _)) = cells.first() else {
        return 0;
    };
    cells
        .iter()
        .enumerate()
        .take_while(|(step, (x, y, cell))| {
            let beside = usize::from(*x) == usize::from(*first_x) + step && y == first_y;
            beside && cell.symbol() == " " && CellStyle::of(cell) == PLAIN
        })
        .count()
}
