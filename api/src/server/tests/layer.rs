use std::net::SocketAddr;
use std::time::Duration;

use poem::endpoint::make;
use poem::http::Method;
use poem::web::RemoteAddr;
use poem::{Addr, Endpoint, Request, Response};
use service::{Code, Error, Principal};

use crate::config::{Config, Mode, Period, Secret};
use crate::http::{Call, body, problem};
use crate::server::Layers;

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn config() -> Config {
    let mut config = Config::default();
    config.mode = Mode::Production;
    config.auth.admin_key = Secret::new(KEY);
    config.limits.request_timeout = Period(Duration::from_millis(200));
    config.limits.concurrency = 2;
    config.limits.queue = 0;
    config.cors.origins = vec!["https://app.example.com".to_owned()];
    config
}

async fn route(mut request: Request) -> poem::Result<Response> {
    let call = Call::of(&request);
    match request.uri().path() {
        "/who" => Ok(Response::from(format!("{:?} {}", call.principal(), call.client()))),
        "/slow" => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            Ok(Response::default())
        }
        "/panic" => panic!("hush"),
        "/ours" => {
            Err(poem::Error::new(Error::new(Code::UniqueViolation, "Taken."), poem::http::StatusCode::OK))
        }
        "/echo" => match body::read(&mut request, 8, Duration::from_millis(50)).await {
            Ok(bytes) => Ok(Response::from(bytes)),
            Err(error) => Ok(problem::response(&error, &call)),
        },
        "/long" => {
            Ok(Response::builder().content_type("application/json").body(format!("[{}0]", "0,".repeat(2000))))
        }
        _ => Err(poem::error::NotFoundError.into()),
    }
}

fn layers(config: &Config) -> Layers<impl Endpoint<Output = Response> + use<>> {
    Layers::new(make(route), config)
}

fn request(path: &'static str) -> poem::RequestBuilder {
    Request::builder().uri(path.parse().unwrap())
}

async fn json(response: Response) -> serde_json::Value {
    serde_json::from_slice(&response.into_body().into_bytes().await.unwrap()).unwrap()
}

#[tokio::test]
async fn every_answer_is_named_and_harmless() {
    let layers = layers(&config());
    for path in ["/who", "/nowhere", "/panic"] {
        let response = layers.answer(request(path).header("x-request-id", "abc-1").finish()).await;
        assert_eq!(response.header("x-request-id"), Some("abc-1"), "{path}");
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
        assert!(response.headers().get_all("vary").iter().any(|value| value == "origin"));
        assert!(response.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
        assert!(response.header("server-timing").is_none(), "production keeps its times");
    }
}

#[tokio::test]
async fn panics_and_errors_become_problems() {
    let layers = layers(&config());
    for (path, status, code) in
        [("/panic", 500, "INTERNAL"), ("/ours", 409, "UNIQUE_VIOLATION"), ("/nowhere", 404, "NO_SUCH_ROUTE")]
    {
        let response = layers.answer(request(path).finish()).await;
        assert_eq!(response.status().as_u16(), status, "{path}");
        assert_eq!(response.content_type(), Some(problem::MEDIA_TYPE));
        let body = json(response).await;
        assert_eq!(body["code"], code);
        assert!(!body.to_string().contains("hush"));
    }
}

#[tokio::test]
async fn credentials_decide_and_wrong_ones_are_refused() {
    let layers = layers(&config());
    let ask = async |authorization: &str| {
        let response = layers.answer(request("/who").header("authorization", authorization).finish()).await;
        (response.status().as_u16(), response.into_body().into_string().await.unwrap())
    };
    assert!(ask(&format!("Bearer {KEY}")).await.1.starts_with(&format!("{:?}", Principal::Admin)));
    let (status, text) = ask("Bearer wrong").await;
    assert_eq!(status, 401);
    assert!(text.contains("BAD_CREDENTIALS"));
    let anonymous = layers.answer(request("/who").finish()).await.into_body().into_string().await.unwrap();
    assert!(anonymous.starts_with("Anonymous"));
}

#[tokio::test]
async fn late_and_too_many_requests_are_refused() {
    let layers = layers(&config());
    let slow = || layers.answer(request("/slow").finish());
    let (first, second, third) = tokio::join!(slow(), slow(), slow());
    assert_eq!([first.status().as_u16(), second.status().as_u16(), third.status().as_u16()], [504, 504, 503]);
    assert_eq!(third.header("retry-after"), Some("1"));
    assert_eq!(layers.answer(request("/who").finish()).await.status(), 200, "the places are free again");
}

#[tokio::test]
async fn watchers_are_answered_when_there_is_no_place() {
    let mut config = config();
    config.limits.concurrency = 1;
    let layers = layers(&config);
    let slow = layers.answer(request("/slow").finish());
    let watch = async {
        tokio::task::yield_now().await;
        let refused = layers.answer(request("/who").finish()).await.status().as_u16();
        (refused, layers.answer(request("/healthz").finish()).await.status().as_u16())
    };
    let (_, watched) = tokio::join!(slow, watch);
    assert_eq!(watched, (503, 404), "this test's routes know no /healthz, but it got that far");
}

#[tokio::test]
async fn cross_origin_errors_are_readable_and_preflights_do_no_work() {
    let layers = layers(&config());
    let response =
        layers.answer(request("/panic").header("origin", "https://app.example.com").finish()).await;
    assert_eq!(response.header("access-control-allow-origin"), Some("https://app.example.com"));
    let preflight = request("/panic")
        .method(Method::OPTIONS)
        .header("origin", "https://evil.test")
        .header("access-control-request-method", "POST");
    let response = layers.answer(preflight.finish()).await;
    assert_eq!(response.status(), 204);
    assert!(response.header("access-control-allow-origin").is_none());
    assert_eq!(response.header("vary"), Some("origin"));
}

#[tokio::test]
async fn bodies_are_bounded_and_answers_packed() {
    let layers = layers(&config());
    let echo = layers.answer(request("/echo").method(Method::POST).body("12345678")).await;
    assert_eq!(echo.into_body().into_string().await.unwrap(), "12345678");
    assert_eq!(layers.answer(request("/echo").method(Method::POST).body("123456789")).await.status(), 413);
    let long = layers.answer(request("/long").header("accept-encoding", "br").finish()).await;
    assert_eq!(long.header("content-encoding"), Some("br"));
    assert!(layers.answer(request("/long").finish()).await.header("content-encoding").is_none());
}

#[tokio::test]
async fn the_client_is_behind_trusted_proxies_only() {
    let mut config = config();
    let ask = async |config: &Config| {
        let request = request("/who").header("x-forwarded-for", "198.51.100.7").finish();
        let (mut parts, body) = request.into_parts();
        parts.extensions.clear();
        let (http, _) = hyper::Request::new(()).into_parts();
        let remote = RemoteAddr(Addr::SocketAddr(SocketAddr::from(([10, 0, 0, 1], 4000))));
        let mut http = http;
        http.uri = parts.uri;
        http.headers = parts.headers;
        let parts = (http, poem::web::LocalAddr::default(), remote, hyper::http::uri::Scheme::HTTP).into();
        let response = layers(config).answer(Request::from_parts(parts, body)).await;
        response.into_body().into_string().await.unwrap()
    };
    assert_eq!(ask(&config).await, "Anonymous 10.0.0.1");
    config.server.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    assert_eq!(ask(&config).await, "Anonymous 198.51.100.7");
}
