//! Takes values on, and says once of each instrument what its numbers could not hold.

use std::collections::HashSet;

use super::aggregate::Misfit;
use super::instrument::InstrumentId;
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

/// Takes values on, those of one instrument that follow each other at once.
pub fn record_runs(
    instruments: &mut [Instrument],
    misfits: &mut Misfits,
    values: impl IntoIterator<Item = (InstrumentId, SeriesId, f64)>,
) {
    let mut run: Vec<(SeriesId, f64)> = Vec::new();
    let mut current = None;
    let mut end_run = |id: Option<InstrumentId>, run: &mut Vec<(SeriesId, f64)>| {
        if let Some(id) = id {
            let instrument = &mut instruments[id as usize];
            let recorded = instrument.record(run);
            misfits.report(id, instrument, recorded);
        }
        run.clear();
    };
    for (instrument, series, value) in values {
        if current != Some(instrument) {
            end_run(current, &mut run);
            current = Some(instrument);
        }
        run.push((series, value));
    }
    end_run(current, &mut run);
}
