"""What is collected, by which shard, on which connections, and how that changes at run time."""
