//! Landlock: no files, no TCP, no signals to others. In three layers, so that what is said of each is true where a
//! kernel has some of it only.

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetError, RulesetStatus, Scope,
};

/// What is handled and not allowed by any rule is refused. Says whether files, network and scope were given up.
pub(crate) fn give_up() -> (bool, bool, bool) {
    // Opening, making and executing are in the oldest version: a part of the list is all that matters.
    let files = status(|it| it.handle_access(AccessFs::from_all(ABI::V5))) != RulesetStatus::NotEnforced;
    let network = status(|it| it.handle_access(AccessNet::from_all(ABI::V4)));
    let scope = status(|it| it.scope(Scope::from_all(ABI::V6)));
    let full = RulesetStatus::FullyEnforced;
    (files, network == full, scope == full)
}

fn status(handle: impl FnOnce(Ruleset) -> Result<Ruleset, RulesetError>) -> RulesetStatus {
    let restricted = handle(Ruleset::default()).and_then(|it| it.create()?.restrict_self());
    restricted.map_or(RulesetStatus::NotEnforced, |it| it.ruleset)
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::ErrorKind, net::TcpListener, thread};

    use landlock::{CompatLevel, Compatible as _};

    use super::*;

    /// Landlock restricts the calling thread: it ends with the test.
    #[test]
    #[expect(clippy::print_stderr, reason = "says what was not tested")]
    fn refuses_files_and_ports_where_the_kernel_can() {
        let must = || Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
        let has_files = must()
            .handle_access(AccessFs::Execute)
            .and_then(Ruleset::create)
            .is_ok();
        let has_ports = must()
            .handle_access(AccessNet::BindTcp)
            .and_then(Ruleset::create)
            .is_ok();
        let has_scope = must().scope(Scope::Signal).and_then(Ruleset::create).is_ok();
        if !(has_files && has_ports && has_scope) {
            eprintln!(
                "skipped: files {has_files}, ports {has_ports}, scope {has_scope} in this kernel's Landlock"
            );
        }
        let open = || File::open("/proc/self/status").err().map(|error| error.kind());
        let listen = || TcpListener::bind("127.0.0.1:0").err().map(|error| error.kind());
        let (before, given_up, after) = thread::spawn(move || {
            let before = (open(), listen());
            (before, give_up(), (open(), listen()))
        })
        .join()
        .expect("it does not panic");
        assert_eq!(before, (None, None));
        assert_eq!(given_up, (has_files, has_ports, has_scope));
        let refused = |has: bool| has.then_some(ErrorKind::PermissionDenied);
        assert_eq!(after, (refused(has_files), refused(has_ports)));
    }
}
