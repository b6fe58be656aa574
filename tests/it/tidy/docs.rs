//! Rules about pages, settings and the gate: titles, links, repeated lines.

use super::{report, tree};

#[test]
fn every_page_has_one_title() {
    let offences: Vec<String> = tree::ending(".md")
        .into_iter()
        .map(|file| (titles(&file.text), file.path))
        .filter(|(count, _)| *count != 1)
        .map(|(count, path)| format!("{path}: {count}"))
        .collect();
    report("pages without exactly one `# ` title:", &offences);
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut offences = Vec::new();
    for file in tree::ending(".md") {
        let folder = match file.path.rsplit_once('/') {
            Some((folder, _)) => tree::root().join(folder),
            None => tree::root(),
        };
        for target in links(&file.text) {
            if !folder.join(&target).exists() {
                offences.push(format!("{}: `{target}`", file.path));
            }
        }
    }
    report("links to files that are not there:", &offences);
}

#[test]
fn the_gate_runs_the_readmes_test_command_word_for_word_and_last() {
    let readme = tree::read("README.md");
    let command = fenced(&readme)
        .into_iter()
        .find(|line| line.starts_with("cargo test"))
        .expect("README.md shows the test command in a code block");
    let gate = tree::read(".ci/run");
    let last = gate
        .lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty() && !line.starts_with('#'))
        .unwrap();
    assert_eq!(
        last, command,
        ".ci/run must end with the README's test command"
    );
}

#[test]
fn a_crates_own_clippy_settings_hold_the_roots() {
    // A crate's file replaces the root's, it does not add to it.
    let root = tree::read("clippy.toml");
    let mut offences = Vec::new();
    for path in tree::crates()
        .into_iter()
        .map(|folder| format!("{folder}/clippy.toml"))
    {
        if !tree::root().join(&path).is_file() {
            continue;
        }
        let own = tree::read(&path);
        let lines: Vec<&str> = own.lines().map(str::trim).collect();
        for line in root.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if !lines.contains(&line) {
                offences.push(format!("{path} lacks `{line}`"));
            }
        }
    }
    report("clippy settings that drop a rule of the root's:", &offences);
}

#[test]
fn every_crate_inherits_the_lints() {
    let offences: Vec<String> = tree::crates()
        .into_iter()
        .map(|folder| format!("{folder}/Cargo.toml"))
        .filter(|path| !path.starts_with("crates/fuzz/"))
        .filter(|path| !tree::read(path).contains("[lints]\nworkspace = true\n"))
        .collect();
    report("manifests without `[lints] workspace = true`:", &offences);
}

#[test]
fn every_module_of_this_binary_is_declared_as_a_test() {
    // Clippy's allowances for tests reach helpers only inside `#[cfg(test)]` modules.
    let main = tree::read("tests/it/main.rs");
    let lines: Vec<&str> = main.lines().map(str::trim).collect();
    let offences: Vec<String> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.starts_with("mod ") && line.ends_with(';'))
        .filter(|(at, _)| at.checked_sub(1).and_then(|at| lines.get(at)) != Some(&"#[cfg(test)]"))
        .map(|(at, line)| format!("tests/it/main.rs:{}: {line}", at + 1))
        .collect();
    report("modules that are not under `#[cfg(test)]`:", &offences);
}

fn titles(text: &str) -> usize {
    outside_fences(text)
        .filter(|line| line.starts_with("# "))
        .count()
}

fn outside_fences(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            return false;
        }
        !fenced
    })
}

/// The lines of all code blocks.
fn fenced(text: &str) -> Vec<&str> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if inside {
            found.push(line.trim());
        }
    }
    found
}

/// Targets of links within the tree, without their fragments.
fn links(text: &str) -> Vec<String> {
    let prose: Vec<&str> = outside_fences(text).collect();
    prose
        .join("\n")
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')').map(|(target, _)| target.to_owned()))
        .map(|target| target.split('#').next().unwrap_or_default().to_owned())
        .filter(|target| !target.is_empty() && !target.contains("://"))
        .collect()
}
