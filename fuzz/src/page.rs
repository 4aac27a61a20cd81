//! One answer, read in the format that its headers name.

use std::collections::BTreeMap;
use std::io::Read;

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{Response, StatusCode};

use crate::protobuf::{self, BucketSpan};
use crate::text::{self, Dialect, Labels};

#[derive(Clone, Debug, PartialEq)]
pub enum Point {
    Number(f64),
    Histogram {
        count: u64,
        /// Not shown by the text formats where values may be negative.
        sum: Option<f64>,
        /// Cumulative, with `+Inf`; `None` where the buckets are native.
        buckets: Option<Vec<(f64, u64)>>,
    },
}

#[derive(Debug, Default)]
pub struct Page {
    pub points: BTreeMap<(String, Labels), Point>,
    pub help: BTreeMap<String, String>,
}

/// The scope of what the engine says about itself, with every page after the first.
const OWN_SCOPE: &str = "@nativestage/metrics";

/// What the program recorded. Panics unless the answer is a whole and valid page.
pub fn read(answer: &Response<Vec<u8>>) -> Page {
    assert_eq!(answer.status(), StatusCode::OK, "{:?}", answer.body());
    let header = |name| {
        answer
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap())
    };
    let mut bytes = answer.body().clone();
    if let Some(encoding) = header(CONTENT_ENCODING) {
        assert_eq!(encoding, "gzip");
        let mut plain = Vec::new();
        let mut gunzip = flate2::read::GzDecoder::new(&bytes[..]);
        gunzip.read_to_end(&mut plain).expect("gzip");
        bytes = plain;
    }
    let content_type = header(CONTENT_TYPE).expect("a type");
    let utf8 = content_type.ends_with("escaping=allow-utf-8");
    let mut page = if content_type.starts_with("application/vnd.google.protobuf;") {
        from_protobuf(&bytes)
    } else {
        let open_metrics = content_type.starts_with("application/openmetrics-text;");
        assert!(open_metrics || content_type.starts_with("text/plain;"));
        let text = std::str::from_utf8(&bytes).expect("UTF-8");
        from_text(text, Dialect { open_metrics, utf8 })
    };
    if !utf8 {
        for (name, labels) in page.points.keys() {
            for name in labels.keys().chain([name]) {
                let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
                assert!(name.chars().all(legal), "{name:?} is not escaped");
            }
        }
    }
    // By its value alone, because escaping may write the label's name in another way.
    page.points
        .retain(|(_, labels), _| labels.values().all(|value| value != OWN_SCOPE));
    page
}

impl Page {
    fn insert(&mut self, name: &str, labels: Labels, point: Point) {
        let twice = self.points.insert((name.to_owned(), labels), point);
        assert!(twice.is_none(), "a series of {name} comes twice");
    }
}

fn from_text(text: &str, dialect: Dialect) -> Page {
    let mut page = Page::default();
    for family in text::parse(text, dialect) {
        if family.kind == "histogram" {
            for (labels, histogram) in text::histograms(&family) {
                let point = Point::Histogram {
                    count: histogram.buckets.last().expect("buckets").1,
                    sum: histogram.sum,
                    buckets: Some(histogram.buckets),
                };
                page.insert(&family.name, labels, point);
            }
        } else {
            let typed = matches!(family.kind.as_str(), "counter");
            for sample in family.samples {
                if !(typed && dialect.open_metrics && sample.name.ends_with("_created")) {
                    page.insert(&sample.name, sample.labels, Point::Number(sample.value));
                }
            }
        }
        page.help.insert(family.name, family.help);
    }
    page
}

fn from_protobuf(bytes: &[u8]) -> Page {
    let mut page = Page::default();
    for family in protobuf::parse(bytes) {
        for metric in family.metric {
            let mut labels = Labels::new();
            for label in metric.label {
                assert!(!label.name.is_empty() && !label.value.is_empty());
                assert!(labels.insert(label.name, label.value).is_none());
            }
            let point = match (metric.counter, metric.gauge, metric.histogram) {
                (Some(value), None, None) if family.r#type == 0 => number(value),
                (None, Some(value), None) if family.r#type == 1 => number(value),
                (None, None, Some(histogram)) if family.r#type == 4 => from_histogram(histogram),
                _ => panic!("{} has another type than its points", family.name),
            };
            page.insert(&family.name, labels, point);
        }
        assert!(!page.help.contains_key(&family.name), "a family twice");
        page.help.insert(family.name, family.help);
    }
    page
}

fn number(value: protobuf::Value) -> Point {
    Point::Number(value.value.expect("a value"))
}

fn from_histogram(histogram: protobuf::Histogram) -> Point {
    let native = histogram.schema.is_some();
    if native {
        assert!(histogram.bucket.is_empty());
        assert!((-4..=8).contains(&histogram.schema.unwrap_or(0)));
        let counted = counted(&histogram.positive_span, &histogram.positive_delta)
            + counted(&histogram.negative_span, &histogram.negative_delta)
            + histogram.zero_count;
        assert_eq!(counted, histogram.sample_count);
    }
    let buckets: Vec<(f64, u64)> = histogram
        .bucket
        .iter()
        .map(|bucket| (bucket.upper_bound, bucket.cumulative_count))
        .collect();
    for pair in buckets.windows(2) {
        assert!(pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1, "{pair:?}");
    }
    Point::Histogram {
        count: histogram.sample_count,
        sum: Some(histogram.sample_sum),
        buckets: (!native).then_some(buckets),
    }
}

/// What the buckets of one side add up to; each holds the difference to the one before.
fn counted(spans: &[BucketSpan], deltas: &[i64]) -> u64 {
    let length: usize = spans.iter().map(|span| span.length as usize).sum();
    assert_eq!(length, deltas.len(), "a delta for every bucket");
    assert!(spans.iter().skip(1).all(|span| span.offset >= 0));
    let (total, _) = deltas.iter().fold((0, 0), |(total, last), delta| {
        let count = last + delta;
        assert!(count >= 0, "a negative bucket");
        (total + count, count)
    });
    total.try_into().expect("a count")
}
