//! How a trace is laid out in 2^k rows, and the bytes of a proof.

use crate::Error;

/// Least `k`.
pub const MIN_K: u8 = 8;
/// Greatest `k`; verification takes time and memory in proportion to 2^k.
pub const MAX_K: u8 = 14;
/// Greatest number of committed columns.
pub const MAX_COLUMNS: usize = 4096;
/// Greatest number of copies of a table side by side.
pub const MAX_FOLD: u16 = 256;

/// Rows at the end of every column that the proof system fills with randomness.
pub(crate) const BLINDING: usize = 6;

const VERSION: u8 = 1;

/// The shape of a proof: the prover chooses it, the verifier checks it against the system.
///
/// Row `i` of a table folded `s` times is copy `i mod s` of physical row `i / s`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    pub(crate) k: u8,
    pub(crate) folds: Vec<u16>,
    pub(crate) public_columns: u16,
}

impl Layout {
    /// A layout of 2^k rows, with `folds[t]` copies of table `t` side by side and room for public
    /// lookup rows in `public_columns` columns. Whether it fits a system is checked where it is used.
    ///
    /// ```
    /// use nonos_verify_halo2::Layout;
    ///
    /// // Two tables: four rows of the second stand side by side, so that it has room for four times as many.
    /// let layout = Layout::new(11, vec![1, 4], 0);
    /// assert_eq!(layout.capacity(1), 4 * layout.capacity(0));
    /// ```
    pub fn new(k: u8, folds: Vec<u16>, public_columns: u16) -> Self {
        Self {
            k,
            folds,
            public_columns,
        }
    }

    /// Logarithm of the number of physical rows.
    pub fn k(&self) -> u8 {
        self.k
    }

    /// Copies of each table.
    pub fn folds(&self) -> &[u16] {
        &self.folds
    }

    /// Physical rows that tables occupy, for a `k` within bounds.
    pub(crate) fn usable(&self) -> usize {
        usable(self.k)
    }

    /// Rows that table `table` has room for.
    pub fn capacity(&self, table: usize) -> usize {
        self.folds
            .get(table)
            .map_or(0, |fold| usize::from(*fold) * self.usable())
    }

    /// The layout's bytes: version, k, public columns, number of tables, folds; integers little-endian.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION, self.k];
        out.extend(self.public_columns.to_le_bytes());
        out.extend((self.folds.len() as u16).to_le_bytes());
        for fold in &self.folds {
            out.extend(fold.to_le_bytes());
        }
        out
    }

    fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Error> {
        let truncated = Error::Malformed {
            part: "layout is cut short",
        };
        let Some((&[version, k, p0, p1, t0, t1], rest)) = bytes.split_first_chunk::<6>() else {
            return Err(truncated);
        };
        if version != VERSION {
            return Err(Error::Malformed {
                part: "unknown version",
            });
        }
        if !(MIN_K..=MAX_K).contains(&k) {
            return Err(Error::Malformed {
                part: "k is out of bounds",
            });
        }
        let tables = usize::from(u16::from_le_bytes([t0, t1]));
        let (folds, rest) = rest.split_at_checked(2 * tables).ok_or(truncated)?;
        let folds = folds
            .chunks_exact(2)
            .map(|b| u16::from_le_bytes([b[0], b[1]]))
            .collect();
        Ok((
            Self {
                k,
                folds,
                public_columns: u16::from_le_bytes([p0, p1]),
            },
            rest,
        ))
    }
}

/// Physical rows that tables occupy: one row is kept for the end of the running sum.
pub(crate) fn usable(k: u8) -> usize {
    (1usize << k) - BLINDING - 1
}

/// A proof with the layout it was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    pub(crate) layout: Layout,
    pub(crate) bytes: Vec<u8>,
}

impl Proof {
    /// The layout.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The proof's bytes: the layout, then the proof system's own bytes to the end.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.layout.encode();
        out.extend_from_slice(&self.bytes);
        out
    }

    /// Reads a proof. The length is checked against the layout by the verifier.
    ///
    /// # Errors
    /// [`Error::Malformed`] for an unknown version, a `k` out of bounds or a layout cut short.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let (layout, rest) = Layout::decode(bytes)?;
        Ok(Self {
            layout,
            bytes: rest.to_vec(),
        })
    }
}
