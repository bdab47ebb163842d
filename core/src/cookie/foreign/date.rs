//! Moments as the dumps of other stores write them.

use serde_json::Value;

use crate::time::Timestamp;

/// The moment that `value` is: an integer of milliseconds, or a text of RFC 3339.
pub(super) fn moment(value: &Value) -> Result<Timestamp, &'static str> {
    match value {
        Value::Number(number) => match number.as_u64() {
            Some(ms) if ms >= MS_MIN => Ok(Timestamp::from_millis(ms)),
            Some(_) => Err("a time is in milliseconds, this looks like seconds"),
            None => Err("a time is a positive integer of milliseconds"),
        },
        Value::String(text) => rfc_3339(text).ok_or(
            "a time is written as in RFC 3339, with its zone: 2026-11-24T15:00:00Z; or as an \
             integer of milliseconds",
        ),
        _ => Err("a time is an integer of milliseconds, or a text of RFC 3339"),
    }
}

/// `2026-11-24T15:00:00.123456+01:00`; also with a space for the `T`, as databases print it.
/// What is finer than a millisecond is left out.
fn rfc_3339(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_at_checked(10)?;
    let (mark, rest) = rest.split_at_checked(1)?;
    let (time, rest) = rest.split_at_checked(8)?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    // A leap second is the second after it.
    let is_right = matches!(mark, "T" | "t" | " ")
        && (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && (hour < 24 && minute < 60 && second <= 60);
    let (ms, zone) = fraction(rest)?;
    let offset_minutes = match zone {
        "Z" | "z" => 0,
        _ => {
            let sign = if zone.starts_with('+') { 1 } else { -1 };
            let [hours, minutes] = numbers(zone.strip_prefix(['+', '-'])?, ':', [2, 2])?;
            if hours >= 24 || minutes >= 60 {
                return None;
            }
            sign * (hours * 60 + minutes)
        }
    };
    let minutes = (days_since_1970(year, month, day) * 24 + hour) * 60 + minute - offset_minutes;
    let ms = (minutes * 60 + second) * 1000 + ms;
    is_right.then_some(Timestamp::from_millis(u64::try_from(ms).ok()?))
}

/// Milliseconds out of `.123456`, if it begins with that, and what follows.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let Some(rest) = text.strip_prefix('.') else { return Some((0, text)) };
    let len = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, zone) = rest.split_at_checked(len)?;
    let ms = format!("{digits:0<3}").get(..3)?.parse().ok()?;
    (1..=9).contains(&len).then_some((ms, zone))
}

/// Numbers of these lengths with `mark` between them.
fn numbers<const N: usize>(text: &str, mark: char, lens: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(mark);
    let mut numbers = [0; N];
    for (place, len) in numbers.iter_mut().zip(lens) {
        let part = parts.next()?;
        if part.len() != len || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *place = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let leap_days = |year: i64| year / 4 - year / 100 + year / 400;
    let years = (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969);
    years + (1..month).map(|month| days_in(year, month)).sum::<i64>() + day - 1
}

/// 1973 in milliseconds, and the year 5138 in seconds: no session of a web site ends before the
/// one, or after the other.
const MS_MIN: u64 = 100_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn moments_are_read_as_their_makers_write_them() {
        for (value, ms) in [
            (json!(1_700_000_000_123_u64), 1_700_000_000_123),
            (json!("2023-11-14T22:13:20.123Z"), 1_700_000_000_123),
            (json!("2023-11-14T22:13:20.123999+00:00"), 1_700_000_000_123),
            (json!("2023-11-15 00:13:20+02:00"), 1_700_000_000_000),
            (json!("2023-11-14T16:43:20-05:30"), 1_700_000_000_000),
            (json!("2024-02-29T00:00:00Z"), 1_709_164_800_000),
            (json!("2024-03-01T00:00:00.5Z"), 1_709_251_200_500),
            (json!("2000-12-31T23:59:60Z"), 978_307_200_000),
            (json!("2100-03-01T00:00:00Z"), 4_107_542_400_000),
        ] {
            assert_eq!(moment(&value).map(Timestamp::as_millis), Ok(ms), "{value}");
        }
    }

    #[test]
    fn what_is_no_moment_is_refused_and_not_guessed() {
        for value in [
            json!(1_700_000_000),
            json!(-5),
            json!(1.5e12),
            json!(null),
            json!(true),
            json!(""),
            json!("2023-11-14"),
            json!("2023-11-14T22:13:20"),
            json!("2023-11-14T22:13Z"),
            json!("2023-02-29T00:00:00Z"),
            json!("2023-13-01T00:00:00Z"),
            json!("2023-11-31T00:00:00Z"),
            json!("2023-11-14T24:00:00Z"),
            json!("2023-11-14T22:60:00Z"),
            json!("2023-11-14T22:13:20.Z"),
            json!("2023-11-14T22:13:20+0200"),
            json!("2023-11-14T22:13:20+24:00"),
            json!("2023-11-14T22:13:20Z "),
            json!("+023-11-14T22:13:20Z"),
            json!("1969-12-31T23:59:59Z"),
            json!("2023-11-14T22:13:20é"),
            json!("Tue Nov 14 2023"),
        ] {
            assert!(moment(&value).is_err(), "{value}");
        }
    }
}
