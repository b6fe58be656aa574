//! `thymos doctor`: looks at machine, folders, ledger, cage, model and terminal. Changes nothing.

use super::Setting;
use crate::config::paths;
use crate::error::{AppError, ErrorKind};
use crate::out;
use crate::wire::policy;
use crate::wire::probes::{self, Finding};
use crate::wire::trust::TrustFile;

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
    let exposed = key.exists() && paths::is_exposed(&key);
    // Whom somebody trusts is written down when the key is made.
    let lost = !key.exists() && config.paths.trust_file().exists();
    let present = |path: &std::path::Path| {
        if path.exists() {
            ""
        } else {
            " (not there yet)"
        }
    };
    Finding {
        what: "files".into(),
        ok: !exposed && !lost,
        lines: vec![
            format!("workspace {}", setting.directory.display()),
            format!("config {}{}", config.file.display(), present(&config.file)),
            match lost {
                true => format!("operator key {} is missing", key.display()),
                false => format!("operator key {}{}", key.display(), present(&key)),
            },
        ],
        hint: match (exposed, lost) {
            (true, _) => Some(format!("chmod 600 {}", key.display())),
            (false, true) => {
                Some("restore it from a backup; `thymos runs` says what else can be done".into())
            }
            (false, false) => None,
        },
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
