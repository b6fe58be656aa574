//! The policy folder: the operator's own signed bundles, looked at before every decision `[P3]`.
//!
//! The folder counts as a whole: while one file is refused, what stood before stays in force. Looking
//! costs a listing; files are read only when one of them moved, or moved a moment ago.

use std::fs::{self, File};
use std::io::{ErrorKind as IoKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use thymos_core::Timestamp;
use thymos_core::writ::TrustRoots;
use thymos_policy::bundle::BUNDLE_BYTES_MAX;
use thymos_policy::{InvalidBundle, Placed, Shelf, SignedBundle, Switches, own};
use thymos_ports::Clock;
use thymos_runtime::kernel::PolicySource;

use super::probes::Finding;
use crate::config::paths;

/// Bundles of the folder. With more of them none is loaded, and the doctor says so.
const FILES_MAX: usize = 64;

/// Bytes of a bundle file: the bundle, and room for its signature. A larger one is refused unread.
const FILE_BYTES_MAX: u64 = BUNDLE_BYTES_MAX as u64 + 4_096;

/// A file that was touched so lately may be touched again without its times moving, since those move
/// by a tick; it is read at every look until it is older.
const YOUNG_MS: u64 = 2_000;

/// The folder as a source of rules.
pub struct PolicyFolder {
    clock: Arc<dyn Clock>,
    folder: PathBuf,
    roots: TrustRoots,
    switches: Switches,
    state: Mutex<State>,
}

struct State {
    looked: Look,
    /// Whether a file had been touched a moment before that look.
    young: bool,
    shelf: Arc<Shelf>,
    /// Whether the shelf stands on a folder that was in order.
    sound: bool,
}

/// What a listing says of the folder; the same listing means the same files.
type Look = Result<Vec<Stamp>, String>;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    name: String,
    inode: (u64, u64),
    size: u64,
    written: (i64, i64),
    changed: (i64, i64),
}

/// A file of the folder that was read and is trusted.
pub(crate) struct Shelved {
    /// Its path.
    pub(crate) file: PathBuf,
    /// The bundle.
    pub(crate) signed: SignedBundle,
}

impl PolicyFolder {
    /// Looks at the folder for the first time.
    #[must_use]
    pub fn open(
        folder: PathBuf,
        roots: TrustRoots,
        switches: Switches,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let looked = look(&folder);
        let young = is_young(&looked, clock.now());
        let (shelf, sound) = match shelve(&folder, &looked, &roots) {
            Ok(placed) => (with_builtin(placed, &switches), true),
            // Nothing is known of the rules that ought to stand: nothing may happen.
            Err(refused) => (closed(&switches, refused), false),
        };
        Self {
            clock,
            folder,
            roots,
            switches,
            state: Mutex::new(State {
                looked,
                young,
                shelf: Arc::new(shelf),
                sound,
            }),
        }
    }

    fn refreshed(&self, whatever: bool) -> Arc<Shelf> {
        let looked = look(&self.folder);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if looked == state.looked && !state.young && !whatever {
            return state.shelf.clone();
        }
        state.young = is_young(&looked, self.clock.now());
        match shelve(&self.folder, &looked, &self.roots) {
            Ok(placed) => {
                state.shelf = Arc::new(with_builtin(placed, &self.switches));
                state.sound = true;
            }
            // [P3] A broken file never loosens: the rules before it stay.
            Err(refused) if state.sound => state.shelf = Arc::new(state.shelf.refusing(refused)),
            Err(refused) => state.shelf = Arc::new(closed(&self.switches, refused)),
        }
        state.looked = looked;
        state.shelf.clone()
    }
}

impl PolicySource for PolicyFolder {
    fn current(&self) -> Arc<Shelf> {
        self.refreshed(false)
    }

    fn reload(&self) -> Arc<Shelf> {
        self.refreshed(true)
    }
}

fn with_builtin(mut placed: Vec<Placed>, switches: &Switches) -> Shelf {
    placed.push(unsigned(own::builtin()));
    Shelf::new(placed, switches.clone(), Vec::new())
}

fn closed(switches: &Switches, refused: Vec<String>) -> Shelf {
    let placed = vec![unsigned(own::builtin()), unsigned(own::closed())];
    Shelf::new(placed, switches.clone(), refused)
}

fn unsigned(bundle: thymos_policy::Bundle) -> Placed {
    Placed {
        bundle,
        vouch: None,
    }
}

/// Every bundle of the folder, or every reason why the folder does not count.
fn shelve(folder: &Path, looked: &Look, roots: &TrustRoots) -> Result<Vec<Placed>, Vec<String>> {
    let stamps = looked.as_ref().map_err(|no| vec![no.clone()])?;
    let (shelved, refused) = read_all(folder, stamps, roots);
    if refused.is_empty() {
        return Ok(shelved.into_iter().map(|one| one.signed.into()).collect());
    }
    Err(refused)
}

fn read_all(folder: &Path, stamps: &[Stamp], roots: &TrustRoots) -> (Vec<Shelved>, Vec<String>) {
    let mut shelved: Vec<Shelved> = Vec::new();
    let mut refused = Vec::new();
    for stamp in stamps {
        let file = folder.join(&stamp.name);
        let read = read(&file).and_then(|bytes| {
            SignedBundle::load(&bytes, roots).map_err(|invalid| sentence(&invalid))
        });
        match read {
            Ok(signed) => {
                let name = signed.bundle().name();
                if let Some(no) = taken(name, &shelved) {
                    refused.push(format!("`{}`: {no}", stamp.name));
                } else {
                    shelved.push(Shelved { file, signed });
                }
            }
            Err(no) => refused.push(format!("`{}`: {no}", stamp.name)),
        }
    }
    (shelved, refused)
}

/// Why a bundle may not have this name.
fn taken(name: &str, shelved: &[Shelved]) -> Option<String> {
    if own::NAMES.contains(&name) {
        return Some(format!(
            "the name `{name}` belongs to the program's own rules"
        ));
    }
    let other = shelved
        .iter()
        .find(|other| other.signed.bundle().name() == name)?;
    let other = other.file.file_name().unwrap_or_default().to_string_lossy();
    Some(format!("bundle `{name}` stands in `{other}` already"))
}

/// A refusal with its hint, in one sentence.
pub(crate) fn sentence(invalid: &InvalidBundle) -> String {
    match &invalid.hint {
        Some(hint) => format!("{invalid}; {hint}"),
        None => invalid.to_string(),
    }
}

/// A bundle file's bytes.
///
/// # Errors
/// A sentence: not there, not a plain file, too large.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>, String> {
    let meta = fs::metadata(file).map_err(|e| format!("it cannot be read: {e}"))?;
    if !meta.is_file() {
        return Err("it is not a file".to_owned());
    }
    if meta.len() > FILE_BYTES_MAX {
        return Err(format!(
            "{} bytes are more than {FILE_BYTES_MAX}",
            meta.len()
        ));
    }
    let mut bytes = Vec::new();
    let opened = File::open(file).map_err(|e| format!("it cannot be read: {e}"))?;
    opened
        .take(FILE_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(|e| format!("it cannot be read: {e}"))?;
    Ok(bytes)
}

fn look(folder: &Path) -> Look {
    let shown = folder.display();
    let unreadable = |e: &std::io::Error| format!("folder `{shown}` cannot be read: {e}");
    // Who may write there takes rules away.
    if let Some(why) = paths::not_own(folder) {
        return Err(format!("folder `{shown}` {why}"));
    }
    let listed = match fs::read_dir(folder) {
        Ok(listed) => listed,
        Err(error) if error.kind() == IoKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(&error)),
    };
    let mut stamps = Vec::new();
    for entry in listed {
        let name = entry.map_err(|e| unreadable(&e))?.file_name();
        let name = name.to_string_lossy().into_owned();
        if !name.ends_with(".json") || name.starts_with('.') {
            continue;
        }
        if stamps.len() == FILES_MAX {
            return Err(format!(
                "folder `{shown}` holds more than {FILES_MAX} bundles"
            ));
        }
        stamps.push(stamp(folder, name));
    }
    stamps.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(stamps)
}

/// Whether a file of the listing was touched a moment ago, or by the clock later than now.
fn is_young(looked: &Look, now: Timestamp) -> bool {
    let touched = |stamp: &Stamp| {
        let (seconds, nanos) = stamp.changed.max(stamp.written);
        let ms = seconds
            .saturating_mul(1_000)
            .saturating_add(nanos / 1_000_000);
        u64::try_from(ms).unwrap_or(0)
    };
    let newest = looked.iter().flatten().map(touched).max();
    newest.is_some_and(|ms| ms.saturating_add(YOUNG_MS) > now.as_ms())
}

/// A file that went between listing and looking is noticed when it is read.
fn stamp(folder: &Path, name: String) -> Stamp {
    let meta = fs::metadata(folder.join(&name)).ok();
    let of = |value: fn(&fs::Metadata) -> (i64, i64)| meta.as_ref().map_or((0, 0), value);
    Stamp {
        inode: meta.as_ref().map_or((0, 0), |m| (m.dev(), m.ino())),
        size: meta.as_ref().map_or(0, fs::Metadata::len),
        written: of(|m| (m.mtime(), m.mtime_nsec())),
        changed: of(|m| (m.ctime(), m.ctime_nsec())),
        name,
    }
}

/// The bundles of the folder that are in order, and why the others are not.
pub(crate) fn folder(folder: &Path, roots: &TrustRoots) -> (Vec<Shelved>, Vec<String>) {
    match look(folder) {
        Ok(stamps) => read_all(folder, &stamps, roots),
        Err(no) => (Vec::new(), vec![no]),
    }
}

/// What the doctor says of the folder.
pub(crate) fn examine(path: &Path, roots: &TrustRoots) -> Finding {
    let (shelved, refused) = folder(path, roots);
    let mut lines = vec![format!("{}: {} bundles", path.display(), shelved.len())];
    lines.extend(shelved.iter().map(|one| {
        let bundle = one.signed.bundle();
        format!(
            "{} {}, {} rules",
            bundle.name(),
            bundle.version(),
            bundle.rules_len()
        )
    }));
    let ok = refused.is_empty();
    lines.extend(refused.into_iter().map(|no| format!("refused: {no}")));
    Finding {
        what: "policy".into(),
        ok,
        lines,
        hint: (!ok).then(|| {
            "mend that file or move it away: running sessions keep the rules before it, new ones \
             forbid everything"
                .to_owned()
        }),
    }
}
