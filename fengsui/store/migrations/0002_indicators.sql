-- Indicators: one row each. A list's version is a digest of its content; a hunt names the version that it matches, so
-- another one is loaded beside it before the hunt changes over. Rows of a version that nothing names can be deleted.
-- A domain stands for itself and its subdomains: value is lower case, without a final dot, at most 12 labels.
-- An address is a network of prefix 128; IPv4 is mapped, so 10.0.0.0/8 has low ::ffff:a00:0 and prefix 104.
-- The sort key makes a look-up of a few values read a few granules, and a look-up of many one pass over the list.
CREATE TABLE IF NOT EXISTS indicator (
    `list` LowCardinality(String) COMMENT 'Name of the list that it came in',
    `version` UInt64 COMMENT 'Digest of the content of the list',
    `type` LowCardinality(String) COMMENT 'domain or network',
    `low` IPv6 COMMENT 'First address of a network; :: for other types',
    `prefix` UInt8 COMMENT 'Prefix length of a network among IPv6 addresses; 0 for other types',
    `value` String COMMENT 'As text: the domain, or the network',
    `line` UInt32 COMMENT 'Line of the file that it stood on',
    `loaded_at` DateTime64(6, 'UTC') COMMENT 'When the list was loaded'
) ENGINE = MergeTree
ORDER BY (list, version, type, low, prefix, value)
SETTINGS index_granularity = 1024
;
