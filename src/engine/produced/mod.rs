//! Metrics that something else aggregated: what a metric producer (Metrics SDK specification,
//! "MetricProducer") found at the latest collection. Views, naming rules and limits are not applied
//! to them, and they are cumulative whatever temporality an exporter prefers.

mod text;
#[cfg(test)]
mod text_tests;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::metrics::Temporality;
use smallvec::SmallVec;

use super::collection::{
    Aggregated, CollectedMetric, CollectedPart, Data, HistogramPoint, Identity, Interval, Number,
    NumberPoint, PageNaming, Parts, Point, SummaryPoint, Visit,
};
use super::plan::deprecation;
use super::FacadeId;
use crate::log::Logger;

/// Different sentences that are said.
const SAID: usize = 100;

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
    /// One that has a successor is in the collection under its new name already: only the page, which
    /// knew both, keeps it.
    fn collect(self: Arc<Self>, successor: Option<&str>) -> CollectedMetric {
        CollectedMetric {
            scope: self.scope.clone(),
            description: match successor {
                Some(successor) => deprecation(successor, &self.description).into(),
                None => self.description.clone(),
            },
            created: self.interval.start,
            sums: true,
            naming: PageNaming::AsProduced,
            page_only: successor.is_some(),
            parts: Parts::Read(vec![CollectedPart {
                hidden: None,
                data: Aggregated::Produced(self),
            }]),
        }
    }

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
    /// What was said, so that it is said once.
    said: HashSet<String>,
}

impl Produced {
    pub fn is_empty(&self) -> bool {
        self.by_producer.values().all(Vec::is_empty)
    }

    /// Replaces what a producer found before. A text that is not what it should be is reported and
    /// left out.
    pub fn replace(&mut self, facade: FacadeId, production: &Production, log: &Logger) {
        let interval = Interval {
            start: production.start,
            time: SystemTime::now(),
        };
        let scope = &production.scope;
        let mut metrics = Vec::new();
        for text in &production.texts {
            match text::parse(text) {
                Ok(metric) if metric.series.is_empty() => {}
                Ok(metric) => metrics.push(Arc::new(ProducedMetric {
                    scope: scope.clone(),
                    name: metric.name,
                    description: metric.help.into(),
                    interval,
                    series: metric.series,
                })),
                Err(problem) => self.warn(
                    log,
                    format!("a metric of {} is left out: {problem}", scope.name()),
                ),
            }
        }
        let producer = (facade, production.producer);
        self.by_producer.insert(producer, metrics);
    }

    /// The environment has ended.
    pub fn forget(&mut self, facade: FacadeId) {
        self.by_producer.retain(|(owner, _), _| *owner != facade);
    }

    /// Every metric, of those with one name the first. `twins` are those that stand for the same as
    /// another metric of the collection, which is their successor; without `overlaps` they go.
    pub fn collect(
        &mut self,
        twins: &HashMap<&str, &str>,
        overlaps: bool,
        log: &Logger,
    ) -> Vec<CollectedMetric> {
        let mut names = HashSet::new();
        let mut repeated = Vec::new();
        let mut collected = Vec::new();
        for metric in self.by_producer.values().flatten() {
            if !names.insert(&metric.name) {
                repeated.push(metric.name.clone());
                continue;
            }
            let successor = twins.get(metric.name.as_str());
            if successor.is_none() || overlaps {
                collected.push(metric.clone().collect(successor.copied()));
            }
        }
        for name in repeated {
            self.warn(
                log,
                format!(
                    "several registries of one-off metrics have a metric {name:?}; the first is \
                     exported"
                ),
            );
        }
        collected
    }

    fn warn(&mut self, log: &Logger, message: String) {
        if self.said.len() < SAID && self.said.insert(message.clone()) {
            log.warn(message);
        }
    }
}
