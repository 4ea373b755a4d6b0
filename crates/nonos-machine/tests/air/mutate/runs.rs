//! Short runs that together use every table, every operation and every end, written by hand so that they do not
//! change with the lowering.

mod pure;

use nonos_machine::air::{Bus, Public, System};
use nonos_machine::check::{check, messages};
use nonos_machine::isa::{Halts, Instr, Program, ext, flag, op, tape};
use nonos_machine::tables::{Hidden, PublicRun, TapeWords, Witness, hiding_witness, public};
use nonos_machine::trace::Trace;
use nonos_machine::{Inputs, Limits, execute_traced};
use nonos_types::Fuel;

use crate::asm::*;

/// A run that the system accepts.
pub(crate) struct Run {
    pub(crate) name: &'static str,
    pub(crate) program: Program,
    pub(crate) tapes: [TapeWords; 4],
    pub(crate) fuel: u64,
    pub(crate) trace: Trace,
    hidden: Hidden,
}

impl Run {
    fn new(name: &'static str, program: Program, fuel: u64) -> Self {
        let (input, sealed) = (b"thirteen byte", b"secret");
        let inputs = Inputs {
            input,
            sealed,
            arguments: &[7, 8],
            ..Inputs::default()
        };
        let limits = Limits {
            fuel: Fuel::new(fuel),
            steps: 10_000,
        };
        let (run, trace) = execute_traced(&program, &inputs, limits);
        let trace = trace.unwrap_or_else(|| panic!("{name}: {:?}", run.end));
        let arguments = TapeWords {
            words: vec![7, 8],
            len: 16,
        };
        let tapes = [
            TapeWords::from_bytes(input),
            TapeWords::from_bytes(sealed),
            TapeWords::default(),
            arguments,
        ];
        Self {
            name,
            program,
            tapes,
            fuel,
            trace,
            hidden: Hidden::default(),
        }
    }

    fn hiding(self) -> Self {
        let hidden = Hidden {
            input: true,
            outputs: true,
        };
        Self { hidden, ..self }
    }

    /// Witness and public side; what is sealed is received as it was sent, in place of the backend's table.
    pub(crate) fn witness(&self, system: &System) -> (Witness, Public) {
        let witness = hiding_witness(&self.program, &self.trace, self.hidden);
        let mut run = PublicRun::of(&self.program, &self.trace, self.tapes.clone());
        run.hidden = self.hidden;
        let mut public = public(&self.program, &run);
        let mut received = vec![];
        for (t, rows) in witness.tables.iter().enumerate() {
            for row in rows.cells.chunks(rows.width) {
                let sealed = messages(&system.tables[t], row)
                    .filter(|m| matches!(m.0, Bus::Sealed | Bus::Output | Bus::Final))
                    .map(|m| (m.0, m.1))
                    .filter(|message| !public.received.contains(message));
                received.extend(sealed);
            }
        }
        public.received.extend(received);
        (witness, public)
    }

    /// Panics unless the checker accepts it.
    pub(crate) fn assert_accepted(&self, system: &System) {
        let (witness, public) = self.witness(system);
        let heights: Vec<usize> = witness.tables.iter().map(|t| t.len() + 2).collect();
        let verdict = check(system, &heights, &public, |t, i, out| witness.row(t, i, out));
        assert_eq!(verdict, Ok(()), "{}", self.name);
    }
}

fn state_runs() -> Vec<Run> {
    use ext::*;
    let store = |code: u16, imm: u64| state(MEM | MEM_STORE | code, 8, 1, imm);
    let load = |code: u16, imm: u64| state(MEM | code, 8, 2, imm);
    let mut memory = program(
        [
            set(8, 0xfff8),
            set(1, 0x8182_8384_8586_8788),
            store(MEM_W8, 0),
            store(MEM_W1, 3),
            set(8, 5),
            store(MEM_W8, 0),
            store(MEM_W2, 2),
            store(MEM_W4, 0x1_0000 - 7),
            load(MEM_W1, 0),
            load(MEM_W1 | MEM_SIGNED, 1),
            load(MEM_W2 | MEM_SIGNED | MEM_RES64, 1),
            load(MEM_W4 | MEM_SIGNED | MEM_RES64, 0),
            load(MEM_W4, 100),
            load(MEM_W8, 3),
        ]
        .into_iter()
        .chain(give(2)),
    );
    memory.pages = 2;
    memory.data = vec![(nonos_machine::isa::Space::Linear.key(13), 0x0102_0304_0506_0708)];
    let grow = |register: u16| state(GROW, register, 2, 4);
    let growth = program([
        set(1, 2),
        grow(1),
        set(1, 0),
        grow(1),
        set(1, 2),
        grow(1),
        set(1, 1 << 16),
        grow(1),
    ]);
    let mut globals = program([
        state(GLOBAL, 0, 1, 3),
        set(1, 0xdead_beef_0000_0001),
        state(GLOBAL | GLOBAL_SET, 0, 1, 3),
        state(GLOBAL, 0, 2, 3),
        set(4, 2),
        Instr {
            flags: flag::EXT | flag::RA | flag::WC,
            ..state(GLOBAL, 4, 2, 1)
        },
    ]);
    globals.data = vec![(nonos_machine::isa::Space::Global.key(3), 99)];
    let mut aside = program([
        set(8, 5),
        set(1, 0x1122_3344_5566_7788),
        state(MEM | MEM_ASIDE | MEM_W8, 8, 2, 3),
        state(MEM | MEM_ASIDE | MEM_W4, 8, 2, 1),
        state(MEM | MEM_ASIDE | MEM_STORE | MEM_W2, 8, 1, 0),
    ]);
    aside.data = vec![(
        nonos_machine::isa::Space::Global.key(nonos_machine::isa::ASIDE + 1),
        0x0807_0605_0403_0201,
    )];
    vec![
        Run::new("memory", memory, 1_000),
        Run::new("growth", growth, 1_000),
        Run::new("globals", globals, 1_000),
        Run::new("aside", aside, 1_000),
        Run::new("calls", calls(), 1_000),
        Run::new("tapes", tapes(tape::INPUT), 1_000),
        Run::new("sealed tapes", tapes(tape::SEALED), 1_000).hiding(),
    ]
}

/// A direct call, an indirect one, a routine that takes no room, a branch each way.
fn calls() -> Program {
    let call = |target: u32, flags: u32, back: u64| Instr {
        flags: flag::COPY | flag::WC | flag::CALL | flags,
        ic: 4,
        imm: back | 4 << 32,
        target,
        ..Instr::default()
    };
    let indirect = Instr {
        ia: 3,
        ..call(0, flag::RA | flag::IND, 7)
    };
    let compare = |kind: u16, target: u32| Instr {
        flags: flag::ALU | flag::BR | flag::RA,
        op: op::CMP | kind,
        ia: 1,
        imm: 5,
        target,
        ..Instr::default()
    };
    let room = Instr {
        flags: flag::ROOM | flag::COPY,
        ..Instr::default()
    };
    let back = |flags: u32| Instr {
        flags: flag::RET | flag::RA | flag::IND | flag::COPY | flags,
        ..Instr::default()
    };
    program([
        set(1, 5),                            // 0
        compare(op::CMP_EQ, 3),               // 1, taken
        halt(),                               // 2
        call(10, flag::JMP | flag::ROOM, 4),  // 3
        set(3, 10),                           // 4
        room,                                 // 5
        indirect,                             // 6
        compare(op::CMP_EQ | op::CMP_NEG, 2), // 7, not taken
        call(12, flag::JMP, 9),               // 8
        jump(13),                             // 9
        sum(flag::ADD, 1, 1, 1),              // 10
        back(0),                              // 11
        back(flag::ROOM),                     // 12
    ])
}

fn tapes(input: u8) -> Program {
    use ext::*;
    let on = |kind: u16, register: u16| state(HOST | kind, TAPE, register, 0);
    let mut code = vec![set(TAPE, u64::from(input)), on(HOST_LEN, 1)];
    code.extend([(); 3].map(|()| on(HOST_READ, 1)));
    code.extend([
        set(TAPE, u64::from(tape::RESULT)),
        on(HOST_WRITE, 1),
        on(HOST_WRITE, 3),
    ]);
    code.extend([set(2, 13), on(HOST_COMMIT, 2), on(HOST_POS, 4)]);
    code.extend([set(TAPE, u64::from(tape::ARGUMENTS)), on(HOST_READ, 1)]);
    program(code.into_iter().chain(give(1)))
}

/// A run for each way to end early.
fn ends() -> Vec<Run> {
    let traps = |code: Vec<Instr>| program(code);
    let divide = |code: u16, a: u64, b: u64| traps(vec![set(1, a), set(2, b), pure(op::DIV | code, 3, 1, 2)]);
    let bound = |width: u16, address: u64, offset: u64| {
        traps(vec![set(1, address), state(ext::MEM | width, 1, 2, offset)])
    };
    let write = state(ext::HOST | ext::HOST_WRITE, TAPE, 1, 0);
    let cut = state(ext::HOST | ext::HOST_COMMIT, TAPE, 2, 0);
    let mut exhausted = traps(vec![Instr {
        flags: flag::COPY | flag::WC | flag::JMP | flag::CALL | flag::ROOM,
        ic: 1,
        ..Instr::default()
    }]);
    exhausted.room = 2;
    let dear = |cost: u16| {
        let mut dear = program([set(1, 1), set(2, 2), set(3, 3)]);
        dear.code[2].cost = cost;
        dear
    };
    let unreachable = program([jump(1 + 3)]);
    let is_end = |halts: &Halts| halts.traps.contains(&4);
    assert!(is_end(&unreachable.halts), "the jump goes to the HALT of a trap");
    vec![
        Run::new("divided by zero", divide(0, 7, 0), 1_000),
        Run::new(
            "signed by zero",
            divide(op::DIV_SIGNED | op::DIV_REM, 1 << 63, 0),
            1_000,
        ),
        Run::new("i32 by zero", divide(op::DIV_W32, 7, 0), 1_000),
        Run::new("overflow", divide(op::DIV_SIGNED, 1 << 63, u64::MAX), 1_000),
        Run::new(
            "overflow of i32",
            divide(op::DIV_SIGNED | op::DIV_W32, 1 << 31, 0xffff_ffff),
            1_000,
        ),
        Run::new("out of bounds by a byte", bound(ext::MEM_W8, 0xfff9, 0), 1_000),
        Run::new(
            "far out of bounds",
            bound(ext::MEM_W1, 0xffff_ffff, 0xffff_ffff),
            1_000,
        ),
        Run::new(
            "write behind a cut word",
            traps(vec![set(TAPE, 3), set(1, 9), write, set(2, 5), cut, write]),
            1_000,
        ),
        Run::new("stack exhausted", exhausted, 1_000),
        Run::new("unreachable", unreachable, 1_000),
        Run::new("fuel out", dear(1), 2),
        Run::new("fuel short", dear(200), 101),
        Run::new("no fuel", dear(1), 0),
    ]
}

pub(crate) fn runs() -> Vec<Run> {
    let mut runs = pure::runs();
    runs.extend(state_runs());
    runs.extend(ends());
    runs
}
