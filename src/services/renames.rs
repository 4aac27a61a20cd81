//! What Backstage's own metrics are called today, and what they are called here.
//!
//! Backstage's packages name metrics as their authors liked, most of them without a unit that is one
//! and with OpenTelemetry's default buckets, which are for milliseconds. Each gets a name as the
//! proposal wants it, a unit of UCUM, a description, and buckets that fit what is measured. Read from
//! the packages of Backstage 1.55; `npm run upstream` compares it with the newest.

use opentelemetry_sdk::metrics::InstrumentKind::{
    self, Counter, Gauge, Histogram, ObservableGauge,
};

use std::sync::Arc;

use crate::engine::instrument::{InstrumentSpec, Legacy};

/// Whose metric it is: who asks for it today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The metrics service of this plugin.
    Plugin(&'static str),
    /// The metrics service of any plugin.
    AnyPlugin,
    /// A plain meter of this name, on behalf of a plugin.
    Meter(&'static str, &'static str),
}

/// One metric under both of its names.
#[derive(Debug, PartialEq)]
pub struct Rename {
    pub source: Source,
    pub kind: InstrumentKind,
    /// As the package asks for it.
    pub old: &'static str,
    /// As the package also keeps it in prom-client's default registry.
    pub twin: Option<&'static str>,
    /// `{category}.{metric_name}`, without the prefix of its scope.
    pub new: &'static str,
    /// UCUM.
    pub unit: &'static str,
    pub description: &'static str,
    /// Of histograms; empty where the package brings its own.
    pub boundaries: &'static [f64],
}

/// Work that takes from milliseconds to a minute: requests, processing.
const SHORT: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// Work that takes from a tenth of a second to an hour: tasks, their steps.
const LONG: &[f64] = &[
    0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0,
];

/// Waiting, from a second to a day.
const DELAY: &[f64] = &[
    1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 10_800.0, 43_200.0, 86_400.0,
];

const CATALOG: Source = Source::Plugin("catalog");
const SCAFFOLDER: Source = Source::Plugin("scaffolder");
const SCHEDULER: Source = Source::AnyPlugin;
const MCP: Source = Source::Plugin("mcp-actions");
const EVENTS: Source = Source::Plugin("events");
const NOTIFICATIONS: Source = Source::Plugin("notifications");

#[rustfmt::skip]
pub static RENAMES: &[Rename] = &[
    Rename { source: CATALOG, kind: ObservableGauge, old: "catalog_entities_count", twin: Some("catalog_entities_count"), new: "entities.count", unit: "{entity}", description: "Entities in the catalog", boundaries: &[] },
    Rename { source: CATALOG, kind: ObservableGauge, old: "catalog_registered_locations_count", twin: Some("catalog_registered_locations_count"), new: "locations.count", unit: "{location}", description: "Locations registered in the catalog; an estimate with PostgreSQL", boundaries: &[] },
    Rename { source: CATALOG, kind: ObservableGauge, old: "catalog_relations_count", twin: Some("catalog_relations_count"), new: "relations.count", unit: "{relation}", description: "Relations between entities; an estimate with PostgreSQL", boundaries: &[] },
    Rename { source: CATALOG, kind: Counter, old: "catalog.processed.entities.count", twin: Some("catalog_processed_entities_count"), new: "entities.processed", unit: "{entity}", description: "Entities that were processed, by result", boundaries: &[] },
    Rename { source: CATALOG, kind: Histogram, old: "catalog.processing.duration", twin: Some("catalog_processing_duration_seconds"), new: "processing.duration", unit: "s", description: "Time to process an entity", boundaries: SHORT },
    Rename { source: CATALOG, kind: Histogram, old: "catalog.processors.duration", twin: Some("catalog_processors_duration_seconds"), new: "processors.duration", unit: "s", description: "Time that the processors took for an entity", boundaries: SHORT },
    Rename { source: CATALOG, kind: Histogram, old: "catalog.processing.queue.delay", twin: Some("catalog_processing_queue_delay_seconds"), new: "processing.queue.delay", unit: "s", description: "Time between when an entity was due to be processed and when it was", boundaries: DELAY },
    Rename { source: CATALOG, kind: Counter, old: "catalog.stitched.entities.count", twin: Some("catalog_stitched_entities_count"), new: "entities.stitched", unit: "{entity}", description: "Entities that were stitched, by result", boundaries: &[] },
    Rename { source: CATALOG, kind: Histogram, old: "catalog.stitching.duration", twin: None, new: "stitching.duration", unit: "s", description: "Time to stitch an entity", boundaries: SHORT },
    Rename { source: CATALOG, kind: ObservableGauge, old: "catalog.stitching.queue.length", twin: None, new: "stitching.queue.length", unit: "{entity}", description: "Entities that wait to be stitched", boundaries: &[] },
    Rename { source: CATALOG, kind: Histogram, old: "catalog.stitching.queue.delay", twin: None, new: "stitching.queue.delay", unit: "s", description: "Time between when an entity was due to be stitched and when it was", boundaries: DELAY },
    Rename { source: CATALOG, kind: Counter, old: "catalog.events.scm.messages", twin: None, new: "scm_events.messages", unit: "{message}", description: "Messages about changes in source control, by type", boundaries: &[] },
    Rename { source: Source::Meter("default", "catalog"), kind: Counter, old: "catalog.events.scm.actions", twin: None, new: "scm_events.actions", unit: "{action}", description: "Actions on the catalog that changes in source control led to", boundaries: &[] },
    Rename { source: CATALOG, kind: Gauge, old: "catalog_incremental.ingestions.started", twin: None, new: "incremental_ingestions.started.timestamp", unit: "s", description: "When the provider's latest incremental ingestion started, since the epoch", boundaries: &[] },
    Rename { source: CATALOG, kind: Gauge, old: "catalog_incremental.ingestions.completed", twin: None, new: "incremental_ingestions.completed.timestamp", unit: "s", description: "When the provider's latest incremental ingestion ended, since the epoch", boundaries: &[] },
    Rename { source: SCAFFOLDER, kind: Counter, old: "scaffolder.task.count", twin: Some("scaffolder_task_count"), new: "tasks.completed", unit: "{task}", description: "Tasks that ended, by template and result", boundaries: &[] },
    Rename { source: SCAFFOLDER, kind: Histogram, old: "scaffolder.task.duration", twin: Some("scaffolder_task_duration"), new: "tasks.duration", unit: "s", description: "Time that a task took", boundaries: LONG },
    Rename { source: SCAFFOLDER, kind: Counter, old: "scaffolder.step.count", twin: Some("scaffolder_step_count"), new: "steps.completed", unit: "{step}", description: "Steps of tasks that ended, by template, step and result", boundaries: &[] },
    Rename { source: SCAFFOLDER, kind: Histogram, old: "scaffolder.step.duration", twin: Some("scaffolder_step_duration"), new: "steps.duration", unit: "s", description: "Time that a step of a task took", boundaries: LONG },
    Rename { source: SCHEDULER, kind: Counter, old: "backend_tasks.task.runs.count", twin: None, new: "scheduler.task_runs.count", unit: "{run}", description: "Runs of scheduled tasks, by task and result", boundaries: &[] },
    Rename { source: SCHEDULER, kind: Histogram, old: "backend_tasks.task.runs.duration", twin: None, new: "scheduler.task_runs.duration", unit: "s", description: "Time that a run of a scheduled task took", boundaries: LONG },
    Rename { source: SCHEDULER, kind: Gauge, old: "backend_tasks.task.runs.started", twin: None, new: "scheduler.task_runs.started.timestamp", unit: "s", description: "When the latest run of a scheduled task started, since the epoch", boundaries: &[] },
    Rename { source: SCHEDULER, kind: Gauge, old: "backend_tasks.task.runs.completed", twin: None, new: "scheduler.task_runs.completed.timestamp", unit: "s", description: "When the latest run of a scheduled task ended, since the epoch", boundaries: &[] },
    Rename { source: MCP, kind: Histogram, old: "mcp.server.operation.duration", twin: None, new: "server.operation.duration", unit: "s", description: "Time that the MCP server took for an operation", boundaries: &[] },
    Rename { source: MCP, kind: Histogram, old: "mcp.server.session.duration", twin: None, new: "server.session.duration", unit: "s", description: "How long sessions with the MCP server lasted", boundaries: &[] },
    Rename { source: EVENTS, kind: Counter, old: "events.google.pubsub.consumer.messages.total", twin: None, new: "google_pubsub.consumer.messages", unit: "{message}", description: "Messages that were received from Google Pub/Sub, by subscription and status", boundaries: &[] },
    Rename { source: EVENTS, kind: Counter, old: "events.google.pubsub.publisher.messages.total", twin: None, new: "google_pubsub.publisher.messages", unit: "{message}", description: "Messages that were sent to Google Pub/Sub, by subscription and status", boundaries: &[] },
    Rename { source: NOTIFICATIONS, kind: Counter, old: "notifications.processors.slack.sent.count", twin: None, new: "slack.messages.sent", unit: "{message}", description: "Messages that were sent to Slack", boundaries: &[] },
    Rename { source: NOTIFICATIONS, kind: Counter, old: "notifications.processors.slack.error.count", twin: None, new: "slack.messages.failed", unit: "{message}", description: "Messages that could not be sent to Slack", boundaries: &[] },
    Rename { source: NOTIFICATIONS, kind: Counter, old: "notifications.processors.slack.update.count", twin: None, new: "slack.messages.updated", unit: "{message}", description: "Messages in Slack that a newer notification of their scope changed", boundaries: &[] },
];

impl Rename {
    /// The one for what a plugin's metrics service is asked for.
    pub fn of_plugin(plugin: &str, kind: InstrumentKind, name: &str) -> Option<&'static Self> {
        Self::find(kind, name, |source| match source {
            Source::Plugin(id) => id == plugin,
            Source::AnyPlugin => true,
            Source::Meter(..) => false,
        })
    }

    /// The one for what a plain meter is asked for.
    pub fn of_meter(meter: &str, kind: InstrumentKind, name: &str) -> Option<&'static Self> {
        Self::find(
            kind,
            name,
            |source| matches!(source, Source::Meter(id, _) if id == meter),
        )
    }

    fn find(
        kind: InstrumentKind,
        name: &str,
        matches: impl Fn(Source) -> bool,
    ) -> Option<&'static Self> {
        RENAMES
            .iter()
            .find(|rename| rename.old == name && rename.kind == kind && matches(rename.source))
    }

    /// The instrument as it is here, under its full name; what it was asked for as is kept.
    pub fn apply(&self, spec: InstrumentSpec, name: String) -> InstrumentSpec {
        let boundaries = match self.boundaries {
            [] => spec.boundaries.clone(),
            boundaries => Some(boundaries.to_vec()),
        };
        let legacy = Legacy {
            successor: self.successor(&name),
            name: spec.name,
            unit: spec.unit,
            description: spec.description,
            boundaries: spec.boundaries,
            twin: self.twin,
        };
        InstrumentSpec {
            name,
            unit: self.unit.to_owned(),
            description: Arc::from(self.description),
            boundaries,
            legacy: Some(Arc::new(legacy)),
            ..spec
        }
    }

    /// The new name for people: of a metric of any plugin, what it is for all of them, so that the
    /// old name that they share has one description.
    fn successor(&self, name: &str) -> String {
        let prefix = name.strip_suffix(self.new).and_then(|prefix| {
            let (prefix, _) = prefix.strip_suffix('.')?.rsplit_once('.')?;
            Some(prefix)
        });
        match (self.source, prefix) {
            (Source::AnyPlugin, Some(prefix)) => format!("{prefix}.{{id}}.{}", self.new),
            _ => name.to_owned(),
        }
    }

    /// The plugin that the new name belongs to, unless it is the one that asks.
    pub fn plugin(&self) -> Option<&'static str> {
        match self.source {
            Source::Plugin(id) | Source::Meter(_, id) => Some(id),
            Source::AnyPlugin => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::config::{check_boundaries, NamingMode};
    use crate::services::naming::{MetricScope, Naming};

    #[test]
    fn every_new_name_is_as_the_rules_want_it_and_stands_for_one_metric() {
        let naming = Naming::new("backstage", NamingMode::Enforce).unwrap();
        let mut seen = HashSet::new();
        for rename in RENAMES {
            let plugin = MetricScope::Plugin(rename.plugin().unwrap_or("orders").to_owned());
            let full = naming.strict(&plugin, rename.new).unwrap();
            assert!(full.ends_with(rename.new), "{full} stutters");
            assert!(seen.insert(full), "{} twice", rename.new);
            assert!(!rename.description.is_empty(), "{}", rename.old);
        }
    }

    #[test]
    fn units_and_buckets_fit_what_is_measured() {
        for rename in RENAMES {
            let counted = rename.unit.starts_with('{') && rename.unit.ends_with('}');
            assert!(counted || rename.unit == "s", "{}", rename.old);
            check_boundaries(rename.boundaries).unwrap();
            let upstream = rename.source == MCP;
            assert_eq!(
                !rename.boundaries.is_empty(),
                rename.kind == Histogram && !upstream,
                "{}",
                rename.old
            );
        }
    }

    #[test]
    fn a_metric_is_found_by_who_asks_for_it_its_kind_and_its_name() {
        let old = "catalog.processed.entities.count";
        let found = Rename::of_plugin("catalog", Counter, old);
        assert_eq!(found.unwrap().new, "entities.processed");
        assert_eq!(Rename::of_plugin("orders", Counter, old), None);
        assert_eq!(Rename::of_plugin("catalog", Histogram, old), None);
        assert_eq!(Rename::of_meter("default", Counter, old), None);

        let runs = Rename::of_plugin("orders", Counter, "backend_tasks.task.runs.count");
        assert_eq!(runs.unwrap().plugin(), None);
        let actions = Rename::of_meter("default", Counter, "catalog.events.scm.actions");
        assert_eq!(actions.unwrap().plugin(), Some("catalog"));
    }
}
