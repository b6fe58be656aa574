//! `thymos keys`: whose signatures count.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use super::OutputArgs;

/// `thymos keys`.
#[derive(Debug, Subcommand)]
pub enum KeysVerb {
    /// List every trusted key: name, what it may sign, and which one is yours
    Ls(OutputArgs),
    /// Print a public key: your own, or that of a name
    Show {
        /// A name that `ls` shows; yours without one
        name: Option<String>,
    },
    /// Make a key for somebody in a new file of mode 0600, and print its public half
    ///
    /// Makes it only; `thymos keys trust` decides that its signatures count.
    New {
        /// What people call its owner
        name: String,
        /// The file to make
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Let signatures of a key count from now on; of a key that is known, for more
    ///
    /// Takes nothing away, and a key keeps the name that it is known by.
    Trust {
        /// What people call its owner; approvers are named so in policy
        name: String,
        /// The public key, as `show` or `new` printed it
        key: String,
        /// What it may sign: answers (with root writs), policy
        #[arg(
            long = "for",
            value_name = "WHAT",
            value_delimiter = ',',
            default_value = "answers"
        )]
        purpose: Vec<Purpose>,
    },
    /// Let nothing new that a key signs count; what it signed so far stays told as its own
    Distrust {
        /// A name that `ls` shows
        name: String,
        /// Only for this: answers (with root writs), policy; everything without it
        #[arg(long = "for", value_name = "WHAT", value_delimiter = ',')]
        purpose: Vec<Purpose>,
    },
    /// Replace your own key by a new one
    ///
    /// The old one is retired: its past signatures still verify, and nothing new counts. Sessions
    /// that ran under it stop until a mode is chosen. Close other windows of thymos first.
    Rotate {
        /// Keep no copy of the old key
        #[arg(long)]
        destroy: bool,
    },
}

/// What a key may sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Purpose {
    /// Answers to holds, and root writs.
    Answers,
    /// Policy bundles.
    Policy,
}
