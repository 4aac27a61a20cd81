//! The engine: one thread per provider that owns the series and aggregates what is recorded in them.
//!
//! [`Engine`] is the handle every other thread holds: JavaScript environments hand over through it,
//! exporters collect through it. Nothing here knows JavaScript; `binding` does.

mod actor;
pub(crate) mod aggregate;
pub mod attributes;
pub(crate) mod canonical;
mod captured;
pub mod cells;
pub mod clock;
pub mod collection;
pub(crate) mod columns;
mod command;
pub(crate) mod filter;
mod gate;
#[cfg(test)]
mod gate_tests;
mod given;
mod handover;
mod identities;
pub mod instrument;
pub mod interned;
mod known;
mod places;
pub mod plan;
pub mod points;
pub mod produced;
mod recording;
mod reported;
mod runs;
mod said;
mod self_metrics;
mod series;
pub mod slots;
mod stream;
#[cfg(test)]
mod tests;
mod thin;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{self, Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossbeam_channel::Sender;
use opentelemetry::{InstrumentationScope, KeyValue};
use tokio::sync::oneshot;

use crate::config::{
    Config, ExemplarFilter, FunctionFilter, MeterDecision, ReaderConfig, ReaderLayer,
    ResourceConfig, StreamConfig,
};
use crate::error::{Code, Error, Result};
use crate::log::Logger;
use actor::Actor;
use canonical::Canonical;
use collection::Collection;
use command::Command;
use gate::Gate;
use instrument::{InstrumentId, InstrumentSpec, Registration, Registry, MOST_OWN_READERS};
use plan::{Pipelines, Settings, Shape, Storage};
use produced::Production;

pub use actor::{Facade, Idle};
pub use captured::Captured;
pub use filter::{Answer, Verdict};
pub use given::Givens;
pub use handover::{Handover, Samples};
pub use runs::RunId;
pub use self_metrics::{Component, SelfMetric, OWN_SCOPE};
pub use slots::SlotChanges;

/// Bytes that may wait for the engine, as much as 64 full blocks; whoever sends more waits.
const QUEUED_BYTES: usize = 64 * 96 * 1024;

/// One JavaScript environment (a thread's `node::Environment`).
pub type FacadeId = u32;

/// Which of the provider's pipelines to collect: each exporter has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PipelineId(pub(crate) usize);

impl PipelineId {
    /// From the number that JavaScript knows it by.
    pub(crate) fn from_code(code: u32) -> Self {
        Self(code as usize)
    }

    pub(crate) fn code(self) -> u32 {
        self.0 as u32
    }
}

/// Where exporters get their data from.
pub trait Collect: Send + Sync + 'static {
    /// Asks every JavaScript environment to run its observable callbacks and hand over, waits for
    /// them until `timeout`, then collects. A late environment does not fail the collection: its
    /// last known data is used. With a `timeout` of zero nobody is asked: what is known is collected.
    ///
    /// Each collection has runs of the callbacks of its own, with its own time: those that overlap
    /// take nothing from each other.
    ///
    /// The answer fails only when the engine has shut down.
    fn collect(
        &self,
        pipeline: PipelineId,
        timeout: Duration,
    ) -> oneshot::Receiver<Result<Arc<Collection>>>;

    /// Records one of the source's own metrics, if it has any. No key may come twice.
    fn record(&self, _metric: SelfMetric, _value: f64, _attributes: Vec<KeyValue>) {}
}

impl Storage {
    /// The facade's number for a storage.
    pub fn from_code(code: u32) -> Self {
        match code {
            0 => Storage::Sum,
            1 => Storage::Gauge,
            2 => Storage::Block,
            _ => Storage::None,
        }
    }

    pub fn code(self) -> u32 {
        match self {
            Storage::Sum => 0,
            Storage::Gauge => 1,
            Storage::Block => 2,
            Storage::None => 3,
        }
    }
}

/// The handle of an engine; clones share it. The thread ends with the last handle.
#[derive(Clone)]
pub struct Engine {
    commands: Sender<Command>,
    registry: Arc<Mutex<Registry>>,
    gate: Arc<Gate>,
    next_facade: Arc<AtomicU32>,
    log: Logger,
}

impl Engine {
    /// Starts the thread.
    pub fn start(log: Logger) -> Self {
        let (commands, receiver) = crossbeam_channel::unbounded();
        let gate = Arc::new(Gate::new(QUEUED_BYTES));
        let actor = Actor::new(receiver, gate.clone(), log.clone());
        let engine = Self {
            commands,
            registry: Arc::default(),
            gate,
            next_facade: Arc::default(),
            log: log.clone(),
        };
        let scope = InstrumentationScope::builder(OWN_SCOPE)
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        let scope = Arc::new(scope);
        for metric in SelfMetric::ALL {
            let (id, _) = engine.register(metric.spec(&scope));
            debug_assert_eq!(id, metric.id());
        }
        let spawned = std::thread::Builder::new()
            .name("metrics-engine".to_owned())
            .spawn(move || actor.run());
        if let Err(error) = spawned {
            engine.gate.open();
            log.error(format!(
                "the metrics engine's thread could not be started, nothing will be exported: {error}"
            ));
        }
        engine
    }

    pub fn log(&self) -> &Logger {
        &self.log
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while the engine is more than [`QUEUED_BYTES`] behind.
    fn send(&self, command: Command) {
        self.gate.enter(command.size());
        // Fails only after shutdown, when nothing is recorded any more.
        let _ = self.commands.send(command);
    }

    /// Registers an instrument, or finds it. A conflict with an earlier registration is logged.
    pub fn register(&self, spec: InstrumentSpec) -> (InstrumentId, Shape) {
        let mut registry = self.registry();
        let (registration, problems) = registry.register(spec);
        for problem in problems {
            self.log.warn(problem);
        }
        // Sent under the lock: the engine sees instruments in the order of their numbers.
        let id = match registration {
            Registration::New(id, spec) => {
                self.send(Command::Instrument(id, spec));
                id
            }
            Registration::Known(id, longer) => {
                if let Some(description) = longer {
                    self.send(Command::Describe(id, description));
                }
                id
            }
        };
        let shape = shape(&registry, id);
        (id, shape)
    }

    /// Whether any stream of the instrument keeps this attribute key.
    pub fn keeps(&self, id: InstrumentId, key: &str) -> bool {
        // Without the lock, as looking through views takes its time.
        let (spec, settings) = {
            let registry = self.registry();
            (registry.get(id).cloned(), registry.settings().cloned())
        };
        match (spec, settings) {
            (Some(spec), Some(settings)) => {
                let (plans, _) = settings.streams(&spec);
                plans.iter().any(|plan| plan.attributes.keeps(key))
            }
            _ => true,
        }
    }

    /// Whether the stream that a function's environment knows by this number keeps an attribute key.
    pub fn reservation_keeps(&self, id: InstrumentId, stream: u32, key: &str) -> bool {
        let registry = self.registry();
        let (Some(spec), Some(settings)) = (registry.get(id), registry.settings()) else {
            return true;
        };
        let (plans, _) = settings.streams(spec);
        let mut plans = plans.iter();
        let plan = plans.find(|plan| plan.is_reserved_as(stream));
        plan.is_none_or(|plan| plan.attributes.keeps(key))
    }

    /// Applies a configuration, once.
    ///
    /// # Errors
    /// [`Code::AlreadyConfigured`] the second time.
    pub fn configure(&self, config: &Config) -> Result<Pipelines> {
        let mut registry = self.registry();
        if registry.settings().is_some() {
            return Err(Error::new(
                Code::AlreadyConfigured,
                "metrics are configured already; configure once, before the first export",
            ));
        }
        let (settings, pipelines) = Settings::new(config, &registry.readers());
        let settings = Arc::new(settings);
        for problem in registry.configure(settings.clone()) {
            self.log.warn(problem);
        }
        self.send(Command::Configure(settings));
        self.describe(&config.resource);
        Ok(pipelines)
    }

    /// Gives every instrument the streams that it has under this configuration, and these `readers` what
    /// they want now.
    ///
    /// # Errors
    /// [`Code::InvalidConfig`] where there was no configuration before.
    pub fn update(
        &self,
        streams: StreamConfig,
        readers: Vec<(PipelineId, ReaderConfig)>,
    ) -> Result<()> {
        let mut registry = self.registry();
        let Some(before) = registry.settings() else {
            return Err(Error::new(
                Code::InvalidConfig,
                "metrics are not configured yet; configure them first",
            ));
        };
        let mut settings = Settings {
            streams,
            ..Settings::clone(before)
        };
        for (pipeline, reader) in readers {
            settings.pipelines[pipeline.0] = Some(reader);
        }
        self.change(&mut registry, settings);
        Ok(())
    }

    /// The meters about which a function of the program's was not asked.
    pub fn undecided_meters(&self) -> Vec<Arc<InstrumentationScope>> {
        let registry = self.registry();
        let Some(settings) = registry.settings() else {
            return Vec::new();
        };
        let scopes = registry.scopes().iter();
        scopes
            .filter(|scope| settings.streams.meters.to_ask(scope).is_some())
            .cloned()
            .collect()
    }

    /// Every meter that has an instrument.
    pub fn meters(&self) -> Vec<Arc<InstrumentationScope>> {
        self.registry().scopes().iter().cloned().collect()
    }

    /// Takes what the function decided about meters. Whether instruments have other streams now.
    pub fn decide_meters(&self, decisions: Vec<MeterDecision>) -> bool {
        let mut registry = self.registry();
        let Some(settings) = registry.settings().cloned() else {
            return false;
        };
        let known = registry.scopes();
        let disables = |(scope, enabled): &MeterDecision| !enabled && known.contains(scope);
        let changes = decisions.iter().any(disables);
        settings.streams.meters.decide(decisions);
        if changes {
            self.change(&mut registry, Settings::clone(&settings));
        }
        changes
    }

    fn change(&self, registry: &mut Registry, settings: Settings) {
        let settings = Arc::new(settings);
        for problem in registry.configure(settings.clone()) {
            self.log.warn(problem);
        }
        // Sent under the lock, as instruments are.
        self.send(Command::Update(settings));
    }

    /// Adds a reader of the program's own, before the configuration or after it. One that comes later
    /// has cumulative data from the start of its streams where another reader wants the same, and
    /// otherwise from now on.
    ///
    /// # Errors
    /// [`Code::InvalidConfig`] when there are [`MOST_OWN_READERS`] of them.
    pub fn add_reader(&self, layer: ReaderLayer) -> Result<PipelineId> {
        let mut registry = self.registry();
        let (pipeline, settings) = registry.add_reader(layer).ok_or_else(|| {
            Error::new(
                Code::InvalidConfig,
                format!(
                    "there are {MOST_OWN_READERS} readers and exporters of the program's own already; \
                     shut one down before another is added"
                ),
            )
        })?;
        if let Some(settings) = settings {
            self.change(&mut registry, settings);
        }
        Ok(pipeline)
    }

    /// Has a reader of the program's own want something else.
    ///
    /// # Errors
    /// [`Code::ShutDown`] where it was taken back.
    pub fn update_reader(&self, pipeline: PipelineId, layer: ReaderLayer) -> Result<()> {
        let mut registry = self.registry();
        let changed = registry.update_reader(pipeline, layer);
        let changed = changed.ok_or_else(|| Error::new(Code::ShutDown, "it was shut down"))?;
        if let Some(settings) = changed {
            self.change(&mut registry, settings);
        }
        Ok(())
    }

    /// Takes a reader of the program's own back.
    pub fn remove_reader(&self, pipeline: PipelineId) {
        let mut registry = self.registry();
        if let Some(settings) = registry.remove_reader(pipeline) {
            self.change(&mut registry, settings);
        }
    }

    /// Says what the metrics are of, from the next collection on.
    pub fn describe(&self, resource: &ResourceConfig) {
        let (resource, conflicts) = resource.build();
        for conflict in conflicts {
            self.log.warn(conflict);
        }
        self.send(Command::Resource(Arc::new(resource)));
    }

    pub fn is_configured(&self) -> bool {
        self.registry().settings().is_some()
    }

    /// Which values may become exemplars; `None` until there is a configuration.
    pub fn exemplars(&self) -> Option<ExemplarFilter> {
        let registry = self.registry();
        registry.settings().map(|settings| settings.exemplars())
    }

    /// Whether there is an instrument that is not of this package.
    pub fn is_used(&self) -> bool {
        let registry = self.registry();
        let used = registry
            .iter()
            .any(|(_, spec)| spec.scope.name() != OWN_SCOPE);
        used
    }

    /// Every instrument's shape: facades ask after a configuration.
    pub fn shapes(&self) -> Vec<(InstrumentId, Shape)> {
        let registry = self.registry();
        registry
            .iter()
            .map(|(id, _)| (id, shape(&registry, id)))
            .collect()
    }

    pub fn attach(&self, facade: Box<dyn Facade>) -> FacadeId {
        let id = self.next_facade.fetch_add(1, Ordering::Relaxed);
        self.send(Command::Attach(id, facade));
        id
    }

    /// The environment ends; what it handed over stays.
    pub fn detach(&self, id: FacadeId) {
        self.send(Command::Detach(id));
    }

    /// The environment's event loop has stopped for good, but what its callbacks observed last is
    /// still to be exported.
    pub fn leave(&self, id: FacadeId) {
        self.send(Command::Leave(id));
    }

    /// From now on collections, the one under way too, wait for event loops no longer than this.
    pub fn hurry(&self, patience: Duration) {
        self.send(Command::Hurry(patience));
    }

    /// An empty buffer for samples, with the memory of an earlier block if there is one.
    pub fn buffer(&self) -> Samples {
        self.gate.reuse()
    }

    /// Takes values on.
    pub fn hand_over(&self, id: FacadeId, handover: Handover) {
        self.send(Command::Handover(id, Box::new(handover)));
    }

    /// Whether a metric of a Prometheus client is wanted, and read by somebody.
    pub fn produces(&self, name: &str, is_counter: bool) -> bool {
        let registry = self.registry();
        let settings = registry.settings();
        settings.is_none_or(|settings| {
            // What readers may know a counter by.
            let total = is_counter.then(|| format!("{name}_total"));
            settings.produced.keeps(name)
                && (settings.reads(name) || total.is_some_and(|total| settings.reads(&total)))
        })
    }

    /// Takes what a function decided about the metrics and series that a reader gets.
    pub fn decide(&self, filter: FunctionFilter, answers: Vec<Answer>) {
        self.send(Command::Decide(filter, answers));
    }

    /// Everything that the functions of an environment have not decided about, as JSON:
    /// `[[filter, questions], …]`. `None` where the engine does not answer within `timeout`.
    pub fn undecided(&self, facade: FacadeId, timeout: Duration) -> Option<String> {
        let (reply, answer) = sync::mpsc::channel();
        self.send(Command::Undecided(facade, reply));
        answer.recv_timeout(timeout).ok()
    }

    /// Takes what a metric producer found; it replaces what it found before.
    pub fn produce(&self, id: FacadeId, production: Production) {
        self.send(Command::Produce(id, production));
    }

    /// Removes the series with these attributes.
    pub fn remove(&self, id: InstrumentId, attributes: Canonical) {
        self.send(Command::Remove(id, attributes));
    }

    pub fn clear(&self, id: InstrumentId) {
        self.send(Command::Clear(id));
    }

    /// Ends the thread. Collections under way are answered with [`Code::ShutDown`].
    pub fn shutdown(&self) {
        self.send(Command::Shutdown);
    }
}

impl Collect for Engine {
    fn collect(
        &self,
        pipeline: PipelineId,
        timeout: Duration,
    ) -> oneshot::Receiver<Result<Arc<Collection>>> {
        let (reply, answer) = oneshot::channel();
        let command = Command::Collect(pipeline, timeout, reply);
        self.gate.enter(command.size());
        if let Err(error) = self.commands.send(command) {
            if let Command::Collect(_, _, reply) = error.into_inner() {
                let _ = reply.send(Err(actor::shut_down()));
            }
        }
        answer
    }

    fn record(&self, metric: SelfMetric, value: f64, mut attributes: Vec<KeyValue>) {
        attributes.sort_by(|a, b| a.key.cmp(&b.key));
        self.send(Command::Record(
            metric,
            value,
            Canonical::from_iter(attributes),
        ));
    }
}

fn shape(registry: &Registry, id: InstrumentId) -> Shape {
    match (registry.get(id), registry.settings()) {
        (Some(spec), Some(settings)) => Shape::new(spec, &settings.streams(spec).0),
        (Some(spec), None) => Shape::provisional(spec),
        (None, _) => Shape {
            storage: Storage::None,
            sets: 0,
            filtered: false,
            value_length: crate::config::DEFAULT_VALUE_LENGTH,
            reserved: Vec::new(),
            samples: true,
        },
    }
}
