//! Where skills come from: a source that the app hands over, and what is wrong with what it finds.

use thymos_compiler::{ToolSet, unknown_names};
use thymos_core::skill::{SkillFile, SkillParam};
use thymos_core::tool::ToolContract;
use thymos_core::writ::TrustRoots;
use thymos_protocol::{SkillParamRow, SkillRow};

/// A file of the operator's skills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundSkill {
    /// The file's name without its ending.
    pub name: String,
    /// What it holds, or what is wrong with it.
    pub file: Result<SkillFile, String>,
}

/// Finds the operator's skills. The app's folder stands behind it; no tool can write there `[R3]`.
pub trait SkillSource: Send + Sync {
    /// Everything that is there, read now, in order of names.
    fn find(&self) -> Vec<FoundSkill>;
}

/// For who has none.
pub struct NoSkills;

impl SkillSource for NoSkills {
    fn find(&self) -> Vec<FoundSkill> {
        Vec::new()
    }
}

/// Why a skill may not be bound here.
pub(crate) struct Unsound {
    /// A sentence.
    pub(crate) why: String,
    /// Whether it is the signature: the file is sound, and gives no authority.
    pub(crate) unauthorized: bool,
}

impl Unsound {
    fn file(why: impl Into<String>) -> Self {
        let (why, unauthorized) = (why.into(), false);
        Self { why, unauthorized }
    }

    fn signature(why: String) -> Self {
        let unauthorized = true;
        Self { why, unauthorized }
    }
}

/// The skill in a file, if it may be bound here.
///
/// # Errors
/// [`Unsound`]: malformed, misnamed, signed by a stranger, or naming a tool that does not exist.
pub(crate) fn sound<'f>(
    found: &'f FoundSkill,
    roots: &TrustRoots,
    tools: &ToolSet,
) -> Result<&'f SkillFile, Unsound> {
    let file = found.file.as_ref().map_err(Unsound::file)?;
    if file.skill.name != found.name {
        return Err(Unsound::file(format!(
            "the file `{}.json` holds the skill `{}`",
            found.name, file.skill.name
        )));
    }
    if let Some(signed) = &file.signed {
        if !roots.trusts_operator(&signed.signer) {
            return Err(Unsound::signature(format!(
                "signed by {}, which is not among the trust roots",
                signed.signer.short()
            )));
        }
        if !file.signature_holds() {
            return Err(Unsound::signature(format!(
                "the signature of {} is not over this definition",
                signed.signer.short()
            )));
        }
    }
    let contracts: Vec<&ToolContract> = tools.contracts().collect();
    let names = contracts.iter().map(|tool| tool.name.as_str());
    if let Some(tool) = file.skill.unknown_tool(names) {
        return Err(Unsound::file(format!("no tool here is called `{tool}`")));
    }
    // A condition that no call can meet would refuse every one, and say so only then.
    if let Some(flaw) = unknown_names(&file.skill.grants, &contracts).first() {
        let why = format!("`{}`: {}", flaw.field, flaw.said);
        return Err(Unsound::file(why));
    }
    Ok(file)
}

/// A file in a row.
pub(crate) fn row(found: &FoundSkill, roots: &TrustRoots, tools: &ToolSet) -> SkillRow {
    let unsound = sound(found, roots, tools).err();
    let unauthorized = unsound.as_ref().is_some_and(|no| no.unauthorized);
    let fault = unsound.map(|no| no.why);
    let Ok(file) = &found.file else {
        return SkillRow {
            name: found.name.clone(),
            version: 0,
            title: String::new(),
            id: String::new(),
            signed_by: None,
            params: Vec::new(),
            fault,
            unauthorized,
        };
    };
    let skill = &file.skill;
    SkillRow {
        name: found.name.clone(),
        version: skill.version,
        title: skill.title.clone(),
        id: skill
            .id()
            .map_or_else(|_| String::new(), |id| id.to_string()),
        signed_by: file.signed.as_ref().map(|signed| {
            let known = roots.operators.iter().find(|p| p.key == signed.signer);
            known.map_or_else(|| signed.signer.short(), |party| party.name.clone())
        }),
        params: skill.params.iter().map(param).collect(),
        fault,
        unauthorized,
    }
}

fn param(param: &SkillParam) -> SkillParamRow {
    SkillParamRow {
        key: param.key.clone(),
        description: param.description.clone(),
        default: param.default.clone(),
        values: param.values.clone(),
    }
}
