use super::{Config, Flag, Mode, Sources, print};

fn sources(environment: &[(&str, &str)], flags: &[(&'static str, &'static str, &str)]) -> Sources {
    Sources {
        environment: environment
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect(),
        flags: flags
            .iter()
            .map(|(name, key, value)| Flag { name, key, value: (*value).to_owned() })
            .collect(),
        folder: "/nonexistent".into(),
        file: None,
    }
}

fn refused(environment: &[(&str, &str)]) -> String {
    Config::load(&sources(environment, &[])).unwrap_err().to_string()
}

#[test]
fn the_default_file_is_complete_and_says_the_engines_limits() {
    let config = Config::default();
    assert_eq!(config.mode, Mode::Development);
    assert_eq!(config.address().to_string(), "127.0.0.1:8000");
    assert_eq!(format!("{:?}", config.limits.engine()), format!("{:?}", service::Limits::default()));
    assert!(config.settings().iter().all(|setting| setting.layer == "the default"));
}

#[test]
fn later_layers_win_and_are_named() {
    let folder = tempfile();
    std::fs::write(
        folder.join("launchway.toml"),
        "[limits]\nbody = \"1MB\"\ndepth = 3\n[cors]\norigins = [\"https://a.example\"]\n",
    )
    .unwrap();
    let mut sources = sources(
        &[("LAUNCHWAY_LIMITS__DEPTH", "5"), ("DATABASE_URL", "postgres://ann:hush@db/x"), ("PORT", "9000")],
        &[("--listen", "server.listen", "127.0.0.1:7000")],
    );
    sources.folder = folder.clone();
    let config = Config::load(&sources).unwrap();
    assert_eq!(config.limits.body.0, 1 << 20);
    assert_eq!(config.limits.depth, 5);
    assert_eq!(config.address().port(), 7000);
    let layer =
        |key: &str| config.settings().iter().find(|setting| setting.key == key).unwrap().layer.clone();
    assert_eq!(layer("limits.body"), "launchway.toml");
    assert_eq!(layer("limits.depth"), "LAUNCHWAY_LIMITS__DEPTH");
    assert_eq!(layer("database.url"), "DATABASE_URL");
    assert_eq!(layer("server.listen"), "--listen");
    assert_eq!(layer("limits.cost"), "the default");
    std::fs::remove_dir_all(folder).unwrap();
}

fn tempfile() -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("launchway-config-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn secrets_are_masked_wherever_they_come_from() {
    let environment = [
        ("LAUNCHWAY_AUTH__ADMIN_KEY", "01234567890123456789012345678901"),
        ("DATABASE_URL", "postgres://ann:hush@db.example/shop?sslmode=require"),
        ("LAUNCHWAY_MAIL__URL", "smtps://ann:hush@mail.example"),
    ];
    let config = Config::load(&sources(&environment, &[])).unwrap();
    assert_eq!(config.mail.url.reveal(), "smtps://ann:hush@mail.example");
    assert_eq!(config.auth.admin_key.reveal().len(), 32, "a key of digits stays a text");
    let text = format!("{}{config:?}", print::render(config.settings()));
    assert!(!text.contains("0123456789012345") && !text.contains("hush"), "{text}");
    assert!(text.contains("postgres://ann:********@db.example/shop?sslmode=require"), "{text}");
    assert!(text.contains("# LAUNCHWAY_AUTH__ADMIN_KEY"), "{text}");
    assert!(text.contains("url = \"********\"") && text.contains("# LAUNCHWAY_MAIL__URL"), "{text}");
    assert!(!text.contains("mail.example"), "{text}");
}

#[test]
fn the_printed_settings_are_toml_in_the_order_of_the_default_file() {
    let text = print::render(Config::default().settings());
    let again: toml::Table = text.parse().unwrap();
    assert_eq!(again.len(), super::DEFAULT.parse::<toml::Table>().unwrap().len());
    assert!(text.find("[server]").unwrap() < text.find("[database]").unwrap());
    assert!(text.starts_with("mode = \"development\""), "{text}");
}

#[test]
fn mistakes_name_the_key_and_the_layer() {
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);
    let table: [Case<'_>; 13] = [
        (
            &[("LAUNCHWAY_SERVER__LISTEM", "x")],
            &["server.listem", "did you mean `listen`?", "LAUNCHWAY_SERVER__LISTEM"],
        ),
        (&[("LAUNCHWAY_SEVER__LISTEN", "x")], &["sever", "did you mean `server`?"]),
        (
            &[("LAUNCHWAY_SERVER__LISTEN", "nowhere")],
            &["server.listen", "nowhere", "LAUNCHWAY_SERVER__LISTEN"],
        ),
        (&[("LAUNCHWAY_LIMITS__BODY", "huge")], &["limits.body", "huge"]),
        (&[("LAUNCHWAY_LIMITS__DEPTH", "many")], &["limits.depth", "LAUNCHWAY_LIMITS__DEPTH"]),
        (&[("LAUNCHWAY_MODE", "staging")], &["mode", "staging", "development, production"]),
        (&[("LAUNCHWAY_SERVER__LISTEN", "0.0.0.0:80")], &["server.listen", "--production"]),
        (&[("DATABASE_URL", "mysql://x:hush@y/z")], &["database.url", "sqlite://path", "DATABASE_URL"]),
        (&[("LAUNCHWAY_CORS__ORIGINS", "https://a.example/")], &["cors.origins", "https://a.example/"]),
        (&[("LAUNCHWAY_CORS__ORIGINS", "*"), ("LAUNCHWAY_CORS__CREDENTIALS", "true")], &["cors.credentials"]),
        (
            &[("LAUNCHWAY_MODE", "production"), ("LAUNCHWAY_AUTH__ADMIN_KEY", "short")],
            &["auth.admin_key", "32"],
        ),
        (&[("OTEL_TRACES_SAMPLER", "sometimes")], &["telemetry.sampler", "OTEL_TRACES_SAMPLER"]),
        (&[("LAUNCHWAY_LIMITS__CONCURRENCY", "0")], &["limits.concurrency", "above zero"]),
    ];
    for (environment, parts) in table {
        let text = refused(environment);
        for part in parts {
            assert!(text.contains(part), "`{part}` is not in: {text}");
        }
        assert!(!text.contains("hush") && !text.contains("short\""), "{text}");
    }
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let error = Config::load(&sources(
        &[("LAUNCHWAY_LIMITS__CONCURRENCY", "0"), ("LAUNCHWAY_SERVER__LISTEN", "0.0.0.0:80")],
        &[],
    ))
    .unwrap_err();
    assert_eq!(error.problems.len(), 2, "{error}");
}

#[test]
fn production_is_quiet_unless_asked() {
    let environment =
        [("LAUNCHWAY_MODE", "production"), ("LAUNCHWAY_GRAPHQL__GRAPHIQL", "true"), ("PORT", "80")];
    let config = Config::load(&sources(&environment, &[])).unwrap();
    assert_eq!(config.address().to_string(), "0.0.0.0:80");
    assert!(!config.helps(config.graphql.introspection));
    assert!(!config.helps(config.graphql.suggestions));
    assert!(config.helps(config.graphql.graphiql));
}

#[test]
fn a_missing_or_broken_file_is_named() {
    let mut sources = sources(&[], &[]);
    sources.file = Some("/nonexistent/other.toml".into());
    assert!(Config::load(&sources).unwrap_err().to_string().contains("/nonexistent/other.toml"));
    let folder = tempfile();
    std::fs::write(folder.join("bad.toml"), "[server\n").unwrap();
    sources.file = Some(folder.join("bad.toml"));
    let text = Config::load(&sources).unwrap_err().to_string();
    assert!(text.contains("bad.toml") && text.contains("line 1"), "{text}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn mistakes_in_mail_are_found_and_passwords_are_not_repeated() {
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);
    let production = ("LAUNCHWAY_MODE", "production");
    let server = ("LAUNCHWAY_MAIL__URL", "smtps://ann:hush@mail.example");
    let table: [Case<'_>; 9] = [
        (&[("LAUNCHWAY_MAIL__URL", "http://ann:hush@mail.example")], &["mail.url", "smtps://", "smtp://"]),
        (&[("LAUNCHWAY_MAIL__URL", "smtp://ann:hush@mail.example?tls=no")], &["mail.url", "parameters"]),
        (&[("LAUNCHWAY_MAIL__URL", "hush")], &["mail.url", "not a URL", "LAUNCHWAY_MAIL__URL"]),
        (&[("LAUNCHWAY_MAIL__FROM", "Tunes")], &["mail.from", "name@example.com"]),
        (&[("LAUNCHWAY_MAIL__PRODUCT", "Tunes\r\nBcc: x")], &["mail.product", "one line"]),
        (&[("LAUNCHWAY_MAIL__APP_URL", "tunes.example")], &["mail.app_url", "https://app.example.com"]),
        (&[("LAUNCHWAY_MAIL__APP_URL", "https://tunes.example/#/x")], &["mail.app_url"]),
        (
            &[production, ("LAUNCHWAY_MAIL__URL", "smtp://ann:hush@mail.example")],
            &["mail.url", "in the clear", "mail.from", "localhost"],
        ),
        (&[production, server], &["mail.from", "localhost"]),
    ];
    for (environment, parts) in table {
        let text = refused(environment);
        for part in parts {
            assert!(text.contains(part), "`{part}` is not in: {text}");
        }
        assert!(!text.contains("hush"), "{text}");
    }
    let good = [
        production,
        server,
        ("LAUNCHWAY_MAIL__FROM", "Tunes <no-reply@tunes.example>"),
        ("LAUNCHWAY_MAIL__APP_URL", "https://tunes.example/app/"),
    ];
    let config = Config::load(&sources(&good, &[])).unwrap();
    assert_eq!(config.mail.product, "Launchway");
    let plain = [("LAUNCHWAY_MAIL__URL", "smtp://ann:hush@mail.example")];
    assert!(Config::load(&sources(&plain, &[])).is_ok(), "development may");
}
