//! The scrape server: HTTP/1.1 on a port of its own.

use std::convert::Infallible;
use std::future::Future;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{watch, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::activity::{Activity, Answer};
use super::respond::Exposition;
use super::stall::StallGuard;
use crate::error::{Code, Error, Result};

/// Where the port is configured, for error messages.
const PORT_KEY: &str = "backend.metrics.exporters.prometheus.port";
const HOST_KEY: &str = "backend.metrics.exporters.prometheus.host";

/// What one server grants its clients.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections; further ones wait in the kernel's queue.
    pub connections: usize,
    /// From a connection's opening, or the end of an answer, to the end of the next request's
    /// headers: also how long a connection may idle.
    pub head: Duration,
    /// The same while all connections are taken. Otherwise a handful of clients that send nothing
    /// could keep everybody from the page for `head` at a time.
    pub crowded_head: Duration,
    /// How long a client may leave data unread.
    pub stall: Duration,
    /// Bytes of a request's line and headers.
    pub head_bytes: usize,
    /// How long a stopping server waits for the answers it is giving.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 64,
            // Longer than the usual scrape interval of 15 s, so that Prometheus can keep its
            // connection.
            head: Duration::from_secs(30),
            // A request comes with its connection, a round trip later at most.
            crowded_head: Duration::from_millis(500),
            stall: Duration::from_secs(30),
            head_bytes: 16 * 1024,
            // A page of megabytes is read in much less, and nobody's exit waits longer for a slow
            // reader.
            drain: Duration::from_secs(2),
        }
    }
}

/// Opens the port.
///
/// # Errors
/// [`Code::Export`] naming the address, what is wrong with it and what to change.
pub async fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let reason = match error.kind() {
            ErrorKind::AddrInUse => format!(
                "the port is in use; set {PORT_KEY} to a free port, or to 0 to have one chosen"
            ),
            ErrorKind::AddrNotAvailable => {
                format!("this machine has no such address; change {HOST_KEY}")
            }
            ErrorKind::PermissionDenied => {
                format!("the process may not open this port; set {PORT_KEY} to 1024 or higher")
            }
            _ => format!("{error}; check {HOST_KEY} and {PORT_KEY}"),
        };
        let message = format!("Prometheus: cannot listen on {address}: {reason}");
        Error::new(Code::Export, message)
    })
}

/// Answers scrapes on `listener` until `stop` turns true or its sender is gone; then takes no new
/// connections, lets answers under way finish for [`Limits::drain`] and returns.
pub async fn serve(
    listener: TcpListener,
    exposition: Arc<Exposition>,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    let slots = Arc::new(Semaphore::new(limits.connections));
    let crowd = watch::Sender::new(false);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            Some(_) = connections.join_next() => {}
            accepted = accept(&listener, &slots, &crowd) => match accepted {
                Ok((stream, slot)) => {
                    connections.spawn(converse(
                        stream,
                        exposition.clone(),
                        limits,
                        crowd.subscribe(),
                        stop.clone(),
                        slot,
                    ));
                }
                Err(error) => {
                    // Out of file descriptors, most likely. Trying again at once would only burn
                    // the processor.
                    let message = format!("Prometheus: cannot accept a connection: {error}");
                    exposition.logger().warn(message);
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    // What is not done by then ends as the set is dropped.
    let _ = tokio::time::timeout(limits.drain, drained).await;
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error is a sender that is gone: nobody is left who could say stop.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
    crowd: &watch::Sender<bool>,
) -> std::io::Result<(TcpStream, OwnedSemaphorePermit)> {
    // Also without anybody waiting: the next client finds a slot that way.
    crowd.send_replace(slots.available_permits() == 0);
    let slot = slots.clone().acquire_owned().await.expect("never closed");
    crowd.send_replace(false);
    let (stream, _) = listener.accept().await?;
    Ok((stream, slot))
}

async fn converse(
    stream: TcpStream,
    exposition: Arc<Exposition>,
    limits: Limits,
    crowd: watch::Receiver<bool>,
    mut stop: watch::Receiver<bool>,
    _slot: OwnedSemaphorePermit,
) {
    // Answers are written in large pieces; waiting to fill packets gains nothing.
    let _ = stream.set_nodelay(true);
    let activity = Activity::new();
    let service = service_fn(|request: http::Request<hyper::body::Incoming>| {
        let exposition = exposition.clone();
        let busy = activity.busy();
        async move {
            let response = exposition.respond(request.map(drop)).await;
            Ok::<_, Infallible>(response.map(|body| Answer::new(body, busy)))
        }
    });
    let io = TokioIo::new(StallGuard::new(stream, limits.stall, activity.clone()));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(limits.head_bytes)
        .serve_connection(io, service);
    let mut connection = pin!(connection);
    // A client's mistakes and disappearances are not the operator's business: errors are dropped.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = activity.overstayed(limits.crowded_head, crowd) => return,
        () = stopped(&mut stop) => connection.as_mut().graceful_shutdown(),
    }
    // Who has not asked for anything yet is not waited for. In this order, because a request that is
    // here but was not looked at makes the connection busy.
    tokio::select! {
        biased;
        _ = connection.as_mut() => {}
        () = activity.idle() => {}
    }
}

/// A way to stop a server, and to know that it has: for whoever starts it with [`serve`].
pub struct Server {
    /// Where it listens; with port 0 configured, the port that was chosen.
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Opens the port and serves `exposition` on the current tokio runtime.
    ///
    /// # Errors
    /// Those of [`bind`].
    pub async fn start(
        address: SocketAddr,
        exposition: Arc<Exposition>,
        limits: Limits,
    ) -> Result<Self> {
        let listener = bind(address).await?;
        let address = listener.local_addr().unwrap_or(address);
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(serve(listener, exposition, limits, stopped));
        Ok(Self {
            address,
            stop,
            task,
        })
    }

    /// Stops it and waits until it has, at most [`Limits::drain`].
    pub fn stop(self) -> impl Future<Output = ()> {
        self.stop.send_replace(true);
        async {
            // An error is a task that has ended otherwise: stopped all the same.
            let _ = self.task.await;
        }
    }
}
