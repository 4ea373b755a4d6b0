//! A key that runs in two places, and data that are put back to an older state: the node notices by itself, and signs nothing
//! that could be used against it.

use nonos_node::api::{Request, Resumption};
use std::time::{Duration, Instant};

use crate::{
    books::{self, Offered},
    lan::load,
    mesh::{How, Mesh, until, until_or},
    node::Node,
};

/// Within so many seconds it is noticed.
const NOTICED: u64 = 30;
const SHARES_KEY: &str = "signed with this node's key elsewhere, or its data were lost";

const HOW: How = How {
    backend: "stark",
    verifiers: 1,
};

fn warns(node: &mut Node) -> Option<()> {
    let warnings = node.status().warnings;
    warnings.iter().any(|it| it.contains(SHARES_KEY)).then_some(())
}

/// Goes on in a new incarnation, as soon as a peer has said what it has.
fn resume(node: &mut Node) -> Resumption {
    let ask = |confirmed| Request::ResumeBooks {
        confirmed,
        accept_fork_risk: false,
    };
    until("a peer has said what it has", 120, || {
        let view: Resumption = node.ask(&ask(false));
        (!view.asked.is_empty()).then_some(())
    });
    let done: Resumption = node.ask(&ask(true));
    let warnings = node.status().warnings;
    let is_stopped = warnings.iter().any(|it| it.contains(SHARES_KEY));
    assert!(done.done && !is_stopped, "{done:?}; {warnings:?}");
    done
}

/// No node has found another guilty.
fn assert_nobody_is_blamed(mesh: &mut Mesh) {
    for node in &mut mesh.nodes {
        assert_eq!(node.status().blacklisted, []);
    }
}

fn agree(mesh: &mut Mesh, jobs: &[Offered]) {
    until_or("all agree", 120, || {
        let wrong = books::wrong(mesh, jobs);
        wrong
            .is_empty()
            .then_some(())
            .ok_or_else(|| format!("{wrong:#?}"))
    });
}

fn do_job(mesh: &mut Mesh, by: usize, capsule: nonos_types::CapsuleHash, text: &str) -> Offered {
    let job = mesh.submit(by, capsule, text, &HOW);
    until("a job is paid", 60, || mesh.is_paid(by, job).then_some(()));
    Offered { job, by }
}

#[test]
fn heavy_a_key_that_runs_in_two_places_stops_itself_in_both_and_goes_on_in_one() {
    // The last host is for the copy.
    let Some(mut mesh) = Mesh::new(4, "") else { return };
    mesh.start(60);
    let capsule = mesh.publish(0);
    do_job(&mut mesh, 1, capsule, "before");
    mesh.nodes[1].kill();
    mesh.nodes[3].kill();
    let original = mesh.nodes[1].data().to_owned();
    mesh.nodes[3].become_copy_of(&original);
    mesh.nodes[1].start();
    mesh.nodes[3].start();
    let since = Instant::now();
    until_or("both have noticed", NOTICED, || {
        let twins = [1, 3].map(|twin| (warns(&mut mesh.nodes[twin]), mesh.nodes[twin].status().peers));
        let noticed = twins.iter().all(|(noticed, _)| noticed.is_some());
        noticed
            .then_some(())
            .ok_or_else(|| format!("noticed, and peers: {twins:?}"))
    });
    let noticed = since.elapsed();
    for twin in [1, 3] {
        let refused = mesh.nodes[twin].refusal(&HOW.hash(capsule, "after"));
        assert!(refused.contains("its key is used elsewhere"), "{refused}");
    }
    assert_nobody_is_blamed(&mut mesh);
    let resumed = resume(&mut mesh.nodes[1]);
    let since = Instant::now();
    until("the other hears of it", 120, || {
        let warnings = mesh.nodes[3].status().warnings;
        warnings
            .iter()
            .any(|it| it.contains("go on elsewhere"))
            .then_some(())
    });
    let heard = since.elapsed();
    do_job(&mut mesh, 1, capsule, "in a new incarnation");
    assert_nobody_is_blamed(&mut mesh);
    eprintln!(
        "both that run with one key have noticed after {noticed:.1?}; one goes on in incarnation {}, the other has heard of \
         it after {heard:.1?}; {}",
        resumed.incarnation,
        load()
    );
}

#[test]
fn heavy_data_put_back_to_an_older_state_are_not_signed_upon_before_they_are_resumed() {
    let Some(mut mesh) = Mesh::new(3, "") else { return };
    mesh.start(60);
    let capsule = mesh.publish(0);
    let mut jobs = vec![do_job(&mut mesh, 1, capsule, "before the backup")];
    mesh.nodes[1].kill();
    let backup = mesh.nodes[1].back_up();
    mesh.nodes[1].start();
    // What the backup does not have: an offer, a voucher, a ledger's entries.
    jobs.push(do_job(&mut mesh, 1, capsule, "after the backup"));
    agree(&mut mesh, &jobs);
    mesh.nodes[1].kill();
    mesh.nodes[1].restore(&backup);
    mesh.nodes[1].start();
    let since = Instant::now();
    until("it notices", NOTICED, || warns(&mut mesh.nodes[1]));
    let noticed = since.elapsed();
    let refused = mesh.nodes[1].refusal(&HOW.hash(capsule, "on an old state"));
    assert!(refused.contains("its data were lost"), "{refused}");
    // Nothing is paid twice, and the others' books are as they were.
    std::thread::sleep(Duration::from_secs(5));
    for it in &jobs {
        for other in [0, 2] {
            let view = mesh.nodes[other].job(it.job).expect("it is known");
            let paid = view
                .booked
                .iter()
                .filter(|it| it.kind == nonos_types::FeeKind::Execute);
            assert!(paid.count() <= 1, "{view:?}");
        }
    }
    let _: nonos_node::api::Verified = mesh.nodes[0].ask(&Request::VerifyLedger);
    assert_nobody_is_blamed(&mut mesh);
    let done = resume(&mut mesh.nodes[1]);
    assert_eq!(done.incarnation.get(), 1);
    jobs.push(do_job(&mut mesh, 1, capsule, "in a new incarnation"));
    jobs.push(do_job(&mut mesh, 0, capsule, "by another"));
    agree(&mut mesh, &jobs);

    // Its database alone is put back: it knows by itself.
    mesh.nodes[1].kill();
    mesh.nodes[1].restore_database(&backup);
    mesh.nodes[1].start();
    let said = mesh.nodes[1].ended();
    assert!(said.contains("--old-books"), "{said}");
    mesh.nodes[1].start_with(&["--old-books"]);
    let done = resume(&mut mesh.nodes[1]);
    assert_eq!(done.incarnation.get(), 2);
    jobs.push(do_job(&mut mesh, 1, capsule, "in yet another"));
    mesh.nodes[1].kill();
    mesh.nodes[1].start();
    agree(&mut mesh, &jobs);
    assert_nobody_is_blamed(&mut mesh);
    eprintln!(
        "a node that was put back to an older state has noticed after {noticed:.1?}; {}",
        load()
    );
}
