//! Colour by meaning: views ask for a [`Role`] and get a style.
//!
//! The only room where RGB and indexed colours may be written. Opens no file and reads
//! no environment: bytes and [`ColorEnv`] are handed in. Knows no pane.

pub mod caps;
pub mod contrast;
mod distance;
pub mod load;
pub mod role;
pub mod sgr;

#[cfg(test)]
mod tests;

pub use caps::{ColorChoice, ColorEnv, Depth};
pub use load::{BUILT_IN_NAMES, Loaded, ThemeRequest, ThemeWarning};
pub use role::Role;

use ratatui::style::Style;

/// Every role resolved to a style the terminal can show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme {
    name: String,
    depth: Depth,
    styles: [Style; Role::COUNT],
    epoch: u64,
}

impl Theme {
    /// Builds a theme from styles already brought down to `depth`.
    fn new(name: String, depth: Depth, styles: [Style; Role::COUNT]) -> Self {
        let epoch = epoch_of(&styles);
        Self {
            name,
            depth,
            styles,
            epoch,
        }
    }

    /// The default theme at 16 colours; cannot fail, used before any file is read.
    #[must_use]
    pub fn ansi() -> Self {
        load::load(&ThemeRequest::built_in("ansi", Depth::Sixteen)).theme
    }

    /// The theme without colour: bold, reverse and underline only.
    #[must_use]
    pub fn mono() -> Self {
        load::load(&ThemeRequest::built_in("mono", Depth::Mono)).theme
    }

    /// The style of a role.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(role as usize).copied().unwrap_or_default()
    }

    /// The name it was asked for by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many colours its styles use at most.
    #[must_use]
    pub fn depth(&self) -> Depth {
        self.depth
    }

    /// Changes exactly when some style changes; a key for render memos.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }
}

/// FNV-1a over the debug form: slow and small, and only run when a theme is made.
fn epoch_of(styles: &[Style]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in format!("{styles:?}").bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash
}
