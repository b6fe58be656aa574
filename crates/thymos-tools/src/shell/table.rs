//! The pinned table of commands that only read, with every flag that is known to be safe `[C18]`.
//!
//! A flag that is not here makes the call external. The cage holds the class: a command classed as
//! reading gets no place to write, so a wrong line here is a refusal by the system and no harm.

/// How a command's arguments are judged.
struct Row {
    program: &'static str,
    /// The first argument, where it chooses what the program does.
    verb: Option<&'static str>,
    /// Letters that may stand behind a single dash, alone or together.
    letters: &'static str,
    /// Long flags, without value or with `=value`.
    long: &'static [&'static str],
    /// Flags followed by one value of their own.
    valued: &'static [&'static str],
    operands: Operands,
}

/// What the arguments that are no flags are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operands {
    /// Paths, which must lie inside the workspace.
    Paths,
    /// Revisions, or paths; judged as paths, and a revision passes as a path that is not there.
    Revisions,
    /// Any text.
    Text,
    /// There are none.
    None,
}

const fn row(program: &'static str, letters: &'static str, operands: Operands) -> Row {
    Row {
        program,
        verb: None,
        letters,
        long: &[],
        valued: &[],
        operands,
    }
}

const fn git(verb: &'static str, long: &'static [&'static str], letters: &'static str) -> Row {
    Row {
        program: "git",
        verb: Some(verb),
        letters,
        long,
        valued: &["-n"],
        operands: Operands::Revisions,
    }
}

const ROWS: &[Row] = &[
    Row {
        long: &["--all", "--almost-all", "--recursive", "--human-readable"],
        ..row("ls", "1aAlhRrtSFdip", Operands::Paths)
    },
    row("cat", "nbsAET", Operands::Paths),
    Row {
        valued: &["-n", "-c"],
        ..row("head", "qv0123456789", Operands::Paths)
    },
    Row {
        valued: &["-n", "-c"],
        ..row("tail", "qv0123456789", Operands::Paths)
    },
    row("wc", "lwcmL", Operands::Paths),
    row("pwd", "LP", Operands::None),
    row("stat", "Lft", Operands::Paths),
    row("file", "bhiL", Operands::Paths),
    row("cmp", "sl", Operands::Paths),
    Row {
        long: &["--brief", "--recursive", "--unified"],
        ..row("diff", "uqrNwbBi", Operands::Paths)
    },
    row("du", "sh", Operands::Paths),
    row("md5sum", "b", Operands::Paths),
    row("sha256sum", "b", Operands::Paths),
    row("realpath", "e", Operands::Paths),
    row("basename", "", Operands::Text),
    row("dirname", "", Operands::Text),
    row("echo", "ne", Operands::Text),
    row("printf", "", Operands::Text),
    row("true", "", Operands::None),
    row("false", "", Operands::None),
    row("uname", "asrmno", Operands::None),
    row("whoami", "", Operands::None),
    row("id", "ugn", Operands::None),
    git(
        "status",
        &[
            "--short",
            "--branch",
            "--porcelain",
            "--long",
            "--untracked-files",
        ],
        "sbu",
    ),
    git(
        "diff",
        &[
            "--stat",
            "--cached",
            "--staged",
            "--name-only",
            "--name-status",
            "--numstat",
            "--shortstat",
            "--word-diff",
            "--no-ext-diff",
            "--unified",
        ],
        "pwbU0123456789",
    ),
    git(
        "log",
        &[
            "--oneline",
            "--stat",
            "--graph",
            "--all",
            "--decorate",
            "--name-only",
            "--name-status",
            "--max-count",
            "--since",
            "--until",
            "--author",
            "--grep",
            "--no-merges",
            "--format",
            "--pretty",
            "--reverse",
            "--follow",
        ],
        "p0123456789",
    ),
    git(
        "show",
        &[
            "--stat",
            "--name-only",
            "--name-status",
            "--oneline",
            "--format",
            "--pretty",
            "--no-patch",
        ],
        "sp",
    ),
    git(
        "rev-parse",
        &[
            "--short",
            "--abbrev-ref",
            "--show-toplevel",
            "--is-inside-work-tree",
            "--verify",
        ],
        "q",
    ),
    git(
        "ls-files",
        &[
            "--others",
            "--cached",
            "--modified",
            "--deleted",
            "--exclude-standard",
        ],
        "comd",
    ),
    git("blame", &["--line-porcelain", "--porcelain"], "wsl"),
    git("shortlog", &["--summary", "--numbered"], "sn"),
];

/// Whether a command only reads. `inside` says whether a path argument may be read.
pub(super) fn only_reads(argv: &[String], inside: &dyn Fn(&str) -> bool) -> bool {
    let Some((program, rest)) = argv.split_first() else {
        return false;
    };
    ROWS.iter().any(|row| {
        row.program == program
            && match row.verb {
                None => row.admits(rest, inside),
                Some(verb) => match rest.split_first() {
                    Some((first, rest)) if first == verb => row.admits(rest, inside),
                    Some(_) | None => false,
                },
            }
    })
}

impl Row {
    fn admits(&self, args: &[String], inside: &dyn Fn(&str) -> bool) -> bool {
        let mut args = args.iter();
        let mut flags_over = false;
        while let Some(arg) = args.next() {
            let fine = if flags_over || arg == "-" || !arg.starts_with('-') {
                self.takes(arg, inside)
            } else if arg == "--" {
                flags_over = true;
                true
            } else if self.valued.contains(&arg.as_str()) {
                args.next().is_some_and(|value| !value.starts_with('/'))
            } else if arg.starts_with("--") {
                let name = arg.split_once('=').map_or(arg.as_str(), |(name, _)| name);
                self.long.contains(&name)
            } else {
                arg.chars()
                    .skip(1)
                    .all(|letter| self.letters.contains(letter))
            };
            if !fine {
                return false;
            }
        }
        true
    }

    fn takes(&self, arg: &str, inside: &dyn Fn(&str) -> bool) -> bool {
        match self.operands {
            Operands::Paths | Operands::Revisions => arg == "-" || inside(arg),
            Operands::Text => true,
            Operands::None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(line: &str) -> bool {
        let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
        only_reads(&argv, &|path| {
            !path.starts_with('/') && !path.contains(".env")
        })
    }

    #[test]
    fn c18_known_commands_with_known_flags_only_read() {
        for line in [
            "ls",
            "ls -la src",
            "cat a.txt",
            "head -n 5 a.txt",
            "tail -20 a.txt",
            "wc -l a b",
            "git status --short",
            "git diff HEAD~1 -- src",
            "git log --oneline -n 3",
            "pwd",
            "echo -n anything",
            "stat a",
        ] {
            assert!(reads(line), "{line}");
        }
    }

    #[test]
    fn c18_an_unknown_command_flag_or_place_does_not() {
        for line in [
            "rm a",
            "tail -f a",
            "cat /etc/passwd",
            "cat .env",
            "git push",
            "git -c x=y status",
            "git diff --output=f",
            "git diff --ext-diff",
            "git log --exec=x",
            "git",
            "git status --porcelain /etc",
            "ls --color=always -X",
            "file -m magic a",
            "pwd a",
            "wc --files0-from=x",
            "stat --printf=x",
            "sort -o f g",
            "find . -delete",
        ] {
            assert!(!reads(line), "{line}");
        }
    }
}
