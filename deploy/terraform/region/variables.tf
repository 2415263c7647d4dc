variable "run" {
  description = "The run's id; everything bears it in the tag testbed-run."
  type        = string
}

variable "owner" {
  description = "Who answers for it; in the tag testbed-owner."
  type        = string
}

variable "expires_at" {
  description = "When it may be taken away, RFC 3339, UTC; in the tag testbed-expires-at."
  type        = string
}

variable "operator" {
  description = "The blocks of addresses from which SSH, the API and Grafana may be reached."
  type        = list(string)

  validation {
    condition     = length(var.operator) > 0 && alltrue([for block in var.operator : tonumber(split("/", block)[1]) >= 16])
    error_message = "Name the blocks the operator comes from, none of them wider than /16."
  }
}

variable "public_key" {
  description = "The public half of the key that logs in, as OpenSSH writes it."
  type        = string
}

variable "vpc" {
  description = "The network in which the machines stand."
  type        = string
}

variable "machines" {
  description = "The machines, by name. `user_data` names a file: what is in it never gets into a plan or a state."
  type = map(object({
    role          = string
    image         = string
    instance_type = string
    subnet        = string
    spot          = bool
    elastic       = bool
    root_gib      = number
    user_data     = string
    data = object({
      gib        = number
      iops       = number
      throughput = number
    })
  }))
}
