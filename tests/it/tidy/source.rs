//! Rust source, told apart into code, comments and literals. Understands no syntax beyond that.

/// What a stretch of source is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Code,
    Comment,
    Literal,
}

/// The source with comments and the insides of literals blanked out; lines keep their numbers.
pub(super) fn code(source: &str) -> String {
    only(source, Kind::Code)
}

/// The source with everything but comments blanked out; lines keep their numbers.
pub(super) fn comments(source: &str) -> String {
    only(source, Kind::Comment)
}

/// Whether `word` stands in `line` on its own.
pub(super) fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(is_name) && !after.is_some_and(is_name)
    })
}

fn is_name(ch: char) -> bool {
    ch.is_alphanumeric() || ch == '_'
}

fn only(source: &str, wanted: Kind) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while !rest.is_empty() {
        let (kind, length) = next(rest);
        let (piece, tail) = rest.split_at(length);
        if kind == wanted {
            out.push_str(piece);
        } else {
            out.extend(piece.chars().map(|ch| if ch == '\n' { '\n' } else { ' ' }));
        }
        rest = tail;
    }
    out
}

/// The kind and the length of what `rest` starts with.
fn next(rest: &str) -> (Kind, usize) {
    if rest.starts_with("//") {
        return (Kind::Comment, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        let end = rest.find("*/").map_or(rest.len(), |at| at + 2);
        return (Kind::Comment, end);
    }
    if let Some(length) = raw_string(rest) {
        return (Kind::Literal, length);
    }
    if rest.starts_with('"') {
        return (Kind::Literal, quoted(rest, '"'));
    }
    if let Some(length) = character(rest) {
        return (Kind::Literal, length);
    }
    let mut chars = rest.chars();
    let first = chars.next().map_or(1, char::len_utf8);
    // A whole name at once, so that the `r` of a name is not taken for a raw string.
    let length = if rest.starts_with(is_name) {
        rest.find(|ch: char| !is_name(ch)).unwrap_or(rest.len())
    } else {
        first
    };
    (Kind::Code, length)
}

fn raw_string(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    if !body[hashes..].starts_with('"') {
        return None;
    }
    let head = rest.len() - body.len() + hashes + 1;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = rest[head..]
        .find(&end)
        .map_or(rest.len(), |at| head + at + end.len());
    Some(length)
}

fn quoted(rest: &str, mark: char) -> usize {
    let mut escaped = false;
    for (at, ch) in rest.char_indices().skip(1) {
        match ch {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ch if ch == mark => return at + ch.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

/// A character literal; a lifetime is none.
fn character(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('\'')?;
    let mut chars = body.chars();
    let first = chars.next()?;
    if first == '\\' {
        return Some(quoted(rest, '\''));
    }
    (chars.next()? == '\'').then(|| 2 + first.len_utf8())
}

#[test]
fn comments_and_literals_are_told_from_code() {
    let source =
        "let a = \"// no\"; // yes 'b\nlet r = r#\"unsafe \"#; fn f<'a>(c: char) { '\"' }\n";
    let code = code(source);
    assert!(!code.contains("no") && !code.contains("yes") && !code.contains("unsafe"));
    assert!(code.contains("let r = ") && code.contains("fn f<'a>(c: char)"));
    assert_eq!(comments(source).trim(), "// yes 'b");
    assert_eq!(code.lines().count(), 2);
}
