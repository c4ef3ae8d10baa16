//! Logs: for people on a terminal, one JSON object per line for machines. What a client sent can't forge a line.

use std::fmt::{self, Write as _};
use std::io::IsTerminal;
use std::sync::Once;
use std::time::Duration;

use poem::http::StatusCode;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::Config;
use crate::config::telemetry::LogFormat;
use crate::http::Call;
use crate::http::call::Route;

/// The log of a server. Takes events only: a span that nobody exports is not made.
pub(super) fn layer<S>(config: &Config) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    // The steps of the migrator's own tables are nobody's news; a directive of the settings still wins.
    let directives = format!("sea_orm_migration=warn,{}", config.telemetry.log);
    let filter = EnvFilter::builder().parse_lossy(directives).and(filter_fn(|what| what.is_event()));
    if is_pretty(config) {
        let layer = tracing_subscriber::fmt::layer().event_format(Pretty).with_ansi(colors());
        return layer.with_writer(std::io::stderr).with_filter(filter).boxed();
    }
    tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(std::io::stderr)
        .with_filter(filter)
        .boxed()
}

/// The log of a command: warnings, for people.
pub(super) fn quiet_layer<S>(config: &Config) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let level = if config.telemetry.log == "info" { "warn" } else { &config.telemetry.log };
    let filter = EnvFilter::builder().parse_lossy(level).and(filter_fn(|what| what.is_event()));
    let layer = tracing_subscriber::fmt::layer().event_format(Pretty).with_ansi(colors());
    layer.with_writer(std::io::stderr).with_filter(filter).boxed()
}

fn colors() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|text| text.is_empty())
}

fn is_pretty(config: &Config) -> bool {
    match config.telemetry.log_format {
        LogFormat::Pretty => true,
        LogFormat::Json => false,
        LogFormat::Auto => !config.is_production() && std::io::stderr().is_terminal(),
    }
}

/// Whether each request gets a line.
#[must_use]
pub fn has_access_log(config: &Config) -> bool {
    config.telemetry.access_log.or(!config.is_production() && std::io::stderr().is_terminal())
}

/// The line of a request.
pub fn access(method: &'static str, call: &Call, status: StatusCode, time: Duration) {
    let route = call.route().map_or("", Route::as_str);
    let milliseconds = (time.as_secs_f64() * 100_000.0).round() / 100.0;
    let trace_id = call.trace().map(|trace| trace.to_string());
    tracing::info!(
        target: "launchway::access",
        method,
        path = call.uri().path(),
        status = status.as_u16(),
        milliseconds,
        route,
        client = %call.client(),
        request_id = call.id_text(),
        trace_id,
        "request"
    );
}

/// A panic is one line in the log like everything else, and harms only its request.
pub(super) fn hook_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            let message = panic.payload_as_str().unwrap_or("no message");
            tracing::error!("panicked at {place}: {message}");
        }));
    });
}

/// `12:00:01.234  INFO a sentence  key=value key="text with spaces"`
struct Pretty;

impl<S, N> FormatEvent<S, N> for Pretty
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let (color, end, dim) = match out.has_ansi_escapes() {
            true => (color(*event.metadata().level()), "\x1b[0m", "\x1b[2m"),
            false => ("", "", ""),
        };
        let time = service::clock::now().format("%H:%M:%S%.3f");
        write!(out, "{dim}{time}{end} {color}{:>5}{end} ", event.metadata().level())?;
        let mut parts = Parts::default();
        event.record(&mut parts);
        out.write_str(&parts.message)?;
        if !parts.fields.is_empty() {
            write!(out, " {dim}{}{end}", parts.fields)?;
        }
        writeln!(out)
    }
}

fn color(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        Level::DEBUG => "\x1b[34m",
        Level::TRACE => "\x1b[35m",
    }
}

#[derive(Default)]
struct Parts {
    message: String,
    fields: String,
}

impl Parts {
    fn add(&mut self, field: &Field, text: &str) {
        if field.name() == "message" {
            escape(text, &mut self.message);
        } else if !text.is_empty() {
            let _ = write!(self.fields, " {}=", field.name());
            let quote = text.contains([' ', '"', '=']);
            self.fields.push_str(if quote { "\"" } else { "" });
            escape(text, &mut self.fields);
            self.fields.push_str(if quote { "\"" } else { "" });
        }
    }
}

impl Visit for Parts {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, &format!("{value:?}"));
    }
}

/// Line ends, escape sequences and other controls become visible and harmless.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            true => out.extend(c.escape_default()),
            false => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn text(sink: &Sink) -> String {
        String::from_utf8(sink.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn nobody_forges_a_line() {
        let hostile = "a\r\n12:00 ERROR forged\u{1b}[31m\u{2028}\u{202e}";
        let (pretty, json) = (Sink::default(), Sink::default());
        let (to_pretty, to_json) = (pretty.clone(), json.clone());
        let subscriber = tracing_subscriber::registry()
            .with(
                tracing_subscriber::fmt::layer()
                    .event_format(Pretty)
                    .with_ansi(false)
                    .with_writer(move || to_pretty.clone()),
            )
            .with(
                tracing_subscriber::fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_writer(move || to_json.clone()),
            );
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(agent = hostile, debug = ?hostile, "hello {hostile}");
        });
        for text in [text(&pretty), text(&json)] {
            assert_eq!(text.lines().count(), 1, "{text}");
            assert!(!text.contains('\u{1b}') && text.ends_with('\n'), "{text}");
        }
        assert!(!text(&pretty).contains('\u{202e}'));
    }
}
