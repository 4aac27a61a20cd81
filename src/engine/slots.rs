//! The slots of one JavaScript environment: the numbers under which it hands values over. Each stands
//! for one set of attributes of one instrument, and its thread learns it where the set is first seen.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::canonical::Canonical;
use super::instrument::InstrumentId;
use super::plan::Storage;

pub type Slot = u32;

/// What became of a slot. The engine learns it before the values that came after it.
pub struct SlotChange {
    pub storage: Storage,
    pub slot: Slot,
    /// Whose it is now; nobody's, where it was given back.
    pub series: Option<(InstrumentId, Canonical)>,
}

impl SlotChange {
    /// About how many bytes it takes.
    pub(super) fn size(&self) -> usize {
        let attributes = self.series.as_ref();
        size_of::<Self>() + attributes.map_or(0, |(_, set)| size_of_val(&set[..]))
    }
}

/// The slots of each storage that has any.
#[derive(Default)]
pub struct Slots {
    sums: Table,
    gauges: Table,
    blocks: Table,
    changes: Vec<SlotChange>,
}

#[derive(Default)]
struct Table {
    instruments: Vec<InstrumentId>,
    /// Attributes; none where the slot is free.
    sets: Vec<Option<Canonical>>,
    free: Vec<Slot>,
    by_set: HashTable<Slot>,
    hasher: RandomState,
}

impl Slots {
    /// `None` for what nothing wants.
    fn table(&self, storage: Storage) -> Option<&Table> {
        match storage {
            Storage::Sum => Some(&self.sums),
            Storage::Gauge => Some(&self.gauges),
            Storage::Block => Some(&self.blocks),
            Storage::None => None,
        }
    }

    fn table_mut(&mut self, storage: Storage) -> Option<&mut Table> {
        match storage {
            Storage::Sum => Some(&mut self.sums),
            Storage::Gauge => Some(&mut self.gauges),
            Storage::Block => Some(&mut self.blocks),
            Storage::None => None,
        }
    }

    /// How many slots there are, those that were given back among them.
    pub fn len(&self, storage: Storage) -> usize {
        self.table(storage).map_or(0, |table| table.sets.len())
    }

    /// The slot of a set.
    pub fn find(
        &self,
        storage: Storage,
        instrument: InstrumentId,
        attributes: &Canonical,
    ) -> Option<Slot> {
        self.table(storage)?.find(instrument, attributes)
    }

    /// A slot for a set that has none.
    pub fn take(
        &mut self,
        storage: Storage,
        instrument: InstrumentId,
        attributes: Canonical,
    ) -> Option<Slot> {
        let slot = self
            .table_mut(storage)?
            .take(instrument, attributes.clone());
        self.changes.push(SlotChange {
            storage,
            slot,
            series: Some((instrument, attributes)),
        });
        Some(slot)
    }

    /// The set that an instrument's slot stands for; `None` where the slot is not its own.
    pub fn set(
        &self,
        storage: Storage,
        instrument: InstrumentId,
        slot: Slot,
    ) -> Option<&Canonical> {
        let table = self.table(storage)?;
        let set = table.sets.get(slot as usize)?.as_ref()?;
        (table.instruments[slot as usize] == instrument).then_some(set)
    }

    /// Takes a slot back: another set may get it.
    pub fn release(&mut self, storage: Storage, slot: Slot) {
        let table = self.table_mut(storage);
        if table.is_some_and(|table| table.release(slot)) {
            self.changes.push(SlotChange {
                storage,
                slot,
                series: None,
            });
        }
    }

    /// What the engine does not know yet.
    pub fn take_changes(&mut self) -> Vec<SlotChange> {
        std::mem::take(&mut self.changes)
    }

    /// About how many bytes wait for the engine.
    pub fn waiting(&self) -> usize {
        self.changes.len() * size_of::<SlotChange>()
    }
}

impl Table {
    fn find(&self, instrument: InstrumentId, attributes: &Canonical) -> Option<Slot> {
        let hash = self.hasher.hash_one((instrument, attributes));
        let is_it = |&slot: &Slot| {
            self.instruments[slot as usize] == instrument
                && self.sets[slot as usize].as_ref() == Some(attributes)
        };
        self.by_set.find(hash, is_it).copied()
    }

    fn take(&mut self, instrument: InstrumentId, attributes: Canonical) -> Slot {
        let hash = self.hasher.hash_one((instrument, &attributes));
        let slot = match self.free.pop() {
            Some(slot) => {
                self.instruments[slot as usize] = instrument;
                self.sets[slot as usize] = Some(attributes);
                slot
            }
            None => {
                self.instruments.push(instrument);
                self.sets.push(Some(attributes));
                (self.sets.len() - 1) as Slot
            }
        };
        let Self {
            instruments,
            sets,
            by_set,
            hasher,
            ..
        } = self;
        let rehash = |&slot: &Slot| match &sets[slot as usize] {
            Some(set) => hasher.hash_one((instruments[slot as usize], set)),
            None => unreachable!("a slot leaves the table before it is free"),
        };
        by_set.insert_unique(hash, slot, rehash);
        slot
    }

    /// Whether the slot was anybody's.
    fn release(&mut self, slot: Slot) -> bool {
        let Some(set) = self.sets.get_mut(slot as usize).and_then(Option::take) else {
            return false;
        };
        let hash = self
            .hasher
            .hash_one((self.instruments[slot as usize], &set));
        if let Ok(entry) = self.by_set.find_entry(hash, |known| *known == slot) {
            entry.remove();
        }
        self.free.push(slot);
        true
    }
}
