//! Names: OpenTelemetry metric and attribute names to names that may stand on the page.
//!
//! Two steps, because two parties decide: the operator's [`TranslationStrategy`] (compatibility
//! specification, "Metric Metadata"), then the [`Escaping`] the scraper negotiated
//! (prometheus.io, "UTF-8 escaping schemes").

use std::borrow::Cow;
use std::fmt::Write;

use super::units::Unit;
use crate::config::TranslationStrategy;

/// What the scraper can read in names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Escaping {
    /// Any UTF-8.
    AllowUtf8,
    /// Letters, digits, `_` and `:`; everything else becomes `_`.
    #[default]
    Underscores,
    /// `.` becomes `_dot_`, `_` becomes `__`, anything else illegal `__`.
    Dots,
    /// Names with illegal characters become `U__…` with code points in hexadecimal: reversible.
    Values,
}

impl Escaping {
    /// The value of the `escaping` parameter.
    pub fn as_str(self) -> &'static str {
        match self {
            Escaping::AllowUtf8 => "allow-utf-8",
            Escaping::Underscores => "underscores",
            Escaping::Dots => "dots",
            Escaping::Values => "values",
        }
    }
}

/// Both decisions about names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Naming {
    pub strategy: TranslationStrategy,
    pub escaping: Escaping,
}

/// The suffixes a metric's kind asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuffixKind {
    /// `_total`.
    Counter,
    /// `_ratio` when the unit is `1`.
    Gauge,
    /// None of its own.
    Plain,
}

/// A metric's name on the page, and its unit in words when the name ends with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricName {
    pub name: String,
    pub unit: Option<String>,
}

impl Naming {
    fn underscores(self) -> bool {
        matches!(
            self.strategy,
            TranslationStrategy::UnderscoreEscapingWithSuffixes
                | TranslationStrategy::UnderscoreEscapingWithoutSuffixes
        )
    }

    fn suffixes(self) -> bool {
        matches!(
            self.strategy,
            TranslationStrategy::UnderscoreEscapingWithSuffixes
                | TranslationStrategy::NoUTF8EscapingWithSuffixes
        )
    }

    /// The name of a metric, with the suffixes of its unit and kind unless the strategy forbids
    /// them. Never empty, and legal for the negotiated escaping.
    pub fn metric(self, name: &str, unit: &str, kind: SuffixKind) -> MetricName {
        let mut out = if self.underscores() {
            sanitise(name, is_metric_char)
        } else {
            name.to_owned()
        };
        if out.is_empty() {
            out.push('_');
        }
        let unit = Unit::translate(unit_of(unit, kind));
        let words = unit.suffix();
        if self.suffixes() {
            if kind == SuffixKind::Counter {
                if let Some(base) = strip_word(&out, "total") {
                    out.truncate(base);
                }
            }
            if !words.is_empty() && !ends_with_word(&out, &words) {
                let rest = match strip_word(&out, &unit.main) {
                    Some(_) if !unit.per.is_empty() => format!("per_{}", unit.per),
                    _ => words.clone(),
                };
                append_word(&mut out, &rest);
            }
        }
        let has_unit = !words.is_empty() && ends_with_word(&out, &words);
        if self.suffixes() && kind == SuffixKind::Counter {
            append_word(&mut out, "total");
        }
        MetricName {
            name: escape(&out, self.escaping, is_metric_char).into_owned(),
            unit: has_unit.then_some(words),
        }
    }

    /// The name of a metric as OpenTelemetry's exporter for JavaScript writes it, which is what
    /// dashboards of before know: without its unit, whatever the strategy.
    pub fn legacy_metric(self, name: &str, kind: SuffixKind) -> MetricName {
        let mut out = sanitise(name, is_metric_char);
        if kind == SuffixKind::Counter && !out.ends_with("_total") {
            out.push_str("_total");
        }
        MetricName {
            name: escape(&out, self.escaping, is_metric_char).into_owned(),
            unit: None,
        }
    }

    /// A name that was made for Prometheus: as it is, where the scraper can read it.
    pub fn produced_metric(self, name: &str) -> MetricName {
        MetricName {
            name: escape(name, self.escaping, is_metric_char).into_owned(),
            unit: None,
        }
    }

    /// The name of a label. Never empty, and legal for the negotiated escaping.
    pub fn label<'a>(self, key: &'a str) -> Cow<'a, str> {
        let key = if key.is_empty() { "_" } else { key };
        if self.underscores() {
            let name = sanitise(key, is_label_char);
            Cow::Owned(escape(&name, self.escaping, is_label_char).into_owned())
        } else {
            escape(key, self.escaping, is_label_char)
        }
    }
}

/// `1` is a ratio for gauges only: on counters it is a widespread mistake for "a count", and
/// Prometheus' translator leaves it out there.
fn unit_of(unit: &str, kind: SuffixKind) -> &str {
    match (unit, kind) {
        ("1", SuffixKind::Gauge) => "ratio",
        ("1", _) => "",
        (unit, _) => unit,
    }
}

/// Legal in a metric name at any place but the first.
fn is_metric_char(c: char) -> bool {
    c == ':' || is_label_char(c)
}

/// Legal in a label name at any place but the first.
fn is_label_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Whether a metric name may stand bare, without quotes.
pub fn is_legacy_metric(name: &str) -> bool {
    is_legacy(name, is_metric_char)
}

/// Whether a label name may stand bare, without quotes.
pub fn is_legacy_label(name: &str) -> bool {
    is_legacy(name, is_label_char)
}

fn is_legacy(name: &str, legal: fn(char) -> bool) -> bool {
    !name.is_empty() && !starts_with_digit(name) && name.chars().all(legal)
}

fn starts_with_digit(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_digit())
}

/// Illegal characters become `_`, runs of `_` one, and a leading digit gets a `_` before it
/// (compatibility specification, "Metric Metadata" and "Metric Attributes").
fn sanitise(name: &str, legal: fn(char) -> bool) -> String {
    let mut out = String::with_capacity(name.len() + 1);
    if starts_with_digit(name) {
        out.push('_');
    }
    for c in name.chars() {
        let c = if legal(c) { c } else { '_' };
        if c != '_' || !out.ends_with('_') {
            out.push(c);
        }
    }
    out
}

fn escape(name: &str, escaping: Escaping, legal: fn(char) -> bool) -> Cow<'_, str> {
    match escaping {
        Escaping::AllowUtf8 => return Cow::Borrowed(name),
        Escaping::Underscores | Escaping::Values if is_legacy(name, legal) => {
            return Cow::Borrowed(name)
        }
        _ => {}
    }
    let mut out = String::with_capacity(name.len() + 8);
    if escaping == Escaping::Values {
        out.push_str("U__");
    }
    for (at, c) in name.char_indices() {
        let legal = legal(c) && (at > 0 || !c.is_ascii_digit());
        match (escaping, c) {
            (Escaping::Dots | Escaping::Values, '_') => out.push_str("__"),
            (Escaping::Dots, '.') => out.push_str("_dot_"),
            (_, c) if legal => out.push(c),
            (Escaping::Dots, _) => out.push_str("__"),
            (Escaping::Values, c) => {
                write!(out, "_{:x}_", u32::from(c)).expect("writing to memory");
            }
            _ => out.push('_'),
        }
    }
    Cow::Owned(out)
}

/// The length of `name` without `word` at its end and the separator before it.
fn strip_word(name: &str, word: &str) -> Option<usize> {
    if word.is_empty() {
        return None;
    }
    let base = name.strip_suffix(word)?;
    let separator = base.chars().next_back()?;
    (!separator.is_alphanumeric()).then(|| base.len() - separator.len_utf8())
}

fn ends_with_word(name: &str, word: &str) -> bool {
    name == word || strip_word(name, word).is_some()
}

fn append_word(name: &mut String, word: &str) {
    if !name.ends_with('_') {
        name.push('_');
    }
    name.push_str(word);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use SuffixKind::{Counter, Gauge, Plain};
    use TranslationStrategy::*;

    fn naming(strategy: TranslationStrategy, escaping: Escaping) -> Naming {
        Naming { strategy, escaping }
    }

    #[test]
    fn metric_names_follow_the_compatibility_specification() {
        for (name, unit, kind, expected, expected_unit) in [
            (
                "http.server.duration",
                "s",
                Plain,
                "http_server_duration_seconds",
                Some("seconds"),
            ),
            (
                "http.server.seconds",
                "s",
                Plain,
                "http_server_seconds",
                Some("seconds"),
            ),
            ("old", "seconds", Plain, "old_seconds", Some("seconds")),
            ("seconds", "s", Plain, "seconds", Some("seconds")),
            (
                "inseconds",
                "s",
                Plain,
                "inseconds_seconds",
                Some("seconds"),
            ),
            ("requests", "", Counter, "requests_total", None),
            ("requests.total", "", Counter, "requests_total", None),
            (
                "requests_total",
                "{request}",
                Counter,
                "requests_total",
                None,
            ),
            ("total", "", Counter, "total_total", None),
            (
                "cpu.total",
                "s",
                Counter,
                "cpu_seconds_total",
                Some("seconds"),
            ),
            (
                "cpu.seconds.total",
                "s",
                Counter,
                "cpu_seconds_total",
                Some("seconds"),
            ),
            (
                "io",
                "By/s",
                Gauge,
                "io_bytes_per_second",
                Some("bytes_per_second"),
            ),
            (
                "io.bytes",
                "By/s",
                Gauge,
                "io_bytes_per_second",
                Some("bytes_per_second"),
            ),
            (
                "rate",
                "{request}/s",
                Gauge,
                "rate_per_second",
                Some("per_second"),
            ),
            ("pool.usage", "1", Gauge, "pool_usage_ratio", Some("ratio")),
            ("pool.ratio", "1", Gauge, "pool_ratio", Some("ratio")),
            ("pool.usage", "1", Plain, "pool_usage", None),
            ("pool.usage", "1", Counter, "pool_usage_total", None),
            ("a..b--c__d", "", Gauge, "a_b_c_d", None),
            ("a.", "s", Gauge, "a_seconds", Some("seconds")),
            ("0day", "", Gauge, "_0day", None),
            ("größe", "", Gauge, "gr_e", None),
            ("a:b", "", Gauge, "a:b", None),
            ("", "", Gauge, "_", None),
            ("\u{1F600}", "", Gauge, "_", None),
            ("x", "widgets!", Gauge, "x_widgets", Some("widgets")),
        ] {
            let found = Naming::default().metric(name, unit, kind);
            assert_eq!(found.name, expected, "{name:?} in {unit:?}");
            assert_eq!(found.unit.as_deref(), expected_unit, "{name:?} in {unit:?}");
        }
    }

    #[test]
    fn each_strategy_does_what_it_is_called() {
        for (strategy, escaping, expected) in [
            (
                UnderscoreEscapingWithSuffixes,
                Escaping::AllowUtf8,
                "http_requests_bytes_total",
            ),
            (
                UnderscoreEscapingWithoutSuffixes,
                Escaping::AllowUtf8,
                "http_requests",
            ),
            (
                NoUTF8EscapingWithSuffixes,
                Escaping::AllowUtf8,
                "http.requests_bytes_total",
            ),
            (
                NoUTF8EscapingWithSuffixes,
                Escaping::Underscores,
                "http_requests_bytes_total",
            ),
            (NoTranslation, Escaping::AllowUtf8, "http.requests"),
            (NoTranslation, Escaping::Underscores, "http_requests"),
            (NoTranslation, Escaping::Dots, "http_dot_requests"),
            (NoTranslation, Escaping::Values, "U__http_2e_requests"),
        ] {
            let found = naming(strategy, escaping).metric("http.requests", "By", Counter);
            assert_eq!(found.name, expected, "{strategy:?} {escaping:?}");
        }
    }

    #[test]
    fn client_escaping_is_that_of_the_prometheus_libraries() {
        for (escaping, name, expected) in [
            (
                Escaping::Underscores,
                "metric.name/with/slashes",
                "metric_name_with_slashes",
            ),
            (Escaping::Underscores, "1st", "_st"),
            (Escaping::Dots, "metric.name_x ü", "metric_dot_name__x____"),
            (Escaping::Values, "no:change_1", "no:change_1"),
            (Escaping::Values, "a_b.c ü", "U__a__b_2e_c_20__fc_"),
        ] {
            let found = naming(NoTranslation, escaping).metric(name, "", Gauge);
            assert_eq!(found.name, expected);
        }
    }

    #[test]
    fn label_names_are_made_legal() {
        for (key, expected) in [
            ("http.method", "http_method"),
            ("1st", "_1st"),
            ("a:b", "a_b"),
            ("__name__", "_name_"),
            ("", "_"),
            ("ключ", "_"),
        ] {
            assert_eq!(Naming::default().label(key), expected);
        }
        assert_eq!(
            naming(NoTranslation, Escaping::AllowUtf8).label("a b"),
            "a b"
        );
        assert_eq!(
            naming(NoTranslation, Escaping::Underscores).label("a:b"),
            "a_b"
        );
        assert_eq!(
            naming(NoTranslation, Escaping::Values).label("a:b"),
            "U__a_3a_b"
        );
    }

    fn strategies() -> impl Strategy<Value = TranslationStrategy> {
        prop_oneof![
            Just(UnderscoreEscapingWithSuffixes),
            Just(UnderscoreEscapingWithoutSuffixes),
            Just(NoUTF8EscapingWithSuffixes),
            Just(NoTranslation),
        ]
    }

    proptest! {
        #[test]
        fn any_name_becomes_legal_unless_utf8_is_allowed(
            name in ".*", unit in ".{0,6}", strategy in strategies(),
        ) {
            for escaping in [Escaping::Underscores, Escaping::Dots, Escaping::Values] {
                let naming = naming(strategy, escaping);
                for kind in [Counter, Gauge, Plain] {
                    let found = naming.metric(&name, &unit, kind);
                    prop_assert!(is_legacy_metric(&found.name), "{found:?}");
                }
                prop_assert!(is_legacy_label(&naming.label(&name)));
            }
        }

        #[test]
        fn translating_a_translated_name_changes_nothing(name in "[a-z.]{1,12}", unit in "(s|By|1|By/s|)") {
            for kind in [Counter, Gauge, Plain] {
                let once = Naming::default().metric(&name, &unit, kind);
                let twice = Naming::default().metric(&once.name, &unit, kind);
                prop_assert_eq!(once, twice);
            }
        }
    }
}
