//! What relays say they have accepted: passed on, and compared with what the same relay said before.

use nonos_mesh::core::journal::Seen;
use nonos_trust::{Conviction, Judgement};
use nonos_types::{Accusation, Evidence, RelayHead, Signed};

use super::{Decision, Engine, Error};

impl Engine {
    pub(super) fn judge_head(&mut self, it: &Signed<RelayHead>) -> Result<Decision, Error> {
        if self.trust.is_blacklisted(it.signer())? {
            return Ok(Decision::Ignore);
        }
        Ok(match self.heads.see(it) {
            Seen::New | Seen::Known => Decision::Accept,
            Seen::TooMany => Decision::Ignore,
            Seen::Fork(fork) => {
                self.accuse_at_once(Evidence::ForkedHead(fork))?;
                Decision::Ignore
            }
        })
    }

    /// Convicts and accuses on evidence that needs no proof to be checked.
    fn accuse_at_once(&mut self, evidence: Evidence) -> Result<(), Error> {
        let guilty = Judgement::Guilty {
            subject: evidence.subject(),
            evidence: evidence.id(),
        };
        let accusation = Accusation {
            network: self.network,
            evidence,
            at: self.now.time,
        };
        let signed = Signed::new(accusation, self.identity.signing_key());
        if self.convict(&signed, &guilty)? != Conviction::Known {
            self.tell(signed)?;
        }
        Ok(())
    }
}
