//! Cells as JavaScript threads keep them, and what tells a touched one.

/// What a sum holds that nothing was added to: adding anything, even 0, changes its bits.
pub const UNTOUCHED_SUM: f64 = -0.0;

/// What a gauge holds that nothing was recorded in: NaN is never stored.
pub const UNTOUCHED_GAUGE: f64 = f64::NAN;

pub fn is_touched_sum(value: f64) -> bool {
    value.to_bits() != UNTOUCHED_SUM.to_bits()
}

pub fn is_touched_gauge(value: f64) -> bool {
    !value.is_nan()
}

/// Cells with consecutive slots, untouched ones among them: telling them apart is not for the event
/// loop to do.
#[derive(Clone)]
pub struct Cells {
    pub first: u32,
    pub values: Vec<f64>,
}

impl Cells {
    /// Slot and value of every cell.
    pub fn iter(&self) -> impl Iterator<Item = (u32, f64)> + '_ {
        (self.first..).zip(self.values.iter().copied())
    }
}
