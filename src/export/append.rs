//! Short texts at the end of a long one.

/// Appends a text that is probably short: up to 64 bytes are copied in place, in two pieces that may
/// overlap. A call of `memcpy` takes several times as long, and pages and requests are made of little
/// else.
#[inline]
pub fn append(out: &mut Vec<u8>, text: &[u8]) {
    match text.len() {
        0 => {}
        1..=3 => text.iter().for_each(|byte| out.push(*byte)),
        4..=7 => in_two::<4>(out, text),
        8..=16 => in_two::<8>(out, text),
        17..=32 => in_two::<16>(out, text),
        33..=64 => in_two::<32>(out, text),
        _ => out.extend_from_slice(text),
    }
}

/// A text of `N` to `2 * N` bytes.
#[inline]
fn in_two<const N: usize>(out: &mut Vec<u8>, text: &[u8]) {
    if let (Some(first), Some(last)) = (text.first_chunk::<N>(), text.last_chunk::<N>()) {
        let rest = out.len() + text.len() - N;
        out.extend_from_slice(first);
        out.truncate(rest);
        out.extend_from_slice(last);
    }
}

#[cfg(test)]
mod tests {
    use super::append;

    #[test]
    fn texts_of_every_length_are_appended_whole() {
        let text: Vec<u8> = (0..200).collect();
        let mut out = Vec::new();
        let mut expected = Vec::new();
        for length in 0..text.len() {
            append(&mut out, &text[..length]);
            expected.extend_from_slice(&text[..length]);
            assert_eq!(out, expected, "{length}");
        }
    }
}
