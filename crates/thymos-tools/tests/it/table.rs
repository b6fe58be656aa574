//! The tools as the app gets them: the table, the contracts, and looking through the port.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use thymos_compiler::ToolSet;
use thymos_core::Timestamp;
use thymos_core::effect::EffectClass;
use thymos_core::resolved::Resolved;
use thymos_core::world::World;
use thymos_ports::Tool;
use thymos_ports::tool::{Look, Unresolvable, nothing_kept};
use thymos_tools::{ToolsConfig, WorkspaceError, builtin};

fn config(folder: &Path) -> ToolsConfig {
    ToolsConfig {
        root: folder.join("ws"),
        protected: vec![folder.join("ws/keys")],
        search_path: vec!["/usr/bin".into(), "/bin".into()],
        env: Vec::new(),
        tmp: folder.join("tmp"),
        extra_read: Vec::new(),
        cage: thymos_sandbox::probe(),
    }
}

fn tools(folder: &Path) -> Vec<Arc<dyn Tool>> {
    std::fs::create_dir_all(folder.join("ws")).unwrap();
    builtin(config(folder)).unwrap()
}

async fn resolve(
    tools: &[Arc<dyn Tool>],
    name: &str,
    args: Value,
) -> Result<Resolved, Unresolvable> {
    let tool = tools
        .iter()
        .find(|tool| tool.contract().name == name)
        .unwrap();
    let look = Look {
        world: &World::default(),
        memory: &thymos_ports::memory::NoMemory,
        now: Timestamp(0),
        rung: thymos_core::isolation::Rung::L3,
        limits: thymos_core::budget::Budget::unlimited(),
        kept: &nothing_kept,
    };
    tool.resolve(&args, &look).await
}

/// What is done between two looks at what a person asks may wait for nothing: not for a file, a process
/// or what other trajectories remember, which is read from the ledger.
#[test]
fn x4_only_what_the_trajectory_itself_holds_is_brief() {
    let folder = tempfile::tempdir().unwrap();
    let tools = tools(folder.path());
    let brief = tools.iter().filter(|tool| tool.is_brief());
    let names: Vec<&str> = brief.map(|tool| tool.contract().name.as_str()).collect();
    assert_eq!(names, ["kv_get", "kv_set", "kv_list", "kv_delete"]);
}

#[test]
fn every_tool_of_the_table_has_a_closed_schema_and_a_pin() {
    let folder = tempfile::tempdir().unwrap();
    let tools = tools(folder.path());
    let names: Vec<&str> = tools
        .iter()
        .map(|tool| tool.contract().name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "fs_read",
            "list_files",
            "grep",
            "glob",
            "fs_write",
            "fs_patch",
            "restore",
            "shell",
            "test_run",
            "kv_get",
            "kv_set",
            "kv_list",
            "kv_delete",
            "memory_write",
            "memory_recall",
            "memory_list",
            "memory_forget",
            "delegate",
        ]
    );
    for tool in &tools {
        let contract = tool.contract();
        assert_eq!(
            contract.schema["additionalProperties"],
            json!(false),
            "{}",
            contract.name
        );
        for (name, property) in contract.schema["properties"].as_object().unwrap() {
            assert!(
                property["description"].is_string(),
                "{} {name}",
                contract.name
            );
        }
        contract.pin().unwrap();
    }
}

#[test]
fn c7_schemas_take_what_is_meant_and_refuse_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let tools = tools(folder.path());
    let cases = [
        (
            "fs_read",
            json!({"path": "a", "offset": 1, "limit": 5}),
            true,
        ),
        ("fs_read", json!({}), false),
        ("fs_read", json!({"path": "a", "offset": 0}), false),
        ("fs_read", json!({"path": "a", "more": 1}), false),
        ("list_files", json!({}), true),
        ("list_files", json!({"depth": 17}), false),
        ("grep", json!({"pattern": "x", "case": "smart"}), true),
        ("grep", json!({"pattern": "x", "case": "none"}), false),
        ("fs_patch", json!({"path": "a", "patch": "x"}), true),
        (
            "fs_patch",
            json!({"path": "a", "edits": [{"old": "a", "new": ""}]}),
            true,
        ),
        (
            "fs_patch",
            json!({"path": "a", "edits": [{"old": "", "new": ""}]}),
            false,
        ),
        ("fs_patch", json!({"path": "a", "edits": []}), false),
        ("fs_patch", json!({"path": "a"}), false),
        (
            "fs_patch",
            json!({"path": "a", "patch": "x", "edits": [{"old": "a", "new": ""}]}),
            false,
        ),
        ("shell", json!({"argv": ["ls"], "env": {"A_1": "x"}}), true),
        ("shell", json!({"command": "ls", "argv": ["ls"]}), false),
        ("shell", json!({"argv": []}), false),
        ("shell", json!({"argv": ["ls"], "env": {"A=": "x"}}), false),
        ("test_run", json!({"filter": "--nocapture"}), false),
        ("kv_set", json!({"key": "a/b-c.d", "value": null}), true),
        ("kv_set", json!({"key": "../a", "value": 1}), false),
        (
            "memory_write",
            json!({"key": "a", "text": "", "tags": []}),
            false,
        ),
    ];
    let contracts = tools.iter().map(|tool| tool.contract().clone());
    let set = ToolSet::pin(contracts.collect()).unwrap();
    for (name, args, fits) in cases {
        assert_eq!(set.check_args(name, &args).is_ok(), fits, "{name} {args}");
    }
}

#[tokio::test]
async fn c18_no_call_is_milder_than_its_contract() {
    let folder = tempfile::tempdir().unwrap();
    let tools = tools(folder.path());
    std::fs::write(folder.path().join("ws/a.txt"), "a\n").unwrap();
    std::fs::write(folder.path().join("ws/Makefile"), "").unwrap();
    let calls = [
        ("fs_read", json!({"path": "a.txt"})),
        ("list_files", json!({})),
        ("grep", json!({"pattern": "a"})),
        ("glob", json!({"pattern": "*"})),
        ("fs_write", json!({"path": "b", "content": ""})),
        (
            "fs_patch",
            json!({"path": "a.txt", "edits": [{"old": "a", "new": "b"}]}),
        ),
        ("shell", json!({"command": "ls"})),
        ("kv_get", json!({"key": "a"})),
        ("kv_set", json!({"key": "a", "value": 1})),
        ("kv_list", json!({})),
        ("memory_write", json!({"key": "a", "text": "t"})),
        ("memory_recall", json!({"query": "t"})),
        ("memory_list", json!({})),
    ];
    for (name, args) in calls {
        let resolved = resolve(&tools, name, args).await.unwrap();
        let tool = tools
            .iter()
            .find(|tool| tool.contract().name == name)
            .unwrap();
        assert!(resolved.effect >= tool.contract().effect_floor, "{name}");
        assert!(resolved.risk >= tool.contract().risk_floor, "{name}");
        assert_eq!(resolved.estimate.tool_calls, 1);
        let writes = resolved.effect == EffectClass::Write;
        assert_eq!(
            writes,
            name.ends_with("write") || name == "fs_patch" || name == "kv_set"
        );
    }
}

#[tokio::test]
async fn r3_the_apps_own_files_are_closed() {
    let folder = tempfile::tempdir().unwrap();
    let tools = tools(folder.path());
    for (name, args) in [
        ("fs_read", json!({"path": "keys/operator"})),
        ("list_files", json!({"path": "keys"})),
        ("fs_write", json!({"path": "keys/new", "content": ""})),
        ("grep", json!({"pattern": "x", "path": "keys"})),
    ] {
        let said = resolve(&tools, name, args).await.unwrap_err().message;
        assert!(
            said.ends_with("is protected and closed to every tool"),
            "{name}: {said}"
        );
    }
}

#[test]
fn a_workspace_that_cannot_be_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let missing = builtin(config(folder.path())).err().unwrap();
    assert!(matches!(missing, WorkspaceError::Missing { .. }));
    std::fs::write(folder.path().join("ws"), "").unwrap();
    let file = builtin(config(folder.path())).err().unwrap();
    assert!(matches!(file, WorkspaceError::NotAFolder { .. }));
}
