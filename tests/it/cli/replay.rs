//! One word on a run and on all that belongs to it: children, their children, branches, and what stands
//! above `[Y3]` `[D1]` `[D2]`.

use rusqlite::params;
use serde_json::{Value, json};
use thymos_core::Kind;
use thymos_core::canonical::{parse, value_to_bytes};
use thymos_core::entry::{Draft, Position};
use thymos_core::id::TrajectoryId;
use thymos_core::merkle::{self, Frontier, KEPT_LEVEL_MIN};

use super::home::{Ended, Home, unguarded};

/// A run that set a key and delegated one that delegated one that set a key; a branch of the first; and
/// a run beside them.
struct Family {
    home: Home,
    parent: String,
    child: String,
    grandchild: String,
    branch: String,
    beside: String,
}

impl Family {
    fn new() -> Self {
        let set = |key: &str| json!({"tool": "kv_set", "args": {"key": key, "value": 1}});
        let order = |task: &str, tokens: u64| {
            let budget = json!({"tokens": tokens, "tool_calls": tokens / 1_000,
                "wall_clock_ms": tokens * 5, "usd_millicents": 1});
            json!({"tool": "delegate", "args": {"task": task, "effects": "write", "budget": budget}})
        };
        let home = Home::playing(&[
            json!({"calls": [set("top"), order("mid: do it", 20_000)]}),
            json!({"text": "all is done"}),
            json!({"when": "mid: ", "calls": [order("low: do it", 5_000)]}),
            json!({"when": "mid: ", "text": "mid is done"}),
            json!({"when": "low: ", "calls": [set("low")]}),
            json!({"when": "low: ", "text": "low is done"}),
        ]);
        assert_eq!(home.run(&["--mode", "auto", "run", "go"]).code, 0);
        let rows = home.json(&["runs", "--json"]);
        let titled = |rows: &[Value], title: &str| {
            let row = rows.iter().find(|row| row["title"] == title);
            row.unwrap_or_else(|| panic!("no {title} in {rows:?}"))["trajectory"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        let (parent, child) = (titled(&rows, "go"), titled(&rows, "mid: do it"));
        let grandchild = titled(&rows, "low: do it");
        let commits = home.json(&["ledger", "--run", &parent, "--json", "kind:commit"]);
        let branched = home.json(&["branch", &parent, &commits[0]["seq"].to_string(), "--json"]);
        let branch = branched[0]["trajectory"].as_str().unwrap().to_owned();
        home.script(&[json!({"calls": [set("beside")]}), json!({"text": "done"})]);
        assert_eq!(home.run(&["run", "beside"]).code, 0);
        let beside = titled(&home.json(&["runs", "--json"]), "beside");
        Self {
            home,
            parent,
            child,
            grandchild,
            branch,
            beside,
        }
    }

    /// Kinship, depth and verdict of each run of a tree, and the exit code.
    fn tree(&self, of: &str, more: &[&str]) -> (Vec<(String, u64, String, String)>, i32) {
        let ended = self.home.run(&[&["replay", of, "--json"], more].concat());
        let lines: Vec<Value> = ended
            .out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert!(lines.len() > 1, "{ended:?}");
        let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
        let rows = lines[1]["runs"].as_array().unwrap().iter().map(|row| {
            (
                text(row, "kinship"),
                row["depth"].as_u64().unwrap(),
                text(row, "trajectory"),
                text(row, "verdict"),
            )
        });
        (rows.collect(), ended.code)
    }

    /// Rewrites a body of a run so that integrity of that entry still holds: salt, commitment and id
    /// are made anew. What follows it names another one. Whoever does so signed no checkpoint and wrote
    /// the tree anew, so that what is left to find is in the runs.
    fn forge(&self, run: &str, kind: Kind, change: impl Fn(&mut Value)) -> (u64, u64) {
        let place = self.rewrite(run, kind, change);
        let entries = self.home.entries();
        unguarded(&self.home.ledger(), |store| {
            store
                .execute_batch("DELETE FROM nodes; DELETE FROM checkpoints;")
                .unwrap();
            let mut tree = Frontier::new();
            for entry in entries {
                tree.push(merkle::leaf(entry.id.as_bytes()), |node, hash| {
                    if node.level >= KEPT_LEVEL_MIN {
                        let ends = i64::try_from(node.end).unwrap();
                        let sql = "INSERT INTO nodes (ends, level, hash) VALUES (?1, ?2, ?3)";
                        store
                            .execute(sql, params![ends, node.level, hash.as_bytes()])
                            .unwrap();
                    }
                });
            }
        });
        let outside = self.home.path("home/.local/state/thymos/checkpoints");
        std::fs::remove_dir_all(outside).unwrap();
        place
    }

    /// The same, with tree and checkpoints left as they were.
    fn rewrite(&self, run: &str, kind: Kind, change: impl Fn(&mut Value)) -> (u64, u64) {
        let run: TrajectoryId = run.parse().unwrap();
        let entries = self.home.entries();
        let is_it = |e: &&thymos_core::Entry| e.header.trajectory == run && e.kind() == Some(kind);
        let entry = entries.iter().find(is_it).unwrap();
        let mut body = parse(entry.body().unwrap()).unwrap();
        change(&mut body);
        let header = &entry.header;
        let draft = Draft {
            trajectory: run,
            kind,
            at: header.at_ms,
            writer: header.writer,
            salt: entry.content.as_ref().unwrap().salt,
            body: value_to_bytes(&body).unwrap(),
        };
        let position = Position {
            log: header.log,
            index: header.index,
            seq: header.seq,
            prev: header.prev,
        };
        let forged = draft.place(&position).unwrap();
        let index = i64::try_from(header.index).unwrap();
        let row = params![forged.header_bytes, forged.body().unwrap(), index];
        let sql = "UPDATE entries SET header = ?1, body = ?2 WHERE idx = ?3";
        unguarded(&self.home.ledger(), |store| {
            store.execute(sql, row).unwrap()
        });
        (header.index, header.seq)
    }
}

fn row(kinship: &str, depth: u64, run: &str, verdict: &str) -> (String, u64, String, String) {
    (kinship.into(), depth, run.into(), verdict.into())
}

#[test]
fn y3_replay_gives_a_verdict_on_each_run_above_and_below() {
    let family = Family::new();
    let (v, f) = ("verified", &family);
    let (whole, code) = f.tree(&f.parent, &[]);
    assert_eq!(code, 0);
    assert_eq!(
        whole,
        [
            row("itself", 0, &f.parent, v),
            row("branch", 1, &f.branch, v),
            row("delegated", 1, &f.child, v),
            row("delegated", 2, &f.grandchild, v),
        ]
    );
    let (middle, _) = f.tree(&f.child, &[]);
    assert_eq!(
        middle,
        [
            row("above", 0, &f.parent, v),
            row("itself", 1, &f.child, v),
            row("delegated", 2, &f.grandchild, v),
        ]
    );
    let (branch, _) = f.tree(&f.branch, &[]);
    assert_eq!(
        branch,
        [
            row("above", 0, &f.parent, v),
            row("itself", 1, &f.branch, v)
        ]
    );
    assert_eq!(
        f.tree(&f.parent, &["--alone"]).0,
        [row("itself", 0, &f.parent, v)]
    );
    let told = f.home.run(&["replay", &f.parent]);
    assert!(
        told.out.contains("replayed 4 runs, none diverges:"),
        "{told:?}"
    );
    assert!(told.out.contains("    delegated at "), "{told:?}");
    assert!(told.out.contains("\nverified: "), "{told:?}");
}

#[test]
fn y3_a_grandchild_that_diverges_is_named_and_the_code_is_13() {
    let family = Family::new();
    let f = &family;
    let (index, seq) = f.forge(&f.grandchild, Kind::Started, |body| {
        body["reserved"]["wall_clock_ms"] = json!(1);
    });
    let (tree, code) = f.tree(&f.parent, &[]);
    assert_eq!(code, 13);
    let verdicts: Vec<&str> = tree
        .iter()
        .map(|(_, _, _, verdict)| verdict.as_str())
        .collect();
    assert_eq!(verdicts, ["verified", "verified", "verified", "diverged"]);
    let told: Ended = f.home.run(&["replay", &f.parent]);
    let short: String = f.grandchild.chars().take(8).collect();
    let place = format!("at index {index} (trajectory {short} entry {seq}): ");
    assert_eq!(told.code, 13, "{told:?}");
    assert!(told.out.contains("1 DIVERGED"), "{told:?}");
    assert!(told.out.contains(&place), "{place} not in {told:?}");
    assert!(told.out.contains("NOT verified"), "{told:?}");
    // By itself the parent is sound, and the command says what it did not judge.
    let alone = f.home.run(&["replay", &f.parent, "--alone"]);
    assert_eq!(alone.code, 0, "{alone:?}");
    assert!(!alone.out.contains("\nverified: "), "{alone:?}");
    assert!(alone.out.contains("only this run was judged"), "{alone:?}");
    assert!(
        alone.out.contains("findings elsewhere in the ledger: "),
        "{alone:?}"
    );
    assert_eq!(f.home.run(&["replay", &f.grandchild, "--alone"]).code, 13);
    // A run beside them is sound, in a ledger that is not.
    let (beside, code) = f.tree(&f.beside, &[]);
    assert_eq!(
        (beside, code),
        (vec![row("itself", 0, &f.beside, "verified")], 13)
    );
}

#[test]
fn y3_what_tree_and_checkpoints_say_blames_no_run_and_spares_none() {
    let family = Family::new();
    let f = &family;
    f.rewrite(&f.grandchild, Kind::Started, |body| {
        body["reserved"]["wall_clock_ms"] = json!(1);
    });
    let (tree, code) = f.tree(&f.parent, &[]);
    let verdicts: Vec<&str> = tree.iter().map(|row| row.3.as_str()).collect();
    assert_eq!(
        (verdicts.as_slice(), code),
        (&["verified", "verified", "verified", "diverged"][..], 13)
    );
    // The log is not what was signed: nobody can say that this run is.
    let alone = f.home.run(&["replay", &f.parent, "--alone"]);
    assert_eq!(alone.code, 13, "{alone:?}");
}

#[test]
fn y3_a_past_that_diverges_is_told_above_the_branch_that_stands_on_it() {
    let family = Family::new();
    let f = &family;
    f.forge(&f.parent, Kind::Message, |body| body["turn"] = json!(7));
    let (tree, code) = f.tree(&f.branch, &[]);
    assert_eq!(code, 13);
    assert_eq!(tree[0], row("above", 0, &f.parent, "diverged"));
    assert_eq!(tree[1], row("itself", 1, &f.branch, "diverged"));
    // A run that does not fold is still listed, and says so.
    let rows = f.home.json(&["runs", "--json"]);
    let of = |run: &str| rows.iter().find(|row| row["trajectory"] == run).unwrap();
    assert_eq!(of(&f.parent)["state"], "contradicts itself");
    assert_eq!(of(&f.child)["state"], "done");
}

#[test]
fn y3_a_row_that_nobody_can_read_spares_no_run() {
    let family = Family::new();
    let f = &family;
    let last = "(SELECT max(idx) FROM entries)";
    let sql = format!("UPDATE entries SET header = x'00' WHERE idx = {last}");
    unguarded(&f.home.ledger(), |store| store.execute(&sql, []).unwrap());
    let alone = f.home.run(&["replay", &f.parent, "--alone"]);
    assert_eq!(alone.code, 13, "{alone:?}");
}

#[test]
fn d3_three_generations_are_undone_from_the_shell_in_one_plan() {
    let family = Family::new();
    let f = &family;
    let shown = f.home.run(&["undo", &f.parent]);
    assert_eq!(shown.code, 10, "{shown:?}");
    let place = |what: &str| shown.out.find(what).unwrap_or_else(|| panic!("{shown:?}"));
    assert!(place("remove kv:low again") < place("remove kv:top again"));
    let plan = f.home.json(&["undo", &f.parent, "--plan", "--json"]);
    let digest = plan[0]["digest"].as_str().unwrap();
    let args = ["undo", &f.parent, "--yes", "--plan-digest", digest];
    let done = f.home.run(&args);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.out.contains("undone: 2 of 2"), "{done:?}");
    // The same word a second time does nothing.
    let entries = f.home.entries().len();
    f.home.run(&args);
    assert_eq!(f.home.entries().len(), entries);
    assert_eq!(f.home.run(&["undo", &f.parent]).out, "nothing to undo\n");
    let rows =
        |f: &Family| f.home.json(&["replay", &f.grandchild, "--json"])[0]["world"]["rows"].clone();
    assert_eq!(rows(f), json!([]));
    // What was done first tells where all of it began, in whichever run that was.
    let hint = done.err.split('`').nth(1).unwrap();
    let again: Vec<&str> = hint.split(' ').skip(1).collect();
    let shown = f.home.run(&again);
    assert!(shown.out.contains("put kv:low back"), "{shown:?}");
    assert!(shown.out.contains("put kv:top back"), "{shown:?}");
    let plan = f.home.json(&[&again[..], &["--plan", "--json"]].concat());
    let digest = plan[0]["digest"].as_str().unwrap();
    let done = f
        .home
        .run(&[&again[..], &["--yes", "--plan-digest", digest]].concat());
    assert!(done.out.contains("undone: 2 of 2"), "{done:?}");
    assert_ne!(rows(f), json!([]));
    f.home
        .run(&["undo", &f.parent, "--from", "000000000000"])
        .says(1, "there is no entry `000000000000`", "thymos ledger --run");
    f.home.verifies();
}
