//! What can be done under `/auth`: one table, which REST's routes, GraphQL's mutations and the API's document are made of.

use std::net::IpAddr;

use chrono::{DateTime, Datelike, Utc};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::Auth;
use super::account::NewAccount;
use super::key::NewKey;
use super::session::Cookie;
use crate::access;
use crate::error::{Code, Error, Result};
use crate::principal::{Kind as Proof, Principal};

/// Characters of one value.
const LONGEST: usize = 4_096;

/// Items of a list.
const ITEMS: usize = 100;

/// Who asks for an operation, and from where.
#[derive(Debug, Clone)]
pub struct Caller {
    /// As the credentials proved.
    pub principal: Principal,
    /// The address of the client.
    pub address: Option<String>,
    /// The program, as it calls itself.
    pub user_agent: Option<String>,
    /// The trace of the request.
    pub trace: Option<String>,
    /// The secret of a device that signed in before.
    pub device: Option<String>,
}

impl Caller {
    /// The operator at the machine itself.
    #[must_use]
    pub fn operator() -> Self {
        Self { principal: Principal::Admin, address: None, user_agent: None, trace: None, device: None }
    }

    /// The user who is signed in.
    pub(super) fn user(&self) -> Result<Uuid> {
        match self.principal.subject() {
            Some(subject) if subject.kind == Proof::User => {
                subject.user.ok_or_else(|| access::closed(&self.principal, "do this"))
            }
            _ => Err(access::closed(&self.principal, "do this; sign in")),
        }
    }

    /// The session of the user.
    pub(super) fn session(&self) -> Option<Uuid> {
        self.principal.subject().and_then(|subject| subject.session)
    }

    /// The organization the caller acts for.
    pub(super) fn organization(&self) -> Result<Uuid> {
        self.user()?;
        let organization = self.principal.subject().and_then(|subject| subject.organization.as_ref());
        organization.map(|organization| organization.id).ok_or_else(|| {
            Error::new(Code::OrganizationRequired, "You act for no organization.")
                .hint("Name one of yours in `X-Organization`, or make one.")
        })
    }

    /// The organization the caller acts for as its owner or one of its administrators.
    pub(super) fn manages(&self) -> Result<Uuid> {
        self.acts_as(&["owner", "admin"])
    }

    /// The organization the caller acts for as its owner.
    pub(super) fn owns(&self) -> Result<Uuid> {
        self.acts_as(&["owner"])
    }

    fn acts_as(&self, roles: &[&str]) -> Result<Uuid> {
        let organization = self.organization()?;
        let subject = self.principal.subject();
        let role = subject.and_then(|subject| subject.organization.as_ref()?.role.as_deref());
        match role.is_some_and(|role| roles.contains(&role)) {
            true => Ok(organization),
            false => Err(Error::new(Code::Forbidden, "Your role in the organization does not allow this.")),
        }
    }

    /// The network the caller is in: an address, or the 64 bits of an IPv6 address that a line is given.
    pub(super) fn network(&self) -> Option<String> {
        match self.address.as_ref()?.parse().ok()? {
            IpAddr::V4(address) => Some(address.to_string()),
            IpAddr::V6(address) => match address.to_ipv4_mapped() {
                Some(address) => Some(address.to_string()),
                None => {
                    let bits = u128::from(address) >> 64;
                    Some(format!("{bits:x}/64"))
                }
            },
        }
    }
}

/// What came of an operation.
#[derive(Debug)]
pub struct Done {
    /// The answer.
    pub body: Json,
    /// Whether something was made that was not there.
    pub created: bool,
    /// What becomes of the cookie of a browser's session.
    pub cookie: Option<Cookie>,
}

impl Done {
    pub(super) fn of(body: Json) -> Self {
        Self { body, created: false, cookie: None }
    }

    pub(super) fn created(body: Json) -> Self {
        Self { created: true, ..Self::of(body) }
    }

    pub(super) fn accepted(message: &str) -> Self {
        Self::of(json!({ "message": message }))
    }

    /// Adds the secret by which this device is known from now on.
    pub(super) fn device(&mut self, secret: &str) {
        if let Json::Object(body) = &mut self.body {
            body.insert("deviceToken".to_owned(), Json::from(secret));
        }
    }
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A secret: never logged, never shown.
    Secret,
    /// An e-mail address.
    Email,
    /// An id.
    Id,
    /// A number.
    Number,
    /// Yes or no.
    Flag,
    /// A time.
    Time,
    /// A list of texts.
    Texts,
}

/// A value that an operation takes or gives.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name in both APIs.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Whether it is always there.
    pub required: bool,
    /// What it means.
    pub about: &'static str,
}

/// What an operation answers: a named type.
#[derive(Debug)]
pub struct Answer {
    /// Its name in both APIs.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Its fields.
    pub fields: &'static [Field],
}

/// Something that can be done.
#[derive(Debug)]
pub struct Operation {
    /// GraphQL's mutation.
    pub name: &'static str,
    /// REST's method.
    pub method: &'static str,
    /// REST's path below `/auth`; `{id}` is an input.
    pub path: &'static str,
    /// What it does.
    pub about: &'static str,
    /// What it takes.
    pub takes: &'static [Field],
    /// What it gives.
    pub gives: &'static Answer,
    /// Whether nobody needs to be signed in.
    pub open: bool,
    /// Whether each try counts at the address it comes from, with the wrong attempts to sign in.
    pub counted: bool,
}

impl Operation {
    /// Whether an operation is there for a caller at all.
    #[must_use]
    pub fn is_offered(&self, principal: &Principal) -> bool {
        match self.name {
            "changeUser" => principal.is_admin(),
            "revokeApiKey" if principal.is_admin() => true,
            _ => {
                let user = principal.subject().is_some_and(|subject| subject.kind == Proof::User);
                self.open || user
            }
        }
    }
}

/// The operation of a GraphQL mutation.
#[must_use]
pub fn named(name: &str) -> Option<&'static Operation> {
    super::OPERATIONS.iter().find(|operation| operation.name == name)
}

/// The inputs of an operation, checked.
struct Given<'a>(&'a Map<String, Json>);

impl Given<'_> {
    fn text(&self, name: &str) -> &str {
        self.maybe(name).unwrap_or_default()
    }

    fn maybe(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Json::as_str)
    }

    fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Json::as_bool).unwrap_or_default()
    }

    fn id(&self, name: &str) -> Option<Uuid> {
        self.maybe(name).and_then(|text| Uuid::parse_str(text).ok())
    }

    fn needed(&self, name: &str) -> Uuid {
        self.id(name).unwrap_or_default()
    }

    fn time(&self, name: &str) -> Option<DateTime<Utc>> {
        self.maybe(name).and_then(|text| DateTime::parse_from_rfc3339(text).ok()).map(|time| time.to_utc())
    }

    fn texts(&self, name: &str) -> Option<Vec<String>> {
        let items = self.0.get(name)?.as_array()?;
        Some(items.iter().filter_map(Json::as_str).map(str::to_owned).collect())
    }
}

impl Operation {
    /// Checks that the inputs are those that the operation takes.
    ///
    /// # Errors
    /// All that is wrong with them, each with its place.
    fn check(&self, input: &Map<String, Json>) -> Result<()> {
        let mut errors = Vec::new();
        for name in input.keys().filter(|name| !self.takes.iter().any(|field| field.name == **name)) {
            let names: Vec<&str> = self.takes.iter().map(|field| field.name).collect();
            let mut error =
                Error::new(Code::UnknownField, format!("There is no `{}`.", entity::value::excerpt(name)));
            if let Some(hint) = entity::suggest::hint(name, names) {
                error = error.hint(hint);
            }
            errors.push(error.at(name.as_str()));
        }
        for field in self.takes {
            let wrong = match input.get(field.name) {
                None | Some(Json::Null) if field.required => {
                    Some(Error::new(Code::Required, format!("`{}` is required.", field.name)))
                }
                None | Some(Json::Null) => None,
                Some(value) => field.kind.wrong(value).map(|message| Error::new(Code::BadValue, message)),
            };
            errors.extend(wrong.map(|error| error.at(field.name)));
        }
        Error::together(errors)
    }
}

impl Kind {
    /// What is wrong with a value, where something is.
    fn wrong(self, value: &Json) -> Option<String> {
        let text = value.as_str();
        let short = |text: &str| text.chars().count() <= LONGEST;
        let fine = match self {
            Kind::Secret => text.is_some_and(short),
            // PostgreSQL keeps no text with U+0000.
            Kind::Text | Kind::Email => text.is_some_and(|text| short(text) && !text.contains('\0')),
            Kind::Id => text.is_some_and(|text| text.len() == 36 && Uuid::parse_str(text).is_ok()),
            Kind::Number => value.is_i64(),
            Kind::Flag => value.is_boolean(),
            Kind::Time => text.and_then(|text| DateTime::parse_from_rfc3339(text).ok()).is_some_and(|time| {
                // What has more digits in UTC, no database reads again.
                (1..=9999).contains(&time.to_utc().year())
            }),
            Kind::Texts => value.as_array().is_some_and(|items| {
                items.len() <= ITEMS && items.iter().all(|item| item.as_str().is_some_and(short))
            }),
        };
        let expected = match self {
            Kind::Text | Kind::Secret | Kind::Email => "a text of at most 4096 characters",
            Kind::Id => "an id",
            Kind::Number => "a whole number",
            Kind::Flag => "true or false",
            Kind::Time => "a time, such as 2027-01-31T12:00:00Z",
            Kind::Texts => "a list of at most 100 texts",
        };
        (!fine).then(|| format!("Expected {expected}."))
    }
}

impl Auth {
    /// Does an operation.
    ///
    /// # Errors
    /// What is wrong with the inputs, what the caller may not do, and what each operation says.
    pub async fn run(
        &self,
        operation: &Operation,
        caller: &Caller,
        input: &Map<String, Json>,
    ) -> Result<Done> {
        operation.check(input)?;
        let given = Given(input);
        let mut caller = caller.clone();
        if let Some(device) = given.maybe("deviceToken") {
            caller.device = Some(device.to_owned());
        }
        let caller = &caller;
        if operation.counted {
            self.count(caller).await?;
        }
        let cookie = given.flag("cookie");
        match operation.name {
            "signUp" => {
                let new = NewAccount {
                    email: given.text("email"),
                    password: given.text("password"),
                    name: given.maybe("name"),
                    invitation: given.maybe("invitation"),
                };
                self.sign_up(caller, new).await
            }
            "verifyEmail" => {
                self.verify_email(caller, given.text("token"), given.text("password"), cookie).await
            }
            "resendVerification" => self.resend_verification(caller, given.text("email")),
            "signIn" => {
                let who = (given.text("email"), given.text("password"));
                self.sign_in(caller, who, given.maybe("code"), cookie).await
            }
            "refreshTokens" => self.refresh(caller, given.text("refreshToken")).await,
            "exchangeCode" => self.exchange(caller, given.text("code"), given.maybe("codeVerifier")).await,
            "unlinkIdentity" => self.unlink(caller, given.needed("id")).await,
            "signOut" => self.sign_out(caller, given.flag("everywhere")).await,
            "changePassword" => {
                self.change_password(caller, given.text("password"), given.text("newPassword")).await
            }
            "forgotPassword" => self.forgot_password(caller, given.text("email")),
            "resetPassword" => {
                self.reset_password(caller, given.text("token"), given.text("newPassword")).await
            }
            "changeEmail" => self.change_email(caller, given.text("email"), given.text("password")).await,
            "confirmEmail" => self.confirm_email(caller, given.text("token")).await,
            "deleteAccount" => self.delete_account(caller, given.text("password")).await,
            "startTotp" => self.start_totp(caller, given.text("password")).await,
            "confirmTotp" => self.confirm_totp(caller, given.text("code")).await,
            "removeTotp" => self.disable_totp(caller, given.text("password"), given.text("code")).await,
            "makeRecoveryCodes" => {
                self.recovery_codes(caller, given.text("password"), given.text("code")).await
            }
            "revokeSession" => self.revoke_session(caller, given.needed("id")).await,
            "createApiKey" => {
                let new = NewKey {
                    name: given.text("name").to_owned(),
                    scopes: given.texts("scopes").unwrap_or_default(),
                    expires_at: given.time("expiresAt"),
                    user: None,
                    organization: None,
                };
                self.create_key(caller, new, given.flag("organization")).await
            }
            "revokeApiKey" => self.revoke_key(caller, given.needed("id")).await,
            _ => self.of_organization(operation, caller, &given).await,
        }
    }

    async fn of_organization(
        &self,
        operation: &Operation,
        caller: &Caller,
        given: &Given<'_>,
    ) -> Result<Done> {
        match operation.name {
            "createOrganization" => self.create_organization(caller, given.text("name")).await,
            "useOrganization" => self.use_organization(caller, given.id("organization")).await,
            "leaveOrganization" => self.leave_organization(caller).await,
            "transferOrganization" => {
                self.transfer_organization(caller, given.needed("membership"), given.text("password")).await
            }
            "deleteOrganization" => self.delete_organization(caller, given.text("password")).await,
            "inviteMember" => self.invite(caller, given.text("email"), given.text("role")).await,
            "acceptInvitation" => self.accept_invitation(caller, given.text("token")).await,
            "revokeInvitation" => self.revoke_invitation(caller, given.needed("id")).await,
            "changeMemberRole" => self.change_role(caller, given.needed("id"), given.text("role")).await,
            "removeMember" => self.remove_member(caller, given.needed("id")).await,
            "changeUser" => {
                let disabled = given.0.get("disabled").and_then(Json::as_bool);
                self.change_user(caller, given.needed("id"), given.texts("roles"), disabled).await
            }
            other => Err(Error::internal(format!("{other} is in the table and nowhere else"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::OPERATIONS;
    use super::*;

    #[test]
    fn names_and_routes_are_there_once() {
        let names: HashSet<_> = OPERATIONS.iter().map(|operation| operation.name).collect();
        let routes: HashSet<_> =
            OPERATIONS.iter().map(|operation| (operation.method, operation.path)).collect();
        assert_eq!((names.len(), routes.len()), (OPERATIONS.len(), OPERATIONS.len()));
        for operation in OPERATIONS {
            assert_eq!(
                operation.path.contains("{id}"),
                operation.takes.iter().any(|field| field.name == "id")
            );
        }
    }

    #[test]
    fn a_network_is_an_address_or_half_of_one() {
        let network =
            |address: &str| Caller { address: Some(address.to_owned()), ..Caller::operator() }.network();
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:2"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(network("nonsense"), None);
    }
}
