//! Names close to a mistyped one, for hints. Decides nothing by them.

/// Letters that may differ in a slip.
const EDITS_MAX: usize = 3;

/// Longer words are not compared.
const CHARS_MAX: usize = 64;

/// The known name closest to what was written, if it is close enough to be a slip.
#[must_use]
pub fn nearest<'k>(written: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if written.len() > CHARS_MAX {
        return None;
    }
    known
        .into_iter()
        .map(|name| (edits(written, name), name))
        .min()
        .filter(|(edits, name)| *edits <= EDITS_MAX.min(name.len().div_ceil(2)))
        .map(|(_, name)| name)
}

/// Edit distance, row by row.
fn edits(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut costs: Vec<usize> = (0..=right.len()).collect();
    for (row, a) in left.chars().enumerate() {
        let mut diagonal = row;
        let mut before = row + 1;
        for (cost, b) in costs.iter_mut().skip(1).zip(&right) {
            let change = diagonal + usize::from(a != *b);
            diagonal = *cost;
            *cost = change.min(before + 1).min(*cost + 1);
            before = *cost;
        }
        if let Some(first) = costs.first_mut() {
            *first = row + 1;
        }
    }
    costs.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_finds_its_name_and_nonsense_finds_none() {
        let known = ["grants", "effects", "fs_write"];
        assert_eq!(nearest("grant", known), Some("grants"));
        assert_eq!(nearest("fs_wrte", known), Some("fs_write"));
        assert_eq!(nearest("telepathy", known), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(nearest(&"x".repeat(1_000), known), None);
    }
}
