"""Settings with one exchange alone."""

from config.exchanges import EXCHANGES_AVAILABLE

SPOT = {
    f"MARKETPRISM_EXCHANGES__{name.upper()}__ENABLED": str(name == "binance_spot")
    for name in EXCHANGES_AVAILABLE
}
