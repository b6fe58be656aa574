//! Rules go around what is protected, and say what they cannot hold.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Access, PathPlan, Rule, path_plan};
use crate::{CageError, CageSpec, Limits, Network, ReadScope, Rung};

fn spec(rung: Rung, root: &Path, protected: &[&str]) -> CageSpec {
    CageSpec {
        argv: vec!["/bin/true".into()],
        cwd: root.to_owned(),
        env: vec![],
        stdin: vec![],
        read: ReadScope::Roots(vec![]),
        write_roots: vec![root.to_owned()],
        protected: protected.iter().map(|path| root.join(path)).collect(),
        network: Network::None,
        limits: Limits {
            wall_clock_ms: 1,
            output_bytes_max: 1,
            memory_bytes_max: 1,
            processes_max: 1,
            open_files_max: 1,
            file_size_bytes_max: 1,
        },
        rung,
        rung_min: rung,
    }
}

fn tree() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path().canonicalize().expect("it is there");
    fs::create_dir_all(root.join("deep/keys")).expect("made");
    for file in ["free", "deep/free", "deep/keys/secret"] {
        fs::write(root.join(file), file).expect("written");
    }
    (folder, root)
}

fn without_devices(plan: &PathPlan) -> Vec<Rule> {
    let mut rules = plan.rules.clone();
    rules.retain(|rule| rule.access != Access::Device);
    rules.sort_by(|a, b| a.path.cmp(&b.path));
    rules
}

#[test]
fn without_protected_paths_one_rule_covers_a_root() {
    let (_folder, root) = tree();
    let plan = path_plan(&spec(Rung::L2, &root, &[])).expect("planned");
    assert_eq!(
        without_devices(&plan),
        [Rule {
            path: root,
            access: Access::Write
        }]
    );
}

#[test]
fn at_l2_neighbours_are_given_one_by_one() {
    let (_folder, root) = tree();
    let plan = path_plan(&spec(Rung::L2, &root, &["deep/keys"])).expect("planned");
    let rule = |path: &str, access| Rule {
        path: root.join(path),
        access,
    };
    let expected = [
        Rule {
            path: root.clone(),
            access: Access::List,
        },
        rule("deep", Access::List),
        rule("deep/free", Access::Write),
        rule("free", Access::Write),
    ];
    assert_eq!(without_devices(&plan), expected);
}

#[test]
fn at_l3_the_root_is_given_whole_and_the_path_masked() {
    let (_folder, root) = tree();
    let plan = path_plan(&spec(Rung::L3, &root, &["deep/keys"])).expect("planned");
    assert_eq!(plan.masks, [root.join("deep/keys")]);
    assert_eq!(
        without_devices(&plan),
        [Rule {
            path: root,
            access: Access::Write
        }]
    );
}

#[test]
fn a_protected_path_that_is_missing_is_told() {
    let (_folder, root) = tree();
    let plan = path_plan(&spec(Rung::L2, &root, &[".env"])).expect("planned");
    assert_eq!(plan.notes.len(), 1, "{:?}", plan.notes);
}

#[test]
fn a_root_inside_a_protected_path_is_an_error() {
    let (_folder, root) = tree();
    let mut spec = spec(Rung::L2, &root, &["deep"]);
    spec.write_roots = vec![root.join("deep/keys")];
    let refused = path_plan(&spec).expect_err("refused");
    assert!(
        matches!(refused, CageError::RootProtected { .. }),
        "{refused}"
    );
}
