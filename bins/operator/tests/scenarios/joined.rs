//! Nodes that know each other's addresses and nothing else find each other, ask no name server, and verify a proof.

use nonos_node::api::{EventPage, Request, What};
use nonos_types::JobId;
use std::time::{Duration, Instant};

use crate::{
    books::{self, Offered},
    lan::{address, load},
    mesh::{How, Mesh, until, until_or},
    node::Node,
    tap::{Tap, send},
};

/// So many nodes join, and a job is proved by this backend, verified by all and paid.
fn join_and_prove(nodes: usize, backend: &'static str, joined_s: u64, verified_s: u64) {
    let Some(mut mesh) = Mesh::new(nodes, "") else {
        return;
    };
    let taps: Vec<_> = (0..nodes).map(|host| Tap::new(&mesh.lan, host)).collect();
    let joined = mesh.start(joined_s);
    let capsule = mesh.publish(1);
    let how = How {
        backend,
        verifiers: 2,
    };
    let submitted = Instant::now();
    let job = mesh.submit(0, capsule, "abc", &how);
    until("a receipt", 600, || mesh.nodes[0].job(job)?.executor);
    until("a proof", 600, || {
        mesh.nodes.iter_mut().any(|node| proved(node, job)).then_some(())
    });
    let (proved, since) = (submitted.elapsed(), Instant::now());
    until_or("all have verified the proof", verified_s, || {
        let executor = mesh.nodes[0].job(job).and_then(|view| view.executor);
        let have = mesh
            .nodes
            .iter_mut()
            .filter_map(|node| (Some(node.id) == executor || verified(node, job)).then_some(()));
        let have = have.count();
        (have == nodes)
            .then_some(())
            .ok_or_else(|| format!("{have} have"))
    });
    let verified = since.elapsed();
    until_or("all agree, and it is paid", 60, || {
        let wrong = books::wrong(&mut mesh, &[Offered { job, by: 0 }]);
        wrong
            .is_empty()
            .then_some(())
            .ok_or_else(|| format!("{wrong:#?}"))
    });
    let names: u64 = taps.iter().map(Tap::packets).sum();
    let peak = mesh.nodes.iter().map(Node::peak_mib).max().unwrap_or(0);
    eprintln!(
        "{nodes} nodes joined in {joined:.1?}; {backend}: proved after {proved:.1?}, verified by all {verified:.1?} \
         later; {names} packets to name servers; at most {peak} MiB a node; {}",
        load()
    );
    assert_eq!(names, 0, "packets to name servers");
    for (host, tap) in taps.iter().enumerate() {
        send(&mesh.lan, host, &format!("{}:53", address((host + 1) % nodes)));
        until("the tap hears still", 10, || (tap.packets() > 0).then_some(()));
    }
    assert!(joined <= Duration::from_secs(joined_s));
}

fn happened(node: &mut Node, is: impl Fn(&What) -> bool) -> bool {
    let page: EventPage = node.ask(&Request::Events { after: 0 });
    page.events.iter().any(|event| is(&event.what))
}

fn proved(node: &mut Node, job: JobId) -> bool {
    happened(
        node,
        |what| matches!(what, What::Proved { job: of, .. } if *of == job),
    )
}

fn verified(node: &mut Node, job: JobId) -> bool {
    happened(
        node,
        |what| matches!(what, What::Checked { job: of, valid: true, .. } if *of == job),
    )
}

#[test]
fn three_nodes_join_without_names_and_do_a_job() {
    join_and_prove(3, "stark", 60, 60);
}

#[test]
fn heavy_eight_nodes_join_without_names_and_verify_a_halo2_proof() {
    join_and_prove(8, "halo2", 20, 30);
}
