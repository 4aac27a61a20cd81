//! Exemplars on the page: which one stands on which line, and as what.

use super::labels::{exemplar_labels, LabelSet};
use super::names::Naming;
use crate::engine::points::Exemplar;

/// Names and values of an exemplar's labels have at most so many characters (OpenMetrics,
/// "Exemplars"); Prometheus refuses longer ones in any format.
const MOST_CHARACTERS: usize = 128;

/// The latest exemplar: a line has room for one.
pub fn latest<'e>(exemplars: impl IntoIterator<Item = &'e Exemplar>) -> Option<&'e Exemplar> {
    exemplars.into_iter().max_by_key(|exemplar| exemplar.time)
}

/// The latest exemplar of a bucket, whose upper bound is inclusive.
pub fn latest_within(exemplars: &[Exemplar], above: f64, upper: f64) -> Option<&Exemplar> {
    latest(exemplars.iter().filter(|exemplar| {
        let value = exemplar.value.as_f64();
        value > above && value <= upper
    }))
}

/// The labels of an exemplar: its trace and span, and what its series lacks of its attributes, unless
/// that is too long (compatibility specification, "Exemplars").
pub fn labels(exemplar: &Exemplar, naming: Naming) -> LabelSet {
    let all = exemplar_labels(exemplar.span.as_ref(), &exemplar.attributes, naming);
    let characters = |(name, value): (&str, &str)| name.chars().count() + value.chars().count();
    let pairs = all.iter().map(|(name, value)| (&name.text[..], value));
    match pairs.map(characters).sum::<usize>() > MOST_CHARACTERS {
        true => exemplar_labels(exemplar.span.as_ref(), &[], naming),
        false => all,
    }
}
