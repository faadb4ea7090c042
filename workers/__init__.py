"""The long-lived processes and the pure rooms under them; ARCHITECTURE.md has the map."""
