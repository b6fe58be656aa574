//! Tests of the terminal room: bytes out through a terminal in memory, bytes in by the piece.

use super::clipboard::{CopyRefusal, copy, wrap};
use super::decode::{clean_paste, translate};
use super::early::{Early, Item};
use super::probe::{QUESTIONS, Reply};
use super::screen::{ENTER, RESET};
use super::*;
use crate::keymap::{KeyCode, Mods};
use crossterm::event::{Event, KeyCode as TheirCode, KeyEvent, KeyEventKind, KeyModifiers};
use proptest::prelude::*;
use ratatui::Frame;
use ratatui::style::{Color, Modifier, Style};
use std::num::NonZeroU16;

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap()
}

fn parser(height: u16, width: u16) -> vt100::Parser {
    vt100::Parser::new(cells(height), cells(width), 0)
}

struct Eye {
    canvas: Canvas,
    parser: vt100::Parser,
}

impl Eye {
    fn new(width: u16, height: u16) -> Self {
        let canvas = Canvas::new(Size { width, height });
        Self {
            canvas,
            parser: parser(height, width),
        }
    }

    fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> usize {
        let bytes = self.canvas.draw(render);
        self.parser.process(&bytes);
        bytes.len()
    }

    fn row(&self, row: u16) -> String {
        let width = self.parser.screen().size().1.get();
        let text = self
            .parser
            .screen()
            .rows(0, width)
            .nth(usize::from(row))
            .unwrap();
        text.trim_end().to_owned()
    }
}

fn put(frame: &mut Frame<'_>, x: u16, y: u16, text: &str, style: Style) {
    frame.buffer_mut().set_string(x, y, text, style);
}

#[test]
fn a_frame_shows_what_was_drawn() {
    let mut eye = Eye::new(20, 4);
    let red = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
    eye.draw(|frame| {
        put(frame, 0, 0, "top left", Style::new());
        put(frame, 3, 2, "red", red);
        put(frame, 16, 3, "edge", Style::new().bg(Color::Rgb(1, 2, 3)));
        frame.set_cursor_position((5, 1));
    });
    assert_eq!(eye.row(0), "top left");
    assert_eq!(eye.row(2), "   red");
    assert_eq!(eye.row(3), "                edge");
    let screen = eye.parser.screen();
    let cell = screen.cell(2, 4).unwrap();
    assert_eq!((cell.fgcolor(), cell.bold()), (vt100::Color::Idx(1), true));
    assert_eq!(
        screen.cell(3, 19).unwrap().bgcolor(),
        vt100::Color::Rgb(1, 2, 3)
    );
    assert_eq!(screen.cell(0, 0).unwrap().fgcolor(), vt100::Color::Default);
    assert_eq!(
        (screen.cursor_position(), screen.hide_cursor()),
        ((1, 5), false)
    );
}

#[test]
fn a_frame_without_change_is_no_bytes() {
    let mut eye = Eye::new(20, 4);
    let render = |frame: &mut Frame<'_>| {
        put(frame, 0, 0, "same", Style::new());
        frame.set_cursor_position((4, 0));
    };
    assert!(eye.draw(render) > 0);
    assert_eq!(eye.draw(render), 0);
}

#[test]
fn one_keystroke_is_a_few_bytes() {
    let mut eye = Eye::new(80, 24);
    let line = |text: &'static str| {
        move |frame: &mut Frame<'_>| {
            put(frame, 2, 20, text, Style::new());
            frame.set_cursor_position((2 + u16::try_from(text.len()).unwrap(), 20));
        }
    };
    eye.draw(line("hell"));
    assert_eq!(eye.draw(line("hello")), 1);
    assert_eq!(eye.row(20), "  hello");
}

#[test]
fn words_cost_little_more_than_their_letters() {
    let mut eye = Eye::new(80, 24);
    eye.draw(|_| {});
    let text = "a row of words, with blanks between";
    let bytes = eye.draw(|frame| put(frame, 0, 5, text, Style::new()));
    assert!(bytes <= text.len() + 6, "{bytes}");
    assert_eq!(eye.row(5), text);
}

#[test]
fn wide_glyphs_and_emoji_keep_their_places() {
    let mut eye = Eye::new(20, 2);
    eye.draw(|frame| put(frame, 0, 0, "日本x😀y", Style::new()));
    assert_eq!(eye.row(0), "日本x😀y");
    eye.draw(|frame| put(frame, 0, 0, "日-x😀z", Style::new()));
    assert_eq!(eye.row(0), "日-x😀z");
}

#[test]
fn a_new_size_clears_and_draws_all_in_one_piece() {
    let mut eye = Eye::new(20, 4);
    eye.draw(|frame| put(frame, 0, 3, "old", Style::new()));
    eye.canvas.resize(Size {
        width: 10,
        height: 2,
    });
    eye.parser.screen_mut().set_size(cells(2), cells(10));
    eye.draw(|frame| put(frame, 0, 1, "new", Style::new()));
    assert_eq!((eye.row(0).as_str(), eye.row(1).as_str()), ("", "new"));
}

#[test]
fn control_bytes_never_reach_the_terminal() {
    let mut canvas = Canvas::new(Size {
        width: 10,
        height: 1,
    });
    let bytes = canvas.draw(|frame| {
        frame.buffer_mut()[(0, 0)].set_symbol("\x1b]0;x\x07");
    });
    assert!(!bytes.windows(2).any(|pair| pair == b"\x1b]"));
}

#[test]
fn a_frame_is_wrapped_only_when_the_terminal_knows_how() {
    let mut canvas = Canvas::new(Size {
        width: 10,
        height: 1,
    });
    let plain = canvas.draw(|frame| put(frame, 0, 0, "a", Style::new()));
    assert!(!plain.windows(5).any(|window| window == b"?2026"));
    canvas.synchronize(true);
    let wrapped = canvas.draw(|frame| put(frame, 0, 0, "b", Style::new()));
    assert!(wrapped.starts_with(b"\x1b[?2026h") && wrapped.ends_with(b"\x1b[?2026l"));
    canvas.redraw();
    let again = canvas.draw(|frame| put(frame, 0, 0, "b", Style::new()));
    assert!(again.starts_with(b"\x1b[?2026h"));
}

#[test]
fn leaving_undoes_entering() {
    let mut parser = parser(5, 20);
    parser.process(b"shell$ ");
    parser.process(ENTER);
    assert!(parser.screen().alternate_screen() && parser.screen().bracketed_paste());
    parser.process(b"\x1b[31mapp\x1b[?1000h\x1b[?1006h");
    parser.process(RESET);
    let screen = parser.screen();
    assert!(!screen.alternate_screen() && !screen.bracketed_paste() && !screen.hide_cursor());
    assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    assert_eq!(screen.rows(0, 20).next().unwrap().trim_end(), "shell$");
    assert_eq!(screen.fgcolor(), vt100::Color::Default);
}

fn random_frame(cells: &[(u16, u16, u8, u8)]) -> impl FnOnce(&mut Frame<'_>) + '_ {
    move |frame| {
        for (x, y, glyph, style) in cells {
            let symbol = ["a", " ", "日", "é", "#"][usize::from(*glyph % 5)];
            let mut made = Style::new();
            if style & 1 != 0 {
                made = made.fg(Color::Green);
            }
            if style & 2 != 0 {
                made = made.bg(Color::Indexed(99));
            }
            if style & 4 != 0 {
                made = made.add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
            }
            if style & 8 != 0 {
                made = made.add_modifier(Modifier::REVERSED);
            }
            frame.buffer_mut().set_string(*x, *y, symbol, made);
        }
    }
}

/// Colours, bold, underline and reverse of a cell, as a terminal holds them.
type Look = (vt100::Color, vt100::Color, bool, bool, bool);

fn look(parser: &vt100::Parser) -> Vec<(String, Look)> {
    let (rows, columns) = parser.screen().size();
    let (rows, columns) = (rows.get(), columns.get());
    let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    places
        .map(|(row, column)| {
            let cell = parser.screen().cell(row, column).unwrap();
            let text = if cell.contents().is_empty() {
                " "
            } else {
                cell.contents()
            };
            let style = (
                cell.fgcolor(),
                cell.bgcolor(),
                cell.bold(),
                cell.underline(),
                cell.inverse(),
            );
            // Weight and colour of a blank cannot be seen.
            let seen = text != " " || style.1 != vt100::Color::Default || style.3 || style.4;
            let none = vt100::Color::Default;
            (
                text.to_owned(),
                if seen {
                    style
                } else {
                    (none, none, false, false, false)
                },
            )
        })
        .collect()
}

proptest! {
    #[test]
    fn differences_add_up_to_the_whole(
        before in prop::collection::vec((0u16..11, 0u16..4, any::<u8>(), any::<u8>()), 0..40),
        after in prop::collection::vec((0u16..11, 0u16..4, any::<u8>(), any::<u8>()), 0..40),
    ) {
        let mut eye = Eye::new(12, 4);
        eye.draw(random_frame(&before));
        eye.draw(random_frame(&after));
        let mut fresh = Eye::new(12, 4);
        fresh.draw(random_frame(&after));
        prop_assert_eq!(look(&eye.parser), look(&fresh.parser));
    }
}

fn check_early(bytes: &[u8], expected: &[Item]) {
    for step in [1, 2, 3, bytes.len().max(1)] {
        let mut early = Early::default();
        let mut items: Vec<Item> = bytes
            .chunks(step)
            .flat_map(|piece| early.feed(piece))
            .collect();
        items.extend(early.finish());
        assert_eq!(
            items,
            expected,
            "{:?} by {step}",
            String::from_utf8_lossy(bytes)
        );
        assert!(early.is_whole());
    }
}

fn key(code: KeyCode, mods: Mods) -> Item {
    Item::Input(TermInput::Key(Key::new(code, mods)))
}

fn char_key(ch: char) -> Item {
    key(KeyCode::Char(ch), Mods::NONE)
}

#[test]
fn answers_are_taken_out_of_what_is_typed() {
    check_early(
        b"a\x1b[?2026;2$yb\x1b[?1u\x1b[?62;4cc",
        &[
            char_key('a'),
            Item::Reply(Reply::Mode {
                mode: 2026,
                value: 2,
            }),
            char_key('b'),
            Item::Reply(Reply::KittyKeys),
            Item::Reply(Reply::Fence),
            char_key('c'),
        ],
    );
}

#[test]
fn early_keys_are_decoded() {
    check_early("é日".as_bytes(), &[char_key('é'), char_key('日')]);
    check_early(b"\r", &[key(KeyCode::Enter, Mods::NONE)]);
    check_early(b"\n", &[key(KeyCode::Char('j'), Mods::CTRL)]);
    check_early(
        b"\x18a",
        &[key(KeyCode::Char('x'), Mods::CTRL), char_key('a')],
    );
    check_early(b"\x1f", &[key(KeyCode::Char('_'), Mods::CTRL)]);
    check_early(
        b"\x7f\t",
        &[
            key(KeyCode::Backspace, Mods::NONE),
            key(KeyCode::Tab, Mods::NONE),
        ],
    );
    check_early(
        b"\x1b[A\x1bOB",
        &[key(KeyCode::Up, Mods::NONE), key(KeyCode::Down, Mods::NONE)],
    );
    check_early(b"\x1b[1;5C", &[key(KeyCode::Right, Mods::CTRL)]);
    check_early(
        b"\x1b[5~\x1b[15~",
        &[
            key(KeyCode::PageUp, Mods::NONE),
            key(KeyCode::F(5), Mods::NONE),
        ],
    );
    check_early(b"\x1b[Z", &[key(KeyCode::Tab, Mods::SHIFT)]);
    check_early(b"\x1bb", &[key(KeyCode::Char('b'), Mods::ALT)]);
    check_early(b"\x1b", &[key(KeyCode::Esc, Mods::NONE)]);
    check_early(b"\x1b[I", &[Item::Input(TermInput::Focus(true))]);
}

#[test]
fn an_early_paste_is_one_piece_and_no_enter() {
    let paste = Item::Input(TermInput::Paste("rm -rf\nx \x1b[?62c y".into()));
    check_early(b"\x1b[200~rm -rf\r\nx \x1b[?62c y\x1b[201~", &[paste]);
    let mut early = Early::default();
    assert_eq!(early.feed(b"\x1b[200~half\r"), []);
    assert!(early.in_paste() && !early.is_whole());
}

#[test]
fn strings_of_the_terminal_are_never_typed() {
    check_early(b"\x1b]11;rgb:0000/0000/0000\x07a", &[char_key('a')]);
    check_early(b"\x1bP>|xterm(1)\x1b\\a", &[char_key('a')]);
    check_early(b"\x1b[>0;1;2cx", &[char_key('x')]);
}

#[test]
fn the_fence_is_the_last_question() {
    assert!(QUESTIONS.ends_with(b"\x1b[c"));
    let mut report = ProbeReport::default();
    report.take(Reply::Mode {
        mode: 2026,
        value: 0,
    });
    assert!(!report.synchronized && !report.answered);
    report.take(Reply::Mode {
        mode: 2026,
        value: 1,
    });
    report.take(Reply::Fence);
    assert!(report.synchronized && report.answered && !report.kitty_keys);
}

fn check_key(code: TheirCode, modifiers: KeyModifiers, expected: &str) {
    let event = Event::Key(KeyEvent::new(code, modifiers));
    assert_eq!(
        translate(event),
        Some(TermInput::Key(expected.parse().unwrap()))
    );
}

#[test]
fn keys_are_translated() {
    check_key(TheirCode::Char('x'), KeyModifiers::CONTROL, "<C-x>");
    check_key(TheirCode::Char('G'), KeyModifiers::SHIFT, "G");
    check_key(TheirCode::BackTab, KeyModifiers::SHIFT, "<S-Tab>");
    check_key(TheirCode::BackTab, KeyModifiers::NONE, "<S-Tab>");
    check_key(TheirCode::Char('7'), KeyModifiers::CONTROL, "<C-_>");
    check_key(TheirCode::Enter, KeyModifiers::ALT, "<A-Enter>");
    check_key(TheirCode::F(1), KeyModifiers::NONE, "<F1>");
}

#[test]
fn releases_and_sizes_come_to_nothing() {
    let mut event = KeyEvent::new(TheirCode::Char('a'), KeyModifiers::NONE);
    event.kind = KeyEventKind::Release;
    assert_eq!(translate(Event::Key(event)), None);
    event.kind = KeyEventKind::Repeat;
    assert!(translate(Event::Key(event)).is_some());
    assert_eq!(translate(Event::Resize(1, 1)), None);
}

#[test]
fn a_paste_has_one_kind_of_line_end() {
    assert_eq!(clean_paste("a\r\nb\rc\n".into()), "a\nb\nc\n");
}

#[test]
fn copies_go_through_multiplexers() {
    assert_eq!(
        copy("hi", Multiplexer::None).unwrap(),
        b"\x1b]52;c;aGk=\x07"
    );
    assert_eq!(
        copy("abc", Multiplexer::None).unwrap(),
        b"\x1b]52;c;YWJj\x07"
    );
    let tmux = copy("a", Multiplexer::Tmux).unwrap();
    assert_eq!(tmux, b"\x1bPtmux;\x1b\x1b]52;c;YQ==\x07\x1b\\");
    let pieces = wrap(&[b'x'; 600], Multiplexer::Screen);
    assert_eq!(pieces.len(), 600 + 2 * 4);
    let long = "x".repeat(clipboard::COPY_BYTES_MAX + 1);
    let length = long.len();
    assert_eq!(
        copy(&long, Multiplexer::None),
        Err(CopyRefusal::TooLong { length })
    );
}

#[test]
fn titles_and_notices_hold_no_control_bytes() {
    assert_eq!(title::set("a\x1b\x07b\u{202E}"), b"\x1b]2;ab\x1b\\");
    let env = TermEnv {
        term: Some("xterm".into()),
        ..TermEnv::default()
    };
    assert_eq!(notify::notice("x", &env), b"\x07");
    let env = TermEnv {
        term: Some("xterm-kitty".into()),
        ..TermEnv::default()
    };
    assert_eq!(
        notify::notice("an approval\x07", &env),
        b"\x1b]99;;an approval\x1b\\"
    );
}

#[test]
fn the_environment_tells_profile_and_glyphs() {
    let set = |text: &str| Some(text.to_owned());
    let local = TermEnv {
        locale: set("C.UTF-8"),
        term: set("xterm"),
        ..TermEnv::default()
    };
    assert_eq!(
        (local.profile(), local.ascii_only(), local.is_dumb()),
        (Profile::Local, false, false)
    );
    let remote = TermEnv {
        ssh_tty: set("/dev/pts/1"),
        locale: set("C"),
        ..TermEnv::default()
    };
    assert_eq!(
        (remote.profile(), remote.ascii_only(), remote.is_dumb()),
        (Profile::Remote, true, true)
    );
    let tmux = TermEnv {
        tmux: set("/tmp/tmux,1,0"),
        ..TermEnv::default()
    };
    assert_eq!(
        (tmux.profile(), tmux.multiplexer()),
        (Profile::Remote, Multiplexer::Tmux)
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_early(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..12), 0..12)) {
        let mut early = Early::default();
        for piece in &pieces {
            early.feed(piece);
        }
        early.finish();
        prop_assert!(early.is_whole());
    }

    #[test]
    fn any_sequences_are_read_alike_however_cut(text in "(\\x1b[\\[O\\]P]?[?0-9;]{0,4}[a-zA-Z~]?){0,8}", step in 1usize..5) {
        let bytes = text.as_bytes();
        let mut whole = Early::default();
        let mut cut = Early::default();
        let at_once: Vec<Item> = whole.feed(bytes);
        let by_piece: Vec<Item> = bytes.chunks(step).flat_map(|piece| cut.feed(piece)).collect();
        prop_assert_eq!(at_once, by_piece);
    }
}

#[test]
fn a_blank_with_a_background_shows_where_a_wide_glyph_hid_one_before() {
    let mut eye = Eye::new(12, 4);
    eye.draw(random_frame(&[(6, 3, 2, 0), (7, 3, 1, 2)]));
    eye.draw(random_frame(&[(7, 3, 1, 2)]));
    let mut fresh = Eye::new(12, 4);
    fresh.draw(random_frame(&[(7, 3, 1, 2)]));
    assert_eq!(look(&eye.parser), look(&fresh.parser));
}
