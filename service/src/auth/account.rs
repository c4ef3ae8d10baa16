//! Accounts: made, proved, signed in to, changed, deleted. Nobody learns here whether an address has an account: the same
//! answer after the same time.

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::attempt::Attempt;
use super::operation::{Caller, Done};
use super::password::{self, Verdict};
use super::session::{self, Beginning};
use super::store::{Arg, Store, is_taken};
use super::user::{self, Credentials, Purpose};
use super::{Auth, SignUp, audit, bad_credentials};
use crate::error::{Code, Error, Result};
use crate::mail::Message;

/// What everybody is told who gives an address.
const SENT: &str = "If this address can be used, a mail with a code is on its way.";

/// What a sign-up says.
pub(super) struct NewAccount<'a> {
    pub(super) email: &'a str,
    pub(super) password: &'a str,
    pub(super) name: Option<&'a str>,
    /// The secret of an invitation, which proves the address it was sent to.
    pub(super) invitation: Option<&'a str>,
}

/// Characters of a user's name.
const NAME: usize = 200;

impl Auth {
    /// Makes an account whose address is to be proved.
    pub(super) async fn sign_up(&self, caller: &Caller, new: NewAccount<'_>) -> Result<Done> {
        let email = user::address(new.email)?;
        password::acceptable(new.password, &[&email, new.name.unwrap_or_default()], "password")?;
        match (self.0.settings.sign_up, new.invitation) {
            (SignUp::Open, _) | (SignUp::Invitation, Some(_)) => {}
            (SignUp::Invitation, None) => {
                return Err(Error::new(Code::SignUpClosed, "Accounts are made by invitation only."));
            }
            (SignUp::Closed, _) => {
                return Err(Error::new(Code::SignUpClosed, "Nobody can make an account here."));
            }
        }
        if new.name.is_some_and(|name| name.chars().count() > NAME) {
            let message = format!("A name has at most {NAME} characters.");
            return Err(Error::new(Code::BadValue, message).at("name"));
        }
        if let Some(invitation) = new.invitation {
            let mut store = self.store().await?;
            user::invited(&mut store, invitation, &email).await?;
            store.rollback().await?;
        }
        let hash = self.0.passwords.hash(new.password).await?;
        let (auth, caller, name) = (self.clone(), caller.clone(), new.name.map(str::to_owned));
        self.later(async move { auth.make_account(&caller, &email, &hash, name.as_deref()).await })?;
        Ok(Done::accepted(SENT))
    }

    /// Makes the account, or tells who has it by mail.
    async fn make_account(&self, caller: &Caller, email: &str, hash: &str, name: Option<&str>) -> Result<()> {
        let mut store = self.store().await?;
        let message = match user::by_email(&mut store, email).await? {
            Some(known) if known.verified => {
                let event = audit::Event::of("user.sign_up_repeated", known.user);
                audit::note(&mut store, caller, event).await?;
                Message::AccountExists
            }
            // Whoever did not prove the address has no account yet: the one who does chooses the password.
            Some(known) => self.prove(&mut store, known.user, hash, name).await?,
            None => match user::make(&mut store, Some(email), false, name).await {
                Ok(user) => {
                    audit::note(&mut store, caller, audit::Event::of("user.signed_up", user)).await?;
                    self.prove(&mut store, user, hash, name).await?
                }
                // Somebody else was quicker, with the same address.
                Err(error) if is_taken(&error) => return Ok(()),
                Err(error) => return Err(error),
            },
        };
        store.commit().await?;
        self.mail(email, message).await;
        Ok(())
    }

    /// Keeps the password beside the code that proves the address: whoever has both gets the account.
    async fn prove(&self, store: &mut Store, user: Uuid, hash: &str, name: Option<&str>) -> Result<Message> {
        let data = json!({ "password": hash, "name": name });
        let token = user::send(store, Purpose::VerifyEmail, Some(user), Some(&data)).await?;
        Ok(Message::VerifyEmail { token: token.into() })
    }

    /// Proves an address and signs in. The password has to be the one that was chosen when this very code was asked for:
    /// whoever makes an account with the address of somebody else gets nothing out of their clicking on the link.
    pub(super) async fn verify_email(
        &self,
        caller: &Caller,
        token: &str,
        password: &str,
        cookie: bool,
    ) -> Result<Done> {
        let attempt = self.attempt(caller, token).await?;
        let mut store = self.store().await?;
        let found = user::peek(&mut store, Purpose::VerifyEmail, token).await;
        store.rollback().await?;
        if found.is_err() {
            self.count(caller).await?;
        }
        let (_, data) = found?;
        let hash = data.get("password").and_then(Json::as_str);
        if self.0.passwords.verify(password, hash).await? == Verdict::Wrong {
            self.wrong(attempt).await;
            return Err(Error::new(Code::WrongPassword, "This is not the password that was chosen.")
                .hint("Sign up again to choose another one.")
                .at("password"));
        }
        let mut store = self.store().await?;
        let (user, _) = user::take(&mut store, Purpose::VerifyEmail, token).await?;
        let user = user.ok_or_else(|| Error::internal("a code without a user"))?;
        store.lock_user(user).await?;
        let known = user::by_id(&mut store, user).await?.ok_or_else(bad_credentials)?;
        if known.disabled {
            return Err(bad_credentials());
        }
        // Who proved the address before chose a password then, and changes it otherwise.
        if !known.verified {
            user::set_password(&mut store, user, hash).await?;
            if let Some(name) = data.get("name").and_then(Json::as_str) {
                let text = "update \"launchway_users\" set \"name\" = ? where \"id\" = ?";
                store.run(text, &[Arg::Text(name), Arg::Id(user)]).await?;
            }
            user::verified(&mut store, user).await?;
            user::withdraw(&mut store, user, &[Purpose::VerifyEmail]).await?;
        }
        audit::note(&mut store, caller, audit::Event::of("user.email_verified", user)).await?;
        let beginning = Beginning { user, method: "password", cookie };
        let done = self.begin_session(&mut store, caller, beginning).await?;
        store.commit().await?;
        Ok(done)
    }

    /// Sends the code again.
    pub(super) fn resend_verification(&self, caller: &Caller, email: &str) -> Result<Done> {
        let email = user::address(email)?;
        let (auth, caller) = (self.clone(), caller.clone());
        self.later(async move { auth.prove_again(&caller, &email).await })?;
        Ok(Done::accepted(SENT))
    }

    async fn prove_again(&self, caller: &Caller, email: &str) -> Result<()> {
        let mut store = self.store().await?;
        let known = user::by_email(&mut store, email).await?;
        let Some(known) = known.filter(|known| !known.verified) else { return store.rollback().await };
        // The password that waits for the proof stays the one that was chosen last.
        let text = "select \"data\" from \"launchway_tokens\" where \"user_id\" = ? and \"kind\" = ? order by \"expires_at\" desc limit 1";
        let row = store.one(text, &[Arg::Id(known.user), Arg::Text("verify_email")]).await?;
        let data = row.map(|row| row.maybe_text(0)).transpose()?.flatten();
        let data: Option<Json> = data.and_then(|text| serde_json::from_str(&text).ok());
        let token = user::send(&mut store, Purpose::VerifyEmail, Some(known.user), data.as_ref()).await?;
        audit::note(&mut store, caller, audit::Event::of("user.verification_sent", known.user)).await?;
        self.keep_and_mail(store, email, Message::VerifyEmail { token: token.into() }).await
    }

    /// Signs in with a password, and with a second factor where the user has one.
    pub(super) async fn sign_in(
        &self,
        caller: &Caller,
        (email, password): (&str, &str),
        code: Option<&str>,
        cookie: bool,
    ) -> Result<Done> {
        let email = user::address(email).map_err(|_| bad_credentials())?;
        let attempt = self.attempt(caller, &email).await?;
        let found = {
            let text = format!("{}u.\"email\" = ?", user::CREDENTIALS);
            let args = [Arg::Flag(false), Arg::Text(&email)];
            super::store::look(&self.0.database, &text, &args).await?
        };
        let found = found.as_ref().map(Credentials::of).transpose()?;
        let hash = found.as_ref().filter(|found| found.verified).and_then(|found| found.password.as_deref());
        let verdict = self.0.passwords.verify(password, hash).await?;
        let Some(found) = found.filter(|found| verdict != Verdict::Wrong && !found.disabled) else {
            return self.refused(caller, &email, attempt).await;
        };
        let rehashed = match verdict {
            Verdict::RightButOld => Some(self.0.passwords.hash(password).await?),
            Verdict::Right | Verdict::Wrong => None,
        };
        let mut store = self.store().await?;
        if !found.still(&mut store).await? {
            return Err(bad_credentials());
        }
        if found.totp {
            let Some(code) = code else {
                return Err(Error::new(Code::SecondFactorRequired, "A second factor is needed.")
                    .hint("Send `code` too: the six digits of your authenticator app, or a recovery code."));
            };
            if !self.second_factor(&mut store, found.user, code).await? {
                store.rollback().await?;
                return self.refused(caller, &email, attempt).await;
            }
        }
        if let Some(hash) = rehashed {
            user::set_password(&mut store, found.user, Some(&hash)).await?;
        }
        let beginning = Beginning { user: found.user, method: "password", cookie };
        let mut done = self.begin_session(&mut store, caller, beginning).await?;
        let device = user::send(&mut store, Purpose::Device, Some(found.user), None).await?;
        store.commit().await?;
        done.device(&device);
        Ok(done)
    }

    /// Writes down that somebody could not sign in, and says no.
    async fn refused(&self, caller: &Caller, email: &str, attempt: Attempt) -> Result<Done> {
        self.wrong(attempt).await;
        let mut store = self.store().await?;
        let subject = user::by_email(&mut store, email).await?.map(|found| found.user);
        let event = match subject {
            Some(user) => audit::Event::of("user.sign_in_refused", user),
            None => audit::Event::new("user.sign_in_refused"),
        };
        audit::note(&mut store, caller, event).await?;
        store.commit().await?;
        Err(bad_credentials())
    }

    /// Whether a text is the password of a signed-in user.
    pub(super) async fn confirm_password(&self, caller: &Caller, password: &str) -> Result<Uuid> {
        self.confirmed(caller, password).await.map(|(found, _)| found.user)
    }

    /// The same, with the turn at guessing: what else is guessed is guessed within it.
    pub(super) async fn confirmed(&self, caller: &Caller, password: &str) -> Result<(Credentials, Attempt)> {
        let user = caller.user()?;
        let attempt = self.attempt(caller, &user.to_string()).await?;
        let text = format!("{}u.\"id\" = ?", user::CREDENTIALS);
        let row = super::store::look(&self.0.database, &text, &[Arg::Flag(false), Arg::Id(user)]).await?;
        let found = row.as_ref().map(Credentials::of).transpose()?.ok_or_else(bad_credentials)?;
        match (&found.password, self.0.passwords.verify(password, found.password.as_deref()).await?) {
            // Who signs in with a provider alone has none to give.
            (None, _) | (Some(_), Verdict::Right | Verdict::RightButOld) => Ok((found, attempt)),
            (Some(_), Verdict::Wrong) => {
                self.wrong(attempt).await;
                Err(Error::new(Code::WrongPassword, "This is not your password.").at("password"))
            }
        }
    }

    /// Chooses another password. All other sessions end.
    pub(super) async fn change_password(&self, caller: &Caller, old: &str, new: &str) -> Result<Done> {
        let (found, _turn) = self.confirmed(caller, old).await?;
        let user = found.user;
        let mut store = self.store().await?;
        let email = user::email(&mut store, user).await?;
        store.rollback().await?;
        password::acceptable(new, &[email.as_deref().unwrap_or_default()], "newPassword")?;
        let hash = self.0.passwords.hash(new).await?;
        let mut store = self.store().await?;
        if !found.still(&mut store).await? {
            return Err(bad_credentials());
        }
        user::set_password(&mut store, user, Some(&hash)).await?;
        let stale = [Purpose::ResetPassword, Purpose::ChangeEmail, Purpose::Device, Purpose::Exchange];
        user::withdraw(&mut store, user, &stale).await?;
        session::end_all(&mut store, user, caller.session()).await?;
        audit::note(&mut store, caller, audit::Event::of("user.password_changed", user)).await?;
        store.commit().await?;
        self.forget();
        if let Some(email) = email {
            self.0.mailer.post(&email, Message::PasswordChanged);
        }
        Ok(Done::accepted("The password is changed; other sessions have ended."))
    }

    /// Sends a code for a new password.
    pub(super) fn forgot_password(&self, caller: &Caller, email: &str) -> Result<Done> {
        let email = user::address(email)?;
        let (auth, caller) = (self.clone(), caller.clone());
        self.later(async move { auth.send_reset(&caller, &email).await })?;
        Ok(Done::accepted(SENT))
    }

    async fn send_reset(&self, caller: &Caller, email: &str) -> Result<()> {
        let mut store = self.store().await?;
        let known = user::by_email(&mut store, email).await?;
        let Some(known) = known.filter(|known| known.verified && !known.disabled) else {
            return store.rollback().await;
        };
        let token = user::send(&mut store, Purpose::ResetPassword, Some(known.user), None).await?;
        audit::note(&mut store, caller, audit::Event::of("user.password_forgotten", known.user)).await?;
        self.keep_and_mail(store, email, Message::ResetPassword { token: token.into() }).await
    }

    /// Chooses a new password with a code. All sessions end; a second factor stays.
    pub(super) async fn reset_password(&self, caller: &Caller, token: &str, new: &str) -> Result<Done> {
        password::acceptable(new, &[], "newPassword")?;
        // Who has no code makes us hash nothing.
        let mut store = self.store().await?;
        user::peek(&mut store, Purpose::ResetPassword, token).await?;
        store.rollback().await?;
        let hash = self.0.passwords.hash(new).await?;
        let mut store = self.store().await?;
        let (user, _) = user::take(&mut store, Purpose::ResetPassword, token).await?;
        let user = user.ok_or_else(|| Error::internal("a code without a user"))?;
        store.lock_user(user).await?;
        user::set_password(&mut store, user, Some(&hash)).await?;
        // Those of other mails too: who could read one of them has no second try.
        let stale = [
            Purpose::ResetPassword,
            Purpose::ChangeEmail,
            Purpose::VerifyEmail,
            Purpose::Device,
            Purpose::Exchange,
        ];
        user::withdraw(&mut store, user, &stale).await?;
        session::end_all(&mut store, user, None).await?;
        // Whoever shows the code has the mailbox: the guesses of others don't keep them from signing in now.
        let device = user::send(&mut store, Purpose::Device, Some(user), None).await?;
        let email = user::email(&mut store, user).await?;
        audit::note(&mut store, caller, audit::Event::of("user.password_reset", user)).await?;
        store.commit().await?;
        self.forget();
        if let Some(email) = email {
            self.0.mailer.post(&email, Message::PasswordChanged);
        }
        let mut done = Done::accepted("The password is changed. Sign in with it.");
        done.device(&device);
        Ok(done)
    }

    /// Sends a code to a new address.
    pub(super) async fn change_email(&self, caller: &Caller, email: &str, password: &str) -> Result<Done> {
        let email = user::address(email)?;
        let user = self.confirm_password(caller, password).await?;
        let (auth, caller) = (self.clone(), caller.clone());
        self.later(async move { auth.send_change(&caller, user, &email).await })?;
        Ok(Done::accepted(SENT))
    }

    async fn send_change(&self, caller: &Caller, user: Uuid, email: &str) -> Result<()> {
        let mut store = self.store().await?;
        let message = match user::by_email(&mut store, email).await? {
            Some(_) => Message::AccountExists,
            None => {
                let data = json!({ "email": email });
                let token = user::send(&mut store, Purpose::ChangeEmail, Some(user), Some(&data)).await?;
                Message::ChangeEmail { token: token.into() }
            }
        };
        audit::note(&mut store, caller, audit::Event::of("user.email_change_asked", user)).await?;
        store.commit().await?;
        self.mail(email, message).await;
        Ok(())
    }

    /// Proves the new address.
    pub(super) async fn confirm_email(&self, caller: &Caller, token: &str) -> Result<Done> {
        let mut store = self.store().await?;
        let (user, data) = user::take(&mut store, Purpose::ChangeEmail, token).await?;
        let (Some(user), Some(new)) = (user, data.get("email").and_then(Json::as_str)) else {
            return Err(Error::internal("a code without a user"));
        };
        let old = user::email(&mut store, user).await?;
        let now = store.now;
        let text = "update \"launchway_users\" set \"email\" = ?, \"email_verified\" = ?, \"updated_at\" = ?, \"version\" = \"version\" + 1 where \"id\" = ?";
        let changed =
            store.run(text, &[Arg::Text(new), Arg::Flag(true), Arg::Time(now), Arg::Id(user)]).await;
        match changed {
            Err(error) if is_taken(&error) => {
                return Err(Error::new(Code::TokenInvalid, "The address can't be used any more.")
                    .hint("Ask for another one."));
            }
            other => other?,
        };
        // A code for another address, mistyped before, must not take the account there.
        user::withdraw(&mut store, user, &[Purpose::ResetPassword, Purpose::ChangeEmail]).await?;
        audit::note(&mut store, caller, audit::Event::of("user.email_changed", user)).await?;
        store.commit().await?;
        self.forget();
        if let Some(old) = old {
            self.0.mailer.post(&old, Message::EmailChanged { to: new.to_owned() });
        }
        Ok(Done::accepted("The address is changed."))
    }

    /// Deletes the caller's account. Rows of the model that refer to it keep it from being deleted, unless they say
    /// what becomes of them (`@relation(onDelete: …)`).
    pub(super) async fn delete_account(&self, caller: &Caller, password: &str) -> Result<Done> {
        let user = self.confirm_password(caller, password).await?;
        let mut store = self.store().await?;
        self.delete_user(&mut store, user).await?;
        audit::note(&mut store, caller, audit::Event::of("user.deleted", user)).await?;
        store.commit().await?;
        self.forget();
        Ok(Done { cookie: Some(session::Cookie::Clear), ..Done::accepted("The account is deleted.") })
    }

    /// Deletes a user and all that is kept of them.
    pub(super) async fn delete_user(&self, store: &mut Store, user: Uuid) -> Result<()> {
        // Nobody makes them the owner of one from here on.
        store.lock_organizations_of(user).await?;
        let owned = "select m.\"organization_id\" from \"launchway_memberships\" m where m.\"user_id\" = ? and m.\"role\" = ? \
                     and not exists (select 1 from \"launchway_memberships\" o where o.\"organization_id\" = m.\"organization_id\" \
                     and o.\"role\" = m.\"role\" and o.\"user_id\" <> m.\"user_id\")";
        if store.one(owned, &[Arg::Id(user), Arg::Text("owner")]).await?.is_some() {
            return Err(Error::new(Code::LastOwner, "An organization would be left without an owner.")
                .hint("Transfer it to somebody else, or delete it."));
        }
        for table in ["launchway_tokens", "launchway_credentials"] {
            store.run(&format!("delete from \"{table}\" where \"user_id\" = ?"), &[Arg::Id(user)]).await?;
        }
        store.run("delete from \"launchway_users\" where \"id\" = ?", &[Arg::Id(user)]).await.map_err(|error| {
            match error.code() {
                Code::ForeignKeyViolation => {
                    Error::new(Code::ForeignKeyViolation, "Rows still refer to this account.")
                        .hint("Delete them first; or let the model say what becomes of them: `@relation(onDelete: CASCADE)`.")
                }
                _ => error,
            }
        })?;
        Ok(())
    }
}
