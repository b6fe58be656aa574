//! What a ledger folds to, as JSON to be kept: everything that a decision or a context may rest on.

use serde_json::{Value, json};
use thymos_ports::LedgerStore;
use thymos_replay::projection::{Call, Fate, Item};
use thymos_replay::{Projection, fold};

/// Every trajectory's projection, oldest trajectory first.
pub(super) fn of(store: &dyn LedgerStore) -> Value {
    let mut heads = store.heads().unwrap();
    heads.sort_by_key(|head| head.trajectory);
    let folded = heads.iter().map(|head| {
        let mut projection = Projection::empty(head.trajectory);
        for entry in store.page(&head.trajectory, 0, 100_000).unwrap() {
            fold(&mut projection, &entry).unwrap();
        }
        told(&projection)
    });
    json!({ "log": store.log(), "entries": store.len().unwrap(), "trajectories": folded.collect::<Vec<_>>() })
}

pub(super) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap() + "\n"
}

fn told(p: &Projection) -> Value {
    let world = p.world.iter().map(|(resource, now)| {
        json!({"resource": resource.text(), "value": now.value, "version": now.version, "seq": now.seq})
    });
    let spent = p.spent.iter().map(|(writ, cost)| json!([writ, cost]));
    let done = p
        .done
        .iter()
        .map(|(key, (proposal, entry))| json!([key, proposal, entry]));
    let open = p
        .open_work
        .iter()
        .map(|(id, work)| json!([id, work.entry, work.seq]));
    let holds = p
        .holds
        .iter()
        .map(|(id, hold)| json!([id, hold.entry, hold.answers.len()]));
    json!({
        "trajectory": p.trajectory,
        "len": p.len,
        "head": p.head,
        "head_at": p.head_at,
        "root": p.root,
        "story": p.story.iter().map(item).collect::<Vec<_>>(),
        "calls": p.calls.iter().map(|(id, call)| json!([id, self::call(call)])).collect::<Vec<_>>(),
        "world": world.collect::<Vec<_>>(),
        "writs": p.writs.keys().collect::<Vec<_>>(),
        "revoked": p.revoked,
        "spent": spent.collect::<Vec<_>>(),
        "authority": p.authority,
        "holds": holds.collect::<Vec<_>>(),
        "open_work": open.collect::<Vec<_>>(),
        "done": done.collect::<Vec<_>>(),
        "next_turn": p.next_turn,
        "last_context_tokens": p.last_context_tokens,
        "total": p.total,
        "tools": p.tools.iter().map(|tool| tool.pin().unwrap()).collect::<Vec<_>>(),
        "policy_set": p.policy_set,
        "stopped": p.stopped,
    })
}

fn item(item: &Item) -> Value {
    match item {
        Item::Said {
            role, text, turn, ..
        } => json!({"said": text, "role": role, "turn": turn}),
        Item::Wanted(intent) => json!({ "wanted": intent }),
    }
}

fn call(call: &Call) -> Value {
    let fate = match &call.fate {
        Fate::Wanted => json!("wanted"),
        Fate::Held(proposal) => json!({ "held": proposal }),
        Fate::Begun(proposal) => json!({ "begun": proposal }),
        Fate::Ended {
            proposal,
            text,
            is_error,
        } => json!({"ended": proposal, "text": text, "is_error": is_error}),
    };
    json!({"intent": call.intent, "call": call.call, "fate": fate})
}
