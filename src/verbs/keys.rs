//! `thymos keys`: lists, makes, trusts and rotates keys. Prints public halves only.

use std::path::Path;

use thymos_core::key::PublicKey;
use thymos_core::writ::Party;

use super::Setting;
use crate::args::{KeysVerb, Purpose};
use crate::config::Config;
use crate::error::{AppError, ErrorKind};
use crate::near::nearest;
use crate::out;
use crate::system::OsEntropy;
use crate::wire::keys;
use crate::wire::trust::{For, TrustFile};

/// Characters of a name at most.
const NAME_CHARS_MAX: usize = 64;

pub(super) fn perform(setting: &Setting<'_>, verb: &KeysVerb) -> Result<u8, AppError> {
    match verb {
        KeysVerb::Ls(output) => list(setting.config, output.json),
        KeysVerb::Show { name } => show(setting.config, name.as_deref()),
        KeysVerb::New { name, out } => new(name, out),
        KeysVerb::Trust { name, key, purpose } => trust(setting.config, name, key, purpose),
        KeysVerb::Distrust { name, purpose } => distrust(setting.config, name, purpose),
        KeysVerb::Rotate { destroy } => rotate(setting.config, *destroy),
    }
}

/// The operator's own key and the trust file, both made at first use.
fn own(config: &Config) -> Result<(PublicKey, TrustFile), AppError> {
    let _used = keys::in_use(&config.paths)?;
    let (key, trust) = keys::operator(&config.paths, &config.operator.value, &OsEntropy)?;
    Ok((key.public(), trust))
}

fn list(config: &Config, json: bool) -> Result<u8, AppError> {
    let (mine, trust) = own(config)?;
    for (party, what, retired) in trust.rows() {
        let yours = party.key == mine;
        if json {
            out::json(&serde_json::json!({
                "name": party.name, "key": party.key, "answers": what.answers,
                "policy": what.policy, "retired": retired, "yours": yours,
            }))?;
            continue;
        }
        let purpose = if retired { "retired" } else { what.words() };
        out::line(&format!(
            "{:<14}  {purpose:<14}  {}{}",
            out::safe(&party.name),
            party.key,
            if yours { "  (yours)" } else { "" }
        ))?;
    }
    Ok(0)
}

fn show(config: &Config, name: Option<&str>) -> Result<u8, AppError> {
    let (mine, trust) = own(config)?;
    let Some(name) = name else {
        out::line(&mine.to_string())?;
        return Ok(0);
    };
    let rows = trust.rows();
    let found: Vec<_> = rows
        .iter()
        .filter(|(party, _, _)| party.name == name)
        .collect();
    for (party, _, retired) in &found {
        let note = if *retired { "  retired" } else { "" };
        out::line(&format!("{}{note}", party.key))?;
    }
    match found.is_empty() {
        true => Err(unknown(name, &trust)),
        false => Ok(0),
    }
}

fn new(name: &str, file: &Path) -> Result<u8, AppError> {
    let name = sound(name)?;
    let key = keys::make(file, &OsEntropy)?;
    out::line(&key.to_string())?;
    out::talk(&format!(
        "thymos: made `{}`; its owner keeps it, and `thymos keys trust {name} {key}` lets it count",
        file.display()
    ));
    Ok(0)
}

fn trust(config: &Config, name: &str, key: &str, purpose: &[Purpose]) -> Result<u8, AppError> {
    let key: PublicKey = key.parse().map_err(|_| {
        let shown: String = key.chars().take(80).collect();
        AppError::new(ErrorKind::Usage, format!("`{shown}` is not a public key"))
            .hint("give it as printed: ed25519: and 64 hex digits")
    })?;
    if !key.is_sound() {
        let message = format!("`{key}` is a key by which anybody could sign, or nobody");
        return Err(AppError::new(ErrorKind::Usage, message)
            .hint("ask its owner for the public half of a real one: thymos keys show"));
    }
    let party = Party {
        name: sound(name)?.to_owned(),
        key,
    };
    let what = purposes(purpose);
    let _used = keys::in_use(&config.paths)?;
    let mine = keys::operator_key(&config.paths, &OsEntropy)?.public();
    let operator = Party {
        name: config.operator.value.clone(),
        key: mine,
    };
    // Without the check that one's own key is trusted: this is how it becomes so again.
    let mut file = TrustFile::open(&config.paths, &operator)?;
    let before = file.rights_of(&key);
    if key == mine && !what.answers && !before.answers {
        return Err(
            AppError::new(ErrorKind::User, "your own key must be trusted for answers")
                .hint("leave --for out, or name both: --for answers,policy"),
        );
    }
    let new = file.trust(&party, what)?;
    if new.is_none() {
        out::talk(&format!(
            "thymos: `{name}` was trusted for {} before; nothing changes",
            before.words()
        ));
        return Ok(0);
    }
    file.write(&config.paths)?;
    let too = if before.is_none() { "" } else { " too" };
    out::talk(&format!(
        "thymos: `{name}` is trusted for {}{too} from the next start on",
        new.words()
    ));
    Ok(0)
}

fn purposes(named: &[Purpose]) -> For {
    For {
        answers: named.contains(&Purpose::Answers),
        policy: named.contains(&Purpose::Policy),
    }
}

/// Takes away what was named, or everything.
fn distrust(config: &Config, name: &str, purpose: &[Purpose]) -> Result<u8, AppError> {
    let _alone = keys::alone(&config.paths)?;
    let (mine, mut file) = {
        let (key, trust) = keys::operator(&config.paths, &config.operator.value, &OsEntropy)?;
        (key.public(), trust)
    };
    let what = match purpose {
        [] => For::ALL,
        named => purposes(named),
    };
    if file.name_of(&mine) == Some(name) && what.answers {
        return Err(AppError::new(ErrorKind::User, format!("`{name}` is you"))
            .hint("replace your own key instead: thymos keys rotate"));
    }
    let taken = file.distrust(name, what);
    if taken.is_none() {
        let known = file.rows().iter().any(|(party, ..)| party.name == name);
        if !known {
            return Err(unknown(name, &file));
        }
        let message = format!("`{name}` is not trusted for {}", what.words());
        return Err(AppError::new(ErrorKind::User, message).hint("thymos keys ls"));
    }
    file.write(&config.paths)?;
    out::talk(&format!(
        "thymos: nothing new that `{name}` signs counts for {}",
        taken.words()
    ));
    Ok(0)
}

fn rotate(config: &Config, destroy: bool) -> Result<u8, AppError> {
    let done = keys::rotate(&config.paths, &config.operator.value, !destroy, &OsEntropy)?;
    out::line(&done.to.to_string())?;
    let old = match &done.kept {
        Some(file) => format!("kept in `{}`", file.display()),
        None => "destroyed".to_owned(),
    };
    out::talk(&format!(
        "thymos: the key {} is retired and {old}; sessions under it go on once a mode is chosen",
        done.from.short()
    ));
    Ok(0)
}

fn sound(name: &str) -> Result<&str, AppError> {
    let length = name.chars().count();
    if (1..=NAME_CHARS_MAX).contains(&length) && !name.chars().any(char::is_control) {
        return Ok(name);
    }
    let message = format!("a name has 1 to {NAME_CHARS_MAX} characters that print");
    Err(AppError::new(ErrorKind::Usage, message).hint("such as `bob`"))
}

fn unknown(name: &str, trust: &TrustFile) -> AppError {
    let rows = trust.rows();
    let known = rows.iter().map(|(party, _, _)| party.name.as_str());
    let shown: String = name.chars().take(80).collect();
    let error = AppError::new(ErrorKind::User, format!("no key is called `{shown}`"));
    match nearest(name, known) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint("`thymos keys ls` lists them"),
    }
}
