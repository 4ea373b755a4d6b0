//! True runs of random programs on edge values are accepted, in the checker's field and in a 31-bit one.

use nonos_machine::isa::op;

use super::claim::KOALA_BEAR;
use super::*;
use crate::samples::samples;

const EDGES: [u64; 12] = [
    0,
    1,
    31,
    63,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0xffff_ffff_0000,
    1 << 63,
    u64::MAX,
];

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) % n as u64) as usize
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// Registers 1 to 3 hold words, 4 to 6 `i32`, 7 an address.
fn instructions(random: &mut Random) -> Vec<Instr> {
    let narrow = random.below(2) == 1;
    let first = if narrow { 4 } else { 1 };
    let [a, b, c] = [(); 3].map(|()| first + random.below(3) as u16);
    let mask = if narrow { 0xffff_ffff } else { u64::MAX };
    match random.below(9) {
        0 | 1 => vec![set(c, random.of(&EDGES) & mask)],
        2 => {
            let flags = random.of(&[flag::ADD, flag::SUB]);
            vec![sum(flags | if narrow { flag::W32 } else { 0 }, c, a, b)]
        }
        3 => {
            let code = random.of(&[
                op::CMP | op::CMP_EQ,
                op::CMP | op::CMP_LT,
                op::CMP | op::CMP_LT | op::CMP_SIGNED,
            ]);
            let width = if narrow && code & op::CMP_SIGNED != 0 {
                op::CMP_W32
            } else {
                0
            };
            vec![pure(code | width | random.of(&[0, op::CMP_NEG]), c, a, b)]
        }
        4 => vec![pure(
            op::BIT | random.of(&[op::BIT_AND, op::BIT_OR, op::BIT_XOR]),
            c,
            a,
            b,
        )],
        5 => vec![pure(op::MUL | if narrow { op::MUL_W32 } else { 0 }, c, a, b)],
        6 => {
            let kinds = [
                op::SHIFT_LEFT | op::SHIFT_LO,
                op::SHIFT_HI,
                op::SHIFT_HI | op::SHIFT_SAR,
                op::SHIFT_LEFT | op::SHIFT_LO | op::SHIFT_HI,
                op::SHIFT_LO | op::SHIFT_HI,
            ];
            let width = if narrow { op::SHIFT_W32 } else { 0 };
            let most = if narrow { 31 } else { 63 };
            let by = random.of(&[0, 1, 7, 8, 9, 15, 16, 24, 30, most - 1, most]);
            let shift = Instr {
                flags: flag::ALU | flag::RA | flag::WC,
                imm: by,
                ..pure(0, c, a, 0)
            };
            vec![Instr {
                op: op::SHIFT | width | random.of(&kinds),
                ib: 0,
                ..shift
            }]
        }
        7 => {
            let width = random.of(&[
                (ext::MEM_W1, 1),
                (ext::MEM_W2, 2),
                (ext::MEM_W4, 4),
                (ext::MEM_W8, 8),
            ]);
            let sign = match width.1 {
                8 => 0,
                4 if narrow => 0,
                4 => ext::MEM_SIGNED | ext::MEM_RES64,
                _ => ext::MEM_SIGNED | if narrow { 0 } else { ext::MEM_RES64 },
            };
            let last = (1 << 16) - width.1;
            let address = random.of(&[0, 1, 5, 7, 8, 13, 0xfff8, last - 1, last]).min(last);
            let (base, offset) =
                random.of(&[(address, 0), (0, address), (address / 2, address - address / 2)]);
            let register = if width.1 == 8 {
                1 + random.below(3) as u16
            } else {
                c
            };
            vec![
                set(7, base),
                state(ext::MEM | ext::MEM_STORE | width.0, 7, register, offset),
                state(ext::MEM | width.0 | random.of(&[0, sign]), 7, register, offset),
            ]
        }
        _ => match random.below(3) {
            0 => vec![state(ext::GROW, 4 + random.below(3) as u16, 4, 4)],
            1 => vec![
                state(ext::GLOBAL | ext::GLOBAL_SET, 0, a, 0),
                state(ext::GLOBAL, 0, c, 0),
            ],
            _ => vec![set(8, 0), state(ext::HOST | ext::HOST_READ, 8, 1, 0)],
        },
    }
}

#[test]
fn accepts_true_runs_of_random_programs() {
    let mut tapes = NO_TAPES;
    tapes[0] = TapeWords::from_bytes(&[0x80; 29]);
    for seed in 0..40 {
        let mut random = Random(seed);
        let code: Vec<Instr> = (0..60).flat_map(|_| instructions(&mut random)).collect();
        let results = (1..7).flat_map(give).collect::<Vec<_>>();
        let claim = Claim::lie(&program(code.into_iter().chain(results)), &tapes, Lies::default());
        assert_eq!(claim.verdict(), BTreeSet::new(), "seed {seed}");
        assert_eq!(claim.verdict_modulo(KOALA_BEAR), BTreeSet::new(), "seed {seed}");
    }
}

#[test]
fn accepts_the_samples_in_a_31_bit_field() {
    for sample in samples() {
        let claim = Claim::new(&sample.program, &sample.public.inputs, &sample.trace);
        assert_eq!(
            claim.verdict_modulo(KOALA_BEAR),
            BTreeSet::new(),
            "{}",
            sample.name
        );
    }
}
