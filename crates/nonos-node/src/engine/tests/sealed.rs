//! Jobs with something to hide, and executors that are wanted more than others. What is sealed is sealed and opened as it
//! is in a node; only runs and proofs are not made.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::SigningKey;
use nonos_machine::tables::TapeWords;
use nonos_seal::commit_outputs_by;
use nonos_trust::{
    Context, Identity,
    boxes::{self, ContentKey},
};
use nonos_types::*;

use super::world::*;
use crate::{
    api::{JobState, SecretHex, Submission},
    choice::System,
    engine::{Input, Opened},
    sealed::{self, Opening},
};

const INPUT: &[u8] = b"the balance of the account is 1200";
const RESULT: &[u8] = b"the account is solvent";
const SCHEME: CommitmentScheme = System::Stark.scheme();

/// Ciphertexts that nodes give one another, and who was seen to open them.
#[derive(Default)]
pub(super) struct Vault {
    objects: BTreeMap<[u8; 32], Vec<u8>>,
    /// Inputs that executors have opened.
    seen: Vec<(NodeId, Vec<u8>)>,
    /// Executors that seal something else than the outputs, and such as give nobody the result.
    liars: BTreeSet<NodeId>,
    misers: BTreeSet<NodeId>,
    /// How often results were asked for.
    asked: usize,
}

fn identity(key: &SigningKey) -> Identity {
    Identity::from_seed(key.to_bytes())
}

impl Vault {
    /// Seals the input of a submission.
    pub(super) fn seal(&mut self, key: &SigningKey, submission: &Submission, salt: u8) -> Option<SealedTape> {
        let input = hex::decode(&submission.sealed_input_hex.as_ref()?.0).expect("hex");
        let (tape, bytes) = sealed::seal_input(
            &identity(key),
            network(),
            &Salt::new([salt; 16]),
            SCHEME,
            &nonos_machine::Salt::new([salt; 32]),
            &input,
        )
        .expect("short");
        self.objects.insert(tape.object.to_bytes(), bytes);
        Some(tape)
    }

    /// An executor begins a run; if what is sealed is not what the offer says, this is what happens instead.
    pub(super) fn open_input(
        &mut self,
        node: NodeId,
        offer: &Signed<Offer>,
        key: Option<&ContentKey>,
    ) -> Option<Input> {
        let tape = offer.sealed?;
        let key = key.expect("no run of a sealed input is begun without its key");
        match sealed::open_input(offer, key, &self.objects[tape.object.as_bytes()]) {
            Ok(input) => {
                self.seen.push((node, input.bytes.to_vec()));
                None
            }
            Err(error) => Some(Input::Unopened {
                job: offer.job(),
                reason: error.to_string(),
            }),
        }
    }

    /// Makes of a receipt the one that a job with something to hide asks for.
    pub(super) fn seal_receipt(
        &mut self,
        receipt: Signed<Receipt>,
        offer: &Signed<Offer>,
        key: &SigningKey,
    ) -> Signed<Receipt> {
        if !offer.hides() {
            return receipt;
        }
        let mut receipt = receipt.value().clone();
        receipt.record.proven.sealed_input = offer.sealed.map(|it| it.commitment);
        if offer.result_key.is_some() {
            let slot = receipt.record.proven.slot;
            let mut opening = Opening {
                salt: nonos_machine::Salt::new(*id(key).as_bytes()),
                tapes: [
                    TapeWords::from_bytes(RESULT),
                    TapeWords::default(),
                    TapeWords::default(),
                ],
            };
            let commitment = commit_outputs_by(SCHEME, &opening.tapes, &opening.salt).expect("a scheme");
            receipt.record.proven.output = Output::Commitment(commitment);
            if self.liars.contains(&id(key)) {
                opening.tapes[0] = TapeWords::from_bytes(b"something else");
            }
            let (result, bytes) =
                sealed::seal_result(&identity(key), offer, slot, &opening).expect("a sound key");
            receipt.result = Some(result);
            self.objects.insert(result.object.to_bytes(), bytes);
        }
        Signed::new(receipt, key)
    }

    /// The requester gets a result.
    pub(super) fn open_result(
        &mut self,
        requester: &SigningKey,
        offer: &Signed<Offer>,
        receipt: &Signed<Receipt>,
    ) -> Input {
        self.asked += 1;
        let bytes = receipt
            .result
            .and_then(|it| self.objects.get(it.object.as_bytes()));
        let bytes = bytes.filter(|_| !self.misers.contains(&receipt.signer()));
        let opened = match bytes {
            None => Opened::Missing("nobody gives it".to_owned()),
            Some(bytes) => match sealed::open_result(&identity(requester), offer, receipt, bytes) {
                Ok(opening) => {
                    assert_eq!(opening.tapes[0].bytes(), RESULT);
                    Opened::Good
                }
                Err(error) => Opened::Bad(error.to_string()),
            },
        };
        Input::ResultOpened {
            job: offer.job(),
            receipt: receipt.receipt_id(),
            opened,
        }
    }
}

fn hidden(verifiers: u16, deadline_s: u64) -> Submission {
    Submission {
        sealed_input_hex: Some(SecretHex(hex::encode(INPUT))),
        seal_result: true,
        ..submission(verifiers, deadline_s)
    }
}

fn executor(world: &World, job: JobId) -> Option<NodeId> {
    world.nodes[0].engine.jobs[&job].seats[0].executor()
}

fn fees(world: &World) -> Vec<NodeId> {
    let paid = world.paid(0).into_iter();
    paid.filter(|(_, kind, _)| *kind == FeeKind::Execute)
        .map(|(node, ..)| node)
        .collect()
}

fn score(world: &World, of: NodeId) -> nonos_trust::Ppm {
    let engine = &world.nodes[0].engine;
    let standing = engine.trust.standing(of, world.now().time).expect("readable");
    standing.of(Context::Execute).score
}

fn refused(world: &World, node: usize, job: JobId) -> Option<&'static str> {
    let job = &world.nodes[node].engine.jobs[&job];
    job.refused.as_ref().map(|it| it.code)
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// An offer of somebody who is none of the nodes, with a sealed input.
fn strange_offer(world: &mut World, change: impl FnOnce(&mut Offer)) -> (SigningKey, Signed<Offer>) {
    let requester = key(90);
    let salt = 7;
    let tape = world.vault.seal(&requester, &hidden(0, 600), salt);
    let mut offer = Offer {
        sealed: tape,
        ..offer(salt, world.time(), world.time() + 600)
    };
    change(&mut offer);
    let offer = Signed::new(offer, &requester);
    world.inject(&offer.clone().into());
    world.pass(3);
    (requester, offer)
}

/// Awards it to a node as its requester would, but for what is changed.
fn award(
    world: &mut World,
    requester: &SigningKey,
    offer: &Signed<Offer>,
    node: usize,
    change: impl FnOnce(&mut Award),
) {
    let executor = world.id(node);
    let seat = &world.nodes[node].engine.jobs[&offer.job()].seats[0];
    let to = seat.boxes.get(&executor);
    let sealed_key = sealed::award_key(&identity(requester), offer, Slot::ZERO, executor, to);
    let mut award = Award {
        network: network(),
        job: offer.job(),
        slot: Slot::ZERO,
        executor,
        at: Timestamp::new(world.time()),
        sealed_key: sealed_key.expect("it has claimed"),
    };
    change(&mut award);
    world.inject(&signed(award, requester));
}

#[test]
fn a_job_with_something_to_hide_is_run_by_who_is_awarded_and_paid() {
    let mut world = World::new(4);
    let job = world.submit_as(hidden(1, 600), 1).expect("a job");
    world.pass(30);
    let executor = executor(&world, job).expect("an award");
    assert_eq!(world.vault.seen, [(executor, INPUT.to_vec())]);
    assert_eq!(fees(&world), [executor]);
    assert_eq!(world.vault.asked, 1);
    world.pass(600);
    assert_eq!(world.held(0), 0);
    world.assert_books_agree();
    // Nobody was told the input or the result, or is needed to judge the receipt.
    for node in 0..4 {
        for message in journal(&world, node) {
            let bytes = message.to_bytes();
            assert!(!holds(&bytes, &INPUT[..8]) && !holds(&bytes, &RESULT[..8]));
        }
        assert!(world.nodes[node].engine.jobs[&job].is_paid());
    }
    assert_eq!(world.vault.seen.len(), 1, "nobody else has opened the input");
}

#[test]
fn several_executors_run_the_same_sealed_input() {
    let mut world = World::new(4);
    let submission = Submission {
        slots: 3,
        ..hidden(0, 600)
    };
    world.submit_as(submission, 1).expect("a job");
    world.pass(40);
    let executors: BTreeSet<NodeId> = world.vault.seen.iter().map(|(node, _)| *node).collect();
    assert_eq!(executors.len(), 3);
    assert!(world.vault.seen.iter().all(|(_, input)| input == INPUT));
    assert_eq!(fees(&world).len(), 3);
}

#[test]
fn an_award_that_does_not_open_is_not_run_and_spends_no_attempt() {
    type Change = fn(&mut Award);
    let changes: [Change; 2] = [
        // As it was made for somebody else.
        |it| it.sealed_key = Some(SealedKey::from_bytes([9; 80])),
        |it| {
            let mut key = *it.sealed_key.expect("a key").as_bytes();
            key[79] ^= 1;
            it.sealed_key = Some(SealedKey::from_bytes(key));
        },
    ];
    for change in changes {
        let mut world = World::new(1);
        let (requester, offer) = strange_offer(&mut world, |_| {});
        let job = offer.job();
        award(&mut world, &requester, &offer, 0, change);
        world.pass(30);
        assert_eq!(refused(&world, 0, job), Some("sealed"));
        assert!(world.vault.seen.is_empty() && world.nodes[0].ran.is_empty());
        assert_eq!(attempts(&world, job), None);
    }
    let mut world = World::new(1);
    let (requester, offer) = strange_offer(&mut world, |_| {});
    award(&mut world, &requester, &offer, 0, |_| {});
    world.pass(30);
    assert_eq!(refused(&world, 0, offer.job()), None);
    assert_eq!(world.nodes[0].ran.len(), 1);
}

fn attempts(world: &World, job: JobId) -> Option<Attempt> {
    let store = &*world.nodes[0].store;
    crate::engine::executor::ATTEMPTS
        .get(store, &job)
        .expect("readable")
}

/// Each node hears every award, and has claimed the same slot itself.
#[test]
fn an_award_to_another_opens_for_nobody_who_hears_it() {
    let mut world = World::new(4);
    let job = world.submit_as(hidden(0, 600), 1).expect("a job");
    world.pass(30);
    let offer = world.nodes[0].engine.jobs[&job].offer.clone();
    let heard = world.nodes[0].engine.jobs[&job].seats[0].award.clone();
    let heard = *heard.expect("an award").value();
    for node in 0..4 {
        let (identity, me) = (identity(&world.nodes[node].key), world.id(node));
        // Whether it takes it for its own or not.
        let renamed = Award {
            executor: me,
            ..heard
        };
        let opened = [&heard, &renamed].map(|it| sealed::open_award(&identity, &offer, Some(it)).is_ok());
        assert_eq!(opened, [me == heard.executor; 2]);
    }
}

#[test]
fn an_input_that_is_not_the_one_committed_to_is_not_run() {
    let mut world = World::new(1);
    let (requester, offer) = strange_offer(&mut world, |_| {});
    // The requester encrypts another input, under all the right keys.
    let tape = offer.sealed.expect("a sealed input");
    let label = boxes::InputLabel {
        network: network(),
        requester: offer.signer(),
        commitment: tape.commitment,
    };
    let key = boxes::content_key(&identity(&requester), &offer.salt, &label);
    let other = boxes::seal_input(&key, &label, &[7; 32], b"another input").expect("short");
    world.vault.objects.insert(tape.object.to_bytes(), other);
    award(&mut world, &requester, &offer, 0, |_| {});
    world.pass(30);
    let job = &world.nodes[0].engine.jobs[&offer.job()];
    let refused = job.refused.as_ref().expect("it says why");
    assert_eq!(refused.code, "sealed");
    assert!(refused.reason.contains("commitment"), "{}", refused.reason);
    assert!(world.vault.seen.is_empty() && world.nodes[0].ran.is_empty());
}

#[test]
fn a_claim_has_a_sound_key_where_the_input_is_sealed_and_only_there() {
    let mut world = World::new(1);
    let open = world.submit(1, 0, 600).expect("a job");
    let sealed = world.submit_as(hidden(0, 600), 2).expect("a job");
    let sound = boxes::result_secret(&identity(&key(3)), network(), &Salt::new([0; 16])).public();
    let weak = BoxKey::from_bytes([0; 32]);
    let mut claim = |by: u8, job, box_key| {
        let claim = Claim {
            network: network(),
            job,
            slot: Slot::ZERO,
            at: Timestamp::new(world.time()),
            box_key,
        };
        world.inject(&signed(claim, &key(by)));
        let seat = &world.nodes[0].engine.jobs[&job].seats[0];
        seat.claims.contains(&id(&key(by)))
    };
    assert!(!claim(50, open, Some(sound)));
    assert!(claim(51, open, None));
    assert!(!claim(52, sealed, None));
    assert!(!claim(53, sealed, Some(weak)));
    assert!(claim(54, sealed, Some(sound)));
    world.pass(1);
    assert_eq!(executor(&world, sealed), Some(id(&key(54))));
}

#[test]
fn an_award_has_a_key_where_the_input_is_sealed_and_only_there() {
    let mut world = World::new(1);
    let (requester, sealed) = strange_offer(&mut world, |_| {});
    let open = Signed::new(offer(8, START, START + 600), &requester);
    world.inject(&open.clone().into());
    let mut award = |offer: &Signed<Offer>, sealed_key| {
        let award = Award {
            network: network(),
            job: offer.job(),
            slot: Slot::ZERO,
            executor: id(&key(50)),
            at: Timestamp::new(world.time()),
            sealed_key,
        };
        world.inject(&signed(award, &requester));
        executor(&world, offer.job()).is_some()
    };
    let some = Some(SealedKey::from_bytes([1; 80]));
    assert!(!award(&sealed, None));
    assert!(award(&sealed, some));
    assert!(!award(&open, some));
    assert!(award(&open, None));
}

#[test]
fn an_offer_that_would_not_hide_is_refused() {
    type Change = fn(&mut Offer);
    let changes: [(bool, Change); 5] = [
        (true, |_| {}),
        (false, |it| it.backend = System::Halo2.id()),
        (false, |it| {
            it.sealed.as_mut().expect("one").commitment.scheme.0 = 1
        }),
        (false, |it| {
            it.sealed.as_mut().expect("one").len = ByteLen::new(273)
        }),
        (false, |it| it.result_key = Some(BoxKey::from_bytes([0; 32]))),
    ];
    for (taken, change) in changes {
        let mut world = World::new(1);
        let (_, offer) = strange_offer(&mut world, change);
        assert_eq!(world.nodes[0].engine.jobs.contains_key(&offer.job()), taken);
    }
}

/// Who changes what it signs of a run that was awarded to it.
fn contradicts(change: impl FnOnce(&mut Receipt)) -> Option<&'static str> {
    let mut world = World::new(2);
    world.proving_s = 1000;
    let job = world.submit_as(hidden(0, 6000), 1).expect("a job");
    world.pass(5);
    let key = world.nodes[1].key.clone();
    let offer = world.nodes[0].engine.jobs[&job].offer.clone();
    let receipt = receipt(&offer, &key, 0, world.time());
    let mut receipt = world.vault.seal_receipt(receipt, &offer, &key).value().clone();
    change(&mut receipt);
    let fault = world.nodes[0].engine.jobs[&job].contradicts(&receipt);
    world.inject(&signed(receipt, &key));
    let taken = !world.nodes[0].engine.jobs[&job].seats[0].receipts.is_empty();
    assert_eq!(taken, fault.is_none(), "{fault:?}");
    assert_eq!(fees(&world).len(), usize::from(taken));
    fault
}

#[test]
fn a_receipt_of_another_input_or_with_open_results_is_refused() {
    let other = Commitment {
        scheme: SCHEME,
        digest: [1; 32],
    };
    assert_eq!(contradicts(|_| {}), None);
    let input = |it: Option<Commitment>| contradicts(|receipt| receipt.record.proven.sealed_input = it);
    assert_eq!(input(None), Some("sealed input"));
    assert_eq!(input(Some(other)), Some("sealed input"));
    let output = |it: Output| contradicts(|receipt| receipt.record.proven.output = it);
    assert_eq!(output(Output::Digest(Digest::ZERO)), Some("sealed output"));
    let foreign = Commitment {
        scheme: System::Halo2.scheme(),
        ..other
    };
    assert_eq!(output(Output::Commitment(foreign)), Some("sealed output"));
    assert_eq!(
        contradicts(|receipt| receipt.result = None),
        Some("sealed result")
    );
}

#[test]
fn a_receipt_that_hides_what_nobody_wanted_hidden_is_refused() {
    let mut world = World::new(1);
    let job = world.submit(1, 0, 600).expect("a job");
    let job = &world.nodes[0].engine.jobs[&job];
    let commitment = Commitment {
        scheme: SCHEME,
        digest: [1; 32],
    };
    let of = |change: fn(&mut Receipt, Commitment)| {
        let mut receipt = receipt(&job.offer, &key(2), 0, START).value().clone();
        change(&mut receipt, commitment);
        job.contradicts(&receipt)
    };
    assert_eq!(of(|_, _| {}), None);
    assert_eq!(
        of(|it, some| it.record.proven.sealed_input = Some(some)),
        Some("sealed input")
    );
    assert_eq!(
        of(|it, some| it.record.proven.output = Output::Commitment(some)),
        Some("sealed output")
    );
    let result = |it: &mut Receipt, _| {
        it.result = Some(SealedResult {
            object: Digest::ZERO,
            len: ByteLen::new(304),
        });
    };
    assert_eq!(of(result), Some("sealed result"));
}

#[test]
fn a_result_that_does_not_open_is_not_paid_and_another_runs_the_job() {
    let mut world = World::new(4);
    let job = world.submit_as(hidden(0, 6000), 1).expect("a job");
    world.pass(3);
    let liar = executor(&world, job).expect("an award");
    world.vault.liars.insert(liar);
    world.pass(20);
    // Its proof verifies, and everybody has its receipt.
    for node in 0..4 {
        assert_eq!(world.nodes[node].engine.jobs[&job].seats[0].receipts.len(), 1);
    }
    assert_eq!(fees(&world), []);
    let engine = &world.nodes[0].engine;
    assert_ne!(engine.state(&engine.jobs[&job]), JobState::Proved);
    let (view, _) = engine.job_view(job, &engine.jobs[&job]).expect("readable");
    assert!(
        view.sealing
            .unopened
            .is_some_and(|why| why.contains("commitment"))
    );
    assert!(
        score(&world, liar) < score(&world, id(&key(77))),
        "worse than a newcomer"
    );
    world.pass(120);
    let second = executor(&world, job).expect("another award");
    assert_ne!(second, liar);
    assert_eq!(fees(&world), [second]);
    assert_eq!(world.vault.asked, 2, "what does not open is not fetched again");
    world.assert_books_agree();
}

#[test]
fn a_result_that_is_not_to_be_had_is_asked_for_ever_more_seldom_and_paid_when_it_is() {
    let mut world = World::new(2);
    let job = world.submit_as(hidden(0, 6000), 1).expect("a job");
    world.pass(3);
    let miser = executor(&world, job).expect("an award");
    world.vault.misers.insert(miser);
    world.pass(120);
    assert_eq!(fees(&world), []);
    // After 10, 20, 40, … seconds.
    assert_eq!(world.vault.asked, 4);
    world.pass(3000);
    assert!(world.vault.asked <= 12, "{}", world.vault.asked);
    world.vault.misers.clear();
    world.pass(700);
    assert_eq!(fees(&world), [miser]);
}

/// Nothing that seals or opens is stored.
#[test]
fn what_is_sealed_opens_after_restarts_of_both_sides() {
    let mut world = World::new(2);
    world.proving_s = 20;
    world.deaf.insert(0);
    let job = world.submit_as(hidden(0, 6000), 1).expect("a job");
    world.pass(3);
    assert_eq!(executor(&world, job), None);
    // The requester comes back, and awards to who had claimed before it was restarted itself.
    world.stop(0);
    world.start(0);
    world.deaf.clear();
    let miser = world.id(1);
    world.vault.misers.insert(miser);
    world.pass(40);
    assert_eq!(world.vault.seen.len(), 1);
    world.stop(1);
    world.start(1);
    world.pass(40);
    assert_eq!(world.vault.seen.len(), 2, "it takes the run up again");
    assert_eq!(world.vault.seen.last().map(|(node, _)| *node), Some(miser));
    assert_eq!(fees(&world), []);
    world.stop(0);
    world.start(0);
    world.vault.misers.clear();
    world.pass(30);
    assert_eq!(fees(&world), [miser]);
}

#[test]
fn refuses_a_submission_that_would_hide_nothing_or_weighs_wrongly() {
    let mut world = World::new(2);
    let alone = Submission {
        sealed_input_hex: None,
        ..hidden(0, 600)
    };
    assert_eq!(world.submit_as(alone, 1), None);
    let weights = |weights: &[(u8, u8)]| Submission {
        weights: (weights.iter().map(|(node, weight)| (id(&key(*node)), *weight))).collect(),
        ..submission(0, 600)
    };
    assert_eq!(world.submit_as(weights(&[(2, 17)]), 1), None);
    assert_eq!(world.submit_as(weights(&[(2, 2), (2, 3)]), 1), None);
    assert!(world.submit_as(weights(&[(2, 2), (3, 1)]), 1).is_some());
    // Sealed for another backend than the offer will name.
    let other = Submission {
        backend: Some("halo2".to_owned()),
        ..hidden(0, 600)
    };
    assert_eq!(world.submit_as(other, 2), None);
    assert!(world.submit_as(hidden(0, 600), 3).is_some());
}

#[test]
fn who_has_weight_0_neither_claims_nor_is_awarded() {
    let mut world = World::new(3);
    let unwanted = world.id(1);
    let submission = Submission {
        weights: vec![(unwanted, 0)],
        ..submission(0, 600)
    };
    let job = world.submit_as(submission, 1).expect("a job");
    world.pass(3);
    assert_eq!(refused(&world, 1, job), Some("weight"));
    assert_eq!(executor(&world, job), Some(world.id(2)));

    // Nor if it claims all the same, and nobody else does.
    let mut world = World::new(1);
    let submission = Submission {
        weights: vec![(id(&key(50)), 0), (id(&key(51)), 2)],
        ..self::submission(0, 600)
    };
    let job = world.submit_as(submission, 1).expect("a job");
    for by in [50, 51] {
        let claim = Claim {
            network: network(),
            job,
            slot: Slot::ZERO,
            at: Timestamp::new(world.time()),
            box_key: None,
        };
        world.inject(&signed(claim, &key(by)));
    }
    let seat = &world.nodes[0].engine.jobs[&job].seats[0];
    assert_eq!(seat.claims, [id(&key(51))]);
    assert_eq!(seat.executor(), Some(id(&key(51))));
}

#[test]
fn who_has_weight_16_is_first_nearly_always() {
    let mut world = World::new(4);
    let wanted = world.id(3);
    let mut first = 0;
    for salt in 1..=40 {
        let submission = Submission {
            weights: vec![(wanted, 16)],
            ..submission(0, 6000)
        };
        let job = world.submit_as(submission, salt).expect("a job");
        world.pass(12);
        first += usize::from(executor(&world, job) == Some(wanted));
        assert_eq!(world.nodes[0].engine.jobs[&job].seats[0].receipts.len(), 1);
    }
    // 16 of 18; without weights it would be 13 of 40.
    assert!(first >= 30, "{first}");
}

#[test]
fn runs_nothing_that_hides_where_memory_is_limited_and_no_input_that_is_too_long() {
    let mut world = World::new(1);
    let (_, offer) = strange_offer(&mut world, |_| {});
    let code = |world: &World, offer: &Signed<Offer>| {
        let refusal = world.nodes[0].engine.refusal(offer, None).expect("readable");
        refusal.map(|it| it.code())
    };
    assert_eq!(code(&world, &offer), None);
    let with = |change: fn(&mut Offer)| {
        let mut other = offer.value().clone();
        change(&mut other);
        Signed::new(other, &key(90))
    };
    // A megabyte is taken, with its salt.
    let most = with(|it| it.sealed.as_mut().expect("one").len = ByteLen::new((2 << 20) + 16));
    let long = with(|it| it.sealed.as_mut().expect("one").len = ByteLen::new((4 << 20) + 16));
    assert_eq!(code(&world, &most), None);
    assert_eq!(code(&world, &long), Some("input"));
    let public = with(|it| it.sealed = None);
    world.configure(0, "[limits]\nmemory = \"4GiB\"\n");
    assert_eq!(code(&world, &offer), Some("limits.memory"));
    assert_eq!(code(&world, &public), None);
}

#[test]
fn a_job_says_what_of_it_is_sealed() {
    let mut world = World::new(2);
    let job = world.submit_as(hidden(0, 600), 1).expect("a job");
    let engine = &world.nodes[1].engine;
    let (view, files) = engine.job_view(job, &engine.jobs[&job]).expect("readable");
    assert_eq!(view.sealing.input_len, Some(ByteLen::new(256 + 16)));
    assert!(view.sealing.result && view.sealing.unopened.is_none());
    assert!(files.sealed.is_none(), "it is for the requester");
}
