//! How many colours the terminal has, from what it says about itself.
//!
//! Pure: the variables arrive in [`ColorEnv`]; nothing is asked of the terminal.

/// The colours that may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// None: weight, reverse and underline only.
    Mono,
    /// The terminal's own sixteen.
    Sixteen,
    /// The 256-colour cube.
    TwoFiftySix,
    /// 24 bits.
    True,
}

/// What the user asked for by `--color` or the settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorChoice {
    /// Look at the environment.
    #[default]
    Auto,
    /// Colour even under `NO_COLOR`.
    Always,
    /// The mono theme.
    Never,
}

/// The variables that speak of colour, as read by `config/env.rs`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColorEnv {
    /// `TERM`.
    pub term: Option<String>,
    /// `COLORTERM`.
    pub colorterm: Option<String>,
    /// `NO_COLOR`; counts when not empty.
    pub no_color: Option<String>,
}

/// The depth to use.
#[must_use]
pub fn detect(env: &ColorEnv, choice: ColorChoice) -> Depth {
    let forbidden = env
        .no_color
        .as_deref()
        .is_some_and(|value| !value.is_empty());
    match choice {
        ColorChoice::Never => Depth::Mono,
        ColorChoice::Auto if forbidden => Depth::Mono,
        ColorChoice::Auto => from_names(env),
        ColorChoice::Always => from_names(env).max(Depth::Sixteen),
    }
}

fn from_names(env: &ColorEnv) -> Depth {
    let term = env.term.as_deref().unwrap_or_default();
    let colorterm = env.colorterm.as_deref().unwrap_or_default();
    if term.is_empty() || term == "dumb" || term.ends_with("-m") || term.starts_with("vt") {
        return Depth::Mono;
    }
    if matches!(colorterm, "truecolor" | "24bit") || term.ends_with("-direct") {
        // GNU screen passes COLORTERM on from outside but cuts 24-bit colours itself.
        let screen = term.starts_with("screen");
        return if screen {
            Depth::TwoFiftySix
        } else {
            Depth::True
        };
    }
    if term.contains("256color") || term.contains("kitty") || term.contains("alacritty") {
        return Depth::TwoFiftySix;
    }
    Depth::Sixteen
}
