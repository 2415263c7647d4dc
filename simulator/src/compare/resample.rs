//! How sure a change is: resampling of repetitions, and of the seconds within them.
//!
//! What is estimated is the ratio of two means. How much it would vary, were all runs done again, is
//! found by the bootstrap: runs are drawn with replacement, of each run its seconds are, and the ratio
//! is taken again, a thousand times. The interval is that standard deviation times Student's quantile,
//! widened for few runs, as a bootstrap of n runs varies too little by √((n−1)/n) (T. Hesterberg, "What
//! Teachers Should Know About the Bootstrap", 2015). Chance is keyed: equal figures give equal
//! intervals. Start at [`change`].

use serde::Serialize;

use super::REPETITIONS_MIN;
use crate::chance::{Domain, draw_bytes};

/// How often it is all drawn again.
const RESAMPLES: u64 = 1_000;
/// The seed of it: the same for everyone.
const SEED: u64 = 1;

/// Whether runs of both sides belong together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pairs {
    /// They do not.
    None,
    /// The first with the first, and so on: they were made one right after the other, so that a machine
    /// which gets slower meanwhile does so for both.
    InOrder,
}

/// How values of a run, and those of several runs, become one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mean {
    /// The sum by their number: of what adds up.
    Arithmetic,
    /// The root of the product: of latencies, of which few are much longer than the rest. Values have
    /// to be positive.
    Geometric,
}

/// A relative change: 0.1 is ten per cent more than the baseline.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Change {
    /// What it most likely is.
    pub estimate: f64,
    /// It is hardly less than this …
    pub low: f64,
    /// … or more than this.
    pub high: f64,
}

impl Mean {
    /// The mean of several runs, each with the same weight.
    pub fn of_runs(self, runs: &[Vec<f64>]) -> f64 {
        self.back(mean(&self.scaled(runs).iter().map(|run| mean(run)).collect::<Vec<_>>()))
    }

    /// The values on the scale on which their mean is the arithmetic one.
    fn scaled(self, runs: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let scale = |value: &f64| match self {
            Self::Arithmetic => *value,
            Self::Geometric => value.ln(),
        };
        runs.iter().map(|run| run.iter().map(scale).collect()).collect()
    }

    fn back(self, scaled: f64) -> f64 {
        match self {
            Self::Arithmetic => scaled,
            Self::Geometric => scaled.exp(),
        }
    }
}

/// How the mean over runs has changed, each run a list of values that is not empty. `mistaken` is the
/// chance that the interval misses the truth. None if there are too few runs, or no ratio of their means.
pub fn change(
    baseline: &[Vec<f64>],
    program: &[Vec<f64>],
    pairs: Pairs,
    mean: Mean,
    mistaken: f64,
) -> Option<Change> {
    let few = baseline.len().min(program.len());
    if few < REPETITIONS_MIN || (pairs == Pairs::InOrder && baseline.len() != program.len()) {
        return None;
    }
    let estimate = (mean.of_runs(program) / mean.of_runs(baseline)).ln();
    let (before, after) = (mean.scaled(baseline), mean.scaled(program));
    let resampled = |number: u64| {
        let mut chance = Chance::new(number);
        let (mut one, mut other) = (0.0, 0.0);
        for _ in 0..before.len() {
            let at = chance.below(before.len());
            one += chance.mean_of(&before[at]);
            if pairs == Pairs::InOrder {
                other += chance.mean_of(&after[at]);
            }
        }
        if pairs == Pairs::None {
            for _ in 0..after.len() {
                let at = chance.below(after.len());
                other += chance.mean_of(&after[at]);
            }
        }
        let of = |sum: f64, runs: &[Vec<f64>]| mean.back(sum / runs.len() as f64);
        (of(other, &after) / of(one, &before)).ln()
    };
    let ratios: Vec<f64> =
        (0..RESAMPLES).map(resampled).filter(|ratio| ratio.is_finite()).collect();
    if !estimate.is_finite() || ratios.len() < 2 {
        return None;
    }
    let freedom = match pairs {
        Pairs::InOrder => few - 1,
        Pairs::None => baseline.len() + program.len() - 2,
    };
    let widened = (few as f64 / (few - 1) as f64).sqrt();
    let reach = deviation(&ratios) * widened * student(mistaken, freedom);
    let relative = |logarithm: f64| logarithm.exp() - 1.0;
    Some(Change {
        estimate: relative(estimate),
        low: relative(estimate - reach),
        high: relative(estimate + reach),
    })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn deviation(values: &[f64]) -> f64 {
    let middle = mean(values);
    let squares: f64 = values.iter().map(|value| (value - middle).powi(2)).sum();
    (squares / (values.len() - 1) as f64).sqrt()
}

/// How many standard deviations to either side leave out so much of Student's distribution, `mistaken`
/// of 1, with so many degrees of freedom.
///
/// With t = √n·tan θ the density becomes cosⁿ⁻¹ θ, which is added up in small steps.
fn student(mistaken: f64, freedom: usize) -> f64 {
    const STEPS: u32 = 20_000;
    // With more of them it is the normal distribution.
    const FREEDOM_MAX: usize = 1_000;
    let freedom = i32::try_from(freedom.clamp(1, FREEDOM_MAX)).expect("it has been held to that");
    let step = std::f64::consts::FRAC_PI_2 / f64::from(STEPS);
    let weight = |at: u32| ((f64::from(at) + 0.5) * step).cos().powi(freedom - 1);
    let inside = (1.0 - mistaken) * (0..STEPS).map(weight).sum::<f64>();
    let mut sum = 0.0;
    let reached = |at: &u32| {
        sum += weight(*at);
        sum >= inside
    };
    let at = (0..STEPS).find(reached).unwrap_or(STEPS - 1);
    f64::from(freedom).sqrt() * ((f64::from(at) + 0.5) * step).tan()
}

/// The draws of one resample: eight of each block.
struct Chance {
    resample: u64,
    block: u64,
    words: std::vec::IntoIter<u32>,
}

impl Chance {
    fn new(resample: u64) -> Self {
        Self { resample, block: 0, words: Vec::new().into_iter() }
    }

    /// A place in a list of so many.
    fn below(&mut self, count: usize) -> usize {
        let word = match self.words.next() {
            Some(word) => word,
            None => {
                let bytes = draw_bytes(SEED, Domain::Resample, self.resample, self.block);
                let word = |four: &[u8]| u32::from_le_bytes([four[0], four[1], four[2], four[3]]);
                self.words = bytes.chunks_exact(4).map(word).collect::<Vec<_>>().into_iter();
                self.block += 1;
                self.words.next().expect("a block has eight")
            }
        };
        let place = (u64::from(word) * count as u64) >> 32;
        usize::try_from(place).expect("below a count in memory")
    }

    /// The mean of as many values as there are, drawn from them.
    fn mean_of(&mut self, values: &[f64]) -> f64 {
        let sum: f64 = (0..values.len()).map(|_| values[self.below(values.len())]).sum();
        sum / values.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::draw;

    /// Runs of a machine on which nothing is steady: a run differs from the next by 2 %, a second from
    /// the next by 6 %, and it all gets slower by 1 % a run. Sorted as ABBA, the side that is `late` at first.
    fn runs(trial: u64, late: bool, count: u64, factor: f64) -> Vec<Vec<f64>> {
        let normal = |entity: u64, counter: u64| {
            // The sum of twelve even draws is nearly normal, of deviation 1.
            let even = |part| draw(trial, Domain::Resample, entity, counter * 12 + part).bits();
            (0..12).map(|part| even(part) as f64 / 2f64.powi(64)).sum::<f64>() - 6.0
        };
        let run = |number: u64| {
            let place = 2 * number + u64::from(late != (number % 2 == 1));
            let entity = 1_000 + place;
            let level = factor * (1.0 + 0.01 * place as f64) * (0.02 * normal(entity, 0)).exp();
            (1..=20)
                .map(|second| 50_000.0 * level * (0.06 * normal(entity, second)).exp())
                .collect()
        };
        (0..count).map(run).collect()
    }

    /// How often so many trials show a change that is worse than nothing, or better, and matters.
    fn found(trials: u64, factor: f64, pairs: Pairs, mean: Mean) -> (u64, u64) {
        let mut counts = (0, 0);
        for trial in 0..trials {
            let (before, after) = (runs(trial, false, 7, 1.0), runs(trial, true, 7, factor));
            let change = change(&before, &after, pairs, mean, 0.05 / 3.0).unwrap();
            assert!(change.low <= change.estimate && change.estimate <= change.high);
            counts.0 += u64::from(change.low > 0.0 && change.estimate >= 0.05);
            counts.1 += u64::from(change.high < 0.0 && change.estimate <= -0.05);
        }
        counts
    }

    #[test]
    fn equal_programs_are_seldom_called_different() {
        for (pairs, mean) in [(Pairs::InOrder, Mean::Geometric), (Pairs::None, Mean::Arithmetic)] {
            let (worse, better) = found(200, 1.0, pairs, mean);
            assert!(worse + better <= 10, "{worse} worse, {better} better of 200");
        }
    }

    #[test]
    fn the_interval_misses_the_truth_no_more_often_than_it_says() {
        let misses = |trial| {
            let (before, after) = (runs(trial, false, 5, 1.0), runs(trial, true, 5, 1.0));
            let change = change(&before, &after, Pairs::InOrder, Mean::Geometric, 0.1).unwrap();
            change.low > 0.0 || change.high < 0.0
        };
        // A tenth of 200, and three standard deviations.
        let missed = (0..200).filter(|trial| misses(*trial)).count();
        assert!(missed <= 33, "{missed} of 200");
    }

    #[test]
    fn a_program_that_is_slower_by_a_tenth_is_found() {
        let (worse, better) = found(200, 1.1, Pairs::InOrder, Mean::Geometric);
        assert!(worse >= 190 && better == 0, "{worse} worse, {better} better of 200");
    }

    #[test]
    fn equal_figures_give_equal_intervals_and_no_spread_gives_none() {
        let (before, after) = (runs(1, false, 5, 1.0), runs(1, true, 5, 1.1));
        let once = change(&before, &after, Pairs::None, Mean::Arithmetic, 0.05);
        assert_eq!(once, change(&before, &after, Pairs::None, Mean::Arithmetic, 0.05));
        let steady = vec![vec![500.0; 10]; 3];
        let change = change(&steady, &steady, Pairs::None, Mean::Arithmetic, 0.05).unwrap();
        assert_eq!((change.estimate, change.low, change.high), (0.0, 0.0, 0.0));
    }

    #[test]
    fn too_few_runs_and_no_ratio_tell_nothing() {
        let told = |before: Vec<Vec<f64>>, after: Vec<Vec<f64>>, pairs| {
            change(&before, &after, pairs, Mean::Arithmetic, 0.05)
        };
        let (two, three, four) = (vec![vec![1.0]; 2], vec![vec![1.0]; 3], vec![vec![1.0]; 4]);
        assert_eq!(told(two, three.clone(), Pairs::None), None);
        assert_eq!(told(three.clone(), four, Pairs::InOrder), None);
        assert_eq!(told(vec![vec![0.0]; 3], three, Pairs::None), None);
    }

    #[test]
    fn students_quantiles_are_those_of_the_tables() {
        let tables = [(0.05, 1, 12.706), (0.05, 4, 2.776), (0.01, 8, 3.355), (0.05, 900, 1.963)];
        for (mistaken, freedom, expected) in tables {
            let found = student(mistaken, freedom);
            assert!((found / expected - 1.0).abs() < 0.002, "{mistaken}, {freedom}: {found}");
        }
    }
}
