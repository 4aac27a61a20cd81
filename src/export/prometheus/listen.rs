//! The port of the scrape endpoint: opened, or tried again until it can be. After a restart the
//! process of before holds it for a moment more, and a parent, a sibling or another program may have
//! it and give it back hours later. An exporter of this very process never does: beside that, the
//! next free port is opened.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;

use super::respond::Exposition;
use super::serve::{Limits, Server};
use crate::config::ListenSettings;
use crate::error::{Code, Error};
use crate::export::push::jittered;

/// From the first pause each is twice as long as the one before, up to the longest: what ends within
/// a second is noticed within another, and a port that is never given back costs a system call
/// every few seconds.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How many ports after the configured one are tried beside an exporter of this process.
const PORTS_BESIDE: u16 = 16;

/// Whether a `PrometheusExporter` of OpenTelemetry's JavaScript SDK in this process has a port.
pub type IsExporters<'a> = &'a dyn Fn(u16) -> bool;

/// The scrape endpoint's port with the server on it, or the reason why there is none yet.
pub struct ScrapePort {
    state: Arc<Mutex<State>>,
    /// Tries again. Ends when it is dropped.
    retry: Mutex<JoinSet<()>>,
}

enum State {
    Open(Server),
    Closed(Error),
    Stopped,
}

/// Everything that an attempt needs.
struct Attempt {
    address: SocketAddr,
    settings: ListenSettings,
    exposition: Arc<Exposition>,
    limits: Limits,
    /// Where the page is, for the log.
    path: String,
}

impl ScrapePort {
    /// Opens the port and serves `exposition` on the current tokio runtime. One that an exporter of
    /// this process holds is left to it, for the next free one. Any other that cannot be
    /// opened is logged as an error, kept as [`problem`](Self::problem) and tried again there, with
    /// growing pauses, until it can be or the port is [stopped](Self::stop).
    pub async fn open(
        address: SocketAddr,
        settings: ListenSettings,
        exposition: Arc<Exposition>,
        limits: Limits,
        path: &str,
        is_exporters: IsExporters<'_>,
    ) -> Self {
        let attempt = Attempt {
            address,
            settings,
            exposition,
            limits,
            path: path.to_owned(),
        };
        let mut retry = JoinSet::new();
        let state = match attempt.make_or_move(is_exporters).await {
            Ok(server) => Arc::new(Mutex::new(State::Open(server))),
            Err(error) => {
                let state = Arc::new(Mutex::new(State::Closed(attempt.report(&error))));
                if !is_final(&error) {
                    retry.spawn(attempt.repeat(state.clone()));
                }
                state
            }
        };
        Self {
            state,
            retry: Mutex::new(retry),
        }
    }

    /// Why the port is not open. `None` once it is.
    pub fn problem(&self) -> Option<Error> {
        match &*lock(&self.state) {
            State::Closed(problem) => Some(problem.clone()),
            State::Open(_) | State::Stopped => None,
        }
    }

    /// Where the server listens; with port 0 configured, the port that was chosen.
    pub fn address(&self) -> Option<SocketAddr> {
        match &*lock(&self.state) {
            State::Open(server) => Some(server.address),
            State::Closed(_) | State::Stopped => None,
        }
    }

    /// Tries no more, and stops the server as [`Server::stop`] does.
    pub async fn stop(&self) {
        let mut retry = std::mem::take(&mut *lock(&self.retry));
        // First, and until it has ended: it could open the port afterwards otherwise.
        retry.shutdown().await;
        let state = std::mem::replace(&mut *lock(&self.state), State::Stopped);
        if let State::Open(server) = state {
            server.stop().await;
        }
    }
}

impl Attempt {
    async fn make(&self) -> io::Result<Server> {
        let server = Server::start(self.address, self.exposition.clone(), self.limits).await?;
        let page = format!("Prometheus page at http://{}{}", server.address, self.path);
        self.exposition.logger().info(page);
        Ok(server)
    }

    /// Where the exporter listens on another address, such as `::1`, the port could be opened; but
    /// which of the two `localhost` leads to would be left to the resolver.
    async fn make_or_move(&self, is_exporters: IsExporters<'_>) -> io::Result<Server> {
        let port = self.address.port();
        if port != 0 && is_exporters(port) {
            if let Some(server) = self.make_beside().await {
                return Ok(server);
            }
        }
        self.make().await
    }

    /// On one of the next ports, the first that is free.
    async fn make_beside(&self) -> Option<Server> {
        let taken = self.address.port();
        for port in taken.checked_add(1)?..=taken.saturating_add(PORTS_BESIDE) {
            let address = SocketAddr::new(self.address.ip(), port);
            let started = Server::start(address, self.exposition.clone(), self.limits).await;
            if let Ok(server) = started {
                self.exposition.logger().warn(format!(
                    "Prometheus page at http://{address}{}, because a PrometheusExporter of this \
                     process (instrumentation.js?) holds port {taken} and has none of these metrics: \
                     let Prometheus scrape this address, or remove that exporter to have the page on \
                     {taken}",
                    self.path
                ));
                return Some(server);
            }
        }
        None
    }

    async fn repeat(self, state: Arc<Mutex<State>>) {
        let mut pause = FIRST_PAUSE;
        loop {
            tokio::time::sleep(jittered(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            match self.make().await {
                Ok(server) => {
                    *lock(&state) = State::Open(server);
                    return;
                }
                // Said once for each reason, not for each attempt.
                Err(error) if self.is_known(&error, &state) => {}
                Err(error) => {
                    *lock(&state) = State::Closed(self.report(&error));
                    if is_final(&error) {
                        return;
                    }
                }
            }
        }
    }

    fn is_known(&self, error: &io::Error, state: &Mutex<State>) -> bool {
        matches!(&*lock(state), State::Closed(known) if *known == self.problem(error))
    }

    fn report(&self, error: &io::Error) -> Error {
        let problem = self.problem(error);
        let outlook = if is_final(error) {
            ""
        } else {
            "; it is tried again until it can be opened"
        };
        self.exposition
            .logger()
            .error(format!("{problem}; metrics are not exposed there{outlook}"));
        problem
    }

    /// Names the address, what is wrong with it and what to change.
    fn problem(&self, error: &io::Error) -> Error {
        let ListenSettings { host, port } = &self.settings;
        let reason = match error.kind() {
            ErrorKind::AddrInUse => {
                format!("the port is in use; set {port} to a free port, or to 0 to have one chosen")
            }
            ErrorKind::AddrNotAvailable => {
                format!("this machine has no such address; change {host}")
            }
            ErrorKind::PermissionDenied => {
                format!("the process may not open this port; set {port} to 1024 or higher")
            }
            _ => format!("{error}; check {host} and {port}"),
        };
        let message = format!("Prometheus: cannot listen on {}: {reason}", self.address);
        Error::new(Code::Export, message)
    }
}

/// Whether nothing but another configuration helps. An address may come yet: of an interface that
/// goes up later than the program.
fn is_final(error: &io::Error) -> bool {
    error.kind() == ErrorKind::PermissionDenied
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::time::Instant;

    use opentelemetry_sdk::metrics::Temporality;

    use super::*;
    use crate::config::{PrometheusConfig, ReaderConfig, TranslationStrategy};
    use crate::engine::PipelineId;
    use crate::export::testing::TestSource;
    use crate::log::{Level, Logger};

    /// An attempt at the port of `address`, and what it logs.
    fn attempt(address: SocketAddr) -> (Attempt, Logger) {
        let log = Logger::default();
        let config = PrometheusConfig {
            listen: Some(address),
            settings: ListenSettings {
                host: "the.host".to_owned(),
                port: "the.port".to_owned(),
            },
            path: "/page".to_owned(),
            on_backend: false,
            token: None,
            translation_strategy: TranslationStrategy::default(),
            content: Default::default(),
            collect_timeout: Duration::from_secs(5),
            reader: ReaderConfig::new(Temporality::Cumulative),
        };
        let source = Arc::new(TestSource::new(Temporality::Cumulative));
        let exposition = Exposition::new(source, PipelineId(0), &config, log.clone());
        let attempt = Attempt {
            address,
            settings: config.settings,
            exposition: Arc::new(exposition),
            limits: Limits::default(),
            path: config.path,
        };
        (attempt, log)
    }

    async fn open_beside(
        address: SocketAddr,
        is_exporters: IsExporters<'_>,
    ) -> (ScrapePort, Logger) {
        let (attempt, log) = attempt(address);
        let Attempt {
            settings,
            exposition,
            limits,
            path,
            ..
        } = attempt;
        let port =
            ScrapePort::open(address, settings, exposition, limits, &path, is_exporters).await;
        (port, log)
    }

    async fn open(address: SocketAddr) -> (ScrapePort, Logger) {
        open_beside(address, &|_| false).await
    }

    fn taken() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    async fn pause(milliseconds: u64) {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_opened_once_it_is_free_and_each_is_logged_once() {
        let (other, address) = taken();
        let (port, log) = open(address).await;
        assert_eq!(port.address(), None);
        let problem = port.problem().expect("the port is taken");
        assert_eq!(problem.code(), Code::Export);
        for part in [&address.to_string(), "in use", "set the.port"] {
            assert!(problem.message().contains(part), "{problem}");
        }
        pause(500).await;
        let lines = log.drain();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0].0, Level::Error);
        assert!(lines[0].1.starts_with(problem.message()), "{lines:?}");
        assert!(lines[0].1.contains("tried again"), "{lines:?}");

        drop(other);
        let deadline = Instant::now() + Duration::from_secs(10);
        while port.address().is_none() && Instant::now() < deadline {
            pause(10).await;
        }
        assert_eq!(port.address(), Some(address));
        assert_eq!(port.problem(), None);
        TcpStream::connect(address).expect("somebody listens");
        let page = format!("Prometheus page at http://{address}/page");
        assert_eq!(log.drain(), [(Level::Info, page)]);
        port.stop().await;
        assert!(TcpStream::connect(address).is_err());
        assert_eq!((port.address(), port.problem()), (None, None));
    }

    #[tokio::test]
    async fn beside_an_exporter_of_this_process_the_next_free_port_is_opened() {
        let (_other, address) = taken();
        let _next = TcpListener::bind(("127.0.0.1", address.port() + 1));
        let (port, log) = open_beside(address, &|port| port == address.port()).await;
        let opened = port.address().expect("there are free ports");
        assert!(opened.port() > address.port() + 1, "{opened}");
        assert_eq!(port.problem(), None);
        TcpStream::connect(opened).expect("somebody listens");
        let lines = log.drain();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0].0, Level::Warn);
        let page = format!("Prometheus page at http://{opened}/page, because");
        assert!(lines[0].1.starts_with(&page), "{lines:?}");
    }

    #[tokio::test]
    async fn stopping_and_dropping_end_the_attempts() {
        for how in ["stopped", "dropped"] {
            let (other, address) = taken();
            let (port, log) = open(address).await;
            assert!(port.problem().is_some());
            match how {
                "stopped" => {
                    port.stop().await;
                    assert_eq!((port.address(), port.problem()), (None, None));
                }
                _ => drop(port),
            }
            drop(other);
            log.drain();
            pause(600).await;
            assert!(TcpStream::connect(address).is_err(), "{how}");
            assert_eq!(log.drain(), [], "{how}");
        }
    }

    #[tokio::test]
    async fn an_address_that_is_missing_is_tried_again() {
        // TEST-NET-1: nobody's address.
        let (port, log) = open("192.0.2.1:0".parse().unwrap()).await;
        let problem = port.problem().expect("there is no such address");
        assert!(problem.message().contains("change the.host"), "{problem}");
        pause(300).await;
        let lines = log.drain();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].1.contains("tried again"), "{lines:?}");
    }

    #[test]
    fn what_only_a_configuration_can_change_is_not_tried_again() {
        let (attempt, log) = attempt("127.0.0.1:1".parse().unwrap());
        let denied = io::Error::from(ErrorKind::PermissionDenied);
        assert!(is_final(&denied));
        let problem = attempt.report(&denied);
        assert!(
            problem.message().contains("set the.port to 1024"),
            "{problem}"
        );
        let lines = log.drain();
        assert!(lines[0].1.ends_with("not exposed there"), "{lines:?}");
    }
}
