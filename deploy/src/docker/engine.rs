//! The Docker engine, by way of the program `docker`.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::error::{DeployError, Result};

/// What a run can leave, in the order in which it is taken away.
pub(super) const KINDS: [&str; 3] = ["container", "network", "volume"];

/// The signal by which systemd shuts down.
const STOP_SIGNAL: &str = "SIGRTMIN+3";

/// Where cloud-init looks for what a machine is told; the image has the folder.
const SEED: &str = "/var/lib/cloud/seed/nocloud";

/// An engine that answers.
#[derive(Debug)]
pub(super) struct Engine(());

/// A container that boots.
pub(super) struct Container<'a> {
    pub(super) name: &'a str,
    pub(super) hostname: &'a str,
    pub(super) image: &'a str,
    pub(super) network: &'a str,
    pub(super) address: Ipv4Addr,
    pub(super) labels: &'a [String],
}

impl Engine {
    pub(super) fn find() -> Result<Self> {
        let engine = Self(());
        engine.ask(&["version", "--format", "{{.Server.APIVersion}}"])?;
        Ok(engine)
    }

    pub(super) fn has_image(&self, image: &str) -> Result<bool> {
        Ok(self.inspect("image", image, "{{.Id}}")?.is_some())
    }

    /// The first three numbers of a network's addresses, if it is there.
    pub(super) fn network(&self, name: &str) -> Result<Option<[u8; 3]>> {
        let Some(subnet) = self.inspect("network", name, "{{(index .IPAM.Config 0).Subnet}}")?
        else {
            return Ok(None);
        };
        let address = subnet.split('/').next().and_then(|address| address.parse::<Ipv4Addr>().ok());
        match address.map(|address| address.octets()) {
            Some([first, second, third, _]) => Ok(Some([first, second, third])),
            None => Err(DeployError::surroundings(
                format!("network `{name}` has no IPv4 addresses, but {subnet}"),
                "`docker network rm` takes it away, and `deploy up` makes another",
            )),
        }
    }

    /// Makes a network; false if somebody else has its addresses.
    pub(super) fn make_network(
        &self,
        name: &str,
        prefix: [u8; 3],
        labels: &[String],
    ) -> Result<bool> {
        let [first, second, third] = prefix;
        let subnet = format!("{first}.{second}.{third}.0/24");
        let gateway = format!("{first}.{second}.{third}.1");
        let mut arguments = vec![
            "network",
            "create",
            "--driver",
            "bridge",
            "--subnet",
            &subnet,
            "--gateway",
            &gateway,
        ];
        arguments.extend(labels.iter().flat_map(|label| ["--label", label]));
        arguments.push(name);
        let output = run(&arguments)?;
        let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
        let taken = said.contains("overlap") || said.contains("already in use");
        match output.status.success() {
            false if taken => Ok(false),
            _ => checked(&arguments, output).map(|_| true),
        }
    }

    /// `created`, `running`, `exited`…; none if there is no such container.
    pub(super) fn state_of(&self, name: &str) -> Result<Option<String>> {
        self.inspect("container", name, "{{.State.Status}}")
    }

    pub(super) fn id_of(&self, name: &str) -> Result<String> {
        let id = self.inspect("container", name, "{{.Id}}")?;
        id.ok_or_else(|| {
            let message = format!("container `{name}` is gone");
            DeployError::surroundings(message, "`deploy up` makes it again")
        })
    }

    pub(super) fn address_of(&self, id: &str) -> Result<Option<String>> {
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let address = self.inspect("container", id, format)?;
        Ok(address.filter(|address| !address.is_empty()))
    }

    /// Makes a container, with a folder of what cloud-init is to find; it is not started.
    pub(super) fn make(&self, container: &Container<'_>, seed: &Path) -> Result<()> {
        let address = container.address.to_string();
        let mut arguments =
            vec!["create", "--name", container.name, "--hostname", container.hostname];
        arguments.extend(["--network", container.network, "--ip", &address]);
        // systemd mounts, and a firewall is made; more is not needed, and what would allow everything is refused
        // where this machine itself may not do everything.
        arguments.extend(["--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN"]);
        arguments.extend([
            "--security-opt",
            "seccomp=unconfined",
            "--security-opt",
            "apparmor=unconfined",
        ]);
        arguments.extend(["--cgroupns", "host", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup"]);
        arguments.extend(["--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp"]);
        arguments.extend(["--stop-signal", STOP_SIGNAL]);
        arguments.extend(container.labels.iter().flat_map(|label| ["--label", label]));
        arguments.push(container.image);
        self.ask(&arguments)?;
        let (from, to) = (format!("{}/.", seed.display()), format!("{}:{SEED}", container.name));
        self.ask(&["cp", &from, &to]).map(drop)
    }

    pub(super) fn start(&self, name: &str) -> Result<()> {
        self.ask(&["start", name]).map(drop)
    }

    /// Removes a container, whether it is there or not.
    pub(super) fn remove_container(&self, name: &str) -> Result<()> {
        self.remove("container", name)
    }

    /// Removes something, whether it is there or not.
    pub(super) fn remove(&self, kind: &str, id: &str) -> Result<()> {
        let arguments: &[&str] = match kind {
            "container" => &["container", "rm", "--force", "--volumes", id],
            _ => &[kind, "rm", id],
        };
        let output = run(arguments)?;
        if says_missing(&output) {
            return Ok(());
        }
        checked(arguments, output).map(drop)
    }

    /// The ids of everything of a kind that bears a label.
    pub(super) fn labelled(&self, kind: &str, label: &str) -> Result<Vec<String>> {
        let filter = format!("label={label}");
        let mut arguments = vec![kind, "ls", "--quiet", "--filter", &filter];
        if kind == "container" {
            arguments.push("--all");
        }
        Ok(self.ask(&arguments)?.lines().map(str::to_owned).collect())
    }

    /// The labels of something, if it is there.
    pub(super) fn labels_of(
        &self,
        kind: &str,
        id: &str,
    ) -> Result<Option<BTreeMap<String, String>>> {
        let of = if kind == "container" { ".Config.Labels" } else { ".Labels" };
        let Some(text) = self.inspect(kind, id, &format!("{{{{json {of}}}}}"))? else {
            return Ok(None);
        };
        serde_json::from_str(&text).map(Some).map_err(|error| {
            let message = format!("the labels of {kind} {id} cannot be read: {error}");
            DeployError::surroundings(message, "does `docker version` show a server?")
        })
    }

    fn inspect(&self, kind: &str, name: &str, format: &str) -> Result<Option<String>> {
        let arguments = [kind, "inspect", "--format", format, name];
        let output = run(&arguments)?;
        if says_missing(&output) {
            return Ok(None);
        }
        checked(&arguments, output).map(Some)
    }

    fn ask(&self, arguments: &[&str]) -> Result<String> {
        checked(arguments, run(arguments)?)
    }
}

fn says_missing(output: &Output) -> bool {
    let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
    !output.status.success() && said.contains("no such")
        || said.contains("not found") && !said.contains("manifest")
}

fn run(arguments: &[&str]) -> Result<Output> {
    let output = Command::new("docker").args(arguments).stdin(Stdio::null()).output();
    output.map_err(|error| DeployError::Program {
        program: "docker".to_owned(),
        hint: "it comes with the Docker engine; may this user speak to it?".to_owned(),
        error,
    })
}

/// What it said on stdout, if it has succeeded.
fn checked(arguments: &[&str], output: Output) -> Result<String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
    }
    let words = arguments.iter().take(2).copied().collect::<Vec<_>>().join(" ");
    Err(DeployError::Failed {
        program: format!("docker {words}"),
        status: output.status.to_string(),
        tail: String::from_utf8_lossy(&output.stderr).trim_end().to_owned(),
        hint: "does `docker version` show a server?".to_owned(),
    })
}
