//! The same run in the machine and in wasmi, with the fuel charges written into the module.

use nonos_machine::{
    End, Inputs, Limits, Options, Run, execute, execute_traced,
    isa::{INDEX_BITS, Space},
    lower,
};
use nonos_package::{HostCall, HostSet, fuel, instructions};
use nonos_types::{Fuel, Pages, TrapKind};
use wasm_encoder::{
    CodeSection, ConstExpr, Encode, Function, GlobalSection, GlobalType, RawSection, ValType,
    reencode::{Reencode, RoundtripReencoder},
};
use wasmi::{Caller, Engine, Linker, Module, Store, TrapCode, Val};
use wasmparser::{FunctionBody, Operator, Parser, Payload};

pub(crate) const PAGES: Pages = Pages::new(4);
pub(crate) const STEPS: u32 = 1 << 22;

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
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) end: End,
    pub(crate) fuel: u64,
    pub(crate) memory: Vec<u8>,
    pub(crate) outputs: [Vec<u8>; 3],
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
    interpret(&metered(wasm, fuel_of), "run", inputs)
}

/// How many operators a run executes.
pub(crate) fn operators(wasm: &[u8], entry: &str, inputs: &Inputs<'_>) -> u64 {
    interpret(&metered(wasm, operators_of), entry, inputs).fuel
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
    let end = match run.call(&mut store, &arguments, &mut results) {
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
    let fuel = instance.get_global(&store, "nonos fuel").unwrap().get(&store);
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

fn fuel_of(body: &FunctionBody<'_>, imports: &[HostCall]) -> Vec<(u32, u32)> {
    let charges = fuel::charges(body, imports).unwrap();
    charges
        .iter()
        .map(|charge| (charge.op_index, u32::from(charge.cost)))
        .collect()
}

/// The operators of each block that has a charge, up to what ends the block.
fn operators_of(body: &FunctionBody<'_>, imports: &[HostCall]) -> Vec<(u32, u32)> {
    let operators = body.get_operators_reader().unwrap().into_iter();
    let operators: Vec<Operator<'_>> = operators.collect::<Result<_, _>>().unwrap();
    let ends = |operator: &Operator<'_>| {
        use Operator::*;
        matches!(
            operator,
            Loop { .. } | If { .. } | Else | End | Br { .. } | BrIf { .. } | Return | Unreachable
        )
    };
    let count = |start: u32| {
        let block = &operators[start as usize..];
        1 + block.iter().position(ends).unwrap() as u32
    };
    fuel_of(body, imports)
        .into_iter()
        .map(|(start, _)| (start, count(start)))
        .collect()
}

/// Where a function pays, by operator index, and how much.
type Charges = fn(&FunctionBody<'_>, &[HostCall]) -> Vec<(u32, u32)>;

/// The module with its charges added up in an exported global.
fn metered(wasm: &[u8], charges: Charges) -> Vec<u8> {
    let imports = instructions::check(wasm).unwrap().imports;
    let mut globals = 0;
    let mut had_globals = false;
    let mut out = wasm_encoder::Module::new();
    let mut code = CodeSection::new();
    let mut bodies = 0;
    let counter = |globals: &mut GlobalSection| {
        let ty = GlobalType {
            val_type: ValType::I64,
            mutable: true,
            shared: false,
        };
        globals.global(ty, &ConstExpr::i64_const(0));
    };
    let payloads: Vec<_> = Parser::new(0).parse_all(wasm).collect::<Result<_, _>>().unwrap();
    for payload in payloads {
        match payload {
            Payload::GlobalSection(section) => {
                globals = section.count();
                had_globals = true;
                let mut all = GlobalSection::new();
                RoundtripReencoder
                    .parse_global_section(&mut all, section)
                    .unwrap();
                counter(&mut all);
                out.section(&all);
            }
            Payload::ExportSection(section) => {
                if !had_globals {
                    let mut all = GlobalSection::new();
                    counter(&mut all);
                    out.section(&all);
                }
                let mut all = wasm_encoder::ExportSection::new();
                RoundtripReencoder
                    .parse_export_section(&mut all, section)
                    .unwrap();
                all.export("nonos fuel", wasm_encoder::ExportKind::Global, globals);
                out.section(&all);
            }
            Payload::CodeSectionStart { count, .. } => bodies = count,
            Payload::CodeSectionEntry(body) => {
                let mut charges = charges(&body, &imports).into_iter().peekable();
                let mut locals = Vec::new();
                for group in body.get_locals_reader().unwrap() {
                    let (count, ty) = group.unwrap();
                    locals.push((count, RoundtripReencoder.val_type(ty).unwrap()));
                }
                let mut function = Function::new(locals);
                let mut reader = body.get_operators_reader().unwrap();
                let mut place = 0;
                while !reader.eof() {
                    if let Some((_, cost)) = charges.next_if(|(start, _)| *start == place) {
                        let mut bytes = Vec::new();
                        for instruction in [
                            wasm_encoder::Instruction::GlobalGet(globals),
                            wasm_encoder::Instruction::I64Const(i64::from(cost)),
                            wasm_encoder::Instruction::I64Add,
                            wasm_encoder::Instruction::GlobalSet(globals),
                        ] {
                            instruction.encode(&mut bytes);
                        }
                        function.raw(bytes);
                    }
                    let start = reader.original_position();
                    reader.read().unwrap();
                    function.raw(wasm[start..reader.original_position()].iter().copied());
                    place += 1;
                }
                assert_eq!(charges.next(), None);
                code.function(&function);
                bodies -= 1;
                if bodies == 0 {
                    out.section(&code);
                }
            }
            other => {
                if let Some((id, range)) = other.as_section() {
                    out.section(&RawSection {
                        id,
                        data: &wasm[range],
                    });
                }
            }
        }
    }
    out.finish()
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
