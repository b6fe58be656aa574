//! Whether a `git` that only reads would run what its repository names `[C18]`: a file monitor, a filter, a
//! driver of differences, a hook, a helper that fetches what is missing, or any of these in a submodule.
//!
//! Runs nothing. It knows which settings name no program; with any other, and any repository that is not
//! laid out as `git init` and `git clone` do it, the call counts as external and a person is asked. What the
//! operator's own configuration names is the operator's.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::Path;

mod index;

/// A configuration of more bytes is not read.
const CONFIG_BYTES_MAX: u64 = 256 * 1024;

/// An index of more bytes is not read.
const INDEX_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Settings that name no program: section, whether it has a name of its own, and its keys.
const HARMLESS: &[(&str, bool, &[&str])] = &[
    (
        "core",
        false,
        &[
            "repositoryformatversion",
            "filemode",
            "bare",
            "logallrefupdates",
            "ignorecase",
            "precomposeunicode",
            "symlinks",
            "autocrlf",
            "eol",
            "safecrlf",
            "quotepath",
            "abbrev",
            "trustctime",
            "checkstat",
            "compression",
            "bigfilethreshold",
            "preloadindex",
            "untrackedcache",
            "whitespace",
            "commentchar",
            "sharedrepository",
        ],
    ),
    ("user", false, &["name", "email", "signingkey"]),
    (
        "remote",
        true,
        &["url", "pushurl", "fetch", "tagopt", "prune", "gh-resolved"],
    ),
    (
        "branch",
        true,
        &[
            "remote",
            "merge",
            "rebase",
            "description",
            "pushremote",
            "vscode-merge-base",
            "gh-merge-base",
        ],
    ),
    ("pull", false, &["rebase", "ff"]),
    ("push", false, &["default", "autosetupremote", "followtags"]),
    ("fetch", false, &["prune", "prunetags"]),
    ("init", false, &["defaultbranch"]),
    ("merge", false, &["conflictstyle", "ff"]),
    ("rebase", false, &["autosquash", "autostash"]),
    ("rerere", false, &["enabled", "autoupdate"]),
    ("gc", false, &["auto"]),
    (
        "status",
        false,
        &["short", "branch", "showuntrackedfiles", "relativepaths"],
    ),
    (
        "log",
        false,
        &["date", "decorate", "abbrevcommit", "follow"],
    ),
    (
        "diff",
        false,
        &[
            "algorithm",
            "colormoved",
            "colormovedws",
            "context",
            "indentheuristic",
            "mnemonicprefix",
            "noprefix",
            "renamelimit",
            "renames",
        ],
    ),
    ("color", false, &["ui", "status", "diff", "branch"]),
];

/// Whether `git`, started in a folder, finds nothing that it would run. A decoy hides nothing: every
/// repository that it could find from there upwards has to be such.
pub(super) fn runs_nothing(folder: &Path) -> bool {
    let Ok(folder) = folder.canonicalize() else {
        return false;
    };
    folder.ancestors().all(|at| {
        let git = at.join(".git");
        // A folder with a `HEAD` may be a repository itself, with its `config` beside it.
        is_absent(&at.join("HEAD")) && (is_absent(&git) || is_plain(&git))
    })
}

fn is_absent(path: &Path) -> bool {
    path.symlink_metadata()
        .is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

/// Whether it is a folder of a repository of its own that names no program.
fn is_plain(git: &Path) -> bool {
    // Else its settings stand elsewhere: of a worktree, of a submodule, of whoever made the link.
    let own = git.symlink_metadata().is_ok_and(|meta| meta.is_dir());
    own && is_absent(&git.join("commondir"))
        // The one hook of what only reads: it runs when the index is refreshed.
        && is_absent(&git.join("hooks/post-index-change"))
        && read(&git.join("config"), CONFIG_BYTES_MAX)
            .is_some_and(|bytes| names_no_program(&bytes))
        && read(&git.join("index"), INDEX_BYTES_MAX)
            .is_some_and(|bytes| bytes.is_empty() || index::is_of_files(&bytes) == Some(true))
}

/// What a file holds; nothing where there is none, and none where it cannot be told.
fn read(path: &Path, limit: u64) -> Option<Vec<u8>> {
    if is_absent(path) {
        return Some(Vec::new());
    }
    // Not of a pipe: whoever reads one waits.
    let meta = path.metadata().ok().filter(fs::Metadata::is_file)?;
    if meta.len() > limit {
        return None;
    }
    let mut bytes = Vec::new();
    let open = fs::File::open(path).ok()?;
    open.take(limit + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= limit).then_some(bytes)
}

/// Whether a configuration holds settings of the list alone. Reads less than git does: a line that is not
/// plainly one of them is none.
fn names_no_program(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let mut section = None;
    text.lines().all(|line| {
        let line = line.trim_matches([' ', '\t']);
        // A line that goes on, or a sign that moves the cursor, is not what it looks like.
        if line.ends_with('\\') || line.chars().any(|c| c.is_control() && c != '\t') {
            return false;
        }
        if line.is_empty() || line.starts_with(['#', ';']) {
            return true;
        }
        if let Some(rest) = line.strip_prefix('[') {
            section = header(rest);
            return section.is_some();
        }
        let key = line.split('=').next().unwrap_or_default();
        let key = key.trim_end_matches([' ', '\t']).to_ascii_lowercase();
        section.is_some_and(|keys: &[&str]| keys.contains(&key.as_str()))
    })
}

/// The keys that a section may have, by its line behind the bracket.
fn header(rest: &str) -> Option<&'static [&'static str]> {
    let inner = rest.strip_suffix(']')?;
    let (name, own) = match inner.split_once([' ', '\t']) {
        None => (inner, false),
        Some((name, own)) => {
            let own = own.trim_start_matches([' ', '\t']);
            let own = own.strip_prefix('"')?.strip_suffix('"')?;
            if own.contains(['"', '\\']) {
                return None;
            }
            (name, true)
        }
    };
    let name = name.to_ascii_lowercase();
    let found = HARMLESS
        .iter()
        .find(|(section, named, _)| *section == name && *named == own);
    found.map(|(.., keys)| *keys)
}

#[cfg(test)]
mod tests;
