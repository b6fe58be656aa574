//! Looks at a command line without running it: is it one plain command, and if not, what is in it.
//!
//! No shell grammar: it errs towards `/bin/sh`, and its counts are for reading, not for deciding.

use crate::text::counted;

/// A line as seen.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Words that need no shell.
    Plain(Vec<String>),
    /// For a shell.
    Shell(Shape),
}

/// What a line for a shell holds, outside of single quotes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    commands: usize,
    pipes: usize,
    redirects: usize,
    substitutions: usize,
    variables: usize,
    background: usize,
    groups: usize,
}

/// The shape of a command that needs no shell.
pub(super) const PLAIN: &str = "1 command: no shell, no pipe, no redirect, no substitution";

/// First words that only a shell understands.
const SHELL_WORDS: [&str; 32] = [
    "!", ".", ":", "alias", "bg", "break", "case", "cd", "command", "continue", "eval", "exec",
    "exit", "export", "fg", "for", "function", "if", "jobs", "local", "read", "return", "set",
    "shift", "source", "trap", "type", "ulimit", "umask", "unset", "until", "while",
];

/// Signs that mean something to a shell outside of quotes.
const SIGNS: &str = "|&;<>()$`\\*?[]{}~#!\n";

/// Looks at one line.
pub(super) fn analyse(line: &str) -> Line {
    match words(line) {
        Some(words) if !needs_shell(&words) => Line::Plain(words),
        _ => Line::Shell(Shape::of(line)),
    }
}

fn needs_shell(words: &[String]) -> bool {
    words
        .first()
        .is_none_or(|first| first.contains('=') || SHELL_WORDS.contains(&first.as_str()))
}

/// Words by spaces and plain quotes; none when a shell would do anything else with the line.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for sign in line.trim().chars() {
        match (quote, sign) {
            (Some(open), _) if sign == open => quote = None,
            (Some('"'), '$' | '`' | '\\' | '!') => return None,
            (Some(_), _) => word.get_or_insert_default().push(sign),
            (None, '\'' | '"') => {
                quote = Some(sign);
                word.get_or_insert_default();
            }
            (None, ' ' | '\t') => words.extend(word.take()),
            (None, _) if SIGNS.contains(sign) => return None,
            (None, _) => word.get_or_insert_default().push(sign),
        }
    }
    words.extend(word);
    (quote.is_none() && !words.is_empty()).then_some(words)
}

impl Shape {
    fn of(line: &str) -> Self {
        let mut shape = Self {
            commands: 1,
            ..Self::default()
        };
        let mut signs = line.trim().chars().peekable();
        let (mut single, mut double) = (false, false);
        while let Some(sign) = signs.next() {
            match sign {
                '\'' if !double => single = !single,
                _ if single => {}
                '"' => double = !double,
                '\\' => drop(signs.next()),
                '`' => shape.substitutions += 1,
                '$' if signs.peek() == Some(&'(') => shape.substitutions += 2,
                '$' => shape.variables += 1,
                _ if double => {}
                '|' | '&' if signs.next_if_eq(&sign).is_some() => shape.commands += 1,
                '|' => {
                    shape.pipes += 1;
                    shape.commands += 1;
                }
                '&' if signs.peek() == Some(&'>') => {}
                '&' => shape.background += 1,
                ';' | '\n' => shape.commands += usize::from(signs.peek().is_some()),
                '>' | '<' => {
                    shape.redirects += 1;
                    while signs
                        .next_if(|next| matches!(next, '>' | '<' | '&'))
                        .is_some()
                    {}
                }
                '(' => shape.groups += 1,
                _ => {}
            }
        }
        // Every backtick was counted, opening and closing; `$(` as two for the same reason.
        shape.groups = shape.groups.saturating_sub(shape.substitutions / 2);
        shape.substitutions = shape.substitutions.div_ceil(2);
        shape
    }

    /// One line for the card.
    pub(super) fn sentence(&self) -> String {
        let parts = [
            (self.pipes, "pipe"),
            (self.redirects, "redirect"),
            (self.substitutions, "substitution"),
            (self.variables, "variable"),
            (self.background, "command in the background"),
            (self.groups, "group"),
        ];
        let mut said = vec![counted(self.commands, "command")];
        for (count, noun) in parts {
            match (count, noun) {
                (0, "pipe" | "redirect" | "substitution") => said.push(format!("no {noun}")),
                (0, _) => {}
                (count, "command in the background") => {
                    said.push(format!("{count} in the background"));
                }
                (count, noun) => said.push(counted(count, noun)),
            }
        }
        format!(
            "through /bin/sh, seen without running it: {}",
            said.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(line: &str) -> Vec<String> {
        match analyse(line) {
            Line::Plain(words) => words,
            Line::Shell(shape) => panic!("{shape:?}"),
        }
    }

    fn shell(line: &str) -> String {
        match analyse(line) {
            Line::Plain(words) => panic!("{words:?}"),
            Line::Shell(shape) => shape.sentence(),
        }
    }

    #[test]
    fn a_line_of_words_and_quotes_needs_no_shell() {
        assert_eq!(plain("ls -la src"), ["ls", "-la", "src"]);
        assert_eq!(
            plain(r#"git commit -m "a | b" 'c$d'"#),
            ["git", "commit", "-m", "a | b", "c$d"]
        );
        assert_eq!(plain("echo ''"), ["echo", ""]);
    }

    #[test]
    fn anything_a_shell_would_treat_goes_to_the_shell() {
        for line in [
            "a | b",
            "a > f",
            "a; b",
            "a && b",
            "echo $HOME",
            "echo `id`",
            "ls *.rs",
            "cat ~/x",
            "X=1 make",
            "cd src",
            "echo \"$x\"",
            "echo 'open",
            "a &",
            "a\nb",
            "! a",
            "",
        ] {
            assert!(matches!(analyse(line), Line::Shell(_)), "{line}");
        }
    }

    #[test]
    fn the_shape_counts_what_a_reader_should_know() {
        assert_eq!(
            shell("cargo test 2>&1 | tail -5"),
            "through /bin/sh, seen without running it: 2 commands, 1 pipe, 1 redirect, no substitution"
        );
        assert_eq!(
            shell("rm -rf $(cat list) && echo `date` &"),
            "through /bin/sh, seen without running it: 2 commands, no pipe, no redirect, \
             2 substitutions, 1 in the background"
        );
        assert!(shell("echo '$(no)' > f").contains("no substitution"));
    }
}
