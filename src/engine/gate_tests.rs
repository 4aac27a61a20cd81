//! The orders in which threads can pass the gate, tried by loom: all with at most two preemptions,
//! which is where nearly all errors show (all without a bound take minutes).

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::Arc;
use loom::{sync, thread};

use super::Samples;

#[path = "gate.rs"]
#[expect(clippy::duplicate_mod, reason = "once more, with loom's `sync`")]
mod gate;

use gate::Gate;

fn model(run: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(run);
}

#[test]
fn no_more_threads_are_inside_than_the_gate_takes_and_all_get_in() {
    model(|| {
        let gate = Arc::new(Gate::new(3));
        let inside = Arc::new(AtomicUsize::new(0));
        let threads = [(); 2].map(|()| {
            let (gate, inside) = (gate.clone(), inside.clone());
            thread::spawn(move || {
                gate.enter(2);
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                inside.fetch_sub(1, Ordering::SeqCst);
                gate.leave(2);
            })
        });
        gate.enter(2);
        gate.leave(2);
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

#[test]
fn more_bytes_than_the_gate_takes_get_in_alone() {
    model(|| {
        let gate = Arc::new(Gate::new(3));
        let inside = Arc::new(AtomicUsize::new(0));
        let threads = [5, 1].map(|bytes| {
            let (gate, inside) = (gate.clone(), inside.clone());
            thread::spawn(move || {
                gate.enter(bytes);
                let others = inside.fetch_add(bytes, Ordering::SeqCst);
                assert!(others == 0 || others + bytes <= 3);
                inside.fetch_sub(bytes, Ordering::SeqCst);
                gate.leave(bytes);
            })
        });
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

#[test]
fn whoever_waits_gets_in_when_the_engine_ends() {
    model(|| {
        let gate = Arc::new(Gate::new(3));
        gate.enter(2);
        let threads = [(); 2].map(|()| {
            let gate = gate.clone();
            thread::spawn(move || gate.enter(2))
        });
        gate.open();
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

#[test]
fn a_block_has_one_user_at_a_time() {
    model(|| {
        let gate = Arc::new(Gate::new(3));
        let engine = {
            let gate = gate.clone();
            thread::spawn(move || {
                gate.recycle(Samples {
                    slots: vec![1],
                    values: vec![1.0],
                })
            })
        };
        let blocks = [gate.reuse(), gate.reuse()];
        assert!(blocks.iter().all(|block| block.slots.is_empty()));
        engine.join().unwrap();
        let kept = blocks.iter().any(|block| block.slots.capacity() > 0);
        assert_eq!(kept, gate.reuse().slots.capacity() == 0);
    });
}
