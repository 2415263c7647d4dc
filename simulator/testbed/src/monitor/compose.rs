//! Docker Compose, as a user would call it.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::failure::{Failure, Result};

/// What to do where Docker or Compose is missing.
const WITHOUT: &str = "without Docker, `testbed dash` shows a federation by itself, and `testbed relay` writes to any \
                       InfluxDB";

/// How long it may take until all is well, once the images are there.
const WELL_WITHIN_S: &str = "180";

/// A project of Compose's.
#[derive(Debug)]
pub(super) struct Compose<'a> {
    pub(super) project: &'a str,
}

/// A service of it, as Compose lists it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Service {
    #[serde(rename(deserialize = "Service"))]
    pub(super) name: String,
    #[serde(rename(deserialize = "State"))]
    pub(super) state: String,
    #[serde(rename(deserialize = "Health"))]
    pub(super) health: String,
}

impl Compose<'_> {
    /// Looks whether Compose is there, and an engine for it.
    pub(super) fn look(&self) -> Result<()> {
        let version = said(Command::new("docker").args(["compose", "version"]));
        version.map_err(|why| missing(&format!("there is no Docker Compose 2 here: {why}")))?;
        let engine = said(Command::new("docker").args(["version", "--format", "."]));
        engine.map_err(|why| missing(&format!("no Docker engine answers: {why}")))?;
        Ok(())
    }

    /// Starts all services of a folder, and waits until they are well. Compose tells people how that goes.
    pub(super) fn up(&self, folder: &Path, variables: &BTreeMap<&str, String>) -> Result<()> {
        let mut command = self.command();
        command.arg("--file").arg(folder.join("compose.yaml"));
        command.args(["up", "--detach", "--wait", "--wait-timeout", WELL_WITHIN_S]);
        command.envs(variables).env("SECRETS", folder.join("secrets"));
        let status = command.stdout(Stdio::null()).status();
        self.judge(status, "the monitoring does not come up", "logs")
    }

    /// Stops all services and takes them away, and their volumes if that is wanted.
    pub(super) fn down(&self, with_volumes: bool) -> Result<()> {
        let mut command = self.command();
        command.args(["down", "--remove-orphans"]);
        if with_volumes {
            command.arg("--volumes");
        }
        let status = command.stdout(Stdio::null()).status();
        self.judge(status, "the monitoring does not stop", "ps --all")
    }

    /// All services that there are.
    pub(super) fn services(&self) -> Result<Vec<Service>> {
        let said = self.ask(&["ps", "--all", "--format", "json"])?;
        services(&said).map_err(|error| {
            Failure::surroundings(&error, "`docker compose version` has to be 2.0 or later")
        })
    }

    /// Where a port of a service is on this machine, if it is there.
    pub(super) fn address(&self, service: &str, port: &str) -> Option<String> {
        let (port, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
        let said = self.ask(&["port", "--protocol", protocol, service, port]).ok()?;
        let address = said.trim();
        (!address.is_empty() && !address.ends_with(":0")).then(|| address.to_owned())
    }

    fn ask(&self, arguments: &[&str]) -> Result<String> {
        let answer = said(self.command().args(arguments));
        answer.map_err(|why| missing(&format!("Compose does not say how it is: {why}")))
    }

    fn command(&self) -> Command {
        let mut command = Command::new("docker");
        command.args(["compose", "--project-name", self.project]);
        command
    }

    fn judge(&self, status: io::Result<ExitStatus>, message: &str, look: &str) -> Result<()> {
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => {
                let hint = format!(
                    "Compose has said why; see `docker compose -p {} {look}`",
                    self.project
                );
                Err(Failure { message: message.to_owned(), hint, exit: Exit::Surroundings })
            }
            Err(error) => Err(missing(&error.to_string())),
        }
    }
}

/// What a program says, or why it does not.
fn said(command: &mut Command) -> std::result::Result<String, String> {
    let output = command.output().map_err(|error| format!("`docker`: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn missing(message: &str) -> Failure {
    let (message, hint) = (message.to_owned(), WITHOUT.to_owned());
    Failure { message, hint, exit: Exit::Surroundings }
}

/// Services as Compose lists them: one on a line since 2.21, before that all in a list.
fn services(listed: &str) -> serde_json::Result<Vec<Service>> {
    if listed.trim_start().starts_with('[') {
        return serde_json::from_str(listed);
    }
    listed.lines().filter(|line| !line.trim().is_empty()).map(serde_json::from_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_read_from_either_form() {
        let one = r#"{"Service":"grafana","State":"running","Health":"healthy","Publishers":[]}"#;
        let service = Service {
            name: "grafana".to_owned(),
            state: "running".to_owned(),
            health: "healthy".to_owned(),
        };
        for listed in [format!("{one}\n{one}\n"), format!("[{one},{one}]")] {
            assert_eq!(services(&listed).unwrap(), [service.clone(), service.clone()]);
        }
        assert_eq!(services("").unwrap(), []);
        assert!(services("what?").is_err());
    }
}
