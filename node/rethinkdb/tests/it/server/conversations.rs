//! What is said on one line, and what is answered.

use bigchaindb_rethinkdb::wire::handshake::Version;
use bigchaindb_rethinkdb::wire::handshake::client::HandshakeError;

use super::{Client, Fixture, handshake};

/// `>` is sent and `<` comes next, with its token; after `=` is a name for what follows up to the next.
const CONVERSATIONS: &str = r#"
    = a query's token is free again once it is answered
    > 1 [1,5,{}]
    < 1 {"t":1,"r":[5]}
    > 1 [1,[2,[1,"a",null]],{}]
    < 1 {"t":1,"r":[[1,"a",null]]}
    > 1 [2]
    < 1 {"t":16,"r":["Token 1 not in stream cache."],"b":[]}
    > 1 [3]
    < 1 {"t":16,"r":["Token 1 not in stream cache."],"b":[]}
    > 47 [2]
    < 47 {"t":16,"r":["Token 47 not in stream cache."],"b":[]}
    > 18446744073709551615 [3]
    < 18446744073709551615 {"t":16,"r":["Token -1 not in stream cache."],"b":[]}

    = a profile, for those who want one
    > 1 [1,5,{"profile":true}]
    < 1 {"t":1,"r":[5],"p":[]}
    > 1 [1,[173,[2]],{"profile":true,"max_batch_rows":1}]
    < 1 {"t":3,"r":[0],"p":[],"n":[]}
    > 1 [2]
    < 1 {"t":2,"r":[1],"p":[],"n":[]}
    > 1 [1,[12,["no"]],{"profile":true}]
    < 1 {"t":18,"e":5000000,"r":["no"],"b":[]}
    > 1 [1,5,{"profile":false}]
    < 1 {"t":1,"r":[5]}

    = failures
    > 2 {bad
    < 2 {"t":16,"r":["Client is buggy (failed to deserialize query)."],"b":[]}
    > 2 [9]
    < 2 {"t":16,"r":["Server could not parse query: Unrecognized QueryType: 9."],"b":[]}
    > 2 [1,[9999,[]],{}]
    < 2 {"t":17,"r":["Unrecognized TermType: 9999."],"b":[]}
    > 2 [1,[24,[1,"a"]],{}]
    < 2 {"t":18,"e":3000000,"r":["Expected type NUMBER but found STRING."],"b":[]}

    = a stream, batch by batch
    > 3 [1,[173,[3]],{"max_batch_rows":1}]
    < 3 {"t":3,"r":[0],"n":[]}
    > 3 [1,5,{}]
    < 3 {"t":16,"r":["ERROR: duplicate token 3"],"b":[]}
    > 3 [4]
    < 3 {"t":16,"r":["ERROR: duplicate token 3"],"b":[]}
    > 3 [2]
    < 3 {"t":3,"r":[1],"n":[]}
    > 3 [2]
    < 3 {"t":2,"r":[2],"n":[]}
    > 3 [2]
    < 3 {"t":16,"r":["Token 3 not in stream cache."],"b":[]}

    = requests made before the answers arrived
    > 4 [1,[173,[3]],{"max_batch_rows":1}]
    > 4 [2]
    > 4 [2]
    > 4 [2]
    < 4 {"t":3,"r":[0],"n":[]}
    < 4 {"t":3,"r":[1],"n":[]}
    < 4 {"t":2,"r":[2],"n":[]}
    < 4 {"t":16,"r":[DUPLICATE_OR_GONE],"b":[]}

    = a stream is stopped
    > 5 [1,[173,[3]],{"max_batch_rows":1}]
    < 5 {"t":3,"r":[0],"n":[]}
    > 5 [3]
    < 5 {"t":2,"r":[],"n":[]}
    > 5 [3]
    < 5 {"t":16,"r":["Token 5 not in stream cache."],"b":[]}
    > 5 [1,5,{}]
    < 5 {"t":1,"r":[5]}

    = a stream fails on its way, and its token is free
    > 6 [1,[38,[[173,[3]],[69,[[2,[1]],[27,[6,[25,[1,[10,[1]]]]]]]]]],{"max_batch_rows":1}]
    < 6 {"t":3,"r":[6],"n":[]}
    > 6 [2]
    < 6 {"t":18,"e":3000000,"r":["Cannot divide by zero."],"b":[1,1]}
    > 6 [2]
    < 6 {"t":16,"r":["Token 6 not in stream cache."],"b":[]}

    = no answer, not even to what makes no sense
    > 7 [1,5,{"noreply":true}]
    > 8 [1,[12,["no"]],{"noreply":true}]
    > 9 [1,[9999,[]],{"noreply":true}]
    > 10 [1,[173,[3]],{"noreply":true,"max_batch_rows":1}]
    > 11 [4]
    < 11 {"t":4,"r":[]}
    > 10 [2]
    < 10 {"t":16,"r":["Token 10 not in stream cache."],"b":[]}
    > 11 [4,null,{}]
    < 11 {"t":4,"r":[]}
"#;

#[test]
fn conversations() {
    let fixture = Fixture::new();
    for version in [Version::V1_0, Version::V0_4, Version::V0_3] {
        let mut client = fixture.connect_in(version);
        let mut name = "";
        for line in CONVERSATIONS.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (kind, rest) = line.split_at(2);
            if kind == "= " {
                name = rest;
                continue;
            }
            let (token, text) = rest.split_once(' ').unwrap();
            let token = token.parse().unwrap();
            if kind == "> " {
                client.send(token, text);
            } else {
                let (answered, answer) = client.receive().expect("the server hung up");
                let answer = match text.contains("DUPLICATE_OR_GONE") {
                    // Whether the request arrived before the last answer was made is a matter of time.
                    true => answer
                        .replace("\"ERROR: duplicate token 4\"", "DUPLICATE_OR_GONE")
                        .replace("\"Token 4 not in stream cache.\"", "DUPLICATE_OR_GONE"),
                    false => answer,
                };
                assert_eq!((answered, answer.as_str()), (token, text), "{name} ({version:?})");
            }
        }
    }
    fixture.settle();
}

#[test]
fn the_server_says_who_it_is() {
    let fixture = Fixture::new();
    let answer = fixture.connect().ask(9, "[5]");
    let id = answer.strip_prefix("{\"t\":5,\"r\":[{\"id\":\"").unwrap();
    let (id, rest) = id.split_at(36);
    assert_eq!(rest, "\",\"name\":\"s1\",\"proxy\":false}]}");
    let shape: String = id.chars().map(|c| if c.is_ascii_hexdigit() { 'x' } else { c }).collect();
    assert_eq!(shape, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
    assert_eq!((&id[14..15], "89ab".contains(&id[19..20])), ("4", true), "{id}");
    assert_ne!(Fixture::new().connect().ask(9, "[5]"), answer);
}

#[test]
fn whoever_does_not_know_the_password_is_told_and_left() {
    let fixture = Fixture::new();
    for (user, password, error) in [
        ("ann", "secret", None),
        ("ann", "", Some("Wrong password")),
        ("bob", "", Some("Unknown user")),
    ] {
        let client = Client::new(fixture.dial(), handshake(Version::V1_0, user, password));
        match (client, error) {
            (Ok(mut client), None) => assert_eq!(client.ask(1, "[1,5]"), "{\"t\":1,\"r\":[5]}"),
            (Err(HandshakeError::Refused { message, .. }), Some(error)) => {
                assert_eq!(message, error);
            }
            (client, _) => panic!("{user} {:?}", client.err()),
        }
    }
    fixture.settle();
}

/// Queries in the very bytes that end the handshake.
#[test]
fn nobody_has_to_wait_for_the_welcome() {
    use std::io::Write as _;
    let fixture = Fixture::new();
    let mut stream = fixture.dial();
    let (_, mut bytes) = handshake(Version::V0_4, "", "");
    for token in 1..=3 {
        bytes.extend(bigchaindb_rethinkdb::wire::frame::encode(token, b"[1,[2,[]]]").unwrap());
    }
    for piece in bytes.chunks(3) {
        stream.write_all(piece).unwrap();
    }
    let mut welcome = [0; 8];
    std::io::Read::read_exact(&mut stream, &mut welcome).unwrap();
    assert_eq!(&welcome, b"SUCCESS\0");
    let mut client = Client(stream);
    let mut tokens: Vec<u64> = (0..3).map(|_| client.receive().unwrap().0).collect();
    tokens.sort_unstable();
    assert_eq!(tokens, [1, 2, 3]);
}
