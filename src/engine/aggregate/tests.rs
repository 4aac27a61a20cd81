//! Compares our aggregation with the SDK's, value for value.

use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ResourceMetrics};
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::{Aggregation, Instrument, SdkMeterProvider, Stream};
use proptest::prelude::*;

use super::exponential::Buckets;
use super::*;
use crate::export::sdk_data::SharedReader;

/// Gives what the SDK collects from a histogram of these values.
fn with_sdk<T>(
    aggregation: Aggregation,
    values: &[f64],
    read: impl FnOnce(&MetricData<f64>) -> T,
) -> T {
    let reader = SharedReader::new(Temporality::Cumulative);
    let provider = SdkMeterProvider::builder()
        .with_reader(reader.clone())
        .with_view(move |_: &Instrument| {
            let stream = Stream::builder().with_aggregation(aggregation.clone());
            stream.build().ok()
        })
        .build();
    let histogram = provider.meter("test").f64_histogram("h").build();
    values
        .iter()
        .for_each(|value| histogram.record(*value, &[]));
    let mut data = ResourceMetrics::default();
    reader.collect(&mut data).unwrap();
    let mut metrics = data.scope_metrics().flat_map(|scope| scope.metrics());
    match metrics.next().unwrap().data() {
        AggregatedMetrics::F64(data) => read(data),
        _ => panic!("not of doubles"),
    }
}

fn exponential(shape: Shape, values: &[f64]) -> Exponential {
    let mut histogram = Exponential::new(shape);
    values
        .iter()
        .for_each(|value| histogram.record(shape, *value));
    histogram
}

/// Indices and counts of the buckets that are not empty.
fn filled(offset: i32, counts: impl IntoIterator<Item = u64>) -> Vec<(i32, u64)> {
    let buckets = (offset..).zip(counts);
    buckets.filter(|(_, count)| *count > 0).collect()
}

fn filled_in(buckets: &Buckets) -> Vec<(i32, u64)> {
    let counts = buckets.counts.iter(0..buckets.counts.len());
    filled(buckets.offset, counts)
}

fn recorded() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -1e4..1e4f64,
        2 => (-300i32..300, 1.0..2.0f64).prop_map(|(exponent, fraction)| fraction * 2f64.powi(exponent)),
        // Bounds themselves, and powers of two.
        2 => prop::sample::select(vec![0.0, -0.0, 1.0, 2.0, 4.0, 5.0, 10.0, 0.5, -1.0, 1024.0]),
    ]
}

proptest! {
    #[test]
    fn explicit_histograms_are_those_of_the_sdk(
        bounds in prop::sample::select(vec![vec![], vec![0.0], vec![-1.0, 0.0, 5.0, 10.0, 1e3]]),
        values in prop::collection::vec(recorded(), 1..50),
    ) {
        let mut ours = Explicit::new(bounds.clone().into());
        ours.push();
        ours.push();
        ours.record_all(&vec![1; values.len()], &values).unwrap();
        let aggregation = Aggregation::ExplicitBucketHistogram {
            boundaries: bounds.clone(),
            record_min_max: true,
        };
        with_sdk(aggregation, &values, |data| {
            let MetricData::Histogram(histogram) = data else {
                panic!("not a histogram")
            };
            let point = histogram.data_points().next().unwrap();
            let counts = ours.counts(1).to_vec();
            prop_assert_eq!(point.count(), counts.iter().sum::<u64>());
            if !bounds.is_empty() {
                prop_assert_eq!(point.bucket_counts().collect::<Vec<_>>(), counts);
            }
            let Head { sum, min, max } = ours.head(1);
            prop_assert_eq!(point.sum().to_bits(), sum.to_bits());
            prop_assert_eq!((point.min(), point.max()), (Some(min), Some(max)));
            Ok(())
        })?;
        // Its neighbour noticed nothing.
        prop_assert_eq!(ours.counts(0).iter().sum::<u64>(), 0);
        prop_assert_eq!(ours.head(0), Head::default());
    }

    /// The SDK loses values from its buckets where few are allowed and far apart, so that neither is
    /// asked for here; below that is tried against the definition.
    #[test]
    fn exponential_histograms_are_those_of_the_sdk(
        max_size in 20u32..200,
        max_scale in -4i8..=20,
        values in prop::collection::vec(recorded(), 1..50),
    ) {
        let shape = Shape { max_size, max_scale };
        let ours = exponential(shape, &values);
        let aggregation = Aggregation::Base2ExponentialHistogram {
            max_size,
            max_scale,
            record_min_max: true,
        };
        with_sdk(aggregation, &values, |data| {
            let MetricData::ExponentialHistogram(histogram) = data else {
                panic!("not an exponential histogram")
            };
            let point = histogram.data_points().next().unwrap();
            prop_assert_eq!(point.count() as u64, ours.count());
            prop_assert_eq!(point.zero_count(), ours.zero_count);
            prop_assert_eq!(point.scale(), ours.scale);
            prop_assert_eq!(point.sum().to_bits(), ours.head.sum.to_bits());
            prop_assert_eq!((point.min(), point.max()), (Some(ours.head.min), Some(ours.head.max)));
            for (theirs, ours) in [
                (point.positive_bucket(), &ours.positive),
                (point.negative_bucket(), &ours.negative),
            ] {
                prop_assert_eq!(filled(theirs.offset(), theirs.counts()), filled_in(ours));
            }
            Ok(())
        })?;
    }

    #[test]
    fn every_finite_value_is_in_the_bucket_of_its_size(
        max_size in 2u32..200,
        max_scale in -10i8..=20,
        bits in prop::collection::vec(any::<u64>(), 1..40),
        few in prop::collection::vec(recorded(), 0..40),
    ) {
        let finite = bits.into_iter().map(f64::from_bits).filter(|value| value.is_finite());
        let extremes = [5e-324, f64::MIN_POSITIVE, f64::MAX, f64::MIN, 0.0];
        let values: Vec<f64> = finite.chain(few).chain(extremes).collect();
        let shape = Shape { max_size, max_scale };
        let mut histogram = Exponential::new(shape);
        for (taken, value) in (1..).zip(&values) {
            let before = histogram.scale;
            histogram.record(shape, *value);
            prop_assert_eq!(histogram.count(), taken);
            prop_assert!(histogram.scale <= before);
        }
        for (buckets, sign) in [(&histogram.positive, 1.0), (&histogram.negative, -1.0)] {
            prop_assert!(buckets.counts.len() <= max_size as usize);
            for (index, count) in (buckets.offset..).zip(buckets.counts.iter(0..buckets.counts.len())) {
                let within = values.iter().filter(|value| {
                    **value * sign > 0.0 && is_within(value.abs(), index, histogram.scale)
                });
                // A value beside a bound, closer than a logarithm tells, may be in either.
                let on_bound = values.iter().filter(|value| {
                    let bits = value.abs().to_bits();
                    **value * sign > 0.0 && bits > 4 && bits < f64::MAX.to_bits() - 4
                        && is_within(f64::from_bits(bits - 4), index, histogram.scale)
                            != is_within(f64::from_bits(bits + 4), index, histogram.scale)
                });
                let (within, on_bound) = (within.count() as u64, on_bound.count() as u64);
                prop_assert!(within.abs_diff(count) <= on_bound, "{count}, not {within}, at {index}");
            }
        }
    }
}

/// Whether `base^index < value <= base^(index + 1)`, where `base = 2^(2^-scale)`.
fn is_within(value: f64, index: i32, scale: i8) -> bool {
    let scaled = value.log2() * 2f64.powi(scale.into());
    f64::from(index) < scaled && scaled <= f64::from(index) + 1.0
}

#[test]
fn the_largest_and_the_smallest_value_fit_into_two_buckets() {
    let shape = Shape {
        max_size: 2,
        max_scale: 20,
    };
    let histogram = exponential(
        shape,
        &[5e-324, f64::MAX, 1.0, 2.0, -5e-324, -f64::MAX, 0.0],
    );
    assert_eq!(filled_in(&histogram.positive), [(-1, 2), (0, 2)]);
    assert_eq!(filled_in(&histogram.negative), [(-1, 1), (0, 1)]);
    assert_eq!((histogram.zero_count, histogram.count()), (1, 7));
}

#[test]
fn powers_of_two_belong_to_the_bucket_that_they_end() {
    for scale in [-3i8, 0, 1, 7, 20] {
        let shape = Shape {
            max_size: 160,
            max_scale: scale,
        };
        for exponent in [-1074, -1073, -1022, -1, 0, 1, 8, 1023] {
            // Not by `powi`, which goes through what is too small.
            let value = match exponent < -1022 {
                true => f64::from_bits(1 << (exponent + 1074)),
                false => f64::from_bits(((exponent + 1023) as u64) << 52),
            };
            let expected = match scale {
                ..=0 => (exponent - 1) >> -scale,
                _ => (exponent << scale) - 1,
            };
            let histogram = exponential(shape, &[value]);
            assert_eq!(histogram.scale, scale);
            assert_eq!(filled_in(&histogram.positive), [(expected, 1)], "{value:e}");
        }
    }
}
