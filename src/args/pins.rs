//! Pins that can be typed: what a record is required to rest on.

use clap::Args;

/// Pins of `thymos verify` and `thymos replay`.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Pins")]
pub struct PinArgs {
    /// Require that this version of the gate decided everything, such as `thymos-compiler 2`, or 2; may be
    /// given several times, as all of these
    #[arg(long, value_name = "VERSION")]
    pub require_compiler: Vec<String>,
    /// Require that everything was decided by the policy set of this hash, or how it begins
    #[arg(long, value_name = "HASH")]
    pub require_policy_set: Vec<String>,
    /// Require that this key, or that of this name, signed everything that a person signs
    #[arg(long, value_name = "KEY|NAME")]
    pub require_signer: Vec<String>,
    /// Require that sessions had the tools of this hash, or how it begins
    #[arg(long, value_name = "HASH")]
    pub require_tools: Vec<String>,
    /// List what could be required: every value that stands in the record
    #[arg(long)]
    pub pins: bool,
}

impl PinArgs {
    /// Whether anything is asked of pins.
    #[must_use]
    pub fn any(&self) -> bool {
        let required = [
            &self.require_compiler,
            &self.require_policy_set,
            &self.require_signer,
            &self.require_tools,
        ];
        self.pins || required.iter().any(|values| !values.is_empty())
    }
}
