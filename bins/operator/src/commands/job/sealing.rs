use crate::{failure::Failure, files};
use nonos_node::api::{Sealing, SecretHex};
use nonos_types::NodeId;
use std::path::{Path, PathBuf};

/// What of a job is not for everybody, and who is to run it.
#[derive(Debug, clap::Args)]
// Named after the struct, the group would clash with that of the options it stands among.
#[group(skip)]
pub(super) struct Options {
    /// Sealed input ("-" for stdin), which only the executors that are awarded the job see [default: none].
    #[arg(long, value_name = "FILE")]
    sealed_input: Option<PathBuf>,
    /// Has result, outbound messages and log encrypted to this node. What the entry returns, or its exit code, stays public, as do
    /// the fuel and, to the next power of two, the lengths.
    #[arg(long, requires = "sealed_input")]
    pub(super) seal_result: bool,
    /// How much rather than others a node is to run it: 0 (not at all) to 16; may be given again, for others [default: 1].
    #[arg(long = "weight", value_name = "NODE=W", value_parser = weight)]
    pub(super) weights: Vec<(NodeId, u8)>,
}

fn weight(text: &str) -> Result<(NodeId, u8), String> {
    let (node, weight) = text.split_once('=').ok_or("it is no NODE=W")?;
    let node = node
        .parse()
        .map_err(|error: nonos_types::Error| error.to_string())?;
    let weight = weight.parse().ok().filter(|it| *it <= nonos_types::Weights::MAX);
    let bad = || format!("a weight is 0 to {}", nonos_types::Weights::MAX);
    Ok((node, weight.ok_or_else(bad)?))
}

impl Options {
    /// The sealed input; the public one is read from `input`.
    pub(super) fn read(&self, input: Option<&Path>) -> Result<Option<SecretHex>, Failure> {
        let stdin = Some(Path::new("-"));
        if input == stdin && self.sealed_input.as_deref() == stdin {
            return Err(Failure::StdinTwice);
        }
        let read = |path: &PathBuf| files::read(path, files::INPUT_BYTES);
        let sealed = self.sealed_input.as_ref().map(read).transpose()?;
        Ok(sealed.map(|bytes| SecretHex(hex::encode(bytes))))
    }

    /// What stays visible, for who has something to hide.
    pub(super) fn warning(&self) -> Option<&'static str> {
        match (&self.sealed_input, self.seal_result) {
            (None, _) => None,
            (Some(_), false) => Some(
                "the input is sealed, its results are public: result, outbound messages, log, what the entry returns",
            ),
            (Some(_), true) => Some(
                "input and results are sealed; what the entry returns, or its exit code, and the fuel are public",
            ),
        }
    }
}

/// What of a job is sealed, in a line.
pub(super) fn describe(sealing: &Sealing) -> Option<String> {
    let input = sealing.input_len.map(|len| format!("input ({len} encrypted)"));
    let result = sealing
        .result
        .then(|| "result, outbound and log (return values and exit code are public)".to_owned());
    let parts: Vec<String> = input.into_iter().chain(result).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_a_node_and_a_number_to_16() {
        let node = NodeId::from_bytes([7; 32]);
        for good in [0, 1, 16] {
            assert_eq!(weight(&format!("{node}={good}")), Ok((node, good)));
        }
        for bad in [
            format!("{node}=17"),
            format!("{node}=-1"),
            format!("{node}"),
            "7=2".to_owned(),
        ] {
            assert!(weight(&bad).is_err(), "{bad}");
        }
    }
}
