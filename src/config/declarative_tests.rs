//! What a file of declarative configuration comes to, after JavaScript has read it.

use std::time::Duration;

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::metrics::{InstrumentKind, Temporality};
use serde_json::json;

use super::tests::attribute;
use super::{
    Compression, Config, ConfigFile, Environment, ExemplarFilter, LogLevel, OtlpConfig,
    OtlpProtocol, ReaderConfig, TranslationStrategy, ViewAggregation, DEFAULT_REQUEST_SIZE,
    DEFAULT_RESPONSE_SIZE, NO_LIMIT,
};
use crate::error::Result;

fn with_variables(
    options: &str,
    content: &serde_json::Value,
    variables: &[(&str, &str)],
) -> Result<Config> {
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let environment = Environment::new(variables).with_file(Some(ConfigFile {
        name: "otel.yaml".to_owned(),
        content: content.to_string(),
    }));
    Config::parse(options, "backend.metrics", &environment)
}

fn parse(content: &serde_json::Value) -> Config {
    with_variables("{}", content, &[]).unwrap()
}

fn of_provider(provider: &serde_json::Value) -> Config {
    parse(&json!({"file_format": "1.0", "meter_provider": provider}))
}

fn of_exporter(exporter: &serde_json::Value) -> Config {
    of_provider(&json!({"readers": [{"periodic": {"exporter": exporter}}]}))
}

fn only_otlp(config: Config) -> OtlpConfig {
    let [otlp] = <[OtlpConfig; 1]>::try_from(config.otlp).unwrap();
    otlp
}

fn is_exponential(reader: &ReaderConfig) -> bool {
    let aggregation = reader.aggregation.get(InstrumentKind::Histogram);
    aggregation.name() == "base2_exponential_bucket_histogram"
}

fn error(content: &serde_json::Value) -> String {
    with_variables("{}", content, &[]).unwrap_err().to_string()
}

#[test]
fn a_file_sets_exporters_views_limits_and_the_resource() {
    let config = parse(&json!({
        "file_format": "1.0",
        "log_level": "warn2",
        "attribute_limits": {"attribute_value_length_limit": 100},
        "resource": {
            "attributes_list": "team=a,region=x",
            "attributes": [{"name": "region", "value": "y"},
                           {"name": "service.name", "value": "shop"}],
            "schema_url": "https://opentelemetry.io/schemas/1.16.0"},
        "meter_provider": {
            "exemplar_filter": "always_on",
            "readers": [
                {"pull": {"exporter": {"prometheus/development": {
                    "host": "localhost", "port": 9999, "scope_info_enabled": true,
                    "translation_strategy": "no_translation/development"}}}},
                {"periodic": {"interval": 5000, "timeout": 4000, "exporter": {"otlp_http": {
                    "endpoint": "http://c:4318/custom", "compression": "gzip", "encoding": "json",
                    "headers_list": "a=listed,b=c%20d",
                    "headers": [{"name": "A", "value": "k"}, {"name": "gone", "value": null}],
                    "temporality_preference": "low_memory",
                    "default_histogram_aggregation": "base2_exponential_bucket_histogram"}}}},
                {"periodic": {"exporter": {"console": {"temporality_preference": "delta"}}}}],
            "views": [{"selector": {"instrument_name": "x", "unit": null},
                       "stream": {"aggregation": {"drop": null}}}]}
    }));
    assert_eq!(config.warnings, Vec::<String>::new());
    assert_eq!(config.notes, Vec::<String>::new());
    assert_eq!(config.log_level, Some(LogLevel::Warn));
    assert_eq!(config.value_length, 100);
    assert_eq!(config.exemplars, ExemplarFilter::AlwaysOn);
    assert_eq!(attribute(&config, "region").as_deref(), Some("y"));
    assert_eq!(attribute(&config, "team").as_deref(), Some("a"));
    assert_eq!(attribute(&config, "service.name").as_deref(), Some("shop"));
    let (resource, _) = config.resource.build();
    assert_eq!(
        resource.schema_url(),
        Some("https://opentelemetry.io/schemas/1.16.0")
    );
    let page = config.prometheus.as_ref().unwrap();
    assert_eq!(page.listen.unwrap().to_string(), "127.0.0.1:9999");
    assert_eq!(
        page.translation_strategy,
        TranslationStrategy::NoTranslation
    );
    assert_eq!(
        page.settings.port,
        "otel.yaml: meter_provider.readers[0].pull.exporter.prometheus/development.port"
    );
    let otlp = &config.otlp[0];
    assert_eq!(otlp.endpoint, "http://c:4318/custom");
    assert_eq!(otlp.protocol, OtlpProtocol::HttpJson);
    assert_eq!(otlp.compression, Compression::Gzip);
    assert_eq!(otlp.interval, Duration::from_secs(5));
    assert_eq!(otlp.timeout, Duration::from_secs(4));
    assert_eq!(
        otlp.reader.temporality,
        ReaderConfig::new(Temporality::LowMemory).temporality
    );
    assert!(is_exponential(&otlp.reader));
    let headers: Vec<_> = otlp
        .headers
        .iter()
        .map(|(name, value)| format!("{name}={}", value.expose()))
        .collect();
    assert_eq!(headers, ["a=k", "b=c d"]);
    let console = config.console.unwrap();
    assert_eq!(console.interval, Duration::from_secs(60));
    assert_eq!(console.reader, ReaderConfig::new(Temporality::Delta));
    assert_eq!(
        config.streams.views[0].stream.aggregation,
        Some(ViewAggregation::Drop)
    );
}

#[test]
fn what_is_left_out_or_null_has_the_schemas_default() {
    let config = of_exporter(&json!({"otlp_http": null}));
    let otlp = &config.otlp[0];
    assert_eq!(otlp.endpoint, "http://127.0.0.1:4318/v1/metrics");
    assert_eq!(otlp.interval, Duration::from_secs(60));
    assert_eq!(otlp.timeout, Duration::from_secs(10));
    // What no reader names is off.
    assert!(config.prometheus.is_none() && config.console.is_none());

    let config = of_exporter(&json!({"otlp_grpc": {"endpoint": null, "timeout": null}}));
    assert_eq!(only_otlp(config).endpoint, "http://127.0.0.1:4317");

    let config = of_provider(&json!({"readers": [
        {"pull": {"exporter": {"prometheus/development": null}}}]}));
    let page = config.prometheus.unwrap();
    assert_eq!(page.listen.unwrap().to_string(), "127.0.0.1:9464");
}

#[test]
fn a_grpc_target_without_a_scheme_has_the_one_that_insecure_means() {
    for (endpoint, tls, expected) in [
        ("c:4317", json!({"insecure": true}), "http://c:4317"),
        ("c:4317", json!({"insecure": false}), "https://c:4317"),
        ("c:4317", json!(null), "https://c:4317"),
        ("http://c:4317", json!({"insecure": false}), "http://c:4317"),
    ] {
        let config = of_exporter(&json!({"otlp_grpc": {"endpoint": endpoint, "tls": tls}}));
        assert_eq!(only_otlp(config).endpoint, expected);
    }
}

#[test]
fn an_export_ends_with_the_first_of_two_timeouts_and_0_is_none() {
    for (reader, exporter, expected) in [
        (json!(null), json!(null), Duration::from_secs(10)),
        (json!(1000), json!(null), Duration::from_secs(1)),
        (json!(0), json!(2000), Duration::from_secs(2)),
        (json!(3000), json!(0), Duration::from_secs(3)),
        (json!(0), json!(0), NO_LIMIT),
    ] {
        let config = of_provider(&json!({"readers": [{"periodic": {
            "timeout": reader, "exporter": {"otlp_http": {"timeout": exporter}}}}]}));
        assert_eq!(only_otlp(config).timeout, expected);
    }
}

#[test]
fn a_wrong_file_names_the_place_what_was_found_and_what_is_allowed() {
    let exporter = |exporter| {
        json!({"file_format": "1.0",
               "meter_provider": {"readers": [{"periodic": {"exporter": exporter}}]}})
    };
    for (content, at, expected) in [
        (json!(null), "otel.yaml:", "a map of settings"),
        (json!([]), "otel.yaml:", "a map of settings"),
        (
            json!({}),
            "otel.yaml: file_format:",
            "found nothing, expected the version",
        ),
        (
            json!({"file_format": "2.0"}),
            "file_format:",
            "before \"2.0\"",
        ),
        (
            json!({"file_format": "0.4"}),
            "file_format:",
            "found \"0.4\"",
        ),
        (json!({"file_format": "x"}), "file_format:", "found \"x\""),
        (
            json!({"file_format": "1.0", "disabled": "true"}),
            "otel.yaml: disabled:",
            "expected a boolean",
        ),
        (
            json!({"file_format": "1.0", "log_level": "loud"}),
            "otel.yaml: log_level:",
            "trace, debug, info, warn, error or fatal",
        ),
        (
            json!({"file_format": "1.0", "log_level": "warn22"}),
            "otel.yaml: log_level:",
            "alone or with 2, 3 or 4",
        ),
        (
            json!({"file_format": "1.0", "meter_provider": {}}),
            "otel.yaml: meter_provider:",
            "missing field `readers`",
        ),
        (
            json!({"file_format": "1.0", "meter_provider": {"readers": []}}),
            "otel.yaml: meter_provider.readers:",
            "expected a reader",
        ),
        (
            json!({"file_format": "1.0", "meter_provider": {"readers": [{"push": {}}]}}),
            "otel.yaml: meter_provider.readers[0]",
            "`periodic` or `pull`",
        ),
        (
            exporter(json!({"zipkin": null})),
            "otel.yaml: meter_provider.readers[0].periodic.exporter",
            "unknown variant `zipkin`",
        ),
        (
            exporter(json!({"otlp_http": {"endpont": "x"}})),
            "otel.yaml: meter_provider.readers[0].periodic.exporter.otlp_http.endpont:",
            "`endpoint`",
        ),
        (
            exporter(json!({"otlp_http": {"timeout": "5"}})),
            "otlp_http.timeout:",
            "a whole number from 0, without quotes",
        ),
        (
            exporter(json!({"otlp_http": {"timeout": -1}})),
            "otlp_http.timeout:",
            "a whole number from 0",
        ),
        (
            exporter(json!({"otlp_http": {"endpoint": "c:4318"}})),
            "otel.yaml: meter_provider.readers[0].periodic.exporter.otlp_http.endpoint:",
            "expected a URL",
        ),
        (
            exporter(json!({"otlp_http": {"headers_list": "a=b,s3cret"}})),
            "otlp_http.headers_list:",
            "an entry that is not key=value",
        ),
        (
            exporter(json!({"otlp_http": {"headers": ["authorization: s3cret"]}})),
            "otlp_http.headers:",
            "a list of maps of name and value",
        ),
        (
            exporter(json!({"otlp_http": {"headers": "authorization=s3cret"}})),
            "otlp_http.headers:",
            "a list of maps of name and value",
        ),
        (
            exporter(json!({"otlp_http": {"headers": [{"name": "a", "value": "s3cret\n"}]}})),
            "otlp_http.headers.a:",
            "an HTTP header value",
        ),
        (
            exporter(json!({"otlp_http": {"headers_list": ["s3cret"]}})),
            "otlp_http.headers_list:",
            "expected a string",
        ),
        (
            exporter(json!({"otlp_http": {"tls": {"ca_file": "/no/such.pem"}}})),
            "otlp_http.tls.ca_file:",
            "a file that can be read",
        ),
        (
            exporter(json!({"otlp_http": {"tls": {"insecure": true}}})),
            "otlp_http.tls.insecure:",
            "gRPC",
        ),
        (
            exporter(json!({"otlp_grpc": {"encoding": "json"}})),
            "otlp_grpc.encoding:",
            "no such key",
        ),
        (
            json!({"file_format": "1.0", "meter_provider": {"readers": [
                {"periodic": {"interval": 0, "exporter": {"console": null}}}]}}),
            "otel.yaml: meter_provider.readers[0].periodic.interval:",
            "from 1 to",
        ),
        (
            json!({"file_format": "1.0", "meter_provider": {"readers": [
                {"pull": {"exporter": {"prometheus/development": {"host": "example.com"}}}}]}}),
            "otel.yaml: meter_provider.readers[0].pull.exporter.prometheus/development.host:",
            "an IP address",
        ),
        (
            json!({"file_format": "1.0", "meter_provider": {
                "readers": [{"periodic": {"exporter": {"console": null}}}],
                "views": [{"selector": {"instrument_name": "x*"}, "stream": {"name": "y"}}]}}),
            "otel.yaml: meter_provider.views[0].stream.name:",
            "without wildcards",
        ),
        (
            json!({"file_format": "1.0", "resource": {"region": "x"}}),
            "otel.yaml: resource.region:",
            "unknown field `region`",
        ),
        (
            json!({"file_format": "1.0", "resource": {"attributes_list": "x"}}),
            "otel.yaml: resource.attributes_list:",
            "expected key=value",
        ),
    ] {
        let found = error(&content);
        assert!(found.contains(at), "{at}: {found}");
        assert!(found.contains(expected), "{expected}: {found}");
        assert!(!found.contains("s3cret"), "{found}");
    }
}

#[test]
fn readers_have_limits_batches_and_sizes_of_their_own() {
    let config = of_provider(&json!({
        "meter_configurator/development": {
            "default_config": {"enabled": true},
            "meters": [{"name": "noisy.*", "config": {"enabled": false}}]},
        "readers": [
            {"pull": {
                "cardinality_limits": {"default": 100, "gauge": 5},
                "exporter": {"prometheus/development": {
                    "scope_info_enabled": false, "target_info_enabled/development": false,
                    "resource_constant_labels": {"included": ["a"]}}}}},
            {"periodic": {
                "max_export_batch_size/development": 512,
                "cardinality_limits": {"counter": 200},
                "exporter": {"otlp_http": {
                    "max_request_size": 65536, "max_response_size": 131_072}}}},
            {"periodic": {"exporter": {"otlp_grpc": null}}},
            {"periodic": {"exporter": {"console": {
                "default_histogram_aggregation": "base2_exponential_bucket_histogram"}}}}]}));
    assert_eq!(config.warnings, Vec::<String>::new());
    let is_enabled = |name| {
        let scope = InstrumentationScope::builder(name).build();
        config.streams.meters.is_enabled(&scope)
    };
    assert!(!is_enabled("noisy.one"));
    assert!(is_enabled("quiet"));
    let page = config.prometheus.unwrap();
    assert!(!page.content.scope_info && !page.content.target_info);
    assert!(page.content.is_label("a") && !page.content.is_label("b"));
    let limit = |reader: &ReaderConfig, kind| *reader.cardinality_limit.get(kind);
    assert_eq!(limit(&page.reader, InstrumentKind::Counter), Some(100));
    assert_eq!(limit(&page.reader, InstrumentKind::Gauge), Some(5));
    let [http, grpc] = <[OtlpConfig; 2]>::try_from(config.otlp).unwrap();
    assert_eq!(http.max_batch_size, Some(512));
    assert_eq!(
        (http.max_request_size, http.max_response_size),
        (65_536, 131_072)
    );
    assert_eq!(limit(&http.reader, InstrumentKind::Counter), Some(200));
    assert_eq!(limit(&http.reader, InstrumentKind::Gauge), None);
    assert_eq!(http.protocol, OtlpProtocol::HttpProtobuf);
    assert_eq!(grpc.protocol, OtlpProtocol::Grpc);
    assert!(is_exponential(&config.console.unwrap().reader));
}

#[test]
fn what_is_not_supported_is_said_once_each() {
    let config = parse(&json!({
        "file_format": "1.0",
        "attribute_limits": {"attribute_count_limit": 128},
        "meter_provider": {
            "readers": [
                {"pull": {
                    "producers": [{"opencensus": null}],
                    "exporter": {"prometheus/development": null}}},
                {"pull": {"exporter": {"prometheus/development": {"port": 9000}}}},
                {"periodic": {
                    "exporter": {"otlp_http": {"max_request_size": 1, "max_response_size": 0}}}},
                {"periodic": {"max_export_batch_size/development": 512,
                              "exporter": {"console": null}}},
                {"periodic": {"exporter": {"otlp_file/development": {"output_stream": "stdout"}}}},
                {"periodic": {"exporter": {"console": null}}}]}}));
    let said: Vec<_> = config
        .warnings
        .iter()
        .map(|warning| {
            let (place, _) = warning.split_once(": is not supported: ").unwrap();
            place.strip_prefix("otel.yaml: ").unwrap()
        })
        .collect();
    let readers = "meter_provider.readers";
    assert_eq!(
        said,
        [
            "attribute_limits.attribute_count_limit".to_owned(),
            format!("{readers}[0].pull.producers[0].opencensus"),
            format!("{readers}[1].pull.exporter.prometheus/development"),
            format!("{readers}[2].periodic.exporter.otlp_http.max_request_size"),
            format!("{readers}[2].periodic.exporter.otlp_http.max_response_size"),
            format!("{readers}[3].periodic.max_export_batch_size/development"),
            format!("{readers}[4].periodic.exporter.otlp_file/development"),
            format!("{readers}[5].periodic.exporter.console"),
        ]
    );
    let otlp = only_otlp(config);
    assert_eq!(
        (otlp.max_request_size, otlp.max_response_size),
        (DEFAULT_REQUEST_SIZE, DEFAULT_RESPONSE_SIZE)
    );
}

#[test]
fn a_later_format_is_a_warning_and_a_number_is_read_as_one() {
    for (format, warnings) in [
        (json!("1.0"), 0),
        (json!("1.2"), 0),
        (json!("1.0-rc.2"), 0),
        (json!(1), 0),
        (json!(1.1), 0),
        (json!("1.99"), 1),
    ] {
        let config = parse(&json!({"file_format": format}));
        assert_eq!(config.warnings.len(), warnings, "{format}");
    }
}

#[test]
fn what_is_not_for_metrics_is_a_note() {
    let config = parse(&json!({
        "file_format": "1.0", "tracer_provider": {"anything": 1}, "propagator": null}));
    assert_eq!(
        config.notes,
        [
            "otel.yaml: propagator: is not for metrics; ignored by this package",
            "otel.yaml: tracer_provider: is not for metrics; ignored by this package",
            "otel.yaml: meter_provider: found nothing, so no exporter is configured there",
        ]
    );
    assert!(config.prometheus.is_none() && config.otlp.is_empty() && config.console.is_none());
}

#[test]
fn beside_a_file_no_other_variable_counts() {
    let variables = [
        ("OTEL_SDK_DISABLED", "true"),
        ("OTEL_LOG_LEVEL", "loud"),
        ("OTEL_SERVICE_NAME", "variable"),
        ("OTEL_RESOURCE_ATTRIBUTES", "region=variable"),
        ("OTEL_METRICS_EXPORTER", "console"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://variable:1"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "variable=x"),
        ("OTEL_EXPORTER_PROMETHEUS_PORT", "1"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1"),
        ("OTEL_METRICS_EXEMPLAR_FILTER", "always_off"),
        ("OTEL_NODE_RESOURCE_DETECTORS", "all"),
    ];
    let readers = json!([
        {"periodic": {"exporter": {"otlp_http": null}}},
        {"pull": {"exporter": {"prometheus/development": null}}}]);
    let content = json!({"file_format": "1.0", "meter_provider": {"readers": readers}});
    let config = with_variables("{}", &content, &variables).unwrap();
    assert_eq!(config.warnings, Vec::<String>::new());
    assert!(!config.disabled && config.console.is_none() && config.log_level.is_none());
    assert_eq!(attribute(&config, "region"), None);
    assert_eq!(
        attribute(&config, "service.name").as_deref(),
        Some("unknown_service:node")
    );
    assert!(config.resource.detectors.is_empty());
    assert_eq!(config.exemplars, ExemplarFilter::TraceBased);
    assert_eq!(config.value_length, 2048);
    let otlp = &config.otlp[0];
    assert_eq!(otlp.endpoint, "http://127.0.0.1:4318/v1/metrics");
    assert_eq!(otlp.interval, Duration::from_secs(60));
    assert!(otlp.headers.is_empty());
    assert_eq!(config.prometheus.unwrap().listen.unwrap().port(), 9464);

    // But the service detector's.
    let content = json!({"file_format": "1.0", "resource": {
        "detection/development": {"detectors": [{"service": null}]}}});
    let config = with_variables("{}", &content, &variables).unwrap();
    assert_eq!(
        attribute(&config, "service.name").as_deref(),
        Some("variable")
    );
}

#[test]
fn a_view_of_a_file_without_criteria_is_for_all_instruments() {
    for selector in [json!({}), json!({"instrument_name": null, "unit": null})] {
        let config = of_provider(&json!({
            "readers": [{"pull": {"exporter": {"prometheus/development": {}}}}],
            "views": [{"selector": selector, "stream": {"aggregation_cardinality_limit": 7}}]}));
        let view = &config.streams.views[0];
        assert_eq!(view.stream.cardinality_limit, Some(7));
        let scope = InstrumentationScope::builder("any").build();
        let selector = &view.selector;
        assert!(selector.matches(InstrumentKind::Counter, "any", "s", &scope));
    }
}

#[test]
fn options_go_before_a_file_an_exporter_and_the_views_as_a_whole() {
    let content = json!({
        "file_format": "1.0", "disabled": false,
        "attribute_limits": {"attribute_value_length_limit": 100},
        "resource": {"schema_url": "file",
            "attributes": [{"name": "service.name", "value": "file"},
                           {"name": "a", "value": "file"}, {"name": "b", "value": "file"}]},
        "meter_provider": {
            "exemplar_filter": "always_off",
            "readers": [
                {"periodic": {"interval": 5000, "exporter": {"otlp_http": {
                    "endpoint": "http://file/v1/metrics", "compression": "gzip"}}}},
                {"pull": {"exporter": {"prometheus/development": {"port": 1}}}}],
            "views": [{"selector": {"instrument_name": "file"}, "stream": {}}]}});
    let options = r#"{"serviceName": "option", "resource": {"a": "option"}, "exemplars": "always_on",
        "attributeValueLengthLimit": 7, "cardinalityLimit": 3,
        "exporters": {"otlp": {"endpoint": "http://option"}, "console": true},
        "views": [{"selector": {"instrument_name": "option"}, "stream": {}}]}"#;
    let config = with_variables(options, &content, &[]).unwrap();
    assert_eq!(
        attribute(&config, "service.name").as_deref(),
        Some("option")
    );
    assert_eq!(attribute(&config, "a").as_deref(), Some("option"));
    assert_eq!(attribute(&config, "b").as_deref(), Some("file"));
    assert_eq!(config.resource.build().0.schema_url(), Some("file"));
    assert_eq!(config.exemplars, ExemplarFilter::AlwaysOn);
    assert_eq!(
        (config.value_length, config.streams.cardinality_limit),
        (7, 3)
    );
    let otlp = &config.otlp[0];
    assert_eq!(otlp.endpoint, "http://option/v1/metrics");
    assert_eq!(otlp.compression, Compression::None);
    assert_eq!(otlp.interval, Duration::from_secs(60));
    assert!(config.console.is_some());
    assert_eq!(config.prometheus.unwrap().listen.unwrap().port(), 1);
    let views = &config.streams.views;
    assert_eq!(views.len(), 1);
    assert_eq!(views[0].selector.name.as_deref(), Some("option"));

    let config = with_variables(r#"{"exporters": {"prometheus": false}}"#, &content, &[]).unwrap();
    assert!(config.prometheus.is_none());
    let views = &config.streams.views;
    assert_eq!(views[0].selector.name.as_deref(), Some("file"));
}

#[test]
fn a_file_can_disable_metrics() {
    assert!(parse(&json!({"file_format": "1.0", "disabled": true})).disabled);
}

#[test]
fn the_variable_of_the_log_level_takes_words_of_the_javascript_api() {
    for (word, expected) in [
        ("none", Some(LogLevel::None)),
        ("ERROR", Some(LogLevel::Error)),
        ("warn", Some(LogLevel::Warn)),
        ("Info", Some(LogLevel::Info)),
        ("debug", Some(LogLevel::Debug)),
        ("verbose", Some(LogLevel::Debug)),
        ("all", Some(LogLevel::Debug)),
        ("", None),
    ] {
        let config = super::tests::with_environment("{}", &[("OTEL_LOG_LEVEL", word)]);
        assert_eq!(config.log_level, expected, "{word}");
        assert!(config.warnings.is_empty());
    }
    let config = super::tests::with_environment("{}", &[("OTEL_LOG_LEVEL", "loud")]);
    assert_eq!(config.log_level, None);
    assert!(config.warnings[0].starts_with("OTEL_LOG_LEVEL: found \"loud\", expected one of none"));
}
