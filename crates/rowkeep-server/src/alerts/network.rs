//! Where names lead, and whether anything may be sent there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::Host;

/// The addresses of a host, of which a connection takes one without asking again.
///
/// Where only one of them is in a private network, and that is not allowed, none is given: whoever decides where a name leads could
/// choose.
pub(super) async fn addresses(
    host: Host<&str>,
    port: u16,
    is_private_allowed: bool,
) -> Result<Vec<SocketAddr>, String> {
    let found: Vec<SocketAddr> = match host {
        Host::Ipv4(address) => vec![(address, port).into()],
        Host::Ipv6(address) => vec![(address, port).into()],
        Host::Domain(name) => {
            let found = tokio::net::lookup_host((name, port)).await;
            found.map_err(|error| format!("{name} has no address: {error}"))?.collect()
        }
    };
    if found.is_empty() {
        return Err(format!("{host} has no address"));
    }
    match found.iter().find(|address| !is_private_allowed && !is_public(address.ip())) {
        Some(private) => Err(format!(
            "{host} is {}, which is no address of the public internet; write private_network = true if it is meant",
            private.ip()
        )),
        None => Ok(found),
    }
}

/// Whether an address is one of the public internet, by the registries of special-purpose addresses (RFC 6890 and those after it).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        // Shared by providers and their customers.
        || a == 100 && (64..128).contains(&b)
        || (a, b, c) == (192, 0, 0)
        || (a, b, c) == (192, 88, 99)
        // For measuring.
        || a == 198 && (18..20).contains(&b)
        || a >= 240;
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match parts {
        // What IPv6 says of addresses of IPv4: as such, translated, in a tunnel.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        // Tunnels, benchmarks, documentation.
        [0x2001, 0..=0x01ff, ..] | [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        // Only these are given to anybody.
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_not_public() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.9.9",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:c0a8:1::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(address.parse().expect("it is an address")), "{address}");
        }
        for address in [
            "1.1.1.1",
            "9.9.9.9",
            "100.63.0.1",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.167.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "2a01::1",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
        ] {
            assert!(is_public(address.parse().expect("it is an address")), "{address}");
        }
    }

    #[tokio::test]
    async fn names_are_looked_up_before_they_are_judged() {
        let refused = addresses(Host::Domain("localhost"), 80, false).await.expect_err("it is this machine");
        assert!(refused.contains("private_network = true"), "{refused}");
        let allowed = addresses(Host::Domain("localhost"), 80, true).await.expect("it is meant");
        assert!(allowed.iter().all(|address| address.ip().is_loopback() && address.port() == 80));
        let literal = url::Url::parse("http://2130706433/").expect("it is an address");
        let refused = addresses(literal.host().expect("it has one"), 80, false).await;
        assert!(refused.is_err_and(|refused| refused.contains("127.0.0.1")), "however it is written");
    }
}
