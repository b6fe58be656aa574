//! Whether a word looks drawn at random, like a key, or written by a person, like an identifier.
//!
//! A guess in both directions; it is only asked about words that stand near a telling name.

/// Fewest bytes of a token that is judged by its look alone.
pub(super) const TOKEN_BYTES_MIN: usize = 16;

/// Bits a character below which a word repeats itself too much to be random.
const ENTROPY_MIN: f64 = 3.0;

/// Share of neighbours of different classes: about a third in identifiers, half in random text.
const CHANGES_MIN: f64 = 0.42;

/// Whether the word looks drawn at random.
pub(super) fn looks_random(word: &str) -> bool {
    if word.len() < TOKEN_BYTES_MIN || !word.bytes().all(|b| b.is_ascii_graphic()) {
        return false;
    }
    let has_letter = word.bytes().any(|b| b.is_ascii_alphabetic());
    let digit_groups = runs_of_digits(word);
    if !has_letter || digit_groups == 0 || entropy(word.as_bytes()) < ENTROPY_MIN {
        return false;
    }
    let plain = word.bytes().all(|b| b.is_ascii_alphanumeric());
    digit_groups >= 3 || class_changes(word) >= CHANGES_MIN || (digit_groups == 2 && plain)
}

/// Whether the text only names where a secret is found: `${TOKEN}`, `$TOKEN`, `<token>`, `{{ x }}`.
pub(super) fn is_reference(text: &str) -> bool {
    let text = text.trim();
    let text = text.strip_prefix("Bearer ").unwrap_or(text);
    let wrapped = |open: &str, close: &str| {
        text.strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close))
            .is_some_and(|inner| inner.len() <= 64 && !inner.contains(['}', '>', ')']))
    };
    let variable = text.strip_prefix('$').is_some_and(|name| {
        !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    });
    variable
        || wrapped("${", "}")
        || wrapped("$(", ")")
        || wrapped("{{", "}}")
        || wrapped("%(", ")s")
        || (wrapped("<", ">") && !text.bytes().any(|b| b.is_ascii_digit()))
        || (wrapped("{", "}") && !text.bytes().any(|b| b.is_ascii_digit()))
        || is_filler(text)
}

/// `****`, `xxxx`, `....`: a secret that somebody took out before.
fn is_filler(text: &str) -> bool {
    text.chars()
        .all(|c| matches!(c, '*' | 'x' | 'X' | '.' | '•' | '-' | '_' | '#'))
}

fn runs_of_digits(word: &str) -> usize {
    word.split(|c: char| !c.is_ascii_digit())
        .filter(|run| !run.is_empty())
        .count()
}

fn class_changes(word: &str) -> f64 {
    let class = |b: u8| match b {
        b'0'..=b'9' => 0_u8,
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        _ => 3,
    };
    let bytes = word.as_bytes();
    let pairs = bytes.iter().zip(bytes.iter().skip(1));
    let (changes, all) = pairs.fold((0_u32, 0_u32), |(changes, all), (a, b)| {
        (changes + u32::from(class(*a) != class(*b)), all + 1)
    });
    f64::from(changes) / f64::from(all.max(1))
}

fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for &byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count = count.saturating_add(1);
        }
    }
    let total = f64::from(u32::try_from(bytes.len()).unwrap_or(u32::MAX).max(1));
    counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| {
            let share = f64::from(count) / total;
            -share * share.log2()
        })
        .sum()
}
