//! `memory_recall`: finds notes by words, each with the entry it comes from `[O4]`.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use thymos_core::delta::Resource;
use thymos_core::outcome::Outcome;
use thymos_core::resolved::Resolved;
use thymos_core::tool::ToolContract;
use thymos_core::world::World;
use thymos_ports::tool::{Look, ToolFault, ToolIo, Unresolvable};

use crate::args::{parse, reparse};
use crate::body::{Body, Call};
use crate::contract::{object, read_facts, reading};
use crate::limits::FILE_CALL_MS;
use crate::store::{joined, json_of};
use crate::text::counted;

pub(crate) struct MemoryRecall {
    contract: ToolContract,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    query: String,
    limit: Option<usize>,
}

const LIMIT_DEFAULT: usize = 10;

impl MemoryRecall {
    pub(crate) fn new() -> Self {
        let schema = object(
            json!({
                "query": {"type": "string", "minLength": 1, "maxLength": 1000, "description": "Words to look for in keys, tags and text."},
                "limit": {"type": "integer", "minimum": 1, "maximum": 50, "description": "How many notes at most. Default 10."},
            }),
            &["query"],
        );
        let description = "Finds kept notes by words, best first, each with its text and the ledger entry it comes from.";
        Self {
            contract: reading("memory_recall", description, schema),
        }
    }
}

#[async_trait]
impl Body for MemoryRecall {
    fn contract(&self) -> &ToolContract {
        &self.contract
    }

    fn look(&self, args: &Value, _look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        parse::<Args>(args)?;
        Ok(read_facts(FILE_CALL_MS))
    }

    async fn act(&self, call: Call<'_>, io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault> {
        let args: Args = reparse(call.args)?;
        let query = args.query.to_lowercase();
        let words: Vec<&str> = query.split_whitespace().collect();
        let mut found: Vec<(usize, Note<'_>)> = notes(io.world)
            .map(|note| (note.score(&words), note))
            .filter(|(score, _)| *score > 0)
            .collect();
        // Best first; of equals the newest.
        found.sort_by_key(|(score, note)| std::cmp::Reverse((*score, note.seq)));
        let total = found.len();
        found.truncate(args.limit.unwrap_or(LIMIT_DEFAULT));
        let rows: Vec<String> = found
            .iter()
            .map(|(_, note)| format!("{}\n{}\n", note.title(), note.text))
            .collect();
        let (mut text, truncated) = joined(&rows);
        if rows.is_empty() {
            text = format!(
                "no note has any of these words; {} kept",
                counted(notes(io.world).count(), "note")
            );
        } else if rows.len() < total {
            text.push_str(&format!("[{} of {total} shown]\n", rows.len()));
        }
        let mut outcome = Outcome::said(format!("recalled {}", counted(rows.len(), "note")), text);
        outcome.truncated = truncated || rows.len() < total;
        let keys: Vec<_> = found
            .iter()
            .map(|(_, note)| json!({"key": note.key, "seq": note.seq}))
            .collect();
        outcome.data = Some(json!({"notes": keys, "matching": total}));
        Ok(outcome)
    }
}

/// One kept note, with where it comes from.
pub(crate) struct Note<'a> {
    pub(crate) key: &'a str,
    pub(crate) text: &'a str,
    pub(crate) tags: Vec<&'a str>,
    pub(crate) version: u64,
    pub(crate) seq: u64,
}

impl Note<'_> {
    pub(crate) fn title(&self) -> String {
        let tags = if self.tags.is_empty() {
            String::new()
        } else {
            format!(" [{}]", self.tags.join(", "))
        };
        format!(
            "{}{tags}  (version {}, entry {})",
            self.key, self.version, self.seq
        )
    }

    /// Words in key or tags count more than words in the text.
    fn score(&self, words: &[&str]) -> usize {
        let (key, text) = (self.key.to_lowercase(), self.text.to_lowercase());
        let tags = self.tags.join(" ").to_lowercase();
        let worth = |word: &&str| {
            3 * usize::from(key.contains(*word))
                + 2 * usize::from(tags.contains(*word))
                + usize::from(text.contains(*word))
        };
        words.iter().map(worth).sum()
    }
}

/// All notes, in order of keys.
pub(crate) fn notes(world: &World) -> impl Iterator<Item = Note<'_>> {
    world.iter().filter_map(|(resource, found)| {
        let Resource::Memory(key) = resource else {
            return None;
        };
        let note = json_of(&found.value)?;
        let tags = note.get("tags").and_then(Value::as_array);
        Some(Note {
            key,
            text: note.get("text").and_then(Value::as_str).unwrap_or_default(),
            tags: tags
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect(),
            version: found.version,
            seq: found.seq,
        })
    })
}
