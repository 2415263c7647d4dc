//! A cloud in a box: AWS's answers are moto's, its machines are containers that boot as machines do. `deploy up` and
//! `deploy down` go as they would on AWS, from the wish to a federation that decides, and back to nothing.
//!
//! Where there is no engine, no image of a machine (`deploy/images/machine`) or no Terraform, these tests fail, unless
//! `TESTBED_WITHOUT` names `docker`, `machines` or `terraform` in its list.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bigchaindb_deploy::inventory::Role;
use bigchaindb_deploy::run::Run;
use roxmltree::{Document, Node};
use serde_json::json;

use crate::containers::{decides, left_out, node_program};
use crate::moto::Moto;
use crate::playbooks::playbooks;

/// Where the machines of this test stand.
const REGION: &str = "eu-central-1";

/// The default network, as moto has it.
const SUBNET: &str = "172.31.0.0/16";

/// Whoever reaches a container from this machine comes by the network's first address.
const OPERATOR: &str = "172.31.0.1/32";

/// Between two looks at what machines there should be.
const LOOK: Duration = Duration::from_millis(500);

#[test]
fn from_a_wish_to_a_federation_that_decides_and_back_to_nothing() {
    if left_out() {
        return;
    }
    let Some(mut moto) = Moto::start(&[]) else { return };
    moto.reaches_machines();
    let cloud = Cloud::follow(&moto);
    let program = node_program().display().to_string();
    let wish = moto.wish(&format!(
        "name = \"box\"\nowner = \"me\"\noperator = \"{OPERATOR}\"\n[nodes]\ncount = 3\nregions = [\"{REGION}\"]\n\
         elastic_addresses = true\n[storage]\non = \"root\"\n[federation]\ndatabase = \"embedded\"\n\
         program = \"{program}\"\n",
    ));
    let site = playbooks().join("site.yml").display().to_string();
    let up = ["up", &wish, "--run", "box-1", "--playbook", &site];
    let (code, told) = moto.deploy(&up);
    assert_eq!(code, Some(0), "{told}\n{}", moto.read("runs/box-1/logs/ansible.log"));
    let inventory = Run::look(&moto.runs(), "box-1").unwrap().inventory().unwrap();
    assert_eq!(inventory.of(Role::Node).count(), 3);
    assert!(inventory.hosts.iter().all(|host| host.public.starts_with("127.")), "{inventory:?}");
    decides(&inventory);
    assert_eq!(cloud.containers().len(), 3);
    let (code, told) = moto.deploy(&["plan", "--run", "box-1"]);
    assert_eq!(code, Some(0), "{told}");

    let (code, told) = moto.deploy(&["down", "box-1", "--yes"]);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(moto.kinds("box-1"), Vec::<String>::new());
    while !cloud.containers().is_empty() {
        assert!(cloud.is_at_work(), "the containers of machines that are gone go");
        sleep(LOOK);
    }
}

/// Sees to it that every machine that moto says runs is a container, and that no other is there.
struct Cloud {
    name: String,
    over: Arc<AtomicBool>,
    follower: Option<JoinHandle<()>>,
}

impl Drop for Cloud {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let followed = self.follower.take().map(JoinHandle::join);
        for container in self.containers() {
            let _ = docker(&["rm", "--force", "--volumes", &container]);
        }
        let gone = docker(&["network", "rm", &self.name]);
        let well = gone.is_ok() && followed.is_some_and(|followed| followed.is_ok());
        assert!(std::thread::panicking() || well, "{gone:?}");
    }
}

impl Cloud {
    fn follow(moto: &Moto) -> Self {
        let name = format!("testbed-box-{}", std::process::id());
        let label = format!("testbed.box={name}");
        docker(&["network", "create", "--subnet", SUBNET, "--label", &label, &name]).unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let mut follower = Follower {
            endpoint: moto.endpoint.clone(),
            folder: moto.folder.path().join("seeds"),
            name: name.clone(),
            made: BTreeSet::new(),
        };
        let until = Arc::clone(&over);
        let follower = spawn(move || {
            while !until.load(Ordering::Relaxed) {
                follower.look();
                sleep(LOOK);
            }
        });
        Self { name, over, follower: Some(follower) }
    }

    fn is_at_work(&self) -> bool {
        self.follower.as_ref().is_some_and(|follower| !follower.is_finished())
    }

    fn containers(&self) -> Vec<String> {
        let filter = format!("label=testbed.box={}", self.name);
        let listed = docker(&["ps", "--all", "--quiet", "--filter", &filter]).unwrap();
        listed.lines().map(str::to_owned).collect()
    }
}

/// Asks moto as anybody on AWS could, and does what it says.
struct Follower {
    endpoint: String,
    folder: PathBuf,
    name: String,
    /// The machines that are containers, by id.
    made: BTreeSet<String>,
}

impl Follower {
    fn look(&mut self) {
        let answer = self.ask("DescribeInstances", &[]);
        let document = Document::parse(&answer).unwrap();
        let sets = document.descendants().filter(|node| node.has_tag_name("instancesSet"));
        for instance in sets.flat_map(|set| set.children()).filter(Node::is_element) {
            let id = text(instance, "instanceId");
            let state =
                instance.children().find(|node| node.has_tag_name("instanceState")).unwrap();
            if text(state, "name") == "terminated" {
                if self.made.remove(&id) {
                    docker(&["rm", "--force", "--volumes", &self.container(&id)]).unwrap();
                }
                continue;
            }
            // Before it has its Elastic IP, it has an address that nobody answers.
            let public = text(instance, "ipAddress");
            if public.starts_with("127.") && !self.made.contains(&id) {
                let private = text(instance, "privateIpAddress");
                self.boot(&id, &text(instance, "keyName"), &public, &private);
                self.made.insert(id);
            }
        }
    }

    /// A machine boots: with its addresses, and with what AWS gives it to read.
    fn boot(&self, id: &str, key: &str, public: &str, private: &str) {
        let seed = self.folder.join(id);
        fs::create_dir_all(&seed).unwrap();
        let told = [("InstanceId", id), ("Attribute", "userData")];
        let told = self.ask("DescribeInstanceAttribute", &told);
        let told = STANDARD.decode(text_in(&told, "value")).unwrap();
        fs::write(seed.join("user-data"), told).unwrap();
        let keys = [("KeyName.1", key), ("IncludePublicKey", "true")];
        let key = text_in(&self.ask("DescribeKeyPairs", &keys), "publicKey");
        let meta = json!({ "instance-id": id, "local-hostname": id, "public-keys": [key.trim()] });
        fs::write(seed.join("meta-data"), meta.to_string()).unwrap();
        let container = self.container(id);
        let label = format!("testbed.box={}", self.name);
        let (ssh, api) = (format!("{public}:22:22"), format!("{public}:9984:9984"));
        let mut create = vec!["create", "--name", &container, "--hostname", id, "--label", &label];
        create.extend([
            "--network",
            &self.name,
            "--ip",
            private,
            "--publish",
            &ssh,
            "--publish",
            &api,
        ]);
        create.extend(["--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN"]);
        create.extend([
            "--security-opt",
            "seccomp=unconfined",
            "--security-opt",
            "apparmor=unconfined",
        ]);
        create.extend(["--cgroupns", "host", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup"]);
        create.extend(["--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp"]);
        create.extend(["--stop-signal", "SIGRTMIN+3", "bigchaindb-testbed/machine:latest"]);
        docker(&create).unwrap();
        let to = format!("{container}:/var/lib/cloud/seed/nocloud");
        docker(&["cp", &format!("{}/.", seed.display()), &to]).unwrap();
        docker(&["start", &container]).unwrap();
    }

    fn container(&self, id: &str) -> String {
        format!("{}-{id}", self.name)
    }

    fn ask(&self, action: &str, parameters: &[(&str, &str)]) -> String {
        let named = [("Action", action), ("Version", "2016-11-15")];
        let who = format!(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/{REGION}/ec2/aws4_request"
        );
        let request = ureq::post(&self.endpoint).header("authorization", &who);
        let answer = request.send_form(named.into_iter().chain(parameters.iter().copied()));
        answer.unwrap().body_mut().read_to_string().unwrap()
    }
}

/// The text of an element's child; empty if there is none.
fn text(node: Node<'_, '_>, name: &str) -> String {
    let child = node.children().find(|child| child.has_tag_name(name));
    child.and_then(|child| child.text()).unwrap_or_default().to_owned()
}

/// The text of the first element of that name.
fn text_in(answer: &str, name: &str) -> String {
    let document = Document::parse(answer).unwrap();
    let found = document.descendants().find(|node| node.has_tag_name(name));
    found.unwrap_or_else(|| panic!("no {name} in {answer}")).text().unwrap_or_default().to_owned()
}

/// What `docker` says on stdout, or what it says is wrong.
fn docker(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("docker").args(arguments).output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(said(&output.stdout)) } else { Err(said(&output.stderr)) }
}
