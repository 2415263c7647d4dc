//! How to reach every machine of a run, and what it is for.
//!
//! Two files in the run's folder say so: `inventory.json` ([`Inventory`], for programs of ours; the simulator
//! runs scenarios on it) and `hosts.json` (the same for Ansible, see [`Inventory::for_ansible`]). Machines go by
//! number everywhere: `node10` comes after `node2`.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::keys;
use crate::run::Run;
use crate::wish::{Federation, Storage};

/// What a machine is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Debug)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A member of the federation: RethinkDB and a node.
    Node,
    /// Telegraf, InfluxDB and Grafana.
    Monitor,
    /// Clients that put load on the nodes.
    Load,
}

impl Role {
    /// All of them, in the order of inventories.
    pub const ALL: [Self; 3] = [Self::Node, Self::Monitor, Self::Load];

    /// Its name; the group in Ansible's inventory is called so, too.
    pub fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Monitor => "monitor",
            Self::Load => "load",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A machine of a run.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Host {
    /// `node1` to `nodeN`; `monitor`; `load1` to `loadN`.
    pub name: String,
    /// What it is for.
    pub roles: Vec<Role>,
    /// Its number among those of its role, from 1.
    pub number: u32,
    /// The address for the operator, and for machines in other regions.
    pub public: String,
    /// The address for machines in the same region.
    pub private: String,
    /// Where it stands.
    pub region: String,
    /// Where in the region; empty where there are no zones.
    #[serde(default)]
    pub zone: String,
    /// The provider's id of the machine.
    pub id: String,
    /// Who logs in.
    pub user: String,
    /// The port of SSH at the public address.
    pub port: u16,
    /// The provider's id of the volume for RethinkDB's data, if there is one; on the machine, the volume is
    /// to be found by it (`/dev/disk/by-id/`), never by the name of a device.
    pub volume: Option<String>,
}

impl Host {
    /// The address at which `from` reaches this machine.
    pub fn address_from(&self, from: &Self) -> &str {
        if self.region == from.region { &self.private } else { &self.public }
    }

    fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// Every machine of a run.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Inventory {
    /// The run.
    pub run: String,
    /// Who made the machines.
    pub provider: String,
    /// The private key that logs in, as an absolute path.
    pub key: PathBuf,
    /// The machines' host keys, for this run alone, as an absolute path.
    pub known_hosts: PathBuf,
    /// From where SSH and the API may be reached, as blocks of addresses.
    pub operator: Vec<String>,
    /// What the federation is to be.
    pub federation: Federation,
    /// Where RethinkDB's data go.
    pub storage: Storage,
    /// The machines: nodes, then the monitor, then load; each by number.
    pub hosts: Vec<Host>,
}

impl Inventory {
    /// The inventory of a run with these machines.
    pub fn of_run(run: &Run, hosts: Vec<Host>) -> Self {
        let program = run.state.program.display().to_string();
        Self {
            run: run.state.id.clone(),
            provider: run.state.provider.clone(),
            key: run.ssh_key(),
            known_hosts: run.known_hosts(),
            operator: run.state.operator.clone(),
            federation: Federation { program, ..run.wish.federation.clone() },
            storage: run.wish.storage.clone(),
            hosts,
        }
    }

    /// The machines of a role, by number.
    pub fn of(&self, role: Role) -> impl Iterator<Item = &Host> {
        self.hosts.iter().filter(move |host| host.is(role))
    }

    /// A machine by its name.
    pub fn host(&self, name: &str) -> Option<&Host> {
        self.hosts.iter().find(|host| host.name == name)
    }

    /// What SSH is told besides the address: this run's key and no other, this run's host keys and no others.
    pub fn ssh_options(&self, host: &Host) -> Vec<String> {
        let mut options = self.host_key_options(host);
        options.extend(["-i".to_owned(), self.key.display().to_string()]);
        options.extend(["-p".to_owned(), host.port.to_string()]);
        options
    }

    /// A host key is looked up by the machine's name in this run ([`alias`](Self::alias)), not by its address;
    /// the user's own files are neither asked nor touched.
    fn host_key_options(&self, host: &Host) -> Vec<String> {
        let known = format!("UserKnownHostsFile=\"{}\"", self.known_hosts.display());
        let options = [
            known,
            "GlobalKnownHostsFile=/dev/null".to_owned(),
            "StrictHostKeyChecking=yes".to_owned(),
            format!("HostKeyAlias={}", self.alias(host)),
            "IdentitiesOnly=yes".to_owned(),
            "ConnectTimeout=10".to_owned(),
        ];
        let mut words = vec!["-F".to_owned(), "none".to_owned()];
        words.extend(options.into_iter().flat_map(|option| ["-o".to_owned(), option]));
        words
    }

    /// The name under which a machine's host key stands in `known_hosts`.
    pub fn alias(&self, host: &Host) -> String {
        keys::alias(&host.name, &self.run)
    }

    /// The same for Ansible: groups `node`, `monitor` and `load`.
    ///
    /// For all: `run`, `provider`, `operator`, `federation` (`shards`, `replicas`, `rethinkdb`, `program`) and
    /// `storage` (`on`, `gib`). For each: how to log in, `number`, `region`, `public_address`,
    /// `private_address`, `volume_id`, `peers` (every other node, by number, with the `address` at which
    /// *this* machine reaches it), `monitor_address` (as this machine reaches it, or null), and for nodes
    /// `node_config`, the file here that goes there and nowhere else (private key in it).
    pub fn for_ansible(&self, configs: &Path) -> impl Serialize + use<> {
        let group = |role: Role| {
            let host =
                |host: &Host| (host.name.clone(), Ordered::Leaf(self.variables(host, configs)));
            let hosts = Ordered::Map(self.of(role).map(host).collect());
            (role.name().to_owned(), Ordered::Map(vec![("hosts".to_owned(), hosts)]))
        };
        let groups = Ordered::Map(Role::ALL.map(group).into());
        let vars = json!({
            "run": self.run,
            "provider": self.provider,
            "operator": self.operator,
            "federation": self.federation,
            "storage": self.storage,
            "ansible_ssh_private_key_file": self.key,
        });
        let all = vec![("vars".to_owned(), Ordered::Leaf(vars)), ("children".to_owned(), groups)];
        Ordered::Map(vec![("all".to_owned(), Ordered::Map(all))])
    }

    fn variables(&self, host: &Host, configs: &Path) -> Value {
        let peer = |peer: &Host| json!({ "name": peer.name, "number": peer.number, "address": peer.address_from(host) });
        let others = self.of(Role::Node).filter(|other| other.name != host.name);
        let monitor = self.of(Role::Monitor).next().map(|monitor| monitor.address_from(host));
        let mut variables = json!({
            "ansible_host": host.public,
            "ansible_port": host.port,
            "ansible_user": host.user,
            "ansible_ssh_common_args": words(&self.host_key_options(host)),
            "number": host.number,
            "region": host.region,
            "public_address": host.public,
            "private_address": host.private,
            "volume_id": host.volume,
            "peers": others.map(peer).collect::<Vec<_>>(),
            "monitor_address": monitor,
        });
        if host.is(Role::Node) {
            let config = configs.join(format!("{}.json", host.name));
            variables["node_config"] = json!(config);
        }
        variables
    }
}

/// Options as one line that a shell, and Ansible, take apart again.
fn words(options: &[String]) -> String {
    let quoted = |option: &String| {
        let plain =
            option.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_=./".contains(&byte));
        if plain { option.clone() } else { format!("'{}'", option.replace('\'', r"'\''")) }
    };
    options.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// An object whose keys stay in order, or any value.
enum Ordered {
    Leaf(Value),
    Map(Vec<(String, Ordered)>),
}

impl Serialize for Ordered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Leaf(value) => value.serialize(serializer),
            Self::Map(entries) => {
                serializer.collect_map(entries.iter().map(|(key, value)| (key, value)))
            }
        }
    }
}
