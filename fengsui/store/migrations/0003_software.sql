CREATE TABLE IF NOT EXISTS release (
    `event_id` FixedString(16) COMMENT 'Identity of the event; the same for a replay of the same capture or log',
    `ts` DateTime64(6, 'UTC') COMMENT 'When it happened',
    `read_at` DateTime64(6, 'UTC') COMMENT 'When its message was cut; one value in a message',
    `org` LowCardinality(String) COMMENT 'Organisation that owns the sensor',
    `network` LowCardinality(String) COMMENT 'Address space: 10.0.0.5 exists in every organisation',
    `sensor` LowCardinality(String) COMMENT 'Name of the sensor',
    `origin` String COMMENT 'The capture (SHA-256), log (hash of its first data line) or feed that it came from',
    `source` LowCardinality(String) COMMENT 'pcap, live, zeek, eve, netflow, syslog, feed or submission',
    `truncated` Bool COMMENT 'A field was cut at its cap',
    `clock_ahead` Bool COMMENT 'ts is more than an hour ahead of read_at; left out of windows',
    `ecosystem` LowCardinality(String) COMMENT 'As in package URLs: pypi, npm',
    `name` String COMMENT 'Name of the package as its registry writes it',
    `version` String COMMENT 'Version; empty where the package as a whole is meant',
    `purl` String COMMENT 'Package URL',
    `action` LowCardinality(String) COMMENT 'released, yanked, removed; gap: the change stream lacks something, told in the summary',
    `detailed` Bool COMMENT 'Its details were asked for; the columns below are absent otherwise',
    `published_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'When this version was published',
    `first` Bool COMMENT 'The first version of this package',
    `age_days` Nullable(Float64) COMMENT 'Days from the package\'s first version to this one',
    `uploader` String COMMENT 'Who published it, where the registry says so',
    `new_uploader` Bool COMMENT 'Nobody of that name had published an earlier version',
    `maintainers` Array(String) COMMENT 'Who may publish',
    `size` Nullable(UInt64) COMMENT 'Bytes of its first file',
    `sha256` String COMMENT 'SHA-256 of its first file, where the registry says so',
    `summary` String COMMENT 'What it says that it is',
    `repository` String COMMENT 'Where it says that its source is',
    `install_hooks` Array(String) COMMENT 'What runs when it is installed, as hook: command',
    `new_hooks` Bool COMMENT 'It runs something when it is installed that the version before did not',
    `topic` LowCardinality(String) COMMENT 'Topic of the message, and the bus\'s identity after an @',
    `partition` UInt32 COMMENT 'Partition of the message',
    `offset` UInt64 COMMENT 'Offset of the message',
    INDEX by_offset `offset` TYPE minmax GRANULARITY 1,
    INDEX by_ts ts TYPE minmax GRANULARITY 1
) ENGINE = MergeTree
PARTITION BY toDate(read_at)
ORDER BY (org, network, ts)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1,
    min_bytes_for_wide_part = 100000000;

CREATE TABLE IF NOT EXISTS artifact (
    `event_id` FixedString(16) COMMENT 'Identity of the event; the same for a replay of the same capture or log',
    `ts` DateTime64(6, 'UTC') COMMENT 'When it happened',
    `read_at` DateTime64(6, 'UTC') COMMENT 'When its message was cut; one value in a message',
    `org` LowCardinality(String) COMMENT 'Organisation that owns the sensor',
    `network` LowCardinality(String) COMMENT 'Address space: 10.0.0.5 exists in every organisation',
    `sensor` LowCardinality(String) COMMENT 'Name of the sensor',
    `origin` String COMMENT 'The capture (SHA-256), log (hash of its first data line) or feed that it came from',
    `source` LowCardinality(String) COMMENT 'pcap, live, zeek, eve, netflow, syslog, feed or submission',
    `truncated` Bool COMMENT 'A field was cut at its cap',
    `clock_ahead` Bool COMMENT 'ts is more than an hour ahead of read_at; left out of windows',
    `submission` String COMMENT 'The submission that it lies in',
    `sha256` String COMMENT 'SHA-256 of its content',
    `parent_sha256` String COMMENT 'SHA-256 of what holds it; empty for what was submitted itself',
    `path` String COMMENT 'Path from what was submitted, as outer!/inner',
    `format` LowCardinality(String) COMMENT 'Format by content',
    `size` UInt64 COMMENT 'Bytes',
    `entropy` Float64 COMMENT 'Bits a byte',
    `depth` UInt16 COMMENT 'How deeply it lies in archives',
    `topic` LowCardinality(String) COMMENT 'Topic of the message, and the bus\'s identity after an @',
    `partition` UInt32 COMMENT 'Partition of the message',
    `offset` UInt64 COMMENT 'Offset of the message',
    INDEX by_offset `offset` TYPE minmax GRANULARITY 1,
    INDEX by_ts ts TYPE minmax GRANULARITY 1
) ENGINE = MergeTree
PARTITION BY toDate(read_at)
ORDER BY (org, network, ts)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1,
    min_bytes_for_wide_part = 100000000;

CREATE TABLE IF NOT EXISTS scan (
    `event_id` FixedString(16) COMMENT 'Identity of the event; the same for a replay of the same capture or log',
    `ts` DateTime64(6, 'UTC') COMMENT 'When it happened',
    `read_at` DateTime64(6, 'UTC') COMMENT 'When its message was cut; one value in a message',
    `org` LowCardinality(String) COMMENT 'Organisation that owns the sensor',
    `network` LowCardinality(String) COMMENT 'Address space: 10.0.0.5 exists in every organisation',
    `sensor` LowCardinality(String) COMMENT 'Name of the sensor',
    `origin` String COMMENT 'The capture (SHA-256), log (hash of its first data line) or feed that it came from',
    `source` LowCardinality(String) COMMENT 'pcap, live, zeek, eve, netflow, syslog, feed or submission',
    `truncated` Bool COMMENT 'A field was cut at its cap',
    `clock_ahead` Bool COMMENT 'ts is more than an hour ahead of read_at; left out of windows',
    `submission` String COMMENT 'The submission',
    `sha256` String COMMENT 'SHA-256 of what was submitted',
    `name` String COMMENT 'Its name when it was submitted',
    `purl` String COMMENT 'The package that it says it is',
    `analysis` LowCardinality(String) COMMENT 'Rules, analyses and model that the verdict is of',
    `verdict` LowCardinality(String) COMMENT 'malicious, suspicious, incomplete or clean',
    `probability` Float64 COMMENT 'Of malice',
    `limits` Array(String) COMMENT 'What was not looked at',
    `reasons` Array(String) COMMENT 'Rules behind it, the heaviest first',
    `bytes_out` UInt64 COMMENT 'Bytes that decompressors gave',
    `files` UInt64 COMMENT 'Members that were met',
    `seconds` Float64 COMMENT 'Seconds that the worker needed',
    `signature` Array(UInt64) COMMENT 'MinHash of its code; equal places tell how much two resemble each other',
    `topic` LowCardinality(String) COMMENT 'Topic of the message, and the bus\'s identity after an @',
    `partition` UInt32 COMMENT 'Partition of the message',
    `offset` UInt64 COMMENT 'Offset of the message',
    INDEX by_offset `offset` TYPE minmax GRANULARITY 1,
    INDEX by_ts ts TYPE minmax GRANULARITY 1
) ENGINE = MergeTree
PARTITION BY toDate(read_at)
ORDER BY (org, network, ts)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1,
    min_bytes_for_wide_part = 100000000;
