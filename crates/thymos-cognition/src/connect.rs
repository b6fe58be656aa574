//! From a spec to a model: one table of adapters. Opens no connection.

use std::sync::Arc;

use thymos_ports::Cognition;

use crate::anthropic::Messages;
use crate::endpoint::ConnectError;
use crate::http;
use crate::model::HttpModel;
use crate::openai::ChatCompletions;
use crate::practice::PracticeModel;
use crate::prices;
use crate::scripted::ScriptedModel;
use crate::spec::{AdapterKind, ModelSpec, Services};
use crate::wire::Wire;

/// Builds the model a spec describes. Reads certificates or a script at most; sends nothing.
///
/// # Errors
/// [`ConnectError`], when the spec cannot be meant that way.
pub fn connect(spec: ModelSpec, services: Services) -> Result<Arc<dyn Cognition>, ConnectError> {
    let wire: Arc<dyn Wire> = match spec.kind {
        AdapterKind::Practice => return Ok(Arc::new(PracticeModel::new())),
        AdapterKind::Scripted => return Ok(Arc::new(ScriptedModel::open(&spec)?)),
        AdapterKind::Anthropic => Arc::new(Messages),
        AdapterKind::OpenAi => Arc::new(ChatCompletions {
            output_limit: output_limit(&spec.base_url),
        }),
    };
    let line = http::line(&spec)?;
    let table = prices::table();
    let known = |read: &dyn Fn(&prices::PriceTable) -> Option<u64>| table.as_ref().and_then(read);
    let context_tokens = spec
        .context_tokens
        .or_else(|| known(&|table| table.context_tokens(&spec.model)));
    let prices = spec.prices.or_else(|| {
        let table = table.as_ref()?;
        table.prices(line.endpoint.host(), &spec.model)
    });
    Ok(Arc::new(HttpModel {
        line,
        wire,
        services,
        context_tokens,
        prices,
        retry: spec.retry,
    }))
}

/// The maker of the protocol renamed the field, and its newer models refuse the old name; the
/// others know only the old one.
fn output_limit(base_url: &str) -> &'static str {
    if base_url.contains("api.openai.com") || base_url.contains(".openai.azure.com") {
        "max_completion_tokens"
    } else {
        "max_tokens"
    }
}
