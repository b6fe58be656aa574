//! Rules that come, change and go as drawn `[P3]`.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use thymos_policy::{Bundle, PolicySet, Shelf, Switches};
use thymos_runtime::kernel::PolicySource;
use thymos_testkit::road::shelf;

/// The rules in force. Clones share them.
#[derive(Clone)]
pub(super) struct Rules(Arc<Mutex<Arc<Shelf>>>);

/// How many shelves there are to choose from; 0 is the built-in one alone.
pub(super) const SHELVES: u64 = 6;

impl Rules {
    pub(super) fn builtin() -> Self {
        Self(Arc::new(Mutex::new(Arc::new(choice(0)))))
    }

    /// Puts another shelf in force.
    pub(super) fn choose(&self, number: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(choice(number));
    }
}

impl PolicySource for Rules {
    fn current(&self) -> Arc<Shelf> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn reload(&self) -> Arc<Shelf> {
        self.current()
    }
}

fn tool(name: &str) -> Value {
    json!({"field": "intent.tool", "op": "eq", "value": name})
}

fn rule(id: &str, name: &str, decision: Value) -> Value {
    json!({"id": id, "reason": "it was drawn", "when": tool(name), "decision": decision})
}

fn choice(number: u64) -> Shelf {
    let house = |rules: Value| {
        let value = json!({"name": "house", "version": number.to_string(), "default": "permit",
                           "rules": rules});
        Bundle::from_value(&value).expect("a sound bundle")
    };
    let two = json!({"ask": {"quorum": 2}});
    let bob = json!({"ask": {"approvers": ["bob"]}});
    let soon = json!({"ask": {"expires_after_ms": 60_000}});
    let added = match number {
        0 => None,
        1 => Some(json!([rule("two", "fs_write", two)])),
        2 => Some(json!([
            rule("bob", "shell", bob),
            rule("no-set", "kv_set", json!("forbid"))
        ])),
        3 => Some(json!([rule("soon", "glob", soon)])),
        4 => Some(json!([
            rule("look", "grep", json!("ask")),
            rule("both", "test_run", two)
        ])),
        _ => Some(json!([rule("no-runs", "delegate", json!("forbid"))])),
    };
    let mut bundles = PolicySet::builtin().bundles().to_vec();
    bundles.extend(added.map(house));
    shelf(&PolicySet::new(bundles, Switches::standard()))
}
