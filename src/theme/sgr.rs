//! Styles to SGR parameters and back: the only place where colour becomes bytes.
//!
//! Reading never fails: what it does not know it leaves out.

use ratatui::style::{Color, Modifier, Style};

/// Which plane a colour is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plane {
    /// The text.
    Front,
    /// What is behind it.
    Back,
}

/// Appends the SGR parameters of a colour, such as `38;5;208`.
pub fn push_color(out: &mut String, color: Color, plane: Plane) {
    let base = match plane {
        Plane::Front => 30,
        Plane::Back => 40,
    };
    match color {
        Color::Reset => push_number(out, base + 9),
        Color::Indexed(index) => out.push_str(&format!("{};5;{index}", base + 8)),
        Color::Rgb(r, g, b) => out.push_str(&format!("{};2;{r};{g};{b}", base + 8)),
        named => {
            let index = index_of(named);
            let code = if index < 8 {
                base + index
            } else {
                base + 60 + index - 8
            };
            push_number(out, code);
        }
    }
}

fn push_number(out: &mut String, number: u16) {
    out.push_str(&number.to_string());
}

fn index_of(color: Color) -> u16 {
    NAMED
        .iter()
        .position(|named| *named == color)
        .map_or(7, |at| at as u16)
}

const NAMED: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

/// Applies SGR parameters, as found between `CSI` and `m`, to a style.
///
/// Blink and conceal are dropped: hidden text must not be made by output. Unknown
/// parameters are skipped.
#[must_use]
pub fn apply(style: Style, parameters: &str) -> Style {
    let mut style = style;
    let mut rest = parameters.split(';');
    while let Some(item) = rest.next() {
        let (first, sub) = item
            .split_once(':')
            .map_or((item, None), |(a, b)| (a, Some(b)));
        let code = if first.is_empty() {
            Some(0)
        } else {
            first.parse::<u16>().ok()
        };
        let Some(code) = code else { continue };
        match code {
            38 | 48 => {
                let color = match sub {
                    Some(sub) => extended(&mut sub.split(':').filter(|part| !part.is_empty())),
                    None => extended(&mut rest),
                };
                style = match (color, code) {
                    (Some(color), 38) => style.fg(color),
                    (Some(color), _) => style.bg(color),
                    (None, _) => style,
                };
            }
            _ => style = simple(style, code),
        }
    }
    style
}

fn extended<'a>(rest: &mut impl Iterator<Item = &'a str>) -> Option<Color> {
    match rest.next()? {
        "5" => rest.next()?.parse().ok().map(Color::Indexed),
        "2" => {
            let mut channel = || rest.next()?.parse::<u8>().ok();
            Some(Color::Rgb(channel()?, channel()?, channel()?))
        }
        _ => None,
    }
}

fn simple(style: Style, code: u16) -> Style {
    let named = |at: u16| NAMED.get(usize::from(at)).copied().unwrap_or(Color::Reset);
    match code {
        0 => Style::default(),
        1 => style.add_modifier(Modifier::BOLD),
        2 => style.add_modifier(Modifier::DIM),
        3 => style.add_modifier(Modifier::ITALIC),
        4 => style.add_modifier(Modifier::UNDERLINED),
        7 => style.add_modifier(Modifier::REVERSED),
        9 => style.add_modifier(Modifier::CROSSED_OUT),
        22 => style.remove_modifier(Modifier::BOLD | Modifier::DIM),
        23 => style.remove_modifier(Modifier::ITALIC),
        24 => style.remove_modifier(Modifier::UNDERLINED),
        27 => style.remove_modifier(Modifier::REVERSED),
        29 => style.remove_modifier(Modifier::CROSSED_OUT),
        30..=37 => style.fg(named(code - 30)),
        39 => Style { fg: None, ..style },
        40..=47 => style.bg(named(code - 40)),
        49 => Style { bg: None, ..style },
        90..=97 => style.fg(named(code - 82)),
        100..=107 => style.bg(named(code - 92)),
        _ => style,
    }
}

/// Brings a style parsed from output down to what the terminal may be sent.
#[must_use]
pub fn limit(style: Style, depth: super::Depth) -> Style {
    Style {
        fg: style
            .fg
            .and_then(|color| super::distance::reduce(color, depth)),
        bg: style
            .bg
            .and_then(|color| super::distance::reduce(color, depth)),
        ..style
    }
}
