//! The root metrics service: the global meter of the app, and the maker of scoped services.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::{InstrumentationScope, KeyValue};

use super::naming::{check_owner, mended_owner, MetricScope, Naming};
use super::plugin::PluginMetricsService;
use crate::config::NamingMode;
use crate::error::{Code, Error, Result};

/// Names metrics `{serviceName}.{category}.{metric_name}` under the service's own scope, and makes
/// the services of plugins and core services.
#[derive(Clone)]
pub struct RootMetricsService {
    naming: Naming,
    version: Option<String>,
    /// The ids of plugins by the segment that their metrics' names have for it.
    plugins: Arc<Mutex<HashMap<String, Vec<String>>>>,
}

/// Plugins that are kept in mind, so that two of one name are told; a backend has some fifty.
const MAX_PLUGINS: usize = 10_000;

impl RootMetricsService {
    /// # Errors
    /// [`Code::InvalidConfig`] when `service_name` cannot begin a metric name.
    pub fn new(service_name: &str, version: Option<String>, mode: NamingMode) -> Result<Self> {
        Ok(Self {
            naming: Naming::new(service_name, mode)?,
            version,
            plugins: Arc::default(),
        })
    }

    /// The service for the app's own metrics.
    pub fn own(&self) -> PluginMetricsService {
        let scope = plain_scope(self.naming.service_name(), self.version.clone());
        PluginMetricsService::new(self.naming.clone(), MetricScope::Root, scope)
    }

    /// The service of a plugin. `meter` overrides the instrumentation scope, by default
    /// `backstage-plugin-{id}`.
    ///
    /// # Errors
    /// [`Code::InvalidName`] when the id cannot be a segment of a metric name.
    pub fn for_plugin(&self, id: &str, meter: MeterIdentity) -> Result<PluginMetricsService> {
        check_owner("plugin id", id)?;
        Ok(self.plugin_service(id, id.to_owned(), meter, None))
    }

    /// The same for a plugin that could not know what its id has to be: it is mended, and the
    /// service has a notice that says so.
    pub fn for_foreign_plugin(&self, id: &str, meter: MeterIdentity) -> PluginMetricsService {
        let wrong = match self.naming.mode() {
            NamingMode::Enforce => check_owner("plugin id", id).err(),
            // No name has the id in it.
            NamingMode::Passthrough => None,
        };
        let segment = match wrong {
            Some(_) => mended_owner(id),
            None => id.to_owned(),
        };
        self.plugin_service(id, segment, meter, wrong)
    }

    fn plugin_service(
        &self,
        id: &str,
        segment: String,
        meter: MeterIdentity,
        wrong: Option<Error>,
    ) -> PluginMetricsService {
        let notice = self.meet(id, &segment, wrong);
        let name = meter.name.unwrap_or_else(|| default_meter_name(id));
        let scope = scope(&name, meter.version, meter.schema_url, meter.attributes);
        PluginMetricsService::new(self.naming.clone(), MetricScope::Plugin(segment), scope)
            .with_notice(notice)
    }

    /// What is to be said of a plugin when it comes for the first time.
    fn meet(&self, id: &str, segment: &str, wrong: Option<Error>) -> Option<String> {
        let mut plugins = self.plugins.lock().unwrap_or_else(PoisonError::into_inner);
        if plugins.len() >= MAX_PLUGINS && !plugins.contains_key(segment) {
            return None;
        }
        let ids = plugins.entry(segment.to_owned()).or_default();
        if ids.len() >= MAX_PLUGINS || ids.iter().any(|known| known == id) {
            return None;
        }
        let mended =
            wrong.map(|wrong| format!("{wrong}; its metrics are exported as those of {segment:?}"));
        let shared = ids.first().map(|other| {
            format!("the metrics of the plugins {other:?} and {id:?} have the same names")
        });
        ids.push(id.to_owned());
        let sentences: Vec<String> = mended.into_iter().chain(shared).collect();
        (!sentences.is_empty()).then(|| sentences.join("; "))
    }

    /// The service of a core service (`scope` `core`) or, for completeness, a plugin (`plugin`).
    ///
    /// # Errors
    /// [`Code::InvalidName`] for another scope or a name that cannot be a segment.
    pub fn for_service(&self, name: &str, scope_name: &str) -> Result<PluginMetricsService> {
        match scope_name {
            "plugin" => self.for_plugin(name, MeterIdentity::default()),
            "core" => {
                check_owner("core service name", name)?;
                let name_of_scope = format!("backstage-core-{name}");
                let scope = plain_scope(&name_of_scope, self.version.clone());
                Ok(PluginMetricsService::new(
                    self.naming.clone(),
                    MetricScope::Core(name.to_owned()),
                    scope,
                ))
            }
            other => Err(Error::new(
                Code::InvalidName,
                format!("invalid metric scope {other:?}: expected \"plugin\" or \"core\""),
            )),
        }
    }
}

/// How a plugin's meter is called, where it differs from the default.
#[derive(Clone, Debug, Default)]
pub struct MeterIdentity {
    pub name: Option<String>,
    pub version: Option<String>,
    pub schema_url: Option<String>,
    pub attributes: Vec<KeyValue>,
}

/// What the meter of the plugin with this id is called unless the configuration says otherwise.
pub fn default_meter_name(id: &str) -> String {
    format!("backstage-plugin-{id}")
}

fn plain_scope(name: &str, version: Option<String>) -> Arc<InstrumentationScope> {
    scope(name, version, None, Vec::new())
}

fn scope(
    name: &str,
    version: Option<String>,
    schema_url: Option<String>,
    attributes: Vec<KeyValue>,
) -> Arc<InstrumentationScope> {
    let mut builder = InstrumentationScope::builder(name.to_owned()).with_attributes(attributes);
    if let Some(version) = version {
        builder = builder.with_version(version);
    }
    if let Some(schema_url) = schema_url {
        builder = builder.with_schema_url(schema_url);
    }
    Arc::new(builder.build())
}
