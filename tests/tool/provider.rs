//! Signing in to the running program with an OpenID provider that other people wrote, and what must not work.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use harness::{App, Backend, Door, Mailbox, Response, json, runtime};
use reqwest::Url;
use sea_orm::{ConnectionTrait, Database, DatabaseBackend, Statement};
use sha2::{Digest, Sha256};

use crate::openid::{Account, OpenIdProvider, follow};

const MODEL: &str = "type Note @model @allow(to: [ALL], where: { owner: { eq: \"$user.id\" } }) {
  text: String!
  owner: User! @default(value: \"$user.id\") @api(create: false, update: false)
}";

/// Where the program says it is: the browser of these tests never goes there itself.
const PUBLIC: &str = "http://app.test";
const BACK: &str = "http://app.test/auth/providers/local/callback";

/// What sign-ins that are on their way are sealed with.
const SECRET: &str = "a secret of the tests, and of nothing else at all";

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CODE: &str = "redirect=/done&mode=code&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

const ANN: Account<'_> =
    Account { subject: "ann", email: "Ann@Example.com", email_verified: true, only_userinfo: true };

async fn program(backend: Backend, issuer: &str, mailbox: &Mailbox) -> App {
    reached(backend, PUBLIC, issuer, mailbox).await
}

/// A program that is reached under an address.
async fn reached(backend: Backend, public: &str, issuer: &str, mailbox: &Mailbox) -> App {
    App::with(backend, MODEL)
        .env("LAUNCHWAY_SERVER__PUBLIC_URL", public)
        .env("LAUNCHWAY_AUTH__SECRET", SECRET)
        .env("LAUNCHWAY_MAIL__URL", &mailbox.url())
        .env("LAUNCHWAY_AUTH__PROVIDERS__LOCAL__KIND", "openid")
        .env("LAUNCHWAY_AUTH__PROVIDERS__LOCAL__ISSUER", issuer)
        .env("LAUNCHWAY_AUTH__PROVIDERS__LOCAL__CLIENT_ID", OpenIdProvider::CLIENT_ID)
        .env("LAUNCHWAY_AUTH__PROVIDERS__LOCAL__CLIENT_SECRET", OpenIdProvider::CLIENT_SECRET)
        .start()
        .await
}

/// The cookie that an answer sets under a name.
fn cookie(reply: &Response, name: &str) -> String {
    let found = reply.headers_named("set-cookie").into_iter().find_map(|line| {
        let (pair, flags) = line.split_once(';').unwrap_or((&line, ""));
        let value = pair.strip_prefix(&format!("{name}="))?;
        assert!(flags.contains("HttpOnly") && flags.contains("SameSite=Lax"), "{line}");
        Some(value.to_owned())
    });
    found.unwrap_or_else(|| panic!("no cookie {name}: {}", reply.whole()))
}

/// Goes to the provider and gives what the browser comes back with: the path with its query, and its cookie.
async fn journey(app: &App, query: &str) -> (String, String) {
    let sent = app.anyone().get(&format!("/auth/providers/local?{query}")).await.is(303);
    let back = follow(&Url::parse(&sent.header("location")).unwrap(), BACK).await;
    let path = format!("{}?{}", back.path(), back.query().unwrap_or_default());
    (path, cookie(&sent, "launchway_sign_in"))
}

async fn arrive(app: &App, path: &str, browser: &str) -> Response {
    app.anyone().with("cookie", &format!("launchway_sign_in={browser}")).get(path).await
}

/// Runs a test on both engines, with a provider that vouches for an account.
fn with(account: Account<'static>, test: impl AsyncFn(&App, &Mailbox)) {
    for backend in Backend::available() {
        runtime::block_on(async {
            let Some(server) = OpenIdProvider::start(BACK, account).await else { return };
            let mailbox = Mailbox::start();
            let app = program(backend, &server.issuer, &mailbox).await;
            test(&app, &mailbox).await;
        });
    }
}

#[test]
fn a_browser_signs_in_and_stays_signed_in_by_a_cookie() {
    with(ANN, async |app, _| {
        let (path, browser) = journey(app, "redirect=/done").await;
        let back = arrive(app, &path, &browser).await.is(303);
        assert_eq!(back.header("location"), "http://app.test/done");
        let session = cookie(&back, "launchway");
        let ann = app.anyone().with("cookie", &format!("launchway={session}"));
        let me = ann.get("/auth/me").await.is(200).json();
        assert_eq!(me["user"]["email"], "ann@example.com");
        assert_eq!(me["user"]["emailVerified"], true);
        let _ = ann.post("/v1/notes", json!({ "text": "mine" })).await.is(201);

        // The same account the next time, and the same callback no second time.
        let _ = arrive(app, &path, &browser).await.is(422).fails("TOKEN_INVALID");
        let (path, browser) = journey(app, "redirect=/done").await;
        let back = arrive(app, &path, &browser).await.is(303);
        let again = app.anyone().with("cookie", &format!("launchway={}", cookie(&back, "launchway")));
        assert_eq!(again.get("/auth/me").await.json()["user"]["id"], me["user"]["id"]);
        assert_eq!(again.get("/v1/notes").await.json()["data"][0]["text"], "mine");
    });
}

/// The code that a page is called back with.
async fn code(app: &App) -> String {
    let (path, browser) = journey(app, CODE).await;
    let back = arrive(app, &path, &browser).await.is(303);
    assert!(back.headers_named("set-cookie").iter().all(|line| !line.starts_with("launchway=")));
    let location = Url::parse(&back.header("location")).unwrap();
    location.query_pairs().find(|(key, _)| key == "code").unwrap().1.into_owned()
}

#[test]
fn a_page_exchanges_a_code_for_tokens_once() {
    with(ANN, async |app, _| {
        for door in Door::ALL {
            let given = json!({ "code": code(app).await, "codeVerifier": VERIFIER });
            let tokens = door.good(&app.anyone(), "exchangeCode", given.clone()).await;
            let ann = harness::account::bearer(app, tokens["accessToken"].as_str().unwrap());
            let me = ann.get("/auth/me").await.is(200).json();
            assert_eq!(me["user"]["email"], "ann@example.com");
            let _ = door.ask(&app.anyone(), "exchangeCode", given).await.fails("TOKEN_INVALID");
        }
    });
}

#[test]
fn a_code_is_of_no_use_to_a_page_that_did_not_begin() {
    with(ANN, async |app, _| {
        for door in Door::ALL {
            let other = format!("{VERIFIER}x");
            for verifier in [None, Some(""), Some(&VERIFIER[1..]), Some(&other), Some("\u{e4}")] {
                let code = code(app).await;
                let mut given = json!({ "code": code });
                if let Some(verifier) = verifier {
                    given["codeVerifier"] = json!(verifier);
                }
                let _ = door.ask(&app.anyone(), "exchangeCode", given).await.fails("TOKEN_INVALID");
                // That was its one try.
                let given = json!({ "code": code, "codeVerifier": VERIFIER });
                let _ = door.ask(&app.anyone(), "exchangeCode", given).await.fails("TOKEN_INVALID");
            }
        }
    });
}

#[test]
fn a_page_that_wants_a_code_brings_a_challenge() {
    with(ANN, async |app, _| {
        let good = CODE.split_once("code_challenge=").unwrap().1;
        for (query, place) in [
            ("mode=code".to_owned(), "code_challenge"),
            ("mode=code&code_challenge=".to_owned(), "code_challenge"),
            (format!("mode=code&code_challenge={}", &good[1..]), "code_challenge"),
            (format!("mode=code&code_challenge={good}%3D"), "code_challenge"),
            (format!("mode=code&code_challenge={good}&code_challenge_method=plain"), "code_challenge_method"),
            (format!("code_challenge={good}"), "code_challenge"),
        ] {
            let reply = app.anyone().get(&format!("/auth/providers/local?{query}")).await.is(422);
            let _ = reply.fails("BAD_VALUE").says(place);
        }
        let twice = format!("mode=code&code_challenge={good}&code_challenge={good}");
        let _ = app.anyone().get(&format!("/auth/providers/local?{twice}")).await.is(400);
        let fine = format!("{CODE}&code_challenge_method=S256");
        let _ = app.anyone().get(&format!("/auth/providers/local?{fine}")).await.is(303);
    });
}

#[test]
fn under_https_the_cookie_of_the_way_is_bound_to_https_and_the_host() {
    const BACK: &str = "https://app.test/auth/providers/local/callback";
    for backend in Backend::available() {
        runtime::block_on(async {
            let Some(server) = OpenIdProvider::start(BACK, ANN).await else { return };
            let mailbox = Mailbox::start();
            let app = reached(backend, "https://app.test", &server.issuer, &mailbox).await;
            let sent = app.anyone().get("/auth/providers/local?redirect=/done").await.is(303);
            let set = sent.header("set-cookie");
            assert!(
                set.contains("; Secure") && set.contains("; Path=/;") && !set.contains("Domain"),
                "{set}"
            );
            let browser = cookie(&sent, "__Host-launchway_sign_in");
            let back = follow(&Url::parse(&sent.header("location")).unwrap(), BACK).await;
            let path = format!("{}?{}", back.path(), back.query().unwrap_or_default());
            // The other name is anybody's to set, from a subdomain or without TLS.
            let _ = arrive(&app, &path, &browser).await.is(422).fails("TOKEN_INVALID");
            let with = app.anyone().with("cookie", &format!("__Host-launchway_sign_in={browser}"));
            let back = with.get(&path).await.is(303);
            let session = format!("__Host-launchway={}", cookie(&back, "__Host-launchway"));
            let _ = app.anyone().with("cookie", &session).get("/auth/me").await.is(200);
        });
    }
}

#[test]
fn an_identity_is_unlinked_unless_it_is_the_only_way_in() {
    with(ANN, async |app, mailbox| {
        let (path, browser) = journey(app, "redirect=/done").await;
        let back = arrive(app, &path, &browser).await.is(303);
        let ann = app.anyone().with("cookie", &format!("launchway={}", cookie(&back, "launchway")));
        let user = ann.get("/auth/me").await.is(200).json()["user"]["id"].clone();
        let identities = ann.get("/v1/authIdentities").await.is(200).json();
        let id = identities["data"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(identities["data"].as_array().map(Vec::len), Some(1));
        let unlink = format!("/auth/identities/{id}");
        let _ = ann.delete(&unlink).await.is(409).fails("CONFLICT");
        // Somebody else's is not there.
        let other = json!({ "email": "bob@example.com", "password": "four words of bob" });
        let _ = app.anyone().post("/auth/sign-up", other).await.is(200);
        let code = mailbox.wait("bob@example.com").await.code.unwrap();
        let verify = json!({ "token": code, "password": "four words of bob" });
        let tokens = app.anyone().post("/auth/verify-email", verify).await.is(200).json();
        let bob = harness::account::bearer(app, tokens["accessToken"].as_str().unwrap());
        let _ = bob.delete(&unlink).await.is(404).fails("NOT_FOUND");

        let _ =
            app.anyone().post("/auth/password/forgot", json!({ "email": "ann@example.com" })).await.is(200);
        let code = mailbox.wait("ann@example.com").await.code.unwrap();
        let reset = json!({ "token": code, "newPassword": "four words of ann" });
        let _ = app.anyone().post("/auth/password/reset", reset).await.is(200);
        let sign_in = json!({ "email": "ann@example.com", "password": "four words of ann" });
        let tokens = app.anyone().post("/auth/sign-in", sign_in).await.is(200).json();
        let ann = harness::account::bearer(app, tokens["accessToken"].as_str().unwrap());
        let gone = ann.delete(&unlink).await;
        assert!([200, 204].contains(&gone.status), "{}", gone.whole());
        assert_eq!(ann.get("/v1/authIdentities").await.is(200).json()["data"], json!([]));
        // Both have proved the address: the next sign-in links it again.
        let (path, browser) = journey(app, "redirect=/done").await;
        let back = arrive(app, &path, &browser).await.is(303);
        let again = app.anyone().with("cookie", &format!("launchway={}", cookie(&back, "launchway")));
        assert_eq!(again.get("/auth/me").await.is(200).json()["user"]["id"], user);
    });
}

/// How many secrets for one use are kept.
async fn kept(app: &App, kind: &str) -> i64 {
    let database = Database::connect(app.database()).await.unwrap();
    let engine = match app.backend() {
        Backend::Sqlite => DatabaseBackend::Sqlite,
        Backend::Postgres => DatabaseBackend::Postgres,
    };
    let text = format!("select count(*) from launchway_tokens where kind = '{kind}'");
    let row = database.query_one_raw(Statement::from_string(engine, text)).await.unwrap().unwrap();
    let count = row.try_get_by_index(0).unwrap();
    database.close().await.unwrap();
    count
}

/// The memory of a sign-in, which ends at another time: whoever has the secret of the program can make one.
fn ending(browser: &str, at: impl Fn(i64) -> i64) -> String {
    let cipher =
        XChaCha20Poly1305::new(&Sha256::digest([b"launchway vault 1\0", SECRET.as_bytes()].concat()));
    let bytes = URL_SAFE_NO_PAD.decode(browser).unwrap();
    let (nonce, sealed) = bytes.split_at(24);
    let nonce: [u8; 24] = nonce.try_into().unwrap();
    let aad = b"provider sign-in";
    let plain = cipher.decrypt(&XNonce::from(nonce), Payload { msg: sealed, aad }).unwrap();
    let mut journey: harness::Value = serde_json::from_slice(&plain).unwrap();
    journey["end"] = json!(at(journey["end"].as_i64().unwrap()));
    let text = journey.to_string();
    let sealed = cipher.encrypt(&XNonce::from(nonce), Payload { msg: text.as_bytes(), aad }).unwrap();
    URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat())
}

#[test]
fn whoever_sets_out_and_does_not_come_back_leaves_nothing_behind() {
    with(ANN, async |app, _| {
        // The longest address to come back to, and still a cookie that browsers keep.
        let long = format!("/done?{}", "x".repeat(2_000 - PUBLIC.len() - "/done?".len()));
        let sent =
            app.anyone().get(&format!("/auth/providers/local?redirect={}", long.replace('?', "%3F"))).await;
        assert!(sent.is(303).header("set-cookie").len() < 4_096);
        let _ = app
            .anyone()
            .get(&format!("/auth/providers/local?redirect={}x", long.replace('?', "%3F")))
            .await
            .is(422);
        for _ in 0..5 {
            let _ = app.anyone().get(&format!("/auth/providers/local?{CODE}")).await.is(303);
        }
        let (path, browser) = journey(app, "").await;
        let denied = path.replacen("code=", "error=access_denied&x=", 1);
        let _ = arrive(app, &denied, &browser).await.is(303);
        assert_eq!(kept(app, "sign_in").await, 0);
        let (path, browser) = journey(app, "").await;
        let _ = arrive(app, &path, &browser).await.is(303);
        assert_eq!(kept(app, "sign_in").await, 1, "who was signed in is not a second time");
        let _ = arrive(app, &path, &browser).await.is(422).fails("TOKEN_INVALID");
    });
}

#[test]
fn who_comes_back_too_late_begins_again() {
    with(ANN, async |app, _| {
        let (path, browser) = journey(app, "").await;
        let late = ending(&browser, |end| end - 601);
        let _ = arrive(app, &path, &late).await.is(422).fails("TOKEN_INVALID");
        // Nothing of it can be changed without the secret.
        let forged = format!("{}A", &browser[..browser.len() - 1]);
        let _ = arrive(app, &path, &forged).await.is(422).fails("TOKEN_INVALID");
        let _ = arrive(app, &path, &ending(&browser, |end| end - 300)).await.is(303);
    });
}

#[test]
fn a_callback_that_comes_twice_at_once_signs_in_once() {
    with(ANN, async |app, _| {
        let (path, browser) = journey(app, "").await;
        let replies = futures::future::join_all((0..5).map(|_| arrive(app, &path, &browser))).await;
        let signed_in = |reply: &&Response| {
            reply.headers_named("set-cookie").iter().any(|line| line.starts_with("launchway=lws_"))
        };
        assert_eq!(replies.iter().filter(signed_in).count(), 1);
    });
}

#[test]
fn what_another_browser_began_is_not_finished_here() {
    with(ANN, async |app, _| {
        let (path, browser) = journey(app, "").await;
        let (other_path, other) = journey(app, "").await;
        let _ = app.anyone().get(&path).await.is(422).fails("TOKEN_INVALID");
        let _ = arrive(app, &path, "lwt_invented").await.is(422);
        // A victim who is sent to the attacker's callback: the state is not the one of this browser.
        let _ = arrive(app, &path, &other).await.is(422).fails("TOKEN_INVALID");
        let _ = arrive(app, &other_path.replace("state=", "state=x"), &browser).await.is(422);
    });
}

#[test]
fn a_provider_that_says_no_or_an_invented_code_signs_nobody_in() {
    with(ANN, async |app, _| {
        for broken in [("code=", "code=x"), ("iss=http", "iss=http%3A%2F%2Fevil&x=http")] {
            let (path, browser) = journey(app, "redirect=/done").await;
            let back = arrive(app, &path.replacen(broken.0, broken.1, 1), &browser).await.is(303);
            assert_eq!(back.header("location"), "http://app.test/done?error=PROVIDER_FAILED", "{broken:?}");
            assert!(back.headers_named("set-cookie").iter().all(|line| !line.starts_with("launchway=")));
        }
        let (path, browser) = journey(app, "redirect=/done").await;
        let state = path.split(['?', '&']).find(|part| part.starts_with("state=")).unwrap().to_owned();
        let denied = format!("/auth/providers/local/callback?error=access_denied&{state}");
        let back = arrive(app, &denied, &browser).await.is(303);
        assert_eq!(back.header("location"), "http://app.test/done?error=PROVIDER_FAILED");
    });
}

#[test]
fn browsers_are_sent_back_to_pages_of_ours_alone() {
    with(ANN, async |app, _| {
        for evil in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "http://app.test@evil.example",
            "http://app.test.evil.example",
            "javascript:alert(1)",
            "\\\\evil.example",
        ] {
            let address = Url::parse_with_params("http://app.test/", [("redirect", evil)]).unwrap();
            let query = address.query().unwrap();
            let _ = app.anyone().get(&format!("/auth/providers/local?{query}")).await.is(422);
        }
        let _ = app.anyone().get("/auth/providers/other").await.is(404);
    });
}

#[test]
fn an_account_that_somebody_else_made_is_not_taken_over() {
    with(ANN, async |app, mailbox| {
        let sign_up = json!({ "email": "ann@example.com", "password": "the attacker's own words" });
        let _ = app.anyone().post("/auth/sign-up", sign_up).await.is(200);
        let code = mailbox.wait("ann@example.com").await.code.unwrap();
        let (path, browser) = journey(app, "redirect=/done").await;
        let _ = arrive(app, &path, &browser).await.is(303);
        // The code was never hers to begin with, and the password opens nothing.
        let verify = json!({ "token": code, "password": "the attacker's own words" });
        let _ = app.anyone().post("/auth/verify-email", verify).await.is(422).fails("TOKEN_INVALID");
        let sign_in = json!({ "email": "ann@example.com", "password": "the attacker's own words" });
        let _ = app.anyone().post("/auth/sign-in", sign_in).await.is(401);
    });
}

#[test]
fn an_address_that_was_not_proved_links_nothing() {
    const CLAIMS: Account<'_> =
        Account { subject: "mallory", email: "ann@example.com", email_verified: false, only_userinfo: true };
    with(CLAIMS, async |app, mailbox| {
        let account = json!({ "email": "ann@example.com", "password": "four words of ann" });
        let _ = app.anyone().post("/auth/sign-up", account).await.is(200);
        let code = mailbox.wait("ann@example.com").await.code.unwrap();
        let verify = json!({ "token": code, "password": "four words of ann" });
        let tokens = app.anyone().post("/auth/verify-email", verify).await.is(200).json();
        let bearer = format!("Bearer {}", tokens["accessToken"].as_str().unwrap());
        let ann = app.anyone().with("authorization", &bearer).get("/auth/me").await.is(200).json();
        let (path, browser) = journey(app, "redirect=/done").await;
        let back = arrive(app, &path, &browser).await.is(303);
        let session = format!("launchway={}", cookie(&back, "launchway"));
        let mallory = app.anyone().with("cookie", &session).get("/auth/me").await.is(200).json();
        assert_ne!(mallory["user"]["id"], ann["user"]["id"]);
        assert!(mallory["user"]["email"].is_null(), "{mallory}");
    });
}

#[test]
fn a_provider_that_is_down_is_said_to_be() {
    for backend in Backend::available() {
        runtime::block_on(async {
            let mailbox = Mailbox::start();
            // A port that nobody listens on.
            let free =
                std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).unwrap();
            let app = program(backend, &format!("http://{free}"), &mailbox).await;
            let reply = app.anyone().get("/auth/providers/local").await.is(503).fails("PROVIDER_UNAVAILABLE");
            assert!(!reply.header("retry-after").is_empty());
            let _ = app.anyone().get("/auth/providers").await.is(200);
        });
    }
}
