//! `operator peers`: whom a running node knows, and how others find it.

use super::Context;
use crate::{
    datadir::DataArgs,
    failure::Failure,
    output::{Grid, joined, or_dash, say},
};
use nonos_node::api::{Done, Invited, PeerView, Request};

/// Shows the peers of the running node, makes an invitation to its mesh, or accepts one.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Peers {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Shows the peers.
    List {
        #[command(flatten)]
        data: DataArgs,
    },
    /// Writes a line of text by which others find this node and its mesh.
    Invite {
        #[command(flatten)]
        data: DataArgs,
    },
    /// Stays connected to the nodes of an invitation, after a restart, too.
    Join {
        /// The line that `operator peers invite` wrote.
        invitation: String,
        #[command(flatten)]
        data: DataArgs,
    },
}

impl Peers {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        match &self.command {
            None => list(&self.data, context),
            Some(Command::List { data }) => list(data, context),
            Some(Command::Invite { data }) => invite(data, context),
            Some(Command::Join { invitation, data }) => {
                let invitation = invitation.clone();
                let done: Done = data.client()?.call(&Request::Join { invitation })?;
                say("joined: `operator peers` shows who is connected");
                context.output.show(&done, Vec::new)
            }
        }
    }
}

fn invite(data: &DataArgs, context: &Context) -> Result<(), Failure> {
    let invited: Invited = data.client()?.call(&Request::Invite)?;
    if invited.only_here {
        say("the node listens on this machine only: no other can follow this invitation");
    }
    let line = invited.invitation.clone();
    context.output.show(&invited, || vec![("invitation", line)])
}

fn list(data: &DataArgs, context: &Context) -> Result<(), Failure> {
    let peers: Vec<PeerView> = data.client()?.call(&Request::Peers)?;
    context.output.list(&peers, || Grid {
        head: &["node", "standing", "dialled", "roles", "software", "address"],
        rows: peers
            .iter()
            .map(|peer| {
                vec![
                    peer.id.to_string(),
                    peer.state.clone(),
                    dialled(peer).to_owned(),
                    joined(&peer.roles),
                    peer.software.clone(),
                    or_dash(peer.address.as_ref()),
                ]
            })
            .collect(),
    })
}

fn dialled(peer: &PeerView) -> &'static str {
    match (&peer.address, peer.outbound) {
        (None, _) => "-",
        (Some(_), true) => "by us",
        (Some(_), false) => "by it",
    }
}
