//! Counts that take four bytes each until one of them needs more.

use std::ops::Range;

use smallvec::{Array, SmallVec};

use crate::engine::columns::make_room;

/// A vector of counts.
#[derive(Clone, Debug, PartialEq)]
pub enum Counts {
    Narrow(Vec<u32>),
    Wide(Vec<u64>),
}

impl Default for Counts {
    fn default() -> Self {
        Self::Narrow(Vec::new())
    }
}

impl Counts {
    pub fn len(&self) -> usize {
        match self {
            Self::Narrow(counts) => counts.len(),
            Self::Wide(counts) => counts.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Lengthens the vector by zeros.
    pub fn resize(&mut self, len: usize) {
        match self {
            Self::Narrow(counts) => counts.resize(len, 0),
            Self::Wide(counts) => counts.resize(len, 0),
        }
    }

    /// Lets a column of counts become so long.
    pub fn make_room(&mut self, len: usize) {
        match self {
            Self::Narrow(counts) => make_room(counts, len),
            Self::Wide(counts) => make_room(counts, len),
        }
    }

    /// None yet, as wide, with room for so many.
    pub fn empty(&self, room: usize) -> Self {
        match self {
            Self::Narrow(_) => Self::Narrow(Vec::with_capacity(room)),
            Self::Wide(_) => Self::Wide(Vec::with_capacity(room)),
        }
    }

    /// Puts so many zeros before the first count.
    pub fn prepend(&mut self, zeros: usize) {
        match self {
            Self::Narrow(counts) => drop(counts.splice(0..0, std::iter::repeat_n(0, zeros))),
            Self::Wide(counts) => drop(counts.splice(0..0, std::iter::repeat_n(0, zeros))),
        }
    }

    pub fn get(&self, at: usize) -> u64 {
        match self {
            Self::Narrow(counts) => counts[at].into(),
            Self::Wide(counts) => counts[at],
        }
    }

    pub fn add(&mut self, at: usize, count: u64) {
        if let Self::Narrow(counts) = self {
            let sum = u64::from(counts[at]).saturating_add(count);
            match u32::try_from(sum) {
                Ok(sum) => {
                    counts[at] = sum;
                    return;
                }
                Err(_) => self.widen(),
            }
        }
        if let Self::Wide(counts) = self {
            counts[at] = counts[at].saturating_add(count);
        }
    }

    /// Adds one to the count at each of these places.
    pub fn count(&mut self, mut places: impl Iterator<Item = usize>) {
        if let Self::Narrow(counts) = self {
            let full = places.find(|&at| match counts[at].checked_add(1) {
                Some(count) => {
                    counts[at] = count;
                    false
                }
                None => true,
            });
            let Some(full) = full else {
                return;
            };
            self.widen();
            self.add(full, 1);
        }
        if let Self::Wide(counts) = self {
            places.for_each(|at| counts[at] = counts[at].saturating_add(1));
        }
    }

    fn widen(&mut self) {
        if let Self::Narrow(counts) = self {
            *self = Self::Wide(counts.iter().copied().map(u64::from).collect());
        }
    }

    pub fn clear(&mut self, range: Range<usize>) {
        match self {
            Self::Narrow(counts) => counts[range].fill(0),
            Self::Wide(counts) => counts[range].fill(0),
        }
    }

    /// Appends some counts of another vector.
    pub fn extend_from(&mut self, other: &Self, range: Range<usize>) {
        match (&mut *self, other) {
            (Self::Narrow(counts), Self::Narrow(more)) => counts.extend_from_slice(&more[range]),
            (Self::Wide(counts), Self::Wide(more)) => counts.extend_from_slice(&more[range]),
            (Self::Wide(counts), Self::Narrow(more)) => {
                counts.extend(more[range].iter().copied().map(u64::from));
            }
            (Self::Narrow(_), Self::Wide(_)) => {
                self.widen();
                self.extend_from(other, range);
            }
        }
    }

    /// Some of the counts.
    pub fn copy<const INLINE: usize>(&self, range: Range<usize>) -> SmallVec<[u64; INLINE]>
    where
        [u64; INLINE]: Array<Item = u64>,
    {
        match self {
            Self::Narrow(counts) => {
                let counts = &counts[range];
                // One by one they would take twice as long.
                let mut copy = SmallVec::from_elem(0, counts.len());
                for (to, from) in copy.iter_mut().zip(counts) {
                    *to = u64::from(*from);
                }
                copy
            }
            Self::Wide(counts) => SmallVec::from_slice(&counts[range]),
        }
    }

    /// As [`copy`](Self::copy), one after the other.
    pub fn iter(&self, range: Range<usize>) -> impl Iterator<Item = u64> + '_ {
        range.map(|at| self.get(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_outgrows_four_bytes_stays_exact() {
        let mut counts = Counts::default();
        counts.resize(2);
        counts.add(0, u64::from(u32::MAX));
        assert!(matches!(counts, Counts::Narrow(_)));
        counts.add(0, 1);
        counts.add(1, 7);
        assert_eq!(counts.get(0), 1 << 32);
        assert_eq!(counts.get(1), 7);
        counts.add(0, u64::MAX);
        assert_eq!(counts.get(0), u64::MAX);
    }

    #[test]
    fn counts_that_outgrow_four_bytes_on_the_way_stay_exact_and_so_do_their_neighbours() {
        let mut counts = Counts::Narrow(vec![5, u32::MAX - 2, u32::MAX]);
        counts.count([1, 0, 1, 1, 0, 1, 2].into_iter());
        assert_eq!(
            counts.iter(0..3).collect::<Vec<_>>(),
            [7, (1 << 32) + 1, 1 << 32]
        );
        counts.count([2, 0].into_iter());
        assert_eq!(
            counts.iter(0..3).collect::<Vec<_>>(),
            [8, (1 << 32) + 1, (1 << 32) + 1]
        );
        let mut most = Counts::Wide(vec![u64::MAX]);
        most.count([0].into_iter());
        assert_eq!(most.get(0), u64::MAX);
    }

    #[test]
    fn narrow_and_wide_counts_are_appended_to_each_other() {
        let mut wide = Counts::default();
        wide.resize(1);
        wide.add(0, u64::MAX);
        let mut counts = Counts::Narrow(vec![1, 2]);
        counts.extend_from(&wide, 0..1);
        counts.extend_from(&Counts::Narrow(vec![3, 4]), 1..2);
        counts.prepend(1);
        assert_eq!(
            counts.iter(0..5).collect::<Vec<_>>(),
            [0, 1, 2, u64::MAX, 4]
        );
        counts.clear(1..3);
        assert_eq!(counts.iter(0..3).collect::<Vec<_>>(), [0, 0, 0]);
    }
}
