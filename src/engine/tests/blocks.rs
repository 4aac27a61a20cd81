//! Blocks of samples of many series: they leave what recording one by one leaves, to the last bit.

use proptest::prelude::*;

use super::*;

const FEW: [f64; 5] = [0.0, 1.0, 2.5, 10.0, 100.0];

/// Two streams of `h`: of few buckets, and of more than are compared with one after the other. One
/// of `single`, whose bucket has no bound.
fn views() -> String {
    let stream = |selected: &str, name: &str, bounds: &[f64]| {
        format!(
            r#"{{"selector": {{"instrument_name": "{selected}"}}, "stream": {{"name": "{name}",
                "aggregation": {{"explicit_bucket_histogram": {{"boundaries": {bounds:?}}}}}}}}}"#
        )
    };
    let views = [
        stream("h", "h.few", &FEW),
        stream("h", "h.many", &many()),
        stream("single", "single", &[]),
        stream("whole", "whole", &FEW),
    ];
    format!(r#"{{"views": [{}]}}"#, views.join(", "))
}

fn many() -> Vec<f64> {
    (-20..20).map(|bound| f64::from(bound) / 4.0).collect()
}

/// What a series of a histogram shows.
#[derive(Debug, PartialEq)]
struct Shown {
    attributes: String,
    count: u64,
    /// The bits of sum, minimum and maximum.
    numbers: [u64; 3],
    buckets: Vec<u64>,
}

/// By the definition of a histogram.
fn expected(attributes: &str, bounds: &[f64], values: &[f64]) -> Shown {
    let mut buckets = vec![0; bounds.len() + 1];
    let (mut sum, mut min, mut max) = (0.0, f64::INFINITY, f64::NEG_INFINITY);
    for &value in values {
        sum += value;
        min = value.min(min);
        max = value.max(max);
        let within = bounds.iter().position(|bound| value <= *bound);
        buckets[within.unwrap_or(bounds.len())] += 1;
    }
    if bounds.is_empty() {
        buckets.clear();
    }
    Shown {
        attributes: attributes.to_owned(),
        count: values.len() as u64,
        numbers: [sum, min, max].map(f64::to_bits),
        buckets,
    }
}

/// Every series of a histogram, by attributes.
fn shown(collection: &Collection, name: &str) -> Vec<Shown> {
    let mut all = Vec::new();
    let metrics = collection.metrics().filter(|metric| &*metric.name == name);
    for metric in metrics {
        let _ = metric.read().for_each(&mut |identity, point| {
            let Point::Explicit(point) = point else {
                panic!("{name} is not a histogram");
            };
            let numbers = [point.sum, point.min, point.max];
            all.push(Shown {
                attributes: text(identity.attributes),
                count: point.count,
                numbers: numbers.map(|number| number.unwrap().to_bits()),
                buckets: point.bucket_counts.to_vec(),
            });
            ControlFlow::Continue(())
        });
    }
    all.sort_by(|a, b| a.attributes.cmp(&b.attributes));
    all
}

fn hand_over_all(bench: &Bench, slots: Vec<u32>, values: Vec<f64>) {
    bench.hand_over(Handover {
        samples: Samples { slots, values },
        ..Handover::default()
    });
}

/// Runs of one series, among them such as are longer than what an instrument takes on at once.
fn runs() -> impl Strategy<Value = Vec<(usize, Vec<f64>)>> {
    let value = || {
        prop_oneof![
            3 => 0.0..200.0f64,
            1 => prop::sample::select(FEW.to_vec()),
            1 => prop::sample::select(many()).prop_map(f64::abs),
        ]
    };
    let values = prop_oneof![
        8 => prop::collection::vec(value(), 1..4),
        2 => prop::collection::vec(value(), 4..100),
        1 => prop::collection::vec(value(), 1000..3000),
    ];
    prop::collection::vec((0..8usize, values), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_block_leaves_what_its_samples_leave_one_by_one(runs in runs()) {
        let mut bench = Bench::new(&views(), Temporality::Cumulative);
        let doubles = ["h", "single"].map(|name| bench.instrument(InstrumentKind::Histogram, name));
        let whole = bench.engine.register(InstrumentSpec {
            value_type: ValueType::Int,
            ..spec(InstrumentKind::Histogram, "whole")
        }).0;
        let instruments = [doubles[0], doubles[1], whole];
        // Of each instrument two series; what stands behind them are slots that are nobody's.
        let slots: Vec<u32> = (0..6)
            .map(|at| {
                let set = format!(r#""n",{}"#, at / 3);
                bench.series(instruments[at % 3], Storage::Block, &set)
            })
            .chain([1000, u32::MAX])
            .collect();
        let mut recorded = vec![Vec::new(); slots.len()];
        let (mut block, mut values) = (Vec::new(), Vec::new());
        for (at, run) in runs {
            block.extend(run.iter().map(|_| slots[at]));
            values.extend(&run);
            recorded[at].extend(run);
        }
        hand_over_all(&bench, block, values);
        let collection = bench.collect();
        let of_series = |instrument: usize, bounds: &[f64]| -> Vec<Shown> {
            let series = [("n:0", instrument), ("n:1", instrument + 3)];
            let series = series.iter().filter(|(_, at)| !recorded[*at].is_empty());
            series
                .map(|&(set, at)| {
                    let whole = recorded[at].iter().map(|value| match instrument {
                        2 => value.trunc(),
                        _ => *value,
                    });
                    expected(set, bounds, &whole.collect::<Vec<_>>())
                })
                .collect()
        };
        prop_assert_eq!(shown(&collection, "h.few"), of_series(0, &FEW));
        prop_assert_eq!(shown(&collection, "h.many"), of_series(0, &many()));
        prop_assert_eq!(shown(&collection, "single"), of_series(1, &[]));
        prop_assert_eq!(shown(&collection, "whole"), of_series(2, &FEW));
    }
}

#[test]
fn instruments_of_all_kinds_take_what_is_theirs_from_one_block() {
    for temporality in [Temporality::Cumulative, Temporality::Delta] {
        let mut bench = Bench::new("{}", temporality);
        let counter = bench.instrument(InstrumentKind::Counter, "c");
        let gauge = bench.instrument(InstrumentKind::Gauge, "g");
        let histogram = bench.instrument(InstrumentKind::Histogram, "h");
        let slots = [counter, gauge, histogram].map(|id| bench.series(id, Storage::Block, ""));
        for _ in 0..2 {
            let block = slots.iter().copied().cycle().take(3 * 2000).collect();
            hand_over_all(&bench, block, (0..3 * 2000).map(f64::from).collect());
        }
        // Every third number from 0 on, twice.
        let sum = 2.0 * 3.0 * (2000.0 * 1999.0 / 2.0);
        let collection = bench.collect();
        let points = ["c", "g", "h"].map(|name| {
            let mut metrics = collection.metrics().filter(|metric| &*metric.name == name);
            describe(metrics.next().unwrap())
        });
        assert_eq!(
            points,
            [[format!("={sum}")], ["=5998".into()], ["=4000".into()]]
        );
    }
}

#[test]
fn a_value_that_is_not_finite_is_left_out_of_a_histogram_and_its_neighbours_are_not() {
    let mut bench = Bench::new("{}", Temporality::Cumulative);
    let id = bench.instrument(InstrumentKind::Histogram, "h");
    let slot = bench.series(id, Storage::Block, "");
    let values = [1.0, f64::INFINITY, 2.0, f64::NAN, f64::NEG_INFINITY, 4.0];
    hand_over_all(&bench, vec![slot; values.len()], values.to_vec());
    let found = shown(&bench.collect(), "h");
    let numbers = [7.0, 1.0, 4.0].map(f64::to_bits);
    assert_eq!((found[0].count, found[0].numbers), (3, numbers));
}

#[test]
fn an_early_sample_whose_series_is_gone_takes_no_other_with_it() {
    let mut bench = Bench::unconfigured();
    let id = bench.instrument(InstrumentKind::Histogram, "h");
    let gone = bench.series(id, Storage::Block, r#""n",1"#);
    let stays = bench.series(id, Storage::Block, r#""n",2"#);
    hand_over_all(&bench, vec![stays, gone, stays], vec![1.0, 2.0, 4.0]);
    bench.hand_over(Handover {
        slots: SlotChanges::from_json(format!("[[{},{gone}]]", Storage::Block.code())),
        ..Handover::default()
    });
    bench.configure("{}", Temporality::Cumulative);
    assert_eq!(bench.points("h"), ["n:2=2"]);
}
