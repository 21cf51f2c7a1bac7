-- Rows of several organisations' networks in [start, end) of event time; rows with a clock that runs ahead are left out.
org IN {orgs:Array(String)} AND concat(org, '/', network) IN {sites:Array(String)}
AND ts >= fromUnixTimestamp64Micro({start:Int64}, 'UTC') AND ts < fromUnixTimestamp64Micro({end:Int64}, 'UTC')
AND NOT clock_ahead
