//! Back-pressure between the threads that record and the engine. `sync` is the standard library's;
//! the tests put loom's in its place.

use super::sync::{Condvar, Mutex, MutexGuard};
use super::Samples;

/// Emptied blocks kept for the next ones, 1.5 MiB. Memory that the allocator gave back to the system
/// costs a page fault every 341 samples: 40 µs a block instead of 6.
const SPARE_BLOCKS: usize = 16;

/// Threads that wait go on once one part in so many of the gate is free.
const ROOM: usize = 4;

/// Counts the bytes under way, so that whoever records waits for an engine that is behind instead of
/// filling memory.
pub struct Gate {
    /// In bytes.
    capacity: usize,
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    inside: usize,
    /// Threads that wait to get in.
    waiting: usize,
    open: bool,
    spare: Vec<Samples>,
}

impl Gate {
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            state: Mutex::new(GateState::default()),
            changed: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, GateState> {
        self.state.lock().unwrap_or_else(|error| error.into_inner())
    }

    /// Counts bytes in; waits while they are more than the gate takes beside what is inside. What is
    /// larger than the gate gets in when nothing else is.
    pub fn enter(&self, bytes: usize) {
        let mut state = self.state();
        while !state.open && state.inside > 0 && state.inside + bytes > self.capacity {
            state.waiting += 1;
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(|error| error.into_inner());
            state.waiting -= 1;
        }
        state.inside += bytes;
    }

    /// Counts bytes out.
    pub fn leave(&self, bytes: usize) {
        let mut state = self.state();
        state.inside = state.inside.saturating_sub(bytes);
        // Not for the room of one block: whoever waited for it would fill it and wait again, a switch
        // of threads for every block.
        let wakes = state.waiting > 0 && state.inside <= self.capacity - self.capacity / ROOM;
        drop(state);
        if wakes {
            // Those who wait may need different amounts.
            self.changed.notify_all();
        }
    }

    /// An empty block, with the memory of an earlier one if there is one.
    pub fn reuse(&self) -> Samples {
        self.state().spare.pop().unwrap_or_default()
    }

    /// Keeps the memory of a block whose samples were taken over.
    pub fn recycle(&self, mut samples: Samples) {
        samples.slots.clear();
        samples.values.clear();
        let mut state = self.state();
        if state.spare.len() < SPARE_BLOCKS {
            state.spare.push(samples);
        }
    }

    /// Nobody takes blocks off any more: nobody waits any more.
    pub fn open(&self) {
        self.state().open = true;
        self.changed.notify_all();
    }
}
