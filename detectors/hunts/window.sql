-- Rows of one organisation's network in [start, end) of event time; rows with a clock that runs ahead are left out.
org = {org:String} AND network = {network:String}
AND ts >= fromUnixTimestamp64Micro({start:Int64}, 'UTC') AND ts < fromUnixTimestamp64Micro({end:Int64}, 'UTC')
AND NOT clock_ahead
