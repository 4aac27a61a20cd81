//! Slots: the numbers under which a JavaScript environment hands values over. Each stands for one set
//! of attributes of one instrument; the engine learns which before the first value.

use std::fmt::{self, Formatter};

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::attributes::Flat;
use super::canonical::Canonical;
use super::instrument::InstrumentId;
use super::plan::Storage;

pub type Slot = u32;

/// What became of a slot.
#[derive(Debug, PartialEq)]
pub struct SlotChange {
    pub storage: Storage,
    pub slot: Slot,
    /// Whose it is now; nobody's, where it was given back.
    pub series: Option<(InstrumentId, Canonical)>,
}

/// Changes in their order, as the environment writes them: it need not wait until they are read.
#[derive(Debug, Default)]
pub struct SlotChanges(String);

impl SlotChanges {
    /// `[[storage, slot, instrument, [key, value, …]], [storage, slot], …]`: what a slot stands for
    /// now, and that one was given back.
    pub fn from_json(json: String) -> Self {
        Self(json)
    }

    /// # Errors
    /// They are not what an environment writes.
    pub fn read(&self) -> serde_json::Result<Vec<SlotChange>> {
        match self.0.is_empty() {
            true => Ok(Vec::new()),
            false => serde_json::from_str(&self.0),
        }
    }

    /// How many bytes they take.
    pub(super) fn size(&self) -> usize {
        self.0.len()
    }
}

impl<'de> Deserialize<'de> for SlotChange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ChangeVisitor)
    }
}

struct ChangeVisitor;

impl<'de> Visitor<'de> for ChangeVisitor {
    type Value = SlotChange;

    fn expecting(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("[storage, slot] or [storage, slot, instrument, attributes]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<SlotChange, A::Error> {
        let missing = |at| A::Error::invalid_length(at, &self);
        let storage = list.next_element()?.ok_or_else(|| missing(0))?;
        let slot = list.next_element()?.ok_or_else(|| missing(1))?;
        let series = match list.next_element()? {
            Some(instrument) => {
                let Flat(attributes) = list.next_element()?.ok_or_else(|| missing(3))?;
                Some((instrument, attributes))
            }
            None => None,
        };
        Ok(SlotChange {
            storage: Storage::from_code(storage),
            slot,
            series,
        })
    }
}
