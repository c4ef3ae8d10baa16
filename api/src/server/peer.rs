//! How many connections one address holds.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// The counts. An entry is there only while a connection is.
#[derive(Debug)]
pub(super) struct Peers {
    most: usize,
    counts: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection that is counted until it is dropped.
#[derive(Debug)]
pub(super) struct Peer {
    peers: Arc<Peers>,
    key: IpAddr,
}

impl Peers {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, counts: Mutex::default() })
    }

    /// Counts a connection in; none when the address holds as many as it may.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Peer> {
        let key = key(address);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(key).or_insert(0);
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Peer { peers: Arc::clone(self), key })
    }
}

/// One customer has a whole /64 of IPv6.
fn key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) if !six.is_loopback() => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() >> 64 << 64)),
        other @ (IpAddr::V4(_) | IpAddr::V6(_)) => other,
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let mut counts = self.peers.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_so_many_and_nothing_is_left_behind() {
        let peers = Peers::new(2);
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let first = peers.admit(ip("2001:db8::1")).unwrap();
        let _second = peers.admit(ip("2001:db8::2")).unwrap();
        assert!(peers.admit(ip("2001:db8::3")).is_none(), "one /64 is one peer");
        assert!(peers.admit(ip("2001:db8:0:1::1")).is_some());
        drop(first);
        assert!(peers.admit(ip("2001:db8::3")).is_some());
        drop(_second);
        assert!(peers.counts.lock().unwrap().is_empty());
    }
}
