//! A devnet in which all holds; and then one fact of it is not so.

use super::{super::report, *};
use nonos_node::{
    api::{Books, LimitsView, NodeEvent, Sealing, Status, Verified},
    choice::{Choice, Method},
};
use nonos_types::{
    CapsuleHash, EvidenceId, ExecHash, Fuel, NetworkId, PoiHash, ReceiptId, Role, Slot, Timestamp,
};

const REQUESTER: usize = 0;
const EXECUTOR: usize = 1;
const VERIFIER: usize = 2;
const FORGER: usize = 3;
const FEE: Amount = Amount::from_atto(700);
const BOUNTY: Amount = Amount::from_atto(200);

fn choice() -> Choice {
    Choice {
        method: Method::Halo2,
        reason: "it was asked for".to_owned(),
    }
}

fn id(node: usize) -> NodeId {
    NodeId::from_bytes([u8::try_from(node).expect("few nodes") + 1; 32])
}

fn job() -> JobId {
    JobId::hash(&[b"job"])
}

/// Node 0 asked, node 1 proved, node 2 verified for a bounty, node 3 forged.
fn good() -> Facts {
    Facts {
        verifiers: 1,
        jobs: vec![Asked {
            job: job(),
            requester: REQUESTER,
            input: b"abc".to_vec(),
        }],
        nodes: (0..4).map(node).collect(),
    }
}

fn node(position: usize) -> NodeFacts {
    let line = |kind, paid, peer, amount| Booked {
        slot: Slot::ZERO,
        kind,
        peer: id(peer),
        paid,
        amount,
    };
    let booked = match position {
        REQUESTER => vec![
            line(FeeKind::Execute, true, EXECUTOR, FEE),
            line(FeeKind::Verify, true, VERIFIER, BOUNTY),
        ],
        EXECUTOR => vec![line(FeeKind::Execute, false, REQUESTER, FEE)],
        VERIFIER => vec![line(FeeKind::Verify, false, REQUESTER, BOUNTY)],
        _ => vec![],
    };
    let owed_by = match position {
        REQUESTER => vec![
            (id(EXECUTOR), "-700".to_owned()),
            (id(VERIFIER), "-200".to_owned()),
        ],
        EXECUTOR => vec![(id(REQUESTER), "700".to_owned())],
        VERIFIER => vec![(id(REQUESTER), "200".to_owned())],
        _ => vec![],
    };
    let checked = |executor, valid| What::Checked {
        job: job(),
        executor: id(executor),
        valid,
        ms: 40,
    };
    let happened = match position {
        EXECUTOR => vec![
            (
                Role::Executor,
                What::Proved {
                    job: job(),
                    ms: 5_000,
                },
            ),
            (Role::Verifier, checked(FORGER, false)),
        ],
        FORGER => vec![(Role::Executor, What::Proved { job: job(), ms: 9 })],
        _ => vec![
            (Role::Verifier, checked(FORGER, false)),
            (Role::Verifier, checked(EXECUTOR, true)),
        ],
    };
    let events = (1..).zip(happened).map(|(number, (role, what))| NodeEvent {
        number,
        at: Timestamp::new(1),
        role: Some(role),
        what,
    });
    NodeFacts {
        data_dir: format!("node-{position}").into(),
        malicious: position == FORGER,
        status: status(position),
        jobs: vec![view(booked, position == EXECUTOR)],
        books: Books {
            balance: serde_json::Value::Null,
            owed_by,
        },
        ledger: Ok(Verified {
            entries: 2,
            head: "00".to_owned(),
        }),
        trust_before: vec![],
        trust: if position == EXECUTOR {
            vec![]
        } else {
            vec![trust(400_000)]
        },
        events: events.collect(),
    }
}

fn status(position: usize) -> Status {
    Status {
        id: id(position),
        network: NetworkId::named("devnet"),
        version: "0.1.0".to_owned(),
        data_dir: format!("node-{position}"),
        uptime_s: 9,
        addresses: vec![],
        peers: 3,
        roles: vec![],
        announced: vec![],
        limits: LimitsView::default(),
        snapshot: PoiHash::ZERO,
        sandbox: None,
        jobs: vec![],
        executed: u64::from(position == EXECUTOR),
        segments_given: 0,
        segments_helped: 0,
        verified_ok: 1,
        verified_bad: 1,
        balance: "0".to_owned(),
        blacklisted: if position == FORGER {
            vec![]
        } else {
            vec![id(FORGER)]
        },
        clock: nonos_node::api::ClockView::default(),
        config: nonos_node::api::ConfigView::default(),
        anonymity: None,
        dropped: vec![],
        warnings: vec![],
    }
}

fn view(booked: Vec<Booked>, proved_here: bool) -> JobView {
    JobView {
        job: job(),
        requester: id(REQUESTER),
        capsule: CapsuleHash::hash(&[b"capsule"]),
        backend: "halo2".to_owned(),
        max_fee: Amount::from_atto(1_000),
        created: Timestamp::new(1),
        deadline: Timestamp::new(2),
        state: JobState::Paid,
        executor: Some(id(EXECUTOR)),
        slots: vec![],
        receipt: Some(ReceiptView {
            receipt: ReceiptId::ZERO,
            exec_hash: ExecHash::hash(&[b"run"]),
            executor: id(EXECUTOR),
            slot: Slot::ZERO,
            outcome: "return".to_owned(),
            fuel: Fuel::new(10_648),
            fee: FEE,
            proof_bytes: 41_404,
            prove_ms: proved_here.then_some(5_000),
            verify_ms: (!proved_here).then_some(40),
            // From `printf abc | sha256sum`.
            result_hex: Some("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned()),
            too_long: None,
            outbound_hex: None,
        }),
        input_hex: None,
        inbound: vec![],
        verdicts: vec![],
        booked,
        segments: None,
        refused: None,
        refused_code: None,
        sealing: Sealing::default(),
        weights: vec![],
        proved_after_ms: None,
    }
}

fn trust(execute: u32) -> TrustView {
    TrustView {
        node: id(EXECUTOR),
        state: "new".to_owned(),
        score_ppm: execute,
        contexts: vec![("execute".to_owned(), execute, 0), ("pay".to_owned(), 900_000, 0)],
        evidence: vec![EvidenceId::ZERO],
        block: None,
    }
}

/// Changes one fact, and asserts that this, and nothing else, is found.
#[track_caller]
fn breaks(change: impl FnOnce(&mut Facts), expected: &[Finding]) {
    let mut facts = good();
    change(&mut facts);
    assert_eq!(check(&facts), expected);
}

fn receipt(facts: &mut Facts) -> &mut ReceiptView {
    let view = &mut facts.nodes[REQUESTER].jobs[0];
    view.receipt.as_mut().expect("there is one")
}

#[test]
fn finds_nothing_where_all_holds() {
    breaks(|_| {}, &[]);
}

#[test]
fn names_a_job_without_a_receipt() {
    breaks(
        |facts| facts.nodes[REQUESTER].jobs[0].receipt = None,
        &[Finding::NotProved { job: 0 }],
    );
    breaks(
        |facts| facts.nodes[REQUESTER].jobs.clear(),
        &[Finding::NotProved { job: 0 }],
    );
}

#[test]
fn names_a_wrong_output() {
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned();
    let found = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ae".to_owned();
    breaks(
        |facts| receipt(facts).result_hex = Some(found.clone()),
        &[Finding::WrongOutput {
            job: 0,
            expected: expected.clone(),
            found: found.clone(),
        }],
    );
    breaks(
        |facts| receipt(facts).result_hex = None,
        &[Finding::WrongOutput {
            job: 0,
            expected,
            found: String::new(),
        }],
    );
}

#[test]
fn names_an_executor_who_is_no_honest_node() {
    for executor in [id(FORGER), id(77)] {
        breaks(
            |facts| receipt(facts).executor = executor,
            &[Finding::WrongExecutor { job: 0, executor }],
        );
    }
}

#[test]
fn names_a_job_that_is_not_paid() {
    breaks(
        |facts| facts.nodes[REQUESTER].jobs[0].state = JobState::Proved,
        &[Finding::NotPaid {
            job: 0,
            state: JobState::Proved,
        }],
    );
}

#[test]
fn names_an_honest_node_that_has_not_verified() {
    // Its check of the forgery does not count.
    breaks(
        |facts| facts.nodes[VERIFIER].events.truncate(1),
        &[Finding::NotVerified {
            job: 0,
            node: VERIFIER,
        }],
    );
    breaks(|facts| facts.nodes[FORGER].events.clear(), &[]);
}

#[test]
fn names_an_honest_node_that_found_the_receipt_invalid() {
    let disagree = |facts: &mut Facts| {
        let event = facts.nodes[VERIFIER].events.last_mut().expect("it verified");
        if let What::Checked { valid, .. } = &mut event.what {
            *valid = false;
        }
    };
    breaks(
        disagree,
        &[Finding::Refused {
            job: 0,
            node: VERIFIER,
        }],
    );
}

#[test]
fn names_books_with_the_execution_in_them_twice_or_not_at_all() {
    let once_more = |node: usize| {
        move |facts: &mut Facts| {
            let booked = &mut facts.nodes[node].jobs[0].booked;
            booked.push(booked[0]);
        }
    };
    let one_sided = Finding::OneSided {
        job: 0,
        payer: REQUESTER,
        payee: EXECUTOR,
        kind: FeeKind::Execute,
    };
    let times = |node, times| Finding::NotBookedOnce { job: 0, node, times };
    breaks(once_more(REQUESTER), &[times(REQUESTER, 2), one_sided.clone()]);
    breaks(once_more(EXECUTOR), &[times(EXECUTOR, 2), one_sided.clone()]);
    breaks(
        |facts| facts.nodes[EXECUTOR].jobs[0].booked.clear(),
        &[times(EXECUTOR, 0), one_sided],
    );
}

#[test]
fn names_the_execution_paid_to_two() {
    let pay_forger = |facts: &mut Facts| {
        let booked = &mut facts.nodes[REQUESTER].jobs[0].booked;
        let line = Booked {
            peer: id(FORGER),
            ..booked[0]
        };
        booked.push(line);
    };
    breaks(
        pay_forger,
        &[Finding::NotBookedOnce {
            job: 0,
            node: REQUESTER,
            times: 2,
        }],
    );
}

#[test]
fn names_a_fee_that_only_one_side_has() {
    let bounty = Finding::OneSided {
        job: 0,
        payer: REQUESTER,
        payee: VERIFIER,
        kind: FeeKind::Verify,
    };
    breaks(
        |facts| facts.nodes[VERIFIER].jobs[0].booked[0].amount = FEE,
        std::slice::from_ref(&bounty),
    );
    breaks(
        |facts| facts.nodes[REQUESTER].jobs[0].booked.truncate(1),
        &[
            bounty,
            Finding::BountiesUnpaid {
                job: 0,
                promised: 1,
                paid: 0,
            },
        ],
    );
}

#[test]
fn names_ledgers_that_disagree() {
    let disagree = |says_other| Finding::LedgersDisagree {
        one: REQUESTER,
        other: EXECUTOR,
        says_one: -700,
        says_other,
    };
    breaks(
        |facts| facts.nodes[EXECUTOR].books.owed_by[0].1 = "699".to_owned(),
        &[disagree(699)],
    );
    breaks(
        |facts| facts.nodes[EXECUTOR].books.owed_by.clear(),
        &[disagree(0)],
    );
    breaks(
        |facts| facts.nodes[EXECUTOR].books.owed_by[0].1 = "-700".to_owned(),
        &[disagree(-700)],
    );
    breaks(
        |facts| facts.nodes[EXECUTOR].books.owed_by[0].1 = "much".to_owned(),
        &[Finding::BadFigure {
            node: EXECUTOR,
            text: "much".to_owned(),
        }],
    );
}

#[test]
fn names_books_that_do_not_recompute() {
    let why = "entry 2 is not signed by its author".to_owned();
    breaks(
        |facts| facts.nodes[VERIFIER].ledger = Err(why.clone()),
        &[Finding::LedgerWrong {
            node: VERIFIER,
            why: why.clone(),
        }],
    );
    breaks(|facts| facts.nodes[FORGER].ledger = Err(why.clone()), &[]);
}

#[test]
fn names_who_does_not_blacklist_a_forger() {
    breaks(
        |facts| facts.nodes[VERIFIER].status.blacklisted.clear(),
        &[Finding::NotBlacklisted {
            malicious: FORGER,
            by: VERIFIER,
        }],
    );
}

#[test]
fn names_who_blacklists_an_honest_node() {
    breaks(
        |facts| facts.nodes[VERIFIER].status.blacklisted.push(id(EXECUTOR)),
        &[Finding::HonestBlacklisted {
            honest: EXECUTOR,
            by: VERIFIER,
        }],
    );
    // What a forger thinks is its own affair.
    breaks(
        |facts| facts.nodes[FORGER].status.blacklisted.push(id(EXECUTOR)),
        &[],
    );
}

#[test]
fn names_where_trust_has_not_risen() {
    let at_verifier = [Finding::TrustNotRisen {
        executor: EXECUTOR,
        at: VERIFIER,
    }];
    breaks(|facts| facts.nodes[VERIFIER].trust.clear(), &at_verifier);
    breaks(
        |facts| facts.nodes[VERIFIER].trust = vec![trust(NEWCOMER)],
        &at_verifier,
    );
    breaks(
        |facts| facts.nodes[VERIFIER].trust_before = vec![trust(400_000)],
        &at_verifier,
    );
    breaks(
        |facts| facts.nodes[VERIFIER].trust_before = vec![trust(399_999)],
        &[],
    );
}

#[test]
fn the_report_is_ok_only_where_nothing_is_found() {
    let facts = good();
    let json = |findings: &[Finding]| {
        let report = report::Report::new(&facts, findings, &report::Times::default(), &choice());
        serde_json::to_value(report).expect("plain data")
    };
    assert_eq!(json(&[])["ok"], true);
    let failed = json(&[Finding::NotVerified { job: 0, node: 2 }]);
    assert_eq!(failed["ok"], false);
    assert_eq!(failed["failures"][0], "job 0: not verified by node 2");
}

#[test]
fn the_report_has_every_field_that_is_promised() {
    let report = report::Report::new(&good(), &[], &report::Times::default(), &choice());
    let json = serde_json::to_value(&report).expect("plain data");
    let node = &json["nodes"][EXECUTOR];
    for field in [
        "id",
        "data_dir",
        "malicious",
        "executed",
        "verified_ok",
        "verified_bad",
        "balance",
        "blacklisted",
        "ledger_ok",
    ] {
        assert!(node.get(field).is_some(), "{field}");
    }
    let job = &json["jobs"][0];
    for (field, value) in [
        ("input_hex", serde_json::json!("616263")),
        ("backend", "halo2".into()),
        ("prove_ms", 5_000.into()),
        ("verify_ms", 40.into()),
        ("proof_bytes", 41_404.into()),
        ("fuel", 10_648.into()),
        ("executor", id(EXECUTOR).to_string().into()),
        ("paid", true.into()),
        (
            "capsule_hash",
            CapsuleHash::hash(&[b"capsule"]).to_string().into(),
        ),
        ("exec_hash", ExecHash::hash(&[b"run"]).to_string().into()),
        ("output_hex", sha256_hex(b"abc").into()),
    ] {
        assert_eq!(job[field], value, "{field}");
    }
    let text = report.text();
    for part in [
        "forged",
        "proved",
        "verified, refused a forgery",
        "40.0 % new",
        "+0.0000000000000007 NONOS",
    ] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
}
