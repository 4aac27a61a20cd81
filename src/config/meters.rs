//! Which meters do anything (Metrics SDK specification, "MeterConfigurator", in development). The keys
//! are those of OpenTelemetry's declarative configuration (`meter_configurator/development`).

use serde::Deserialize;

use super::values::{settings, Flag};
use super::views::wildcard;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a map of settings")]
pub struct MeterConfiguratorOptions {
    #[serde(deserialize_with = "settings")]
    default_config: MeterConfigOptions,
    meters: Vec<MeterMatcherOptions>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a map of name and config")]
struct MeterMatcherOptions {
    name: String,
    #[serde(deserialize_with = "settings")]
    config: MeterConfigOptions,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a map of settings")]
struct MeterConfigOptions {
    enabled: Option<Flag>,
}

impl MeterConfigOptions {
    fn is_enabled(&self) -> bool {
        self.enabled.is_none_or(|flag| flag.0)
    }
}

/// Says of every meter whether it is enabled.
#[derive(Clone, Debug, PartialEq)]
pub struct MeterConfigurator {
    /// Patterns of names, and whether meters of such a name are enabled; the first that matches counts.
    rules: Vec<(String, bool)>,
    default: bool,
    /// The names of the meters of plugins that are disabled.
    disabled: Vec<String>,
}

impl Default for MeterConfigurator {
    fn default() -> Self {
        MeterConfiguratorOptions::default().into()
    }
}

impl From<MeterConfiguratorOptions> for MeterConfigurator {
    fn from(options: MeterConfiguratorOptions) -> Self {
        let rules = options.meters.into_iter();
        Self {
            rules: rules
                .map(|rule| (rule.name, rule.config.is_enabled()))
                .collect(),
            default: options.default_config.is_enabled(),
            disabled: Vec::new(),
        }
    }
}

impl MeterConfigurator {
    /// The same, with other meters of plugins disabled.
    #[must_use]
    pub(super) fn disabling(self, disabled: Vec<String>) -> Self {
        Self { disabled, ..self }
    }

    /// The same rules for what is no plugin's meter, with the disabled ones of `other`.
    #[must_use]
    pub(super) fn disabling_as(self, other: &Self) -> Self {
        self.disabling(other.disabled.clone())
    }

    /// Names are compared with regard to case.
    pub fn is_enabled(&self, name: &str) -> bool {
        if self.disabled.iter().any(|disabled| disabled == name) {
            return false;
        }
        let rule = self
            .rules
            .iter()
            .find(|(pattern, _)| wildcard(pattern, name));
        rule.map_or(self.default, |(_, enabled)| *enabled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configurator(json: &str) -> MeterConfigurator {
        let options: MeterConfiguratorOptions = serde_json::from_str(json).unwrap();
        options.into()
    }

    #[test]
    fn the_first_rule_that_matches_a_meters_name_counts() {
        let configurator = configurator(
            r#"{
                "default_config": {"enabled": false},
                "meters": [
                    {"name": "a.noisy", "config": {"enabled": false}},
                    {"name": "a.*", "config": {}},
                    {"name": "b?", "config": {"enabled": "true"}}
                ]
            }"#,
        );
        for (name, enabled) in [
            ("a.noisy", false),
            ("a.quiet", true),
            ("A.quiet", false),
            ("b1", true),
            ("b12", false),
            ("", false),
        ] {
            assert_eq!(configurator.is_enabled(name), enabled, "{name}");
        }
    }

    #[test]
    fn meters_are_enabled_unless_something_says_otherwise() {
        let configurator = MeterConfigurator::default().disabling(vec!["a*".to_owned()]);
        assert!(configurator.is_enabled("ab"));
        // The name of a plugin's meter is no pattern.
        assert!(!configurator.is_enabled("a*"));
    }
}
