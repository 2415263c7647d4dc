//! Machines on AWS: made by Terraform, looked at and taken away by calls of our own.
//!
//! What has to be looked up is looked up once (`pinned`); Terraform's root module is written for the run
//! (`terraform`); everything is found again by its tags (`ec2`) and taken away in the order in which that can be
//! (`ending`), whatever Terraform's state says; what that does not know of, after a crash, is taken away before
//! Terraform makes it again (`strays`). Runs whose time is over are found by their tags alone.

mod client;
mod credentials;
mod ec2;
mod ending;
mod pinned;
mod prices;
mod quotas;
mod strays;
mod terraform;
pub mod user_data;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::env;
use std::fs;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use client::{ApiError, Client, Clock};
pub use prices::Prices;

use crate::error::{DeployError, Result};
use crate::inventory::{Host, Inventory};
use crate::provider::{Expired, Plan, Provider, Resource, Standing};
use crate::run::{Run, Step, folder, from_rfc3339, write};
use crate::wish::Machine;
use ec2::{Ec2, Found, Kind, TAG_EXPIRES_AT, TAG_MACHINE, TAG_RUN};
use ending::EndingError;
use pinned::Pinned;
use strays::Known;
use terraform::{Terraform, folder_of};

/// The provider's name.
pub const NAME: &str = "aws";

/// Names another endpoint than AWS's own.
const ENDPOINT: &str = "AWS_ENDPOINT_URL";

/// Where the account's regions are asked for.
const HOME_REGION: &str = "us-east-1";

/// Who logs in on Ubuntu's images.
const USER: &str = "ubuntu";

/// The Elastic IPs that an account has in a region if nobody has asked for more.
const ELASTIC_USUAL: usize = 5;

/// Codes that mean: no room for this type in this zone.
const NO_ROOM: [&str; 4] = [
    "InsufficientInstanceCapacity",
    "InsufficientHostCapacity",
    "SpotMaxPriceTooLow",
    "Unsupported",
];

/// AWS.
#[derive(Debug)]
pub struct Aws {
    client: Client,
}

/// What is kept of a run besides its state.
#[derive(Default, Serialize, Deserialize, Debug)]
#[serde(default)]
struct Notes {
    /// What was looked up, by region.
    pinned: BTreeMap<String, Pinned>,
    /// How often each machine has found no room.
    attempts: BTreeMap<String, usize>,
    /// What is being taken away: written before each call.
    ending: Vec<Resource>,
}

impl Notes {
    fn of(run: &Run) -> Result<Self> {
        if run.state.provider_notes.is_null() {
            return Ok(Self::default());
        }
        serde_json::from_value(run.state.provider_notes.clone()).map_err(|error| {
            let message = format!("{}: {error}", run.dir.join("run.json").display());
            DeployError::surroundings(message, "was it written by another version of this program?")
        })
    }

    fn save(&self, run: &mut Run) -> Result<()> {
        run.state.provider_notes =
            serde_json::to_value(self).expect("our own types have a JSON form");
        run.save()
    }
}

impl Aws {
    /// AWS with these credentials and this endpoint; `pause` between two looks at something that takes time.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// AWS as the environment has it.
    ///
    /// # Errors
    /// There are no credentials.
    pub fn from_environment(clock: Clock, pause: Duration) -> Result<Self> {
        let endpoint = env::var(ENDPOINT).ok().filter(|endpoint| !endpoint.is_empty());
        Ok(Self::new(Client::new(credentials::find()?, endpoint, clock, pause)))
    }

    fn ec2<'a>(&'a self, region: &'a str) -> Ec2<'a> {
        Ec2 { client: &self.client, region }
    }

    /// Looks up what is not pinned yet, and writes what machines are told.
    fn ready(&self, run: &mut Run) -> Result<Notes> {
        let mut notes = Notes::of(run)?;
        for region in run.wish.regions() {
            if let Entry::Vacant(unknown) = notes.pinned.entry(region.to_owned()) {
                unknown.insert(Pinned::look_up(self.ec2(region), &run.wish)?);
            }
        }
        notes.save(run)?;
        folder(&run.dir.join("user-data"))?;
        for machine in run.wish.machines() {
            let key = run.host_key(&machine.name);
            let private = fs::read_to_string(&key).map_err(DeployError::file(&key))?;
            let public = crate::keys::public(&key)?;
            let told = user_data::user_data(&private, &public, run.state.expires_s);
            assert!(told.len() <= user_data::BYTES_MAX, "two files and a key are no 16 kB");
            write(&run.dir.join("user-data").join(&machine.name), told.as_bytes())?;
        }
        Ok(notes)
    }

    /// Takes away what an earlier try has made and Terraform does not know of, so that it can be made again.
    fn clear_strays(
        &self,
        run: &mut Run,
        notes: &mut Notes,
        tell: &mut dyn FnMut(&str),
    ) -> Result<()> {
        let known = Known::recover(&folder_of(run), tell)?;
        let id = run.state.id.clone();
        for region in run.state.regions.clone() {
            let ec2 = self.ec2(&region);
            let journal = |found: &Found| {
                strays::refuse_if_reached(run, found)?;
                let resource = resource(&region, found);
                if !notes.ending.contains(&resource) {
                    tell(&format!(
                        "Terraform does not know of {resource}: it goes, to be made again"
                    ));
                    notes.ending.push(resource);
                    notes.save(run)?;
                }
                Ok(())
            };
            ending::end(ec2, || known.strays(ec2, &id), journal).map_err(not_ended)?;
        }
        Ok(())
    }

    /// Refuses an id that is in use by a run that is not in this folder.
    fn refuse_a_strangers(&self, run: &Run) -> Result<()> {
        for region in &run.state.regions {
            if let Some(found) = ending::left(self.ec2(region), &run.state.id)?.first() {
                let message = format!(
                    "the id `{}` is in use: {} {} in {region} bears it",
                    run.state.id,
                    found.kind.name(),
                    found.id
                );
                return Err(DeployError::wrong(message, "choose another with `--run`"));
            }
        }
        Ok(())
    }
}

impl Provider for Aws {
    fn name(&self) -> &'static str {
        NAME
    }

    fn plan(&self, run: &mut Run) -> Result<Plan> {
        let notes = self.ready(run)?;
        let mut told = Vec::new();
        if run.state.step != Step::Begun {
            let known = Known::recover(&folder_of(run), &mut |what| told.push(what.to_owned()))?;
            for region in &run.state.regions {
                for found in known.strays(self.ec2(region), &run.state.id)? {
                    let stray = resource(region, &found);
                    told.push(format!("Terraform does not know of {stray}: `up` makes it again"));
                }
            }
        }
        let terraform = Terraform::prepare(run, &notes.pinned, &notes.attempts)?;
        let differs = terraform.plan()?;
        let planned = terraform.planned()?;
        let prices = Prices::built_in()?;
        let chosen = |machine: &Machine<'_>| {
            let attempt = notes.attempts.get(&machine.name).copied().unwrap_or(0);
            let tries = notes.pinned.get(machine.region).map(|pinned| pinned.tries(machine));
            let tried = tries.as_ref().and_then(|tries| tries.get(attempt));
            tried.map_or_else(
                || machine.instance_types[0].clone(),
                |tried| tried.instance_type.to_owned(),
            )
        };
        let lines = prices.lines(&run.wish, chosen);
        told.push(format!("prices of {}: {}", prices.date, prices.source));
        for line in lines.iter().filter(|line| line.hourly.is_none()) {
            told.push(format!("nobody here knows what `{}` costs in {}", line.what, line.region));
        }
        for region in run.wish.regions() {
            let elastic =
                lines.iter().filter(|line| line.region == region && line.what == "Elastic IP");
            let count: usize = elastic.map(|line| line.count as usize).sum();
            if count > ELASTIC_USUAL {
                told.push(format!(
                    "{count} Elastic IPs in {region}: an account has {ELASTIC_USUAL} unless it asks"
                ));
            }
        }
        Ok(Plan { lines, notes: told, changes: changes(&planned), differs })
    }

    fn up(&self, run: &mut Run, tell: &mut dyn FnMut(&str)) -> Result<Inventory> {
        let is_new = run.state.step == Step::Begun;
        if is_new {
            self.refuse_a_strangers(run)?;
        }
        let mut notes = self.ready(run)?;
        if !is_new {
            self.clear_strays(run, &mut notes, tell)?;
        }
        run.begin(Step::Making)?;
        let made = loop {
            let terraform = Terraform::prepare(run, &notes.pinned, &notes.attempts)?;
            let outcome = terraform.plan().and_then(|_| terraform.apply());
            match outcome {
                Ok(()) => break terraform.made()?,
                Err(error) => {
                    let told = error.to_string();
                    let crowded: Vec<_> = run
                        .wish
                        .machines()
                        .into_iter()
                        .filter(|machine| found_no_room(&told, &machine.name))
                        .map(|machine| machine.name)
                        .collect();
                    if crowded.is_empty() {
                        return Err(quotas::exceeded(&told, run).unwrap_or(error));
                    }
                    for name in crowded {
                        *notes.attempts.entry(name).or_default() += 1;
                    }
                    notes.save(run)?;
                }
            }
        };
        let host = |machine: Machine<'_>| {
            let made = made.get(&machine.name).ok_or_else(|| {
                let message = format!("Terraform does not say what became of {}", machine.name);
                DeployError::surroundings(message, "call `deploy up` again")
            })?;
            Ok(Host {
                name: machine.name,
                roles: vec![machine.role],
                number: machine.number,
                public: made.public.clone(),
                private: made.private.clone(),
                region: machine.region.to_owned(),
                zone: made.zone.clone(),
                id: made.id.clone(),
                user: USER.to_owned(),
                port: 22,
                volume: made.volume.clone(),
            })
        };
        let hosts = run.wish.machines().into_iter().map(host).collect::<Result<_>>()?;
        Ok(Inventory::of_run(run, hosts))
    }

    fn status(&self, run: &Run) -> Result<Vec<Standing>> {
        let mut found: Vec<Found> = Vec::new();
        for region in &run.state.regions {
            found.extend(self.ec2(region).of_run(Kind::Instance, &run.state.id)?);
        }
        // One that is over is listed for a while beside the one that took its place.
        found.retain(|found| !found.is_over());
        let standing = |machine: Machine<'_>| {
            let of = |found: &&Found| found.tags.get(TAG_MACHINE) == Some(&machine.name);
            let found = found.iter().find(of);
            Standing {
                id: found.map(|found| found.id.clone()),
                state: found.map_or_else(|| "missing".to_owned(), |found| found.state.clone()),
                public: found.and_then(|found| found.public.clone()),
                name: machine.name,
            }
        };
        Ok(run.wish.machines().into_iter().map(standing).collect())
    }

    fn down(&self, run: &mut Run, tell: &mut dyn FnMut(&str)) -> Result<()> {
        run.begin(Step::Ending)?;
        let mut notes = Notes::of(run)?;
        let id = run.state.id.clone();
        let mut told = Vec::new();
        for region in run.state.regions.clone() {
            let journal = |found: &Found| {
                let resource = resource(&region, found);
                if !told.contains(&resource) {
                    tell(&format!("{resource} goes"));
                    told.push(resource.clone());
                }
                if !notes.ending.contains(&resource) {
                    notes.ending.push(resource);
                    notes.save(run)?;
                }
                Ok(())
            };
            let ec2 = self.ec2(&region);
            ending::end(ec2, || ending::left(ec2, &id), journal).map_err(not_ended)?;
        }
        Ok(())
    }

    fn leaks(&self, run: &Run) -> Result<Vec<Resource>> {
        let mut leaks = Vec::new();
        for region in &run.state.regions {
            let left = ending::left(self.ec2(region), &run.state.id)?;
            leaks.extend(left.iter().map(|found| resource(region, found)));
        }
        Ok(leaks)
    }

    fn expired(&self, regions: &[String], now_s: u64) -> Result<Vec<Expired>> {
        let everywhere;
        let regions = if regions.is_empty() {
            everywhere = self.ec2(HOME_REGION).regions()?;
            &everywhere
        } else {
            regions
        };
        let mut tagged = Vec::new();
        for region in regions {
            for kind in Kind::ALL {
                let found = self.ec2(region).of_any_run(kind)?;
                for found in found.iter().filter(|found| !found.is_over()) {
                    let tag = |name: &str| found.tags.get(name);
                    let expires_s = tag(TAG_EXPIRES_AT).and_then(|at| from_rfc3339(at));
                    if let Some((run, expires_s)) = tag(TAG_RUN).zip(expires_s) {
                        tagged.push((resource(region, found), run.clone(), expires_s));
                    }
                }
            }
        }
        Ok(Expired::of(tagged, now_s))
    }

    fn reap(&self, expired: &Expired) -> Result<()> {
        let mut regions: Vec<&str> = expired.left.iter().map(|left| left.region.as_str()).collect();
        regions.dedup();
        for region in regions {
            let journal = |_: &Found| Ok::<(), DeployError>(());
            let ec2 = self.ec2(region);
            ending::end(ec2, || ending::left(ec2, &expired.run), journal).map_err(not_ended)?;
        }
        Ok(())
    }
}

fn resource(region: &str, found: &Found) -> Resource {
    Resource { region: region.to_owned(), kind: found.kind.name().to_owned(), id: found.id.clone() }
}

fn not_ended(error: EndingError<DeployError>) -> DeployError {
    match error {
        EndingError::Api(error) => error.into(),
        EndingError::Journal(error) => error,
        stuck => DeployError::surroundings(
            stuck.to_string(),
            "call it again; if it stays, AWS's console says what holds it",
        ),
    }
}

/// Whether Terraform says that a machine of that name found no room.
fn found_no_room(told: &str, machine: &str) -> bool {
    // Errors come one after the other, each with the address of what it is about.
    let address = format!("aws_instance.machine[\"{machine}\"]");
    let about = |part: &&str| part.contains(&address);
    told.split("Error: ").filter(about).any(|part| NO_ROOM.iter().any(|code| part.contains(code)))
}

/// What Terraform would do to what is there, and what it would make.
fn changes(planned: &Value) -> Vec<String> {
    let changes = planned["resource_changes"].as_array().into_iter().flatten();
    let change = |change: &Value| {
        let actions: Vec<_> =
            change["change"]["actions"].as_array()?.iter().filter_map(Value::as_str).collect();
        let nothing = actions.iter().all(|action| ["no-op", "read"].contains(action));
        (!nothing).then(|| {
            format!("{} {}", actions.join(" and "), change["address"].as_str().unwrap_or_default())
        })
    };
    changes.filter_map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_machine_that_found_no_room_is_tried_elsewhere() {
        let told = "Error: creating EC2 Instance: operation error EC2: RunInstances, api error \
                    InsufficientInstanceCapacity: none left\nwith \
                    module.eu_central_1.aws_instance.machine[\"node1\"],\nError: creating EC2 Instance: \
                    VcpuLimitExceeded\nwith module.eu_central_1.aws_instance.machine[\"node10\"],";
        assert!(found_no_room(told, "node1"));
        assert!(!found_no_room(told, "node10"));
        assert!(!found_no_room(told, "node2"));
    }
}
