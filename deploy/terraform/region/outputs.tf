output "machines" {
  description = "What has become of each machine, by name."
  value = {
    for name, machine in aws_instance.machine : name => {
      id      = machine.id
      zone    = machine.availability_zone
      private = machine.private_ip
      public  = try(aws_eip.machine[name].public_ip, machine.public_ip)
      volume  = try(one(machine.ebs_block_device[*].volume_id), null)
    }
  }
}

output "groups" {
  description = "The group of each role that there is here."
  value       = { for role, group in aws_security_group.role : role => group.id }
}
