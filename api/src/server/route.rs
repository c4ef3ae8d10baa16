//! Which endpoint answers a path: a short table of exact paths and of folders.

use poem::endpoint::BoxEndpoint;
use poem::{Endpoint, EndpointExt, IntoEndpoint, Request, Response, Result};
use service::{Code, Error};

use crate::http::{Call, problem};

/// The table. A dozen entries: looking through them costs less than hashing a path.
#[derive(Default)]
pub struct Routes {
    exact: Vec<(&'static str, BoxEndpoint<'static>)>,
    folders: Vec<(&'static str, BoxEndpoint<'static>)>,
}

impl std::fmt::Debug for Routes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.exact.iter().chain(&self.folders).map(|(path, _)| path);
        f.debug_list().entries(names).finish()
    }
}

impl Routes {
    /// A table without routes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers exactly this path.
    #[must_use]
    pub fn at<E>(mut self, path: &'static str, endpoint: E) -> Self
    where
        E: IntoEndpoint,
        E::Endpoint: 'static,
    {
        self.exact.push((path, endpoint.into_endpoint().map_to_response().boxed()));
        self
    }

    /// Answers this path and everything beneath it. The endpoint reads the rest of the path itself, and names the
    /// route it found with [`Call::set_route`].
    #[must_use]
    pub fn under<E>(mut self, path: &'static str, endpoint: E) -> Self
    where
        E: IntoEndpoint,
        E::Endpoint: 'static,
    {
        self.folders.push((path, endpoint.into_endpoint().map_to_response().boxed()));
        self
    }

    fn find(&self, path: &str) -> Option<(Option<&'static str>, &BoxEndpoint<'static>)> {
        if let Some((pattern, endpoint)) = self.exact.iter().find(|(pattern, _)| *pattern == path) {
            return Some((Some(pattern), endpoint));
        }
        let beneath = |pattern: &str| {
            path.strip_prefix(pattern).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.folders.iter().find(|(pattern, _)| beneath(pattern)).map(|(_, endpoint)| (None, endpoint))
    }
}

impl Endpoint for Routes {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let Some((pattern, endpoint)) = self.find(request.uri().path()) else {
            return Ok(nothing(&Call::of(&request)));
        };
        if let (Some(pattern), Some(call)) = (pattern, request.data::<Call>()) {
            call.set_route(pattern);
        }
        endpoint.call(request).await
    }
}

/// 404 for a path that is no route.
#[must_use]
pub fn nothing(call: &Call) -> Response {
    let error = Error::new(Code::NoSuchRoute, "There is nothing at this path.")
        .hint("GraphQL is at /graphql, REST under /v1, its reference at /docs.");
    problem::response(&error, call)
}

#[cfg(test)]
mod tests {
    use poem::endpoint::make_sync;
    use poem::http::Uri;

    use super::*;

    #[tokio::test]
    async fn exact_paths_and_folders() {
        let routes = Routes::new()
            .at("/graphql", make_sync(|_| "graphql"))
            .under("/v1", make_sync(|request: Request| request.uri().path().to_owned()));
        for (path, status) in [
            ("/graphql", 200),
            ("/graphql/", 404),
            ("/v1", 200),
            ("/v1/tracks/1", 200),
            ("/v10", 404),
            ("/", 404),
            ("/v1//../etc", 200),
        ] {
            let request = Request::builder().uri(Uri::from_static(path)).finish();
            assert_eq!(routes.get_response(request).await.status(), status, "{path}");
        }
    }
}
