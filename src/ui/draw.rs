//! The whole screen from the app's state: lay out what scrolls, then draw by reading only.
//!
//! Decides which pane stands where by asking [`super::layout`]; sends nothing and waits for
//! nothing.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::chrome;
use super::layout;
use crate::app::{App, Overlay, Screen};
use crate::panes::{
    authority, card, composer, conversation, dialog, footer, header, inspector, ledger, mention,
    mind, picker, prompt, question, queue, reader, runs, sign, status, stream, strip, welcome,
};

/// Lays out the lists in view. Once before each [`draw`].
pub fn prepare(app: &mut App) {
    match app.focus.screen() {
        Screen::Work => {
            let areas = layout::work(app);
            conversation::prepare(app, areas.conversation);
        }
        Screen::Approvals => {
            let areas = layout::pair(app);
            queue::prepare(app, areas.first);
            card::prepare(app, areas.second);
        }
        Screen::Ledger => {
            let areas = layout::pair(app);
            ledger::prepare(app, areas.first);
            inspector::prepare(app, areas.second);
        }
        Screen::Authority => {
            let areas = layout::pair(app);
            authority::prepare(app, areas);
        }
        Screen::Runs => {
            let areas = layout::pair(app);
            runs::prepare(app, areas);
        }
        Screen::Mind => {
            let areas = layout::pair(app);
            mind::prepare(app, areas.first);
            inspector::prepare(app, areas.second);
        }
    }
    let body = layout::around(app).body;
    let top = app.overlays.len().saturating_sub(1);
    for (at, overlay) in app.overlays.iter_mut().enumerate() {
        match overlay {
            Overlay::Reader(reader) => reader::prepare(reader, &app.theme, body),
            Overlay::Question(asked) => question::prepare(asked, &app.theme, body, at == top),
            Overlay::Sign(sign) => sign::prepare(sign, &app.theme, body, at == top),
            Overlay::Quit(_)
            | Overlay::Mode(_)
            | Overlay::Writ
            | Overlay::Prompt(_)
            | Overlay::Picker(_) => {}
        }
    }
}

/// Draws everything.
pub fn draw(app: &App, frame: &mut Frame<'_>) {
    let area = frame.area();
    chrome::background(area, frame.buffer_mut(), &app.theme);
    let around = layout::around(app);
    header::draw(app, around.header, frame.buffer_mut());
    match app.focus.screen() {
        Screen::Work => work(app, frame),
        Screen::Approvals => two(app, frame, queue::draw, card::draw),
        Screen::Ledger => two(app, frame, ledger::draw, inspector::draw),
        Screen::Authority => two(app, frame, authority::draw, authority::draw_details),
        Screen::Runs => two(app, frame, runs::draw, runs::draw_details),
        Screen::Mind => two(app, frame, mind::draw, inspector::draw),
    }
    if !status::draw(app, around.footer, frame.buffer_mut()) {
        footer::draw(app, around.footer, frame.buffer_mut());
    }
    for overlay in &app.overlays {
        draw_overlay(app, overlay, around.body, frame);
    }
    status::which_key(app, around.body, frame.buffer_mut());
}

fn work(app: &App, frame: &mut Frame<'_>) {
    let areas = layout::work(app);
    let buffer = frame.buffer_mut();
    if app.session.story().is_quiet() && app.session.live().is_none() {
        welcome::draw(app, areas.conversation, buffer);
    } else if shown(areas.conversation) {
        conversation::draw(app, areas.conversation, buffer);
    }
    if shown(areas.stream) {
        stream::draw(app, areas.stream, buffer);
    }
    if shown(areas.ticker) {
        stream::ticker(app, areas.ticker, buffer);
    }
    if shown(areas.approvals) {
        strip::column(app, areas.approvals, buffer);
    }
    if shown(areas.strip) {
        strip::row(app, areas.strip, buffer);
    }
    if shown(areas.composer) {
        composer::draw(app, areas.composer, frame);
        mention::draw(app, areas.composer, frame.buffer_mut());
    }
}

type Draw = fn(&App, Rect, &mut Buffer);

/// A screen of two panes.
fn two(app: &App, frame: &mut Frame<'_>, first: Draw, second: Draw) {
    let areas = layout::pair(app);
    let buffer = frame.buffer_mut();
    if shown(areas.first) {
        first(app, areas.first, buffer);
    }
    if shown(areas.second) {
        second(app, areas.second, buffer);
    }
}

fn draw_overlay(app: &App, overlay: &Overlay, area: Rect, frame: &mut Frame<'_>) {
    match overlay {
        Overlay::Quit(_) | Overlay::Mode(_) | Overlay::Writ => {
            dialog::draw(app, overlay, area, frame.buffer_mut());
        }
        Overlay::Prompt(prompt) => prompt::draw(app, prompt, area, frame),
        Overlay::Picker(picker) => picker::draw(app, picker, area, frame),
        Overlay::Reader(reader) => reader::draw(app, reader, area, frame.buffer_mut()),
        Overlay::Question(asked) => question::draw(app, asked, area, frame.buffer_mut()),
        Overlay::Sign(sign) => sign::draw(app, sign, area, frame.buffer_mut()),
    }
}

fn shown(area: Rect) -> bool {
    area.width > 0 && area.height > 0
}
