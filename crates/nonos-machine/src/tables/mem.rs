//! MEM and MEMX: loads and stores. MEM has the accesses within one aligned 8-byte word, MEMX those that
//! cross into the next word.
//!
//! The `width` bytes at the address are the *window*: after the access they equal the value's low bytes
//! `d`, for a load and for a store alike. A store changes nothing outside the window, a load nothing.
//!
//! Words of passive data segments (`ASIDE`) are accessed in the same way, at other keys. There is no end to hold them
//! to: the code checks the address against the segment's length.
//!
//! | id | formula | rules out |
//! |---|---|---|
//! | `one-hot` | `Σsel = Σwidth = real` | no or several offsets or widths |
//! | `fits` | `sel_o·width_w = 0` unless the window ends in the last word of the row | a window cut off |
//! | `address` | `a_0 + f_0 = e_0 + 2^16·k`, `e_0 = 8·x + o` (`x`, `e_0` 16-bit) | another address, a fractional word |
//! | `wrap` | MEMX: `x' = x + 1 − 2^13·j`, `8·x'` 16-bit | a wrong page of the last byte |
//! | `slack` | `(1 − ASIDE)·(pages − real − (a_1 + f_1 + k) [− j]) = slack`, 16-bit | an access out of bounds |
//! | `window` | `in_i·Σ sel_o·(n_{o+i} − d_i) = 0` | another value loaded or stored |
//! | `outside` | `(1 − covered_j)·(n_j − m_j) = 0` | a store beside its window |
//! | `load` | `(1 − STORE)·(n_j − m_j) = 0` | a load that writes |
//! | `top`, `sign`, `extend` | sign extension of loads | a wrong upper part |

use super::layout::{ExtStep, RowMut, cells, columns, limbs, sum};
use super::step::access;
use crate::air::{Builder, Bus, Col, Column, Table, When};
use crate::isa::{ASIDE, INDEX_BITS, Space, ext};
use crate::trace::Access;

macro_rules! memory_table {
    ($(#[$doc:meta])* $cols:ident, $words:literal, $bytes:literal, $cross:literal) => {
        columns! {
            $(#[$doc])*
            $cols {
                /// Whether the row is used.
                real: Bit,
                /// Stores.
                store: Bit,
                /// Sign-extends.
                signed: Bit,
                /// … to 64 bits.
                res64: Bit,
                /// Of the segments aside.
                aside: Bit,
                /// Width 1, 2, 4, 8, one-hot.
                width[4]: Bit,
                /// Byte offset in the first word, one-hot.
                sel[8]: Bit,
                /// Time, low and high part.
                clk_lo: U16,
                /// Time, high part.
                clk_hi: U8,
                /// Memory pages.
                pages: U16,
                /// Address operand.
                a[2]: U16,
                /// Constant offset.
                f[2]: U16,
                /// Carry of the low limbs.
                k: Bit,
                /// Low limb of the address.
                e: U16,
                /// Word in its page.
                x: U16,
                /// Pages left behind the last byte; 0 aside.
                slack: U16,
                /// Bytes before.
                m[$bytes]: U8,
                /// Bytes after.
                n[$bytes]: Derived { lo: 0, hi: 255, why: "equals m or d" },
                /// Bytes of the value.
                d[8]: U8,
                /// Top byte of a loaded value.
                top: Derived { lo: 0, hi: 255, why: "equals a byte of d" },
                /// Its top bit.
                sign: Bit,
                /// `2·top − 256·sign`.
                rest: U8,
                /// `SIGNED·sign`.
                fill: Derived { lo: 0, hi: 1, why: "product of bits" },
                /// `fill·RES64`.
                fill64: Derived { lo: 0, hi: 1, why: "product of bits" },
                /// Stamp gaps of the words, low part.
                gap_lo[$words]: U16,
                /// … and high part.
                gap_hi[$words]: U8,
                /// Last byte on the next page (MEMX).
                j[$cross]: Bit,
                /// Word of the last byte in its page (MEMX).
                x2[$cross]: U16,
                /// `8·x2` (MEMX).
                x2_8[$cross]: U16,
            }
        }

        impl $cols {
            fn refs() -> Cols<'static> {
                let t = &Self::layout().0;
                Cols {
                    scalars: Scalars {
                        real: t.real, store: t.store, signed: t.signed, res64: t.res64, aside: t.aside, clk_lo: t.clk_lo,
                        clk_hi: t.clk_hi, pages: t.pages, k: t.k, e: t.e, x: t.x, slack: t.slack, top: t.top,
                        sign: t.sign, rest: t.rest, fill: t.fill, fill64: t.fill64, width: t.width, sel: t.sel, a: t.a, f: t.f, d: t.d,
                    },
                    m: &t.m, n: &t.n, gap_lo: &t.gap_lo, gap_hi: &t.gap_hi,
                    cross: t.j.iter().zip(&t.x2).zip(&t.x2_8).map(|((j, x2), x2_8)| [*j, *x2, *x2_8]).next(),
                }
            }
        }
    };
}

memory_table! {
    /// Columns of MEM.
    MemCols, 1, 8, 0
}
memory_table! {
    /// Columns of MEMX.
    MemxCols, 2, 16, 1
}

/// The columns of either table.
struct Cols<'a> {
    scalars: Scalars,
    m: &'a [Col],
    n: &'a [Col],
    gap_lo: &'a [Col],
    gap_hi: &'a [Col],
    /// `j`, `x2`, `x2_8` of MEMX.
    cross: Option<[Col; 3]>,
}

#[derive(Clone, Copy)]
struct Scalars {
    real: Col,
    store: Col,
    signed: Col,
    res64: Col,
    aside: Col,
    clk_lo: Col,
    clk_hi: Col,
    pages: Col,
    k: Col,
    e: Col,
    x: Col,
    slack: Col,
    top: Col,
    sign: Col,
    rest: Col,
    fill: Col,
    fill64: Col,
    width: [Col; 4],
    sel: [Col; 8],
    a: [Col; 2],
    f: [Col; 2],
    d: [Col; 8],
}

/// MEM, or MEMX if `crossing`.
#[derive(Clone, Copy, Debug)]
pub struct MemTable {
    /// Whether the window crosses into the next word.
    pub crossing: bool,
}

const WIDTHS: [usize; 4] = [1, 2, 4, 8];
const WIDTH_CODES: [u16; 4] = [ext::MEM_W1, ext::MEM_W2, ext::MEM_W4, ext::MEM_W8];

impl Table for MemTable {
    fn name(&self) -> &'static str {
        if self.crossing { "MEMX" } else { "MEM" }
    }

    fn columns(&self) -> Vec<Column> {
        if self.crossing {
            MemxCols::layout().1.clone()
        } else {
            MemCols::layout().1.clone()
        }
    }

    fn eval<B: Builder>(&self, b: &mut B) {
        let cols = self.cols();
        let t = cols.scalars;
        let (real, k) = (b.cur(t.real), |v: i64| B::E::from(v));
        let (width, sel) = (cells(b, t.width), cells(b, t.sel));
        b.zero("one-hot", When::Always, sum::<B>(width.clone()) - real.clone());
        b.zero("one-hot", When::Always, sum::<B>(sel.clone()) - real.clone());
        for (o, w) in (0..8).flat_map(|o| (0..4).map(move |w| (o, w))) {
            if (o + WIDTHS[w] > 8) != self.crossing {
                b.zero("fits", When::Always, sel[o].clone() * width[w].clone());
            }
        }

        let (a, f) = (cells(b, t.a), cells(b, t.f));
        let [carry, e, x] = cells(b, [t.k, t.e, t.x]);
        let offset = sum::<B>((0..8).map(|o| sel[o].clone() * k(o as i64)));
        let low = a[0].clone() + f[0].clone() - e.clone() - carry.clone() * k(1 << 16);
        b.zero("address", When::Always, low);
        b.zero("address", When::Always, e - x.clone() * k(8) - offset);
        let page = a[1].clone() + f[1].clone() + carry;
        let mut last_page = page.clone();
        if let Some(cross) = cols.cross {
            let [j, x2, x2_8] = cells(b, cross);
            b.zero(
                "wrap",
                When::Always,
                x.clone() + real.clone() - j.clone() * k(1 << 13) - x2.clone(),
            );
            b.zero("wrap", When::Always, x2_8 - x2 * k(8));
            last_page = last_page + j;
        }
        let pages = b.cur(t.pages);
        let [slack, aside] = cells(b, [t.slack, t.aside]);
        let left = pages.clone() - real.clone() - last_page;
        b.zero("slack", When::Always, slack - left * (k(1) - aside.clone()));

        self.data(b, &width, &sel);

        let clk = b.cur(t.clk_lo) + b.cur(t.clk_hi) * k(1 << 16);
        let linear = i64::from(Space::Linear as u8) << INDEX_BITS;
        let segments = (i64::from(Space::Global as u8) << INDEX_BITS) + i64::from(ASIDE);
        let first = real.clone() * k(linear) + aside * k(segments - linear);
        let word = first + page * k(1 << 13) + x;
        let cell = |b: &B, cols: &[Col], w: usize| {
            limbs::<B>(
                &cols[8 * w..8 * w + 8]
                    .iter()
                    .map(|col| b.cur(*col))
                    .collect::<Vec<_>>(),
            )
        };
        for w in 0..cols.gap_lo.len() {
            let gap = b.cur(cols.gap_lo[w]) + b.cur(cols.gap_hi[w]) * k(1 << 16);
            let (old, new) = (cell(b, cols.m, w), cell(b, cols.n, w));
            let stamp = clk.clone() * k(4) + k(2);
            access(
                b,
                real.clone(),
                word.clone() + k(w as i64),
                stamp,
                gap,
                &old,
                &new,
            );
        }

        let flags = [
            (t.store, ext::MEM_STORE),
            (t.signed, ext::MEM_SIGNED),
            (t.res64, ext::MEM_RES64),
            (t.aside, ext::MEM_ASIDE),
        ];
        let widths = t.width.into_iter().zip(WIDTH_CODES);
        let code = sum::<B>(
            flags
                .into_iter()
                .chain(widths)
                .map(|(c, bit)| b.cur(c) * k(i64::from(bit))),
        );
        let mut message = vec![code + k(i64::from(ext::MEM)), clk, pages, k(0)];
        message.extend([a[0].clone(), a[1].clone(), k(0), k(0), f[0].clone(), f[1].clone()]);
        message.extend(limbs::<B>(&cells(b, t.d)));
        b.receive(Bus::Ext, real, &message);
    }
}

impl MemTable {
    fn cols(self) -> Cols<'static> {
        if self.crossing {
            MemxCols::refs()
        } else {
            MemCols::refs()
        }
    }

    fn data<B: Builder>(self, b: &mut B, width: &[B::E; 4], sel: &[B::E; 8]) {
        let cols = self.cols();
        let t = cols.scalars;
        let k = |v: i64| B::E::from(v);
        let d = cells(b, t.d);
        let m: Vec<B::E> = cols.m.iter().map(|c| b.cur(*c)).collect();
        let n: Vec<B::E> = cols.n.iter().map(|c| b.cur(*c)).collect();
        let [store, signed, res64] = cells(b, [t.store, t.signed, t.res64]);
        let inside: Vec<B::E> = (0..8)
            .map(|i| sum::<B>((0..4).filter(|w| i < WIDTHS[*w]).map(|w| width[w].clone())))
            .collect();

        for i in 0..8 {
            let window = (0..8).filter(|o| o + i < n.len());
            let differs = sum::<B>(window.map(|o| sel[o].clone() * (n[o + i].clone() - d[i].clone())));
            b.zero("window", When::Always, inside[i].clone() * differs);
        }
        for j in 0..n.len() {
            let window = (0..8).filter(|o| *o <= j && j - o < 8);
            let covered = sum::<B>(window.map(|o| sel[o].clone() * inside[j - o].clone()));
            b.zero(
                "outside",
                When::Always,
                (k(1) - covered) * (n[j].clone() - m[j].clone()),
            );
            b.zero(
                "load",
                When::Always,
                (k(1) - store.clone()) * (n[j].clone() - m[j].clone()),
            );
        }

        let [top, sign, rest, fill, fill64] = cells(b, [t.top, t.sign, t.rest, t.fill, t.fill64]);
        let last = sum::<B>((0..4).map(|w| width[w].clone() * d[WIDTHS[w] - 1].clone()));
        b.zero("top", When::Always, top.clone() - last);
        b.zero("sign", When::Always, top * k(2) - sign.clone() * k(256) - rest);
        b.zero("sign", When::Always, fill.clone() - signed * sign);
        b.zero("sign", When::Always, fill64.clone() - fill.clone() * res64);
        for i in 1..8 {
            let upper = if i < 4 { fill.clone() } else { fill64.clone() };
            let free = (k(1) - store.clone()) * (k(1) - inside[i].clone());
            b.zero("extend", When::Always, free * (d[i].clone() - upper * k(255)));
        }
    }

    /// Fills the row of a load or store.
    pub(crate) fn fill(self, row: &mut [u64], step: &ExtStep, words: &[Access]) {
        let ExtStep {
            code,
            clk,
            pages,
            imm,
            a,
            c: value,
        } = *step;
        let cols = self.cols();
        let t = cols.scalars;
        let mut row = RowMut(row);
        let has = |bit: u16| code & bit != 0;
        row.bit(t.real, true);
        row.bit(t.store, has(ext::MEM_STORE));
        row.bit(t.signed, has(ext::MEM_SIGNED));
        row.bit(t.res64, has(ext::MEM_RES64));
        row.bit(t.aside, has(ext::MEM_ASIDE));
        let mut width = 1;
        for (w, bit) in WIDTH_CODES.into_iter().enumerate() {
            row.bit(t.width[w], has(bit));
            if has(bit) {
                width = WIDTHS[w];
            }
        }
        let address = a.wrapping_add(imm);
        let (page, x, o) = (address >> 16, address >> 3 & 0x1fff, address & 7);
        row.bit(t.sel[o as usize], true);
        row.set(t.clk_lo, clk & 0xffff);
        row.set(t.clk_hi, clk >> 16);
        row.set(t.pages, u64::from(pages));
        row.split(t.a, 16, a);
        row.split(t.f, 16, imm);
        row.bit(t.k, (a & 0xffff) + (imm & 0xffff) > 0xffff);
        row.set(t.e, address & 0xffff);
        row.set(t.x, x);
        let wrap = self.crossing && x == 0x1fff;
        let left = u64::from(pages).wrapping_sub(1 + page + u64::from(wrap));
        row.set(t.slack, if has(ext::MEM_ASIDE) { 0 } else { left });
        if let Some([j, x2, x2_8]) = cols.cross {
            let next = (x + 1) & 0x1fff;
            row.bit(j, wrap);
            row.set(x2, next);
            row.set(x2_8, 8 * next);
        }
        for (w, word) in words.iter().enumerate() {
            for i in 0..8 {
                row.set(cols.m[8 * w + i], word.old >> (8 * i) & 0xff);
                row.set(cols.n[8 * w + i], word.new >> (8 * i) & 0xff);
            }
            row.gap(cols.gap_lo[w], cols.gap_hi[w], 4 * clk + 2, word.prev);
        }
        row.split(t.d, 8, value);
        let top = value >> (8 * (width - 1)) & 0xff;
        let sign = top >> 7 == 1;
        row.set(t.top, top);
        row.bit(t.sign, sign);
        row.set(t.rest, (2 * top) & 0xff);
        row.bit(t.fill, has(ext::MEM_SIGNED) && sign);
        row.bit(t.fill64, has(ext::MEM_SIGNED) && sign && has(ext::MEM_RES64));
    }
}

/// The column that holds an access to the memory's end, for tests of that end.
#[cfg(test)]
pub(super) fn slack(crossing: bool) -> Col {
    MemTable { crossing }.cols().scalars.slack
}
