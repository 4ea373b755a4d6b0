//! Proof bytes of a real run, with each kind of part changed.

use nonos_machine::{ExecutionStatement, Secret};
use nonos_types::Value;
use nonos_verify::{ProofSystem, Proving, Refusal, Statement};
use p3_batch_stark::ProverData;
use p3_field::PrimeField32;

use super::*;
use crate::config::{LOG_FINAL, Val};
use crate::config::{MAX_LOG, Quartic};
use crate::encoded::{known, lengths, public_data};
use crate::lies::{every_operator, runs};
use crate::proof::shape::roots;
use crate::stark::Session;
use crate::{Profile, Stark};

struct Sample {
    stark: Stark,
    statement: ExecutionStatement,
    data: ProverData<Plain<Quartic>>,
    session: Session,
    header: Vec<u8>,
    /// What follows the header.
    bytes: Vec<u8>,
    shape: Lengths,
}

impl Sample {
    /// A short loop over memory.
    fn new(profile: Profile) -> Self {
        let wat = r#"(module (memory 1) (func (export "run") (param $n i32) (result i32)
            (loop $l (i32.store (local.get $n) (i32.mul (local.get $n) (i32.load offset=4 (local.get $n))))
              (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (i32.xor (i32.load (i32.const 8)) (i32.const 5))))"#;
        let statement = runs::statement(runs::module(wat), "run", &[Value::I32(40)], b"");
        Self::of(statement, profile)
    }

    /// Every operator, so every table but BOUND and a second one of 16-bit values.
    fn every_operator(profile: Profile) -> Self {
        let module = runs::module(&every_operator());
        let statement = runs::statement(module, "run", &[Value::I32(0)], b"an input tape");
        Self::of(statement, profile)
    }

    fn of(statement: ExecutionStatement, profile: Profile) -> Self {
        let stark = Stark::new(profile);
        let mut seeds = runs::seeds();
        let proof = stark
            .prove(&statement, &Secret::default(), &mut Proving::new(&mut seeds))
            .expect("a true statement");
        let (header, bytes) = Header::decode(&proof).expect("a header");
        let public = stark.public_side(&statement).expect("a statement");
        let session = stark
            .session(&statement.bytes(), &public, &header)
            .expect("a shape");
        let data = public_data(&session, &header).expect("public tables");
        Self {
            shape: lengths(&session, &header, &data),
            bytes: bytes.to_vec(),
            header: header.encode(),
            stark,
            statement,
            data,
            session,
        }
    }

    fn verdict(&self, bytes: &[u8]) -> Result<(), Refusal> {
        self.stark
            .verify(&self.statement, &[&self.header, bytes].concat())
            .map(drop)
    }

    fn decode(&self, bytes: &[u8]) -> Result<BatchProof<Plain<Quartic>>, Refusal> {
        decode(bytes, &self.shape, |places| known(&self.data, places))
    }

    /// What `decode` says of bytes that it refuses before it makes anything.
    fn refused_early(&self, bytes: &[u8]) -> Option<&'static str> {
        let made = |_: &[usize]| panic!("a proof is made before its length is known to be right");
        match decode::<Quartic>(bytes, &self.shape, made) {
            Err(Refusal::MalformedProof { part }) => Some(part),
            _ => None,
        }
    }

    fn plan(&self) -> Plan<'_> {
        Outline::read(&self.bytes, &self.shape)
            .expect("it is honest")
            .plan
    }

    fn place(&self, query: usize) -> usize {
        self.plan().places[query]
    }

    fn with_places(&self, change: impl Fn(&mut [[u8; PLACE]])) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        let (places, _) = bytes.as_chunks_mut::<PLACE>();
        change(&mut places[..self.shape.queries]);
        bytes
    }
}

/// Where each kind of digest and each kind of element begins, in their streams, counted from the order that
/// `docs/circuits/stark.md` gives; their ends are the last.
fn starts(plan: &Plan<'_>) -> [Vec<usize>; 2] {
    let shape = plan.shape;
    let trees = || shape.committed();
    let rounds = || shape.rounds.iter();
    let logs = || {
        trees()
            .map(|tree| tree.log_height)
            .chain(rounds().map(|round| round.log_height))
    };
    let digests = logs().map(roots).chain(logs().map(|log| plan.path(log)));
    let tables = shape.tables.iter().flat_map(|table| {
        let next = if table.next { table.main } else { 0 };
        [
            table.main,
            next,
            table.fixed,
            table.chunks * shape.degree,
            table.sums,
            table.sums,
        ]
    });
    let sums = shape.tables.iter().filter(|table| table.sums > 0);
    let elements = [1, 1]
        .into_iter()
        .chain(tables.map(|count| count * shape.degree))
        .chain(sums.map(|_| shape.degree))
        .chain([1])
        .chain(rounds().map(|_| 1))
        .chain([shape.degree << LOG_FINAL, 1])
        .chain(trees().map(|tree| plan.rows(tree)))
        .chain(rounds().map(|round| plan.siblings(*round)));
    let sums = |counts: Vec<usize>| {
        let mut at = 0;
        let starts = counts.into_iter().filter(|count| *count > 0);
        let starts = starts.map(|count| {
            at += count;
            at - count
        });
        let mut starts: Vec<usize> = starts.collect();
        starts.push(at);
        starts
    };
    [sums(digests.collect()), sums(elements.collect())]
}

/// Replaces 31 bits.
fn set(bytes: &mut [u8], element: usize, change: impl Fn(u32) -> u32) {
    let at = |bit: usize| (bit / 8, bit % 8);
    let bits = element * 31..element * 31 + 31;
    let old = bits.clone().rev().fold(0, |number, bit| {
        let (byte, shift) = at(bit);
        number << 1 | u32::from(bytes[byte] >> shift & 1)
    });
    let new = change(old);
    for (i, bit) in bits.enumerate() {
        let (byte, shift) = at(bit);
        bytes[byte] = bytes[byte] & !(1 << shift) | ((new >> i & 1) as u8) << shift;
    }
}

#[test]
fn a_proof_that_is_read_is_written_the_same() {
    for profile in [Profile::Fast, Profile::Small] {
        let sample = Sample::new(profile);
        assert_eq!(sample.verdict(&sample.bytes), Ok(()));
        let mut proof = sample.decode(&sample.bytes).expect("it is honest");
        assert_eq!(encode(&mut proof, &sample.shape), Ok(sample.bytes.clone()));
        let [digests, elements] = starts(&sample.plan());
        assert_eq!(digests.last(), Some(&sample.plan().digests()));
        assert_eq!(elements.last(), Some(&sample.plan().elements()));
    }
}

#[test]
fn a_proof_of_another_shape_is_not_written() {
    let sample = Sample::new(Profile::Small);
    let changes: [fn(&mut BatchProof<Plain<Quartic>>); 8] = [
        |p| p.opening_proof.final_poly.clear(),
        |p| p.commitments.permutation = None,
        |p| p.lookup_terminals[0] = None,
        |p| p.opened_values.instances[0].permutation_next.truncate(1),
        |p| drop(p.opening_proof.input_openings.pop()),
        |p| drop(p.opening_proof.input_openings[0].opened_values.pop()),
        |p| p.opening_proof.commit_phase_openings[0].sibling_values[3].truncate(1),
        |p| {
            p.opening_proof.input_openings[1]
                .opening_proof
                .paths
                .sibling_hashes
                .truncate(1)
        },
    ];
    for (i, change) in changes.into_iter().enumerate() {
        let mut proof = sample.decode(&sample.bytes).expect("it is honest");
        change(&mut proof);
        assert!(encode(&mut proof, &sample.shape).is_err(), "change {i}");
    }
}

#[test]
fn each_kind_of_part_is_checked() {
    let sample = Sample::new(Profile::Small);
    let plan = sample.plan();
    let [digests, elements] = starts(&plan);
    let places = PLACE * sample.shape.queries;
    let first_element = places + DIGEST * plan.digests();
    let ends = |starts: &[usize]| -> Vec<usize> {
        let pairs = starts.windows(2).flat_map(|pair| [pair[0], pair[1] - 1]);
        pairs.collect()
    };
    for digest in ends(&digests) {
        for byte in [0, DIGEST - 1] {
            let mut changed = sample.bytes.clone();
            changed[places + DIGEST * digest + byte] ^= 1;
            assert!(sample.verdict(&changed).is_err(), "digest {digest}, byte {byte}");
        }
    }
    for element in ends(&elements) {
        let mut changed = sample.bytes.clone();
        set(&mut changed[first_element..], element, |value| {
            if value == 0 { 1 } else { value - 1 }
        });
        assert!(sample.verdict(&changed).is_err(), "element {element}");
        for number in [Val::ORDER_U32, (1 << 31) - 1] {
            set(&mut changed[first_element..], element, |_| number);
            let verdict = sample.decode(&changed).err();
            let part = "field element";
            assert_eq!(
                verdict,
                Some(Refusal::MalformedProof { part }),
                "element {element}"
            );
        }
    }
}

#[test]
fn a_proof_that_ends_elsewhere_is_refused_before_it_is_made() {
    let sample = Sample::new(Profile::Small);
    let plan = sample.plan();
    let [digests, elements] = starts(&plan);
    let places = PLACE * sample.shape.queries;
    let first_element = places + DIGEST * plan.digests();
    let each = (0..=places).step_by(PLACE);
    let each = each.chain(digests.iter().map(|digest| places + DIGEST * digest));
    let each = each.chain(elements.iter().map(|element| first_element + element * 31 / 8));
    let whole = sample.bytes.len();
    for end in each.flat_map(|end| [end, end + 1]).filter(|end| *end < whole) {
        assert_eq!(
            sample.refused_early(&sample.bytes[..end]),
            Some("length"),
            "cut to {end}"
        );
    }
    for more in [1, 31, 32, whole] {
        let longer = [&sample.bytes[..], &vec![0; more]].concat();
        assert_eq!(sample.refused_early(&longer), Some("length"), "{more} more");
        let outline = Outline::read(&longer, &sample.shape).expect("one proof, and more");
        assert_eq!(outline.rest.len(), more);
    }
}

#[test]
fn other_places_are_refused() {
    let sample = Sample::new(Profile::Small);
    let top = 1_u32 << sample.shape.log_height;
    for outside in [top, top | sample.place(0) as u32, u32::MAX] {
        let changed = sample.with_places(|places| places[0] = outside.to_le_bytes());
        assert_eq!(
            sample.refused_early(&changed),
            Some("place of a query"),
            "{outside}"
        );
    }
    let same = sample.with_places(|places| places.fill(places[0]));
    assert_eq!(sample.refused_early(&same), Some("length"));
    let swapped = sample.with_places(|places| places.swap(0, 1));
    assert!(sample.verdict(&swapped).is_err());
    for query in 0..sample.shape.queries {
        let moved = sample.with_places(|places| places[query][0] ^= 1);
        assert!(sample.verdict(&moved).is_err(), "query {query}");
    }
}

/// Everything that is opened is right, and what is opened is right; the transcript has the queries in another order.
#[test]
fn the_same_queries_in_another_order_are_refused() {
    let sample = Sample::new(Profile::Small);
    let mut proof = sample.decode(&sample.bytes).expect("it is honest");
    for opening in &mut proof.opening_proof.input_openings {
        opening.opened_values.swap(0, 1);
        opening.opening_proof.places.swap(0, 1);
    }
    for step in &mut proof.opening_proof.commit_phase_openings {
        step.sibling_values.swap(0, 1);
        step.opening_proof.places.swap(0, 1);
    }
    let changed = encode(&mut proof, &sample.shape).expect("a proof of the shape");
    assert_eq!(changed.len(), sample.bytes.len());
    assert_ne!(
        sample.place(0),
        sample.place(1),
        "nothing is swapped: prove again"
    );
    assert_eq!(
        sample.verdict(&changed),
        Err(Refusal::Rejected { check: "STARK proof" })
    );
}

#[test]
fn junk_of_the_greatest_length_is_refused_before_anything_is_made() {
    let sample = Sample::new(Profile::Fast);
    let zeros = vec![0; MAX_BYTES - sample.header.len()];
    assert_eq!(sample.refused_early(&zeros), Some("length"));
    let ones = vec![0xff; MAX_BYTES - sample.header.len()];
    assert_eq!(sample.refused_early(&ones), Some("place of a query"));
    for junk in [zeros, ones] {
        assert!(matches!(
            sample.verdict(&junk),
            Err(Refusal::MalformedProof { .. })
        ));
        let longer = [&junk[..], &[0]].concat();
        assert_eq!(
            sample.verdict(&longer),
            Err(Refusal::MalformedProof { part: "length" })
        );
    }
}

/// Tables as high as they may be, and queries that have as little in common as can be.
#[test]
#[expect(clippy::print_stdout, reason = "the figures are for people, too")]
fn the_largest_proof_is_within_the_bound() {
    for profile in [Profile::Fast, Profile::Small] {
        let sample = Sample::every_operator(profile);
        let (mut session, data) = (sample.session, sample.data);
        let (header, _) = Header::decode(&sample.header).expect("a header");
        session.logs = vec![usize::from(MAX_LOG); session.chips.len()];
        let shape = lengths(&session, &header, &data);
        let spread = |query: usize| query.reverse_bits() >> (usize::BITS as usize - shape.log_height);
        let plan = Plan::new(&shape, (0..shape.queries).map(spread).collect());
        let bytes = plan.digests() * DIGEST + super::packed(plan.elements());
        println!("{profile:?}: {bytes} bytes at most");
        assert!(bytes * 2 < MAX_BYTES, "{profile:?}: {bytes}");
    }
}
