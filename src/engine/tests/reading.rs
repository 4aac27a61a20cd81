//! What exporters read, while the engine goes on and when they read more than once.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::engine::points::Point;

/// Without those of the engine's own metrics.
fn streams(collection: &Collection) -> Vec<&Metric> {
    let streams = collection.page_metrics().iter();
    streams
        .filter(|stream| stream.scope.name() == "test")
        .collect()
}

#[test]
fn no_series_is_read_without_its_first_value() {
    let limit = r#"{"cardinalityLimit": 100000}"#;
    let mut bench = Bench::new(limit, Temporality::Cumulative);
    let gauge = bench.instrument(InstrumentKind::Gauge, "g");
    let histogram = bench.instrument(InstrumentKind::Histogram, "h");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers = ["g", "h"].map(|name| {
            let (done, engine, pipeline) = (&done, bench.engine.clone(), bench.pipeline.unwrap());
            scope.spawn(move || {
                let mut read = 0;
                // Once more at the end: a busy machine may not have let it read before.
                let mut last = false;
                while !last {
                    last = done.load(Ordering::Relaxed);
                    let answer = engine.collect(pipeline, Duration::ZERO);
                    let collection = answer.blocking_recv().unwrap().unwrap();
                    let mut metrics = collection.metrics();
                    let Some(metric) = metrics.find(|metric| &*metric.name == name) else {
                        continue;
                    };
                    let _ = metric.read().for_each(&mut |identity, point| {
                        match point {
                            Point::Number(value) => assert_eq!(value.as_f64(), 5.0),
                            Point::Explicit(point) => assert_eq!(point.count, 1),
                            Point::Exponential(_) | Point::Summary(_) => unreachable!(),
                        }
                        assert!(identity.start < metric.time);
                        read += 1;
                        ControlFlow::Continue(())
                    });
                }
                read
            })
        });
        let slots = [gauge, histogram].map(|id| (id, bench.series(id, Storage::Block, "")));
        for _ in 0..10_000 {
            for (id, slot) in slots {
                bench.sample(slot, 5.0);
                bench.engine.remove(id, Canonical::default());
            }
        }
        slots.iter().for_each(|(_, slot)| bench.sample(*slot, 5.0));
        done.store(true, Ordering::Relaxed);
        for reader in readers {
            assert!(reader.join().unwrap() > 0);
        }
    });
}

#[test]
fn a_series_that_begins_after_a_collection_is_none_of_its() {
    let mut bench = Bench::new("{}", Temporality::Cumulative);
    let id = bench.instrument(InstrumentKind::Counter, "c");
    let slots = [1, 2].map(|n| bench.series(id, Storage::Sum, &format!(r#""n",{n}"#)));
    bench.add(slots[0], 1.0);
    let collection = bench.collect();
    bench.add(slots[1], 1.0);
    // In another collection it is, so that the engine has come this far.
    assert_eq!(bench.points("c"), ["n:1=1", "n:2=1"]);
    assert_eq!(describe(streams(&collection)[0]), ["n:1=1"]);
}

#[test]
fn sets_that_change_with_every_observation_stay_within_the_limit() {
    for kind in [
        InstrumentKind::ObservableGauge,
        InstrumentKind::ObservableCounter,
        InstrumentKind::ObservableUpDownCounter,
    ] {
        for temporality in [Temporality::Cumulative, Temporality::Delta] {
            let mut bench = Bench::new(r#"{"cardinalityLimit": 2}"#, temporality);
            let id = bench.instrument(kind, "o");
            for round in 0..4 {
                let slots = [0, 1].map(|n| {
                    bench.series(id, Storage::Block, &format!(r#""n",{}"#, 2 * round + n))
                });
                bench.hand_over(Handover {
                    observations: Some(Samples {
                        slots: slots.to_vec(),
                        values: vec![1.0; 2],
                    }),
                    ..Handover::default()
                });
                let expected = [0, 1].map(|n| format!("n:{}=1", 2 * round + n));
                assert_eq!(bench.points("o"), expected, "{kind:?}, {temporality:?}");
            }
        }
    }
}
