//! The session's pinned tools with their compiled schemas `[C6]` `[C7]`. Knows no tool body.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};
use thymos_core::canonical::InvalidJson;
use thymos_core::tool::{ToolContract, ToolPin};

use crate::schema::Schema;

/// Contracts by name. Compiled once a session; looked up at every decision.
#[derive(Debug, Default)]
pub struct ToolSet {
    tools: BTreeMap<String, PinnedTool>,
}

/// One tool of the session.
pub(crate) struct PinnedTool {
    pub(crate) contract: ToolContract,
    pub(crate) pin: ToolPin,
    schema: Schema,
}

/// Why a contract cannot be pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidTool {
    /// The tool's name.
    pub tool: String,
    /// What is wrong.
    pub fault: ToolFault,
}

/// The kinds of refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolFault {
    /// The contract has no canonical form.
    Json(InvalidJson),
    /// The schema is none, or refers to a document outside itself.
    Schema(String),
    /// Two contracts of one name; none shadows the other.
    Duplicate,
}

impl fmt::Display for InvalidTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fault {
            ToolFault::Json(invalid) => write!(f, "tool `{}`: {invalid}", self.tool),
            ToolFault::Schema(why) => write!(f, "tool `{}`: invalid schema: {why}", self.tool),
            ToolFault::Duplicate => write!(f, "tool `{}` is declared twice", self.tool),
        }
    }
}

impl std::error::Error for InvalidTool {}

impl fmt::Debug for PinnedTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PinnedTool({} {})", self.pin.name, self.pin.version)
    }
}

impl ToolSet {
    /// Pins these contracts.
    ///
    /// # Errors
    /// [`InvalidTool`] when a schema is unusable or a name stands twice.
    pub fn pin(contracts: Vec<ToolContract>) -> Result<Self, InvalidTool> {
        let mut tools = BTreeMap::new();
        for contract in contracts {
            let name = contract.name.clone();
            let invalid = |fault| InvalidTool {
                tool: name.clone(),
                fault,
            };
            let pin = contract.pin().map_err(|e| invalid(ToolFault::Json(e)))?;
            let schema = Schema::compile(closed(&contract.schema))
                .map_err(|why| invalid(ToolFault::Schema(why)))?;
            let tool = PinnedTool {
                contract,
                pin,
                schema,
            };
            if tools.insert(name.clone(), tool).is_some() {
                return Err(invalid(ToolFault::Duplicate));
            }
        }
        Ok(Self { tools })
    }

    /// One tool.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<(&ToolContract, &ToolPin)> {
        self.tools.get(name).map(|tool| (&tool.contract, &tool.pin))
    }

    /// All contracts, by name.
    pub fn contracts(&self) -> impl Iterator<Item = &ToolContract> {
        self.tools.values().map(|tool| &tool.contract)
    }

    /// Whether arguments fit a tool's schema `[C7]`; asked before a tool is made to look.
    ///
    /// # Errors
    /// One sentence, without the offending value: it may be a secret.
    pub fn check_args(&self, name: &str, args: &Value) -> Result<(), String> {
        match self.tools.get(name) {
            Some(tool) => tool.check_args(args),
            None => Err(format!("no tool `{name}`")),
        }
    }

    pub(crate) fn pinned(&self, name: &str) -> Option<&PinnedTool> {
        self.tools.get(name)
    }
}

impl PinnedTool {
    pub(crate) fn check_args(&self, args: &Value) -> Result<(), String> {
        self.schema.check(args)
    }
}

// [C7] Unknown properties are refused, also where a schema forgot to say so. Branches of `anyOf`
// and the like are left alone: closing each of them would refuse what the others declare.
fn closed(schema: &Value) -> Value {
    let Value::Object(map) = schema else {
        return schema.clone();
    };
    let mut map = map.clone();
    if let Some(Value::Object(properties)) = map.get("properties") {
        let inner: Map<String, Value> = properties
            .iter()
            .map(|(name, schema)| (name.clone(), closed(schema)))
            .collect();
        map.insert("properties".to_owned(), Value::Object(inner));
    }
    if let Some(items) = map.get("items") {
        let items = closed(items);
        map.insert("items".to_owned(), items);
    }
    let is_object =
        map.get("type").and_then(Value::as_str) == Some("object") || map.contains_key("properties");
    let says = [
        "additionalProperties",
        "unevaluatedProperties",
        "patternProperties",
    ]
    .iter()
    .any(|key| map.contains_key(*key));
    let composed = ["allOf", "anyOf", "oneOf", "$ref"]
        .iter()
        .any(|key| map.contains_key(*key));
    if is_object && !says {
        let keyword = if composed {
            "unevaluatedProperties"
        } else {
            "additionalProperties"
        };
        map.insert(keyword.to_owned(), Value::Bool(false));
    }
    Value::Object(map)
}
