//! `thymos import`: a whole log from a bundle, into a ledger that is empty or its beginning `[L16]`.

use std::sync::Arc;

use serde_json::json;

use super::{Setting, handed, verify};
use crate::args::ImportArgs;
use crate::error::{AppError, ErrorKind};
use crate::out;
use crate::wire::bundles::{self, Checked, Manifest};
use crate::wire::trust::TrustFile;

pub(super) fn import(setting: &Setting<'_>, args: &ImportArgs) -> Result<u8, AppError> {
    let file = args.file.as_path();
    let bundle = Arc::new(bundles::open(file)?);
    whole(bundle.manifest())?;
    let load = || Ok(setting.config.clone());
    let roots = handed::roots(load, &args.keys, Some(bundle.manifest()))?;
    let checked = bundles::verify(file, bundle.clone(), &roots)?;
    if checked.by_strangers {
        return Err(handed::by_strangers(&checked, file)?.hint("nothing of it was taken"));
    }
    if !checked.report.findings.is_empty() {
        verify::print(&checked.report)?;
        let message = format!("bundle `{}` does not verify", file.display());
        return Err(AppError::new(ErrorKind::Integrity, message).hint("nothing of it was taken"));
    }
    let new = bundles::import(setting.env, setting.config, file, &bundle)?;
    tell(setting, args, &checked, new)
}

/// Refuses what is no whole log before anything is verified.
fn whole(manifest: &Manifest) -> Result<(), AppError> {
    let what = match (&manifest.trajectory, manifest.withheld.is_empty()) {
        (Some(_), _) => "it is an excerpt, and a ledger holds its whole log",
        (None, false) => "bodies of it are withheld, and a ledger holds them or says why not",
        (None, true) => return Ok(()),
    };
    Err(AppError::new(ErrorKind::User, what).hint("ask for one of `thymos export --all`"))
}

fn tell(
    setting: &Setting<'_>,
    args: &ImportArgs,
    checked: &Checked,
    new: u64,
) -> Result<u8, AppError> {
    let Manifest {
        log,
        entries,
        blobs,
        ..
    } = &checked.manifest;
    if args.json {
        out::json(&json!({"log": log, "entries": entries, "new": new, "blobs": blobs}))?;
    } else {
        out::line(&format!(
            "imported: {entries} entries of log {}, {new} of them new",
            log.short()
        ))?;
    }
    let trust = TrustFile::read(&setting.config.paths)?;
    let known = trust.map(|trust| trust.roots().ever()).unwrap_or_default();
    if let Some(signer) = &checked.signer
        && known.operators.iter().all(|one| one.key != *signer)
    {
        let keys = &checked.manifest.keys;
        let name = keys.iter().find(|own| own.key == *signer);
        let name = name.map_or_else(|| "NAME".to_owned(), |own| out::safe(&own.name));
        // One name is of one key: under its own name this one can only be named when it is verified.
        let remedy = match known.operators.iter().any(|one| one.name == name) {
            true => format!(
                "names another key of yours: verify the ledger's file with --key {name}={signer}"
            ),
            false => format!(
                "is not trusted yet: thymos keys trust {name} {signer} --for answers,policy"
            ),
        };
        out::talk(&format!(
            "thymos: {signer} signed it, which is not among the keys you trust, and `thymos verify` says so; \
             `{name}` {remedy}"
        ));
    }
    Ok(0)
}
