//! `operator capsule inspect`: what a package says.

use crate::{commands::Context, failure::Failure};
use nonos_package::{HostCall, Net, Package};
use nonos_types::{Amount, CapsuleHash, Fuel, NodeId, Pages, PolicyHash};
use serde::Serialize;
use std::path::PathBuf;

/// Checks a package (structure, hashes, signature, instructions) and shows what it says.
#[derive(Debug, clap::Args)]
pub(crate) struct Inspect {
    /// The package.
    package: PathBuf,
}

#[derive(Serialize)]
struct Shown {
    name: String,
    version: String,
    author: String,
    author_key: NodeId,
    capsule_hash: CapsuleHash,
    policy_hash: PolicyHash,
    entry: String,
    fuel: Fuel,
    max_pages: Pages,
    net: &'static str,
    host_calls: Vec<String>,
    base_fee: Amount,
    share_seeders: u16,
    share_verifiers: u16,
    requires_poi: bool,
    exports: Vec<String>,
    module_bytes: usize,
    dependencies: Vec<CapsuleHash>,
}

impl Shown {
    fn of(package: &Package) -> Self {
        let (manifest, policy) = (package.manifest(), package.policy());
        Self {
            name: manifest.name.clone(),
            version: manifest.version.to_string(),
            author: manifest.author.clone(),
            author_key: manifest.author_key,
            capsule_hash: package.capsule_hash(),
            policy_hash: policy.hash(),
            entry: policy.entry.clone(),
            fuel: policy.fuel,
            max_pages: policy.max_pages,
            net: match policy.net {
                Net::MeshOnly => "mesh-only",
                Net::None => "none",
            },
            host_calls: HostCall::ALL
                .iter()
                .filter(|call| policy.host.contains(**call))
                .map(HostCall::to_string)
                .collect(),
            base_fee: manifest.fees.base,
            share_seeders: manifest.fees.seeders.get(),
            share_verifiers: manifest.fees.verifiers.get(),
            requires_poi: policy.requires_poi,
            exports: package.interface().exports.keys().cloned().collect(),
            module_bytes: package.module().len(),
            dependencies: package.dependencies().to_vec(),
        }
    }
}

impl Inspect {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let shown = Shown::of(&super::open(&self.package)?);
        context.output.show(&shown, || {
            let mut table = vec![
                ("capsule", format!("{} {}", shown.name, shown.version)),
                ("author", shown.author.clone()),
                ("author key", shown.author_key.to_string()),
                ("capsule hash", shown.capsule_hash.to_string()),
                ("policy hash", shown.policy_hash.to_string()),
                ("entry", shown.entry.clone()),
                ("fuel budget", shown.fuel.to_string()),
                (
                    "memory",
                    format!("at most {} pages of 64 KiB", shown.max_pages.get()),
                ),
                ("network", shown.net.to_owned()),
                ("host calls", shown.host_calls.join(", ")),
                ("base fee", shown.base_fee.to_string()),
                (
                    "shares",
                    format!(
                        "seeders {}, verifiers {} basis points",
                        shown.share_seeders, shown.share_verifiers
                    ),
                ),
                ("needs PoI", shown.requires_poi.to_string()),
                ("exports", shown.exports.join(", ")),
                ("module", format!("{} bytes", shown.module_bytes)),
                ("depends on", format!("{} capsules", shown.dependencies.len())),
            ];
            table.extend(shown.dependencies.iter().map(|it| ("", it.to_string())));
            table
        })
    }
}
