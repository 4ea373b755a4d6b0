//! From an offer to its payment.

use nonos_node::{
    Conduct,
    api::{Booked, Books, JobState, Request, Status, Submission, Verified},
};
use nonos_types::FeeKind;

use crate::mesh::{Mesh, addresses, ask, job, publish, stop, submission, submit, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_proved_verified_by_all_and_paid_once() {
    let mesh = Mesh::new();
    let requester = mesh.start("requester", &[], Conduct::Honest).await;
    let at = addresses(&requester).await;
    let seeder = mesh.start("seeder", &at, Conduct::Honest).await;
    let other = mesh.start("other", &at, Conduct::Honest).await;
    let nodes = [&requester, &seeder, &other];
    for node in nodes {
        until(node, Request::Status, |it: &Status| it.peers == 2).await;
    }

    let capsule = publish(&seeder).await;
    let id = submit(&requester, submission(capsule, 20, 1)).await;
    // The bounty comes when the verifier has shown that it verified.
    let paid = job(&requester, id, |it| {
        let is_bounty = |it: &Booked| it.kind == FeeKind::Verify;
        it.state == JobState::Paid && it.verdicts.len() == 2 && it.booked.iter().any(is_bounty)
    })
    .await;

    assert_eq!(paid.backend, "stark-koalabear/2");
    let receipt = paid.receipt.expect("a paid job has a receipt");
    assert_eq!(receipt.result_hex, Some(hex::encode(41u64.to_le_bytes())));
    let executes = paid
        .booked
        .iter()
        .filter(|it| it.kind == FeeKind::Execute)
        .count();
    assert_eq!(executes, 1);
    assert!(
        paid.booked
            .iter()
            .any(|it| it.kind == FeeKind::Verify && it.peer != receipt.executor)
    );

    for node in nodes {
        job(node, id, |it| {
            it.state == JobState::Paid && it.verdicts.len() == 2
        })
        .await;
        let report: Verified = ask(node, Request::VerifyLedger).await;
        assert!(report.entries > 0);
    }
    for a in nodes {
        for b in nodes.into_iter().filter(|b| b.id() != a.id()) {
            let owed = |books: Books, of| {
                let found = books.owed_by.into_iter().find(|(peer, _)| *peer == of);
                found.map_or(0, |(_, amount)| amount.parse::<i128>().expect("a number"))
            };
            let (at_a, at_b): (Books, Books) = (ask(a, Request::Ledger).await, ask(b, Request::Ledger).await);
            assert_eq!(owed(at_a, b.id()), -owed(at_b, a.id()));
        }
    }
    stop([requester, seeder, other]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forger_is_blacklisted_by_all_and_the_job_is_done_by_another() {
    let mesh = Mesh::new();
    let requester = mesh.start("requester", &[], Conduct::Honest).await;
    let at = addresses(&requester).await;
    let honest = mesh.start("honest", &at, Conduct::Honest).await;
    let forger = mesh.start("forger", &at, Conduct::ForgeResults).await;
    for node in [&requester, &honest, &forger] {
        until(node, Request::Status, |it: &Status| it.peers == 2).await;
    }

    let capsule = publish(&requester).await;
    let id = submit(&requester, submission(capsule, 1, 0)).await;
    for node in [&requester, &honest] {
        until(node, Request::Status, |it: &Status| {
            it.blacklisted == [forger.id()]
        })
        .await;
        let done = job(node, id, |it| it.state == JobState::Paid).await;
        assert_eq!(done.executor, Some(honest.id()));
    }
    stop([requester, honest, forger]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_requester_that_stops_pays_when_it_is_back() {
    let mesh = Mesh::new();
    let requester = mesh.start("requester", &[], Conduct::Honest).await;
    let at = addresses(&requester).await;
    let executor = mesh.start("executor", &at, Conduct::Honest).await;
    until(&executor, Request::Status, |it: &Status| it.peers == 1).await;

    let capsule = publish(&requester).await;
    let slow = Submission {
        // Long enough to be seen.
        backend: Some("halo2".to_owned()),
        ..submission(capsule, 3, 0)
    };
    let id = submit(&requester, slow).await;
    job(&executor, id, |it| it.state == JobState::Running).await;
    requester.shutdown().await;
    job(&executor, id, |it| it.state == JobState::Proved).await;

    let requester = mesh
        .start("requester", &addresses(&executor).await, Conduct::Honest)
        .await;
    job(&requester, id, |it| it.state == JobState::Paid).await;
    job(&executor, id, |it| it.state == JobState::Paid).await;
    stop([requester, executor]).await;
}
