//! Keys of model providers that `thymos auth` keeps: `provider-keys.json` in the data folder, mode 0600.
//!
//! Each belongs to the address that it was given for and is found for no other one: a config that changes where a
//! provider listens does not take its key along.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use thymos_core::secret::Secret;

use super::trust::replace;
use crate::config::{Paths, paths};
use crate::error::{AppError, ErrorKind};
use crate::strict;

/// Bytes of one key at most; providers give out some two hundred.
pub(crate) const KEY_BYTES_MAX: usize = 8 * 1024;

/// Keys of the file at most.
const KEYS_MAX: usize = 64;

/// The file as it stands.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderKeys {
    v: u32,
    keys: BTreeMap<String, Kept>,
}

/// One key. It is written down as it is, and printed by nobody.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    url: String,
    key: String,
}

/// What is kept for a provider at an address.
pub(super) enum Found {
    /// Nothing.
    Nothing,
    /// A key for it.
    Key(Secret<String>),
    /// A key that was given for this other address.
    Elsewhere(String),
}

impl ProviderKeys {
    fn none() -> Self {
        Self {
            v: 1,
            keys: BTreeMap::new(),
        }
    }

    /// Reads the file; none is one without keys.
    ///
    /// # Errors
    /// [`AppError`] where others can read it, or where it is not such a file.
    pub(crate) fn read(paths: &Paths) -> Result<Self, AppError> {
        let file = paths.provider_keys();
        if !file.exists() {
            return Ok(Self::none());
        }
        if paths::is_exposed(&file) {
            return Err(fault(&file, "can be read by others than you").hint(format!(
                "chmod 600 {}, and have new keys made where somebody may have read them",
                file.display()
            )));
        }
        let text = strict::text("key file", &file)?;
        let read: Self = strict::parse("key file", &file.display().to_string(), &text)?;
        match read.v {
            1 => Ok(read),
            other => Err(fault(&file, &format!("has version {other}, not 1"))
                .hint("use the newer thymos that wrote it")),
        }
    }

    /// The key of a provider that listens there.
    pub(super) fn find(&self, provider: &str, url: &str) -> Found {
        match self.keys.get(provider) {
            None => Found::Nothing,
            Some(kept) if same(&kept.url, url) => Found::Key(Secret::new(kept.key.clone())),
            Some(kept) => Found::Elsewhere(kept.url.clone()),
        }
    }

    /// Providers with a key, and the address of each.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.keys.iter();
        all.map(|(name, kept)| (name.as_str(), kept.url.as_str()))
    }

    /// Every key, for the redactor `[R1]`.
    pub(super) fn secrets(&self) -> impl Iterator<Item = Secret<String>> {
        let all = self.keys.values();
        all.map(|kept| Secret::new(kept.key.clone()))
    }

    /// Keeps a key, in the place of an older one. Gives whether there was one.
    ///
    /// # Errors
    /// As [`Self::read`], and where the file cannot be written: it is then as it was.
    pub(crate) fn put(
        paths: &Paths,
        provider: &str,
        url: &str,
        key: &Secret<String>,
    ) -> Result<bool, AppError> {
        change(paths, |kept| {
            let key = key.expose("to keep it in a file of its owner's").clone();
            let url = url.to_owned();
            if !kept.keys.contains_key(provider) && kept.keys.len() == KEYS_MAX {
                let message = format!("{KEYS_MAX} keys are kept already");
                return Err(AppError::new(ErrorKind::User, message)
                    .hint("take one away that is not used: thymos auth rm NAME"));
            }
            let old = kept.keys.insert(provider.to_owned(), Kept { url, key });
            Ok(old.is_some())
        })
    }

    /// Takes a key away. Gives whether there was one.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub(crate) fn remove(paths: &Paths, provider: &str) -> Result<bool, AppError> {
        change(paths, |kept| Ok(kept.keys.remove(provider).is_some()))
    }
}

/// Changes the file at once or not at all; of two who do so the second sees what the first did.
fn change(
    paths: &Paths,
    change: impl FnOnce(&mut ProviderKeys) -> Result<bool, AppError>,
) -> Result<bool, AppError> {
    let file = paths.provider_keys();
    paths::make_private(paths.data_folder())?;
    let _alone = alone(&file.with_extension("lock"))?;
    let mut kept = ProviderKeys::read(paths)?;
    let changed = change(&mut kept)?;
    let mut text = serde_json::to_string_pretty(&kept)
        .map_err(|error| AppError::new(ErrorKind::Internal, error.to_string()))?;
    text.push('\n');
    replace(&file, text.as_bytes()).map_err(|error| {
        fault(&file, &format!("cannot be written: {error}"))
            .hint("check the disk, and who owns the folder")
    })?;
    Ok(changed)
}

fn alone(lock: &Path) -> Result<File, AppError> {
    let opened = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(lock);
    opened
        .and_then(|file| file.lock().map(|()| file))
        .map_err(|error| {
            fault(lock, &format!("cannot be locked: {error}")).hint("check who owns the folder")
        })
}

/// Whether two addresses are one: a slash at the end makes no other of it.
fn same(left: &str, right: &str) -> bool {
    left.trim_end_matches('/') == right.trim_end_matches('/')
}

fn fault(file: &Path, what: &str) -> AppError {
    let message = format!("key file `{}` {what}", file.display());
    AppError::new(ErrorKind::User, message)
}

/// A key as it was typed or piped in, or what is wrong with it in a sentence.
///
/// # Errors
/// [`AppError`] for what no header can carry, and for nothing at all.
pub(crate) fn checked(typed: &str) -> Result<Secret<String>, AppError> {
    let key = typed.trim();
    let no = |what: String| Err(AppError::new(ErrorKind::User, what));
    if key.is_empty() {
        return no("no key came in".to_owned());
    }
    if key.len() > KEY_BYTES_MAX {
        return no(format!("the key is longer than {KEY_BYTES_MAX} bytes"));
    }
    let bad = key.chars().position(|c| !c.is_ascii_graphic());
    match bad {
        None => Ok(Secret::new(key.to_owned())),
        Some(at) => no(format!(
            "the key holds {} at character {}, which no key does",
            match key.chars().nth(at) {
                Some('\n' | '\r') => "a line break",
                Some(' ' | '\t') => "a blank",
                _ => "something that is no plain character",
            },
            at + 1
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_plain_word() {
        let is = |typed: &str| checked(typed).map_err(|no| no.message);
        assert_eq!(is(" sk-1\n").unwrap().expose("test"), "sk-1");
        for (typed, words) in [
            ("", "no key came in"),
            ("  \n", "no key came in"),
            ("a\nb", "a line break at character 2"),
            ("a b", "a blank at character 2"),
            ("schlüssel", "no plain character at character 5"),
            ("a\u{200b}b", "at character 2"),
            (&"k".repeat(KEY_BYTES_MAX + 1), "longer than"),
        ] {
            let no = is(typed).err().unwrap();
            assert!(no.contains(words), "{typed:?}: {no}");
        }
    }

    #[test]
    fn a_key_is_found_for_its_address_alone() {
        let mut keys = ProviderKeys::none();
        let kept = Kept {
            url: "https://a.example/v1/".into(),
            key: "k".into(),
        };
        keys.keys.insert("work".into(), kept);
        let found = |url: &str| match keys.find("work", url) {
            Found::Key(key) => key.expose("test").clone(),
            Found::Elsewhere(url) => format!("for {url}"),
            Found::Nothing => String::new(),
        };
        assert_eq!(found("https://a.example/v1"), "k");
        for other in [
            "https://b.example/v1",
            "http://a.example/v1",
            "https://a.example",
            "https://a.example/v1/x",
            "https://a.example:8443/v1",
        ] {
            assert_eq!(found(other), "for https://a.example/v1/", "{other}");
        }
        assert!(matches!(
            keys.find("other", "https://a.example/v1"),
            Found::Nothing
        ));
    }
}
