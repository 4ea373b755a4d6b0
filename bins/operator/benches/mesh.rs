//! What a small mesh of real processes costs: from a job submitted to verified by all, and each node's processor time
//! and memory, idle and busy. `cargo bench -p operator --bench mesh`; Linux only.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tables are what this program is for"
)]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::{
    error::Error,
    fs,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nonos_benches::Row;
use nonos_node::{
    Client,
    api::{JobState, JobView, Published, Request, Status, Submission, Submitted},
};
use nonos_types::{Amount, CapsuleHash, NodeId};
use std::io::Write as _;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const OPERATOR: &str = env!("CARGO_BIN_EXE_operator");
const NODES: usize = 4;
const JOBS: u64 = 5;
const IDLE: Duration = Duration::from_secs(30);
/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(300);
/// Text that the inputs are cut from.
const TEXT: &[u8; 1024] = include_bytes!("../../../capsules/sha256/inputs/declaration-1k.txt");

/// A node in a process of its own, killed when this is dropped.
struct Node {
    id: NodeId,
    dir: PathBuf,
    process: Child,
    client: Client,
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended by itself, which is then what the benchmark fails by.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Processor time and memory of a process, from `/proc`.
#[derive(Clone, Copy)]
struct Usage {
    cpu_ms: u64,
    resident_mib: u64,
    peak_mib: u64,
}

impl Node {
    fn start(dir: &Path, params: &Path, peers: &[String]) -> Result<Self> {
        let passphrase = dir.with_extension("passphrase");
        let mut file = fs::OpenOptions::new();
        file.write(true).create_new(true).mode(0o600);
        file.open(&passphrase)?.write_all(b"of the benchmark\n")?;
        let init = Command::new(OPERATOR)
            .args(["init", "--yes"])
            .args(["--network", "bench", "--listen", "/ip4/127.0.0.1/tcp/0"])
            .args(peers.iter().flat_map(|peer| ["--peer", peer]))
            .arg("--data")
            .arg(dir)
            .arg("--passphrase-file")
            .arg(&passphrase)
            .stdout(Stdio::null())
            .status()?;
        if !init.success() {
            return Err("operator init failed".into());
        }
        let process = Command::new(OPERATOR)
            .args(["run", "--log", "warn", "--data"])
            .arg(dir)
            .arg("--passphrase-file")
            .arg(&passphrase)
            .arg("--params")
            .arg(params)
            .stdout(Stdio::null())
            .spawn()?;
        let client = wait(|| Ok(Client::connect(dir).ok()))?;
        let mut node = Self {
            id: NodeId::NONE,
            dir: dir.to_owned(),
            process,
            client,
        };
        node.id = node.status()?.id;
        Ok(node)
    }

    fn status(&mut self) -> Result<Status> {
        Ok(self.client.call(&Request::Status)?)
    }

    fn usage(&self) -> Result<Usage> {
        let pid = self.process.id();
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let after_name = stat.rsplit_once(')').ok_or("an odd /proc/…/stat")?.1;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        // utime and stime, in ticks of 10 ms on every Linux there is.
        let ticks = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let mib = |name: &str| -> Result<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib: u64 = line
                .ok_or("an odd /proc/…/status")?
                .trim()
                .trim_end_matches(" kB")
                .parse()?;
            Ok(kib.div_ceil(1024))
        };
        Ok(Usage {
            cpu_ms: ticks * 10,
            resident_mib: mib("VmRSS:")?,
            peak_mib: mib("VmHWM:")?,
        })
    }
}

fn wait<T>(mut ready: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let started = Instant::now();
    loop {
        if let Some(it) = ready()? {
            return Ok(it);
        }
        if started.elapsed() > PATIENCE {
            return Err("waited too long".into());
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn main() -> Result<()> {
    let home = tempfile::tempdir()?;
    let params = home.path().join("params");
    eprintln!("starting {NODES} nodes");
    let mut nodes = vec![Node::start(&home.path().join("0"), &params, &[])?];
    let first = wait(|| Ok(nodes[0].status()?.addresses.first().cloned()))?;
    for n in 1..NODES {
        let dir = home.path().join(n.to_string());
        nodes.push(Node::start(&dir, &params, std::slice::from_ref(&first))?);
    }
    for node in &mut nodes {
        wait(|| Ok((node.status()?.peers == NODES - 1).then_some(())))?;
    }
    println!("- {} processors", thread::available_parallelism()?);
    load("at the start")?;

    eprintln!("idle for {} s", IDLE.as_secs());
    // What is left of starting is not idleness.
    thread::sleep(Duration::from_secs(5));
    let before = usages(&nodes)?;
    thread::sleep(IDLE);
    let after = usages(&nodes)?;
    println!("\n## Idle, {} s\n", IDLE.as_secs());
    println!("| node | CPU, ms per s | resident, MiB |");
    println!("|-----:|--------------:|--------------:|");
    for (n, (before, after)) in before.iter().zip(&after).enumerate() {
        let rate = (after.cpu_ms - before.cpu_ms) as f64 / IDLE.as_secs_f64();
        println!("| {n} | {rate:.1} | {} |", after.resident_mib);
    }

    let package = pack(home.path())?;
    let published: Published = nodes[1].client.call(&Request::Publish {
        package_hex: hex::encode(package),
        without_dependencies: false,
    })?;
    println!("\n## Jobs: SHA-256 of 64 bytes, one after the other\n");
    println!("| job | to first good receipt, ms | verified by all and paid, ms | prove, ms | verify, ms |");
    println!("|----:|-------------------------:|-----------------------------:|----------:|-----------:|");
    let before = usages(&nodes)?;
    let mut proved = [0u64; NODES];
    for job in 0..JOBS {
        run(&mut nodes, published.capsule, job, &mut proved)?;
    }
    let after = usages(&nodes)?;
    println!("\n## Busy: the {JOBS} jobs above\n");
    println!("| node | does | proved | CPU, ms | peak, MiB |");
    println!("|-----:|------|-------:|--------:|----------:|");
    for (n, (before, after)) in before.iter().zip(&after).enumerate() {
        let does = [
            "requests, verifies",
            "seeds, proves, verifies",
            "proves, verifies",
        ][n.min(2)];
        let cpu = after.cpu_ms - before.cpu_ms;
        println!("| {n} | {does} | {} | {cpu} | {} |", proved[n], after.peak_mib);
    }
    println!();
    load("at the end")?;
    for node in &mut nodes {
        let verified: nonos_node::api::Verified = node.client.call(&Request::VerifyLedger)?;
        eprintln!(
            "{}: {} entries in the ledger, in order",
            node.dir.display(),
            verified.entries
        );
    }
    Ok(())
}

/// One job, from its submission until every node has verified it and seen it paid.
fn run(nodes: &mut [Node], capsule: CapsuleHash, number: u64, proved: &mut [u64; NODES]) -> Result<()> {
    let at = usize::try_from(number)? * 64;
    let started = Instant::now();
    let submitted: Submitted = nodes[0].client.call(&Request::Submit(Submission {
        capsule,
        arguments: vec![],
        input_hex: hex::encode(&TEXT[at..at + 64]),
        inbound: vec![],
        max_fee: "0.01 NONOS".parse()?,
        fuel_price: Amount::ZERO,
        verifiers: u16::try_from(NODES - 2)?,
        slots: 1,
        deadline_s: 600,
        backend: None,
        sealed_input_hex: None,
        seal_result: false,
        weights: vec![],
    }))?;
    let request = Request::Job { job: submitted.job };
    wait(|| {
        // The first looks may come before the offer is known.
        let view: JobView = nodes[0].client.call(&request)?;
        Ok(view.receipt.map(drop))
    })?;
    let first_ms = started.elapsed().as_millis();
    let mut prove_ms = None;
    let mut verify_ms = Vec::new();
    for (node, proved) in nodes.iter_mut().zip(proved) {
        let view = wait(|| match node.client.call::<JobView>(&request) {
            Ok(view) => {
                let whole = view.state == JobState::Paid && view.verdicts.len() == NODES - 1;
                Ok(whole.then_some(view))
            }
            Err(nonos_node::ClientError::Refused(_)) => Ok(None),
            Err(error) => Err(error.into()),
        })?;
        let receipt = view.receipt.ok_or("a paid job has a receipt")?;
        if receipt.executor == node.id {
            *proved += 1;
            prove_ms = receipt.prove_ms;
        }
        verify_ms.extend(receipt.verify_ms);
    }
    let all_ms = started.elapsed().as_millis();
    let prove_ms = prove_ms.ok_or("its executor knows how long it took")?;
    let verify: Vec<String> = verify_ms.iter().map(u64::to_string).collect();
    println!(
        "| {number} | {first_ms} | {all_ms} | {prove_ms} | {} |",
        verify.join(", ")
    );
    let row = Row::of("jobs").number("job", number as f64);
    row.number("receipt_ms", first_ms as f64)
        .number("paid_ms", all_ms as f64)
        .leave()?;
    Ok(())
}

/// The sample capsule, packed.
fn pack(home: &Path) -> Result<Vec<u8>> {
    let out = home.join("sha256.mod");
    let packed = Command::new(OPERATOR)
        .args(["capsule", "build"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../capsules/sha256"))
        .arg("--new-key")
        .arg(home.join("author.key"))
        .arg("-o")
        .arg(&out)
        .stdout(Stdio::null())
        .status()?;
    if !packed.success() {
        return Err("operator capsule build failed".into());
    }
    Ok(fs::read(out)?)
}

fn usages(nodes: &[Node]) -> Result<Vec<Usage>> {
    nodes.iter().map(Node::usage).collect()
}

fn load(when: &str) -> Result<()> {
    let load = fs::read_to_string("/proc/loadavg")?;
    println!("- load {when}: {}", load.split(' ').next().unwrap_or_default());
    Ok(())
}
