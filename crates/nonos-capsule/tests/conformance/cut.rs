//! Which functions of a module work with floats or vectors, or cannot do without one that does.
//!
//! A module of the suite often has a few functions with floats among many without. Those few are cut out: the
//! rest of the module runs, and what is said of them is counted as skipped.

use std::collections::BTreeSet;

use nonos_package::instructions::opcode;
use wasmparser::{BlockType, ConstExpr, ElementItems, FuncType, FunctionBody, Operator, ValType};

/// What the functions refer to.
pub(crate) struct Context<'a> {
    pub(crate) types: &'a [FuncType],
    /// Type index of each function.
    pub(crate) functions: &'a [u32],
    pub(crate) globals: &'a [ValType],
}

pub(crate) fn is_integer(ty: ValType) -> bool {
    !matches!(ty, ValType::F32 | ValType::F64 | ValType::V128)
}

pub(crate) fn has_floats(ty: &FuncType) -> bool {
    !ty.params().iter().chain(ty.results()).all(|ty| is_integer(*ty))
}

/// The functions to cut out, by index; imported functions have no body.
pub(crate) fn functions(
    context: &Context<'_>,
    bodies: &[FunctionBody<'_>],
    referenced: &BTreeSet<u32>,
) -> wasmparser::Result<BTreeSet<u32>> {
    let imported = context.functions.len() - bodies.len();
    let ty = |function: u32| &context.types[context.functions[function as usize] as usize];
    let all = 0..context.functions.len() as u32;
    let mut cut: BTreeSet<u32> = all.filter(|function| has_floats(ty(*function))).collect();
    loop {
        let before = cut.len();
        // An indirect call could reach these.
        let reachable: Vec<&FuncType> = cut.intersection(referenced).map(|f| ty(*f)).collect();
        for (index, body) in bodies.iter().enumerate() {
            let function = (imported + index) as u32;
            if !cut.contains(&function) && needs_floats(context, body, &cut, &reachable)? {
                cut.insert(function);
            }
        }
        if cut.len() == before {
            return Ok(cut);
        }
    }
}

fn needs_floats(
    context: &Context<'_>,
    body: &FunctionBody<'_>,
    cut: &BTreeSet<u32>,
    reachable: &[&FuncType],
) -> wasmparser::Result<bool> {
    for group in body.get_locals_reader()? {
        if !is_integer(group?.1) {
            return Ok(true);
        }
    }
    for operator in body.get_operators_reader()? {
        let operator = operator?;
        let needs = match &operator {
            Operator::Block { blockty } | Operator::Loop { blockty } | Operator::If { blockty } => {
                match blockty {
                    BlockType::Empty => false,
                    BlockType::Type(ty) => !is_integer(*ty),
                    BlockType::FuncType(index) => has_floats(&context.types[*index as usize]),
                }
            }
            Operator::TypedSelect { ty } => !is_integer(*ty),
            Operator::GlobalGet { global_index } | Operator::GlobalSet { global_index } => {
                !is_integer(context.globals[*global_index as usize])
            }
            Operator::Call { function_index } | Operator::ReturnCall { function_index } => {
                cut.contains(function_index)
            }
            Operator::CallIndirect { type_index, .. } | Operator::ReturnCallIndirect { type_index, .. } => {
                let ty = &context.types[*type_index as usize];
                has_floats(ty) || reachable.contains(&ty)
            }
            _ => is_float(&operator),
        };
        if needs {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_float(operator: &Operator<'_>) -> bool {
    const NAMES: [&str; 7] = ["f32", "f64", "v128", "i8x16", "i16x8", "i32x4", "i64x2"];
    let name = opcode(operator);
    NAMES.iter().any(|part| name.contains(part))
}

/// Adds the functions that an element segment names.
pub(crate) fn element_functions(
    items: &ElementItems<'_>,
    found: &mut BTreeSet<u32>,
) -> wasmparser::Result<()> {
    match items {
        ElementItems::Functions(functions) => {
            for function in functions.clone() {
                found.insert(function?);
            }
        }
        ElementItems::Expressions(_, expressions) => {
            for expression in expressions.clone() {
                expression_functions(&expression?, found)?;
            }
        }
    }
    Ok(())
}

/// Adds the functions that a constant expression names.
pub(crate) fn expression_functions(
    expression: &ConstExpr<'_>,
    found: &mut BTreeSet<u32>,
) -> wasmparser::Result<()> {
    for operator in expression.get_operators_reader() {
        if let Operator::RefFunc { function_index } = operator? {
            found.insert(function_index);
        }
    }
    Ok(())
}

/// Adds the functions that a body makes references of.
pub(crate) fn body_functions(body: &FunctionBody<'_>, found: &mut BTreeSet<u32>) -> wasmparser::Result<()> {
    for operator in body.get_operators_reader()? {
        if let Operator::RefFunc { function_index } = operator? {
            found.insert(function_index);
        }
    }
    Ok(())
}

/// Whether a body means the same in another module.
pub(crate) fn is_portable(body: &FunctionBody<'_>) -> wasmparser::Result<bool> {
    for operator in body.get_operators_reader()? {
        let name = opcode(&operator?);
        let is_local = name.starts_with("local.") || ["nop", "drop", "select", "end"].contains(&&*name);
        let is_number = name.starts_with("i32.") || name.starts_with("i64.");
        let is_access = name.contains("load") || name.contains("store");
        if !is_local && (!is_number || is_access) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a body changes globals, memory, tables or segments.
pub(crate) fn changes_state(body: &FunctionBody<'_>) -> wasmparser::Result<bool> {
    for operator in body.get_operators_reader()? {
        let changes = match operator? {
            Operator::GlobalSet { .. } | Operator::DataDrop { .. } | Operator::ElemDrop { .. } => true,
            Operator::MemoryGrow { .. } | Operator::MemoryInit { .. } => true,
            Operator::MemoryFill { .. } | Operator::MemoryCopy { .. } => true,
            Operator::TableGrow { .. } | Operator::TableInit { .. } => true,
            Operator::TableFill { .. } | Operator::TableCopy { .. } => true,
            Operator::TableSet { .. } => true,
            other => opcode(&other).contains("store"),
        };
        if changes {
            return Ok(true);
        }
    }
    Ok(false)
}
