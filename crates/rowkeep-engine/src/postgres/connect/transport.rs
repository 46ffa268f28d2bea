//! The bytes of a connection: TLS or not, and a tap on what comes out of it.
//!
//! The client library is told that it speaks TLS from the first byte, which leaves to us what it would do before:
//! asking the server for TLS (PostgreSQL manual, "SSL Session Encryption"). That is the one place where a stream of our own fits between
//! the library and its socket. It knows TLS only for hosts with a name, so there is no tap on sockets of Unix.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio_postgres::config::{Host, SslMode, SslNegotiation};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres::{Config, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::copy_interceptor::{Tap, Tapped};

/// The message `SSLRequest`.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// What the server says to it when it speaks TLS.
const WILLING: u8 = b'S';

type Handshake = <MakeRustlsConnect as MakeTlsConnect<Socket>>::TlsConnect;
type Encrypted = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// The configuration of a connection with a tap, and what makes it; nothing where there can be no tap.
pub(crate) fn tapped(config: &Config, tls: MakeRustlsConnect) -> Option<(Config, Connector, Tap)> {
    let [Host::Tcp(_)] = config.get_hosts() else { return None };
    let tap = Tap::default();
    let (mode, negotiation) = (config.get_ssl_mode(), config.get_ssl_negotiation());
    let connector = Connector { tls, mode, negotiation, tap: tap.clone() };
    let mut config = config.clone();
    config.ssl_mode(SslMode::Require).ssl_negotiation(SslNegotiation::Direct);
    Some((config, connector, tap))
}

/// Makes the streams of connections as the modes say that were asked for.
#[derive(Clone)]
pub(crate) struct Connector {
    tls: MakeRustlsConnect,
    mode: SslMode,
    negotiation: SslNegotiation,
    tap: Tap,
}

impl MakeTlsConnect<Socket> for Connector {
    type Stream = Wire;
    type TlsConnect = Connecting;
    type Error = Infallible;

    fn make_tls_connect(&mut self, host: &str) -> Result<Connecting, Infallible> {
        let handshake = MakeTlsConnect::<Socket>::make_tls_connect(&mut self.tls, host)?;
        Ok(Connecting { handshake, mode: self.mode, negotiation: self.negotiation, tap: self.tap.clone() })
    }
}

/// One connection on its way.
pub(crate) struct Connecting {
    handshake: Handshake,
    mode: SslMode,
    negotiation: SslNegotiation,
    tap: Tap,
}

impl TlsConnect<Socket> for Connecting {
    type Stream = Wire;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Wire>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move {
            let tap = self.tap.clone();
            Ok(Tapped::new(self.negotiate(socket).await?, tap))
        })
    }
}

impl Connecting {
    async fn negotiate(self, mut socket: Socket) -> io::Result<Carrier> {
        if self.mode == SslMode::Disable {
            return Ok(Carrier::Plain(socket));
        }
        if self.negotiation == SslNegotiation::Postgres {
            socket.write_all(&SSL_REQUEST).await?;
            // One byte alone, for what follows it would not be encrypted.
            let mut answer = [0];
            socket.read_exact(&mut answer).await?;
            match (answer, self.mode) {
                ([WILLING], _) => {}
                (_, SslMode::Prefer) => return Ok(Carrier::Plain(socket)),
                _ => return Err(io::Error::other("server does not support TLS")),
            }
        } else if self.mode == SslMode::Prefer {
            return Err(io::Error::other("sslnegotiation=direct needs sslmode=require or a stricter one"));
        }
        Ok(Carrier::Encrypted(Box::new(self.handshake.connect(socket).await?)))
    }
}

/// What carries the bytes.
pub(crate) enum Carrier {
    Plain(Socket),
    Encrypted(Box<Encrypted>),
}

impl AsyncRead for Carrier {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Carrier::Plain(socket) => Pin::new(socket).poll_read(context, out),
            Carrier::Encrypted(stream) => Pin::new(stream).poll_read(context, out),
        }
    }
}

impl AsyncWrite for Carrier {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Carrier::Plain(socket) => Pin::new(socket).poll_write(context, bytes),
            Carrier::Encrypted(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Carrier::Plain(socket) => Pin::new(socket).poll_flush(context),
            Carrier::Encrypted(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Carrier::Plain(socket) => Pin::new(socket).poll_shutdown(context),
            Carrier::Encrypted(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

/// What the client library reads from and writes to.
pub(crate) type Wire = Tapped<Carrier>;

impl TlsStream for Wire {
    fn channel_binding(&self) -> ChannelBinding {
        match self.stream() {
            Carrier::Plain(_) => ChannelBinding::none(),
            Carrier::Encrypted(stream) => stream.channel_binding(),
        }
    }
}
