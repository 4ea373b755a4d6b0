use sysinfo::{MemoryRefreshKind, RefreshKind, System};

/// What a machine bears now, in thousandths of what it has.
///
/// ```
/// let load = nonos_state::probe::load(std::thread::available_parallelism()?);
/// assert!(load.memory <= 1000);
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Tasks that could run, on average of a minute, for each core: 1000 is one. 0 if the system does not tell.
    pub cpu: u64,
    /// Memory in use. 0 if the system does not tell.
    pub memory: u64,
}

/// Reads it, for a process that may run on so many cores.
pub fn load(cores: std::num::NonZeroUsize) -> Load {
    let refresh = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let average = System::load_average().map_or(0.0, |it| it.one);
    let memory = System::new_with_specifics(refresh);
    Load {
        cpu: runnable(average, cores.get()),
        memory: memory.map_or(0, |it| in_use(it.total_memory(), it.available_memory())),
    }
}

fn runnable(average: f64, cores: usize) -> u64 {
    // A conversion that saturates: what is no number is 0.
    (average * 1000.0) as u64 / cores as u64
}

fn in_use(total: u64, available: u64) -> u64 {
    let used = u128::from(total.saturating_sub(available)) * 1000;
    let share = used.checked_div(total.into()).unwrap_or(0);
    u64::try_from(share).expect("at most a thousand")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_are_in_thousandths_of_the_machine() {
        assert_eq!(runnable(3.05, 2), 1525);
        assert_eq!(runnable(0.0, 2), 0);
        assert_eq!(in_use(16_000_000, 4_000_000), 750);
        assert_eq!(in_use(u64::MAX, 0), 1000);
    }

    #[test]
    fn what_a_system_does_not_tell_is_no_load() {
        for average in [f64::NAN, -1.0] {
            assert_eq!(runnable(average, 1), 0);
        }
        assert_eq!(in_use(0, 0), 0);
        assert_eq!(in_use(1, 2), 0, "more is free than there is");
    }
}
