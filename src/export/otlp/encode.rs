//! From a [`Collection`] to the bodies of `ExportMetricsServiceRequest`s: the walk that the binary
//! and the JSON encoding share. What a byte looks like is theirs; what stands in which message, and
//! where one request ends and the next begins, is decided here.

use std::ops::ControlFlow;
use std::sync::Arc;

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::Resource;

use crate::config::LARGEST_SIZE;
use crate::engine::collection::{Collection, Metric};
use crate::engine::points::{
    ExponentialPoint, HistogramPoint, Identity, Number, Point, SummaryPoint,
};

/// The longest request that is sent, before compression (OTLP specification, "OTLP/gRPC Request"
/// and "OTLP/HTTP Request"). Only one with a single point can be longer.
pub(super) const LONGEST_REQUEST: usize = LARGEST_SIZE;

/// Where a request is cut and another begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub bytes: usize,
    /// Data points.
    pub points: u64,
}

impl Cut {
    /// Everything in one request.
    pub const NEVER: Self = Self {
        bytes: usize::MAX,
        points: u64::MAX,
    };
}

/// The body of one request, not yet compressed.
pub(super) struct Request {
    pub body: Vec<u8>,
    /// Data points in it.
    pub points: u64,
    /// It holds changes since the last collection, which nothing but this request can deliver.
    pub delta: bool,
}

/// The key of a metric's metadata for its type in Prometheus (Prometheus compatibility specification,
/// "Metric metadata").
pub(super) const PROMETHEUS_TYPE: &str = "prometheus.type";

/// One encoding of OTLP. Calls nest as the messages do: request, scope, metric, points.
pub(super) trait Format {
    fn begin_request(&mut self, resource: &Resource);
    /// Hands over the finished request.
    fn end_request(&mut self) -> Vec<u8>;
    fn begin_scope(&mut self, scope: &InstrumentationScope);
    fn end_scope(&mut self);
    fn begin_metric(&mut self, metric: &Metric);
    fn end_metric(&mut self);
    fn number(&mut self, series: &Identity<'_>, value: Number);
    fn histogram(&mut self, series: &Identity<'_>, point: &HistogramPoint<'_>);
    fn exponential(&mut self, series: &Identity<'_>, point: &ExponentialPoint);
    fn summary(&mut self, series: &Identity<'_>, point: &SummaryPoint<'_>);
    /// Bytes of the request so far.
    fn len(&self) -> usize;
    /// Where the request stands, to come back to with [`rewind`](Self::rewind).
    fn position(&self) -> Position;
    /// Takes back whatever began or was written since then; what ended since stays so.
    fn rewind(&mut self, position: Position);

    fn point(&mut self, series: &Identity<'_>, point: Point<'_, '_>) {
        match point {
            Point::Number(value) => self.number(series, value),
            Point::Explicit(point) => self.histogram(series, point),
            Point::Exponential(point) => self.exponential(series, point),
            Point::Summary(point) => self.summary(series, point),
        }
    }
}

/// A place in a request.
#[derive(Clone, Copy)]
pub(super) struct Position {
    pub len: usize,
    /// Messages that are open.
    pub depth: usize,
}

/// Encodes a collection; empty when it has no points. What does not fit into `cut` is spread
/// over several requests, points of one metric too, which OTLP allows: each point stands for
/// itself. A request is longer only when it holds a single point, or when what stands around the
/// points takes up half of it.
pub(super) fn requests<F: Format>(collection: &Collection, format: F, cut: Cut) -> Vec<Request> {
    let mut walk = Walk {
        format,
        resource: &collection.resource,
        limit: cut.bytes,
        budget: cut.bytes,
        most_points: cut.points,
        open: false,
        scope: None,
        points: 0,
        delta: false,
        done: Vec::new(),
    };
    for metric in collection.metrics() {
        walk.metric(metric);
    }
    walk.finish();
    walk.done
}

struct Walk<'a, F> {
    format: F,
    resource: &'a Resource,
    limit: usize,
    /// How long the current request may become.
    budget: usize,
    most_points: u64,
    /// A request is being written.
    open: bool,
    /// The scope being written.
    scope: Option<&'a Arc<InstrumentationScope>>,
    points: u64,
    delta: bool,
    done: Vec<Request>,
}

/// What a point that does not fit is taken back to.
struct Before<'a> {
    position: Position,
    scope: Option<&'a Arc<InstrumentationScope>>,
    delta: bool,
}

impl<'a, F: Format> Walk<'a, F> {
    fn metric(&mut self, metric: &'a Metric) {
        let mut begun = false;
        let _ = metric.read().for_each(&mut |series, point| {
            if self.points >= self.most_points {
                if std::mem::take(&mut begun) {
                    self.format.end_metric();
                }
                self.finish();
            }
            let before = if begun {
                self.here()
            } else {
                self.begin(metric)
            };
            self.format.point(series, point);
            if self.points > 0 && self.format.len() > self.budget {
                self.take_back(before);
                if begun {
                    self.format.end_metric();
                }
                self.finish();
                self.begin(metric);
                self.format.point(series, point);
            }
            begun = true;
            self.points += 1;
            ControlFlow::Continue(())
        });
        if begun {
            self.format.end_metric();
        }
        if self.format.len() > self.limit.max(LONGEST_REQUEST) {
            // No other metric is lost with it.
            self.finish();
        }
    }

    /// Says where the metric begins, which a scope that ended for it precedes.
    fn begin(&mut self, metric: &'a Metric) -> Before<'a> {
        let scope = &metric.scope;
        let fresh = !self.open;
        if fresh {
            self.open = true;
            self.format.begin_request(self.resource);
            if self.format.len() > LONGEST_REQUEST {
                // Nothing can be sent. Once is enough of that.
                self.limit = usize::MAX;
            }
        }
        if self
            .scope
            .is_some_and(|open| !Arc::ptr_eq(open, scope) && open != scope)
        {
            self.scope = None;
            self.format.end_scope();
        }
        let before = self.here();
        if self.scope.is_none() {
            self.format.begin_scope(scope);
        }
        self.scope = Some(scope);
        self.delta |= metric.kind.temporality() == Some(Temporality::Delta);
        self.format.begin_metric(metric);
        if fresh {
            self.budget = budget(self.limit, self.format.len());
        }
        before
    }

    fn here(&self) -> Before<'a> {
        Before {
            position: self.format.position(),
            scope: self.scope,
            delta: self.delta,
        }
    }

    fn take_back(&mut self, before: Before<'a>) {
        self.format.rewind(before.position);
        self.scope = before.scope;
        self.delta = before.delta;
    }

    fn finish(&mut self) {
        if !std::mem::take(&mut self.open) {
            return;
        }
        if self.scope.take().is_some() {
            self.format.end_scope();
        }
        self.done.push(Request {
            body: self.format.end_request(),
            points: std::mem::take(&mut self.points),
            delta: std::mem::take(&mut self.delta),
        });
    }
}

/// How long a request may become whose points stand among so many bytes of other things, such as a
/// long resource: without room for at least as much again, those would be sent over and over.
fn budget(limit: usize, around: usize) -> usize {
    if around > LONGEST_REQUEST {
        // It will not be sent. Once is enough.
        return usize::MAX;
    }
    limit.max((2 * around).min(LONGEST_REQUEST))
}

/// `AggregationTemporality`'s number in OTLP.
pub(super) fn temporality_number(temporality: Temporality) -> u8 {
    match temporality {
        Temporality::Delta => 1,
        _ => 2,
    }
}
