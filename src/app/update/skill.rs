//! Binding a skill: chosen from a list, its parameters one by one, then asked about.

use thymos_protocol::{Command, SkillParamRow, SkillRow};

use crate::app::{App, Asked, Overlay};
use crate::panes::picker::{Binding, Choice, Picker, PickerRow, Subject};
use crate::panes::prompt::{Prompt, Purpose};
use crate::panes::question::{Deed, Question};
use crate::panes::reader::Said;
use crate::theme::Role;

/// Opens the list of skills.
pub(super) fn open(app: &mut App) {
    app.overlays
        .push(Overlay::Picker(Picker::waiting(Subject::Skill)));
    app.ask(Asked::Overlay, Command::Skills);
}

/// A skill as a row; one with a fault cannot be chosen and says why.
pub(super) fn row(row: SkillRow) -> PickerRow {
    let signed = row.signed_by.as_ref();
    let signed = signed.map_or_else(|| "not signed".to_owned(), |by| format!("signed by {by}"));
    let more = match &row.fault {
        Some(fault) => format!("FAULT: {fault}"),
        None => format!("{}  {signed}", row.title),
    };
    PickerRow {
        text: format!("{} v{}", row.name, row.version),
        more,
        tail: match row.params.len() {
            0 => String::new(),
            1 => "1 parameter".to_owned(),
            count => format!("{count} parameters"),
        },
        usable: row.fault.is_none(),
        choice: Choice::Skill(Box::new(row)),
    }
}

/// A skill was chosen: its first parameter, or the question whether to bind it.
pub(super) fn chosen(app: &mut App, skill: SkillRow) {
    if let Some(fault) = &skill.fault {
        let line = format!("`{}` cannot be bound: {fault}", skill.name);
        return app.tell(line);
    }
    ask_next(
        app,
        Binding {
            skill,
            given: Vec::new(),
        },
    );
}

/// A value was given for the parameter that was asked for.
pub(super) fn given(app: &mut App, mut binding: Binding, value: Option<String>) {
    binding.given.push(value);
    ask_next(app, binding);
}

/// What was typed for a parameter: none takes the default.
///
/// # Errors
/// Says in words what is wrong with it.
pub(super) fn typed(binding: &Binding, text: &str) -> Result<Option<String>, String> {
    let Some(param) = binding.next() else {
        return Ok(None);
    };
    match (text, &param.default) {
        ("", None) => Err(format!("`{}` has no default: a value is needed", param.key)),
        ("", Some(_)) => Ok(None),
        (text, Some(default)) if text == default => Ok(None),
        (text, _) => Ok(Some(text.to_owned())),
    }
}

fn ask_next(app: &mut App, binding: Binding) {
    match binding.next().cloned() {
        None => confirm(app, &binding),
        Some(param) if param.values.is_empty() => {
            let text = param.default.unwrap_or_default();
            let purpose = Purpose::SkillParam(Box::new(binding));
            app.overlays
                .push(Overlay::Prompt(Prompt::new(purpose, text)));
        }
        Some(param) => {
            let rows = values(&binding, &param);
            app.overlays
                .push(Overlay::Picker(Picker::new(Subject::SkillValue, rows)));
        }
    }
}

/// The only values allowed, the default first.
fn values(binding: &Binding, param: &SkillParamRow) -> Vec<PickerRow> {
    let default = |value: &String| Some(value) == param.default.as_ref();
    let mut values: Vec<&String> = param.values.iter().collect();
    values.sort_by_key(|value| !default(value));
    let row = |value: &String| PickerRow {
        choice: Choice::SkillValue(Box::new(binding.clone()), value.clone()),
        text: value.clone(),
        more: format!("{}: {}", param.key, param.description),
        tail: if default(value) {
            "default".to_owned()
        } else {
            String::new()
        },
        usable: true,
    };
    values.into_iter().map(row).collect()
}

fn confirm(app: &mut App, binding: &Binding) {
    let Some(trajectory) = app.session.trajectory() else {
        return;
    };
    let skill = &binding.skill;
    let signed = skill.signed_by.clone();
    let mut lines = vec![
        Said::labelled("skill   ", Role::Strong, skill.title.clone()),
        Said::labelled(
            "signed  ",
            Role::Text,
            signed.unwrap_or_else(|| "by nobody".into()),
        ),
        Said::labelled("id      ", Role::Muted, skill.id.clone()),
    ];
    for (param, value) in skill.params.iter().zip(&binding.given) {
        let text = match (value, &param.default) {
            (Some(value), _) => value.clone(),
            (None, Some(default)) => format!("{default} (default)"),
            (None, None) => String::new(),
        };
        lines.push(Said::labelled(
            format!("  {} = ", param.key),
            Role::Text,
            text,
        ));
    }
    lines.push(Said::words(
        Role::Text,
        "Its writ is issued under the one in force: it can only narrow what is allowed.",
    ));
    let name = skill.name.clone();
    let command = Command::BindSkill {
        trajectory,
        name: name.clone(),
        parameters: binding.parameters(),
    };
    let told = Asked::Told(format!("skill {name} is bound"));
    let title = format!("bind skill {name} v{}?", skill.version);
    let question =
        Question::new(title, lines, "bind nothing").or("bind it", Deed::Ask(told, command));
    app.overlays.push(Overlay::Question(Box::new(question)));
}
