"""How many examples property tests try: 300, or 10,000 with `--hypothesis-profile=nightly`."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "normal", max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("nightly", settings.get_profile("normal"), max_examples=10_000)
settings.load_profile("normal")
