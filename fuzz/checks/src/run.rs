//! A run outside of any job, for the targets that need a true statement.

use nonos_machine::{ExecutionStatement, PublicTapes, Secret, StatementError, Subject};
use nonos_types::{ExecutionRecord, Value};

/// Runs the entry `f` of a module with two numbers, and records it.
///
/// # Errors
/// If the module does not lower, or `f` does not take two numbers.
pub fn run(subject: &Subject) -> Result<(ExecutionRecord, PublicTapes), StatementError> {
    let arguments = [Value::I64(6), Value::I64(7)];
    let secret = Secret::default();
    let statement = ExecutionStatement::of_call(subject.clone(), "f", &arguments, b"input", &secret)?;
    Ok((statement.record().clone(), statement.tapes().clone()))
}
