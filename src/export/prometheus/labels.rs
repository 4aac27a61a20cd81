//! Labels: attributes under the names the page allows, each name once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use opentelemetry::{Array, InstrumentationScope, Key, KeyValue, Value};
use smallvec::SmallVec;

use super::names::{is_legacy_label, Naming};
use super::quoting::quoted_unless;
use crate::engine::interned::Attribute;
use crate::engine::points::{Attributes, Span};

/// What Prometheus itself puts before a label that must give way to one it needs (`honor_labels`).
const EXPORTED: &str = "exported_";

/// Sets of keys whose labels are remembered. The points of a metric have one, or few.
pub const RECENT: usize = 16;

/// The name of a label, made once a page.
#[derive(Debug)]
pub struct LabelName {
    pub text: String,
    /// As the text formats write it behind another label: with the quote that ends the value of that
    /// one, the comma, the equals sign and the quote that opens its own.
    pub opening: String,
}

impl LabelName {
    fn new(text: String) -> Self {
        let opening = format!("\",{}=\"", quoted_unless(is_legacy_label(&text), &text));
        Self { text, opening }
    }
}

/// Labels that many series share, those of a scope for instance: unescaped, ordered by name.
#[derive(Clone, Default)]
pub struct LabelSet {
    values: String,
    pairs: SmallVec<[(Rc<LabelName>, Range<usize>); 8]>,
    /// What they were made of, where labels of points may join them.
    parts: Vec<Part>,
}

/// What becomes a label, or a part of one.
#[derive(Clone)]
struct Part {
    name: String,
    /// Before it was escaped.
    key: String,
    value: Value,
}

impl LabelSet {
    /// Name and value of every label, in ascending order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&LabelName, &str)> {
        self.pairs
            .iter()
            .map(|(name, range)| (&**name, &self.values[range.clone()]))
    }

    /// Whether one of them has this name.
    pub fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(own, _)| own.text == name)
    }

    /// These and the labels of a point. Where both have one name, the values are one, in the order of
    /// the keys (compatibility specification, "Metric Attributes").
    pub fn join(&self, shape: &Shape, attributes: Attributes<'_>) -> Self {
        let of_point = shape.labels.iter().flat_map(|label| {
            label.sources().map(move |at| {
                let key = shape.keys[at].key.as_str();
                let value = &attributes.get(at).value;
                (label.name.text.clone(), key, value)
            })
        });
        ordered(of_point.chain(self.parts()).collect())
    }

    fn parts(&self) -> impl Iterator<Item = (String, &str, &Value)> {
        let parts = self.parts.iter();
        parts.map(|part| (part.name.clone(), &part.key[..], &part.value))
    }

    /// Adds a label; a name that is already the last one gets the value appended after `;`
    /// (compatibility specification, "Metric Attributes").
    fn push(&mut self, name: String, write_value: impl FnOnce(&mut String)) {
        if let Some((last, range)) = self.pairs.last_mut() {
            if last.text == name {
                self.values.push(';');
                write_value(&mut self.values);
                range.end = self.values.len();
                return;
            }
        }
        let start = self.values.len();
        write_value(&mut self.values);
        // An empty value says the same as no label (OpenMetrics, "Label"): left in, two series
        // that Prometheus holds for one would both be on the page.
        if self.values.len() > start {
            let name = Rc::new(LabelName::new(name));
            self.pairs.push((name, start..self.values.len()));
        }
    }
}

/// An attribute key of the page.
pub struct AttributeKey {
    key: Key,
    /// Counts keys from 0.
    pub number: usize,
    name: Rc<LabelName>,
}

impl AttributeKey {
    /// Series share the texts of their keys: most are told by where they lie.
    pub fn is(&self, key: &Key) -> bool {
        std::ptr::eq(self.key.as_str(), key.as_str()) || self.key == *key
    }
}

/// Which labels the attributes of a point become: the same for all points with these keys.
pub struct Shape {
    pub keys: Vec<Rc<AttributeKey>>,
    histogram: bool,
    /// In ascending order of the names.
    labels: Vec<ShapeLabel>,
    /// Whether one of them has several attributes.
    joins: bool,
}

struct ShapeLabel {
    name: Rc<LabelName>,
    /// The attribute that is its value.
    source: usize,
    /// Those whose values are joined to that one.
    more: Vec<usize>,
}

impl ShapeLabel {
    fn sources(&self) -> impl Iterator<Item = usize> + '_ {
        [self.source].into_iter().chain(self.more.iter().copied())
    }
}

impl Shape {
    fn fits(&self, attributes: Attributes<'_>, histogram: bool) -> bool {
        self.histogram == histogram
            && self.keys.len() == attributes.len()
            && self
                .keys
                .iter()
                .zip(attributes.iter())
                .all(|(key, kv)| key.is(&kv.key))
    }

    /// Name and keys of every label.
    pub fn labels(&self) -> impl Iterator<Item = (&LabelName, SmallVec<[&AttributeKey; 2]>)> {
        self.labels.iter().map(|label| {
            let keys = label.sources().map(|at| &*self.keys[at]).collect();
            (&*label.name, keys)
        })
    }
}

/// The labels of one series, apart from those of its scope.
#[derive(Clone, Copy)]
pub enum Labels<'s> {
    Attributes(&'s Shape, Attributes<'s>),
    Set(&'s LabelSet),
}

impl<'s> Labels<'s> {
    /// Gives name and value of every label to `visit`, in ascending order of the names.
    pub fn for_each(self, scratch: &mut String, visit: &mut impl FnMut(&LabelName, &str)) {
        let (shape, attributes) = match self {
            Labels::Attributes(shape, attributes) => (shape, attributes),
            Labels::Set(labels) => {
                return labels.iter().for_each(|(name, value)| visit(name, value))
            }
        };
        for label in &shape.labels {
            let mut write = |value: &str| visit(&label.name, value);
            match label.more.is_empty() {
                true => with_text(&attributes.get(label.source).value, scratch, &mut write),
                false => {
                    join(label.sources().map(|at| &attributes.get(at).value), scratch);
                    if !scratch.is_empty() {
                        write(scratch);
                    }
                }
            }
        }
    }

    /// Name and attribute of every label, in ascending order of the names, where each is that of one
    /// attribute which was recorded.
    pub fn recorded(self) -> Option<impl Iterator<Item = (&'s Rc<LabelName>, &'s Attribute)>> {
        let Labels::Attributes(shape, Attributes::Recorded(attributes)) = self else {
            return None;
        };
        let label = move |label: &'s ShapeLabel| (&label.name, &attributes[label.source]);
        (!shape.joins).then(|| shape.labels.iter().map(label))
    }
}

/// Gives the text of a value to `visit`, unless it is empty; see [`LabelSet::push`].
pub fn with_text(value: &Value, scratch: &mut String, visit: &mut impl FnMut(&str)) {
    let mut digits = itoa::Buffer::new();
    let text = match value {
        Value::String(text) => text.as_str(),
        Value::I64(integer) => digits.format(*integer),
        value => {
            scratch.clear();
            write_value(scratch, value);
            scratch.as_str()
        }
    };
    if !text.is_empty() {
        visit(text);
    }
}

fn join<'v>(values: impl Iterator<Item = &'v Value>, out: &mut String) {
    out.clear();
    for value in values {
        if !out.is_empty() {
            out.push(';');
        }
        write_value(out, value);
    }
}

/// Turns attributes into [`Labels`]; remembers the names it has made.
pub struct Labeller {
    naming: Naming,
    keys: HashMap<Key, Rc<AttributeKey>>,
    exported_le: Rc<LabelName>,
    /// The last used one first.
    shapes: Vec<Rc<Shape>>,
}

impl Labeller {
    pub fn new(naming: Naming) -> Self {
        Self {
            naming,
            keys: HashMap::new(),
            exported_le: Rc::new(LabelName::new(format!("{EXPORTED}le"))),
            shapes: Vec::new(),
        }
    }

    pub fn naming(&self) -> Naming {
        self.naming
    }

    /// The labels of a point. Names the page itself needs (`__…`, and `le` on histograms) are given to
    /// attributes with `exported_` before them.
    pub fn shape(&mut self, attributes: Attributes<'_>, histogram: bool) -> &Rc<Shape> {
        match self
            .shapes
            .iter()
            .position(|shape| shape.fits(attributes, histogram))
        {
            Some(0) => {}
            Some(at) => self.shapes[..=at].rotate_right(1),
            None => {
                let shape = Rc::new(self.new_shape(attributes, histogram));
                self.shapes.truncate(RECENT - 1);
                self.shapes.insert(0, shape);
            }
        }
        &self.shapes[0]
    }

    fn new_shape(&mut self, attributes: Attributes<'_>, histogram: bool) -> Shape {
        let keys: Vec<Rc<AttributeKey>> = attributes.iter().map(|kv| self.key(&kv.key)).collect();
        let name = |at: usize| match &keys[at].name {
            name if histogram && name.text == "le" => &self.exported_le,
            name => name,
        };
        let mut order: Vec<usize> = (0..keys.len()).collect();
        order.sort_by(|a, b| (&name(*a).text, &keys[*a].key).cmp(&(&name(*b).text, &keys[*b].key)));
        let mut labels: Vec<ShapeLabel> = Vec::new();
        for at in order {
            match labels.last_mut() {
                Some(last) if last.name.text == name(at).text => last.more.push(at),
                _ => labels.push(ShapeLabel {
                    name: name(at).clone(),
                    source: at,
                    more: Vec::new(),
                }),
            }
        }
        Shape {
            keys,
            histogram,
            joins: labels.iter().any(|label| !label.more.is_empty()),
            labels,
        }
    }

    fn key(&mut self, key: &Key) -> Rc<AttributeKey> {
        if let Some(known) = self.keys.get(key) {
            return known.clone();
        }
        let text = key.as_str();
        let name = unreserved(self.naming.label(text)).into_owned();
        let new = Rc::new(AttributeKey {
            key: key.clone(),
            number: self.keys.len(),
            name: Rc::new(LabelName::new(name)),
        });
        self.keys.insert(key.clone(), new.clone());
        new
    }
}

/// Names that begin with `__` are Prometheus' own; strict parsers refuse the page.
fn unreserved(name: Cow<'_, str>) -> Cow<'_, str> {
    match name.starts_with("__") {
        true => Cow::Owned(format!("{EXPORTED}{name}")),
        false => name,
    }
}

const SCOPE_PREFIX: &str = "otel_scope_";

/// The labels that all points of a scope have: of the scope, where that is to be seen, name, version and
/// schema URL where set, and its attributes, those called `name`, `version` or `schema_url` left out
/// (compatibility specification, "Instrumentation Scope"); and attributes of the resource.
pub fn constant_labels<'a>(
    scope: Option<&InstrumentationScope>,
    resource: impl Iterator<Item = (&'a str, &'a Value)>,
    naming: Naming,
) -> LabelSet {
    let resource = resource.map(|(key, value)| {
        let name = unreserved(naming.label(key));
        Part {
            name: match &*name {
                // Of a point's own.
                "le" | "quantile" => format!("{EXPORTED}{name}"),
                _ => name.into_owned(),
            },
            key: key.to_owned(),
            value: value.clone(),
        }
    });
    let scope = scope.map(|scope| scope_parts(scope, naming));
    let parts: Vec<Part> = scope.into_iter().flatten().chain(resource).collect();
    let unwritten = LabelSet {
        parts,
        ..LabelSet::default()
    };
    LabelSet {
        parts: unwritten.parts.clone(),
        ..ordered(unwritten.parts().collect())
    }
}

fn scope_parts(scope: &InstrumentationScope, naming: Naming) -> Vec<Part> {
    let part = |key: String, value: Value| Part {
        name: naming.label(&key).into_owned(),
        key,
        value,
    };
    let mut parts: Vec<Part> = [
        ("name", Some(scope.name())),
        ("version", scope.version()),
        ("schema_url", scope.schema_url()),
    ]
    .into_iter()
    .map(|(key, text)| {
        part(
            format!("{SCOPE_PREFIX}{key}"),
            text.unwrap_or_default().to_owned().into(),
        )
    })
    .collect();
    let attributes = scope.attributes().map(|kv| {
        part(
            format!("{SCOPE_PREFIX}{}", kv.key.as_str()),
            kv.value.clone(),
        )
    });
    let attributes: Vec<Part> = attributes
        .filter(|part| !parts.iter().any(|own| own.name == part.name))
        .collect();
    parts.extend(attributes);
    // What is empty is no label, and joins none.
    parts.retain(|part| part.value.as_str() != "");
    parts
}

/// The attributes of the resource as the labels of `target_info` (compatibility specification,
/// "Resource Attributes").
pub fn resource_labels<'a>(
    attributes: impl Iterator<Item = (&'a str, &'a Value)>,
    naming: Naming,
) -> LabelSet {
    ordered(
        attributes
            .map(|(key, value)| {
                let name = unreserved(naming.label(key)).into_owned();
                (name, key, value)
            })
            .collect(),
    )
}

/// The labels of an exemplar; attributes called as its trace and span give way (compatibility
/// specification, "Exemplars").
pub fn exemplar_labels(span: Option<&Span>, attributes: &[KeyValue], naming: Naming) -> LabelSet {
    let ids = span.map(|span| {
        [
            ("trace_id", Value::from(span.trace_id.to_string())),
            ("span_id", Value::from(span.span_id.to_string())),
        ]
    });
    let ids = ids.iter().flatten();
    let attributes = attributes.iter().filter_map(|kv| {
        let name = unreserved(naming.label(kv.key.as_str())).into_owned();
        let own = ids.clone().any(|(own, _)| *own == name);
        (!own).then_some((name, kv.key.as_str(), &kv.value))
    });
    let own = ids.clone().map(|(name, id)| ((*name).to_owned(), "", id));
    ordered(own.chain(attributes).collect())
}

fn ordered(mut labels: Vec<(String, &str, &Value)>) -> LabelSet {
    labels.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    let mut out = LabelSet::default();
    for (name, _, value) in labels {
        out.push(name, |values| write_value(values, value));
    }
    out
}

/// An attribute value as text: strings as they are, the rest as JSON, non-finite numbers by their
/// names (common specification, "Attribute").
fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::String(value) => out.push_str(value.as_str()),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::I64(value) => out.push_str(itoa::Buffer::new().format(*value)),
        Value::F64(value) => out.push_str(&double(*value)),
        Value::Array(values) => write_array(out, values),
        // The enum may grow; its own text is better than nothing.
        value => out.push_str(&value.as_str()),
    }
}

fn write_array(out: &mut String, values: &Array) {
    fn list(out: &mut String, items: impl Iterator<Item = String>) {
        out.push('[');
        for (index, item) in items.enumerate() {
            if index > 0 {
                out.push(',');
            }
            out.push_str(&item);
        }
        out.push(']');
    }
    match values {
        Array::Bool(values) => list(out, values.iter().map(bool::to_string)),
        Array::I64(values) => list(out, values.iter().map(i64::to_string)),
        Array::F64(values) => list(
            out,
            values.iter().map(|value| match value.is_finite() {
                true => double(*value),
                false => format!("\"{}\"", double(*value)),
            }),
        ),
        Array::String(values) => list(
            out,
            values
                .iter()
                .map(|value| serde_json::Value::from(value.as_str()).to_string()),
        ),
        values => out.push_str(&values.to_string()),
    }
}

fn double(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else if value != 0.0 && !(1e-6..1e21).contains(&value.abs()) {
        format!("{value:e}")
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TranslationStrategy::NoTranslation;
    use crate::export::prometheus::names::Escaping;

    fn labels(attributes: &[KeyValue], histogram: bool, naming: Naming) -> Vec<(String, String)> {
        let mut out = Vec::new();
        let mut labeller = Labeller::new(naming);
        let attributes = Attributes::Produced(attributes);
        let labels = Labels::Attributes(labeller.shape(attributes, histogram), attributes);
        labels.for_each(&mut String::new(), &mut |name, value| {
            out.push(pair(&name.text, value));
        });
        out
    }

    fn pairs(labels: &LabelSet) -> Vec<(String, String)> {
        labels
            .iter()
            .map(|(name, value)| pair(&name.text, value))
            .collect()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn labels_that_collide_are_joined_in_the_order_of_their_keys() {
        let attributes = [
            KeyValue::new("a_b", "3"),
            KeyValue::new("a.b", "2"),
            KeyValue::new("a-b", "1"),
            KeyValue::new("z", true),
        ];
        assert_eq!(
            labels(&attributes, false, Naming::default()),
            [pair("a_b", "1;2;3"), pair("z", "true")]
        );
    }

    #[test]
    fn names_the_page_needs_are_moved_out_of_the_way() {
        let attributes = [
            KeyValue::new("le", "x"),
            KeyValue::new("otel.scope.name", "y"),
            KeyValue::new("__name__", "z"),
        ];
        assert_eq!(
            labels(&attributes, true, Naming::default()),
            [
                pair("_name_", "z"),
                pair("exported_le", "x"),
                pair("otel_scope_name", "y"),
            ]
        );
        let utf8 = Naming {
            strategy: NoTranslation,
            escaping: Escaping::AllowUtf8,
        };
        assert_eq!(
            labels(&attributes, false, utf8),
            [
                pair("exported___name__", "z"),
                pair("le", "x"),
                pair("otel.scope.name", "y"),
            ]
        );
        let escaped = Naming {
            strategy: NoTranslation,
            escaping: Escaping::Underscores,
        };
        assert_eq!(
            labels(&attributes[1..2], false, escaped),
            [pair("otel_scope_name", "y")]
        );
    }

    #[test]
    fn values_of_every_type_become_text() {
        let strings: Vec<opentelemetry::StringValue> = vec!["a\"b".into(), "ü".into()];
        for (value, expected) in [
            (Value::from("plain"), "plain"),
            (Value::from(true), "true"),
            (Value::from(-3i64), "-3"),
            (Value::from(1.5), "1.5"),
            (Value::from(2.0), "2"),
            (Value::from(1e300), "1e300"),
            (Value::from(f64::NAN), "NaN"),
            (Value::from(f64::NEG_INFINITY), "-Infinity"),
            (Value::Array(Array::I64(vec![1, 2])), "[1,2]"),
            (Value::Array(Array::Bool(vec![true, false])), "[true,false]"),
            (
                Value::Array(Array::F64(vec![0.5, f64::NAN])),
                r#"[0.5,"NaN"]"#,
            ),
            (Value::Array(Array::String(strings)), r#"["a\"b","ü"]"#),
        ] {
            let mut out = String::new();
            write_value(&mut out, &value);
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn empty_values_are_no_labels() {
        let attributes = [KeyValue::new("a", ""), KeyValue::new("b", "1")];
        assert_eq!(
            labels(&attributes, false, Naming::default()),
            [pair("b", "1")]
        );
    }

    #[test]
    fn scopes_are_labels_and_their_attributes_cannot_impersonate_them() {
        let scope = InstrumentationScope::builder("catalog")
            .with_version("1.2.3")
            .with_schema_url("https://example.org/1")
            .with_attributes([
                KeyValue::new("team.name", "core"),
                KeyValue::new("name", "evil"),
                KeyValue::new("schema.url", "evil"),
            ])
            .build();
        assert_eq!(
            pairs(&constant_labels(
                Some(&scope),
                [].into_iter(),
                Naming::default()
            )),
            [
                pair("otel_scope_name", "catalog"),
                pair("otel_scope_schema_url", "https://example.org/1"),
                pair("otel_scope_team_name", "core"),
                pair("otel_scope_version", "1.2.3"),
            ]
        );
    }
    /// A point's labels with those of its scope and its resource.
    fn joined(
        attributes: &[KeyValue],
        scope: &InstrumentationScope,
        resource: &[KeyValue],
    ) -> Vec<(String, String)> {
        let mut labeller = Labeller::new(Naming::default());
        let attributes = Attributes::Produced(attributes);
        let shape = labeller.shape(attributes, false).clone();
        let resource = resource.iter().map(|kv| (kv.key.as_str(), &kv.value));
        let constant = constant_labels(Some(scope), resource, Naming::default());
        pairs(&constant.join(&shape, attributes))
    }

    #[test]
    fn a_points_labels_join_those_of_its_scope_in_the_order_of_their_keys() {
        let scope = InstrumentationScope::builder("catalog")
            .with_version("1")
            .with_attributes([KeyValue::new("team", "core")])
            .build();
        for (key, value) in [
            // Before `otel_scope_name`, behind it, and the same.
            ("otel.scope.name", "x;catalog"),
            ("otel_scope_name", "x;catalog"),
            ("otel_scope~name", "catalog;x"),
        ] {
            assert_eq!(
                joined(
                    &[KeyValue::new(key, "x"), KeyValue::new("z", 1)],
                    &scope,
                    &[]
                ),
                [
                    pair("otel_scope_name", value),
                    pair("otel_scope_team", "core"),
                    pair("otel_scope_version", "1"),
                    pair("z", "1"),
                ]
            );
        }
        assert_eq!(
            joined(
                &[
                    KeyValue::new("otel.scope.team", "a"),
                    KeyValue::new("b.c", 1)
                ],
                &scope,
                &[KeyValue::new("b-c", 2), KeyValue::new("le", "no bound")]
            ),
            [
                pair("b_c", "2;1"),
                pair("exported_le", "no bound"),
                pair("otel_scope_name", "catalog"),
                pair("otel_scope_team", "a;core"),
                pair("otel_scope_version", "1"),
            ]
        );
    }
}
