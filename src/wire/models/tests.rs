//! Which key goes with which URL, and what a missing one says. Connects to nothing.

use thymos_ports::cognition::ModelFaultKind;

use super::*;
use crate::config::{Flags, load};

fn models(config: &str, env: &[(&str, &str)]) -> (tempfile::TempDir, Models) {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".config/thymos");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.toml"), config).unwrap();
    let mut vars = vec![("HOME", home.path().to_str().unwrap())];
    vars.extend_from_slice(env);
    let env = Env::of(&vars);
    let config = load(&env, &Flags::default()).unwrap();
    let models = Models::new(env.clone(), &config).unwrap();
    (home, models)
}

#[test]
fn a_configured_preset_without_its_key_says_which_variable_is_missing() {
    let (_home, models) = models("[providers.anthropic]\nmodel = \"m\"\n", &[]);
    let fault = models.spec("anthropic").unwrap_err();
    assert_eq!(fault.kind, ModelFaultKind::Auth);
    assert!(
        fault.message.contains("`ANTHROPIC_API_KEY`"),
        "{}",
        fault.message
    );
}

#[test]
fn a_presets_key_is_not_sent_to_another_url() {
    let config = "[providers.anthropic]\nmodel = \"m\"\nbase_url = \"http://127.0.0.1:9/\"\n";
    let (_home, models) = models(config, &[("ANTHROPIC_API_KEY", "not-for-others")]);
    assert!(models.spec("anthropic").unwrap().key.is_none());
}

#[test]
fn the_first_provider_of_the_file_is_the_default() {
    let config = "[providers.zeta]\nbase_url = \"http://127.0.0.1:9/\"\nmodel = \"m\"\n\
                  [providers.alpha]\nbase_url = \"http://127.0.0.1:9/\"\nmodel = \"m\"\n";
    let (_home, models) = models(config, &[]);
    assert_eq!(models.default_name(), "zeta");
}

#[test]
fn without_any_key_the_offline_model_is_the_default() {
    let (_home, models) = models("", &[]);
    assert_eq!(models.default_name(), PRACTICE);
}

#[test]
fn b1_the_operator_names_the_price_of_the_model_beside_it_and_of_no_other() {
    let config = "[providers.work]\nkind = \"openai\"\nmodel = \"m\"\nbase_url = \"http://127.0.0.1:9/\"\n\
                  prices = { input = 250, output = 1000, cached = 125 }\n";
    let (_home, models) = models(config, &[]);
    let prices = models.spec("work").unwrap().prices;
    let named = Prices {
        input: 250_000,
        cached: 125_000,
        cache_written: 250_000,
        output: 1_000_000,
    };
    assert_eq!(prices, Some(named));
    assert_eq!(models.spec("work/other").unwrap().prices, None);
}
