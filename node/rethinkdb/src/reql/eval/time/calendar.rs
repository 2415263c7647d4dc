//! Days and their numbers.

use crate::reql::datum::Time;
use crate::reql::failure::{Failure, Result};

/// A day of the Gregorian calendar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Date {
    pub(super) year: i32,
    pub(super) month: u8,
    pub(super) day: u8,
}

/// A day, and the time of that day, as a clock in some time zone shows it.
pub(super) struct Civil {
    pub(super) date: Date,
    /// Whole seconds since midnight.
    pub(super) second_of_day: f64,
}

const DAY_S: f64 = 86_400.0;

/// Days from 0000-03-01 to 1970-01-01.
const EPOCH_DAY: i64 = 719_468;
/// Days in 400 years.
const CYCLE_DAYS: i64 = 146_097;

impl Date {
    /// A day.
    ///
    /// # Errors
    /// There is no such day between the years 1400 and 10000.
    pub(super) fn new(year: i64, month: i64, day: i64) -> Result<Self> {
        let wrong = |message: &str| Err(Failure::logic(format!("Error in time logic: {message}.")));
        if !(1400..=10_000).contains(&year) {
            return wrong("Year is out of valid range: 1400..10000");
        }
        if !(1..=12).contains(&month) {
            return wrong("Month number is out of range 1..12");
        }
        if !(1..=31).contains(&day) {
            return wrong("Day of month value is out of range 1..31");
        }
        let small = |number: i64| u8::try_from(number).expect("it was just checked");
        let year = i32::try_from(year).expect("it was just checked");
        let date = Self { year, month: small(month), day: small(day) };
        // A day behind the end of its month is one of the next.
        if Self::of_number(date.number()) != date {
            return wrong("Day of month is not valid for year");
        }
        Ok(date)
    }

    /// The day of this number in a year.
    pub(super) fn of_day_in_year(year: i64, day: i64) -> Result<Self> {
        let first = Self::new(year, 1, 1)?;
        let date = Self::of_number(first.number() + day - 1);
        if day < 1 || date.year != first.year {
            return Err(Failure::logic(
                "Error in time logic: Day of year value is out of range 1..366.",
            ));
        }
        Ok(date)
    }

    /// Days since 1970-01-01. Years begin in March, so that the leap day is the last.
    fn number(self) -> i64 {
        let (month, day) = (i64::from(self.month), i64::from(self.day));
        let year = i64::from(self.year) - i64::from(month <= 2);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let year_of_cycle = year.rem_euclid(400);
        let day_of_cycle =
            year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year;
        year.div_euclid(400) * CYCLE_DAYS + day_of_cycle - EPOCH_DAY
    }

    fn of_number(number: i64) -> Self {
        let number = number + EPOCH_DAY;
        let day_of_cycle = number.rem_euclid(CYCLE_DAYS);
        let leap_days = day_of_cycle / 1460 - day_of_cycle / 36_524 + day_of_cycle / 146_096;
        let year_of_cycle = (day_of_cycle - leap_days) / 365;
        let day_of_year =
            day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = (month_from_march + 2) % 12 + 1;
        let year = year_of_cycle + number.div_euclid(CYCLE_DAYS) * 400 + i64::from(month <= 2);
        let small = |number: i64| u8::try_from(number).expect("months and days are small");
        let year = i32::try_from(year).expect("checked: years have few digits");
        Self { year, month: small(month), day: small(day) }
    }

    /// Seconds from the epoch to this day's midnight in UTC.
    pub(super) fn epoch_s(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "days are few")]
        let number = self.number() as f64;
        number * DAY_S
    }

    /// 1 for Monday to 7 for Sunday.
    pub(super) fn day_of_week(self) -> f64 {
        let day = (self.number() + 3).rem_euclid(7) + 1;
        f64::from(u8::try_from(day).expect("a week has seven days"))
    }

    /// 1 for the first of January.
    pub(super) fn day_of_year(self) -> f64 {
        let first = Self { month: 1, day: 1, ..self };
        let day = self.number() - first.number() + 1;
        f64::from(u16::try_from(day).expect("a year has few days"))
    }
}

impl Civil {
    /// What a clock shows at this instant, in the instant's own time zone.
    ///
    /// # Errors
    /// A year before 1400 or after 10000.
    pub(super) fn of(time: &Time) -> Result<Self> {
        let local_s = (time.epoch_s + offset_s(&time.timezone)).floor();
        let day = (local_s / DAY_S).floor();
        let first = Date { year: 1400, month: 1, day: 1 }.number();
        let last = Date { year: 10_000, month: 12, day: 31 }.number();
        #[expect(clippy::cast_possible_truncation, reason = "what is too large is refused below")]
        let number = day as i64;
        if !(first..=last).contains(&number) {
            return Err(Failure::logic(
                "Error in time logic: Year is out of valid range: 1400..10000.",
            ));
        }
        Ok(Self { date: Date::of_number(number), second_of_day: local_s - day * DAY_S })
    }
}

/// By how many seconds clocks in this time zone are ahead of UTC; it is written in full, `+01:30`.
pub(super) fn offset_s(timezone: &str) -> f64 {
    let number = |from: usize| {
        let digits = timezone.get(from..from + 2);
        digits.and_then(|digits| digits.parse().ok()).unwrap_or(0.0)
    };
    let seconds: f64 = number(1) * 3600.0 + number(4) * 60.0;
    if timezone.starts_with('-') { -seconds } else { seconds }
}
