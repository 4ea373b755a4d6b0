use crate::{
    BadRelay, ByteLen, Equivocation, Error, EvidenceId, FalseAccusation, FalseVerdict, FeedFork, ForkedHead,
    Further, Inclusion, NetworkId, NodeId, NonceReuse, Payload, Receipt, RelayHead, Signed, Timestamp,
    VoucherConflict,
    record::bytes::digest,
    wire::{self, proto},
};

pub(super) const NAME: &str = "accusation";

/// A node, who signs it, accuses another of a fault that anyone can check offline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accusation {
    /// Network of the fault: the receipt's, and the relay's.
    pub network: NetworkId,
    /// What shows it.
    pub evidence: Evidence,
    /// When the accuser found it.
    pub at: Timestamp,
}

/// What shows a fault. That it does is not known until it is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// E1: a receipt whose proof does not verify.
    InvalidProof(Box<InvalidProof>),
    /// E4: a relay that accepted such a receipt.
    BadRelay(Box<BadRelay>),
    /// E2: an executor that says two things of one run.
    NonceReuse(Box<NonceReuse>),
    /// E9: a relay that keeps two logs.
    ForkedHead(Box<ForkedHead>),
    /// E7: a node that describes itself in two ways at once.
    Equivocation(Box<Equivocation>),
    /// E3: a verifier that says of a proof what is not so.
    FalseVerdict(Box<FalseVerdict>),
    /// E6: a payer that owes two things at once.
    VoucherConflict(Box<VoucherConflict>),
    /// E5: an author whose books say two things in one place.
    FeedFork(Box<FeedFork>),
    /// E8: an accuser whose evidence shows nothing.
    FalseAccusation(Box<FalseAccusation>),
}

/// A signed receipt, with the tapes and proof it commits to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidProof {
    /// The receipt.
    pub receipt: Signed<Receipt>,
    /// Bytes of the tapes.
    pub tapes: Vec<u8>,
    /// Bytes of the proof.
    pub proof: Vec<u8>,
}

impl Evidence {
    /// Its name: the same for the same fault, whoever accuses, whenever.
    pub fn id(&self) -> EvidenceId {
        match self {
            Self::InvalidProof(it) => it.id(),
            Self::BadRelay(it) => it.id(),
            Self::ForkedHead(it) => it.id(),
            Self::Equivocation(it) => it.id(),
            Self::NonceReuse(it) => it.id(),
            Self::FalseVerdict(it) => it.id(),
            Self::VoucherConflict(it) => it.id(),
            Self::FeedFork(it) => it.id(),
            Self::FalseAccusation(it) => it.id(),
        }
    }

    /// What it is called: the first part of its name's digest.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::InvalidProof(_) => "invalid-proof",
            Self::BadRelay(_) => "bad-relay",
            Self::ForkedHead(_) => "forked-head",
            Self::Equivocation(_) => "equivocation",
            Self::NonceReuse(_) => "nonce-reuse",
            Self::FalseVerdict(_) => "false-verdict",
            Self::VoucherConflict(_) => "voucher-conflict",
            Self::FeedFork(_) => "feed-fork",
            Self::FalseAccusation(_) => "false-accusation",
        }
    }

    /// Whose fault it would be.
    pub fn subject(&self) -> NodeId {
        match self {
            Self::InvalidProof(it) => it.receipt.signer(),
            Self::BadRelay(it) => it.head.signer(),
            Self::ForkedHead(it) => it.subject(),
            Self::Equivocation(it) => it.subject(),
            Self::NonceReuse(it) => it.subject(),
            Self::FalseVerdict(it) => it.subject(),
            Self::VoucherConflict(it) => it.subject(),
            Self::FeedFork(it) => it.subject(),
            Self::FalseAccusation(it) => it.subject(),
        }
    }

    /// The receipt whose proof has to be checked to judge this, with what it commits to, where there is one.
    pub fn item(&self) -> Option<&InvalidProof> {
        match self {
            Self::InvalidProof(it) => Some(it),
            Self::BadRelay(it) => Some(&it.item),
            Self::FalseVerdict(it) => Some(&it.item),
            Self::FalseAccusation(it) => it.item(),
            Self::ForkedHead(_)
            | Self::Equivocation(_)
            | Self::NonceReuse(_)
            | Self::VoucherConflict(_)
            | Self::FeedFork(_) => None,
        }
    }

    /// Of evidence with such a receipt: does its proof have to hold for the fault to be shown? If not, it has to be invalid.
    pub fn needs_valid(&self) -> bool {
        match self {
            Self::FalseVerdict(it) => !it.verdict.valid,
            Self::FalseAccusation(it) => !it.accusation.evidence.needs_valid(),
            _ => false,
        }
    }
}

impl Payload for Accusation {
    const TYPE: &'static str = NAME;
    /// Less than a page of a journal, in which it has to fit. Evidence of longer proofs or tapes does not travel.
    const MAX: ByteLen = ByteLen::new(960 << 10);
    type Error = Error;

    fn to_bytes(&self) -> Vec<u8> {
        let mut message = proto::Accusation {
            network_id: self.network.as_bytes().to_vec(),
            at: self.at.get(),
            ..proto::Accusation::default()
        };
        match &self.evidence {
            Evidence::InvalidProof(it) => {
                message.evidence = Some(proto::accusation::Evidence::InvalidProof(it.to_proto()));
            }
            Evidence::BadRelay(it) => message.bad_relay = Some(it.to_proto()),
            Evidence::ForkedHead(it) => {
                message.forked_head = Some(proto::ForkedHead {
                    first: it.first.to_bytes(),
                    second: it.second.to_bytes(),
                });
            }
            Evidence::NonceReuse(it) => {
                message.nonce_reuse = Some(proto::NonceReuse {
                    first: it.first.to_bytes(),
                    second: it.second.to_bytes(),
                });
            }
            Evidence::Equivocation(it) => {
                message.equivocation = Some(proto::Equivocation {
                    first: it.first.to_bytes(),
                    second: it.second.to_bytes(),
                });
            }
            Evidence::FalseVerdict(it) => message.false_verdict = Some(it.to_proto()),
            Evidence::VoucherConflict(it) => {
                message.voucher_conflict = Some(proto::VoucherConflict {
                    first: it.first.to_bytes(),
                    second: it.second.to_bytes(),
                });
            }
            Evidence::FeedFork(it) => {
                message.feed_fork = Some(proto::FeedFork {
                    first: it.first.to_bytes(),
                    second: it.second.to_bytes(),
                });
            }
            Evidence::FalseAccusation(it) => message.false_accusation = Some(it.to_proto()),
        }
        wire::encode(&message)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let message: proto::Accusation = Further::refuse(NAME, Self::MAX, bytes)?;
        let network = digest(NAME, "network_id", &message.network_id)?;
        let at = Timestamp::new(message.at);
        Ok(Self {
            network,
            evidence: shown(message, network)?,
            at,
        })
    }
}

/// What it shows: exactly one thing. Nothing is verified before that is known.
fn shown(message: proto::Accusation, network: NetworkId) -> Result<Evidence, Error> {
    let there = [
        message.evidence.is_some(),
        message.bad_relay.is_some(),
        message.forked_head.is_some(),
        message.equivocation.is_some(),
        message.nonce_reuse.is_some(),
        message.false_verdict.is_some(),
        message.voucher_conflict.is_some(),
        message.feed_fork.is_some(),
        message.false_accusation.is_some(),
    ];
    if there.iter().filter(|it| **it).count() > 1 {
        return Err(bad("evidence"));
    }
    if let Some(proto::accusation::Evidence::InvalidProof(it)) = message.evidence {
        let read = InvalidProof::from_proto(it, network)?;
        return Ok(Evidence::InvalidProof(Box::new(read)));
    }
    if let Some(it) = message.bad_relay {
        return Ok(Evidence::BadRelay(Box::new(BadRelay::from_proto(it, network)?)));
    }
    if let Some(it) = message.forked_head {
        return Ok(Evidence::ForkedHead(Box::new(ForkedHead::from_proto(
            it, network,
        )?)));
    }
    if let Some(it) = message.equivocation {
        let read = Equivocation::read(&it.first, &it.second, network)?;
        return Ok(Evidence::Equivocation(Box::new(read)));
    }
    if let Some(it) = message.nonce_reuse {
        let read = NonceReuse::read(&it.first, &it.second, network)?;
        return Ok(Evidence::NonceReuse(Box::new(read)));
    }
    if let Some(it) = message.false_verdict {
        let read = FalseVerdict::from_proto(it, network)?;
        return Ok(Evidence::FalseVerdict(Box::new(read)));
    }
    if let Some(it) = message.voucher_conflict {
        let read = VoucherConflict::read(&it.first, &it.second, network)?;
        return Ok(Evidence::VoucherConflict(Box::new(read)));
    }
    if let Some(it) = message.feed_fork {
        let read = FeedFork::read(&it.first, &it.second, network)?;
        return Ok(Evidence::FeedFork(Box::new(read)));
    }
    if let Some(it) = message.false_accusation {
        let read = FalseAccusation::read(&it.accusation, network)?;
        return Ok(Evidence::FalseAccusation(Box::new(read)));
    }
    Err(Error::Missing {
        message: NAME,
        field: "evidence",
    })
}

pub(super) fn bad(field: &'static str) -> Error {
    Error::BadField { message: NAME, field }
}

impl InvalidProof {
    pub(super) fn to_proto(&self) -> proto::InvalidProof {
        proto::InvalidProof {
            receipt: self.receipt.to_bytes(),
            tapes: self.tapes.clone(),
            proof: self.proof.clone(),
        }
    }

    pub(super) fn from_proto(it: proto::InvalidProof, network: NetworkId) -> Result<Self, Error> {
        let receipt: Signed<Receipt> = Signed::from_bytes(&it.receipt)?;
        if receipt.network() != network {
            return Err(bad("network_id"));
        }
        Ok(Self {
            receipt,
            tapes: it.tapes,
            proof: it.proof,
        })
    }
}

impl BadRelay {
    fn to_proto(&self) -> proto::BadRelay {
        proto::BadRelay {
            head: self.head.to_bytes(),
            index: self.inclusion.index,
            path: self
                .inclusion
                .path
                .iter()
                .map(|it| it.as_bytes().to_vec())
                .collect(),
            item: Some(self.item.to_proto()),
        }
    }

    fn from_proto(it: proto::BadRelay, network: NetworkId) -> Result<Self, Error> {
        let head: Signed<RelayHead> = Signed::from_bytes(&it.head)?;
        if head.network != network {
            return Err(bad("network_id"));
        }
        if it.path.len() > RelayHead::MAX_PATH {
            return Err(bad("path"));
        }
        let path = it.path.iter().map(|it| digest(NAME, "path", it));
        let missing = Error::Missing {
            message: NAME,
            field: "item",
        };
        let evidence = Self {
            head,
            inclusion: Inclusion {
                index: it.index,
                path: path.collect::<Result<_, _>>()?,
            },
            item: InvalidProof::from_proto(it.item.ok_or(missing)?, network)?,
        };
        if !evidence.is_included() {
            return Err(bad("path"));
        }
        Ok(evidence)
    }
}

impl ForkedHead {
    fn from_proto(it: proto::ForkedHead, network: NetworkId) -> Result<Self, Error> {
        let evidence = Self {
            first: Signed::from_bytes(&it.first)?,
            second: Signed::from_bytes(&it.second)?,
        };
        if evidence.first.network != network {
            return Err(bad("network_id"));
        }
        if !evidence.is_fork() {
            return Err(bad("forked_head"));
        }
        Ok(evidence)
    }
}
