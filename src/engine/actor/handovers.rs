//! What environments hand over: slots, cells, samples, exemplars and observations.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use opentelemetry_sdk::metrics::{InstrumentKind, Temporality};

use super::{Actor, Missed, EARLY_SAMPLES};
use crate::config::{
    ByKind, ExemplarFilter, IncludeExclude, MeterConfigurator, ReaderConfig, StreamConfig,
    ViewMatching,
};
use crate::engine::canonical::{is_overflow, Canonical};
use crate::engine::captured::Captured;
use crate::engine::cells::{is_touched_gauge, is_touched_sum, Cells};
use crate::engine::clock;
use crate::engine::given::Givens;
use crate::engine::handover::{Handover, Samples};
use crate::engine::instrument::InstrumentId;
use crate::engine::places::{Place, Places};
use crate::engine::plan::Settings;
use crate::engine::recording::{record_each, record_samples};
use crate::engine::runs::Observations;
use crate::engine::series::{Instrument, SeriesId};
use crate::engine::slots::{Slot, SlotChange, SlotChanges};
use crate::engine::FacadeId;

impl Actor {
    /// The early samples, without those whose series went before.
    pub(super) fn take_early(&mut self) -> Vec<(InstrumentId, SeriesId, f64)> {
        let mut early = std::mem::take(&mut self.early);
        early.retain(|&(id, series, _)| self.instruments[id as usize].attributes(series).is_some());
        early
    }

    /// Gives the instruments with early samples streams under the default view, in both
    /// temporalities, because which one will be wanted is not known yet.
    pub(super) fn aggregate_early(&mut self) {
        let settings = Settings {
            pipelines: [Temporality::Cumulative, Temporality::Delta]
                .map(|temporality| {
                    Some(ReaderConfig {
                        // Whatever a reader may want of the kind.
                        temporality: ByKind::new(|_| temporality),
                        ..ReaderConfig::new(temporality)
                    })
                })
                .into(),
            pages: 0,
            streams: StreamConfig {
                views: Vec::new(),
                view_matching: ViewMatching::Independent,
                meters: MeterConfigurator::default(),
                cardinality_limit: crate::config::DEFAULT_CARDINALITY_LIMIT,
            },
            value_length: crate::config::DEFAULT_VALUE_LENGTH,
            naming: None,
            legacy_names: true,
            wanted_exemplars: ExemplarFilter::AlwaysOff,
            produced: IncludeExclude::default(),
            reads_exemplars: false,
            reader: ReaderConfig::new(Temporality::Cumulative),
            disabled: false,
        };
        let early = self.take_early();
        for &(id, ..) in &early {
            let instrument = &mut self.instruments[id as usize];
            if !instrument.has_streams() {
                let (plans, _) = settings.streams(&instrument.spec);
                let built = instrument.build(plans);
                self.log.warn(format!(
                    "{:?} recorded more than {EARLY_SAMPLES} values before configuration; they are \
                     aggregated with default buckets and views do not apply to it",
                    instrument.spec.name
                ));
                self.misfits.report(id, instrument, built);
            }
        }
        record_each(&mut self.instruments, &mut self.misfits, early);
    }

    pub(super) fn take_over(&mut self, id: FacadeId, mut handover: Handover) {
        self.change_slots(id, &handover.slots);
        self.record_handover(id, &handover);
        self.offer(id, &handover.exemplars);
        self.give(&handover.given);
        if !handover.samples.slots.is_empty() {
            self.gate.recycle(std::mem::take(&mut handover.samples));
        }
        if self.early.len() > EARLY_SAMPLES {
            self.aggregate_early();
        }
        if let Some(observations) = &handover.observations {
            self.observe(id, observations, &handover);
        }
        if let (Some(run), Some(state)) = (handover.run, self.facades.get_mut(&id)) {
            state.runs.note(run, handover.answers);
            if let Some(Missed { asked, collections }) = state.missed.take() {
                let went_on = match collections {
                    1 => "a collection".to_owned(),
                    more => format!("{more} collections"),
                };
                self.log.info(format!(
                    "the event loop answers again, {:.1} s after it was asked; {went_on} went on \
                     without it",
                    asked.elapsed().as_secs_f64()
                ));
            }
        }
    }

    pub(super) fn record_handover(&mut self, id: FacadeId, handover: &Handover) {
        let state = self.facades.entry(id).or_default();
        let resolve = |places: &Places, slot: Slot, value: f64| {
            let Place { instrument, series } = places.get(slot)?;
            Some((instrument, series, value))
        };
        let sums = handover.sums.iter().flat_map(Cells::iter);
        let sums = sums
            .filter(|(_, value)| is_touched_sum(*value))
            .filter_map(|(index, value)| resolve(&state.sums, index, value));
        let gauges = handover.gauges.iter().flat_map(Cells::iter);
        let gauges = gauges
            .filter(|(_, value)| is_touched_gauge(*value))
            .filter_map(|(index, value)| resolve(&state.gauges, index, value));
        let cells = sums.chain(gauges);
        record_each(&mut self.instruments, &mut self.misfits, cells);
        let samples = &handover.samples;
        if self.settings.is_some() {
            record_samples(
                &mut self.instruments,
                &mut self.misfits,
                &state.blocks,
                samples,
            );
            return;
        }
        // Before configuration they wait, one by one, for their buckets.
        let samples = samples
            .slots
            .iter()
            .zip(&samples.values)
            .filter_map(|(&index, &value)| resolve(&state.blocks, index, value));
        for sample in samples {
            let instrument = &self.instruments[sample.0 as usize];
            let one_by_one = !instrument.spec.is_sum() && !instrument.spec.is_gauge();
            if one_by_one && !instrument.has_streams() {
                self.early.push(sample);
            } else {
                record_each(&mut self.instruments, &mut self.misfits, [sample]);
            }
        }
    }

    /// Offers what an environment captured, whose values were recorded before.
    pub(super) fn offer(&mut self, id: FacadeId, captured: &[Captured]) {
        let Some(state) = self.facades.get_mut(&id) else {
            return;
        };
        let now = clock::now();
        for captured in captured {
            let places = state.places(captured.storage);
            for (slot, exemplar) in captured.exemplars(now) {
                if let Some(Place { instrument, series }) = places.get(slot) {
                    self.instruments[instrument as usize].offer(series, &exemplar);
                }
            }
        }
    }

    /// Takes what reservoirs of the program's chose.
    fn give(&mut self, given: &Givens) {
        let given = match given.read(clock::now()) {
            Ok(given) => given,
            Err(error) => {
                self.log.error(format!(
                    "internal error: exemplars could not be read and are lost: {error}"
                ));
                return;
            }
        };
        for one in given {
            if let Some(instrument) = self.instruments.get_mut(one.instrument as usize) {
                instrument.give(one.stream, &one.attributes, &one.exemplars);
            }
        }
    }

    /// Takes on what callbacks observed: for the collections that wait for their run, and to be
    /// known beyond it. An observation that comes after the answer joins what is
    /// known, and no collection.
    pub(super) fn observe(&mut self, id: FacadeId, observations: &Samples, handover: &Handover) {
        let Some(state) = self.facades.get_mut(&id) else {
            return;
        };
        let mut values: HashMap<InstrumentId, Vec<(SeriesId, f64)>> = HashMap::new();
        for (&index, &value) in observations.slots.iter().zip(&observations.values) {
            if let Some(Place { instrument, series }) = state.blocks.get(index) {
                values.entry(instrument).or_default().push((series, value));
            }
        }
        let run = handover.run;
        let under_way = run.and_then(|run| state.runs.under_way_mut(run));
        let goes_on = under_way.is_some() && !handover.answers;
        let unfinished: HashSet<InstrumentId> = handover.unfinished.iter().copied().collect();
        let mut observed = HashMap::new();
        for (index, instrument) in (0..).zip(&mut self.instruments) {
            if !instrument.spec.is_observable() {
                continue;
            }
            let values = values.remove(&index).unwrap_or_default();
            let values = Arc::new(once_each(instrument, values));
            match unfinished.contains(&index) {
                true if goes_on => {}
                true => instrument.observe_more(id, run, &values),
                false => instrument.observe(id, run, values.clone()),
            }
            if under_way.is_some() && !values.is_empty() {
                observed.insert(index, values);
            }
        }
        if let Some(run) = under_way {
            run.observations = Some(Observations {
                values: observed,
                unfinished,
                error_type: handover.error_type.clone(),
            });
        }
    }

    pub(super) fn change_slots(&mut self, id: FacadeId, changes: &SlotChanges) {
        let changes = match changes.read() {
            Ok(changes) => changes,
            Err(error) => {
                self.log.error(format!(
                    "internal error: new series could not be read and are lost: {error}"
                ));
                return;
            }
        };
        let state = self.facades.entry(id).or_default();
        for SlotChange {
            storage,
            slot,
            series,
        } in changes
        {
            let places = state.places(storage);
            let Some((instrument, attributes)) = series else {
                if let Some(old) = places.take(slot) {
                    self.instruments[old.instrument as usize].detach_slot(old.series);
                }
                continue;
            };
            debug_assert!(places.get(slot).is_none(), "{slot} is somebody's");
            let series = self.instruments[instrument as usize].attach_slot(attributes);
            places.set(slot, Place { instrument, series });
        }
    }

    pub(super) fn detach(&mut self, id: FacadeId) {
        let Some(state) = self.facades.remove(&id) else {
            return;
        };
        self.produced.forget(id);
        self.filters.retain(|filter, _| filter.facade != id);
        for instrument in &mut self.instruments {
            if instrument.spec.is_observable() {
                instrument.forget(id);
            }
        }
        for places in [state.sums, state.gauges, state.blocks] {
            for (_, Place { instrument, series }) in places.iter() {
                self.instruments[instrument as usize].detach_slot(series);
            }
        }
    }

    /// Keeps what the facade's callbacks observed for the last export, but asks it no more.
    pub(super) fn leave(&mut self, id: FacadeId) {
        if let Some(state) = self.facades.get_mut(&id) {
            state.facade = None;
            state.runs.clear();
        }
    }
}

/// What one round observed, one value per attribute set, in the order they came. Observed twice,
/// the later value counts, as in the JS SDK; but different sets meet in the overflow series, and
/// where the facade leaves out what no stream keeps, and their sums add up.
fn once_each(instrument: &Instrument, observed: Vec<(SeriesId, f64)>) -> Vec<(Canonical, f64)> {
    let adds_up = instrument.spec.kind != InstrumentKind::ObservableGauge;
    let filtered = instrument.is_filtered();
    let mut places: HashMap<SeriesId, usize> = HashMap::with_capacity(observed.len());
    let mut once: Vec<(Canonical, f64)> = Vec::with_capacity(observed.len());
    for (series, value) in observed {
        if let Some(&at) = places.get(&series) {
            let (attributes, last) = &mut once[at];
            *last = match adds_up && (filtered || is_overflow(attributes)) {
                true => *last + value,
                false => value,
            };
        } else if let Some(attributes) = instrument.attributes(series) {
            places.insert(series, once.len());
            once.push((attributes.clone(), value));
        }
    }
    once
}
