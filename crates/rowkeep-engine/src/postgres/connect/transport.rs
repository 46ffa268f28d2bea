//! The bytes of a connection: TLS or not, and an interceptor on what comes out of it.
//!
//! The client library is told that it speaks TLS from the first byte, which leaves to us what it would do before:
//! asking the server for TLS (PostgreSQL manual, "SSL Session Encryption"). That is the one place where a stream of our own fits between
//! the library and its socket. It knows TLS only for hosts with a name, so there is no interceptor on Unix sockets.

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

use super::copy_interceptor::{CopyInterceptor, Intercepted};

/// The message `SSLRequest`.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// What the server says to it when it speaks TLS.
const WILLING: u8 = b'S';

type Handshake = <MakeRustlsConnect as MakeTlsConnect<Socket>>::TlsConnect;
type Encrypted = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// The configuration of a connection with an interceptor, and what makes it; nothing where there can be none.
pub(crate) fn intercepted(
    config: &Config,
    tls: MakeRustlsConnect,
) -> Option<(Config, Connector, CopyInterceptor)> {
    let [Host::Tcp(_)] = config.get_hosts() else { return None };
    let interceptor = CopyInterceptor::default();
    let (mode, negotiation) = (config.get_ssl_mode(), config.get_ssl_negotiation());
    let connector =
        Connector { tls, mode, negotiation, interceptor: interceptor.clone(), until_closed: false };
    let mut config = config.clone();
    config.ssl_mode(SslMode::Require).ssl_negotiation(SslNegotiation::Direct);
    Some((config, connector, interceptor))
}

/// Makes the streams of connections as the modes say that were asked for.
#[derive(Clone)]
pub(crate) struct Connector {
    tls: MakeRustlsConnect,
    mode: SslMode,
    negotiation: SslNegotiation,
    interceptor: CopyInterceptor,
    until_closed: bool,
}

impl Connector {
    /// The same, with streams that are shut down only when the other side has closed them; see [`UntilClosed`].
    pub(crate) fn until_closed(self) -> Self {
        Self { until_closed: true, ..self }
    }
}

impl MakeTlsConnect<Socket> for Connector {
    type Stream = Transport;
    type TlsConnect = Connecting;
    type Error = Infallible;

    fn make_tls_connect(&mut self, host: &str) -> Result<Connecting, Infallible> {
        let handshake = MakeTlsConnect::<Socket>::make_tls_connect(&mut self.tls, host)?;
        Ok(Connecting {
            handshake,
            mode: self.mode,
            negotiation: self.negotiation,
            interceptor: self.interceptor.clone(),
            until_closed: self.until_closed,
        })
    }
}

/// One connection on its way.
pub(crate) struct Connecting {
    handshake: Handshake,
    mode: SslMode,
    negotiation: SslNegotiation,
    interceptor: CopyInterceptor,
    until_closed: bool,
}

impl TlsConnect<Socket> for Connecting {
    type Stream = Transport;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Transport>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move {
            let (interceptor, waits) = (self.interceptor.clone(), self.until_closed);
            Ok(Intercepted::new(UntilClosed { stream: self.negotiate(socket).await?, waits }, interceptor))
        })
    }
}

impl Connecting {
    async fn negotiate(self, mut socket: Socket) -> io::Result<PlainOrTls> {
        if self.mode == SslMode::Disable {
            return Ok(PlainOrTls::Plain(socket));
        }
        if self.negotiation == SslNegotiation::Postgres {
            socket.write_all(&SSL_REQUEST).await?;
            // One byte alone, for what follows it would not be encrypted.
            let mut answer = [0];
            socket.read_exact(&mut answer).await?;
            match (answer, self.mode) {
                ([WILLING], _) => {}
                (_, SslMode::Prefer) => return Ok(PlainOrTls::Plain(socket)),
                _ => return Err(io::Error::other("server does not support TLS")),
            }
        } else if self.mode == SslMode::Prefer {
            return Err(io::Error::other("sslnegotiation=direct needs sslmode=require or a stricter one"));
        }
        Ok(PlainOrTls::Encrypted(Box::new(self.handshake.connect(socket).await?)))
    }
}

/// What carries the bytes.
pub(crate) enum PlainOrTls {
    Plain(Socket),
    Encrypted(Box<Encrypted>),
}

impl AsyncRead for PlainOrTls {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            PlainOrTls::Plain(socket) => Pin::new(socket).poll_read(context, out),
            PlainOrTls::Encrypted(stream) => Pin::new(stream).poll_read(context, out),
        }
    }
}

impl AsyncWrite for PlainOrTls {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            PlainOrTls::Plain(socket) => Pin::new(socket).poll_write(context, bytes),
            PlainOrTls::Encrypted(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            PlainOrTls::Plain(socket) => Pin::new(socket).poll_flush(context),
            PlainOrTls::Encrypted(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            PlainOrTls::Plain(socket) => Pin::new(socket).poll_shutdown(context),
            PlainOrTls::Encrypted(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

/// A stream that can be shut down only when the other side has closed it, where that is wanted: a pooler forgets a request to
/// cancel something when whoever sent it does not wait, as libpq does.
pub(crate) struct UntilClosed<S> {
    pub(crate) stream: S,
    pub(crate) waits: bool,
}

impl<S: AsyncRead + Unpin> AsyncRead for UntilClosed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, out)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for UntilClosed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.waits {
            let mut bytes = [0; 64];
            let mut said = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.stream).poll_read(context, &mut said) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if !said.filled().is_empty() => {}
                Poll::Ready(_) => self.waits = false,
            }
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// What the client library reads from and writes to.
pub(crate) type Transport = Intercepted<UntilClosed<PlainOrTls>>;

impl TlsStream for Transport {
    fn channel_binding(&self) -> ChannelBinding {
        match &self.stream().stream {
            PlainOrTls::Plain(_) => ChannelBinding::none(),
            PlainOrTls::Encrypted(stream) => stream.channel_binding(),
        }
    }
}
