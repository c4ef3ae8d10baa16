//! Many at once: an organization has one owner, an invitation is accepted by one.

use futures::future::join_all;
use harness::account::PASSWORD;
use harness::{App, json};

use super::both;

const AT_ONCE: usize = 50;

/// How many owners an organization has.
async fn owners(app: &App, organization: &str) -> u64 {
    let query = format!(
        "{{ organizationMemberships(where: {{ organization: {{ eq: \"{organization}\" }}, role: {{ eq: \"owner\" }} }}) {{ totalCount }} }}"
    );
    app.admin().graphql(&query).await.data()["organizationMemberships"]["totalCount"].as_u64().unwrap()
}

#[test]
fn there_is_one_owner_whatever_happens_at_once() {
    both(async |app, accounts, _| {
        for round in 0..3 {
            let (owner, id) = accounts.owner(&format!("owner{round}@example.com")).await;
            let (first, first_membership) =
                accounts.member(&owner, &format!("first{round}@example.com"), "admin").await;
            let (second, second_membership) =
                accounts.member(&owner, &format!("second{round}@example.com"), "admin").await;
            let rows = owner.get("/v1/organizationMemberships?role=owner").await.is(200).json();
            let own = rows["data"][0]["id"].as_str().unwrap().to_owned();
            let replies = join_all((0..AT_ONCE).map(async |number| {
                let to = |membership: &str| json!({ "membership": membership, "password": PASSWORD });
                match number % 8 {
                    0 => owner.post("/auth/organizations/leave", json!({})).await,
                    1 => owner.post("/auth/organizations/transfer", to(&first_membership)).await,
                    2 => first.post("/auth/organizations/transfer", to(&second_membership)).await,
                    3 => second.delete(&format!("/auth/memberships/{own}")).await,
                    4 => first.patch(&format!("/auth/memberships/{own}"), json!({ "role": "member" })).await,
                    5 => {
                        second
                            .patch(
                                &format!("/auth/memberships/{first_membership}"),
                                json!({ "role": "member" }),
                            )
                            .await
                    }
                    6 => owner.post("/auth/organizations/transfer", to(&second_membership)).await,
                    _ => second.post("/auth/organizations/leave", json!({})).await,
                }
            }))
            .await;
            for reply in &replies {
                assert!([200, 403, 404, 409, 429].contains(&reply.status), "{}", reply.whole());
            }
            assert!(replies.iter().any(|reply| reply.status == 200));
            assert_eq!(owners(app, &id).await, 1);
        }
    });
}

#[test]
fn an_account_goes_or_gets_the_organization_and_never_both() {
    both(async |app, accounts, _| {
        for round in 0..5 {
            let (owner, id) = accounts.owner(&format!("owner{round}@example.com")).await;
            let (heir, membership) =
                accounts.member(&owner, &format!("heir{round}@example.com"), "member").await;
            let to = json!({ "membership": membership, "password": PASSWORD });
            let (given, gone) = futures::join!(
                owner.post("/auth/organizations/transfer", to),
                heir.post("/auth/delete-account", json!({ "password": PASSWORD })),
            );
            let what = (given.status, gone.status);
            assert!([(200, 409), (404, 200)].contains(&what), "{}\n{}", given.whole(), gone.whole());
            assert_eq!(owners(app, &id).await, 1, "{what:?}");
        }
    });
}

#[test]
fn one_invitation_is_accepted_once() {
    both(async |app, accounts, _| {
        let (owner, id) = accounts.owner("owner@example.com").await;
        let bob = accounts.sign_up("bob@example.com").await;
        let asked = json!({ "email": bob.email, "role": "member" });
        let _ = owner.post("/auth/invitations", asked).await.is(201);
        let token = accounts.code(&bob.email).await;
        let body = json!({ "token": token });
        let replies =
            join_all((0..AT_ONCE).map(|_| bob.post("/auth/invitations/accept", body.clone()))).await;
        let good = replies.iter().filter(|reply| reply.status == 200).count();
        for reply in replies.iter().filter(|reply| reply.status != 200) {
            assert_eq!(reply.status, 422, "{}", reply.whole());
        }
        assert_eq!(good, 1);
        let query = format!(
            "{{ organizationMemberships(where: {{ organization: {{ eq: \"{id}\" }} }}) {{ totalCount }} }}"
        );
        assert_eq!(app.admin().graphql(&query).await.data()["organizationMemberships"]["totalCount"], 2);
    });
}
