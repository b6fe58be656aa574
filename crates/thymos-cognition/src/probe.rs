//! Asks a provider for its model list, for `thymos doctor`. Changes nothing, never fails.

use std::time::Duration;

use serde_json::Value;

use crate::fault::{Broken, Refusal, Said, silent};
use crate::http::{Line, line};
use crate::limits::LIST_BYTES_MAX;
use crate::spec::{AdapterKind, ModelSpec, Services};

/// What a probe found, in sentences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeReport {
    /// The provider entry.
    pub provider: String,
    /// Whether the model can be used, as far as can be told without using it.
    pub ok: bool,
    /// What was found, one sentence each.
    pub lines: Vec<String>,
    /// What to do now.
    pub hint: Option<String>,
    /// How long the list took; none when nothing was asked or answered.
    pub latency_ms: Option<u64>,
    /// Models on offer, the first page of them.
    pub models: Vec<String>,
}

/// Probes one provider entry.
pub async fn probe(spec: &ModelSpec, services: &Services) -> ProbeReport {
    let mut report = ProbeReport {
        provider: spec.provider.clone(),
        ok: true,
        lines: Vec::new(),
        hint: None,
        latency_ms: None,
        models: Vec::new(),
    };
    match spec.kind {
        AdapterKind::Practice => {
            let line = "`practice` is built in, works offline and needs no key";
            report.lines.push(line.to_owned());
            return report;
        }
        AdapterKind::Scripted => {
            match crate::scripted::ScriptedModel::open(spec) {
                Ok(script) => {
                    let turns = script.turns_count();
                    report.lines.push(format!("the script has {turns} turns"));
                }
                Err(error) => report.fail(error.to_string(), error.hint()),
            }
            return report;
        }
        AdapterKind::Anthropic | AdapterKind::OpenAi => {}
    }
    let line = match line(spec) {
        Ok(line) => line,
        Err(error) => {
            report.fail(error.to_string(), error.hint());
            return report;
        }
    };
    let began = services.clock.now();
    let answer = list(&line).await;
    let took = services.clock.now().since(began);
    match answer {
        Ok(models) => report.found(models, took, &spec.model),
        Err(broken) => report.fail(broken.message, broken.hint),
    }
    report
}

impl ProbeReport {
    fn fail(&mut self, message: String, hint: Option<String>) {
        self.ok = false;
        self.lines.push(message);
        self.hint = hint;
    }

    fn found(&mut self, models: Vec<String>, took_ms: u64, wanted: &str) {
        self.latency_ms = Some(took_ms);
        self.lines.push(format!(
            "`{}` answers in {took_ms} ms and lists {} models",
            self.provider,
            models.len()
        ));
        let listed = models.iter().any(|model| {
            model == wanted
                || model
                    .strip_prefix("models/")
                    .is_some_and(|name| name == wanted)
        });
        if listed {
            self.lines.push(format!("model `{wanted}` is among them"));
        } else if !models.is_empty() {
            // Aliases and later pages are not listed, so this alone is no failure.
            self.lines
                .push(format!("model `{wanted}` is not on its first page"));
            self.hint = Some("check `model`, unless it is an alias".to_owned());
        }
        self.models = models;
    }
}

async fn list(line: &Line) -> Result<Vec<String>, Broken> {
    let silence = Duration::from_millis(line.silence_ms);
    match tokio::time::timeout(silence, fetch(line)).await {
        Ok(answer) => answer,
        Err(_) => Err(silent(&line.names.provider, line.silence_ms)),
    }
}

async fn fetch(line: &Line) -> Result<Vec<String>, Broken> {
    let request = line
        .client
        .get(line.endpoint.models.clone())
        .headers(line.endpoint.headers.clone());
    let mut response = request.send().await.map_err(|error| line.unsent(&error))?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| line.unsent(&error))?
    {
        if body.len() + chunk.len() > LIST_BYTES_MAX {
            return Err(line.names.malformed("a model list without end"));
        }
        body.extend_from_slice(&chunk);
    }
    let text = String::from_utf8_lossy(&body);
    if !(200..300).contains(&status) {
        let said = Said::of_body(&text);
        let refusal = Refusal {
            provider: &line.names.provider,
            model: &line.names.model,
            status: Some(status),
            said: Said {
                words: line.endpoint.scrub(&said.words),
                ..said
            },
            retry_after_ms: None,
        };
        return Err(refusal.classify());
    }
    names(&text).ok_or_else(|| line.names.malformed("something that is no model list"))
}

fn names(text: &str) -> Option<Vec<String>> {
    let value: Value = serde_json::from_str(text).ok()?;
    let entries = value
        .get("data")
        .or_else(|| value.get("models"))
        .unwrap_or(&value)
        .as_array()?;
    let name = |entry: &Value| {
        ["id", "name"]
            .iter()
            .find_map(|field| entry.get(*field).and_then(Value::as_str))
            .map(str::to_owned)
    };
    Some(entries.iter().filter_map(name).collect())
}
