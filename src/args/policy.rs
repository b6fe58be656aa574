//! `thymos policy`: rules of the operator's own.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::OutputArgs;

/// `thymos policy`.
#[derive(Debug, Subcommand)]
pub enum PolicyVerb {
    /// List the bundles in force, the switches, and files that are refused
    Ls(OutputArgs),
    /// Show a bundle in force with its rules; as JSON, the bundle itself
    Show {
        /// A name that `ls` shows
        name: String,
        /// The bundle as JSON
        #[arg(long)]
        json: bool,
    },
    /// Check a bundle: form, fields, operators, tools, examples, and who signed it
    ///
    /// A mistake is named with its line and column, and the nearest name where one is misspelt.
    Check(FileArgs),
    /// Run a bundle's examples and print each
    Test(FileArgs),
    /// Sign a bundle that is in order
    ///
    /// What is signed is its canonical form, and the signed file goes to standard output unless
    /// --out names a file.
    Sign(SignBundleArgs),
    /// Put a signed bundle into the policy folder, in place of the one of its name
    ///
    /// Records nothing itself: each session records it when it next decides, running ones too.
    Load(FileArgs),
    /// Look at the policy folder and say what is in force; exits 1 when a file is refused
    ///
    /// Running sessions look by themselves before every decision.
    Reload(OutputArgs),
    /// Take a bundle out of the policy folder
    Unload {
        /// A name that `ls` shows
        name: String,
    },
    /// Decide the past again with a bundle, and list every verdict that would change
    Simulate {
        /// The bundle, signed or not
        file: PathBuf,
        /// Only this trajectory: id, or a unique prefix
        #[arg(long, value_name = "ID")]
        run: Option<String>,
        /// JSON instead of text
        #[arg(long)]
        json: bool,
    },
}

/// `thymos policy sign`.
#[derive(Debug, Args)]
pub struct SignBundleArgs {
    /// The bundle
    pub file: PathBuf,
    /// Sign with this key file instead of your own
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Write the signed bundle here
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// How long it holds: 90s, 30m, 8h, 30d; after that everything is forbidden until it is signed
    /// anew or unloaded
    #[arg(long, value_name = "TIME")]
    pub expires: Option<String>,
}

/// Verbs about one bundle file.
#[derive(Debug, Args)]
pub struct FileArgs {
    /// The bundle
    pub file: PathBuf,
    /// JSON instead of text
    #[arg(long)]
    pub json: bool,
}
