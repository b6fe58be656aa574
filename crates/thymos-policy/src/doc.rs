//! Reads a bundle's JSON with positions: every complaint names a path, and a path has a line.
//!
//! Knows objects, lists and text; what they mean is `bundle`'s and `when`'s.

use serde_json::{Map, Value};

use crate::fault::BundleFault;

/// One step into a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
}

/// A value and the way to it.
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    pub(crate) value: &'a Value,
    pub(crate) path: Vec<Step>,
}

/// A complaint about a place in the document.
#[derive(Debug, Clone)]
pub(crate) struct Complaint {
    pub(crate) path: Vec<Step>,
    pub(crate) fault: BundleFault,
    pub(crate) hint: Option<String>,
}

impl<'a> Node<'a> {
    pub(crate) fn root(value: &'a Value) -> Self {
        Self {
            value,
            path: Vec::new(),
        }
    }

    pub(crate) fn blame(&self, fault: BundleFault) -> Complaint {
        Complaint {
            path: self.path.clone(),
            fault,
            hint: None,
        }
    }

    pub(crate) fn object(&self) -> Result<&'a Map<String, Value>, Complaint> {
        self.value
            .as_object()
            .ok_or_else(|| self.wrong("an object"))
    }

    /// Refuses keys that are not among these.
    pub(crate) fn only(&self, known: &[&'static str]) -> Result<(), Complaint> {
        for key in self.object()?.keys() {
            if !known.contains(&key.as_str()) {
                let mut path = self.path.clone();
                path.push(Step::Key(key.clone()));
                return Err(Complaint {
                    path,
                    fault: BundleFault::UnknownKey(key.clone()),
                    hint: nearest(key, known.iter().copied()),
                });
            }
        }
        Ok(())
    }

    pub(crate) fn get(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key)?;
        let mut path = self.path.clone();
        path.push(Step::Key(key.to_owned()));
        Some(Self { value, path })
    }

    pub(crate) fn need(&self, key: &'static str) -> Result<Self, Complaint> {
        self.get(key)
            .ok_or_else(|| self.blame(BundleFault::Missing(key)))
    }

    pub(crate) fn list(&self) -> Result<Vec<Self>, Complaint> {
        let items = self.value.as_array().ok_or_else(|| self.wrong("a list"))?;
        Ok(items
            .iter()
            .enumerate()
            .map(|(at, value)| {
                let mut path = self.path.clone();
                path.push(Step::Index(at));
                Self { value, path }
            })
            .collect())
    }

    pub(crate) fn text(&self) -> Result<&'a str, Complaint> {
        self.value.as_str().ok_or_else(|| self.wrong("text"))
    }

    pub(crate) fn number(&self) -> Result<u64, Complaint> {
        self.value
            .as_u64()
            .ok_or_else(|| self.wrong("a whole number from 0"))
    }

    pub(crate) fn flag(&self) -> Result<bool, Complaint> {
        self.value
            .as_bool()
            .ok_or_else(|| self.wrong("true or false"))
    }

    pub(crate) fn wrong(&self, expected: &str) -> Complaint {
        self.blame(BundleFault::WrongType {
            expected: expected.to_owned(),
        })
    }
}

/// `did you mean` for a word that is close to one of these.
pub(crate) fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<String> {
    known
        .map(|candidate| (distance(word, candidate), candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= candidate.len() / 3 + 1)
        .map(|(_, candidate)| format!("did you mean `{candidate}`?"))
}

fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut before = i + 1;
        let mut next = vec![before];
        for (right, up) in b.chars().zip(row.iter().skip(1)) {
            let cost = diagonal + usize::from(left != right);
            diagonal = *up;
            before = cost.min(before + 1).min(*up + 1);
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// Line and column, both from 1, of the value at this path. The text is known to be valid JSON.
pub(crate) fn locate(text: &str, path: &[Step]) -> (u32, u32) {
    let mut scan = Scan {
        bytes: text.as_bytes(),
        at: 0,
    };
    scan.space();
    for step in path {
        let found = match step {
            Step::Key(key) => scan.enter_key(key),
            Step::Index(index) => scan.enter_index(*index),
        };
        if found.is_none() {
            break;
        }
    }
    position(text, scan.at)
}

/// Line and column of a byte offset.
pub(crate) fn position(text: &str, at: usize) -> (u32, u32) {
    let before = text.get(..at.min(text.len())).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    (
        u32::try_from(line).unwrap_or(u32::MAX),
        u32::try_from(column).unwrap_or(u32::MAX),
    )
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(
            self.peek(),
            Some(b' ' | b'\t' | b'\n' | b'\r' | b',' | b':')
        ) {
            self.at += 1;
        }
    }

    fn enter_key(&mut self, wanted: &str) -> Option<()> {
        (self.peek()? == b'{').then_some(())?;
        self.at += 1;
        loop {
            self.space();
            let start = self.at;
            (self.peek()? == b'"').then_some(())?;
            self.string();
            let key: String = serde_json::from_slice(self.bytes.get(start..self.at)?).ok()?;
            self.space();
            if key == wanted {
                return Some(());
            }
            self.value()?;
        }
    }

    fn enter_index(&mut self, index: usize) -> Option<()> {
        (self.peek()? == b'[').then_some(())?;
        self.at += 1;
        self.space();
        for _ in 0..index {
            self.value()?;
            self.space();
        }
        Some(())
    }

    fn string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                return;
            }
        }
    }

    /// Skips one value, however deep; without recursion, since only brackets and strings matter.
    fn value(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => self.string(),
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' => {
                    self.at += 1;
                    continue;
                }
                _ => {
                    while !matches!(
                        self.peek(),
                        None | Some(b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r')
                    ) {
                        self.at += 1;
                    }
                }
            }
            if depth == 0 {
                return Some(());
            }
        }
    }
}
