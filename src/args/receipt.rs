//! `thymos receipt`.

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
