//! Unit names: UCUM abbreviations, as OpenTelemetry instruments give them, to the words Prometheus
//! uses in metric names (OpenTelemetry–Prometheus compatibility specification, "Metric Metadata").

/// The words `otlptranslator`, Prometheus' own translator, uses; dashboards depend on them.
const WORDS: &[(&str, &str)] = &[
    // Time
    ("a", "years"),
    ("mo", "months"),
    ("wk", "weeks"),
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    // The micro sign and the letter.
    ("\u{b5}s", "microseconds"),
    ("\u{3bc}s", "microseconds"),
    ("ns", "nanoseconds"),
    // Bytes
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tebibytes"),
    ("KBy", "kilobytes"),
    ("kBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("bit", "bits"),
    // SI
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    // Other
    ("Cel", "celsius"),
    ("\u{b0}C", "celsius"),
    ("Hz", "hertz"),
    ("%", "percent"),
    ("1", ""),
];

/// After `/` the words are singular. `m` is a minute here, not a metre, because Prometheus'
/// translator has it so.
const PER_WORDS: &[(&str, &str)] = &[
    ("s", "second"),
    ("m", "minute"),
    ("min", "minute"),
    ("h", "hour"),
    ("d", "day"),
    ("w", "week"),
    ("wk", "week"),
    ("mo", "month"),
    ("y", "year"),
    ("a", "year"),
];

/// A unit in Prometheus' words: `By/s` has the main part `bytes` and is per `second`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    pub main: String,
    pub per: String,
}

impl Unit {
    /// Translates `unit`; annotations (`{request}`) are dropped and unknown units pass through with
    /// everything but letters, digits and `_` turned into `_`.
    pub fn translate(unit: &str) -> Self {
        let unit = without_annotations(unit);
        let (main, per) = unit.split_once('/').unwrap_or((&unit, ""));
        Self {
            main: word(main, WORDS),
            per: word(per, PER_WORDS),
        }
    }

    /// The whole as one suffix: `bytes_per_second`, `per_second`, `bytes` or nothing.
    pub fn suffix(&self) -> String {
        match (self.main.as_str(), self.per.as_str()) {
            (main, "") => main.to_owned(),
            ("", per) => format!("per_{per}"),
            (main, per) => format!("{main}_per_{per}"),
        }
    }
}

fn word(unit: &str, words: &[(&str, &str)]) -> String {
    let unit = unit.trim();
    match words.iter().find(|(short, _)| *short == unit) {
        Some((_, word)) => (*word).to_owned(),
        None => sanitise(unit),
    }
}

fn without_annotations(unit: &str) -> String {
    let mut depth = 0usize;
    let mut kept = String::with_capacity(unit.len());
    for c in unit.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ if depth == 0 => kept.push(c),
            _ => {}
        }
    }
    kept
}

fn sanitise(unit: &str) -> String {
    let mut out = String::with_capacity(unit.len());
    for c in unit.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
    }
    out.truncate(out.trim_end_matches('_').len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_units_become_words_and_unknown_ones_are_sanitised() {
        for (unit, suffix) in [
            ("", ""),
            ("  ", ""),
            ("s", "seconds"),
            ("ms", "milliseconds"),
            ("By", "bytes"),
            ("MiBy", "mebibytes"),
            ("By/s", "bytes_per_second"),
            ("By/min", "bytes_per_minute"),
            ("1", ""),
            ("1/s", "per_second"),
            ("/s", "per_second"),
            ("{request}", ""),
            ("{request}/s", "per_second"),
            ("By{compressed}", "bytes"),
            ("By/{entity}", "bytes"),
            ("{a}/{b}", ""),
            ("/", ""),
            ("%", "percent"),
            ("Cel", "celsius"),
            ("seconds", "seconds"),
            ("seconds/", "seconds"),
            ("custom@unit##with$chars$", "custom_unit_with_chars"),
            ("@#$", ""),
            ("größe", "gr_e"),
            ("µs", "microseconds"),
            ("μs", "microseconds"),
            ("°C", "celsius"),
            ("{unclosed", ""),
            ("a}b", "ab"),
        ] {
            assert_eq!(Unit::translate(unit).suffix(), suffix, "{unit:?}");
        }
    }
}
