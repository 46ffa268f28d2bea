//! Times as databases hold them, and how old they are.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

/// Unix times above this are taken for milliseconds: as seconds they would lie beyond the year 5000.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// Reads a time as databases print it, or as applications keep it in text.
///
/// Dates and times without a zone are taken as UTC. An integer is a Unix time in seconds, or in milliseconds when it is
/// too large for seconds.
pub(crate) fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(number) = text.parse::<i64>() {
        return match number.unsigned_abs() >= MILLISECONDS_FROM.unsigned_abs() {
            true => Timestamp::from_millisecond(number).ok(),
            false => Timestamp::from_second(number).ok(),
        };
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    // An offset may have hours alone: 2026-11-21 10:00:00+00
    if let Some(at) = text.rfind(['+', '-']).filter(|at| *at > "2026-11-21 ".len()) {
        let (time, offset) = text.split_at(at);
        let full = match offset.len() {
            3 => format!("{}{offset}:00", time.trim_end()),
            _ => format!("{}{offset}", time.trim_end()),
        };
        if let Ok(time) = full.parse::<Timestamp>() {
            return Some(time);
        }
    }
    let civil = text.parse::<DateTime>().ok();
    let civil = civil.or_else(|| text.parse::<Date>().ok().map(|date| date.to_datetime(Time::MIN)))?;
    Offset::UTC.to_timestamp(civil).ok()
}
