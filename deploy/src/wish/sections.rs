//! The sections of a wish: what each may say, and what it means if it says nothing.

use std::net::Ipv4Addr;

use bigchaindb_strict::{Entry, Refusal, Section};
use serde::{Deserialize, Serialize};

use super::{TTL_MAX_S, TTL_MIN_S};

type Result<T> = std::result::Result<T, Refusal>;

/// More machines than this in one wish is a slip of the pen. The original stopped at 64, too.
const MACHINES_MAX: u32 = 64;

/// RethinkDB's own limit.
const SHARDS_MAX: u32 = 64;

/// The machines of the nodes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Nodes {
    /// How many.
    pub count: u32,
    /// Where: they are dealt out in turn.
    pub regions: Vec<String>,
    /// What they may be, the first choice first: the next is taken where there is no room for the one before.
    pub instance_types: Vec<String>,
    /// Whether they are spot instances: cheaper, and taken away whenever the cloud wants them back.
    pub spot: bool,
    /// Whether each keeps its address over a stop and start (an Elastic IP; five a region, by default).
    pub elastic_addresses: bool,
    /// The system, `ubuntu-24.04`; where the provider knows images by ids, the newest when the run is made.
    pub image: String,
    /// The size of the system's volume, in GiB.
    pub root_gib: u32,
}

/// Where RethinkDB's data go.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Storage {
    /// On what.
    pub on: StorageKind,
    /// The volume's size, in GiB.
    pub gib: u32,
    /// The volume's operations per second.
    pub iops: u32,
    /// The volume's throughput, in MiB/s.
    pub throughput: u32,
}

/// On what RethinkDB's data are.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum StorageKind {
    /// A volume of its own, encrypted, which ends with its machine.
    Volume,
    /// The machine's own disks, gone when it stops.
    InstanceStore,
    /// The system's volume.
    Root,
}

/// What the federation is to be.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Federation {
    /// Shards of each table.
    pub shards: u32,
    /// Replicas of each shard.
    pub replicas: u32,
    /// What its database is. None: what the provider's machines can have.
    pub database: Option<Database>,
    /// The version of RethinkDB.
    pub rethinkdb: String,
    /// The program of a node, here; it is copied to every machine that needs it.
    pub program: String,
    /// A file with a keypair for every node (`[{"public": …, "private": …}, …]`), for keys that are known
    /// beforehand. None: new ones for each run.
    #[serde(skip)]
    pub keypairs: Option<String>,
}

/// What the database of a federation is.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "lowercase")]
pub enum Database {
    /// RethinkDB: a server on every node, joined to all the others.
    Rethinkdb,
    /// The one that `bigchaindb` brings: on the first node, for all of them.
    Embedded,
}

/// The monitoring server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Monitoring {
    /// Where.
    pub region: String,
    /// What it may be, the first choice first.
    pub instance_types: Vec<String>,
    /// The size of its volume, in GiB.
    pub root_gib: u32,
}

/// Machines with clients.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Clients {
    /// How many.
    pub count: u32,
    /// Where.
    pub region: String,
    /// What they may be, the first choice first.
    pub instance_types: Vec<String>,
}

impl Nodes {
    pub(super) fn read(top: &mut Section<'_>) -> Result<Self> {
        let mut nodes = Self {
            count: 3,
            regions: vec!["eu-central-1".to_owned()],
            instance_types: vec!["m6i.large".to_owned()],
            spot: false,
            elastic_addresses: false,
            image: "ubuntu-24.04".to_owned(),
            root_gib: 16,
        };
        let Some(entry) = top.take("nodes") else { return Ok(nodes) };
        let mut section = entry.section("`[nodes]`")?;
        if let Some(entry) = section.take("count") {
            nodes.count = entry.whole(1, MACHINES_MAX)?;
        }
        if let Some(entry) = section.take("regions") {
            nodes.regions = some(&entry, word)?;
        }
        if let Some(entry) = section.take("instance_types") {
            nodes.instance_types = some(&entry, instance_type)?;
        }
        if let Some(entry) = section.take("spot") {
            nodes.spot = entry.truth()?;
        }
        if let Some(entry) = section.take("elastic_addresses") {
            nodes.elastic_addresses = entry.truth()?;
        }
        if let Some(entry) = section.take("image") {
            nodes.image = word(&entry)?;
        }
        if let Some(entry) = section.take("root_gib") {
            nodes.root_gib = entry.whole(8, 16_384)?;
        }
        section.finish()?;
        Ok(nodes)
    }
}

impl Storage {
    pub(super) fn read(top: &mut Section<'_>) -> Result<Self> {
        // What every gp3 volume has without extra cost.
        let mut storage = Self { on: StorageKind::Volume, gib: 30, iops: 3_000, throughput: 125 };
        let Some(entry) = top.take("storage") else { return Ok(storage) };
        let mut section = entry.section("`[storage]`")?;
        if let Some(entry) = section.take("on") {
            storage.on = match entry.one_of(&["volume", "instance-store", "root"])? {
                "volume" => StorageKind::Volume,
                "instance-store" => StorageKind::InstanceStore,
                _ => StorageKind::Root,
            };
        }
        let sized = storage.on == StorageKind::Volume;
        for (key, field, (low, high)) in [
            ("gib", &mut storage.gib, (1, 16_384)),
            ("iops", &mut storage.iops, (3_000, 16_000)),
            ("throughput", &mut storage.throughput, (125, 1_000)),
        ] {
            let Some(entry) = section.take(key) else { continue };
            if !sized {
                let message = format!("`{key}` is of a volume, and there is none");
                return Err(entry.error(message, "say `on = \"volume\"`, or leave it out"));
            }
            *field = entry.whole(low, high)?;
        }
        section.finish()?;
        Ok(storage)
    }
}

impl Federation {
    pub(super) fn read(top: &mut Section<'_>, nodes: u32) -> Result<Self> {
        let mut federation = Self {
            shards: nodes,
            replicas: nodes.min(3),
            database: None,
            rethinkdb: "2.4.4".to_owned(),
            program: "target/release/bigchaindb".to_owned(),
            keypairs: None,
        };
        let Some(entry) = top.take("federation") else { return Ok(federation) };
        let mut section = entry.section("`[federation]`")?;
        if let Some(entry) = section.take("shards") {
            federation.shards = entry.whole(1, SHARDS_MAX)?;
        }
        if let Some(entry) = section.take("replicas") {
            federation.replicas = entry.whole(1, MACHINES_MAX)?;
            if federation.replicas > nodes {
                let message =
                    format!("{} replicas do not fit on {nodes} nodes", federation.replicas);
                return Err(entry.error(message, format!("at most {nodes}: one on each")));
            }
        }
        if let Some(entry) = section.take("database") {
            federation.database = Some(match entry.one_of(&["rethinkdb", "embedded"])? {
                "rethinkdb" => Database::Rethinkdb,
                _ => Database::Embedded,
            });
        }
        if let Some(entry) = section.take("rethinkdb") {
            federation.rethinkdb = word(&entry)?;
        }
        if let Some(entry) = section.take("program") {
            federation.program = entry.text()?.to_owned();
        }
        if let Some(entry) = section.take("keypairs") {
            federation.keypairs = Some(entry.text()?.to_owned());
        }
        section.finish()?;
        Ok(federation)
    }
}

impl Monitoring {
    pub(super) fn read(top: &mut Section<'_>, nodes: &Nodes) -> Result<Option<Self>> {
        let Some(entry) = top.take("monitoring") else { return Ok(None) };
        let mut section = entry.section("`[monitoring]`")?;
        let region = section.take("region").map(|entry| word(&entry)).transpose()?;
        let types = section.take("instance_types").map(|entry| some(&entry, instance_type));
        let size = section.take("root_gib").map(|entry| entry.whole(8, 16_384)).transpose()?;
        let monitoring = Self {
            region: region.unwrap_or_else(|| nodes.regions[0].clone()),
            instance_types: types.transpose()?.unwrap_or_else(|| vec!["t3.small".to_owned()]),
            root_gib: size.unwrap_or(30),
        };
        section.finish()?;
        Ok(Some(monitoring))
    }
}

impl Clients {
    pub(super) fn read(top: &mut Section<'_>, nodes: &Nodes) -> Result<Option<Self>> {
        let Some(entry) = top.take("load") else { return Ok(None) };
        let mut section = entry.section("`[load]`")?;
        let count = section.take("count").map(|entry| entry.whole(1, MACHINES_MAX)).transpose()?;
        let region = section.take("region").map(|entry| word(&entry)).transpose()?;
        let types = section.take("instance_types").map(|entry| some(&entry, instance_type));
        let clients = Self {
            count: count.unwrap_or(1),
            region: region.unwrap_or_else(|| nodes.regions[0].clone()),
            instance_types: types.transpose()?.unwrap_or_else(|| vec!["c6i.large".to_owned()]),
        };
        section.finish()?;
        Ok(Some(clients))
    }
}

/// A name that can be part of a run's id, a tag and a file's name.
pub(super) fn name(entry: &Entry<'_>) -> Result<String> {
    let name = entry.text()?;
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let starts = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    if !starts || name.len() > 32 || !name.bytes().all(good) {
        let message = format!("`{name}` cannot be a name");
        return Err(entry.error(message, "up to 32 of a-z, 0-9 and -, a letter first"));
    }
    Ok(name.to_owned())
}

/// How long a run may live, in seconds.
pub(super) fn ttl(entry: &Entry<'_>) -> Result<u64> {
    let seconds = entry.duration()? / 1_000_000;
    if (TTL_MIN_S..=TTL_MAX_S).contains(&seconds) {
        return Ok(seconds);
    }
    let message = format!("a cluster does not live {}", entry.plain());
    Err(entry.error(message, "from 10min to 14d; then its machines end by themselves"))
}

/// Somebody who answers for a run: whatever a tag can hold.
pub(super) fn owner(entry: &Entry<'_>) -> Result<String> {
    let owner = entry.text()?;
    match not_an_owner(owner) {
        None => Ok(owner.to_owned()),
        Some(why) => Err(entry.error(format!("`{owner}` cannot be an owner: {why}"), OWNER_HINT)),
    }
}

pub(crate) const OWNER_HINT: &str = "a name or an e-mail address, up to 128 characters";

/// Why something cannot be an owner, if it cannot.
pub(crate) fn not_an_owner(owner: &str) -> Option<&'static str> {
    let good = |c: char| c.is_alphanumeric() || " +-=._:/@".contains(c);
    if owner.trim().is_empty() {
        Some("it is empty")
    } else if owner.chars().count() > 128 {
        Some("it is too long")
    } else if !owner.chars().all(good) {
        Some("tags take letters, digits, spaces and + - = . _ : / @")
    } else {
        None
    }
}

/// A block of addresses from which the operator comes.
pub(super) fn operator_block(entry: &Entry<'_>) -> Result<String> {
    let block = entry.text()?;
    match not_an_operator(block) {
        None => Ok(block.to_owned()),
        Some(why) => {
            Err(entry.error(format!("`{block}` is not for the operator: {why}"), OPERATOR_HINT))
        }
    }
}

pub(crate) const OPERATOR_HINT: &str = "write the address you come from, like \"203.0.113.7/32\"";

/// The widest block that is still somebody's own, and not the world.
const WIDEST_BITS: u8 = 16;

/// Why a text is no block of addresses for an operator, if it is none. Machines have addresses of IPv4 only.
pub(crate) fn not_an_operator(block: &str) -> Option<String> {
    let Some((address, bits)) = block.split_once('/') else {
        return Some("it has no `/`".to_owned());
    };
    if address.parse::<Ipv4Addr>().is_err() {
        return Some(format!("`{address}` is no address of IPv4"));
    }
    match bits.parse::<u8>() {
        Ok(bits) if bits > 32 => Some("an address has 32 bits".to_owned()),
        Ok(bits) if bits < WIDEST_BITS => Some(format!("wider than /{WIDEST_BITS} is the world")),
        Ok(_) => None,
        Err(_) => Some(format!("`{bits}` is no number of bits")),
    }
}

/// A list with something in it, nothing twice.
fn some(entry: &Entry<'_>, read: fn(&Entry<'_>) -> Result<String>) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for item in entry.list() {
        let value = read(&item)?;
        if found.contains(&value) {
            return Err(item.error(format!("`{value}` stands here twice"), "once is enough"));
        }
        found.push(value);
    }
    if found.is_empty() {
        return Err(entry.error("the list is empty".to_owned(), "name at least one"));
    }
    Ok(found)
}

/// A word that can stand in a file's name, a URL or a package's version.
fn word(entry: &Entry<'_>) -> Result<String> {
    let text = entry.text()?;
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+".contains(&byte);
    if text.is_empty() || text.len() > 64 || !text.bytes().all(good) {
        return Err(entry.error(format!("`{text}` is no name"), "letters, digits and - . _ ~ +"));
    }
    Ok(text.to_owned())
}

fn instance_type(entry: &Entry<'_>) -> Result<String> {
    let text = word(entry)?;
    let parts =
        text.split_once('.').filter(|(family, size)| !family.is_empty() && !size.is_empty());
    if parts.is_none() {
        return Err(entry.error(format!("`{text}` is no instance type"), "like \"m6i.large\""));
    }
    Ok(text)
}
