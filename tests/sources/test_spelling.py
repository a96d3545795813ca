"""Member names respelled as [native] declares them."""

from __future__ import annotations

import pyarrow as pa
import pytest

from lake.sources.catalogue import catalogue
from lake.sources.spelling import own_names, respelled


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('{"AccountId":"1"}', '{"accountId":"1"}'),
        ('{"accountId":"1"}', '{"accountId":"1"}'),
        ('{"UserName":"a","Username":"b"}', '{"userName":"a","username":"b"}'),
        # as declared, not only with a small first letter
        ('{"SourceIps":["a"]}', '{"sourceIPs":["a"]}'),
        ('{"LoginAttributes":[]}', '{"LoginAttributes":[]}'),
        # names that are not declared, in members that stay JSON
        ('{"SignalIndicators" : [{"Uid":1}]}', '{"signalIndicators" : [{"uid":1}]}'),
        # what has another name altogether, some of it in one place only
        ('{"Location":{"Latitude":1}}', '{"location":{"lat":1}}'),
        (
            '{"Id":{}, "Account":[{"Uid":{"Name":"x"},"Name":"y"},{"Name":"{"}],"Name":"z"}',
            '{"id":{}, "account":[{"uid":{"name":"x"},"account":"y"},{"account":"{"}],"name":"z"}',
        ),
        # a caller's own names
        ('{"Resource":{"AWS::IAM::Role":"R"}}', '{"resource":{"AWS::IAM::Role":"R"}}'),
        ('{"Behavior":{"USER":1}}', '{"behavior":{"USER":1}}'),
        # values, even those that look like names, and numbers
        ('{"Title":"\\"Id\\": x","Severity":1.10}', '{"title":"\\"Id\\": x","severity":1.10}'),
        ('{"Tags":["Id","Type"]}', '{"tags":["Id","Type"]}'),
    ],
)  # fmt: skip
def test_names_are_respelled_and_values_are_not(written: str, read: str) -> None:
    assert own_names(written, catalogue()["guardduty"]) == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('{"query-name":"a-b"}', '{"query_name":"a-b"}'),
        ('{"src-addr":"x", "src-port" : 1}', '{"srcaddr":"x", "srcport" : 1}'),
        (
            '{"resources":[{"instance-details":{}}]}',
            '{"event_resources":[{"instance_details":{}}]}',
        ),
        # what is not declared, and what is spelled as it should be
        ('{"more-of-it":"query-name"}', '{"more-of-it":"query-name"}'),
        ('{"query_name":1}', '{"query_name":1}'),
    ],
)
def test_hyphens_are_read_where_the_name_is_known(written: str, read: str) -> None:
    assert own_names(written, catalogue()["route53resolver"]) == read


def test_only_records_that_begin_with_a_capital_are_respelled() -> None:
    texts = pa.chunked_array([['{"id":"a","Type":"b"}'], ['{"Id":"a","Type":"b"}']])
    found = respelled(texts, catalogue()["guardduty"])
    assert found is not None
    assert found.to_pylist() == ['{"id":"a","Type":"b"}', '{"id":"a","type":"b"}']


def test_nothing_to_respell_costs_no_copy() -> None:
    assert respelled(pa.chunked_array([['{"id":"a"}']]), catalogue()["guardduty"]) is None
