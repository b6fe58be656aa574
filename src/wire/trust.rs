//! Whom the operator trusts: `trust.json`, made at first use, changed by `thymos keys` alone.
//!
//! Holds public keys and names, no secret. Who may write it may grant authority, so it is refused
//! where others than its owner can write to it.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind as IoKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use serde::{Deserialize, Serialize};
use thymos_core::key::PublicKey;
use thymos_core::writ::{Party, TrustRoots};

use crate::config::{Paths, paths};
use crate::error::{AppError, ErrorKind};
use crate::strict;

/// Keys of one list. A file with more is refused.
const KEYS_MAX: usize = 256;

/// The file as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrustFile {
    v: u32,
    operators: Vec<Party>,
    policy: Vec<Party>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    retired: Vec<Party>,
    /// A rotation that has begun; whoever starts next finishes it or takes it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rotating: Option<Rotating>,
}

/// From which key to which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotating {
    pub(super) from: PublicKey,
    pub(super) to: PublicKey,
}

/// What a key is trusted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct For {
    /// Root writs and answers.
    pub(crate) answers: bool,
    /// Policy bundles.
    pub(crate) policy: bool,
}

impl For {
    /// Everything.
    pub(crate) const ALL: Self = Self {
        answers: true,
        policy: true,
    };

    const fn is_all(self) -> bool {
        self.answers && self.policy
    }

    /// Nothing.
    pub(crate) const fn is_none(self) -> bool {
        !self.answers && !self.policy
    }

    /// In words, as `--for` takes them.
    pub(crate) const fn words(self) -> &'static str {
        match (self.answers, self.policy) {
            (true, true) => "answers,policy",
            (true, false) => "answers",
            (false, true) => "policy",
            (false, false) => "nothing",
        }
    }
}

impl TrustFile {
    /// Trusts one operator for everything.
    fn first(operator: &Party) -> Self {
        Self {
            v: 1,
            operators: vec![operator.clone()],
            policy: vec![operator.clone()],
            retired: Vec::new(),
            rotating: None,
        }
    }

    /// Reads it; none where there is none.
    pub(crate) fn read(paths: &Paths) -> Result<Option<Self>, AppError> {
        let file = paths.trust_file();
        // Who may write in its folder can put another file in its place.
        if let Some(why) = file.parent().and_then(paths::not_own) {
            return Err(
                fault(&file, &format!("stands in a folder that {why}")).hint(
                    "look at what it trusts, then make the folder yours alone: chown, chmod 700",
                ),
            );
        }
        if let Some((folder, why)) = paths::open_way(&file) {
            let what = format!("is reached through `{}`, which {why}", folder.display());
            return Err(fault(&file, &what).hint(
                "look at what it trusts, then make that folder yours alone: chown, chmod o-w",
            ));
        }
        match fs::metadata(&file) {
            Ok(meta) if meta.permissions().mode() & 0o022 != 0 => {
                return Err(fault(&file, "can be written by others than you")
                    .hint(format!("look at it, then chmod 600 {}", file.display())));
            }
            Ok(_) => {
                if let Some(why) = paths::not_own(&file) {
                    return Err(
                        fault(&file, why).hint("look at what it trusts, then make it yours: chown")
                    );
                }
            }
            Err(error) if error.kind() == IoKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(&file, &error)),
        }
        let text = strict::text("trust file", &file)?;
        let read: Self = strict::parse("trust file", &file.display().to_string(), &text)?;
        if read.v != 1 {
            return Err(fault(&file, &format!("has version {}, not 1", read.v))
                .hint("use the newer thymos that wrote it"));
        }
        let longest = [&read.operators, &read.policy, &read.retired];
        if longest.iter().any(|list| list.len() > KEYS_MAX) {
            return Err(
                fault(&file, &format!("lists more than {KEYS_MAX} keys")).hint("is it yours?")
            );
        }
        Ok(Some(read))
    }

    /// Reads it, or makes it so that it trusts this operator.
    pub(crate) fn open(paths: &Paths, operator: &Party) -> Result<Self, AppError> {
        if let Some(read) = Self::read(paths)? {
            return Ok(read);
        }
        let first = Self::first(operator);
        first.write(paths)?;
        Ok(first)
    }

    /// Replaces the file at once or not at all.
    pub(crate) fn write(&self, paths: &Paths) -> Result<(), AppError> {
        let file = paths.trust_file();
        let mut text = serde_json::to_string_pretty(self)
            .map_err(|e| AppError::new(ErrorKind::Internal, e.to_string()))?;
        text.push('\n');
        paths::make_private(paths.config_folder())?;
        replace(&file, text.as_bytes()).map_err(|error| {
            fault(&file, &format!("cannot be written: {error}"))
                .hint("check the disk, and who owns the folder")
        })
    }

    /// The roots as the kernel takes them.
    pub(crate) fn roots(&self) -> TrustRoots {
        TrustRoots {
            operators: self.operators.clone(),
            policy: self.policy.clone(),
            retired: self.retired.clone(),
        }
    }

    /// Every key once: its party, what for, and whether it is retired.
    pub(crate) fn rows(&self) -> Vec<(Party, For, bool)> {
        let mut rows: Vec<(Party, For, bool)> = Vec::new();
        let lists = [
            (&self.operators, true, false),
            (&self.policy, false, true),
            (&self.retired, false, false),
        ];
        for (list, answers, policy) in lists {
            for party in list {
                match rows.iter_mut().find(|(known, _, _)| known.key == party.key) {
                    Some((_, what, _)) => what.policy |= policy,
                    None => rows.push((party.clone(), For { answers, policy }, false)),
                }
            }
        }
        for (_, what, retired) in &mut rows {
            *retired = !what.answers && !what.policy;
        }
        rows
    }

    /// Trusts a key for more from now on; gives what is new, which may be nothing. Takes no right away and
    /// renames nobody: what a key signed under its name rests on both `[V4]`.
    pub(crate) fn trust(&mut self, party: &Party, what: For) -> Result<For, AppError> {
        if let Some(known) = self.name_of(&party.key).filter(|name| *name != party.name) {
            let message = format!("this key is known as `{known}`");
            return Err(AppError::new(ErrorKind::Refused, message).hint(format!(
                "what it signed is told by that name: thymos keys trust {known} {}",
                party.key
            )));
        }
        let mut known = self.operators.iter().chain(&self.policy);
        if let Some(other) = known.find(|p| p.name == party.name && p.key != party.key) {
            let message = format!("`{}` is the name of another key", party.name);
            return Err(AppError::new(ErrorKind::User, message).hint(format!(
                "choose another name, or first: thymos keys distrust {}",
                other.name
            )));
        }
        let add = |list: &mut Vec<Party>, wanted: bool| {
            let new = wanted && list.iter().all(|old| old.key != party.key);
            if new {
                list.push(party.clone());
            }
            new
        };
        let new = For {
            answers: add(&mut self.operators, what.answers),
            policy: add(&mut self.policy, what.policy),
        };
        // Where one right is still gone, what was signed by it has to verify all the same.
        if self.rights_of(&party.key).is_all() {
            self.retired.retain(|old| old.key != party.key);
        }
        Ok(new)
    }

    /// Trusts a name no more for this; what it signed so far is still told as its own. Gives what was
    /// taken away, which may be nothing.
    pub(crate) fn distrust(&mut self, name: &str, what: For) -> For {
        let mut gone: Vec<Party> = Vec::new();
        let mut take = |list: &mut Vec<Party>, wanted: bool| {
            let (out, stay) = list
                .drain(..)
                .partition::<Vec<Party>, _>(|party| wanted && party.name == name);
            *list = stay;
            let any = !out.is_empty();
            gone.extend(out);
            any
        };
        let taken = For {
            answers: take(&mut self.operators, what.answers),
            policy: take(&mut self.policy, what.policy),
        };
        gone.into_iter().for_each(|party| self.retire(party));
        taken
    }

    /// What a key is trusted for.
    pub(crate) fn rights_of(&self, key: &PublicKey) -> For {
        let among = |list: &[Party]| list.iter().any(|party| party.key == *key);
        For {
            answers: among(&self.operators),
            policy: among(&self.policy),
        }
    }

    /// The name under which a key is trusted, or was.
    pub(crate) fn name_of(&self, key: &PublicKey) -> Option<&str> {
        let lists = [&self.operators, &self.policy, &self.retired];
        let mut all = lists.into_iter().flatten();
        all.find(|party| party.key == *key)
            .map(|party| party.name.as_str())
    }

    fn retire(&mut self, party: Party) {
        if self.retired.iter().all(|old| old.key != party.key) {
            self.retired.push(party);
        }
    }

    /// Writes down that a key is about to replace another: until that is done, both count.
    pub(super) fn begin_rotation(&mut self, step: Rotating) {
        for list in [&mut self.operators, &mut self.policy] {
            let old = list.iter().find(|party| party.key == step.from);
            let new = old.map(|old| Party {
                name: old.name.clone(),
                key: step.to,
            });
            list.extend(new);
        }
        self.rotating = Some(step);
    }

    /// Ends a rotation that was begun, by the key that is in place now. False when there is none.
    pub(super) fn end_rotation(&mut self, in_place: &PublicKey) -> bool {
        let Some(step) = self.rotating.take() else {
            return false;
        };
        let done = *in_place == step.to;
        let out = if done { step.from } else { step.to };
        let mut gone = None;
        for list in [&mut self.operators, &mut self.policy] {
            let found = list.iter().find(|party| party.key == out).cloned();
            gone = gone.or(found);
            list.retain(|party| party.key != out);
        }
        // A key that never signed anything leaves no trace.
        if let Some(party) = gone.filter(|_| done) {
            self.retire(party);
        }
        true
    }
}

/// Writes a file beside, syncs it, and puts it in place.
pub(crate) fn replace(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let named = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = named.unwrap_or_else(|| Path::new("."));
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.{}", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut out| out.write_all(bytes).and_then(|()| out.sync_all()))
        .and_then(|()| fs::rename(&beside, file));
    if written.is_err() {
        drop(fs::remove_file(&beside));
    }
    written.and_then(|()| File::open(folder)?.sync_all())
}

fn fault(file: &Path, what: &str) -> AppError {
    AppError::new(
        ErrorKind::User,
        format!("trust file `{}` {what}", file.display()),
    )
}

fn unreadable(file: &Path, error: &std::io::Error) -> AppError {
    fault(file, &format!("cannot be read: {error}")).hint("check who owns it")
}
