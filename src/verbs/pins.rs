//! Pins as they are typed and told: what a record is required to rest on `[Y2]`. Compares nothing: the
//! kernel does, or whoever reads a bundle.

use thymos_core::TrajectoryId;
use thymos_core::key::PublicKey;
use thymos_core::pins::Pins;
use thymos_protocol::{Command, PinReport, Replied, VerifyFinding};

use super::client::{Client, unexpected};
use crate::args::PinArgs;
use crate::config::Config;
use crate::error::{AppError, ErrorKind};
use crate::near::nearest;
use crate::out;
use crate::wire::trust::TrustFile;

/// Hex digits that a hash is named by at least.
const DIGITS_MIN: usize = 6;

/// The pins that were typed; names of people are looked up among trusted keys.
pub(super) fn read(
    args: &PinArgs,
    load: impl FnOnce() -> Result<Config, AppError>,
) -> Result<Pins, AppError> {
    let mut load = Some(load);
    let mut signers = Vec::new();
    for typed in &args.require_signer {
        match typed.parse::<PublicKey>() {
            Ok(key) => signers.push(key.to_string()),
            Err(_) => {
                let config = load.take().map(|load| load()).transpose()?;
                let trust = config.map(|config| TrustFile::read(&config.paths));
                signers.extend(keys_of(typed, trust.transpose()?.flatten().as_ref())?);
            }
        }
    }
    Ok(Pins {
        compilers: args.require_compiler.iter().map(|v| version(v)).collect(),
        policy_sets: hashes(&args.require_policy_set)?,
        signers,
        tools: hashes(&args.require_tools)?,
    })
}

/// `2` is short for `thymos-compiler 2`.
fn version(typed: &str) -> String {
    match typed.parse::<u32>() {
        Ok(number) => format!("thymos-compiler {number}"),
        Err(_) => typed.to_owned(),
    }
}

fn hashes(typed: &[String]) -> Result<Vec<String>, AppError> {
    let sound = |text: &String| {
        let hex = text.to_lowercase();
        let digits = (DIGITS_MIN..=64).contains(&hex.len());
        if digits && hex.chars().all(|c| c.is_ascii_hexdigit()) {
            return Ok(hex);
        }
        let shown: String = text.chars().take(80).collect();
        let message = format!("`{shown}` is no hash, nor how one begins");
        Err(AppError::new(ErrorKind::Usage, message).hint(format!(
            "give {DIGITS_MIN} to 64 hex digits; `thymos verify --pins` lists them"
        )))
    };
    typed.iter().map(sound).collect()
}

/// Every key of a name, retired ones too: what they signed stands in the record.
fn keys_of(name: &str, trust: Option<&TrustFile>) -> Result<Vec<String>, AppError> {
    let rows = trust.map(TrustFile::rows).unwrap_or_default();
    let of_name = rows.iter().filter(|(party, ..)| party.name == name);
    let keys: Vec<String> = of_name.map(|(party, ..)| party.key.to_string()).collect();
    if !keys.is_empty() {
        return Ok(keys);
    }
    let shown: String = name.chars().take(80).collect();
    let known = rows.iter().map(|(party, ..)| party.name.as_str());
    let message = format!("`{shown}` is no public key, and nobody is trusted by that name");
    let error = AppError::new(ErrorKind::Usage, message);
    Err(match nearest(name, known) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint("`thymos keys ls` lists them"),
    })
}

/// Has the kernel hold the log, or these runs of it, against pins.
pub(super) async fn check(
    client: &mut Client,
    pins: Pins,
    runs: Vec<TrajectoryId>,
) -> Result<PinReport, AppError> {
    match client.ask(Command::CheckPins { pins, runs }).await? {
        Replied::Pinned(report) => Ok(report),
        other => Err(unexpected(&other)),
    }
}

/// Lists what could be required, for people; as JSON it stands in the report.
pub(super) fn list(report: &PinReport) -> Result<(), AppError> {
    for met in &report.met {
        out::line(&format!(
            "pin: {:<10}  {}  {} entries, first at index {}",
            met.kind.to_string(),
            out::safe(&met.value),
            met.entries,
            met.first
        ))?;
    }
    Ok(())
}

/// Adds what pins found to what verification did.
pub(super) fn add(findings: &mut Vec<VerifyFinding>, report: &PinReport) {
    findings.extend(report.findings.iter().cloned());
}
