//! Parts of capsules that peers should have.

use std::sync::Arc;

use nonos_mesh::{FetchError, Object};
use nonos_types::{ByteLen, CapsuleHash, NodeId};

use super::{Input, Worker, blocking};
use crate::engine::Storage;

/// Bytes that are asked for.
const PART: usize = 4096;
/// The end of a package is its author's signature, which its name does not cover: others may have another.
const TRAILER: usize = 64;

impl Worker {
    /// Asks a peer for a part of a capsule that is here, too, and compares.
    pub(super) async fn challenge(&self, peer: NodeId, capsule: CapsuleHash, lot: u64) -> Input {
        let (objects, object) = (Arc::clone(&self.objects), Object::Capsule(capsule));
        let kept = match blocking(move || objects.get(&object)).await {
            Ok(Ok(Some(bytes))) => self.ask_part(peer, object, &bytes, lot).await,
            _ => Storage::Unclear,
        };
        Input::Challenged { peer, capsule, kept }
    }

    async fn ask_part(&self, peer: NodeId, object: Object, bytes: &[u8], lot: u64) -> Storage {
        let Some(place) = place(bytes.len(), lot) else {
            return Storage::Unclear;
        };
        let (offset, most) = (ByteLen::from(place.start), ByteLen::from(place.len()));
        match self.mesh.part(peer, object, offset, most).await {
            Ok((total, part)) if total == ByteLen::from(bytes.len()) && part == bytes[place] => Storage::Gave,
            Ok(_) | Err(FetchError::BadAnswer) => Storage::Other,
            Err(FetchError::NotFound) => Storage::Absent,
            Err(FetchError::Timeout) => Storage::Silent,
            Err(_) => Storage::Unclear,
        }
    }
}

/// Where in a package of this length.
fn place(len: usize, lot: u64) -> Option<std::ops::Range<usize>> {
    let named = len.checked_sub(TRAILER).filter(|it| *it > 0)?;
    let start = (lot % named as u64) as usize;
    Some(start..named.min(start + PART))
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn a_part_is_never_empty_nor_of_the_signature() {
        assert_eq!([0, 63, 64].map(|len| place(len, 7)), [None, None, None]);
        for len in [65, 100, 5000, 10_000] {
            for lot in (0..20_000).chain([u64::MAX]) {
                let place = place(len, lot).expect("a part");
                assert!(!place.is_empty() && place.len() <= 4096 && place.end <= len - 64);
            }
        }
    }
}
