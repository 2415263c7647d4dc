//! Conditions and fulfillments as JSON: what a transaction stores as a condition's `details`.
//!
//! Only signing reads it; validation never does.

use super::{
    Budget, Condition, CryptoconditionError, Ed25519, Fulfillment, Part, Subject, Threshold,
    Timeout, type_id,
};
use crate::model::{Json, KeyError, from_base58, public_key_bytes, signature_bytes, to_base58};

impl Fulfillment {
    /// As JSON.
    ///
    /// # Errors
    /// A preimage or timeout is not UTF-8.
    pub fn to_dict(&self) -> Result<Json, CryptoconditionError> {
        let text = |bytes| std::str::from_utf8(bytes).map_err(|_| CryptoconditionError::NotUtf8);
        let mut dict = vec![
            ("type".into(), "fulfillment".into()),
            ("type_id".into(), u64::from(self.type_id()).into()),
            ("bitmask".into(), self.bitmask().into()),
        ];
        match self {
            Self::Preimage(bytes) => dict.push(("preimage".into(), text(bytes)?.into())),
            Self::Timeout(Timeout(bytes)) => {
                dict.push(("expire_time".into(), text(bytes)?.into()));
            }
            Self::Ed25519(leaf) => {
                let signature = leaf.signature.as_ref();
                let signature = signature.map_or(Json::Null, |bytes| to_base58(bytes).into());
                dict.push(("public_key".into(), to_base58(&leaf.public_key).into()));
                dict.push(("signature".into(), signature));
            }
            Self::Threshold(threshold) | Self::Inverted(threshold) => {
                let parts: Result<Vec<_>, _> = threshold.parts.iter().map(Part::to_dict).collect();
                dict.push(("threshold".into(), threshold.threshold.into()));
                dict.push(("subfulfillments".into(), parts?.into()));
            }
        }
        Ok(Json::Object(dict.into_iter().collect()))
    }

    /// Of JSON. Its `bitmask` is not read.
    ///
    /// # Errors
    /// A field is missing or of another kind; the type is not known; a key or signature is none.
    pub fn from_dict(dict: &Json) -> Result<Self, CryptoconditionError> {
        Self::read_dict(dict, &mut Budget::new())
    }

    fn read_dict(dict: &Json, budget: &mut Budget) -> Result<Self, CryptoconditionError> {
        let kind = number(dict, "type_id")?;
        match u16::try_from(kind) {
            Ok(type_id::PREIMAGE) => Ok(Self::preimage(text(dict, "preimage")?.as_bytes())),
            Ok(type_id::TIMEOUT) => {
                Ok(Self::Timeout(Timeout(text(dict, "expire_time")?.as_bytes().into())))
            }
            Ok(type_id::ED25519) => {
                let public_key = public_key_bytes(text(dict, "public_key")?)?;
                let signature = match field(dict, "signature")? {
                    Json::Null => None,
                    _ => Some(signature_bytes(text(dict, "signature")?)?),
                };
                Ok(Self::Ed25519(Ed25519 { public_key, signature }))
            }
            Ok(type_id::THRESHOLD) => Ok(Self::Threshold(Threshold::read_dict(dict, budget)?)),
            Ok(type_id::INVERTED) => Ok(Self::Inverted(Threshold::read_dict(dict, budget)?)),
            _ => Err(CryptoconditionError::Type(kind)),
        }
    }
}

impl Threshold {
    fn read_dict(dict: &Json, budget: &mut Budget) -> Result<Self, CryptoconditionError> {
        let threshold = number(dict, "threshold")?;
        let field = "subfulfillments";
        let parts = self::field(dict, field)?
            .as_array()
            .ok_or(CryptoconditionError::Kind { field, expected: "an array" })?;
        let parts = parts.iter().map(|part| budget.below(|budget| Part::read_dict(part, budget)));
        Ok(Self { threshold, parts: parts.collect::<Result<_, _>>()? })
    }
}

impl Part {
    fn to_dict(&self) -> Result<Json, CryptoconditionError> {
        let mut dict = match &self.subject {
            Subject::Fulfillment(fulfillment) => fulfillment.to_dict()?,
            Subject::Condition(condition) => condition.to_dict()?,
        };
        if let Json::Object(fields) = &mut dict {
            fields.insert("weight", self.weight.into());
        }
        Ok(dict)
    }

    fn read_dict(dict: &Json, budget: &mut Budget) -> Result<Self, CryptoconditionError> {
        let Json::Int(weight) = *field(dict, "weight")? else {
            return Err(CryptoconditionError::Kind { field: "weight", expected: "an integer" });
        };
        let subject = match text(dict, "type")? {
            "fulfillment" => Subject::Fulfillment(Fulfillment::read_dict(dict, budget)?),
            "condition" => Subject::Condition(Condition::from_dict(dict)?),
            _ => return Err(CryptoconditionError::NeitherShownNorLeftOut),
        };
        let weight = u64::try_from(weight).map_err(|_| CryptoconditionError::Weight(weight))?;
        Self::new(weight, subject)
    }
}

impl Condition {
    /// As JSON.
    ///
    /// # Errors
    /// It has no hash.
    pub fn to_dict(&self) -> Result<Json, CryptoconditionError> {
        Ok(Json::object([
            ("type", "condition".into()),
            ("type_id", u64::from(self.type_id).into()),
            ("bitmask", self.bitmask.into()),
            ("hash", to_base58(self.hash()?).into()),
            ("max_fulfillment_length", self.max_fulfillment_length.into()),
        ]))
    }

    /// Of JSON.
    ///
    /// # Errors
    /// A field is missing or of another kind.
    pub fn from_dict(dict: &Json) -> Result<Self, CryptoconditionError> {
        let type_id = number(dict, "type_id")?;
        let type_id = u16::try_from(type_id).map_err(|_| CryptoconditionError::Type(type_id))?;
        let bitmask = number(dict, "bitmask")?;
        let hash = from_base58(text(dict, "hash")?).map_err(KeyError::from)?.into();
        let max_fulfillment_length = number(dict, "max_fulfillment_length")?;
        Ok(Self { type_id, bitmask, hash, max_fulfillment_length })
    }
}

fn field<'a>(dict: &'a Json, field: &'static str) -> Result<&'a Json, CryptoconditionError> {
    let dict = dict.as_object();
    let dict = dict.ok_or(CryptoconditionError::Kind { field, expected: "in an object" })?;
    dict.get(field).ok_or(CryptoconditionError::Missing(field))
}

fn text<'a>(dict: &'a Json, field: &'static str) -> Result<&'a str, CryptoconditionError> {
    let text = self::field(dict, field)?.as_str();
    text.ok_or(CryptoconditionError::Kind { field, expected: "a string" })
}

fn number(dict: &Json, field: &'static str) -> Result<u64, CryptoconditionError> {
    let number = match self::field(dict, field)? {
        Json::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    };
    number.ok_or(CryptoconditionError::Kind { field, expected: "an integer, 0 or more" })
}
