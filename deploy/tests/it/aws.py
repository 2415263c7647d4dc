# What AWS does and moto does not, laid over moto at its start.
#
# A machine's shutdown behaviour can be changed without its groups being lost. Where there is no room for a type,
# it says so. A call that comes again with its client token makes nothing again; every answer to the first one is
# lost on its way, so that all of them come again.
import os

from moto.core.responses import EmptyResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses.instances import InstanceResponse


def modify(self, plain=InstanceResponse.modify_instance_attribute):
    if self._get_param("InstanceInitiatedShutdownBehavior"):
        return EmptyResult()
    return plain(self)


def run(self, plain=InstanceResponse.run_instances, answers={}):
    token = self._get_param("ClientToken")
    if token in answers:
        return answers[token]
    if self._get_param("InstanceType") in os.environ.get("NO_ROOM", "").split():
        raise EC2ClientError("InsufficientInstanceCapacity", "There is no room for this type in this zone.")
    answers[token] = plain(self)
    raise EC2ClientError("RequestTimeout", "The answer is lost.")


InstanceResponse.modify_instance_attribute = modify
InstanceResponse.run_instances = run
