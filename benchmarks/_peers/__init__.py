"""Parts of `benchmarks.peers`: the same messages through several systems, each in a process.

tapes.py, serve.py, floor.py, by_cryptofeed.py and by_ccxt.py run in the peers' own environment:
they import nothing of MarketPrism and nothing that is not in requirements.txt.
"""
