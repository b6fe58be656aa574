//! One door a decoder: takes any bytes, and asserts what must hold whatever they are.
//!
//! Shared by the fuzz targets and `tests/it/corpus.rs`; a door that panics has found a mistake.

use std::io::Cursor;

use thymos::keymap::{self, KeymapFile};
use thymos::theme::load::{ThemeFile, load as load_theme};
use thymos::theme::{Depth, ThemeRequest};
use thymos::ui::safe_text::{AnsiReader, SafeText, is_unsafe};
use thymos_bundle::Bundle as LogBundle;
use thymos_cognition::sse::{SseDecoder, SseEvent};
use thymos_compiler::CheckedChain;
use thymos_core::Timestamp;
use thymos_core::body::Body;
use thymos_core::canonical;
use thymos_core::entry::{Entry, Kind};
use thymos_core::skill::SkillFile;
use thymos_core::writ::{SignedWrit, TrustRoots};

use thymos_policy::{Bundle, BundleFile, SignedBundle};
use thymos_ports::LedgerStore;
use thymos_runtime::filter::Filter;
use thymos_tools::apply_patch;

/// Events of a fuzzed stream; small, so that the cap is met.
const EVENT_BYTES_MAX: usize = 4096;

/// Stands between file and patch in the bytes of [`patch`].
const SEPARATOR: &str = "\n====\n";

/// A stored header and, in the lines after it, a body: what is read is what was written.
pub fn entry(bytes: &[u8]) {
    let (header, body) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, bytes),
    };
    if let Ok(entry) = Entry::read(header.to_vec(), None) {
        let written = canonical::encode(&entry.header).unwrap();
        assert_eq!(written.as_bytes(), header, "a header has one spelling");
    }
    for kind in Kind::ALL {
        if let Ok(read) = Body::decode(kind, body) {
            let written = read.encode().unwrap();
            assert_eq!(
                written.as_bytes(),
                body,
                "a body of kind {kind} has one spelling"
            );
        }
    }
    if let Ok(once) = canonical::canonicalize(body) {
        let twice = canonical::canonicalize(&once).unwrap();
        assert_eq!(once, twice, "canonical bytes are canonical");
    }
}

/// A bundle: it is refused in a sentence, or read to its end as a store is.
pub fn bundle(bytes: &[u8]) {
    let bundle = match LogBundle::open(Box::new(Cursor::new(bytes.to_vec()))) {
        Ok(bundle) => bundle,
        Err(invalid) => {
            assert!(!invalid.to_string().is_empty());
            return;
        }
    };
    let mut next = 0;
    loop {
        let rows = bundle.scan(next, 7).unwrap();
        let Some(last) = rows.last() else { break };
        assert!(last.index >= next, "it never goes back");
        next = last.index + 1;
        drop(bundle.inclusion(last.index, bundle.manifest().size));
    }
    drop(bundle.check_engine().unwrap());
    drop(bundle.heads());
    bundle.pieces().for_each(drop);
}

/// A signed writ, as a file holds it. A stranger's is never trusted.
pub fn writ(bytes: &[u8]) {
    if let Ok(writ) = canonical::decode_lenient::<SignedWrit>(bytes) {
        let chain = CheckedChain::check(vec![writ], &TrustRoots::default());
        assert!(!chain.faults().is_empty(), "nobody is trusted here");
    }
}

/// A skill's file: one that is read is read again from what is written of it, with the same id.
pub fn skill(bytes: &[u8]) {
    if let Ok(file) = SkillFile::read(bytes) {
        let text = file.text().unwrap();
        let again = SkillFile::read(text.as_bytes()).unwrap();
        assert_eq!(again, file, "a skill survives its own text");
        assert_eq!(again.skill.id().unwrap(), file.skill.id().unwrap());
        if let Ok(values) = file.skill.values(&std::collections::BTreeMap::new()) {
            let told = file.skill.told(&values);
            assert!(
                told.len() <= bytes.len() * bytes.len(),
                "values stand where they are named"
            );
        }
    }
}

/// A policy bundle, plain or signed: one that loads, loads again from its canonical bytes.
pub fn policy_bundle(bytes: &[u8]) {
    if let Ok(bundle) = Bundle::parse(bytes) {
        let again = Bundle::parse(bundle.canonical().as_bytes()).unwrap();
        assert_eq!(again.canonical(), bundle.canonical());
    }
    assert!(SignedBundle::load(bytes, &TrustRoots::default()).is_err());
    if let Ok(file) = BundleFile::read(bytes) {
        let runs = file.bundle.examples(bytes);
        let holds = runs.iter().all(thymos_policy::ExampleRun::holds);
        assert_eq!(file.bundle.check_own_examples(bytes).is_ok(), holds);
    }
}

/// A model's stream: any way of cutting it gives the same events.
pub fn model_stream(bytes: &[u8]) {
    let whole = events(bytes.chunks(bytes.len().max(1)));
    let single = events(bytes.chunks(1));
    let thirds = events(bytes.chunks(3));
    assert_eq!(whole, single);
    assert_eq!(whole, thirds);
}

fn events<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> (Vec<SseEvent>, bool) {
    let mut decoder = SseDecoder::new(EVENT_BYTES_MAX);
    let mut events = Vec::new();
    for chunk in chunks {
        if decoder.push(chunk, &mut events).is_err() {
            return (events, false);
        }
    }
    let whole = decoder.finish(&mut events).is_ok();
    (events, whole)
}

/// A file and a unified diff of it.
pub fn patch(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (before, patch) = text.split_once(SEPARATOR).unwrap_or(("", &text));
    if let Err(no) = apply_patch("file.txt", patch, before.as_bytes()) {
        assert!(!no.message.is_empty(), "a refusal says why");
    }
}

/// A user's keymap: whatever it says, there is a whole table afterwards.
pub fn keymap(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let loaded = keymap::load::load(Some(KeymapFile {
        path: "keys.toml",
        text: &text,
    }));
    for complaint in loaded.complaints {
        assert!(!complaint.to_string().is_empty());
    }
}

/// A user's theme: it only ever warns.
pub fn theme(bytes: &[u8]) {
    let files = [ThemeFile {
        name: "mine".to_owned(),
        path: "mine.toml".to_owned(),
        text: String::from_utf8_lossy(bytes).into_owned(),
    }];
    for depth in [Depth::Mono, Depth::Sixteen, Depth::TwoFiftySix, Depth::True] {
        let loaded = load_theme(&ThemeRequest {
            name: "mine",
            files: &files,
            depth,
        });
        for warning in loaded.warnings {
            assert!(!warning.to_string().is_empty());
        }
    }
}

/// Text of a model, a tool or a file: nothing unsafe is left in what is shown.
pub fn safe_text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut shown = vec![
        SafeText::line(&text),
        SafeText::exact(&text),
        SafeText::path(&text),
        SafeText::host(&text),
        AnsiReader::default().line(&text, Depth::True),
    ];
    shown.extend(SafeText::lines(&text));
    for safe in shown {
        let plain = safe.shown();
        assert!(!plain.chars().any(is_unsafe), "{plain:?}");
    }
}

/// A filter of the ledger view.
pub fn filter(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Err(error) = Filter::parse(&text, Timestamp(0)) {
        assert!(error.column > 0, "columns count from 1");
    }
}
