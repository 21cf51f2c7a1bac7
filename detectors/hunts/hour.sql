-- The start of a row's hour, in microseconds.
(intDiv(toUnixTimestamp64Micro(ts), 3600000000) * 3600000000)
