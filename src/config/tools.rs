//! `[tools]`: what every tool keeps off, and the operator's table of floors, a tool a table `[C18]`.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::isolation::Rung;
use thymos_core::tool::Floor;
use toml::Spanned;

use super::raw::ReadFile;
use crate::error::{AppError, ErrorKind};
use crate::near::nearest;

/// The whole table.
#[derive(Debug, Default)]
pub struct RawTools {
    /// Files and folders that no tool may touch, besides the program's own.
    pub protected: Option<Spanned<Vec<PathBuf>>>,
    /// Folders that children may read, such as toolchains.
    pub extra_read: Option<Spanned<Vec<PathBuf>>>,
    /// `[tools.<name>]`.
    pub floors: Vec<(String, RawFloor)>,
}

/// What no call of a tool may be taken for less than.
#[derive(Debug, Default, Deserialize)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "`protected`, `extra_read`, or a tool's table of effect, risk, rung and repeat"
)]
pub struct RawFloor {
    /// `pure`, `read`, `write`, `external` or `irreversible`.
    pub effect: Option<Spanned<String>>,
    /// `low`, `medium`, `high` or `critical`.
    pub risk: Option<Spanned<String>>,
    /// `L0` to `L4`: the weakest cage.
    pub rung: Option<Spanned<String>>,
    /// `once` or `free`.
    pub repeat: Option<Spanned<String>>,
}

/// One row of the operator's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolFloor {
    /// The tool.
    pub name: String,
    /// Its floor.
    pub floor: Floor,
    /// Where it stands in the file.
    pub line: usize,
}

impl<'de> Deserialize<'de> for RawTools {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ToolsVisitor)
    }
}

struct ToolsVisitor;

impl<'de> Visitor<'de> for ToolsVisitor {
    type Value = RawTools;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of tools")
    }

    // By hand: a flattened map would lose the places of its values, and errors their lines.
    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<RawTools, M::Error> {
        let mut tools = RawTools::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "protected" => tools.protected = Some(map.next_value()?),
                "extra_read" => tools.extra_read = Some(map.next_value()?),
                _ => tools.floors.push((key, map.next_value()?)),
            }
        }
        Ok(tools)
    }
}

/// The floors in the order of the file.
pub(super) fn floors(file: &Path, read: &ReadFile) -> Result<Vec<ToolFloor>, AppError> {
    let rows = read.raw.tools.floors.iter();
    let mut floors = rows
        .map(|(name, raw)| floor(file, read, name, raw))
        .collect::<Result<Vec<_>, _>>()?;
    floors.sort_by_key(|row| row.line);
    Ok(floors)
}

fn floor(file: &Path, read: &ReadFile, name: &str, raw: &RawFloor) -> Result<ToolFloor, AppError> {
    let values = [&raw.effect, &raw.risk, &raw.rung, &raw.repeat];
    let lines = values.into_iter().flatten();
    let line = lines.map(|value| read.line(value.span())).min();
    let place = Place { file, read };
    let risks = [Risk::Low, Risk::Medium, Risk::High, Risk::Critical];
    let rungs = [Rung::L0, Rung::L1, Rung::L2, Rung::L3, Rung::L4];
    let repeat = place.word(
        "repeat rule",
        &raw.repeat,
        &["once", "free"].map(|w| (w, w)),
    )?;
    let floor = Floor {
        effect: place.word(
            "effect class",
            &raw.effect,
            &EffectClass::ALL.map(|class| (class.word(), class)),
        )?,
        risk: place
            .word(
                "risk",
                &raw.risk,
                &[("low", 0), ("medium", 1), ("high", 2), ("critical", 3)],
            )?
            .and_then(|at: usize| risks.get(at).copied()),
        rung: place
            .word(
                "cage",
                &raw.rung,
                &[("L0", 0), ("L1", 1), ("L2", 2), ("L3", 3), ("L4", 4)],
            )?
            .and_then(|at: usize| rungs.get(at).copied()),
        once: repeat == Some("once"),
    };
    Ok(ToolFloor {
        name: name.to_owned(),
        floor,
        line: line.unwrap_or(1),
    })
}

struct Place<'a> {
    file: &'a Path,
    read: &'a ReadFile,
}

impl Place<'_> {
    /// The meaning of one of a few words.
    fn word<T: Copy>(
        &self,
        what: &str,
        raw: &Option<Spanned<String>>,
        known: &[(&str, T)],
    ) -> Result<Option<T>, AppError> {
        let Some(raw) = raw else { return Ok(None) };
        let written = raw.as_ref().as_str();
        if let Some((_, meaning)) = known.iter().find(|(word, _)| *word == written) {
            return Ok(Some(*meaning));
        }
        let line = self.read.line(raw.span());
        let file = self.file.display();
        let message = format!("config `{file}` line {line}: there is no {what} `{written}`");
        let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
        let hint = match nearest(written, words.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("use one of {}", words.join(", ")),
        };
        Err(AppError::new(ErrorKind::Config, message).hint(hint))
    }
}

/// A floor of a tool that is not there.
pub(crate) fn no_such_tool<'k>(
    file: &Path,
    floor: &ToolFloor,
    known: impl IntoIterator<Item = &'k str>,
) -> AppError {
    let (file, line, name) = (file.display(), floor.line, &floor.name);
    let message = format!("config `{file}` line {line}: there is no tool `{name}`");
    let error = AppError::new(ErrorKind::Config, message);
    match nearest(name, known) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint("`thymos ledger kind:tools_pinned` shows which there are"),
    }
}
