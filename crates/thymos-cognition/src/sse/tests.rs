//! Tests of the splitter: the wire facts, the cap, and that chunking never matters.

use proptest::prelude::*;

use super::{EventTooLong, SseDecoder, SseEvent};

fn decode(chunks: &[&[u8]], bytes_max: usize) -> Result<Vec<SseEvent>, EventTooLong> {
    let mut decoder = SseDecoder::new(bytes_max);
    let mut events = Vec::new();
    for chunk in chunks {
        decoder.push(chunk, &mut events)?;
    }
    decoder.finish(&mut events)?;
    Ok(events)
}

fn event(name: &str, data: &str) -> SseEvent {
    SseEvent {
        name: name.to_owned(),
        data: data.to_owned(),
        unterminated: false,
    }
}

fn check(chunks: &[&[u8]], expected: &[SseEvent]) {
    assert_eq!(decode(chunks, 1024).as_deref(), Ok(expected));
}

#[test]
fn lf_cr_and_crlf_end_lines_alike() {
    let expected = [event("a", "1"), event("", "2")];
    check(&[b"event: a\ndata: 1\n\ndata: 2\n\n"], &expected);
    check(&[b"event: a\rdata: 1\r\rdata: 2\r\r"], &expected);
    check(&[b"event: a\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n"], &expected);
}

#[test]
fn a_crlf_split_between_chunks_is_one_line_end() {
    check(
        &[b"data: 1\r", b"\ndata: 2\r", b"\n\r", b"\n"],
        &[event("", "1\n2")],
    );
}

#[test]
fn a_byte_order_mark_is_dropped_even_in_pieces() {
    check(&[b"\xEF", b"\xBB", b"\xBFdata: 1\n\n"], &[event("", "1")]);
}

#[test]
fn an_event_needs_no_event_line_and_no_space_after_the_colon() {
    check(
        &[b"data:1\n\ndata:  2\n\n"],
        &[event("", "1"), event("", " 2")],
    );
}

#[test]
fn a_last_event_without_blank_line_is_told_as_unterminated() {
    for tail in [&b"data: 1\n"[..], b"data: 1"] {
        let last = SseEvent {
            unterminated: true,
            ..event("", "1")
        };
        check(&[tail], &[last]);
    }
}

#[test]
fn comments_and_unknown_fields_and_empty_events_say_nothing() {
    check(&[b": ping\n\nid: 3\nretry: 5\n\nevent: x\n\n"], &[]);
}

#[test]
fn a_bare_json_line_is_an_event() {
    check(
        &[b"{\"error\":\"out\"}\n"],
        &[event("", "{\"error\":\"out\"}")],
    );
}

#[test]
fn five_megabytes_in_one_event_pass_in_small_chunks() {
    let mut body = b"data: ".to_vec();
    body.resize(5 * 1024 * 1024, b'x');
    body.extend_from_slice(b"\n\n");
    let chunks: Vec<&[u8]> = body.chunks(1000).collect();
    let events = decode(&chunks, crate::limits::EVENT_BYTES_MAX).unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].data.len(), 5 * 1024 * 1024 - 6);
}

#[test]
fn an_endless_line_is_cut_at_the_cap() {
    let mut decoder = SseDecoder::new(1 << 20);
    let chunk = vec![b'x'; 64 * 1024];
    let mut fed = 0_usize;
    // 200 MB are on offer; the decoder must give up after one.
    let refused = (0..3200).find_map(|_| {
        fed += chunk.len();
        decoder.push(&chunk, &mut Vec::new()).err()
    });
    assert_eq!(refused, Some(EventTooLong { bytes_max: 1 << 20 }));
    assert!(fed <= (1 << 20) + chunk.len(), "{fed}");
}

#[test]
fn many_data_lines_count_together_towards_the_cap() {
    let line = b"data: 0123456789\n".repeat(100);
    assert!(decode(&[&line], 512).is_err());
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same_events(
        body in proptest::collection::vec(
            proptest::sample::select(vec![
                &b"data: a"[..], b"data:", b"event: e", b"\n", b"\r", b"\r\n", b"{}", b":c",
                b"\xEF\xBB\xBF", b"\xFF",
            ]), 0..40),
        cuts in proptest::collection::vec(0_usize..200, 0..12),
    ) {
        let body = body.concat();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(body.len())).collect();
        cuts.sort_unstable();
        let mut chunks = Vec::new();
        let mut from = 0;
        for cut in cuts {
            chunks.push(&body[from..cut]);
            from = cut;
        }
        chunks.push(&body[from..]);
        prop_assert_eq!(decode(&chunks, 4096), decode(&[&body], 4096));
    }

    #[test]
    fn garbage_never_panics(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        decode(&[&body], 64).ok();
    }
}
