"""Does more distortion lie farther away? A check without opinion scores."""
