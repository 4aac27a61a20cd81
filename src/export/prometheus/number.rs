//! Numbers as the exposition formats write them.

use std::io::Write;

use crate::engine::points::Number;
use crate::export::append::append;

/// Writes a sample value: integers without a fraction, doubles in the shortest form that reads back
/// to the same value, and `+Inf`, `-Inf`, `NaN`.
pub fn write_value(out: &mut Vec<u8>, value: Number) {
    match value {
        Number::Int(value) => write_integer(out, value),
        Number::Double(value) => write_double(out, value, VALUES),
    }
}

/// Writes an integer.
pub fn write_integer(out: &mut Vec<u8>, value: impl itoa::Integer) {
    append(out, itoa::Buffer::new().format(value).as_bytes());
}

/// A bucket bound as the value of `le`. Bounds are part of a series' identity, so the digits are
/// those of Go's `%g`, which Prometheus' own libraries write: `0.005`, `2.5`, `1e+06`.
///
/// OpenMetrics (section "Considerations: Canonical Numbers") asks for a fraction on whole numbers:
/// `1.0`.
pub fn bound(value: f64, open_metrics: bool) -> String {
    let mut out = Vec::with_capacity(8);
    write_double(&mut out, value, BOUNDS);
    if open_metrics && value.is_finite() && !out.iter().any(|b| matches!(b, b'.' | b'e')) {
        out.extend_from_slice(b".0");
    }
    String::from_utf8(out).expect("ASCII")
}

/// From where on scientific notation is used; below `1e-4` it always is.
struct Notation {
    exponent: i32,
    /// Below this [`zmij`] uses none either.
    everyday: f64,
}

const VALUES: Notation = Notation {
    exponent: 21,
    everyday: 1e16,
};

const BOUNDS: Notation = Notation {
    exponent: 6,
    everyday: 1e6,
};

fn write_double(out: &mut Vec<u8>, value: f64, scientific: Notation) {
    if value.is_nan() {
        out.extend_from_slice(b"NaN");
    } else if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"+Inf" } else { b"-Inf" });
    } else if value == 0.0 || (1e-4..scientific.everyday).contains(&value.abs()) {
        // Most are whole, and written sooner as integers, which have no -0.
        let whole = value as i64;
        if whole as f64 == value && whole != 0 {
            return write_integer(out, whole);
        }
        if write_thousandths(out, value) {
            return;
        }
        // As short as what `Display` writes, in a third of the time.
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(value);
        append(out, text.strip_suffix(".0").unwrap_or(text).as_bytes());
    } else {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').expect("an exponent");
        let exponent: i32 = exponent.parse().expect("an integer");
        if (-4..scientific.exponent).contains(&exponent) {
            write!(out, "{value}").expect("writing to memory");
        } else {
            let sign = if exponent < 0 { '-' } else { '+' };
            write!(out, "{digits}e{sign}{:02}", exponent.abs()).expect("writing to memory");
        }
    }
}

/// Writes a number of thousandths, as sums of sizes and of rounded times are, in a third of the time
/// that looking for the shortest text takes; `false`, and nothing written, where it is something else.
///
/// No two texts of up to 15 digits are read as the same double: one that is read as this one is the
/// shortest but for zeros at its end.
fn write_thousandths(out: &mut Vec<u8>, value: f64) -> bool {
    const BEYOND: f64 = 1e15;
    let scaled = value.abs() * 1000.0;
    // `round` is a call of a library on processors without SSE 4.1, which all have to do.
    let thousandths = (scaled + 0.5) as u64;
    // Division rounds as reading does.
    let is_read = thousandths as f64 / 1000.0 == value.abs();
    if scaled >= BEYOND || thousandths == 0 || !is_read {
        return false;
    }
    if value < 0.0 {
        out.push(b'-');
    }
    write_integer(out, thousandths / 1000);
    // As 1xyz, so that leading zeros are there, with the point in place of the 1.
    let at = out.len();
    write_integer(out, 1000 + thousandths % 1000);
    out[at] = b'.';
    while out.last() == Some(&b'0') {
        out.pop();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(number: Number) -> String {
        let mut out = Vec::new();
        write_value(&mut out, number);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_are_written_as_prometheus_libraries_write_them() {
        for (number, text) in [
            (Number::Int(0), "0"),
            (Number::Int(i64::MIN), "-9223372036854775808"),
            (Number::Double(5.0), "5"),
            (Number::Double(-0.0), "-0"),
            (Number::Double(0.1), "0.1"),
            (Number::Double(1e20), "100000000000000000000"),
            (Number::Double(1e21), "1e+21"),
            (Number::Double(1.5e300), "1.5e+300"),
            (Number::Double(1e-5), "1e-05"),
            (Number::Double(f64::INFINITY), "+Inf"),
            (Number::Double(f64::NEG_INFINITY), "-Inf"),
            (Number::Double(f64::NAN), "NaN"),
        ] {
            assert_eq!(value(number), text);
        }
    }

    #[test]
    fn bounds_are_canonical() {
        for (number, classic, open) in [
            (0.0, "0", "0.0"),
            (1.0, "1", "1.0"),
            (0.005, "0.005", "0.005"),
            (100_000.0, "100000", "100000.0"),
            (1e6, "1e+06", "1e+06"),
            (-2.0, "-2", "-2.0"),
            (f64::INFINITY, "+Inf", "+Inf"),
        ] {
            assert_eq!(bound(number, false), classic);
            assert_eq!(bound(number, true), open);
        }
    }

    proptest! {
        #[test]
        fn every_double_reads_back_to_itself(bits: u64) {
            let number = f64::from_bits(bits);
            let text = value(Number::Double(number));
            let read: f64 = text.parse().unwrap();
            prop_assert!(read == number || (read.is_nan() && number.is_nan()), "{text}");
        }

        #[test]
        fn doubles_of_everyday_size_are_written_as_rust_writes_them(number in -1e6f64..1e6) {
            for number in [number, number.round(), (number * 8.0).round() / 8.0, number / 1e6] {
                if number == 0.0 || number.abs() >= 1e-4 {
                    prop_assert_eq!(value(Number::Double(number)), number.to_string());
                }
            }
        }

        #[test]
        fn thousandths_and_their_neighbours_are_written_in_the_shortest_form(
            thousandths in -1e16f64..1e16, scale in 0..17,
        ) {
            let number = (thousandths / 10f64.powi(scale)).trunc() / 1000.0;
            for number in [number, number.next_up(), number.next_down()] {
                if (1e-4..1e16).contains(&number.abs()) {
                    let text = value(Number::Double(number));
                    prop_assert_eq!(text.len(), number.to_string().len(), "{}", text);
                    prop_assert_eq!(text.parse::<f64>().unwrap(), number);
                }
            }
        }

        // Where two texts are as short and as near, either may be written.
        #[test]
        fn large_doubles_are_written_in_full_and_no_longer_than_rust_writes_them(
            number in -1e17f64..1e17,
        ) {
            for number in [number, number.round(), number / 1e6] {
                let text = value(Number::Double(number));
                let digits = text.trim_start_matches('-').replacen('.', "", 1);
                prop_assert!(digits.bytes().all(|byte| byte.is_ascii_digit()), "{}", text);
                prop_assert_eq!(text.len(), number.to_string().len(), "{}", text);
                prop_assert_eq!(text.parse::<f64>().unwrap(), number);
            }
        }
    }
}
