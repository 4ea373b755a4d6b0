//! Seccomp: the few system calls of a run. Any other one kills the process.

use std::{collections::BTreeMap, env::consts::ARCH};

use nix::libc;
use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter_all_threads,
};

/// Bits of an argument of a call.
struct Bits {
    argument: u8,
    mask: u64,
    value: u64,
}

const DESCRIPTOR: u64 = 0xffff_ffff;
const PROTECTION: u64 = libc::PROT_EXEC as u64;
const ANONYMOUS: u64 = (libc::MAP_ANONYMOUS | libc::MAP_PRIVATE) as u64;

/// Puts the filter on; says whether that worked.
pub(crate) fn give_up() -> bool {
    program().is_ok_and(|program| apply_filter_all_threads(&program).is_ok())
}

fn program() -> Result<BpfProgram, Error> {
    let filter = SeccompFilter::new(
        rules()?,
        SeccompAction::KillProcess,
        SeccompAction::Allow,
        ARCH.try_into()?,
    )?;
    Ok(filter.try_into()?)
}

/// What a run, its answer, and the end of a process take. With glibc a run makes `read`, `write`, `brk`, `mmap`,
/// `munmap`, `mremap`, and ends by `sigaltstack` and `exit_group`; a panic or an abort adds `futex`, `getpid`,
/// `gettid`, `tgkill`, `rt_sigprocmask`. The others are for other allocators and for faults, whose handlers are the
/// standard library's.
fn rules() -> Result<BTreeMap<i64, Vec<SeccompRule>>, Error> {
    let mut rules = BTreeMap::new();
    let always = [
        // Memory, but to map it: see below.
        libc::SYS_brk,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        // Keys of hash tables; a run does not depend on them.
        libc::SYS_getrandom,
        // The end, good or bad.
        libc::SYS_exit,
        libc::SYS_exit_group,
        libc::SYS_sigaltstack,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_futex,
    ];
    rules.extend(always.map(|call| (call, vec![])));
    let descriptor = |number| Bits {
        argument: 0,
        mask: DESCRIPTOR,
        value: number,
    };
    // Nothing that is executed is made, and no file is mapped.
    let no_code = || Bits {
        argument: 2,
        mask: PROTECTION,
        value: 0,
    };
    let anonymous = Bits {
        argument: 3,
        mask: ANONYMOUS,
        value: ANONYMOUS,
    };
    // To abort is to send oneself a signal.
    let itself = Bits {
        argument: 0,
        mask: DESCRIPTOR,
        value: u64::from(std::process::id()),
    };
    rules.insert(libc::SYS_read, vec![rule([descriptor(0)])?]);
    rules.insert(
        libc::SYS_write,
        vec![rule([descriptor(1)])?, rule([descriptor(2)])?],
    );
    rules.insert(libc::SYS_mmap, vec![rule([no_code(), anonymous])?]);
    rules.insert(libc::SYS_mprotect, vec![rule([no_code()])?]);
    rules.insert(libc::SYS_tgkill, vec![rule([itself])?]);
    Ok(rules)
}

fn rule<const N: usize>(conditions: [Bits; N]) -> Result<SeccompRule, Error> {
    let condition = |it: Bits| {
        SeccompCondition::new(
            it.argument,
            SeccompCmpArgLen::Qword,
            SeccompCmpOp::MaskedEq(it.mask),
            it.value,
        )
    };
    let conditions: Result<_, _> = conditions.into_iter().map(condition).collect();
    Ok(SeccompRule::new(conditions?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tests of whole workers see what is killed; here, that no call that opens something is on the list.
    #[test]
    fn is_a_short_list() {
        let rules = rules().expect("the rules are well-formed");
        assert_eq!(rules.len(), 19);
        for call in [
            libc::SYS_openat,
            libc::SYS_socket,
            libc::SYS_clone,
            libc::SYS_clone3,
            libc::SYS_execve,
            libc::SYS_kill,
            libc::SYS_ptrace,
            libc::SYS_ioctl,
        ] {
            assert!(!rules.contains_key(&call), "{call}");
        }
    }
}
