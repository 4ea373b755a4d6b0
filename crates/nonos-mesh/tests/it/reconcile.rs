mod exact;
mod hostile;
mod pace;
mod shards;
mod swarm;

use nonos_mesh::core::reconcile::{
    Answer, Ask, Found, Initiator, Limits, Serve, Step, Summary, Unsound, Window,
};
use nonos_types::{Kind, MessageId, Timestamp};

const KIND: Kind = Kind::Receipt;
const ALL: Window = Window {
    from: Timestamp::ZERO,
    until: Timestamp::new(u64::MAX),
};

/// A name, and when.
type Name = (Timestamp, MessageId);

/// The `n`th of a series of names: three of them a second.
fn name(series: u64, n: u64) -> Name {
    let id = MessageId::hash(&[&series.to_le_bytes(), &n.to_le_bytes()]);
    (Timestamp::new(1_700_000_000 + n / 3), id)
}

fn summary(names: impl IntoIterator<Item = Name>) -> Summary {
    let mut summary = Summary::new(Summary::MOST);
    for (at, id) in names {
        assert!(summary.insert_name(KIND, at, id));
    }
    summary
}

/// What two nodes found, and what it took.
#[derive(Debug, Default)]
struct Talk {
    need: Vec<MessageId>,
    have: Vec<MessageId>,
    asks: u32,
    bytes: usize,
    cut: bool,
}

/// Reconciles as two nodes would, through bytes.
fn talk(ours: &Summary, theirs: &Summary) -> Result<Talk, Unsound> {
    let mut talk = Talk::default();
    let (mut initiator, mut ask) = Initiator::begin(ours, KIND, ALL, Limits::ROUND);
    let now = Timestamp::new(1_800_000_000);
    let mut serve = Serve::new(now);
    loop {
        let sent = ask.to_bytes();
        let answer = serve.answer(theirs, &Ask::from_bytes(&sent)?, now)?.to_bytes();
        assert!(sent.len().max(answer.len()) as u64 <= Limits::MESSAGE.get());
        talk.asks += 1;
        talk.bytes += sent.len() + answer.len();
        let (Found { need, have }, step) = initiator.hear(ours, &Answer::from_bytes(&answer)?)?;
        talk.need.extend(need);
        talk.have.extend(have);
        match step {
            Step::Ask(next) => ask = next,
            Step::Done => break,
            Step::Cut => {
                talk.cut = true;
                break;
            }
        }
    }
    assert!(talk.bytes as u64 <= Limits::ROUND.get());
    talk.need.sort();
    talk.have.sort();
    Ok(talk)
}
