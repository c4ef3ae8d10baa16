//! How both sides of a relation find each other.

use super::{codes, fine};
use crate::catalog::{Cardinality, Join};

/// `Type.field ↔ inverse by …` of every relation.
fn links(text: &str) -> Vec<String> {
    let catalog = fine(text).catalog;
    let mut links = Vec::new();
    for entity in &catalog.entities {
        for relation in &entity.relations {
            let target = catalog.target(relation);
            let join = match &relation.join {
                Join::Outgoing { field } => entity.field(*field).column.clone(),
                Join::Incoming { field } => format!("({})", target.field(*field).column),
                Join::Through { table, near, far, .. } => format!("{table}({near}, {far})"),
            };
            let inverse = relation.inverse.map_or("-", |id| target.relation(id).name.as_str());
            let many = if relation.cardinality == Cardinality::Many { "*" } else { "" };
            links.push(format!("{}.{}{many} {inverse} {join}", entity.name, relation.name));
        }
    }
    links
}

#[test]
fn one_to_many() {
    let text = "type Album @model { tracks: [Track!]! best: Track } type Track @model { album: Album! }";
    assert_eq!(
        links(text),
        ["Album.tracks* album (album_id)", "Album.best - best_id", "Track.album tracks album_id"]
    );
}

#[test]
fn many_to_many() {
    let text = "type Track @model { playlists: [Playlist!]! } type Playlist @model { tracks: [Track!]! }";
    assert_eq!(
        links(text),
        [
            "Track.playlists* tracks playlists_tracks(track_id, playlist_id)",
            "Playlist.tracks* playlists playlists_tracks(playlist_id, track_id)"
        ]
    );
    let join = &fine(text).catalog.join_tables[0];
    assert_eq!(join.sides[0].0, "playlist_id");
}

#[test]
fn a_tree_and_a_graph_in_one_type() {
    let text = "type Employee @model { reportsTo: Employee reports: [Employee!]! }";
    assert_eq!(
        links(text),
        ["Employee.reportsTo reports reports_to_id", "Employee.reports* reportsTo (reports_to_id)"]
    );
    let text = "type Person @model { following: [Person!]! followers: [Person!]! }";
    assert_eq!(
        links(text),
        [
            "Person.following* followers people_people(followers_id, following_id)",
            "Person.followers* following people_people(following_id, followers_id)"
        ]
    );
}

#[test]
fn the_model_says_which() {
    let text = "type Person @model { posts: [Post!]! @relation(inverse: \"author\") liked: [Post!]! }
                type Post @model { author: Person! likedBy: [Person!]! editor: Person @relation(inverse: \"edited\") }
                extend type Person { edited: [Post!]! }";
    assert_eq!(
        links(text),
        [
            "Person.posts* author (author_id)",
            "Person.liked* likedBy people_posts(person_id, post_id)",
            "Person.edited* editor (editor_id)",
            "Post.author posts author_id",
            "Post.likedBy* liked people_posts(post_id, person_id)",
            "Post.editor edited editor_id"
        ]
    );
}

#[test]
fn through_a_declared_type() {
    let text = "type Student @model { courses: [Course!]! @relation(through: \"Enrollment\") enrollments: [Enrollment!]! }
                type Course @model { students: [Student!]! @relation(through: \"Enrollment\") }
                type Enrollment @model { student: Student! course: Course! grade: Int }";
    assert_eq!(
        links(text),
        [
            "Student.courses* students enrollments(student_id, course_id)",
            "Student.enrollments* student (student_id)",
            "Course.students* courses enrollments(course_id, student_id)",
            "Enrollment.student enrollments student_id",
            "Enrollment.course - course_id"
        ]
    );
    let text = "type Person @model { following: [Person!]! @relation(through: \"Follow\", inverse: \"from\") followers: [Person!]! @relation(through: \"Follow\", inverse: \"to\") }
                type Follow @model { from: Person! to: Person! }";
    assert_eq!(links(text)[0], "Person.following* followers follows(from_id, to_id)");
}

#[test]
fn two_many_to_many_relations_have_two_tables() {
    let text = "type Tag @model { posts: [Post!]! @relation(inverse: \"tags\") hidden: [Post!]! @relation(inverse: \"hiddenTags\") }
                type Post @model { tags: [Tag!]! hiddenTags: [Tag!]! }";
    let tables: Vec<_> = fine(text).catalog.join_tables.into_iter().map(|join| join.table).collect();
    assert_eq!(tables, ["posts_tags", "posts_tags_hidden"]);
}

#[test]
fn ambiguity_is_asked_about() {
    let two_keys = "type Team @model { matches: [Match!]! } type Match @model { home: Team! away: Team! }";
    assert_eq!(codes(two_keys), ["ambiguous-relation"]);
    let two_lists = "type Team @model { a: [Match!]! b: [Match!]! } type Match @model { home: Team! }";
    assert_eq!(codes(two_lists), ["ambiguous-relation", "ambiguous-relation"]);
    assert_eq!(codes("type Person @model { friends: [Person!]! }"), ["missing-inverse"]);
    assert_eq!(
        codes("type Team @model { matches: [Match!]! } type Match @model { day: Date }"),
        ["missing-inverse"]
    );
}

#[test]
fn keys_are_indexed_once() {
    let catalog = fine(
        "type A @model { b: B! c: C! d: D @unique e: E }
         type B @model { n: Int } type C @model { n: Int } type D @model { n: Int } type E @model { n: Int }
         extend type A @index(fields: [\"b\", \"createdAt\"]) @index(fields: [\"c\"], where: { d: { isNull: true } }) @unique(fields: [\"e\", \"c\"])",
    )
    .catalog;
    let names: Vec<_> = catalog.entities[0].indexes.iter().map(|index| index.name.as_str()).collect();
    assert_eq!(names, ["ix_as_b_id_created_at", "ix_as_c_id", "ix_as_c_id_2"]);
}
