//! The interpreter without the sandbox: no fuel, no limits, no audit, no hashes; the tapes are vectors.

use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{
    CodeSection, ConstExpr, ExportKind, ExportSection, GlobalSection, GlobalType, Instruction, SectionId,
    ValType,
};
use wasmi::{Caller, CompilationMode, Config, Engine, Linker, Module, Store};
use wasmparser::{ExportSectionReader, FunctionBody, GlobalSectionReader, Operator, Parser};

use crate::report::Result;
use crate::samples::ENTRY;

/// A compiled module and its host.
pub(crate) struct Plain {
    module: Module,
    linker: Linker<Host>,
}

struct Host {
    input: Vec<u8>,
    read: usize,
    result: Vec<u8>,
}

type Ctx<'a> = Caller<'a, Host>;

impl Plain {
    pub(crate) fn new(wasm: &[u8]) -> Result<Self> {
        // Eager, so that no run compiles.
        let mut config = Config::default();
        config.compilation_mode(CompilationMode::Eager);
        let engine = Engine::new(&config);
        let mut linker = Linker::new(&engine);
        linker
            .func_wrap("nonos", "len", |host: Ctx<'_>, _: i32| {
                host.data().input.len() as i64
            })?
            .func_wrap("nonos", "read", |mut host: Ctx<'_>, _: i32| {
                host.data_mut().read()
            })?
            .func_wrap("nonos", "write", |mut host: Ctx<'_>, _: i32, word: i64| {
                host.data_mut().result.extend(word.to_le_bytes());
            })?
            .func_wrap("nonos", "commit_len", |mut host: Ctx<'_>, _: i32, len: i64| {
                host.data_mut().result.truncate(len as usize);
            })?
            .func_wrap("nonos", "exit", |_: Ctx<'_>, code: i32| {
                Err::<(), _>(wasmi::Error::i32_exit(code))
            })?;
        Ok(Self {
            module: Module::new(&engine, wasm)?,
            linker,
        })
    }

    /// What the module writes.
    pub(crate) fn run(&self, input: &[u8]) -> Result<Vec<u8>> {
        Ok(self.call(input)?.0.into_data().result)
    }

    fn call(&self, input: &[u8]) -> Result<(Store<Host>, wasmi::Instance)> {
        let host = Host {
            input: input.to_vec(),
            read: 0,
            result: vec![],
        };
        let mut store = Store::new(self.module.engine(), host);
        let instance = self.linker.instantiate_and_start(&mut store, &self.module)?;
        instance
            .get_typed_func::<(), ()>(&store, ENTRY)?
            .call(&mut store, ())?;
        Ok((store, instance))
    }
}

impl Host {
    fn read(&mut self) -> i64 {
        let mut word = [0; 8];
        let rest = self.input.get(self.read..).unwrap_or_default();
        for (to, from) in word.iter_mut().zip(rest) {
            *to = *from;
        }
        self.read += 8;
        i64::from_le_bytes(word)
    }
}

/// Export of the counter.
const COUNTER: &str = "instructions";

/// How many instructions a run executes: every operator but `block`, `loop`, `else` and `end`, which only mark
/// places. Counted by the module itself, which adds one to a global before each.
pub(crate) fn instructions(wasm: &[u8], input: &[u8]) -> Result<u64> {
    let mut module = wasm_encoder::Module::new();
    Counting::default().parse_core_module(&mut module, Parser::new(0), wasm)?;
    let (store, instance) = Plain::new(&module.finish())?.call(input)?;
    let counter = instance
        .get_global(&store, COUNTER)
        .ok_or("the counter is gone")?;
    Ok(counter
        .get(&store)
        .i64()
        .ok_or("the counter is an i64")?
        .cast_unsigned())
}

#[derive(Default)]
struct Counting {
    /// The counter's index, once there is a counter.
    counter: Option<u32>,
}

type Edit = std::result::Result<(), reencode::Error>;

impl Counting {
    fn add(&mut self, globals: &mut GlobalSection) {
        self.counter = Some(globals.len());
        let kind = GlobalType {
            val_type: ValType::I64,
            mutable: true,
            shared: false,
        };
        globals.global(kind, &ConstExpr::i64_const(0));
    }
}

impl Reencode for Counting {
    type Error = std::convert::Infallible;

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: GlobalSectionReader<'_>,
    ) -> Edit {
        reencode::utils::parse_global_section(self, globals, section)?;
        self.add(globals);
        Ok(())
    }

    fn intersperse_section_hook(
        &mut self,
        module: &mut wasm_encoder::Module,
        _: Option<SectionId>,
        before: Option<SectionId>,
    ) -> Edit {
        // A module without globals gets them before its exports, which an entry makes sure of.
        if before == Some(SectionId::Export) && self.counter.is_none() {
            let mut globals = GlobalSection::new();
            self.add(&mut globals);
            module.section(&globals);
        }
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: ExportSectionReader<'_>,
    ) -> Edit {
        reencode::utils::parse_export_section(self, exports, section)?;
        exports.export(COUNTER, ExportKind::Global, self.counter.unwrap_or_default());
        Ok(())
    }

    fn parse_function_body(&mut self, code: &mut CodeSection, body: FunctionBody<'_>) -> Edit {
        let counter = self.counter.unwrap_or_default();
        let mut function = self.new_function_with_parsed_locals(&body)?;
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            let operator = operators.read()?;
            if !matches!(
                operator,
                Operator::Block { .. } | Operator::Loop { .. } | Operator::Else | Operator::End
            ) {
                function
                    .instruction(&Instruction::GlobalGet(counter))
                    .instruction(&Instruction::I64Const(1))
                    .instruction(&Instruction::I64Add)
                    .instruction(&Instruction::GlobalSet(counter));
            }
            function.instruction(&self.instruction(operator)?);
        }
        code.function(&function);
        Ok(())
    }
}
