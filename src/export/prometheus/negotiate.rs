//! Content negotiation (prometheus.io, "Scrape protocol content negotiation"): which format, which
//! escaping of names, compressed or not.

use http::header::{HeaderMap, ACCEPT, ACCEPT_ENCODING};

use super::names::Escaping;

/// A format of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text 0.0.4: what everybody reads, and the last resort.
    #[default]
    Text004,
    /// Prometheus text 1.0.0: 0.0.4 with quoted names.
    Text100,
    OpenMetrics001,
    OpenMetrics100,
    /// Delimited `io.prometheus.client.MetricFamily` messages.
    Protobuf,
}

/// How a page is to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Representation {
    pub format: Format,
    pub escaping: Escaping,
    pub gzip: bool,
}

impl Representation {
    /// The client's most wanted representation that there is, or Prometheus text 0.0.4.
    pub fn negotiate(headers: &HeaderMap) -> Self {
        let mut best = (0.0, Format::default(), Escaping::default());
        for item in items(headers, ACCEPT) {
            let Some(format) = format(&item) else {
                continue;
            };
            // The first of equals wins.
            if item.quality > best.0 {
                best = (item.quality, format, escaping(&item));
            }
        }
        Self {
            format: best.1,
            escaping: best.2,
            gzip: wants_gzip(headers),
        }
    }

    /// The `Content-Type` of the page.
    pub fn content_type(&self) -> String {
        let (media, charset) = match self.format {
            Format::Text004 => ("text/plain; version=0.0.4", "; charset=utf-8"),
            Format::Text100 => ("text/plain; version=1.0.0", "; charset=utf-8"),
            Format::OpenMetrics001 => (
                "application/openmetrics-text; version=0.0.1",
                "; charset=utf-8",
            ),
            Format::OpenMetrics100 => (
                "application/openmetrics-text; version=1.0.0",
                "; charset=utf-8",
            ),
            Format::Protobuf => (
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
                "",
            ),
        };
        format!("{media}{charset}; escaping={}", self.escaping.as_str())
    }
}

/// One element of a comma-separated header with its parameters.
struct Item<'a> {
    value: &'a str,
    parameters: &'a str,
    quality: f32,
}

impl<'a> Item<'a> {
    fn parse(text: &'a str) -> Self {
        let (value, parameters) = text.split_once(';').unwrap_or((text, ""));
        let mut item = Self {
            value: value.trim(),
            parameters,
            quality: 1.0,
        };
        if let Some(quality) = item.parameter("q") {
            // What cannot be read is not wanted.
            item.quality = quality.parse().unwrap_or(0.0);
        }
        item
    }

    fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters.split(';').find_map(|parameter| {
            let (key, value) = parameter.split_once('=')?;
            key.trim()
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().trim_matches('"'))
        })
    }

    fn is(&self, value: &str) -> bool {
        self.value.eq_ignore_ascii_case(value)
    }
}

fn items(headers: &HeaderMap, name: http::HeaderName) -> impl Iterator<Item = Item<'_>> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(Item::parse)
}

fn format(item: &Item<'_>) -> Option<Format> {
    let version = item.parameter("version");
    if item.is("text/plain") {
        match version {
            None | Some("0.0.4") => Some(Format::Text004),
            Some("1.0.0") => Some(Format::Text100),
            Some(_) => None,
        }
    } else if item.is("application/openmetrics-text") {
        match version {
            None | Some("1.0.0") => Some(Format::OpenMetrics100),
            Some("0.0.1") => Some(Format::OpenMetrics001),
            Some(_) => None,
        }
    } else if item.is("application/vnd.google.protobuf") {
        let proto = item.parameter("proto") == Some("io.prometheus.client.MetricFamily");
        let delimited = item
            .parameter("encoding")
            .is_some_and(|encoding| encoding.eq_ignore_ascii_case("delimited"));
        (proto && delimited).then_some(Format::Protobuf)
    } else if item.is("*/*") || item.is("text/*") {
        Some(Format::Text004)
    } else {
        None
    }
}

fn escaping(item: &Item<'_>) -> Escaping {
    match item.parameter("escaping") {
        // Prometheus' documentation has both spellings, its server sends the first.
        Some("allow-utf-8" | "allow-utf8") => Escaping::AllowUtf8,
        Some("dots") => Escaping::Dots,
        Some("values") => Escaping::Values,
        _ => Escaping::Underscores,
    }
}

fn wants_gzip(headers: &HeaderMap) -> bool {
    let mut gzip = None;
    let mut any = None;
    let mut identity = 0.0;
    for item in items(headers, ACCEPT_ENCODING) {
        if item.is("gzip") || item.is("x-gzip") {
            gzip = Some(item.quality);
        } else if item.is("*") {
            any = Some(item.quality);
        } else if item.is("identity") {
            identity = item.quality;
        }
    }
    let gzip = gzip.or(any).unwrap_or(0.0);
    gzip > 0.0 && gzip >= identity
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiate(name: http::HeaderName, value: &str) -> Representation {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        Representation::negotiate(&headers)
    }

    #[test]
    fn the_most_wanted_format_that_exists_is_chosen() {
        use Escaping::*;
        use Format::*;
        const PROTO: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
        for (accept, format, escaping) in [
            ("", Text004, Underscores),
            ("*/*", Text004, Underscores),
            (
                "text/html,application/xhtml+xml,*/*;q=0.8",
                Text004,
                Underscores,
            ),
            ("application/json", Text004, Underscores),
            ("text/plain", Text004, Underscores),
            ("text/plain;version=9.9.9", Text004, Underscores),
            (
                "TEXT/PLAIN; Version=1.0.0; escaping=allow-utf-8",
                Text100,
                AllowUtf8,
            ),
            ("application/openmetrics-text", OpenMetrics100, Underscores),
            (
                "application/openmetrics-text; version=0.0.1",
                OpenMetrics001,
                Underscores,
            ),
            (
                "application/openmetrics-text; version=2.0.0, text/plain;q=0.1",
                Text004,
                Underscores,
            ),
            (
                "application/openmetrics-text; version=\"1.0.0\"",
                OpenMetrics100,
                Underscores,
            ),
            (
                "text/plain;q=0.5, application/openmetrics-text;version=1.0.0;q=0.6",
                OpenMetrics100,
                Underscores,
            ),
            ("application/openmetrics-text;q=0", Text004, Underscores),
            (
                "application/openmetrics-text;q=nonsense",
                Text004,
                Underscores,
            ),
            (
                "application/openmetrics-text;escaping=dots",
                OpenMetrics100,
                Dots,
            ),
            (
                "application/openmetrics-text;escaping=values",
                OpenMetrics100,
                Values,
            ),
            (
                "application/openmetrics-text;escaping=allow-utf8",
                OpenMetrics100,
                AllowUtf8,
            ),
            (
                "application/openmetrics-text;escaping=bogus",
                OpenMetrics100,
                Underscores,
            ),
            (PROTO, Protobuf, Underscores),
            (
                "application/vnd.google.protobuf;proto=other;encoding=delimited",
                Text004,
                Underscores,
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                 application/openmetrics-text;version=0.0.1;q=0.4,\
                 text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
                 text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
                OpenMetrics100,
                AllowUtf8,
            ),
        ] {
            let found = negotiate(ACCEPT, accept);
            assert_eq!(
                (found.format, found.escaping),
                (format, escaping),
                "{accept}"
            );
        }
    }

    #[test]
    fn content_types_name_version_and_escaping() {
        let mut found = Representation::default();
        assert_eq!(
            found.content_type(),
            "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
        );
        found.format = Format::OpenMetrics100;
        found.escaping = Escaping::AllowUtf8;
        assert_eq!(
            found.content_type(),
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
        );
    }

    #[test]
    fn gzip_is_used_when_wanted_at_least_as_much_as_nothing() {
        for (header, gzip) in [
            ("gzip", true),
            ("GZIP", true),
            ("deflate, gzip;q=0.5", true),
            ("*", true),
            ("gzip;q=0", false),
            ("gzip;q=0, *", false),
            ("gzip;q=0.5, identity", false),
            ("identity", false),
            ("br", false),
        ] {
            assert_eq!(negotiate(ACCEPT_ENCODING, header).gzip, gzip, "{header}");
        }
        assert!(!Representation::negotiate(&HeaderMap::new()).gzip);
    }
}
