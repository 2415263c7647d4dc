//! Fulfillments as bytes: `TYPE LENGTH PAYLOAD`, where the payload is also what the text form holds.

use super::bytes::{Reader, Writer};
use super::{
    Budget, Condition, CryptoconditionError, Ed25519, Fulfillment, Part, Subject, Threshold,
    Timeout, type_id,
};
use crate::model::Profile;

impl Fulfillment {
    /// Its bytes, as they stand inside a threshold.
    ///
    /// # Errors
    /// As of [`Fulfillment::uri`]; also if the payload is longer than 255 bytes.
    pub fn binary(&self) -> Result<Vec<u8>, CryptoconditionError> {
        let mut writer = Writer::new();
        writer.uint(self.type_id().into(), 2)?.octets(&self.payload()?)?;
        Ok(writer.finish())
    }

    /// Its bytes without type and length, as the text form holds them.
    ///
    /// # Errors
    /// As of [`Fulfillment::uri`].
    pub fn payload(&self) -> Result<Vec<u8>, CryptoconditionError> {
        match self {
            Self::Preimage(bytes) | Self::Timeout(Timeout(bytes)) => Ok(bytes.to_vec()),
            Self::Ed25519(Ed25519 { public_key, signature }) => {
                let signature = signature.as_ref().ok_or(CryptoconditionError::Unsigned)?;
                Ok([&public_key[..], &signature[..]].concat())
            }
            Self::Threshold(threshold) | Self::Inverted(threshold) => threshold.payload(),
        }
    }

    /// Reads its bytes.
    ///
    /// # Errors
    /// As of [`Fulfillment::parse`].
    pub fn from_binary(bytes: &[u8], profile: Profile) -> Result<Self, CryptoconditionError> {
        let mut reader = Reader::new(bytes, profile == Profile::Default);
        let fulfillment = Self::read(&mut reader, &mut Budget::new())?;
        reader.end()?;
        Ok(fulfillment)
    }

    fn read(reader: &mut Reader<'_>, budget: &mut Budget) -> Result<Self, CryptoconditionError> {
        let type_id = reader.uint16()?;
        let length = reader.length()?;
        if !reader.is_exact() {
            return Self::read_payload(type_id, length, reader, budget);
        }
        let payload = reader.take(length)?;
        let mut payload = reader.over(payload);
        let fulfillment = Self::read_payload(type_id, length, &mut payload, budget)?;
        payload.end()?;
        Ok(fulfillment)
    }

    /// Reads a payload. Its length only matters to types whose payload says nothing about it.
    pub(super) fn read_payload(
        type_id: u16,
        length: u64,
        reader: &mut Reader<'_>,
        budget: &mut Budget,
    ) -> Result<Self, CryptoconditionError> {
        Ok(match type_id {
            type_id::PREIMAGE => Self::Preimage(reader.take(length)?.into()),
            type_id::TIMEOUT => Self::Timeout(Timeout(reader.take(length)?.into())),
            type_id::ED25519 => Self::Ed25519(Ed25519 {
                public_key: reader.array()?,
                signature: Some(reader.array()?),
            }),
            type_id::THRESHOLD => Self::Threshold(Threshold::read(reader, budget)?),
            type_id::INVERTED => Self::Inverted(Threshold::read(reader, budget)?),
            unknown => return Err(CryptoconditionError::Type(unknown.into())),
        })
    }
}

impl Threshold {
    fn read(reader: &mut Reader<'_>, budget: &mut Budget) -> Result<Self, CryptoconditionError> {
        let threshold = reader.var_uint()?;
        let count = reader.var_uint()?;
        // A count may promise anything: what is there, is read.
        let mut parts = Vec::new();
        let mut last: &[u8] = &[];
        for _ in 0..count {
            let item = reader.rest();
            parts.push(budget.below(|budget| Part::read(reader, budget))?);
            let item = &item[..item.len() - reader.rest().len()];
            if reader.is_exact() && is_before(item, last) {
                return Err(CryptoconditionError::Spelling("parts are not in their order"));
            }
            last = item;
        }
        Ok(Self { threshold, parts })
    }

    fn payload(&self) -> Result<Vec<u8>, CryptoconditionError> {
        let mut items = Vec::with_capacity(self.parts.len());
        let kept = self.kept()?;
        for (part, kept) in self.parts.iter().zip(kept) {
            let mut writer = Writer::new();
            writer.var_uint(part.weight)?;
            match (kept, &part.subject) {
                (Some(binary), _) => writer.octets(&binary)?.length(0)?,
                (None, Subject::Condition(condition)) => {
                    writer.length(0)?.octets(&condition.binary()?)?
                }
                (None, Subject::Fulfillment(fulfillment)) => {
                    writer.length(0)?.octets(&fulfillment.condition()?.binary()?)?
                }
            };
            items.push(writer.finish());
        }
        items.sort_by(|a, b| by_length(a, b));
        let mut writer = Writer::new();
        writer.var_uint(self.threshold)?.var_uint(self.parts.len() as u64)?;
        for item in items {
            writer.raw(&item);
        }
        Ok(writer.finish())
    }

    /// Which parts stay shown, as their bytes: those that reach the threshold in the fewest bytes.
    /// Of equal choices the one that shows earlier parts.
    fn kept(&self) -> Result<Vec<Option<Vec<u8>>>, CryptoconditionError> {
        let mut shown = Vec::new();
        for (at, part) in self.parts.iter().enumerate() {
            let Subject::Fulfillment(fulfillment) = &part.subject else { continue };
            let binary = fulfillment.binary()?;
            let omitted = fulfillment.condition()?.binary()?.len();
            shown.push((at, part.weight, binary, omitted));
        }
        let reached: u128 = shown.iter().map(|(_, weight, ..)| u128::from(*weight)).sum();
        if reached < self.threshold.into() {
            return Err(CryptoconditionError::NotEnoughShown);
        }
        // Neither a threshold nor a count above 255 can be written: no need to choose, then.
        let threshold =
            u8::try_from(self.threshold).map_err(|_| CryptoconditionError::AboveByte)?;
        u8::try_from(self.parts.len()).map_err(|_| CryptoconditionError::AboveByte)?;
        let threshold = usize::from(threshold);

        // costs[i][t]: the fewest bytes in which the parts from the i-th on reach t, if they do.
        let mut costs = vec![vec![None; threshold + 1]; shown.len() + 1];
        costs[shown.len()][0] = Some(0);
        for (i, (_, weight, binary, omitted)) in shown.iter().enumerate().rev() {
            costs[i][0] = Some(0);
            for t in 1..=threshold {
                let with = costs[i + 1][less(t, *weight)].map(|cost| cost + binary.len());
                let without = costs[i + 1][t].map(|cost| cost + omitted);
                costs[i][t] = [with, without].into_iter().flatten().min();
            }
        }
        let mut kept = vec![None; self.parts.len()];
        let mut t = threshold;
        for (i, (at, weight, binary, omitted)) in shown.into_iter().enumerate() {
            if t == 0 {
                break;
            }
            let with = costs[i + 1][less(t, weight)].map(|cost| cost + binary.len());
            let without = costs[i + 1][t].map(|cost| cost + omitted);
            if with.is_some_and(|with| without.is_none_or(|without| with < without)) {
                t = less(t, weight);
                kept[at] = Some(binary);
            }
        }
        Ok(kept)
    }
}

/// What is left to reach after a part of this weight.
fn less(threshold: usize, weight: u64) -> usize {
    usize::try_from(weight).map_or(0, |weight| threshold.saturating_sub(weight))
}

impl Part {
    fn read(reader: &mut Reader<'_>, budget: &mut Budget) -> Result<Self, CryptoconditionError> {
        let weight = reader.var_uint()?;
        let shown = reader.octets()?;
        let left_out = reader.octets()?;
        let subject = match (shown, left_out) {
            ([], []) => return Err(CryptoconditionError::NeitherShownNorLeftOut),
            (shown, []) => {
                let mut reader = reader.over(shown);
                let fulfillment = Fulfillment::read(&mut reader, budget)?;
                reader.end()?;
                Subject::Fulfillment(fulfillment)
            }
            ([], left_out) => {
                let mut reader = reader.over(left_out);
                let condition = Condition::read(&mut reader)?;
                reader.end()?;
                Subject::Condition(condition)
            }
            _ => return Err(CryptoconditionError::BothShownAndLeftOut),
        };
        Self::new(weight, subject)
    }
}

/// The order in which parts are written: short ones first.
pub(super) fn by_length(a: &[u8], b: &[u8]) -> std::cmp::Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

fn is_before(a: &[u8], b: &[u8]) -> bool {
    by_length(a, b).is_lt()
}
