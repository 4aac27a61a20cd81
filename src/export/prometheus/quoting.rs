//! Text as the text formats quote it.

/// Bytes that are escaped within quotes.
const SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    table[b'\\' as usize] = true;
    table[b'\n' as usize] = true;
    table[b'"' as usize] = true;
    table
};

/// Backslash, newline and, where the text is quoted, the quote.
pub fn escape(out: &mut Vec<u8>, text: &str, quotes: bool) {
    let special = |byte: &u8| SPECIAL[usize::from(*byte)] && (quotes || *byte != b'"');
    let mut rest = text.as_bytes();
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
}
