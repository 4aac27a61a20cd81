//! One series: its labels and its point, whatever the point is made of.

use std::rc::Rc;
use std::time::SystemTime;

use opentelemetry::KeyValue;
use smallvec::SmallVec;

use super::buckets::{add_explicit, add_exponential};
use super::labels::LabelSet;
use crate::engine::collection::{Data, ExponentialPoint, HistogramPoint, Number, NumberPoint};

/// What is written as one series (a histogram's many lines count as one).
pub struct Series<'s, 'a> {
    pub labels: &'s LabelSet,
    pub scope: &'s Rc<LabelSet>,
    /// When counting began; `None` for what does not count.
    pub start: Option<SystemTime>,
    pub point: Point<'a>,
}

impl Series<'_, '_> {
    /// The labels of the point, then those of the scope.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.labels
            .iter()
            .chain(self.scope.iter())
            .map(|(name, value)| (&**name, value))
    }
}

/// A point of any kind.
#[expect(
    clippy::large_enum_variant,
    reason = "one exists at a time, and boxes would cost an allocation per point"
)]
pub enum Point<'a> {
    Number(NumberPoint<'a>),
    Explicit(HistogramPoint<'a>),
    Exponential(ExponentialPoint<'a>),
}

/// Whether adding two points of the same metric kind means anything: it does not for gauges.
pub type Additive = bool;

impl<'a> Point<'a> {
    /// All points of a metric, when they began counting, and whether they can be added.
    pub fn all(
        data: Data<'a>,
    ) -> (
        Option<SystemTime>,
        Additive,
        Box<dyn Iterator<Item = Self> + 'a>,
    ) {
        match data {
            Data::Gauge { points, .. } => (None, false, Box::new(points.map(Point::Number))),
            Data::Sum {
                interval,
                monotonic,
                points,
                ..
            } => (
                monotonic.then_some(interval.start),
                true,
                Box::new(points.map(Point::Number)),
            ),
            Data::Histogram {
                interval, points, ..
            } => (
                Some(interval.start),
                true,
                Box::new(points.map(Point::Explicit)),
            ),
            Data::Exponential {
                interval, points, ..
            } => (
                Some(interval.start),
                true,
                Box::new(points.map(Point::Exponential)),
            ),
        }
    }

    /// The value of an info.
    pub fn one() -> Self {
        Point::Number(NumberPoint {
            attributes: SmallVec::new(),
            value: Number::Int(1),
        })
    }

    pub fn attributes(&self) -> &[&'a KeyValue] {
        match self {
            Point::Number(point) => &point.attributes,
            Point::Explicit(point) => &point.attributes,
            Point::Exponential(point) => &point.attributes,
        }
    }

    /// Whether a counter may have this value. An observable counter can be told anything.
    pub fn is_count(&self) -> bool {
        match self {
            Point::Number(point) => point.value.as_f64() >= 0.0,
            Point::Explicit(_) | Point::Exponential(_) => true,
        }
    }

    /// Adds another point of the same family; `false`, and nothing done, when that is impossible.
    pub fn add(&mut self, other: Point<'a>, additive: Additive) -> bool {
        match (self, other) {
            (Point::Number(point), Point::Number(other)) if additive => {
                point.value = match (point.value, other.value) {
                    (Number::Int(a), Number::Int(b)) => Number::Int(a.saturating_add(b)),
                    (a, b) => Number::Double(a.as_f64() + b.as_f64()),
                };
                true
            }
            (Point::Explicit(point), Point::Explicit(other)) => add_explicit(point, &other),
            (Point::Exponential(point), Point::Exponential(other)) => {
                add_exponential(point, other);
                true
            }
            _ => false,
        }
    }
}
