//! Texts that clients write, and those that none should.

use opentelemetry::KeyValue;
use proptest::prelude::*;

use super::text::parse;
use super::{HistogramSeries, NumberSeries, Series, SummarySeries};
use crate::engine::clock::Timestamp;
use crate::engine::points::{Exemplar, Number, Span};

fn labels<const N: usize>(pairs: [(&str, &str); N]) -> Vec<KeyValue> {
    let pair = |(name, value): (&str, &str)| KeyValue::new(name.to_owned(), value.to_owned());
    pairs.into_iter().map(pair).collect()
}

fn exemplar<const N: usize>(value: f64, nanos: u64, pairs: [(&str, &str); N]) -> Exemplar {
    Exemplar {
        value: Number::Double(value),
        time: Timestamp::from_nanos(nanos),
        span: None,
        attributes: labels(pairs).into(),
    }
}

#[test]
fn the_trace_of_an_exemplar_is_known_by_its_labels() {
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let parsed = parse(&format!(
        "# TYPE c counter\nc_total 1 # {{trace_id=\"{trace}\",user=\"a\",span_id=\"b7ad6b7169203331\"}} 0.5 \
         1700000000.123\nc_total{{a=\"1\"}} 1 # {{trace_id=\"{trace}\"}} 1 1.5\nc_total{{a=\"2\"}} 1 # {{}} 1"
    ))
    .unwrap();
    let Series::Counter(series) = parsed.series else {
        panic!("{parsed:?}");
    };
    let span = Span::parse(trace, "b7ad6b7169203331");
    assert!(span.is_some());
    let whole = Exemplar {
        span,
        ..exemplar(0.5, 1_700_000_000_123_000_000, [("user", "a")])
    };
    assert_eq!(series[0].exemplars, [whole]);
    let alone = exemplar(1.0, 1_500_000_000, [("trace_id", trace)]);
    assert_eq!(series[1].exemplars, [alone]);
    assert!(series[2].exemplars.is_empty(), "nobody knows when it was");
}

#[test]
fn a_metric_keeps_its_type_and_infos_and_statesets_add_up() {
    for (written, named) in [
        ("counter", "counter"),
        ("gauge", "gauge"),
        ("unknown", "unknown"),
        ("untyped", "unknown"),
        ("info", "info"),
        ("stateset", "stateset"),
        ("histogram", "histogram"),
        ("summary", "summary"),
    ] {
        let sample = match written {
            "histogram" | "summary" => "",
            _ => "m 1",
        };
        let parsed = parse(&format!("# TYPE m {written}\n{sample}")).unwrap();
        assert_eq!(parsed.kind, named);
        let adds_up = matches!(parsed.series, Series::States(_));
        assert_eq!(adds_up, matches!(written, "info" | "stateset"), "{written}");
    }
    let problem = parse("# TYPE m gaugehistogram\nm 1").unwrap_err();
    assert!(problem.contains("gaugehistogram"), "{problem}");
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
            exemplars: vec![],
        },
        NumberSeries {
            attributes: vec![],
            value: 0.0,
            exemplars: vec![],
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
        exemplars: vec![],
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
        exemplars: vec![exemplar(1.0, 1_500_000_000, [("trace_id", "t")])],
    };
    assert_eq!(parsed.series, Series::Counter(vec![expected]));
}

#[test]
fn what_open_metrics_adds_is_read_or_passed_over() {
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
        exemplars: vec![exemplar(1.0, 1_500_000_000, [("trace_id", "t\"")])],
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
        exemplars: vec![exemplar(0.5, 1_500_000_000, [("t", "1")])],
    };
    assert_eq!(histogram.series, Series::Histogram(vec![expected]));
    let summary = parse("# TYPE d summary\nd_created 5").unwrap();
    assert_eq!(summary.series, Series::Summary(vec![]));
}

#[test]
fn types_that_opentelemetry_lacks_keep_their_values() {
    for (kind, sample, name) in [
        ("unknown", "a 1", "a"),
        ("untyped", "a 1", "a"),
        ("info", "a_info{a=\"1\"} 1", "a_info"),
        ("info", "a{a=\"1\"} 1", "a"),
        ("stateset", "a{a=\"on\"} 1", "a"),
    ] {
        let parsed = parse(&format!("# TYPE a {kind}\n{sample}")).unwrap();
        assert_eq!(parsed.name, name, "{kind}");
        let (Series::Gauge(series) | Series::States(series)) = parsed.series else {
            panic!("{kind} has no values");
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
