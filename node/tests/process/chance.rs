//! Numbers that are the same for the same seed.

/// SplitMix64.
pub(crate) struct Chance(u64);

impl Chance {
    /// A sequence of its own for each number.
    pub(crate) fn new(seed: u64, number: u64) -> Self {
        let mut chance = Self(seed);
        Self(chance.next() ^ Self(number).next())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ (number >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// One of so many places.
    pub(crate) fn place(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap()
    }

    /// Some of them, each once.
    pub(crate) fn some<T: Clone>(&mut self, among: &[T], most: u64) -> Vec<T> {
        let mut left = among.to_vec();
        let many = self.below(most.min(left.len() as u64)) + 1;
        let mut one = |_| {
            let place = self.place(left.len());
            left.swap_remove(place)
        };
        (0..many).map(&mut one).collect()
    }
}
