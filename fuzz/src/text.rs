//! A strict reader of Prometheus text 0.0.4 and 1.0.0 and of OpenMetrics 1.0.0, written from their
//! specifications. It panics on whatever an encoder should not write, also where readers are
//! commonly lenient.

use std::collections::{BTreeMap, HashSet};

pub type Labels = BTreeMap<String, String>;

#[derive(Debug)]
pub struct Family {
    pub name: String,
    pub kind: String,
    pub help: String,
    pub samples: Vec<Sample>,
}

#[derive(Debug)]
pub struct Sample {
    pub name: String,
    pub labels: Labels,
    pub value: f64,
}

#[derive(Clone, Copy)]
pub struct Dialect {
    pub open_metrics: bool,
    /// Names may be quoted.
    pub utf8: bool,
}

pub fn parse(page: &str, dialect: Dialect) -> Vec<Family> {
    let body = match dialect.open_metrics {
        true => page.strip_suffix("# EOF\n").expect("the end"),
        false => page,
    };
    assert!(body.is_empty() || body.ends_with('\n'), "a whole last line");
    let mut families: Vec<Family> = Vec::new();
    let mut described: Option<(String, String)> = None;
    let mut names = HashSet::new();
    for line in body.split_terminator('\n') {
        let mut cursor = Cursor {
            rest: line,
            dialect,
        };
        if !cursor.take("# ") {
            let sample = cursor.sample();
            let family = families.last_mut().expect("a type before the samples");
            assert!(described.is_none(), "a type after HELP");
            family.samples.push(sample);
            continue;
        }
        let keyword = cursor.word();
        let name = cursor.metric_name();
        cursor.expect(" ");
        match keyword {
            "HELP" => {
                assert!(described.is_none());
                described = Some((name, cursor.help()));
            }
            "TYPE" => {
                assert!(names.insert(name.clone()), "{name} comes twice");
                let help = match described.take() {
                    Some((of, help)) if of == name => help,
                    Some((of, _)) => panic!("HELP of {of} before TYPE of {name}"),
                    None => String::new(),
                };
                families.push(Family {
                    name,
                    kind: cursor.rest.to_owned(),
                    help,
                    samples: Vec::new(),
                });
            }
            "UNIT" => {
                assert!(dialect.open_metrics);
                let family = families.last().expect("a family");
                assert!(family.name == name && family.samples.is_empty());
                assert!(name.ends_with(&format!("_{}", cursor.rest)), "{line}");
            }
            other => panic!("the keyword {other}"),
        }
    }
    assert!(described.is_none());
    check(&families, dialect);
    families
}

/// What holds between lines.
fn check(families: &[Family], dialect: Dialect) {
    let mut series = HashSet::new();
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    for family in families {
        for sample in &family.samples {
            assert!(
                series.insert((&sample.name, &sample.labels)),
                "{sample:?} comes twice"
            );
            let suffixes: &[&str] = match (family.kind.as_str(), dialect.open_metrics) {
                ("counter", true) => &["_total", "_created"],
                ("info", true) => &["_info"],
                ("histogram", true) => &["_bucket", "_count", "_sum", "_created"],
                ("histogram", false) => &["_bucket", "_count", "_sum"],
                ("unknown", true) | ("gauge", _) | ("counter", false) => &[""],
                (kind, _) => panic!("the type {kind}"),
            };
            let suffix = sample.name.strip_prefix(&family.name);
            assert!(
                suffix.is_some_and(|suffix| suffixes.contains(&suffix)),
                "{} in the {} {}",
                sample.name,
                family.kind,
                family.name
            );
            let owner = owners.entry(&sample.name).or_insert(&family.name);
            assert_eq!(*owner, family.name);
            if family.kind == "counter" {
                assert!(sample.value >= 0.0, "{sample:?}");
            }
        }
        if family.kind == "histogram" {
            histograms(family);
        }
    }
}

/// Buckets ascend, count up, and agree with the count.
pub fn histograms(family: &Family) -> BTreeMap<Labels, Histogram> {
    let mut found: BTreeMap<Labels, Histogram> = BTreeMap::new();
    for sample in &family.samples {
        let mut labels = sample.labels.clone();
        let le = labels.remove("le");
        let histogram = found.entry(labels).or_default();
        match &sample.name[family.name.len()..] {
            "_bucket" => {
                let bound = number(&le.expect("a bound"));
                histogram.buckets.push((bound, sample.value as u64));
            }
            "_sum" => histogram.sum = Some(sample.value),
            "_count" => histogram.count = Some(sample.value as u64),
            _ => {}
        }
    }
    for histogram in found.values() {
        for pair in histogram.buckets.windows(2) {
            assert!(pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1, "{pair:?}");
        }
        let (bound, total) = *histogram.buckets.last().expect("buckets");
        assert_eq!(bound, f64::INFINITY);
        assert!(histogram.count.is_none_or(|count| count == total));
        assert!(histogram.sum.is_none() || histogram.count.is_some());
    }
    found
}

#[derive(Debug, Default)]
pub struct Histogram {
    pub buckets: Vec<(f64, u64)>,
    pub count: Option<u64>,
    pub sum: Option<f64>,
}

struct Cursor<'a> {
    rest: &'a str,
    dialect: Dialect,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, token: &str) -> bool {
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, token: &str) {
        assert!(self.take(token), "{token:?} before {:?}", self.rest);
    }

    fn word(&mut self) -> &'a str {
        let (word, rest) = self.rest.split_once(' ').expect("a space");
        self.rest = rest;
        word
    }

    fn metric_name(&mut self) -> String {
        match self.rest.starts_with('"') {
            true => self.quoted_name(),
            false => self.bare(&|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':')),
        }
    }

    fn quoted_name(&mut self) -> String {
        assert!(self.dialect.utf8, "quoted: {:?}", self.rest);
        let name = self.quoted();
        assert!(!name.is_empty());
        name
    }

    fn bare(&mut self, legal: &dyn Fn(char) -> bool) -> String {
        let end = self.rest.find(|c| !legal(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        assert!(
            !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()),
            "a name: {name:?} before {rest:?}"
        );
        name.to_owned()
    }

    /// A text in quotes, without them.
    fn quoted(&mut self) -> String {
        self.expect("\"");
        let mut out = String::new();
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return out;
                }
                '\\' => out.push(unescape(chars.next().map(|(_, c)| c), true)),
                c => out.push(c),
            }
        }
        panic!("no closing quote")
    }

    fn help(&mut self) -> String {
        let mut out = String::new();
        let mut chars = self.rest.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => out.push(unescape(chars.next(), self.dialect.open_metrics)),
                '"' if self.dialect.open_metrics => panic!("a bare quote in HELP"),
                c => out.push(c),
            }
        }
        out
    }

    fn sample(&mut self) -> Sample {
        let mut name = match self.rest.starts_with('{') {
            true => None,
            false => Some(self.metric_name()),
        };
        let mut labels = Labels::new();
        if self.take("{") {
            loop {
                let quoted = self.rest.starts_with('"');
                let key = match quoted {
                    true => self.quoted_name(),
                    false => self.bare(&|c| c.is_ascii_alphanumeric() || c == '_'),
                };
                if quoted && name.is_none() && !self.rest.starts_with('=') {
                    name = Some(key);
                } else {
                    assert!(name.is_some(), "a name before the labels");
                    assert!(!key.starts_with("__"), "the label {key} is reserved");
                    self.expect("=");
                    let value = self.quoted();
                    assert!(!value.is_empty(), "{key} is empty");
                    assert!(labels.insert(key, value).is_none(), "a label twice");
                }
                if self.take("}") {
                    break;
                }
                self.expect(",");
            }
        }
        self.expect(" ");
        Sample {
            name: name.expect("a name"),
            labels,
            value: number(self.rest),
        }
    }
}

fn unescape(c: Option<char>, quotes: bool) -> char {
    match c {
        Some('\\') => '\\',
        Some('n') => '\n',
        Some('"') if quotes => '"',
        c => panic!("the escape {c:?}"),
    }
}

/// Rust reads more than the formats allow: `inf`, `nan`, `1.`.
fn number(text: &str) -> f64 {
    match text {
        "NaN" => f64::NAN,
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        _ => {
            let legal = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e');
            assert!(text.chars().all(legal), "the number {text:?}");
            text.parse().expect("a number")
        }
    }
}
