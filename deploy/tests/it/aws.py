# What AWS does and moto does not, laid over moto at its start.
#
# A machine's shutdown behaviour can be changed without its groups being lost. Where there is no room for a type
# (NO_ROOM), it says so; so it does where a quota is used up (QUOTAS: `Action=Code`). A call that comes again with its
# client token makes nothing again; every answer to the first one is lost on its way, so that all of them come again.
# What is in use cannot go. Something new is in no list by tag at first (LAG). And whoever asks can die at a call: the file
# KILL says at which one, by the beginning of its name, and `group` or `one`; the file CALLER says who.
import os
import signal
import threading
import time

from moto.core.responses import ActionResult, BaseResponse, EmptyResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses import EC2Response
from moto.ec2.responses._base_response import EC2BaseResponse
from moto.ec2.responses.instances import InstanceResponse

NO_ROOM = os.environ.get("NO_ROOM", "").split()
QUOTAS = dict(quota.split("=") for quota in os.environ.get("QUOTAS", "").split())
KILL, CALLER = os.environ.get("KILL", ""), os.environ.get("CALLER", "")

# So many lists by tag do not have what is new.
LAG = int(os.environ.get("LAG", "0"))


def modify(self, plain=InstanceResponse.modify_instance_attribute):
    if self._get_param("InstanceInitiatedShutdownBehavior"):
        return EmptyResult()
    return plain(self)


def run(self, plain=InstanceResponse.run_instances, answers={}):
    token = self._get_param("ClientToken")
    if token in answers:
        return answers[token]
    if self._get_param("InstanceType") in NO_ROOM:
        raise EC2ClientError("InsufficientInstanceCapacity", "There is no room for this type in this zone.")
    answers[token] = plain(self)
    raise EC2ClientError("RequestTimeout", "The answer is lost.")


def delete_group(self, plain=EC2Response.delete_security_group):
    group = self._get_param("GroupId")
    instances = (one for all in self.ec2_backend.describe_instances() for one in all.instances)
    used = any(
        one.state != "terminated" and any(of.id == group for of in one.security_groups) for one in instances
    )
    rules = self.ec2_backend.describe_security_group_rules([], {})
    named = any(
        rule.group_id != group and rule.source_group.get("GroupId") == group for rule in rules
    )
    if used or named:
        raise EC2ClientError("DependencyViolation", f"resource {group} has a dependent object")
    return plain(self)


def release(self, plain=EC2Response.release_address):
    found = self.ec2_backend.describe_addresses([self._get_param("AllocationId")], None)
    if found[0].association_id:
        raise EC2ClientError("InvalidIPAddress.InUse", "Disassociate it first.")
    return plain(self)


def lagging(plain, of, seen={}):
    def describe(self):
        answer = plain(self)
        if not any(name.startswith("tag:") for name in self._filters_from_querystring()):
            return answer
        result = dict(answer.result)

        def is_old(thing):
            key = (self.region, getattr(thing, "allocation_id", None) or getattr(thing, "id", None) or thing.name)
            seen[key] = seen.get(key, 0) + 1
            return seen[key] > LAG

        result[of] = [thing for thing in result[of] if is_old(thing)]
        return ActionResult(result)

    return describe


lock = threading.Lock()


def told(path):
    try:
        with open(path) as file:
            return file.read().split()
    except OSError:
        return []


def is_last(action):
    if action.startswith("Describe"):
        return None
    with lock:
        order = told(KILL)
        if not order:
            return None
        at, whom = order
        if not action.startswith(at):
            return None
        os.remove(KILL)
        return whom


def call(self, plain=BaseResponse.call_action):
    action = self._get_action()
    whom = is_last(action)
    try:
        return plain(self)
    finally:
        if whom:
            while not told(CALLER):
                time.sleep(0.01)
            (os.killpg if whom == "group" else os.kill)(int(told(CALLER)[0]), signal.SIGKILL)


def used_up(plain):
    def ask(self):
        if self._get_action() in QUOTAS:
            raise EC2ClientError(QUOTAS[self._get_action()], "You have requested more than your current limit allows.")
        return plain(self)

    return ask


InstanceResponse.modify_instance_attribute = modify
InstanceResponse.run_instances = run
EC2Response.delete_security_group = delete_group
EC2Response.release_address = release
EC2BaseResponse.call_action = call
for name, of in {
    "describe_instances": "Reservations",
    "describe_addresses": "Addresses",
    "describe_volumes": "Volumes",
    "describe_security_groups": "SecurityGroups",
    "describe_security_group_rules": "SecurityGroupRules",
    "describe_key_pairs": "KeyPairs",
}.items():
    setattr(EC2Response, name, lagging(getattr(EC2Response, name), of))
for name in ["run_instances", "allocate_address"]:
    setattr(EC2Response, name, used_up(getattr(EC2Response, name)))
