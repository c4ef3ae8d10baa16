//! What a token endpoint answers. The library has a type for it, which reads the claims of the ID token too and gives up
//! at any that has an unusual shape; here it stays text until its signature is checked.

use std::fmt;
use std::time::Duration;

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreRevocableToken,
    CoreRevocationErrorResponse, CoreTokenIntrospectionResponse,
};
use openidconnect::{
    AccessToken, Client, EmptyAdditionalClaims, EndpointNotSet, IdToken, OAuth2TokenResponse, RefreshToken,
    Scope, StandardErrorResponse, TokenResponse, TokenType,
};
use serde::{Deserialize, Serialize};

/// The library's client, with this answer and two addresses that are set or not.
pub(super) type OpenIdClient<Authorization = EndpointNotSet, Token = EndpointNotSet> = Client<
    EmptyAdditionalClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Answer,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    Authorization,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    Token,
    EndpointNotSet,
>;

/// The answer.
#[derive(Serialize, Deserialize)]
pub(super) struct Answer {
    access_token: AccessToken,
    token_type: Kind,
    #[serde(default)]
    id_token: Option<String>,
}

/// What kind of token it gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kind(String);

impl TokenType for Kind {}

impl Answer {
    /// The ID token, of which nothing is checked.
    pub(super) fn into_id_token(self) -> Option<String> {
        self.id_token
    }

    /// Whether whoever has the access token may use it: the only kind that is used here.
    pub(super) fn is_bearer(&self) -> bool {
        self.token_type.0.eq_ignore_ascii_case("bearer")
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}

impl OAuth2TokenResponse for Answer {
    type TokenType = Kind;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &Kind {
        &self.token_type
    }

    fn expires_in(&self) -> Option<Duration> {
        None
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        None
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

impl
    TokenResponse<
        EmptyAdditionalClaims,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    > for Answer
{
    fn id_token(
        &self,
    ) -> Option<
        &IdToken<
            EmptyAdditionalClaims,
            CoreGenderClaim,
            CoreJweContentEncryptionAlgorithm,
            CoreJwsSigningAlgorithm,
        >,
    > {
        None
    }
}
