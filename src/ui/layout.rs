//! Where each pane stands, by size class. Owns no state and draws nothing.
//!
//! The classes have a hysteresis of two cells, so that dragging a window does not flap.

use ratatui::layout::Rect;

use crate::app::{App, Pane, Size};
use crate::panes::composer;

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Class {
    /// Under 60 columns or 16 rows: one pane, no borders.
    Tiny,
    /// One column.
    #[default]
    S,
    /// Narrow and tall: stacked.
    Portrait,
    /// Two columns.
    M,
    /// Two columns, wide.
    L,
    /// Wider still; prose keeps its measure.
    Xl,
}

/// Cells a size must pass a border by before the class changes back.
const HYSTERESIS: u16 = 2;

impl Class {
    /// The class of a size, given the one before.
    #[must_use]
    pub fn of(size: Size, before: Option<Self>) -> Self {
        let now = Self::exact(size);
        let Some(before) = before else { return now };
        let grown = |width: u16, height: u16| Size {
            width: size.width.saturating_add(width),
            height: size.height.saturating_add(height),
        };
        let shrunk = |width: u16, height: u16| Size {
            width: size.width.saturating_sub(width),
            height: size.height.saturating_sub(height),
        };
        let near = [
            grown(HYSTERESIS, 0),
            grown(0, HYSTERESIS),
            shrunk(HYSTERESIS, 0),
            shrunk(0, HYSTERESIS),
        ];
        // Too small to hold borders is never put off.
        let stays = now != Self::Tiny && near.into_iter().any(|size| Self::exact(size) == before);
        if stays && before != Self::Tiny {
            before
        } else {
            now
        }
    }

    fn exact(size: Size) -> Self {
        match (size.width, size.height) {
            (..60, _) | (_, ..16) => Self::Tiny,
            (..=90, 46..) => Self::Portrait,
            (..100, _) => Self::S,
            (..150, _) => Self::M,
            (..220, _) => Self::L,
            _ => Self::Xl,
        }
    }

    /// Whether panes stand side by side.
    #[must_use]
    pub fn is_wide(self) -> bool {
        matches!(self, Self::M | Self::L | Self::Xl)
    }
}

/// The areas of the Work screen; an empty one is not drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// The story.
    pub conversation: Rect,
    /// The stream as a column.
    pub stream: Rect,
    /// The stream as a row.
    pub ticker: Rect,
    /// Approvals as a list.
    pub approvals: Rect,
    /// Approvals as a row.
    pub strip: Rect,
    /// The prompt editor.
    pub composer: Rect,
}

/// The areas of a screen of two panes; an empty one is not drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    /// The list: queue or ledger.
    pub first: Rect,
    /// What is shown of its row: card or inspector.
    pub second: Rect,
}

/// The rows around every screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Around {
    /// The top row.
    pub header: Rect,
    /// What the screen has.
    pub body: Rect,
    /// The bottom row.
    pub footer: Rect,
}

/// Header, body and footer.
#[must_use]
pub fn around(app: &App) -> Around {
    let (width, height) = (app.size.width, app.size.height);
    let header = Rect::new(0, 0, width, height.min(1));
    let footer = Rect::new(0, height.saturating_sub(1), width, u16::from(height > 1));
    let body = Rect::new(0, header.height, width, height.saturating_sub(2));
    Around {
        header,
        body,
        footer,
    }
}

/// The areas of the Work screen.
#[must_use]
pub fn work(app: &App) -> Work {
    let body = around(app).body;
    let waiting = !app.session.holds().is_empty();
    match app.class {
        _ if app.focus.zoomed => zoomed(app, body),
        Class::Tiny => tiny(app, body),
        Class::S => one_column(app, body, waiting),
        Class::Portrait => portrait(app, body),
        Class::M | Class::L | Class::Xl => two_columns(app, body),
    }
}

/// The areas of Approvals or Ledger.
#[must_use]
pub fn pair(app: &App) -> Pair {
    let body = around(app).body;
    let [first, _] = app.focus.screen().panes();
    if app.focus.zoomed || app.class == Class::Tiny {
        let alone = |on: bool| if on { body } else { Rect::default() };
        let on_first = app.focus.pane() == first;
        return Pair {
            first: alone(on_first),
            second: alone(!on_first),
        };
    }
    // Stages stand side by side on the map: it has the whole width.
    if first == Pane::Mind {
        let (first, second) = top_bottom(body, (body.height * 3 / 5).max(3));
        return Pair { first, second };
    }
    if app.class.is_wide() {
        let left = share(body.width, 45, app.right_delta);
        let (first, second) = left_right(body, left);
        return Pair { first, second };
    }
    let top = match first {
        // The card is what is read here: the queue takes only what it has to show.
        Pane::Queue => {
            let rows = u16::try_from(app.queue.rows(&app.session).len()).unwrap_or(u16::MAX);
            rows.saturating_add(2)
                .clamp(3, (body.height * 2 / 5).max(3))
        }
        _ => (body.height / 2).max(3),
    };
    let (first, second) = top_bottom(body, top);
    Pair { first, second }
}

fn zoomed(app: &App, body: Rect) -> Work {
    if app.focus.pane() == Pane::Composer {
        return Work {
            composer: body,
            ..Work::default()
        };
    }
    Work {
        conversation: body,
        ..Work::default()
    }
}

fn tiny(app: &App, body: Rect) -> Work {
    let rows = composer::rows(app, body.width).min(body.height / 3).max(1);
    let (conversation, composer) = top_bottom(body, body.height.saturating_sub(rows));
    Work {
        conversation,
        composer,
        ..Work::default()
    }
}

fn one_column(app: &App, body: Rect, waiting: bool) -> Work {
    let (rest, composer) = above_composer(app, body);
    let (rest, strip) = top_bottom(rest, rest.height.saturating_sub(u16::from(waiting)));
    let (conversation, ticker) = top_bottom(rest, rest.height.saturating_sub(1));
    Work {
        conversation,
        ticker,
        strip,
        composer,
        ..Work::default()
    }
}

fn portrait(app: &App, body: Rect) -> Work {
    let (rest, composer) = above_composer(app, body);
    let (conversation, below) = top_bottom(rest, rest.height * 55 / 100);
    let (stream, approvals) = top_bottom(below, below.height * 20 / 45);
    Work {
        conversation,
        stream,
        approvals,
        composer,
        ..Work::default()
    }
}

fn two_columns(app: &App, body: Rect) -> Work {
    let (left, right) = left_right(body, share(body.width, 62, app.right_delta));
    let (conversation, composer) = above_composer(app, left);
    let (stream, approvals) = top_bottom(right, right.height * 6 / 10);
    Work {
        conversation,
        stream,
        approvals,
        composer,
        ..Work::default()
    }
}

fn above_composer(app: &App, area: Rect) -> (Rect, Rect) {
    let rows = composer::rows(app, area.width) + 2;
    top_bottom(area, area.height.saturating_sub(rows))
}

/// A share of the width in percent, less what the person gave to the right.
fn share(width: u16, percent: u16, right_delta: i16) -> u16 {
    let left = u32::from(width) * u32::from(percent) / 100;
    let left = u16::try_from(left).unwrap_or(width);
    left.saturating_add_signed(-right_delta)
        .clamp(width.min(40), width.saturating_sub(24).max(1))
}

fn left_right(area: Rect, left: u16) -> (Rect, Rect) {
    let left = left.min(area.width);
    let right = Rect {
        x: area.x + left,
        width: area.width - left,
        ..area
    };
    (
        Rect {
            width: left,
            ..area
        },
        right,
    )
}

fn top_bottom(area: Rect, top: u16) -> (Rect, Rect) {
    let top = top.min(area.height);
    let bottom = Rect {
        y: area.y + top,
        height: area.height - top,
        ..area
    };
    (
        Rect {
            height: top,
            ..area
        },
        bottom,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(width: u16, height: u16, before: Option<Class>, expected: Class) {
        assert_eq!(
            Class::of(Size { width, height }, before),
            expected,
            "{width}x{height} {before:?}"
        );
    }

    #[test]
    fn classes_follow_the_table() {
        check(59, 24, None, Class::Tiny);
        check(80, 15, None, Class::Tiny);
        check(80, 24, None, Class::S);
        check(80, 60, None, Class::Portrait);
        check(100, 30, None, Class::M);
        check(200, 60, None, Class::L);
        check(320, 90, None, Class::Xl);
    }

    #[test]
    fn a_drag_near_a_border_does_not_flap() {
        check(100, 30, Some(Class::S), Class::S);
        check(102, 30, Some(Class::S), Class::M);
        check(99, 30, Some(Class::M), Class::M);
        check(97, 30, Some(Class::M), Class::S);
        check(59, 24, Some(Class::S), Class::Tiny);
    }
}
