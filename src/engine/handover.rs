//! What a JavaScript environment hands over.

use super::captured::Captured;
use super::cells::Cells;
use super::given::Givens;
use super::instrument::InstrumentId;
use super::runs::RunId;
use super::slots::SlotChanges;

/// Values with the slots they belong to; both vectors have one length.
#[derive(Default)]
pub struct Samples {
    pub slots: Vec<u32>,
    pub values: Vec<f64>,
}

impl Samples {
    pub(super) fn size(&self) -> usize {
        self.slots.len() * (size_of::<u32>() + size_of::<f64>())
    }
}

/// What a facade hands over in one call.
#[derive(Default)]
pub struct Handover {
    /// New slots and those given back; read before the values.
    pub slots: SlotChanges,
    /// Cells that add up.
    pub sums: Vec<Cells>,
    /// Cells that keep the last value.
    pub gauges: Vec<Cells>,
    pub samples: Samples,
    /// Of the cells and the samples.
    pub exemplars: Vec<Captured>,
    /// Of reservoirs of the program's, whose values were recorded up to now.
    pub given: Givens,
    /// Everything the callbacks observed up to now: replaces what they observed before.
    pub observations: Option<Samples>,
    /// Instruments with callbacks that have not finished: what they observed before stays, unless it
    /// was observed again.
    pub unfinished: Vec<InstrumentId>,
    /// Of the first callback that failed.
    pub error_type: Option<Box<str>>,
    /// The run of the callbacks that this comes from.
    pub run: Option<RunId>,
    /// This is what its collection waits for.
    pub answers: bool,
}

impl Handover {
    /// About how many bytes it takes.
    pub(super) fn size(&self) -> usize {
        let cells = |cells: &[Cells]| -> usize {
            let each = cells.iter().map(|cells| cells.values.len());
            each.sum::<usize>() * size_of::<f64>()
        };
        let observations = self.observations.as_ref().map_or(0, Samples::size);
        self.slots.size()
            + cells(&self.sums)
            + cells(&self.gauges)
            + self.samples.size()
            + self.exemplars.iter().map(Captured::size).sum::<usize>()
            + self.given.size()
            + observations
    }
}
