-- Long enough for a try, too short for a session.
(orig_bytes BETWEEN {bytes_low:UInt64} AND {bytes_high:UInt64} AND seconds <= {seconds:Float64})
