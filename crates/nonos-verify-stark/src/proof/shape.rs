//! What a proof consists of. All of it follows from the tables, their heights and the profile.

use p3_air::BaseAir;
use p3_air::symbolic::{AirLayout, SymbolicExpressionExt};
use p3_batch_stark::symbolic::get_log_num_quotient_chunks_for_domain;
use p3_commit::Pcs;
use p3_field::Algebra;
use p3_fri::fold_schedule;
use p3_lookup::{LogUpGadget, Lookups};
use p3_uni_stark::StarkGenericConfig;

use crate::chip::Chip;
use crate::config::{Challenger, Challenges, LOG_ARITY, LOG_CAP, LOG_FINAL, Parameters, Plain, Val};

/// One table of a proof.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    /// log2 of its height.
    pub(crate) log: usize,
    /// Columns that the prover commits to.
    pub(crate) main: usize,
    /// Whether rules read the next row.
    pub(crate) next: bool,
    /// Columns that the verifier writes.
    pub(crate) fixed: usize,
    /// Parts of the quotient.
    pub(crate) chunks: usize,
    /// Coordinates of the columns of its sums; none without messages.
    pub(crate) sums: usize,
}

/// One tree whose rows are opened for every query.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    pub(crate) log_height: usize,
    /// log2 of the height and the width of each matrix.
    pub(crate) matrices: Vec<(usize, usize)>,
    /// The verifier has the tree, so its rows and paths are not written.
    pub(crate) known: bool,
}

/// One round of foldings: a tree with a row for each group of `2^log_arity` values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    pub(crate) log_height: usize,
    pub(crate) log_arity: usize,
}

/// Every length in a proof that does not depend on which rows the queries have in common.
#[derive(Clone, Debug)]
pub(crate) struct Lengths {
    pub(crate) tables: Vec<Table>,
    pub(crate) queries: usize,
    /// Coordinates of a challenge.
    pub(crate) degree: usize,
    /// log2 of the height of the tallest tree.
    pub(crate) log_height: usize,
    /// In the order of opening: main, which has every table; quotient; then those of fixed columns and of sums, if there are any.
    pub(crate) trees: Vec<Tree>,
    pub(crate) rounds: Vec<Round>,
}

impl Lengths {
    /// The shape of proofs about `chips`, `2^log` rows high each.
    pub(crate) fn new<E: Challenges>(
        parameters: Parameters,
        config: &Plain<E>,
        chips: &[Chip],
        logs: &[usize],
        lookups: &[Lookups<Val>],
    ) -> Self
    where
        SymbolicExpressionExt<Val, E>: Algebra<E>,
    {
        let each = chips.iter().zip(logs).zip(lookups);
        let tables: Vec<Table> = each
            .map(|((chip, log), own)| table(config, chip, *log, own))
            .collect();
        let high: Vec<usize> = logs.iter().map(|log| log + parameters.log_blowup).collect();
        let each = || tables.iter().zip(&high);
        let main = each().map(|(t, log)| (*log, t.main)).collect();
        let quotient = each()
            .flat_map(|(t, log)| vec![(*log, E::DIMENSION); t.chunks])
            .collect();
        let fixed = each().map(|(t, log)| (*log, t.fixed)).collect();
        let sums = each().map(|(t, log)| (*log, t.sums)).collect();
        let trees = [(main, false), (quotient, false), (fixed, true), (sums, false)];
        let trees = trees
            .into_iter()
            .filter_map(|(matrices, known)| tree(matrices, known))
            .collect();

        let mut heights = high.clone();
        heights.sort_unstable_by(|a, b| b.cmp(a));
        heights.dedup();
        let log_height = heights.first().copied().unwrap_or(0);
        let arities = fold_schedule(&heights, parameters.log_blowup + LOG_FINAL, LOG_ARITY);
        let mut left = log_height;
        let rounds = arities.into_iter().map(|log_arity| {
            left -= log_arity;
            Round {
                log_height: left,
                log_arity,
            }
        });
        Self {
            queries: parameters.queries,
            degree: E::DIMENSION,
            log_height,
            trees,
            rounds: rounds.collect(),
            tables,
        }
    }

    /// The trees that the prover commits to, in the order in which a proof has them: main, quotient, sums.
    pub(crate) fn committed(&self) -> impl Iterator<Item = &Tree> {
        self.trees.iter().filter(|tree| !tree.known)
    }

    /// Whether any table has messages.
    pub(crate) fn has_sums(&self) -> bool {
        self.tables.iter().any(|table| table.sums > 0)
    }
}

/// Roots of a tree.
pub(crate) fn roots(_log_height: usize) -> usize {
    // No tree is lower than that: tables have 2^3 rows at least.
    1 << LOG_CAP
}

fn tree(mut matrices: Vec<(usize, usize)>, known: bool) -> Option<Tree> {
    matrices.retain(|(_, width)| *width > 0);
    let log_height = matrices.iter().map(|(log, _)| *log).max()?;
    Some(Tree {
        log_height,
        matrices,
        known,
    })
}

fn table<E: Challenges>(config: &Plain<E>, chip: &Chip, log: usize, lookups: &Lookups<Val>) -> Table
where
    SymbolicExpressionExt<Val, E>: Algebra<E>,
{
    let layout = AirLayout {
        preprocessed_width: BaseAir::<Val>::preprocessed_width(chip),
        main_width: BaseAir::<Val>::width(chip),
        num_public_values: BaseAir::<Val>::num_public_values(chip),
        ..Default::default()
    };
    let domain = Pcs::<E, Challenger>::natural_domain_for_degree(config.pcs(), 1 << log);
    let chunks = get_log_num_quotient_chunks_for_domain::<Val, E, _, _>(
        chip,
        layout,
        domain,
        lookups,
        config.is_zk(),
        &LogUpGadget::new(),
    );
    Table {
        log,
        main: BaseAir::<Val>::width(chip),
        next: !BaseAir::<Val>::main_next_row_columns(chip).is_empty(),
        fixed: BaseAir::<Val>::preprocessed_width(chip),
        chunks: 1 << (chunks + config.is_zk()),
        sums: if lookups.is_empty() {
            0
        } else {
            (lookups.len() + 1) * E::DIMENSION
        },
    }
}
