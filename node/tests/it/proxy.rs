//! The proxy's configuration as it is shipped (`deploy/nginx`): a real nginx in front of a real node.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};

use bigchaindb::http::Service;
use bigchaindb_core::model::{Json, Keypair};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::exchange::{Reply, Request};
use crate::program::free_port;
use crate::support::{PATIENCE, common, create, world};

/// Debian's place for it, which is not in everybody's path.
const NGINX: [&str; 3] = ["nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx"];

/// What goes around the configuration that is tested.
const AROUND: &str = "
daemon off;
master_process off;
pid DIR/pid;
error_log DIR/error.log;
events {}
http {
    access_log off;
    client_body_temp_path DIR/body;
    proxy_temp_path DIR/proxy;
    fastcgi_temp_path DIR/fastcgi;
    uwsgi_temp_path DIR/uwsgi;
    scgi_temp_path DIR/scgi;
    include DIR/bigchaindb.conf;
}
";

/// An nginx; it ends with this.
struct Nginx {
    child: Child,
    address: SocketAddr,
    connector: TlsConnector,
}

impl Nginx {
    /// The shipped configuration, with this node behind it and everything else in this directory.
    async fn start(directory: &Path, node: SocketAddr) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let put = |name: &str, text: &str| std::fs::write(directory.join(name), text).unwrap();
        put("certificate.pem", &cert.pem());
        put("key.pem", &signing_key.serialize_pem());
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/nginx/bigchaindb.conf");
        let mut conf = std::fs::read_to_string(shipped).unwrap();
        let port = free_port();
        let here = directory.to_str().unwrap();
        for (there, here) in [
            ("127.0.0.1:9983", node.to_string()),
            ("listen 9984 ssl", format!("listen 127.0.0.1:{port} ssl")),
            ("/etc/ssl/bigchaindb/", format!("{here}/")),
        ] {
            assert!(conf.contains(there), "the configuration has no `{there}`");
            conf = conf.replace(there, &here);
        }
        put("bigchaindb.conf", &conf);
        put("nginx.conf", &AROUND.replace("DIR", here));

        let arguments =
            ["-p", here, "-c", &format!("{here}/nginx.conf"), "-e", &format!("{here}/log")];
        let tested = Command::new(program()).args(arguments).arg("-t").output().unwrap();
        let told = String::from_utf8_lossy(&tested.stderr);
        assert!(tested.status.success() && !told.contains("[warn]"), "{told}");
        let child = Command::new(program()).args(arguments).spawn().unwrap();
        let nginx =
            Self { child, address: ([127, 0, 0, 1], port).into(), connector: trusting(cert.der()) };
        let listening = async {
            while TcpStream::connect(nginx.address).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, listening).await.expect("nginx listens");
        nginx
    }

    /// Sends a request in TLS.
    async fn send(&self, request: &Request<'_>) -> Reply {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = self.connector.connect(name, stream).await.unwrap();
        // Whoever is refused before the end may be cut off there.
        let _ = stream.write_all(&request.bytes()).await;
        let reply = tokio::time::timeout(PATIENCE, Reply::read(&mut stream)).await.unwrap();
        reply.unwrap_or_else(|| panic!("no answer to {request:?}"))
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The nginx of this machine; if it has none, Debian's, unpacked where the build keeps its files.
fn program() -> PathBuf {
    let runs = |name: &&&str| Command::new(name).arg("-v").output().is_ok();
    NGINX.iter().find(runs).map_or_else(unpacked, PathBuf::from)
}

/// Nothing is installed for it.
fn unpacked() -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nginx");
    let program = folder.join("usr/sbin/nginx");
    if !program.exists() {
        std::fs::create_dir_all(&folder).unwrap();
        let script = "apt-get download nginx && dpkg-deb -x nginx_*.deb .";
        let done = Command::new("sh").args(["-c", script]).current_dir(&folder).status();
        let hint = "nginx is missing, and cannot be fetched: apt-get install nginx-light";
        assert!(done.is_ok_and(|status| status.success()), "{hint}");
    }
    program
}

fn trusting(certificate: &CertificateDer<'static>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

#[tokio::test]
async fn a_node_is_reached_through_the_shipped_proxy() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(1, common()).await;
    let nginx = Nginx::start(directory.path(), world.federation.addresses()[0]).await;
    let posted = create(&Keypair::from_seed([20; 32]), "an asset");
    let accepted = nginx.send(&Request::post(posted)).await;
    assert_eq!(accepted.status, 201, "{accepted:?}");
    let id = accepted.json().get("id").and_then(Json::as_str).unwrap().to_owned();
    world.clients.until_status(0, &id, "valid").await;
    let path = format!("/api/v1/transactions/{id}/status");
    let reply = nginx.send(&Request::new("GET", &path)).await;
    assert_eq!((reply.status, &*reply.body), (200, "{\"status\":\"valid\"}"));

    // The id of a request goes all the way and back; a strange one does not.
    let request = Request::new("GET", "/").with_field("X-Request-Id", "mine-1");
    assert_eq!(nginx.send(&request).await.field("x-request-id"), "mine-1");
    let request = Request::new("GET", "/").with_field("X-Request-Id", "not \"mine\"");
    let made = nginx.send(&request).await.field("x-request-id").to_owned();
    assert!(made.len() == 32 && made.bytes().all(|byte| byte.is_ascii_hexdigit()), "{made}");

    // The same limit on both sides: what just fits is the node's to refuse.
    let most = Service::default().body_bytes;
    let reply = nginx.send(&Request::post(vec![b' '; most])).await;
    assert_eq!((reply.status, reply.field("content-type")), (400, "application/json"));
    assert_eq!(nginx.send(&Request::post(vec![b' '; most + 1])).await.status, 413);

    // Plain HTTP is sent to where it is answered.
    let reply = Request::new("GET", "/x").send(nginx.address).await;
    let there = format!("https://n1:{}/x", nginx.address.port());
    assert_eq!((reply.status, reply.field("location")), (301, &*there));
}

#[tokio::test]
async fn whoever_asks_too_often_waits() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(1, common()).await;
    let nginx = Nginx::start(directory.path(), world.federation.addresses()[0]).await;
    // One connection, so that there is no handshake between two requests: as fast as they can be.
    let stream = TcpStream::connect(nginx.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = nginx.connector.connect(name, stream).await.unwrap();
    let asked = "GET / HTTP/1.1\r\nhost: n1\r\n\r\n".repeat(299);
    let last = "GET / HTTP/1.1\r\nhost: n1\r\nconnection: close\r\n\r\n";
    stream.write_all((asked + last).as_bytes()).await.unwrap();
    let mut answers = Vec::new();
    let _ = stream.read_to_end(&mut answers).await;
    let answers = String::from_utf8(answers).unwrap();
    let statuses = answers.split("HTTP/1.1 ").skip(1).map(|answer| answer[..3].parse().unwrap());
    let statuses: Vec<u16> = statuses.collect();
    assert_eq!(statuses.len(), 300);
    assert!(statuses.iter().all(|status| [200, 429].contains(status)), "{statuses:?}");
    assert!(statuses[..100].iter().all(|status| *status == 200), "the burst is served");
    assert!(statuses.contains(&429), "nobody was told to wait");
}
