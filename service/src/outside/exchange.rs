//! The two steps of OAuth 2.0 with a browser between them: where to send it, and what its code is worth.

use openidconnect::core::{CoreAuthenticationFlow, CoreErrorResponseType};
use openidconnect::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointSet, IssuerUrl,
    JsonWebKeySet, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, Scope, TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::answer::OpenIdClient;
use super::discovery::Document;
use super::http::{Client, Failure};
use super::provider::{Begun, ProviderKind, ProviderSettings};
use crate::error::{Code, Error, Result};

/// The addresses of a provider.
#[derive(Debug)]
pub(super) struct Endpoints {
    pub(super) issuer: Url,
    pub(super) authorization: Url,
    pub(super) token: Url,
    /// Whether our secret goes into the body and not into the head.
    pub(super) secret_in_body: bool,
}

impl Endpoints {
    /// The addresses that a provider says.
    ///
    /// # Errors
    /// When one is missing or may not be called.
    pub(super) fn of(document: &Document, http: &Client) -> Result<Self, Failure> {
        let address = |text: &Option<String>| http.address(text.as_deref().unwrap_or_default());
        let methods = document.token_endpoint_auth_methods_supported.as_deref().unwrap_or_default();
        let takes = |method: &str| methods.iter().any(|one| one == method);
        Ok(Self {
            issuer: http.address(&document.issuer)?,
            authorization: address(&document.authorization_endpoint)?,
            token: address(&document.token_endpoint)?,
            secret_in_body: takes("client_secret_post") && !takes("client_secret_basic"),
        })
    }
}

/// What a code was worth.
pub(super) struct Tokens {
    pub(super) access: SecretString,
    pub(super) id: Option<SecretString>,
}

/// Why a code was worth nothing.
#[derive(Debug, Clone, Copy)]
pub(super) enum Refused {
    /// The call had no good end.
    Failure(Failure),
    /// We are not known there.
    Client,
    /// The code is not good, or was used before.
    Code,
}

/// Where to send the browser.
///
/// # Errors
/// `BAD_VALUE` when `redirect_uri` is no address.
pub(super) fn begin(
    settings: &ProviderSettings,
    scopes: &[String],
    endpoints: &Endpoints,
    redirect_uri: &str,
) -> Result<Begun> {
    let client = client(settings, endpoints, redirect_uri)?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let flow = CoreAuthenticationFlow::AuthorizationCode;
    let (url, state, nonce) = client
        .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
        // This one goes along by itself, where it is wanted.
        .add_scopes(scopes.iter().filter(|scope| *scope != "openid").cloned().map(Scope::new))
        .set_pkce_challenge(challenge)
        .url();
    Ok(Begun {
        url,
        state: state.into_secret(),
        nonce: SecretString::from(nonce.secret().clone()),
        verifier: SecretString::from(verifier.into_secret()),
    })
}

/// Gives the code of a callback for tokens.
///
/// # Errors
/// `BAD_VALUE` when `redirect_uri` is no address. Inside: why the provider gave nothing.
pub(super) async fn exchange(
    settings: &ProviderSettings,
    http: &Client,
    endpoints: &Endpoints,
    redirect_uri: &str,
    code: &str,
    verifier: &SecretString,
) -> Result<Result<Tokens, Refused>> {
    let client = client(settings, endpoints, redirect_uri)?;
    let answer = client
        .exchange_code(AuthorizationCode::new(code.to_owned()))
        .set_pkce_verifier(PkceCodeVerifier::new(verifier.expose_secret().to_owned()))
        .request_async(http)
        .await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(RequestTokenError::Request(failure)) => return Ok(Err(Refused::Failure(failure))),
        Err(RequestTokenError::ServerResponse(response)) => {
            return Ok(Err(match response.error() {
                CoreErrorResponseType::InvalidClient | CoreErrorResponseType::UnauthorizedClient => {
                    Refused::Client
                }
                _ => Refused::Code,
            }));
        }
        // These hold what was answered: it goes no further.
        Err(RequestTokenError::Parse(..) | RequestTokenError::Other(_)) => {
            return Ok(Err(Refused::Failure(Failure::NotUnderstood)));
        }
    };
    if !answer.is_bearer() {
        return Ok(Err(Refused::Failure(Failure::NotUnderstood)));
    }
    let access = SecretString::from(answer.access_token().secret().clone());
    Ok(Ok(Tokens { access, id: answer.into_id_token().map(SecretString::from) }))
}

/// The library's client: made for each step, for it is only a handful of texts.
fn client(
    settings: &ProviderSettings,
    endpoints: &Endpoints,
    redirect_uri: &str,
) -> Result<OpenIdClient<EndpointSet, EndpointSet>> {
    let redirect = RedirectUrl::new(redirect_uri.to_owned())
        .map_err(|_| Error::new(Code::BadValue, "The address to come back to is none.").at("redirect_uri"))?;
    let (issuer, keys) = (IssuerUrl::from_url(endpoints.issuer.clone()), JsonWebKeySet::new(Vec::new()));
    let client = OpenIdClient::new(ClientId::new(settings.client_id.clone()), issuer, keys)
        .set_auth_uri(AuthUrl::from_url(endpoints.authorization.clone()))
        .set_token_uri(TokenUrl::from_url(endpoints.token.clone()))
        .set_redirect_uri(redirect);
    let client = match settings.client_secret.expose_secret() {
        "" => client.set_auth_type(AuthType::RequestBody),
        secret => client.set_client_secret(ClientSecret::new(secret.to_owned())),
    };
    let client = match endpoints.secret_in_body {
        true => client.set_auth_type(AuthType::RequestBody),
        false => client,
    };
    Ok(match settings.kind {
        ProviderKind::Github => client.disable_openid_scope(),
        ProviderKind::Google | ProviderKind::OpenId => client,
    })
}
