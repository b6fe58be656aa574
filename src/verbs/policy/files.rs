//! Bundles in files: checked, tried, signed, put into the folder and taken out. Every change is whole
//! or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use thymos_core::key::PublicKey;
use thymos_core::writ::TrustRoots;
use thymos_policy::bundle::Bundle;
use thymos_policy::fault::BundleFault;
use thymos_policy::{BundleFile, InvalidBundle, SignedBundle, own};
use thymos_ports::Clock;

use super::super::Setting;
use super::super::writ::duration;
use crate::args::{FileArgs, SignBundleArgs};
use crate::config::paths;
use crate::error::{AppError, ErrorKind};
use crate::near::nearest;
use crate::out;
use crate::system::{OsEntropy, SystemClock};
use crate::wire::trust::{TrustFile, replace};
use crate::wire::{keys, policy, tool_names};

/// Whom the operator trusts; nobody before the first use.
pub(super) fn roots(setting: &Setting<'_>) -> Result<TrustRoots, AppError> {
    let trust = TrustFile::read(&setting.config.paths)?;
    Ok(trust.map(|trust| trust.roots()).unwrap_or_default())
}

fn bytes(file: &Path) -> Result<Vec<u8>, AppError> {
    policy::read(file).map_err(|no| {
        let message = format!("bundle `{}`: {no}", file.display());
        AppError::new(ErrorKind::User, message).hint("name a file with a bundle in JSON")
    })
}

/// `[P3]` What has ended allows nothing, and is not signed or put in force.
fn not_over(file: &Path, bundle: &Bundle) -> Result<(), AppError> {
    let now = SystemClock.now();
    let end = bundle.window().and_then(|window| window.expires_at);
    match end.filter(|end| now >= *end) {
        None => Ok(()),
        Some(end) => {
            let message = format!("bundle `{}`: it ended {end}", file.display());
            Err(AppError::new(ErrorKind::Refused, message)
                .hint("give it a later end: thymos policy sign FILE --expires 30d"))
        }
    }
}

/// What gives no authority is refused; what cannot be read is a mistake in the file.
fn kind_of(fault: &BundleFault) -> ErrorKind {
    match fault {
        BundleFault::Unsigned
        | BundleFault::Signature
        | BundleFault::UntrustedSigner(_)
        | BundleFault::RetiredSigner(_)
        | BundleFault::Example { .. } => ErrorKind::Refused,
        BundleFault::Json(_)
        | BundleFault::TooLarge(_)
        | BundleFault::TooManyRules(_)
        | BundleFault::Missing(_)
        | BundleFault::UnknownKey(_)
        | BundleFault::WrongType { .. }
        | BundleFault::UnknownField(_)
        | BundleFault::UnknownOperator(_)
        | BundleFault::UnknownTool(_)
        | BundleFault::DuplicateRule(_)
        | BundleFault::Name(_)
        | BundleFault::Quorum { .. }
        | BundleFault::Approver(_)
        | BundleFault::Window => ErrorKind::User,
    }
}

fn invalid(file: &Path, invalid: InvalidBundle) -> AppError {
    let kind = kind_of(&invalid.fault);
    let message = out::safe(&format!("bundle `{}` {invalid}", file.display()));
    let hint = invalid
        .hint
        .unwrap_or_else(|| "what a bundle holds is in docs/spec/policy.md".to_owned());
    AppError::new(kind, message).hint(out::safe(&hint))
}

/// Reads a bundle, signed or not, and holds it to its form, its examples and the tools there are.
fn sound(setting: &Setting<'_>, file: &Path, text: &[u8]) -> Result<BundleFile, AppError> {
    let read = BundleFile::read(text).map_err(|no| invalid(file, no))?;
    let bundle = &read.bundle;
    if own::NAMES.contains(&bundle.name()) {
        let name = bundle.name();
        let message = format!("the name `{name}` belongs to the program's own rules");
        return Err(AppError::new(ErrorKind::User, message).hint("give the bundle another name"));
    }
    let names = tool_names(setting.env, setting.config, setting.directory)?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    bundle
        .check_tools(text, &names)
        .map_err(|no| invalid(file, no))?;
    bundle
        .check_own_examples(text)
        .map_err(|no| invalid(file, no))?;
    Ok(read)
}

/// The bundle of a file as a value, for the kernel to try.
pub(super) fn candidate(setting: &Setting<'_>, file: &Path) -> Result<serde_json::Value, AppError> {
    let text = bytes(file)?;
    Ok(sound(setting, file, &text)?.bundle.value().clone())
}

/// `[A3]` Rules that ask people of whom too few have a key that is trusted for answers: what they hold, nobody
/// could let go on. They may come to have one, so it is told and not refused.
fn tell_unanswerable(bundle: &Bundle, roots: &TrustRoots) {
    let rules = bundle.value().get("rules").and_then(Value::as_array);
    for rule in rules.into_iter().flatten() {
        let ask = rule.pointer("/decision/ask");
        let approvers = ask.and_then(|ask| ask.get("approvers"));
        let Some(approvers) = approvers.and_then(Value::as_array) else {
            continue;
        };
        let quorum = ask
            .and_then(|ask| ask.get("quorum"))
            .and_then(Value::as_u64);
        let names = || approvers.iter().filter_map(Value::as_str);
        let known = |name: &&str| roots.operators.iter().any(|party| party.name == **name);
        let unknown: Vec<&str> = names().filter(|name| !known(name)).collect();
        let able = names().filter(known).count() as u64;
        if approvers.is_empty() || able >= quorum.unwrap_or(1) {
            continue;
        }
        let id = rule.get("id").and_then(Value::as_str).unwrap_or_default();
        out::talk(&format!(
            "thymos: note: rule `{}` asks people without a trusted key ({}): what it holds cannot be \
             approved until `thymos keys trust NAME KEY`",
            out::safe(id),
            out::safe(&unknown.join(", "))
        ));
    }
}

pub(super) fn check(setting: &Setting<'_>, args: &FileArgs) -> Result<u8, AppError> {
    let text = bytes(&args.file)?;
    let read = sound(setting, &args.file, &text)?;
    not_over(&args.file, &read.bundle)?;
    let (bundle, examples) = (&read.bundle, read.bundle.examples(&text).len());
    let roots = roots(setting)?;
    let trusted = read
        .vouch
        .is_some_and(|vouch| roots.trusts_policy(&vouch.key));
    // Before it is signed it is checked as well; by whom it must not be signed is told.
    let authority = match &read.vouch {
        Some(vouch) if !trusted => Err(of_a_stranger(&args.file, &vouch.key)),
        Some(_) | None => Ok(0),
    };
    if args.json {
        out::json(&serde_json::json!({
            "name": bundle.name(), "version": bundle.version(), "rules": bundle.rules_len(),
            "examples": examples, "signed_by": read.vouch.map(|vouch| vouch.key),
            "trusted": trusted,
        }))?;
        return authority;
    }
    tell_unanswerable(bundle, &roots);
    authority?;
    let signed = match &read.vouch {
        None => "not signed yet".to_owned(),
        Some(vouch) => format!("signed by {}, trusted for policy", vouch.key),
    };
    out::line(&format!(
        "{} {}: {} rules, {examples} examples hold, {signed}",
        bundle.name(),
        bundle.version(),
        bundle.rules_len()
    ))?;
    Ok(0)
}

fn of_a_stranger(file: &Path, key: &PublicKey) -> AppError {
    let fault = BundleFault::UntrustedSigner(*key);
    let message = format!("bundle `{}`: {fault}", file.display());
    AppError::new(kind_of(&fault), message).hint(format!(
        "thymos keys trust NAME {key} --for policy, or sign it yourself"
    ))
}

pub(super) fn test(args: &FileArgs) -> Result<u8, AppError> {
    let text = bytes(&args.file)?;
    let read = BundleFile::read(&text).map_err(|no| invalid(&args.file, no))?;
    let runs = read.bundle.examples(&text);
    for run in &runs {
        if args.json {
            out::json(&serde_json::json!({
                "rule": run.rule, "example": run.number, "line": run.line, "column": run.column,
                "expected": run.expected, "found": run.found, "holds": run.holds(),
            }))?;
            continue;
        }
        let (mark, found) = if run.holds() {
            ("ok  ", String::new())
        } else {
            ("FAIL", format!(", and the rule says {}", run.found))
        };
        out::line(&format!(
            "{mark} line {} rule {} example {}: {}{found}",
            run.line, run.rule, run.number, run.expected
        ))?;
    }
    let failed = runs.iter().filter(|run| !run.holds()).count();
    if !args.json {
        out::talk(&format!("thymos: {} examples, {failed} fail", runs.len()));
    }
    Ok(u8::from(failed > 0))
}

pub(super) fn sign(setting: &Setting<'_>, args: &SignBundleArgs) -> Result<u8, AppError> {
    let file = &args.file;
    let text = bytes(file)?;
    let mut bundle = sound(setting, file, &text)?.bundle;
    if let Some(time) = &args.expires {
        let end = SystemClock.now().plus_ms(duration(time)?);
        bundle = bundle.until(end).map_err(|no| invalid(file, no))?;
    }
    not_over(file, &bundle)?;
    let config = setting.config;
    let key = match &args.key {
        Some(file) => keys::read(file)?,
        None => {
            let _used = keys::in_use(&config.paths)?;
            keys::operator(&config.paths, &config.operator.value, &OsEntropy)?.0
        }
    };
    let known = roots(setting)?;
    tell_unanswerable(&bundle, &known);
    let trusted = known.trusts_policy(&key.public());
    let mut signed = SignedBundle::sign(bundle, &key)
        .to_bytes()
        .map_err(|e| AppError::new(ErrorKind::Internal, e.to_string()))?
        .into_vec();
    signed.push(b'\n');
    match &args.out {
        None => out::write(&signed)?,
        Some(target) => put(target, &signed)?,
    }
    if !trusted {
        out::talk(&format!(
            "thymos: {} is not trusted for policy here; `thymos keys trust NAME KEY --for policy`",
            key.public()
        ));
    }
    Ok(0)
}

fn put(target: &Path, bytes: &[u8]) -> Result<(), AppError> {
    replace(target, bytes).map_err(|error| {
        let message = format!("`{}` cannot be written: {error}", target.display());
        AppError::new(ErrorKind::User, message).hint("check the folder and the disk")
    })
}

// [P3] What is put into the folder is what was signed, by a key that counts.
pub(super) fn load(setting: &Setting<'_>, args: &FileArgs) -> Result<u8, AppError> {
    let text = bytes(&args.file)?;
    let roots = roots(setting)?;
    // What is no bundle is told as that, and not as one that nobody signed.
    sound(setting, &args.file, &text)?;
    let signed = SignedBundle::load(&text, &roots).map_err(|no| invalid(&args.file, no))?;
    not_over(&args.file, signed.bundle())?;
    tell_unanswerable(signed.bundle(), &roots);
    let canonical = signed
        .to_bytes()
        .map_err(|e| AppError::new(ErrorKind::Internal, e.to_string()))?;
    let bundle = signed.bundle();
    let folder = setting.config.paths.policy();
    let place = place_of(&folder, bundle.name(), &roots);
    paths::make_private(&folder)?;
    put(&place, canonical.as_bytes())?;
    if args.json {
        out::json(&serde_json::json!({
            "name": bundle.name(), "version": bundle.version(), "file": place,
        }))?;
    } else {
        out::line(&format!(
            "{} {} is in the folder",
            bundle.name(),
            bundle.version()
        ))?;
    }
    out::talk("thymos: each session records it when it next decides, running ones too");
    say_what_is_refused(&folder, &roots);
    Ok(0)
}

/// The file that holds the bundle of this name, or the one that will.
fn place_of(folder: &Path, name: &str, roots: &TrustRoots) -> PathBuf {
    let (shelved, _) = policy::folder(folder, roots);
    let mut same = shelved.into_iter();
    same.find(|one| one.signed.bundle().name() == name)
        .map_or_else(|| folder.join(format!("{name}.json")), |one| one.file)
}

pub(super) fn unload(setting: &Setting<'_>, name: &str) -> Result<u8, AppError> {
    if own::NAMES.contains(&name) {
        let message = format!("`{name}` is part of the program");
        return Err(AppError::new(ErrorKind::User, message)
            .hint("it stands whatever you add; a bundle of yours can only be stricter"));
    }
    let roots = roots(setting)?;
    let folder = setting.config.paths.policy();
    let (shelved, refused) = policy::folder(&folder, &roots);
    let found = shelved
        .iter()
        .find(|one| one.signed.bundle().name() == name);
    // A refused file goes by its own name.
    let file = match found {
        Some(one) => one.file.clone(),
        None => folder.join(format!("{name}.json")),
    };
    let plain = !name.contains('/') && file.is_file();
    if !plain {
        let known = shelved.iter().map(|one| one.signed.bundle().name());
        let hint = match nearest(name, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None if refused.is_empty() => "list them with `thymos policy ls`".to_owned(),
            None => "a refused file goes by its file name without `.json`".to_owned(),
        };
        let message = format!("there is no bundle `{}` in the folder", out::safe(name));
        return Err(AppError::new(ErrorKind::User, message).hint(hint));
    }
    fs::remove_file(&file).map_err(|error| {
        let message = format!("`{}` cannot be removed: {error}", file.display());
        AppError::new(ErrorKind::User, message).hint("check who owns the folder")
    })?;
    out::line(&format!("{name} is out of the folder"))?;
    out::talk("thymos: each session records it when it next decides, running ones too");
    say_what_is_refused(&folder, &roots);
    Ok(0)
}

fn say_what_is_refused(folder: &Path, roots: &TrustRoots) {
    for no in policy::folder(folder, roots).1 {
        let no = out::safe(&no);
        out::talk(&format!("thymos: nothing of the folder counts while {no}"));
    }
}
