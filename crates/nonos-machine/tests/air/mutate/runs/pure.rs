//! Runs of sums and of every pure operation.

use nonos_machine::isa::{Instr, Program, flag, op};

use super::Run;
use crate::asm::*;

/// Each operation on each pair.
fn operations(codes: &[u16], pairs: &[(u64, u64)]) -> Program {
    let each = codes.iter().enumerate().map(|(n, code)| {
        let (a, b) = pairs[n % pairs.len()];
        [set(1, a), set(2, b), pure(*code, 3, 1, 2)]
    });
    program(each.flatten().chain(give(3)))
}

const WIDE: [(u64, u64); 3] = [
    (7, u64::MAX - 2),
    (0x8123_4567_89ab_cdef, 0x8123_4567_89ab_cdee),
    (1 << 63, 1 << 63),
];
const NARROW: [(u64, u64); 3] = [(7, 0xffff_fffd), (0x8000_0000, 0xffff_fffe), (0x1234_5678, 3)];

pub(super) fn runs() -> Vec<Run> {
    use op::*;
    let shifts = |bits: u16| {
        [
            SHIFT_LEFT | SHIFT_LO,
            SHIFT_HI,
            SHIFT_HI | SHIFT_SAR,
            SHIFT_LO | SHIFT_HI | SHIFT_LEFT,
            SHIFT_LO | SHIFT_HI,
        ]
        .map(|kind| SHIFT | kind | bits)
    };
    let divisions = |bits: u16| [0, DIV_REM, DIV_SIGNED, DIV_SIGNED | DIV_REM].map(|kind| DIV | kind | bits);
    vec![
        Run::new(
            "comparisons",
            operations(
                &[
                    CMP_EQ,
                    CMP_EQ,
                    CMP_EQ | CMP_NEG,
                    CMP_LT,
                    CMP_LT | CMP_NEG,
                    CMP_LT | CMP_SIGNED,
                ]
                .map(|kind| CMP | kind),
                &[WIDE[0], WIDE[2], WIDE[1], WIDE[0]],
            ),
            1_000,
        ),
        Run::new(
            "comparisons of i32",
            operations(&[CMP | CMP_LT | CMP_SIGNED | CMP_W32; 3], &NARROW),
            1_000,
        ),
        Run::new(
            "bits",
            operations(&[BIT_AND, BIT_OR, BIT_XOR].map(|kind| BIT | kind), &WIDE),
            1_000,
        ),
        Run::new("products", operations(&[MUL; 3], &WIDE), 1_000),
        Run::new("products of i32", operations(&[MUL | MUL_W32; 2], &NARROW), 1_000),
        Run::new(
            "shifts",
            operations(
                &shifts(0),
                &[
                    (WIDE[1].0, 13),
                    (WIDE[1].0, 63),
                    (1 << 63, 9),
                    (5, 0),
                    (WIDE[1].1, 48),
                ],
            ),
            1_000,
        ),
        Run::new(
            "shifts of i32",
            operations(
                &shifts(SHIFT_W32),
                &[
                    (0x8123_4567, 13),
                    (1, 31),
                    (0x8000_0001, 9),
                    (5, 0),
                    (0xffff_0000, 16),
                ],
            ),
            1_000,
        ),
        Run::new(
            "divisions",
            operations(
                &[divisions(0), divisions(0)].concat(),
                &[
                    (WIDE[1].0, 0x1_2345),
                    (1 << 63, u64::MAX),
                    (u64::MAX - 6, 2),
                    (1 << 63, u64::MAX),
                    (3, 1 << 40),
                ],
            ),
            1_000,
        ),
        Run::new(
            "divisions of i32",
            operations(
                &divisions(DIV_W32),
                &[
                    (0x8123_4567, 0x123),
                    (7, 0xffff_ffff),
                    (0xffff_fff9, 2),
                    (1 << 31, 0xffff_ffff),
                ],
            ),
            1_000,
        ),
        Run::new(
            "counts",
            program(
                [COUNT_CLZ, COUNT_CTZ, COUNT_POP]
                    .into_iter()
                    .flat_map(|kind| [0x00f0_0000_0010_0000, 0].map(|v| (kind, v)))
                    .flat_map(|(kind, v)| {
                        let count = Instr {
                            flags: flag::ALU | flag::RA | flag::WC,
                            ..pure(COUNT | kind, 3, 1, 0)
                        };
                        [set(1, v), Instr { ib: 0, ..count }]
                    })
                    .chain(give(3)),
            ),
            1_000,
        ),
        Run::new(
            "sums",
            program(
                [
                    set(1, 0xffff_ffff_ffff),
                    set(2, 0x1_0001),
                    sum(flag::ADD, 3, 1, 2),
                    sum(flag::SUB, 4, 2, 1),
                    sum(flag::ADD | flag::W32, 5, 2, 2),
                    set(6, 0xffff_0001),
                    sum(flag::SUB | flag::W32, 7, 2, 6),
                    copy(8, 7),
                ]
                .into_iter()
                .chain(give(4)),
            ),
            1_000,
        ),
    ]
}
