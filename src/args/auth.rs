//! `thymos auth`: keys of model providers.

use clap::Subcommand;

use super::OutputArgs;

/// `thymos auth`.
#[derive(Debug, Subcommand)]
pub enum AuthVerb {
    /// List providers and where the key of each comes from; never a key
    Ls(OutputArgs),
    /// Keep a key for a provider, in a file of mode 0600 that no tool can reach
    ///
    /// It is asked for and not shown, or read from a pipe: `pass show work | thymos auth set work`. It
    /// belongs to the address that the provider has now and is sent to no other one. A variable of the
    /// environment goes before it.
    Set {
        /// A provider of the config, or a preset
        provider: String,
    },
    /// Take away a key that is kept
    Rm {
        /// Whose
        provider: String,
    },
}
