# Who may reach what. A group for each role; the operator reaches SSH, the API and Grafana, members reach each
# other's RethinkDB, everybody's datagrams reach the monitor, clients reach the API. RethinkDB's web pages (8080)
# are reached by an SSH tunnel only. Rules between regions are in `peers`.
#
# Source: BigchainDB 0.6 docs, "Notes for Firewall Setup".

resource "aws_security_group" "role" {
  for_each = local.roles

  name        = "testbed-${var.run}-${each.key}"
  description = "${each.key} of testbed run ${var.run}"
  vpc_id      = var.vpc
  tags        = merge(local.tags, { Name = "testbed-${var.run}-${each.key}" })
}

resource "aws_vpc_security_group_egress_rule" "role" {
  for_each = local.roles

  security_group_id = aws_security_group.role[each.key].id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
  tags              = merge(local.tags, { Name = "packages, time, names, peers" })
}

resource "aws_vpc_security_group_ingress_rule" "operator" {
  for_each = local.from_operator

  security_group_id = aws_security_group.role[each.value.role].id
  cidr_ipv4         = each.value.block
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  tags              = merge(local.tags, { Name = each.value.what })
}

resource "aws_vpc_security_group_ingress_rule" "member" {
  for_each = local.from_members

  security_group_id            = aws_security_group.role[each.value.to].id
  referenced_security_group_id = aws_security_group.role[each.value.from].id
  ip_protocol                  = each.value.protocol
  from_port                    = each.value.port
  to_port                      = each.value.port
  tags                         = merge(local.tags, { Name = each.value.what })
}

locals {
  roles = toset([for machine in var.machines : machine.role])

  operator_ports = [
    { role = "node", port = 22, what = "SSH" },
    { role = "node", port = 9984, what = "the API" },
    { role = "monitor", port = 22, what = "SSH" },
    { role = "monitor", port = 3000, what = "Grafana" },
    { role = "load", port = 22, what = "SSH" },
  ]
  from_operator = {
    for pair in setproduct(local.operator_ports, var.operator) :
    "${pair[0].role}-${pair[0].port}-${pair[1]}" => merge(pair[0], { block = pair[1] })
    if contains(local.roles, pair[0].role)
  }

  member_ports = [
    { from = "node", to = "node", port = 29015, protocol = "tcp", what = "RethinkDB among its servers" },
    { from = "node", to = "node", port = 28015, protocol = "tcp", what = "RethinkDB's drivers" },
    { from = "load", to = "node", port = 9984, protocol = "tcp", what = "the API" },
    { from = "node", to = "monitor", port = 8125, protocol = "udp", what = "StatsD" },
    { from = "load", to = "monitor", port = 8125, protocol = "udp", what = "StatsD" },
  ]
  from_members = {
    for rule in local.member_ports : "${rule.from}-${rule.to}-${rule.port}" => rule
    if contains(local.roles, rule.from) && contains(local.roles, rule.to)
  }
}
