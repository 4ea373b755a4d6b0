//! Which locals a function may read before it has written them, and which therefore have to be cleared.

use wasmparser::Operator;

/// The locals from `params` on that may be read before they are written, in order.
///
/// What a block or arm writes counts behind it only where the block cannot be left early; this is cautious.
pub(super) fn read_first(operators: &[Operator<'_>], params: usize, locals: usize) -> Vec<u32> {
    let mut written = vec![false; locals];
    let mut wanted = vec![false; locals];
    // For each open block, what it wrote first: that is undone at its end.
    let mut blocks: Vec<(bool, Vec<u32>)> = Vec::new();
    let mut dead: Option<u32> = None;
    for operator in operators {
        match operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => match &mut dead {
                Some(depth) => *depth += 1,
                None => blocks.push((matches!(operator, Operator::Loop { .. }), Vec::new())),
            },
            Operator::Else | Operator::End => {
                let is_end = matches!(operator, Operator::End);
                match &mut dead {
                    Some(depth) if *depth > 0 => {
                        *depth -= u32::from(is_end);
                        continue;
                    }
                    _ => {}
                }
                let Some((is_loop, mut first)) = blocks.pop() else {
                    break;
                };
                if is_loop
                    && dead.is_none()
                    && let Some((_, outer)) = blocks.last_mut()
                {
                    outer.append(&mut first);
                }
                for local in first {
                    written[local as usize] = false;
                }
                dead = None;
                if !is_end {
                    blocks.push((false, Vec::new()));
                }
            }
            _ if dead.is_some() => {}
            Operator::LocalGet { local_index } => {
                wanted[*local_index as usize] |= !written[*local_index as usize];
            }
            Operator::LocalSet { local_index } | Operator::LocalTee { local_index } => {
                let was_written = std::mem::replace(&mut written[*local_index as usize], true);
                if let Some((_, first)) = blocks.last_mut()
                    && !was_written
                {
                    first.push(*local_index);
                }
            }
            Operator::Br { .. } | Operator::BrTable { .. } | Operator::Return | Operator::Unreachable => {
                dead = Some(0)
            }
            Operator::ReturnCall { .. } | Operator::ReturnCallIndirect { .. } => dead = Some(0),
            _ => {}
        }
    }
    (params..locals)
        .filter(|local| wanted[*local])
        .map(|local| local as u32)
        .collect()
}
