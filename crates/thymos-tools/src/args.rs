//! Reads a call's arguments into a tool's own struct. The schema was checked before, by the gate.

use serde::de::DeserializeOwned;
use serde_json::Value;
use thymos_ports::tool::{ToolFault, Unresolvable};

use crate::body::failed;

/// Arguments as the tool's struct; a mismatch here is one that the schema let through.
pub(crate) fn parse<T: DeserializeOwned>(args: &Value) -> Result<T, Unresolvable> {
    T::deserialize(args)
        .map_err(|why| Unresolvable::new(format!("the arguments do not fit: {why}")))
}

/// The same at the moment of acting, where it cannot fail unless the arguments changed.
pub(crate) fn reparse<T: DeserializeOwned>(args: &Value) -> Result<T, ToolFault> {
    T::deserialize(args).map_err(|why| failed(format!("the arguments do not fit: {why}")))
}

/// The workspace itself, where a path may be left out.
pub(crate) fn here() -> String {
    ".".to_owned()
}
