//! What bears a run's tag and Terraform does not know of: made by a call whose answer nobody has written down.
//!
//! Terraform writes a thing down once it stands. Killed before that, or with its file lost, it would make the thing
//! again, or be refused because it is there. So before it is called again, everything is looked for by tag, and what
//! its state does not name is taken away: nobody has been on it, and Terraform makes it again. But a machine that has
//! been reached may hold data: then nothing is done but to say so.
//!
//! Here: Terraform's state, as far as it says what there is, and what is done if it cannot be read. Not here: in
//! which order things can go (`ending`).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::client::ApiError;
use super::ec2::{Ec2, Found, Kind};
use super::ending;
use super::terraform::label;
use crate::error::{DeployError, Result};
use crate::run::{Run, write};

/// Where Terraform writes down what it has made: in place, so that a crash can tear it.
const STATE: &str = "terraform.tfstate";

/// The same as it was when Terraform had last done all it should.
const KEPT: &str = "kept.tfstate";

/// What was found instead of a state that can be read.
const TORN: &str = "torn.tfstate";

/// What Terraform's state names.
#[derive(Default, Debug)]
pub(super) struct Known {
    /// The region as Terraform's names have it, and the id there.
    ids: BTreeSet<(String, String)>,
}

impl Known {
    /// Reads Terraform's state in its folder. If that cannot be read, what was kept last takes its place; if there is
    /// nothing of that either, nothing is known. `tell` hears of it.
    ///
    /// # Errors
    /// Files cannot be read or written.
    pub(super) fn recover(folder: &Path, tell: &mut dyn FnMut(&str)) -> Result<Self> {
        let (path, kept) = (folder.join(STATE), folder.join(KEPT));
        let text = read(&path)?;
        if let Some(known) = Self::parse(&text) {
            return Ok(known);
        }
        let is_torn = !text.is_empty();
        if is_torn {
            let torn = folder.join(TORN);
            fs::rename(&path, &torn).map_err(DeployError::file(&torn))?;
            tell(&format!("Terraform's state cannot be read; it is in {} now", torn.display()));
        }
        let text = read(&kept)?;
        let Some(known) = Self::parse(&text) else { return Ok(Self::default()) };
        write(&path, &text)?;
        let told = if is_torn { "the one" } else { "Terraform's state is lost: the one" };
        tell(&format!("{told} that was kept when all was well last takes its place"));
        Ok(known)
    }

    /// Keeps the state as it is: Terraform has done all it should.
    ///
    /// # Errors
    /// Files cannot be read or written.
    pub(super) fn keep(folder: &Path) -> Result<()> {
        write(&folder.join(KEPT), &read(&folder.join(STATE))?)
    }

    fn parse(text: &[u8]) -> Option<Self> {
        /// The part of a state that counts here.
        #[derive(Deserialize)]
        struct State {
            resources: Vec<Resource>,
        }
        #[derive(Deserialize)]
        struct Resource {
            #[serde(default)]
            module: String,
            instances: Vec<Instance>,
        }
        #[derive(Deserialize)]
        struct Instance {
            attributes: Value,
        }
        let state: State = serde_json::from_slice(text).ok()?;
        let mut known = Self::default();
        for Resource { module, instances } in state.resources {
            let region = module.trim_start_matches("module.").trim_end_matches("_peers");
            for Instance { attributes } in instances {
                let disks = ["root_block_device", "ebs_block_device"];
                let disks = disks.iter().flat_map(|disks| attributes[disks].as_array());
                let disks = disks.flatten().map(|disk| &disk["volume_id"]);
                let own = [&attributes["id"], &attributes["spot_instance_request_id"]];
                for id in own.into_iter().chain(disks).filter_map(Value::as_str) {
                    known.ids.insert((region.to_owned(), id.to_owned()));
                }
            }
        }
        Some(known)
    }

    fn has(&self, region: &str, found: &Found) -> bool {
        self.ids.contains(&(label(region), found.id.clone()))
    }

    /// What of a run in one region is not known, and could be a second one of what Terraform makes.
    ///
    /// # Errors
    /// EC2 cannot be asked.
    pub(super) fn strays(
        &self,
        ec2: Ec2<'_>,
        run: &str,
    ) -> std::result::Result<Vec<Found>, ApiError> {
        let mut found = ending::left(ec2, run)?;
        found.extend(ec2.of_run(Kind::Rule, run)?);
        // A volume in use goes with its machine.
        let in_use = |found: &Found| found.kind == Kind::Volume && found.state == "in-use";
        found.retain(|found| !self.has(ec2.region, found) && !in_use(found));
        Ok(found)
    }
}

/// Refuses to take away a machine that has been reached.
///
/// # Errors
/// It is one.
pub(super) fn refuse_if_reached(run: &Run, found: &Found) -> Result<()> {
    let reached = run.inventory().ok();
    let reached = reached.as_ref().and_then(|reached| {
        reached.hosts.iter().find(|host| found.kind == Kind::Instance && host.id == found.id)
    });
    let Some(host) = reached else { return Ok(()) };
    let message = format!(
        "{} ({}) stands and may hold data, and Terraform's state does not know of it",
        host.name, host.id
    );
    let hint = format!(
        "put {STATE} back into {}; or `deploy down {}` takes away all there is, with its data",
        run.dir.join("terraform").display(),
        run.state.id
    );
    Err(DeployError::surroundings(message, hint))
}

/// A file's bytes; none if it is not there.
fn read(path: &Path) -> Result<Vec<u8>> {
    match fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        outcome => outcome.map_err(DeployError::file(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE_TEXT: &str = r#"{"version": 4, "resources": [
        {"module": "module.eu_central_1", "type": "aws_instance", "instances": [{"attributes": {
            "id": "i-1", "spot_instance_request_id": "sir-1", "key_name": "testbed-x", "ebs_block_device": [],
            "root_block_device": [{"volume_id": "vol-1"}]}}]},
        {"module": "module.us_east_1_peers", "type": "aws_vpc_security_group_ingress_rule",
            "instances": [{"attributes": {"id": "sgr-1", "security_group_id": "sg-1"}}]}]}"#;

    fn found(kind: Kind, id: &str) -> Found {
        let (state, tags) = (String::new(), Default::default());
        Found { kind, id: id.to_owned(), state, tags, tied: None, public: None }
    }

    #[test]
    fn what_a_state_names_is_known_where_it_is() {
        let known = Known::parse(STATE_TEXT.as_bytes()).unwrap();
        for (kind, region, id, is_known) in [
            (Kind::Instance, "eu-central-1", "i-1", true),
            (Kind::Instance, "us-east-1", "i-1", false),
            (Kind::SpotRequest, "eu-central-1", "sir-1", true),
            (Kind::Volume, "eu-central-1", "vol-1", true),
            (Kind::Rule, "us-east-1", "sgr-1", true),
            // Named, but not as something that is there.
            (Kind::KeyPair, "eu-central-1", "testbed-x", false),
            (Kind::Group, "us-east-1", "sg-1", false),
        ] {
            assert_eq!(known.has(region, &found(kind, id)), is_known, "{id} in {region}");
        }
    }

    #[test]
    fn a_state_that_cannot_be_read_gives_way_to_the_one_that_was_kept() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let recover = || {
            let mut told = Vec::new();
            let known = Known::recover(folder.path(), &mut |what| told.push(what.to_owned()));
            (known.unwrap().ids.len(), told.join("\n"))
        };
        // Before Terraform has made anything, nothing is amiss.
        assert_eq!(recover(), (0, String::new()));
        put(STATE, &STATE_TEXT[..STATE_TEXT.len() / 2]);
        let (known, told) = recover();
        assert!(known == 0 && told.contains("cannot be read"), "{told}");
        put(STATE, STATE_TEXT);
        Known::keep(folder.path()).unwrap();
        for worse in ["", "{", &STATE_TEXT[..STATE_TEXT.len() - 3]] {
            put(STATE, worse);
            let (known, told) = recover();
            assert!(known == 4 && told.contains("takes its place"), "{worse}: {told}");
            assert_eq!(recover(), (4, String::new()), "it is whole again");
        }
    }
}
