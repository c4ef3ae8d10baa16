//! The methods of one route: others get 405 with `Allow`, `HEAD` is answered as `GET`, `OPTIONS` says what there is.

use poem::endpoint::BoxEndpoint;
use poem::http::{HeaderValue, Method, StatusCode, header};
use poem::{Endpoint, EndpointExt, IntoEndpoint, Request, Response, Result};
use service::{Code, Error};

use super::call::Call;
use super::problem;

/// Endpoints by method.
#[derive(Default)]
pub struct Methods {
    list: Vec<(Method, BoxEndpoint<'static>)>,
}

impl std::fmt::Debug for Methods {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Methods").field(&self.allow()).finish()
    }
}

impl Methods {
    /// A route without methods.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a method.
    #[must_use]
    pub fn on<E>(mut self, method: Method, endpoint: E) -> Self
    where
        E: IntoEndpoint,
        E::Endpoint: 'static,
    {
        self.list.push((method, endpoint.into_endpoint().map_to_response().boxed()));
        self
    }

    /// Adds `GET`, and with it `HEAD`.
    #[must_use]
    pub fn get<E>(self, endpoint: E) -> Self
    where
        E: IntoEndpoint,
        E::Endpoint: 'static,
    {
        self.on(Method::GET, endpoint)
    }

    /// Adds `POST`.
    #[must_use]
    pub fn post<E>(self, endpoint: E) -> Self
    where
        E: IntoEndpoint,
        E::Endpoint: 'static,
    {
        self.on(Method::POST, endpoint)
    }

    fn allow(&self) -> String {
        let mut names = Vec::new();
        for (method, _) in &self.list {
            names.push(method.as_str());
            if *method == Method::GET {
                names.push("HEAD");
            }
        }
        names.push("OPTIONS");
        names.join(", ")
    }
}

impl Endpoint for Methods {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        // The connection leaves the body out of an answer to HEAD, and keeps its length.
        let asked = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
        if let Some((_, endpoint)) = self.list.iter().find(|(method, _)| method == asked) {
            return endpoint.call(request).await;
        }
        if request.method() == Method::OPTIONS {
            let mut response = StatusCode::NO_CONTENT.into();
            set_allow(&mut response, &self.allow());
            return Ok(response);
        }
        Ok(refuse(&Call::of(&request), &self.allow()))
    }
}

/// 405, with the methods there are: `GET, HEAD, POST`.
#[must_use]
pub fn refuse(call: &Call, allow: &str) -> Response {
    let error = Error::new(Code::MethodNotAllowed, "This path does not take this method.")
        .hint(format!("It takes: {allow}."));
    let mut response = problem::response(&error, call);
    set_allow(&mut response, allow);
    response
}

fn set_allow(response: &mut Response, allow: &str) {
    if let Ok(value) = HeaderValue::from_str(allow) {
        response.headers_mut().insert(header::ALLOW, value);
    }
}

#[cfg(test)]
mod tests {
    use poem::endpoint::make_sync;

    use super::*;

    async fn ask(method: Method) -> Response {
        let route = Methods::new().get(make_sync(|_| "yes")).post(make_sync(|_| "done"));
        route.get_response(Request::builder().method(method).finish()).await
    }

    #[tokio::test]
    async fn methods_are_told_apart_and_named() {
        assert_eq!(ask(Method::GET).await.status(), 200);
        assert_eq!(ask(Method::HEAD).await.status(), 200);
        assert_eq!(ask(Method::POST).await.status(), 200);
        let options = ask(Method::OPTIONS).await;
        assert_eq!(
            (options.status().as_u16(), options.header("allow")),
            (204, Some("GET, HEAD, POST, OPTIONS"))
        );
        let refused = ask(Method::DELETE).await;
        assert_eq!(
            (refused.status().as_u16(), refused.header("allow")),
            (405, Some("GET, HEAD, POST, OPTIONS"))
        );
        assert_eq!(refused.content_type(), Some(problem::MEDIA_TYPE));
    }
}
