//! The recording keeps both ends and counts what it dropped.

use proptest::prelude::*;

use super::Capture;
use crate::report::{Captured, Cut};

fn record(bytes_max: usize, chunks: &[&[u8]]) -> Captured {
    let mut capture = Capture::new(bytes_max);
    for chunk in chunks {
        capture.push(chunk);
    }
    capture.finish()
}

#[test]
fn short_output_is_kept_whole() {
    let expected = Captured {
        bytes: b"abcdef".to_vec(),
        total_bytes: 6,
        cut: None,
    };
    assert_eq!(record(6, &[b"abc", b"", b"def"]), expected);
}

#[test]
fn long_output_loses_its_middle_and_says_so() {
    let cut = Some(Cut { at: 2, bytes: 6 });
    let expected = Captured {
        bytes: b"abij".to_vec(),
        total_bytes: 10,
        cut,
    };
    assert_eq!(record(4, &[b"abcdefghij"]), expected);
    assert_eq!(record(4, &[b"a", b"bcd", b"efghi", b"j"]), expected);
}

#[test]
fn nothing_is_kept_when_nothing_may_be() {
    let cut = Some(Cut { at: 0, bytes: 3 });
    assert_eq!(
        record(0, &[b"abc"]),
        Captured {
            bytes: vec![],
            total_bytes: 3,
            cut
        }
    );
}

proptest! {
    #[test]
    fn chunking_makes_no_difference(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        bytes_max in 0_usize..64,
        size in 1_usize..50,
    ) {
        let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
        let kept = record(bytes_max, &chunks);
        prop_assert_eq!(&kept, &record(bytes_max, &[&bytes]));
        prop_assert!(kept.bytes.len() <= bytes_max);
        prop_assert_eq!(kept.total_bytes, bytes.len() as u64);
    }
}
