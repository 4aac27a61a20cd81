//! One metric in Prometheus' text format 0.0.4 or OpenMetrics 1.0, as prom-client and
//! `@prometheus-io/client` write it. Exemplars, timestamps, units and times of creation are passed over.

use std::collections::HashMap;

use opentelemetry::KeyValue;

use super::{HistogramSeries, NumberSeries, Series, SummarySeries};

/// A metric as its text says it.
#[derive(Debug, PartialEq)]
pub struct Parsed {
    pub name: String,
    pub help: String,
    pub series: Series,
}

type Labels = Vec<(String, String)>;

/// One line with a value.
struct Sample<'t> {
    name: &'t str,
    labels: Labels,
    value: f64,
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
    let (name, kind) = header.ok_or("it has no type")?;
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
            Series::Gauge(numbers(name, &["", "_info"], samples)?),
            sample_name,
        ),
        // Compatibility specification, "Metric types": what has no type is a gauge.
        "gauge" | "unknown" | "untyped" | "stateset" => {
            (Series::Gauge(numbers(name, &[""], samples)?), name)
        }
        "histogram" => (Series::Histogram(histograms(name, samples)?), name),
        "summary" => (Series::Summary(summaries(name, samples)?), name),
        other => return Err(format!("{name} is of the unknown type {other:?}")),
    };
    Ok(Parsed {
        name: name.to_owned(),
        help,
        series,
    })
}

/// `name{label="value",…} value`, and whatever follows: an exemplar or a time.
fn sample(line: &str) -> Option<Sample<'_>> {
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, after) = rest.split_once("=\"")?;
            let close = closing_quote(after)?;
            labels.push((label.to_owned(), unescape(&after[..close])));
            rest = &after[close + 1..];
            rest = rest.strip_prefix(',').unwrap_or(rest);
        }
        rest = &rest[1..];
    }
    let value = rest.split_ascii_whitespace().next()?.parse().ok()?;
    Some(Sample {
        name,
        labels,
        value,
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels<const N: usize>(pairs: [(&str, &str); N]) -> Vec<KeyValue> {
        let pair = |(name, value): (&str, &str)| KeyValue::new(name.to_owned(), value.to_owned());
        pairs.into_iter().map(pair).collect()
    }

    #[test]
    fn counters_and_gauges_keep_names_labels_and_values() {
        let parsed = parse(
            "# HELP jobs Jobs\\nby \\\\ kind\n# TYPE jobs counter\njobs{kind=\"a\\\"b\\n}\",ok=\"1\"} 2.5\njobs 0",
        )
        .unwrap();
        assert_eq!(parsed.name, "jobs");
        assert_eq!(parsed.help, "Jobs\nby \\ kind");
        let expected = vec![
            NumberSeries {
                attributes: labels([("kind", "a\"b\n}"), ("ok", "1")]),
                value: 2.5,
            },
            NumberSeries {
                attributes: vec![],
                value: 0.0,
            },
        ];
        assert_eq!(parsed.series, Series::Counter(expected));

        let gauge = parse("# HELP t x\n# TYPE t gauge\nt{a=\"\"} -Inf\nt{a=\"n\"} Nan").unwrap();
        let Series::Gauge(series) = gauge.series else {
            panic!("{gauge:?}");
        };
        assert_eq!(series[0].value, f64::NEG_INFINITY);
        assert!(series[1].value.is_nan());
    }

    #[test]
    fn histograms_are_put_together_from_their_samples() {
        let parsed = parse(concat!(
            "# HELP d x\n# TYPE d histogram\n",
            "d_bucket{le=\"0.5\",m=\"x\"} 1\nd_bucket{le=\"1\",m=\"x\"} 3\n",
            "d_bucket{le=\"+Inf\",m=\"x\"} 4\nd_sum{m=\"x\"} 9.5\nd_count{m=\"x\"} 4\n",
        ))
        .unwrap();
        let expected = HistogramSeries {
            attributes: labels([("m", "x")]),
            count: 4,
            sum: 9.5,
            bounds: vec![0.5, 1.0],
            bucket_counts: vec![1, 2, 1],
        };
        assert_eq!(parsed.series, Series::Histogram(vec![expected]));
    }

    #[test]
    fn summaries_are_put_together_from_their_samples() {
        let parsed = parse(concat!(
            "# HELP d x\n# TYPE d summary\nd{quantile=\"0.5\",m=\"x\"} 1.5\n",
            "d{quantile=\"0.9\",m=\"x\"} 2\nd_sum{m=\"x\"} 3\nd_count{m=\"x\"} 2\n",
        ))
        .unwrap();
        let expected = SummarySeries {
            attributes: labels([("m", "x")]),
            count: 2,
            sum: 3.0,
            quantiles: vec![(0.5, 1.5), (0.9, 2.0)],
        };
        assert_eq!(parsed.series, Series::Summary(vec![expected]));
    }

    #[test]
    fn counters_of_an_open_metrics_registry_have_the_names_of_their_samples() {
        let text = "# HELP jobs x\n# TYPE jobs counter\njobs_total 3 # {trace_id=\"t\"} 1 1.5";
        let parsed = parse(text).unwrap();
        assert_eq!(parsed.name, "jobs_total");
        let expected = NumberSeries {
            attributes: vec![],
            value: 3.0,
        };
        assert_eq!(parsed.series, Series::Counter(vec![expected]));
    }

    #[test]
    fn what_open_metrics_adds_is_passed_over() {
        let counter = parse(concat!(
            "# HELP jobs x\r\n# TYPE jobs counter\n# UNIT jobs seconds\n",
            "jobs_total{a=\" # {b=\\\"c\\\"}\"} 3 1700000000 # {trace_id=\"t\\\"\"} 1 1.5\n",
            "jobs_created{a=\"\"} 1700000000.5\n# EOF\n",
        ))
        .unwrap();
        assert_eq!(
            (counter.name.as_str(), counter.help.as_str()),
            ("jobs_total", "x\r")
        );
        let expected = NumberSeries {
            attributes: labels([("a", " # {b=\"c\"}")]),
            value: 3.0,
        };
        assert_eq!(counter.series, Series::Counter(vec![expected]));

        let histogram = parse(concat!(
            "# TYPE d histogram\nd_created 5\nd_bucket{le=\"1.0\"} 1 # {t=\"1\"} 0.5 1.5\n",
            "d_bucket{le=\"+Inf\"} 1\nd_sum 0.5\nd_count 1",
        ))
        .unwrap();
        let expected = HistogramSeries {
            attributes: vec![],
            count: 1,
            sum: 0.5,
            bounds: vec![1.0],
            bucket_counts: vec![1, 0],
        };
        assert_eq!(histogram.series, Series::Histogram(vec![expected]));
        let summary = parse("# TYPE d summary\nd_created 5").unwrap();
        assert_eq!(summary.series, Series::Summary(vec![]));
    }

    #[test]
    fn types_that_opentelemetry_lacks_are_gauges() {
        for (kind, sample, name) in [
            ("unknown", "a 1", "a"),
            ("untyped", "a 1", "a"),
            ("info", "a_info{a=\"1\"} 1", "a_info"),
            ("info", "a{a=\"1\"} 1", "a"),
            ("stateset", "a{a=\"on\"} 1", "a"),
        ] {
            let parsed = parse(&format!("# TYPE a {kind}\n{sample}")).unwrap();
            assert_eq!(parsed.name, name, "{kind}");
            let Series::Gauge(series) = parsed.series else {
                panic!("{kind} is not a gauge");
            };
            assert_eq!(series[0].value, 1.0);
        }
    }

    #[test]
    fn what_is_not_a_metric_is_refused_by_name() {
        for (text, problem) in [
            ("", "it has no type"),
            (
                "# TYPE a counter\na{b=\"c} 1",
                "\"a{b=\\\"c} 1\" cannot be read",
            ),
            ("# TYPE a counter\na{b} 1", "\"a{b} 1\" cannot be read"),
            ("# TYPE a counter\na x", "\"a x\" cannot be read"),
            ("# TYPE a counter\na", "\"a\" cannot be read"),
            (
                "# TYPE a widget\na 1",
                "a is of the unknown type \"widget\"",
            ),
            (
                "# TYPE a histogram\na_bucket{le=\"x\"} 1",
                "a has the le \"x\", which is no number",
            ),
            ("# TYPE a summary\nb_sum 1", "a has a sample b_sum"),
            ("# TYPE a counter\na_total 1\na 1", "a has a sample a"),
            ("# TYPE a gauge\na 1\na_max 1", "a has a sample a_max"),
            ("# TYPE a gauge\na_created 1", "a has a sample a_created"),
            (
                "# TYPE a gaugehistogram\na_gsum 1",
                "a is of the unknown type \"gaugehistogram\"",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err(), problem, "{text:?}");
        }
    }

    #[test]
    fn bucket_counts_that_fall_do_not_wrap_around() {
        let parsed = parse(
            "# TYPE d histogram\nd_bucket{le=\"1\"} 5\nd_bucket{le=\"2\"} 3\nd_count -1\nd_sum 1",
        )
        .unwrap();
        let Series::Histogram(series) = parsed.series else {
            panic!("not a histogram");
        };
        assert_eq!(series[0].bucket_counts, [5, 0, 0]);
        assert_eq!(series[0].count, 5);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(lines in prop::collection::vec("[ -~\\n{}\",=]{0,40}", 0..8)) {
            for kind in ["counter", "gauge", "histogram", "summary", "info", "unknown"] {
                let _ = parse(&format!("# TYPE a {kind}\n{}", lines.join("\n")));
            }
        }

        #[test]
        fn every_label_value_comes_back(value in any::<String>(), number in any::<f64>()) {
            let escaped = value.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"");
            let text = format!("# TYPE a gauge\na{{x=\"{escaped}\",y=\"\"}} {number:?}");
            let parsed = parse(&text).unwrap();
            let Series::Gauge(series) = parsed.series else { panic!("not a gauge") };
            prop_assert_eq!(&series[0].attributes, &labels([("x", &value), ("y", "")]));
            prop_assert_eq!(series[0].value.to_bits(), number.to_bits());
        }
    }
}
