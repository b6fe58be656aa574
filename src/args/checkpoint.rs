//! `thymos checkpoint`: what proves that nothing was cut off.

use std::path::PathBuf;

use clap::Subcommand;

use super::OutputArgs;

/// `thymos checkpoint`.
#[derive(Debug, Subcommand)]
pub enum CheckpointVerb {
    /// Sign the ledger as it is now, and print the note
    ///
    /// It goes into the ledger and into the checkpoint file. Give a copy to somebody else: whatever is
    /// cut off or rewritten later, their copy shows it.
    Make(OutputArgs),
    /// Print the newest note, and say where it stands
    Show(OutputArgs),
    /// Hold a note that somebody kept against this ledger
    ///
    /// Exits 13 when the ledger does not go on from it, and says which of the two is older.
    Verify {
        /// The note's file
        file: PathBuf,
        /// Trust this public key as well; as `thymos keys show` prints it
        #[arg(long = "key", value_name = "KEY")]
        keys: Vec<String>,
        /// JSON instead of text
        #[arg(long)]
        json: bool,
    },
}
