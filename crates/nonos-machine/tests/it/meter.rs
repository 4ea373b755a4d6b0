//! Fuel, written into a module for the reference interpreter.
//!
//! It is only counted, in an exported global, and never runs out; so it may be counted after the effects.

use std::convert::Infallible;

use nonos_package::{HostCall, fuel, instructions, limits};
use wasm_encoder::{
    CodeSection, ConstExpr, ElementSection, Encode, ExportKind, ExportSection, Function, FunctionSection,
    GlobalSection, GlobalType, Instruction, RawSection, TableSection, ValType,
    reencode::{Reencode, RoundtripReencoder},
};
use wasmparser::{FunctionBody, Operator, Parser, Payload, TypeRef};

/// Export of the counter.
pub(crate) const FUEL: &str = "nonos fuel";
/// Export of the start function, which is not run at instantiation.
pub(crate) const START: &str = "nonos start";

/// Fuel of each started 8 bytes, and of each entry.
const EACH: i64 = 4;

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    /// Fuel, as the specification has it.
    Fuel,
    /// Operators executed.
    Operators,
}

impl Count {
    /// Where a function pays, by operator index, and how much.
    fn charges(self, body: &FunctionBody<'_>, imports: &[HostCall]) -> Vec<(u32, u32)> {
        let charges = fuel::charges(body, imports).unwrap();
        let charges = charges
            .iter()
            .map(|charge| (charge.op_index, u32::from(charge.cost)));
        if self == Self::Fuel {
            return charges.collect();
        }
        let operators = body.get_operators_reader().unwrap().into_iter();
        let operators: Vec<Operator<'_>> = operators.collect::<Result<_, _>>().unwrap();
        let count = |start: u32| {
            let block = &operators[start as usize..];
            1 + block.iter().position(ends_a_block).unwrap() as u32
        };
        charges.map(|(start, _)| (start, count(start))).collect()
    }
}

fn ends_a_block(operator: &Operator<'_>) -> bool {
    use Operator::*;
    matches!(
        operator,
        Loop { .. }
            | If { .. }
            | Else
            | End
            | Br { .. }
            | BrIf { .. }
            | BrTable { .. }
            | Return
            | ReturnCall { .. }
            | ReturnCallIndirect { .. }
            | Unreachable
    )
}

/// What an operator has to do depends on the number on top of the stack.
enum Dynamic {
    Bytes,
    Entries,
    /// If it succeeds.
    Growth,
}

fn dynamic(operator: &Operator<'_>) -> Option<Dynamic> {
    use Operator::*;
    Some(match operator {
        MemoryCopy { .. } | MemoryFill { .. } | MemoryInit { .. } => Dynamic::Bytes,
        TableCopy { .. } | TableFill { .. } | TableInit { .. } => Dynamic::Entries,
        TableGrow { .. } => Dynamic::Growth,
        _ => return None,
    })
}

/// The module with what is counted in a global that it exports as [`FUEL`], tables no larger than capsules'
/// and the start function exported as [`START`].
pub(crate) fn metered(wasm: &[u8], count: Count) -> Vec<u8> {
    let payloads: Vec<_> = Parser::new(0).parse_all(wasm).collect::<Result<_, _>>().unwrap();
    let mut meter = Meter {
        count,
        imports: instructions::check(wasm).unwrap().imports,
        types: Vec::new(),
        functions: Vec::new(),
        counter: 0,
        bodies: 0,
        code: CodeSection::new(),
        trampolines: Trampolines::default(),
    };
    let start = payloads.iter().find_map(|payload| match payload {
        Payload::StartSection { func, .. } => Some(*func),
        _ => None,
    });
    let mut globals = GlobalSection::new();
    let mut out = wasm_encoder::Module::new();
    for payload in payloads {
        let raw = payload.as_section();
        match payload {
            Payload::TypeSection(types) => {
                let types = types.into_iter_err_on_gc_types();
                meter
                    .types
                    .extend(types.map(|ty| ty.unwrap().params().len() as u32));
            }
            Payload::ImportSection(imports) => {
                for import in imports {
                    if let TypeRef::Func(ty) = import.unwrap().ty {
                        meter.trampolines.types.push(ty);
                    }
                }
            }
            Payload::FunctionSection(functions) => {
                meter.functions.extend(functions.into_iter().map(Result::unwrap));
                meter.trampolines.defined = meter.functions.len() as u32;
                let mut all = FunctionSection::new();
                for ty in meter.functions.iter().chain(&meter.trampolines.types) {
                    all.function(*ty);
                }
                out.section(&all);
                continue;
            }
            Payload::ElementSection(section) => {
                let mut elements = ElementSection::new();
                let trampolines = &mut meter.trampolines;
                trampolines.parse_element_section(&mut elements, section).unwrap();
                out.section(&elements);
                continue;
            }
            Payload::GlobalSection(section) => {
                meter.counter = section.count();
                let trampolines = &mut meter.trampolines;
                trampolines.parse_global_section(&mut globals, section).unwrap();
                continue;
            }
            Payload::TableSection(section) => {
                let mut tables = TableSection::new();
                for table in section {
                    let mut ty = RoundtripReencoder.table_type(table.unwrap().ty).unwrap();
                    ty.maximum = Some(ty.maximum.unwrap_or(u64::MAX).min(limits::TABLE));
                    tables.table(ty);
                }
                out.section(&tables);
                continue;
            }
            Payload::ExportSection(section) => {
                let ty = GlobalType {
                    val_type: ValType::I64,
                    mutable: true,
                    shared: false,
                };
                globals.global(ty, &ConstExpr::i64_const(0));
                out.section(&globals);
                let mut exports = ExportSection::new();
                RoundtripReencoder
                    .parse_export_section(&mut exports, section)
                    .unwrap();
                exports.export(FUEL, ExportKind::Global, meter.counter);
                if let Some(start) = start {
                    let start = meter.trampolines.function_index(start);
                    exports.export(START, ExportKind::Func, start);
                }
                out.section(&exports);
                continue;
            }
            Payload::StartSection { .. } => continue,
            Payload::CodeSectionStart { count, .. } => {
                meter.bodies = count;
                continue;
            }
            Payload::CodeSectionEntry(body) => {
                meter.body(wasm, &body);
                if meter.code.len() == meter.bodies {
                    meter.trampolines();
                    out.section(&meter.code);
                }
                continue;
            }
            _ => {}
        }
        if let Some((id, range)) = raw {
            out.section(&RawSection {
                id,
                data: &wasm[range],
            });
        }
    }
    out.finish()
}

struct Meter {
    count: Count,
    imports: Vec<HostCall>,
    /// Parameters of each type.
    types: Vec<u32>,
    /// Type of each function that is not imported.
    functions: Vec<u32>,
    counter: u32,
    bodies: u32,
    code: CodeSection,
    trampolines: Trampolines,
}

/// Functions behind the module's own, one for each host call; references to those are to these instead.
#[derive(Default)]
struct Trampolines {
    /// Type of each host call.
    types: Vec<u32>,
    /// Functions of the module that are not imported.
    defined: u32,
}

impl Reencode for Trampolines {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> u32 {
        let imported = self.types.len() as u32;
        if function < imported {
            imported + self.defined + function
        } else {
            function
        }
    }
}

impl Meter {
    fn body(&mut self, wasm: &[u8], body: &FunctionBody<'_>) {
        let mut charges = self.count.charges(body, &self.imports).into_iter().peekable();
        let ty = self.functions[self.code.len() as usize];
        let mut scratch = self.types[ty as usize];
        let mut locals = Vec::new();
        for group in body.get_locals_reader().unwrap() {
            let (count, ty) = group.unwrap();
            scratch += count;
            locals.push((count, RoundtripReencoder.val_type(ty).unwrap()));
        }
        locals.push((2, ValType::I32));
        let mut function = Function::new(locals);
        let mut reader = body.get_operators_reader().unwrap();
        let mut place = 0;
        while !reader.eof() {
            if let Some((_, cost)) = charges.next_if(|(start, _)| *start == place) {
                self.add(&mut function, &[Instruction::I64Const(i64::from(cost))]);
            }
            let start = reader.original_position();
            let operator = reader.read().unwrap();
            let dynamic = dynamic(&operator).filter(|_| self.count == Count::Fuel);
            if dynamic.is_some() {
                emit(&mut function, &[Instruction::LocalTee(scratch)]);
            }
            if let Operator::RefFunc { function_index } = operator {
                let reference = self.trampolines.function_index(function_index);
                emit(&mut function, &[Instruction::RefFunc(reference)]);
            } else {
                function.raw(wasm[start..reader.original_position()].iter().copied());
            }
            if let Some(dynamic) = dynamic {
                self.add_dynamic(&mut function, dynamic, scratch);
            }
            place += 1;
        }
        assert_eq!(charges.next(), None);
        self.code.function(&function);
    }

    fn trampolines(&mut self) {
        for (import, ty) in (0..).zip(&self.trampolines.types) {
            let mut function = Function::new([]);
            if self.count == Count::Fuel {
                let cost = fuel::trampoline(self.imports[import as usize]);
                self.add(&mut function, &[Instruction::I64Const(i64::from(cost))]);
            }
            for parameter in 0..self.types[*ty as usize] {
                emit(&mut function, &[Instruction::LocalGet(parameter)]);
            }
            emit(&mut function, &[Instruction::Call(import), Instruction::End]);
            self.code.function(&function);
        }
    }

    fn add(&self, function: &mut Function, amount: &[Instruction<'_>]) {
        emit(function, &[Instruction::GlobalGet(self.counter)]);
        emit(function, amount);
        emit(
            function,
            &[Instruction::I64Add, Instruction::GlobalSet(self.counter)],
        );
    }

    fn add_dynamic(&self, function: &mut Function, dynamic: Dynamic, scratch: u32) {
        use Instruction::*;
        let number = [LocalGet(scratch), I64ExtendI32U];
        let each = [I64Const(EACH), I64Mul];
        let words = [I64Const(7), I64Add, I64Const(3), I64ShrU];
        let old = scratch + 1;
        let grew = [LocalGet(old), I32Const(-1), I32Ne, I64ExtendI32U, I64Mul];
        match dynamic {
            Dynamic::Bytes => self.add(function, &[&number[..], &words, &each].concat()),
            Dynamic::Entries => self.add(function, &[&number[..], &each].concat()),
            Dynamic::Growth => {
                emit(function, &[LocalTee(old)]);
                self.add(function, &[&number[..], &each, &grew].concat());
            }
        }
    }
}

fn emit(function: &mut Function, instructions: &[Instruction<'_>]) {
    let mut bytes = Vec::new();
    for instruction in instructions {
        instruction.encode(&mut bytes);
    }
    function.raw(bytes);
}
