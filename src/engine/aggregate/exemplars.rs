//! Exemplars: which of the values that were recorded stand for the others (Metrics SDK specification,
//! "ExemplarReservoir"). A table beside the columns of a stream: a row without any costs nothing.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::FunctionReservoir;
use crate::engine::points::Exemplar;

/// How the exemplars of a series are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reservoir {
    /// The last one of every bucket (`AlignedHistogramBucketExemplarReservoir`).
    AlignedHistogramBucket,
    /// So many of those offered since the last collection, each with the same chance
    /// (`SimpleFixedSizeExemplarReservoir`).
    SimpleFixedSize(usize),
    /// By a function of the program's, on its thread.
    Function(FunctionReservoir),
}

/// The reservoirs of a stream, by row.
pub struct Exemplars {
    shape: Shape,
    rows: HashMap<u32, Row>,
    random: Random,
}

#[derive(Clone)]
enum Shape {
    /// Upper bounds, inclusive.
    Buckets(Arc<[f64]>),
    Fixed {
        size: usize,
        /// Of a histogram's values the largest is kept: it is the one that is looked for.
        largest: bool,
    },
    /// They are somewhere else, and say what is kept.
    Given,
}

#[derive(Default)]
struct Row {
    /// Offered since the last collection.
    seen: usize,
    /// Where the largest of these is.
    largest: usize,
    /// With its bucket, in ascending order, where there are buckets.
    kept: Vec<(usize, Exemplar)>,
}

impl Exemplars {
    /// The last one of each of these buckets.
    pub fn of_buckets(bounds: Arc<[f64]>) -> Self {
        Self::new(Shape::Buckets(bounds))
    }

    /// `size` for each series, at least one; the `largest` among them where that is wanted.
    pub fn of_size(size: usize, largest: bool) -> Self {
        let size = size.max(1);
        Self::new(Shape::Fixed { size, largest })
    }

    /// Whatever is [given](Self::give).
    pub fn given() -> Self {
        Self::new(Shape::Given)
    }

    fn new(shape: Shape) -> Self {
        Self {
            shape,
            rows: HashMap::new(),
            random: Random(0x9E37_79B9_7F4A_7C15),
        }
    }

    /// None yet, of the same shape.
    pub fn empty(&self) -> Self {
        Self::new(self.shape.clone())
    }

    pub fn offer(&mut self, row: u32, exemplar: Exemplar) {
        let row = self.rows.entry(row).or_default();
        match &self.shape {
            Shape::Buckets(bounds) => row.keep_last(bounds, exemplar),
            Shape::Fixed { size, largest } => {
                row.sample(*size, *largest, exemplar, &mut self.random);
            }
            Shape::Given => row.kept.push((0, exemplar)),
        }
    }

    /// These take the place of what a row has.
    pub fn give(&mut self, row: u32, exemplars: Vec<Exemplar>) {
        self.remove(row);
        for exemplar in exemplars {
            self.offer(row, exemplar);
        }
    }

    pub fn of(&self, row: u32) -> impl Iterator<Item = &Exemplar> {
        let kept = self.rows.get(&row).map(|row| &row.kept[..]);
        kept.unwrap_or_default().iter().map(|(_, kept)| kept)
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Forgets those of a row.
    pub fn remove(&mut self, row: u32) {
        // Hashing is more than most streams have to pay for it.
        if !self.rows.is_empty() {
            self.rows.remove(&row);
        }
    }

    /// A collection has ended: what is offered from now on counts anew, and takes the place of what is
    /// kept.
    pub fn begin_interval(&mut self) {
        for row in self.rows.values_mut() {
            row.seen = 0;
        }
    }
}

impl Row {
    fn keep_last(&mut self, bounds: &[f64], exemplar: Exemplar) {
        let value = exemplar.value.as_f64();
        let bucket = bounds.partition_point(|bound| *bound < value);
        match self.kept.binary_search_by_key(&bucket, |(at, _)| *at) {
            Ok(at) => self.kept[at].1 = exemplar,
            Err(at) => self.kept.insert(at, (bucket, exemplar)),
        }
    }

    fn sample(&mut self, size: usize, keep: bool, exemplar: Exemplar, random: &mut Random) {
        let seen = self.seen;
        self.seen += 1;
        let mut place = match seen < size {
            true => seen,
            false => random.below(self.seen),
        };
        if keep {
            let value = |at: usize| self.kept[at].1.value.as_f64();
            if seen == 0 || exemplar.value.as_f64() > value(self.largest) {
                place %= size;
                self.largest = place;
            } else if place == self.largest {
                return;
            }
        }
        match self.kept.get_mut(place) {
            Some((_, kept)) => *kept = exemplar,
            None if place < size => self.kept.push((0, exemplar)),
            None => {}
        }
    }
}

/// SplitMix64: chance enough for a sample, without a state to seed.
struct Random(u64);

impl Random {
    /// A number below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        ((u128::from(mixed) * end as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::clock::Timestamp;
    use crate::engine::points::Number;

    /// The n-th one offered.
    fn exemplar(n: usize, value: f64) -> Exemplar {
        Exemplar {
            value: Number::Double(value),
            time: Timestamp::from_nanos(n as u64),
            span: None,
            attributes: Box::default(),
        }
    }

    fn values(exemplars: &Exemplars, row: u32) -> Vec<f64> {
        let kept = exemplars.of(row);
        kept.map(|exemplar| exemplar.value.as_f64()).collect()
    }

    proptest! {
        #[test]
        fn every_bucket_has_the_last_value_that_fell_in_it(
            offered in prop::collection::vec((0u32..3, -1..30i32), 0..60),
        ) {
            let bounds = [0.0, 5.0, 10.0, 20.0];
            let mut exemplars = Exemplars::of_buckets(bounds.into());
            let mut last = std::collections::BTreeMap::new();
            for (n, &(row, value)) in offered.iter().enumerate() {
                let value = f64::from(value);
                exemplars.offer(row, exemplar(n, value));
                let bucket = bounds.iter().filter(|bound| **bound < value).count();
                last.insert((row, bucket), value);
            }
            for row in 0..3 {
                let wanted: Vec<f64> = last.range((row, 0)..(row + 1, 0)).map(|(_, v)| *v).collect();
                prop_assert_eq!(values(&exemplars, row), wanted);
            }
        }

        #[test]
        fn a_fixed_reservoir_is_full_of_what_was_offered_and_has_the_largest_of_the_interval(
            size in 1usize..6,
            intervals in prop::collection::vec(prop::collection::vec(0..1000i32, 0..40), 1..4),
        ) {
            let mut exemplars = Exemplars::of_size(size, true);
            let mut offered = Vec::new();
            for interval in &intervals {
                exemplars.begin_interval();
                for value in interval {
                    let value = f64::from(*value);
                    exemplars.offer(7, exemplar(offered.len(), value));
                    offered.push(value);
                }
                let kept = values(&exemplars, 7);
                prop_assert!(kept.len() <= size.min(offered.len()));
                if let Some(largest) = interval.iter().max() {
                    prop_assert!(kept.contains(&f64::from(*largest)), "{kept:?}");
                    prop_assert!(kept.len() >= size.min(interval.len()));
                }
                for found in exemplars.of(7) {
                    let n = found.time.as_nanos() as usize;
                    prop_assert_eq!(found.value.as_f64(), offered[n]);
                }
            }
        }
    }

    #[test]
    fn each_value_of_an_interval_has_the_same_chance() {
        const VALUES: usize = 20;
        const ROUNDS: usize = 4000;
        let mut exemplars = Exemplars::of_size(2, false);
        let mut kept = [0usize; VALUES];
        for _ in 0..ROUNDS {
            exemplars.begin_interval();
            for n in 0..VALUES {
                exemplars.offer(0, exemplar(n, 1.0));
            }
            for found in exemplars.of(0) {
                kept[found.time.as_nanos() as usize] += 1;
            }
        }
        // 400 each, with a standard deviation of 19.
        let even = 2 * ROUNDS / VALUES;
        assert!(
            kept.iter().all(|times| times.abs_diff(even) < 100),
            "{kept:?}"
        );
    }

    #[test]
    fn what_was_kept_stays_until_another_interval_offers_something() {
        let mut exemplars = Exemplars::of_size(1, false);
        exemplars.offer(0, exemplar(0, 1.0));
        exemplars.begin_interval();
        assert_eq!(values(&exemplars, 0), [1.0]);
        exemplars.offer(0, exemplar(1, 2.0));
        assert_eq!(values(&exemplars, 0), [2.0]);
        exemplars.remove(0);
        assert!(exemplars.is_empty());
    }
}
