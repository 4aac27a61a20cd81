//! The resource: what the metrics of a provider are of (Resource SDK specification).
//!
//! Four sources, each over the one before: what every provider says of itself, what detectors found,
//! the environment, the options. Detectors are JavaScript's; here is which of them run, and what of
//! theirs is kept.

use std::collections::BTreeMap;
use std::fmt;

use opentelemetry::{Key, KeyValue, Value};
use opentelemetry_sdk::Resource;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

use super::environment::{attribute_list, Environment};
use super::values::{invalid, nothing, null_is_unset, settings, typed_value, ResourceValue};
use super::views::{AttributeFilter, IncludeExcludeOptions};
use crate::error::Result;

/// May hold secrets, so no pattern takes it in: it has to be named.
const COMMAND_ARGUMENTS: &str = "process.command_args";

/// `resource`, as written: the keys of OpenTelemetry's declarative configuration, and any other key
/// is an attribute.
#[derive(Debug, Default)]
pub struct ResourceOptions {
    named: BTreeMap<String, Value>,
    declared: DeclaredResource,
}

/// `resource` of the declarative configuration.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a map of settings")]
pub(super) struct DeclaredResource {
    attributes: Option<Vec<AttributeEntry>>,
    attributes_list: Option<String>,
    schema_url: Option<String>,
    #[serde(rename = "detection/development")]
    detection: Option<DetectionOptions>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a map of settings")]
struct DetectionOptions {
    attributes: Option<IncludeExcludeOptions>,
    detectors: Option<Vec<DetectorEntry>>,
}

/// One attribute. Without a value it is left out.
#[derive(Debug)]
struct AttributeEntry(Option<(String, Value)>);

/// One detector, or several that have one name.
#[derive(Debug)]
struct DetectorEntry(&'static [Detector]);

/// Finds attributes where the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detector {
    Container,
    Host,
    Kubernetes,
    Os,
    Process,
    /// `service.name` from `OTEL_SERVICE_NAME`, and `service.instance.id`, which are there anyway.
    Service,
}

impl Detector {
    /// The names in the declarative configuration, whose `host` has `os.*` too.
    const DECLARED: [(&'static str, &'static [Detector]); 6] = [
        ("container", &[Detector::Container]),
        ("host", &[Detector::Host, Detector::Os]),
        ("k8s", &[Detector::Kubernetes]),
        ("os", &[Detector::Os]),
        ("process", &[Detector::Process]),
        ("service", &[Detector::Service]),
    ];

    /// The words of `OTEL_NODE_RESOURCE_DETECTORS`, those of OpenTelemetry's JavaScript SDK; the
    /// variables and `service.instance.id` are read in any case.
    pub(super) const WORDS: [(&'static str, &'static [Detector]); 9] = [
        ("container", &[Detector::Container]),
        ("env", &[]),
        ("host", &[Detector::Host]),
        ("k8s", &[Detector::Kubernetes]),
        ("os", &[Detector::Os]),
        ("process", &[Detector::Process]),
        ("serviceinstance", &[]),
        ("none", &[]),
        (
            "all",
            &[
                Detector::Container,
                Detector::Host,
                Detector::Kubernetes,
                Detector::Os,
                Detector::Process,
            ],
        ),
    ];

    /// As JavaScript knows it; `None` for what is done here.
    pub fn as_str(self) -> Option<&'static str> {
        Some(match self {
            Self::Container => "container",
            Self::Host => "host",
            Self::Kubernetes => "k8s",
            Self::Os => "os",
            Self::Process => "process",
            Self::Service => return None,
        })
    }
}

/// Attributes of one source, and the schema that they follow.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResourceLayer {
    pub attributes: BTreeMap<String, Value>,
    pub schema_url: Option<String>,
}

/// All that is known of a resource.
#[derive(Clone, Debug, Default)]
pub struct ResourceConfig {
    own: ResourceLayer,
    detected: ResourceLayer,
    given: ResourceLayer,
    late: ResourceLayer,
    pub detectors: Vec<Detector>,
    kept: AttributeFilter,
}

/// What becomes known after the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LateLayer {
    /// What detectors found.
    Detected,
    /// What a program's resource had to wait for.
    Given,
}

impl ResourceLayer {
    /// JSON: `attributes`, a map, and `schemaUrl`.
    ///
    /// # Errors
    /// [`Code::InvalidConfig`](crate::error::Code::InvalidConfig) naming `path`.
    pub fn parse(json: &str, path: &str) -> Result<Self> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "camelCase")]
        struct Written {
            attributes: BTreeMap<String, ResourceValue>,
            schema_url: Option<String>,
        }
        let written: Written =
            serde_json::from_str(json).map_err(|error| invalid(path, error.to_string()))?;
        Ok(Self {
            attributes: plain(written.attributes),
            schema_url: written.schema_url,
        })
    }

    /// Resource SDK specification, "Merge": the updating one's attributes and schema URL win. Two
    /// schema URLs that differ are an error there whose result is open; the attributes are then said
    /// to follow the updating one's, which somebody closer to the program wrote.
    fn merge(&mut self, updating: &Self, conflicts: &mut Vec<String>) {
        let updates = updating.attributes.iter();
        self.attributes
            .extend(updates.map(|(key, value)| (key.clone(), value.clone())));
        let url = |layer: &Self| layer.schema_url.clone().filter(|url| !url.is_empty());
        let (old, new) = (url(self), url(updating));
        if let (Some(old), Some(new)) = (&old, &new) {
            if old != new {
                conflicts.push(format!(
                    "the resource has attributes of two schemas, {old:?} and {new:?}; it is \
                     exported with the second"
                ));
            }
        }
        self.schema_url = new.or(old);
    }
}

impl ResourceConfig {
    /// Adds what became known after the start.
    pub fn add(&mut self, kind: LateLayer, mut layer: ResourceLayer) {
        match kind {
            LateLayer::Detected => {
                let is_kept = |key: &str| match key {
                    COMMAND_ARGUMENTS => self.kept.names(key),
                    _ => self.kept.keeps(key),
                };
                layer.attributes.retain(|key, _| is_kept(key));
                if layer.attributes.is_empty() {
                    layer.schema_url = None;
                }
                self.detected = layer;
            }
            LateLayer::Given => self.late = layer,
        }
    }

    /// The resource as it is known now, and what contradicts itself in it.
    pub fn build(&self) -> (Resource, Vec<String>) {
        let mut conflicts = Vec::new();
        let mut all = self.own.clone();
        for layer in [&self.detected, &self.given, &self.late] {
            all.merge(layer, &mut conflicts);
        }
        let attributes = all
            .attributes
            .into_iter()
            .map(|(key, value)| KeyValue::new(Key::from(key), value));
        let resource = match all.schema_url {
            Some(url) => Resource::builder_empty().with_schema_url(attributes, url),
            None => Resource::builder_empty().with_attributes(attributes),
        };
        (resource.build(), conflicts)
    }
}

impl DeclaredResource {
    /// Whether the variable of the service's name is read beside a file.
    pub fn has_service_detector(&self) -> bool {
        let entries = self.detection.iter().flat_map(|each| &each.detectors);
        entries
            .flatten()
            .any(|entry| entry.0.contains(&Detector::Service))
    }

    fn listed(&self, at: &str) -> Result<BTreeMap<String, Value>> {
        attribute_list(self.attributes_list.as_deref().unwrap_or_default()).map_err(|entry| {
            invalid(
                &format!("{at}.attributes_list"),
                format!(
                    "found {entry:?}, expected key=value with only percent-escapes such as %20 and \
                     %25 after a percent sign"
                ),
            )
        })
    }
}

impl ResourceOptions {
    /// `names` are `serviceName` and `serviceVersion`; an attribute goes before them. `file` is what a
    /// file says, and where it stands.
    pub(super) fn resolve(
        self,
        at: &str,
        file: Option<(DeclaredResource, String)>,
        names: [(&str, Option<String>); 2],
        environment: &Environment,
        warnings: &mut Vec<String>,
    ) -> Result<ResourceConfig> {
        let mut given = environment.resource_attributes(warnings);
        let (file, place) = file.unwrap_or_default();
        let detection = self.declared.detection.as_ref();
        let detection = detection.or(file.detection.as_ref());
        let detectors = match detection {
            Some(detection) => {
                let entries = detection.detectors.iter().flatten();
                entries.flat_map(|entry| entry.0).copied().collect()
            }
            None => environment.detectors(warnings),
        };
        if let Some(name) = environment.service_name() {
            given.insert("service.name".to_owned(), name.to_owned().into());
        }
        given.extend(file.listed(&place)?);
        given.extend(pairs(file.attributes));
        for (key, value) in names {
            if let Some(value) = value {
                given.insert(key.to_owned(), value.into());
            }
        }
        given.extend(self.declared.listed(at)?);
        given.extend(self.named);
        given.extend(pairs(self.declared.attributes));
        let kept = detection.and_then(|detection| detection.attributes.clone());
        Ok(ResourceConfig {
            own: own(environment),
            given: ResourceLayer {
                attributes: given,
                schema_url: self.declared.schema_url.or(file.schema_url),
            },
            detectors: distinct(detectors),
            kept: kept.unwrap_or_default().into(),
            ..ResourceConfig::default()
        })
    }
}

fn pairs(entries: Option<Vec<AttributeEntry>>) -> impl Iterator<Item = (String, Value)> {
    entries.into_iter().flatten().filter_map(|entry| entry.0)
}

/// What every provider says of itself.
fn own(environment: &Environment) -> ResourceLayer {
    let attributes = [
        (
            "service.name",
            environment.default_service_name().to_owned(),
        ),
        // Keeps replicas apart (semantic conventions, "service.instance.id").
        ("service.instance.id", uuid::Uuid::new_v4().to_string()),
        ("telemetry.sdk.language", "nodejs".to_owned()),
        ("telemetry.sdk.name", "nativestage".to_owned()),
        (
            "telemetry.sdk.version",
            env!("CARGO_PKG_VERSION").to_owned(),
        ),
    ];
    ResourceLayer {
        attributes: attributes
            .into_iter()
            .map(|(key, value)| (key.to_owned(), Value::from(value)))
            .collect(),
        schema_url: None,
    }
}

fn distinct(mut detectors: Vec<Detector>) -> Vec<Detector> {
    detectors.sort();
    detectors.dedup();
    detectors
}

fn plain(attributes: BTreeMap<String, ResourceValue>) -> BTreeMap<String, Value> {
    let values = attributes.into_iter();
    values.map(|(key, value)| (key, value.0)).collect()
}

impl<'de> Deserialize<'de> for ResourceOptions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct OptionsVisitor;
        impl<'de> Visitor<'de> for OptionsVisitor {
            type Value = ResourceOptions;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a map of attributes")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<ResourceOptions, A::Error> {
                let mut options = ResourceOptions::default();
                while let Some(key) = map.next_key::<String>()? {
                    let declared = &mut options.declared;
                    match key.as_str() {
                        "attributes" => declared.attributes = map.next_value()?,
                        "attributes_list" => declared.attributes_list = map.next_value()?,
                        "schema_url" => declared.schema_url = map.next_value()?,
                        "detection/development" => declared.detection = map.next_value()?,
                        _ => {
                            let value: ResourceValue = map.next_value()?;
                            options.named.insert(key, value.0);
                        }
                    }
                }
                Ok(options)
            }
        }
        deserializer.deserialize_any(OptionsVisitor)
    }
}

impl<'de> Deserialize<'de> for AttributeEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields, expecting = "a map of name, value and type")]
        struct Written {
            name: String,
            value: serde_json::Value,
            #[serde(default, rename = "type", deserialize_with = "null_is_unset")]
            kind: AttributeType,
        }
        let written: Written = settings(deserializer)?;
        if written.value.is_null() {
            return Ok(Self(None));
        }
        match typed_value(&written.value, written.kind) {
            Some(value) => Ok(Self(Some((written.name, value)))),
            None => Err(D::Error::custom(format!(
                "attribute {:?}: found {}, expected {}, as its type says",
                written.name,
                written.value,
                written.kind.expected()
            ))),
        }
    }
}

/// The type of an attribute (`AttributeType` of the declarative configuration).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttributeType {
    #[default]
    String,
    Bool,
    Int,
    Double,
    StringArray,
    BoolArray,
    IntArray,
    DoubleArray,
}

impl AttributeType {
    fn expected(self) -> &'static str {
        match self {
            Self::String => "a string (type: string is the default)",
            Self::Bool => "true or false",
            Self::Int => "a whole number",
            Self::Double => "a number",
            Self::StringArray => "a list of strings",
            Self::BoolArray => "a list of true and false",
            Self::IntArray => "a list of whole numbers",
            Self::DoubleArray => "a list of numbers",
        }
    }
}

impl<'de> Deserialize<'de> for DetectorEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Empty;
        impl<'de> DeserializeSeed<'de> for Empty {
            type Value = ();

            fn deserialize<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> std::result::Result<(), D::Error> {
                nothing(deserializer)
            }
        }
        struct EntryVisitor;
        impl<'de> Visitor<'de> for EntryVisitor {
            type Value = DetectorEntry;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                let names = Detector::DECLARED.map(|(name, _)| name);
                write!(f, "a map with one key of {}", names.join(", "))
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<DetectorEntry, A::Error> {
                let Some(key) = map.next_key::<String>()? else {
                    return Err(A::Error::invalid_length(0, &self));
                };
                let known = Detector::DECLARED.iter().find(|(name, _)| *name == key);
                let Some((_, detectors)) = known else {
                    return Err(A::Error::invalid_value(Unexpected::Str(&key), &self));
                };
                map.next_value_seed(Empty)?;
                match map.next_key::<String>()? {
                    Some(other) => {
                        map.next_value::<IgnoredAny>()?;
                        Err(A::Error::invalid_value(Unexpected::Str(&other), &self))
                    }
                    None => Ok(DetectorEntry(detectors)),
                }
            }
        }
        deserializer.deserialize_any(EntryVisitor)
    }
}
