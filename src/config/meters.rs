//! Which meters do anything (Metrics SDK specification, "MeterConfigurator", in development). The keys
//! are those of OpenTelemetry's declarative configuration (`meter_configurator/development`).

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use opentelemetry::InstrumentationScope;
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
    /// A function of the program's in place of the rules.
    function: Option<MeterFunction>,
}

/// What a function of a program's says of meters. Whoever has a copy sees what is decided later.
#[derive(Clone, Debug)]
struct MeterFunction {
    /// The environment that runs it.
    facade: u32,
    decided: Arc<RwLock<HashMap<InstrumentationScope, bool>>>,
}

impl PartialEq for MeterFunction {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.decided, &other.decided)
    }
}

impl MeterFunction {
    fn get(&self, scope: &InstrumentationScope) -> Option<bool> {
        let decided = self.decided.read().unwrap_or_else(PoisonError::into_inner);
        decided.get(scope).copied()
    }

    fn decide(&self, decisions: impl IntoIterator<Item = MeterDecision>) {
        let mut decided = self.decided.write().unwrap_or_else(PoisonError::into_inner);
        decided.extend(decisions);
    }
}

/// A meter, and whether it is enabled.
pub type MeterDecision = (InstrumentationScope, bool);

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
            function: None,
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

    /// With a function of the environment `facade` in place of rules, and what it has decided.
    #[must_use]
    pub fn by_function(self, facade: u32, decisions: Vec<MeterDecision>) -> Self {
        let function = MeterFunction {
            facade,
            decided: Arc::default(),
        };
        function.decide(decisions);
        Self {
            disabled: self.disabled,
            function: Some(function),
            ..Self::default()
        }
    }

    /// Takes what the function decided, if there is one.
    pub fn decide(&self, decisions: Vec<MeterDecision>) {
        if let Some(function) = &self.function {
            function.decide(decisions);
        }
    }

    /// The environment that is to be asked about a meter. Until then it is enabled.
    pub fn to_ask(&self, scope: &InstrumentationScope) -> Option<u32> {
        let function = self.function.as_ref()?;
        function.get(scope).is_none().then_some(function.facade)
    }

    /// Names are compared with regard to case.
    pub fn is_enabled(&self, scope: &InstrumentationScope) -> bool {
        let name = scope.name();
        if self.disabled.iter().any(|disabled| disabled == name) {
            return false;
        }
        if let Some(function) = &self.function {
            return function.get(scope).unwrap_or(true);
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

    fn scope(name: &'static str) -> InstrumentationScope {
        InstrumentationScope::builder(name).build()
    }

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
            assert_eq!(configurator.is_enabled(&scope(name)), enabled, "{name}");
        }
    }

    #[test]
    fn meters_are_enabled_unless_something_says_otherwise() {
        let configurator = MeterConfigurator::default().disabling(vec!["a*".to_owned()]);
        assert!(configurator.is_enabled(&scope("ab")));
        // The name of a plugin's meter is no pattern.
        assert!(!configurator.is_enabled(&scope("a*")));
    }

    #[test]
    fn a_function_decides_about_each_meter_but_for_those_of_disabled_plugins() {
        let versioned = InstrumentationScope::builder("a").with_version("2").build();
        let configurator = MeterConfigurator::default()
            .disabling(vec!["plugin".to_owned()])
            .by_function(7, vec![(scope("a"), false), (scope("plugin"), true)]);
        assert!(!configurator.is_enabled(&scope("a")));
        assert!(!configurator.is_enabled(&scope("plugin")));
        assert_eq!(configurator.to_ask(&scope("a")), None);
        // Not decided yet.
        assert!(configurator.is_enabled(&versioned));
        assert_eq!(configurator.to_ask(&versioned), Some(7));
        let copy = configurator.clone();
        configurator.decide(vec![(versioned.clone(), false)]);
        assert!(!copy.is_enabled(&versioned));
    }
}
