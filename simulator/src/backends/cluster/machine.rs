//! A machine of the deployment, reached by SSH: scripts that root runs there, and a way to its store.
//!
//! One connection a machine, which everything shares: it is there as long as the run, and what is asked of the machine
//! takes a moment only. What is started here bears the run's name and ends with it. Not here: what scripts do
//! (`orders`).

use std::fs::{File, OpenOptions};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use bigchaindb_deploy::inventory::{Host, Inventory};
use bigchaindb_deploy::{configs, reach};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use super::super::apart::RunId;
use super::super::apart::program::RUN;

/// How long a machine may take to let us in.
const CONNECTED_WITHIN: Duration = Duration::from_secs(60);

/// How often it is looked whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How long a script may take: a node that ends in an orderly way is given most of it by its unit.
const DONE_WITHIN: Duration = Duration::from_secs(180);

/// A port that was free a moment ago may be taken: so many are tried.
const PORTS_TRIED: u32 = 5;

/// What SSH is told besides: nobody is there to be asked, and a line that is dead is noticed.
const OPTIONS: [&str; 8] = [
    "-o",
    "BatchMode=yes",
    "-o",
    "LogLevel=ERROR",
    "-o",
    "ServerAliveInterval=5",
    "-o",
    "ServerAliveCountMax=6",
];

/// A machine that has let us in.
pub(super) struct Machine {
    /// What the scenario calls the node on it.
    pub(super) name: String,
    inventory: Inventory,
    host: Host,
    run: RunId,
    /// Where the connection is shared.
    socket: PathBuf,
    /// Where its store is reached, if it has one.
    store: Option<SocketAddr>,
    /// Ends when it is dropped.
    _connection: Child,
}

impl Machine {
    /// Connects to a machine. `store` is where its store listens, as seen from there, if it has one; what SSH has to say
    /// goes into a log in `data`, and its socket into `sockets`.
    ///
    /// # Errors
    /// It does not let us in.
    pub(super) async fn connect(
        name: &str,
        (inventory, host): (&Inventory, &Host),
        store: Option<&str>,
        run: &RunId,
        (data, sockets): (&Path, &Path),
    ) -> io::Result<Self> {
        let socket = sockets.join(name);
        let log = data.join(format!("{name}.ssh.log"));
        let mut last = io::Error::other("no port was free here");
        for _ in 0..PORTS_TRIED {
            let local = match store {
                Some(_) => Some(free_port()?),
                None => None,
            };
            let mut command = ssh(inventory, host, &socket, run);
            command.args(["-M", "-N", "-o", "ExitOnForwardFailure=yes"]);
            if let (Some(local), Some(there)) = (local, store) {
                command.arg("-L").arg(format!("{local}:{there}:{}", configs::DRIVER_PORT));
            }
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(open(&log)?);
            let mut connection = command.spawn()?;
            match connected(&mut connection, &socket, &log).await {
                Ok(()) => {
                    let (inventory, host) = (inventory.clone(), host.clone());
                    let (name, run, _connection) = (name.to_owned(), run.clone(), connection);
                    return Ok(Self {
                        name,
                        inventory,
                        host,
                        run,
                        socket,
                        store: local,
                        _connection,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// Where its store is reached from here, if it has one.
    pub(super) fn store(&self) -> Option<SocketAddr> {
        self.store
    }

    /// What the inventory calls it.
    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    /// Has root run a script there, which ends at the first command that fails; what it said.
    ///
    /// # Errors
    /// It has failed, or it takes too long; with what it said of that.
    pub(super) async fn carry_out(&self, script: &str) -> io::Result<String> {
        let mut command = self.command("sudo -n sh -es");
        let (stdin, stdout, stderr) = (Stdio::piped(), Stdio::piped(), Stdio::piped());
        let mut child = command.stdin(stdin).stdout(stdout).stderr(stderr).spawn()?;
        let mut stdin = child.stdin.take().expect("it is piped");
        let told = async {
            // One that has failed by then does not listen, and says why.
            let _ = stdin.write_all(script.as_bytes()).await;
            drop(stdin);
            child.wait_with_output().await
        };
        let late = |_| io::Error::other("a script takes too long");
        let output = timeout(DONE_WITHIN, told).await.map_err(late)??;
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        match output.status.success() {
            true => Ok(said(&output.stdout)),
            false => {
                let (status, why) = (output.status, said(&output.stderr));
                Err(io::Error::other(format!("{}: {status}: {why}", self.host.name)))
            }
        }
    }

    /// Starts a command there; what it says can be read.
    pub(super) fn follow(&self, command: &str) -> io::Result<Child> {
        let mut command = self.command(command);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
    }

    fn command(&self, there: &str) -> Command {
        let mut command = ssh(&self.inventory, &self.host, &self.socket, &self.run);
        command.arg(there);
        command
    }
}

fn ssh(inventory: &Inventory, host: &Host, socket: &Path, run: &RunId) -> Command {
    let mut command = Command::from(reach::ssh(inventory, host));
    command.args(OPTIONS).arg("-S").arg(socket).env(RUN, run.as_str()).kill_on_drop(true);
    command
}

/// Waits until a connection is there to be shared: with it is the way to the store.
async fn connected(connection: &mut Child, socket: &Path, log: &Path) -> io::Result<()> {
    let until = Instant::now() + CONNECTED_WITHIN;
    while !socket.exists() {
        if connection.try_wait()?.is_some() {
            let said = std::fs::read_to_string(log).unwrap_or_default();
            let last = said.lines().last().unwrap_or("SSH has ended").to_owned();
            let kind = match last.contains("forward") || last.contains("in use") {
                true => io::ErrorKind::AddrInUse,
                false => io::ErrorKind::Other,
            };
            return Err(io::Error::new(kind, last));
        }
        if Instant::now() > until {
            return Err(io::Error::other("it does not let us in in time"));
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// Where a port of this machine is free.
fn free_port() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

fn open(log: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(log)
}
