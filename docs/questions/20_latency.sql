-- How long does the shop take to answer, by path? Seconds of the targets, the median and the slow end.
SELECT url.path, count(*) AS requests,
       round(quantile_cont(native.target_processing_time, 0.5), 3) AS p50,
       round(quantile_cont(native.target_processing_time, 0.95), 3) AS p95,
       round(quantile_cont(native.target_processing_time, 0.99), 3) AS p99
FROM alb
WHERE native.target_processing_time >= 0
GROUP BY ALL
HAVING requests >= 100
ORDER BY p99 DESC, 1
