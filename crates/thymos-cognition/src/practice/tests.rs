//! Tests of the tour: played against a small pretended kernel that answers as the real one words it.

use serde_json::{Value, json};
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::tool::{Compensation, Recovery, Repeat, ToolContract};
use thymos_ports::Cognition;
use thymos_ports::cognition::{
    Context, ContextMessage, ProposedCall, Purpose, Streamed, Turn, TurnStop,
};
use tokio_util::sync::CancellationToken;

use super::PracticeModel;

const READING: &[&str] = &[
    "fs_read",
    "list_files",
    "grep",
    "glob",
    "shell",
    "memory_recall",
];
const WRITING: &[&str] = &["fs_write", "fs_patch", "memory_write", "test_run"];

fn contract(name: &str) -> ToolContract {
    ToolContract {
        operator_only: false,
        name: name.to_owned(),
        version: 1,
        description: String::new(),
        schema: json!({}),
        effect_floor: EffectClass::Read,
        risk_floor: Risk::Low,
        repeat: Repeat::Free,
        recovery: Recovery::Idempotent,
        compensation: Compensation::Unneeded,
    }
}

fn context(task: &str, tools: &[&[&str]]) -> Context {
    Context {
        purpose: Purpose::Turn,
        turns: 0,
        system: String::new(),
        messages: vec![ContextMessage::Operator(task.to_owned())],
        tools: tools.concat().into_iter().map(contract).collect(),
        output_tokens_max: 1000,
    }
}

/// What a call comes to: text, and whether it is an error.
type Answers<'a> = &'a dyn Fn(&ProposedCall) -> (&'static str, bool);

fn workspace(call: &ProposedCall) -> (&'static str, bool) {
    match (call.tool.as_str(), call.args["path"].as_str()) {
        ("list_files", _) => (
            "README.md\nsrc/\nsrc/main.rs\nodd name.txt\n[note]\n",
            false,
        ),
        ("glob", _) => ("README.md\ndocs/guide.md\n", false),
        ("fs_read", Some("README.md")) => (
            "README.md: 3 lines, 30 bytes\n     1\t# The engine\n     2\t\n     3\tIt runs.\n",
            false,
        ),
        ("fs_read", Some("thymos-practice.md")) => (
            "thymos-practice.md: 2 lines\n     1\t# Practice note\n     2\told\n",
            false,
        ),
        ("fs_read" | "memory_write", _) => {
            ("refused [C9]: not granted. Grant it to allow it", true)
        }
        ("grep", _) => ("src/main.rs:3:engine\nREADME.md:1:# The engine\n", false),
        ("shell", _) => ("exit 0\n2", false),
        _ => ("done", false),
    }
}

async fn turn(context: &Context) -> Turn {
    let mut heard = String::new();
    let mut sink = |bit: Streamed<'_>| {
        if let Streamed::Text(text) = bit {
            heard.push_str(text);
        }
    };
    let cancel = CancellationToken::new();
    let turn = PracticeModel::new()
        .propose(context, &mut sink, &cancel)
        .await
        .unwrap();
    assert_eq!(heard, turn.text);
    turn
}

/// Plays to the end; gives the calls of each turn and the last words.
async fn play(mut context: Context, answers: Answers<'_>) -> (Vec<Vec<ProposedCall>>, String) {
    let mut played = Vec::new();
    for _ in 0..12 {
        let turn = turn(&context).await;
        if turn.calls.is_empty() {
            assert_eq!(turn.stop, TurnStop::Done);
            return (played, turn.text);
        }
        assert_eq!(turn.stop, TurnStop::Calls);
        context.messages.push(ContextMessage::Model {
            text: turn.text,
            calls: turn.calls.clone(),
            provider_state: None,
        });
        for call in &turn.calls {
            let (text, is_error) = answers(call);
            context.messages.push(ContextMessage::Result {
                call: call.call.clone(),
                tool: call.tool.clone(),
                text: text.to_owned(),
                is_error,
            });
        }
        played.push(turn.calls);
    }
    panic!("the tour has no end");
}

fn tools(played: &[Vec<ProposedCall>]) -> Vec<Vec<&str>> {
    let names = |calls: &'_ Vec<ProposedCall>| -> Vec<String> {
        calls.iter().map(|call| call.tool.clone()).collect()
    };
    assert!(played.iter().map(names).all(|names| !names.is_empty()));
    played
        .iter()
        .map(|calls| calls.iter().map(|call| call.tool.as_str()).collect())
        .collect()
}

#[tokio::test]
async fn the_tour_reads_edits_runs_and_overreaches_with_what_it_found() {
    let (played, last) = play(context("tour the engine", &[READING, WRITING]), &workspace).await;
    let expected: &[&[&str]] = &[
        &["list_files", "glob"],
        &["fs_read", "grep"],
        &["fs_write"],
        &["shell"],
        &["memory_write", "fs_read"],
    ];
    assert_eq!(tools(&played), expected);
    assert_eq!(played[1][0].args, json!({"path": "README.md"}));
    assert_eq!(played[1][1].args, json!({"pattern": "engine", "path": "."}));
    let content = played[2][0].args["content"].as_str().unwrap();
    assert!(content.contains("3 files and 1 folder"), "{content}");
    assert!(
        content.contains("it begins with \"The engine\""),
        "{content}"
    );
    assert!(
        content.contains("the word `engine`: 2 matching lines"),
        "{content}"
    );
    assert_eq!(
        played[3][0].args,
        json!({"command": "sort ./README.md | uniq | wc -l"})
    );
    assert!(
        last.contains("6 calls committed, 0 denied, 2 refused"),
        "{last}"
    );
    assert!(
        last.contains("Its words: refused [C9]: not granted"),
        "{last}"
    );
    assert!(last.contains("thymos verify"), "{last}");
}

#[tokio::test]
async fn a_denied_edit_is_told_and_the_tour_goes_on() {
    let answers = |call: &ProposedCall| match call.tool.as_str() {
        "fs_write" => ("denied by the operator: not today", true),
        _ => workspace(call),
    };
    let context = context("hello", &[READING, WRITING]);
    let (played, last) = play(context, &answers).await;
    assert_eq!(played.len(), 5);
    assert!(
        last.contains("5 calls committed, 1 denied, 2 refused"),
        "{last}"
    );
    assert!(
        last.contains("denied by you: denied by the operator: not today"),
        "{last}"
    );
}

#[tokio::test]
async fn an_existing_note_is_patched_at_an_anchor_that_was_read() {
    let answers = |call: &ProposedCall| match call.tool.as_str() {
        "list_files" => ("README.md\nthymos-practice.md\n", false),
        _ => workspace(call),
    };
    let (played, _) = play(context("tour", &[READING, WRITING]), &answers).await;
    assert_eq!(played[2][0].tool, "fs_patch");
    let edit = &played[2][0].args["edits"][0];
    assert_eq!(edit["old"], "# Practice note");
    assert!(
        edit["new"]
            .as_str()
            .unwrap()
            .starts_with("# Practice note\n\nFound this time:")
    );
}

#[tokio::test]
async fn a_writ_that_only_reads_is_told_and_not_argued_with() {
    let (played, last) = play(context("tour", &[READING]), &workspace).await;
    let expected: &[&[&str]] = &[
        &["list_files", "glob"],
        &["fs_read", "grep"],
        &["shell"],
        &["memory_write", "fs_read"],
    ];
    assert_eq!(tools(&played), expected);
    assert!(last.contains("0 denied, 2 refused"), "{last}");
}

#[tokio::test]
async fn an_empty_folder_and_refused_reads_still_end_in_a_true_summary() {
    let answers = |_: &ProposedCall| ("refused [C9]: nothing is granted", true);
    let (played, last) = play(context("tour", &[READING, WRITING]), &answers).await;
    assert_eq!(played.len(), 5);
    assert!(
        last.contains("0 calls committed, 0 denied, 7 refused"),
        "{last}"
    );
}

async fn check_errand(task: &str, tool: &str, args: Value) {
    let (played, last) = play(context(task, &[READING, WRITING]), &|_| ("done", false)).await;
    let calls: Vec<_> = played
        .concat()
        .into_iter()
        .map(|c| (c.tool, c.args))
        .collect();
    assert_eq!(calls, [(tool.to_owned(), args)], "{task}");
    assert!(last.contains("1 call committed"), "{last}");
}

#[tokio::test]
async fn a_first_word_that_is_a_verb_makes_one_errand() {
    check_errand(
        "read src/main.rs",
        "fs_read",
        json!({"path": "src/main.rs"}),
    )
    .await;
    check_errand(
        "Please show me the file `a.txt`",
        "fs_read",
        json!({"path": "a.txt"}),
    )
    .await;
    check_errand("search for main", "grep", json!({"pattern": "main"})).await;
    check_errand("list", "list_files", json!({"path": ".", "depth": 2})).await;
    check_errand("ls src", "list_files", json!({"path": "src", "depth": 2})).await;
    check_errand(
        "run cargo --version",
        "shell",
        json!({"command": "cargo --version"}),
    )
    .await;
    let note = json!({"path": "a.txt", "content": "hello: you\n"});
    check_errand("write a.txt: hello: you", "fs_write", note).await;
    let memory = json!({"key": "practice", "text": "tea is at four"});
    check_errand("remember that tea is at four", "memory_write", memory).await;
    check_errand("recall tea", "memory_recall", json!({"query": "tea"})).await;
    check_errand("test", "test_run", json!({})).await;
    check_errand("run the tests", "test_run", json!({})).await;
    let here = json!({"path": ".", "depth": 2});
    check_errand("list all the files", "list_files", here).await;
}

#[tokio::test]
async fn other_words_make_the_whole_tour() {
    for task in [
        "",
        "hello",
        "ready?",
        "read",
        "größe",
        "show me around",
        "read it and fix it",
        "fix the bug, then run the tests",
    ] {
        let first = turn(&context(task, &[READING, WRITING])).await;
        assert_eq!(first.calls[0].tool, "list_files", "{task}");
        assert!(
            first.text.contains("I do not understand language"),
            "{}",
            first.text
        );
        assert_eq!(first.usage.usd_millicents, Some(0));
    }
}

#[tokio::test]
async fn the_same_context_gives_the_same_turn() {
    let context = context("tour", &[READING, WRITING]);
    assert_eq!(turn(&context).await, turn(&context).await);
}

#[tokio::test]
async fn a_second_task_begins_anew() {
    let mut context = context("list", &[READING]);
    let first = turn(&context).await;
    context.messages.push(ContextMessage::Model {
        text: first.text,
        calls: first.calls,
        provider_state: None,
    });
    context
        .messages
        .push(ContextMessage::Operator("read a.txt".to_owned()));
    assert_eq!(turn(&context).await.calls[0].tool, "fs_read");
}
