//! Authors whose books say two things in one place.

use ed25519_dalek::SigningKey;
use nonos_types::*;

use super::{
    sample::{accuser, equivocation, feed_fork, id, key},
    wire::{Broken, Field, Fields, signed},
};

const FEED_FORK: u32 = 10;

fn evidence() -> FeedFork {
    match feed_fork().evidence {
        Evidence::FeedFork(it) => *it,
        other => panic!("{other:?}"),
    }
}

/// The fields of the sample's first entry.
fn entry() -> Fields {
    Fields::of(&evidence().first.to_bytes())
        .all(2)
        .remove(0)
        .as_slice()
        .into()
}

impl From<&[u8]> for Fields {
    fn from(bytes: &[u8]) -> Self {
        Self::of(bytes)
    }
}

fn read(fields: &Fields, key: &SigningKey) -> Result<Signed<FeedPlace>, Error> {
    Signed::from_bytes(&signed::<FeedPlace>(fields.to_bytes(), key))
}

/// The sample's entry with another time and one thing changed.
fn given(key: &SigningKey, number: u32, field: impl Into<Field>) -> Signed<FeedPlace> {
    read(&entry().with(10, 9).with(number, field), key).expect("an entry")
}

fn with(broken: &Broken<'_, Accusation>, first: &Signed<FeedPlace>, second: &Signed<FeedPlace>) -> Fields {
    let fields = Fields::of(&broken.fields.all(FEED_FORK)[0]);
    let fields = fields.with(1, first.to_bytes()).with(2, second.to_bytes());
    broken.fields.with(FEED_FORK, fields.to_bytes())
}

#[test]
fn names_the_author_and_has_one_name_for_one_place() {
    let it = feed_fork().evidence;
    assert_eq!((it.subject(), it.item()), (id(&key()), None));
    let of = |key: &SigningKey, number, field: Field| {
        let [one, other] = [1, 2].map(|at| {
            let fields = entry().with(10, at).with(number, field.clone());
            read(&fields, key).expect("an entry")
        });
        FeedFork::of(&one, &other).expect("two entries").id()
    };
    let here = evidence().id();
    assert_eq!(of(&key(), 3, 1.into()), here, "two others of that place");
    assert_ne!(of(&accuser(), 3, 1.into()), here);
    assert_ne!(of(&key(), 3, 2.into()), here);
    assert_ne!(of(&key(), 2, 1.into()), here);
    assert_ne!(of(&key(), 1, vec![2; 32].into()), here);
}

/// Each of these alone makes two entries no evidence.
#[test]
fn two_entries_are_evidence_only_of_one_place_and_if_they_differ() {
    let (accuser, key) = (accuser(), key());
    let broken = Broken::of(&feed_fork(), &accuser);
    let FeedFork { first, second } = evidence();
    broken.accepts(&with(&broken, &first, &second));
    assert_eq!(
        FeedFork::of(&second, &first),
        Some(evidence()),
        "in whatever order"
    );
    let one = read(&entry(), &key).expect("an entry");
    assert!(
        FeedFork::of(&one, &given(&key, 10, 9)).is_some(),
        "only the time is another"
    );
    let none = [given(&accuser, 10, 9), given(&key, 2, 1), given(&key, 3, 2)];
    for other in &none {
        assert_eq!(FeedFork::of(&one, other), None);
        assert_eq!(FeedFork::of(other, &one), None);
        for (first, second) in [(&one, other), (other, &one)] {
            broken.refuses_field(&with(&broken, first, second), "feed_fork");
        }
    }
    let elsewhere = given(&key, 1, vec![2; 32]);
    assert_eq!(FeedFork::of(&one, &elsewhere), None);
    assert_eq!(FeedFork::of(&elsewhere, &one), None);
    broken.refuses_field(&with(&broken, &one, &elsewhere), "feed_fork");
    broken.refuses_field(&with(&broken, &elsewhere, &one), "network_id");
    broken.refuses_field(&with(&broken, &one, &one), "feed_fork");
    broken.refuses_field(&with(&broken, &second, &first), "feed_fork");
}

/// Its signer can sign the same entry in other ways: that is not another one.
#[test]
fn one_entry_with_two_signatures_is_no_evidence() {
    let one = read(&entry(), &key()).expect("an entry");
    let again = super::sign_bytes_again(&one.to_bytes(), &key());
    let again: Signed<FeedPlace> = Signed::from_bytes(&again).expect("a good signature");
    assert_ne!(one.to_bytes(), again.to_bytes());
    assert_eq!(FeedFork::of(&one, &again), None);
    let accuser = accuser();
    let broken = Broken::of(&feed_fork(), &accuser);
    for (first, second) in [(&one, &again), (&again, &one)] {
        broken.refuses_field(&with(&broken, first, second), "feed_fork");
    }
}

#[test]
fn reads_where_an_entry_stands_and_keeps_the_rest_as_it_is() {
    let head = read(&entry(), &key()).expect("an entry");
    assert_eq!(head.network, Digest::from_bytes([1; 32]));
    assert_eq!(
        (head.incarnation, head.sequence),
        (Incarnation::ZERO, Sequence::new(1))
    );
    assert_eq!(head.value().to_bytes(), entry().to_bytes());
    let (message, field) = ("feed-entry", "network_id");
    let refused = |fields: Fields| read(&fields, &key()).map(|_| ()).expect_err("refused");
    assert_eq!(refused(entry().without(1)), Error::Missing { message, field });
    assert_eq!(
        refused(entry().with(1, vec![1; 31])),
        Error::BadField { message, field }
    );
    let field = "sequence";
    assert_eq!(refused(entry().without(3)), Error::BadField { message, field });
    // A place that is said twice could be read in two ways.
    let twice = [entry().to_bytes(), vec![3 << 3, 2]].concat();
    let twice = Signed::<FeedPlace>::from_bytes(&signed::<FeedPlace>(twice, &key()));
    assert_eq!(twice, Err(Error::NotCanonical { message }));
}

#[test]
fn refuses_entries_that_are_forged_too_long_or_something_else() {
    let accuser = accuser();
    let broken = Broken::of(&feed_fork(), &accuser);
    let fields = Fields::of(&broken.fields.all(FEED_FORK)[0]);
    let put = |number, bytes: Vec<u8>| {
        let fields = fields.with(number, bytes);
        broken.fields.with(FEED_FORK, fields.to_bytes())
    };
    for number in [1, 2] {
        let own = Fields::of(&fields.all(number)[0]);
        let forged = Fields::of(&signed::<FeedPlace>(own.all(2).remove(0), &accuser));
        let forged = forged.with(3, own.all(3).remove(0)).to_bytes();
        broken.refuses(&put(number, forged), Error::BadSignature);
        let claim = signed::<Claim>(super::sample::claim().to_bytes(), &key());
        let expected = "feed-entry";
        broken.refuses(&put(number, claim), Error::WrongType { expected });
        let long = entry().with(8, vec![0; 10 << 10]);
        let long = signed::<FeedPlace>(long.to_bytes(), &key());
        let error = Signed::<FeedPlace>::from_bytes(&long).expect_err("too long");
        broken.refuses(&put(number, long), error);
    }
    broken.refuses_field(&broken.fields.with(1, vec![2; 32]), "network_id");
    let other = Broken::of(&equivocation(), &accuser).fields.all(6).remove(0);
    broken.refuses_field(&broken.fields.with(6, other), "evidence");
}
