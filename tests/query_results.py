"""Events as Athena, CloudTrail Lake and Logs Insights give them as results of a query, in CSV, in
answers and in what UNLOAD writes."""

from __future__ import annotations

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from logs import compact, event

ATHENA_IDENTITY = (
    "{type=IAMUser, principalid=null, arn=arn:aws:iam::111122223333:user/ana, "
    "accountid=111122223333, invokedby=null, accesskeyid=null, username=ana, sessioncontext=null}"
)


def as_athena(number: int) -> dict[str, str]:
    """An event of `logs.event` as `SELECT *` over a trail's table prints it."""
    one = event(number)
    return {
        "eventversion": "1.09",
        "useridentity": ATHENA_IDENTITY,
        "eventtime": one["eventTime"],
        "eventsource": one["eventSource"],
        "eventname": one["eventName"],
        "awsregion": "eu-west-1",
        "sourceipaddress": "198.51.100.7",
        "useragent": "",
        "errorcode": "",
        "errormessage": "",
        "requestparameters": json.dumps(one["requestParameters"]),
        "responseelements": "null",
        "requestid": "",
        "eventid": one["eventID"],
        "resources": "[{arn=arn:aws:s3:::b, accountid=111122223333, type=AWS::S3::Bucket}]",
        "eventtype": "AwsApiCall",
        "readonly": "true",
        "recipientaccountid": one["recipientAccountId"],
        "tlsdetails": "{tlsversion=TLSv1.3, ciphersuite=TLS_X, clientprovidedhostheader=h}",
    }


def as_lake(number: int) -> dict[str, str]:
    """The same as CloudTrail Lake prints it."""
    one = as_athena(number)
    time = one["eventtime"].replace("T", " ").replace("Z", ".000")
    return one | {"eventtime": time, "requestparameters": f"{{bucketName=bucket-{number}}}"}


def quoted_csv(rows: list[dict[str, str]]) -> bytes:
    """With every cell in quotes, as Athena writes."""
    lines = [list(rows[0]), *(list(row.values()) for row in rows)]
    cells = (['"' + cell.replace('"', '""') + '"' for cell in line] for line in lines)
    return "".join(",".join(line) + "\n" for line in cells).encode()


def answer(rows: list[dict[str, str]]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetQueryResults.html"""
    return {
        "QueryStatus": "FINISHED",
        "QueryStatistics": {"ResultsCount": len(rows), "BytesScanned": 1},
        "QueryResultRows": [[{name: cell} for name, cell in row.items()] for row in rows],
    }


def athena_answer(rows: list[dict[str, str]], *, page: int = 1) -> dict[str, Any]:
    """The first row of the first page has the names, and a cell that is null is empty.

    https://docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryResults.html
    """
    lines = [list(row.values()) for row in rows]
    if page == 1:
        lines.insert(0, list(rows[0]))
    data = [{"Data": [{"VarCharValue": cell} if cell else {} for cell in line]} for line in lines]
    columns = [{"CatalogName": "hive", "Name": name, "Type": "varchar"} for name in rows[0]]
    return {
        "UpdateCount": 0,
        "ResultSet": {"Rows": data, "ResultSetMetadata": {"ColumnInfo": columns}},
        "NextToken": "next",
    }


TABLES: dict[str, tuple[str, str]] = {
    "pandas, split": ("columns", "data"),
    "ES|QL": ("columns", "values"),
    "SQL of OpenSearch": ("schema", "datarows"),
    "Splunk": ("fields", "rows"),
    "Log Analytics": ("columns", "rows"),
    "ClickHouse": ("meta", "data"),
}
"""Who answers with rows without names: where the columns' names stand, and where the rows."""


def table_answer(rows: list[dict[str, Any]], who: str) -> dict[str, Any]:
    """Rows as one of TABLES answers with them.

    https://pandas.pydata.org/docs/reference/api/pandas.DataFrame.to_json.html
    https://docs.opensearch.org/latest/search-plugins/sql/response-formats/
    https://learn.microsoft.com/azure/azure-monitor/logs/api/response-format
    """
    columns, listed = TABLES[who]
    plain = who in ("pandas, split", "Splunk")
    table = {
        columns: [name if plain else {"name": name, "type": "string"} for name in rows[0]],
        listed: [list(row.values()) for row in rows],
    }
    return {"tables": [{"name": "PrimaryResult"} | table]} if who == "Log Analytics" else table


def fields_answer(rows: list[dict[str, str]]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetQueryResults.html"""
    return {
        "results": [[{"field": n, "value": v} for n, v in row.items()] for row in rows],
        "statistics": {"recordsMatched": len(rows)},
        "status": "Complete",
    }


def lowered(value: object) -> Any:  # noqa: ANN401
    """A record with the names of columns and of STRUCT members as Athena has them."""
    if isinstance(value, dict):
        return {name.lower(): lowered(inner) for name, inner in value.items()}
    return [lowered(one) for one in value] if isinstance(value, list) else value


def printed(value: object) -> str:
    """A value as Athena prints it into a CSV."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}={printed(inner)}' for name, inner in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(printed, value))}]"
    return "null" if value is None else str(value).lower() if value in (True, False) else str(value)


def selected(*records: dict[str, Any], form: str) -> bytes:
    """Rows of a table as the result of a SELECT (CSV) or of UNLOAD (JSON, Parquet)."""
    rows = lowered(list(records))
    if form == "CSV":
        cells = [{n: "" if v is None else printed(v) for n, v in row.items()} for row in rows]
        return quoted_csv(cells)
    if form == "JSON":
        return b"".join(compact(row) + b"\n" for row in rows)
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), file)
    return file.getvalue()
