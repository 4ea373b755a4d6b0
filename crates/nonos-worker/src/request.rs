//! What a worker is asked, by the process that started it.

use std::{io::Read, time::Duration};

use nonos_capsule::{Inputs, Sealed};
use nonos_package::{Policy, limits};
use nonos_types::{ByteLen, Proven, Value};

use crate::{
    Error, Job, Limits,
    frame::{MAX_TAPE, Reader, VALUE, VERSION, put_bytes, put_len, put_values},
};

const MAGIC: [u8; 8] = *b"nonosrun";

/// What a worker knows before it gives up everything: nothing of it comes from a stranger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Process that asks.
    pub(crate) parent: u32,
    /// What the worker may take.
    pub(crate) limits: Limits,
    /// Bytes that follow; none if nothing is to be run.
    pub(crate) body: u64,
}

impl Header {
    pub(crate) const BYTES: usize = 48;
    /// Most bytes of a job.
    const MAX_BODY: u64 = limits::MODULE_BYTES as u64 + 3 * MAX_TAPE + (1 << 20);

    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut out = [0; Self::BYTES];
        out[..8].copy_from_slice(&MAGIC);
        out[8..12].copy_from_slice(&VERSION.to_le_bytes());
        out[12..16].copy_from_slice(&self.parent.to_le_bytes());
        out[16..24].copy_from_slice(&self.limits.memory.get().to_le_bytes());
        out[24..32].copy_from_slice(&self.limits.cpu.as_secs().to_le_bytes());
        out[32..40].copy_from_slice(&self.limits.time.as_secs().to_le_bytes());
        out[40..].copy_from_slice(&self.body.to_le_bytes());
        out
    }

    pub(crate) fn from_bytes(bytes: &[u8; Self::BYTES]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        if reader.array()? != MAGIC || reader.u32()? != VERSION {
            return None;
        }
        Some(Self {
            parent: reader.u32()?,
            limits: Limits {
                memory: ByteLen::new(reader.u64()?),
                cpu: Duration::from_secs(reader.u64()?),
                time: Duration::from_secs(reader.u64()?),
            },
            body: reader.u64().filter(|body| *body <= Self::MAX_BODY)?,
        })
    }
}

/// A job's bytes, in parts: the large ones are not copied.
pub(crate) fn parts<'a>(job: &Job<'a>, head: &'a mut Vec<u8>) -> Result<[&'a [u8]; 5], Error> {
    let sealed = job.inputs.sealed.as_ref();
    let sealed_bytes = sealed.map_or(&[][..], |it| &it.bytes);
    let within = |what, len: usize, limit: u64| {
        let (limit, actual) = (ByteLen::new(limit), ByteLen::from(len));
        if actual > limit {
            Err(Error::TooLong { what, limit, actual })
        } else {
            Ok(())
        }
    };
    within(
        "list of arguments",
        VALUE * job.arguments.len(),
        (VALUE * Proven::MAX_VALUES) as u64,
    )?;
    within("module", job.module.len(), limits::MODULE_BYTES as u64)?;
    within("input tape", job.inputs.input.len(), MAX_TAPE)?;
    within("sealed tape", sealed_bytes.len(), MAX_TAPE)?;
    within("inbound tape", job.inputs.inbound.len(), MAX_TAPE)?;
    let policy = job.policy.to_bytes();
    Policy::from_bytes(&policy).map_err(nonos_capsule::Error::from)?;
    put_bytes(head, &policy);
    put_values(head, job.arguments);
    match sealed {
        Some(sealed) => {
            head.push(1);
            head.extend_from_slice(&sealed.salt);
        }
        None => head.push(0),
    }
    for len in [
        job.module.len(),
        job.inputs.input.len(),
        sealed_bytes.len(),
        job.inputs.inbound.len(),
    ] {
        put_len(head, len);
    }
    Ok([
        head,
        job.module,
        &job.inputs.input,
        sealed_bytes,
        &job.inputs.inbound,
    ])
}

/// A job, as a worker reads it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) module: Vec<u8>,
    pub(crate) policy: Policy,
    pub(crate) arguments: Vec<Value>,
    pub(crate) inputs: Inputs,
}

impl Request {
    /// Reads a job of exactly `len` bytes, at most as many as the header says.
    pub(crate) fn read(from: impl Read, len: u64) -> std::io::Result<Option<Self>> {
        let mut body = Vec::new();
        from.take(len).read_to_end(&mut body)?;
        Ok(if body.len() as u64 == len {
            Self::decode(&body)
        } else {
            None
        })
    }

    fn decode(body: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let policy = Policy::from_bytes(reader.bytes(limits::POLICY_BYTES as u64)?).ok()?;
        let arguments = reader.list(Proven::MAX_VALUES as u64, Reader::value)?;
        let salt = match reader.u8()? {
            0 => None,
            1 => Some(reader.array()?),
            _ => return None,
        };
        let mut len = |limit: u64| usize::try_from(reader.u64().filter(|len| *len <= limit)?).ok();
        let lens = [
            len(limits::MODULE_BYTES as u64)?,
            len(MAX_TAPE)?,
            len(MAX_TAPE)?,
            len(MAX_TAPE)?,
        ];
        let mut part = |len| reader.take(len).map(<[u8]>::to_vec);
        let [module, input, sealed, inbound] =
            [part(lens[0])?, part(lens[1])?, part(lens[2])?, part(lens[3])?];
        reader.end()?;
        let sealed = match salt {
            Some(salt) => Some(Sealed { bytes: sealed, salt }),
            None if sealed.is_empty() => None,
            None => return None,
        };
        Some(Self {
            module,
            policy,
            arguments,
            inputs: Inputs {
                input,
                sealed,
                inbound,
            },
        })
    }

    pub(crate) fn job(&self) -> Job<'_> {
        Job {
            module: &self.module,
            policy: &self.policy,
            arguments: &self.arguments,
            inputs: &self.inputs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(job: &Job<'_>) -> Vec<u8> {
        let mut head = Vec::new();
        parts(job, &mut head).expect("it is a job").concat()
    }

    fn request() -> Request {
        Request {
            module: b"module".to_vec(),
            policy: Policy::for_module("main"),
            arguments: vec![Value::I32(7), Value::I64(u64::MAX)],
            inputs: Inputs {
                input: b"in".to_vec(),
                sealed: Some(Sealed {
                    bytes: b"secret".to_vec(),
                    salt: [3; 32],
                }),
                inbound: b"messages".to_vec(),
            },
        }
    }

    #[test]
    fn a_job_comes_out_as_it_went_in() {
        let request = request();
        let bytes = bytes(&request.job());
        let read = Request::read(&bytes[..], bytes.len() as u64).expect("there is no I/O");
        assert_eq!(read, Some(request));
    }

    #[test]
    fn a_job_cut_or_lengthened_anywhere_is_none() {
        let mut bytes = bytes(&request().job());
        for len in 0..bytes.len() {
            assert_eq!(Request::decode(&bytes[..len]), None, "{len}");
        }
        bytes.push(0);
        assert_eq!(Request::decode(&bytes), None);
    }

    #[test]
    fn a_sealed_tape_without_its_salt_is_none() {
        let mut request = request();
        request.inputs.sealed = None;
        let mut bytes = bytes(&request.job());
        assert!(Request::decode(&bytes).is_some());
        // Moves the inbound tape's length to the sealed tape.
        let lens = bytes.len() - b"moduleinmessages".len() - 16;
        bytes[lens..lens + 16].rotate_right(8);
        assert_eq!(Request::decode(&bytes), None);
    }

    #[test]
    fn a_header_comes_out_as_it_went_in_and_is_of_this_version() {
        let header = Header {
            parent: 7,
            limits: Limits::IDLE,
            body: Header::MAX_BODY,
        };
        let bytes = header.to_bytes();
        assert_eq!(Header::from_bytes(&bytes), Some(header));
        for at in 0..12 {
            let mut changed = bytes;
            changed[at] ^= 1;
            assert_eq!(Header::from_bytes(&changed), None, "{at}");
        }
        let longer = Header {
            body: header.body + 1,
            ..header
        };
        assert_eq!(Header::from_bytes(&longer.to_bytes()), None);
    }
}
