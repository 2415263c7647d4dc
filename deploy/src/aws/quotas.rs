//! What an account may have of something in a region, and how AWS says that it has that much.
//!
//! Another zone does not help, nor another try: whoever answers for the account has to ask for more.
//!
//! Source: Amazon EC2 API Reference, "Error codes"; Service Quotas, services `ec2`, `vpc` and `ebs`.

use super::terraform::label;
use crate::error::DeployError;
use crate::run::Run;

/// AWS's error code; the quota's name; its service and its code with Service Quotas; what a wish can do.
type Quota = (&'static str, &'static str, &'static str, &'static str, &'static str);

#[rustfmt::skip]
const QUOTAS: [Quota; 7] = [
    ("VcpuLimitExceeded", "Running On-Demand Standard instances (vCPUs)", "ec2", "L-1216C47A", SMALLER),
    ("InstanceLimitExceeded", "Running On-Demand Standard instances (vCPUs)", "ec2", "L-1216C47A", SMALLER),
    ("MaxSpotInstanceCountExceeded", "All Standard Spot Instance Requests (vCPUs)", "ec2", "L-34B43A08", SMALLER),
    ("AddressLimitExceeded", "EC2-VPC Elastic IPs", "ec2", "L-0263D0A3", "leave out `elastic_addresses`"),
    ("SecurityGroupLimitExceeded", "VPC security groups per Region", "vpc", "L-E79EC296", REAP),
    ("RulesPerSecurityGroupLimitExceeded", "Inbound or outbound rules per security group", "vpc", "L-0EA8095F",
        "wish fewer machines in other regions, or fewer blocks of operators"),
    ("VolumeLimitExceeded", "Storage for General Purpose SSD (gp3) volumes, in TiB", "ebs", "L-7A658B76", DISKS),
];

const SMALLER: &str = "wish fewer machines, or smaller ones";
const DISKS: &str = "wish less storage";
const REAP: &str = "take away what nobody needs (`deploy reap`)";

/// The error that names the quota, if Terraform says that one is used up.
pub(super) fn exceeded(told: &str, run: &Run) -> Option<DeployError> {
    // Errors come one after the other, each with the address of what it is about.
    let parts = told.split("Error: ");
    let (part, quota) = parts
        .flat_map(|part| QUOTAS.iter().map(move |quota| (part, quota)))
        .find(|(part, (code, ..))| part.contains(code))?;
    let (code, name, service, number, instead) = quota;
    let regions = &run.state.regions;
    let of = |region: &&String| part.contains(&format!("module.{}", label(region)));
    let region = regions.iter().find(of).or(regions.first())?;
    let message = format!("the account's quota \"{name}\" in {region} is used up ({code})");
    let hint = format!(
        "{instead}; or ask for more: `aws service-quotas request-service-quota-increase --service-code {service} \
         --quota-code {number} --region {region} --desired-value …`, and `deploy up --run {}` goes on",
        run.state.id
    );
    Some(DeployError::surroundings(message, hint))
}
