//! What befalls nodes: their store cannot be reached, they are killed, stand still, are swamped.

use bigchaindb_core::model::{Json, Keypair};
use bigchaindb_core::stages::Settings;
use bigchaindb_load::client::{Call, NoAnswer};

use crate::support::{MOMENT, PATIENCE, common, create, world};

fn alice() -> Keypair {
    Keypair::from_seed([20; 32])
}

#[tokio::test]
async fn without_its_store_a_node_turns_clients_away() {
    let world = world(1, common()).await;
    let before = world.clients.create(0, &alice(), "before").await;
    let link = world.federation.link(0);
    link.cut();
    let text = create(&alice(), "meanwhile");
    let (status, _) = world.clients.post(0, text.clone()).await;
    assert_eq!(status, 503);
    let path = format!("/api/v1/transactions/{}", before.id());
    let request = format!("GET {path} HTTP/1.1\r\nhost: n1\r\nconnection: close\r\n\r\n");
    let answer = world.clients.raw(0, &request).await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 1"), "{answer}");
    link.heal();
    world.clients.create(0, &alice(), "after").await;
    assert_eq!(world.clients.get(0, &path).await.0, 200);
}

#[tokio::test]
async fn a_node_goes_on_where_its_feeds_broke() {
    let world = world(1, common()).await;
    world.clients.create(0, &alice(), "before").await;
    world.federation.link(0).break_feeds();
    world.clients.create(0, &alice(), "after").await;
}

#[tokio::test]
async fn a_killed_node_comes_back_to_what_it_had() {
    let mut world = world(1, common()).await;
    let before = world.clients.create(0, &alice(), "before").await;
    let (status, accepted) = world.clients.post(0, create(&alice(), "half-way")).await;
    assert_eq!(status, 201);
    world.federation.kill(0).await.unwrap();
    let gone = world.clients.call(0, Call::Get("/".to_owned()), PATIENCE).await;
    assert!(matches!(gone, Err(NoAnswer::Unreachable(_))), "{gone:?}");

    world.federation.restart(0).await.unwrap();
    assert_eq!(world.clients.status(0, before.id().as_str()).await.as_deref(), Some("valid"));
    let half_way = accepted.get("id").and_then(Json::as_str).unwrap();
    world.clients.until_status(0, half_way, "valid").await;
}

#[tokio::test]
async fn the_others_decide_without_one() {
    let mut world = world(4, common()).await;
    world.federation.kill(2).await.unwrap();
    let asset = world.clients.create(0, &alice(), "an asset").await;
    world.federation.restart(2).await.unwrap();
    world.clients.until_status(2, asset.id().as_str(), "valid").await;
}

#[tokio::test]
async fn a_paused_node_answers_when_it_goes_on() {
    let world = world(1, common()).await;
    let node = world.federation.node(0).unwrap();
    node.pause();
    for path in ["/", "/nothing", "/api/v1/transactions/ab"] {
        let held = world.clients.call(0, Call::Get(path.to_owned()), MOMENT).await;
        assert!(matches!(held, Err(NoAnswer::TimedOut(_))), "{held:?}");
    }
    let asking = world.clients.post(0, create(&alice(), "an asset"));
    let resuming = async { node.resume() };
    assert_eq!(tokio::join!(asking, resuming).0.0, 201);
}

#[tokio::test]
async fn a_swamped_node_turns_clients_away_and_serves_the_rest() {
    let common = common();
    let settings = Settings { requests: 8, ..common.settings.clone() };
    let world = world(1, bigchaindb::federation::Common { settings, ..common }).await;
    // It must know genesis before it can accept anything.
    world.clients.create(0, &alice(), "first").await;
    let node = world.federation.node(0).unwrap();
    node.pause();
    let texts: Vec<_> = (0..64).map(|number| create(&alice(), &number.to_string())).collect();
    let requests: Vec<_> = texts
        .into_iter()
        .map(|text| {
            let call = Call::Post(text.into());
            world.clients.call(0, call, PATIENCE)
        })
        .collect();
    let (answers, ()) = tokio::join!(join_all(requests), async {
        // All connections are open, and nobody was answered, when the node goes on.
        tokio::time::sleep(MOMENT).await;
        node.resume();
    });
    let accepted = answers.iter().filter(|status| **status == 201).count();
    let turned_away = answers.iter().filter(|status| **status == 503).count();
    assert_eq!(accepted + turned_away, 64, "{answers:?}");
    assert!(accepted >= 8 && turned_away >= 1, "{answers:?}");
}

/// Waits for all; their status codes.
async fn join_all<F>(requests: Vec<F>) -> Vec<u16>
where
    F: Future<Output = Result<bigchaindb_load::client::Answer, NoAnswer>>,
{
    let mut requests: Vec<_> = requests.into_iter().map(Box::pin).collect();
    let mut statuses = Vec::new();
    std::future::poll_fn(|cx| {
        requests.retain_mut(|request| match request.as_mut().poll(cx) {
            std::task::Poll::Ready(answer) => {
                statuses.push(answer.unwrap().status);
                false
            }
            std::task::Poll::Pending => true,
        });
        if requests.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    statuses
}
