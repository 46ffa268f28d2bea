//! LIKE.

use rowkeep_engine::dialect::Case;

/// A pattern of LIKE.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    parts: Vec<Part>,
    case: Case,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// `%`
    Any,
    /// `_`
    One,
    Character(u32),
}

impl Pattern {
    /// Reads a pattern; nothing when it ends with the escape.
    pub(super) fn new(text: &str, escape: Option<char>, case: Case) -> Option<Self> {
        let mut parts = Vec::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            let exact = |character: char| Part::Character(case.fold(u32::from(character)));
            let part = match character {
                _ if Some(character) == escape => exact(characters.next()?),
                '%' => Part::Any,
                '_' => Part::One,
                _ => exact(character),
            };
            if part != Part::Any || parts.last() != Some(&Part::Any) {
                parts.push(part);
            }
        }
        Some(Self { parts, case })
    }

    /// Whether the whole text is as the pattern says.
    pub(super) fn matches(&self, text: &[u8]) -> bool {
        let (mut at, mut part) = (0, 0);
        // Where the last `%` stands, and how far it has been stretched.
        let mut retry = None;
        loop {
            match self.parts.get(part) {
                Some(Part::Any) => {
                    part += 1;
                    retry = Some((part, at));
                    continue;
                }
                None if at == text.len() => return true,
                Some(wanted) if at < text.len() => {
                    let (character, length) = character(&text[at..]);
                    if *wanted == Part::One || *wanted == Part::Character(self.case.fold(character)) {
                        part += 1;
                        at += length;
                        continue;
                    }
                }
                _ => {}
            }
            match &mut retry {
                Some((after, from)) if *from < text.len() => {
                    *from += character(&text[*from..]).1;
                    (part, at) = (*after, *from);
                }
                _ => return false,
            }
        }
    }
}

/// The first character and its length; a byte that is no UTF-8 is a character that no pattern names.
fn character(text: &[u8]) -> (u32, usize) {
    const BEYOND: u32 = 0x11_0000;
    let length = match text[0] {
        0..0x80 => return (u32::from(text[0]), 1),
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        _ => 4,
    };
    let decoded = text.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok());
    match decoded.and_then(|text| text.chars().next()) {
        Some(character) => (u32::from(character), length),
        None => (BEYOND + u32::from(text[0]), 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(text: &str, pattern: &str, escape: Option<char>, case: Case) -> bool {
        Pattern::new(pattern, escape, case).expect("a pattern").matches(text.as_bytes())
    }

    #[test]
    fn wildcards_match_characters() {
        for (text, pattern, expected) in [
            ("", "", true),
            ("", "%", true),
            ("", "_", false),
            ("Müller", "M_ller", true),
            ("Müller", "M__ller", false),
            ("abcabcabd", "%abd", true),
            ("abcabcabd", "a%c%d", true),
            ("abcabcabd", "%abc", false),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "%a%a%a%a%a%a%a%a%c", false),
            ("100%", "100\\%", true),
            ("1000", "100\\%", false),
        ] {
            assert_eq!(like(text, pattern, Some('\\'), Case::Sensitive), expected, "{text} LIKE {pattern}");
        }
        assert!(Pattern::new("abc\\", Some('\\'), Case::Sensitive).is_none());
    }

    #[test]
    fn case_is_as_asked() {
        assert!(!like("ABC", "abc", None, Case::Sensitive));
        assert!(like("ABC", "abc", None, Case::Ascii));
        assert!(!like("ÄBC", "äbc", None, Case::Ascii));
        assert!(like("ÄBC", "äbc", None, Case::Unicode));
    }

    #[test]
    fn bytes_that_are_no_text_are_characters() {
        let pattern = Pattern::new("a_b", None, Case::Sensitive).expect("a pattern");
        assert!(pattern.matches(b"a\xffb"));
        assert!(!pattern.matches(b"a\xff\xffb"));
    }
}
