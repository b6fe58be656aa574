//! Theme files to styles: parents, palette, warnings and a fallback.
//!
//! Opens no file: the text of a user's theme is handed in. Never fails: what cannot be
//! understood keeps the parent's style and is told as a warning.

use super::caps::Depth;
use super::distance::reduce;
use super::{Role, Theme};
use ratatui::style::{Color, Modifier, Style};
use std::collections::BTreeMap;
use std::fmt;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The themes that come with the program.
pub const BUILT_IN_NAMES: [&str; 5] = ["ansi", "light", "dark", "contrast", "mono"];

/// How long a chain of parents may be; a longer one is cut, which also ends a circle.
pub const PARENTS_MAX: usize = 8;

/// What to load.
#[derive(Clone, Copy, Debug)]
pub struct ThemeRequest<'a> {
    /// A built-in's name, or the name of one of `files`.
    pub name: &'a str,
    /// The user's own themes: name, path for messages, text.
    pub files: &'a [ThemeFile],
    /// What the terminal can show.
    pub depth: Depth,
}

impl<'a> ThemeRequest<'a> {
    /// Asks for a built-in theme.
    #[must_use]
    pub fn built_in(name: &'a str, depth: Depth) -> Self {
        Self {
            name,
            files: &[],
            depth,
        }
    }
}

/// One theme file of the user, already read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThemeFile {
    /// Its name: the file's stem.
    pub name: String,
    /// Where it was read from, for messages.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// A theme and what was wrong with its files.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Always usable.
    pub theme: Theme,
    /// In the order found.
    pub warnings: Vec<ThemeWarning>,
}

/// Something in a theme file that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThemeWarning {
    /// The file.
    pub path: String,
    /// The line, counted from one.
    pub line: usize,
    /// What is wrong.
    pub problem: ThemeProblem,
}

/// What can be wrong with a theme file; the user's words are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThemeProblem {
    /// Not TOML at all.
    Syntax(String),
    /// No theme of that name.
    UnknownTheme(String),
    /// No role of that name.
    UnknownRole(String),
    /// Neither a palette entry nor a colour.
    UnknownColor(String),
    /// No such modifier.
    UnknownModifier(String),
    /// A key or a shape that means nothing here.
    UnknownEntry(String),
    /// Parents in a circle, or too many of them.
    TooManyParents,
}

impl fmt::Display for ThemeProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(text) => write!(f, "not valid toml: {text}"),
            Self::UnknownTheme(name) => write!(f, "unknown theme `{name}`"),
            Self::UnknownRole(name) => write!(f, "unknown role `{name}`"),
            Self::UnknownColor(name) => write!(f, "unknown colour `{name}`"),
            Self::UnknownModifier(name) => write!(f, "unknown modifier `{name}`"),
            Self::UnknownEntry(name) => write!(f, "unknown entry `{name}`"),
            Self::TooManyParents => write!(f, "more than {PARENTS_MAX} parents, or a circle"),
        }
    }
}

impl fmt::Display for ThemeWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` line {}: {}", self.path, self.line, self.problem)
    }
}

/// Loads a theme; at [`Depth::Mono`] it is `mono` whatever was asked.
#[must_use]
pub fn load(request: &ThemeRequest<'_>) -> Loaded {
    let name = if request.depth == Depth::Mono {
        "mono"
    } else {
        request.name
    };
    let mut warnings = Vec::new();
    let chain = chain_of(name, request.files, &mut warnings);
    let mut styles = [Style::default(); Role::COUNT];
    let mut palette = BTreeMap::new();
    for source in chain.iter().rev() {
        apply(
            source,
            &mut Draft {
                styles: &mut styles,
                palette: &mut palette,
            },
            &mut warnings,
        );
    }
    let styles = styles.map(|style| Style {
        fg: style.fg.and_then(|color| reduce(color, request.depth)),
        bg: style.bg.and_then(|color| reduce(color, request.depth)),
        ..style
    });
    Loaded {
        theme: Theme::new(name.to_owned(), request.depth, styles),
        warnings,
    }
}

struct Source {
    path: String,
    text: String,
}

struct Draft<'a> {
    styles: &'a mut [Style; Role::COUNT],
    palette: &'a mut BTreeMap<String, Color>,
}

/// The theme and its parents, child first; ends in `ansi` when anything is missing.
fn chain_of(name: &str, files: &[ThemeFile], warnings: &mut Vec<ThemeWarning>) -> Vec<Source> {
    let mut chain: Vec<Source> = Vec::new();
    let mut wanted = Some(name.to_owned());
    let mut asked_by = (String::from("settings"), 1);
    while let Some(name) = wanted.take() {
        let (path, line) = asked_by.clone();
        if chain.len() >= PARENTS_MAX {
            warnings.push(ThemeWarning {
                path,
                line,
                problem: ThemeProblem::TooManyParents,
            });
            break;
        }
        let Some(source) = find(&name, files) else {
            warnings.push(ThemeWarning {
                path,
                line,
                problem: ThemeProblem::UnknownTheme(name),
            });
            chain.extend(find("ansi", &[]));
            break;
        };
        if let Some((parent, line)) = parent_of(&source.text) {
            asked_by = (source.path.clone(), line);
            wanted = Some(parent);
        } else if chain.is_empty() && !BUILT_IN_NAMES.contains(&name.as_str()) {
            // A user's theme without a parent stands on the default, so no role is blank.
            wanted = Some("ansi".to_owned());
        }
        chain.push(source);
    }
    chain
}

fn find(name: &str, files: &[ThemeFile]) -> Option<Source> {
    if let Some(file) = files.iter().find(|file| file.name == name) {
        return Some(Source {
            path: file.path.clone(),
            text: file.text.clone(),
        });
    }
    let text = match name {
        "ansi" => include_str!("../../themes/ansi.toml"),
        "light" => include_str!("../../themes/light.toml"),
        "dark" => include_str!("../../themes/dark.toml"),
        "contrast" => include_str!("../../themes/contrast.toml"),
        "mono" => include_str!("../../themes/mono.toml"),
        _ => return None,
    };
    Some(Source {
        path: format!("themes/{name}.toml"),
        text: text.to_owned(),
    })
}

fn parent_of(text: &str) -> Option<(String, usize)> {
    let table = DeTable::parse(text).ok()?;
    let (_, value) = entry(table.get_ref(), "parent")?;
    let parent = value.get_ref().as_str()?.to_owned();
    Some((parent, line_of(text, value.span().start)))
}

fn entry<'a, 'i>(
    table: &'a DeTable<'i>,
    name: &str,
) -> Option<(
    &'a Spanned<std::borrow::Cow<'i, str>>,
    &'a Spanned<DeValue<'i>>,
)> {
    table.iter().find(|(key, _)| key.get_ref() == name)
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text
        .bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
}

/// Applies one file over what its parents left.
fn apply(source: &Source, draft: &mut Draft<'_>, warnings: &mut Vec<ThemeWarning>) {
    let warn = |offset: usize, problem: ThemeProblem| ThemeWarning {
        path: source.path.clone(),
        line: line_of(&source.text, offset),
        problem,
    };
    let table = match DeTable::parse(&source.text) {
        Ok(table) => table,
        Err(error) => {
            let offset = error.span().map_or(0, |span| span.start);
            let text = error
                .message()
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned();
            warnings.push(warn(offset, ThemeProblem::Syntax(text)));
            return;
        }
    };
    let mut found = Vec::new();
    // The palette first: roles name its entries wherever it stands in the file.
    if let Some((_, palette)) = entry(table.get_ref(), "palette") {
        read_palette(palette, draft.palette, &mut found);
    }
    for (key, value) in table.get_ref() {
        match (key.get_ref().as_ref(), value.get_ref().as_table()) {
            ("name" | "parent" | "palette", _) => {}
            ("roles", Some(roles)) => read_roles(roles, "", draft, &mut found),
            (other, _) => {
                found.push((
                    key.span().start,
                    ThemeProblem::UnknownEntry(other.to_owned()),
                ));
            }
        }
    }
    warnings.extend(
        found
            .into_iter()
            .map(|(offset, problem)| warn(offset, problem)),
    );
}

type Found = Vec<(usize, ThemeProblem)>;

fn read_palette(value: &Spanned<DeValue<'_>>, into: &mut BTreeMap<String, Color>, out: &mut Found) {
    let Some(table) = value.get_ref().as_table() else {
        out.push((
            value.span().start,
            ThemeProblem::UnknownEntry("palette".to_owned()),
        ));
        return;
    };
    for (key, value) in table {
        let text = value.get_ref().as_str().unwrap_or_default();
        match color(text, &BTreeMap::new()) {
            Some(color) => {
                into.insert(key.get_ref().to_string(), color);
            }
            None => {
                out.push((
                    value.span().start,
                    ThemeProblem::UnknownColor(text.to_owned()),
                ));
            }
        }
    }
}

/// Walks `[roles]`; `effect.read = ..` arrives as a table within a table.
fn read_roles(table: &DeTable<'_>, prefix: &str, draft: &mut Draft<'_>, out: &mut Found) {
    for (key, value) in table {
        let name = if prefix.is_empty() {
            key.get_ref().to_string()
        } else {
            format!("{prefix}.{}", key.get_ref())
        };
        if let Some(role) = Role::parse(&name) {
            let style = read_style(value, draft.palette, out);
            if let (Some(style), Some(slot)) = (style, draft.styles.get_mut(role as usize)) {
                *slot = style;
            }
        } else if let (Some(inner), true) = (value.get_ref().as_table(), prefix.is_empty()) {
            read_roles(inner, &name, draft, out);
        } else {
            out.push((key.span().start, ThemeProblem::UnknownRole(name)));
        }
    }
}

fn read_style(
    value: &Spanned<DeValue<'_>>,
    palette: &BTreeMap<String, Color>,
    out: &mut Found,
) -> Option<Style> {
    if let Some(text) = value.get_ref().as_str() {
        let color = color(text, palette);
        if color.is_none() {
            out.push((
                value.span().start,
                ThemeProblem::UnknownColor(text.to_owned()),
            ));
        }
        return color.map(|color| Style::default().fg(color));
    }
    let Some(table) = value.get_ref().as_table() else {
        let kind = value.get_ref().type_str().to_owned();
        out.push((value.span().start, ThemeProblem::UnknownEntry(kind)));
        return None;
    };
    let mut style = Style::default();
    for (key, value) in table {
        let at = value.span().start;
        match (key.get_ref().as_ref(), value.get_ref()) {
            (plane @ ("fg" | "bg"), DeValue::String(text)) => match color(text, palette) {
                Some(color) if plane == "fg" => style = style.fg(color),
                Some(color) => style = style.bg(color),
                None => out.push((at, ThemeProblem::UnknownColor(text.to_string()))),
            },
            ("mods", DeValue::Array(items)) => {
                for item in items {
                    let text = item.get_ref().as_str().unwrap_or_default();
                    match modifier(text) {
                        Some(found) => style = style.add_modifier(found),
                        None => out.push((at, ThemeProblem::UnknownModifier(text.to_owned()))),
                    }
                }
            }
            (other, _) => out.push((at, ThemeProblem::UnknownEntry(other.to_owned()))),
        }
    }
    Some(style)
}

fn modifier(text: &str) -> Option<Modifier> {
    Some(match text {
        "bold" => Modifier::BOLD,
        "dim" => Modifier::DIM,
        "italic" => Modifier::ITALIC,
        "underline" => Modifier::UNDERLINED,
        "reverse" => Modifier::REVERSED,
        "strike" => Modifier::CROSSED_OUT,
        _ => return None,
    })
}

fn color(text: &str, palette: &BTreeMap<String, Color>) -> Option<Color> {
    if let Some(color) = palette.get(text) {
        return Some(*color);
    }
    if let Some(hex) = text.strip_prefix('#') {
        let bytes = u32::from_str_radix(hex, 16)
            .ok()
            .filter(|_| hex.len() == 6)?
            .to_be_bytes();
        let [_, r, g, b] = bytes;
        return Some(Color::Rgb(r, g, b));
    }
    if let Ok(index) = text.parse::<u8>() {
        return Some(Color::Indexed(index));
    }
    Some(match text {
        "default" => Color::Reset,
        "black" => Color::Black,
        "red" => Color::Red,
        "green" => Color::Green,
        "yellow" => Color::Yellow,
        "blue" => Color::Blue,
        "magenta" => Color::Magenta,
        "cyan" => Color::Cyan,
        "white" => Color::Gray,
        "bright-black" => Color::DarkGray,
        "bright-red" => Color::LightRed,
        "bright-green" => Color::LightGreen,
        "bright-yellow" => Color::LightYellow,
        "bright-blue" => Color::LightBlue,
        "bright-magenta" => Color::LightMagenta,
        "bright-cyan" => Color::LightCyan,
        "bright-white" => Color::White,
        _ => return None,
    })
}
