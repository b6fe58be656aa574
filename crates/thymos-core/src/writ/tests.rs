//! Whose rules hold for a chain.

use super::{Mode, Writ, preset_of};
use crate::key::SigningKey;

fn link(preset: Option<&str>) -> Writ {
    let key = SigningKey::from_seed(&[7; 32]).public();
    let party = serde_json::json!({"name": "ada", "key": key});
    let mut writ = serde_json::json!({
        "v": 1, "nonce": "00", "name": "ci", "issuer": party, "subject": party, "parent": null,
        "tenant": "", "grants": [], "effects": {"ceiling": "read"}, "isolation_min": "L1",
        "budget": {"tokens": null, "tool_calls": null, "wall_clock_ms": null, "usd_millicents": null},
        "window": {"not_before": 0, "expires_at": null},
        "delegation": {"max_depth": 1, "may_subdivide": true},
        "examples": {"allow": [], "deny": []},
    });
    if let Some(preset) = preset {
        writ["preset"] = preset.into();
    }
    serde_json::from_value(writ).expect("a writ")
}

#[test]
fn w8_a_chain_is_asked_about_as_its_root_says_and_every_link_may_only_ask_more() {
    for (chain, mode) in [
        (vec![None], Mode::Custom),
        (vec![None, Some("auto")], Mode::Custom),
        (vec![Some("custom"), Some("auto")], Mode::Custom),
        (vec![Some("edit")], Mode::Edit),
        (vec![Some("edit"), Some("auto")], Mode::Edit),
        (vec![Some("auto"), None, None], Mode::Auto),
        (
            vec![Some("auto"), None, Some("plan"), Some("auto")],
            Mode::Plan,
        ),
        (vec![Some("auto"), Some("custom")], Mode::Custom),
        (Vec::new(), Mode::Custom),
    ] {
        let links: Vec<Writ> = chain.iter().map(|preset| link(*preset)).collect();
        assert_eq!(preset_of(&links), mode, "{chain:?}");
    }
}

#[test]
fn w8_a_writ_that_names_no_mode_is_the_bytes_that_it_always_was() {
    let text = serde_json::to_string(&link(None)).expect("JSON");
    assert!(!text.contains("preset"), "{text}");
}
