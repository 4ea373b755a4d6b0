//! What a worker answers. Its process may have been taken over by what it ran: every byte is checked.

use nonos_capsule::{Inputs, Outputs, Run};
use nonos_package::Policy;
use nonos_state::{Chain, Checkpoint, Salt};
use nonos_types::{AuditRoot, Fault, Fuel, MemoryHash, Outcome, Pages, Proven, StateHash, TrapKind};

use crate::{
    Error, Protection, Told,
    frame::{MAX_TAPE, Reader, VERSION, put_bytes, put_len, put_values},
};

const MAGIC: [u8; 8] = *b"nonoswrk";

/// Most checkpoints of a run.
const MAX_CHECKPOINTS: u64 = 1 << 24;
/// Bytes of a checkpoint.
const CHECKPOINT: u64 = 40;
/// Most bytes of an error's text, and most texts.
const MAX_TEXT: u64 = 4 << 10;
const MAX_TEXTS: u64 = 16;
/// Most bytes of an answer: a run whose tapes and checkpoints are all full.
pub(crate) const MAX: u64 = 3 * MAX_TAPE + MAX_CHECKPOINTS * CHECKPOINT + (1 << 20);

/// The first word of a worker, when it has given up what it can and has not seen the job yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    pub(crate) protection: Protection,
}

impl Hello {
    pub(crate) const BYTES: usize = 16;

    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut out = [0; Self::BYTES];
        out[..8].copy_from_slice(&MAGIC);
        out[8..12].copy_from_slice(&VERSION.to_le_bytes());
        out[12..].copy_from_slice(&self.protection.bits().to_le_bytes());
        out
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        if reader.array()? != MAGIC || reader.u32()? != VERSION {
            return None;
        }
        let protection = Protection::from_bits(reader.u32()?)?;
        reader.end()?;
        Some(Self { protection })
    }
}

/// The bytes of what became of a job, in parts: tapes are not copied.
pub(crate) fn parts<'a>(
    result: &'a Result<Run, nonos_capsule::Error>,
    head: &'a mut Vec<u8>,
    tail: &'a mut Vec<u8>,
) -> [&'a [u8]; 5] {
    match result {
        Ok(run) => {
            head.push(1);
            put_run(head, run);
            for checkpoint in run.checkpoints.checkpoints() {
                tail.extend_from_slice(&checkpoint.fuel_used.get().to_le_bytes());
                tail.extend_from_slice(checkpoint.state.as_bytes());
            }
            let Outputs {
                result,
                outbound,
                log,
            } = &run.outputs;
            [head, result, outbound, log, tail]
        }
        Err(error) => {
            head.push(2);
            put_error(head, error);
            [head, &[], &[], &[], &[]]
        }
    }
}

fn put_run(head: &mut Vec<u8>, run: &Run) {
    match &run.outcome {
        Outcome::Return(values) => {
            head.push(0);
            put_values(head, values);
        }
        Outcome::Exit(code) => {
            head.push(1);
            head.extend_from_slice(&code.to_le_bytes());
        }
        Outcome::Trap(kind) => head.extend_from_slice(&[2, kind.code()]),
        Outcome::OutOfFuel => head.push(3),
    }
    head.extend_from_slice(&run.fuel_used.get().to_le_bytes());
    head.extend_from_slice(&run.peak_pages.get().to_le_bytes());
    head.extend_from_slice(run.memory.as_bytes());
    head.extend_from_slice(run.state.as_bytes());
    head.extend_from_slice(&run.host_calls.to_le_bytes());
    head.extend_from_slice(run.audit_root.as_bytes());
    put_len(head, run.checkpoints.checkpoints().len());
    put_len(head, run.outputs.result.len());
    put_len(head, run.outputs.outbound.len());
    put_len(head, run.outputs.log.len());
}

fn put_error(head: &mut Vec<u8>, error: &nonos_capsule::Error) {
    head.push(match error.fault() {
        Fault::Caller => 0,
        Fault::Peer => 1,
        Fault::Environment => 2,
        Fault::Bug => 3,
    });
    let mut texts = Vec::new();
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next.filter(|_| (texts.len() as u64) < MAX_TEXTS) {
        texts.push(error.to_string());
        next = error.source();
    }
    put_len(head, texts.len());
    for text in texts {
        put_bytes(
            head,
            &text.as_bytes()[..text.floor_char_boundary(MAX_TEXT as usize)],
        );
    }
}

/// Reads what became of a job: all that a worker says behind its first word.
pub(crate) fn read(bytes: &[u8], policy: &Policy, inputs: &Inputs) -> Result<Run, Error> {
    let mut reader = Reader::new(bytes);
    let garbled = |what| Error::Garbled { what };
    match reader.u8() {
        Some(1) => {
            let run = read_run(&mut reader, inputs).ok_or(garbled("the run cannot be read"))?;
            reader.end().ok_or(garbled("something follows the run"))?;
            if plausible(&run, policy) {
                Ok(run)
            } else {
                Err(garbled("no run under this policy is like that"))
            }
        }
        Some(2) => {
            let told = read_error(&mut reader).ok_or(garbled("the error cannot be read"))?;
            reader.end().ok_or(garbled("something follows the error"))?;
            Err(Error::Told(told))
        }
        Some(_) => Err(garbled("it is neither a run nor an error")),
        None => Err(garbled("it is empty")),
    }
}

fn read_run(reader: &mut Reader<'_>, inputs: &Inputs) -> Option<Run> {
    let outcome = match reader.u8()? {
        0 => Outcome::Return(reader.list(Proven::MAX_VALUES as u64, Reader::value)?),
        1 => Outcome::Exit(reader.u32()?),
        2 => Outcome::Trap(TrapKind::from_code(reader.u8()?)?),
        3 => Outcome::OutOfFuel,
        _ => return None,
    };
    let fuel_used = Fuel::new(reader.u64()?);
    let peak_pages = Pages::new(reader.u32()?);
    let memory = MemoryHash::from_bytes(reader.array()?);
    let state = StateHash::from_bytes(reader.array()?);
    let host_calls = reader.u64()?;
    let audit_root = AuditRoot::from_bytes(reader.array()?);
    let checkpoints = reader.u64().filter(|count| *count <= MAX_CHECKPOINTS)?;
    let mut len = || {
        let len = reader.u64().filter(|len| *len <= MAX_TAPE)?;
        usize::try_from(len).ok()
    };
    let lens = [len()?, len()?, len()?];
    let mut tape = |len| reader.take(len).map(<[u8]>::to_vec);
    let outputs = Outputs {
        result: tape(lens[0])?,
        outbound: tape(lens[1])?,
        log: tape(lens[2])?,
    };
    let salt = inputs.sealed.as_ref().map(|sealed| sealed.salt);
    let mut chain = salt.map_or_else(Chain::new, |salt| Chain::salted(Salt::from_bytes(salt)));
    for _ in 0..checkpoints {
        chain.push(Checkpoint {
            fuel_used: Fuel::new(reader.u64()?),
            state: StateHash::from_bytes(reader.array()?),
        });
    }
    Some(Run {
        outcome,
        fuel_used,
        peak_pages,
        outputs,
        memory,
        state,
        host_calls,
        audit_root,
        checkpoints: chain,
    })
}

/// What holds of every run, whatever was run.
fn plausible(run: &Run, policy: &Policy) -> bool {
    let checkpoints = run.checkpoints.checkpoints();
    let end = Checkpoint {
        fuel_used: run.fuel_used,
        state: run.state,
    };
    run.fuel_used <= policy.fuel
        && (run.outcome != Outcome::OutOfFuel || run.fuel_used == policy.fuel)
        && run.peak_pages <= policy.max_pages
        && checkpoints.last() == Some(&end)
        && checkpoints.is_sorted_by_key(|it| it.fuel_used)
}

fn read_error(reader: &mut Reader<'_>) -> Option<Told> {
    let fault = match reader.u8()? {
        0 => Fault::Caller,
        1 => Fault::Peer,
        2 => Fault::Environment,
        3 => Fault::Bug,
        _ => return None,
    };
    let texts = reader.list(MAX_TEXTS, |reader| {
        std::str::from_utf8(reader.bytes(MAX_TEXT)?).ok().map(printable)
    })?;
    let chain = |cause: Option<Told>, message| {
        let cause = cause.map(Box::new);
        Some(Told {
            message,
            fault,
            cause,
        })
    };
    texts.into_iter().rev().fold(None, chain)
}

/// Text for a terminal or a log, whoever wrote it.
pub(crate) fn printable(text: &str) -> String {
    let shown = text.trim_end().chars();
    shown.map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran() -> (Policy, Inputs, Run) {
        let policy = Policy::for_module("main");
        let mut checkpoints = Chain::new();
        let end = Checkpoint {
            fuel_used: Fuel::new(9),
            state: StateHash::from_bytes([5; 32]),
        };
        checkpoints.extend([
            Checkpoint {
                fuel_used: Fuel::new(4),
                ..end
            },
            end,
        ]);
        let run = Run {
            outcome: Outcome::Trap(TrapKind::BadTapeCall),
            fuel_used: end.fuel_used,
            peak_pages: Pages::new(3),
            outputs: Outputs {
                result: b"result".to_vec(),
                outbound: b"out".to_vec(),
                log: b"l".to_vec(),
            },
            memory: MemoryHash::from_bytes([4; 32]),
            state: end.state,
            host_calls: 11,
            audit_root: AuditRoot::from_bytes([6; 32]),
            checkpoints,
        };
        (policy, Inputs::default(), run)
    }

    fn bytes(result: &Result<Run, nonos_capsule::Error>) -> Vec<u8> {
        let (mut head, mut tail) = (Vec::new(), Vec::new());
        parts(result, &mut head, &mut tail).concat()
    }

    #[test]
    fn a_run_comes_out_as_it_went_in() {
        let (policy, inputs, run) = ran();
        let read = read(&bytes(&Ok(run.clone())), &policy, &inputs).expect("it is a run");
        assert_eq!(read, run);
    }

    #[test]
    fn an_answer_cut_or_lengthened_anywhere_is_none() {
        let (policy, inputs, run) = ran();
        let error = nonos_capsule::Error::NoMesh;
        for mut bytes in [bytes(&Ok(run)), bytes(&Err(error))] {
            bytes.push(0);
            for len in (0..bytes.len() - 1).chain([bytes.len()]) {
                let Err(Error::Garbled { .. }) = read(&bytes[..len], &policy, &inputs) else {
                    panic!("{len} bytes are read")
                };
            }
        }
    }

    #[test]
    fn fuel_of_checkpoints_does_not_fall() {
        let (policy, inputs, mut run) = ran();
        let [first, last] = run.checkpoints.checkpoints() else {
            panic!("there are two")
        };
        let mut checkpoints = Chain::new();
        checkpoints.extend([
            Checkpoint {
                fuel_used: Fuel::new(10),
                ..*first
            },
            *last,
        ]);
        run.checkpoints = checkpoints;
        let Err(Error::Garbled { .. }) = read(&bytes(&Ok(run)), &policy, &inputs) else {
            panic!("it is believed")
        };
    }

    #[test]
    fn fuel_beyond_the_policy_is_not_believed() {
        let (mut policy, inputs, run) = ran();
        policy.fuel = run.fuel_used;
        assert!(read(&bytes(&Ok(run.clone())), &policy, &inputs).is_ok());
        policy.fuel = Fuel::new(run.fuel_used.get() - 1);
        let Err(Error::Garbled { .. }) = read(&bytes(&Ok(run)), &policy, &inputs) else {
            panic!("it is believed")
        };
    }

    #[test]
    fn an_error_is_told_with_its_fault_and_is_fit_to_be_shown() {
        let (policy, inputs, _) = ran();
        let error = nonos_capsule::Error::Interpreter {
            what: "\x1b[31mred\nlines".to_owned() + &"long".repeat(2_000),
        };
        let Err(Error::Told(told)) = read(&bytes(&Err(error)), &policy, &inputs) else {
            panic!("it is an error")
        };
        assert_eq!(told.fault(), Fault::Bug);
        let text = told.to_string();
        assert!(
            text.contains(" [31mred lines") && text.len() <= MAX_TEXT as usize,
            "{text}"
        );
    }

    #[test]
    fn a_first_word_says_only_what_there_is() {
        let hello = Hello {
            protection: crate::Layer::ALL.iter().copied().collect(),
        };
        assert_eq!(Hello::from_bytes(&hello.to_bytes()), Some(hello));
        let mut unknown = hello.to_bytes();
        unknown[14] = 1;
        assert_eq!(Hello::from_bytes(&unknown), None);
    }
}
