//! The actor: one thread per provider, fed by a channel. It alone changes what there is to export;
//! exporters only read, under the lock of a stream's columns.
//!
//! Order is the contract: a facade's commands arrive in the order they were sent, so a series is
//! known before its first value and a removal happens between the values around it.

mod filters;
mod handovers;
mod requests;

use std::collections::{BTreeMap, HashMap};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::Resource;
use serde_json::Value as Json;

use super::canonical::Canonical;
use super::clock;
use super::collection::Collection;
use super::command::{CollectReply, Command};
use super::filter::Decisions;
use super::instrument::{InstrumentId, InstrumentSpec};
use super::places::Places;
use super::plan::{Settings, Storage};
use super::produced::Produced;
use super::recording::{record_each, Misfits};
use super::runs::{RunId, Runs};
use super::said::Said;
use super::self_metrics::SelfMetric;
use super::series::{Instrument, SeriesId};
use super::slots::Slot;
use super::{FacadeId, Gate, PipelineId};
use crate::config::FunctionFilter;
use crate::error::{Code, Error};
use crate::log::Logger;

/// Samples kept one by one until configuration tells their buckets. Beyond it (16 MiB) they are
/// aggregated under the default view.
const EARLY_SAMPLES: usize = 1 << 20;

/// Wakes the actor when nothing happens, only to notice that every handle is gone.
const IDLE: Duration = Duration::from_secs(3600);

/// How often it is looked whether exporters are done with a collection, so that its memory can go
/// back to the system.
const TIDY_INTERVAL: Duration = Duration::from_millis(500);

/// No collection waits longer; the end of the longest duration there is would be no point in time.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// What a JavaScript environment does for the engine.
pub trait Facade: Send {
    /// Asks it to run its callbacks and hand over. `false` when the environment is gone.
    fn ask(&self, run: RunId, timeout: Duration) -> bool;
    /// Whether its callbacks may have begun to run for this.
    fn has_begun(&self, run: RunId) -> bool;
    /// Tells it which slots the engine no longer needs.
    fn release(&self, slots: &[Idle]);
    /// Asks it about meters that are new. `false` when nobody answers.
    fn meters(&self) -> bool {
        false
    }
    /// Asks its metric filter of this number, as [`Decisions::to_json`] writes questions. `false` when
    /// nobody answers.
    fn question(&self, _filter: u32, _questions: Json) -> bool {
        false
    }
}

/// A slot whose series had no value for long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idle {
    pub instrument: InstrumentId,
    pub storage: Storage,
    pub slot: Slot,
    pub attributes: Canonical,
}

#[derive(Default)]
struct FacadeState {
    facade: Option<Box<dyn Facade>>,
    sums: Places,
    gauges: Places,
    blocks: Places,
    runs: Runs,
    missed: Option<Missed>,
}

/// Collections that went on without an environment, of which nothing has come since.
struct Missed {
    /// When it was asked for the first of them.
    asked: Instant,
    collections: u64,
}

impl FacadeState {
    fn places(&mut self, storage: Storage) -> &mut Places {
        match storage {
            Storage::Sum => &mut self.sums,
            Storage::Gauge => &mut self.gauges,
            Storage::Block | Storage::None => &mut self.blocks,
        }
    }
}

/// A collection that waits for its runs until its deadline, whatever others want.
struct Request {
    pipeline: PipelineId,
    runs: Wanted,
    deadline: Instant,
    /// It waits for nobody.
    at_once: bool,
    /// It waits for the filter of its reader, where that has not answered.
    filtered: bool,
    reply: CollectReply,
}

/// The run of each facade whose observations a collection takes.
type Wanted = Vec<(FacadeId, u32)>;

pub struct Actor {
    commands: Receiver<Command>,
    gate: Arc<Gate>,
    log: Logger,
    instruments: Vec<Instrument>,
    /// Instruments by scope, in the order scopes appeared: collections come out grouped.
    scopes: Vec<Vec<InstrumentId>>,
    scope_places: HashMap<Arc<InstrumentationScope>, usize>,
    facades: BTreeMap<FacadeId, FacadeState>,
    settings: Option<Arc<Settings>>,
    resource: Arc<Resource>,
    early: Vec<(InstrumentId, SeriesId, f64)>,
    misfits: Misfits,
    said: Said,
    produced: Produced,
    filters: BTreeMap<FunctionFilter, Decisions>,
    requests: Vec<Request>,
    /// Collections that exporters may still hold.
    collected: Vec<Weak<Collection>>,
    tidy_at: Option<Instant>,
    /// The longest a collection waits, whatever was asked for.
    patience: Duration,
}

impl Actor {
    pub fn new(commands: Receiver<Command>, gate: Arc<Gate>, log: Logger) -> Self {
        Self {
            commands,
            gate,
            instruments: Vec::new(),
            scopes: Vec::new(),
            scope_places: HashMap::new(),
            facades: BTreeMap::new(),
            settings: None,
            resource: Arc::new(Resource::builder_empty().build()),
            early: Vec::new(),
            misfits: Misfits::new(log.clone()),
            said: Said::default(),
            log,
            produced: Produced::default(),
            filters: BTreeMap::new(),
            requests: Vec::new(),
            collected: Vec::new(),
            tidy_at: None,
            patience: LONGEST,
        }
    }

    /// Runs until shutdown or until every sender is gone. A panic in one command is reported and
    /// costs that command, never the process.
    pub fn run(mut self) {
        loop {
            let command = match self.commands.recv_timeout(self.wait()) {
                Ok(Command::Shutdown) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(command) => Some(command),
                Err(RecvTimeoutError::Timeout) => None,
            };
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                if let Some(command) = command {
                    self.gate.leave(command.size());
                    self.handle(command);
                }
                self.advance();
                self.tidy();
            }));
            if let Err(panic) = outcome {
                let reason = panic
                    .downcast_ref::<String>()
                    .map(String::as_str)
                    .or_else(|| panic.downcast_ref::<&str>().copied())
                    .unwrap_or("unknown");
                self.log.error(format!(
                    "internal error in the metrics engine, one command was lost: {reason}"
                ));
            }
        }
        self.gate.open();
        for request in self.requests {
            let _ = request.reply.send(Err(shut_down()));
        }
    }

    /// How long nothing needs to be done unless a command comes.
    fn wait(&self) -> Duration {
        let deadlines = self.requests.iter().map(|request| request.deadline);
        match deadlines.chain(self.tidy_at).min() {
            Some(next) => next.saturating_duration_since(Instant::now()),
            None => IDLE,
        }
    }

    fn handle(&mut self, command: Command) {
        match command {
            Command::Attach(id, facade) => {
                self.facades.entry(id).or_default().facade = Some(facade);
            }
            Command::Detach(id) => self.detach(id),
            Command::Leave(id) => self.leave(id),
            Command::Hurry(patience) => self.hurry(patience),
            Command::Instrument(id, spec) => self.add_instrument(id, spec),
            Command::Describe(id, description) => {
                self.instruments[id as usize].description = description;
            }
            Command::Configure(settings) => self.configure(settings),
            Command::Update(settings) => self.update(settings),
            Command::Resource(resource) => self.resource = resource,
            Command::Handover(id, handover) => {
                self.take_over(id, *handover);
            }
            Command::Produce(id, production) => {
                self.produced.replace(id, &production, &self.log);
            }
            Command::Decide(filter, answers) => {
                if let Some(decisions) = self.filters.get_mut(&filter) {
                    decisions.take(&answers);
                }
            }
            Command::Undecided(id, reply) => {
                let _ = reply.send(self.undecided(id));
            }
            Command::Remove(instrument, attributes) => {
                self.instruments[instrument as usize].remove(&attributes);
            }
            Command::Clear(instrument) => self.instruments[instrument as usize].clear(),
            Command::Collect(pipeline, timeout, reply) => self.request(pipeline, timeout, reply),
            Command::Record(metric, value, attributes) => self.record(metric, value, attributes),
            Command::Shutdown => {}
        }
    }

    fn add_instrument(&mut self, id: InstrumentId, spec: Arc<InstrumentSpec>) {
        let mut instrument = Instrument::new(spec.clone());
        if let Some(settings) = &self.settings {
            let (plans, problems) = settings.streams(&spec);
            self.said.warn(problems, &self.log);
            // There are no values yet.
            let _ = instrument.build(plans);
        }
        debug_assert_eq!(self.instruments.len(), id as usize);
        self.instruments.push(instrument);
        let place = *self
            .scope_places
            .entry(spec.scope.clone())
            .or_insert_with(|| {
                self.scopes.push(Vec::new());
                self.scopes.len() - 1
            });
        self.scopes[place].push(id);
        if self.scopes[place].len() == 1 {
            self.ask_about_meters([&spec.scope]);
        }
    }

    /// Asks the function of the program's that says which meters are enabled, if it was not asked about
    /// one of these: what its own environment makes is decided before, what others make is not.
    fn ask_about_meters<'s>(
        &self,
        scopes: impl IntoIterator<Item = &'s Arc<InstrumentationScope>>,
    ) {
        let Some(settings) = &self.settings else {
            return;
        };
        let mut scopes = scopes.into_iter();
        let to_ask = scopes.find_map(|scope| settings.streams.meters.to_ask(scope));
        let state = to_ask.and_then(|id| self.facades.get(&id));
        if let Some(facade) = state.and_then(|state| state.facade.as_ref()) {
            // One that is gone answers no more: its meters stay enabled.
            let _ = facade.meters();
        }
    }

    fn configure(&mut self, settings: Arc<Settings>) {
        self.settings = Some(settings.clone());
        for (id, instrument) in (0..).zip(&mut self.instruments) {
            let (plans, problems) = settings.streams(&instrument.spec);
            self.said.warn(problems, &self.log);
            if instrument.has_streams() {
                if instrument.adopt(plans) {
                    self.log.warn(format!(
                        "the values of {:?} before configuration go to the first exporter with \
                         delta temporality alone",
                        instrument.spec.name
                    ));
                }
            } else {
                let built = instrument.build(plans);
                self.misfits.report(id, instrument, built);
            }
        }
        let early = self.take_early();
        record_each(&mut self.instruments, &mut self.misfits, early);
        self.ask_about_meters(self.scope_places.keys());
    }

    /// Gives every instrument the streams that it has under these settings.
    fn update(&mut self, settings: Arc<Settings>) {
        let time = clock::now();
        for instrument in &mut self.instruments {
            let (plans, problems) = settings.streams(&instrument.spec);
            self.said.warn(problems, &self.log);
            let lost = instrument.update(plans, time, settings.readers(), settings.pages);
            if lost > 0 {
                let name = &instrument.spec.name;
                self.said.warn(
                    vec![format!(
                        "the configuration of {name:?} changed again and again while a reader did not \
                         collect: what the earliest streams counted is lost to that reader"
                    )],
                    &self.log,
                );
            }
        }
        self.settings = Some(settings);
        self.ask_about_meters(self.scope_places.keys());
        self.forget_filters();
    }

    fn record(&mut self, metric: SelfMetric, value: f64, attributes: Canonical) {
        let instrument = &mut self.instruments[metric.id() as usize];
        let recorded = instrument.record_attributes(attributes, value);
        self.misfits.report(metric.id(), instrument, recorded);
    }
}

/// The function that says what a reader gets, where there is one.
pub fn shut_down() -> Error {
    Error::new(Code::ShutDown, "the metrics provider has been shut down")
}
