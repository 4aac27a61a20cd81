//! The series of one instrument: from what the facade calls a slot to bound SDK handles.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::SystemTime;

use smallvec::SmallVec;

use super::canonical::Canonical;
use super::instrument::InstrumentSpec;
use super::plan::{StreamPlan, STALE_AFTER};
use super::stream::{Binding, Stream};
use super::FacadeId;

pub type SeriesId = u32;

/// One set of attributes of one instrument.
struct Series {
    attributes: Canonical,
    /// One place per stream, bound at the first value: a series that was only registered does not
    /// appear in the SDK.
    bindings: SmallVec<[Option<Binding>; 1]>,
    /// What arrived before there were streams: a sum, or the last value.
    pending: Option<f64>,
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
    /// Configured, and no stream wants it.
    dropped: bool,
    series: Vec<Option<Series>>,
    free: Vec<SeriesId>,
    by_attributes: HashMap<Canonical, SeriesId>,
    /// Per facade, what its callbacks observed last. By attributes, because a slot, and the series
    /// with it, may be given to other attributes before the next observations arrive.
    observed: BTreeMap<FacadeId, Vec<(Canonical, f64)>>,
    observed_changed: bool,
}

impl Instrument {
    pub fn new(spec: Arc<InstrumentSpec>) -> Self {
        Self {
            description: spec.description.clone(),
            spec,
            streams: Vec::new(),
            dropped: false,
            series: Vec::new(),
            free: Vec::new(),
            by_attributes: HashMap::new(),
            observed: BTreeMap::new(),
            observed_changed: false,
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

    fn series_for(&mut self, attributes: Canonical) -> SeriesId {
        if let Some(&id) = self.by_attributes.get(&attributes) {
            return id;
        }
        let series = Some(Series {
            attributes: attributes.clone(),
            bindings: SmallVec::new(),
            pending: None,
            slots: 0,
            idle: 0,
        });
        let id = match self.free.pop() {
            Some(id) => {
                self.series[id as usize] = series;
                id
            }
            None => {
                self.series.push(series);
                (self.series.len() - 1) as SeriesId
            }
        };
        self.by_attributes.insert(attributes, id);
        id
    }

    /// A facade slot no longer leads here; the last one takes the series with it.
    pub fn detach_slot(&mut self, id: SeriesId) {
        let Some(series) = self.series[id as usize].as_mut() else {
            return;
        };
        series.slots -= 1;
        if series.slots > 0 || series.pending.is_some() {
            return;
        }
        // A cumulative series outlives its slots; a new slot finds it by its attributes.
        let bound = series.bindings.iter().any(Option::is_some);
        if !bound {
            let attributes = series.attributes.clone();
            self.by_attributes.remove(&attributes);
            self.series[id as usize] = None;
            self.free.push(id);
        }
    }

    pub fn record(&mut self, id: SeriesId, value: f64) {
        if self.dropped {
            return;
        }
        let Some(series) = self.series[id as usize].as_mut() else {
            return;
        };
        if self.streams.is_empty() {
            series.pending = Some(match series.pending {
                Some(pending) if self.spec.is_sum() => pending + value,
                _ => value,
            });
            return;
        }
        series.idle = 0;
        if series.bindings.len() < self.streams.len() {
            series.bindings.resize_with(self.streams.len(), || None);
        }
        for (stream, binding) in self.streams.iter_mut().zip(&mut series.bindings) {
            match binding {
                Some(binding) => binding.record(value),
                None => *binding = Some(stream.bind(&series.attributes, value)),
            }
        }
    }

    /// Records without a slot: the engine's own metrics.
    pub fn record_attributes(&mut self, attributes: Canonical, value: f64) {
        let id = self.series_for(attributes);
        self.record(id, value);
    }

    /// Builds the streams and gives them what was recorded before.
    pub fn build(&mut self, plans: Vec<StreamPlan>) {
        self.dropped = plans.is_empty();
        self.streams = plans
            .into_iter()
            .map(|plan| Stream::new(self.spec.clone(), plan, self.spec.created))
            .collect();
        self.observed_changed = true;
        for id in 0..self.series.len() {
            let pending = self.series[id]
                .as_mut()
                .and_then(|series| series.pending.take());
            if let Some(value) = pending {
                self.record(id as SeriesId, value);
            }
        }
    }

    /// Gives streams that were built before configuration to the pipelines that want their
    /// temporality; the others go.
    pub fn adopt(&mut self, plans: &[StreamPlan]) {
        for stream in &mut self.streams {
            let pipelines = plans
                .iter()
                .filter(|plan| {
                    let built = stream.plan();
                    plan.temporality == built.temporality && plan.legacy == built.legacy
                })
                .fold(0, |bits, plan| bits | plan.pipelines);
            stream.assign(pipelines);
        }
        let kept: Vec<bool> = self
            .streams
            .iter()
            .map(|stream| stream.plan().pipelines != 0)
            .collect();
        for series in self.series.iter_mut().flatten() {
            let mut keep = kept.iter();
            series.bindings.retain(|_| *keep.next().unwrap_or(&false));
        }
        let mut keep = kept.iter();
        self.streams.retain(|_| *keep.next().unwrap_or(&false));
    }

    /// Removes one series: it is exported no more until the next value, which starts it anew.
    pub fn remove(&mut self, attributes: &Canonical) {
        let Some(&id) = self.by_attributes.get(attributes) else {
            return;
        };
        let full = self.unbind(id, true);
        for index in full {
            self.rebuild(index);
        }
        self.drop_if_unreachable(id);
    }

    /// Removes every series. Delta streams keep what they have not exported yet.
    pub fn clear(&mut self) {
        for id in 0..self.series.len() as SeriesId {
            self.unbind(id, false);
            self.drop_if_unreachable(id);
        }
        for index in 0..self.streams.len() {
            if self.streams[index].is_cumulative() {
                self.rebuild(index);
            }
        }
    }

    /// Lets go of a series' handles; returns the streams that hide too much.
    fn unbind(&mut self, id: SeriesId, forget: bool) -> SmallVec<[usize; 1]> {
        let mut full = SmallVec::new();
        let Some(series) = self.series[id as usize].as_mut() else {
            return full;
        };
        series.pending = None;
        for (index, (stream, binding)) in self
            .streams
            .iter_mut()
            .zip(&mut series.bindings)
            .enumerate()
        {
            if let Some(binding) = binding.take() {
                if stream.release(&series.attributes, binding, forget) {
                    full.push(index);
                }
            }
        }
        full
    }

    fn drop_if_unreachable(&mut self, id: SeriesId) {
        let unreachable = self.series[id as usize]
            .as_ref()
            .filter(|series| series.slots == 0)
            .map(|series| series.attributes.clone());
        if let Some(attributes) = unreachable {
            self.by_attributes.remove(&attributes);
            self.series[id as usize] = None;
            self.free.push(id);
        }
    }

    /// Starts a stream over, as a restarted process would: every series counts from zero, with a
    /// new start time.
    fn rebuild(&mut self, index: usize) {
        let plan = self.streams[index].plan().clone();
        self.streams[index] = Stream::new(self.spec.clone(), plan, SystemTime::now());
        for series in self.series.iter_mut().flatten() {
            if let Some(binding) = series.bindings.get_mut(index) {
                *binding = None;
            }
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

    /// Replaces what a facade's callbacks observed.
    pub fn observe(&mut self, facade: FacadeId, values: Vec<(Canonical, f64)>) {
        if values.is_empty() {
            self.observed_changed |= self.observed.remove(&facade).is_some();
        } else {
            self.observed.insert(facade, values);
            self.observed_changed = true;
        }
    }

    /// Adds to what a facade's callbacks observed.
    pub fn observe_more(&mut self, facade: FacadeId, values: Vec<(Canonical, f64)>) {
        if values.is_empty() {
            return;
        }
        let mut all = values;
        let known = self.observed.remove(&facade).unwrap_or_default();
        let again: HashSet<Canonical> = all.iter().map(|(set, _)| set.clone()).collect();
        all.extend(known.into_iter().filter(|(set, _)| !again.contains(set)));
        self.observe(facade, all);
    }

    /// The streams that feed a pipeline, with observations in place.
    pub fn streams_of(&mut self, pipeline: usize) -> impl Iterator<Item = &mut Stream> {
        if std::mem::take(&mut self.observed_changed) {
            let values: Vec<(&Canonical, f64)> = self
                .observed
                .values()
                .flatten()
                .map(|(attributes, value)| (attributes, *value))
                .collect();
            for stream in &mut self.streams {
                stream.observe(&values);
            }
        }
        self.streams
            .iter_mut()
            .filter(move |stream| stream.plan().pipelines & (1 << pipeline) != 0)
    }

    /// Ends a collection: delta series without a value for [`STALE_AFTER`] collections are let go
    /// and named, so that the facade can give their slots back.
    pub fn age(&mut self) -> Vec<SeriesId> {
        let releasable = !self.spec.is_observable()
            && self.has_streams()
            && self.streams.iter().all(|stream| !stream.is_cumulative());
        if !releasable {
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
