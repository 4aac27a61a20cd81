//! Where the attributes of a resource come from, and which of them win.

use super::resource::{Detector, LateLayer, ResourceConfig, ResourceLayer};
use super::tests::{attribute, with_environment};
use super::{Config, Environment};

fn resource(options: &str) -> ResourceConfig {
    with_environment(options, &[]).resource
}

fn error(options: &str) -> String {
    Config::parse(options, "backend.metrics", &Environment::default())
        .unwrap_err()
        .to_string()
}

fn layer(json: &str) -> ResourceLayer {
    ResourceLayer::parse(json, "test").unwrap()
}

/// `key=value` of all but the SDK's own attributes, in order.
fn attributes(config: &ResourceConfig) -> Vec<String> {
    let (resource, _) = config.build();
    let mut pairs: Vec<_> = resource
        .iter()
        .filter(|(key, _)| !key.as_str().starts_with("telemetry.sdk."))
        .filter(|(key, _)| key.as_str() != "service.instance.id")
        .map(|(key, value)| format!("{key}={value:?}"))
        .collect();
    pairs.sort();
    pairs
}

#[test]
fn attributes_stand_by_name_or_in_the_shape_of_declarative_configuration() {
    let config = resource(
        r#"{"resource": {
            "region": "by name", "deployment.environment.name": "production",
            "attributes_list": "region=listed,team=a%20b",
            "schema_url": "https://opentelemetry.io/schemas/1.37.0",
            "attributes": [
                {"name": "region", "value": "typed"},
                {"name": "replicas", "value": 3, "type": "int"},
                {"name": "share", "value": 1, "type": "double"},
                {"name": "flags", "value": [true, false], "type": "bool_array"},
                {"name": "gone", "value": null}]}}"#,
    );
    assert_eq!(
        attributes(&config),
        [
            r#"deployment.environment.name=String(Owned("production"))"#,
            "flags=Array(Bool([true, false]))",
            r#"region=String(Owned("typed"))"#,
            "replicas=I64(3)",
            r#"service.name=String(Owned("unknown_service:node"))"#,
            "share=F64(1.0)",
            r#"team=String(Owned("a b"))"#,
        ]
    );
    let (resource, conflicts) = config.build();
    assert_eq!(
        resource.schema_url(),
        Some("https://opentelemetry.io/schemas/1.37.0")
    );
    assert!(conflicts.is_empty());
}

#[test]
fn a_wrong_resource_names_its_path_what_was_found_and_what_is_allowed() {
    for (resource, at, expected) in [
        (
            r#"{"attributes": "x"}"#,
            "resource.attributes:",
            "a sequence",
        ),
        (
            r#"{"attributes": [{"name": "n", "value": 5}]}"#,
            "resource.attributes[0]:",
            "attribute \"n\": found 5, expected a string (type: string is the default)",
        ),
        (
            r#"{"attributes": [{"name": "n", "value": 1.5, "type": "int"}]}"#,
            "resource.attributes[0]:",
            "found 1.5, expected a whole number",
        ),
        (
            r#"{"attributes": [{"name": "n", "value": ["a", 1], "type": "string_array"}]}"#,
            "resource.attributes[0]:",
            "expected a list of strings",
        ),
        (
            r#"{"attributes": [{"name": "n", "value": "x", "type": "text"}]}"#,
            "resource.attributes[0].type:",
            "`string_array`",
        ),
        (
            r#"{"attributes": [{"value": "x"}]}"#,
            "resource.attributes[0]:",
            "missing field `name`",
        ),
        (
            r#"{"attributes_list": "a=b,c"}"#,
            "resource.attributes_list:",
            "found \"c\", expected key=value",
        ),
        (
            r#"{"schema_url": 1}"#,
            "resource.schema_url:",
            "expected a string",
        ),
        (
            r#"{"detection/development": {"detectors": [{"aws": null}]}}"#,
            "resource.detection/development.detectors[0]",
            "\"aws\", expected a map with one key of container, host, k8s, os, process, service",
        ),
        (
            r#"{"detection/development": {"detectors": [{"host": null, "os": null}]}}"#,
            "resource.detection/development.detectors[0]",
            "expected a map with one key",
        ),
        (
            r#"{"detection/development": {"detectors": [{}]}}"#,
            "resource.detection/development.detectors[0]",
            "expected a map with one key",
        ),
        (
            r#"{"detection/development": {"detectors": [{"host": {"a": 1}}]}}"#,
            "resource.detection/development.detectors[0].host",
            "unknown field `a`",
        ),
        (
            r#"{"detection/development": {"attributes": {"include": []}}}"#,
            "resource.detection/development.attributes.include",
            "`included`",
        ),
    ] {
        let found = error(&format!(r#"{{"resource": {resource}}}"#));
        assert!(found.contains(&format!("backend.metrics.{at}")), "{found}");
        assert!(found.contains(expected), "{expected}: {found}");
    }
}

#[test]
fn no_detector_runs_unless_it_is_asked_for() {
    assert!(resource("{}").detectors.is_empty());
    assert!(resource(r#"{"resource": {"a": "b"}}"#).detectors.is_empty());
    let config = resource(
        r#"{"resource": {"detection/development": {"detectors": [
            {"process": {}}, {"host": null}, {"os": null}, {"service": null}, {"k8s": null}]}}}"#,
    );
    assert_eq!(
        config.detectors,
        [
            Detector::Host,
            Detector::Kubernetes,
            Detector::Os,
            Detector::Process,
            Detector::Service
        ]
    );
}

#[test]
fn the_variable_of_detectors_has_the_words_of_the_javascript_sdk() {
    let name = "OTEL_NODE_RESOURCE_DETECTORS";
    for (words, expected) in [
        (
            "all",
            &["container", "host", "k8s", "os", "process"] as &[&str],
        ),
        ("none", &[]),
        ("env, Host ,serviceinstance", &["host"]),
        ("os,os,container", &["container", "os"]),
    ] {
        let config = with_environment("{}", &[(name, words)]);
        let found: Vec<_> = config
            .resource
            .detectors
            .iter()
            .filter_map(|detector| detector.as_str())
            .collect();
        assert_eq!(found, expected, "{words}");
        assert!(config.warnings.is_empty());
    }
    let config = with_environment("{}", &[(name, "gcp,os")]);
    assert_eq!(config.resource.detectors, [Detector::Os]);
    assert_eq!(
        config.warnings,
        ["OTEL_NODE_RESOURCE_DETECTORS: found \"gcp\", expected a list of container, env, host, \
          k8s, os, process, serviceinstance, none, all; ignored"]
    );
    // An option goes before it.
    let options = r#"{"resource": {"detection/development": {"detectors": [{"os": null}]}}}"#;
    let config = with_environment(options, &[(name, "gcp,host")]);
    assert_eq!(config.resource.detectors, [Detector::Os]);
    assert!(config.warnings.is_empty());
}

#[test]
fn the_environment_wins_over_detectors_and_options_over_both() {
    let mut config = with_environment(
        r#"{"resource": {"host.name": "option"}}"#,
        &[(
            "OTEL_RESOURCE_ATTRIBUTES",
            "host.id=variable,os.type=variable",
        )],
    );
    assert_eq!(
        attribute(&config, "service.name").as_deref(),
        Some("unknown_service:node")
    );
    config.resource.add(
        LateLayer::Detected,
        layer(
            r#"{"attributes": {"host.name": "found", "host.id": "found", "host.arch": "found",
                "service.name": "found"}}"#,
        ),
    );
    for (key, expected) in [
        ("host.name", "option"),
        ("host.id", "variable"),
        ("os.type", "variable"),
        ("host.arch", "found"),
        ("service.name", "found"),
    ] {
        assert_eq!(attribute(&config, key).as_deref(), Some(expected), "{key}");
    }
    config.resource.add(
        LateLayer::Given,
        layer(r#"{"attributes": {"host.name": ""}}"#),
    );
    // Even an empty value is picked.
    assert_eq!(attribute(&config, "host.name").as_deref(), Some(""));
}

#[test]
fn schema_urls_merge_as_the_specification_says() {
    for (detected, given, expected, conflicts) in [
        (None, None, None, 0),
        (Some("a"), None, Some("a"), 0),
        (Some("a"), Some(""), Some("a"), 0),
        (None, Some("b"), Some("b"), 0),
        (Some("a"), Some("a"), Some("a"), 0),
        (Some("a"), Some("b"), Some("b"), 1),
    ] {
        let options = serde_json::json!({"resource": {"schema_url": given}}).to_string();
        let mut config = resource(&options);
        let found = serde_json::json!({"attributes": {"x": 1}, "schemaUrl": detected});
        config.add(LateLayer::Detected, layer(&found.to_string()));
        let (resource, said) = config.build();
        assert_eq!(resource.schema_url(), expected, "{detected:?} {given:?}");
        assert_eq!(said.len(), conflicts, "{said:?}");
    }
}

#[test]
fn what_detectors_found_is_filtered_and_command_arguments_have_to_be_named() {
    let found = r#"{"attributes": {"process.pid": 1, "process.command": "c",
        "process.command_args": ["--token=x"], "host.id": "h"}, "schemaUrl": "s"}"#;
    for (filter, expected) in [
        (
            "{}",
            &["host.id", "process.command", "process.pid"] as &[&str],
        ),
        (
            r#"{"included": ["process.*"]}"#,
            &["process.command", "process.pid"],
        ),
        (
            r#"{"included": ["process.command*", "process.command_args"]}"#,
            &["process.command", "process.command_args"],
        ),
        (
            r#"{"included": ["process.command_args"], "excluded": ["*_args"]}"#,
            &[],
        ),
        (
            r#"{"excluded": ["process.????????", "*.pid"]}"#,
            &["host.id", "process.command"],
        ),
    ] {
        let mut config = resource(&format!(
            r#"{{"resource": {{"detection/development": {{"attributes": {filter}}}}}}}"#
        ));
        config.add(LateLayer::Detected, layer(found));
        let (resource, _) = config.build();
        let mut keys: Vec<_> = resource
            .iter()
            .map(|(key, _)| key.as_str())
            .filter(|key| key.starts_with("process.") || key.starts_with("host."))
            .collect();
        keys.sort_unstable();
        assert_eq!(keys, expected, "{filter}");
        // Nothing is left that follows it.
        assert_eq!(resource.schema_url().is_some(), !expected.is_empty());
    }
}
