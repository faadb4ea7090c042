"""One connection to an exchange: its thread, its sessions, its streams, what comes of a frame."""
