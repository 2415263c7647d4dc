//! A server's address, with all that is needed to use it, in one text.

use std::str::FromStr;

use super::{Client, Limits, Options, Password, Tcp};

/// Where a database is: `rethinkdb://[user[:password]@]host[:port][/database]`.
///
/// What is left out is as RethinkDB and BigchainDB have it: user `admin` without a password, port
/// 28015, database `bigchain`. Users and passwords with `@`, `:` or `/` in them are written with
/// `%40`, `%3A`, `%2F`.
///
/// ```
/// use bigchaindb::store::rethinkdb::Server;
///
/// let server: Server = "rethinkdb://node:secret@10.0.0.7/mychain".parse().unwrap();
/// assert_eq!((server.tcp.host.as_str(), server.tcp.port), ("10.0.0.7", 28015));
/// assert_eq!(server.options.database, "mychain");
/// ```
#[derive(Clone, Debug)]
pub struct Server {
    /// Where it listens.
    pub tcp: Tcp,
    /// As whom to connect, and to which database.
    pub options: Options,
}

/// Why a text is no such address.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidUrl {
    /// It starts otherwise.
    #[error("a server's address starts with `rethinkdb://`")]
    Scheme,
    /// There is no host.
    #[error("a server's address names a host")]
    Host,
    /// The port is no number up to 65535.
    #[error("`{0}` is no port")]
    Port(String),
    /// A `%` without two hex digits, or the bytes they stand for are not UTF-8.
    #[error("`{0}` is not what a `%` stands for")]
    Escape(String),
}

/// RethinkDB's port for drivers.
const PORT: u16 = 28015;

impl Server {
    /// A client of it.
    pub fn client(self, limits: Limits) -> Client {
        Client::new(self.tcp, self.options, limits)
    }
}

impl FromStr for Server {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        let rest = text.strip_prefix("rethinkdb://").ok_or(InvalidUrl::Scheme)?;
        let mut options = Options::default();
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        if !database.is_empty() {
            options.database = unescaped(database)?;
        }
        let address = match authority.rsplit_once('@') {
            Some((user, address)) => {
                let (user, password) = user.split_once(':').unwrap_or((user, ""));
                options.user = unescaped(user)?;
                options.password = Password(unescaped(password)?);
                address
            }
            None => authority,
        };
        // The colons of an IPv6 address stand in brackets.
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| InvalidUrl::Port(port.to_owned()))?)
            }
            _ => (address, PORT),
        };
        let host = host.trim_matches(['[', ']']).to_owned();
        if host.is_empty() {
            return Err(InvalidUrl::Host);
        }
        Ok(Self { tcp: Tcp { host, port, tls: None }, options })
    }
}

fn unescaped(text: &str) -> Result<String, InvalidUrl> {
    let wrong = || InvalidUrl::Escape(text.to_owned());
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let is_hex = |digits: &&str| digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let digits = part.get(..2).filter(is_hex).ok_or_else(wrong)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| wrong())?);
        bytes.extend(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    const URLS: &str = "
        rethinkdb://h                       | admin  h 28015 bigchain
        rethinkdb://h:1/                    | admin  h 1 bigchain
        rethinkdb://u@h/d                   | u  h 28015 d
        rethinkdb://u:p@h:65535/d           | u p h 65535 d
        rethinkdb://a%40b:%3a%25@127.0.0.1  | a@b :% 127.0.0.1 28015 bigchain
        rethinkdb://[::1]:5                 | admin  ::1 5 bigchain
        rethinkdb://[::1]                   | admin  ::1 28015 bigchain
        http://h                            | a server's address starts with `rethinkdb://`
        rethinkdb://                        | a server's address names a host
        rethinkdb://:5                      | a server's address names a host
        rethinkdb://h:65536                 | `65536` is no port
        rethinkdb://u%4@h                   | `u%4` is not what a `%` stands for
        rethinkdb://u%ff@h                  | `u%ff` is not what a `%` stands for
    ";

    #[test]
    fn urls_are_read() {
        for line in URLS.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (url, expected) = line.split_once('|').unwrap();
            let said = match url.trim().parse::<Server>() {
                Ok(Server { tcp, options }) => {
                    let Options { user, password: Password(password), database, .. } = options;
                    format!("{user} {password} {} {} {database}", tcp.host, tcp.port)
                }
                Err(error) => error.to_string(),
            };
            assert_eq!(said, expected.trim(), "{url}");
        }
    }
}
