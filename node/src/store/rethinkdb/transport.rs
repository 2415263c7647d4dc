//! Where a connection's bytes go: TCP, in the clear or in TLS.
//!
//! Source: RethinkDB manual, "Secure your cluster" (TLS on driver connections).

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::store::BoxFuture;

/// A line to a server.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Makes streams to a server: one for each connection.
pub trait Dial: Send + Sync + fmt::Debug {
    /// A new stream.
    ///
    /// # Errors
    /// If the server cannot be reached.
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Stream>>>;
}

/// A server's address.
#[derive(Clone, Debug)]
pub struct Tcp {
    /// Name or number.
    pub host: String,
    /// RethinkDB's driver port.
    pub port: u16,
    /// In TLS, with these certificates.
    pub tls: Option<Tls>,
}

impl Dial for Tcp {
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        Box::pin(async {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
            stream.set_nodelay(true)?;
            match &self.tls {
                None => Ok(Box::new(stream) as Box<dyn Stream>),
                Some(tls) => Ok(Box::new(tls.secure(&self.host, stream).await?) as Box<dyn Stream>),
            }
        })
    }
}

/// Whose certificates are believed.
#[derive(Clone)]
pub struct Tls(Arc<ClientConfig>);

impl Tls {
    /// Those that lead to a certificate in this file (PEM).
    ///
    /// # Errors
    /// If the file cannot be read or holds no certificate.
    pub fn with_authority(file: &Path) -> io::Result<Self> {
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, format!("{error}"));
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&std::fs::read(file)?) {
            let certificate = certificate.map_err(invalid)?;
            roots.add(certificate).map_err(|error| io::Error::other(error.to_string()))?;
        }
        if roots.is_empty() {
            let text = format!("{} holds no certificate", file.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider knows the usual versions");
        Ok(Self(Arc::new(config.with_root_certificates(roots).with_no_client_auth())))
    }

    /// TLS on a stream to a server of this name.
    ///
    /// # Errors
    /// If the name is none, or the server's certificate is not for it.
    pub async fn secure<S>(
        &self,
        host: &str,
        stream: S,
    ) -> io::Result<tokio_rustls::client::TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        TlsConnector::from(self.0.clone()).connect(name, stream).await
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}
