//! A node that keeps two sets of books, among real nodes that deal with it.

use nonos_node::{
    Conduct,
    api::{JobState, Request, Status},
    init,
};
use nonos_trust::keystore::{Cost, Passphrase};
use nonos_types::FeeKind;

use crate::mesh::{Mesh, addresses, job, publish, stop, submission, submit, until};

/// The name of a new node that is shown true books by one that keeps two, or is not.
fn new_node(mesh: &Mesh, is_shown_true_ones: bool) -> String {
    let passphrase = Passphrase::new(b"passphrase".to_vec()).expect("not empty");
    let mut names = (0..).map(|n| format!("{is_shown_true_ones} {n}"));
    let fits = |name: &String| {
        let id = init(&mesh.path(name), &passphrase, Cost::MIN, "").expect("a new node");
        id.as_bytes()[0].is_multiple_of(2) == is_shown_true_ones
    };
    names.find(fits).expect("one of them")
}

/// Each of the two sees books that are whole. By its descriptor the author says how far they go, and that one of them has not seen:
/// it asks the other.
#[tokio::test(flavor = "multi_thread")]
async fn who_shows_two_nodes_different_books_is_convicted_by_both() {
    let mesh = Mesh::new();
    let (one, other) = (new_node(&mesh, true), new_node(&mesh, false));
    let author = mesh.start("author", &[], Conduct::ForkBooks).await;
    let at = addresses(&author).await;
    let one = mesh.start(&one, &at, Conduct::Honest).await;
    let other = mesh.start(&other, &at, Conduct::Honest).await;
    for node in [&author, &one, &other] {
        until(node, Request::Status, |it: &Status| it.peers == 2).await;
    }
    let capsule = publish(&one).await;
    let id = submit(&author, submission(capsule, 20, 1)).await;
    let is_paid = |it: &nonos_node::api::JobView| it.state == JobState::Paid && it.verdicts.len() == 2;
    // Books are shown to who has dealt with their author: the verifier has when it has its bounty.
    let is_settled =
        |it: &nonos_node::api::JobView| is_paid(it) && it.booked.iter().any(|it| it.kind == FeeKind::Verify);
    job(&author, id, is_settled).await;
    for node in [&one, &other] {
        job(node, id, is_paid).await;
    }
    let mut at = addresses(&one).await;
    at.extend(addresses(&other).await);
    let name = author.id();
    stop([author]).await;
    let author = mesh.start("author", &at, Conduct::ForkBooks).await;
    for node in [&one, &other] {
        until(node, Request::Status, |it: &Status| it.blacklisted == [name]).await;
    }
    stop([author, one, other]).await;
}
