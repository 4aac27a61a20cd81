//! The scoped metrics service: names, checks and registers the metrics of one plugin.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::metrics::InstrumentKind;

use super::naming::{MetricScope, Naming};
use super::renames::Rename;
use crate::config::NamingMode;
use crate::error::Result;

/// What a name became.
pub struct Named {
    pub name: String,
    /// A sentence for the log, where something had to be mended.
    pub notice: Option<String>,
    /// Where it is a metric of Backstage's own that has another name here.
    pub rename: Option<&'static Rename>,
}

/// Builds the full names of one scope's metrics. The instruments themselves belong to the provider;
/// the binding joins the two.
#[derive(Clone)]
pub struct PluginMetricsService {
    naming: Naming,
    owner: MetricScope,
    scope: Arc<InstrumentationScope>,
    notice: Option<String>,
    /// What each full name was first asked for as, of names that may have been mended.
    asked: Arc<Mutex<HashMap<String, String>>>,
}

impl PluginMetricsService {
    pub(super) fn new(
        naming: Naming,
        owner: MetricScope,
        scope: Arc<InstrumentationScope>,
    ) -> Self {
        Self {
            naming,
            owner,
            scope,
            notice: None,
            asked: Arc::default(),
        }
    }

    /// With a sentence for the log about whom it is for.
    pub(super) fn with_notice(mut self, notice: Option<String>) -> Self {
        self.notice = notice;
        self
    }

    /// A sentence for the log: that the plugin's id had to be mended, or that another plugin's metrics
    /// have the same names.
    pub fn notice(&self) -> Option<&str> {
        self.notice.as_deref()
    }

    /// The instrumentation scope of everything this service makes.
    pub fn scope(&self) -> &Arc<InstrumentationScope> {
        &self.scope
    }

    /// The full name for `{category}.{metric_name}`.
    ///
    /// # Errors
    /// [`Code::InvalidName`](crate::error::Code::InvalidName), see [`Naming::strict`].
    pub fn name(&self, name: &str) -> Result<String> {
        self.naming.strict(&self.owner, name)
    }

    /// The full name for a name whose author could not know the rules: of the metrics that are
    /// known, what they are called here; of others, what [`Naming::repaired`] makes of it.
    ///
    /// # Errors
    /// [`Code::InvalidName`](crate::error::Code::InvalidName), see [`Naming::repaired`].
    pub fn foreign_name(&self, kind: InstrumentKind, name: &str) -> Result<Named> {
        let known = match &self.owner {
            MetricScope::Plugin(id) if self.naming.mode() == NamingMode::Enforce => {
                Rename::of_plugin(id, kind, name)
            }
            _ => None,
        };
        if let Some(rename) = known {
            return Ok(Named {
                name: self.naming.strict(&self.owner, rename.new)?,
                notice: None,
                rename: Some(rename),
            });
        }
        let repaired = self.naming.repaired(&self.owner, name)?;
        let shared = self.shared(name, &repaired.name);
        let sentences: Vec<String> = repaired.notice.into_iter().chain(shared).collect();
        Ok(Named {
            name: repaired.name,
            notice: (!sentences.is_empty()).then(|| sentences.join("; ")),
            rename: None,
        })
    }

    /// A sentence where another name of this plugin became the same one.
    fn shared(&self, name: &str, full: &str) -> Option<String> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let first = asked
            .entry(full.to_owned())
            .or_insert_with(|| name.to_owned());
        (first != name).then(|| format!("{first:?} and {name:?} are one metric, {full:?}"))
    }
}
