//! Where a run spends its steps, rows and fuel: by function, and by operator.
//!
//! ```
//! use nonos_machine::{Inputs, Limits, Options, profile::Profile};
//! use nonos_package::HostSet;
//! use nonos_types::{Fuel, Pages};
//!
//! let wasm = wat::parse_str(
//!     r#"(module (func $square (export "square") (param i32) (result i32) (i32.mul (local.get 0) (local.get 0))))"#,
//! )?;
//! let options = Options { entry: "square", max_pages: Pages::new(0), hosts: HostSet::EMPTY };
//! let inputs = Inputs { arguments: &[12], ..Inputs::default() };
//! let profile = Profile::of(&wasm, &options, &inputs, Limits { fuel: Fuel::new(100), steps: 100 })?;
//!
//! let square = profile.functions.iter().find(|it| it.name == "square").ok_or("is called")?;
//! assert_eq!(square.fuel, Fuel::new(4));
//! let mul = profile.operators.iter().find(|it| it.name == "i32.mul").ok_or("is executed")?;
//! assert_eq!((mul.times, mul.fuel), (1, Fuel::new(2)));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! Sums are those of the run: the steps and the fuel of all functions, and of all operators, are the run's, and the rows
//! are those of each table of [`tables::system`] but CELLS, which has a row per cell.

mod code;

use nonos_package::{HostCall, instructions};
use nonos_types::Fuel;

use self::code::Code;
use crate::{
    exec::{self, Counts, Inputs, Limits, Run},
    isa::{Program, flag},
    lower::{LowerError, Lowered, Options, lower_with_source, malformed_source},
    source::{Origin, Source},
    tables::{self, COUNT, STEP},
};

/// What a part of a run took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Of a function: its name, or what it is exported as, or its index. Of an operator: its wasm name. In parentheses:
    /// neither.
    pub name: String,
    /// How often an operator that costs fuel was executed. Counted by metered block: if a trap or `exit` ends the run, the
    /// rest of that block is counted with it. 0 for functions.
    pub times: u64,
    /// Steps of the machine.
    pub steps: u64,
    /// Rows of each table, in the order of [`tables::system`].
    pub rows: [u64; COUNT],
    /// Fuel.
    pub fuel: Fuel,
}

/// Where a run spent what.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The run.
    pub run: Run,
    /// By function, most steps first. What does an operator on many bytes or entries is a function of its own.
    pub functions: Vec<Part>,
    /// By operator, most steps first.
    pub operators: Vec<Part>,
    /// Host calls made, as [`Part::times`].
    pub host_calls: Vec<(HostCall, u64)>,
    /// Rows of each table, in the order of [`tables::system`]; of CELLS none.
    pub rows: [u64; COUNT],
    /// The program.
    pub program: Program,
}

/// The name of fuel that the end of the budget took: less than the block would have cost.
const RAN_OUT: &str = "(rest of the budget)";

impl Profile {
    /// Runs the entry, and counts.
    ///
    /// # Errors
    /// As [`lower`](crate::lower).
    pub fn of(
        wasm: &[u8],
        options: &Options<'_>,
        inputs: &Inputs<'_>,
        limits: Limits,
    ) -> Result<Self, LowerError> {
        let checked = instructions::check(wasm)?;
        let code = Code::read(wasm, &checked).map_err(malformed_source)?;
        let (Lowered { program, .. }, source) = lower_with_source(wasm, options)?;
        let (run, counts) = exec::count(&program, inputs, limits);
        let tally = Tally {
            program: &program,
            source: &source,
            counts: &counts,
            code: &code,
        };
        let (mut functions, mut operators) = (Parts::default(), Parts::default());
        tally.steps(&run, &mut functions, &mut operators);
        let host_calls = tally.charges(&run, &mut operators);
        let mut rows = [0; COUNT];
        for part in &functions.0 {
            rows.iter_mut()
                .zip(part.rows)
                .for_each(|(sum, rows)| *sum += rows);
        }
        Ok(Self {
            run,
            functions: functions.sorted(),
            operators: operators.sorted(),
            host_calls,
            rows,
            program,
        })
    }
}

/// Parts by name, in the order in which they were found.
#[derive(Default)]
struct Parts(Vec<Part>, std::collections::HashMap<String, usize>);

impl Parts {
    fn named(&mut self, name: &str) -> &mut Part {
        let next = self.0.len();
        let index = *self.1.entry(name.to_owned()).or_insert(next);
        if index == next {
            self.0.push(Part {
                name: name.to_owned(),
                ..Part::default()
            });
        }
        &mut self.0[index]
    }

    fn sorted(self) -> Vec<Part> {
        let mut parts = self.0;
        parts.sort_by(|a, b| (b.steps, b.fuel, &a.name).cmp(&(a.steps, a.fuel, &b.name)));
        parts
    }
}

struct Tally<'a> {
    program: &'a Program,
    source: &'a Source,
    counts: &'a Counts,
    code: &'a Code,
}

impl Tally<'_> {
    /// Steps and rows of functions and operators, and the fuel of functions.
    fn steps(&self, run: &Run, functions: &mut Parts, operators: &mut Parts) {
        let mut paid = 0;
        for (pc, &steps) in self
            .counts
            .steps
            .iter()
            .enumerate()
            .filter(|(_, steps)| **steps > 0)
        {
            let crossing = self.counts.crossing.get(pc).copied().unwrap_or_default();
            let other = self.counts.alternative.filter(|(at, _)| *at as usize == pc);
            let plain = steps - u64::from(other.is_some());
            let mut rows = [0; COUNT];
            rows[STEP] = steps;
            let mut row = |alternative, times: u64, crossing| {
                let instr = self.program.row(pc as u32, alternative);
                if let Some(table) = tables::chip(&instr, crossing) {
                    rows[table] += times;
                }
                u64::from(instr.cost) * times
            };
            let mut fuel = row(0, plain - crossing, false) + row(0, crossing, true);
            if let Some((_, alternative)) = other {
                fuel += row(alternative, 1, false);
            }
            paid += fuel;
            let place = self.source.places[pc];
            let add = |part: &mut Part, fuel| {
                part.steps += steps;
                part.fuel = Fuel::new(part.fuel.get() + fuel);
                part.rows
                    .iter_mut()
                    .zip(rows)
                    .for_each(|(sum, rows)| *sum += rows);
            };
            add(functions.named(&self.code.function(place)), fuel);
            add(operators.named(self.code.operator(place)), 0);
        }
        // What is left in a budget that does not cover the next block is used up where that begins.
        let rest = run.fuel.get() - paid;
        if let (Some((pc, _)), true) = (self.counts.alternative, rest > 0) {
            let part = functions.named(&self.code.function(self.source.places[pc as usize]));
            part.fuel = Fuel::new(part.fuel.get() + rest);
        }
    }

    /// The fuel of operators, and the host calls.
    fn charges(&self, run: &Run, operators: &mut Parts) -> Vec<(HostCall, u64)> {
        let mut calls = HostCall::ALL.map(|call| (call, 0));
        let mut call = |made: HostCall, times| calls[made as usize].1 += times;
        let mut paid = 0;
        for charge in &self.source.charges {
            let steps = self.counts.steps.get(charge.pc as usize);
            let spent = self.counts.alternative.is_some_and(|(pc, alternative)| {
                pc == charge.pc && self.program.row(pc, alternative).flags & flag::SPENT != 0
            });
            let times = steps.copied().unwrap_or_default() - u64::from(spent);
            if times == 0 {
                continue;
            }
            paid += u64::from(charge.cost) * times;
            let mut pay = |name: &str, times, fuel: u64| {
                let part = operators.named(name);
                part.times += times;
                part.fuel = Fuel::new(part.fuel.get() + fuel);
            };
            match charge.place {
                Origin::Operator { function, operator } if charge.block => {
                    for item in self.code.block(function, operator, charge.cost) {
                        pay(item.name, times * item.times, u64::from(item.cost) * times);
                        if let Some(made) = item.call {
                            call(made, times);
                        }
                    }
                }
                Origin::Import { function } => {
                    pay(
                        self.code.operator(charge.place),
                        times,
                        u64::from(charge.cost) * times,
                    );
                    call(self.code.imports[function as usize], times);
                }
                place => pay(self.code.operator(place), 0, u64::from(charge.cost) * times),
            }
        }
        let rest = run.fuel.get() - paid;
        if rest > 0 {
            operators.named(RAN_OUT).fuel = Fuel::new(rest);
        }
        calls.into_iter().filter(|(_, times)| *times > 0).collect()
    }
}
