use super::sealing;
use crate::{
    commands::{Context, capsule},
    datadir::DataArgs,
    failure::Failure,
    files,
    output::{self, say},
};
use indicatif::ProgressBar;
use nonos_node::{
    Client,
    api::{EventPage, JobState, JobView, Request, Submission, Submitted, What},
};
use nonos_types::{Amount, CapsuleHash, JobId, ReceiptId};
use std::{path::PathBuf, time::Duration};

/// Offers a job to the mesh: to run a capsule on an input, to prove the run, and to verify the proof.
#[derive(Debug, clap::Args)]
pub(crate) struct Submit {
    /// The capsule: its hash, or a package file, which the node then publishes first.
    #[arg(value_name = "CAPSULE_HASH|FILE")]
    capsule: String,
    #[command(flatten)]
    data: DataArgs,
    /// Public input ("-" for stdin) [default: none].
    #[arg(long, value_name = "FILE", conflicts_with = "input_hex")]
    input: Option<PathBuf>,
    /// Public input, in hexadecimal.
    #[arg(long, value_name = "HEX")]
    input_hex: Option<String>,
    /// Receipt whose message the run reads: one of the capsule's own channel, or of one in its dependency map; may be given
    /// again, and the run reads them in this order (`operator capsule messages` lists them).
    #[arg(long, value_name = "RECEIPT")]
    inbound: Vec<ReceiptId>,
    /// Argument of the capsule's entry, a decimal integer; may be given again.
    #[arg(long = "arg", value_name = "N", allow_hyphen_values = true)]
    arguments: Vec<String>,
    /// Most to pay, to each executor and those who are paid with it.
    #[arg(long, value_name = "AMOUNT", default_value = "0.01 NONOS")]
    max_fee: Amount,
    /// What to pay, beyond the capsule's base fee, for a million units of fuel.
    #[arg(long, value_name = "AMOUNT", default_value = "0 NONOS")]
    fuel_price: Amount,
    /// How many verifiers to pay, for each executor.
    #[arg(long, value_name = "N", default_value_t = 2)]
    verifiers: u16,
    /// How many nodes run and prove it, each for a fee of its own.
    #[arg(long, value_name = "N", default_value_t = 1)]
    executors: u8,
    /// Until when a receipt is wanted, from now.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    deadline: u64,
    /// The proof system: auto, stark or halo2, or its name in proofs [default: as the node is configured].
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
    #[command(flatten)]
    sealing: sealing::Options,
    /// Waits until the job is proved and its proof has verified here, and shows it.
    #[arg(long)]
    wait: bool,
}

impl Submit {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let sealed_input_hex = self.sealing.read(self.input.as_deref())?;
        let input_hex = self.input_hex()?;
        let mut client = self.data.client()?;
        let submission = Submission {
            capsule: self.capsule(&mut client)?,
            arguments: self.arguments.clone(),
            input_hex,
            inbound: self.inbound.clone(),
            max_fee: self.max_fee,
            fuel_price: self.fuel_price,
            verifiers: self.verifiers,
            slots: self.executors,
            deadline_s: self.deadline,
            backend: self.backend.clone(),
            sealed_input_hex,
            seal_result: self.sealing.seal_result,
            weights: self.sealing.weights.clone(),
        };
        let submitted: Submitted = client.call(&Request::Submit(submission))?;
        let job = submitted.job;
        say(&format!(
            "backend {}: {}",
            submitted.backend, submitted.backend_reason
        ));
        if let Some(warning) = self.sealing.warning() {
            say(warning);
        }
        if self.wait {
            // Who stops waiting can ask for it later.
            say(&format!("job {job}"));
            let view = wait(&mut client, job)?;
            context.output.show(&view, || super::table(&view))
        } else {
            let backend = submitted.backend.clone();
            context.output.show(&submitted, || {
                vec![("job", job.to_string()), ("backend", backend)]
            })
        }
    }

    fn input_hex(&self) -> Result<String, Failure> {
        match &self.input_hex {
            Some(text) => match hex::decode(text) {
                Ok(bytes) => Ok(hex::encode(bytes)),
                Err(_) => Err(Failure::NotHex { what: "--input-hex" }),
            },
            None => Ok(hex::encode(files::read_if_given(
                self.input.as_ref(),
                files::INPUT_BYTES,
            )?)),
        }
    }

    fn capsule(&self, client: &mut Client) -> Result<CapsuleHash, Failure> {
        match self.capsule.parse() {
            Ok(hash) => Ok(hash),
            Err(_) => Ok(capsule::publish(self.capsule.as_ref(), client, false)?.capsule),
        }
    }
}

/// Asks until there is a good receipt, or will be none.
fn wait(client: &mut Client, job: JobId) -> Result<JobView, Failure> {
    let bar = output::progress();
    let mut seen = 0;
    loop {
        let view: JobView = client.call(&Request::Job { job })?;
        match view.state {
            JobState::Proved | JobState::Paid => {
                bar.finish_and_clear();
                return Ok(view);
            }
            JobState::Cancelled => {
                bar.finish_and_clear();
                return Err(Failure::Cancelled { job });
            }
            JobState::Expired => {
                bar.finish_and_clear();
                return Err(Failure::Expired { job });
            }
            state => bar.set_message(super::state(state)),
        }
        let page: EventPage = client.call(&Request::Events { after: seen })?;
        seen = page.next;
        page.events
            .iter()
            .for_each(|event| advance(&bar, job, &event.what));
        pause();
    }
}

/// Proving is seen only where it is done: by the node that is asked.
fn advance(bar: &ProgressBar, wanted: JobId, what: &What) {
    if let What::Proving { job, stage, permille } = what
        && *job == wanted
    {
        bar.set_position(u64::from(*permille));
        bar.set_message(stage.clone());
    }
}

#[expect(clippy::disallowed_methods, reason = "somebody waits at the terminal")]
fn pause() {
    std::thread::sleep(Duration::from_millis(250));
}
