//! What functions of the program leave out of collections (Metrics SDK specification, "MetricFilter",
//! in development).

use std::time::Instant;

use serde_json::json;

use super::{Actor, Request, Wanted};
use crate::config::{FunctionFilter, MetricFilter};
use crate::engine::canonical::Canonical;
use crate::engine::collection::Metric;
use crate::engine::filter::{MetricKey, SeriesFilter};
use crate::engine::plan::Settings;
use crate::engine::self_metrics::SelfMetric;
use crate::engine::{FacadeId, PipelineId};

impl Actor {
    /// Lets go of what functions decided for readers that are gone.
    pub(super) fn forget_filters(&mut self) {
        let settings = self.settings.as_deref();
        let readers = settings.map_or(&[][..], |settings| &settings.pipelines);
        let filters = readers.iter().flatten();
        let used: Vec<FunctionFilter> = filters
            .filter_map(|reader| reader.filter.as_ref()?.function())
            .collect();
        self.filters.retain(|filter, _| used.contains(filter));
    }

    /// What a reader's filter leaves of metrics.
    pub(super) fn filtered(&self, metrics: Vec<Metric>, filter: &MetricFilter) -> Vec<Metric> {
        let series_of = |metric: &Metric| match filter.function() {
            Some(function) => self
                .filters
                .get(&function)?
                .series_of(&MetricKey::of(metric)),
            None if !filter.keeps_metric(&metric.name) => None,
            None => match filter.rules_of(&metric.name) {
                none if none.is_empty() => Some(SeriesFilter::All),
                rules => Some(SeriesFilter::Rules(rules.into())),
            },
        };
        metrics
            .into_iter()
            .filter_map(|metric| {
                let filter = series_of(&metric)?;
                Some(Metric { filter, ..metric })
            })
            .collect()
    }

    /// Asks the function that filters for a reader whatever it was not asked yet. Whether the collection
    /// is to wait for an answer; what is not decided when it no longer does is left out of it.
    pub(super) fn question(&mut self, request: &mut Request, now: Instant) -> bool {
        let Some(filter) = function_of(self.settings.as_deref(), request.pipeline) else {
            return false;
        };
        self.prepare(request.pipeline, &request.runs);
        let new = self.look(filter, request.pipeline);
        let decisions = self.filters.entry(filter).or_default();
        let state = self.facades.get(&filter.facade);
        let facade = state.and_then(|state| state.facade.as_ref());
        let goes_on = facade.is_some_and(|facade| {
            new.is_empty() || facade.question(filter.number, decisions.to_json(&new))
        });
        let unanswered = decisions.unanswered();
        request.filtered = true;
        if unanswered == 0 || (goes_on && !request.at_once && now < request.deadline) {
            return unanswered > 0;
        }
        self.record(
            SelfMetric::Undecided,
            unanswered as f64,
            Canonical::default(),
        );
        self.said.warn(
            vec![
                "a metric filter of the program's did not answer in time; what it has not decided \
                 about is left out of the collection (counted in \
                 nativestage.metrics.filters.undecided)"
                    .to_owned(),
            ],
            &self.log,
        );
        false
    }

    /// Looks at everything that a reader would get; the numbers of the questions that are new.
    pub(super) fn look(&mut self, filter: FunctionFilter, pipeline: PipelineId) -> Vec<u32> {
        let decisions = self.filters.entry(filter).or_default();
        let mut new = Vec::new();
        for &id in self.scopes.iter().flatten() {
            for stream in self.instruments[id as usize].streams_of(pipeline.0) {
                let columns = stream.columns();
                let each_series = |visit: &mut dyn FnMut(&Canonical)| {
                    columns.lock().for_each_series(visit);
                };
                new.extend(decisions.look(&stream.key(), &each_series));
            }
        }
        self.produced.for_each_metric(&mut |metric, each_series| {
            new.extend(decisions.look(&metric, each_series));
        });
        new
    }

    /// All that the functions of an environment have not decided about, as JSON:
    /// `[[filter, questions], …]`.
    pub(super) fn undecided(&mut self, facade: FacadeId) -> String {
        let pipelines = self.settings.as_deref().map_or(0, |s| s.pipelines.len());
        for pipeline in (0..pipelines).map(PipelineId) {
            let filter = function_of(self.settings.as_deref(), pipeline);
            if let Some(filter) = filter.filter(|filter| filter.facade == facade) {
                self.prepare(pipeline, &Wanted::new());
                self.look(filter, pipeline);
            }
        }
        let own = self.filters.iter();
        let own =
            own.filter(|(filter, decisions)| filter.facade == facade && decisions.unanswered() > 0);
        let questions = own.map(|(filter, decisions)| (filter.number, decisions.all_to_json()));
        json!(questions.collect::<Vec<_>>()).to_string()
    }
}

pub(super) fn function_of(
    settings: Option<&Settings>,
    pipeline: PipelineId,
) -> Option<FunctionFilter> {
    settings?.filter(pipeline)?.function()
}
