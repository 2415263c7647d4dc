//! What commands share: where runs are, who makes machines, what time it is, how data is printed.

pub(crate) mod down;
pub(crate) mod logs;
pub(crate) mod plan;
pub(crate) mod reap;
pub(crate) mod ssh;
pub(crate) mod status;
pub(crate) mod up;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bigchaindb_deploy::aws::{self, Aws};
use bigchaindb_deploy::docker::{self, Docker};
use bigchaindb_deploy::error::{DeployError, Result};
use bigchaindb_deploy::provider::Provider;
use bigchaindb_deploy::run::{Asked, DEPLOYMENTS, Run};
use bigchaindb_deploy::wish::Wish;
use clap::Args;
use serde::Serialize;

/// What every command takes.
#[derive(Args, Debug)]
pub(crate) struct Means {
    /// The folder of the runs.
    #[arg(long, global = true, value_name = "DIR", default_value = DEPLOYMENTS)]
    pub(crate) deployments: PathBuf,
    /// How long to wait between two looks at what takes time.
    #[arg(long, global = true, value_name = "TIME", default_value = "5s", value_parser = humantime::parse_duration)]
    pub(crate) pause: Duration,
    /// One JSON value for programs instead of lines for people.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// What a new run is to be besides its wish.
#[derive(Args, Debug)]
pub(crate) struct Wanted {
    /// The wish's file.
    pub(crate) file: Option<PathBuf>,
    /// The run's id: to go on with it, or, with a file, for a new one.
    #[arg(long, value_name = "ID")]
    pub(crate) run: Option<String>,
    /// Who makes the machines.
    #[arg(long, default_value = aws::NAME)]
    pub(crate) provider: String,
    /// Who answers for it: a tag on everything. Over what the file says.
    #[arg(long)]
    pub(crate) owner: Option<String>,
    /// From where SSH and the API may be reached, like 203.0.113.7/32. Over what the file says.
    #[arg(long, value_name = "BLOCK")]
    pub(crate) operator: Vec<String>,
}

/// The machine's clock.
#[expect(clippy::disallowed_methods, reason = "the command line is where time comes from")]
pub(crate) fn clock() -> SystemTime {
    SystemTime::now()
}

/// Seconds since 1970, by the machine.
pub(crate) fn now_s() -> u64 {
    clock().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

impl Means {
    /// The provider of that name.
    pub(crate) fn provider(&self, name: &str) -> Result<Box<dyn Provider>> {
        match name {
            aws::NAME => Ok(Box::new(Aws::from_environment(clock, self.pause)?)),
            docker::NAME => Ok(Box::new(Docker::find()?)),
            _ => Err(DeployError::wrong(
                format!("no provider `{name}`"),
                format!("there are: {}, {}", aws::NAME, docker::NAME),
            )),
        }
    }

    /// A run that is there.
    pub(crate) fn open(&self, id: &str) -> Result<Run> {
        Run::open(&self.deployments, id)
    }

    /// A run that is there, only to look at it.
    pub(crate) fn look(&self, id: &str) -> Result<Run> {
        Run::look(&self.deployments, id)
    }

    /// Data for programs, or lines for people.
    pub(crate) fn print(&self, data: &impl Serialize, lines: impl FnOnce() -> Vec<String>) {
        let text = if self.json {
            serde_json::to_string_pretty(data).expect("our own types have a JSON form")
        } else {
            lines().join("\n")
        };
        // Whoever closed stdout early has seen enough: the exit code still tells.
        let mut out = io::stdout().lock();
        let _ = if text.is_empty() { Ok(()) } else { writeln!(out, "{text}") };
    }
}

impl Wanted {
    /// A new run in `root`.
    pub(crate) fn begin(self, root: &std::path::Path) -> Result<Run> {
        let Some(file) = self.file else {
            return Err(DeployError::wrong(
                "nothing to make",
                "name a wish's file, or a run with `--run`",
            ));
        };
        let mut wish = Wish::load(&file)?;
        let owner = match self.owner.or_else(|| wish.owner.clone()) {
            Some(owner) => owner,
            None => {
                let hint = "say `--owner you@example.org`, or `owner = \"…\"` in the file";
                return Err(DeployError::wrong("nobody answers for this run", hint));
            }
        };
        if !self.operator.is_empty() {
            wish.operator = self.operator;
        }
        if wish.operator.is_empty() && self.provider == docker::NAME {
            // Containers are reached from this machine only.
            wish.operator.push("127.0.0.1/32".to_owned());
        }
        if wish.operator.is_empty() {
            let hint = "say `--operator 203.0.113.7/32` with the address you come from";
            return Err(DeployError::wrong("nobody knows from where you reach the machines", hint));
        }
        Wish::check_asked(&owner, &wish.operator)?;
        let operator = wish.operator.clone();
        let asked =
            Asked { provider: self.provider, id: self.run, owner, operator, now_s: now_s() };
        Run::create(root, wish, asked)
    }
}

/// Millionths of a US dollar, as people read them.
pub(crate) fn dollars((least, most): (u64, u64)) -> String {
    let one =
        |millionths: u64| format!("{}.{:04}", millionths / 1_000_000, millionths % 1_000_000 / 100);
    if least == most {
        format!("${}", one(least))
    } else {
        format!("${} to ${}", one(least), one(most))
    }
}

/// Asks before something is destroyed, unless that was answered beforehand.
pub(crate) fn sure(what: &str, yes: bool) -> Result<bool> {
    if yes {
        return Ok(true);
    }
    if !io::stdin().is_terminal() {
        return Err(DeployError::wrong(format!("{what}: nobody is there to ask"), "say `--yes`"));
    }
    eprint!("{what}? [y/N]: ");
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    read.map_err(|error| DeployError::surroundings(error.to_string(), "say `--yes`"))?;
    Ok(answer.trim() == "y")
}
