//! One compiled JSON Schema, 2020-12, and what it says of arguments `[C7]`.
//!
//! The words are ours, since they stand in traces that are derived again `[V3]`: no release of a library
//! may change them. Of several faults the first by place is told, so that the answer is always the same.

use std::error::Error;
use std::fmt;

use boon::{Compiler, Draft, ErrorKind, SchemaIndex, Schemas, UrlLoader, ValidationError};
use serde_json::Value;

/// Where a schema stands; nothing is ever read from there.
const HOME: &str = "thymos:/schema";

/// A schema that arguments are held against.
pub(crate) struct Schema {
    all: Schemas,
    at: SchemaIndex,
}

/// A schema has nothing outside of itself: no file, no network.
struct Nothing;

impl UrlLoader for Nothing {
    fn load(&self, url: &str) -> Result<Value, Box<dyn Error>> {
        Err(format!("it refers to `{url}`, which is outside of it").into())
    }
}

impl Schema {
    /// # Errors
    /// One sentence: it is no schema, or refers to a document outside of itself.
    pub(crate) fn compile(schema: Value) -> Result<Self, String> {
        let mut compiler = Compiler::new();
        compiler.set_default_draft(Draft::V2020_12);
        compiler.use_loader(Box::new(Nothing));
        let mut all = Schemas::new();
        compiler
            .add_resource(HOME, schema)
            .map_err(|error| error.to_string())?;
        match compiler.compile(HOME, &mut all) {
            Ok(at) => Ok(Self { all, at }),
            Err(error) => Err(error.to_string()),
        }
    }

    /// # Errors
    /// One sentence with the place, and without the value there: it may be a secret.
    pub(crate) fn check(&self, args: &Value) -> Result<(), String> {
        let Err(error) = self.all.validate(args, self.at) else {
            return Ok(());
        };
        let mut faults = Vec::new();
        collect(&error, &mut faults);
        let first = faults.into_iter().min().unwrap_or_default();
        let place = if first.0.is_empty() { "/" } else { &first.0 };
        Err(format!("argument `{place}`: {}", first.1))
    }
}

/// The faults that nothing further is said about, each with its place.
fn collect(error: &ValidationError<'_, '_>, into: &mut Vec<(String, String)>) {
    // Of alternatives none fits, which is all there is to say: that of each would be a guess.
    let whole = matches!(
        error.kind,
        ErrorKind::AnyOf | ErrorKind::OneOf(_) | ErrorKind::Not | ErrorKind::Contains
    );
    if whole || error.causes.is_empty() {
        into.push((error.instance_location.to_string(), words(&error.kind)));
        return;
    }
    for cause in &error.causes {
        collect(cause, into);
    }
}

fn words(kind: &ErrorKind<'_, '_>) -> String {
    match kind {
        ErrorKind::Type { want, .. } => {
            let types: Vec<String> = want.iter().map(|one| one.to_string()).collect();
            format!("is not of type {}", types.join(" or "))
        }
        ErrorKind::Required { want } => format!("lacks {}", quoted(want)),
        ErrorKind::AdditionalProperties { got } => {
            let mut names: Vec<&str> = got.iter().map(AsRef::as_ref).collect();
            names.sort_unstable();
            format!("has no property {}", quoted(&names))
        }
        ErrorKind::Enum { want } => format!("is none of {}", list(want)),
        ErrorKind::Const { want } => format!("is not {want}"),
        ErrorKind::DependentRequired { prop, missing }
        | ErrorKind::Dependency { prop, missing } => {
            format!("has `{prop}` and lacks {}", quoted(missing))
        }
        ErrorKind::Format { want, .. } => format!("is no {want}"),
        ErrorKind::Pattern { want, .. } => format!("does not match `{want}`"),
        ErrorKind::Minimum { want, .. } => format!("is less than {want}"),
        ErrorKind::Maximum { want, .. } => format!("is more than {want}"),
        ErrorKind::ExclusiveMinimum { want, .. } => format!("is not more than {want}"),
        ErrorKind::ExclusiveMaximum { want, .. } => format!("is not less than {want}"),
        ErrorKind::MultipleOf { want, .. } => format!("is no multiple of {want}"),
        ErrorKind::FalseSchema => "may not be there".to_owned(),
        ErrorKind::AnyOf | ErrorKind::OneOf(None) => "fits none of the alternatives".to_owned(),
        ErrorKind::OneOf(Some(_)) => "fits more than one of the alternatives".to_owned(),
        ErrorKind::Not => "is what it must not be".to_owned(),
        ErrorKind::UniqueItems { .. } => "holds an item twice".to_owned(),
        ErrorKind::Contains => "holds no item of the kind that it must hold".to_owned(),
        ErrorKind::MinContains { want, .. } => {
            format!("holds fewer than {want} items of that kind")
        }
        ErrorKind::MaxContains { want, .. } => format!("holds more than {want} items of that kind"),
        ErrorKind::MinItems { want, .. } => format!("has fewer than {want} items"),
        ErrorKind::MaxItems { want, .. } => format!("has more than {want} items"),
        ErrorKind::MinProperties { want, .. } => format!("has fewer than {want} properties"),
        ErrorKind::MaxProperties { want, .. } => format!("has more than {want} properties"),
        ErrorKind::MinLength { want, .. } => format!("is shorter than {want} characters"),
        ErrorKind::MaxLength { want, .. } => format!("is longer than {want} characters"),
        ErrorKind::PropertyName { prop } => format!("may not have a property `{prop}`"),
        ErrorKind::AdditionalItems { got } => format!("has {got} items too many"),
        ErrorKind::ContentEncoding { want, .. } | ErrorKind::ContentMediaType { want, .. } => {
            format!("is no {want}")
        }
        ErrorKind::RefCycle { .. } => "is described by itself".to_owned(),
        ErrorKind::Group
        | ErrorKind::Schema { .. }
        | ErrorKind::ContentSchema
        | ErrorKind::Reference { .. }
        | ErrorKind::AllOf => "does not fit".to_owned(),
    }
}

fn quoted<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<String> = names
        .iter()
        .map(|name| format!("`{}`", name.as_ref()))
        .collect();
    names.join(", ")
}

/// What the schema allows; no value of the call stands in it.
fn list(wanted: &[Value]) -> String {
    let wanted: Vec<String> = wanted.iter().map(Value::to_string).collect();
    wanted.join(", ")
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Schema")
    }
}

#[cfg(test)]
mod tests;
