"""The books of a connection: kept, fetched, audited and doubted."""
