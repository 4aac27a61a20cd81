use opentelemetry_sdk::metrics::{Aggregation, InstrumentKind, Temporality};

use super::tests::with_environment;
use super::*;

const COUNTER: InstrumentKind = InstrumentKind::Counter;
const HISTOGRAM: InstrumentKind = InstrumentKind::Histogram;
const UP_DOWN: InstrumentKind = InstrumentKind::UpDownCounter;

const PREFERENCE: &str = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
const HISTOGRAMS: &str = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";

fn otlp(options: &str, variables: &[(&str, &str)]) -> ReaderConfig {
    let json = format!(r#"{{"exporters": {{"otlp": {options}}}}}"#);
    with_environment(&json, variables).otlp.remove(0).reader
}

#[test]
fn a_kind_has_its_own_temporality_then_that_of_the_default_then_that_of_the_variable() {
    let delta = [(PREFERENCE, "delta")];
    let named = r#"{"temporality": {"counter": "cumulative", "up_down_counter": "delta"}}"#;
    let with_default = r#"{"temporality": {"default": "lowmemory", "counter": "cumulative"}}"#;
    for (options, variables, counter, observable, up_down) in [
        ("{}", &delta[..], "Delta", "Delta", "Cumulative"),
        (named, &delta, "Cumulative", "Delta", "Delta"),
        (named, &[], "Cumulative", "Cumulative", "Delta"),
        (
            with_default,
            &delta,
            "Cumulative",
            "Cumulative",
            "Cumulative",
        ),
        (
            r#"{"temporality": "lowmemory"}"#,
            &delta,
            "Delta",
            "Cumulative",
            "Cumulative",
        ),
    ] {
        let reader = otlp(options, variables);
        let found = [COUNTER, InstrumentKind::ObservableCounter, UP_DOWN]
            .map(|kind| format!("{:?}", reader.temporality.get(kind)));
        assert_eq!(found, [counter, observable, up_down], "{options}");
    }
    let reader = otlp(with_default, &[]);
    assert_eq!(*reader.temporality.get(HISTOGRAM), Temporality::Delta);
}

#[test]
fn an_exporters_aggregation_goes_before_the_services_and_the_variables() {
    let exponential = [(HISTOGRAMS, "base2_exponential_bucket_histogram")];
    let explicit = r#"{"defaultAggregation": {
        "histogram": {"explicit_bucket_histogram": {"boundaries": [1, 2]}},
        "gauge": {"sum": null}, "counter": {"drop": {}}}}"#;
    let reader = otlp(explicit, &exponential);
    assert_eq!(
        *reader.aggregation.get(HISTOGRAM),
        ViewAggregation::Explicit {
            boundaries: Some(vec![1.0, 2.0]),
            record_min_max: true,
        }
    );
    assert_eq!(
        *reader.aggregation.get(InstrumentKind::Gauge),
        ViewAggregation::Sdk(Aggregation::Sum)
    );
    assert_eq!(*reader.aggregation.get(COUNTER), ViewAggregation::Drop);
    assert_eq!(*reader.aggregation.get(UP_DOWN), ViewAggregation::Default);

    let default = otlp(
        r#"{"defaultAggregation": {"histogram": {"default": {}}}}"#,
        &exponential,
    );
    assert_eq!(
        *default.aggregation.get(HISTOGRAM),
        ViewAggregation::Default
    );

    let json = r#"{"histogram": "exponential",
        "exporters": {"console": true, "prometheus": {"defaultAggregation": {
            "histogram": {"base2_exponential_bucket_histogram": {"max_size": 20}}}}}}"#;
    let config = with_environment(json, &[]);
    let max_size = |reader: &ReaderConfig| match reader.aggregation.get(HISTOGRAM) {
        ViewAggregation::Sdk(Aggregation::Base2ExponentialHistogram { max_size, .. }) => *max_size,
        other => panic!("{other:?}"),
    };
    assert_eq!(max_size(&config.console.unwrap().reader), 160);
    assert_eq!(max_size(&config.prometheus.unwrap().reader), 20);
}

#[test]
fn a_kinds_limit_goes_before_the_readers_and_that_before_the_services() {
    let json = r#"{"cardinalityLimit": 30, "exporters": {
        "prometheus": {"cardinalityLimits": {"counter": "10"}},
        "console": {"cardinalityLimits": {"default": 20, "histogram": 5}},
        "otlp": {}}}"#;
    let config = with_environment(json, &[]);
    assert_eq!(config.streams.cardinality_limit, 30);
    for (reader, counter, histogram, up_down) in [
        (&config.prometheus.unwrap().reader, Some(10), None, None),
        (&config.console.unwrap().reader, Some(20), Some(5), Some(20)),
        (&config.otlp[0].reader, None, None, None),
    ] {
        let found = [COUNTER, HISTOGRAM, UP_DOWN].map(|kind| *reader.cardinality_limit.get(kind));
        assert_eq!(found, [counter, histogram, up_down]);
    }
}
