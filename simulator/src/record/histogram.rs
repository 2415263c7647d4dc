//! `hist.hgrm`: the whole distribution from intended to decided, in the text form of HdrHistogram's
//! percentile output, which its plotters read. Values in milliseconds.
//!
//! Here: that form. Not here: the distribution (`measure`), the few percentiles of `results.json`.

use std::fmt::Write;

use crate::measure::Distribution;

/// Of each halving of what is left, so many percentiles are told.
const TICKS_PER_HALF: f64 = 5.0;

/// The whole file; the head and zeros if nothing was measured.
///
/// What was never decided counts with the time it had waited when the log ended; how many those are is
/// said in a line at the end, as their values are only lower bounds.
pub(super) fn histogram(distribution: &mut Distribution) -> String {
    let values = distribution.sorted();
    let count = values.len();
    let mut text = format!(
        "{:>12} {:>14} {:>10} {:>14}\n\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    );
    let mut share = 0.0;
    while count > 0 && share < 1.0 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a length lies within it"
        )]
        let rank = ((share * count as f64 - 1e-9).ceil() as usize).clamp(1, count);
        let value_us = values[rank - 1].0;
        let total = values.partition_point(|(other_us, _)| *other_us <= value_us);
        if total == count {
            let _ = writeln!(text, "{} {:2.12} {total:>10}", milliseconds(value_us), 1.0);
            break;
        }
        let inverse = 1.0 / (1.0 - share);
        let _ =
            writeln!(text, "{} {share:2.12} {total:>10} {inverse:>14.2}", milliseconds(value_us));
        let ticks = TICKS_PER_HALF * 2f64.powf((1.0 / (1.0 - share)).log2().floor() + 1.0);
        share += 1.0 / ticks;
    }
    let sum: u128 = values.iter().map(|(us, _)| u128::from(*us)).sum();
    let mean = sum as f64 / count.max(1) as f64 / 1e3;
    let squares: f64 = values.iter().map(|(us, _)| (*us as f64 / 1e3 - mean).powi(2)).sum();
    let deviation = (squares / count.max(1) as f64).sqrt();
    let most_us = values.last().map_or(0, |(us, _)| *us);
    let censored = values.iter().filter(|(_, over)| !over).count();
    let _ = writeln!(text, "#[Mean    = {mean:>12.3}, StdDeviation   = {deviation:>12.3}]");
    let _ = writeln!(text, "#[Max     = {}, Total count    = {count:>12}]", milliseconds(most_us));
    let _ = writeln!(text, "#[Unit    = ms, never decided (lower bounds) = {censored}]");
    text
}

fn milliseconds(us: u64) -> String {
    format!("{:>12}", format!("{}.{:03}", us / 1_000, us % 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of each line that a plotter would read.
    fn lines(text: &str) -> Vec<Vec<f64>> {
        let lines = text.lines().skip(1).filter(|line| !line.starts_with('#') && !line.is_empty());
        lines.map(|line| line.split_whitespace().map(|n| n.parse().expect(n)).collect()).collect()
    }

    #[test]
    fn percentiles_are_exact_and_end_with_the_longest() {
        let mut distribution = Distribution::default();
        (1..=1_000).for_each(|ms| distribution.add(ms * 1_000));
        let text = histogram(&mut distribution);
        let lines = lines(&text);
        assert_eq!(lines[0], [1.0, 0.0, 1.0, 1.0]);
        assert_eq!(lines[5], [500.0, 0.5, 500.0, 2.0]);
        assert_eq!(lines.last().unwrap(), &[1_000.0, 1.0, 1_000.0]);
        for pair in lines.windows(2) {
            assert!(pair[0][0] <= pair[1][0] && pair[0][1] < pair[1][1], "{pair:?}");
        }
        assert!(
            text.contains("#[Mean    =      500.500, StdDeviation   =      288.675]"),
            "{text}"
        );
        assert!(
            text.contains("#[Max     =     1000.000, Total count    =         1000]"),
            "{text}"
        );
    }

    #[test]
    fn what_never_came_to_its_end_is_in_it_and_counted() {
        let mut distribution = Distribution::default();
        distribution.add(2_500);
        distribution.add_censored(9_001);
        let text = histogram(&mut distribution);
        assert_eq!(lines(&text).last().unwrap(), &[9.001, 1.0, 2.0]);
        assert!(text.ends_with("#[Unit    = ms, never decided (lower bounds) = 1]\n"), "{text}");
        let none = histogram(&mut Distribution::default());
        assert!(
            lines(&none).is_empty() && none.contains("Total count    =            0"),
            "{none}"
        );
    }
}
