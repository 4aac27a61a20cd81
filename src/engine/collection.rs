//! What one collection yields: a borrowed, exporter-neutral view of the SDK's aggregated data.
//!
//! Exporters read this and nothing else. Two things happen here and nowhere after: series that the
//! program removed are left out (the SDK cannot forget a cumulative series), and the marker that
//! tells a re-created series from its removed predecessor is taken off. What producers aggregated
//! themselves looks the same from here on.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::{InstrumentationScope, KeyValue, Value as OtelValue};
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, ExponentialHistogram, Gauge, Histogram, Metric as SdkMetric, MetricData,
    ResourceMetrics, Sum,
};
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::Resource;
use smallvec::SmallVec;

use super::canonical::Canonical;
use super::produced::ProducedMetric;

/// The attribute that keeps a series apart from a removed one with the same attributes: when it
/// began, in nanoseconds since the epoch. It is added at bind time, never leaves the engine, and user
/// attributes of this name are dropped.
pub const START_KEY: &str = "nativestage.series.start";

/// SDK keys of the series that must no longer be shown.
pub type HiddenSeries = HashSet<Canonical>;

/// One collection of one pipeline: every metric that may have data.
pub struct Collection {
    pub resource: Arc<Resource>,
    metrics: Vec<CollectedMetric>,
    /// An event loop did not answer in time: what it handed over last stands for it.
    pub late: bool,
}

/// One metric stream of a collection: what the SDK returned for it, or where it is still to be read.
pub struct CollectedMetric {
    pub(crate) scope: Arc<InstrumentationScope>,
    pub(crate) description: Arc<str>,
    /// When the instrument was created; the SDK's own start is when its pipeline was built, which
    /// is later for everything recorded before configuration.
    pub(crate) created: SystemTime,
    /// Whether histograms have a sum: where negative values can be recorded it tells nothing (Metrics
    /// SDK specification, "Histogram aggregations"), and the SDK leaves 0 in its place.
    pub(crate) sums: bool,
    pub(crate) naming: PageNaming,
    /// Another metric of the collection says the same: only the page still shows it under this name.
    pub(crate) page_only: bool,
    pub(crate) parts: Parts,
}

/// Where a metric's name on the Prometheus page comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageNaming {
    /// Its name, unit and kind.
    Translated,
    /// OpenTelemetry's exporter for JavaScript, which knows no units.
    Legacy,
    /// Its producer, for Prometheus: it stands as it is, without labels of its scope.
    AsProduced,
}

/// The parts of one metric.
pub(crate) enum Parts {
    Read(Vec<CollectedPart>),
    /// Read when somebody comes to it; [`Collection::metrics`] keeps what was read.
    Unread(Box<dyn Unread>, OnceLock<Vec<CollectedPart>>),
}

/// A cumulative stream that is read by whoever exports it. The SDK copies every attribute of every
/// series that it returns: a collection of 40 000 counters takes 10 MB at once, one metric of them at
/// a time a tenth, and the copies are used while they are still in the processor's cache.
pub(crate) trait Unread: Send + Sync {
    /// All of it, as of one moment.
    fn read(&self) -> Vec<CollectedPart>;
    /// One part that `wanted` accepts, if there is one.
    fn find(&self, wanted: &dyn Fn(&CollectedPart) -> bool) -> Option<CollectedPart>;
}

/// Some of a stream's series.
pub struct CollectedPart {
    /// Only where series were removed, or begin later than their stream.
    pub(crate) hidden: Option<Arc<HiddenSeries>>,
    pub(crate) data: Aggregated,
}

/// One metric, by whoever aggregated it.
pub(crate) enum Aggregated {
    Sdk(ResourceMetrics),
    Produced(Arc<ProducedMetric>),
}

impl Collection {
    pub(crate) fn new(resource: Arc<Resource>, metrics: Vec<CollectedMetric>) -> Self {
        Self {
            resource,
            metrics,
            late: false,
        }
    }

    /// The metrics that have points to show and are not for the page alone, in the order their scopes, then their instruments,
    /// were created: metrics of one scope are adjacent. What is read for this is kept with the
    /// collection.
    pub fn metrics(&self) -> impl Iterator<Item = Metric<'_>> {
        let wanted = self.metrics.iter().filter(|metric| !metric.page_only);
        wanted.filter_map(|metric| {
            let parts = match &metric.parts {
                Parts::Read(parts) => parts,
                Parts::Unread(stream, read) => read.get_or_init(|| stream.read()),
            };
            metric.joined(parts)
        })
    }

    /// All streams, in the same order, also those that have nothing to show: for who reads one at a
    /// time.
    pub fn streams(&self) -> &[CollectedMetric] {
        &self.metrics
    }
}

impl CollectedMetric {
    /// Reads the stream; what was read lives as long as the result.
    pub fn read(&self) -> Reading<'_> {
        let parts = match &self.parts {
            Parts::Read(parts) => Held::Borrowed(&parts[..]),
            Parts::Unread(stream, read) => match read.get() {
                Some(parts) => Held::Borrowed(&parts[..]),
                None => Held::Owned(stream.read()),
            },
        };
        Reading {
            stream: self,
            parts,
        }
    }

    /// Reads no more of the stream than tells what it is and that it has something to show.
    pub fn peek(&self) -> Reading<'_> {
        let Parts::Unread(stream, _) = &self.parts else {
            return self.read();
        };
        let shown = |part: &CollectedPart| self.joined(std::slice::from_ref(part)).is_some();
        Reading {
            stream: self,
            parts: Held::Owned(stream.find(&shown).into_iter().collect()),
        }
    }

    fn joined<'a>(&'a self, parts: &'a [CollectedPart]) -> Option<Metric<'a>> {
        let (name, unit) = parts.iter().find_map(CollectedPart::name_and_unit)?;
        // Only where series were removed can a metric have nothing left to show.
        let removed = parts.iter().any(|part| part.hidden.is_some());
        if removed && self.points(parts)?.into_is_empty() {
            return None;
        }
        Some(Metric {
            scope: &self.scope,
            name,
            description: &self.description,
            unit,
            data: self.points(parts)?,
        })
    }

    fn points<'a>(&self, parts: &'a [CollectedPart]) -> Option<Data<'a>> {
        let (created, sums) = (self.created, self.sums);
        Data::join(
            parts
                .iter()
                .filter_map(move |part| part.points(created, sums)),
        )
    }
}

/// What was read of one stream.
pub struct Reading<'c> {
    stream: &'c CollectedMetric,
    parts: Held<'c>,
}

enum Held<'c> {
    Borrowed(&'c [CollectedPart]),
    Owned(Vec<CollectedPart>),
}

impl Reading<'_> {
    fn parts(&self) -> &[CollectedPart] {
        match &self.parts {
            Held::Borrowed(parts) => parts,
            Held::Owned(parts) => parts,
        }
    }

    /// The metric, if it has points to show.
    pub fn metric(&self) -> Option<Metric<'_>> {
        self.stream.joined(self.parts())
    }

    /// Gives every point to `visit` where it lies, until it breaks: iterating over
    /// [`Metric::data`] moves each several times.
    pub fn for_each<'r>(&'r self, visit: &mut Visit<'_, 'r>) -> ControlFlow<()> {
        self.parts()
            .iter()
            .try_for_each(|part| part.for_each(self.stream.sums, visit))
    }
}

/// Gets whose point it is, and what it counted.
pub type Visit<'v, 'r> = dyn FnMut(&Identity<'r>, Point<'_, 'r>) -> ControlFlow<()> + 'v;

/// A point of any kind.
#[derive(Clone, Copy)]
pub enum Point<'p, 'r> {
    Number(Number),
    Explicit(&'p HistogramPoint<'r>),
    Exponential(&'p ExponentialPoint<'r>),
    Summary(&'p SummaryPoint<'r>),
}

impl CollectedPart {
    fn name_and_unit(&self) -> Option<(&str, &str)> {
        match &self.data {
            Aggregated::Sdk(data) => {
                let metric = sdk_metric(data)?;
                Some((metric.name(), metric.unit()))
            }
            Aggregated::Produced(metric) => Some((&metric.name, "")),
        }
    }

    fn points(&self, created: SystemTime, sums: bool) -> Option<Data<'_>> {
        let hidden = self.hidden.as_deref();
        Some(match &self.data {
            Aggregated::Sdk(data) => match sdk_metric(data)?.data() {
                AggregatedMetrics::F64(data) => Data::new(data, hidden, created, sums),
                AggregatedMetrics::U64(data) => Data::new(data, hidden, created, sums),
                AggregatedMetrics::I64(data) => Data::new(data, hidden, created, sums),
            },
            Aggregated::Produced(metric) => metric.data(),
        })
    }

    fn for_each<'r>(&'r self, sums: bool, visit: &mut Visit<'_, 'r>) -> ControlFlow<()> {
        let hidden = self.hidden.as_deref();
        match &self.data {
            Aggregated::Sdk(data) => match sdk_metric(data).map(SdkMetric::data) {
                Some(AggregatedMetrics::F64(data)) => for_each_point(data, hidden, sums, visit),
                Some(AggregatedMetrics::U64(data)) => for_each_point(data, hidden, sums, visit),
                Some(AggregatedMetrics::I64(data)) => for_each_point(data, hidden, sums, visit),
                None => ControlFlow::Continue(()),
            },
            Aggregated::Produced(metric) => metric.for_each(visit),
        }
    }
}

/// A stream has an SDK provider of its own, with one instrument.
fn sdk_metric(data: &ResourceMetrics) -> Option<&SdkMetric> {
    data.scope_metrics().next()?.metrics().next()
}

fn for_each_point<'r, T: Value>(
    data: &'r MetricData<T>,
    hidden: Option<&'r HiddenSeries>,
    sums: bool,
    visit: &mut Visit<'_, 'r>,
) -> ControlFlow<()> {
    match data {
        MetricData::Gauge(gauge) => {
            gauge
                .data_points()
                .try_for_each(|point| match visible(point.attributes(), hidden) {
                    Some(series) => visit(&series, Point::Number(point.value().number())),
                    None => ControlFlow::Continue(()),
                })
        }
        MetricData::Sum(sum) => {
            sum.data_points()
                .try_for_each(|point| match visible(point.attributes(), hidden) {
                    Some(series) => visit(&series, Point::Number(point.value().number())),
                    None => ControlFlow::Continue(()),
                })
        }
        MetricData::Histogram(histogram) => histogram_points(histogram, hidden, sums)
            .try_for_each(|point| visit(&point.series, Point::Explicit(&point))),
        MetricData::ExponentialHistogram(histogram) => exponential_points(histogram, hidden, sums)
            .try_for_each(|point| visit(&point.series, Point::Exponential(&point))),
    }
}

/// One metric stream: identity and data points.
pub struct Metric<'a> {
    pub scope: &'a Arc<InstrumentationScope>,
    pub name: &'a str,
    pub description: &'a str,
    pub unit: &'a str,
    pub data: Data<'a>,
}

/// A number as the instrument records it: integers stay integers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    Int(i64),
    Double(f64),
}

impl Number {
    pub fn as_f64(self) -> f64 {
        match self {
            Number::Int(value) => value as f64,
            Number::Double(value) => value,
        }
    }
}

/// The attributes of a point, in the SDK's (sorted) order. Eight fit without an allocation.
pub type Attributes<'a> = SmallVec<[&'a KeyValue; 8]>;

/// Whose a point is.
#[derive(Clone, Default)]
pub struct Identity<'a> {
    pub attributes: Attributes<'a>,
    /// When the series began, if later than the interval: series were removed before, and this one
    /// may have been among them.
    pub start: Option<SystemTime>,
}

pub struct NumberPoint<'a> {
    pub series: Identity<'a>,
    pub value: Number,
}

#[derive(Clone)]
pub struct HistogramPoint<'a> {
    pub series: Identity<'a>,
    pub count: u64,
    /// Absent where negative values can be recorded.
    pub sum: Option<f64>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    /// Upper bounds, ascending, without the implied `+Inf`.
    pub bounds: SmallVec<[f64; 16]>,
    /// Counts per bucket, not cumulative; one longer than `bounds`, or empty when `bounds` is.
    pub bucket_counts: SmallVec<[u64; 17]>,
}

/// Buckets of a base-2 exponential histogram: `counts[i]` counts the values in
/// `(base^(offset+i), base^(offset+i+1)]`, where `base = 2^(2^-scale)`.
#[derive(Clone)]
pub struct ExponentialBuckets {
    pub offset: i32,
    pub counts: Vec<u64>,
}

#[derive(Clone)]
pub struct ExponentialPoint<'a> {
    pub series: Identity<'a>,
    pub count: u64,
    /// Absent where negative values can be recorded.
    pub sum: Option<f64>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub scale: i32,
    pub zero_count: u64,
    pub zero_threshold: f64,
    pub positive: ExponentialBuckets,
    pub negative: ExponentialBuckets,
}

/// What only producers have: the SDK makes no summaries.
#[derive(Clone)]
pub struct SummaryPoint<'a> {
    pub series: Identity<'a>,
    pub count: u64,
    pub sum: f64,
    /// Quantile, from 0 to 1, and the value at it.
    pub quantiles: &'a [(f64, f64)],
}

/// Start and end of what the points describe.
#[derive(Clone, Copy, Debug)]
pub struct Interval {
    pub start: SystemTime,
    pub time: SystemTime,
}

/// Points, made one at a time while iterating.
pub type Points<'a, P> = Box<dyn Iterator<Item = P> + 'a>;

/// The data of one metric.
pub enum Data<'a> {
    Gauge {
        interval: Interval,
        points: Points<'a, NumberPoint<'a>>,
    },
    Sum {
        interval: Interval,
        temporality: Temporality,
        monotonic: bool,
        points: Points<'a, NumberPoint<'a>>,
    },
    Histogram {
        interval: Interval,
        temporality: Temporality,
        points: Points<'a, HistogramPoint<'a>>,
    },
    Exponential {
        interval: Interval,
        temporality: Temporality,
        points: Points<'a, ExponentialPoint<'a>>,
    },
    Summary {
        interval: Interval,
        points: Points<'a, SummaryPoint<'a>>,
    },
}

impl<'a> Data<'a> {
    fn new<T: Value>(
        data: &'a MetricData<T>,
        hidden: Option<&'a HiddenSeries>,
        created: SystemTime,
        sums: bool,
    ) -> Self {
        let interval = |start: SystemTime, time, temporality| Interval {
            start: match temporality {
                Temporality::Delta => start,
                _ => start.min(created),
            },
            time,
        };
        match data {
            MetricData::Gauge(gauge) => Data::Gauge {
                interval: Interval {
                    start: gauge.start_time().unwrap_or(created),
                    time: gauge.time(),
                },
                points: gauge_points(gauge, hidden),
            },
            MetricData::Sum(sum) => Data::Sum {
                interval: interval(sum.start_time(), sum.time(), sum.temporality()),
                temporality: sum.temporality(),
                monotonic: sum.is_monotonic(),
                points: sum_points(sum, hidden),
            },
            MetricData::Histogram(histogram) => Data::Histogram {
                interval: interval(
                    histogram.start_time(),
                    histogram.time(),
                    histogram.temporality(),
                ),
                temporality: histogram.temporality(),
                points: histogram_points(histogram, hidden, sums),
            },
            MetricData::ExponentialHistogram(histogram) => Data::Exponential {
                interval: interval(
                    histogram.start_time(),
                    histogram.time(),
                    histogram.temporality(),
                ),
                temporality: histogram.temporality(),
                points: exponential_points(histogram, hidden, sums),
            },
        }
    }

    /// The points of all parts of one metric. The interval is the first's: parts are read within one
    /// collection.
    ///
    /// Flattened, not chained one after the other: a point of the first of 200 parts would be moved
    /// through 200 iterators.
    fn join(mut parts: impl Iterator<Item = Self> + 'a) -> Option<Self> {
        // One stream has one aggregation: no part is left out.
        Some(match parts.next()? {
            Data::Gauge { interval, points } => {
                let more = parts.filter_map(|part| match part {
                    Data::Gauge { points, .. } => Some(points),
                    _ => None,
                });
                Data::Gauge {
                    interval,
                    points: Box::new(points.chain(more.flatten())),
                }
            }
            Data::Sum {
                interval,
                temporality,
                monotonic,
                points,
            } => {
                let more = parts.filter_map(|part| match part {
                    Data::Sum { points, .. } => Some(points),
                    _ => None,
                });
                Data::Sum {
                    interval,
                    temporality,
                    monotonic,
                    points: Box::new(points.chain(more.flatten())),
                }
            }
            Data::Histogram {
                interval,
                temporality,
                points,
            } => {
                let more = parts.filter_map(|part| match part {
                    Data::Histogram { points, .. } => Some(points),
                    _ => None,
                });
                Data::Histogram {
                    interval,
                    temporality,
                    points: Box::new(points.chain(more.flatten())),
                }
            }
            Data::Exponential {
                interval,
                temporality,
                points,
            } => {
                let more = parts.filter_map(|part| match part {
                    Data::Exponential { points, .. } => Some(points),
                    _ => None,
                });
                Data::Exponential {
                    interval,
                    temporality,
                    points: Box::new(points.chain(more.flatten())),
                }
            }
            // Has one part: nobody but a producer makes it.
            summary @ Data::Summary { .. } => summary,
        })
    }

    fn into_is_empty(self) -> bool {
        match self {
            Data::Gauge { mut points, .. } | Data::Sum { mut points, .. } => {
                points.next().is_none()
            }
            Data::Histogram { mut points, .. } => points.next().is_none(),
            Data::Exponential { mut points, .. } => points.next().is_none(),
            Data::Summary { mut points, .. } => points.next().is_none(),
        }
    }
}

trait Value: Copy + 'static {
    fn number(self) -> Number;
}

impl Value for f64 {
    fn number(self) -> Number {
        Number::Double(self)
    }
}

impl Value for i64 {
    fn number(self) -> Number {
        Number::Int(self)
    }
}

impl Value for u64 {
    fn number(self) -> Number {
        // OTLP has no unsigned points; 2^63 is out of reach of sums of JavaScript integers.
        Number::Int(i64::try_from(self).unwrap_or(i64::MAX))
    }
}

/// The series to show, or `None` when it has been removed.
fn visible<'a>(
    attributes: impl Iterator<Item = &'a KeyValue>,
    hidden: Option<&HiddenSeries>,
) -> Option<Identity<'a>> {
    let mut series = Identity {
        attributes: attributes.collect(),
        start: None,
    };
    let Some(hidden) = hidden else {
        return Some(series);
    };
    let attributes = &mut series.attributes;
    let key: Canonical = attributes.iter().map(|kv| (*kv).clone()).collect();
    if hidden.contains(&key) {
        return None;
    }
    if let Some(at) = attributes
        .iter()
        .position(|kv| kv.key.as_str() == START_KEY)
    {
        if let OtelValue::I64(nanos) = attributes.remove(at).value {
            series.start = Some(UNIX_EPOCH + Duration::from_nanos(nanos.unsigned_abs()));
        }
    }
    Some(series)
}

fn gauge_points<'a, T: Value>(
    gauge: &'a Gauge<T>,
    hidden: Option<&'a HiddenSeries>,
) -> Points<'a, NumberPoint<'a>> {
    Box::new(gauge.data_points().filter_map(move |point| {
        Some(NumberPoint {
            series: visible(point.attributes(), hidden)?,
            value: point.value().number(),
        })
    }))
}

fn sum_points<'a, T: Value>(
    sum: &'a Sum<T>,
    hidden: Option<&'a HiddenSeries>,
) -> Points<'a, NumberPoint<'a>> {
    Box::new(sum.data_points().filter_map(move |point| {
        Some(NumberPoint {
            series: visible(point.attributes(), hidden)?,
            value: point.value().number(),
        })
    }))
}

fn histogram_points<'a, T: Value>(
    histogram: &'a Histogram<T>,
    hidden: Option<&'a HiddenSeries>,
    sums: bool,
) -> Points<'a, HistogramPoint<'a>> {
    Box::new(histogram.data_points().filter_map(move |point| {
        Some(HistogramPoint {
            series: visible(point.attributes(), hidden)?,
            count: point.count(),
            sum: sums.then(|| point.sum().number().as_f64()),
            min: point.min().map(|min| min.number().as_f64()),
            max: point.max().map(|max| max.number().as_f64()),
            bounds: point.bounds().collect(),
            bucket_counts: point.bucket_counts().collect(),
        })
    }))
}

fn exponential_points<'a, T: Value>(
    histogram: &'a ExponentialHistogram<T>,
    hidden: Option<&'a HiddenSeries>,
    sums: bool,
) -> Points<'a, ExponentialPoint<'a>> {
    Box::new(histogram.data_points().filter_map(move |point| {
        Some(ExponentialPoint {
            series: visible(point.attributes(), hidden)?,
            count: point.count() as u64,
            sum: sums.then(|| point.sum().number().as_f64()),
            min: point.min().map(|min| min.number().as_f64()),
            max: point.max().map(|max| max.number().as_f64()),
            scale: i32::from(point.scale()),
            zero_count: point.zero_count(),
            zero_threshold: point.zero_threshold(),
            positive: ExponentialBuckets {
                offset: point.positive_bucket().offset(),
                counts: point.positive_bucket().counts().collect(),
            },
            negative: ExponentialBuckets {
                offset: point.negative_bucket().offset(),
                counts: point.negative_bucket().counts().collect(),
            },
        })
    }))
}
