//! The paths of what is compared of nodes: `node[gpu-1]` is one as a whole, `node[gpu-1].kernel` a reading of it.
//!
//! Nothing else writes or reads them.

const START: &str = "node[";

/// Of a node as a whole.
pub fn whole(node: &str) -> String {
    format!("{START}{node}]")
}

/// Of what is compared of a node by that name.
pub fn reading(node: &str, key: &str) -> String {
    format!("{START}{node}].{key}")
}

/// The node and what is compared of it, with an empty key for the node as a whole; `None` for the path of anything else.
pub fn parse(path: &str) -> Option<(&str, &str)> {
    // Names of nodes are DNS names, in which there is no bracket.
    let (node, rest) = path.strip_prefix(START)?.split_once(']')?;
    Some((node, rest.strip_prefix('.').unwrap_or(rest)))
}

/// The node of a path.
pub fn node_of(path: &str) -> Option<&str> {
    parse(path).map(|(node, _)| node)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(parse(&whole("gpu-1")), Some(("gpu-1", "")));
        assert_eq!(parse(&reading("gpu-1", "label.a.b/c[0]")), Some(("gpu-1", "label.a.b/c[0]")));
        assert_eq!((parse("K8s.server.version"), node_of("node[gpu-1].kernel")), (None, Some("gpu-1")));
    }
}
