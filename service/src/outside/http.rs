//! The one HTTP client for all calls to identity providers: short, bounded, JSON only, no redirects, no proxies.

use std::pin::Pin;
use std::time::Duration;

use openidconnect::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use openidconnect::http::{HeaderValue, Request, Response, StatusCode};
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use serde::de::DeserializeOwned;
use url::{Host, Url};

use crate::error::{Error, Result};

/// Bytes of an answer's body that are read at most.
pub const LARGEST_BODY: usize = 256 * 1024;

/// Why a call had no good end. None of them tells what was sent or what came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The address is none that may be called.
    #[error("the address is not https, or is none at all")]
    Address,
    /// There was no connection, or it broke.
    #[error("the provider can't be reached")]
    Unreachable,
    /// It took too long.
    #[error("the provider does not answer in time")]
    Slow,
    /// It answered with its own trouble, with this status.
    #[error("the provider answered with status {0}")]
    Status(u16),
    /// It wanted to send us elsewhere.
    #[error("the provider answered with a redirect")]
    Redirect,
    /// The body is larger than [`LARGEST_BODY`].
    #[error("the provider's answer is too large")]
    TooLarge,
    /// The body is not JSON, or not of the shape it has to be.
    #[error("the provider's answer is not understood")]
    NotUnderstood,
}

impl Failure {
    /// Whether trying again later may help.
    #[must_use]
    pub fn is_temporary(self) -> bool {
        match self {
            Self::Unreachable | Self::Slow => true,
            Self::Status(status) => status >= 500 || status == 429,
            Self::Address | Self::Redirect | Self::TooLarge | Self::NotUnderstood => false,
        }
    }
}

/// How long a call may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For a connection, and between two pieces of an answer.
    pub(super) step: Duration,
    /// In all.
    pub(super) whole: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { step: Duration::from_secs(5), whole: Duration::from_secs(10) }
    }
}

/// Calls identity providers. A cheap clone: the connections are shared.
#[derive(Debug, Clone)]
pub struct Client {
    client: reqwest::Client,
    development: bool,
}

impl Client {
    /// A client for `https`; in development, for `http` of this machine (loopback addresses) too.
    ///
    /// # Errors
    /// `INTERNAL` when the system's certificates can't be loaded.
    pub fn new(development: bool) -> Result<Self> {
        Self::with_patience(development, Patience::default())
    }

    pub(super) fn with_patience(development: bool, patience: Patience) -> Result<Self> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("launchway/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            // What is counted is what was sent: an answer can't grow after it was counted.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .pool_max_idle_per_host(4)
            .connect_timeout(patience.step)
            .read_timeout(patience.step)
            .timeout(patience.whole)
            .build()
            .map_err(Error::internal)?;
        Ok(Self { client, development })
    }

    /// Whether such an address may be called.
    #[must_use]
    pub fn allows(&self, url: &Url) -> bool {
        let credentials = !url.username().is_empty() || url.password().is_some();
        let scheme = match url.scheme() {
            "https" => true,
            "http" => self.development && is_loopback(url),
            _ => false,
        };
        scheme && url.has_host() && !credentials
    }

    /// An address that may be called.
    ///
    /// # Errors
    /// [`Failure::Address`] for any other.
    pub fn address(&self, text: &str) -> Result<Url, Failure> {
        Url::parse(text).ok().filter(|url| self.allows(url)).ok_or(Failure::Address)
    }

    /// The JSON at an address, asked for with this bearer token where there is one.
    ///
    /// # Errors
    /// Whatever hinders it: only an answer with status 200 is good.
    pub async fn json<T: DeserializeOwned>(&self, url: &Url, bearer: Option<&str>) -> Result<T, Failure> {
        let mut request = Request::get(url.as_str()).body(Vec::new()).map_err(|_| Failure::Address)?;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(bearer) = bearer {
            let mut value =
                HeaderValue::from_str(&format!("Bearer {bearer}")).map_err(|_| Failure::NotUnderstood)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let response = self.send(request).await?;
        if response.status() != StatusCode::OK {
            return Err(Failure::Status(response.status().as_u16()));
        }
        serde_json::from_slice(response.body()).map_err(|_| Failure::NotUnderstood)
    }

    /// One request, and its answer: JSON, with a status of the client's side or a good one.
    ///
    /// # Errors
    /// Whatever hinders it.
    pub async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Failure> {
        self.address(&request.uri().to_string())?;
        let request = reqwest::Request::try_from(request).map_err(|_| Failure::Address)?;
        let mut answer = self.client.execute(request).await.map_err(|error| failure(&error))?;
        let status = answer.status();
        if status.is_redirection() {
            return Err(Failure::Redirect);
        }
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Failure::Status(status.as_u16()));
        }
        if !is_json(answer.headers()) {
            return Err(if status.is_success() {
                Failure::NotUnderstood
            } else {
                Failure::Status(status.as_u16())
            });
        }
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| failure(&error))? {
            if piece.len() > LARGEST_BODY - body.len() {
                return Err(Failure::TooLarge);
            }
            body.extend_from_slice(&piece);
        }
        let mut response = Response::new(body);
        *response.status_mut() = status;
        // The only one that is looked at further on.
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(response)
    }
}

impl<'c> AsyncHttpClient<'c> for Client {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Failure>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// `application/json`, and the types that are JSON under a name of their own.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn failure(error: &reqwest::Error) -> Failure {
    if error.is_timeout() { Failure::Slow } else { Failure::Unreachable }
}
