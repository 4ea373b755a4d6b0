//! Several moves at once, between registers that may be each other's sources.

use super::values::Operand;

/// An order of `moves`, each to a register from an operand, in which none overwrites what another still
/// needs. `spare`, which is neither, breaks circles.
pub(super) fn sequence(mut moves: Vec<(u16, Operand)>, spare: u16) -> Vec<(u16, Operand)> {
    moves.retain(|(to, from)| *from != Operand::Register(*to));
    let mut order = Vec::new();
    while let Some(&(first, _)) = moves.first() {
        let free = moves.iter().position(|(to, _)| !is_source(&moves, *to));
        if let Some(free) = free {
            order.push(moves.remove(free));
            continue;
        }
        order.push((spare, Operand::Register(first)));
        for (_, from) in &mut moves {
            if *from == Operand::Register(first) {
                *from = Operand::Register(spare);
            }
        }
    }
    order
}

/// Whether one of `moves` takes from `register`.
pub(super) fn is_source(moves: &[(u16, Operand)], register: u16) -> bool {
    moves.iter().any(|(_, from)| *from == Operand::Register(register))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPARE: u16 = 9;

    /// Registers after the moves, each of which held its own number.
    fn after(order: &[(u16, Operand)]) -> [u64; 10] {
        let mut registers = std::array::from_fn(|register| register as u64);
        for &(to, from) in order {
            registers[usize::from(to)] = match from {
                Operand::Register(from) => registers[usize::from(from)],
                Operand::Const(value) => value,
            };
        }
        registers
    }

    #[test]
    fn every_map_of_four_registers_is_as_if_at_once() {
        for map in 0..5_u64.pow(4) {
            let source = |to: u16| map / 5_u64.pow(u32::from(to)) % 5;
            let moves = (0..4).map(|to| {
                let from = source(to);
                let constant = Operand::Const(100);
                (
                    to,
                    if from == 4 {
                        constant
                    } else {
                        Operand::Register(from as u16)
                    },
                )
            });
            let order = sequence(moves.collect(), SPARE);
            let result = after(&order);
            for to in 0..4 {
                let expected = if source(to) == 4 { 100 } else { source(to) };
                assert_eq!(result[usize::from(to)], expected, "{map}: {order:?}");
            }
        }
    }

    #[test]
    fn moves_nothing_twice_where_there_is_no_circle() {
        let shift = (1..4).map(|to| (to, Operand::Register(to - 1))).collect();
        assert_eq!(sequence(shift, SPARE).len(), 3);
        let swap = vec![(0, Operand::Register(1)), (1, Operand::Register(0))];
        assert_eq!(sequence(swap, SPARE).len(), 3);
        assert!(sequence(vec![(2, Operand::Register(2))], SPARE).is_empty());
    }
}
