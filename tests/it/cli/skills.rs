//! Skills from the shell: files in a folder, checked against the tools that exist `[S1]`.

use std::path::Path;

use serde_json::json;

use super::home::Home;

const NAMES: [&str; 3] = ["repo-reader", "safe-editor", "test-fixer"];

fn example(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/skills");
    folder.join(format!("{name}.json")).display().to_string()
}

#[test]
fn s1_the_starter_skills_name_only_tools_that_exist() {
    let home = Home::new();
    for name in NAMES {
        let ended = home.run(&["skills", "check", &example(name)]);
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(
            ended
                .out
                .starts_with(&format!("in order: {name} version 1")),
            "{ended:?}"
        );
    }
}

#[test]
fn s1_a_skill_is_made_checked_signed_tuned_and_removed() {
    let home = Home::new();
    assert_eq!(home.run(&["skills", "new", "mine"]).code, 0);
    home.run(&["skills", "new", "mine"])
        .says(1, "the name `mine` is taken", "tune mine");
    home.run(&["skills", "new", "Not Mine"])
        .says(2, "cannot name a skill", "repo-reader");
    assert_eq!(home.run(&["skills", "check", "mine"]).code, 0);
    assert_eq!(home.run(&["skills", "sign", "mine"]).code, 0);
    let rows = home.json(&["skills", "ls", "--json"]);
    assert_eq!(rows[0]["signed_by"], "ada");
    assert_eq!(rows[0]["fault"], json!(null));
    home.write("ws/words.txt", "Only look at {topic}.\n");
    let tuned = [
        "skills",
        "tune",
        "mine",
        "--set",
        "topic=tests",
        "--instructions",
        "words.txt",
    ];
    let ended = home.run(&tuned);
    assert_eq!(ended.code, 0, "{ended:?}");
    let rows = home.json(&["skills", "ls", "--json"]);
    assert_eq!(
        (&rows[0]["version"], &rows[0]["signed_by"]),
        (&json!(2), &json!(null))
    );
    assert_eq!(rows[0]["params"][0]["default"], "tests");
    let shown = home.run(&["skills", "show", "mine"]);
    assert!(shown.out.ends_with("Only look at {topic}.\n"), "{shown:?}");
    home.run(&["skills", "tune", "mine", "--set", "colour=red"])
        .says(2, "has no parameter `colour`", "skills show mine");
    home.run(&["skills", "tune", "mine"])
        .says(2, "nothing to change", "--set");
    assert_eq!(home.run(&["skills", "rm", "mine"]).code, 0);
    home.run(&["skills", "show", "mine"])
        .says(1, "there is no skill `mine`", "skills ls");
    home.run(&["skills", "rm", "../config"])
        .says(1, "there is no skill", "skills ls");
}

/// A version that nobody could bind takes the place of none.
#[test]
fn s1_what_could_never_be_bound_is_no_version() {
    let home = Home::new();
    assert_eq!(
        home.run(&["skills", "import", &example("repo-reader")])
            .code,
        0
    );
    for folder in ["../x", "/etc", ""] {
        let set = format!("folder={folder}");
        home.run(&["skills", "tune", "repo-reader", "--set", &set])
            .says(1, "`folder`", "");
    }
    let rows = home.json(&["skills", "ls", "--json"]);
    assert_eq!(
        (&rows[0]["version"], &rows[0]["fault"]),
        (&json!(1), &json!(null))
    );
}

#[test]
fn s1_faulty_files_are_told_with_their_place_and_nothing_is_kept() {
    let home = Home::new();
    let starter = std::fs::read_to_string(example("repo-reader")).unwrap();
    let check_code = |code: i32, text: &str, sentence: &str, hint: &str| {
        home.write("ws/x.json", text);
        home.run(&["skills", "import", "x.json"])
            .says(code, sentence, hint);
    };
    let check = |text: &str, sentence: &str, hint: &str| check_code(1, text, sentence, hint);
    check(
        &starter.replacen("\"v\": 1,", "\"v\": 1", 1),
        "line 3 column 3: expected",
        "skills.md",
    );
    check(
        &starter.replacen("\"title\"", "\"titel\"", 1),
        "line 5 column 9: unknown field `titel`",
        "skills.md",
    );
    check(
        &starter.replacen("\"grep\"", "\"http_get\"", 1),
        "no tool here is called `http_get`",
        "correct the file",
    );
    let skill = thymos_core::skill::SkillFile::read(starter.as_bytes())
        .unwrap()
        .skill;
    let stranger = thymos_core::key::SigningKey::from_seed(&[77; 32]);
    let signed = skill.sign(&stranger).unwrap().text().unwrap();
    // It gives no authority, as a writ or bundle of a stranger gives none.
    check_code(11, &signed, "not among the trust roots", "skills sign");
    home.write("ws/own.json", &starter);
    assert_eq!(home.run(&["skills", "sign", "own.json"]).code, 0);
    let tampered = home.read("ws/own.json");
    let tampered = tampered.replacen("\"version\": 1", "\"version\": 2", 1);
    check_code(11, &tampered, "not over this definition", "skills sign");
    check(
        &starter.replacen("{ \"tool_calls\": 80, \"tokens\": 400000 }", "[80]", 1),
        "an object is wanted here, not a list",
        "skills.md",
    );
    home.run(&["skills", "import", "absent.json"])
        .says(1, "cannot be read", "skills ls");
    assert_eq!(home.run(&["skills", "ls"]).out, "");
    // A name that is taken by other content stays as it is.
    assert_eq!(
        home.run(&["skills", "import", &example("repo-reader")])
            .code,
        0
    );
    assert_eq!(
        home.run(&["skills", "import", &example("repo-reader")])
            .code,
        0
    );
    check(
        &starter.replacen("without touching it", "gently", 1),
        "is taken by a skill with other content",
        "skills rm",
    );
}

#[test]
fn s1_a_run_with_a_wrong_parameter_makes_nothing() {
    let home = Home::playing(&[json!({"text": "done"})]);
    assert_eq!(
        home.run(&["skills", "import", &example("safe-editor")])
            .code,
        0
    );
    let run = |params: &[&str]| {
        let mut args = vec!["run", "--skill", "safe-editor"];
        args.extend(params);
        args.push("go");
        home.run(&args)
    };
    run(&[]).says(2, "needs its parameter `folder`", "--param folder=VALUE");
    run(&["--param", "folder=../x"]).says(
        2,
        "cannot be the parameter `folder`",
        "inside the workspace",
    );
    run(&["--param", "folder=docs", "--param", "folder=src"]).says(
        2,
        "`--param folder` is given more than once",
        "give one value",
    );
    run(&["--param", "folder=docs", "--param", "tone=x"]).says(
        2,
        "has no parameter `tone`",
        "skills show",
    );
    home.run(&["run", "--skill", "other", "go"])
        .says(1, "there is no skill `other`", "skills ls");
    assert_eq!(home.count("root"), 0);
    assert_eq!(run(&["--param", "folder=docs"]).code, 0);
    assert_eq!(home.count("skill_bound"), 1);
    home.verifies();
}

#[test]
fn s1_r3_no_tool_can_write_a_skill() {
    let home = Home::playing(&[]);
    let path = home
        .path("home/.config/thymos/skills/own.json")
        .display()
        .to_string();
    home.script(&[
        json!({"calls": [{"tool": "fs_write", "args": {"path": path, "content": "{}"}}]}),
        json!({"text": "no"}),
    ]);
    std::fs::create_dir_all(home.path("home/.config/thymos/skills")).unwrap();
    // The whole home is the workspace, so only the protection stands in the way.
    let above = home.path("").display().to_string();
    home.run(&["-C", &above, "--mode", "auto", "run", "author a skill"]);
    assert_eq!(home.count("rejection"), 1);
    assert!(!home.path("home/.config/thymos/skills/own.json").exists());
}

/// A condition on what no tool takes would refuse every call, and say so only then.
#[test]
fn s1_a_condition_on_an_argument_that_is_not_there_is_named() {
    let home = Home::new();
    let text = std::fs::read_to_string(example("safe-editor")).unwrap();
    let mut skill: serde_json::Value = serde_json::from_str(&text).unwrap();
    skill["grants"] =
        json!([{"tool": "fs_read", "caveats": [{"arg": "pth", "must": {"under": "docs"}}]}]);
    home.write("ws/safe-editor.json", &skill.to_string());
    for verb in ["check", "import"] {
        let ended = home.run(&["skills", verb, "safe-editor.json"]);
        assert_ne!(ended.code, 0, "{verb}: {ended:?}");
        assert!(
            ended.err.contains("has no argument `pth`"),
            "{verb}: {ended:?}"
        );
    }
}

/// What is no file is neither waited for nor read to an end that it does not have.
#[test]
fn s1_a_pipe_and_a_device_are_no_skills() {
    let home = Home::new();
    let folder = home.path("home/.config/thymos/skills");
    std::fs::create_dir_all(&folder).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(folder.join("pipe.json"))
        .status();
    assert!(made.unwrap().success());
    let listed = home.run(&["skills", "ls"]);
    assert!(listed.out.contains("it is not a file"), "{listed:?}");
    home.run(&["skills", "import", "/dev/zero"])
        .says(1, "it is not a file", "");
}
