//! The handshakes: who is let in, what the others are told, whatever pieces the bytes arrive in.

use std::sync::{Arc, LazyLock};

use bigchaindb_rethinkdb::wire::handshake::client::{
    ClientHandshake, ClientStep, Connected, HandshakeError,
};
use bigchaindb_rethinkdb::wire::handshake::server::{Accepted, ServerHandshake, ServerStep};
use bigchaindb_rethinkdb::wire::handshake::{JSON_PROTOCOL, Refusal, Version};
use bigchaindb_rethinkdb::wire::scram::client::ScramClientError;
use bigchaindb_rethinkdb::wire::scram::server::{Accounts, Credentials};
use proptest::prelude::*;

const GREETING: &str = "{\"max_protocol_version\":0,\"min_protocol_version\":0,\
    \"server_version\":\"2.4.4\",\"success\":true}\0";

/// Hashing passwords takes time: once is enough.
static ACCOUNTS: LazyLock<Arc<Accounts>> =
    LazyLock::new(|| accounts(&[("admin", "secret"), ("ann,=", "pencil")]));

fn accounts(users: &[(&str, &str)]) -> Arc<Accounts> {
    let mut accounts = Accounts::default();
    for (user, password) in users {
        accounts.set(user, Credentials::new(password, [7; 16]));
    }
    Arc::new(accounts)
}

fn server() -> ServerHandshake {
    ServerHandshake::new(ACCOUNTS.clone(), [1; 18], [2; 16])
}

/// What a server says and decides, given all the bytes, in pieces of a length; `None`: it waits.
fn hear(
    mut server: ServerHandshake,
    bytes: &[u8],
    piece: usize,
) -> (Vec<u8>, Option<Result<Accepted, Refusal>>) {
    let mut said = Vec::new();
    let mut pieces = bytes.chunks(piece);
    while let Some(bytes) = pieces.next() {
        match server.receive(bytes) {
            ServerStep::More(next, send) => {
                said.extend(send);
                server = next;
            }
            ServerStep::Accepted(send, mut accepted) => {
                said.extend(send);
                accepted.rest.extend(pieces.flatten());
                return (said, Some(Ok(accepted)));
            }
            ServerStep::Refused(send, refusal) => {
                said.extend(send);
                return (said, Some(Err(refusal)));
            }
        }
    }
    (said, None)
}

/// What both sides said, one after the other, and how it ended for either.
struct Talk {
    to_server: Vec<u8>,
    to_client: Vec<u8>,
    client: Result<Connected, HandshakeError>,
    server: Result<Accepted, Refusal>,
}

/// Both sides against each other.
fn talk(server: ServerHandshake, client: (ClientHandshake, Vec<u8>)) -> Talk {
    let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
    let (mut server, (mut client, mut send)) = (Some(server), client);
    loop {
        to_server.extend_from_slice(&send);
        let (answer, decision) = match server.take().expect("a talk that goes on").receive(&send) {
            ServerStep::More(next, answer) => {
                server = Some(next);
                (answer, None)
            }
            ServerStep::Accepted(answer, accepted) => (answer, Some(Ok(accepted))),
            ServerStep::Refused(answer, refusal) => (answer, Some(Err(refusal))),
        };
        to_client.extend_from_slice(&answer);
        let ended = match client.receive(&answer) {
            Ok(ClientStep::More(next, more)) => {
                assert_eq!(decision, None, "the client is not told");
                assert_ne!(more, b"", "both wait");
                (client, send) = (next, more);
                continue;
            }
            Ok(ClientStep::Done(connected)) => Ok(connected),
            Err(error) => Err(error),
        };
        let decision = decision.expect("the client thinks that it is over");
        return Talk { to_server, to_client, client: ended, server: decision };
    }
}

fn connected(version: Version) -> Connected {
    let server_version = (version == Version::V1_0).then(|| "2.4.4".to_owned());
    Connected { version, server_version, rest: Vec::new() }
}

fn refused(code: Option<u32>, message: &str) -> HandshakeError {
    HandshakeError::Refused { code, message: message.to_owned() }
}

#[test]
fn who_knows_the_password_is_let_in() {
    for (user, password, expected) in [
        ("admin", "secret", Ok(())),
        ("ann,=", "pencil", Ok(())),
        ("admin", "", Err((12, "Wrong password"))),
        ("ann,=", "secret", Err((12, "Wrong password"))),
        ("bob", "secret", Err((17, "Unknown user"))),
        ("", "secret", Err((18, "Empty username"))),
    ] {
        let talk = talk(server(), ClientHandshake::new(user, password, [3; 18]));
        match expected {
            Ok(()) => {
                assert_eq!(talk.client, Ok(connected(Version::V1_0)));
                assert_eq!(talk.server.unwrap().user, user);
            }
            Err((code, words)) => {
                let error = talk.client.unwrap_err();
                assert_eq!(error, refused(Some(code), words));
                assert!(error.is_authentication());
                assert_eq!(talk.server.unwrap_err().code(), Some(code));
            }
        }
    }
}

#[test]
fn older_versions_know_only_the_administrator() {
    for version in [Version::V0_3, Version::V0_4] {
        let client = |key| ClientHandshake::with_key(version, key).unwrap();
        let talk_in = talk(server(), client("secret"));
        assert_eq!(talk_in.client, Ok(connected(version)));
        assert_eq!(
            talk_in.server,
            Ok(Accepted { version, user: "admin".to_owned(), rest: Vec::new() })
        );
        assert_eq!(talk_in.to_client, b"SUCCESS\0");

        let talk_out = talk(server(), client("pencil"));
        let error = talk_out.client.unwrap_err();
        assert_eq!(error, refused(None, "Incorrect authorization key."));
        assert!(error.is_authentication());
        assert_eq!(talk_out.to_client, b"ERROR: Incorrect authorization key.\n\0");
    }
    assert!(ClientHandshake::with_key(Version::V1_0, "").is_none());
}

#[test]
fn the_messages_are_those_of_rethinkdb() {
    let server = ServerHandshake::new(accounts(&[("admin", "")]), [1; 18], [2; 16]);
    let talk = talk(server, ClientHandshake::new("admin", "", [3; 18]));
    let said = String::from_utf8(talk.to_client).unwrap();
    let nonce = "AwMDAwMDAwMDAwMDAwMDAwMDAQEBAQEBAQEBAQEBAQEBAQEB";
    let signature = said.rsplit("v=").next().unwrap();
    assert_eq!(signature.len(), "=\",\"success\":true}\0".len() + 43, "{signature}");
    assert_eq!(
        said,
        format!(
            "{GREETING}{{\"authentication\":\"r={nonce},s=BwcHBwcHBwcHBwcHBwcHBw==,i=1\",\
             \"success\":true}}\0{{\"authentication\":\"v={signature}"
        )
    );
    let (magic, heard) = talk.to_server.split_at(4);
    assert_eq!(magic, [0xc3, 0xbd, 0xc2, 0x34]);
    let heard = String::from_utf8(heard.to_vec()).unwrap();
    let proof = heard.rsplit("p=").next().unwrap();
    assert_eq!(
        heard,
        format!(
            "{{\"protocol_version\":0,\"authentication_method\":\"SCRAM-SHA-256\",\
             \"authentication\":\"n,,n=admin,r=AwMDAwMDAwMDAwMDAwMDAwMD\"}}\0\
             {{\"authentication\":\"c=biws,r={nonce},p={proof}"
        )
    );
}

/// A version number, what follows it, and what the client is told. `Z` is a zero byte.
const REFUSED: &str = r#"
    34c2bdc3 | {"authentication_method":"SCRAM-SHA-256","authentication":"n,,n=a,r=x"}Z | 1 Expected a number for `protocol_version`.
    34c2bdc3 | {"protocol_version":"0"}Z                                     | 1 Expected a number for `protocol_version`.
    34c2bdc3 | {}Z                                                           | 1 Expected a number for `protocol_version`.
    34c2bdc3 | {"protocol_version":1}Z                                       | 2 Unsupported `protocol_version`.
    34c2bdc3 | {"protocol_version":0}Z                                       | 3 Expected a string for `authentication_method`.
    34c2bdc3 | {"protocol_version":0,"authentication_method":null}Z          | 3 Expected a string for `authentication_method`.
    34c2bdc3 | {"protocol_version":0,"authentication_method":"PLAIN"}Z       | 4 Unsupported `authentication_method`.
    34c2bdc3 | {"protocol_version":-0.0,"authentication_method":"SCRAM-SHA-256"}Z | 5 Expected a string for `authentication`.
    34c2bdc3 | {"protocol_version":0,"authentication_method":"SCRAM-SHA-256","authentication":5}Z | 5 Expected a string for `authentication`.
    34c2bdc3 | Z                                                             | 8 Invalid JSON object.
    34c2bdc3 | {"protocol_version":0Z                                        | 8 Invalid JSON object.
    34c2bdc3 | {"a":1}}Z                                                     | 8 Invalid JSON object.
    34c2bdc3 | {"a":1,"a":2}}Z                                               | 8 Invalid JSON object.
    34c2bdc3 | {"a":1,"a":2}Z                                                | 9 Failed to convert JSON to datum.
    34c2bdc3 | [1]Z                                                          |
    34c2bdc3 | [1Z                                                           | 8 Invalid JSON object.
    34c2bdc3 | SCRAM n,,n=admin,z=1,r=xZ                                     | 10 Invalid encoding
    34c2bdc3 | SCRAM n,,n=admin,m=1,r=xZ                                     | 11 Extensions not supported
    34c2bdc3 | SCRAM y,,n=admin,r=xZ                                         | 15 Channel binding is not supported
    34c2bdc3 | SCRAM n,,n=a=,r=xZ                                            | 18 Invalid username encoding
    34c2bdc3 | SCRAM n,,n=,r=xZ                                              | 18 Empty username
    34c2bdc3 | SCRAM n,,n=admin,r=xZ{}Z                                      | 5 Expected a string for `authentication`.
    34c2bdc3 | SCRAM n,,n=admin,r=xZ{"authentication":"c=biws,r=y"}Z         | 20 Other error
    34c2bdc3 | SCRAM n,,n=admin,r=xZ{"authentication":"c=biws,p=,r=y"}Z      | 12 Wrong password
    34c2bdc3 | SCRAM n,,n=bob,r=xZ{"authentication":""}Z                     | 17 Unknown user
    3f61ba36 |                                                               | The PROTOBUF client protocol is no longer supported
    723081e1 |                                                               | The PROTOBUF client protocol is no longer supported
    5f75e83e | KEY 01080000                                                  | Client provided an authorization key that is too long.
    400c2d20 | KEY ffffffff                                                  | Client provided an authorization key that is too long.
    400c2d20 | KEY 0000000041fc1f27                                          | Incorrect authorization key.
    400c2d20 | KEY 06000000736563726574c41ff1f7                              | Unrecognized protocol specified: '-135192636'
    400c2d20 | KEY 0600000073656372657405000000                              | Unrecognized protocol specified: '5'
    400c2d20 | KEY 0600000073656372657441fc1f27                              | The PROTOBUF client protocol is no longer supported
    20544547 |  / HTTP/1.1                                                   | Received an unsupported protocol version. This port is for RethinkDB queries. Does your client driver version not match the server?
    00000000 |                                                               | Received an unsupported protocol version. This port is for RethinkDB queries. Does your client driver version not match the server?
"#;

/// What a line of [`REFUSED`] has a client send.
fn sent(magic: &str, words: &str) -> Vec<u8> {
    let hex = |text: &str| -> Vec<u8> {
        text.as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    };
    let mut bytes = hex(magic);
    bytes.reverse();
    if let Some(key) = words.strip_prefix("KEY ") {
        bytes.extend(hex(key));
    } else if let Some(scram) = words.strip_prefix("SCRAM ") {
        let (first, rest) = scram.split_once('Z').unwrap();
        bytes.extend(
            format!(
                "{{\"protocol_version\":0,\"authentication_method\":\"SCRAM-SHA-256\",\
                 \"authentication\":\"{first}\"}}\0{}",
                rest.replace('Z', "\0")
            )
            .into_bytes(),
        );
    } else {
        bytes.extend(words.replace('Z', "\0").into_bytes());
    }
    bytes
}

#[test]
fn refusals() {
    for line in REFUSED.lines().filter(|line| !line.trim().is_empty()) {
        let [magic, words, told] = line.splitn(3, '|').collect::<Vec<_>>()[..] else {
            panic!("three columns: {line}");
        };
        let bytes = sent(magic.trim(), words.trim_end().trim_start_matches(' '));
        for piece in [1, 5, bytes.len()] {
            let (said, decision) = hear(server(), &bytes, piece);
            let said = String::from_utf8(said).unwrap();
            let refusal = decision.expect(line).unwrap_err();
            let told = told.trim();
            match refusal.code() {
                Some(code) => {
                    assert_eq!(format!("{code} {refusal}"), told, "{line}");
                    let last = said.strip_suffix('\0').unwrap().rsplit('\0').next().unwrap();
                    assert_eq!(
                        last,
                        format!(
                            "{{\"error\":\"{refusal}\",\"error_code\":{code},\"success\":false}}"
                        )
                    );
                    assert!(said.starts_with(GREETING));
                }
                // The greeting, and not a word more.
                None if told.is_empty() => assert_eq!(said.matches('\0').count(), 1, "{line}"),
                None => assert_eq!(said, format!("ERROR: {told}\n\0"), "{line}"),
            }
        }
    }
}

#[test]
fn a_message_has_a_longest() {
    for (letters, expected) in [
        (2046, Refusal::InvalidJson), // with its zero byte it just fits
        (2047, Refusal::MessageTooLong),
        (100_000, Refusal::MessageTooLong),
    ] {
        let mut bytes = Version::V1_0.magic().to_le_bytes().to_vec();
        bytes.extend(vec![b'x'; letters]);
        bytes.push(0);
        for piece in [1, 2047, bytes.len()] {
            let (said, decision) = hear(server(), &bytes, piece);
            assert_eq!(decision, Some(Err(expected)), "{letters} {piece}");
            assert!(said.ends_with(b",\"success\":false}\0"));
        }
    }
}

#[test]
fn a_client_is_careful() {
    let answer = |said: &[&str]| {
        let (mut client, _) = ClientHandshake::new("admin", "", [3; 18]);
        for said in said {
            match client.receive(said.as_bytes()) {
                Ok(ClientStep::More(next, _)) => client = next,
                Ok(ClientStep::Done(_)) => panic!("connected"),
                Err(error) => return error,
            }
        }
        panic!("still waits");
    };
    let scram = |text: &str| format!("{{\"success\":true,\"authentication\":\"{text}\"}}\0");
    let greeting = |min: u32, max: u32| {
        format!(
            "{{\"success\":true,\"server_version\":\"9\",\"min_protocol_version\":{min},\
             \"max_protocol_version\":{max}}}\0"
        )
    };
    for (said, error) in [
        (vec!["ERROR: no.\n\0"], refused(None, "no.")),
        (
            vec!["HTTP/1.1 400 Bad Request\0"],
            HandshakeError::Malformed("HTTP/1.1 400 Bad Request".to_owned()),
        ),
        (vec!["{}\0"], HandshakeError::Malformed("{}".to_owned())),
        (vec!["{\"success\":true}\0"], HandshakeError::Malformed("{\"success\":true}".to_owned())),
        (
            vec!["{\"success\":false}\0"],
            HandshakeError::Malformed("{\"success\":false}".to_owned()),
        ),
        (vec!["{\"success\":false,\"error\":\"no\"}\0"], refused(None, "no")),
        (vec!["{\"success\":false,\"error\":\"no\",\"error_code\":7}\0"], refused(Some(7), "no")),
        (vec![&greeting(1, 2)], HandshakeError::ProtocolVersion { min: 1, max: 2 }),
        (vec![&"x".repeat(4097)], HandshakeError::TooLong),
        (vec![&("x".repeat(4097) + "\0")], HandshakeError::TooLong),
        (vec![&greeting(0, 2), &scram("r=x,s=,i=1")], ScramClientError::Nonce.into()),
    ] {
        assert_eq!(answer(&said), error, "{said:?}");
        if !matches!(error, HandshakeError::Scram(_)) {
            assert!(!error.is_authentication(), "{error}");
        }
    }
    let proven = scram("r=AwMDAwMDAwMDAwMDAwMDAwMDx,s=,i=1");
    let forged = scram("v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    assert_eq!(answer(&[&greeting(0, 0), &proven, &forged]), ScramClientError::Signature.into());
}

/// Talks that end well.
static TALKS: LazyLock<[Talk; 2]> = LazyLock::new(|| {
    [
        ClientHandshake::new("admin", "secret", [3; 18]),
        ClientHandshake::with_key(Version::V0_4, "secret").unwrap(),
    ]
    .map(|client| talk(server(), client))
});

proptest! {
    /// Whatever pieces a client's bytes arrive in, it is let in, hears the same, and what it sends after
    /// the handshake is kept.
    #[test]
    fn pieces_do_not_matter(piece in 1_usize..600, rest in prop::collection::vec(any::<u8>(), 0..40)) {
        for talk in &*TALKS {
            let bytes = [&talk.to_server[..], &rest].concat();
            let (said, decision) = hear(server(), &bytes, piece);
            prop_assert_eq!(&said, &talk.to_client);
            prop_assert_eq!(&decision.unwrap().unwrap().rest, &rest);
        }
    }

    /// Whatever is said, either side decides or waits.
    #[test]
    fn anything_may_be_said(
        magic in prop::sample::select(vec![0, 0x34c2_bdc3_u32, 0x400c_2d20, JSON_PROTOCOL]),
        words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..30),
        piece in 1_usize..50,
    ) {
        let words = words.concat().into_bytes();
        let bytes = [&magic.to_le_bytes()[..], &words].concat();
        let (said, decision) = hear(server(), &bytes, piece);
        if let Some(decision) = decision {
            prop_assert!(decision.is_err());
            prop_assert!(said.ends_with(b"\0"));
        }
        let (mut client, _) = ClientHandshake::new("admin", "secret", [3; 18]);
        for bytes in words.chunks(piece) {
            match client.receive(bytes) {
                Ok(ClientStep::More(next, _)) => client = next,
                Ok(ClientStep::Done(_)) => panic!("connected"),
                Err(error) => { error.to_string(); break; }
            }
        }
    }
}

/// What messages are made of.
const WORDS: &[&str] = &[
    "\0",
    "{",
    "}",
    "[",
    "\"",
    ":",
    ",",
    "\u{0}\u{0}",
    "é",
    "\u{7f}",
    "-",
    "1e999",
    "null",
    "true",
    "{\"success\":true,",
    "\"protocol_version\":0,",
    "\"authentication_method\":\"SCRAM-SHA-256\",",
    "\"authentication\":\"",
    "n,,",
    "n=admin",
    ",r=",
    "c=biws",
    "p=",
    "AAAA",
    "ERROR: ",
    "\"server_version\":\"2\",",
    "\"min_protocol_version\":0,",
    "\"max_protocol_version\":0",
];
