//! What makes streams of instruments: the part of a configuration that can change at run time.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

use super::meters::{MeterConfigurator, MeterConfiguratorOptions};
use super::options::{parse, parse_json, Options, PluginOptions};
use super::values::Count;
use super::views::{ReservoirSpec, View, ViewMatching, ViewOptions, ViewReservoir};
use super::DEFAULT_CARDINALITY_LIMIT;
use crate::error::Result;

/// Which streams instruments have.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamConfig {
    pub views: Vec<View>,
    pub view_matching: ViewMatching,
    pub meters: MeterConfigurator,
    pub cardinality_limit: usize,
}

/// What another [`StreamConfig`] is made of; what is not given stays as it is.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct StreamUpdate {
    views: Change<Vec<ViewOptions>>,
    view_matching_mode: Change<ViewMatching>,
    meter_configurator: Change<MeterConfiguratorOptions>,
    cardinality_limit: Change<Option<Count>>,
    plugin: Change<BTreeMap<String, PluginOptions>>,
}

/// A setting that stays as it is unless it is given; `null` stands for its default.
#[derive(Debug)]
struct Change<T>(Option<T>);

impl<T> Default for Change<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let given = Option::deserialize(deserializer)?;
        Ok(Self(Some(given.unwrap_or_default())))
    }
}

impl StreamConfig {
    /// Has functions of the program's make the reservoirs of views.
    pub fn reserve_by(&mut self, reservoirs: &[ViewReservoir]) {
        for ViewReservoir { index, function } in reservoirs {
            if let Some(view) = self.views.get_mut(*index) {
                view.stream.exemplars = Some(ReservoirSpec::Function(*function));
            }
        }
    }
}

impl StreamUpdate {
    /// What is given, and the section `exporters` where there is one.
    ///
    /// # Errors
    /// As [`Options::parse`].
    pub fn parse(json: &str, path: &str) -> Result<(Option<Json>, Self)> {
        let mut options: Json = parse_json(json, path)?;
        let exporters = options.as_object_mut();
        let exporters = exporters.and_then(|options| options.remove("exporters"));
        Ok((exporters, parse(&options.to_string(), path)?))
    }

    /// # Errors
    /// [`Code::InvalidConfig`](crate::error::Code::InvalidConfig) naming the path below `path`.
    pub fn apply(self, path: &str, to: &StreamConfig) -> Result<StreamConfig> {
        let views = match self.views.0 {
            Some(views) => resolve_views(views, path)?,
            None => to.views.clone(),
        };
        let meters = match self.meter_configurator.0 {
            Some(options) => MeterConfigurator::from(options).disabling_as(&to.meters),
            None => to.meters.clone(),
        };
        Ok(StreamConfig {
            views,
            view_matching: self.view_matching_mode.0.unwrap_or(to.view_matching),
            meters: match self.plugin.0 {
                Some(plugins) => meters.disabling(disabled_meters(&plugins)),
                None => meters,
            },
            cardinality_limit: match self.cardinality_limit.0 {
                Some(limit) => cardinality_limit(limit),
                None => to.cardinality_limit,
            },
        })
    }
}

impl Options {
    /// Takes what makes streams.
    ///
    /// # Errors
    /// [`Code::InvalidConfig`](crate::error::Code::InvalidConfig) naming the path below `path`.
    pub(super) fn take_streams(&mut self, path: &str) -> Result<StreamConfig> {
        let meters = self.meter_configurator.take().unwrap_or_default();
        Ok(StreamConfig {
            views: resolve_views(std::mem::take(&mut self.views), path)?,
            view_matching: self.view_matching_mode,
            meters: MeterConfigurator::from(meters).disabling(disabled_meters(&self.plugin)),
            cardinality_limit: cardinality_limit(self.cardinality_limit),
        })
    }
}

fn resolve_views(views: Vec<ViewOptions>, path: &str) -> Result<Vec<View>> {
    let views = views.into_iter().enumerate();
    views
        .map(|(index, view)| {
            let path = format!("{path}.views[{index}]");
            view.resolve(&path)?.with_criterion(&path)
        })
        .collect()
}

fn cardinality_limit(limit: Option<Count>) -> usize {
    limit.map_or(DEFAULT_CARDINALITY_LIMIT, |limit| limit.0)
}

/// The names of the meters of plugins that are disabled.
fn disabled_meters(plugins: &BTreeMap<String, PluginOptions>) -> Vec<String> {
    let disabled = plugins.iter().filter(|(_, plugin)| plugin.disabled.0);
    disabled.map(|(id, plugin)| plugin.meter_name(id)).collect()
}
