//! One metric in Prometheus' text format 0.0.4 or OpenMetrics 1.0, as prom-client and
//! `@prometheus-io/client` write it. Timestamps, units and times of creation are passed over.

use std::collections::HashMap;

use opentelemetry::KeyValue;

use super::{HistogramSeries, NumberSeries, Series, SummarySeries};
use crate::engine::clock::Timestamp;
use crate::engine::points::{Exemplar, Number, Span};

/// A metric as its text says it.
#[derive(Debug, PartialEq)]
pub struct Parsed {
    pub name: String,
    pub help: String,
    /// As OTLP names it.
    pub kind: &'static str,
    pub series: Series,
}

/// The types that there are, as OTLP names them (Prometheus compatibility specification, "Metric
/// metadata").
fn type_name(written: &str) -> Option<&'static str> {
    let names = [
        "counter",
        "gauge",
        "histogram",
        "info",
        "stateset",
        "summary",
        "unknown",
    ];
    match written {
        // What the text format calls it.
        "untyped" => Some("unknown"),
        _ => names.into_iter().find(|name| *name == written),
    }
}

type Labels = Vec<(String, String)>;

/// One line with a value.
struct Sample<'t> {
    name: &'t str,
    labels: Labels,
    value: f64,
    exemplar: Option<Exemplar>,
}

/// Reads one metric.
///
/// # Errors
/// A sentence that names what could not be read.
pub fn parse(text: &str) -> Result<Parsed, String> {
    let mut help = String::new();
    let mut header: Option<(&str, &str)> = None;
    let mut samples = Vec::new();
    // Not `lines()`: a carriage return before the line feed is part of a help text.
    for line in text.split('\n') {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = unescape(rest.split_once(' ').map_or("", |(_, help)| help));
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            header = rest.split_once(' ');
        } else if !line.is_empty() && !line.starts_with('#') {
            samples.push(sample(line).ok_or_else(|| format!("{line:?} cannot be read"))?);
        }
    }
    let (name, written) = header.ok_or("it has no type")?;
    let kind =
        type_name(written).ok_or_else(|| format!("{name} is of the unknown type {written:?}"))?;
    let is_created = |sample: &Sample<'_>| sample.name.strip_prefix(name) == Some("_created");
    if matches!(kind, "counter" | "histogram" | "summary") {
        samples.retain(|sample| !is_created(sample));
    }
    // In OpenMetrics the samples of a counter have a longer name than their family, as those of an
    // info have in any format.
    let sample_name = samples.first().map_or(name, |sample| sample.name);
    let (series, name) = match kind {
        "counter" => (
            Series::Counter(numbers(name, &["", "_total"], samples)?),
            sample_name,
        ),
        "info" => (
            Series::States(numbers(name, &["", "_info"], samples)?),
            sample_name,
        ),
        "stateset" => (Series::States(numbers(name, &[""], samples)?), name),
        "histogram" => (Series::Histogram(histograms(name, samples)?), name),
        "summary" => (Series::Summary(summaries(name, samples)?), name),
        // Compatibility specification, "Unknown-typed": what has no type is a gauge.
        _ => (Series::Gauge(numbers(name, &[""], samples)?), name),
    };
    Ok(Parsed {
        name: name.to_owned(),
        help,
        kind,
        series,
    })
}

/// `name{label="value",…} value`, and whatever follows: an exemplar or a time.
fn sample(line: &str) -> Option<Sample<'_>> {
    let end = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inside) => labels(inside)?,
        None => (Vec::new(), rest),
    };
    let value = rest.split_ascii_whitespace().next()?.parse().ok()?;
    Some(Sample {
        name,
        labels,
        value,
        exemplar: rest.split_once(" # {").and_then(|(_, text)| exemplar(text)),
    })
}

/// `label="value",…}`, and what follows.
fn labels(mut rest: &str) -> Option<(Labels, &str)> {
    let mut labels = Vec::new();
    while !rest.starts_with('}') {
        let (label, after) = rest.split_once("=\"")?;
        let close = closing_quote(after)?;
        labels.push((label.to_owned(), unescape(&after[..close])));
        rest = &after[close + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    Some((labels, &rest[1..]))
}

/// `label="value",…} value time`. One that does not say when it was is left out.
fn exemplar(text: &str) -> Option<Exemplar> {
    let (mut labels, rest) = labels(text)?;
    let mut numbers = rest.split_ascii_whitespace();
    let value = numbers.next()?.parse().ok()?;
    let seconds: f64 = numbers.next()?.parse().ok()?;
    // Compatibility specification, "Exemplars".
    let id = |name: &str| {
        let found = labels.iter().find(|(label, _)| label == name);
        found.map_or("", |(_, id)| id)
    };
    let span = Span::parse(id("trace_id"), id("span_id"));
    if span.is_some() {
        labels.retain(|(label, _)| label != "trace_id" && label != "span_id");
    }
    Some(Exemplar {
        value: Number::Double(value),
        // To the microsecond: a double holds no more of today's time.
        time: Timestamp::from_nanos((seconds * 1e6).round() as u64 * 1000),
        span,
        attributes: attributes(labels).into(),
    })
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n') => out.push('\n'),
                Some(other @ ('\\' | '"')) => out.push(other),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            other => out.push(other),
        }
    }
    out
}

fn attributes(labels: Labels) -> Vec<KeyValue> {
    labels
        .into_iter()
        .map(|(name, value)| KeyValue::new(name, value))
        .collect()
}

/// Samples of one name, which is the family's with one of the suffixes.
fn numbers(
    family: &str,
    suffixes: &[&str],
    samples: Vec<Sample<'_>>,
) -> Result<Vec<NumberSeries>, String> {
    let first = samples.first().map_or(family, |sample| sample.name);
    let is_ours = |sample: &&Sample<'_>| {
        let suffix = sample.name.strip_prefix(family);
        sample.name == first && suffix.is_some_and(|suffix| suffixes.contains(&suffix))
    };
    if let Some(stranger) = samples.iter().find(|sample| !is_ours(sample)) {
        return Err(format!("{family} has a sample {}", stranger.name));
    }
    let series = samples.into_iter().map(|sample| NumberSeries {
        attributes: attributes(sample.labels),
        value: sample.value,
        exemplars: sample.exemplar.into_iter().collect(),
    });
    Ok(series.collect())
}

/// What all samples of one series of a histogram or summary say together.
#[derive(Default)]
struct Group {
    labels: Labels,
    /// By bound or quantile.
    parts: Vec<(f64, f64)>,
    sum: f64,
    count: f64,
    exemplars: Vec<Exemplar>,
}

/// Groups samples by their labels without `part`, which is `le` or `quantile`.
fn groups(name: &str, part: &str, samples: Vec<Sample<'_>>) -> Result<Vec<Group>, String> {
    let mut groups: Vec<Group> = Vec::new();
    let mut places: HashMap<Labels, usize> = HashMap::new();
    for mut sample in samples {
        let at = sample.labels.iter().position(|(label, _)| label == part);
        let bound = at.map(|at| sample.labels.remove(at).1);
        let place = *places.entry(sample.labels).or_insert_with_key(|labels| {
            groups.push(Group {
                labels: labels.clone(),
                ..Group::default()
            });
            groups.len() - 1
        });
        let group = &mut groups[place];
        group.exemplars.extend(sample.exemplar);
        match (sample.name.strip_prefix(name), bound) {
            (Some("_sum"), _) => group.sum = sample.value,
            (Some("_count"), _) => group.count = sample.value,
            (Some("" | "_bucket"), Some(bound)) => {
                let bound = bound
                    .parse()
                    .map_err(|_| format!("{name} has the {part} {bound:?}, which is no number"))?;
                group.parts.push((bound, sample.value));
            }
            _ => return Err(format!("{name} has a sample {}", sample.name)),
        }
    }
    Ok(groups)
}

fn histograms(name: &str, samples: Vec<Sample<'_>>) -> Result<Vec<HistogramSeries>, String> {
    let histogram = |mut group: Group| {
        group.parts.retain(|(bound, _)| bound.is_finite());
        group.parts.sort_by(|a, b| a.0.total_cmp(&b.0));
        let cumulative = group.parts.iter().map(|part| part.1).chain([group.count]);
        let mut before = 0;
        let bucket_counts = cumulative
            .map(|count| {
                let count = whole(count);
                let own = count.saturating_sub(before);
                before = before.max(count);
                own
            })
            .collect();
        HistogramSeries {
            attributes: attributes(group.labels),
            count: before,
            sum: group.sum,
            bounds: group.parts.iter().map(|part| part.0).collect(),
            bucket_counts,
            exemplars: group.exemplars,
        }
    };
    Ok(groups(name, "le", samples)?
        .into_iter()
        .map(histogram)
        .collect())
}

fn summaries(name: &str, samples: Vec<Sample<'_>>) -> Result<Vec<SummarySeries>, String> {
    let summary = |group: Group| SummarySeries {
        attributes: attributes(group.labels),
        count: whole(group.count),
        sum: group.sum,
        quantiles: group.parts,
    };
    Ok(groups(name, "quantile", samples)?
        .into_iter()
        .map(summary)
        .collect())
}

/// Counts are whole numbers, however they are written; what is none counts as nothing.
fn whole(count: f64) -> u64 {
    count as u64
}
