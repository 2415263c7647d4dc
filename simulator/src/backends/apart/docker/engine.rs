//! The Docker engine: found, asked for images, and what there is of a run in it.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error;
use bollard::query_parameters::{
    ListContainersOptions, ListNetworksOptions, RemoveContainerOptionsBuilder,
};

use super::super::run_id::RunId;
use super::RUN;

/// How long the engine may take for anything. Docker's own client waits for ever; one engine, in the middle of
/// a suite, did not answer for two minutes.
const PATIENCE: Duration = Duration::from_mins(10);

/// A Docker engine, spoken to in a version of its API that both know.
#[derive(Clone, Debug)]
pub(in super::super) struct Engine(pub(super) Docker);

/// What there is of a run.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in super::super) enum Thing {
    Container { id: String, name: String },
    Network { id: String, name: String },
}

impl Thing {
    /// What people call it.
    pub(in super::super) fn name(&self) -> &str {
        let (Self::Container { name, .. } | Self::Network { name, .. }) = self;
        name
    }
}

impl Engine {
    /// Finds the engine: the one that `DOCKER_HOST` names, or else the usual socket's.
    ///
    /// # Errors
    /// If none answers.
    pub(in super::super) async fn find() -> io::Result<Self> {
        let docker = Docker::connect_with_defaults().map_err(failed)?.with_timeout(PATIENCE);
        Ok(Self(docker.negotiate_version().await.map_err(failed)?))
    }

    /// The value of an image's label, or nothing if it has none; `None` if there is no such image.
    ///
    /// # Errors
    /// If the engine does not say.
    pub(in super::super) async fn label_of_image(
        &self,
        image: &str,
        label: &str,
    ) -> io::Result<Option<String>> {
        match self.0.inspect_image(image).await {
            Ok(found) => {
                let labels = found.config.and_then(|config| config.labels);
                let value = labels.and_then(|labels| labels.get(label).cloned());
                Ok(Some(value.unwrap_or_default()))
            }
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// All containers and networks of runs, each with its run.
    ///
    /// # Errors
    /// If the engine does not say.
    pub(in super::super) async fn things(&self) -> io::Result<Vec<(RunId, Thing)>> {
        let filters = || Some([("label".to_owned(), vec![RUN.to_owned()])].into());
        let options = ListContainersOptions { all: true, filters: filters(), ..Default::default() };
        let mut things = Vec::new();
        for container in self.0.list_containers(Some(options)).await.map_err(failed)? {
            let run = container.labels.and_then(|labels| RunId::of_name(labels.get(RUN)?));
            let (Some(run), Some(id)) = (run, container.id) else { continue };
            let names = container.names.unwrap_or_default();
            let name = names.first().map_or(id.as_str(), |name| name.trim_start_matches('/'));
            things.push((run, Thing::Container { name: name.to_owned(), id }));
        }
        let options = ListNetworksOptions { filters: filters() };
        for network in self.0.list_networks(Some(options)).await.map_err(failed)? {
            let run = network.labels.and_then(|labels| RunId::of_name(labels.get(RUN)?));
            let (Some(run), Some(id)) = (run, network.id) else { continue };
            let name = network.name.unwrap_or_else(|| id.clone());
            things.push((run, Thing::Network { id, name }));
        }
        Ok(things)
    }

    /// Takes something away, whatever state it is in; all things at once.
    ///
    /// # Errors
    /// If something stays that was there.
    pub(in super::super) async fn remove(&self, things: &BTreeSet<Thing>) -> io::Result<()> {
        let mut removals = tokio::task::JoinSet::new();
        for thing in things.clone() {
            let docker = self.0.clone();
            removals.spawn(async move {
                let done = match &thing {
                    Thing::Container { id, .. } => {
                        let options = RemoveContainerOptionsBuilder::new().force(true).v(true);
                        docker.remove_container(id, Some(options.build())).await
                    }
                    Thing::Network { id, .. } => docker.remove_network(id).await,
                };
                match done {
                    // Gone is gone, or going: whoever was faster.
                    Err(Error::DockerResponseServerError { status_code: 404 | 409, .. }) => Ok(()),
                    done => done.map_err(failed),
                }
            });
        }
        removals.join_all().await.into_iter().collect()
    }
}

/// An error of the engine's, in its own words.
pub(super) fn failed(error: Error) -> io::Error {
    match error {
        Error::DockerResponseServerError { message, .. } => io::Error::other(message),
        Error::RequestTimeoutError => {
            let message = format!("the engine has not answered within {} s", PATIENCE.as_secs());
            io::Error::new(io::ErrorKind::TimedOut, message)
        }
        other => io::Error::other(other),
    }
}

/// The same, with what it was asked to do.
pub(super) fn failed_to(what: impl Display) -> impl FnOnce(Error) -> io::Error {
    move |error| {
        let error = failed(error);
        io::Error::new(error.kind(), format!("{what}: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_was_asked_for_and_why_it_was_not_done() {
        let told = failed_to("starting tb1-1-n1")(Error::RequestTimeoutError);
        assert_eq!(told.kind(), io::ErrorKind::TimedOut);
        let expected = "starting tb1-1-n1: the engine has not answered within 600 s";
        assert_eq!(told.to_string(), expected);
        let refused =
            Error::DockerResponseServerError { status_code: 409, message: "in use".to_owned() };
        assert_eq!(failed_to("making tb1-1")(refused).to_string(), "making tb1-1: in use");
    }
}
