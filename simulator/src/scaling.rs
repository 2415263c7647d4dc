//! How throughput scales: the Universal Scalability Law, fitted to what was measured.
//!
//! With N of something (nodes, shards, cores), X(N) = λN / (1 + σ(N − 1) + κN(N − 1)): each of them does
//! λ by itself, σ is the share of work that only one can do at a time, κ what any two cost each other.
//! Source: N. Gunther, "Guerrilla Capacity Planning", 2007. Here: the fit and how good it is. Not here:
//! what is swept and measured (`matrix`), how it is drawn (`bigchaindb_reports`). Start at
//! [`Scaling::fit`].

/// Fewer values than parameters say nothing.
pub const VALUES_MIN: usize = 3;
/// Enough for any data that has a best fit.
const ITERATIONS: u32 = 100;

/// The law with its parameters.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Scaling {
    /// What one does.
    pub lambda: f64,
    /// The share of work that only one can do at a time; more than 1 where a second one makes it less.
    pub sigma: f64,
    /// What any two cost each other.
    pub kappa: f64,
    /// The share of the measurements' spread that the law explains: 1 is all of it.
    pub explained: f64,
    /// The largest distance of a measurement from the law, as a share of what the law says.
    pub off_max: f64,
    /// At how many different N was measured.
    pub values: usize,
}

impl Scaling {
    /// Fits the law by least squares to pairs of N and throughput, with σ and κ not below 0. None if there are
    /// fewer than [`VALUES_MIN`] different N, or something is not positive.
    pub fn fit(points: &[(f64, f64)]) -> Option<Self> {
        if points.iter().any(|(n, x)| !(n.is_finite() && x.is_finite() && *n > 0.0 && *x > 0.0)) {
            return None;
        }
        let mut values: Vec<f64> = points.iter().map(|(n, _)| *n).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        if values.len() < VALUES_MIN {
            return None;
        }
        // Where the best fit would need a parameter below 0, the best without it is wanted.
        let shapes = [[true, true], [true, false], [false, true], [false, false]];
        let fits = shapes.into_iter().filter_map(|shape| least_squares(points, shape));
        let is_lawful = |fit: &[f64; 3]| fit[0] > 0.0 && fit[1] >= 0.0 && fit[2] >= 0.0;
        let [a, b, c] = (fits.filter(is_lawful))
            .min_by(|one, other| squares(points, one).total_cmp(&squares(points, other)))?;
        let mut law = Self {
            lambda: 1.0 / a,
            sigma: b / a,
            kappa: c / a,
            explained: 0.0,
            off_max: 0.0,
            values: values.len(),
        };
        let mean = points.iter().map(|(_, x)| x).sum::<f64>() / points.len() as f64;
        let spread: f64 = points.iter().map(|(_, x)| (x - mean).powi(2)).sum();
        let left = squares(points, &[a, b, c]);
        // Measurements that are all the same leave nothing to explain.
        law.explained = if spread > 0.0 { 1.0 - left / spread } else { 1.0 };
        let off = |(n, x): &(f64, f64)| (x / law.at(*n) - 1.0).abs();
        law.off_max = points.iter().map(off).fold(0.0, f64::max);
        Some(law)
    }

    /// What the law says for N.
    pub fn at(&self, n: f64) -> f64 {
        self.lambda * n / (1.0 + self.sigma * (n - 1.0) + self.kappa * n * (n - 1.0))
    }

    /// The N with the most throughput; none if more is always more, or less.
    pub fn peak(&self) -> Option<f64> {
        let most = ((1.0 - self.sigma) / self.kappa).sqrt();
        (most.is_finite() && most > 1.0).then_some(most)
    }
}

/// N over throughput is linear in a = 1/λ, b = σ/λ and c = κ/λ: a + b(N − 1) + cN(N − 1).
fn terms(n: f64) -> [f64; 3] {
    [1.0, n - 1.0, n * (n - 1.0)]
}

fn slowness(fit: &[f64; 3], n: f64) -> f64 {
    terms(n).iter().zip(fit).map(|(term, by)| term * by).sum()
}

/// What is left unexplained, squared.
fn squares(points: &[(f64, f64)], fit: &[f64; 3]) -> f64 {
    points.iter().map(|(n, x)| (x - n / slowness(fit, *n)).powi(2)).sum()
}

/// The a, b and c with the least squares in throughput; those that are not `free` are 0. From the
/// solution of the linear form by Gauss and Newton's steps, halved where they go too far.
fn least_squares(points: &[(f64, f64)], free: [bool; 2]) -> Option<[f64; 3]> {
    let used = [true, free[0], free[1]];
    // An error of N/X weighs as much as the error of X that goes with it.
    let linear = |(n, x): &(f64, f64)| (terms(*n), n / x, (x * x / n).powi(2));
    let mut fit = solved(points.iter().map(linear), used)?;
    for _ in 0..ITERATIONS {
        let around = fit;
        let tangent = |(n, x): &(f64, f64)| {
            let slow = slowness(&around, *n);
            let slope = -n / (slow * slow);
            (terms(*n).map(|term| term * slope), x - n / slow, 1.0)
        };
        let step = solved(points.iter().map(tangent), used)?;
        let mut share = 1.0;
        let next = loop {
            let next: [f64; 3] = std::array::from_fn(|at| fit[at] + share * step[at]);
            if squares(points, &next) < squares(points, &fit) && next[0] > 0.0 {
                break Some(next);
            }
            share /= 2.0;
            if share < 1e-6 {
                break None;
            }
        };
        let Some(next) = next else { break };
        fit = next;
    }
    Some(fit)
}

/// The weighted linear least squares of rows (terms, value, weight), by the normal equations.
fn solved(rows: impl Iterator<Item = ([f64; 3], f64, f64)>, used: [bool; 3]) -> Option<[f64; 3]> {
    let mut sums = [[0.0; 4]; 3];
    for (terms, value, weight) in rows {
        for (row, one) in sums.iter_mut().zip(terms) {
            for (cell, other) in row.iter_mut().zip(terms.into_iter().chain([value])) {
                *cell += weight * one * other;
            }
        }
    }
    // What is not used is 0: its row says so, and nobody else's mentions it.
    for (at, _) in used.iter().enumerate().filter(|(_, used)| !**used) {
        sums.iter_mut().for_each(|row| row[at] = 0.0);
        sums[at] = [0.0; 4];
        sums[at][at] = 1.0;
    }
    eliminated(sums)
}

/// Gauss's elimination, with the largest pivot.
fn eliminated(mut rows: [[f64; 4]; 3]) -> Option<[f64; 3]> {
    for at in 0..3 {
        let largest =
            (at..3).max_by(|one, other| rows[*one][at].abs().total_cmp(&rows[*other][at].abs()))?;
        rows.swap(at, largest);
        let pivot = rows[at];
        if pivot[at].abs() < f64::MIN_POSITIVE {
            return None;
        }
        for (number, row) in rows.iter_mut().enumerate() {
            if number != at {
                let by = row[at] / pivot[at];
                row.iter_mut().zip(pivot).for_each(|(cell, above)| *cell -= by * above);
            }
        }
    }
    let solution: [f64; 3] = std::array::from_fn(|at| rows[at][3] / rows[at][at]);
    solution.iter().all(|value| value.is_finite()).then_some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::{Domain, draw};

    fn law(lambda: f64, sigma: f64, kappa: f64) -> Scaling {
        Scaling { lambda, sigma, kappa, explained: 1.0, off_max: 0.0, values: 0 }
    }

    /// The law at these N, each measurement off by up to so much of it.
    fn points(law: Scaling, ns: &[f64], off: f64) -> Vec<(f64, f64)> {
        let noise = |at| draw(1, Domain::Resample, 0, at).below(2_001) as f64 / 1_000.0 - 1.0;
        (0..).zip(ns).map(|(at, n)| (*n, law.at(*n) * (1.0 + off * noise(at)))).collect()
    }

    #[track_caller]
    fn near(found: f64, expected: f64, by: f64) {
        assert!((found - expected).abs() <= by, "{found}, not {expected}");
    }

    #[test]
    fn what_follows_a_law_is_fitted_by_it() {
        for (lambda, sigma, kappa) in [
            (500.0, 0.05, 0.002),
            (20.0, 0.0, 0.01),
            (3e4, 0.3, 0.0),
            (7.0, 0.0, 0.0),
            (90.0, 1.7, 0.1),
        ] {
            let fit =
                Scaling::fit(&points(law(lambda, sigma, kappa), &[1.0, 2.0, 4.0, 8.0, 16.0], 0.0));
            let fit = fit.unwrap();
            near(fit.lambda, lambda, 1e-3 * lambda);
            near(fit.sigma, sigma, 1e-3);
            near(fit.kappa, kappa, 1e-4);
            near(fit.explained, 1.0, 1e-6);
            assert_eq!(fit.values, 5);
        }
    }

    #[test]
    fn noise_moves_the_fit_a_little_and_is_told() {
        let ns = [1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0];
        let fit = Scaling::fit(&points(law(500.0, 0.05, 0.004), &ns, 0.03)).unwrap();
        near(fit.lambda, 500.0, 40.0);
        near(fit.sigma, 0.05, 0.04);
        near(fit.kappa, 0.004, 0.003);
        assert!(fit.explained > 0.97 && fit.off_max > 0.005 && fit.off_max < 0.06, "{fit:?}");
        near(fit.peak().unwrap(), 15.4, 4.0);
        // No law of this kind goes up and down and up.
        let wild = [(1.0, 10.0), (2.0, 90.0), (3.0, 10.0), (4.0, 90.0), (5.0, 10.0)];
        assert!(Scaling::fit(&wild).unwrap().explained < 0.3);
    }

    #[test]
    fn no_parameter_is_below_nothing() {
        // More than linear: as lawful as can be is linear.
        let fit = Scaling::fit(&[(1.0, 10.0), (2.0, 25.0), (4.0, 60.0)]).unwrap();
        assert_eq!((fit.sigma, fit.kappa), (0.0, 0.0));
        assert_eq!(fit.peak(), None);
    }

    #[test]
    fn with_fewer_than_three_values_there_is_no_fit() {
        assert_eq!(Scaling::fit(&[(1.0, 10.0), (2.0, 15.0), (2.0, 16.0)]), None);
        assert_eq!(Scaling::fit(&[(1.0, 10.0), (2.0, 0.0), (3.0, 16.0)]), None);
        assert_eq!(Scaling::fit(&[]), None);
        assert!(Scaling::fit(&[(1.0, 5.0), (2.0, 5.0), (3.0, 5.0)]).is_some());
    }
}
