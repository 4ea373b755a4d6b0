//! What a node does with a configuration that was written while it runs.

use nonos_types::{Role, Roles};

use super::world::*;
use crate::{
    Config,
    api::{ConfigView, Reloaded, RequestError},
    config::Overridden,
    engine::Input,
};

/// The file says this now, besides what these worlds are always set to.
fn reload(world: &mut World, text: &str) -> Result<Reloaded, RequestError> {
    let read = match Config::check(text) {
        Ok(mut config) => {
            let running = &world.nodes[0].engine.config;
            config.network.clone_from(&running.network);
            config.directory = running.directory;
            config.award_timeout_s = running.award_timeout_s;
            Ok(Box::new(config))
        }
        Err(errors) => Err(errors[0].to_string()),
    };
    let (reply, mut answer) = tokio::sync::oneshot::channel();
    world.give(0, Input::Reload { read, reply });
    world.run();
    let answer = answer.try_recv().expect("it is answered");
    answer.map(|it| serde_json::from_value(it).expect("a reload"))
}

fn announced(world: &World) -> Roles {
    let descriptor = world.nodes[1].engine.directory.get(world.id(0));
    descriptor.expect("it has heard of it").roles
}

fn view(world: &World) -> ConfigView {
    world.nodes[0].engine.configured.clone()
}

#[test]
fn a_good_change_holds_at_once() {
    let mut world = World::new(2);
    world.run();
    let changed = "[roles]\nexecutor = \"off\"\n[limits]\nmonthly = \"1GB\"\n";
    let done = reload(&mut world, changed).expect("it is right");
    assert_eq!(done.applied, ["roles.executor", "limits.monthly"]);
    assert!(done.restart.is_empty(), "{done:?}");
    let limits = world.nodes[0].engine.limits_view();
    assert_eq!(limits.monthly.map(|it| it.get()), Some(1_000_000_000));
    assert!(!announced(&world).contains(Role::Executor));
    assert_eq!(view(&world).reloaded, Some(world.now().time));
    // The edge is told, too.
    let (node, edge) = world.configured.last().expect("it is told");
    assert_eq!((*node, edge.limits.monthly.is_some()), (0, true));

    reload(&mut world, "").expect("it is right");
    assert_eq!(world.nodes[0].engine.limits_view().monthly, None);
    assert!(announced(&world).contains(Role::Executor));
}

#[test]
fn a_bad_one_changes_nothing_and_is_remembered_until_a_good_one_comes() {
    let mut world = World::new(2);
    world.run();
    reload(&mut world, "[limits]\nmonthly = \"1GB\"\n").expect("it is right");
    let before = world.nodes[0].engine.config.clone();
    let error =
        reload(&mut world, "[roles]\nexecutor = \"off\"\n[limits]\ncpu = 0\n").expect_err("it is wrong");
    assert!(error.message.contains("line 4, column 7: limits.cpu"), "{error}");
    assert_eq!(error.fault, "caller");
    assert_eq!(world.nodes[0].engine.config, before);
    assert!(announced(&world).contains(Role::Executor));
    assert!(view(&world).refused.is_some_and(|it| it.contains("limits.cpu")));
    let status = world.nodes[0].engine.status().expect("a status");
    assert!(
        status.warnings.iter().any(|it| it.contains("limits.cpu")),
        "{:?}",
        status.warnings
    );
    reload(&mut world, "").expect("it is right");
    assert_eq!(view(&world).refused, None);
}

#[test]
fn what_needs_a_restart_is_named_and_waits() {
    let mut world = World::new(2);
    world.run();
    let changed = "[onion]\nhops = 4\n[credit]\nmost_owed = \"7\"\n[verifier]\nqueue = 7\n";
    let done = reload(&mut world, changed).expect("it is right");
    assert_eq!(done.applied, ["credit.most_owed"]);
    assert_eq!(done.restart, ["onion.hops", "verifier.queue"]);
    let config = &world.nodes[0].engine.config;
    assert_eq!((config.onion.hops, config.credit.most_owed.atto()), (3, 7));
    assert_eq!(view(&world).restart, ["onion.hops", "verifier.queue"]);
    // It waits still, whatever else changes.
    let done = reload(&mut world, "[onion]\nhops = 4\n").expect("it is right");
    assert_eq!(done.restart, ["onion.hops"]);
    assert_eq!(
        reload(&mut world, "").expect("it is right").restart,
        Vec::<String>::new()
    );
}

#[test]
fn peers_that_are_new_are_kept_and_flags_go_before_the_file() {
    let mut world = World::new(2);
    world.run();
    let (one, two) = ("/ip4/192.0.2.7/tcp/1", "/ip4/192.0.2.8/tcp/1");
    let peers = |all: &[&str]| format!("peers = {all:?}\n");
    reload(&mut world, &peers(&[one])).expect("it is right");
    assert_eq!(world.kept, [(0, one.to_owned())]);
    reload(&mut world, &peers(&[one, two])).expect("it is right");
    assert_eq!(world.kept, [(0, one.to_owned()), (0, two.to_owned())]);
    world.nodes[0].engine.config.overridden = Overridden {
        peers: true,
        ..Overridden::default()
    };
    let done = reload(&mut world, &peers(&[])).expect("it is right");
    assert!(done.applied.is_empty(), "{done:?}");
    assert_eq!(world.nodes[0].engine.config.peers, [one, two]);
}
