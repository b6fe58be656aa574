//! How well typed letters fit a path: letters in order, gaps allowed, best where words begin.
//!
//! Knows no list and no screen.

/// Letters that are compared; longer queries are cut.
const LETTERS_MAX: usize = 64;

/// Characters of a path that are compared, from its end.
const PATH_CHARS_MAX: usize = 512;

const HIT: i32 = 16;
/// A letter right behind the last one.
const NEXT: i32 = 14;
/// A letter that begins a word.
const BEGINS: i32 = 12;
/// A letter of the file's own name, and not of its folders.
const IN_NAME: i32 = 6;
/// Each letter passed over between two hits.
const GAP: i32 = -1;
const NONE: i32 = i32::MIN / 2;

/// Letters to look for, made ready once for many paths.
#[derive(Clone, Debug)]
pub struct Wanted {
    letters: Vec<char>,
    // As typed: a capital wants a capital.
    exact: bool,
}

impl Wanted {
    /// These letters. One capital among them, and case counts.
    #[must_use]
    pub fn of(typed: &str) -> Self {
        let exact = typed.chars().any(char::is_uppercase);
        let letters = typed.chars().filter(|ch| !ch.is_whitespace());
        Self {
            letters: letters.take(LETTERS_MAX).collect(),
            exact,
        }
    }

    /// How well they fit a path, more is better; none when they do not come in that order.
    #[must_use]
    pub fn score(&self, path: &str) -> Option<i32> {
        if self.letters.is_empty() {
            return Some(0);
        }
        if !self.comes_in_order(path) {
            return None;
        }
        let mut chars: Vec<char> = path.chars().rev().take(PATH_CHARS_MAX).collect();
        chars.reverse();
        let name = chars
            .iter()
            .rposition(|ch| *ch == '/')
            .map_or(0, |at| at + 1);
        // Best sum with the letters so far, the last of them here.
        let mut ends = vec![NONE; chars.len()];
        for (at, wanted) in self.letters.iter().enumerate() {
            // Best of the row before, at a distance and each step away from it.
            let (mut reach, mut before) = (NONE, NONE);
            for (place, ch) in chars.iter().enumerate() {
                let was = ends[place];
                ends[place] = NONE;
                if self.is(*wanted, *ch) {
                    let worth = worth(&chars, place, name);
                    let so_far = if at == 0 {
                        0
                    } else {
                        reach.max(before.saturating_add(NEXT))
                    };
                    if so_far > NONE {
                        ends[place] = so_far + worth;
                    }
                }
                reach = reach.saturating_add(GAP).max(before.saturating_add(GAP));
                before = was;
            }
        }
        ends.into_iter().max().filter(|best| *best > NONE / 2)
    }

    fn comes_in_order(&self, path: &str) -> bool {
        let mut chars = path.chars();
        let mut wanted = self.letters.iter();
        wanted.all(|letter| chars.any(|ch| self.is(*letter, ch)))
    }

    fn is(&self, wanted: char, found: char) -> bool {
        wanted == found || (!self.exact && wanted.to_lowercase().eq(found.to_lowercase()))
    }
}

fn worth(chars: &[char], place: usize, name: usize) -> i32 {
    let before = place.checked_sub(1).and_then(|at| chars.get(at));
    let begins = before.is_none_or(|before| {
        !before.is_alphanumeric() || (before.is_lowercase() && chars[place].is_uppercase())
    });
    HIT + if begins { BEGINS } else { 0 } + if place >= name { IN_NAME } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::Wanted;

    fn best<'a>(typed: &str, paths: &[&'a str]) -> Vec<&'a str> {
        let wanted = Wanted::of(typed);
        let mut found: Vec<(i32, &str)> = paths
            .iter()
            .filter_map(|path| Some((wanted.score(path)?, *path)))
            .collect();
        found.sort_by_key(|(score, path)| (-score, path.len()));
        found.into_iter().map(|(_, path)| path).collect()
    }

    #[test]
    fn a_name_outranks_its_folders_and_a_word_the_letters_of_several() {
        let paths = ["client/readme.md", "src/client.rs", "src/cold/isle_net.rs"];
        assert_eq!(best("client", &paths)[0], "src/client.rs");
        assert_eq!(
            best("cli", &paths),
            ["src/client.rs", "client/readme.md", "src/cold/isle_net.rs"]
        );
        assert_eq!(best("s/cl.rs", &paths)[0], "src/client.rs");
        assert_eq!(
            best("FS", &["src/fs.rs", "src/FsRead.rs", "doc/FS.md"]),
            ["doc/FS.md"]
        );
        assert_eq!(
            best("fr", &["src/afar.rs", "src/fs_read.rs"])[0],
            "src/fs_read.rs"
        );
    }

    #[test]
    fn letters_that_do_not_come_in_order_fit_nothing_and_none_fit_all() {
        let paths = ["a/b.rs", "日本/ファイル.txt"];
        assert_eq!(best("rb", &paths), Vec::<&str>::new());
        assert_eq!(best("", &paths).len(), 2);
        assert_eq!(best("本イ", &paths), ["日本/ファイル.txt"]);
        assert_eq!(best("aaa", &["a/a"]), Vec::<&str>::new());
    }

    #[test]
    fn what_is_very_long_is_judged_by_its_end() {
        let path = format!("{}/end.rs", "x".repeat(100_000));
        assert!(Wanted::of("end").score(&path).is_some());
        assert!(Wanted::of("xx/a").score(&path).is_none());
        assert!(Wanted::of(&"x".repeat(10_000)).score(&path).is_some());
    }
}
