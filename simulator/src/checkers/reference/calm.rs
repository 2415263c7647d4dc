//! When the federation had peace, so that it can be said by when something had to be done.
//!
//! A fault disturbs from when it is applied until it is healed; one of a moment disturbs at that
//! moment. More load than can be worked off disturbs as well, for as long as there is load. Whatever
//! has to be done within a time has to be done once there was that much time without disturbance.

/// Stretches of time in which something disturbed the federation, in order of their beginnings.
#[derive(Clone, Debug, Default)]
pub(super) struct Calm {
    disturbed: Vec<Disturbed>,
}

/// From when, until when; none: still.
#[derive(Clone, Copy, Debug)]
struct Disturbed {
    by: Disturber,
    from_us: u64,
    until_us: Option<u64>,
}

/// What disturbs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Disturber {
    /// The fault of this number.
    Fault(u64),
    /// More waits than fits into a block.
    Overload,
}

impl Calm {
    pub(super) fn begins(&mut self, by: Disturber, at_us: u64) {
        self.disturbed.push(Disturbed { by, from_us: at_us, until_us: None });
    }

    pub(super) fn ends(&mut self, by: Disturber, at_us: u64) {
        let open = |one: &&mut Disturbed| one.by == by && one.until_us.is_none();
        if let Some(open) = self.disturbed.iter_mut().rev().find(open) {
            open.until_us = Some(at_us);
        }
    }

    /// The first moment after `since_us` that had this much peace before it, all after `since_us`;
    /// none if something disturbs and has not ended.
    /// Overload is none any more once nobody has posted anything since `load_until_us`.
    pub(super) fn due_us(&self, since_us: u64, within_us: u64, load_until_us: u64) -> Option<u64> {
        let mut from_us = since_us;
        // In order of their beginnings, so one pass is enough.
        for one in &self.disturbed {
            if one.from_us >= from_us + within_us {
                break;
            }
            let until_us = match one.by {
                Disturber::Fault(_) => one.until_us,
                Disturber::Overload => {
                    Some(one.until_us.unwrap_or(u64::MAX).min(load_until_us.max(one.from_us)))
                }
            };
            match until_us {
                None => return None,
                Some(until_us) => from_us = from_us.max(until_us),
            }
        }
        Some(from_us + within_us)
    }

    /// Every fault's stretch of time: from, and until when, if that has come.
    pub(super) fn faults(&self) -> impl Iterator<Item = (u64, Option<u64>)> {
        let faults = self.disturbed.iter().filter(|one| matches!(one.by, Disturber::Fault(_)));
        faults.map(|one| (one.from_us, one.until_us))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_has_had_its_time_in_one_piece() {
        let mut calm = Calm::default();
        let mut fault = |number, from_us, until_us| {
            calm.begins(Disturber::Fault(number), from_us);
            calm.ends(Disturber::Fault(number), until_us);
        };
        fault(1, 100, 200);
        fault(2, 150, 180);
        fault(3, 300, 300);
        assert_eq!(calm.due_us(0, 100, 500), Some(100));
        assert_eq!(calm.due_us(1, 100, 500), Some(300), "the first fault came in between");
        assert_eq!(calm.due_us(150, 99, 500), Some(299));
        assert_eq!(calm.due_us(150, 101, 500), Some(401), "a fault of a moment is one as well");
        assert_eq!(calm.due_us(1000, 100, 500), Some(1100));
        calm.begins(Disturber::Fault(4), 350);
        assert_eq!(calm.due_us(150, 101, 500), None);
        assert_eq!(calm.due_us(150, 100, 500), Some(300), "what was due before is");
        calm.ends(Disturber::Fault(4), 400);
        calm.begins(Disturber::Overload, 450);
        assert_eq!(calm.due_us(400, 100, 500), Some(600), "who posts no more has to be served");
    }
}
