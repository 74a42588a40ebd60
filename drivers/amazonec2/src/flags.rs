use machine_driver::Flag;

pub(crate) const ACCESS_KEY: &str = "amazonec2-access-key";
pub(crate) const ACCESS_KEY_VARIABLE: &str = "AWS_ACCESS_KEY_ID";
pub(crate) const SECRET_KEY: &str = "amazonec2-secret-key";
pub(crate) const SECRET_KEY_VARIABLE: &str = "AWS_SECRET_ACCESS_KEY";
pub(crate) const SESSION_TOKEN: &str = "amazonec2-session-token";
pub(crate) const SESSION_TOKEN_VARIABLE: &str = "AWS_SESSION_TOKEN";

/// docker-machine's 32, rancher-machine's, then ours.
pub(crate) fn flags() -> Vec<Flag> {
    [login(), place(), shape(), access(), rancher()].concat()
}

fn login() -> Vec<Flag> {
    vec![
        Flag::text(ACCESS_KEY, ACCESS_KEY_VARIABLE, None, "Access key; none: as the AWS tools")
            .secret(),
        Flag::text(SECRET_KEY, SECRET_KEY_VARIABLE, None, "Secret that goes with the access key")
            .secret(),
        Flag::text(SESSION_TOKEN, SESSION_TOKEN_VARIABLE, None, "Token of a session's access key")
            .secret(),
        Flag::text("amazonec2-profile", "AWS_PROFILE", None, "Profile of the AWS tools to use"),
        Flag::text("amazonec2-endpoint", "AWS_ENDPOINT", None, "Address of the interface"),
        Flag::bool(
            "amazonec2-insecure-transport",
            "AWS_INSECURE_TRANSPORT",
            "Use HTTP with an endpoint that names no scheme",
        ),
        Flag::int(
            "amazonec2-retries",
            "",
            Some(5),
            "Repeat calls that fail; 0 or less: only those that were refused for their number",
        ),
    ]
}

fn place() -> Vec<Flag> {
    vec![
        Flag::text("amazonec2-region", "AWS_DEFAULT_REGION", Some("us-east-1"), "Region"),
        Flag::text("amazonec2-zone", "AWS_ZONE", Some("a"), "Zone: a letter, or the whole name"),
        Flag::text("amazonec2-vpc-id", "AWS_VPC_ID", None, "VPC; none: the account's default"),
        Flag::text(
            "amazonec2-subnet-id",
            "AWS_SUBNET_ID",
            None,
            "Subnet; none: one of the VPC in the zone",
        ),
        Flag::bool(
            "amazonec2-private-address-only",
            "",
            "Give no public address, and use the private one",
        ),
        Flag::bool(
            "amazonec2-use-private-address",
            "",
            "Use the private address, whether or not there is a public one",
        ),
    ]
}

fn shape() -> Vec<Flag> {
    vec![
        Flag::text(
            "amazonec2-ami",
            "AWS_AMI",
            None,
            "Image: ami-..., resolve:ssm:..., ubuntu-24.04 or debian-13; none: ubuntu-24.04",
        ),
        Flag::text(
            "amazonec2-instance-type",
            "AWS_INSTANCE_TYPE",
            Some("t3.micro"),
            "Instance type",
        ),
        Flag::text(
            "amazonec2-device-name",
            "AWS_DEVICE_NAME",
            None,
            "Name of the root volume's device; none: as the image has it",
        ),
        Flag::int(
            "amazonec2-root-size",
            "AWS_ROOT_SIZE",
            Some(16),
            "Size of the root volume in GB",
        ),
        Flag::text("amazonec2-volume-type", "AWS_VOLUME_TYPE", Some("gp3"), "Type of the volume"),
        Flag::text(
            "amazonec2-iam-instance-profile",
            "AWS_INSTANCE_PROFILE",
            None,
            "Instance profile for the instance, by name",
        ),
        Flag::bool("amazonec2-request-spot-instance", "", "Take a spot instance"),
        Flag::text(
            "amazonec2-spot-price",
            "",
            Some("0.50"),
            "Most to pay for a spot instance, in USD an hour",
        ),
        Flag::int(
            "amazonec2-block-duration-minutes",
            "",
            Some(0),
            "Accepted for old scripts: EC2 has no spot blocks any more",
        ),
        Flag::bool("amazonec2-monitoring", "", "Have detailed monitoring"),
        Flag::bool(
            "amazonec2-use-ebs-optimized-instance",
            "",
            "Have a connection of its own to the volumes",
        ),
        Flag::text("amazonec2-tags", "AWS_TAGS", None, "Tags for all that is made: k1,v1,k2,v2"),
        Flag::text(
            "amazonec2-userdata",
            "AWS_USERDATA",
            None,
            "File with user data, as --cloud-init",
        ),
    ]
}

fn access() -> Vec<Flag> {
    vec![
        Flag::text(
            "amazonec2-ssh-user",
            "AWS_SSH_USER",
            None,
            "User to log in as; none: the image's, which is ubuntu, or admin for debian",
        ),
        Flag::int("amazonec2-ssh-port", "AWS_SSH_PORT", Some(22), "Port of the SSH server"),
        Flag::text(
            "amazonec2-ssh-keypath",
            "AWS_SSH_KEYPATH",
            None,
            "Private key to use instead of a new one; its .pub is beside it",
        ),
        Flag::text(
            "amazonec2-keypair-name",
            "AWS_KEYPAIR_NAME",
            None,
            "Key pair of the account that goes with that private key",
        ),
        Flag::list(
            "amazonec2-security-group",
            "AWS_SECURITY_GROUP",
            "Security group by name or id instead of one of this store; made if it is not there",
        ),
        Flag::bool(
            "amazonec2-security-group-readonly",
            "AWS_SECURITY_GROUP_READONLY",
            "Never add rules to a security group",
        ),
        Flag::list(
            "amazonec2-open-port",
            "",
            "Port to open to the world in the store's group: 80, 53/udp",
        ),
    ]
}

fn rancher() -> Vec<Flag> {
    vec![
        Flag::bool("amazonec2-encrypt-ebs-volume", "AWS_ENCRYPT_EBS_VOLUME", "Encrypt the volumes"),
        Flag::text("amazonec2-kms-key", "AWS_KMS_KEY", None, "KMS key for encrypted volumes"),
        Flag::text(
            "amazonec2-http-endpoint",
            "AWS_HTTP_ENDPOINT",
            Some("enabled"),
            "Metadata service: enabled or disabled",
        ),
        Flag::text(
            "amazonec2-http-tokens",
            "AWS_HTTP_TOKENS",
            Some("required"),
            "Version 2 of the metadata service: required or optional",
        ),
        Flag::text(
            "amazonec2-http-protocol-ipv6",
            "AWS_HTTP_PROTOCOL_IPV6",
            Some("disabled"),
            "Metadata service over IPv6: enabled or disabled",
        ),
        Flag::int(
            "amazonec2-ipv6-address-count",
            "AWS_IPV6_ADDRESS_COUNT",
            Some(0),
            "How many IPv6 addresses to have",
        ),
        Flag::bool(
            "amazonec2-enable-primary-ipv6",
            "AWS_ENABLE_PRIMARY_IPV6",
            "Keep the first IPv6 address for the life of the instance",
        ),
        Flag::bool(
            "amazonec2-ipv6-address-only",
            "AWS_IPV6_ADDRESS_ONLY",
            "Use the IPv6 address, and have no public IPv4 one",
        ),
    ]
}

/// The least that the account must be allowed: a policy of IAM.
pub(crate) const PERMISSIONS: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [{
    "Effect": "Allow",
    "Action": [
      "ec2:AuthorizeSecurityGroupIngress", "ec2:CreateSecurityGroup", "ec2:CreateTags",
      "ec2:DeleteKeyPair", "ec2:DeleteSecurityGroup", "ec2:DescribeAvailabilityZones",
      "ec2:DescribeImages", "ec2:DescribeInstanceTypes", "ec2:DescribeInstances",
      "ec2:DescribeKeyPairs", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets",
      "ec2:DescribeVpcs", "ec2:ImportKeyPair", "ec2:RebootInstances", "ec2:RunInstances",
      "ec2:StartInstances", "ec2:StopInstances", "ec2:TerminateInstances"
    ],
    "Resource": "*"
  }]
}
with --amazonec2-iam-instance-profile also iam:PassRole for that role,
with resolve:ssm:... as the image also ssm:GetParameters"#;
