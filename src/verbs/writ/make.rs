//! An unsigned writ to start from, and the small languages of its options: budgets and durations.

use thymos_compiler::check_examples;
use thymos_core::budget::{Budget, Dimension};
use thymos_core::effect::{EffectClass, Effects};
use thymos_core::key::PublicKey;
use thymos_core::writ::{Delegation, Examples, Grant, Mode, Party, SampleCall, Writ};

use crate::args::NewWritArgs;
use crate::error::{AppError, ErrorKind};
use crate::near::nearest;
use crate::out;
use crate::system::OsEntropy;
use crate::verbs::Setting;
use crate::wire::trust::TrustFile;
use crate::wire::{keys, writs};

/// Levels that a new writ may be divided into: a session takes one.
const DEPTH: u32 = 3;

/// Names of a budget's dimensions, as files write them.
const NAMES: [&str; 4] = ["tokens", "tool_calls", "wall_clock_ms", "usd_millicents"];

pub(super) fn new(
    setting: &Setting<'_>,
    args: &NewWritArgs,
    like: Option<Writ>,
) -> Result<u8, AppError> {
    let mode = Mode::parse(&args.from).filter(|mode| *mode != Mode::Custom);
    let Some(mode) = mode else {
        let shown: String = args.from.chars().take(80).collect();
        return Err(
            AppError::new(ErrorKind::Usage, format!("there is no mode `{shown}`"))
                .hint("use plan, edit or auto"),
        );
    };
    let config = setting.config;
    let (key, trust) = keys::operator(&config.paths, &config.operator.value, &OsEntropy)?;
    let operator = Party {
        name: trust
            .name_of(&key.public())
            .unwrap_or(&config.operator.value)
            .to_owned(),
        key: key.public(),
    };
    let mut writ = writs::template(mode, &operator, config);
    writ.name = "task".to_owned();
    writ.preset = Some(mode);
    writ.delegation = Delegation {
        max_depth: DEPTH,
        may_subdivide: true,
    };
    let sampled = like.is_some();
    if let Some(like) = like {
        writ = own(writ, like);
    }
    if let Some(name) = &args.name {
        writ.name.clone_from(name);
    }
    if let Some(subject) = &args.subject {
        writ.subject = party(&trust, subject)?;
    }
    if !args.grant.is_empty() {
        let plain = |tool: &String| Grant {
            tool: tool.clone(),
            caveats: Vec::new(),
        };
        writ.grants = args.grant.iter().map(plain).collect();
    }
    if let Some(class) = &args.effects {
        let found = EffectClass::ALL
            .into_iter()
            .find(|known| known.word() == class);
        writ.effects = Effects::Ceiling(found.unwrap_or(EffectClass::Pure));
    }
    if let Some(text) = &args.budget {
        let named = budget(text)?;
        let usual = writ.budget;
        writ.budget = Budget {
            tokens: named.tokens.or(usual.tokens),
            tool_calls: named.tool_calls.or(usual.tool_calls),
            wall_clock_ms: named.wall_clock_ms.or(usual.wall_clock_ms),
            usd_millicents: named.usd_millicents.or(usual.usd_millicents),
        };
    }
    writ.window.expires_at = Some(writ.window.not_before.plus_ms(duration(&args.expires)?));
    if !sampled {
        writ.examples = examples(&writ);
    }
    let text = serde_json::to_string_pretty(&writ)
        .map_err(|e| AppError::new(ErrorKind::Internal, e.to_string()))?;
    out::line(&text)?;
    out::talk("thymos: change it as you like, then: thymos writ sign FILE > signed.json");
    Ok(0)
}

/// Who, when and where are this operator's; what is granted is the file's.
fn own(made: Writ, like: Writ) -> Writ {
    Writ {
        nonce: made.nonce,
        issuer: made.issuer,
        subject: made.subject,
        parent: None,
        tenant: made.tenant,
        window: made.window,
        pre_answer: None,
        ..like
    }
}

/// Somebody by the name that their key is trusted under, or by the key itself.
fn party(trust: &TrustFile, subject: &str) -> Result<Party, AppError> {
    let shown: String = subject.chars().take(80).collect();
    if let Ok(key) = subject.parse::<PublicKey>() {
        if !key.is_sound() {
            let message = format!("`{key}` is a key by which anybody could sign, or nobody");
            return Err(AppError::new(ErrorKind::Usage, message)
                .hint("ask its owner for the public half of a real one: thymos keys show"));
        }
        let name = trust.name_of(&key).unwrap_or("subject").to_owned();
        return Ok(Party { name, key });
    }
    let rows = trust.rows();
    let known = || rows.iter().filter(|(_, _, retired)| !retired);
    if let Some((party, ..)) = known().find(|(party, ..)| party.name == subject) {
        return Ok(party.clone());
    }
    let near = nearest(subject, known().map(|(party, ..)| party.name.as_str()));
    let hint = near.map_or_else(
        || "`thymos keys ls` lists them; or give a public key".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    let message = format!("nobody's key is known as `{shown}`");
    Err(AppError::new(ErrorKind::User, message).hint(hint))
}

/// Samples that show how examples are written, as far as this writ keeps them.
fn examples(writ: &Writ) -> Examples {
    let call = |tool: &str, path: &str| SampleCall {
        tool: tool.to_owned(),
        args: serde_json::json!({"path": path}),
    };
    let kept = |examples: Examples| {
        let tried = Writ {
            examples: examples.clone(),
            ..writ.clone()
        };
        check_examples(&tried).is_empty()
    };
    let (inside, outside) = (call("fs_read", "README.md"), call("fs_write", "../outside"));
    let allow = Examples {
        allow: vec![inside],
        deny: Vec::new(),
    };
    let deny = Examples {
        allow: Vec::new(),
        deny: vec![outside],
    };
    Examples {
        allow: if kept(allow.clone()) {
            allow.allow
        } else {
            Vec::new()
        },
        deny: if kept(deny.clone()) {
            deny.deny
        } else {
            Vec::new()
        },
    }
}

/// `tokens=1000,tool_calls=20`; what is not named stays open.
pub(in crate::verbs) fn budget(text: &str) -> Result<Budget, AppError> {
    let mut budget = Budget::unlimited();
    for part in text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        let (name, amount) = part.split_once('=').unwrap_or((part, ""));
        let slot = match name {
            "tokens" => &mut budget.tokens,
            "tool_calls" => &mut budget.tool_calls,
            "wall_clock_ms" => &mut budget.wall_clock_ms,
            "usd_millicents" => &mut budget.usd_millicents,
            other => {
                let shown: String = other.chars().take(80).collect();
                let error =
                    AppError::new(ErrorKind::Usage, format!("no budget is called `{shown}`"));
                return Err(match nearest(other, NAMES) {
                    Some(near) => error.hint(format!("did you mean `{near}`?")),
                    None => error.hint(format!("known are: {}", NAMES.join(", "))),
                });
            }
        };
        let parsed = amount.parse::<u64>().ok().filter(|n| *n < 1 << 53);
        *slot = Some(parsed.ok_or_else(|| {
            let shown: String = part.chars().take(80).collect();
            AppError::new(ErrorKind::Usage, format!("`{shown}` names no amount"))
                .hint("write it so: tokens=1000,tool_calls=20")
        })?);
    }
    Ok(budget)
}

/// `90s`, `30m`, `8h`, `2d`, in milliseconds.
pub(in crate::verbs) fn duration(text: &str) -> Result<u64, AppError> {
    let unit = match text.chars().last() {
        Some('s') => 1_000,
        Some('m') => 60_000,
        Some('h') => 3_600_000,
        Some('d') => 86_400_000,
        _ => 0,
    };
    let count = text.get(..text.len().saturating_sub(1)).unwrap_or_default();
    let parsed = count
        .parse::<u64>()
        .ok()
        .filter(|n| (1..100_000).contains(n));
    match parsed.filter(|_| unit > 0) {
        Some(count) => Ok(count * unit),
        None => {
            let shown: String = text.chars().take(80).collect();
            Err(
                AppError::new(ErrorKind::Usage, format!("`{shown}` is no length of time"))
                    .hint("write it so: 90s, 30m, 8h, 2d"),
            )
        }
    }
}

/// A budget in words.
pub(super) fn budget_words(budget: &Budget) -> String {
    let parts = Dimension::ALL
        .into_iter()
        .zip(NAMES)
        .map(|(dimension, name)| match budget.limit(dimension) {
            Some(limit) => format!("{name}={limit}"),
            None => format!("{name} unlimited"),
        });
    parts.collect::<Vec<_>>().join(", ")
}
