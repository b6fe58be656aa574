//! Our notation for keys: `G`, `<C-x> a`, `<S-Tab>`, `<Esc>`, `<F1>`.
//!
//! Parses and prints; printing and parsing again gives the same key. Knows no terminal:
//! `term/input.rs` makes these from what arrives.

use std::fmt;
use std::str::FromStr;

/// How many keys one binding may have.
pub const SEQUENCE_KEYS_MAX: usize = 4;

/// The key without its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyCode {
    /// A character, upper case when shifted.
    Char(char),
    /// Return.
    Enter,
    /// Escape.
    Esc,
    /// Tab; with [`Mods::SHIFT`] the way back.
    Tab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Insert.
    Insert,
    /// Up.
    Up,
    /// Down.
    Down,
    /// Left.
    Left,
    /// Right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// A function key, 1 to 24.
    F(u8),
}

/// Modifiers held down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mods(u8);

impl Mods {
    /// None.
    pub const NONE: Self = Self(0);
    /// Control.
    pub const CTRL: Self = Self(1);
    /// Alt, or a leading escape.
    pub const ALT: Self = Self(2);
    /// Shift; never set on a character, which is upper case instead.
    pub const SHIFT: Self = Self(4);

    /// Both together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Without those.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of those are held.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// One key press. INVARIANT: normalised by [`Key::new`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    code: KeyCode,
    mods: Mods,
}

impl Key {
    /// Normalises: a shifted character loses Shift, a control character is lower case.
    #[must_use]
    pub fn new(code: KeyCode, mods: Mods) -> Self {
        let KeyCode::Char(ch) = code else {
            return Self { code, mods };
        };
        let shifted = mods.has(Mods::SHIFT);
        let mods = mods.without(Mods::SHIFT);
        let ch = if mods.has(Mods::CTRL) {
            ch.to_ascii_lowercase()
        } else if shifted {
            single_upper(ch)
        } else {
            ch
        };
        Self {
            code: KeyCode::Char(ch),
            mods,
        }
    }

    /// A plain key.
    #[must_use]
    pub fn plain(code: KeyCode) -> Self {
        Self::new(code, Mods::NONE)
    }

    /// A plain character.
    #[must_use]
    pub fn char(ch: char) -> Self {
        Self::plain(KeyCode::Char(ch))
    }

    /// A character with Control.
    #[must_use]
    pub fn ctrl(ch: char) -> Self {
        Self::new(KeyCode::Char(ch), Mods::CTRL)
    }

    /// The key without modifiers.
    #[must_use]
    pub fn code(self) -> KeyCode {
        self.code
    }

    /// The modifiers.
    #[must_use]
    pub fn mods(self) -> Mods {
        self.mods
    }

    /// The character it would type, if it types one.
    #[must_use]
    pub fn typed(self) -> Option<char> {
        match (self.code, self.mods) {
            (KeyCode::Char(ch), Mods::NONE) => Some(ch),
            _ => None,
        }
    }
}

fn single_upper(ch: char) -> char {
    let mut upper = ch.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(single), None) => single,
        _ => ch,
    }
}

/// Why text is not a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyFault {
    /// No keys at all.
    Empty,
    /// More than [`SEQUENCE_KEYS_MAX`].
    TooLong,
    /// `<` without `>`, or nothing between.
    Unclosed(String),
    /// No key of that name.
    UnknownName(String),
    /// Several characters where one belongs; keys are parted by spaces.
    NotOneKey(String),
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "no key"),
            Self::TooLong => write!(f, "more than {SEQUENCE_KEYS_MAX} keys"),
            Self::Unclosed(text) => write!(f, "`{text}` does not close"),
            Self::UnknownName(text) => write!(f, "unknown key `{text}`"),
            Self::NotOneKey(text) => write!(f, "`{text}` is not one key"),
        }
    }
}

impl std::error::Error for KeyFault {}

const NAMES: [(&str, KeyCode); 17] = [
    ("Enter", KeyCode::Enter),
    ("Esc", KeyCode::Esc),
    ("Tab", KeyCode::Tab),
    ("Backspace", KeyCode::Backspace),
    ("Delete", KeyCode::Delete),
    ("Insert", KeyCode::Insert),
    ("Up", KeyCode::Up),
    ("Down", KeyCode::Down),
    ("Left", KeyCode::Left),
    ("Right", KeyCode::Right),
    ("Home", KeyCode::Home),
    ("End", KeyCode::End),
    ("PageUp", KeyCode::PageUp),
    ("PageDown", KeyCode::PageDown),
    ("Space", KeyCode::Char(' ')),
    ("lt", KeyCode::Char('<')),
    ("gt", KeyCode::Char('>')),
];

impl FromStr for Key {
    type Err = KeyFault;

    fn from_str(text: &str) -> Result<Self, KeyFault> {
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (None, _) => return Err(KeyFault::Empty),
            (Some('<'), None) => return Err(KeyFault::Unclosed(text.to_owned())),
            (Some(ch), None) => return Ok(Self::char(ch)),
            (Some('<'), Some(_)) => {}
            (Some(_), Some(_)) => return Err(KeyFault::NotOneKey(text.to_owned())),
        }
        let inner = text
            .strip_prefix('<')
            .and_then(|rest| rest.strip_suffix('>'))
            .filter(|inner| !inner.is_empty())
            .ok_or_else(|| KeyFault::Unclosed(text.to_owned()))?;
        named(inner).ok_or_else(|| KeyFault::UnknownName(text.to_owned()))
    }
}

/// What stands between `<` and `>`: modifiers, then a name or one character.
fn named(inner: &str) -> Option<Key> {
    let mut mods = Mods::NONE;
    let mut rest = inner;
    loop {
        let (prefix, after) = match rest.split_once('-') {
            Some((prefix, after)) if !after.is_empty() => (prefix, after),
            _ => break,
        };
        let held = match prefix {
            "C" | "c" => Mods::CTRL,
            "A" | "a" | "M" | "m" => Mods::ALT,
            "S" | "s" => Mods::SHIFT,
            _ => break,
        };
        mods = mods.with(held);
        rest = after;
    }
    let mut chars = rest.chars();
    if let (Some(ch), None) = (chars.next(), chars.next()) {
        return Some(Key::new(KeyCode::Char(ch), mods));
    }
    if let Some((_, code)) = NAMES
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(rest))
    {
        return Some(Key::new(*code, mods));
    }
    let number: u8 = rest.strip_prefix(['F', 'f'])?.parse().ok()?;
    (1..=24)
        .contains(&number)
        .then(|| Key::new(KeyCode::F(number), mods))
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES
            .iter()
            .find(|(_, code)| *code == self.code)
            .map(|(name, _)| *name);
        if let (KeyCode::Char(ch), Mods::NONE, None) = (self.code, self.mods, name) {
            return write!(f, "{ch}");
        }
        write!(f, "<")?;
        for (held, letter) in [(Mods::CTRL, "C-"), (Mods::ALT, "A-"), (Mods::SHIFT, "S-")] {
            if self.mods.has(held) {
                write!(f, "{letter}")?;
            }
        }
        match (name, self.code) {
            (Some(name), _) => write!(f, "{name}>"),
            (None, KeyCode::Char(ch)) => write!(f, "{ch}>"),
            (None, KeyCode::F(number)) => write!(f, "F{number}>"),
            (None, _) => write!(f, ">"),
        }
    }
}

/// One or more keys pressed in turn.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeySequence(Vec<Key>); // INVARIANT: 1 to SEQUENCE_KEYS_MAX keys.

impl KeySequence {
    /// The keys in turn; never empty.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.0
    }
}

impl FromStr for KeySequence {
    type Err = KeyFault;

    fn from_str(text: &str) -> Result<Self, KeyFault> {
        let keys = text
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<Vec<Key>, _>>()?;
        match keys.len() {
            0 => Err(KeyFault::Empty),
            1..=SEQUENCE_KEYS_MAX => Ok(Self(keys)),
            _ => Err(KeyFault::TooLong),
        }
    }
}

impl fmt::Display for KeySequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, key) in self.0.iter().enumerate() {
            if at > 0 {
                write!(f, " ")?;
            }
            write!(f, "{key}")?;
        }
        Ok(())
    }
}
