//! The same run in the machine and in wasmi, with the fuel charges written into the module.

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
};

use nonos_machine::{
    End, Inputs, Limits, Options, Run, execute, execute_traced,
    isa::{INDEX_BITS, Space},
    lower,
};
use nonos_package::HostSet;
use nonos_types::{Fuel, Pages, TrapKind};
use wasmi::{Caller, Engine, Linker, Module, Store, TrapCode, Val};

use crate::constrained::in_constraints;
use crate::meter::{Count, FUEL, START, metered};

pub(crate) const PAGES: Pages = Pages::new(4);
pub(crate) const STEPS: u64 = 1 << 22;

/// Runs export `run` in the machine, with and without recording, and checks that it is the same run.
pub(crate) fn in_machine(wasm: &[u8], inputs: &Inputs<'_>, fuel: u64) -> Run {
    let options = Options {
        entry: "run",
        max_pages: PAGES,
        hosts: HostSet::ALL,
    };
    let program = lower(wasm, &options).unwrap().program;
    let limits = Limits {
        fuel: Fuel::new(fuel),
        steps: STEPS,
    };
    let run = execute(&program, inputs, limits);
    let (recorded, trace) = execute_traced(&program, inputs, limits);
    assert_eq!(
        (&run.end, run.fuel, run.steps, &run.outputs, &run.memory),
        (
            &recorded.end,
            recorded.fuel,
            recorded.steps,
            &recorded.outputs,
            &recorded.memory
        )
    );
    assert_eq!(trace.is_some(), run.end != End::TooManySteps);
    if let Some(trace) = trace {
        assert_eq!(trace.steps.len(), run.steps as usize);
        assert!(trace.cells.is_sorted_by_key(|cell| cell.key));
        for cell in trace
            .cells
            .iter()
            .filter(|cell| cell.key >> INDEX_BITS == Space::Linear as u32)
        {
            let start = (cell.key as usize & ((1 << INDEX_BITS) - 1)) * 8;
            assert_eq!(run.memory[start..start + 8], cell.last.to_le_bytes());
        }
    }
    run
}

/// What is compared.
#[derive(PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) end: End,
    pub(crate) fuel: u64,
    pub(crate) memory: Vec<u8>,
    pub(crate) outputs: [Vec<u8>; 3],
}

impl fmt::Debug for Ending {
    /// Of the memory, which may be large, only its length and a hash.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hash = DefaultHasher::new();
        self.memory.hash(&mut hash);
        f.debug_struct("Ending")
            .field("end", &self.end)
            .field("fuel", &self.fuel)
            .field("outputs", &self.outputs)
            .field("memory", &(self.memory.len(), hash.finish()))
            .finish()
    }
}

impl From<Run> for Ending {
    fn from(run: Run) -> Self {
        Self {
            end: run.end,
            fuel: run.fuel.get(),
            memory: run.memory,
            outputs: run.outputs,
        }
    }
}

struct Host {
    inputs: [Vec<u8>; 3],
    read: [usize; 3],
    words: [Vec<u64>; 3],
    committed: [Option<u64>; 3],
}

fn bad() -> wasmi::Error {
    wasmi::Error::new("bad tape call")
}

/// Runs export `run` in wasmi.
pub(crate) fn in_wasmi(wasm: &[u8], inputs: &Inputs<'_>) -> Ending {
    interpret(&metered(wasm, Count::Fuel), "run", inputs)
}

/// How many operators a run executes.
pub(crate) fn operators(wasm: &[u8], entry: &str, inputs: &Inputs<'_>) -> u64 {
    interpret(&metered(wasm, Count::Operators), entry, inputs).fuel
}

fn interpret(wasm: &[u8], entry: &str, inputs: &Inputs<'_>) -> Ending {
    let mut config = wasmi::Config::default();
    // The entry is not counted there.
    config.set_max_recursion_depth(512).set_max_stack_height(1 << 24);
    let engine = Engine::new(&config);
    let module = Module::new(&engine, wasm).unwrap();
    let host = Host {
        inputs: [inputs.input, inputs.sealed, inputs.inbound].map(<[u8]>::to_vec),
        read: [0; 3],
        words: Default::default(),
        committed: [None; 3],
    };
    let mut store = Store::new(&engine, host);
    let mut linker = Linker::new(&engine);
    define(&mut linker);
    let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
    let run = instance.get_func(&store, entry).unwrap();
    let ty = run.ty(&store);
    let arguments: Vec<Val> = ty
        .params()
        .iter()
        .zip(inputs.arguments)
        .map(|(ty, word)| match ty {
            wasmi::ValType::I32 => Val::I32((*word as u32).cast_signed()),
            _ => Val::I64(word.cast_signed()),
        })
        .collect();
    let mut results = vec![Val::I64(0); ty.results().len()];
    let started = match instance.get_func(&store, START) {
        Some(start) => start.call(&mut store, &[], &mut []),
        None => Ok(()),
    };
    let called = started.and_then(|()| run.call(&mut store, &arguments, &mut results));
    let end = match called {
        Ok(()) => End::Return(results.iter().map(word).collect()),
        Err(error) => match (error.i32_exit_status(), error.as_trap_code()) {
            (Some(code), _) => End::Exit(code.cast_unsigned()),
            (_, Some(TrapCode::UnreachableCodeReached)) => End::Trap(TrapKind::Unreachable),
            (_, Some(TrapCode::MemoryOutOfBounds)) => End::Trap(TrapKind::MemoryOutOfBounds),
            (_, Some(TrapCode::IntegerDivisionByZero)) => End::Trap(TrapKind::DivisionByZero),
            (_, Some(TrapCode::IntegerOverflow)) => End::Trap(TrapKind::IntegerOverflow),
            (_, Some(TrapCode::TableOutOfBounds)) => End::Trap(TrapKind::TableOutOfBounds),
            (_, Some(TrapCode::IndirectCallToNull)) => End::Trap(TrapKind::IndirectCallNull),
            (_, Some(TrapCode::BadSignature)) => End::Trap(TrapKind::IndirectCallType),
            (_, Some(TrapCode::StackOverflow)) => End::Trap(TrapKind::StackExhausted),
            (_, Some(other)) => panic!("unexpected {other:?}"),
            (None, None) => End::Trap(TrapKind::BadTapeCall),
        },
    };
    let fuel = instance.get_global(&store, FUEL).unwrap().get(&store);
    let memory = instance.get_memory(&store, "memory");
    let memory = memory
        .map(|memory| memory.data(&store).to_vec())
        .unwrap_or_default();
    let host = store.data();
    let outputs = std::array::from_fn(|tape| {
        let mut bytes: Vec<u8> = host.words[tape]
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect();
        bytes.truncate(host.committed[tape].unwrap_or(u64::MAX) as usize);
        bytes
    });
    Ending {
        end,
        fuel: fuel.i64().unwrap().cast_unsigned(),
        memory,
        outputs,
    }
}

fn define(linker: &mut Linker<Host>) {
    let input = |tape: i32| {
        usize::try_from(tape)
            .ok()
            .filter(|tape| *tape < 3)
            .ok_or_else(bad)
    };
    let output = move |tape: i32| input(tape.wrapping_sub(3));
    linker
        .func_wrap("nonos", "len", move |host: Caller<'_, Host>, tape: i32| {
            Ok::<_, wasmi::Error>(host.data().inputs[input(tape)?].len() as i64)
        })
        .unwrap()
        .func_wrap("nonos", "read", move |mut host: Caller<'_, Host>, tape: i32| {
            let tape = input(tape)?;
            let host = host.data_mut();
            let rest = host.inputs[tape].get(host.read[tape]..).unwrap_or_default();
            let mut word = [0; 8];
            for (to, from) in word.iter_mut().zip(rest) {
                *to = *from;
            }
            host.read[tape] += 8;
            Ok::<_, wasmi::Error>(i64::from_le_bytes(word))
        })
        .unwrap()
        .func_wrap(
            "nonos",
            "write",
            move |mut host: Caller<'_, Host>, tape: i32, word: i64| {
                let tape = output(tape)?;
                let host = host.data_mut();
                let whole = 8 * host.words[tape].len() as u64;
                if host.committed[tape].is_some_and(|bytes| bytes < whole) {
                    return Err(bad());
                }
                host.committed[tape] = None;
                host.words[tape].push(word.cast_unsigned());
                Ok(())
            },
        )
        .unwrap()
        .func_wrap(
            "nonos",
            "commit_len",
            move |mut host: Caller<'_, Host>, tape: i32, bytes: i64| {
                let tape = output(tape)?;
                let host = host.data_mut();
                let most = 8 * host.words[tape].len() as u64;
                let bytes = bytes.cast_unsigned();
                if bytes > most || bytes + 7 < most {
                    return Err(bad());
                }
                host.committed[tape] = Some(bytes);
                Ok(())
            },
        )
        .unwrap()
        .func_wrap("nonos", "checkpoint", |_: Caller<'_, Host>| ())
        .unwrap()
        .func_wrap("nonos", "exit", |_: Caller<'_, Host>, code: i32| {
            Err::<(), _>(wasmi::Error::i32_exit(code))
        })
        .unwrap();
}

/// Asserts that both runs end the same.
pub(crate) fn agree(wat: &str, arguments: &[u64]) -> Run {
    agree_on(
        wat,
        &Inputs {
            arguments,
            ..Inputs::default()
        },
    )
}

/// Asserts that both runs end the same.
pub(crate) fn agree_on(wat: &str, inputs: &Inputs<'_>) -> Run {
    let wasm = wat::parse_str(wat).unwrap_or_else(|error| panic!("{error}\n{wat}"));
    let run = in_machine(&wasm, inputs, u64::MAX);
    assert_eq!(
        Ending::from(run.clone()),
        in_wasmi(&wasm, inputs),
        "{wat} {inputs:?}"
    );
    run
}

fn word(value: &Val) -> u64 {
    match value {
        Val::I32(value) => u64::from(value.cast_unsigned()),
        Val::I64(value) => value.cast_unsigned(),
        other => panic!("unexpected {other:?}"),
    }
}

/// Asserts that both runs end the same, within the constraints, and that the machine's ends for want of fuel
/// with all of it used for every budget less than that.
pub(crate) fn agree_at_each_budget(wat: &str, arguments: &[u64]) -> Run {
    let run = agree(wat, arguments);
    let wasm = wat::parse_str(wat).unwrap();
    let inputs = Inputs {
        arguments,
        ..Inputs::default()
    };
    for fuel in 0..=run.fuel.get() {
        let (end, used) = match in_machine(&wasm, &inputs, fuel) {
            cut if fuel < run.fuel.get() => (cut.end == End::OutOfFuel, cut.fuel),
            whole => (whole.end == run.end, whole.fuel),
        };
        assert!(end && used.get() == fuel, "{wat} {arguments:?} {fuel}");
    }
    for fuel in [run.fuel.get(), run.fuel.get() / 2] {
        in_constraints(wat, arguments, fuel);
    }
    run
}
