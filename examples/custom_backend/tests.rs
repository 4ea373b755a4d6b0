//! Provers that lie, by real proofs: each is well-formed, sealed for its statement, and refused by the rule it breaks.

use nonos_machine::tables::{self, STEP, Witness};
use nonos_machine::{ExecutionStatement, Secret};
use nonos_verify::{ProofSystem, ProveError, Proving, Refusal};

use crate::backend::ShowTrace;
use crate::{behind, fresh, lies, show, statement};

struct Liar {
    backend: ShowTrace,
    statement: ExecutionStatement,
    witness: Witness,
}

impl Liar {
    fn new() -> Self {
        let statement = statement(3, &Secret::default()).expect("a run");
        let trace = statement.trace(&Secret::default()).expect("it was run");
        Self {
            backend: ShowTrace::new(),
            witness: tables::witness(statement.program(), &trace),
            statement,
        }
    }

    /// What the verifier says of these rows.
    fn verdict(&self) -> Result<(), Refusal> {
        let proof = self
            .backend
            .prove_rows(&self.statement, &self.witness)
            .expect("in range");
        self.backend.verify(&self.statement, &proof).map(drop)
    }

    fn table(&mut self, name: &str) -> &mut tables::Rows {
        let place = tables::system()
            .tables
            .iter()
            .position(|table| table.name == name);
        &mut self.witness.tables[place.expect("a table")]
    }
}

fn rejected(check: &'static str) -> Result<(), Refusal> {
    Err(Refusal::Rejected { check })
}

#[test]
fn the_toy_is_shown() {
    let said = show("toy").expect("the toy");
    assert!(said.contains("\n0 of "), "{said}");
    assert!(said.ends_with("this backend cannot prove sealed tapes"), "{said}");
    assert!(show("snark").is_err());
}

#[test]
fn the_others_are_shown_and_prove_sealed_outputs_too() {
    for name in ["stark", "halo2"] {
        let said = show(name).expect(name);
        assert!(said.contains("\n0 of "), "{said}");
        assert!(said.contains("\nsealed outputs: Proof"), "{said}");
    }
}

#[test]
fn refuses_an_earlier_end_another_result_and_other_fuel() {
    assert_eq!(Liar::new().verdict(), Ok(()));

    let mut shorter = Liar::new();
    let step = shorter.table("STEP");
    step.cells.truncate(step.cells.len() - step.width);
    // The verifier pads with the row that is now the last, and that one goes on somewhere.
    assert_eq!(shorter.verdict(), rejected("pc-next"));

    for (field, rule) in [("fuel", "fuel-last"), ("output", "a bus")] {
        let honest = Liar::new();
        let statement = lies(&honest.statement)
            .expect("lies")
            .into_iter()
            .find(|(name, _)| *name == field);
        let liar = Liar {
            statement: statement.expect("it is one of them").1,
            ..honest
        };
        assert_eq!(liar.verdict(), rejected(rule), "{field}");
    }
}

#[test]
fn refuses_another_instruction_and_tables_without_rows() {
    let mut jump = Liar::new();
    let step = jump.table("STEP");
    step.cells[3 * step.width + 1] += 1;
    assert_eq!(jump.verdict(), rejected("pc-next"));

    let mut forgetful = Liar::new();
    forgetful.table("CELLS").cells.clear();
    assert_eq!(forgetful.verdict(), rejected("a bus"));

    let mut idle = Liar::new();
    for rows in &mut idle.witness.tables {
        rows.cells.clear();
    }
    let part = "number of rows";
    assert_eq!(idle.verdict(), Err(Refusal::MalformedProof { part }));
}

#[test]
fn refuses_what_no_prover_writes() {
    let honest = Liar::new();
    let proof = honest
        .backend
        .prove_rows(&honest.statement, &honest.witness)
        .expect("in range");
    let verdict = |proof: &[u8]| honest.backend.verify(&honest.statement, proof).map(drop);
    let malformed = |part| Err(Refusal::MalformedProof { part });
    // Sizes that are not there: nothing is allocated for them.
    for (height, part) in [
        (1 << 14, "length"),
        (1 << 14 | 1, "number of rows"),
        (u32::MAX, "number of rows"),
    ] {
        let mut proof = proof.clone();
        proof[..4].copy_from_slice(&height.to_le_bytes());
        assert_eq!(verdict(&proof), malformed(part), "{height}");
    }
    assert_eq!(verdict(&proof[..31]), malformed("seal"));
    assert_eq!(verdict(&proof[..40]), malformed("header"));
    // The clock of the first step, plus 2^61 − 1: the checker could not tell the two.
    let mut second = proof.clone();
    let clock = 4 * tables::COUNT;
    second[clock..clock + 8].copy_from_slice(&(1_u64 << 61).to_le_bytes());
    assert_eq!(verdict(&second), malformed("a cell"));

    let mut wide = Liar::new();
    let step = &mut wide.witness.tables[STEP];
    let last = step.width - 1;
    step.cells[last] = 1 << 8;
    assert_eq!(wide.backend.prove_rows(&wide.statement, &wide.witness), None);
}

#[test]
fn refuses_the_rows_of_one_statement_for_another_that_has_the_same() {
    let honest = Liar::new();
    let proof = honest
        .backend
        .prove_rows(&honest.statement, &honest.witness)
        .expect("in range");
    let mut record = honest.statement.record().clone();
    record.proven.nonce = nonos_types::Nonce::hash(&[b"another"]);
    let (subject, tapes) = (
        honest.statement.subject().clone(),
        honest.statement.tapes().clone(),
    );
    let other = ExecutionStatement::new(subject, record, tapes).expect("a statement");
    assert_eq!(
        other.public_side().lookups,
        honest.statement.public_side().lookups
    );
    assert_eq!(honest.backend.verify(&other, &proof).map(drop), rejected("seal"));
}

#[test]
fn refuses_sealed_tapes_and_runs_that_are_too_long() {
    let secret = Secret {
        outputs: Some(nonos_machine::Salt::new([7; 32])),
        ..Secret::default()
    };
    let sealed = statement(3, &secret).expect("a run");
    let chosen = behind(ShowTrace::new()).expect("a backend");
    let mut seeds = fresh;
    let mut prove = |statement: &ExecutionStatement, secret| {
        chosen
            .prover
            .prove(statement, secret, &mut Proving::new(&mut seeds))
            .map_err(|error| error.to_string())
    };
    let what = ProveError::Unsupported { what: "sealed tapes" };
    assert_eq!(prove(&sealed, &secret), Err(what.to_string()));
    let liar = Liar {
        statement: sealed,
        ..Liar::new()
    };
    assert!(
        matches!(liar.verdict(), Err(Refusal::MalformedPublic { .. })),
        "{:?}",
        liar.verdict()
    );

    let long = statement(5_000, &Secret::default()).expect("a run");
    let said = prove(&long, &Secret::default()).expect_err("it is long");
    assert!(said.contains("rows are needed"), "{said}");
}
