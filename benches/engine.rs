//! What the engine's thread does for the event loop: taking over what was recorded, and collecting.

mod common;

use std::cell::Cell;
use std::hint::black_box;
use std::time::Instant;

use common::{changes, slots_of, totals, Fixture};
use criterion::{criterion_group, criterion_main, BatchSize, Criterion};
use nativestage_metrics::engine::cells::Cells;
use nativestage_metrics::engine::instrument::InstrumentId;
use nativestage_metrics::engine::plan::Storage;
use nativestage_metrics::engine::{Handover, Samples, SlotChanges};
use opentelemetry_sdk::metrics::InstrumentKind;

/// Samples of one block.
const BLOCK: u32 = 8192;
/// Cells of one chunk, and the instruments that they belong to.
const CHUNK: u32 = 4096;
const INSTRUMENTS: u32 = 8;

/// One full block over 100 series: [`Handover`]s queue, so the engine's pace is what is measured.
fn blocks(c: &mut Criterion) {
    const SERIES: u32 = 100;
    let fixture = Fixture::new();
    let id = fixture.instrument(InstrumentKind::Histogram, "request.duration".to_owned());
    fixture.hand_over(Handover {
        slots: slots_of(id, Storage::Block, 0..SERIES),
        ..Handover::default()
    });
    let slots: Vec<u32> = (0..BLOCK).map(|i| i % SERIES).collect();
    let values: Vec<f64> = (0..BLOCK).map(|i| f64::from(i % 997)).collect();
    let taken = Cell::new(0);
    c.bench_function("take over a block of 8 192 samples, 100 series", |b| {
        b.iter_custom(|iterations| {
            let start = Instant::now();
            for _ in 0..iterations {
                let mut samples: Samples = fixture.engine.buffer();
                samples.slots.extend_from_slice(&slots);
                samples.values.extend_from_slice(&values);
                fixture.hand_over(Handover {
                    samples,
                    ..Handover::default()
                });
            }
            let collection = fixture.collect();
            let time = start.elapsed();
            taken.set(taken.get() + iterations * u64::from(BLOCK));
            assert_eq!(totals(&collection), (SERIES as usize, taken.get() as f64));
            time
        });
    });
}

/// A chunk of sums of which every cell was touched: of instruments one behind the other, and of ones that
/// a program records in by turns.
fn sums(c: &mut Criterion) {
    let each = CHUNK / INSTRUMENTS;
    let behind = |number| (number * each..(number + 1) * each).collect();
    let in_turns = |number| (number..CHUNK).step_by(INSTRUMENTS as usize).collect();
    take_over_sums(c, "take over 4 096 touched sums", behind);
    take_over_sums(
        c,
        "take over 4 096 touched sums, instruments in turns",
        in_turns,
    );
}

/// `slots`: those of each of the instruments.
fn take_over_sums(c: &mut Criterion, name: &str, slots: impl Fn(u32) -> Vec<u32>) {
    let fixture = Fixture::new();
    for number in 0..INSTRUMENTS {
        let id = fixture.instrument(InstrumentKind::Counter, format!("requests.c{number}"));
        fixture.hand_over(Handover {
            slots: slots_of(id, Storage::Sum, slots(number)),
            ..Handover::default()
        });
    }
    let sums = vec![Cells {
        first: 0,
        values: vec![1.0; CHUNK as usize],
    }];
    let taken = Cell::new(0);
    c.bench_function(name, |b| {
        b.iter_custom(|iterations| {
            let start = Instant::now();
            for _ in 0..iterations {
                fixture.hand_over(Handover {
                    sums: sums.clone(),
                    ..Handover::default()
                });
            }
            let collection = fixture.collect();
            let time = start.elapsed();
            taken.set(taken.get() + iterations * u64::from(CHUNK));
            assert_eq!(totals(&collection), (CHUNK as usize, taken.get() as f64));
            time
        });
    });
}

/// Series that the engine has never seen, without values.
fn registration(c: &mut Criterion) {
    const SERIES: u32 = 1000;
    let mut learn = |name: &str, changes_of: &mut dyn FnMut(InstrumentId) -> SlotChanges| {
        c.bench_function(name, |b| {
            b.iter_batched(
                || {
                    let fixture = Fixture::new();
                    let id =
                        fixture.instrument(InstrumentKind::Counter, "requests.count".to_owned());
                    // The thread runs and has nothing to do.
                    assert_eq!(totals(&fixture.collect()), (0, 0.0));
                    let slots = changes_of(id);
                    (fixture, slots)
                },
                |(fixture, slots)| {
                    fixture.hand_over(Handover {
                        slots,
                        ..Handover::default()
                    });
                    // Waits; nothing has a value yet.
                    assert_eq!(totals(&fixture.collect()), (0, 0.0));
                    fixture
                },
                BatchSize::PerIteration,
            );
        });
    };
    learn(
        "learn 1 000 new slots, whose attributes are known",
        &mut |id| slots_of(id, Storage::Sum, 0..SERIES),
    );
    let mut round = 0;
    learn(
        "learn 1 000 new slots with a new attribute each",
        &mut |id| {
            round += 1;
            changes((0..SERIES).map(|slot| {
                let set = format!(r#"["method","GET","round","{round}/{slot}","status",200]"#);
                (Storage::Sum, slot, id, set)
            }))
        },
    );
    let fixture = Fixture::new();
    fixture.counters(1, SERIES);
    assert_eq!(
        totals(&fixture.collect()),
        (SERIES as usize, f64::from(SERIES))
    );
}

fn collection(c: &mut Criterion) {
    let fixture = Fixture::new();
    fixture.counters(10, 1000);
    assert_eq!(totals(&fixture.collect()), (10_000, 10_000.0));
    c.bench_function("collect 10 000 cumulative series", |b| {
        b.iter(|| {
            let collection = fixture.collect();
            assert_eq!(totals(&collection), (10_000, 10_000.0));
            black_box(collection)
        });
    });
}

criterion_group!(benches, blocks, sums, registration, collection);
criterion_main!(benches);
