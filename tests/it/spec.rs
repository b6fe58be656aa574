//! The specification, held against code: its worked example, and clauses that need several crates.

use std::fs;

use thymos_core::body::{self, Body, BodyState};
use thymos_core::budget::Cost;
use thymos_core::effect::{EffectClass, Effects};
use thymos_core::entry::{Content, Draft, Entry, InvalidEntry, Kind, Position, Salt};
use thymos_core::id::unhex;
use thymos_core::key::SigningKey;
use thymos_core::limits::ENTRY_BYTES_MAX;
use thymos_core::writ::{Mode, Party, SignedWrit, Writ};
use thymos_core::{CanonicalBytes, EntryId, LogId, Timestamp, TrajectoryId, WritId, canonical};
use thymos_replay::{Projection, fold};
use thymos_runtime::modes::{ModeRequest, difference, mode_writ};

/// The value of a line of the example.
fn given<'a>(page: &'a str, name: &str) -> &'a str {
    page.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
        .unwrap_or_else(|| panic!("docs/spec/ledger.md has no line `{name}`"))
        .trim()
}

fn page() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/spec/ledger.md");
    let page = fs::read_to_string(path).unwrap();
    let (_, example) = page.split_once("\n## A worked example\n").unwrap();
    let (example, _) = example.split_once("\n## ").unwrap();
    example.to_owned()
}

#[test]
fn l1_the_worked_example_of_the_specification_is_what_the_code_computes() {
    let page = page();
    let salt = Salt::from_bytes(unhex(given(&page, "salt")).unwrap());
    let body = given(&page, "body").as_bytes().to_vec();
    let header = given(&page, "header").as_bytes().to_vec();

    let entry = Entry::read(header, Some(Content { salt, body })).unwrap();

    assert_eq!(entry.id.to_string(), given(&page, "id"));
    let commitment = canonical::encode(&entry.header.body).unwrap();
    let quoted = format!("\"{}\"", given(&page, "commitment"));
    assert_eq!(commitment.as_bytes(), quoted.as_bytes());
}

#[test]
fn l1_the_worked_example_is_made_of_the_parts_it_names() {
    let page = page();
    let entry = Entry::read(given(&page, "header").as_bytes().to_vec(), None).unwrap();
    let header = entry.header;
    assert_eq!(header.log, LogId::of(&[1; 32]));
    assert_eq!(header.trajectory, TrajectoryId::of(&[2; 32]));
    assert_eq!(header.prev, Some(EntryId::from_bytes([3; 32])));
    assert_eq!(header.writer, SigningKey::from_seed(&[4; 32]).public());
}

#[test]
fn l5_an_entry_of_a_later_kind_keeps_its_place_and_is_told() {
    let page = page();
    let header = given(&page, "header").replace("\"kind\":\"message\"", "\"kind\":\"oath\"");
    let entry = Entry::read(header.into_bytes(), None).unwrap();
    assert_eq!(entry.kind(), None);
    assert_eq!(entry.decode(), BodyState::UnknownKind("oath".to_owned()));
}

#[test]
fn l5_every_kind_of_the_code_is_in_the_specification() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/spec/ledger.md");
    let page = fs::read_to_string(path).unwrap();
    for kind in Kind::ALL {
        assert!(page.contains(&format!("`{kind}`")), "{kind}");
    }
}

#[test]
fn k4_a_body_beyond_its_limit_is_refused_and_not_cut() {
    let text = format!("\"{}\"", "x".repeat(ENTRY_BYTES_MAX));
    let size = text.len();
    let body = CanonicalBytes::from_stored(text.into_bytes()).unwrap();
    let refused = Line::new().draft(Kind::Message, body).place(&at(0, None));
    assert_eq!(refused, Err(InvalidEntry::TooLarge(size)));
}

#[test]
fn w6_a_childs_budget_is_taken_from_every_link_above() {
    let mut line = Line::new();
    let root = line.issue("root", None, None);
    let reserved = Cost {
        tokens: 70,
        tool_calls: 3,
        ..Cost::default()
    };
    let child = line.issue("child", Some(root), Some(reserved));
    let grandchild = line.issue("grandchild", Some(child), Some(reserved));

    let spent = &line.projection.spent;
    assert_eq!(spent.get(&root), Some(&reserved.plus(&reserved)));
    assert_eq!(spent.get(&child), Some(&reserved));
    assert_eq!(spent.get(&grandchild), None);
}

#[test]
fn w7_revoking_a_writ_cuts_every_descendant() {
    let mut line = Line::new();
    let root = line.issue("root", None, None);
    let child = line.issue("child", Some(root), None);
    let grandchild = line.issue("grandchild", Some(child), None);
    let other = line.issue("other", None, None);
    line.revoke(root);

    let revoked = line.projection.revoked_with_descendants();
    assert_eq!(revoked, [root, child, grandchild].into());
    assert!(!revoked.contains(&other));
}

#[test]
fn w8_plan_stays_at_read_and_edit_widens_it_by_lines_a_person_can_read() {
    let writ = |mode| {
        mode_writ(ModeRequest {
            tenant: String::new(),
            mode,
            issuer: party("operator", 1),
            subject: party("session", 2),
            nonce: [0; 16],
            now: Timestamp(0),
            terms: thymos_runtime::modes::ModeTerms::standard(),
        })
    };
    let (plan, edit) = (writ(Mode::Plan), writ(Mode::Edit));
    assert_eq!(plan.effects, Effects::Ceiling(EffectClass::Read));
    let lines = difference(Some(&plan), &edit);
    assert!(
        lines.contains(&"~ effects up to read -> up to external".to_owned()),
        "{lines:?}"
    );
    assert!(
        lines.iter().any(|line| line.starts_with("+ fs_write")),
        "{lines:?}"
    );
}

#[test]
fn b1_model_usage_is_charged_to_every_writ_and_an_unknown_price_is_not_counted_as_free() {
    let mut line = Line::new();
    let root = line.issue("root", None, None);
    let child = line.issue("child", Some(root), None);
    let usage = body::Usage {
        provider: "local".to_owned(),
        model: "m".to_owned(),
        turn: 0,
        tokens_in: 100,
        tokens_cached: 0,
        tokens_out: 20,
        tokens_reasoning: 0,
        usd_millicents: None,
        wall_clock_ms: 5,
        attempts: 1,
        writs: vec![root, child],
    };
    let encoded = Body::Usage(usage.clone()).encode().unwrap();
    assert!(String::from_utf8_lossy(encoded.as_bytes()).contains("\"usd_millicents\":null"));
    line.append(Body::Usage(usage));

    let cost = Cost {
        tokens: 120,
        wall_clock_ms: 5,
        ..Cost::default()
    };
    assert_eq!(line.projection.spent.get(&root), Some(&cost));
    assert_eq!(line.projection.spent.get(&child), Some(&cost));
}

fn party(name: &str, seed: u8) -> Party {
    Party {
        name: name.to_owned(),
        key: SigningKey::from_seed(&[seed; 32]).public(),
    }
}

fn at(seq: u64, prev: Option<EntryId>) -> Position {
    Position {
        log: LogId::of(b"log"),
        index: seq,
        seq,
        prev,
    }
}

/// A trajectory in memory, folded as it grows.
struct Line {
    projection: Projection,
}

impl Line {
    fn new() -> Self {
        let mut line = Self {
            projection: Projection::empty(TrajectoryId::of(b"line")),
        };
        line.append(Body::Root(body::Root {
            v: 1,
            workspace: "/work".to_owned(),
            tenant: String::new(),
            operator: party("operator", 1),
            subject: party("session", 2),
            parent: None,
        }));
        line
    }

    fn draft(&self, kind: Kind, body: CanonicalBytes) -> Draft {
        Draft {
            trajectory: self.projection.trajectory,
            kind,
            at: Timestamp(1),
            writer: party("operator", 1).key,
            salt: Salt::from_bytes([9; 32]),
            body,
        }
    }

    fn append(&mut self, body: Body) {
        let position = at(self.projection.len, self.projection.head);
        let draft = self.draft(body.kind(), body.encode().unwrap());
        fold(&mut self.projection, &draft.place(&position).unwrap()).unwrap();
    }

    fn issue(&mut self, name: &str, parent: Option<WritId>, reserved: Option<Cost>) -> WritId {
        let mut nonce = [0; 16];
        nonce[0] = u8::try_from(self.projection.len).unwrap();
        let writ = mode_writ(ModeRequest {
            tenant: String::new(),
            mode: Mode::Plan,
            issuer: party("operator", 1),
            subject: party("session", 2),
            nonce,
            now: Timestamp(0),
            terms: thymos_runtime::modes::ModeTerms::standard(),
        });
        let signed: SignedWrit = Writ {
            name: name.to_owned(),
            parent,
            ..writ
        }
        .sign(&SigningKey::from_seed(&[1; 32]))
        .unwrap();
        let id = signed.id().unwrap();
        self.append(Body::WritIssued(Box::new(body::WritIssued {
            writ: signed,
            id,
            reason: "test".to_owned(),
            reserved,
            session: None,
        })));
        id
    }

    fn revoke(&mut self, writ: WritId) {
        let reason = "test".to_owned();
        let message = canonical::encode(&(writ, &reason)).unwrap();
        let key = SigningKey::from_seed(&[1; 32]);
        self.append(Body::WritRevoked(body::WritRevoked {
            writ,
            reason,
            by: party("operator", 1),
            signature: key.sign(thymos_core::key::Domain::Revocation, message.as_bytes()),
            used: None,
        }));
    }
}
