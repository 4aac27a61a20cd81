//! One series: its labels and its point, whatever the point is made of.

use std::rc::Rc;

use super::buckets::{add_explicit, add_exponential};
use super::labels::{LabelName, LabelSet, Labels};
use crate::engine::clock::Timestamp;
use crate::engine::points::{
    Exemplar, ExponentialPoint, HistogramPoint, Kind, Number, Point, SummaryPoint,
};

/// What is written as one series (a histogram's many lines count as one).
pub struct Series<'s, 'r> {
    pub labels: Labels<'s>,
    pub scope: &'s Rc<LabelSet>,
    /// When counting began; `None` for what does not count.
    pub start: Option<Timestamp>,
    pub point: Point<'s, 'r>,
    pub exemplars: &'s [Exemplar],
}

impl Series<'_, '_> {
    /// Gives the labels of the point, then those of the scope, to `visit`.
    pub fn for_each_label(&self, scratch: &mut String, mut visit: impl FnMut(&LabelName, &str)) {
        self.labels.for_each(scratch, &mut visit);
        self.scope
            .iter()
            .for_each(|(name, value)| visit(name, value));
    }
}

/// Whether adding two points of the same metric kind means anything: it does not for gauges.
pub type Additive = bool;

/// Whether the points of a metric count from a start on, and whether they can be added.
pub fn counting(kind: Kind) -> (bool, Additive) {
    match kind {
        Kind::Gauge => (false, false),
        Kind::Sum { monotonic, .. } => (monotonic, true),
        Kind::Histogram { .. } | Kind::Exponential { .. } => (true, true),
        Kind::Summary => (true, false),
    }
}

/// Whether a counter may have this value. An observable counter can be told anything.
pub fn is_count(point: Point<'_, '_>) -> bool {
    match point {
        Point::Number(value) => value.as_f64() >= 0.0,
        Point::Explicit(_) | Point::Exponential(_) | Point::Summary(_) => true,
    }
}

/// Points added up.
pub enum Total<'r> {
    Number(Number),
    Explicit(HistogramPoint<'r>),
    Exponential(ExponentialPoint),
    Summary(SummaryPoint<'r>),
}

impl<'r> Total<'r> {
    pub fn new(point: Point<'_, 'r>) -> Self {
        match point {
            Point::Number(value) => Total::Number(value),
            Point::Explicit(point) => Total::Explicit(point.clone()),
            Point::Exponential(point) => Total::Exponential(point.clone()),
            Point::Summary(point) => Total::Summary(point.clone()),
        }
    }

    pub fn point(&self) -> Point<'_, 'r> {
        match self {
            Total::Number(value) => Point::Number(*value),
            Total::Explicit(point) => Point::Explicit(point),
            Total::Exponential(point) => Point::Exponential(point),
            Total::Summary(point) => Point::Summary(point),
        }
    }

    /// Adds another point of the same family; `false`, and nothing done, when that is impossible.
    pub fn add(&mut self, other: Point<'_, 'r>, additive: Additive) -> bool {
        match (self, other) {
            (Total::Number(value), Point::Number(other)) if additive => {
                *value = match (*value, other) {
                    (Number::Int(a), Number::Int(b)) => Number::Int(a.saturating_add(b)),
                    (a, b) => Number::Double(a.as_f64() + b.as_f64()),
                };
                true
            }
            (Total::Explicit(point), Point::Explicit(other)) => add_explicit(point, other),
            (Total::Exponential(point), Point::Exponential(other)) => {
                add_exponential(point, other.clone());
                true
            }
            _ => false,
        }
    }
}
