//! Names and costs of what a module's functions are made of.

use std::{borrow::Cow, collections::HashMap};

use nonos_package::{
    HostCall, fuel,
    instructions::{self, Module},
};
use wasmparser::{BinaryReaderError, KnownCustom, Name, Parser, Payload};

use crate::source::Origin;

/// A module's functions.
pub(super) struct Code {
    /// Host calls, by function index.
    pub(super) imports: Vec<HostCall>,
    /// Names of functions that have one.
    names: HashMap<u32, String>,
    /// Those of the module, by index behind the imports.
    bodies: Vec<Body>,
    /// Names of operators.
    opcodes: Vec<String>,
}

struct Body {
    /// Declared locals: the first block pays for each.
    locals: u32,
    operators: Vec<Op>,
}

#[derive(Clone, Copy)]
struct Op {
    /// Index of its name.
    name: u16,
    cost: u16,
    call: Option<HostCall>,
}

/// What a metered block is made of.
pub(super) struct Item<'a> {
    pub(super) name: &'a str,
    pub(super) times: u64,
    pub(super) cost: u32,
    pub(super) call: Option<HostCall>,
}

impl Code {
    pub(super) fn read(wasm: &[u8], checked: &Module) -> Result<Self, BinaryReaderError> {
        let mut code = Self {
            imports: checked.imports.clone(),
            names: HashMap::new(),
            bodies: Vec::new(),
            opcodes: Vec::new(),
        };
        let mut known = HashMap::new();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::CodeSectionEntry(body) => {
                    let mut locals = 0;
                    for group in body.get_locals_reader()? {
                        locals += group?.0;
                    }
                    let mut operators = Vec::new();
                    for op in body.get_operators_reader()? {
                        let op = op?;
                        let name = instructions::opcode(&op);
                        let next = code.opcodes.len() as u16;
                        let name = *known.entry(name).or_insert_with_key(|name| {
                            code.opcodes.push(name.clone());
                            next
                        });
                        let call = match op {
                            wasmparser::Operator::Call { function_index }
                            | wasmparser::Operator::ReturnCall { function_index } => {
                                checked.imports.get(function_index as usize).copied()
                            }
                            _ => None,
                        };
                        let cost = fuel::cost(&op, &checked.imports).unwrap_or_default();
                        operators.push(Op { name, cost, call });
                    }
                    code.bodies.push(Body { locals, operators });
                }
                Payload::CustomSection(section) => {
                    if let KnownCustom::Name(names) = section.as_known() {
                        // Names carry no meaning: damaged ones are left out.
                        let functions = names.into_iter().flatten();
                        for name in functions.filter_map(|name| match name {
                            Name::Function(map) => Some(map),
                            _ => None,
                        }) {
                            let pairs = name.into_iter().flatten();
                            code.names.extend(pairs.map(|it| (it.index, it.name.to_owned())));
                        }
                    }
                }
                _ => {}
            }
        }
        for (name, export) in &checked.exports {
            code.names.entry(export.function).or_insert_with(|| name.clone());
        }
        Ok(code)
    }

    /// The name of the function that an instruction is of.
    pub(super) fn function(&self, origin: Origin) -> Cow<'static, str> {
        match origin {
            Origin::Entry => "(around the entry)".into(),
            Origin::Operator { function, .. } => match self.names.get(&function) {
                Some(name) => name.clone().into(),
                None => format!("function {function}").into(),
            },
            Origin::Import { function } => format!("(host call {})", self.imports[function as usize]).into(),
            Origin::Routine { operator } => format!("({operator})").into(),
        }
    }

    /// The name of the operator that an instruction is of.
    pub(super) fn operator(&self, origin: Origin) -> &str {
        match origin {
            Origin::Entry => "(around the entry)",
            Origin::Operator { function, operator } => {
                let body = &self.bodies[function as usize - self.imports.len()];
                self.name(body.operators[operator as usize])
            }
            Origin::Import { .. } => "(host call by reference)",
            Origin::Routine { operator } => operator,
        }
    }

    fn name(&self, op: Op) -> &str {
        &self.opcodes[usize::from(op.name)]
    }

    /// The operators of the block that begins at an operator and costs so much; those at its end that cost nothing are left
    /// out.
    pub(super) fn block(&self, function: u32, first: u32, cost: u32) -> Vec<Item<'_>> {
        let body = &self.bodies[function as usize - self.imports.len()];
        let mut left = cost;
        let mut items = Vec::new();
        if first == 0 && body.locals > 0 {
            left -= body.locals;
            items.push(Item {
                name: "(locals cleared)",
                times: u64::from(body.locals),
                cost: body.locals,
                call: None,
            });
        }
        for op in &body.operators[first as usize..] {
            if left == 0 {
                break;
            }
            left = left.saturating_sub(u32::from(op.cost));
            items.push(Item {
                name: self.name(*op),
                times: 1,
                cost: u32::from(op.cost),
                call: op.call,
            });
        }
        items
    }
}
