//! What makes a skill sound, and values fit for it. Sentences for people; repairs nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::narrow::{Piece, key_of, pieces};
use super::{Skill, SkillParam, Unbindable};
use crate::caveat::{ArgvSlot, Condition};
use crate::limits::{
    GRANTS_MAX, SKILL_INSTRUCTIONS_CHARS_MAX, SKILL_PARAMS_MAX, SKILL_TOOLS_MAX,
    SKILL_VALUE_CHARS_MAX,
};

/// Characters of a name or key.
const NAME_CHARS_MAX: usize = 64;

/// Characters of the one line for people.
const TITLE_CHARS_MAX: usize = 200;

pub(super) fn sound(skill: &Skill) -> Result<(), String> {
    if skill.v != 1 {
        return Err(format!("`v`: version {} is not known", skill.v));
    }
    if !is_name(&skill.name, '-') {
        return Err("`name`: lowercase letters, digits and `-`, at most 64".into());
    }
    if skill.version == 0 {
        return Err("`version`: counts from 1".into());
    }
    let title = skill.title.trim();
    if title.is_empty() || title.chars().count() > TITLE_CHARS_MAX || !is_one_line(title) {
        return Err(format!(
            "`title`: one line of at most {TITLE_CHARS_MAX} characters"
        ));
    }
    most("tools", skill.tools.len(), SKILL_TOOLS_MAX)?;
    most("params", skill.params.len(), SKILL_PARAMS_MAX)?;
    most("grants", skill.grants.len(), GRANTS_MAX)?;
    let instructions = skill.instructions.chars().count();
    if instructions > SKILL_INSTRUCTIONS_CHARS_MAX {
        return Err(format!(
            "`instructions`: {instructions} characters are more than {SKILL_INSTRUCTIONS_CHARS_MAX}"
        ));
    }
    params(skill)?;
    told(skill)?;
    grants(skill)?;
    bindable(skill)
}

/// What a parameter may or would be can also stand where the grants want it: else it is found out by whoever
/// binds the skill.
fn bindable(skill: &Skill) -> Result<(), String> {
    for param in &skill.params {
        for value in param.values.iter().chain(&param.default) {
            fits_places(skill, &param.key, value)
                .map_err(|no| format!("`params`: {}", no.message))?;
        }
    }
    Ok(())
}

fn most(field: &str, count: usize, limit: usize) -> Result<(), String> {
    if count <= limit {
        return Ok(());
    }
    Err(format!("`{field}`: {count} are more than {limit}"))
}

fn params(skill: &Skill) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for param in &skill.params {
        let key = &param.key;
        if !is_name(key, '_') {
            return Err("`params`: a key is lowercase letters, digits and `_`, at most 64".into());
        }
        if !seen.insert(key) {
            return Err(format!("`params`: `{key}` stands twice"));
        }
        for value in param.values.iter().chain(&param.default) {
            fits(param, value).map_err(|no| format!("`params`: {}", no.message))?;
        }
    }
    Ok(())
}

/// Every place of the instructions names a parameter.
fn told(skill: &Skill) -> Result<(), String> {
    for piece in pieces(&skill.instructions) {
        if let Piece::Key(key) = piece
            && !skill.params.iter().any(|param| param.key == key)
        {
            return Err(format!(
                "`instructions`: there is no parameter `{key}`; braces are written `{{{{` and `}}}}`"
            ));
        }
    }
    Ok(())
}

fn grants(skill: &Skill) -> Result<(), String> {
    for grant in &skill.grants {
        let tool = &grant.tool;
        if tool.contains(['*', '?']) {
            return Err(format!(
                "`grants`: `{tool}` is a pattern; name each tool that has conditions"
            ));
        }
        if !skill.tools.iter().any(|pattern| pattern == tool) {
            return Err(format!("`grants`: `{tool}` is not among `tools`"));
        }
        if let Some(wide) = skill
            .tools
            .iter()
            .find(|pattern| *pattern != tool && covers(pattern, tool))
        {
            return Err(format!(
                "`tools`: `{wide}` would grant `{tool}` without its conditions"
            ));
        }
        for caveat in &grant.caveats {
            condition(skill, &caveat.must).map_err(|no| format!("`grants`: `{tool}`: {no}"))?;
        }
    }
    Ok(())
}

/// A parameter stands for a whole value, and only where a value is no pattern.
fn condition(skill: &Skill, must: &Condition) -> Result<(), String> {
    let (places, patterns): (Vec<&str>, Vec<&str>) = match must {
        Condition::Under(root) => (vec![root], Vec::new()),
        Condition::HostIn(hosts) => (hosts.iter().map(String::as_str).collect(), Vec::new()),
        Condition::Argv(slots) => (slots.iter().filter_map(word).collect(), Vec::new()),
        Condition::Equals(value) => (value.as_str().into_iter().collect(), Vec::new()),
        Condition::OneOf(values) => (
            values.iter().filter_map(|v| v.as_str()).collect(),
            Vec::new(),
        ),
        Condition::Glob(pattern) => (Vec::new(), vec![pattern]),
        Condition::CidrIn(blocks) | Condition::MethodIn(blocks) => {
            (Vec::new(), blocks.iter().map(String::as_str).collect())
        }
        Condition::IntLe(_) | Condition::IntGe(_) | Condition::LenLe(_) => return Ok(()),
    };
    for text in places {
        match key_of(text) {
            Some(key) if skill.params.iter().any(|param| param.key == key) => {}
            Some(key) => return Err(format!("there is no parameter `{key}`")),
            None if has_place(text) => {
                return Err(format!("`{text}`: a parameter stands for a whole value"));
            }
            None => {}
        }
    }
    match patterns.into_iter().find(|text| has_place(text)) {
        Some(text) => Err(format!("`{text}`: a pattern takes no parameter")),
        None => Ok(()),
    }
}

fn word(slot: &ArgvSlot) -> Option<&str> {
    match slot {
        ArgvSlot::Is(word) => Some(word),
        ArgvSlot::Any | ArgvSlot::End => None,
    }
}

fn has_place(text: &str) -> bool {
    pieces(text)
        .iter()
        .any(|piece| matches!(piece, Piece::Key(_)))
}

pub(super) fn values(
    skill: &Skill,
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Unbindable> {
    let known = || {
        let keys: Vec<&str> = skill.params.iter().map(|p| p.key.as_str()).collect();
        match keys.is_empty() {
            true => format!("`{}` takes none", skill.name),
            false => format!("`{}` takes: {}", skill.name, keys.join(", ")),
        }
    };
    for key in given.keys() {
        if !skill.params.iter().any(|param| param.key == *key) {
            return Err(Unbindable {
                message: format!("skill `{}` has no parameter `{key}`", skill.name),
                hint: known(),
            });
        }
    }
    let mut values = BTreeMap::new();
    for param in &skill.params {
        let Some(value) = given.get(&param.key).or(param.default.as_ref()) else {
            return Err(Unbindable {
                message: format!("skill `{}` needs its parameter `{}`", skill.name, param.key),
                hint: match param.values.is_empty() {
                    true => format!("give it: --param {}=VALUE", param.key),
                    false => format!("give one of: {}", param.values.join(", ")),
                },
            });
        };
        fits(param, value)?;
        fits_places(skill, &param.key, value)?;
        values.insert(param.key.clone(), value.clone());
    }
    Ok(values)
}

fn fits(param: &SkillParam, value: &str) -> Result<(), Unbindable> {
    let key = &param.key;
    let no = |message: String, hint: String| Err(Unbindable { message, hint });
    if !param.values.is_empty() && !param.values.iter().any(|allowed| allowed == value) {
        let shown: String = value.chars().take(80).collect();
        return no(
            format!("`{shown}` is not a value of the parameter `{key}`"),
            format!("give one of: {}", param.values.join(", ")),
        );
    }
    if value.chars().count() > SKILL_VALUE_CHARS_MAX {
        return no(
            format!("the value of `{key}` is longer than {SKILL_VALUE_CHARS_MAX} characters"),
            "put the text into the task".into(),
        );
    }
    if value
        .chars()
        .any(|c| c.is_control() && c != '\n' && c != '\t')
    {
        return no(
            format!("the value of `{key}` holds control characters"),
            "leave them out".into(),
        );
    }
    Ok(())
}

/// A value that stands in a grant must not be a pattern, nor climb.
fn fits_places(skill: &Skill, key: &str, value: &str) -> Result<(), Unbindable> {
    let stands_for = |text: &str| key_of(text) == Some(key);
    for must in skill.grants.iter().flat_map(|grant| &grant.caveats) {
        let fault = match &must.must {
            Condition::Under(root) if stands_for(root) => {
                let climbs = value.split('/').any(|part| part == "..");
                (value.is_empty() || climbs || value.starts_with('/'))
                    .then_some("a folder inside the workspace, such as `src` or `.`")
            }
            Condition::HostIn(hosts) if hosts.iter().any(|host| stands_for(host)) => {
                (value.is_empty() || value.contains(['*', '?', '/']))
                    .then_some("one host name, without `*`")
            }
            Condition::Under(_)
            | Condition::HostIn(_)
            | Condition::CidrIn(_)
            | Condition::MethodIn(_)
            | Condition::Argv(_)
            | Condition::Equals(_)
            | Condition::OneOf(_)
            | Condition::IntLe(_)
            | Condition::IntGe(_)
            | Condition::LenLe(_)
            | Condition::Glob(_) => None,
        };
        if let Some(right) = fault {
            let shown: String = value.chars().take(80).collect();
            return Err(Unbindable {
                message: format!("`{shown}` cannot be the parameter `{key}` of a grant"),
                hint: format!("give {right}"),
            });
        }
    }
    Ok(())
}

/// Whether a tool pattern covers a tool: `*` is any run of characters, `?` any one.
pub(super) fn covers(pattern: &str, tool: &str) -> bool {
    let (pattern, tool): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), tool.chars().collect());
    // Positions of the pattern that the tool's characters so far can have reached.
    let spread = |mut at: BTreeSet<usize>| {
        let stars: Vec<usize> = at.iter().copied().collect();
        for mut from in stars {
            while pattern.get(from) == Some(&'*') {
                from += 1;
                at.insert(from);
            }
        }
        at
    };
    let mut alive = spread(BTreeSet::from([0]));
    for letter in &tool {
        let next = alive.iter().filter_map(|at| match pattern.get(*at) {
            Some('*') => Some(*at),
            Some('?') => Some(at + 1),
            Some(same) if same == letter => Some(at + 1),
            Some(_) | None => None,
        });
        alive = spread(next.collect());
    }
    alive.contains(&pattern.len())
}

fn is_name(text: &str, also: char) -> bool {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(letter)
        && text.len() <= NAME_CHARS_MAX
        && text.chars().all(|c| letter(c) || c == also)
}

fn is_one_line(text: &str) -> bool {
    !text.chars().any(char::is_control)
}
