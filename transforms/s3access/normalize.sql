-- S3 server access logs, 17 fields (2006) to 27 and more.
-- https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
-- The region is the bucket's, from the access point or the endpoint; source_region is where the
-- request came from. The account is not in the log: an access point or a requester may be another's.
-- Keys are percent-encoded twice; file.path is the key itself, native.Key as logged.
-- What S3 does itself (S3.EXPIRE.OBJECT) has neither address nor status.
-- Each step below is a SELECT of its own, since DuckDB computes an alias anew wherever a CASE uses it.
WITH cells AS (
  -- a table of Athena has the time without brackets and, of text in quotes, the quotes too; Wazuh has the former
  SELECT * REPLACE (
    CASE WHEN bare IS NULL THEN "time" ELSE '[' || split_part(bare, ' ', 1) END AS "time",
    CASE WHEN bare IS NULL THEN zone ELSE split_part(bare, ' ', 2) || ']' END AS zone,
    CASE WHEN requesturi_key IS NOT NULL THEN concat_ws(' ', requesturi_operation, requesturi_key, requesturi_httpprotoversion)
         WHEN requestdatetime IS NULL THEN request_uri ELSE unquoted(request_uri) END AS request_uri,
    CASE WHEN requestdatetime IS NULL THEN referrer ELSE unquoted(referrer) END AS referrer,
    CASE WHEN requestdatetime IS NULL THEN user_agent ELSE unquoted(user_agent) END AS user_agent)
  FROM (SELECT *, CASE WHEN zone IS NULL THEN coalesce(requestdatetime, CASE WHEN contains("time", '/') THEN "time" END) END AS bare FROM records)
), words AS (
  SELECT *,
    CASE WHEN zone IS NOT NULL THEN try_strptime("time" || zone, '[%d/%b/%Y:%H:%M:%S%z]') ELSE TRY_CAST("time" AS TIMESTAMPTZ) END AS received,
    TRY_CAST(http_status AS INTEGER)                     AS status,
    TRY_CAST(bytes_sent AS BIGINT)                       AS sent,
    split_part(operation, '.', 2)                        AS verb,
    split_part(operation, '.', 3)                        AS subject,
    -- "method target version"; the target may hold blanks
    strpos(request_uri, ' ')                             AS first_blank,
    last_word(request_uri)                               AS last_word,
    CASE WHEN zone IS NOT NULL THEN percent_text("key") ELSE "key" END AS decoded_once,
    length(requester) = 64 AND regexp_full_match(requester, '[0-9a-f]{64}') AS canonical,
    CASE WHEN starts_with(requester, 'arn:') THEN string_split(split_part(requester, ':', 6), '/') END AS principal,
    regexp_extract(host_header, '[.-]([a-z]{2,3}(?:-[a-z]+)+-\d)\.(?:vpce\.)?amazonaws\.com', 1) AS host_region,
    host_of(host_header)                                 AS host
  FROM cells
), deeds AS (
  SELECT *,
    CASE WHEN status >= 400 OR (status IS NULL AND error_code IS NOT NULL) THEN 'failure'
         WHEN status BETWEEN 100 AND 399 THEN 'success' ELSE 'unknown' END AS outcome,
    -- REST.<verb>.<subject>; SOAP.<verb>, until 2021
    CASE WHEN verb IN ('GET', 'HEAD', 'OPTIONS', 'SELECT', 'COMPUTE') OR subject IN ('OBJECT_GET', 'PART_GET') THEN 'access'
         WHEN verb IN ('DELETE', 'EXPIRE', 'DeleteObject', 'DeleteBucket') OR subject IN ('MULTI_OBJECT_DELETE', 'DELETEMARKER') THEN 'deletion'
         WHEN verb IN ('PUT', 'POST', 'COPY', 'CREATE') AND subject IN ('OBJECT', 'PART', 'UPLOAD', 'UPLOADS', 'BUCKET') THEN 'creation'
         WHEN verb IN ('PutObject', 'PutObjectInline', 'CopyObject', 'CreateBucket') THEN 'creation'
         WHEN subject <> '' OR verb LIKE 'Set%' THEN 'change' ELSE 'access' END AS deed,
    CASE WHEN request_uri = '-' OR starts_with(request_uri, '- ') THEN NULL
         WHEN first_blank > 0 THEN left(request_uri, first_blank - 1) ELSE request_uri END AS method,
    starts_with(last_word, 'HTTP/')                      AS versioned,
    CASE WHEN first_blank = 0 THEN ''
         WHEN versioned THEN substr(request_uri, first_blank + 1, greatest(length(request_uri) - first_blank - length(last_word) - 1, 0))
         ELSE substr(request_uri, first_blank + 1) END   AS target,
    CASE WHEN zone IS NOT NULL AND contains("key", '%') THEN percent_text(decoded_once) ELSE decoded_once END AS path
  FROM words
), marks AS (
  SELECT *, strpos(target, '?') AS mark FROM deeds
), parsed AS (
  SELECT *,
    CASE WHEN mark = 1 OR target = '' THEN NULL WHEN mark > 0 THEN left(target, mark - 1) ELSE target END AS url_path
  FROM marks
)
SELECT
  record,
  received                                               AS "@timestamp",

  -- event
  'event'                                                AS "event.kind",
  CASE WHEN "key" IS NULL THEN ['web'] ELSE ['file', 'web'] END AS "event.category",
  CASE WHEN status IN (401, 403) THEN [deed, 'denied'] WHEN outcome = 'failure' THEN [deed, 'error'] ELSE [deed] END AS "event.type",
  operation                                              AS "event.action",
  outcome                                                AS "event.outcome",
  request_id                                             AS "event.id",
  TRY(TRY_CAST(total_time AS BIGINT) * 1000000)          AS "event.duration",
  error_code                                             AS "event.reason",

  -- cloud
  coalesce(nullif(split_part(access_point_arn, ':', 4), ''),
           nullif(host_region, ''))                      AS "cloud.region",

  -- source, destination
  remote_ip                                              AS "source.address",
  remote_ip                                              AS "source.ip",
  host_header                                            AS "destination.address",
  host                                                   AS "destination.domain",

  -- user
  nullif(requester, 'Anonymous')                         AS "user.id",
  CASE WHEN principal IS NOT NULL THEN principal[-1] WHEN starts_with(requester, 'svc:') THEN substr(requester, 5)
       WHEN NOT canonical THEN nullif(requester, 'Anonymous') END AS "user.name",
  -- S3 itself and an identity of CloudFront are services too
  CASE WHEN starts_with(requester, 'svc:') OR requester IN ('AmazonS3', 's3.amazonaws.com')
         OR contains(requester, ':iam::cloudfront:') THEN 'AWSService'
       ELSE CASE principal[1] WHEN 'user' THEN 'IAMUser' WHEN 'assumed-role' THEN 'AssumedRole'
              WHEN 'federated-user' THEN 'FederatedUser' WHEN 'root' THEN 'Root' END END AS "user.type",
  -- a presigned URL tells whose key signed it (X-Amz-Credential of version 4, AWSAccessKeyId of version 2)
  CASE WHEN mark > 0 AND authentication_type IS DISTINCT FROM 'AuthHeader' THEN
    nullif(regexp_extract(target, '[?&](?:X-Amz-Credential|AWSAccessKeyId)=(\w{16,128})', 1), '') END AS "user.access_key.id",
  CASE WHEN principal[1] = 'assumed-role' THEN [principal[2]] END AS "user.roles",
  CASE WHEN principal[1] IN ('assumed-role', 'federated-user') THEN principal[-1] END AS "user.session.name",

  -- related
  CASE WHEN canonical THEN [requester] END               AS "related.user",
  [bucket]                                               AS "related.buckets",

  -- http
  request_id                                             AS "http.request.id",
  method                                                 AS "http.request.method",
  referrer                                               AS "http.request.referrer",
  CASE WHEN versioned THEN substr(last_word, 6) END      AS "http.version",
  status                                                 AS "http.response.status_code",
  sent                                                   AS "http.response.bytes",
  sent                                                   AS "http.response.body.bytes",

  -- url
  CASE WHEN host_header IS NULL OR method IS NULL THEN NULL WHEN cipher_suite IS NOT NULL OR tls_version IS NOT NULL THEN 'https' ELSE 'http' END AS "url.scheme",
  host                                                   AS "url.domain",
  port_of(host_header)                                   AS "url.port",
  nullif(target, '')                                     AS "url.original",
  url_path                                               AS "url.path",
  path_extension(url_path)                               AS "url.extension",
  CASE WHEN mark > 0 THEN nullif(substr(target, mark + 1), '') END AS "url.query",
  user_agent                                             AS "user_agent.original",

  -- file
  path                                                   AS "file.path",
  nullif(split_part(path, '/', -1), '')                  AS "file.name",
  path_extension('/' || path)                            AS "file.extension",
  TRY_CAST(object_size AS BIGINT)                        AS "file.size",

  -- tls
  cipher_suite                                           AS "tls.cipher",
  tls_version(tls_version)                               AS "tls.version",
  tls_name(tls_version)                                  AS "tls.version_protocol",
  CASE WHEN cipher_suite IS NOT NULL OR tls_version IS NOT NULL THEN true END AS "tls.established",

  -- error
  error_code                                             AS "error.code",

  -- native
  bucket_owner                                           AS "native.BucketOwner",
  bucket                                                 AS "native.Bucket",
  "key"                                                  AS "native.Key",
  TRY_CAST(turn_around_time AS BIGINT)                   AS "native.TurnAroundTime",
  version_id                                             AS "native.VersionId",
  host_id                                                AS "native.HostId",
  signature_version                                      AS "native.SigV",
  authentication_type                                    AS "native.AuthType",
  tls_version                                            AS "native.TLSVersion",
  access_point_arn                                       AS "native.S3AccessPointARN",
  acl_required                                           AS "native.AclRequired",
  source_region                                          AS "native.SourceRegion"
FROM parsed
