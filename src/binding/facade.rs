//! One JavaScript environment across the boundary: its slots, and what it hands over.

use std::sync::Arc;

use napi::bindgen_prelude::{Float64ArraySlice, Uint32ArraySlice};
use napi_derive::napi;

use super::cells::{copy_samples, take_gauges, take_sums};
use super::error::Result;
use crate::engine::canonical::Canonical;
use crate::engine::cells::Cells;
use crate::engine::plan::Storage;
use crate::engine::{
    attributes, Captured, Engine, FacadeId, Handover, PipelineId, RunId, Samples, Slots,
};
use crate::error::{Code, Error};
use crate::provider::Provider;

/// Bytes of new slots that may wait for the next hand-over before they are sent on their own.
const WAITING: usize = 64 * 1024;

/// One environment's side of a provider.
#[napi(js_name = "NativeFacade")]
pub struct NativeFacade {
    provider: Arc<Provider>,
    id: FacadeId,
    slots: Slots,
}

/// What a block of (slot, value) pairs holds.
#[napi(object)]
pub struct NativeBlock<'a> {
    pub slots: Uint32ArraySlice<'a>,
    pub values: Float64ArraySlice<'a>,
    pub count: u32,
}

/// Values that were captured for exemplars.
#[napi(object)]
pub struct NativeExemplars<'a> {
    /// As that of an instrument.
    pub storage: u32,
    /// Slot, value and milliseconds since the epoch of each, in turn.
    pub numbers: Float64ArraySlice<'a>,
    /// How many there are; behind them `numbers` may have anything.
    pub count: u32,
    /// Trace and span of each in hexadecimal, 48 characters; blanks where there was none.
    pub ids: String,
    /// `[[index, [key, value, …]], …]` as JSON: what no view keeps of its attributes.
    pub attributes: Option<String>,
}

impl From<NativeExemplars<'_>> for Captured {
    fn from(exemplars: NativeExemplars<'_>) -> Self {
        Self {
            storage: Storage::from_code(exemplars.storage),
            numbers: exemplars
                .numbers
                .iter()
                .take(3 * exemplars.count as usize)
                .copied()
                .collect(),
            ids: exemplars.ids,
            attributes: exemplars.attributes,
        }
    }
}

/// What callbacks observed.
#[napi(object)]
pub struct NativeObservations<'a> {
    pub slots: Uint32ArraySlice<'a>,
    pub values: Float64ArraySlice<'a>,
    pub count: u32,
    /// Instruments with callbacks that have not finished: what is missing of them stays as it was.
    pub unfinished: Vec<u32>,
}

/// The run of the callbacks that a hand-over belongs to.
#[napi(object)]
pub struct NativeRun {
    /// Whose collection it is for.
    pub reader: u32,
    pub number: u32,
}

#[napi]
impl NativeFacade {
    /// The number that the engine knows the environment by.
    #[napi(getter, catch_unwind)]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The slot of a set of attributes, `[key, value, …]` as JSON. One that is new comes as its
    /// complement (`~slot`), so that it can be told apart.
    #[napi(catch_unwind)]
    pub fn take_slot(&mut self, instrument: u32, storage: u32, attributes: String) -> Result<i32> {
        let storage = Storage::from_code(storage);
        let attributes = read(&attributes)?;
        if let Some(slot) = self.slots.find(storage, instrument, &attributes) {
            return Ok(slot as i32);
        }
        let slot = self.slots.take(storage, instrument, attributes);
        self.flush();
        slot.map(|slot| !(slot as i32)).ok_or_else(|| {
            Error::new(
                Code::Export,
                "an instrument that nothing wants has no slots",
            )
            .into()
        })
    }

    /// The slot of a set of attributes, if it has one.
    #[napi(catch_unwind)]
    pub fn find_slot(
        &self,
        instrument: u32,
        storage: u32,
        attributes: String,
    ) -> Result<Option<u32>> {
        let attributes = read(&attributes)?;
        let storage = Storage::from_code(storage);
        Ok(self.slots.find(storage, instrument, &attributes))
    }

    /// The attributes that an instrument's slot stands for, as `takeSlot` reads them; `None` where the
    /// slot is not its own.
    #[napi(catch_unwind)]
    pub fn attributes(&self, instrument: u32, storage: u32, slot: u32) -> Option<String> {
        let storage = Storage::from_code(storage);
        let set = self.slots.set(storage, instrument, slot)?;
        Some(attributes::write(set))
    }

    /// Takes a slot back, whose values have been handed over: another set may get it.
    #[napi(catch_unwind)]
    pub fn release_slot(&mut self, storage: u32, slot: u32) {
        self.slots.release(Storage::from_code(storage), slot);
        self.flush();
    }

    /// Removes the series with these attributes, on all threads.
    #[napi(catch_unwind)]
    pub fn remove(&self, instrument: u32, attributes: String) -> Result<()> {
        self.engine().remove(instrument, read(&attributes)?);
        Ok(())
    }

    /// Removes every series of an instrument.
    #[napi(catch_unwind)]
    pub fn clear(&self, instrument: u32) {
        self.engine().clear(instrument);
    }

    /// Hands over everything: touched cells, the block; after callbacks ran, what they observed.
    #[napi(catch_unwind)]
    #[allow(clippy::too_many_arguments)] // One native call per collection; objects cost more.
    pub fn hand_over(
        &mut self,
        sums: Float64ArraySlice<'_>,
        gauges: Float64ArraySlice<'_>,
        block: NativeBlock<'_>,
        exemplars: Vec<NativeExemplars<'_>>,
        observations: Option<NativeObservations<'_>>,
        run: Option<NativeRun>,
        answers: bool,
    ) {
        let unfinished = observations
            .as_ref()
            .map(|observed| observed.unfinished.clone())
            .unwrap_or_default();
        let handover = Handover {
            slots: self.slots.take_changes(),
            sums: take_sums(sums, self.slots.len(Storage::Sum)),
            gauges: take_gauges(gauges, self.slots.len(Storage::Gauge)),
            samples: self.copy(&block.slots, &block.values, block.count),
            exemplars: exemplars.into_iter().map(Captured::from).collect(),
            observations: observations
                .map(|observed| self.copy(&observed.slots, &observed.values, observed.count)),
            unfinished,
            run: run.map(|NativeRun { reader, number }| RunId {
                reader: PipelineId::from_code(reader),
                number,
            }),
            answers,
        };
        self.engine().hand_over(self.id, handover);
    }

    /// Hands over one slot's cell, if it has one, and the block.
    #[napi(catch_unwind)]
    pub fn hand_over_slot(
        &mut self,
        storage: u32,
        slot: u32,
        value: Option<f64>,
        block: NativeBlock<'_>,
        exemplars: Vec<NativeExemplars<'_>>,
    ) {
        let cells = value.map(|value| Cells {
            first: slot,
            values: vec![value],
        });
        let (sums, gauges) = match Storage::from_code(storage) {
            Storage::Gauge => (None, cells),
            _ => (cells, None),
        };
        let handover = Handover {
            slots: self.slots.take_changes(),
            sums: Vec::from_iter(sums),
            gauges: Vec::from_iter(gauges),
            samples: self.copy(&block.slots, &block.values, block.count),
            exemplars: exemplars.into_iter().map(Captured::from).collect(),
            ..Handover::default()
        };
        self.engine().hand_over(self.id, handover);
    }

    /// Hands over a block.
    #[napi(catch_unwind)]
    pub fn push_block(&mut self, block: NativeBlock<'_>, exemplars: Vec<NativeExemplars<'_>>) {
        let handover = Handover {
            slots: self.slots.take_changes(),
            samples: self.copy(&block.slots, &block.values, block.count),
            exemplars: exemplars.into_iter().map(Captured::from).collect(),
            ..Handover::default()
        };
        self.engine().hand_over(self.id, handover);
    }
}

impl NativeFacade {
    pub(super) fn new(provider: Arc<Provider>, id: FacadeId) -> Self {
        Self {
            provider,
            id,
            slots: Slots::default(),
        }
    }

    fn engine(&self) -> &Engine {
        self.provider.engine()
    }

    fn copy(
        &self,
        slots: &Uint32ArraySlice<'_>,
        values: &Float64ArraySlice<'_>,
        count: u32,
    ) -> Samples {
        if count == 0 {
            return Samples::default();
        }
        copy_samples(self.engine().buffer(), slots, values, count)
    }

    /// Sends what became of slots once it is much: before the values that count on it is soon enough.
    fn flush(&mut self) {
        if self.slots.waiting() >= WAITING {
            let slots = self.slots.take_changes();
            self.engine().hand_over(
                self.id,
                Handover {
                    slots,
                    ..Handover::default()
                },
            );
        }
    }
}

fn read(json: &str) -> Result<Canonical> {
    attributes::read(json).map_err(|error| {
        let reason = format!("internal error: attributes could not be read: {error}");
        Error::new(Code::Export, reason).into()
    })
}
