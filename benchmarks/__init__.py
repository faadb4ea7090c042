"""Side-by-side measurements; never run by the tests. `make bench` runs them all."""
