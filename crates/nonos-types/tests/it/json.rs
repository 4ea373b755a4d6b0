use nonos_types::*;
use serde_json::json;

use crate::sample::record;

#[test]
fn outcomes_name_their_kind() {
    let cases = [
        (
            Outcome::Return(vec![Value::I32(u32::MAX), Value::I64(7)]),
            json!({"kind": "return", "values": [-1, 7]}),
        ),
        (Outcome::Exit(3), json!({"kind": "exit", "code": 3})),
        (
            Outcome::Trap(TrapKind::DivisionByZero),
            json!({"kind": "trap", "trap": "division-by-zero"}),
        ),
        (Outcome::OutOfFuel, json!({"kind": "out-of-fuel"})),
    ];
    for (outcome, expected) in cases {
        assert_eq!(serde_json::to_value(outcome).expect("plain data"), expected);
    }
}

#[test]
fn a_record_shows_digests_as_hex() {
    let json = serde_json::to_value(record()).expect("plain data");
    assert_eq!(json["proven"]["network"], "01".repeat(32));
    assert_eq!(json["proven"]["executor"], "04".repeat(32));
    assert_eq!(
        json["proven"]["sealed_input"],
        json!({"scheme": 1, "digest": "08".repeat(32)})
    );
    assert_eq!(json["proven"]["output"], json!({"digest": "0a".repeat(32)}));
    assert_eq!(json["proven"]["fuel_used"], 1_000_000);
    assert_eq!(json["attested"]["poi_post"], json!(null));
}

#[test]
fn refuses_json_amounts_and_digests_that_are_not_their_own_text() {
    for bad in ["1", "\"+1\"", "\"\"", "\"1.5\"", "\"1 NONOS\""] {
        assert!(serde_json::from_str::<Amount>(bad).is_err(), "{bad}");
    }
    assert!(serde_json::from_str::<JobId>("\"00\"").is_err());
}

#[test]
fn values_are_read_within_their_type_only() {
    for text in ["-2147483649", "4294967296", "", "0x1", "1.0", " 1"] {
        let error = Error::BadValue {
            expected: ValueType::I32,
        };
        assert_eq!(Value::parse(ValueType::I32, text), Err(error), "{text:?}");
    }
    for text in ["-9223372036854775809", "18446744073709551616"] {
        let error = Error::BadValue {
            expected: ValueType::I64,
        };
        assert_eq!(Value::parse(ValueType::I64, text), Err(error), "{text:?}");
    }
    assert_eq!(
        Value::parse(ValueType::I32, "-2147483648"),
        Ok(Value::I32(0x8000_0000))
    );
    assert_eq!(Value::parse(ValueType::I64, "-1"), Ok(Value::I64(u64::MAX)));
}
