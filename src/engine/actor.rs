//! The actor: one thread per provider, fed by a channel. It alone changes what there is to export;
//! exporters only read, under the lock of a stream's columns.
//!
//! Order is the contract: a facade's commands arrive in the order they were sent, so a series is
//! known before its first value and a removal happens between the values around it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::metrics::{InstrumentKind, Temporality};
use opentelemetry_sdk::Resource;
use serde_json::{json, Value as Json};

use super::canonical::{is_overflow, Canonical};
use super::captured::Captured;
use super::cells::{is_touched_gauge, is_touched_sum, Cells};
use super::clock;
use super::collection::{Collection, Metric};
use super::command::{CollectReply, Command};
use super::filter::{Decisions, MetricKey, SeriesFilter};
use super::handover::{Handover, Samples};
use super::instrument::{InstrumentId, InstrumentSpec};
use super::places::{Place, Places};
use super::plan::{Settings, Storage};
use super::produced::Produced;
use super::recording::{record_each, record_samples, Misfits};
use super::runs::{Observations, RunId, Runs};
use super::said::Said;
use super::self_metrics::SelfMetric;
use super::series::{Instrument, SeriesId};
use super::slots::{Slot, SlotChange, SlotChanges};
use super::{FacadeId, Gate, PipelineId};
use crate::allocator;
use crate::config::{
    ByKind, ExemplarFilter, FunctionFilter, IncludeExclude, MeterConfigurator, MetricFilter,
    ReaderConfig, StreamConfig, ViewMatching,
};
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

    /// Lets go of what functions decided for readers that are gone.
    fn forget_filters(&mut self) {
        let settings = self.settings.as_deref();
        let readers = settings.map_or(&[][..], |settings| &settings.pipelines);
        let filters = readers.iter().flatten();
        let used: Vec<FunctionFilter> = filters
            .filter_map(|reader| reader.filter.as_ref()?.function())
            .collect();
        self.filters.retain(|filter, _| used.contains(filter));
    }

    /// The early samples, without those whose series went before.
    fn take_early(&mut self) -> Vec<(InstrumentId, SeriesId, f64)> {
        let mut early = std::mem::take(&mut self.early);
        early.retain(|&(id, series, _)| self.instruments[id as usize].attributes(series).is_some());
        early
    }

    /// Gives the instruments with early samples streams under the default view, in both
    /// temporalities, because which one will be wanted is not known yet.
    fn aggregate_early(&mut self) {
        let settings = Settings {
            pipelines: [Temporality::Cumulative, Temporality::Delta]
                .map(|temporality| {
                    Some(ReaderConfig {
                        // Whatever a reader may want of the kind.
                        temporality: ByKind::new(|_| temporality),
                        ..ReaderConfig::new(temporality)
                    })
                })
                .into(),
            pages: 0,
            streams: StreamConfig {
                views: Vec::new(),
                view_matching: ViewMatching::Independent,
                meters: MeterConfigurator::default(),
                cardinality_limit: crate::config::DEFAULT_CARDINALITY_LIMIT,
            },
            value_length: crate::config::DEFAULT_VALUE_LENGTH,
            naming: None,
            legacy_names: true,
            wanted_exemplars: ExemplarFilter::AlwaysOff,
            produced: IncludeExclude::default(),
            reads_exemplars: false,
            reader: ReaderConfig::new(Temporality::Cumulative),
            disabled: false,
        };
        let early = self.take_early();
        for &(id, ..) in &early {
            let instrument = &mut self.instruments[id as usize];
            if !instrument.has_streams() {
                let (plans, _) = settings.streams(&instrument.spec);
                let built = instrument.build(plans);
                self.log.warn(format!(
                    "{:?} recorded more than {EARLY_SAMPLES} values before configuration; they are \
                     aggregated with default buckets and views do not apply to it",
                    instrument.spec.name
                ));
                self.misfits.report(id, instrument, built);
            }
        }
        record_each(&mut self.instruments, &mut self.misfits, early);
    }

    fn take_over(&mut self, id: FacadeId, mut handover: Handover) {
        self.change_slots(id, &handover.slots);
        self.record_handover(id, &handover);
        self.offer(id, &handover.exemplars);
        if !handover.samples.slots.is_empty() {
            self.gate.recycle(std::mem::take(&mut handover.samples));
        }
        if self.early.len() > EARLY_SAMPLES {
            self.aggregate_early();
        }
        if let Some(observations) = &handover.observations {
            self.observe(id, observations, &handover);
        }
        if let (Some(run), Some(state)) = (handover.run, self.facades.get_mut(&id)) {
            state.runs.note(run, handover.answers);
            if let Some(Missed { asked, collections }) = state.missed.take() {
                let went_on = match collections {
                    1 => "a collection".to_owned(),
                    more => format!("{more} collections"),
                };
                self.log.info(format!(
                    "the event loop answers again, {:.1} s after it was asked; {went_on} went on \
                     without it",
                    asked.elapsed().as_secs_f64()
                ));
            }
        }
    }

    fn record_handover(&mut self, id: FacadeId, handover: &Handover) {
        let state = self.facades.entry(id).or_default();
        let resolve = |places: &Places, slot: Slot, value: f64| {
            let Place { instrument, series } = places.get(slot)?;
            Some((instrument, series, value))
        };
        let sums = handover.sums.iter().flat_map(Cells::iter);
        let sums = sums
            .filter(|(_, value)| is_touched_sum(*value))
            .filter_map(|(index, value)| resolve(&state.sums, index, value));
        let gauges = handover.gauges.iter().flat_map(Cells::iter);
        let gauges = gauges
            .filter(|(_, value)| is_touched_gauge(*value))
            .filter_map(|(index, value)| resolve(&state.gauges, index, value));
        let cells = sums.chain(gauges);
        record_each(&mut self.instruments, &mut self.misfits, cells);
        let samples = &handover.samples;
        if self.settings.is_some() {
            record_samples(
                &mut self.instruments,
                &mut self.misfits,
                &state.blocks,
                samples,
            );
            return;
        }
        // Before configuration they wait, one by one, for their buckets.
        let samples = samples
            .slots
            .iter()
            .zip(&samples.values)
            .filter_map(|(&index, &value)| resolve(&state.blocks, index, value));
        for sample in samples {
            let instrument = &self.instruments[sample.0 as usize];
            let one_by_one = !instrument.spec.is_sum() && !instrument.spec.is_gauge();
            if one_by_one && !instrument.has_streams() {
                self.early.push(sample);
            } else {
                record_each(&mut self.instruments, &mut self.misfits, [sample]);
            }
        }
    }

    /// Offers what an environment captured, whose values were recorded before.
    fn offer(&mut self, id: FacadeId, captured: &[Captured]) {
        let Some(state) = self.facades.get_mut(&id) else {
            return;
        };
        let now = clock::now();
        for captured in captured {
            let places = state.places(captured.storage);
            for (slot, exemplar) in captured.exemplars(now) {
                if let Some(Place { instrument, series }) = places.get(slot) {
                    self.instruments[instrument as usize].offer(series, &exemplar);
                }
            }
        }
    }

    /// Takes on what callbacks observed: for the collections that wait for their run, and to be
    /// known beyond it. An observation that comes after the answer joins what is
    /// known, and no collection.
    fn observe(&mut self, id: FacadeId, observations: &Samples, handover: &Handover) {
        let Some(state) = self.facades.get_mut(&id) else {
            return;
        };
        let mut values: HashMap<InstrumentId, Vec<(SeriesId, f64)>> = HashMap::new();
        for (&index, &value) in observations.slots.iter().zip(&observations.values) {
            if let Some(Place { instrument, series }) = state.blocks.get(index) {
                values.entry(instrument).or_default().push((series, value));
            }
        }
        let run = handover.run;
        let under_way = run.and_then(|run| state.runs.under_way_mut(run));
        let goes_on = under_way.is_some() && !handover.answers;
        let unfinished: HashSet<InstrumentId> = handover.unfinished.iter().copied().collect();
        let mut observed = HashMap::new();
        for (index, instrument) in (0..).zip(&mut self.instruments) {
            if !instrument.spec.is_observable() {
                continue;
            }
            let values = values.remove(&index).unwrap_or_default();
            let values = Arc::new(once_each(instrument, values));
            match unfinished.contains(&index) {
                true if goes_on => {}
                true => instrument.observe_more(id, run, &values),
                false => instrument.observe(id, run, values.clone()),
            }
            if under_way.is_some() && !values.is_empty() {
                observed.insert(index, values);
            }
        }
        if let Some(run) = under_way {
            run.observations = Some(Observations {
                values: observed,
                unfinished,
                error_type: handover.error_type.clone(),
            });
        }
    }

    fn change_slots(&mut self, id: FacadeId, changes: &SlotChanges) {
        let changes = match changes.read() {
            Ok(changes) => changes,
            Err(error) => {
                self.log.error(format!(
                    "internal error: new series could not be read and are lost: {error}"
                ));
                return;
            }
        };
        let state = self.facades.entry(id).or_default();
        for SlotChange {
            storage,
            slot,
            series,
        } in changes
        {
            let places = state.places(storage);
            let Some((instrument, attributes)) = series else {
                if let Some(old) = places.take(slot) {
                    self.instruments[old.instrument as usize].detach_slot(old.series);
                }
                continue;
            };
            debug_assert!(places.get(slot).is_none(), "{slot} is somebody's");
            let series = self.instruments[instrument as usize].attach_slot(attributes);
            places.set(slot, Place { instrument, series });
        }
    }

    fn detach(&mut self, id: FacadeId) {
        let Some(state) = self.facades.remove(&id) else {
            return;
        };
        self.produced.forget(id);
        self.filters.retain(|filter, _| filter.facade != id);
        for instrument in &mut self.instruments {
            if instrument.spec.is_observable() {
                instrument.forget(id);
            }
        }
        for places in [state.sums, state.gauges, state.blocks] {
            for (_, Place { instrument, series }) in places.iter() {
                self.instruments[instrument as usize].detach_slot(series);
            }
        }
    }

    /// Keeps what the facade's callbacks observed for the last export, but asks it no more.
    fn leave(&mut self, id: FacadeId) {
        if let Some(state) = self.facades.get_mut(&id) {
            state.facade = None;
            state.runs.clear();
        }
    }

    fn hurry(&mut self, patience: Duration) {
        self.patience = patience;
        let latest = Instant::now() + patience;
        for request in &mut self.requests {
            request.deadline = request.deadline.min(latest);
        }
    }

    fn request(&mut self, pipeline: PipelineId, timeout: Duration, reply: CollectReply) {
        let at_once = timeout.is_zero();
        let timeout = timeout.min(self.patience);
        let mut runs = Wanted::new();
        for (&id, state) in self.facades.iter_mut().filter(|_| !at_once) {
            if let Some(facade) = &state.facade {
                let run = state.runs.request(facade.as_ref(), pipeline, timeout);
                runs.extend(run.map(|number| (id, number)));
            }
        }
        self.requests.push(Request {
            pipeline,
            runs,
            deadline: Instant::now() + timeout,
            at_once,
            filtered: false,
            reply,
        });
    }

    /// Answers the requests whose time is up or whose runs have ended.
    fn advance(&mut self) {
        if self.requests.is_empty() {
            return;
        }
        let now = Instant::now();
        let (facades, filters, settings) = (&self.facades, &self.filters, &self.settings);
        let is_answered = |request: &Request| {
            let filter = function_of(settings.as_deref(), request.pipeline);
            filter
                .and_then(|filter| filters.get(&filter))
                .is_none_or(|decisions| decisions.unanswered() == 0)
        };
        let is_done = |(id, number): &(FacadeId, u32)| {
            facades
                .get(id)
                .is_none_or(|state| state.runs.is_done(*number))
        };
        let is_due = |request: &mut Request| {
            request.deadline <= now
                || (request.runs.iter().all(is_done) && (!request.filtered || is_answered(request)))
        };
        let mut requests: Vec<Request> = self.requests.extract_if(.., is_due).collect();
        let waiting = requests.extract_if(.., |request| self.question(request, now));
        let waiting: Vec<Request> = waiting.collect();
        self.requests.extend(waiting);
        if requests.is_empty() {
            return;
        }
        let aged = requests.iter().any(|request| !request.at_once);
        let mut done: Vec<(PipelineId, Wanted, Arc<Collection>)> = Vec::new();
        for request in requests {
            let same = |(pipeline, runs, _): &&(PipelineId, Wanted, _)| {
                *pipeline == request.pipeline && *runs == request.runs
            };
            let collection = match done.iter().find(same) {
                Some((.., collection)) => collection.clone(),
                None => {
                    let collection = Arc::new(self.collect_for(&request));
                    done.push((request.pipeline, request.runs, collection.clone()));
                    collection
                }
            };
            let _ = request.reply.send(Ok(collection));
        }
        let collections = done
            .iter()
            .map(|(.., collection)| Arc::downgrade(collection));
        self.collected.extend(collections);
        // Not put off by collections that come more often.
        self.tidy_at
            .get_or_insert_with(|| Instant::now() + TIDY_INTERVAL);
        let wanted: HashSet<(FacadeId, u32)> = self
            .requests
            .iter()
            .flat_map(|request| request.runs.iter().copied())
            .collect();
        for (&id, state) in &mut self.facades {
            state.runs.retain(|number| wanted.contains(&(id, number)));
            if let Some(facade) = &state.facade {
                state.runs.ask(facade.as_ref());
            }
        }
        // Once, however many pipelines were served.
        if aged {
            self.release_stale();
        }
    }

    fn collect_for(&mut self, request: &Request) -> Collection {
        let late = self.is_late(&request.runs, request.at_once);
        if late && !request.at_once {
            // Before the collection, which shows it.
            self.report_late(&request.runs);
        }
        let mut collection = self.collect(request.pipeline, &request.runs);
        collection.late = late;
        collection
    }

    /// Gives memory back once the collections are encoded and gone.
    fn tidy(&mut self) {
        let now = Instant::now();
        if self.tidy_at.is_none_or(|at| now < at) {
            return;
        }
        let held = self.collected.len();
        self.collected
            .retain(|collection| collection.strong_count() > 0);
        if self.collected.len() < held {
            allocator::give_back();
        }
        self.tidy_at = (!self.collected.is_empty()).then(|| now + TIDY_INTERVAL);
    }

    /// Has observable instruments show what a collection is to show of them. The `error.type` of the
    /// first callback that failed.
    fn prepare(&mut self, pipeline: PipelineId, runs: &Wanted) -> Option<Box<str>> {
        let observations: HashMap<FacadeId, &Observations> = runs
            .iter()
            .filter_map(|&(id, number)| {
                let run = self.facades.get(&id)?.runs.get(number)?;
                Some((id, run.observations.as_ref()?))
            })
            .collect();
        for (id, instrument) in (0..).zip(&mut self.instruments) {
            if instrument.spec.is_observable() {
                let prepared = instrument.prepare(id, pipeline, &observations);
                self.misfits.report(id, instrument, prepared);
            }
        }
        let failed = observations.values();
        failed.filter_map(|run| run.error_type.clone()).next()
    }

    fn collect(&mut self, pipeline: PipelineId, runs: &Wanted) -> Collection {
        let mut metrics: Vec<Metric> = Vec::new();
        let error_type = self.prepare(pipeline, runs);
        // One end for all points, after everything that they count.
        let time = clock::now();
        for instruments in &self.scopes {
            for &id in instruments {
                let instrument = &mut self.instruments[id as usize];
                let description = instrument.description.clone();
                metrics.extend(instrument.take_ended(pipeline));
                metrics.extend(
                    instrument
                        .streams_of(pipeline.0)
                        .filter_map(|stream| stream.collect(&description, time)),
                );
            }
        }
        if !self.produced.is_empty() {
            // Behind everything else: where two want one name on the page, the first has it.
            let overlaps = self.settings.as_ref().is_some_and(|s| s.legacy_names);
            let twins = twins(&self.instruments);
            metrics.extend(self.produced.collect(&twins, overlaps, &self.log));
        }
        let filter = self.settings.as_deref().and_then(|s| s.filter(pipeline));
        let metrics = match filter {
            Some(filter) => self.filtered(metrics, filter),
            None => metrics,
        };
        let mut collection = Collection::new(self.resource.clone(), metrics);
        collection.error_type = error_type;
        collection
    }

    /// What a reader's filter leaves of metrics.
    fn filtered(&self, metrics: Vec<Metric>, filter: &MetricFilter) -> Vec<Metric> {
        let series_of = |metric: &Metric| match filter.function() {
            Some(function) => self
                .filters
                .get(&function)?
                .series_of(&MetricKey::of(metric)),
            None if !filter.keeps_metric(&metric.name) => None,
            None => match filter.rules_of(&metric.name) {
                none if none.is_empty() => Some(SeriesFilter::All),
                rules => Some(SeriesFilter::Rules(rules.into())),
            },
        };
        metrics
            .into_iter()
            .filter_map(|metric| {
                let filter = series_of(&metric)?;
                Some(Metric { filter, ..metric })
            })
            .collect()
    }

    /// Asks the function that filters for a reader whatever it was not asked yet. Whether the collection
    /// is to wait for an answer; what is not decided when it no longer does is left out of it.
    fn question(&mut self, request: &mut Request, now: Instant) -> bool {
        let Some(filter) = function_of(self.settings.as_deref(), request.pipeline) else {
            return false;
        };
        self.prepare(request.pipeline, &request.runs);
        let new = self.look(filter, request.pipeline);
        let decisions = self.filters.entry(filter).or_default();
        let state = self.facades.get(&filter.facade);
        let facade = state.and_then(|state| state.facade.as_ref());
        let goes_on = facade.is_some_and(|facade| {
            new.is_empty() || facade.question(filter.number, decisions.to_json(&new))
        });
        let unanswered = decisions.unanswered();
        request.filtered = true;
        if unanswered == 0 || (goes_on && !request.at_once && now < request.deadline) {
            return unanswered > 0;
        }
        self.record(
            SelfMetric::Undecided,
            unanswered as f64,
            Canonical::default(),
        );
        self.said.warn(
            vec![
                "a metric filter of the program's did not answer in time; what it has not decided                  about is left out of the collection (counted in                  nativestage.metrics.filters.undecided)"
                    .to_owned(),
            ],
            &self.log,
        );
        false
    }

    /// Looks at everything that a reader would get; the numbers of the questions that are new.
    fn look(&mut self, filter: FunctionFilter, pipeline: PipelineId) -> Vec<u32> {
        let decisions = self.filters.entry(filter).or_default();
        let mut new = Vec::new();
        for &id in self.scopes.iter().flatten() {
            for stream in self.instruments[id as usize].streams_of(pipeline.0) {
                let columns = stream.columns();
                let each_series = |visit: &mut dyn FnMut(&Canonical)| {
                    columns.lock().for_each_series(visit);
                };
                new.extend(decisions.look(&stream.key(), &each_series));
            }
        }
        self.produced.for_each_metric(&mut |metric, each_series| {
            new.extend(decisions.look(&metric, each_series));
        });
        new
    }

    /// All that the functions of an environment have not decided about, as JSON:
    /// `[[filter, questions], …]`.
    fn undecided(&mut self, facade: FacadeId) -> String {
        let pipelines = self.settings.as_deref().map_or(0, |s| s.pipelines.len());
        for pipeline in (0..pipelines).map(PipelineId) {
            let filter = function_of(self.settings.as_deref(), pipeline);
            if let Some(filter) = filter.filter(|filter| filter.facade == facade) {
                self.prepare(pipeline, &Wanted::new());
                self.look(filter, pipeline);
            }
        }
        let own = self.filters.iter();
        let own =
            own.filter(|(filter, decisions)| filter.facade == facade && decisions.unanswered() > 0);
        let questions = own.map(|(filter, decisions)| (filter.number, decisions.all_to_json()));
        json!(questions.collect::<Vec<_>>()).to_string()
    }

    fn release_stale(&mut self) {
        let mut stale: HashSet<(InstrumentId, SeriesId)> = HashSet::new();
        for (id, instrument) in (0..).zip(&mut self.instruments) {
            stale.extend(instrument.age().into_iter().map(|series| (id, series)));
        }
        if stale.is_empty() {
            return;
        }
        for state in self.facades.values() {
            let tables = [
                (Storage::Sum, &state.sums),
                (Storage::Gauge, &state.gauges),
                (Storage::Block, &state.blocks),
            ];
            let mut slots = Vec::new();
            for (storage, places) in tables {
                for (slot, Place { instrument, series }) in places.iter() {
                    if stale.contains(&(instrument, series)) {
                        let attributes = self.instruments[instrument as usize].attributes(series);
                        slots.extend(attributes.map(|attributes| Idle {
                            instrument,
                            storage,
                            slot,
                            attributes: attributes.clone(),
                        }));
                    }
                }
            }
            if let (Some(facade), false) = (&state.facade, slots.is_empty()) {
                facade.release(&slots);
            }
        }
    }

    /// Whether an event loop has not answered: one that a collection asked, or any, where it asks
    /// nobody.
    fn is_late(&self, runs: &Wanted, at_once: bool) -> bool {
        if at_once {
            let mut facades = self.facades.values();
            return facades.any(|state| state.runs.is_any_silent());
        }
        runs.iter()
            .any(|&(id, number)| self.silent_since(id, number).is_some())
    }

    fn silent_since(&self, id: FacadeId, number: u32) -> Option<Instant> {
        self.facades.get(&id)?.runs.get(number)?.silent_since()
    }

    fn report_late(&mut self, runs: &Wanted) {
        self.record(SelfMetric::LateCollections, 1.0, Canonical::default());
        for &(id, number) in runs {
            let Some(asked) = self.silent_since(id, number) else {
                continue;
            };
            let Some(state) = self.facades.get_mut(&id) else {
                continue;
            };
            if state.missed.is_none() {
                self.log.warn(
                    "an event loop did not answer in time; metrics are exported with what it handed \
                     over last (counted in nativestage.metrics.collections.late)",
                );
            }
            let missed = state.missed.get_or_insert(Missed {
                asked,
                collections: 0,
            });
            missed.collections += 1;
        }
    }

    fn record(&mut self, metric: SelfMetric, value: f64, attributes: Canonical) {
        let instrument = &mut self.instruments[metric.id() as usize];
        let recorded = instrument.record_attributes(attributes, value);
        self.misfits.report(metric.id(), instrument, recorded);
    }
}

/// The function that says what a reader gets, where there is one.
fn function_of(settings: Option<&Settings>, pipeline: PipelineId) -> Option<FunctionFilter> {
    settings?.filter(pipeline)?.function()
}

/// The metrics that their plugins also keep in prom-client's registry, by their name there, and what
/// to use instead.
fn twins(instruments: &[Instrument]) -> HashMap<&'static str, &str> {
    instruments
        .iter()
        .filter_map(|instrument| instrument.spec.legacy.as_ref())
        .filter_map(|legacy| Some((legacy.twin?, legacy.successor.as_str())))
        .collect()
}

/// What one round observed, one value per attribute set, in the order they came. Observed twice,
/// the later value counts, as in the JS SDK; but different sets meet in the overflow series, and
/// where the facade leaves out what no stream keeps, and their sums add up.
fn once_each(instrument: &Instrument, observed: Vec<(SeriesId, f64)>) -> Vec<(Canonical, f64)> {
    let adds_up = instrument.spec.kind != InstrumentKind::ObservableGauge;
    let filtered = instrument.is_filtered();
    let mut places: HashMap<SeriesId, usize> = HashMap::with_capacity(observed.len());
    let mut once: Vec<(Canonical, f64)> = Vec::with_capacity(observed.len());
    for (series, value) in observed {
        if let Some(&at) = places.get(&series) {
            let (attributes, last) = &mut once[at];
            *last = match adds_up && (filtered || is_overflow(attributes)) {
                true => *last + value,
                false => value,
            };
        } else if let Some(attributes) = instrument.attributes(series) {
            places.insert(series, once.len());
            once.push((attributes.clone(), value));
        }
    }
    once
}

pub fn shut_down() -> Error {
    Error::new(Code::ShutDown, "the metrics provider has been shut down")
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn collections_that_come_in_quick_succession_are_let_go() {
        let (_commands, receiver) = crossbeam_channel::unbounded();
        let mut actor = Actor::new(receiver, Arc::new(Gate::new(1)), Logger::default());
        let mut rounds = 0;
        let end = Instant::now() + 3 * TIDY_INTERVAL;
        while Instant::now() < end {
            let (reply, _) = oneshot::channel();
            actor.request(PipelineId(0), Duration::ZERO, reply);
            actor.advance();
            actor.tidy();
            rounds += 1;
            std::thread::sleep(TIDY_INTERVAL / 50);
        }
        assert!(rounds > 10, "{rounds}");
        assert!(
            actor.collected.len() <= rounds / 2,
            "{} of {rounds} collections are still looked after",
            actor.collected.len()
        );
    }
}
