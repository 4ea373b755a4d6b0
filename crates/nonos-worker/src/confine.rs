//! A worker gives up what it does not need. Whatever a kernel does not have is left out, and said.

mod files;
mod system_calls;

use std::{env, fs};

use rustix::{
    process::{
        DumpableBehavior, Pid, Resource, Rlimit, Signal, getppid, getrlimit, nice, set_dumpable_behavior,
        set_parent_process_death_signal, setrlimit, setsid,
    },
    thread::set_no_new_privs,
};

use crate::{Layer, Limits, Protection};

/// Gives up what nothing needs, not even the reading of the request's header.
pub(crate) fn at_once() -> Protection {
    let mut done = Protection::default();
    done.note(Layer::Environment, env::vars_os().next().is_none());
    done.note(Layer::Descriptors, close_descriptors());
    done.note(Layer::SingleThread, threads() == Some(1));
    done.note(Layer::Session, setsid().is_ok());
    done.note(Layer::NoNewPrivileges, set_no_new_privs(true).is_ok());
    done.note(
        Layer::NotDumpable,
        set_dumpable_behavior(DumpableBehavior::NotDumpable).is_ok(),
    );
    done
}

/// By how much runs and proofs let others go first.
pub const NICE: i32 = 10;

/// Gives up everything that a run does not need; `done` is what was given up before.
pub(crate) fn for_a_run(mut done: Protection, limits: &Limits, parent: u32) -> Protection {
    done.note(Layer::DiesWithParent, die_with(parent));
    // It is no protection: a system that does not allow it lets them compete.
    let _ = nice(NICE);
    let (files, network, scope) = files::give_up();
    done.note(Layer::Files, files);
    done.note(Layer::Network, network);
    done.note(Layer::Scope, scope);
    done.note(Layer::ResourceLimits, limit(limits).is_ok());
    // Last: what comes before needs other calls.
    done.note(Layer::SystemCalls, system_calls::give_up());
    done
}

/// Closes all but stdin, stdout and stderr. The standard library opens none that is inherited, but whoever started
/// the process that starts workers, or a library in it, may have.
fn close_descriptors() -> bool {
    let open = || -> Option<Vec<i32>> {
        let names = fs::read_dir("/proc/self/fd").ok()?;
        let numbers = names.map(|name| name.ok()?.file_name().to_str()?.parse().ok());
        numbers.collect()
    };
    let Some(inherited) = open() else {
        return false;
    };
    for number in inherited.into_iter().filter(|number| *number > 2) {
        // The one that the list was read with is closed already.
        let _ = nix::unistd::close(number);
    }
    // The list has itself.
    open().is_some_and(|left| left.iter().filter(|number| **number > 2).count() <= 1)
}

fn threads() -> Option<usize> {
    Some(fs::read_dir("/proc/self/task").ok()?.count())
}

/// The kernel looks at the thread that started this process: it has to wait for the answer.
fn die_with(parent: u32) -> bool {
    let set = set_parent_process_death_signal(Some(Signal::KILL)).is_ok();
    // It may have ended before.
    let there = getppid()
        .map(Pid::as_raw_nonzero)
        .map(|it| it.get().cast_unsigned());
    set && there == Some(parent)
}

fn limit(limits: &Limits) -> rustix::io::Result<()> {
    let seconds = limits.cpu.as_secs().max(1);
    // SIGXCPU comes at the first, SIGKILL at the second.
    lower(Resource::Cpu, seconds, seconds + 1)?;
    for (resource, most) in [
        (Resource::As, limits.memory.get()),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
        (Resource::Nproc, 0),
        (Resource::Memlock, 0),
        (Resource::Msgqueue, 0),
        // Descriptors that are open stay so.
        (Resource::Nofile, 0),
    ] {
        lower(resource, most, most)?;
    }
    Ok(())
}

/// Sets both limits, unless the administrator has set lower ones.
fn lower(resource: Resource, current: u64, maximum: u64) -> rustix::io::Result<()> {
    let old = getrlimit(resource);
    let least = |new: u64, old: Option<u64>| Some(old.map_or(new, |old| new.min(old)));
    let new = Rlimit {
        current: least(current, old.maximum),
        maximum: least(maximum, old.maximum),
    };
    setrlimit(resource, new)
}
