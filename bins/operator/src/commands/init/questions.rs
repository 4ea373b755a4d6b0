//! What a new node can be told, by flag or answer.

use nonos_node::{Config, Invitation};

/// Tables, names and values of `config.toml`, the last as TOML.
pub(super) type Settings = Vec<(&'static str, &'static str, String)>;

/// What flags say.
#[derive(Debug, clap::Args)]
pub(super) struct Given {
    /// An invitation to a mesh (`operator peers invite`): its network, and peers of it.
    #[arg(long, value_name = "LINE", conflicts_with_all = ["network", "peer"])]
    invitation: Option<String>,
    /// Name of the network: nodes of different networks do not speak to each other [default: nonos-main].
    #[arg(long, value_name = "NAME", env = "NONOS_NETWORK")]
    network: Option<String>,
    /// Multiaddr to listen on; may be given again [default: port 4710 of every interface].
    #[arg(long, value_name = "ADDR", env = "NONOS_LISTEN", value_delimiter = ',')]
    listen: Vec<String>,
    /// Multiaddr of a peer to keep connected to; may be given again.
    #[arg(long, value_name = "ADDR", env = "NONOS_PEERS", value_delimiter = ',')]
    peer: Vec<String>,
    /// What it does for others: `all`, `none`, or some of seeder, executor, verifier, broadcaster [default: all].
    #[arg(long, value_name = "ROLES")]
    roles: Option<String>,
    /// Share of the cores for proofs, in per cent [default: 100].
    #[arg(long, value_name = "PERCENT")]
    cpu: Option<String>,
    /// Most memory of a run and of a proof, such as 4GiB, or `none` for no limit [default: none].
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
    /// Most of the disk, such as 20GB, or `none` for no limit [default: none].
    #[arg(long, value_name = "SIZE")]
    disk: Option<String>,
    /// Most traffic in a month, such as 500GB, or `none` for no limit [default: none].
    #[arg(long, value_name = "SIZE")]
    monthly: Option<String>,
    /// Most kilobits per second that peers get of objects, or `none` for no limit [default: none].
    #[arg(long, value_name = "KBIT")]
    upload: Option<String>,
}

impl Given {
    /// What a flag says.
    pub(super) fn of(&self, topic: Topic) -> Option<String> {
        let list = |it: &Vec<String>| (!it.is_empty()).then(|| it.join(","));
        match topic {
            Topic::Network => self
                .invitation
                .clone()
                .map(|it| it.trim().to_owned())
                .or(self.network.clone()),
            Topic::Peers => list(&self.peer),
            Topic::Listen => list(&self.listen),
            Topic::Roles => self.roles.clone(),
            Topic::Cpu => self.cpu.clone(),
            Topic::Memory => self.memory.clone(),
            Topic::Disk => self.disk.clone(),
            Topic::Monthly => self.monthly.clone(),
            Topic::Upload => self.upload.clone(),
        }
        .map(|it| match topic {
            // What is named as one must be one.
            Topic::Network if self.invitation.is_some() && !it.starts_with(INVITATION) => {
                format!("{INVITATION}{it}")
            }
            _ => it,
        })
    }
}

/// How invitations begin.
const INVITATION: &str = "nonos:";

/// What a node is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    Network,
    Peers,
    Listen,
    Roles,
    Cpu,
    Memory,
    Disk,
    Monthly,
    Upload,
}

impl Topic {
    /// In the order in which they are asked.
    pub(super) const ALL: [Self; 9] = [
        Self::Network,
        Self::Peers,
        Self::Listen,
        Self::Roles,
        Self::Cpu,
        Self::Memory,
        Self::Disk,
        Self::Monthly,
        Self::Upload,
    ];

    /// Flag, question, why it is asked, and what holds if nothing is said.
    fn texts(self) -> [&'static str; 4] {
        match self {
            Self::Network => [
                "--network (or --invitation)",
                "network, or an invitation",
                "nodes of different networks do not speak to each other; an invitation (nonos:…) names its peers, too",
                "nonos-main",
            ],
            Self::Peers => [
                "--peer",
                "peers to keep connected to",
                "there is no built-in one: multiaddrs with commas between, or none, and somebody must dial you",
                "none",
            ],
            Self::Listen => [
                "--listen",
                "port, or multiaddrs, to listen on",
                "peers dial you there, by TCP and by UDP: let both through the firewall",
                "4710",
            ],
            Self::Roles => [
                "--roles",
                "what it does for others",
                "all, none, or some of seeder, executor, verifier, broadcaster; it takes each only as the load allows",
                "all",
            ],
            Self::Cpu => [
                "--cpu",
                "per cent of the cores for proofs",
                "they run at the lowest priority",
                "100",
            ],
            Self::Memory => [
                "--memory",
                "memory of a run and of a proof",
                "such as 4GiB; with a limit, nothing is run that cannot keep to it, which halo2 proofs are not",
                "none",
            ],
            Self::Disk => [
                "--disk",
                "most of the disk",
                "such as 20GB; what others have, too, is dropped first, and then nothing more is taken on",
                "none",
            ],
            Self::Monthly => [
                "--monthly",
                "most traffic in a month",
                "such as 500GB, both ways; after it nothing is done for others until the next month",
                "none",
            ],
            Self::Upload => [
                "--upload",
                "kilobits per second that peers get",
                "of objects; messages, which are short, are not held back",
                "none",
            ],
        }
    }

    /// The flag that answers it.
    pub(super) fn flag(self) -> &'static str {
        self.texts()[0]
    }

    /// What is asked.
    pub(super) fn ask(self) -> &'static str {
        self.texts()[1]
    }

    /// Why.
    pub(super) fn why(self) -> &'static str {
        self.texts()[2]
    }

    /// What holds if nothing is said.
    pub(super) fn default(self) -> &'static str {
        self.texts()[3]
    }

    /// Has an answer to another question answered it?
    pub(super) fn is_settled(self, settings: &Settings) -> bool {
        self == Self::Peers && settings.iter().any(|(_, key, _)| *key == "peers")
    }

    /// What an answer sets, beside what is set already.
    ///
    /// # Errors
    /// Why it is none.
    pub(super) fn settings(self, answer: &str, before: &Settings) -> Result<Settings, String> {
        let settings = self.read(answer.trim())?;
        let all = [before.clone(), settings.clone()].concat();
        match Config::check(&Config::default_text_with(&all)) {
            Ok(_) => Ok(settings),
            Err(errors) => {
                let told = errors.iter().map(|it| format!("{}; {}", it.message, it.remedy));
                Err(told.collect::<Vec<_>>().join("; "))
            }
        }
    }

    fn read(self, answer: &str) -> Result<Settings, String> {
        if answer == self.default() || (answer == "none" && self.default() == "none") {
            return Ok(Vec::new());
        }
        let limit = |name, value: String| Ok(vec![("limits", name, value)]);
        let number = || match answer.parse::<u32>() {
            Ok(number) => Ok(number.to_string()),
            Err(_) => Err(format!("`{answer}` is not a whole number")),
        };
        match self {
            Self::Network if answer.starts_with(INVITATION) => {
                let invitation: Invitation = answer
                    .parse()
                    .map_err(|error| format!("`{answer}` is no invitation (nonos:NETWORK@ADDR): {error}"))?;
                Ok(vec![
                    ("", "network", text(invitation.network())),
                    (
                        "",
                        "peers",
                        list(invitation.addresses().iter().map(String::as_str)),
                    ),
                ])
            }
            Self::Network => Ok(vec![("", "network", text(answer))]),
            Self::Peers => Ok(vec![("", "peers", list(answer.split(',')))]),
            Self::Listen => {
                let listen = match answer.parse::<u16>() {
                    Ok(port) => list(
                        [
                            format!("/ip4/0.0.0.0/udp/{port}/quic-v1").as_str(),
                            format!("/ip4/0.0.0.0/tcp/{port}").as_str(),
                        ]
                        .into_iter(),
                    ),
                    Err(_) => list(answer.split(',')),
                };
                Ok(vec![("", "listen", listen)])
            }
            Self::Roles => roles(answer),
            Self::Cpu => limit("cpu", number()?),
            Self::Memory => limit("memory", text(answer)),
            Self::Disk => limit("disk", text(answer)),
            Self::Monthly => limit("monthly", text(answer)),
            Self::Upload => limit("upload_kbit_s", number()?),
        }
    }
}

fn text(value: &str) -> String {
    toml::Value::from(value).to_string()
}

fn list<'a>(values: impl Iterator<Item = &'a str>) -> String {
    let values: Vec<String> = values.map(|it| it.trim().to_owned()).collect();
    toml::Value::from(values).to_string()
}

/// Those that are not named are off.
fn roles(answer: &str) -> Result<Settings, String> {
    const ROLES: [&str; 4] = ["seeder", "executor", "verifier", "broadcaster"];
    let named: Vec<&str> = match answer {
        "none" => Vec::new(),
        _ => answer.split(',').map(str::trim).collect(),
    };
    if let Some(other) = named.iter().find(|it| !ROLES.contains(it)) {
        return Err(format!(
            "`{other}` is no role: there are {}, or all, or none",
            ROLES.join(", ")
        ));
    }
    let off = ROLES.into_iter().filter(|it| !named.contains(it));
    Ok(off.map(|it| ("roles", it, text("off"))).collect())
}
