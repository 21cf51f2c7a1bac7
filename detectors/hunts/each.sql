-- The numbers of the windows that hold an hour. They are neighbours, because windows ascend.
range({lows:Array(UInt32)}[intDiv(hour - {start:Int64}, 3600000000) + 1], {highs:Array(UInt32)}[intDiv(hour - {start:Int64}, 3600000000) + 1])
