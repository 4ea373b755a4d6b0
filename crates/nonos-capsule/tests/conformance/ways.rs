//! One run in the sandbox and in the machine, and the machine's run through its constraints.

use std::cell::OnceCell;

use nonos_capsule::{Inputs, Outputs, Run, Sandbox};
use nonos_machine::{
    End, Limits, Options,
    air::System,
    check, execute, execute_traced,
    isa::Program,
    lower,
    tables::{self, PublicRun, TapeWords},
    trace::Trace,
};
use nonos_package::{HostSet, Net, Policy};
use nonos_state::MemoryTree;
use nonos_types::{Fuel, MemoryHash, Outcome, Pages, Value, ValueType};

/// More than the suite takes.
const STEPS: u64 = 1 << 28;

/// What is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) outcome: Outcome,
    pub(crate) fuel: Fuel,
    pub(crate) pages: Pages,
    pub(crate) outputs: Outputs,
    pub(crate) memory: MemoryHash,
}

impl From<Run> for Ending {
    fn from(run: Run) -> Self {
        Self {
            outcome: run.outcome,
            fuel: run.fuel_used,
            pages: run.peak_pages,
            outputs: run.outputs,
            memory: run.memory,
        }
    }
}

/// A policy under which every host call is allowed.
pub(crate) fn policy(entry: &str, fuel: u64) -> Policy {
    Policy {
        fuel: Fuel::new(fuel),
        max_pages: Pages::new(1024),
        net: Net::MeshOnly,
        host: HostSet::ALL,
        entry: entry.to_owned(),
        checkpoint_every: None,
        requires_poi: false,
    }
}

/// A module that both have loaded.
pub(crate) struct Loaded {
    capsule: nonos_capsule::Capsule,
    program: Program,
    results: Vec<ValueType>,
    policy: Policy,
}

/// What is wrong.
pub(crate) type Difference = String;

impl Loaded {
    /// Loads a module in both.
    ///
    /// # Errors
    /// If one of them refuses it.
    pub(crate) fn new(sandbox: &Sandbox, wasm: &[u8], policy: Policy) -> Result<Self, Difference> {
        let capsule = sandbox
            .load_module(wasm, &policy)
            .map_err(|error| format!("the sandbox refuses it: {error}"))?;
        let options = Options {
            entry: &policy.entry,
            max_pages: policy.max_pages,
            hosts: policy.host,
        };
        let lowered = lower(wasm, &options).map_err(|error| format!("the lowering refuses it: {error}"))?;
        Ok(Self {
            capsule,
            program: lowered.program,
            results: lowered.entry.results,
            policy,
        })
    }

    /// Runs it in both.
    ///
    /// # Errors
    /// How the runs differ.
    pub(crate) fn run(&self, args: &[Value], inputs: &Inputs) -> Result<Ending, Difference> {
        let run = self.capsule.run(args, inputs);
        let run = run.map_err(|error| format!("the sandbox has no outcome: {error}"))?;
        let sandbox = Ending::from(run);
        let words: Vec<u64> = args.iter().map(|value| value.word()).collect();
        let machine = self.ending(execute(
            &self.program,
            &machine_inputs(inputs, &words),
            self.limits(),
        ))?;
        if sandbox != machine {
            return Err(format!("sandbox: {sandbox:?}; machine: {machine:?}"));
        }
        Ok(sandbox)
    }

    /// Records the run and checks it against the constraints, with `ending` as what is public of it.
    ///
    /// # Errors
    /// The constraint that fails.
    pub(crate) fn check(&self, args: &[Value], inputs: &Inputs, ending: &Ending) -> Result<(), Difference> {
        let words: Vec<u64> = args.iter().map(|value| value.word()).collect();
        let given = machine_inputs(inputs, &words);
        let (run, trace) = execute_traced(&self.program, &given, self.limits());
        let trace = trace.ok_or_else(|| format!("no trace of a run that ended with {:?}", run.end))?;
        let tapes = [
            TapeWords::from_bytes(given.input),
            TapeWords::from_bytes(given.sealed),
            TapeWords::from_bytes(given.inbound),
            whole(words.clone()),
        ];
        self.check_trace(&trace, tapes, ending)
    }

    fn check_trace(&self, trace: &Trace, tapes: [TapeWords; 4], ending: &Ending) -> Result<(), Difference> {
        thread_local! {
            static SYSTEM: OnceCell<System> = const { OnceCell::new() };
        }
        let written = PublicRun::of(&self.program, trace, tapes.clone());
        let bytes = [
            &ending.outputs.result,
            &ending.outputs.outbound,
            &ending.outputs.log,
        ];
        if !written
            .outputs
            .iter()
            .map(TapeWords::bytes)
            .take(3)
            .eq(bytes.map(Clone::clone))
        {
            return Err("the trace wrote other bytes".into());
        }
        let values = match &ending.outcome {
            Outcome::Return(values) => values.iter().map(|value| value.word()).collect(),
            Outcome::Exit(code) => vec![u64::from(*code)],
            _ => vec![],
        };
        let [result, outbound, log, _] = written.outputs;
        let public = PublicRun {
            inputs: tapes,
            outputs: [result, outbound, log, whole(values)],
            halt: self.program.halts.of(&ending.outcome),
            fuel: ending.fuel.get(),
            pages: ending.pages.get(),
            ..PublicRun::default()
        };
        let public = tables::public(&self.program, &public);
        let witness = tables::witness(&self.program, trace);
        let heights: Vec<usize> = witness.tables.iter().map(|table| table.len() + 1).collect();
        SYSTEM.with(|system| {
            let system = system.get_or_init(tables::system);
            check::check(system, &heights, &public, |table, i, row| {
                witness.row(table, i, row)
            })
            .map_err(|violation| format!("the constraints: {violation:?}"))
        })
    }

    fn limits(&self) -> Limits {
        Limits {
            fuel: self.policy.fuel,
            steps: STEPS,
        }
    }

    fn ending(&self, run: nonos_machine::Run) -> Result<Ending, Difference> {
        let outcome = match run.end {
            End::Return(words) => {
                let typed = self.results.iter().zip(words).map(|(ty, word)| match ty {
                    ValueType::I32 => Value::I32(u32::try_from(word).unwrap()),
                    ValueType::I64 => Value::I64(word),
                });
                Outcome::Return(typed.collect())
            }
            End::Exit(code) => Outcome::Exit(code),
            End::Trap(kind) => Outcome::Trap(kind),
            End::OutOfFuel => Outcome::OutOfFuel,
            End::TooManySteps => return Err(format!("more than {STEPS} steps")),
        };
        let mut memory = MemoryTree::new();
        memory.rehash(&run.memory).unwrap();
        let [result, outbound, log] = run.outputs;
        Ok(Ending {
            outcome,
            fuel: run.fuel,
            pages: run.pages,
            outputs: Outputs {
                result,
                outbound,
                log,
            },
            memory: memory.root(),
        })
    }
}

fn machine_inputs<'a>(inputs: &'a Inputs, words: &'a [u64]) -> nonos_machine::Inputs<'a> {
    nonos_machine::Inputs {
        input: &inputs.input,
        sealed: inputs.sealed.as_ref().map_or(&[][..], |sealed| &sealed.bytes),
        inbound: &inputs.inbound,
        arguments: words,
    }
}

fn whole(words: Vec<u64>) -> TapeWords {
    TapeWords {
        len: 8 * words.len() as u64,
        words,
    }
}
