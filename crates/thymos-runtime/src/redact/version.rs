//! The version of the detectors: a digest of the very source that they are made of, so that it cannot stay
//! when one of them changes `[P3]` `[Y2]`.
//!
//! Taken while compiling; the sources are not in the program. Not a seal against anybody: it tells two
//! sets of detectors apart. Comments, tests and indentation do not count.

/// Every file that decides what is found and what becomes of it. A test holds it against the folder.
const SOURCES: [&str; 11] = [
    include_str!("formats.rs"),
    include_str!("keywords.rs"),
    include_str!("marker.rs"),
    include_str!("names.rs"),
    include_str!("own.rs"),
    include_str!("quick.rs"),
    include_str!("randomness.rs"),
    include_str!("sieve.rs"),
    include_str!("version.rs"),
    include_str!("views.rs"),
    include_str!("../redact.rs"),
];

const DIGEST: u64 = digest(&SOURCES);

/// What the policy set names as its redactor.
#[must_use]
pub fn version() -> String {
    format!("thymos-redactor {DIGEST:016x}")
}

/// FNV-1a of what counts in these sources.
#[expect(
    clippy::indexing_slicing,
    reason = "within bounds; there are no iterators here"
)]
const fn digest(sources: &[&str]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut source = 0;
    while source < sources.len() {
        hash = file(hash, sources[source].as_bytes());
        source += 1;
    }
    hash
}

#[expect(
    clippy::indexing_slicing,
    reason = "within bounds; there are no iterators here"
)]
const fn file(mut hash: u64, text: &[u8]) -> u64 {
    let mut at = 0;
    while at < text.len() {
        while at < text.len() && text[at].is_ascii_whitespace() {
            at += 1;
        }
        if starts(text, at, b"#[cfg(test)]") {
            break;
        }
        let counts = !starts(text, at, b"//");
        while at < text.len() && text[at] != b'\n' {
            if counts {
                hash = (hash ^ text[at] as u64).wrapping_mul(0x0100_0000_01b3);
            }
            at += 1;
        }
        if counts {
            hash = (hash ^ 0x0a).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}

#[expect(
    clippy::indexing_slicing,
    reason = "within bounds; there are no iterators here"
)]
const fn starts(text: &[u8], at: usize, with: &[u8]) -> bool {
    let mut i = 0;
    while i < with.len() {
        if at + i >= text.len() || text[at + i] != with[i] {
            return false;
        }
        i += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p3_another_pattern_is_another_version_and_another_comment_is_not() {
        let source = SOURCES[0];
        let with = |from: &str, to: &str| {
            assert!(source.contains(from), "{from}");
            digest(&[&source.replacen(from, to, 1)])
        };
        let now = digest(&[source]);
        assert_ne!(with("PRIVATE KEY", "PRIVATE KEX"), now);
        assert_ne!(with("{40}", "{41}"), now);
        assert_ne!(with("Edge::Both", "Edge::Any"), now);
        assert_eq!(with("//! Secrets", "//! Fakes"), now);
        assert_eq!(with("\n    ", "\n\n        // more\n    "), now);
        assert_eq!(
            version(),
            format!("thymos-redactor {:016x}", digest(&SOURCES))
        );
    }

    #[test]
    fn p3_the_version_covers_every_file_of_the_redactor() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/redact");
        let files = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
        let mut missing: Vec<String> = files
            .filter(|file| {
                let name = file.file_name();
                let test = name == "tests.rs" || name == "corpus.rs";
                let text = std::fs::read_to_string(file.path()).unwrap();
                !test && !SOURCES.contains(&text.as_str())
            })
            .map(|file| file.path().display().to_string())
            .collect();
        missing.sort();
        assert_eq!(missing, Vec::<String>::new());
    }
}
