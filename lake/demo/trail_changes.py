"""The changes that administrators make: whatever the CIS benchmark watches for, from security
groups to keys. `CHANGES` says what is asked for, and how often in the three days.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lake.demo.chance import OFFICE, fixed_hex, moments, stream
from lake.demo.trail_record import Call, event
from lake.demo.trail_traffic import person_caller
from lake.demo.world import LOGISTICS, PRODUCTION, SHOP_EU, SHOP_US

if TYPE_CHECKING:
    from lake.demo.trail_record import TrailEvent


@dataclass(frozen=True, slots=True)
class Change:
    """A change to the set-up: how often in the three days, and what was asked for."""

    times: int
    service: str
    name: str
    request: dict[str, Any] = field(default_factory=dict)
    response: dict[str, Any] | None = None


_SG, _ACL = "sg-0" + fixed_hex("web security group", 16), "acl-0" + fixed_hex("acl", 16)
_TABLE, _GATEWAY = "rtb-0" + fixed_hex("routes", 16), "igw-0" + fixed_hex("gateway", 16)
KMS_KEY = "arn:aws:kms:us-east-1:111122223333:key/3f1c2a90-5b7e-4f3a-9c11-" + fixed_hex("key", 12)
_NEW_VPC, _PEERING = "vpc-0" + fixed_hex("new vpc", 16), "pcx-0" + fixed_hex("peering", 16)
_DONE: dict[str, Any] = {"_return": True}


def _rule(port: int, source: str) -> dict[str, Any]:
    return {
        "groupId": _SG,
        "ipPermissions": {
            "items": [
                {
                    "ipProtocol": "tcp",
                    "fromPort": port,
                    "toPort": port,
                    "groups": {},
                    "ipRanges": {"items": [{"cidrIp": source, "description": "office"}]},
                    "ipv6Ranges": {},
                    "prefixListIds": {},
                }
            ]
        },
    }


def _bucket(name: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    return {"bucketName": name, "Host": f"{name}.s3.us-east-1.amazonaws.com", **more}


# fmt: off
CHANGES = (
    Change(9, "ec2", "AuthorizeSecurityGroupIngress", _rule(443, "33.10.1.0/24"), _DONE),
    Change(6, "ec2", "RevokeSecurityGroupIngress", _rule(8443, "33.10.1.0/24"), _DONE),
    Change(3, "ec2", "AuthorizeSecurityGroupEgress", _rule(5432, "10.20.0.0/16"), _DONE),
    Change(3, "ec2", "CreateSecurityGroup",
           {"groupName": "shop-canary", "groupDescription": "canary", "vpcId": SHOP_US.id},
           _DONE | {"groupId": "sg-0" + fixed_hex("canary", 16)}),
    Change(2, "ec2", "DeleteSecurityGroup", {"groupId": "sg-0" + fixed_hex("canary", 16)}, _DONE),
    Change(4, "ec2", "CreateNetworkAclEntry",
           {"networkAclId": _ACL, "ruleNumber": 90, "aclProtocol": "6", "ruleAction": "deny",
            "egress": False, "cidrBlock": "30.99.0.0/16", "icmpTypeCode": {},
            "portRange": {"from": 0, "to": 65535}}, _DONE),
    Change(2, "ec2", "ReplaceNetworkAclEntry",
           {"networkAclId": _ACL, "ruleNumber": 100, "aclProtocol": "-1", "ruleAction": "allow",
            "egress": True, "cidrBlock": "0.0.0.0/0", "icmpTypeCode": {}, "portRange": {}}, _DONE),
    Change(1, "ec2", "CreateNetworkAcl", {"vpcId": _NEW_VPC},
           {"networkAcl": {"networkAclId": "acl-0" + fixed_hex("acl 2", 16), "vpcId": _NEW_VPC}}),
    Change(1, "ec2", "CreateInternetGateway", {}, {"internetGateway": {
        "internetGatewayId": _GATEWAY, "attachmentSet": {}}}),
    Change(2, "ec2", "AttachInternetGateway",
           {"internetGatewayId": _GATEWAY, "vpcId": _NEW_VPC}, _DONE),
    Change(1, "ec2", "DetachInternetGateway",
           {"internetGatewayId": _GATEWAY, "vpcId": _NEW_VPC}, _DONE),
    Change(1, "ec2", "CreateCustomerGateway",
           {"bgpAsn": 65540, "ipAddress": "33.10.2.1", "type": "ipsec.1"},
           {"customerGateway": {"customerGatewayId": "cgw-0" + fixed_hex("cgw", 16)}}),
    Change(3, "ec2", "CreateRoute", {"routeTableId": _TABLE, "destinationCidrBlock": "0.0.0.0/0",
                                     "gatewayId": _GATEWAY}, _DONE),
    Change(1, "ec2", "CreateRouteTable", {"vpcId": _NEW_VPC},
           {"routeTable": {"routeTableId": _TABLE, "vpcId": _NEW_VPC}}),
    Change(2, "ec2", "ReplaceRoute", {"routeTableId": _TABLE, "natGatewayId": "nat-0" + fixed_hex(
        "nat", 16), "destinationCidrBlock": "10.20.0.0/16"}, _DONE),
    Change(1, "ec2", "CreateVpc", {"cidrBlock": "10.40.0.0/16", "instanceTenancy": "default"},
           {"vpc": {"vpcId": _NEW_VPC, "state": "pending", "cidrBlock": "10.40.0.0/16"}}),
    Change(2, "ec2", "ModifyVpcAttribute",
           {"vpcId": _NEW_VPC, "enableDnsHostnames": {"value": True}}, _DONE),
    Change(1, "ec2", "CreateVpcPeeringConnection", {"vpcId": _NEW_VPC, "peerVpcId": SHOP_EU.id},
           {"vpcPeeringConnection": {"vpcPeeringConnectionId": _PEERING}}),
    Change(1, "ec2", "AcceptVpcPeeringConnection", {"vpcPeeringConnectionId": _PEERING}, None),
    Change(4, "s3", "PutBucketPolicy", _bucket("halden-shop-assets", policy="", bucketPolicy={
        "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "cloudfront.amazonaws.com"},
            "Action": "s3:GetObject", "Resource": "arn:aws:s3:::halden-shop-assets/*"}]})),
    Change(2, "s3", "PutBucketLifecycle", _bucket("halden-shop-assets", lifecycle="")),
    Change(1, "s3", "PutBucketCors", _bucket("halden-shop-assets", cors="")),
    Change(1, "s3", "PutBucketAcl", _bucket("halden-build-artifacts", acl="")),
    Change(1, "s3", "PutBucketReplication", _bucket("halden-depot-manifests", replication="")),
    Change(2, "kms", "PutKeyPolicy", {"keyId": KMS_KEY, "policyName": "default"}),
    Change(1, "kms", "DisableKey", {"keyId": KMS_KEY}),
    Change(1, "kms", "ScheduleKeyDeletion", {"keyId": KMS_KEY, "pendingWindowInDays": 30}),
    Change(4, "ec2", "RunInstances",
           {"instancesSet": {"items": [{"imageId": "ami-0" + fixed_hex("image", 16),
                                        "minCount": 1, "maxCount": 1}]},
            "instanceType": "t3.medium"}),
    Change(2, "ec2", "TerminateInstances",
           {"instancesSet": {"items": [{"instanceId": "i-0" + fixed_hex("old canary", 16)}]}}),
    Change(2, "iam", "CreateRole", {"roleName": "stock-sync"}),
    Change(2, "iam", "AttachRolePolicy",
           {"roleName": "stock-sync", "policyArn": "arn:aws:iam::aws:policy/AmazonSQSFullAccess"}),
)
# fmt: on


def change_events(seed: int) -> list[TrailEvent]:
    """Changes of administrators in office hours, in both accounts."""
    rng = stream(seed, "trail changes")
    events = []
    for account, share in ((PRODUCTION, 1), (LOGISTICS, 2)):
        offset = 9 if account is LOGISTICS else 1
        for change in CHANGES:
            for at in moments(rng, -(-change.times // share), OFFICE, offset):
                caller = person_caller(rng, at, account)
                region = account.regions[0] if rng.random() < 0.8 else account.regions[1]
                call = Call(change.service, change.name, change.request, change.response, False)
                events.append(event(rng, at, account, region, caller, call))
    return events
