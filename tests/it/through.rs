//! Lists that are joined through a type of the model: they are read like any other, and written as rows of that type.

use harness::{both, json};

const MODEL: &str = "
type Student @model(id: SERIAL) @allow(to: [ALL], role: \"anyone\") { name: String!  enrollments: [Enrollment!]!  courses: [Course!]! @relation(through: \"Enrollment\") }
type Course @model(id: SERIAL) @allow(to: [ALL], role: \"anyone\") { title: String!  enrollments: [Enrollment!]!  students: [Student!]! @relation(through: \"Enrollment\") }
type Enrollment @model(id: SERIAL) @allow(to: [ALL], role: \"anyone\") { student: Student!  course: Course!  grade: Int }";

#[test]
fn the_type_between_is_what_is_written() {
    both(MODEL, async |app| {
        let anyone = app.anyone();
        let _ = anyone.post("/v1/courses", json!([{ "title": "Tides" }, { "title": "Winds" }])).await.is(201);
        let nested = json!({ "name": "Ann", "enrollments": { "create": [{ "course": "1", "grade": 5 }, { "course": "2" }] } });
        let _ = anyone.post("/v1/students", nested).await.is(201);
        let read = "{ students(where: { courses: { some: { title: { eq: \"Winds\" } } } }) { nodes { name courses(orderBy: [{ title: ASC }]) { totalCount nodes { title students { nodes { name } } } } } } }";
        let ann = json!({ "nodes": [{ "name": "Ann" }] });
        assert_eq!(
            anyone.graphql(read).await.data()["students"]["nodes"],
            json!([{ "name": "Ann", "courses": { "totalCount": 2, "nodes": [{ "title": "Tides", "students": ann }, { "title": "Winds", "students": ann }] } }])
        );

        for (method, path, body) in [
            ("POST", "/v1/students", json!({ "name": "Bo", "courses": { "connect": ["1"] } })),
            ("PATCH", "/v1/students/1", json!({ "courses": { "connect": ["1"] } })),
            ("PATCH", "/v1/students/1", json!({ "courses": { "disconnect": ["1"] } })),
            ("PATCH", "/v1/students/1", json!({ "courses": { "set": [] } })),
            ("POST", "/v1/students", json!({ "name": "Bo", "courses": { "create": [{ "title": "New" }] } })),
        ] {
            let reply = anyone.json(method, path, body.clone()).await.is(400).fails("NOT_SUPPORTED");
            let error = reply.json();
            assert!(
                error["detail"].as_str().unwrap().contains("`courses` goes through Enrollment"),
                "{}",
                reply.whole()
            );
            assert!(error["hint"].as_str().unwrap().contains("rows of Enrollment"), "{}", reply.whole());
        }
        // GraphQL does not offer it.
        let _ = anyone
            .graphql("mutation { updateStudent(id: \"1\", set: { courses: { connect: [\"1\"] } }) { id } }")
            .await
            .fails("GRAPHQL_VALIDATION_FAILED");
        assert_eq!(
            anyone
                .graphql("{ students { totalCount } courses { totalCount } enrollments { totalCount } }")
                .await
                .data(),
            json!({ "students": { "totalCount": 1 }, "courses": { "totalCount": 2 }, "enrollments": { "totalCount": 2 } })
        );

        let _ = anyone.delete("/v1/enrollments/2").await.is(204);
        assert_eq!(
            anyone.graphql("{ student(id: \"1\") { courses { nodes { title } } } }").await.data()["student"]
                ["courses"]["nodes"],
            json!([{ "title": "Tides" }])
        );
    });
}
