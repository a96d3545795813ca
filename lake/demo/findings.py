"""The parts that GuardDuty findings are made of: actions, resources, and the finding around them.

Format: https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_finding-format.html, in the
camel case of the export to S3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lake.demo.chance import fixed_hex, fixed_id, iso, iso_milli
from lake.demo.places import place_of
from lake.demo.story import STORY, TAKEN
from lake.demo.world import BUCKETS, PRODUCTION, Account, detector_id

if TYPE_CHECKING:
    from lake.demo.world import Host

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `counts` are the counts of its deliveries: AWS sends an updated finding again,
    with the same id and a higher count. `every` seconds lie between them.
    """

    at: float
    account: Account
    region: str
    kind: str
    severity: float
    title: str
    description: str
    resource: Json
    action: Json | None
    actor: bool = False  # the resource acts, or is the target
    counts: tuple[int, ...] = (1,)
    every: int = 3600
    details: Json | None = None  # more members of `service`
    sample: bool = False

    @property
    def id(self) -> str:
        return fixed_hex(f"finding {self.account.id} {self.region} {self.kind} {self.at}", 32)

    def deliveries(self) -> list[tuple[float, Json]]:
        """The finding as exported: when, and the record, once for each count."""
        return [
            (self.at + 300 + number * self.every, self._record(number, count))
            for number, count in enumerate(self.counts)
        ]

    def _record(self, number: int, count: int) -> Json:
        detector = detector_id(self.account, self.region)
        home = f"arn:aws:guardduty:{self.region}:{self.account.id}:detector/{detector}"
        last = self.at + number * self.every
        service: Json = {
            "serviceName": "guardduty",
            "detectorId": detector,
            "action": self.action,
            "resourceRole": "ACTOR" if self.actor else "TARGET",
            "additionalInfo": {"value": "{}", "type": "default"},
            "evidence": None,
            "eventFirstSeen": iso(self.at),
            "eventLastSeen": iso(last),
            "archived": False,
            "count": count,
        }
        if self.sample:
            service["additionalInfo"] = {
                "sample": True,
                "value": '{"sample":true}',
                "type": "default",
            }
        return {
            "schemaVersion": "2.0",
            "accountId": self.account.id,
            "region": self.region,
            "partition": "aws",
            "id": self.id,
            "arn": f"{home}/finding/{self.id}",
            "type": self.kind,
            "resource": self.resource,
            "service": service | (self.details or {}),
            "severity": self.severity,
            "createdAt": iso_milli(self.at + 240.5),
            "updatedAt": iso_milli(last + 240.5),
            "title": self.title,
            "description": self.description,
        }


def remote(address: str) -> Json:
    """remoteIpDetails, with the place that the demo's GeoIP database gives the address."""
    place = place_of(address)
    if place is None:
        raise ValueError(f"{address} has no place")
    return {
        "ipAddressV4": address,
        "organization": {
            "asn": str(place.asn),
            "asnOrg": place.owner,
            "isp": place.owner,
            "org": place.owner,
        },
        "country": {"countryName": place.country.name},
        "city": {"cityName": place.city},
        "geoLocation": {"lat": place.latitude, "lon": place.longitude},
    }


def api_call(service: str, name: str, address: str, error: str = "") -> Json:
    call: Json = {
        "api": name,
        "serviceName": f"{service}.amazonaws.com",
        "callerType": "Remote IP",
        "remoteIpDetails": remote(address),
        "affectedResources": {},
    }
    if error:
        call["errorCode"] = error
    return {"actionType": "AWS_API_CALL", "awsApiCallAction": call}


def connection(
    direction: str, address: str, remote_port: int, local_port: int, host: Host = TAKEN
) -> Json:
    names = {22: "SSH", 443: "HTTPS", 80: "HTTP", 3389: "RDP"}
    return {
        "actionType": "NETWORK_CONNECTION",
        "networkConnectionAction": {
            "connectionDirection": direction,
            "remoteIpDetails": remote(address),
            "remotePortDetails": {
                "port": remote_port,
                "portName": names.get(remote_port, "Unknown"),
            },
            "localPortDetails": {"port": local_port, "portName": names.get(local_port, "Unknown")},
            "localIpDetails": {"ipAddressV4": host.address},
            "protocol": "TCP",
            "blocked": False,
        },
    }


def dns_request(domain: str) -> Json:
    return {
        "actionType": "DNS_REQUEST",
        "dnsRequestAction": {"domain": domain, "protocol": "UDP", "blocked": False},
    }


def port_probe(address: str, ports: tuple[int, ...], host: Host) -> Json:
    names = {22: "SSH", 443: "HTTPS", 3389: "RDP"}
    return {
        "actionType": "PORT_PROBE",
        "portProbeAction": {
            "blocked": False,
            "portProbeDetails": [
                {
                    "localPortDetails": {"port": port, "portName": names.get(port, "Unknown")},
                    "localIpDetails": {"ipAddressV4": host.address},
                    "remoteIpDetails": remote(address),
                }
                for port in ports
            ],
        },
    }


def stolen_key() -> Json:
    """The access key of the stolen user, as the affected resource."""
    return access_key(
        STORY.stolen_access_key,
        STORY.stolen_user,
        "IAMUser",
        fixed_id("AIDA", f"{PRODUCTION.id} {STORY.stolen_user}"),
    )


def access_key(key: str, name: str, kind: str, principal: str) -> Json:
    return {
        "resourceType": "AccessKey",
        "accessKeyDetails": {
            "accessKeyId": key,
            "principalId": principal,
            "userType": kind,
            "userName": name,
        },
    }


def bucket_resource(name: str) -> Json:
    """A bucket with the stolen key that was used on it."""
    bucket = next(bucket for bucket in BUCKETS if bucket.name == name)
    return stolen_key() | {
        "resourceType": "S3Bucket",
        "s3BucketDetails": [
            {
                "arn": f"arn:aws:s3:::{name}",
                "name": name,
                "type": "Destination",
                "createdAt": 1690000000.0,
                "owner": {"id": bucket.account.canonical_user},
                "tags": [{"key": "data", "value": "customers"}],
                "defaultServerSideEncryption": {"encryptionType": "AES256"},
                "publicAccess": {"effectivePermission": "NOT_PUBLIC"},
            }
        ],
    }


def instance(host: Host) -> Json:
    """An instance with its network interface."""
    region, dashed = host.vpc.region, host.address.replace(".", "-")
    return {
        "resourceType": "Instance",
        "instanceDetails": {
            "instanceId": host.instance,
            "instanceType": "t3.medium",
            "launchTime": "2025-01-14T08:21:07.000Z",
            "platform": None,
            "productCodes": [],
            "iamInstanceProfile": {
                "arn": f"arn:aws:iam::{host.vpc.account.id}:instance-profile/halden-{host.role}",
                "id": fixed_id("AIPA", f"profile {host.role}"),
            },
            "networkInterfaces": [
                {
                    "networkInterfaceId": host.interface,
                    "privateIpAddress": host.address,
                    "privateIpAddresses": [{"privateIpAddress": host.address}],
                    "privateDnsName": f"ip-{dashed}.{region}.compute.internal",
                    "publicDnsName": "",
                    "publicIp": host.public,
                    "ipv6Addresses": [],
                    "subnetId": host.subnet,
                    "vpcId": host.vpc.id,
                    "securityGroups": [{"groupName": host.role, "groupId": STORY.security_group}],
                }
            ],
            "availabilityZone": f"{region}{'abc'[host.zone - 1]}",
            "imageId": "ami-0" + fixed_hex("image", 16),
            "imageDescription": "Amazon Linux 2023",
            "instanceState": "running",
            "outpostArn": None,
            "tags": [{"key": "Name", "value": host.name}],
        },
    }
