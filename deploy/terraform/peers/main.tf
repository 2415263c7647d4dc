# What machines in other regions may reach in this one: groups of another region cannot be named in a rule, so
# each machine is named by its public address.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

variable "groups" {
  description = "The group of each role that there is in this region."
  type        = map(string)
}

variable "roles" {
  description = "The roles that there are in this region: what `groups` has, known beforehand."
  type        = list(string)
}

variable "peers" {
  description = "The role of every machine in other regions, by name."
  type        = map(string)
}

variable "addresses" {
  description = "The public address of every machine in other regions, by name."
  type        = map(string)
}

variable "tags" {
  description = "The run's tags."
  type        = map(string)
}

resource "aws_vpc_security_group_ingress_rule" "peer" {
  for_each = local.rules

  security_group_id = var.groups[each.value.to]
  cidr_ipv4         = "${var.addresses[each.value.name]}/32"
  ip_protocol       = each.value.protocol
  from_port         = each.value.port
  to_port           = each.value.port
  tags              = merge(var.tags, { Name = each.value.what })
}

locals {
  ports = [
    { from = "node", to = "node", port = 29015, protocol = "tcp", what = "RethinkDB among its servers" },
    { from = "load", to = "node", port = 9984, protocol = "tcp", what = "the API" },
    { from = "node", to = "monitor", port = 8125, protocol = "udp", what = "StatsD" },
    { from = "load", to = "monitor", port = 8125, protocol = "udp", what = "StatsD" },
  ]
  rules = {
    for pair in setproduct(local.ports, keys(var.peers)) :
    "${pair[1]}-${pair[0].to}-${pair[0].port}" => merge(pair[0], { name = pair[1] })
    if contains(var.roles, pair[0].to) && var.peers[pair[1]] == pair[0].from
  }
}
