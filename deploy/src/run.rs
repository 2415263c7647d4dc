//! A run of a wish: the folder that holds all that has to be known to go on with it, or to end it.
//!
//! | file | what |
//! |---|---|
//! | `run.json` | [`State`]: who, until when, how far; written before each step, never in part |
//! | `wish.toml` | the wish, as it was |
//! | `keys/ssh`, `keys/NAME` | the key that logs in; a host key for every machine; with `.pub` beside each |
//! | `configs/NAME.json` | a config for every node, with its private key |
//! | `known_hosts` | the host keys of this run's machines, by name |
//! | `inventory.json`, `hosts.json` | how to reach them (`inventory`) |
//! | `logs/` | what the tools said |
//! | anything else | the provider's |
//!
//! The folder is for its owner alone (mode 700), as are the private keys in it (600). Here: the folder. Not
//! here: what is in the keys (`keys`) and the configs (`configs`).

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{self, Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::error::{DeployError, Result};
use crate::inventory::Inventory;
use crate::wish::Wish;

/// The folder for runs, where nobody names another.
pub const DEPLOYMENTS: &str = "deployments";

/// A run, open: nobody else can open it meanwhile, but look at it.
#[derive(Debug)]
pub struct Run {
    /// Its folder, as an absolute path.
    pub dir: PathBuf,
    /// What is wanted.
    pub wish: Wish,
    /// How far it has come.
    pub state: State,
    lock: Option<File>,
}

/// What is known of a run besides its wish.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct State {
    /// The run's id: the wish's name and some chance. Everything that is made bears it.
    pub id: String,
    /// Who makes its machines: `aws`, `docker`.
    pub provider: String,
    /// Who answers for it.
    pub owner: String,
    /// From where SSH and the API may be reached.
    pub operator: Vec<String>,
    /// When it began, in seconds since 1970.
    pub started_s: u64,
    /// When its machines end by themselves, in seconds since 1970.
    pub expires_s: u64,
    /// The program of a node, here, as an absolute path: the wish's is seen from where the run began. Empty in runs
    /// of before it was kept, which can be ended all the same.
    #[serde(default)]
    pub program: PathBuf,
    /// Every region in which something may have been made.
    pub regions: Vec<String>,
    /// What was begun last.
    pub step: Step,
    /// What the provider keeps: written before it makes or takes away what is named there.
    #[serde(default)]
    pub provider_notes: serde_json::Value,
}

/// The steps of a run. Each is written down when it begins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Debug)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// The folder is there, and nothing else.
    Begun,
    /// Machines are being made: anything may be there.
    Making,
    /// Machines are there; the playbooks are at work on them.
    Configuring,
    /// The federation stands.
    Ready,
    /// All is being taken away.
    Ending,
    /// Nothing is left, as far as was looked.
    Gone,
}

/// What is asked for besides what a wish says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    /// Who makes the machines.
    pub provider: String,
    /// An id for the run; without it, the wish's name and some chance.
    pub id: Option<String>,
    /// Who answers for it.
    pub owner: String,
    /// From where SSH and the API may be reached.
    pub operator: Vec<String>,
    /// What time it is, in seconds since 1970.
    pub now_s: u64,
}

impl Run {
    /// A new run's folder in `root`.
    ///
    /// # Errors
    /// The folder cannot be made, or the id is in use.
    pub fn create(root: &Path, wish: Wish, asked: Asked) -> Result<Self> {
        let id = asked.id.unwrap_or_else(|| format!("{}-{}", wish.name, chance()));
        folder(root)?;
        let root = root.canonicalize().map_err(DeployError::file(root))?;
        let dir = root.join(&id);
        DirBuilder::new().mode(0o700).create(&dir).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                let hint = format!("`deploy up --run {id}` goes on with it; or choose another id");
                DeployError::wrong(format!("there is a run `{id}` already"), hint)
            }
            _ => DeployError::file(&dir)(error),
        })?;
        let program = Path::new(&wish.federation.program);
        let state = State {
            id,
            program: path::absolute(program).map_err(DeployError::file(program))?,
            provider: asked.provider,
            owner: asked.owner,
            operator: asked.operator,
            started_s: asked.now_s,
            expires_s: asked.now_s + wish.ttl_s,
            regions: wish.regions().into_iter().map(str::to_owned).collect(),
            step: Step::Begun,
            provider_notes: serde_json::Value::Null,
        };
        let run = Self { lock: Some(locked(&dir)?), dir, wish, state };
        write(&run.dir.join("wish.toml"), run.wish.text.as_bytes())?;
        for part in ["keys", "configs", "logs"] {
            folder(&run.dir.join(part))?;
        }
        run.save()?;
        Ok(run)
    }

    /// A run that is there, to go on with it.
    ///
    /// # Errors
    /// There is none of that id, its files cannot be read, or somebody else has it open.
    pub fn open(root: &Path, id: &str) -> Result<Self> {
        let dir = Self::dir(root, id)?;
        let lock = locked(&dir)?;
        Ok(Self { lock: Some(lock), ..Self::read(dir)? })
    }

    /// A run that is there, to look at it while others may be at work.
    ///
    /// # Errors
    /// There is none of that id, or its files cannot be read.
    pub fn look(root: &Path, id: &str) -> Result<Self> {
        Self::read(Self::dir(root, id)?)
    }

    fn dir(root: &Path, id: &str) -> Result<PathBuf> {
        let dir = root.join(id);
        if id.is_empty() || id.contains('/') || !dir.join("run.json").is_file() {
            let there = Self::all(root).join(", ");
            let hint = match there.as_str() {
                "" => "there is none yet".to_owned(),
                there => format!("there are: {there}"),
            };
            return Err(DeployError::wrong(format!("no run `{id}` in {}", root.display()), hint));
        }
        dir.canonicalize().map_err(DeployError::file(&dir))
    }

    fn read(dir: PathBuf) -> Result<Self> {
        let wish = Wish::load(&dir.join("wish.toml"))?;
        let path = dir.join("run.json");
        let text = fs::read(&path).map_err(DeployError::file(&path))?;
        let state = serde_json::from_slice(&text);
        let state = state.map_err(|error| DeployError::file(&path)(error.into()))?;
        Ok(Self { dir, wish, state, lock: None })
    }

    /// The ids of the runs in a folder, in order.
    pub fn all(root: &Path) -> Vec<String> {
        let entries = fs::read_dir(root).into_iter().flatten().flatten();
        let runs = entries.filter(|entry| entry.path().join("run.json").is_file());
        let mut ids: Vec<_> =
            runs.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        ids.sort();
        ids
    }

    /// Writes down that a step begins.
    ///
    /// # Errors
    /// It cannot be written: then the step must not begin.
    pub fn begin(&mut self, step: Step) -> Result<()> {
        self.state.step = step;
        self.save()
    }

    /// Writes the state down.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(&self) -> Result<()> {
        write_json(&self.dir.join("run.json"), &self.state)
    }

    /// What a program gets as its stdin that may outlive this one: as long as it is at work, nobody else can open
    /// the run. (A lock is held until all who share it have let go.)
    ///
    /// # Errors
    /// There are no more files to be had.
    pub(crate) fn held(&self) -> Result<Stdio> {
        let Some(lock) = &self.lock else { return Ok(Stdio::null()) };
        let shared = lock.try_clone().map_err(DeployError::file(&self.dir.join("lock")))?;
        Ok(shared.into())
    }

    /// Writes down how to reach the machines, for programs of ours and for Ansible.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save_inventory(&self, inventory: &Inventory) -> Result<()> {
        write_json(&self.dir.join("inventory.json"), inventory)?;
        write_json(&self.hosts(), &inventory.for_ansible(&self.configs()))
    }

    /// How to reach the machines, as it was written down last.
    ///
    /// # Errors
    /// There is nothing yet, or it cannot be read.
    pub fn inventory(&self) -> Result<Inventory> {
        let path = self.dir.join("inventory.json");
        let text = fs::read(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                let hint = format!("`deploy up --run {}` makes them", self.state.id);
                DeployError::wrong(format!("run `{}` has no machines yet", self.state.id), hint)
            }
            _ => DeployError::file(&path)(error),
        })?;
        serde_json::from_slice(&text).map_err(|error| DeployError::file(&path)(error.into()))
    }

    /// The inventory for Ansible.
    pub fn hosts(&self) -> PathBuf {
        self.dir.join("hosts.json")
    }

    /// The private key that logs in on every machine.
    pub fn ssh_key(&self) -> PathBuf {
        self.dir.join("keys/ssh")
    }

    /// The private host key of a machine.
    pub fn host_key(&self, name: &str) -> PathBuf {
        self.dir.join("keys").join(format!("{name}_host"))
    }

    /// The machines' host keys.
    pub fn known_hosts(&self) -> PathBuf {
        self.dir.join("known_hosts")
    }

    /// The folder of the nodes' configs, `NAME.json` each.
    pub fn configs(&self) -> PathBuf {
        self.dir.join("configs")
    }

    /// A file for what a tool says.
    pub fn log(&self, tool: &str) -> PathBuf {
        self.dir.join("logs").join(format!("{tool}.log"))
    }

    /// When its machines end by themselves, as everybody writes it: `2026-11-29T03:00:00Z`.
    pub fn expires_at(&self) -> String {
        rfc3339(self.state.expires_s)
    }
}

/// Seconds since 1970 as everybody writes them.
pub fn rfc3339(seconds: u64) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}

/// The seconds since 1970 of a time as everybody writes it; none if it is no such time.
pub fn from_rfc3339(text: &str) -> Option<u64> {
    let time = humantime::parse_rfc3339(text).ok()?;
    time.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs())
}

/// Six letters and digits.
fn chance() -> String {
    let mut bytes = [0; 3];
    getrandom::fill(&mut bytes).expect("the operating system has random bytes");
    bytes.map(|byte| format!("{byte:02x}")).concat()
}

/// A folder for its owner alone; it may be there.
pub(crate) fn folder(path: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(DeployError::file(path))
}

fn locked(dir: &Path) -> Result<File> {
    let path = dir.join("lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = file.map_err(DeployError::file(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let message = format!("somebody else is at work on {}", dir.display());
            let hint = "wait until that is over; if its `deploy` was killed, what it had called (Terraform) writes \
                        down what it has made, and then ends";
            Err(DeployError::wrong(message, hint))
        }
        Err(TryLockError::Error(error)) => Err(DeployError::file(&path)(error)),
    }
}

/// Writes a file for its owner alone, whole or not at all, so that a crash leaves the one before.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let part = path.with_added_extension("part");
    let put = || -> io::Result<()> {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    put().map_err(DeployError::file(path))
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_vec_pretty(value);
    let mut text = text.map_err(|error| DeployError::file(path)(error.into()))?;
    text.push(b'\n');
    write(path, &text)
}
