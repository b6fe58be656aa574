//! What the context says about the task at hand: the task, the calls since, what came of each.

use std::collections::BTreeSet;

use thymos_ports::cognition::{Context, ContextMessage, ProposedCall};

/// A reading of the context; owns nothing.
pub(super) struct Notebook<'a> {
    pub(super) task: &'a str,
    pub(super) done: Vec<Done<'a>>,
    tools: BTreeSet<&'a str>,
}

/// A call of this task.
pub(super) struct Done<'a> {
    pub(super) beat: &'a str,
    pub(super) call: &'a ProposedCall,
    pub(super) text: &'a str,
    pub(super) end: End,
    /// Whether it belongs to the turn just before this one.
    latest: bool,
}

/// How a call ended, read off its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Committed,
    Denied,
    Refused,
    Waiting,
    Replaced,
    Failed,
}

impl<'a> Notebook<'a> {
    pub(super) fn read(context: &'a Context) -> Self {
        let messages = &context.messages;
        let is_task = |message: &ContextMessage| match message {
            ContextMessage::Operator(text) => !is_note(text),
            ContextMessage::Model { .. } | ContextMessage::Result { .. } => false,
        };
        let begin = messages.iter().rposition(is_task);
        let task = match begin.and_then(|at| messages.get(at)) {
            Some(ContextMessage::Operator(text)) => text.as_str(),
            Some(ContextMessage::Model { .. } | ContextMessage::Result { .. }) | None => "",
        };
        let mut done: Vec<Done<'a>> = Vec::new();
        for message in messages.iter().skip(begin.map_or(0, |at| at + 1)) {
            match message {
                ContextMessage::Operator(_) => {}
                ContextMessage::Model { calls, .. } => {
                    done.iter_mut().for_each(|earlier| earlier.latest = false);
                    done.extend(calls.iter().filter_map(Done::begin));
                }
                ContextMessage::Result {
                    call,
                    text,
                    is_error,
                    ..
                } => {
                    let answered = done.iter_mut().rev().find(|done| done.call.call == *call);
                    if let Some(answered) = answered {
                        answered.text = text;
                        answered.end = End::of(text, *is_error);
                    }
                }
            }
        }
        Self {
            task,
            done,
            tools: context
                .tools
                .iter()
                .map(|tool| tool.name.as_str())
                .collect(),
        }
    }

    pub(super) fn offers(&self, tool: &str) -> bool {
        self.tools.contains(tool)
    }

    pub(super) fn tried(&self, beat: &str) -> bool {
        self.done.iter().any(|done| done.beat == beat)
    }

    /// Results of a tool that really ran.
    pub(super) fn results(&self, tool: &'a str) -> impl Iterator<Item = &Done<'a>> {
        self.done
            .iter()
            .filter(move |done| done.call.tool == tool && done.end == End::Committed)
    }

    /// A sentence for each call of the last turn that did not simply work.
    pub(super) fn remarks(&self) -> Vec<String> {
        let latest = self.done.iter().filter(|done| done.latest);
        latest.filter_map(Done::remark).collect()
    }
}

/// The runtime tells in brackets when older messages were left out.
fn is_note(text: &str) -> bool {
    text.starts_with('[') && text.ends_with(']') && text.contains("older messages")
}

impl<'a> Done<'a> {
    fn begin(call: &'a ProposedCall) -> Option<Self> {
        let (beat, _) = call.call.strip_prefix("practice-")?.rsplit_once('-')?;
        Some(Self {
            beat,
            call,
            text: "",
            end: End::Waiting,
            latest: true,
        })
    }

    pub(super) fn first_line(&self) -> &'a str {
        self.text.lines().next().unwrap_or_default()
    }

    fn remark(&self) -> Option<String> {
        let (tool, line) = (&self.call.tool, self.first_line());
        match self.end {
            End::Committed => None,
            End::Denied => Some(format!(
                "You denied `{tool}` ({line}). That is recorded and binding; I go on without it."
            )),
            End::Refused => Some(format!(
                "The gate refused `{tool}`, and nothing ran. Its words: {line}"
            )),
            End::Waiting => Some(format!(
                "`{tool}` still waits for your answer; I go on with what does not need it."
            )),
            End::Replaced => Some(format!("`{tool}` was taken back: {line}.")),
            End::Failed => Some(format!("`{tool}` did not work: {line}")),
        }
    }
}

impl End {
    fn of(text: &str, is_error: bool) -> Self {
        let begins = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
        match is_error {
            false => Self::Committed,
            true if begins(&["denied"]) => Self::Denied,
            true if begins(&["refused", "rejected"]) => Self::Refused,
            true if begins(&["waiting", "not decided"]) => Self::Waiting,
            true if begins(&["replaced", "withdrawn"]) => Self::Replaced,
            true => Self::Failed,
        }
    }
}
