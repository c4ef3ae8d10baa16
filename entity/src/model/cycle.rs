//! Cycles in a graph of small numbers, without recursion.

/// For each node whether it lies on a cycle (or on a way between two cycles).
pub(super) fn cyclic(nodes: usize, edges: &[(usize, usize)]) -> Vec<bool> {
    let mut left = vec![true; nodes];
    strip(&mut left, nodes, edges.iter().copied());
    strip(&mut left, nodes, edges.iter().map(|(from, to)| (*to, *from)));
    left
}

/// Takes away, again and again, the nodes that nothing leads to.
fn strip(left: &mut [bool], nodes: usize, edges: impl Iterator<Item = (usize, usize)>) {
    let mut incoming = vec![0_usize; nodes];
    let mut outgoing = vec![Vec::new(); nodes];
    for (from, to) in edges {
        let both = left.get(from).copied().unwrap_or(false) && left.get(to).copied().unwrap_or(false);
        if let (true, Some(count), Some(list)) = (both, incoming.get_mut(to), outgoing.get_mut(from)) {
            *count += 1;
            list.push(to);
        }
    }
    let mut free: Vec<usize> = (0..nodes).filter(|node| left[*node] && incoming[*node] == 0).collect();
    while let Some(node) = free.pop() {
        left[node] = false;
        for to in std::mem::take(&mut outgoing[node]) {
            incoming[to] -= 1;
            if incoming[to] == 0 {
                free.push(to);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::cyclic;

    #[test]
    fn only_nodes_on_cycles() {
        assert_eq!(cyclic(5, &[(0, 1), (1, 2), (2, 1), (2, 3), (4, 4)]), [false, true, true, false, true]);
        assert_eq!(cyclic(2, &[(0, 1)]), [false, false]);
    }
}
