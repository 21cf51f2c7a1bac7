"""Advisories on software: versions in order, ranges, and what they say of what somebody runs."""
