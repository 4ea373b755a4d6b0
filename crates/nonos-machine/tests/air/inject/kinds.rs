//! The kinds of faults, and how each is injected.

use nonos_machine::alu;
use nonos_machine::isa::{Instr, Space, alternatives, ext, flag};
use nonos_machine::trace::{Access, Step};

use super::Target;
use crate::attacks::liar::{Account, Lies, State, tell};

macro_rules! kinds {
    ($($kind:ident: $what:literal, $arguzz:literal;)*) => {
        /// A kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Kind { $($kind),* }

        impl Kind {
            pub(super) const ALL: [Kind; [$(stringify!($kind)),*].len()] = [$(Kind::$kind),*];

            /// What the executor does, and the name of the kind in Arguzz.
            pub(super) fn describe(self) -> (&'static str, &'static str) {
                match self { $(Kind::$kind => ($what, $arguzz)),* }
            }
        }
    };
}

kinds! {
    PcAfter: "goes on at another instruction", "PRE/POST_EXEC_PC_MOD";
    Skip: "leaves the next instruction out", "–";
    Again: "executes an instruction once more", "EXECUTE_INSTRUCTION_AGAIN";
    Frame: "goes on in another frame", "–";
    Word: "executes the instruction with another operation", "INSTR_WORD_MOD";
    Flags: "executes the instruction with another flag", "INSTR_WORD_MOD";
    OperandPlace: "takes an operand from another register", "ALU_OPERAND_LOC_MOD";
    ResultPlace: "writes the result to another register", "ALU_RESULT_LOC_MOD";
    Immediate: "takes another immediate operand", "IMM_LIMBS";
    Target: "jumps to another target", "PC_LIMBS";
    OtherInstruction: "executes another instruction of the program in its place", "EMULATE_RANDOM_INSTRUCTION";
    Branch: "takes a branch that is not, or the reverse", "BR_NEG_COND";
    Result: "has another result", "COMP_OUT_MOD";
    Operation: "computes the result by another operation of its chip", "DIVREM_FLIP_IS_SIGNED, DIVREM_FLIP_IS_DIV";
    Operand: "reads an operand as another value", "PRE_EXEC_REG_MOD";
    StaleOperand: "reads an operand as it was at first", "PRE_EXEC_REG_MOD";
    RegisterBefore: "finds a register changed before the step", "PRE_EXEC_REG_MOD";
    RegisterAfter: "changes a register after the step", "POST_EXEC_REG_MOD";
    Memory: "changes a word of memory, a global or a tape's position between steps", "PRE/POST_EXEC_MEM_MOD";
    LoadValue: "loads another value", "LOAD_VAL_MOD";
    StoreValue: "stores another value", "STORE_OUT_MOD";
    StoreSkipped: "does not write what it stores", "LOADSTORE_SKIP_WRITE";
    Address: "loads or stores at another address", "LOADSTORE_SHIFT";
    Width: "loads or stores another width", "LOADSTORE_OPCODE";
    SignFlipped: "extends with the other sign", "SIGN_EXTEND_MSB_FLIPPED";
    HostCall: "makes another tape call", "SYS_CALL_MOD_ECALL_ID";
    Growth: "grows the memory by another number of pages", "–";
    Fuel: "reports less fuel", "–";
    Room: "reports more calls left", "–";
    EndHidden: "goes on where the run traps or its fuel does not suffice", "–";
    EndInvented: "traps, or runs out of fuel, where it does not", "–";
    WrongEnd: "ends in another trap than is due, or another end", "–";
}

fn word(target: &Target, at: usize, change: impl Fn(&mut Instr)) -> Option<Account> {
    let change = |i: usize, instr: &mut Instr| {
        if i == at {
            change(instr);
        }
    };
    Some(told(
        target,
        Lies {
            word: Some(&change),
            ..Lies::default()
        },
    ))
}

fn next(target: &Target, at: usize, change: impl Fn(&mut State)) -> Option<Account> {
    let change = |i: usize, state: &mut State| {
        if i == at {
            change(state);
        }
    };
    Some(told(
        target,
        Lies {
            next: Some(&change),
            ..Lies::default()
        },
    ))
}

fn result(target: &Target, at: usize, change: impl Fn(&mut Step)) -> Option<Account> {
    let change = |i: usize, step: &mut Step| {
        if i == at {
            change(step);
        }
    };
    Some(told(
        target,
        Lies {
            result: Some(&change),
            ..Lies::default()
        },
    ))
}

fn accesses(target: &Target, at: usize, change: impl Fn(&mut Vec<Access>)) -> Option<Account> {
    let change = |i: usize, accesses: &mut Vec<Access>| {
        if i == at {
            change(accesses);
        }
    };
    Some(told(
        target,
        Lies {
            access: Some(&change),
            ..Lies::default()
        },
    ))
}

fn poke(target: &Target, at: usize, key: u32, value: u64) -> Option<Account> {
    let poke = |i: usize, _: &State| (i == at).then_some((key, value));
    Some(told(
        target,
        Lies {
            poke: Some(&poke),
            ..Lies::default()
        },
    ))
}

fn row(target: &Target, at: usize, row: u8) -> Option<Account> {
    let row = |i: usize, due: &mut u8| {
        if i == at {
            *due = row;
        }
    };
    Some(told(
        target,
        Lies {
            row: Some(&row),
            ..Lies::default()
        },
    ))
}

fn told(target: &Target, lies: Lies<'_>) -> Account {
    let lies = Lies {
        fuel: Some(target.fuel),
        ..lies
    };
    tell(&target.program, &target.tapes, lies)
}

/// The run with a fault of a kind at step `at`; `None` where the step has no room for one.
pub(super) fn inject(target: &Target, kind: Kind, at: usize, random: u64) -> Option<Account> {
    let step = target.honest.steps[at];
    let program = &target.program;
    let instr = program.row(step.pc, step.alternative);
    let has = |bits: u32| instr.flags & bits != 0;
    let class = |flag: u32, class: u16| has(flag) && instr.op & 7 == class;
    let is_store = class(flag::EXT, ext::MEM) && instr.op & ext::MEM_STORE != 0;
    let is_load = class(flag::EXT, ext::MEM) && !is_store;
    let is_last = at + 1 == target.honest.steps.len();
    let bit = 1 << (random % 64);
    let register = |index: u16| Space::Register.key(step.fp + u32::from(index));
    let pick = |n: usize| random as usize % n;
    match kind {
        Kind::PcAfter if !is_last => {
            let pc = pick(program.code.len()) as u32;
            next(target, at, |state| state.pc = pc)
        }
        Kind::Skip if !is_last => next(target, at, |state| state.pc = state.pc.wrapping_add(1)),
        Kind::Again if !is_last => next(target, at, |state| state.pc = step.pc),
        Kind::Frame if !is_last => next(target, at, |state| {
            state.fp = state.fp.wrapping_add(1 + pick(3) as u32)
        }),
        Kind::Word if has(flag::ALU | flag::EXT) => word(target, at, |instr| instr.op ^= 1 << (3 + pick(6))),
        Kind::Flags => word(target, at, |instr| instr.flags ^= 1 << pick(flag::COUNT)),
        Kind::OperandPlace if has(flag::RA) => word(target, at, |instr| instr.ia ^= 1 << pick(3)),
        Kind::OperandPlace if has(flag::RB) => word(target, at, |instr| instr.ib ^= 1 << pick(3)),
        Kind::ResultPlace if has(flag::WC) => word(target, at, |instr| instr.ic ^= 1 << pick(3)),
        Kind::Immediate if !has(flag::RB) => word(target, at, |instr| instr.imm ^= bit),
        Kind::Target if has(flag::JMP | flag::BR) => word(target, at, |instr| {
            instr.target = (instr.target + 1) % program.code.len() as u32
        }),
        Kind::OtherInstruction => {
            let other = program.code[pick(program.code.len())];
            word(target, at, |instr| *instr = other)
        }
        Kind::Branch if has(flag::BR) => {
            let pc = if step.c == 1 { step.pc + 1 } else { instr.target };
            next(target, at, |state| state.pc = pc)
        }
        Kind::Result if has(flag::WC | flag::BR) => result(target, at, |step| step.c ^= bit),
        Kind::Operation if has(flag::ALU) => {
            let other = (3..9).map(|n| instr.op ^ 1 << ((n + pick(6)) % 6 + 3));
            let other = other
                .filter_map(|code| alu(code, step.a, step.b))
                .find(|c| *c != step.c)?;
            result(target, at, |step| step.c = other)
        }
        Kind::Operand | Kind::StaleOperand if has(flag::RA | flag::RB) => {
            let slot = usize::from(!has(flag::RA));
            let read = |i: usize, of: usize, seen: &mut (u64, u32)| {
                if (i, of) == (at, slot) {
                    *seen = match kind {
                        Kind::Operand => (seen.0 ^ bit, seen.1),
                        _ => (0, 0),
                    };
                }
            };
            Some(told(
                target,
                Lies {
                    read: Some(&read),
                    ..Lies::default()
                },
            ))
        }
        Kind::RegisterBefore if has(flag::RA) && at > 0 => {
            poke(target, at - 1, register(instr.ia), step.a ^ bit)
        }
        Kind::RegisterBefore if has(flag::RB) && at > 0 => {
            poke(target, at - 1, register(instr.ib), step.b ^ bit)
        }
        Kind::RegisterAfter if has(flag::WC) => poke(target, at, register(instr.ic), step.c ^ bit),
        Kind::Memory => {
            let others = |cell: &&nonos_machine::trace::Cell| cell.key >= Space::Linear.key(0);
            let cells: Vec<_> = target.honest.cells.iter().filter(others).collect();
            let cell = cells[pick(cells.len())];
            poke(target, at, cell.key, cell.last ^ bit)
        }
        Kind::LoadValue if is_load => result(target, at, |step| step.c ^= bit),
        Kind::StoreValue if is_store => {
            // Of the bytes that are stored.
            let bit = 1 << (random % (8 * crate::attacks::liar::width(instr.op)));
            result(target, at, |step| step.c ^= bit)
        }
        Kind::StoreSkipped if is_store => accesses(target, at, |all| {
            for access in all {
                access.new = access.old;
            }
        }),
        Kind::Address if is_load || is_store => accesses(target, at, |all| {
            for access in all {
                access.key = access.key.wrapping_add(1 << pick(4));
            }
        }),
        Kind::Width if is_load || is_store => word(target, at, |instr| {
            let widths = [ext::MEM_W1, ext::MEM_W2, ext::MEM_W4, ext::MEM_W8];
            instr.op = instr.op & !widths.iter().sum::<u16>() | widths[pick(4)];
        }),
        Kind::SignFlipped if is_load && instr.op & ext::MEM_SIGNED != 0 => {
            let width = 8 * crate::attacks::liar::width(instr.op);
            result(target, at, |step| {
                step.c ^= u64::MAX << (width - 1) << 1 & u64::MAX >> (64 - width * 2).min(32)
            })
        }
        Kind::HostCall if class(flag::EXT, ext::HOST) => word(target, at, |instr| {
            let kinds = [
                ext::HOST_LEN,
                ext::HOST_READ,
                ext::HOST_WRITE,
                ext::HOST_COMMIT,
                ext::HOST_POS,
            ];
            instr.op = ext::HOST | kinds[pick(kinds.len())];
        }),
        Kind::Growth if class(flag::EXT, ext::GROW) => {
            result(target, at, |step| step.dpages = step.dpages.wrapping_add(1))
        }
        Kind::Fuel if step.fuel > 0 && !is_last => {
            next(target, at, |state| state.fuel = state.fuel.wrapping_sub(1))
        }
        Kind::Room if !is_last => next(target, at, |state| state.room = state.room.wrapping_add(1)),
        Kind::EndHidden if step.alternative > 0 => row(target, at, 0),
        Kind::EndInvented if step.alternative == 0 => {
            let others = alternatives(&program.code[step.pc as usize], &program.halts).len();
            (others > 0).then(|| row(target, at, 1 + pick(others) as u8))?
        }
        Kind::WrongEnd if step.alternative > 0 || is_last => {
            let halts = &program.halts;
            let mut ends = halts.traps.to_vec();
            ends.extend([halts.returned, halts.exited, halts.out_of_fuel]);
            let end = ends[pick(ends.len())];
            next(target, at.checked_sub(usize::from(is_last))?, |state| {
                state.pc = end
            })
        }
        _ => None,
    }
}
