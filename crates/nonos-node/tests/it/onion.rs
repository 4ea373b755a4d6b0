//! A job in a mesh that hides what it can.

use crate::mesh::*;
use nonos_node::{
    Conduct, Config, CoverName, Directory, Node, Onion, Policy,
    api::{AnonymityView, JobState, Request, Status},
};

fn hiding(config: Config) -> Config {
    Config {
        directory: Directory {
            lan: true,
            ..config.directory
        },
        onion: Onion {
            policy: Policy::Required,
            cover: CoverName::High,
            delay_ms: 20,
            min_age_s: 0,
            ..config.onion
        },
        ..config
    }
}

async fn anonymity(node: &Node) -> AnonymityView {
    let status: Status = ask(node, Request::Status).await;
    status.anonymity.expect("the onion layer is on")
}

/// Nodes that can only do what is to be hidden by hiding it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_capsule_is_looked_up_and_a_receipt_published_through_the_onion_layer() {
    let mesh = Mesh::new();
    let (mut nodes, mut known) = (vec![], vec![]);
    for name in ["a", "b", "c", "d", "e"] {
        let node = mesh
            .start_set(name, &known, Conduct::Honest, hiding)
            .await
            .expect("it starts");
        known.extend(addresses(&node).await);
        nodes.push(node);
    }
    for node in &nodes {
        let all_hops = |status: &Status| status.anonymity.as_ref().is_some_and(|it| it.hops == Some(3));
        let status = until(node, Request::Status, all_hops).await;
        assert_eq!(status.anonymity.expect("it is on").mixes, 4);
    }
    let capsule = publish(&nodes[4]).await;
    let job_id = submit(&nodes[0], submission(capsule, 20, 0)).await;
    // It was asked for by one question, or several, that were answered.
    let asked = anonymity(&nodes[0]).await;
    assert!(asked.answered >= 1, "{asked:?}");

    let paid = job(&nodes[0], job_id, |it| it.state == JobState::Paid).await;
    let executor = (nodes.iter())
        .find(|node| Some(node.id()) == paid.executor)
        .expect("one of them");
    assert_ne!(executor.id(), nodes[0].id());
    // Word that another has taken the receipt on may come after the receipt has gone around.
    let has_word = |status: &Status| status.anonymity.as_ref().is_some_and(|it| it.answered >= 1);
    until(executor, Request::Status, has_word).await;
    let mut forwarded = 0;
    for node in &nodes {
        forwarded += anonymity(node).await.forwarded;
    }
    assert!(forwarded > 0);
    stop(nodes).await;
}
