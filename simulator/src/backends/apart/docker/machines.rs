//! The machines of a run's members: containers that do nothing, in a network of the run's own.

use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use bollard::models::{
    ContainerCreateBody, EndpointIpamConfig, EndpointSettings, HostConfig, Ipam, IpamConfig,
    NetworkCreateRequest, NetworkingConfig,
};
use bollard::query_parameters::CreateContainerOptionsBuilder;
use tokio::task::JoinSet;

use super::super::run_id::RunId;
use super::engine::failed_to;
use super::{Engine, RUN};

/// What a machine does: nothing, for ever.
const NOTHING: [&str; 2] = ["sleep", "infinity"];

/// The machines of a run, and their network.
pub(in super::super) struct Machines {
    engine: Engine,
    run: RunId,
    prefix: [u8; 3],
    machines: Vec<Machine>,
}

/// A machine: whose it is, and where its network is to be seen.
struct Machine {
    member: String,
    namespace: PathBuf,
}

impl Machines {
    /// Makes the network, of which this machine has the address `gateway`, and all machines at once: `members`
    /// are their names and the last numbers of their addresses.
    ///
    /// # Errors
    /// If the engine does not do it.
    pub(in super::super) async fn make(
        engine: &Engine,
        run: &RunId,
        prefix: [u8; 3],
        gateway: u8,
        image: &str,
        members: Vec<(String, u8)>,
    ) -> io::Result<Self> {
        let address = |number| address(prefix, number);
        let subnet = IpamConfig {
            subnet: Some(format!("{}/24", address(0))),
            gateway: Some(address(gateway).to_string()),
            ..IpamConfig::default()
        };
        let ipam = Ipam { config: Some(vec![subnet]), ..Ipam::default() };
        let network = NetworkCreateRequest {
            name: run.to_string(),
            driver: Some("bridge".to_owned()),
            // Nobody in it speaks with the world outside.
            internal: Some(true),
            ipam: Some(ipam),
            labels: Some([(RUN.to_owned(), run.to_string())].into()),
            ..NetworkCreateRequest::default()
        };
        let made = engine.0.create_network(network).await;
        made.map_err(failed_to(format_args!("making {run}")))?;
        let mut starting = JoinSet::new();
        for (member, number) in members {
            let (engine, run, image) = (engine.clone(), run.clone(), image.to_owned());
            let address = address(number);
            starting.spawn(async move { start(&engine, &run, image, member, address).await });
        }
        let machines = starting.join_all().await.into_iter().collect::<io::Result<Vec<_>>>()?;
        let (engine, run) = (engine.clone(), run.clone());
        Ok(Self { engine, run, prefix, machines })
    }

    /// An address in the network.
    pub(in super::super) fn address(&self, number: u8) -> Ipv4Addr {
        address(self.prefix, number)
    }

    /// The network namespace of a member's machine.
    pub(in super::super) fn namespace(&self, member: &str) -> Option<&Path> {
        let machine = self.machines.iter().find(|machine| machine.member == member);
        machine.map(|machine| machine.namespace.as_path())
    }

    /// The container whose network a member's program shares, and the name of the program's own.
    pub(in super::super) fn containers(&self, member: &str) -> (String, String) {
        (machine(&self.run, member), format!("{}-{member}", self.run))
    }

    /// Who keeps them.
    pub(in super::super) fn engine(&self) -> &Engine {
        &self.engine
    }
}

fn address([first, second, third]: [u8; 3], number: u8) -> Ipv4Addr {
    Ipv4Addr::new(first, second, third, number)
}

fn machine(run: &RunId, member: &str) -> String {
    format!("{run}-{member}-machine")
}

async fn start(
    engine: &Engine,
    run: &RunId,
    image: String,
    member: String,
    address: Ipv4Addr,
) -> io::Result<Machine> {
    let name = machine(run, &member);
    let address = EndpointIpamConfig {
        ipv4_address: Some(address.to_string()),
        ..EndpointIpamConfig::default()
    };
    let endpoint = EndpointSettings { ipam_config: Some(address), ..EndpointSettings::default() };
    let endpoints = Some([(run.to_string(), endpoint)].into());
    let body = ContainerCreateBody {
        image: Some(image),
        entrypoint: Some(NOTHING.map(str::to_owned).to_vec()),
        labels: Some([(RUN.to_owned(), run.to_string())].into()),
        hostname: Some(member.clone()),
        host_config: Some(HostConfig {
            network_mode: Some(run.to_string()),
            ..HostConfig::default()
        }),
        networking_config: Some(NetworkingConfig { endpoints_config: endpoints }),
        ..ContainerCreateBody::default()
    };
    let options = CreateContainerOptionsBuilder::new().name(&name).build();
    let created = engine.0.create_container(Some(options), body).await;
    created.map_err(failed_to(format_args!("making {name}")))?;
    let started = engine.0.start_container(&name, None).await;
    started.map_err(failed_to(format_args!("starting {name}")))?;
    let inspected = engine.0.inspect_container(&name, None).await;
    let state = inspected.map_err(failed_to(format_args!("looking at {name}")))?.state;
    let pid = state.and_then(|state| state.pid).filter(|pid| *pid > 0);
    let pid = pid.ok_or_else(|| io::Error::other(format!("the container {name} ended at once")))?;
    Ok(Machine { member, namespace: format!("/proc/{pid}/ns/net").into() })
}
