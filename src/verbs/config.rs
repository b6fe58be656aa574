//! `thymos config`: what is configured and where it came from. Prints no secret.

use super::Setting;
use crate::config::explain::rows;
use crate::error::AppError;
use crate::out;

pub(super) fn explain(setting: &Setting<'_>, json: bool) -> Result<u8, AppError> {
    let rows = rows(setting.config);
    let width = rows.iter().map(|row| row.key.len()).max().unwrap_or(0);
    for row in &rows {
        if json {
            let value = serde_json::json!({
                "key": row.key, "value": row.value, "source": row.source,
            });
            out::json(&value)?;
        } else {
            out::line(&format!(
                "{:<width$}  {}  ({})",
                row.key,
                out::safe(&row.value),
                row.source
            ))?;
        }
    }
    Ok(0)
}

pub(super) fn path(setting: &Setting<'_>) -> Result<u8, AppError> {
    let config = setting.config;
    out::line(&format!("config  {}", config.file.display()))?;
    out::line(&format!("keys    {}", config.paths.keymap_file().display()))?;
    out::line(&format!("themes  {}", config.paths.themes().display()))?;
    out::line(&format!("policy  {}", config.paths.policy().display()))?;
    out::line(&format!("skills  {}", config.paths.skills().display()))?;
    out::line(&format!("ledger  {}", config.ledger.value))?;
    out::line(&format!(
        "key     {}",
        config.paths.operator_key().display()
    ))?;
    out::line(&format!("trust   {}", config.paths.trust_file().display()))?;
    Ok(0)
}
