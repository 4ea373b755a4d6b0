//! Loading a capsule and running it.

use nonos_package::{
    Net, Package, Policy,
    instructions::{self, Signature},
    limits,
};
use nonos_state::Chain;
use nonos_types::{AuditRoot, Fuel, MemoryHash, Outcome, Pages, StateHash, Value, ValueType};
use wasmi::{Engine, Instance, Linker, Module, Store, Val};

use crate::{
    Error, engine,
    host::{self, Host},
    meter::{self, Names},
    parts::Parts,
    tapes::{Inputs, Outputs},
};

/// A deterministic interpreter for capsules. Make one and share it: it may be used from many threads.
#[derive(Clone, Debug)]
pub struct Sandbox {
    engine: Engine,
}

/// A module that was checked, metered and compiled, with the policy it runs under.
#[derive(Clone, Debug)]
pub struct Capsule {
    module: Module,
    signature: Signature,
    names: Names,
    policy: Policy,
}

/// A run that came to its end. A pure function of module, policy, arguments and inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// How it ended.
    pub outcome: Outcome,
    /// Fuel used: what was charged, or all of the budget if that was not enough.
    pub fuel_used: Fuel,
    /// Most pages of memory it had.
    pub peak_pages: Pages,
    /// What it wrote.
    pub outputs: Outputs,
    /// The memory at the end.
    pub memory: MemoryHash,
    /// Memory, globals, tables and tape positions at the end.
    pub state: StateHash,
    /// Host calls made, the last one included if it trapped.
    pub host_calls: u64,
    /// End of the chain of host calls.
    pub audit_root: AuditRoot,
    /// The checkpoints, in order; the end of the run is the last.
    pub checkpoints: Chain,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Sandbox {
    /// Makes an interpreter.
    pub fn new() -> Self {
        Self {
            engine: engine::engine(),
        }
    }

    /// Loads the module of a package under the package's policy.
    ///
    /// # Errors
    /// See [`Sandbox::load_module`].
    pub fn load(&self, package: &Package) -> Result<Capsule, Error> {
        self.load_module(package.module(), package.policy())
    }

    /// Loads a module under a policy.
    ///
    /// # Errors
    /// [`Error::Refused`] for a module that cannot be a capsule or does not go with the policy,
    /// [`Error::BudgetTooLarge`], [`Error::EntryIsImported`], [`Error::Unsupported`].
    pub fn load_module(&self, wasm: &[u8], policy: &Policy) -> Result<Capsule, Error> {
        let checked = instructions::check(wasm).map_err(nonos_package::Error::from)?;
        policy.check(&checked)?;
        if policy.fuel > limits::FUEL {
            return Err(Error::BudgetTooLarge {
                budget: policy.fuel,
                limit: limits::FUEL,
            });
        }
        let entry = checked
            .exports
            .get(&policy.entry)
            .expect("the policy's check has found it");
        if (entry.function as usize) < checked.imports.len() {
            return Err(Error::EntryIsImported {
                entry: policy.entry.clone(),
            });
        }
        let signature = entry.signature.clone();
        let (wasm, names) = meter::rewrite(wasm, &checked, policy.page_limit(&checked))?;
        let module = Module::new(&self.engine, &wasm).map_err(|error| Error::Unsupported {
            what: error.to_string(),
        })?;
        Ok(Capsule {
            module,
            signature,
            names,
            policy: policy.clone(),
        })
    }
}

impl Capsule {
    /// The policy it runs under.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Calls the policy's entry on the given tapes.
    ///
    /// # Errors
    /// Only where there is no outcome: [`Error::Arguments`], [`Error::NoMesh`], [`Error::OutputTooLong`],
    /// [`Error::HostMemory`], [`Error::Interpreter`]. Traps and exhaustion are outcomes.
    pub fn run(&self, arguments: &[Value], inputs: &Inputs) -> Result<Run, Error> {
        self.admit(arguments, inputs)?;
        let mut store = Store::new(self.module.engine(), Host::new(&self.policy, inputs));
        store.limiter(|host| &mut host.limits);
        let instance = self.instantiate(&mut store)?;
        let called = self.call(&mut store, &instance, arguments);
        let outcome = match called {
            Ok(results) => Outcome::Return(results),
            Err(error) => host::ended(&error)?,
        };
        finish(store, outcome)
    }

    /// Calls the start function, if there is one, and the entry. What ends the one ends the run.
    fn call(
        &self,
        store: &mut Store<Host>,
        instance: &Instance,
        arguments: &[Value],
    ) -> Result<Vec<Value>, wasmi::Error> {
        let function = |name: &str, store: &Store<Host>| {
            instance
                .get_func(store, name)
                .ok_or_else(|| wasmi::Error::new(format!("no function {name}")))
        };
        if let Some(name) = &self.names.start {
            function(name, store)?.call(&mut *store, &[], &mut [])?;
        }
        let arguments: Vec<Val> = arguments.iter().map(|value| wasm_value(*value)).collect();
        let mut results = vec![Val::I32(0); self.signature.results.len()];
        function(&self.policy.entry, store)?.call(store, &arguments, &mut results)?;
        Ok(results.iter().filter_map(value).collect())
    }

    fn instantiate(&self, store: &mut Store<Host>) -> Result<Instance, Error> {
        let mut linker = Linker::new(self.module.engine());
        host::link(&mut linker).map_err(interpreter)?;
        let instance = linker
            .instantiate_and_start(&mut *store, &self.module)
            .map_err(|error| host::ended(&error).err().unwrap_or_else(|| interpreter(error)))?;
        let parts = Parts::of(&instance, &*store, &self.names).ok_or_else(|| Error::Interpreter {
            what: "a part of the metered module is not exported".to_owned(),
        })?;
        let pages = parts.pages(&*store);
        let slice = store.data_mut().slice(0, pages);
        parts
            .fuel
            .set(&mut *store, Val::I64(slice as i64))
            .map_err(|error| Error::Interpreter {
                what: error.to_string(),
            })?;
        store.data_mut().parts = Some(parts);
        Ok(instance)
    }

    fn admit(&self, arguments: &[Value], inputs: &Inputs) -> Result<(), Error> {
        let given: Vec<ValueType> = arguments.iter().map(|value| value.kind()).collect();
        if given != self.signature.params {
            let expected = self.signature.params.clone();
            return Err(Error::Arguments {
                entry: self.policy.entry.clone(),
                expected,
                given,
            });
        }
        if self.policy.net == Net::None && !inputs.inbound.is_empty() {
            return Err(Error::NoMesh);
        }
        Ok(())
    }
}

fn finish(mut store: Store<Host>, outcome: Outcome) -> Result<Run, Error> {
    let parts = store.data_mut().parts.take().ok_or_else(|| Error::Interpreter {
        what: "no instance".to_owned(),
    })?;
    let left = parts.fuel(&store);
    let fuel_used = match outcome {
        Outcome::OutOfFuel => store.data().budget(),
        _ => store.data().used(left),
    };
    let (state, peak_pages) =
        parts
            .checkpoint(&mut store, fuel_used)
            .map_err(|error| Error::Interpreter {
                what: error.to_string(),
            })?;
    let host = store.into_data();
    Ok(Run {
        outcome,
        fuel_used,
        peak_pages,
        outputs: host.tapes.finish(),
        memory: host.checkpoints.memory(),
        state,
        host_calls: host.audit.calls(),
        audit_root: host.audit.root(),
        checkpoints: host.checkpoints.finish(),
    })
}

fn interpreter(error: wasmi::Error) -> Error {
    Error::Interpreter {
        what: error.to_string(),
    }
}

fn wasm_value(value: Value) -> Val {
    match value {
        Value::I32(value) => Val::I32(value.cast_signed()),
        Value::I64(value) => Val::I64(value.cast_signed()),
    }
}

fn value(value: &Val) -> Option<Value> {
    match value {
        Val::I32(value) => Some(Value::I32(value.cast_unsigned())),
        Val::I64(value) => Some(Value::I64(value.cast_unsigned())),
        // The entry has integers only.
        _ => None,
    }
}
