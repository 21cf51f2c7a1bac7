-- A lower-case name cut into labels: its registered domain is the last two, or three where a country's domain has a
-- general second level (example.com.cn). Reverse and local names are not domains (``n`` is not above ``own`` there).
splitByChar('.', name) AS labels, if(endsWith(name, '.arpa') OR endsWith(name, '.local'), 0, length(labels)) AS n,
2 + (length(labels[n]) = 2 AND labels[n - 1] IN {second:Array(String)}) AS own,
arrayStringConcat(arraySlice(labels, -own), '.') AS domain
