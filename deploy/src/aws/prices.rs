//! What AWS asks for what a wish comes to, from a table with its date and source.
//!
//! All in millionths of a US dollar. What the table does not know is unknown, never nothing.

use std::collections::BTreeMap;

use bigchaindb_strict::{Entry, Refusal, Section, Source, units};

use crate::inventory::Role;
use crate::provider::PlanLine;
use crate::wish::{Machine, StorageKind, Wish};

/// The table that comes with this program.
const TABLE: (&str, &str) = ("deploy/prices/aws.toml", include_str!("../../prices/aws.toml"));

/// The hours of a month, as AWS counts them.
const MONTH_HOURS: u64 = 730;

/// What a gp3 volume has without extra cost.
const FREE_IOPS: u32 = 3_000;
const FREE_THROUGHPUT: u32 = 125;

/// Prices, in millionths of a US dollar.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prices {
    /// When they were looked up.
    pub date: String,
    /// Where.
    pub source: String,
    public_ipv4_hour: u64,
    /// In parts per million of the price on demand.
    spot_least: u64,
    regions: BTreeMap<String, RegionPrices>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct RegionPrices {
    gib_month: u64,
    iops_month: u64,
    mib_s_month: u64,
    instance_hour: BTreeMap<String, u64>,
}

impl Prices {
    /// The table that comes with this program.
    ///
    /// # Errors
    /// It is no such table: a defect, but not one to stop for.
    pub fn built_in() -> Result<Self, Refusal> {
        Self::parse(TABLE.0, TABLE.1)
    }

    /// Reads a table.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(file: &str, text: &str) -> Result<Self, Refusal> {
        let source = Source { file, text };
        let document = source.document()?;
        let mut top = Section::new(source, "the prices", None, document.as_table());
        let mut prices = Self {
            date: top.require("date", "\"2026-11-29\"")?.text()?.to_owned(),
            source: top.require("source", "\"AWS's price list\"")?.text()?.to_owned(),
            public_ipv4_hour: price(&top.require("public_ipv4_hour", "\"0.005\"")?)?,
            spot_least: top.require("spot_least", "\"10%\"")?.percent()?.into(),
            regions: BTreeMap::new(),
        };
        let regions = top.require("region", "{}")?.section("`[region]`")?;
        for (name, entry) in regions.entries() {
            let mut section = entry.section(format!("`[region.{name}]`"))?;
            let mut of = |key| price(&section.require(key, "\"0.08\"")?);
            let (gib_month, iops_month, mib_s_month) =
                (of("gp3_gib_month")?, of("gp3_iops_month")?, of("gp3_mib_s_month")?);
            let mut instance_hour = BTreeMap::new();
            let instances = section.require("instance", "{}")?;
            for (name, entry) in instances.section("instances")?.entries() {
                instance_hour.insert(name.to_owned(), price(&entry)?);
            }
            section.finish()?;
            let region = RegionPrices { gib_month, iops_month, mib_s_month, instance_hour };
            prices.regions.insert(name.to_owned(), region);
        }
        top.finish()?;
        Ok(prices)
    }

    /// What a wish comes to, a line for each kind of thing in each region. `chosen` says as what a machine is
    /// made.
    pub fn lines(&self, wish: &Wish, chosen: impl Fn(&Machine<'_>) -> String) -> Vec<PlanLine> {
        let mut lines: Vec<PlanLine> = Vec::new();
        let mut add = |what: String, region: &str, hourly: Option<(u64, u64)>| {
            let known = lines.iter_mut().find(|line| line.what == what && line.region == region);
            match known {
                Some(line) => {
                    line.count += 1;
                    line.hourly = line.hourly.zip(hourly).map(|(a, b)| (a.0 + b.0, a.1 + b.1));
                }
                None => lines.push(PlanLine { count: 1, what, region: region.to_owned(), hourly }),
            }
        };
        for machine in wish.machines() {
            let region = machine.region;
            let instance_type = chosen(&machine);
            let is_node = machine.role == Role::Node;
            let spot = is_node && wish.nodes.spot;
            let hour = self.regions.get(region);
            let hour = hour.and_then(|region| region.instance_hour.get(&instance_type).copied());
            let least = |hour: u64| if spot { hour * self.spot_least / 1_000_000 } else { hour };
            let kind = if spot { " spot" } else { "" };
            let what = format!("{}: {instance_type}{kind}", machine.role);
            add(what, region, hour.map(|hour| (least(hour), hour)));
            let root_gib = wish.root_gib(machine.role);
            add(
                format!("{}: system volume, {root_gib} GiB", machine.role),
                region,
                self.volume(region, root_gib, 0, 0),
            );
            if is_node && wish.storage.on == StorageKind::Volume {
                let storage = &wish.storage;
                let (iops, throughput) = (
                    storage.iops.saturating_sub(FREE_IOPS),
                    storage.throughput.saturating_sub(FREE_THROUGHPUT),
                );
                let what = format!(
                    "node: data volume, {} GiB, {} IOPS, {} MiB/s",
                    storage.gib, storage.iops, storage.throughput
                );
                add(what, region, self.volume(region, storage.gib, iops, throughput));
            }
            let elastic = is_node && wish.nodes.elastic_addresses;
            let what = if elastic { "Elastic IP" } else { "public address" };
            add(what.to_owned(), region, Some((self.public_ipv4_hour, self.public_ipv4_hour)));
        }
        lines
    }

    fn volume(&self, region: &str, gib: u32, iops: u32, throughput: u32) -> Option<(u64, u64)> {
        let prices = self.regions.get(region)?;
        let month = u64::from(gib) * prices.gib_month
            + u64::from(iops) * prices.iops_month
            + u64::from(throughput) * prices.mib_s_month;
        let hour = month / MONTH_HOURS;
        Some((hour, hour))
    }
}

fn price(entry: &Entry<'_>) -> Result<u64, Refusal> {
    let text = entry.text()?;
    units::millionths(text).ok_or_else(|| {
        entry.error(format!("`{text}` is no price"), "a number in quotes, like \"0.115\"")
    })
}
