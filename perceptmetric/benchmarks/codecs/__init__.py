"""Image codecs at many qualities: how many bits they take, and how far they are by each metric."""
