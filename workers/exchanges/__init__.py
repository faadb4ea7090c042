"""The exchanges: what each declares, and `normalize`, one raw frame to events."""

from workers.exchanges.normalize import normalize

__all__ = ["normalize"]
