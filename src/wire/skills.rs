//! The folder of the operator's skills: one JSON file a skill. Reads it anew each time it is asked.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use thymos_core::limits::{SKILL_BYTES_MAX, SKILL_FILES_MAX};
use thymos_core::skill::SkillFile;
use thymos_core::writ::Grant;
use thymos_runtime::skills::{FoundSkill, SkillSource};

/// `<config>/skills`, a protected path.
pub struct SkillFolder {
    folder: PathBuf,
}

impl SkillFolder {
    /// Over this folder, which need not exist.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }
}

impl SkillSource for SkillFolder {
    fn find(&self) -> Vec<FoundSkill> {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return Vec::new();
        };
        let mut paths: Vec<PathBuf> = entries
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|ext| ext == "json"))
            .collect();
        paths.sort();
        let left_out = paths.len().saturating_sub(SKILL_FILES_MAX);
        let mut found: Vec<FoundSkill> = paths
            .iter()
            .take(SKILL_FILES_MAX)
            .map(|path| FoundSkill {
                name: stem(path),
                file: read(path),
            })
            .collect();
        if left_out > 0 {
            found.push(FoundSkill {
                name: "(more)".into(),
                file: Err(format!(
                    "{left_out} files beyond {SKILL_FILES_MAX} are not read"
                )),
            });
        }
        found
    }
}

/// A grant in words: `fs_write with path under `docs``.
#[must_use]
pub fn grant_words(grant: &Grant) -> String {
    thymos_runtime::modes::grant_words(grant)
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn read(path: &Path) -> Result<SkillFile, String> {
    let text = bounded(path).map_err(|error| format!("cannot be read: {error}"))?;
    SkillFile::read(&text).map_err(|no| no.to_string())
}

/// The file, and one byte more than may be, so that a longer one is told as such. Nothing else than a file is
/// read: a pipe would be waited for, and a device never ends.
///
/// # Errors
/// As reading does.
pub fn bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is not a file"));
    }
    let mut text = Vec::new();
    let most = u64::try_from(SKILL_BYTES_MAX).unwrap_or(u64::MAX);
    fs::File::open(path)?
        .take(most.saturating_add(1))
        .read_to_end(&mut text)?;
    Ok(text)
}
