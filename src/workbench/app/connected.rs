//! A connection is there: what is shown becomes the cluster when something of it has been read, and not before.

use super::State;
use crate::{
    cluster::watch::{LiveStatus, LiveView},
    inventory::Inventory,
    ops::Failure,
    workbench::{
        effect::Effect,
        model::{Severity, Source},
        panes::Need,
        widgets::text,
    },
};
use std::sync::Arc;

impl State {
    /// The cluster has answered; a file that is shown stays one until the cluster takes its place.
    pub(super) fn connected(&mut self, context: String, server: String) {
        let source = self.watched();
        let cluster = &mut self.model.cluster;
        if let Some(switching) = &mut cluster.switching {
            (switching.name, switching.server, switching.failure) = (context, server, None);
            return self.desk.mark(Need::Cluster);
        }
        cluster.failure = None;
        cluster.context.clone_from(&context);
        self.desk.mark(Need::Cluster);
        if let Some(past) = &mut self.model.time.past {
            // A kept moment stays one; what is shown after it may be a file that stays as well.
            if past.source != Source::Saved || past.now.is_none() {
                past.source = source;
            }
            cluster.arriving = Some((context, server));
            return;
        }
        if cluster.source == Source::Saved && cluster.snapshot.is_some() {
            let said = format!("reading {}; {} is shown until then", text::clean(&context), text::clean(&cluster.name));
            cluster.arriving = Some((context, server));
            return self.say(Severity::Info, said);
        }
        (cluster.source, cluster.name, cluster.server) = (source, context, server);
    }

    /// There is no connection; what is shown stays.
    pub(super) fn not_connected(&mut self, failure: Failure) {
        let cluster = &mut self.model.cluster;
        match &mut cluster.switching {
            Some(switching) => switching.failure = Some(failure.clone()),
            None => cluster.failure = Some(failure.clone()),
        }
        self.desk.mark(Need::Cluster);
        self.say_failure(failure);
    }

    /// What a cluster that is watched is called.
    pub(super) fn watched(&self) -> Source {
        if self.start.demo { Source::Demo } else { Source::Live }
    }

    /// Whether a view of the cluster is one to show: with nothing in it, a file that is shown stays.
    pub(super) fn arrives(&mut self, view: &LiveView) -> bool {
        let source = self.watched();
        let cluster = &mut self.model.cluster;
        let stays = cluster.source == Source::Saved && cluster.snapshot.is_some() && view.inventory.is_none();
        if stays {
            let failed = match &view.status {
                LiveStatus::Failed { error } if cluster.status != view.status => Some(Failure::from(error.clone())),
                _ => None,
            };
            cluster.status = view.status.clone();
            failed.into_iter().for_each(|failure| self.say_failure(failure));
            return false;
        }
        cluster.arrived();
        cluster.source = source;
        true
    }

    /// What has come of the cluster while a kept moment is shown is what comes after that, in place of a file too.
    pub(super) fn arrives_later(&mut self, inventory: Option<Arc<Inventory>>) -> Vec<Effect> {
        let source = self.watched();
        let (Some(past), Some(inventory)) = (&mut self.model.time.past, inventory) else { return Vec::new() };
        (past.now, past.source) = (Some(inventory), source);
        self.model.cluster.arrived();
        self.compare_with_now()
    }
}
