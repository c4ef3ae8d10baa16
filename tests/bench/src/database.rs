//! The PostgreSQL of the run and the rows in it.

use harness::postgres::{Cluster, Setting};
use harness::requirement;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};

/// How many rows.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Rows of `tracks`.
    pub tracks: u64,
    /// Rows of `albums`.
    pub albums: u64,
    /// Rows of `artists`.
    pub artists: u64,
    /// Rows of `invoices`.
    pub invoices: u64,
    /// Rows of `genres`.
    pub genres: u64,
    /// Rows of `customers`.
    pub customers: u64,
}

impl Size {
    /// The size of the run.
    pub fn new(small: bool) -> Self {
        let part = if small { 100 } else { 1 };
        Self {
            tracks: 200_000 / part,
            albums: 20_000 / part,
            artists: 5_000 / part,
            invoices: 500_000 / part,
            genres: 1_000 / part,
            customers: 5_000 / part,
        }
    }
}

/// A server as in production: it waits for the disk.
pub fn start() -> Option<Cluster> {
    let cluster = Cluster::start(&Setting { memory: "512MB".to_owned(), ..Setting::default() });
    if cluster.is_none() {
        requirement::missing("postgres", "Install PostgreSQL (Debian: `apt-get install postgresql`).");
    }
    cluster
}

/// Fills the tables that `launchway apply` made.
pub async fn fill(url: &str, size: &Size) {
    let database = Database::connect(url).await.expect("the database");
    let Size { tracks, albums, artists, invoices, genres, customers } = *size;
    // Multiplying by a prime that does not divide the count spreads rows without chance: every run has the same rows.
    let statements = [
        format!(
            "insert into genres (name, created_at, updated_at, version)
             select 'Genre ' || n, now(), now(), 1 from generate_series(1, {genres}) n"
        ),
        format!(
            "insert into artists (name, created_at, updated_at, version)
             select 'Artist ' || md5(n::text), now(), now(), 1 from generate_series(1, {artists}) n"
        ),
        format!(
            "insert into albums (title, artist_id, created_at, updated_at, version)
             select 'Album ' || md5(n::text), 1 + (n * 7919) % {artists}, now(), now(), 1 from generate_series(1, {albums}) n"
        ),
        format!(
            "insert into tracks (name, album_id, genre_id, milliseconds, unit_price, created_at, updated_at, version)
             select 'Track ' || md5(n::text), 1 + (n::bigint * 7919) % {albums}, 1 + (n::bigint * 104729) % {genres},
                    60000 + (n * 37) % 300000, ((n * 13) % 1000) / 100.0, now(), now(), 1
             from generate_series(1, {tracks}) n"
        ),
        format!(
            "insert into customers (name, created_at, updated_at, version)
             select 'Customer ' || md5(n::text), now(), now(), 1 from generate_series(1, {customers}) n"
        ),
        format!(
            "insert into invoices (customer_id, number, total, created_at, updated_at, version)
             select 1 + (n::bigint * 7919) % {customers}, n, ((n * 17) % 100000) / 100.0, now(), now(), 1
             from generate_series(1, {invoices}) n"
        ),
    ];
    for statement in &statements {
        run(&database, statement).await;
    }
    for table in ["genres", "artists", "albums", "tracks", "customers", "invoices"] {
        run(&database, &format!("vacuum (analyze) {table}")).await;
    }
    run(&database, "checkpoint").await;
    let _ = database.close().await;
}

async fn run(database: &DatabaseConnection, statement: &str) {
    if let Err(error) = database.execute_unprepared(statement).await {
        panic!("{statement}\n{error}");
    }
}
