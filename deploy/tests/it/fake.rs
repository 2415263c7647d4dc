//! A strict stand-in for EC2: it refuses what AWS refuses and moto allows.
//!
//! A machine that is terminated shuts down first, and all that is its own stays in use meanwhile: its group, its
//! address, its volumes. A group that another's rule names cannot go. Lists lag behind what is done. Every so
//! often it is asked too much. It knows just the calls that taking away needs; an unknown one is an error.
//! Time goes by calls, so that nobody has to sleep.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

/// So many calls a machine shuts down.
const SHUTDOWN_CALLS: u32 = 8;

/// So many calls a volume is being deleted.
const DELETION_CALLS: u32 = 4;

/// So many calls something new is in no list yet.
const LAG_CALLS: u32 = 15;

/// Every so manieth call is one too many.
const THROTTLED: usize = 7;

/// The page's size: everybody has to turn pages.
const PAGE: usize = 2;

/// Something in the cloud.
#[derive(Clone, Default, Debug)]
pub(crate) struct Thing {
    /// What is tagged.
    pub(crate) tags: BTreeMap<String, String>,
    /// `running`, `shutting-down`, `terminated`; `in-use`, `available`, `deleting`; `active`, `cancelled`.
    pub(crate) state: String,
    /// Ids of what it holds on to (an instance: its group; an address: its instance; a volume: its instance; a
    /// group's rules: other groups).
    pub(crate) holds: BTreeSet<String>,
    /// Calls until something happens to it.
    pub(crate) calls: u32,
    /// Calls until lists have it.
    pub(crate) lag: u32,
}

/// What there is, by region and id. The kind is the id's beginning.
#[derive(Default, Debug)]
pub(crate) struct World {
    /// By region, then id.
    pub(crate) things: BTreeMap<(String, String), Thing>,
    /// Every call: region and action, with what it answered.
    pub(crate) calls: Vec<String>,
    /// Who is to be killed, and when.
    pub(crate) kill: Option<Kill>,
    /// Calls that only look, and others.
    looks: usize,
    acts: usize,
}

/// A process that is killed at a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kill {
    pub(crate) pid: u32,
    /// Whether the call only looks.
    pub(crate) look: bool,
    /// How many of that kind come before it.
    pub(crate) nth: usize,
    /// Before it is carried out; or else after, with the answer lost.
    pub(crate) before: bool,
}

impl Kill {
    fn carry_out(self) {
        let kill =
            std::process::Command::new("kill").args(["-KILL", &self.pid.to_string()]).status();
        assert!(kill.unwrap().success());
    }
}

/// The server; it ends with the test's process.
pub(crate) struct Fake {
    pub(crate) endpoint: String,
    world: Arc<Mutex<World>>,
}

/// A refusal: status, code, message.
type Refused = (u16, &'static str, String);

impl Fake {
    /// A cloud with nothing in it.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let world = Arc::new(Mutex::new(World::default()));
        let shared = Arc::clone(&world);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                // A caller that was killed leaves a broken line.
                thread::spawn(move || drop(serve(stream, &shared)));
            }
        });
        Self { endpoint, world }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// A run of two machines in a region: with all that belongs to it, and groups that name each other.
    pub(crate) fn stands(&self, region: &str, run: &str, expires_at: &str) {
        let mut world = self.world();
        let tags: BTreeMap<_, _> = [
            ("testbed-run", run),
            ("testbed-owner", "ops@example.org"),
            ("testbed-expires-at", expires_at),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
        let mut add = |kind: &str, number: u32, state: &str, holds: &[String]| {
            let id = format!("{kind}-{run}{number}");
            let holds = holds.iter().cloned().collect();
            let thing =
                Thing { tags: tags.clone(), state: state.to_owned(), holds, calls: 0, lag: 0 };
            world.things.insert((region.to_owned(), id), thing);
        };
        let (one, two) = (format!("sg-{run}1"), format!("sg-{run}2"));
        add("sg", 1, "", &[one.clone(), two.clone()]);
        add("sg", 2, "", std::slice::from_ref(&one));
        for number in [1, 2] {
            let machine = format!("i-{run}{number}");
            add("i", number, "running", &[[&one, &two][number as usize - 1].clone()]);
            add("vol", number, "in-use", std::slice::from_ref(&machine));
            add("eipalloc", number, "", &[machine]);
        }
        // A volume that was made just before somebody died, tied to nothing, in no list yet.
        add("vol", 3, "available", &[]);
        add("sir", 1, "active", &[]);
        add("key", 1, "", &[]);
        let late = (region.to_owned(), format!("vol-{run}3"));
        world.things.get_mut(&late).unwrap().lag = LAG_CALLS;
    }
}

impl World {
    /// The ids of what is there, over or not.
    pub(crate) fn ids(&self) -> Vec<&str> {
        self.things.keys().map(|(_, id)| id.as_str()).collect()
    }

    /// Time goes on by a call.
    fn tick(&mut self) {
        let mut freed = Vec::new();
        for ((region, id), thing) in &mut self.things {
            thing.lag = thing.lag.saturating_sub(1);
            if thing.calls == 0 {
                continue;
            }
            thing.calls -= 1;
            if thing.calls == 0 && thing.state == "shutting-down" {
                thing.state = "terminated".to_owned();
                thing.holds.clear();
                freed.push((region.clone(), id.clone()));
            }
        }
        // With the machine goes what ties things to it.
        for (region, id) in freed {
            for ((there, _), thing) in &mut self.things {
                if *there == region && thing.holds.remove(&id) && thing.state == "in-use" {
                    thing.state = "available".to_owned();
                }
            }
        }
        self.things.retain(|_, thing| thing.state != "deleting" || thing.calls > 0);
    }

    fn get(&mut self, region: &str, id: &str, code: &'static str) -> Result<&mut Thing, Refused> {
        let found = self.things.get_mut(&(region.to_owned(), id.to_owned()));
        found.ok_or_else(|| (400, code, format!("'{id}' does not exist")))
    }

    fn is_held(&self, region: &str, id: &str) -> bool {
        let holds = |((there, other), thing): (&(String, String), &Thing)| {
            there == region && other != id && thing.holds.contains(id)
        };
        self.things.iter().any(holds)
    }

    fn act(
        &mut self,
        region: &str,
        action: &str,
        form: &BTreeMap<String, String>,
    ) -> Result<String, Refused> {
        let asked = |name: &str| form.get(name).cloned().unwrap_or_default();
        let key = |id: &str| (region.to_owned(), id.to_owned());
        match action {
            "DescribeRegions" => {
                let item = "<item><regionName>eu-central-1</regionName></item><item><regionName>us-east-1</regionName></item>";
                Ok(format!("<regionInfo>{item}</regionInfo>"))
            }
            "DescribeInstances" => Ok(self.list(region, "i-", form, "reservationSet")),
            "DescribeVolumes" => Ok(self.list(region, "vol-", form, "volumeSet")),
            "DescribeAddresses" => Ok(self.list(region, "eipalloc-", form, "addressesSet")),
            "DescribeSecurityGroups" => Ok(self.list(region, "sg-", form, "securityGroupInfo")),
            "DescribeKeyPairs" => Ok(self.list(region, "key-", form, "keySet")),
            "DescribeSpotInstanceRequests" => {
                Ok(self.list(region, "sir-", form, "spotInstanceRequestSet"))
            }
            "DescribeSecurityGroupRules" => {
                let group = asked("Filter.1.Value.1");
                let thing = self.get(region, &group, "InvalidGroup.NotFound")?;
                let rule = |held: &String| {
                    format!(
                        "<item><securityGroupRuleId>sgr-{group}-{held}</securityGroupRuleId><isEgress>false</isEgress>\
                         <referencedGroupInfo><groupId>{held}</groupId></referencedGroupInfo></item>"
                    )
                };
                let own = "<item><securityGroupRuleId>sgr-open</securityGroupRuleId><isEgress>true</isEgress>\
                           <cidrIpv4>0.0.0.0/0</cidrIpv4></item>";
                let rules: String = thing.holds.iter().map(rule).collect();
                Ok(format!("<securityGroupRuleSet>{rules}{own}</securityGroupRuleSet>"))
            }
            "RevokeSecurityGroupIngress" => {
                let group = asked("GroupId");
                let thing = self.get(region, &group, "InvalidGroup.NotFound")?;
                for (_, rule) in
                    form.iter().filter(|(name, _)| name.starts_with("SecurityGroupRuleId."))
                {
                    let held = rule.strip_prefix(&format!("sgr-{group}-")).unwrap_or_default();
                    if !thing.holds.remove(held) {
                        return Err((400, "InvalidSecurityGroupRuleId.NotFound", rule.clone()));
                    }
                }
                Ok(String::new())
            }
            "TerminateInstances" => {
                let thing =
                    self.get(region, &asked("InstanceId.1"), "InvalidInstanceID.NotFound")?;
                if thing.state == "running" {
                    thing.state = "shutting-down".to_owned();
                    thing.calls = SHUTDOWN_CALLS;
                }
                Ok(String::new())
            }
            "CancelSpotInstanceRequests" => {
                let id = asked("SpotInstanceRequestId.1");
                self.get(region, &id, "InvalidSpotInstanceRequestID.NotFound")?.state =
                    "cancelled".to_owned();
                Ok(String::new())
            }
            "DisassociateAddress" => {
                let id = asked("AssociationId").replace("eipassoc-", "eipalloc-");
                let thing = self.get(region, &id, "InvalidAssociationID.NotFound")?;
                if thing.holds.is_empty() {
                    return Err((
                        400,
                        "InvalidAssociationID.NotFound",
                        "not tied to anything".to_owned(),
                    ));
                }
                thing.holds.clear();
                Ok(String::new())
            }
            "ReleaseAddress" => {
                let id = asked("AllocationId");
                if !self.get(region, &id, "InvalidAllocationID.NotFound")?.holds.is_empty() {
                    return Err((
                        400,
                        "InvalidIPAddress.InUse",
                        "disassociate it first".to_owned(),
                    ));
                }
                self.things.remove(&key(&id));
                Ok(String::new())
            }
            "DeleteVolume" => {
                let id = asked("VolumeId");
                let thing = self.get(region, &id, "InvalidVolume.NotFound")?;
                if !thing.holds.is_empty() {
                    return Err((400, "VolumeInUse", "detach it first".to_owned()));
                }
                thing.state = "deleting".to_owned();
                thing.calls = DELETION_CALLS;
                Ok(String::new())
            }
            "DeleteSecurityGroup" => {
                let id = asked("GroupId");
                self.get(region, &id, "InvalidGroup.NotFound")?;
                if self.is_held(region, &id) {
                    return Err((
                        400,
                        "DependencyViolation",
                        format!("{id} has a dependent object"),
                    ));
                }
                self.things.remove(&key(&id));
                Ok(String::new())
            }
            "DeleteKeyPair" => {
                // AWS says yes to a key that is not there, too.
                self.things.remove(&key(&asked("KeyName")));
                Ok(String::new())
            }
            _ => Err((400, "InvalidAction", format!("{action} is not known here"))),
        }
    }

    fn list(&self, region: &str, kind: &str, form: &BTreeMap<String, String>, set: &str) -> String {
        let filter = form.get("Filter.1.Name").cloned().unwrap_or_default();
        let value = form.get("Filter.1.Value.1").cloned().unwrap_or_default();
        let wanted = |thing: &Thing| match filter.strip_prefix("tag:") {
            Some(tag) => thing.tags.get(tag) == Some(&value),
            None => filter == "tag-key" && thing.tags.contains_key(&value),
        };
        let found = self.things.iter().filter(|((there, id), thing)| {
            there == region && id.starts_with(kind) && thing.lag == 0 && wanted(thing)
        });
        let all: Vec<_> = found.map(|((_, id), thing)| item(kind, id, thing)).collect();
        let paged = form.contains_key("MaxResults");
        let begin: usize = form.get("NextToken").and_then(|token| token.parse().ok()).unwrap_or(0);
        let end = if paged { (begin + PAGE).min(all.len()) } else { all.len() };
        let next =
            if end < all.len() { format!("<nextToken>{end}</nextToken>") } else { String::new() };
        let items = all.get(begin..end).unwrap_or_default().concat();
        format!("<{set}>{items}</{set}>{next}")
    }
}

fn item(kind: &str, id: &str, thing: &Thing) -> String {
    let tag = |(key, value): (&String, &String)| {
        format!("<item><key>{key}</key><value>{value}</value></item>")
    };
    let tags = format!("<tagSet>{}</tagSet>", thing.tags.iter().map(tag).collect::<String>());
    let state = &thing.state;
    match kind {
        "i-" => format!(
            "<item><instancesSet><item><instanceId>{id}</instanceId><instanceState><name>{state}</name></instanceState>\
             {tags}</item></instancesSet></item>"
        ),
        "vol-" => format!("<item><volumeId>{id}</volumeId><status>{state}</status>{tags}</item>"),
        "eipalloc-" if thing.holds.is_empty() => {
            format!("<item><allocationId>{id}</allocationId><associationId/>{tags}</item>")
        }
        "eipalloc-" => {
            let tied = id.replace("eipalloc-", "eipassoc-");
            format!(
                "<item><allocationId>{id}</allocationId><associationId>{tied}</associationId>{tags}</item>"
            )
        }
        "sg-" => format!("<item><groupId>{id}</groupId>{tags}</item>"),
        "key-" => format!("<item><keyName>{id}</keyName>{tags}</item>"),
        _ => format!(
            "<item><spotInstanceRequestId>{id}</spotInstanceRequestId><state>{state}</state>{tags}</item>"
        ),
    }
}

fn serve(stream: TcpStream, world: &Mutex<World>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut region, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or(0),
            // AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/ec2/aws4_request, …
            "authorization" => region = value.split('/').nth(2).unwrap_or_default().to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body);
    let form: BTreeMap<_, _> = body
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), decoded(value)))
        .collect();
    let action = form.get("Action").cloned().unwrap_or_default();
    let mut world = world.lock().unwrap();
    let call = world.calls.len();
    let look = action.starts_with("Describe");
    let count = if look { &mut world.looks } else { &mut world.acts };
    let nth = *count;
    *count += 1;
    let kill = world.kill.filter(|kill| kill.look == look && kill.nth == nth);
    if let Some(kill) = kill.filter(|kill| kill.before) {
        kill.carry_out();
        world.calls.push(format!("{region} {action}: never carried out"));
        return Ok(());
    }
    world.tick();
    let outcome = if region.is_empty() {
        Err((401, "AuthFailure", "not signed".to_owned()))
    } else if call % THROTTLED == THROTTLED - 1 {
        Err((503, "RequestLimitExceeded", "Request limit exceeded.".to_owned()))
    } else {
        world.act(&region, &action, &form)
    };
    let told = outcome.as_ref().map_or_else(|(_, code, _)| *code, |_| "ok");
    let line = format!("{region} {action}: {told}");
    world.calls.push(line);
    if let Some(kill) = kill {
        kill.carry_out();
        return Ok(());
    }
    drop(world);
    let (status, text) = match outcome {
        Ok(text) => (200, format!("<{action}Response>{text}</{action}Response>")),
        Err((status, code, message)) => {
            let error = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
            (status, format!("<Response><Errors>{error}</Errors></Response>"))
        }
    };
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status} -\r\nContent-Type: text/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    )
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let (byte, used) = match first {
            b'%' => {
                (u8::from_str_radix(&text[text.len() - others.len()..][..2], 16).unwrap_or(b'?'), 2)
            }
            b'+' => (b' ', 0),
            byte => (*byte, 0),
        };
        bytes.push(byte);
        rest = &others[used..];
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
