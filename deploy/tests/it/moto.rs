//! AWS as moto pretends it: a server of the test's own, with Terraform and its provider to talk to it.
//!
//! Where a machine lacks them, tests fail, unless `TESTBED_WITHOUT` names `terraform`, in a list with commas.

use std::env;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// The image that moto is to know: its own catalogue ends before Ubuntu 24.04.
const IMAGES: &str = r#"[{
    "ami_id": "ami-0a1b2c3d4e5f60718",
    "name": "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20260910",
    "description": "Ubuntu", "owner_id": "099720109477", "public": true, "virtualization_type": "hvm",
    "architecture": "x86_64", "state": "available", "platform": null, "image_type": "machine", "hypervisor": "xen",
    "root_device_name": "/dev/sda1", "root_device_type": "ebs", "sriov": "simple",
    "creation_date": "2026-09-10T00:00:00.000Z"
}]"#;

/// What AWS does and moto does not; Python reads it before it starts moto.
const AS_AWS: &str = include_str!("aws.py");

/// A server starts within so many looks, or not at all.
const LOOKS: u32 = 600;

/// A moto server, its folder, and a stand-in for `ssh`: moto's machines are nowhere.
pub(crate) struct Moto {
    server: Child,
    pub(crate) endpoint: String,
    pub(crate) folder: tempfile::TempDir,
    /// Between two looks of `deploy` at what takes time.
    pause: &'static str,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Moto {
    /// None where `TESTBED_WITHOUT` names `terraform`. `as_aws` is for `aws.py`: what there is no room for, which
    /// quotas are used up.
    pub(crate) fn start(as_aws: &[(&str, &str)]) -> Option<Self> {
        let without = env::var("TESTBED_WITHOUT").unwrap_or_default();
        if without.split(',').any(|name| name.trim() == "terraform") {
            eprintln!("left out: TESTBED_WITHOUT names `terraform`");
            return None;
        }
        let how = "; or TESTBED_WITHOUT=terraform leaves this out";
        let plugins = env::var_os("TESTBED_TERRAFORM_PLUGINS").map(PathBuf::from);
        assert!(
            plugins.is_some_and(|plugins| plugins.is_dir()),
            "TESTBED_TERRAFORM_PLUGINS names no folder with the provider hashicorp/aws (`terraform providers mirror` \
             makes one){how}"
        );
        let folder = tempfile::tempdir().unwrap();
        let images = folder.path().join("images.json");
        fs::write(&images, IMAGES).unwrap();
        fs::write(folder.path().join("sitecustomize.py"), AS_AWS).unwrap();
        let ssh = folder.path().join("ssh");
        fs::write(&ssh, "#!/bin/sh\necho \"$@\" >> \"$(dirname \"$0\")/ssh.log\"\n").unwrap();
        fs::set_permissions(&ssh, fs::Permissions::from_mode(0o755)).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let program = env::var("TESTBED_MOTO").unwrap_or_else(|_| "moto_server".to_owned());
        let log = fs::File::create(folder.path().join("moto.log")).unwrap();
        let server = Command::new(&program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .env("MOTO_AMIS_PATH", &images)
            .env("PYTHONPATH", folder.path())
            .env("KILL", folder.path().join("kill"))
            .env("CALLER", folder.path().join("caller"))
            .envs(as_aws.iter().copied())
            .envs([
                ("MOTO_ENABLE_AMI_VALIDATION", "true"),
                ("MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION", "true"),
                ("MOTO_ENABLE_KEYPAIR_VALIDATION", "true"),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("`{program}`: {error}: `pip install 'moto[server]'`{how}")
            });
        let mut moto =
            Self { server, endpoint: format!("http://127.0.0.1:{port}"), folder, pause: "0ms" };
        let mut looks = 0;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = moto.server.try_wait().unwrap();
            assert!(
                ended.is_none() && looks < LOOKS,
                "moto does not start: {}",
                moto.read("moto.log")
            );
            looks += 1;
            sleep(Duration::from_millis(100));
        }
        Some(moto)
    }

    /// A file of the folder.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }

    /// A program that meets moto as AWS, and the stand-in for `ssh`.
    pub(crate) fn command(&self, program: &str) -> Command {
        let path = env::var("PATH").unwrap_or_default();
        let mut command = Command::new(program);
        command
            .env("PATH", format!("{}:{path}", self.folder.path().display()))
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI-EXAMPLE")
            .env_remove("AWS_PROFILE")
            .env("CHECKPOINT_DISABLE", "1");
        command
    }

    /// There are machines, and they take their time: the real `ssh` reaches them.
    pub(crate) fn reaches_machines(&mut self) {
        fs::remove_file(self.folder.path().join("ssh")).unwrap();
        self.pause = "2s";
    }

    /// `deploy` with its runs in the folder; its exit code and all it said.
    pub(crate) fn deploy(&self, arguments: &[&str]) -> (Option<i32>, String) {
        said(&self.deploys(arguments).output().unwrap())
    }

    fn deploys(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_deploy"));
        command.arg("--deployments").arg(self.runs()).args(["--pause", self.pause]).args(arguments);
        command
    }

    /// The same, killed at the first call whose action begins so, after it is carried out and before anybody hears of
    /// it: with all that `deploy` has called (`group`), or it alone (`one`). Whether it got so far.
    pub(crate) fn killed(&self, at: &str, whom: &str, arguments: &[&str]) -> bool {
        let (kill, caller) = (self.folder.path().join("kill"), self.folder.path().join("caller"));
        let _ = fs::remove_file(&caller);
        fs::write(&kill, format!("{at} {whom}")).unwrap();
        let mut command = self.deploys(arguments);
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        fs::write(self.folder.path().join("caller.part"), child.id().to_string()).unwrap();
        fs::rename(self.folder.path().join("caller.part"), &caller).unwrap();
        let status = child.wait().unwrap();
        let _ = fs::remove_file(&kill);
        // Who is killed takes a while to be gone, with what it holds.
        let is_there = || {
            let group = format!("-{}", child.id());
            let mut there = Command::new("kill");
            there.args(["-0", "--", &group]).stderr(Stdio::null()).status().unwrap().success()
        };
        while whom == "group" && is_there() {
            sleep(Duration::from_millis(10));
        }
        status.signal() == Some(9)
    }

    /// `terraform` in a run's folder; what it said on stdout.
    pub(crate) fn terraform(&self, run: &str, arguments: &[&str]) -> String {
        let folder = self.runs().join(run).join("terraform");
        let output =
            self.command("terraform").args(arguments).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{}", said(&output).1);
        String::from_utf8(output.stdout).unwrap()
    }

    /// How many machines bear a run's tag, as the cloud itself says.
    pub(crate) fn machines(&self, run: &str) -> usize {
        self.kinds(run).into_iter().filter(|kind| kind == "instance").count()
    }

    /// The kinds of all that bears a run's tag, as the cloud itself says.
    pub(crate) fn kinds(&self, run: &str) -> Vec<String> {
        self.things(run).into_iter().map(|(kind, _)| kind).collect()
    }

    /// Kind and id of all that bears a run's tag, as the cloud itself says, in order.
    pub(crate) fn things(&self, run: &str) -> Vec<(String, String)> {
        let mut things = Vec::new();
        for region in ["eu-central-1", "us-east-1"] {
            let (_, told) = self.deploy(&[
                "--json",
                "reap",
                "--dry-run",
                "--region",
                region,
                "--at",
                "9999-01-01T00:00:00Z",
            ]);
            let runs: serde_json::Value = serde_json::from_str(&told).unwrap();
            let of_run = runs.as_array().unwrap().iter().filter(|found| found["run"] == run);
            let left = of_run.flat_map(|found| found["left"].as_array().unwrap());
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            things.extend(left.map(|left| (text(&left["kind"]), text(&left["id"]))));
        }
        things.sort();
        things
    }

    /// The folder of the runs.
    pub(crate) fn runs(&self) -> PathBuf {
        self.folder.path().join("runs")
    }

    /// A wish's file.
    pub(crate) fn wish(&self, text: &str) -> String {
        let path = self.folder.path().join("wish.toml");
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

fn said(output: &Output) -> (Option<i32>, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

/// Every file in a folder and below it.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        // The provider itself is somebody else's.
        if path.ends_with(".terraform") {
            continue;
        }
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files
}
