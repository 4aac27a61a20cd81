//! Metrics that something else aggregated: what a metric producer (Metrics SDK specification,
//! "MetricProducer") found at the latest collection. Views, naming rules and limits are not applied
//! to them, and they are cumulative whatever temporality an exporter prefers.

mod text;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::metrics::Temporality;
use smallvec::SmallVec;

use super::collection::{
    Data, HistogramPoint, Identity, Interval, Number, NumberPoint, Point, SummaryPoint, Visit,
};
use super::FacadeId;

/// One of the registries of an environment, and what it held.
pub struct Production {
    /// Tells the environment's producers apart.
    pub producer: u32,
    pub scope: Arc<InstrumentationScope>,
    /// When its counters began.
    pub start: SystemTime,
    /// Prometheus text, one metric each.
    pub texts: Vec<String>,
}

/// One metric as its producer aggregated it.
#[derive(Debug)]
pub struct ProducedMetric {
    pub scope: Arc<InstrumentationScope>,
    pub name: String,
    pub description: Arc<str>,
    pub interval: Interval,
    pub series: Series,
}

/// The series of one metric, each with its own labels.
#[derive(Debug, PartialEq)]
pub enum Series {
    Counter(Vec<NumberSeries>),
    Gauge(Vec<NumberSeries>),
    Histogram(Vec<HistogramSeries>),
    Summary(Vec<SummarySeries>),
}

impl Series {
    fn is_empty(&self) -> bool {
        match self {
            Series::Counter(series) | Series::Gauge(series) => series.is_empty(),
            Series::Histogram(series) => series.is_empty(),
            Series::Summary(series) => series.is_empty(),
        }
    }
}

#[derive(Debug, PartialEq)]
pub struct NumberSeries {
    pub attributes: Vec<KeyValue>,
    pub value: f64,
}

#[derive(Debug, Default, PartialEq)]
pub struct HistogramSeries {
    pub attributes: Vec<KeyValue>,
    pub count: u64,
    pub sum: f64,
    /// Ascending, without `+Inf`.
    pub bounds: Vec<f64>,
    /// Per bucket, not cumulative; one longer than `bounds`.
    pub bucket_counts: Vec<u64>,
}

#[derive(Debug, Default, PartialEq)]
pub struct SummarySeries {
    pub attributes: Vec<KeyValue>,
    pub count: u64,
    pub sum: f64,
    /// Quantile and the value at it.
    pub quantiles: Vec<(f64, f64)>,
}

impl ProducedMetric {
    pub(super) fn data(&self) -> Data<'_> {
        let interval = self.interval;
        match &self.series {
            Series::Counter(series) => Data::Sum {
                interval,
                temporality: Temporality::Cumulative,
                monotonic: true,
                points: Box::new(series.iter().map(NumberSeries::point)),
            },
            Series::Gauge(series) => Data::Gauge {
                interval,
                points: Box::new(series.iter().map(NumberSeries::point)),
            },
            Series::Histogram(series) => Data::Histogram {
                interval,
                temporality: Temporality::Cumulative,
                points: Box::new(series.iter().map(HistogramSeries::point)),
            },
            Series::Summary(series) => Data::Summary {
                interval,
                points: Box::new(series.iter().map(SummarySeries::point)),
            },
        }
    }

    pub(super) fn for_each<'r>(&'r self, visit: &mut Visit<'_, 'r>) -> ControlFlow<()> {
        match &self.series {
            Series::Counter(series) | Series::Gauge(series) => {
                series.iter().try_for_each(|series| {
                    let point = series.point();
                    visit(&point.series, Point::Number(point.value))
                })
            }
            Series::Histogram(series) => series.iter().try_for_each(|series| {
                let point = series.point();
                visit(&point.series, Point::Explicit(&point))
            }),
            Series::Summary(series) => series.iter().try_for_each(|series| {
                let point = series.point();
                visit(&point.series, Point::Summary(&point))
            }),
        }
    }
}

fn identity(attributes: &[KeyValue]) -> Identity<'_> {
    Identity {
        attributes: attributes.iter().collect(),
        start: None,
    }
}

impl NumberSeries {
    fn point(&self) -> NumberPoint<'_> {
        NumberPoint {
            series: identity(&self.attributes),
            value: Number::Double(self.value),
        }
    }
}

impl HistogramSeries {
    fn point(&self) -> HistogramPoint<'_> {
        HistogramPoint {
            series: identity(&self.attributes),
            count: self.count,
            sum: Some(self.sum),
            min: None,
            max: None,
            bounds: SmallVec::from_slice(&self.bounds),
            bucket_counts: SmallVec::from_slice(&self.bucket_counts),
        }
    }
}

impl SummarySeries {
    fn point(&self) -> SummaryPoint<'_> {
        SummaryPoint {
            series: identity(&self.attributes),
            count: self.count,
            sum: self.sum,
            quantiles: &self.quantiles,
        }
    }
}

/// What every producer found at its latest collection.
#[derive(Default)]
pub struct Produced {
    by_producer: BTreeMap<(FacadeId, u32), Vec<Arc<ProducedMetric>>>,
}

impl Produced {
    /// Replaces what a producer found before. Returns a sentence for each text that is not what it
    /// should be; that metric is left out.
    pub fn replace(&mut self, facade: FacadeId, production: &Production) -> Vec<String> {
        let interval = Interval {
            start: production.start,
            time: SystemTime::now(),
        };
        let mut problems = Vec::new();
        let read = |text: &String| {
            text::parse(text)
                .map_err(|problem| {
                    let producer = production.scope.name();
                    problems.push(format!("a metric of {producer} is left out: {problem}"));
                })
                .ok()
        };
        let metrics = production
            .texts
            .iter()
            .filter_map(read)
            .filter(|metric| !metric.series.is_empty())
            .map(|metric| {
                Arc::new(ProducedMetric {
                    scope: production.scope.clone(),
                    name: metric.name,
                    description: metric.help.into(),
                    interval,
                    series: metric.series,
                })
            })
            .collect();
        self.by_producer
            .insert((facade, production.producer), metrics);
        problems
    }

    /// The environment has ended.
    pub fn forget(&mut self, facade: FacadeId) {
        self.by_producer.retain(|(owner, _), _| *owner != facade);
    }

    /// Every metric, in the order of the producers.
    pub fn metrics(&self) -> impl Iterator<Item = &Arc<ProducedMetric>> {
        self.by_producer.values().flatten()
    }
}
