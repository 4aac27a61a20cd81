//! Reading and resetting the facade's cells. All `unsafe` of this crate that touches JavaScript
//! memory is here.

use napi::bindgen_prelude::{Float64ArraySlice, Uint32ArraySlice};

use crate::engine::Samples;

/// Cells per chunk: what the facade allocates at a time.
pub const CHUNK: usize = 4096;

/// An untouched cell of a sum: adding anything, even 0, changes its bits.
const UNTOUCHED_SUM: u64 = (-0.0_f64).to_bits();

/// Takes the touched sums out of the chunks and marks them untouched.
pub fn take_sums(chunks: Vec<Float64ArraySlice<'_>>) -> Vec<(u32, f64)> {
    take(chunks, -0.0, |value| value.to_bits() != UNTOUCHED_SUM)
}

/// Takes the touched gauges; an untouched one is NaN, which the facade never stores.
pub fn take_gauges(chunks: Vec<Float64ArraySlice<'_>>) -> Vec<(u32, f64)> {
    take(chunks, f64::NAN, |value| !value.is_nan())
}

fn take(
    chunks: Vec<Float64ArraySlice<'_>>,
    untouched: f64,
    touched: impl Fn(f64) -> bool,
) -> Vec<(u32, f64)> {
    // Counted first, because the event loop waits for this: growing the list took 12 ms of processor
    // time for a million cells, counting and then filling it 6.
    let amount = chunks
        .iter()
        .map(|chunk| chunk.iter().filter(|cell| touched(**cell)).count())
        .sum();
    let mut taken = Vec::with_capacity(amount);
    for (number, mut chunk) in chunks.into_iter().enumerate() {
        // This runs inside a synchronous call from the JavaScript thread that owns the array, so no
        // JavaScript runs meanwhile; the facade allocates plain (not shared) buffers and keeps them
        // to itself.
        // SAFETY: no other thread or slice refers to this memory.
        let cells = unsafe { chunk.as_mut() };
        let first = number * CHUNK;
        for (index, cell) in cells.iter_mut().enumerate() {
            if touched(*cell) {
                taken.push(((first + index) as u32, *cell));
                *cell = untouched;
            }
        }
    }
    taken
}

/// Copies the first `count` (slot, value) pairs of a block into an empty buffer.
pub fn copy_samples(
    mut buffer: Samples,
    slots: &Uint32ArraySlice<'_>,
    values: &Float64ArraySlice<'_>,
    count: u32,
) -> Samples {
    let count = (count as usize).min(slots.len()).min(values.len());
    buffer.slots.extend_from_slice(&slots[..count]);
    buffer.values.extend_from_slice(&values[..count]);
    buffer
}
