//! Keys to actions: one table from which dispatch, help and the manual are made.
//!
//! Knows actions by their id only, opens no file and owns no clock; the app maps ids to
//! its own actions and says what time it is.

pub mod chords;
pub mod context;
pub mod key;
pub mod load;

#[cfg(test)]
mod tests;

pub use chords::{Chords, Resolved};
pub use context::Context;
pub use key::{Key, KeyCode, KeyFault, KeySequence, Mods};
pub use load::{Complaint, KeymapFile, LoadedKeymap, Problem};

use std::collections::BTreeMap;

/// One row of the table: keys that run an action in a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// What is pressed.
    pub on: KeySequence,
    /// The action's id, such as `approvals.approve`.
    pub run: String,
    /// What it does, in a few words.
    pub desc: String,
    /// Where it counts.
    pub context: Context,
}

/// One action with every key that reaches it: a row of the help and of `docs/keys.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelpRow {
    /// The action's id.
    pub id: String,
    /// Its keys, as printed, in the order of the file.
    pub keys: Vec<String>,
    /// What it does.
    pub desc: String,
    /// Where it counts.
    pub context: Context,
}

/// The whole table. Always usable; made by [`Keymap::built_in`] or [`load::load`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap {
    // INVARIANT: no two rows share context and keys.
    bindings: Vec<Binding>,
}

impl Keymap {
    /// The table that comes with the program.
    #[must_use]
    pub fn built_in() -> Self {
        load::load(None).keymap
    }

    /// Every row, in the order of the files.
    #[must_use]
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// Every action once per context, with all its keys there.
    #[must_use]
    pub fn help(&self) -> Vec<HelpRow> {
        let mut order: Vec<HelpRow> = Vec::new();
        let mut seen: BTreeMap<(Context, &str), usize> = BTreeMap::new();
        for binding in &self.bindings {
            let place = *seen
                .entry((binding.context, &binding.run))
                .or_insert(order.len());
            match order.get_mut(place) {
                Some(row) => row.keys.push(binding.on.to_string()),
                None => order.push(HelpRow {
                    id: binding.run.clone(),
                    keys: vec![binding.on.to_string()],
                    desc: binding.desc.clone(),
                    context: binding.context,
                }),
            }
        }
        order
    }

    /// The first key that reaches an action from a context, as printed in a hint.
    #[must_use]
    pub fn hint(&self, action: &str, context: Context) -> Option<String> {
        context.path().find_map(|context| {
            self.bindings
                .iter()
                .find(|binding| binding.context == context && binding.run == action)
                .map(|binding| binding.on.to_string())
        })
    }

    /// Rows that the keys so far may still become, nearest context first: the which-key list.
    #[must_use]
    pub fn completions(&self, context: Context, so_far: &[Key]) -> Vec<&Binding> {
        let mut found: Vec<&Binding> = Vec::new();
        for context in context.path() {
            for binding in self
                .bindings
                .iter()
                .filter(|binding| binding.context == context)
            {
                let keys = binding.on.keys();
                let hidden = found.iter().any(|nearer| nearer.on == binding.on);
                if keys.len() > so_far.len() && keys.starts_with(so_far) && !hidden {
                    found.push(binding);
                }
            }
        }
        found
    }

    /// What exactly these keys run, nearest context first.
    #[must_use]
    pub fn exact(&self, context: Context, keys: &[Key]) -> Option<&Binding> {
        context.path().find_map(|context| {
            self.bindings
                .iter()
                .find(|binding| binding.context == context && binding.on.keys() == keys)
        })
    }
}
