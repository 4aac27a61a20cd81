//! The scrape server: HTTP/1.1 on a port of its own.

use std::convert::Infallible;
use std::future::Future;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use http::header::{HeaderValue, CONNECTION};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::activity::{Activity, Answer, Pace};
use super::crowd::{Crowd, Patience, Seat};
use super::outage::Outage;
use super::respond::Exposition;
use super::unread::Unread;

/// What an answer may have in the kernel's memory: megabytes otherwise, and what a client has read
/// would not be known.
const SEND_BUFFER: usize = 256 * 1024;

/// Connections that wait in the kernel's queue. Of 128, as they are by default, a crowd leaves none: the
/// kernel then drops a scrape's, and its next attempt is seconds later.
const BACKLOG: i32 = 1024;

/// Between two attempts to accept a connection, when the machine has no resources for it.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// What one server grants its clients.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections; further ones wait in the kernel's queue.
    pub connections: usize,
    /// Where there is a token: connections that have shown it, beside the others. No number of those
    /// without it keeps them away.
    pub authorised: usize,
    /// Answers on one connection. Prometheus connects again once in 25 minutes.
    pub answers: usize,
    /// From a connection's opening, or the end of an answer, to the end of the next request's
    /// headers: also how long a connection may idle.
    pub head: Duration,
    /// What one may take while another has no place. Otherwise a handful of clients that send or
    /// read nothing could keep everybody from the page.
    pub crowded: Patience,
    /// What an answer may take.
    pub pace: Pace,
    /// Bytes of a request's line and headers.
    pub head_bytes: usize,
    /// How long a stopping server waits for the answers it is giving.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 64,
            authorised: 16,
            answers: 100,
            // Longer than the usual scrape interval of 15 s, so that Prometheus can keep its
            // connection.
            head: Duration::from_secs(30),
            crowded: Patience {
                // A request comes with its connection, a round trip later at most.
                request: Duration::from_millis(500),
                // A page of 40 MB over 1 Gbit/s takes 0.3 s.
                reading: Duration::from_secs(1),
            },
            pace: Pace {
                // Prometheus gives a scrape 10 s, unless it is told otherwise.
                answer: Duration::from_secs(60),
                stall: Duration::from_secs(10),
                rate: 64 * 1024,
            },
            head_bytes: 16 * 1024,
            // A page of megabytes is read in much less, and nobody's exit waits longer for a slow
            // reader.
            drain: Duration::from_secs(2),
        }
    }
}

/// Answers scrapes on `listener` until `stop` turns true or its sender is gone; then takes no new
/// connections, lets answers under way finish for [`Limits::drain`] and returns.
pub async fn serve(
    listener: TcpListener,
    exposition: Arc<Exposition>,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    // Where the kernel refuses, the queue is as long as it was.
    let _ = SockRef::from(&listener).listen(BACKLOG);
    let crowd = Crowd::new(limits.connections, limits.crowded);
    let authorised = Crowd::new(limits.authorised, limits.crowded);
    let mut outage = Outage::default();
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            Some(_) = connections.join_next() => continue,
            (lasted, failures) = outage.over() => {
                exposition.logger().warn(format!(
                    "Prometheus: connections are accepted again; for {:.1} s {failures} attempts \
                     failed",
                    lasted.as_secs_f64()
                ));
                continue;
            }
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    outage.succeed();
                    stream
                }
                Err(error) if is_clients(&error) => continue,
                Err(error) => {
                    if outage.fail() {
                        exposition.logger().warn(format!(
                            "Prometheus: cannot accept connections: {error}; it is tried again, \
                             and said when it works"
                        ));
                    }
                    // At once it would only burn the processor.
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                    continue;
                }
            },
        };
        let client = Activity::new();
        let seat = tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            seat = crowd.enter(&client) => seat,
        };
        connections.spawn(converse(
            stream,
            Visitor {
                activity: client,
                seat,
                crowd: crowd.clone(),
                authorised: authorised.clone(),
            },
            exposition.clone(),
            limits,
            stop.clone(),
        ));
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

/// A client that has gone before it was accepted, which is no fault of this machine.
fn is_clients(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted
    )
}

/// A client with its seat.
struct Visitor {
    activity: Activity,
    seat: Seat,
    crowd: Arc<Crowd>,
    authorised: Arc<Crowd>,
}

async fn converse(
    stream: TcpStream,
    visitor: Visitor,
    exposition: Arc<Exposition>,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    // Answers are written in large pieces; waiting to fill packets gains nothing. Where the kernel
    // refuses either, the connection works all the same.
    let _ = stream.set_nodelay(true);
    let _ = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER);
    let Visitor {
        activity,
        mut seat,
        crowd,
        authorised,
    } = visitor;
    let answers = AtomicUsize::new(0);
    let has_token = AtomicBool::new(false);
    let (promote, mut promoted) = watch::channel(());
    let mut is_promoted = false;
    let service = service_fn(|request: http::Request<hyper::body::Incoming>| {
        let number = answers.fetch_add(1, Ordering::Relaxed) + 1;
        let welcome = exposition.is_open() || exposition.authorised(request.headers());
        if !exposition.is_open() && welcome {
            has_token.store(true, Ordering::Relaxed);
            promote.send_replace(());
        }
        let (exposition, activity, crowd) = (&exposition, &activity, &crowd);
        let has_token = &has_token;
        async move {
            // One answer at a time also for those who ask on without reading.
            activity.caught_up().await;
            let busy = activity.answer();
            let mut response = exposition.respond(request.map(drop)).await;
            let crowded = crowd.is_crowded() && !has_token.load(Ordering::Relaxed);
            if !welcome || crowded || number >= limits.answers {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(CONNECTION, close);
            }
            Ok::<_, Infallible>(response.map(|body| Answer::new(body, busy)))
        }
    });
    let io = TokioIo::new(Unread::new(stream, activity.clone()));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(limits.head_bytes)
        .serve_connection(io, service);
    let mut connection = pin!(connection);
    // A client's mistakes and disappearances are not the operator's business: errors are dropped.
    loop {
        tokio::select! {
            _ = connection.as_mut() => return,
            () = activity.spent(limits.pace) => return,
            () = seat.dismissed() => return,
            _ = promoted.changed(), if !is_promoted => {
                is_promoted = true;
                // Where those seats are taken it keeps the one it has.
                if let Some(better) = authorised.try_enter(&activity) {
                    seat = better;
                }
            }
            () = stopped(&mut stop) => {
                connection.as_mut().graceful_shutdown();
                break;
            }
        }
    }
    // Who has not asked for anything yet is not waited for. In this order, because a request that is
    // here but was not looked at makes the connection busy.
    tokio::select! {
        biased;
        _ = connection => {}
        () = activity.spent(limits.pace) => {}
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
    /// Whatever keeps the port from being opened; [`ScrapePort`](super::ScrapePort) explains it.
    pub async fn start(
        address: SocketAddr,
        exposition: Arc<Exposition>,
        limits: Limits,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
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
