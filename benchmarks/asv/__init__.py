"""Benchmarks that asv runs from commit to commit."""
