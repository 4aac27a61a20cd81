//! Histogram buckets: cumulative ones for the text formats, re-scaled and sparse ones for native
//! histograms, and sums of two points.

use crate::engine::points::{ExponentialBuckets, ExponentialPoint, HistogramPoint};

/// Cumulative counts per finite upper bound, ascending.
#[derive(Default)]
pub struct Cumulative {
    pub buckets: Vec<(f64, u64)>,
    /// The count of `+Inf`, and of the point.
    pub total: u64,
    /// Whether the sum only ever grows: nothing negative was, or could have been, observed. Only
    /// then may the text formats show it (compatibility specification, "Histograms").
    pub monotonic_sum: bool,
}

impl Cumulative {
    /// Replaces the contents with the buckets of an explicit-bucket point.
    pub fn fill_explicit(&mut self, point: &HistogramPoint<'_>) {
        self.buckets.clear();
        self.total = 0;
        for (index, count) in point.bucket_counts.iter().enumerate() {
            self.total = self.total.saturating_add(*count);
            if let Some(bound) = point.bounds.get(index) {
                self.push(*bound);
            }
        }
        if point.bucket_counts.is_empty() {
            self.total = point.count;
        }
        self.monotonic_sum = grows(point.sum, point.min)
            && self.buckets.first().is_none_or(|(bound, _)| *bound >= 0.0);
    }

    /// Replaces the contents with the bounds of an exponential point's populated buckets.
    ///
    /// Bounds are inclusive upwards everywhere here; negative exponential buckets are so downwards.
    /// What is observed exactly on a negative bound is counted one bucket off.
    pub fn fill_exponential(&mut self, point: &ExponentialPoint) {
        self.buckets.clear();
        self.total = 0;
        let ratio = (-f64::from(point.scale)).exp2();
        let bound = |index: i64| (index as f64 * ratio).exp2();
        let negative = &point.negative;
        for (index, count) in populated(negative).rev() {
            self.push(-bound(index + 1));
            self.total = self.total.saturating_add(count);
            self.push(-bound(index));
        }
        if point.zero_count > 0 {
            if self.total > 0 {
                self.push(-point.zero_threshold);
            }
            self.total = self.total.saturating_add(point.zero_count);
            self.push(point.zero_threshold);
        }
        for (index, count) in populated(&point.positive) {
            // Its lower bound too: without it a reader interpolates from the last populated bucket.
            self.push(bound(index));
            self.total = self.total.saturating_add(count);
            self.push(bound(index + 1));
        }
        self.monotonic_sum = grows(point.sum, point.min)
            && self.buckets.first().is_none_or(|(bound, _)| *bound >= 0.0);
    }

    /// Bounds that are infinite (it is implied) or do not ascend are left out: what they count is in
    /// the next one.
    fn push(&mut self, bound: f64) {
        if bound.is_finite() && self.buckets.last().is_none_or(|(last, _)| *last < bound) {
            // Minus zero is a label value of its own.
            self.buckets.push((bound + 0.0, self.total));
        } else if let Some((last, count)) = self.buckets.last_mut() {
            if *last == bound {
                *count = self.total;
            }
        }
    }
}

fn grows(sum: Option<f64>, min: Option<f64>) -> bool {
    sum.is_some_and(|sum| sum >= 0.0) && min.is_none_or(|min| min >= 0.0)
}

/// Index and count of every bucket that counted something.
fn populated(buckets: &ExponentialBuckets) -> impl DoubleEndedIterator<Item = (i64, u64)> + '_ {
    let offset = i64::from(buckets.offset);
    buckets
        .counts
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0)
        .map(move |(index, count)| (offset + index as i64, *count))
}

/// Lowers the resolution of a point to `scale`; does nothing when it is already as low.
pub fn downscale(point: &mut ExponentialPoint, scale: i32) {
    let steps = point.scale - scale;
    if steps > 0 {
        point.positive = merged_neighbours(&point.positive, steps);
        point.negative = merged_neighbours(&point.negative, steps);
        point.scale = scale;
    }
}

fn merged_neighbours(buckets: &ExponentialBuckets, steps: i32) -> ExponentialBuckets {
    let steps = steps.min(31);
    let offset = buckets.offset >> steps;
    let mut counts: Vec<u64> = Vec::new();
    for (index, count) in populated(buckets) {
        let at = ((index >> steps) - i64::from(offset)) as usize;
        if counts.len() <= at {
            counts.resize(at + 1, 0);
        }
        counts[at] = counts[at].saturating_add(count);
    }
    ExponentialBuckets { offset, counts }
}

/// Adds `other` to `point`; `false`, and nothing done, when their bounds differ.
pub fn add_explicit(point: &mut HistogramPoint<'_>, other: &HistogramPoint<'_>) -> bool {
    if point.bounds != other.bounds || point.bucket_counts.len() != other.bucket_counts.len() {
        return false;
    }
    for (count, more) in point.bucket_counts.iter_mut().zip(&other.bucket_counts) {
        *count = count.saturating_add(*more);
    }
    point.count = point.count.saturating_add(other.count);
    point.sum = point.sum.zip(other.sum).map(|(a, b)| a + b);
    point.min = least(point.min, other.min);
    point.max = greatest(point.max, other.max);
    true
}

/// Adds `other` to `point`, at the highest scale at which the buckets of both are few: at scale 20
/// those of 1 and of 1e300 are a billion apart.
pub fn add_exponential(point: &mut ExponentialPoint, mut other: ExponentialPoint) {
    let mut scale = point.scale.min(other.scale);
    for (a, b) in [
        (&point.positive, &other.positive),
        (&point.negative, &other.negative),
    ] {
        let at = |steps: i32| populated(a).map(move |(index, _)| index >> steps);
        let bt = |steps: i32| populated(b).map(move |(index, _)| index >> steps);
        let width = |scale: i32| {
            let indices = || at(point.scale - scale).chain(bt(other.scale - scale));
            indices().max().unwrap_or(0) - indices().min().unwrap_or(0) + 1
        };
        while width(scale) > MOST_BUCKETS {
            scale -= 1;
        }
    }
    downscale(point, scale);
    downscale(&mut other, scale);
    point.positive = added(&point.positive, &other.positive);
    point.negative = added(&point.negative, &other.negative);
    point.zero_count = point.zero_count.saturating_add(other.zero_count);
    point.zero_threshold = point.zero_threshold.max(other.zero_threshold);
    point.count = point.count.saturating_add(other.count);
    point.sum = point.sum.zip(other.sum).map(|(a, b)| a + b);
    point.min = least(point.min, other.min);
    point.max = greatest(point.max, other.max);
}

/// As many as histograms keep by default.
const MOST_BUCKETS: i64 = 160;

fn added(a: &ExponentialBuckets, b: &ExponentialBuckets) -> ExponentialBuckets {
    let Some(first) = populated(a)
        .chain(populated(b))
        .map(|(index, _)| index)
        .min()
    else {
        return ExponentialBuckets {
            offset: 0,
            counts: Vec::new(),
        };
    };
    let mut counts: Vec<u64> = Vec::new();
    for (index, count) in populated(a).chain(populated(b)) {
        let at = (index - first) as usize;
        if counts.len() <= at {
            counts.resize(at + 1, 0);
        }
        counts[at] = counts[at].saturating_add(count);
    }
    ExponentialBuckets {
        offset: i32::try_from(first).expect("an index of one of the two"),
        counts,
    }
}

fn least(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    Some(a?.min(b?))
}

fn greatest(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    Some(a?.max(b?))
}

/// Buckets as native histograms hold them: runs, and the difference of each count to the one before.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sparse {
    /// Distance to the end of the run before (of the first: its index) and length.
    pub spans: Vec<(i32, u32)>,
    pub deltas: Vec<i64>,
}

/// Empty buckets written out rather than starting another span: a span costs about as much.
const FILLED_GAP: i64 = 2;

/// Native histograms index a bucket by its upper bound, OpenTelemetry by its lower: one more
/// (compatibility specification, "Exponential Histograms").
pub fn sparse(buckets: &ExponentialBuckets) -> Sparse {
    let mut out = Sparse::default();
    let mut end = 0;
    let mut last = 0;
    for (index, count) in populated(buckets) {
        let index = index + 1;
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let gap = index - end;
        match out.spans.last_mut() {
            Some((_, length)) if gap <= FILLED_GAP => {
                for _ in 0..gap {
                    out.deltas.push(-last);
                    last = 0;
                }
                *length += gap as u32 + 1;
            }
            _ => out.spans.push((gap as i32, 1)),
        }
        out.deltas.push(count - last);
        last = count;
        end = index + 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn explicit<'b>(bounds: &'b [f64], counts: &[u64]) -> HistogramPoint<'b> {
        HistogramPoint {
            count: counts.iter().sum(),
            sum: Some(1.0),
            min: None,
            max: None,
            bounds,
            bucket_counts: counts.iter().copied().collect(),
        }
    }

    fn exponential(scale: i32, offset: i32, counts: &[u64]) -> ExponentialPoint {
        ExponentialPoint {
            count: counts.iter().sum(),
            sum: Some(1.0),
            min: None,
            max: None,
            scale,
            zero_count: 0,
            zero_threshold: 0.0,
            positive: ExponentialBuckets {
                offset,
                counts: counts.to_vec(),
            },
            negative: ExponentialBuckets {
                offset: 0,
                counts: vec![],
            },
        }
    }

    fn cumulative(fill: impl FnOnce(&mut Cumulative)) -> Cumulative {
        let mut out = Cumulative::default();
        fill(&mut out);
        out
    }

    #[test]
    fn explicit_buckets_add_up() {
        let found = cumulative(|c| c.fill_explicit(&explicit(&[1.0, 2.0], &[3, 0, 4])));
        assert_eq!(found.buckets, [(1.0, 3), (2.0, 3)]);
        assert_eq!(found.total, 7);
        assert!(found.monotonic_sum);
    }

    #[test]
    fn bounds_that_are_infinite_repeated_or_not_numbers_lose_no_counts() {
        let bounds = [-0.0, 0.0, f64::NAN, 1.0, f64::INFINITY];
        let found = cumulative(|c| c.fill_explicit(&explicit(&bounds, &[1, 1, 1, 1, 1, 1])));
        assert_eq!(found.buckets, [(0.0, 2), (1.0, 4)]);
        assert!(found.buckets[0].0.is_sign_positive());
        assert_eq!(found.total, 6);
    }

    #[test]
    fn a_histogram_without_buckets_keeps_its_count() {
        let mut point = explicit(&[], &[]);
        point.count = 9;
        let found = cumulative(|c| c.fill_explicit(&point));
        assert_eq!((found.buckets.len(), found.total), (0, 9));
    }

    #[test]
    fn sums_of_negative_observations_do_not_only_grow() {
        let mut point = explicit(&[1.0], &[1, 0]);
        point.min = Some(-1.0);
        assert!(!cumulative(|c| c.fill_explicit(&point)).monotonic_sum);
        assert!(!cumulative(|c| c.fill_explicit(&explicit(&[-1.0], &[0, 0]))).monotonic_sum);
    }

    #[test]
    fn exponential_buckets_become_classic_ones_with_both_bounds() {
        let mut point = exponential(0, 0, &[2, 0, 3]);
        point.zero_count = 1;
        point.negative = ExponentialBuckets {
            offset: 1,
            counts: vec![4],
        };
        let found = cumulative(|c| c.fill_exponential(&point));
        assert_eq!(
            found.buckets,
            [
                (-4.0, 0),
                (-2.0, 4),
                (0.0, 5),
                (1.0, 5),
                (2.0, 7),
                (4.0, 7),
                (8.0, 10)
            ]
        );
        assert_eq!(found.total, 10);
        assert!(!found.monotonic_sum);
    }

    #[test]
    fn buckets_beyond_the_range_of_doubles_are_in_infinity() {
        let found = cumulative(|c| c.fill_exponential(&exponential(0, 1023, &[1])));
        assert_eq!(found.buckets, [(2f64.powi(1023), 0)]);
        assert_eq!(found.total, 1);
    }

    #[test]
    fn native_buckets_are_indexed_by_their_upper_bound_and_short_gaps_are_filled() {
        let buckets = |offset, counts: &[u64]| ExponentialBuckets {
            offset,
            counts: counts.to_vec(),
        };
        for (offset, counts, spans, deltas) in [
            (0, &[][..], &[][..], &[][..]),
            (0, &[0, 0], &[], &[]),
            (-3, &[1, 2], &[(-2, 2)], &[1, 1]),
            (0, &[5, 0, 0, 3], &[(1, 4)], &[5, -5, 0, 3]),
            (0, &[5, 0, 0, 0, 3], &[(1, 1), (3, 1)], &[5, -2]),
        ] {
            let expected = Sparse {
                spans: spans.to_vec(),
                deltas: deltas.to_vec(),
            };
            assert_eq!(sparse(&buckets(offset, counts)), expected);
        }
    }

    #[test]
    fn exponential_points_add_at_the_lower_scale() {
        let mut point = exponential(1, -2, &[1, 1, 1, 1]);
        add_exponential(&mut point, exponential(0, 3, &[7]));
        assert_eq!(point.scale, 0);
        assert_eq!(point.positive.offset, -1);
        assert_eq!(point.positive.counts, [2, 2, 0, 0, 7]);
        assert_eq!(point.count, 11);
    }

    #[test]
    fn points_far_apart_are_added_without_the_buckets_between_them() {
        let mut point = exponential(20, 0, &[1]);
        add_exponential(&mut point, exponential(20, 1 << 30, &[2]));
        assert!(point.positive.counts.len() <= 160);
        assert_eq!(point.positive.counts.iter().sum::<u64>(), 3);
        assert_eq!(
            (1 << 30) >> (20 - point.scale),
            point.positive.counts.len() - 1
        );
    }

    proptest! {
        #[test]
        fn lowering_the_scale_keeps_counts_below_every_bound_it_keeps(
            offset in -300i32..300, counts in prop::collection::vec(0u64..5, 0..40), steps in 0i32..12,
        ) {
            let mut point = exponential(8, offset, &counts);
            let before = cumulative(|c| c.fill_exponential(&point));
            downscale(&mut point, 8 - steps);
            let after = cumulative(|c| c.fill_exponential(&point));
            prop_assert_eq!(before.total, after.total);
            for (bound, count) in after.buckets {
                let below = before.buckets.iter().take_while(|(b, _)| *b <= bound).last();
                prop_assert_eq!(count, below.map_or(0, |(_, count)| *count));
            }
        }

        #[test]
        fn spans_and_deltas_give_the_counts_back(
            offset in -50i32..50, counts in prop::collection::vec(prop_oneof![Just(0u64), 0u64..9], 0..40),
        ) {
            let buckets = ExponentialBuckets { offset, counts };
            let found = sparse(&buckets);
            let mut back = Vec::new();
            let (mut index, mut count, mut deltas) = (0i64, 0i64, found.deltas.iter());
            for (gap, length) in found.spans {
                index += i64::from(gap);
                for _ in 0..length {
                    count += deltas.next().unwrap();
                    if count > 0 {
                        back.push((index - 1, count as u64));
                    }
                    index += 1;
                }
            }
            prop_assert_eq!(back, populated(&buckets).collect::<Vec<_>>());
        }
    }
}
