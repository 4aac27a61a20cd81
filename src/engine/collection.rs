//! What one collection yields. Exporters read this and nothing else: what a metric is called and made
//! of stands in it, its points come to a visitor.

use std::ops::ControlFlow;
use std::sync::Arc;

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::Resource;

use super::clock::Timestamp;
use super::columns::{SharedColumns, Snapshot};
use super::filter::SeriesFilter;
use super::points::{Attributes, Kind, Visit};
use super::produced::ProducedMetric;

/// One collection of one pipeline: every metric that may have data.
pub struct Collection {
    pub resource: Arc<Resource>,
    metrics: Vec<Metric>,
    /// An event loop did not answer in time: what it handed over last stands for it.
    pub late: bool,
    /// Of the first callback that failed.
    pub error_type: Option<Box<str>>,
}

/// One metric stream of a collection.
#[derive(Clone)]
pub struct Metric {
    pub scope: Arc<InstrumentationScope>,
    pub name: Arc<str>,
    pub description: Arc<str>,
    pub unit: Arc<str>,
    pub kind: Kind,
    /// When all its points end.
    pub time: Timestamp,
    pub naming: PageNaming,
    /// Another metric of the collection says the same: only the page still shows it under this name.
    pub page_only: bool,
    pub(crate) source: Source,
    pub(crate) filter: SeriesFilter,
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

/// Where the points of a metric are.
#[derive(Clone)]
pub(crate) enum Source {
    Read(Arc<Snapshot>),
    /// A cumulative stream, which is copied when somebody reads it: one metric at a time takes little
    /// memory.
    Unread(SharedColumns),
    Produced(Arc<ProducedMetric>),
}

impl Collection {
    pub(crate) fn new(resource: Arc<Resource>, metrics: Vec<Metric>) -> Self {
        Self {
            resource,
            metrics,
            late: false,
            error_type: None,
        }
    }

    /// The metrics that are not for the page alone, in the order their scopes, then their instruments,
    /// were created: metrics of one scope are adjacent.
    pub fn metrics(&self) -> impl Iterator<Item = &Metric> {
        self.metrics.iter().filter(|metric| !metric.page_only)
    }

    /// All metrics, in the same order.
    pub fn page_metrics(&self) -> &[Metric] {
        &self.metrics
    }
}

impl Metric {
    /// The type that it has in Prometheus, where that is where it comes from.
    pub fn prometheus_type(&self) -> Option<&'static str> {
        match &self.source {
            Source::Produced(metric) => Some(metric.prometheus_type),
            Source::Read(_) | Source::Unread(_) => None,
        }
    }

    /// Whether there is a point, without reading any.
    pub fn has_points(&self) -> bool {
        match &self.source {
            Source::Unread(columns) => {
                let keeps = |attributes: Attributes<'_>| self.filter.keeps(attributes);
                columns.lock().has_rows(self.time, &keeps)
            }
            Source::Read(_) | Source::Produced(_) => !self.read().is_empty(),
        }
    }

    /// Reads the points, as of one moment; what was read lives as long as the result.
    pub fn read(&self) -> Reading<'_> {
        Reading {
            points: match &self.source {
                Source::Read(snapshot) => Points::Borrowed(snapshot),
                Source::Unread(columns) => Points::Owned(columns.lock().copy(self.time)),
                Source::Produced(metric) => Points::Produced(metric),
            },
            filter: &self.filter,
        }
    }
}

/// The points of one metric.
pub struct Reading<'m> {
    points: Points<'m>,
    filter: &'m SeriesFilter,
}

enum Points<'m> {
    Borrowed(&'m Snapshot),
    Owned(Snapshot),
    Produced(&'m ProducedMetric),
}

impl Reading<'_> {
    pub fn is_empty(&self) -> bool {
        if !self.filter.keeps_all() {
            return self
                .for_each(&mut |_, _| ControlFlow::Break(()))
                .is_continue();
        }
        match &self.points {
            Points::Borrowed(snapshot) => snapshot.is_empty(),
            Points::Owned(snapshot) => snapshot.is_empty(),
            Points::Produced(metric) => metric.is_empty(),
        }
    }

    /// Gives attributes to `visit`, until it breaks: for every point some with its keys and kinds of
    /// values. Of points of a kind those of one may do, and it may be one that is filtered out.
    pub fn for_each_kind<'r>(
        &'r self,
        visit: &mut dyn FnMut(Attributes<'r>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match &self.points {
            Points::Borrowed(snapshot) => snapshot.for_each_kind(visit),
            Points::Owned(snapshot) => snapshot.for_each_kind(visit),
            Points::Produced(metric) => {
                metric.for_each(&mut |identity, _| visit(identity.attributes))
            }
        }
    }

    /// Gives every point to `visit`, until it breaks.
    pub fn for_each<'r>(&'r self, visit: &mut Visit<'_, 'r>) -> ControlFlow<()> {
        if self.filter.keeps_all() {
            return self.for_each_unfiltered(visit);
        }
        self.for_each_unfiltered(
            &mut |identity, point| match self.filter.keeps(identity.attributes) {
                true => visit(identity, point),
                false => ControlFlow::Continue(()),
            },
        )
    }

    fn for_each_unfiltered<'r>(&'r self, visit: &mut Visit<'_, 'r>) -> ControlFlow<()> {
        match &self.points {
            Points::Borrowed(snapshot) => snapshot.for_each(visit),
            Points::Owned(snapshot) => snapshot.for_each(visit),
            Points::Produced(metric) => metric.for_each(visit),
        }
    }
}
