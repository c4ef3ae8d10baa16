//! The best SQL we know for each workload, as text: the hand-written handler and pgbench run the same.

/// One row by its id.
pub const POINT: &str = r#"select row_to_json(r)::text from (
  select t.id::text as id, t.name, t.milliseconds, trim_scale(t.unit_price)::text as "unitPrice"
  from tracks t where t.id = $1) r"#;

/// Twenty rows with what they belong to, and whether there are more.
pub const PAGE: &str = r#"select json_build_object(
    'data', coalesce(json_agg(s.j) filter (where s.n <= 20), '[]'),
    'hasMore', count(*) > 20)::text
  from (
    select row_number() over (order by t.name, t.id) as n, json_build_object(
      'id', t.id::text, 'name', t.name,
      'album', json_build_object('id', b.id::text, 'title', b.title, 'artist', json_build_object('name', a.name))) as j
    from (select id, name, album_id from tracks where genre_id = $1 order by name, id limit 21) t
    join albums b on b.id = t.album_id
    join artists a on a.id = b.artist_id
    order by t.name, t.id) s"#;

/// Ten rows, five under each, five under each of those.
pub const NESTED: &str = r#"select json_build_object('data', coalesce(json_agg(json_build_object(
    'id', a.id::text, 'name', a.name, 'albums', (
      select coalesce(json_agg(json_build_object(
        'id', b.id::text, 'title', b.title, 'tracks', (
          select coalesce(json_agg(json_build_object('id', t.id::text, 'name', t.name) order by t.id), '[]')
          from (select id, name from tracks where album_id = b.id order by id limit 5) t)) order by b.id), '[]')
      from (select id, title from albums where artist_id = a.id order by id limit 5) b)) order by a.id), '[]'))::text
  from (select id, name from artists where id > $1 order by id limit 10) a"#;

/// Twenty rows and how many there are in all.
pub const TOTAL: &str = r#"select json_build_object(
    'data', coalesce(json_agg(json_build_object(
      'id', i.id::text, 'number', i.number, 'total', trim_scale(i.total)::text) order by i.number desc, i.id desc), '[]'),
    'total', (select count(*) from invoices where customer_id = $1))::text
  from (select id, number, total from invoices where customer_id = $1 order by number desc, id desc limit 20) i"#;

/// A new row.
pub const INSERT: &str = r#"insert into invoices (customer_id, number, total, created_at, updated_at, version)
  values ($1, $2, 12.34, now(), now(), 1)
  returning json_build_object('id', id::text, 'number', number, 'total', trim_scale(total)::text)::text"#;

/// A changed row.
pub const UPDATE: &str = r#"update tracks set milliseconds = $2, updated_at = now(), version = version + 1 where id = $1
  returning json_build_object('id', id::text, 'name', name, 'milliseconds', milliseconds)::text"#;
