"""Meta Ads: hashed members of a segment become a custom audience for Facebook and Instagram."""
