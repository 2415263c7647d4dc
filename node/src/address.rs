//! Where a name and a port are.

use std::io;
use std::net::SocketAddr;

/// The address that a name like `localhost:9984` stands for. Of one of each kind it is the older
/// one: there nodes listen, and there clients of the original expect them.
///
/// # Errors
/// If the name stands for nothing.
pub(crate) async fn of(name: &str) -> io::Result<SocketAddr> {
    let found = tokio::net::lookup_host(name).await?;
    found.min_by_key(SocketAddr::is_ipv6).ok_or_else(|| io::Error::other("it has no address"))
}
