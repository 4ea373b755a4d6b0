//! Long runs, whose segments others prove.

use std::collections::{BTreeMap, BTreeSet};

use nonos_mesh::core::{
    assignment::Found,
    segment::{Answer, Refused},
};
use nonos_trust::{Cause, Context, Deed};
use nonos_types::{
    Amount, Attempt, ByteLen, Digest,
    FeeKind::{Execute, Prove},
    JobId, Line, NodeId, Offer, ProofDigest, ReceiptId, SegmentDigest, SegmentTask, Signed, Slot, Timestamp,
    Voucher,
};
use nonos_verify_stark::{Profile, Stark};

use super::world::*;
use crate::{
    choice::System,
    engine::{Do, Helped, Input, Plan, Told, job::Mine},
};

/// A run that was cut.
type Run = (Box<Signed<Offer>>, Slot, Attempt);

/// Runs in segments, in a world without proofs.
#[derive(Debug)]
pub(super) struct Shared {
    /// Segments of each run; none if runs are short.
    pub(super) of: usize,
    /// Seconds that a segment takes where it belongs, and at a helper.
    own_s: u64,
    help_s: u64,
    /// Nodes whose proofs are none, that take longer, and that do not answer.
    liars: BTreeSet<usize>,
    slow: BTreeMap<usize, u64>,
    silent: BTreeSet<usize>,
    runs: BTreeMap<(usize, JobId), Run>,
    own: Vec<(u64, usize, JobId, u32)>,
    help: Vec<(u64, usize, Signed<SegmentTask>)>,
    /// What was put together, of whose segments.
    joined: Vec<(usize, JobId, Vec<Option<NodeId>>)>,
    pub(super) forgotten: usize,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            of: 0,
            own_s: 5,
            help_s: 5,
            liars: BTreeSet::new(),
            slow: BTreeMap::new(),
            silent: BTreeSet::new(),
            runs: BTreeMap::new(),
            own: vec![],
            help: vec![],
            joined: vec![],
            forgotten: 0,
        }
    }
}

impl Shared {
    /// A node stops: what it was at is gone.
    pub(super) fn stop(&mut self, node: usize) {
        self.runs.retain(|(it, _), _| *it != node);
        self.own.retain(|(_, it, ..)| *it != node);
        self.help.retain(|(_, it, _)| *it != node);
    }
}

fn key_of_segments() -> nonos_types::VkDigest {
    Stark::new(Profile::Fast).segment_key(Profile::Fast)
}

pub(super) fn cut(world: &mut World, node: usize, offer: Box<Signed<Offer>>, slot: Slot, attempt: Attempt) {
    let job = offer.job();
    let segment = |index: usize| (SegmentDigest::hash(&[&index.to_le_bytes()]), ByteLen::new(70_000));
    let plan = Plan {
        segments: (0..world.segments.of).map(segment).collect(),
        steps: 4095,
        backend: System::Stark.id(),
        verifying_key: key_of_segments(),
        fee: Amount::from_atto(100),
        transfers: vec![],
    };
    world.segments.runs.insert((node, job), (offer, slot, attempt));
    let plan = Box::new(plan);
    world.give(node, Input::Segments(Told::Cut { job, plan }));
}

pub(super) fn act(world: &mut World, node: usize, what: Do) {
    let me = world.id(node);
    let told = match what {
        Do::Ask { job, task } => {
            let (helper, index) = (task.helper, task.index);
            let at = world.index(helper).filter(|it| world.nodes[*it].up);
            let at = at.filter(|it| !world.segments.silent.contains(it));
            let answer = at.and_then(|at| ask(world, at, me, &task));
            Told::Said {
                job,
                helper,
                index,
                answer,
            }
        }
        Do::Check {
            job,
            helper,
            index,
            result,
        } => {
            assert_eq!(result.proof, proof(index), "what was said is what is checked");
            let lies = world
                .index(helper)
                .is_some_and(|it| world.segments.liars.contains(&it));
            let found = if lies { Found::Bad } else { Found::Good };
            Told::Checked {
                job,
                helper,
                index,
                found,
            }
        }
        Do::Prove { job, index } => {
            let due = world.millis + 1000 * world.segments.own_s;
            world.segments.own.push((due, node, job, index));
            return;
        }
        Do::Join { job, by } => {
            let (offer, slot, attempt) = world.segments.runs[&(node, job)].clone();
            let receipt = receipt_of(&offer, slot, &world.nodes[node].key, attempt.get(), world.time());
            world.segments.joined.push((node, job, by));
            let result = Ok(Box::new(receipt));
            return world.give(node, Input::Ran { job, result, ms: 0 });
        }
        Do::Drop { job } => {
            world.segments.runs.remove(&(node, job));
            return;
        }
    };
    world.give(node, Input::Segments(told));
}

/// What a node says to a task, as it comes.
fn ask(world: &mut World, at: usize, from: NodeId, task: &Signed<SegmentTask>) -> Option<Answer> {
    let task = Box::new(Signed::from_bytes(&task.to_bytes()).expect("it can be sent"));
    let (reply, answer) = std::sync::mpsc::sync_channel(1);
    world.give(at, Input::Asked { from, task, reply });
    let answer = answer.try_recv().ok()?;
    Some(Answer::from_bytes(&answer.to_bytes()).expect("it can be sent"))
}

fn proof(index: u32) -> ProofDigest {
    ProofDigest::hash(&[&index.to_le_bytes()])
}

pub(super) fn help(world: &mut World, node: usize, task: Signed<SegmentTask>) {
    let takes = world.segments.slow.get(&node).copied();
    let due = world.millis + 1000 * takes.unwrap_or(world.segments.help_s);
    world.segments.help.push((due, node, task));
}

/// Ends what has taken long enough.
pub(super) fn finish(world: &mut World, node: usize) {
    let now = world.millis;
    let is_due = |due: u64, of: usize| due <= now && of == node;
    let own = world.segments.own.extract_if(.., |it| is_due(it.0, it.1));
    let own: Vec<_> = own.collect();
    let help = world.segments.help.extract_if(.., |it| is_due(it.0, it.1));
    let help: Vec<_> = help.collect();
    for (_, _, job, index) in own {
        let result = Ok(());
        world.give(node, Input::Segments(Told::Proved { job, index, result }));
    }
    for (_, _, task) in help {
        let result = Ok((proof(task.index), ByteLen::new(400_000)));
        let task = task.task();
        world.give(node, Input::Helped(Helped { task, result }));
    }
}

/// A world of so many nodes in which runs have 8 segments, and a job that one of them runs.
fn sharing(nodes: u8) -> (World, JobId, usize) {
    let mut world = World::new(nodes);
    world.segments.of = 8;
    let (job, executor) = begun(&mut world);
    (world, job, executor)
}

/// A job, and who runs it.
fn begun(world: &mut World) -> (JobId, usize) {
    let job = world.submit(1, 0, 6000).expect("a job");
    world.pass(3);
    let running = |it: &usize| world.nodes[*it].engine.jobs[&job].mine == Mine::Running;
    let executor = (0..world.nodes.len()).find(running).expect("it runs somewhere");
    (job, executor)
}

/// The executor's part of the fee is 100, of which half is for helpers: 6 for each of 8 segments.
const PRICE: u128 = 6;

/// Whom the executor has paid for segments.
fn paid(world: &World, executor: usize) -> Vec<(NodeId, u128)> {
    let paid = world.paid(executor).into_iter();
    let mut paid: Vec<_> = paid.filter(|it| it.1 == Prove).map(|it| (it.0, it.2)).collect();
    paid.sort_unstable();
    paid
}

/// What helpers are to be paid for what was put together last.
fn used(world: &World) -> Vec<(NodeId, u128)> {
    let (_, _, by) = world.segments.joined.last().expect("it was put together");
    let mut used: BTreeMap<NodeId, u128> = BTreeMap::new();
    for helper in by.iter().flatten() {
        *used.entry(*helper).or_default() += PRICE;
    }
    used.into_iter().collect()
}

fn deeds(world: &World, of: usize, at: usize) -> Vec<(Deed, Cause)> {
    let points = world.nodes[at].engine.trust.explain(world.id(of)).expect("deeds");
    let of_segments = points
        .into_iter()
        .filter(|it| it.context == Context::Execute && matches!(it.cause, Cause::Segment(_)));
    of_segments.map(|it| (it.deed, it.cause)).collect()
}

#[test]
fn a_long_run_is_proved_by_all_and_each_helper_is_paid_for_what_is_used() {
    let (mut world, job, executor) = sharing(4);
    world.pass(40);
    assert_eq!(world.segments.joined.len(), 1);
    let helpers = used(&world);
    assert_eq!(helpers.len(), 3, "all others, the requester among them");
    assert_eq!(paid(&world, executor), helpers);
    assert_eq!(world.paid(0)[..1], [(world.id(executor), Execute, 100)]);
    world.assert_books_agree();
    for node in (0..4).filter(|it| *it != executor) {
        let balance = world.nodes[node].engine.ledger.balance().expect("a balance");
        let (_, mine) = helpers
            .iter()
            .find(|it| it.0 == world.id(node))
            .expect("a helper");
        assert_eq!(balance.earned.prove.atto(), *mine);
        let segments = mine / PRICE;
        assert_eq!(deeds(&world, node, executor).len() as u128, segments);
        assert!(deeds(&world, node, executor).iter().all(|it| it.0 == Deed::Good));
        assert_eq!(
            u128::from(world.nodes[node].engine.counts.segments_helped),
            segments
        );
    }
    let spent = world.nodes[executor]
        .engine
        .ledger
        .balance()
        .expect("a balance")
        .spent;
    assert_eq!(spent.prove.atto(), helpers.iter().map(|it| it.1).sum::<u128>());
    assert!(spent.prove.atto() <= 50, "half of what it gets");
    // What is over costs nothing.
    assert!(world.nodes[executor].engine.sharing.is_none());
    assert_eq!(world.segments.runs.len(), 0);
    assert_eq!(world.segments.forgotten as u128, spent.prove.atto() / PRICE);
    let view = world.nodes[executor].engine.jobs[&job]
        .segments
        .clone()
        .expect("shown");
    assert_eq!(
        (view.of, view.price, view.proved.len()),
        (8, Amount::from_atto(PRICE), 8)
    );
    let (_, _, by) = &world.segments.joined[0];
    for it in view.proved {
        assert_eq!(by[it.index as usize].unwrap_or(world.id(executor)), it.by);
    }
}

#[test]
fn without_helpers_or_where_it_is_not_wanted_a_run_is_not_shared() {
    let mut world = World::new(3);
    world.segments.of = 8;
    for node in 0..3 {
        world.configure(node, "[executor]\nshare_segments = false\n");
    }
    world.submit(1, 0, 6000).expect("a job");
    world.pass(30);
    assert!(world.segments.joined.is_empty(), "not wanted");
    assert_eq!(world.paid(0).len(), 1);

    let mut world = World::new(2);
    world.segments.of = 8;
    world.configure(0, "[roles]\nexecutor = \"off\"\n");
    world.submit(1, 0, 6000).expect("a job");
    world.pass(30);
    assert!(world.segments.joined.is_empty(), "with nobody");
    assert_eq!(world.paid(0).len(), 1);
}

#[test]
fn a_helper_whose_proof_is_none_is_blamed_unpaid_and_left_out() {
    let (mut world, _, executor) = sharing(4);
    let liar = (0..4).find(|it| *it != executor && *it != 0).expect("one of two");
    world.segments.liars.insert(liar);
    world.pass(40);
    assert!(used(&world).iter().all(|it| it.0 != world.id(liar)));
    assert_eq!(paid(&world, executor), used(&world));
    let [(Deed::Bad, Cause::Segment(_))] = deeds(&world, liar, executor)[..] else {
        panic!("one bad deed: {:?}", deeds(&world, liar, executor));
    };
    assert_eq!(
        world.nodes[liar]
            .engine
            .ledger
            .balance()
            .expect("a balance")
            .earned
            .prove,
        Amount::ZERO
    );
    // Nor is it asked in the next run.
    world.pass(60);
    let before = world.nodes[liar].engine.counts.segments_helped;
    let job = world.submit(2, 0, 6000).expect("a job");
    world.pass(40);
    if let Some((who, ..)) = world.segments.joined.iter().find(|it| it.1 == job)
        && *who == executor
    {
        assert_eq!(world.nodes[liar].engine.counts.segments_helped, before);
    }
}

#[test]
fn a_helper_that_stops_holds_nothing_up() {
    let mut world = World::new(4);
    world.segments.of = 8;
    world.segments.slow = (1..4).map(|it| (it, 20)).collect();
    let (_, executor) = begun(&mut world);
    let gone = (1..4).find(|it| *it != executor).expect("one of two");
    assert!(world.segments.help.iter().any(|it| it.1 == gone), "it has one");
    world.stop(gone);
    world.pass(40);
    assert_eq!(paid(&world, executor), used(&world));
    assert!(used(&world).iter().all(|it| it.0 != world.id(gone)));
    assert_eq!(deeds(&world, gone, executor), [], "it was not late yet");
}

#[test]
fn a_helper_that_is_late_is_blamed_and_its_segment_is_proved_by_another() {
    let mut world = World::new(3);
    for node in 0..3 {
        world.configure(node, "");
    }
    world.segments.of = 8;
    let (_, executor) = begun(&mut world);
    let late = (1..3).find(|it| *it != executor).expect("the other one");
    // The first one comes in time; where one takes 5 s here, a helper has a minute.
    world.segments.slow.insert(late, 10_000);
    world.pass(55);
    let good = |it: &(Deed, Cause)| it.0 == Deed::Good;
    assert!(deeds(&world, late, executor).iter().all(good));
    assert!(world.segments.joined.is_empty());
    world.pass(30);
    let bad: Vec<_> = deeds(&world, late, executor)
        .into_iter()
        .filter(|it| !good(it))
        .collect();
    assert_eq!(bad.len(), 1, "{bad:?}");
    assert_eq!(world.segments.joined.len(), 1);
    let (_, _, by) = &world.segments.joined[0];
    assert_eq!(
        by.iter().filter(|it| **it == Some(world.id(late))).count(),
        1,
        "the first"
    );
    assert_eq!(paid(&world, executor), used(&world));
}

#[test]
fn one_that_never_answers_is_no_worse_than_none() {
    let (mut world, _, executor) = sharing(3);
    let others: Vec<usize> = (0..3).filter(|it| *it != executor).collect();
    world.segments.silent.extend(&others);
    world.pass(59);
    // What was given before is waited for as long as it may take.
    for node in 0..3 {
        assert_eq!(world.nodes[node].engine.counts.segments_given, 0);
    }
    for other in others {
        assert_eq!(deeds(&world, other, executor), [], "it took nothing on");
    }
}

#[test]
fn a_run_whose_own_segment_fails_is_begun_again() {
    let (mut world, job, executor) = sharing(3);
    let index = world
        .segments
        .own
        .iter()
        .find(|it| it.1 == executor)
        .expect("at one")
        .3;
    let result = Err("no memory".to_owned());
    world.give(executor, Input::Segments(Told::Proved { job, index, result }));
    world.run();
    assert!(matches!(
        world.nodes[executor].engine.jobs[&job].mine,
        Mine::Failed { .. }
    ));
    assert!(world.nodes[executor].engine.sharing.is_none());
    assert_eq!(world.segments.runs.len(), 0, "nothing of it is kept");
    world.pass(50);
    assert_eq!(world.segments.joined.len(), 1);
    assert_eq!(paid(&world, executor), used(&world));
}

#[test]
fn an_executor_that_crashes_anywhere_pays_each_helper_once() {
    let inputs = {
        let (mut world, _, executor) = sharing(3);
        let before = world.inputs[executor];
        world.pass(30);
        before + 1..=world.inputs[executor]
    };
    assert!(inputs.clone().count() > 30);
    for at in inputs {
        let (mut world, job, executor) = sharing(3);
        world.crash = Some((executor, at));
        world.pass(59);
        assert_eq!(world.crash, None, "input {at}: it crashed");
        // Whatever was put together last is what the receipt is about.
        let receipts = world.nodes[executor].engine.jobs[&job].receipts().count();
        assert_eq!(receipts, 1, "input {at}");
        assert_eq!(paid(&world, executor), used(&world), "input {at}");
        world.assert_books_agree();
    }
}

#[test]
fn an_executor_whose_store_fails_anywhere_pays_each_helper_once() {
    for written in [false, true] {
        let mut failing = 0;
        loop {
            let mut world = World::failing(3, written);
            world.segments.of = 8;
            let (job, executor) = begun(&mut world);
            world.nodes[executor].store.fail_after(failing);
            world.pass(57);
            if !world.nodes[executor].store.has_failed() {
                assert!(failing > 10, "{failing}");
                break;
            }
            let what = format!("written {written}, write {failing}");
            assert_eq!(
                world.nodes[executor].engine.jobs[&job].receipts().count(),
                1,
                "{what}"
            );
            assert_eq!(paid(&world, executor), used(&world), "{what}");
            world.assert_books_agree();
            failing += 1;
        }
    }
}

/// A job that a node runs by itself, and a task that it might give another one.
fn task(world: &mut World) -> (SegmentTask, usize, usize) {
    // Longer than these tests take; nobody is asked for help.
    world.proving_s = 10_000;
    let (job, executor) = begun(world);
    let helper = (1..world.nodes.len())
        .find(|it| *it != executor)
        .expect("another");
    let task = SegmentTask {
        network: network(),
        job,
        slot: Slot::ZERO,
        helper: world.id(helper),
        index: 0,
        of: 3,
        segment: Digest::from_bytes([5; 32]),
        segment_len: ByteLen::new(1000),
        steps: 4095,
        backend: System::Stark.id(),
        verifying_key: key_of_segments(),
        fee: Amount::from_atto(10),
        deadline: Timestamp::new(world.time() + 600),
        at: world.now().time,
    };
    (task, executor, helper)
}

/// What a helper says to a task that is as it should be but for one thing.
fn said(prepare: impl Fn(&mut World), change: impl Fn(&mut World, &mut SegmentTask, usize, usize)) -> Answer {
    let mut world = World::new(3);
    prepare(&mut world);
    let (mut task, executor, helper) = task(&mut world);
    change(&mut world, &mut task, executor, helper);
    let task = Signed::new(task, &world.nodes[executor].key);
    let from = world.id(executor);
    ask(&mut world, helper, from, &task).expect("an answer")
}

#[test]
fn a_helper_takes_on_only_what_it_should() {
    use Refused::*;
    type Change = fn(&mut World, &mut SegmentTask, usize, usize);
    assert_eq!(said(|_| {}, |_, _, _, _| {}), Answer::Accepted);
    let changes: [(&str, Refused, Change); 14] = [
        ("network", UnknownJob, |_, it, _, _| {
            it.network = Digest::from_bytes([9; 32])
        }),
        ("helper", UnknownJob, |_, it, _, _| {
            it.helper = NodeId::from_bytes([9; 32])
        }),
        ("not connected", Blacklisted, |world, _, executor, helper| {
            let executor = world.id(executor);
            world.give(helper, Input::Disconnected(executor));
        }),
        ("blacklisted", Blacklisted, |world, _, executor, helper| {
            let (executor, now) = (world.id(executor), world.now().time);
            world.nodes[helper]
                .engine
                .trust
                .block(executor, now)
                .expect("blocked");
        }),
        ("backend", UnknownBackend, |_, it, _, _| {
            it.backend = System::Halo2.id()
        }),
        ("key", UnknownBackend, |_, it, _, _| {
            it.verifying_key = Digest::from_bytes([9; 32])
        }),
        ("steps", Limit, |_, it, _, _| it.steps = Stark::MAX_STEPS + 1),
        ("deadline", Late, |world, it, _, _| it.deadline = world.now().time),
        ("job", UnknownJob, |_, it, _, _| {
            it.job = Digest::from_bytes([9; 32])
        }),
        ("slot", UnknownJob, |_, it, _, _| it.slot = Slot::new(1)),
        ("fee", UnknownJob, |_, it, _, _| it.fee = Amount::from_atto(1001)),
        ("award", UnknownJob, |world, it, _, helper| {
            let job = world.nodes[helper].engine.jobs.get_mut(&it.job).expect("known");
            job.seats[0].award = None;
        }),
        ("done", UnknownJob, |world, it, executor, _| {
            let offer = world.nodes[executor].engine.jobs[&it.job].offer.clone();
            let done = receipt(&offer, &world.nodes[executor].key, 0, world.time());
            world.inject(&done.into());
        }),
        ("own run", Busy, |world, it, _, helper| {
            let job = world.nodes[helper].engine.jobs.get_mut(&it.job).expect("known");
            job.mine = Mine::Running;
        }),
    ];
    let mut wrong = vec![];
    for (what, why, change) in changes {
        let said = said(|_| {}, change);
        if said != Answer::Refused(why) {
            wrong.push((what, said));
        }
    }
    assert_eq!(wrong, []);
    // What the operator has set.
    let configured = |text: &str| {
        let prepare = |world: &mut World| (1..3).for_each(|node| world.configure(node, text));
        said(prepare, |_, _, _, _| {})
    };
    assert_eq!(
        configured("[executor]\nsegment_price = \"10\"\n"),
        Answer::Accepted
    );
    assert_eq!(
        configured("[executor]\nsegment_price = \"11\"\n"),
        Answer::Refused(Price)
    );
    assert_eq!(
        configured("[executor]\nsegment_credit = 0\n"),
        Answer::Refused(Credit)
    );
    let steps = |steps| {
        let prepare = |world: &mut World| world.configure(1, "[limits]\nmemory = \"256MiB\"\n");
        let mut world = World::new(3);
        prepare(&mut world);
        let (mut task, executor, _) = task(&mut world);
        (task.steps, task.helper) = (steps, world.id(1));
        let task = Signed::new(task, &world.nodes[executor].key);
        let from = world.id(executor);
        // Where the limited one is itself the executor there is nothing to ask.
        (executor != 1).then(|| ask(&mut world, 1, from, &task).expect("an answer"))
    };
    let most = Stark::segment_steps(Profile::Fast, ByteLen::new(256 << 20));
    if let (Some(within), Some(beyond)) = (steps(most), steps(most + 1)) {
        assert_eq!(within, Answer::Accepted);
        assert_eq!(beyond, Answer::Refused(Limit));
    }
}

#[test]
fn who_is_no_executor_helps_nobody() {
    let mut world = World::new(4);
    world.configure(3, "[roles]\nexecutor = \"off\"\n");
    let (mut task, executor, _) = task(&mut world);
    task.helper = world.id(3);
    let task = Signed::new(task, &world.nodes[executor].key);
    let from = world.id(executor);
    let said = ask(&mut world, 3, from, &task);
    assert_eq!(said, Some(Answer::Refused(Refused::Role)));
}

#[test]
fn a_helper_proves_one_at_a_time_says_the_same_again_and_forgets_what_is_paid() {
    let mut world = World::new(3);
    let (first, executor, helper) = task(&mut world);
    let (from, key) = (world.id(executor), world.nodes[executor].key.clone());
    let second = SegmentTask {
        index: 1,
        ..first.clone()
    };
    let [first, second] = [first, second].map(|it| Signed::new(it, &key));
    let say = |world: &mut World, task| ask(world, helper, from, task).expect("an answer");
    assert_eq!(say(&mut world, &first), Answer::Accepted);
    world.run();
    assert_eq!(say(&mut world, &first), Answer::Accepted, "again");
    assert_eq!(say(&mut world, &second), Answer::Refused(Refused::Busy));
    assert_eq!(world.segments.help.len(), 1, "begun once");
    world.pass(6);
    let Answer::Proved(result) = say(&mut world, &first) else {
        panic!("it has had its time");
    };
    assert_eq!((result.signer(), result.task), (world.id(helper), first.task()));
    assert_eq!(result.proof, proof(0));
    assert_eq!(say(&mut world, &second), Answer::Accepted);
    world.run();
    // It cannot.
    world.segments.help.clear();
    let (task, result) = (second.task(), Err("no memory".to_owned()));
    world.give(helper, Input::Helped(Helped { task, result }));
    assert_eq!(say(&mut world, &second), Answer::Refused(Refused::Failed));

    let mut paid = voucher(first.job, 10);
    paid.payee = world.id(helper);
    let paid = signed(paid, &key);
    world.message(helper, from, paid);
    world.run();
    assert_eq!(world.segments.forgotten, 1, "the proof");
    assert_eq!(world.nodes[helper].engine.helping.unpaid(from), 0);
}

#[test]
fn what_nobody_pays_for_is_credit_and_is_forgotten_after_six_hours() {
    let mut world = World::new(3);
    for node in 1..3 {
        world.configure(node, "[executor]\nsegment_credit = 2\n");
    }
    let (task, executor, helper) = task(&mut world);
    let (from, key) = (world.id(executor), world.nodes[executor].key.clone());
    let say = |world: &mut World, index| {
        let task = SegmentTask {
            index,
            deadline: Timestamp::new(world.time() + 600),
            ..task.clone()
        };
        let said = ask(world, helper, from, &Signed::new(task, &key)).expect("an answer");
        world.run();
        world.pass(6);
        said
    };
    assert_eq!(say(&mut world, 0), Answer::Accepted);
    assert_eq!(say(&mut world, 1), Answer::Accepted);
    assert_eq!(say(&mut world, 2), Answer::Refused(Refused::Credit));
    // The job's deadline passes meanwhile: what is left is what is remembered.
    world.pass(6 * 60 * 60);
    assert_eq!(world.segments.forgotten, 2);
    assert_eq!(world.nodes[helper].engine.helping.unpaid(from), 0);
}

/// Of an executor for a helper, for a receipt that nobody knows.
fn voucher(job: JobId, amount: u128) -> Voucher {
    Voucher {
        network: network(),
        payee: NodeId::from_bytes([4; 32]),
        incarnation: nonos_types::Incarnation::ZERO,
        sequence: nonos_types::Sequence::new(1),
        total: Amount::from_atto(amount),
        lines: vec![Line {
            job,
            slot: Slot::ZERO,
            kind: Prove,
            receipt: ReceiptId::hash(&[b"a run"]),
            amount: Amount::from_atto(amount),
        }],
        at: Timestamp::new(START),
    }
}

#[test]
fn only_the_executor_of_a_receipt_pays_for_its_segments() {
    let mut world = World::new(1);
    let me = world.id(0);
    let offered = Signed::new(offer(3, START, START + 600), &key(90));
    let (job, executor) = (offered.job(), key(91));
    let made = receipt(&offered, &executor, 0, START);
    let owed = |world: &World, payer: u8| {
        let owed = world.nodes[0].engine.ledger.owed_by(id(&key(payer)));
        owed.expect("a sum").atto()
    };
    let send = |world: &mut World, payer: u8, change: &dyn Fn(&mut Voucher)| {
        let mut voucher = Voucher {
            payee: me,
            ..voucher(job, 10)
        };
        voucher.lines[0].receipt = made.receipt_id();
        change(&mut voucher);
        world.message(0, id(&key(payer)), signed(voucher, &key(payer)));
        world.run();
    };
    // Its award is not known: the receipt is not verified, and the voucher waits for it.
    send(&mut world, 91, &|_| {});
    world.inject(&offered.clone().into());
    assert_eq!(owed(&world, 91), 0, "the receipt is not known");
    world.inject(&made.clone().into());
    assert_eq!(owed(&world, 91), 10, "now it is");

    send(&mut world, 90, &|_| {});
    assert_eq!(owed(&world, 90), 0, "nor is it the requester's to pay");
    send(&mut world, 92, &|_| {});
    assert_eq!(owed(&world, 92), 0, "nor anyone else's");
    let other = key(93);
    let others = receipt(&offered, &other, 0, START);
    world.inject(&others.clone().into());
    let next = |it: &mut Voucher| {
        it.sequence = nonos_types::Sequence::new(2);
        it.lines[0].slot = Slot::ZERO;
    };
    send(&mut world, 91, &|it| {
        next(it);
        it.total = Amount::from_atto(20);
    });
    assert_eq!(owed(&world, 91), 10, "it is paid once");
    send(&mut world, 93, &|_| {});
    assert_eq!(owed(&world, 93), 0, "not with another's receipt");
    send(&mut world, 93, &|it| {
        it.lines[0].receipt = others.receipt_id();
        it.lines[0].amount = Amount::from_atto(1001);
        it.total = Amount::from_atto(1001);
    });
    assert_eq!(owed(&world, 93), 0, "more than the job is worth");
    send(&mut world, 93, &|it| {
        it.lines[0].receipt = others.receipt_id();
        it.lines[0].kind = Execute;
    });
    assert_eq!(owed(&world, 93), 0, "only for segments");
    send(&mut world, 93, &|it| it.lines[0].receipt = others.receipt_id());
    assert_eq!(owed(&world, 93), 10);
    // What the requester pays for the run is another matter.
    assert_eq!(world.nodes[0].engine.jobs[&job].seats[0].paid, None);
}
