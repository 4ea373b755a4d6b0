//! Where capsules are run.

use nonos_capsule::Run;

use crate::{Error, Job, Protection, Worker};

/// Where capsules are run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Runner {
    /// In processes of their own.
    Process(Worker),
    /// In this process: for embedders that cannot start others. A defect of the interpreter is a defect of all.
    InProcess,
}

impl Runner {
    /// Runs a job, and says what the process that did it had given up, if it was another one.
    ///
    /// ```
    /// use nonos_capsule::Inputs;
    /// use nonos_package::Policy;
    /// use nonos_types::{Outcome, Value};
    /// use nonos_worker::{Job, Runner};
    ///
    /// let wasm = wat::parse_str(r#"(module (func (export "seven") (result i32) i32.const 7))"#)?;
    /// let policy = Policy::for_module("seven");
    /// let job = Job { module: &wasm, policy: &policy, arguments: &[], inputs: &Inputs::default() };
    /// let (run, protection) = Runner::InProcess.run(&job)?;
    /// assert_eq!(run.outcome, Outcome::Return(vec![Value::I32(7)]));
    /// assert_eq!(protection, None);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// See [`Error`].
    pub fn run(&self, job: &Job<'_>) -> Result<(Run, Option<Protection>), Error> {
        match self {
            Self::Process(worker) => {
                let done = worker.run(job)?;
                Ok((done.run, Some(done.protection)))
            }
            Self::InProcess => Ok((job.run_here()?, None)),
        }
    }
}
