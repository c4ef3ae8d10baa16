//! What somebody writes by hand for these requests alone: poem, SeaORM, the best SQL, the database's JSON passed through.

use std::io::Write;

use poem::http::{StatusCode, header};
use poem::listener::{Acceptor, Listener, TcpListener};
use poem::web::{Data, Path, Query};
use poem::{Body, EndpointExt, Response, Route, Server, get, handler, post};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement, Value};
use serde_json::Value as Json;

use crate::statement;

/// Serves until it is killed; prints its address first.
pub async fn serve(url: &str, pool: u32) {
    let mut options = ConnectOptions::new(url);
    options.max_connections(pool).min_connections(pool).sqlx_logging(false).test_before_acquire(false);
    // The plans do not hang on the values here, and planning anew costs more than the query.
    options.map_sqlx_postgres_opts(|options| options.options([("plan_cache_mode", "force_generic_plan")]));
    let database = Database::connect(options).await.expect("the database");
    let routes = Route::new()
        .at("/tracks/:id", get(point).patch(update))
        .at("/tracks", get(page))
        .at("/artists", get(nested))
        .at("/invoices", post(insert).get(total))
        .data(database);
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.expect("a port");
    let address = acceptor.local_addr().into_iter().next().expect("the address");
    let address = address.as_socket_addr().expect("a TCP address").to_string();
    writeln!(std::io::stdout(), "http://{address}").expect("the address is printed");
    Server::new_with_acceptor(acceptor).run(routes).await.expect("the server runs");
}

async fn ask(database: &DatabaseConnection, sql: &str, values: Vec<Value>) -> Response {
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    match database.query_one_raw(statement).await {
        Ok(Some(row)) => match row.try_get_by_index::<String>(0) {
            Ok(json) => Response::builder().header(header::CONTENT_TYPE, "application/json").body(json),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into(),
        },
        Ok(None) => StatusCode::NOT_FOUND.into(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into(),
    }
}

#[derive(serde::Deserialize)]
struct ByGenre {
    genre: i64,
}

#[derive(serde::Deserialize)]
struct After {
    after: i64,
}

#[derive(serde::Deserialize)]
struct OfCustomer {
    customer: i64,
}

#[handler]
async fn point(database: Data<&DatabaseConnection>, id: Path<i64>) -> Response {
    ask(&database, statement::POINT, vec![id.0.into()]).await
}

#[handler]
async fn page(database: Data<&DatabaseConnection>, query: Query<ByGenre>) -> Response {
    ask(&database, statement::PAGE, vec![query.genre.into()]).await
}

#[handler]
async fn nested(database: Data<&DatabaseConnection>, query: Query<After>) -> Response {
    ask(&database, statement::NESTED, vec![query.after.into()]).await
}

#[handler]
async fn total(database: Data<&DatabaseConnection>, query: Query<OfCustomer>) -> Response {
    ask(&database, statement::TOTAL, vec![query.customer.into()]).await
}

#[handler]
async fn insert(database: Data<&DatabaseConnection>, body: Body) -> Response {
    let Some((customer, number)) =
        object(body).await.and_then(|row| Some((integer(&row, "customer")?, integer(&row, "number")?)))
    else {
        return StatusCode::BAD_REQUEST.into();
    };
    let Ok(number) = i32::try_from(number) else { return StatusCode::BAD_REQUEST.into() };
    let mut response = ask(&database, statement::INSERT, vec![customer.into(), number.into()]).await;
    if response.status() == StatusCode::OK {
        response.set_status(StatusCode::CREATED);
    }
    response
}

#[handler]
async fn update(database: Data<&DatabaseConnection>, id: Path<i64>, body: Body) -> Response {
    let milliseconds = object(body).await.and_then(|row| i32::try_from(integer(&row, "milliseconds")?).ok());
    let Some(milliseconds) = milliseconds else { return StatusCode::BAD_REQUEST.into() };
    ask(&database, statement::UPDATE, vec![id.0.into(), milliseconds.into()]).await
}

async fn object(body: Body) -> Option<Json> {
    serde_json::from_slice(&body.into_bytes_limit(1 << 20).await.ok()?).ok()
}

/// An integer, or an id in a string.
fn integer(row: &Json, key: &str) -> Option<i64> {
    let value = row.get(key)?;
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}
