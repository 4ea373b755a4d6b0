use nonos_types::{ByteLen, CapsuleHash, InputDigest, Outline};
use proptest::prelude::*;

const GROUP: usize = 256 << 10;

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i / 7 % 251) as u8).collect()
}

/// Lengths around each boundary: with the eight bytes before them, at which a group ends and another begins.
#[test]
fn its_digest_is_that_of_the_bytes() {
    for groups in [1, 2, 3, 4, 5, 7, 8, 9] {
        for more in [-1_isize, 0, 1] {
            let len = (groups * GROUP - 8).saturating_add_signed(more);
            let bytes = bytes(len);
            let outline = Outline::of::<InputDigest>(&bytes);
            let count = if more > 0 { groups + 1 } else { groups };
            assert_eq!(outline.count(), count);
            let expected = (count > 1).then(|| InputDigest::hash(&[&bytes]));
            assert_eq!(outline.digest::<InputDigest>(), expected, "{len}");
            assert_eq!((0..count).map(|it| outline.group(it).len()).sum::<usize>(), len);
            assert!((0..count).all(|it| outline.fits::<InputDigest>(it, &bytes[outline.group(it)])));
            assert_eq!(
                Outline::new(outline.len(), outline.nodes().to_vec()),
                Some(outline)
            );
        }
    }
    assert_eq!(Outline::of::<InputDigest>(&[]).count(), 1);
}

#[test]
fn a_changed_byte_or_another_domain_fits_nowhere() {
    let bytes = bytes(3 * GROUP);
    let outline = Outline::of::<InputDigest>(&bytes);
    assert_eq!(outline.count(), 4);
    for index in 0..4 {
        let mut group = bytes[outline.group(index)].to_vec();
        assert!(!outline.fits::<CapsuleHash>(index, &group));
        let other = (index + 1) % 4;
        assert!(!outline.fits::<InputDigest>(other, &group));
        let last = group.len() - 1;
        group[last] ^= 1;
        assert!(!outline.fits::<InputDigest>(index, &group));
        group.pop();
        assert!(!outline.fits::<InputDigest>(index, &group), "too short");
    }
}

/// A list of nodes that is not that of the bytes has another digest.
#[test]
fn a_changed_node_has_another_digest() {
    let bytes = bytes(4 * GROUP);
    let outline = Outline::of::<InputDigest>(&bytes);
    let digest = InputDigest::hash(&[&bytes]);
    for index in 0..outline.nodes().len() {
        let mut nodes = outline.nodes().to_vec();
        nodes[index][0] ^= 1;
        let changed = Outline::new(outline.len(), nodes).expect("of the same shape");
        assert_ne!(changed.digest::<InputDigest>(), Some(digest));
    }
    let mut nodes = outline.nodes().to_vec();
    nodes.swap(0, 1);
    let swapped = Outline::new(outline.len(), nodes).expect("of the same shape");
    assert_ne!(swapped.digest::<InputDigest>(), Some(digest));
}

#[test]
fn so_many_bytes_have_so_many_nodes() {
    let shape = |len: u64, nodes: usize| Outline::new(ByteLen::new(len), vec![[0; 32]; nodes]).is_some();
    let group = GROUP as u64;
    assert!(shape(0, 0) && !shape(0, 1));
    assert!(shape(group - 8, 0) && !shape(group - 8, 1));
    assert!(shape(group - 7, 2) && !shape(group - 7, 1) && !shape(group - 7, 3) && !shape(group - 7, 0));
    assert!(!shape(u64::MAX, 5));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn its_digest_is_that_of_bytes_of_any_length(len in 0..2_500_000_usize) {
        let bytes = bytes(len);
        let outline = Outline::of::<CapsuleHash>(&bytes);
        let digest = (outline.count() > 1).then(|| CapsuleHash::hash(&[&bytes]));
        prop_assert_eq!(outline.digest::<CapsuleHash>(), digest);
    }
}
