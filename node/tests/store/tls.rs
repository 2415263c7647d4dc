//! A connection in TLS, on a real socket of this machine.

use std::sync::Arc;

use bigchaindb::store::rethinkdb::{Client, Error, Limits, Options, Tcp, Term, Tls};
use bigchaindb_core::model::Json;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::peer::Peer;

/// A certificate for this name, as text, and what a server needs to show it.
fn certificate(name: &str) -> (String, TlsAcceptor) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    (cert.pem(), TlsAcceptor::from(Arc::new(config)))
}

/// What a client that believes in `believed` gets from a server that shows `shown`.
async fn ask(believed: &str, shown: TlsAcceptor) -> Result<Json, Error> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authority.pem");
    std::fs::write(&file, believed).unwrap();
    let listener = TcpListener::bind(("localhost", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        let (line, _) = listener.accept().await.unwrap();
        let Ok(line) = shown.accept(line).await else { return };
        let mut peer = Peer::welcome(line, "").await.unwrap();
        peer.respond_next(r#"{"t":1,"r":["secret"]}"#).await;
        peer.hears_nothing().await;
    });
    let tls = Some(Tls::with_authority(&file).unwrap());
    let tcp = Tcp { host: "localhost".to_owned(), port, tls };
    let client = Client::new(tcp, Options::default(), Limits::default());
    let answer = client.value(&Term::from("a")).await;
    serving.abort();
    answer
}

#[tokio::test]
async fn a_server_with_the_right_certificate_is_talked_to() {
    let (text, server) = certificate("localhost");
    assert_eq!(ask(&text, server).await.unwrap(), Json::from("secret"));
}

#[tokio::test]
async fn a_server_with_another_certificate_is_not() {
    let (_, other) = certificate("localhost");
    let (elsewhere, for_elsewhere) = certificate("example.org");
    for (believed, shown) in [(certificate("localhost").0, other), (elsewhere, for_elsewhere)] {
        let error = ask(&believed, shown).await.unwrap_err();
        assert!(matches!(error, Error::Connect(_)), "{error}");
        assert!(!error.is_indeterminate());
    }
}

#[test]
fn a_file_without_certificates_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("empty.pem");
    assert!(Tls::with_authority(&file).is_err());
    std::fs::write(&file, "nothing").unwrap();
    let error = Tls::with_authority(&file).unwrap_err().to_string();
    assert!(error.contains("holds no certificate"), "{error}");
}
