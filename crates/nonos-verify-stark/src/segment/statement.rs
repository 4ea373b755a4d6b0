//! What a proof of a segment proves.

use std::sync::Arc;

use nonos_machine::{ExecutionStatement, tables};
use nonos_types::ByteLen;
use nonos_verify::{Malformed, Public, Statement, StatementId, Violation};

use super::{Boundary, SegmentJob, SegmentWitness};

/// "Segment `index` of `count` of this run leads from one boundary to the next."
///
/// The first begins where the run begins, the last ends where the record says that the run ended. That a segment's
/// boundaries are those of its neighbours is for whoever has all of them: the proof of the run does that.
///
/// Sound only together: a segment says what follows *from* a boundary. Whether a run gets there is said by those before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentStatement {
    run: Arc<ExecutionStatement>,
    index: u32,
    count: u32,
    before: Boundary,
    after: Boundary,
}

const HEAD: usize = 8 + 2 * Boundary::BYTES;

impl SegmentStatement {
    /// Most segments of a run.
    pub const MAX_COUNT: u32 = 1 << 16;

    /// The statement; `None` if no segment of this run can be between these boundaries.
    pub fn new(
        run: Arc<ExecutionStatement>,
        index: u32,
        count: u32,
        boundaries: [Boundary; 2],
    ) -> Option<Self> {
        let begins = index != 0 || boundaries[0] == Boundary::initial(run.program());
        begins.then(|| Self::following(run, index, count, boundaries))?
    }

    /// The same, of a segment that is known to begin where it may. Cheap, whatever the program: a chain has many.
    pub(crate) fn following(
        run: Arc<ExecutionStatement>,
        index: u32,
        count: u32,
        [before, after]: [Boundary; 2],
    ) -> Option<Self> {
        let is_last = index.checked_add(1)? == count;
        let last = run.run();
        let outputs = last.outputs.each_ref().map(tables::position);
        let state = &after.state;
        let ends = !is_last
            || state.pc == last.halt
                && state.fuel == last.fuel
                && state.pages == last.pages
                && state.outputs == outputs;
        let possible = run.hidden() == tables::Hidden::default()
            && index < count
            && count <= Self::MAX_COUNT
            && ends
            && before.state.fuel <= state.fuel
            && (0..outputs.len()).all(|i| {
                let words = |boundary: &Boundary| boundary.state.outputs[i] & u64::from(u32::MAX);
                words(&before) <= words(&after) && words(&after) <= last.outputs[i].words.len() as u64
            });
        possible.then_some(Self {
            run,
            index,
            count,
            before,
            after,
        })
    }

    /// The run.
    pub fn run(&self) -> &Arc<ExecutionStatement> {
        &self.run
    }

    /// Which segment, from 0.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Segments of the run.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Where it begins.
    pub fn before(&self) -> &Boundary {
        &self.before
    }

    /// Where it ends.
    pub fn after(&self) -> &Boundary {
        &self.after
    }

    pub(crate) fn public_side(&self) -> nonos_machine::air::Public {
        let (before, after) = (&self.before.state, &self.after.state);
        tables::segment_public(self.run.program(), self.run.run(), before, after)
            .expect("fuel and positions were compared when the statement was made")
    }
}

impl Statement for SegmentStatement {
    const ID: StatementId = StatementId::new("nonos/segment/1");
    const MAX_PUBLIC: ByteLen = ByteLen::new(ExecutionStatement::MAX_PUBLIC.get() + HEAD as u64);
    type Witness = SegmentWitness;

    /// Index and count (4 bytes each, little-endian), both boundaries, then the record of the run.
    fn bytes(&self) -> Vec<u8> {
        let parts = [
            &self.index.to_le_bytes()[..],
            &self.count.to_le_bytes(),
            &self.before.to_bytes(),
            &self.after.to_bytes(),
            &self.run.bytes(),
        ];
        parts.concat()
    }

    fn attachments(&self) -> Vec<Arc<[u8]>> {
        self.run.attachments()
    }

    fn decode(public: &Public) -> Result<Self, Malformed> {
        let malformed = |part| Malformed { part };
        let (head, record) = public
            .statement()
            .split_first_chunk::<HEAD>()
            .ok_or(malformed("segment"))?;
        let mut run = Public::new(record);
        for attachment in (0..public.attachments()).filter_map(|i| public.attachment(i)) {
            run = run.attach(attachment);
        }
        let run = Arc::new(ExecutionStatement::decode(&run)?);
        let number = |at: usize| {
            let bytes = head[at..at + 4].try_into().expect("four bytes");
            u32::from_le_bytes(bytes)
        };
        let boundary = |at: usize| {
            let bytes = head[at..at + Boundary::BYTES].try_into().expect("as many bytes");
            Boundary::from_bytes(bytes).ok_or(malformed("boundary"))
        };
        let boundaries = [boundary(8)?, boundary(8 + Boundary::BYTES)?];
        Self::new(run, number(0), number(4), boundaries).ok_or(malformed("boundaries"))
    }

    fn check(&self, witness: &SegmentWitness) -> Result<(), Violation> {
        SegmentJob::replay(self, witness)
            .map(|_| ())
            .map_err(|error| Violation { clause: error.part() })
    }
}
