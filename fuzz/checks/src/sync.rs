//! What peers say to one another when they reconcile, and of a relay's journal: what is read has these bytes and no
//! others, and whatever it says is answered, or refused, in bounds.

use nonos_mesh::core::{
    journal,
    reconcile::{Answer, Ask, Initiator, Limits, Responder, Step, Summary},
};
use nonos_types::{Kind, MessageId, Timestamp};

/// Some names, as any node has them.
fn summary(kind: Kind) -> Summary {
    let mut summary = Summary::new(1000);
    for n in 0..500_u64 {
        let id = MessageId::hash(&[&n.to_le_bytes()]);
        summary.insert_name(kind, Timestamp::new(n / 2), id);
    }
    summary
}

/// Checks one input.
pub fn check(bytes: &[u8]) {
    if let Ok(ask) = Ask::from_bytes(bytes) {
        assert_eq!(ask.to_bytes(), bytes);
        if let Ok(answer) = Responder::new(&ask).answer(&summary(ask.kind), &ask) {
            assert_eq!(
                Answer::from_bytes(&answer.to_bytes()),
                Ok(answer),
                "what is said is sound"
            );
        }
    }
    if let Ok(answer) = Answer::from_bytes(bytes) {
        assert_eq!(answer.to_bytes(), bytes);
        let summary = summary(answer.kind);
        let window = nonos_mesh::core::reconcile::Window {
            from: Timestamp::ZERO,
            until: Timestamp::new(1000),
        };
        let (mut initiator, _) = Initiator::begin(&summary, answer.kind, window, Limits::ROUND);
        if let Ok((_, Step::Ask(ask))) = initiator.hear(&summary, &answer) {
            assert_eq!(
                Ask::from_bytes(&ask.to_bytes()),
                Ok(ask),
                "what is asked is sound"
            );
        }
    }
    if let Ok(ask) = journal::Ask::from_bytes(bytes) {
        assert_eq!(ask.to_bytes(), bytes);
    }
    if let Ok(answer) = journal::Answer::from_bytes(bytes) {
        assert_eq!(answer.to_bytes(), bytes);
    }
}
