//! The protobuf format: `io.prometheus.client.MetricFamily` messages, each after its length. The
//! only format in which exponential histograms stay what they are.

use std::ops::ControlFlow;

use prost::Message;

use super::buckets::{downscale, sparse, Cumulative};
use super::chunks::Chunks;
use super::exemplars::{labels, latest, latest_within};
use super::families::{Kind, Page};
use super::labels::LabelName;
use super::names::Naming;
use super::notices::Notices;
use super::series::Series;
use crate::engine::clock;
use crate::engine::points::{self, ExponentialPoint, Number, Point, SummaryPoint};

/// The resolutions native histograms have (compatibility specification, "Exponential Histograms").
const HIGHEST_SCHEMA: i32 = 8;
const LOWEST_SCHEMA: i32 = -4;

/// The width of the zero bucket when a point has none (same section). Not zero: a native
/// histogram that has seen nothing could not be told from a classic one.
const DEFAULT_ZERO_THRESHOLD: f64 = 1e-128;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum MetricType {
    Counter = 0,
    Gauge = 1,
    Summary = 2,
    Histogram = 4,
}

#[derive(Clone, PartialEq, Message)]
pub struct LabelPair {
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub value: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Gauge {
    #[prost(double, optional, tag = "1")]
    pub value: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Counter {
    #[prost(double, optional, tag = "1")]
    pub value: Option<f64>,
    #[prost(message, optional, tag = "2")]
    pub exemplar: Option<Exemplar>,
    #[prost(message, optional, tag = "3")]
    pub created_timestamp: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Quantile {
    #[prost(double, optional, tag = "1")]
    pub quantile: Option<f64>,
    #[prost(double, optional, tag = "2")]
    pub value: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Summary {
    #[prost(uint64, optional, tag = "1")]
    pub sample_count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    pub sample_sum: Option<f64>,
    #[prost(message, repeated, tag = "3")]
    pub quantile: Vec<Quantile>,
    #[prost(message, optional, tag = "4")]
    pub created_timestamp: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Bucket {
    #[prost(uint64, optional, tag = "1")]
    pub cumulative_count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    pub upper_bound: Option<f64>,
    #[prost(message, optional, tag = "3")]
    pub exemplar: Option<Exemplar>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Exemplar {
    #[prost(message, repeated, tag = "1")]
    pub label: Vec<LabelPair>,
    #[prost(double, optional, tag = "2")]
    pub value: Option<f64>,
    #[prost(message, optional, tag = "3")]
    pub timestamp: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Message)]
pub struct BucketSpan {
    #[prost(sint32, optional, tag = "1")]
    pub offset: Option<i32>,
    #[prost(uint32, optional, tag = "2")]
    pub length: Option<u32>,
}

/// Classic (`bucket`) or native (the rest).
#[derive(Clone, PartialEq, Message)]
pub struct Histogram {
    #[prost(uint64, optional, tag = "1")]
    pub sample_count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    pub sample_sum: Option<f64>,
    #[prost(message, repeated, tag = "3")]
    pub bucket: Vec<Bucket>,
    #[prost(sint32, optional, tag = "5")]
    pub schema: Option<i32>,
    #[prost(double, optional, tag = "6")]
    pub zero_threshold: Option<f64>,
    #[prost(uint64, optional, tag = "7")]
    pub zero_count: Option<u64>,
    #[prost(message, repeated, tag = "9")]
    pub negative_span: Vec<BucketSpan>,
    #[prost(sint64, repeated, packed = "false", tag = "10")]
    pub negative_delta: Vec<i64>,
    #[prost(message, repeated, tag = "12")]
    pub positive_span: Vec<BucketSpan>,
    #[prost(sint64, repeated, packed = "false", tag = "13")]
    pub positive_delta: Vec<i64>,
    #[prost(message, optional, tag = "15")]
    pub created_timestamp: Option<Timestamp>,
    /// Of a native histogram; a classic one has them in its buckets.
    #[prost(message, repeated, tag = "16")]
    pub exemplars: Vec<Exemplar>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Metric {
    #[prost(message, repeated, tag = "1")]
    pub label: Vec<LabelPair>,
    #[prost(message, optional, tag = "2")]
    pub gauge: Option<Gauge>,
    #[prost(message, optional, tag = "3")]
    pub counter: Option<Counter>,
    #[prost(message, optional, tag = "4")]
    pub summary: Option<Summary>,
    #[prost(message, optional, tag = "7")]
    pub histogram: Option<Histogram>,
}

#[derive(Clone, PartialEq, Message)]
pub struct MetricFamily {
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub help: Option<String>,
    #[prost(enumeration = "MetricType", optional, tag = "3")]
    pub r#type: Option<i32>,
    #[prost(message, repeated, tag = "4")]
    pub metric: Vec<Metric>,
    #[prost(string, optional, tag = "5")]
    pub unit: Option<String>,
}

/// `google.protobuf.Timestamp`.
#[derive(Clone, PartialEq, Message)]
pub struct Timestamp {
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// Writes a page. A family is one message, so one family at a time is held in memory. Breaks when
/// the sink does.
pub fn write_protobuf(
    page: Page<'_>,
    notices: &Notices,
    chunks: &mut Chunks<'_>,
) -> ControlFlow<()> {
    let mut labeller = page.labeller;
    let naming = labeller.naming();
    for family in page.families {
        let kind = family.kind;
        let mut message = MetricFamily {
            name: Some(family.name.clone()),
            help: (!family.help.is_empty()).then(|| family.help.to_owned()),
            r#type: Some(match kind {
                Kind::Counter => MetricType::Counter,
                Kind::Gauge | Kind::Info => MetricType::Gauge,
                Kind::Histogram => MetricType::Histogram,
                Kind::Summary => MetricType::Summary,
            } as i32),
            metric: Vec::new(),
            unit: family.unit.clone(),
        };
        family.for_each(&mut labeller, notices, &mut |series| {
            message.metric.push(metric(&series, kind, naming));
            ControlFlow::Continue(())
        })?;
        // A family without metrics is an error to Prometheus' decoder.
        if message.metric.is_empty() {
            continue;
        }
        message
            .encode_length_delimited(chunks.buffer())
            .expect("memory grows");
        chunks.pass_on()?;
    }
    chunks.flush()
}

fn metric(series: &Series<'_, '_>, kind: Kind, naming: Naming) -> Metric {
    let mut metric = Metric::default();
    series.for_each_label(&mut String::new(), |name, value| {
        metric.label.push(pair(name, value));
    });
    let exemplars = Exemplars {
        all: series.exemplars,
        naming,
    };
    let created_timestamp = series.start.map(timestamp);
    match (series.point, kind) {
        (Point::Number(value), Kind::Counter) => {
            metric.counter = Some(Counter {
                value: Some(value.as_f64()),
                exemplar: exemplars.latest(),
                created_timestamp,
            });
        }
        (Point::Number(value), _) => metric.gauge = Some(gauge(value)),
        (Point::Explicit(point), _) => {
            let mut cumulative = Cumulative::default();
            cumulative.fill_explicit(point);
            metric.histogram = Some(Histogram {
                created_timestamp,
                ..classic(cumulative, point.sum, exemplars)
            });
        }
        (Point::Exponential(point), _) => {
            metric.histogram = Some(Histogram {
                created_timestamp,
                ..native(point.clone(), exemplars)
            });
        }
        (Point::Summary(point), _) => {
            metric.summary = Some(Summary {
                created_timestamp,
                ..summary(point)
            });
        }
    }
    metric
}

/// Those of a series.
#[derive(Clone, Copy)]
struct Exemplars<'e> {
    all: &'e [points::Exemplar],
    naming: Naming,
}

impl Exemplars<'_> {
    fn latest(self) -> Option<Exemplar> {
        latest(self.all).map(|exemplar| self.message(exemplar))
    }

    fn within(self, above: f64, upper: f64) -> Option<Exemplar> {
        latest_within(self.all, above, upper).map(|exemplar| self.message(exemplar))
    }

    fn all(self) -> Vec<Exemplar> {
        let messages = self.all.iter().map(|exemplar| self.message(exemplar));
        messages.collect()
    }

    fn message(self, exemplar: &points::Exemplar) -> Exemplar {
        let labels = labels(exemplar, self.naming);
        Exemplar {
            label: labels
                .iter()
                .map(|(name, value)| pair(name, value))
                .collect(),
            value: Some(exemplar.value.as_f64()),
            timestamp: Some(timestamp(exemplar.time)),
        }
    }
}

fn pair(name: &LabelName, value: &str) -> LabelPair {
    LabelPair {
        name: Some(name.text.clone()),
        value: Some(value.to_owned()),
    }
}

fn gauge(value: Number) -> Gauge {
    Gauge {
        value: Some(value.as_f64()),
    }
}

fn summary(point: &SummaryPoint<'_>) -> Summary {
    let quantile = |&(quantile, value): &(f64, f64)| Quantile {
        quantile: Some(quantile),
        value: Some(value),
    };
    Summary {
        sample_count: Some(point.count),
        sample_sum: Some(point.sum),
        quantile: point.quantiles.iter().map(quantile).collect(),
        created_timestamp: None,
    }
}

/// An absent sum would be read as 0 here, so it is given even where the text formats leave it out,
/// and as NaN where nobody knows it.
fn classic(cumulative: Cumulative, sum: Option<f64>, exemplars: Exemplars<'_>) -> Histogram {
    let mut above = f64::NEG_INFINITY;
    let infinity = (f64::INFINITY, cumulative.total);
    Histogram {
        sample_count: Some(cumulative.total),
        sample_sum: Some(sum.unwrap_or(f64::NAN)),
        bucket: cumulative
            .buckets
            .into_iter()
            .chain([infinity])
            .map(|(upper, count)| Bucket {
                cumulative_count: Some(count),
                upper_bound: Some(upper),
                exemplar: exemplars.within(std::mem::replace(&mut above, upper), upper),
            })
            .collect(),
        ..Histogram::default()
    }
}

/// A native histogram. Points coarser than any schema cannot be refined and become classic ones
/// rather than being dropped.
fn native(mut point: ExponentialPoint, exemplars: Exemplars<'_>) -> Histogram {
    downscale(&mut point, HIGHEST_SCHEMA);
    if point.scale < LOWEST_SCHEMA {
        let mut cumulative = Cumulative::default();
        cumulative.fill_exponential(&point);
        return classic(cumulative, point.sum, exemplars);
    }
    let counts = |counts: &[u64]| counts.iter().fold(0u64, |sum, n| sum.saturating_add(*n));
    let (positive, negative) = (sparse(&point.positive), sparse(&point.negative));
    let spans = |spans: Vec<(i32, u32)>| {
        spans
            .into_iter()
            .map(|(offset, length)| BucketSpan {
                offset: Some(offset),
                length: Some(length),
            })
            .collect()
    };
    Histogram {
        // Prometheus rejects a count that its buckets do not add up to.
        sample_count: Some(
            point
                .zero_count
                .saturating_add(counts(&point.positive.counts))
                .saturating_add(counts(&point.negative.counts)),
        ),
        sample_sum: Some(point.sum.unwrap_or(f64::NAN)),
        schema: Some(point.scale),
        zero_threshold: Some(match point.zero_threshold > 0.0 {
            true => point.zero_threshold,
            false => DEFAULT_ZERO_THRESHOLD,
        }),
        zero_count: Some(point.zero_count),
        negative_span: spans(negative.spans),
        negative_delta: negative.deltas,
        positive_span: spans(positive.spans),
        positive_delta: positive.deltas,
        exemplars: exemplars.all(),
        ..Histogram::default()
    }
}

fn timestamp(time: clock::Timestamp) -> Timestamp {
    const SECOND: u64 = 1_000_000_000;
    let nanos = time.as_nanos();
    Timestamp {
        seconds: (nanos / SECOND) as i64,
        nanos: (nanos % SECOND) as i32,
    }
}
