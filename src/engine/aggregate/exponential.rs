//! Base-2 exponential histograms (Metrics SDK specification, "Base2 exponential bucket histogram
//! aggregation"; Metrics data model, "ExponentialHistogram").

use super::counts::Counts;
use super::explicit::Head;

/// At this scale one bucket of each sign takes everything below 1 and one the rest: two are enough
/// for any values.
const MIN_SCALE: i8 = -11;

/// How finely a histogram counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Buckets of either sign, at least 2.
    pub max_size: u32,
    pub max_scale: i8,
}

/// The buckets of one sign: `counts[i]` counts what lies in `(base^(offset+i), base^(offset+i+1)]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Buckets {
    pub offset: i32,
    pub counts: Counts,
}

impl Buckets {
    /// The first and the last index, when `index` is among them.
    fn with(&self, index: i32) -> (i32, i32) {
        if self.counts.is_empty() {
            return (index, index);
        }
        (self.offset.min(index), self.last().max(index))
    }

    fn last(&self) -> i32 {
        self.offset + self.counts.len() as i32 - 1
    }

    fn record(&mut self, index: i32) {
        let (first, last) = self.with(index);
        if self.counts.is_empty() {
            self.offset = first;
        }
        if first < self.offset {
            self.counts.prepend((self.offset - first) as usize);
            self.offset = first;
        }
        if last > self.last() {
            self.counts.resize((last - first) as usize + 1);
        }
        self.counts.add((index - first) as usize, 1);
    }

    /// Joins neighbours until the scale is lower by `by`.
    fn lower_scale(&mut self, by: u32) {
        if self.counts.is_empty() {
            return;
        }
        let offset = self.offset >> by;
        let mut joined = Counts::default();
        joined.resize(((self.last() >> by) - offset) as usize + 1);
        for (index, count) in (self.offset..).zip(self.counts.iter(0..self.counts.len())) {
            joined.add(((index >> by) - offset) as usize, count);
        }
        *self = Self {
            offset,
            counts: joined,
        };
    }
}

/// One series.
#[derive(Clone, Debug, PartialEq)]
pub struct Exponential {
    pub head: Head,
    pub scale: i8,
    pub zero_count: u64,
    pub positive: Buckets,
    pub negative: Buckets,
}

impl Exponential {
    pub fn new(shape: Shape) -> Self {
        Self {
            head: Head::default(),
            scale: shape.max_scale,
            zero_count: 0,
            positive: Buckets::default(),
            negative: Buckets::default(),
        }
    }

    pub fn count(&self) -> u64 {
        let counted =
            |buckets: &Buckets| -> u64 { buckets.counts.iter(0..buckets.counts.len()).sum() };
        self.zero_count + counted(&self.positive) + counted(&self.negative)
    }

    /// Takes a finite value on.
    pub fn record(&mut self, shape: Shape, value: f64) {
        self.head.record(value);
        if value == 0.0 {
            self.zero_count += 1;
            return;
        }
        let mut index = index(value.abs(), self.scale);
        let (first, last) = self.buckets(value).with(index);
        let by = self.excess(first, last, shape.max_size);
        if by > 0 {
            self.positive.lower_scale(by);
            self.negative.lower_scale(by);
            self.scale -= by as i8;
            index >>= by;
        }
        self.buckets(value).record(index);
    }

    fn buckets(&mut self, value: f64) -> &mut Buckets {
        match value > 0.0 {
            true => &mut self.positive,
            false => &mut self.negative,
        }
    }

    /// By how much the scale must fall for the buckets from `first` to `last` to be few enough.
    fn excess(&self, first: i32, last: i32, max_size: u32) -> u32 {
        let most = (self.scale - MIN_SCALE).unsigned_abs().into();
        let (first, last) = (i64::from(first), i64::from(last));
        let fits = |by: &u32| (last >> by) - (first >> by) < i64::from(max_size);
        (0..most).find(fits).unwrap_or(most)
    }
}

/// The index of the bucket that a positive value falls in.
fn index(value: f64, scale: i8) -> i32 {
    let (fraction, exponent) = normalize(value);
    if scale <= 0 {
        // Upper bounds are inclusive: a power of two belongs to the bucket below.
        let below = if fraction == 1.0 {
            exponent - 1
        } else {
            exponent
        };
        return below >> -i32::from(scale);
    }
    let steps = 1i32 << scale;
    if fraction == 1.0 {
        return exponent * steps - 1;
    }
    let within = (fraction.ln() * (f64::from(steps) / std::f64::consts::LN_2)).ceil() as i32;
    exponent * steps + within.clamp(1, steps) - 1
}

/// A positive value as `fraction * 2^exponent`, with the fraction in [1, 2).
fn normalize(value: f64) -> (f64, i32) {
    const BITS: u32 = f64::MANTISSA_DIGITS - 1;
    const BIAS: i32 = f64::MAX_EXP - 1;
    let (value, shift) = match value.is_subnormal() {
        true => (value * (1u64 << BITS) as f64, BITS as i32),
        false => (value, 0),
    };
    let bits = value.to_bits();
    let fraction = f64::from_bits((bits & ((1 << BITS) - 1)) | ((BIAS as u64) << BITS));
    (fraction, (bits >> BITS) as i32 - BIAS - shift)
}
