//! One direction of a link: how late a message arrives there, and whether it does.
//!
//! All chance is keyed by the seed, the ends of the way and the number of the message, as in virtual time
//! and with the same meanings. What is drawn is the same in every run; which message has which number is
//! not, as nodes on real machines say things in another order each time. Not here: sockets (`proxy`), what a
//! message is (`pieces`).

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use bigchaindb_core::model::Json;
use bigchaindb_rethinkdb::wire::frame::{self, Header};
use tokio::sync::watch;
use tokio::time::Instant;

use super::super::super::segments;
use super::pieces::Piece;
use crate::chance::{Domain, draw, pair};
use crate::plan::{Followed, Links, Loss};

/// A server that is slowed answers so much later at most: else nothing would be done there.
const SLOW_MOST: Duration = Duration::from_secs(1);

/// The number of a probe's messages: no other has it, as in virtual time.
pub(super) const PROBE: u64 = 0;

/// What is wrong with a way, as faults have it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(in super::super) struct Wrong {
    /// Messages take so many times as long, and at most so many microseconds on top.
    pub(in super::super) slow: Option<(u32, u64)>,
    /// Segments are lost, in parts per million.
    pub(in super::super) leaky: Option<u32>,
    /// So many bytes pass in a second.
    pub(in super::super) narrow: Option<u32>,
    /// Answers are lost, in parts per million.
    pub(in super::super) lossy: Option<(u32, Loss)>,
    /// What feeds tell comes late: of one table or all, by so many microseconds at most.
    pub(in super::super) late: Option<(Option<Followed>, u64)>,
    /// What feeds tell comes twice, in parts per million.
    pub(in super::super) twice: Option<u32>,
    /// Answers take so many times as long as they would.
    pub(in super::super) answers: Option<u32>,
}

/// How often something that was wrong has shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(in super::super) struct Shown {
    /// Messages of which a segment was lost.
    pub(in super::super) resent: u64,
    /// Answers that were lost.
    pub(in super::super) lost: u64,
    /// Elements of feeds that came late.
    pub(in super::super) late: u64,
    /// Elements of feeds that came twice.
    pub(in super::super) twice: u64,
    /// Answers that took longer.
    pub(in super::super) slowed: u64,
}

/// One direction of a link. All its connections share it.
#[derive(Debug)]
pub(super) struct Way {
    seed: u64,
    /// The node, in the keys of chance about what it is told.
    node: u64,
    /// The ends, in the keys of chance about messages.
    ends: (u32, u32),
    /// How long a message takes; none if that is left to the machine's own network.
    usual: Option<Links>,
    /// The latency that a slow way makes longer.
    slowed: Links,
    state: Mutex<State>,
    shown: watch::Sender<Shown>,
}

#[derive(Debug)]
struct State {
    wrong: Wrong,
    messages: u64,
    /// A narrow way is taken until then.
    taken_until: Instant,
}

/// What becomes of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It arrives then.
    Arrives(Instant, Vec<u8>),
    /// It never arrives.
    Lost,
    /// A part of it arrives then, and the connection breaks.
    Breaks(Instant, Vec<u8>),
}

/// What is to be answered on a connection, by tokens.
#[derive(Debug, Default)]
pub(super) struct Asked(Mutex<BTreeMap<u64, Question>>);

#[derive(Clone, Copy, Debug)]
enum Question {
    /// Since then.
    Waits(Instant),
    /// A feed, of this table if that can be told.
    Feed(Option<Followed>),
}

impl Way {
    pub(super) fn new(seed: u64, node: u64, ends: (u32, u32), links: Links) -> Self {
        let usual = (links != Links::default()).then_some(links);
        let state = State { wrong: Wrong::default(), messages: PROBE, taken_until: Instant::now() };
        let (state, shown) = (Mutex::new(state), watch::Sender::default());
        Self { seed, node, ends, usual, slowed: links, state, shown }
    }

    /// Lets something go wrong, or mends it.
    pub(super) fn change(&self, change: impl FnOnce(&mut Wrong)) {
        change(&mut self.state().wrong);
    }

    /// How often what is wrong has shown, now and from now on.
    pub(super) fn shown(&self) -> watch::Receiver<Shown> {
        self.shown.subscribe()
    }

    /// How long the message of a probe takes with what is wrong now.
    pub(super) fn probe(&self) -> Duration {
        let wrong = self.state().wrong;
        Duration::from_micros(self.passes_us(PROBE, wrong))
    }

    /// How many messages a probe's bytes are is up to the machine; they all have its number.
    pub(super) fn probe_arrives(&self, bytes: usize) -> Instant {
        let mut state = self.state();
        state.leaves(bytes) + Duration::from_micros(self.passes_us(PROBE, state.wrong))
    }

    /// How long a message is under way, if nothing of it is lost.
    fn passes_us(&self, message: u64, wrong: Wrong) -> u64 {
        let (from, to) = self.ends;
        let delay_us = |links: Links| links.delay_us(self.seed, from, to, message);
        match wrong.slow {
            None => self.usual.map_or(0, delay_us),
            Some((factor, jitter_us)) => {
                let drawn = draw(self.seed, Domain::SlowLink, pair(from, to), message);
                delay_us(self.slowed) * u64::from(factor) + drawn.between(0, jitter_us)
            }
        }
    }

    /// What becomes of a message that comes to this way now.
    pub(super) fn fate(&self, mut piece: Piece, asked: &Asked, now: Instant) -> Fate {
        let mut state = self.state();
        state.messages += 1;
        let (message, wrong) = (state.messages, state.wrong);
        let question = piece.token.and_then(|token| asked.answered(token));
        if let (Some(Question::Feed(_)), Some(share)) = (question, wrong.twice) {
            self.repeat(&mut piece.bytes, message, share);
        }
        let mut at = state.leaves(piece.bytes.len());
        drop(state);
        at += Duration::from_micros(self.passes_us(message, wrong));
        if let Some(share) = wrong.leaky {
            let late_us =
                segments::late_us(self.seed, self.ends, message, piece.bytes.len(), share);
            at += Duration::from_micros(late_us);
            self.show(late_us > 0, |shown| &mut shown.resent);
        }
        match question {
            None => {}
            Some(Question::Feed(table)) => {
                let is_meant = |only: Option<Followed>| only.is_none_or(|only| table == Some(only));
                if let Some((only, most_us)) = wrong.late
                    && is_meant(only)
                {
                    let drawn = draw(self.seed, Domain::FeedLag, self.node, message);
                    at += Duration::from_micros(drawn.between(1, most_us.max(1)));
                    self.show(true, |shown| &mut shown.late);
                }
            }
            Some(Question::Waits(since)) => {
                if let Some((share, loss)) = wrong.lossy
                    && let Some(is_silent) = self.is_lost(message, share, loss)
                {
                    self.show(true, |shown| &mut shown.lost);
                    if is_silent {
                        return Fate::Lost;
                    }
                    piece.bytes.truncate(piece.bytes.len() / 2);
                    return Fate::Breaks(at, piece.bytes);
                }
                if let Some(factor) = wrong.answers {
                    at += (now - since).saturating_mul(factor.saturating_sub(1)).min(SLOW_MOST);
                    self.show(true, |shown| &mut shown.slowed);
                }
            }
        }
        Fate::Arrives(at, piece.bytes)
    }

    /// Whether an answer is lost, and if so, without a word.
    fn is_lost(&self, message: u64, share: u32, loss: Loss) -> Option<bool> {
        let about = |n| draw(self.seed, Domain::LostAnswer, self.node, 2 * message + n);
        about(0).happens(share).then(|| match loss {
            Loss::Silence => true,
            Loss::Reset => false,
            Loss::Either => about(1).happens(500_000),
        })
    }

    /// Has some of what a feed tells stand in its frame twice.
    fn repeat(&self, bytes: &mut Vec<u8>, message: u64, share: u32) {
        let Some((header, text)) = bytes.split_first_chunk() else { return };
        let Ok(mut answer) = Json::parse(text) else { return };
        let Some(Json::Array(elements)) = answer.get_mut("r") else { return };
        let mut twice = 0;
        let is_change =
            |element: &Json| element.get("new_val").is_some() || element.get("old_val").is_some();
        for (place, element) in (0..).zip(std::mem::take(elements)) {
            let drawn = draw(self.seed, Domain::FeedRepeat, self.node, message << 16 | place);
            if is_change(&element) && drawn.happens(share) {
                elements.push(element.clone());
                twice += 1;
            }
            elements.push(element);
        }
        let token = Header::decode(*header).token;
        if twice > 0
            && let Ok(frame) = frame::encode(token, answer.to_string().as_bytes())
        {
            *bytes = frame;
            self.show(true, |shown| &mut shown.twice);
        }
    }

    fn show(&self, is_so: bool, count: impl FnOnce(&mut Shown) -> &mut u64) {
        if is_so {
            self.shown.send_modify(|shown| *count(shown) += 1);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics here")
    }
}

impl State {
    /// When so many bytes have left: one message after the other, if the way is narrow.
    fn leaves(&mut self, bytes: usize) -> Instant {
        let now = Instant::now();
        let Some(rate) = self.wrong.narrow else { return now };
        let takes_us = (bytes as u64).saturating_mul(1_000_000) / u64::from(rate.max(1));
        self.taken_until = self.taken_until.max(now) + Duration::from_micros(takes_us);
        self.taken_until
    }
}

impl Asked {
    /// A client's frame asks something, or asks for more of it.
    pub(super) fn asks(&self, token: u64, feed: Option<Option<Followed>>, now: Instant) {
        let mut asked = self.lock();
        match (feed, asked.get(&token)) {
            (Some(table), _) => drop(asked.insert(token, Question::Feed(table))),
            (None, Some(Question::Feed(_))) => {}
            (None, _) => drop(asked.insert(token, Question::Waits(now))),
        }
    }

    /// Whether a token is a feed's.
    pub(super) fn is_feed(&self, token: u64) -> bool {
        matches!(self.lock().get(&token), Some(Question::Feed(_)))
    }

    /// What is answered by a server's frame. A feed goes on.
    fn answered(&self, token: u64) -> Option<Question> {
        let mut asked = self.lock();
        match asked.get(&token) {
            Some(Question::Waits(_)) => asked.remove(&token),
            feed => feed.copied(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Question>> {
        self.0.lock().expect("nobody panics here")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINKS: Links = Links { latency_us: 10_000, jitter_us: 5_000, reorder: 0 };

    fn way(links: Links, wrong: Wrong) -> Way {
        let way = Way::new(7, 0, (u32::MAX, 0), links);
        way.change(|now| *now = wrong);
        way
    }

    /// How late each of so many answers is, in milliseconds; `None` if it is lost.
    fn answers(
        way: &Way,
        text: &str,
        feed: Option<Option<Followed>>,
        count: u64,
    ) -> Vec<Option<u64>> {
        let asked = Asked::default();
        let answer = |token| {
            let now = Instant::now();
            asked.asks(token, feed, now);
            let bytes = frame::encode(token, text.as_bytes()).unwrap();
            match way.fate(Piece { bytes, token: Some(token) }, &asked, now) {
                Fate::Arrives(at, _) => Some((at - now).as_millis().try_into().unwrap()),
                Fate::Lost | Fate::Breaks(..) => None,
            }
        };
        (0..count).map(answer).collect()
    }

    #[test]
    fn messages_are_as_late_as_chance_has_it_and_as_faults_do() {
        let plain = way(LINKS, Wrong::default());
        let late = answers(&plain, "{}", None, 200);
        assert!(late.iter().all(|late| (5..=16).contains(&late.unwrap())), "{late:?}");
        assert!(late.iter().any(|late| late.unwrap() > 12), "{late:?}");
        let slow = way(LINKS, Wrong { slow: Some((10, 0)), ..Wrong::default() });
        assert!(slow.probe() >= Duration::from_millis(50) && slow.probe() == plain.probe() * 10);
        assert!(answers(&slow, "{}", None, 50).iter().all(|late| late.unwrap() >= 50));
        // Where nothing is said about links, they are the machine's own until they are slow.
        assert_eq!(way(Links::default(), Wrong::default()).probe(), Duration::ZERO);
        let narrow = way(Links::default(), Wrong { narrow: Some(2_000), ..Wrong::default() });
        let late = answers(&narrow, &"x".repeat(1_988), None, 3);
        assert!(late.iter().zip([990, 1_990, 2_990]).all(|(late, least)| late.unwrap() >= least));
    }

    #[test]
    fn answers_are_lost_and_feeds_are_not() {
        let wrong = Wrong { lossy: Some((500_000, Loss::Silence)), ..Wrong::default() };
        let lossy = way(Links::default(), wrong);
        let lost = answers(&lossy, "{}", None, 200).iter().filter(|late| late.is_none()).count();
        assert!((70..130).contains(&lost), "{lost}");
        assert_eq!(lossy.shown().borrow().lost, lost as u64);
        assert!(answers(&lossy, "{}", Some(None), 50).iter().all(Option::is_some));
        let broken = Wrong { lossy: Some((1_000_000, Loss::Reset)), ..Wrong::default() };
        let (asked, now) = (Asked::default(), Instant::now());
        asked.asks(1, None, now);
        let piece = Piece { bytes: vec![0; 20], token: Some(1) };
        let fate = way(Links::default(), broken).fate(piece, &asked, now);
        assert!(matches!(fate, Fate::Breaks(_, part) if part.len() == 10));
    }

    #[test]
    fn feeds_come_late_and_twice() {
        let wrong = Wrong { late: Some((Some(Followed::Votes), 400_000)), ..Wrong::default() };
        let late = way(Links::default(), wrong);
        let votes = answers(&late, "{}", Some(Some(Followed::Votes)), 50);
        assert!(votes.iter().any(|late| late.unwrap() > 200), "{votes:?}");
        let blocks = answers(&late, "{}", Some(Some(Followed::Bigchain)), 50);
        assert!(
            blocks.iter().chain(&answers(&late, "{}", None, 50)).all(|late| late.unwrap() < 100)
        );
        assert_eq!(late.shown().borrow().late, 50);

        let twice = way(Links::default(), Wrong { twice: Some(1_000_000), ..Wrong::default() });
        let (asked, now) = (Asked::default(), Instant::now());
        asked.asks(9, Some(None), now);
        let text =
            r#"{"t":3,"r":[{"new_val":{"a":1.5},"old_val":null},{"state":"ready"}],"n":[1]}"#;
        let piece = Piece { bytes: frame::encode(9, text.as_bytes()).unwrap(), token: Some(9) };
        let Fate::Arrives(_, bytes) = twice.fate(piece, &asked, now) else { panic!("it arrives") };
        let json = Json::parse(&bytes[Header::BYTES..]).unwrap();
        let elements = json.get("r").and_then(Json::as_array).unwrap();
        assert_eq!((elements.len(), &elements[0]), (3, &elements[1]));
        let header = Header::decode(*bytes.first_chunk().unwrap());
        assert_eq!((header.token, header.length as usize), (9, bytes.len() - Header::BYTES));
    }

    #[test]
    fn a_slowed_server_takes_as_many_times_as_long_as_it_took() {
        let way = way(Links::default(), Wrong { answers: Some(4), ..Wrong::default() });
        let (asked, now) = (Asked::default(), Instant::now());
        for (took_ms, late_ms) in [(20, 60), (2_000, 1_000)] {
            asked.asks(1, None, now - Duration::from_millis(took_ms));
            let piece = Piece { bytes: vec![0; 20], token: Some(1) };
            let Fate::Arrives(at, _) = way.fate(piece, &asked, now) else { panic!("it arrives") };
            let late = at - now;
            assert!((late_ms..late_ms + 20).contains(&late.as_millis().try_into().unwrap()));
        }
    }
}
