//! What is looked up once for a run and then kept: the network, its zones, the image, what a type of instance is.
//!
//! Terraform gets ids only. So a second plan finds nothing to do even if a newer image has come out meanwhile.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ec2::{Ec2, Parameters, filter, items, text_of};
use crate::error::{DeployError, Result};
use crate::wish::{Machine, StorageKind, Wish};

/// Canonical's account.
const CANONICAL: &str = "099720109477";

/// The images that a wish can name, and what Canonical calls them, without the architecture.
const IMAGES: [(&str, &str); 2] = [
    ("ubuntu-24.04", "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-"),
    ("ubuntu-22.04", "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-"),
];

/// What is kept of one region.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub(super) struct Pinned {
    /// The default network.
    pub(super) vpc: String,
    /// Its zones, in order, each with its default subnet, as far as that gives public addresses.
    pub(super) subnets: BTreeMap<String, String>,
    /// What is known of each type of instance.
    pub(super) types: BTreeMap<String, InstanceType>,
}

/// A type of instance, here.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub(super) struct InstanceType {
    /// The image for its architecture.
    pub(super) image: String,
    /// The zones that have it and a subnet.
    pub(super) zones: Vec<String>,
}

/// Where a machine is to be tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Try<'a> {
    /// As what.
    pub(super) instance_type: &'a str,
    /// In which zone's subnet.
    pub(super) subnet: &'a str,
    /// From which image.
    pub(super) image: &'a str,
}

impl Pinned {
    /// Looks up what the machines of a wish need in one region.
    ///
    /// # Errors
    /// EC2 cannot be asked, or has not what is wanted.
    pub(super) fn look_up(ec2: Ec2<'_>, wish: &Wish) -> Result<Self> {
        let region = ec2.region;
        let vpc = first(
            ec2,
            "DescribeVpcs",
            &filter(1, "is-default", &["true"]),
            false,
            &["vpcSet"],
            "vpcId",
        )?;
        let vpc = vpc.ok_or_else(|| {
            let message = format!("{region} has no default network (VPC)");
            DeployError::surroundings(message, "`aws ec2 create-default-vpc` makes one")
        })?;
        let mut subnets = BTreeMap::new();
        let mut filters = filter(1, "vpc-id", &[&vpc]);
        filters.extend(filter(2, "default-for-az", &["true"]));
        ec2.pages("DescribeSubnets", &filters, true, |document| {
            for node in items(document.root_element(), &["subnetSet"]) {
                let of = |name: &str| text_of(node, &[name]).map(str::to_owned);
                let public = text_of(node, &["mapPublicIpOnLaunch"]) == Some("true");
                let subnet = of("availabilityZone").zip(of("subnetId"));
                subnets.extend(subnet.filter(|_| public));
            }
        })?;
        if subnets.is_empty() {
            let message = format!("no default subnet in {region} gives public addresses");
            let hint = "`aws ec2 modify-subnet-attribute --map-public-ip-on-launch` lets one do so";
            return Err(DeployError::surroundings(message, hint));
        }
        let mut types = BTreeMap::new();
        for machine in wish.machines().iter().filter(|machine| machine.region == region) {
            for name in machine.instance_types {
                if !types.contains_key(name) {
                    types.insert(name.clone(), instance_type(ec2, wish, name, &subnets)?);
                }
            }
        }
        Ok(Self { vpc, subnets, types })
    }

    /// Where a machine can be tried, the best first: every zone as the first type, then as the next.
    pub(super) fn tries<'a>(&'a self, machine: &Machine<'a>) -> Vec<Try<'a>> {
        let mut tries = Vec::new();
        for name in machine.instance_types {
            let Some(known) = self.types.get(name) else { continue };
            let subnets = known.zones.iter().filter_map(|zone| self.subnets.get(zone));
            tries.extend(subnets.map(|subnet| Try {
                instance_type: name,
                subnet,
                image: &known.image,
            }));
        }
        tries
    }
}

fn instance_type(
    ec2: Ec2<'_>,
    wish: &Wish,
    name: &str,
    subnets: &BTreeMap<String, String>,
) -> Result<InstanceType> {
    let region = ec2.region;
    let mut zones = Vec::new();
    let mut filters = filter(1, "instance-type", &[name]);
    filters.push(("LocationType".to_owned(), "availability-zone".to_owned()));
    ec2.pages("DescribeInstanceTypeOfferings", &filters, true, |document| {
        let items = items(document.root_element(), &["instanceTypeOfferingSet"]);
        let found = items.into_iter().filter_map(|node| text_of(node, &["location"]));
        zones.extend(found.filter(|zone| subnets.contains_key(*zone)).map(str::to_owned));
    })?;
    zones.sort();
    if zones.is_empty() {
        let message = format!("{region} has no `{name}` in any zone of the default network");
        return Err(DeployError::wrong(message, "name another instance type, or another region"));
    }
    let mut architecture = None;
    let mut own_disks = false;
    let asked = vec![("InstanceType.1".to_owned(), name.to_owned())];
    ec2.pages("DescribeInstanceTypes", &asked, false, |document| {
        for node in items(document.root_element(), &["instanceTypeSet"]) {
            let supported = items(node, &["processorInfo", "supportedArchitectures"]);
            let inside = node.children().find(|child| child.has_tag_name("processorInfo"));
            let inside =
                inside.map(|info| items(info, &["supportedArchitectures"])).unwrap_or(supported);
            let names: Vec<_> = inside.iter().filter_map(|item| item.text()).collect();
            let known = ["x86_64", "arm64"].into_iter().find(|known| names.contains(known));
            architecture = known.or(architecture);
            own_disks |= text_of(node, &["instanceStorageSupported"]) == Some("true");
        }
    })?;
    let architecture = architecture.ok_or_else(|| {
        let message = format!("nobody knows what processor a `{name}` in {region} has");
        DeployError::wrong(message, "name another instance type")
    })?;
    let is_node = wish.nodes.instance_types.iter().any(|known| known == name);
    if is_node && wish.storage.on == StorageKind::InstanceStore && !own_disks {
        let message = format!("a `{name}` has no disks of its own for RethinkDB's data");
        return Err(DeployError::wrong(
            message,
            "say `on = \"volume\"`, or name a type with disks",
        ));
    }
    Ok(InstanceType { image: image(ec2, &wish.nodes.image, architecture)?, zones })
}

/// The newest image of that name for an architecture.
fn image(ec2: Ec2<'_>, name: &str, architecture: &str) -> Result<String> {
    if name.starts_with("ami-") {
        return Ok(name.to_owned());
    }
    let hint = format!(
        "there are: {}; or name an image by its id",
        IMAGES.map(|(name, _)| name).join(", ")
    );
    let Some((_, pattern)) = IMAGES.iter().find(|(known, _)| *known == name) else {
        return Err(DeployError::wrong(format!("no image `{name}` is known here"), hint));
    };
    let short = if architecture == "arm64" { "arm64" } else { "amd64" };
    let pattern = format!("{pattern}{short}-server-*");
    let mut filters = vec![("Owner.1".to_owned(), CANONICAL.to_owned())];
    filters.extend(filter(1, "name", &[&pattern]));
    filters.extend(filter(2, "architecture", &[architecture]));
    filters.extend(filter(3, "state", &["available"]));
    // Names end in the date of the build.
    let mut newest: Option<(String, String)> = None;
    ec2.pages("DescribeImages", &filters, false, |document| {
        for node in items(document.root_element(), &["imagesSet"]) {
            let of = |name: &str| text_of(node, &[name]).map(str::to_owned);
            newest = of("name").zip(of("imageId")).max(newest.take());
        }
    })?;
    newest.map(|(_, id)| id).ok_or_else(|| {
        DeployError::wrong(format!("{} has no image `{pattern}` of Canonical's", ec2.region), hint)
    })
}

fn first(
    ec2: Ec2<'_>,
    action: &str,
    filters: &Parameters,
    paged: bool,
    path: &[&str],
    id: &str,
) -> Result<Option<String>> {
    let mut found = None;
    ec2.pages(action, filters, paged, |document| {
        let ids = items(document.root_element(), path).into_iter();
        let first = ids.filter_map(|node| text_of(node, &[id])).next();
        found = found.take().or_else(|| first.map(str::to_owned));
    })?;
    Ok(found)
}
