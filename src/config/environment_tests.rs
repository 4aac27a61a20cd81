//! Every variable, with every kind of value.

use std::time::Duration;

use opentelemetry_sdk::metrics::{InstrumentKind, Temporality};

use super::tests::{attribute, environment, with_environment};
use super::*;

/// Reads one setting of a configuration as text.
type Read = fn(&Config) -> String;

/// A setting that variables make.
struct Case {
    /// Those of which the first usable one decides.
    names: &'static [&'static str],
    read: Read,
    /// What the setting is when no variable can be used.
    unset: &'static str,
    /// Values, and what they make.
    right: &'static [(&'static str, &'static str)],
    /// Values that count as unset.
    wrong: &'static [&'static str],
}

fn otlp(config: &Config) -> &OtlpConfig {
    &config.otlp[0]
}

fn listen(config: &Config) -> String {
    config
        .prometheus
        .as_ref()
        .unwrap()
        .listen
        .unwrap()
        .to_string()
}

fn timeout(config: &Config) -> String {
    match otlp(config).timeout {
        NO_LIMIT => "none".to_owned(),
        limit => limit.as_millis().to_string(),
    }
}

fn exporters(config: &Config) -> String {
    // Here OTLP is always asked for by an option.
    let on = [
        ("prometheus", config.prometheus.is_some()),
        ("console", config.console.is_some()),
    ];
    let on = on.into_iter().filter(|(_, is_on)| *is_on);
    on.map(|(name, _)| name).collect::<Vec<_>>().join(" ")
}

const NO_INTEGERS: &[&str] = &[
    "often",
    "-1",
    "+1",
    "1.5",
    "1e3",
    "0x10",
    "1_000",
    "1 000",
    "10s",
    "",
    " \t",
    "NaN",
    "Infinity",
    "3000000000",
    "2147483648",
    "18446744073709551616",
    "٣",
];

const CASES: &[Case] = &[
    Case {
        names: &["OTEL_SDK_DISABLED"],
        read: |config| config.disabled.to_string(),
        unset: "false",
        right: &[
            ("true", "true"),
            ("TRUE", "true"),
            (" True\n", "true"),
            ("false", "false"),
            ("FALSE", "false"),
        ],
        wrong: &["1", "yes", "on", "0", "maybe", "", " "],
    },
    Case {
        names: &["OTEL_METRICS_EXPORTER"],
        read: exporters,
        unset: "prometheus",
        right: &[
            ("prometheus", "prometheus"),
            ("Prometheus", "prometheus"),
            ("OTLP, PROMETHEUS", "prometheus"),
            ("otlp", ""),
            ("console", "console"),
            ("logging", "console"),
            (" otlp ,,console, ", "console"),
            ("console,console", "console"),
            ("none", ""),
            ("None", ""),
        ],
        wrong: &[
            "carrier-pigeon",
            "carrier,pigeon",
            "otlp/stdout",
            "otlp;console",
            ",",
            " , ",
            "",
        ],
    },
    Case {
        names: &["OTEL_EXPORTER_PROMETHEUS_HOST"],
        read: listen,
        unset: "127.0.0.1:9464",
        right: &[
            ("0.0.0.0", "0.0.0.0:9464"),
            ("::", "[::]:9464"),
            ("[::1]", "[::1]:9464"),
            (" localhost ", "127.0.0.1:9464"),
            ("LOCALHOST", "127.0.0.1:9464"),
        ],
        wrong: &[
            "example.com",
            "0.0.0.0:9464",
            "256.0.0.1",
            "[::1",
            "*",
            "",
            "\t",
        ],
    },
    Case {
        names: &["OTEL_EXPORTER_PROMETHEUS_PORT"],
        read: listen,
        unset: "127.0.0.1:9464",
        right: &[
            ("9999", "127.0.0.1:9999"),
            (" 65535 ", "127.0.0.1:65535"),
            ("0", "127.0.0.1:0"),
        ],
        wrong: &[
            "65536", "-1", "+9999", "9999.0", "http", "0x10", "1e3", "", " ",
        ],
    },
    Case {
        names: &["OTEL_METRIC_EXPORT_INTERVAL"],
        read: |config| otlp(config).interval.as_millis().to_string(),
        unset: "60000",
        right: &[("5000", "5000"), (" 1 ", "1"), ("2147483647", "2147483647")],
        wrong: NO_INTEGERS,
    },
    Case {
        names: &["OTEL_METRIC_EXPORT_INTERVAL"],
        read: |config| otlp(config).interval.as_millis().to_string(),
        unset: "60000",
        right: &[],
        // A pause of nothing is no duration that exports could keep.
        wrong: &["0", "000"],
    },
    Case {
        names: &[
            "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT",
            "OTEL_EXPORTER_OTLP_TIMEOUT",
            "OTEL_METRIC_EXPORT_TIMEOUT",
        ],
        read: timeout,
        unset: "10000",
        right: &[
            ("5000", "5000"),
            (" 1 ", "1"),
            ("0", "none"),
            ("2147483646", "2147483646"),
        ],
        wrong: NO_INTEGERS,
    },
    Case {
        names: &[
            "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
            "OTEL_EXPORTER_OTLP_PROTOCOL",
        ],
        read: |config| format!("{:?}", otlp(config).protocol),
        unset: "HttpProtobuf",
        right: &[
            ("grpc", "Grpc"),
            ("GRPC", "Grpc"),
            (" Http/JSON ", "HttpJson"),
            ("http/protobuf", "HttpProtobuf"),
        ],
        wrong: &["http", "udp", "grpc,http/json", "", " "],
    },
    Case {
        names: &[
            "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION",
            "OTEL_EXPORTER_OTLP_COMPRESSION",
        ],
        read: |config| format!("{:?}", otlp(config).compression),
        unset: "None",
        right: &[
            ("gzip", "Gzip"),
            ("GZip", "Gzip"),
            ("none", "None"),
            ("NONE", "None"),
        ],
        wrong: &["brotli", "true", "gzip;q=1", "", " "],
    },
    Case {
        names: &["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"],
        read: |config| {
            let read = &otlp(config).reader.temporality;
            let preferences = [
                Temporality::Cumulative,
                Temporality::Delta,
                Temporality::LowMemory,
            ];
            let mut preferences = preferences.into_iter();
            let found = preferences.find(|name| ReaderConfig::new(*name).temporality == *read);
            format!("{:?}", found.unwrap())
        },
        unset: "Cumulative",
        right: &[
            ("delta", "Delta"),
            ("DELTA", "Delta"),
            (" LowMemory", "LowMemory"),
            ("Cumulative", "Cumulative"),
        ],
        wrong: &["low-memory", "2", "", " "],
    },
    Case {
        names: &["OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"],
        read: |config| {
            let histogram = otlp(config)
                .reader
                .aggregation
                .get(InstrumentKind::Histogram);
            histogram.name().to_owned()
        },
        unset: "default",
        right: &[
            (
                "base2_exponential_bucket_histogram",
                "base2_exponential_bucket_histogram",
            ),
            (
                "BASE2_EXPONENTIAL_BUCKET_HISTOGRAM",
                "base2_exponential_bucket_histogram",
            ),
            ("Explicit_Bucket_Histogram", "default"),
        ],
        wrong: &["exponential", "", " "],
    },
    Case {
        names: &["OTEL_SERVICE_NAME"],
        read: |config| attribute(config, "service.name").unwrap(),
        unset: "unknown_service:node",
        right: &[("shop", "shop"), (" My Shop ", "My Shop"), ("50%", "50%")],
        wrong: &["", " \t"],
    },
    Case {
        names: &["OTEL_RESOURCE_ATTRIBUTES"],
        read: |config| attribute(config, "team").unwrap_or_default(),
        unset: "",
        right: &[
            ("team=a", "a"),
            (" x=1 , team = a%20b ,", "a b"),
            ("te%61m=a", "a"),
            ("team=%2C%3D%25", ",=%"),
            ("team=a==", "a=="),
            ("team=K%C3%BCche", "Küche"),
            ("team=Küche", "Küche"),
            ("team=a,team=b", "b"),
            ("team=1+1", "1+1"),
        ],
        wrong: &[
            "team=a,no-equals-sign",
            "team=a,=b",
            "team=a,x=%",
            "team=a,x=%2",
            "team=a,x=%+f",
            "team=a,x=%zz",
            "team=a,x=%ff",
            "x%=1,team=a",
            "x%C3=1,team=a",
            "",
            " ",
        ],
    },
];

#[test]
fn a_variable_is_read_as_the_specification_says_and_a_wrong_one_counts_as_unset() {
    for case in CASES {
        for (position, name) in case.names.iter().enumerate() {
            for (value, expected) in case.right {
                let config = configured(&[(name, value)]);
                assert_eq!((case.read)(&config), *expected, "{name}={value:?}");
                // That is its own test.
                let mut said = config.warnings;
                said.retain(|warning| !warning.contains("is open: everyone"));
                assert_eq!(said, [""; 0], "{name}={value:?}");
            }
            for value in case.wrong {
                let config = configured(&[(name, value)]);
                assert_eq!((case.read)(&config), case.unset, "{name}={value:?}");
                let is_blank = value.trim().is_empty();
                assert_eq!(config.warnings.is_empty(), is_blank, "{name}={value:?}");
                for warning in &config.warnings {
                    assert!(warning.starts_with(&format!("{name}: found ")), "{warning}");
                }

                // It hides no other that is right.
                for other in &case.names[position + 1..] {
                    let (right, expected) = case.right[0];
                    let config = configured(&[(name, value), (other, right)]);
                    assert_eq!((case.read)(&config), expected, "{name}={value:?}, {other}");
                    assert_eq!(config.warnings.is_empty(), is_blank, "{name}={value:?}");
                }
            }
            for other in &case.names[position + 1..] {
                let ((first, expected), (second, _)) = (case.right[0], case.right[1]);
                let config = configured(&[(name, first), (other, second)]);
                assert_eq!((case.read)(&config), expected, "{name} before {other}");
            }
        }
    }
}

/// With an endpoint, so that what is read for OTLP shows.
fn configured(variables: &[(&str, &str)]) -> Config {
    let mut all = vec![("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:1")];
    all.extend(variables);
    let otlp = match variables
        .iter()
        .any(|(name, _)| *name == "OTEL_METRICS_EXPORTER")
    {
        true => r#"{"exporters": {"otlp": {}}}"#,
        false => "{}",
    };
    with_environment(otlp, &all)
}

#[test]
fn of_several_exporters_those_that_are_unknown_are_left_out_and_named() {
    let config = configured(&[("OTEL_METRICS_EXPORTER", "jaeger, Console, zipkin")]);
    assert_eq!(exporters(&config), "console");
    assert_eq!(config.warnings.len(), 2);
    for (warning, word) in config.warnings.iter().zip(["\"jaeger\"", "\"zipkin\""]) {
        assert!(warning.contains(word) && warning.contains("otlp, prometheus, console or none"));
    }
    let config = configured(&[("OTEL_METRICS_EXPORTER", "none,prometheus")]);
    assert_eq!(exporters(&config), "prometheus");
    assert!(config.warnings[0].contains("none beside exporters"));
}

#[test]
fn a_wrong_endpoint_for_metrics_does_not_hide_the_general_one() {
    let own = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
    let general = "OTEL_EXPORTER_OTLP_ENDPOINT";
    for wrong in ["collector:4318", "ftp://c", "http://me:hunter2@:x"] {
        let config = with_environment("{}", &[(own, wrong), (general, "http://c:1")]);
        assert_eq!(otlp(&config).endpoint, "http://c:1/v1/metrics");
        assert!(config.warnings[0].starts_with(&format!("{own}: found ")));
        assert!(!config.warnings[0].contains("hunter2"));

        // Nobody may guess where data goes: the default is for who names nothing.
        for variables in [vec![(own, wrong)], vec![(own, wrong), (general, wrong)]] {
            let error = Config::parse("{}", "options", &environment(&variables)).unwrap_err();
            assert!(
                error.message().starts_with(&format!("{own}: found ")),
                "{error}"
            );
        }
    }
    for blank in ["", " "] {
        let config = with_environment("{}", &[(own, blank), (general, "http://c:1")]);
        assert_eq!(otlp(&config).endpoint, "http://c:1/v1/metrics");
        assert!(config.warnings.is_empty());
    }
}

#[test]
fn a_wrong_header_for_metrics_does_not_hide_the_general_one() {
    let own = "OTEL_EXPORTER_OTLP_METRICS_HEADERS";
    let general = "OTEL_EXPORTER_OTLP_HEADERS";
    for wrong in [
        "x-key=%",
        "x-key=%+f",
        "x-key=%ff",
        "x-key=a%0ab",
        "x-key=%C3%BC",
        "x-key",
    ] {
        let variables = [
            (own, wrong),
            (general, " X-Key = gen%65ral , x-other=1%2C2 "),
        ];
        let config = with_environment(r#"{"exporters": {"otlp": {}}}"#, &variables);
        let headers = &otlp(&config).headers;
        assert_eq!(headers["x-key"].expose(), "general", "{wrong}");
        assert_eq!(headers["x-other"].expose(), "1,2");
        assert_eq!(config.warnings.len(), 1, "{wrong}");
        assert!(config.warnings[0].starts_with(&format!("{own}: found ")));
    }
}

#[test]
fn a_missing_file_for_metrics_does_not_hide_the_general_one() {
    for suffix in ["CERTIFICATE", "CLIENT_CERTIFICATE"] {
        let [own, general] = super::environment::otlp_names(suffix);
        let key = super::environment::otlp_names("CLIENT_KEY");
        let mut variables = vec![
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://c:1"),
            (own.as_str(), "/nowhere/x.pem"),
            (general.as_str(), "Cargo.toml"),
        ];
        if suffix == "CLIENT_CERTIFICATE" {
            variables.push((key[1].as_str(), "Cargo.toml"));
        }
        let config = with_environment("{}", &variables);
        let tls = &otlp(&config).tls;
        let file = tls.ca_file.as_ref().or(tls.cert_file.as_ref()).unwrap();
        assert_eq!(file.to_str(), Some("Cargo.toml"));
        assert!(config.warnings[0].starts_with(&format!("{own}: found \"/nowhere/x.pem\"")));

        variables.remove(2);
        let error = Config::parse("{}", "options", &environment(&variables)).unwrap_err();
        assert!(
            error.message().starts_with(&format!("{own}: found ")),
            "{error}"
        );
    }
}

#[test]
fn a_key_without_its_certificate_is_an_error_that_names_the_variable() {
    for name in [
        "OTEL_EXPORTER_OTLP_CLIENT_KEY",
        "OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE",
    ] {
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://c:1"),
            (name, "Cargo.toml"),
        ];
        let error = Config::parse("{}", "options", &environment(&variables)).unwrap_err();
        assert!(error.message().starts_with(&format!("{name}: ")), "{error}");
    }
}

#[test]
fn no_wrong_value_stops_a_start_that_does_not_need_it() {
    for name in [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_CLIENT_KEY",
    ] {
        let options = r#"{"exporters": {"otlp": false}}"#;
        let config = with_environment(options, &[(name, "nonsense")]);
        assert!(config.prometheus.is_some() && config.otlp.is_empty());
    }
}

#[test]
fn the_default_name_of_a_service_comes_after_options_and_variables() {
    let named = |json: &str, variables: &[(&str, &str)]| {
        let environment = environment(variables).with_default_service_name(Some("shop".to_owned()));
        let config = Config::parse(json, "options", &environment).unwrap();
        attribute(&config, "service.name").unwrap()
    };
    assert_eq!(named("{}", &[]), "shop");
    assert_eq!(named("{}", &[("OTEL_SERVICE_NAME", " ")]), "shop");
    assert_eq!(named("{}", &[("OTEL_SERVICE_NAME", "a")]), "a");
    let attributes = |value| named("{}", &[("OTEL_RESOURCE_ATTRIBUTES", value)]);
    assert_eq!(attributes("service%2Ename=a"), "a");
    assert_eq!(attributes("upstream.service.name=a"), "shop");
    assert_eq!(attributes("service.name=a,b"), "shop");
    assert_eq!(
        named(r#"{"serviceName": "b"}"#, &[("OTEL_SERVICE_NAME", "a")]),
        "b"
    );
}

#[test]
fn a_time_out_of_none_is_the_longest_that_timers_hold() {
    assert_eq!(NO_LIMIT, Duration::from_millis(2_147_483_647));
}
