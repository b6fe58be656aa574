//! The checkpoint file as crashes and strangers leave it.

use super::*;
use thymos_core::checkpoint::{Checkpoint, SignedCheckpoint, notes};
use thymos_core::key::SigningKey;
use thymos_core::merkle::TreeHash;

fn note(size: u64) -> String {
    let root = TreeHash::empty();
    let log = LogId::of(b"log");
    let signed = Checkpoint { log, size, root }.sign(&SigningKey::from_seed(&[1; 32]));
    signed.note().to_owned()
}

fn sizes(text: &str) -> Vec<u64> {
    let read = notes(text).map(|(_, note)| SignedCheckpoint::parse(&note).unwrap());
    read.map(|one| one.checkpoint.size).collect()
}

fn file() -> (tempfile::TempDir, CheckpointFile) {
    let folder = tempfile::tempdir().unwrap();
    let file = CheckpointFile::new(&folder.path().join("deep/down"), &LogId::of(b"log"));
    (folder, file)
}

#[test]
fn l7_notes_are_added_and_read_back_in_order() {
    let (_folder, file) = file();
    assert_eq!(file.read(), Ok(String::new()));
    for size in 1..=300 {
        file.append(&note(size)).unwrap();
    }
    assert_eq!(sizes(&file.read().unwrap()), (1..=300).collect::<Vec<_>>());
    let tail = sizes(&file.tail().unwrap());
    assert_eq!(tail.last(), Some(&300));
    assert!(tail.len() < 300 && tail.len() > 50, "{}", tail.len());
}

#[test]
fn l7_what_was_cut_off_while_it_was_written_is_written_over() {
    let whole = format!("{}\n", note(2));
    for cut in 1..whole.len() {
        if !whole.is_char_boundary(cut) {
            continue;
        }
        let (_folder, file) = file();
        file.append(&note(1)).unwrap();
        let mut raw = OpenOptions::new().append(true).open(&file.notes).unwrap();
        raw.write_all(&whole.as_bytes()[..cut]).unwrap();
        file.append(&note(3)).unwrap();
        assert_eq!(sizes(&file.read().unwrap()), [1, 3], "cut at {cut}");
    }
}

#[test]
fn l7_a_foreign_file_is_not_written_to() {
    let (_folder, file) = file();
    paths::make_private(file.notes.parent().unwrap()).unwrap();
    fs::write(&file.notes, "somebody's diary\n").unwrap();
    let words = file.append(&note(1)).unwrap_err();
    assert!(words.ends_with("it is not a checkpoint file"), "{words}");
    assert_eq!(
        fs::read_to_string(&file.notes).unwrap(),
        "somebody's diary\n"
    );
}
