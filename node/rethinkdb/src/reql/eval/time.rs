//! Instants: made of texts and parts, taken apart, compared, shown in other time zones.
//!
//! The calendar is the Gregorian one for all years, and days have 86 400 seconds. Source: RethinkDB
//! docs, "Dates and times in RethinkDB".

mod calendar;
mod iso8601;

use self::calendar::{Civil, Date};
use super::sequence::is_open;
use super::{Call, Value};
use crate::reql::datum::{Datum, Time, valid_timezone};
use crate::reql::failure::{At, Failure, Result};
use crate::reql::number;
use crate::reql::op::{Determinism, Op};

pub(super) const OPS: &[Op] = &[
    Op::new(number::NOW, "now", (0, 0), |call| Ok(call.datum_value(call.run.now.clone())))
        .determinism(Determinism::CONSTANT_NOW),
    Op::new(number::EPOCH_TIME, "epoch_time", (1, 1), |call| {
        Ok(call.datum_value(Datum::time(call.number(0)?, "+00:00".into())))
    }),
    Op::new(number::TO_EPOCH_TIME, "to_epoch_time", (1, 1), |call| {
        Ok(call.datum_value(time_of(call, 0)?.epoch_s))
    }),
    Op::new(number::ISO8601, "iso8601", (1, 1), |call| {
        let value = call.arg(0)?;
        let zone = call.string_option("default_timezone")?;
        let text = value.string(call.run)?;
        Ok(call.datum_value(iso8601::parse(&text, zone.as_deref()).at(value.place)?))
    })
    .options(&["default_timezone"]),
    Op::new(number::TO_ISO8601, "to_iso8601", (1, 1), |call| {
        Ok(call.datum_value(iso8601::print(&time_of(call, 0)?)?))
    }),
    Op::new(number::TIME, "time", (4, 7), time),
    Op::new(number::IN_TIMEZONE, "in_timezone", (2, 2), |call| {
        let time = time_of(call, 0)?;
        let timezone = valid_timezone(call.datum(1)?.expect_str()?)?.into();
        Ok(call.datum_value(Datum::Time(Time { timezone, ..time })))
    }),
    Op::new(number::TIMEZONE, "timezone", (1, 1), |call| {
        Ok(call.datum_value(Datum::String(time_of(call, 0)?.timezone)))
    }),
    Op::new(number::DURING, "during", (3, 3), during).options(&["left_bound", "right_bound"]),
    Op::new(number::DATE, "date", (1, 1), |call| {
        let time = time_of(call, 0)?;
        let seconds = Civil::of(&time)?.second_of_day + fraction(&time);
        Ok(call.datum_value(Datum::time(time.epoch_s - seconds, time.timezone)))
    }),
    Op::new(number::TIME_OF_DAY, "time_of_day", (1, 1), |call| {
        let time = time_of(call, 0)?;
        let seconds = Civil::of(&time)?.second_of_day + fraction(&time);
        Ok(call.datum_value((seconds * 1000.0).round() / 1000.0))
    }),
    Op::new(number::YEAR, "year", (1, 1), |call| part(call, |civil| civil.date.year.into())),
    Op::new(number::MONTH, "month", (1, 1), |call| part(call, |civil| civil.date.month.into())),
    Op::new(number::DAY, "day", (1, 1), |call| part(call, |civil| civil.date.day.into())),
    Op::new(number::DAY_OF_WEEK, "day_of_week", (1, 1), |call| {
        part(call, |civil| civil.date.day_of_week())
    }),
    Op::new(number::DAY_OF_YEAR, "day_of_year", (1, 1), |call| {
        part(call, |civil| civil.date.day_of_year())
    }),
    Op::new(number::HOURS, "hours", (1, 1), |call| {
        part(call, |civil| (civil.second_of_day / 3600.0).floor())
    }),
    Op::new(number::MINUTES, "minutes", (1, 1), |call| {
        part(call, |civil| (civil.second_of_day / 60.0).floor() % 60.0)
    }),
    Op::new(number::SECONDS, "seconds", (1, 1), |call| {
        let time = time_of(call, 0)?;
        let seconds = Civil::of(&time)?.second_of_day % 60.0 + fraction(&time);
        Ok(call.datum_value((seconds * 1000.0).round() / 1000.0))
    }),
    constant(number::MONDAY, "monday", |call| Ok(call.datum_value(1))),
    constant(number::TUESDAY, "tuesday", |call| Ok(call.datum_value(2))),
    constant(number::WEDNESDAY, "wednesday", |call| Ok(call.datum_value(3))),
    constant(number::THURSDAY, "thursday", |call| Ok(call.datum_value(4))),
    constant(number::FRIDAY, "friday", |call| Ok(call.datum_value(5))),
    constant(number::SATURDAY, "saturday", |call| Ok(call.datum_value(6))),
    constant(number::SUNDAY, "sunday", |call| Ok(call.datum_value(7))),
    constant(number::JANUARY, "january", |call| Ok(call.datum_value(1))),
    constant(number::FEBRUARY, "february", |call| Ok(call.datum_value(2))),
    constant(number::MARCH, "march", |call| Ok(call.datum_value(3))),
    constant(number::APRIL, "april", |call| Ok(call.datum_value(4))),
    constant(number::MAY, "may", |call| Ok(call.datum_value(5))),
    constant(number::JUNE, "june", |call| Ok(call.datum_value(6))),
    constant(number::JULY, "july", |call| Ok(call.datum_value(7))),
    constant(number::AUGUST, "august", |call| Ok(call.datum_value(8))),
    constant(number::SEPTEMBER, "september", |call| Ok(call.datum_value(9))),
    constant(number::OCTOBER, "october", |call| Ok(call.datum_value(10))),
    constant(number::NOVEMBER, "november", |call| Ok(call.datum_value(11))),
    constant(number::DECEMBER, "december", |call| Ok(call.datum_value(12))),
];

const fn constant(number: u16, name: &'static str, eval: fn(&Call<'_>) -> Result<Value>) -> Op {
    Op::new(number, name, (0, 0), eval)
}

/// An argument that is a time.
fn time_of(call: &Call<'_>, index: usize) -> Result<Time> {
    let value = call.arg(index)?;
    match value.datum(call.run)? {
        Datum::Time(time) => Ok(time),
        other => {
            let text = other.pretty_truncated();
            let message = format!("Not a TIME pseudotype: `{text}`.");
            Err(Failure::logic(message).at(value.place))
        }
    }
}

/// What is left of an instant's seconds.
fn fraction(time: &Time) -> f64 {
    time.epoch_s - time.epoch_s.floor()
}

fn part(call: &Call<'_>, of: fn(&Civil) -> f64) -> Result<Value> {
    Ok(call.datum_value(of(&Civil::of(&time_of(call, 0)?)?)))
}

fn time(call: &Call<'_>) -> Result<Value> {
    let count = call.count();
    if !matches!(count, 4 | 7) {
        return Err(Failure::logic(format!("Got {count} arguments to TIME (expected 4 or 7).")));
    }
    let date = Date::new(call.integer(0)?, call.integer(1)?, call.integer(2)?)?;
    let (mut seconds, mut zone) = (0.0, 3);
    if count == 7 {
        let (hours, minutes) = (call.number(3)?, call.number(4)?);
        (seconds, zone) = (hours * 3600.0 + minutes * 60.0 + call.number(5)?, 6);
    }
    let zone = valid_timezone(&call.string(zone)?)?;
    let epoch_s = date.epoch_s() + seconds - calendar::offset_s(&zone);
    Ok(call.datum_value(Datum::time(epoch_s, zone.into())))
}

fn during(call: &Call<'_>) -> Result<Value> {
    let time = |index| time_of(call, index).map(Datum::Time);
    let (time, from, to) = (time(0)?, time(1)?, time(2)?);
    let is_after = from < time || (from == time && !is_open(call, "left_bound", false)?);
    let is_before = time < to || (time == to && !is_open(call, "right_bound", true)?);
    Ok(call.datum_value(is_after && is_before))
}
