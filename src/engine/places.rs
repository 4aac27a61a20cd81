//! The engine's side of slots: where the values of each go.

use super::columns::make_room;
use super::instrument::InstrumentId;
use super::series::SeriesId;
use super::slots::Slot;

/// Where the values of a facade's slot go: 8 bytes each, of which there are as many as series.
#[derive(Clone, Copy)]
pub struct Place {
    pub instrument: InstrumentId,
    pub series: SeriesId,
}

/// The places of one storage, by slot.
#[derive(Default)]
pub struct Places(Vec<Place>);

impl Places {
    /// Of a slot that is nobody's.
    const NOBODY: Place = Place {
        instrument: InstrumentId::MAX,
        series: SeriesId::MAX,
    };

    pub fn get(&self, slot: Slot) -> Option<Place> {
        let place = self.0.get(slot as usize).copied();
        place.filter(|place| place.instrument != InstrumentId::MAX)
    }

    pub fn set(&mut self, slot: Slot, place: Place) {
        let at = slot as usize;
        if self.0.len() <= at {
            make_room(&mut self.0, at + 1);
            self.0.resize(at + 1, Self::NOBODY);
        }
        self.0[at] = place;
    }

    pub fn take(&mut self, slot: Slot) -> Option<Place> {
        let place = self.get(slot);
        if place.is_some() {
            self.0[slot as usize] = Self::NOBODY;
        }
        place
    }

    /// Every slot that is somebody's, and where its values go.
    pub fn iter(&self) -> impl Iterator<Item = (Slot, Place)> + '_ {
        (0..self.0.len() as Slot).filter_map(|slot| Some((slot, self.get(slot)?)))
    }
}
