//! All of a run's chance: every draw is a function of its key, never the next of a sequence.
//!
//! A key is (seed, domain, entity, counter): the run, what is decided, for whom, and which time. So
//! taking one operation or fault out of a plan leaves every other draw as it was, and the order in
//! which draws are made does not matter. Here: the keyed function and the shapes a draw can take.
//! Not here: what is decided with them (`plan`, `workload`, the backends). Start at [`draw`].
//!
//! The function is one block of ChaCha8 with the key's parts as its input words: thirty lines of
//! additions and rotations are lighter than any crate, and the test holds them to the published
//! vectors. Everything is integer arithmetic, [`Draw::exponential`] too: a `ln` from the platform's
//! mathematics library may differ in its last bit from machine to machine, and with it a whole run.

/// What a draw decides. The numbers are part of every golden digest: add, never renumber.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Domain {
    /// A node's key. Entity: the node.
    NodeKey = 1,
    /// The owner of an operation's output. Entity: the operation.
    ClientKey = 2,
    /// Time between two arrivals. Entity: the load; counter: the arrival.
    Arrival = 3,
    /// What an arrival does. Entity: the load; counter: the arrival.
    OperationKind = 4,
    /// Which output an operation spends. Entity: the load; counter: the arrival.
    OperationInput = 5,
    /// The node an operation is sent to. Entity: the load; counter: the arrival.
    OperationNode = 6,
    /// How long a rival or a duplicate comes after its model. Entity: the load; counter: the arrival.
    OperationDelay = 7,
    /// The filling of a payload. Entity: the operation; counter: the 32-byte piece.
    Payload = 8,
    /// The uuid in a client's document. Entity: the operation.
    Uuid = 9,
    /// How many faults a swarm has, and of which kinds. Counter: the question.
    Swarm = 10,
    /// Whether an entry of `every` happens. Entity: the fault's entry; counter: the occurrence.
    FaultHappens = 11,
    /// When a fault begins, and for how long. Entity: the fault's entry; counter: the question.
    FaultTime = 12,
    /// Whom a fault meets. Entity: the fault's entry; counter: the occurrence.
    FaultTarget = 13,
    /// A message's delay on a link. Entity: [`pair`] of its ends; counter: the message.
    Latency = 14,
    /// How long a piece of work takes. Entity: the node; counter: the piece.
    ServiceTime = 15,
    /// A node's entropy at a start. Entity: the node; counter: the start.
    StartEntropy = 16,
    /// A request's entropy. Entity: the node; counter: the request.
    RequestEntropy = 17,
    /// A client's choice of another node after a lost answer. Entity: the operation; counter: the
    /// attempt.
    Retry = 18,
    /// The node a rival or a duplicate is sent to. Entity: the load; counter: the arrival.
    OtherNode = 19,
    /// The order of an answer's rows where none was asked for. Entity: the question; counter: the
    /// place.
    StoreOrder = 20,
    /// The replica that answers a read from any. Entity: the node; counter: the question.
    StoreReplica = 21,
    /// How a fault goes where nobody says. Entity: the fault's entry; counter: the question.
    FaultParticulars = 22,
    /// What a slow link adds to a message. Entity: [`pair`] of its ends; counter: the message.
    SlowLink = 23,
    /// How late an element of a feed comes. Entity: the node; counter: the message.
    FeedLag = 24,
    /// Whether an element of a feed comes twice. Entity: the node; counter: the message.
    FeedRepeat = 25,
    /// Whether an element of a feed is overtaken, and by how long. Entity: the node; counter: twice the
    /// message, plus 1 for the time.
    Reorder = 26,
    /// Whether an answer of the store is lost, and how. Entity: the node; counter: twice the message,
    /// plus 1 for how.
    LostAnswer = 27,
    /// Which node is Byzantine. Entity: the entry; counter: which of them.
    ByzantineNode = 40,
    /// Which act a Byzantine member does on an occasion. Entity: the entry and the act; counter: the
    /// occasion.
    ByzantineOccasion = 41,
    /// How a Byzantine member does an act. Entity: the entry and the act; counter: the question.
    ByzantineAct = 42,
    /// The secret that opens an output. Entity: the operation; counter: which.
    Secret = 43,
    /// When and where a client looks after what it has posted. Entity: the operation; counter: the
    /// question.
    Watch = 44,
    /// The node that is asked which outputs a key owns. Entity: the operation; counter: the owner.
    Owned = 45,
    /// Whether a Byzantine member uses an occasion. Entity: the entry; counter: the occasion.
    ByzantineShare = 47,
    /// What is told of an arrival that is several operations. Entity: the load; counter: the arrival
    /// and the question.
    Story = 46,
    /// Which way an exploration by chance goes on. Counter: the step; the way is the seed.
    Wandering = 48,
    /// How often a segment of a message is lost before it gets through. Entity: [`pair`] of the message's
    /// ends; counter: the message, times 2¹⁶, plus the segment.
    LostSegment = 49,
    /// Whether it is measured when a transaction can be read elsewhere, and where. Entity: the operation;
    /// counter: the question.
    Readable = 50,
    /// Which runs and seconds a resample is made of. Entity: the resample; counter: eight draws each.
    Resample = 60,
}

/// One draw: 64 bits, and the shapes they can take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Draw(u64);

/// Draws once. Equal keys give equal draws; any difference gives an unrelated one.
pub fn draw(seed: u64, domain: Domain, entity: u64, counter: u64) -> Draw {
    let block = chacha8(input(seed, domain, entity, counter));
    Draw(u64::from(block[0]) | u64::from(block[1]) << 32)
}

/// Draws 32 bytes, for keys, uuids and payloads.
pub fn draw_bytes(seed: u64, domain: Domain, entity: u64, counter: u64) -> [u8; 32] {
    let block = chacha8(input(seed, domain, entity, counter));
    let mut bytes = [0; 32];
    for (chunk, word) in bytes.chunks_exact_mut(4).zip(block) {
        chunk.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// Two small numbers as one entity, in this order: the ends of a directed link.
pub fn pair(from: u32, to: u32) -> u64 {
    u64::from(from) << 32 | u64::from(to)
}

impl Draw {
    /// The 64 bits.
    pub fn bits(self) -> u64 {
        self.0
    }

    /// A number in `0..n`, each equally likely (to within n in 2⁶⁴).
    ///
    /// # Panics
    /// If `n` is 0: there is nothing to choose from.
    pub fn below(self, n: u64) -> u64 {
        assert!(n > 0, "a draw needs something to choose from");
        high(u128::from(self.0) * u128::from(n))
    }

    /// A number in `low..=high`, each equally likely.
    ///
    /// # Panics
    /// If `low` is above `high`.
    pub fn between(self, low: u64, high: u64) -> u64 {
        assert!(low <= high, "a draw between {low} and {high}");
        match (high - low).checked_add(1) {
            Some(n) => low + self.below(n),
            None => self.0,
        }
    }

    /// An element of a list, each equally likely.
    ///
    /// # Panics
    /// If the list is empty.
    pub fn pick<T>(self, list: &[T]) -> &T {
        let index = self.below(list.len() as u64);
        &list[usize::try_from(index).expect("an index into a list in memory")]
    }

    /// True with this probability, in parts per million.
    pub fn happens(self, ppm: u32) -> bool {
        self.below(1_000_000) < u64::from(ppm)
    }

    /// A number that is exponentially distributed around `mean`: the time between two arrivals of a
    /// Poisson process. At most about 44 times the mean.
    pub fn exponential(self, mean: u64) -> u64 {
        // -ln(u)·mean = -log2(u)·ln(2)·mean, in fixed point with 32 binary digits. u is in (0, 1].
        const LN_2: u128 = 2_977_044_472;
        let (whole, fraction) = minus_log2(self.0);
        let bits = u128::from(whole) << 32 | u128::from(fraction);
        let natural = (bits * LN_2) >> 32;
        let scaled = (natural * u128::from(mean)) >> 32;
        u64::try_from(scaled).unwrap_or(u64::MAX)
    }
}

/// -log2((x + 1) / 2⁶⁴): the whole part, and 32 binary digits of the rest.
fn minus_log2(x: u64) -> (u32, u32) {
    let Some(u) = x.checked_add(1) else { return (0, 0) };
    // u = m·2^(63-zeros) with m in [1, 2): -log2(u/2⁶⁴) = zeros + 1 - log2(m).
    let zeros = u.leading_zeros();
    let mut m = u << zeros;
    let mut log = 0_u32;
    for _ in 0..32 {
        // Squaring doubles the logarithm; its next binary digit is whether m has reached 2.
        let square = u128::from(m) * u128::from(m);
        let reached = square >> 127 == 1;
        m = high(if reached { square } else { square << 1 });
        log = log << 1 | u32::from(reached);
    }
    if log == 0 { (zeros + 1, 0) } else { (zeros, log.wrapping_neg()) }
}

fn high(product: u128) -> u64 {
    u64::try_from(product >> 64).expect("the upper half of 128 bits")
}

fn input(seed: u64, domain: Domain, entity: u64, counter: u64) -> [u32; 16] {
    let [s0, s1] = halves(seed);
    let [e0, e1] = halves(entity);
    let [c0, c1] = halves(counter);
    // ChaCha's constants, then eight key words, then counter and nonce.
    [
        0x6170_7865,
        0x3320_646e,
        0x7962_2d32,
        0x6b20_6574,
        s0,
        s1,
        domain as u32,
        0,
        e0,
        e1,
        0,
        0,
        c0,
        c1,
        0,
        0,
    ]
}

fn halves(word: u64) -> [u32; 2] {
    let [a, b, c, d, e, f, g, h] = word.to_le_bytes();
    [u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])]
}

/// One block of ChaCha with 8 rounds. Source: D. J. Bernstein, "ChaCha, a variant of Salsa20".
fn chacha8(input: [u32; 16]) -> [u32; 16] {
    let mut x = input;
    let mut quarter = |a: usize, b: usize, c: usize, d: usize| {
        x[a] = x[a].wrapping_add(x[b]);
        x[d] = (x[d] ^ x[a]).rotate_left(16);
        x[c] = x[c].wrapping_add(x[d]);
        x[b] = (x[b] ^ x[c]).rotate_left(12);
        x[a] = x[a].wrapping_add(x[b]);
        x[d] = (x[d] ^ x[a]).rotate_left(8);
        x[c] = x[c].wrapping_add(x[d]);
        x[b] = (x[b] ^ x[c]).rotate_left(7);
    };
    for _ in 0..4 {
        quarter(0, 4, 8, 12);
        quarter(1, 5, 9, 13);
        quarter(2, 6, 10, 14);
        quarter(3, 7, 11, 15);
        quarter(0, 5, 10, 15);
        quarter(1, 6, 11, 12);
        quarter(2, 7, 8, 13);
        quarter(3, 4, 9, 14);
    }
    for (word, start) in x.iter_mut().zip(input) {
        *word = word.wrapping_add(start);
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_function_is_chacha8() {
        // draft-strombergson-chacha-test-vectors, TC1, 256-bit key, 8 rounds: all-zero key and IV.
        let mut zero = input(0, Domain::NodeKey, 0, 0);
        zero[6] = 0;
        let first: Vec<u8> = chacha8(zero).iter().take(4).flat_map(|w| w.to_le_bytes()).collect();
        let expected = "3e00ef2f895f40d67f5bb8e81f09a5a1";
        let hex: String = first.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected);
    }

    #[test]
    fn each_part_of_the_key_matters() {
        let reference = draw(1, Domain::Arrival, 2, 3);
        assert_eq!(reference, draw(1, Domain::Arrival, 2, 3));
        assert_ne!(reference, draw(2, Domain::Arrival, 2, 3));
        assert_ne!(reference, draw(1, Domain::Latency, 2, 3));
        assert_ne!(reference, draw(1, Domain::Arrival, 3, 3));
        assert_ne!(reference, draw(1, Domain::Arrival, 2, 4));
    }

    #[test]
    fn shapes_keep_to_their_bounds() {
        for counter in 0..10_000 {
            let drawn = draw(7, Domain::FaultTime, 0, counter);
            assert!(drawn.below(3) < 3);
            assert!((5..=9).contains(&drawn.between(5, 9)));
            assert!(!drawn.happens(0));
            assert!(drawn.happens(1_000_000));
        }
        assert_eq!(Draw(u64::MAX).between(0, u64::MAX), u64::MAX);
    }

    #[test]
    fn exponential_has_its_mean_and_its_ends() {
        let n = 100_000;
        let sum: u64 = (0..n).map(|i| draw(1, Domain::Arrival, 0, i).exponential(1_000_000)).sum();
        let mean = sum / n;
        assert!((990_000..1_010_000).contains(&mean), "mean {mean}");
        assert_eq!(Draw(u64::MAX).exponential(1_000_000), 0);
        // -ln(1/2), -ln(3/4) and -ln(2^-64), by hand.
        assert_eq!(Draw(u64::MAX / 2).exponential(1_000_000), 693_147);
        assert_eq!(Draw(u64::MAX / 4 * 3 + 2).exponential(1_000_000), 287_682);
        assert_eq!(Draw(0).exponential(1_000_000), 44_361_419);
    }
}
