//! The session's pinned tools with their compiled schemas [C6] [C7]. Knows no tool body.

use std::collections::BTreeMap;

use thymos_core::canonical::InvalidJson;
use thymos_core::tool::{ToolContract, ToolPin};

/// Contracts by name. Compiled once a session; looked up at every decision.
#[derive(Debug, Default)]
pub struct ToolSet {
    tools: BTreeMap<String, (ToolContract, ToolPin)>,
}

impl ToolSet {
    /// Pins these contracts.
    ///
    /// # Errors
    /// [`InvalidJson`] when a schema cannot be kept exactly.
    pub fn pin(contracts: Vec<ToolContract>) -> Result<Self, InvalidJson> {
        let mut tools = BTreeMap::new();
        for contract in contracts {
            let pin = contract.pin()?;
            tools.insert(contract.name.clone(), (contract, pin));
        }
        Ok(Self { tools })
    }

    /// One tool.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<(&ToolContract, &ToolPin)> {
        self.tools.get(name).map(|(contract, pin)| (contract, pin))
    }

    /// All contracts, by name.
    pub fn contracts(&self) -> impl Iterator<Item = &ToolContract> {
        self.tools.values().map(|(contract, _)| contract)
    }
}
