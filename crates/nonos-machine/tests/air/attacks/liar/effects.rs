//! What operations on state read and write.

use nonos_machine::isa::{ASIDE, Instr, Space, ext, tape};
use nonos_machine::trace::{Access, Step};

use super::{Liar, key};

impl Liar<'_> {
    /// The accesses of an `EXT` step as a read would make them, and its result.
    pub(super) fn extended(&mut self, instr: Instr, s: &mut Step, pages: u32) -> Vec<Access> {
        let has = |bit: u16| instr.op & bit != 0;
        let read = |key: u32| {
            let (old, prev) = self.cells.get(&key).copied().unwrap_or_default();
            Access {
                key,
                prev,
                old,
                new: old,
            }
        };
        match instr.op & 7 {
            ext::MEM => {
                let (first, crosses, shift) = window(instr, s.a);
                let words: Vec<Access> = (0..=u32::from(crosses))
                    .map(|i| read(first.wrapping_add(i)))
                    .collect();
                if !has(ext::MEM_STORE) {
                    let both = words
                        .iter()
                        .rev()
                        .fold(0u128, |sum, w| sum << 64 | u128::from(w.old));
                    let unused = 64 - 8 * width(instr.op) as u32;
                    let raw = (both >> shift) as u64;
                    s.c = raw << unused >> unused;
                    if has(ext::MEM_SIGNED) {
                        s.c = ((raw << unused).cast_signed() >> unused).cast_unsigned();
                        s.c &= if has(ext::MEM_RES64) {
                            u64::MAX
                        } else {
                            u64::from(u32::MAX)
                        };
                    }
                }
                words
            }
            ext::GROW => {
                let fits = s.a.saturating_add(u64::from(pages)) <= instr.imm;
                s.dpages = if fits { s.a as u32 } else { 0 };
                s.c = if fits {
                    u64::from(pages)
                } else {
                    u64::from(u32::MAX)
                };
                vec![]
            }
            ext::GLOBAL => {
                let access = read(key(Space::Global, s.a.wrapping_add(instr.imm)));
                if !has(ext::GLOBAL_SET) {
                    s.c = access.old;
                }
                vec![access]
            }
            ext::HOST => {
                let input = tape::INPUTS.iter().position(|tape| u64::from(*tape) == s.a);
                let input = input.map(|place| &self.inputs[place]);
                if has(ext::HOST_LEN) {
                    s.c = input.map_or(0, |tape| tape.len);
                    return vec![];
                }
                let mut access = read(key(Space::Tape, s.a));
                if has(ext::HOST_POS) {
                    s.c = access.old;
                }
                if has(ext::HOST_READ) {
                    let word = input
                        .and_then(|tape| tape.words.get(access.old as usize))
                        .copied();
                    access.new += u64::from(word.is_some());
                    s.c = word.unwrap_or_default();
                }
                vec![access]
            }
            _ => {
                s.c = 0;
                vec![]
            }
        }
    }
}

/// The key of the first word of a load or store, whether it crosses into the next, and where it begins, in bits.
fn window(instr: Instr, a: u64) -> (u32, bool, u64) {
    let address = a.wrapping_add(instr.imm);
    let first = if instr.op & ext::MEM_ASIDE == 0 {
        key(Space::Linear, address / 8)
    } else {
        key(Space::Global, u64::from(ASIDE) + address / 8)
    };
    (first, address % 8 + width(instr.op) > 8, 8 * (address % 8))
}

/// Bytes of an access, also of a code that has no width or two.
pub(crate) fn width(code: u16) -> u64 {
    u64::from(code >> ext::MEM_W1.trailing_zeros() & 15).clamp(1, 8)
}

/// What the result changes in the cells accessed.
pub(super) fn store(instr: Instr, s: &Step, accesses: &mut [Access]) {
    let has = |bit: u16| instr.op & bit != 0;
    // A code that is two at once may have none.
    if accesses.is_empty() {
        return;
    }
    match instr.op & 7 {
        ext::MEM if has(ext::MEM_STORE) => {
            let at = s.a.wrapping_add(instr.imm) % 8;
            for i in 0..width(instr.op) {
                let word = &mut accesses[((at + i) / 8) as usize].new;
                let shift = (at + i) % 8 * 8;
                *word = *word & !(0xff << shift) | ((s.c >> (8 * i)) & 0xff) << shift;
            }
        }
        ext::GLOBAL if has(ext::GLOBAL_SET) => accesses[0].new = s.c,
        ext::HOST if has(ext::HOST_WRITE) => accesses[0].new += 1,
        ext::HOST if has(ext::HOST_COMMIT) => {
            let words = accesses[0].old & 0xffff_ffff;
            accesses[0].new = words | ((8 * words).wrapping_sub(s.c) % 8) << 32;
        }
        _ => {}
    }
}
