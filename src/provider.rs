//! A provider: an engine and, once configured, its exporters. Everything the binding exposes goes
//! through here, so that it can be tested without Node.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use once_cell::sync::OnceCell;

use crate::config::Config;
use crate::engine::collection::Collection;
use crate::engine::{Collect, Engine, FacadeId, PipelineId};
use crate::error::{Code, Error, Result};
use crate::export::prometheus::HostedAnswer;
use crate::export::{otlp_exporter, runtime, Exporters};
use crate::log::{Level, Logger};

/// The process's provider, shared by every thread that loads the addon.
static GLOBAL: OnceCell<Arc<Provider>> = OnceCell::new();

/// The part of the exit time-out that the last collection may wait for other threads.
const EXIT_COLLECT_SHARE: f64 = 0.2;

pub struct Provider {
    engine: Engine,
    log: Logger,
    state: Mutex<State>,
}

/// Tells a JavaScript environment that the configuration has been applied.
pub type OnConfigured = Box<dyn Fn() + Send>;

#[derive(Default)]
struct State {
    facades: BTreeMap<FacadeId, OnConfigured>,
    exporters: Option<Arc<Exporters>>,
    memory: Option<PipelineId>,
    exit_timeout: Duration,
}

impl Provider {
    /// A provider of its own, for tests and programs that want several.
    pub fn isolated() -> Arc<Self> {
        let log = Logger::default();
        Arc::new(Self {
            engine: Engine::start(log.clone()),
            log,
            state: Mutex::default(),
        })
    }

    /// The one that all threads of the process share.
    pub fn global() -> Arc<Self> {
        GLOBAL.get_or_init(Self::isolated).clone()
    }

    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    pub fn log(&self) -> &Logger {
        &self.log
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies a configuration and starts the exporters. A scrape endpoint that cannot be opened is
    /// logged and kept as [`Exporters::problem`]; it does not fail the program.
    ///
    /// # Errors
    /// [`Code::AlreadyConfigured`] the second time, [`Code::InvalidConfig`] when an exporter refuses
    /// its settings (unreadable TLS files).
    pub fn configure(&self, config: &Config) -> Result<()> {
        let mut state = self.state();
        let otlp = otlp_exporter(config)?;
        let pipelines = self.engine.configure(config)?;
        state.memory = pipelines.memory;
        state.exit_timeout = config.exit_timeout;
        for on_configured in state.facades.values() {
            on_configured();
        }
        if config.disabled {
            self.log
                .info("OTEL_SDK_DISABLED is set: no metrics are kept or exported");
            return Ok(());
        }
        let exporters = Exporters::start(config, otlp, pipelines, &self.engine, &self.log)?;
        state.exporters = Some(Arc::new(exporters));
        Ok(())
    }

    /// A JavaScript environment begins: it is told when a configuration is applied.
    pub fn attach(&self, facade: FacadeId, on_configured: OnConfigured) {
        self.state().facades.insert(facade, on_configured);
    }

    /// A JavaScript environment ends. What it handed over stays.
    pub fn detach(&self, facade: FacadeId) {
        self.state().facades.remove(&facade);
        self.engine.detach(facade);
    }

    /// Called from the `exit` handler of an environment, on its thread, after its last hand-over.
    /// When the process ends with it (`is_final`), shuts the exporters down; when it was merely the
    /// last one for now, flushes them. Waits for either, at most the configured time.
    ///
    /// Returns the messages that can no longer be delivered through the event loop.
    pub fn exit(&self, facade: FacadeId, is_final: bool) -> Vec<(Level, String)> {
        let last = {
            let mut state = self.state();
            state.facades.remove(&facade);
            state.facades.is_empty()
        };
        if !is_final && !last {
            self.engine.detach(facade);
            return Vec::new();
        }
        self.log.detach_all();
        let (exporters, timeout) = {
            let mut state = self.state();
            let exporters = if is_final {
                state.exporters.take()
            } else {
                state.exporters.clone()
            };
            (exporters, state.exit_timeout)
        };
        let Some(exporters) = exporters else {
            self.engine.detach(facade);
            return self.log.drain();
        };
        // A worker that does not answer must not use up the time of the export.
        let patience = is_final.then(|| timeout.mul_f64(EXIT_COLLECT_SHARE));
        self.engine.leave(facade, patience);
        let (done, finished) = std::sync::mpsc::channel();
        let pending = exporters.clone();
        let spawned = runtime::handle().map(|runtime| {
            runtime.spawn(async move {
                let outcome = if is_final {
                    exporters.shutdown().await
                } else {
                    exporters.flush().await
                };
                let _ = done.send(outcome);
            })
        });
        match spawned.map(|_| finished.recv_timeout(timeout)) {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) | Err(error) => self.log.error(format!(
                "the last metrics before exit were not delivered: {error}"
            )),
            Ok(Err(_)) => {
                let left = match pending.waiting_points() {
                    0 => String::new(),
                    points => format!("; undelivered data points: {points}"),
                };
                self.log.error(format!(
                    "the last metrics before exit were not delivered within {timeout:?} \
                     (exitTimeout){left}"
                ));
            }
        }
        self.log.drain()
    }

    /// The exporters, when there are any.
    pub fn exporters(&self) -> Option<Arc<Exporters>> {
        self.state().exporters.clone()
    }

    /// Reads the in-memory pipeline.
    ///
    /// # Errors
    /// [`Code::InvalidConfig`] when the provider was not configured to keep data in memory.
    pub async fn collect(&self, timeout: Duration) -> Result<Arc<Collection>> {
        let pipeline = self.state().memory.ok_or_else(|| {
            Error::new(
                Code::InvalidConfig,
                "this provider does not keep metrics in memory; make it with createTestProvider()",
            )
        })?;
        self.engine
            .collect(pipeline, timeout)
            .await
            .unwrap_or_else(|_| Err(Error::new(Code::ShutDown, "the provider was shut down")))
    }

    /// Answers one scrape on the port of another server. `headers` are name and value in turn.
    ///
    /// # Errors
    /// [`Code::Export`] when there is no Prometheus exporter.
    pub async fn scrape(&self, method: &str, headers: &[String]) -> Result<Arc<HostedAnswer>> {
        let exporters = self.exporters();
        let exposition = exporters
            .as_ref()
            .and_then(|exporters| exporters.exposition())
            .ok_or_else(|| Error::new(Code::Export, "there is no Prometheus exporter"))?;
        let method = Method::from_bytes(method.as_bytes()).unwrap_or_default();
        let headers = headers
            .chunks_exact(2)
            .filter_map(|pair| {
                let name = HeaderName::try_from(&pair[0]).ok()?;
                Some((name, HeaderValue::try_from(&pair[1]).ok()?))
            })
            .collect();
        Ok(exposition.host(&method, &headers).await)
    }

    /// Exports everything recorded up to now through every exporter.
    ///
    /// # Errors
    /// [`Code::Export`] naming every exporter that failed and why.
    pub async fn flush(&self) -> Result<()> {
        match self.exporters() {
            Some(exporters) => exporters.flush().await,
            None => Ok(()),
        }
    }

    /// Flushes, then stops every exporter and the engine. Later calls do nothing.
    ///
    /// # Errors
    /// As [`Provider::flush`].
    pub async fn shutdown(&self) -> Result<()> {
        let exporters = self.state().exporters.take();
        let outcome = match exporters {
            Some(exporters) => exporters.shutdown().await,
            None => Ok(()),
        };
        self.engine.shutdown();
        outcome
    }
}
