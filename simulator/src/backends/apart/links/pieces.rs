//! What passes on a connection, cut into messages.
//!
//! Between clients and nodes a message is what arrives at once. Between nodes and their store it is what
//! ReQL has as one: after the greetings, a frame with a token. So it is known which answer belongs to which
//! question, and which come from a feed. Not here: what becomes of a message (`way`).

use bigchaindb_rethinkdb::wire::frame::Header;

use crate::plan::Followed;

/// What a connection speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Speech {
    /// Anything.
    Plain,
    /// ReQL, as whoever asks speaks it,
    Questions,
    /// and as whoever answers does.
    Answers,
}

/// A message: its bytes, and of a frame its token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    pub(super) token: Option<u64>,
}

/// So many texts greet before the first frame. Source: RethinkDB's documentation, "Writing RethinkDB
/// drivers": the number of the protocol's version, then SCRAM.
const GREETINGS_OF_CLIENT: u32 = 2;
const GREETINGS_OF_SERVER: u32 = 3;

/// The number with which a client begins.
const MAGIC_BYTES: usize = 4;

/// A frame longer than this is none.
const FRAME_BYTES_MAX: usize = 1 << 28;

/// Cuts a stream.
pub(super) struct Cutter {
    speech: Speech,
    greetings: u32,
    has_begun: bool,
    left: Vec<u8>,
}

impl Cutter {
    pub(super) fn new(speech: Speech) -> Self {
        let greetings = match speech {
            Speech::Plain => 0,
            Speech::Questions => GREETINGS_OF_CLIENT,
            Speech::Answers => GREETINGS_OF_SERVER,
        };
        Self { speech, greetings, has_begun: false, left: Vec::new() }
    }

    /// Where what is read goes.
    pub(super) fn space(&mut self) -> &mut Vec<u8> {
        &mut self.left
    }

    /// The next message, if it is there as a whole.
    pub(super) fn next(&mut self) -> Option<Piece> {
        if self.left.is_empty() {
            return None;
        }
        if self.speech == Speech::Plain {
            return self.rest();
        }
        if self.greetings > 0 {
            let skip =
                if self.speech == Speech::Questions && !self.has_begun { MAGIC_BYTES } else { 0 };
            let text = self.left.get(skip..)?;
            let end = skip + text.iter().position(|byte| *byte == 0)?;
            (self.has_begun, self.greetings) = (true, self.greetings - 1);
            return Some(Piece { bytes: self.take(end + 1), token: None });
        }
        let header = Header::decode(*self.left.first_chunk()?);
        let length = Header::BYTES + header.length as usize;
        if length > FRAME_BYTES_MAX {
            // This is not what it was taken for: the rest passes as it comes.
            self.speech = Speech::Plain;
            return self.rest();
        }
        if self.left.len() < length {
            return None;
        }
        Some(Piece { bytes: self.take(length), token: Some(header.token) })
    }

    /// What is left when nothing more comes.
    pub(super) fn rest(&mut self) -> Option<Piece> {
        let bytes = std::mem::take(&mut self.left);
        (!bytes.is_empty()).then_some(Piece { bytes, token: None })
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let rest = self.left.split_off(length);
        std::mem::replace(&mut self.left, rest)
    }
}

/// A question that opens a feed has this in it. Source: RethinkDB's `ql2.proto`, the term `CHANGES`.
const CHANGES: &[u8] = b"[152,";

/// What a frame of a client's begins with that asks something new, and not for more. Source: `ql2.proto`,
/// the query type `START`.
const START: &[u8] = b"[1,";

/// How a table is written: `[15,["votes"]]`, or with its database, `[15,[[14,["bigchain"]],"votes"]]`.
const TABLE: &[u8] = b"[15,[";
const DATABASE: &[u8] = b"[14,";
const DATABASE_ENDS: &[u8] = b"]],";

/// The names of those that nodes follow.
const NAMES: [(Followed, &[u8]); 4] = [
    (Followed::Backlog, b"backlog"),
    (Followed::Bigchain, b"bigchain"),
    (Followed::Votes, b"votes"),
    (Followed::Positions, b"positions"),
];

/// Which feed a client's frame opens, if it opens one; none of the tables if it cannot be told.
pub(super) fn opens(frame: &[u8]) -> Option<Option<Followed>> {
    let text = frame.get(Header::BYTES..)?;
    behind(text, CHANGES).filter(|_| text.starts_with(START))?;
    let name = table(text);
    Some(NAMES.iter().find(|(_, known)| Some(*known) == name).map(|(table, _)| *table))
}

/// The table that a term names first.
fn table(text: &[u8]) -> Option<&[u8]> {
    let mut name = behind(text, TABLE)?;
    if name.starts_with(DATABASE) {
        name = behind(name, DATABASE_ENDS)?;
    }
    let name = name.strip_prefix(b"\"")?;
    Some(&name[..name.iter().position(|byte| *byte == b'"')?])
}

/// What is behind a word.
fn behind<'a>(text: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let at = text.windows(word.len()).position(|window| window == word)?;
    Some(&text[at + word.len()..])
}

#[cfg(test)]
mod tests {
    use bigchaindb_rethinkdb::wire::frame::encode;

    use super::*;

    fn cut(speech: Speech, stream: &[u8], at_once: usize) -> Vec<Piece> {
        let mut cutter = Cutter::new(speech);
        let mut pieces = Vec::new();
        for bytes in stream.chunks(at_once) {
            cutter.space().extend_from_slice(bytes);
            pieces.extend(std::iter::from_fn(|| cutter.next()));
        }
        pieces.extend(cutter.rest());
        pieces
    }

    #[test]
    fn reql_is_cut_into_its_messages_however_it_arrives() {
        let frames = [encode(7, b"[1,[15,[\"votes\"]]]").unwrap(), encode(9, b"[2]").unwrap()];
        let greetings: [&[u8]; 2] = [b"\xc3\xbd\xc2\x34{\"v\":0}\0", b"{\"auth\":1}\0"];
        let stream = [&greetings.concat()[..], &frames.concat()].concat();
        for at_once in [1, 2, 5, 13, 1000] {
            let pieces = cut(Speech::Questions, &stream, at_once);
            let bytes: Vec<_> = pieces.iter().map(|piece| &piece.bytes[..]).collect();
            assert_eq!(bytes, [greetings[0], greetings[1], &frames[0], &frames[1]]);
            let tokens: Vec<_> = pieces.iter().map(|piece| piece.token).collect();
            assert_eq!(tokens, [None, None, Some(7), Some(9)]);
        }
        // A server may say less before it closes, and something else may speak another language.
        assert_eq!(cut(Speech::Answers, b"ERROR", 2).len(), 1);
        let odd = [&b"a\0b\0c\0"[..], &[0xff; 20]].concat();
        let pieces = cut(Speech::Answers, &odd, 4);
        assert_eq!(pieces.iter().map(|piece| piece.bytes.len()).sum::<usize>(), odd.len());
        assert_eq!(cut(Speech::Plain, b"abcdef", 4).len(), 2);
    }

    #[test]
    fn a_feed_is_known_by_the_question_that_opens_it() {
        for (text, feed) in [
            (r#"[1,[152,[[15,[[14,["bigchain"]],"votes"]]]],{}]"#, Some(Some(Followed::Votes))),
            (
                r#"[1,[38,[[152,[[15,["backlog"]]]],[69,[]]]],{"db":[14,["bigchain"]]}]"#,
                Some(Some(Followed::Backlog)),
            ),
            (
                r#"[1,[152,[[15,[[14,["bigchain"]],"bigchain"]]]],{}]"#,
                Some(Some(Followed::Bigchain)),
            ),
            (r#"[1,[152,[[15,[[14,["bigchain"]],"other"]]]],{}]"#, Some(None)),
            (r#"[1,[15,[[14,["bigchain"]],"votes"]],{}]"#, None),
            ("[2]", None),
        ] {
            assert_eq!(opens(&encode(1, text.as_bytes()).unwrap()), feed, "{text}");
        }
        assert_eq!(opens(b""), None);
    }
}
