//! `testbed monitor`, with real Compose and images that stand in for Telegraf, InfluxDB and Grafana: what each of
//! them would need is there, all become healthy, and nothing is left.
//!
//! The stand-ins are Debian's `busybox-static` and a script each; Telegraf's is our own relay. They look at what the
//! real ones would read, as the users that those are; the health checks are those of `compose.yaml`.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::apart::{comes, path};
use crate::influxdb::free_port;
use crate::without::without;
use crate::{outcome, testbed};

/// The program that all stand-ins are made of.
const BUSYBOX: &str = "/bin/busybox";

/// What of it they and the health checks call.
const APPLETS: [&str; 7] = ["sh", "cat", "grep", "wget", "httpd", "test", "echo"];

/// What a stand-in does, and who it is.
struct StandIn {
    name: &'static str,
    user: &'static str,
    files: &'static [(&'static str, &'static str)],
    start: &'static str,
}

const STAND_INS: [StandIn; 3] = [
    StandIn {
        name: "influxdb",
        user: "0",
        files: &[
            // The real one makes the database of the file, and the user of the variables.
            (
                "entrypoint.sh",
                "#!/bin/sh\nset -e\ntest \"$1\" = influxd\n\
                 grep -q 'CREATE DATABASE \"telegraf\"' /docker-entrypoint-initdb.d/telegraf.iql\n\
                 test \"$INFLUXDB_HTTP_AUTH_ENABLED\" = true\n\
                 test ${#INFLUXDB_ADMIN_PASSWORD} -eq 48\n\
                 echo \"$INFLUXDB_ADMIN_USER $INFLUXDB_ADMIN_PASSWORD\" >/var/lib/influxdb/user\n\
                 exec httpd -f -p 8086 -h /www\n",
            ),
            // `influx -username … -password … -execute …`
            (
                "bin/influx",
                "#!/bin/sh\ntest \"$2 $4\" = \"$(cat /var/lib/influxdb/user)\" && echo telegraf\n",
            ),
        ],
        start: "exit 1",
    },
    StandIn {
        name: "telegraf",
        user: "999",
        files: &[],
        start: "set -e; grep -q inputs.statsd /etc/telegraf/telegraf.conf; cat /run/secrets/influxdb_password; \
                wget -q -O - $INFLUXDB_URL/ping; exec testbed relay --listen 0.0.0.0:8125 --file /tmp/points",
    },
    StandIn {
        name: "grafana",
        user: "472",
        files: &[],
        start: "set -e; cat $GF_SECURITY_ADMIN_PASSWORD__FILE /run/secrets/influxdb_password; \
                grep -q schemaVersion $GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH; \
                grep -q INFLUXDB_URL /etc/grafana/provisioning/datasources/influxdb.yaml; \
                cat /etc/grafana/provisioning/dashboards/*.yaml /etc/grafana/provisioning/alerting/*.json; \
                exec httpd -f -p 3000 -h /www",
    },
];

/// What a test has made: a name that nobody else has, images, and whatever Compose has started. Gone when it is
/// dropped.
struct Stage {
    project: String,
    folder: TempDir,
    images: Vec<(String, String)>,
}

impl Stage {
    /// Sets it; none if tests of it are to be left out here.
    fn set() -> Option<Self> {
        let has = |arguments: &[&str]| {
            let done = Command::new("docker").args(arguments).output();
            done.is_ok_and(|done| done.status.success())
        };
        let lacks = (!has(&["version"])).then(|| "no Docker engine answers".to_owned());
        if without("docker", lacks) {
            return None;
        }
        let compose = has(&["compose", "version"]) && Path::new(BUSYBOX).is_file();
        let lacks = "Compose 2 is missing, or `apt-get install busybox-static`";
        if without("compose", (!compose).then(|| lacks.to_owned())) {
            return None;
        }
        let project = format!("bigchaindb-test-{}-{}", std::process::id(), free_port());
        let folder = tempfile::tempdir().unwrap();
        let mut stage = Self { project, folder, images: Vec::new() };
        for stand_in in &STAND_INS {
            let image = format!("{}/{}:latest", stage.project, stand_in.name);
            stage.images.push((format!("{}_IMAGE", stand_in.name.to_uppercase()), image));
            stand_in.make(&stage.images.last().unwrap().1);
        }
        Some(stage)
    }

    /// `testbed monitor`, of this stage.
    fn monitor(&self, arguments: &[&str]) -> Command {
        let all = [&["monitor", "--project", &self.project], arguments].concat();
        let mut command = testbed(&all);
        command.envs(self.images.iter().cloned());
        command
    }

    /// What there is of it.
    fn remains(&self) -> String {
        let label = format!("label=com.docker.compose.project={}", self.project);
        let list = |arguments: &[&str]| {
            let done = Command::new("docker").args(arguments).args(["--filter", &label]).output();
            String::from_utf8(done.unwrap().stdout).unwrap()
        };
        list(&["ps", "--all", "--quiet"])
            + &list(&["volume", "ls", "--quiet"])
            + &list(&["network", "ls", "--quiet"])
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.monitor(&["down", "--volumes", "--yes"]).output();
        for (_, image) in &self.images {
            let _ = Command::new("docker").args(["rmi", "--force", image]).output();
        }
    }
}

impl StandIn {
    /// Makes its image.
    fn make(&self, image: &str) {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for folder in ["bin", "tmp", "www/api", "var/lib/influxdb", "var/lib/grafana"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        fs::copy(BUSYBOX, at("bin/busybox")).unwrap();
        for applet in APPLETS {
            symlink("busybox", at("bin").join(applet)).unwrap();
        }
        fs::set_permissions(at("tmp"), fs::Permissions::from_mode(0o1777)).unwrap();
        if self.start.contains("testbed") {
            add_testbed(root.path());
        }
        for (page, text) in [("www/api/health", "ok"), ("www/ping", "")] {
            fs::write(at(page), text).unwrap();
        }
        for (path, text) in self.files {
            fs::write(at(path), text).unwrap();
            fs::set_permissions(at(path), fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let tar = Command::new("tar")
            .arg("--create")
            .arg("--directory")
            .arg(root.path())
            .arg(".")
            .output();
        let entry = format!("ENTRYPOINT {}", serde_json::json!(["/bin/sh", "-c", self.start]));
        let user = format!("USER {}", self.user);
        let mut import = Command::new("docker")
            .args([
                "import",
                "--change",
                &entry,
                "--change",
                "ENV PATH=/bin",
                "--change",
                &user,
                "-",
                image,
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        import.stdin.take().unwrap().write_all(&tar.unwrap().stdout).unwrap();
        assert!(import.wait().unwrap().success(), "{image}");
    }
}

/// Puts the program under test into a folder, with the libraries that it is linked with, where it finds them.
fn add_testbed(root: &Path) {
    let program = env!("CARGO_BIN_EXE_testbed");
    fs::copy(program, root.join("bin/testbed")).unwrap();
    let linked = Command::new("ldd").arg(program).output().unwrap();
    let linked = String::from_utf8(linked.stdout).unwrap();
    for library in linked.split_whitespace().filter(|word| word.starts_with('/')) {
        let to = root.join(library.trim_start_matches('/'));
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(library, to).unwrap();
    }
}

/// What a page says.
fn get(address: &str, page: &str) -> String {
    let mut stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
    write!(stream, "GET {page} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn everything_comes_up_from_one_command_and_goes_with_another() {
    let Some(stage) = Stage::set() else { return };
    let folder = stage.folder.path().join("monitoring");
    let ports = [free_port(), free_port(), free_port()].map(|port| port.to_string());
    let statsd = format!("127.0.0.1:{}", ports[2]);
    let up = [
        "up",
        "--folder",
        path(&folder),
        "--grafana-port",
        &ports[0],
        "--influxdb-port",
        &ports[1],
    ];
    let up = [&up[..], &["--statsd", &statsd, "--json"]].concat();
    let (said, noted, code) = outcome(&mut stage.monitor(&up));
    assert_eq!(code, 0, "{said}{noted}");
    let places: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(places["grafana"], format!("http://127.0.0.1:{}", ports[0]));
    assert_eq!(places["statsd"], statsd);
    assert!(get(places["grafana"].as_str().unwrap(), "/api/health").ends_with("ok"));

    // What is sent there comes to the one who takes it.
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let telegraf = format!("{}-telegraf-1", stage.project);
    assert!(comes(|| {
        socket.send_to(b"bigchaindb.n1.tx.written:7|c", &statsd).unwrap();
        let points =
            Command::new("docker").args(["exec", &telegraf, "cat", "/tmp/points"]).output();
        let points = String::from_utf8(points.unwrap().stdout).unwrap();
        points.contains("bigchaindb_tx_written,metric_type=counter,node=n1 value=")
    }));

    let (said, noted, code) = outcome(&mut stage.monitor(&["status", "--json"]));
    assert_eq!(code, 0, "{said}{noted}");
    let status: Value = serde_json::from_str(&said).unwrap();
    let services = status["services"].as_array().unwrap();
    assert_eq!(services.len(), 3, "{said}");
    assert!(services.iter().all(|service| service["health"] == "healthy"), "{said}");
    let mut open = stage.monitor(&["open"]);
    let (said, noted, code) = outcome(open.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY"));
    assert_eq!(code, 0, "{said}{noted}");
    assert!(said.contains(places["grafana"].as_str().unwrap()), "{said}");

    let (said, noted, code) = outcome(&mut stage.monitor(&["down", "--volumes"]));
    assert_eq!(code, 2, "{said}{noted}");
    assert!(noted.contains("all that was measured goes"), "{noted}");
    assert!(!stage.remains().is_empty());
    let (said, noted, code) = outcome(&mut stage.monitor(&["down", "--volumes", "--yes"]));
    assert_eq!(code, 0, "{said}{noted}");
    assert_eq!(stage.remains(), "");
    let (said, _, code) = outcome(&mut stage.monitor(&["status"]));
    assert_eq!((code, said.trim()), (1, &*format!("{} is not up", stage.project)));
}

#[test]
fn one_that_does_not_come_up_is_told() {
    let Some(stage) = Stage::set() else { return };
    let folder = stage.folder.path().join("monitoring");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().port().to_string();
    let statsd = format!("127.0.0.1:{}", free_port());
    let up = ["up", "--folder", path(&folder), "--influxdb-port", &taken, "--statsd", &statsd];
    let (said, noted, code) = outcome(&mut stage.monitor(&up));
    assert_eq!(code, 4, "{said}{noted}");
    assert!(noted.contains("error: the monitoring does not come up\n hint: "), "{noted}");
}

#[test]
fn without_docker_there_are_other_ways() {
    let nowhere = tempfile::tempdir().unwrap();
    let (_, said, code) = outcome(testbed(&["monitor", "up"]).env("PATH", nowhere.path()));
    assert_eq!(code, 4);
    for way in ["error: there is no Docker Compose 2 here", "`testbed dash`", "`testbed relay`"] {
        assert!(said.contains(way), "{said}");
    }
}
