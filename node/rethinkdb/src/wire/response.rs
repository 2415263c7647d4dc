//! What is answered to a query, and its text.

use std::io::Write as _;

use super::frame::{Header, TooLong};
use super::numbers::{ErrorClass, ResponseType};
use crate::reql::{Datum, ErrorKind, Frame, ReqlError, Server, Step};

/// One answer to one query.
#[derive(Clone, PartialEq, Debug)]
pub struct Response {
    /// What it is.
    pub kind: ResponseType,
    /// Of which class the error is, if it is one that occurred while the query ran.
    pub class: Option<ErrorClass>,
    /// Values, or an error's text.
    pub results: Vec<Datum>,
    /// The way to the term that failed, if it is an error.
    pub backtrace: Option<Vec<Frame>>,
    /// What the client is told of the feeds within, if it is a batch.
    pub notes: Option<Vec<u8>>,
    /// Whether it carries a profile: a list of the steps that were timed, and none are.
    pub profile: bool,
}

impl Response {
    fn plain(kind: ResponseType, results: Vec<Datum>) -> Self {
        Self { kind, class: None, results, backtrace: None, notes: None, profile: false }
    }

    /// One value.
    pub fn atom(value: Datum) -> Self {
        Self::plain(ResponseType::SuccessAtom, vec![value])
    }

    /// A batch of a sequence with these notes; none if a feed has nothing to tell.
    pub fn step(step: Step, notes: &[u8]) -> Option<Self> {
        let (kind, items) = match step {
            Step::Batch(items) => (ResponseType::SuccessPartial, items),
            Step::Last(items) => (ResponseType::SuccessSequence, items),
            Step::Pending => return None,
        };
        Some(Self { notes: Some(notes.to_vec()), ..Self::plain(kind, items) })
    }

    /// The end of a sequence that the client has stopped.
    pub fn stopped() -> Self {
        Self { notes: Some(Vec::new()), ..Self::plain(ResponseType::SuccessSequence, Vec::new()) }
    }

    /// The same with a profile, if it is wanted and this is an answer that can have one.
    #[must_use]
    pub fn profiled(self, wanted: bool) -> Self {
        use ResponseType::{SuccessAtom, SuccessPartial, SuccessSequence};
        let can = matches!(self.kind, SuccessAtom | SuccessPartial | SuccessSequence);
        Self { profile: wanted && can, ..self }
    }

    /// Every earlier query without reply is done.
    pub fn waited() -> Self {
        Self::plain(ResponseType::WaitComplete, Vec::new())
    }

    /// Who the server is.
    pub fn server_info(server: &Server) -> Self {
        let info = Datum::fields([
            ("id", server.id.as_str().into()),
            ("name", server.name.as_str().into()),
            ("proxy", false.into()),
        ]);
        Self::plain(ResponseType::ServerInfo, vec![info])
    }

    /// A failure.
    pub fn error(error: &ReqlError) -> Self {
        Self {
            class: ErrorClass::of_error(error.kind),
            backtrace: Some(error.backtrace.clone()),
            ..Self::plain(ResponseType::of_error(error.kind), vec![error.message.as_str().into()])
        }
    }

    /// A failure that no part of a query is to blame for.
    pub fn failure(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::error(&ReqlError { kind, message: message.into(), backtrace: Vec::new() })
    }

    /// The frame that carries it; if it fits into none, one that says so.
    pub fn frame(&self, token: u64) -> Vec<u8> {
        let mut frame = vec![0; Header::BYTES];
        self.write_json(&mut frame);
        let bytes = frame.len() - Header::BYTES;
        match u32::try_from(bytes) {
            Ok(length) => {
                frame[..Header::BYTES].copy_from_slice(&Header { token, length }.encode());
                frame
            }
            Err(_) => {
                let message = TooLong { bytes }.to_string();
                Self::failure(ErrorKind::ResourceLimit, message).frame(token)
            }
        }
    }

    /// Appends its JSON text.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        const GROWS: &str = "a vector takes all it is given";
        write!(out, r#"{{"t":{}"#, self.kind as u8).expect(GROWS);
        if let Some(class) = self.class {
            write!(out, r#","e":{}"#, class as u32).expect(GROWS);
        }
        out.extend(br#","r":["#);
        for (index, result) in self.results.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            result.write_json(out);
        }
        out.push(b']');
        if let Some(backtrace) = &self.backtrace {
            let step = |frame: &Frame| match frame {
                Frame::Argument(index) => Datum::count(*index),
                Frame::Option(name) => name.as_str().into(),
            };
            out.extend(br#","b":"#);
            Datum::array(backtrace.iter().map(step).collect()).write_json(out);
        }
        if self.profile {
            out.extend(br#","p":[]"#);
        }
        if let Some(notes) = &self.notes {
            out.extend(br#","n":"#);
            let note = |note: &u8| Datum::count(usize::from(*note));
            Datum::array(notes.iter().map(note).collect()).write_json(out);
        }
        out.push(b'}');
    }
}
