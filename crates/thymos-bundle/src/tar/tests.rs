//! The archive's form: what is written is read, and nothing else is.

use super::*;

fn archive() -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, "a/b", b"hello").unwrap();
    write(&mut out, "c", &[7; BLOCK]).unwrap();
    finish(&mut out).unwrap();
    out
}

fn walk(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, InvalidTar> {
    let mut input = bytes;
    let mut found = Vec::new();
    while let Some(member) = next(&mut input)? {
        let mut content = vec![0; usize::try_from(member.size).unwrap()];
        input.read_exact(&mut content).map_err(|e| broken(&e))?;
        filling(&mut input, &member)?;
        found.push((member.name, content));
    }
    Ok(found)
}

#[test]
fn l16_what_was_written_is_read() {
    let found = walk(&archive()).unwrap();
    let expected = [("a/b", b"hello".to_vec()), ("c", vec![7; BLOCK])];
    assert_eq!(
        found,
        expected.map(|(name, bytes)| (name.to_owned(), bytes))
    );
}

#[test]
fn l16_every_byte_outside_of_content_is_fixed() {
    let bytes = archive();
    let content =
        |at: usize| (BLOCK..BLOCK + 5).contains(&at) || (3 * BLOCK..4 * BLOCK).contains(&at);
    for at in (0..bytes.len()).filter(|at| !content(*at)) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(walk(&changed).is_err(), "byte {at}");
    }
    for length in 0..bytes.len() {
        assert_eq!(
            walk(&bytes[..length]),
            Err(InvalidTar::Cut),
            "cut at {length}"
        );
    }
    assert_eq!(walk(&[&bytes[..], b"x"].concat()), Err(InvalidTar::Behind));
}

/// A header that another program could write, with a right sum.
fn foreign(name: &str, flag: u8) -> Vec<u8> {
    let mut block = header(name, 0);
    block[156] = flag;
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    let own: u32 = block[148..156].iter().map(|byte| u32::from(*byte)).sum();
    let text = format!("{:06o}\0 ", sum - own + 8 * 32);
    block[148..156].copy_from_slice(text.as_bytes());
    block
}

#[test]
fn l16_links_devices_folders_and_names_that_lead_out_are_refused() {
    for flag in [
        b'1', b'2', b'3', b'4', b'5', b'6', b'7', b'x', b'g', b'L', b'K', b'S',
    ] {
        let read = next(&mut foreign("a", flag).as_slice());
        assert!(
            matches!(read, Err(InvalidTar::NotPlain(..))),
            "{}",
            flag as char
        );
    }
    for name in [
        "../a",
        "/etc/passwd",
        "a/../../b",
        "a/..",
        ".",
        "a//b",
        "a\\b",
        "a/",
        "",
        "a\nb",
    ] {
        let read = next(&mut foreign(name, b'0').as_slice());
        assert!(
            matches!(read, Err(InvalidTar::Escapes(_))),
            "{name}: {read:?}"
        );
    }
    let mut prefixed = foreign("a", b'0');
    prefixed[345] = b'/';
    assert!(matches!(
        next(&mut prefixed.as_slice()),
        Err(InvalidTar::Escapes(_))
    ));
    let mut endless = foreign("a", b'0');
    endless[124] = 0x80;
    assert!(matches!(
        next(&mut endless.as_slice()),
        Err(InvalidTar::Header(_))
    ));
}
