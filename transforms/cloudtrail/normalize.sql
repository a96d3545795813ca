-- CloudTrail events.
-- https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
SELECT
  record,
  TRY_CAST(r.eventTime AS TIMESTAMPTZ)                  AS "@timestamp",
  concat_ws(chr(31), r.eventID, r.eventTime, r.eventSource, r.eventName, r.recipientAccountId) AS identity,
  'event'                                              AS "event.kind",
  r.eventName                                          AS "event.action",
  r.eventID                                            AS "event.id",
  r.eventSource                                        AS "event.module",
  CASE WHEN r.errorCode IS NOT NULL OR r.errorMessage IS NOT NULL THEN 'failure' ELSE 'success' END AS "event.outcome",
  r.recipientAccountId                                 AS "cloud.account.id",
  r.awsRegion                                          AS "cloud.region",
  r.sourceIPAddress                                    AS "source.address",
  r.sourceIPAddress                                    AS "source.ip",
  r.userAgent                                          AS "user_agent.original",
  r.userIdentity.userName                              AS "user.name",
  r.errorCode                                          AS "error.code",
  r.errorMessage                                       AS "error.message"
FROM records
