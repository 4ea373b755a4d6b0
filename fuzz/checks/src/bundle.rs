//! The reader of bundles: what it gives, written again, has the bytes that were read, up to where something is wrong.

use nonos_mesh::core::bundle::{Item, Reader, Writer};
use nonos_types::{Message, NetworkId};

/// Checks one input.
pub fn check(bytes: &[u8]) {
    let network = NetworkId::named("example");
    let Ok(mut reader) = Reader::new(bytes, network) else {
        return;
    };
    let mut writer = Writer::new(vec![], network).expect("it is memory");
    // The writer takes messages only; a file may hold anything in their place.
    let mut all_messages = true;
    let mut whole = true;
    for item in &mut reader {
        match item {
            Ok(Item::Message(bytes)) => match Message::from_bytes_of_any_kind(&bytes) {
                Ok(message) if all_messages => writer.message(&message).expect("as it was read"),
                _ => all_messages = false,
            },
            Ok(Item::Object(object, bytes)) => writer.object(&object, &bytes).expect("as it was read"),
            Err(_) => whole = false,
        }
    }
    let progress = reader.progress();
    assert!(progress.whole <= progress.read && progress.read.get() <= bytes.len() as u64);
    if whole && all_messages {
        assert_eq!(writer.finish().expect("it is memory"), bytes);
    }
}
