//! From a [`Collection`] to the bodies of `ExportMetricsServiceRequest`s: the walk that the binary
//! and the JSON encoding share. What a byte looks like is theirs; what stands in which message, and
//! where one request ends and the next begins, is decided here.

use std::sync::Arc;

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::Resource;

use crate::engine::collection::{
    Collection, Data, ExponentialPoint, HistogramPoint, Interval, Metric, NumberPoint, SummaryPoint,
};

/// Where a request is cut and another begun, in bytes. gRPC servers refuse messages above 4 MiB
/// unless told otherwise, and one point is far smaller than the gap.
pub(super) const REQUEST_LIMIT: usize = 3 * 1024 * 1024;

/// The body of one request, not yet compressed.
pub(super) struct Request {
    pub body: Vec<u8>,
    /// Data points in it.
    pub points: u64,
    /// It holds changes since the last collection, which nothing but this request can deliver.
    pub delta: bool,
}

/// What all points of a metric share.
pub(super) struct Header<'a> {
    pub name: &'a str,
    pub description: &'a str,
    pub unit: &'a str,
    pub kind: Kind,
    pub interval: Interval,
}

#[derive(Clone, Copy)]
pub(super) enum Kind {
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
    Summary,
}

impl Kind {
    pub fn temporality(self) -> Option<Temporality> {
        match self {
            Kind::Gauge | Kind::Summary => None,
            Kind::Sum { temporality, .. }
            | Kind::Histogram { temporality }
            | Kind::Exponential { temporality } => Some(temporality),
        }
    }
}

/// One encoding of OTLP. Calls nest as the messages do: request, scope, metric, points.
pub(super) trait Format {
    fn begin_request(&mut self, resource: &Resource);
    /// Hands over the finished request.
    fn end_request(&mut self) -> Vec<u8>;
    fn begin_scope(&mut self, scope: &InstrumentationScope);
    fn end_scope(&mut self);
    fn begin_metric(&mut self, header: &Header<'_>);
    fn end_metric(&mut self);
    fn number(&mut self, point: &NumberPoint<'_>);
    fn histogram(&mut self, point: &HistogramPoint<'_>);
    fn exponential(&mut self, point: &ExponentialPoint<'_>);
    fn summary(&mut self, point: &SummaryPoint<'_>);
    /// Bytes of the request so far.
    fn len(&self) -> usize;
}

/// Encodes a collection; empty when it has no points. A metric with more points than fit into
/// `limit` bytes is spread over several requests, which OTLP allows: each point stands for itself.
pub(super) fn requests<F: Format>(
    collection: &Collection,
    format: F,
    limit: usize,
) -> Vec<Request> {
    let mut walk = Walk {
        format,
        resource: &collection.resource,
        limit,
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
    /// The scope being written; a request is open exactly when there is one.
    scope: Option<&'a Arc<InstrumentationScope>>,
    points: u64,
    delta: bool,
    done: Vec<Request>,
}

impl<'a, F: Format> Walk<'a, F> {
    fn metric(&mut self, metric: Metric<'a>) {
        let (scope, name) = (metric.scope, metric.name);
        let (description, unit) = (metric.description, metric.unit);
        let header = |kind, interval| Header {
            name,
            description,
            unit,
            kind,
            interval,
        };
        match metric.data {
            Data::Gauge { interval, points } => {
                self.points(scope, &header(Kind::Gauge, interval), points, F::number);
            }
            Data::Sum {
                interval,
                temporality,
                monotonic,
                points,
            } => {
                let kind = Kind::Sum {
                    temporality,
                    monotonic,
                };
                self.points(scope, &header(kind, interval), points, F::number);
            }
            Data::Histogram {
                interval,
                temporality,
                points,
            } => {
                let kind = Kind::Histogram { temporality };
                self.points(scope, &header(kind, interval), points, F::histogram);
            }
            Data::Exponential {
                interval,
                temporality,
                points,
            } => {
                let kind = Kind::Exponential { temporality };
                self.points(scope, &header(kind, interval), points, F::exponential);
            }
            Data::Summary { interval, points } => {
                self.points(scope, &header(Kind::Summary, interval), points, F::summary);
            }
        }
    }

    fn points<P>(
        &mut self,
        scope: &'a Arc<InstrumentationScope>,
        header: &Header<'_>,
        points: impl Iterator<Item = P>,
        write: impl Fn(&mut F, &P),
    ) {
        self.begin(scope, header);
        for point in points {
            if self.points > 0 && self.format.len() >= self.limit {
                self.format.end_metric();
                self.finish();
                self.begin(scope, header);
            }
            write(&mut self.format, &point);
            self.points += 1;
        }
        self.format.end_metric();
    }

    fn begin(&mut self, scope: &'a Arc<InstrumentationScope>, header: &Header<'_>) {
        match self.scope {
            Some(open) if Arc::ptr_eq(open, scope) || open == scope => {}
            Some(_) => {
                self.format.end_scope();
                self.format.begin_scope(scope);
            }
            None => {
                self.format.begin_request(self.resource);
                self.format.begin_scope(scope);
            }
        }
        self.scope = Some(scope);
        self.delta |= header.kind.temporality() == Some(Temporality::Delta);
        self.format.begin_metric(header);
    }

    fn finish(&mut self) {
        if self.scope.take().is_none() {
            return;
        }
        self.format.end_scope();
        self.done.push(Request {
            body: self.format.end_request(),
            points: std::mem::take(&mut self.points),
            delta: std::mem::take(&mut self.delta),
        });
    }
}

/// Nanoseconds since the epoch, as OTLP counts time; 0 before it.
pub(super) fn unix_nanos(time: std::time::SystemTime) -> u64 {
    time.duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| {
            u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
        })
}

/// `AggregationTemporality`'s number in OTLP.
pub(super) fn temporality_number(temporality: Temporality) -> u8 {
    match temporality {
        Temporality::Delta => 1,
        _ => 2,
    }
}
