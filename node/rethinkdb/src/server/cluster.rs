//! Several servers that are one cluster: a listener for each, in every life of its process.
//!
//! A server that is killed drops its connections and refuses others, until it is started again. One that
//! is paused accepts them and says nothing. All of them are in this process: what they are, and what goes
//! wrong between them, is in [`live`](crate::live).

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use super::{Server, ServerOptions, Shared, listen};
use crate::cluster::{Process, Timing};
use crate::live::{self, Presence};
use crate::{Database, Member};

/// How long a server that starts again waits until it tries again to have its port.
const PORT_PAUSE: Duration = Duration::from_millis(20);

impl Server {
    /// Starts to listen as several servers of one cluster, in the tokio runtime that this is called
    /// in. They share a database, which nobody else writes, and take these times for what happens
    /// between them.
    ///
    /// # Errors
    /// If an address cannot be bound, two servers have the same name, or there is no thread left.
    pub async fn bind_cluster(
        database: Database,
        servers: Vec<ServerOptions>,
        timing: Timing,
    ) -> io::Result<Vec<Server>> {
        let mut listeners = Vec::new();
        for (number, options) in servers.iter().enumerate() {
            if servers[..number].iter().any(|other| other.name == options.name) {
                let words = format!("two servers are called `{}`", options.name);
                return Err(io::Error::new(io::ErrorKind::InvalidInput, words));
            }
            listeners.push(listen::bind(options.bind).await?);
        }
        let identities: Vec<_> = servers.iter().map(super::identity).collect();
        let members = live::members(&database, identities.clone(), timing)?;
        let servers = servers.into_iter().zip(identities).zip(listeners).zip(members);
        let started = servers.map(|(((options, identity), listener), member)| {
            let local_addr = listener.local_addr()?;
            let shared = super::share(database.clone(), options, identity, Some(member));
            let (closing, closed) = watch::channel(false);
            let listener = tokio::spawn(live(listener, local_addr, shared.clone(), closed));
            Ok(Server { local_addr, shared, closing, listener })
        });
        started.collect()
    }

    /// Opens another way to the cluster of this server, on which none of what goes wrong is felt: so the
    /// last server can be harmed, and mended from there. None if it is in no cluster.
    ///
    /// # Errors
    /// If the address cannot be bound.
    pub async fn open_door(&self, bind: SocketAddr) -> io::Result<Option<Server>> {
        let Some(member) = self.shared.member.clone() else { return Ok(None) };
        let listener = listen::bind(bind).await?;
        let local_addr = listener.local_addr()?;
        member.has_door();
        let shared = Arc::new(Shared {
            database: self.shared.database.clone(),
            accounts: self.shared.accounts.clone(),
            identity: self.shared.identity.clone(),
            jobs: Arc::default(),
            scratch: Arc::default(),
            threads: Arc::new(Semaphore::new(self.shared.limits.threads)),
            connections: AtomicUsize::new(0),
            limits: self.shared.limits,
            member: Some(member),
            is_gated: false,
        });
        let (closing, closed) = watch::channel(false);
        let listener = tokio::spawn(listen::listen(listener, shared.clone(), closed));
        Ok(Some(Server { local_addr, shared, closing, listener }))
    }

    /// Its place in the cluster, if it is in one.
    pub fn member(&self) -> Option<&Member> {
        self.shared.member.as_ref()
    }
}

/// One life of a server's process after the other, until it shuts down.
async fn live(
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
    mut closing: watch::Receiver<bool>,
) {
    let Some(member) = shared.member.clone() else { return };
    let mut presence = member.presence();
    let mut next = Some(listener);
    while let Some(listener) = next {
        let own = presence.borrow_and_update().ends;
        tokio::select! {
            () = listen::listen(listener, shared.clone(), closing.clone()) => return,
            // With the listener all its connections are dropped.
            _ = presence.wait_for(|now| now.ends != own || now.process == Process::Down) => {}
        }
        next = tokio::select! {
            listener = started(&mut presence, address) => listener,
            _ = closing.wait_for(|closing| *closing) => return,
        };
    }
}

/// The listener of a server that is started again; none if it never will be.
async fn started(
    presence: &mut watch::Receiver<Presence>,
    address: SocketAddr,
) -> Option<TcpListener> {
    loop {
        presence.wait_for(|now| now.process != Process::Down).await.ok()?;
        match listen::bind(address).await {
            Ok(listener) => return Some(listener),
            Err(_) => tokio::time::sleep(PORT_PAUSE).await,
        }
    }
}

/// A line to a client that is still while the server's process stands still.
pub(super) struct Gated<S> {
    line: S,
    reading: Gate,
    writing: Gate,
}

impl<S> Gated<S> {
    pub(super) fn new(line: S, member: &Member) -> Self {
        let presence = member.presence();
        let life = presence.borrow().ends;
        let gate = || Gate { presence: presence.clone(), life, opens: None };
        Self { line, reading: gate(), writing: gate() }
    }
}

struct Gate {
    presence: watch::Receiver<Presence>,
    /// How often the process had ended when the line was made.
    life: u32,
    /// The wait for the process to go on, if anybody waits.
    opens: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Gate {
    /// Ready as long as the process runs. Of one that has ended nothing comes any more.
    fn poll_open(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let life = self.life;
        let runs = move |now: &Presence| now.process == Process::Up && now.ends == life;
        if runs(&self.presence.borrow()) {
            self.opens = None;
            return Poll::Ready(());
        }
        let opens = self.opens.get_or_insert_with(|| {
            let mut presence = self.presence.clone();
            Box::pin(async move {
                if presence.wait_for(runs).await.is_err() {
                    // The cluster is gone, and this line with it in a moment.
                    poll_fn(|_| Poll::<()>::Pending).await;
                }
            })
        });
        ready!(opens.as_mut().poll(context));
        self.opens = None;
        Poll::Ready(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gated<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.reading.poll_open(context));
        Pin::new(&mut self.line).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gated<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.writing.poll_open(context));
        Pin::new(&mut self.line).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.writing.poll_open(context));
        Pin::new(&mut self.line).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.writing.poll_open(context));
        Pin::new(&mut self.line).poll_shutdown(context)
    }
}
