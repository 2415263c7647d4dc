//! Times as text: ISO 8601, but for weeks.

use super::calendar::{Civil, Date, offset_s};
use crate::reql::datum::{Datum, Time, valid_timezone};
use crate::reql::failure::{Failure, Result};

/// Reads a time.
///
/// # Errors
/// A text that is no time, or one without time zone where none is given either.
pub(super) fn parse(text: &str, default_timezone: Option<&str>) -> Result<Datum> {
    let (date_text, rest) = match text.split_once('T') {
        Some((date, rest)) => (date, Some(rest)),
        None => (text, None),
    };
    let date = date(date_text)?;
    let (mut seconds, mut zone) = (0.0, None);
    if let Some(rest) = rest {
        let sign = ['-', '+', 'Z'].into_iter().find_map(|sign| rest.find(sign));
        let (time, zone_text) = rest.split_at(sign.unwrap_or(rest.len()));
        seconds = time_of_day(time)?;
        zone = sign.map(|_| valid_timezone(zone_text)).transpose()?;
    }
    let zone = match (zone, default_timezone) {
        (Some(zone), _) => zone,
        (None, Some(zone)) if !zone.is_empty() => valid_timezone(zone)?,
        _ => {
            return Err(Failure::logic(
                "ISO 8601 string has no time zone, and no default time zone was provided.",
            ));
        }
    };
    let epoch_s = date.epoch_s() + seconds - offset_s(&zone);
    Ok(Datum::time(epoch_s, zone.into()))
}

/// Digits from the front of a text.
struct Digits<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Digits<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, rest: text }
    }

    fn take(&mut self, count: usize) -> Result<i64> {
        let mut number = 0;
        for _ in 0..count {
            let mut rest = self.rest.chars();
            number = match rest.next().map(|digit| (digit, digit.to_digit(10))) {
                Some((_, Some(digit))) => number * 10 + i64::from(digit),
                Some((other, None)) => {
                    let text = self.text;
                    return Err(Failure::logic(format!(
                        "Invalid date string `{text}` (got `{other}` but expected a digit)."
                    )));
                }
                None => {
                    let text = self.text;
                    return Err(Failure::logic(format!("Truncated time string `{text}`.")));
                }
            };
            self.rest = rest.as_str();
        }
        Ok(number)
    }

    fn skip(&mut self, separator: char) -> bool {
        let rest = self.rest.strip_prefix(separator);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn check_end(&self, what: &str) -> Result<()> {
        if self.rest.is_empty() {
            return Ok(());
        }
        let (text, rest) = (self.text, self.rest);
        Err(Failure::logic(format!(
            "Garbage characters `{rest}` at end of {what} string `{text}`."
        )))
    }
}

fn date(text: &str) -> Result<Date> {
    let mut digits = Digits::new(text);
    let year = digits.take(4)?;
    if digits.rest.is_empty() {
        return Date::new(year, 1, 1);
    }
    let first_hyphen = digits.skip('-');
    if digits.skip('W') {
        return Err(Failure::logic(
            "Due to limitations in the boost time library we use for parsing, we cannot support ISO \
             week dates right now.  Sorry about that!  Please use years, calendar dates, or ordinal \
             dates instead.",
        ));
    }
    if digits.rest.len() == 3 {
        return Date::of_day_in_year(year, digits.take(3)?);
    }
    let month = digits.take(2)?;
    if first_hyphen && digits.rest.is_empty() {
        return Date::new(year, month, 1);
    }
    if first_hyphen != digits.skip('-') {
        return Err(Failure::logic(format!("Date string `{text}` must have 0 or 2 hyphens.")));
    }
    let day = digits.take(2)?;
    digits.check_end("date")?;
    Date::new(year, month, day)
}

/// Seconds since midnight.
fn time_of_day(text: &str) -> Result<f64> {
    let mut digits = Digits::new(text);
    let seconds = |hours: i64, minutes: i64, seconds: i64| {
        #[expect(clippy::cast_precision_loss, reason = "they have two digits each")]
        let seconds = (hours * 3600 + minutes * 60 + seconds) as f64;
        seconds
    };
    let hours = digits.take(2)?;
    if digits.rest.is_empty() {
        return Ok(seconds(hours, 0, 0));
    }
    let first_colon = digits.skip(':');
    let minutes = digits.take(2)?;
    if digits.rest.is_empty() {
        return Ok(seconds(hours, minutes, 0));
    }
    if first_colon != digits.skip(':') {
        return Err(Failure::logic(format!("Time string `{text}` must have 0 or 2 colons.")));
    }
    let whole = seconds(hours, minutes, digits.take(2)?);
    if !digits.skip('.') {
        digits.check_end("time")?;
        return Ok(whole);
    }
    let fraction = digits.rest;
    digits.take(fraction.chars().count())?;
    Ok(whole + format!("0.{fraction}").parse::<f64>().unwrap_or(0.0))
}

/// Writes a time.
///
/// # Errors
/// A year that does not have four digits.
pub(super) fn print(time: &Time) -> Result<String> {
    let Civil { date, second_of_day } = Civil::of(time)?;
    if date.year > 9999 {
        let year = date.year;
        let message = format!("Year `{year}` out of valid ISO 8601 range [0, 9999].");
        return Err(Failure::logic(message));
    }
    let milliseconds = ((time.epoch_s - time.epoch_s.floor()) * 1000.0).round();
    let (hours, minutes) =
        ((second_of_day / 3600.0).floor(), (second_of_day / 60.0).floor() % 60.0);
    let fraction = match milliseconds {
        0.0 => String::new(),
        some => format!(".{some:03}"),
    };
    Ok(format!(
        "{:04}-{:02}-{:02}T{hours:02}:{minutes:02}:{:02}{fraction}{}",
        date.year,
        date.month,
        date.day,
        second_of_day % 60.0,
        time.timezone
    ))
}
