//! A provider: an engine and, once configured, its exporters. Everything the binding exposes goes
//! through here, so that it can be tested without Node.

use std::collections::BTreeMap;
use std::sync::{mpsc, Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use http::{HeaderName, HeaderValue, Method};
use once_cell::sync::OnceCell;

use crate::config::{
    Config, ExporterFilter, LateLayer, MeterDecision, OwnExporterConfig, ReaderLayer,
    ResourceConfig, ResourceLayer, StreamUpdate, ViewReservoir,
};
use crate::engine::collection::Collection;
use crate::engine::plan::Pipelines;
use crate::engine::{Collect, Engine, FacadeId, PipelineId};
use crate::error::{Code, Error, Result};
use crate::export::own::{Delegate, OwnPush, OwnPushes};
use crate::export::prometheus::{HostedAnswer, IsExporters};
use crate::export::{all, otlp_exporters, runtime, Exporters};
use crate::log::{Level, Logger};

/// The process's provider, shared by every thread that loads the addon.
static GLOBAL: OnceCell<Arc<Provider>> = OnceCell::new();

/// The part of the exit time-out that the last collection may wait for other threads.
const EXIT_COLLECT_SHARE: f64 = 0.2;

pub struct Provider {
    engine: Engine,
    log: Logger,
    state: Mutex<State>,
    own: Arc<OwnPushes>,
}

/// Tells a JavaScript environment that a configuration has been applied.
pub type OnConfigured = Box<dyn Fn() + Send>;

#[derive(Default)]
struct State {
    facades: BTreeMap<FacadeId, OnConfigured>,
    exporters: Option<Arc<Exporters>>,
    /// A shutdown is under way, or done.
    closing: bool,
    exit: Option<Exit>,
    /// The configuration of now, once there is one.
    config: Option<Config>,
    pipelines: Pipelines,
    exit_timeout: Duration,
    resource: ResourceConfig,
}

/// A last export that a thread ends with.
struct Exit {
    started: Result<()>,
    /// Gives the outcome; its other end is gone once the scrape endpoint is closed too.
    progress: mpsc::Receiver<Result<()>>,
    exporters: Arc<Exporters>,
    deadline: Instant,
}

/// Tells the environments that instruments may have other streams.
fn tell(state: &State) {
    for on_configured in state.facades.values() {
        on_configured();
    }
}

/// Every provider there is.
fn live() -> MutexGuard<'static, Vec<Weak<Provider>>> {
    static LIVE: Mutex<Vec<Weak<Provider>>> = Mutex::new(Vec::new());
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Provider {
    /// A provider of its own, for tests and programs that want several.
    pub fn isolated() -> Arc<Self> {
        let log = Logger::default();
        let provider = Arc::new(Self {
            engine: Engine::start(log.clone()),
            log,
            state: Mutex::default(),
            own: Arc::default(),
        });
        let mut live = live();
        live.retain(|provider| provider.strong_count() > 0);
        live.push(Arc::downgrade(&provider));
        provider
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
    pub fn configure(&self, config: &Config, is_exporters: IsExporters<'_>) -> Result<()> {
        let mut state = self.state();
        let otlp = otlp_exporters(config)?;
        let pipelines = self.engine.configure(config)?;
        state.config = Some(config.clone());
        state.pipelines = pipelines.clone();
        state.exit_timeout = config.exit_timeout;
        state.resource = config.resource.clone();
        tell(&state);
        if config.disabled {
            self.log.info(
                "OTEL_SDK_DISABLED, or disabled in a file, is set: no metrics are kept or exported",
            );
            return Ok(());
        }
        let exporters = Exporters::start(
            config,
            otlp,
            pipelines,
            self.own.clone(),
            &self.engine,
            &self.log,
            is_exporters,
        )?;
        state.exporters = Some(Arc::new(exporters));
        Ok(())
    }

    /// Changes the configuration of streams and of what exporters read and when, for instruments that
    /// exist too. What is recorded by then goes to the streams of before; of other threads, what they
    /// have handed over. `meters` are what a function of an environment says of those that there are,
    /// `filters` functions of exporters, `reservoirs` functions of views.
    ///
    /// # Errors
    /// [`Code::InvalidConfig`] when the options are not allowed, or nothing is configured yet. Nothing
    /// has changed then.
    pub fn update(
        &self,
        options: &str,
        path: &str,
        meters: Option<(FacadeId, Vec<MeterDecision>)>,
        filters: &[ExporterFilter],
        reservoirs: &[ViewReservoir],
    ) -> Result<()> {
        let mut state = self.state();
        let Some(before) = &state.config else {
            return Err(Error::new(
                Code::InvalidConfig,
                format!("{path}: metrics are not configured yet; configure them first"),
            ));
        };
        let (exporters, update) = StreamUpdate::parse(options, path)?;
        let mut config = match exporters {
            Some(exporters) => before.with_exporters(exporters, path)?,
            None => before.clone(),
        };
        config.filter_by(filters);
        config.streams = update.apply(path, &before.streams)?;
        config.streams.reserve_by(reservoirs);
        if let Some((facade, decisions)) = meters {
            config.streams.meters = config.streams.meters.by_function(facade, decisions);
        }
        let readers = state.pipelines.readers(&config);
        if before.streams != config.streams || state.pipelines.readers(before) != readers {
            self.engine.update(config.streams.clone(), readers)?;
            tell(&state);
        }
        if let Some(exporters) = &state.exporters {
            exporters.set_intervals(&config);
        }
        state.config = Some(config);
        Ok(())
    }

    /// Takes what a function of the program's decided about meters.
    pub fn decide_meters(&self, decisions: Vec<MeterDecision>) {
        if self.engine.decide_meters(decisions) {
            tell(&self.state());
        }
    }

    /// Adds to the resource what became known after the configuration.
    pub fn complete_resource(&self, kind: LateLayer, layer: ResourceLayer) {
        let mut state = self.state();
        state.resource.add(kind, layer);
        self.engine.describe(&state.resource);
    }

    /// A JavaScript environment begins: it is told when a configuration is applied.
    pub fn attach(&self, facade: FacadeId, on_configured: OnConfigured) {
        self.state().facades.insert(facade, on_configured);
    }

    /// A JavaScript environment is gone. What it handed over stays; where nobody else can record or
    /// collect it, it is exported now.
    pub fn detach(self: &Arc<Self>, facade: FacadeId) {
        self.log.detach(facade);
        self.engine.detach(facade);
        for push in self.own.of(facade) {
            push.calls().close();
            self.take_back(&push);
        }
        let (left, orphaned) = {
            let mut state = self.state();
            let left = state.facades.remove(&facade);
            let orphaned = left.is_some()
                && state.facades.is_empty()
                && state.exporters.is_some()
                && !state.closing
                && !GLOBAL.get().is_some_and(|global| Arc::ptr_eq(global, self));
            (left, orphaned)
        };
        drop(left);
        if let (true, Ok(runtime)) = (orphaned, runtime::handle()) {
            let provider = self.clone();
            runtime.spawn(async move {
                // A failure is in the log as well.
                let _ = provider.shutdown().await;
                let global = GLOBAL.get();
                for (level, message) in provider.log.drain() {
                    global.inspect(|global| global.log.log(level, message));
                }
            });
        }
    }

    /// A JavaScript environment has handed over for the last time, and its event loop no longer
    /// turns. Every environment of a thread says so before the first [`Provider::begin_exit`].
    pub fn leave(&self, facade: FacadeId) {
        self.state().facades.remove(&facade);
        for push in self.own.of(facade) {
            push.calls().close();
        }
        self.engine.leave(facade);
    }

    /// Begins what an environment ends with. When the provider ends with it (`is_final`), that shuts
    /// the exporters down; when it was merely the last environment for now, it flushes them.
    /// [`Provider::finish_exit`] waits for it.
    pub fn begin_exit(&self, facade: FacadeId, is_final: bool) {
        let begun = {
            let mut state = self.state();
            state.facades.remove(&facade);
            let ends = is_final || state.facades.is_empty();
            ends && self.begin(&mut state, is_final)
        };
        if !begun {
            self.engine.detach(facade);
        }
    }

    /// `false` where there is nothing to export.
    fn begin(&self, state: &mut State, is_final: bool) -> bool {
        self.log.detach_all();
        if state.exit.is_some() {
            return true;
        }
        let Some(exporters) = state.exporters.clone() else {
            return false;
        };
        if is_final {
            // A worker that does not answer must not use up the time of the export.
            self.engine
                .hurry(state.exit_timeout.mul_f64(EXIT_COLLECT_SHARE));
        }
        // A shutdown under way is waited for: nothing can be flushed any more.
        let stops = is_final || state.closing;
        state.closing = stops;
        let (done, progress) = mpsc::channel();
        let pending = exporters.clone();
        let spawned = runtime::handle().map(|runtime| {
            runtime.spawn(async move {
                let outcome = match stops {
                    true => exporters.stop_pushing().await,
                    false => exporters.flush().await,
                };
                let _ = done.send(outcome);
                if stops {
                    exporters.close().await;
                }
                // Dropping `done` says that this has ended.
                drop(done);
            })
        });
        state.exit = Some(Exit {
            started: spawned.map(drop),
            progress,
            exporters: pending,
            deadline: Instant::now() + state.exit_timeout,
        });
        true
    }

    /// Waits for what [`Provider::begin_exit`] began, at most the configured time.
    ///
    /// Returns the messages that can no longer be delivered through the event loop.
    pub fn finish_exit(&self) -> Vec<(Level, String)> {
        let (exit, timeout) = {
            let mut state = self.state();
            (state.exit.take(), state.exit_timeout)
        };
        if let Some(exit) = exit {
            self.wait_for(&exit, timeout);
        }
        self.log.unheard()
    }

    fn wait_for(&self, exit: &Exit, timeout: Duration) {
        let left = || exit.deadline.saturating_duration_since(Instant::now());
        let outcome = exit
            .started
            .clone()
            .map(|()| exit.progress.recv_timeout(left()));
        match outcome {
            // The scrapes that are being answered; they are not what must be delivered.
            Ok(Ok(Ok(()))) => {
                let _ = exit.progress.recv_timeout(left());
            }
            Ok(Ok(Err(error))) | Err(error) => self.log.error(format!(
                "the last metrics before exit were not delivered: {error}"
            )),
            Ok(Err(_)) => {
                let left = match exit.exporters.waiting_points() {
                    0 => String::new(),
                    points => format!("; undelivered data points: {points}"),
                };
                self.log.error(format!(
                    "the last metrics before exit were not delivered within {timeout:?} \
                     (exitTimeout){left}"
                ));
            }
        }
    }

    /// The process ends: shuts down the providers of other threads, which are asked for what they
    /// hold but end without running their `exit` handlers. Waits for each as
    /// [`Provider::finish_exit`] does.
    pub fn exit_others() -> Vec<(Level, String)> {
        let others: Vec<Arc<Provider>> = live()
            .iter()
            .filter_map(Weak::upgrade)
            .filter(|provider| {
                let mut state = provider.state();
                state.exit.is_none() && !state.closing && provider.begin(&mut state, true)
            })
            .collect();
        others
            .iter()
            .flat_map(|provider| provider.finish_exit())
            .collect()
    }

    /// The exporters, when there are any.
    pub fn exporters(&self) -> Option<Arc<Exporters>> {
        self.state().exporters.clone()
    }

    /// Adds a reader that collects when it is asked to.
    ///
    /// # Errors
    /// [`Code::InvalidConfig`] when there are too many, [`Code::ShutDown`] after a shutdown.
    pub fn add_reader(&self, layer: ReaderLayer) -> Result<PipelineId> {
        let state = self.state();
        self.still_open(&state)?;
        let pipeline = self.engine.add_reader(layer)?;
        tell(&state);
        Ok(pipeline)
    }

    /// Has such a reader want something else.
    ///
    /// # Errors
    /// [`Code::ShutDown`] where it or the provider was shut down.
    pub fn update_reader(&self, pipeline: PipelineId, layer: ReaderLayer) -> Result<()> {
        let state = self.state();
        self.still_open(&state)?;
        self.engine.update_reader(pipeline, layer)?;
        tell(&state);
        Ok(())
    }

    /// Takes such a reader back.
    pub fn remove_reader(&self, pipeline: PipelineId) {
        let state = self.state();
        self.engine.remove_reader(pipeline);
        tell(&state);
    }

    /// Adds an exporter that `delegate` runs, on the thread of `facade`. It starts with the configuration
    /// or, after it, now.
    ///
    /// # Errors
    /// As [`Provider::add_reader`]; [`Code::Export`] when the operating system refuses threads.
    pub fn add_exporter(
        &self,
        config: OwnExporterConfig,
        facade: FacadeId,
        delegate: Box<dyn Delegate>,
    ) -> Result<Arc<OwnPush>> {
        let pipeline = self.add_reader(config.reader.layer.clone())?;
        let added = self.own.add(config, facade, pipeline, delegate);
        if added.is_err() {
            self.remove_reader(pipeline);
        }
        added
    }

    /// Has such an exporter read something else, and at another interval.
    ///
    /// # Errors
    /// As [`Provider::update_reader`].
    pub fn update_exporter(&self, push: &OwnPush, config: OwnExporterConfig) -> Result<()> {
        if !self.own.has(push) {
            return Err(Error::new(Code::ShutDown, "the exporter was shut down"));
        }
        self.update_reader(push.pipeline(), config.reader.layer)?;
        push.set_interval(config.interval);
        Ok(())
    }

    /// Shuts such an exporter down, and takes it back.
    ///
    /// # Errors
    /// [`Code::Export`] when the last export failed, and why.
    pub async fn remove_exporter(&self, push: &Arc<OwnPush>) -> Result<()> {
        let outcome = push.shutdown().await;
        self.take_back(push);
        outcome
    }

    /// Takes such an exporter back without a last export.
    pub fn take_back(&self, push: &Arc<OwnPush>) {
        // Only once: its pipeline may be another reader's by now.
        if self.own.remove(push) {
            self.remove_reader(push.pipeline());
        }
    }

    fn still_open(&self, state: &State) -> Result<()> {
        match state.closing {
            true => Err(Error::new(Code::ShutDown, "the provider was shut down")),
            false => Ok(()),
        }
    }

    /// Collects for a reader of the program's own.
    ///
    /// # Errors
    /// [`Code::InvalidConfig`] before the configuration, [`Code::ShutDown`] after a shutdown.
    pub async fn collect(
        &self,
        pipeline: PipelineId,
        timeout: Duration,
    ) -> Result<Arc<Collection>> {
        if self.state().config.is_none() {
            return Err(Error::new(
                Code::InvalidConfig,
                "metrics are not configured yet; configure them before a reader collects",
            ));
        }
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
        let (exporters, closing) = {
            let state = self.state();
            (state.exporters.clone(), state.closing)
        };
        match exporters {
            // The shutdown's is the last export there is.
            Some(exporters) if closing => exporters.stop_pushing().await,
            Some(exporters) => exporters.flush().await,
            None => Ok(()),
        }
    }

    /// Flushes, then stops every exporter and the engine, and lets go of the environments. Calls
    /// meanwhile wait for the same; later ones do nothing.
    ///
    /// # Errors
    /// As [`Provider::flush`].
    pub async fn shutdown(&self) -> Result<()> {
        let exporters = {
            let mut state = self.state();
            state.closing = true;
            // They stay there until they are done, so that an exit can wait for them.
            state.exporters.clone()
        };
        let outcome = match exporters {
            Some(exporters) => {
                let outcome = exporters.stop_pushing().await;
                exporters.close().await;
                outcome
            }
            // They have something to close, perhaps.
            None => all(self.own.all().iter().map(|push| push.shutdown())).await,
        };
        let ended = {
            let mut state = self.state();
            state.exporters = None;
            std::mem::take(&mut state.facades)
        };
        // Not under the lock: this lets go of JavaScript functions.
        drop(ended);
        self.engine.shutdown();
        self.log.detach_all();
        outcome
    }
}
