/// Changes that are not to be made, by their number: one bit each, as far as the last of them.
#[derive(Debug, Default)]
pub(super) struct BitSet(Vec<u64>);

impl BitSet {
    pub(super) fn set(&mut self, number: u64) {
        let word = (number / 64) as usize;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (number % 64);
    }

    pub(super) fn has(&self, number: u64) -> bool {
        self.0.get((number / 64) as usize).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// What was set, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        let words = (0..).zip(&self.0).filter(|(_, word)| **word != 0);
        words.flat_map(|(at, _)| 64 * at..64 * (at + 1)).filter(|number| self.has(*number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_set_is_marked() {
        let mut marks = BitSet::default();
        assert!(!marks.has(0));
        for number in [0, 63, 64, 1000] {
            marks.set(number);
        }
        let marked: Vec<_> = (0..2000).filter(|number| marks.has(*number)).collect();
        assert_eq!(marked, [0, 63, 64, 1000]);
        assert_eq!(marks.iter().collect::<Vec<_>>(), marked);
    }
}
