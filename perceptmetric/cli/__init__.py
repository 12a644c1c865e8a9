"""The command `perceptmetric`: which pairs it measures, how it writes their distances, and how it draws a map."""
