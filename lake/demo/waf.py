"""AWS WAF logs of the shop's web ACL and of the site's global one, as S3 delivery writes them.

Format: https://docs.aws.amazon.com/waf/latest/developerguide/logging-fields.html. The regional log
holds every request to the load balancers; the global one is filtered to what was blocked or
counted, as many do to save space. Request ids are the load balancer's trace id and the CDN's
request id.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lake.demo.chance import LOWER, at_utc, fixed_hex, stream, text_id
from lake.demo.objects import DemoObject, deliveries, gzip_lines
from lake.demo.web_traffic import shop_requests, site_requests
from lake.demo.world import BALANCERS, DISTRIBUTION, PRODUCTION, SHOP_EU, SHOP_HOST, SHOP_US

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lake.demo.web import Request

_GROUPS = {
    "AWSManagedIPReputationList": "AWSManagedRulesAmazonIpReputationList",
    "GenericLFI_URIPATH": "AWSManagedRulesCommonRuleSet",
    "SignalNonBrowserUserAgent": "AWSManagedRulesBotControlRuleSet",
    "SQLi_QUERYARGUMENTS": "AWSManagedRulesSQLiRuleSet",
}
_LABELS = {
    "AWSManagedIPReputationList": "awswaf:managed:aws:amazon-ip-list:AWSManagedIPReputationList",
    "GenericLFI_URIPATH": "awswaf:managed:aws:core-rule-set:GenericLFI_URIPath",
    "SignalNonBrowserUserAgent": "awswaf:managed:aws:bot-control:signal:non_browser_user_agent",
    "SQLi_QUERYARGUMENTS": "awswaf:managed:aws:sql-database:SQLi_QueryArguments",
}
_ORDER = (
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesSQLiRuleSet",
    "AWSManagedRulesBotControlRuleSet",
)


def waf_objects(seed: int) -> Iterator[DemoObject]:
    """The objects of the two regional web ACLs and the global one."""
    shop = shop_requests(seed)
    american = [request for request in shop if request.host == SHOP_HOST]
    european = [request for request in shop if request.host != SHOP_HOST]
    site = [request for request in site_requests(seed) if request.rule or request.counted]
    yield from _acl(seed, american, SHOP_US.region, "halden-shop", BALANCERS["alb-us"])
    yield from _acl(seed, european, SHOP_EU.region, "halden-shop-eu", BALANCERS["alb-eu"])
    yield from _acl(seed, site, "cloudfront", "halden-site", "")


def _acl(
    seed: int, requests: list[Request], where: str, name: str, balancer: str
) -> Iterator[DemoObject]:
    rng = stream(seed, f"waf {name}")
    scope = f"{where}:{PRODUCTION.id}:regional" if balancer else f"us-east-1:{PRODUCTION.id}:global"
    number = fixed_hex(f"acl {name}", 12)
    arn = f"arn:aws:wafv2:{scope}/webacl/{name}/6d1f0c52-77aa-4e0b-b3c9-{number}"
    for end, batch in deliveries(requests, lambda request: request.at, 6):
        mark = at_utc(end - 300)
        tail = f"{PRODUCTION.id}_waflogs_{where}_{name}_{mark.strftime('%Y%m%dT%H%MZ')}"
        folder = f"AWSLogs/{PRODUCTION.id}/WAFLogs/{where}/{name}/{mark.strftime('%Y/%m/%d/%H/%M')}"
        lines = [
            json.dumps(_record(request, arn, balancer), separators=(",", ":")) for request in batch
        ]
        key = f"{folder}/{tail}_{text_id(rng, 8, LOWER)}.log.gz"
        yield gzip_lines(key, "waf", lines)


def _record(request: Request, arn: str, balancer: str) -> dict[str, Any]:
    rule, visitor = request.rule, request.visitor
    group = _GROUPS.get(rule)
    matched: list[dict[str, Any]] = []
    if rule == "SQLi_QUERYARGUMENTS":
        matched = [
            {
                "conditionType": "SQL_INJECTION",
                "sensitivityLevel": "LOW",
                "location": "ALL_QUERY_ARGS",
                "matchedData": ["1", "UNION", "SELECT"],
                "matchedFieldName": "q",
            }
        ]
    record: dict[str, Any] = {
        "timestamp": int(request.at * 1000),
        "formatVersion": 1,
        "webaclId": arn,
        "terminatingRuleId": f"AWS-{group}" if group else "Default_Action",
        "terminatingRuleType": "MANAGED_RULE_GROUP" if group else "REGULAR",
        "action": "BLOCK" if group else "ALLOW",
        "terminatingRuleMatchDetails": matched,
        "httpSourceName": "ALB" if balancer else "CF",
        "httpSourceId": f"{PRODUCTION.id}-{balancer}" if balancer else DISTRIBUTION,
        "ruleGroupList": _rule_groups(request, matched),
        "rateBasedRuleList": [],
        "nonTerminatingMatchingRules": [],
        "requestHeadersInserted": None,
        "responseCodeSent": None,
        "httpRequest": {
            "clientIp": visitor.address,
            "country": visitor.place.country.code,
            "headers": _headers(request, bool(balancer)),
            "uri": request.path,
            "args": request.query,
            "httpVersion": "HTTP/2.0" if visitor.http2 else "HTTP/1.1",
            "httpMethod": request.method,
            "requestId": request.trace if balancer else request.edge_id,
        },
    }
    labels = [_LABELS[name] for name in (request.counted, rule) if name]
    if labels:
        record["labels"] = [{"name": label} for label in labels]
    record["ja3Fingerprint"] = fixed_hex(f"ja3 {visitor.agent}", 32)
    return record


def _rule_groups(request: Request, matched: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rule groups in the order of the web ACL, up to the one that ended the evaluation."""
    groups = []
    for group in _ORDER:
        ended = _GROUPS.get(request.rule) == group
        counted = request.counted if _GROUPS.get(request.counted) == group else ""
        groups.append(
            {
                "ruleGroupId": f"AWS#{group}",
                "terminatingRule": {
                    "ruleId": request.rule,
                    "action": "BLOCK",
                    "ruleMatchDetails": matched or None,
                }
                if ended
                else None,
                "nonTerminatingMatchingRules": [
                    {"ruleId": counted, "action": "COUNT", "ruleMatchDetails": []}
                ]
                if counted
                else [],
                "excludedRules": None,
                "customerConfig": None,
            }
        )
        if ended:
            break
    return groups


def _headers(request: Request, http1_names: bool) -> list[dict[str, str]]:
    headers = {
        "Host" if http1_names and not request.visitor.http2 else "host": request.host,
        "user-agent": request.visitor.agent,
        "accept": "*/*" if request.content != "text/html" else "text/html,*/*;q=0.8",
        "accept-encoding": "gzip, deflate, br",
    }
    if request.referer != "-":
        headers["referer"] = request.referer
    if request.method in ("POST", "PUT"):
        headers["content-type"] = "application/json"
    return [{"name": name, "value": value} for name, value in headers.items()]
