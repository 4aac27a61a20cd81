//! A slice that many share, behind one pointer of one word. An `Arc<[T]>` takes two words wherever it
//! stands, and its two counters another two: with three attributes 48 bytes for a set instead of 32.
//!
//! All `unsafe` of the engine is here.

use std::alloc::{alloc, dealloc, handle_alloc_error, Layout};
use std::marker::PhantomData;
use std::ops::Deref;
use std::process::abort;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::atomic::{fence, AtomicU32, Ordering};

/// As many may share one.
const MOST: u32 = u32::MAX / 2;

pub struct Thin<T> {
    head: NonNull<Head<T>>,
    owned: PhantomData<T>,
}

/// What the pointer leads to: so many items follow.
#[repr(C)]
struct Head<T> {
    shared: AtomicU32,
    len: u32,
    items: [T; 0],
}

// SAFETY: as of `Arc<[T]>`: whoever has one reads the items, and the last one drops them.
unsafe impl<T: Send + Sync> Send for Thin<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Thin<T> {}

impl<T> Thin<T> {
    fn layout(len: usize) -> Layout {
        let items = Layout::array::<T>(len).expect("they were in memory already");
        let (layout, _) = Layout::new::<Head<T>>()
            .extend(items)
            .expect("they were in memory already");
        layout.pad_to_align()
    }

    fn items(&self) -> *mut T {
        // SAFETY: only the place of the field is taken, which lies within the allocation.
        unsafe { (&raw mut (*self.head.as_ptr()).items).cast() }
    }
}

impl<T> From<Vec<T>> for Thin<T> {
    fn from(mut items: Vec<T>) -> Self {
        let len = u32::try_from(items.len()).expect("fewer than 2^32 items");
        let layout = Self::layout(items.len());
        // SAFETY: the layout has a size, that of the counters at least.
        let Some(head) = NonNull::new(unsafe { alloc(layout) }.cast::<Head<T>>()) else {
            handle_alloc_error(layout)
        };
        let thin = Self {
            head,
            owned: PhantomData,
        };
        // SAFETY: the allocation has room for the counters and for `len` items behind them. The items
        // move: the vector drops none.
        unsafe {
            head.write(Head {
                shared: AtomicU32::new(1),
                len,
                items: [],
            });
            ptr::copy_nonoverlapping(items.as_ptr(), thin.items(), items.len());
            items.set_len(0);
        }
        thin
    }
}

impl<T> Deref for Thin<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the head lives as long as `self`, and so do its items, which nobody changes.
        unsafe { slice::from_raw_parts(self.items(), self.head.as_ref().len as usize) }
    }
}

impl<T> Clone for Thin<T> {
    fn clone(&self) -> Self {
        // SAFETY: the head lives as long as `self`.
        let shared = unsafe { &self.head.as_ref().shared };
        // Relaxed, as in `Arc`: whoever clones has one already.
        if shared.fetch_add(1, Ordering::Relaxed) > MOST {
            abort();
        }
        Self {
            head: self.head,
            owned: PhantomData,
        }
    }
}

impl<T> Drop for Thin<T> {
    fn drop(&mut self) {
        // SAFETY: the head lives as long as `self`.
        let head = unsafe { self.head.as_ref() };
        if head.shared.fetch_sub(1, Ordering::Release) > 1 {
            return;
        }
        // As in `Arc`: what others did with the items came before they dropped theirs.
        fence(Ordering::Acquire);
        let len = head.len as usize;
        // SAFETY: nobody else has one any more. The allocation was made with this layout.
        unsafe {
            ptr::drop_in_place(ptr::slice_from_raw_parts_mut(self.items(), len));
            dealloc(self.head.as_ptr().cast(), Self::layout(len));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn items_live_as_long_as_the_last_who_shares_them() {
        let item = Arc::new(7);
        let thin = Thin::from(vec![item.clone(), item.clone()]);
        let others: Vec<Thin<Arc<i32>>> = vec![thin.clone(); 8];
        drop(thin);
        assert_eq!(Arc::strong_count(&item), 3);
        let threads = others.into_iter().map(|thin| {
            std::thread::spawn(move || {
                for _ in 0..1000 {
                    assert_eq!(thin.clone().iter().map(|item| **item).sum::<i32>(), 14);
                }
            })
        });
        for thread in threads.collect::<Vec<_>>() {
            thread.join().unwrap();
        }
        assert_eq!(Arc::strong_count(&item), 1);
    }

    #[test]
    fn nothing_and_items_of_any_size_are_shared() {
        assert!(Thin::<u64>::from(Vec::new()).is_empty());
        assert_eq!(Thin::from(vec![1u8, 2, 3])[..], [1, 2, 3]);
        assert_eq!(Thin::from(vec![(); 3]).len(), 3);
        assert_eq!(Thin::from(vec![1u128 << 100]).clone()[0], 1 << 100);
    }

    #[test]
    fn one_takes_a_word_and_no_more_bytes_than_it_needs() {
        assert_eq!(size_of::<Option<Thin<u64>>>(), size_of::<usize>());
        assert_eq!(Thin::<u64>::layout(3).size(), 32);
    }
}
