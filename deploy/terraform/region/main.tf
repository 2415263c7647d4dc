# The machines of a run in one region. What they are to be was decided before (the image, the zone, the keys):
# nothing here looks anything up, so that a second plan finds nothing to do.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

resource "aws_key_pair" "run" {
  key_name   = "testbed-${var.run}"
  public_key = var.public_key
  tags       = local.tags
}

resource "aws_instance" "machine" {
  for_each = var.machines

  ami           = each.value.image
  instance_type = each.value.instance_type
  subnet_id     = each.value.subnet
  key_name      = aws_key_pair.run.key_name
  user_data     = file(each.value.user_data)

  # A default subnet gives a public address at launch.
  vpc_security_group_ids = [aws_security_group.role[each.value.role].id]

  # A machine that shuts itself down, as its timer does at the end, is gone with its volumes. Nothing protects
  # it from being taken away.
  instance_initiated_shutdown_behavior = "terminate"
  disable_api_termination              = false

  dynamic "instance_market_options" {
    for_each = each.value.spot ? ["spot"] : []
    content {
      market_type = "spot"
      spot_options {
        spot_instance_type             = "one-time"
        instance_interruption_behavior = "terminate"
      }
    }
  }

  # The metadata hold the host key: only who is on the machine itself reads them, with a session.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    volume_type           = "gp3"
    volume_size           = each.value.root_gib
    encrypted             = true
    delete_on_termination = true
  }

  # RethinkDB's data. Made in the same call as the machine, so that it cannot outlive it.
  dynamic "ebs_block_device" {
    for_each = each.value.data == null ? [] : [each.value.data]
    content {
      device_name           = "/dev/sdf"
      volume_type           = "gp3"
      volume_size           = ebs_block_device.value.gib
      iops                  = ebs_block_device.value.iops
      throughput            = ebs_block_device.value.throughput
      encrypted             = true
      delete_on_termination = true
    }
  }

  tags        = merge(local.tags, { Name = "${each.key}.${var.run}", "testbed-machine" = each.key })
  volume_tags = merge(local.tags, { Name = "${each.key}.${var.run}", "testbed-machine" = each.key })
}

# An address that stays over a stop and a start: only on request, since there are five in a region by default.
resource "aws_eip" "machine" {
  for_each = { for name, machine in var.machines : name => machine if machine.elastic }

  domain   = "vpc"
  instance = aws_instance.machine[each.key].id
  tags     = merge(local.tags, { Name = "${each.key}.${var.run}", "testbed-machine" = each.key })
}

locals {
  tags = {
    "testbed-run"        = var.run
    "testbed-owner"      = var.owner
    "testbed-expires-at" = var.expires_at
  }
}
