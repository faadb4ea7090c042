"""An exchange on localhost: true order books, the exchange's own dialect, faults on request."""
