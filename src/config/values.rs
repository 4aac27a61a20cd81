//! The values that options are made of. Each refuses what is wrong with what is allowed, and takes
//! what YAML and `${VARIABLE}` substitution make of a value.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use opentelemetry::{Array, StringValue, Value};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

use super::resource::AttributeType;
use super::{Secret, LARGEST_SIZE, SMALLEST_SIZE};
use crate::error::{Code, Error};

/// A configuration error at a path.
pub(super) fn invalid(at: &str, reason: impl fmt::Display) -> Error {
    Error::new(Code::InvalidConfig, format!("{at}: {reason}"))
}

/// A map of settings, and nothing else: serde would also read a struct from a list.
pub(super) fn settings<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    struct SettingsVisitor<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for SettingsVisitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("a map of settings")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }
    deserializer.deserialize_any(SettingsVisitor(PhantomData))
}

/// Header names and their values. A string in their place is not repeated: it holds secrets too.
pub(super) fn headers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Secret>, D::Error> {
    struct HeadersVisitor;
    impl<'de> Visitor<'de> for HeadersVisitor {
        type Value = BTreeMap<String, Secret>;

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("a map of header names and values")
        }

        fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Self::Value, E> {
            Err(E::invalid_type(Unexpected::Other("a string"), &self))
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            BTreeMap::deserialize(MapAccessDeserializer::new(map))
        }
    }
    deserializer.deserialize_any(HeadersVisitor)
}

/// A header value without the blanks around it, which no receiver sees. `None` for line breaks and
/// other control characters, and for what is not ASCII: HTTP leaves its meaning open (RFC 9110,
/// section 5.5) and gRPC forbids it.
pub(super) fn header_value(value: &Secret) -> Option<Secret> {
    let text = value.expose().trim_matches([' ', '\t']);
    text.bytes()
        .all(|byte| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t'))
        .then(|| Secret::new(text))
}

/// `false` turns an exporter off, `true` or a map turns it on.
#[derive(Debug)]
pub enum Switch<T> {
    Off,
    On(T),
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Switch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SwitchVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for SwitchVisitor<T> {
            type Value = Switch<T>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("true, false or a map of settings")
            }

            fn visit_bool<E>(self, on: bool) -> Result<Self::Value, E> {
                Ok(if on {
                    Switch::On(T::default())
                } else {
                    Switch::Off
                })
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                match text {
                    "true" => Ok(Switch::On(T::default())),
                    "false" => Ok(Switch::Off),
                    _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Switch::On)
            }
        }
        deserializer.deserialize_any(SwitchVisitor(PhantomData))
    }
}

/// A switch whose exporter may be there several times: a map of settings, or a list of them.
#[derive(Debug)]
pub enum Several<T> {
    Off,
    On(T),
    Listed(Vec<T>),
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Several<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// One entry of the list.
        struct Entry<T>(T);
        impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entry<T> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                settings(deserializer).map(Entry)
            }
        }
        struct SeveralVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for SeveralVisitor<T> {
            type Value = Several<T>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("true, false, a map of settings or a list of them")
            }

            fn visit_bool<E: serde::de::Error>(self, on: bool) -> Result<Self::Value, E> {
                Switch::deserialize(on.into_deserializer()).map(Several::from)
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                match text {
                    "true" => self.visit_bool(true),
                    "false" => self.visit_bool(false),
                    _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Several::On)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(Entry(entry)) = list.next_element()? {
                    entries.push(entry);
                }
                Ok(Several::Listed(entries))
            }
        }
        deserializer.deserialize_any(SeveralVisitor(PhantomData))
    }
}

impl<T> From<Switch<T>> for Several<T> {
    fn from(switch: Switch<T>) -> Self {
        match switch {
            Switch::Off => Several::Off,
            Switch::On(one) => Several::On(one),
        }
    }
}

/// Numbers count, because YAML makes them of digits; what is wrong is refused without showing it.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => Ok(Secret::new(text)),
            serde_json::Value::Number(number) => Ok(Secret::new(number.to_string())),
            _ => Err(D::Error::custom("found something else, expected a string")),
        }
    }
}

/// A boolean; `"true"` and `"false"` count, because `${VARIABLE}` in app-config yields strings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flag(pub bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FlagVisitor;
        impl Visitor<'_> for FlagVisitor {
            type Value = Flag;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("true or false")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Flag, E> {
                Ok(Flag(value))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Flag, E> {
                text.parse()
                    .map(Flag)
                    .map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(FlagVisitor)
    }
}

/// A number that may be written as a string, for the same reason.
fn number<'de, D: Deserializer<'de>>(
    deserializer: D,
    expected: &'static str,
    allowed: impl Fn(f64) -> bool,
) -> Result<f64, D::Error> {
    struct NumberVisitor(&'static str);
    impl Visitor<'_> for NumberVisitor {
        type Value = f64;

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_u64<E>(self, value: u64) -> Result<f64, E> {
            Ok(value as f64)
        }

        fn visit_i64<E>(self, value: i64) -> Result<f64, E> {
            Ok(value as f64)
        }

        fn visit_f64<E>(self, value: f64) -> Result<f64, E> {
            Ok(value)
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<f64, E> {
            text.trim()
                .parse()
                .map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
        }
    }
    let value = deserializer.deserialize_any(NumberVisitor(expected))?;
    if allowed(value) {
        Ok(value)
    } else {
        Err(D::Error::invalid_value(Unexpected::Float(value), &expected))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port(pub u16);

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        number(deserializer, "a port from 0 to 65535", |port| {
            port.fract() == 0.0 && (0.0..=65535.0).contains(&port)
        })
        .map(|port| Port(port as u16))
    }
}

/// A whole number from 1 to a million.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count(pub usize);

impl Count {
    pub const MAX: usize = 1_000_000;
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        number(deserializer, "a whole number from 1 to 1000000", |count| {
            count.fract() == 0.0 && (1.0..=Self::MAX as f64).contains(&count)
        })
        .map(|count| Count(count as usize))
    }
}

/// Bytes of a message, from 64 KiB to 64 MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub usize);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const EXPECTED: &str = "a whole number of bytes from 65536 (64 KiB) to 67108864 (64 MiB)";
        number(deserializer, EXPECTED, |size| {
            size.fract() == 0.0 && (SMALLEST_SIZE as f64..=LARGEST_SIZE as f64).contains(&size)
        })
        .map(|size| Size(size as usize))
    }
}

/// Requests at once, from 1 to 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concurrency(pub usize);

impl<'de> Deserialize<'de> for Concurrency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        number(deserializer, "a whole number from 1 to 64", |count| {
            count.fract() == 0.0 && (1.0..=64.0).contains(&count)
        })
        .map(|count| Concurrency(count as usize))
    }
}

/// What a JavaScript timer can hold, 24.8 days: a longer one fires after 1 ms.
pub(super) const LONGEST_MILLISECONDS: u64 = i32::MAX as u64;

/// A duration: Backstage's `HumanDuration` map, or a number of milliseconds. At least 1 ms, at
/// most [`LONGEST_MILLISECONDS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HumanDuration(pub Duration);

impl<'de> Deserialize<'de> for HumanDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Default, Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "camelCase", default)]
        struct Parts {
            milliseconds: f64,
            seconds: f64,
            minutes: f64,
            hours: f64,
            days: f64,
            weeks: f64,
        }
        struct DurationVisitor;
        const EXPECTED: &str =
            "a duration from 1 ms to 24 days, such as { seconds: 60 }, or a number of milliseconds";
        impl<'de> Visitor<'de> for DurationVisitor {
            type Value = f64;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str(EXPECTED)
            }

            fn visit_u64<E>(self, value: u64) -> Result<f64, E> {
                Ok(value as f64)
            }

            fn visit_i64<E>(self, value: i64) -> Result<f64, E> {
                Ok(value as f64)
            }

            fn visit_f64<E>(self, value: f64) -> Result<f64, E> {
                Ok(value)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<f64, A::Error> {
                let parts = Parts::deserialize(MapAccessDeserializer::new(map))?;
                Ok(parts.milliseconds
                    + 1e3 * parts.seconds
                    + 60e3 * parts.minutes
                    + 3_600e3 * parts.hours
                    + 86_400e3 * parts.days
                    + 604_800e3 * parts.weeks)
            }
        }
        let milliseconds = deserializer.deserialize_any(DurationVisitor)?;
        if (1.0..=LONGEST_MILLISECONDS as f64).contains(&milliseconds) {
            Ok(HumanDuration(Duration::from_secs_f64(milliseconds / 1e3)))
        } else {
            Err(D::Error::invalid_value(
                Unexpected::Float(milliseconds),
                &EXPECTED,
            ))
        }
    }
}

/// A resource attribute: a string, number, boolean or an array of one of these.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceValue(pub Value);

impl<'de> Deserialize<'de> for ResourceValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = serde_json::Value::deserialize(deserializer)?;
        attribute_value(&json).map(ResourceValue).ok_or_else(|| {
            D::Error::custom(format!(
                "found {json}, expected a string, a number, a boolean or an array of one of these"
            ))
        })
    }
}

/// `null` or an empty map, as YAML authors write either.
pub(super) fn nothing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Empty {}
    Option::<Empty>::deserialize(deserializer).map(|_| ())
}

/// `null` where a value may be left out.
pub(super) fn null_is_unset<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A value of a type; `None` where it is of another. A whole number is a `double` too.
pub(super) fn typed_value(json: &serde_json::Value, kind: AttributeType) -> Option<Value> {
    use serde_json::Value as Json;
    fn list<'a, T>(json: &'a Json, read: impl Fn(&'a Json) -> Option<T>) -> Option<Vec<T>> {
        json.as_array()?.iter().map(read).collect()
    }
    fn text(json: &Json) -> Option<StringValue> {
        json.as_str().map(|text| text.to_owned().into())
    }
    Some(match kind {
        AttributeType::String => Value::String(text(json)?),
        AttributeType::Bool => Value::Bool(json.as_bool()?),
        AttributeType::Int => Value::I64(json.as_i64()?),
        AttributeType::Double => Value::F64(json.as_f64()?),
        AttributeType::StringArray => Value::Array(Array::String(list(json, text)?)),
        AttributeType::BoolArray => Value::Array(Array::Bool(list(json, Json::as_bool)?)),
        AttributeType::IntArray => Value::Array(Array::I64(list(json, Json::as_i64)?)),
        AttributeType::DoubleArray => Value::Array(Array::F64(list(json, Json::as_f64)?)),
    })
}

fn attribute_value(json: &serde_json::Value) -> Option<Value> {
    use serde_json::Value as Json;
    Some(match json {
        Json::String(text) => Value::String(text.clone().into()),
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Value::I64(integer),
            None => Value::F64(number.as_f64()?),
        },
        Json::Array(items) => {
            let strings: Option<Vec<StringValue>> = items
                .iter()
                .map(|item| item.as_str().map(|text| text.to_owned().into()))
                .collect();
            let integers = || items.iter().map(Json::as_i64).collect::<Option<Vec<_>>>();
            let doubles = || items.iter().map(Json::as_f64).collect::<Option<Vec<_>>>();
            let flags = || items.iter().map(Json::as_bool).collect::<Option<Vec<_>>>();
            let array = strings
                .map(Array::String)
                .or_else(|| integers().map(Array::I64))
                .or_else(|| doubles().map(Array::F64))
                .or_else(|| flags().map(Array::Bool))?;
            Value::Array(array)
        }
        Json::Null | Json::Object(_) => return None,
    })
}
