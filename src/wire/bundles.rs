//! Bundles as files: written of the configured ledger, opened as evidence `[L16]`.
//!
//! What a bundle holds is for `thymos-bundle`, and what it proves for the kernel.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thymos_bundle::{Export, InvalidBundle, NamedKey, NotExported};
use thymos_core::TrajectoryId;
use thymos_core::body::{Body, BodyState};
use thymos_core::checkpoint::{SignedCheckpoint, Unsigned};
use thymos_core::entry::EntryHeader;
use thymos_core::key::PublicKey;
use thymos_core::pins::Pins;
use thymos_core::writ::TrustRoots;
use thymos_ledger::SqliteLedger;
use thymos_ports::store::Unfit;
use thymos_ports::{Clock, LedgerStore};
use thymos_protocol::{PinReport, VerifyReport};
use thymos_replay::verify::{Excerpt, Keeper, KeptNote, Report};
use thymos_runtime::proof::{self, Evidence, Part};
use thymos_runtime::{Opener, finish_erasing};

use super::files::{Place, Unfinished};
use super::store_error;
use super::trust::TrustFile;
use crate::config::ledger::LedgerPlace;
use crate::config::{Config, Env};
use crate::error::{AppError, ErrorKind};
use crate::system::SystemClock;

pub(crate) use thymos_bundle::{Bundle, Exported, Manifest, Withheld};

/// What is to be written, and where.
pub(crate) struct Order<'a> {
    pub(crate) place: Place,
    /// The checkpoint to stand on, as a note.
    pub(crate) note: &'a str,
    /// None for the whole log.
    pub(crate) trajectory: Option<TrajectoryId>,
    /// A whole log is everybody's in it, and that was said to be meant.
    pub(crate) every_tenant: bool,
    pub(crate) withheld: Withheld,
    /// Keys to name: those that are or were trusted.
    pub(crate) known: &'a TrustRoots,
}

/// What a verified bundle is.
pub(crate) struct Checked {
    pub(crate) manifest: Manifest,
    pub(crate) signer: Option<PublicKey>,
    /// None of the keys that count here is among those that signed it.
    pub(crate) by_strangers: bool,
    pub(crate) report: VerifyReport,
}

/// Writes a bundle of the configured ledger; gives what is in it, and the file.
///
/// # Errors
/// [`AppError`] with what is wrong; then no file is left behind, and none was touched.
pub(crate) fn export(
    env: &Env,
    config: &Config,
    order: Order<'_>,
) -> Result<(Exported, PathBuf), AppError> {
    let mut out = Unfinished::begin(config, order.place)?;
    let store = to_read(env, &config.ledger.value)?;
    if order.trajectory.is_none() && !order.every_tenant {
        of_one_tenant(store.as_ref(), &config.tenant.value)?;
    }
    let checkpoint = SignedCheckpoint::parse(order.note)
        .map_err(|e| AppError::new(ErrorKind::Internal, e.to_string()))?;
    let known = order.known.ever();
    let export = Export {
        store: store.as_ref(),
        checkpoint: &checkpoint,
        trajectory: order.trajectory,
        withheld: order.withheld,
        keys: known.operators.iter().map(named).collect(),
    };
    let exported = thymos_bundle::write(&export, &mut out).map_err(|e| not_exported(&e))?;
    Ok((exported, out.finish()?))
}

fn to_read(env: &Env, ledger: &LedgerPlace) -> Result<Box<dyn LedgerStore>, AppError> {
    match ledger {
        LedgerPlace::File(path) => {
            let store = SqliteLedger::open_read_only(path).map_err(|e| store_error(&e))?;
            Ok(Box::new(store))
        }
        LedgerPlace::Server(url) => match super::ledger::look(env, url)? {
            Some(store) => Ok(Box::new(store)),
            None => {
                let message = format!("there is no ledger in `{url}` yet");
                Err(AppError::new(ErrorKind::User, message))
            }
        },
    }
}

fn named(party: &thymos_core::writ::Party) -> NamedKey {
    NamedKey {
        name: party.name.clone(),
        key: party.key,
    }
}

/// A whole log is everybody's in it; another tenant's trajectories are not there `[C5]`.
fn of_one_tenant(store: &dyn LedgerStore, tenant: &str) -> Result<(), AppError> {
    for head in store.heads().map_err(|e| store_error(&e))? {
        let first = store.page(&head.trajectory, 0, 1);
        let first = first.map_err(|e| store_error(&e))?;
        let own = first.first().is_some_and(|entry| match entry.decode() {
            BodyState::Known(Body::Root(root)) => root.tenant == tenant,
            // What is not there tells no tenant, and nothing of it is disclosed.
            BodyState::Erased => true,
            _ => false,
        });
        if !own {
            let message = "the ledger holds trajectories of another tenant, and --all is all of it";
            return Err(AppError::new(ErrorKind::Refused, message)
                .hint("export yours one by one, as `thymos runs` lists them")
                .hint("or hand on theirs too, and say so: --all-tenants"));
        }
    }
    Ok(())
}

/// What is read more than once, and to its end, is a file: a pipe or a device would be waited for.
///
/// # Errors
/// [`AppError`] where it is there and is none.
pub(crate) fn is_regular(file: &Path) -> Result<(), AppError> {
    match fs::metadata(file) {
        Ok(meta) if !meta.is_file() => {
            let message = format!("`{}` is no file", file.display());
            Err(AppError::new(ErrorKind::User, message).hint("write it to a file, and name that"))
        }
        // What is not there at all is told by whoever opens it.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Opens a bundle.
///
/// # Errors
/// [`AppError`]: what of its form is not as it must be.
pub(crate) fn open(file: &Path) -> Result<Bundle, AppError> {
    is_regular(file)?;
    let opened = File::open(file).map_err(|e| unreadable(file, &e.to_string()))?;
    Bundle::open(Box::new(BufReader::new(opened))).map_err(|invalid| refused(file, &invalid))
}

/// Verifies a bundle at every level, against the keys in `roots` and nothing of this machine.
///
/// # Errors
/// [`AppError`] when it cannot be read.
pub(crate) fn verify(
    file: &Path,
    bundle: Arc<Bundle>,
    roots: &TrustRoots,
) -> Result<Checked, AppError> {
    let manifest = bundle.manifest().clone();
    let known = roots.ever();
    let known: Vec<PublicKey> = known.operators.iter().map(|one| one.key).collect();
    let last = bundle.checkpoint();
    let signed = last.map(|last| last.signer(&known));
    let evidence = Evidence {
        notes: notes(&bundle),
        part: Some(part(&bundle)),
        roots: roots.clone(),
        store: bundle,
    };
    let said = caveat(&manifest);
    let verified = proof::verify(
        evidence,
        |report| said + &of_blobs(&manifest, report),
        &mut |_| {},
    );
    let verified = verified.map_err(|e| unreadable(file, &e.to_string()))?;
    Ok(Checked {
        manifest,
        by_strangers: matches!(signed, Some(Err(Unsigned::Unknown))),
        signer: signed.and_then(Result::ok),
        report: verified.told,
    })
}

/// Holds what is in a bundle against pins `[Y2]`.
///
/// # Errors
/// [`AppError`] when it cannot be read.
pub(crate) fn pinned(file: &Path, bundle: &Bundle, pins: Pins) -> Result<PinReport, AppError> {
    proof::pinned(bundle, pins, &[]).map_err(|e| unreadable(file, &e.to_string()))
}

/// Takes over a verified bundle of a whole log; gives the number of entries that are new.
///
/// # Errors
/// [`AppError`] when it does not fit or cannot be kept; then nothing was.
pub(crate) fn import(
    env: &Env,
    config: &Config,
    file: &Path,
    bundle: &Bundle,
) -> Result<u64, AppError> {
    let ledger = config.ledger.value.to_string();
    let store = super::ledger::Ledger::open(env, config, super::Purpose::Act)?.store;
    let log = bundle.log();
    let taken = store.adopt(log, &mut bundle.pieces());
    let taken = taken.map_err(|e| store_error(&e))?;
    if taken.is_ok()
        && let Some(trust) = TrustFile::read(&config.paths)?
    {
        // [L3] What was erased elsewhere meanwhile may still stand here, and goes if somebody who is trusted
        // here ordered it. What cannot be done now is done when the ledger is next opened.
        let opener = Opener {
            ever: &trust.roots().ever(),
            retention_ms: config.retention_ms(),
            now: SystemClock.now(),
        };
        drop(finish_erasing(store.as_ref(), opener));
    }
    taken.map_err(|unfit| {
        let (words, hint) = match unfit {
            Unfit::OtherLog(own) => (
                format!(
                    "ledger `{ledger}` has entries of another log, {}",
                    own.short()
                ),
                "name an empty or new file or database with --ledger",
            ),
            Unfit::Parted(index) => (
                format!(
                    "ledger `{ledger}` went on otherwise than bundle `{}` from index {index} on",
                    file.display()
                ),
                "import it into another one with --ledger, and find out which of them is right",
            ),
            Unfit::Gap(index) => (
                format!(
                    "the entry at index {index} of bundle `{}` does not come next",
                    file.display()
                ),
                "ask for it again; nothing of it was used",
            ),
        };
        AppError::new(ErrorKind::Refused, words).hint(hint)
    })
}

fn notes(bundle: &Bundle) -> Vec<KeptNote> {
    let notes = bundle.checkpoints().iter().enumerate();
    let kept = notes.map(|(at, note)| KeptNote {
        keeper: Keeper::Bundle,
        line: at + 1,
        note: note.note().to_owned(),
    });
    kept.collect()
}

fn part(bundle: &Bundle) -> Part {
    let manifest = bundle.manifest();
    let withheld = manifest.withheld.clone();
    let proofs = bundle.checkpoints().iter().zip(bundle.consistency_proofs());
    let consistency: BTreeMap<_, _> = proofs
        .map(|(note, proof)| (note.checkpoint.size, proof.clone()))
        .collect();
    Part {
        withheld: Arc::new(move |header: &EntryHeader| withheld.covers(header)),
        excerpt: manifest.trajectory.map(|_| Excerpt {
            log: manifest.log,
            size: manifest.size,
            consistency,
        }),
    }
}

/// What a bundle cannot prove.
fn caveat(manifest: &Manifest) -> String {
    let size = manifest.size;
    match manifest.trajectory {
        None => format!("it proves nothing of what came after the {size} entries"),
        Some(_) => format!(
            "it proves that its entries stand among the first {size} of the log, and not that the \
             trajectory ends with them"
        ),
    }
}

fn of_blobs(manifest: &Manifest, _: &Report) -> String {
    match manifest.absent {
        0 => String::new(),
        absent => format!("; {absent} blobs that it refers to are not in it"),
    }
}

fn refused(file: &Path, invalid: &InvalidBundle) -> AppError {
    use InvalidBundle as E;
    let shown = file.display();
    let (kind, hint) = match invalid {
        E::Io(_) => (ErrorKind::User, "check the path and who owns it"),
        E::Foreign => (ErrorKind::User, "`thymos export` writes bundles"),
        E::Manifest(thymos_bundle::manifest::InvalidManifest::Version(_)) => {
            (ErrorKind::User, "use the thymos that wrote it")
        }
        _ => (
            ErrorKind::Integrity,
            "ask for it again; nothing of it was used",
        ),
    };
    AppError::new(kind, format!("bundle `{shown}`: {invalid}")).hint(hint)
}

fn not_exported(error: &NotExported) -> AppError {
    match error {
        NotExported::Store(error) => store_error(error),
        NotExported::Standing(_) => AppError::new(ErrorKind::User, error.to_string()).hint(
            "any command finishes it, such as `thymos runs`, of who trusts the key that ordered it",
        ),
        NotExported::Unsound(..) => AppError::new(ErrorKind::Integrity, error.to_string())
            .hint("run `thymos verify`; nothing was written"),
        NotExported::Write(_) => {
            AppError::new(ErrorKind::User, error.to_string()).hint("check the disk")
        }
        NotExported::Nothing | NotExported::NoSuchEntry(_) | NotExported::ErasedWithheld(_) => {
            AppError::new(ErrorKind::User, error.to_string())
                .hint("`thymos ledger` lists the entries")
        }
    }
}

fn unreadable(file: &Path, words: &str) -> AppError {
    let message = format!("bundle `{}` cannot be read: {words}", file.display());
    AppError::new(ErrorKind::User, message).hint("check the path and who owns it")
}
