//! How paths, hosts and globs are compared, for caveats and rules alike. Resolves nothing.

/// Whether a normalized `path` lies inside `root`, by whole components.
///
/// Both are `/`-separated; `.` is the workspace and holds every relative path. A `..` left in
/// either one is never inside anything: such a path was not normalized.
#[must_use]
pub fn under(path: &str, root: &str) -> bool {
    if climbs(path) || climbs(root) {
        return false;
    }
    let absolute = path.starts_with('/');
    if absolute != root.starts_with('/') {
        return false;
    }
    let mut parts = components(path);
    components(root).all(|part| parts.next() == Some(part))
}

/// Whether `host` is `pattern`, or lies below the suffix of a `*.suffix` pattern.
#[must_use]
pub fn host_matches(host: &str, pattern: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(suffix) => host
            .len()
            .checked_sub(suffix.len() + 1)
            .and_then(|cut| host.split_at_checked(cut))
            .is_some_and(|(name, rest)| {
                !name.is_empty()
                    && rest
                        .strip_prefix('.')
                        .is_some_and(|rest| rest.eq_ignore_ascii_case(suffix))
            }),
        None => host.eq_ignore_ascii_case(pattern),
    }
}

/// Whether `text` matches a glob: `?` is one character, `*` any run of them, neither crosses `/`;
/// `**` crosses it.
///
/// Takes time proportional to text times pattern, never more: both may come from a stranger.
#[must_use]
pub fn glob(pattern: &str, text: &str) -> bool {
    if !pattern.contains(['*', '?']) {
        return pattern == text;
    }
    // The common shape of a grant, `fs_*`, needs no automaton.
    if let Some(prefix) = pattern.strip_suffix('*')
        && !prefix.contains(['*', '?'])
    {
        return text
            .strip_prefix(prefix)
            .is_some_and(|rest| !rest.contains('/'));
    }
    let tokens = tokens(pattern);
    let mut alive = vec![false; tokens.len() + 1];
    start(&mut alive, &tokens, 0);
    for letter in text.chars() {
        let mut next = vec![false; tokens.len() + 1];
        for (at, token) in tokens.iter().enumerate() {
            if !alive.get(at).copied().unwrap_or(false) {
                continue;
            }
            match token {
                Token::Is(wanted) if *wanted == letter => start(&mut next, &tokens, at + 1),
                Token::One if letter != '/' => start(&mut next, &tokens, at + 1),
                Token::Run if letter != '/' => start(&mut next, &tokens, at),
                Token::Deep => start(&mut next, &tokens, at),
                Token::Is(_) | Token::One | Token::Run => {}
            }
        }
        alive = next;
    }
    alive.last().copied().unwrap_or(false)
}

enum Token {
    Is(char),
    One,
    Run,
    Deep,
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        out.push(match letter {
            '*' if letters.next_if_eq(&'*').is_some() => Token::Deep,
            '*' => Token::Run,
            '?' => Token::One,
            other => Token::Is(other),
        });
    }
    out
}

/// Marks a state and every state reachable from it by matching nothing.
fn start(alive: &mut [bool], tokens: &[Token], at: usize) {
    for state in at.. {
        if let Some(slot) = alive.get_mut(state) {
            *slot = true;
        }
        if !matches!(tokens.get(state), Some(Token::Run | Token::Deep)) {
            return;
        }
    }
}

fn components(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !matches!(*part, "" | "."))
}

fn climbs(path: &str) -> bool {
    path.split('/').any(|part| part == "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w4_under_compares_whole_components() {
        assert!(under("src/a.rs", "src") && under("src", "src") && under("a", "."));
        assert!(under("/srv/x", "/srv") && under("./src/a", "src/"));
        for (path, root) in [
            ("srcs/a.rs", "src"),
            ("src/../x", "src"),
            ("/etc/passwd", "."),
            ("src", "src/a"),
            ("a", "/"),
            ("a", "b/.."),
        ] {
            assert!(!under(path, root), "{path} under {root}");
        }
    }

    #[test]
    fn w4_a_host_suffix_starts_at_a_dot() {
        assert!(host_matches("Api.example.org", "api.example.org"));
        assert!(host_matches("a.b.example.org", "*.example.org"));
        for host in [
            "example.org",
            ".example.org",
            "evilexample.org",
            "example.org.evil",
        ] {
            assert!(!host_matches(host, "*.example.org"), "{host}");
        }
    }

    #[test]
    fn w4_a_star_never_crosses_a_slash() {
        assert!(glob("fs_*", "fs_read") && glob("*", "shell") && glob("a?c", "abc"));
        assert!(glob("src/*.rs", "src/lib.rs") && glob("src/**", "src/a/b.rs"));
        assert!(!glob("src/*.rs", "src/a/lib.rs") && !glob("fs_*", "kv_set"));
        assert!(!glob("a?c", "a/c") && !glob("", "x") && glob("", ""));
    }

    #[test]
    fn a_hostile_glob_takes_no_exponential_time() {
        let pattern = "*a".repeat(60);
        assert!(!glob(&pattern, &"a".repeat(59)));
    }
}
