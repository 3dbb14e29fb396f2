"""LinkedIn Ads: members or companies of a segment become a matched audience (DMP segment) of an ad account."""

from __future__ import annotations
