//! A system made ready for this backend: messages as packed linear forms, fixed tables as packed rows.
//! Independent of any layout.

use std::collections::HashMap;

use ff::{Field, PrimeField};
use nonos_machine::air::{Bus, Col, Direction, Expr, Interval, Message, Range, System, TableShape, When};
use pasta_curves::Fp;

use crate::Error;
use crate::linear::{Form, Linear};
use crate::packing::{LIMIT_BITS, Packing};
use crate::sponge::{self, Sponge};

/// Degree a constraint may have: the selector takes the last of five.
const CONSTRAINT_DEGREE: usize = 4;

/// A polynomial that can cross threads.
#[derive(Clone, Debug)]
pub(crate) enum Poly {
    Const(i64),
    Cell {
        col: usize,
        next: bool,
    },
    /// A linear form in cells of the current row, with coefficients of the field.
    Linear(Linear),
    Add(Box<Poly>, Box<Poly>),
    Sub(Box<Poly>, Box<Poly>),
    Mul(Box<Poly>, Box<Poly>),
}

impl Poly {
    pub(crate) fn from_expr(expr: &Expr) -> Self {
        let both = |a: &Expr, b: &Expr| (Box::new(Self::from_expr(a)), Box::new(Self::from_expr(b)));
        match expr {
            Expr::Const(v) => Poly::Const(*v),
            Expr::Cell { col, next } => Poly::Cell {
                col: usize::from(col.0),
                next: *next,
            },
            Expr::Add(a, b) => {
                let (a, b) = both(a, b);
                Poly::Add(a, b)
            }
            Expr::Sub(a, b) => {
                let (a, b) = both(a, b);
                Poly::Sub(a, b)
            }
            Expr::Mul(a, b) => {
                let (a, b) = both(a, b);
                Poly::Mul(a, b)
            }
        }
    }

    /// An expression of the current row, read on the next one.
    pub(crate) fn next_of(expr: &Expr) -> Self {
        let mut poly = Self::from_expr(expr);
        poly.advance();
        poly
    }

    fn advance(&mut self) {
        match self {
            Poly::Const(_) | Poly::Linear(_) => {}
            Poly::Cell { next, .. } => *next = true,
            Poly::Add(a, b) | Poly::Sub(a, b) | Poly::Mul(a, b) => {
                a.advance();
                b.advance();
            }
        }
    }

    pub(crate) fn nodes(&self) -> usize {
        match self {
            Poly::Linear(form) => 2 * form.terms.len(),
            Poly::Const(_) | Poly::Cell { .. } => 1,
            Poly::Add(a, b) | Poly::Sub(a, b) | Poly::Mul(a, b) => 1 + a.nodes() + b.nodes(),
        }
    }
}

/// `poly = 0` on the rows named by `when`.
#[derive(Clone, Debug)]
pub(crate) struct Constraint {
    pub(crate) id: &'static str,
    pub(crate) when: When,
    pub(crate) poly: Poly,
}

/// A message of every row of a table: `count / (α + message)` is added to the running sum.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    pub(crate) bus: Bus,
    pub(crate) lookup: bool,
    /// Negative where the table receives.
    pub(crate) count: Linear,
    pub(crate) message: Linear,
}

#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: Vec<Range>,
    pub(crate) constraints: Vec<Constraint>,
    pub(crate) terms: Vec<Term>,
    /// Something is required of its first or last row, so that it cannot be left out.
    pub(crate) bound: bool,
}

/// A value of the first or last row that is bound to a public one.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) table: usize,
    pub(crate) poly: Poly,
    pub(crate) public: usize,
    pub(crate) shift: u32,
}

#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) tables: Vec<Table>,
    pub(crate) packing: Packing,
    /// All fixed tables, packed, one after the other.
    pub(crate) fixed: Vec<Fp>,
    /// Where each packed fixed row is.
    pub(crate) index: HashMap<[u8; 32], u32>,
    pub(crate) fixed_buses: Vec<Bus>,
    /// Bound values of the first row, packed into as few field elements as possible.
    pub(crate) first: Vec<Vec<Slot>>,
    pub(crate) last: Vec<Vec<Slot>>,
    pub(crate) public_bits: (Vec<u32>, Vec<u32>),
    /// The table whose rows are hashed, which is there only where there is something to hash.
    pub(crate) sponge: Option<sponge::Compiled>,
}

impl Compiled {
    pub(crate) fn new(system: &System, sponge: Option<&Sponge>) -> Result<Self, Error> {
        let mut packing = Packing::default();
        for table in &system.tables {
            for message in &table.messages {
                let widths = message
                    .parts
                    .iter()
                    .map(|part| {
                        form(table, "message", part)?
                            .interval(&|c| table.interval(Col(c)))
                            .ok_or(())
                            .map_err(|()| Error::NoInterval {
                                table: table.name,
                                bus: message.bus,
                            })
                    })
                    .collect::<Result<Vec<_>, _>>()?;
                packing.widen(message.bus, &widths)?;
            }
        }
        for fixed in &system.fixed {
            if !fixed.bus.is_lookup() {
                return Err(Error::BusMisuse {
                    bus: fixed.bus,
                    by: "a fixed table",
                });
            }
            for row in &fixed.rows {
                let point = |v: &u64| Interval {
                    lo: i128::from(*v),
                    hi: i128::from(*v),
                };
                packing.widen(fixed.bus, &row.iter().map(point).collect::<Vec<_>>())?;
            }
        }
        packing.freeze()?;

        let mut fixed = vec![];
        let mut index = HashMap::new();
        let mut fixed_buses = vec![];
        for table in &system.fixed {
            fixed_buses.push(table.bus);
            for row in &table.rows {
                let packed = packing.pack(table.bus, row)?;
                index.entry(packed.to_repr()).or_insert(fixed.len() as u32);
                fixed.push(packed);
            }
        }
        let mut tables = system
            .tables
            .iter()
            .map(|t| compile_table(t, &packing))
            .collect::<Result<Vec<_>, _>>()?;
        let hashed = |sponge: &Sponge| {
            let table = &mut tables[sponge.table];
            table.bound = false;
            sponge::Compiled::new(sponge, &system.tables[sponge.table], table)
        };
        let sponge = sponge.map(hashed).transpose()?;
        let (first, last) = (slots(system, When::First)?, slots(system, When::Last)?);
        let public_bits = system.public_bits.clone();
        Ok(Self {
            tables,
            packing,
            fixed,
            index,
            fixed_buses,
            first,
            last,
            public_bits,
            sponge,
        })
    }

    /// Instance columns that hold packed first and last values.
    pub(crate) fn bound_columns(&self) -> usize {
        self.first.len().max(self.last.len())
    }
}

pub(crate) fn form(table: &TableShape, item: &'static str, expr: &Expr) -> Result<Form, Error> {
    if expr.degree() > 1 {
        return Err(Error::Degree {
            table: table.name,
            item,
            degree: expr.degree(),
            limit: 1,
        });
    }
    refuse_next(table.name, item, expr)?;
    Form::of(expr).ok_or(Error::Degree {
        table: table.name,
        item,
        degree: 2,
        limit: 1,
    })
}

fn refuse_next(table: &'static str, item: &'static str, expr: &Expr) -> Result<(), Error> {
    let mut uses_next = false;
    expr.cells(&mut |_, next| uses_next |= next);
    if uses_next {
        Err(Error::NextRow { table, item })
    } else {
        Ok(())
    }
}

fn compile_table(table: &TableShape, packing: &Packing) -> Result<Table, Error> {
    let mut constraints = vec![];
    let mut bound = false;
    for c in &table.constraints {
        bound |= matches!(c.when, When::First | When::Last);
        let degree = c.expr.degree();
        if degree > CONSTRAINT_DEGREE {
            return Err(Error::Degree {
                table: table.name,
                item: c.id,
                degree,
                limit: CONSTRAINT_DEGREE,
            });
        }
        if c.when != When::Transition {
            refuse_next(table.name, c.id, &c.expr)?;
        }
        if c.public.is_none() {
            constraints.push(Constraint {
                id: c.id,
                when: c.when,
                poly: Poly::from_expr(&c.expr),
            });
        } else if !matches!(c.when, When::First | When::Last) {
            return Err(Error::MisplacedPublic {
                table: table.name,
                id: c.id,
            });
        }
    }
    let terms = table
        .messages
        .iter()
        .map(|m| term(table, m, packing))
        .collect::<Result<_, _>>()?;
    let columns = table.columns.iter().map(|c| c.range).collect();
    Ok(Table {
        name: table.name,
        columns,
        constraints,
        terms,
        bound,
    })
}

fn term(table: &TableShape, message: &Message, packing: &Packing) -> Result<Term, Error> {
    let bus = message.bus;
    let count = form(table, "count", &message.count)?;
    let range = count.interval(&|c| table.interval(Col(c)));
    let range = range.ok_or(Error::NoInterval {
        table: table.name,
        bus,
    })?;
    let lookup = bus.is_lookup();
    // A negative count on a lookup bus would let a table offer rows of its own. Beyond 2^32 copies per row
    // the sum of counts could come near the field's order.
    let bad = lookup && (message.direction == Direction::Receive || range.lo < 0);
    if bad || range.lo < -(1 << 32) || range.hi > 1 << 32 {
        return Err(Error::BusMisuse { bus, by: table.name });
    }
    let parts = message
        .parts
        .iter()
        .map(|p| form(table, "message", p))
        .collect::<Result<Vec<_>, _>>()?;
    let count = match message.direction {
        Direction::Send => count.linear(),
        Direction::Receive => count.linear().scaled(-Fp::ONE),
    };
    Ok(Term {
        bus,
        lookup,
        count,
        message: packing.linear(bus, &parts),
    })
}

/// Packs the bound values of one end, in order, as densely as they fit.
fn slots(system: &System, end: When) -> Result<Vec<Vec<Slot>>, Error> {
    let declared = if end == When::First {
        &system.public_bits.0
    } else {
        &system.public_bits.1
    };
    let mut packs: Vec<Vec<Slot>> = vec![];
    let mut used = LIMIT_BITS;
    for (t, table) in system.tables.iter().enumerate() {
        for c in table.constraints.iter().filter(|c| c.when == end) {
            let Some(public) = c.public else { continue };
            let bits = declared.get(public).copied().filter(|b| *b <= 64);
            let bits = bits.ok_or(Error::MisplacedPublic {
                table: table.name,
                id: c.id,
            })?;
            let value = Interval {
                lo: 0,
                hi: (1i128 << bits) - 1,
            };
            let own = c.expr.interval(&|col| table.interval(col));
            let own = own.ok_or(Error::NoPublicInterval {
                table: table.name,
                id: c.id,
            })?;
            let width = own.union(value).bits();
            if used + width > LIMIT_BITS {
                packs.push(vec![]);
                used = 0;
            }
            let slot = Slot {
                table: t,
                poly: Poly::from_expr(&c.expr),
                public,
                shift: used,
            };
            packs
                .last_mut()
                .expect("a pack was pushed when the first value did not fit")
                .push(slot);
            used += width;
        }
    }
    Ok(packs)
}
