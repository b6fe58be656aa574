//! crossterm's events to ours: the only translation.
//!
//! Pure. Releases, sizes and unknown keys come to nothing; sizes are asked of the driver.

use super::{Mouse, TermInput};
use crate::keymap::{Key, KeyCode, Mods};
use crossterm::event::{
    Event, KeyCode as TheirCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind,
};

/// Rows that one notch of the wheel goes.
const WHEEL_LINES: i8 = 3;

/// A paste longer than this is cut; the app spills far smaller ones to a mark already.
pub(super) const PASTE_BYTES_MAX: usize = 8 * 1024 * 1024;

pub(super) fn translate(event: Event) -> Option<TermInput> {
    match event {
        Event::Key(key) => translate_key(key).map(TermInput::Key),
        Event::Paste(text) => Some(TermInput::Paste(clean_paste(text))),
        Event::FocusGained => Some(TermInput::Focus(true)),
        Event::FocusLost => Some(TermInput::Focus(false)),
        Event::Mouse(mouse) => {
            let (x, y) = (mouse.column, mouse.row);
            let found = match mouse.kind {
                MouseEventKind::Down(MouseButton::Left) => Mouse::Click { x, y },
                MouseEventKind::ScrollUp => Mouse::Wheel {
                    x,
                    y,
                    lines: -WHEEL_LINES,
                },
                MouseEventKind::ScrollDown => Mouse::Wheel {
                    x,
                    y,
                    lines: WHEEL_LINES,
                },
                _ => return None,
            };
            Some(TermInput::Mouse(found))
        }
        // SIGWINCH is heard by signals.rs, with the size from the driver.
        Event::Resize(..) => None,
    }
}

fn translate_key(event: KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let mut mods = Mods::NONE;
    for (theirs, ours) in [
        (KeyModifiers::CONTROL, Mods::CTRL),
        (KeyModifiers::ALT, Mods::ALT),
        (KeyModifiers::SHIFT, Mods::SHIFT),
    ] {
        if event.modifiers.contains(theirs) {
            mods = mods.with(ours);
        }
    }
    let code = match event.code {
        TheirCode::Char(ch) => KeyCode::Char(control_name(ch, mods)),
        TheirCode::Enter => KeyCode::Enter,
        TheirCode::Esc => KeyCode::Esc,
        TheirCode::Tab => KeyCode::Tab,
        TheirCode::BackTab => {
            mods = mods.with(Mods::SHIFT);
            KeyCode::Tab
        }
        TheirCode::Backspace => KeyCode::Backspace,
        TheirCode::Delete => KeyCode::Delete,
        TheirCode::Insert => KeyCode::Insert,
        TheirCode::Up => KeyCode::Up,
        TheirCode::Down => KeyCode::Down,
        TheirCode::Left => KeyCode::Left,
        TheirCode::Right => KeyCode::Right,
        TheirCode::Home => KeyCode::Home,
        TheirCode::End => KeyCode::End,
        TheirCode::PageUp => KeyCode::PageUp,
        TheirCode::PageDown => KeyCode::PageDown,
        TheirCode::F(number) => KeyCode::F(number),
        _ => return None,
    };
    Some(Key::new(code, mods))
}

/// crossterm names the bytes 0x1c to 0x1f Ctrl-4 to Ctrl-7; people know them otherwise.
fn control_name(ch: char, mods: Mods) -> char {
    match ch {
        '4' if mods.has(Mods::CTRL) => '\\',
        '5' if mods.has(Mods::CTRL) => ']',
        '6' if mods.has(Mods::CTRL) => '^',
        '7' if mods.has(Mods::CTRL) => '_',
        other => other,
    }
}

/// One kind of line end, and a length that memory can bear.
pub(super) fn clean_paste(mut text: String) -> String {
    if text.len() > PASTE_BYTES_MAX {
        let end = (0..=PASTE_BYTES_MAX)
            .rev()
            .find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or(0));
    }
    if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n")
    } else {
        text
    }
}
