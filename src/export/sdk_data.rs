//! What the SDK aggregated, as a metric of the engine: what exporters make of it can be held against
//! what others make of the same data.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, ExponentialBucket, ExponentialHistogram, ExponentialHistogramDataPoint,
    Gauge, Histogram, MetricData, ResourceMetrics, Sum,
};
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{InstrumentKind, ManualReader, Pipeline, Temporality};

use crate::engine::aggregate::{
    Buckets, Counts, Explicit, Exponential, Head, Numbers, Shape, Values,
};
use crate::engine::canonical::Canonical;
use crate::engine::clock::Timestamp;
use crate::engine::collection::{Metric, PageNaming, Source};
use crate::engine::columns::{Shown, Snapshot};
use crate::engine::filter::SeriesFilter;
use crate::engine::points::Kind;

/// A reader that both the SDK and a test hold.
#[derive(Clone)]
pub struct SharedReader(Arc<ManualReader>);

impl SharedReader {
    pub fn new(temporality: Temporality) -> Self {
        let reader = ManualReader::builder().with_temporality(temporality);
        Self(Arc::new(reader.build()))
    }
}

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

/// The first metric of `data`, which is the only one where a provider has one instrument.
pub fn metric_of(scope: Arc<InstrumentationScope>, data: &ResourceMetrics) -> Option<Metric> {
    let metric = data.scope_metrics().next()?.metrics().next()?;
    let read = match metric.data() {
        AggregatedMetrics::F64(data) => read(data),
        AggregatedMetrics::U64(data) => read(data),
        AggregatedMetrics::I64(data) => read(data),
    };
    Some(Metric {
        scope,
        name: metric.name().into(),
        description: metric.description().into(),
        unit: metric.unit().into(),
        kind: read.kind,
        time: read.time,
        naming: PageNaming::Translated,
        page_only: false,
        source: Source::Read(Arc::new(read.snapshot)),
        filter: SeriesFilter::All,
    })
}

/// A metric in which nothing was recorded.
pub fn empty(scope: Arc<InstrumentationScope>, kind: Kind) -> Metric {
    let values = Values::Sums(Numbers::Int(Vec::new()));
    Metric {
        scope,
        name: "empty".into(),
        description: "".into(),
        unit: "".into(),
        kind,
        time: Timestamp::default(),
        naming: PageNaming::Translated,
        page_only: false,
        source: Source::Read(Arc::new(snapshot(
            Vec::new(),
            Timestamp::default(),
            false,
            values,
        ))),
        filter: SeriesFilter::All,
    }
}

struct Read {
    kind: Kind,
    time: Timestamp,
    snapshot: Snapshot,
}

fn read<T: Value>(data: &MetricData<T>) -> Read {
    match data {
        MetricData::Gauge(gauge) => T::gauge(gauge),
        MetricData::Sum(sum) => T::sum(sum),
        MetricData::Histogram(histogram) => explicit(histogram),
        MetricData::ExponentialHistogram(histogram) => exponential(histogram),
    }
}

trait Value: Copy {
    fn as_f64(self) -> f64;
    fn numbers(values: impl Iterator<Item = Self>) -> Numbers;

    fn gauge(gauge: &Gauge<Self>) -> Read {
        let sets = gauge.data_points().map(|point| set(point.attributes()));
        let values = gauge.data_points().map(|point| point.value());
        // One that was observed at a moment has no start.
        let start = gauge.start_time().map(Timestamp::from).unwrap_or_default();
        Read {
            kind: Kind::Gauge,
            time: gauge.time().into(),
            snapshot: snapshot(
                sets.collect(),
                start,
                false,
                Values::Latest(Self::numbers(values)),
            ),
        }
    }

    fn sum(sum: &Sum<Self>) -> Read {
        let sets = sum.data_points().map(|point| set(point.attributes()));
        let values = sum.data_points().map(|point| point.value());
        Read {
            kind: Kind::Sum {
                temporality: sum.temporality(),
                monotonic: sum.is_monotonic(),
            },
            time: sum.time().into(),
            snapshot: snapshot(
                sets.collect(),
                sum.start_time().into(),
                false,
                Values::Sums(Self::numbers(values)),
            ),
        }
    }
}

impl Value for f64 {
    fn as_f64(self) -> f64 {
        self
    }

    fn numbers(values: impl Iterator<Item = Self>) -> Numbers {
        Numbers::Double(values.collect())
    }
}

impl Value for i64 {
    fn as_f64(self) -> f64 {
        self as f64
    }

    fn numbers(values: impl Iterator<Item = Self>) -> Numbers {
        Numbers::Int(values.collect())
    }
}

impl Value for u64 {
    fn as_f64(self) -> f64 {
        self as f64
    }

    /// OTLP has no unsigned points.
    fn numbers(values: impl Iterator<Item = Self>) -> Numbers {
        let signed = values.map(|value| i64::try_from(value).unwrap_or(i64::MAX));
        Numbers::Int(signed.collect())
    }
}

fn explicit<T: Value>(histogram: &Histogram<T>) -> Read {
    let first = histogram.data_points().next();
    let bounds: Vec<f64> = first.map_or_else(Vec::new, |point| point.bounds().collect());
    let mut heads = Vec::new();
    let mut counts = Vec::new();
    for point in histogram.data_points() {
        heads.push(head(point.sum(), point.min(), point.max()));
        match bounds.is_empty() {
            true => counts.push(point.count()),
            false => counts.extend(point.bucket_counts()),
        }
    }
    let sets = histogram.data_points().map(|point| set(point.attributes()));
    Read {
        kind: Kind::Histogram {
            temporality: histogram.temporality(),
        },
        time: histogram.time().into(),
        snapshot: snapshot(
            sets.collect(),
            histogram.start_time().into(),
            first.is_some_and(|point| point.min().is_some()),
            Values::Explicit(Explicit::from_parts(
                bounds.into(),
                heads,
                Counts::Wide(counts),
            )),
        ),
    }
}

fn exponential<T: Value>(histogram: &ExponentialHistogram<T>) -> Read {
    // As a point says all of itself, its stream's shape is of no matter.
    let shape = Shape {
        max_size: 160,
        max_scale: 20,
    };
    let first = histogram.data_points().next();
    let sets = histogram.data_points().map(|point| set(point.attributes()));
    let points = histogram
        .data_points()
        .map(|point| Some(Box::new(exponential_point(point))));
    Read {
        kind: Kind::Exponential {
            temporality: histogram.temporality(),
        },
        time: histogram.time().into(),
        snapshot: snapshot(
            sets.collect(),
            histogram.start_time().into(),
            first.is_some_and(|point| point.min().is_some()),
            Values::Exponential(shape, points.collect()),
        ),
    }
}

fn exponential_point<T: Value>(point: &ExponentialHistogramDataPoint<T>) -> Exponential {
    let buckets = |buckets: &ExponentialBucket| Buckets {
        offset: buckets.offset(),
        counts: Counts::Wide(buckets.counts().collect()),
    };
    Exponential {
        head: head(point.sum(), point.min(), point.max()),
        scale: point.scale(),
        zero_count: point.zero_count(),
        positive: buckets(point.positive_bucket()),
        negative: buckets(point.negative_bucket()),
    }
}

fn head<T: Value>(sum: T, min: Option<T>, max: Option<T>) -> Head {
    let none = Head::default();
    Head {
        sum: sum.as_f64(),
        min: min.map_or(none.min, T::as_f64),
        max: max.map_or(none.max, T::as_f64),
    }
}

/// The SDK's order is the engine's.
fn set<'a>(attributes: impl Iterator<Item = &'a KeyValue>) -> Canonical {
    attributes.cloned().collect()
}

/// All series of a metric of the SDK begin at the same time.
fn snapshot(sets: Vec<Canonical>, start: Timestamp, min_max: bool, values: Values) -> Snapshot {
    let starts = vec![start; sets.len()];
    Snapshot::from_parts(Shown { sum: true, min_max }, sets, starts, values)
}
