//! One metric stream in the SDK, in segments: providers with a single instrument and a single reader.
//!
//! The SDK allocates room for a stream's whole cardinality limit at once (measured: 390 KiB resident
//! for each instrument) and can neither forget a cumulative series nor remove an instrument. Segments
//! grow from 16 series; one whose series are all gone is dropped, and its memory with it.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use opentelemetry::metrics::{
    AsyncInstrument, BoundCounter, BoundGauge, BoundHistogram, BoundUpDownCounter, Counter, Gauge,
    Histogram, Meter, MeterProvider, UpDownCounter,
};
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{
    Aggregation, Instrument, InstrumentKind, ManualReader, Pipeline, SdkMeterProvider,
    Stream as SdkStream, Temporality,
};
use opentelemetry_sdk::Resource;

use super::collection::{CollectedMetric, CollectedPart, HiddenSeries, INCARNATION_KEY};
use super::instrument::{InstrumentSpec, ValueType};
use super::plan::StreamPlan;

/// Attribute sets in a stream's first segment; the next ones are four times as large.
const SMALLEST_SEGMENT: usize = 16;
/// Attribute sets in a segment, at most: the unit in which memory is given back.
const LARGEST_SEGMENT: usize = 512;

/// Attributes in the engine's canonical form: sorted by key, no key twice.
pub type Canonical = Arc<[KeyValue]>;

/// The attributes of the series that takes what exceeds the cardinality limit.
fn overflow_attributes() -> Canonical {
    Arc::from([KeyValue::new("otel.metric.overflow", true)])
}

pub fn is_overflow(attributes: &Canonical) -> bool {
    matches!(&attributes[..], [only] if only.key.as_str() == "otel.metric.overflow"
        && only.value == Value::Bool(true))
}

pub struct Stream {
    plan: StreamPlan,
    spec: Arc<InstrumentSpec>,
    created: SystemTime,
    segments: Vec<Segment>,
    next_segment: u32,
    /// Live series by their attributes, for the limit and for sharing one among several.
    live: HashMap<Canonical, Live>,
    /// Delta series released since the last collection, and their segments: one that comes back
    /// must add to what was not exported yet, not stand beside it.
    lingering: HashMap<Canonical, u32>,
    /// Observable counters under delta temporality: what was observed before.
    reported: Option<Reported>,
}

/// A part of a stream's series, in an SDK provider of its own.
struct Segment {
    id: u32,
    // Dropping the provider drops the aggregation.
    _provider: SdkMeterProvider,
    reader: SharedReader,
    instrument: SdkInstrument,
    /// Attribute sets it may hold, and how many the SDK may still hold.
    capacity: usize,
    used: usize,
    live: usize,
    /// Series released since the last collection, and since the one before: the SDK lets go of a
    /// delta series at the second collection after its last value, of a cumulative one never.
    released: [usize; 2],
    /// Keys of removed series that the SDK still holds.
    hidden: Arc<HiddenSeries>,
    /// How often a series was removed here, so that one that comes back is a new one to the SDK.
    incarnations: HashMap<Canonical, i64>,
}

struct Live {
    segment: u32,
    /// Bindings that share it: a filter can make several series equal.
    bindings: u32,
}

/// A series' place in a stream.
pub struct Binding {
    handle: Handle,
    /// Whether it takes a place of its own: the overflow series does not.
    counted: bool,
}

impl Binding {
    pub fn record(&self, value: f64) {
        self.handle.record(value);
    }
}

/// A bound SDK handle: one atomic update per value, no lookup.
enum Handle {
    CounterDouble(BoundCounter<f64>),
    CounterInt(BoundCounter<u64>),
    UpDownDouble(BoundUpDownCounter<f64>),
    UpDownInt(BoundUpDownCounter<i64>),
    GaugeDouble(BoundGauge<f64>),
    GaugeInt(BoundGauge<i64>),
    HistogramDouble(BoundHistogram<f64>),
    HistogramInt(BoundHistogram<u64>),
}

impl Handle {
    fn record(&self, value: f64) {
        match self {
            Handle::CounterDouble(handle) => handle.add(value),
            Handle::CounterInt(handle) => handle.add(value as u64),
            Handle::UpDownDouble(handle) => handle.add(value),
            Handle::UpDownInt(handle) => handle.add(value as i64),
            Handle::GaugeDouble(handle) => handle.record(value),
            Handle::GaugeInt(handle) => handle.record(value as i64),
            Handle::HistogramDouble(handle) => handle.record(value),
            Handle::HistogramInt(handle) => handle.record(value as u64),
        }
    }
}

/// The totals that an observable counter reported, from which its deltas are made.
///
/// The SDK forgets a series that one collection missed and then counts all of it again, and its
/// delta of a counter that started over is negative, or for integers wraps around. So the deltas are
/// made here and added to a plain counter.
#[derive(Default)]
struct Reported(HashMap<Canonical, f64>);

impl Reported {
    fn wanted(spec: &InstrumentSpec, plan: &StreamPlan) -> bool {
        spec.kind == InstrumentKind::ObservableCounter
            && plan.temporality == Temporality::Delta
            && plan.aggregation == Aggregation::Sum
    }

    /// A total below the one before is that of a counter that started over, and all new (Metrics
    /// data model, "Resets and gaps"). Series that are observed no more are remembered while they
    /// are at most as many as the limit.
    fn make_deltas(&mut self, totals: &mut [(Canonical, f64)], limit: usize) {
        if self.0.len() > totals.len() + limit {
            let current: HashSet<&Canonical> = totals.iter().map(|(set, _)| set).collect();
            self.0.retain(|set, _| current.contains(set));
        }
        for (set, total) in totals {
            let before = self.0.insert(set.clone(), *total).unwrap_or(0.0);
            if *total >= before {
                *total -= before;
            }
        }
    }
}

/// What an observable instrument reports at the next collection.
type Observations = Arc<Mutex<Vec<(Canonical, f64)>>>;

enum SdkInstrument {
    CounterDouble(Counter<f64>),
    CounterInt(Counter<u64>),
    UpDownDouble(UpDownCounter<f64>),
    UpDownInt(UpDownCounter<i64>),
    GaugeDouble(Gauge<f64>),
    GaugeInt(Gauge<i64>),
    HistogramDouble(Histogram<f64>),
    HistogramInt(Histogram<u64>),
    Observable(Observations),
}

impl Stream {
    pub fn new(spec: Arc<InstrumentSpec>, plan: StreamPlan, created: SystemTime) -> Self {
        Self {
            reported: Reported::wanted(&spec, &plan).then(Reported::default),
            plan,
            spec,
            created,
            segments: Vec::new(),
            next_segment: 0,
            live: HashMap::new(),
            lingering: HashMap::new(),
        }
    }

    pub fn plan(&self) -> &StreamPlan {
        &self.plan
    }

    /// Moves the stream to other pipelines (a bit set).
    pub fn assign(&mut self, pipelines: u32) {
        self.plan.pipelines = pipelines;
    }

    pub fn is_cumulative(&self) -> bool {
        self.plan.temporality != Temporality::Delta
    }

    /// What the stream keeps of a series' attributes.
    fn project(&self, attributes: &Canonical) -> Canonical {
        // A filter is for what programs record: the overflow series stays what it is.
        if self.plan.attributes.keeps_all() || is_overflow(attributes) {
            attributes.clone()
        } else {
            attributes
                .iter()
                .filter(|kv| self.plan.attributes.keeps(kv.key.as_str()))
                .cloned()
                .collect()
        }
    }

    /// Binds a series. Past the cardinality limit it is bound to the overflow series.
    pub fn bind(&mut self, attributes: &Canonical) -> Binding {
        let attributes = self.project(attributes);
        if let Some(live) = self.live.get_mut(&attributes) {
            live.bindings += 1;
            let id = live.segment;
            let segment = self.segments.iter().find(|segment| segment.id == id);
            // A segment with live series is never dropped.
            let handle = segment.expect("segment of a live series").bind(&attributes);
            return Binding {
                handle,
                counted: true,
            };
        }
        if self.live.len() >= self.plan.cardinality_limit || is_overflow(&attributes) {
            // The first segment: it has room for one more than its capacity.
            let segment = match self.segments.first() {
                Some(segment) => segment,
                None => self.grow(),
            };
            return Binding {
                handle: segment.bind(&overflow_attributes()),
                counted: false,
            };
        }
        let lingering = self.lingering.remove(&attributes);
        let room = |segment: &Segment| segment.used < segment.capacity;
        if lingering.is_none() && !self.segments.iter().any(room) {
            self.grow();
        }
        let mut segments = self.segments.iter_mut().rev();
        let segment = match lingering {
            Some(id) => segments.find(|segment| segment.id == id),
            None => segments.find(|segment| room(segment)),
        };
        // Segments are dropped, and `lingering` is emptied, only by a collection.
        let segment = segment.expect("a segment with room");
        match lingering {
            Some(_) => segment.released[0] -= 1,
            None => segment.used += 1,
        }
        segment.live += 1;
        let binding = Binding {
            handle: segment.bind(&attributes),
            counted: true,
        };
        let live = Live {
            segment: segment.id,
            bindings: 1,
        };
        self.live.insert(attributes, live);
        binding
    }

    fn grow(&mut self) -> &Segment {
        let capacity = match self.segments.last() {
            Some(last) => (4 * last.capacity).min(LARGEST_SEGMENT),
            None => SMALLEST_SEGMENT,
        };
        let segment = Segment::new(self.next_segment, &self.spec, &self.plan, capacity);
        self.next_segment += 1;
        self.segments.push(segment);
        &self.segments[self.segments.len() - 1]
    }

    /// Takes a series out. `forget` says that the program removed it: a cumulative stream then hides
    /// what the SDK still holds.
    ///
    /// Returns whether the stream hides so much that it should be rebuilt.
    pub fn release(&mut self, attributes: &Canonical, binding: Binding, forget: bool) -> bool {
        if !binding.counted {
            return false;
        }
        drop(binding);
        let attributes = self.project(attributes);
        let Some(live) = self.live.get_mut(&attributes) else {
            return false;
        };
        live.bindings -= 1;
        if live.bindings > 0 {
            return false;
        }
        let id = live.segment;
        self.live.remove(&attributes);
        let cumulative = self.is_cumulative();
        if let Some(segment) = self.segments.iter_mut().find(|segment| segment.id == id) {
            segment.live -= 1;
            segment.released[0] += 1;
            if !cumulative {
                self.lingering.insert(attributes.clone(), id);
            }
            if forget && cumulative {
                let key = segment.key(&attributes);
                Arc::make_mut(&mut segment.hidden).insert(key);
                *segment.incarnations.entry(attributes).or_default() += 1;
            }
        }
        if !forget || !cumulative {
            // What a delta stream has not exported yet is: empty segments go after a collection.
            return false;
        }
        self.drop_hidden_segments();
        let hidden: usize = self
            .segments
            .iter()
            .map(|segment| segment.hidden.len())
            .sum();
        hidden >= self.plan.cardinality_limit.max(LARGEST_SEGMENT)
    }

    /// Drops cumulative segments in which every series was removed. The first stays: overflow lives
    /// there.
    fn drop_hidden_segments(&mut self) {
        let first = self.segments.first().map(|segment| segment.id);
        self.segments.retain(|segment| {
            Some(segment.id) == first || segment.live > 0 || segment.hidden.len() < segment.used
        });
    }

    /// Sets what an observable instrument reports until the next call: one value per attribute
    /// set, sums added up over the sets that the stream's filter makes equal, gauges the last.
    pub fn observe(&mut self, values: &[(&Canonical, f64)]) {
        let adds_up = self.spec.kind != InstrumentKind::ObservableGauge;
        let mut merged: Vec<(Canonical, f64)> = Vec::with_capacity(values.len());
        let mut index: HashMap<Canonical, usize> = HashMap::with_capacity(values.len());
        for (attributes, value) in values {
            let attributes = self.project(attributes);
            match index.get(&attributes) {
                Some(&at) if adds_up => merged[at].1 += value,
                Some(&at) => merged[at].1 = *value,
                None => {
                    index.insert(attributes.clone(), merged.len());
                    merged.push((attributes, *value));
                }
            }
        }
        let limit = self.plan.cardinality_limit;
        // Counters keep a series for one collection more than it was observed.
        let mut capacity = limit;
        if let Some(reported) = &mut self.reported {
            reported.make_deltas(&mut merged, limit);
            capacity = 2 * limit + 1;
        }
        limit_sets(&mut merged, limit, adds_up);
        if self.segments.is_empty() {
            // One segment for all: the SDK empties it at every collection.
            let segment = Segment::new(self.next_segment, &self.spec, &self.plan, capacity);
            self.segments.push(segment);
        }
        match self.segments.first().map(|segment| &segment.instrument) {
            Some(SdkInstrument::Observable(observations)) => {
                *observations.lock().unwrap_or_else(PoisonError::into_inner) = merged;
            }
            Some(SdkInstrument::CounterDouble(sdk)) => {
                for (attributes, value) in &merged {
                    sdk.add(*value, attributes);
                }
            }
            Some(SdkInstrument::CounterInt(sdk)) => {
                for (attributes, value) in &merged {
                    sdk.add(*value as u64, attributes);
                }
            }
            _ => {}
        }
    }

    /// Reads the stream. Under delta temporality this starts the next interval.
    pub fn collect(&mut self, description: &Arc<str>) -> Option<CollectedMetric> {
        let parts: Vec<CollectedPart> = self.segments.iter().filter_map(Segment::collect).collect();
        if !self.is_cumulative() && !self.spec.is_observable() {
            self.lingering.clear();
            for segment in &mut self.segments {
                segment.used -= segment.released[1];
                segment.released = [0, segment.released[0]];
            }
            // Everything was just exported. The first stays: overflow lives there.
            let first = self.segments.first().map(|segment| segment.id);
            self.segments
                .retain(|segment| segment.live > 0 || Some(segment.id) == first);
        }
        (!parts.is_empty()).then(|| CollectedMetric {
            scope: self.spec.scope.clone(),
            description: match &self.plan.description {
                Some(description) => Arc::from(description.as_str()),
                None => description.clone(),
            },
            created: self.created,
            sums: matches!(
                self.spec.kind,
                InstrumentKind::Counter
                    | InstrumentKind::ObservableCounter
                    | InstrumentKind::Histogram
            ),
            parts,
        })
    }
}

/// Puts what exceeds the cardinality limit into the overflow series.
fn limit_sets(values: &mut Vec<(Canonical, f64)>, limit: usize, adds_up: bool) {
    let sets = values.len() - usize::from(values.iter().any(|(set, _)| is_overflow(set)));
    if sets <= limit {
        return;
    }
    let mut room = limit;
    let mut rest: Option<f64> = None;
    values.retain(|value| {
        if !is_overflow(&value.0) && room > 0 {
            room -= 1;
            return true;
        }
        rest = Some(match rest {
            Some(sum) if adds_up => sum + value.1,
            _ => value.1,
        });
        false
    });
    values.extend(rest.map(|value| (overflow_attributes(), value)));
}

impl Segment {
    fn new(id: u32, spec: &InstrumentSpec, plan: &StreamPlan, capacity: usize) -> Self {
        let reader = SharedReader(Arc::new(
            ManualReader::builder()
                .with_temporality(plan.temporality)
                .build(),
        ));
        let view = plan.clone();
        let provider = SdkMeterProvider::builder()
            .with_resource(Resource::builder_empty().build())
            .with_reader(reader.clone())
            .with_view(move |_: &Instrument| sdk_stream(&view, capacity))
            .build();
        let meter = provider.meter_with_scope((*spec.scope).clone());
        let kind = match Reported::wanted(spec, plan) {
            true => InstrumentKind::Counter,
            false => spec.kind,
        };
        let instrument = SdkInstrument::new(&meter, spec, kind);
        Self {
            id,
            _provider: provider,
            reader,
            instrument,
            capacity,
            used: 0,
            live: 0,
            released: [0; 2],
            hidden: Arc::default(),
            incarnations: HashMap::new(),
        }
    }

    fn bind(&self, attributes: &Canonical) -> Handle {
        let key = self.key(attributes);
        match &self.instrument {
            SdkInstrument::CounterDouble(sdk) => Handle::CounterDouble(sdk.bind(&key)),
            SdkInstrument::CounterInt(sdk) => Handle::CounterInt(sdk.bind(&key)),
            SdkInstrument::UpDownDouble(sdk) => Handle::UpDownDouble(sdk.bind(&key)),
            SdkInstrument::UpDownInt(sdk) => Handle::UpDownInt(sdk.bind(&key)),
            SdkInstrument::GaugeDouble(sdk) => Handle::GaugeDouble(sdk.bind(&key)),
            SdkInstrument::GaugeInt(sdk) => Handle::GaugeInt(sdk.bind(&key)),
            SdkInstrument::HistogramDouble(sdk) => Handle::HistogramDouble(sdk.bind(&key)),
            SdkInstrument::HistogramInt(sdk) => Handle::HistogramInt(sdk.bind(&key)),
            SdkInstrument::Observable(_) => {
                unreachable!("observable instruments are observed, not bound")
            }
        }
    }

    /// The SDK's key of a live series: its attributes, marked if it had a removed predecessor.
    fn key(&self, attributes: &Canonical) -> Vec<KeyValue> {
        let mut key = attributes.to_vec();
        if let Some(incarnation) = self.incarnations.get(attributes) {
            let at = key.partition_point(|kv| kv.key.as_str() < INCARNATION_KEY);
            key.insert(at, KeyValue::new(INCARNATION_KEY, *incarnation));
        }
        key
    }

    fn collect(&self) -> Option<CollectedPart> {
        let mut data = ResourceMetrics::default();
        self.reader.0.collect(&mut data).ok()?;
        data.scope_metrics().next()?;
        Some(CollectedPart {
            hidden: (!self.hidden.is_empty()).then(|| self.hidden.clone()),
            data,
        })
    }
}

impl SdkInstrument {
    fn new(meter: &Meter, spec: &InstrumentSpec, kind: InstrumentKind) -> Self {
        let name = spec.name.clone();
        let unit = spec.unit.clone();
        let double = spec.value_type == ValueType::Double;
        let observations = Observations::default();
        let source = observations.clone();
        match kind {
            InstrumentKind::Counter if double => {
                Self::CounterDouble(meter.f64_counter(name).with_unit(unit).build())
            }
            InstrumentKind::Counter => {
                Self::CounterInt(meter.u64_counter(name).with_unit(unit).build())
            }
            InstrumentKind::UpDownCounter if double => {
                Self::UpDownDouble(meter.f64_up_down_counter(name).with_unit(unit).build())
            }
            InstrumentKind::UpDownCounter => {
                Self::UpDownInt(meter.i64_up_down_counter(name).with_unit(unit).build())
            }
            InstrumentKind::Gauge if double => {
                Self::GaugeDouble(meter.f64_gauge(name).with_unit(unit).build())
            }
            InstrumentKind::Gauge => Self::GaugeInt(meter.i64_gauge(name).with_unit(unit).build()),
            InstrumentKind::Histogram if double => {
                Self::HistogramDouble(meter.f64_histogram(name).with_unit(unit).build())
            }
            InstrumentKind::Histogram => {
                Self::HistogramInt(meter.u64_histogram(name).with_unit(unit).build())
            }
            InstrumentKind::ObservableCounter if double => {
                meter
                    .f64_observable_counter(name)
                    .with_unit(unit)
                    .with_callback(move |observer| report(&source, observer, |value| value))
                    .build();
                Self::Observable(observations)
            }
            InstrumentKind::ObservableCounter => {
                meter
                    .u64_observable_counter(name)
                    .with_unit(unit)
                    .with_callback(move |observer| report(&source, observer, |value| value as u64))
                    .build();
                Self::Observable(observations)
            }
            InstrumentKind::ObservableUpDownCounter if double => {
                meter
                    .f64_observable_up_down_counter(name)
                    .with_unit(unit)
                    .with_callback(move |observer| report(&source, observer, |value| value))
                    .build();
                Self::Observable(observations)
            }
            InstrumentKind::ObservableUpDownCounter => {
                meter
                    .i64_observable_up_down_counter(name)
                    .with_unit(unit)
                    .with_callback(move |observer| report(&source, observer, |value| value as i64))
                    .build();
                Self::Observable(observations)
            }
            InstrumentKind::ObservableGauge if double => {
                meter
                    .f64_observable_gauge(name)
                    .with_unit(unit)
                    .with_callback(move |observer| report(&source, observer, |value| value))
                    .build();
                Self::Observable(observations)
            }
            InstrumentKind::ObservableGauge => {
                meter
                    .i64_observable_gauge(name)
                    .with_unit(unit)
                    .with_callback(move |observer| report(&source, observer, |value| value as i64))
                    .build();
                Self::Observable(observations)
            }
        }
    }
}

fn report<T>(source: &Observations, observer: &dyn AsyncInstrument<T>, number: impl Fn(f64) -> T) {
    for (attributes, value) in source.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        observer.observe(number(*value), attributes);
    }
}

fn sdk_stream(plan: &StreamPlan, capacity: usize) -> Option<SdkStream> {
    // The engine enforces the limit; the SDK needs room for the overflow series besides.
    SdkStream::builder()
        .with_name(plan.name.clone())
        .with_aggregation(plan.aggregation.clone())
        .with_cardinality_limit(capacity + 1)
        .build()
        .ok()
}

/// A reader that both the SDK and the stream hold.
#[derive(Clone)]
struct SharedReader(Arc<ManualReader>);

impl fmt::Debug for SharedReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl MetricReader for SharedReader {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, data: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(data)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}
