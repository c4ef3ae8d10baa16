//! A mail server that keeps all mail, for tests to read. It speaks as much SMTP as a program that sends mail needs, and
//! can be told to make trouble first.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mail_parser::MessageParser;
use mail_parser::decoders::base64::base64_decode;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::runtime;

/// How long a mail is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes of one mail, or of one line, at most.
const LARGEST: u64 = 10_000_000;

/// A mail as it arrived, decoded.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The address it was delivered to.
    pub to: String,
    /// The address of who sent it.
    pub from: String,
    /// The subject, on one line.
    pub subject: String,
    /// The plain text; its lines end with `\n`.
    pub text: String,
    /// The HTML.
    pub html: String,
    /// The code in it: a link's `token=`, or else a line of its own, four spaces in.
    pub code: Option<String>,
    /// Where the first link leads.
    pub link: Option<String>,
    /// Who signed in to send it, as `user:password`.
    pub login: Option<String>,
    /// The bytes as they came.
    pub raw: String,
}

/// What a server does wrong, for one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Says that it is busy (421), and closes.
    Busy,
    /// Closes without a word.
    Closes,
    /// Closes when the mail has come, before it says whether it took it.
    Forgets,
    /// Refuses the address for good (550), with the address in its words.
    Refuses,
    /// Takes the connection and never says anything.
    Silent,
}

/// A running mail server. It ends with the process.
#[derive(Debug)]
pub struct Mailbox {
    port: u16,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    kept: Mutex<Kept>,
    /// Changes with each connection and each mail.
    news: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    mails: Vec<Mail>,
    /// How many mails to an address were handed out by [`Mailbox::wait`].
    read: HashMap<String, usize>,
    troubles: VecDeque<Trouble>,
    connections: usize,
}

impl State {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        self.news.send_modify(|count| *count += 1);
    }
}

impl Mailbox {
    /// Starts a server on a free port of this machine.
    #[must_use]
    pub fn start() -> Self {
        Self::with([])
    }

    /// Starts a server that makes one trouble in each of its first connections.
    #[must_use]
    pub fn with(troubles: impl IntoIterator<Item = Trouble>) -> Self {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        socket.set_nonblocking(true).expect("a socket that does not block");
        let port = socket.local_addr().expect("the socket's address").port();
        let kept = Kept { troubles: troubles.into_iter().collect(), ..Kept::default() };
        let state = Arc::new(State { kept: Mutex::new(kept), news: watch::Sender::new(0) });
        let shared = Arc::clone(&state);
        runtime::spawn(async move {
            let socket = TcpListener::from_std(socket).expect("a socket of the runtime");
            while let Ok((stream, _)) = socket.accept().await {
                let trouble = {
                    let mut kept = shared.kept();
                    kept.connections += 1;
                    kept.troubles.pop_front()
                };
                shared.tell();
                let state = Arc::clone(&shared);
                // A client that hangs up is no failure of the server.
                runtime::spawn(async move {
                    let _ = converse(stream, trouble, &state).await;
                });
            }
        });
        Self { port, state }
    }

    /// What to write into `mail.url`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// The next mail to an address: each is given once, in the order they came. Waits for it.
    ///
    /// # Panics
    /// When none comes.
    pub async fn wait(&self, to: &str) -> Mail {
        let found = self
            .look(|kept| {
                let read = kept.read.get(to).copied().unwrap_or(0);
                let mail = kept.mails.iter().filter(|mail| is_to(mail, to)).nth(read)?.clone();
                kept.read.insert(to.to_owned(), read + 1);
                Some(mail)
            })
            .await;
        found.unwrap_or_else(|| panic!("no mail came to {to}; there is mail {}", self.addresses()))
    }

    /// Waits for the connection of this number, from 1.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn connected(&self, number: usize) {
        let found = self.look(|kept| (kept.connections >= number).then_some(())).await;
        assert!(found.is_some(), "there was no connection {number}, but {}", self.connections());
    }

    /// All mails to an address, also those that were read.
    #[must_use]
    pub fn mails(&self, to: &str) -> Vec<Mail> {
        self.state.kept().mails.iter().filter(|mail| is_to(mail, to)).cloned().collect()
    }

    /// All mails, in the order they came.
    #[must_use]
    pub fn all(&self) -> Vec<Mail> {
        self.state.kept().mails.clone()
    }

    /// How often somebody connected.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.state.kept().connections
    }

    /// Looks whenever there is news, until something is found or the time is over.
    async fn look<T>(&self, mut find: impl FnMut(&mut Kept) -> Option<T>) -> Option<T> {
        let mut news = self.state.news.subscribe();
        timeout(PATIENCE, async {
            loop {
                news.borrow_and_update();
                let found = find(&mut self.state.kept());
                if found.is_some() {
                    return found;
                }
                news.changed().await.ok()?;
            }
        })
        .await
        .unwrap_or(None)
    }

    fn addresses(&self) -> String {
        let all: Vec<String> = self.all().into_iter().map(|mail| mail.to).collect();
        format!("{all:?}")
    }
}

fn is_to(mail: &Mail, to: &str) -> bool {
    mail.to.eq_ignore_ascii_case(to)
}

/// One connection, from the greeting to the end.
async fn converse(stream: TcpStream, trouble: Option<Trouble>, state: &State) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    match trouble {
        Some(Trouble::Closes) => return Ok(()),
        Some(Trouble::Busy) => return say(&mut stream, "421 too busy").await,
        Some(Trouble::Silent) => {
            let mut nothing = Vec::new();
            stream.read_to_end(&mut nothing).await?;
            return Ok(());
        }
        Some(Trouble::Refuses | Trouble::Forgets) | None => {}
    }
    say(&mut stream, "220 mailbox ESMTP").await?;
    let (mut from, mut to, mut login) = (String::new(), Vec::new(), None);
    while let Some(line) = line(&mut stream).await? {
        let command = line.trim_end().to_ascii_uppercase();
        if command.starts_with("EHLO") {
            say(&mut stream, "250-mailbox\r\n250-8BITMIME\r\n250-AUTH PLAIN\r\n250 SMTPUTF8").await?;
        } else if command.starts_with("AUTH PLAIN ") {
            login = Some(credentials(&line));
            say(&mut stream, "235 welcome").await?;
        } else if command.starts_with("MAIL FROM:") {
            from = path(&line);
            say(&mut stream, "250 ok").await?;
        } else if command.starts_with("RCPT TO:") && trouble == Some(Trouble::Refuses) {
            say(&mut stream, &format!("550 <{}> is not known here", path(&line))).await?;
        } else if command.starts_with("RCPT TO:") {
            to.push(path(&line));
            say(&mut stream, "250 ok").await?;
        } else if command == "DATA" {
            say(&mut stream, "354 go on").await?;
            let raw = data(&mut stream).await?;
            if trouble == Some(Trouble::Forgets) {
                return Ok(());
            }
            let mails = to.drain(..).map(|to| Mail { login: login.clone(), ..read(&raw, to, &from) });
            state.kept().mails.extend(mails);
            state.tell();
            say(&mut stream, "250 taken").await?;
        } else if command == "QUIT" {
            return say(&mut stream, "221 bye").await;
        } else if ["HELO", "RSET", "NOOP"].iter().any(|word| command.starts_with(word)) {
            say(&mut stream, "250 ok").await?;
        } else {
            say(&mut stream, "502 not spoken here").await?;
        }
    }
    Ok(())
}

async fn say(stream: &mut BufReader<TcpStream>, words: &str) -> io::Result<()> {
    stream.write_all(format!("{words}\r\n").as_bytes()).await?;
    stream.flush().await
}

/// The next line with its end; none when the other side has closed.
async fn line(stream: &mut BufReader<TcpStream>) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    (&mut *stream).take(LARGEST).read_until(b'\n', &mut bytes).await?;
    Ok((!bytes.is_empty()).then(|| String::from_utf8_lossy(&bytes).into_owned()))
}

/// The mail up to the line with a single dot.
async fn data(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut raw = String::new();
    while let Some(line) = line(stream).await? {
        if line == ".\r\n" {
            return Ok(raw);
        }
        if raw.len() + line.len() > usize::try_from(LARGEST).unwrap_or(usize::MAX) {
            return Err(io::Error::other("the mail is too large"));
        }
        // A line that begins with a dot has one more on its way (RFC 5321, 4.5.2).
        raw.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

/// What `AUTH PLAIN` tells (RFC 4616): nobody else's name, a name, a password.
fn credentials(line: &str) -> String {
    let encoded = line.split_whitespace().nth(2).unwrap_or_default();
    let bytes = base64_decode(encoded.as_bytes()).expect("credentials in base64");
    let text = String::from_utf8(bytes).expect("credentials in UTF-8");
    text.trim_start_matches('\0').replacen('\0', ":", 1)
}

/// The address between the brackets.
fn path(line: &str) -> String {
    line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(path, _)| path).to_owned()
}

fn read(raw: &str, to: String, from: &str) -> Mail {
    let message = MessageParser::default().parse(raw.as_bytes()).expect("a mail in MIME");
    let part = |text: Option<std::borrow::Cow<'_, str>>| text.unwrap_or_default().replace("\r\n", "\n");
    let text = part(message.body_text(0));
    let link = text.split_whitespace().find(|word| word.contains("://"));
    let linked = link.and_then(|link| link.split_once("token=")).map(|(_, rest)| {
        let end = rest.find(['&', '#']).unwrap_or(rest.len());
        decoded(&rest[..end])
    });
    let typed = || {
        let alone = |line: &&str| !line.is_empty() && !line.contains([' ', ':']);
        text.lines().filter_map(|line| line.strip_prefix("    ")).find(alone).map(ToOwned::to_owned)
    };
    Mail {
        to,
        from: from.to_owned(),
        subject: message.subject().unwrap_or_default().to_owned(),
        html: part(message.body_html(0)),
        code: linked.or_else(typed),
        link: link.map(ToOwned::to_owned),
        login: None,
        raw: raw.to_owned(),
        text,
    }
}

/// A value of a query, without its percent signs.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = [rest.next().unwrap_or(b'?'), rest.next().unwrap_or(b'?')];
                let digits = std::str::from_utf8(&digits).unwrap_or_default();
                bytes.push(u8::from_str_radix(digits, 16).expect("two digits after a percent sign"));
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).expect("a token in UTF-8")
}
