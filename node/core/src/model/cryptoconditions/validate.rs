//! Whether a fulfillment opens its condition.
//!
//! The weights of the valid parts of a threshold add up, and an inverted threshold is only opened by
//! parts that are shown and fail: what is left out proves nothing. So a fulfillment holds, fails, or
//! leaves it open. Under `v0.6.0` both are as they were ([`Thresholds`]): each part counts no more than
//! the smallest weight before it in a first check, and what is left out of an inverted threshold opens
//! it.

use super::{CryptoconditionError, Ed25519, Fulfillment, Subject, Threshold, Timeout};
use crate::model::{Direct, Profile, SignatureCheck, Thresholds};

/// What a fulfillment is validated against.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// What the signatures have to be on.
    pub message: &'a str,
    /// Unix seconds as decimal text, perhaps with a fraction; only timeouts ask.
    pub now: Option<&'a str>,
    /// The rules.
    pub profile: Profile,
    /// How thresholds are read.
    pub thresholds: Thresholds,
    /// Who verifies the signatures.
    pub signatures: &'a dyn SignatureCheck,
}

/// What a fulfillment shows of itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Holds,
    Fails,
    /// It depends on what was left out.
    Open,
}

impl From<bool> for Shown {
    fn from(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::Fails }
    }
}

impl Fulfillment {
    /// Whether it opens its condition: [`Fulfillment::condition`], whatever its signatures.
    ///
    /// # Errors
    /// A timeout's text is no time, or the time was asked for and is not known; under `v0.6.0`, also
    /// if the message is not ASCII. The original raises an exception then: not valid.
    pub fn validate(
        &self,
        message: &str,
        now: Option<&str>,
        profile: Profile,
    ) -> Result<bool, CryptoconditionError> {
        let (thresholds, signatures) = (profile.thresholds(), &Direct);
        self.validate_in(&Circumstances { message, now, profile, thresholds, signatures })
    }

    /// As [`Fulfillment::validate`], with the signatures verified by whom you say.
    ///
    /// # Errors
    /// As there.
    pub fn validate_in(&self, around: &Circumstances<'_>) -> Result<bool, CryptoconditionError> {
        Ok(self.shown(around)? == Shown::Holds)
    }

    fn shown(&self, around: &Circumstances<'_>) -> Result<Shown, CryptoconditionError> {
        match self {
            Self::Preimage(_) => Ok(Shown::Holds),
            Self::Ed25519(leaf) => leaf.validate(around).map(Shown::from),
            Self::Timeout(timeout) => timeout.validate(around).map(Shown::from),
            Self::Threshold(threshold) => threshold.shown_in(around),
            Self::Inverted(threshold) => Ok(match threshold.shown_in(around)? {
                Shown::Holds => Shown::Fails,
                Shown::Fails => Shown::Holds,
                Shown::Open => Shown::Open,
            }),
        }
    }
}

impl Threshold {
    fn shown_in(&self, around: &Circumstances<'_>) -> Result<Shown, CryptoconditionError> {
        let threshold = u128::from(self.threshold);
        if around.thresholds.running_minimum && self.running_minimum() < threshold {
            return Ok(Shown::Fails);
        }
        let (mut holding, mut open) = (0_u128, 0_u128);
        for part in &self.parts {
            let shown = match &part.subject {
                Subject::Fulfillment(fulfillment) => fulfillment.shown(around)?,
                Subject::Condition(_) if around.thresholds.omission_fails => Shown::Fails,
                Subject::Condition(_) => Shown::Open,
            };
            match shown {
                Shown::Holds => holding += u128::from(part.weight),
                Shown::Open => open += u128::from(part.weight),
                Shown::Fails => {}
            }
        }
        Ok(if holding >= threshold {
            Shown::Holds
        } else if holding + open < threshold {
            Shown::Fails
        } else {
            Shown::Open
        })
    }

    /// What the parts that are shown weigh if each weighs no more than any before it.
    fn running_minimum(&self) -> u128 {
        let mut smallest = u64::MAX;
        let weights = self.shown().map(|(weight, _)| {
            smallest = smallest.min(weight);
            u128::from(smallest)
        });
        weights.sum()
    }
}

impl Ed25519 {
    fn validate(&self, around: &Circumstances<'_>) -> Result<bool, CryptoconditionError> {
        let Some(signature) = &self.signature else { return Ok(false) };
        if around.message.is_empty() {
            return Ok(false);
        }
        let message = around.profile.signed_bytes(around.message)?;
        let strictness = around.profile.strictness();
        Ok(around.signatures.verify(&self.public_key, message, signature, strictness))
    }
}

impl Timeout {
    fn validate(&self, around: &Circumstances<'_>) -> Result<bool, CryptoconditionError> {
        let now = around.now.filter(|now| is_unix_time(now)).and_then(python_float);
        let now = now.ok_or_else(|| CryptoconditionError::NoTime(around.message.into()))?;
        let text = std::str::from_utf8(&self.0).map_err(|_| CryptoconditionError::NotUtf8)?;
        let until =
            python_float(text).ok_or_else(|| CryptoconditionError::NoNumber(text.into()))?;
        Ok(now <= until)
    }
}

impl Timeout {
    /// The last second in which it is open, in Unix seconds; `None` if it says no such time.
    pub(super) fn last_second(&self) -> Option<u64> {
        let until = python_float(std::str::from_utf8(&self.0).ok()?)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "rounded down within what u64 holds"
        )]
        (0.0..1e18).contains(&until).then(|| until.floor() as u64)
    }
}

/// Ten digits, perhaps a fraction.
pub(super) fn is_unix_time(text: &str) -> bool {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    seconds.len() == 10 && is_number(seconds) && is_number(fraction)
}

/// The number a text says, as Python's `float` understands it: blanks around it, signs, exponents,
/// `inf` and `nan` are fine.
fn python_float(text: &str) -> Option<f64> {
    let is_blank = |c: char| c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}');
    text.trim_matches(is_blank).parse().ok()
}
