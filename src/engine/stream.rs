//! One metric stream in the SDK: a provider with a single instrument and a single reader.
//!
//! The SDK can neither forget a cumulative series nor remove an instrument; a provider per stream
//! is what lets [`clear`](super::actor) give back memory, and lets collections be read one metric
//! at a time. A stream costs one SDK map with room for the cardinality limit.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use opentelemetry::metrics::{
    AsyncInstrument, BoundCounter, BoundGauge, BoundHistogram, BoundUpDownCounter, Counter, Gauge,
    Histogram, Meter, MeterProvider, UpDownCounter,
};
use opentelemetry::KeyValue;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{
    Instrument, InstrumentKind, ManualReader, Pipeline, SdkMeterProvider, Stream as SdkStream,
    Temporality,
};
use opentelemetry_sdk::Resource;

use super::collection::{CollectedMetric, HiddenSeries, INCARNATION_KEY};
use super::instrument::{InstrumentSpec, ValueType};
use super::plan::StreamPlan;

/// Attributes in the engine's canonical form: sorted by key, no key twice.
pub type Canonical = Arc<[KeyValue]>;

/// The attributes of the series that takes what exceeds the cardinality limit.
pub fn overflow_attributes() -> Canonical {
    Arc::from([KeyValue::new("otel.metric.overflow", true)])
}

pub struct Stream {
    plan: StreamPlan,
    spec: Arc<InstrumentSpec>,
    // Dropping the provider drops the aggregation.
    _provider: SdkMeterProvider,
    reader: SharedReader,
    instrument: SdkInstrument,
    created: SystemTime,
    /// Series that were removed but that the SDK still holds.
    hidden: Arc<HiddenSeries>,
    /// Handles given out per attribute set, for the limit and for knowing when the last one goes.
    live: HashMap<Canonical, u32>,
    /// How often a series was removed, so that one that comes back is a new one to the SDK.
    incarnations: HashMap<Canonical, i64>,
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
        let reader = SharedReader(Arc::new(
            ManualReader::builder()
                .with_temporality(plan.temporality)
                .build(),
        ));
        let view = plan.clone();
        let provider = SdkMeterProvider::builder()
            .with_resource(Resource::builder_empty().build())
            .with_reader(reader.clone())
            .with_view(move |_: &Instrument| sdk_stream(&view))
            .build();
        let meter = provider.meter_with_scope((*spec.scope).clone());
        let instrument = SdkInstrument::new(&meter, &spec);
        Self {
            plan,
            spec,
            _provider: provider,
            reader,
            instrument,
            created,
            hidden: Arc::default(),
            live: HashMap::new(),
            incarnations: HashMap::new(),
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
    pub fn project(&self, attributes: &Canonical) -> Canonical {
        if self.plan.attributes.keeps_all() {
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
        let mut attributes = self.project(attributes);
        let counted =
            self.live.contains_key(&attributes) || self.live.len() < self.plan.cardinality_limit;
        if counted {
            *self.live.entry(attributes.clone()).or_default() += 1;
        } else {
            attributes = overflow_attributes();
        }
        let key = self.sdk_key(&attributes);
        let handle = match &self.instrument {
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
        };
        Binding { handle, counted }
    }

    /// Takes a series out. `forget` says that the program removed it: a cumulative stream then hides
    /// what the SDK still holds.
    ///
    /// Returns whether the stream hides so much that it should be rebuilt.
    pub fn release(&mut self, attributes: &Canonical, binding: Binding, forget: bool) -> bool {
        if !binding.counted {
            return false;
        }
        let attributes = self.project(attributes);
        let Some(series) = self.live.get_mut(&attributes) else {
            return false;
        };
        *series -= 1;
        if *series > 0 {
            return false;
        }
        self.live.remove(&attributes);
        if forget && self.is_cumulative() {
            let key = self.sdk_key(&attributes);
            Arc::make_mut(&mut self.hidden).insert(key);
            *self.incarnations.entry(attributes).or_default() += 1;
        }
        self.hidden.len() >= self.plan.cardinality_limit
    }

    /// The SDK's key of a live series: its attributes, marked if it had a removed predecessor.
    fn sdk_key(&self, attributes: &Canonical) -> Vec<KeyValue> {
        let mut key = attributes.to_vec();
        if let Some(incarnation) = self.incarnations.get(attributes) {
            let at = key.partition_point(|kv| kv.key.as_str() < INCARNATION_KEY);
            key.insert(at, KeyValue::new(INCARNATION_KEY, *incarnation));
        }
        key
    }

    /// Sets what an observable instrument reports until the next call: one value per attribute
    /// set, sums added up over the sets that the stream's filter makes equal.
    pub fn observe(&mut self, values: &[(Canonical, f64)]) {
        let SdkInstrument::Observable(observations) = &self.instrument else {
            return;
        };
        let adds_up = self.spec.kind != InstrumentKind::ObservableGauge;
        let overflow = overflow_attributes();
        let mut merged: Vec<(Canonical, f64)> = Vec::with_capacity(values.len());
        let mut index: HashMap<Canonical, usize> = HashMap::with_capacity(values.len());
        for (attributes, value) in values {
            let mut attributes = self.project(attributes);
            let sets = merged.len() - usize::from(index.contains_key(&overflow));
            if !index.contains_key(&attributes) && sets >= self.plan.cardinality_limit {
                attributes = overflow.clone();
            }
            match index.get(&attributes) {
                Some(&at) if adds_up => merged[at].1 += value,
                Some(&at) => merged[at].1 = *value,
                None => {
                    index.insert(attributes.clone(), merged.len());
                    merged.push((attributes, *value));
                }
            }
        }
        *observations.lock().unwrap_or_else(PoisonError::into_inner) = merged;
    }

    /// Reads the stream. Under delta temporality this starts the next interval.
    pub fn collect(&self, description: &Arc<str>) -> Option<CollectedMetric> {
        let mut data = ResourceMetrics::default();
        self.reader.0.collect(&mut data).ok()?;
        data.scope_metrics().next()?;
        Some(CollectedMetric {
            scope: self.spec.scope.clone(),
            description: match &self.plan.description {
                Some(description) => Arc::from(description.as_str()),
                None => description.clone(),
            },
            created: self.created,
            hidden: (!self.hidden.is_empty()).then(|| self.hidden.clone()),
            data,
        })
    }
}

impl SdkInstrument {
    fn new(meter: &Meter, spec: &InstrumentSpec) -> Self {
        let name = spec.name.clone();
        let unit = spec.unit.clone();
        let double = spec.value_type == ValueType::Double;
        let observations = Observations::default();
        let source = observations.clone();
        match spec.kind {
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

fn sdk_stream(plan: &StreamPlan) -> Option<SdkStream> {
    // The engine enforces the limit; the SDK needs room for the overflow series and for as many
    // removed series as `release` lets pile up.
    SdkStream::builder()
        .with_name(plan.name.clone())
        .with_aggregation(plan.aggregation.clone())
        .with_cardinality_limit(2 * plan.cardinality_limit + 2)
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
