//! A connection: one question at a time.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use bigchaindb_rethinkdb::wire::frame::{self, Header};
use bigchaindb_rethinkdb::wire::handshake::client::{ClientHandshake, ClientStep};
use serde_json::{Value, json};

/// Kinds of responses.
const ATOM: u64 = 1;
const SEQUENCE: u64 = 2;
const PARTIAL: u64 = 3;

pub(crate) struct Client {
    stream: TcpStream,
    token: u64,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let (mut handshake, first) = ClientHandshake::new("admin", "", [7; 18]);
        stream.write_all(&first)?;
        let mut bytes = [0; 1024];
        loop {
            let arrived = stream.read(&mut bytes)?;
            if arrived == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match handshake.receive(&bytes[..arrived]).unwrap() {
                ClientStep::More(next, send) => {
                    stream.write_all(&send)?;
                    handshake = next;
                }
                ClientStep::Done(_) => return Ok(Self { stream, token: 0 }),
            }
        }
    }

    /// What a term is worth: a value, or an array of all that a sequence gives.
    ///
    /// # Errors
    /// If the server is gone. It panics if the server refuses.
    pub(crate) fn ask(&mut self, term: &Value) -> io::Result<Value> {
        self.token += 1;
        self.send(&json!([1, term]))?;
        let mut all = Vec::new();
        loop {
            let mut response = self.receive()?;
            let Value::Array(mut values) = response["r"].take() else { panic!("{response}") };
            match response["t"].as_u64() {
                Some(ATOM) => return Ok(values.remove(0)),
                Some(SEQUENCE) => {
                    all.append(&mut values);
                    return Ok(all.into());
                }
                Some(PARTIAL) => {
                    all.append(&mut values);
                    self.send(&json!([2]))?;
                }
                _ => panic!("{term}: {response} {values:?}"),
            }
        }
    }

    /// The answer to any text.
    ///
    /// # Errors
    /// If the server is gone.
    pub(crate) fn exchange(&mut self, text: &[u8]) -> io::Result<Value> {
        self.token += 1;
        self.stream.write_all(&frame::encode(self.token, text).unwrap())?;
        self.receive()
    }

    fn send(&mut self, query: &Value) -> io::Result<()> {
        let frame = frame::encode(self.token, query.to_string().as_bytes()).unwrap();
        self.stream.write_all(&frame)
    }

    fn receive(&mut self) -> io::Result<Value> {
        let mut header = [0; Header::BYTES];
        self.stream.read_exact(&mut header)?;
        let Header { token, length } = Header::decode(header);
        assert_eq!(token, self.token);
        let mut text = vec![0; length as usize];
        self.stream.read_exact(&mut text)?;
        Ok(serde_json::from_slice(&text).unwrap())
    }
}
