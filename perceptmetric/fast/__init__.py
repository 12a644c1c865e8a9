"""The frozen network on CPU by fewer passes over memory: the plain layers' results and gradients."""
