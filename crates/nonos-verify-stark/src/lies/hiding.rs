//! Proofs that hide: what is in them, and provers that cheat with what hides.

use nonos_seal::poseidon2::RATE;
use nonos_verify::{Refusal, Seed, Statement};
use p3_batch_stark::BatchProof;
use p3_field::PrimeCharacteristicRing;
use p3_koala_bear::default_koalabear_poseidon2_16;
use p3_symmetric::Permutation;

use super::{MASKS, Run};
use crate::chip::{Kind, place};
use crate::config::{Hiding, Quartic, Val};
use crate::hiding::{COLUMNS, Masks};
use crate::layout::Shape;
use crate::poseidon;
use crate::proof::{self, Header};
use crate::public::PublicSide;
use crate::seal::{Row, column};
use crate::trace::Tables;

const WIDTH: usize = COLUMNS - 1;

fn blinded(run: &Run) -> Tables {
    let mut tables = run.tables();
    MASKS.blind(&mut tables);
    tables
}

/// The columns of the ring in a row: message and count.
fn ring(tables: &Tables, row: usize) -> Vec<(&[Val], Val)> {
    let used = tables.iter().flatten();
    let cells = used.map(|table| {
        let row = &table.values[row * table.width..][..table.width];
        let (message, count) = row[table.width - COLUMNS..].split_at(WIDTH);
        (message, count[0])
    });
    cells.collect()
}

#[test]
fn each_table_sends_a_message_of_its_own_and_takes_that_of_the_one_before() {
    let run = Run::sealed();
    let tables = blinded(&run);
    let (sent, taken) = (ring(&tables, 0), ring(&tables, 1));
    assert!(sent.iter().all(|(_, count)| *count == Val::ONE));
    assert!(taken.iter().all(|(_, count)| *count == -Val::ONE));
    let messages = |cells: &[(&[Val], Val)]| -> Vec<Vec<Val>> {
        cells.iter().map(|(message, _)| message.to_vec()).collect()
    };
    let (sent, mut taken) = (messages(&sent), messages(&taken));
    taken.rotate_left(1);
    assert_eq!(sent, taken);
    for (i, message) in sent.iter().enumerate() {
        assert!(!sent[..i].contains(message), "message {i} is sent twice");
        assert!(message.iter().all(|element| *element != Val::ZERO));
    }
    for row in 2..8 {
        let idle = ring(&tables, row);
        assert!(idle.iter().all(|(_, count)| *count == Val::ZERO), "row {row}");
    }
    // Another seed, other messages.
    let mut others = run.tables();
    Masks::new(Seed::new([1; 32])).blind(&mut others);
    for (one, other) in ring(&tables, 0).iter().zip(ring(&others, 0)) {
        assert!(one.0.iter().zip(other.0).all(|(a, b)| a != b));
    }
}

#[test]
fn a_message_of_the_ring_that_nobody_takes_is_refused() {
    let run = Run::sealed();
    assert_eq!(run.verdict(run.tables()), Ok(()));
    type Lie<'a> = &'a dyn Fn(&mut [Val]);
    let lies: [Lie<'_>; 3] = [
        &|cells| cells[0] += Val::ONE,
        &|cells| cells[WIDTH] = Val::ZERO,
        &|cells| cells[WIDTH] = Val::TWO,
    ];
    for lie in lies {
        let mut tables = blinded(&run);
        let table = tables[place(Kind::Seal)].as_mut().expect("it is sealed");
        let width = table.width;
        lie(&mut table.values[width - COLUMNS..width]);
        assert!(run.verdict_of_blinded(tables).is_err());
    }
}

fn proof(run: &Run, seed: u8) -> Vec<u8> {
    let masks = Masks::new(Seed::new([seed; 32]));
    let proof = run.stark.prove_tables(
        &run.statement.bytes(),
        &run.public,
        Shape::Whole,
        run.tables(),
        &masks,
    );
    proof.expect("a proof is made")
}

fn parts(bytes: &[u8]) -> BatchProof<Hiding<Quartic>> {
    let (header, rest) = Header::decode(bytes).expect("a header");
    assert!(header.hiding);
    proof::decode_hiding(rest, &header).expect("a proof")
}

/// How many of the eight-byte strings of one are in the other.
fn shared(one: &[u8], other: &[u8]) -> usize {
    let known: std::collections::HashSet<&[u8]> = other.windows(8).collect();
    one.chunks(8).filter(|chunk| known.contains(chunk)).count()
}

#[test]
fn two_proofs_of_a_statement_share_nothing_that_depends_on_the_tables() {
    let run = Run::sealed();
    let [one, other] = [7, 8].map(|seed| proof(&run, seed));
    let verdict = |proof: &[u8]| {
        run.stark
            .check(&run.statement.bytes(), &run.public, Shape::Whole, proof)
    };
    assert!(verdict(&one).is_ok() && verdict(&other).is_ok());
    let [first, second] = [&one, &other].map(|bytes| parts(bytes));
    // The published sums of messages: of each table another one.
    let terminals = first.lookup_terminals.iter().zip(&second.lookup_terminals);
    for (i, (a, b)) in terminals.enumerate() {
        let (a, b) = (a.as_ref().expect("lookups"), b.as_ref().expect("lookups"));
        assert_ne!(a.0, b.0, "table {i}");
    }
    let bytes = |part| postcard::to_allocvec(part).expect("it is encoded");
    let (a, b) = (&first.commitments, &second.commitments);
    for (a, b) in [(&a.main, &b.main), (&a.quotient_chunks, &b.quotient_chunks)] {
        assert_eq!(shared(&bytes(a), &bytes(b)), 0);
    }
    for (a, b) in [(&a.permutation, &b.permutation), (&a.random, &b.random)] {
        let (a, b) = (a.as_ref().expect("committed"), b.as_ref().expect("committed"));
        assert_eq!(shared(&bytes(a), &bytes(b)), 0);
    }
    let [a, b] = [first, second].map(|mut proof| {
        // Those of the verifier's tables hide nothing, and many are zero.
        for table in &mut proof.opened_values.instances {
            table.base_opened_values.preprocessed = None;
        }
        let values = postcard::to_allocvec(&proof.opened_values);
        values.expect("it is encoded")
    });
    assert_eq!(shared(&a, &b), 0, "opened values");
}

#[test]
fn a_statement_that_hides_takes_no_plain_proof_and_one_that_does_not_no_hiding_proof() {
    let part = "hiding, or not, against what the statement asks for";
    let (sealed, open) = (Run::sealed(), Run::new());
    for mut run in [sealed, open] {
        let honest = run.public.hiding;
        // The prover takes it for the other kind; the verifier does not.
        let layout = run.stark.layout(Shape::Whole);
        let public = run.statement.public_side();
        run.public = PublicSide::new(layout, &public, !honest).expect("a statement");
        let made = proof(&run, 1);
        let public = run.stark.public_side(&run.statement).expect("a statement");
        let verdict = run
            .stark
            .check(&run.statement.bytes(), &public, Shape::Whole, &made);
        assert_eq!(verdict, Err(Refusal::MalformedProof { part }));
        // And said to be what it is not.
        let mut renamed = made;
        renamed[3] = u8::from(honest);
        let verdict = run
            .stark
            .check(&run.statement.bytes(), &public, Shape::Whole, &renamed);
        assert!(verdict.is_err(), "renamed");
    }
}

#[test]
fn sealed_tapes_need_their_table_and_open_ones_have_none() {
    let mut run = Run::sealed();
    let public = run.stark.public_side(&run.statement).expect("a statement");
    // The prover leaves out what the statement seals.
    let sealed = run.public.sealed.take();
    let mut tables = run.tables();
    let seal = tables[place(Kind::Seal)].take();
    let prove = std::panic::AssertUnwindSafe(|| {
        run.stark
            .prove_tables(&run.statement.bytes(), &run.public, Shape::Whole, tables, &MASKS)
    });
    let part = "table of sealed tapes";
    // With assertions on, the published prover finds that words are sent to nobody.
    if let Ok(made) = std::panic::catch_unwind(prove) {
        let made = made.expect("a proof is made");
        let verdict = run
            .stark
            .check(&run.statement.bytes(), &public, Shape::Whole, &made);
        assert_eq!(verdict, Err(Refusal::MalformedProof { part }));
    }
    // A header without the table, whatever follows.
    let header = |seal: Option<u8>| {
        let mut logs: Vec<Option<u8>> = run
            .tables()
            .iter()
            .map(|table| table.as_ref().map(|_| 8))
            .collect();
        logs[place(Kind::Seal)] = seal;
        let header = Header {
            profile: crate::Profile::Fast,
            shape: Shape::Whole,
            hiding: true,
            logs,
        };
        header.encode()
    };
    let verdict = |header: Vec<u8>| {
        run.stark
            .check(&run.statement.bytes(), &public, Shape::Whole, &header)
    };
    assert_eq!(verdict(header(None)), Err(Refusal::MalformedProof { part }));
    let other = verdict(header(Some(8)));
    assert_ne!(other, Err(Refusal::MalformedProof { part }));
    assert!(other.is_err() && sealed.is_some() && seal.is_some());
}

/// Whether a proof of these tables verifies before a verifier who takes the prover's digests.
fn passes(run: &Run, tables: Tables) -> bool {
    let prove = std::panic::AssertUnwindSafe(|| {
        let bytes = run.statement.bytes();
        run.stark
            .prove_tables(&bytes, &run.public, Shape::Whole, tables, &MASKS)
    });
    // With assertions on, the published prover checks the constraints itself.
    let Ok(proof) = std::panic::catch_unwind(prove) else {
        return false;
    };
    let proof = proof.expect("a proof is made");
    let bytes = run.statement.bytes();
    run.stark.check(&bytes, &run.public, Shape::Whole, &proof).is_ok()
}

/// Adds to the capacity before the block in this row, and hashes the rest of its stream from there: the digest is that.
fn hash_from(run: &mut Run, row: usize, add: Val) {
    let is = |row: &Row, name: &str| row.0[column(name)] == 1;
    let mut capacity = run.sealed[row].1;
    capacity[RATE] += add;
    for row in &mut run.sealed[row..] {
        row.1[RATE..].copy_from_slice(&capacity[RATE..]);
        capacity = default_koalabear_poseidon2_16().permute(row.1);
        if is(row, "last") {
            let values = run.public.sealed.as_mut().expect("it is sealed");
            let place = if is(row, "tape1") { 2 } else { 2 + RATE };
            values[place..][..RATE].copy_from_slice(&capacity[..RATE]);
            return;
        }
    }
}

/// The rules of the hash, each broken alone by a prover that is consistent otherwise.
#[test]
fn another_hash_than_that_of_the_blocks_is_refused() {
    // Rows 0 to 3 are the input's, then the outputs' stream begins.
    let passes_from = |row: usize, add: Val| {
        let mut run = Run::sealed();
        hash_from(&mut run, row, add);
        let tables = run.tables();
        passes(&run, tables)
    };
    for row in [0, 1, 3, 4, 5] {
        assert!(passes_from(row, Val::ZERO), "row {row} as it is");
        assert!(!passes_from(row, Val::ONE), "another capacity in row {row}");
    }
    for digest in [2, 2 + RATE, 1 + 2 * RATE] {
        let mut run = Run::sealed();
        run.public.sealed.as_mut().expect("it is sealed")[digest] += Val::ONE;
        let tables = run.tables();
        assert!(!passes(&run, tables), "digest {digest}");
    }
    // Cells of the permutation; the capacity of padding, with the permutation of it.
    let run = Run::sealed();
    let base = run.stark.layout(Shape::Whole).seal.width;
    let with = |row: usize, change: &dyn Fn(&mut [Val])| {
        let mut tables = run.tables();
        let table = tables[place(Kind::Seal)].as_mut().expect("it is sealed");
        let width = table.width;
        change(&mut table.values[row * width + base..][..width - base]);
        passes(&run, tables)
    };
    for cell in [0, 80, poseidon::CELLS - 1] {
        assert!(!with(1, &|cells| cells[RATE + cell] += Val::ONE), "cell {cell}");
    }
    let padding = |capacity: Val| {
        with(255, &|cells| {
            let mut state = [Val::ZERO; 2 * RATE];
            state[RATE] = capacity;
            cells[0] = capacity;
            let _ = poseidon::fill(state, &mut cells[RATE..]);
        })
    };
    assert!(padding(Val::ZERO));
    assert!(!padding(Val::ONE));
}

/// All else is consistent: the rows, the hash and the digest are those of other words, and the run read the honest ones.
#[test]
fn other_words_than_the_run_read_are_refused() {
    let run = Run::sealed();
    let mut other = super::runs::secret(20, true);
    other.input = Some(super::runs::sealed_input(&[0x55; 20], 1));
    let mut lying = Run::on(super::runs::sum(&other), &other);
    // The statement is that of the other input, and so are SEAL and the digests; the machine ran on this one.
    lying.witness = run.witness;
    assert!(lying.verdict(lying.tables()).is_err());
}
