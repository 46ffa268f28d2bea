//! What a service tells systemd.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::Stdio;
use std::time::Duration;

use crate::sandbox::{Sandbox, signal};
use crate::serve::{CONFIG, write};

/// Waits for a message in which a line is.
fn heard(socket: &UnixDatagram, line: &str) -> String {
    let mut buffer = [0; 1_024];
    loop {
        let length = socket.recv(&mut buffer).unwrap_or_else(|error| panic!("{line} was not said: {error}"));
        let message = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if message.lines().any(|said| said == line) {
            return message;
        }
    }
}

#[test]
fn systemd_is_told_that_a_service_is_ready_alive_and_stopping() {
    let sandbox = Sandbox::new();
    write(&sandbox, CONFIG);
    let path = sandbox.path("notify");
    let name = format!("rowkeep-test-{}", std::process::id());
    let unnamed = SocketAddr::from_abstract_name(&name).expect("it is a name");
    let sockets = [
        (path.to_str().expect("it is text").to_owned(), UnixDatagram::bind(&path)),
        (format!("@{name}"), UnixDatagram::bind_addr(&unnamed)),
    ];
    for (address, socket) in sockets {
        let socket = socket.expect("it is bound");
        socket.set_read_timeout(Some(Duration::from_secs(60))).expect("it is set");
        let mut command = sandbox.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("NOTIFY_SOCKET", address).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("it can be run");
        let ready = heard(&socket, "READY=1");
        assert!(ready.contains("STATUS=serving at http://127.0.0.1:"), "{ready}");
        // Said again and again, as long as jobs are begun.
        heard(&socket, "WATCHDOG=1");
        heard(&socket, "WATCHDOG=1");
        signal("TERM", &child.id().to_string());
        heard(&socket, "STOPPING=1");
        assert!(child.wait().expect("it ends").success());
    }
}
