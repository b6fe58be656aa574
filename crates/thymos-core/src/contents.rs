//! The contents beside the entries that the end of a call refers to, and what it says of each: whether it
//! was kept `[L4]`. Reads no content.

use std::collections::BTreeSet;

use crate::body::Body;
use crate::delta::{Delta, ResourceValue};
use crate::id::Digest;
use crate::outcome::BlobRef;

#[cfg(test)]
mod tests;

/// What the end of a call holds of contents.
struct End<'a> {
    deltas: &'a [Delta],
    output: Option<&'a BlobRef>,
    unkept: Option<&'a [Digest]>,
}

impl<'a> End<'a> {
    fn of(body: &'a Body) -> Option<Self> {
        if let Body::Commit(commit) = body {
            return Some(Self {
                deltas: &commit.outcome.deltas,
                output: commit.outcome.output.as_ref(),
                unkept: commit.unkept.as_deref(),
            });
        }
        if let Body::Failure(failure) = body {
            return Some(Self {
                deltas: &failure.fault.deltas,
                output: None,
                unkept: failure.unkept.as_deref(),
            });
        }
        None
    }

    fn contents(&self) -> BTreeSet<Digest> {
        let deltas = self.deltas.iter();
        let values = deltas.flat_map(|delta| [&delta.before, &delta.after]);
        let images = values.flatten().filter_map(|value| match value {
            ResourceValue::File(image) => Some(image.digest),
            ResourceValue::Json(_) => None,
        });
        images
            .chain(self.output.map(|output| output.digest))
            .collect()
    }
}

impl Body {
    /// Digests of the contents that the end of a call refers to, by the types that hold them and by nothing
    /// that a model wrote: its output, and what files held before and after. Nothing else refers to any.
    #[must_use]
    pub fn contents(&self) -> BTreeSet<Digest> {
        End::of(self).map_or_else(BTreeSet::new, |end| end.contents())
    }

    /// Those of its contents of which it says that they were kept. Nothing where it does not say so of any,
    /// as entries of before do: of those nobody knows.
    #[must_use]
    pub fn kept_contents(&self) -> BTreeSet<Digest> {
        let said = End::of(self).and_then(|end| end.unkept.map(|unkept| (end.contents(), unkept)));
        said.map_or_else(BTreeSet::new, |(mut kept, unkept)| {
            kept.retain(|digest| !unkept.contains(digest));
            kept
        })
    }

    /// The same, saying which of its contents are not kept, if it refers to any.
    #[must_use]
    pub fn keeping(mut self, lacking: &[Digest]) -> Self {
        let contents = self.contents();
        if contents.is_empty() {
            return self;
        }
        let unkept = contents.into_iter().filter(|one| lacking.contains(one));
        let unkept = Some(unkept.collect());
        if let Self::Commit(commit) = &mut self {
            commit.unkept = unkept;
        } else if let Self::Failure(failure) = &mut self {
            failure.unkept = unkept;
        }
        self
    }
}
