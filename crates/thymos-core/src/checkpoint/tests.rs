//! Notes against the example of their specification, and bent.

use proptest::prelude::*;

use super::*;
use crate::key::Domain;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn sample() -> Checkpoint {
    Checkpoint {
        log: LogId::of(b"log"),
        size: 20_852_163,
        root: TreeHash::empty(),
    }
}

#[test]
fn l7_a_note_round_trips_and_names_its_signer() {
    let signed = sample().sign(&key(1));
    let read = SignedCheckpoint::parse(signed.note()).unwrap();
    assert_eq!(read, signed);
    let (own, other) = (key(1).public(), key(2).public());
    assert_eq!(read.signer([&other, &own]), Ok(own));
    assert_eq!(read.signer([&other]), Err(Unsigned::Unknown));
    assert!(signed.note().starts_with("thymos/"));
}

#[test]
fn l7_key_id_and_signature_are_those_of_the_c2sp_example() {
    let vkey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    let tagged = STANDARD.decode(vkey.rsplit('+').next().unwrap()).unwrap();
    let key = PublicKey::from_bytes(tagged[1..].try_into().unwrap());
    assert_eq!(hex(&key_id("example.com/foo", &key)), "530d903a");
    let line = "\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=";
    let signature = NoteSignature::read(line).unwrap();
    assert_eq!(signature.to_string(), line);
    let bytes = signature.bytes.try_into().unwrap();
    let text = b"This is an example message.\n";
    assert!(key.verifies_raw(text, &Signature::from_bytes(bytes)));
}

#[test]
fn l7_a_broken_line_of_a_known_key_spoils_the_note_and_an_unknown_one_does_not() {
    let own = key(1).public();
    let good = sample().sign(&key(1));
    let others = Checkpoint {
        size: 3,
        ..sample()
    };
    let wrong = others.sign(&key(1));
    let line = |signed: &SignedCheckpoint| signed.signatures[0].to_string();
    let with = |extra: &str| {
        let note = format!("{}{extra}\n", good.note());
        SignedCheckpoint::parse(&note).unwrap()
    };
    assert_eq!(
        with(&line(&wrong)).signer([&own]),
        Err(Unsigned::Broken(own))
    );
    assert_eq!(with(&line(&others.sign(&key(2)))).signer([&own]), Ok(own));
    let foreign = "\u{2014} witness.example/w AAAABAEC";
    assert_eq!(with(foreign).signer([&own]), Ok(own));
}

#[test]
fn l7_what_is_no_note_is_refused_by_its_line() {
    use InvalidCheckpoint as E;
    let good = sample().sign(&key(1)).note().to_owned();
    let lines: Vec<&str> = good.split('\n').collect();
    let with = |at: usize, line: &str| {
        let mut lines = lines.clone();
        lines[at] = line;
        SignedCheckpoint::parse(&lines.join("\n")).unwrap_err()
    };
    assert_eq!(with(0, "thymos/00"), E::Origin);
    assert_eq!(with(0, "other.example/log"), E::Origin);
    for size in ["", "-1", "007", "+7", " 7", "1e3", "99999999999999999999"] {
        assert_eq!(with(1, size), E::Size, "{size}");
    }
    for root in ["", "AAAA", "not base64", &format!("{}=", sample().root)] {
        assert_eq!(with(2, root), E::Root, "{root}");
    }
    assert_eq!(
        with(2, &format!("{}\nan extension", sample().root)),
        E::Shape
    );
    for line in [
        "",
        "- x AAAAAAAA",
        "\u{2014} x",
        "\u{2014} a+b AAAAAAAA",
        "\u{2014} x AAA=",
    ] {
        assert_eq!(with(4, line), E::Signature, "{line}");
    }
    assert_eq!(SignedCheckpoint::parse(""), Err(E::Shape));
    assert_eq!(SignedCheckpoint::parse(good.trim_end()), Err(E::Shape));
    let long = "x".repeat(NOTE_BYTES_MAX + 1);
    assert_eq!(SignedCheckpoint::parse(&long), Err(E::TooLong));
    let many = format!("{good}{}", "\u{2014} x AAAAAAAA\n".repeat(SIGNATURES_MAX));
    assert_eq!(SignedCheckpoint::parse(&many), Err(E::Signature));
}

#[test]
fn l7_no_signature_of_another_kind_is_one_of_a_note() {
    // What a domain puts in front never begins as a note does.
    let note = sample().text();
    for domain in [
        Domain::Writ,
        Domain::Answer,
        Domain::Batch,
        Domain::Revocation,
    ] {
        let signature = key(1).sign(domain, note.as_bytes());
        assert!(!key(1).public().verifies_raw(note.as_bytes(), &signature));
        let own = key(1).sign_note(&note);
        assert!(!key(1).public().verifies(domain, note.as_bytes(), &own));
    }
}

#[test]
fn l7_a_file_of_notes_gives_each_with_its_line() {
    let kept: Vec<SignedCheckpoint> = (1..4)
        .map(|size| Checkpoint { size, ..sample() }.sign(&key(1)))
        .collect();
    let file: String = kept.iter().map(|one| format!("{}\n", one.note())).collect();
    let read: Vec<_> = notes(&file).collect();
    let lines: Vec<usize> = read.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [1, 7, 13]);
    for ((_, note), kept) in read.iter().zip(&kept) {
        assert_eq!(SignedCheckpoint::parse(note).as_ref(), Ok(kept));
    }
    let alone: Vec<_> = notes(kept[0].note()).collect();
    assert_eq!(alone, [(1, kept[0].note().to_owned())]);
    let torn = file.replacen("\n2\n", "\n\n2\n", 1);
    let whole = notes(&torn).filter(|(_, note)| SignedCheckpoint::parse(note).is_ok());
    assert!(
        whole.count() < 3,
        "what is torn is not passed over in silence"
    );
    assert_eq!(notes("").count(), 0);
}

proptest! {
    #[test]
    fn l7_any_changed_byte_of_a_note_is_refused_or_unsigned(at in 0_usize..300, with: char) {
        let signed = sample().sign(&key(1));
        let mut letters: Vec<char> = signed.note().chars().collect();
        let at = at % letters.len();
        prop_assume!(letters[at] != with);
        letters[at] = with;
        let bent: String = letters.into_iter().collect();
        let told = SignedCheckpoint::parse(&bent).map(|read| read.signer([&key(1).public()]));
        prop_assert!(!matches!(told, Ok(Ok(_))), "{bent}");
    }
}
