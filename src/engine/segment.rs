//! A part of a stream: one SDK provider with a single instrument and a single reader.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry::metrics::MeterProvider;
use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{
    Instrument, InstrumentKind, SdkMeterProvider, Stream as SdkStream,
};
use opentelemetry_sdk::Resource;

use super::canonical::Canonical;
use super::collection::{Aggregated, CollectedPart, HiddenSeries, Unread, START_KEY};
use super::instrument::InstrumentSpec;
use super::plan::StreamPlan;
use super::reported::Reported;
use super::sdk::{Handle, SdkInstrument, SharedReader};

/// The segments of one stream, in the order they were made: the engine's thread fills them, exporters
/// read them. Values are recorded without the lock; under it, no series comes, goes or moves to another
/// segment, so that a reader finds each once.
#[derive(Clone, Default)]
pub struct Segments(Arc<Mutex<Vec<Segment>>>);

impl Segments {
    pub fn lock(&self) -> MutexGuard<'_, Vec<Segment>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Unread for Segments {
    fn read(&self) -> Vec<CollectedPart> {
        self.lock().iter().filter_map(Segment::collect).collect()
    }

    fn find(&self, wanted: &dyn Fn(&CollectedPart) -> bool) -> Option<CollectedPart> {
        self.lock().iter().filter_map(Segment::collect).find(wanted)
    }
}

/// A part of a stream's series, in an SDK provider of its own.
pub struct Segment {
    pub id: u32,
    // Dropping the provider drops the aggregation.
    _provider: SdkMeterProvider,
    reader: SharedReader,
    pub instrument: SdkInstrument,
    /// Attribute sets it may hold, and how many the SDK may still hold.
    pub capacity: usize,
    pub used: usize,
    pub live: usize,
    /// Series released since the last collection, and since the one before: the SDK lets go of a
    /// delta series at the second collection after its last value, of a cumulative one never.
    pub released: [usize; 2],
    /// Keys of removed series that the SDK still holds.
    pub hidden: Arc<HiddenSeries>,
    /// When live series began that began later than the stream, in nanoseconds since the epoch.
    starts: HashMap<Canonical, i64>,
    /// Whether there ever were such.
    has_starts: bool,
}

impl Segment {
    pub fn new(id: u32, spec: &InstrumentSpec, plan: &StreamPlan, capacity: usize) -> Self {
        let reader = SharedReader::new(plan.temporality);
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
            starts: HashMap::new(),
            has_starts: false,
        }
    }

    /// Binds a series; `start` says when it begins, if not with its stream.
    pub fn bind(&mut self, attributes: &Canonical, start: Option<i64>) -> Handle {
        if let Some(start) = start {
            self.starts.insert(attributes.clone(), start);
            self.has_starts = true;
        }
        self.instrument.bind(&self.key(attributes))
    }

    /// Shows a live series no more, whatever the SDK still holds of it.
    pub fn hide(&mut self, attributes: &Canonical) {
        let key = self.key(attributes);
        self.starts.remove(attributes);
        Arc::make_mut(&mut self.hidden).insert(key);
    }

    /// The SDK's key of a live series: its attributes, and when it began.
    fn key(&self, attributes: &Canonical) -> Canonical {
        let Some(start) = self.starts.get(attributes) else {
            return attributes.clone();
        };
        let at = attributes.partition_point(|kv| kv.key.as_str() < START_KEY);
        let (before, after) = attributes.split_at(at);
        let start = KeyValue::new(START_KEY, *start);
        [before, &[start], after].concat().into_iter().collect()
    }

    pub fn collect(&self) -> Option<CollectedPart> {
        let mut data = ResourceMetrics::default();
        self.reader.collect(&mut data).ok()?;
        data.scope_metrics().next()?;
        Some(CollectedPart {
            hidden: (self.has_starts || !self.hidden.is_empty()).then(|| self.hidden.clone()),
            data: Aggregated::Sdk(data),
        })
    }
}

fn sdk_stream(plan: &StreamPlan, capacity: usize) -> Option<SdkStream> {
    // The engine enforces the limit; the SDK needs room for the overflow series besides.
    SdkStream::builder()
        .with_name(plan.name.clone())
        .with_unit(plan.unit.clone())
        .with_aggregation(plan.aggregation.clone())
        .with_cardinality_limit(capacity + 1)
        .build()
        .ok()
}
