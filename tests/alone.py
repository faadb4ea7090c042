"""Settings that leave one exchange enabled: most tests need one collector, not five."""

from config.exchanges import EXCHANGES_AVAILABLE

BINANCE_SPOT_ALONE = {
    f"MARKETPRISM_EXCHANGES__{name.upper()}__ENABLED": "false"
    for name in EXCHANGES_AVAILABLE
    if name != "binance_spot"
}
