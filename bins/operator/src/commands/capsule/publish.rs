//! `operator capsule publish`: a package, given to the mesh.

use crate::{commands::Context, datadir::DataArgs, failure::Failure};
use nonos_node::{
    Client,
    api::{Published, Request},
};
use std::path::{Path, PathBuf};

/// Gives a package to the running node, which keeps it and gives it to peers that ask.
#[derive(Debug, clap::Args)]
pub(crate) struct Publish {
    /// The package.
    package: PathBuf,
    /// Publishes it also if capsules cannot be had that it depends on; nobody runs it before they can.
    #[arg(long)]
    without_dependencies: bool,
    #[command(flatten)]
    data: DataArgs,
}

impl Publish {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let published = publish(&self.package, &mut self.data.client()?, self.without_dependencies)?;
        context.output.show(&published, || {
            vec![
                ("capsule", published.name.clone()),
                ("capsule hash", published.capsule.to_string()),
            ]
        })
    }
}

/// Publishes a package file, checked here first.
pub(crate) fn publish(
    path: &Path,
    client: &mut Client,
    without_dependencies: bool,
) -> Result<Published, Failure> {
    let bytes = super::read(path)?;
    nonos_package::Package::decode(&bytes)?;
    Ok(client.call(&Request::Publish {
        package_hex: hex::encode(bytes),
        without_dependencies,
    })?)
}
