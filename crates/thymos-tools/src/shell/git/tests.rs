//! Attacks on what only reads: each repository here makes `git status`, `git diff` or `git log -p` start a
//! program, or hides that it does `[C18]`.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::runs_nothing;

/// Where git is looked for.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Whether there is a git to make repositories with.
fn has_git() -> bool {
    let found = Command::new("git")
        .env("PATH", PATH)
        .arg("--version")
        .output();
    let found = found.is_ok_and(|ended| ended.status.success());
    if !found {
        eprintln!("SKIPPED: the attacks on git need git");
    }
    found
}

/// A repository with one file in it, which has changed since, and a program that leaves a mark.
struct Repository(TempDir);

impl Repository {
    fn new() -> Self {
        let repository = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(repository.root()).unwrap();
        let script = format!("#!/bin/sh\ntouch {}\ncat\n", repository.mark().display());
        repository.put("../evil", &script);
        let mode = PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(repository.evil(), mode).unwrap();
        repository.git(&["init", "-q"]);
        repository.put("a.txt", "one\n");
        repository.git(&["add", "a.txt"]);
        repository.git(&["commit", "-q", "-m", "one"]);
        repository.put("a.txt", "another\n");
        repository
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("ws")
    }

    fn evil(&self) -> PathBuf {
        self.0.path().join("evil")
    }

    fn mark(&self) -> PathBuf {
        self.0.path().join("mark")
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn more_config(&self, text: &str) {
        let config = self.root().join(".git/config");
        let text = text.replace("EVIL", self.evil().to_str().unwrap());
        let before = std::fs::read_to_string(&config).unwrap_or_default();
        std::fs::write(config, format!("{before}{text}")).unwrap();
    }

    /// Runs git as the operator of a fresh account would; gives whether it ended well.
    fn git(&self, args: &[&str]) -> bool {
        self.git_in(".", args)
    }

    fn git_in(&self, folder: &str, args: &[&str]) -> bool {
        let mut git = Command::new("git");
        git.env_clear()
            .env("PATH", PATH)
            .env("HOME", self.0.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
            .args(args)
            .current_dir(self.root().join(folder));
        git.output().unwrap().status.success()
    }

    /// Whether what only reads starts the program, when nobody looks.
    fn runs_evil(&self, folder: &str) -> bool {
        for args in [&["status"][..], &["diff"], &["log", "-p", "-n", "1"]] {
            self.git_in(folder, args);
        }
        self.mark().exists()
    }

    fn is_harmless(&self) -> bool {
        runs_nothing(&self.root())
    }
}

#[test]
fn c18_a_repository_as_git_makes_it_runs_nothing() {
    if !has_git() {
        return;
    }
    let repository = Repository::new();
    assert!(repository.is_harmless());
    repository.more_config(
        "# of a clone\n[remote \"origin\"]\n\turl = https://example.org/a.git\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n\
         [branch \"main\"]\n\tremote = origin\n\tmerge = refs/heads/main\n[User]\n  name = \"Ada L\"  ; of here\n",
    );
    repository.put(
        "deep/er/a file with a long name, so that it fills more than a word",
        "x",
    );
    symlink("a.txt", repository.root().join("link")).unwrap();
    repository.git(&["add", "."]);
    for version in ["2", "3", "4"] {
        repository.git(&["update-index", "--index-version", version]);
        repository.git(&["add", "-N", "."]);
        assert!(repository.is_harmless(), "{version}");
    }
    assert!(runs_nothing(&repository.root().join("deep/er")));
    assert!(!repository.runs_evil("."));
    let none = tempfile::tempdir().unwrap();
    assert!(runs_nothing(none.path()));
    assert!(!runs_nothing(&none.path().join("gone")));
}

#[test]
fn c18_what_a_configuration_names_is_not_run() {
    if !has_git() {
        return;
    }
    // The configuration, the attributes, and whether git would run it here and now.
    let attacks: &[(&str, &str, bool)] = &[
        ("[core]\n\tfsmonitor = EVIL\n", "", true),
        ("[CORE]\n  FSMonitor=EVIL\n", "", true),
        ("[core]fsmonitor=EVIL\n", "", true),
        ("[core] fsmonitor = EVIL\n", "", true),
        ("[core]\n\tbare = \\\nfalse\n\tfsmonitor = EVIL\n", "", true),
        ("[core]\r\n\tfsmonitor = EVIL\r\n", "", true),
        ("[diff]\n\texternal = EVIL\n", "", true),
        ("[diff \"d\"]\n\tcommand = EVIL\n", "*.txt diff=d", true),
        ("[diff \"d\"]\n\ttextconv = EVIL\n", "*.txt diff=d", true),
        ("[diff.d]\n\ttextconv = EVIL\n", "*.txt diff=d", true),
        ("[filter \"f\"]\n\tclean = EVIL\n", "*.txt filter=f", true),
        ("[filter \"f\"]\n\tprocess = EVIL\n", "*.txt filter=f", true),
        ("[filter \"f\"]\n\tsmudge = EVIL\n", "*.txt filter=f", false),
        ("[core]\n\thooksPath = hooks\n", "", false),
        ("[include]\n\tpath = ../more\n", "", true),
        ("[includeIf \"gitdir:/**\"]\n\tpath = ../more\n", "", true),
        ("[extensions]\n\tworktreeConfig = true\n", "", true),
        ("[extensions]\n\tpartialClone = origin\n", "", false),
        (
            "[remote \"origin\"]\n\tpromisor = true\n\tuploadpack = EVIL\n",
            "",
            false,
        ),
        ("[core]\n\tworktree = ../../other\n", "", false),
        ("[core]\n\tpager = EVIL\n", "", false),
        ("[pager]\n\tdiff = EVIL\n", "", false),
        (
            "[core]\n\teditor = EVIL\n\tsshCommand = EVIL\n\taskPass = EVIL\n",
            "",
            false,
        ),
        ("[core]\n\talternateRefsCommand = EVIL\n", "", false),
        ("[core]\n\tattributesFile = ../x\n", "", false),
        (
            "[gpg]\n\tprogram = EVIL\n[log]\n\tshowSignature = true\n",
            "",
            false,
        ),
        ("[alias]\n\tstatus = !EVIL\n", "", false),
        ("[credential]\n\thelper = EVIL\n", "", false),
        ("[status]\n\tsubmoduleSummary = true\n", "", false),
        ("[interactive]\n\tdiffFilter = EVIL\n", "", false),
        ("[user \"x\"]\n\tname = a\n", "", false),
        ("\u{feff}[core]\n\tfsmonitor = EVIL\n", "", false),
        ("[core]\n\tbare = false\u{1b}[2K\n", "", false),
        ("what = is this\n", "", false),
        ("[unfinished\n", "", false),
    ];
    for (config, attributes, live) in attacks {
        let repository = Repository::new();
        if !attributes.is_empty() {
            repository.put(".gitattributes", attributes);
        }
        let more = format!("[core]\n\tfsmonitor = {}\n", repository.evil().display());
        repository.put("more", &more);
        repository.put(".git/config.worktree", &more);
        repository.more_config(config);
        assert!(!repository.is_harmless(), "{config}");
        assert!(!*live || repository.runs_evil("."), "no attack: {config}");
    }
}

#[test]
fn c18_a_hook_of_the_index_is_not_run() {
    if !has_git() {
        return;
    }
    let repository = Repository::new();
    let hook = repository.root().join(".git/hooks/post-index-change");
    std::fs::copy(repository.evil(), hook).unwrap();
    assert!(!repository.is_harmless());
    // The index is refreshed where a file was only touched.
    repository.put("a.txt", "one\n");
    assert!(repository.runs_evil("."));
}

#[test]
fn c18_a_repository_elsewhere_is_not_believed() {
    if !has_git() {
        return;
    }
    for how in ["file", "link", "common"] {
        let repository = Repository::new();
        let (git, other) = (
            repository.root().join(".git"),
            repository.root().join("other"),
        );
        match how {
            "common" => {
                let copied = Command::new("cp").arg("-r").args([&git, &other]).status();
                assert!(copied.unwrap().success());
                repository.put(".git/commondir", "../other\n");
            }
            _ => std::fs::rename(&git, &other).unwrap(),
        }
        match how {
            "file" => std::fs::write(&git, "gitdir: other\n").unwrap(),
            "link" => symlink("other", &git).unwrap(),
            _ => {}
        }
        let evil = repository.evil();
        let config = std::fs::read_to_string(other.join("config")).unwrap();
        let more = format!("{config}[core]\n\tfsmonitor = {}\n", evil.display());
        std::fs::write(other.join("config"), more).unwrap();
        assert!(!repository.is_harmless(), "{how}");
        assert!(repository.runs_evil("."), "no attack: {how}");
    }
}

#[test]
fn c18_a_repository_below_or_above_is_looked_at_too() {
    if !has_git() {
        return;
    }
    // One without `.git`: the folder itself is it.
    let repository = Repository::new();
    repository.git(&["clone", "-q", "--bare", ".", "bare"]);
    assert!(repository.is_harmless());
    assert!(!runs_nothing(&repository.root().join("bare")));
    assert!(!runs_nothing(&repository.root().join("bare/refs")));
    // A decoy that is none, below one that is.
    let repository = Repository::new();
    repository.put("sub/.git/x", "");
    repository.more_config("[core]\n\tfsmonitor = EVIL\n");
    assert!(!runs_nothing(&repository.root().join("sub")));
    assert!(repository.runs_evil("sub"));
}

#[test]
fn c18_a_submodule_with_settings_of_its_own_is_not_entered() {
    if !has_git() {
        return;
    }
    for version in ["2", "4"] {
        let repository = Repository::new();
        repository.git(&["clone", "-q", ".", "sub"]);
        let config = repository.root().join("sub/.git/config");
        let before = std::fs::read_to_string(&config).unwrap();
        let evil = repository.evil();
        let more = format!("{before}[core]\n\tfsmonitor = {}\n", evil.display());
        // Not in the index yet: git does not look into it.
        assert!(repository.is_harmless());
        repository.git(&["add", "sub"]);
        std::fs::write(&config, more).unwrap();
        repository.git(&["update-index", "--index-version", version]);
        std::fs::remove_file(repository.mark()).ok();
        assert!(!repository.is_harmless(), "{version}");
        assert!(repository.runs_evil("."), "no attack: {version}");
    }
}

#[test]
fn c18_what_cannot_be_read_as_it_should_be_is_not_believed() {
    if !has_git() {
        return;
    }
    let repository = Repository::new();
    let index = repository.root().join(".git/index");
    let whole = std::fs::read(&index).unwrap();
    // Of a whole entry and what may pass for the sum at its end, nothing is missing that is looked for.
    for cut in 1..100 {
        std::fs::write(&index, &whole[..cut]).unwrap();
        assert!(!repository.is_harmless(), "cut at {cut}");
    }
    for (at, byte) in [(0, b'X'), (7, 1), (7, 5), (8, 0xff), (11, 9)] {
        let mut bent = whole.clone();
        bent[at] = byte;
        std::fs::write(&index, &bent).unwrap();
        assert!(!repository.is_harmless(), "{at}");
    }
    std::fs::write(&index, &whole).unwrap();
    assert!(repository.is_harmless());
    // Entries that stand in another file, or for folders.
    repository.git(&["update-index", "--split-index"]);
    assert!(!repository.is_harmless());

    let repository = Repository::new();
    let config = repository.root().join(".git/config");
    std::fs::remove_file(&config).unwrap();
    let made = Command::new("mkfifo").arg(&config).status();
    assert!(made.unwrap().success());
    assert!(!repository.is_harmless(), "nobody waits for a pipe");
    std::fs::remove_file(&config).unwrap();
    std::fs::write(&config, b"[core]\n\tbare = \xff\n").unwrap();
    assert!(!repository.is_harmless());
    std::fs::write(&config, "# x\n".repeat(100_000)).unwrap();
    assert!(!repository.is_harmless());
}
