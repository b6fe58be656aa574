//! Reads the filter language into terms. Every fault has a column.

use thymos_core::Timestamp;
use thymos_core::entry::Kind;

use super::pattern::{Glob, Range, expression, nearest, words};
use super::term::{EFFECTS, Term, VERDICTS};
use super::{Clause, FIELDS, FILTER_CHARS_MAX, FilterError, FilterFault, time};

/// Millicents of a dollar.
const DOLLAR: u64 = 100_000;

/// Short words of the screen for kinds of entry.
const KIND_ALIASES: &[(&str, &str)] = &[
    ("reject", "rejection"),
    ("rejected", "rejection"),
    ("hold", "pending_approval"),
    ("held", "pending_approval"),
    ("pending", "pending_approval"),
    ("answer", "approval"),
    ("start", "started"),
    ("fail", "failure"),
    ("failed", "failure"),
];

/// One value as written.
struct Written {
    text: String,
    quoted: bool,
    column: usize,
}

/// Walks the characters and knows the column.
struct Cursor<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    column: usize,
}

impl Cursor<'_> {
    fn peek(&mut self) -> Option<char> {
        self.rest.peek().copied()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.rest.next();
        self.column += usize::from(next.is_some());
        next
    }
}

fn error(column: usize, fault: FilterFault) -> FilterError {
    let hint = would_do(&fault);
    FilterError {
        column,
        fault,
        hint,
    }
}

/// What could stand there instead, where no nearest word says it better.
fn would_do(fault: &FilterFault) -> Option<String> {
    match fault {
        FilterFault::NotANumber(_) => takes("seq"),
        FilterFault::NotACost(_) => takes("cost"),
        FilterFault::NotATime(_) => takes("since"),
        FilterFault::NotAnId(_) => Some("an id is hex digits, as `--json` prints them".to_owned()),
        FilterFault::UnknownField(_)
        | FilterFault::UnknownWord { .. }
        | FilterFault::NoValue
        | FilterFault::OpenQuote
        | FilterFault::TooLong => None,
        FilterFault::NotAPattern(_) => Some(
            "a sign that is meant as it stands has a backslash before it: `re:a\\[0\\]`".to_owned(),
        ),
    }
}

fn takes(field: &str) -> Option<String> {
    let row = FIELDS.iter().find(|(name, _)| *name == field);
    row.map(|(name, what)| format!("`{name}:` takes {what}"))
}

/// All clauses of a filter.
pub(super) fn clauses(text: &str, now: Timestamp) -> Result<Vec<Clause>, FilterError> {
    if text.chars().nth(FILTER_CHARS_MAX).is_some() {
        return Err(error(FILTER_CHARS_MAX + 1, FilterFault::TooLong));
    }
    let mut cursor = Cursor {
        rest: text.chars().peekable(),
        column: 1,
    };
    let mut clauses = Vec::new();
    loop {
        while cursor.peek().is_some_and(char::is_whitespace) {
            cursor.next();
        }
        if cursor.peek().is_none() {
            return Ok(clauses);
        }
        clauses.push(clause(&mut cursor, now)?);
    }
}

fn clause(cursor: &mut Cursor<'_>, now: Timestamp) -> Result<Clause, FilterError> {
    let negated = cursor.peek() == Some('-');
    if negated {
        cursor.next();
    }
    let start = cursor.column;
    let first = value(cursor, true)?;
    let mut field = "text";
    let mut values = Vec::new();
    if !first.quoted && cursor.peek() == Some(':') {
        cursor.next();
        field = known_field(&first, start)?;
        values.push(filled(value(cursor, false)?)?);
    } else {
        values.push(filled(first)?);
    }
    while cursor.peek() == Some(',') {
        cursor.next();
        values.push(filled(value(cursor, false)?)?);
    }
    let any = values
        .into_iter()
        .map(|written| term(field, &written, now))
        .collect::<Result<_, _>>()?;
    Ok(Clause { negated, any })
}

fn filled(written: Written) -> Result<Written, FilterError> {
    if written.text.is_empty() {
        return Err(error(written.column, FilterFault::NoValue));
    }
    Ok(written)
}

fn known_field(written: &Written, column: usize) -> Result<&'static str, FilterError> {
    let names = || FIELDS.iter().map(|(name, _)| *name);
    names()
        .find(|name| *name == written.text)
        .ok_or_else(|| FilterError {
            column,
            fault: FilterFault::UnknownField(written.text.clone()),
            hint: Some(match nearest(&written.text, names()) {
                Some(name) => format!("did you mean `{name}`?"),
                None => "put words that hold a colon into quotes".to_owned(),
            }),
        })
}

/// A value up to a space or a comma; quotes keep both. `before_field` also stops at a colon.
fn value(cursor: &mut Cursor<'_>, before_field: bool) -> Result<Written, FilterError> {
    let column = cursor.column;
    let mut text = String::new();
    if cursor.peek() == Some('"') {
        cursor.next();
        loop {
            match cursor.next() {
                None => return Err(error(column, FilterFault::OpenQuote)),
                Some('"') => break,
                Some('\\') if matches!(cursor.peek(), Some('"' | '\\')) => {
                    text.extend(cursor.next());
                }
                Some(c) => text.push(c),
            }
        }
        return Ok(Written {
            text,
            quoted: true,
            column,
        });
    }
    while let Some(c) = cursor.peek() {
        if c.is_whitespace() || c == ',' || (before_field && c == ':') {
            break;
        }
        text.push(c);
        cursor.next();
    }
    Ok(Written {
        text,
        quoted: false,
        column,
    })
}

fn term(field: &'static str, written: &Written, now: Timestamp) -> Result<Term, FilterError> {
    let text = written.text.as_str();
    let lower = text.to_lowercase();
    let refuse = |fault: FilterFault| error(written.column, fault);
    let glob = || Glob::new(text, written.quoted);
    let point =
        || time::parse(text, now).ok_or_else(|| refuse(FilterFault::NotATime(text.to_owned())));
    Ok(match field {
        "kind" => Term::Kind(kind(written, &lower)?),
        "tool" => Term::Tool(glob()),
        "effect" => {
            let index = |word: &str| {
                let at = EFFECTS.iter().position(|effect| effect.word() == word)?;
                u64::try_from(at).ok()
            };
            let words = || EFFECTS.iter().map(|effect| effect.word());
            let range = Range::parse(&lower, index);
            Term::Effect(range.ok_or_else(|| unknown_word(field, written, words()))?)
        }
        "verdict" => {
            let known = VERDICTS.iter().copied().find(|word| *word == lower);
            let words = || VERDICTS.iter().copied();
            Term::Verdict(known.ok_or_else(|| unknown_word(field, written, words()))?)
        }
        "by" => Term::By(glob()),
        "run" if lower == "*" && !written.quoted => Term::Run(String::new()),
        "run" => Term::Run(id_prefix(
            written,
            lower.strip_prefix("t-").unwrap_or(&lower),
        )?),
        "path" => Term::Path(glob()),
        "rule" => Term::Rule(glob()),
        "writ" => Term::Writ(id_prefix(written, &lower)?),
        "since" => Term::Since(point()?.0),
        "until" => Term::Until(point()?.1),
        "seq" => {
            let range = Range::parse(text, |number| number.parse().ok());
            Term::Seq(range.ok_or_else(|| refuse(FilterFault::NotANumber(text.to_owned())))?)
        }
        "cost" => cost(&lower).ok_or_else(|| refuse(FilterFault::NotACost(text.to_owned())))?,
        "re" => Term::Text(expression(text).map_err(|why| refuse(FilterFault::NotAPattern(why)))?),
        _ => Term::Text(
            words(text, written.quoted).map_err(|why| refuse(FilterFault::NotAPattern(why)))?,
        ),
    })
}

fn kind(written: &Written, lower: &str) -> Result<Glob, FilterError> {
    let alias = KIND_ALIASES.iter().find(|(short, _)| *short == lower);
    let word = alias.map_or(lower, |(_, word)| word);
    let is_glob = word.contains('*') && !written.quoted;
    // A kind of a newer version can be had by a glob; a plain word is more likely a slip.
    if !is_glob && Kind::parse(word).is_none() {
        let words = Kind::ALL.iter().map(|kind| kind.word());
        return Err(unknown_word("kind", written, words));
    }
    Ok(Glob::new(word, written.quoted))
}

fn unknown_word<'a>(
    field: &'static str,
    written: &Written,
    known: impl Iterator<Item = &'a str> + Clone,
) -> FilterError {
    let hint = match nearest(&written.text, known.clone()) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("one of {}", known.collect::<Vec<_>>().join(", ")),
    };
    FilterError {
        column: written.column,
        fault: FilterFault::UnknownWord {
            field,
            word: written.text.clone(),
        },
        hint: Some(hint),
    }
}

fn id_prefix(written: &Written, text: &str) -> Result<String, FilterError> {
    let is_hex = text
        .bytes()
        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if text.is_empty() || text.len() > 64 || !is_hex {
        return Err(error(
            written.column,
            FilterFault::NotAnId(written.text.clone()),
        ));
    }
    Ok(text.to_owned())
}

/// Money, or time when every number carries a unit of it.
fn cost(text: &str) -> Option<Term> {
    let money = Range::parse(text, |amount| {
        dollars(amount.strip_prefix('$').unwrap_or(amount))
    });
    money
        .map(Term::Money)
        .or_else(|| Range::parse(text, time::span_ms).map(Term::Took))
}

/// `0.10` in millicents, exactly; none beyond five decimals.
fn dollars(text: &str) -> Option<u64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && decimals.is_empty()) || decimals.len() > 5 {
        return None;
    }
    if !is_number(whole) || !is_number(decimals) {
        return None;
    }
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let part: u64 = format!("{decimals:0<5}").parse().ok()?;
    whole.checked_mul(DOLLAR)?.checked_add(part)
}
