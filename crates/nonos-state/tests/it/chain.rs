use nonos_state::{Chain, Checkpoint, Difference, MemoryTree, RunState, Salt, TapePositions};
use nonos_types::{CheckpointRoot, Fuel, MemoryHash, StateHash};

fn state(memory: MemoryHash, globals: &[u64], tapes: [u64; 6]) -> StateHash {
    RunState {
        memory,
        globals,
        tables: &[],
        tapes: TapePositions(tapes),
    }
    .hash()
}

fn with_tables(tables: &[Vec<u64>]) -> StateHash {
    RunState {
        memory: MemoryHash::ZERO,
        globals: &[1, u64::MAX],
        tables,
        tapes: TapePositions([1, 2, 3, 4, 5, 6]),
    }
    .hash()
}

fn checkpoint(number: u64) -> Checkpoint {
    Checkpoint {
        fuel_used: Fuel::new(number * 100),
        state: state(MemoryHash::ZERO, &[number], [0; 6]),
    }
}

fn chain(numbers: &[u64]) -> Chain {
    let mut chain = Chain::new();
    chain.extend(numbers.iter().copied().map(checkpoint));
    chain
}

#[test]
fn hashes_are_those_of_the_spec() {
    let empty = state(MemoryTree::new().root(), &[], [0; 6]);
    assert_eq!(
        empty.to_string(),
        "3d56666085cd9c48200d27e4a8808ad684ce3734e7c3fa8e05609bc163f6a331"
    );
    let other = state(MemoryHash::ZERO, &[1, u64::MAX], [1, 2, 3, 4, 5, 6]);
    assert_eq!(
        other.to_string(),
        "8cdb33a4f9e6ed90ce069d2d96c994bed6141b2343d1bf051eeb63cadb66e85d"
    );
    assert_eq!(
        with_tables(&[vec![0, 2, 1], vec![]]).to_string(),
        "09aabc2649944fe24c73075c5a1da88132877092168b21d875befa2ab8254545"
    );
    assert_eq!(chain(&[]).root(), CheckpointRoot::ZERO);
    assert_eq!(
        chain(&[1, 2]).root().to_string(),
        "aa338ecd3db4667a97af4c6411029b8b2ebd01dd262c57d943aa38df0b41d189"
    );
    assert_eq!(
        Chain::salted(Salt::from_bytes([7; 32])).root().to_string(),
        "f1fd3e5f502e2e57862a850e169bc8088224f916e02e5d9e7e162a835b4a8bbe"
    );
}

#[test]
fn the_state_covers_memory_globals_and_every_tape() {
    let base = state(MemoryHash::ZERO, &[1, 2], [0; 6]);
    let mut seen = std::collections::HashSet::from([base]);
    assert!(seen.insert(state(MemoryTree::new().root(), &[1, 2], [0; 6])));
    assert!(seen.insert(state(MemoryHash::ZERO, &[2, 1], [0; 6])));
    assert!(seen.insert(state(MemoryHash::ZERO, &[1, 2, 0], [0; 6])));
    for tape in 0..6 {
        let mut tapes = [0; 6];
        tapes[tape] = 1;
        assert!(
            seen.insert(state(MemoryHash::ZERO, &[1, 2], tapes)),
            "tape {tape}"
        );
    }
}

#[test]
fn the_state_covers_every_table_and_entry() {
    let tables: [&[Vec<u64>]; 6] = [
        &[],
        &[vec![]],
        &[vec![0]],
        &[vec![1]],
        &[vec![1], vec![0]],
        &[vec![1, 0]],
    ];
    let seen: std::collections::HashSet<_> = tables.map(with_tables).into();
    assert_eq!(seen.len(), 6);
}

#[test]
fn the_root_covers_every_checkpoint_and_the_order() {
    let roots: std::collections::HashSet<_> = [&[][..], &[1], &[2], &[1, 2], &[2, 1], &[1, 2, 2]]
        .map(|it| chain(it).root())
        .into();
    assert_eq!(roots.len(), 6);
    let mut later = Chain::new();
    later.push(Checkpoint {
        fuel_used: Fuel::new(101),
        ..checkpoint(1)
    });
    assert_ne!(later.root(), chain(&[1]).root());
}

#[test]
fn a_salt_changes_the_root_but_not_the_comparison() {
    let mut salted = Chain::salted(Salt::from_bytes([7; 32]));
    salted.push(checkpoint(1));
    assert_ne!(salted.root(), chain(&[1]).root());
    assert_eq!(salted.first_difference(&chain(&[1])), None);
}

#[test]
fn names_the_first_checkpoint_that_differs() {
    let difference = |left: &[u64], right: &[u64]| chain(left).first_difference(&chain(right));
    assert_eq!(difference(&[1, 2, 3], &[1, 2, 3]), None);
    let pair = |index, left: Option<u64>, right: Option<u64>| {
        Some(Difference {
            index,
            left: left.map(checkpoint),
            right: right.map(checkpoint),
        })
    };
    assert_eq!(difference(&[1, 2, 3], &[1, 5, 6]), pair(1, Some(2), Some(5)));
    assert_eq!(difference(&[1, 2], &[1, 2, 3]), pair(2, None, Some(3)));
    assert_eq!(difference(&[1], &[]), pair(0, Some(1), None));
}
