//! Whether Percona's operator for MongoDB is there, and whose databases it runs.

use super::{
    Collector, Update, list,
    operators::{self, Found, Named},
};
use crate::cluster::{ClusterError, Connection};

const NAME: &str = "mongodb";
const SUBTYPE: &str = "percona-server-mongodb";
/// The database that comes with a recipe.
const OWN: &str = "nvsentinel/nvsentinel-mongodb";
const OPERATORS: &str = "app.kubernetes.io/name in (psmdb-operator,percona-server-mongodb-operator)";
pub const COLLECTOR: Collector = Collector {
    name: NAME,
    needs: "list perconaservermongodbs.psmdb.percona.com and pods",
    concerns_nodes: false,
    unread: Some(|| operators::subtype(SUBTYPE, "unknown", Found::default())),
    read: |connection| Box::pin(read(connection)),
};

async fn read(connection: &Connection) -> Result<Update, ClusterError> {
    let served = operators::served(connection, "psmdb.percona.com").await?;
    let databases = match &served {
        Some(version) => operators::names(connection, version, "perconaservermongodbs").await?,
        None => Vec::new(),
    };
    // The operator brings its API, so that without it nobody has to be looked for.
    let operators = match (&served, &*databases) {
        (Some(_), []) => list::labeled(connection, "list pods", "/api/v1/pods", OPERATORS, |_: Named| ()).await?.items,
        _ => Vec::new(),
    };
    let state = state(served.is_some(), &databases, !operators.is_empty());
    let data = operators::api(served.as_deref());
    Ok(operators::update(NAME, operators::subtype(SUBTYPE, state, Found { data, ..Found::default() })))
}

fn state(served: bool, databases: &[String], has_operator: bool) -> &'static str {
    match databases {
        [only] if only == OWN => "aicr-owned",
        [_, ..] => "crs-detected",
        [] if has_operator => "operator-detected",
        [] if served => "api-detected",
        [] => "absent",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_say_more_than_operators_and_these_more_than_the_api() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(state(true, &names(&[OWN]), true), "aicr-owned");
        assert_eq!(state(true, &names(&[OWN, "a/b"]), true), "crs-detected");
        assert_eq!(state(true, &names(&["a/b"]), false), "crs-detected");
        assert_eq!(state(true, &[], true), "operator-detected");
        assert_eq!(state(true, &[], false), "api-detected");
        assert_eq!(state(false, &[], false), "absent");
    }
}
