//! Providers known by name, as data. Reads no environment: the app looks up the key's name.

use crate::spec::AdapterKind;

/// A provider that needs no more than its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// What a config or a flag calls it.
    pub name: &'static str,
    /// Its protocol.
    pub kind: AdapterKind,
    /// Its address.
    pub base_url: &'static str,
    /// Environment variable that holds its key; none when a local server needs no key.
    pub key_env: Option<&'static str>,
    /// A model to start with, where one is sure to exist.
    pub model: Option<&'static str>,
}

impl Preset {
    /// Whether it runs on this machine and needs no key.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        self.key_env.is_none()
    }
}

/// The preset of that name.
#[must_use]
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

const fn hosted(
    name: &'static str,
    base_url: &'static str,
    key_env: &'static str,
    model: Option<&'static str>,
) -> Preset {
    Preset {
        name,
        kind: AdapterKind::OpenAi,
        base_url,
        key_env: Some(key_env),
        model,
    }
}

const fn local(name: &'static str, base_url: &'static str) -> Preset {
    Preset {
        name,
        kind: AdapterKind::OpenAi,
        base_url,
        key_env: None,
        model: None,
    }
}

/// All presets, in the order in which keys of the environment are preferred.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "anthropic",
        kind: AdapterKind::Anthropic,
        base_url: "https://api.anthropic.com",
        key_env: Some("ANTHROPIC_API_KEY"),
        model: Some("claude-sonnet-4-5"),
    },
    hosted(
        "openai",
        "https://api.openai.com/v1",
        "OPENAI_API_KEY",
        Some("gpt-5"),
    ),
    hosted(
        "gemini",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "GEMINI_API_KEY",
        Some("gemini-2.5-flash"),
    ),
    hosted(
        "openrouter",
        "https://openrouter.ai/api/v1",
        "OPENROUTER_API_KEY",
        Some("openrouter/auto"),
    ),
    hosted(
        "groq",
        "https://api.groq.com/openai/v1",
        "GROQ_API_KEY",
        Some("openai/gpt-oss-120b"),
    ),
    hosted(
        "together",
        "https://api.together.xyz/v1",
        "TOGETHER_API_KEY",
        None,
    ),
    hosted(
        "deepseek",
        "https://api.deepseek.com/v1",
        "DEEPSEEK_API_KEY",
        Some("deepseek-chat"),
    ),
    hosted(
        "mistral",
        "https://api.mistral.ai/v1",
        "MISTRAL_API_KEY",
        Some("mistral-large-latest"),
    ),
    hosted("xai", "https://api.x.ai/v1", "XAI_API_KEY", Some("grok-4")),
    hosted(
        "fireworks",
        "https://api.fireworks.ai/inference/v1",
        "FIREWORKS_API_KEY",
        None,
    ),
    hosted(
        "nvidia",
        "https://integrate.api.nvidia.com/v1",
        "NVIDIA_API_KEY",
        None,
    ),
    hosted(
        "cerebras",
        "https://api.cerebras.ai/v1",
        "CEREBRAS_API_KEY",
        None,
    ),
    // Its calls stand at the root, not under `/v1`.
    hosted(
        "perplexity",
        "https://api.perplexity.ai/chat/completions",
        "PERPLEXITY_API_KEY",
        Some("sonar"),
    ),
    hosted(
        "huggingface",
        "https://router.huggingface.co/v1",
        "HF_TOKEN",
        None,
    ),
    local("ollama", "http://127.0.0.1:11434/v1"),
    local("lmstudio", "http://127.0.0.1:1234/v1"),
    local("vllm", "http://127.0.0.1:8000/v1"),
    local("llamacpp", "http://127.0.0.1:8080/v1"),
    local("localai", "http://127.0.0.1:8080/v1"),
];

#[cfg(test)]
mod tests {
    use super::{PRESETS, preset};
    use crate::spec::ModelSpec;

    #[test]
    fn every_preset_has_a_name_of_its_own_and_an_address_that_connects() {
        for entry in PRESETS {
            assert_eq!(preset(entry.name), Some(entry));
            let spec = ModelSpec::of_preset(entry, "m", None);
            crate::endpoint::Endpoint::new(&spec).expect(entry.name);
        }
    }

    #[test]
    fn a_hosted_preset_speaks_tls_and_a_local_one_stays_on_this_machine() {
        for entry in PRESETS {
            let prefix = if entry.is_local() {
                "http://127.0.0.1:"
            } else {
                "https://"
            };
            assert!(entry.base_url.starts_with(prefix), "{}", entry.name);
        }
    }
}
