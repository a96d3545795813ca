"""AWS WAF web ACL logs, version 2.

https://docs.aws.amazon.com/waf/latest/developerguide/logging-fields.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.made.balancer import HOST, METHODS, PAGES, VISITORS
from bench.made.chance import AGENTS, addresses, hexes, moments, numbers, skewed, weighted
from bench.made.place import compact

if TYPE_CHECKING:
    from bench.made.chance import Stream
    from bench.made.place import Place

ACTIONS = {"ALLOW": 80.0, "BLOCK": 18.0, "COUNT": 2.0}
RULES = {"CommonRuleSet": 60.0, "SQLiRuleSet": 25.0, "KnownBadInputsRuleSet": 15.0}
COUNTRIES = {"US": 45.0, "DE": 20.0, "GB": 15.0, "JP": 12.0, "BR": 8.0}
GROUPS = ("AmazonIpReputationList", *RULES)


def inspections(rng: Stream, place: Place, count: int) -> list[str]:
    """Lines of JSON; the visitors are those of the load balancer."""
    arn = (
        f"arn:aws:wafv2:{place.region}:{place.account}:regional/webacl/bench/"
        "6f1b0c88-24d1-4f5c-a6a7-3f1f8f0d2b11"
    )
    balancer = f"{place.account}-app/bench/50dc6c495c0c9188"
    columns = zip(
        *(moments(rng, place.begin, place.seconds, count), weighted(rng, ACTIONS, count)),
        *(weighted(rng, RULES, count),),
        *(skewed(rng, addresses(place.seed, "alb", VISITORS), count),),
        *(weighted(rng, COUNTRIES, count), weighted(rng, METHODS, count)),
        *(skewed(rng, range(PAGES), count), numbers(rng, 0, 9_999, count)),
        *(skewed(rng, AGENTS, count), hexes(rng, 24, count), hexes(rng, 64, count)),
        strict=True,
    )
    lines = []
    for at, action, rule, visitor, country, method, page, item, agent, trace, cookie in columns:
        blocked = action == "BLOCK"
        groups = _groups(rule if blocked else None)
        record = {
            "timestamp": int(at * 1000),
            "formatVersion": 1,
            "webaclId": arn,
            "terminatingRuleId": f"AWS-AWSManagedRules{rule}" if blocked else "Default_Action",
            "terminatingRuleType": "MANAGED_RULE_GROUP" if blocked else "REGULAR",
            "action": "BLOCK" if blocked else "ALLOW",
            "terminatingRuleMatchDetails": [],
            "httpSourceName": "ALB",
            "httpSourceId": balancer,
            "ruleGroupList": groups,
            "rateBasedRuleList": [],
            "nonTerminatingMatchingRules": [_counted()] if action == "COUNT" else [],
            "requestHeadersInserted": None,
            "responseCodeSent": None,
            "httpRequest": {
                "clientIp": visitor,
                "country": country,
                "headers": [
                    {"name": "Host", "value": HOST},
                    {"name": "User-Agent", "value": agent},
                    {"name": "Accept", "value": "text/html,application/xhtml+xml,*/*;q=0.8"},
                    {"name": "Accept-Encoding", "value": "gzip, deflate, br"},
                    {"name": "Referer", "value": f"https://{HOST}/"},
                    {"name": "Cookie", "value": f"session={cookie}"},
                ],
                "uri": f"/catalogue/{page}",
                "args": f"item={item}",
                "httpVersion": "HTTP/2.0",
                "httpMethod": method,
                "requestId": f"1-{int(at):08x}-{trace}",
            },
        }
        if blocked:
            record["labels"] = [{"name": f"awswaf:managed:aws:{rule}:Matched"}]
        lines.append(compact(record))
    return lines


def _groups(ended: str | None) -> list[dict[str, Any]]:
    """The rule groups that were asked, up to the one that ended the evaluation."""
    asked = GROUPS[: GROUPS.index(ended) + 1] if ended else GROUPS
    return [
        {
            "ruleGroupId": f"AWS#AWSManagedRules{name}",
            "terminatingRule": {
                "ruleId": f"{name}_BODY",
                "action": "BLOCK",
                "ruleMatchDetails": None,
            }
            if name == ended
            else None,
            "nonTerminatingMatchingRules": [],
            "excludedRules": None,
            "customerConfig": None,
        }
        for name in asked
    ]


def _counted() -> dict[str, Any]:
    return {"ruleId": "watch", "action": "COUNT", "ruleMatchDetails": []}
