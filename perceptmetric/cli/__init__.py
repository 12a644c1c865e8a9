"""`perceptmetric REFERENCE DISTORTED...`: pairs, their table, and the map drawn over an image."""
