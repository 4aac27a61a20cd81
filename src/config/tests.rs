use std::time::Duration;

use opentelemetry_sdk::metrics::{Aggregation, InstrumentKind, Temporality};

use super::*;
use crate::error::Code;

pub(super) fn environment(variables: &[(&str, &str)]) -> Environment {
    Environment::new(
        variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    )
}

fn is_exponential(reader: &ReaderConfig) -> bool {
    let aggregation = reader.aggregation.get(InstrumentKind::Histogram);
    aggregation.name() == "base2_exponential_bucket_histogram"
}

fn parse(json: &str) -> Config {
    Config::parse(json, "backend.metrics", &Environment::default()).unwrap()
}

pub(super) fn with_environment(json: &str, variables: &[(&str, &str)]) -> Config {
    Config::parse(json, "backend.metrics", &environment(variables)).unwrap()
}

pub(super) fn attribute(config: &Config, key: &str) -> Option<String> {
    let (resource, _) = config.resource.build();
    resource
        .get(&key.to_owned().into())
        .map(|value| value.to_string())
}

#[test]
fn nothing_configured_is_a_page_on_loopback_and_no_push() {
    let config = parse("{}");
    let prometheus = config.prometheus.unwrap();
    assert_eq!(
        prometheus.listen.unwrap().to_string(),
        "127.0.0.1:9464".to_owned()
    );
    assert_eq!(prometheus.path, "/metrics");
    assert!(config.otlp.is_empty() && config.console.is_none());
    assert_eq!(config.reader, ReaderConfig::new(Temporality::Cumulative));
    assert_eq!(config.streams.cardinality_limit, 2000);
    assert_eq!(config.value_length, 2048);
    assert_eq!(config.exemplars, ExemplarFilter::TraceBased);
    assert!(config.warnings.is_empty());
}

#[test]
fn a_wrong_key_or_value_names_its_path_what_was_found_and_what_is_allowed() {
    let cases = [
        (
            r#"{"exportrs": {}}"#,
            "backend.metrics.exportrs",
            "unknown field `exportrs`",
            "`exporters`",
        ),
        (
            r#"{"exporters": {"prometheus": {"prot": 1}}}"#,
            "exporters.prometheus.prot",
            "unknown field",
            "`port`",
        ),
        (
            r#"{"exporters": {"prometheus": {"port": 70000}}}"#,
            "exporters.prometheus.port",
            "70000",
            "0 to 65535",
        ),
        (
            r#"{"exporters": {"prometheus": {"port": "http"}}}"#,
            "exporters.prometheus.port",
            "\"http\"",
            "0 to 65535",
        ),
        (
            r#"{"exporters": {"prometheus": {"host": "example"}}}"#,
            "exporters.prometheus.host",
            "\"example\"",
            "IP address",
        ),
        (
            r#"{"exporters": {"prometheus": {"path": "metrics"}}}"#,
            "exporters.prometheus.path",
            "\"metrics\"",
            "starts with /",
        ),
        (
            r#"{"exporters": {"prometheus": {"path": "/metrics?all"}}}"#,
            "exporters.prometheus.path",
            "\"/metrics?all\"",
            "no query",
        ),
        (
            r#"{"exporters": {"prometheus": {"path": "/my\tmetrics"}}}"#,
            "exporters.prometheus.path",
            "\"/my\\tmetrics\"",
            "white space",
        ),
        (
            r#"{"exporters": {"prometheus": {"path": "/100%"}}}"#,
            "exporters.prometheus.path",
            "\"/100%\"",
            "write %25",
        ),
        (
            r#"{"exporters": {"prometheus": {"path": "/a/%2E%2e/metrics"}}}"#,
            "exporters.prometheus.path",
            "\"/a/%2E%2e/metrics\"",
            "without //, . and ..",
        ),
        (
            r#"{"exporters": {"prometheus": {"path": "//metrics"}}}"#,
            "exporters.prometheus.path",
            "\"//metrics\"",
            "without //, . and ..",
        ),
        (
            r#"{"exporters": {"prometheus": {"path": "/metrics//"}}}"#,
            "exporters.prometheus.path",
            "\"/metrics//\"",
            "without //, . and ..",
        ),
        (
            r#"{"exporters": {"prometheus": {"onBackend": true, "path": "/a:b"}}}"#,
            "exporters.prometheus.path",
            "\"/a:b\"",
            "letters, digits and - . _ ~",
        ),
        (
            r#"{"exporters": {"prometheus": {"onBackend": true, "path": "/"}}}"#,
            "exporters.prometheus.path",
            "\"/\"",
            "after the /",
        ),
        (
            r#"{"exporters": {"prometheus": {"host": "[[::1"}}}"#,
            "exporters.prometheus.host",
            "\"[[::1\"",
            "IP address",
        ),
        (
            r#"{"exporters": {"prometheus": {"token": ""}}}"#,
            "exporters.prometheus.token",
            "empty",
            "leave the key out",
        ),
        (
            r#"{"exporters": {"prometheus": {"token": " \n"}}}"#,
            "exporters.prometheus.token",
            "empty",
            "leave the key out",
        ),
        (
            r#"{"exporters": {"prometheus": {"token": "two words"}}}"#,
            "exporters.prometheus.token",
            "white space",
            "visible ASCII",
        ),
        (
            r#"{"exporters": {"otlp": {"headers": {"x-key": "schlüssel"}}}}"#,
            "exporters.otlp.headers.x-key",
            "non-ASCII",
            "HTTP header value",
        ),
        (
            r#"{"exporters": {"otlp": {"headers": {"schlüssel": "x"}}}}"#,
            "exporters.otlp.headers",
            "\"schlüssel\"",
            "HTTP header name",
        ),
        (
            r#"{"exporters": {"otlp": {"interval": 3000000000}}}"#,
            "exporters.otlp.interval",
            "3000000000",
            "1 ms to 24 days",
        ),
        (
            r#"{"exporters": {"otlp": {"timeout": 0.5}}}"#,
            "exporters.otlp.timeout",
            "0.5",
            "1 ms to 24 days",
        ),
        (
            r#"{"exporters": {"otlp": {"timeout": -1}}}"#,
            "exporters.otlp.timeout",
            "-1",
            "1 ms to 24 days",
        ),
        (
            r#"{"exitTimeout": {"days": 24, "hours": 24}}"#,
            "exitTimeout",
            "2160000000",
            "1 ms to 24 days",
        ),
        (
            r#"{"exitTimeout": {"days": 1e308, "weeks": 1e308}}"#,
            "exitTimeout",
            "inf",
            "1 ms to 24 days",
        ),
        (
            r#"{"exporters": {"prometheus": {"translationStrategy": "x"}}}"#,
            "exporters.prometheus.translationStrategy",
            "`x`",
            "NoTranslation",
        ),
        (
            r#"{"exporters": {"prometheus": 5}}"#,
            "exporters.prometheus",
            "5",
            "true, false or a map",
        ),
        (
            r#"{"exporters": {"otlp": {"protocol": "udp"}}}"#,
            "exporters.otlp.protocol",
            "`udp`",
            "http/protobuf",
        ),
        (
            r#"{"exporters": {"otlp": [{"endpoint": "http://c:1"}, {"endpoint": "collector"}]}}"#,
            "backend.metrics.exporters.otlp[1].endpoint",
            "\"collector\"",
            "http://",
        ),
        (
            r#"{"exporters": {"otlp": [{"endpoint": "http://c:1", "retries": 5}]}}"#,
            "backend.metrics.exporters.otlp[0].retries",
            "`retries`",
            "`endpoint`",
        ),
        (
            r#"{"exporters": {"otlp": [{"temporality": {"counter": "low"}}]}}"#,
            "backend.metrics.exporters.otlp[0].temporality.counter",
            "`low`",
            "`delta`",
        ),
        (
            r#"{"exporters": {"otlp": [true]}}"#,
            "backend.metrics.exporters.otlp[0]",
            "true",
            "a map of settings",
        ),
        (
            r#"{"exporters": {"otlp": []}}"#,
            "backend.metrics.exporters.otlp",
            "0 exporters",
            "1 to 16",
        ),
        (
            r#"{"exporters": {"otlp": 5}}"#,
            "backend.metrics.exporters.otlp",
            "5",
            "a map of settings or a list of them",
        ),
        (
            r#"{"exporters": {"otlp": {"maxExportBatchSize": 0}}}"#,
            "exporters.otlp.maxExportBatchSize",
            "0",
            "1 to 1000000",
        ),
        (
            r#"{"exporters": {"otlp": {"maxConcurrentExports": 65}}}"#,
            "exporters.otlp.maxConcurrentExports",
            "65",
            "1 to 64",
        ),
        (
            r#"{"exporters": {"otlp": {"maxRequestSize": 1000}}}"#,
            "exporters.otlp.maxRequestSize",
            "1000",
            "65536",
        ),
        (
            r#"{"exporters": {"otlp": {"maxResponseSize": "64 MiB"}}}"#,
            "exporters.otlp.maxResponseSize",
            "\"64 MiB\"",
            "67108864",
        ),
        (
            r#"{"exporters": {"otlp": {"endpoint": "collector"}}}"#,
            "exporters.otlp.endpoint",
            "\"collector\"",
            "http://",
        ),
        (
            r#"{"exporters": {"otlp": {"endpoint": "https://:34c17/x"}}}"#,
            "exporters.otlp.endpoint",
            "\"https://:34c17/x\"",
            "http://",
        ),
        (
            r#"{"exporters": {"otlp": {"endpoint": "http://collector:otlp"}}}"#,
            "exporters.otlp.endpoint",
            "\"http://collector:otlp\"",
            "http://",
        ),
        (
            r#"{"exporters": {"otlp": {"interval": {"second": 1}}}}"#,
            "exporters.otlp.interval",
            "unknown field `second`",
            "`seconds`",
        ),
        (
            r#"{"exporters": {"otlp": {"interval": 0}}}"#,
            "exporters.otlp.interval",
            "0",
            "1 ms to 24 days",
        ),
        (
            r#"{"exporters": {"otlp": {"tls": {"certFile": "Cargo.toml"}}}}"#,
            "exporters.otlp.tls",
            "one of certFile and keyFile",
            "both or neither",
        ),
        (
            r#"{"exporters": {"otlp": {"headers": {"a b": "c"}}}}"#,
            "exporters.otlp.headers",
            "\"a b\"",
            "header name",
        ),
        (
            r#"{"cardinalityLimit": 0}"#,
            "cardinalityLimit",
            "0",
            "1 to 1000000",
        ),
        (
            r#"{"naming": {"mode": "loose"}}"#,
            "naming.mode",
            "`loose`",
            "passthrough",
        ),
        (
            r#"{"resource": {"a": {"b": 1}}}"#,
            "resource.a",
            r#"{"b":1}"#,
            "a string, a number",
        ),
        (
            r#"{"views": [{"selector": {}}]}"#,
            "views[0].selector",
            "nothing",
            "instrument_name",
        ),
        (
            r#"{"views": [{"selector": {"instrument_name": "*"}, "stream": {"name": "x"}}]}"#,
            "views[0].stream.name",
            "several instruments",
            "without wildcards",
        ),
        (
            r#"{"views": [{"selector": {"instrument_name": "a"}, "stream": {"aggregation": {"explicit_bucket_histogram": {"boundaries": [2, 1]}}}}]}"#,
            "views[0].stream.aggregation.explicit_bucket_histogram.boundaries",
            "2 before 1",
            "ascending",
        ),
        (
            r#"{"views": [{"selector": {"unit": "s"}, "stream": {"aggregation": {"base2_exponential_bucket_histogram": {"max_scale": 30}}}}]}"#,
            "max_scale",
            "30",
            "-10 to 20",
        ),
        (
            r#"{"exporters": {"otlp": {"temporality": "low"}}}"#,
            "exporters.otlp.temporality",
            "`low`",
            "`lowmemory`",
        ),
        (
            r#"{"exporters": {"otlp": {"temporality": 5}}}"#,
            "exporters.otlp.temporality",
            "5",
            "a map by kind of instrument",
        ),
        (
            r#"{"exporters": {"console": {"temporality": {"counter": "lowmemory"}}}}"#,
            "exporters.console.temporality.counter",
            "`lowmemory`",
            "`cumulative` or `delta`",
        ),
        (
            r#"{"exporters": {"otlp": {"temporality": {"timer": "delta"}}}}"#,
            "exporters.otlp.temporality.timer",
            "`timer`",
            "`observable_up_down_counter`",
        ),
        (
            r#"{"exporters": {"prometheus": {"temporality": "delta"}}}"#,
            "exporters.prometheus.temporality",
            "`temporality`",
            "`defaultAggregation`",
        ),
        (
            r#"{"exporters": {"prometheus": {"cardinalityLimits": {"counter": 0}}}}"#,
            "exporters.prometheus.cardinalityLimits.counter",
            "0",
            "1 to 1000000",
        ),
        (
            r#"{"exporters": {"prometheus": {"cardinalityLimits": 5}}}"#,
            "exporters.prometheus.cardinalityLimits",
            "5",
            "a map of settings",
        ),
        (
            r#"{"exporters": {"otlp": {"defaultAggregation": {"default": {"drop": {}}}}}}"#,
            "exporters.otlp.defaultAggregation",
            "`default`",
            "`counter`",
        ),
        (
            r#"{"exporters": {"otlp": {"defaultAggregation": {"observable_counter": {"explicit_bucket_histogram": {}}}}}}"#,
            "exporters.otlp.defaultAggregation.observable_counter",
            "explicit_bucket_histogram",
            "default, drop or sum",
        ),
        (
            r#"{"exporters": {"console": {"defaultAggregation": {"counter": {"last_value": {}}}}}}"#,
            "exporters.console.defaultAggregation.counter",
            "last_value",
            "default, drop, sum or a histogram",
        ),
        (
            r#"{"exporters": {"otlp": {"defaultAggregation": {"histogram": {"explicit_bucket_histogram": {"boundaries": [2, 1]}}}}}}"#,
            "exporters.otlp.defaultAggregation.histogram.explicit_bucket_histogram.boundaries",
            "2 before 1",
            "ascending",
        ),
        (
            r#"{"exporters": {"otlp": {"histogram": "explicit", "defaultAggregation": {"histogram": {"drop": {}}}}}}"#,
            "exporters.otlp.histogram",
            "beside defaultAggregation.histogram",
            "one of the two",
        ),
        (
            r#"{"exemplars": "sometimes"}"#,
            "backend.metrics.exemplars",
            "`sometimes`",
            "trace_based",
        ),
        (
            r#"{"views": [{"selector": {"unit": "s"}, "stream": {"exemplar_reservoir": {"simple_fixed_size": {"size": 2000}}}}]}"#,
            "views[0].stream.exemplar_reservoir.simple_fixed_size.size",
            "2000",
            "1 to 1000",
        ),
        (
            r#"{"producers": {"prometheus": {"include": ["a"]}}}"#,
            "producers.prometheus.include",
            "`include`",
            "`included`",
        ),
        (
            r#"{"producers": {"prometheus": "sometimes"}}"#,
            "producers.prometheus",
            "\"sometimes\"",
            "true, false or a map of settings",
        ),
        (
            r#"{"core": {"http": "sometimes"}}"#,
            "core.http",
            "\"sometimes\"",
            "true or false",
        ),
        (r#"[]"#, "backend.metrics", "sequence", "a map of settings"),
        (
            r#"{"exporters": []}"#,
            "backend.metrics.exporters",
            "sequence",
            "a map of settings",
        ),
    ];
    for (json, path, found, allowed) in cases {
        let error = Config::parse(json, "backend.metrics", &Environment::default()).unwrap_err();
        assert_eq!(error.code(), Code::InvalidConfig, "{json}");
        for part in [path, found, allowed] {
            assert!(
                error.message().contains(part),
                "{json}: {error} lacks {part:?}"
            );
        }
        assert!(!error.message().contains("at line"), "{error}");
    }
}

#[test]
fn secrets_never_appear_in_errors_or_debug_output() {
    let config = parse(
        r#"{"exporters": {
            "prometheus": {"token": "hunter2"},
            "otlp": {"endpoint": "http://c:1", "headers": {"authorization": "Bearer hunter2"}}
        }}"#,
    );
    assert!(!format!("{config:?}").contains("hunter2"));
    let refused = [
        r#"{"exporters": {"prometheus": {"token": ["hunter2"]}}}"#,
        r#"{"exporters": {"prometheus": {"token": "hunter2 "}}, "x": 1}"#,
        r#"{"exporters": {"prometheus": {"token": "hunter2\u0000"}}}"#,
        r#"{"exporters": {"prometheus": {"token": "hunter2\u00e9"}}}"#,
        r#"{"exporters": {"prometheus": {"token": "hunter2\u200bx"}}}"#,
        r#"{"exporters": {"prometheus": {"token": "a\nhunter2"}}}"#,
        r#"{"exporters": {"otlp": {"headers": {"authorization": {"a": "hunter2"}}}}}"#,
        r#"{"exporters": {"otlp": {"headers": {"authorization": "hunter2\n"}}}}"#,
        r#"{"exporters": {"otlp": {"endpoint": "ftp://me:hunter2@host"}}}"#,
        r#"{"exporters": {"otlp": {"endpoint": "ftp://host/?token=hunter2"}}}"#,
        r#"{"exporters": {"otlp": {"endpoint": "host?token=hunter2@x"}}}"#,
        r#"{"exporters": {"otlp": {"endpoint": "http://me:hunter2?x@collector:4318"}}}"#,
        r#"{"exporters": {"otlp": {"endpoint": "http://collector:x/#hunter2"}}}"#,
        r#"{"exporters": {"otlp": {"endpoint": "http://collector:x/?token=y@hunter2"}}}"#,
    ];
    for json in refused {
        let error = Config::parse(json, "backend.metrics", &Environment::default()).unwrap_err();
        assert!(!error.message().contains("hunter2"), "{error}");
    }
}

#[test]
fn white_space_around_a_secret_is_no_part_of_it() {
    let config = parse(
        r#"{"exporters": {
            "prometheus": {"token": "\t hunter2\r\n"},
            "otlp": {"headers": {"a": " Bearer hunter2\t"}}
        }}"#,
    );
    assert_eq!(
        config.prometheus.unwrap().token.unwrap().expose(),
        "hunter2"
    );
    assert_eq!(config.otlp[0].headers["a"].expose(), "Bearer hunter2");
}

#[test]
fn numbers_and_switches_may_be_strings_as_variables_in_app_config_yield() {
    let config = parse(
        r#"{"cardinalityLimit": "10",
            "exporters": {"prometheus": {"port": "1234", "onBackend": "true", "unauthenticated": "true"}, "console": "true"}}"#,
    );
    let prometheus = config.prometheus.unwrap();
    assert_eq!(prometheus.listen.unwrap().port(), 1234);
    assert!(prometheus.on_backend);
    assert!(config.console.is_some());
    assert_eq!(config.streams.cardinality_limit, 10);
}

#[test]
fn a_page_that_others_can_read_has_a_token_or_is_open_on_purpose() {
    let page = |settings: &str| format!(r#"{{"exporters": {{"prometheus": {settings}}}}}"#);
    let refused = |settings: &str| match Config::parse(
        &page(settings),
        "backend.metrics",
        &Environment::default(),
    ) {
        Ok(_) => panic!("{settings} is accepted"),
        Err(error) => error.message().to_owned(),
    };
    for host in ["0.0.0.0", "::", "10.1.2.3", "::ffff:10.1.2.3"] {
        let message = refused(&format!(r#"{{"host": "{host}"}}"#));
        let expected = format!(
            "backend.metrics.exporters.prometheus.host: found {host:?} without a token: everyone who \
             reaches this machine could read the metrics; set \
             backend.metrics.exporters.prometheus.token, where a variable that is not set counts as \
             none, or backend.metrics.exporters.prometheus.unauthenticated: true where nobody but the \
             scraper reaches it"
        );
        assert_eq!(message, expected);
    }
    for (settings, place) in [
        (
            r#"{"onBackend": true}"#,
            "onBackend: found true without a token",
        ),
        (
            r#"{"onBackend": "true", "server": false}"#,
            "onBackend: found true",
        ),
        (
            r#"{"onBackend": true, "host": "0.0.0.0"}"#,
            "onBackend: found true",
        ),
        (
            r#"{"token": "t", "unauthenticated": true}"#,
            "unauthenticated: found true",
        ),
        (
            r#"{"host": "0.0.0.0", "token": ""}"#,
            "token: found an empty string",
        ),
        (
            r#"{"host": "0.0.0.0", "unauthenticated": false}"#,
            "host: found",
        ),
    ] {
        let message = refused(settings);
        assert!(message.contains(place), "{settings}: {message}");
    }
    for settings in [
        "{}",
        r#"{"host": "127.0.0.2"}"#,
        r#"{"host": "::1"}"#,
        r#"{"host": "::ffff:127.0.0.1"}"#,
        r#"{"host": "localhost"}"#,
        r#"{"host": "0.0.0.0", "token": "t"}"#,
        r#"{"host": "0.0.0.0", "unauthenticated": "true"}"#,
        r#"{"onBackend": true, "unauthenticated": true}"#,
        // There is no port.
        r#"{"host": "0.0.0.0", "server": false, "onBackend": true, "token": "t"}"#,
    ] {
        let config = Config::parse(&page(settings), "backend.metrics", &Environment::default());
        assert_eq!(config.unwrap().warnings, [""; 0], "{settings}");
    }
}

#[test]
fn a_variable_opens_the_page_with_a_warning() {
    let variable = [("OTEL_EXPORTER_PROMETHEUS_HOST", "0.0.0.0")];
    let advice =
        "OTEL_EXPORTER_PROMETHEUS_HOST: the metrics page on 0.0.0.0 is open: everyone who reaches this machine can read it";
    for settings in ["{}", r#"{"exporters": {"prometheus": {}}}"#] {
        let [warning] = &with_environment(settings, &variable).warnings[..] else {
            panic!("{settings}");
        };
        assert!(warning.starts_with(advice), "{warning}");
        assert!(warning.contains("exporters.prometheus.token"), "{warning}");
    }
    for settings in [
        r#"{"exporters": {"prometheus": {"token": "t"}}}"#,
        r#"{"exporters": {"prometheus": {"unauthenticated": true}}}"#,
        r#"{"exporters": {"prometheus": {"server": false}}}"#,
        r#"{"exporters": {"prometheus": false}}"#,
    ] {
        assert_eq!(
            with_environment(settings, &variable).warnings,
            [""; 0],
            "{settings}"
        );
    }
}

#[test]
fn durations_are_maps_or_milliseconds() {
    let cases = [
        (r#"{"seconds": 15}"#, 15_000),
        (r#"{"minutes": 1, "seconds": 1.5}"#, 61_500),
        ("250", 250),
        ("1e3", 1000),
        (r#"{"days": 24, "hours": 20}"#, 2_145_600_000),
        // The longest that a JavaScript timer holds.
        ("2147483647", 2_147_483_647),
    ];
    for (duration, milliseconds) in cases {
        let config = parse(&format!(r#"{{"exitTimeout": {duration}}}"#));
        assert_eq!(config.exit_timeout, Duration::from_millis(milliseconds));
    }
}

#[test]
fn an_endpoint_in_the_options_or_the_environment_turns_otlp_on() {
    assert!(!parse(r#"{"exporters": {"otlp": {}}}"#).otlp.is_empty());
    for name in [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    ] {
        let config = with_environment("{}", &[(name, "http://c:1")]);
        assert_eq!(config.otlp.len(), 1);
    }
    let off = with_environment(
        r#"{"exporters": {"otlp": false}}"#,
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:1")],
    );
    assert!(off.otlp.is_empty());
}

#[test]
fn several_otlp_exporters_each_have_what_they_say_and_the_environment_for_the_rest() {
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://env:1"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=b"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
    ];
    let json = r#"{"exporters": {"otlp": [
        {"endpoint": "http://own:2", "protocol": "grpc", "temporality": "delta"},
        {"compression": "gzip"}]}}"#;
    let config = with_environment(json, &variables);
    let [first, second] = &config.otlp[..] else {
        panic!("{:?}", config.otlp);
    };
    assert_eq!(first.endpoint, "http://own:2");
    assert_eq!(second.endpoint, "http://env:1/v1/metrics");
    let protocols = [OtlpProtocol::Grpc, OtlpProtocol::HttpProtobuf];
    assert_eq!([first.protocol, second.protocol], protocols);
    let compressions = [Compression::None, Compression::Gzip];
    assert_eq!([first.compression, second.compression], compressions);
    assert_eq!(second.reader, ReaderConfig::new(Temporality::Cumulative));
    assert_eq!(first.headers["a"].expose(), "b");
    assert_eq!(second.headers["a"].expose(), "b");
    assert_eq!(config.warnings.len(), 1, "{:?}", config.warnings);
}

#[test]
fn an_endpoint_of_the_environment_is_not_that_of_two_exporters() {
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:1")];
    let refused = |list: &str, variables: &[(&str, &str)]| {
        let json = format!(r#"{{"exporters": {{"otlp": {list}}}}}"#);
        Config::parse(&json, "backend.metrics", &environment(variables))
            .err()
            .map(|error| error.to_string())
    };
    let beside = |place: usize, other: usize| {
        (
            format!("backend.metrics.exporters.otlp[{place}].endpoint: found none"),
            format!("backend.metrics.exporters.otlp[{other}] sends to"),
        )
    };
    for (list, (path, found)) in [
        ("[{}, {}]", beside(1, 0)),
        (r#"[{}, {"endpoint": "http://c:1"}]"#, beside(0, 1)),
        (
            r#"[{"endpoint": "http://c:1"}, {"interval": 5}]"#,
            beside(1, 0),
        ),
    ] {
        let error = refused(list, &variables).expect(list);
        assert!(error.contains(&path) && error.contains(&found), "{error}");
    }
    assert!(refused("[{}, {}]", &[]).is_some(), "the default endpoint");
    for list in [
        "[{}]",
        r#"[{}, {"endpoint": "http://d:1"}]"#,
        // Whoever writes one twice means it: headers may tell tenants apart.
        r#"[{"endpoint": "http://c:1"}, {"endpoint": "http://c:1", "headers": {"tenant": "b"}}]"#,
    ] {
        assert_eq!(refused(list, &variables), None, "{list}");
    }
}

#[test]
fn metrics_of_prometheus_clients_are_those_that_the_patterns_leave() {
    let produced =
        |json: &str| parse(&format!(r#"{{"producers": {{"prometheus": {json}}}}}"#)).produced;
    for (json, kept) in [
        ("true", [true, true, true]),
        ("{}", [true, true, true]),
        (r#"{"included": ["catalog_*"]}"#, [true, true, false]),
        (r#"{"excluded": ["*_total"]}"#, [true, false, true]),
        (
            r#"{"included": ["catalog_*"], "excluded": ["catalog_?_total"]}"#,
            [true, false, false],
        ),
        (r#"{"included": []}"#, [false, false, false]),
    ] {
        let filter = produced(json);
        let names = ["catalog_entities", "catalog_x_total", "nodejs_version"];
        assert_eq!(names.map(|name| filter.keeps(name)), kept, "{json}");
    }
}

#[test]
fn endpoints_get_the_metrics_path_where_the_specification_says_so() {
    let endpoint = |json: &str, variables: &[(&str, &str)]| {
        with_environment(json, variables).otlp.remove(0).endpoint
    };
    let on = r#"{"exporters": {"otlp": {}}}"#;
    assert_eq!(endpoint(on, &[]), "http://127.0.0.1:4318/v1/metrics");
    assert_eq!(
        endpoint(on, &[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]),
        "http://127.0.0.1:4317"
    );
    assert_eq!(
        endpoint(on, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:1/base/")]),
        "http://c:1/base/v1/metrics"
    );
    assert_eq!(
        endpoint(
            on,
            &[("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://c:1/as-is")]
        ),
        "http://c:1/as-is"
    );
    // A base URL, whatever it looks like.
    assert_eq!(
        endpoint(
            on,
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:1/v1/metrics")]
        ),
        "http://c:1/v1/metrics/v1/metrics"
    );
    let explicit = r#"{"exporters": {"otlp": {"endpoint": "http://c:1/v1/metrics"}}}"#;
    assert_eq!(endpoint(explicit, &[]), "http://c:1/v1/metrics");
    for (given, expected) in [
        ("http://c:1?key=a/b", "http://c:1/v1/metrics?key=a/b"),
        (
            "http://c:1/?key=/v1/metrics",
            "http://c:1/v1/metrics?key=/v1/metrics",
        ),
        (
            "http://c:1/v1/metrics/?key=a",
            "http://c:1/v1/metrics?key=a",
        ),
        // A scheme may be written in either case (RFC 3986, section 3.1).
        ("HTTP://c:1", "HTTP://c:1/v1/metrics"),
        ("Https://c:1/base", "Https://c:1/base/v1/metrics"),
    ] {
        let query = format!(r#"{{"exporters": {{"otlp": {{"endpoint": "{given}"}}}}}}"#);
        assert_eq!(endpoint(&query, &[]), expected);
    }
}

#[test]
fn explicit_options_go_before_the_environment_and_the_environment_before_defaults() {
    let variables = [
        ("OTEL_SERVICE_NAME", "from-environment"),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "team=a%20b,service.name=lost,region=x",
        ),
        ("OTEL_EXPORTER_PROMETHEUS_HOST", "0.0.0.0"),
        ("OTEL_EXPORTER_PROMETHEUS_PORT", "9999"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "5000"),
        ("OTEL_METRIC_EXPORT_TIMEOUT", "700"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:1"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=general,b=general"),
        ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "b=metrics"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "Delta"),
        (
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
            "base2_exponential_bucket_histogram",
        ),
    ];
    let config = with_environment("{}", &variables);
    assert_eq!(
        attribute(&config, "service.name").unwrap(),
        "from-environment"
    );
    assert_eq!(attribute(&config, "team").unwrap(), "a b");
    let prometheus = config.prometheus.as_ref().unwrap();
    assert_eq!(prometheus.listen.unwrap().to_string(), "0.0.0.0:9999");
    let otlp = &config.otlp[0];
    assert_eq!(otlp.interval, Duration::from_secs(5));
    assert_eq!(otlp.timeout, Duration::from_millis(700));
    assert_eq!(otlp.headers["a"].expose(), "general");
    assert_eq!(otlp.headers["b"].expose(), "metrics");
    assert_eq!(otlp.compression, Compression::Gzip);
    let delta = ReaderConfig::new(Temporality::Delta);
    assert_eq!(otlp.reader.temporality, delta.temporality);
    assert!(is_exponential(&otlp.reader));

    let config = with_environment(
        r#"{"serviceName": "explicit", "resource": {"region": "y"},
            "exporters": {
                "prometheus": {"host": "127.0.0.1", "port": 1},
                "otlp": {"endpoint": "http://d:2", "interval": 1000, "timeout": 2000,
                         "headers": {"B": "explicit"}, "compression": "none",
                         "temporality": "lowmemory", "histogram": "explicit"}}}"#,
        &variables,
    );
    assert_eq!(attribute(&config, "service.name").unwrap(), "explicit");
    assert_eq!(attribute(&config, "region").unwrap(), "y");
    let prometheus = config.prometheus.unwrap();
    assert_eq!(prometheus.listen.unwrap().to_string(), "127.0.0.1:1");
    let otlp = &config.otlp[0];
    assert_eq!(otlp.endpoint, "http://d:2/v1/metrics");
    assert_eq!(otlp.interval, Duration::from_secs(1));
    assert_eq!(otlp.timeout, Duration::from_secs(2));
    assert_eq!(otlp.headers["b"].expose(), "explicit");
    assert_eq!(otlp.compression, Compression::None);
    assert_eq!(otlp.reader, ReaderConfig::new(Temporality::LowMemory));
}

#[test]
fn the_exporter_variable_selects_what_the_options_leave_open() {
    let variables = [("OTEL_METRICS_EXPORTER", "otlp, console")];
    let config = with_environment("{}", &variables);
    assert!(config.prometheus.is_none() && !config.otlp.is_empty() && config.console.is_some());
    let config = with_environment(r#"{"exporters": {"prometheus": true}}"#, &variables);
    assert!(config.prometheus.is_some());
    let config = with_environment("{}", &[("OTEL_METRICS_EXPORTER", "none")]);
    assert!(config.prometheus.is_none() && config.otlp.is_empty());
}

#[test]
fn the_console_prints_every_ten_seconds_unless_told_otherwise() {
    let console = |json: &str, variables: &[(&str, &str)]| {
        let config = with_environment(json, variables).console.unwrap();
        let temporality = *config.reader.temporality.get(InstrumentKind::Counter);
        (config.interval.as_secs(), temporality)
    };
    let on = r#"{"exporters": {"console": true}}"#;
    let interval = [("OTEL_METRIC_EXPORT_INTERVAL", "7000")];
    assert_eq!(console(on, &[]), (10, Temporality::Cumulative));
    assert_eq!(console(on, &interval), (7, Temporality::Cumulative));
    let told =
        r#"{"exporters": {"console": {"interval": {"seconds": 3}, "temporality": "delta"}}}"#;
    assert_eq!(console(told, &interval), (3, Temporality::Delta));
    let named = [("OTEL_METRICS_EXPORTER", "console")];
    assert_eq!(console("{}", &named), (10, Temporality::Cumulative));
}

#[test]
fn unknown_words_in_the_environment_are_reported_and_ignored() {
    let cases = [
        ("OTEL_METRICS_EXPORTER", "carrier-pigeon"),
        ("OTEL_SDK_DISABLED", "maybe"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "soon"),
        ("OTEL_RESOURCE_ATTRIBUTES", "no-equals-sign"),
    ];
    for (name, value) in cases {
        let config = with_environment(r#"{"exporters": {"otlp": {}}}"#, &[(name, value)]);
        assert_eq!(config.warnings.len(), 1, "{name}");
        assert!(config.warnings[0].contains(name), "{:?}", config.warnings);
    }
}

#[test]
fn the_length_of_attribute_values_comes_from_the_options_then_the_environment() {
    let name = "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT";
    let option = r#"{"attributeValueLengthLimit": "64"}"#;
    for (options, variable, length, warnings) in [
        ("{}", "16", 16, 0),
        (option, "16", 64, 0),
        ("{}", "4294967295", 1_000_000, 0),
        ("{}", "0", 2048, 1),
        ("{}", "-1", 2048, 1),
        ("{}", "1e3", 2048, 1),
        ("{}", "", 2048, 0),
    ] {
        let config = with_environment(options, &[(name, variable)]);
        assert_eq!(config.value_length, length, "{options} {variable}");
        assert_eq!(config.warnings.len(), warnings, "{:?}", config.warnings);
        assert!(config.warnings.iter().all(|warning| warning.contains(name)));
    }
}

#[test]
fn the_filter_of_exemplars_comes_from_the_options_then_the_environment() {
    use ExemplarFilter::*;
    let name = "OTEL_METRICS_EXEMPLAR_FILTER";
    let option = r#"{"exemplars": "always_off"}"#;
    for (options, variable, filter, warnings) in [
        ("{}", "always_on", AlwaysOn, 0),
        ("{}", "Always_Off", AlwaysOff, 0),
        (option, "always_on", AlwaysOff, 0),
        ("{}", "sometimes", TraceBased, 1),
        ("{}", "", TraceBased, 0),
    ] {
        let config = with_environment(options, &[(name, variable)]);
        assert_eq!(config.exemplars, filter, "{options} {variable}");
        assert_eq!(config.warnings.len(), warnings, "{:?}", config.warnings);
        assert!(config.warnings.iter().all(|warning| warning.contains(name)));
    }
}

#[test]
fn a_header_in_the_environment_that_is_none_is_ignored_and_not_repeated() {
    let config = with_environment(
        r#"{"exporters": {"otlp": true}}"#,
        &[(
            "OTEL_EXPORTER_OTLP_HEADERS",
            "authorization: Bearer s3cret=,;s3cret;x=1,x-good=2",
        )],
    );
    let headers = &config.otlp[0].headers;
    assert_eq!(headers.keys().collect::<Vec<_>>(), ["x-good"]);
    assert_eq!(config.warnings.len(), 2);
    for warning in &config.warnings {
        assert!(warning.contains("OTEL_EXPORTER_OTLP_HEADERS"));
        assert!(!warning.contains("s3cret"));
    }
}

#[test]
fn every_resource_has_a_name_an_instance_and_an_sdk() {
    let config = parse("{}");
    for key in ["service.name", "service.instance.id", "telemetry.sdk.name"] {
        assert!(attribute(&config, key).is_some(), "{key}");
    }
    let again = parse("{}");
    assert_ne!(
        attribute(&config, "service.instance.id"),
        attribute(&again, "service.instance.id")
    );
}

#[test]
fn views_read_the_keys_of_the_declarative_configuration() {
    let config = parse(
        r#"{"views": [
            {"selector": {"instrument_name": "http.*", "instrument_type": "up_down_counter",
                          "unit": "s", "meter_name": "m", "meter_version": "1", "meter_schema_url": "u"},
             "stream": {"description": "d", "aggregation_cardinality_limit": 5,
                        "attribute_keys": {"included": ["a*"], "excluded": ["ab"]},
                        "aggregation": {"drop": null}}},
            {"selector": {"instrument_name": "x"},
             "stream": {"name": "y", "aggregation": {"base2_exponential_bucket_histogram":
                        {"max_scale": 3, "max_size": 20, "record_min_max": false}}}}
        ]}"#,
    );
    let [first, second] = &config.streams.views[..] else {
        panic!("{:?}", config.streams.views)
    };
    assert_eq!(first.stream.aggregation, Some(ViewAggregation::Drop));
    assert_eq!(first.stream.cardinality_limit, Some(5));
    let kept = |key| first.stream.attributes.keeps(key);
    assert!(kept("a") && kept("abc") && !kept("ab") && !kept("b"));
    assert_eq!(second.stream.name.as_deref(), Some("y"));
    assert_eq!(
        second.stream.aggregation,
        Some(ViewAggregation::Sdk(
            Aggregation::Base2ExponentialHistogram {
                max_size: 20,
                max_scale: 3,
                record_min_max: false
            }
        ))
    );
}

#[test]
fn where_the_page_is_can_be_changed_by_what_decided_it() {
    let variables = [
        ("OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1"),
        ("OTEL_EXPORTER_PROMETHEUS_PORT", "9999"),
    ];
    for (path, options, host, port) in [
        (
            "backend.metrics",
            r#"{"exporters":{"prometheus":{"host":"::1","port":1}}}"#,
            "backend.metrics.exporters.prometheus.host",
            "backend.metrics.exporters.prometheus.port",
        ),
        (
            "options",
            r#"{"exporters":{"prometheus":{"port":1}}}"#,
            "OTEL_EXPORTER_PROMETHEUS_HOST",
            "options.exporters.prometheus.port",
        ),
        (ENVIRONMENT, "{}", variables[0].0, variables[1].0),
    ] {
        let config = Config::parse(options, path, &environment(&variables)).unwrap();
        let settings = config.prometheus.unwrap().settings;
        assert_eq!(
            (settings.host.as_str(), settings.port.as_str()),
            (host, port)
        );
    }
    // Nobody decided: the defaults are changed where the rest stands.
    for (path, port) in [
        ("options", "options.exporters.prometheus.port"),
        (ENVIRONMENT, "OTEL_EXPORTER_PROMETHEUS_PORT"),
    ] {
        let config = Config::parse("{}", path, &environment(&[])).unwrap();
        assert_eq!(config.prometheus.unwrap().settings.port, port);
    }
}
