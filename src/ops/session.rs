//! One session with one cluster: a connection that is made when it is first needed, then shared by all who ask.
//!
//! In: which cluster. Out: its connection. The command line has one session for each command, the workbench one for as
//! long as it runs; there another context can be chosen, and whatever was connected before stays with those who hold it.

use super::{
    Failure, Kind,
    connect::{self, Target},
    demo::CONTEXTS,
};
use crate::cluster::{self, Connection, Contexts};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// Cheap to clone; clones share the connection.
#[derive(Clone, Default)]
pub struct Session(Arc<Mutex<Current>>);

/// The cluster of the session, and the connection to it once there is one.
#[derive(Clone, Default)]
struct Current {
    target: Target,
    /// Connections only read.
    read_only: bool,
    connection: Arc<OnceCell<Connection>>,
}

impl Session {
    /// Nothing is read or connected yet.
    pub fn new(target: Target) -> Session {
        Session(Arc::new(Mutex::new(Current { target, read_only: false, connection: Arc::default() })))
    }

    /// Whether its connections refuse whatever would change the cluster; to be said before the first one is made.
    #[must_use]
    pub fn reading_only(self, read_only: bool) -> Session {
        self.current().read_only = read_only;
        self
    }

    fn current(&self) -> std::sync::MutexGuard<'_, Current> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which cluster this is.
    pub fn target(&self) -> Target {
        self.current().target.clone()
    }

    /// The connection. The first call makes it, others wait for that; after a failure the next call tries again.
    ///
    /// # Errors
    /// As [`connect::connect`].
    pub async fn connection(&self) -> Result<Connection, Failure> {
        let Current { target, read_only, connection } = self.current().clone();
        let connect = || async {
            let connection = connect::connect(&target).await?;
            Ok(if read_only { connection.read_only() } else { connection })
        };
        connection.get_or_try_init(connect).await.cloned()
    }

    /// The contexts that a person can switch to, and the one in use. Reads files; no request is sent.
    ///
    /// # Errors
    /// No kubeconfig, or one that cannot be read.
    pub fn contexts(&self) -> Result<Contexts, Failure> {
        match self.target() {
            Target::Cluster(target) => Ok(cluster::contexts(&target)?),
            Target::Demo(options) => {
                let current = options.context().to_owned();
                // A recording is one cluster, whatever it is called.
                let names =
                    if options.world.is_some() { vec![current.clone()] } else { CONTEXTS.map(str::to_owned).to_vec() };
                Ok(Contexts { names, current: Some(current) })
            }
        }
    }

    /// Chooses another context: the next [`Session::connection`] is to its cluster. Choosing the one in use connects again.
    ///
    /// # Errors
    /// No context of that name; the session stays as it is.
    pub fn switch(&self, context: &str) -> Result<(), Failure> {
        let Contexts { names, .. } = self.contexts()?;
        if !names.iter().any(|name| name == context) {
            let known =
                if names.is_empty() { "none is defined".to_owned() } else { format!("known: {}", names.join(", ")) };
            let because = format!("context `{context}` does not exist; {known}");
            return Err(Failure::new(Kind::Usage, "switch the context", because).hint("choose one of those"));
        }
        let mut current = self.current();
        match &mut current.target {
            Target::Cluster(target) => target.context = Some(context.to_owned()),
            Target::Demo(options) => *options = options.in_context(context).unwrap_or_else(|| options.clone()),
        }
        current.connection = Arc::default();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::demo::DemoOptions;

    fn of_two_contexts(folder: &tempfile::TempDir) -> Session {
        let file = "{clusters: [{name: c, cluster: {server: 'http://192.0.2.1:8001'}}, {name: d, cluster: {server: 'http://192.0.2.2'}}], \
                    contexts: [{name: one, context: {cluster: c}}, {name: two, context: {cluster: d}}, {name: bad, context: {cluster: x}}], \
                    current-context: one}";
        let path = folder.path().join("config");
        std::fs::write(&path, file).expect("a file");
        Session::new(Target::Cluster(cluster::Target { kubeconfig: Some(path), ..cluster::Target::default() }))
    }

    #[tokio::test]
    async fn a_connection_is_made_once_and_shared_by_clones() {
        let session = Session::new(Target::Demo(DemoOptions::default()));
        let connection = session.connection().await.expect("a demo cluster");
        let again = session.clone().connection().await.expect("a demo cluster");
        assert!(Arc::ptr_eq(&connection.services, &again.services));
    }

    #[tokio::test]
    async fn a_switch_leads_the_next_connection_elsewhere() {
        let folder = tempfile::tempdir().expect("a folder");
        let session = of_two_contexts(&folder);
        let before = session.connection().await.expect("a connection");
        assert_eq!(session.contexts().expect("contexts").names, ["bad", "one", "two"]);
        session.switch("two").expect("a context");
        let after = session.connection().await.expect("a connection");
        assert_eq!((before.context.as_str(), before.server.as_str()), ("one", "http://192.0.2.1:8001"));
        assert_eq!((after.context.as_str(), after.server.as_str()), ("two", "http://192.0.2.2"));
        assert_eq!(session.contexts().expect("contexts").current.as_deref(), Some("two"));
    }

    #[tokio::test]
    async fn an_unknown_context_leaves_the_session_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let session = of_two_contexts(&folder);
        let failure = session.switch("three").expect_err("no such context");
        assert_eq!(failure.because, "context `three` does not exist; known: bad, one, two");
        assert_eq!(session.connection().await.expect("a connection").context, "one");
        session.switch("bad").expect("a context");
        assert_eq!(session.connection().await.err().map(|failure| failure.kind), Some(Kind::Usage));
        session.switch("one").expect("a context");
        assert!(session.connection().await.is_ok());
    }
}
