//! Versions of the gate. Each decides as it always did, so that what it decided can be derived again for
//! ever `[V3]`; new work is decided by the newest.

/// A version of the gate. Every proposal names the one that decided it `[Y2]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GateVersion {
    /// The first. It said of every call that its tool could not resolve that other arguments would allow
    /// it, and `1 times` of what was done once.
    V1,
    /// Offers nothing where nothing that can be signed or changed in the call would help `[C16]`.
    V2,
}

impl GateVersion {
    /// The one that decides new work.
    pub const NEWEST: Self = Self::V2;

    /// As it stands in proposals.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1 => "thymos-compiler 1",
            Self::V2 => "thymos-compiler 2",
        }
    }

    /// The version of that name; none that this program knows otherwise.
    ///
    /// # Examples
    /// ```
    /// use thymos_compiler::GateVersion;
    /// assert_eq!(GateVersion::named("thymos-compiler 1"), Some(GateVersion::V1));
    /// assert_eq!(GateVersion::named("thymos-compiler 01"), None);
    /// ```
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::V1, Self::V2]
            .into_iter()
            .find(|version| version.name() == name)
    }
}
