//! `thymos receipt` and `thymos verify --receipt`: one entry, proved to whoever has a public key `[L8]`.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};
use thymos_core::key::PublicKey;
use thymos_core::receipt::{RECEIPT_BYTES_MAX, Receipt};
use thymos_core::writ::TrustRoots;
use thymos_protocol::{Command, Replied};

use super::client::{Client, unexpected};
use crate::args::{ReceiptArgs, VerifyArgs};
use crate::error::{AppError, ErrorKind};
use crate::{out, strict};

pub(super) async fn give(client: &mut Client, args: &ReceiptArgs) -> Result<u8, AppError> {
    let command = Command::Receipt {
        prefix: args.id.clone(),
        disclose: args.disclose,
    };
    let text = match client.ask(command).await? {
        Replied::Receipt(text) => text,
        other => return Err(unexpected(&other)),
    };
    match &args.out {
        Some(file) => write_new(file, &text)?,
        None => out::write(text.as_bytes())?,
    }
    Ok(0)
}

/// Never over what is there.
fn write_new(file: &Path, text: &str) -> Result<(), AppError> {
    let made = OpenOptions::new().write(true).create_new(true).open(file);
    let written = made.and_then(|mut out| out.write_all(text.as_bytes()));
    written.map_err(|error| {
        let message = format!("receipt `{}` cannot be written: {error}", file.display());
        AppError::new(ErrorKind::User, message).hint("name a file that does not exist yet")
    })
}

/// Checks a receipt without any ledger, against these keys.
pub(super) fn check(roots: &TrustRoots, args: &VerifyArgs, file: &Path) -> Result<u8, AppError> {
    let keys = roots.operators.iter().map(|one| &one.key);
    let text = strict::text_within("receipt", file, RECEIPT_BYTES_MAX as u64)?;
    let refused = |why: String| {
        let message = format!("receipt `{}` proves nothing: {why}", file.display());
        AppError::new(ErrorKind::Integrity, message)
            .hint("ask for it again, or name the key that signed it with --key")
    };
    let receipt = Receipt::parse(&text).map_err(|e| refused(e.to_string()))?;
    let signer = receipt.check(keys).map_err(|e| refused(e.to_string()))?;
    if args.json {
        out::json(&as_json(&receipt, &signer))?;
        return Ok(0);
    }
    tell(&receipt, &signer)?;
    Ok(0)
}

fn tell(receipt: &Receipt, signer: &PublicKey) -> Result<(), AppError> {
    let (header, said) = (&receipt.entry.header, &receipt.checkpoint.checkpoint);
    out::line(&format!(
        "proved: {} {}, entry {} of trajectory {}, of {} {}",
        out::safe(&header.kind),
        receipt.entry.id.short(),
        header.seq,
        header.trajectory.short(),
        header.at_ms.date(),
        header.at_ms.clock()
    ))?;
    out::line(&format!(
        "  it stands at index {} of log {}, under the checkpoint of {} entries that {signer} signed",
        header.index,
        header.log.short(),
        said.size
    ))?;
    match receipt.entry.body() {
        Some(body) => out::line(&format!("  {}", out::safe(&String::from_utf8_lossy(body)))),
        None => out::line("  what it says is not disclosed"),
    }
}

fn as_json(receipt: &Receipt, signer: &PublicKey) -> Value {
    let (header, said) = (&receipt.entry.header, &receipt.checkpoint.checkpoint);
    let body = receipt.entry.body();
    json!({
        "entry": receipt.entry.id, "log": header.log, "index": header.index, "kind": header.kind,
        "trajectory": header.trajectory, "seq": header.seq, "at_ms": header.at_ms,
        "writer": header.writer, "size": said.size, "root": said.root.to_string(), "signer": signer,
        "body": body.map(|body| serde_json::from_slice::<Value>(body).unwrap_or_default()),
    })
}
