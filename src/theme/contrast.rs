//! The WCAG contrast ratio, and the check of a theme against it.
//!
//! Judges fixed colours only: a theme that leaves colours to the terminal cannot be judged.

use super::distance::rgb_of;
use super::{Role, Theme};
use ratatui::style::{Color, Modifier};

/// What text must reach on its background.
pub const TEXT_RATIO_MIN: f32 = 4.5;

/// One text role that is too faint.
#[derive(Clone, Debug, PartialEq)]
pub struct Faint {
    /// The role.
    pub role: Role,
    /// Its ratio, below [`TEXT_RATIO_MIN`].
    pub ratio: f32,
}

/// The ratio between two colours, 1.0 to 21.0; `None` when one is the terminal's default.
#[must_use]
pub fn ratio(front: Color, back: Color) -> Option<f32> {
    let front = luminance(rgb_of(front)?);
    let back = luminance(rgb_of(back)?);
    Some((front.max(back) + 0.05) / (front.min(back) + 0.05))
}

/// Every text role of the theme that is too faint on its background.
#[must_use]
pub fn check(theme: &Theme) -> Vec<Faint> {
    let base = theme.style(Role::Text);
    Role::ALL
        .iter()
        .copied()
        .filter(|role| *role != Role::Border)
        .filter_map(|role| {
            let style = theme.style(role);
            let front = style.fg.or(base.fg)?;
            let back = style.bg.or(base.bg)?;
            let swapped = style.add_modifier.contains(Modifier::REVERSED);
            let ratio = if swapped {
                ratio(back, front)
            } else {
                ratio(front, back)
            }?;
            (ratio < TEXT_RATIO_MIN).then_some(Faint { role, ratio })
        })
        .collect()
}

fn luminance((r, g, b): (u8, u8, u8)) -> f32 {
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

/// A channel of sRGB as linear light.
pub(super) fn linear(channel: u8) -> f32 {
    let value = f32::from(channel) / 255.0;
    if value <= 0.040_45 {
        value / 12.92
    } else {
        ((value + 0.055) / 1.055).powf(2.4)
    }
}
