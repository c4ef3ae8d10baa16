//! The client's address: the peer, unless the peer is a proxy of ours that says whom it serves.

use std::net::{IpAddr, SocketAddr};

use hyper::http::HeaderMap;
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Hops that are looked at; a longer chain is somebody's game.
const HOPS: usize = 32;

/// The right-most address that is not a proxy of ours. What stands left of it was written by the client.
pub(super) fn address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.to_canonical();
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    if trusted.is_empty() || !is_trusted(peer) {
        return peer;
    }
    let lines: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
    let hops = lines.iter().rev().flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    let mut client = peer;
    for hop in hops.take(HOPS) {
        let Some(address) = parse(hop) else { break };
        client = address;
        if !is_trusted(address) {
            break;
        }
    }
    client
}

/// Whether the request comes from this machine, and not through a proxy on it.
pub(super) fn is_local(peer: IpAddr, headers: &HeaderMap) -> bool {
    let forwarded = [FORWARDED_FOR, "forwarded", "via", "x-real-ip"];
    peer.to_canonical().is_loopback() && !forwarded.iter().any(|name| headers.contains_key(*name))
}

/// `192.0.2.1`, `192.0.2.1:1234`, `2001:db8::1`, `[2001:db8::1]:1234`.
fn parse(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address =
        bare.parse::<IpAddr>().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use hyper::http::HeaderValue;

    use super::*;

    fn client(peer: &str, lines: &[&'static str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_static(line));
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let ours = &["10.0.0.0/8", "::1/128"][..];
        for (peer, lines, trusted, expected) in [
            ("203.0.113.9", &["1.2.3.4"][..], &[][..], "203.0.113.9"),
            ("203.0.113.9", &["1.2.3.4"], ours, "203.0.113.9"),
            ("10.0.0.1", &["198.51.100.7"], ours, "198.51.100.7"),
            ("10.0.0.1", &["1.2.3.4, 198.51.100.7"], ours, "198.51.100.7"),
            ("10.0.0.1", &["1.2.3.4", "198.51.100.7, 10.0.0.2"], ours, "198.51.100.7"),
            ("10.0.0.1", &["10.9.9.9, 10.0.0.2"], ours, "10.9.9.9"),
            ("10.0.0.1", &["198.51.100.7, nonsense"], ours, "10.0.0.1"),
            ("10.0.0.1", &[], ours, "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.7:4711"], ours, "198.51.100.7"),
            ("::1", &["[2001:db8::1]:443"], ours, "2001:db8::1"),
            ("::ffff:10.0.0.1", &["[2001:db8::1]"], ours, "2001:db8::1"),
            ("10.0.0.1", &[""], ours, "10.0.0.1"),
        ] {
            assert_eq!(client(peer, lines, trusted), expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn a_proxy_on_this_machine_is_not_this_machine() {
        let mut headers = HeaderMap::new();
        assert!(is_local("127.0.0.1".parse().unwrap(), &headers));
        assert!(!is_local("192.0.2.1".parse().unwrap(), &headers));
        headers.insert(FORWARDED_FOR, HeaderValue::from_static("127.0.0.1"));
        assert!(!is_local("127.0.0.1".parse().unwrap(), &headers));
    }
}
