//! Text as the text formats quote it.

/// Backslash, newline and, where the text is quoted, the quote.
pub fn escape(out: &mut Vec<u8>, text: &str, quotes: bool) {
    let text = text.as_bytes();
    match has_special(text) {
        true => escape_special(out, text, quotes),
        false => out.extend_from_slice(text),
    }
}

#[cold]
fn escape_special(out: &mut Vec<u8>, mut rest: &[u8], quotes: bool) {
    let special = |byte: &u8| is_special(*byte) && (quotes || *byte != b'"');
    while let Some(at) = rest.iter().position(special) {
        out.extend_from_slice(&rest[..at]);
        out.push(b'\\');
        out.push(match rest[at] {
            b'\n' => b'n',
            byte => byte,
        });
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

/// Whether a byte is escaped within quotes.
fn is_special(byte: u8) -> bool {
    matches!(byte, b'\\' | b'\n' | b'"')
}

/// Whether any byte is: eight at a time, as nearly all label values have none.
fn has_special(text: &[u8]) -> bool {
    let Some(last) = text.last_chunk() else {
        return text.iter().any(|byte| is_special(*byte));
    };
    // All that the last eight do not hold.
    let (words, _) = text[..text.len() - 1].as_chunks();
    words.iter().any(|word| any_special(*word)) || any_special(*last)
}

fn any_special(word: [u8; 8]) -> bool {
    const ONES: u64 = u64::MAX / 0xff;
    let word = u64::from_ne_bytes(word);
    // The highest bit of some byte is set if a byte is 0, and only then.
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let has = |byte: u8| zero(word ^ (ONES * u64::from(byte)));
    (has(b'\\') | has(b'\n') | has(b'"')) & (ONES << 7) != 0
}

/// A name as it stands on the page: bare if it may, otherwise quoted.
pub fn quoted_unless(legacy: bool, name: &str) -> String {
    if legacy {
        return name.to_owned();
    }
    let mut out = vec![b'"'];
    escape(&mut out, name, true);
    out.push(b'"');
    String::from_utf8(out).expect("escaping keeps UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_text_or_a_line_is_escaped() {
        for (text, quoted, bare) in [
            ("", "", ""),
            ("plain ü", "plain ü", "plain ü"),
            ("\"", "\\\"", "\""),
            ("a\\\n\"b\"", "a\\\\\\n\\\"b\\\"", "a\\\\\\n\"b\""),
        ] {
            for (quotes, expected) in [(true, quoted), (false, bare)] {
                let mut out = Vec::new();
                escape(&mut out, text, quotes);
                assert_eq!(String::from_utf8(out).unwrap(), expected);
            }
        }
    }

    #[test]
    fn bytes_that_are_escaped_are_found_wherever_they_are() {
        for length in 0..40 {
            // Bytes that differ from those in one bit, and ones beyond ASCII.
            for filler in *b"\x0b]#\xa2\xdc\x8a\xff" {
                let mut text = vec![filler; length];
                assert!(!has_special(&text));
                for at in 0..length {
                    for byte in *b"\\\n\"" {
                        text[at] = byte;
                        assert!(has_special(&text), "{byte} at {at} of {length}");
                    }
                    text[at] = filler;
                }
            }
        }
    }
}
