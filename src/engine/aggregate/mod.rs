//! Aggregation: the numbers of a stream, in columns with one row a series.

mod counts;
mod exemplars;
mod explicit;
mod exponential;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use counts::Counts;
pub use exemplars::{Exemplars, Reservoir};
pub use explicit::{Explicit, Head};
#[cfg(test)]
pub use exponential::Buckets;
pub use exponential::{Exponential, Shape};

use super::columns::{push, Row};

/// Why a value was not taken on as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Misfit {
    /// The sum of integers went beyond 64 bits: it stays at the largest or smallest number.
    Saturated,
    /// The value, or the sum with it, is not a number: it is left out.
    NotANumber,
}

/// The numbers of a stream, by row.
#[derive(Clone, Debug)]
pub enum Values {
    Sums(Numbers),
    Latest(Numbers),
    Explicit(Explicit),
    Exponential(Shape, Vec<Option<Box<Exponential>>>),
}

/// Numbers of one type.
#[derive(Clone, Debug)]
pub enum Numbers {
    Double(Vec<f64>),
    Int(Vec<i64>),
}

impl Values {
    /// Adds a row in which nothing was recorded.
    pub fn push(&mut self) {
        match self {
            Values::Sums(numbers) | Values::Latest(numbers) => match numbers {
                Numbers::Double(values) => push(values, 0.0),
                Numbers::Int(values) => push(values, 0),
            },
            Values::Explicit(histograms) => histograms.push(),
            Values::Exponential(_, histograms) => push(histograms, None),
        }
    }

    /// Forgets what was recorded in a row.
    pub fn reset(&mut self, row: usize) {
        match self {
            Values::Sums(numbers) | Values::Latest(numbers) => match numbers {
                Numbers::Double(values) => values[row] = 0.0,
                Numbers::Int(values) => values[row] = 0,
            },
            Values::Explicit(histograms) => histograms.reset(row),
            Values::Exponential(_, histograms) => histograms[row] = None,
        }
    }

    /// # Errors
    /// The value does not fit: it is left out, or cut off at the last integer.
    pub fn record(&mut self, row: usize, value: f64) -> Result<(), Misfit> {
        match self {
            Values::Sums(numbers) => numbers.add(row, value),
            Values::Latest(numbers) => numbers.set(row, value),
            Values::Explicit(histograms) => {
                let recorded = histograms.record_all(&[row as Row], &[value]);
                recorded.map_err(|(misfit, _)| misfit)
            }
            // An infinite value would make the sum useless for ever.
            Values::Exponential(..) if !value.is_finite() => Err(Misfit::NotANumber),
            Values::Exponential(shape, histograms) => {
                histograms[row]
                    .get_or_insert_with(|| Box::new(Exponential::new(*shape)))
                    .record(*shape, value);
                Ok(())
            }
        }
    }

    /// Records many, in their order, with one look at the kind of aggregation: a value for each row.
    ///
    /// # Errors
    /// The last one that does not fit. The others are taken on.
    pub fn record_all(&mut self, rows: &[Row], values: &[f64]) -> Result<(), (Misfit, f64)> {
        debug_assert_eq!(rows.len(), values.len());
        let all = rows.iter().zip(values);
        let mut outcome = Ok(());
        let mut note = |value, recorded: Result<(), Misfit>| {
            if let Err(misfit) = recorded {
                outcome = Err((misfit, value));
            }
        };
        match self {
            Values::Sums(Numbers::Double(sums)) => {
                for (&row, &value) in all {
                    note(value, add(&mut sums[row as usize], value));
                }
            }
            Values::Latest(Numbers::Double(latest)) => {
                for (&row, &value) in all {
                    note(value, set(&mut latest[row as usize], value));
                }
            }
            Values::Explicit(histograms) => return histograms.record_all(rows, values),
            _ => {
                for (&row, &value) in all {
                    note(value, self.record(row as usize, value));
                }
            }
        }
        outcome
    }

    pub fn are_histograms(&self) -> bool {
        matches!(self, Values::Explicit(_) | Values::Exponential(..))
    }

    /// Replaces what a row holds of sums and last values.
    ///
    /// # Errors
    /// As [`record`](Self::record).
    pub fn set(&mut self, row: usize, value: f64) -> Result<(), Misfit> {
        match self {
            Values::Sums(numbers) | Values::Latest(numbers) => numbers.set(row, value),
            Values::Explicit(_) | Values::Exponential(..) => self.record(row, value),
        }
    }

    /// No rows, of the same shape.
    pub fn empty(&self) -> Self {
        match self {
            Values::Sums(numbers) => Values::Sums(numbers.empty()),
            Values::Latest(numbers) => Values::Latest(numbers.empty()),
            Values::Explicit(histograms) => Values::Explicit(histograms.empty()),
            Values::Exponential(shape, _) => Values::Exponential(*shape, Vec::new()),
        }
    }

    /// Some rows.
    pub fn copy(&self, rows: &[Row]) -> Self {
        match self {
            Values::Sums(numbers) => Values::Sums(numbers.copy(rows)),
            Values::Latest(numbers) => Values::Latest(numbers.copy(rows)),
            Values::Explicit(histograms) => Values::Explicit(histograms.copy(rows)),
            Values::Exponential(shape, histograms) => {
                let rows = rows.iter().map(|row| histograms[*row as usize].clone());
                Values::Exponential(*shape, rows.collect())
            }
        }
    }

    pub fn explicit(bounds: impl Into<Arc<[f64]>>) -> Self {
        Values::Explicit(Explicit::new(bounds.into()))
    }
}

impl Numbers {
    fn add(&mut self, row: usize, value: f64) -> Result<(), Misfit> {
        match self {
            Numbers::Double(values) => add(&mut values[row], value)?,
            Numbers::Int(values) => {
                let (value, fits) = integer(value)?;
                let sum = values[row].checked_add(value);
                values[row] = values[row].saturating_add(value);
                if sum.is_none() || !fits {
                    return Err(Misfit::Saturated);
                }
            }
        }
        Ok(())
    }

    fn set(&mut self, row: usize, value: f64) -> Result<(), Misfit> {
        match self {
            Numbers::Double(values) => set(&mut values[row], value)?,
            Numbers::Int(values) => {
                let (value, fits) = integer(value)?;
                values[row] = value;
                if !fits {
                    return Err(Misfit::Saturated);
                }
            }
        }
        Ok(())
    }

    fn empty(&self) -> Self {
        match self {
            Numbers::Double(_) => Numbers::Double(Vec::new()),
            Numbers::Int(_) => Numbers::Int(Vec::new()),
        }
    }

    fn copy(&self, rows: &[Row]) -> Self {
        match self {
            Numbers::Double(values) => Numbers::Double(copy(values, rows)),
            Numbers::Int(values) => Numbers::Int(copy(values, rows)),
        }
    }
}

fn add(sum: &mut f64, value: f64) -> Result<(), Misfit> {
    let added = *sum + value;
    if added.is_nan() {
        return Err(Misfit::NotANumber);
    }
    *sum = added;
    Ok(())
}

fn set(latest: &mut f64, value: f64) -> Result<(), Misfit> {
    if value.is_nan() {
        return Err(Misfit::NotANumber);
    }
    *latest = value;
    Ok(())
}

/// Some rows of a column.
fn copy<T: Copy>(column: &[T], rows: &[Row]) -> Vec<T> {
    match rows.len() == column.len() {
        true => column.to_vec(),
        false => rows.iter().map(|row| column[*row as usize]).collect(),
    }
}

/// The integer, and whether 64 bits hold it.
fn integer(value: f64) -> Result<(i64, bool), Misfit> {
    // 2^63, the first number beyond.
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if value.is_nan() {
        return Err(Misfit::NotANumber);
    }
    Ok((value as i64, (-BEYOND..BEYOND).contains(&value)))
}
