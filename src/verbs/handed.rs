//! `thymos verify FILE`: what somebody handed on, found by its content and checked without a ledger.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use thymos_core::writ::{Party, TrustRoots};
use thymos_protocol::VerifyFinding;

use super::checkpoint::read_key;
use super::{pins, verify};
use crate::args::VerifyArgs;
use crate::config::Config;
use crate::config::ledger::is_meant_for_a_server;
use crate::error::{AppError, ErrorKind};
use crate::out;
use crate::wire::bundles::{self, Checked, Manifest};
use crate::wire::evidence::{self, Request};
use crate::wire::trust::TrustFile;

/// How a ledger's file begins.
const LEDGER: &[u8] = b"SQLite format 3\0";

/// How a receipt begins.
const RECEIPT: &[u8] = b"c2sp.org/tlog-proof@";

/// What is to be verified.
pub(super) enum Handed {
    /// Nothing but the ledger at hand.
    Nothing,
    /// Another ledger.
    Ledger(PathBuf),
    /// A receipt.
    Receipt(PathBuf),
    /// A bundle, or what must be one.
    Bundle(PathBuf),
}

/// Looks at the first bytes.
pub(super) fn find(args: &VerifyArgs) -> Result<Handed, AppError> {
    if let Some(file) = &args.receipt {
        without_pins(args)?;
        return Ok(Handed::Receipt(file.clone()));
    }
    let found = match &args.file {
        None => Handed::Nothing,
        Some(file) => match begin(file)? {
            begin if begin.starts_with(LEDGER) => Handed::Ledger(file.clone()),
            begin if begin.starts_with(RECEIPT) => {
                without_pins(args)?;
                Handed::Receipt(file.clone())
            }
            _ => Handed::Bundle(file.clone()),
        },
    };
    if args.since_last && !matches!(found, Handed::Nothing) {
        let message = "what was handed on has no earlier check to go on from";
        let error = AppError::new(ErrorKind::Usage, message)
            .hint("leave --since-last out: all of it is verified");
        return Err(match found {
            Handed::Ledger(_) => error.hint("for a ledger that you work on, name it with --ledger"),
            _ => error,
        });
    }
    let named = !args.keys.is_empty();
    if named && matches!(found, Handed::Nothing) {
        let message = "a ledger is checked against the keys that you trust, and --key names others";
        return Err(AppError::new(ErrorKind::Usage, message)
            .hint("name a file as well, or `thymos keys trust` the key"));
    }
    Ok(found)
}

/// A receipt says that an entry is there, and nothing of what it rests on.
fn without_pins(args: &VerifyArgs) -> Result<(), AppError> {
    if !args.pins.any() {
        return Ok(());
    }
    let message = "a receipt cannot be held against pins";
    Err(AppError::new(ErrorKind::Usage, message).hint("ask for a bundle: thymos export"))
}

fn begin(file: &Path) -> Result<Vec<u8>, AppError> {
    if is_meant_for_a_server(file) {
        let message = "a ledger on a server is no file that was handed on";
        return Err(AppError::new(ErrorKind::Usage, message)
            .hint("name it with --ledger: thymos verify --ledger postgres://user@host/database"));
    }
    bundles::is_regular(file)?;
    let mut begin = Vec::new();
    let read = File::open(file).and_then(|open| open.take(32).read_to_end(&mut begin));
    read.map(|_| begin).map_err(|error| {
        let message = format!("`{}` cannot be read: {error}", file.display());
        AppError::new(ErrorKind::User, message).hint("check the path and who owns it")
    })
}

/// The keys that were named, else those that the operator trusts or once trusted. Those that a bundle
/// names give names to keys, and no trust.
pub(super) fn roots(
    load: impl FnOnce() -> Result<Config, AppError>,
    named: &[String],
    bundle: Option<&Manifest>,
) -> Result<TrustRoots, AppError> {
    if !named.is_empty() {
        return just(named, bundle);
    }
    let config = load().map_err(|e| e.hint("or name the key that signed it with --key"))?;
    let roots = trusted(&config)?;
    if roots.operators.is_empty() {
        let error = AppError::new(ErrorKind::Usage, NO_KEY).hint(NAME_IT);
        return Err(match bundle.and_then(names) {
            Some(named) => error.hint(named),
            None => error,
        });
    }
    Ok(roots)
}

/// Whom a bundle names, which is no more than a hint.
fn names(bundle: &Manifest) -> Option<String> {
    let key = bundle.keys.first()?;
    let name = out::safe(&key.name);
    Some(format!(
        "it names {} of {name}: ask its owner in another way whether that is so",
        key.key
    ))
}

/// What is wrong with a bundle that nobody signed who counts here: each of its decisions is told as one that is
/// not allowed then, and that is what they all come from. Findings that do not are listed first.
pub(super) fn by_strangers(checked: &Checked, file: &Path) -> Result<AppError, AppError> {
    let mut report = checked.report.clone();
    report.findings.retain(|found| !follows_from_keys(found));
    let message = format!(
        "no key that is trusted here signed bundle `{}`, and all that it proves rests on one",
        file.display()
    );
    let mut error = AppError::new(ErrorKind::Integrity, message)
        .hint("name the one that did with --key NAME=KEY, or thymos keys trust NAME KEY");
    if let Some(named) = names(&checked.manifest) {
        error = error.hint(named);
    }
    if report.findings.is_empty() {
        return Ok(error.hint(format!(
            "its {} entries are whole in themselves; who wrote them is what is not proven",
            report.entries
        )));
    }
    verify::print(&report)?;
    Ok(error)
}

/// Whether it is found because a key is not known, and of nothing else.
fn follows_from_keys(found: &VerifyFinding) -> bool {
    let check = found.check.as_str();
    let level = check.split(' ').next().unwrap_or_default();
    matches!(level, "decisions" | "signatures") || check == "integrity checkpoint"
}

const NO_KEY: &str = "no key is trusted here";
const NAME_IT: &str = "name the one that signed it with --key";

/// The keys that were named, and no other.
fn just(named: &[String], bundle: Option<&Manifest>) -> Result<TrustRoots, AppError> {
    let parties: Result<Vec<Party>, _> = named.iter().map(|key| party(key, bundle)).collect();
    let parties = parties?;
    Ok(TrustRoots {
        policy: parties.clone(),
        operators: parties,
        retired: Vec::new(),
    })
}

/// Those that the operator trusts or once trusted; nobody where that was never said.
fn trusted(config: &Config) -> Result<TrustRoots, AppError> {
    let trust = TrustFile::read(&config.paths)?;
    Ok(trust.map(|trust| trust.roots().ever()).unwrap_or_default())
}

/// A key as it was typed, perhaps with the name of its owner: rules may ask for the yes of somebody by
/// name, so a name that the reader gives outranks that of the bundle.
fn party(typed: &str, bundle: Option<&Manifest>) -> Result<Party, AppError> {
    if let Some((name, key)) = typed.split_once('=') {
        if name.trim().is_empty() {
            let message = format!("`--key {typed}` names nobody before its `=`");
            return Err(AppError::new(ErrorKind::Usage, message)
                .hint("put the owner's name there, or leave the `=` out"));
        }
        let (name, key) = (name.to_owned(), read_key(key)?);
        return Ok(Party { name, key });
    }
    let key = read_key(typed)?;
    let named = bundle.and_then(|manifest| manifest.keys.iter().find(|own| own.key == key));
    let name = named.map_or_else(|| key.short(), |own| own.name.clone());
    Ok(Party { name, key })
}

/// Checks a ledger's file, and changes nothing: evidence stays as it was found `[L16]`.
pub(super) fn ledger(
    load: impl Fn() -> Result<Config, AppError>,
    args: &VerifyArgs,
    file: &Path,
) -> Result<u8, AppError> {
    let wanted = pins::read(&args.pins, &load)?;
    let config = load()?;
    let roots = match args.keys.as_slice() {
        [] => trusted(&config)?,
        named => just(named, None)?,
    };
    let by_nobody = roots.operators.is_empty();
    let (mut report, pinned) = evidence::verify(Request {
        config: &config,
        file,
        roots,
        pins: args.pins.any().then_some(wanted),
    })?;
    if let Some(pinned) = &pinned {
        pins::add(&mut report.findings, pinned);
    }
    verify::tell(&report, (&args.pins, pinned.as_ref()), args.json)?;
    if !report.findings.is_empty() {
        return Ok(13);
    }
    if by_nobody {
        let message = format!("{NO_KEY}: no decision and no signature was looked at");
        return Err(AppError::new(ErrorKind::Usage, message).hint(NAME_IT));
    }
    Ok(0)
}

/// Checks a bundle.
pub(super) fn bundle(
    load: impl Fn() -> Result<Config, AppError>,
    args: &VerifyArgs,
    file: &Path,
) -> Result<u8, AppError> {
    let wanted = pins::read(&args.pins, &load)?;
    let bundle = bundles::open(file)?;
    let roots = roots(load, &args.keys, Some(bundle.manifest()))?;
    let bundle = Arc::new(bundle);
    let mut checked = bundles::verify(file, bundle.clone(), &roots)?;
    let pinned = match args.pins.any() {
        true => Some(bundles::pinned(file, bundle.as_ref(), wanted)?),
        false => None,
    };
    if let Some(pinned) = &pinned {
        pins::add(&mut checked.report.findings, pinned);
    }
    if args.json {
        let report = verify::with_pins(&checked.report, &args.pins, pinned.as_ref())?;
        out::json(&as_json(&checked, report))?;
    } else if checked.by_strangers {
        return Err(by_strangers(&checked, file)?);
    } else {
        verify::print(&checked.report)?;
        if let Some(pinned) = pinned.filter(|_| args.pins.pins) {
            pins::list(&pinned)?;
        }
        for line in about(&checked) {
            out::line(&format!("  {}", out::safe(&line)))?;
        }
    }
    Ok(if checked.report.findings.is_empty() {
        0
    } else {
        13
    })
}

fn about(checked: &Checked) -> Vec<String> {
    let Manifest {
        log,
        size,
        trajectory,
        ..
    } = &checked.manifest;
    let what = match trajectory {
        Some(trajectory) => format!("trajectory {} of log {}", trajectory.short(), log.short()),
        None => format!("the whole log {}", log.short()),
    };
    let signer = match &checked.signer {
        Some(key) => format!("that {key} signed"),
        None => "that no known key signed".to_owned(),
    };
    vec![format!(
        "it is {what}, under the checkpoint of {size} entries {signer}"
    )]
}

fn as_json(checked: &Checked, mut value: Value) -> Value {
    if let Some(fields) = value.as_object_mut() {
        let manifest = &checked.manifest;
        fields.insert(
            "bundle".into(),
            json!({
                "log": manifest.log, "trajectory": manifest.trajectory, "size": manifest.size,
                "signer": checked.signer,
            }),
        );
    }
    value
}
