//! Takes values on, and says once of each instrument what its numbers could not hold.

use std::collections::HashSet;

use super::aggregate::Misfit;
use super::handover::Samples;
use super::instrument::InstrumentId;
use super::places::{Place, Places};
use super::series::{Instrument, Recorded, SeriesId};
use crate::log::Logger;

/// Says what could not be recorded as it is.
pub struct Misfits {
    /// Once for each instrument.
    said: HashSet<(InstrumentId, Misfit)>,
    log: Logger,
}

impl Misfits {
    pub fn new(log: Logger) -> Self {
        Self {
            said: HashSet::new(),
            log,
        }
    }

    pub fn report(&mut self, id: InstrumentId, instrument: &Instrument, recorded: Recorded) {
        let Err((misfit, value)) = recorded else {
            return;
        };
        if !self.said.insert((id, misfit)) {
            return;
        }
        let name = &instrument.spec.name;
        self.log.error(match misfit {
            Misfit::Saturated => format!(
                "metric {name:?}: {value} takes it beyond the integers of 64 bits; it stays at the \
                 last of them (said once)"
            ),
            Misfit::NotANumber => format!(
                "metric {name:?}: {value} was recorded between two collections, which leaves no \
                 number; it is left out (said once)"
            ),
        });
    }
}

/// Values that an instrument takes on at once, at most: what is noted of them on the way stays in the
/// processor's nearest cache.
const BATCH: usize = 1024;

/// Values of one instrument that are worth being taken on at once. Where fewer follow each other, those of
/// several instruments take turns, and are sorted first.
const RUN: usize = 16;

/// Values that are sorted by instrument at a time.
const WINDOW: usize = 4096;

/// Takes samples on, those of one instrument at once. A slot that is nobody's is left out.
pub fn record_samples(
    instruments: &mut [Instrument],
    misfits: &mut Misfits,
    places: &Places,
    Samples { slots, values }: &Samples,
) {
    let mut series: Vec<SeriesId> = Vec::with_capacity(slots.len().min(BATCH));
    let mut at = 0;
    while let Some(&first) = slots.get(at) {
        let Some(Place { instrument, .. }) = places.get(first) else {
            at += 1;
            continue;
        };
        let mut last = None;
        let own = slots[at..]
            .iter()
            .take(BATCH)
            .map_while(|&slot| match last {
                Some((same, series)) if same == slot => Some(series),
                _ => {
                    let place = places.get(slot)?;
                    last = Some((slot, place.series));
                    (place.instrument == instrument).then_some(place.series)
                }
            });
        series.clear();
        series.extend(own);
        if series.len() < RUN {
            let end = slots.len().min(at + WINDOW);
            let mixed = slots[at..end].iter().zip(&values[at..end]);
            let mixed = mixed.filter_map(|(&slot, &value)| {
                let Place { instrument, series } = places.get(slot)?;
                Some((instrument, series, value))
            });
            record_each(instruments, misfits, mixed);
            at = end;
            continue;
        }
        let end = at + series.len();
        record(instruments, misfits, instrument, &series, &values[at..end]);
        at = end;
    }
}

/// Takes values on, those of one instrument at once and in their order.
pub fn record_each(
    instruments: &mut [Instrument],
    misfits: &mut Misfits,
    each: impl IntoIterator<Item = (InstrumentId, SeriesId, f64)>,
) {
    let mut each = each.into_iter();
    let (mut window, mut series, mut values) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        window.clear();
        window.extend(each.by_ref().take(WINDOW));
        if window.is_empty() {
            return;
        }
        window.sort_by_key(|&(instrument, ..)| instrument);
        for own in window.chunk_by(|(one, ..), (other, ..)| one == other) {
            for batch in own.chunks(BATCH) {
                series.clear();
                values.clear();
                series.extend(batch.iter().map(|&(_, series, _)| series));
                values.extend(batch.iter().map(|&(.., value)| value));
                record(instruments, misfits, batch[0].0, &series, &values);
            }
        }
    }
}

fn record(
    instruments: &mut [Instrument],
    misfits: &mut Misfits,
    id: InstrumentId,
    series: &[SeriesId],
    values: &[f64],
) {
    let instrument = &mut instruments[id as usize];
    let recorded = instrument.record(series, values);
    misfits.report(id, instrument, recorded);
}
