"""The service that keeps one exchange live: connections, books, publishing."""
