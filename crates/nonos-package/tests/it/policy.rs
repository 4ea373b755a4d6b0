//! The policy's bytes.

use nonos_package::{Error, HostCall, HostSet, Net, Policy, limits};
use nonos_types::{Fuel, Pages};
use proptest::prelude::*;

fn policies() -> impl Strategy<Value = Policy> {
    let fuel = 1..=limits::FUEL.get();
    let every = prop::option::of(fuel.clone());
    (
        fuel,
        0..=limits::PAGES.get(),
        any::<bool>(),
        0..64u32,
        "[a-z]{1,128}",
        every,
        any::<bool>(),
    )
        .prop_map(|(fuel, pages, mesh, host, entry, every, requires_poi)| Policy {
            fuel: Fuel::new(fuel),
            max_pages: Pages::new(pages),
            net: if mesh { Net::MeshOnly } else { Net::None },
            host: HostSet::from_bits(host).unwrap(),
            entry,
            checkpoint_every: every.map(Fuel::new),
            requires_poi,
        })
}

proptest! {
    #[test]
    fn every_policy_has_bytes_that_give_it_back(policy in policies()) {
        prop_assert_eq!(Policy::from_bytes(&policy.to_bytes()).unwrap(), policy);
    }

    #[test]
    fn no_two_encodings_give_the_same_policy(policy in policies(), at in any::<prop::sample::Index>(), bit in 0..8u32) {
        let mut bytes = policy.to_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(other) = Policy::from_bytes(&bytes) {
            prop_assert_ne!(other, policy);
        }
    }
}

#[test]
fn the_bytes_are_those_of_the_specification() {
    let policy = Policy {
        fuel: Fuel::new(50_000_000),
        max_pages: Pages::new(256),
        net: Net::None,
        host: [HostCall::Len, HostCall::Read].into_iter().collect(),
        entry: "main".to_owned(),
        checkpoint_every: None,
        requires_poi: true,
    };
    assert_eq!(
        hex::encode(policy.to_bytes()),
        "0880e1eb17108002180220032a046d61696e3801"
    );
    assert_eq!(
        policy.hash().to_string(),
        "d111cf5b63cfa5cb1a7d2382a2101fa9d413baf4262999f23d6de48f086b893f"
    );
}

#[test]
fn refuses_values_outside_of_the_limits() {
    let good = Policy::for_module("main");
    for (field, policy) in [
        (
            "fuel",
            Policy {
                fuel: Fuel::ZERO,
                ..good.clone()
            },
        ),
        (
            "fuel",
            Policy {
                fuel: Fuel::new(limits::FUEL.get() + 1),
                ..good.clone()
            },
        ),
        (
            "max_pages",
            Policy {
                max_pages: Pages::new(limits::PAGES.get() + 1),
                ..good.clone()
            },
        ),
        (
            "entry",
            Policy {
                entry: String::new(),
                ..good.clone()
            },
        ),
        (
            "entry",
            Policy {
                entry: "x".repeat(limits::NAME_BYTES + 1),
                ..good.clone()
            },
        ),
    ] {
        match Policy::from_bytes(&policy.to_bytes()) {
            Err(Error::Policy(nonos_types::Error::BadField { field: named, .. })) => assert_eq!(named, field),
            other => panic!("{other:?}"),
        }
    }
    for bytes in [
        &b"\x08\x01\x20\x40\x18\x01\x2a\x01x"[..],
        b"\x08\x01\x18\x03\x2a\x01x",
        b"\x08\x01\x2a\x01x",
        b"\xff",
    ] {
        assert!(
            matches!(Policy::from_bytes(bytes), Err(Error::Policy(_))),
            "{bytes:x?}"
        );
    }
}

#[test]
fn a_module_needs_its_entry_and_room_for_its_memory() {
    let wasm = wat::parse_str(r#"(module (memory 2 9) (func (export "main")))"#).unwrap();
    let module = nonos_package::instructions::check(&wasm).unwrap();
    let policy = Policy {
        max_pages: Pages::new(2),
        ..Policy::for_module("main")
    };
    policy.check(&module).unwrap();
    assert_eq!(policy.page_limit(&module), Pages::new(2));
    assert_eq!(Policy::for_module("main").page_limit(&module), Pages::new(9));
    let small = Policy {
        max_pages: Pages::new(1),
        ..policy.clone()
    };
    assert_eq!(
        small.check(&module),
        Err(Error::MemoryTooLarge {
            initial: Pages::new(2),
            granted: Pages::new(1)
        })
    );
    let other = Policy {
        entry: "other".to_owned(),
        ..policy
    };
    assert_eq!(
        other.check(&module),
        Err(Error::NoEntry {
            entry: "other".to_owned()
        })
    );
}
