//! `testbed up`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use crate::testbed;

/// A federation that is killed when the test is over, however it ends.
struct Up(Child);

impl Drop for Up {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn it_serves_until_it_is_killed_and_goes_on_with_the_same_keys() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let keys: Vec<_> = (0..2).map(|_| public_keys(data)).collect();
    assert_eq!(keys[0].len(), 2);
    assert_eq!(keys[0], keys[1]);
}

/// Starts two nodes, asks each who it is, and kills them.
fn public_keys(data: &str) -> Vec<String> {
    let mut command = testbed(&["up", "--nodes", "2", "--port", "0", "--data", data]);
    let mut up = Up(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let lines = BufReader::new(up.0.stdout.take().unwrap()).lines().take(2);
    let key = |line: std::io::Result<String>| {
        let line = line.unwrap();
        let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let body = answer.split("\r\n\r\n").nth(1).unwrap();
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        body["public_key"].as_str().unwrap().to_owned()
    };
    lines.map(key).collect()
}
