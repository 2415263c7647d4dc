//! The provider `docker`: machines are containers on this one, which boot as machines do.
//!
//! A container has systemd, cloud-init and SSH (`deploy/images/machine` makes the image), an address of its own in a
//! network of the run, and gets the same user-data as a machine in a cloud; so the same playbooks make the same of
//! it. Containers, the network and their labels bear the run's id. Nothing is written down that the engine does not
//! know: [`Docker::up`] looks at what is there, and goes on.
//!
//! Here: what is made, and taken away. Not here: how the engine is asked (`engine`).

mod engine;

use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use serde_json::json;

use crate::aws::user_data::user_data;
use crate::error::{DeployError, Result};
use crate::inventory::{Host, Inventory};
use crate::keys;
use crate::provider::{Expired, Plan, PlanLine, Provider, Resource, Standing};
use crate::run::{self, Run, from_rfc3339};
use crate::wish::{Database, Machine};
use engine::Engine;

/// Its name, as `--provider` has it.
pub const NAME: &str = "docker";

/// The image of machines, where nobody names another.
const IMAGE: &str = "bigchaindb-testbed/machine:latest";

/// Names another image of machines.
const IMAGE_VARIABLE: &str = "MACHINE_IMAGE";

/// Everything is here.
const REGION: &str = "local";

/// The label that everything of a run bears.
const LABEL_RUN: &str = "bigchaindb.run";

/// When it may be taken away.
const LABEL_EXPIRES_AT: &str = "bigchaindb.expires-at";

/// Who logs in.
const USER: &str = "ubuntu";

/// The port of SSH in a container.
const SSH_PORT: u16 = 22;

/// The last number of the first machine's address; 1 is the engine's own.
const FIRST_ADDRESS: u8 = 11;

/// Networks are looked for from here on: 172.29.0.0/24, 172.29.1.0/24…
const NETWORKS: [u8; 2] = [172, 29];

/// Makes containers.
#[derive(Debug)]
pub struct Docker {
    engine: Engine,
    image: String,
}

impl Docker {
    /// With the engine that this user's `docker` speaks to.
    ///
    /// # Errors
    /// There is no `docker`, or no engine answers.
    pub fn find() -> Result<Self> {
        let image = std::env::var(IMAGE_VARIABLE).unwrap_or_else(|_| IMAGE.to_owned());
        Ok(Self { engine: Engine::find()?, image })
    }

    /// The run's network, made if it is not there: its first three numbers.
    fn network(&self, run: &Run) -> Result<[u8; 3]> {
        let name = &run.state.id;
        if let Some(there) = self.engine.network(name)? {
            return Ok(there);
        }
        let [first, second] = NETWORKS;
        for third in 0..=u8::MAX {
            let prefix = [first, second, third];
            if self.engine.make_network(name, prefix, &labels(run))? {
                return Ok(prefix);
            }
        }
        let message = format!("no network of 172.29.0.0/16 is free for run `{name}`");
        Err(DeployError::surroundings(message, "`docker network ls` says who has them"))
    }

    /// A container, made and started if it is not there or stands still.
    fn container(&self, run: &Run, machine: &Machine<'_>, address: Ipv4Addr) -> Result<String> {
        let name = container_name(run, machine);
        match self.engine.state_of(&name)?.as_deref() {
            Some("running") => {}
            // Nobody knows whether it was given its user-data.
            Some("created") | None => {
                self.engine.remove_container(&name)?;
                let seed = seed(run, machine)?;
                let container = engine::Container {
                    name: &name,
                    hostname: &machine.name,
                    image: &self.image,
                    network: &run.state.id,
                    address,
                    labels: &labels(run),
                };
                self.engine.make(&container, &seed)?;
                self.engine.start(&name)?;
            }
            Some(_) => self.engine.start(&name)?,
        }
        self.engine.id_of(&name)
    }
}

impl Provider for Docker {
    fn name(&self) -> &'static str {
        NAME
    }

    fn plan(&self, run: &mut Run) -> Result<Plan> {
        let mut missing = 0;
        for machine in run.wish.machines() {
            let state = self.engine.state_of(&container_name(run, &machine))?;
            missing += u32::from(state.as_deref() != Some("running"));
        }
        let networks = u32::from(self.engine.network(&run.state.id)?.is_none());
        let line = |count, what: String| {
            let region = REGION.to_owned();
            PlanLine { count, what, region, hourly: Some((0, 0)) }
        };
        let lines = [
            line(networks, "network".to_owned()),
            line(missing, format!("container of {}", self.image)),
        ];
        let lines: Vec<_> = lines.into_iter().filter(|line| line.count > 0).collect();
        let mut notes = Vec::new();
        if !self.engine.has_image(&self.image)? {
            notes.push(format!(
                "the image {} is not there: `deploy/images/machine` makes it",
                self.image
            ));
        }
        Ok(Plan { differs: !lines.is_empty(), lines, notes, changes: Vec::new() })
    }

    fn up(&self, run: &mut Run, _tell: &mut dyn FnMut(&str)) -> Result<Inventory> {
        if !self.engine.has_image(&self.image)? {
            let message = format!("the Docker engine has no image `{}`", self.image);
            return Err(DeployError::surroundings(
                message,
                "`deploy/images/machine` makes it, as root",
            ));
        }
        let [first, second, third] = self.network(run)?;
        let mut hosts = Vec::new();
        for (index, machine) in (0_u8..).zip(run.wish.machines()) {
            let last = FIRST_ADDRESS.checked_add(index).expect("wishes have few machines");
            let address = Ipv4Addr::new(first, second, third, last);
            let id = self.container(run, &machine, address)?;
            hosts.push(host(&machine, id, address));
        }
        let gateway = Ipv4Addr::new(first, second, third, 1);
        let mut inventory = Inventory::of_run(run, hosts);
        // Containers reach nobody who has RethinkDB.
        inventory.federation.database.get_or_insert(Database::Embedded);
        // Whoever comes from this machine comes by this address.
        inventory.operator = vec![format!("{gateway}/32")];
        Ok(inventory)
    }

    fn status(&self, run: &Run) -> Result<Vec<Standing>> {
        let standing = |machine: Machine<'_>| {
            let name = container_name(run, &machine);
            let state = self.engine.state_of(&name)?;
            let id = state.as_ref().map(|_| self.engine.id_of(&name)).transpose()?;
            let public = match &id {
                Some(id) => self.engine.address_of(id)?,
                None => None,
            };
            let state = state.unwrap_or_else(|| "missing".to_owned());
            Ok(Standing { name: machine.name, id, state, public })
        };
        run.wish.machines().into_iter().map(standing).collect()
    }

    fn down(&self, run: &mut Run, tell: &mut dyn FnMut(&str)) -> Result<()> {
        for resource in self.leaks(run)? {
            tell(&format!("{resource} goes"));
            self.engine.remove(&resource.kind, &resource.id)?;
        }
        Ok(())
    }

    fn leaks(&self, run: &Run) -> Result<Vec<Resource>> {
        let mut left = Vec::new();
        // A network goes after who is in it.
        for kind in engine::KINDS {
            for id in self.engine.labelled(kind, &label(&run.state.id))? {
                left.push(Resource { region: REGION.to_owned(), kind: kind.to_owned(), id });
            }
        }
        Ok(left)
    }

    fn expired(&self, regions: &[String], now_s: u64) -> Result<Vec<Expired>> {
        if regions.iter().any(|region| region != REGION) {
            let hint = "leave out `--region`, or say `--provider aws`";
            return Err(DeployError::wrong("containers are in no region, but here", hint));
        }
        let mut labelled = Vec::new();
        for kind in engine::KINDS {
            for id in self.engine.labelled(kind, LABEL_EXPIRES_AT)? {
                // It may have gone meanwhile.
                let Some(labels) = self.engine.labels_of(kind, &id)? else { continue };
                let expires_s = labels.get(LABEL_EXPIRES_AT).and_then(|at| from_rfc3339(at));
                if let Some((run, expires_s)) = labels.get(LABEL_RUN).cloned().zip(expires_s) {
                    let resource =
                        Resource { region: REGION.to_owned(), kind: kind.to_owned(), id };
                    labelled.push((resource, run, expires_s));
                }
            }
        }
        Ok(Expired::of(labelled, now_s))
    }

    fn reap(&self, expired: &Expired) -> Result<()> {
        for resource in &expired.left {
            self.engine.remove(&resource.kind, &resource.id)?;
        }
        Ok(())
    }
}

/// A folder with what cloud-init reads in a container: the user-data that a cloud's machine gets, and what a cloud
/// would say of the machine. It has the machine's host key.
fn seed(run: &Run, machine: &Machine<'_>) -> Result<PathBuf> {
    let folder = run.dir.join("seeds").join(&machine.name);
    run::folder(&folder)?;
    let host_key = run.host_key(&machine.name);
    let private = fs::read_to_string(&host_key).map_err(DeployError::file(&host_key))?;
    let told = user_data(&private, &keys::public(&host_key)?, run.state.expires_s);
    run::write(&folder.join("user-data"), told.as_bytes())?;
    let instance = json!({
        "instance-id": container_name(run, machine),
        "local-hostname": machine.name,
        "public-keys": [keys::public(&run.ssh_key())?],
    });
    run::write(&folder.join("meta-data"), instance.to_string().as_bytes())?;
    Ok(folder)
}

fn host(machine: &Machine<'_>, id: String, address: Ipv4Addr) -> Host {
    Host {
        name: machine.name.clone(),
        roles: vec![machine.role],
        number: machine.number,
        public: address.to_string(),
        private: address.to_string(),
        region: REGION.to_owned(),
        zone: String::new(),
        id,
        user: USER.to_owned(),
        port: SSH_PORT,
        volume: None,
    }
}

/// What says that something is a run's.
fn label(run: &str) -> String {
    format!("{LABEL_RUN}={run}")
}

fn labels(run: &Run) -> Vec<String> {
    vec![
        label(&run.state.id),
        format!("bigchaindb.owner={}", run.state.owner),
        format!("{LABEL_EXPIRES_AT}={}", run.expires_at()),
    ]
}

fn container_name(run: &Run, machine: &Machine<'_>) -> String {
    format!("{}-{}", run.state.id, machine.name)
}
