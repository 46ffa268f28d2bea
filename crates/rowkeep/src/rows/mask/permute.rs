//! Secret permutations of values that keep their format.
//!
//! A value is cut into symbols, each one of so many: a digit of ten, a letter of twenty-six. A Feistel network adds to the
//! symbols of one half what a keyed hash makes of the other half, modulo their number, in turns. That can be undone step
//! by step, so it is a permutation: unequal values of one format become unequal values of that format. What is no symbol
//! (spaces, punctuation) stays, and with the classes of the symbols it is the format, which the hash depends on too.
//!
//! NIST's FF1, the standard of this kind ([SP 800-38G](https://doi.org/10.6028/NIST.SP.800-38G), the crate
//! [`fpe`](https://docs.rs/fpe)), was weighed and not taken. It permutes strings of one radix, so a value of letters and
//! digits would lose its format; the [draft of its revision](https://csrc.nist.gov/pubs/sp/800/38/g/r1/2pd), which has
//! dropped FF3, requires a million possible inputs, and short codes are to be masked as well; and it is for who wants to
//! decrypt, which nobody does here. Small domains are what attacks on all such networks need, and this one has two turns
//! fewer than FF1's ten: `docs/masking.md` says how little is hidden about short values. What was masked goes on to become
//! the same, so another permutation would be another rule.

/// Turns of the network; even, so that both halves get as many.
const ROUNDS: u8 = 8;

/// One place of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Symbol {
    /// The first of its alphabet.
    pub(super) first: u32,
    /// How many there are in it; one for what stays.
    pub(super) count: u32,
    /// Which of them it is.
    pub(super) value: u32,
}

impl Symbol {
    /// What stays as it is.
    pub(super) fn fixed(unit: u32) -> Self {
        Self { first: unit, count: 1, value: 0 }
    }

    /// One of an alphabet; fixed when it is none of it.
    pub(super) fn within(unit: u32, first: u32, last: u32) -> Self {
        match unit.checked_sub(first) {
            Some(value) if unit <= last => Self { first, count: last - first + 1, value },
            _ => Self::fixed(unit),
        }
    }

    /// What it stands for.
    pub(super) fn unit(self) -> u32 {
        self.first + self.value
    }
}

/// Runs of characters that are alphabets: characters are exchanged only within one.
const ALPHABETS: [(char, char); 19] = [
    ('0', '9'),
    ('A', 'Z'),
    ('a', 'z'),
    ('À', 'Ö'),
    ('Ø', 'Þ'),
    ('ß', 'ö'),
    ('ø', 'ÿ'),
    ('Ā', 'ſ'),
    ('Α', 'Ρ'),
    ('Σ', 'Ω'),
    ('α', 'ω'),
    ('А', 'Я'),
    ('а', 'я'),
    ('א', 'ת'),
    ('ء', 'غ'),
    ('ぁ', 'ゖ'),
    ('ァ', 'ヺ'),
    ('一', '\u{9fff}'),
    ('가', '힣'),
];

/// The symbol of a character of text.
pub(super) fn of_character(character: char) -> Symbol {
    let found = ALPHABETS.into_iter().find(|(first, last)| (*first..=*last).contains(&character));
    let unit = u32::from(character);
    found.map_or(Symbol::fixed(unit), |(first, last)| Symbol::within(unit, first.into(), last.into()))
}

/// Permutes symbols of one format among themselves. `purpose` keeps permutations of different kinds of values apart.
pub(super) fn permute(key: &[u8; 32], purpose: &[u8], symbols: &mut [Symbol]) {
    let mut format = blake3::Hasher::new_keyed(key);
    format.update(&(purpose.len() as u64).to_le_bytes()).update(purpose);
    for symbol in symbols.iter() {
        format.update(&symbol.first.to_le_bytes()).update(&symbol.count.to_le_bytes());
    }
    let places: Vec<usize> = (0..symbols.len()).filter(|place| symbols[*place].count > 1).collect();
    let (left, right) = places.split_at(places.len() / 2);
    for round in 0..ROUNDS {
        let (from, to) = if round % 2 == 0 { (left, right) } else { (right, left) };
        let mut hasher = format.clone();
        hasher.update(&[round]);
        for place in from {
            hasher.update(&symbols[*place].value.to_le_bytes());
        }
        let mut random = hasher.finalize_xof();
        for place in to {
            let mut bytes = [0; 8];
            random.fill(&mut bytes);
            let symbol = &mut symbols[*place];
            let count = u64::from(symbol.count);
            symbol.value = ((u64::from(symbol.value) + u64::from_le_bytes(bytes) % count) % count) as u32;
        }
    }
}

/// Permutes again and again until the outcome is one that is wanted. When the value itself is one, and only then, this ends,
/// and is a permutation of the wanted ones.
pub(super) fn permute_within(
    key: &[u8; 32],
    purpose: &[u8],
    symbols: &mut [Symbol],
    wanted: impl Fn(&[Symbol]) -> bool,
) {
    loop {
        permute(key, purpose, symbols);
        if wanted(symbols) {
            return;
        }
    }
}
