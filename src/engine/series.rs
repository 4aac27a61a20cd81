//! The series of one instrument: from what the facade calls a slot to the rows of its streams.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use hashbrown::HashTable;
use opentelemetry_sdk::metrics::Temporality;

use super::aggregate::Misfit;
use super::canonical::Canonical;
use super::clock::Timestamp;
use super::collection::Metric;
use super::columns::push;
use super::instrument::{InstrumentId, InstrumentSpec};
use super::known::{merge, Known, Observed};
use super::plan::{StreamPlan, STALE_AFTER};
use super::points::Exemplar;
use super::runs::{Observations, RunId};
use super::stream::Stream;
use super::{FacadeId, PipelineId};

pub type SeriesId = u32;

/// Metrics of streams that ended, at most, that wait for a reader which may never collect.
const MOST_ENDED: usize = 64;

/// What came of values to record: the last one that did not fit. The others are taken on.
pub type Recorded = Result<(), (Misfit, f64)>;

/// One set of attributes of one instrument.
struct Series {
    attributes: Canonical,
    /// Facade slots that lead here.
    slots: u32,
    /// Collections since the last value.
    idle: u32,
}

/// An instrument in the engine: its streams and its series.
pub struct Instrument {
    pub spec: Arc<InstrumentSpec>,
    /// The longest description registered; streams may override it.
    pub description: Arc<str>,
    streams: Vec<Stream>,
    /// What streams that are no more have not exported yet, and for which pipelines (a bit set).
    ended: Vec<(u32, Metric)>,
    /// Configured, and no stream wants it.
    dropped: bool,
    series: Vec<Option<Series>>,
    free: Vec<SeriesId>,
    by_attributes: HashTable<SeriesId>,
    hasher: RandomState,
    /// What arrived before there were streams: a sum, or the last value.
    pending: BTreeMap<SeriesId, f64>,
    /// Per facade, what its callbacks observed last. By attributes, because a slot, and the series
    /// with it, may be given to other attributes before the next observations arrive.
    observed: BTreeMap<FacadeId, Known>,
}

impl Instrument {
    pub fn new(spec: Arc<InstrumentSpec>) -> Self {
        Self {
            description: spec.description.clone(),
            spec,
            streams: Vec::new(),
            ended: Vec::new(),
            dropped: false,
            series: Vec::new(),
            free: Vec::new(),
            by_attributes: HashTable::new(),
            hasher: RandomState::new(),
            pending: BTreeMap::new(),
            observed: BTreeMap::new(),
        }
    }

    pub fn has_streams(&self) -> bool {
        !self.streams.is_empty()
    }

    /// Finds or makes the series and counts one more slot that leads to it.
    pub fn attach_slot(&mut self, attributes: Canonical) -> SeriesId {
        let id = self.series_for(attributes);
        if let Some(series) = self.series[id as usize].as_mut() {
            series.slots += 1;
        }
        id
    }

    /// The series with these attributes.
    fn find(&self, attributes: &Canonical) -> Option<SeriesId> {
        let hash = self.hasher.hash_one(attributes);
        let is_it = |&id: &SeriesId| self.attributes(id) == Some(attributes);
        self.by_attributes.find(hash, is_it).copied()
    }

    fn series_for(&mut self, attributes: Canonical) -> SeriesId {
        if let Some(id) = self.find(&attributes) {
            return id;
        }
        let hash = self.hasher.hash_one(&attributes);
        let series = Some(Series {
            attributes,
            slots: 0,
            idle: 0,
        });
        let id = match self.free.pop() {
            Some(id) => {
                self.series[id as usize] = series;
                id
            }
            None => {
                push(&mut self.series, series);
                (self.series.len() - 1) as SeriesId
            }
        };
        let (series, hasher) = (&self.series, &self.hasher);
        let rehash = |&id: &SeriesId| match &series[id as usize] {
            Some(series) => hasher.hash_one(&series.attributes),
            None => unreachable!("a series leaves the table before its place is free"),
        };
        self.by_attributes.insert_unique(hash, id, rehash);
        id
    }

    /// Takes a series out whose rows are gone.
    fn drop_series(&mut self, id: SeriesId) {
        let Some(series) = self.series[id as usize].take() else {
            return;
        };
        let hash = self.hasher.hash_one(&series.attributes);
        if let Ok(entry) = self.by_attributes.find_entry(hash, |known| *known == id) {
            entry.remove();
        }
        self.free.push(id);
    }

    /// Whether a stream has a row for the series.
    fn is_bound(&self, id: SeriesId) -> bool {
        self.streams.iter().any(|stream| stream.row(id).is_some())
    }

    /// A facade slot no longer leads here; the last one takes the series with it.
    pub fn detach_slot(&mut self, id: SeriesId) {
        let Some(series) = self.series[id as usize].as_mut() else {
            return;
        };
        series.slots -= 1;
        // A cumulative series outlives its slots; a new slot finds it by its attributes.
        if series.slots == 0 && !self.pending.contains_key(&id) && !self.is_bound(id) {
            self.drop_series(id);
        }
    }

    /// Takes values on, one for each of these series, each stream's under one lock.
    pub fn record(&mut self, series: &[SeriesId], values: &[f64]) -> Recorded {
        if self.dropped {
            return Ok(());
        }
        if self.streams.is_empty() {
            for (&id, &value) in series.iter().zip(values) {
                self.keep(id, value);
            }
            return Ok(());
        }
        let ages = self.ages();
        let mut outcome = Ok(());
        let mut rows = Vec::with_capacity(series.len());
        for stream in &mut self.streams {
            let shared = stream.columns().clone();
            let mut columns = shared.lock();
            rows.clear();
            // Values of one series follow each other where it is recorded in over and over.
            let mut last = None;
            rows.extend(series.iter().map(|&id| match last {
                Some((same, row)) if same == id => row,
                _ => {
                    let row = match stream.row(id) {
                        // What the series is lies somewhere else in memory.
                        Some(row) if !ages => row,
                        _ => {
                            let Some(series) = self.series[id as usize].as_mut() else {
                                unreachable!("a series stays as long as something leads to it");
                            };
                            series.idle = 0;
                            stream.bind_series(&mut columns, id, &series.attributes)
                        }
                    };
                    last = Some((id, row));
                    row
                }
            }));
            outcome = columns.record_all(&rows, values).and(outcome);
        }
        outcome
    }

    /// Offers a value that was recorded as an exemplar of its series.
    pub fn offer(&self, id: SeriesId, exemplar: &Exemplar) {
        let Some(series) = self.series.get(id as usize).and_then(Option::as_ref) else {
            return;
        };
        for stream in &self.streams {
            if let Some(row) = stream.row(id) {
                stream.offer(row, &series.attributes, exemplar);
            }
        }
    }

    /// Takes what reservoirs of the program's keep of a stream's series.
    pub fn give(&mut self, stream: u32, attributes: &Canonical, exemplars: &[Exemplar]) {
        let series = self.find(attributes);
        let streams = self.streams.iter_mut();
        for stream in streams.filter(|own| own.plan().is_reserved_as(stream)) {
            stream.give(attributes, series, exemplars);
        }
    }

    /// Keeps a value until there are streams.
    fn keep(&mut self, id: SeriesId, value: f64) {
        if self.series[id as usize].is_none() {
            return;
        }
        let pending = self.pending.entry(id).or_default();
        *pending = match self.spec.is_sum() {
            true => *pending + value,
            false => value,
        };
    }

    /// Records without a slot: the engine's own metrics.
    pub fn record_attributes(&mut self, attributes: Canonical, value: f64) -> Recorded {
        let id = self.series_for(attributes);
        self.record(&[id], &[value])
    }

    /// Builds the streams and gives them what was recorded before.
    pub fn build(&mut self, plans: Vec<StreamPlan>) -> Recorded {
        self.dropped = plans.is_empty();
        self.streams = plans
            .into_iter()
            .map(|plan| Stream::new(self.spec.clone(), plan))
            .collect();
        let pending = std::mem::take(&mut self.pending);
        let (series, values): (Vec<SeriesId>, Vec<f64>) = pending.into_iter().unzip();
        self.record(&series, &values)
    }

    /// Gives it other streams. Those that can go on do, each for the readers that it had: one that comes
    /// from another stream has the rest of that and then one that begins. The others end, and what they have not exported
    /// is in the next collection of the `readers` (a bit set) that they fed, but for `pages`.
    ///
    /// Returns how many metrics are lost because nobody collects what streams ended with.
    pub fn update(
        &mut self,
        plans: Vec<StreamPlan>,
        time: Timestamp,
        readers: u32,
        pages: u32,
    ) -> usize {
        self.dropped = plans.is_empty();
        let mut before = std::mem::take(&mut self.streams);
        let streams = before.iter().map(|stream| stream.plan().pipelines);
        let fed = readers & streams.fold(0, |fed, pipelines| fed | pipelines);
        let mut new = Vec::new();
        // Streams that go on, and the readers that leave them for another.
        let mut left: Vec<(usize, u32)> = Vec::new();
        for plan in plans {
            let mut without = plan.pipelines;
            let goes_on = |stream: &Stream| plan.continues(stream.plan(), readers);
            while let Some(at) = before.iter().position(goes_on) {
                let mut stream = before.remove(at);
                let had = stream.plan().pipelines;
                let pipelines = without & (had & readers | !fed);
                left.push((self.streams.len(), had & readers & !plan.pipelines));
                without &= !pipelines;
                stream.go_on(StreamPlan {
                    pipelines,
                    ..plan.clone()
                });
                self.streams.push(stream);
            }
            if without != 0 {
                new.push(StreamPlan {
                    pipelines: without,
                    ..plan
                });
            }
        }
        for plan in new {
            let feeds_same = |stream: &&Stream| stream.plan().pipelines & plan.pipelines != 0;
            let goes_on = left.iter().find(|(_, left)| left & plan.pipelines != 0);
            let predecessor = before.iter().find(feeds_same);
            let predecessor = predecessor.or(goes_on.map(|(at, _)| &self.streams[*at]));
            self.streams.push(Stream::succeeding(
                self.spec.clone(),
                plan,
                predecessor,
                time,
            ));
        }
        self.ended.retain_mut(|(pipelines, _)| {
            *pipelines &= readers;
            *pipelines != 0
        });
        for (at, leaving) in left {
            let pipelines = leaving & !pages;
            let rest = self.streams[at].so_far(&self.description, time);
            let rest = rest.filter(|metric| pipelines != 0 && metric.has_points());
            self.ended.extend(rest.map(|metric| (pipelines, metric)));
        }
        for stream in before {
            let pipelines = stream.plan().pipelines & readers & !pages;
            let metric = stream.end(&self.description, time);
            let metric = metric.filter(|metric| pipelines != 0 && metric.has_points());
            self.ended.extend(metric.map(|metric| (pipelines, metric)));
        }
        let too_many = self.ended.len().saturating_sub(MOST_ENDED);
        self.ended.drain(..too_many);
        for id in 0..self.series.len() as SeriesId {
            if !self.is_bound(id) {
                self.drop_if_unreachable(id);
            }
        }
        too_many
    }

    /// What streams that ended still have for a pipeline.
    pub fn take_ended(&mut self, pipeline: PipelineId) -> Vec<Metric> {
        let bit = 1 << pipeline.0;
        let mut taken = Vec::new();
        self.ended.retain_mut(|(pipelines, metric)| {
            if *pipelines & bit != 0 {
                *pipelines &= !bit;
                taken.push(metric.clone());
            }
            *pipelines != 0
        });
        taken
    }

    /// Gives streams that were built before configuration to the pipelines that want their
    /// temporality; the others go. A delta stream is for one of them, because a collection empties it:
    /// returns whether another one begins without what was recorded so far.
    pub fn adopt(&mut self, plans: Vec<StreamPlan>) -> bool {
        let mut left = plans;
        let mut adopted = 0;
        for stream in &mut self.streams {
            let mut pipelines = 0;
            left.retain(|plan| {
                let built = stream.plan();
                let fits = plan.temporality == built.temporality
                    && plan.legacy == built.legacy
                    && (pipelines == 0 || plan.temporality != Temporality::Delta);
                if fits {
                    pipelines |= plan.pipelines;
                }
                !fits
            });
            stream.assign(pipelines);
            adopted |= pipelines;
        }
        self.streams.retain(|stream| stream.plan().pipelines != 0);
        left.retain(|plan| plan.pipelines & adopted == 0);
        let without = !left.is_empty();
        let begun = left
            .into_iter()
            .map(|plan| Stream::new(self.spec.clone(), plan));
        self.streams.extend(begun);
        without
    }

    /// Removes one series: it is exported no more until the next value, which starts it anew.
    pub fn remove(&mut self, attributes: &Canonical) {
        let Some(id) = self.find(attributes) else {
            return;
        };
        self.unbind(id, true);
        self.drop_if_unreachable(id);
    }

    /// Removes every series. Delta streams keep what they have not exported yet.
    pub fn clear(&mut self) {
        for id in 0..self.series.len() as SeriesId {
            self.unbind(id, false);
            self.drop_if_unreachable(id);
        }
        for stream in &mut self.streams {
            if stream.is_cumulative() {
                stream.clear();
            }
        }
    }

    /// Lets go of a series' rows.
    fn unbind(&mut self, id: SeriesId, forget: bool) {
        let Some(series) = self.series[id as usize].as_mut() else {
            return;
        };
        self.pending.remove(&id);
        for stream in &mut self.streams {
            stream.release(id, &series.attributes, forget);
        }
    }

    fn drop_if_unreachable(&mut self, id: SeriesId) {
        let series = self.series[id as usize].as_ref();
        if series.is_some_and(|series| series.slots == 0) {
            self.drop_series(id);
        }
    }

    /// Whether there are attributes that no stream keeps.
    pub fn is_filtered(&self) -> bool {
        self.has_streams()
            && self
                .streams
                .iter()
                .all(|stream| !stream.plan().attributes.keeps_all())
    }

    /// The attributes of a series.
    pub fn attributes(&self, id: SeriesId) -> Option<&Canonical> {
        Some(&self.series.get(id as usize)?.as_ref()?.attributes)
    }

    /// Replaces what is known of a facade's callbacks, or of their runs for one reader.
    pub fn observe(&mut self, facade: FacadeId, run: Option<RunId>, values: Observed) {
        let known = self.observed.entry(facade).or_default();
        known.replace(run, values);
    }

    /// Adds to what is known of a facade's callbacks.
    pub fn observe_more(&mut self, facade: FacadeId, run: Option<RunId>, values: &Observed) {
        if !values.is_empty() {
            self.observed.entry(facade).or_default().add(run, values);
        }
    }

    /// What a facade's callbacks observed goes with it.
    pub fn forget(&mut self, facade: FacadeId) {
        self.observed.remove(&facade);
    }

    /// Puts what a collection's runs observed in place for it, and what is known where they have not
    /// finished.
    pub fn prepare(
        &mut self,
        id: InstrumentId,
        pipeline: PipelineId,
        runs: &HashMap<FacadeId, &Observations>,
    ) -> Recorded {
        let known = &self.observed;
        let known = |facade| known.get(facade).map(|known: &Known| known.of(pipeline));
        let facades: BTreeSet<&FacadeId> = self.observed.keys().chain(runs.keys()).collect();
        let parts = facades.into_iter().filter_map(|facade| {
            let known = known(facade);
            let Some(run) = runs.get(facade) else {
                return known.cloned();
            };
            match (run.values.get(&id), known) {
                (Some(values), Some(known)) if run.unfinished.contains(&id) => {
                    Some(merge(values, known))
                }
                (None, _) if run.unfinished.contains(&id) => known.cloned(),
                (values, _) => values.cloned(),
            }
        });
        let parts: Vec<Observed> = parts.filter(|part| !part.is_empty()).collect();
        let mut outcome = Ok(());
        for stream in &mut self.streams {
            if stream.plan().feeds(pipeline.0) {
                outcome = outcome.and(stream.observe(&parts));
            }
        }
        outcome
    }

    /// The streams that feed a pipeline.
    pub fn streams_of(&mut self, pipeline: usize) -> impl Iterator<Item = &mut Stream> {
        self.streams
            .iter_mut()
            .filter(move |stream| stream.plan().feeds(pipeline))
    }

    /// Whether series without a value for long are let go.
    fn ages(&self) -> bool {
        !self.spec.is_observable()
            && self.has_streams()
            && self.streams.iter().all(|stream| !stream.is_cumulative())
    }

    /// Ends a collection: delta series without a value for [`STALE_AFTER`] collections are let go
    /// and named, so that the facade can give their slots back.
    pub fn age(&mut self) -> Vec<SeriesId> {
        if !self.ages() {
            return Vec::new();
        }
        let mut stale = Vec::new();
        for id in 0..self.series.len() as SeriesId {
            if let Some(series) = self.series[id as usize].as_mut() {
                series.idle = series.idle.saturating_add(1);
                if series.idle == STALE_AFTER {
                    stale.push(id);
                }
            }
        }
        for &id in &stale {
            self.unbind(id, false);
            self.drop_if_unreachable(id);
        }
        stale
    }
}
