//! Masking one value of one column.

use rowkeep_engine::dialect::{Content, Dialect, OwnedValue, time};
use rowkeep_format::Value;

use super::fake::Random;
use super::permute::{Symbol, of_character, permute, permute_within};
use super::rules::Rule;
use super::{fake, numbers};

/// How one column is masked.
#[derive(Debug, Clone)]
pub(super) struct ColumnMask {
    pub(super) name: String,
    pub(super) rule: Rule,
    pub(super) content: Content,
    /// What its values mean.
    pub(super) dialect: &'static dyn Dialect,
    /// The value that a rule puts in the place of all others.
    pub(super) fixed: Option<OwnedValue>,
    /// The most characters that the column takes.
    pub(super) limit: Option<usize>,
}

/// What becomes of a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Masked {
    Same,
    Null,
    Integer(i64),
    Real(f64),
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

type MaskResult = Result<Masked, &'static str>;

const NOT_A_NUMBER: &str = "holds something that is no number of digits, which this rule cannot mask";
const NOT_A_DATE: &str = "holds something that is no date, which this rule cannot mask";

impl ColumnMask {
    /// What becomes of a value; the error says what is wrong with it, as the predicate of a sentence.
    pub(super) fn value(&self, key: &[u8; 32], value: Value<'_>) -> MaskResult {
        match &self.rule {
            Rule::Keep => Ok(Masked::Same),
            Rule::Null => Ok(Masked::Null),
            _ if self.dialect.is_none(value) => Ok(Masked::Same),
            Rule::Fixed(text) => Ok(match &self.fixed {
                Some(OwnedValue::Integer(integer)) => Masked::Integer(*integer),
                Some(OwnedValue::Real(real)) => Masked::Real(*real),
                Some(OwnedValue::Text(text)) => Masked::Text(text.clone()),
                Some(OwnedValue::Blob(bytes)) => Masked::Blob(bytes.clone()),
                None => Masked::Text(text.as_bytes().to_vec()),
            }),
            Rule::Hash => self.hash(key, value),
            Rule::KeepDomain => match value {
                Value::Text(text) => Ok(Masked::Text(local_part(key, text))),
                _ => self.hash(key, value),
            },
            Rule::Bucket(bucket) => self.number(
                value,
                |text| numbers::bucket(text, *bucket),
                |real| (real / *bucket as f64).trunc() * *bucket as f64,
            ),
            Rule::Between(low, high) => {
                let random = Random::of(key, b"between", &bytes(value)).next();
                let share = (random >> 75) as f64 / (1u64 << 53) as f64;
                self.number(
                    value,
                    |text| numbers::between(text, *low, *high, random),
                    |_| *low as f64 + share * (*high as f64 - *low as f64),
                )
            }
            Rule::Days(days) => self.moved(key, value, *days),
            fake => self.fake(key, fake, value),
        }
    }

    fn hash(&self, key: &[u8; 32], value: Value<'_>) -> MaskResult {
        let utf8 = |text| std::str::from_utf8(text).map_err(|_| NOT_A_NUMBER);
        match (self.content, value) {
            (Content::Digits, Value::Text(text)) => {
                let text = utf8(text)?;
                if matches!(text, "NaN" | "Infinity" | "-Infinity") {
                    return Ok(Masked::Same);
                }
                let hashed = numbers::hash(key, text).ok_or(NOT_A_NUMBER)?;
                Ok(Masked::Text(hashed.into_bytes()))
            }
            (Content::HexBytes, Value::Text(text)) => Ok(Masked::Text(hex_digits(key, text, 2))),
            (Content::FoldedText, Value::Text(text)) => {
                let folded = utf8(text).map(str::to_lowercase).unwrap_or_default();
                Ok(Masked::Text(text_or_uuid(key, folded.as_bytes())))
            }
            (_, Value::Text(text)) => Ok(Masked::Text(text_or_uuid(key, text))),
            (_, Value::Integer(integer)) => {
                let hashed = numbers::hash(key, &integer.to_string()).and_then(|text| text.parse().ok());
                hashed.map(Masked::Integer).ok_or(NOT_A_NUMBER)
            }
            (_, Value::Blob(bytes)) => {
                let mut symbols: Vec<Symbol> =
                    bytes.iter().map(|byte| Symbol::within(u32::from(*byte), 0, 255)).collect();
                permute(key, b"bytes", &mut symbols);
                Ok(Masked::Blob(symbols.iter().map(|symbol| symbol.unit() as u8).collect()))
            }
            (_, Value::Real(_)) => Err("holds a real, which a hash cannot mask; use range"),
            (_, Value::Null) => Ok(Masked::Same),
        }
    }

    fn number(
        &self,
        value: Value<'_>,
        exact: impl Fn(&str) -> Option<String>,
        real: impl Fn(f64) -> f64,
    ) -> MaskResult {
        let text_of = |text| std::str::from_utf8(text).map_err(|_| NOT_A_NUMBER);
        match (self.content, value) {
            (_, Value::Integer(integer)) => {
                let masked = exact(&integer.to_string()).and_then(|text| text.parse().ok());
                masked.map(Masked::Integer).ok_or(NOT_A_NUMBER)
            }
            (_, Value::Real(bits)) => Ok(Masked::Real(real(f64::from_bits(bits)))),
            (of @ (Content::Single | Content::Double), Value::Text(text)) => {
                let number: f64 = text_of(text)?.parse().map_err(|_| NOT_A_NUMBER)?;
                if !number.is_finite() {
                    return Ok(Masked::Same);
                }
                Ok(Masked::Text(float_text(real(number), of == Content::Single).into_bytes()))
            }
            (_, Value::Text(text)) => {
                let text = text_of(text)?;
                if matches!(text, "NaN" | "Infinity" | "-Infinity") {
                    return Ok(Masked::Same);
                }
                exact(text).map(|text| Masked::Text(text.into_bytes())).ok_or(NOT_A_NUMBER)
            }
            (_, Value::Blob(_) | Value::Null) => Err(NOT_A_NUMBER),
        }
    }

    /// Moves a date; a time of the day and a zone stay as they are.
    fn moved(&self, key: &[u8; 32], value: Value<'_>, days: u32) -> MaskResult {
        let Value::Text(bytes) = value else { return Err(NOT_A_DATE) };
        let text = std::str::from_utf8(bytes).map_err(|_| NOT_A_DATE)?;
        if matches!(text, "infinity" | "-infinity") {
            return Ok(Masked::Same);
        }
        let (body, era) = text.strip_suffix(" BC").map_or((text, false), |body| (body, true));
        let end = body.find(['T', ' ']).unwrap_or(body.len());
        let (date, clock) = body.split_at(end);
        let is_whole = date.bytes().filter(|byte| *byte == b'-').count() == 2;
        let day = time::days(date, era).filter(|_| is_whole).ok_or(NOT_A_DATE)?;
        let random = Random::of(key, b"days", bytes).next();
        let by = (random % (2 * u128::from(days) + 1)) as i64 - i64::from(days);
        let (date, suffix) = time::print_date(day + by);
        Ok(Masked::Text(format!("{date}{clock}{suffix}").into_bytes()))
    }

    fn fake(&self, key: &[u8; 32], rule: &Rule, value: Value<'_>) -> MaskResult {
        let content = bytes(value);
        let folded = match self.content {
            Content::FoldedText => String::from_utf8_lossy(&content).to_lowercase().into_bytes(),
            _ => content,
        };
        let mut random = Random::of(key, rule.to_toml().as_bytes(), &folded);
        let text = match rule {
            Rule::FakeFirstName => fake::first_name(&mut random),
            Rule::FakeLastName => fake::last_name(&mut random),
            Rule::FakeEmail => fake::email(&mut random, self.limit),
            Rule::FakePhone => fake::phone(&mut random),
            Rule::FakeAddress => fake::address(&mut random),
            _ => fake::name(&mut random),
        };
        let cut = match (rule, self.limit) {
            (Rule::FakeEmail | Rule::FakePhone, _) | (_, None) => text,
            (_, Some(limit)) => text.chars().take(limit).collect::<String>().trim_end().to_owned(),
        };
        Ok(Masked::Text(cut.into_bytes()))
    }
}

/// The content of a value, whatever its kind.
fn bytes(value: Value<'_>) -> Vec<u8> {
    match value {
        Value::Null => Vec::new(),
        Value::Integer(integer) => integer.to_string().into_bytes(),
        Value::Real(bits) => bits.to_le_bytes().to_vec(),
        Value::Text(bytes) | Value::Blob(bytes) => bytes.to_vec(),
    }
}

/// Hashes what stands before the last `@`, or all.
fn local_part(key: &[u8; 32], text: &[u8]) -> Vec<u8> {
    match text.iter().rposition(|byte| *byte == b'@') {
        Some(at) => [&characters(key, &text[..at]), &text[at..]].concat(),
        None => characters(key, text),
    }
}

/// UUIDs become UUIDs of the same version, other text becomes other text that is no UUID.
fn text_or_uuid(key: &[u8; 32], text: &[u8]) -> Vec<u8> {
    if is_uuid(text) { hex_digits(key, text, 0) } else { characters(key, text) }
}

fn is_uuid(text: &[u8]) -> bool {
    let digit = |(place, byte): (usize, &u8)| match place {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(byte),
    };
    text.len() == 36 && text.iter().enumerate().all(digit)
}

/// Permutes hexadecimal digits of lower case from some place on; of a UUID not those of its version and variant.
fn hex_digits(key: &[u8; 32], text: &[u8], from: usize) -> Vec<u8> {
    let keeps = |place: usize| place < from || (from == 0 && matches!(place, 14 | 19));
    let symbol = |(place, byte): (usize, &u8)| match byte {
        b'0'..=b'9' if !keeps(place) => Symbol { first: 0, count: 16, value: u32::from(byte - b'0') },
        b'a'..=b'f' if !keeps(place) => Symbol { first: 0, count: 16, value: u32::from(byte - b'a') + 10 },
        _ => Symbol::fixed(u32::from(*byte)),
    };
    let mut symbols: Vec<Symbol> = text.iter().enumerate().map(symbol).collect();
    permute(key, b"hex", &mut symbols);
    let printed = |symbol: &Symbol| match symbol.count {
        1 => symbol.unit() as u8,
        _ => b"0123456789abcdef"[symbol.value as usize & 15],
    };
    symbols.iter().map(printed).collect()
}

/// Permutes characters within their alphabets; text that is no UTF-8 by its ASCII alone.
fn characters(key: &[u8; 32], text: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(text) {
        Ok(utf8) => {
            let mut symbols: Vec<Symbol> = utf8.chars().map(of_character).collect();
            let print = |symbols: &[Symbol]| -> String {
                symbols.iter().filter_map(|symbol| char::from_u32(symbol.unit())).collect()
            };
            permute_within(key, b"text", &mut symbols, |symbols| {
                symbols.len() != 36 || is_uuid(text) || !is_uuid(print(symbols).as_bytes())
            });
            print(&symbols).into_bytes()
        }
        Err(_) => {
            let symbol = |byte: &u8| match byte.is_ascii() {
                true => of_character(char::from(*byte)),
                false => Symbol::fixed(u32::from(*byte)),
            };
            let mut symbols: Vec<Symbol> = text.iter().map(symbol).collect();
            permute(key, b"text", &mut symbols);
            symbols.iter().map(|symbol| symbol.unit() as u8).collect()
        }
    }
}

/// A float as text: with an exponent only where digits alone would be many.
fn float_text(real: f64, single: bool) -> String {
    let (scientific, most) =
        if single { (format!("{:e}", real as f32), 6) } else { (format!("{real:e}"), 15) };
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..most).contains(&exponent) {
        return if single { format!("{}", real as f32) } else { format!("{real}") };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}
