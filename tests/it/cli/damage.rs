//! A ledger that somebody changed: whoever meets it says so, exit 13, and nothing is signed over it `[Y3]`.

use rusqlite::{Connection, params};
use serde_json::json;

use super::home::{Home, unguarded};

fn worked() -> Home {
    let home = Home::playing(&[
        json!({"calls": [{"tool": "kv_set", "args": {"key": "a", "value": 1}}]}),
        json!({"text": "done"}),
    ]);
    assert_eq!(home.run(&["run", "go"]).code, 0);
    home
}

fn change(home: &Home, sql: &str) {
    unguarded(&home.ledger(), |ledger| ledger.execute_batch(sql).unwrap());
}

/// One byte of what an entry says.
fn bend(home: &Home, kind: &str) {
    let ledger = Connection::open(home.ledger()).unwrap();
    let (index, mut body): (i64, Vec<u8>) = ledger
        .query_row(
            "SELECT idx, body FROM entries WHERE kind = ?1 ORDER BY idx LIMIT 1",
            params![kind],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    drop(ledger);
    let at = body.iter().rposition(|byte| *byte == b'a').unwrap();
    body[at] = b'b';
    let hex: String = body.iter().map(|byte| format!("{byte:02x}")).collect();
    change(
        home,
        &format!("UPDATE entries SET body = x'{hex}' WHERE idx = {index}"),
    );
}

#[test]
fn y3_whoever_meets_a_changed_entry_ends_with_13() {
    for kind in ["commit", "message", "root"] {
        let home = worked();
        let run = home.json(&["runs", "--json"]).remove(0);
        let run = run["trajectory"].as_str().unwrap().to_owned();
        let commit = home.json(&["ledger", "kind:commit", "--json"]).remove(0);
        let commit = commit["entry"].as_str().unwrap().to_owned();
        bend(&home, kind);
        let verbs: [&[&str]; 9] = [
            &["verify"],
            &["runs"],
            &["audit", &run],
            &["ledger"],
            &["routing"],
            &["replay", &run],
            &["approvals", "ls"],
            &["memory", "ls"],
            &["checkpoint", "make"],
        ];
        for verb in verbs {
            let ended = home.run(verb);
            assert_eq!(ended.code, 13, "{kind} {verb:?}: {ended:?}");
        }
        if kind == "commit" {
            assert_eq!(home.run(&["receipt", &commit]).code, 13);
            assert_eq!(home.run(&["run", "--resume", &run, "more"]).code, 13);
        }
        // What is not about the record is as it was.
        assert_eq!(home.run(&["policy", "ls"]).code, 0);
        assert_eq!(home.run(&["keys", "ls"]).code, 0);
    }
}

#[test]
fn l7_no_checkpoint_is_signed_over_rows_that_are_not_what_was_written() {
    for sql in [
        "UPDATE entries SET kind = 'failure' WHERE kind = 'commit'",
        "UPDATE entries SET at_ms = at_ms + 5 WHERE kind = 'commit'",
        "DELETE FROM entries WHERE kind = 'commit'",
    ] {
        let home = worked();
        let before = home.run(&["checkpoint", "show"]).out;
        change(&home, sql);
        let made = home.run(&["checkpoint", "make"]);
        assert_eq!((made.code, made.out.as_str()), (13, ""), "{sql}: {made:?}");
        let shown = home.run(&["checkpoint", "show"]);
        assert_eq!(shown.out, before, "{sql}");
        assert_eq!(home.run(&["verify"]).code, 13, "{sql}");
    }
}
