//! The client's half of SOCKS5 (RFC 1928), with a login where there is one (RFC 1929).
//!
//! In: an open connection to a proxy, a login, a server. Out: the same connection, which leads to the server now. Names are
//! resolved by the proxy. hyper-util has a client as well; it offers a login as the only method, and a proxy that wants none
//! then refuses. Go offers both.

use std::{io, net::IpAddr};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const VERSION: u8 = 5;
const NO_LOGIN: u8 = 0;
const LOGIN: u8 = 2;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// Why a proxy did not connect to a server.
#[derive(Debug, thiserror::Error)]
pub enum SocksError {
    #[error("it closed the connection")]
    Closed,
    #[error(transparent)]
    Io(io::Error),
    #[error("it does not speak SOCKS5: its answer has version {found}")]
    Version { found: u8 },
    #[error("it wants a login, and its URL has none")]
    LoginMissing,
    #[error("it accepts neither a login with user and password nor none")]
    Method,
    #[error("it did not accept the user and password of its URL")]
    LoginRefused,
    #[error("the user or password of its URL is empty or longer than 255 bytes, which SOCKS5 cannot carry")]
    LoginSize,
    #[error("the name of the server is longer than 255 bytes, which SOCKS5 cannot carry")]
    NameSize,
    #[error("its answer is {words}", words = words(*.0))]
    Refused(u8),
    #[error("its answer has an address of the unknown type {0}")]
    Address(u8),
}

impl From<io::Error> for SocksError {
    fn from(error: io::Error) -> SocksError {
        if super::retry::is_ended(&error) { SocksError::Closed } else { SocksError::Io(error) }
    }
}

/// The field REP of an answer.
fn words(reply: u8) -> String {
    let words = match reply {
        1 => "general failure",
        2 => "connection not allowed by its rules",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "TTL expired",
        7 => "command not supported",
        8 => "address type not supported",
        other => return format!("the unknown code {other}"),
    };
    format!("`{words}`")
}

/// Has the proxy connect to a server.
///
/// # Errors
/// Whatever the proxy answers instead.
pub async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    login: Option<(&str, &str)>,
    (host, port): (&str, u16),
) -> Result<(), SocksError> {
    let offered: &[u8] = if login.is_some() { &[VERSION, 2, NO_LOGIN, LOGIN] } else { &[VERSION, 1, NO_LOGIN] };
    stream.write_all(offered).await?;
    let [version, method] = read(stream).await?;
    if version != VERSION {
        return Err(SocksError::Version { found: version });
    }
    match (method, login) {
        (NO_LOGIN, _) => {}
        (LOGIN, Some((user, password))) => log_in(stream, user, password).await?,
        (_, None) => return Err(SocksError::LoginMissing),
        (_, Some(_)) => return Err(SocksError::Method),
    }
    let mut request = vec![VERSION, CONNECT, 0];
    match host.parse() {
        Ok(IpAddr::V4(address)) => {
            request.push(IPV4);
            request.extend(address.octets());
        }
        Ok(IpAddr::V6(address)) => {
            request.push(IPV6);
            request.extend(address.octets());
        }
        Err(_) => {
            request.push(NAME);
            request.push(u8::try_from(host.len()).map_err(|_| SocksError::NameSize)?);
            request.extend(host.as_bytes());
        }
    }
    request.extend(port.to_be_bytes());
    stream.write_all(&request).await?;
    let [version, reply, _, kind] = read(stream).await?;
    if version != VERSION {
        return Err(SocksError::Version { found: version });
    }
    if reply != 0 {
        return Err(SocksError::Refused(reply));
    }
    // The address from which the proxy connects, which nobody needs, and its port.
    let length = match kind {
        IPV4 => 4,
        IPV6 => 16,
        NAME => usize::from(stream.read_u8().await?),
        other => return Err(SocksError::Address(other)),
    };
    stream.read_exact(&mut vec![0; length + 2]).await?;
    Ok(())
}

async fn log_in<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    user: &str,
    password: &str,
) -> Result<(), SocksError> {
    let length = |text: &str| u8::try_from(text.len()).map_err(|_| SocksError::LoginSize);
    if user.is_empty() {
        return Err(SocksError::LoginSize);
    }
    let (of_user, of_password) = (length(user)?, length(password)?);
    let login = [&[1, of_user], user.as_bytes(), &[of_password], password.as_bytes()].concat();
    stream.write_all(&login).await?;
    match read(stream).await? {
        [_, 0] => Ok(()),
        _ => Err(SocksError::LoginRefused),
    }
}

async fn read<const N: usize>(stream: &mut (impl AsyncRead + Unpin)) -> Result<[u8; N], SocksError> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said to a proxy that answers this, and how it ends.
    #[track_caller]
    fn check(login: Option<(&str, &str)>, host: &str, answers: &[u8], said: &[u8], end: &str) {
        let (mut ours, mut theirs) = tokio::io::duplex(4096);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let (ended, heard) = runtime.block_on(async {
            theirs.write_all(answers).await.expect("room");
            theirs.shutdown().await.expect("an end");
            let ended = connect(&mut ours, login, (host, 0x1234)).await;
            drop(ours);
            let mut heard = Vec::new();
            theirs.read_to_end(&mut heard).await.expect("what was said");
            (ended, heard)
        });
        assert_eq!(heard, said, "{host}");
        assert_eq!(ended.map_or_else(|error| error.to_string(), |()| "connected".to_owned()), end);
    }

    const OK: [u8; 10] = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0];

    #[test]
    fn a_proxy_is_offered_a_login_and_none() {
        let a_to = b"\x05\x01\0\x03\x01a\x12\x34";
        let jane = Some(("jane", "pw"));
        check(None, "a", &[&[5, 0][..], &OK].concat(), &[&[5, 1, 0][..], a_to].concat(), "connected");
        check(jane, "a", &[&[5, 0][..], &OK].concat(), &[&[5, 2, 0, 2][..], a_to].concat(), "connected");
        let with_login = [&[5, 2, 0, 2][..], b"\x01\x04jane\x02pw", a_to].concat();
        check(jane, "a", &[&[5, 2, 1, 0][..], &OK].concat(), &with_login, "connected");
        let until_login = &with_login[..with_login.len() - a_to.len()];
        check(jane, "a", &[5, 2, 1, 1], until_login, "it did not accept the user and password of its URL");
        let long = "p".repeat(256);
        let size = "the user or password of its URL is empty or longer than 255 bytes, which SOCKS5 cannot carry";
        check(Some(("jane", &long)), "a", &[5, 2], &[5, 2, 0, 2], size);
        check(Some(("", "pw")), "a", &[5, 2], &[5, 2, 0, 2], size);
    }

    #[test]
    fn addresses_are_sent_as_what_they_are() {
        let answers = [&[5, 0][..], &OK].concat();
        check(None, "10.1.2.3", &answers, b"\x05\x01\0\x05\x01\0\x01\x0a\x01\x02\x03\x12\x34", "connected");
        let v6 = [b"\x05\x01\0\x05\x01\0\x04".as_slice(), &[0; 15], b"\x01\x12\x34"].concat();
        check(None, "::1", &answers, &v6, "connected");
        let named = [&[5, 0, 5, 0, 0, 3, 2][..], b"ab\0\0"].concat();
        check(None, "a", &named, b"\x05\x01\0\x05\x01\0\x03\x01a\x12\x34", "connected");
    }

    #[test]
    fn a_refusal_says_what_it_is() {
        let request = b"\x05\x01\0\x05\x01\0\x03\x01a\x12\x34";
        check(None, "a", &[5, 0, 5, 2, 0, 1], request, "its answer is `connection not allowed by its rules`");
        check(None, "a", &[5, 0, 5, 77, 0, 1], request, "its answer is the unknown code 77");
        check(None, "a", &[5, 0], request, "it closed the connection");
        check(None, "a", b"HTTP", &[5, 1, 0], "it does not speak SOCKS5: its answer has version 72");
        check(None, "a", &[5, 255], &[5, 1, 0], "it wants a login, and its URL has none");
        check(
            Some(("j", "p")),
            "a",
            &[5, 255],
            &[5, 2, 0, 2],
            "it accepts neither a login with user and password nor none",
        );
        check(
            None,
            &"a".repeat(256),
            &[5, 0],
            &[5, 1, 0],
            "the name of the server is longer than 255 bytes, which SOCKS5 cannot carry",
        );
    }
}
