//! Names: `{serviceName}.{scope}.{scope_name}.{category}.{metric_name}`.
//!
//! The author passes `{category}.{metric_name}`; everything before it is ours to add. [`Naming::strict`]
//! tells an author of ours what is wrong. [`Naming::repaired`] is for third-party plugins that could
//! not know the rule: it mends what can be mended in one way only, and says so.

use crate::config::NamingMode;
use crate::error::{Code, Error, Result};

/// The longest instrument name (Metrics API specification, "Instrument name syntax").
pub const MAX_NAME_LENGTH: usize = 255;

/// The category given to a repaired name that has none.
const FALLBACK_CATEGORY: &str = "general";

/// Where a metric belongs in the Backstage ecosystem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetricScope {
    Root,
    Plugin(String),
    Core(String),
}

impl MetricScope {
    /// `plugin.{id}`, `core.{service}`, or nothing for the root.
    fn segments(&self) -> Vec<&str> {
        match self {
            MetricScope::Root => Vec::new(),
            MetricScope::Plugin(id) => vec!["plugin", id],
            MetricScope::Core(service) => vec!["core", service],
        }
    }

    fn owner(&self) -> Option<&str> {
        match self {
            MetricScope::Root => None,
            MetricScope::Plugin(owner) | MetricScope::Core(owner) => Some(owner),
        }
    }
}

/// A name that was not as it should be, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    pub name: String,
    /// A sentence for the log; `None` when nothing had to be mended.
    pub notice: Option<String>,
}

/// The naming rules of one service name.
#[derive(Clone, Debug)]
pub struct Naming {
    service_name: String,
    mode: NamingMode,
}

impl Naming {
    /// # Errors
    /// [`Code::InvalidConfig`] when the service name cannot begin a metric name.
    pub fn new(service_name: &str, mode: NamingMode) -> Result<Self> {
        let valid = service_name.starts_with(|c: char| c.is_ascii_alphabetic())
            && service_name.split('.').all(is_segment);
        if !valid {
            return Err(Error::new(
                Code::InvalidConfig,
                format!(
                    "serviceName: found {service_name:?}, expected a letter followed by letters, \
                     digits, '_', '-', '/' or single dots, because it begins every metric name"
                ),
            ));
        }
        Ok(Self {
            service_name: service_name.to_owned(),
            mode,
        })
    }

    pub fn service_name(&self) -> &str {
        &self.service_name
    }

    pub fn mode(&self) -> NamingMode {
        self.mode
    }

    /// The full name of a metric.
    ///
    /// # Errors
    /// [`Code::InvalidName`] naming the rule, the offending part and what to pass instead.
    pub fn strict(&self, scope: &MetricScope, name: &str) -> Result<String> {
        if self.mode == NamingMode::Passthrough {
            return check_instrument_name(name).map(|()| name.to_owned());
        }
        let refuse = |reason: String| {
            Err(Error::new(
                Code::InvalidName,
                format!("invalid metric name {:?}: {reason}", shown(name)),
            ))
        };
        if name.is_empty() {
            return refuse(
                "it is empty; pass '{category}.{metric_name}', such as 'orders.placed'".to_owned(),
            );
        }
        if let Some(rest) = self.without_root(scope, name) {
            return refuse(format!(
                "the prefix {:?} is added for you; pass {:?}",
                self.prefix(scope),
                shown(rest)
            ));
        }
        let segments: Vec<&str> = name.split('.').collect();
        if segments.iter().any(|segment| segment.is_empty()) {
            return refuse("it has an empty segment; use single dots between segments".to_owned());
        }
        if segments.len() < 2 {
            return refuse(format!(
                "it has no category; pass '{{category}}.{{metric_name}}', such as {:?}",
                format!("{FALLBACK_CATEGORY}.{name}")
            ));
        }
        if let Some(segment) = segments.iter().find(|segment| !is_segment(segment)) {
            return refuse(format!(
                "the segment {:?} has characters other than letters, digits, '_', '-' and '/'",
                shown(segment)
            ));
        }
        if *scope == MetricScope::Root && matches!(segments[0], "plugin" | "core") {
            return refuse(format!(
                "the category {:?} is a scope; use forPlugin(pluginId) or forService(name, 'core')",
                segments[0]
            ));
        }
        let full = self.join(scope, &segments);
        if full.len() > MAX_NAME_LENGTH {
            return refuse(format!(
                "the full name {:?} has {} characters, at most {MAX_NAME_LENGTH} are allowed",
                shown(&full),
                full.len()
            ));
        }
        Ok(full)
    }

    /// The full name of a metric whose author could not know the rules.
    ///
    /// # Errors
    /// [`Code::InvalidName`] when there is nothing to mend: an empty name, or one too long.
    pub fn repaired(&self, scope: &MetricScope, name: &str) -> Result<Repair> {
        let wrong = match self.strict(scope, name) {
            Ok(name) => return Ok(Repair { name, notice: None }),
            Err(error) => error,
        };
        if self.mode == NamingMode::Passthrough {
            return Err(wrong);
        }
        let bare = self.without_root(scope, name).unwrap_or(name);
        let cleaned: String = bare
            .chars()
            .map(|c| if is_name_char(c) || c == '.' { c } else { '_' })
            .collect();
        let mut segments: Vec<&str> = cleaned
            .split('.')
            .filter(|segment| !segment.is_empty())
            .collect();
        if let [single] = segments[..] {
            // `catalog_entities_count` of plugin `catalog` is `entities.count`: underscores were
            // the separators.
            let own = scope
                .owner()
                .map(|owner| format!("{}_", owner.replace('-', "_")));
            let rest = own
                .and_then(|own| single.strip_prefix(own.as_str()))
                .filter(|rest| !rest.is_empty())
                .unwrap_or(single);
            segments = match rest.split_once('_') {
                Some((category, metric)) if !category.is_empty() && !metric.is_empty() => {
                    vec![category, metric]
                }
                _ => vec![FALLBACK_CATEGORY, rest],
            };
        }
        if segments.is_empty() {
            return Err(wrong);
        }
        let mended = self.strict(scope, &segments.join("."))?;
        Ok(Repair {
            notice: Some(format!("{wrong}; it is exported as {mended:?}")),
            name: mended,
        })
    }

    fn prefix(&self, scope: &MetricScope) -> String {
        let mut prefix = self.service_name.clone();
        for segment in scope.segments() {
            prefix.push('.');
            prefix.push_str(segment);
        }
        prefix.push('.');
        prefix
    }

    /// What is left of a name that starts with what we add ourselves.
    fn without_root<'a>(&self, scope: &MetricScope, name: &'a str) -> Option<&'a str> {
        let roots = [self.service_name.as_str(), "backstage"];
        let rest = roots
            .iter()
            .find_map(|root| name.strip_prefix(root)?.strip_prefix('.'))?;
        let scoped = scope
            .segments()
            .into_iter()
            .try_fold(rest, |rest, segment| {
                rest.strip_prefix(segment)?.strip_prefix('.')
            });
        Some(scoped.unwrap_or(rest))
    }

    /// Joins, taking a leading owner once: plugin `catalog` may say `catalog.entities.count`.
    fn join(&self, scope: &MetricScope, segments: &[&str]) -> String {
        let stutters = scope.owner() == Some(segments[0]) && segments.len() > 2;
        let own = if stutters { &segments[1..] } else { segments };
        self.prefix(scope) + &own.join(".")
    }
}

/// The segment for an owner that could not know the rule: what may not stand in one becomes `_`.
/// Several owners may get the same.
pub fn mended_owner(owner: &str) -> String {
    if owner.is_empty() {
        return "unnamed".to_owned();
    }
    owner
        .chars()
        .map(|c| if is_name_char(c) && c != '/' { c } else { '_' })
        .collect()
}

/// A plugin id or core service name as a segment of a metric name.
///
/// # Errors
/// [`Code::InvalidName`] when it is empty or has other characters than letters, digits, `_`, `-`.
pub fn check_owner(what: &str, owner: &str) -> Result<()> {
    if !owner.is_empty() && is_segment(owner) && !owner.contains('/') {
        return Ok(());
    }
    Err(Error::new(
        Code::InvalidName,
        format!(
            "invalid {what} {:?}: expected one or more letters, digits, '_' or '-', because it is a \
             segment of metric names",
            shown(owner)
        ),
    ))
}

/// OpenTelemetry's instrument-name syntax: a letter, then up to 254 letters, digits, `_`, `.`, `-`
/// or `/` (Metrics API specification).
///
/// # Errors
/// [`Code::InvalidName`].
pub fn check_instrument_name(name: &str) -> Result<()> {
    let valid = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| is_name_char(c) || c == '.')
        && name.len() <= MAX_NAME_LENGTH;
    if valid {
        return Ok(());
    }
    Err(Error::new(
        Code::InvalidName,
        format!(
            "invalid metric name {:?}: expected a letter followed by at most 254 letters, digits, \
             '_', '.', '-' or '/'",
            shown(name)
        ),
    ))
}

/// As much of a name as stands in a message.
fn shown(name: &str) -> &str {
    match name.char_indices().nth(MAX_NAME_LENGTH) {
        Some((end, _)) => &name[..end],
        None => name,
    }
}

fn is_segment(segment: &str) -> bool {
    !segment.is_empty() && segment.chars().all(is_name_char)
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naming() -> Naming {
        Naming::new("backstage", NamingMode::Enforce).unwrap()
    }

    fn catalog() -> MetricScope {
        MetricScope::Plugin("catalog".to_owned())
    }

    #[test]
    fn full_names_follow_the_hierarchy_of_their_scope() {
        let core = MetricScope::Core("database".to_owned());
        let cases = [
            (
                catalog(),
                "entities.count",
                "backstage.plugin.catalog.entities.count",
            ),
            (
                catalog(),
                "tasks.completed.total",
                "backstage.plugin.catalog.tasks.completed.total",
            ),
            (
                core,
                "connections.active",
                "backstage.core.database.connections.active",
            ),
            (
                MetricScope::Root,
                "process.restarts",
                "backstage.process.restarts",
            ),
            (
                MetricScope::Plugin("my-plugin".to_owned()),
                "my_category.my_metric",
                "backstage.plugin.my-plugin.my_category.my_metric",
            ),
        ];
        for (scope, name, expected) in cases {
            assert_eq!(naming().strict(&scope, name).unwrap(), expected);
        }
    }

    #[test]
    fn a_plugin_that_repeats_its_own_id_is_not_stuttered() {
        let name = naming().strict(&catalog(), "catalog.processed.entities.count");
        assert_eq!(
            name.unwrap(),
            "backstage.plugin.catalog.processed.entities.count"
        );
        // Two segments: the id is the category.
        let name = naming().strict(&catalog(), "catalog.restarts");
        assert_eq!(name.unwrap(), "backstage.plugin.catalog.catalog.restarts");
    }

    #[test]
    fn every_broken_rule_is_an_error_that_names_it_and_what_to_pass() {
        let long = format!("a.{}", "b".repeat(250));
        let cases = [
            (catalog(), "", "it is empty"),
            (catalog(), "count", "it has no category"),
            (catalog(), "count", "'general.count'".trim_matches('\'')),
            (catalog(), "a..b", "empty segment"),
            (catalog(), ".a.b", "empty segment"),
            (catalog(), "a.b.", "empty segment"),
            (catalog(), "a.b c", "the segment \"b c\""),
            (catalog(), "a.ü", "the segment \"ü\""),
            (
                catalog(),
                "backstage.entities.count",
                "pass \"entities.count\"",
            ),
            (
                catalog(),
                "backstage.plugin.catalog.entities.count",
                "pass \"entities.count\"",
            ),
            (catalog(), &long, "at most 255"),
            (MetricScope::Root, "plugin.x.y", "forPlugin"),
            (MetricScope::Root, "core.x.y", "forService"),
        ];
        for (scope, name, expected) in cases {
            let error = naming().strict(&scope, name).unwrap_err();
            assert_eq!(error.code(), Code::InvalidName);
            assert!(
                error.message().contains(expected),
                "{error} lacks {expected:?}"
            );
        }
    }

    #[test]
    fn third_party_names_are_repaired_where_there_is_one_way_to() {
        let cases = [
            (
                "catalog_entities_count",
                "backstage.plugin.catalog.entities.count",
            ),
            (
                "catalog_registered_locations_count",
                "backstage.plugin.catalog.registered.locations_count",
            ),
            ("requests", "backstage.plugin.catalog.general.requests"),
            ("a..b", "backstage.plugin.catalog.a.b"),
            ("a.b c", "backstage.plugin.catalog.a.b_c"),
            (
                "backstage.entities.count",
                "backstage.plugin.catalog.entities.count",
            ),
            (
                "backstage.plugin.catalog.entities.count",
                "backstage.plugin.catalog.entities.count",
            ),
        ];
        for (name, expected) in cases {
            let repair = naming().repaired(&catalog(), name).unwrap();
            assert_eq!(repair.name, expected);
            assert!(repair.notice.unwrap().contains(expected));
        }
        let untouched = naming().repaired(&catalog(), "entities.count").unwrap();
        assert_eq!(untouched.notice, None);
        assert!(naming().repaired(&catalog(), "").is_err());
        assert!(naming().repaired(&catalog(), "...").is_err());
    }

    #[test]
    fn any_owner_is_mended_to_one_that_is_right() {
        for (owner, expected) in [
            ("catalog", "catalog"),
            ("my-plugin_2", "my-plugin_2"),
            ("2nd", "2nd"),
            ("a.b", "a_b"),
            ("a b/c", "a_b_c"),
            ("\u{e4}\u{1F355}", "__"),
            ("", "unnamed"),
        ] {
            assert_eq!(mended_owner(owner), expected);
            check_owner("plugin id", &mended_owner(owner)).unwrap();
            assert_eq!(check_owner("plugin id", owner).is_ok(), owner == expected);
        }
    }

    #[test]
    fn passthrough_leaves_names_alone_but_checks_the_syntax() {
        let naming = Naming::new("backstage", NamingMode::Passthrough).unwrap();
        assert_eq!(
            naming.strict(&catalog(), "catalog_entities_count").unwrap(),
            "catalog_entities_count"
        );
        assert!(naming.strict(&catalog(), "1st").is_err());
        assert!(naming.repaired(&catalog(), "has space").is_err());
    }

    #[test]
    fn a_service_name_that_cannot_begin_a_metric_name_is_refused() {
        for name in ["", "My Backstage", "1st", "a..b", ".a", "a.", "ä"] {
            let error = Naming::new(name, NamingMode::Enforce).unwrap_err();
            assert_eq!(error.code(), Code::InvalidConfig, "{name:?}");
        }
        for name in ["backstage", "acme.portal", "a-b_c/d1"] {
            assert!(Naming::new(name, NamingMode::Enforce).is_ok(), "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_is_a_valid_instrument_name_under_the_prefix(
            name in "\\PC{0,40}|[a-z]{1,5}(\\.[a-z_]{1,8}){0,4}",
        ) {
            for result in [
                naming().strict(&catalog(), &name),
                naming().repaired(&catalog(), &name).map(|repair| repair.name),
            ].into_iter().flatten() {
                prop_assert!(check_instrument_name(&result).is_ok());
                let own = result.strip_prefix("backstage.plugin.catalog.").unwrap();
                prop_assert!(own.split('.').count() >= 2);
                prop_assert!(own.split('.').all(|segment| !segment.is_empty()));
            }
        }

        #[test]
        fn repairing_never_changes_a_name_that_is_right(
            name in "[a-z][a-z0-9_]{0,8}(\\.[a-z0-9_]{1,8}){1,4}",
        ) {
            if let Ok(strict) = naming().strict(&catalog(), &name) {
                prop_assert_eq!(naming().repaired(&catalog(), &name).unwrap().name, strict);
            }
        }
    }
}
