//! A mesh that is cut in two works on both sides, and has one truth again soon after it is healed.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::{
    books::{self, Offered},
    lan::load,
    mesh::{How, Mesh, until_or},
};

const CUT: Duration = Duration::from_secs(60);

/// Two halves of so many nodes each.
fn split(half: usize, cut: Duration) {
    let Some(mut mesh) = Mesh::new(2 * half, "") else {
        return;
    };
    mesh.start(120);
    let capsule = mesh.publish(0);
    mesh.publish(half);
    let how = How {
        backend: "stark",
        verifiers: 1,
    };
    let side_of = |host: usize| host / half;
    mesh.lan.patch(side_of);
    let since = Instant::now();
    let mut offered: Vec<Offered> = Vec::new();
    let mut open: BTreeMap<usize, Offered> = BTreeMap::new();
    let mut done = [0_usize; 2];
    // One job after the other on each side, by its nodes in turn; the last ones are waited for.
    while since.elapsed() < cut || !open.is_empty() {
        assert!(
            since.elapsed() < cut + Duration::from_secs(300),
            "jobs are not done: {open:?}"
        );
        for (side, done) in done.iter_mut().enumerate() {
            match open.get(&side) {
                Some(it) if mesh.is_paid(it.by, it.job) => {
                    open.remove(&side);
                    *done += 1;
                }
                Some(_) => {}
                None if since.elapsed() < cut => {
                    let by = side * half + *done % half;
                    let job = mesh.submit(by, capsule, &format!("job {done} of side {side}"), &how);
                    offered.push(Offered { job, by });
                    open.insert(side, Offered { job, by });
                }
                None => {}
            }
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    mesh.apart(0, side_of);
    let cut = since.elapsed();
    mesh.lan.heal();
    let healed = Instant::now();
    until_or("all agree", 30, || {
        let wrong = books::wrong(&mut mesh, &offered);
        wrong
            .is_empty()
            .then_some(())
            .ok_or_else(|| format!("{} of {}: {wrong:#?}", wrong.len(), offered.len()))
    });
    let agreed = healed.elapsed();
    mesh.joined(60);
    eprintln!(
        "cut for {cut:.1?} with {done:?} jobs done on the sides; {agreed:.1?} after it was healed all agree, after {:.1?} \
         all are connected; {}",
        healed.elapsed(),
        load()
    );
    assert!(done.iter().all(|done| *done > 0), "{done:?}");
}

#[test]
fn heavy_two_halves_work_alone_and_agree_soon_after() {
    split(4, CUT);
}
