//! Who is served when: queries side by side, stopped, or left alone by their client.

use std::time::Duration;

use bigchaindb_rethinkdb::server::{LIMITS, Limits};
use bigchaindb_rethinkdb::wire::handshake::Version;

use super::{ENDLESS, Fixture, PATIENCE};

#[test]
fn a_slow_query_holds_up_no_other() {
    let fixture = Fixture::new();
    let mut client = fixture.connect();
    client.send(1, ENDLESS);
    client.send(2, "[1,5]");
    client.expect(2, "{\"t\":1,\"r\":[5]}");
    client.send(3, "[1,6]");
    client.expect(3, "{\"t\":1,\"r\":[6]}");
    // Stopped, it is answered, and so is the request to stop it.
    client.send(1, "[3]");
    client.expect(1, "{\"t\":2,\"r\":[],\"n\":[]}");
    client.expect(1, "{\"t\":2,\"r\":[],\"n\":[]}");
    client.send(1, "[1,7]");
    client.expect(1, "{\"t\":1,\"r\":[7]}");
    drop(client);
    fixture.settle();
}

#[test]
fn requests_for_one_token_are_answered_in_turn() {
    let fixture = Fixture::new();
    let mut client = fixture.connect();
    client.send(1, ENDLESS);
    client.send(1, "[2]");
    client.send(1, "[2]");
    client.send(1, "[1,5]");
    client.expect(1, "{\"t\":16,\"r\":[\"ERROR: duplicate token 1\"],\"b\":[]}"); // the last
    client.send(1, "[3]");
    client.expect(1, "{\"t\":2,\"r\":[],\"n\":[]}"); // the query
    for _ in 0..2 {
        client.expect(1, "{\"t\":16,\"r\":[\"ERROR: duplicate token 1\"],\"b\":[]}");
    }
    client.expect(1, "{\"t\":2,\"r\":[],\"n\":[]}"); // the request to stop it
}

#[test]
fn before_v0_4_queries_are_answered_one_at_a_time() {
    let fixture = Fixture::new();
    let mut client = fixture.connect_in(Version::V0_3);
    client.send(1, "[1,[86,[[39,[[173,[300000]],false]]]]]");
    client.send(2, "[1,5]");
    client.expect(1, "{\"t\":1,\"r\":[true]}");
    client.expect(2, "{\"t\":1,\"r\":[5]}");
}

/// All of them run when their client leaves; then none does.
#[test]
fn a_client_that_leaves_leaves_nothing_behind() {
    let fixture = Fixture::new();
    for version in [Version::V1_0, Version::V0_3] {
        let mut client = fixture.connect_in(version);
        for token in 0..200 {
            client.send(token, ENDLESS);
        }
        let running = if version == Version::V0_3 { 1 } else { LIMITS.threads_of_connection };
        fixture.wait_for(|usage| usage.evaluations == running);
        if version == Version::V0_3 {
            client.hang_up();
        } else {
            drop(client);
        }
        fixture.settle();
    }
}

/// Whether the query was quicker is a matter of time; that there is an end is not.
#[test]
fn a_client_that_will_ask_no_more_is_taken_at_its_word() {
    let fixture = Fixture::new();
    let mut client = fixture.connect();
    client.send(1, "[1,5]");
    client.send(2, ENDLESS);
    client.0.shutdown(std::net::Shutdown::Write).unwrap();
    let closed =
        "{\"t\":18,\"e\":4200000,\"r\":[\"Client closed the connection.\"],\"b\":[]}".to_owned();
    let answers = [client.receive().unwrap(), client.receive().unwrap()];
    assert!(answers.contains(&(2, closed.clone())), "{answers:?}");
    let quick = [(1, closed), (1, "{\"t\":1,\"r\":[5]}".to_owned())];
    assert!(quick.iter().any(|answer| answers.contains(answer)), "{answers:?}");
    assert_eq!(client.receive(), None);
    fixture.settle();
}

#[test]
fn one_connection_does_not_take_all_threads() {
    let limits = Limits { threads: 8, threads_of_connection: 4, ..LIMITS };
    let fixture = Fixture::with(limits);
    let mut greedy = fixture.connect();
    for token in 0..100 {
        greedy.send(token, ENDLESS);
    }
    fixture.wait_for(|usage| usage.queries == 100 && usage.evaluations == 4);
    assert_eq!(fixture.connect().ask(1, "[1,5]"), "{\"t\":1,\"r\":[5]}");
    assert_eq!(fixture.server.usage().evaluations, 4);
}

/// A row is read where its query arrives, but not before there is room for it.
#[test]
fn a_short_query_waits_for_its_turn_too() {
    let fixture = Fixture::with(Limits { threads_of_connection: 1, ..LIMITS });
    let mut client = fixture.connect();
    client.ask(1, "[1,[60,[\"t\"]]]");
    client.ask(1, "[1,[56,[[15,[\"t\"]],{\"id\":5}]]]");
    client.send(1, ENDLESS);
    fixture.wait_for(|usage| usage.evaluations == 1);
    client.send(2, "[1,[16,[[15,[\"t\"]],5]]]");
    fixture.wait_for(|usage| usage.queries == 2);
    client.send(1, "[3]");
    let mut answers: Vec<_> = (0..3).map(|_| client.receive().unwrap()).collect();
    answers.sort();
    let stopped = (1, "{\"t\":2,\"r\":[],\"n\":[]}".to_owned());
    let row = (2, "{\"t\":1,\"r\":[{\"id\":5}]}".to_owned());
    assert_eq!(answers, [stopped.clone(), stopped, row]);
}

#[test]
fn noreply_wait_waits_for_those_before_it() {
    let fixture = Fixture::new();
    let mut client = fixture.connect();
    client.send(1, &ENDLESS.replace("{}", "{\"noreply\":true}"));
    client.send(2, "[4]");
    client.send(3, ENDLESS); // wants an answer, and is not waited for
    client.send(4, "[1,5]");
    client.expect(4, "{\"t\":1,\"r\":[5]}");
    client.send(1, "[3]");
    // The query itself has no answer; the request to stop it has, and it may be told before or after.
    let mut answers = [client.receive().unwrap(), client.receive().unwrap()];
    answers.sort();
    assert_eq!(
        answers,
        [(1, "{\"t\":2,\"r\":[],\"n\":[]}".to_owned()), (2, "{\"t\":4,\"r\":[]}".to_owned())]
    );
}

#[test]
fn shutting_down_tells_those_who_wait() {
    let fixture = Fixture::new();
    let mut client = fixture.connect();
    let mut idle = fixture.connect();
    let waits_for_welcome = fixture.dial();
    client.send(1, ENDLESS);
    client.send(2, "[1,[173,[3]],{\"max_batch_rows\":1}]");
    client.expect(2, "{\"t\":3,\"r\":[0],\"n\":[]}");
    fixture.wait_for(|usage| usage.evaluations == 1 && usage.connections == 3);
    let address = fixture.server.local_addr();
    let told = std::thread::spawn(move || {
        client.expect(1, "{\"t\":18,\"e\":4200000,\"r\":[\"Server is shutting down.\"],\"b\":[]}");
        assert_eq!(client.receive(), None);
        assert_eq!(idle.receive(), None);
    });
    fixture.shutdown();
    told.join().unwrap();
    drop(waits_for_welcome);
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn a_server_that_is_dropped_is_gone() {
    let fixture = Fixture::new();
    let address = fixture.server.local_addr();
    let mut client = fixture.connect();
    client.send(1, ENDLESS);
    fixture.wait_for(|usage| usage.evaluations == 1);
    let Fixture { runtime, server } = fixture;
    drop(server);
    assert_eq!(client.receive(), None);
    // The thread that computed the answer has noticed, too: or this would not end.
    drop(runtime);
    assert!(std::net::TcpStream::connect(address).is_err());
}

/// Who idles does not hear that it is to leave; the server does not wait for it as it would for one that
/// still reads.
#[test]
fn a_server_that_ends_waits_for_no_idle_client() {
    let fixture = Fixture::with(Limits { flush: Duration::from_secs(3600), ..LIMITS });
    let mut idle = fixture.connect();
    idle.send(1, "[1,5]");
    idle.expect(1, "{\"t\":1,\"r\":[5]}");
    let Fixture { runtime, server } = fixture;
    let ended = runtime.block_on(async { tokio::time::timeout(PATIENCE, server.shutdown()).await });
    ended.expect("it ends");
}
