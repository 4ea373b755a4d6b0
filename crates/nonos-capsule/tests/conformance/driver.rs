//! A capsule has one entry, and each run a state of its own; a script calls many exports of one instance. So
//! the calls of a script are written into the module as a function, which compares their results.

use wasm_encoder::{BlockType, ExportKind, Function, HeapType, Instruction, RefType, ValType};

use crate::plain::Plain;

/// The entry that [`with_driver`] adds. It returns 0, or 1 + the place of the act whose results differ.
pub(crate) const ENTRY: &str = "the script";

/// An argument.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Arg {
    I32(i32),
    I64(i64),
    Null(RefType),
}

/// A result.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expected {
    I32(i32),
    I64(i64),
    Null,
    NotNull,
}

/// What a script does with an instance.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    Call { function: u32, args: Vec<Arg> },
    Get { global: u32 },
}

/// An action, and what it must give.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    /// Line of the script, from 1.
    pub(crate) line: usize,
    pub(crate) action: Action,
    /// Nothing is compared if `None`.
    pub(crate) expected: Option<Vec<Expected>>,
    /// Why the instance's state may differ from the script's: then what both executors agree on is no mistake.
    pub(crate) excuse: Option<&'static str>,
}

/// The module with an entry that performs `acts`.
pub(crate) fn with_driver<'a>(plain: &Plain, acts: impl IntoIterator<Item = &'a Act>) -> Vec<u8> {
    let mut types = plain.types.clone();
    let mut functions = plain.functions.clone();
    let mut exports = plain.exports.clone();
    let mut code = plain.code.clone();
    let ty = types.len();
    types.ty().function([], [ValType::I32]);
    let function = functions.len();
    functions.function(ty);
    exports.export(ENTRY, ExportKind::Func, function);
    let mut body = Function::new([]);
    for (place, act) in acts.into_iter().enumerate() {
        let results = match &act.action {
            Action::Call { function, args } => {
                for arg in args {
                    body.instruction(&match arg {
                        Arg::I32(value) => Instruction::I32Const(*value),
                        Arg::I64(value) => Instruction::I64Const(*value),
                        Arg::Null(ty) => Instruction::RefNull(ty.heap_type),
                    });
                }
                body.instruction(&Instruction::Call(*function));
                plain.signatures[*function as usize].results().len()
            }
            Action::Get { global } => {
                body.instruction(&Instruction::GlobalGet(*global));
                1
            }
        };
        match &act.expected {
            Some(expected) => compare(&mut body, expected, place),
            None => {
                for _ in 0..results {
                    body.instruction(&Instruction::Drop);
                }
            }
        }
    }
    body.instruction(&Instruction::I32Const(0));
    body.instruction(&Instruction::End);
    code.function(&body);
    plain.module(&types, &functions, &exports, &code)
}

/// Takes the results off the stack, last one first, and returns at the first difference.
fn compare(body: &mut Function, expected: &[Expected], place: usize) {
    for result in expected.iter().rev() {
        let differs: &[Instruction<'_>] = match result {
            Expected::I32(value) => &[Instruction::I32Const(*value), Instruction::I32Ne],
            Expected::I64(value) => &[Instruction::I64Const(*value), Instruction::I64Ne],
            Expected::Null => &[Instruction::RefIsNull, Instruction::I32Eqz],
            Expected::NotNull => &[Instruction::RefIsNull],
        };
        let answer = [
            Instruction::If(BlockType::Empty),
            Instruction::I32Const(1 + place as i32),
            Instruction::Return,
            Instruction::End,
        ];
        for instruction in differs.iter().chain(&answer) {
            body.instruction(instruction);
        }
    }
}

/// The null of a reference type.
pub(crate) fn null(is_extern: bool) -> Arg {
    Arg::Null(RefType {
        nullable: true,
        heap_type: if is_extern {
            HeapType::EXTERN
        } else {
            HeapType::FUNC
        },
    })
}
