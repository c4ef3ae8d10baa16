//! Accounts for tests: signed up, proved by mail, signed in; and every operation on them through either API.

use std::ops::Deref;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{Actor, App, Mailbox, Response};

/// The password of everybody who is signed up here.
pub const PASSWORD: &str = "correct horse battery staple";

/// The operations: GraphQL's mutation, REST's method and path below `/auth`, and what is selected of the answer.
pub const OPERATIONS: &[(&str, &str, &str, &str)] = &[
    ("signUp", "POST", "/sign-up", "message"),
    ("verifyEmail", "POST", "/verify-email", TOKENS),
    ("resendVerification", "POST", "/verify-email/resend", "message"),
    ("signIn", "POST", "/sign-in", TOKENS),
    ("exchangeCode", "POST", "/exchange", TOKENS),
    ("refreshTokens", "POST", "/refresh", TOKENS),
    ("signOut", "POST", "/sign-out", "message"),
    ("changePassword", "POST", "/password", "message"),
    ("forgotPassword", "POST", "/password/forgot", "message"),
    ("resetPassword", "POST", "/password/reset", "message deviceToken"),
    ("changeEmail", "POST", "/email", "message"),
    ("confirmEmail", "POST", "/email/confirm", "message"),
    ("deleteAccount", "POST", "/delete-account", "message"),
    ("startTotp", "POST", "/totp", "secret url"),
    ("confirmTotp", "POST", "/totp/confirm", "recoveryCodes"),
    ("removeTotp", "POST", "/totp/remove", "message"),
    ("makeRecoveryCodes", "POST", "/totp/recovery-codes", "recoveryCodes"),
    ("unlinkIdentity", "DELETE", "/identities/{id}", "message"),
    ("revokeSession", "DELETE", "/sessions/{id}", "message"),
    ("createApiKey", "POST", "/keys", "id key prefix scopes"),
    ("revokeApiKey", "DELETE", "/keys/{id}", "message"),
    ("createOrganization", "POST", "/organizations", "id name"),
    ("useOrganization", "POST", "/organizations/use", "message"),
    ("leaveOrganization", "POST", "/organizations/leave", "message"),
    ("transferOrganization", "POST", "/organizations/transfer", "message"),
    ("deleteOrganization", "POST", "/organizations/delete", "message"),
    ("inviteMember", "POST", "/invitations", "id email role"),
    ("acceptInvitation", "POST", "/invitations/accept", "organization role"),
    ("revokeInvitation", "DELETE", "/invitations/{id}", "message"),
    ("changeMemberRole", "PATCH", "/memberships/{id}", "message"),
    ("removeMember", "DELETE", "/memberships/{id}", "message"),
    ("changeUser", "PATCH", "/users/{id}", "message"),
];

const TOKENS: &str = "tokenType expiresIn accessToken refreshToken deviceToken";

/// One of the two APIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// `/auth/…`
    Rest,
    /// A mutation.
    Graphql,
}

impl Door {
    /// Both.
    pub const ALL: [Door; 2] = [Door::Rest, Door::Graphql];

    /// Asks for an operation.
    pub async fn ask(self, actor: &Actor, name: &str, input: Value) -> Response {
        let (_, method, path, selection) = *operation(name);
        match self {
            Door::Rest => {
                let mut input = input;
                let id = input.as_object_mut().and_then(|input| input.remove("id"));
                let id = id.as_ref().and_then(Value::as_str).unwrap_or_default();
                let path = format!("/auth{}", path.replace("{id}", id));
                match method {
                    "DELETE" => actor.delete(&path).await,
                    _ => actor.json(method, &path, input).await,
                }
            }
            Door::Graphql => {
                actor.graphql(&format!("mutation {{ {} }}", mutation(name, &input, selection))).await
            }
        }
    }

    /// Asks, and takes the answer that is good.
    pub async fn good(self, actor: &Actor, name: &str, input: Value) -> Value {
        let reply = self.ask(actor, name, input).await.good();
        match self {
            Door::Rest => reply.json(),
            Door::Graphql => reply.data()[name].clone(),
        }
    }
}

/// An operation of the table.
///
/// # Panics
/// When there is none of the name.
#[must_use]
pub fn operation(name: &str) -> &'static (&'static str, &'static str, &'static str, &'static str) {
    OPERATIONS.iter().find(|(known, ..)| *known == name).unwrap_or_else(|| panic!("no operation {name}"))
}

/// A mutation with its inputs as literals, without the braces around it.
#[must_use]
pub fn mutation(name: &str, input: &Value, selection: &str) -> String {
    let given: Vec<String> =
        input.as_object().into_iter().flatten().map(|(name, value)| format!("{name}: {value}")).collect();
    let given = if given.is_empty() { String::new() } else { format!("({})", given.join(", ")) };
    format!("{name}{given} {{ {selection} }}")
}

/// Makes users of a program whose mail goes to a mailbox.
#[derive(Debug, Clone, Copy)]
pub struct Accounts<'a> {
    app: &'a App,
    mailbox: &'a Mailbox,
}

/// A user who is signed in; asks as an [`Actor`] does.
#[derive(Debug, Clone)]
pub struct Person {
    /// With the access token.
    pub actor: Actor,
    /// The address.
    pub email: String,
    /// The id of the user.
    pub id: String,
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
    /// The secret of the device; empty after a sign-up.
    pub device: String,
}

impl Deref for Person {
    type Target = Actor;

    fn deref(&self) -> &Actor {
        &self.actor
    }
}

impl<'a> Accounts<'a> {
    /// Of a running program that sends its mail to this mailbox.
    #[must_use]
    pub fn start(app: &'a App, mailbox: &'a Mailbox) -> Self {
        Self { app, mailbox }
    }

    /// Signs up, takes the code from the mail, and proves the address.
    pub async fn sign_up(&self, email: &str) -> Person {
        let anyone = self.app.anyone();
        let _ = anyone.post("/auth/sign-up", json!({ "email": email, "password": PASSWORD })).await.is(200);
        let body = json!({ "token": self.code(email).await, "password": PASSWORD });
        let tokens = anyone.post("/auth/verify-email", body).await.is(200).json();
        self.person(email, &tokens).await
    }

    /// Signs in with the password that everybody has.
    pub async fn sign_in(&self, email: &str) -> Person {
        let body = json!({ "email": email, "password": PASSWORD });
        let tokens = self.app.anyone().post("/auth/sign-in", body).await.is(200).json();
        self.person(email, &tokens).await
    }

    /// Signs up and makes an organization; gives its id too.
    pub async fn owner(&self, email: &str) -> (Person, String) {
        let owner = self.sign_up(email).await;
        let made = owner.post("/auth/organizations", json!({ "name": format!("of {email}") })).await.is(201);
        (owner, made.json()["id"].as_str().expect("an id").to_owned())
    }

    /// Signs up and joins the organization that the inviter acts for; gives the id of the membership too.
    pub async fn member(&self, inviter: &Actor, email: &str, role: &str) -> (Person, String) {
        let person = self.sign_up(email).await;
        let membership = self.join(inviter, &person, role).await;
        (person, membership)
    }

    /// Makes somebody join the organization that the inviter acts for; gives the id of the membership.
    pub async fn join(&self, inviter: &Actor, person: &Person, role: &str) -> String {
        let asked = json!({ "email": person.email, "role": role });
        let _ = inviter.post("/auth/invitations", asked).await.is(201);
        let accepted = json!({ "token": self.code(&person.email).await });
        let joined = person.post("/auth/invitations/accept", accepted).await.is(200).json();
        let path = format!("/v1/organizationMemberships?user={}", person.id);
        let rows = person.get(&path).await.is(200).json();
        let rows = rows["data"].as_array().expect("memberships").clone();
        let row = rows.iter().find(|row| *of(row, "organization") == joined["organization"]);
        row.and_then(|row| row["id"].as_str())
            .unwrap_or_else(|| panic!("no membership in {rows:?}"))
            .to_owned()
    }

    /// The code of the next mail to an address.
    pub async fn code(&self, email: &str) -> String {
        let mail = self.mailbox.wait(email).await;
        mail.code.unwrap_or_else(|| panic!("no code in\n{}", mail.text))
    }

    /// Somebody who has just been given tokens.
    pub async fn person(&self, email: &str, tokens: &Value) -> Person {
        let text = |name: &str| tokens[name].as_str().unwrap_or_default().to_owned();
        let access = text("accessToken");
        let actor = bearer(self.app, &access);
        let me = actor.get("/auth/me").await.is(200).json();
        let id = me["user"]["id"].as_str().expect("the user's id").to_owned();
        let (refresh, device) = (text("refreshToken"), text("deviceToken"));
        Person { actor, email: email.to_owned(), id, access, refresh, device }
    }
}

/// The id of a relation, however it is shown.
fn of<'a>(row: &'a Value, relation: &str) -> &'a Value {
    match &row[relation] {
        Value::Object(row) => &row["id"],
        id => id,
    }
}

/// Somebody who shows a token or a key.
#[must_use]
pub fn bearer(app: &App, token: &str) -> Actor {
    app.anyone().with("authorization", &format!("Bearer {token}"))
}

/// A value that has to be a text.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// Asks again until something holds.
///
/// # Panics
/// When it does not within half a minute.
pub async fn until(holds: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds().await {
        assert!(Instant::now() < deadline, "it does not come to hold");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
