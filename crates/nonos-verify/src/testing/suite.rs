//! One suite for every backend.

use crate::{Claim, Erased, Proof, ProofSystem, Prover, Proving, Public, Seed, Statement, Verdict, Verifier};
use crate::{LastChallenge, Refusal, VerifyError};
use nonos_types::VkDigest;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What the suite asks of a backend (and of the statement it is tried on).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// The statement decodes to itself, and its bytes bind every byte of the public data.
    BindsPublic,
    /// True statements get a proof that the backend itself accepts, within its length bound.
    ProvesHonest,
    /// Honest proofs verify, again and again.
    AcceptsHonest,
    /// A batch gives each claim the verdict it has alone.
    BatchAgrees,
    /// A proof does not carry over to a statement that differs in one field.
    RefusesTampered,
    /// A proof of another true statement is refused.
    RefusesForeign,
    /// A proof under another key is refused.
    RefusesWrongKey,
    /// A proof that is cut off is refused.
    RefusesTruncated,
    /// A proof with something after it is refused.
    RefusesExtended,
    /// A proof with a flipped bit is refused.
    RefusesFlipped,
    /// What a verification comes to is the same for the same proof, and another for another statement or proof.
    ShowsWork,
    /// Nothing of this panics.
    NeverPanics,
}

/// A rule that does not hold, with the case that shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The rule.
    pub rule: Rule,
    /// The case, for people.
    pub case: String,
}

/// What the suite found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// How many cases were tried.
    pub cases: usize,
    /// Those that broke a rule.
    pub failures: Vec<Failure>,
}

impl Report {
    /// Whether this rule held in every case.
    #[must_use]
    pub fn holds(&self, rule: Rule) -> bool {
        self.failures.iter().all(|failure| failure.rule != rule)
    }

    /// # Panics
    /// With the list of failures, if there are any: for tests.
    pub fn assert_clean(&self) {
        assert!(self.failures.is_empty(), "{self}");
    }

    fn case(&mut self, rule: Rule, held: bool, case: impl fmt::Display) {
        self.cases += 1;
        if !held {
            self.failures.push(Failure {
                rule,
                case: case.to_string(),
            });
        }
    }

    /// A case that must end in a refusal, and not by panicking.
    fn refusal(&mut self, rule: Rule, verdict: &Verdict, case: impl fmt::Display) {
        match verdict {
            Err(VerifyError::BackendPanicked { .. }) => self.case(Rule::NeverPanics, false, case),
            _ => self.case(rule, verdict.is_err(), case),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} cases break a rule", self.failures.len(), self.cases)?;
        self.failures
            .iter()
            .try_for_each(|Failure { rule, case }| write!(f, "\n  {rule:?}: {case}"))
    }
}

/// The conformance suite for backends of statements `S`: two true statements, and ways to spoil the first.
///
/// ```
/// use nonos_verify::testing::{ClearWitness, Product, Suite};
///
/// let product = |product, label| Product { product, label, note: (*b"note").into() };
/// Suite::new((product(15, 1), (3, 5)), (product(21, 1), (3, 7)))
///     .tampered("product", &product(16, 1))
///     .tampered("label", &product(15, 2))
///     .run(ClearWitness::default())
///     .assert_clean();
/// ```
#[derive(Debug)]
pub struct Suite<S: Statement> {
    first: (S, S::Witness),
    second: (S, S::Witness),
    tampered: Vec<(&'static str, Public)>,
    wrong_keys: Vec<Proof>,
    flips: usize,
}

impl<S: Statement> Suite<S> {
    /// Two different true statements with their witnesses.
    pub fn new(first: (S, S::Witness), second: (S, S::Witness)) -> Self {
        Self {
            first,
            second,
            tampered: Vec::new(),
            wrong_keys: Vec::new(),
            flips: 64,
        }
    }

    /// Adds the first statement with `field` changed; give one for each field.
    #[must_use]
    pub fn tampered(mut self, field: &'static str, statement: &S) -> Self {
        self.tampered.push((field, statement.public()));
        self
    }

    /// Adds a proof of the first statement under a key that the backend under test must not accept.
    #[must_use]
    pub fn wrong_key(mut self, proof: Proof) -> Self {
        self.wrong_keys.push(proof);
        self
    }

    /// How many positions of the proof have a bit flipped, spread evenly; 64 by default. The first and last
    /// sixteen bytes are flipped besides.
    #[must_use]
    pub fn flips(mut self, positions: usize) -> Self {
        self.flips = positions;
        self
    }

    /// Judges `backend`. Its seeds are fixed: these proofs hide nothing.
    pub fn run<B: ProofSystem<S>>(&self, backend: B) -> Report {
        let mut report = Report::default();
        let erased = Erased::<S, B>::new(backend);
        let mut drawn = 0_u8;
        let mut seeds = || {
            drawn = drawn.wrapping_add(1);
            Seed::new([drawn; 32])
        };
        let mut prove = |pair: &(S, S::Witness)| {
            let proof = erased.prove(&pair.0, &pair.1, &mut Proving::new(&mut seeds));
            match proof {
                Ok(proof) => {
                    report.case(Rule::ProvesHonest, true, "");
                    Some(proof)
                }
                Err(error) => {
                    report.case(Rule::ProvesHonest, false, format_args!("{error:?}"));
                    None
                }
            }
        };
        let (Some(first), Some(second)) = (prove(&self.first), prove(&self.second)) else {
            return report; // Without an honest proof every refusal would be vacuous.
        };
        let again = prove(&self.first);
        let bench = Bench {
            suite: self,
            erased,
            first,
            second,
        };
        bench.public(&mut report);
        bench.honest(&mut report);
        bench.work(&mut report, again.as_ref());
        bench.other_statements(&mut report);
        bench.keys(&mut report);
        let spoilt = bench.bytes(&mut report);
        bench.batches(&mut report, spoilt);
        report
    }
}

/// The backend under test and its two honest proofs.
struct Bench<'a, S: Statement, B> {
    suite: &'a Suite<S>,
    erased: Erased<S, B>,
    first: Proof,
    second: Proof,
}

impl<S: Statement, B: ProofSystem<S>> Bench<'_, S, B> {
    fn first_public(&self) -> Public {
        self.suite.first.0.public()
    }

    fn with_bytes(&self, bytes: Vec<u8>) -> Proof {
        Proof::new(self.first.vk, bytes)
    }

    fn public(&self, report: &mut Report) {
        let public = self.first_public();
        let again = S::decode(&public).map(|statement| statement.public());
        report.case(
            Rule::BindsPublic,
            again.as_ref() == Ok(&public),
            "decode, then encode",
        );
        let bytes = public.statement();
        let parts: Vec<&[u8]> = (0..public.attachments())
            .filter_map(|i| public.attachment(i))
            .collect();
        let rebuild = |bytes: Vec<u8>, parts: &[Vec<u8>]| {
            parts
                .iter()
                .fold(Public::new(bytes), |public, part| public.attach(part.clone()))
        };
        let owned: Vec<Vec<u8>> = parts.iter().map(|part| part.to_vec()).collect();
        let mut changed = vec![
            (
                "statement bytes extended",
                rebuild([bytes, &[0]].concat(), &owned),
            ),
            (
                "statement bytes cut",
                rebuild(bytes[..bytes.len().saturating_sub(1)].to_vec(), &owned),
            ),
            ("statement bytes empty", rebuild(Vec::new(), &owned)),
            ("attachment too many", public.clone().attach(vec![0])),
        ];
        for at in spread(bytes.len(), self.suite.flips) {
            changed.push(("statement bit flipped", rebuild(flipped(bytes, at), &owned)));
        }
        for (i, part) in owned.iter().enumerate() {
            let mut altered = owned.clone();
            altered[i].push(0);
            changed.push(("attachment extended", rebuild(bytes.to_vec(), &altered)));
            if let Some(last) = part.len().checked_sub(1) {
                altered[i] = flipped(part, last);
                changed.push(("attachment bit flipped", rebuild(bytes.to_vec(), &altered)));
            }
            altered.remove(i);
            changed.push(("attachment missing", rebuild(bytes.to_vec(), &altered)));
        }
        for (case, public) in changed {
            report.refusal(Rule::BindsPublic, &self.erased.verify(&public, &self.first), case);
        }
    }

    fn honest(&self, report: &mut Report) {
        for (name, statement, proof) in [
            ("first", &self.suite.first.0, &self.first),
            ("second", &self.suite.second.0, &self.second),
        ] {
            for round in ["", ", again"] {
                let verdict = self.erased.verify(&statement.public(), proof);
                report.case(
                    Rule::AcceptsHonest,
                    verdict.is_ok(),
                    format_args!("{name}{round}: {verdict:?}"),
                );
            }
        }
    }

    /// What the backend says it has come to: the bridge would hide that it is always the same.
    fn work(&self, report: &mut Report, again: Option<&Proof>) {
        let backend = self.erased.backend();
        let (first, second) = (&self.suite.first.0, &self.suite.second.0);
        let of = |statement: &S, proof: &Proof| {
            let call = AssertUnwindSafe(|| backend.verify(statement, &proof.bytes).ok());
            catch_unwind(call).ok().flatten()
        };
        let one = of(first, &self.first);
        report.case(
            Rule::ShowsWork,
            one.is_some() && of(first, &self.first) == one,
            "the same proof, twice",
        );
        let other = of(second, &self.second);
        report.case(Rule::ShowsWork, other.is_some() && other != one, "two statements");
        // A backend that draws no randomness makes the same proof.
        if let Some(again) = again.filter(|again| again.bytes != self.first.bytes) {
            let other = of(first, again);
            report.case(
                Rule::ShowsWork,
                other.is_some() && other != one,
                "two proofs of one statement",
            );
        }
    }

    fn other_statements(&self, report: &mut Report) {
        for (field, public) in &self.suite.tampered {
            report.case(
                Rule::BindsPublic,
                *public != self.first_public(),
                format_args!("{field} is no field"),
            );
            report.refusal(
                Rule::RefusesTampered,
                &self.erased.verify(public, &self.first),
                field,
            );
        }
        let verdict = self.erased.verify(&self.first_public(), &self.second);
        report.refusal(Rule::RefusesForeign, &verdict, "second proof, first statement");
        let verdict = self.erased.verify(&self.suite.second.0.public(), &self.first);
        report.refusal(Rule::RefusesForeign, &verdict, "first proof, second statement");
    }

    fn keys(&self, report: &mut Report) {
        let public = self.first_public();
        let mut vk = self.first.vk.to_bytes();
        vk[31] ^= 1;
        let renamed = Proof::new(VkDigest::from_bytes(vk), self.first.bytes.clone());
        report.refusal(
            Rule::RefusesWrongKey,
            &self.erased.verify(&public, &renamed),
            "key digest changed",
        );
        for proof in &self.suite.wrong_keys {
            let verdict = self.erased.verify(&public, proof);
            report.refusal(Rule::RefusesWrongKey, &verdict, "proof under another key");
            let renamed = Proof::new(self.first.vk, proof.bytes.clone());
            let verdict = self.erased.verify(&public, &renamed);
            report.refusal(
                Rule::RefusesWrongKey,
                &verdict,
                "proof under another key, renamed",
            );
        }
    }

    /// Spoils the proof's bytes; gives back a few of the spoilt proofs.
    fn bytes(&self, report: &mut Report) -> Vec<Proof> {
        let public = self.first_public();
        let honest = &*self.first.bytes;
        let len = honest.len();
        let mut cuts = vec![0, 1, 2, 4, 8, 16, 32, len / 4, len / 2, len / 4 * 3];
        cuts.extend([len.saturating_sub(32), len.saturating_sub(1)]);
        cuts.retain(|&cut| cut < len);
        cuts.sort_unstable();
        cuts.dedup();
        for &cut in &cuts {
            let verdict = self
                .erased
                .verify(&public, &self.with_bytes(honest[..cut].to_vec()));
            report.refusal(
                Rule::RefusesTruncated,
                &verdict,
                format_args!("cut to {cut} of {len} bytes"),
            );
        }
        for (case, tail) in [
            ("a zero", &[0][..]),
            ("0xff", &[0xff]),
            ("32 zeros", &[0; 32]),
            ("itself", honest),
        ] {
            let verdict = self
                .erased
                .verify(&public, &self.with_bytes([honest, tail].concat()));
            report.refusal(Rule::RefusesExtended, &verdict, format_args!("{case} appended"));
        }
        let mut places = spread(len, self.suite.flips);
        places.extend((0..len.min(16)).chain(len.saturating_sub(16)..len));
        places.sort_unstable();
        places.dedup();
        for &at in &places {
            let verdict = self.erased.verify(&public, &self.with_bytes(flipped(honest, at)));
            report.refusal(
                Rule::RefusesFlipped,
                &verdict,
                format_args!("bit {} of byte {at} flipped", at % 8),
            );
        }
        [0, len / 2, len - 1]
            .map(|at| self.with_bytes(flipped(honest, at)))
            .into()
    }

    fn batches(&self, report: &mut Report, spoilt: Vec<Proof>) {
        let public = self.first_public();
        let claim = |public: &Public, proof: &Proof| Claim {
            public: public.clone(),
            proof: proof.clone(),
        };
        let (first, second) = (
            claim(&public, &self.first),
            claim(&self.suite.second.0.public(), &self.second),
        );
        let mut claims = vec![first.clone()];
        claims.extend(spoilt.iter().map(|proof| claim(&public, proof)));
        claims.extend([second.clone(), claim(&public, &self.second)]);
        claims.extend(
            self.suite
                .tampered
                .iter()
                .take(4)
                .map(|(_, public)| claim(public, &self.first)),
        );
        claims.push(first.clone());
        let alone: Vec<bool> = (claims.iter())
            .map(|claim| self.erased.verify(&claim.public, &claim.proof).is_ok())
            .collect();
        for (name, batch, alone) in [
            (
                "honest",
                &[first.clone(), second.clone(), first.clone()][..],
                &[true; 3][..],
            ),
            ("single", &[second][..], &[true]),
            ("mixed", &claims, &alone),
            ("empty", &[], &[]),
        ] {
            let together: Vec<bool> = self
                .erased
                .verify_batch(batch)
                .iter()
                .map(Result::is_ok)
                .collect();
            report.case(
                Rule::BatchAgrees,
                together == alone,
                format_args!("{name} batch: {together:?}"),
            );
            self.raw_batch(report, name, batch);
        }
    }

    /// The backend's own batch, without the bridge that would hide a panic or a wrong count.
    fn raw_batch(&self, report: &mut Report, name: &str, claims: &[Claim]) {
        let backend = self.erased.backend();
        let decoded: Vec<(S, &[u8])> = (claims.iter())
            .filter_map(|claim| Some((S::decode(&claim.public).ok()?, &*claim.proof.bytes)))
            .collect();
        let call = || {
            let pairs: Vec<(&S, &[u8])> = (decoded.iter())
                .map(|(statement, proof)| (statement, *proof))
                .filter(|(statement, proof)| backend.vk_digest(statement, proof).is_ok())
                .collect();
            let alone: Vec<Result<LastChallenge, Refusal>> =
                pairs.iter().map(|(s, proof)| backend.verify(s, proof)).collect();
            (backend.verify_batch(&pairs), alone)
        };
        match catch_unwind(AssertUnwindSafe(call)) {
            Ok((together, alone)) => {
                let both = together.iter().zip(&alone);
                let mut found = both.filter_map(|(a, b)| Some((a.as_ref().ok()?, b.as_ref().ok()?)));
                report.case(
                    Rule::ShowsWork,
                    together.len() != alone.len() || found.all(|(a, b)| a == b),
                    format_args!("{name} batch"),
                );
                let agree = together.len() == alone.len()
                    && together.iter().zip(&alone).all(|(a, b)| a.is_ok() == b.is_ok());
                report.case(
                    Rule::BatchAgrees,
                    agree,
                    format_args!("{name} batch of the backend itself"),
                );
            }
            Err(_panic) => report.case(Rule::NeverPanics, false, format_args!("{name} batch")),
        }
    }
}

/// `count` positions below `len`, evenly spread.
fn spread(len: usize, count: usize) -> Vec<usize> {
    let count = count.min(len);
    (0..count).map(|i| i * len / count).collect()
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1 << (at % 8);
    bytes
}
