//! Another approver's key, read from its file, and what it signs here: answers to holds `[A3]`.

use thymos_core::approval::{Answer, Decision, Scope, SignedAnswer, Via};
use thymos_core::key::SigningKey;
use thymos_core::writ::Party;
use thymos_ports::Clock;
use thymos_protocol::Card;

use super::Setting;
use crate::args::SignerArgs;
use crate::error::{AppError, ErrorKind};
use crate::system::SystemClock;
use crate::wire::keys;
use crate::wire::trust::TrustFile;

/// Somebody who answers with a key of their own.
pub(super) struct Signer {
    party: Party,
    key: SigningKey,
}

impl Signer {
    /// Reads the key file that was named; none when none was.
    pub(super) fn read(setting: &Setting<'_>, args: &SignerArgs) -> Result<Option<Self>, AppError> {
        let Some(file) = &args.key else {
            return Ok(None);
        };
        let key = keys::read(file)?;
        let public = key.public();
        let trust = TrustFile::read(&setting.config.paths)?;
        let trusted = trust
            .as_ref()
            .is_some_and(|trust| trust.roots().trusts_operator(&public));
        let name = trust.as_ref().and_then(|trust| trust.name_of(&public));
        // [A2] The kernel refuses it as well; here the sentence can say what to do.
        let Some(name) = name.filter(|_| trusted) else {
            let message = format!("the key of `{}` ({public}) is not trusted", file.display());
            return Err(AppError::new(ErrorKind::Refused, message)
                .hint(format!("first: thymos keys trust NAME {public}")));
        };
        if let Some(said) = args.as_.as_deref().filter(|said| *said != name) {
            let message = format!(
                "the key of `{}` is trusted as `{name}`, not `{said}`",
                file.display()
            );
            return Err(AppError::new(ErrorKind::Refused, message).hint("leave --as out"));
        }
        let party = Party {
            name: name.to_owned(),
            key: public,
        };
        Ok(Some(Self { party, key }))
    }

    /// Signs an answer to what this card shows `[A2]`.
    pub(super) fn answer(
        &self,
        card: &Card,
        decision: Decision,
        reason: &str,
    ) -> Result<SignedAnswer, AppError> {
        let answer = Answer {
            v: 1,
            proposal: card.proposal,
            presented: card.presented,
            decision,
            scope: Scope::Once,
            reason: reason.to_owned(),
            via: Via::Cli,
            fully_viewed: true,
            by: self.party.clone(),
            at: SystemClock.now(),
        };
        answer
            .sign(&self.key)
            .map_err(|e| AppError::new(ErrorKind::Internal, e.to_string()))
    }
}
