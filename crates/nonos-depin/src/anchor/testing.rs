//! The checks any [`Anchor`] must pass.
//!
//! ```
//! use ed25519_dalek::SigningKey;
//! use nonos_depin::anchor::{Anchor as _, Chain, Commitment, FileAnchor, Quorum, countersign, testing};
//! use nonos_types::{NetworkId, NodeId, Timestamp};
//!
//! struct Carried {
//!     directory: tempfile::TempDir,
//!     made: bool,
//! }
//!
//! # const WITNESS: [u8; 32] = [2; 32];
//! impl testing::Site for Carried {
//!     type Anchor = FileAnchor;
//!
//!     fn open(&mut self) -> FileAnchor {
//!         let path = self.directory.path().join("batches.anchor");
//!         let (node, network) = (SigningKey::from_bytes(&[1; 32]), NetworkId::named("example"));
//!         let witness = SigningKey::from_bytes(&WITNESS).verifying_key();
//!         let quorum = Quorum::new([NodeId::from_bytes(witness.to_bytes())], 1).unwrap();
//!         let open = if self.made { FileAnchor::open } else { FileAnchor::create };
//!         self.made = true;
//!         open(&path, network, &node, quorum).unwrap()
//!     }
//!
//!     fn take_up(&mut self, _: &mut FileAnchor) {} // it is in the file already
//!
//!     fn conclude(&mut self, anchor: &mut FileAnchor) {
//!         for anchored in anchor.history(usize::MAX).unwrap() {
//!             let key = SigningKey::from_bytes(&WITNESS);
//!             let answer = countersign(&anchored.commitment, Timestamp::new(7), &key);
//!             anchor.acknowledge(&answer).unwrap();
//!         }
//!     }
//! }
//!
//! testing::check_anchor(|| Carried { directory: tempfile::tempdir().unwrap(), made: false });
//! ```

use nonos_types::{NetworkId, NodeId, Timestamp};

use super::{Anchor, BatchId, Commitment, Error, State, StateRoot};

/// A place to anchor in, and a hand on what is outside of the node.
pub trait Site {
    /// The anchor that is checked.
    type Anchor: Anchor;

    /// Opens it. The first time it has no commitment of this chain; after that, the anchor given before has been
    /// dropped, and what was recorded is there.
    fn open(&mut self) -> Self::Anchor;

    /// Lets the place record what was handed in, and no more: nothing becomes final by it.
    fn take_up(&mut self, anchor: &mut Self::Anchor);

    /// Makes what there must be outside for all that is recorded to be final.
    fn conclude(&mut self, anchor: &mut Self::Anchor);
}

const NOW: Timestamp = Timestamp::new(1_800_000_000);

/// Checks the promises of [`Anchor`].
///
/// # Panics
/// With the first promise that is not kept. `fresh` must give an unused place each time.
pub fn check_anchor<S: Site>(mut fresh: impl FnMut() -> S) {
    is_empty_when_fresh(fresh());
    records_in_order_and_gives_back(fresh());
    takes_the_same_again_once(fresh());
    refuses_what_does_not_follow(fresh());
    refuses_what_is_of_another_chain(fresh());
    refuses_other_content_under_a_known_name(fresh());
    finds_what_was_tampered_with(fresh());
    is_final_by_evidence_only(fresh());
    goes_on_after_restarts(fresh());
}

fn is_empty_when_fresh(mut site: impl Site) {
    let mut anchor = site.open();
    let next = commitment(&anchor, 1);
    assert_eq!(head(&mut anchor), None, "has no head when fresh");
    assert_eq!(names(&mut anchor), [], "has no history when fresh");
    let state = anchor.poll(&next.batch, NOW).expect("a poll");
    assert_eq!(
        state,
        State::Pending,
        "knows nothing of a batch it was never given"
    );
    let verdict = anchor.verify(&next);
    assert!(
        matches!(verdict, Err(Error::NotAnchored { batch }) if batch == next.batch),
        "verifies nothing it does not have: {verdict:?}"
    );
}

fn records_in_order_and_gives_back(mut site: impl Site) {
    let mut anchor = site.open();
    let all: Vec<_> = (1..=4).map(|number| commitment(&anchor, number)).collect();
    for next in &all {
        record(&mut site, &mut anchor, next);
        assert_eq!(head(&mut anchor), Some(next.batch), "makes what it took the head");
    }
    let history = anchor.history(usize::MAX).expect("a history");
    let given: Vec<_> = history.iter().map(|it| it.commitment).collect();
    assert_eq!(given, all, "gives back what was submitted, in its order");
    let newest = anchor.history(2).expect("a history");
    let given: Vec<_> = newest.iter().map(|it| it.commitment).collect();
    assert_eq!(given, all[2..], "gives back the newest where fewer are asked for");
    assert_eq!(
        anchor.history(0).expect("a history"),
        [],
        "gives back none where none is asked for"
    );
}

fn takes_the_same_again_once(mut site: impl Site) {
    let mut anchor = site.open();
    let (first, second) = (commitment(&anchor, 1), commitment(&anchor, 2));
    submit(&mut anchor, &first);
    let again = submit(&mut anchor, &first);
    assert_ne!(
        again,
        State::Pending,
        "takes a commitment again that is on its way"
    );
    site.take_up(&mut anchor);
    submit(&mut anchor, &first);
    record(&mut site, &mut anchor, &second);
    submit(&mut anchor, &first);
    submit(&mut anchor, &second);
    site.take_up(&mut anchor);
    assert_eq!(
        names(&mut anchor),
        [first.batch, second.batch],
        "records a commitment once, however often it comes"
    );
    site.conclude(&mut anchor);
    for known in [&first, &second] {
        let state = submit(&mut anchor, known);
        assert!(
            matches!(state, State::Final(_)),
            "says of what is final that it is, when it comes again: {state:?}"
        );
    }
}

fn refuses_what_does_not_follow(mut site: impl Site) {
    let mut anchor = site.open();
    let mut orphan = commitment(&anchor, 1);
    orphan.prev = batch(77);
    refused(
        &mut anchor,
        &orphan,
        "a first commitment that follows something",
        |error| matches!(error, Error::StalePrev { head, .. } if *head == BatchId::ZERO),
    );
    let (first, second) = (commitment(&anchor, 1), commitment(&anchor, 2));
    record(&mut site, &mut anchor, &first);
    record(&mut site, &mut anchor, &second);
    for (prev, what) in [
        (BatchId::ZERO, "a second beginning"),
        (first.batch, "one that follows another than the newest"),
        (batch(77), "one that follows what was never here"),
    ] {
        let stale = Commitment {
            batch: batch(3),
            prev,
            ..second
        };
        refused(
            &mut anchor,
            &stale,
            what,
            |error| matches!(error, Error::StalePrev { head, .. } if *head == second.batch),
        );
    }
    site.take_up(&mut anchor);
    assert_eq!(
        names(&mut anchor),
        [first.batch, second.batch],
        "records nothing that it refused"
    );
}

fn refuses_what_is_of_another_chain(mut site: impl Site) {
    let mut anchor = site.open();
    let good = commitment(&anchor, 1);
    let foreign = Commitment {
        network: NetworkId::from_bytes([0xee; 32]),
        ..good
    };
    refused(
        &mut anchor,
        &foreign,
        "a commitment of another network",
        |error| matches!(error, Error::ForeignNetwork { .. }),
    );
    let foreign = Commitment {
        submitter: NodeId::from_bytes([0xee; 32]),
        ..good
    };
    refused(&mut anchor, &foreign, "a commitment of another node", |error| {
        matches!(error, Error::ForeignSubmitter { .. })
    });
    let nameless = Commitment {
        batch: BatchId::ZERO,
        prev: batch(77),
        ..good
    };
    refused(&mut anchor, &nameless, "a batch named zero", |error| {
        matches!(error, Error::BadBatch)
    });
    record(&mut site, &mut anchor, &good);
    let own_prev = Commitment {
        prev: good.batch,
        ..good
    };
    refused(&mut anchor, &own_prev, "a batch that follows itself", |error| {
        matches!(error, Error::BadBatch)
    });
}

fn refuses_other_content_under_a_known_name(mut site: impl Site) {
    let mut anchor = site.open();
    let (first, second) = (commitment(&anchor, 1), commitment(&anchor, 2));
    submit(&mut anchor, &first);
    let other = Commitment { entries: 99, ..first };
    refused(
        &mut anchor,
        &other,
        "other content for what is on its way",
        |error| matches!(error, Error::Differs { field, .. } if *field == "entries"),
    );
    site.take_up(&mut anchor);
    record(&mut site, &mut anchor, &second);
    for known in [first, second] {
        let other = Commitment {
            root: StateRoot::from_bytes([0xee; 32]),
            ..known
        };
        refused(
            &mut anchor,
            &other,
            "another root for what is recorded",
            |error| matches!(error, Error::Differs { field, .. } if *field == "root"),
        );
    }
}

fn finds_what_was_tampered_with(mut site: impl Site) {
    let mut anchor = site.open();
    let (first, second) = (commitment(&anchor, 1), commitment(&anchor, 2));
    record(&mut site, &mut anchor, &first);
    record(&mut site, &mut anchor, &second);
    for good in [first, second] {
        let state = anchor.verify(&good).expect("what is recorded verifies");
        assert_ne!(state, State::Pending, "verifies what is recorded");
        let renamed = Commitment {
            batch: batch(55),
            ..good
        };
        let verdict = anchor.verify(&renamed);
        assert!(
            matches!(verdict, Err(Error::OtherBatch { anchored, .. }) if anchored == good.batch),
            "finds another batch in the place of one: {verdict:?}"
        );
        let changes: [(&str, Commitment); 3] = [
            (
                "root",
                Commitment {
                    root: StateRoot::from_bytes([0xee; 32]),
                    ..good
                },
            ),
            ("entries", Commitment { entries: 99, ..good }),
            (
                "prev",
                Commitment {
                    prev: batch(55),
                    ..good
                },
            ),
        ];
        for (changed, tampered) in changes {
            let verdict = anchor.verify(&tampered);
            assert!(
                matches!(verdict, Err(Error::Differs { field, .. }) if field == changed),
                "finds another {changed}: {verdict:?}"
            );
        }
    }
    let unknown = commitment(&anchor, 3);
    let verdict = anchor.verify(&unknown);
    assert!(
        matches!(verdict, Err(Error::NotAnchored { .. })),
        "does not verify what would be next: {verdict:?}"
    );
    let foreign = Commitment {
        network: NetworkId::from_bytes([0xee; 32]),
        ..first
    };
    let verdict = anchor.verify(&foreign);
    assert!(
        matches!(verdict, Err(Error::ForeignNetwork { .. })),
        "does not verify what is of another network: {verdict:?}"
    );
}

fn is_final_by_evidence_only(mut site: impl Site) {
    let mut anchor = site.open();
    let (first, second) = (commitment(&anchor, 1), commitment(&anchor, 2));
    record(&mut site, &mut anchor, &first);
    for _ in 0..3 {
        let state = poll(&mut anchor, &first);
        assert!(
            matches!(state, State::Submitted { .. }),
            "is not final before there is evidence, however often it is asked: {state:?}"
        );
    }
    site.conclude(&mut anchor);
    let State::Final(evidence) = poll(&mut anchor, &first) else {
        panic!("is final when there is evidence");
    };
    assert!(
        !evidence.source.is_empty() && !evidence.reference.is_empty() && evidence.at != Timestamp::ZERO,
        "names its evidence: {evidence:?}"
    );
    assert_eq!(
        anchor.verify(&first).expect("a verdict"),
        State::Final(evidence.clone()),
        "verifies by the same evidence"
    );
    record(&mut site, &mut anchor, &second);
    let states: Vec<_> = anchor
        .history(usize::MAX)
        .expect("a history")
        .into_iter()
        .map(|it| matches!(it.state, State::Final(_)))
        .collect();
    assert_eq!(states, [true, false], "calls final what is, and nothing after it");
}

fn goes_on_after_restarts(mut site: impl Site) {
    let mut anchor = site.open();
    let all: Vec<_> = (1..=4).map(|number| commitment(&anchor, number)).collect();
    for (index, next) in all.iter().enumerate() {
        submit(&mut anchor, next);
        drop(anchor);
        anchor = site.open();
        submit(&mut anchor, next);
        site.take_up(&mut anchor);
        drop(anchor);
        anchor = site.open();
        assert_eq!(
            head(&mut anchor),
            Some(next.batch),
            "knows its head after a restart"
        );
        let state = submit(&mut anchor, next);
        assert!(
            matches!(state, State::Submitted { .. }),
            "knows after a restart what was submitted: {state:?}"
        );
        site.conclude(&mut anchor);
        poll(&mut anchor, next);
        drop(anchor);
        anchor = site.open();
        let state = poll(&mut anchor, next);
        assert!(
            matches!(state, State::Final(_)),
            "stays final after a restart: {state:?}"
        );
        assert_eq!(names(&mut anchor).len(), index + 1, "records once over restarts");
    }
}

fn record<S: Site>(site: &mut S, anchor: &mut S::Anchor, next: &Commitment) {
    submit(anchor, next);
    site.take_up(anchor);
    let state = poll(anchor, next);
    assert_ne!(state, State::Pending, "knows what it took");
}

fn submit(anchor: &mut impl Anchor, next: &Commitment) -> State {
    let submission = anchor
        .submit(next, NOW)
        .expect("a commitment that follows is taken");
    assert_eq!(submission.batch, next.batch, "answers for the batch it was given");
    submission.state
}

fn poll(anchor: &mut impl Anchor, known: &Commitment) -> State {
    anchor.poll(&known.batch, NOW).expect("a poll")
}

fn head(anchor: &mut impl Anchor) -> Option<BatchId> {
    anchor.head().expect("a head")
}

fn names(anchor: &mut impl Anchor) -> Vec<BatchId> {
    let history = anchor.history(usize::MAX).expect("a history");
    history.into_iter().map(|it| it.commitment.batch).collect()
}

fn refused(anchor: &mut impl Anchor, bad: &Commitment, what: &str, by: impl Fn(&Error) -> bool) {
    match anchor.submit(bad, NOW) {
        Ok(submission) => panic!("refuses {what}, and took it: {submission:?}"),
        Err(error) => assert!(by(&error), "refuses {what} by its cause, and said: {error:?}"),
    }
}

/// The `number`th of a chain.
fn commitment(anchor: &impl Anchor, number: u8) -> Commitment {
    let chain = anchor.chain();
    Commitment {
        network: chain.network,
        submitter: chain.submitter,
        batch: batch(number),
        prev: if number == 1 {
            BatchId::ZERO
        } else {
            batch(number - 1)
        },
        root: StateRoot::from_bytes([number | 0x80; 32]),
        entries: u64::from(number) * 10,
    }
}

fn batch(number: u8) -> BatchId {
    BatchId::from_bytes([number; 32])
}
