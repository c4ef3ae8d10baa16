//! Organizations: made, joined, left. There is always an owner.

use entity::Value;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::operation::{Caller, Done};
use super::store::{Arg, Store, is_taken};
use super::user::{self, Purpose};
use super::{Auth, audit};
use crate::error::{Code, Error, Result};
use crate::mail::Message;
use crate::principal::{BUILT_IN, ORGANIZATION_ROLE};

/// The roles that organizations have by themselves.
const OWNER: &str = "owner";
const ADMIN: &str = "admin";
const MEMBER: &str = "member";

/// Characters of an organization's name.
const NAME: usize = 200;

impl Auth {
    /// Makes an organization that the caller owns, and acts for from now on.
    pub(super) async fn create_organization(&self, caller: &Caller, name: &str) -> Result<Done> {
        let user = caller.user()?;
        let name = name.trim();
        if name.is_empty() || name.chars().count() > NAME {
            return Err(Error::new(Code::BadValue, format!("A name has 1 to {NAME} characters.")).at("name"));
        }
        let mut store = self.store().await?;
        let id = store.insert("Organization", &[("name", Value::Text(name.to_owned()))]).await?;
        join(&mut store, id, user, OWNER).await?;
        act_for(&mut store, caller, Some(id)).await?;
        audit::note(&mut store, caller, audit::Event::of("organization.made", user).within(Some(id))).await?;
        store.commit().await?;
        self.forget();
        Ok(Done::created(json!({ "id": id.to_string(), "name": name })))
    }

    /// Chooses the organization that the caller's session acts for; none for none.
    pub(super) async fn use_organization(&self, caller: &Caller, organization: Option<Uuid>) -> Result<Done> {
        let user = caller.user()?;
        let mut store = self.store().await?;
        if let Some(id) = organization
            && role_of(&mut store, id, user).await?.is_none()
        {
            return Err(no_organization());
        }
        act_for(&mut store, caller, organization).await?;
        audit::note(&mut store, caller, audit::Event::of("organization.used", user).within(organization))
            .await?;
        store.commit().await?;
        self.forget();
        Ok(Done::accepted("This session acts for the organization from now on."))
    }

    /// Asks somebody to join the organization that the caller manages.
    pub(super) async fn invite(&self, caller: &Caller, email: &str, role: &str) -> Result<Done> {
        let organization = caller.manages()?;
        let email = user::address(email)?;
        let mut store = self.store().await?;
        let role = member_role(&store, role)?;
        let text = "select m.\"id\" from \"launchway_memberships\" m join \"launchway_users\" u on u.\"id\" = m.\"user_id\" \
                    where m.\"organization_id\" = ? and u.\"email\" = ?";
        if store.one(text, &[Arg::Id(organization), Arg::Text(&email)]).await?.is_some() {
            return Err(Error::new(Code::Conflict, "This address is that of a member already.").at("email"));
        }
        withdraw(&mut store, organization, &email).await?;
        let text = "delete from \"launchway_invitations\" where \"organization_id\" = ? and \"email\" = ?";
        store.run(text, &[Arg::Id(organization), Arg::Text(&email)]).await?;
        let end = store.now + Purpose::Invitation.lifetime();
        let row = [
            ("organization", Value::Uuid(organization)),
            ("email", Value::Text(email.clone())),
            ("role", Value::Text(role.clone())),
            ("invitedBy", caller.user().map_or(Value::Null, Value::Uuid)),
            ("expiresAt", Value::DateTime(end)),
        ];
        let invitation = store.insert("OrganizationInvitation", &row).await?;
        let data =
            json!({ "invitation": invitation.to_string(), "key": invitation_key(organization, &email) });
        let token = user::send(&mut store, Purpose::Invitation, None, Some(&data)).await?;
        let name = store
            .one(
                "select \"name\" from \"launchway_organizations\" where \"id\" = ?",
                &[Arg::Id(organization)],
            )
            .await?
            .map(|row| row.text(0))
            .transpose()?
            .unwrap_or_default();
        let inviter = match caller.user() {
            Ok(user) => user::email(&mut store, user).await?.unwrap_or_default(),
            Err(_) => String::new(),
        };
        let event = audit::Event::new("organization.invited")
            .within(Some(organization))
            .with("invitation", invitation.to_string())
            .with("role", role.clone());
        audit::note(&mut store, caller, event).await?;
        store.commit().await?;
        let message =
            Message::Invitation { organization: name, inviter, role: role.clone(), token: token.into() };
        self.mail(&email, message).await;
        Ok(Done::created(json!({ "id": invitation.to_string(), "email": email, "role": role })))
    }

    /// Joins an organization with the code of an invitation.
    pub(super) async fn accept_invitation(&self, caller: &Caller, token: &str) -> Result<Done> {
        let user = caller.user()?;
        let mut store = self.store().await?;
        let (_, data) = user::take(&mut store, Purpose::Invitation, token).await?;
        let invitation =
            data.get("invitation").and_then(Json::as_str).and_then(|id| Uuid::parse_str(id).ok());
        let invitation = invitation.ok_or_else(|| Error::internal("a code without an invitation"))?;
        let text = "delete from \"launchway_invitations\" where \"id\" = ? returning \"organization_id\", \"role\", \"email\"";
        let row = store.one(text, &[Arg::Id(invitation)]).await?;
        let Some(row) = row else {
            return Err(Error::new(Code::TokenInvalid, "The invitation was withdrawn.").at("token"));
        };
        let (organization, role) = (row.id(0)?, row.text(1)?);
        // The code was sent to this address: whoever has it and another account must not join in its name.
        if user::email(&mut store, user).await?.as_deref() != Some(row.text(2)?.as_str()) {
            store.rollback().await?;
            return Err(Error::new(Code::Forbidden, "The invitation was sent to another address.")
                .hint("Sign in with the account of that address."));
        }
        match join(&mut store, organization, user, &role).await {
            Err(error) if is_taken(&error) => {
                return Err(Error::new(Code::Conflict, "You belong to this organization already."));
            }
            other => other?,
        }
        act_for(&mut store, caller, Some(organization)).await?;
        let event = audit::Event::of("organization.joined", user)
            .within(Some(organization))
            .with("role", role.clone());
        audit::note(&mut store, caller, event).await?;
        store.commit().await?;
        self.forget();
        Ok(Done::of(json!({ "organization": organization.to_string(), "role": role })))
    }

    /// Takes an invitation back.
    pub(super) async fn revoke_invitation(&self, caller: &Caller, invitation: Uuid) -> Result<Done> {
        let organization = caller.manages()?;
        let mut store = self.store().await?;
        let text = "delete from \"launchway_invitations\" where \"id\" = ? and \"organization_id\" = ? returning \"email\"";
        let row = store.one(text, &[Arg::Id(invitation), Arg::Id(organization)]).await?;
        let Some(row) = row else { return Err(Error::new(Code::NotFound, "There is no such invitation.")) };
        withdraw(&mut store, organization, &row.text(0)?).await?;
        audit::note(
            &mut store,
            caller,
            audit::Event::new("organization.invitation_revoked").within(Some(organization)),
        )
        .await?;
        store.commit().await?;
        Ok(Done::accepted("The invitation is withdrawn."))
    }

    /// Gives a member of the organization that the caller manages another role.
    pub(super) async fn change_role(&self, caller: &Caller, membership: Uuid, role: &str) -> Result<Done> {
        let organization = caller.manages()?;
        let mut store = self.store().await?;
        let role = member_role(&store, role)?;
        store.lock_organization(organization).await?;
        let (user, old) = member(&mut store, organization, membership).await?;
        if old == OWNER {
            return Err(Error::new(
                Code::LastOwner,
                "The owner's role changes by transferring the organization.",
            ));
        }
        set_role(&mut store, organization, user, &role).await?;
        let event = audit::Event::of("organization.role_changed", user)
            .within(Some(organization))
            .with("role", role.clone());
        audit::note(&mut store, caller, event).await?;
        store.commit().await?;
        self.forget();
        Ok(Done::accepted("The role is changed."))
    }

    /// Makes somebody leave the organization that the caller manages.
    pub(super) async fn remove_member(&self, caller: &Caller, membership: Uuid) -> Result<Done> {
        let organization = caller.manages()?;
        let mut store = self.store().await?;
        store.lock_organization(organization).await?;
        let (user, role) = member(&mut store, organization, membership).await?;
        if role == OWNER {
            return Err(last_owner());
        }
        leave(&mut store, organization, user).await?;
        audit::note(
            &mut store,
            caller,
            audit::Event::of("organization.removed", user).within(Some(organization)),
        )
        .await?;
        store.commit().await?;
        self.forget();
        Ok(Done::accepted("The member is removed."))
    }

    /// Leaves the organization that the caller acts for.
    pub(super) async fn leave_organization(&self, caller: &Caller) -> Result<Done> {
        let (user, organization) = (caller.user()?, caller.organization()?);
        let mut store = self.store().await?;
        store.lock_organization(organization).await?;
        if role_of(&mut store, organization, user).await?.as_deref() == Some(OWNER) {
            return Err(last_owner());
        }
        leave(&mut store, organization, user).await?;
        audit::note(
            &mut store,
            caller,
            audit::Event::of("organization.left", user).within(Some(organization)),
        )
        .await?;
        store.commit().await?;
        self.forget();
        Ok(Done::accepted("You have left the organization."))
    }

    /// Makes another member the owner. The caller stays as an administrator of the organization.
    pub(super) async fn transfer_organization(
        &self,
        caller: &Caller,
        to: Uuid,
        password: &str,
    ) -> Result<Done> {
        let organization = caller.owns()?;
        let user = self.confirm_password(caller, password).await?;
        let mut store = self.store().await?;
        store.lock_organization(organization).await?;
        if role_of(&mut store, organization, user).await?.as_deref() != Some(OWNER) {
            return Err(not_owner());
        }
        let (heir, _) = member(&mut store, organization, to).await?;
        set_role(&mut store, organization, user, ADMIN).await?;
        set_role(&mut store, organization, heir, OWNER).await?;
        audit::note(
            &mut store,
            caller,
            audit::Event::of("organization.transferred", heir).within(Some(organization)),
        )
        .await?;
        store.commit().await?;
        self.forget();
        Ok(Done::accepted("The organization has a new owner."))
    }

    /// Deletes the organization that the caller owns, unless rows belong to it.
    pub(super) async fn delete_organization(&self, caller: &Caller, password: &str) -> Result<Done> {
        let organization = caller.owns()?;
        let user = self.confirm_password(caller, password).await?;
        let mut store = self.store().await?;
        store.lock_organization(organization).await?;
        if role_of(&mut store, organization, user).await?.as_deref() != Some(OWNER) {
            return Err(not_owner());
        }
        audit::note(
            &mut store,
            caller,
            audit::Event::of("organization.deleted", user).within(Some(organization)),
        )
        .await?;
        let text = "delete from \"launchway_organizations\" where \"id\" = ?";
        store.run(text, &[Arg::Id(organization)]).await.map_err(|error| match error.code() {
            Code::ForeignKeyViolation => {
                Error::new(Code::ForeignKeyViolation, "Rows still belong to this organization.")
                    .hint("Delete them first.")
            }
            _ => error,
        })?;
        store.commit().await?;
        self.forget();
        Ok(Done::accepted("The organization is deleted."))
    }
}

/// The codes of invitations are found by this, not by a user: there may be none yet.
fn invitation_key(organization: Uuid, email: &str) -> String {
    super::secret::hash(&format!("{organization} {email}"))
}

/// Takes back the codes of an invitation.
async fn withdraw(store: &mut Store, organization: Uuid, email: &str) -> Result<()> {
    let mark = format!("%{}%", invitation_key(organization, email));
    let text = "delete from \"launchway_tokens\" where \"kind\" = ? and \"data\" like ?";
    store.run(text, &[Arg::Text("invitation"), Arg::Text(&mark)]).await.map(|_| ())
}

/// A role that a member can have.
fn member_role(store: &Store, role: &str) -> Result<String> {
    let own = [ADMIN, MEMBER];
    if own.contains(&role) {
        return Ok(role.to_owned());
    }
    let roles = store.catalog.roles().iter().map(|role| role.strip_prefix(ORGANIZATION_ROLE).unwrap_or(role));
    let roles: Vec<&str> =
        roles.filter(|role| !BUILT_IN.contains(role) && *role != OWNER).chain(own).collect();
    if roles.contains(&role) {
        return Ok(role.to_owned());
    }
    let message = format!("`{}` is not a role of a member.", entity::value::excerpt(role));
    let error = Error::new(Code::BadValue, message).at("role");
    Err(match entity::suggest::hint(role, roles) {
        Some(hint) => error.hint(hint),
        None => error,
    })
}

async fn join(store: &mut Store, organization: Uuid, user: Uuid, role: &str) -> Result<()> {
    let row = [
        ("organization", Value::Uuid(organization)),
        ("user", Value::Uuid(user)),
        ("role", Value::Text(role.to_owned())),
    ];
    store.insert("OrganizationMembership", &row).await.map(|_| ())
}

async fn leave(store: &mut Store, organization: Uuid, user: Uuid) -> Result<()> {
    for (table, column) in [("launchway_memberships", "user_id"), ("launchway_sessions", "user_id")] {
        let text = match table {
            "launchway_memberships" => {
                format!("delete from \"{table}\" where \"organization_id\" = ? and \"{column}\" = ?")
            }
            _ => format!(
                "update \"{table}\" set \"organization_id\" = null where \"organization_id\" = ? and \"{column}\" = ?"
            ),
        };
        store.run(&text, &[Arg::Id(organization), Arg::Id(user)]).await?;
    }
    Ok(())
}

/// The organization that the caller's session acts for.
async fn act_for(store: &mut Store, caller: &Caller, organization: Option<Uuid>) -> Result<()> {
    let Some(session) = caller.session() else { return Ok(()) };
    let text = "update \"launchway_sessions\" set \"organization_id\" = ? where \"id\" = ?";
    store.run(text, &[Arg::MaybeId(organization), Arg::Id(session)]).await.map(|_| ())
}

async fn set_role(store: &mut Store, organization: Uuid, user: Uuid, role: &str) -> Result<()> {
    let now = store.now;
    let text = "update \"launchway_memberships\" set \"role\" = ?, \"updated_at\" = ?, \"version\" = \"version\" + 1 \
                where \"organization_id\" = ? and \"user_id\" = ?";
    store
        .run(text, &[Arg::Text(role), Arg::Time(now), Arg::Id(organization), Arg::Id(user)])
        .await
        .map(|_| ())
}

async fn role_of(store: &mut Store, organization: Uuid, user: Uuid) -> Result<Option<String>> {
    let text =
        "select \"role\" from \"launchway_memberships\" where \"organization_id\" = ? and \"user_id\" = ?";
    let row = store.one(text, &[Arg::Id(organization), Arg::Id(user)]).await?;
    row.map(|row| row.text(0)).transpose()
}

/// The user and role of a membership of an organization.
async fn member(store: &mut Store, organization: Uuid, membership: Uuid) -> Result<(Uuid, String)> {
    let text = "select \"user_id\", \"role\" from \"launchway_memberships\" where \"id\" = ? and \"organization_id\" = ?";
    match store.one(text, &[Arg::Id(membership), Arg::Id(organization)]).await? {
        Some(row) => Ok((row.id(0)?, row.text(1)?)),
        None => Err(Error::new(Code::NotFound, "There is no such member.")),
    }
}

fn no_organization() -> Error {
    Error::new(Code::NotFound, "You belong to no such organization.").at("organization")
}

fn last_owner() -> Error {
    Error::new(Code::LastOwner, "An organization has an owner.").hint("Transfer it to another member first.")
}

fn not_owner() -> Error {
    Error::new(Code::Forbidden, "Only the owner can do this.")
}
