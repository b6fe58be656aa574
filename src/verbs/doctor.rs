//! `thymos doctor`: looks at machine, folders, ledger, cage, model and terminal. Changes nothing.

use super::Setting;
use crate::error::{AppError, ErrorKind};
use crate::out;
use crate::wire::probes::{self, Finding};
use crate::wire::trust::TrustFile;
use crate::wire::{keys, policy};

pub(super) fn examine(setting: &Setting<'_>, json: bool) -> Result<u8, AppError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| AppError::new(ErrorKind::Internal, format!("no threads: {e}")))?;
    let findings = [
        files(setting),
        policy(setting),
        probes::ledger(setting.env, &setting.config.ledger.value),
        probes::cage(),
        runtime.block_on(probes::model(setting.env, setting.config)),
        terminal(setting),
    ];
    for found in &findings {
        if json {
            let value = serde_json::json!({
                "what": found.what, "ok": found.ok, "lines": found.lines, "hint": found.hint,
            });
            out::json(&value)?;
            continue;
        }
        let mark = if found.ok { "ok  " } else { "LOOK" };
        out::line(&format!("{mark} {}", found.what))?;
        for line in &found.lines {
            out::line(&format!("       {}", out::safe(line)))?;
        }
        if let Some(hint) = &found.hint {
            out::line(&format!("       hint: {}", out::safe(hint)))?;
        }
    }
    Ok(u8::from(findings.iter().any(|found| !found.ok)))
}

fn files(setting: &Setting<'_>) -> Finding {
    let config = setting.config;
    let key = config.paths.operator_key();
    let present = |path: &std::path::Path| {
        if path.exists() {
            ""
        } else {
            " (not there yet)"
        }
    };
    let wrong = keys::look(&config.paths).err();
    let told = match &wrong {
        Some(wrong) => wrong.message.clone(),
        None => format!("operator key {}{}", key.display(), present(&key)),
    };
    let hints = wrong.as_ref().map(|wrong| wrong.hints.join("; "));
    Finding {
        what: "files".into(),
        ok: wrong.is_none(),
        lines: vec![
            format!("workspace {}", setting.directory.display()),
            format!("config {}{}", config.file.display(), present(&config.file)),
            told,
        ],
        hint: hints.filter(|hints| !hints.is_empty()),
    }
}

fn policy(setting: &Setting<'_>) -> Finding {
    let paths = &setting.config.paths;
    match TrustFile::read(paths) {
        Ok(trust) => {
            let roots = trust.map(|trust| trust.roots()).unwrap_or_default();
            policy::examine(&paths.policy(), &roots)
        }
        Err(error) => Finding {
            what: "policy".into(),
            ok: false,
            lines: vec![error.message],
            hint: error.hints.into_iter().next(),
        },
    }
}

fn terminal(setting: &Setting<'_>) -> Finding {
    let term = setting.env.term();
    let (input, output) = out::terminal();
    let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "unset".into());
    let lines = vec![
        format!(
            "TERM {} COLORTERM {}",
            shown(&term.term),
            shown(&term.colorterm)
        ),
        format!("stdin a terminal: {input}, stdout a terminal: {output}"),
        format!(
            "profile {}, multiplexer {:?}, locale {}",
            term.profile().name(),
            term.multiplexer(),
            shown(&term.locale)
        ),
    ];
    let ok = !term.is_dumb();
    let hint = (!ok).then(|| "set TERM, for example to xterm-256color".to_owned());
    Finding {
        what: "terminal".into(),
        ok,
        lines,
        hint,
    }
}
