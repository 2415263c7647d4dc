//! Terraform makes a run's machines: a root module written for the run, and the program called on it.
//!
//! The root has a provider and a call of the module `region` for each region, and of `peers` where there are
//! several. It is JSON, which Terraform and OpenTofu read like their own language. User-data are named by file,
//! so that no plan and no state ever holds a key.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::ec2::{TAG_EXPIRES_AT, TAG_OWNER, TAG_RUN};
use super::pinned::Pinned;
use super::strays::Known;
use crate::error::{DeployError, Result};
use crate::inventory::Role;
use crate::keys;
use crate::run::{Run, folder, write};
use crate::wish::StorageKind;

/// The modules' files, as they are in this program.
const MODULES: [(&str, &str); 5] = [
    ("region/main.tf", include_str!("../../terraform/region/main.tf")),
    ("region/groups.tf", include_str!("../../terraform/region/groups.tf")),
    ("region/variables.tf", include_str!("../../terraform/region/variables.tf")),
    ("region/outputs.tf", include_str!("../../terraform/region/outputs.tf")),
    ("peers/main.tf", include_str!("../../terraform/peers/main.tf")),
];

/// Names the program, where it is not `terraform`: OpenTofu's `tofu`.
const PROGRAM: &str = "TESTBED_TERRAFORM";

/// Names a folder with the providers' programs, where no registry can be reached.
const PLUGINS: &str = "TESTBED_TERRAFORM_PLUGINS";

/// How often the provider tries a call again: enough for throttling, few enough for a zone that has no room.
const RETRIES: u32 = 6;

/// What Terraform says of a machine that it has made.
#[derive(Clone, PartialEq, Eq, Deserialize, Debug)]
pub(super) struct Made {
    /// The instance's id.
    pub(super) id: String,
    /// Its zone.
    pub(super) zone: String,
    /// Its private address.
    pub(super) private: String,
    /// Its public address.
    pub(super) public: String,
    /// The volume for RethinkDB's data.
    pub(super) volume: Option<String>,
}

/// Terraform in a run's folder.
#[derive(Debug)]
pub(super) struct Terraform<'a> {
    run: &'a Run,
    folder: PathBuf,
    program: String,
}

impl<'a> Terraform<'a> {
    /// Writes the root module for what is pinned, and makes it ready.
    ///
    /// `attempts` counts, by machine, how often it found no room.
    ///
    /// # Errors
    /// The files cannot be written, or Terraform fails.
    pub(super) fn prepare(
        run: &'a Run,
        pinned: &BTreeMap<String, Pinned>,
        attempts: &BTreeMap<String, usize>,
    ) -> Result<Self> {
        let terraform = Self::of(run);
        for (name, text) in MODULES {
            let path = terraform.folder.join(name);
            folder(path.parent().unwrap_or(&terraform.folder))?;
            write(&path, text.as_bytes())?;
        }
        let root = root(run, pinned, attempts)?;
        write(&terraform.folder.join("main.tf.json"), format!("{root:#}\n").as_bytes())?;
        let mut arguments =
            vec!["init".to_owned(), "-input=false".to_owned(), "-no-color".to_owned()];
        if let Some(plugins) = env::var_os(PLUGINS).filter(|folder| !folder.is_empty()) {
            arguments.push(format!("-plugin-dir={}", Path::new(&plugins).display()));
        }
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let fetched = terraform.folder.join(".terraform");
        if fetched.exists() {
            if terraform.call(&arguments)?.status.success() {
                return Ok(terraform);
            }
            // Killed while it fetched the provider, it trips over the half of it.
            fs::remove_dir_all(&fetched).map_err(DeployError::file(&fetched))?;
        }
        terraform.succeed(&arguments)?;
        Ok(terraform)
    }

    fn of(run: &'a Run) -> Self {
        let program = env::var(PROGRAM).ok().filter(|program| !program.is_empty());
        let program = program.unwrap_or_else(|| "terraform".to_owned());
        Self { run, folder: folder_of(run), program }
    }

    /// Plans, and tells whether anything would change.
    ///
    /// # Errors
    /// Terraform fails.
    pub(super) fn plan(&self) -> Result<bool> {
        let arguments = ["plan", "-input=false", "-no-color", "-detailed-exitcode", "-out=plan"];
        let output = self.call(&arguments)?;
        match output.status.code() {
            Some(0) => Ok(false),
            Some(2) => Ok(true),
            _ => Err(self.failed(&arguments, &output)),
        }
    }

    /// The plan that was made last, as JSON.
    ///
    /// # Errors
    /// There is none, or Terraform fails.
    pub(super) fn planned(&self) -> Result<Value> {
        let output = self.succeed(&["show", "-json", "plan"])?;
        self.json(&output.stdout)
    }

    /// Carries out the plan that was made last.
    ///
    /// If this program is killed, Terraform goes on to the end of what it has begun, and writes it down: it has the
    /// run's lock, and files to talk to, not us.
    ///
    /// # Errors
    /// Terraform fails; what it made before is kept.
    pub(super) fn apply(&self) -> Result<()> {
        let arguments = ["apply", "-input=false", "-no-color", "plan"];
        let (talk, refusals) = (self.folder.join("apply.log"), self.folder.join("apply.err"));
        let file = |path: &Path| File::create(path).map_err(DeployError::file(path));
        let mut command = self.command(&arguments);
        command.stdin(self.run.held()?).stdout(file(&talk)?).stderr(file(&refusals)?);
        let status = command.status().map_err(|error| self.not_there(error))?;
        let read = |path: &Path| fs::read(path).map_err(DeployError::file(path));
        let output = Output { status, stdout: read(&talk)?, stderr: read(&refusals)? };
        self.log(&arguments, &output)?;
        if !status.success() {
            return Err(self.failed(&arguments, &output));
        }
        Known::keep(&self.folder)
    }

    /// What has been made, by machine.
    ///
    /// # Errors
    /// Terraform fails, or says something else.
    pub(super) fn made(&self) -> Result<BTreeMap<String, Made>> {
        /// An output of the root module: machines by name.
        #[derive(Deserialize)]
        struct Output {
            value: BTreeMap<String, Made>,
        }
        let output = self.succeed(&["output", "-no-color", "-json"])?;
        let outputs: BTreeMap<String, Output> = serde_json::from_value(self.json(&output.stdout)?)
            .map_err(|error| self.unreadable(&error))?;
        Ok(outputs.into_values().flat_map(|output| output.value).collect())
    }

    fn json(&self, text: &[u8]) -> Result<Value> {
        serde_json::from_slice(text).map_err(|error| self.unreadable(&error))
    }

    fn unreadable(&self, error: &serde_json::Error) -> DeployError {
        let message = format!("`{}` says what cannot be read: {error}", self.program);
        DeployError::surroundings(message, "is it Terraform 1.5 or newer, or OpenTofu?")
    }

    fn succeed(&self, arguments: &[&str]) -> Result<Output> {
        let output = self.call(arguments)?;
        if output.status.success() { Ok(output) } else { Err(self.failed(arguments, &output)) }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(&self.folder).stdin(Stdio::null());
        command.env("TF_IN_AUTOMATION", "1").env("CHECKPOINT_DISABLE", "1");
        command
    }

    fn call(&self, arguments: &[&str]) -> Result<Output> {
        let output = self.command(arguments).output().map_err(|error| self.not_there(error))?;
        self.log(arguments, &output)?;
        Ok(output)
    }

    fn not_there(&self, error: std::io::Error) -> DeployError {
        DeployError::Program {
            program: self.program.clone(),
            hint: format!("install Terraform 1.5 or newer; or OpenTofu, with {PROGRAM}=tofu"),
            error,
        }
    }

    fn log(&self, arguments: &[&str], output: &Output) -> Result<()> {
        let log = self.run.log("terraform");
        let mut file = OpenOptions::new().create(true).append(true).open(&log);
        let told =
            file.as_mut().map_err(|error| std::io::Error::new(error.kind(), error.to_string()));
        let told = told.and_then(|file| {
            use std::io::Write as _;
            writeln!(file, "$ terraform {}", arguments.join(" "))?;
            // What it answers in JSON is data; the log is for its talk.
            if !arguments.contains(&"-json") {
                file.write_all(&output.stdout)?;
            }
            file.write_all(&output.stderr)
        });
        told.map_err(DeployError::file(&log))
    }

    fn failed(&self, arguments: &[&str], output: &Output) -> DeployError {
        let text = String::from_utf8_lossy(&output.stderr);
        let lines = text.lines().map(|line| line.trim_matches(['│', '╷', '╵', ' ']));
        let said: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
        DeployError::Failed {
            program: format!("{} {}", self.program, arguments[0]),
            status: output.status.to_string(),
            tail: said.join("\n"),
            hint: format!("all it said is in {}", self.run.log("terraform").display()),
        }
    }
}

/// Terraform's folder in a run's.
pub(super) fn folder_of(run: &Run) -> PathBuf {
    run.dir.join("terraform")
}

/// A region's name as Terraform can have it in names.
pub(super) fn label(region: &str) -> String {
    region.replace('-', "_")
}

/// The root module of a run.
fn root(
    run: &Run,
    pinned: &BTreeMap<String, Pinned>,
    attempts: &BTreeMap<String, usize>,
) -> Result<Value> {
    let regions = run.wish.regions();
    let mut providers = Vec::new();
    let mut modules = Map::new();
    let mut outputs = Map::new();
    for region in &regions {
        let name = label(region);
        providers.push(json!({
            "alias": name,
            "region": region,
            "skip_metadata_api_check": "true",
            "skip_region_validation": true,
            "max_retries": RETRIES,
        }));
        modules.insert(
            name.clone(),
            json!({
                "source": "./region",
                "providers": { "aws": format!("aws.{name}") },
                "run": run.state.id,
                "owner": run.state.owner,
                "expires_at": run.expires_at(),
                "operator": run.state.operator,
                "public_key": keys::public(&run.ssh_key())?,
                "vpc": pinned[*region].vpc,
                "machines": machines(run, region, &pinned[*region], attempts)?,
            }),
        );
        outputs.insert(name.clone(), json!({ "value": format!("${{module.{name}.machines}}") }));
        if regions.len() > 1 {
            modules.insert(format!("{name}_peers"), peers(run, region));
        }
    }
    Ok(json!({
        "terraform": {
            "required_version": ">= 1.5",
            "required_providers": { "aws": { "source": "hashicorp/aws", "version": "~> 5.100" } },
        },
        "provider": { "aws": providers },
        "module": modules,
        "output": outputs,
    }))
}

fn machines(
    run: &Run,
    region: &str,
    pinned: &Pinned,
    attempts: &BTreeMap<String, usize>,
) -> Result<Value> {
    let wish = &run.wish;
    let storage = &wish.storage;
    let mut machines = Map::new();
    for machine in wish.machines().iter().filter(|machine| machine.region == region) {
        let tries = pinned.tries(machine);
        let attempt = attempts.get(&machine.name).copied().unwrap_or(0);
        let Some(tried) = tries.get(attempt) else {
            let message =
                format!("{} has found no room in {region}: {attempt} tries", machine.name);
            let hint = "name more instance types, another region, or no spot instances";
            return Err(DeployError::surroundings(message, hint));
        };
        let is_node = machine.role == Role::Node;
        let data = (is_node && storage.on == StorageKind::Volume).then(|| {
            json!({ "gib": storage.gib, "iops": storage.iops, "throughput": storage.throughput })
        });
        machines.insert(
            machine.name.clone(),
            json!({
                "role": machine.role,
                "image": tried.image,
                "instance_type": tried.instance_type,
                "subnet": tried.subnet,
                "spot": is_node && wish.nodes.spot,
                "elastic": is_node && wish.nodes.elastic_addresses,
                "root_gib": wish.root_gib(machine.role),
                "user_data": format!("../user-data/{}", machine.name),
                "data": data,
            }),
        );
    }
    Ok(Value::Object(machines))
}

/// The call of `peers` for a region: the machines everywhere else.
fn peers(run: &Run, region: &str) -> Value {
    let machines = run.wish.machines();
    let others = machines.iter().filter(|machine| machine.region != region);
    let mut roles = Map::new();
    let mut addresses = Map::new();
    for machine in others {
        let address =
            format!("${{module.{}.machines[\"{}\"].public}}", label(machine.region), machine.name);
        roles.insert(machine.name.clone(), json!(machine.role));
        addresses.insert(machine.name.clone(), json!(address));
    }
    let mut here: Vec<_> = machines
        .iter()
        .filter(|machine| machine.region == region)
        .map(|machine| machine.role)
        .collect();
    here.dedup();
    let name = label(region);
    json!({
        "source": "./peers",
        "providers": { "aws": format!("aws.{name}") },
        "groups": format!("${{module.{name}.groups}}"),
        "roles": here,
        "peers": roles,
        "addresses": addresses,
        "tags": {
            TAG_RUN: run.state.id,
            TAG_OWNER: run.state.owner,
            TAG_EXPIRES_AT: run.expires_at(),
        },
    })
}
