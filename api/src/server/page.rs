//! The files a browser asks for: the pages, their assets, the OpenAPI document.

use std::sync::Arc;

use poem::http::{HeaderName, HeaderValue, StatusCode, header};
use poem::{Body, Endpoint, Request, Response, Result};
use service::{Error, Service};

use super::route;
use crate::http::{Call, problem};
use crate::openapi::{Documents, Options};
use crate::page::{self, Place, asset};

/// `/docs`: the REST reference.
#[derive(Debug)]
pub(super) struct Docs;

impl Endpoint for Docs {
    type Output = Response;

    async fn call(&self, _: Request) -> Result<Response> {
        let mut response = Response::from(page::docs::html(&Place::default()));
        for (name, value) in page::HEADERS {
            response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        Ok(response)
    }
}

/// `/_asset/…`: what the pages are made of.
#[derive(Debug)]
pub(super) struct Assets;

impl Endpoint for Assets {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let call = Call::of(&request);
        let name = request.uri().path().strip_prefix(asset::PATH).and_then(|rest| rest.strip_prefix('/'));
        let Some(found) = name.and_then(asset::find) else { return Ok(route::nothing(&call)) };
        call.set_route("/_asset/{name}");
        let packed = found.encoding.filter(|encoding| takes(&request, encoding));
        let bytes = match packed.or(found.encoding) {
            Some(_) if packed.is_none() => found.plain(),
            Some(_) | None => Some(found.bytes),
        };
        let Some(bytes) = bytes else {
            return Ok(problem::response(&Error::internal("an asset is damaged"), &call));
        };
        let mut response = match matches_tag(&request, found.etag) {
            true => Response::from(StatusCode::NOT_MODIFIED),
            false => Response::builder().content_type(found.content_type).body(Body::from(bytes)),
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, HeaderValue::from_static(found.etag));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(asset::CACHE_CONTROL));
        if let Some(encoding) = packed {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        if found.encoding.is_some() {
            headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        Ok(response)
    }
}

fn takes(request: &Request, encoding: &str) -> bool {
    request.header("accept-encoding").is_some_and(|accept| {
        accept.split(',').any(|item| {
            let mut parts = item.split(';').map(str::trim);
            let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
            named && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
        })
    })
}

/// Whether `If-None-Match` has this tag; weak tags are compared by what they say.
fn matches_tag(request: &Request, tag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let tag = bare(tag);
    request
        .header("if-none-match")
        .is_some_and(|asked| asked.split(',').any(|one| one.trim() == "*" || bare(one) == tag))
}

/// `/openapi.json`: the document as the caller sees it.
pub(super) struct Document {
    service: Service,
    documents: Arc<Documents>,
}

impl Document {
    pub(super) fn new(service: Service) -> Self {
        let options = Options { limits: service.limits().clone(), ..Options::default() };
        Self { service, documents: Arc::new(Documents::new(options)) }
    }
}

impl Endpoint for Document {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let call = Call::of(&request);
        let (catalog, documents, principal) =
            (self.service.catalog(), Arc::clone(&self.documents), call.principal().clone());
        // A large model's document takes a while to write the first time.
        let text = match tokio::task::spawn_blocking(move || documents.text(&catalog, &principal)).await {
            Ok(text) => text,
            Err(error) => return Ok(problem::response(&Error::internal(error), &call)),
        };
        let mut response = match matches_tag(&request, &text.etag) {
            true => Response::from(StatusCode::NOT_MODIFIED),
            false => Response::builder().content_type("application/json").body(text.body.clone()),
        };
        let headers = response.headers_mut();
        if let Ok(tag) = HeaderValue::from_str(&text.etag) {
            headers.insert(header::ETAG, tag);
        }
        // Others see another document.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        headers.append(
            header::VARY,
            HeaderValue::from_static("authorization, x-api-key, x-organization, cookie"),
        );
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn asset(accept: &'static str, tag: &'static str) -> Response {
        let request = Request::builder().uri("/_asset/graphiql.css".parse().unwrap());
        let request = request.header("accept-encoding", accept).header("if-none-match", tag).finish();
        Assets.call(request).await.unwrap()
    }

    #[tokio::test]
    async fn assets_are_sent_packed_plain_or_not_again() {
        let packed = asset("br, gzip", "").await;
        assert_eq!((packed.status().as_u16(), packed.header("content-encoding")), (200, Some("gzip")));
        let tag = packed.header("etag").unwrap().to_owned();
        let plain = asset("gzip;q=0", "").await;
        assert_eq!((plain.status().as_u16(), plain.header("content-encoding")), (200, None));
        assert!(
            plain.into_body().into_bytes().await.unwrap().len()
                > packed.into_body().into_bytes().await.unwrap().len()
        );
        let request =
            Request::builder().uri("/_asset/graphiql.css".parse().unwrap()).header("if-none-match", tag);
        assert_eq!(Assets.call(request.finish()).await.unwrap().status(), 304);
        let missing = Request::builder().uri("/_asset/../Cargo.toml".parse().unwrap()).finish();
        assert_eq!(Assets.call(missing).await.unwrap().status(), 404);
    }

    #[tokio::test]
    async fn the_reference_is_a_page_that_loads_nothing_from_elsewhere() {
        let response = Docs.call(Request::default()).await.unwrap();
        assert!(response.header("content-type").unwrap().starts_with("text/html"));
        assert!(response.header("content-security-policy").unwrap().contains("default-src 'none'"));
    }
}
