//! Metrics that something else aggregated: what a metric producer (Metrics SDK specification,
//! "MetricProducer") found at the latest collection. Views, naming rules and limits are not applied
//! to them, and they are cumulative whatever temporality an exporter prefers.

mod text;
#[cfg(test)]
mod text_tests;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::metrics::Temporality;
use smallvec::SmallVec;

use super::clock::{self, Timestamp};
use super::collection::{Metric, PageNaming, Source};
use super::filter::{canonical, EachSeries, MetricKey, SeriesFilter};
use super::plan::deprecation;
use super::points::{
    Attributes, Exemplar, HistogramPoint, Identity, Kind, Number, Point, SummaryPoint, Visit,
};
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
    pub start: Timestamp,
    /// Prometheus text, one metric each.
    pub texts: Vec<String>,
}

/// One metric as its producer aggregated it.
#[derive(Debug)]
pub struct ProducedMetric {
    pub scope: Arc<InstrumentationScope>,
    pub name: Arc<str>,
    pub description: Arc<str>,
    pub start: Timestamp,
    pub time: Timestamp,
    /// Its Prometheus type.
    pub prometheus_type: &'static str,
    pub series: Series,
}

/// The series of one metric, each with its own labels.
#[derive(Debug, PartialEq)]
pub enum Series {
    Counter(Vec<NumberSeries>),
    Gauge(Vec<NumberSeries>),
    /// Those of an info or a stateset: ones to add up, which is why they are no gauge (Prometheus
    /// compatibility specification, "Info" and "StateSet").
    States(Vec<NumberSeries>),
    Histogram(Vec<HistogramSeries>),
    Summary(Vec<SummarySeries>),
}

impl Series {
    fn is_empty(&self) -> bool {
        match self {
            Series::Counter(series) | Series::Gauge(series) | Series::States(series) => {
                series.is_empty()
            }
            Series::Histogram(series) => series.is_empty(),
            Series::Summary(series) => series.is_empty(),
        }
    }
}

#[derive(Debug, PartialEq)]
pub struct NumberSeries {
    pub attributes: Vec<KeyValue>,
    pub value: f64,
    pub exemplars: Vec<Exemplar>,
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
    pub exemplars: Vec<Exemplar>,
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
    fn collect(self: Arc<Self>, successor: Option<&str>) -> Metric {
        Metric {
            scope: self.scope.clone(),
            name: self.name.clone(),
            description: match successor {
                Some(successor) => deprecation(successor, &self.description).into(),
                None => self.description.clone(),
            },
            unit: Arc::default(),
            kind: self.kind(),
            time: self.time,
            naming: PageNaming::AsProduced,
            page_only: successor.is_some(),
            source: Source::Produced(self),
            filter: SeriesFilter::All,
        }
    }

    fn kind(&self) -> Kind {
        let temporality = Temporality::Cumulative;
        match &self.series {
            Series::Counter(_) => Kind::Sum {
                temporality,
                monotonic: true,
            },
            Series::States(_) => Kind::Sum {
                temporality,
                monotonic: false,
            },
            Series::Gauge(_) => Kind::Gauge,
            Series::Histogram(_) => Kind::Histogram { temporality },
            Series::Summary(_) => Kind::Summary,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    pub(super) fn for_each<'r>(&'r self, visit: &mut Visit<'_, 'r>) -> ControlFlow<()> {
        let identity = |attributes: &'r [KeyValue], exemplars: &'r [Exemplar]| Identity {
            attributes: Attributes::Produced(attributes),
            start: self.start,
            exemplars,
        };
        match &self.series {
            Series::Counter(series) | Series::Gauge(series) | Series::States(series) => {
                series.iter().try_for_each(|series| {
                    let value = Number::Double(series.value);
                    let identity = identity(&series.attributes, &series.exemplars);
                    visit(&identity, Point::Number(value))
                })
            }
            Series::Histogram(series) => series.iter().try_for_each(|series| {
                let point = Point::Explicit(&series.point());
                visit(&identity(&series.attributes, &series.exemplars), point)
            }),
            Series::Summary(series) => series.iter().try_for_each(|series| {
                let point = Point::Summary(&series.point());
                visit(&identity(&series.attributes, &[]), point)
            }),
        }
    }
}

impl HistogramSeries {
    fn point(&self) -> HistogramPoint<'_> {
        HistogramPoint {
            count: self.count,
            sum: Some(self.sum),
            min: None,
            max: None,
            bounds: &self.bounds,
            bucket_counts: SmallVec::from_slice(&self.bucket_counts),
        }
    }
}

impl SummarySeries {
    fn point(&self) -> SummaryPoint<'_> {
        SummaryPoint {
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
        let time = clock::now();
        let scope = &production.scope;
        let mut metrics = Vec::new();
        for text in &production.texts {
            match text::parse(text) {
                Ok(metric) if metric.series.is_empty() => {}
                Ok(metric) => metrics.push(Arc::new(ProducedMetric {
                    scope: scope.clone(),
                    name: metric.name.into(),
                    description: metric.help.into(),
                    start: production.start,
                    time,
                    prometheus_type: metric.kind,
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

    /// Every metric, as a reader's filter knows it, and its series.
    pub fn for_each_metric(&self, visit: &mut dyn FnMut(MetricKey, &EachSeries<'_>)) {
        for metric in self.by_producer.values().flatten() {
            let key = MetricKey::new(&metric.scope, &metric.name, metric.kind(), &Arc::default());
            visit(key, &|series| {
                let _ = metric.for_each(&mut |identity, _| {
                    series(&canonical(identity.attributes));
                    ControlFlow::Continue(())
                });
            });
        }
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
    ) -> Vec<Metric> {
        let mut names = HashSet::new();
        let mut repeated = Vec::new();
        let mut collected = Vec::new();
        for metric in self.by_producer.values().flatten() {
            if !names.insert(&metric.name) {
                repeated.push(metric.name.clone());
                continue;
            }
            let successor = twins.get(&*metric.name);
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
