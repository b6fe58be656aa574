//! `thymos receipt`, and what `thymos verify` takes besides.

use std::path::PathBuf;

use clap::Args;

/// `thymos receipt`.
#[derive(Debug, Args)]
pub struct ReceiptArgs {
    /// Entry id, or a unique prefix
    pub id: String,
    /// Disclose what the entry says as well, and nothing of any other
    #[arg(long)]
    pub disclose: bool,
    /// Write it to this new file instead of printing it
    #[arg(short = 'o', long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `thymos verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Check this receipt instead, offline: no ledger is opened
    #[arg(long, value_name = "FILE")]
    pub receipt: Option<PathBuf>,
    /// Trust this public key for the receipt, and not those you trust otherwise
    #[arg(long = "key", value_name = "KEY", requires = "receipt")]
    pub keys: Vec<String>,
    /// JSON instead of text
    #[arg(long)]
    pub json: bool,
}
