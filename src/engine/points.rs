//! What an exporter sees of a series.

use std::ops::ControlFlow;

use opentelemetry::{KeyValue, SpanId, TraceId, Value};
use opentelemetry_sdk::metrics::Temporality;
use smallvec::SmallVec;

use super::clock::Timestamp;
use super::interned::Attribute;

/// What the points of a metric are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Gauge,
    Sum {
        temporality: Temporality,
        monotonic: bool,
    },
    Histogram {
        temporality: Temporality,
    },
    Exponential {
        temporality: Temporality,
    },
    /// What only producers have.
    Summary,
}

impl Kind {
    /// As OpenTelemetry calls such a point.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Gauge => "gauge",
            Kind::Sum { .. } => "sum",
            Kind::Histogram { .. } => "histogram",
            Kind::Exponential { .. } => "exponential_histogram",
            Kind::Summary => "summary",
        }
    }

    pub fn temporality(self) -> Option<Temporality> {
        match self {
            Kind::Gauge | Kind::Summary => None,
            Kind::Sum { temporality, .. }
            | Kind::Histogram { temporality }
            | Kind::Exponential { temporality } => Some(temporality),
        }
    }
}

/// Gets whose point it is, and what it counted.
pub type Visit<'v, 'r> = dyn FnMut(&Identity<'r>, Point<'_, 'r>) -> ControlFlow<()> + 'v;

/// Whose a point is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Identity<'r> {
    /// Sorted by key, no key twice; as its producer has them for what was produced.
    pub attributes: Attributes<'r>,
    /// When the series began, or the interval of its delta.
    pub start: Timestamp,
    /// Of the values that the point counts; those of a cumulative one may have been seen before.
    pub exemplars: &'r [Exemplar],
}

/// The attributes of a point.
#[derive(Clone, Copy, Debug)]
pub enum Attributes<'r> {
    Recorded(&'r [Attribute]),
    Produced(&'r [KeyValue]),
}

impl<'r> Attributes<'r> {
    pub fn len(self) -> usize {
        match self {
            Attributes::Recorded(attributes) => attributes.len(),
            Attributes::Produced(attributes) => attributes.len(),
        }
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    pub fn get(self, at: usize) -> &'r KeyValue {
        match self {
            Attributes::Recorded(attributes) => &attributes[at],
            Attributes::Produced(attributes) => &attributes[at],
        }
    }

    pub fn iter(self) -> impl ExactSizeIterator<Item = &'r KeyValue> {
        (0..self.len()).map(move |at| self.get(at))
    }
}

/// Kinds of attribute values: different ones of a kind never have the same text, but for
/// [`Other`](Self::Other).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    Text,
    Bool,
    Integer,
    Double,
    /// Empty texts, NaN and arrays.
    Other,
}

impl ValueKind {
    pub fn of(value: &Value) -> Self {
        match value {
            Value::String(text) if !text.as_str().is_empty() => ValueKind::Text,
            Value::Bool(_) => ValueKind::Bool,
            Value::I64(_) => ValueKind::Integer,
            Value::F64(value) if !value.is_nan() => ValueKind::Double,
            _ => ValueKind::Other,
        }
    }
}

impl Default for Attributes<'_> {
    fn default() -> Self {
        Attributes::Produced(&[])
    }
}

/// A value of a series, and the trace in which it was recorded (Metrics SDK specification,
/// "Exemplar").
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    pub value: Number,
    pub time: Timestamp,
    /// None where it was recorded outside of any.
    pub span: Option<Span>,
    /// What it was recorded with and its series does not have.
    pub attributes: Box<[KeyValue]>,
}

/// A span, as its context names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub trace_id: TraceId,
    pub span_id: SpanId,
}

/// A point of any kind.
#[derive(Clone, Copy)]
pub enum Point<'p, 'r> {
    Number(Number),
    Explicit(&'p HistogramPoint<'r>),
    Exponential(&'p ExponentialPoint),
    Summary(&'p SummaryPoint<'r>),
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

#[derive(Clone, Debug)]
pub struct HistogramPoint<'r> {
    pub count: u64,
    /// Absent where negative values can be recorded.
    pub sum: Option<f64>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    /// Upper bounds, ascending, without the implied `+Inf`.
    pub bounds: &'r [f64],
    /// Counts per bucket, not cumulative; one longer than `bounds`, or empty when `bounds` is.
    pub bucket_counts: SmallVec<[u64; 17]>,
}

/// Buckets of a base-2 exponential histogram: `counts[i]` counts the values in
/// `(base^(offset+i), base^(offset+i+1)]`, where `base = 2^(2^-scale)`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExponentialBuckets {
    pub offset: i32,
    pub counts: Vec<u64>,
}

#[derive(Clone, Debug)]
pub struct ExponentialPoint {
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

/// What only producers have.
#[derive(Clone, Debug)]
pub struct SummaryPoint<'r> {
    pub count: u64,
    pub sum: f64,
    /// Quantile, from 0 to 1, and the value at it.
    pub quantiles: &'r [(f64, f64)],
}
