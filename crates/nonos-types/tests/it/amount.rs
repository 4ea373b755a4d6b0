use nonos_types::{Amount, Error};
use proptest::prelude::*;

#[test]
fn refuses_text_that_is_not_an_amount() {
    for text in [
        "",
        "1",
        "NONOS",
        " NONOS",
        "1NONOS",
        "1 nonos",
        "+1 NONOS",
        "-1 NONOS",
        "1. NONOS",
        ".5 NONOS",
        "1.+5 NONOS",
        "1e3 NONOS",
        "1 NONOS ",
        "0.0000000000000000001 NONOS",
        "1.2.3 NONOS",
        "340282366920938463464 NONOS",
        "١ NONOS",
    ] {
        assert_eq!(text.parse::<Amount>(), Err(Error::BadAmount), "{text:?}");
    }
}

#[test]
fn counts_in_atto() {
    let cases: [(&str, u128); 5] = [
        ("0 NONOS", 0),
        ("1 NONOS", 1_000_000_000_000_000_000),
        ("0.000000000000000001 NONOS", 1),
        ("12.5 NONOS", 12_500_000_000_000_000_000),
        ("340282366920938463463.374607431768211455 NONOS", u128::MAX),
    ];
    for (text, atto) in cases {
        assert_eq!(text.parse(), Ok(Amount::from_atto(atto)));
        assert_eq!(Amount::from_atto(atto).to_string(), text);
    }
}

#[test]
fn never_wraps() {
    let one = Amount::from_atto(1);
    assert_eq!(Amount::MAX.checked_add(one), None);
    assert_eq!(Amount::ZERO.checked_sub(one), None);
    assert_eq!(Amount::MAX.checked_mul(2), None);
    assert_eq!(
        one.checked_mul(3).and_then(|it| it.checked_sub(one)),
        Some(Amount::from_atto(2))
    );
}

proptest! {
    #[test]
    fn reads_what_it_writes(atto: u128) {
        let amount = Amount::from_atto(atto);
        prop_assert_eq!(amount.to_string().parse(), Ok(amount));
        prop_assert_eq!(Amount::from_be_bytes(amount.to_be_bytes()), amount);
        let json = serde_json::to_string(&amount).expect("a string");
        prop_assert_eq!(serde_json::from_str::<Amount>(&json).expect("its own text"), amount);
    }
}
