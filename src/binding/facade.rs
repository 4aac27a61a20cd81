//! One JavaScript environment across the boundary: what it hands over.

use std::sync::Arc;
use std::time::Duration;

use napi::bindgen_prelude::{Float64ArraySlice, FnArgs, Function, Uint32ArraySlice};
use napi::Env;
use napi_derive::napi;

use super::cells::{copy_samples, take_gauges, take_sums};
use super::error::Result;
use super::messenger::Messenger;
use super::provider::internal;
use crate::config::FunctionFilter;
use crate::engine::canonical::Canonical;
use crate::engine::cells::Cells;
use crate::engine::plan::Storage;
use crate::engine::{
    attributes, Captured, Engine, FacadeId, Givens, Handover, PipelineId, RunId, Samples,
    SlotChanges, Verdict,
};
use crate::error::{Code, Error};
use crate::provider::Provider;

/// How long the end of a thread waits for what its metric filters are still to be asked.
const LAST_QUESTIONS: Duration = Duration::from_secs(1);

/// One environment's side of a provider.
#[napi(js_name = "NativeFacade")]
pub struct NativeFacade {
    provider: Arc<Provider>,
    id: FacadeId,
    messenger: Messenger,
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
    /// Of the first callback that failed, as an `error.type`.
    pub error_type: Option<String>,
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

    /// Delivers messages to what `attach` was given, those of before first.
    #[napi(catch_unwind)]
    pub fn listen(&self, env: Env, on_message: Function<'_, FnArgs<(String,)>, ()>) -> Result<()> {
        self.messenger.listen(&env, &on_message).map_err(internal)
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

    /// Hands over everything: what became of slots, touched cells, the block; after callbacks ran, what
    /// they observed. `slots` is JSON: `[[storage, slot, instrument, [key, value, …]], …]`, and
    /// `[storage, slot]` for one that was given back. So is `given`, what reservoirs of the program's
    /// chose: `[[instrument, stream, [key, value, …], [[value, seconds, nanoseconds, trace id, span id,
    /// [key, value, …]], …]], …]`.
    #[napi(catch_unwind)]
    #[allow(clippy::too_many_arguments)] // One native call per collection; objects cost more.
    pub fn hand_over(
        &self,
        slots: Option<String>,
        sums: Float64ArraySlice<'_>,
        gauges: Float64ArraySlice<'_>,
        block: NativeBlock<'_>,
        exemplars: Vec<NativeExemplars<'_>>,
        given: Option<String>,
        observations: Option<NativeObservations<'_>>,
        run: Option<NativeRun>,
        answers: bool,
    ) {
        let (unfinished, error_type) = match &observations {
            Some(observed) => (
                observed.unfinished.clone(),
                observed.error_type.as_deref().map(Box::from),
            ),
            None => Default::default(),
        };
        let handover = Handover {
            slots: changes(slots),
            sums: take_sums(sums),
            gauges: take_gauges(gauges),
            samples: self.copy(&block.slots, &block.values, block.count),
            exemplars: exemplars.into_iter().map(Captured::from).collect(),
            given: given.map(Givens::from_json).unwrap_or_default(),
            observations: observations
                .map(|observed| self.copy(&observed.slots, &observed.values, observed.count)),
            unfinished,
            error_type,
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
        &self,
        slots: Option<String>,
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
            slots: changes(slots),
            sums: Vec::from_iter(sums),
            gauges: Vec::from_iter(gauges),
            samples: self.copy(&block.slots, &block.values, block.count),
            exemplars: exemplars.into_iter().map(Captured::from).collect(),
            ..Handover::default()
        };
        self.engine().hand_over(self.id, handover);
    }

    /// Takes what one of its metric filters decided: the number of a question and 0 (drop), 1 (accept)
    /// or 2 (accept in part), in turn.
    #[napi(catch_unwind)]
    pub fn decide(&self, filter: u32, answers: Vec<u32>) {
        let verdict = |code| match code {
            1 => Verdict::Accept,
            2 => Verdict::AcceptPartial,
            _ => Verdict::Drop,
        };
        let answers = answers.chunks_exact(2);
        let answers = answers.map(|pair| (pair[0], verdict(pair[1]))).collect();
        let filter = FunctionFilter {
            facade: self.id,
            number: filter,
        };
        self.engine().decide(filter, answers);
    }

    /// What its metric filters have not decided about, as JSON: `[[filter, questions], …]`. Waits for
    /// the engine.
    #[napi(catch_unwind)]
    pub fn undecided(&self) -> Option<String> {
        self.engine().undecided(self.id, LAST_QUESTIONS)
    }

    /// Hands over a block.
    #[napi(catch_unwind)]
    pub fn push_block(
        &self,
        slots: Option<String>,
        block: NativeBlock<'_>,
        exemplars: Vec<NativeExemplars<'_>>,
    ) {
        let handover = Handover {
            slots: changes(slots),
            samples: self.copy(&block.slots, &block.values, block.count),
            exemplars: exemplars.into_iter().map(Captured::from).collect(),
            ..Handover::default()
        };
        self.engine().hand_over(self.id, handover);
    }
}

impl NativeFacade {
    pub(super) fn new(provider: Arc<Provider>, id: FacadeId, messenger: Messenger) -> Self {
        Self {
            provider,
            id,
            messenger,
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
}

fn changes(json: Option<String>) -> SlotChanges {
    json.map(SlotChanges::from_json).unwrap_or_default()
}

fn read(json: &str) -> Result<Canonical> {
    attributes::read(json).map_err(|error| {
        let reason = format!("internal error: attributes could not be read: {error}");
        Error::new(Code::Export, reason).into()
    })
}
