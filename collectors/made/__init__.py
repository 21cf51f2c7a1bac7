"""Made traffic of made organisations: for the demonstration and for tests that know the truth."""

from collectors.made.organisations import Organisation
from collectors.made.planted import Planted
from collectors.made.province import Province, make_province

__all__ = ["Organisation", "Planted", "Province", "make_province"]
