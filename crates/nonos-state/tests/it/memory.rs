use nonos_state::{Error, MemoryTree};
use nonos_types::{ByteLen, MemoryHash, Pages};
use proptest::prelude::*;

const PAGE: usize = 65_536;

fn root(memory: &[u8]) -> MemoryHash {
    MemoryTree::of(memory).expect("whole pages").root()
}

/// The tree as `docs/spec/checkpoint.md` words it, without levels and updates.
fn spec(memory: &[u8]) -> MemoryHash {
    fn top(pages: &[&[u8]]) -> [u8; 32] {
        match pages {
            [] => [0; 32],
            [page] => blake3::derive_key("nonos/v1/memory-page", page),
            _ => {
                let (left, right) = pages.split_at(pages.len().next_power_of_two() / 2);
                blake3::derive_key("nonos/v1/memory-node", &[top(left), top(right)].concat())
            }
        }
    }
    let pages: Vec<_> = memory.chunks(PAGE).collect();
    MemoryHash::hash(&[&(pages.len() as u32).to_le_bytes(), &top(&pages)])
}

#[test]
fn roots_are_those_of_the_spec() {
    let vectors = [
        (
            0,
            "56b15717da359c2d3c08947a85b647484ffd14bcc20ade3eeb94e4dee46ac8d5",
        ),
        (
            1,
            "c6e1d5517ef05b5d9999074f55814e6cd63afd5599b0beadb2f396534d439eaf",
        ),
        (
            2,
            "59e66ff1099b7785114b4d0e7c10d3d8259dddf8996a7493274ad27855bb3d65",
        ),
        (
            3,
            "027dc4532c52397baa564aa4be92384e4955a2dc91e37ac7784939e5dc89468b",
        ),
    ];
    for (pages, hex) in vectors {
        let memory: Vec<u8> = (0..pages * PAGE).map(|at| (at / PAGE) as u8).collect();
        assert_eq!(root(&memory).to_string(), hex, "{pages} pages");
    }
}

#[test]
fn the_tree_is_that_of_the_spec_at_every_size() {
    let memory: Vec<u8> = (0..9 * PAGE).map(|at| (at / PAGE) as u8).collect();
    for pages in 0..=9 {
        assert_eq!(
            root(&memory[..pages * PAGE]),
            spec(&memory[..pages * PAGE]),
            "{pages} pages"
        );
    }
}

#[test]
fn every_page_count_has_its_own_root() {
    let zeros = vec![0; 9 * PAGE];
    let mut roots: Vec<_> = (0..=9).map(|pages| root(&zeros[..pages * PAGE])).collect();
    roots.sort();
    roots.dedup();
    assert_eq!(roots.len(), 10);
}

#[test]
fn one_byte_anywhere_changes_the_root() {
    let mut memory = vec![0; 3 * PAGE];
    let before = root(&memory);
    for at in [0, PAGE - 1, PAGE, 2 * PAGE + 77, 3 * PAGE - 1] {
        memory[at] = 1;
        assert_ne!(root(&memory), before, "byte {at}");
        memory[at] = 0;
    }
    assert_eq!(root(&memory), before);
}

#[test]
fn pages_cannot_be_swapped() {
    let memory = [vec![1; PAGE], vec![2; PAGE]].concat();
    let swapped = [vec![2; PAGE], vec![1; PAGE]].concat();
    assert_ne!(root(&memory), root(&swapped));
}

#[test]
fn refuses_memories_that_are_none_and_keeps_the_tree() {
    let memory = vec![1; 2 * PAGE];
    let mut tree = MemoryTree::of(&memory).expect("whole pages");
    let before = tree.root();
    let (one, two) = (Pages::new(1), Pages::new(2));

    let odd = Error::NotPages {
        actual: ByteLen::new(2 * PAGE as u64 - 1),
    };
    assert_eq!(tree.rehash(&memory[1..]), Err(odd));
    assert_eq!(
        tree.rehash(&memory[PAGE..]),
        Err(Error::Shrunk {
            before: two,
            after: one
        })
    );
    assert_eq!(
        tree.update(&memory, [0, 2]),
        Err(Error::NoSuchPage { page: 2, pages: two })
    );
    assert_eq!((tree.root(), tree.pages()), (before, two));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn updating_the_written_pages_is_hashing_all(
        start in 0usize..7,
        rounds in prop::collection::vec((0usize..4, prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4)), 1..4),
    ) {
        let mut memory = vec![0; start * PAGE];
        let mut tree = MemoryTree::of(&memory).expect("whole pages");
        for (growth, writes) in rounds {
            memory.resize(memory.len() + growth * PAGE, 0);
            let mut dirty = Vec::new();
            for (at, byte) in writes {
 if memory.is_empty() { break; }
                let at = at.index(memory.len());
                memory[at] = byte;
                dirty.push((at / PAGE) as u32);
            }
            tree.update(&memory, dirty).expect("its own pages");
            prop_assert_eq!(tree.root(), spec(&memory));
        }
    }
}
