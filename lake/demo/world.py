"""The made company: accounts, networks, machines, people, roles and buckets.

Halden sells outdoor gear. Its shop runs in the production account (Virginia, Frankfurt), its
warehouses in the logistics account (Tokyo). All of this is fixed: the seed only decides what
happens, not where. Ids are derived from names.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from lake.demo.chance import fixed_hex, fixed_id


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    name: str
    regions: tuple[str, ...]
    canonical_user: str  # S3's name for the account

    def __post_init__(self) -> None:
        if len(self.id) != 12 or not self.id.isdigit():
            raise ValueError(f"an account id has twelve digits: {self.id}")


def detector_id(account: Account, region: str) -> str:
    """GuardDuty's detector of an account in a region."""
    return fixed_hex(f"detector {account.id} {region}", 32)


PRODUCTION = Account(
    "111122223333",
    "production",
    ("us-east-1", "eu-central-1", "ap-northeast-1"),
    fixed_hex("production canonical user", 64),
)
LOGISTICS = Account(
    "012345678901",
    "logistics",
    ("ap-northeast-1", "us-east-1", "eu-central-1"),
    fixed_hex("logistics canonical user", 64),
)
ACCOUNTS = (PRODUCTION, LOGISTICS)


@dataclass(frozen=True, slots=True)
class Vpc:
    """A network; `custom` says that its flow logs have every field of version 5."""

    account: Account
    region: str
    cidr: ipaddress.IPv4Network
    custom: bool

    @property
    def id(self) -> str:
        return "vpc-0" + fixed_hex(f"vpc {self.account.id} {self.region}", 16)

    @property
    def flow_log(self) -> str:
        return "fl-0" + fixed_hex(f"flow log {self.id}", 16)

    def zone(self, number: int) -> str:
        """The id of an availability zone (use1-az1), which is the same in every account."""
        short = {"us-east-1": "use1", "eu-central-1": "euc1", "ap-northeast-1": "apne1"}
        return f"{short[self.region]}-az{number}"


SHOP_US = Vpc(PRODUCTION, "us-east-1", ipaddress.IPv4Network("10.10.0.0/16"), custom=True)
SHOP_EU = Vpc(PRODUCTION, "eu-central-1", ipaddress.IPv4Network("10.20.0.0/16"), custom=False)
DEPOT = Vpc(LOGISTICS, "ap-northeast-1", ipaddress.IPv4Network("10.30.0.0/16"), custom=False)
VPCS = (SHOP_US, SHOP_EU, DEPOT)


@dataclass(frozen=True, slots=True)
class Host:
    """A network interface with what stands behind it; load balancers have no instance."""

    name: str
    vpc: Vpc
    address: str
    zone: int
    role: str  # web, app, database, bastion, alb, nlb, nat
    public: str | None = None
    public6: str | None = None

    @property
    def interface(self) -> str:
        return "eni-0" + fixed_hex(f"interface {self.name}", 16)

    @property
    def instance(self) -> str | None:
        managed = self.role in ("alb", "nlb", "nat", "database")
        return None if managed else "i-0" + fixed_hex(f"instance {self.name}", 16)

    @property
    def subnet(self) -> str:
        return "subnet-0" + fixed_hex(f"subnet {self.vpc.id} {self.zone} {bool(self.public)}", 16)


def _hosts(vpc: Vpc, stem: str, public: str) -> tuple[Host, ...]:
    """The usual machines of a network: two load balancers, NAT, bastion, web, app, database."""
    first = str(vpc.cidr.network_address).rsplit(".", 2)[0]
    outside = public.rsplit(".", 1)[0]
    number = 16 + int(outside.split(".")[1])

    def host(name: str, net: int, last: int, zone: int, role: str, eip: int = 0) -> Host:
        return Host(
            f"{stem}-{name}",
            vpc,
            f"{first}.{net}.{last}",
            zone,
            role,
            f"{outside}.{eip}" if eip else None,
            f"3ffe:b000:{number:x}:{zone}::{eip:x}" if role == "alb" else None,
        )

    return (
        host("alb-1", 0, 21, 1, "alb", 21),
        host("alb-2", 1, 22, 2, "alb", 22),
        host("nlb-1", 0, 31, 1, "nlb", 31),
        host("nat-1", 0, 11, 1, "nat", 11),
        host("bastion", 0, 5, 1, "bastion", 5),
        host("web-1", 10, 101, 1, "web"),
        host("web-2", 11, 102, 2, "web"),
        host("web-3", 10, 103, 1, "web"),
        host("app-1", 20, 111, 1, "app"),
        host("app-2", 21, 112, 2, "app"),
        host("db-1", 30, 121, 1, "database"),
    )


HOSTS = {
    SHOP_US.id: _hosts(SHOP_US, "us", "33.20.14.0"),
    SHOP_EU.id: _hosts(SHOP_EU, "eu", "33.21.27.0"),
    DEPOT.id: _hosts(DEPOT, "depot", "33.22.40.0"),
}


def hosts_of(vpc: Vpc, *roles: str) -> list[Host]:
    """The hosts of a network, or those of the named roles."""
    return [host for host in HOSTS[vpc.id] if not roles or host.role in roles]


def host_named(name: str) -> Host:
    return next(host for hosts in HOSTS.values() for host in hosts if host.name == name)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket; `audited` ones have their object calls in CloudTrail too."""

    name: str
    account: Account
    region: str
    audited: bool = False

    @property
    def endpoint(self) -> str:
        return f"{self.name}.s3.{self.region}.amazonaws.com"


ASSETS = Bucket("halden-shop-assets", PRODUCTION, "us-east-1")
EXPORTS = Bucket("halden-customer-exports", PRODUCTION, "us-east-1", audited=True)
BUILDS = Bucket("halden-build-artifacts", PRODUCTION, "eu-central-1")
MANIFESTS = Bucket("halden-depot-manifests", LOGISTICS, "ap-northeast-1", audited=True)
BUCKETS = (ASSETS, EXPORTS, BUILDS, MANIFESTS)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works for Halden; `kind` says how they sign in: iam, sso or saml."""

    name: str
    account: Account
    kind: str
    address: str
    agent: str
    utc_offset: int
    uses_mfa: bool = True

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account.id}:user/{self.name}"

    @property
    def key(self) -> str:
        return fixed_id("AKIA", f"key of {self.name}", 9) + "EXAMPLE"


_CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/133.0.0.0 Safari/537.36"
)
_FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:135.0) Gecko/20100101 Firefox/135.0"
_SAFARI = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.3 Safari/605.1.15"
)

ALICE = Person("alice.meyer", PRODUCTION, "sso", "33.10.1.17", _FIREFOX, 1)
KENJI = Person("kenji.sato", LOGISTICS, "iam", "33.10.2.23", _SAFARI, 9)
MARIA = Person("maria.lopez", PRODUCTION, "iam", "29.90.4.61", _CHROME, 1, uses_mfa=False)
TOM = Person("tom.becker", PRODUCTION, "saml", "33.10.1.44", _CHROME, 1)
YUKI = Person("yuki.mori", LOGISTICS, "iam", "33.10.2.31", _CHROME, 9)
PEOPLE = (ALICE, KENJI, MARIA, TOM, YUKI)

DEPLOYER = Person(  # a user of programs: its key lies on the build machine
    "ci-deployer",
    PRODUCTION,
    "iam",
    "33.10.1.90",
    "aws-cli/2.24.10 md/awscrt#0.23.8 ua/2.0 os/linux#6.8.0-54-generic md/arch#x86_64 "
    "lang/python#3.12.9 md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe "
    "md/prompt#off md/command#s3.sync",
    1,
    uses_mfa=False,
)

BALANCERS = {
    "alb-us": "app/halden-shop/" + fixed_hex("alb us", 16),
    "alb-eu": "app/halden-shop-eu/" + fixed_hex("alb eu", 16),
    "nlb": "net/halden-depot-feed/" + fixed_hex("nlb depot", 16),
    "clb": "halden-legacy",
}
DISTRIBUTION = "E2HALDENDEMO01"
EDGE_HOST = "d2haldendemo01.cloudfront.net"
WEB_HOST, SHOP_HOST, SHOP_EU_HOST = (
    "www.halden.example",
    "shop.halden.example",
    "eu.shop.halden.example",
)
TRANSIT_GATEWAY = "tgw-0" + fixed_hex("transit gateway", 16)
