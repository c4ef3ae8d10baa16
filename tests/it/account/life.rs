//! The life of an account.
use super::both;

#[test]
fn smoke() {
    both(async |_, accounts, _| {
        let t = std::time::Instant::now();
        let ann = accounts.sign_up("ann@example.com").await;
        println!("{:?}", t.elapsed());
        for path in ["/v1/authSessions", "/v1/users", "/v1/notes", "/v1/apiKeys", "/v1/tasks"] {
            println!("{}", ann.get(path).await.whole());
        }
        println!("{}", ann.post("/v1/notes", harness::json!({"text":"x"})).await.whole());
        println!("{}", ann.get("/v1/auditEvents").await.whole());
        let (bob, org) = accounts.owner("bob@example.com").await;
        let (cas, m) = accounts.member(&bob, "cas@example.com", "member").await;
        println!("{org} {m}");
        println!("{}", cas.get("/auth/me").await.whole());
        println!("{}", cas.post("/v1/tasks", harness::json!({"title":"x"})).await.whole());
        println!("{}", cas.get("/v1/organizationMemberships").await.whole());
        println!("{:?}", t.elapsed());
    });
}
