//! How keys come and go, and how seldom they are fetched.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use harness::runtime::block_on;
use serde_json::{Value, json};

use super::client;
use super::issuer::{claims, issuer, settings};
use super::server::{Reply, Server};
use super::signer::{Signer, set};
use crate::error::Code;
use crate::outside::cache::Pace;
use crate::outside::{IssuerSettings, Issuers};

/// As often as it is wanted.
const ALWAYS: Pace = Pace { age: Duration::from_secs(600), pause: Duration::ZERO };

/// An issuer whose keys, or whose trouble, can be changed.
async fn changing() -> (Server, Arc<Mutex<Reply>>) {
    let reply = Arc::new(Mutex::new(Reply::Json(503, Value::Null)));
    let current = Arc::clone(&reply);
    (Server::start(move |_, _| current.lock().unwrap().clone()).await, reply)
}

fn at_keys(server: &Server) -> IssuerSettings {
    IssuerSettings { jwks_url: Some(format!("{}/keys", server.url)), ..settings(server) }
}

#[test]
fn a_new_key_is_found_and_the_old_one_stays_good() {
    block_on(async {
        let (server, reply) = changing().await;
        let (old, new) = (Signer::ed25519("old"), Signer::p256("new"));
        let issuers = Issuers::with_pace(vec![at_keys(&server)], &client(), ALWAYS).unwrap();
        *reply.lock().unwrap() = Reply::Json(200, set(std::slice::from_ref(&old)));
        let _ = issuers.verify(&old.sign(&claims(&server))).await.unwrap();
        *reply.lock().unwrap() = Reply::Json(200, set(&[old.clone(), new.clone()]));
        let _ = issuers.verify(&new.sign(&claims(&server))).await.unwrap();
        let _ = issuers.verify(&old.sign(&claims(&server))).await.unwrap();
        assert_eq!(server.count("/keys"), 2);
        // A key that was taken back is not good any more, once its absence is known.
        *reply.lock().unwrap() = Reply::Json(200, set(std::slice::from_ref(&new)));
        assert!(issuers.verify(&Signer::ed25519("other").sign(&claims(&server))).await.is_err());
        assert!(issuers.verify(&old.sign(&claims(&server))).await.is_err());
    });
}

#[test]
fn a_thousand_unknown_keys_make_one_fetch() {
    block_on(async {
        let signer = Signer::ed25519("d");
        let server = issuer(set(std::slice::from_ref(&signer))).await;
        let issuers = Arc::new(Issuers::new(vec![settings(&server)], client()).unwrap());
        let claims = claims(&server);
        let tokens: Vec<String> = (0..1000)
            .map(|number| json!({ "alg": "EdDSA", "kid": format!("unknown-{number}") }))
            .map(|header| signer.sign_as(&header, &claims))
            .collect();
        let asked = tokens.into_iter().map(|token| {
            let issuers = Arc::clone(&issuers);
            tokio::spawn(
                async move { issuers.verify(&token).await.map(|_| ()).map_err(|error| error.code()) },
            )
        });
        for answer in futures::future::join_all(asked).await {
            assert_eq!(answer.unwrap(), Err(Code::BadCredentials));
        }
        assert_eq!(server.count("/keys"), 1);
        let _ = issuers.verify(&signer.sign(&claims)).await.unwrap();
        assert_eq!(server.count("/keys"), 1);
    });
}

#[test]
fn old_keys_stay_in_use_while_there_are_no_new_ones() {
    block_on(async {
        let (server, reply) = changing().await;
        let signer = Signer::ed25519("d");
        // Every look at the keys finds them too old.
        let pace = Pace { age: Duration::ZERO, pause: Duration::ZERO };
        let issuers = Issuers::with_pace(vec![at_keys(&server)], &client(), pace).unwrap();
        *reply.lock().unwrap() = Reply::Json(200, set(std::slice::from_ref(&signer)));
        let token = signer.sign(&claims(&server));
        let _ = issuers.verify(&token).await.unwrap();
        let troubles = [
            Reply::Json(503, Value::Null),
            Reply::Text(200, "application/json", "{".to_owned()),
            Reply::Json(200, json!({ "keys": [] })),
            Reply::Endless,
            Reply::Hangup,
        ];
        for trouble in troubles {
            let before = server.count("/keys");
            *reply.lock().unwrap() = trouble;
            let _ = issuers.verify(&token).await.unwrap();
            assert!(server.count("/keys") > before, "it was tried");
        }
    });
}

#[test]
fn without_any_keys_it_is_said_so() {
    block_on(async {
        let (server, reply) = changing().await;
        let signer = Signer::ed25519("d");
        let token = signer.sign(&claims(&server));
        let issuers = Issuers::new(vec![at_keys(&server)], client()).unwrap();
        for _ in 0..20 {
            let error = issuers.verify(&token).await.unwrap_err();
            assert_eq!(error.code(), Code::Unavailable);
            assert!(error.retry_seconds().is_some_and(|seconds| (1..=30).contains(&seconds)));
        }
        assert_eq!(server.count("/keys"), 1, "an issuer that is down is not asked by every request");
        let patient = Issuers::with_pace(vec![at_keys(&server)], &client(), ALWAYS).unwrap();
        assert_eq!(patient.verify(&token).await.unwrap_err().code(), Code::Unavailable);
        *reply.lock().unwrap() = Reply::Json(200, set(std::slice::from_ref(&signer)));
        let _ = patient.verify(&token).await.unwrap();
    });
}

#[test]
fn a_caller_that_goes_away_does_not_take_the_fetch_with_it() {
    block_on(async {
        let signer = Signer::ed25519("d");
        let keys = set(std::slice::from_ref(&signer));
        let (arrived, mut arrival) = tokio::sync::mpsc::unbounded_channel();
        let server = Server::start(move |_, _| {
            let _ = arrived.send(());
            Reply::Json(200, keys.clone())
        })
        .await;
        let asked = Arc::new(AtomicUsize::new(0));
        let issuers = Arc::new(Issuers::new(vec![at_keys(&server)], client()).unwrap());
        let token = signer.sign(&claims(&server));
        let caller = {
            let (issuers, token, asked) = (Arc::clone(&issuers), token.clone(), Arc::clone(&asked));
            tokio::spawn(async move {
                asked.fetch_add(1, Ordering::SeqCst);
                issuers.verify(&token).await.map(|_| ())
            })
        };
        arrival.recv().await.unwrap();
        caller.abort();
        let _ = issuers.verify(&token).await.unwrap();
        assert_eq!((server.count("/keys"), asked.load(Ordering::SeqCst)), (1, 1));
    });
}

#[test]
fn while_one_caller_fetches_the_others_use_what_is_there() {
    block_on(async {
        let signer = Signer::ed25519("d");
        let keys = set(std::slice::from_ref(&signer));
        let (arrived, mut arrival) = tokio::sync::mpsc::unbounded_channel();
        let count = AtomicUsize::new(0);
        let server = Server::start(move |_, _| {
            let _ = arrived.send(());
            // The second fetch hangs until the client has enough, which is after this test.
            if count.fetch_add(1, Ordering::SeqCst) == 0 {
                Reply::Json(200, keys.clone())
            } else {
                Reply::Stall
            }
        })
        .await;
        let pace = Pace { age: Duration::ZERO, pause: Duration::ZERO };
        let issuers = Arc::new(Issuers::with_pace(vec![at_keys(&server)], &client(), pace).unwrap());
        let token = signer.sign(&claims(&server));
        let _ = issuers.verify(&token).await.unwrap();
        arrival.recv().await.unwrap();
        let waiting = {
            let (issuers, token) = (Arc::clone(&issuers), token.clone());
            tokio::spawn(async move { issuers.verify(&token).await.map(|_| ()) })
        };
        arrival.recv().await.unwrap();
        for _ in 0..10 {
            let _ = issuers.verify(&token).await.unwrap();
        }
        assert!(!waiting.is_finished());
        waiting.abort();
        assert_eq!(server.count("/keys"), 2);
    });
}
