"""Google Ads, customer match through the Data Manager API."""
