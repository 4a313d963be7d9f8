"""Settings that all tests share."""

from hypothesis import HealthCheck, settings

# derandomize: a run is the same on every machine; no deadline: machines differ in speed.
settings.register_profile(
    "same-everywhere",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("same-everywhere")
