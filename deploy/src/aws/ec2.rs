//! The calls to EC2 that this takes, in one region: what bears a run's tag, and taking it away.
//!
//! Here: the names of actions, parameters and elements. Not here: in which order things can go (`ending`).
//!
//! Source: Amazon EC2 API Reference, "Actions".

use std::collections::BTreeMap;

use roxmltree::{Document, Node};

use super::client::{ApiError, Client};

/// The tag that everything of a run bears.
pub(super) const TAG_RUN: &str = "testbed-run";
/// Who answers for it.
pub(super) const TAG_OWNER: &str = "testbed-owner";
/// When it may be taken away.
pub(super) const TAG_EXPIRES_AT: &str = "testbed-expires-at";
/// The machine's name in the run.
pub(super) const TAG_MACHINE: &str = "testbed-machine";

/// What one page of an answer holds at most.
const PAGE: &str = "100";

/// More pages than this, and something is wrong with whoever answers.
const PAGES_MAX: usize = 1_000;

type Result<T> = std::result::Result<T, ApiError>;

/// What a run makes, in the order in which it can go.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Kind {
    /// A request for a spot instance: could become an instance yet.
    SpotRequest,
    /// A machine.
    Instance,
    /// An Elastic IP.
    Address,
    /// A disk.
    Volume,
    /// Who may reach what.
    Group,
    /// The key that logs in.
    KeyPair,
    /// One line of a group: it goes with its group, or before.
    Rule,
}

impl Kind {
    /// All that a run can leave behind: a rule is nothing without its group.
    pub(super) const ALL: [Self; 6] = [
        Self::SpotRequest,
        Self::Instance,
        Self::Address,
        Self::Volume,
        Self::Group,
        Self::KeyPair,
    ];

    /// What it is called.
    pub(super) fn name(self) -> &'static str {
        self.table().0
    }

    /// Its name here; the action that lists it; the elements of the list, outermost first; its id's element; the
    /// element of its state; whether lists come in pages.
    #[rustfmt::skip]
    fn table(self) -> (&'static str, &'static str, &'static [&'static str], &'static str, &'static [&'static str], bool) {
        match self {
            Self::SpotRequest => ("spot request", "DescribeSpotInstanceRequests", &["spotInstanceRequestSet"],
                "spotInstanceRequestId", &["state"], true),
            Self::Instance => ("instance", "DescribeInstances", &["reservationSet", "instancesSet"],
                "instanceId", &["instanceState", "name"], true),
            Self::Address => ("address", "DescribeAddresses", &["addressesSet"], "allocationId", &[], false),
            Self::Volume => ("volume", "DescribeVolumes", &["volumeSet"], "volumeId", &["status"], true),
            Self::Group => ("security group", "DescribeSecurityGroups", &["securityGroupInfo"], "groupId", &[], true),
            Self::KeyPair => ("key pair", "DescribeKeyPairs", &["keySet"], "keyName", &[], false),
            Self::Rule => ("rule", "DescribeSecurityGroupRules", &["securityGroupRuleSet"], "securityGroupRuleId",
                &["isEgress"], true),
        }
    }
}

/// Something that bears a tag of ours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Found {
    /// What it is.
    pub(super) kind: Kind,
    /// Its id.
    pub(super) id: String,
    /// Its state, as EC2 calls it; empty where it has none. Of a rule: `true` if it is about what goes out.
    pub(super) state: String,
    /// Its tags.
    pub(super) tags: BTreeMap<String, String>,
    /// Of an address: the id of what ties it to a machine. Of a rule: its group.
    pub(super) tied: Option<String>,
    /// Its public address, if it has one.
    pub(super) public: Option<String>,
}

impl Found {
    /// Whether it is there for nobody any more, though it is still listed for a while.
    pub(super) fn is_over(&self) -> bool {
        match self.kind {
            Kind::Instance => self.state == "terminated",
            Kind::SpotRequest => !["open", "active"].contains(&self.state.as_str()),
            Kind::Volume => self.state == "deleted",
            Kind::Address | Kind::Group | Kind::KeyPair | Kind::Rule => false,
        }
    }
}

/// EC2 in one region.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ec2<'a> {
    /// Who asks.
    pub(super) client: &'a Client,
    /// Where.
    pub(super) region: &'a str,
}

/// Parameters of a call.
pub(super) type Parameters = Vec<(String, String)>;

/// A filter as parameters.
pub(super) fn filter(number: usize, name: &str, values: &[&str]) -> Parameters {
    let mut parameters = vec![(format!("Filter.{number}.Name"), name.to_owned())];
    for (index, value) in values.iter().enumerate() {
        parameters.push((format!("Filter.{number}.Value.{}", index + 1), (*value).to_owned()));
    }
    parameters
}

impl Ec2<'_> {
    /// Everything of a kind that bears the run's tag, over or not.
    pub(super) fn of_run(self, kind: Kind, run: &str) -> Result<Vec<Found>> {
        self.list(kind, &filter(1, &format!("tag:{TAG_RUN}"), &[run]))
    }

    /// Everything of a kind that bears any run's tag.
    pub(super) fn of_any_run(self, kind: Kind) -> Result<Vec<Found>> {
        self.list(kind, &filter(1, "tag-key", &[TAG_RUN]))
    }

    fn list(self, kind: Kind, filters: &Parameters) -> Result<Vec<Found>> {
        let (_, action, path, ..) = kind.table();
        let paged = kind.table().5;
        let mut found = Vec::new();
        self.pages(action, filters, paged, |document| {
            for node in items(document.root_element(), path) {
                found.push(read(kind, node));
            }
        })?;
        Ok(found)
    }

    /// Every page of an answer, one after the other.
    pub(super) fn pages(
        self,
        action: &str,
        filters: &Parameters,
        paged: bool,
        mut each: impl FnMut(&Document<'_>),
    ) -> Result<()> {
        let mut token = None;
        for _ in 0..PAGES_MAX {
            let mut parameters = filters.clone();
            if paged {
                parameters.push(("MaxResults".to_owned(), PAGE.to_owned()));
            }
            if let Some(token) = token.take() {
                parameters.push(("NextToken".to_owned(), token));
            }
            let text = self.client.call(self.region, action, &parameters)?;
            let document = self.parsed(action, &text)?;
            each(&document);
            token = text_of(document.root_element(), &["nextToken"]).map(str::to_owned);
            if token.as_ref().is_none_or(String::is_empty) {
                return Ok(());
            }
        }
        Err(self.unreadable(action, format!("more than {PAGES_MAX} pages")))
    }

    fn parsed<'t>(self, action: &str, text: &'t str) -> Result<Document<'t>> {
        Document::parse(text).map_err(|error| self.unreadable(action, error.to_string()))
    }

    fn unreadable(self, action: &str, message: String) -> ApiError {
        ApiError {
            action: action.to_owned(),
            region: self.region.to_owned(),
            code: "Unreadable".to_owned(),
            message,
        }
    }

    fn act(self, action: &str, parameters: &[(&str, &str)]) -> Result<()> {
        let parameters: Parameters = parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        self.client.call(self.region, action, &parameters).map(drop)
    }

    /// Takes something away, or begins to.
    pub(super) fn take_away(self, found: &Found) -> Result<()> {
        let id = found.id.as_str();
        match found.kind {
            Kind::SpotRequest => {
                self.act("CancelSpotInstanceRequests", &[("SpotInstanceRequestId.1", id)])
            }
            Kind::Instance => self.act("TerminateInstances", &[("InstanceId.1", id)]),
            Kind::Address => {
                if let Some(association) = &found.tied {
                    let untied = self.act("DisassociateAddress", &[("AssociationId", association)]);
                    untied
                        .or_else(|error| if error.is_not_found() { Ok(()) } else { Err(error) })?;
                }
                self.act("ReleaseAddress", &[("AllocationId", id)])
            }
            Kind::Volume => self.act("DeleteVolume", &[("VolumeId", id)]),
            Kind::Group => self.act("DeleteSecurityGroup", &[("GroupId", id)]),
            Kind::KeyPair => self.act("DeleteKeyPair", &[("KeyName", id)]),
            Kind::Rule => {
                let group = found.tied.as_deref().unwrap_or_default();
                let rule = [("GroupId", group), ("SecurityGroupRuleId.1", id)];
                self.act(revoke(found.state == "true"), &rule)
            }
        }
    }

    /// Takes away the rules by which a group names others, and itself: a group that is named cannot go.
    pub(super) fn take_away_rules(self, group: &str) -> Result<()> {
        let mut rules = Vec::new();
        self.pages(
            "DescribeSecurityGroupRules",
            &filter(1, "group-id", &[group]),
            true,
            |document| {
                for node in items(document.root_element(), &["securityGroupRuleSet"]) {
                    let names_a_group =
                        node.children().any(|child| child.has_tag_name("referencedGroupInfo"));
                    let egress = text_of(node, &["isEgress"]) == Some("true");
                    if let Some(id) =
                        text_of(node, &["securityGroupRuleId"]).filter(|_| names_a_group)
                    {
                        rules.push((egress, id.to_owned()));
                    }
                }
            },
        )?;
        for egress in [false, true] {
            let mut parameters = vec![("GroupId".to_owned(), group.to_owned())];
            let ids = rules.iter().filter(|(out, _)| *out == egress);
            parameters.extend(ids.enumerate().map(|(index, (_, id))| {
                (format!("SecurityGroupRuleId.{}", index + 1), id.clone())
            }));
            if parameters.len() == 1 {
                continue;
            }
            self.client.call(self.region, revoke(egress), &parameters)?;
        }
        Ok(())
    }

    /// Every region that the account can use.
    pub(super) fn regions(self) -> Result<Vec<String>> {
        let mut regions = Vec::new();
        self.pages("DescribeRegions", &Parameters::new(), false, |document| {
            let items = items(document.root_element(), &["regionInfo"]);
            let names = items.into_iter().filter_map(|node| text_of(node, &["regionName"]));
            regions.extend(names.map(str::to_owned));
        })?;
        regions.sort();
        Ok(regions)
    }
}

/// The action that takes rules away.
fn revoke(egress: bool) -> &'static str {
    if egress { "RevokeSecurityGroupEgress" } else { "RevokeSecurityGroupIngress" }
}

fn read(kind: Kind, node: Node<'_, '_>) -> Found {
    let (.., id, state, _) = kind.table();
    let text = |path: &[&str]| text_of(node, path).map(str::to_owned);
    let tag = |item: Node<'_, '_>| {
        let key = text_of(item, &["key"])?.to_owned();
        Some((key, text_of(item, &["value"]).unwrap_or_default().to_owned()))
    };
    Found {
        kind,
        id: text(&[id]).unwrap_or_default(),
        state: if state.is_empty() { String::new() } else { text(state).unwrap_or_default() },
        tags: items(node, &["tagSet"]).into_iter().filter_map(tag).collect(),
        tied: text(&[if kind == Kind::Rule { "groupId" } else { "associationId" }])
            .filter(|id| !id.is_empty()),
        public: text(&["ipAddress"]).or_else(|| text(&["publicIp"])),
    }
}

/// The items of a list of lists: `a/item/b/item` for `[a, b]`.
pub(super) fn items<'a, 'i>(node: Node<'a, 'i>, path: &[&str]) -> Vec<Node<'a, 'i>> {
    let mut nodes = vec![node];
    for name in path {
        let lists = nodes.into_iter().flat_map(|node| node.children());
        let lists = lists.filter(|child| child.has_tag_name(*name));
        nodes = lists.flat_map(|list| list.children()).filter(Node::is_element).collect();
    }
    nodes
}

/// The text of an element inside others.
pub(super) fn text_of<'a>(node: Node<'a, '_>, path: &[&str]) -> Option<&'a str> {
    let mut node = node;
    for name in path {
        node = node.children().find(|child| child.has_tag_name(*name))?;
    }
    node.text()
}
