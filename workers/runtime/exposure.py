"""Serves a service's counters to Prometheus, where the settings give it a port."""

from config.settings import TelemetrySettings
from workers.runtime.service import Service
from workers.telemetry.exporter import serve
from workers.telemetry.metrics import Counters


def expose(service: Service, settings: TelemetrySettings) -> None:
    """Start the service's metrics page; nothing without a port or without counters."""
    port = settings.ports.get(service.name)
    counters = getattr(service, "counters", None)
    if port is not None and isinstance(counters, Counters):
        serve(counters, service.name, settings.address, port)
