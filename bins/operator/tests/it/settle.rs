//! Books of real jobs, batched, proved and anchored, and somebody else who checks them.

use crate::{
    anvil::{Anvil, CHAIN_ID},
    mesh::once,
    node::{Running, eventually, init, passphrase},
    support::{Ended, Place},
};
use nonos_depin::{
    Batch,
    anchor::{self, Anchor as _, BatchId, Chain},
    rollup::Sums,
    settlement::{SettlementFile, commitment},
};
use nonos_depin_evm::{Account, Config, EvmAnchor, EvmKey, Spending, Wei};
use nonos_types::{Amount, Envelope, Timestamp, VkDigest};
use nonos_verify::Proof;
use serde_json::{Value, json};

/// Sets what is under [settlement] in a node's configuration.
fn configure(place: &Place, data: &str, settlement: &str) {
    let path = format!("{data}/config.toml");
    let config = String::from_utf8(place.read(&path)).expect("text");
    let (before, _) = config.split_once("[settlement]").expect("a section");
    place.write(&path, format!("{before}[settlement]\n{settlement}"));
}

/// A requester and an executor, connected; their configuration is as it is in their directories.
fn start<'a>(place: &'a Place, names: [&'static str; 2]) -> [Running<'a>; 2] {
    let mut requester = Running::start(place, names[0], &[]);
    let address = requester.address();
    let mut executor = Running::start(place, names[1], &["--peer", &address]);
    executor.address();
    for node in [&requester, &executor] {
        eventually("each is connected to the other", || {
            (node.ask(&["status"])["peers"] != 0).then_some(())
        });
    }
    [requester, executor]
}

/// Does so many jobs for money.
fn work(place: &Place, [requester, executor]: [&Running<'_>; 2], jobs: u64) {
    place.pack("sum");
    let before = requester.ask(&["job", "list"]).as_array().map_or(0, Vec::len);
    for job in 0..jobs {
        // Each is another.
        let input = format!("{job:02x}{before:02x}000000000000");
        let submitted = requester.ask(&[
            "job",
            "submit",
            "sum.mod",
            "--verifiers",
            "0",
            "--input-hex",
            &input,
        ]);
        let job = submitted["job"].as_str().expect("a job");
        once(requester, job, "paid");
        once(executor, job, "paid");
    }
}

fn stages(node: &Running<'_>) -> Vec<String> {
    let entries = node.ask(&["ledger", "entries"]);
    let entries = entries.as_array().expect("a list").iter();
    let mut stages: Vec<_> = entries
        .map(|it| it["stage"].as_str().expect("a stage").to_owned())
        .collect();
    stages.dedup();
    stages
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

/// `operator settle verify`, by somebody who has no node.
fn verify(place: &Place, arguments: &[&str]) -> Ended {
    place.operator(&[&["--json", "settle", "verify"], arguments].concat())
}

/// Writes a settlement file that was changed.
fn tamper(place: &Place, name: &str, change: impl FnOnce(&mut SettlementFile)) -> String {
    let mut file = SettlementFile::from_bytes(&place.read(name)).expect("a settlement file");
    change(&mut file);
    place.write("tampered", file.to_bytes());
    "tampered".to_owned()
}

fn batch_of(file: &SettlementFile) -> Batch {
    file.batch.open::<Batch>().expect("a signed batch").0
}

#[test]
fn a_node_settles_on_a_chain_and_anybody_checks_it() {
    let Some(chain) = Anvil::start() else { return };
    let place = Place::new();
    init(&place, "requester");
    let id = init(&place, "executor");
    passphrase(&place, "account", "battery staple\n", 0o600);
    let account = [
        "settle",
        "account",
        "new",
        "--passphrase-file",
        "account",
        "--data",
        "executor",
    ];
    let made = place.operator(&[&["--json"], &account[..]].concat()).json();
    let address = text(&made["account"]).to_owned();
    place.operator(&account).refused(2, "exists already");
    let shown = place.operator(&["--json", "settle", "account", "show", "--data", "executor"]);
    assert_eq!(shown.json()["account"], made["account"]);
    let evm = format!(
        "anchor = \"evm\"\n[settlement.evm]\nrpc = \"{}\"\nchain_id = {CHAIN_ID}\nconfirmations = 2\n",
        chain.endpoint()
    );
    configure(&place, "executor", &evm);
    let deploy = [
        "--json",
        "settle",
        "deploy",
        "--passphrase-file",
        "account",
        "--data",
        "executor",
    ];
    place.operator(&deploy).refused(2, "send it some");
    chain.fund(&address);
    let contract = place.operator(&deploy).json()["contract"].clone();
    let contract = text(&contract);
    configure(&place, "executor", &format!("{evm}contract = \"{contract}\"\n"));

    let [requester, executor] = start(&place, ["requester", "executor"]);
    work(&place, [&requester, &executor], 2);
    executor
        .operator(&["settle", "export", "1", "one"])
        .refused(2, "there is no batch 1");
    assert_eq!(stages(&executor), ["pending"]);

    // Made, not proved: neither handed in nor given away.
    let first = executor.ask(&["settle", "batch"]);
    assert_eq!(
        (&first[0]["number"], &first[0]["stage"]),
        (&json!(1), &json!("pending"))
    );
    executor.operator(&["settle", "batch"]).refused(2, "no entries");
    let anchor = ["settle", "anchor", "--wait", "--passphrase-file", "account"];
    executor.operator(&anchor).refused(2, "batch 1 is not proved");
    executor
        .operator(&["settle", "export", "1", "one"])
        .refused(2, "has 0 of 1 proofs");
    let proved = executor.ask(&["settle", "prove"]);
    assert_eq!(
        (&proved[0]["chunks"], &proved[0]["proved"]),
        (&json!(1), &json!(1))
    );

    work(&place, [&requester, &executor], 1);
    executor.ask(&["settle", "batch"]);
    executor.ask(&["settle", "prove", "2"]);
    work(&place, [&requester, &executor], 1);

    // The node that was asked for no passphrase before, and is given a wrong one.
    executor.kill();
    let mut executor = Running::start(&place, "executor", &[]);
    executor.address();
    passphrase(&place, "wrong", "another\n", 0o600);
    let wrong = ["settle", "anchor", "--passphrase-file", "wrong"];
    executor.operator(&wrong).refused(2, "wrong passphrase");
    let anchored = executor.ask(&anchor);
    let anchored: Vec<_> = anchored
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| &it["stage"])
        .collect();
    assert_eq!(anchored, ["final", "final"]);
    assert_eq!(stages(&executor), ["final", "pending"]);
    let balance = executor.ask(&["ledger", "balance"]);
    let settled = &balance["settlement"]["final"];
    assert!(
        text(&settled["received"]).parse::<u128>().expect("an amount") > 0,
        "{balance}"
    );
    executor.ask(&["settle", "export", "1", "one"]);
    executor.ask(&["settle", "export", "2", "two"]);
    executor
        .operator(&["settle", "export", "2", "two"])
        .refused(2, "--force writes over it");
    for format in ["json", "csv"] {
        executor.ask(&["ledger", "export", format, "--format", format]);
    }
    let entries: Value = serde_json::from_slice(&place.read("json")).expect("JSON");
    let csv = String::from_utf8(place.read("csv")).expect("text");
    let lines = entries.as_array().expect("a list").iter();
    let lines: usize = lines
        .map(|it| it["lines"].as_array().expect("a list").len())
        .sum();
    assert_eq!(csv.lines().count(), lines + 1);
    assert_eq!(
        csv.matches(",final,").count() + csv.matches(",pending,").count(),
        lines
    );

    // Both nodes are gone; somebody has the files and a node of the chain.
    drop([requester, executor]);
    let endpoint = chain.endpoint();
    let on_chain = [
        "--rpc",
        &endpoint,
        "--contract",
        contract,
        "--chain-id",
        CHAIN_ID,
        "--confirmations",
        "2",
    ];
    let right = verify(
        &place,
        &[
            &["one", "two", "--network", "a test", "--author", &id],
            &on_chain[..],
        ]
        .concat(),
    );
    let right = right.json();
    assert_eq!(
        (&right[0]["number"], &right[1]["number"], &right[1]["author"]),
        (&json!(1), &json!(2), &json!(id))
    );
    assert!(
        text(&right[1]["anchored"][0]["source"]).contains(contract),
        "{right}"
    );
    verify(&place, &["one", "two"]).json();
    verify(&place, &["two", "one"]).refused(3, "does not follow");
    verify(&place, &["one", "--network", "another"]).refused(3, "it is of network");
    let nobody = "0".repeat(64);
    verify(&place, &["one", "--author", &nobody]).refused(3, "it is of node");
    let patient = [&["one"], &on_chain[..7], &["100000"]].concat();
    verify(&place, &patient).refused(3, "not final");
    let foreign = [
        &["one"],
        &on_chain[..],
        &["--account", "0x0000000000000000000000000000000000000001"],
    ]
    .concat();
    verify(&place, &foreign).refused(3, "is not anchored");
    tampered_files(&place, &on_chain);
    wrong_successor(&place, &chain, contract);
}

/// Files that each have one thing changed, each refused for that.
fn tampered_files(place: &Place, on_chain: &[&str]) {
    let key = ed25519_dalek::SigningKey::from_bytes(&[9; 32]);
    let check = |change: &dyn Fn(&mut SettlementFile), why: &str| {
        let name = tamper(place, "one", change);
        verify(place, &[&[name.as_str()], on_chain].concat()).refused(3, why);
    };
    check(
        &|file| file.chunks[0].proof.bytes = flipped(&file.chunks[0].proof),
        "the proof of chunk 0 is refused",
    );
    check(
        &|file| file.chunks[0].proof.vk = VkDigest::from_bytes([1; 32]),
        "the proof of chunk 0 is refused",
    );
    check(&|file| drop(file.chunks.pop()), "0 chunks, where the batch has 1");
    check(
        &|file| {
            let mut sums = *file.chunks[0].statement.sums.amounts();
            sums[0] = Amount::from_atto(sums[0].atto() + 1);
            file.chunks[0].statement.sums = Sums::new(sums);
        },
        "the chunks do not make the batch: `sums`",
    );
    check(
        &|file| file.chunks[0].statement.limit = Amount::from_atto(5),
        "chunk 0 does not fit the batch: `limit`",
    );
    check(
        &|file| file.batch = Envelope::sign(&batch_of(file), &key),
        "the batch is not signed by its author",
    );
    check(
        &|file| {
            // Of somebody else, well signed: but not of this batch.
            let two = SettlementFile::from_bytes(&place.read("two")).expect("a file");
            file.accounts = two.countersignatures;
            file.batch = two.batch;
        },
        "chunk 0 does not fit the batch: `batch`",
    );
    check(
        &|file| {
            let account = file.accounts[0].open::<Account>().expect("it is signed").0;
            file.accounts[0] = Envelope::sign(&account, &key);
        },
        "its account statement",
    );
    let name = tamper(place, "one", |file| file.accounts.clear());
    verify(place, &[&[name.as_str()], on_chain].concat()).refused(2, "name it by --account");
    let whole = place.read("one");
    place.write("tampered", &whole[..whole.len() - 1]);
    verify(place, &["tampered"]).refused(3, "is malformed");
    // The signature of the batch, which is the last of its envelope.
    let end = 12 + usize::from(u16::from_be_bytes([whole[10], whole[11]]));
    let mut other = whole.clone();
    other[end - 10] ^= 1;
    place.write("tampered", other);
    verify(place, &["tampered"]).refused(3, "the batch is not signed by its author");
}

fn flipped(proof: &Proof) -> std::sync::Arc<[u8]> {
    let mut bytes = proof.bytes.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    bytes.into()
}

/// With the account's own key, a batch that does not follow the newest is not taken.
fn wrong_successor(place: &Place, chain: &Anvil, contract: &str) {
    let key = EvmKey::open(&place.path("executor/keys/evm"), b"battery staple").expect("the key");
    let file = SettlementFile::from_bytes(&place.read("two")).expect("a file");
    let second = commitment(&batch_of(&file));
    let config = Config {
        endpoint: chain.endpoint(),
        chain_id: CHAIN_ID.parse().expect("a number"),
        contract: contract.parse().expect("an address"),
        confirmations: 2,
    };
    let whose = Chain {
        network: second.network,
        submitter: second.submitter,
    };
    let spending = Spending {
        limit: Wei::from_gwei(50),
        patience: 300,
    };
    let mut anchor =
        EvmAnchor::open(config, whose, key, spending, &place.path("flights")).expect("the contract");
    let other = anchor::Commitment {
        batch: BatchId::from_bytes([7; 32]),
        ..second
    };
    let refused = anchor.submit(&other, Timestamp::new(1));
    assert!(
        matches!(refused, Err(anchor::Error::StalePrev { .. })),
        "{refused:?}"
    );
}

#[test]
fn a_node_settles_by_a_file_that_a_friend_signs() {
    let place = Place::new();
    let ids: Vec<String> = ["requester", "executor", "stranger"]
        .iter()
        .map(|data| init(&place, data))
        .collect();
    configure(
        &place,
        "executor",
        &format!("anchor = \"file\"\nwitnesses = [\"{}\"]\n", ids[0]),
    );
    let [requester, executor] = start(&place, ["requester", "executor"]);
    work(&place, [&requester, &executor], 2);
    executor.ask(&["settle", "batch"]);
    executor.ask(&["settle", "prove"]);
    let anchored = executor.ask(&["settle", "anchor"]);
    assert_eq!(anchored[0]["stage"], "submitted");
    assert_eq!(stages(&executor), ["submitted"]);
    // Who has no anchor has batches all the same.
    requester.ask(&["settle", "batch"]);
    requester
        .operator(&["settle", "anchor"])
        .refused(2, "no anchor is configured");
    let status = requester.ask(&["settle", "status"]);
    assert_eq!(
        (&status["anchor"], &status["list"][0]["stage"]),
        (&json!("none"), &json!("pending"))
    );

    // The file is carried to the friend, and to a stranger.
    let file = "executor/settlement.anchor";
    requester.ask(&["settle", "countersign", file, "-o", "answers"]);
    let mut stranger = Running::start(&place, "stranger", &[]);
    stranger.address();
    stranger.ask(&["settle", "countersign", file, "-o", "strange"]);
    executor
        .operator(&["settle", "acknowledge", "strange"])
        .refused(3, "is none of the witnesses");
    executor
        .operator(&["settle", "acknowledge", "author.key"])
        .refused(3, "not a signed commitment or countersignature");
    executor
        .operator(&["settle", "acknowledge", file])
        .refused(2, "is not UTF-8");
    place.write("words", "these are no answers\n");
    executor
        .operator(&["settle", "acknowledge", "words"])
        .refused(3, "is not what `operator settle countersign` writes");
    let taken = executor.ask(&["settle", "acknowledge", "answers"]);
    assert_eq!(taken[0]["stage"], "final");
    // What was carried once may be carried again.
    assert_eq!(
        executor.ask(&["settle", "acknowledge", "answers"])[0]["stage"],
        "final"
    );
    executor.ask(&["settle", "export", "1", "one"]);

    // A second one, after a restart; the friend signs what follows.
    executor.kill();
    let address = requester.ask(&["status"])["addresses"][0].clone();
    let mut executor = Running::start(&place, "executor", &["--peer", text(&address)]);
    executor.address();
    assert_eq!(stages(&executor), ["final"]);
    work(&place, [&requester, &executor], 1);
    executor.ask(&["settle", "batch"]);
    executor.ask(&["settle", "prove"]);
    executor.ask(&["settle", "anchor"]);
    assert_eq!(stages(&executor), ["final", "submitted"]);
    requester.ask(&["settle", "countersign", file, "-o", "answers"]);
    executor.ask(&["settle", "acknowledge", "answers"]);
    assert_eq!(stages(&executor), ["final"]);
    executor.ask(&["settle", "export", "2", "two"]);
    place.write("copy", place.read(file));
    drop([requester, executor, stranger]);

    let by_friend = ["one", "--witness", &ids[0]];
    let right = verify(&place, &by_friend).json();
    assert_eq!(right[0]["witnesses"], json!([ids[0]]));
    verify(&place, &[&by_friend[..], &["--anchor-file", "copy"]].concat()).json();
    verify(
        &place,
        &["one", "two", "--witness", &ids[0], "--anchor-file", "copy"],
    )
    .json();
    verify(&place, &["one", "--witness", &ids[2]]).refused(3, "0 of the witnesses that you trust");
    let two = [
        "one",
        "--witness",
        &ids[0],
        "--witness",
        &ids[2],
        "--threshold",
        "2",
    ];
    verify(&place, &two).refused(
        3,
        "1 of the witnesses that you trust have signed it, and 2 must have",
    );
    let name = tamper(&place, "one", |file| file.countersignatures.clear());
    verify(&place, &[&name, "--witness", &ids[0]]).refused(3, "0 of the witnesses");
    // The same is in the anchor's file.
    verify(&place, &[&name, "--witness", &ids[0], "--anchor-file", "copy"]).json();
    let mut damaged = place.read("copy");
    let last = damaged.len() - 40;
    damaged[last] ^= 1;
    place.write("damaged", damaged);
    verify(&place, &["one", "--anchor-file", "damaged"]).refused(1, "is damaged");
    let mut first = place.read("copy");
    first.truncate(74);
    place.write("empty", first);
    verify(&place, &["one", "--anchor-file", "empty"]).refused(3, "is not anchored");
}

#[test]
fn witnesses_sign_over_the_mesh_as_they_come() {
    let place = Place::new();
    let ids: Vec<String> = ["requester", "executor", "late"]
        .iter()
        .map(|data| init(&place, data))
        .collect();
    let (here, late) = (&ids[0], &ids[2]);
    configure(
        &place,
        "executor",
        &format!("anchor = \"witness\"\nwitnesses = [\"{here}\", \"{late}\"]\nthreshold = 2\n"),
    );
    for witness in ["requester", "late"] {
        configure(&place, witness, &format!("witness_for = [\"{}\"]\n", ids[1]));
    }
    let [requester, executor] = start(&place, ["requester", "executor"]);
    work(&place, [&requester, &executor], 1);
    executor.ask(&["settle", "batch"]);
    executor.ask(&["settle", "prove"]);
    executor.ask(&["settle", "anchor"]);
    eventually("the witness that is there has signed", || {
        let exported = executor.ask(&["settle", "export", "1", "half", "--force"]);
        (exported["countersignatures"] == 1).then_some(())
    });
    assert_eq!(stages(&executor), ["submitted"]);
    let both = ["--witness", here, "--witness", late, "--threshold", "2"];
    verify(&place, &[&["half"], &both[..]].concat()).refused(3, "1 of the witnesses");

    // The other side of the partition is back.
    let address = executor.ask(&["status"])["addresses"][0].clone();
    let mut other = Running::start(&place, "late", &["--peer", text(&address)]);
    other.address();
    let waited = executor.ask(&["settle", "anchor", "--wait"]);
    assert!(
        waited
            .as_array()
            .is_some_and(|it| it.iter().all(|it| it["stage"] == "final"))
    );
    eventually("the batch is final", || {
        (stages(&executor) == ["final"]).then_some(())
    });
    executor.ask(&["settle", "export", "1", "whole"]);
    let right = verify(&place, &[&["whole"], &both[..]].concat()).json();
    assert_eq!(right[0]["witnesses"].as_array().map(Vec::len), Some(2));
}
