//! Expressions as text.

use nonos_machine::air::{Expr, TableShape};

/// The expression, cut to about `most` characters.
pub(super) fn formula(table: &TableShape, expr: &Expr, most: usize) -> String {
    let text = sum(table, expr);
    if text.chars().count() <= most {
        return text;
    }
    let cut: String = text.chars().take(most).collect();
    // Not in the middle of a name.
    let end = cut.rfind(' ').unwrap_or(cut.len());
    format!("{} …", &cut[..end])
}

fn sum(table: &TableShape, expr: &Expr) -> String {
    match expr {
        Expr::Add(a, b) => format!("{} + {}", sum(table, a), sum(table, b)),
        Expr::Sub(a, b) => match **a {
            Expr::Const(0) => format!("−{}", factor(table, b)),
            _ => format!("{} − {}", sum(table, a), subtrahend(table, b)),
        },
        _ => product(table, expr),
    }
}

fn subtrahend(table: &TableShape, expr: &Expr) -> String {
    match expr {
        Expr::Add(..) | Expr::Sub(..) => format!("({})", sum(table, expr)),
        _ => product(table, expr),
    }
}

fn product(table: &TableShape, expr: &Expr) -> String {
    match expr {
        // Constants first.
        Expr::Mul(a, b) if matches!(**b, Expr::Const(_)) => {
            format!("{}·{}", factor(table, b), factor(table, a))
        }
        Expr::Mul(a, b) => format!("{}·{}", factor(table, a), factor(table, b)),
        _ => factor(table, expr),
    }
}

fn factor(table: &TableShape, expr: &Expr) -> String {
    match expr {
        Expr::Const(v) => constant(*v),
        Expr::Cell { col, next } => {
            let name = table.columns[usize::from(col.0)].name;
            format!("{name}{}", if *next { "'" } else { "" })
        }
        Expr::Mul(..) => product(table, expr),
        _ => format!("({})", sum(table, expr)),
    }
}

/// Powers of two from 2^8 on as such.
fn constant(v: i64) -> String {
    let size = v.unsigned_abs();
    let sign = if v < 0 { "−" } else { "" };
    if size >= 1 << 8 && size.is_power_of_two() {
        format!("{sign}2^{}", size.trailing_zeros())
    } else {
        format!("{sign}{size}")
    }
}
